/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/exchange.h"

/* A batch as bytes: its dictionaries, its identifiers (each once), and a frame whose numbers are
 * those of the dictionaries. */

enum { PACK_IDENT_MAX = 1 << 12 }; /* bytes of one identifier with its namespace */

/* -- packing ----------------------------------------------------------------------------------- */

static fbk_status
put_dictionary(fbk__codec *c, fbk__buf *out, const fbk__intern *dictionary)
{
    fbk__strings column;
    fbk_status rc = FBK_OK;

    fbk__strings_init(&column, c->a);
    for (uint32_t i = 0; rc >= 0 && i < dictionary->n; i++) {
        size_t len;
        const char *text = fbk__intern_text(dictionary, i, &len);

        rc = fbk__strings_add(&column, text, len);
    }
    fbk__buf_uvarint(out, dictionary->n);
    if (rc >= 0)
        rc = fbk__codec_put_strings(c, out, &column);
    fbk__strings_free(&column);
    return rc;
}

/* Number of an identifier of the batch in the dictionary of identifiers: 4 bytes of the namespace's
 * number and the value. */
static fbk_status
ident_number(const fbk__batch *batch, const fbk__batch_ident *ident, fbk__intern *idents,
             uint32_t *out)
{
    char key[PACK_IDENT_MAX];

    if (ident->value.len > sizeof key - 4)
        return FBK_ETOOBIG;
    memcpy(key, &ident->space, 4);
    memcpy(key + 4, batch->text.data + ident->value.at, ident->value.len);
    *out = fbk__intern_add(idents, key, 4 + (size_t)ident->value.len);
    return *out == FBK__INTERN_NONE ? FBK_ENOMEM : FBK_OK;
}

static fbk_status
put_idents(fbk__codec *c, fbk__buf *out, const fbk__intern *idents)
{
    int64_t *spaces = fbk__calloc(c->a, idents->n + 1, sizeof *spaces);
    fbk__strings values;
    fbk_status rc = spaces ? FBK_OK : FBK_ENOMEM;

    fbk__strings_init(&values, c->a);
    for (uint32_t i = 0; rc >= 0 && i < idents->n; i++) {
        size_t len;
        const char *key = fbk__intern_text(idents, i, &len);
        uint32_t space;

        memcpy(&space, key, 4);
        spaces[i] = space;
        rc = fbk__strings_add(&values, key + 4, len - 4);
    }
    fbk__buf_uvarint(out, idents->n);
    if (rc >= 0)
        rc = fbk__codec_put_ints(c, out, spaces, idents->n);
    if (rc >= 0)
        rc = fbk__codec_put_strings(c, out, &values);
    fbk__strings_free(&values);
    fbk__free(c->a, spaces);
    return rc;
}

static void
pack_lines(fbk__frame *f, const fbk__batch *batch, const fbk__batch_event *e)
{
    for (uint32_t k = 0; k < e->n_lines; k++) {
        const fbk__batch_line *line = &batch->lines[e->first_line + k];
        uint32_t at = f->n.lines++;

        f->ln[FBK__LN_KIND][at] = line->kind;
        f->ln[FBK__LN_ITEM][at] = line->item;
        f->ln[FBK__LN_QUANTITY][at] = line->quantity_milli;
        f->ln[FBK__LN_PRICE][at] = line->unit_price_micro;
        f->ln[FBK__LN_DISCOUNT][at] = line->discount_micro;
        f->ln[FBK__LN_TAX][at] = line->tax_micro;
        f->ln[FBK__LN_AMOUNT][at] = line->amount_micro;
    }
}

static fbk_status
pack_props(fbk__frame *f, const fbk__batch *batch, const fbk__batch_event *e)
{
    fbk_status rc = FBK_OK;

    for (uint32_t k = 0; rc >= 0 && k < e->n_props; k++) {
        const fbk__batch_prop *prop = &batch->props[e->first_prop + k];
        uint32_t at = f->n.props++;

        f->prop_key[at] = prop->key;
        f->prop_type[at] = prop->type;
        if (prop->type == FBK__PROP_TEXT) {
            f->prop_value[at] = (int64_t)f->texts.n;
            rc = fbk__strings_add(&f->texts, batch->text.data + prop->value.text.at,
                                  prop->value.text.len);
        } else {
            memcpy(&f->prop_value[at], &prop->value, sizeof(int64_t));
        }
    }
    return rc;
}

static fbk_status
pack_event(fbk__frame *f, const fbk__batch *batch, const fbk__batch_event *e, fbk__intern *idents)
{
    uint32_t n_extra = e->n_idents > 1 ? e->n_idents - 1 : 0;
    int64_t values[FBK__N_EV] = {
        [FBK__EV_OCCURRED] = e->occurred_us,
        [FBK__EV_RECEIVED] = e->received_us,
        [FBK__EV_KIND] = e->kind,
        [FBK__EV_SOURCE] = e->source,
        [FBK__EV_CHANNEL] = e->channel,
        [FBK__EV_PLACE] = e->place,
        [FBK__EV_FLAGS] = e->flags,
        [FBK__EV_CURRENCY] = e->currency,
        [FBK__EV_N_LINES] = e->n_lines,
        [FBK__EV_N_EXTRA] = n_extra,
        [FBK__EV_N_PROPS] = e->n_props,
    };
    fbk_status rc = fbk__frame_reserve(f, (fbk__frame_size){1, e->n_lines, n_extra, e->n_props});

    for (uint32_t k = 0; rc >= 0 && k < e->n_idents; k++) {
        uint32_t number = 0;

        rc = ident_number(batch, &batch->idents[e->first_ident + k], idents, &number);
        if (k == 0)
            values[FBK__EV_NODE] = (int64_t)number + 1;
        else if (rc >= 0)
            f->extra[f->n.extra++] = (int64_t)number + 1;
    }
    if (rc >= 0)
        rc = fbk__strings_add(&f->ids, batch->text.data + e->id.at, e->id.len);
    if (rc >= 0)
        rc = fbk__strings_add(&f->orders, batch->text.data + e->order_ref.at, e->order_ref.len);
    if (rc < 0)
        return rc;
    pack_lines(f, batch, e);
    for (int k = 0; k < FBK__N_EV; k++)
        f->ev[k][f->n.events] = values[k];
    f->n.events++;
    return pack_props(f, batch, e);
}

fbk_status
fbk__batch_pack(fbk__codec *c, fbk__buf *out, const fbk__batch *batch)
{
    fbk__frame f;
    fbk__intern idents;
    fbk_status rc;

    fbk__frame_init(&f, c->a);
    fbk__frame_clear(&f);
    fbk__intern_init(&idents, c->a, 0);
    rc = put_dictionary(c, out, &batch->words);
    if (rc >= 0)
        rc = put_dictionary(c, out, &batch->items);
    if (rc >= 0)
        rc = put_dictionary(c, out, &batch->places);
    for (size_t i = 0; rc >= 0 && i < batch->n_events; i++)
        rc = pack_event(&f, batch, &batch->events[i], &idents);
    if (rc >= 0)
        rc = put_idents(c, out, &idents);
    if (rc >= 0)
        rc = fbk__frame_pack(c, out, &f);
    fbk__intern_free(&idents);
    fbk__frame_free(&f);
    return rc >= 0 && out->failed ? FBK_ENOMEM : rc;
}

/* -- unpacking --------------------------------------------------------------------------------- */

typedef struct unpack {
    fbk__codec *c;
    fbk__batch *batch;
    fbk__frame frame;
    fbk__frame_index index;
    uint32_t *words; /* numbers in the batch, by those in the bytes */
    uint32_t *items;
    uint32_t *places;
    uint64_t n_words, n_items, n_places, n_idents;
    int64_t *spaces;
    fbk__strings values;
} unpack;

/* So many rows can be no less than so many bytes, or the count is a lie. */
static bool
count_read(fbk__reader *in, uint64_t *out)
{
    *out = fbk__read_uvarint(in);
    return !in->bad && *out <= FBK__CODEC_MAX_ROWS;
}

static fbk_status
get_dictionary(unpack *u, fbk__reader *in, fbk__intern *to, uint32_t **out, uint64_t *out_n)
{
    fbk__strings column;
    fbk_status rc;

    if (!count_read(in, out_n))
        return FBK_ECORRUPT;
    fbk__strings_init(&column, u->c->a);
    rc = fbk__codec_get_strings(u->c, in, &column, *out_n);
    *out = rc < 0 ? NULL : fbk__alloc(u->c->a, (*out_n + 1) * sizeof **out);
    if (rc >= 0 && !*out)
        rc = FBK_ENOMEM;
    for (uint64_t i = 0; rc >= 0 && i < *out_n; i++) {
        (*out)[i] = fbk__intern_add(to, column.bytes + column.offsets[i],
                                    column.offsets[i + 1] - column.offsets[i]);
        if ((*out)[i] == FBK__INTERN_NONE)
            rc = FBK_ENOMEM;
    }
    fbk__strings_free(&column);
    return rc;
}

static fbk_status
get_idents(unpack *u, fbk__reader *in)
{
    fbk_status rc;

    if (!count_read(in, &u->n_idents))
        return FBK_ECORRUPT;
    u->spaces = fbk__alloc(u->c->a, (u->n_idents + 1) * sizeof *u->spaces);
    if (!u->spaces)
        return FBK_ENOMEM;
    rc = fbk__codec_get_ints(u->c, in, u->spaces, u->n_idents);
    if (rc >= 0)
        rc = fbk__codec_get_strings(u->c, in, &u->values, u->n_idents);
    for (uint64_t i = 0; rc >= 0 && i < u->n_idents; i++) {
        if (u->spaces[i] < 0 || (uint64_t)u->spaces[i] >= u->n_words)
            rc = FBK_ECORRUPT;
    }
    return rc;
}

/* The batch's number for one of the bytes'. */
static bool
number(const uint32_t *of, uint64_t n, int64_t from, uint32_t *out)
{
    if (from < 0 || (uint64_t)from >= n)
        return false;
    *out = of[from];
    return true;
}

static fbk_status
unpack_string(unpack *u, const fbk__strings *column, size_t i, fbk__span *out)
{
    return fbk__batch_text(u->batch, column->bytes + column->offsets[i],
                           column->offsets[i + 1] - column->offsets[i], out);
}

static fbk_status
unpack_ident(unpack *u, int64_t from)
{
    fbk__span value = {0, 0};
    fbk__batch_ident *ident;
    fbk_status rc;

    if (from < 1 || (uint64_t)from > u->n_idents)
        return FBK_ECORRUPT;
    rc = unpack_string(u, &u->values, (size_t)from - 1, &value);
    if (rc < 0)
        return rc;
    ident = fbk__batch_add_ident(u->batch);
    if (!ident)
        return FBK_ENOMEM;
    ident->space = u->words[u->spaces[from - 1]];
    ident->value = value;
    return FBK_OK;
}

static fbk_status
unpack_lines(unpack *u, uint32_t i)
{
    const fbk__frame *f = &u->frame;

    for (uint32_t at = u->index.line[i]; at < u->index.line[i + 1]; at++) {
        fbk__batch_line *line = fbk__batch_add_line(u->batch);
        int64_t kind = f->ln[FBK__LN_KIND][at];

        if (!line)
            return FBK_ENOMEM;
        if (kind < 0 || kind > UINT32_MAX ||
            !number(u->items, u->n_items, f->ln[FBK__LN_ITEM][at], &line->item))
            return FBK_ECORRUPT;
        line->kind = (uint32_t)kind;
        line->quantity_milli = f->ln[FBK__LN_QUANTITY][at];
        line->unit_price_micro = f->ln[FBK__LN_PRICE][at];
        line->discount_micro = f->ln[FBK__LN_DISCOUNT][at];
        line->tax_micro = f->ln[FBK__LN_TAX][at];
        line->amount_micro = f->ln[FBK__LN_AMOUNT][at];
    }
    return FBK_OK;
}

static fbk_status
unpack_props(unpack *u, uint32_t i)
{
    const fbk__frame *f = &u->frame;
    fbk_status rc = FBK_OK;

    for (uint32_t at = u->index.prop[i]; rc >= 0 && at < u->index.prop[i + 1]; at++) {
        fbk__batch_prop *prop = fbk__batch_add_prop(u->batch);
        int64_t value = f->prop_value[at];

        if (!prop)
            return FBK_ENOMEM;
        if (!number(u->words, u->n_words, f->prop_key[at], &prop->key) ||
            f->prop_type[at] < FBK__PROP_TEXT || f->prop_type[at] > FBK__PROP_BOOL)
            return FBK_ECORRUPT;
        prop->type = (uint32_t)f->prop_type[at];
        if (prop->type != FBK__PROP_TEXT)
            memcpy(&prop->value, &value, sizeof value);
        else if (value < 0 || (uint64_t)value >= f->texts.n)
            rc = FBK_ECORRUPT;
        else
            rc = unpack_string(u, &f->texts, (size_t)value, &prop->value.text);
    }
    return rc;
}

static fbk_status
unpack_event(unpack *u, uint32_t i)
{
    const fbk__frame *f = &u->frame;
    fbk__batch_event *e = fbk__batch_add_event(u->batch);
    int64_t flags = f->ev[FBK__EV_FLAGS][i];
    int64_t first = f->ev[FBK__EV_NODE][i];
    fbk_status rc;

    if (!e)
        return FBK_ENOMEM;
    e->occurred_us = f->ev[FBK__EV_OCCURRED][i];
    e->received_us = f->ev[FBK__EV_RECEIVED][i];
    if (flags < 0 || flags > UINT32_MAX ||
        !number(u->words, u->n_words, f->ev[FBK__EV_KIND][i], &e->kind) ||
        !number(u->words, u->n_words, f->ev[FBK__EV_SOURCE][i], &e->source) ||
        !number(u->words, u->n_words, f->ev[FBK__EV_CHANNEL][i], &e->channel) ||
        !number(u->words, u->n_words, f->ev[FBK__EV_CURRENCY][i], &e->currency) ||
        !number(u->places, u->n_places, f->ev[FBK__EV_PLACE][i], &e->place))
        return FBK_ECORRUPT;
    e->flags = (uint32_t)flags;
    rc = unpack_string(u, &f->ids, i, &e->id);
    if (rc >= 0)
        rc = unpack_string(u, &f->orders, i, &e->order_ref);
    if (rc >= 0)
        rc = unpack_lines(u, i);
    if (rc >= 0 && first)
        rc = unpack_ident(u, first);
    for (uint32_t k = u->index.extra[i]; rc >= 0 && k < u->index.extra[i + 1]; k++)
        rc = first ? unpack_ident(u, f->extra[k]) : FBK_ECORRUPT;
    return rc < 0 ? rc : unpack_props(u, i);
}

fbk_status
fbk__batch_unpack(fbk__codec *c, fbk__reader *in, fbk__batch *batch,
                  fbk_status (*added)(void *user_data), void *user_data)
{
    unpack u = {.c = c, .batch = batch};
    fbk_status rc;

    fbk__frame_init(&u.frame, c->a);
    fbk__strings_init(&u.values, c->a);
    rc = get_dictionary(&u, in, &batch->words, &u.words, &u.n_words);
    if (rc >= 0)
        rc = get_dictionary(&u, in, &batch->items, &u.items, &u.n_items);
    if (rc >= 0)
        rc = get_dictionary(&u, in, &batch->places, &u.places, &u.n_places);
    if (rc >= 0)
        rc = get_idents(&u, in);
    if (rc >= 0)
        rc = fbk__frame_unpack(c, in, &u.frame);
    if (rc >= 0)
        rc = fbk__frame_index_make(&u.frame, &u.index);
    for (uint32_t i = 0; rc >= 0 && i < u.frame.n.events; i++) {
        rc = unpack_event(&u, i);
        if (rc >= 0)
            rc = added(user_data);
    }
    fbk__frame_index_free(&u.index, c->a);
    fbk__frame_free(&u.frame);
    fbk__strings_free(&u.values);
    fbk__free(c->a, u.spaces);
    fbk__free(c->a, u.words);
    fbk__free(c->a, u.items);
    fbk__free(c->a, u.places);
    return rc < 0 ? rc : FBK_OK;
}
