/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_STREAM_H
#define LOG_STREAM_H

#include "log/chunk.h"

/* A long run of bytes cut into rows of one size, so that a row fills a page of the file (two of
 * them one of 8 KiB) and none hangs over into the next: rows as long as what they hold left a fifth
 * of the file empty. Things lie one behind the other and are read by their place.
 *
 * A piece begins with where in it the first thing begins (two bytes, little-endian; past the end =
 * nowhere), so that the things behind a lost piece can still be found. Its checksum is the row's.
 */

enum {
    FBK__STREAM_ROW = 4048,                                     /* bytes of a full row */
    FBK__STREAM_HEAD = 2,                                       /* the mark */
    FBK__STREAM_PIECE = FBK__STREAM_ROW - FBK__STREAM_HEAD - 8, /* bytes that it holds */
    FBK__STREAM_PIECES_LOG2 = 24,                               /* rows of a stream */
    FBK__STREAM_PIECES = 15 << 20                               /* those behind are the owner's */
};

typedef struct fbk__stream {
    int64_t first; /* row of the first piece */
    uint64_t len;  /* place of what comes next */
    fbk__buf piece;
    bool saved; /* the piece, as far as it went then, is in the file */
} fbk__stream;

/** Start writing behind the pieces that hold the first `len` bytes. */
void
fbk__stream_init(fbk__stream *s, const fbk_allocator *a, int64_t first, uint64_t len);
void
fbk__stream_free(fbk__stream *s);

/** Inside a write transaction: append a thing; s->len is its place before. Full pieces are
 *  written. */
fbk_status
fbk__stream_put(fbk *db, fbk__stream *s, const void *bytes, size_t len) FBK_MUST_USE;

/** Inside a write transaction: write the piece that is not full; what comes next starts another. */
fbk_status
fbk__stream_end(fbk *db, fbk__stream *s) FBK_MUST_USE;

/** Inside a write transaction, at its end: write the piece that is not full and go on with it, so
 *  that fbk__stream_resume() can too. */
fbk_status
fbk__stream_save(fbk *db, fbk__stream *s) FBK_MUST_USE;

/** Go on writing behind `len` bytes, as they were saved. fbk__stream_free() on every path. */
fbk_status
fbk__stream_resume(fbk *db, fbk__stream *s, const fbk_allocator *a, int64_t first, uint64_t len)
    FBK_MUST_USE;

/** Copy len bytes at a place. FBK_DONE: a piece was not there. FBK_ECORRUPT: one was damaged. */
fbk_status
fbk__stream_get(fbk *db, int64_t first, uint64_t at, size_t len, void *to) FBK_MUST_USE;

/** Inside a write transaction: zero len bytes at a place. */
fbk_status
fbk__stream_zero(fbk *db, int64_t first, uint64_t at, size_t len) FBK_MUST_USE;

#endif
