/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/blob.h"
#include "store/conn.h"
#include "store/stmt.h"
#include "store/store.h"
#include "support/tk.h"
#include "support/tk_store.h"

/* Transactions, statements, large values, counters of change, shared objects, the log's length. */

static const char make_t[] = "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER NOT NULL) STRICT;"
                             "INSERT INTO t VALUES (0, 0)";

static void
assert_meta(fbk *db, const char *key, const char *expected)
{
    char *text = NULL;

    if (!expected) {
        tk_assert_fails(db, FBK_ENOTFOUND, fbk__meta_get(db, key, &text));
        return;
    }
    tk_assert_ok(db, fbk__meta_get(db, key, &text));
    ck_assert_str_eq(text, expected);
    fbk__free(fbk__a(db), text);
}

static fbk_status
meta_write(fbk *db, const char *key, const char *text)
{
    fbk_status rc = fbk__write_begin(db);

    if (rc < 0)
        return rc;
    return fbk__write_end(db, fbk__meta_set(db, key, text));
}

START_TEST(what_is_committed_is_seen_by_others_and_later)
{
    const char *path = tk_path("commit");
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *a = tk_connect(store);
    fbk *b = tk_connect(store);

    tk_assert_ok(a, meta_write(a, "test.word", "hello"));
    assert_meta(b, "test.word", "hello");
    tk_assert_ok(b, meta_write(b, "test.word", "world"));
    assert_meta(a, "test.word", "world");
    fbk_store_close(store); /* before its connections */
    fbk_close(b);
    fbk_close(a);
    store = tk_open(path, 0);
    a = tk_connect(store);
    assert_meta(a, "test.word", "world");
    fbk_close(a);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_writer_sees_its_own_writes_and_nobody_else_does)
{
    fbk_store *store = tk_open(":memory:", 0);
    fbk *a = tk_connect(store);
    fbk *b = tk_connect(store);

    tk_assert_ok(a, fbk__write_begin(a));
    tk_assert_ok(a, fbk__meta_set(a, "test.word", "hello"));
    assert_meta(a, "test.word", "hello");
    assert_meta(b, "test.word", NULL);
    tk_assert_ok(a, fbk__write_end(a, FBK_OK));
    assert_meta(b, "test.word", "hello");
    fbk_close(a);
    fbk_close(b);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_failed_transaction_leaves_nothing)
{
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);

    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__meta_set(db, "test.a", "1"));
    ck_assert_int_eq(fbk__write_end(db, FBK_ERANGE), FBK_ERANGE);
    assert_meta(db, "test.a", NULL);
    /* An inner failure that the outer level swallowed counts all the same. */
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__meta_set(db, "test.a", "1"));
    ck_assert_int_eq(fbk__write_end(db, FBK_ECONFLICT), FBK_ECONFLICT);
    ck_assert_int_eq(fbk__write_end(db, FBK_OK), FBK_ECONFLICT);
    assert_meta(db, "test.a", NULL);
    /* A positive status is a success. */
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__meta_set(db, "test.a", "1"));
    ck_assert_int_eq(fbk__write_end(db, FBK_DONE), FBK_OK);
    assert_meta(db, "test.a", "1");
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_connection_closed_inside_a_transaction_rolls_back)
{
    fbk_store *store = tk_open(":memory:", 0);
    fbk *a = tk_connect(store);
    fbk *b = tk_connect(store);

    tk_assert_ok(a, fbk__write_begin(a));
    tk_assert_ok(a, fbk__write_begin(a));
    tk_assert_ok(a, fbk__meta_set(a, "test.a", "1"));
    fbk_close(a);
    assert_meta(b, "test.a", NULL);
    tk_assert_ok(b, meta_write(b, "test.a", "2"));
    fbk_close(b);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_transaction_that_sqlite_rolled_back_takes_no_more)
{
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);

    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__meta_set(db, "test.a", "1"));
    tk_assert_ok(db, fbk__exec(db, "ROLLBACK")); /* as on a full disk */
    tk_assert_fails(db, FBK_EMISUSE, fbk__meta_set(db, "test.b", "2"));
    tk_assert_fails(db, FBK_EMISUSE, fbk__exec(db, "DELETE FROM fbk_meta"));
    tk_assert_fails(db, FBK_EDB, fbk__write_end(db, FBK_OK));
    assert_meta(db, "test.b", NULL);
    tk_assert_ok(db, meta_write(db, "test.b", "3"));
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_read_transaction_is_one_snapshot)
{
    fbk_store *store = tk_open(":memory:", 0);
    fbk *a = tk_connect(store);
    fbk *b = tk_connect(store);

    tk_assert_ok(a, meta_write(a, "test.a", "1"));
    tk_assert_ok(b, fbk__read_begin(b));
    assert_meta(b, "test.a", "1");
    tk_assert_ok(a, meta_write(a, "test.a", "2"));
    tk_assert_ok(b, fbk__read_begin(b));
    fbk__read_end(b);
    assert_meta(b, "test.a", "1");
    fbk__read_end(b);
    assert_meta(b, "test.a", "2");
    fbk__read_end(b); /* one too many does nothing */
    fbk_close(a);
    fbk_close(b);
    fbk_store_close(store);
}
END_TEST

/* The deadline is moved into the past instead of waited for. */
START_TEST(a_read_that_stays_open_expires)
{
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);
    char *text = NULL;

    tk_assert_ok(db, fbk__read_begin(db));
    assert_meta(db, "store.currency", "EUR");
    db->conn->read_until_ns = fbk__now_ns() - 1;
    tk_assert_fails(db, FBK_EEXPIRED, fbk__meta_get(db, "store.currency", &text));
    fbk__read_end(db);
    assert_meta(db, "store.currency", "EUR");
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(one_long_statement_expires_too)
{
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);
    fbk__stmt *st = NULL;

    tk_assert_ok(db,
                 fbk__stmt_get(db,
                               "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
                               " SELECT x FROM c WHERE x < 0",
                               &st));
    /* It never gives a row; only SQLite's progress handler gets to run. */
    tk_assert_ok(db, fbk__read_begin(db));
    db->conn->read_until_ns = fbk__now_ns() + 20000000;
    ck_assert_int_eq(fbk__step(st), FBK_EEXPIRED);
    ck_assert_str_ne(fbk_errmsg(db), "");
    fbk__stmt_put(st);
    fbk__read_end(db);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

/* ---- statements ---- */

START_TEST(values_go_in_and_come_out)
{
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);
    fbk__stmt *st = NULL;
    size_t len = 99;

    tk_assert_ok(db, fbk__stmt_get(db, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7", &st));
    fbk__bind_int64(st, 1, INT64_MIN);
    fbk__bind_double(st, 2, -0.5);
    fbk__bind_text(st, 3, "caf\xc3\xa9 no more", 5);
    fbk__bind_blob(st, 4, "\0\1", 2);
    fbk__bind_null(st, 5);
    fbk__bind_text(st, 6, NULL, 0);
    fbk__bind_blob(st, 7, NULL, 0);
    ck_assert_int_eq(fbk__step(st), FBK_OK);
    ck_assert_int_eq(fbk__column_int64(st, 0), INT64_MIN);
    ck_assert(fbk__column_double(st, 1) == -0.5);
    ck_assert_str_eq(fbk__column_text(st, 2, &len), "caf\xc3\xa9");
    ck_assert_uint_eq(len, 5);
    ck_assert_int_eq(memcmp(fbk__column_blob(st, 3, &len), "\0\1", 2), 0);
    ck_assert_uint_eq(len, 2);
    ck_assert(fbk__column_is_null(st, 4));
    ck_assert_str_eq(fbk__column_text(st, 4, &len), "");
    ck_assert_uint_eq(len, 0);
    ck_assert(!fbk__column_is_null(st, 5) && !fbk__column_is_null(st, 6));
    ck_assert_int_eq(fbk__step(st), FBK_DONE);
    ck_assert_int_eq(fbk__step(st), FBK_OK); /* reset, with its bindings kept */
    fbk__bind_int64(st, 8, 1);
    ck_assert_int_eq(fbk__step(st), FBK_EDB);
    fbk__stmt_put(st);
    tk_assert_ok(db, fbk__stmt_get(db, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7", &st));
    fbk__stmt_put(st);
    fbk__stmt_put(NULL);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_statement_may_be_used_twice_at_a_time)
{
    static const char sql[] = "SELECT key FROM fbk_meta ORDER BY key";
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);
    int n = 0;

    for (int round = 0; round < 3; round++) {
        fbk__stmt *outer = NULL;

        tk_assert_ok(db, fbk__stmt_get(db, sql, &outer));
        while (fbk__step(outer) == FBK_OK) {
            fbk__stmt *inner = NULL;

            tk_assert_ok(db, fbk__stmt_get(db, sql, &inner));
            ck_assert_ptr_ne(inner, outer);
            while (fbk__step(inner) == FBK_OK)
                n++;
            fbk__stmt_put(inner);
        }
        fbk__stmt_put(outer);
    }
    ck_assert_int_eq(n, 48);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(statements_that_are_wrong_say_so)
{
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);
    fbk__stmt *st = NULL;

    tk_assert_fails(db, FBK_EDB, fbk__stmt_get(db, "SELEKT", &st));
    ck_assert_ptr_null(st);
    tk_assert_fails(db, FBK_EDB, fbk__stmt_get(db, "SELECT \"no such column\" FROM fbk_meta", &st));
    tk_assert_ok(db, fbk__stmt_get(db, "SELECT 1", &st));
    tk_assert_fails(db, FBK_EDB, fbk__step_done(st));
    fbk__stmt_put(st);
    /* Outside a write transaction a connection can only read. */
    tk_assert_ok(db, fbk__stmt_get(db, "DELETE FROM fbk_meta", &st));
    tk_assert_fails(db, FBK_EREADONLY, fbk__step_done(st));
    fbk__stmt_put(st);
    /* A statement of the writer that outlives its transaction is caught. */
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__stmt_get(db, "DELETE FROM fbk_blob", &st));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    tk_assert_fails(db, FBK_EMISUSE, fbk__step_done(st));
    fbk__stmt_put(st);
    /* A broken constraint fails the statement and not the transaction. */
    tk_assert_ok(db, tk_write(db, make_t));
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__stmt_get(db, "INSERT INTO t VALUES (?1, ?2)", &st));
    fbk__bind_int64(st, 1, 0);
    fbk__bind_int64(st, 2, 0);
    tk_assert_fails(db, FBK_EDB, fbk__step_done(st));
    ck_assert_int_eq(db->err.sqlite_code & 0xff, 19); /* SQLITE_CONSTRAINT */
    fbk__bind_int64(st, 1, 5);
    tk_assert_ok(db, fbk__step_done(st));
    ck_assert_int_eq(fbk__changes(db), 1);
    ck_assert_int_eq(fbk__last_rowid(db), 5);
    fbk__stmt_put(st);
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM t"), 2);
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
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);

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
    fbk__free(fbk__a(db), back);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__write_end(db, fbk__blob_remove(db, "test", 7)));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__blob_read(db, "test", 7, &back, &len));
    free(bytes);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_damaged_blob_is_refused)
{
    static const char *const damages[] = {
        "UPDATE fbk_blob SET hash = hash + 1 WHERE chunk = 1",
        "UPDATE fbk_blob SET bytes = zeroblob(length(bytes)) WHERE chunk = 0",
        "DELETE FROM fbk_blob WHERE chunk = 0",
        "DELETE FROM fbk_blob WHERE chunk = 2",
        "UPDATE fbk_blob SET chunk = 9 WHERE chunk = 0",
    };
    size_t size = 2 * FBK__BLOB_CHUNK; /* the end is a third, empty chunk */
    char *bytes = malloc(size);
    void *back = NULL;
    size_t len = 0;
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);

    memset(bytes, 'x', size);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__write_end(db, fbk__blob_write(db, "test", 1, bytes, size)));
    tk_assert_ok(db, tk_write(db, damages[_i]));
    tk_assert_fails(db, FBK_ECORRUPT, fbk__blob_read(db, "test", 1, &back, &len));
    ck_assert_ptr_null(back);
    free(bytes);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

/* ---- what changes, and what is shared ---- */

START_TEST(generations_count_and_are_seen)
{
    const char *path = tk_path("generations");
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk_store *other = tk_open(path, 0); /* as another process */
    fbk *a = tk_connect(store);
    fbk *b = tk_connect(store);
    fbk *c = tk_connect(other);
    uint64_t n = 99;

    tk_assert_ok(b, fbk__generation(b, FBK__KIND_MODEL, &n));
    ck_assert_uint_eq(n, 0);
    tk_assert_ok(c, fbk__generation(c, FBK__KIND_MODEL, &n));
    for (uint64_t i = 1; i <= 3; i++) {
        tk_assert_ok(a, fbk__write_begin(a));
        tk_assert_ok(a, fbk__generation_bump(a, FBK__KIND_MODEL));
        tk_assert_ok(a, fbk__generation(a, FBK__KIND_MODEL, &n));
        ck_assert_uint_eq(n, i);
        tk_assert_ok(a, fbk__write_end(a, FBK_OK));
        tk_assert_ok(b, fbk__generation(b, FBK__KIND_MODEL, &n)); /* at once: same process */
        ck_assert_uint_eq(n, i);
    }
    c->conn->generations_ns = 0; /* 10 ms later */
    tk_assert_ok(c, fbk__generation(c, FBK__KIND_MODEL, &n));
    ck_assert_uint_eq(n, 3);
    tk_assert_ok(c, fbk__generation(c, FBK__KIND_STOCK, &n));
    ck_assert_uint_eq(n, 0);
    tk_assert_ok(a, fbk__write_begin(a));
    tk_assert_ok(a, fbk__generation_bump(a, FBK__KIND_STOCK));
    ck_assert_int_eq(fbk__write_end(a, FBK_ERANGE), FBK_ERANGE);
    tk_assert_ok(b, fbk__generation(b, FBK__KIND_STOCK, &n));
    ck_assert_uint_eq(n, 0);
    fbk_close(a);
    fbk_close(b);
    fbk_close(c);
    fbk_store_close(store);
    fbk_store_close(other);
}
END_TEST

typedef struct thing {
    fbk__shared shared;
    int *n_destroyed;
} thing;

static void
thing_destroy(fbk__shared *me)
{
    thing *t = (thing *)me;

    ++*t->n_destroyed;
    fbk__free(me->a, t);
}

static fbk__shared *
thing_new(fbk *db, uint64_t generation, int *n_destroyed)
{
    thing *t = fbk__calloc(fbk__a(db), 1, sizeof *t);

    t->shared = (fbk__shared){generation, 1, &db->conn->store->alloc, thing_destroy};
    t->n_destroyed = n_destroyed;
    return &t->shared;
}

START_TEST(shared_objects_live_as_long_as_someone_holds_them)
{
    static const char key_a = 'a';
    static const char key_b = 'b';
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);
    int n = 0;
    fbk__shared *first = thing_new(db, 1, &n);
    fbk__shared *second = thing_new(db, 2, &n);
    fbk__shared *held;

    ck_assert_ptr_null(fbk__shared_acquire(db, &key_a));
    tk_assert_ok(db, fbk__shared_publish(db, &key_a, first));
    held = fbk__shared_acquire(db, &key_a);
    ck_assert_ptr_eq(held, first);
    ck_assert_ptr_null(fbk__shared_acquire(db, &key_b));
    fbk__shared_release(first);
    tk_assert_ok(db, fbk__shared_publish(db, &key_a, second));
    fbk__shared_release(second);
    ck_assert_int_eq(n, 0); /* the first is still held here */
    ck_assert_uint_eq(held->generation, 1);
    fbk__shared_release(held);
    ck_assert_int_eq(n, 1);
    fbk__shared_release(NULL);
    fbk_store_close(store);
    ck_assert_int_eq(n, 1);
    fbk_close(db);
    ck_assert_int_eq(n, 2);
}
END_TEST

/* ---- the log is written back ---- */

START_TEST(the_log_stays_bounded)
{
    const char *path = tk_path("bounded");
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store *store;
    fbk *db;
    int64_t largest = 0;

    opt.flags = FBK_STORE_CREATE;
    opt.durability = FBK_DURABILITY_NORMAL;
    store = tk_open_with(path, &opt);
    db = tk_connect(store);
    tk_assert_ok(db, tk_write(db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB) STRICT"));
    for (int i = 0; i < 200; i++) {
        struct stat st;

        tk_assert_ok(db, tk_write(db, "INSERT INTO t (b) VALUES (randomblob(300000))"));
        ck_assert_int_eq(stat(tk_path("bounded-wal"), &st), 0);
        largest = st.st_size > largest ? st.st_size : largest;
    }
    ck_assert_int_gt(largest, 4 << 20);
    ck_assert_int_lt(largest, 6 << 20);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_reader_delays_writing_back_and_costs_little)
{
    const char *path = tk_path("delayed");
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);
    fbk *reader = tk_connect(store);
    int64_t start;

    tk_assert_ok(db, tk_write(db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB) STRICT"));
    tk_assert_ok(reader, fbk__read_begin(reader));
    ck_assert_int_eq(tk_query_int(reader, "SELECT count(*) FROM t"), 0);
    start = fbk__now_ns();
    for (int i = 0; i < 100; i++)
        tk_assert_ok(db, tk_write(db, "INSERT INTO t (b) VALUES (randomblob(90000))"));
    /* 9 MB are two attempts of 100 ms, not a hundred. */
    ck_assert_int_lt(fbk__now_ns() - start, INT64_C(5000000000));
    tk_assert_fails(db, FBK_EBUSY, fbk__checkpoint(db, true));
    fbk__read_end(reader);
    tk_assert_ok(db, fbk__checkpoint(db, true));
    ck_assert_int_eq(tk_query_int(reader, "SELECT count(*) FROM t"), 100);
    fbk_close(db);
    fbk_close(reader);
    fbk_store_close(store);
}
END_TEST

static bool
file_has(const char *path, const char *word)
{
    size_t len;
    char *bytes = tk_slurp(path, &len);
    bool found = memmem(bytes, len, word, strlen(word)) != NULL;

    free(bytes);
    return found;
}

START_TEST(what_is_erased_is_overwritten)
{
    const char *path = tk_path("erase");
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);

    tk_assert_fails(db, FBK_EMISUSE, fbk__write_erasing(db));
    tk_assert_ok(db, tk_write(db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT;"
                                  "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c "
                                  "WHERE x < 500) INSERT INTO t SELECT x, 'secret-of-somebody' "
                                  "FROM c"));
    tk_assert_ok(db, fbk__checkpoint(db, true));
    ck_assert(file_has(path, "secret-of-somebody"));
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__write_erasing(db));
    tk_assert_ok(db, fbk__exec(db, "DELETE FROM t"));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    ck_assert(!file_has(path, "secret-of-somebody"));
    ck_assert(!file_has(tk_path("erase-wal"), "secret-of-somebody"));
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_txn");
    TCase *tc = tcase_create("store_txn");

    tcase_add_test(tc, what_is_committed_is_seen_by_others_and_later);
    tcase_add_test(tc, a_writer_sees_its_own_writes_and_nobody_else_does);
    tcase_add_test(tc, a_failed_transaction_leaves_nothing);
    tcase_add_test(tc, a_connection_closed_inside_a_transaction_rolls_back);
    tcase_add_test(tc, a_transaction_that_sqlite_rolled_back_takes_no_more);
    tcase_add_test(tc, a_read_transaction_is_one_snapshot);
    tcase_add_test(tc, a_read_that_stays_open_expires);
    tcase_add_test(tc, one_long_statement_expires_too);
    tcase_add_test(tc, values_go_in_and_come_out);
    tcase_add_test(tc, a_statement_may_be_used_twice_at_a_time);
    tcase_add_test(tc, statements_that_are_wrong_say_so);
    tcase_add_loop_test(tc, blobs_round_trip, 0, 6);
    tcase_add_loop_test(tc, a_damaged_blob_is_refused, 0, 5);
    tcase_add_test(tc, generations_count_and_are_seen);
    tcase_add_test(tc, shared_objects_live_as_long_as_someone_holds_them);
    tcase_add_test(tc, the_log_stays_bounded);
    tcase_add_test(tc, a_reader_delays_writing_back_and_costs_little);
    tcase_add_test(tc, what_is_erased_is_overwritten);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
