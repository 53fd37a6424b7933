/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_DESCRIBE_H
#define EDGE_DESCRIBE_H

#include "edge/apply.h"
#include "edge/spill.h"

/* What rows say of their items, brought together for the catalogue: of each item the latest name,
 * brand, category and price, each on its own. */

typedef struct fbk__describe fbk__describe;

/** @param budget, dir  as of fbk__spill_new(). */
fbk_status
fbk__describe_new(fbk *db, size_t budget, const char *dir, fbk__describe **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__describe_free(fbk__describe *d);

/** A good row; one that says nothing of its item, or what the row before said, costs little. */
fbk_status
fbk__describe_add(fbk__describe *d, const fbk__row *row) FBK_MUST_USE;

/** Write the catalogue, 4096 items a commit. */
fbk_status
fbk__describe_store(fbk__describe *d, uint64_t *out_items) FBK_MUST_USE;

#endif
