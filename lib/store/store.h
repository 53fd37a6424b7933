/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <pthread.h>
#include <sys/types.h>

#include "store/conn.h"
#include "store/gate.h"
#include "store/group.h"
#include "store/lease.h"
#include "store/sqlite.h"
#include "store/vfs.h"

/* What is behind fbk_store and fbk; only store/ includes this. */

typedef struct fbk__shared_slot {
    const void *key;
    fbk__shared *object;
} fbk__shared_slot;

struct fbk_store {
    fbk_allocator alloc;
    int64_t refs; /* atomic: the caller's handle and one a connection */
    pid_t pid;
    const volatile int *same_process; /* 1, and 0 in a child of fork(); NULL = ask the system */
    char *path;                       /* absolute */
    char *tmpdir;                     /* of ":memory:", else NULL */
    uint32_t flags;
    uint32_t durability;
    uint32_t busy_timeout_ms;
    uint32_t cache_kib;
    uint32_t page_size;
    bool immutable;
    bool created; /* this open made the file */
    bool open;    /* opening succeeded: the last close writes the WAL back */

    fbk__vfs vfs;
    fbk__lease lease; /* between processes */
    fbk__gate gate;   /* between threads; guards everything down to the blank line */
    fbk__handle writer;
    int64_t wal_frames;    /* as of the last commit */
    int64_t checkpoint_at; /* frames at which the next checkpoint is due */
    uint32_t left_version; /* of the file's content, when our last transaction ended */
    uint64_t n_foreign;    /* how often somebody else had written when one of ours began */

    fbk__group group;   /* of threads whose writes are committed together */
    uint64_t n_commits; /* atomic: by this process */
    pthread_mutex_t shared_lock;
    fbk__shared_slot *shared;
    size_t n_shared;
    size_t shared_cap;
};

struct fbk__conn {
    fbk_store *store;
    fbk__handle reader;
    int write_depth;
    int read_depth;
    int read_in_write; /* read_begin()s inside the write transaction, which do nothing */
    struct {
        fbk__write_end_fn fn;
        void *user_data;
    } hooks[FBK__WRITE_HOOKS]; /* at the end of the write transaction */
    int n_hooks;
    fbk_status write_failed; /* first failure inside the write transaction */
    uint32_t bumped;         /* bits of the fbk__kinds bumped in the write transaction */
    bool erasing;            /* secure_delete is on until the end of the transaction */
    int64_t read_until_ns;   /* deadline of the open read transaction, 0 = none */
    int64_t stmt_until_ns;   /* deadline of the statement that began last, 0 = none */
    fbk__shared *own;        /* of the layer that appends events */
    int64_t n_changes;
    int64_t last_rowid;
    bool generations_known;
    int64_t generations_ns;
    uint64_t generations_commits;
    int64_t data_version;
    uint64_t generations[FBK__N_KINDS];
};

enum { FBK__READ_SECONDS = 30, FBK__CHECKPOINT_BYTES = 4 << 20 };

/** For a failure that changes nothing for the caller; the place says why. */
static inline void
fbk__ignore(fbk_status status)
{
    (void)status;
}

/** Whether this is the process that opened the store, and not a child of it. */
bool
fbk__store_is_ours(const fbk_store *store);

/** The handle on which the statements of this connection run now. */
fbk__handle *
fbk__conn_handle(fbk *db);

/** When a write that is asked for now has waited for too long (monotonic, ns). */
int64_t
fbk__write_deadline(const fbk_store *store);

/** As fbk__write_begin(), waiting until then. */
fbk_status
fbk__write_begin_until(fbk *db, int64_t deadline_ns) FBK_MUST_USE;

/** Inside a write transaction: it is not to be committed. Returns the status. */
fbk_status
fbk__write_failed(fbk *db, fbk_status status);

/** Give a reference to the store back; the last one closes the file. */
void
fbk__store_unref(fbk_store *store);

/** Whether the file may be a store, as far as its head tells. An empty one may with `create`. */
fbk_status
fbk__store_peek(fbk *db, fbk_store *store, bool create) FBK_MUST_USE;

/** Open the file of a store whose path, options, VFS and lease are ready: make, check or migrate
 *  it, and open the writer (lib/store/open.c). The caller holds the lease if there is one. */
fbk_status
fbk__store_attach(fbk *db, fbk_store *store, const fbk_store_options *opt) FBK_MUST_USE;

/** Write the WAL back (TRUNCATE or RESTART). The caller is inside the gate and holds the lease. */
fbk_status
fbk__checkpoint_locked(fbk *db, fbk_store *store, bool truncate) FBK_MUST_USE;

/** Settings of a new store, written in the transaction that makes it. */
fbk_status
fbk__meta_init(fbk *db, const fbk_store_options *opt) FBK_MUST_USE;

#endif
