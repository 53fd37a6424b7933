/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/options.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/tk.h"

static struct fbk db = {.alloc = {0}};

static void
setup(void)
{
    db.alloc = fbk__libc_allocator;
    fbk__err_clear(&db);
}

START_TEST(error_text_is_kept_and_cut)
{
    char longer[2000];
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};

    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    ck_assert_int_eq(fbk__fail_at(&db, FBK_ERANGE, "quantity_milli", 7, "%s", longer), FBK_ERANGE);
    tk_assert_ok(&db, fbk_error_info(&db, &info));
    ck_assert_int_eq(info.status, FBK_ERANGE);
    ck_assert_int_eq(info.row, 7);
    ck_assert_str_eq(info.field, "quantity_milli");
    ck_assert_uint_eq(strlen(info.message), sizeof info.message - 1);
    ck_assert_str_eq(fbk_errmsg(NULL), "");
    ck_assert_int_eq(fbk__fail(NULL, FBK_EIO, "nobody hears"), FBK_EIO);
}
END_TEST

START_TEST(callback_values_become_codes)
{
    ck_assert_int_eq(fbk__callback_status(&db, 0), FBK_OK);
    ck_assert_int_eq(fbk__callback_status(&db, FBK_ECANCELLED), FBK_ECANCELLED);
    ck_assert_int_eq(fbk__callback_status(&db, -12345), FBK_ECALLBACK);
    ck_assert_int_eq(db.err.callback_value, -12345);
}
END_TEST

typedef struct options_v1 {
    uint32_t struct_size;
    uint32_t flags;
    double penalty;
} options_v1;

typedef struct options_v2 {
    options_v1 v1;
    int64_t more;
} options_v2;

START_TEST(options_of_older_and_newer_callers)
{
    options_v2 ours;
    options_v1 old = {(uint32_t)sizeof old, 1u, 2.0};
    struct {
        options_v2 v2;
        int64_t unknown;
    } newer = {{{(uint32_t)sizeof newer, 3u, 4.0}, 5}, 0};

    tk_assert_ok(&db, fbk__options_load(&db, &ours, sizeof ours, sizeof old, NULL));
    ck_assert_uint_eq(ours.v1.struct_size, sizeof ours);
    ck_assert_int_eq(ours.more, 0);
    tk_assert_ok(&db, fbk__options_load(&db, &ours, sizeof ours, sizeof old, &old));
    ck_assert(ours.v1.penalty == 2.0 && ours.more == 0);
    tk_assert_ok(&db, fbk__options_load(&db, &ours, sizeof ours, sizeof old, &newer));
    ck_assert(ours.v1.penalty == 4.0 && ours.more == 5);
    newer.unknown = 1;
    tk_assert_fails(&db, FBK_EABI, fbk__options_load(&db, &ours, sizeof ours, sizeof old, &newer));
    old.struct_size = 8;
    tk_assert_fails(&db, FBK_EABI, fbk__options_load(&db, &ours, sizeof ours, sizeof old, &old));
    old.struct_size = 5000;
    tk_assert_fails(&db, FBK_EABI, fbk__options_load(&db, &ours, sizeof ours, sizeof old, &old));
}
END_TEST

static const struct {
    double value;
    int digits;
    const char *text;
} number_cases[] = {
    {0.0, 6, "0"},
    {-0.0, 6, "0"},
    {1.0, 6, "1"},
    {-1.5, 6, "-1.5"},
    {0.1, 17, "0.10000000000000001"},
    {0.1, 15, "0.1"},
    {100.0, 3, "100"},
    {1234567.0, 3, "1230000"},
    {0.00012, 6, "0.00012"},
    {0.00001, 6, "0.00001"},
    {0.000001, 6, "1e-06"},
    {9.99e14, 6, "999000000000000"},
    {1e15, 6, "1e+15"},
    {-1.25e-300, 6, "-1.25e-300"},
    {0.99999, 3, "1"},
    {12.3456, 4, "12.35"},
    {1.7976931348623157e308, 17, "1.7976931348623157e+308"},
    {INFINITY, 6, "null"},
    {NAN, 6, "null"},
};

START_TEST(numbers_are_printed_alike_everywhere)
{
    fbk__buf buf;

    fbk__buf_init(&buf, NULL);
    fbk__buf_double(&buf, number_cases[_i].value, number_cases[_i].digits);
    ck_assert(!buf.failed);
    ck_assert_str_eq(buf.data, number_cases[_i].text);
    fbk__buf_free(&buf);
}
END_TEST

START_TEST(varints_round_trip)
{
    static const int64_t values[] = {0, 1, -1, 63, 64, -64, -65, INT64_MAX, INT64_MIN};
    fbk__buf buf;
    fbk__reader r;

    fbk__buf_init(&buf, NULL);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        fbk__buf_svarint(&buf, values[i]);
        fbk__buf_uvarint(&buf, (uint64_t)values[i]);
    }
    ck_assert(!buf.failed);
    r = (fbk__reader){(unsigned char *)buf.data, (unsigned char *)buf.data + buf.len, false};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ck_assert_int_eq(fbk__read_svarint(&r), values[i]);
        ck_assert_uint_eq(fbk__read_uvarint(&r), (uint64_t)values[i]);
    }
    ck_assert(!r.bad && r.p == r.end);
    (void)fbk__read_uvarint(&r);
    ck_assert(r.bad);
    fbk__buf_free(&buf);
}
END_TEST

START_TEST(varint_of_eleven_bytes_is_bad)
{
    unsigned char bytes[11];
    fbk__reader r = {bytes, bytes + sizeof bytes, false};

    memset(bytes, 0xff, sizeof bytes);
    ck_assert_uint_eq(fbk__read_uvarint(&r), 0);
    ck_assert(r.bad);
    r = (fbk__reader){bytes, bytes + 3, false};
    ck_assert_ptr_null(fbk__read_bytes(&r, 4));
    ck_assert(r.bad);
}
END_TEST

START_TEST(map_holds_what_was_put)
{
    fbk__map map;
    size_t at = 0;
    size_t n = 0;
    uint64_t key;
    uint64_t value;

    fbk__map_init(&map, NULL);
    ck_assert_ptr_null(fbk__map_get(&map, 0));
    for (uint64_t i = 0; i < 10000; i++) {
        bool fresh;
        uint64_t *v = fbk__map_put(&map, i * i, &fresh);

        ck_assert(v && fresh);
        *v = i;
    }
    for (uint64_t i = 0; i < 10000; i++)
        ck_assert_uint_eq(*fbk__map_get(&map, i * i), i);
    ck_assert_ptr_null(fbk__map_get(&map, 3));
    while (fbk__map_next(&map, &at, &key, &value)) {
        ck_assert_uint_eq(key, value * value);
        n++;
    }
    ck_assert_uint_eq(n, 10000);
    fbk__map_free(&map);
}
END_TEST

START_TEST(intern_numbers_in_order)
{
    fbk__intern t;
    char text[32];
    size_t len;

    fbk__intern_init(&t, NULL, 42);
    ck_assert_uint_eq(fbk__intern_find(&t, "a", 1), FBK__INTERN_NONE);
    for (uint32_t i = 0; i < 5000; i++) {
        len = (size_t)snprintf(text, sizeof text, "%u", i);
        ck_assert_uint_eq(fbk__intern_add(&t, text, len), i);
        ck_assert_uint_eq(fbk__intern_add(&t, text, len), i);
    }
    ck_assert_uint_eq(fbk__intern_add(&t, "", 0), 5000);
    ck_assert_uint_eq(fbk__intern_find(&t, "4999", 4), 4999);
    ck_assert_uint_eq(fbk__intern_find(&t, "5000", 4), FBK__INTERN_NONE);
    ck_assert_str_eq(fbk__intern_text(&t, 123, &len), "123");
    ck_assert_uint_eq(len, 3);
    ck_assert_str_eq(fbk__intern_text(&t, 5000, &len), "");
    fbk__intern_free(&t);
}
END_TEST

START_TEST(rng_is_reproducible_and_has_its_moments)
{
    enum { N = 200000 };
    fbk__rng rng;
    double sums[5] = {0};

    fbk__rng_seed(&rng, 1);
    /* Pinned: the stream is part of the promise "same seed, same bytes". */
    ck_assert_uint_eq(fbk__rng_u64(&rng), UINT64_C(0xb3f2af6d0fc710c5));
    for (int i = 0; i < N; i++) {
        sums[0] += fbk__rng_normal(&rng);
        sums[1] += fbk__rng_gamma(&rng, 0.5);
        sums[2] += fbk__rng_beta(&rng, 2.0, 3.0);
        sums[3] += (double)fbk__rng_poisson(&rng, 3.5);
        sums[4] += (double)fbk__rng_poisson(&rng, 400.0);
    }
    ck_assert_double_eq_tol(sums[0] / N, 0.0, 0.01);
    ck_assert_double_eq_tol(sums[1] / N, 0.5, 0.01);
    ck_assert_double_eq_tol(sums[2] / N, 0.4, 0.005);
    ck_assert_double_eq_tol(sums[3] / N, 3.5, 0.02);
    ck_assert_double_eq_tol(sums[4] / N, 400.0, 0.3);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_lt(fbk__rng_below(&rng, 7), 7);
}
END_TEST

START_TEST(grow_fails_clean)
{
    tk_alloc a;
    int *array = NULL;
    size_t cap = 0;

    tk_alloc_init(&a);
    ck_assert(fbk__grow(&a.allocator, &array, &cap, 5, sizeof *array));
    a.fail_at = a.n_calls;
    ck_assert(!fbk__grow(&a.allocator, &array, &cap, 5000, sizeof *array));
    ck_assert_uint_eq(cap, 16);
    ck_assert(!fbk__grow(&a.allocator, &array, &cap, SIZE_MAX / 2, sizeof *array));
    fbk__free(&a.allocator, array);
    ck_assert_int_eq(a.n_live, 0);
}
END_TEST

START_TEST(version_agrees_with_the_headers)
{
    ck_assert_int_eq(fbk_version_number(), FBK_VERSION_NUMBER);
    ck_assert_str_eq(fbk_version_string(), FBK_VERSION_STRING);
    ck_assert_ptr_nonnull(strstr(fbk_build_info(), "sqlite: 3."));
    ck_assert_str_eq(fbk_status_name(FBK_EABI), "FBK_EABI");
    ck_assert_str_eq(fbk_status_name(-9999), "FBK_UNKNOWN");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("base");
    TCase *tc = tcase_create("base");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, error_text_is_kept_and_cut);
    tcase_add_test(tc, callback_values_become_codes);
    tcase_add_test(tc, options_of_older_and_newer_callers);
    tcase_add_loop_test(tc, numbers_are_printed_alike_everywhere, 0,
                        (int)(sizeof number_cases / sizeof number_cases[0]));
    tcase_add_test(tc, varints_round_trip);
    tcase_add_test(tc, varint_of_eleven_bytes_is_bad);
    tcase_add_test(tc, map_holds_what_was_put);
    tcase_add_test(tc, intern_numbers_in_order);
    tcase_add_test(tc, rng_is_reproducible_and_has_its_moments);
    tcase_add_test(tc, grow_fails_clean);
    tcase_add_test(tc, version_agrees_with_the_headers);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
