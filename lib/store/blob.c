/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/blob.h"

#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "store/stmt.h"

/* All chunks but the last are full and the last one never is (it may be empty), so that a missing
 * end is noticed. The number of the chunk is the seed of its hash. */

static fbk_status
blob_write_chunk(fbk *db, const char *owner, int64_t id, int64_t chunk, const char *bytes,
                 size_t len)
{
    fbk__stmt *st = NULL;
    fbk_status rc;

    rc = fbk__stmt_get(db,
                       "INSERT INTO fbk_blob (owner, id, chunk, hash, bytes)"
                       " VALUES (?1, ?2, ?3, ?4, ?5)",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, owner, strlen(owner));
    fbk__bind_int64(st, 2, id);
    fbk__bind_int64(st, 3, chunk);
    fbk__bind_int64(st, 4, (int64_t)fbk__hash64_seeded(bytes, len, (uint64_t)chunk));
    fbk__bind_blob(st, 5, bytes, len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__blob_write(fbk *db, const char *owner, int64_t id, const void *bytes, size_t len)
{
    const char *at = len ? bytes : "";
    int64_t chunk = 0;
    fbk_status rc = fbk__blob_remove(db, owner, id);

    for (; rc >= 0 && len >= FBK__BLOB_CHUNK; len -= FBK__BLOB_CHUNK, at += FBK__BLOB_CHUNK)
        rc = blob_write_chunk(db, owner, id, chunk++, at, FBK__BLOB_CHUNK);
    if (rc >= 0)
        rc = blob_write_chunk(db, owner, id, chunk, at, len);
    return rc;
}

static fbk_status
blob_append(fbk *db, fbk__stmt *st, int64_t expected, bool *whole, fbk__buf *buf)
{
    int64_t chunk = fbk__column_int64(st, 0);
    size_t len;
    const void *bytes = fbk__column_blob(st, 2, &len);

    if (*whole || chunk != expected || len > FBK__BLOB_CHUNK ||
        (uint64_t)fbk__column_int64(st, 1) != fbk__hash64_seeded(bytes, len, (uint64_t)chunk))
        return fbk__fail(db, FBK_ECORRUPT, "chunk %lld of a stored value was damaged",
                         (long long)expected);
    *whole = len < FBK__BLOB_CHUNK;
    fbk__buf_add(buf, bytes, len);
    return buf->failed ? fbk__nomem(db) : FBK_OK;
}

fbk_status
fbk__blob_read(fbk *db, const char *owner, int64_t id, void **out_bytes, size_t *out_len)
{
    fbk__stmt *st = NULL;
    fbk__buf buf;
    int64_t n = 0;
    bool whole = false;
    fbk_status rc;

    fbk__buf_init(&buf, fbk__a(db));
    rc = fbk__stmt_get(db,
                       "SELECT chunk, hash, bytes FROM fbk_blob WHERE owner = ?1 AND id = ?2"
                       " ORDER BY chunk",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, owner, strlen(owner));
    fbk__bind_int64(st, 2, id);
    while ((rc = fbk__step(st)) == FBK_OK) {
        rc = blob_append(db, st, n++, &whole, &buf);
        if (rc < 0)
            break;
    }
    fbk__stmt_put(st);
    if (rc == FBK_DONE && n == 0)
        rc = fbk__fail(db, FBK_ENOTFOUND, "the store had no such value");
    else if (rc == FBK_DONE && !whole)
        rc = fbk__fail(db, FBK_ECORRUPT, "the end of a stored value was missing");
    else if (rc == FBK_DONE && !buf.data && !fbk__buf_room(&buf, 1))
        rc = fbk__nomem(db); /* an empty value is still a pointer to free */
    if (rc < 0) {
        fbk__buf_free(&buf);
        return rc;
    }
    *out_bytes = buf.data;
    *out_len = buf.len;
    return FBK_OK;
}

fbk_status
fbk__blob_remove(fbk *db, const char *owner, int64_t id)
{
    fbk__stmt *st = NULL;
    fbk_status rc;

    rc = fbk__stmt_get(db, "DELETE FROM fbk_blob WHERE owner = ?1 AND id = ?2", &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, owner, strlen(owner));
    fbk__bind_int64(st, 2, id);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}
