/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/job.h"

#include <string.h>

/* -- statements -------------------------------------------------------------------------------- */

/* One statement for segments, one for runs. */
static fbk_status
job_run(fbk *db, const char *sql, const int64_t *values, int n)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    for (int i = 0; i < n; i++)
        fbk__bind_int64(st, 1 + i, values[i]);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

/* The numbers that a statement gives (its parameter, if it has one, is `value`), in a block that
 * the caller frees. */
static fbk_status
job_ids(fbk *db, const char *sql, const int64_t *value, int64_t **out, size_t *out_n)
{
    int64_t *ids = NULL;
    size_t cap = 0;
    size_t n = 0;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    if (value)
        fbk__bind_int64(st, 1, *value);
    while ((rc = fbk__step(st)) == FBK_OK) {
        if (!fbk__grow(fbk__a(db), &ids, &cap, n + 1, sizeof *ids)) {
            rc = fbk__nomem(db);
            break;
        }
        ids[n++] = fbk__column_int64(st, 0);
    }
    fbk__stmt_put(st);
    if (rc < 0) {
        fbk__free(fbk__a(db), ids);
        return rc;
    }
    *out = ids;
    *out_n = n;
    return FBK_OK;
}

/* -- in memory --------------------------------------------------------------------------------- */

static void
job_free(fbk__engine *e, fbk__job *job)
{
    if (job->segments)
        fbk__segment_merge_free(job->segments);
    if (job->runs)
        fbk__run_merge_free(job->runs);
    fbk__free(e->head.a, job);
}

static fbk__job *
job_find(const fbk__engine *e, uint32_t kind, int64_t output)
{
    fbk__job *job = e->jobs;

    while (job && (job->kind != kind || job->output != output))
        job = job->next;
    return job;
}

static void
job_forget(fbk__engine *e, fbk__job *job)
{
    fbk__job **at = &e->jobs;

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    job_free(e, job);
}

void
fbk__jobs_forget(fbk__engine *engine)
{
    while (engine->jobs)
        job_forget(engine, engine->jobs);
}

/* -- in the file ------------------------------------------------------------------------------- */

static void
jobs_prune(fbk__engine *e, uint32_t kind, const fbk__job_row *rows, uint32_t n)
{
    for (fbk__job *job = e->jobs, *next; job; job = next) {
        uint32_t i = 0;

        next = job->next;
        while (i < n && (rows[i].output != job->output || rows[i].owner != e->owner))
            i++;
        if (job->kind == kind && i == n)
            job_forget(e, job);
    }
}

fbk_status
fbk__job_rows(fbk *db, fbk__engine *engine, uint32_t kind, fbk__job_row rows[FBK__JOBS_MAX],
              uint32_t *out_n)
{
    static const char segment_sql[] = "SELECT segment, owner, changed_us, level FROM log_segment "
                                      "WHERE state <> 1 AND state = 0 ORDER BY level, segment";
    static const char run_sql[] =
        "SELECT run, owner, changed_us, level FROM log_run "
        "WHERE state <> 1 AND state = 0 AND kind = ?1 ORDER BY level, run";
    fbk__stmt *st = NULL;
    uint32_t n = 0;
    fbk_status rc = fbk__stmt_get(db, kind ? run_sql : segment_sql, &st);

    if (rc >= 0 && kind)
        fbk__bind_int64(st, 1, kind);
    while (rc == FBK_OK && n < FBK__JOBS_MAX && (rc = fbk__step(st)) == FBK_OK)
        rows[n++] = (fbk__job_row){fbk__column_int64(st, 0), fbk__column_int64(st, 1),
                                   fbk__column_int64(st, 2), (uint32_t)fbk__column_int64(st, 3), 0};
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    jobs_prune(engine, kind, rows, n);
    *out_n = n;
    return FBK_OK;
}

bool
fbk__job_is_free(const fbk__engine *engine, const fbk__job_row *row)
{
    int64_t age_us = fbk__log_now_us() - row->changed_us;

    return row->owner == engine->owner || row->owner == 0 || age_us > FBK__JOB_STALE_US ||
           age_us < -FBK__JOB_STALE_US; /* the clock was set back */
}

fbk_status
fbk__job_claimed(fbk *db, uint32_t kind, int64_t **out_ids, size_t *out_n)
{
    static const char segment_sql[] =
        "SELECT segment FROM log_segment WHERE target <> 0 ORDER BY segment";
    static const char run_sql[] =
        "SELECT run FROM log_run WHERE target <> 0 AND kind = ?1 ORDER BY run";
    const int64_t value = kind;

    return job_ids(db, kind ? run_sql : segment_sql, kind ? &value : NULL, out_ids, out_n);
}

static fbk_status
job_own(fbk *db, uint32_t kind, int64_t output, int64_t owner)
{
    static const char segment_sql[] =
        "UPDATE log_segment SET owner = ?2, changed_us = ?3 WHERE segment = ?1";
    static const char run_sql[] = "UPDATE log_run SET owner = ?2, changed_us = ?3 WHERE run = ?1";
    const int64_t values[] = {output, owner, fbk__log_now_us()};

    return job_run(db, kind ? run_sql : segment_sql, values, 3);
}

/* Leave the inputs as they are; what was built is cleared away as what is long dead. */
static fbk_status
job_give_up(fbk *db, fbk__engine *e, uint32_t kind, int64_t output)
{
    static const char segment_sql[] =
        "UPDATE log_segment SET target = 0 WHERE target <> 0 AND target = ?1";
    static const char run_sql[] = "UPDATE log_run SET target = 0 WHERE target <> 0 AND target = ?1";
    fbk__job *job = job_find(e, kind, output);
    fbk_status rc = job_run(db, kind ? run_sql : segment_sql, &output, 1);

    if (job)
        job_forget(e, job);
    if (rc < 0)
        return rc;
    return kind ? fbk__run_set_state(db, output, FBK__SEGMENT_DEAD, 0)
                : fbk__segment_set_state(db, output, FBK__SEGMENT_DEAD, 0);
}

/* -- beginning and going on -------------------------------------------------------------------- */

static fbk__segment *
find_segment(const fbk__sets *sets, int64_t id)
{
    for (uint32_t i = 0; i < sets->n_segments; i++) {
        if (sets->segments[i]->id == id)
            return sets->segments[i];
    }
    return NULL;
}

static fbk__run *
find_run(const fbk__sets *sets, int64_t id)
{
    for (uint32_t i = 0; i < sets->n_runs; i++) {
        if (sets->runs[i]->id == id)
            return sets->runs[i];
    }
    return NULL;
}

/* Make job->segments or job->runs; FBK_ENOTFOUND when an input is not live. */
static fbk_status
job_open(fbk *db, fbk__job *job, const int64_t *ids, uint32_t n, const fbk__sets *sets)
{
    void **inputs = fbk__calloc(fbk__a(db), n, sizeof *inputs);
    fbk_status rc = inputs ? FBK_OK : fbk__nomem(db);

    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        inputs[i] = job->kind ? (void *)find_run(sets, ids[i]) : (void *)find_segment(sets, ids[i]);
        rc = inputs[i] ? FBK_OK : FBK_ENOTFOUND;
    }
    if (rc >= 0 && job->kind)
        rc = fbk__run_merge_new(db, (fbk__run *const *)inputs, n, job->output, &job->runs);
    else if (rc >= 0)
        rc = fbk__segment_merge_new(db, (fbk__segment *const *)inputs, n, job->output,
                                    &job->segments);
    fbk__free(fbk__a(db), inputs);
    return rc;
}

static fbk_status
job_new(fbk *db, fbk__engine *e, uint32_t kind, const fbk__job_row *row, const int64_t *ids,
        uint32_t n, const fbk__sets *sets, fbk__job **out)
{
    fbk__job *job = fbk__calloc(e->head.a, 1, sizeof *job);
    fbk_status rc;

    if (!job)
        return fbk__nomem(db);
    job->kind = kind;
    job->level = row->level;
    job->output = row->output;
    rc = job_open(db, job, ids, n, sets);
    if (rc < 0) {
        job_free(e, job);
        return rc;
    }
    job->next = e->jobs;
    e->jobs = job;
    *out = job;
    return FBK_OK;
}

static fbk_status
job_claim(fbk *db, uint32_t kind, int64_t id, int64_t output)
{
    static const char segment_sql[] = "UPDATE log_segment SET target = ?2 WHERE segment = ?1";
    static const char run_sql[] = "UPDATE log_run SET target = ?2 WHERE run = ?1";
    const int64_t values[] = {id, output};

    return job_run(db, kind ? run_sql : segment_sql, values, 2);
}

fbk_status
fbk__job_begin(fbk *db, fbk__engine *engine, uint32_t kind, uint32_t level, const int64_t *ids,
               uint32_t n, const fbk__sets *sets, fbk__job **out)
{
    fbk__job_row row = {.level = level};
    fbk__run_writer *run = NULL;
    fbk__segment_writer segment;
    fbk_status rc;

    if (kind) {
        run = fbk__alloc(fbk__a(db), sizeof *run);
        if (!run)
            return fbk__nomem(db);
        rc = fbk__run_begin(db, kind, level, engine->owner, 0, run);
        row.output = run->id;
        fbk__run_writer_free(run);
        fbk__free(fbk__a(db), run);
    } else {
        rc = fbk__segment_begin(db, level, engine->owner, &segment);
        row.output = segment.id;
        fbk__segment_writer_free(&segment);
    }
    for (uint32_t i = 0; rc >= 0 && i < n; i++)
        rc = job_claim(db, kind, ids[i], row.output);
    return rc < 0 ? rc : job_new(db, engine, kind, &row, ids, n, sets, out);
}

fbk_status
fbk__job_take(fbk *db, fbk__engine *engine, uint32_t kind, const fbk__job_row *row,
              const fbk__sets *sets, fbk__job **out)
{
    static const char segment_sql[] =
        "SELECT segment FROM log_segment WHERE target <> 0 AND target = ?1 ORDER BY segment";
    static const char run_sql[] =
        "SELECT run FROM log_run WHERE target <> 0 AND target = ?1 ORDER BY run";
    int64_t *ids = NULL;
    size_t n = 0;
    fbk_status rc;

    *out = job_find(engine, kind, row->output);
    if (*out)
        return FBK_OK;
    rc = job_own(db, kind, row->output, engine->owner);
    if (rc >= 0)
        rc = job_ids(db, kind ? run_sql : segment_sql, &row->output, &ids, &n);
    if (rc < 0)
        return rc;
    rc = n ? job_new(db, engine, kind, row, ids, (uint32_t)n, sets, out) : FBK_ENOTFOUND;
    fbk__free(fbk__a(db), ids);
    if (rc != FBK_ENOTFOUND)
        return rc;
    rc = job_give_up(db, engine, kind, row->output);
    return rc < 0 ? rc : FBK_DONE;
}

/* -- working ----------------------------------------------------------------------------------- */

fbk_status
fbk__job_step(fbk *db, fbk__engine *engine, fbk__job *job, uint64_t *rows, uint64_t *keys)
{
    uint64_t before =
        job->kind ? fbk__run_merge_keys(job->runs) : fbk__segment_merge_rows(job->segments);
    fbk_status rc = job->kind ? fbk__run_merge_step(db, &engine->codec, job->runs)
                              : fbk__segment_merge_step(db, &engine->codec, job->segments);

    if (job->kind)
        *keys += fbk__run_merge_keys(job->runs) - before;
    else
        *rows += fbk__segment_merge_rows(job->segments) - before;
    return rc;
}

fbk_status
fbk__job_save(fbk *db, fbk__engine *engine, fbk__job *job)
{
    fbk_status rc =
        job->kind ? fbk__run_merge_save(db, job->runs) : fbk__segment_merge_save(db, job->segments);

    return rc < 0 ? rc : job_own(db, job->kind, job->output, engine->owner);
}

/* Count what was written, and show what is live now. */
static fbk_status
job_show(fbk *db, fbk__job *job, fbk__sets **sets, uint64_t bytes)
{
    static const char sql[] = "UPDATE log_state SET merged_bytes = merged_bytes + ?1 WHERE one = 1";
    const int64_t value = (int64_t)bytes;
    fbk__sets *now = NULL;
    fbk_status rc = job_run(db, sql, &value, 1);

    if (rc >= 0)
        rc = fbk__sets_load(db, *sets, &now);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; job->kind && i < now->n_runs; i++) {
        if (now->runs[i]->id == job->output)
            fbk__run_merge_give_filter(job->runs, now->runs[i]);
    }
    fbk__sets_unref(*sets);
    *sets = now;
    return FBK_OK;
}

fbk_status
fbk__job_publish(fbk *db, fbk__engine *engine, fbk__job *job, fbk__sets **sets, uint64_t *bytes)
{
    static const char segment_sql[] =
        "UPDATE log_segment SET state = 2, changed_us = ?2, target = 0 "
        "WHERE target <> 0 AND target = ?1";
    static const char run_sql[] = "UPDATE log_run SET state = 2, changed_us = ?2, target = 0 "
                                  "WHERE target <> 0 AND target = ?1";
    const int64_t now = fbk__log_now_us();
    const int64_t dead[] = {job->output, now};
    uint64_t written =
        job->kind ? fbk__run_merge_bytes(job->runs) : fbk__segment_merge_bytes(job->segments);
    int state = written ? FBK__SEGMENT_LIVE : FBK__SEGMENT_DEAD;
    fbk_status rc = job->kind ? fbk__run_set_state(db, job->output, state, written ? now : 0)
                              : fbk__segment_set_state(db, job->output, state, now);

    if (rc >= 0)
        rc = job_run(db, job->kind ? run_sql : segment_sql, dead, 2);
    if (rc >= 0)
        rc = job_show(db, job, sets, written);
    if (rc < 0)
        return rc;
    *bytes += written;
    job_forget(engine, job);
    return FBK_OK;
}

fbk_status
fbk__jobs_release(fbk *db, fbk__engine *engine)
{
    fbk_status rc = FBK_OK;

    for (fbk__job *job = engine->jobs; rc >= 0 && job; job = job->next)
        rc = job_own(db, job->kind, job->output, 0);
    fbk__jobs_forget(engine);
    return rc;
}

fbk_status
fbk__jobs_give_up(fbk *db, fbk__engine *engine)
{
    fbk_status rc = FBK_OK;

    for (uint32_t kind = 0; rc >= 0 && kind < FBK__N_JOB_KINDS; kind++) {
        fbk__job_row rows[FBK__JOBS_MAX];
        uint32_t n = 0;

        rc = fbk__job_rows(db, engine, kind, rows, &n);
        for (uint32_t i = 0; rc >= 0 && i < n; i++)
            rc = job_give_up(db, engine, kind, rows[i].output);
    }
    fbk__jobs_forget(engine);
    return rc;
}
