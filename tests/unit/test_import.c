/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/catalogue.h>
#include <feedback/import.h>
#include <feedback/store.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <zstd.h>

#include "base/buf.h"
#include "log/log.h"
#include "support/tk.h"

static fbk_store *store;
static fbk *db;

static void
setup(void)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;

    options.flags = FBK_STORE_CREATE;
    options.currency = "GBP";
    ck_assert_int_eq(fbk_store_open(":memory:", &options, &store, NULL), FBK_OK);
    ck_assert_int_eq(fbk_connect(store, &db), FBK_OK);
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
}

static const char *
file_with(const char *name, const void *bytes, size_t len)
{
    const char *path = tk_path(name);
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* Import a text by a mapping; the rejects go to "rejects.csv". */
static fbk_status
import_text(const char *map, const char *text, size_t len, fbk_import_report *report)
{
    fbk_import_options options = FBK_IMPORT_OPTIONS_INIT;

    options.map_text = map;
    options.rejects_path = tk_path("rejects.csv");
    options.memory_mib = 1;
    *report = (fbk_import_report)FBK_IMPORT_REPORT_INIT;
    return fbk_import_file(db, file_with("till.csv", text, len), &options, report);
}

/* -- what is in the store, as text ------------------------------------------------------------- */

static int
span_order(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

typedef struct shown {
    char *events[4096];
    size_t n;
} shown;

static fbk_status
show_one(void *user_data, const fbk__event_view *view)
{
    shown *s = user_data;
    fbk__buf buf;

    fbk__buf_init(&buf, NULL);
    fbk__buf_add(&buf, view->id, view->id_len);
    fbk__buf_printf(&buf, " %" PRId64 " %s", view->occurred_us / 1000000,
                    fbk__word_text(db, view->kind));
    if (view->order_ref_len) {
        fbk__buf_str(&buf, " #");
        fbk__buf_add(&buf, view->order_ref, view->order_ref_len);
    }
    for (size_t i = 0; i < view->n_nodes; i++) {
        uint32_t space;

        fbk__buf_str(&buf, " @");
        tk_assert_ok(db, fbk__node_value(db, view->nodes[i], &space, &buf));
    }
    for (size_t i = 0; i < view->n_props; i++) {
        const fbk__batch_prop *p = &view->props[i];

        fbk__buf_printf(&buf, " %s=", fbk__word_text(db, p->key));
        if (p->type == FBK__PROP_TEXT)
            fbk__buf_add(&buf, view->text + p->value.text.at, p->value.text.len);
        else if (p->type == FBK__PROP_DOUBLE)
            fbk__buf_printf(&buf, "%g", p->value.d);
        else
            fbk__buf_printf(&buf, "%" PRId64, p->value.i);
    }
    for (size_t i = 0; i < view->n_lines; i++)
        fbk__buf_printf(&buf, " |%u %" PRId64 "*%" PRId64 "=%" PRId64, view->lines[i].kind,
                        view->lines[i].quantity_milli, view->lines[i].unit_price_micro,
                        view->lines[i].amount_micro);
    ck_assert_uint_lt(s->n, 4096);
    s->events[s->n++] = buf.data;
    return FBK_OK;
}

/* All events, ordered by id, joined by ';'; the caller frees. */
static char *
show_store(void)
{
    static shown s;
    fbk__buf all;

    s.n = 0;
    tk_assert_ok(db, fbk__log_each(db, 0, show_one, &s));
    qsort(s.events, s.n, sizeof *s.events, span_order);
    fbk__buf_init(&all, NULL);
    fbk__buf_str(&all, "");
    for (size_t i = 0; i < s.n; i++) {
        fbk__buf_printf(&all, "%s%s", i ? ";" : "", s.events[i]);
        free(s.events[i]);
    }
    return all.data;
}

static void
assert_store(const char *want)
{
    char *text = show_store();

    ck_assert_str_eq(text, want);
    free(text);
}

static void
assert_rejects(const char *want)
{
    size_t len;
    char *text = tk_slurp(tk_path("rejects.csv"), &len);

    ck_assert(strncmp(text, "row,line,field,reason\n", 22) == 0);
    ck_assert_str_eq(text + 22, want);
    free(text);
}

/* -- small files -------------------------------------------------------------------------------- */

static const char till_map[] =
    "{\"format\":\"csv\",\"source\":{\"value\":\"till\"},\"event_id\":[\"id\"],\"time\":\"time\","
    "\"kind\":{\"rules\":[{\"kind\":\"return\",\"when\":{\"column\":\"n\",\"less\":0}}],"
    "\"default\":\"sale\"},"
    "\"identifiers\":[{\"namespace\":\"email\",\"value\":\"who\"}],"
    "\"line\":{\"item\":\"sku\",\"quantity\":\"n\",\"unit_price\":\"price\"},"
    "\"properties\":[{\"key\":\"note\",\"value\":\"note\"}]}";
#define TILL "id,time,who,sku,n,price,note\n"

static const struct {
    const char *text;
    fbk_status rc;
    const char *store;
    const char *rejects;
    uint64_t rows, added, refused;
} tills[] = {
    /* Rows of one id, wherever they stand; the earliest time; what only one row says. */
    {TILL "1,2020-01-01T00:00:05Z,,a,1,2,\n2,2020-01-01T00:00:00Z,,b,1,1,\n"
          "1,2020-01-01T00:00:03Z,Ann@x.org,c,2,1.5,\n1,,,a,1,2,hi\n",
     FBK_OK,
     "till/1 1577836803 sale @ann@x.org note=hi |1 1000*2000000=2000000 |1 2000*1500000=3000000 "
     "|1 1000*2000000=2000000;till/2 1577836800 sale |1 1000*1000000=1000000",
     "", 4, 2, 0},
    /* Rows that disagree. */
    {TILL "1,2020-01-01T00:00:00Z,a@x.org,a,1,2,\n2,2020-01-01T00:00:00Z,,b,1,1,\n"
          "1,2020-01-01T00:00:00Z,,a,1,2,\n1,2020-01-01T00:00:00Z,b@x.org,a,1,2,\n",
     FBK_OK, "till/2 1577836800 sale |1 1000*1000000=1000000",
     "1,2,identifiers.email,differed between row 1 and row 4 of one event\n"
     "3,4,event_id,row 4 of the same event was refused\n"
     "4,5,identifiers.email,differed between row 1 and row 4 of one event\n",
     4, 1, 1},
    {TILL "1,2020-01-01T00:00:00Z,,a,1,2,\n1,2020-01-01T00:00:00Z,,a,-1,2,\n", FBK_OK, "",
     "1,2,kind,differed between row 1 and row 2 of one event\n"
     "2,3,kind,differed between row 1 and row 2 of one event\n",
     2, 0, 1},
    /* A bad row spoils its event, and no other. */
    {TILL "1,2020-01-01T00:00:00Z,,a,1,2,\n2,2020-01-01T00:00:00Z,,b,1,1,\n"
          "1,2020-01-01T00:00:00Z,,a,x,2,\n",
     FBK_OK, "till/2 1577836800 sale |1 1000*1000000=1000000",
     "1,2,event_id,row 3 of the same event was refused\n3,4,line.quantity,was no number\n", 3, 1,
     1},
    {TILL "1,,,a,1,2,\n", FBK_OK, "", "1,2,time,was given by no row of the event\n", 1, 0, 1},
    {TILL ",2020-01-01T00:00:00Z,,a,1,2,\n", FBK_OK, "", "1,2,event_id,was empty\n", 1, 0, 0},
    /* A broken line costs that line. */
    {TILL "1,2020-01-01T00:00:00Z,,a,1,2\n\"2,2020-01-01T00:00:00Z,,b,1,1,\n"
          "3,2020-01-01T00:00:00Z,,a,1,2,\n",
     FBK_OK, "till/3 1577836800 sale |1 1000*2000000=2000000",
     "1,2,record,had 6 fields where the header has 7\n"
     "2,3,record,a quoted field was not closed before the end of the file\n",
     3, 1, 0},
    /* Rules of the store. */
    {TILL "1,2020-01-01T00:00:00Z,,a,2000000000,2,\n", FBK_OK, "",
     "1,2,quantity_milli,quantity_milli of line 1 was not between -1000000000000 and "
     "1000000000000\n",
     1, 0, 1},
    /* Nothing to read. */
    {TILL, FBK_OK, "", "", 0, 0, 0},
    {"", FBK_EINVAL, "", "", 0, 0, 0},
    {"id,time\n1,2\n", FBK_EINVAL, "", "", 0, 0, 0},
    {"id,time,who,sku,n,price,note,id\n", FBK_EINVAL, "", "", 0, 0, 0},
    {"\"id\n", FBK_EINVAL, "", "", 0, 0, 0},
};

START_TEST(tills_of_all_shapes)
{
    fbk_import_report report;
    fbk_status rc = import_text(till_map, tills[_i].text, strlen(tills[_i].text), &report);

    ck_assert_msg(rc == tills[_i].rc, "%s: %s", fbk_status_name(rc), fbk_errmsg(db));
    ck_assert(rc == FBK_OK || fbk_errmsg(db)[0]);
    assert_store(tills[_i].store);
    assert_rejects(tills[_i].rejects);
    ck_assert_uint_eq(report.rows_read, tills[_i].rows);
    ck_assert_uint_eq(report.events_added, tills[_i].added);
    ck_assert_uint_eq(report.events_rejected, tills[_i].refused);
    if (!tills[_i].rejects[0])
        return;
    /* Sent again, the good ones are there and the bad ones bad. */
    tk_assert_ok(db, import_text(till_map, tills[_i].text, strlen(tills[_i].text), &report));
    ck_assert_uint_eq(report.events_added, 0);
    ck_assert_uint_eq(report.events_already, tills[_i].added);
    ck_assert_int_gt(report.reject_row, 0);
    assert_rejects(tills[_i].rejects);
}
END_TEST

START_TEST(other_content_is_a_conflict)
{
    static const char first[] = TILL "1,2020-01-01T00:00:00Z,,a,1,2,\n";
    static const char other[] =
        TILL "1,2020-01-01T00:00:00Z,,a,1,3,\n2,2020-01-01T00:00:00Z,,a,1,3,\n1,,,b,1,3,\n";
    fbk_import_report report;

    tk_assert_ok(db, import_text(till_map, first, sizeof first - 1, &report));
    tk_assert_ok(db, import_text(till_map, other, sizeof other - 1, &report));
    ck_assert_uint_eq(report.events_added, 1);
    ck_assert_uint_eq(report.events_conflict, 1);
    ck_assert_uint_eq(report.rows_rejected, 2);
    assert_rejects("1,2,event_id,belonged to an event with other content already\n"
                   "3,4,event_id,belonged to an event with other content already\n");
}
END_TEST

/* Without ids: equal rows are different events, and stay what they are when more rows come. */
START_TEST(rows_without_ids)
{
    static const char map[] = "{\"format\":\"csv\",\"time\":\"t\",\"kind\":\"visit\"}";
    static const char first[] =
        "t\n2020-01-01T00:00:00Z\n2020-01-01T00:00:01Z\n2020-01-01T00:00:00Z\n";
    static const char more[] =
        "t\n2020-01-01T00:00:09Z\n2020-01-01T00:00:00Z\n\"2020-01-01T00:00:01Z\"\n"
        "2020-01-01T00:00:00Z\n2020-01-01T00:00:00Z\n";
    fbk_import_report report;

    tk_assert_ok(db, import_text(map, first, sizeof first - 1, &report));
    ck_assert_uint_eq(report.events_added, 3);
    tk_assert_ok(db, import_text(map, more, sizeof more - 1, &report));
    ck_assert_uint_eq(report.events_added, 2);
    ck_assert_uint_eq(report.events_already, 3);
}
END_TEST

static const char json_map[] =
    "{\"format\":\"json\",\"json\":{\"lines\":\"lines\"},\"source\":{\"value\":\"s\"},"
    "\"event_id\":[\"id\"],\"time\":\"at\",\"kind\":\"sale\","
    "\"identifiers\":[{\"namespace\":\"email\",\"value\":\"who.email\"}],"
    "\"line\":{\"when\":{\"column\":\"lines.sku\",\"empty\":false},\"item\":\"lines.sku\","
    "\"unit_price\":\"lines.price\"},"
    "\"properties\":[{\"key\":\"n\",\"type\":\"int\",\"value\":\"n\"},"
    "{\"key\":\"b\",\"type\":\"bool\",\"value\":\"b\"},{\"key\":\"d\",\"type\":\"double\",\"value\":\"d\"}]}";

START_TEST(json_lines_and_one_of_100_megabytes)
{
    static const char good[] =
        "{\"id\":1,\"at\":\"2020-01-01T00:00:00Z\",\"who\":{\"email\":\"A@x.org\"},\"n\":-7,\"b\":true,"
        "\"d\":0.25,\"lines\":[{\"sku\":\"a\",\"price\":19.99},{\"sku\":\"b\",\"price\":1e-1}]}\n"
        "{\"id\":2,\"at\":\"2020-01-01T00:00:01Z\"}\n"
        "{\"id\":3,\"at\":\"2020-01-01T00:00:01Z\",\"lines\":[{\"sku\":\"a\",\"price\":\"x\"}]}\n"
        "{\"id\":4,\"at\":\"2020-01-01T00:00:01Z\",\"n\":1.5,\"n\":2}\n";
    static const char last[] = "{\"id\":9,\"at\":\"2020-01-01T00:00:02Z\"}\n";
    const size_t huge = (size_t)100 << 20;
    const size_t len = sizeof good - 1 + huge + sizeof last - 1;
    char *text = malloc(len);
    fbk_import_report report;
    struct rusage before;
    struct rusage after;

    ck_assert_ptr_nonnull(text);
    memcpy(text, good, sizeof good - 1);
    memset(text + sizeof good - 1, 'x', huge);
    memcpy(text + sizeof good - 1, "{\"id\":\"", 7);
    text[sizeof good - 1 + huge - 1] = '\n';
    memcpy(text + sizeof good - 1 + huge, last, sizeof last - 1);
    (void)getrusage(RUSAGE_SELF, &before);
    tk_assert_ok(db, import_text(json_map, text, len, &report));
    (void)getrusage(RUSAGE_SELF, &after);
    assert_store("s/1 1577836800 sale @a@x.org b=1 d=0.25 n=-7 |1 1000*19990000=19990000 "
                 "|1 1000*100000=100000;s/2 1577836801 sale;s/9 1577836802 sale");
    assert_rejects("4,4,record,a member that the mapping names came twice\n"
                   "5,5,record,the line was longer than 16 MiB\n"
                   "3,3,line.unit_price,was no number\n");
    ck_assert_uint_eq(report.rows_read, 6);
    ck_assert_uint_eq(report.rows_rejected, 3);
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 64 * 1024);
    free(text);
}
END_TEST

/* An event of 70,000 rows is refused as a whole, and in bounded memory; one of 65,535 is taken. */
START_TEST(lines_are_limited)
{
    static const uint32_t sizes[] = {65535, 65536, 150000};
    const uint32_t n = sizes[_i];
    fbk_import_report report;
    fbk__buf text;

    fbk__buf_init(&text, NULL);
    fbk__buf_str(&text, TILL "1,2020-01-01T00:00:00Z,,a,1,1,\n");
    for (uint32_t i = 0; i < n; i++)
        fbk__buf_str(&text, "2,2020-01-01T00:00:00Z,,a,1,1,\n");
    tk_assert_ok(db, import_text(till_map, text.data, text.len, &report));
    ck_assert_uint_eq(report.events_added, n == 65535 ? 2 : 1);
    ck_assert_uint_eq(report.events_rejected, n == 65535 ? 0 : 1);
    ck_assert_uint_eq(report.rows_rejected, n == 65535 ? 0 : n);
    fbk__buf_free(&text);
}
END_TEST

/* The order of the rows, and whether the sort spills, change nothing. */
START_TEST(shuffled_rows_and_little_memory)
{
    static const uint32_t step[] = {1, 7919, 104729 % 60000};
    const uint32_t n = 60000; /* 1 MiB does not hold them */
    fbk_import_report report;
    fbk__buf text;

    for (size_t k = 0; k < 3; k++) {
        fbk__buf_init(&text, NULL);
        fbk__buf_str(&text, TILL);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t x = (uint32_t)((uint64_t)i * step[k] % n);

            fbk__buf_printf(&text, "%u,2020-01-01T00:00:%02uZ,p%u@x.org,s,1,1,\n", x % 20000,
                            x / 20000, x % 20000);
        }
        tk_assert_ok(db, import_text(till_map, text.data, text.len, &report));
        ck_assert_uint_eq(report.rows_read, n);
        ck_assert_uint_eq(report.rows_rejected, 0);
        ck_assert_uint_eq(report.events_added, k ? 0 : 20000);
        ck_assert_uint_eq(report.events_already, k ? 20000 : 0);
        fbk__buf_free(&text);
    }
}
END_TEST

START_TEST(damaged_zstd_stores_nothing)
{
    fbk__buf text;
    fbk_import_report report;
    char *packed;
    size_t n;

    fbk__buf_init(&text, NULL);
    fbk__buf_str(&text, TILL);
    for (uint32_t i = 0; i < 50000; i++)
        fbk__buf_printf(&text, "%u,2020-01-01T00:00:00Z,,s%u,1,1,\n", i / 3, i * 2654435761u);
    packed = malloc(ZSTD_compressBound(text.len));
    n = ZSTD_compress(packed, ZSTD_compressBound(text.len), text.data, text.len, 3);
    tk_assert_fails(db, FBK_EINVAL, import_text(till_map, packed, n - 10, &report));
    assert_store("");
    ck_assert_uint_gt(report.rows_read, 1000);
    tk_assert_ok(db, import_text(till_map, packed, n, &report));
    ck_assert_uint_eq(report.events_added, 16667);
    free(packed);
    fbk__buf_free(&text);
}
END_TEST

/* Of each item the latest words, each on its own. */
START_TEST(items_are_described)
{
    static const char map[] =
        "{\"format\":\"csv\",\"time\":\"t\",\"kind\":\"sale\",\"line\":{\"item\":\"i\"},"
        "\"item\":{\"name\":\"n\",\"category\":[\"c\"],\"price\":\"p\"}}";
    static const char text[] = "t,i,n,c,p\n"
                               "2020-01-03T00:00:00Z,x,New name,,\n"
                               "2020-01-02T00:00:00Z,x,Old name,food,2.50\n"
                               "2020-01-04T00:00:00Z,x,,,2.75\n"
                               "2020-01-01T00:00:00Z,y,Tea,,\n"
                               "2020-01-01T00:00:00Z,z,,,\n";
    fbk_item_info info = {.struct_size = (uint32_t)sizeof info};
    fbk_import_report report;

    tk_assert_ok(db, import_text(map, text, sizeof text - 1, &report));
    ck_assert_uint_eq(report.items_described, 2);
    tk_assert_ok(db, fbk_item_get(db, "x", &info));
    ck_assert_str_eq(info.name, "New name");
    ck_assert_str_eq(info.category, "food");
    ck_assert_int_eq(info.price_micro, 2750000);
    tk_assert_ok(db, fbk_item_get(db, "y", &info));
    ck_assert_str_eq(info.name, "Tea");
}
END_TEST

typedef struct calls {
    int n;
    int stop_at;
    uint64_t last;
} calls;

static fbk_status
progress(void *user_data, uint64_t done, uint64_t total)
{
    calls *c = user_data;

    ck_assert_uint_le(c->last, done);
    ck_assert_uint_le(done, total);
    c->last = done;
    return ++c->n == c->stop_at ? FBK_ECANCELLED : FBK_OK;
}

START_TEST(progress_and_cancelling)
{
    fbk_import_options options = FBK_IMPORT_OPTIONS_INIT;
    fbk_import_report report = FBK_IMPORT_REPORT_INIT;
    const char *path;
    calls c = {0};
    fbk__buf text;

    fbk__buf_init(&text, NULL);
    fbk__buf_str(&text, TILL);
    for (uint32_t i = 0; i < 20000; i++)
        fbk__buf_printf(&text, "%u,2020-01-01T00:00:00Z,,s,1,1,\n", i);
    path = file_with("till.csv", text.data, text.len);
    options.map_text = till_map;
    options.progress = progress;
    options.progress_data = &c;
    options.batch_events = 100;
    c.stop_at = 1;
    tk_assert_fails(db, FBK_ECANCELLED, fbk_import_file(db, path, &options, &report));
    ck_assert_int_eq(c.n, 1);
    c = (calls){0};
    tk_assert_ok(db, fbk_import_file(db, path, &options, &report));
    ck_assert_uint_eq(c.last, text.len);
    ck_assert_uint_eq(report.events_added + report.events_already, 20000);
    fbk__buf_free(&text);
}
END_TEST

START_TEST(misuse_is_refused)
{
    fbk_import_options options = FBK_IMPORT_OPTIONS_INIT;
    fbk_import_report report = FBK_IMPORT_REPORT_INIT;
    const char *path = file_with("till.csv", TILL, sizeof TILL - 1);

    ck_assert_int_eq(fbk_import_file(NULL, path, &options, &report), FBK_EINVAL);
    tk_assert_fails(db, FBK_EINVAL, fbk_import_file(db, path, NULL, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_import_file(db, path, &options, NULL));
    options.map_text = till_map;
    tk_assert_fails(db, FBK_EINVAL, fbk_import_file(db, NULL, &options, NULL));
    options.flags = 1;
    tk_assert_fails(db, FBK_EINVAL, fbk_import_file(db, path, &options, NULL));
    options.flags = 0;
    options.batch_events = 1000001;
    tk_assert_fails(db, FBK_ERANGE, fbk_import_file(db, path, &options, NULL));
    options.batch_events = 0;
    options.memory_mib = 65537;
    tk_assert_fails(db, FBK_ERANGE, fbk_import_file(db, path, &options, NULL));
    options.memory_mib = 0;
    options.received_us = -1;
    tk_assert_fails(db, FBK_ERANGE, fbk_import_file(db, path, &options, NULL));
    options.received_us = 0;
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_import_file(db, tk_path("absent"), &options, NULL));
    options.rejects_path = tk_tmpdir();
    tk_assert_fails(db, FBK_EIO, fbk_import_file(db, path, &options, NULL));
    options.rejects_path = NULL;
    options.map_path = tk_path("absent");
    tk_assert_fails(db, FBK_EINVAL, fbk_import_file(db, path, &options, NULL));
    options.map_text = NULL;
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_import_file(db, path, &options, NULL));
    options.map_path = NULL;
    options.map_text = "{\"format\":\"csv\",\"kind\":\"sale\",\"time\":{\"value\":\"time\","
                       "\"zone\":\"Nowhere/Atlantis\"}}";
    ck_assert_int_lt(fbk_import_file(db, path, &options, NULL), 0);
    ck_assert(fbk_errmsg(db)[0]);
    report.struct_size = 3;
    options.map_text = till_map;
    tk_assert_fails(db, FBK_EABI, fbk_import_file(db, path, &options, &report));
}
END_TEST

/* -- real files ----------------------------------------------------------------------------------- */

static const struct {
    const char *map;
    const char *data;
    uint64_t rows, rejected, events, lines, items;
} real[] = {
    {"online_retail", "online_retail/online_retail.csv.zst", 541909, 0, 25900, 541909, 3907},
    {"rees46_sample", "rees46_sample/2019-Oct_head.csv.zst", 17435, 1, 17434, 17434, 6493},
    {"completejourney", "completejourney/csv/transactions_sample.csv.zst", 75000, 0, 47243, 75000,
     0},
    {"cdnow", "cdnow/CDNOW_sample.txt.zst", 6919, 0, 6919, 6919, 0},
    {"groceries", "groceries/groceries_baskets.csv.zst", 9835, 0, 9835, 43367, 0},
};

START_TEST(real_files)
{
    fbk_import_options options = FBK_IMPORT_OPTIONS_INIT;
    fbk_import_report report = FBK_IMPORT_REPORT_INIT;
    const char *path = tk_data(real[_i].data);
    char map[128];

    if (!path)
        tk_skip("the data set is absent");
    (void)snprintf(map, sizeof map, "examples/maps/%s.json", real[_i].map);
    options.map_path = tk_source(map);
    options.memory_mib = _i == 0 ? 8 : 0; /* spills */
    for (int again = 0; again < 2; again++) {
        tk_assert_ok(db, fbk_import_file(db, path, &options, &report));
        ck_assert_uint_eq(report.rows_read, real[_i].rows);
        ck_assert_uint_eq(report.rows_rejected, real[_i].rejected);
        ck_assert_uint_eq(report.events_added, again ? 0 : real[_i].events);
        ck_assert_uint_eq(report.events_already, again ? real[_i].events : 0);
        ck_assert_uint_eq(report.lines_added, again ? 0 : real[_i].lines);
        ck_assert_uint_eq(report.events_conflict, 0);
        ck_assert_uint_eq(report.items_described, real[_i].items);
    }
}
END_TEST

/* online_retail's published totals, from the log. */
START_TEST(online_retail_totals)
{
    const fbk__scan_options scan_options = {
        .from_us = FBK_TIME_NONE,
        .to_us = FBK_TIME_NONE,
        .columns = FBK__COL_EVENT | FBK__COL_NODE | FBK__COL_KIND | FBK__COL_LINE_KIND |
                   FBK__COL_QUANTITY | FBK__COL_UNIT_PRICE | FBK__COL_AMOUNT};
    fbk_import_options options = FBK_IMPORT_OPTIONS_INIT;
    const char *path = tk_data("online_retail/online_retail.csv.zst");
    int64_t by_kind[FBK__N_LINE_KINDS] = {0};
    int64_t total = 0, valid = 0, no_goods = 0;
    uint64_t lines = 0, invoices = 0, customers = 0, write_offs = 0, returns = 0, last = 0;
    fbk__map seen;
    fbk__map bought;
    fbk__scan *scan = NULL;
    const fbk__chunk *chunk;
    fbk_status rc;

    if (!path)
        tk_skip("online_retail is absent");
    options.map_path = tk_source("examples/maps/online_retail.json");
    tk_assert_ok(db, fbk_import_file(db, path, &options, NULL));
    fbk__map_init(&seen, NULL);
    fbk__map_init(&bought, NULL);
    tk_assert_ok(db, fbk__log_scan_open(db, &scan_options, &scan));
    while ((rc = fbk__log_scan_next(scan, &chunk)) == FBK_OK) {
        for (size_t i = 0; i < chunk->n; i++) {
            bool fresh;

            total += chunk->amount_micro[i];
            by_kind[chunk->line_kind[i]]++;
            if (chunk->event[i] != last) {
                write_offs += chunk->kind[i] == FBK__EVENT_ADJUSTMENT;
                returns += chunk->kind[i] == FBK__EVENT_RETURN;
            }
            last = chunk->event[i];
            if (!chunk->node[i] || chunk->quantity_milli[i] <= 0 || chunk->unit_price_micro[i] <= 0)
                continue;
            lines++;
            valid += chunk->amount_micro[i];
            if (chunk->line_kind[i] != FBK__LINE_PRODUCT)
                no_goods += chunk->amount_micro[i];
            customers += fbk__map_put(&bought, chunk->node[i], &fresh) && fresh;
            invoices += fbk__map_put(&seen, chunk->event[i], &fresh) && fresh;
        }
    }
    ck_assert_int_eq(rc, FBK_DONE);
    fbk__log_scan_close(scan);
    fbk__map_free(&seen);
    fbk__map_free(&bought);
    ck_assert_int_eq(total, INT64_C(9747747934000));
    ck_assert_uint_eq(lines, 397884);
    ck_assert_uint_eq(customers, 4338);
    ck_assert_uint_eq(invoices, 18532);
    ck_assert_int_eq(valid, INT64_C(8911407904000));
    ck_assert_int_eq(no_goods, INT64_C(150341254000));
    ck_assert_uint_eq(returns, 3836);
    ck_assert_uint_eq(write_offs, 1336 + 3);
    ck_assert_int_eq(by_kind[FBK__LINE_SHIPPING], 1256 + 710 + 144);
    ck_assert_int_eq(by_kind[FBK__LINE_FEE], 37 + 34 + 16);
    ck_assert_int_eq(by_kind[FBK__LINE_DISCOUNT], 77);
    ck_assert_int_eq(by_kind[FBK__LINE_GIFT_CARD], 34);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("import");
    TCase *tc = tcase_create("import");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, tills_of_all_shapes, 0, (int)(sizeof tills / sizeof tills[0]));
    tcase_add_test(tc, other_content_is_a_conflict);
    tcase_add_test(tc, rows_without_ids);
    tcase_add_test(tc, json_lines_and_one_of_100_megabytes);
    tcase_add_loop_test(tc, lines_are_limited, 0, 3);
    tcase_add_test(tc, shuffled_rows_and_little_memory);
    tcase_add_test(tc, damaged_zstd_stores_nothing);
    tcase_add_test(tc, items_are_described);
    tcase_add_test(tc, progress_and_cancelling);
    tcase_add_test(tc, misuse_is_refused);
    tcase_add_loop_test(tc, real_files, 0, (int)(sizeof real / sizeof real[0]));
    tcase_add_test(tc, online_retail_totals);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
