/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/batch.h"

#include <string.h>

/* Number 0 of every dictionary is "", so that a field that nobody sets is "none". Without memory it
 * is tried again; fbk__batch_add_event() insists. */
static bool
batch_seed(fbk__batch *batch)
{
    return fbk__intern_add(&batch->words, "", 0) == 0 &&
           fbk__intern_add(&batch->items, "", 0) == 0 &&
           fbk__intern_add(&batch->places, "", 0) == 0;
}

void
fbk__batch_init(fbk__batch *batch, const fbk_allocator *a)
{
    memset(batch, 0, sizeof *batch);
    batch->a = a;
    fbk__buf_init(&batch->text, a);
    fbk__intern_init(&batch->words, a, 0);
    fbk__intern_init(&batch->items, a, 0);
    fbk__intern_init(&batch->places, a, 0);
    (void)batch_seed(batch);
}

void
fbk__batch_free(fbk__batch *batch)
{
    const fbk_allocator *a = batch->a;

    fbk__free(a, batch->events);
    fbk__free(a, batch->lines);
    fbk__free(a, batch->idents);
    fbk__free(a, batch->props);
    fbk__free(a, batch->word_ids);
    fbk__free(a, batch->item_ids);
    fbk__free(a, batch->place_ids);
    fbk__buf_free(&batch->text);
    fbk__intern_free(&batch->words);
    fbk__intern_free(&batch->items);
    fbk__intern_free(&batch->places);
    memset(batch, 0, sizeof *batch);
}

void
fbk__batch_clear(fbk__batch *batch)
{
    batch->n_events = 0;
    batch->n_lines = 0;
    batch->n_idents = 0;
    batch->n_props = 0;
    fbk__buf_clear(&batch->text);
    fbk__intern_clear(&batch->words);
    fbk__intern_clear(&batch->items);
    fbk__intern_clear(&batch->places);
    (void)batch_seed(batch);
}

fbk_status
fbk__batch_text(fbk__batch *batch, const char *text, size_t len, fbk__span *out)
{
    size_t at = batch->text.len;

    if (len > UINT32_MAX - at)
        return FBK_ETOOBIG;
    fbk__buf_add(&batch->text, text, len);
    if (batch->text.failed) {
        batch->text.failed = false; /* the bytes before are still there */
        return FBK_ENOMEM;
    }
    out->at = (uint32_t)at;
    out->len = (uint32_t)len;
    return FBK_OK;
}

fbk__batch_event *
fbk__batch_add_event(fbk__batch *batch)
{
    fbk__batch_event *e;

    if (batch->n_events >= UINT32_MAX || !batch_seed(batch) ||
        !fbk__grow(batch->a, &batch->events, &batch->event_cap, batch->n_events + 1, sizeof *e))
        return NULL;
    e = &batch->events[batch->n_events++];
    memset(e, 0, sizeof *e);
    e->first_line = (uint32_t)batch->n_lines;
    e->first_ident = (uint32_t)batch->n_idents;
    e->first_prop = (uint32_t)batch->n_props;
    return e;
}

fbk__batch_line *
fbk__batch_add_line(fbk__batch *batch)
{
    fbk__batch_line *line;

    if (batch->n_lines >= UINT32_MAX ||
        !fbk__grow(batch->a, &batch->lines, &batch->line_cap, batch->n_lines + 1, sizeof *line))
        return NULL;
    line = &batch->lines[batch->n_lines++];
    memset(line, 0, sizeof *line);
    line->amount_micro = FBK__AMOUNT_NONE;
    batch->events[batch->n_events - 1].n_lines++;
    return line;
}

fbk__batch_ident *
fbk__batch_add_ident(fbk__batch *batch)
{
    fbk__batch_ident *ident;

    if (batch->n_idents >= UINT32_MAX ||
        !fbk__grow(batch->a, &batch->idents, &batch->ident_cap, batch->n_idents + 1, sizeof *ident))
        return NULL;
    ident = &batch->idents[batch->n_idents++];
    memset(ident, 0, sizeof *ident);
    batch->events[batch->n_events - 1].n_idents++;
    return ident;
}

fbk__batch_prop *
fbk__batch_add_prop(fbk__batch *batch)
{
    fbk__batch_prop *prop;

    if (batch->n_props >= UINT32_MAX ||
        !fbk__grow(batch->a, &batch->props, &batch->prop_cap, batch->n_props + 1, sizeof *prop))
        return NULL;
    prop = &batch->props[batch->n_props++];
    memset(prop, 0, sizeof *prop);
    batch->events[batch->n_events - 1].n_props++;
    return prop;
}

void
fbk__batch_drop_event(fbk__batch *batch)
{
    const fbk__batch_event *e = &batch->events[--batch->n_events];

    batch->n_lines = e->first_line;
    batch->n_idents = e->first_ident;
    batch->n_props = e->first_prop;
}

bool
fbk__line_amount(int64_t quantity_milli, int64_t unit_price_micro, int64_t discount_micro,
                 int64_t *out_micro)
{
    __int128 product = (__int128)quantity_milli * unit_price_micro;
    __int128 rounded = (product + (product < 0 ? -500 : 500)) / 1000;
    __int128 amount = rounded - discount_micro;

    if (amount < INT64_MIN || amount > INT64_MAX)
        return false;
    *out_micro = (int64_t)amount;
    return true;
}
