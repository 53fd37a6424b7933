/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/chunk.h"

#include <string.h>

#include "base/hash.h"

enum { HASH_LEN = 8 };

static uint64_t
chunk_hash(fbk__chunk_table table, int64_t id, const void *bytes, size_t len)
{
    return fbk__hash64_seeded(bytes, len, (uint64_t)id * 2 + table);
}

fbk_status
fbk__chunk_damaged(fbk *db, fbk__chunk_table table, int64_t id)
{
    return fbk__fail(db, FBK_ECORRUPT, "%s %lld of the event log was damaged",
                     table == FBK__CHUNK_RUN ? "index chunk" : "chunk", (long long)id);
}

fbk_status
fbk__chunk_write(fbk *db, fbk__chunk_table table, int64_t id, fbk__buf *bytes)
{
    static const char segment_sql[] = "INSERT INTO log_chunk (id, bytes) VALUES (?1, ?2)";
    static const char run_sql[] = "INSERT INTO log_run_chunk (id, bytes) VALUES (?1, ?2)";
    uint64_t hash = chunk_hash(table, id, bytes->data, bytes->len);
    fbk__stmt *st = NULL;
    fbk_status rc;

    fbk__buf_add(bytes, &hash, sizeof hash);
    if (bytes->failed)
        return fbk__nomem(db);
    rc = fbk__stmt_get(db, table == FBK__CHUNK_RUN ? run_sql : segment_sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, id);
    fbk__bind_blob(st, 2, bytes->data, bytes->len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

bool
fbk__chunk_sound(fbk__chunk_table table, int64_t id, const void *bytes, size_t *len)
{
    uint64_t hash;

    if (*len < HASH_LEN)
        return false;
    *len -= HASH_LEN;
    memcpy(&hash, (const char *)bytes + *len, sizeof hash);
    return hash == chunk_hash(table, id, bytes, *len);
}

fbk_status
fbk__chunk_check(fbk *db, fbk__chunk_table table, int64_t id, const void *bytes, size_t *len)
{
    return fbk__chunk_sound(table, id, bytes, len) ? FBK_OK : fbk__chunk_damaged(db, table, id);
}

fbk_status
fbk__chunk_open(fbk *db, fbk__chunk_table table, int64_t id, fbk__stmt **out, const void **bytes,
                size_t *len)
{
    static const char segment_sql[] = "SELECT bytes FROM log_chunk WHERE id = ?1";
    static const char run_sql[] = "SELECT bytes FROM log_run_chunk WHERE id = ?1";
    fbk_status rc = fbk__stmt_get(db, table == FBK__CHUNK_RUN ? run_sql : segment_sql, out);

    if (rc < 0)
        return rc;
    fbk__bind_int64(*out, 1, id);
    rc = fbk__step(*out);
    if (rc != FBK_OK)
        return rc;
    *bytes = fbk__column_blob(*out, 0, len);
    return fbk__chunk_check(db, table, id, *bytes, len);
}

fbk_status
fbk__chunk_exists(fbk *db, fbk__chunk_table table, int64_t id)
{
    static const char segment_sql[] = "SELECT 1 FROM log_chunk WHERE id = ?1";
    static const char run_sql[] = "SELECT 1 FROM log_run_chunk WHERE id = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, table == FBK__CHUNK_RUN ? run_sql : segment_sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, id);
    rc = fbk__step(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__chunk_clear(fbk *db, fbk__chunk_table table, int64_t first, int64_t last, uint32_t most,
                 uint32_t *out_n)
{
    static const char segment_sql[] = "DELETE FROM log_chunk WHERE id IN (SELECT id FROM log_chunk "
                                      "WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3)";
    static const char run_sql[] =
        "DELETE FROM log_run_chunk WHERE id IN (SELECT id FROM log_run_chunk "
        "WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3)";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, table == FBK__CHUNK_RUN ? run_sql : segment_sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, first);
    fbk__bind_int64(st, 2, last);
    fbk__bind_int64(st, 3, most);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc >= 0)
        *out_n = (uint32_t)fbk__changes(db);
    return rc;
}
