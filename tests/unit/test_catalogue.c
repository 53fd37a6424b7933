/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/catalogue.h>
#include <feedback/place.h>
#include <feedback/store.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "record/catalogue.h"
#include "support/tk.h"

static tk_alloc memory;
static fbk_store *store;
static fbk *db;

static void
setup(void)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};

    tk_alloc_init(&memory);
    opt.flags = FBK_STORE_CREATE;
    opt.allocator = &memory.allocator;
    ck_assert_msg(fbk_store_open(":memory:", &opt, &store, &info) == FBK_OK, "%s", info.message);
    ck_assert_int_eq(fbk_connect(store, &db), FBK_OK);
}

static void
teardown(void)
{
    memory.fail_at = -1;
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(memory.n_live, 0);
}

static fbk_item_info
get(const char *sku)
{
    fbk_item_info info = {.struct_size = (uint32_t)sizeof info};

    tk_assert_ok(db, fbk_item_get(db, sku, &info));
    return info;
}

START_TEST(an_item_keeps_what_is_not_given)
{
    fbk_item item = FBK_ITEM_INIT;
    fbk_item_info info;

    item.sku = "85123A";
    item.name = "White hanging heart";
    item.category = "home/lights/hanging";
    item.brand = "Heart & Co";
    item.parent = "85123";
    item.successor = "85124A";
    item.flags = FBK_ITEM_HAS_PRICE | FBK_ITEM_HAS_COST | FBK_ITEM_DISCONTINUED;
    item.price_micro = 2550000;
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    item = (fbk_item)FBK_ITEM_INIT;
    item.sku = "85123A";
    item.name = "";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    info = get("85123A");
    ck_assert_str_eq(info.sku, "85123A");
    ck_assert_str_eq(info.name, ""); /* given, and empty: cleared */
    ck_assert_str_eq(info.category, "home/lights/hanging");
    ck_assert_str_eq(info.brand, "Heart & Co");
    ck_assert_str_eq(info.parent, "85123");
    ck_assert_str_eq(info.successor, "85124A");
    ck_assert_int_eq(info.price_micro, 2550000);
    ck_assert_uint_eq(info.flags, FBK_ITEM_HAS_PRICE | FBK_ITEM_HAS_COST | FBK_ITEM_DISCONTINUED |
                                      FBK_ITEM_DESCRIBED);
    item.flags = FBK_ITEM_ACTIVE;
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    ck_assert_uint_eq(get("85123A").flags & FBK_ITEM_DISCONTINUED, 0);
    item.flags = FBK_ITEM_REPLACE;
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    info = get("85123A");
    ck_assert_uint_eq(info.flags, FBK_ITEM_DESCRIBED);
    ck_assert_str_eq(info.category, "");
    ck_assert_uint_eq(get("85123").flags, 0); /* named, not described */
}
END_TEST

START_TEST(skus_are_byte_exact)
{
    static const char *const skus[] = {
        "cream cheese", "cream cheese ", "Cream cheese", "\xff\xfe", "0", "00"};
    fbk_item item = FBK_ITEM_INIT;

    for (size_t i = 0; i < 6; i++) {
        char name[8];

        (void)snprintf(name, sizeof name, "%zu", i);
        item.sku = skus[i];
        item.name = name;
        tk_assert_ok(db, fbk_item_upsert(db, &item));
    }
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(get(skus[i]).name[0], (char)('0' + i));
}
END_TEST

START_TEST(wrong_items_are_refused)
{
    static char longer[600];
    static const struct {
        fbk_item item;
        fbk_status code;
        const char *field;
    } rows[] = {
        {{.sku = NULL}, FBK_EINVAL, "sku"},
        {{.sku = ""}, FBK_EINVAL, "sku"},
        {{.sku = longer}, FBK_ERANGE, "sku"},
        {{.sku = "a", .name = longer}, FBK_ERANGE, "name"},
        {{.sku = "a", .name = "\xff"}, FBK_EINVAL, "name"},
        {{.sku = "a", .category = "a//b"}, FBK_EINVAL, "category"},
        {{.sku = "a", .category = "/a"}, FBK_EINVAL, "category"},
        {{.sku = "a", .category = "a/"}, FBK_EINVAL, "category"},
        {{.sku = "a", .brand = longer}, FBK_ERANGE, "brand"},
        {{.sku = "a", .parent = "a"}, FBK_EINVAL, "parent"},
        {{.sku = "a", .successor = longer}, FBK_ERANGE, "successor"},
        {{.sku = "a", .flags = 64}, FBK_EINVAL, "flags"},
        {{.sku = "a", .flags = FBK_ITEM_ACTIVE | FBK_ITEM_DISCONTINUED}, FBK_EINVAL, "flags"},
        {{.sku = "a", .flags = FBK_ITEM_HAS_PRICE, .price_micro = -1}, FBK_ERANGE, "price_micro"},
        {{.sku = "a", .flags = FBK_ITEM_HAS_COST, .cost_micro = INT64_MAX},
         FBK_ERANGE,
         "cost_micro"},
    };
    fbk_item_info info = {.struct_size = (uint32_t)sizeof info};
    fbk_item item = rows[_i].item;
    fbk_errinfo err = {.struct_size = (uint32_t)sizeof err};

    memset(longer, 'x', sizeof longer - 1);
    item.struct_size = (uint32_t)sizeof item;
    tk_assert_fails(db, rows[_i].code, fbk_item_upsert(db, &item));
    tk_assert_ok(db, fbk_error_info(db, &err));
    ck_assert_str_eq(err.field, rows[_i].field);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_item_get(db, "a", &info));
}
END_TEST

START_TEST(no_item_is_its_own_ancestor)
{
    fbk_item item = FBK_ITEM_INIT;

    item.sku = "a";
    item.parent = "b";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    item.sku = "b";
    item.parent = "c";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    item.sku = "c";
    item.parent = "a";
    tk_assert_fails(db, FBK_EINVAL, fbk_item_upsert(db, &item));
    ck_assert_str_eq(get("c").parent, "");
    item.parent = "";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
}
END_TEST

START_TEST(attributes_are_typed)
{
    fbk_item item = FBK_ITEM_INIT;
    fbk_attribute text = {.struct_size = (uint32_t)sizeof text, .type = FBK_ATTRIBUTE_TEXT};
    fbk_attribute number = text, whole = text, truth = text, none = text;
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows;
    int64_t len;

    text.text = "rouge";
    number.type = FBK_ATTRIBUTE_DOUBLE;
    number.number = 1.5;
    whole.type = FBK_ATTRIBUTE_INT;
    whole.integer = -7;
    truth.type = FBK_ATTRIBUTE_BOOL;
    truth.integer = 1;
    none.type = FBK_ATTRIBUTE_NONE;
    item.sku = "a";
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_item_attribute_set(db, "a", "colour", &text));
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    tk_assert_ok(db, fbk_item_attribute_set(db, "a", "colour", &whole));
    tk_assert_ok(db, fbk_item_attribute_set(db, "a", "colour", &text));
    tk_assert_ok(db, fbk_item_attribute_set(db, "a", "litres", &number));
    tk_assert_ok(db, fbk_item_attribute_set(db, "a", "size", &whole));
    tk_assert_ok(db, fbk_item_attribute_set(db, "a", "vegan", &truth));
    tk_assert_ok(db, fbk_item_attribute_set(db, "a", "gone", &truth));
    tk_assert_ok(db, fbk_item_attribute_set(db, "a", "gone", &none));
    number.number = NAN;
    truth.integer = 2;
    tk_assert_fails(db, FBK_ERANGE, fbk_item_attribute_set(db, "a", "litres", &number));
    tk_assert_fails(db, FBK_ERANGE, fbk_item_attribute_set(db, "a", "vegan", &truth));
    tk_assert_fails(db, FBK_EINVAL, fbk_item_attribute_set(db, "a", "", &whole));
    tk_assert_ok(db, fbk_item_attributes(db, "a", &stream));
    tk_assert_ok(db, fbk_arrow_rows_open(&rows, &stream));
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_OK);
    ck_assert(memcmp(fbk_arrow_rows_text(&rows, 2, &len), "rouge", 5) == 0 && len == 5);
    ck_assert(fbk_arrow_rows_null(&rows, 3) && fbk_arrow_rows_null(&rows, 4));
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_OK);
    ck_assert(fbk_arrow_rows_double(&rows, 4) == 1.5);
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_OK);
    ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 3), -7);
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_OK);
    ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 3), 1);
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_DONE);
    fbk_arrow_rows_close(&rows);
}
END_TEST

/* n items: odd ones without a price, every fifth discontinued. */
static void
items_stream(int n, const char *bad_sku, struct ArrowArrayStream *out)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    int64_t sku = fbk_arrow_builder_column(&b, "sku", FBK_ARROW_TEXT);
    int64_t price = fbk_arrow_builder_column(&b, "price", FBK_ARROW_DOUBLE);
    int64_t category = fbk_arrow_builder_column(&b, "category", FBK_ARROW_TEXT);
    int64_t gone = fbk_arrow_builder_column(&b, "discontinued", FBK_ARROW_BOOL);
    int64_t size = fbk_arrow_builder_column(&b, "attribute.size", FBK_ARROW_INT64);
    int64_t other = fbk_arrow_builder_column(&b, "unknown", FBK_ARROW_DOUBLE);

    for (int i = 0; i < n; i++) {
        char text[32];

        (void)snprintf(text, sizeof text, "sku-%d", i);
        fbk_arrow_add_text(&b, sku, bad_sku && i == n - 1 ? bad_sku : text, -1);
        if (i % 2)
            fbk_arrow_add_null(&b, price);
        else
            fbk_arrow_add_double(&b, price, i * 0.01);
        (void)snprintf(text, sizeof text, "c%d/d%d", i % 3, i % 7);
        fbk_arrow_add_text(&b, category, text, -1);
        fbk_arrow_add_int64(&b, gone, i % 5 == 0);
        fbk_arrow_add_int64(&b, size, i);
        fbk_arrow_add_double(&b, other, 0.0);
    }
    ck_assert_int_eq(fbk_arrow_builder_finish(&b, out), FBK_OK);
}

START_TEST(many_at_once)
{
    enum { N = 1000 };
    struct ArrowArrayStream stream;
    const fbk__items *items = NULL;
    fbk_arrow_rows rows;
    int64_t n = 0, listed = 0;
    uint32_t item;

    items_stream(N, NULL, &stream);
    tk_assert_ok(db, fbk_item_upsert_rows(db, &stream, &n));
    ck_assert_ptr_null(stream.release);
    ck_assert_int_eq(n, N);
    tk_assert_ok(db, fbk__items_acquire(db, &items));
    ck_assert_uint_eq(items->n, N);
    ck_assert_uint_eq(items->n_categories, 3 + 21);
    item = fbk__item_find(items, "sku-250", 7);
    ck_assert_uint_gt(item, 0);
    ck_assert_str_eq(fbk__item_sku(items, item), "sku-250");
    ck_assert_str_eq(fbk__item_name(items, item), "sku-250");
    ck_assert_int_eq(items->price_micro[item], 2500000);
    ck_assert_int_eq(items->cost_micro[item], -1);
    ck_assert_uint_eq(items->flags[item], FBK__ITEM_DESCRIBED | FBK__ITEM_DISCONTINUED);
    ck_assert_str_eq(fbk__category_path(items, items->category[item]), "c1/d5");
    ck_assert_str_eq(fbk__category_path(items, items->category_parent[items->category[item]]),
                     "c1");
    ck_assert_uint_eq(fbk__item_find(items, "sku-1000", 8), 0);
    ck_assert_str_eq(fbk__item_sku(items, 0), "");
    ck_assert_str_eq(fbk__item_sku(items, N + 1), "");
    fbk__items_release(items);
    tk_assert_ok(db, fbk_item_list(db, &stream));
    tk_assert_ok(db, fbk_arrow_rows_open(&rows, &stream));
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        ck_assert_int_eq(fbk_arrow_rows_null(&rows, fbk_arrow_rows_column(&rows, "price_micro")),
                         listed % 2);
        listed++;
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_int_eq(listed, N);
}
END_TEST

START_TEST(all_or_none)
{
    struct ArrowArrayStream stream;
    fbk_errinfo err = {.struct_size = (uint32_t)sizeof err};
    fbk_item_info info = {.struct_size = (uint32_t)sizeof info};
    int64_t n = 77;

    items_stream(10, "", &stream);
    tk_assert_fails(db, FBK_EINVAL, fbk_item_upsert_rows(db, &stream, &n));
    ck_assert_ptr_null(stream.release);
    tk_assert_ok(db, fbk_error_info(db, &err));
    ck_assert_int_eq(err.row, 10);
    ck_assert_str_eq(err.field, "sku");
    ck_assert_int_eq(n, 77);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_item_get(db, "sku-0", &info));
}
END_TEST

START_TEST(snapshots_follow_changes)
{
    const fbk__items *before = NULL, *same = NULL, *after = NULL;
    fbk_item item = FBK_ITEM_INIT;

    item.sku = "a";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    tk_assert_ok(db, fbk__items_acquire(db, &before));
    tk_assert_ok(db, fbk__items_acquire(db, &same));
    ck_assert_ptr_eq(before, same);
    item.name = "A";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    tk_assert_ok(db, fbk__items_acquire(db, &after));
    ck_assert_str_eq(fbk__item_name(before, 1), "a");
    ck_assert_str_eq(fbk__item_name(after, 1), "A");
    fbk__items_release(before);
    fbk__items_release(same);
    fbk__items_release(after);
    fbk__items_release(NULL);
}
END_TEST

/* What is read inside a transaction that is rolled back must not be served afterwards. */
START_TEST(snapshots_do_not_outlive_a_rollback)
{
    const fbk__items *inside = NULL, *after = NULL;
    uint32_t item = 0;

    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__item_resolve(db, "a", 1, true, &item));
    tk_assert_ok(db, fbk__items_acquire(db, &inside));
    ck_assert_uint_eq(fbk__item_find(inside, "a", 1), item);
    fbk__items_release(inside);
    ck_assert_int_eq(fbk__write_end(db, FBK_ECANCELLED), FBK_ECANCELLED);
    tk_assert_ok(db, fbk__items_acquire(db, &after));
    ck_assert_uint_eq(fbk__item_find(after, "a", 1), 0);
    fbk__items_release(after);
}
END_TEST

START_TEST(stock_by_place)
{
    const fbk__stock *stock = NULL;
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    struct ArrowArrayStream stream;
    int64_t quantity = 0, n = 0;
    fbk_time as_of = 0;
    uint32_t item = 0, here = 0, there = 0;

    tk_assert_fails(db, FBK_ENOTFOUND, fbk_stock_get(db, "a", "here", &quantity, NULL));
    ck_assert_int_eq(fbk_stock_set(db, "a", "here", 1500, 100), FBK_OK);
    ck_assert_int_eq(fbk_stock_set(db, "a", "here", 0, 200), FBK_OK);
    ck_assert_int_eq(fbk_stock_set(db, "a", "here", 9000, 150), FBK_DONE);
    tk_assert_ok(db, fbk_stock_get(db, "a", "here", &quantity, &as_of));
    ck_assert(quantity == 0 && as_of == 200);
    tk_assert_fails(db, FBK_ERANGE, fbk_stock_set(db, "a", "here", 0, INT64_MAX));
    tk_assert_fails(db, FBK_ERANGE, fbk_stock_set(db, "a", "here", INT64_MAX, 0));
    (void)fbk_arrow_builder_column(&b, "sku", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "place", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "quantity", FBK_ARROW_DOUBLE);
    (void)fbk_arrow_builder_column(&b, "as_of", FBK_ARROW_TIME);
    for (int i = 0; i < 4; i++) {
        fbk_arrow_add_text(&b, 0, i % 2 ? "b" : "a", -1);
        fbk_arrow_add_text(&b, 1, i / 2 ? "there" : "here", -1);
        fbk_arrow_add_double(&b, 2, i == 3 ? -1.0 : 0.25);
        fbk_arrow_add_int64(&b, 3, i == 0 ? 199 : 300);
    }
    tk_assert_ok(db, fbk_arrow_builder_finish(&b, &stream));
    tk_assert_ok(db, fbk_stock_set_rows(db, &stream, &n));
    ck_assert_int_eq(n, 3); /* the first was older than what is stored */
    tk_assert_ok(db, fbk_stock_get(db, "b", "here", &quantity, NULL));
    ck_assert_int_eq(quantity, 250);
    tk_assert_ok(db, fbk__item_resolve(db, "b", 1, false, &item));
    tk_assert_ok(db, fbk__stock_acquire(db, &stock));
    here = 1;
    there = 2;
    ck_assert(!fbk__stock_is_out(stock, item, here) && fbk__stock_is_out(stock, item, there));
    ck_assert(fbk__stock_is_out(stock, 1, here) && !fbk__stock_is_out(stock, 1, there));
    ck_assert(!fbk__stock_is_out(stock, 99, here) && !fbk__stock_is_out(stock, item, 99));
    fbk__stock_release(stock);
}
END_TEST

START_TEST(out_of_memory)
{
    fbk_item item = FBK_ITEM_INIT;
    int64_t k = 0;

    item.sku = "a";
    item.category = "b/c";
    for (;; k++) {
        struct ArrowArrayStream stream;
        const fbk__items *items = NULL;
        int64_t n = 77;
        fbk_status rc;

        items_stream(3, NULL, &stream);
        memory.n_calls = 0;
        memory.fail_at = k;
        rc = fbk_item_upsert(db, &item);
        if (rc == FBK_OK)
            rc = fbk_item_upsert_rows(db, &stream, &n);
        if (rc == FBK_OK)
            rc = fbk__items_acquire(db, &items);
        memory.fail_at = -1;
        if (stream.release)
            stream.release(&stream);
        if (rc == FBK_OK) {
            ck_assert_uint_eq(items->n, 4);
            fbk__items_release(items);
            if (memory.n_calls <= k)
                break;
            continue;
        }
        tk_assert_fails(db, FBK_ENOMEM, rc);
        ck_assert_ptr_null(items);
        ck_assert(n == 77 || n == 3);
    }
    ck_assert_int_gt(k, 10);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("catalogue");
    TCase *tc = tcase_create("catalogue");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_item_keeps_what_is_not_given);
    tcase_add_test(tc, skus_are_byte_exact);
    tcase_add_loop_test(tc, wrong_items_are_refused, 0, 15);
    tcase_add_test(tc, no_item_is_its_own_ancestor);
    tcase_add_test(tc, attributes_are_typed);
    tcase_add_test(tc, many_at_once);
    tcase_add_test(tc, all_or_none);
    tcase_add_test(tc, snapshots_follow_changes);
    tcase_add_test(tc, snapshots_do_not_outlive_a_rollback);
    tcase_add_test(tc, stock_by_place);
    tcase_add_test(tc, out_of_memory);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
