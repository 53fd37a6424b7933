/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/sort.h"
#include "log/append.h"

/* What the filters are asked of a key. */
typedef struct asked {
    fbk__probe probe;
    uint32_t row;
    uint32_t rank; /* in the order of keys */
} asked;

/* Keys that are being looked for. */
typedef struct wanted {
    const fbk__key *keys;
    fbk__sort_item *items; /* in the order of keys */
    fbk__sort_item *some;  /* scratch of the same size */
    asked *asked;          /* in the order of filters */
    uint8_t *found;        /* of each key */
    size_t n;
} wanted;

static fbk_status
wanted_sort(fbk *db, wanted *w)
{
    const fbk_allocator *a = fbk__a(db);

    if (!fbk__keys_order(a, w->keys, w->items, w->n))
        return fbk__nomem(db);
    for (size_t i = 0; i < w->n; i++) {
        fbk__probe probe = fbk__probe_of(w->keys[w->items[i].row]);

        w->some[i] = (fbk__sort_item){probe.hash >> 32, (uint32_t)i, 0};
    }
    if (!fbk__sort_items(a, w->some, w->n))
        return fbk__nomem(db);
    for (size_t i = 0; i < w->n; i++) {
        uint32_t rank = w->some[i].row;
        uint32_t row = w->items[rank].row;

        w->asked[i] = (asked){fbk__probe_of(w->keys[row]), row, rank};
    }
    return FBK_OK;
}

typedef fbk_status (*found_fn)(fbk__append *s, const wanted *w, uint32_t row, uint32_t value);

/* Look for those that the filter lets pass, in the order of keys. */
static fbk_status
wanted_find_in(fbk__append *s, const wanted *w, const fbk__run *run, found_fn fn)
{
    size_t n = 0;
    fbk_status rc = FBK_OK;

    for (size_t i = 0; i < w->n; i++) {
        const asked *q = &w->asked[i];

        if (!w->found[q->row] && fbk__run_may_have(run, w->keys[q->row], q->probe))
            w->some[n++] = (fbk__sort_item){q->rank, q->row, 0};
    }
    if (!fbk__sort_items(fbk__a(s->db), w->some, n))
        return fbk__nomem(s->db);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        uint32_t row = w->some[i].row;
        uint32_t value = 0;

        rc = fbk__run_find(s->db, &s->engine->codec, run, w->keys[row], s->engine->block, &value);
        if (rc == FBK_OK)
            rc = fn(s, w, row, value);
    }
    return rc;
}

/* Newest run first: of what stands in two, the newer counts. */
static fbk_status
wanted_find(fbk__append *s, const wanted *w, uint32_t kind, found_fn fn)
{
    const fbk__sets *sets = s->engine->writing->sets;
    fbk_status rc = FBK_OK;

    for (uint32_t r = sets->n_runs; rc >= 0 && r-- > 0;) {
        if (sets->runs[r]->kind == kind)
            rc = wanted_find_in(s, w, sets->runs[r], fn);
    }
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
found_id(fbk__append *s, const wanted *w, uint32_t row, uint32_t value)
{
    (void)s;
    (void)value;
    w->found[row] = 1;
    return FBK_OK;
}

static fbk_status
found_node(fbk__append *s, const wanted *w, uint32_t row, uint32_t value)
{
    uint32_t *slot = fbk__keymap_put(&s->engine->nodes, w->keys[row]);

    if (!slot)
        return fbk__nomem(s->db);
    *slot = value;
    w->found[row] = 1;
    return FBK_OK;
}

static fbk_status
lookup_ids(fbk__append *s, wanted *w)
{
    const fbk__batch *b = s->batch;
    fbk_status rc;

    for (size_t i = 0; i < b->n_events; i++) {
        const fbk__span id = b->events[i].id;

        s->id_keys[i] = fbk__key_of_id(b->text.data + id.at, id.len);
        w->items[i].row = (uint32_t)i;
    }
    w->keys = s->id_keys;
    w->n = b->n_events;
    memset(w->found, 0, w->n);
    rc = wanted_sort(s->db, w);
    if (rc >= 0)
        rc = wanted_find(s, w, FBK__RUN_IDS, found_id);
    for (size_t i = 0; i < w->n; i++) {
        uint32_t row = w->items[i].row;

        if (w->found[row])
            s->id_facts[row] = FBK__ID_SEALED;
        if (i && fbk__key_compare(s->id_keys[w->items[i - 1].row], s->id_keys[row]) == 0) {
            s->id_facts[w->items[i - 1].row] |= FBK__ID_REPEATED;
            s->id_facts[row] |= FBK__ID_REPEATED;
        }
    }
    return rc;
}

static fbk_status
lookup_idents(fbk__append *s, wanted *w)
{
    const fbk__batch *b = s->batch;
    fbk_status rc = FBK_OK;

    w->n = 0;
    for (size_t i = 0; rc >= 0 && i < b->n_idents; i++) {
        const fbk__batch_ident *ident = &b->idents[i];

        rc = fbk__ident_key(s->db, s->engine, b->word_ids[ident->space],
                            b->text.data + ident->value.at, ident->value.len, &s->ident_keys[i]);
        if (rc >= 0 && !fbk__keymap_get(&s->engine->nodes, s->ident_keys[i]))
            w->items[w->n++].row = (uint32_t)i;
    }
    w->keys = s->ident_keys;
    memset(w->found, 0, b->n_idents);
    if (rc >= 0)
        rc = wanted_sort(s->db, w);
    return rc < 0 ? rc : wanted_find(s, w, FBK__RUN_IDENTS, found_node);
}

/* Judge the events whose ids were found, node by node. */
static fbk_status
lookup_sealed(fbk__append *s, wanted *w)
{
    const fbk__batch *b = s->batch;
    fbk_status rc = FBK_OK;

    w->n = 0;
    for (size_t i = 0; i < b->n_events; i++) {
        const fbk__batch_event *ev = &b->events[i];

        if (!(s->id_facts[i] & FBK__ID_SEALED))
            continue;
        w->items[w->n++] = (fbk__sort_item){
            ev->n_idents ? fbk__keymap_get(&s->engine->nodes, s->ident_keys[ev->first_ident]) : 0,
            (uint32_t)i, 0};
    }
    if (!fbk__sort_items(fbk__a(s->db), w->items, w->n))
        return fbk__nomem(s->db);
    for (size_t i = 0; rc >= 0 && i < w->n; i++) {
        uint32_t row = w->items[i].row;
        uint8_t outcome = 0;

        rc = fbk__append_judge_sealed(s, &b->events[row], s->id_keys[row], &outcome);
        s->id_facts[row] |= (uint8_t)(outcome << FBK__ID_OUTCOME);
    }
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__append_lookup(fbk__append *s)
{
    const fbk_allocator *a = fbk__a(s->db);
    const fbk__batch *b = s->batch;
    size_t most = b->n_events > b->n_idents ? b->n_events : b->n_idents;
    wanted w = {0};
    fbk_status rc;

    if (b->n_events < FBK__LOOKUP_WORTH)
        return FBK_OK;
    s->id_keys = fbk__calloc(a, b->n_events, sizeof *s->id_keys);
    s->id_facts = fbk__calloc(a, b->n_events, 1);
    s->ident_keys = fbk__calloc(a, b->n_idents, sizeof *s->ident_keys);
    w.items = fbk__calloc(a, most, sizeof *w.items);
    w.some = fbk__calloc(a, most, sizeof *w.some);
    w.asked = fbk__calloc(a, most, sizeof *w.asked);
    w.found = fbk__calloc(a, most, 1);
    rc = FBK_OK;
    if (!s->id_keys || !s->id_facts || !s->ident_keys || !w.items || !w.some || !w.asked ||
        !w.found)
        rc = fbk__nomem(s->db);
    if (rc >= 0)
        rc = lookup_ids(s, &w);
    if (rc >= 0)
        rc = lookup_idents(s, &w);
    if (rc >= 0)
        rc = lookup_sealed(s, &w);
    fbk__free(a, w.items);
    fbk__free(a, w.some);
    fbk__free(a, w.asked);
    fbk__free(a, w.found);
    return rc;
}

void
fbk__append_lookup_free(fbk__append *s)
{
    fbk__free(fbk__a(s->db), s->id_keys);
    fbk__free(fbk__a(s->db), s->id_facts);
    fbk__free(fbk__a(s->db), s->ident_keys);
}
