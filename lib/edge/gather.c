/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/gather.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log/batch.h"

enum { ROW_REFUSED = 1, ROW_LINE = 2, REASON_MAX = 192, FIELD_MAX = 80, TICK_ROWS = 4096 };

/* The event at hand while rows of its id come in. */
typedef struct group {
    bool open;
    fbk__hash128 key;
    int64_t record;   /* without ids: the record whose rows these are */
    uint64_t ordinal; /* without ids: how many equal records came before */
    uint64_t first_seq;
    fbk_time occurred_us;
    uint32_t flags;
    uint32_t n_lines;
    fbk__buf id;
    fbk__buf slots; /* as in fbk__row */
    fbk__buf lines;
    int64_t *slot_rows; /* which row said what is in the slot */
    fbk__gather_row *rows;
    size_t n_rows;
    size_t row_cap;
    /* Why it cannot be; empty = it can. The row to blame has the reason, the others a pointer. */
    char reason[REASON_MAX];
    char field[FIELD_MAX];
    int64_t blamed;
    int64_t blamed2; /* the other row of a disagreement, 0 = none */
} group;

struct fbk__gather {
    fbk *db;
    const fbk__mapping *map;
    fbk__gather_options options;
    fbk__rejects *rejects;
    fbk__spill *rows;   /* by id */
    fbk__spill *events; /* by first row */
    uint64_t seq;
    fbk__buf buf;
    fbk__buf merged;
    group group;
    fbk__gather_counts counts;
    /* The event that was given out. */
    fbk__piece *slots;
    fbk__gather_row *out_rows;
    size_t out_row_cap;
};

fbk_status
fbk__gather_new(fbk *db, const fbk__mapping *map, const fbk__gather_options *options,
                fbk__gather **out)
{
    const fbk_allocator *a = fbk__a(db);
    fbk__gather *g = fbk__calloc(a, 1, sizeof *g);
    fbk_status rc;

    if (!g)
        return fbk__nomem(db);
    g->db = db;
    g->map = map;
    g->options = *options;
    g->rejects = options->rejects;
    fbk__buf_init(&g->buf, a);
    fbk__buf_init(&g->merged, a);
    fbk__buf_init(&g->group.id, a);
    fbk__buf_init(&g->group.slots, a);
    fbk__buf_init(&g->group.lines, a);
    g->slots = fbk__calloc(a, fbk__n_slots(map), sizeof *g->slots);
    g->group.slot_rows = fbk__calloc(a, fbk__n_slots(map), sizeof *g->group.slot_rows);
    rc = g->slots && g->group.slot_rows ? FBK_OK : fbk__nomem(db);
    if (rc == FBK_OK)
        rc = fbk__spill_new(db, options->budget / 8 * 5, options->dir, &g->rows);
    if (rc == FBK_OK)
        rc = fbk__spill_new(db, options->budget / 8 * 3, options->dir, &g->events);
    if (rc < 0) {
        fbk__gather_free(g);
        return rc;
    }
    *out = g;
    return FBK_OK;
}

void
fbk__gather_free(fbk__gather *g)
{
    const fbk_allocator *a;

    if (!g)
        return;
    a = fbk__a(g->db);
    fbk__spill_free(g->rows);
    fbk__spill_free(g->events);
    fbk__buf_free(&g->buf);
    fbk__buf_free(&g->merged);
    fbk__buf_free(&g->group.id);
    fbk__buf_free(&g->group.slots);
    fbk__buf_free(&g->group.lines);
    fbk__free(a, g->group.slot_rows);
    fbk__free(a, g->group.rows);
    fbk__free(a, g->slots);
    fbk__free(a, g->out_rows);
    fbk__free(a, g);
}

fbk__gather_counts
fbk__gather_count(const fbk__gather *g)
{
    return g->counts;
}

/* ---- rows as bytes ---- */

static void
put_text(fbk__buf *buf, const void *bytes, size_t len)
{
    fbk__buf_uvarint(buf, len);
    fbk__buf_add(buf, bytes, len);
}

static fbk__piece
get_text(fbk__reader *r)
{
    size_t len = (size_t)fbk__read_uvarint(r);
    const char *bytes = fbk__read_bytes(r, len);

    return bytes ? (fbk__piece){bytes, len} : (fbk__piece){"", 0};
}

static void
put_line(fbk__buf *buf, const fbk__row *row)
{
    fbk__buf_uvarint(buf, row->line_kind);
    put_text(buf, row->item.data, row->item.len);
    fbk__buf_svarint(buf, row->quantity_milli);
    fbk__buf_svarint(buf, row->unit_price_micro);
    fbk__buf_svarint(buf, row->discount_micro);
    fbk__buf_svarint(buf, row->tax_micro);
    fbk__buf_svarint(buf, row->amount_micro);
}

fbk_status
fbk__gather_add(fbk__gather *g, const fbk__row *row, int64_t number, int64_t line,
                fbk__hash128 content)
{
    const bool with_ids = g->map->event_id.n > 0;
    fbk__buf *buf = &g->buf;

    /* Without its id nobody can tell which event a row is of. */
    if (with_ids && row->id.len == 0) {
        return fbk__rejects_add(g->rejects, number, line, row->field ? row->field : "event_id",
                                row->reason ? row->reason : "was empty");
    }
    if (with_ids)
        content = fbk__hash128_of(row->id.data, row->id.len);
    fbk__buf_clear(buf);
    fbk__buf_uvarint(buf, (row->reason ? ROW_REFUSED : 0) | (row->has_line ? ROW_LINE : 0));
    fbk__buf_svarint(buf, number);
    fbk__buf_svarint(buf, line - number);
    put_text(buf, row->id.data, row->id.len);
    if (row->reason) {
        put_text(buf, row->field, strlen(row->field));
        put_text(buf, row->reason, strlen(row->reason));
    } else {
        fbk__buf_svarint(buf, row->occurred_us);
        fbk__buf_uvarint(buf, row->flags);
        put_text(buf, row->slots.data, row->slots.len);
        if (row->has_line)
            put_line(buf, row);
    }
    if (buf->failed)
        return fbk__nomem(g->db);
    return fbk__spill_add(g->rows, content, g->seq++, buf->data, buf->len);
}

/* ---- groups ---- */

static void
group_blame(group *gr, const char *field, const char *reason, int64_t row, int64_t other)
{
    if (gr->reason[0])
        return;
    (void)snprintf(gr->field, sizeof gr->field, "%s", field);
    (void)snprintf(gr->reason, sizeof gr->reason, "%s", reason);
    gr->blamed = row;
    gr->blamed2 = other;
}

/* Write the group's rows to the rejects, and forget them. */
static fbk_status
group_reject_rows(fbk__gather *g)
{
    group *gr = &g->group;
    char other[REASON_MAX];
    fbk_status rc = FBK_OK;

    (void)snprintf(other, sizeof other, "row %" PRId64 " of the same event was refused",
                   gr->blamed);
    for (size_t i = 0; i < gr->n_rows && rc == FBK_OK; i++) {
        const int64_t number = gr->rows[i].number;
        const bool mine = number == gr->blamed || number == gr->blamed2;

        if (i > 0 && number == gr->rows[i - 1].number)
            continue; /* another line of the same record */
        rc = fbk__rejects_add(g->rejects, number, gr->rows[i].line, mine ? gr->field : "event_id",
                              mine ? gr->reason : other);
    }
    gr->n_rows = 0;
    return rc;
}

/* Slot by slot: what only one of them says is taken, what both say must be the same. */
static void
group_merge_slots(fbk__gather *g, fbk__piece slots, int64_t number)
{
    group *gr = &g->group;
    const unsigned char *mine = (const unsigned char *)gr->slots.data;
    const unsigned char *theirs = (const unsigned char *)slots.p;
    fbk__reader a = {mine, mine + gr->slots.len, false};
    fbk__reader b = {theirs, theirs + slots.len, false};
    fbk__buf swap;

    if (fbk__piece_equal((fbk__piece){gr->slots.data, gr->slots.len}, slots))
        return;
    fbk__buf_clear(&g->merged);
    for (size_t i = 0; i < fbk__n_slots(g->map); i++) {
        size_t m = (size_t)fbk__read_uvarint(&a);
        const char *x = fbk__read_bytes(&a, m ? m - 1 : 0);
        size_t n = (size_t)fbk__read_uvarint(&b);
        const char *y = fbk__read_bytes(&b, n ? n - 1 : 0);

        if (m && n && (m != n || memcmp(x, y, m - 1) != 0)) {
            char field[FIELD_MAX];
            char reason[REASON_MAX];

            fbk__slot_name(g->map, i, field, sizeof field);
            (void)snprintf(reason, sizeof reason,
                           "differed between row %" PRId64 " and row %" PRId64 " of one event",
                           gr->slot_rows[i], number);
            group_blame(gr, field, reason, number, gr->slot_rows[i]);
            return;
        }
        if (!m && n)
            gr->slot_rows[i] = number;
        fbk__buf_uvarint(&g->merged, m ? m : n);
        fbk__buf_add(&g->merged, m ? x : y, m ? m - 1 : n ? n - 1 : 0);
    }
    swap = gr->slots;
    gr->slots = g->merged;
    g->merged = swap;
}

static void
group_begin(fbk__gather *g, const fbk__spill_record *record, int64_t number, fbk__piece id)
{
    group *gr = &g->group;
    const bool same = gr->open && gr->key.lo == record->key.lo && gr->key.hi == record->key.hi;

    gr->ordinal = same ? gr->ordinal + 1 : 1;
    gr->open = true;
    gr->key = record->key;
    gr->record = number;
    gr->first_seq = record->seq;
    gr->occurred_us = FBK_TIME_NONE;
    gr->flags = gr->n_lines = 0;
    gr->n_rows = 0;
    gr->reason[0] = gr->field[0] = '\0';
    gr->blamed = gr->blamed2 = 0;
    fbk__buf_clear(&gr->slots);
    fbk__buf_clear(&gr->lines);
    fbk__buf_clear(&gr->id);
    fbk__buf_add(&gr->id, id.p, id.len);
}

/* What a good row adds to its event. */
static void
group_take(fbk__gather *g, fbk__reader *r, bool line, int64_t number)
{
    group *gr = &g->group;
    fbk_time occurred_us = fbk__read_svarint(r);
    fbk__piece slots;

    gr->flags |= (uint32_t)fbk__read_uvarint(r);
    slots = get_text(r);
    if (occurred_us != FBK_TIME_NONE &&
        (gr->occurred_us == FBK_TIME_NONE || occurred_us < gr->occurred_us))
        gr->occurred_us = occurred_us;
    if (gr->slots.len == 0) {
        fbk__buf_add(&gr->slots, slots.p, slots.len);
        for (size_t i = 0; i < fbk__n_slots(g->map); i++)
            gr->slot_rows[i] = number;
    } else {
        group_merge_slots(g, slots, number);
    }
    if (!line)
        return;
    fbk__buf_add(&gr->lines, r->p, (size_t)(r->end - r->p));
    if (++gr->n_lines > FBK__EVENT_LINES_MAX)
        group_blame(gr, "line", "came in more than 65535 rows of one event", number, 0);
}

static fbk_status
group_add(fbk__gather *g, const fbk__spill_record *record)
{
    const unsigned char *bytes = (const unsigned char *)record->bytes;
    fbk__reader r = {bytes, bytes + record->len, false};
    group *gr = &g->group;
    const uint64_t what = fbk__read_uvarint(&r);
    const int64_t number = fbk__read_svarint(&r);
    const int64_t line = number + fbk__read_svarint(&r);
    const fbk__piece id = get_text(&r);

    if (gr->n_rows == 0 && !gr->reason[0])
        group_begin(g, record, number, id);
    else if (!fbk__piece_equal(id, (fbk__piece){gr->id.data, gr->id.len}))
        group_blame(gr, "event_id", "had the hash of another event's", number, 0);
    if (what & ROW_REFUSED) {
        char field[FIELD_MAX];
        char reason[REASON_MAX];
        fbk__piece t = get_text(&r);

        (void)snprintf(field, sizeof field, "%.*s", (int)t.len, t.p);
        t = get_text(&r);
        (void)snprintf(reason, sizeof reason, "%.*s", (int)t.len, t.p);
        group_blame(gr, field, reason, number, 0);
    } else if (!gr->reason[0]) {
        group_take(g, &r, what & ROW_LINE, number);
    }
    if (!fbk__grow(fbk__a(g->db), &gr->rows, &gr->row_cap, gr->n_rows + 1, sizeof *gr->rows))
        return fbk__nomem(g->db);
    gr->rows[gr->n_rows++] = (fbk__gather_row){number, line};
    /* Of an event that cannot be, the rows need not be kept. */
    return gr->reason[0] && gr->n_rows > FBK__EVENT_LINES_MAX ? group_reject_rows(g) : FBK_OK;
}

/* Without ids of the file's own: source, content and ordinal among equal records. */
static void
group_name(fbk__gather *g)
{
    group *gr = &g->group;
    const unsigned char *bytes = (const unsigned char *)gr->slots.data;
    fbk__reader r = {bytes, bytes + gr->slots.len, false};
    fbk__piece source = {"", 0};

    for (size_t i = 0; i <= FBK__SLOT_SOURCE; i++) {
        size_t n = (size_t)fbk__read_uvarint(&r);

        source = (fbk__piece){fbk__read_bytes(&r, n ? n - 1 : 0), n ? n - 1 : 0};
    }
    /* The tail takes at most 54 bytes of the 255 that an id may have. */
    if (source.len > 200)
        source.len = 200;
    fbk__buf_clear(&gr->id);
    fbk__buf_add(&gr->id, source.p, source.len);
    fbk__buf_printf(&gr->id, "/%016" PRIx64 "%016" PRIx64 "-%" PRIu64, gr->key.hi, gr->key.lo,
                    gr->ordinal);
}

static fbk_status
group_end(fbk__gather *g)
{
    group *gr = &g->group;
    fbk__buf *buf = &g->buf;

    if (!gr->open)
        return FBK_OK;
    if (gr->occurred_us == FBK_TIME_NONE)
        group_blame(gr, "time", "was given by no row of the event",
                    gr->n_rows ? gr->rows[0].number : 0, 0);
    if (gr->reason[0]) {
        fbk_status rc = group_reject_rows(g);

        g->counts.refused++;
        gr->reason[0] = '\0';
        return rc;
    }
    if (g->map->event_id.n == 0)
        group_name(g);
    fbk__buf_clear(buf);
    put_text(buf, gr->id.data, gr->id.len);
    fbk__buf_svarint(buf, gr->occurred_us);
    fbk__buf_uvarint(buf, gr->flags);
    fbk__buf_uvarint(buf, gr->n_rows);
    for (size_t i = 0; i < gr->n_rows; i++) {
        fbk__buf_svarint(buf, gr->rows[i].number - (i ? gr->rows[i - 1].number : 0));
        fbk__buf_svarint(buf, gr->rows[i].line - gr->rows[i].number);
    }
    put_text(buf, gr->slots.data, gr->slots.len);
    fbk__buf_uvarint(buf, gr->n_lines);
    fbk__buf_add(buf, gr->lines.data, gr->lines.len);
    if (buf->failed || gr->slots.failed || gr->lines.failed || gr->id.failed || g->merged.failed)
        return fbk__nomem(g->db);
    g->counts.events++;
    g->counts.rows += gr->n_rows;
    gr->n_rows = 0;
    return fbk__spill_add(g->events, (fbk__hash128){0, gr->first_seq}, 0, buf->data, buf->len);
}

/* Whether a record of the sort goes on with the group at hand. */
static bool
group_goes_on(const fbk__gather *g, const fbk__spill_record *record)
{
    const unsigned char *bytes = (const unsigned char *)record->bytes;
    fbk__reader r = {bytes, bytes + record->len, false};
    const group *gr = &g->group;

    if (!gr->open || gr->key.lo != record->key.lo || gr->key.hi != record->key.hi)
        return false;
    (void)fbk__read_uvarint(&r);
    return g->map->event_id.n > 0 || fbk__read_svarint(&r) == gr->record;
}

fbk_status
fbk__gather_finish(fbk__gather *g)
{
    fbk__spill_record record;
    fbk_status rc = fbk__spill_sort(g->rows);
    uint64_t n = 0;

    while (rc == FBK_OK && (rc = fbk__spill_next(g->rows, &record)) == FBK_OK) {
        if (++n % TICK_ROWS == 0 && (rc = g->options.tick(g->options.user_data)) < 0)
            break;
        if (!group_goes_on(g, &record))
            rc = group_end(g);
        if (rc == FBK_OK)
            rc = group_add(g, &record);
    }
    if (rc == FBK_DONE)
        rc = group_end(g);
    fbk__spill_free(g->rows);
    g->rows = NULL;
    return rc < 0 ? rc : fbk__spill_sort(g->events);
}

/* ---- events ---- */

fbk_status
fbk__gather_next(fbk__gather *g, fbk__gather_event *out)
{
    fbk__spill_record record;
    fbk__reader r;
    fbk__reader slots;
    fbk__piece text;
    fbk_status rc = fbk__spill_next(g->events, &record);

    if (rc != FBK_OK)
        return rc;
    r.p = (const unsigned char *)record.bytes;
    r.end = r.p + record.len;
    r.bad = false;
    out->id = get_text(&r);
    out->occurred_us = fbk__read_svarint(&r);
    out->flags = (uint32_t)fbk__read_uvarint(&r);
    out->n_rows = (size_t)fbk__read_uvarint(&r);
    if (!fbk__grow(fbk__a(g->db), &g->out_rows, &g->out_row_cap, out->n_rows, sizeof *g->out_rows))
        return fbk__nomem(g->db);
    for (size_t i = 0; i < out->n_rows; i++) {
        int64_t number = fbk__read_svarint(&r) + (i ? g->out_rows[i - 1].number : 0);

        g->out_rows[i] = (fbk__gather_row){number, number + fbk__read_svarint(&r)};
    }
    text = get_text(&r);
    slots.p = (const unsigned char *)text.p;
    slots.end = slots.p + text.len;
    slots.bad = false;
    for (size_t i = 0; i < fbk__n_slots(g->map); i++) {
        size_t n = (size_t)fbk__read_uvarint(&slots);
        const char *bytes = fbk__read_bytes(&slots, n ? n - 1 : 0);

        g->slots[i] = (fbk__piece){bytes, n ? n - 1 : 0};
    }
    out->rows = g->out_rows;
    out->slots = g->slots;
    out->n_lines = (uint32_t)fbk__read_uvarint(&r);
    out->lines = r;
    if (r.bad || slots.bad)
        return fbk__fail(g->db, FBK_EIO, "a temporary file was damaged");
    return FBK_OK;
}

void
fbk__gather_next_line(fbk__gather_event *event, fbk__gather_line *out)
{
    fbk__reader *r = &event->lines;

    out->kind = (uint32_t)fbk__read_uvarint(r);
    out->item = get_text(r);
    out->quantity_milli = fbk__read_svarint(r);
    out->unit_price_micro = fbk__read_svarint(r);
    out->discount_micro = fbk__read_svarint(r);
    out->tax_micro = fbk__read_svarint(r);
    out->amount_micro = fbk__read_svarint(r);
}

fbk_status
fbk__gather_refuse(fbk__gather *g, const fbk__gather_event *event, const char *field,
                   const char *reason)
{
    fbk_status rc = FBK_OK;

    for (size_t i = 0; i < event->n_rows && rc == FBK_OK; i++) {
        if (i > 0 && event->rows[i].number == event->rows[i - 1].number)
            continue;
        rc =
            fbk__rejects_add(g->rejects, event->rows[i].number, event->rows[i].line, field, reason);
    }
    return rc;
}
