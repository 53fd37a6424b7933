/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/stream.h"

#include <string.h>

enum { NO_MARK = 0xffff };

void
fbk__stream_init(fbk__stream *s, const fbk_allocator *a, int64_t first, uint64_t len)
{
    uint64_t pieces = (len + FBK__STREAM_PIECE - 1) / FBK__STREAM_PIECE;

    *s = (fbk__stream){.first = first, .len = pieces * FBK__STREAM_PIECE};
    fbk__buf_init(&s->piece, a);
}

void
fbk__stream_free(fbk__stream *s)
{
    fbk__buf_free(&s->piece);
}

/* The piece as it is, in the place of what was saved of it before. */
static fbk_status
stream_put_piece(fbk *db, fbk__stream *s, uint64_t number)
{
    int64_t id = s->first + (int64_t)number;
    uint32_t n;
    fbk_status rc = FBK_OK;

    if (number >= FBK__STREAM_PIECES)
        return fbk__fail(db, FBK_ETOOBIG, "a segment of the event log had too many pieces");
    if (s->saved)
        rc = fbk__chunk_clear(db, FBK__CHUNK_SEGMENT, id, id, 1, &n);
    return rc < 0 ? rc : fbk__chunk_write(db, FBK__CHUNK_SEGMENT, id, &s->piece);
}

static fbk_status
stream_write(fbk *db, fbk__stream *s, uint64_t number)
{
    fbk_status rc = stream_put_piece(db, s, number);

    s->saved = false;
    fbk__buf_clear(&s->piece);
    return rc;
}

static void
stream_mark(fbk__stream *s, unsigned mark)
{
    const unsigned char bytes[FBK__STREAM_HEAD] = {(unsigned char)mark, (unsigned char)(mark >> 8)};

    fbk__buf_add(&s->piece, bytes, sizeof bytes);
}

fbk_status
fbk__stream_put(fbk *db, fbk__stream *s, const void *bytes, size_t len)
{
    const char *from = bytes;
    size_t left = len;
    fbk_status rc = FBK_OK;

    while (rc >= 0 && left) {
        size_t at = (size_t)(s->len % FBK__STREAM_PIECE);
        size_t n = FBK__STREAM_PIECE - at < left ? FBK__STREAM_PIECE - at : left;

        if (!at)
            stream_mark(s, left == len ? 0 : n < left ? NO_MARK : (unsigned)n);
        fbk__buf_add(&s->piece, from, n);
        if (s->piece.failed)
            return fbk__nomem(db);
        from += n;
        left -= n;
        s->len += n;
        if (at + n == FBK__STREAM_PIECE)
            rc = stream_write(db, s, s->len / FBK__STREAM_PIECE - 1);
    }
    return rc;
}

fbk_status
fbk__stream_end(fbk *db, fbk__stream *s)
{
    uint64_t number = s->len / FBK__STREAM_PIECE;

    if (s->len % FBK__STREAM_PIECE == 0)
        return FBK_OK;
    s->len = (number + 1) * FBK__STREAM_PIECE;
    return stream_write(db, s, number);
}

fbk_status
fbk__stream_save(fbk *db, fbk__stream *s)
{
    size_t len = s->piece.len;
    fbk_status rc;

    if (s->len % FBK__STREAM_PIECE == 0)
        return FBK_OK;
    rc = stream_put_piece(db, s, s->len / FBK__STREAM_PIECE);
    s->saved = true;
    s->piece.len = len; /* without the checksum */
    return rc;
}

fbk_status
fbk__stream_resume(fbk *db, fbk__stream *s, const fbk_allocator *a, int64_t first, uint64_t len)
{
    int64_t id = first + (int64_t)(len / FBK__STREAM_PIECE);
    size_t part = (size_t)(len % FBK__STREAM_PIECE);
    fbk__stmt *st = NULL;
    const void *bytes = NULL;
    size_t size = 0;
    fbk_status rc = FBK_OK;

    fbk__stream_init(s, a, first, 0);
    s->len = len;
    if (!part)
        return FBK_OK;
    rc = fbk__chunk_open(db, FBK__CHUNK_SEGMENT, id, &st, &bytes, &size);
    if (rc == FBK_DONE || (rc == FBK_OK && size != FBK__STREAM_HEAD + part))
        rc = fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT, id);
    if (rc == FBK_OK)
        fbk__buf_add(&s->piece, bytes, size);
    fbk__stmt_put(st);
    s->saved = true;
    return s->piece.failed ? fbk__nomem(db) : rc;
}

fbk_status
fbk__stream_get(fbk *db, int64_t first, uint64_t at, size_t len, void *to)
{
    static const char sql[] = "SELECT bytes FROM log_chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
    int64_t id = first + (int64_t)(at / FBK__STREAM_PIECE);
    size_t from = (size_t)(at % FBK__STREAM_PIECE);
    fbk__stmt *st = NULL;
    fbk_status rc;

    if (!len)
        return FBK_OK;
    rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, id);
    fbk__bind_int64(st, 2, first + (int64_t)((at + len - 1) / FBK__STREAM_PIECE));
    while (len && (rc = fbk__step(st)) == FBK_OK) {
        size_t size;
        const char *bytes = fbk__column_blob(st, 0, &size);
        size_t n;

        /* The checksum knows the row's number: a gap is a piece with the wrong one. */
        rc = fbk__chunk_check(db, FBK__CHUNK_SEGMENT, id++, bytes, &size);
        if (rc < 0)
            break;
        n = size < FBK__STREAM_HEAD + from ? 0 : size - FBK__STREAM_HEAD - from;
        n = n < len ? n : len;
        memcpy(to, bytes + FBK__STREAM_HEAD + from, n);
        to = (char *)to + n;
        len -= n;
        if (n == 0 || (len && size != FBK__STREAM_HEAD + FBK__STREAM_PIECE)) {
            rc = fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT, id - 1);
            break;
        }
        from = 0;
    }
    fbk__stmt_put(st);
    return rc;
}

/* One piece without n of its bytes. */
static fbk_status
stream_zero_piece(fbk *db, int64_t id, size_t from, size_t n)
{
    fbk__stmt *st = NULL;
    const void *bytes = NULL;
    size_t size = 0;
    uint32_t cleared;
    fbk__buf buf;
    fbk_status rc = fbk__chunk_open(db, FBK__CHUNK_SEGMENT, id, &st, &bytes, &size);

    fbk__buf_init(&buf, fbk__a(db));
    if (rc == FBK_OK) {
        fbk__buf_add(&buf, bytes, size);
        if (buf.failed)
            rc = fbk__nomem(db);
        else if (FBK__STREAM_HEAD + from + n > size)
            rc = fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT, id);
    } else if (rc == FBK_DONE) {
        rc = fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT, id);
    }
    fbk__stmt_put(st);
    if (rc >= 0) {
        memset(buf.data + FBK__STREAM_HEAD + from, 0, n);
        rc = fbk__chunk_clear(db, FBK__CHUNK_SEGMENT, id, id, 1, &cleared);
    }
    if (rc >= 0)
        rc = fbk__chunk_write(db, FBK__CHUNK_SEGMENT, id, &buf);
    fbk__buf_free(&buf);
    return rc;
}

fbk_status
fbk__stream_zero(fbk *db, int64_t first, uint64_t at, size_t len)
{
    fbk_status rc = FBK_OK;

    while (rc >= 0 && len) {
        size_t from = (size_t)(at % FBK__STREAM_PIECE);
        size_t n = FBK__STREAM_PIECE - from < len ? FBK__STREAM_PIECE - from : len;

        rc = stream_zero_piece(db, first + (int64_t)(at / FBK__STREAM_PIECE), from, n);
        at += n;
        len -= n;
    }
    return rc;
}
