/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_JOB_H
#define LOG_JOB_H

#include "log/engine.h"
#include "log/merge.h"

/* A merge under way, in the file: a segment (or run) in state building, and its inputs, whose
 * target it is. In memory: what the process that works on it has read and not yet written. That is
 * only a convenience: it is thrown away when a transaction is rolled back, and whoever takes the
 * job over goes on behind what is in the file. */

/** What is merged; the numbers of runs are theirs (FBK__RUN_…). */
enum { FBK__JOB_SEGMENTS = 0, FBK__N_JOB_KINDS = 3 };

enum { FBK__JOB_STALE_US = 2 * 1000 * 1000 };

typedef struct fbk__job {
    struct fbk__job *next; /* of the engine's */
    uint32_t kind;
    uint32_t level; /* of the output */
    int64_t output;
    fbk__segment_merge *segments; /* one of these */
    fbk__run_merge *runs;
} fbk__job;

/** A row in state building. */
typedef struct fbk__job_row {
    int64_t output;
    int64_t owner;
    int64_t changed_us;
    uint32_t level;
    uint32_t unused;
} fbk__job_row;

enum { FBK__JOBS_MAX = 32 }; /* of a kind; more are never begun */

/** Those of a kind, lowest level first; those in memory that are not in the file are forgotten. */
fbk_status
fbk__job_rows(fbk *db, fbk__engine *engine, uint32_t kind, fbk__job_row rows[FBK__JOBS_MAX],
              uint32_t *out_n) FBK_MUST_USE;

/** May this process work on it now? */
bool
fbk__job_is_free(const fbk__engine *engine, const fbk__job_row *row);

/** Ids of what is being merged, ascending; the caller frees. */
fbk_status
fbk__job_claimed(fbk *db, uint32_t kind, int64_t **out_ids, size_t *out_n) FBK_MUST_USE;

/** Begin to merge these (of one kind, live, not claimed): *out is the engine's. */
fbk_status
fbk__job_begin(fbk *db, fbk__engine *engine, uint32_t kind, uint32_t level, const int64_t *ids,
               uint32_t n, const fbk__sets *sets, fbk__job **out) FBK_MUST_USE;

/** Work on one that was begun: from memory, or taken up from the file. FBK_DONE: it cannot be done
 *  any more, and was given up. */
fbk_status
fbk__job_take(fbk *db, fbk__engine *engine, uint32_t kind, const fbk__job_row *row,
              const fbk__sets *sets, fbk__job **out) FBK_MUST_USE;

/** One step: FBK_OK, or FBK_DONE when the output is whole. *rows and *keys grow. */
fbk_status
fbk__job_step(fbk *db, fbk__engine *engine, fbk__job *job, uint64_t *rows, uint64_t *keys)
    FBK_MUST_USE;

/** At the end of a transaction in which there were steps. */
fbk_status
fbk__job_save(fbk *db, fbk__engine *engine, fbk__job *job) FBK_MUST_USE;

/** The output takes the place of the inputs: *sets is replaced, the job is gone. *bytes grows. */
fbk_status
fbk__job_publish(fbk *db, fbk__engine *engine, fbk__job *job, fbk__sets **sets, uint64_t *bytes)
    FBK_MUST_USE;

/** Let others take over at once what this process was working on. */
fbk_status
fbk__jobs_release(fbk *db, fbk__engine *engine) FBK_MUST_USE;

/** Inside an erase transaction: give up all merges, whoever works on them. */
fbk_status
fbk__jobs_give_up(fbk *db, fbk__engine *engine) FBK_MUST_USE;

/** Forget what is in memory. */
void
fbk__jobs_forget(fbk__engine *engine);

#endif
