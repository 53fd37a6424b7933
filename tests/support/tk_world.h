/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TK_WORLD_H
#define SUPPORT_TK_WORLD_H

#include <feedback/store.h>

/* Stores with a row in every table, and everything that one can ask them as one number. */

/** Make one of so many sales (at least 40), some of them sealed, some erased, some not sealed yet. */
void
tk_world_make(const char *path, uint32_t n_sales);

/** A hash over the answers to: counts, all events, links, catalogue, stock, places, weather, models,
 *  the profile of each person, recommendations. FBK_OK, or the first failure, with nothing leaked.
 *  The store is opened read-only. */
fbk_status
tk_world_digest(const char *path, uint64_t *out) FBK_MUST_USE;

#endif
