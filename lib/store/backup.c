/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/options.h"
#include "store/check.h"
#include "store/path.h"

#define BACKUP_OPTIONS_V1_SIZE 24u
_Static_assert(sizeof(fbk_store_backup_options) == BACKUP_OPTIONS_V1_SIZE, "backup options v1");

enum { BACKUP_LOOK_OPS = 20000, BACKUP_TELL_NS = 100000000 };

typedef struct backup {
    fbk *db;
    fbk_store_backup_options opt;
    char *to;           /* absolute */
    char tmp[PATH_MAX]; /* what becomes `to`; "" = nothing made yet */
    uint64_t total;     /* bytes to copy */
    int64_t told_ns;
    fbk_status stopped;
} backup;

static int
backup_progress_handler(void *user_data)
{
    backup *b = user_data;
    int64_t now = fbk__now_ns();
    int64_t len;

    if (b->stopped < 0 || !b->opt.progress || now - b->told_ns < BACKUP_TELL_NS)
        return b->stopped < 0;
    b->told_ns = now;
    len = fbk__path_size(b->tmp, "");
    /* Proving the copy is the second half. */
    b->stopped =
        fbk__callback_status(b->db, b->opt.progress(b->opt.progress_user_data,
                                                    len > 0 ? (uint64_t)len : 0, 2 * b->total));
    return b->stopped < 0;
}

/* Let SQLite remove what a store that nobody uses has beside it: readers, and a process that was
 * killed, leave a log behind. Whatever fails here is found by what is still there afterwards. */
static void
backup_settle_target(backup *b)
{
    fbk_store *store = b->db->conn->store;
    int64_t deadline = fbk__now_ns() + (int64_t)store->busy_timeout_ms * 1000000;
    fbk__lease lease = {.fd = -1};
    fbk__handle h = {.sq = NULL};
    int64_t n;
    fbk_status rc = fbk__lease_open(b->db, &lease, b->to, false);

    if (rc >= 0)
        rc = fbk__lease_acquire(b->db, &lease, deadline);
    if (rc >= 0)
        rc = fbk__handle_open(b->db, store, b->to, FBK__HANDLE_WRITE, &h);
    if (rc >= 0)
        rc = fbk__handle_int(b->db, &h, "SELECT count(*) FROM sqlite_schema", &n);
    if (rc >= 0)
        (void)sqlite3_db_config(h.sq, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    fbk__handle_close(&h);
    fbk__lease_release(&lease);
    fbk__lease_close(b->db, &lease);
    fbk__err_clear(b->db);
}

/* A log or journal that belongs to another file of this name would be replayed into the copy. */
static fbk_status
backup_check_target(backup *b, bool exists)
{
    if (!exists) {
        if (fbk__path_size(b->to, "-wal") > 0 || fbk__path_size(b->to, "-journal") > 0)
            return fbk__fail(b->db, FBK_EEXIST,
                             "beside the target stood the log or journal of an older file of that "
                             "name");
        return FBK_OK;
    }
    if (fbk__path_size(b->to, "-wal") >= 0 || fbk__path_size(b->to, "-shm") >= 0)
        backup_settle_target(b);
    if (fbk__path_size(b->to, "-wal") >= 0 || fbk__path_size(b->to, "-shm") >= 0 ||
        fbk__path_size(b->to, "-journal") >= 0)
        return fbk__fail(b->db, FBK_EBUSY,
                         "the file to be replaced was in use, or its log or journal could not be "
                         "settled");
    return FBK_OK;
}

static fbk_status
backup_prepare(backup *b, const char *to_path)
{
    fbk_status rc = fbk__path_resolve(b->db, to_path, &b->to);
    int fd;

    if (rc >= 0)
        rc = fbk__path_check_file(b->db, b->to);
    if (rc < 0)
        return rc;
    if (strcmp(b->to, b->db->conn->store->path) == 0)
        return fbk__fail_at(b->db, FBK_EINVAL, "to_path", 0, "the target was the store itself");
    if (rc == FBK_OK && !(b->opt.flags & FBK_BACKUP_OVERWRITE))
        return fbk__fail_at(b->db, FBK_EEXIST, "to_path", 0, "the target existed already");
    rc = backup_check_target(b, rc == FBK_OK);
    if (rc < 0)
        return rc;
    if ((size_t)snprintf(b->tmp, sizeof b->tmp, "%s.tmp-XXXXXX", b->to) >= sizeof b->tmp - 16) {
        b->tmp[0] = '\0';
        return fbk__fail_at(b->db, FBK_EINVAL, "to_path", 0, "the path was too long");
    }
    fd = mkostemp(b->tmp, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        b->tmp[0] = '\0';
        return fbk__errno_fail(b->db, errno, "making the copy");
    }
    (void)fchmod(fd, 0600);
    (void)close(fd);
    return FBK_OK;
}

static fbk_status
backup_copy(backup *b)
{
    fbk_store *store = b->db->conn->store;
    fbk__handle h = {.sq = NULL};
    sqlite3_stmt *st = NULL;
    int64_t n_pages = 0;
    int flags = FBK__HANDLE_ATTACH | (store->immutable ? FBK__HANDLE_IMMUTABLE : 0);
    int code;
    fbk_status rc = fbk__handle_open(b->db, store, store->path, flags, &h);

    if (rc >= 0)
        rc = fbk__handle_int(b->db, &h, "PRAGMA page_count", &n_pages);
    if (rc < 0)
        goto out;
    b->total = (uint64_t)n_pages * store->page_size;
    sqlite3_progress_handler(h.sq, BACKUP_LOOK_OPS, backup_progress_handler, b);
    code = sqlite3_prepare_v2(h.sq, "VACUUM INTO ?1", -1, &st, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(st, 1, b->tmp, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (b->stopped < 0)
        rc = b->stopped;
    else if (code == SQLITE_ERROR) /* SQLite's word for a size that it could not read */
        rc = fbk__fail(b->db, FBK_EIO, "the new file could not be looked at while copying (%s)",
                       sqlite3_errmsg(h.sq));
    else if (code != SQLITE_DONE)
        rc = fbk__sqlite_fail(b->db, h.sq, code, "copying the store");
    (void)sqlite3_finalize(st);
out:
    fbk__handle_close(&h);
    return rc;
}

static fbk_status
backup_sync(backup *b, fbk__handle *h)
{
    sqlite3_file *file = NULL;
    int code = sqlite3_file_control(h->sq, "main", SQLITE_FCNTL_FILE_POINTER, &file);

    if (code == SQLITE_OK)
        code = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
    return code == SQLITE_OK ? FBK_OK : fbk__sqlite_fail(b->db, h->sq, code, "syncing the copy");
}

static fbk_status
backup_prove(backup *b)
{
    fbk__check check = {.db = b->db, .shared = false};
    fbk_status rc;

    check.opt.level = FBK_CHECK_FULL;
    check.opt.progress = b->opt.progress;
    check.opt.progress_user_data = b->opt.progress_user_data;
    check.told_ns = b->told_ns;
    check.scale = b->db->conn->store->page_size;
    check.base = b->total;
    rc = fbk__check_begin(&check, b->tmp);
    if (rc < 0)
        return rc;
    rc = fbk__check_run(&check);
    if (rc >= 0 && check.result.n_problems > 0)
        rc = fbk__fail(b->db, FBK_ECORRUPT, "the copy was damaged: %s", check.first);
    if (rc >= 0)
        rc = backup_sync(b, &check.handle);
    fbk__check_end(&check);
    return rc;
}

static fbk_status
backup_name(backup *b)
{
    fbk_status rc =
        fbk__path_publish(b->db, b->tmp, b->to, (b->opt.flags & FBK_BACKUP_OVERWRITE) != 0);

    if (rc < 0)
        return rc;
    b->tmp[0] = '\0';
    return fbk__path_sync_dir(b->db, b->to);
}

static void
backup_clean(backup *b)
{
    char journal[PATH_MAX + 16];

    if (b->tmp[0]) {
        (void)snprintf(journal, sizeof journal, "%s-journal", b->tmp);
        (void)unlink(journal);
        (void)unlink(b->tmp);
    }
    fbk__free(fbk__a(b->db), b->to);
}

fbk_status
fbk_store_backup(fbk *db, const char *to_path, const fbk_store_backup_options *options)
{
    backup b = {.db = db};
    fbk_status rc = fbk__enter(db);

    if (rc >= 0)
        rc = fbk__options_load(db, &b.opt, sizeof b.opt, BACKUP_OPTIONS_V1_SIZE, options);
    if (rc < 0)
        return rc;
    if (!to_path || !to_path[0])
        return fbk__fail_at(db, FBK_EINVAL, "to_path", 0, "to_path must be given");
    if (b.opt.flags & ~(uint32_t)FBK_BACKUP_OVERWRITE)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had unknown bits (0x%x)",
                            b.opt.flags);
    if (db->conn->write_depth > 0 || db->conn->read_depth > 0)
        return fbk__fail(db, FBK_EMISUSE, "a backup was asked for inside a transaction");
    rc = backup_prepare(&b, to_path);
    if (rc >= 0)
        rc = backup_copy(&b);
    if (rc >= 0)
        rc = backup_prove(&b);
    if (rc >= 0)
        rc = backup_name(&b);
    backup_clean(&b);
    return rc;
}
