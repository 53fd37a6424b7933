/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/vfs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* A file of the VFS: ours, then the one of the VFS underneath, in one piece of memory. Only files
 * of databases get our methods: the store, and the temporary one through which it is written anew,
 * for what would be read wrong from that would be written to the store. Journals, WAL and other
 * temporary files are opened straight through. */
typedef struct vfs_file {
    sqlite3_file base;
    fbk__vfs *vfs;
    sqlite3_int64 page_size; /* 0 until page 1 was seen */
    int read_error;          /* code of the last failed read, damage apart */
    bool foreign;            /* page 1 was seen, and its pages do not end in a checksum */
    unsigned char *scratch;  /* one page, for writing */
} vfs_file;

enum {
    HEADER_LEN = 100,
    HEADER_PAGE_SIZE = 16,
    HEADER_RESERVED = 20,
    IOCAP_SUBPAGE_READ = 0x8000 /* SQLITE_IOCAP_SUBPAGE_READ of SQLite 3.48 */
};

static vfs_file *
vfs_file_of(sqlite3_file *f)
{
    return (vfs_file *)(void *)f;
}

static sqlite3_file *
real_of(sqlite3_file *f)
{
    return (sqlite3_file *)(void *)(vfs_file_of(f) + 1);
}

uint64_t
fbk__page_checksum(const unsigned char *page, size_t page_size, uint32_t page_number)
{
    return fbk__hash64_seeded(page, page_size - FBK__PAGE_TAIL, page_number);
}

/* Little-endian on every machine. */
static void
tail_put(unsigned char *tail, uint64_t sum)
{
    for (int i = 0; i < FBK__PAGE_TAIL; i++)
        tail[i] = (unsigned char)(sum >> (8 * i));
}

static uint64_t
tail_get(const unsigned char *tail)
{
    uint64_t sum = 0;

    for (int i = 0; i < FBK__PAGE_TAIL; i++)
        sum |= (uint64_t)tail[i] << (8 * i);
    return sum;
}

static bool
is_zero(const unsigned char *bytes, size_t n)
{
    return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

bool
fbk__page_is_sound(const unsigned char *page, size_t page_size, uint32_t page_number)
{
    const unsigned char *tail = page + page_size - FBK__PAGE_TAIL;

    return tail_get(tail) == fbk__page_checksum(page, page_size, page_number) ||
           is_zero(page, page_size);
}

uint32_t
fbk__vfs_take_bad_page(fbk__vfs *vfs)
{
    return __atomic_exchange_n(&vfs->bad_page, 0, __ATOMIC_RELAXED);
}

int
fbk__vfs_take_read_error(sqlite3_file *file)
{
    int code = vfs_file_of(file)->read_error;

    vfs_file_of(file)->read_error = SQLITE_OK;
    return code;
}

/* Page 1 says how large pages are and whether they end in a checksum; a file without (another
 * application's, or one not yet told) is left as it is. */
static void
vfs_learn(vfs_file *f, const unsigned char *page1)
{
    sqlite3_int64 size = page1[HEADER_PAGE_SIZE] << 8 | page1[HEADER_PAGE_SIZE + 1];

    if (memcmp(page1, "SQLite format 3", 16) != 0)
        return;
    if (size == 1)
        size = 65536;
    if (size < 512 || size > 65536 || (size & (size - 1)) ||
        page1[HEADER_RESERVED] != FBK__PAGE_TAIL)
        size = 0;
    if (size != f->page_size) {
        sqlite3_free(f->scratch);
        f->scratch = NULL;
    }
    f->page_size = size;
    f->foreign = size == 0;
}

static int
file_close(sqlite3_file *file)
{
    vfs_file *f = vfs_file_of(file);
    sqlite3_file *real = real_of(file);

    sqlite3_free(f->scratch);
    f->scratch = NULL;
    return real->pMethods->xClose(real);
}

/* SQLite takes what a short read did not give for zeros. That is right past the end of the file,
 * for pages that were never written; inside it bytes are missing that were there. */
static int
file_read_short(vfs_file *f, sqlite3_file *real, int n, sqlite3_int64 at)
{
    sqlite3_int64 size = 0;
    int rc = real->pMethods->xFileSize(real, &size);

    if (rc != SQLITE_OK)
        return rc;
    if (at + n <= size)
        return f->read_error = SQLITE_IOERR_READ;
    if (at >= size || n <= HEADER_LEN)
        return SQLITE_IOERR_SHORT_READ;
    __atomic_store_n(&f->vfs->bad_page, (uint32_t)(at / n) + 1, __ATOMIC_RELAXED);
    return SQLITE_IOERR_DATA;
}

static int
file_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 at)
{
    vfs_file *f = vfs_file_of(file);
    sqlite3_file *real = real_of(file);
    int rc = real->pMethods->xRead(real, buf, n, at);

    if (rc == SQLITE_IOERR_SHORT_READ)
        return file_read_short(f, real, n, at);
    if (rc != SQLITE_OK)
        return f->read_error = rc;
    if (at == 0 && n >= HEADER_LEN)
        vfs_learn(f, buf);
    /* Parts of pages are read of page 1 alone: its header, and the change counter in it. */
    if (f->page_size == 0 || n != f->page_size || at % f->page_size != 0)
        return SQLITE_OK;
    if (!fbk__page_is_sound(buf, (size_t)n, (uint32_t)(at / n) + 1)) {
        __atomic_store_n(&f->vfs->bad_page, (uint32_t)(at / n) + 1, __ATOMIC_RELAXED);
        return SQLITE_IOERR_DATA;
    }
    return SQLITE_OK;
}

static int
file_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 at)
{
    vfs_file *f = vfs_file_of(file);
    sqlite3_file *real = real_of(file);

    if (at == 0 && n >= HEADER_LEN)
        vfs_learn(f, buf);
    /* While a file is made, a full cache spills pages before page 1 is written. They are whole
     * pages of a store, because this VFS serves nothing else. */
    if (f->foreign || (f->page_size ? n != f->page_size : n < 512 || (n & (n - 1))) || at % n != 0)
        return real->pMethods->xWrite(real, buf, n, at);
    if (!f->scratch) {
        f->scratch = sqlite3_malloc(n);
        if (!f->scratch)
            return SQLITE_IOERR_NOMEM;
    }
    /* A copy: the buffer is SQLite's page, and others may be reading it. */
    memcpy(f->scratch, buf, (size_t)n - FBK__PAGE_TAIL);
    tail_put(f->scratch + n - FBK__PAGE_TAIL,
             fbk__page_checksum(f->scratch, (size_t)n, (uint32_t)(at / n) + 1));
    return real->pMethods->xWrite(real, f->scratch, n, at);
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int
file_sync(sqlite3_file *file, int flags)
{
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int
file_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int
file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int
file_check_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int
file_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int
file_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int
file_characteristics(sqlite3_file *file)
{
    int caps = real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));

    /* Reading part of a page would go past its checksum. */
    caps &= ~IOCAP_SUBPAGE_READ;
    return vfs_file_of(file)->vfs->immutable ? caps | SQLITE_IOCAP_IMMUTABLE : caps;
}

static int
file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, out);
}

static int
file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void
file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int
file_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

/* Never mapped: a page read through a mapping would not pass file_read(). */
static int
file_fetch(sqlite3_file *file, sqlite3_int64 at, int n, void **out)
{
    (void)file;
    (void)at;
    (void)n;
    *out = NULL;
    return SQLITE_OK;
}

static int
file_unfetch(sqlite3_file *file, sqlite3_int64 at, void *page)
{
    sqlite3_file *real = real_of(file);

    return real->pMethods->iVersion >= 3 ? real->pMethods->xUnfetch(real, at, page) : SQLITE_OK;
}

static const sqlite3_io_methods file_methods = {
    3,
    file_close,
    file_read,
    file_write,
    file_truncate,
    file_sync,
    file_size,
    file_lock,
    file_unlock,
    file_check_reserved,
    file_control,
    file_sector_size,
    file_characteristics,
    file_shm_map,
    file_shm_lock,
    file_shm_barrier,
    file_shm_unmap,
    file_fetch,
    file_unfetch,
};

static sqlite3_vfs *
root_of(sqlite3_vfs *vfs)
{
    return ((fbk__vfs *)vfs->pAppData)->root;
}

/* A file without a name: SQLite would put it where everybody looks. */
static int
vfs_open_temporary(fbk__vfs *vfs, sqlite3_file *file, int flags, int *out_flags)
{
    const char *dir = __atomic_load_n(&vfs->tmpdir, __ATOMIC_ACQUIRE);
    uint64_t n = __atomic_add_fetch(&vfs->n_tmp, 1, __ATOMIC_RELAXED);
    char name[PATH_MAX + 24] = ""; /* SQLite reads one byte past the end of a name */

    if (!dir)
        return vfs->root->xOpen(vfs->root, NULL, file, flags, out_flags);
    (void)snprintf(name, sizeof name - 1, "%s/%llu", dir, (unsigned long long)n);
    return vfs->root->xOpen(vfs->root, name, file, flags | SQLITE_OPEN_EXCLUSIVE, out_flags);
}

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    sqlite3_vfs *root = root_of(vfs);
    bool database = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_TEMP_DB);
    sqlite3_file *real = database ? real_of(file) : file;
    vfs_file *f = vfs_file_of(file);
    int rc;

    if (database) {
        memset(f, 0, sizeof *f);
        f->vfs = vfs->pAppData;
    }
    real->pMethods = NULL;
    rc = name ? root->xOpen(root, name, real, flags, out_flags)
              : vfs_open_temporary(vfs->pAppData, real, flags, out_flags);
    if (!database)
        return rc;
    /* SQLite closes a file that has methods, even when its opening failed. */
    if (real_of(file)->pMethods)
        f->base.pMethods = &file_methods;
    return rc;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    return root_of(vfs)->xDelete(root_of(vfs), name, sync_dir);
}

static int
vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    return root_of(vfs)->xAccess(root_of(vfs), name, flags, out);
}

static int
vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    return root_of(vfs)->xFullPathname(root_of(vfs), name, n, out);
}

static int
vfs_randomness(sqlite3_vfs *vfs, int n, char *out)
{
    return root_of(vfs)->xRandomness(root_of(vfs), n, out);
}

static int
vfs_sleep(sqlite3_vfs *vfs, int us)
{
    return root_of(vfs)->xSleep(root_of(vfs), us);
}

static int
vfs_current_time(sqlite3_vfs *vfs, double *out)
{
    return root_of(vfs)->xCurrentTime(root_of(vfs), out);
}

static int
vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
    return root_of(vfs)->xGetLastError(root_of(vfs), n, out);
}

static int
vfs_current_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    return root_of(vfs)->xCurrentTimeInt64(root_of(vfs), out);
}

fbk_status
fbk__vfs_register(fbk *db, fbk__vfs *vfs, const char *under)
{
    sqlite3_vfs *root = sqlite3_vfs_find(under);
    int rc;

    if (!root || root->iVersion < 2 || !root->xCurrentTimeInt64)
        return fbk__fail_at(db, FBK_EINVAL, "vfs", 0, "there was no SQLite VFS of that name");
    memset(vfs, 0, sizeof *vfs);
    vfs->root = root;
    (void)snprintf(vfs->name, sizeof vfs->name, "fbk-%p", (void *)vfs);
    vfs->base.iVersion = 2; /* no xSetSystemCall, no extensions to load */
    vfs->base.szOsFile = (int)sizeof(vfs_file) + root->szOsFile;
    vfs->base.mxPathname = root->mxPathname;
    vfs->base.zName = vfs->name;
    vfs->base.pAppData = vfs;
    vfs->base.xOpen = vfs_open;
    vfs->base.xDelete = vfs_delete;
    vfs->base.xAccess = vfs_access;
    vfs->base.xFullPathname = vfs_full_pathname;
    vfs->base.xRandomness = vfs_randomness;
    vfs->base.xSleep = vfs_sleep;
    vfs->base.xCurrentTime = vfs_current_time;
    vfs->base.xGetLastError = vfs_last_error;
    vfs->base.xCurrentTimeInt64 = vfs_current_time_ms;
    rc = sqlite3_vfs_register(&vfs->base, 0);
    if (rc != SQLITE_OK) {
        vfs->root = NULL;
        return rc == SQLITE_NOMEM ? fbk__nomem(db)
                                  : fbk__fail(db, FBK_EDB, "SQLite refused a VFS (%d)", rc);
    }
    return FBK_OK;
}

void
fbk__vfs_unregister(fbk__vfs *vfs)
{
    if (!vfs->root)
        return;
    (void)sqlite3_vfs_unregister(&vfs->base);
    vfs->root = NULL;
}
