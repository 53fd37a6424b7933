/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/stmt.h"
#include "store/store.h"

int64_t
fbk__now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What the operating system said, in words that do not depend on the locale. */
static const char *
sqlite_os_text(int code, int os_errno)
{
    const char *text = os_errno ? strerrordesc_np(os_errno) : NULL;

    return text ? text : sqlite3_errstr(code);
}

static fbk_status
sqlite_fail_corrupt(fbk *db, int code, const char *doing)
{
    uint32_t page = db && db->conn ? fbk__vfs_take_bad_page(&db->conn->store->vfs) : 0;

    if (page)
        return fbk__fail(db, FBK_ECORRUPT,
                         "page %u of the store was damaged: its checksum did not match", page);
    if ((code & 0xff) == SQLITE_NOTADB)
        return fbk__fail(db, FBK_ECORRUPT, "the file was not a store");
    return fbk__fail(db, FBK_ECORRUPT, "the store was found damaged while %s (%s)", doing,
                     sqlite3_errstr(code));
}

static fbk_status
sqlite_fail_io(fbk *db, int code, int os_errno, const char *doing)
{
    if (os_errno == ENOSPC || os_errno == EDQUOT)
        return fbk__fail(db, FBK_EFULL, "the disk or a quota was full while %s", doing);
    if (os_errno == EACCES || os_errno == EPERM || os_errno == EROFS)
        return fbk__fail(db, FBK_EREADONLY,
                         "the store or its directory could not be written while %s (%s)", doing,
                         sqlite_os_text(code, os_errno));
    return fbk__fail(db, FBK_EIO, "reading or writing a file failed while %s (%s)", doing,
                     sqlite_os_text(code, os_errno));
}

/* SQLITE_INTERRUPT comes from the progress handler alone: a read that was open for too long. */
static fbk_status
sqlite_fail_interrupt(fbk *db)
{
    return fbk__fail(db, FBK_EEXPIRED, "a read was open for longer than %d s", FBK__READ_SECONDS);
}

static fbk_status
sqlite_fail_text(fbk *db, sqlite3 *sq, int code, const char *doing)
{
    int os_errno = sq ? sqlite3_system_errno(sq) : 0;

    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return fbk__nomem(db);
    case SQLITE_FULL:
        return fbk__fail(db, FBK_EFULL, "the disk or a quota was full while %s", doing);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fbk__fail(db, FBK_EBUSY, "another process kept the store locked while %s", doing);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return fbk__fail(db, FBK_EREADONLY,
                         "the store or its directory could not be written while %s", doing);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return sqlite_fail_corrupt(db, code, doing);
    case SQLITE_IOERR:
        if (code == SQLITE_IOERR_NOMEM)
            return fbk__nomem(db);
        if (code == SQLITE_IOERR_DATA || code == SQLITE_IOERR_CORRUPTFS)
            return sqlite_fail_corrupt(db, code, doing);
        return sqlite_fail_io(db, code, os_errno, doing);
    case SQLITE_CANTOPEN:
        return sqlite_fail_io(db, code, os_errno, doing);
    case SQLITE_INTERRUPT:
        return sqlite_fail_interrupt(db);
    case SQLITE_TOOBIG:
        return fbk__fail(db, FBK_ETOOBIG, "a value was larger than the store allows while %s",
                         doing);
    default:
        return fbk__fail(db, FBK_EDB, "SQLite refused while %s (%s)", doing,
                         sq ? sqlite3_errmsg(sq) : sqlite3_errstr(code));
    }
}

fbk_status
fbk__sqlite_fail(fbk *db, sqlite3 *sq, int code, const char *doing)
{
    fbk_status rc = sqlite_fail_text(db, sq, code, doing);

    if (db)
        db->err.sqlite_code = code;
    return rc;
}

fbk_status
fbk__handle_exec(fbk *db, fbk__handle *h, const char *sql, const char *doing)
{
    int code = sqlite3_exec(h->sq, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? FBK_OK : fbk__sqlite_fail(db, h->sq, code, doing);
}

fbk_status
fbk__handle_step(fbk *db, fbk__handle *h, sqlite3_stmt *st, const char *doing)
{
    int code = sqlite3_step(st);
    fbk_status rc = code == SQLITE_DONE ? FBK_OK : fbk__sqlite_fail(db, h->sq, code, doing);

    (void)sqlite3_reset(st);
    return rc;
}

void
fbk__handle_rollback(fbk__handle *h)
{
    if (sqlite3_get_autocommit(h->sq))
        return;
    (void)sqlite3_step(h->rollback);
    (void)sqlite3_reset(h->rollback);
}

fbk_status
fbk__handle_int(fbk *db, fbk__handle *h, const char *sql, int64_t *out)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(h->sq, sql, -1, &st, NULL);
    fbk_status rc = FBK_OK;

    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    else if (code == SQLITE_DONE)
        rc = fbk__fail(db, FBK_EDB, "SQLite gave no row for a setting");
    else
        rc = fbk__sqlite_fail(db, h->sq, code, "reading the settings of the file");
    (void)sqlite3_finalize(st);
    return rc;
}

/* Bounds on what any statement may do: far above what ours need, far below what hurts. */
static void
sqlite_set_limits(sqlite3 *sq, bool attach)
{
    static const struct {
        int which;
        int value;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, 16 << 20},     {SQLITE_LIMIT_SQL_LENGTH, 100000},
        {SQLITE_LIMIT_COLUMN, 100},          {SQLITE_LIMIT_EXPR_DEPTH, 50},
        {SQLITE_LIMIT_COMPOUND_SELECT, 10},  {SQLITE_LIMIT_VDBE_OP, 100000},
        {SQLITE_LIMIT_FUNCTION_ARG, 16},     {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 999}, {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        (void)sqlite3_limit(sq, limits[i].which, limits[i].value);
    (void)sqlite3_limit(sq, SQLITE_LIMIT_ATTACHED, attach ? 1 : 0);
}

static int
sqlite_set_config(sqlite3 *sq)
{
    static const struct {
        int which;
        int value;
    } settings[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},          {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},   {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},      {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
    };

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        int code = sqlite3_db_config(sq, settings[i].which, settings[i].value, NULL);

        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

static fbk_status
sqlite_configure(fbk *db, const fbk_store *store, int flags, fbk__handle *h)
{
    char sql[512];
    const char *synchronous = store->tmpdir                                ? "OFF"
                              : store->durability == FBK_DURABILITY_NORMAL ? "NORMAL"
                                                                           : "FULL";
    int tail = FBK__PAGE_TAIL;
    int code = sqlite_set_config(h->sq);

    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(h->sq, (int)store->busy_timeout_ms);
    if (code == SQLITE_OK)
        code = sqlite3_file_control(h->sq, "main", SQLITE_FCNTL_RESERVE_BYTES, &tail);
    if (code != SQLITE_OK)
        return fbk__sqlite_fail(db, h->sq, code, "setting up a connection");
    sqlite_set_limits(h->sq, flags & FBK__HANDLE_ATTACH);
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA secure_delete=FAST;"
                   "PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0;"
                   "PRAGMA journal_size_limit=16777216; PRAGMA cache_size=-%u;"
                   "PRAGMA synchronous=%s; PRAGMA query_only=%s",
                   store->cache_kib, synchronous,
                   flags & (FBK__HANDLE_WRITE | FBK__HANDLE_ATTACH) ? "OFF" : "ON");
    return fbk__handle_exec(db, h, sql, "setting up a connection");
}

static fbk_status
sqlite_prepare_own(fbk *db, fbk__handle *h, const char *sql, sqlite3_stmt **out)
{
    int code = sqlite3_prepare_v3(h->sq, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);

    return code == SQLITE_OK ? FBK_OK
                             : fbk__sqlite_fail(db, h->sq, code, "setting up a connection");
}

static fbk_status
sqlite_prepare_transactions(fbk *db, int flags, fbk__handle *h)
{
    const char *begin = flags & FBK__HANDLE_WRITE ? "BEGIN IMMEDIATE" : "BEGIN";
    fbk_status rc = sqlite_prepare_own(db, h, begin, &h->begin);

    if (rc >= 0)
        rc = sqlite_prepare_own(db, h, "COMMIT", &h->commit);
    if (rc >= 0)
        rc = sqlite_prepare_own(db, h, "ROLLBACK", &h->rollback);
    return rc;
}

fbk_status
fbk__handle_open(fbk *db, fbk_store *store, const char *path, int flags, fbk__handle *h)
{
    int mode = flags & FBK__HANDLE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int code;
    fbk_status rc;

    fbk__map_init(&h->stmts, &store->alloc);
    code = sqlite3_open_v2(
        path, &h->sq, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW,
        store->vfs.name);
    rc = code == SQLITE_OK ? sqlite_configure(db, store, flags, h)
                           : fbk__sqlite_fail(db, h->sq, code, "opening the file");
    if (rc >= 0)
        rc = sqlite_prepare_transactions(db, flags, h);
    if (rc < 0)
        fbk__handle_close(h);
    return rc;
}

void
fbk__handle_close(fbk__handle *h)
{
    size_t at = 0;
    uint64_t key;
    uint64_t value;

    if (!h->sq)
        return;
    while (fbk__map_next(&h->stmts, &at, &key, &value))
        fbk__stmt_free((fbk__stmt *)(uintptr_t)value);
    fbk__map_free(&h->stmts);
    (void)sqlite3_finalize(h->begin);
    (void)sqlite3_finalize(h->commit);
    (void)sqlite3_finalize(h->rollback);
    (void)sqlite3_close(h->sq);
    memset(h, 0, sizeof *h);
}
