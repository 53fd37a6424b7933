/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "log/append.h"
#include "log/exchange.h"

/* What a merge takes out of the log: events that another store erased, versions that give way to
 * others, and what erased identifiers did. The tail is sealed first, frames are written anew, and
 * the links of the identifiers concerned are counted again, because an event that goes may have
 * been the first or the last evidence. */

typedef struct pair_evidence {
    uint32_t a, b; /* a < b */
    int64_t count;
    int64_t first_us, last_us;
} pair_evidence;

typedef struct revise {
    fbk *db;
    fbk__engine *engine;
    const fbk__keymap *ids;
    fbk__frame all;
    fbk__frame left;
    fbk__map cut; /* node → number in cuts */
    struct cut_node {
        uint32_t node;
        uint32_t alive; /* some event still names it */
        int64_t until_us;
    } * cuts;
    size_t n_cuts;
    size_t cut_cap;
    fbk__map pair_of; /* a << 32 | b → number in pairs */
    pair_evidence *pairs;
    size_t n_pairs;
    size_t pair_cap;
    uint64_t events, lines; /* taken out … */
    uint64_t erased;        /* … of them for good */
} revise;

enum { KEEP, STRIP, REPLACE, ERASE };

static fbk__key
event_id(const fbk__frame *f, uint32_t i)
{
    return fbk__key_of_id(f->ids.bytes + f->ids.offsets[i],
                          f->ids.offsets[i + 1] - f->ids.offsets[i]);
}

/* -- identifiers that were erased -------------------------------------------------------------- */

static fbk_status
cuts_find(revise *s, const fbk__tombs *tombs)
{
    fbk__node_reader *nodes = NULL;
    fbk_status rc = fbk__node_reader_open(s->db, &nodes);

    for (uint32_t node = 1; rc >= 0 && node <= fbk__node_reader_count(nodes); node++) {
        uint32_t space;
        const char *value;
        size_t len;
        int64_t until;
        uint64_t *slot;

        rc = fbk__node_reader_get(nodes, node, &space, &value, &len);
        if (rc != FBK_OK)
            continue;
        until = fbk__tombs_find(tombs, fbk__word_text(s->db, space), value, len);
        if (until == INT64_MIN)
            continue;
        slot = fbk__map_put(&s->cut, node, NULL);
        if (!slot ||
            !fbk__grow(fbk__a(s->db), &s->cuts, &s->cut_cap, s->n_cuts + 1, sizeof *s->cuts)) {
            rc = fbk__nomem(s->db);
            break;
        }
        *slot = s->n_cuts;
        s->cuts[s->n_cuts++] = (struct cut_node){node, 0, until};
    }
    fbk__node_reader_close(nodes);
    return rc < 0 ? rc : FBK_OK;
}

static struct cut_node *
cut_of(const revise *s, int64_t node)
{
    const uint64_t *slot = node > 0 && s->n_cuts ? fbk__map_get(&s->cut, (uint64_t)node) : NULL;

    return slot ? &s->cuts[*slot] : NULL;
}

static bool
cut_at(const revise *s, int64_t node, int64_t us)
{
    const struct cut_node *cut = cut_of(s, node);

    return cut && us <= cut->until_us;
}

/* -- one frame --------------------------------------------------------------------------------- */

static int
verdict(const revise *s, const fbk__frame *f, const fbk__frame_index *index, uint32_t i)
{
    uint32_t what = s->ids->n ? fbk__keymap_get(s->ids, event_id(f, i)) : 0;

    if (what)
        return what == FBK__REVISE_ERASE ? ERASE : REPLACE;
    if (!s->n_cuts)
        return KEEP;
    if (cut_at(s, f->ev[FBK__EV_NODE][i], f->ev[FBK__EV_OCCURRED][i]))
        return ERASE;
    for (uint32_t k = index->extra[i]; k < index->extra[i + 1]; k++) {
        if (cut_at(s, f->extra[k], f->ev[FBK__EV_OCCURRED][i]))
            return STRIP;
    }
    return KEEP;
}

/* The pair of two nodes is to be counted again. */
static fbk_status
pair_note(revise *s, int64_t x, int64_t y)
{
    uint32_t a = (uint32_t)(x < y ? x : y);
    uint32_t b = (uint32_t)(x < y ? y : x);
    bool fresh;
    uint64_t *slot = fbk__map_put(&s->pair_of, (uint64_t)a << 32 | b, &fresh);

    if (!slot)
        return fbk__nomem(s->db);
    if (!fresh)
        return FBK_OK;
    if (!fbk__grow(fbk__a(s->db), &s->pairs, &s->pair_cap, s->n_pairs + 1, sizeof *s->pairs))
        return fbk__nomem(s->db);
    *slot = s->n_pairs;
    s->pairs[s->n_pairs++] = (pair_evidence){.a = a, .b = b};
    return FBK_OK;
}

/* Node k of an event: 0 is the one that it is recorded under. */
static int64_t
node_of(const fbk__frame *f, const fbk__frame_index *index, uint32_t i, uint32_t k)
{
    return k ? f->extra[index->extra[i] + k - 1] : f->ev[FBK__EV_NODE][i];
}

typedef fbk_status (*pair_fn)(revise *s, int64_t x, int64_t y);

static fbk_status
pairs_of(revise *s, const fbk__frame *f, const fbk__frame_index *index, uint32_t i, pair_fn fn)
{
    uint32_t n = index->extra[i + 1] - index->extra[i] + 1;
    fbk_status rc = FBK_OK;

    for (uint32_t j = 0; rc >= 0 && j < n; j++) {
        for (uint32_t k = j + 1; rc >= 0 && k < n; k++) {
            int64_t x = node_of(f, index, i, j);
            int64_t y = node_of(f, index, i, k);

            if (x != y)
                rc = fn(s, x, y);
        }
    }
    return rc;
}

/* Take the erased identifiers out of the event that was copied last. */
static void
strip_last(revise *s)
{
    fbk__frame *f = &s->left;
    uint32_t last = f->n.events - 1;
    uint32_t n = (uint32_t)f->ev[FBK__EV_N_EXTRA][last];
    int64_t *extra = f->extra + f->n.extra - n;
    uint32_t kept = 0;

    for (uint32_t k = 0; k < n; k++) {
        if (!cut_at(s, extra[k], f->ev[FBK__EV_OCCURRED][last]))
            extra[kept++] = extra[k];
    }
    f->ev[FBK__EV_N_EXTRA][last] = kept;
    f->n.extra -= n - kept;
}

static fbk_status
key_run(fbk *db, const char *sql, fbk__key key)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_blob(st, 1, &key, sizeof key);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

/* The id answers "erased" from now on; what was noted about it goes. */
static fbk_status
erase_id(fbk *db, fbk__key id)
{
    static const char keep_sql[] = "INSERT INTO log_erased (id) VALUES (?1) "
                                   "ON CONFLICT (id) DO NOTHING";
    static const char conflict_sql[] = "DELETE FROM event_conflict WHERE id = ?1";
    fbk_status rc = key_run(db, keep_sql, id);

    return rc < 0 ? rc : key_run(db, conflict_sql, id);
}

/* Forget that the id ever came. */
static fbk_status
forget_id(revise *s, fbk__key id)
{
    const fbk__sets *sets = s->engine->writing->sets;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < sets->n_runs; i++) {
        if (sets->runs[i]->kind == FBK__RUN_IDS)
            rc = fbk__run_forget(s->db, &s->engine->codec, sets->runs[i], id, s->engine->block);
    }
    return rc;
}

static fbk_status
frame_take(revise *s, const fbk__frame_index *index, uint32_t i, int what)
{
    fbk__key id = event_id(&s->all, i);
    fbk_status rc = FBK_OK;

    if (what != KEEP)
        rc = pairs_of(s, &s->all, index, i, pair_note);
    if (rc < 0)
        return rc;
    if (what == KEEP || what == STRIP) {
        if (fbk__frame_copy(&s->left, &s->all, index, i) < 0)
            return fbk__nomem(s->db);
        if (what == STRIP)
            strip_last(s);
        return FBK_OK;
    }
    s->events++;
    s->lines += (uint64_t)s->all.ev[FBK__EV_N_LINES][i];
    s->erased += what == ERASE;
    return what == ERASE ? erase_id(s->db, id) : forget_id(s, id);
}

/* Read columns of a frame and their begin positions. */
static fbk_status
frame_read(revise *s, const fbk__segment *segment, uint32_t k, uint32_t columns,
           fbk__frame_index *index)
{
    uint32_t counts = 1u << FBK__EV_N_LINES | 1u << FBK__EV_N_EXTRA | 1u << FBK__EV_N_PROPS;
    fbk_status rc =
        fbk__segment_read(s->db, &s->engine->codec, segment, k, columns | counts, &s->all);

    if (rc < 0)
        return rc;
    rc = fbk__frame_index_make(&s->all, index);
    if (rc == FBK_ENOMEM)
        return fbk__nomem(s->db);
    return rc < 0 ? fbk__fail(s->db, rc, "a frame of the event log was damaged") : FBK_OK;
}

static fbk_status
frame_looked_at(revise *s, const fbk__segment *segment, uint32_t k, bool *touched)
{
    fbk__frame_index index = {NULL, NULL, NULL};
    uint32_t columns = s->ids->n ? 1u << FBK__FC_IDS : 0u;
    fbk_status rc;

    if (s->n_cuts)
        columns |= 1u << FBK__EV_NODE | 1u << FBK__EV_OCCURRED | 1u << FBK__FC_EXTRA;
    rc = frame_read(s, segment, k, columns, &index);
    *touched = false;
    for (uint32_t i = 0; rc >= 0 && !*touched && i < s->all.n.events; i++)
        *touched = verdict(s, &s->all, &index, i) != KEEP;
    fbk__frame_index_free(&index, fbk__a(s->db));
    return rc;
}

static fbk_status
frame_rewrite(revise *s, fbk__segment *segment, uint32_t k)
{
    fbk__frame_index index = {NULL, NULL, NULL};
    fbk_status rc = frame_read(s, segment, k, (1u << FBK__N_FC) - 1, &index);

    fbk__frame_clear(&s->left);
    for (uint32_t i = 0; rc >= 0 && i < s->all.n.events; i++)
        rc = frame_take(s, &index, i, verdict(s, &s->all, &index, i));
    if (rc >= 0)
        rc = fbk__segment_replace(s->db, &s->engine->codec, segment, k, &s->left);
    fbk__frame_index_free(&index, fbk__a(s->db));
    return rc;
}

/* On a copy of the segment of its own: readers hold the one in the view. */
static fbk_status
segment_revise(revise *s, int64_t id)
{
    fbk__segment *segment = NULL;
    bool any = false;
    fbk_status rc = fbk__segment_load(s->db, id, &segment);

    for (uint32_t k = 0; rc >= 0 && k < segment->n_frames;) {
        uint32_t frames = segment->n_frames;
        bool touched = false;

        rc = frame_looked_at(s, segment, k, &touched);
        if (rc >= 0 && touched)
            rc = frame_rewrite(s, segment, k);
        any |= touched;
        k += segment->n_frames == frames; /* an empty one is gone */
    }
    if (rc >= 0 && any)
        rc = fbk__segment_rewrite(s->db, &s->engine->codec, segment);
    fbk__segment_unref(segment);
    return rc;
}

/* -- ids that never came ----------------------------------------------------------------------- */

static int
by_key(const void *x, const void *y)
{
    return fbk__key_compare(*(const fbk__key *)x, *(const fbk__key *)y);
}

/* The erased ids that no run has, ascending. The caller frees. */
static fbk_status
strangers(revise *s, const fbk__key *erased, size_t n_erased, fbk__key **out, uint32_t *out_n)
{
    const fbk__sets *sets = s->engine->writing->sets;
    fbk__key *keys = fbk__alloc(fbk__a(s->db), (n_erased + 1) * sizeof *keys);
    uint32_t n = 0;
    fbk_status rc = keys ? FBK_OK : fbk__nomem(s->db);

    for (size_t i = 0; rc >= 0 && i < n_erased; i++) {
        bool known = false;
        uint32_t unused;

        for (uint32_t r = 0; rc >= 0 && r < sets->n_runs && !known; r++) {
            if (sets->runs[r]->kind != FBK__RUN_IDS ||
                !fbk__run_may_have(sets->runs[r], erased[i], fbk__probe_of(erased[i])))
                continue;
            rc = fbk__run_find(s->db, &s->engine->codec, sets->runs[r], erased[i], s->engine->block,
                               &unused);
            known = rc == FBK_OK;
        }
        if (rc >= 0 && !known)
            keys[n++] = erased[i];
    }
    if (rc < 0) {
        fbk__free(fbk__a(s->db), keys);
        return rc;
    }
    if (n > 1)
        qsort(keys, n, sizeof *keys, by_key);
    *out = keys;
    *out_n = n;
    return FBK_OK;
}

/* An id is asked for in the runs first, so that one erased elsewhere must be there too. */
static fbk_status
strangers_write(revise *s, const fbk__key *keys, uint32_t n)
{
    fbk__run_writer *w = fbk__calloc(fbk__a(s->db), 1, sizeof *w);
    fbk_status rc;

    if (!w)
        return fbk__nomem(s->db);
    rc = fbk__run_begin(s->db, FBK__RUN_IDS, 0, s->engine->owner, n, w);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        rc = fbk__run_add(s->db, w, keys[i], 0);
        if (rc >= 0)
            rc = erase_id(s->db, keys[i]);
    }
    if (rc >= 0)
        rc = fbk__run_end(s->db, w);
    if (rc >= 0)
        rc = fbk__run_set_state(s->db, w->id, FBK__SEGMENT_LIVE, fbk__log_now_us());
    fbk__run_writer_free(w);
    fbk__free(fbk__a(s->db), w);
    return rc;
}

static fbk_status
revise_strangers(revise *s)
{
    fbk__key *erased = fbk__alloc(fbk__a(s->db), (s->ids->n + 1) * sizeof *erased);
    fbk__key *keys = NULL;
    uint32_t n = 0;
    size_t n_erased = erased ? fbk__keymap_list(s->ids, FBK__REVISE_ERASE, erased) : 0;
    fbk_status rc = erased ? FBK_OK : fbk__nomem(s->db);

    if (rc >= 0 && n_erased)
        rc = fbk__view_filters(s->db, s->engine, s->engine->writing, FBK__RUN_IDS);
    if (rc >= 0)
        rc = strangers(s, erased, n_erased, &keys, &n);
    if (rc >= 0 && n)
        rc = strangers_write(s, keys, n);
    fbk__free(fbk__a(s->db), keys);
    fbk__free(fbk__a(s->db), erased);
    return rc;
}

/* -- links ------------------------------------------------------------------------------------- */

static void
pair_count(revise *s, int64_t x, int64_t y, int64_t us)
{
    uint64_t a = (uint64_t)(x < y ? x : y);
    uint64_t b = (uint64_t)(x < y ? y : x);
    const uint64_t *slot = fbk__map_get(&s->pair_of, a << 32 | b);
    pair_evidence *p;

    if (!slot || x == y)
        return;
    p = &s->pairs[*slot];
    if (!p->count || us < p->first_us)
        p->first_us = us;
    if (!p->count || us > p->last_us)
        p->last_us = us;
    p->count++;
}

static void
event_count(revise *s, const fbk__frame_index *index, uint32_t i)
{
    const fbk__frame *f = &s->all;
    uint32_t n = index->extra[i + 1] - index->extra[i] + 1;

    for (uint32_t j = 0; j < n; j++) {
        int64_t x = node_of(f, index, i, j);
        struct cut_node *cut = cut_of(s, x);

        if (cut)
            cut->alive = 1;
        for (uint32_t k = j + 1; s->n_pairs && k < n; k++)
            pair_count(s, x, node_of(f, index, i, k), f->ev[FBK__EV_OCCURRED][i]);
    }
}

/* What is left of the evidence, in the segments as they are now. */
static fbk_status
revise_count(revise *s)
{
    const fbk__sets *sets = s->engine->writing->sets;
    uint32_t columns = 1u << FBK__EV_NODE | 1u << FBK__EV_OCCURRED | 1u << FBK__FC_EXTRA;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < sets->n_segments; i++) {
        const fbk__segment *segment = sets->segments[i];

        for (uint32_t k = 0; rc >= 0 && k < segment->n_frames; k++) {
            fbk__frame_index index = {NULL, NULL, NULL};

            rc = frame_read(s, segment, k, columns, &index);
            for (uint32_t e = 0; rc >= 0 && e < s->all.n.events; e++)
                event_count(s, &index, e);
            fbk__frame_index_free(&index, fbk__a(s->db));
        }
    }
    return rc;
}

static fbk_status
pair_write(revise *s, const pair_evidence *p)
{
    static const char set_sql[] = "UPDATE log_link SET count = ?3, first_us = ?4, last_us = ?5 "
                                  "WHERE a = ?1 AND b = ?2 AND rule = 1";
    static const char drop_sql[] = "DELETE FROM log_link WHERE a = ?1 AND b = ?2 AND rule = 1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(s->db, p->count ? set_sql : drop_sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, p->a);
    fbk__bind_int64(st, 2, p->b);
    if (p->count) {
        fbk__bind_int64(st, 3, p->count);
        fbk__bind_int64(st, 4, p->first_us);
        fbk__bind_int64(st, 5, p->last_us);
    }
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

/* -- forgetting -------------------------------------------------------------------------------- */

/* FBK_OK when the node still has links after those that were erased are gone, FBK_DONE when not. */
static fbk_status
cut_links(revise *s, const struct cut_node *cut)
{
    static const char drop_sql[] =
        "DELETE FROM log_link WHERE (a = ?1 OR b = ?1) AND rule <> 1 AND last_us <= ?2";
    static const char left_sql[] = "SELECT 1 FROM log_link WHERE a = ?1 OR b = ?1 LIMIT 1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(s->db, drop_sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, cut->node);
    fbk__bind_int64(st, 2, cut->until_us);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc >= 0)
        rc = fbk__stmt_get(s->db, left_sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, cut->node);
    rc = fbk__step(st);
    fbk__stmt_put(st);
    return rc;
}

/* Nobody names it any more: its value goes. */
static fbk_status
cut_forget(revise *s, uint32_t node)
{
    fbk__buf value;
    uint32_t space;
    fbk_status rc;

    fbk__buf_init(&value, fbk__a(s->db));
    rc = fbk__node_value(s->db, node, &space, &value);
    if (rc >= 0)
        rc = fbk__runs_forget(s->db, s->engine, space, value.data, value.len);
    fbk__buf_free(&value);
    return rc < 0 ? rc : fbk__node_forget(s->db, &s->engine->codec, node);
}

static fbk_status
revise_cuts(revise *s)
{
    fbk_status rc = FBK_OK;

    for (size_t i = 0; rc >= 0 && i < s->n_cuts; i++) {
        rc = cut_links(s, &s->cuts[i]);
        if (rc == FBK_DONE && !s->cuts[i].alive)
            rc = cut_forget(s, s->cuts[i].node);
    }
    return rc < 0 ? rc : FBK_OK;
}

/* -- all of it --------------------------------------------------------------------------------- */

static fbk_status
revise_events(revise *s)
{
    const fbk__sets *sets = s->engine->writing->sets;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < sets->n_segments; i++)
        rc = segment_revise(s, sets->segments[i]->id);
    if (rc >= 0)
        rc = revise_strangers(s);
    /* What was merged away holds the same events. */
    if (rc >= 0)
        rc = fbk__clear_dead(s->db, s->engine);
    if (rc >= 0)
        rc = fbk__erase_show(s->db, s->engine, s->events, s->lines);
    fbk__cache_clear(s->engine);
    return rc;
}

static fbk_status
revise_all(revise *s, const fbk__tombs *tombs)
{
    static const char idents_sql[] = "DELETE FROM event_conflict_ident WHERE conflict NOT IN "
                                     "(SELECT conflict FROM event_conflict)";
    fbk_status rc = tombs->n ? cuts_find(s, tombs) : FBK_OK;

    if (rc < 0 || (!s->n_cuts && !s->ids->n))
        return rc;
    rc = fbk__write_erasing(s->db);
    if (rc >= 0)
        rc = fbk__engine_begin(s->db, s->engine);
    if (rc >= 0)
        rc = fbk__seal(s->db, s->engine, NULL);
    if (rc >= 0)
        rc = revise_events(s);
    if (rc >= 0 && (s->n_pairs || s->n_cuts))
        rc = revise_count(s);
    for (size_t i = 0; rc >= 0 && i < s->n_pairs; i++)
        rc = pair_write(s, &s->pairs[i]);
    if (rc >= 0)
        rc = revise_cuts(s);
    if (rc >= 0)
        rc = fbk__exec(s->db, idents_sql);
    if (rc >= 0 && s->erased)
        rc = fbk__erase_note(s->db);
    return rc < 0 ? rc : fbk__generation_bump(s->db, FBK__KIND_IDENTITY);
}

fbk_status
fbk__log_revise(fbk *db, const fbk__keymap *ids, uint64_t *out_events)
{
    revise s = {.db = db, .ids = ids};
    fbk__tombs tombs;
    fbk_status rc = fbk__tombs_load(db, &tombs);

    fbk__map_init(&s.cut, fbk__a(db));
    fbk__map_init(&s.pair_of, fbk__a(db));
    fbk__frame_init(&s.all, fbk__a(db));
    fbk__frame_init(&s.left, fbk__a(db));
    if (rc >= 0)
        rc = fbk__engine_get(db, &s.engine);
    if (rc >= 0)
        rc = revise_all(&s, &tombs);
    if (s.engine)
        fbk__shared_release(&s.engine->head);
    fbk__frame_free(&s.all);
    fbk__frame_free(&s.left);
    fbk__map_free(&s.cut);
    fbk__map_free(&s.pair_of);
    fbk__free(fbk__a(db), s.cuts);
    fbk__free(fbk__a(db), s.pairs);
    fbk__tombs_free(db, &tombs);
    if (rc >= 0)
        *out_events = s.erased;
    return rc;
}
