/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_store.h"

#include <sqlite3.h>

#include "store/conn.h"
#include "store/stmt.h"
#include "support/tk.h"

fbk_store *
tk_open_with(const char *path, const fbk_store_options *options)
{
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;
    fbk_status rc = fbk_store_open(path, options, &store, &info);

    tk_must(rc == FBK_OK, "%s: %s: %s", path, fbk_status_name(rc), info.message);
    return store;
}

fbk_store *
tk_open(const char *path, uint32_t flags)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;

    opt.flags = flags;
    return tk_open_with(path, &opt);
}

fbk *
tk_connect(fbk_store *store)
{
    fbk *db = NULL;
    fbk_status rc = fbk_connect(store, &db);

    tk_must(rc == FBK_OK, "%s", fbk_status_name(rc));
    return db;
}

int64_t
tk_query_int(fbk *db, const char *sql)
{
    fbk__stmt *st = NULL;
    int64_t value;

    tk_assert_ok(db, fbk__stmt_get(db, sql, &st));
    tk_assert_ok(db, fbk__step(st));
    value = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return value;
}

fbk_status
tk_write(fbk *db, const char *sql)
{
    fbk_status rc = fbk__enter(db);

    if (rc >= 0)
        rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    rc = fbk__exec(db, sql);
    return fbk__write_end(db, rc);
}

static void
assert_plain_sound(const char *path)
{
    sqlite3 *sq = NULL;
    sqlite3_stmt *st = NULL;

    ck_assert_int_eq(sqlite3_open_v2(path, &sq, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(sq, "PRAGMA integrity_check", -1, &st, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(st, 0), "ok");
    ck_assert_int_eq(sqlite3_finalize(st), SQLITE_OK);
    /* A plain close would checkpoint without the lease. */
    ck_assert_int_eq(sqlite3_db_config(sq, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(sq), SQLITE_OK);
}

void
tk_store_assert_sound(const char *path)
{
    fbk_store_check_options opt = FBK_STORE_CHECK_OPTIONS_INIT;
    fbk_store *store = tk_open(path, 0);
    fbk *db = tk_connect(store);

    opt.level = FBK_CHECK_FULL;
    tk_assert_ok(db, fbk_store_check(db, &opt, NULL));
    fbk_close(db);
    fbk_store_close(store);
    assert_plain_sound(path);
}
