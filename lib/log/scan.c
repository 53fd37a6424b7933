/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/content.h"
#include "log/engine.h"

/* Scans: segment after segment, frame after frame, then the tail; only the columns that are asked
 * for, or that a filter needs, are read. Some frames are fetched in one read transaction, and
 * decoded one by one; nothing is held open between chunks. */

enum { N_COLUMNS = 18, CHUNK_ROWS = 4096, WINDOW = 16 };

/* What must be looked at to know whether an event is wanted. */
enum { BY_TIME = 1, BY_FLAGS = 2, BY_KIND = 4, BY_NUMBER = 8, BY_NODE = 16 };

/* By bit of FBK__COL_*: bytes of a value, and where it comes from. */
static const struct {
    uint8_t size;
    uint8_t column; /* FBK__FC_… */
} columns[N_COLUMNS] = {
    {8, FBK__EV_ARRIVAL},
    {4, FBK__EV_NODE},
    {8, FBK__EV_OCCURRED},
    {8, FBK__EV_RECEIVED},
    {4, FBK__EV_KIND},
    {4, FBK__EV_SOURCE},
    {4, FBK__EV_CHANNEL},
    {4, FBK__EV_PLACE},
    {8, FBK__FC_ORDERS},
    {1, FBK__EV_FLAGS},
    {4, FBK__EV_CURRENCY},
    {1, FBK__FC_LINES + FBK__LN_KIND},
    {4, FBK__FC_LINES + FBK__LN_ITEM},
    {8, FBK__FC_LINES + FBK__LN_QUANTITY},
    {8, FBK__FC_LINES + FBK__LN_PRICE},
    {8, FBK__FC_LINES + FBK__LN_DISCOUNT},
    {8, FBK__FC_LINES + FBK__LN_TAX},
    {8, FBK__FC_LINES + FBK__LN_AMOUNT},
};

/* A frame that was fetched. */
typedef struct scan_frame {
    const fbk__segment *segment;
    uint32_t number;
    uint64_t chunk;   /* its number in the scan */
    unsigned filters; /* that not all of it is known to pass */
    fbk__stored stored[FBK__N_FC];
} scan_frame;

struct fbk__scan {
    fbk *db;
    fbk__view *view;
    fbk__scan_options opt;
    uint32_t *nodes; /* copies */
    uint32_t *kinds;
    uint32_t given; /* columns of a frame that are asked for, bits */
    uint32_t part;  /* of those who share the scan */
    uint32_t n_parts;
    uint64_t n_found; /* frames that may have wanted events, so far */
    uint32_t segment;
    uint32_t frame_number;
    uint32_t record;
    fbk__codec codec;
    fbk__buf bytes; /* of the frames in the window */
    scan_frame window[WINDOW];
    unsigned n_window;
    unsigned at_window;
    fbk__frame frame;
    /* Rows chosen of the frame at hand: event and line of each. */
    uint32_t *event_of;
    uint32_t *line_of;
    size_t chosen_cap;
    size_t line_cap;
    void *out[N_COLUMNS];
    size_t cap;
    const void *shown[N_COLUMNS]; /* of the chunk: of `out`, or of the frame as it was decoded */
    fbk__chunk chunk;
};

static fbk_status
scan_copy(fbk *db, const uint32_t *from, size_t n, uint32_t **out)
{
    size_t bytes;

    if (!from)
        return FBK_OK;
    if (!fbk__size_mul(n, sizeof *from, &bytes))
        return fbk__nomem(db);
    *out = fbk__alloc(fbk__a(db), bytes);
    if (!*out)
        return fbk__nomem(db);
    if (n)
        memcpy(*out, from, bytes);
    return FBK_OK;
}

static bool
scan_reserve(fbk__scan *s, size_t rows)
{
    size_t cap = s->cap ? s->cap : CHUNK_ROWS;

    if (rows <= s->cap)
        return true;
    while (cap < rows)
        cap *= 2;
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        void *grown;

        if (!(s->opt.columns & (1u << i)))
            continue;
        grown = fbk__realloc(fbk__a(s->db), s->out[i], cap, columns[i].size);
        if (!grown)
            return false;
        s->out[i] = grown;
    }
    s->cap = cap;
    return true;
}

static uint32_t
scan_given(const fbk__scan_options *o)
{
    uint32_t given = 0;

    for (unsigned i = 0; i < N_COLUMNS; i++) {
        if (o->columns & 1u << i)
            given |= 1u << columns[i].column;
    }
    return given;
}

/* Columns that filters look at. */
static uint32_t
filter_columns(unsigned filters)
{
    return (filters & BY_TIME ? 1u << FBK__EV_OCCURRED : 0u) |
           (filters & BY_FLAGS ? 1u << FBK__EV_FLAGS : 0u) |
           (filters & BY_KIND ? 1u << FBK__EV_KIND : 0u) |
           (filters & BY_NUMBER ? 1u << FBK__EV_ARRIVAL : 0u) |
           (filters & BY_NODE ? 1u << FBK__EV_NODE : 0u);
}

fbk_status
fbk__log_scan_part(fbk *db, fbk__view *view, const fbk__scan_options *options, uint32_t part,
                   uint32_t n_parts, fbk__scan **out)
{
    fbk__scan *s = fbk__calloc(fbk__a(db), 1, sizeof *s);
    fbk_status rc;

    if (!s)
        return fbk__nomem(db);
    s->db = db;
    s->opt = *options;
    s->opt.nodes = NULL;
    s->opt.kinds = NULL;
    fbk__codec_init(&s->codec, fbk__a(db));
    fbk__buf_init(&s->bytes, fbk__a(db));
    fbk__frame_init(&s->frame, fbk__a(db));
    rc = scan_copy(db, options->nodes, options->n_nodes, &s->nodes);
    if (rc >= 0)
        rc = scan_copy(db, options->kinds, options->n_kinds, &s->kinds);
    if (rc >= 0 && !scan_reserve(s, CHUNK_ROWS))
        rc = fbk__nomem(db);
    if (rc < 0) {
        fbk__log_scan_close(s);
        return rc;
    }
    s->view = fbk__view_ref(view);
    s->part = part;
    s->n_parts = n_parts;
    s->opt.nodes = s->nodes;
    s->opt.kinds = s->kinds;
    s->given = scan_given(&s->opt);
    if (s->opt.from_us == FBK_TIME_NONE)
        s->opt.from_us = FBK_TIME_MIN;
    if (s->opt.to_us == FBK_TIME_NONE)
        s->opt.to_us = FBK_TIME_MAX + 1;
    *out = s;
    return FBK_OK;
}

fbk_status
fbk__log_scan_open(fbk *db, const fbk__scan_options *options, fbk__scan **out)
{
    fbk__view *view = NULL;
    fbk_status rc = fbk__view_get(db, &view);

    if (rc >= 0)
        rc = fbk__log_scan_part(db, view, options, 0, 1, out);
    fbk__view_unref(view);
    return rc;
}

void
fbk__log_scan_close(fbk__scan *scan)
{
    const fbk_allocator *a;

    if (!scan)
        return;
    a = fbk__a(scan->db);
    for (unsigned i = 0; i < N_COLUMNS; i++)
        fbk__free(a, scan->out[i]);
    fbk__free(a, scan->nodes);
    fbk__free(a, scan->kinds);
    fbk__free(a, scan->event_of);
    fbk__free(a, scan->line_of);
    fbk__frame_free(&scan->frame);
    fbk__buf_free(&scan->bytes);
    fbk__codec_free(&scan->codec);
    fbk__view_unref(scan->view);
    fbk__free(a, scan);
}

uint64_t
fbk__log_scan_total(const fbk__scan *scan)
{
    return scan->view->total.events;
}

/* -- filters ----------------------------------------------------------------------------------- */

/* Is one of the sorted nodes in [low, high]? */
static bool
nodes_meet(const uint32_t *nodes, size_t n, uint32_t low, uint32_t high)
{
    size_t from = 0;
    size_t to = n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (nodes[mid] < low)
            from = mid + 1;
        else
            to = mid;
    }
    return from < n && nodes[from] <= high;
}

static bool
scan_wants_frame(const fbk__scan *s, const fbk__segment_frame *f)
{
    if (f->max_us < s->opt.from_us || f->min_us >= s->opt.to_us ||
        (uint64_t)f->max_arrival <= s->opt.after_event)
        return false;
    return !s->nodes || nodes_meet(s->nodes, s->opt.n_nodes, f->min_node, f->max_node);
}

/* What must be asked of each event of a frame. */
static unsigned
scan_filters(const fbk__scan *s, const fbk__segment_frame *f)
{
    const fbk__scan_options *o = &s->opt;

    return (f->min_us < o->from_us || f->max_us >= o->to_us ? BY_TIME : 0u) |
           (f->flags & o->skip_flags ? BY_FLAGS : 0u) | (o->kinds ? BY_KIND : 0u) |
           ((uint64_t)f->min_arrival <= o->after_event ? BY_NUMBER : 0u) |
           (o->nodes ? BY_NODE : 0u);
}

static bool
kind_wanted(const fbk__scan_options *o, int64_t kind)
{
    for (size_t i = 0; i < o->n_kinds; i++) {
        if (o->kinds[i] == kind)
            return true;
    }
    return false;
}

static bool
scan_wants(const fbk__scan *s, const fbk__frame *f, uint32_t i, unsigned filters)
{
    const fbk__scan_options *o = &s->opt;

    if (filters & BY_TIME &&
        (f->ev[FBK__EV_OCCURRED][i] < o->from_us || f->ev[FBK__EV_OCCURRED][i] >= o->to_us))
        return false;
    if (filters & BY_FLAGS && (f->ev[FBK__EV_FLAGS][i] & o->skip_flags))
        return false;
    if (filters & BY_KIND && !kind_wanted(o, f->ev[FBK__EV_KIND][i]))
        return false;
    if (filters & BY_NUMBER && (uint64_t)f->ev[FBK__EV_ARRIVAL][i] <= o->after_event)
        return false;
    return !(filters & BY_NODE) ||
           nodes_meet(o->nodes, o->n_nodes, (uint32_t)f->ev[FBK__EV_NODE][i],
                      (uint32_t)f->ev[FBK__EV_NODE][i]);
}

/* Rows of the frame that are wanted: event and line of each; a line of UINT32_MAX is none. */
static fbk_status
scan_choose(fbk__scan *s, const fbk__frame *f, unsigned filters, size_t *out_n)
{
    size_t most = (size_t)f->n.events + f->n.lines;
    uint32_t line = 0;
    size_t n = 0;

    if (!fbk__grow(fbk__a(s->db), &s->event_of, &s->chosen_cap, most, sizeof(uint32_t)) ||
        !fbk__grow(fbk__a(s->db), &s->line_of, &s->line_cap, most, sizeof(uint32_t)))
        return fbk__nomem(s->db);
    for (uint32_t i = 0; i < f->n.events; i++) {
        uint32_t n_lines = (uint32_t)f->ev[FBK__EV_N_LINES][i];

        if (!filters || scan_wants(s, f, i, filters)) {
            for (uint32_t k = 0; k < (n_lines ? n_lines : 1); k++) {
                s->event_of[n] = i;
                s->line_of[n++] = n_lines ? line + k : UINT32_MAX;
            }
        }
        line += n_lines;
    }
    *out_n = n;
    return FBK_OK;
}

/* -- output ------------------------------------------------------------------------------------ */

static void
give(const int64_t *from, const uint32_t *at, size_t n, unsigned size, void *to, size_t offset)
{
    if (size == 8) {
        int64_t *out = (int64_t *)to + offset;

        for (size_t i = 0; i < n; i++)
            out[i] = at[i] == UINT32_MAX ? 0 : from[at[i]];
    } else if (size == 4) {
        uint32_t *out = (uint32_t *)to + offset;

        for (size_t i = 0; i < n; i++)
            out[i] = at[i] == UINT32_MAX ? 0 : (uint32_t)from[at[i]];
    } else {
        uint8_t *out = (uint8_t *)to + offset;

        for (size_t i = 0; i < n; i++)
            out[i] = at[i] == UINT32_MAX ? 0 : (uint8_t)from[at[i]];
    }
}

static void
give_orders(const fbk__scan *s, const fbk__frame *f, size_t n, size_t offset, uint64_t *to)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t e = s->event_of[i];

        to[offset + i] = i && s->event_of[i - 1] == e
                             ? to[offset + i - 1]
                             : fbk__order_hash(f->orders.bytes + f->orders.offsets[e],
                                               f->orders.offsets[e + 1] - f->orders.offsets[e]);
    }
}

/* Append the wanted rows of a frame to the chunk. */
static fbk_status
scan_give(fbk__scan *s, const fbk__frame *f, unsigned filters)
{
    size_t n = 0;
    size_t at = s->chunk.n;
    fbk_status rc = scan_choose(s, f, filters, &n);

    if (rc < 0 || !n)
        return rc;
    if (!scan_reserve(s, at + n))
        return fbk__nomem(s->db);
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        unsigned column = columns[i].column;

        s->shown[i] = s->out[i];
        if (!(s->opt.columns & 1u << i))
            continue;
        if (column == FBK__FC_ORDERS)
            give_orders(s, f, n, at, s->out[i]);
        else if (column < FBK__FC_LINES)
            give(f->ev[column], s->event_of, n, columns[i].size, s->out[i], at);
        else
            give(f->ln[column - FBK__FC_LINES], s->line_of, n, columns[i].size, s->out[i], at);
    }
    s->chunk.n += n;
    return FBK_OK;
}

static void
narrow4(const int64_t *restrict from, uint32_t *restrict to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint32_t)from[i];
}

static void
narrow1(const int64_t *restrict from, uint8_t *restrict to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)from[i];
}

/* All rows of a frame whose events have one line each, as a chunk: in place where they fit. */
static fbk_status
scan_give_all(fbk__scan *s, const fbk__frame *f)
{
    size_t n = f->n.events;

    if (!scan_reserve(s, n))
        return fbk__nomem(s->db);
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        unsigned column = columns[i].column;
        const int64_t *from;

        s->shown[i] = s->out[i];
        if (!(s->opt.columns & 1u << i))
            continue;
        from = column < FBK__FC_LINES ? f->ev[column] : f->ln[column - FBK__FC_LINES];
        if (columns[i].size == 8)
            s->shown[i] = from;
        else if (columns[i].size == 4)
            narrow4(from, s->out[i], n);
        else
            narrow1(from, s->out[i], n);
    }
    s->chunk.n = n;
    return FBK_OK;
}

static void
scan_show(fbk__scan *s, const fbk__chunk **out)
{
    fbk__chunk *c = &s->chunk;

    c->event = s->shown[0];
    c->node = s->shown[1];
    c->occurred_us = s->shown[2];
    c->received_us = s->shown[3];
    c->kind = s->shown[4];
    c->source = s->shown[5];
    c->channel = s->shown[6];
    c->place = s->shown[7];
    c->order = s->shown[8];
    c->flags = s->shown[9];
    c->currency = s->shown[10];
    c->line_kind = s->shown[11];
    c->item = s->shown[12];
    c->quantity_milli = s->shown[13];
    c->unit_price_micro = s->shown[14];
    c->discount_micro = s->shown[15];
    c->tax_micro = s->shown[16];
    c->amount_micro = s->shown[17];
    *out = c;
}

/* The counts of the lines must add up before they lead anywhere. */
static fbk_status
scan_check(fbk__scan *s, const scan_frame *w)
{
    uint64_t lines = 0;

    for (uint32_t i = 0; i < s->frame.n.events; i++) {
        int64_t n = s->frame.ev[FBK__EV_N_LINES][i];

        if (n < 0 || (uint64_t)n > s->frame.n.lines - lines)
            break;
        lines += (uint64_t)n;
    }
    return lines == s->frame.n.lines ? FBK_OK : fbk__segment_damaged(s->db, w->segment, w->number);
}

/* The next frame that may have wanted events; false at the end. */
static bool
scan_find(fbk__scan *s, scan_frame *w)
{
    const fbk__sets *sets = s->view->sets;

    for (; s->segment < sets->n_segments; s->segment++, s->frame_number = 0) {
        w->segment = sets->segments[s->segment];
        while (s->frame_number < w->segment->n_frames) {
            w->number = s->frame_number++;
            if (!scan_wants_frame(s, &w->segment->frames[w->number]))
                continue;
            w->chunk = s->n_found++;
            if (w->chunk / WINDOW % s->n_parts == s->part)
                return true;
        }
    }
    return false;
}

/* Fetch the next frames. */
static fbk_status
scan_fetch(fbk__scan *s)
{
    uint32_t unused;
    fbk_status rc = fbk__read_begin(s->db);

    if (rc < 0)
        return rc;
    s->n_window = s->at_window = 0;
    fbk__buf_clear(&s->bytes);
    while (rc >= 0 && s->n_window < WINDOW && scan_find(s, &s->window[s->n_window])) {
        scan_frame *w = &s->window[s->n_window++];
        uint32_t needs;

        w->filters = scan_filters(s, &w->segment->frames[w->number]);
        needs = s->given | filter_columns(w->filters) | 1u << FBK__EV_N_LINES;
        rc = fbk__segment_fetch(s->db, w->segment, w->number, fbk__frame_needs(needs), &s->bytes,
                                w->stored, &unused);
    }
    fbk__read_end(s->db);
    return rc;
}

/* Whether each event of a frame has one line, so that events and lines are the rows. */
static bool
scan_is_flat(const fbk__scan *s, const scan_frame *w)
{
    const fbk__frame_size *n = &w->segment->frames[w->number].n;
    const fbk__stored *stored = &w->stored[FBK__EV_N_LINES];
    int64_t lines;

    return n->lines == n->events && stored->len &&
           fbk__codec_is_constant(s->bytes.data + stored->at, stored->len, &lines) && lines == 1;
}

static fbk_status
scan_next_frame(fbk__scan *s)
{
    bool all;
    uint32_t needs;
    const scan_frame *w;
    fbk_status rc = FBK_OK;

    if (s->at_window == s->n_window)
        rc = scan_fetch(s);
    if (rc < 0 || !s->n_window)
        return rc < 0 ? rc : FBK_DONE;
    w = &s->window[s->at_window++];
    s->chunk.number = w->chunk;
    all = !w->filters && !(s->opt.columns & FBK__COL_ORDER) && scan_is_flat(s, w);
    needs = s->given | filter_columns(w->filters) | (all ? 0u : 1u << FBK__EV_N_LINES);
    rc = fbk__segment_unpack(s->db, &s->codec, w->segment, w->number, fbk__frame_needs(needs),
                             s->bytes.data, w->stored, &s->frame);
    if (rc < 0 || all)
        return rc < 0 ? rc : scan_give_all(s, &s->frame);
    rc = scan_check(s, w);
    return rc < 0 ? rc : scan_give(s, &s->frame, w->filters);
}

/* What may have to be asked of an event that is not sealed: everything. */
static unsigned
tail_filters(const fbk__scan *s)
{
    return BY_TIME | BY_FLAGS | BY_NUMBER | (s->opt.kinds ? BY_KIND : 0u) |
           (s->opt.nodes ? BY_NODE : 0u);
}

fbk_status
fbk__log_scan_next(fbk__scan *s, const fbk__chunk **out)
{
    fbk_status rc = FBK_OK;

    s->chunk.n = 0;
    while (rc == FBK_OK && !s->chunk.n)
        rc = scan_next_frame(s);
    if (rc < 0)
        return rc;
    if (rc == FBK_DONE && s->part == 0) {
        s->chunk.number = s->n_found + s->record;
        while (s->record < s->view->n_tail && s->chunk.n < CHUNK_ROWS) {
            rc = scan_give(s, &s->view->tail->records[s->record++]->frame, tail_filters(s));
            if (rc < 0)
                return rc;
        }
    }
    if (!s->chunk.n)
        return FBK_DONE;
    scan_show(s, out);
    return FBK_OK;
}
