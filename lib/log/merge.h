/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_MERGE_H
#define LOG_MERGE_H

#include "log/run.h"
#include "log/segment.h"

/* Merging sorted things into one, step by step: each step is a small piece of work (an input
 * opened, a frame or a block written), and whatever a step wrote can be taken up by another
 * process. All of it inside write transactions; a merge that was rolled back must be thrown away
 * and taken up again. */

/* -- which input comes first ------------------------------------------------------------------- */

/** Orders by a, then b, then c. All ones: nothing left. */
typedef struct fbk__rank {
    uint64_t a, b, c;
} fbk__rank;

/** A tree of losers: Knuth, "The Art of Computer Programming" 3, 5.4.1. */
typedef struct fbk__tourney {
    fbk__rank *rank; /* of each input */
    uint32_t *loser; /* loser[0] is the winner */
    uint32_t n;
} fbk__tourney;

/** Every input at its end. FBK_ENOMEM. */
fbk_status
fbk__tourney_init(fbk__tourney *t, const fbk_allocator *a, uint32_t n) FBK_MUST_USE;
void
fbk__tourney_free(fbk__tourney *t, const fbk_allocator *a);

/** Play the whole tournament: once, when the rank of every input is set. */
void
fbk__tourney_begin(fbk__tourney *t);

/** The winner's new rank. */
void
fbk__tourney_next(fbk__tourney *t, fbk__rank rank);

/** The input that comes first; when its rank is the end's, all are at theirs. */
static inline uint32_t
fbk__tourney_winner(const fbk__tourney *t)
{
    return t->loser[0];
}

extern const fbk__rank fbk__rank_end;

static inline bool
fbk__rank_is_end(const fbk__rank *r)
{
    return (r->a & r->b & r->c) == UINT64_MAX;
}

/* -- merges ------------------------------------------------------------------------------------ */

/** A merge of segments. */
typedef struct fbk__segment_merge fbk__segment_merge;

/** Prepare one over these inputs (counted), to write the segment `output`, which is in state
 *  building; what was saved of it is taken up. */
fbk_status
fbk__segment_merge_new(fbk *db, fbk__segment *const *inputs, uint32_t n, int64_t output,
                       fbk__segment_merge **out) FBK_MUST_USE;
void
fbk__segment_merge_free(fbk__segment_merge *m);

/** One step: FBK_OK, or FBK_DONE when the output is whole. */
fbk_status
fbk__segment_merge_step(fbk *db, fbk__codec *c, fbk__segment_merge *m) FBK_MUST_USE;

/** At the end of the transaction: see fbk__segment_save(). */
fbk_status
fbk__segment_merge_save(fbk *db, fbk__segment_merge *m) FBK_MUST_USE;

/** Rows merged; bytes written in all, when it is done. */
uint64_t
fbk__segment_merge_rows(const fbk__segment_merge *m);
uint64_t
fbk__segment_merge_bytes(const fbk__segment_merge *m);

/** Memory that this one takes while it is merged, about. */
uint64_t
fbk__segment_merge_memory(const fbk__segment *segment);

/** The same for runs. */
typedef struct fbk__run_merge fbk__run_merge;

fbk_status
fbk__run_merge_new(fbk *db, fbk__run *const *inputs, uint32_t n, int64_t output,
                   fbk__run_merge **out) FBK_MUST_USE;
void
fbk__run_merge_free(fbk__run_merge *m);
fbk_status
fbk__run_merge_step(fbk *db, fbk__codec *c, fbk__run_merge *m) FBK_MUST_USE;
fbk_status
fbk__run_merge_save(fbk *db, fbk__run_merge *m) FBK_MUST_USE;
uint64_t
fbk__run_merge_keys(const fbk__run_merge *m);
/** 0 when it is done: no input had a key, and the output is not to be published. */
uint64_t
fbk__run_merge_bytes(const fbk__run_merge *m);

/** Give the filter that was made to the run that was read back, which would read it again. */
void
fbk__run_merge_give_filter(fbk__run_merge *m, fbk__run *run);

#endif
