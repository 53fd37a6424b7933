/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/sort.h"
#include "log/append.h"

/* Sealing: the records of the tail (and a batch that is large enough by itself) become a segment,
 * a run of their ids, a run of their new identifiers and the blocks of these identifiers' values,
 * in the transaction of the append that made it necessary. */

typedef struct seal {
    fbk *db;
    fbk__engine *engine;
    fbk__record **records; /* borrowed */
    uint32_t n_records;
    uint32_t n_events;
    uint32_t n_nodes;
    fbk__event_at *events; /* as they came */
    fbk__sort_item *items; /* room for the larger of events and nodes */
} seal;

static fbk_status
seal_init(seal *s, fbk__record *more)
{
    const fbk_allocator *a = fbk__a(s->db);
    const fbk__view *view = s->engine->writing;
    uint32_t n = view->n_tail + (more != NULL);
    uint32_t at = 0;
    size_t most;

    s->records = fbk__calloc(a, (size_t)n + 1, sizeof(fbk__record *));
    if (!s->records)
        return fbk__nomem(s->db);
    for (uint32_t i = 0; i < n; i++) {
        fbk__record *r = i < view->n_tail ? view->tail->records[i] : more;

        s->records[i] = r;
        s->n_events += r->frame.n.events;
        s->n_nodes += r->n_nodes;
    }
    s->n_records = n;
    most = s->n_events > s->n_nodes ? s->n_events : s->n_nodes;
    s->items = fbk__alloc(a, (most + 1) * sizeof *s->items);
    s->events = fbk__alloc(a, ((size_t)s->n_events + 1) * sizeof *s->events);
    if (!s->items || !s->events)
        return fbk__nomem(s->db);
    for (uint32_t i = 0; i < n; i++) {
        const fbk__record *r = s->records[i];

        for (uint32_t k = 0; k < r->frame.n.events; k++)
            s->events[at++] = (fbk__event_at){&r->frame, &r->index, k};
    }
    return FBK_OK;
}

static void
seal_free(seal *s)
{
    fbk__free(fbk__a(s->db), s->records);
    fbk__free(fbk__a(s->db), s->events);
    fbk__free(fbk__a(s->db), s->items);
}

/* Order by (node, occurred, arrival): by time, then stably by node. */
static fbk_status
seal_sort_events(seal *s)
{
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < s->n_events; i++) {
            uint32_t n = pass ? s->items[i].row : i;
            const fbk__frame *f = s->events[n].frame;
            uint32_t k = s->events[n].event;

            s->items[i].row = n;
            s->items[i].key = pass ? (uint64_t)f->ev[FBK__EV_NODE][k]
                                   : fbk__sort_key_int(f->ev[FBK__EV_OCCURRED][k]);
        }
        if (!fbk__sort_items(fbk__a(s->db), s->items, s->n_events))
            return fbk__nomem(s->db);
    }
    return FBK_OK;
}

static fbk_status
seal_segment(seal *s)
{
    fbk__segment_writer w;
    fbk_status rc = seal_sort_events(s);

    if (rc < 0)
        return rc;
    rc = fbk__segment_begin(s->db, 0, s->engine->owner, &w);
    for (uint32_t i = 0; rc >= 0 && i < s->n_records; i++)
        rc = fbk__guess_learn(&w.guess, &s->records[i]->frame) < 0 ? fbk__nomem(s->db) : FBK_OK;
    if (rc >= 0)
        rc = fbk__segment_guess(s->db, &w);
    if (rc >= 0)
        rc = fbk__segment_add_all(s->db, &w, s->events, s->items, s->n_events);
    if (rc >= 0)
        rc = fbk__segment_end(s->db, &w);
    if (rc >= 0)
        rc = fbk__segment_set_state(s->db, w.id, FBK__SEGMENT_LIVE, fbk__log_now_us());
    fbk__segment_writer_free(&w);
    return rc;
}

static fbk_status
seal_run(seal *s, uint32_t kind, const fbk__key *keys, const uint32_t *values, uint32_t n)
{
    fbk__run_writer *w;
    fbk_status rc;

    for (uint32_t i = 0; i < n; i++)
        s->items[i].row = i;
    if (!fbk__keys_order(fbk__a(s->db), keys, s->items, n))
        return fbk__nomem(s->db);
    w = fbk__alloc(fbk__a(s->db), sizeof *w);
    if (!w)
        return fbk__nomem(s->db);
    rc = fbk__run_begin(s->db, kind, 0, s->engine->owner, n, w);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        uint32_t k = s->items[i].row;

        rc = fbk__run_add(s->db, w, keys[k], values ? values[k] : 0);
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
seal_ids(seal *s)
{
    fbk__key *keys = fbk__alloc(fbk__a(s->db), ((size_t)s->n_events + 1) * sizeof *keys);
    uint32_t n = 0;
    fbk_status rc;

    if (!keys)
        return fbk__nomem(s->db);
    for (uint32_t i = 0; i < s->n_records; i++) {
        const fbk__strings *ids = &s->records[i]->frame.ids;

        for (uint32_t k = 0; k < s->records[i]->frame.n.events; k++)
            keys[n++] =
                fbk__key_of_id(ids->bytes + ids->offsets[k], ids->offsets[k + 1] - ids->offsets[k]);
    }
    rc = seal_run(s, FBK__RUN_IDS, keys, NULL, n);
    fbk__free(fbk__a(s->db), keys);
    return rc;
}

/* The new identifiers of all records, as one: their numbers follow one another. */
typedef struct seal_values {
    fbk__key *keys;
    uint32_t *nodes;
    int64_t *spaces;
    fbk__strings values;
} seal_values;

static fbk_status
values_gather(seal *s, seal_values *v)
{
    uint32_t at = 0;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; i < s->n_records; i++) {
        const fbk__record *r = s->records[i];

        for (uint32_t k = 0; rc >= 0 && k < r->n_nodes; k++, at++) {
            const char *value = r->values.bytes + r->values.offsets[k];
            size_t len = r->values.offsets[k + 1] - r->values.offsets[k];

            v->spaces[at] = r->spaces[k];
            v->nodes[at] = r->first_node + k;
            rc = fbk__ident_key(s->db, s->engine, (uint32_t)r->spaces[k], value, len, &v->keys[at]);
            if (rc >= 0 && fbk__strings_add(&v->values, value, len) < 0)
                rc = fbk__nomem(s->db);
        }
    }
    return rc;
}

static fbk_status
seal_nodes(seal *s)
{
    const fbk_allocator *a = fbk__a(s->db);
    size_t n = s->n_nodes;
    seal_values v = {.keys = fbk__alloc(a, n * sizeof *v.keys),
                     .nodes = fbk__alloc(a, n * sizeof *v.nodes),
                     .spaces = fbk__alloc(a, n * sizeof *v.spaces)};
    fbk_status rc = v.keys && v.nodes && v.spaces ? FBK_OK : fbk__nomem(s->db);

    fbk__strings_init(&v.values, a);
    if (rc >= 0)
        rc = values_gather(s, &v);
    if (rc >= 0)
        rc = fbk__nodes_seal(s->db, &s->engine->codec, v.nodes[0], v.spaces, &v.values);
    if (rc >= 0)
        rc = seal_run(s, FBK__RUN_IDENTS, v.keys, v.nodes, s->n_nodes);
    fbk__strings_free(&v.values);
    fbk__free(a, v.keys);
    fbk__free(a, v.nodes);
    fbk__free(a, v.spaces);
    return rc;
}

/* The new epoch: nothing in the tail, one segment and one or two runs more. */
static fbk_status
seal_show(seal *s)
{
    fbk__engine *e = s->engine;
    const fbk__record *last = s->records[s->n_records - 1];
    fbk__view *view = fbk__calloc(fbk__a(s->db), 1, sizeof *view);
    fbk_status rc;

    if (!view)
        return fbk__nomem(s->db);
    *view = (fbk__view){.refs = 1,
                        .a = *fbk__a(s->db),
                        .epoch = e->writing->epoch + 1,
                        .erasures = e->writing->erasures,
                        .last_seq = last->seq,
                        .sealed_event = last->total.last_event,
                        .total = last->total};
    rc = fbk__exec(s->db, "DELETE FROM log_tail");
    if (rc >= 0)
        rc = fbk__state_write(
            s->db, &(fbk__state){view->epoch, view->erasures, view->last_seq, view->total});
    if (rc >= 0)
        rc = fbk__sets_load(s->db, e->writing->sets, &view->sets);
    if (rc >= 0)
        rc = fbk__compact(s->db, e, &view->sets);
    if (rc >= 0)
        rc = fbk__tail_new(s->db, FBK__TAIL_RECORDS, &view->tail);
    if (rc < 0) {
        fbk__view_unref(view);
        return rc;
    }
    rc = fbk__engine_set(s->db, e, view);
    if (rc >= 0)
        rc = fbk__view_filters(s->db, e, view, FBK__RUN_IDS);
    return rc < 0 ? rc : fbk__view_filters(s->db, e, view, FBK__RUN_IDENTS);
}

fbk_status
fbk__seal(fbk *db, fbk__engine *engine, fbk__record *more)
{
    seal s = {.db = db, .engine = engine};
    fbk_status rc = seal_init(&s, more);

    if (rc >= 0 && s.n_records) {
        if (s.n_events)
            rc = seal_segment(&s);
        if (rc >= 0 && s.n_events)
            rc = seal_ids(&s);
        if (rc >= 0 && s.n_nodes)
            rc = seal_nodes(&s);
        if (rc >= 0)
            rc = seal_show(&s);
    }
    seal_free(&s);
    return rc;
}

fbk_status
fbk__log_seal(fbk *db)
{
    fbk__engine *e = NULL;
    fbk_status rc = fbk__engine_get(db, &e);

    if (rc < 0)
        return rc;
    rc = fbk__write_begin(db);
    if (rc >= 0) {
        rc = fbk__engine_begin(db, e);
        if (rc >= 0)
            rc = fbk__seal(db, e, NULL);
        rc = fbk__write_end(db, rc);
    }
    fbk__shared_release(&e->head);
    return rc;
}
