/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/options.h"
#include "log/append.h"
#include "log/compact.h"

/* Maintenance: everything that appends leave for later, in transactions so short that others hardly
 * notice. What is half done when the budget ends is in the file, and the next one goes on there. */

#define MAINTAIN_OPTIONS_V1_SIZE 32u
#define MAINTAIN_RESULT_V1_SIZE 64u
_Static_assert(sizeof(fbk_maintain_options) == MAINTAIN_OPTIONS_V1_SIZE, "maintain options v1");
_Static_assert(sizeof(fbk_maintain_result) == MAINTAIN_RESULT_V1_SIZE, "maintain result v1");

enum {
    MAINTAIN_FLAGS = FBK_MAINTAIN_FULL | FBK_MAINTAIN_VACUUM | FBK_MAINTAIN_NO_WAIT,
    KEEP = 3, /* segments, and runs of each kind */
    MEMORY_MIB = 128,
    SLICE_US = 20000,
    TELL_US = 100000,
    WAIT_US = 10000,
    CHECKPOINT_TRIES_US = 1000000, /* how long readers may keep the WAL from being cut */
    WAL_MOST = 32 << 20            /* bytes; above it the readers are waited for */
};

/* An erasure is made physical by a call without a budget at once, by any call after a day. */
static const int64_t erased_wait_us = INT64_C(86400000000);

typedef struct maintain {
    fbk *db;
    fbk__engine *engine;
    fbk_maintain_options opt;
    fbk__slice slice;
    uint64_t file_bytes;
    int64_t until_us;
    int64_t told_us;
    bool more;
} maintain;

/* -- time -------------------------------------------------------------------------------------- */

static bool
out_of_time(const maintain *m)
{
    return fbk__log_ticks_us() >= m->until_us;
}

static fbk_status
tell(maintain *m)
{
    int64_t now = fbk__log_ticks_us();

    if (!m->opt.progress || now - m->told_us < TELL_US)
        return FBK_OK;
    m->told_us = now;
    return fbk__callback_status(
        m->db, m->opt.progress(m->opt.progress_user_data, m->slice.rows + m->slice.keys, 0));
}

static fbk_status
wait_a_little(maintain *m)
{
    const struct timespec t = {0, WAIT_US * 1000};

    (void)nanosleep(&t, NULL);
    return tell(m);
}

/* -- merging and clearing ---------------------------------------------------------------------- */

/* What was there when maintenance began. */
static fbk_status
look_around(maintain *m)
{
    fbk__view *view = NULL;
    fbk_status rc = fbk__view_get(m->db, &view);

    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < view->sets->n_segments; i++)
        m->slice.newest[FBK__JOB_SEGMENTS] = view->sets->segments[i]->id;
    for (uint32_t i = 0; i < view->sets->n_runs; i++)
        m->slice.newest[view->sets->runs[i]->kind] = view->sets->runs[i]->id;
    fbk__view_unref(view);
    return FBK_OK;
}

static fbk_status
compact(maintain *m)
{
    m->slice.until_us = fbk__log_ticks_us() + SLICE_US;
    m->slice.steps = UINT64_MAX;
    return fbk__compact_now(m->db, m->engine, &m->slice);
}

/* Readers that stay long keep the WAL from being written back. */
static fbk_status
keep_wal_small(maintain *m)
{
    fbk_status rc = FBK_OK;

    while (rc >= 0 && fbk__wal_bytes(m->db) > WAL_MOST && !out_of_time(m)) {
        rc = fbk__checkpoint(m->db, true);
        if (rc == FBK_EBUSY)
            rc = wait_a_little(m);
    }
    return rc;
}

/* FBK_DONE: nothing is left to do, but perhaps to wait for. */
static fbk_status
transaction(maintain *m, fbk_status (*work)(maintain *))
{
    fbk_status done;
    fbk_status rc = fbk__write_begin(m->db);

    if (rc < 0)
        return rc;
    done = work(m);
    rc = fbk__write_end(m->db, done);
    if (rc >= 0)
        rc = keep_wal_small(m);
    if (rc >= 0)
        rc = tell(m);
    return rc < 0 ? rc : done;
}

static uint64_t
done_so_far(const maintain *m)
{
    return m->slice.rows + m->slice.keys + m->slice.bytes_written + m->slice.bytes_cleared;
}

static fbk_status
merge_all(maintain *m)
{
    fbk_status rc;

    do {
        uint64_t before = done_so_far(m);

        if (out_of_time(m)) {
            m->more = true;
            return FBK_OK;
        }
        rc = transaction(m, compact);
        if (rc != FBK_DONE || !m->slice.waiting)
            continue;
        if (before != done_so_far(m)) /* what was merged now may be cleared next */
            rc = FBK_OK;
        else if (m->opt.flags & FBK_MAINTAIN_NO_WAIT)
            m->more = true;
        else
            rc = wait_a_little(m);
    } while (rc == FBK_OK);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
release(maintain *m)
{
    fbk_status rc = fbk__engine_begin(m->db, m->engine);

    return rc < 0 ? rc : fbk__jobs_release(m->db, m->engine);
}

/* -- the file ---------------------------------------------------------------------------------- */

static fbk_status
free_pages(maintain *m)
{
    int64_t until = fbk__log_ticks_us() + SLICE_US;
    bool more;
    fbk_status rc;

    do
        rc = fbk__free_pages(m->db, &more);
    while (rc >= 0 && more && fbk__log_ticks_us() < until);
    return rc < 0 ? rc : more ? FBK_OK : FBK_DONE;
}

static fbk_status
free_all(maintain *m)
{
    fbk_status rc;

    do {
        if (out_of_time(m)) {
            m->more = true;
            return FBK_OK;
        }
        rc = transaction(m, free_pages);
    } while (rc == FBK_OK);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
cut_wal(maintain *m)
{
    int64_t until = fbk__log_ticks_us() + CHECKPOINT_TRIES_US;
    fbk_status rc;

    while ((rc = fbk__checkpoint(m->db, true)) == FBK_EBUSY) {
        if (out_of_time(m) || fbk__log_ticks_us() > until) {
            m->more = true;
            fbk__err_clear(m->db);
            return FBK_OK;
        }
        rc = wait_a_little(m);
        if (rc < 0)
            return rc;
    }
    return rc;
}

/* When the oldest erasure was that is not yet physical; 0 = there is none. */
static fbk_status
erased_since(maintain *m, int64_t *out)
{
    char *text = NULL;
    fbk_status rc = fbk__meta_get(m->db, fbk__log_erased_key, &text);

    *out = rc >= 0 ? strtoll(text, NULL, 10) : 0;
    fbk__free(fbk__a(m->db), text);
    if (rc != FBK_ENOTFOUND)
        return rc;
    fbk__err_clear(m->db);
    return FBK_OK;
}

static fbk_status
erased_done(maintain *m)
{
    return fbk__meta_set(m->db, fbk__log_erased_key, "0");
}

static fbk_status
look(void *user_data)
{
    return tell(user_data);
}

static fbk_status
rewrite(maintain *m, bool erased)
{
    fbk_status rc = fbk__vacuum(m->db, look, m);

    if (rc == FBK_EBUSY) {
        /* The file is written anew in the WAL, but readers still look at the old one. */
        fbk__err_clear(m->db);
        m->more = true;
        return FBK_OK;
    }
    if (rc >= 0 && erased)
        rc = transaction(m, erased_done);
    return rc;
}

static fbk_status
shrink(maintain *m)
{
    int64_t since = 0;
    bool erased;
    fbk_status rc = erased_since(m, &since);

    if (rc < 0)
        return rc;
    erased = since && (!m->opt.budget_ms || fbk__log_now_us() - since > erased_wait_us);
    if (since && !erased)
        m->more = true;
    rc = erased || m->opt.flags & FBK_MAINTAIN_VACUUM ? rewrite(m, since != 0) : free_all(m);
    return rc < 0 ? rc : cut_wal(m);
}

/* -- the call ---------------------------------------------------------------------------------- */

static fbk_status
options_check(maintain *m)
{
    fbk_maintain_options *o = &m->opt;

    if (o->flags & ~(uint32_t)MAINTAIN_FLAGS)
        return fbk__fail_at(m->db, FBK_EINVAL, "flags", 0, "flags had unknown bits (0x%x)",
                            o->flags);
    if (o->budget_ms > 86400000)
        return fbk__fail_at(m->db, FBK_ERANGE, "budget_ms", 0,
                            "budget_ms was %u, not 0 to 86400000", o->budget_ms);
    if (o->memory_mib > 65536)
        return fbk__fail_at(m->db, FBK_ERANGE, "memory_mib", 0, "memory_mib was %u, not 0 to 65536",
                            o->memory_mib);
    m->slice.keep = o->flags & FBK_MAINTAIN_FULL ? 1 : KEEP;
    m->slice.memory = (uint64_t)(o->memory_mib ? o->memory_mib : MEMORY_MIB) << 20;
    m->until_us = o->budget_ms ? fbk__log_ticks_us() + (int64_t)o->budget_ms * 1000 : INT64_MAX;
    return FBK_OK;
}

static fbk_status
maintain_all(maintain *m)
{
    fbk_status rc = fbk__log_seal(m->db);

    if (rc >= 0)
        rc = look_around(m);
    if (rc >= 0)
        rc = merge_all(m);
    if (rc < 0 || m->more) {
        fbk_errinfo err = m->db->err;
        fbk_status released = transaction(m, release);

        if (rc < 0)
            m->db->err = err;
        else
            rc = released;
    }
    if (rc >= 0 && !out_of_time(m))
        rc = shrink(m);
    return rc;
}

static fbk_status
result_store(maintain *m, fbk_maintain_result *out)
{
    fbk_maintain_result result = {.struct_size = (uint32_t)sizeof result,
                                  .more = m->more,
                                  .rows_merged = m->slice.rows,
                                  .keys_merged = m->slice.keys,
                                  .bytes_written = m->slice.bytes_written,
                                  .bytes_cleared = m->slice.bytes_cleared,
                                  .file_before = m->file_bytes,
                                  .file_after = fbk__file_bytes(m->db) + fbk__wal_bytes(m->db)};
    fbk__view *view = NULL;
    fbk_status rc = fbk__view_get(m->db, &view);

    if (rc < 0)
        return rc;
    result.n_segments = view->sets->n_segments;
    result.n_runs = view->sets->n_runs;
    fbk__view_unref(view);
    return fbk__result_store(m->db, out, MAINTAIN_RESULT_V1_SIZE, &result, sizeof result);
}

fbk_status
fbk_store_maintain(fbk *db, const fbk_maintain_options *options, fbk_maintain_result *out)
{
    maintain m = {.db = db};
    fbk_status rc = fbk__enter(db);

    if (rc >= 0)
        rc = fbk__options_load(db, &m.opt, sizeof m.opt, MAINTAIN_OPTIONS_V1_SIZE, options);
    if (rc >= 0)
        rc = options_check(&m);
    if (rc >= 0 && fbk__in_transaction(db))
        rc = fbk__fail(db, FBK_EMISUSE, "maintenance was asked for inside a transaction");
    if (rc >= 0 && fbk__store_readonly(db))
        rc = fbk__fail(db, FBK_EREADONLY, "the store was opened read-only");
    if (rc >= 0)
        rc = fbk__engine_get(db, &m.engine);
    if (rc < 0)
        return rc;
    m.file_bytes = fbk__file_bytes(db) + fbk__wal_bytes(db);
    rc = maintain_all(&m);
    if (rc >= 0 && out)
        rc = result_store(&m, out);
    fbk__shared_release(&m.engine->head);
    return rc;
}
