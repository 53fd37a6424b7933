/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */

/* Merging stores, bundles, and the canonical lines that say whether two stores hold the same. */

#include <feedback/feedback.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "log/exchange.h"
#include "record/bundle.h"
#include "record/identity.h"
#include "support/tk.h"
#include "support/tk_store.h"

static const int64_t DAY = INT64_C(86400000000);
static const int64_t START = INT64_C(1704067200000000); /* 2024-01-01 */

typedef struct shop {
    fbk_store *store;
    fbk *db;
} shop;

static shop
shop_open(void)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    shop s;

    options.flags = FBK_STORE_CREATE;
    options.durability = FBK_DURABILITY_NORMAL; /* thousands of commits, and no power to lose */
    s.store = tk_open_with(":memory:", &options);
    s.db = tk_connect(s.store);
    return s;
}

static void
shop_close(shop *s)
{
    fbk_close(s->db);
    fbk_store_close(s->store);
}

/* -- what stands in a store -------------------------------------------------------------------- */

/* The lines of a store; the test frees them. */
static char *
lines_of(fbk *db, uint32_t flags, uint64_t after)
{
    fbk_export_options options = FBK_EXPORT_OPTIONS_INIT;
    const char *path = tk_path("lines.jsonl");
    size_t len;

    options.format = FBK_EXPORT_LINES;
    options.flags = flags | FBK_EXPORT_OVERWRITE;
    options.memory_mib = 1;
    options.after_event = after;
    tk_assert_ok(db, fbk_export_file(db, path, &options, NULL));
    return tk_slurp(path, &len);
}

static int
count_of(const char *text, const char *what)
{
    int n = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void
assert_same(fbk *x, fbk *y, const char *what)
{
    char *in_x = lines_of(x, FBK_EXPORT_EVERYTHING, 0);
    char *in_y = lines_of(y, FBK_EXPORT_EVERYTHING, 0);
    size_t at = 0;
    size_t line = 0;

    while (in_x[at] && in_x[at] == in_y[at]) {
        at++;
        if (in_x[at - 1] == '\n')
            line = at;
    }
    ck_assert_msg(in_x[at] == in_y[at], "%s:\n%.*s\n%.*s", what, (int)strcspn(in_x + line, "\n"),
                  in_x + line, (int)strcspn(in_y + line, "\n"), in_y + line);
    free(in_x);
    free(in_y);
}

typedef struct pairs {
    fbk__node_reader *nodes;
    fbk__map count;
    fbk__map first;
} pairs;

/* An event keeps the number of an identifier that was erased from under it. */
static bool
lives(pairs *p, uint32_t node)
{
    uint32_t space;
    const char *value;
    size_t len;

    return fbk__node_reader_get(p->nodes, node, &space, &value, &len) == FBK_OK;
}

static fbk_status
pairs_of(void *user_data, const fbk__event_view *v)
{
    pairs *p = user_data;

    for (size_t j = 0; j < v->n_nodes; j++) {
        for (size_t k = j + 1; k < v->n_nodes; k++) {
            uint32_t a = v->nodes[j] < v->nodes[k] ? v->nodes[j] : v->nodes[k];
            uint32_t b = v->nodes[j] < v->nodes[k] ? v->nodes[k] : v->nodes[j];
            uint64_t key = (uint64_t)a << 32 | b;
            uint64_t *count;
            uint64_t *first;

            if (!lives(p, a) || !lives(p, b))
                continue;
            count = fbk__map_put(&p->count, key, NULL);
            first = fbk__map_put(&p->first, key, NULL);
            ck_assert(count && first);
            if (!*count || (uint64_t)v->occurred_us < *first)
                *first = (uint64_t)v->occurred_us;
            ++*count;
        }
    }
    return FBK_OK;
}

/* Nothing is damaged, and the links of events are those of the events that are there. */
static void
assert_sound(fbk *db)
{
    pairs p;
    fbk__link *links = NULL;
    size_t n = 0;
    size_t seen = 0;

    tk_assert_ok(db, fbk_event_check(db, NULL, NULL, NULL));
    fbk__map_init(&p.count, NULL);
    fbk__map_init(&p.first, NULL);
    tk_assert_ok(db, fbk__node_reader_open(db, &p.nodes));
    tk_assert_ok(db, fbk__log_each(db, 0, pairs_of, &p));
    fbk__node_reader_close(p.nodes);
    tk_assert_ok(db, fbk__links_read(db, &links, &n));
    for (size_t i = 0; i < n; i++) {
        uint64_t key = (uint64_t)links[i].a << 32 | links[i].b;

        if (links[i].rule != FBK__LINK_EVENT)
            continue;
        seen++;
        ck_assert_ptr_nonnull(fbk__map_get(&p.count, key));
        ck_assert_uint_eq(*fbk__map_get(&p.count, key), links[i].count);
        ck_assert_uint_eq(*fbk__map_get(&p.first, key), (uint64_t)links[i].first_us);
    }
    ck_assert_uint_eq(seen, p.count.n);
    fbk__free(fbk__a(db), links);
    fbk__map_free(&p.count);
    fbk__map_free(&p.first);
}

/* -- what is put into it ----------------------------------------------------------------------- */

/* Event `number` in version `version`: what it is depends on these two alone. */
static void
put_event(fbk *db, uint32_t number, uint32_t version)
{
    static const char *const kinds[] = {"sale", "return", "view", "tasting"};
    static const char *const keys[] = {"cup", "rating", "table", "vegan"};
    const uint32_t types[] = {FBK_PROP_TEXT, FBK_PROP_DOUBLE, FBK_PROP_INT, FBK_PROP_BOOL};
    const char *const texts[] = {"blue \"one\"", NULL, NULL, NULL};
    const double doubles[] = {0, 0.1 * version + 4.0, 0, 0};
    const int64_t ints[] = {0, 0, -7, 1};
    fbk__rng rng;
    fbk_event e = FBK_EVENT_INIT;
    char id[64];
    char email[64];
    char cookie[64];
    char item[3][16];
    const char *items[3];
    const char *spaces[] = {"email", "cookie"};
    const char *values[] = {email, cookie};
    int64_t quantity[3];
    int64_t price[3];
    uint32_t person;

    fbk__rng_seed(&rng, 1000 * (uint64_t)number + version);
    person = number % 23;
    (void)snprintf(id, sizeof id, "till-with-a-rather-long-name/%u-%09u", number % 3, number);
    (void)snprintf(email, sizeof email, "p%u@example.com", person);
    (void)snprintf(cookie, sizeof cookie, "c%u", person * 3 + number % 2);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(item[i], sizeof item[i], "sku%u", (uint32_t)fbk__rng_below(&rng, 40));
        items[i] = item[i];
        quantity[i] = 500 + 500 * (int64_t)fbk__rng_below(&rng, 6);
        price[i] = 1000000 + (int64_t)fbk__rng_below(&rng, 5000000);
    }
    e.event_id = id;
    e.kind = kinds[number % 4];
    e.source = number % 2 ? "till1" : "web";
    e.place = number % 5 ? "P1" : NULL;
    e.order_ref = number % 7 ? NULL : "order-77";
    e.currency = number % 11 ? NULL : "USD";
    e.occurred_us = START + (int64_t)number * 3600000000 + (int64_t)version * 60000000;
    e.flags = number % 13 ? 0u : FBK_FLAG_TEST;
    e.n_lines = number % 4;
    e.items = items;
    e.quantity_milli = quantity;
    e.unit_price_micro = price;
    e.n_identifiers = number % 7 == 5 ? 0u : 1u + number / 3 % 2;
    e.namespaces = spaces;
    e.values = values;
    e.n_properties = number % 5;
    e.keys = keys;
    e.types = types;
    e.texts = texts;
    e.doubles = doubles;
    e.ints = ints;
    ck_assert_msg(fbk_event_append(db, &e, NULL) >= 0, "%s", fbk_errmsg(db));
}

static void
put_item(fbk *db, const char *sku, const char *name, const char *category, int64_t price)
{
    fbk_item item = FBK_ITEM_INIT;

    item.sku = sku;
    item.name = name;
    item.category = category;
    item.price_micro = price;
    item.flags = FBK_ITEM_HAS_PRICE;
    tk_assert_ok(db, fbk_item_upsert(db, &item));
}

static void
put_place(fbk *db, const char *code, const char *name)
{
    fbk_place place = FBK_PLACE_INIT;

    place.code = code;
    place.name = name;
    place.time_zone = "UTC";
    place.station = "met";
    place.flags = FBK_PLACE_HAS_POSITION;
    place.latitude_deg = 51.5;
    place.longitude_deg = -0.25;
    tk_assert_ok(db, fbk_place_upsert(db, &place));
}

static void
put_weather(fbk *db, const char *date, double celsius)
{
    fbk_weather weather = FBK_WEATHER_INIT;

    weather.station = "met";
    weather.date = date;
    weather.time_us = START;
    weather.flags = FBK_WEATHER_HAS_TEMPERATURE;
    weather.temperature_celsius = celsius;
    weather.condition = FBK_WEATHER_RAIN;
    tk_assert_ok(db, fbk_weather_add(db, &weather));
}

static void
erase(fbk *db, const char *space, const char *value)
{
    uint32_t node = 0;
    uint64_t n = 0;

    tk_assert_ok(db, fbk__identity_node(db, space, value, &node));
    tk_assert_ok(db, fbk__log_erase_nodes(db, &node, 1, &n));
}

/* Shop k of three: events of its own, some that two have, some that all have in other versions. */
static void
fill(fbk *db, uint32_t k, uint32_t n)
{
    char name[32];
    fbk_attribute attribute = {.struct_size = (uint32_t)sizeof attribute};

    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = i * 3 + k;

        put_event(db, number, 0);
        if (i % 3 == 0)
            put_event(db, i * 3 + (k + 1) % 3, 0); /* the next one's, too */
        if (i % 10 == 0)
            put_event(db, 100001 + i, k); /* one version a shop */
        if (i % 25 == 0) {
            fbk_event e = FBK_EVENT_INIT; /* a conflict of the shop's own */

            (void)snprintf(name, sizeof name, "own-%u-%u", k, i);
            e.event_id = name;
            e.kind = "visit";
            e.source = "door";
            e.occurred_us = START;
            tk_assert_ok(db, fbk_event_append(db, &e, NULL));
            e.occurred_us = START + DAY;
            ck_assert_int_eq(fbk_event_append(db, &e, NULL), FBK_ECONFLICT);
        }
    }
    (void)snprintf(name, sizeof name, "name from %u", k);
    put_item(db, "sku1", name, "food/tea", 1000000 + k);
    put_item(db, k == 1 ? "sku2" : "sku3", name, NULL, 5);
    put_item(db, "\xff\xfe bytes", name, NULL, 7);
    attribute.type = k == 2 ? FBK_ATTRIBUTE_NONE : FBK_ATTRIBUTE_TEXT;
    attribute.text = name;
    tk_assert_ok(db, fbk_item_attribute_set(db, "sku1", "colour", &attribute));
    put_place(db, "P1", name);
    tk_assert_ok(db, fbk_stock_set(db, "sku1", "P1", 1000 * (k + 1), START + (k % 2) * DAY));
    put_weather(db, "2024-01-01", 3.0 + k);
    put_weather(db, NULL, 4.5 + k);
    ck_assert_int_ge(fbk_identity_link(db, "email", "p1@example.com", "phone", "+441234567890",
                                       START + k * DAY, name),
                     0);
    if (k == 1)
        ck_assert_int_ge(fbk_identity_unlink(db, "email", "p1@example.com", "phone",
                                             "+441234567890", START + DAY, "no"),
                         0);
    (void)snprintf(name, sizeof name, "p%u@example.com", 2 + k);
    ck_assert_int_ge(fbk_identity_block(db, "email", name, 1), 0);
    ck_assert_int_ge(fbk_identity_block(db, "email", "p9@example.com", k != 1), 0);
}

static void
merge(fbk *into, fbk *from)
{
    tk_assert_ok(into, fbk_store_merge(into, from, NULL, NULL));
}

/* -- tests ------------------------------------------------------------------------------------- */

static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

/* Three shops, brought together in every order, in pairs, and again: always the same. */
static void
check_orders(shop shops[3])
{
    shop first = {NULL, NULL};
    shop left = shop_open();
    shop right = shop_open();
    char what[64];

    for (int o = 0; o < 6; o++) {
        shop all = shop_open();

        for (int i = 0; i < 3; i++)
            merge(all.db, shops[orders[o][i]].db);
        assert_sound(all.db);
        (void)snprintf(what, sizeof what, "order %d", o);
        if (o)
            assert_same(first.db, all.db, what);
        for (int i = 0; i < 3; i++)
            merge(all.db, shops[orders[5 - o][i]].db);
        if (o) {
            assert_same(first.db, all.db, "once more");
            merge(first.db, all.db);
            shop_close(&all);
        } else {
            first = all;
        }
    }
    merge(left.db, shops[0].db);
    merge(left.db, shops[1].db);
    merge(right.db, shops[2].db);
    merge(right.db, shops[1].db);
    merge(left.db, right.db);
    assert_same(first.db, left.db, "in pairs");
    /* Into the shops themselves, too. */
    merge(shops[0].db, left.db);
    assert_sound(shops[0].db);
    assert_same(first.db, shops[0].db, "into a shop");
    merge(shops[1].db, shops[0].db);
    assert_same(first.db, shops[1].db, "into another");
    assert_sound(shops[1].db);
    shop_close(&left);
    shop_close(&right);
    shop_close(&first);
}

START_TEST(any_order_gives_the_same)
{
    shop shops[3];

    for (uint32_t k = 0; k < 3; k++) {
        shops[k] = shop_open();
        fill(shops[k].db, k, 200);
    }
    check_orders(shops);
    for (int k = 0; k < 3; k++)
        shop_close(&shops[k]);
}
END_TEST

/* The same with everything in many small segments, some of them being merged or just dead. */
START_TEST(any_order_gives_the_same_from_many_segments)
{
    shop shops[3];

    for (uint32_t k = 0; k < 3; k++) {
        shops[k] = shop_open();
        for (uint32_t i = 0; i < 200; i++) {
            put_event(shops[k].db, i * 3 + k, 0);
            put_event(shops[k].db, 100001 + i, (k + i) % 3);
            if (i % 8 == 7)
                tk_assert_ok(shops[k].db, fbk__log_seal(shops[k].db));
        }
    }
    erase(shops[0].db, "email", "p4@example.com");
    erase(shops[1].db, "cookie", "c30");
    merge(shops[2].db, shops[0].db);
    check_orders(shops);
    for (int k = 0; k < 3; k++)
        shop_close(&shops[k]);
}
END_TEST

START_TEST(any_order_gives_the_same_when_people_are_erased)
{
    shop shops[3];

    for (uint32_t k = 0; k < 3; k++) {
        shops[k] = shop_open();
        fill(shops[k].db, k, 120);
    }
    erase(shops[0].db, "email", "p7@example.com");
    erase(shops[1].db, "email", "p11@example.com");
    erase(shops[1].db, "email", "p1@example.com"); /* has a link that others have too */
    erase(shops[2].db, "cookie", "c40");           /* events stay, without it */
    /* The person comes back after that. */
    {
        fbk_event e = FBK_EVENT_INIT;
        const char *spaces[] = {"email", "cookie"};
        const char *values[] = {"p7@example.com", "fresh"};

        e.event_id = "comes-back";
        e.kind = "sale";
        e.source = "web";
        e.occurred_us = START + 40000 * DAY; /* after any erasure */
        e.n_identifiers = 2;
        e.namespaces = spaces;
        e.values = values;
        tk_assert_ok(shops[2].db, fbk_event_append(shops[2].db, &e, NULL));
    }
    check_orders(shops);
    {
        char *text = lines_of(shops[0].db, FBK_EXPORT_EVERYTHING, 0);

        ck_assert_int_eq(count_of(text, "p11@example.com"), 0);
        ck_assert_int_eq(count_of(text, "p1@example.com"), 0);
        ck_assert_int_eq(count_of(text, "p7@example.com"), 1);
        ck_assert_int_eq(count_of(text, "\"c40\""), 0);
        ck_assert_int_gt(count_of(text, "p13@example.com"), 0); /* whose cookie it was */
        free(text);
    }
    for (int k = 0; k < 3; k++)
        shop_close(&shops[k]);
}
END_TEST

/* What comes out, event for event: the union, of each id the version with the lowest hash. */
START_TEST(the_result_is_the_union)
{
    enum { N = 90 };
    shop a = shop_open();
    shop b = shop_open();
    shop c = shop_open();
    fbk_merge_report report = FBK_MERGE_REPORT_INIT;
    fbk__log_counts counts;
    char *text;

    for (uint32_t i = 0; i < N; i++) {
        put_event(a.db, i, 0);
        put_event(b.db, i + N / 3, i % 10 == 0); /* every tenth in another version */
    }
    tk_assert_ok(a.db, fbk_store_merge(a.db, b.db, NULL, &report));
    ck_assert_uint_eq(report.events_added, N / 3);
    ck_assert_uint_eq(report.events_already, N * 2 / 3 - 6);
    ck_assert_uint_eq(report.events_conflict, 6);
    ck_assert_uint_le(report.events_replaced, 6);
    ck_assert_uint_eq(report.events_erased + report.events_dropped, 0);
    tk_assert_ok(a.db, fbk__log_count(a.db, &counts));
    ck_assert_uint_eq(counts.events, N + N / 3);
    ck_assert_uint_eq(counts.conflicts, 6);
    /* The other way round nothing is added that a has not: of the six, what a did not replace, b
     * does. */
    {
        uint64_t replaced = report.events_replaced;

        tk_assert_ok(c.db, fbk_store_merge(c.db, b.db, NULL, NULL));
        tk_assert_ok(b.db, fbk_store_merge(b.db, a.db, NULL, &report));
        ck_assert_uint_eq(report.events_replaced, 6 - replaced);
        ck_assert_uint_eq(report.events_added, N / 3);
    }
    assert_same(a.db, b.db, "both ways");
    /* A second time there is nothing to do. */
    tk_assert_ok(a.db, fbk_store_merge(a.db, c.db, NULL, &report));
    ck_assert_uint_eq(report.events_added + report.events_replaced + report.rows_changed, 0);
    text = lines_of(a.db, 0, 0);
    ck_assert_int_eq(count_of(text, "\n"), N + N / 3);
    for (const char *line = text; *line && strchr(line, '\n')[1]; line = strchr(line, '\n') + 1)
        ck_assert_int_lt(strncmp(line, strchr(line, '\n') + 1, 60), 0); /* sorted by id */
    free(text);
    shop_close(&a);
    shop_close(&b);
    shop_close(&c);
}
END_TEST

static fbk_status
write_bundle(fbk *db, const char *path, uint64_t after, fbk_export_report *report)
{
    fbk_export_options options = FBK_EXPORT_OPTIONS_INIT;

    options.flags = FBK_EXPORT_OVERWRITE;
    options.after_event = after;
    return fbk_export_file(db, path, &options, report);
}

START_TEST(a_file_carries_what_is_new)
{
    shop a = shop_open();
    shop b = shop_open();
    const char *first = tk_path("first.fbk");
    const char *second = tk_path("second.fbk");
    fbk_export_report out = FBK_EXPORT_REPORT_INIT;
    fbk_merge_report in = FBK_MERGE_REPORT_INIT;
    struct stat st;
    uint64_t last;

    fill(a.db, 0, 150);
    tk_assert_ok(a.db, write_bundle(a.db, first, 0, &out));
    ck_assert_int_eq(stat(first, &st), 0);
    ck_assert_uint_eq((uint64_t)st.st_size, out.bytes);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    last = out.last_event;
    for (uint32_t i = 0; i < 30; i++)
        put_event(a.db, 5000 + i, 0);
    tk_assert_ok(a.db, write_bundle(a.db, second, last, &out));
    ck_assert_uint_eq(out.events, 30);
    ck_assert_uint_eq(out.last_event, last + 30);
    tk_assert_ok(b.db, fbk_merge_file(b.db, second, NULL, &in)); /* in any order */
    ck_assert_uint_eq(in.events_added, 30);
    tk_assert_ok(b.db, fbk_merge_file(b.db, first, NULL, &in));
    tk_assert_ok(b.db, fbk_merge_file(b.db, first, NULL, &in));
    ck_assert_uint_eq(in.events_added, 0);
    assert_same(a.db, b.db, "in two parts");
    assert_sound(b.db);
    /* Nothing new: no event in it. */
    tk_assert_ok(a.db, write_bundle(a.db, second, out.last_event, &out));
    ck_assert_uint_eq(out.events, 0);
    tk_assert_fails(a.db, FBK_EEXIST, fbk_export_file(a.db, second, NULL, NULL));
    tk_assert_fails(a.db, FBK_ENOTFOUND, fbk_merge_file(a.db, tk_path("none"), NULL, NULL));
    tk_assert_fails(a.db, FBK_EINVAL, fbk_store_merge(a.db, a.db, NULL, NULL));
    shop_close(&a);
    shop_close(&b);
}
END_TEST

/* Who was erased does not come back with an old file, nor with what the other store alone had. */
START_TEST(the_erased_stay_erased)
{
    shop centre = shop_open();
    shop kiosk = shop_open();
    fbk_merge_report report = FBK_MERGE_REPORT_INIT;
    char *text;

    for (uint32_t i = 0; i < 100; i++)
        put_event(kiosk.db, i, 0);
    merge(centre.db, kiosk.db);
    put_event(kiosk.db, 23 * 51 + 3, 0); /* of person 3: the centre never saw it */
    erase(centre.db, "email", "p3@example.com");
    tk_assert_ok(centre.db, fbk_store_merge(centre.db, kiosk.db, NULL, &report));
    ck_assert_uint_eq(report.events_added, 0);
    ck_assert_uint_gt(report.events_erased, 1);
    assert_sound(centre.db);
    text = lines_of(centre.db, FBK_EXPORT_EVERYTHING, 0);
    ck_assert_int_eq(count_of(text, "p3@example.com"), 0);
    free(text);
    /* … and goes from the kiosk, when that hears of it. */
    tk_assert_ok(kiosk.db, fbk_store_merge(kiosk.db, centre.db, NULL, &report));
    ck_assert_uint_gt(report.events_dropped, 1);
    assert_sound(kiosk.db);
    assert_same(centre.db, kiosk.db, "both");
    /* An id that is erased elsewhere is erased here before it ever came. */
    {
        shop fresh = shop_open();

        merge(fresh.db, centre.db);
        put_event(fresh.db, 3, 0);
        put_event(fresh.db, 23 * 51 + 3, 0);
        assert_same(centre.db, fresh.db, "fresh");
        assert_sound(fresh.db);
        shop_close(&fresh);
    }
    shop_close(&centre);
    shop_close(&kiosk);
}
END_TEST

START_TEST(unlike_stores_are_refused)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    shop euro = shop_open();
    shop other;

    put_event(euro.db, 1, 0);
    options.flags = FBK_STORE_CREATE;
    options.currency = "GBP";
    other.store = tk_open_with(":memory:", &options);
    other.db = tk_connect(other.store);
    tk_assert_fails(other.db, FBK_ECONFLICT, fbk_store_merge(other.db, euro.db, NULL, NULL));
    shop_close(&other);
    options.currency = NULL;
    options.flags |= FBK_STORE_PRICES_NET;
    other.store = tk_open_with(":memory:", &options);
    other.db = tk_connect(other.store);
    tk_assert_fails(other.db, FBK_ECONFLICT, fbk_store_merge(other.db, euro.db, NULL, NULL));
    shop_close(&other);
    options.flags = FBK_STORE_CREATE;
    options.time_zone = "Europe/Paris"; /* an instant is an instant */
    other.store = tk_open_with(":memory:", &options);
    other.db = tk_connect(other.store);
    tk_assert_ok(other.db, fbk_store_merge(other.db, euro.db, NULL, NULL));
    shop_close(&other);
    shop_close(&euro);
}
END_TEST

static void
write_file(const char *path, const char *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

/* A file that is not whole, bit for bit, is refused before anything of it is stored. */
START_TEST(a_damaged_file_is_refused)
{
    shop a = shop_open();
    shop b = shop_open();
    const char *path = tk_path("whole.fbk");
    const char *bad = tk_path("bad.fbk");
    bool all = getenv("FEEDBACK_TEST_FULL") != NULL;
    fbk__log_counts counts;
    size_t len;
    char *bytes;

    fill(a.db, 0, 3);
    erase(a.db, "email", "p3@example.com");
    tk_assert_ok(a.db, write_bundle(a.db, path, 0, NULL));
    bytes = tk_slurp(path, &len);
    for (size_t n = 0; n < len; n += all ? 1 : 37) {
        write_file(bad, bytes, n);
        tk_assert_fails(b.db, FBK_ECORRUPT, fbk_merge_file(b.db, bad, NULL, NULL));
    }
    for (size_t bit = 0; bit < 8 * len; bit += all ? 1 : 299) {
        fbk_status rc;

        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        write_file(bad, bytes, len);
        rc = fbk_merge_file(b.db, bad, NULL, NULL);
        ck_assert_msg(rc == FBK_ECORRUPT, "bit %zu: %s", bit, fbk_status_name(rc));
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    bytes = realloc(bytes, len + 1);
    ck_assert_ptr_nonnull(bytes);
    write_file(bad, bytes, len + 1);
    tk_assert_fails(b.db, FBK_ECORRUPT, fbk_merge_file(b.db, bad, NULL, NULL));
    tk_assert_ok(b.db, fbk__log_count(b.db, &counts));
    ck_assert_uint_eq(counts.events + counts.erased + counts.conflicts, 0);
    ck_assert_int_eq(tk_query_int(b.db, "SELECT count(*) FROM item"), 0);
    tk_assert_ok(b.db, fbk_merge_file(b.db, path, NULL, NULL));
    assert_same(a.db, b.db, "whole");
    free(bytes);
    shop_close(&a);
    shop_close(&b);
}
END_TEST

/* Every way in which a line can be odd, and the order when ids share long beginnings. */
START_TEST(lines_are_exact)
{
    shop a = shop_open();
    fbk_event e = FBK_EVENT_INIT;
    const char *items[] = {"\xff\"\n"};
    const int64_t quantity[] = {-1005};
    const int64_t price[] = {1200001};
    const char *keys[] = {"d", "n"};
    const uint32_t types[] = {FBK_PROP_DOUBLE, FBK_PROP_INT};
    const double doubles[] = {2.0, 0};
    const int64_t ints[] = {0, INT64_MIN};
    char id[256];
    char *text;

    e.kind = "sale";
    e.source = "s";
    e.event_id = "a";
    e.occurred_us = START + 1;
    e.n_lines = 1;
    e.items = items;
    e.quantity_milli = quantity;
    e.unit_price_micro = price;
    e.n_properties = 2;
    e.keys = keys;
    e.types = types;
    e.doubles = doubles;
    e.ints = ints;
    tk_assert_ok(a.db, fbk_event_append(a.db, &e, NULL));
    text = lines_of(a.db, 0, 0);
    ck_assert_str_eq(
        text, "{\"event_id\":\"a\",\"time\":\"2024-01-01T00:00:00.000001Z\",\"kind\":\"sale\","
              "\"source\":\"s\",\"properties\":{\"d\":2.0,\"n\":-9223372036854775808},"
              "\"lines\":[{\"kind\":\"product\",\"item\":\"\\udcff\\\"\\u000a\","
              "\"quantity\":-1.005,\"unit_price\":1.200001,\"discount\":0,\"tax\":0,"
              "\"amount\":-1.206001}]}\n");
    free(text);
    e.n_lines = e.n_properties = 0;
    e.event_id = id;
    memset(id, 'x', 250);
    for (int i = 0; i < 60; i++) {
        (void)snprintf(id + 60 + i, sizeof id - 60 - (size_t)i, "%c", 'a' + (i * 7) % 26);
        tk_assert_ok(a.db, fbk_event_append(a.db, &e, NULL));
        memset(id + 60, 'x', 190);
    }
    text = lines_of(a.db, 0, 0);
    ck_assert_int_eq(count_of(text, "\n"), 61);
    for (char *line = text; *strchr(line, '\n') && strchr(line, '\n')[1];) {
        char *next = strchr(line, '\n') + 1;

        ck_assert_int_lt(strncmp(line, next, 280), 0);
        line = next;
    }
    free(text);
    shop_close(&a);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("exchange");
    TCase *t = tcase_create("exchange");

    tcase_add_test(t, any_order_gives_the_same);
    tcase_add_test(t, any_order_gives_the_same_from_many_segments);
    tcase_add_test(t, any_order_gives_the_same_when_people_are_erased);
    tcase_add_test(t, the_result_is_the_union);
    tcase_add_test(t, a_file_carries_what_is_new);
    tcase_add_test(t, the_erased_stay_erased);
    tcase_add_test(t, unlike_stores_are_refused);
    tcase_add_test(t, a_damaged_file_is_refused);
    tcase_add_test(t, lines_are_exact);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return tk_run(suite());
}
