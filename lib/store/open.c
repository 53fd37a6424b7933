/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/path.h"
#include "store/schema.h"
#include "store/store.h"

/* Opening the file itself. The caller holds the lease, so that nobody else of us is making,
 * migrating, checkpointing or closing it meanwhile. */

enum { HEADER_LEN = 100, HEADER_APPLICATION_ID = 68 };

/* The first bytes of the file, read through the VFS underneath: a descriptor of our own would drop
 * the locks of another store of this process when it is closed. */
static fbk_status
open_read_header(fbk *db, fbk_store *store, unsigned char header[HEADER_LEN])
{
    sqlite3_vfs *root = store->vfs.root;
    char journal[PATH_MAX];
    char wal[PATH_MAX];
    sqlite3_file *file = NULL;
    const char *name = NULL;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    int code = SQLITE_NOMEM;
    int why = 0;

    (void)snprintf(journal, sizeof journal, "%s-journal", store->path);
    (void)snprintf(wal, sizeof wal, "%s-wal", store->path);
    name = sqlite3_create_filename(store->path, journal, wal, 0, NULL);
    file = sqlite3_malloc(root->szOsFile);
    if (!name || !file)
        goto out;
    memset(file, 0, (size_t)root->szOsFile);
    errno = 0;
    code = root->xOpen(root, name, file, flags, &flags);
    why = errno;
    if (code == SQLITE_OK)
        code = file->pMethods->xRead(file, header, HEADER_LEN, 0);
    if (file->pMethods)
        (void)file->pMethods->xClose(file);
out:
    sqlite3_free(file);
    sqlite3_free_filename((char *)(uintptr_t)name);
    if (code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ)
        return FBK_OK; /* what is missing was set to zero */
    if (code == SQLITE_CANTOPEN && (why == EACCES || why == EPERM))
        return fbk__fail(db, FBK_EIO, "the file could not be opened (Permission denied)");
    return fbk__sqlite_fail(db, NULL, code, "reading the head of the file");
}

fbk_status
fbk__store_peek(fbk *db, fbk_store *store, bool create)
{
    unsigned char header[HEADER_LEN];
    const unsigned char *id = header + HEADER_APPLICATION_ID;
    uint32_t application;
    int64_t size = fbk__path_size(store->path, "");
    fbk_status rc;

    if (size == 0 && !create)
        return fbk__fail(db, FBK_ECORRUPT, "the file was empty, not a store");
    /* With a journal beside it the making of the store was cut short; SQLite will undo that. */
    if (size <= 0 || fbk__path_size(store->path, "-journal") > 0)
        return FBK_OK;
    memset(header, 0, sizeof header);
    rc = open_read_header(db, store, header);
    if (rc < 0)
        return rc;
    if (memcmp(header, "SQLite format 3", 16) != 0)
        return fbk__fail(db, FBK_ECORRUPT, "the file was not a store, nor any SQLite database");
    application = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    if (application != FBK__APPLICATION_ID)
        return fbk__fail(db, FBK_ECORRUPT,
                         "the file was a SQLite database of another application (id 0x%08x), not a "
                         "store",
                         application);
    return FBK_OK;
}

static int
open_note_frames(void *user_data, sqlite3 *sq, const char *name, int n_frames)
{
    fbk_store *store = user_data;

    (void)sq;
    (void)name;
    store->wal_frames = n_frames;
    return SQLITE_OK;
}

/* The switch is a transaction with a rollback journal. A journal that stayed would be rolled back
 * by the next process that comes, WAL or no WAL, and take what was committed since with it. */
static fbk_status
open_set_wal(fbk *db, const fbk_store *store, fbk__handle *h)
{
    static const char doing[] = "switching to write-ahead logging";
    sqlite3_stmt *st = NULL;
    bool is_wal = false;
    fbk_status rc = FBK_OK;
    int code = sqlite3_prepare_v2(h->sq, "PRAGMA journal_mode=WAL", -1, &st, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(st, 0);

        is_wal = mode && strcmp(mode, "wal") == 0;
        code = mode ? sqlite3_step(st) : SQLITE_NOMEM;
    }
    if (code != SQLITE_DONE)
        rc = fbk__sqlite_fail(db, h->sq, code, doing);
    else if (!is_wal)
        rc = fbk__fail(db, FBK_ENOTSUP, "the VFS underneath could not do write-ahead logging");
    else if (fbk__path_size(store->path, "-journal") >= 0)
        rc = fbk__fail(db, FBK_EIO, "a journal could not be removed while %s", doing);
    (void)sqlite3_finalize(st);
    return rc;
}

static fbk_status
open_writer(fbk *db, fbk_store *store, const fbk_store_options *opt)
{
    char sql[64];
    int64_t page_size = 0;
    fbk_status rc;

    rc = fbk__handle_open(db, store, store->path, FBK__HANDLE_WRITE, &store->writer);
    if (rc < 0)
        return rc;
    if (sqlite3_db_readonly(store->writer.sq, "main") == 1)
        return fbk__fail(db, FBK_EREADONLY, "the file could not be opened for writing");
    (void)snprintf(sql, sizeof sql, "PRAGMA page_size=%u", store->page_size);
    rc = fbk__handle_exec(db, &store->writer, sql, "setting the page size");
    if (rc >= 0)
        rc = fbk__migrate(db, fbk__migrations, fbk__n_migrations,
                          opt->flags & FBK_STORE_CREATE ? opt : NULL);
    if (rc >= 0)
        rc = open_set_wal(db, store, &store->writer);
    if (rc >= 0)
        rc = fbk__handle_int(db, &store->writer, "PRAGMA page_size", &page_size);
    if (rc < 0)
        return rc;
    store->page_size = (uint32_t)page_size;
    (void)sqlite3_wal_hook(store->writer.sq, open_note_frames, store);
    return FBK_OK;
}

static fbk_status
open_look(fbk *db, fbk_store *store)
{
    int flags = store->immutable ? FBK__HANDLE_IMMUTABLE : 0;
    int64_t page_size = 0;
    fbk_status rc = fbk__handle_open(db, store, store->path, flags, &store->writer);

    if (rc >= 0)
        rc = fbk__migrate(db, fbk__migrations, fbk__n_migrations, NULL);
    if (rc >= 0)
        rc = fbk__handle_int(db, &store->writer, "PRAGMA page_size", &page_size);
    if (rc >= 0)
        store->page_size = (uint32_t)page_size;
    fbk__handle_close(&store->writer);
    return rc;
}

/* Read-only. In a directory that cannot be written SQLite cannot make its shared memory; when there
 * is no WAL either, nobody is writing and the file can be read as one that does not change. */
static fbk_status
open_readonly(fbk *db, fbk_store *store)
{
    fbk_status rc = open_look(db, store);
    int code = db->err.sqlite_code & 0xff;

    if (rc >= 0 || (code != SQLITE_CANTOPEN && code != SQLITE_READONLY))
        return rc;
    if (fbk__path_size(store->path, "-wal") > 0)
        return fbk__fail(db, FBK_EREADONLY,
                         "the store had changes that were not yet written back, and its directory "
                         "could not be written");
    if (fbk__path_size(store->path, "-shm") >= 0)
        return rc;
    store->immutable = true;
    store->vfs.immutable = true;
    return open_look(db, store);
}

fbk_status
fbk__store_attach(fbk *db, fbk_store *store, const fbk_store_options *opt)
{
    fbk_status rc = fbk__path_check_file(db, store->path);

    if (rc < 0)
        return rc;
    if (rc == FBK_DONE) {
        if (!(opt->flags & FBK_STORE_CREATE))
            return fbk__fail(db, FBK_ENOTFOUND, "there was no store at this path");
        rc = fbk__path_create(db, store->path);
        store->created = rc >= 0;
    } else if (opt->flags & FBK_STORE_EXCLUSIVE) {
        rc = fbk__fail(db, FBK_EEXIST, "there was a file at this path already");
    } else {
        rc = fbk__store_peek(db, store, opt->flags & FBK_STORE_CREATE);
    }
    if (rc < 0)
        return rc;
    rc = opt->flags & FBK_STORE_READONLY ? open_readonly(db, store) : open_writer(db, store, opt);
    store->checkpoint_at = FBK__CHECKPOINT_BYTES / store->page_size;
    return rc;
}
