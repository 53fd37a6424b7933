/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/row.h"

/* A scan is a row of short reads, one a chunk. Its snapshot is the highest event number when it was
 * opened: numbers only grow and are never given twice, so that what is appended meanwhile stays
 * out, and what is erased meanwhile is gone from the chunks that were not yet read. */

enum {
    SCAN_ROWS = 8192,   /* a chunk grows past it only for one event with more lines */
    SCAN_STEPS = 65536, /* rows looked at in one read, wanted or not */
    /* The columns that need the body of a row. */
    SCAN_LINE_COLUMNS = FBK__COL_LINE_KIND | FBK__COL_ITEM | FBK__COL_QUANTITY |
                        FBK__COL_UNIT_PRICE | FBK__COL_DISCOUNT | FBK__COL_TAX | FBK__COL_AMOUNT,
    SCAN_N_COLUMNS = 18
};

/* By bit of FBK__COL_*. */
static const uint8_t scan_size[SCAN_N_COLUMNS] = {8, 4, 8, 8, 4, 4, 4, 4, 8,
                                                  1, 4, 1, 4, 8, 8, 8, 8, 8};

struct fbk__scan {
    fbk *db;
    fbk__scan_options opt;
    uint32_t *nodes; /* copies */
    uint32_t *kinds;
    uint64_t max_event;
    uint64_t total;
    bool by_node; /* through the index, one node after another */
    bool done;
    bool full; /* the chunk */
    size_t at_node;
    int64_t after_us; /* position: the last row given */
    uint64_t after_event;
    size_t cap; /* rows that the columns hold */
    void *columns[SCAN_N_COLUMNS];
    fbk__batch_line *lines; /* of the event at hand */
    size_t line_cap;
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
    if (rows <= s->cap)
        return true;
    for (unsigned i = 0; i < SCAN_N_COLUMNS; i++) {
        void *grown;

        if (!(s->opt.columns & (1u << i)))
            continue;
        grown = fbk__realloc(fbk__a(s->db), s->columns[i], rows, scan_size[i]);
        if (!grown)
            return false;
        s->columns[i] = grown;
    }
    s->cap = rows;
    return true;
}

fbk_status
fbk__log_scan_open(fbk *db, const fbk__scan_options *options, fbk__scan **out)
{
    fbk__scan *s = fbk__calloc(fbk__a(db), 1, sizeof *s);
    fbk__log_total total;
    fbk_status rc;

    if (!s)
        return fbk__nomem(db);
    s->db = db;
    s->opt = *options;
    s->opt.nodes = NULL;
    s->opt.kinds = NULL;
    rc = scan_copy(db, options->nodes, options->n_nodes, &s->nodes);
    if (rc >= 0)
        rc = scan_copy(db, options->kinds, options->n_kinds, &s->kinds);
    if (rc >= 0 && !scan_reserve(s, SCAN_ROWS))
        rc = fbk__nomem(db);
    if (rc >= 0)
        rc = fbk__log_total_read(db, &total);
    if (rc < 0) {
        fbk__log_scan_close(s);
        return rc;
    }
    s->max_event = total.last_event;
    s->total = total.events;
    if (s->opt.from_us == FBK_TIME_NONE)
        s->opt.from_us = FBK_TIME_MIN;
    if (s->opt.to_us == FBK_TIME_NONE)
        s->opt.to_us = FBK_TIME_MAX + 1;
    /* Past one node in 16 events reading everything is cheaper than jumping about. */
    s->by_node = s->nodes && s->opt.n_nodes <= total.events / 16 + 64;
    s->done = s->by_node && s->opt.n_nodes == 0;
    s->after_us = INT64_MIN;
    s->after_event = s->by_node ? 0 : s->opt.after_event;
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
    for (unsigned i = 0; i < SCAN_N_COLUMNS; i++)
        fbk__free(a, scan->columns[i]);
    fbk__free(a, scan->nodes);
    fbk__free(a, scan->kinds);
    fbk__free(a, scan->lines);
    fbk__free(a, scan);
}

uint64_t
fbk__log_scan_total(const fbk__scan *scan)
{
    return scan->total;
}

static bool
scan_has(const uint32_t *sorted, size_t n, uint32_t value)
{
    size_t low = 0;

    while (low < n) {
        size_t mid = low + (n - low) / 2;

        if (sorted[mid] == value)
            return true;
        if (sorted[mid] < value)
            low = mid + 1;
        else
            n = mid;
    }
    return false;
}

static bool
scan_wants(const fbk__scan *s, const fbk__row_head *h)
{
    if (s->nodes && !s->by_node && !scan_has(s->nodes, s->opt.n_nodes, h->node))
        return false;
    if (!s->kinds)
        return true;
    for (size_t i = 0; i < s->opt.n_kinds; i++) {
        if (s->kinds[i] == h->kind)
            return true;
    }
    return false;
}

static void
scan_fill64(fbk__scan *s, unsigned column, size_t at, size_t n, uint64_t value)
{
    uint64_t *to = s->columns[column];

    for (size_t i = 0; to && i < n; i++)
        to[at + i] = value;
}

static void
scan_fill32(fbk__scan *s, unsigned column, size_t at, size_t n, uint32_t value)
{
    uint32_t *to = s->columns[column];

    for (size_t i = 0; to && i < n; i++)
        to[at + i] = value;
}

static void
scan_fill_head(fbk__scan *s, const fbk__row_head *h, size_t n)
{
    size_t at = s->chunk.n;
    uint8_t *flags = s->columns[9];

    scan_fill64(s, 0, at, n, h->event);
    scan_fill32(s, 1, at, n, h->node);
    scan_fill64(s, 2, at, n, (uint64_t)h->occurred_us);
    scan_fill64(s, 3, at, n, (uint64_t)h->received_us);
    scan_fill32(s, 4, at, n, h->kind);
    scan_fill32(s, 5, at, n, h->source);
    scan_fill32(s, 6, at, n, h->channel);
    scan_fill32(s, 7, at, n, h->place);
    scan_fill64(s, 8, at, n, h->order_hash);
    if (flags)
        memset(flags + at, (int)h->flags, n);
    scan_fill32(s, 10, at, n, h->currency);
}

static void
scan_fill_lines(fbk__scan *s, const fbk__batch_line *lines, size_t n)
{
    size_t at = s->chunk.n;
    uint8_t *kind = s->columns[11];
    uint32_t *item = s->columns[12];
    int64_t *const number[5] = {s->columns[13], s->columns[14], s->columns[15], s->columns[16],
                                s->columns[17]};

    for (size_t i = 0; i < n; i++) {
        if (kind)
            kind[at + i] = (uint8_t)lines[i].kind;
        if (item)
            item[at + i] = lines[i].item;
        if (number[0])
            number[0][at + i] = lines[i].quantity_milli;
        if (number[1])
            number[1][at + i] = lines[i].unit_price_micro;
        if (number[2])
            number[2][at + i] = lines[i].discount_micro;
        if (number[3])
            number[3][at + i] = lines[i].tax_micro;
        if (number[4])
            number[4][at + i] = lines[i].amount_micro;
    }
}

/* The lines of the row on which `st` stands; one empty line when it has none. */
static fbk_status
scan_lines(fbk__scan *s, fbk__stmt *st, const fbk__row_head *h, size_t n)
{
    size_t len;
    const unsigned char *body;
    fbk__reader r;

    if (!fbk__grow(fbk__a(s->db), &s->lines, &s->line_cap, n, sizeof *s->lines))
        return fbk__nomem(s->db);
    memset(s->lines, 0, sizeof *s->lines);
    body = fbk__column_blob(st, 13, &len);
    if ((uint64_t)fbk__column_int64(st, 12) != fbk__row_hash(h, body, len))
        return fbk__row_corrupt(s->db, h->event, "its checksum was wrong");
    r = (fbk__reader){body, body + len, false};
    if (!fbk__row_lines(&r, h->n_lines, s->lines))
        return fbk__row_corrupt(s->db, h->event, "its lines could not be read");
    scan_fill_lines(s, s->lines, n);
    return FBK_OK;
}

static fbk_status
scan_row(fbk__scan *s, fbk__stmt *st)
{
    fbk__row_head h;
    size_t n;
    fbk_status rc = fbk__row_head_load(s->db, st, &h);

    if (rc < 0)
        return rc;
    if (scan_wants(s, &h)) {
        n = h.n_lines ? h.n_lines : 1;
        if (n > FBK__EVENT_LINES_MAX)
            return fbk__row_corrupt(s->db, h.event, "it had too many lines");
        s->full = s->chunk.n && n > SCAN_ROWS - s->chunk.n;
        if (s->full)
            return FBK_OK; /* it begins the next chunk */
        if (!scan_reserve(s, s->chunk.n + n))
            return fbk__nomem(s->db);
        if (s->opt.columns & SCAN_LINE_COLUMNS) {
            rc = scan_lines(s, st, &h, n);
            if (rc < 0)
                return rc;
        }
        scan_fill_head(s, &h, n);
        s->chunk.n += n;
        s->full = s->chunk.n >= SCAN_ROWS;
    }
    s->after_us = h.occurred_us;
    s->after_event = h.event;
    return FBK_OK;
}

static const char scan_sql[] =
    "SELECT " FBK__ROW_COLUMNS " FROM log_event "
    "WHERE event > ?1 AND event <= ?2 AND occurred_us >= ?3 AND occurred_us < ?4 "
    "AND (flags & ?5) = 0 ORDER BY event";
static const char scan_node_sql[] =
    "SELECT " FBK__ROW_COLUMNS " FROM log_event "
    "WHERE node = ?7 AND (occurred_us, event) > (?8, ?1) AND occurred_us >= ?3 "
    "AND occurred_us < ?4 AND event > ?6 AND event <= ?2 AND (flags & ?5) = 0 "
    "ORDER BY occurred_us, event";

/* Rows from the position on: FBK_OK when there may be more, FBK_DONE when there are none. */
static fbk_status
scan_part(fbk__scan *s)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(s->db, s->by_node ? scan_node_sql : scan_sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, (int64_t)s->after_event);
    fbk__bind_int64(st, 2, (int64_t)s->max_event);
    fbk__bind_int64(st, 3, s->opt.from_us);
    fbk__bind_int64(st, 4, s->opt.to_us);
    fbk__bind_int64(st, 5, s->opt.skip_flags);
    if (s->by_node) {
        fbk__bind_int64(st, 6, (int64_t)s->opt.after_event);
        fbk__bind_int64(st, 7, s->nodes[s->at_node]);
        fbk__bind_int64(st, 8, s->after_us);
    }
    for (unsigned i = 0; i < SCAN_STEPS && !s->full; i++) {
        rc = fbk__step(st);
        if (rc == FBK_OK)
            rc = scan_row(s, st);
        if (rc != FBK_OK)
            break;
    }
    fbk__stmt_put(st);
    return rc;
}

static void
scan_end_part(fbk__scan *s)
{
    if (s->by_node) {
        uint32_t node = s->nodes[s->at_node];

        while (s->at_node < s->opt.n_nodes && s->nodes[s->at_node] == node)
            s->at_node++;
        s->after_us = INT64_MIN;
        s->after_event = 0;
    }
    s->done = !s->by_node || s->at_node >= s->opt.n_nodes;
}

static void
scan_expose(fbk__scan *s)
{
    void *const *c = s->columns;

    s->chunk.event = c[0];
    s->chunk.node = c[1];
    s->chunk.occurred_us = c[2];
    s->chunk.received_us = c[3];
    s->chunk.kind = c[4];
    s->chunk.source = c[5];
    s->chunk.channel = c[6];
    s->chunk.place = c[7];
    s->chunk.order = c[8];
    s->chunk.flags = c[9];
    s->chunk.currency = c[10];
    s->chunk.line_kind = c[11];
    s->chunk.item = c[12];
    s->chunk.quantity_milli = c[13];
    s->chunk.unit_price_micro = c[14];
    s->chunk.discount_micro = c[15];
    s->chunk.tax_micro = c[16];
    s->chunk.amount_micro = c[17];
}

fbk_status
fbk__log_scan_next(fbk__scan *scan, const fbk__chunk **out)
{
    fbk_status rc;

    scan->chunk.n = 0;
    scan->full = false;
    while (!scan->done && !scan->full) {
        rc = scan_part(scan);
        if (rc < 0)
            return rc;
        if (rc == FBK_DONE)
            scan_end_part(scan);
    }
    if (!scan->chunk.n)
        return FBK_DONE;
    scan_expose(scan);
    *out = &scan->chunk;
    return FBK_OK;
}
