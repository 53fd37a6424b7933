/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "support/tk.h"

static struct fbk db;

static void
setup(void)
{
    db.alloc = fbk__libc_allocator;
    fbk__err_clear(&db);
}

/* The whole input in one line: fields in <>, records ended by '/', a malformed record as '!'. */
static void
flatten(const char *text, size_t len, const fbk__csv_options *options, fbk__buf *out)
{
    fbk__file *file = NULL;
    fbk__csv *csv = NULL;
    fbk__csv_record record;
    int64_t last = 0;
    fbk_status rc;

    tk_assert_ok(&db, fbk__file_open_memory(&db, text, len, &file));
    tk_assert_ok(&db, fbk__csv_open(&db, file, options, &csv));
    while ((rc = fbk__csv_next(csv, &record)) == FBK_OK) {
        ck_assert_int_eq(record.number, ++last);
        for (size_t i = 0; i < record.n; i++) {
            fbk__buf_str(out, "<");
            fbk__buf_add(out, record.fields[i].text, record.fields[i].len);
            fbk__buf_str(out, ">");
        }
        fbk__buf_str(out, record.reason ? "!" : "/");
    }
    ck_assert_int_eq(rc, FBK_DONE);
    fbk__csv_close(csv);
    fbk__file_close(file);
}

static const struct {
    const char *text;
    const char *want;
    fbk__csv_options options;
} inputs[] = {
    {"", "", {0}},
    {"\n\r\n\n", "", {0}},
    {"a,b\nc,d", "<a><b>/<c><d>/", {0}},
    {"a,b\r\nc,d\r\n", "<a><b>/<c><d>/", {0}},
    {"a,b,\n,c,\n", "<a><b><>/<><c><>/", {0}},
    {",", "<><>/", {0}},
    {"\"\"\n", "<>/", {0}},
    {"\"a,b\",\"c\"\"d\"\n", "<a,b><c\"d>/", {0}},
    {"\"\"\"\",\"\"\"x\"\"\"\n", "<\"><\"x\">/", {0}},
    {"\"two\nlines\r\nin\",x\ny,z\n", "<two\nlines\r\nin><x>/<y><z>/", {0}},
    {"\xef\xbb\xbf"
     "a,b\n",
     "<a><b>/",
     {0}},
    {"5\" pipe,b\"c\n", "<5\" pipe><b\"c>/", {0}},
    {"a\rb,c\n", "<a\rb><c>/", {0}},
    {"a;b,c\n", "<a><b,c>/", {.separator = ';'}},
    {"a\tb\n", "<a><b>/", {.separator = '\t'}},
    {"\"a\",b\n", "<\"a\"><b>/", {.no_quotes = true}},
    {" a ,\" b \"\n", "<a>< b >/", {.trim = true}},
    {" 00004 0001 19970101  2   29.33\r\n",
     "<00004><0001><19970101><2><29.33>/",
     {.separator = ' ', .merge = true}},
    {"a b  \r\nc  \nd", "<a><b>/<c>/<d>/", {.separator = ' ', .merge = true}},
    {"a b ", "<a><b>/", {.separator = ' ', .merge = true}},
    /* Malformed: one record is lost, the next lines are read. */
    {"a,\"b\nc,d\n", "!<c><d>/", {0}},
    {"\"a\"b,c\nd,e\n", "!<d><e>/", {0}},
    {"\"a\"\"\nb\n", "!<b>/", {0}},
    {"\"a\" ,b\n", "!", {0}},
    {"\"a\"\r,b\nc\n", "!<c>/", {0}},
    {"x\n\"a", "<x>/!", {0}},
    {"a,\"\nb,c\nd,\"e\"\n", "!<b><c>/<d><e>/", {0}},
};

START_TEST(records_of_all_shapes)
{
    fbk__buf out;

    fbk__buf_init(&out, NULL);
    fbk__buf_str(&out, "");
    flatten(inputs[_i].text, strlen(inputs[_i].text), &inputs[_i].options, &out);
    ck_assert_str_eq(out.data, inputs[_i].want);
    fbk__buf_free(&out);
}
END_TEST

START_TEST(a_nul_costs_its_record)
{
    static const fbk__csv_options none = {0};
    fbk__buf out;

    fbk__buf_init(&out, NULL);
    flatten("a,b\nc\0d,e\nf,g\n", 14, &none, &out);
    ck_assert_str_eq(out.data, "<a><b>/!<f><g>/");
    fbk__buf_free(&out);
}
END_TEST

/* A record's number and line, with lines inside quotes and blank lines before it. */
START_TEST(lines_are_counted)
{
    static const char text[] = "h\n\n\"a\nb\"\n\n\"bad\"x\nc\n";
    static const int64_t lines[] = {1, 3, 6, 7};
    static const fbk__csv_options none = {0};
    fbk__file *file = NULL;
    fbk__csv *csv = NULL;
    fbk__csv_record record;

    tk_assert_ok(&db, fbk__file_open_memory(&db, text, sizeof text - 1, &file));
    tk_assert_ok(&db, fbk__csv_open(&db, file, &none, &csv));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        tk_assert_ok(&db, fbk__csv_next(csv, &record));
        ck_assert_int_eq(record.line, lines[i]);
        ck_assert_int_eq(record.reason != NULL, i == 2);
    }
    ck_assert_int_eq(fbk__csv_next(csv, &record), FBK_DONE);
    ck_assert_int_eq(fbk__csv_next(csv, &record), FBK_DONE);
    fbk__csv_close(csv);
    fbk__file_close(file);
}
END_TEST

/* A field or a record at its limit, one byte past it, and far past it. */
START_TEST(limits_are_kept)
{
    static const struct {
        size_t field; /* bytes of each field */
        size_t n;     /* fields */
        bool quoted;
        bool good;
    } cases[] = {
        {FBK__CSV_FIELD_MAX, 1, false, true},      {FBK__CSV_FIELD_MAX + 1, 1, false, false},
        {FBK__CSV_FIELD_MAX, 1, true, true},       {FBK__CSV_FIELD_MAX + 1, 1, true, false},
        {FBK__CSV_FIELD_MAX - 1, 16, false, true}, {FBK__CSV_FIELD_MAX, 17, false, false},
        {0, FBK__CSV_FIELDS_MAX, false, true},     {0, FBK__CSV_FIELDS_MAX + 1, false, false},
        {(size_t)100 << 20, 1, false, false},      {(size_t)100 << 20, 1, true, false},
    };
    static const fbk__csv_options none = {0};
    size_t size = (cases[_i].field + 3) * cases[_i].n + 100;
    char *text = malloc(size);
    char *p = text;
    fbk__file *file = NULL;
    fbk__csv *csv = NULL;
    fbk__csv_record record;

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < cases[_i].n; i++) {
        if (i)
            *p++ = ',';
        if (cases[_i].quoted)
            *p++ = '"';
        memset(p, 'x', cases[_i].field);
        p += cases[_i].field;
        if (cases[_i].quoted)
            *p++ = '"';
    }
    memcpy(p, "\nlast\n", 6);
    p += 6;
    tk_assert_ok(&db, fbk__file_open_memory(&db, text, (size_t)(p - text), &file));
    tk_assert_ok(&db, fbk__csv_open(&db, file, &none, &csv));
    tk_assert_ok(&db, fbk__csv_next(csv, &record));
    ck_assert_int_eq(record.reason == NULL, cases[_i].good);
    ck_assert_uint_eq(record.n, cases[_i].good ? cases[_i].n : 0);
    tk_assert_ok(&db, fbk__csv_next(csv, &record));
    ck_assert_ptr_null(record.reason);
    ck_assert_uint_eq(record.n, 1);
    ck_assert_mem_eq(record.fields[0].text, "last", 4);
    ck_assert_int_eq(fbk__csv_next(csv, &record), FBK_DONE);
    fbk__csv_close(csv);
    fbk__file_close(file);
    free(text);
}
END_TEST

START_TEST(other_encodings_are_named)
{
    static const fbk__csv_options none = {0};
    fbk__file *file = NULL;
    fbk__csv *csv = NULL;
    fbk__csv_record record;

    tk_assert_ok(&db, fbk__file_open_memory(&db,
                                            "\xff\xfe"
                                            "a\0",
                                            4, &file));
    tk_assert_ok(&db, fbk__csv_open(&db, file, &none, &csv));
    tk_assert_fails(&db, FBK_EINVAL, fbk__csv_next(csv, &record));
    fbk__csv_close(csv);
    fbk__file_close(file);
}
END_TEST

/* Each allocation in turn fails: FBK_ENOMEM, and nothing is lost. */
START_TEST(out_of_memory)
{
    static const char text[] = "a,b\n\"c\",d\n";
    static const fbk__csv_options none = {0};
    fbk_status rc = FBK_ENOMEM;

    for (int64_t k = 0; rc == FBK_ENOMEM; k++) {
        tk_alloc a;
        fbk__file *file = NULL;
        fbk__csv *csv = NULL;
        fbk__csv_record record;

        tk_alloc_init(&a);
        a.fail_at = k;
        db.alloc = a.allocator;
        rc = fbk__file_open_memory(&db, text, sizeof text - 1, &file);
        if (rc == FBK_OK)
            rc = fbk__csv_open(&db, file, &none, &csv);
        while (rc == FBK_OK)
            rc = fbk__csv_next(csv, &record);
        ck_assert(rc == FBK_DONE || (rc == FBK_ENOMEM && fbk_errmsg(&db)[0]));
        fbk__csv_close(csv);
        fbk__file_close(file);
        ck_assert_int_eq(a.n_live, 0);
        ck_assert(rc == FBK_ENOMEM || k >= 5);
    }
}
END_TEST

START_TEST(real_file)
{
    const char *path = tk_data("online_retail/online_retail.csv.zst");
    static const fbk__csv_options none = {0};
    fbk__file *file = NULL;
    fbk__csv *csv = NULL;
    fbk__csv_record record;
    uint64_t done;
    uint64_t total;
    size_t bytes = 0;
    fbk_status rc;

    if (!path)
        tk_skip("online_retail is absent");
    tk_assert_ok(&db, fbk__file_open(&db, path, &file));
    tk_assert_ok(&db, fbk__csv_open(&db, file, &none, &csv));
    while ((rc = fbk__csv_next(csv, &record)) == FBK_OK) {
        ck_assert_ptr_null(record.reason);
        ck_assert_uint_eq(record.n, 8);
        for (size_t i = 0; i < record.n; i++)
            bytes += record.fields[i].len;
    }
    ck_assert_int_eq(rc, FBK_DONE);
    ck_assert_int_eq(record.number, 541910);
    ck_assert_int_eq(record.line, 541910);
    ck_assert_uint_eq(bytes, 42751085);
    fbk__file_progress(file, &done, &total);
    ck_assert_uint_eq(done, total);
    ck_assert_uint_eq(total, 3329523);
    fbk__csv_close(csv);
    fbk__file_close(file);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("csv");
    TCase *tc = tcase_create("csv");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, records_of_all_shapes, 0, (int)(sizeof inputs / sizeof inputs[0]));
    tcase_add_test(tc, a_nul_costs_its_record);
    tcase_add_test(tc, lines_are_counted);
    tcase_add_loop_test(tc, limits_are_kept, 0, 10);
    tcase_add_test(tc, other_encodings_are_named);
    tcase_add_test(tc, out_of_memory);
    tcase_add_test(tc, real_file);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
