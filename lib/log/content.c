/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/content.h"

#include <string.h>

#include "log/exchange.h"

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

/* -- and back ---------------------------------------------------------------------------------- */

static bool
read_span(fbk__reader *in, fbk__batch *batch, fbk__span *out)
{
    uint64_t len = fbk__read_uvarint(in);
    const void *bytes = fbk__read_bytes(in, in->bad ? SIZE_MAX : len);

    return bytes && fbk__batch_text(batch, bytes, len, out) >= 0;
}

static bool
read_word(fbk__reader *in, fbk__intern *dictionary, uint32_t *out)
{
    uint64_t len = fbk__read_uvarint(in);
    const void *bytes = fbk__read_bytes(in, in->bad ? SIZE_MAX : len);

    *out = bytes ? fbk__intern_add(dictionary, bytes, len) : FBK__INTERN_NONE;
    return *out != FBK__INTERN_NONE;
}

static bool
read_lines(fbk__reader *in, fbk__batch *batch)
{
    uint64_t n = fbk__read_uvarint(in);

    for (uint64_t i = 0; i < n && !in->bad; i++) {
        fbk__batch_line *line = fbk__batch_add_line(batch);

        if (!line)
            return false;
        line->kind = (uint32_t)fbk__read_uvarint(in);
        if (!read_word(in, &batch->items, &line->item))
            return false;
        line->quantity_milli = fbk__read_svarint(in);
        line->unit_price_micro = fbk__read_svarint(in);
        line->discount_micro = fbk__read_svarint(in);
        line->tax_micro = fbk__read_svarint(in);
        line->amount_micro = fbk__read_svarint(in);
    }
    return !in->bad;
}

static bool
read_idents(fbk__reader *in, fbk__batch *batch)
{
    uint64_t n = fbk__read_uvarint(in);

    for (uint64_t i = 0; i < n && !in->bad; i++) {
        fbk__batch_ident *ident = fbk__batch_add_ident(batch);

        if (!ident || !read_word(in, &batch->words, &ident->space) ||
            !read_span(in, batch, &ident->value))
            return false;
    }
    return !in->bad;
}

static bool
read_props(fbk__reader *in, fbk__batch *batch)
{
    uint64_t n = fbk__read_uvarint(in);

    for (uint64_t i = 0; i < n && !in->bad; i++) {
        fbk__batch_prop *prop = fbk__batch_add_prop(batch);
        uint64_t bits;

        if (!prop || !read_word(in, &batch->words, &prop->key))
            return false;
        prop->type = (uint32_t)fbk__read_uvarint(in);
        if (prop->type == FBK__PROP_TEXT) {
            if (!read_span(in, batch, &prop->value.text))
                return false;
        } else if (prop->type == FBK__PROP_DOUBLE) {
            bits = fbk__read_uvarint(in);
            memcpy(&prop->value.d, &bits, sizeof bits);
        } else {
            prop->value.i = fbk__read_svarint(in);
        }
    }
    return !in->bad;
}

static bool
read_head(fbk__reader *in, fbk__batch *batch, fbk__batch_event *e)
{
    if (fbk__read_uvarint(in) != CONTENT_VERSION)
        in->bad = true;
    if (in->bad || !read_span(in, batch, &e->id) || !read_span(in, batch, &e->order_ref))
        return false;
    e->occurred_us = fbk__read_svarint(in);
    if (!read_word(in, &batch->words, &e->kind) || !read_word(in, &batch->words, &e->source) ||
        !read_word(in, &batch->words, &e->channel) || !read_word(in, &batch->places, &e->place) ||
        !read_word(in, &batch->words, &e->currency))
        return false;
    e->flags = (uint32_t)fbk__read_uvarint(in);
    return !in->bad;
}

fbk_status
fbk__content_read(fbk *db, fbk__batch *batch, const void *body, size_t len, fbk_time received_us)
{
    fbk__reader in = {body, (const unsigned char *)body + len, false};
    fbk__batch_event *e = fbk__batch_add_event(batch);
    bool ok;

    if (!e)
        return fbk__nomem(db);
    e->received_us = received_us;
    ok = read_head(&in, batch, e) && read_lines(&in, batch) && read_idents(&in, batch) &&
         read_props(&in, batch);
    if (ok && in.p == in.end)
        return FBK_OK;
    /* What was whole and yet could not be read had no memory. */
    return in.bad || ok ? fbk__fail(db, FBK_ECORRUPT, "a conflict of the event log was damaged")
                        : fbk__nomem(db);
}

fbk__key
fbk__batch_key(const fbk__batch *batch, const fbk__batch_event *e)
{
    return fbk__key_of_id(batch->text.data + e->id.at, e->id.len);
}

fbk_status
fbk__batch_content(const fbk__batch *batch, const fbk__batch_event *e, fbk__buf *scratch,
                   unsigned char out[16])
{
    fbk__buf_clear(scratch);
    fbk__content(batch, e, scratch);
    if (scratch->failed)
        return FBK_ENOMEM;
    fbk__hash_bytes(fbk__hash128_of(scratch->data, scratch->len), out);
    return FBK_OK;
}

int64_t
fbk__ident_hash(uint32_t space, const char *value, size_t len)
{
    return (int64_t)fbk__hash64_seeded(value, len, space);
}
