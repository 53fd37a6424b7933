/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "store/conn.h"
#include "store/stmt.h"
#include "store/store.h"
#include "support/tk.h"
#include "support/tk_store.h"

/* Group commit: what several threads write at a time is one transaction, and yet each has its own
 * outcome and its own error text. Deterministic: the test holds the writer until all are in the
 * queue. */

enum { N_THREADS = 8, TIMEOUT_MS = 60000 };

typedef struct job {
    fbk *db;
    int number;
    bool bad; /* fails when it is called */
    fbk_status rc;
    int calls;
} job;

static fbk_status
insert_number(fbk *db, int number)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, "INSERT INTO t VALUES (?1, 0)", &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, number);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
job_write(fbk *db, void *user_data)
{
    job *j = user_data;
    fbk_status rc = insert_number(db, j->number);

    j->calls++;
    if (rc >= 0 && j->bad)
        return fbk__fail(db, FBK_ERANGE, "number %d was bad", j->number);
    return rc < 0 ? rc : FBK_DONE;
}

static void *
job_thread(void *arg)
{
    job *j = arg;

    j->rc = fbk__write_together(j->db, job_write, j);
    return NULL;
}

/* Of the store's group: one leads and waits for the writer, the others queue up behind. */
static int
queue_length(fbk_store *store)
{
    int n = 0;

    (void)pthread_mutex_lock(&store->group.lock);
    n = store->group.n_waiting;
    (void)pthread_mutex_unlock(&store->group.lock);
    return n;
}

static uint64_t
commits(fbk_store *store)
{
    return __atomic_load_n(&store->n_commits, __ATOMIC_ACQUIRE);
}

/* Run all jobs at once; how many transactions were committed for them. */
static uint64_t
run_jobs(fbk_store *store, job *jobs)
{
    const struct timespec pause = {0, 1000000};
    pthread_t threads[N_THREADS];
    fbk *gate = tk_connect(store);
    uint64_t before;

    tk_assert_ok(gate, fbk__write_begin(gate));
    for (int i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, job_thread, &jobs[i]), 0);
    while (queue_length(store) < N_THREADS - 1)
        (void)nanosleep(&pause, NULL);
    before = commits(store) + 1; /* its own */
    tk_assert_ok(gate, fbk__write_end(gate, FBK_OK));
    for (int i = 0; i < N_THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    fbk_close(gate);
    return commits(store) - before;
}

static fbk_store *
make_store(job *jobs)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_store *store;

    options.flags = FBK_STORE_CREATE;
    options.busy_timeout_ms = TIMEOUT_MS;
    store = tk_open_with(tk_path("group"), &options);
    for (int i = 0; i < N_THREADS; i++)
        jobs[i] = (job){.db = tk_connect(store), .number = i + 1};
    tk_assert_ok(
        jobs[0].db,
        tk_write(jobs[0].db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER NOT NULL) STRICT"));
    return store;
}

static void
close_store(fbk_store *store, job *jobs)
{
    for (int i = 0; i < N_THREADS; i++)
        fbk_close(jobs[i].db);
    fbk_store_close(store);
}

START_TEST(what_waits_is_committed_together)
{
    job jobs[N_THREADS];
    fbk_store *store = make_store(jobs);

    ck_assert_uint_eq(run_jobs(store, jobs), 1);
    for (int i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(jobs[i].rc, FBK_DONE);
        ck_assert_int_eq(jobs[i].calls, 1);
    }
    ck_assert_int_eq(tk_query_int(jobs[0].db, "SELECT count(*) FROM t"), N_THREADS);
    close_store(store, jobs);
}
END_TEST

START_TEST(what_fails_fails_alone_with_its_own_text)
{
    job jobs[N_THREADS];
    fbk_store *store = make_store(jobs);

    jobs[2].bad = true;
    jobs[5].bad = true;
    ck_assert_uint_eq(run_jobs(store, jobs), N_THREADS - 2);
    for (int i = 0; i < N_THREADS; i++) {
        char text[32] = "";

        if (jobs[i].bad)
            (void)snprintf(text, sizeof text, "number %d was bad", i + 1);
        ck_assert_int_eq(jobs[i].rc, jobs[i].bad ? FBK_ERANGE : FBK_DONE);
        ck_assert_str_eq(fbk_errmsg(jobs[i].db), text);
        ck_assert_int_le(jobs[i].calls, 2);
    }
    ck_assert_int_eq(tk_query_int(jobs[0].db, "SELECT count(*) FROM t"), N_THREADS - 2);
    ck_assert_int_eq(tk_query_int(jobs[0].db, "SELECT count(*) FROM t WHERE a IN (3, 6)"), 0);
    close_store(store, jobs);
}
END_TEST

START_TEST(inside_a_transaction_it_is_part_of_that_one)
{
    job jobs[N_THREADS];
    fbk_store *store = make_store(jobs);
    fbk *db = jobs[0].db;

    tk_assert_ok(db, fbk__write_begin(db));
    ck_assert_int_eq(fbk__write_together(db, job_write, &jobs[0]), FBK_DONE);
    ck_assert_int_eq(fbk__write_end(db, FBK_ECANCELLED), FBK_ECANCELLED);
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM t"), 0);
    /* What failed in it takes all of it back, even when the caller goes on. */
    jobs[1].bad = true;
    tk_assert_ok(db, fbk__write_begin(db));
    ck_assert_int_eq(fbk__write_together(db, job_write, &jobs[0]), FBK_DONE);
    tk_assert_fails(db, FBK_ERANGE, fbk__write_together(db, job_write, &jobs[1]));
    tk_assert_fails(db, FBK_ERANGE, fbk__write_end(db, FBK_OK));
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM t"), 0);
    close_store(store, jobs);
}
END_TEST

START_TEST(a_foreign_commit_is_noticed)
{
    const char *path = tk_path("foreign");
    fbk_store *mine = tk_open(path, FBK_STORE_CREATE);
    fbk_store *other = tk_open(path, 0);
    fbk *db = tk_connect(mine);
    fbk *there = tk_connect(other);
    uint64_t seen[4];

    for (int i = 0; i < 4; i++) {
        if (i == 2)
            tk_assert_ok(there, tk_write(there, "CREATE TABLE t (a INTEGER) STRICT"));
        tk_assert_ok(db, fbk__write_begin(db));
        seen[i] = fbk__write_foreign(db);
        tk_assert_ok(db, fbk__meta_set(db, "test.word", i % 2 ? "a" : "b"));
        if (i == 0) /* what was taken back is no news either */
            ck_assert_int_eq(fbk__write_end(db, FBK_ECANCELLED), FBK_ECANCELLED);
        else
            tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    }
    ck_assert_uint_eq(seen[0], seen[1]);
    ck_assert_uint_ne(seen[1], seen[2]);
    ck_assert_uint_eq(seen[2], seen[3]);
    fbk_close(db);
    fbk_close(there);
    fbk_store_close(mine);
    fbk_store_close(other);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("group");
    TCase *tc = tcase_create("group");

    tcase_add_test(tc, what_waits_is_committed_together);
    tcase_add_test(tc, what_fails_fails_alone_with_its_own_text);
    tcase_add_test(tc, inside_a_transaction_it_is_part_of_that_one);
    tcase_add_test(tc, a_foreign_commit_is_noticed);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
