/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_READER_H
#define EDGE_READER_H

#include "base/err.h"

/* Bytes of a file, plain or zstd (told by its first bytes, not by its name), in bounded memory: a
 * frame that asks for a window of more than 32 MiB is refused, and a bomb is only ever a stream. */

typedef struct fbk__file fbk__file;

/** Open a regular file, a pipe or a terminal by name. FBK_ENOTFOUND, FBK_EIO, FBK_ENOMEM. */
fbk_status
fbk__file_open(fbk *db, const char *path, fbk__file **out) FBK_MUST_USE;

/** Read what stands in memory, as if it were a file; the bytes are borrowed. */
fbk_status
fbk__file_open_memory(fbk *db, const void *bytes, size_t len, fbk__file **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__file_close(fbk__file *file);

/** Up to cap decompressed bytes; *out_n = 0 only at the end. FBK_EINVAL: the compressed data are
 *  damaged or cut off; FBK_EIO. After a failure the same failure comes again. */
fbk_status
fbk__file_read(fbk__file *file, void *to, size_t cap, size_t *out_n) FBK_MUST_USE;

/** Bytes of the file (as it lies on disk) consumed so far, and its size, 0 if unknown (a pipe). */
void
fbk__file_progress(const fbk__file *file, uint64_t *out_done, uint64_t *out_total);

/** Last part of the path without its extensions: "online_retail" of "/x/online_retail.csv.zst". The
 *  text points into path. */
void
fbk__file_stem(const char *path, const char **out_text, size_t *out_len);

/** What has been read and not yet consumed: data[start .. len). */
typedef struct fbk__feed {
    fbk__file *file; /* borrowed */
    const fbk_allocator *a;
    char *data;
    size_t start;
    size_t len;
    size_t cap;
    size_t max; /* never more than this is held */
    bool at_end;
} fbk__feed;

void
fbk__feed_init(fbk__feed *feed, const fbk_allocator *a, fbk__file *file, size_t max);

void
fbk__feed_free(fbk__feed *feed);

/** Move what is left to the front and read until the buffer is full or the file ends; a buffer that
 *  is full already is doubled. Pointers into data die. FBK_DONE: it holds `max` bytes, or the file
 *  had ended before. FBK_ENOMEM and those of fbk__file_read(). */
fbk_status
fbk__feed_more(fbk__feed *feed) FBK_MUST_USE;

/** Drop bytes up to and with the next line feed after `start`, reading on as far as it takes in
 *  bounded memory. FBK_OK, also when the file ended first. */
fbk_status
fbk__feed_skip_line(fbk__feed *feed) FBK_MUST_USE;

#endif
