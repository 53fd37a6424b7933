/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "log/compact.h"
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
    tk_must(rc == FBK_OK, "%s: %s", fbk_status_name(rc), info.message);
    return store;
}

fbk *
tk_store_connect(fbk_store *store)
{
    fbk *db = NULL;

    tk_must(fbk_connect(store, &db) == FBK_OK, "no connection");
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

    tk_must(
        fbk__line_amount(l.quantity_milli, l.unit_price_micro, l.discount_micro, &l.amount_micro),
        "an amount did not fit");
    return l;
}

static fbk__span
batch_text(fbk__batch *batch, const char *text)
{
    fbk__span span = {0, 0};

    tk_must(fbk__batch_text(batch, text, strlen(text), &span) == FBK_OK, "no memory");
    return span;
}

static uint32_t
intern(fbk__intern *dictionary, const char *text)
{
    uint32_t number = fbk__intern_add(dictionary, text, strlen(text));

    tk_must(number != FBK__INTERN_NONE, "no memory");
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

static const char *const ident_space[] = {"customer", "email", "cookie"};

static void
ident_value(const tk_event *e, uint32_t i, char out[48])
{
    /* Cookies change hands now and then. */
    (void)snprintf(out, 48, "%s-%u", ident_space[i], i == 2 ? e->number % 60 : e->person);
}

static void
batch_idents(fbk__batch *batch, const tk_event *e)
{
    for (uint32_t i = 0; i < e->n_idents; i++) {
        char value[48];
        fbk__batch_ident *ident;

        ident_value(e, i, value);
        ident = fbk__batch_add_ident(batch);
        tk_must(ident, "no memory");
        ident->space = intern(&batch->words, ident_space[i]);
        ident->value = batch_text(batch, value);
    }
}

static void
batch_props(fbk__batch *batch, const tk_event *e)
{
    for (uint32_t i = 0; i < e->n_props; i++) {
        fbk__batch_prop *prop = fbk__batch_add_prop(batch);
        char key[16];

        tk_must(prop, "no memory");
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

    tk_must(to, "no memory");
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

        tk_must(line, "no memory");
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

typedef struct append_request {
    fbk__batch *batch;
    uint8_t *outcomes;
    fbk__append_counts counts;
} append_request;

static fbk_status
append_run(fbk *db, void *user_data)
{
    append_request *r = user_data;
    fbk_status rc = tk_batch_resolve(db, r->batch);

    return rc < 0 ? rc : fbk__log_append(db, r->batch, r->outcomes, &r->counts);
}

fbk_status
tk_batch_append(fbk *db, fbk__batch *batch, uint8_t *outcomes, fbk__append_counts *counts)
{
    append_request r = {.batch = batch, .outcomes = malloc(batch->n_events + 1)};
    fbk_status rc;

    tk_must(r.outcomes, "no memory");
    rc = fbk__write_together(db, append_run, &r);
    if (rc >= 0) {
        *counts = r.counts;
        if (outcomes)
            memcpy(outcomes, r.outcomes, batch->n_events);
    }
    free(r.outcomes);
    return rc;
}

fbk_status
tk_compact(fbk *db, uint64_t steps)
{
    fbk__slice slice = {.until_us = INT64_MAX, .steps = steps, .memory = 32 << 20, .keep = 1};
    fbk__engine *engine = NULL;
    fbk_status done = FBK_DONE;
    fbk_status rc = fbk__engine_get(db, &engine);

    if (rc < 0)
        return rc;
    rc = fbk__write_begin(db);
    if (rc >= 0) {
        done = fbk__engine_begin(db, engine);
        if (done >= 0)
            done = fbk__compact_now(db, engine, &slice);
        rc = fbk__write_end(db, done);
    }
    fbk__shared_release(&engine->head);
    return rc < 0 ? rc : done;
}

/* -- what was stored against what was made ---------------------------------------------------- */

uint32_t
tk_event_number(const fbk__event_view *view)
{
    char id[32] = "";
    uint32_t number = 0;

    tk_must(view->id_len < sizeof id, "the id was too long");
    memcpy(id, view->id, view->id_len);
    tk_must(sscanf(id, "event-%u", &number) == 1, "the id was \"%s\"", id);
    return number;
}

void
tk_names_free(tk_names *names)
{
    free(names->hashes);
    memset(names, 0, sizeof *names);
}

static uint64_t
name_hash(const char *space, const char *value, size_t len)
{
    return fbk__hash64_seeded(value, len, fbk__hash64(space, strlen(space))) | 1;
}

static bool
node_is(fbk *db, tk_names *names, uint32_t node, const char *space, const char *value)
{
    if (node >= names->n) {
        size_t n = 2 * (size_t)node + 64;

        names->hashes = realloc(names->hashes, n * sizeof *names->hashes);
        tk_must(names->hashes, "no memory");
        memset(names->hashes + names->n, 0, (n - names->n) * sizeof *names->hashes);
        names->n = n;
    }
    if (!names->hashes[node]) {
        fbk__buf text;
        uint32_t word;

        fbk__buf_init(&text, NULL);
        tk_assert_ok(db, fbk__node_value(db, node, &word, &text));
        names->hashes[node] = name_hash(fbk__word_text(db, word), text.data, text.len);
        fbk__buf_free(&text);
    }
    return names->hashes[node] == name_hash(space, value, strlen(value));
}

static bool
text_is(const char *text, size_t len, const char *want)
{
    return len == strlen(want) && memcmp(text, want, len) == 0;
}

static const char *
props_differ(fbk *db, const fbk__event_view *view, const tk_event *e)
{
    for (uint32_t i = 0; i < e->n_props; i++) {
        const fbk__batch_prop *p = &view->props[i];
        char key[16];
        bool same;

        (void)snprintf(key, sizeof key, "key%u", i);
        if (strcmp(fbk__word_text(db, p->key), key) != 0 || p->type != i + 1)
            return "a property's name or type";
        if (p->type == FBK__PROP_TEXT)
            same = text_is(view->text + p->value.text.at, p->value.text.len, "some text");
        else if (p->type == FBK__PROP_DOUBLE)
            same = p->value.d >= e->number / 7.0 && p->value.d <= e->number / 7.0;
        else
            same = p->value.i == (p->type == FBK__PROP_BOOL ? 1 : -(int64_t)e->number);
        if (!same)
            return "a property's value";
    }
    return NULL;
}

static const char *
head_differs(fbk *db, const fbk__event_view *view, const tk_event *e)
{
    char text[48];

    (void)snprintf(text, sizeof text, "event-%u", e->number);
    if (!text_is(view->id, view->id_len, text))
        return "the id";
    (void)snprintf(text, sizeof text, "order-%u", e->number + e->salt);
    if (!text_is(view->order_ref, view->order_ref_len, e->with_order || e->salt ? text : ""))
        return "the order";
    if (view->occurred_us != e->occurred_us || view->received_us != e->occurred_us + 5)
        return "a time";
    if (view->kind != e->kind || view->place != e->place || view->flags != e->flags)
        return "the kind, place or flags";
    if (strcmp(fbk__word_text(db, view->source), "till 1") != 0 ||
        strcmp(fbk__word_text(db, view->channel), e->number % 2 ? "" : "store") != 0 ||
        strcmp(fbk__word_text(db, view->currency), e->currency ? "USD" : "") != 0)
        return "the source, channel or currency";
    return view->node == (view->n_nodes ? view->nodes[0] : 0) ? NULL : "the node";
}

const char *
tk_event_differs(fbk *db, tk_names *names, const fbk__event_view *view, const tk_event *e)
{
    const char *what = head_differs(db, view, e);

    if (what)
        return what;
    if (view->n_lines != e->n_lines || view->n_nodes != e->n_idents || view->n_props != e->n_props)
        return "the number of lines, identifiers or properties";
    for (uint32_t i = 0; i < e->n_lines; i++) {
        fbk__batch_line want = tk_event_line(e, i);

        if (memcmp(&view->lines[i], &want, sizeof want) != 0)
            return "a line";
    }
    for (uint32_t i = 0; i < e->n_idents; i++) {
        char value[48];

        ident_value(e, i, value);
        if (!node_is(db, names, view->nodes[i], ident_space[i], value))
            return "an identifier";
    }
    return props_differ(db, view, e);
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
