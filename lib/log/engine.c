/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/engine.h"

#include <string.h>

#include <sodium.h>

#include "log/job.h"

/* Views of the log: made from the file, shared by all readers, replaced at each commit. */

enum { TAIL_CAP = 4096, HOT_KEEP = 1 << 12 };

static const char engine_key; /* its address names the engine among the store's objects */

/* -- counted things ---------------------------------------------------------------------------- */

void
fbk__sets_unref(fbk__sets *sets)
{
    fbk_allocator a;

    if (!sets || __atomic_sub_fetch(&sets->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    a = sets->a;
    (void)__atomic_sub_fetch(sets->n_alive, 1, __ATOMIC_ACQ_REL);
    for (uint32_t i = 0; i < sets->n_segments; i++)
        fbk__segment_unref(sets->segments[i]);
    for (uint32_t i = 0; i < sets->n_runs; i++)
        fbk__run_unref(sets->runs[i]);
    fbk__free(&a, sets->segments);
    fbk__free(&a, sets->runs);
    fbk__free(&a, sets);
}

fbk__view *
fbk__view_ref(fbk__view *view)
{
    (void)__atomic_add_fetch(&view->refs, 1, __ATOMIC_ACQ_REL);
    return view;
}

void
fbk__view_unref(fbk__view *view)
{
    fbk_allocator a;

    if (!view || __atomic_sub_fetch(&view->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    a = view->a;
    fbk__sets_unref(view->sets);
    fbk__tail_unref(view->tail);
    fbk__free(&a, view);
}

fbk_status
fbk__view_copy(fbk *db, const fbk__view *view, fbk__view **out)
{
    fbk__view *copy = fbk__alloc(fbk__a(db), sizeof *copy);

    if (!copy)
        return fbk__nomem(db);
    /* Field by field: others count their references to it meanwhile. */
    *copy = (fbk__view){.refs = 1,
                        .a = view->a,
                        .epoch = view->epoch,
                        .erasures = view->erasures,
                        .last_seq = view->last_seq,
                        .sealed_event = view->sealed_event,
                        .total = view->total,
                        .sets = view->sets,
                        .tail = view->tail,
                        .n_tail = view->n_tail,
                        .tail_rows = view->tail_rows};
    (void)__atomic_add_fetch(&copy->sets->refs, 1, __ATOMIC_ACQ_REL);
    (void)fbk__tail_ref(copy->tail);
    *out = copy;
    return FBK_OK;
}

/* -- the state in the file --------------------------------------------------------------------- */

fbk_status
fbk__state_read(fbk *db, fbk__state *out)
{
    static const char sql[] = "SELECT epoch, erasures, sealed_seq, last_event, events, lines, "
                              "nodes, first_us, last_us FROM log_state WHERE one = 1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        *out = (fbk__state){(uint64_t)fbk__column_int64(st, 0),
                            (uint64_t)fbk__column_int64(st, 1),
                            fbk__column_int64(st, 2),
                            {(uint64_t)fbk__column_int64(st, 3), (uint64_t)fbk__column_int64(st, 4),
                             (uint64_t)fbk__column_int64(st, 5), (uint64_t)fbk__column_int64(st, 6),
                             fbk__column_int64(st, 7), fbk__column_int64(st, 8)}};
    } else if (rc == FBK_DONE) {
        rc = fbk__fail(db, FBK_ECORRUPT, "the state of the event log was missing");
    }
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__state_write(fbk *db, const fbk__state *state)
{
    static const char sql[] =
        "UPDATE log_state SET epoch = ?1, erasures = ?2, sealed_seq = ?3, last_event = ?4, "
        "events = ?5, lines = ?6, nodes = ?7, first_us = ?8, last_us = ?9 WHERE one = 1";
    const fbk__log_total *t = &state->total;
    const int64_t values[] = {(int64_t)state->epoch,
                              (int64_t)state->erasures,
                              state->sealed_seq,
                              (int64_t)t->last_event,
                              (int64_t)t->events,
                              (int64_t)t->lines,
                              (int64_t)t->nodes,
                              t->first_us,
                              t->last_us};
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    for (int i = 0; i < (int)(sizeof values / sizeof values[0]); i++)
        fbk__bind_int64(st, i + 1, values[i]);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

/* Highest number in the tail, or `sealed` when it is empty. */
static fbk_status
state_last_seq(fbk *db, int64_t sealed, int64_t *out)
{
    static const char sql[] = "SELECT max(seq) FROM log_tail";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    *out = rc == FBK_OK && !fbk__column_is_null(st, 0) ? fbk__column_int64(st, 0) : sealed;
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* -- loading ----------------------------------------------------------------------------------- */

/* Ids are asked for in ascending order: *at goes along. */
static fbk__segment *
sets_segment(const fbk__sets *sets, uint32_t *at, int64_t id, uint64_t version)
{
    while (sets && *at < sets->n_segments && sets->segments[*at]->id < id)
        ++*at;
    if (!sets || *at == sets->n_segments || sets->segments[*at]->id != id ||
        sets->segments[*at]->version != version)
        return NULL;
    return fbk__segment_ref(sets->segments[*at]);
}

static fbk__run *
sets_run(const fbk__sets *sets, uint32_t *at, int64_t id)
{
    while (sets && *at < sets->n_runs && sets->runs[*at]->id < id)
        ++*at;
    if (!sets || *at == sets->n_runs || sets->runs[*at]->id != id)
        return NULL;
    return fbk__run_ref(sets->runs[*at]);
}

/* Pairs (id, version) of what is live, ascending; the caller frees. */
static fbk_status
sets_ids(fbk *db, const char *sql, int64_t **out, size_t *out_n)
{
    int64_t *ids = NULL;
    size_t cap = 0;
    size_t n = 0;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    while ((rc = fbk__step(st)) == FBK_OK) {
        if (!fbk__grow(fbk__a(db), &ids, &cap, 2 * n + 2, sizeof *ids)) {
            rc = fbk__nomem(db);
            break;
        }
        ids[2 * n] = fbk__column_int64(st, 0);
        ids[2 * n++ + 1] = fbk__column_int64(st, 1);
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

static fbk_status
sets_load_segments(fbk *db, const fbk__sets *old, fbk__sets *sets)
{
    static const char sql[] =
        "SELECT segment, version FROM log_segment WHERE state = 1 ORDER BY segment";
    int64_t *ids = NULL;
    size_t n = 0;
    uint32_t at = 0;
    fbk_status rc = sets_ids(db, sql, &ids, &n);

    if (rc >= 0) {
        sets->segments = fbk__calloc(&sets->a, n + 1, sizeof(fbk__segment *));
        rc = sets->segments ? FBK_OK : fbk__nomem(db);
    }
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        fbk__segment *segment = sets_segment(old, &at, ids[2 * i], (uint64_t)ids[2 * i + 1]);

        if (!segment)
            rc = fbk__segment_load(db, ids[2 * i], &segment);
        if (rc >= 0)
            sets->segments[sets->n_segments++] = segment;
    }
    fbk__free(fbk__a(db), ids);
    return rc;
}

static fbk_status
sets_load_runs(fbk *db, const fbk__sets *old, fbk__sets *sets)
{
    static const char sql[] = "SELECT run, 0 FROM log_run WHERE state = 1 ORDER BY run";
    int64_t *ids = NULL;
    size_t n = 0;
    uint32_t at = 0;
    fbk_status rc = sets_ids(db, sql, &ids, &n);

    if (rc >= 0) {
        sets->runs = fbk__calloc(&sets->a, n + 1, sizeof(fbk__run *));
        rc = sets->runs ? FBK_OK : fbk__nomem(db);
    }
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        fbk__run *run = sets_run(old, &at, ids[2 * i]);

        if (!run)
            rc = fbk__run_load(db, ids[2 * i], &run);
        if (rc >= 0)
            sets->runs[sets->n_runs++] = run;
    }
    fbk__free(fbk__a(db), ids);
    return rc;
}

fbk_status
fbk__sets_load(fbk *db, const fbk__sets *old, fbk__sets **out)
{
    fbk__engine *e = NULL;
    fbk__sets *sets;
    fbk_status rc = fbk__engine_get(db, &e);

    if (rc < 0)
        return rc;
    sets = fbk__calloc(fbk__a(db), 1, sizeof *sets);
    if (!sets) {
        fbk__shared_release(&e->head);
        return fbk__nomem(db);
    }
    sets->refs = 1;
    sets->a = *fbk__a(db);
    sets->n_alive = &e->n_sets; /* which outlives every view */
    (void)__atomic_add_fetch(sets->n_alive, 1, __ATOMIC_ACQ_REL);
    fbk__shared_release(&e->head);
    rc = sets_load_segments(db, old, sets);
    if (rc >= 0)
        rc = sets_load_runs(db, old, sets);
    if (rc < 0)
        fbk__sets_unref(sets);
    else
        *out = sets;
    return rc;
}

/* Records above view->last_seq. */
static fbk_status
view_load_tail(fbk *db, fbk__codec *c, fbk__view *view)
{
    static const char sql[] = "SELECT seq, record FROM log_tail WHERE seq > ?1 ORDER BY seq";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, view->last_seq);
    while ((rc = fbk__step(st)) == FBK_OK) {
        fbk__record *record = NULL;
        size_t len;
        const void *bytes = fbk__column_blob(st, 1, &len);

        rc = fbk__record_unpack(db, c, fbk__column_int64(st, 0), bytes, len, &record);
        if (rc >= 0)
            rc = fbk__tail_add(db, &view->tail, view->n_tail, record);
        if (rc >= 0) {
            view->n_tail++;
            view->tail_rows += record->rows;
            view->last_seq = record->seq;
            view->total = record->total;
        }
        fbk__record_unref(record);
        if (rc < 0)
            break;
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* A view of what the connection sees, `base` (may be NULL) taken over as far as it holds. Inside a
 * read or write transaction, with the engine's lock held. */
static fbk_status
view_load(fbk *db, fbk__codec *c, fbk__view *base, fbk__view **out)
{
    fbk__view *view = NULL;
    fbk__state state;
    int64_t last;
    fbk_status rc = fbk__state_read(db, &state);

    if (rc >= 0)
        rc = state_last_seq(db, state.sealed_seq, &last);
    if (rc < 0)
        return rc;
    if (base && base->epoch == state.epoch && base->last_seq == last) {
        *out = fbk__view_ref(base);
        return FBK_OK;
    }
    /* A base that is ahead of what is seen here (it was committed since) is no base. */
    if (base && base->epoch == state.epoch && base->last_seq < last) {
        rc = fbk__view_copy(db, base, &view);
    } else {
        view = fbk__calloc(fbk__a(db), 1, sizeof *view);
        rc = view ? FBK_OK : fbk__nomem(db);
        if (rc >= 0) {
            *view = (fbk__view){.refs = 1,
                                .a = *fbk__a(db),
                                .epoch = state.epoch,
                                .erasures = state.erasures,
                                .last_seq = state.sealed_seq,
                                .sealed_event = state.total.last_event,
                                .total = state.total};
            rc = fbk__sets_load(db, base ? base->sets : NULL, &view->sets);
        }
        if (rc >= 0)
            rc = fbk__tail_new(db, TAIL_CAP, &view->tail);
    }
    if (rc >= 0)
        rc = view_load_tail(db, c, view);
    if (rc < 0)
        fbk__view_unref(view);
    else
        *out = view;
    return rc;
}

fbk_status
fbk__view_read(fbk *db, fbk__view **out)
{
    fbk__codec codec;
    fbk_status rc = fbk__read_begin(db);

    if (rc < 0)
        return rc;
    fbk__codec_init(&codec, fbk__a(db));
    rc = view_load(db, &codec, NULL, out);
    fbk__codec_free(&codec);
    fbk__read_end(db);
    return rc;
}

/* -- the engine -------------------------------------------------------------------------------- */

static void
engine_destroy(fbk__shared *me)
{
    fbk__engine *e = (fbk__engine *)(void *)me;
    fbk_allocator a = *e->head.a;

    fbk__jobs_forget(e);
    fbk__cache_clear(e);
    fbk__view_unref(e->view);
    fbk__view_unref(e->writing);
    fbk__view_unref(e->indexed);
    fbk__keymap_free(&e->ids);
    fbk__keymap_free(&e->nodes);
    fbk__codec_free(&e->codec);
    fbk__buf_free(&e->bytes);
    fbk__free(&a, e->block);
    sodium_memzero(e->key, sizeof e->key);
    (void)pthread_mutex_destroy(&e->lock);
    fbk__free(&a, e);
}

static fbk_status
engine_new(fbk *db, fbk__engine **out)
{
    const fbk_allocator *a = fbk__store_allocator(db);
    fbk__engine *e = fbk__calloc(a, 1, sizeof *e);
    fbk__run_block *block = fbk__calloc(a, 1, sizeof *block);

    if (!e || !block || sodium_init() < 0) {
        fbk__free(a, e);
        fbk__free(a, block);
        return fbk__nomem(db);
    }
    e->head = (fbk__shared){.refs = 1, .a = a, .destroy = engine_destroy};
    (void)pthread_mutex_init(&e->lock, NULL);
    fbk__keymap_init(&e->ids, a);
    fbk__keymap_init(&e->nodes, a);
    fbk__codec_init(&e->codec, a);
    fbk__buf_init(&e->bytes, a);
    e->block = block;
    e->cache.most = FBK__CACHE_BYTES;
    randombytes_buf(&e->owner, sizeof e->owner);
    *out = e;
    return FBK_OK;
}

fbk_status
fbk__engine_get(fbk *db, fbk__engine **out)
{
    fbk__engine *made = NULL;
    fbk__shared *now = fbk__shared_acquire(db, &engine_key);
    fbk_status rc;

    if (now) {
        *out = (fbk__engine *)(void *)now;
        return FBK_OK;
    }
    rc = engine_new(db, &made);
    if (rc < 0)
        return rc;
    rc = fbk__shared_offer(db, &engine_key, &made->head);
    fbk__shared_release(&made->head);
    if (rc < 0)
        return rc;
    *out = (fbk__engine *)(void *)fbk__shared_acquire(db, &engine_key);
    return FBK_OK;
}

/* Keep the newest view that was seen; a connection in an older read transaction has its own. */
static void
engine_replace(fbk__engine *e, fbk__view *view)
{
    if (e->view && (view->epoch < e->view->epoch ||
                    (view->epoch == e->view->epoch && view->last_seq <= e->view->last_seq)))
        return;
    fbk__view_unref(e->view);
    e->view = fbk__view_ref(view);
}

fbk_status
fbk__view_get(fbk *db, fbk__view **out)
{
    fbk__engine *e = NULL;
    fbk__view *view = NULL;
    fbk_status rc = fbk__engine_get(db, &e);

    if (rc < 0)
        return rc;
    if (fbk__writing(db)) {
        rc = fbk__engine_begin(db, e);
        if (rc >= 0)
            *out = fbk__view_ref(e->writing);
        fbk__shared_release(&e->head);
        return rc;
    }
    rc = fbk__read_begin(db);
    if (rc >= 0) {
        fbk__codec codec;

        fbk__codec_init(&codec, fbk__a(db));
        (void)pthread_mutex_lock(&e->lock);
        rc = view_load(db, &codec, e->view, &view);
        if (rc >= 0)
            engine_replace(e, view);
        (void)pthread_mutex_unlock(&e->lock);
        fbk__codec_free(&codec);
        fbk__read_end(db);
    }
    if (rc >= 0)
        *out = view;
    fbk__shared_release(&e->head);
    return rc;
}

/* -- the writer -------------------------------------------------------------------------------- */

static void
engine_ended(void *user_data, bool committed)
{
    fbk__engine *e = user_data;

    if (committed && e->writing) {
        (void)pthread_mutex_lock(&e->lock);
        engine_replace(e, e->writing);
        (void)pthread_mutex_unlock(&e->lock);
    }
    if (!committed) {
        /* The look-ups hold what was taken back. */
        fbk__view_unref(e->indexed);
        e->indexed = NULL;
        fbk__jobs_forget(e); /* so do they */
    }
    fbk__view_unref(e->writing);
    e->writing = NULL;
    fbk__shared_release(&e->head);
}

/* Enter the records of the view from number `first` on into the look-ups. */
static fbk_status
engine_index_records(fbk *db, fbk__engine *e, const fbk__view *view, uint32_t first)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = first; rc >= 0 && i < view->n_tail; i++)
        rc = fbk__engine_index(db, e, view, i);
    return rc;
}

static fbk_status
engine_index_view(fbk *db, fbk__engine *e)
{
    fbk__view *now = e->writing;
    uint32_t first = 0;
    fbk_status rc;

    if (e->indexed == now)
        return FBK_OK;
    if (e->indexed && e->indexed->epoch == now->epoch && e->indexed->n_tail <= now->n_tail) {
        first = e->indexed->n_tail;
    } else {
        fbk__keymap_clear(&e->ids, SIZE_MAX);
        if (!e->indexed || e->indexed->erasures != now->erasures)
            fbk__keymap_clear(&e->nodes, HOT_KEEP);
    }
    rc = engine_index_records(db, e, now, first);
    fbk__view_unref(e->indexed);
    e->indexed = rc < 0 ? NULL : fbk__view_ref(now);
    return rc;
}

fbk_status
fbk__engine_begin(fbk *db, fbk__engine *engine)
{
    fbk_status rc;

    if (engine->writing)
        return FBK_OK;
    rc = fbk__write_on_end(db, engine_ended, engine);
    if (rc < 0)
        return rc;
    (void)__atomic_add_fetch(&engine->head.refs, 1, __ATOMIC_ACQ_REL);
    (void)pthread_mutex_lock(&engine->lock);
    if (engine->view && engine->foreign == fbk__write_foreign(db))
        engine->writing = fbk__view_ref(engine->view);
    else
        rc = view_load(db, &engine->codec, engine->view, &engine->writing);
    if (rc >= 0) {
        engine_replace(engine, engine->writing);
        engine->foreign = fbk__write_foreign(db);
    }
    (void)pthread_mutex_unlock(&engine->lock);
    return rc < 0 ? rc : engine_index_view(db, engine);
}

void
fbk__engine_extend(fbk__engine *engine, fbk__view *view)
{
    fbk__view_unref(engine->writing);
    fbk__view_unref(engine->indexed);
    engine->writing = view;
    engine->indexed = fbk__view_ref(view);
}

fbk_status
fbk__engine_set(fbk *db, fbk__engine *engine, fbk__view *view)
{
    fbk__view_unref(engine->writing);
    engine->writing = view;
    return engine_index_view(db, engine);
}
