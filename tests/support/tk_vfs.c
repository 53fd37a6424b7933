/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_vfs.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct tk_file {
    sqlite3_file base;
    tk_vfs *vfs;
    char *path; /* of a file that outlives its closing; NULL for temporary ones */
} tk_file;

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
    if (f->vfs->disk && f->path)
        tk_disk_write(f->vfs->disk, f->path, buf, (size_t)n, at);
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
    if (f->vfs->disk && f->path)
        tk_disk_truncate(f->vfs->disk, f->path, size);
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
    if (rc == SQLITE_OK && f->vfs->disk && f->path)
        tk_disk_sync(f->vfs->disk, f->path);
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
    int caps = real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));

    /* A power cut tears what was written, and leaves alone what stands beside it; the real disk
     * may promise more. */
    return tk_of(file)->vfs->disk ? caps & SQLITE_IOCAP_POWERSAFE_OVERWRITE : caps;
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
    if (rc == SQLITE_OK && vfs_of(vfs)->disk)
        tk_disk_delete(vfs_of(vfs)->disk, name);
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
