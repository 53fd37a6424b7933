/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/row.h"

#include <string.h>

/* The body: version, lines, nodes, id, order reference, properties. Lines come first because a
 * scan wants them and nothing else. */
enum { ROW_VERSION = 1, ROW_LINE_MIN = 7, ROW_PROP_MIN = 3 };

void
fbk__row_init(fbk__row *row, const fbk_allocator *a)
{
    memset(row, 0, sizeof *row);
    row->a = a;
    fbk__buf_init(&row->body, a);
}

void
fbk__row_free(fbk__row *row)
{
    fbk__free(row->a, row->lines);
    fbk__free(row->a, row->nodes);
    fbk__free(row->a, row->props);
    fbk__buf_free(&row->body);
    fbk__row_init(row, row->a);
}

uint64_t
fbk__row_order_hash(const char *text, size_t len)
{
    uint64_t h;

    if (!len)
        return 0;
    h = fbk__hash64(text, len);
    return h ? h : 1;
}

void
fbk__hash_bytes(fbk__hash128 hash, unsigned char out[16])
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (unsigned char)(hash.hi >> (56 - 8 * i));
        out[8 + i] = (unsigned char)(hash.lo >> (56 - 8 * i));
    }
}

static void
row_put_text(fbk__buf *buf, const char *text, size_t len)
{
    fbk__buf_uvarint(buf, len);
    fbk__buf_add(buf, text, len);
}

static void
row_put_span(fbk__buf *buf, const fbk__batch *batch, fbk__span span)
{
    row_put_text(buf, batch->text.data + span.at, span.len);
}

static uint64_t
row_double_bits(double d)
{
    uint64_t bits;

    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static void
row_put_value(fbk__buf *buf, const fbk__batch *batch, const fbk__batch_prop *prop)
{
    fbk__buf_uvarint(buf, prop->type);
    if (prop->type == FBK__PROP_TEXT)
        row_put_span(buf, batch, prop->value.text);
    else if (prop->type == FBK__PROP_DOUBLE)
        fbk__buf_uvarint(buf, row_double_bits(prop->value.d));
    else
        fbk__buf_svarint(buf, prop->value.i);
}

static void
row_put_amounts(fbk__buf *buf, const fbk__batch_line *line)
{
    fbk__buf_svarint(buf, line->quantity_milli);
    fbk__buf_svarint(buf, line->unit_price_micro);
    fbk__buf_svarint(buf, line->discount_micro);
    fbk__buf_svarint(buf, line->tax_micro);
    fbk__buf_svarint(buf, line->amount_micro);
}

void
fbk__row_encode(const fbk__batch *batch, const fbk__batch_event *e, const uint32_t *nodes,
                fbk__buf *body)
{
    fbk__buf_uvarint(body, ROW_VERSION);
    for (uint32_t i = 0; i < e->n_lines; i++) {
        const fbk__batch_line *line = &batch->lines[e->first_line + i];

        fbk__buf_uvarint(body, line->kind);
        fbk__buf_uvarint(body, batch->item_ids[line->item]);
        row_put_amounts(body, line);
    }
    fbk__buf_uvarint(body, e->n_idents);
    for (uint32_t i = 0; i < e->n_idents; i++)
        fbk__buf_uvarint(body, nodes[i]);
    row_put_span(body, batch, e->id);
    row_put_span(body, batch, e->order_ref);
    fbk__buf_uvarint(body, e->n_props);
    for (uint32_t i = 0; i < e->n_props; i++) {
        const fbk__batch_prop *prop = &batch->props[e->first_prop + i];

        fbk__buf_uvarint(body, batch->word_ids[prop->key]);
        row_put_value(body, batch, prop);
    }
}

uint64_t
fbk__row_hash(const fbk__row_head *head, const void *body, size_t len)
{
    const uint64_t words[] = {
        head->event,      (uint64_t)head->occurred_us,
        head->order_hash, (uint64_t)head->received_us,
        head->node,       head->kind,
        head->source,     head->channel,
        head->place,      head->currency,
        head->flags,      head->n_lines,
    };
    unsigned char bytes[sizeof words];

    for (size_t i = 0; i < sizeof words; i++)
        bytes[i] = (unsigned char)(words[i / 8] >> (i % 8 * 8));
    return fbk__hash64_seeded(body, len, fbk__hash64(bytes, sizeof bytes));
}

static void
row_put_word(fbk__buf *buf, const fbk__intern *dictionary, uint32_t number)
{
    size_t len;
    const char *text = fbk__intern_text(dictionary, number, &len);

    row_put_text(buf, text, len);
}

void
fbk__row_content(const fbk__batch *batch, const fbk__batch_event *e, fbk__buf *out)
{
    fbk__buf_uvarint(out, ROW_VERSION);
    row_put_span(out, batch, e->id);
    row_put_span(out, batch, e->order_ref);
    fbk__buf_svarint(out, e->occurred_us);
    row_put_word(out, &batch->words, e->kind);
    row_put_word(out, &batch->words, e->source);
    row_put_word(out, &batch->words, e->channel);
    row_put_word(out, &batch->places, e->place);
    row_put_word(out, &batch->words, e->currency);
    fbk__buf_uvarint(out, e->flags);
    fbk__buf_uvarint(out, e->n_lines);
    for (uint32_t i = 0; i < e->n_lines; i++) {
        const fbk__batch_line *line = &batch->lines[e->first_line + i];

        fbk__buf_uvarint(out, line->kind);
        row_put_word(out, &batch->items, line->item);
        row_put_amounts(out, line);
    }
    fbk__buf_uvarint(out, e->n_idents);
    for (uint32_t i = 0; i < e->n_idents; i++) {
        const fbk__batch_ident *ident = &batch->idents[e->first_ident + i];

        row_put_word(out, &batch->words, ident->space);
        row_put_span(out, batch, ident->value);
    }
    fbk__buf_uvarint(out, e->n_props);
    for (uint32_t i = 0; i < e->n_props; i++) {
        const fbk__batch_prop *prop = &batch->props[e->first_prop + i];

        row_put_word(out, &batch->words, prop->key);
        row_put_value(out, batch, prop);
    }
}

fbk_status
fbk__row_corrupt(fbk *db, uint64_t event, const char *what)
{
    return fbk__fail(db, FBK_ECORRUPT, "event %llu was damaged: %s", (unsigned long long)event,
                     what);
}

static uint32_t
row_u32(fbk__stmt *st, int column, bool *bad)
{
    int64_t value = fbk__column_int64(st, column);

    *bad |= value < 0 || value > UINT32_MAX;
    return (uint32_t)value;
}

fbk_status
fbk__row_head_load(fbk *db, fbk__stmt *st, fbk__row_head *out)
{
    bool bad = false;

    out->event = (uint64_t)fbk__column_int64(st, 0);
    out->node = row_u32(st, 1, &bad);
    out->occurred_us = fbk__column_int64(st, 2);
    out->received_us = fbk__column_int64(st, 3);
    out->kind = row_u32(st, 4, &bad);
    out->source = row_u32(st, 5, &bad);
    out->channel = row_u32(st, 6, &bad);
    out->place = row_u32(st, 7, &bad);
    out->currency = row_u32(st, 8, &bad);
    out->flags = row_u32(st, 9, &bad);
    out->order_hash = (uint64_t)fbk__column_int64(st, 10);
    out->n_lines = row_u32(st, 11, &bad);
    if (bad || out->flags > UINT8_MAX)
        return fbk__row_corrupt(db, out->event, "a number was out of range");
    if (out->occurred_us < FBK_TIME_MIN || out->occurred_us > FBK_TIME_MAX)
        return fbk__row_corrupt(db, out->event, "its time was out of range");
    return FBK_OK;
}

static uint32_t
row_get_u32(fbk__reader *r)
{
    uint64_t value = fbk__read_uvarint(r);

    r->bad |= value > UINT32_MAX;
    return (uint32_t)value;
}

bool
fbk__row_lines(fbk__reader *r, uint32_t n_lines, fbk__batch_line *lines)
{
    if (fbk__read_uvarint(r) != ROW_VERSION)
        r->bad = true;
    for (uint32_t i = 0; i < n_lines && !r->bad; i++) {
        fbk__batch_line *line = &lines[i];

        line->kind = row_get_u32(r);
        line->item = row_get_u32(r);
        line->quantity_milli = fbk__read_svarint(r);
        line->unit_price_micro = fbk__read_svarint(r);
        line->discount_micro = fbk__read_svarint(r);
        line->tax_micro = fbk__read_svarint(r);
        line->amount_micro = fbk__read_svarint(r);
        r->bad |= line->kind == FBK__LINE_NONE || line->kind >= FBK__N_LINE_KINDS;
    }
    return !r->bad;
}

static fbk__span
row_get_span(fbk__reader *r, const char *base)
{
    uint32_t len = row_get_u32(r);
    const char *at = fbk__read_bytes(r, len);

    if (!at || r->bad)
        return (fbk__span){0, 0};
    return (fbk__span){(uint32_t)(at - base), len};
}

static void
row_get_prop(fbk__reader *r, const char *base, fbk__batch_prop *prop)
{
    memset(prop, 0, sizeof *prop);
    prop->key = row_get_u32(r);
    prop->type = row_get_u32(r);
    if (prop->type == FBK__PROP_TEXT) {
        prop->value.text = row_get_span(r, base);
    } else if (prop->type == FBK__PROP_DOUBLE) {
        uint64_t bits = fbk__read_uvarint(r);

        memcpy(&prop->value.d, &bits, sizeof bits);
    } else if (prop->type == FBK__PROP_INT || prop->type == FBK__PROP_BOOL) {
        prop->value.i = fbk__read_svarint(r);
    } else {
        r->bad = true;
    }
}

/* How many elements of at least `min` bytes may follow: no allocation from a number that lies. */
static size_t
row_get_count(fbk__reader *r, size_t min)
{
    uint64_t n = fbk__read_uvarint(r);

    if (n > (uint64_t)(r->end - r->p) / min) {
        r->bad = true;
        return 0;
    }
    return (size_t)n;
}

static fbk_status
row_decode(fbk *db, fbk__row *row)
{
    const char *base = row->body.data;
    fbk__reader r = {(const unsigned char *)base, (const unsigned char *)base + row->body.len,
                     false};

    if (row->head.n_lines > row->body.len / ROW_LINE_MIN)
        return fbk__row_corrupt(db, row->head.event, "its lines were cut");
    if (!fbk__grow(row->a, &row->lines, &row->line_cap, row->head.n_lines, sizeof *row->lines))
        return fbk__nomem(db);
    if (!fbk__row_lines(&r, row->head.n_lines, row->lines))
        return fbk__row_corrupt(db, row->head.event, "its lines could not be read");
    row->n_nodes = row_get_count(&r, 1);
    if (!fbk__grow(row->a, &row->nodes, &row->node_cap, row->n_nodes, sizeof *row->nodes))
        return fbk__nomem(db);
    for (size_t i = 0; i < row->n_nodes; i++)
        row->nodes[i] = row_get_u32(&r);
    row->id = row_get_span(&r, base);
    row->order_ref = row_get_span(&r, base);
    row->n_props = row_get_count(&r, ROW_PROP_MIN);
    if (!fbk__grow(row->a, &row->props, &row->prop_cap, row->n_props, sizeof *row->props))
        return fbk__nomem(db);
    for (size_t i = 0; i < row->n_props; i++)
        row_get_prop(&r, base, &row->props[i]);
    if (r.bad || r.p != r.end || !row->id.len)
        return fbk__row_corrupt(db, row->head.event, "its body could not be read");
    if (row->head.node != (row->n_nodes ? row->nodes[0] : 0))
        return fbk__row_corrupt(db, row->head.event, "it stood under another identifier");
    return FBK_OK;
}

fbk_status
fbk__row_load(fbk *db, fbk__stmt *st, fbk__row *out)
{
    size_t len;
    const void *body;
    fbk_status rc = fbk__row_head_load(db, st, &out->head);

    if (rc < 0)
        return rc;
    body = fbk__column_blob(st, 13, &len);
    if ((uint64_t)fbk__column_int64(st, 12) != fbk__row_hash(&out->head, body, len))
        return fbk__row_corrupt(db, out->head.event, "its checksum was wrong");
    fbk__buf_clear(&out->body);
    fbk__buf_add(&out->body, body, len);
    if (out->body.failed)
        return fbk__nomem(db);
    return row_decode(db, out);
}

void
fbk__row_view(const fbk__row *row, fbk__event_view *out)
{
    const fbk__row_head *h = &row->head;

    *out = (fbk__event_view){
        .event = h->event,
        .node = h->node,
        .kind = h->kind,
        .source = h->source,
        .channel = h->channel,
        .place = h->place,
        .currency = h->currency,
        .flags = h->flags,
        .occurred_us = h->occurred_us,
        .received_us = h->received_us,
        .id = row->body.data + row->id.at,
        .id_len = row->id.len,
        .order_ref = row->body.data + row->order_ref.at,
        .order_ref_len = row->order_ref.len,
        .n_lines = h->n_lines,
        .n_nodes = row->n_nodes,
        .n_props = row->n_props,
        .lines = row->lines,
        .nodes = row->nodes,
        .props = row->props,
        .text = row->body.data,
    };
}

int64_t
fbk__ident_hash(uint32_t space, const char *value, size_t len)
{
    return (int64_t)fbk__hash64_seeded(value, len, space);
}
