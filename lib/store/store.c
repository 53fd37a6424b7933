/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/options.h"
#include "store/path.h"

/* The life of a store: options, opening, the last close. */

#define STORE_OPTIONS_V1_SIZE 56u
_Static_assert(sizeof(fbk_store_options) == STORE_OPTIONS_V1_SIZE, "fbk_store_options v1");
#define ALLOCATOR_V1_SIZE 40u
_Static_assert(sizeof(fbk_allocator) == ALLOCATOR_V1_SIZE, "fbk_allocator v1");
#define ERRINFO_V1_SIZE 496u

enum {
    STORE_FLAGS = FBK_STORE_CREATE | FBK_STORE_EXCLUSIVE | FBK_STORE_READONLY |
                  FBK_STORE_ANY_FILESYSTEM | FBK_STORE_PRICES_NET,
    BUSY_TIMEOUT_MS = 10000,
    CACHE_KIB = 16384,
    PAGE_SIZE = 4096
};

static fbk_status
options_check_number(fbk *db, const char *field, uint32_t *value, uint32_t preset, uint32_t min,
                     uint32_t max)
{
    if (*value == 0)
        *value = preset;
    if (*value >= min && *value <= max)
        return FBK_OK;
    return fbk__fail_at(db, FBK_ERANGE, field, 0, "%s was %u, not in [%u, %u]", field, *value, min,
                        max);
}

static fbk_status
options_check_texts(fbk *db, const fbk_store_options *opt)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char zone_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789_+-/";

    if (opt->currency && (strlen(opt->currency) != 3 || strspn(opt->currency, letters) != 3))
        return fbk__fail_at(db, FBK_EINVAL, "currency", 0,
                            "currency was not three capital letters (ISO 4217)");
    if (opt->time_zone && (!opt->time_zone[0] || opt->time_zone[0] == '/' ||
                           strstr(opt->time_zone, "..") || strlen(opt->time_zone) > 63 ||
                           strspn(opt->time_zone, zone_letters) != strlen(opt->time_zone)))
        return fbk__fail_at(db, FBK_EINVAL, "time_zone", 0,
                            "time_zone was not an IANA name of at most 63 characters");
    return FBK_OK;
}

static fbk_status
options_check(fbk *db, fbk_store_options *opt)
{
    uint32_t f = opt->flags;
    fbk_status rc;

    if (f & ~(uint32_t)STORE_FLAGS)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had unknown bits (0x%x)", f);
    if ((f & FBK_STORE_READONLY) && (f & (FBK_STORE_CREATE | FBK_STORE_EXCLUSIVE)))
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "READONLY excluded CREATE and EXCLUSIVE");
    if ((f & FBK_STORE_EXCLUSIVE) && !(f & FBK_STORE_CREATE))
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "EXCLUSIVE needed CREATE");
    if (opt->durability > FBK_DURABILITY_NORMAL)
        return fbk__fail_at(db, FBK_ERANGE, "durability", 0, "durability was %u, not 0 or 1",
                            opt->durability);
    rc = options_check_number(db, "busy_timeout_ms", &opt->busy_timeout_ms, BUSY_TIMEOUT_MS, 1,
                              600000);
    if (rc >= 0)
        rc = options_check_number(db, "cache_kib", &opt->cache_kib, CACHE_KIB, 64, 4194304);
    if (rc >= 0)
        rc = options_check_number(db, "page_size", &opt->page_size, PAGE_SIZE, 4096, 8192);
    if (rc >= 0 && (opt->page_size & (opt->page_size - 1)))
        rc = fbk__fail_at(db, FBK_ERANGE, "page_size", 0, "page_size was %u, not 4096 or 8192",
                          opt->page_size);
    return rc < 0 ? rc : options_check_texts(db, opt);
}

/* The first thing that opening does: from here on `db` can report, and allocate. */
static fbk_status
options_load(fbk *db, const fbk_store_options *options, fbk_store_options *opt)
{
    fbk_status rc;

    rc = fbk__options_load(db, opt, sizeof *opt, STORE_OPTIONS_V1_SIZE, options);
    if (rc < 0)
        return rc;
    if (opt->allocator) {
        fbk_allocator a;

        rc = fbk__options_load(db, &a, sizeof a, ALLOCATOR_V1_SIZE, opt->allocator);
        if (rc < 0)
            return rc;
        if (a.reserved0 || !a.malloc_fn || !a.realloc_fn || !a.free_fn)
            return fbk__fail_at(db, FBK_EINVAL, "allocator", 0,
                                "the allocator lacked a function, or reserved0 was not 0");
        db->alloc = a;
    }
    return options_check(db, opt);
}

static fbk_status
store_check_sqlite(fbk *db)
{
    if (sqlite3_libversion_number() < 3037000)
        return fbk__fail(db, FBK_ENOTSUP, "SQLite %s was found; at least 3.37 is needed",
                         sqlite3_libversion());
    if (!sqlite3_threadsafe())
        return fbk__fail(db, FBK_ENOTSUP, "SQLite was built without threads");
    return FBK_OK;
}

/* A page that the kernel wipes in a child of fork(): looking at it costs nothing, getpid() a system
 * call at the head of every public function. */
static const volatile int *
store_fork_page(void)
{
    int *page =
        mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, sizeof *page, MADV_WIPEONFORK) < 0) {
        (void)munmap(page, sizeof *page);
        return NULL;
    }
    *page = 1;
    return page;
}

bool
fbk__store_is_ours(const fbk_store *store)
{
    return store->same_process ? *store->same_process == 1 : store->pid == getpid();
}

static fbk_status
store_new(fbk *db, const fbk_store_options *opt, fbk_store **out)
{
    fbk_store *store = fbk__calloc(fbk__a(db), 1, sizeof *store);

    if (!store)
        return fbk__nomem(db);
    store->alloc = db->alloc;
    store->refs = 1;
    store->pid = getpid();
    store->same_process = store_fork_page();
    store->flags = opt->flags;
    store->durability = opt->durability;
    store->busy_timeout_ms = opt->busy_timeout_ms;
    store->cache_kib = opt->cache_kib;
    store->page_size = opt->page_size;
    store->lease.fd = -1;
    fbk__gate_init(&store->gate);
    fbk__group_init(&store->group);
    store->n_foreign = 1;
    (void)pthread_mutex_init(&store->shared_lock, NULL);
    *out = store;
    return FBK_OK;
}

/* Find the file without touching anything: a path that is wrong leaves no trace. */
static fbk_status
store_find(fbk *db, fbk_store *store, const char *path, fbk_store_options *opt)
{
    char name[PATH_MAX];
    fbk_status rc;

    if (strcmp(path, ":memory:") == 0) {
        if (opt->flags & FBK_STORE_READONLY)
            return fbk__fail_at(db, FBK_EINVAL, "flags", 0, ":memory: cannot be read-only");
        rc = fbk__path_tmpdir(db, &store->tmpdir);
        if (rc < 0)
            return rc;
        (void)snprintf(name, sizeof name, "%s/store", store->tmpdir);
        opt->flags |= FBK_STORE_CREATE;
        path = name;
    }
    rc = fbk__path_resolve(db, path, &store->path);
    if (rc >= 0 && strlen(store->path) > (size_t)store->vfs.root->mxPathname - 16)
        rc = fbk__fail_at(db, FBK_EINVAL, "path", 0, "the path was too long");
    if (rc >= 0)
        rc = fbk__path_check_file(db, store->path);
    if (rc == FBK_DONE && !(opt->flags & FBK_STORE_CREATE))
        rc = fbk__fail(db, FBK_ENOTFOUND, "there was no store at this path");
    else if (rc == FBK_OK)
        rc = fbk__store_peek(db, store, opt->flags & FBK_STORE_CREATE);
    if (rc >= 0 && !(opt->flags & FBK_STORE_ANY_FILESYSTEM))
        rc = fbk__path_check_filesystem(db, store->path);
    return rc < 0 ? rc : FBK_OK;
}

static void
store_unlink(const fbk_store *store, const char *suffix)
{
    char name[PATH_MAX];
    int len = snprintf(name, sizeof name, "%s%s", store->path, suffix);

    if (len > 0 && (size_t)len < sizeof name)
        (void)unlink(name);
}

/* A store whose making failed leaves nothing behind but the lock file: others may hold that. */
static void
store_undo_create(fbk_store *store)
{
    fbk__handle_close(&store->writer);
    store_unlink(store, "-journal");
    store_unlink(store, "-wal");
    store_unlink(store, "-shm");
    store_unlink(store, "");
}

static fbk_status
store_open(fbk *db, const char *path, fbk_store_options *opt, fbk_store **out)
{
    struct fbk__conn conn = {.write_depth = 1};
    fbk_store *store = NULL;
    fbk_status rc;

    rc = store_check_sqlite(db);
    if (rc >= 0)
        rc = store_new(db, opt, &store);
    if (rc < 0)
        return rc;
    conn.store = store;
    db->conn = &conn; /* lends the statements of lib/store/stmt.c the writer */
    rc = fbk__vfs_register(db, &store->vfs, opt->vfs);
    if (rc >= 0)
        rc = store_find(db, store, path, opt);
    if (rc >= 0)
        rc = fbk__lease_open(db, &store->lease, store->path, opt->flags & FBK_STORE_READONLY);
    if (rc >= 0)
        rc = fbk__lease_acquire(db, &store->lease,
                                fbk__now_ns() + (int64_t)opt->busy_timeout_ms * 1000000);
    if (rc >= 0)
        rc = fbk__store_attach(db, store, opt);
    if (rc < 0 && store->created)
        store_undo_create(store);
    fbk__lease_release(&store->lease);
    db->conn = NULL;
    if (rc >= 0) {
        store->open = true;
        *out = store;
    } else {
        fbk__store_unref(store);
    }
    return rc;
}

fbk_status
fbk_store_open(const char *path, const fbk_store_options *options, fbk_store **out_store,
               fbk_errinfo *info)
{
    struct fbk db = {.alloc = fbk__libc_allocator};
    fbk_store_options opt;
    fbk_status rc;

    fbk__err_clear(&db);
    if (!path || !path[0] || !out_store)
        rc = fbk__fail(&db, FBK_EINVAL, "path and out_store must be given");
    else
        rc = options_load(&db, options, &opt);
    if (rc >= 0)
        rc = store_open(&db, path, &opt, out_store);
    if (info && fbk__result_store(NULL, info, ERRINFO_V1_SIZE, &db.err, sizeof db.err) < 0 &&
        rc >= 0) {
        fbk_store_close(*out_store);
        *out_store = NULL;
        rc = FBK_EABI;
    }
    return rc;
}

/* The last handle: write the WAL back and let SQLite remove it. SQLite does so only when it alone
 * has the file (it takes the exclusive lock), and the lease keeps our own others out meanwhile. */
static void
store_close_file(fbk_store *store)
{
    int64_t deadline = fbk__now_ns() + (int64_t)store->busy_timeout_ms * 1000000;

    if (!store->writer.sq)
        return;
    if (fbk__lease_acquire(NULL, &store->lease, deadline) >= 0) {
        fbk__ignore(fbk__checkpoint_locked(NULL, store, true));
        (void)sqlite3_db_config(store->writer.sq, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
    fbk__handle_close(&store->writer);
    fbk__lease_release(&store->lease);
}

static void
store_remove_tmpdir(fbk_store *store)
{
    if (store->path) {
        store_undo_create(store);
        store_unlink(store, "-fbk.lck");
    }
    (void)rmdir(store->tmpdir);
}

static void
store_free(fbk_store *store)
{
    fbk_allocator a = store->alloc;
    struct fbk db = {.alloc = a};

    if (store->open)
        store_close_file(store);
    fbk__handle_close(&store->writer);
    for (size_t i = 0; i < store->n_shared; i++)
        fbk__shared_release(store->shared[i].object);
    fbk__free(&a, store->shared);
    if (store->tmpdir)
        store_remove_tmpdir(store);
    fbk__lease_close(&db, &store->lease);
    fbk__vfs_unregister(&store->vfs);
    if (store->same_process)
        (void)munmap((void *)(uintptr_t)store->same_process, sizeof *store->same_process);
    fbk__gate_destroy(&store->gate);
    fbk__group_destroy(&store->group);
    (void)pthread_mutex_destroy(&store->shared_lock);
    fbk__free(&a, store->path);
    fbk__free(&a, store->tmpdir);
    fbk__free(&a, store);
}

void
fbk__store_unref(fbk_store *store)
{
    if (__atomic_sub_fetch(&store->refs, 1, __ATOMIC_ACQ_REL) == 0)
        store_free(store);
}

void
fbk_store_close(fbk_store *store)
{
    /* After fork() the locks and the shared memory are the parent's: touch nothing. */
    if (store && fbk__store_is_ours(store))
        fbk__store_unref(store);
}
