/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_SPILL_H
#define EDGE_SPILL_H

#include "base/err.h"
#include "base/hash.h"

/* Sorting of more records than memory holds: sorted runs in one private temporary file, merged. The
 * file has no name (or loses it at once) and mode 0600, so that nothing stays behind a kill. The
 * order is by key, then seq, then that of adding: always the same. */

typedef struct fbk__spill fbk__spill;

typedef struct fbk__spill_record {
    fbk__hash128 key;
    uint64_t seq;
    const char *bytes; /* valid until the next call */
    size_t len;
} fbk__spill_record;

enum { FBK__SPILL_RECORD_MAX = 1 << 30 };

/** A file that has no name, in a directory (NULL = /var/tmp, else /tmp); -1 and errno. */
int
fbk__open_unnamed(const char *dir);

/** @param budget  bytes held in memory before a run is written; the merge needs at most half of it,
 *                 or 4 KiB a run if that is more.
 *  @param dir     directory for the temporary file, NULL = /var/tmp, else /tmp. Borrowed. */
fbk_status
fbk__spill_new(fbk *db, size_t budget, const char *dir, fbk__spill **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__spill_free(fbk__spill *spill);

/** FBK_ENOMEM; FBK_EFULL, FBK_EIO from the temporary file. */
fbk_status
fbk__spill_add(fbk__spill *spill, fbk__hash128 key, uint64_t seq, const void *bytes, size_t len)
    FBK_MUST_USE;

/** No more records; the next calls give them back in order. */
fbk_status
fbk__spill_sort(fbk__spill *spill) FBK_MUST_USE;

/** FBK_OK, FBK_DONE, or a failure of reading. */
fbk_status
fbk__spill_next(fbk__spill *spill, fbk__spill_record *out) FBK_MUST_USE;

/** Runs written so far; 0 = everything is in memory. */
size_t
fbk__spill_runs(const fbk__spill *spill);

/** Records added. */
uint64_t
fbk__spill_count(const fbk__spill *spill);

#endif
