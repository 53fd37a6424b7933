/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TK_DISK_H
#define SUPPORT_TK_DISK_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* What was done to the files of a directory, in order, so that the disk can be put into any state
 * that a power cut might have left: what a sync of its file followed is there; of what none did,
 * each write is there, lost, or torn sector by sector, whatever the order. Lengths are as the
 * writes and truncations that are there make them. Deleting and renaming count as durable. */

typedef struct tk_disk_op tk_disk_op;
typedef struct tk_disk_file tk_disk_file;

typedef struct tk_disk {
    pthread_mutex_t lock;
    char *dir;
    tk_disk_op *ops;
    size_t n_ops;
    size_t ops_cap;
    tk_disk_file *files; /* all that ever were there */
    size_t n_files;
    size_t files_cap;
} tk_disk;

/** Begin with the files of `dir` as they are, all of it durable. One disk at a time sees renames. */
void
tk_disk_begin(tk_disk *disk, const char *dir);
void
tk_disk_free(tk_disk *disk);

/** What a VFS tells; files elsewhere are none of its business. */
void
tk_disk_write(tk_disk *disk, const char *path, const void *bytes, size_t len, int64_t at);
void
tk_disk_truncate(tk_disk *disk, const char *path, int64_t len);
void
tk_disk_sync(tk_disk *disk, const char *path);
void
tk_disk_delete(tk_disk *disk, const char *path);

/** What the program under test acknowledged. */
void
tk_disk_mark(tk_disk *disk, uint32_t promise);

/** The n-th of these, from 0. */
uint32_t
tk_disk_promise(const tk_disk *disk, size_t n);

/** Moments at which the power can go: before the first operation … after the last. */
size_t
tk_disk_moments(const tk_disk *disk);

/** Write into `dir` (which is emptied) what a cut at this moment might have left.
 *
 *  @return how many marks there were before it. */
size_t
tk_disk_cut(const tk_disk *disk, size_t moment, uint64_t seed, size_t sector, const char *dir);

#endif
