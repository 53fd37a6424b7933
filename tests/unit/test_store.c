/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/store.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "store/blob.h"
#include "store/conn.h"
#include "store/stmt.h"
#include "support/tk.h"

static fbk_store *
open_store(const char *path, uint32_t flags)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;
    fbk_status rc;

    opt.flags = flags;
    rc = fbk_store_open(path, &opt, &store, &info);
    ck_assert_msg(rc == FBK_OK, "%s: %s", fbk_status_name(rc), info.message);
    ck_assert_ptr_nonnull(store);
    return store;
}

static fbk *
connect_to(fbk_store *store)
{
    fbk *db = NULL;

    ck_assert_int_eq(fbk_connect(store, &db), FBK_OK);
    return db;
}

static int64_t
query_int(fbk *db, const char *sql)
{
    fbk__stmt *st = NULL;
    int64_t value;

    tk_assert_ok(db, fbk__stmt_get(db, sql, &st));
    ck_assert_int_eq(fbk__step(st), FBK_OK);
    value = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return value;
}

static fbk_status
write_meta(fbk *db, const char *key, const char *text)
{
    fbk_status rc = fbk__write_begin(db);

    if (rc < 0)
        return rc;
    rc = fbk__meta_set(db, key, text);
    return fbk__write_end(db, rc);
}

START_TEST(what_is_committed_is_seen_by_others_and_later)
{
    const char *path = tk_path("commit");
    fbk_store *store = open_store(path, FBK_STORE_CREATE);
    fbk *a = connect_to(store);
    fbk *b = connect_to(store);
    char *text = NULL;

    tk_assert_ok(a, write_meta(a, "test.word", "hello"));
    tk_assert_ok(b, fbk__meta_get(b, "test.word", &text));
    ck_assert_str_eq(text, "hello");
    free(text);
    fbk_store_close(store); /* before its connections */
    fbk_close(b);
    fbk_close(a);
    ck_assert_int_ne(access(tk_path("commit-wal"), F_OK), 0);
    store = open_store(path, 0);
    a = connect_to(store);
    tk_assert_ok(a, fbk__meta_get(a, "test.word", &text));
    ck_assert_str_eq(text, "hello");
    free(text);
    fbk_close(a);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_failed_transaction_leaves_nothing)
{
    fbk_store *store = open_store(":memory:", 0);
    fbk *db = connect_to(store);
    char *text = NULL;

    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__meta_set(db, "test.a", "1"));
    ck_assert_int_eq(fbk__write_end(db, FBK_ERANGE), FBK_ERANGE);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__meta_get(db, "test.a", &text));
    /* An inner failure that the outer level swallowed counts all the same. */
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__meta_set(db, "test.a", "1"));
    ck_assert_int_eq(fbk__write_end(db, FBK_ECONFLICT), FBK_ECONFLICT);
    ck_assert_int_eq(fbk__write_end(db, FBK_OK), FBK_ECONFLICT);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__meta_get(db, "test.a", &text));
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(blobs_round_trip)
{
    static const size_t sizes[] = {
        0, 1, FBK__BLOB_CHUNK - 1, FBK__BLOB_CHUNK, FBK__BLOB_CHUNK + 1, 3 * FBK__BLOB_CHUNK};
    size_t size = sizes[_i];
    unsigned char *bytes = malloc(size + 1);
    void *back = NULL;
    size_t len = 0;
    fbk_store *store = open_store(":memory:", 0);
    fbk *db = connect_to(store);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 24);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__blob_read(db, "test", 7, &back, &len));
    for (int round = 0; round < 2; round++) { /* the second replaces */
        tk_assert_ok(db, fbk__write_begin(db));
        tk_assert_ok(db, fbk__write_end(db, fbk__blob_write(db, "test", 7, bytes, size)));
    }
    tk_assert_ok(db, fbk__blob_read(db, "test", 7, &back, &len));
    ck_assert_uint_eq(len, size);
    ck_assert_int_eq(memcmp(back, bytes, size), 0);
    free(back);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__write_end(db, fbk__blob_remove(db, "test", 7)));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__blob_read(db, "test", 7, &back, &len));
    free(bytes);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_store_says_what_it_is)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store_facts facts = {.struct_size = (uint32_t)sizeof facts};
    fbk_store *store = NULL;
    fbk *db;

    opt.flags = FBK_STORE_CREATE | FBK_STORE_PRICES_NET;
    opt.currency = "GBP";
    opt.time_zone = "Europe/London";
    opt.page_size = 8192;
    ck_assert_int_eq(fbk_store_open(tk_path("facts"), &opt, &store, NULL), FBK_OK);
    db = connect_to(store);
    tk_assert_ok(db, fbk_store_info(db, &facts));
    ck_assert_str_eq(facts.currency, "GBP");
    ck_assert_str_eq(facts.time_zone, "Europe/London");
    ck_assert_uint_eq(facts.page_size, 8192);
    ck_assert_uint_eq(facts.schema_version, 1);
    ck_assert_uint_eq(facts.flags, FBK_STORE_FACT_PRICES_NET);
    ck_assert_uint_eq(facts.file_len, facts.n_pages * 8192);
    ck_assert_int_eq(query_int(db, "SELECT count(*) FROM fbk_meta"), 3);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store");
    TCase *tc = tcase_create("store");

    tcase_add_test(tc, what_is_committed_is_seen_by_others_and_later);
    tcase_add_test(tc, a_failed_transaction_leaves_nothing);
    tcase_add_loop_test(tc, blobs_round_trip, 0, 6);
    tcase_add_test(tc, a_store_says_what_it_is);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
