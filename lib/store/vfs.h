/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_VFS_H
#define STORE_VFS_H

#include <sqlite3.h>

#include "base/err.h"

/* The store's own SQLite VFS: hands everything to the one underneath, and keeps a checksum in the
 * last 8 bytes of each page of the database file: XXH3-64 of the page, seeded with the page number,
 * so that a page in the wrong place is noticed too. It is written when SQLite writes the page and
 * compared when SQLite reads it. The WAL is left alone: its frames have checksums of SQLite's.
 * An all-zero page is accepted, because SQLite extends the file over pages it never writes. */

enum { FBK__PAGE_TAIL = 8 };

typedef struct fbk__vfs {
    sqlite3_vfs base;  /* registered under `name`, pAppData = this */
    sqlite3_vfs *root; /* the one underneath */
    char name[32];
    uint32_t bad_page;  /* atomic: the page that failed last, 0 = none */
    bool immutable;     /* tell SQLite that nobody changes the file */
    const char *tmpdir; /* atomic: where temporary files go, NULL = where SQLite likes */
    uint64_t n_tmp;     /* atomic: names given in it */
} fbk__vfs;

/** Register it over the VFS called `under` (NULL = SQLite's default).
 *  @retval FBK_EINVAL there is no such VFS. */
fbk_status
fbk__vfs_register(fbk *db, fbk__vfs *vfs, const char *under) FBK_MUST_USE;

/** After the last file of it was closed; zeros are a no-op. */
void
fbk__vfs_unregister(fbk__vfs *vfs);

/** Compute the checksum of a page, as it stands in its last 8 bytes. */
uint64_t
fbk__page_checksum(const unsigned char *page, size_t page_size, uint32_t page_number);

/** Whether the page carries its checksum, or was never written. */
bool
fbk__page_is_sound(const unsigned char *page, size_t page_size, uint32_t page_number);

/** Take and forget the code of the last read of this database file (one of this VFS) that failed
 *  for another reason than damage; SQLITE_OK = none. SQLite's checks report those as text only. */
int
fbk__vfs_take_read_error(sqlite3_file *file);

/** Take and forget the number of the page that failed last; 0 = none. */
uint32_t
fbk__vfs_take_bad_page(fbk__vfs *vfs);

#endif
