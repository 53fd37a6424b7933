/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/json.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/rng.h"
#include "support/tk.h"

static struct fbk db;
static fbk__intern names;

static void
setup(void)
{
    static const char *const wanted[] = {"id",        "at",      "customer.email",  "customer.age",
                                         "items.sku", "items.n", "items.price.eur", "b"};

    db.alloc = fbk__libc_allocator;
    fbk__err_clear(&db);
    fbk__intern_init(&names, NULL, 1);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        ck_assert_uint_eq(fbk__intern_add(&names, wanted[i], strlen(wanted[i])), i);
}

static void
teardown(void)
{
    fbk__intern_free(&names);
}

static void
row_text(const fbk__cell *cells, fbk__buf *out)
{
    for (uint32_t i = 0; i < names.n; i++) {
        if (!cells[i].text)
            continue;
        fbk__buf_str(out, fbk__intern_text(&names, i, NULL));
        fbk__buf_add(out, &"0='#?"[cells[i].kind], 1);
        if (cells[i].kind != FBK__CELL_NONE)
            fbk__buf_add(out, cells[i].text, cells[i].len);
        fbk__buf_str(out, " ");
    }
    fbk__buf_str(out, "|");
}

/* The whole input in one line: rows ended by '|', records by '/', refused lines as '!'. */
static fbk_status
flatten(const char *text, size_t len, fbk__buf *out)
{
    fbk__file *file = NULL;
    fbk__json *json = NULL;
    fbk__json_record record;
    const fbk__cell *cells;
    fbk_status rc = fbk__file_open_memory(&db, text, len, &file);

    if (rc == FBK_OK)
        rc = fbk__json_open(&db, file, &names, "items", &json);
    while (rc == FBK_OK && (rc = fbk__json_next(json, &record)) == FBK_OK) {
        if (record.reason) {
            fbk__buf_str(out, "!");
            continue;
        }
        while ((rc = fbk__json_row(json, &cells)) == FBK_OK)
            row_text(cells, out);
        ck_assert_int_eq(rc, FBK_DONE);
        rc = FBK_OK;
        fbk__buf_str(out, "/");
    }
    fbk__json_close(json);
    fbk__file_close(file);
    return rc;
}

static const struct {
    const char *text;
    const char *want;
} inputs[] = {
    {"", ""},
    {"\n \n\t\r\n", ""},
    {"{}", "|/"},
    {"{\"id\":\"a\",\"at\":12,\"b\":true}\n", "id=a at'12 b#true |/"},
    {" { \"id\" : null , \"b\" : false } \r\n", "id0 b#false |/"},
    {"{\"customer\":{\"email\":\"x@y\",\"age\":7.50,\"other\":[1,{\"id\":2}]}}",
     "customer.email=x@y customer.age'7.50 |/"},
    {"{\"customer.email\":\"dotted\"}", "customer.email=dotted |/"},
    {"{\"at\":-0.1e+5,\"b\":123456789012345678901234567890.10}",
     "at'-0.1e+5 b'123456789012345678901234567890.10 |/"},
    {"{\"id\":1,\"items\":[{\"sku\":\"p\",\"n\":2},{\"sku\":\"q\",\"price\":{\"eur\":1.10}}],\"at\":3}",
     "id'1 at'3 items.sku=p items.n'2 |id'1 at'3 items.sku=q items.price.eur'1.10 |/"},
    {"{\"items\":[],\"id\":1}", "id'1 |/"},
    {"{\"items\":7,\"id\":1}", "id'1 |/"},
    {"{\"items\":[{}],\"id\":1}", "id'1 |/"},
    {"{\"id\":\"\\u00e9\\n\\\"\\\\\\/ \\ud83d\\uded2\",\"b\":\"\\t\"}",
     "id=\xc3\xa9\n\"\\/ \xf0\x9f\x9b\x92 b=\t |/"},
    {"{\"i\\u0064\":1}", "id'1 |/"},
    {"{\"x\":{\"items\":[1,2]},\"id\":1}", "id'1 |/"},
    {"{\"id\":1}\n{\"id\":2}", "id'1 |/id'2 |/"},
    {"\xef\xbb\xbf{\"id\":1}", "id'1 |/"},
    {"{\"id\":1,\"items\":[{\"sku\":\"\\u0041\"},{\"sku\":\"\\u0042\\u0043\"}],\"b\":\"\\u0044\"}",
     "id'1 items.sku=A b=D |id'1 items.sku=BC b=D |/"},
    /* Refused, one line each. */
    {"[1]", "!"},
    {"17", "!"},
    {"{\"id\":1", "!"},
    {"{\"id\":1}}", "!"},
    {"{\"id\":1} {\"id\":2}", "!"},
    {"{\"id\":1,}", "!"},
    {"{,}", "!"},
    {"{id:1}", "!"},
    {"{'id':1}", "!"},
    {"{\"id\" 1}", "!"},
    {"{\"id\":}", "!"},
    {"{\"id\":01}", "!"},
    {"{\"id\":1.}", "!"},
    {"{\"id\":.5}", "!"},
    {"{\"id\":1e}", "!"},
    {"{\"id\":+1}", "!"},
    {"{\"id\":-}", "!"},
    {"{\"id\":NaN}", "!"},
    {"{\"id\":tru}", "!"},
    {"{\"id\":\"a}", "!"},
    {"{\"id\":\"\\x\"}", "!"},
    {"{\"id\":\"\\u12\"}", "!"},
    {"{\"id\":\"\\ud800\"}", "!"},
    {"{\"id\":\"\\udc00\"}", "!"},
    {"{\"id\":\"\\ud800\\u0041\"}", "!"},
    {"{\"id\":\"\\u0000\"}", "!"},
    {"{\"id\":\"a\tb\"}", "!"},
    {"{\"id\":\"\xff\"}", "!"},
    {"{\"id\":[1]}", "!"},
    {"{\"id\":{}}", "!"},
    {"{\"id\":1,\"id\":1}", "!"},
    {"{\"items\":[{\"sku\":1,\"sku\":1}]}", "!"},
    {"{\"items\":[1]}", "!"},
    {"{\"items\":[{}],\"items\":[{}]}", "!"},
    {"{\"items\":[{\"sku\":1}", "!"},
    {"{\"items\":[{\"sku\":1},]}", "!"},
    {"{\"id\":1}\n{\"id\":\n{\"id\":3}", "id'1 |/!id'3 |/"},
};

START_TEST(lines_of_all_shapes)
{
    fbk__buf out;

    fbk__buf_init(&out, NULL);
    fbk__buf_str(&out, "");
    ck_assert_int_eq(flatten(inputs[_i].text, strlen(inputs[_i].text), &out), FBK_DONE);
    ck_assert_str_eq(out.data, inputs[_i].want);
    fbk__buf_free(&out);
}
END_TEST

/* 32 levels are read, 33 are not; a million cost nothing. */
START_TEST(depth_is_limited)
{
    static const struct {
        size_t depth; /* arrays inside the object */
        bool good;
    } cases[] = {{FBK__JSON_DEPTH_MAX - 1, true}, {FBK__JSON_DEPTH_MAX, false}, {1000000, false}};
    size_t depth = cases[_i].depth;
    char *text = malloc(2 * depth + 100);
    fbk__buf out;
    size_t n = 0;

    ck_assert_ptr_nonnull(text);
    n += (size_t)sprintf(text, "{\"id\":1,\"x\":");
    memset(text + n, '[', depth);
    memset(text + n + depth, ']', depth);
    n += 2 * depth;
    n += (size_t)sprintf(text + n, "}\n{\"id\":2}");
    fbk__buf_init(&out, NULL);
    ck_assert_int_eq(flatten(text, n, &out), FBK_DONE);
    ck_assert_str_eq(out.data, cases[_i].good ? "id'1 |/id'2 |/" : "!id'2 |/");
    fbk__buf_free(&out);
    free(text);
}
END_TEST

/* A line at its limit, past it, and of 100 MB: it is refused, and the next one read. */
START_TEST(length_is_limited)
{
    static const struct {
        size_t len;
        bool good;
    } cases[] = {{FBK__JSON_LINE_MAX - 1, true},
                 {FBK__JSON_LINE_MAX + 1, false},
                 {(size_t)100 << 20, false}};
    size_t len = cases[_i].len;
    char *text = malloc(len + 100);
    fbk__buf out;

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', len);
    memcpy(text, "{\"id\":1,\"x\":\"", 13);
    memcpy(text + len - 2, "\"}\n{\"id\":2}", 11);
    fbk__buf_init(&out, NULL);
    ck_assert_int_eq(flatten(text, len + 9, &out), FBK_DONE);
    ck_assert_str_eq(out.data, cases[_i].good ? "id'1 |/id'2 |/" : "!id'2 |/");
    fbk__buf_free(&out);
    free(text);
}
END_TEST

/* Random bytes put into good lines: we accept a line exactly when jansson does, but for what we
 * refuse on purpose (depth and repeated or nested wanted names, which the lines cannot have). */
START_TEST(agrees_with_jansson)
{
    static const char line[] =
        "{\"q\":1.5,\"r\":[true,null,\"\\u00e9x\"],\"s\":{\"t\":\"\xc3\xa9\",\"u\":-0}}";
    static const char bytes[] = "{}[]:,\"\\u0e-+.1ntf \xc3\x80\t";
    fbk__rng rng;
    int good = 0;

    fbk__rng_seed(&rng, 20);
    for (int round = 0; round < 30000; round++) {
        char text[sizeof line];
        json_t *tree;
        fbk__buf out;
        bool ours;

        memcpy(text, line, sizeof line);
        for (uint64_t k = fbk__rng_below(&rng, 3) + 1; k > 0; k--)
            text[fbk__rng_below(&rng, sizeof line - 1)] =
                bytes[fbk__rng_below(&rng, sizeof bytes - 1)];
        fbk__buf_init(&out, NULL);
        fbk__buf_str(&out, "");
        ck_assert_int_eq(flatten(text, sizeof line - 1, &out), FBK_DONE);
        ours = strcmp(out.data, "|/") == 0;
        ck_assert(ours || strcmp(out.data, "!") == 0);
        fbk__buf_free(&out);
        tree = json_loadb(text, sizeof line - 1, 0, NULL);
        if (ours != json_is_object(tree))
            ck_abort_msg("%s: ours %d, jansson %d", text, ours, tree != NULL);
        good += ours;
        json_decref(tree);
    }
    ck_assert_int_gt(good, 300);
}
END_TEST

START_TEST(out_of_memory)
{
    static const char text[] = "{\"id\":\"\\u0041\",\"items\":[{\"sku\":\"\\u0042\"}]}\n";
    fbk_status rc = FBK_ENOMEM;

    for (int64_t k = 0; rc == FBK_ENOMEM; k++) {
        tk_alloc a;
        fbk__buf out;

        tk_alloc_init(&a);
        a.fail_at = k;
        db.alloc = a.allocator;
        fbk__buf_init(&out, NULL);
        rc = flatten(text, sizeof text - 1, &out);
        ck_assert(rc == FBK_DONE || (rc == FBK_ENOMEM && fbk_errmsg(&db)[0]));
        fbk__buf_free(&out);
        ck_assert_int_eq(a.n_live, 0);
        ck_assert(rc == FBK_ENOMEM || k >= 6);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("json");
    TCase *tc = tcase_create("json");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, lines_of_all_shapes, 0, (int)(sizeof inputs / sizeof inputs[0]));
    tcase_add_loop_test(tc, depth_is_limited, 0, 3);
    tcase_add_loop_test(tc, length_is_limited, 0, 3);
    tcase_add_test(tc, agrees_with_jansson);
    tcase_add_test(tc, out_of_memory);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
