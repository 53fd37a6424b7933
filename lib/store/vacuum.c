/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/path.h"
#include "store/stmt.h"
#include "store/store.h"

/* Giving pages back: the unused ones to the file system a few at a time, or the whole file written
 * anew, after which no byte of what was deleted is left in it. */

uint64_t
fbk__wal_bytes(const fbk *db)
{
    int64_t len = fbk__path_size(db->conn->store->path, "-wal");

    return len > 0 ? (uint64_t)len : 0;
}

uint64_t
fbk__file_bytes(const fbk *db)
{
    int64_t len = fbk__path_size(db->conn->store->path, "");

    return len > 0 ? (uint64_t)len : 0;
}

bool
fbk__store_is_alone(const fbk *db)
{
    return fbk__lease_is_alone(&db->conn->store->lease);
}

fbk_status
fbk__free_pages(fbk *db, bool *out_more)
{
    int64_t free_pages = 0;
    fbk_status rc = fbk__stmt_int(db, "PRAGMA freelist_count", &free_pages);

    *out_more = false;
    if (rc < 0 || free_pages == 0)
        return rc;
    rc = fbk__exec(db, "PRAGMA incremental_vacuum(256)");
    *out_more = free_pages > 256;
    return rc;
}

/* SQLite's temporary file is unlinked as soon as it is open; the directory keeps others from it
 * meanwhile. One that a killed process left behind is empty. */
static fbk_status
vacuum_make_dir(fbk *db, char dir[PATH_MAX])
{
    struct stat st;

    if (snprintf(dir, PATH_MAX, "%s-fbk.tmp", db->conn->store->path) >= PATH_MAX)
        return fbk__fail(db, FBK_EINVAL, "the path of the store was too long");
    if (mkdir(dir, 0700) == 0)
        return FBK_OK;
    if (errno != EEXIST)
        return fbk__errno_fail(db, errno, "making a private directory beside the store");
    if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 0777) != 0700)
        return fbk__fail(db, FBK_EIO,
                         "what stood at <store>-fbk.tmp was no private directory of this user");
    return FBK_OK;
}

typedef struct vacuum {
    fbk *db;
    fbk__vacuum_fn fn;
    void *user_data;
    fbk_status stopped;
} vacuum;

enum { VACUUM_LOOK_OPS = 100000 };

static int
vacuum_look(void *user_data)
{
    vacuum *v = user_data;

    if (v->stopped >= 0)
        v->stopped = v->fn(v->user_data);
    return v->stopped < 0;
}

static fbk_status
vacuum_file(vacuum *v, const char *dir)
{
    fbk_store *store = v->db->conn->store;
    fbk__handle h = {.sq = NULL};
    fbk_status rc =
        fbk__handle_open(v->db, store, store->path, FBK__HANDLE_WRITE | FBK__HANDLE_ATTACH, &h);

    __atomic_store_n(&store->vfs.tmpdir, dir, __ATOMIC_RELEASE);
    if (rc >= 0)
        rc = fbk__handle_exec(v->db, &h, "PRAGMA temp_store=FILE", "beginning to rewrite the file");
    if (rc >= 0) {
        sqlite3_progress_handler(h.sq, VACUUM_LOOK_OPS, vacuum_look, v);
        rc = fbk__handle_exec(v->db, &h, "VACUUM", "rewriting the file");
        if (rc < 0 && v->stopped < 0)
            rc = v->stopped;
    }
    fbk__handle_close(&h);
    __atomic_store_n(&store->vfs.tmpdir, NULL, __ATOMIC_RELEASE);
    return rc;
}

fbk_status
fbk__vacuum(fbk *db, fbk__vacuum_fn fn, void *user_data)
{
    fbk_store *store = db->conn->store;
    vacuum v = {db, fn, user_data, FBK_OK};
    char dir[PATH_MAX];
    int64_t deadline = fbk__now_ns() + (int64_t)store->busy_timeout_ms * 1000000;
    fbk_status rc;

    if (db->conn->write_depth > 0 || db->conn->read_depth > 0)
        return fbk__fail(db, FBK_EMISUSE, "rewriting was asked for inside a transaction");
    if (!fbk__gate_enter(&store->gate, deadline))
        return fbk__fail(db, FBK_EBUSY, "other threads were writing the store for too long");
    rc = fbk__lease_acquire(db, &store->lease, deadline);
    if (rc >= 0)
        rc = vacuum_make_dir(db, dir);
    if (rc >= 0) {
        rc = vacuum_file(&v, dir);
        (void)rmdir(dir);
    }
    if (rc >= 0) {
        (void)__atomic_add_fetch(&store->n_commits, 1, __ATOMIC_ACQ_REL);
        rc = fbk__checkpoint_locked(db, store, true);
    }
    fbk__lease_release(&store->lease);
    fbk__gate_leave(&store->gate);
    return rc;
}
