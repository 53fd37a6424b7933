/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_COMPACT_H
#define LOG_COMPACT_H

#include "log/job.h"

/* Compaction in slices: so much work inside a write transaction, and no more. */

/** What a slice may do, and what it did. */
typedef struct fbk__slice {
    int64_t until_us;                 /* by fbk__log_ticks_us() */
    uint64_t steps;                   /* pieces of work left */
    uint64_t memory;                  /* bytes that the inputs of a merge may take */
    int64_t newest[FBK__N_JOB_KINDS]; /* with keep: the last id that was there when it began */
    uint32_t keep;  /* merge until so many are left of each kind; 0 = what an append does */
    bool alone;     /* no other process works on a merge, whoever it seems to belong to */
    bool unwatched; /* nobody reads what is dead: it need not wait */
    bool waiting;   /* out: there is work that somebody else is doing, or that must wait */
    uint64_t rows, keys, bytes_written, bytes_cleared; /* out: grow */
} fbk__slice;

/** Inside a write transaction: FBK_OK when the slice was used up, FBK_DONE when nothing is left to
 *  do, or to do now: slice->waiting. Shows what it made in the transaction's view; finds out
 *  slice->alone and ->unwatched itself. */
fbk_status
fbk__compact_now(fbk *db, fbk__engine *engine, fbk__slice *slice) FBK_MUST_USE;

#endif
