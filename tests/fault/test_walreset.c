/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/conn.h"
#include "store/stmt.h"
#include "support/tk.h"
#include "support/tk_store.h"
#include "support/tk_vfs.h"

/* The WAL-reset corruption of SQLite 3.7.0 to 3.51.2: a checkpoint that has read the header of the
 * WAL, and does not hold the write lock, meets a commit that starts the WAL anew; it then marks
 * frames as written back that never were. The window is opened on purpose, by a callback of the VFS. */

static tk_vfs vfs;

/* Every file goes through it, and no sync waits for the disk: no power is cut here. */
static void
window_open(void)
{
    tk_vfs_register(&vfs, "tk-window");
    tk_vfs_make_default(&vfs);
    vfs.no_sync = 1;
}

static bool
sqlite_is_affected(void)
{
    int v = sqlite3_libversion_number();

    return !(v >= 3051003 || (v >= 3050007 && v < 3051000) || (v >= 3044006 && v < 3045000));
}

/* ---- SQLite alone ---- */

typedef struct raw {
    sqlite3 *writer;
    int n_commits; /* inside the window */
} raw;

static void
raw_exec(sqlite3 *sq, const char *sql)
{
    char *text = NULL;

    ck_assert_msg(sqlite3_exec(sq, sql, NULL, NULL, &text) == SQLITE_OK, "%s: %s", sql, text);
}

static void
raw_commit_in_window(void *user_data)
{
    raw *r = user_data;

    vfs.on_unfetch = NULL;
    raw_exec(r->writer, "UPDATE t SET b = randomblob(10) WHERE a = 1");
    r->n_commits++;
}

static sqlite3 *
raw_open(const char *path, const char *vfs_name)
{
    sqlite3 *sq = NULL;

    ck_assert_int_eq(
        sqlite3_open_v2(path, &sq, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs_name),
        SQLITE_OK);
    raw_exec(sq, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    return sq;
}

/* Whether the file that comes out is damaged. */
static bool
raw_race(const char *path, int mode)
{
    raw r = {0};
    sqlite3 *racer;
    sqlite3 *other;
    sqlite3_stmt *st = NULL;
    bool ok;

    r.writer = raw_open(path, NULL);
    raw_exec(r.writer, "CREATE TABLE t (a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t (b)");
    racer = raw_open(path, "tk-window");
    other = raw_open(path, NULL);
    raw_exec(racer, "SELECT count(*) FROM t");
    raw_exec(other, "SELECT count(*) FROM t");
    raw_exec(r.writer, "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < "
                       "2000) INSERT INTO t SELECT x, randomblob(100) FROM c");
    (void)sqlite3_wal_checkpoint_v2(other, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    vfs.user_data = &r;
    vfs.on_unfetch = raw_commit_in_window;
    (void)sqlite3_wal_checkpoint_v2(racer, NULL, mode, NULL, NULL);
    vfs.on_unfetch = NULL;
    ck_assert_msg(r.n_commits == 1, "the window did not open");
    /* Once the wrong mark is there the commits may fail as well. */
    (void)sqlite3_exec(r.writer, "INSERT INTO t SELECT a + 2000, randomblob(100) FROM t", NULL,
                       NULL, NULL);
    (void)sqlite3_exec(r.writer, "INSERT INTO t SELECT a + 4000, randomblob(100) FROM t", NULL,
                       NULL, NULL);
    (void)sqlite3_wal_checkpoint_v2(other, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_close(r.writer);
    (void)sqlite3_close(racer);
    (void)sqlite3_close(other);
    ck_assert_int_eq(sqlite3_open(path, &r.writer), SQLITE_OK);
    ok = sqlite3_prepare_v2(r.writer, "PRAGMA integrity_check", -1, &st, NULL) == SQLITE_OK &&
         sqlite3_step(st) == SQLITE_ROW &&
         strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(r.writer);
    return !ok;
}

/* This proves that the window is the right one; without it the tests below would prove nothing. */
START_TEST(sqlite_alone_corrupts_in_the_window)
{
    window_open();
    ck_assert(raw_race(tk_path("raw"), SQLITE_CHECKPOINT_PASSIVE));
    tk_vfs_unregister(&vfs);
}
END_TEST

/* ---- through the library ---- */

typedef struct ours {
    fbk *intruder; /* a connection of another store object, as another process would have */
    int n_tried;
    int n_kept_out;
} ours;

static void
ours_commit_in_window(void *user_data)
{
    ours *o = user_data;

    o->n_tried++;
    if (tk_write(o->intruder, "UPDATE t SET b = randomblob(10) WHERE a = 1") == FBK_EBUSY)
        o->n_kept_out++;
}

static fbk *
ours_open(const char *path, const char *vfs_name)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store *store;
    fbk *db;

    opt.flags = FBK_STORE_CREATE;
    opt.vfs = vfs_name;
    opt.durability = FBK_DURABILITY_NORMAL;
    opt.busy_timeout_ms = 1;
    store = tk_open_with(path, &opt);
    db = tk_connect(store);
    fbk_store_close(store);
    return db;
}

static const char make_table[] =
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB) STRICT; CREATE INDEX i ON t (b);"
    "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200)"
    " INSERT INTO t SELECT x, randomblob(100) FROM c";

static void
ours_race(ours *o, fbk *racer, fbk *other, bool truncate)
{
    tk_assert_ok(o->intruder, tk_write(o->intruder, "UPDATE t SET b = randomblob(100)"));
    tk_assert_ok(other, fbk__checkpoint(other, false));
    vfs.user_data = o;
    vfs.on_unfetch = ours_commit_in_window;
    tk_assert_ok(racer, fbk__checkpoint(racer, truncate));
    vfs.on_unfetch = NULL;
    tk_assert_ok(o->intruder, tk_write(o->intruder, "UPDATE t SET b = randomblob(90) WHERE a > 1"));
    tk_assert_ok(o->intruder, tk_write(o->intruder, "UPDATE t SET b = randomblob(80) WHERE a < 3"));
    tk_assert_ok(other, fbk__checkpoint(other, true));
}

START_TEST(our_lease_keeps_commits_out_of_the_window)
{
    const char *path = tk_path("ours");
    ours o = {0};
    fbk *racer;
    fbk *other;
    int rounds = 1000;

    window_open();
    o.intruder = ours_open(path, NULL);
    racer = ours_open(path, "tk-window");
    other = ours_open(path, NULL);
    tk_assert_ok(o.intruder, tk_write(o.intruder, make_table));
    for (int i = 0; i < rounds; i++) {
        ours_race(&o, racer, other, i % 2 == 0);
        if (i % 50 == 0)
            tk_assert_ok(other, fbk_store_check(other, NULL, NULL));
    }
    ck_assert_msg(o.n_tried >= rounds, "the window opened %d times only", o.n_tried);
    ck_assert_int_eq(o.n_kept_out, o.n_tried);
    fbk_close(o.intruder);
    fbk_close(racer);
    fbk_close(other);
    tk_vfs_unregister(&vfs);
    tk_store_assert_sound(path);
}
END_TEST

/* RESTART and TRUNCATE take SQLite's write lock and are safe by that; when somebody has it, they fall
 * back to PASSIVE, and his commit corrupts. Only the lease stands before that. */

static void
ours_end_in_window(void *user_data)
{
    ours *o = user_data;

    vfs.on_unfetch = NULL;
    o->n_tried++;
    tk_assert_ok(o->intruder, fbk__write_end(o->intruder, FBK_OK));
}

static void
ours_race_held(ours *o, fbk *racer, fbk *other, bool truncate)
{
    fbk_status rc;

    tk_assert_ok(o->intruder, tk_write(o->intruder, "UPDATE t SET b = randomblob(100)"));
    tk_assert_ok(other, fbk__checkpoint(other, false));
    tk_assert_ok(o->intruder, fbk__write_begin(o->intruder));
    tk_assert_ok(o->intruder, fbk__exec(o->intruder, "UPDATE t SET b = randomblob(9) WHERE a = 2"));
    vfs.user_data = o;
    vfs.on_unfetch = ours_end_in_window;
    rc = fbk__checkpoint(racer, truncate);
    vfs.on_unfetch = NULL;
    if (o->n_tried == 0)
        tk_assert_ok(o->intruder, fbk__write_end(o->intruder, FBK_OK));
    ck_assert_int_eq(o->n_tried, 0);
    ck_assert_int_eq(rc, FBK_EBUSY);
    tk_assert_ok(o->intruder, tk_write(o->intruder, "UPDATE t SET b = randomblob(90) WHERE a > 1"));
    tk_assert_ok(other, fbk__checkpoint(other, true));
}

START_TEST(no_checkpoint_begins_while_another_writes)
{
    const char *path = tk_path("held");
    ours o = {0};
    fbk *racer;
    fbk *other;

    window_open();
    o.intruder = ours_open(path, NULL);
    racer = ours_open(path, "tk-window");
    other = ours_open(path, NULL);
    tk_assert_ok(o.intruder, tk_write(o.intruder, make_table));
    for (int i = 0; i < 1000; i++)
        ours_race_held(&o, racer, other, i % 2 == 0);
    fbk_close(o.intruder);
    fbk_close(racer);
    fbk_close(other);
    tk_vfs_unregister(&vfs);
    tk_store_assert_sound(path);
}
END_TEST

/* The same from several processes at once, each committing and checkpointing as fast as it can. */

enum { N_PROCESSES = 4, N_TRANSACTIONS = 250 };

static int
child_work(const char *path, int me)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = NULL;
    fbk *db = NULL;
    char sql[128];
    fbk_status rc;

    opt.durability = FBK_DURABILITY_NORMAL;
    opt.busy_timeout_ms = 60000;
    rc = fbk_store_open(path, &opt, &store, NULL);
    if (rc == FBK_OK)
        rc = fbk_connect(store, &db);
    for (int i = 0; rc == FBK_OK && i < N_TRANSACTIONS; i++) {
        (void)snprintf(sql, sizeof sql,
                       "UPDATE t SET b = randomblob(%d), n = n + 1 WHERE a %% 4 = %d", 50 + i % 50,
                       me);
        rc = tk_write(db, sql);
        if (rc == FBK_OK && i % 2 == me % 2)
            rc = fbk__checkpoint(db, i % 4 < 2);
        if (rc == FBK_EBUSY) /* a reader of another process stood in the way */
            rc = FBK_OK;
    }
    if (rc < 0)
        (void)fprintf(stderr, "process %d: %s: %s\n", me, fbk_status_name(rc), fbk_errmsg(db));
    fbk_close(db);
    fbk_store_close(store);
    return rc == FBK_OK ? 0 : 1;
}

START_TEST(processes_that_checkpoint_all_the_time_lose_nothing)
{
    const char *path = tk_path("many");
    pid_t children[N_PROCESSES];
    fbk *db;
    int status;

    window_open();
    db = ours_open(path, NULL);
    tk_assert_ok(db,
                 tk_write(db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB, n INTEGER) STRICT;"
                              "CREATE INDEX i ON t (b);"
                              "WITH RECURSIVE c (x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM c "
                              "WHERE x < 399) INSERT INTO t SELECT x, randomblob(100), 0 FROM c"));
    fbk_close(db);
    for (int i = 0; i < N_PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            _exit(child_work(path, i));
    }
    for (int i = 0; i < N_PROCESSES; i++) {
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d failed", i);
    }
    db = ours_open(path, NULL);
    ck_assert_int_eq(tk_query_int(db, "SELECT sum(n) FROM t"), 400 * N_TRANSACTIONS);
    fbk_close(db);
    tk_store_assert_sound(path);
    tk_vfs_unregister(&vfs);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("walreset");
    TCase *tc = tcase_create("walreset");

    tcase_set_timeout(tc, 120);
    if (sqlite_is_affected())
        tcase_add_test(tc, sqlite_alone_corrupts_in_the_window);
    else
        (void)printf("SQLite %s has the fix: not shown to corrupt by itself\n",
                     sqlite3_libversion());
    tcase_add_test(tc, our_lease_keeps_commits_out_of_the_window);
    tcase_add_test(tc, no_checkpoint_begins_while_another_writes);
    tcase_add_test(tc, processes_that_checkpoint_all_the_time_lose_nothing);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
