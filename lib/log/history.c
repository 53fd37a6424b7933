/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "log/engine.h"

/* Whole events: the history of nodes, and everything in order. First the keys of those that are
 * wanted; then, a window of them at a time, the events, decoded in the order in which they lie. */

enum {
    HISTORY_WINDOW = 4096, /* events decoded at a time */
    EACH_WINDOW = 1 << 18,
    ALL_COLUMNS = (1 << FBK__N_FC) - 1
};

typedef struct history_key {
    int64_t us; /* history: when; each: 0 */
    int64_t arrival;
    uint32_t place; /* number in `places`; UINT32_MAX = the tail */
    uint32_t event; /* of the frame, or of the record */
    uint32_t row;   /* of the window; in the tail: the record */
    uint32_t unused;
} history_key;

/* A frame that has wanted events. */
typedef struct history_place {
    uint32_t segment;
    uint32_t frame;
    fbk__cached *cached; /* NULL: it is read whole, for many of its events */
} history_place;

/* A key of the window, to be sorted by where its event lies. */
typedef struct history_lies {
    uint64_t at; /* place, event */
    uint64_t key;
} history_lies;

typedef struct history {
    fbk *db;
    fbk__view *view;
    bool reading; /* a read transaction is open */
    history_key *keys;
    size_t n;
    size_t cap;
    history_place *places;
    size_t n_places;
    size_t place_cap;
    history_lies *lies;
    size_t lie_cap;
    fbk__codec codec;
    fbk__frame window;
    fbk__frame_index index;
    fbk__frame whole;
    fbk__batch_line *lines;
    size_t line_cap;
    uint32_t *nodes;
    size_t node_cap;
    fbk__batch_prop *props;
    size_t prop_cap;
} history;

static void
history_init(fbk *db, history *h)
{
    memset(h, 0, sizeof *h);
    h->db = db;
    fbk__codec_init(&h->codec, fbk__a(db));
    fbk__frame_init(&h->window, fbk__a(db));
    fbk__frame_init(&h->whole, fbk__a(db));
}

static void
history_read_end(history *h)
{
    if (h->reading)
        fbk__read_end(h->db);
    h->reading = false;
}

static void
history_clear_places(history *h)
{
    for (size_t i = 0; i < h->n_places; i++)
        fbk__cached_unref(h->places[i].cached);
    h->n_places = 0;
}

static void
history_free(history *h)
{
    const fbk_allocator *a = fbk__a(h->db);

    history_read_end(h);
    history_clear_places(h);
    fbk__view_unref(h->view);
    fbk__free(a, h->keys);
    fbk__free(a, h->places);
    fbk__free(a, h->lies);
    fbk__codec_free(&h->codec);
    fbk__frame_free(&h->window);
    fbk__frame_index_free(&h->index, a);
    fbk__frame_free(&h->whole);
    fbk__free(a, h->lines);
    fbk__free(a, h->nodes);
    fbk__free(a, h->props);
}

static fbk_status
history_push(history *h, history_key key)
{
    if (!fbk__grow(fbk__a(h->db), &h->keys, &h->cap, h->n + 1, sizeof *h->keys))
        return fbk__nomem(h->db);
    h->keys[h->n++] = key;
    return FBK_OK;
}

/* Takes the reference to the cached frame. */
static fbk_status
history_add_place(history *h, uint32_t segment, uint32_t frame, fbk__cached *cached)
{
    if (!fbk__grow(fbk__a(h->db), &h->places, &h->place_cap, h->n_places + 1, sizeof *h->places)) {
        fbk__cached_unref(cached);
        return fbk__nomem(h->db);
    }
    h->places[h->n_places++] = (history_place){segment, frame, cached};
    return FBK_OK;
}

static int
newest_first(const void *x, const void *y)
{
    const history_key *p = x;
    const history_key *q = y;

    if (p->us != q->us)
        return p->us < q->us ? 1 : -1;
    return (p->arrival < q->arrival) - (p->arrival > q->arrival);
}

static int
as_they_came(const void *x, const void *y)
{
    const history_key *p = x;
    const history_key *q = y;

    return (p->arrival > q->arrival) - (p->arrival < q->arrival);
}

static int
as_they_lie(const void *x, const void *y)
{
    const history_lies *p = x;
    const history_lies *q = y;

    return (p->at > q->at) - (p->at < q->at);
}

/* -- decoding a window ------------------------------------------------------------------------- */

/* Wanted events of one cached frame: neighbours together. */
static fbk_status
window_add_parts(history *h, fbk__cached *cached, const history_lies *lies, size_t n)
{
    fbk_status rc = FBK_OK;

    for (size_t i = 0; rc >= 0 && i < n;) {
        uint32_t first = (uint32_t)lies[i].at;
        uint32_t row = h->window.n.events;
        uint32_t k = 0;

        while (i < n && (uint32_t)lies[i].at == first + k)
            h->keys[lies[i++].key].row = row + k++;
        rc = fbk__cached_read(h->db, &h->codec, cached, first, k, ALL_COLUMNS, &h->window);
    }
    return rc;
}

/* Wanted events of a frame that is read whole. */
static fbk_status
window_add_whole(history *h, const history_place *place, const history_lies *lies, size_t n)
{
    const fbk__segment *segment = h->view->sets->segments[place->segment];
    fbk__frame_index index;
    fbk_status rc =
        fbk__segment_read(h->db, &h->codec, segment, place->frame, ALL_COLUMNS, &h->whole);

    if (rc < 0)
        return rc;
    rc = fbk__frame_index_make(&h->whole, &index);
    if (rc == FBK_ENOMEM)
        return fbk__nomem(h->db);
    if (rc < 0)
        return fbk__segment_damaged(h->db, segment, place->frame);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        h->keys[lies[i].key].row = h->window.n.events;
        rc = fbk__frame_copy(&h->window, &h->whole, &index, (uint32_t)lies[i].at);
    }
    fbk__frame_index_free(&index, fbk__a(h->db));
    return rc == FBK_ENOMEM ? fbk__nomem(h->db) : rc;
}

/* Decode the events of keys first .. first + n - 1. FBK_ETOOBIG: they were too many. */
static fbk_status
window_read(history *h, size_t first, size_t n)
{
    size_t n_lies = 0;
    fbk_status rc = FBK_OK;

    if (!fbk__grow(fbk__a(h->db), &h->lies, &h->lie_cap, n, sizeof *h->lies))
        return fbk__nomem(h->db);
    for (size_t i = first; i < first + n; i++) {
        if (h->keys[i].place != UINT32_MAX)
            h->lies[n_lies++] =
                (history_lies){(uint64_t)h->keys[i].place << 32 | h->keys[i].event, i};
    }
    if (n_lies > 1)
        qsort(h->lies, n_lies, sizeof *h->lies, as_they_lie);
    fbk__frame_clear(&h->window);
    fbk__frame_index_free(&h->index, fbk__a(h->db));
    for (size_t i = 0, k; rc >= 0 && i < n_lies; i = k) {
        const history_place *place = &h->places[h->lies[i].at >> 32];

        for (k = i + 1; k < n_lies && h->lies[k].at >> 32 == h->lies[i].at >> 32;)
            k++;
        rc = place->cached ? window_add_parts(h, place->cached, h->lies + i, k - i)
                           : window_add_whole(h, place, h->lies + i, k - i);
    }
    if (rc >= 0 && fbk__frame_index_make(&h->window, &h->index) < 0)
        rc = fbk__nomem(h->db); /* what was decoded adds up */
    return rc;
}

/* -- giving ------------------------------------------------------------------------------------ */

static fbk_status
give_arrays(history *h, const fbk__frame *f, const fbk__frame_index *x, uint32_t i)
{
    const fbk_allocator *a = fbk__a(h->db);
    uint32_t n_lines = x->line[i + 1] - x->line[i];
    uint32_t n_extra = x->extra[i + 1] - x->extra[i];
    uint32_t n_props = x->prop[i + 1] - x->prop[i];

    if (!fbk__grow(a, &h->lines, &h->line_cap, n_lines, sizeof *h->lines) ||
        !fbk__grow(a, &h->nodes, &h->node_cap, n_extra + 1, sizeof *h->nodes) ||
        !fbk__grow(a, &h->props, &h->prop_cap, n_props, sizeof *h->props))
        return fbk__nomem(h->db);
    for (uint32_t k = 0; k < n_lines; k++) {
        uint32_t at = x->line[i] + k;

        h->lines[k] =
            (fbk__batch_line){(uint32_t)f->ln[FBK__LN_ITEM][at], (uint32_t)f->ln[FBK__LN_KIND][at],
                              f->ln[FBK__LN_QUANTITY][at],       f->ln[FBK__LN_PRICE][at],
                              f->ln[FBK__LN_DISCOUNT][at],       f->ln[FBK__LN_TAX][at],
                              f->ln[FBK__LN_AMOUNT][at]};
    }
    h->nodes[0] = (uint32_t)f->ev[FBK__EV_NODE][i];
    for (uint32_t k = 0; k < n_extra; k++)
        h->nodes[k + 1] = (uint32_t)f->extra[x->extra[i] + k];
    for (uint32_t k = 0; k < n_props; k++) {
        uint32_t at = x->prop[i] + k;
        fbk__batch_prop *p = &h->props[k];

        p->key = (uint32_t)f->prop_key[at];
        p->type = (uint32_t)f->prop_type[at];
        if (p->type == FBK__PROP_TEXT) {
            const uint32_t *o = f->texts.offsets + f->prop_value[at];

            p->value.text = (fbk__span){o[0], o[1] - o[0]};
        } else {
            memcpy(&p->value, &f->prop_value[at], sizeof(int64_t));
        }
    }
    return FBK_OK;
}

static fbk_status
give_event(history *h, const fbk__frame *f, const fbk__frame_index *x, uint32_t i, fbk__event_fn fn,
           void *user_data)
{
    fbk__event_view v;
    fbk_status rc = give_arrays(h, f, x, i);

    if (rc < 0)
        return rc;
    v = (fbk__event_view){
        .event = (uint64_t)f->ev[FBK__EV_ARRIVAL][i],
        .node = h->nodes[0],
        .kind = (uint32_t)f->ev[FBK__EV_KIND][i],
        .source = (uint32_t)f->ev[FBK__EV_SOURCE][i],
        .channel = (uint32_t)f->ev[FBK__EV_CHANNEL][i],
        .place = (uint32_t)f->ev[FBK__EV_PLACE][i],
        .currency = (uint32_t)f->ev[FBK__EV_CURRENCY][i],
        .flags = (uint32_t)f->ev[FBK__EV_FLAGS][i],
        .occurred_us = f->ev[FBK__EV_OCCURRED][i],
        .received_us = f->ev[FBK__EV_RECEIVED][i],
        .id = f->ids.bytes + f->ids.offsets[i],
        .id_len = f->ids.offsets[i + 1] - f->ids.offsets[i],
        .order_ref = f->orders.bytes + f->orders.offsets[i],
        .order_ref_len = f->orders.offsets[i + 1] - f->orders.offsets[i],
        .n_lines = x->line[i + 1] - x->line[i],
        .n_nodes = h->nodes[0] ? x->extra[i + 1] - x->extra[i] + 1 : 0,
        .n_props = x->prop[i + 1] - x->prop[i],
        .lines = h->lines,
        .nodes = h->nodes,
        .props = h->props,
        .text = f->texts.bytes ? f->texts.bytes : "",
    };
    return fn(user_data, &v);
}

static fbk_status
give_window(history *h, size_t first, size_t n, fbk__event_fn fn, void *user_data)
{
    fbk_status rc = FBK_OK;

    for (size_t i = first; rc == FBK_OK && i < first + n; i++) {
        const history_key *key = &h->keys[i];

        if (key->place == UINT32_MAX) {
            const fbk__record *r = h->view->tail->records[key->row];

            rc = give_event(h, &r->frame, &r->index, key->event, fn, user_data);
        } else {
            rc = give_event(h, &h->window, &h->index, key->row, fn, user_data);
        }
    }
    return rc;
}

/* The events of all keys, at most `most` at a time; nothing is open while they are given. */
static fbk_status
history_give(history *h, size_t most, fbk__event_fn fn, void *user_data)
{
    size_t n = 0;
    fbk_status rc = FBK_OK;

    for (size_t first = 0; rc == FBK_OK && first < h->n; first += n) {
        n = h->n - first < most ? h->n - first : most;
        while ((rc = window_read(h, first, n)) == FBK_ETOOBIG && n > 1)
            n = most = n / 2;
        history_read_end(h);
        if (rc >= 0)
            rc = give_window(h, first, n, fn, user_data);
    }
    return rc;
}

/* -- the history of nodes ---------------------------------------------------------------------- */

/* Of n events of one node, which are in the order of time, the newest `limit` before `before`. */
static fbk_status
history_choose(history *h, fbk__cached *cached, uint32_t first, uint32_t n, int64_t before,
               size_t limit)
{
    const fbk__frame *f = &h->whole;
    fbk_status rc;

    if (before == INT64_MAX && n > limit) {
        first += n - (uint32_t)limit;
        n = (uint32_t)limit;
    }
    if (!n)
        return FBK_OK;
    fbk__frame_clear(&h->whole);
    rc = fbk__cached_read(h->db, &h->codec, cached, first, n,
                          1u << FBK__EV_OCCURRED | 1u << FBK__EV_ARRIVAL, &h->whole);
    for (uint32_t i = n, k = 0; rc >= 0 && i-- > 0 && k < limit;) {
        if (f->ev[FBK__EV_OCCURRED][i] >= before)
            continue;
        rc = history_push(h, (history_key){f->ev[FBK__EV_OCCURRED][i], f->ev[FBK__EV_ARRIVAL][i],
                                           (uint32_t)h->n_places - 1, first + i, 0, 0});
        k++;
    }
    return rc;
}

static fbk_status
history_frame(history *h, uint32_t segment, uint32_t frame, uint32_t node, int64_t before,
              size_t limit)
{
    fbk__cached *c = NULL;
    uint32_t first;
    uint32_t n;
    fbk_status rc = fbk__cached_get(h->db, h->view->sets->segments[segment], frame, &c);

    if (rc < 0)
        return rc;
    rc = fbk__cached_find(h->db, &h->codec, c, node, &first, &n);
    if (rc < 0 || !n) {
        fbk__cached_unref(c);
        return rc;
    }
    rc = history_add_place(h, segment, frame, c);
    return rc < 0 ? rc : history_choose(h, c, first, n, before, limit);
}

/* The frames of a node are in the order of time: the last ones first, until they have given
 * enough. */
static fbk_status
history_node(history *h, uint32_t node, int64_t before, size_t limit)
{
    fbk_status rc = FBK_OK;

    for (uint32_t s = 0; rc >= 0 && s < h->view->sets->n_segments; s++) {
        const fbk__segment *segment = h->view->sets->segments[s];
        uint32_t first = fbk__segment_find(segment, node);
        uint32_t end = first;
        size_t had = h->n;

        if (segment->min_us >= before)
            continue;
        while (end < segment->n_frames && segment->frames[end].min_node <= node)
            end++;
        while (rc >= 0 && end > first && h->n - had < limit) {
            if (segment->frames[--end].min_us < before)
                rc = history_frame(h, s, end, node, before, limit);
        }
    }
    return rc;
}

static bool
has_node(const uint32_t *nodes, size_t n, uint32_t node)
{
    size_t low = 0;
    size_t high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (nodes[mid] < node)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && nodes[low] == node;
}

static fbk_status
history_tail(history *h, const uint32_t *nodes, size_t n_nodes, int64_t before)
{
    fbk_status rc = FBK_OK;

    for (uint32_t r = 0; rc >= 0 && r < h->view->n_tail; r++) {
        const fbk__frame *f = &h->view->tail->records[r]->frame;

        for (uint32_t i = 0; rc >= 0 && i < f->n.events; i++) {
            int64_t us = f->ev[FBK__EV_OCCURRED][i];

            if (us < before && has_node(nodes, n_nodes, (uint32_t)f->ev[FBK__EV_NODE][i]))
                rc = history_push(
                    h, (history_key){us, f->ev[FBK__EV_ARRIVAL][i], UINT32_MAX, i, r, 0});
        }
    }
    return rc;
}

static void
history_trim(history *h, size_t limit)
{
    if (h->n > 1)
        qsort(h->keys, h->n, sizeof *h->keys, newest_first);
    if (h->n > limit)
        h->n = limit;
}

static fbk_status
history_keys(history *h, const uint32_t *nodes, size_t n_nodes, int64_t before, size_t limit)
{
    fbk_status rc = fbk__view_get(h->db, &h->view);

    for (size_t i = 0; i < n_nodes && rc >= 0; i++) {
        if (i && nodes[i] == nodes[i - 1])
            continue;
        rc = history_node(h, nodes[i], before, limit);
        /* Many nodes with long histories: keep no more than a few times what is asked for. */
        if (limit < 4096 && h->n > limit + 65536)
            history_trim(h, limit);
    }
    if (rc >= 0)
        rc = history_tail(h, nodes, n_nodes, before);
    if (rc >= 0)
        history_trim(h, limit);
    return rc;
}

fbk_status
fbk__log_history(fbk *db, const uint32_t *nodes, size_t n_nodes, fbk_time before_us, size_t limit,
                 fbk__event_fn fn, void *user_data)
{
    int64_t before = before_us == FBK_TIME_NONE ? INT64_MAX : before_us;
    history h;
    fbk_status rc = fbk__read_begin(db);

    if (rc < 0)
        return rc;
    history_init(db, &h);
    h.reading = true; /* one for the view and the first window */
    rc = history_keys(&h, nodes, n_nodes, before, limit);
    if (rc >= 0)
        rc = history_give(&h, HISTORY_WINDOW, fn, user_data);
    history_free(&h);
    return rc < 0 ? rc : FBK_OK;
}

/* -- everything, as it came -------------------------------------------------------------------- */

/* Events of segments with numbers in (after, to]. */
static fbk_status
each_segments(history *h, int64_t after, int64_t to)
{
    fbk_status rc = FBK_OK;

    for (uint32_t s = 0; rc >= 0 && s < h->view->sets->n_segments; s++) {
        const fbk__segment *segment = h->view->sets->segments[s];

        for (uint32_t k = 0; rc >= 0 && k < segment->n_frames; k++) {
            const fbk__segment_frame *facts = &segment->frames[k];

            if (facts->max_arrival <= after || facts->min_arrival > to)
                continue;
            rc = fbk__segment_read(h->db, &h->codec, segment, k, 1u << FBK__EV_ARRIVAL, &h->whole);
            if (rc >= 0)
                rc = history_add_place(h, s, k, NULL);
            for (uint32_t i = 0; rc >= 0 && i < h->whole.n.events; i++) {
                int64_t arrival = h->whole.ev[FBK__EV_ARRIVAL][i];

                if (arrival > after && arrival <= to)
                    rc = history_push(
                        h, (history_key){0, arrival, (uint32_t)h->n_places - 1, i, 0, 0});
            }
        }
    }
    return rc;
}

static fbk_status
each_tail(history *h, int64_t after, int64_t to)
{
    fbk_status rc = FBK_OK;

    for (uint32_t r = 0; rc >= 0 && r < h->view->n_tail; r++) {
        const fbk__frame *f = &h->view->tail->records[r]->frame;

        for (uint32_t i = 0; rc >= 0 && i < f->n.events; i++) {
            int64_t arrival = f->ev[FBK__EV_ARRIVAL][i];

            if (arrival > after && arrival <= to)
                rc = history_push(h, (history_key){0, arrival, UINT32_MAX, i, r, 0});
        }
    }
    return rc;
}

/* The events with numbers in (after, to]. */
static fbk_status
each_window(history *h, int64_t after, int64_t to, fbk__event_fn fn, void *user_data)
{
    fbk_status rc;

    h->n = 0;
    history_clear_places(h);
    rc = each_segments(h, after, to);
    if (rc >= 0)
        rc = each_tail(h, after, to);
    if (rc < 0)
        return rc;
    if (h->n > 1)
        qsort(h->keys, h->n, sizeof *h->keys, as_they_came);
    return history_give(h, EACH_WINDOW, fn, user_data);
}

fbk_status
fbk__log_each(fbk *db, uint64_t after_event, fbk__event_fn fn, void *user_data)
{
    history h;
    fbk_status rc;

    history_init(db, &h);
    rc = fbk__view_get(db, &h.view);
    for (; rc == FBK_OK && after_event < h.view->total.last_event; after_event += EACH_WINDOW)
        rc = each_window(&h, (int64_t)after_event, (int64_t)after_event + EACH_WINDOW, fn,
                         user_data);
    history_free(&h);
    return rc < 0 ? rc : FBK_OK;
}
