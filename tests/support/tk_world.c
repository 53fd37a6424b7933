/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_world.h"

#include <feedback/catalogue.h>
#include <feedback/copurchase.h>
#include <feedback/identity.h>
#include <feedback/model.h>
#include <feedback/place.h>
#include <feedback/profile.h>
#include <feedback/recommend.h>
#include <feedback/rfm.h>
#include <feedback/stats.h>
#include <feedback/weather.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "support/tk.h"
#include "support/tk_sale.h"
#include "support/tk_store.h"

enum { N_PEOPLE = 12, N_ITEMS = 9 };
static const int64_t day_us = INT64_C(86400000000);
static const int64_t begin_us = INT64_C(1704067200000000); /* 2024-01-01 */

/* -- making ------------------------------------------------------------------------------------ */

static void
make_sales(fbk *db, uint32_t first, uint32_t n)
{
    char id[32];
    char person[32];
    char cookie[32];
    char items[3][16];
    const char *list[4] = {items[0], items[1], items[2], NULL};
    fbk__batch batch;

    fbk__batch_init(&batch, fbk__a(db));
    for (uint32_t i = first; i < first + n; i++) {
        uint64_t h = fbk__mix64(i);
        tk_sale sale = {.id = id, .place = h % 2 ? "HAM" : "BER", .items = list};

        if (h % 3)
            (void)snprintf(id, sizeof id, "till1-%06u", i);
        else
            (void)snprintf(id, sizeof id, "web-%llx", (unsigned long long)h);
        (void)snprintf(person, sizeof person, "person-%u", (unsigned)(h >> 8) % N_PEOPLE);
        (void)snprintf(cookie, sizeof cookie, "cookie-%u", (unsigned)(h >> 8) % N_PEOPLE);
        for (uint32_t k = 0; k < 3; k++)
            (void)snprintf(items[k], sizeof items[k], "sku-%u",
                           (unsigned)(h >> (16 + 4 * k)) % N_ITEMS);
        sale.person = h % 7 ? person : NULL;
        sale.cookie = sale.person && h % 5 == 0 ? cookie : NULL;
        sale.n_items = 1 + h % 3;
        sale.occurred_us = begin_us + (int64_t)(i % 300) * day_us + (int64_t)(h % 80000) * 1000000;
        tk_sale_add(&batch, &sale);
    }
    tk_assert_ok(db, tk_sales_append(db, &batch));
    fbk__batch_free(&batch);
}

static void
make_catalogue(fbk *db)
{
    fbk_item item = FBK_ITEM_INIT;
    fbk_attribute colour = {
        .struct_size = (uint32_t)sizeof colour, .type = FBK_ATTRIBUTE_TEXT, .text = "red"};
    fbk_place place = FBK_PLACE_INIT;
    fbk_weather weather = FBK_WEATHER_INIT;

    item.sku = "sku-1";
    item.name = "Bread";
    item.category = "food/bakery";
    item.brand = "Miller";
    item.flags = FBK_ITEM_HAS_PRICE;
    item.price_micro = 2500000;
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    tk_assert_ok(db, fbk_item_attribute_set(db, "sku-1", "colour", &colour));
    place.code = "HAM";
    place.name = "Hamburg";
    place.time_zone = "Europe/Berlin";
    place.flags = FBK_PLACE_HAS_POSITION;
    place.latitude_deg = 53.5;
    place.longitude_deg = 10.0;
    tk_assert_ok(db, fbk_place_upsert(db, &place));
    tk_assert_ok(db, fbk_stock_set(db, "sku-1", "HAM", 5000, begin_us));
    weather.station = "HAM";
    weather.flags = FBK_WEATHER_HAS_TEMPERATURE;
    weather.time_us = begin_us;
    weather.temperature_celsius = 3.5;
    weather.condition = FBK_WEATHER_RAIN;
    tk_assert_ok(db, fbk_weather_add(db, &weather));
    weather.date = "2024-01-02";
    tk_assert_ok(db, fbk_weather_add(db, &weather));
}

static void
make_identity(fbk *db)
{
    fbk_identity_namespace space = FBK_IDENTITY_NAMESPACE_INIT;

    space.max_people = 30;
    tk_assert_ok(db, fbk_identity_set_namespace(db, "customer", &space));
    tk_assert_ok(db, fbk_identity_link(db, "customer", "person-1", "email", "one@example.org",
                                       begin_us, "said so"));
    tk_assert_ok(db, fbk_identity_block(db, "customer", "person-2", 1));
}

/* The id of a sale again, with another content. */
static void
make_conflict(fbk *db, uint32_t n_sales)
{
    for (uint32_t i = 1; i <= n_sales; i++) {
        char id[32];

        if (fbk__mix64(i) % 3 == 0)
            continue;
        (void)snprintf(id, sizeof id, "till1-%06u", i);
        tk_sell(db, &(tk_sale){.id = id,
                               .person = "person-3",
                               .occurred_us = begin_us,
                               .items = (const char *const[]){"sku-2", NULL}});
        return;
    }
}

void
tk_world_make(const char *path, uint32_t n_sales)
{
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);
    fbk_copurchase_options copurchase = FBK_COPURCHASE_OPTIONS_INIT;
    uint64_t n_erased = 0;
    uint32_t node = 0;
    uint32_t space = 0;
    uint32_t tail = n_sales < 400 ? n_sales / 10 : 40;

    make_catalogue(db);
    make_sales(db, 1, (n_sales - tail) / 2);
    tk_assert_ok(db, fbk__log_seal(db));
    make_identity(db);
    make_sales(db, 1 + (n_sales - tail) / 2, n_sales - tail - (n_sales - tail) / 2);
    tk_assert_ok(db, fbk__word_resolve(db, "customer", 8, false, &space));
    tk_assert_ok(db, fbk__node_find(db, space, "person-5", 8, &node));
    tk_assert_ok(db, fbk__log_erase_nodes(db, &node, 1, &n_erased));
    tk_must(n_erased, "nothing was erased");
    tk_assert_ok(db, fbk__log_seal(db));
    make_sales(db, n_sales - tail + 1, tail / 2);
    make_sales(db, n_sales - tail + 1 + tail / 2, tail - tail / 2);
    make_conflict(db, n_sales);
    copurchase.min_people = 1;
    tk_assert_ok(db, fbk_copurchase_train(db, begin_us + 400 * day_us, &copurchase, NULL));
    tk_assert_ok(db, fbk_rfm_train(db, begin_us + 400 * day_us, NULL));
    fbk_close(db);
    fbk_store_close(store);
}

/* -- asking ------------------------------------------------------------------------------------ */

typedef struct asking {
    fbk *db;
    uint64_t hash;
} asking;

static void
note(asking *a, const void *bytes, size_t len)
{
    a->hash = fbk__hash64_seeded(bytes, len, a->hash + len);
}

static fbk_status
note_event(void *user_data, const fbk__event_view *e)
{
    asking *a = user_data;
    const int64_t head[] = {(int64_t)e->event,
                            e->node,
                            e->kind,
                            e->source,
                            e->channel,
                            e->place,
                            e->currency,
                            e->flags,
                            e->occurred_us,
                            e->received_us,
                            (int64_t)e->n_lines,
                            (int64_t)e->n_nodes,
                            (int64_t)e->n_props};

    note(a, head, sizeof head);
    note(a, e->id, e->id_len);
    note(a, e->order_ref, e->order_ref_len);
    for (size_t i = 0; i < e->n_lines; i++) {
        const fbk__batch_line *l = &e->lines[i];
        const int64_t line[] = {
            l->item,           l->kind,      l->quantity_milli, l->unit_price_micro,
            l->discount_micro, l->tax_micro, l->amount_micro};

        note(a, line, sizeof line);
    }
    note(a, e->nodes, e->n_nodes * sizeof *e->nodes);
    return FBK_OK;
}

static fbk_status
note_stream(asking *a, fbk_status rc, struct ArrowArrayStream *stream)
{
    fbk_arrow_rows rows;

    if (rc < 0)
        return rc;
    rc = fbk_arrow_rows_open(&rows, stream);
    while (rc >= 0 && (rc = fbk_arrow_rows_next(&rows)) == FBK_OK) {
        for (int64_t c = 0; c < rows.schema.n_children; c++) {
            int64_t len = 0;
            const char *text = fbk_arrow_rows_text(&rows, c, &len);
            double x = fbk_arrow_rows_double(&rows, c);
            int64_t i = fbk_arrow_rows_int64(&rows, c);

            note(a, text ? text : "", text ? (size_t)len : 0);
            note(a, &x, sizeof x);
            note(a, &i, sizeof i);
        }
    }
    fbk_arrow_rows_close(&rows);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
ask_log(asking *a)
{
    fbk__log_counts counts;
    fbk__link *links = NULL;
    size_t n_links = 0;
    fbk_status rc = fbk__log_count(a->db, &counts);

    if (rc < 0)
        return rc;
    note(a, &counts, sizeof counts);
    rc = fbk__log_each(a->db, 0, note_event, a);
    if (rc >= 0)
        rc = fbk__links_read(a->db, &links, &n_links);
    if (rc >= 0)
        note(a, links, n_links * sizeof *links);
    fbk__free(fbk__a(a->db), links);
    return rc;
}

static fbk_status
ask_tables(asking *a)
{
    struct ArrowArrayStream s;
    int64_t stock = 0;
    fbk_time as_of = 0;
    fbk_status rc = note_stream(a, fbk_item_list(a->db, &s), &s);

    if (rc >= 0)
        rc = note_stream(a, fbk_item_attributes(a->db, "sku-1", &s), &s);
    if (rc >= 0)
        rc = fbk_stock_get(a->db, "sku-1", "HAM", &stock, &as_of);
    note(a, &stock, sizeof stock);
    if (rc >= 0)
        rc = note_stream(a, fbk_place_list(a->db, &s), &s);
    if (rc >= 0)
        rc = note_stream(a, fbk_weather_days(a->db, "HAM", "2023-12-01", "2024-02-01", &s), &s);
    if (rc >= 0)
        rc = note_stream(a, fbk_model_list(a->db, &s), &s);
    return rc;
}

static fbk_status
ask_people(asking *a)
{
    fbk_status rc = FBK_OK;

    for (int i = 0; rc >= 0 && i < N_PEOPLE; i++) {
        char person[32];
        char *json = NULL;

        (void)snprintf(person, sizeof person, "person-%d", i);
        rc = fbk_profile_json(a->db, "customer", person, begin_us + 400 * day_us, NULL, &json);
        if (rc == FBK_ENOTFOUND) {
            note(a, "?", 1);
            rc = FBK_OK;
        } else if (rc >= 0) {
            note(a, json, strlen(json));
        }
        fbk_profile_json_free(a->db, json);
    }
    return rc;
}

static fbk_status
ask_recommend(asking *a)
{
    static const char *const basket[] = {"sku-3"};
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    struct ArrowArrayStream s;

    request.n_basket = 1;
    request.basket = basket;
    request.place = "HAM";
    request.as_of_us = begin_us + 400 * day_us;
    return note_stream(a, fbk_recommend_rows(a->db, &request, &s), &s);
}

fbk_status
tk_world_digest(const char *path, uint64_t *out)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = NULL;
    asking a = {.hash = 0};
    fbk_store_facts facts = {.struct_size = (uint32_t)sizeof facts};
    fbk_status rc;

    options.flags = FBK_STORE_READONLY;
    options.busy_timeout_ms = 1000;
    rc = fbk_store_open(path, &options, &store, NULL);
    if (rc >= 0)
        rc = fbk_connect(store, &a.db);
    if (rc >= 0)
        rc = fbk_store_info(a.db, &facts);
    if (rc >= 0) {
        note(&a, facts.currency, sizeof facts.currency);
        note(&a, facts.time_zone, sizeof facts.time_zone);
        rc = ask_log(&a);
    }
    if (rc >= 0)
        rc = ask_tables(&a);
    if (rc >= 0)
        rc = ask_people(&a);
    if (rc >= 0)
        rc = ask_recommend(&a);
    fbk_close(a.db);
    fbk_store_close(store);
    if (rc >= 0)
        *out = a.hash;
    return rc;
}
