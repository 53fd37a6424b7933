/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "log/engine.h"

/* Whole events: the history of nodes, and everything in order. */

typedef struct history_key {
    int64_t us; /* history: when; each: 0 */
    int64_t arrival;
    uint32_t segment; /* UINT32_MAX = the tail */
    uint32_t frame;   /* or record */
    uint32_t event;
    uint32_t unused;
} history_key;

typedef struct history {
    fbk *db;
    fbk__view *view;
    history_key *keys;
    size_t n;
    size_t cap;
    fbk__cached *cached; /* of the event given last */
    fbk__batch_line *lines;
    size_t line_cap;
    uint32_t *nodes;
    size_t node_cap;
    fbk__batch_prop *props;
    size_t prop_cap;
    fbk__buf text;
} history;

static fbk_status
history_init(fbk *db, history *h)
{
    memset(h, 0, sizeof *h);
    h->db = db;
    fbk__buf_init(&h->text, fbk__a(db));
    return fbk__view_get(db, &h->view);
}

static void
history_free(history *h)
{
    const fbk_allocator *a = fbk__a(h->db);

    fbk__cached_unref(h->cached);
    fbk__view_unref(h->view);
    fbk__free(a, h->keys);
    fbk__free(a, h->lines);
    fbk__free(a, h->nodes);
    fbk__free(a, h->props);
    fbk__buf_free(&h->text);
}

static fbk_status
history_push(history *h, history_key key)
{
    if (!fbk__grow(fbk__a(h->db), &h->keys, &h->cap, h->n + 1, sizeof *h->keys))
        return fbk__nomem(h->db);
    h->keys[h->n++] = key;
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
    fbk__buf_clear(&h->text);
    for (uint32_t k = 0; k < n_props; k++) {
        uint32_t at = x->prop[i] + k;
        fbk__batch_prop *p = &h->props[k];

        p->key = (uint32_t)f->prop_key[at];
        p->type = (uint32_t)f->prop_type[at];
        if (p->type == FBK__PROP_TEXT) {
            const uint32_t *o = f->texts.offsets + f->prop_value[at];

            p->value.text = (fbk__span){(uint32_t)h->text.len, o[1] - o[0]};
            fbk__buf_add(&h->text, f->texts.bytes + o[0], o[1] - o[0]);
        } else {
            memcpy(&p->value, &f->prop_value[at], sizeof(int64_t));
        }
    }
    return h->text.failed ? fbk__nomem(h->db) : FBK_OK;
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
        .text = h->text.data ? h->text.data : "",
    };
    return fn(user_data, &v);
}

static fbk_status
history_give(history *h, const history_key *key, fbk__event_fn fn, void *user_data)
{
    const fbk__segment *segment;
    fbk_status rc;

    if (key->segment == UINT32_MAX) {
        const fbk__record *r = h->view->tail->records[key->frame];

        return give_event(h, &r->frame, &r->index, key->event, fn, user_data);
    }
    segment = h->view->sets->segments[key->segment];
    if (!h->cached || h->cached->segment != segment->id ||
        h->cached->chunk != segment->frames[key->frame].chunk) {
        fbk__cached_unref(h->cached);
        h->cached = NULL;
        rc = fbk__cached_get(h->db, segment, key->frame, &h->cached);
        if (rc < 0)
            return rc;
    }
    return give_event(h, &h->cached->frame, &h->cached->index, key->event, fn, user_data);
}

static fbk_status
history_give_all(history *h, size_t limit, fbk__event_fn fn, void *user_data)
{
    fbk_status rc = FBK_OK;

    for (size_t i = 0; i < h->n && i < limit && rc == FBK_OK; i++)
        rc = history_give(h, &h->keys[i], fn, user_data);
    return rc < 0 ? rc : FBK_OK;
}

/* -- the history of nodes ---------------------------------------------------------------------- */

/* Events of a node before `before` in one frame, the newest `limit`. They stand together, in
 * the order of time. */
static fbk_status
history_frame(history *h, uint32_t segment, uint32_t number, uint32_t node, int64_t before,
              size_t limit)
{
    fbk__cached *c = NULL;
    fbk_status rc = fbk__cached_get(h->db, h->view->sets->segments[segment], number, &c);
    const int64_t *nodes;
    const int64_t *us;
    uint32_t low = 0;
    uint32_t high;

    if (rc < 0)
        return rc;
    nodes = c->frame.ev[FBK__EV_NODE];
    us = c->frame.ev[FBK__EV_OCCURRED];
    for (high = c->frame.n.events; low < high;) { /* first event not before (node, before) */
        uint32_t mid = low + (high - low) / 2;

        if (nodes[mid] < node || (nodes[mid] == node && us[mid] < before))
            low = mid + 1;
        else
            high = mid;
    }
    for (size_t k = 0; rc >= 0 && k < limit && low > 0 && nodes[low - 1] == node; k++) {
        low--;
        rc = history_push(
            h, (history_key){us[low], c->frame.ev[FBK__EV_ARRIVAL][low], segment, number, low, 0});
    }
    fbk__cached_unref(c);
    return rc;
}

static fbk_status
history_node(history *h, uint32_t node, int64_t before, size_t limit)
{
    fbk_status rc = FBK_OK;

    for (uint32_t s = 0; rc >= 0 && s < h->view->sets->n_segments; s++) {
        const fbk__segment *segment = h->view->sets->segments[s];

        if (segment->min_us >= before)
            continue;
        for (uint32_t k = fbk__segment_find(segment, node);
             rc >= 0 && k < segment->n_frames && segment->frames[k].min_node <= node; k++) {
            if (segment->frames[k].min_us < before)
                rc = history_frame(h, s, k, node, before, limit);
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
                    h, (history_key){us, f->ev[FBK__EV_ARRIVAL][i], UINT32_MAX, r, i, 0});
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

fbk_status
fbk__log_history(fbk *db, const uint32_t *nodes, size_t n_nodes, fbk_time before_us, size_t limit,
                 fbk__event_fn fn, void *user_data)
{
    int64_t before = before_us == FBK_TIME_NONE ? INT64_MAX : before_us;
    history h;
    fbk_status rc = history_init(db, &h);

    for (size_t i = 0; i < n_nodes && rc >= 0; i++) {
        if (i && nodes[i] == nodes[i - 1])
            continue;
        rc = history_node(&h, nodes[i], before, limit);
        /* Many nodes with long histories: keep no more than a few times what is asked for. */
        if (limit < 4096 && h.n > limit + 65536)
            history_trim(&h, limit);
    }
    if (rc >= 0)
        rc = history_tail(&h, nodes, n_nodes, before);
    if (rc >= 0) {
        history_trim(&h, limit);
        rc = history_give_all(&h, limit, fn, user_data);
    }
    history_free(&h);
    return rc;
}

/* -- everything, as it came -------------------------------------------------------------------- */

enum { EACH_WINDOW = 1 << 19 }; /* events sorted at a time */

/* Events of segments with numbers in (after, to]. */
static fbk_status
each_segments(history *h, fbk__codec *c, fbk__frame *f, int64_t after, int64_t to)
{
    fbk_status rc = FBK_OK;

    for (uint32_t s = 0; rc >= 0 && s < h->view->sets->n_segments; s++) {
        const fbk__segment *segment = h->view->sets->segments[s];

        for (uint32_t k = 0; rc >= 0 && k < segment->n_frames; k++) {
            const fbk__segment_frame *facts = &segment->frames[k];

            if (facts->max_arrival <= after || facts->min_arrival > to)
                continue;
            rc = fbk__segment_read(h->db, c, segment, k, 1u << FBK__EV_ARRIVAL, f);
            for (uint32_t i = 0; rc >= 0 && i < f->n.events; i++) {
                int64_t arrival = f->ev[FBK__EV_ARRIVAL][i];

                if (arrival > after && arrival <= to)
                    rc = history_push(h, (history_key){0, arrival, s, k, i, 0});
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
                rc = history_push(h, (history_key){0, arrival, UINT32_MAX, r, i, 0});
        }
    }
    return rc;
}

fbk_status
fbk__log_each(fbk *db, uint64_t after_event, fbk__event_fn fn, void *user_data)
{
    history h;
    fbk__codec codec;
    fbk__frame frame;
    bool stopped = false;
    fbk_status rc = history_init(db, &h);

    fbk__codec_init(&codec, fbk__a(db));
    fbk__frame_init(&frame, fbk__a(db));
    while (rc >= 0 && !stopped && after_event < h.view->total.last_event) {
        int64_t after = (int64_t)after_event;

        h.n = 0;
        rc = each_segments(&h, &codec, &frame, after, after + EACH_WINDOW);
        if (rc >= 0)
            rc = each_tail(&h, after, after + EACH_WINDOW);
        if (rc < 0)
            break;
        if (h.n > 1)
            qsort(h.keys, h.n, sizeof *h.keys, as_they_came);
        for (size_t i = 0; i < h.n && rc == FBK_OK; i++)
            rc = history_give(&h, &h.keys[i], fn, user_data);
        stopped = rc == FBK_DONE;
        after_event += EACH_WINDOW;
    }
    fbk__frame_free(&frame);
    fbk__codec_free(&codec);
    history_free(&h);
    return rc < 0 ? rc : FBK_OK;
}
