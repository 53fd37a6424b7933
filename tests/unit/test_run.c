/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "store/conn.h"
#include "store/stmt.h"
#include "support/tk.h"
#include "support/tk_log.h"

enum { N_HASHED = 20000, N_COUNTED = 30000 };

static fbk_store *store;
static fbk *db;
static fbk__codec codec;
static fbk__run_block *block;
static fbk__rng rng;

static void
setup(void)
{
    store = tk_store_open(":memory:", NULL);
    db = tk_store_connect(store);
    fbk__codec_init(&codec, NULL);
    block = calloc(1, sizeof *block);
    ck_assert_ptr_nonnull(block);
    fbk__rng_seed(&rng, 5);
}

static void
teardown(void)
{
    free(block);
    fbk__codec_free(&codec);
    fbk_close(db);
    fbk_store_close(store);
}

static bool
may_have(const fbk__run *run, fbk__key key)
{
    return fbk__run_may_have(run, key, fbk__probe_of(key));
}

static int
ascending(const void *x, const void *y)
{
    return fbk__key_compare(*(const fbk__key *)x, *(const fbk__key *)y);
}

static fbk__run *
write_run(fbk__key *keys, size_t n)
{
    fbk__run_writer *w = calloc(1, sizeof *w);
    fbk__run *run = NULL;

    qsort(keys, n, sizeof *keys, ascending);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__run_begin(db, FBK__RUN_IDS, 0, 1, n, w));
    for (size_t i = 0; i < n; i++)
        tk_assert_ok(db, fbk__run_add(db, w, keys[i], (uint32_t)(keys[i].hi >> 40)));
    tk_assert_ok(db, fbk__run_end(db, w));
    tk_assert_ok(db, fbk__run_load(db, w->id, &run));
    tk_assert_ok(db, fbk__run_load_filter(db, run));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    fbk__run_writer_free(w);
    free(w);
    return run;
}

static fbk_status
find(const fbk__run *run, fbk__key key)
{
    uint32_t value = 0;
    fbk_status rc = fbk__read_begin(db);

    if (rc >= 0)
        rc = fbk__run_find(db, &codec, run, key, block, &value);
    fbk__read_end(db);
    if (rc == FBK_OK)
        ck_assert_uint_eq(value, (uint32_t)(key.hi >> 40));
    return rc;
}

static fbk__key
random_id(void)
{
    char id[40];

    (void)snprintf(id, sizeof id, "%016llx-%016llxq", (unsigned long long)fbk__rng_u64(&rng),
                   (unsigned long long)fbk__rng_u64(&rng));
    return fbk__key_of_id(id, strlen(id));
}

static fbk__key
counted_id(uint32_t till, uint32_t n)
{
    char id[40];

    (void)snprintf(id, sizeof id, "till%u-%09u", till, n);
    return fbk__key_of_id(id, strlen(id));
}

START_TEST(random_keys_are_found_and_others_are_not)
{
    static fbk__key keys[N_HASHED];
    uint32_t maybe = 0;
    fbk__run *run;

    for (size_t i = 0; i < N_HASHED; i++)
        keys[i] = random_id();
    run = write_run(keys, N_HASHED);
    ck_assert_uint_eq(run->n_keys, N_HASHED);
    ck_assert_uint_eq(run->n_ranges, 0);
    for (size_t i = 0; i < N_HASHED; i++) {
        fbk__key other = random_id();

        ck_assert(may_have(run, keys[i]));
        ck_assert_int_eq(find(run, keys[i]), FBK_OK);
        maybe += may_have(run, other);
        ck_assert_int_eq(find(run, other), FBK_DONE);
    }
    ck_assert_uint_lt(maybe, N_HASHED / 25);
    /* 84 bits a key, of which a sorted run saves some 13; the filter; and 10 bits of value. */
    ck_assert_uint_lt(run->bytes, N_HASHED * 12);
    fbk__run_unref(run);
}
END_TEST

START_TEST(counted_keys_cost_next_to_nothing)
{
    static fbk__key keys[N_COUNTED + N_HASHED / 10];
    size_t n = 0;
    fbk__run *run;

    /* One till has a gap, one a single id. */
    for (uint32_t i = 0; i < N_COUNTED; i++)
        keys[n++] = counted_id(i % 16, i % 16 == 3 && i > N_COUNTED / 2 ? i / 16 + 100 : i / 16);
    keys[n++] = counted_id(99, 5);
    run = write_run(keys, n);
    ck_assert_uint_eq(run->n_ranges, 17);
    ck_assert_uint_lt(run->bytes, N_COUNTED / 8);
    for (size_t i = 0; i < n; i++) {
        ck_assert(may_have(run, keys[i]));
        ck_assert_int_eq(find(run, keys[i]), FBK_OK);
    }
    for (uint32_t i = 0; i < 50; i++) {
        ck_assert(!may_have(run, counted_id(3, N_COUNTED / 32 + 2 + i)));
        ck_assert(!may_have(run, counted_id(7, N_COUNTED / 16 + i)));
        ck_assert_int_eq(find(run, counted_id(7, N_COUNTED / 16 + i)), FBK_DONE);
    }
    fbk__run_unref(run);
    /* With random ones among them, few enough that the filter is folded. */
    while (n < sizeof keys / sizeof keys[0])
        keys[n++] = random_id();
    run = write_run(keys, n);
    ck_assert_uint_eq(run->n_ranges, 17);
    ck_assert_uint_lt(run->n_filter, 50);
    for (size_t i = 0; i < n; i++) {
        ck_assert(may_have(run, keys[i]));
        ck_assert_int_eq(find(run, keys[i]), FBK_OK);
    }
    fbk__run_unref(run);
}
END_TEST

START_TEST(a_block_fills_a_page)
{
    static fbk__key keys[N_HASHED];
    fbk__stmt *st = NULL;
    int64_t blocks = 0;
    int64_t bytes = 0;
    fbk__run *run;

    for (size_t i = 0; i < N_HASHED; i++)
        keys[i] = random_id();
    run = write_run(keys, N_HASHED);
    tk_assert_ok(db, fbk__read_begin(db));
    tk_assert_ok(db, fbk__stmt_get(db,
                                   "SELECT count(*), sum(length(bytes)), max(length(bytes)) "
                                   "FROM log_run_chunk WHERE (id & 0xffffffff) < 0x60000000",
                                   &st));
    ck_assert_int_eq(fbk__step(st), FBK_OK);
    blocks = fbk__column_int64(st, 0);
    bytes = fbk__column_int64(st, 1);
    ck_assert_int_le(fbk__column_int64(st, 2), 4048);
    fbk__stmt_put(st);
    fbk__read_end(db);
    ck_assert_int_eq(blocks, run->n_blocks);
    ck_assert_int_gt(bytes, (blocks - 1) * 3900);
    fbk__run_unref(run);
}
END_TEST

START_TEST(what_is_forgotten_is_gone_alone)
{
    static fbk__key keys[5000];
    fbk__run *run;

    for (size_t i = 0; i < 5000; i++)
        keys[i] = random_id();
    run = write_run(keys, 5000);
    tk_assert_ok(db, fbk__write_begin(db));
    for (size_t i = 0; i < 5000; i += 50)
        tk_assert_ok(db, fbk__run_forget(db, &codec, run, keys[i], block));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    for (size_t i = 0; i < 5000; i++)
        ck_assert_int_eq(find(run, keys[i]), i % 50 ? FBK_OK : FBK_DONE);
    fbk__run_unref(run);
}
END_TEST

/* Any byte of any row: an error, or the same answers. */
START_TEST(damage_is_noticed)
{
    static fbk__key keys[3000];
    fbk__run *run;
    char sql[200];

    for (size_t i = 0; i < 3000; i++)
        keys[i] = i < 2000 ? random_id() : counted_id(1, (uint32_t)i);
    run = write_run(keys, 3000);
    for (int round = 0; round < 100; round++) {
        fbk__run *damaged = NULL;
        fbk_status rc;

        (void)snprintf(sql, sizeof sql,
                       "UPDATE log_run_chunk SET bytes = CAST(substr(bytes, 1, %d) || x'%02x' || "
                       "substr(bytes, %d) AS BLOB) WHERE id = (SELECT id FROM log_run_chunk "
                       "ORDER BY id LIMIT 1 OFFSET %d)",
                       round * 7, round, round * 7 + 2, round % 6);
        tk_assert_ok(db, fbk__write_begin(db));
        tk_assert_ok(db, fbk__exec(db, sql));
        rc = fbk__run_load(db, run->id, &damaged);
        if (rc >= 0)
            rc = fbk__run_load_filter(db, damaged);
        block->run = 0;
        for (size_t i = 0; rc >= 0 && i < 3000; i += 10) {
            uint32_t value;

            rc = fbk__run_find(db, &codec, damaged, keys[i], block, &value);
            ck_assert(rc < 0 || rc == FBK_OK);
        }
        ck_assert(rc == FBK_OK || rc == FBK_ECORRUPT);
        fbk__run_unref(damaged);
        tk_assert_fails(db, FBK_ECANCELLED, fbk__write_end(db, FBK_ECANCELLED));
    }
    fbk__run_unref(run);
}
END_TEST

/* Hashes, counters, and both; equal keys stay as they came. */
START_TEST(keys_come_into_their_order)
{
    enum { N = 5000 };
    fbk__key *keys = calloc(N, sizeof *keys);
    fbk__sort_item *items = calloc(N, sizeof *items);

    ck_assert(keys && items);
    for (int i = 0; i < N; i++) {
        uint64_t r = fbk__rng_u64(&rng);
        bool counter = _i == 1 || (_i == 2 && r % 2);

        keys[i] = counter ? (fbk__key){42 + r % 3, r >> 40 & 0x3ff} : (fbk__key){r, r & 0xf};
        items[i] = (fbk__sort_item){0, (uint32_t)i, 0};
    }
    ck_assert(fbk__keys_order(NULL, keys, items, N));
    for (int i = 1; i < N; i++) {
        int order = fbk__key_compare(keys[items[i - 1].row], keys[items[i].row]);

        ck_assert_int_le(order, 0);
        if (order == 0)
            ck_assert_uint_lt(items[i - 1].row, items[i].row);
    }
    free(keys);
    free(items);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("run");
    TCase *tc = tcase_create("run");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, random_keys_are_found_and_others_are_not);
    tcase_add_test(tc, counted_keys_cost_next_to_nothing);
    tcase_add_test(tc, a_block_fills_a_page);
    tcase_add_test(tc, what_is_forgotten_is_gone_alone);
    tcase_add_test(tc, damage_is_noticed);
    tcase_add_loop_test(tc, keys_come_into_their_order, 0, 3);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
