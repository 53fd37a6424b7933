/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_OUTFILE_H
#define EDGE_OUTFILE_H

#include "base/err.h"

/** A file being written: under another name, until it is whole. Zero-initialise with fd -1. */
typedef struct fbk__outfile {
    fbk *db;
    char *path; /* absolute; NULL = it has no name, and never will */
    char *temp;
    char *buffer;
    size_t len;
    uint64_t bytes; /* in all */
    int fd;
    bool overwrite;
} fbk__outfile;

/** Begin a file with mode 0600. FBK_EEXIST unless overwrite. fbk__outfile_close() on every path. */
fbk_status
fbk__outfile_open(fbk *db, const char *path, bool overwrite, fbk__outfile *out) FBK_MUST_USE;

/** Begin one without a name, in a directory (NULL = /var/tmp, else /tmp); it is gone with its
 *  descriptor. */
fbk_status
fbk__outfile_unnamed(fbk *db, const char *dir, fbk__outfile *out) FBK_MUST_USE;

fbk_status
fbk__outfile_write(fbk__outfile *f, const void *bytes, size_t len) FBK_MUST_USE;

/** Write out what is buffered. */
fbk_status
fbk__outfile_flush(fbk__outfile *f) FBK_MUST_USE;

/** Flush, sync, and give it its name. */
fbk_status
fbk__outfile_publish(fbk__outfile *f) FBK_MUST_USE;

/** What was not published is removed. */
void
fbk__outfile_close(fbk__outfile *f);

#endif
