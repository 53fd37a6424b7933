/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/store.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/conn.h"
#include "store/path.h"
#include "store/schema.h"
#include "store/stmt.h"
#include "store/store.h"
#include "support/tk.h"
#include "support/tk_store.h"

/* Opening: what is a store, what is refused, and what is left behind. */

static void
assert_open_fails(const char *path, const fbk_store_options *opt, fbk_status code, const char *word)
{
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;
    fbk_status rc = fbk_store_open(path, opt, &store, &info);

    ck_assert_msg(rc == code, "%s instead of %s: %s", fbk_status_name(rc), fbk_status_name(code),
                  info.message);
    ck_assert_ptr_null(store);
    ck_assert_int_eq(info.status, code);
    ck_assert_msg(strstr(info.message, word) != NULL, "'%s' lacks '%s'", info.message, word);
    ck_assert_ptr_null(strchr(info.message, '\n'));
}

static void
write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static void
sqlite_run(const char *path, const char *sql)
{
    sqlite3 *sq = NULL;
    char *text = NULL;

    ck_assert_int_eq(sqlite3_open(path, &sq), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(sq, sql, NULL, NULL, &text) == SQLITE_OK, "%s", text);
    ck_assert_int_eq(sqlite3_close(sq), SQLITE_OK);
}

static bool
exists(const char *path)
{
    return access(path, F_OK) == 0;
}

START_TEST(options_outside_their_range_are_refused)
{
    static const struct {
        fbk_store_options opt;
        fbk_status code;
        const char *word;
    } cases[] = {
        {{.flags = 1u << 30}, FBK_EINVAL, "flags"},
        {{.flags = FBK_STORE_READONLY | FBK_STORE_CREATE}, FBK_EINVAL, "READONLY"},
        {{.flags = FBK_STORE_EXCLUSIVE}, FBK_EINVAL, "CREATE"},
        {{.durability = 2}, FBK_ERANGE, "durability"},
        {{.busy_timeout_ms = 600001}, FBK_ERANGE, "busy_timeout_ms"},
        {{.cache_kib = 63}, FBK_ERANGE, "cache_kib"},
        {{.page_size = 2048}, FBK_ERANGE, "page_size"},
        {{.page_size = 6000}, FBK_ERANGE, "page_size"},
        {{.page_size = 16384}, FBK_ERANGE, "page_size"},
        {{.currency = "eur"}, FBK_EINVAL, "currency"},
        {{.currency = "EURO"}, FBK_EINVAL, "currency"},
        {{.time_zone = "../etc/passwd"}, FBK_EINVAL, "time_zone"},
        {{.time_zone = "/etc/localtime"}, FBK_EINVAL, "time_zone"},
        {{.time_zone = ""}, FBK_EINVAL, "time_zone"},
        {{.vfs = "no such vfs"}, FBK_EINVAL, "VFS"},
    };
    fbk_store_options opt = cases[_i].opt;

    opt.struct_size = (uint32_t)sizeof opt;
    assert_open_fails(tk_path("options"), &opt, cases[_i].code, cases[_i].word);
    ck_assert(!exists(tk_path("options")));
    ck_assert(!exists(tk_path("options-fbk.lck")));
}
END_TEST

START_TEST(arguments_are_checked)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_allocator half = {.struct_size = (uint32_t)sizeof half};
    fbk_errinfo info = {.struct_size = 8};
    fbk_store *store = NULL;
    fbk *db = NULL;

    assert_open_fails(NULL, NULL, FBK_EINVAL, "path");
    assert_open_fails("", NULL, FBK_EINVAL, "path");
    assert_open_fails("/", NULL, FBK_EINVAL, "path");
    assert_open_fails("..", NULL, FBK_EINVAL, "path");
    ck_assert_int_eq(fbk_store_open("x", NULL, NULL, NULL), FBK_EINVAL);
    opt.allocator = &half;
    assert_open_fails(":memory:", &opt, FBK_EINVAL, "allocator");
    opt.allocator = NULL;
    opt.struct_size = 8;
    assert_open_fails(":memory:", &opt, FBK_EABI, "struct_size");
    ck_assert_int_eq(fbk_store_open(":memory:", NULL, &store, &info), FBK_EABI);
    ck_assert_ptr_null(store);
    ck_assert_int_eq(fbk_connect(NULL, &db), FBK_EINVAL);
    ck_assert_int_eq(fbk_store_info(NULL, NULL), FBK_EINVAL);
    fbk_close(NULL);
    fbk_store_close(NULL);
}
END_TEST

START_TEST(create_and_exclusive_mean_what_they_say)
{
    const char *path = tk_path("create");
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;

    assert_open_fails(path, NULL, FBK_ENOTFOUND, "no store");
    ck_assert(!exists(tk_path("create-fbk.lck")));
    assert_open_fails(tk_path("no/such/dir"), NULL, FBK_ENOTFOUND, "exist");
    opt.flags = FBK_STORE_CREATE | FBK_STORE_EXCLUSIVE;
    fbk_store_close(tk_open_with(path, &opt));
    assert_open_fails(path, &opt, FBK_EEXIST, "already");
    opt.flags = FBK_STORE_CREATE;
    fbk_store_close(tk_open_with(path, &opt));
    opt.flags = FBK_STORE_READONLY;
    fbk_store_close(tk_open_with(path, &opt));
}
END_TEST

START_TEST(links_and_odd_files_are_refused)
{
    const char *path = tk_path("target");

    fbk_store_close(tk_open(path, FBK_STORE_CREATE));
    ck_assert_int_eq(symlink(path, tk_path("symlink")), 0);
    assert_open_fails(tk_path("symlink"), NULL, FBK_EINVAL, "symbolic link");
    ck_assert_int_eq(symlink(tk_path("nowhere"), tk_path("dangling")), 0);
    assert_open_fails(tk_path("dangling"), NULL, FBK_EINVAL, "symbolic link");
    ck_assert_int_eq(link(path, tk_path("hardlink")), 0);
    assert_open_fails(path, NULL, FBK_EINVAL, "hard links");
    assert_open_fails(tk_path("hardlink"), NULL, FBK_EINVAL, "hard links");
    ck_assert_int_eq(unlink(tk_path("hardlink")), 0);
    ck_assert_int_eq(mkdir(tk_path("dir"), 0700), 0);
    assert_open_fails(tk_path("dir"), NULL, FBK_EINVAL, "plain file");
    ck_assert_int_eq(mkfifo(tk_path("fifo"), 0600), 0);
    assert_open_fails(tk_path("fifo"), NULL, FBK_EINVAL, "plain file");
    /* A directory may be reached through a link: the file has one name all the same. */
    ck_assert_int_eq(symlink(tk_tmpdir(), tk_path("dirlink")), 0);
    fbk_store_close(tk_open(tk_path("dirlink/target"), 0));
}
END_TEST

START_TEST(a_path_is_never_a_uri)
{
    static const char *const names[] = {
        "file:x",    "file:y?mode=memory", "file:z?immutable=1", "./file:w?vfs=none",
        " :memory:", "a b%20c?d=e#f"};
    char here[4096];
    const char *name = names[_i];
    const char *last = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;

    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert_int_eq(chdir(tk_tmpdir()), 0);
    fbk_store_close(tk_open(name, FBK_STORE_CREATE));
    ck_assert_msg(exists(tk_path(last)), "%s was not made", last);
    fbk_store_close(tk_open(tk_path(last), 0));
    ck_assert_int_eq(chdir(here), 0);
}
END_TEST

START_TEST(a_store_is_its_owners_alone)
{
    static const mode_t masks[] = {0, 022, 0777};
    static const char *const sides[] = {"", "-wal", "-shm", "-fbk.lck"};
    mode_t old = umask(masks[_i]);
    fbk_store *store = tk_open(tk_path("mode"), FBK_STORE_CREATE);
    fbk *db = tk_connect(store);
    struct stat st;

    tk_assert_ok(db, tk_write(db, "INSERT INTO fbk_meta VALUES ('test.a', 'b')"));
    (void)umask(old);
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        char name[64];

        (void)snprintf(name, sizeof name, "mode%s", sides[i]);
        ck_assert_int_eq(stat(tk_path(name), &st), 0);
        ck_assert_msg((st.st_mode & 07777) == 0600, "%s has mode %o", name, st.st_mode & 07777);
    }
    fbk_close(db);
    fbk_store_close(store);
    ck_assert(!exists(tk_path("mode-wal")) && !exists(tk_path("mode-shm")));
}
END_TEST

START_TEST(a_file_that_is_no_store_is_left_alone)
{
    static const struct {
        const char *content; /* NULL = a SQLite database of somebody else's */
        const char *word;
    } cases[] = {
        {"InvoiceNo,StockCode,Quantity\n536365,85123A,6\n", "not a store"},
        {"SQLite format 3", "another application"}, /* with its NUL, and no more */
        {"", "empty"},
        {"x", "not a store"},
        {NULL, "another application"},
    };
    const char *path = tk_path("alien");
    struct stat before;
    struct stat after;

    (void)unlink(path);
    if (cases[_i].content)
        write_file(path, cases[_i].content, strlen(cases[_i].content) + (_i == 1));
    else
        sqlite_run(path, "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    ck_assert_int_eq(stat(path, &before), 0);
    assert_open_fails(path, NULL, FBK_ECORRUPT, cases[_i].word);
    if (before.st_size > 0) {
        fbk_store_options opt = FBK_STORE_OPTIONS_INIT;

        opt.flags = FBK_STORE_CREATE;
        assert_open_fails(path, &opt, FBK_ECORRUPT, cases[_i].word);
        opt.flags = FBK_STORE_READONLY;
        assert_open_fails(path, &opt, FBK_ECORRUPT, cases[_i].word);
    }
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_int_eq(before.st_size, after.st_size);
    ck_assert(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
              before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    ck_assert(!exists(tk_path("alien-fbk.lck")) && !exists(tk_path("alien-shm")));
}
END_TEST

START_TEST(an_empty_file_becomes_a_store_when_asked)
{
    const char *path = tk_path("touched");

    write_file(path, "", 0);
    assert_open_fails(path, NULL, FBK_ECORRUPT, "empty");
    fbk_store_close(tk_open(path, FBK_STORE_CREATE));
    tk_store_assert_sound(path);
}
END_TEST

START_TEST(a_store_that_was_cut_off_is_damaged)
{
    const char *path = tk_path("cut");
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = NULL;
    fbk *db = NULL;
    fbk_status rc;
    struct stat st;

    fbk_store_close(tk_open(path, FBK_STORE_CREATE));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size / 2 / 4096 * 4096), 0);
    rc = fbk_store_open(path, &opt, &store, &info);
    if (rc == FBK_OK) { /* the head was sound; a check must tell */
        db = tk_connect(store);
        tk_assert_fails(db, FBK_ECORRUPT, fbk_store_check(db, NULL, NULL));
    } else {
        ck_assert_int_eq(rc, FBK_ECORRUPT);
    }
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_newer_store_is_refused)
{
    const char *path = tk_path("newer");
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);

    tk_assert_ok(db, tk_write(db, "PRAGMA user_version = 2"));
    fbk_close(db);
    fbk_store_close(store);
    assert_open_fails(path, NULL, FBK_ESCHEMA, "newer");
    opt.flags = FBK_STORE_READONLY;
    assert_open_fails(path, &opt, FBK_ESCHEMA, "newer");
}
END_TEST

/* Steps of a library to come, against the writer of a store of today. */
static fbk_status
migrate_with(fbk_store *store, const char *step_2, const char *step_3)
{
    const fbk__migration steps[] = {{1, fbk__schema_v1}, {2, step_2}, {3, step_3}};
    struct fbk__conn conn = {.store = store, .write_depth = 1};
    struct fbk db = {.alloc = fbk__libc_allocator, .conn = &conn};

    return fbk__migrate(&db, steps, 3, NULL);
}

START_TEST(migrations_go_forward_or_not_at_all)
{
    const char *path = tk_path("migrate");
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);

    tk_assert_ok(db, tk_write(db, "INSERT INTO fbk_meta VALUES ('test.a', 'kept')"));
    ck_assert_int_eq(migrate_with(store, "CREATE TABLE fbk_later (a INTEGER) STRICT",
                                  "CREATE TABLE fbk_meta (a INTEGER) STRICT"),
                     FBK_EDB);
    ck_assert_int_eq(tk_query_int(db, "PRAGMA user_version"), 1);
    ck_assert_int_eq(
        tk_query_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'fbk_later'"), 0);
    ck_assert_int_eq(migrate_with(store, "CREATE TABLE fbk_later (a INTEGER) STRICT",
                                  "INSERT INTO fbk_later VALUES (7)"),
                     FBK_OK);
    ck_assert_int_eq(tk_query_int(db, "PRAGMA user_version"), 3);
    ck_assert_int_eq(tk_query_int(db, "SELECT a FROM fbk_later"), 7);
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM fbk_meta WHERE value = 'kept'"), 1);
    ck_assert_int_eq(migrate_with(store, "fails if run", "fails if run"), FBK_OK);
    fbk_close(db);
    fbk_store_close(store);
    assert_open_fails(path, NULL, FBK_ESCHEMA, "version 3");
}
END_TEST

START_TEST(a_store_says_what_it_is)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store_facts facts = {.struct_size = (uint32_t)sizeof facts};
    fbk_store *store;
    fbk *db;

    opt.flags = FBK_STORE_CREATE | FBK_STORE_PRICES_NET;
    opt.currency = "GBP";
    opt.time_zone = "Europe/London";
    opt.page_size = 8192;
    store = tk_open_with(tk_path("facts"), &opt);
    db = tk_connect(store);
    tk_assert_ok(db, fbk_store_info(db, &facts));
    ck_assert_str_eq(facts.currency, "GBP");
    ck_assert_str_eq(facts.time_zone, "Europe/London");
    ck_assert_uint_eq(facts.page_size, 8192);
    ck_assert_uint_eq(facts.schema_version, 1);
    ck_assert_uint_eq(facts.flags, FBK_STORE_FACT_PRICES_NET);
    ck_assert_uint_eq(facts.file_len, facts.n_pages * 8192);
    ck_assert_uint_eq(facts.durability, FBK_DURABILITY_FULL);
    facts.struct_size = 16;
    tk_assert_fails(db, FBK_EABI, fbk_store_info(db, &facts));
    tk_assert_fails(db, FBK_EINVAL, fbk_store_info(db, NULL));
    fbk_close(db);
    fbk_store_close(store);
    /* What was said at creation stays; the options of a later opening do not change it. */
    opt.flags = 0;
    opt.currency = "EUR";
    opt.page_size = 4096;
    store = tk_open_with(tk_path("facts"), &opt);
    db = tk_connect(store);
    facts.struct_size = (uint32_t)sizeof facts;
    tk_assert_ok(db, fbk_store_info(db, &facts));
    ck_assert_str_eq(facts.currency, "GBP");
    ck_assert_uint_eq(facts.page_size, 8192);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(memory_is_private_and_goes)
{
    fbk_store *a = tk_open(":memory:", 0);
    fbk_store *b = tk_open(":memory:", 0);
    fbk *in_a = tk_connect(a);
    fbk *in_b = tk_connect(b);
    fbk_store_facts facts = {.struct_size = (uint32_t)sizeof facts};
    char dir[4096];
    struct stat st;

    tk_assert_ok(in_a, tk_write(in_a, "INSERT INTO fbk_meta VALUES ('test.a', '1')"));
    ck_assert_int_eq(tk_query_int(in_a, "SELECT count(*) FROM fbk_meta"), 5);
    ck_assert_int_eq(tk_query_int(in_b, "SELECT count(*) FROM fbk_meta"), 4);
    tk_assert_ok(in_a, fbk_store_info(in_a, &facts));
    ck_assert_uint_eq(facts.flags, FBK_STORE_FACT_MEMORY);
    (void)snprintf(dir, sizeof dir, "%s", a->tmpdir);
    ck_assert_int_eq(stat(dir, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0700);
    fbk_store_close(a);
    fbk_store_close(b);
    ck_assert(exists(dir));
    fbk_close(in_a);
    fbk_close(in_b);
    ck_assert(!exists(dir));
}
END_TEST

/* ---- reading only ---- */

START_TEST(read_only_never_writes)
{
    const char *path = tk_path("readonly");
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *writer = tk_connect(store);
    fbk_store *reading = tk_open(path, FBK_STORE_READONLY);
    fbk *db = tk_connect(reading);

    ck_assert(fbk__store_readonly(db) && !fbk__store_readonly(writer));
    tk_assert_fails(db, FBK_EREADONLY, fbk__write_begin(db));
    tk_assert_fails(db, FBK_EREADONLY, fbk__checkpoint(db, true));
    ck_assert_int_lt(fbk__exec(db, "DELETE FROM fbk_meta"), 0);
    tk_assert_ok(writer, tk_write(writer, "INSERT INTO fbk_meta VALUES ('test.a', '1')"));
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM fbk_meta"), 5);
    fbk_close(writer);
    fbk_store_close(store);
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM fbk_meta"), 5);
    fbk_close(db);
    fbk_store_close(reading);
    tk_store_assert_sound(path);
}
END_TEST

/* What somebody without write permission finds. Root may write anywhere, so a child gives that up;
 * its exit status is the number of the line that failed. */
#define CHILD_ASSERT(condition)        \
    do {                               \
        if (!(condition))              \
            _exit(__LINE__ % 250 + 1); \
    } while (0)

static void
child_reads_only(const char *path)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store_facts facts = {.struct_size = (uint32_t)sizeof facts};
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;
    fbk *db = NULL;

    CHILD_ASSERT(geteuid() != 0 || setuid(65534) == 0);
    CHILD_ASSERT(fbk_store_open(path, NULL, &store, &info) == FBK_EREADONLY);
    CHILD_ASSERT(info.message[0]);
    opt.flags = FBK_STORE_READONLY;
    CHILD_ASSERT(fbk_store_open(path, &opt, &store, &info) == FBK_OK);
    CHILD_ASSERT(fbk_connect(store, &db) == FBK_OK);
    CHILD_ASSERT(fbk_store_info(db, &facts) == FBK_OK);
    CHILD_ASSERT(facts.flags == (FBK_STORE_FACT_READONLY | FBK_STORE_FACT_IMMUTABLE));
    CHILD_ASSERT(fbk_store_check(db, NULL, NULL) == FBK_OK);
    CHILD_ASSERT(tk_write(db, "DELETE FROM fbk_meta") == FBK_EREADONLY);
    fbk_close(db);
    fbk_store_close(store);
    _exit(0);
}

static void
child_finds_log(const char *path)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;

    CHILD_ASSERT(geteuid() != 0 || setuid(65534) == 0);
    opt.flags = FBK_STORE_READONLY;
    CHILD_ASSERT(fbk_store_open(path, &opt, &store, &info) == FBK_EREADONLY);
    CHILD_ASSERT(strstr(info.message, "not yet written back") != NULL);
    CHILD_ASSERT(!store);
    _exit(0);
}

static void
child_creates(const char *path)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;

    CHILD_ASSERT(geteuid() != 0 || setuid(65534) == 0);
    opt.flags = FBK_STORE_CREATE;
    CHILD_ASSERT(fbk_store_open(path, &opt, &store, &info) == FBK_EREADONLY);
    CHILD_ASSERT(info.message[0] && !store);
    _exit(0);
}

static void
assert_child(void (*child)(const char *path), const char *path)
{
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        child(path);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child stopped at line ≡ %d",
                  WIFEXITED(status) ? WEXITSTATUS(status) - 1 : -1);
}

START_TEST(a_directory_that_cannot_be_written)
{
    const char *path = tk_path("locked/store");
    fbk_store *store;
    fbk *db;
    char wal[4096];
    size_t len;
    char *kept;

    ck_assert_int_eq(chmod(tk_tmpdir(), 0755), 0);
    ck_assert_int_eq(mkdir(tk_path("locked"), 0755), 0);
    store = tk_open(path, FBK_STORE_CREATE);
    db = tk_connect(store);
    tk_assert_ok(db, tk_write(db, "INSERT INTO fbk_meta VALUES ('test.a', '1')"));
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    kept = tk_slurp(wal, &len);
    ck_assert_uint_gt(len, 0);
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(chmod(path, 0444), 0);
    ck_assert_int_eq(chmod(tk_path("locked"), 0555), 0);
    assert_child(child_reads_only, path);
    assert_child(child_creates, tk_path("locked/new"));
    /* A log that nobody wrote back, as after a kill. */
    ck_assert_int_eq(chmod(tk_path("locked"), 0755), 0);
    write_file(wal, kept, len);
    ck_assert_int_eq(chmod(wal, 0444), 0);
    ck_assert_int_eq(chmod(tk_path("locked"), 0555), 0);
    assert_child(child_finds_log, path);
    ck_assert_int_eq(chmod(tk_path("locked"), 0755), 0);
    free(kept);
}
END_TEST

START_TEST(network_file_systems_are_known)
{
    static const struct {
        uint64_t magic;
        bool network;
    } cases[] = {
        {0x6969, true},      /* NFS */
        {0xff534d42, true},  /* CIFS */
        {0x65735546, true},  /* FUSE */
        {0xef53, false},     /* ext4 */
        {0x01021994, false}, /* tmpfs */
        {0x58465342, false}, /* XFS */
        {0x9123683e, false}, /* btrfs */
        {0x794c7630, false}, /* overlayfs */
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(fbk__is_network_filesystem(cases[i].magic) == cases[i].network, "0x%llx",
                      (unsigned long long)cases[i].magic);
}
END_TEST

/* ---- page checksums ---- */

static void
flip(const char *path, off_t at)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    unsigned char byte;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    ck_assert_int_eq(close(fd), 0);
}

/* A table of one row a page, its pages known by number. */
static void
make_pages(const char *path)
{
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);

    tk_assert_ok(db, tk_write(db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB) STRICT;"
                                  "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c "
                                  "WHERE x < 64) INSERT INTO t SELECT x, zeroblob(3000) FROM c"));
    fbk_close(db);
    fbk_store_close(store);
}

/* A byte in the middle of zeroes: SQLite alone cannot see that it changed. */
START_TEST(one_flipped_bit_is_found_and_its_page_named)
{
    const char *path = tk_path("flip");
    fbk_store_check_options opt = FBK_STORE_CHECK_OPTIONS_INIT;
    fbk_store_check_result result = {.struct_size = (uint32_t)sizeof result};
    fbk_store_facts facts = {.struct_size = (uint32_t)sizeof facts};
    fbk__stmt *st = NULL;
    char word[32];
    fbk_store *store;
    fbk *db;
    fbk_status rc;

    make_pages(path);
    store = tk_open(path, 0);
    db = tk_connect(store);
    tk_assert_ok(db, fbk_store_info(db, &facts));
    fbk_close(db);
    fbk_store_close(store);
    flip(path, (off_t)(facts.n_pages - 2) * 4096 + 2000);
    (void)snprintf(word, sizeof word, "page %u ", (unsigned)facts.n_pages - 1);
    store = tk_open(path, 0);
    db = tk_connect(store);
    tk_assert_ok(db, fbk__stmt_get(db, "SELECT max(length(hex(b))) FROM t", &st));
    rc = fbk__step(st);
    ck_assert_int_eq(rc, FBK_ECORRUPT);
    ck_assert_msg(strstr(fbk_errmsg(db), word) != NULL, "%s", fbk_errmsg(db));
    ck_assert_int_eq(db->err.sqlite_code, SQLITE_IOERR_DATA);
    fbk__stmt_put(st);
    opt.level = FBK_CHECK_FULL;
    tk_assert_fails(db, FBK_ECORRUPT, fbk_store_check(db, &opt, &result));
    ck_assert_uint_eq(result.n_bad_pages, 1);
    ck_assert_uint_eq(result.first_bad_page, facts.n_pages - 1);
    ck_assert_uint_eq(result.n_pages, facts.n_pages);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(a_page_in_the_wrong_place_is_found)
{
    const char *path = tk_path("swap");
    fbk_store_check_options opt = FBK_STORE_CHECK_OPTIONS_INIT;
    fbk_store_check_result result = {.struct_size = (uint32_t)sizeof result};
    unsigned char pages[2][4096];
    struct stat st;
    fbk_store *store;
    fbk *db;
    off_t a;
    int fd;

    make_pages(path);
    ck_assert_int_eq(stat(path, &st), 0);
    a = st.st_size - 3 * 4096;
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(pread(fd, pages, sizeof pages, a), sizeof pages);
    ck_assert_int_eq(pwrite(fd, pages[1], 4096, a), 4096);
    ck_assert_int_eq(pwrite(fd, pages[0], 4096, a + 4096), 4096);
    ck_assert_int_eq(close(fd), 0);
    store = tk_open(path, 0);
    db = tk_connect(store);
    opt.level = FBK_CHECK_FULL;
    tk_assert_fails(db, FBK_ECORRUPT, fbk_store_check(db, &opt, &result));
    ck_assert_uint_eq(result.n_bad_pages, 2);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

START_TEST(every_page_has_its_checksum_whatever_was_done)
{
    const char *path = tk_path("churn");
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store *store;
    fbk *db;

    opt.flags = FBK_STORE_CREATE;
    opt.page_size = _i ? 8192 : 4096;
    opt.cache_kib = 64; /* spills */
    opt.durability = FBK_DURABILITY_NORMAL;
    store = tk_open_with(path, &opt);
    db = tk_connect(store);
    tk_assert_ok(db, tk_write(db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB) STRICT;"
                                  "CREATE INDEX i ON t (b)"));
    for (int i = 0; i < 20; i++) {
        tk_assert_ok(db, tk_write(db, "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 "
                                      "FROM c WHERE x < 300) INSERT INTO t (b) SELECT "
                                      "randomblob(10 + 7 * (x % 400)) FROM c"));
        tk_assert_ok(db, tk_write(db, "DELETE FROM t WHERE a % 3 = 1"));
        tk_assert_ok(db, fbk__checkpoint(db, i % 2 == 0));
    }
    fbk_close(db);
    fbk_store_close(store);
    tk_store_assert_sound(path);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store");
    TCase *tc = tcase_create("store");

    tcase_add_loop_test(tc, options_outside_their_range_are_refused, 0, 15);
    tcase_add_test(tc, arguments_are_checked);
    tcase_add_test(tc, create_and_exclusive_mean_what_they_say);
    tcase_add_test(tc, links_and_odd_files_are_refused);
    tcase_add_loop_test(tc, a_path_is_never_a_uri, 0, 6);
    tcase_add_loop_test(tc, a_store_is_its_owners_alone, 0, 3);
    tcase_add_loop_test(tc, a_file_that_is_no_store_is_left_alone, 0, 5);
    tcase_add_test(tc, an_empty_file_becomes_a_store_when_asked);
    tcase_add_test(tc, a_store_that_was_cut_off_is_damaged);
    tcase_add_test(tc, a_newer_store_is_refused);
    tcase_add_test(tc, migrations_go_forward_or_not_at_all);
    tcase_add_test(tc, a_store_says_what_it_is);
    tcase_add_test(tc, memory_is_private_and_goes);
    tcase_add_test(tc, read_only_never_writes);
    tcase_add_test(tc, a_directory_that_cannot_be_written);
    tcase_add_test(tc, network_file_systems_are_known);
    tcase_add_test(tc, one_flipped_bit_is_found_and_its_page_named);
    tcase_add_test(tc, a_page_in_the_wrong_place_is_found);
    tcase_add_loop_test(tc, every_page_has_its_checksum_whatever_was_done, 0, 2);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
