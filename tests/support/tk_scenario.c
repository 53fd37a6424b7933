/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_scenario.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/blob.h"
#include "store/conn.h"
#include "store/stmt.h"
#include "support/tk.h"
#include "support/tk_store.h"

enum { BLOB_LEN = 100000 };

static char blob_bytes[BLOB_LEN];

/* Every call of a scenario passes here: success, or a failure that this fault may cause, with a
 * sentence. */
static bool
noted(tk_scenario *me, const char *call, fbk_status rc, const char *message)
{
    if (rc >= 0)
        return true;
    me->n_failed++;
    ck_assert_msg(me->allowed(rc), "%s: %s gave %s: %s", me->name, call, fbk_status_name(rc),
                  message ? message : "");
    ck_assert_msg(!message || message[0], "%s: %s gave %s without a message", me->name, call,
                  fbk_status_name(rc));
    return false;
}

#define NOTED(me, db, call) noted(me, #call, call, (db) ? fbk_errmsg(db) : NULL)

static fbk_store *
scenario_open(tk_scenario *me, uint32_t flags)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;
    fbk_status rc;

    opt.flags = flags;
    opt.allocator = me->allocator;
    opt.vfs = me->vfs;
    opt.cache_kib = 64;
    opt.busy_timeout_ms = 1000;
    rc = fbk_store_open(me->path, &opt, &store, &info);
    ck_assert_int_eq(rc == FBK_OK, store != NULL);
    (void)noted(me, "fbk_store_open", rc, info.message);
    return store;
}

static fbk *
scenario_connect(tk_scenario *me, fbk_store *store)
{
    fbk *db = NULL;

    if (store)
        (void)noted(me, "fbk_connect", fbk_connect(store, &db), NULL);
    return db;
}

static void
scenario_increment(tk_scenario *me, fbk *db)
{
    me->n_attempted++;
    if (NOTED(me, db, tk_write(db, "UPDATE t SET b = b + 1")))
        me->n_acked++;
}

static void
run_create(tk_scenario *me)
{
    fbk_store *store = scenario_open(me, FBK_STORE_CREATE | FBK_STORE_EXCLUSIVE);
    fbk *db = scenario_connect(me, store);

    fbk_close(db);
    fbk_store_close(store);
}

static fbk_status
write_blob(fbk *db)
{
    fbk_status rc = fbk__enter(db);

    if (rc >= 0)
        rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    rc = fbk__blob_write(db, "test", 2, blob_bytes, sizeof blob_bytes);
    if (rc >= 0)
        rc = fbk__generation_bump(db, FBK__KIND_MODEL);
    return fbk__write_end(db, rc);
}

static fbk_status
read_blob(fbk *db)
{
    void *bytes = NULL;
    size_t len = 0;
    fbk_status rc = fbk__blob_read(db, "test", 1, &bytes, &len);

    if (rc < 0) {
        ck_assert_ptr_null(bytes);
        return rc;
    }
    ck_assert_uint_eq(len, sizeof blob_bytes);
    ck_assert_int_eq(memcmp(bytes, blob_bytes, len), 0);
    fbk__free(fbk__a(db), bytes);
    return rc;
}

static void
run_use(tk_scenario *me)
{
    fbk_store_facts facts = {.struct_size = (uint32_t)sizeof facts};
    fbk_store *store = scenario_open(me, 0);
    fbk *db = scenario_connect(me, store);
    uint64_t n = 0;

    if (db) {
        scenario_increment(me, db);
        (void)NOTED(me, db, read_blob(db));
        (void)NOTED(me, db, write_blob(db));
        (void)NOTED(me, db, fbk__generation(db, FBK__KIND_MODEL, &n));
        (void)NOTED(me, db, fbk_store_info(db, &facts));
        scenario_increment(me, db);
        (void)NOTED(me, db, fbk__checkpoint(db, me->n_attempted % 2));
        scenario_increment(me, db);
        /* Once nothing fails any more the same handles work. */
        if (me->calm) {
            int failed = me->n_failed;

            me->calm();
            scenario_increment(me, db);
            (void)NOTED(me, db, read_blob(db));
            (void)NOTED(me, db, write_blob(db));
            ck_assert_msg(me->n_failed == failed, "the connection was of no use any more: %s",
                          fbk_errmsg(db));
        }
    }
    fbk_close(db);
    fbk_store_close(store);
}

static void
run_backup(tk_scenario *me)
{
    fbk_store *store = scenario_open(me, 0);
    fbk *db = scenario_connect(me, store);
    char to[1024];

    (void)snprintf(to, sizeof to, "%s.copy", me->path);
    if (db && NOTED(me, db, fbk_store_backup(db, to, NULL))) {
        if (me->calm)
            me->calm();
        tk_store_assert_sound(to);
        (void)unlink(to);
    } else {
        ck_assert(access(to, F_OK) != 0);
    }
    fbk_close(db);
    fbk_store_close(store);
}

static void
run_check(tk_scenario *me)
{
    fbk_store_check_options opt = FBK_STORE_CHECK_OPTIONS_INIT;
    fbk_store *store = scenario_open(me, FBK_STORE_READONLY);
    fbk *db = scenario_connect(me, store);

    opt.level = FBK_CHECK_FULL;
    if (db)
        (void)NOTED(me, db, fbk_store_check(db, &opt, NULL));
    fbk_close(db);
    fbk_store_close(store);
}

const tk_scenario tk_scenarios[] = {
    {.name = "create", .run = run_create},
    {.name = "use", .run = run_use},
    {.name = "backup", .run = run_backup},
    {.name = "check", .run = run_check},
};
const int tk_n_scenarios = (int)(sizeof tk_scenarios / sizeof tk_scenarios[0]);

void
tk_scenario_make_base(const char *path)
{
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);

    for (size_t i = 0; i < sizeof blob_bytes; i++)
        blob_bytes[i] = (char)(i * 2654435761u >> 24);
    tk_assert_ok(db, tk_write(db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER) STRICT;"
                                  "INSERT INTO t VALUES (1, 0)"));
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db,
                 fbk__write_end(db, fbk__blob_write(db, "test", 1, blob_bytes, sizeof blob_bytes)));
    fbk_close(db);
    fbk_store_close(store);
}

/* Empty the directory; how many files there were besides those of the store. */
static int
clear(const char *dir, const char *store_name)
{
    DIR *d = opendir(dir);
    int n = 0;

    ck_assert_ptr_nonnull(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        char path[1024];

        if (entry->d_name[0] == '.')
            continue;
        n += strncmp(entry->d_name, store_name, strlen(store_name)) != 0 ||
             strstr(entry->d_name, "tmp") != NULL;
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_int_eq(closedir(d), 0);
    return n;
}

void
tk_scenario_prepare(const tk_scenario *me, const char *dir, const char *base)
{
    char *bytes;
    size_t len;
    FILE *file;

    (void)mkdir(dir, 0700);
    (void)clear(dir, "");
    if (me->run == run_create)
        return;
    bytes = tk_slurp(base, &len);
    file = fopen(me->path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
    free(bytes);
}

void
tk_scenario_verify(const tk_scenario *me, const char *dir)
{
    fbk_store *store;
    fbk *db;
    int64_t n;

    if (me->run == run_create && me->n_failed && access(me->path, F_OK) != 0) {
        (void)clear(dir, "store");
        return; /* not made, and nothing of it left */
    }
    tk_store_assert_sound(me->path);
    store = tk_open(me->path, 0);
    db = tk_connect(store);
    if (me->run != run_create) {
        n = tk_query_int(db, "SELECT b FROM t");
        ck_assert_msg(n >= me->n_acked && n <= me->n_attempted,
                      "%s: %d of %d writes were acknowledged, %lld are there", me->name,
                      me->n_acked, me->n_attempted, (long long)n);
        tk_assert_ok(db, read_blob(db));
    }
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(clear(dir, "store"), 0);
}
