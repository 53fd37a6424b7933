/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_vfs.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"

typedef struct tk_file {
    sqlite3_file base;
    tk_vfs *vfs;
    char *path; /* of a file that outlives its closing; NULL for temporary ones */
} tk_file;

/** One write or truncation that no sync has covered yet. */
struct tk_vfs_change {
    char *path;
    int64_t at;       /* of a write; of a truncation the new length */
    int64_t old_size; /* of the file before */
    size_t len;       /* bytes written */
    size_t old_len;   /* bytes that were there (from at) */
    unsigned char *bytes;
    unsigned char *old;
};

static tk_file *
tk_of(sqlite3_file *file)
{
    return (tk_file *)(void *)file;
}

static sqlite3_file *
real_of(sqlite3_file *file)
{
    return (sqlite3_file *)(void *)(tk_of(file) + 1);
}

/* Whether this call is the one to fail. */
static int
fails(tk_vfs *vfs, uint32_t op)
{
    int64_t k;

    if (!(vfs->ops & op))
        return 0;
    k = __atomic_fetch_add(&vfs->n_calls, 1, __ATOMIC_RELAXED);
    if (vfs->fail_at < 0 || k < vfs->fail_at || (k > vfs->fail_at && !vfs->persistent))
        return 0;
    (void)__atomic_fetch_add(&vfs->n_failed, 1, __ATOMIC_RELAXED);
    errno = vfs->how == TK_VFS_EIO ? EIO : ENOSPC;
    return 1;
}

static int
fail_code(const tk_vfs *vfs, int code, int writes)
{
    return writes && vfs->how != TK_VFS_EIO ? SQLITE_FULL : code;
}

/* ---- what was not synced ---- */

static tk_vfs_change *
change_add(tk_file *f, int64_t at)
{
    tk_vfs *vfs = f->vfs;
    tk_vfs_change *c;
    sqlite3_file *real = real_of(&f->base);
    sqlite3_int64 size = 0;

    if (vfs->n_changes == vfs->changes_cap) {
        vfs->changes_cap = vfs->changes_cap ? vfs->changes_cap * 2 : 256;
        vfs->changes = realloc(vfs->changes, vfs->changes_cap * sizeof *vfs->changes);
        ck_assert_ptr_nonnull(vfs->changes);
    }
    c = &vfs->changes[vfs->n_changes++];
    memset(c, 0, sizeof *c);
    ck_assert_int_eq(real->pMethods->xFileSize(real, &size), SQLITE_OK);
    c->path = strdup(f->path);
    c->at = at;
    c->old_size = size;
    return c;
}

/* Keep the `n` bytes from c->at, or as many as there are. */
static void
change_keep_old(tk_file *f, tk_vfs_change *c, int64_t n)
{
    sqlite3_file *real = real_of(&f->base);

    if (c->at + n > c->old_size)
        n = c->old_size - c->at;
    if (n <= 0)
        return;
    c->old_len = (size_t)n;
    c->old = malloc(c->old_len);
    ck_assert_ptr_nonnull(c->old);
    ck_assert_int_eq(real->pMethods->xRead(real, c->old, (int)n, c->at), SQLITE_OK);
}

static void
change_free(tk_vfs_change *c)
{
    free(c->path);
    free(c->bytes);
    free(c->old);
}

/* A sync of a file, or its deletion: what was done to it is durable. */
static void
changes_forget(tk_vfs *vfs, const char *path)
{
    size_t kept = 0;

    for (size_t i = 0; i < vfs->n_changes; i++) {
        if (!path || strcmp(vfs->changes[i].path, path) == 0)
            change_free(&vfs->changes[i]);
        else
            vfs->changes[kept++] = vfs->changes[i];
    }
    vfs->n_changes = kept;
}

static void
put_bytes(int fd, const unsigned char *bytes, size_t len, int64_t at)
{
    if (len)
        ck_assert_int_eq(pwrite(fd, bytes, len, at), (ssize_t)len);
}

static void
change_apply(const tk_vfs_change *c, int undo)
{
    int fd = open(c->path, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return; /* deleted since */
    if (undo) {
        put_bytes(fd, c->old, c->old_len, c->at);
        ck_assert_int_eq(ftruncate(fd, c->old_size), 0);
    } else if (c->bytes) {
        put_bytes(fd, c->bytes, c->len, c->at);
    } else {
        ck_assert_int_eq(ftruncate(fd, c->at), 0);
    }
    (void)close(fd);
}

static void
change_apply_torn(const tk_vfs_change *c, uint64_t bits, size_t sector)
{
    int fd = open(c->path, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return;
    for (size_t at = 0, i = 0; at < c->len; at += sector, i++) {
        size_t n = c->len - at < sector ? c->len - at : sector;

        if (bits >> (i % 64) & 1)
            put_bytes(fd, c->bytes + at, n, c->at + (int64_t)at);
    }
    (void)close(fd);
}

void
tk_vfs_power_cut(tk_vfs *vfs, uint64_t seed, size_t sector)
{
    /* Back to the last sync, then forward again with what happened to reach the disk. */
    for (size_t i = vfs->n_changes; i-- > 0;)
        change_apply(&vfs->changes[i], 1);
    for (size_t i = 0; i < vfs->n_changes; i++) {
        uint64_t dice = fbk__mix64(seed * 0x9e3779b97f4a7c15u + i);

        if (dice % 3 == 0)
            continue;
        if (dice % 3 == 1 || !vfs->changes[i].bytes)
            change_apply(&vfs->changes[i], 0);
        else
            change_apply_torn(&vfs->changes[i], fbk__mix64(dice), sector);
    }
    changes_forget(vfs, NULL);
}

/* ---- methods of a file ---- */

static int
tk_close(sqlite3_file *file)
{
    free(tk_of(file)->path);
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int
tk_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 at)
{
    sqlite3_file *real = real_of(file);

    if (!fails(tk_of(file)->vfs, TK_VFS_READ))
        return real->pMethods->xRead(real, buf, n, at);
    if (tk_of(file)->vfs->how != TK_VFS_SHORT)
        return SQLITE_IOERR_READ;
    memset(buf, 0, (size_t)n);
    (void)real->pMethods->xRead(real, buf, n / 2, at);
    return SQLITE_IOERR_SHORT_READ;
}

static int
tk_write_file(sqlite3_file *file, const void *buf, int n, sqlite3_int64 at)
{
    tk_file *f = tk_of(file);
    sqlite3_file *real = real_of(file);
    int broken = fails(f->vfs, TK_VFS_WRITE);

    if (broken && f->vfs->how != TK_VFS_SHORT)
        return fail_code(f->vfs, SQLITE_IOERR_WRITE, 1);
    if (broken)
        n /= 2;
    if (f->vfs->remember && f->path) {
        tk_vfs_change *c = change_add(f, at);

        change_keep_old(f, c, n);
        c->len = (size_t)n;
        c->bytes = malloc((size_t)n + 1);
        ck_assert_ptr_nonnull(c->bytes);
        memcpy(c->bytes, buf, (size_t)n);
    }
    if (!broken)
        return real->pMethods->xWrite(real, buf, n, at);
    if (n > 0)
        (void)real->pMethods->xWrite(real, buf, n, at);
    return SQLITE_FULL;
}

static int
tk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    tk_file *f = tk_of(file);

    if (fails(f->vfs, TK_VFS_TRUNCATE))
        return SQLITE_IOERR_TRUNCATE;
    if (f->vfs->remember && f->path) {
        tk_vfs_change *c = change_add(f, size);

        change_keep_old(f, c, c->old_size - size);
    }
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int
tk_sync(sqlite3_file *file, int flags)
{
    tk_file *f = tk_of(file);
    int rc;

    if (fails(f->vfs, TK_VFS_SYNC))
        return SQLITE_IOERR_FSYNC;
    rc = f->vfs->no_sync ? SQLITE_OK : real_of(file)->pMethods->xSync(real_of(file), flags);
    if (rc == SQLITE_OK && f->vfs->remember && f->path)
        changes_forget(f->vfs, f->path);
    return rc;
}

static int
tk_size(sqlite3_file *file, sqlite3_int64 *size)
{
    if (fails(tk_of(file)->vfs, TK_VFS_SIZE))
        return SQLITE_IOERR_FSTAT;
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int
tk_lock(sqlite3_file *file, int level)
{
    if (fails(tk_of(file)->vfs, TK_VFS_LOCK))
        return SQLITE_IOERR_LOCK;
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int
tk_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int
tk_check_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int
tk_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int
tk_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int
tk_characteristics(sqlite3_file *file)
{
    /* What the real disk promises is not what this one does. */
    return tk_of(file)->vfs->remember
               ? 0
               : real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int
tk_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    if (fails(tk_of(file)->vfs, TK_VFS_SHM)) {
        *out = NULL;
        return fail_code(tk_of(file)->vfs, SQLITE_IOERR_SHMMAP, extend);
    }
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, out);
}

static int
tk_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    /* Letting go never fails, as with the real one. */
    if ((flags & SQLITE_SHM_LOCK) && fails(tk_of(file)->vfs, TK_VFS_LOCK))
        return SQLITE_IOERR_SHMLOCK;
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void
tk_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int
tk_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static int
tk_fetch(sqlite3_file *file, sqlite3_int64 at, int n, void **out)
{
    (void)file;
    (void)at;
    (void)n;
    *out = NULL;
    return SQLITE_OK;
}

static int
tk_unfetch(sqlite3_file *file, sqlite3_int64 at, void *page)
{
    tk_vfs *vfs = tk_of(file)->vfs;

    if (at == 0 && !page && vfs->on_unfetch)
        vfs->on_unfetch(vfs->user_data);
    return SQLITE_OK;
}

static const sqlite3_io_methods tk_methods = {
    3,
    tk_close,
    tk_read,
    tk_write_file,
    tk_truncate,
    tk_sync,
    tk_size,
    tk_lock,
    tk_unlock,
    tk_check_reserved,
    tk_control,
    tk_sector_size,
    tk_characteristics,
    tk_shm_map,
    tk_shm_lock,
    tk_shm_barrier,
    tk_shm_unmap,
    tk_fetch,
    tk_unfetch,
};

/* ---- methods of the VFS ---- */

static tk_vfs *
vfs_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static int
tk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    sqlite3_vfs *root = vfs_of(vfs)->root;
    tk_file *f = tk_of(file);
    int lasting = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
    int rc;

    memset(f, 0, sizeof *f);
    if (fails(vfs_of(vfs), TK_VFS_OPEN))
        return SQLITE_CANTOPEN;
    f->vfs = vfs_of(vfs);
    real_of(file)->pMethods = NULL;
    rc = root->xOpen(root, name, real_of(file), flags, out_flags);
    if (!real_of(file)->pMethods)
        return rc;
    f->base.pMethods = &tk_methods;
    if (name && (flags & lasting))
        f->path = strdup(name);
    return rc;
}

static int
tk_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    sqlite3_vfs *root = vfs_of(vfs)->root;
    int rc;

    if (fails(vfs_of(vfs), TK_VFS_DELETE))
        return SQLITE_IOERR_DELETE;
    rc = root->xDelete(root, name, sync_dir);
    if (rc == SQLITE_OK)
        changes_forget(vfs_of(vfs), name);
    return rc;
}

static int
tk_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    sqlite3_vfs *root = vfs_of(vfs)->root;

    if (fails(vfs_of(vfs), TK_VFS_ACCESS))
        return SQLITE_IOERR_ACCESS;
    return root->xAccess(root, name, flags, out);
}

static int
tk_full_pathname(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    return vfs_of(vfs)->root->xFullPathname(vfs_of(vfs)->root, name, n, out);
}

static int
tk_randomness(sqlite3_vfs *vfs, int n, char *out)
{
    return vfs_of(vfs)->root->xRandomness(vfs_of(vfs)->root, n, out);
}

static int
tk_sleep(sqlite3_vfs *vfs, int us)
{
    return vfs_of(vfs)->root->xSleep(vfs_of(vfs)->root, us);
}

static int
tk_current_time(sqlite3_vfs *vfs, double *out)
{
    return vfs_of(vfs)->root->xCurrentTime(vfs_of(vfs)->root, out);
}

static int
tk_last_error(sqlite3_vfs *vfs, int n, char *out)
{
    return vfs_of(vfs)->root->xGetLastError(vfs_of(vfs)->root, n, out);
}

static int
tk_current_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    return vfs_of(vfs)->root->xCurrentTimeInt64(vfs_of(vfs)->root, out);
}

void
tk_vfs_register(tk_vfs *vfs, const char *name)
{
    memset(vfs, 0, sizeof *vfs);
    vfs->root = sqlite3_vfs_find(NULL);
    ck_assert_ptr_nonnull(vfs->root);
    vfs->fail_at = -1;
    vfs->base.iVersion = 2;
    vfs->base.szOsFile = (int)sizeof(tk_file) + vfs->root->szOsFile;
    vfs->base.mxPathname = vfs->root->mxPathname;
    vfs->base.zName = name;
    vfs->base.pAppData = vfs;
    vfs->base.xOpen = tk_open;
    vfs->base.xDelete = tk_delete;
    vfs->base.xAccess = tk_access;
    vfs->base.xFullPathname = tk_full_pathname;
    vfs->base.xRandomness = tk_randomness;
    vfs->base.xSleep = tk_sleep;
    vfs->base.xCurrentTime = tk_current_time;
    vfs->base.xGetLastError = tk_last_error;
    vfs->base.xCurrentTimeInt64 = tk_current_time_ms;
    ck_assert_int_eq(sqlite3_vfs_register(&vfs->base, 0), SQLITE_OK);
}

void
tk_vfs_make_default(tk_vfs *vfs)
{
    ck_assert_int_eq(sqlite3_vfs_register(&vfs->base, 1), SQLITE_OK);
}

void
tk_vfs_unregister(tk_vfs *vfs)
{
    (void)sqlite3_vfs_unregister(&vfs->base);
    changes_forget(vfs, NULL);
    free(vfs->changes);
    memset(vfs, 0, sizeof *vfs);
}

void
tk_vfs_arm(tk_vfs *vfs, uint32_t ops, tk_vfs_how how, int64_t fail_at, int persistent)
{
    vfs->ops = ops;
    vfs->how = how;
    vfs->fail_at = fail_at;
    vfs->persistent = persistent;
    vfs->n_calls = 0;
    vfs->n_failed = 0;
}
