/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/content.h"

#include <string.h>

enum { CONTENT_VERSION = 1 };

uint64_t
fbk__order_hash(const char *text, size_t len)
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
put_text(fbk__buf *buf, const char *text, size_t len)
{
    fbk__buf_uvarint(buf, len);
    fbk__buf_add(buf, text, len);
}

static void
put_span(fbk__buf *buf, const fbk__batch *batch, fbk__span span)
{
    put_text(buf, batch->text.data + span.at, span.len);
}

static uint64_t
double_bits(double d)
{
    uint64_t bits;

    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static void
put_value(fbk__buf *buf, const fbk__batch *batch, const fbk__batch_prop *prop)
{
    fbk__buf_uvarint(buf, prop->type);
    if (prop->type == FBK__PROP_TEXT)
        put_span(buf, batch, prop->value.text);
    else if (prop->type == FBK__PROP_DOUBLE)
        fbk__buf_uvarint(buf, double_bits(prop->value.d));
    else
        fbk__buf_svarint(buf, prop->value.i);
}

static void
put_amounts(fbk__buf *buf, const fbk__batch_line *line)
{
    fbk__buf_svarint(buf, line->quantity_milli);
    fbk__buf_svarint(buf, line->unit_price_micro);
    fbk__buf_svarint(buf, line->discount_micro);
    fbk__buf_svarint(buf, line->tax_micro);
    fbk__buf_svarint(buf, line->amount_micro);
}

static void
put_word(fbk__buf *buf, const fbk__intern *dictionary, uint32_t number)
{
    size_t len;
    const char *text = fbk__intern_text(dictionary, number, &len);

    put_text(buf, text, len);
}

void
fbk__content(const fbk__batch *batch, const fbk__batch_event *e, fbk__buf *out)
{
    fbk__buf_uvarint(out, CONTENT_VERSION);
    put_span(out, batch, e->id);
    put_span(out, batch, e->order_ref);
    fbk__buf_svarint(out, e->occurred_us);
    put_word(out, &batch->words, e->kind);
    put_word(out, &batch->words, e->source);
    put_word(out, &batch->words, e->channel);
    put_word(out, &batch->places, e->place);
    put_word(out, &batch->words, e->currency);
    fbk__buf_uvarint(out, e->flags);
    fbk__buf_uvarint(out, e->n_lines);
    for (uint32_t i = 0; i < e->n_lines; i++) {
        const fbk__batch_line *line = &batch->lines[e->first_line + i];

        fbk__buf_uvarint(out, line->kind);
        put_word(out, &batch->items, line->item);
        put_amounts(out, line);
    }
    fbk__buf_uvarint(out, e->n_idents);
    for (uint32_t i = 0; i < e->n_idents; i++) {
        const fbk__batch_ident *ident = &batch->idents[e->first_ident + i];

        put_word(out, &batch->words, ident->space);
        put_span(out, batch, ident->value);
    }
    fbk__buf_uvarint(out, e->n_props);
    for (uint32_t i = 0; i < e->n_props; i++) {
        const fbk__batch_prop *prop = &batch->props[e->first_prop + i];

        put_word(out, &batch->words, prop->key);
        put_value(out, batch, prop);
    }
}

int64_t
fbk__ident_hash(uint32_t space, const char *value, size_t len)
{
    return (int64_t)fbk__hash64_seeded(value, len, space);
}
