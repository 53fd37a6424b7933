/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_sale.h"

#include <string.h>

#include "record/catalogue.h"
#include "record/place.h"
#include "support/tk.h"

static fbk__span
text(fbk__batch *batch, const char *bytes)
{
    fbk__span span = {0, 0};

    tk_must(fbk__batch_text(batch, bytes, strlen(bytes), &span) == FBK_OK, "out of memory");
    return span;
}

static uint32_t
number(fbk__intern *dictionary, const char *bytes)
{
    uint32_t n = fbk__intern_add(dictionary, bytes, strlen(bytes));

    tk_must(n != FBK__INTERN_NONE, "n was FBK__INTERN_NONE");
    return n;
}

static void
ident(fbk__batch *batch, const char *space, const char *value)
{
    fbk__batch_ident *to = fbk__batch_add_ident(batch);

    tk_must(to, "to was NULL");
    to->space = number(&batch->words, space);
    to->value = text(batch, value);
}

void
tk_sale_add(fbk__batch *batch, const tk_sale *sale)
{
    fbk__batch_event *to = fbk__batch_add_event(batch);
    int64_t quantity = sale->quantity_milli ? sale->quantity_milli : 1000;

    tk_must(to, "to was NULL");
    to->id = text(batch, sale->id);
    to->occurred_us = sale->occurred_us;
    to->received_us = sale->occurred_us;
    to->kind = number(&batch->words, sale->kind ? sale->kind : "sale");
    to->source = number(&batch->words, "till 1");
    to->channel = number(&batch->words, "");
    to->currency = number(&batch->words, "");
    to->place = number(&batch->places, sale->place ? sale->place : "");
    to->flags = sale->flags;
    for (size_t i = 0; sale->n_items ? i < sale->n_items : sale->items && sale->items[i]; i++) {
        fbk__batch_line *line = fbk__batch_add_line(batch);

        tk_must(line, "line was NULL");
        line->item = number(&batch->items, sale->items[i]);
        line->kind = sale->line_kind ? sale->line_kind : FBK__LINE_PRODUCT;
        line->quantity_milli = quantity;
        line->amount_micro = sale->amount_micro ? sale->amount_micro : quantity * 1000;
        line->unit_price_micro = line->amount_micro / quantity * 1000;
    }
    if (sale->person)
        ident(batch, sale->space ? sale->space : "customer", sale->person);
    if (sale->cookie)
        ident(batch, "cookie", sale->cookie);
}

typedef fbk_status (*resolve_fn)(fbk *, const char *, size_t, bool, uint32_t *);

static fbk_status
resolve(fbk *db, const fbk__intern *dictionary, resolve_fn fn, uint32_t **out)
{
    fbk_status rc = FBK_OK;

    fbk__free(fbk__a(db), *out);
    *out = fbk__calloc(fbk__a(db), dictionary->n + 1, sizeof **out);
    if (!*out)
        return fbk__nomem(db);
    for (uint32_t i = 0; i < dictionary->n && rc >= 0; i++) {
        size_t len;
        const char *bytes = fbk__intern_text(dictionary, i, &len);

        if (len)
            rc = fn(db, bytes, len, true, &(*out)[i]);
    }
    return rc;
}

fbk_status
tk_sales_append(fbk *db, fbk__batch *batch)
{
    fbk__append_counts counts = {0};
    fbk_status rc = fbk__write_begin(db);

    if (rc < 0)
        return rc;
    rc = resolve(db, &batch->words, fbk__word_resolve, &batch->word_ids);
    if (rc >= 0)
        rc = resolve(db, &batch->items, fbk__item_resolve, &batch->item_ids);
    if (rc >= 0)
        rc = resolve(db, &batch->places, fbk__place_resolve, &batch->place_ids);
    if (rc >= 0)
        rc = fbk__log_append(db, batch, NULL, &counts);
    rc = fbk__write_end(db, rc);
    fbk__batch_clear(batch);
    return rc;
}

void
tk_sell(fbk *db, const tk_sale *sale)
{
    fbk__batch batch;

    fbk__batch_init(&batch, fbk__a(db));
    tk_sale_add(&batch, sale);
    tk_assert_ok(db, tk_sales_append(db, &batch));
    fbk__batch_free(&batch);
}
