/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "store/path.h"
#include "store/schema.h"

#define CHECK_OPTIONS_V1_SIZE 40u
_Static_assert(sizeof(fbk_store_check_options) == CHECK_OPTIONS_V1_SIZE, "check options v1");
#define CHECK_RESULT_V1_SIZE 40u
_Static_assert(sizeof(fbk_store_check_result) == CHECK_RESULT_V1_SIZE, "check result v1");

enum {
    CHECK_LOOK_OPS = 20000,    /* steps of SQLite's machine between two looks at the clock */
    CHECK_TELL_NS = 100000000, /* progress is told ten times a second */
    CHECK_PROBLEMS_OF_A_KIND = 100
};

static fbk_status
check_problem(fbk__check *check, const char *format, ...) FBK_PRINTF(2, 3);

static fbk_status
check_problem(fbk__check *check, const char *format, ...)
{
    char sentence[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (check->result.n_problems++ == 0)
        memcpy(check->first, sentence, sizeof check->first);
    if (!check->opt.problem)
        return FBK_OK;
    return fbk__callback_status(check->db,
                                check->opt.problem(check->opt.problem_user_data, sentence));
}

/* Tell the caller how far we are; < 0 when it wants to stop. */
static fbk_status
check_tell(fbk__check *check)
{
    int64_t now = fbk__now_ns();
    uint64_t scale = check->scale ? check->scale : 1;
    uint64_t done = check->base + check->done * scale;
    uint64_t total = check->base ? 2 * check->base : check->total;

    if (check->stopped < 0 || !check->opt.progress || now - check->told_ns < CHECK_TELL_NS)
        return check->stopped;
    check->told_ns = now;
    check->stopped =
        fbk__callback_status(check->db, check->opt.progress(check->opt.progress_user_data,
                                                            done < total ? done : total, total));
    return check->stopped;
}

static int
check_progress_handler(void *user_data)
{
    return check_tell(user_data) < 0;
}

/* A failure while checking: damage is a problem to be told, the rest ends the check. */
static fbk_status
check_failed(fbk__check *check, int code, const char *doing)
{
    fbk_status rc;

    if (check->stopped < 0)
        return check->stopped;
    rc = fbk__sqlite_fail(check->db, check->handle.sq, code, doing);
    return rc == FBK_ECORRUPT ? check_problem(check, "%s", check->db->err.message) : rc;
}

fbk_status
fbk__check_begin(fbk__check *check, const char *path)
{
    fbk_store *store = check->db->conn->store;
    int flags = store->immutable ? FBK__HANDLE_IMMUTABLE : 0;
    fbk_status rc = fbk__handle_open(check->db, store, path, flags, &check->handle);

    if (rc >= 0)
        sqlite3_progress_handler(check->handle.sq, CHECK_LOOK_OPS, check_progress_handler, check);
    check->result.struct_size = (uint32_t)sizeof check->result;
    return rc;
}

void
fbk__check_end(fbk__check *check)
{
    fbk__handle_close(&check->handle);
}

/* SQLite's checks tell a page that could not be read among the damaged ones. */
static int
check_read_error(fbk__check *check, const char *text)
{
    static const char mark[] = "error code=";
    const char *found = strstr(text, mark);
    long code = found ? strtol(found + sizeof mark - 1, NULL, 10) : 0;
    sqlite3_file *file = NULL;

    if (sqlite3_file_control(check->handle.sq, "main", SQLITE_FCNTL_FILE_POINTER, &file) ==
        SQLITE_OK) {
        int last = fbk__vfs_take_read_error(file);

        if (last != SQLITE_OK)
            return last;
    }
    if (code == SQLITE_NOMEM || ((code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_DATA))
        return (int)code;
    return SQLITE_OK;
}

/* SQLite heads the first with a line that names the database, of which we have one. */
static const char *
problem_text(const char *row)
{
    const char *end = row && strncmp(row, "*** ", 4) == 0 ? strchr(row, '\n') : NULL;

    return end ? end + 1 : row;
}

/* Each row of a check of SQLite's is a problem, but for the single row "ok". */
static fbk_status
check_rows(fbk__check *check, const char *sql, const char *doing)
{
    sqlite3_stmt *st = NULL;
    fbk_status rc = FBK_OK;
    int code = sqlite3_prepare_v2(check->handle.sq, sql, -1, &st, NULL);

    while (code == SQLITE_OK || code == SQLITE_ROW) {
        const char *text;
        int read_error;

        code = sqlite3_step(st);
        if (code != SQLITE_ROW)
            break;
        text = problem_text((const char *)sqlite3_column_text(st, 0));
        if (!text)
            rc = fbk__nomem(check->db);
        else if (sqlite3_column_count(st) > 1)
            rc = check_problem(check, "row %lld of table %s referred to a row that did not exist",
                               (long long)sqlite3_column_int64(st, 1), text);
        else if ((read_error = check_read_error(check, text)) != SQLITE_OK)
            rc = fbk__sqlite_fail(check->db, NULL, read_error, doing);
        else if (strcmp(text, "ok") != 0)
            rc = check_problem(check, "%s", text);
        if (rc < 0)
            break;
    }
    if (rc >= 0 && code != SQLITE_DONE)
        rc = check_failed(check, code, doing);
    (void)sqlite3_finalize(st);
    return rc;
}

static fbk_status
check_header(fbk__check *check, int64_t *out_page_size)
{
    fbk__handle *h = &check->handle;
    int64_t id = 0;
    int64_t version = 0;
    int tail = -1;
    fbk_status rc = fbk__handle_int(check->db, h, "PRAGMA application_id", &id);

    if (rc >= 0)
        rc = fbk__handle_int(check->db, h, "PRAGMA user_version", &version);
    if (rc >= 0)
        rc = fbk__handle_int(check->db, h, "PRAGMA page_size", out_page_size);
    if (rc == FBK_ECORRUPT)
        return check_problem(check, "%s", check->db->err.message);
    if (rc >= 0 && id != FBK__APPLICATION_ID)
        rc = check_problem(check, "the header named another application");
    if (rc >= 0 && (version < 1 || version > fbk__migrations[fbk__n_migrations - 1].to))
        rc = check_problem(check, "the header had schema version %lld", (long long)version);
    (void)sqlite3_file_control(h->sq, "main", SQLITE_FCNTL_RESERVE_BYTES, &tail);
    if (rc >= 0 && tail != FBK__PAGE_TAIL)
        rc = check_problem(check, "pages reserved %d bytes for their checksum, not %d", tail,
                           FBK__PAGE_TAIL);
    return rc;
}

/* Read one page of the file past SQLite's cache. FBK_DONE = its checksum is wrong. */
static fbk_status
check_read_page(fbk__check *check, sqlite3_file *file, unsigned char *page, int size, int64_t i)
{
    int code = file->pMethods->xRead(file, page, size, i * size);

    if (code == SQLITE_OK)
        return FBK_OK;
    if (code == SQLITE_IOERR_DATA) {
        (void)fbk__vfs_take_bad_page(&check->db->conn->store->vfs);
        return FBK_DONE;
    }
    if (code == SQLITE_IOERR_SHORT_READ)
        return FBK_DONE; /* the file ends within this page */
    return fbk__sqlite_fail(check->db, check->handle.sq, code, "reading a page of the store");
}

/* A page may have been caught while a checkpoint was writing it: look again when none can be. Or a
 * power cut tore it, and it stands whole in the write-ahead log: let that be written back. Who may
 * not write cannot tell which pages the log stands in for; those in use were read through it. */
static fbk_status
check_reread_page(fbk__check *check, sqlite3_file *file, unsigned char *page, int size, int64_t i)
{
    fbk_store *store = check->db->conn->store;
    int64_t deadline = fbk__now_ns() + (int64_t)store->busy_timeout_ms * 1000000;
    fbk_status rc;

    if (!check->shared)
        return FBK_DONE;
    if (!fbk__gate_enter(&store->gate, deadline))
        return fbk__fail(check->db, FBK_EBUSY, "other threads were writing the store for too long");
    rc = fbk__lease_acquire(check->db, &store->lease, deadline);
    if (rc >= 0)
        rc = check_read_page(check, file, page, size, i);
    if (rc == FBK_DONE && fbk__path_size(store->path, "-wal") > 0) {
        bool may_write = !(store->flags & FBK_STORE_READONLY);

        rc = may_write ? fbk__checkpoint_locked(check->db, store, false) : FBK_OK;
        /* Readers keep the log from beginning anew, not from being written back. */
        if (may_write && (rc >= 0 || rc == FBK_EBUSY))
            rc = check_read_page(check, file, page, size, i);
    }
    fbk__lease_release(&store->lease);
    fbk__gate_leave(&store->gate);
    return rc;
}

static fbk_status
check_pages(fbk__check *check, int size)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 len = 0;
    unsigned char *page = fbk__alloc(fbk__a(check->db), (size_t)size);
    int64_t lock_page = 0x40000000 / size; /* holds SQLite's locks, never data */
    fbk_status rc = FBK_OK;
    int code;

    if (!page)
        return fbk__nomem(check->db);
    code = sqlite3_file_control(check->handle.sq, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code == SQLITE_OK)
        code = file->pMethods->xFileSize(file, &len);
    if (code != SQLITE_OK)
        rc = fbk__sqlite_fail(check->db, check->handle.sq, code, "asking for the size of the file");
    check->total += (uint64_t)(len / size);
    for (int64_t i = 0; rc >= 0 && i < (len + size - 1) / size; i++) {
        check->done++;
        if (i == lock_page)
            continue;
        rc = check_read_page(check, file, page, size, i);
        if (rc == FBK_DONE)
            rc = check_reread_page(check, file, page, size, i);
        check->result.n_pages++;
        if (rc == FBK_DONE && check->result.n_bad_pages++ == 0)
            check->result.first_bad_page = (uint64_t)i + 1;
        if (rc == FBK_DONE && check->result.n_bad_pages <= CHECK_PROBLEMS_OF_A_KIND)
            rc = check_problem(check, "page %lld was damaged: its checksum did not match",
                               (long long)i + 1);
        if (rc >= 0 && i % 64 == 0)
            rc = check_tell(check);
    }
    fbk__free(fbk__a(check->db), page);
    return rc;
}

fbk_status
fbk__check_run(fbk__check *check)
{
    bool full = check->opt.level == FBK_CHECK_FULL;
    int64_t page_size = 0;
    fbk_status rc;

    check->total = full ? 3 : 2;
    rc = check_header(check, &page_size);
    check->done++;
    if (rc < 0 || page_size < 512)
        return rc;
    rc = check_rows(check, full ? "PRAGMA integrity_check(100)" : "PRAGMA quick_check(100)",
                    "checking the tables");
    check->done++;
    if (rc >= 0 && full)
        rc = check_rows(check, "PRAGMA foreign_key_check", "checking references between tables");
    check->done++;
    if (rc >= 0 && full)
        rc = check_pages(check, (int)page_size);
    return rc;
}

fbk_status
fbk_store_check(fbk *db, const fbk_store_check_options *options, fbk_store_check_result *out)
{
    fbk__check check = {.db = db, .shared = true};
    fbk_status rc = fbk__enter(db);

    if (rc >= 0)
        rc = fbk__options_load(db, &check.opt, sizeof check.opt, CHECK_OPTIONS_V1_SIZE, options);
    if (rc < 0)
        return rc;
    if (check.opt.level > FBK_CHECK_FULL)
        return fbk__fail_at(db, FBK_EINVAL, "level", 0, "level was %u, not 0 or 1",
                            check.opt.level);
    if (db->conn->write_depth > 0 || db->conn->read_depth > 0)
        return fbk__fail(db, FBK_EMISUSE, "a check was asked for inside a transaction");
    rc = fbk__check_begin(&check, db->conn->store->path);
    if (rc >= 0)
        rc = fbk__check_run(&check);
    fbk__check_end(&check);
    if (rc >= 0 && out)
        rc = fbk__result_store(db, out, CHECK_RESULT_V1_SIZE, &check.result, sizeof check.result);
    if (rc >= 0 && check.result.n_problems > 0)
        return fbk__fail(db, FBK_ECORRUPT, "%s", check.first);
    if (rc >= 0)
        fbk__err_clear(db); /* of what became a problem, or was none */
    return rc;
}
