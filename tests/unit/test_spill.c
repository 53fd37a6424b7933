/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/spill.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "support/tk.h"

static struct fbk db;

static void
setup(void)
{
    db.alloc = fbk__libc_allocator;
    fbk__err_clear(&db);
}

/* Records as the generator makes them: few keys, so that groups are large; the bytes repeat the
 * number of the record. */
static void
record_make(fbk__rng *rng, uint32_t number, uint64_t n_keys, fbk__hash128 *key, char *bytes,
            size_t *len)
{
    *key = (fbk__hash128){fbk__rng_below(rng, 3), fbk__mix64(fbk__rng_below(rng, n_keys))};
    *len = (size_t)fbk__rng_below(rng, 300);
    for (size_t i = 0; i < *len; i++)
        bytes[i] = (char)(number + i);
}

static const struct {
    uint32_t n;
    size_t budget;
    uint64_t n_keys;
    bool spills;
} cases[] = {
    {0, 1 << 20, 10, false},          {1, 1 << 20, 10, false},    {5000, 16 << 20, 40, false},
    {5000, 16 << 20, 1000000, false}, {30000, 1 << 20, 40, true}, {30000, 1 << 20, 1000000, true},
    {60000, 1 << 16, 5000, true},
};

START_TEST(order_is_by_key_then_arrival)
{
    fbk__spill *s = NULL;
    fbk__spill_record record;
    fbk__rng rng;
    fbk__hash128 *keys = calloc(cases[_i].n + 1, sizeof *keys);
    bool *seen = calloc(cases[_i].n + 1, sizeof *seen);
    char bytes[300];
    fbk__hash128 last = {0, 0};
    uint64_t last_seq = 0;
    uint32_t n = 0;
    size_t len;
    fbk_status rc;

    fbk__rng_seed(&rng, 11);
    tk_assert_ok(&db, fbk__spill_new(&db, cases[_i].budget, tk_tmpdir(), &s));
    rc = FBK_OK;
    for (uint32_t i = 0; i < cases[_i].n && rc == FBK_OK; i++) {
        record_make(&rng, i, cases[_i].n_keys, &keys[i], bytes, &len);
        rc = fbk__spill_add(s, keys[i], i, bytes, len);
    }
    tk_assert_ok(&db, rc);
    tk_assert_ok(&db, fbk__spill_sort(s));
    ck_assert_int_eq(fbk__spill_runs(s) > 0, cases[_i].spills);
    while ((rc = fbk__spill_next(s, &record)) == FBK_OK) {
        uint32_t i = (uint32_t)record.seq;
        bool same = n > 0 && record.key.hi == last.hi && record.key.lo == last.lo;

        bool good = i < cases[_i].n && !seen[i] && record.key.hi == keys[i].hi &&
                    record.key.lo == keys[i].lo && (!same || record.seq > last_seq) &&
                    (n == 0 || record.key.hi > last.hi ||
                     (record.key.hi == last.hi && record.key.lo >= last.lo));

        /* One assertion a record: Check writes a line for each. */
        for (size_t k = 0; k < record.len; k++)
            good = good && record.bytes[k] == (char)(i + k);
        if (!good)
            ck_abort_msg("record %u of %u", n, cases[_i].n);
        seen[i] = true;
        last = record.key;
        last_seq = record.seq;
        n++;
    }
    ck_assert_int_eq(rc, FBK_DONE);
    ck_assert_uint_eq(n, cases[_i].n);
    fbk__spill_free(s);
    free(keys);
    free(seen);
}
END_TEST

START_TEST(great_records_pass_through)
{
    const size_t len = 3 << 20;
    char *bytes = malloc(len);
    fbk__spill *s = NULL;
    fbk__spill_record record;

    ck_assert_ptr_nonnull(bytes);
    tk_assert_ok(&db, fbk__spill_new(&db, 1 << 20, tk_tmpdir(), &s));
    for (uint64_t i = 0; i < 5; i++) {
        memset(bytes, 'a' + (int)i, len);
        tk_assert_ok(&db, fbk__spill_add(s, (fbk__hash128){0, 9 - i}, i, bytes, len - i));
    }
    tk_assert_ok(&db, fbk__spill_sort(s));
    for (uint64_t i = 5; i-- > 0;) {
        tk_assert_ok(&db, fbk__spill_next(s, &record));
        ck_assert_uint_eq(record.seq, i);
        ck_assert_uint_eq(record.len, len - i);
        ck_assert_int_eq(record.bytes[record.len - 1], 'a' + (int)i);
    }
    ck_assert_int_eq(fbk__spill_next(s, &record), FBK_DONE);
    fbk__spill_free(s);
    free(bytes);
}
END_TEST

START_TEST(nothing_stays_on_disk)
{
    DIR *directory;
    struct dirent *entry;
    fbk__spill *s = NULL;
    char bytes[1000] = {0};

    tk_assert_ok(&db, fbk__spill_new(&db, 1 << 16, tk_tmpdir(), &s));
    for (uint64_t i = 0; i < 1000; i++)
        tk_assert_ok(&db, fbk__spill_add(s, (fbk__hash128){i, i}, i, bytes, sizeof bytes));
    ck_assert_uint_gt(fbk__spill_runs(s), 5);
    directory = opendir(tk_tmpdir());
    ck_assert_ptr_nonnull(directory);
    while ((entry = readdir(directory)) != NULL)
        ck_assert_int_eq(entry->d_name[0], '.');
    (void)closedir(directory);
    fbk__spill_free(s);
}
END_TEST

START_TEST(a_directory_that_is_none)
{
    fbk__spill *s = NULL;
    char bytes[1000] = {0};
    fbk_status rc = FBK_OK;

    tk_assert_ok(&db, fbk__spill_new(&db, 1 << 16, tk_path("absent"), &s));
    for (uint64_t i = 0; i < 1000 && rc == FBK_OK; i++)
        rc = fbk__spill_add(s, (fbk__hash128){i, i}, i, bytes, sizeof bytes);
    ck_assert_int_eq(rc, FBK_EIO);
    ck_assert_str_eq(db.err.field, "temp_dir");
    fbk__spill_free(s);
}
END_TEST

START_TEST(out_of_memory)
{
    fbk_status rc = FBK_ENOMEM;
    int64_t k = 0;

    for (; rc == FBK_ENOMEM; k++) {
        fbk__spill_record record;
        fbk__spill *s = NULL;
        char bytes[1000] = {0};
        tk_alloc a;

        tk_alloc_init(&a);
        a.fail_at = k;
        db.alloc = a.allocator;
        rc = fbk__spill_new(&db, 1 << 16, tk_tmpdir(), &s);
        for (uint64_t i = 0; i < 300 && rc == FBK_OK; i++)
            rc = fbk__spill_add(s, (fbk__hash128){i, i}, i, bytes, sizeof bytes);
        if (rc == FBK_OK)
            rc = fbk__spill_sort(s);
        while (rc == FBK_OK)
            rc = fbk__spill_next(s, &record);
        ck_assert(rc == FBK_DONE || rc == FBK_ENOMEM);
        fbk__spill_free(s);
        ck_assert_int_eq(a.n_live, 0);
    }
    ck_assert_int_gt(k, 20);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("spill");
    TCase *tc = tcase_create("spill");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, order_is_by_key_then_arrival, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tc, great_records_pass_through);
    tcase_add_test(tc, nothing_stays_on_disk);
    tcase_add_test(tc, a_directory_that_is_none);
    tcase_add_test(tc, out_of_memory);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
