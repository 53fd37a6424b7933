/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/append.h"

/* Compaction: when a level has FANIN segments (or runs of one kind), they become one of the next
 * level. What went into it stays readable for the grace time of those who still look at it, and is
 * then cleared away in slices. Called inside the transaction that sealed. */

enum {
    FANIN = 8,
    GRACE_US = 60 * 1000 * 1000,
    CLEAR_CHUNKS = 4096 /* deleted at a time */
};

/* -- segments ---------------------------------------------------------------------------------- */

/* Where one input of a merge stands. */
typedef struct input {
    const fbk__segment *segment;
    uint32_t number; /* of the frame */
    uint32_t event;
    fbk__frame frame;
    fbk__frame_index index;
} input;

/* The next frame, or the end (number == n_frames). */
static fbk_status
input_load(fbk *db, fbk__codec *c, input *in)
{
    fbk_status rc;

    fbk__frame_index_free(&in->index, fbk__a(db));
    in->event = 0;
    if (in->number == in->segment->n_frames)
        return FBK_OK;
    rc = fbk__segment_read(db, c, in->segment, in->number, (1u << FBK__N_FC) - 1, &in->frame);
    if (rc < 0)
        return rc;
    rc = fbk__frame_index_make(&in->frame, &in->index);
    if (rc == FBK_ENOMEM)
        return fbk__nomem(db);
    if (rc < 0)
        return fbk__fail(db, rc, "frame %u of segment %lld of the event log was damaged",
                         in->number, (long long)in->segment->id);
    return FBK_OK;
}

static bool
input_before(const input *x, const input *y)
{
    static const int order[] = {FBK__EV_NODE, FBK__EV_OCCURRED, FBK__EV_ARRIVAL};

    for (int k = 0; k < 3; k++) {
        int64_t a = x->frame.ev[order[k]][x->event];
        int64_t b = y->frame.ev[order[k]][y->event];

        if (a != b)
            return a < b;
    }
    return false;
}

static input *
input_first(input *in, uint32_t n)
{
    input *first = NULL;

    for (uint32_t i = 0; i < n; i++) {
        if (in[i].number < in[i].segment->n_frames && (!first || input_before(&in[i], first)))
            first = &in[i];
    }
    return first;
}

static fbk_status
merge_events(fbk *db, fbk__engine *e, input *in, uint32_t n, fbk__segment_writer *w)
{
    fbk_status rc = FBK_OK;
    input *first;

    while (rc >= 0 && (first = input_first(in, n)) != NULL) {
        rc = fbk__segment_add(db, w, &first->frame, &first->index, first->event);
        if (rc >= 0 && ++first->event == first->frame.n.events) {
            first->number++;
            rc = input_load(db, &e->codec, first);
        }
    }
    return rc < 0 ? rc : fbk__segment_end(db, w);
}

static fbk_status
merge_segments(fbk *db, fbk__engine *e, fbk__segment *const *segments, uint32_t n)
{
    input in[FANIN];
    fbk__segment_writer w;
    int64_t now = fbk__log_now_us();
    fbk_status rc;

    memset(in, 0, sizeof in);
    rc = fbk__segment_begin(db, segments[0]->level + 1, e->owner, &w);
    for (uint32_t i = 0; i < n; i++) {
        in[i].segment = segments[i];
        fbk__frame_init(&in[i].frame, fbk__a(db));
        if (rc >= 0)
            rc = input_load(db, &e->codec, &in[i]);
    }
    if (rc >= 0)
        rc = merge_events(db, e, in, n, &w);
    if (rc >= 0)
        rc = fbk__segment_set_state(db, w.id, FBK__SEGMENT_LIVE, now);
    for (uint32_t i = 0; rc >= 0 && i < n; i++)
        rc = fbk__segment_set_state(db, segments[i]->id, FBK__SEGMENT_DEAD, now);
    for (uint32_t i = 0; i < n; i++) {
        fbk__frame_index_free(&in[i].index, fbk__a(db));
        fbk__frame_free(&in[i].frame);
    }
    fbk__segment_writer_free(&w);
    return rc;
}

/* -- runs -------------------------------------------------------------------------------------- */

typedef struct run_input {
    const fbk__run *run;
    uint32_t number; /* of the block */
    uint32_t at;
    fbk__run_block block;
} run_input;

/* The next block that has keys: erasing may have emptied one. */
static fbk_status
run_load(fbk *db, fbk__codec *c, run_input *in)
{
    fbk_status rc = FBK_OK;

    in->at = 0;
    in->block.n = 0;
    while (rc >= 0 && in->number < in->run->n_blocks) {
        rc = fbk__run_read(db, c, in->run, in->number, &in->block);
        if (rc < 0 || in->block.n)
            break;
        in->number++;
    }
    return rc;
}

static fbk__key
run_key(const run_input *in)
{
    return (fbk__key){(uint64_t)in->block.hi[in->at], (uint64_t)in->block.lo[in->at]};
}

static fbk_status
merge_keys(fbk *db, fbk__engine *e, run_input *in, uint32_t n, fbk__run_writer *w)
{
    fbk_status rc = FBK_OK;

    for (;;) {
        run_input *first = NULL;

        for (uint32_t i = 0; i < n; i++) {
            if (in[i].number < in[i].run->n_blocks &&
                (!first || fbk__key_compare(run_key(&in[i]), run_key(first)) < 0))
                first = &in[i];
        }
        if (!first)
            return fbk__run_end(db, w);
        rc = fbk__run_add(db, w, run_key(first), (uint32_t)first->block.value[first->at]);
        if (rc >= 0 && ++first->at == first->block.n) {
            first->number++;
            rc = run_load(db, &e->codec, first);
        }
        if (rc < 0)
            return rc;
    }
}

static fbk_status
merge_runs(fbk *db, fbk__engine *e, fbk__run *const *runs, uint32_t n)
{
    run_input *in = fbk__calloc(fbk__a(db), n, sizeof *in);
    fbk__run_writer *w = fbk__calloc(fbk__a(db), 1, sizeof *w);
    int64_t now = fbk__log_now_us();
    uint64_t most = 0;
    fbk_status rc = in && w ? FBK_OK : fbk__nomem(db);

    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        in[i].run = runs[i];
        most += runs[i]->n_keys;
        rc = run_load(db, &e->codec, &in[i]);
    }
    if (rc >= 0)
        rc = fbk__run_begin(db, runs[0]->kind, runs[0]->level + 1, e->owner, most, w);
    if (rc >= 0)
        rc = merge_keys(db, e, in, n, w);
    if (rc >= 0)
        rc = fbk__run_set_state(db, w->id, FBK__SEGMENT_LIVE, now);
    for (uint32_t i = 0; rc >= 0 && i < n; i++)
        rc = fbk__run_set_state(db, runs[i]->id, FBK__SEGMENT_DEAD, now);
    if (w)
        fbk__run_writer_free(w);
    fbk__free(fbk__a(db), w);
    fbk__free(fbk__a(db), in);
    return rc;
}

/* -- what is due ------------------------------------------------------------------------------- */

/* The lowest level with FANIN live ones; they are gathered in `out`. FBK_DONE when there is
 * none. */
static fbk_status
due_segments(fbk *db, fbk__engine *e, const fbk__sets *sets)
{
    for (uint32_t level = 0; level < 16; level++) {
        fbk__segment *out[FANIN];
        uint32_t n = 0;

        for (uint32_t i = 0; i < sets->n_segments && n < FANIN; i++) {
            if (sets->segments[i]->level == level)
                out[n++] = sets->segments[i];
        }
        if (n == FANIN)
            return merge_segments(db, e, out, n);
    }
    return FBK_DONE;
}

static fbk_status
due_runs(fbk *db, fbk__engine *e, const fbk__sets *sets, uint32_t kind)
{
    for (uint32_t level = 0; level < 16; level++) {
        fbk__run *out[FANIN];
        uint32_t n = 0;

        for (uint32_t i = 0; i < sets->n_runs && n < FANIN; i++) {
            if (sets->runs[i]->level == level && sets->runs[i]->kind == kind)
                out[n++] = sets->runs[i];
        }
        if (n == FANIN)
            return merge_runs(db, e, out, n);
    }
    return FBK_DONE;
}

/* One slice of one dead thing that the statement finds; FBK_DONE when it finds none. */
static fbk_status
clear_one(fbk *db, const char *sql, fbk_status (*clear)(fbk *, int64_t, uint32_t))
{
    int64_t id = 0;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, fbk__log_now_us() - GRACE_US);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        id = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    if (rc != FBK_OK)
        return rc;
    rc = clear(db, id, CLEAR_CHUNKS);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__compact(fbk *db, fbk__engine *engine, fbk__sets **sets)
{
    static const char segment_sql[] =
        "SELECT segment FROM log_segment WHERE state = 2 AND changed_us < ?1 LIMIT 1";
    static const char run_sql[] =
        "SELECT run FROM log_run WHERE state = 2 AND changed_us < ?1 LIMIT 1";
    fbk_status rc = FBK_OK;
    bool more = true;

    while (rc >= 0 && more) {
        fbk__sets *now = NULL;
        fbk_status done[3];

        done[0] = due_segments(db, engine, *sets);
        done[1] = done[0] < 0 ? done[0] : due_runs(db, engine, *sets, FBK__RUN_IDS);
        done[2] = done[1] < 0 ? done[1] : due_runs(db, engine, *sets, FBK__RUN_IDENTS);
        rc = done[2];
        more = done[0] == FBK_OK || done[1] == FBK_OK || done[2] == FBK_OK;
        if (rc < 0 || !more)
            break;
        rc = fbk__sets_load(db, *sets, &now);
        if (rc >= 0) {
            fbk__sets_unref(*sets);
            *sets = now;
        }
    }
    if (rc >= 0)
        rc = clear_one(db, segment_sql, fbk__segment_clear);
    if (rc >= 0)
        rc = clear_one(db, run_sql, fbk__run_clear);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__clear_dead(fbk *db)
{
    static const char segment_sql[] =
        "SELECT segment FROM log_segment WHERE state <> 1 AND ?1 > 0 LIMIT 1";
    static const char run_sql[] = "SELECT run FROM log_run WHERE state <> 1 AND ?1 > 0 LIMIT 1";
    fbk_status rc;

    do
        rc = clear_one(db, segment_sql, fbk__segment_clear);
    while (rc == FBK_OK);
    if (rc < 0)
        return rc;
    do
        rc = clear_one(db, run_sql, fbk__run_clear);
    while (rc == FBK_OK);
    return rc < 0 ? rc : FBK_OK;
}
