/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/conn.h"
#include "support/tk.h"
#include "support/tk_store.h"

static fbk *
make_store(const char *path)
{
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);

    fbk_store_close(store);
    tk_assert_ok(db,
                 tk_write(db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB) STRICT;"
                              "CREATE INDEX i ON t (b);"
                              "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c "
                              "WHERE x < 3000) INSERT INTO t SELECT x, randomblob(200) FROM c"));
    return db;
}

static int
count_files(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;

    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += entry->d_name[0] != '.';
    ck_assert_int_eq(closedir(dir), 0);
    return n;
}

START_TEST(a_backup_is_the_store_as_it_was)
{
    fbk *db = make_store(tk_path("source"));
    fbk_store *store;
    fbk *copy;
    struct stat st;

    ck_assert_int_eq(mkdir(tk_path("b"), 0700), 0);
    tk_assert_ok(db, fbk_store_backup(db, tk_path("b/copy"), NULL));
    ck_assert_int_eq(count_files(tk_path("b")), 1);
    ck_assert_int_eq(stat(tk_path("b/copy"), &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0600);
    tk_assert_ok(db, tk_write(db, "DELETE FROM t")); /* later, and not in the copy */
    tk_store_assert_sound(tk_path("b/copy"));
    store = tk_open(tk_path("b/copy"), 0);
    copy = tk_connect(store);
    ck_assert_int_eq(tk_query_int(copy, "SELECT count(*) FROM t"), 3000);
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM t"), 0);
    tk_assert_ok(copy, tk_write(copy, "DELETE FROM t WHERE a > 10"));
    tk_assert_ok(copy, fbk_store_backup(copy, tk_path("b/again"), NULL));
    fbk_close(copy);
    fbk_store_close(store);
    store = tk_open(tk_path("b/again"), FBK_STORE_READONLY);
    copy = tk_connect(store);
    ck_assert_int_eq(tk_query_int(copy, "SELECT count(*) FROM t"), 10);
    tk_assert_ok(copy, fbk_store_backup(copy, tk_path("b/third"), NULL));
    fbk_close(copy);
    fbk_store_close(store);
    fbk_close(db);
    tk_store_assert_sound(tk_path("b/third"));
}
END_TEST

START_TEST(a_backup_replaces_only_when_asked)
{
    fbk_store_backup_options opt = FBK_STORE_BACKUP_OPTIONS_INIT;
    fbk *db = make_store(tk_path("source"));
    const char *to = tk_path("kept");
    FILE *file = fopen(to, "w");
    size_t len;
    char *text;

    ck_assert_int_gt(fprintf(file, "precious"), 0);
    ck_assert_int_eq(fclose(file), 0);
    tk_assert_fails(db, FBK_EEXIST, fbk_store_backup(db, to, NULL));
    text = tk_slurp(to, &len);
    ck_assert_str_eq(text, "precious");
    free(text);
    opt.flags = FBK_BACKUP_OVERWRITE;
    tk_assert_ok(db, fbk_store_backup(db, to, &opt));
    tk_store_assert_sound(to);
    tk_assert_ok(db, fbk_store_backup(db, to, &opt));
    fbk_close(db);
}
END_TEST

START_TEST(a_backup_refuses_wrong_targets)
{
    fbk_store_backup_options opt = FBK_STORE_BACKUP_OPTIONS_INIT;
    const char *path = tk_path("source");
    fbk *db = make_store(path);
    fbk *in_use;
    int fd;

    opt.flags = FBK_BACKUP_OVERWRITE;
    tk_assert_fails(db, FBK_EINVAL, fbk_store_backup(db, path, &opt));
    tk_assert_fails(db, FBK_EINVAL, fbk_store_backup(db, NULL, &opt));
    tk_assert_fails(db, FBK_EINVAL, fbk_store_backup(db, "", &opt));
    tk_assert_fails(db, FBK_EINVAL, fbk_store_backup(db, tk_tmpdir(), &opt));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_store_backup(db, tk_path("no/such/dir"), &opt));
    ck_assert_int_eq(symlink(path, tk_path("link")), 0);
    tk_assert_fails(db, FBK_EINVAL, fbk_store_backup(db, tk_path("link"), &opt));
    in_use = make_store(tk_path("used"));
    tk_assert_fails(db, FBK_EBUSY, fbk_store_backup(db, tk_path("used"), &opt));
    fbk_close(in_use);
    tk_assert_ok(db, fbk_store_backup(db, tk_path("used"), &opt));
    /* A log without its file would be replayed into the copy. */
    fd = open(tk_path("fresh-wal"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    ck_assert_int_eq(close(fd), 0);
    tk_assert_fails(db, FBK_EEXIST, fbk_store_backup(db, tk_path("fresh"), NULL));
    opt.flags = 8;
    tk_assert_fails(db, FBK_EINVAL, fbk_store_backup(db, tk_path("new"), &opt));
    tk_assert_ok(db, fbk__write_begin(db));
    ck_assert_int_eq(fbk_store_backup(db, tk_path("new"), NULL), FBK_EMISUSE);
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    fbk_close(db);
}
END_TEST

typedef struct watch {
    int n_calls;
    uint64_t last;
    uint64_t total;
    fbk_status answer;
} watch;

static fbk_status
watch_progress(void *user_data, uint64_t done, uint64_t total)
{
    watch *w = user_data;

    ck_assert_uint_le(done, total);
    ck_assert_uint_ge(done, w->last);
    w->last = done;
    w->total = total;
    w->n_calls++;
    return w->answer;
}

START_TEST(a_backup_that_is_stopped_leaves_nothing)
{
    static const struct {
        fbk_status answer;
        fbk_status expected;
    } cases[] = {{FBK_OK, FBK_OK}, {FBK_ECANCELLED, FBK_ECANCELLED}, {-4711, FBK_ECALLBACK}};
    watch w = {.answer = cases[_i].answer};
    fbk_store_backup_options opt = FBK_STORE_BACKUP_OPTIONS_INIT;
    fbk *db = make_store(tk_path("source"));

    opt.progress = watch_progress;
    opt.progress_user_data = &w;
    ck_assert_int_eq(mkdir(tk_path("c"), 0700), 0);
    ck_assert_int_eq(fbk_store_backup(db, tk_path("c/copy"), &opt), cases[_i].expected);
    ck_assert_int_gt(w.n_calls, 0);
    ck_assert_int_eq(count_files(tk_path("c")), cases[_i].expected == FBK_OK);
    if (cases[_i].expected == FBK_ECALLBACK)
        ck_assert_int_eq(db->err.callback_value, -4711);
    tk_assert_ok(db, fbk_store_check(db, NULL, NULL));
    fbk_close(db);
}
END_TEST

START_TEST(a_damaged_store_makes_no_backup)
{
    const char *path = tk_path("source");
    unsigned char byte = 0xa5;
    struct stat st;
    fbk_store *store;
    fbk *db;
    int fd;

    fbk_close(make_store(path));
    ck_assert_int_eq(stat(path, &st), 0);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, &byte, 1, st.st_size / 2 + 100), 1);
    ck_assert_int_eq(close(fd), 0);
    store = tk_open(path, 0);
    db = tk_connect(store);
    ck_assert_int_eq(mkdir(tk_path("d"), 0700), 0);
    tk_assert_fails(db, FBK_ECORRUPT, fbk_store_backup(db, tk_path("d/copy"), NULL));
    ck_assert_int_eq(count_files(tk_path("d")), 0);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

/* ---- check ---- */

typedef struct listener {
    int n;
    char first[256];
    fbk_status answer;
} listener;

static fbk_status
listen_problem(void *user_data, const char *sentence)
{
    listener *l = user_data;

    if (l->n++ == 0)
        (void)snprintf(l->first, sizeof l->first, "%s", sentence);
    return l->answer;
}

/* What a foreign tool may do to the tables: its pages stay in the WAL, whose frames have checksums of
 * their own, and get ours when they are written back. */
static void
meddle(const char *path, const char *sql)
{
    sqlite3 *sq = NULL;
    char *text = NULL;

    ck_assert_int_eq(sqlite3_open(path, &sq), SQLITE_OK);
    ck_assert_int_eq(sqlite3_db_config(sq, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(sq, sql, NULL, NULL, &text) == SQLITE_OK, "%s", text);
    ck_assert_int_eq(sqlite3_close(sq), SQLITE_OK);
}

START_TEST(check_tells_what_is_wrong)
{
    static const struct {
        const char *meddling;
        uint32_t level;
        const char *word; /* NULL = nothing is found */
    } cases[] = {
        {"SELECT 1", FBK_CHECK_FULL, NULL},
        {"INSERT INTO q VALUES (7)", FBK_CHECK_QUICK, NULL},
        {"INSERT INTO q VALUES (7)", FBK_CHECK_FULL, "row 1 of table q"},
        {"PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'i'", FBK_CHECK_QUICK,
         "never used"},
        {"PRAGMA application_id = 1", FBK_CHECK_QUICK, "another application"},
    };
    const char *path = tk_path("source");
    fbk_store_check_options opt = FBK_STORE_CHECK_OPTIONS_INIT;
    fbk_store_check_result result = {.struct_size = (uint32_t)sizeof result};
    listener l = {0};
    fbk *db = make_store(path);

    tk_assert_ok(db, tk_write(db, "CREATE TABLE p (a INTEGER PRIMARY KEY) STRICT;"
                                  "CREATE TABLE q (a INTEGER REFERENCES p (a)) STRICT"));
    meddle(path, cases[_i].meddling);
    opt.level = cases[_i].level;
    opt.problem = listen_problem;
    opt.problem_user_data = &l;
    if (!cases[_i].word) {
        tk_assert_ok(db, fbk_store_check(db, &opt, &result));
        ck_assert_str_eq(fbk_errmsg(db), "");
    } else {
        tk_assert_fails(db, FBK_ECORRUPT, fbk_store_check(db, &opt, &result));
        ck_assert_msg(strstr(l.first, cases[_i].word) != NULL, "%s", l.first);
        ck_assert_str_eq(fbk_errmsg(db), l.first);
        l = (listener){.answer = -5};
        tk_assert_fails(db, FBK_ECALLBACK, fbk_store_check(db, &opt, NULL));
        ck_assert_int_eq(l.n, 1);
    }
    ck_assert_uint_eq(result.n_problems > 0, cases[_i].word != NULL);
    fbk_close(db);
}
END_TEST

START_TEST(check_refuses_what_it_does_not_know)
{
    fbk_store_check_options opt = FBK_STORE_CHECK_OPTIONS_INIT;
    fbk_store_check_result result = {.struct_size = 8};
    watch w = {.answer = FBK_ECANCELLED};
    fbk *db = make_store(tk_path("source"));

    opt.level = 2;
    tk_assert_fails(db, FBK_EINVAL, fbk_store_check(db, &opt, NULL));
    opt.level = FBK_CHECK_FULL;
    tk_assert_fails(db, FBK_EABI, fbk_store_check(db, &opt, &result));
    opt.progress = watch_progress;
    opt.progress_user_data = &w;
    tk_assert_fails(db, FBK_ECANCELLED, fbk_store_check(db, &opt, NULL));
    tk_assert_ok(db, fbk__read_begin(db));
    tk_assert_fails(db, FBK_EMISUSE, fbk_store_check(db, NULL, NULL));
    fbk__read_end(db);
    fbk_close(db);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_backup");
    TCase *tc = tcase_create("store_backup");

    tcase_add_test(tc, a_backup_is_the_store_as_it_was);
    tcase_add_test(tc, a_backup_replaces_only_when_asked);
    tcase_add_test(tc, a_backup_refuses_wrong_targets);
    tcase_add_loop_test(tc, a_backup_that_is_stopped_leaves_nothing, 0, 3);
    tcase_add_test(tc, a_damaged_store_makes_no_backup);
    tcase_add_loop_test(tc, check_tells_what_is_wrong, 0, 5);
    tcase_add_test(tc, check_refuses_what_it_does_not_know);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
