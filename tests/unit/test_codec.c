/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "log/bits.h"
#include "log/huff.h"
#include "support/tk.h"

enum { N = 4096 };

static fbk__codec codec;
static fbk__buf out;
static fbk__rng rng;

static void
setup(void)
{
    fbk__codec_init(&codec, NULL);
    fbk__buf_init(&out, NULL);
    fbk__rng_seed(&rng, 7);
}

static void
teardown(void)
{
    fbk__codec_free(&codec);
    fbk__buf_free(&out);
}

static fbk__reader
reader(void)
{
    return (fbk__reader){(unsigned char *)out.data, (unsigned char *)out.data + out.len, false};
}

START_TEST(bits_of_every_width_round_trip)
{
    uint64_t values[131];
    uint64_t back[131];

    for (unsigned width = 0; width <= 64; width++) {
        for (size_t n = 0; n <= 131; n += 13) {
            fbk__reader in;

            for (size_t i = 0; i < n; i++)
                values[i] = width ? fbk__rng_u64(&rng) >> (64 - width) : 0;
            fbk__buf_clear(&out);
            fbk__bits_put(&out, values, n, width);
            ck_assert_uint_eq(out.len, fbk__bits_size(n, width));
            in = reader();
            fbk__bits_get(&in, back, n, width);
            ck_assert(!in.bad && in.p == in.end);
            ck_assert(n == 0 || memcmp(values, back, n * sizeof *back) == 0);
        }
    }
}
END_TEST

/* Shapes of columns as a shop has them, and as nobody should. */
static int64_t
shape_value(int shape, size_t i, int64_t last)
{
    switch (shape) {
    case 0:
        return 42;
    case 1:
        return (int64_t)fbk__rng_u64(&rng);
    case 2: /* a shop's clock */
        return last + 1000000 * (int64_t)fbk__rng_below(&rng, 600);
    case 3: /* steady pace */
        return INT64_C(1700000000000000) + 60000000 * (int64_t)i;
    case 4: /* prices */
        return 990000 + 1000000 * (int64_t)fbk__rng_below(&rng, 40);
    case 5: /* runs */
        return i % 97 ? last : last + 1 + (int64_t)fbk__rng_below(&rng, 1000);
    case 6: /* small with outliers */
        return fbk__rng_below(&rng, 50) ? (int64_t)fbk__rng_below(&rng, 16)
                                        : (int64_t)fbk__rng_u64(&rng);
    case 7: /* both ends */
        return i % 2 ? INT64_MAX : INT64_MIN;
    case 8: /* few, far apart */
        return (int64_t)(fbk__mix64(fbk__rng_below(&rng, 30)));
    case 9: /* sorted times of many people: up, and now and then far down */
        return i % 20 ? last + (int64_t)fbk__rng_below(&rng, 1u << 30)
                      : (int64_t)fbk__rng_below(&rng, 1u << 30);
    case 10: /* quantities: some are bought far more than others */
        return 1000 *
               (int64_t)(1 + fbk__rng_below(
                                 &rng, 1 + fbk__rng_below(&rng, 1 + fbk__rng_below(&rng, 60))));
    default:
        return -(int64_t)i;
    }
}

/* Any part of what `out` holds is what the whole has there. */
static void
assert_int_parts(const int64_t *values, size_t n)
{
    static int64_t part[N];

    for (int round = 0; round < 12; round++) {
        size_t from = fbk__rng_below(&rng, n);
        size_t count = round ? fbk__rng_below(&rng, n - from + 1) : n - from;
        fbk__reader in = reader();

        tk_assert_ok(NULL, fbk__codec_get_ints_part(&codec, &in, part, n, from, count));
        ck_assert(in.p == in.end);
        ck_assert(count == 0 || memcmp(part, values + from, count * sizeof *part) == 0);
    }
}

static void
assert_string_parts(const fbk__strings *column)
{
    size_t n = column->n;
    fbk__strings part;

    fbk__strings_init(&part, NULL);
    tk_assert_ok(NULL, fbk__strings_add(&part, "before", 6));
    for (int round = 0; round < 12; round++) {
        size_t from = fbk__rng_below(&rng, n);
        size_t count = round ? fbk__rng_below(&rng, n - from + 1) : n - from;
        uint32_t len = column->offsets[from + count] - column->offsets[from];
        fbk__reader in = reader();

        part.n = 1;
        tk_assert_ok(NULL, fbk__codec_get_strings_part(&codec, &in, &part, n, from, count));
        ck_assert(in.p == in.end);
        ck_assert_uint_eq(part.n, count + 1);
        for (size_t i = 0; i <= count; i++)
            ck_assert_uint_eq(part.offsets[i + 1] - 6,
                              column->offsets[from + i] - column->offsets[from]);
        ck_assert(memcmp(part.bytes, "before", 6) == 0);
        ck_assert(len == 0 ||
                  memcmp(part.bytes + 6, column->bytes + column->offsets[from], len) == 0);
    }
    fbk__strings_free(&part);
}

START_TEST(integers_round_trip_and_shrink)
{
    /* Bytes a value that the shape needs at most. */
    static const double most[] = {0.01, 8.1, 1.5, 0.01, 0.8, 0.2, 1.2, 0.2, 0.8, 4.4, 0.68, 0.01};
    static const size_t sizes[] = {N, 1, 2, 9, 100};
    int64_t values[N];
    int64_t back[N];

    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t n = sizes[s];
        fbk__reader in;

        fbk__buf_clear(&out);
        for (size_t i = 0; i < n; i++)
            values[i] = shape_value(_i, i, i ? values[i - 1] : 0);
        tk_assert_ok(NULL, fbk__codec_put_ints(&codec, &out, values, n));
        ck_assert_uint_eq(codec.scratch_used, 0);
        in = reader();
        tk_assert_ok(NULL, fbk__codec_get_ints(&codec, &in, back, n));
        ck_assert(in.p == in.end && memcmp(values, back, n * sizeof *back) == 0);
        assert_int_parts(values, n);
        if (n == N)
            ck_assert_msg((double)out.len / N <= most[_i], "shape %d: %.3f bytes a value", _i,
                          (double)out.len / N);
    }
}
END_TEST

static size_t
string_value(int shape, size_t i, char *text)
{
    uint64_t a = fbk__rng_u64(&rng);
    uint64_t b = fbk__rng_u64(&rng);

    switch (shape) {
    case 0:
        return 0;
    case 1:
        return (size_t)sprintf(text, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32),
                               (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xffff),
                               (unsigned)(b >> 48), (unsigned long long)(b & 0xffffffffffff));
    case 2:
        return (size_t)sprintf(text, "till%u-%09zu", (unsigned)(a % 12), 100000 + i / 4);
    case 3:
        return (size_t)sprintf(text, "%s", a % 3 ? "sale" : "view");
    case 4:
        return (size_t)sprintf(text, "SKU%07u", (unsigned)(a % 5000));
    case 5: /* any bytes, any length, no pattern */
        for (size_t k = 0; k < b % 40; k++)
            text[k] = (char)fbk__rng_u64(&rng);
        return b % 40;
    case 6: /* nearly UUIDs */
        return (size_t)sprintf(text, "%08X-0000-0000-0000-%012zu", (unsigned)(a >> 32), i);
    default: /* more digits than an integer holds */
        return (size_t)sprintf(text, "%020llu%020llu", (unsigned long long)a,
                               (unsigned long long)b);
    }
}

START_TEST(strings_round_trip_and_shrink)
{
    static const double most[] = {0.01, 16.1, 2.5, 0.2, 3.0, 22.0, 12.0, 20.0};
    fbk__strings column;
    fbk__strings back;
    fbk__reader in;
    char text[64];

    fbk__strings_init(&column, NULL);
    fbk__strings_init(&back, NULL);
    for (size_t n = 0; n <= N; n = n ? n * 16 : 1) {
        fbk__buf_clear(&out);
        fbk__strings_clear(&column);
        for (size_t i = 0; i < n; i++) {
            size_t len = string_value(_i, i, text);

            tk_assert_ok(NULL, fbk__strings_add(&column, text, len));
        }
        tk_assert_ok(NULL, fbk__codec_put_strings(&codec, &out, &column));
        in = reader();
        tk_assert_ok(NULL, fbk__codec_get_strings(&codec, &in, &back, n));
        ck_assert(in.p == in.end);
        ck_assert_uint_eq(back.n, n);
        for (size_t i = 0; i < n; i++)
            ck_assert_uint_eq(back.offsets[i + 1], column.offsets[i + 1]);
        if (n && column.offsets[n])
            ck_assert(memcmp(back.bytes, column.bytes, column.offsets[n]) == 0);
        if (n)
            assert_string_parts(&column);
        if (n == N)
            ck_assert_msg((double)out.len / N <= most[_i], "shape %d: %.3f bytes a value", _i,
                          (double)out.len / N);
    }
    fbk__strings_free(&column);
    fbk__strings_free(&back);
}
END_TEST

/* Whatever bytes come: an error or values, never a read outside (the sanitizers watch). */
START_TEST(damage_is_survived)
{
    int64_t values[256];
    int64_t back[256];
    fbk__strings column;
    fbk__strings strings;
    char text[64];

    fbk__strings_init(&column, NULL);
    fbk__strings_init(&strings, NULL);
    for (size_t i = 0; i < 256; i++) {
        values[i] = shape_value(_i, i, i ? values[i - 1] : 0);
        tk_assert_ok(NULL, fbk__strings_add(&column, text, string_value(_i % 8, i, text)));
    }
    for (int kind = 0; kind < 2; kind++) {
        fbk__buf_clear(&out);
        if (kind)
            tk_assert_ok(NULL, fbk__codec_put_strings(&codec, &out, &column));
        else
            tk_assert_ok(NULL, fbk__codec_put_ints(&codec, &out, values, 256));
        for (size_t cut = 0; cut < out.len; cut++) {
            fbk__reader in = {(unsigned char *)out.data, (unsigned char *)out.data + cut, false};
            fbk_status rc = kind ? fbk__codec_get_strings(&codec, &in, &strings, 256)
                                 : fbk__codec_get_ints(&codec, &in, back, 256);

            ck_assert_int_eq(rc, FBK_ECORRUPT);
            ck_assert_uint_le(codec.scratch_used, FBK__CODEC_SCRATCH);
            codec.scratch_used = 0;
        }
        for (int round = 0; round < 3000; round++) {
            size_t at = fbk__rng_below(&rng, out.len);
            char was = out.data[at];
            fbk__reader in = reader();

            out.data[at] = (char)fbk__rng_u64(&rng);
            (void)!(kind ? fbk__codec_get_strings(&codec, &in, &strings, 256)
                         : fbk__codec_get_ints(&codec, &in, back, 256));
            in = reader();
            fbk__strings_clear(&strings);
            (void)!(kind ? fbk__codec_get_strings_part(&codec, &in, &strings, 256, 100, 56)
                         : fbk__codec_get_ints_part(&codec, &in, back, 256, 100, 56));
            out.data[at] = was;
            ck_assert_uint_eq(codec.scratch_used, 0);
        }
    }
    fbk__strings_free(&column);
    fbk__strings_free(&strings);
}
END_TEST

/* Codes of any counts, however steep, read back; lengths that are no code are refused. */
START_TEST(huffman_codes_round_trip)
{
    static int64_t numbers[N];
    static int64_t back[N];
    uint8_t lengths[FBK__HUFF_SYMBOLS];

    for (unsigned k = 2; k <= FBK__HUFF_SYMBOLS; k = k < 20 ? k + 1 : k * 2) {
        uint32_t counts[FBK__HUFF_SYMBOLS] = {0};
        uint32_t last = 1;
        fbk__reader in;

        for (unsigned s = 0; s < k; s++) { /* as bad as it gets: Fibonacci's */
            counts[s] = s < 2 ? 1 : s < 40 ? last + counts[s - 2] : 1u << s % 20;
            last = counts[s];
        }
        fbk__huff_lengths(counts, k, lengths);
        for (size_t i = 0; i < N; i++)
            numbers[i] = (int64_t)fbk__rng_below(&rng, k);
        fbk__buf_clear(&out);
        fbk__huff_put(&out, numbers, N, lengths, k);
        in = reader();
        ck_assert(fbk__huff_get(&in, back, N, lengths, k));
        ck_assert(in.p == in.end && memcmp(numbers, back, sizeof back) == 0);
        for (size_t cut = 0; cut < out.len; cut += 7) {
            in = reader();
            in.end = in.p + cut;
            ck_assert(!fbk__huff_get(&in, back, N, lengths, k));
        }
        lengths[k - 1]++;
        in = reader();
        ck_assert(!fbk__huff_get(&in, back, N, lengths, k));
    }
}
END_TEST

START_TEST(a_bomb_is_refused)
{
    static char zeros[1 << 20];
    fbk__buf back;
    fbk__reader in;

    fbk__buf_init(&back, NULL);
    tk_assert_ok(NULL, fbk__codec_put_bytes(&codec, &out, zeros, sizeof zeros));
    ck_assert_uint_lt(out.len, 200);
    in = reader();
    ck_assert_int_eq(fbk__codec_get_bytes(&codec, &in, &back, sizeof zeros - 1), FBK_ECORRUPT);
    in = reader();
    tk_assert_ok(NULL, fbk__codec_get_bytes(&codec, &in, &back, sizeof zeros));
    ck_assert_uint_eq(back.len, sizeof zeros);
    fbk__buf_free(&back);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    tk_alloc a;
    int64_t values[600];
    fbk__strings column;
    char text[64];
    int64_t k = 0;

    tk_alloc_init(&a);
    fbk__strings_init(&column, NULL);
    for (size_t i = 0; i < 600; i++) {
        values[i] = shape_value(8, i, 0);
        tk_assert_ok(NULL, fbk__strings_add(&column, text, string_value(2, i, text)));
    }
    for (;; k++) {
        fbk__codec c;
        fbk__buf bytes;
        fbk__strings strings;
        fbk__reader in;
        fbk_status rc;

        a.n_calls = 0;
        a.fail_at = k;
        fbk__codec_init(&c, &a.allocator);
        fbk__buf_init(&bytes, &a.allocator);
        fbk__strings_init(&strings, &a.allocator);
        rc = fbk__codec_put_ints(&c, &bytes, values, 600);
        if (rc >= 0)
            rc = fbk__codec_put_strings(&c, &bytes, &column);
        in = (fbk__reader){(unsigned char *)bytes.data, (unsigned char *)bytes.data + bytes.len, 0};
        if (rc >= 0)
            rc = fbk__codec_get_ints(&c, &in, values, 600);
        if (rc >= 0)
            rc = fbk__codec_get_strings(&c, &in, &strings, 600);
        in = (fbk__reader){(unsigned char *)bytes.data, (unsigned char *)bytes.data + bytes.len, 0};
        if (rc >= 0)
            rc = fbk__codec_get_ints_part(&c, &in, values, 600, 7, 100);
        fbk__strings_free(&strings);
        fbk__buf_free(&bytes);
        fbk__codec_free(&c);
        ck_assert_int_eq(a.n_live, 0);
        if (rc >= 0)
            break;
        ck_assert_int_eq(rc, FBK_ENOMEM);
    }
    ck_assert_int_gt(k, 10);
    fbk__strings_free(&column);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("codec");
    TCase *tc = tcase_create("codec");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, bits_of_every_width_round_trip);
    tcase_add_loop_test(tc, integers_round_trip_and_shrink, 0, 12);
    tcase_add_loop_test(tc, strings_round_trip_and_shrink, 0, 8);
    tcase_add_loop_test(tc, damage_is_survived, 0, 12);
    tcase_add_test(tc, huffman_codes_round_trip);
    tcase_add_test(tc, a_bomb_is_refused);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
