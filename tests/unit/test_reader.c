/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "base/rng.h"
#include "support/tk.h"

static struct fbk db;

static void
setup(void)
{
    db.alloc = fbk__libc_allocator;
    fbk__err_clear(&db);
}

/* Lines of digits that zstd cannot make vanish. */
static char *
sample(size_t len)
{
    char *text = malloc(len);
    fbk__rng rng;

    ck_assert_ptr_nonnull(text);
    fbk__rng_seed(&rng, 7);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(i % 61 == 60 ? '\n' : 'a' + (char)fbk__rng_below(&rng, 10));
    return text;
}

static fbk_status
read_all(fbk__file *file, size_t chunk, char *to, size_t *out_len)
{
    size_t n;
    fbk_status rc;

    *out_len = 0;
    while ((rc = fbk__file_read(file, to + *out_len, chunk, &n)) == FBK_OK && n > 0)
        *out_len += n;
    return rc;
}

START_TEST(plain_and_zstd_give_the_same)
{
    static const size_t sizes[] = {0, 1, 3, 4, 5, 1000, 131072, 131073, 3000000};
    const size_t len = sizes[_i];
    char *text = sample(len + 1);
    char *packed = malloc(2 * ZSTD_compressBound(len) + 64);
    char *back = malloc(2 * len + 1000);
    size_t n = ZSTD_compress(packed, ZSTD_compressBound(len), text, len, 1);
    size_t m = ZSTD_compress(packed + n, ZSTD_compressBound(len), text, len, 19);

    ck_assert(!ZSTD_isError(n) && !ZSTD_isError(m));
    for (int two = 0; two < 3; two++) {
        const char *bytes = two ? packed : text;
        size_t bytes_len = two == 0 ? len : two == 1 ? n : n + m;
        fbk__file *file = NULL;
        uint64_t done;
        uint64_t total;
        size_t got;

        tk_assert_ok(&db, fbk__file_open_memory(&db, bytes, bytes_len, &file));
        tk_assert_ok(&db, read_all(file, 1000, back, &got));
        ck_assert_uint_eq(got, two == 2 ? 2 * len : len);
        ck_assert(len == 0 || memcmp(back, text, len) == 0);
        ck_assert(two < 2 || len == 0 || memcmp(back + len, text, len) == 0);
        fbk__file_progress(file, &done, &total);
        ck_assert_uint_eq(done, bytes_len);
        ck_assert_uint_eq(total, bytes_len);
        fbk__file_close(file);
    }
    free(text);
    free(packed);
    free(back);
}
END_TEST

/* Cut off anywhere, a zstd file gives a failure and never a shorter text. */
START_TEST(truncated_zstd_fails)
{
    const size_t len = 5000;
    char *text = sample(len);
    char *packed = malloc(ZSTD_compressBound(len));
    char *back = malloc(len + 1000);
    size_t n = ZSTD_compress(packed, ZSTD_compressBound(len), text, len, 3);

    for (size_t cut = 4; cut < n; cut += 7) {
        fbk__file *file = NULL;
        size_t got;

        tk_assert_ok(&db, fbk__file_open_memory(&db, packed, cut, &file));
        tk_assert_fails(&db, FBK_EINVAL, read_all(file, 1000, back, &got));
        ck_assert(memcmp(back, text, got) == 0);
        ck_assert_int_eq(fbk__file_read(file, back, 10, &got), FBK_EINVAL);
        fbk__file_close(file);
    }
    free(text);
    free(packed);
    free(back);
}
END_TEST

START_TEST(damaged_zstd_fails)
{
    const size_t len = 5000;
    char *text = sample(len);
    char *packed = malloc(ZSTD_compressBound(len));
    char *back = malloc((size_t)1 << 20);
    ZSTD_CCtx *cctx = ZSTD_createCCtx();
    fbk__file *file = NULL;
    size_t got;
    size_t n;

    (void)ZSTD_CCtx_setParameter(cctx, ZSTD_c_checksumFlag, 1);
    n = ZSTD_compress2(cctx, packed, ZSTD_compressBound(len), text, len);
    packed[n / 2] ^= 0x10;
    tk_assert_ok(&db, fbk__file_open_memory(&db, packed, n, &file));
    tk_assert_fails(&db, FBK_EINVAL, read_all(file, 1000, back, &got));
    fbk__file_close(file);
    (void)ZSTD_freeCCtx(cctx);
    free(text);
    free(packed);
    free(back);
}
END_TEST

/* A frame of window 2^27 is refused before its memory is asked for. */
START_TEST(great_windows_are_refused)
{
    const size_t len = 100000;
    char *text = sample(len);
    char *packed = malloc(ZSTD_compressBound(len) + 1000);
    ZSTD_CCtx *cctx = ZSTD_createCCtx();
    ZSTD_outBuffer out = {packed, ZSTD_compressBound(len) + 1000, 0};
    ZSTD_inBuffer in = {text, len, 0};
    fbk__file *file = NULL;
    char back[1000];
    size_t n;

    (void)ZSTD_CCtx_setParameter(cctx, ZSTD_c_windowLog, 27);
    (void)ZSTD_CCtx_setParameter(cctx, ZSTD_c_contentSizeFlag, 0);
    ck_assert_uint_eq(ZSTD_compressStream2(cctx, &out, &in, ZSTD_e_flush), 0);
    tk_assert_ok(&db, fbk__file_open_memory(&db, packed, out.pos, &file));
    tk_assert_fails(&db, FBK_ETOOBIG, fbk__file_read(file, back, sizeof back, &n));
    ck_assert_ptr_nonnull(strstr(fbk_errmsg(&db), "32 MiB"));
    fbk__file_close(file);
    (void)ZSTD_freeCCtx(cctx);
    free(text);
    free(packed);
}
END_TEST

START_TEST(files_that_are_none)
{
    fbk__file *file = NULL;

    tk_assert_fails(&db, FBK_ENOTFOUND, fbk__file_open(&db, tk_path("absent.csv"), &file));
    tk_assert_fails(&db, FBK_EINVAL, fbk__file_open(&db, tk_tmpdir(), &file));
    ck_assert_ptr_null(file);
}
END_TEST

START_TEST(lines_are_skipped_in_bounded_memory)
{
    const size_t len = (size_t)40 << 20;
    char *text = malloc(len);
    fbk__file *file = NULL;
    fbk__feed feed;

    memset(text, 'x', len);
    text[10] = '\n';
    memcpy(text + len - 4, "\nend", 4);
    tk_assert_ok(&db, fbk__file_open_memory(&db, text, len, &file));
    fbk__feed_init(&feed, NULL, file, (size_t)1 << 20);
    tk_assert_ok(&db, fbk__feed_skip_line(&feed));
    ck_assert_uint_eq(feed.start, 11);
    tk_assert_ok(&db, fbk__feed_skip_line(&feed));
    ck_assert_uint_le(feed.cap, (size_t)1 << 20);
    ck_assert_uint_eq(feed.len - feed.start, 3);
    ck_assert_mem_eq(feed.data + feed.start, "end", 3);
    tk_assert_ok(&db, fbk__feed_skip_line(&feed));
    ck_assert(feed.at_end && feed.start == feed.len);
    fbk__feed_free(&feed);
    fbk__file_close(file);
    free(text);
}
END_TEST

START_TEST(stem_of_a_path)
{
    static const char *const stems[][2] = {{"/x/online_retail.csv.zst", "online_retail"},
                                           {"plain", "plain"},
                                           {"a/.hidden.csv", ".hidden"},
                                           {"/x/", ""}};
    const char *text;
    size_t len;

    fbk__file_stem(stems[_i][0], &text, &len);
    ck_assert_uint_eq(len, strlen(stems[_i][1]));
    ck_assert(memcmp(text, stems[_i][1], len) == 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("reader");
    TCase *tc = tcase_create("reader");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, plain_and_zstd_give_the_same, 0, 9);
    tcase_add_test(tc, truncated_zstd_fails);
    tcase_add_test(tc, damaged_zstd_fails);
    tcase_add_test(tc, great_windows_are_refused);
    tcase_add_test(tc, files_that_are_none);
    tcase_add_test(tc, lines_are_skipped_in_bounded_memory);
    tcase_add_loop_test(tc, stem_of_a_path, 0, 4);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
