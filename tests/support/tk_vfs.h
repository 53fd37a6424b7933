/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TK_VFS_H
#define SUPPORT_TK_VFS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "support/tk_disk.h"

/* A SQLite VFS over the default one that fails on demand, calls back at chosen points, and can tell
 * a tk_disk what is written. Give its name as options.vfs. */

/** What can fail; a bit each in tk_vfs.ops. */
enum {
    TK_VFS_OPEN = 1,
    TK_VFS_READ = 2,
    TK_VFS_WRITE = 4,
    TK_VFS_SYNC = 8,
    TK_VFS_TRUNCATE = 16,
    TK_VFS_LOCK = 32, /* file locks and shared-memory locks */
    TK_VFS_DELETE = 64,
    TK_VFS_SIZE = 128,
    TK_VFS_SHM = 256, /* mapping shared memory */
    TK_VFS_ACCESS = 512,
    TK_VFS_ALL = 1023
};

/** How it fails. */
typedef enum tk_vfs_how {
    TK_VFS_EIO,   /* the SQLITE_IOERR_… of the operation, errno EIO; a lock is SQLITE_BUSY */
    TK_VFS_FULL,  /* ENOSPC: SQLITE_FULL where something is written, else as EIO */
    TK_VFS_SHORT, /* a read gives half, the rest zeros; a write stores half and is SQLITE_FULL */
    TK_VFS_N_HOW
} tk_vfs_how;

typedef struct tk_vfs {
    sqlite3_vfs base;
    sqlite3_vfs *root;
    uint32_t ops; /* which operations count */
    tk_vfs_how how;
    int64_t fail_at;  /* the k-th counted one (from 0) fails; -1 = none */
    int persistent;   /* and all after it */
    int64_t n_calls;  /* counted so far */
    int64_t n_failed; /* made to fail */

    /* Called when SQLite lets go of its mapping of the database file: inside a checkpoint that is
     * the moment between reading the WAL's header and copying frames. NULL = none. */
    void (*on_unfetch)(void *user_data);
    void *user_data;

    int no_sync; /* a sync does nothing: for tests that ask for thousands and are not about them */
    tk_disk *disk; /* told of all that is written; NULL = nobody is */
} tk_vfs;

/** Register it under this name (which must live as long), not failing anything. */
void
tk_vfs_register(tk_vfs *vfs, const char *name);

/** Make it what SQLite uses when nobody names a VFS, until it is unregistered. */
void
tk_vfs_make_default(tk_vfs *vfs);

/** After all its files were closed. */
void
tk_vfs_unregister(tk_vfs *vfs);

/** Count from 0 again and fail the k-th of these operations this way. fail_at -1 only counts. */
void
tk_vfs_arm(tk_vfs *vfs, uint32_t ops, tk_vfs_how how, int64_t fail_at, int persistent);

#endif
