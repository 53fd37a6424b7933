/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/conn.h"
#include "support/tk.h"

fbk_store *
tk_store_open(const char *path, const fbk_allocator *allocator)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;
    fbk_status rc;

    opt.flags = FBK_STORE_CREATE;
    opt.allocator = allocator;
    rc = fbk_store_open(path, &opt, &store, &info);
    ck_assert_msg(rc == FBK_OK, "%s: %s", fbk_status_name(rc), info.message);
    return store;
}

fbk *
tk_store_connect(fbk_store *store)
{
    fbk *db = NULL;

    ck_assert_int_eq(fbk_connect(store, &db), FBK_OK);
    return db;
}

tk_event
tk_event_make(uint32_t number)
{
    fbk__rng rng;
    tk_event e = {.number = number};

    fbk__rng_seed(&rng, number);
    e.occurred_us = INT64_C(1704067200000000) + (int64_t)fbk__rng_below(&rng, 731ull * 86400000000);
    e.kind = (uint32_t)fbk__rng_below(&rng, 3) ? FBK__EVENT_SALE : FBK__EVENT_VIEW;
    e.flags = fbk__rng_below(&rng, 10) ? 0 : FBK__FLAG_BOT;
    e.n_idents = (uint32_t)fbk__rng_below(&rng, 4);
    e.person = (uint32_t)fbk__rng_below(&rng, 40);
    e.n_lines = (uint32_t)fbk__rng_below(&rng, 6);
    e.place = (uint32_t)fbk__rng_below(&rng, 5);
    e.with_order = (uint32_t)fbk__rng_below(&rng, 2);
    e.n_props = (uint32_t)fbk__rng_below(&rng, 5);
    e.currency = fbk__rng_below(&rng, 8) == 0;
    return e;
}

fbk__batch_line
tk_event_line(const tk_event *e, uint32_t line)
{
    uint64_t x = fbk__mix64(((uint64_t)e->number << 8) + line + 1);
    fbk__batch_line l = {
        .item = (uint32_t)(x % 500) + 1,
        .kind = x % 7 ? FBK__LINE_PRODUCT : FBK__LINE_SHIPPING,
        .quantity_milli = (int64_t)(x >> 8) % 5000,
        .unit_price_micro = (int64_t)((x >> 16) % 90000000),
        .discount_micro = (int64_t)(x % 3) * 100000,
        .tax_micro = (int64_t)(x % 5) * 7,
    };

    ck_assert(
        fbk__line_amount(l.quantity_milli, l.unit_price_micro, l.discount_micro, &l.amount_micro));
    return l;
}

static fbk__span
batch_text(fbk__batch *batch, const char *text)
{
    fbk__span span = {0, 0};

    ck_assert_int_eq(fbk__batch_text(batch, text, strlen(text), &span), FBK_OK);
    return span;
}

static uint32_t
intern(fbk__intern *dictionary, const char *text)
{
    uint32_t number = fbk__intern_add(dictionary, text, strlen(text));

    ck_assert_uint_ne(number, FBK__INTERN_NONE);
    return number;
}

static uint32_t
intern_number(fbk__intern *dictionary, uint32_t number)
{
    char text[16] = "";

    if (number)
        (void)snprintf(text, sizeof text, "%u", number);
    return intern(dictionary, text);
}

static void
batch_idents(fbk__batch *batch, const tk_event *e)
{
    static const char *const space[] = {"customer", "email", "cookie"};

    for (uint32_t i = 0; i < e->n_idents; i++) {
        char value[48];
        fbk__batch_ident *ident;

        /* Cookies change hands now and then. */
        (void)snprintf(value, sizeof value, "%s-%u", space[i], i == 2 ? e->number % 60 : e->person);
        ident = fbk__batch_add_ident(batch);
        ck_assert_ptr_nonnull(ident);
        ident->space = intern(&batch->words, space[i]);
        ident->value = batch_text(batch, value);
    }
}

static void
batch_props(fbk__batch *batch, const tk_event *e)
{
    for (uint32_t i = 0; i < e->n_props; i++) {
        fbk__batch_prop *prop = fbk__batch_add_prop(batch);
        char key[16];

        ck_assert_ptr_nonnull(prop);
        (void)snprintf(key, sizeof key, "key%u", i);
        prop->key = intern(&batch->words, key);
        prop->type = i + 1;
        if (prop->type == FBK__PROP_TEXT)
            prop->value.text = batch_text(batch, "some text");
        else if (prop->type == FBK__PROP_DOUBLE)
            prop->value.d = e->number / 7.0;
        else
            prop->value.i = prop->type == FBK__PROP_BOOL ? 1 : -(int64_t)e->number;
    }
}

void
tk_batch_add(fbk__batch *batch, const tk_event *e)
{
    fbk__batch_event *to = fbk__batch_add_event(batch);
    char text[48];

    ck_assert_ptr_nonnull(to);
    (void)snprintf(text, sizeof text, "event-%u", e->number);
    to->id = batch_text(batch, text);
    (void)snprintf(text, sizeof text, "order-%u", e->number + e->salt);
    if (e->with_order || e->salt)
        to->order_ref = batch_text(batch, text);
    to->occurred_us = e->occurred_us;
    to->received_us = e->occurred_us + 5;
    to->kind = intern(&batch->words, e->kind == FBK__EVENT_SALE ? "sale" : "view");
    to->source = intern(&batch->words, "till 1");
    to->channel = intern(&batch->words, e->number % 2 ? "" : "store");
    to->place = intern_number(&batch->places, e->place);
    to->currency = intern(&batch->words, e->currency ? "USD" : "");
    to->flags = e->flags;
    for (uint32_t i = 0; i < e->n_lines; i++) {
        fbk__batch_line made = tk_event_line(e, i);
        fbk__batch_line *line = fbk__batch_add_line(batch);

        ck_assert_ptr_nonnull(line);
        *line = made;
        line->item = intern_number(&batch->items, made.item);
    }
    batch_idents(batch, e);
    batch_props(batch, e);
}

static fbk_status
resolve_numbers(fbk__batch *batch, const fbk__intern *dictionary, uint32_t **out)
{
    fbk__free(batch->a, *out);
    *out = fbk__alloc(batch->a, (dictionary->n + 1) * sizeof **out);
    if (!*out)
        return FBK_ENOMEM;
    for (uint32_t i = 0; i < dictionary->n; i++)
        (*out)[i] = (uint32_t)strtoul(fbk__intern_text(dictionary, i, NULL), NULL, 10);
    return FBK_OK;
}

fbk_status
tk_batch_resolve(fbk *db, fbk__batch *batch)
{
    fbk_status rc = resolve_numbers(batch, &batch->items, &batch->item_ids);

    if (rc >= 0)
        rc = resolve_numbers(batch, &batch->places, &batch->place_ids);
    if (rc >= 0)
        rc = resolve_numbers(batch, &batch->words, &batch->word_ids);
    for (uint32_t i = 0; i < batch->words.n && rc >= 0; i++) {
        size_t len;
        const char *text = fbk__intern_text(&batch->words, i, &len);

        rc = fbk__word_resolve(db, text, len, true, &batch->word_ids[i]);
    }
    return rc;
}

fbk_status
tk_batch_append(fbk *db, fbk__batch *batch, uint8_t *outcomes, fbk__append_counts *counts)
{
    fbk_status rc = fbk__write_begin(db);

    if (rc < 0)
        return rc;
    rc = tk_batch_resolve(db, batch);
    if (rc >= 0)
        rc = fbk__log_append(db, batch, outcomes, counts);
    return fbk__write_end(db, rc);
}

void
tk_log_fill(fbk *db, uint32_t first, uint32_t n)
{
    fbk__batch batch;
    fbk__append_counts counts = {0};

    fbk__batch_init(&batch, fbk__a(db));
    for (uint32_t i = 0; i < n; i++) {
        tk_event e = tk_event_make(first + i);

        tk_batch_add(&batch, &e);
    }
    tk_assert_ok(db, tk_batch_append(db, &batch, NULL, &counts));
    ck_assert_uint_eq(counts.added, n);
    fbk__batch_free(&batch);
}
