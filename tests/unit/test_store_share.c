/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <unistd.h>

#include <sys/wait.h>

#include "store/conn.h"
#include "store/sqlite.h"
#include "support/tk.h"
#include "support/tk_store.h"

/* A store shared by threads and by processes, and what a forked child may do with it. */

static const char make_t[] = "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER NOT NULL) STRICT;"
                             "INSERT INTO t VALUES (0, 0)";

static void
increment(fbk *db, int n)
{
    for (int i = 0; i < n; i++)
        tk_assert_ok(db, tk_write(db, "UPDATE t SET b = b + 1"));
}

typedef struct worker {
    pthread_t thread;
    fbk_store *store;
    int64_t n;
} worker;

static void *
work(void *user_data)
{
    worker *w = user_data;
    fbk *db = tk_connect(w->store);

    increment(db, (int)w->n);
    fbk_close(db);
    return NULL;
}

START_TEST(threads_lose_no_update)
{
    worker workers[8];
    fbk_store *store = tk_open(":memory:", 0);
    fbk *db = tk_connect(store);

    tk_assert_ok(db, tk_write(db, make_t));
    for (size_t i = 0; i < 8; i++) {
        workers[i] = (worker){.store = store, .n = 200};
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    ck_assert_int_eq(tk_query_int(db, "SELECT b FROM t"), 1600);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

static fbk_store *
open_impatient(const char *path)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;

    opt.busy_timeout_ms = 30;
    return tk_open_with(path, &opt);
}

START_TEST(waiting_ends_with_busy)
{
    const char *path = tk_path("busy");
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk_store *same;
    fbk_store *other;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk *db = tk_connect(store);
    fbk *a;
    fbk *b;
    fbk *c;

    same = open_impatient(path);
    a = tk_connect(same);
    b = tk_connect(same);
    tk_assert_ok(a, fbk__write_begin(a));
    tk_assert_fails(b, FBK_EBUSY, fbk__write_begin(b)); /* another thread's */
    other = NULL;
    opt.busy_timeout_ms = 30;
    ck_assert_int_eq(fbk_store_open(path, &opt, &other, &info), FBK_EBUSY);
    ck_assert_str_ne(info.message, "");
    tk_assert_ok(a, fbk__write_end(a, FBK_OK));
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_fails(a, FBK_EBUSY, fbk__write_begin(a)); /* another process's */
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    other = open_impatient(path);
    c = tk_connect(other);
    tk_assert_ok(c, tk_write(c, make_t));
    fbk_close(a);
    fbk_close(b);
    fbk_close(c);
    fbk_close(db);
    fbk_store_close(store);
    fbk_store_close(same);
    fbk_store_close(other);
}
END_TEST

/* A process that writes until told to stop, and says how often it did. */
enum { N_WRITERS = 8, N_EACH = 150 };

static void
child_writes(const char *path, int out)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = NULL;
    fbk *db = NULL;
    int64_t longest = 0;
    fbk_status rc;

    opt.busy_timeout_ms = 60000;
    opt.durability = FBK_DURABILITY_NORMAL; /* turns are measured here, not the disk */
    rc = fbk_store_open(path, &opt, &store, NULL);
    if (rc == FBK_OK)
        rc = fbk_connect(store, &db);
    for (int i = 0; rc == FBK_OK && i < N_EACH; i++) {
        int64_t start = fbk__now_ns();

        rc = tk_write(db, "UPDATE t SET b = b + 1");
        start = fbk__now_ns() - start;
        longest = start > longest ? start : longest;
    }
    fbk_close(db);
    fbk_store_close(store);
    if (rc < 0 || write(out, &longest, sizeof longest) != sizeof longest)
        _exit(1);
    _exit(0);
}

START_TEST(processes_take_turns_and_lose_nothing)
{
    const char *path = tk_path("turns");
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);
    pid_t children[N_WRITERS];
    int pipes[2];
    int64_t longest;
    int status;

    tk_assert_ok(db, tk_write(db, make_t));
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(pipe(pipes), 0);
    for (int i = 0; i < N_WRITERS; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            child_writes(path, pipes[1]);
    }
    for (int i = 0; i < N_WRITERS; i++) {
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "writer %d failed", i);
        ck_assert_int_eq(read(pipes[0], &longest, sizeof longest), sizeof longest);
        ck_assert_msg(longest < INT64_C(5000000000), "a writer starved for %lld ms",
                      (long long)(longest / 1000000));
    }
    store = tk_open(path, 0);
    db = tk_connect(store);
    ck_assert_int_eq(tk_query_int(db, "SELECT b FROM t"), N_WRITERS * N_EACH);
    fbk_close(db);
    fbk_store_close(store);
    tk_store_assert_sound(path);
}
END_TEST

START_TEST(a_lock_file_that_is_deleted_is_made_again)
{
    const char *path = tk_path("unlocked");
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk_store *other = open_impatient(path);
    fbk *a = tk_connect(store);
    fbk *b = tk_connect(other);

    ck_assert_int_eq(unlink(tk_path("unlocked-fbk.lck")), 0);
    tk_assert_ok(a, fbk__write_begin(a));
    tk_assert_fails(b, FBK_EBUSY, fbk__write_begin(b));
    tk_assert_ok(a, fbk__write_end(a, FBK_OK));
    tk_assert_ok(b, tk_write(b, make_t));
    fbk_close(a);
    fbk_close(b);
    fbk_store_close(store);
    fbk_store_close(other);
}
END_TEST

START_TEST(a_forked_child_is_refused)
{
    const char *path = tk_path("fork");
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);
    int status;
    pid_t pid;

    tk_assert_ok(db, tk_write(db, make_t));
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        fbk *mine = NULL;
        int bad = 0;

        bad |= fbk__enter(db) != FBK_EMISUSE || !fbk_errmsg(db)[0];
        bad |= fbk_connect(store, &mine) != FBK_EMISUSE || mine;
        bad |= fbk_store_check(db, NULL, NULL) != FBK_EMISUSE;
        bad |= fbk_store_backup(db, "x", NULL) != FBK_EMISUSE;
        fbk_close(db);
        fbk_store_close(store);
        store = NULL;
        bad |= fbk_store_open(path, NULL, &store, NULL) != FBK_OK;
        bad |= fbk_connect(store, &mine) != FBK_OK;
        bad |= !bad && tk_write(mine, "UPDATE t SET b = b + 1") != FBK_OK;
        fbk_close(mine);
        fbk_store_close(store);
        _exit(bad);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    increment(db, 3);
    ck_assert_int_eq(tk_query_int(db, "SELECT b FROM t"), 4);
    fbk_close(db);
    fbk_store_close(store);
    tk_store_assert_sound(path);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_share");
    TCase *tc = tcase_create("store_share");

    tcase_add_test(tc, threads_lose_no_update);
    tcase_add_test(tc, waiting_ends_with_busy);
    tcase_add_test(tc, processes_take_turns_and_lose_nothing);
    tcase_add_test(tc, a_lock_file_that_is_deleted_is_made_again);
    tcase_add_test(tc, a_forked_child_is_refused);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
