/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/content.h"
#include "log/engine.h"

/* Scans: segment after segment, frame after frame, then the tail; only the columns that are asked
 * for, or that a filter needs, are read. Nothing is held open between chunks. */

enum { N_COLUMNS = 18, CHUNK_ROWS = 4096 };

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

struct fbk__scan {
    fbk *db;
    fbk__view *view;
    fbk__scan_options opt;
    uint32_t *nodes; /* copies */
    uint32_t *kinds;
    uint32_t needs; /* columns of a frame, bits */
    uint32_t segment;
    uint32_t frame_number;
    uint32_t record;
    fbk__codec codec;
    fbk__frame frame;
    /* Rows chosen of the frame at hand: event and line of each. */
    uint32_t *event_of;
    uint32_t *line_of;
    size_t chosen_cap;
    size_t line_cap;
    void *out[N_COLUMNS];
    size_t cap;
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
scan_needs(const fbk__scan_options *o, bool timed)
{
    uint32_t needs = 1u << FBK__EV_N_LINES | 1u << FBK__EV_N_EXTRA | 1u << FBK__EV_N_PROPS;

    for (unsigned i = 0; i < N_COLUMNS; i++) {
        if (o->columns & 1u << i)
            needs |= 1u << columns[i].column;
    }
    if (timed)
        needs |= 1u << FBK__EV_OCCURRED;
    if (o->nodes)
        needs |= 1u << FBK__EV_NODE;
    if (o->kinds)
        needs |= 1u << FBK__EV_KIND;
    if (o->skip_flags)
        needs |= 1u << FBK__EV_FLAGS;
    if (o->after_event)
        needs |= 1u << FBK__EV_ARRIVAL;
    return needs;
}

fbk_status
fbk__log_scan_open(fbk *db, const fbk__scan_options *options, fbk__scan **out)
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
    fbk__frame_init(&s->frame, fbk__a(db));
    rc = scan_copy(db, options->nodes, options->n_nodes, &s->nodes);
    if (rc >= 0)
        rc = scan_copy(db, options->kinds, options->n_kinds, &s->kinds);
    if (rc >= 0 && !scan_reserve(s, CHUNK_ROWS))
        rc = fbk__nomem(db);
    if (rc >= 0)
        rc = fbk__view_get(db, &s->view);
    if (rc < 0) {
        fbk__log_scan_close(s);
        return rc;
    }
    s->opt.nodes = s->nodes;
    s->opt.kinds = s->kinds;
    s->needs =
        scan_needs(&s->opt, options->from_us != FBK_TIME_NONE || options->to_us != FBK_TIME_NONE);
    if (s->opt.from_us == FBK_TIME_NONE)
        s->opt.from_us = FBK_TIME_MIN;
    if (s->opt.to_us == FBK_TIME_NONE)
        s->opt.to_us = FBK_TIME_MAX + 1;
    *out = s;
    return FBK_OK;
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
scan_wants(const fbk__scan *s, const fbk__frame *f, uint32_t i, bool timed)
{
    const fbk__scan_options *o = &s->opt;

    if (timed &&
        (f->ev[FBK__EV_OCCURRED][i] < o->from_us || f->ev[FBK__EV_OCCURRED][i] >= o->to_us))
        return false;
    if (o->skip_flags && (f->ev[FBK__EV_FLAGS][i] & o->skip_flags))
        return false;
    if (o->kinds && !kind_wanted(o, f->ev[FBK__EV_KIND][i]))
        return false;
    if (o->after_event && (uint64_t)f->ev[FBK__EV_ARRIVAL][i] <= o->after_event)
        return false;
    return !o->nodes || nodes_meet(o->nodes, o->n_nodes, (uint32_t)f->ev[FBK__EV_NODE][i],
                                   (uint32_t)f->ev[FBK__EV_NODE][i]);
}

/* Rows of the frame that are wanted: event and line of each; a line of UINT32_MAX is none. */
static fbk_status
scan_choose(fbk__scan *s, const fbk__frame *f, size_t *out_n)
{
    bool timed = (s->needs & 1u << FBK__EV_OCCURRED) &&
                 (s->opt.from_us > FBK_TIME_MIN || s->opt.to_us <= FBK_TIME_MAX);
    size_t most = (size_t)f->n.events + f->n.lines;
    uint32_t line = 0;
    size_t n = 0;

    if (!fbk__grow(fbk__a(s->db), &s->event_of, &s->chosen_cap, most, sizeof(uint32_t)) ||
        !fbk__grow(fbk__a(s->db), &s->line_of, &s->line_cap, most, sizeof(uint32_t)))
        return fbk__nomem(s->db);
    for (uint32_t i = 0; i < f->n.events; i++) {
        uint32_t n_lines = (uint32_t)f->ev[FBK__EV_N_LINES][i];

        if (scan_wants(s, f, i, timed)) {
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

/* Append the chosen rows of a frame to the chunk. */
static fbk_status
scan_give(fbk__scan *s, const fbk__frame *f)
{
    size_t n = 0;
    size_t at = s->chunk.n;
    fbk_status rc = scan_choose(s, f, &n);

    if (rc < 0 || !n)
        return rc;
    if (!scan_reserve(s, at + n))
        return fbk__nomem(s->db);
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        unsigned column = columns[i].column;

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
scan_show(fbk__scan *s, const fbk__chunk **out)
{
    fbk__chunk *c = &s->chunk;

    c->event = s->out[0];
    c->node = s->out[1];
    c->occurred_us = s->out[2];
    c->received_us = s->out[3];
    c->kind = s->out[4];
    c->source = s->out[5];
    c->channel = s->out[6];
    c->place = s->out[7];
    c->order = s->out[8];
    c->flags = s->out[9];
    c->currency = s->out[10];
    c->line_kind = s->out[11];
    c->item = s->out[12];
    c->quantity_milli = s->out[13];
    c->unit_price_micro = s->out[14];
    c->discount_micro = s->out[15];
    c->tax_micro = s->out[16];
    c->amount_micro = s->out[17];
    *out = c;
}

/* The counts of the lines must add up before they lead anywhere. */
static fbk_status
scan_check(fbk__scan *s, const fbk__segment *segment)
{
    uint64_t lines = 0;

    for (uint32_t i = 0; i < s->frame.n.events; i++) {
        int64_t n = s->frame.ev[FBK__EV_N_LINES][i];

        if (n < 0 || (uint64_t)n > s->frame.n.lines - lines)
            break;
        lines += (uint64_t)n;
    }
    if (lines == s->frame.n.lines)
        return FBK_OK;
    return fbk__fail(s->db, FBK_ECORRUPT, "frame %u of segment %lld of the event log was damaged",
                     s->frame_number - 1, (long long)segment->id);
}

static fbk_status
scan_next_frame(fbk__scan *s)
{
    const fbk__sets *sets = s->view->sets;

    while (s->segment < sets->n_segments) {
        const fbk__segment *segment = sets->segments[s->segment];

        while (s->frame_number < segment->n_frames) {
            uint32_t number = s->frame_number++;
            fbk_status rc;

            if (!scan_wants_frame(s, &segment->frames[number]))
                continue;
            rc = fbk__segment_read(s->db, &s->codec, segment, number, s->needs, &s->frame);
            if (rc >= 0)
                rc = scan_check(s, segment);
            return rc < 0 ? rc : scan_give(s, &s->frame);
        }
        s->segment++;
        s->frame_number = 0;
    }
    return FBK_DONE;
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
    if (rc == FBK_DONE) {
        while (s->record < s->view->n_tail && s->chunk.n < CHUNK_ROWS) {
            rc = scan_give(s, &s->view->tail->records[s->record++]->frame);
            if (rc < 0)
                return rc;
        }
    }
    if (!s->chunk.n)
        return FBK_DONE;
    scan_show(s, out);
    return FBK_OK;
}
