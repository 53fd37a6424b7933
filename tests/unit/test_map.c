/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/apply.h"
#include "log/batch.h"
#include "support/tk.h"

static struct fbk db;

static void
setup(void)
{
    db.alloc = fbk__libc_allocator;
    fbk__err_clear(&db);
}

/* -- what a mapping may be ------------------------------------------------------------------- */

#define HEAD "{\"format\":\"csv\",\"time\":\"t\",\"kind\":\"sale\""

/* Each with the member that the message must blame. */
static const struct {
    const char *text;
    const char *field;
} wrong[] = {
    {"", "map"},
    {"[]", ""},
    {"{\"format\":\"csv\",\"format\":\"csv\"}", "map"},
    {"{}", ""},
    {"{\"format\":\"xml\"}", "format"},
    {"{\"format\":\"csv\",\"kind\":\"sale\"}", ""},
    {"{\"format\":\"csv\",\"time\":\"t\"}", ""},
    {HEAD ",\"tiem\":\"t\"}", "tiem"},
    {HEAD ",\"csv\":{\"seperator\":\";\"}}", "csv.seperator"},
    {HEAD ",\"csv\":{\"separator\":\"ab\"}}", "csv.separator"},
    {HEAD ",\"csv\":{\"separator\":\"\\u00e9\"}}", "csv.separator"},
    {HEAD ",\"csv\":{\"quotes\":1}}", "csv.quotes"},
    {HEAD ",\"csv\":{\"columns\":[]}}", "csv.columns"},
    {HEAD ",\"csv\":{\"columns\":[1]}}", "csv.columns"},
    {HEAD ",\"csv\":{\"columns\":[\"a\"],\"basket\":\"b\"}}", "csv"},
    {HEAD ",\"json\":{\"lines\":\"items\"}}", ""},
    {"{\"format\":\"json\",\"time\":\"t\",\"kind\":\"sale\",\"csv\":{}}", ""},
    {HEAD ",\"numbers\":{\"decimal\":\"x\"}}", "numbers"},
    {HEAD ",\"numbers\":{\"group\":\".\"}}", "numbers"},
    {HEAD ",\"numbers\":{\"group\":\"1\"}}", "numbers"},
    {HEAD ",\"source\":7}", "source"},
    {HEAD ",\"source\":\"\"}", "source"},
    {HEAD ",\"source\":{}}", "source"},
    {HEAD ",\"source\":{\"value\":\"a\",\"column\":\"b\"}}", "source"},
    {HEAD ",\"source\":{\"value\":\"a\",\"join\":\"b\"}}", "source"},
    {HEAD ",\"source\":{\"parts\":[]}}", "source.parts"},
    {HEAD ",\"event_id\":[]}", "event_id"},
    {"{\"format\":\"csv\",\"kind\":\"sale\",\"time\":{\"zone\":\"UTC\"}}", "time"},
    {"{\"format\":\"csv\",\"kind\":\"sale\",\"time\":{\"value\":\"t\",\"zone\":\"../x\"}}", "time"},
    {"{\"format\":\"csv\",\"kind\":\"sale\",\"time\":{\"value\":\"t\",\"formats\":[\"%Q\"]}}",
     "time"},
    {"{\"format\":\"csv\",\"kind\":\"sale\",\"time\":{\"value\":\"t\",\"gap\":\"second\"}}",
     "time.gap"},
    {"{\"format\":\"csv\",\"kind\":\"sale\",\"time\":{\"value\":\"t\",\"overlap\":\"x\"}}",
     "time.overlap"},
    {"{\"format\":\"csv\",\"time\":\"t\",\"kind\":\"Sale\"}", "kind"},
    {"{\"format\":\"csv\",\"time\":\"t\",\"kind\":\"1st\"}", "kind"},
    {"{\"format\":\"csv\",\"time\":\"t\",\"kind\":7}", "kind"},
    {"{\"format\":\"csv\",\"time\":\"t\",\"kind\":{}}", "kind"},
    {"{\"format\":\"csv\",\"time\":\"t\",\"kind\":{\"rules\":[{\"kind\":\"a\"}]}}", "kind"},
    {"{\"format\":\"csv\",\"time\":\"t\",\"kind\":{\"rules\":[],\"else\":\"a\"}}", "kind"},
    {HEAD ",\"flags\":[{\"flag\":\"nice\"}]}", "flags.flag"},
    {HEAD ",\"flags\":{}}", "flags"},
    {HEAD ",\"identifiers\":[{\"namespace\":\"email\"}]}", "identifiers"},
    {HEAD ",\"identifiers\":[{\"namespace\":\"E\",\"value\":\"a\"}]}", "identifiers.namespace"},
    {HEAD ",\"properties\":[{\"key\":\"a b\",\"value\":\"a\"}]}", "properties.key"},
    {HEAD ",\"properties\":[{\"key\":\"a\",\"value\":\"a\",\"type\":\"date\"}]}",
     "properties.type"},
    {HEAD ",\"line\":{\"kind\":\"gift\"}}", "line.kind"},
    {HEAD ",\"line\":{\"quantity\":[\"a\"]}}", "line.quantity"},
    {HEAD ",\"line\":{\"price\":\"a\"}}", "line.price"},
    {HEAD ",\"item\":{\"name\":\"n\"}}", ""},
    {HEAD ",\"skip\":{\"column\":\"a\"}}", "skip"},
    {HEAD ",\"skip\":{\"column\":\"a\",\"like\":\"b\"}}", "skip.like"},
    {HEAD ",\"skip\":{\"column\":\"a\",\"less\":\"b\"}}", "skip.less"},
    {HEAD ",\"skip\":{\"column\":\"a\",\"empty\":1}}", "skip.empty"},
    {HEAD ",\"skip\":{\"all\":[]}}", "skip.all"},
    {HEAD ",\"skip\":{\"none\":[]}}", "skip.none"},
    {HEAD ",\"skip\":{\"equals\":\"a\",\"empty\":true}}", "skip"},
};

START_TEST(mistakes_are_named)
{
    fbk__mapping map;

    tk_assert_fails(&db, FBK_EINVAL,
                    fbk__mapping_parse(&db, wrong[_i].text, strlen(wrong[_i].text), &map));
    ck_assert_str_eq(db.err.field, wrong[_i].field);
    fbk__mapping_free(&map);
}
END_TEST

/* Conditions in conditions: 16 deep are read, 17 are not, and 100,000 do no harm. */
START_TEST(depth_is_limited)
{
    static const struct {
        size_t depth;
        bool good;
    } cases[] = {{15, true}, {16, false}, {100000, false}};
    size_t depth = cases[_i].depth;
    char *text = malloc(depth * 8 + 200);
    size_t n = 0;
    fbk__mapping map;
    fbk_status rc;

    ck_assert_ptr_nonnull(text);
    n += (size_t)sprintf(text, HEAD ",\"skip\":");
    for (size_t i = 0; i < depth; i++)
        n += (size_t)sprintf(text + n, "{\"not\":");
    n += (size_t)sprintf(text + n, "{\"column\":\"a\",\"empty\":true}");
    for (size_t i = 0; i < depth + 1; i++)
        text[n++] = '}';
    rc = fbk__mapping_parse(&db, text, n, &map);
    ck_assert_int_eq(rc, cases[_i].good ? FBK_OK : FBK_EINVAL);
    fbk__mapping_free(&map);
    free(text);
}
END_TEST

START_TEST(examples_are_good)
{
    static const char *const names[] = {"online_retail", "rees46_sample", "completejourney",
                                        "cdnow", "groceries"};
    char path[128];
    fbk__mapping map;
    size_t len;
    char *text;

    (void)snprintf(path, sizeof path, "examples/maps/%s.json", names[_i]);
    text = tk_slurp(tk_source(path), &len);
    tk_assert_ok(&db, fbk__mapping_parse(&db, text, len, &map));
    fbk__mapping_free(&map);
    free(text);
}
END_TEST

/* jansson's own memory apart, every allocation may fail. */
START_TEST(out_of_memory)
{
    size_t len;
    char *text = tk_slurp(tk_source("examples/maps/online_retail.json"), &len);
    fbk_status rc = FBK_ENOMEM;
    int64_t k = 0;

    for (; rc == FBK_ENOMEM; k++) {
        fbk__mapping map;
        tk_alloc a;

        tk_alloc_init(&a);
        a.fail_at = k;
        db.alloc = a.allocator;
        rc = fbk__mapping_parse(&db, text, len, &map);
        ck_assert(rc == FBK_OK || rc == FBK_ENOMEM);
        fbk__mapping_free(&map);
        ck_assert_int_eq(a.n_live, 0);
    }
    ck_assert_int_gt(k, 8);
    free(text);
}
END_TEST

/* -- what it makes of a row --------------------------------------------------------------------- */

/* The columns are a, b, c, t; the mapping is HEAD and more; the row's texts are given. */
typedef struct row_case {
    const char *map; /* after HEAD */
    const char *a, *b, *c, *t;
    const char *want;
} row_case;

static void
text_add(fbk__buf *out, const fbk__buf *text)
{
    fbk__buf_str(out, " ");
    fbk__buf_add(out, text->data ? text->data : "", text->len);
}

/* A row in one line of text. */
static void
row_show(const fbk__mapping *map, const fbk__row *row, fbk__buf *out)
{
    fbk__reader r;

    if (row->skip) {
        fbk__buf_str(out, "skip");
        return;
    }
    if (row->reason) {
        fbk__buf_printf(out, "%s %s", row->field, row->reason);
        return;
    }
    r.p = (const unsigned char *)row->slots.data;
    r.end = r.p + row->slots.len;
    r.bad = false;
    if (row->occurred_us != FBK_TIME_NONE)
        fbk__buf_printf(out, "%lld ", (long long)(row->occurred_us / 1000000));
    for (size_t i = 0; i < fbk__n_slots(map); i++) {
        size_t n = (size_t)fbk__read_uvarint(&r);
        const char *text = fbk__read_bytes(&r, n ? n - 1 : 0);

        if (i != FBK__SLOT_SOURCE) {
            fbk__buf_str(out, i ? "," : "");
            fbk__buf_add(out, text ? text : "", n ? n - 1 : 0);
        }
    }
    if (row->flags)
        fbk__buf_printf(out, " f%u", row->flags);
    if (row->id.len)
        text_add(out, &row->id);
    if (row->has_line) {
        fbk__buf_printf(out, " |%u", row->line_kind);
        text_add(out, &row->item);
        fbk__buf_printf(out, " %lld*%lld-%lld+%lld=%lld", (long long)row->quantity_milli,
                        (long long)row->unit_price_micro, (long long)row->discount_micro,
                        (long long)row->tax_micro, (long long)row->amount_micro);
    }
    if (row->gives & FBK__GIVES_NAME)
        text_add(out, &row->name);
    if (row->gives & FBK__GIVES_BRAND)
        text_add(out, &row->brand);
    if (row->gives & FBK__GIVES_CATEGORY)
        text_add(out, &row->category);
    if (row->gives & FBK__GIVES_PRICE)
        fbk__buf_printf(out, " %lld", (long long)row->price_micro);
}

static const row_case rows[] = {
    /* Time. */
    {"}", "", "", "", "2011-01-02T03:04:05Z", "1293937445 sale,,,,"},
    {"}", "", "", "", "2011-01-02T03:04:05+01:00", "1293933845 sale,,,,"},
    {"}", "", "", "", "", "sale,,,,"},
    {"}", "", "", "", "yesterday", "time was no date and time in the formats of the mapping"},
    {"}", "", "", "", "2011-01-02 03:04:05",
     "time was a local time, and the mapping names no zone"},
    /* Values. */
    {",\"channel\":\"a\",\"place\":{\"value\":\"P\"}}", "web", "", "", "", "sale,web,P,,"},
    {",\"order_ref\":{\"parts\":[{\"value\":\"X\"},\"a\",\"b\"],\"join\":\"-\"}}", "1", "2", "", "",
     "sale,,,X-1-2,"},
    {",\"order_ref\":{\"parts\":[{\"value\":\"X\"},\"a\",\"b\"],\"join\":\"-\"}}", "", "", "", "",
     "sale,,,,"},
    {",\"order_ref\":{\"parts\":[\"a\",{\"parts\":[\"b\",\"c\"],\"join\":\".\"},\"t\"],\"join\":\"-\"}}",
     "1", "2", "3", "", "sale,,,1-2.3-,"},
    {",\"order_ref\":{\"column\":\"a\",\"when\":{\"column\":\"b\",\"empty\":true}}}", "1", "x", "",
     "", "sale,,,,"},
    {",\"empty\":[\"NA\",\"-\"],\"channel\":\"a\",\"place\":\"b\",\"order_ref\":\"c\"}", "NA", "-",
     "N", "", "sale,,,N,"},
    {",\"channel\":\"a\"}", "\xff", "", "", "", "channel was not valid UTF-8"},
    {",\"currency\":\"a\"}", "GBP", "", "", "", "sale,,,,GBP"},
    {",\"currency\":\"a\"}", "gbp", "", "", "",
     "currency was no ISO 4217 code of three capital letters"},
    {",\"currency\":\"a\"}", "EURO", "", "", "",
     "currency was no ISO 4217 code of three capital letters"},
    /* Ids: parts never run into each other. */
    {",\"event_id\":[\"a\",\"b\"]}", "1/2", "3", "", "", "sale,,,, file/1%2F2/3"},
    {",\"event_id\":[\"a\",\"b\"]}", "1", "2/3", "", "", "sale,,,, file/1/2%2F3"},
    {",\"event_id\":[\"a\"],\"source\":{\"value\":\"10%\"}}", "1", "", "", "", "sale,,,, 10%25/1"},
    {",\"event_id\":[\"a\",\"b\"]}", "", "", "", "", "event_id was empty"},
    /* Identifiers are normalised; those that identify nobody are none. */
    {",\"identifiers\":[{\"namespace\":\"email\",\"value\":\"a\"},{\"namespace\":\"phone\",\"value\":\"b\"}]}",
     " Anna@Example.ORG", "+44 (0)20 7946 0000", "", "", "sale,,,,,anna@example.org,442079460000"},
    {",\"identifiers\":[{\"namespace\":\"email\",\"value\":\"a\"}]}", "none", "", "", "",
     "sale,,,,,"},
    {",\"identifiers\":[{\"namespace\":\"customer\",\"value\":\"a\"}]}", "0000", "", "", "",
     "sale,,,,,"},
    /* Kinds and flags. */
    {",\"flags\":[{\"flag\":\"test\",\"when\":{\"column\":\"a\",\"equals\":\"y\"}},"
     "{\"flag\":\"bot\",\"when\":{\"column\":\"b\",\"prefix\":\"bot\"}}]}",
     "y", "botty", "", "", "sale,,,, f9"},
    {",\"skip\":{\"column\":\"a\",\"in\":[\"x\",\"y\"]}}", "y", "", "", "", "skip"},
    {",\"skip\":{\"column\":\"a\",\"in\":[\"x\",\"y\"]}}", "z", "", "", "", "sale,,,,"},
    /* Lines. */
    {",\"line\":{\"item\":\"a\",\"quantity\":\"b\",\"unit_price\":\"c\"}}", "85123A", "6", "2.55",
     "", "sale,,,, |1 85123A 6000*2550000-0+0=15300000"},
    {",\"line\":{\"item\":\"a\",\"quantity\":\"b\",\"unit_price\":\"c\"}}", "D", "-1", "27.50", "",
     "sale,,,, |1 D -1000*27500000-0+0=-27500000"},
    {",\"line\":{\"item\":\"a\",\"unit_price\":\"c\"}}", "B", "", "-11062.06", "",
     "sale,,,, |1 B 1000*-11062060000-0+0=-11062060000"},
    {",\"line\":{\"item\":\"a\",\"quantity\":\"b\",\"amount\":\"c\"}}", "x", "3", "10", "",
     "sale,,,, |1 x 3000*3333333-0+0=10000000"},
    {",\"line\":{\"item\":\"a\",\"quantity\":\"b\",\"amount\":\"c\"}}", "x", "-3", "-10", "",
     "sale,,,, |1 x -3000*3333333-0+0=-10000000"},
    {",\"line\":{\"item\":\"a\",\"quantity\":\"b\",\"amount\":\"c\"}}", "x", "0", "1", "",
     "sale,,,, |1 x 0*0-0+0=1000000"},
    {",\"line\":{\"item\":\"a\",\"unit_price\":\"b\",\"discount\":{\"sum\":[\"c\",\"c\"]}}}", "x",
     "10", "1.25", "", "sale,,,, |1 x 1000*10000000-2500000+0=7500000"},
    {",\"line\":{\"item\":\"a\",\"quantity\":\"b\",\"unit_price\":\"c\",\"tax\":\"c\","
     "\"negative\":{\"column\":\"a\",\"prefix\":\"R\"}}}",
     "Rx", "2", "5", "", "sale,,,, |1 Rx -2000*5000000-0+-5000000=-10000000"},
    {",\"line\":{\"item\":\"a\",\"quantity\":\"b\"}}", "x", "two", "", "",
     "line.quantity was no number"},
    {",\"line\":{\"item\":\"a\",\"quantity\":\"b\"}}", "x", "1e99", "", "",
     "line.quantity was too great a number"},
    {",\"line\":{\"item\":\"a\",\"quantity\":\"b\",\"unit_price\":\"c\"}}", "x", "1e14", "1e12", "",
     "line.amount was too great a number"},
    {",\"line\":{\"item\":\"a\"}}", "", "", "", "",
     "line.item was empty, and the line is a product"},
    {",\"line\":{\"item\":\"a\",\"kind\":\"shipping\"}}", "", "", "", "",
     "sale,,,, |2  1000*0-0+0=0"},
    {",\"line\":{\"item\":\"a\",\"when\":{\"column\":\"a\",\"empty\":false}}}", "", "", "", "",
     "sale,,,,"},
    {",\"line\":{\"item\":\"a\",\"kind\":{\"rules\":[{\"kind\":\"fee\",\"when\":{\"column\":\"b\","
     "\"contains\":\"ee\"}}]}}}",
     "x", "feed", "", "", "sale,,,, |3 x 1000*0-0+0=0"},
    {",\"line\":{\"item\":\"a\",\"kind\":{\"rules\":[{\"kind\":\"fee\",\"when\":{\"column\":\"b\","
     "\"suffix\":\"ee\"}}]}}}",
     "x", "feed", "", "", "line.kind was given by no rule"},
    {",\"numbers\":{\"decimal\":\",\",\"group\":\".\"},\"line\":{\"item\":\"a\",\"unit_price\":\"b\"}}",
     "x", "1.234,56", "", "", "sale,,,, |1 x 1000*1234560000-0+0=1234560000"},
    /* Items: what does not fit is left out. */
    {",\"line\":{\"item\":\"a\"},\"item\":{\"name\":\"b\",\"category\":[\"c\"],"
     "\"category_separator\":\".\",\"price\":\"t\"}}",
     "x", "Tea", "food. hot/cold..tea", "", "sale,,,, |1 x 1000*0-0+0=0 Tea food/hot-cold/tea"},
    {",\"line\":{\"item\":\"a\"},\"item\":{\"brand\":\"b\",\"category\":[\"b\",\"c\"],\"price\":\"c\"}}",
     "x", "B", "7", "", "sale,,,, |1 x 1000*0-0+0=0 B B/7 7000000"},
    {",\"line\":{\"item\":\"a\"},\"item\":{\"name\":\"b\",\"price\":\"c\"}}", "x", "\xff", "-1", "",
     "sale,,,, |1 x 1000*0-0+0=0"},
    /* Numbers in conditions. */
    {",\"skip\":{\"all\":[{\"column\":\"a\",\"less\":0},{\"column\":\"b\",\"number\":\"0.00\"}]}}",
     "-1", "0", "", "", "skip"},
    {",\"skip\":{\"all\":[{\"column\":\"a\",\"less\":0},{\"column\":\"b\",\"number\":\"0.00\"}]}}",
     "0", "0", "", "", "sale,,,,"},
    {",\"skip\":{\"any\":[{\"column\":\"a\",\"at_least\":10},{\"column\":\"b\",\"at_most\":\"-0.5\"}]}}",
     "9.999", "-0.5", "", "", "skip"},
    {",\"skip\":{\"not\":{\"column\":\"a\",\"greater\":1}}}", "1.000001", "", "", "", "sale,,,,"},
    {",\"skip\":{\"column\":\"a\",\"less\":5}}", "four", "", "", "", "sale,,,,"},
};

START_TEST(rows_of_all_shapes)
{
    const row_case *x = &rows[_i];
    const char *const names[] = {"a", "b", "c", "t"};
    const char *const texts[] = {x->a, x->b, x->c, x->t};
    fbk__cell *cells;
    fbk__mapping map;
    fbk__apply apply;
    fbk__buf text;
    fbk__buf out;

    fbk__buf_init(&text, NULL);
    fbk__buf_init(&out, NULL);
    fbk__buf_str(&text, HEAD);
    fbk__buf_str(&text, x->map);
    tk_assert_ok(&db, fbk__mapping_parse(&db, text.data, text.len, &map));
    cells = calloc(map.columns.n, sizeof *cells);
    for (size_t i = 0; i < 4; i++) {
        uint32_t column = fbk__intern_find(&map.columns, names[i], 1);

        if (column != FBK__INTERN_NONE)
            cells[column] = (fbk__cell){texts[i], strlen(texts[i]), FBK__CELL_TEXT};
    }
    tk_assert_ok(&db, fbk__apply_init(&db, &map, NULL, "file", 4, &apply));
    for (int twice = 0; twice < 2; twice++) {
        fbk__buf_clear(&out);
        tk_assert_ok(&db, fbk__apply_row(&apply, cells));
        row_show(&map, &apply.row, &out);
        ck_assert_str_eq(out.data, x->want);
    }
    fbk__apply_free(&apply);
    fbk__mapping_free(&map);
    fbk__buf_free(&text);
    fbk__buf_free(&out);
    free(cells);
}
END_TEST

/* Local times around the changes of the clocks in London, 2011. */
static const struct {
    const char *policy; /* after the zone */
    const char *t;
    int64_t utc_s; /* 0 = refused */
} clocks[] = {
    {"", "2011-07-01 12:00:00", 1309518000},
    {"", "2011-01-01 12:00:00", 1293883200},
    {"", "2011-03-27 01:30:00", 1301189400}, /* left out */
    {",\"gap\":\"later\"", "2011-03-27 01:30:00", 1301189400},
    {",\"gap\":\"reject\"", "2011-03-27 01:30:00", 0},
    {",\"gap\":\"reject\"", "2011-03-27 02:00:00", 1301187600},
    {"", "2011-10-30 01:30:00", 1319934600}, /* shown twice */
    {",\"overlap\":\"first\"", "2011-10-30 01:30:00", 1319934600},
    {",\"overlap\":\"second\"", "2011-10-30 01:30:00", 1319938200},
    {",\"overlap\":\"reject\"", "2011-10-30 01:30:00", 0},
    {",\"overlap\":\"reject\"", "2011-10-30 02:00:00", 1319940000},
};

START_TEST(clocks_that_change)
{
    size_t len;
    char *zone = tk_slurp(tk_source("tests/golden/zones/Europe-London"), &len);
    fbk__tz *tz = NULL;
    fbk__mapping map;
    fbk__apply apply;
    fbk__cell cell = {clocks[_i].t, strlen(clocks[_i].t), FBK__CELL_TEXT};
    char text[256];

    tk_assert_ok(&db, fbk__tz_parse(&db, zone, len, &tz));
    (void)snprintf(text, sizeof text,
                   "{\"format\":\"csv\",\"kind\":\"sale\",\"time\":{\"columns\":[\"t\"],"
                   "\"zone\":\"Europe/London\"%s}}",
                   clocks[_i].policy);
    tk_assert_ok(&db, fbk__mapping_parse(&db, text, strlen(text), &map));
    tk_assert_ok(&db, fbk__apply_init(&db, &map, tz, "file", 4, &apply));
    tk_assert_ok(&db, fbk__apply_row(&apply, &cell));
    ck_assert_int_eq(apply.row.reason == NULL, clocks[_i].utc_s != 0);
    if (clocks[_i].utc_s)
        ck_assert_int_eq(apply.row.occurred_us, clocks[_i].utc_s * 1000000);
    ck_assert_uint_eq(apply.gaps, _i >= 2 && _i <= 4);
    ck_assert_uint_eq(apply.overlaps, _i >= 6 && _i <= 9);
    fbk__apply_free(&apply);
    fbk__mapping_free(&map);
    fbk__tz_free(NULL, tz);
    free(zone);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("map");
    TCase *tc = tcase_create("map");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, mistakes_are_named, 0, (int)(sizeof wrong / sizeof wrong[0]));
    tcase_add_loop_test(tc, depth_is_limited, 0, 3);
    tcase_add_loop_test(tc, examples_are_good, 0, 5);
    tcase_add_test(tc, out_of_memory);
    tcase_add_loop_test(tc, rows_of_all_shapes, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_loop_test(tc, clocks_that_change, 0, (int)(sizeof clocks / sizeof clocks[0]));
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
