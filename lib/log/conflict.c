/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/exchange.h"
#include "store/stmt.h"

/* Conflicts as a merge sees them: versions of an event that are not the one that is stored. */

static fbk_status
conflict_load(fbk *db, fbk__stmt *st, fbk__conflict *out)
{
    size_t len[2];
    const void *id = fbk__column_blob(st, 1, &len[0]);
    const void *content = fbk__column_blob(st, 2, &len[1]);

    if (len[0] != sizeof out->id || len[1] != sizeof out->content)
        return fbk__fail(db, FBK_ECORRUPT, "a conflict of the event log was damaged");
    out->number = fbk__column_int64(st, 0);
    memcpy(&out->id, id, sizeof out->id);
    memcpy(out->content, content, sizeof out->content);
    out->flags = (uint32_t)fbk__column_int64(st, 3);
    out->received_us = fbk__column_int64(st, 4);
    out->body = fbk__column_blob(st, 5, &out->body_len);
    return FBK_OK;
}

fbk_status
fbk__conflicts_each(fbk *db, const fbk__key *id, fbk__conflict_fn fn, void *user_data)
{
    static const char all[] = "SELECT conflict, id, content, flags, received_us, body "
                              "FROM event_conflict ORDER BY id, content";
    static const char one[] = "SELECT conflict, id, content, flags, received_us, body "
                              "FROM event_conflict WHERE id = ?1 ORDER BY content";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, id ? one : all, &st);

    if (rc < 0)
        return rc;
    if (id)
        fbk__bind_blob(st, 1, id, sizeof *id);
    while ((rc = fbk__step(st)) == FBK_OK) {
        fbk__conflict conflict;

        rc = conflict_load(db, st, &conflict);
        if (rc >= 0)
            rc = fn(user_data, &conflict);
        if (rc < 0)
            break;
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* By whom an erasure finds it. */
static fbk_status
conflict_idents(fbk *db, const fbk__batch *batch, const fbk__batch_event *e, int64_t number)
{
    static const char sql[] = "INSERT INTO event_conflict_ident (ident, conflict) VALUES (?1, ?2) "
                              "ON CONFLICT (ident, conflict) DO NOTHING";
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < e->n_idents; i++) {
        const fbk__batch_ident *ident = &batch->idents[e->first_ident + i];
        fbk__stmt *st = NULL;
        uint32_t space = 0;
        size_t len;
        const char *text = fbk__intern_text(&batch->words, ident->space, &len);

        rc = fbk__word_resolve(db, text, len, true, &space);
        if (rc >= 0)
            rc = fbk__stmt_get(db, sql, &st);
        if (rc < 0)
            break;
        fbk__bind_int64(
            st, 1, fbk__ident_hash(space, batch->text.data + ident->value.at, ident->value.len));
        fbk__bind_int64(st, 2, number);
        rc = fbk__step_done(st);
        fbk__stmt_put(st);
    }
    return rc;
}

/* FBK_DONE when it was not there. */
static fbk_status
conflict_flag(fbk *db, fbk__key id, const unsigned char content[16], uint32_t flags)
{
    static const char sql[] =
        "UPDATE event_conflict SET flags = flags | ?3 WHERE id = ?1 AND content = ?2";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_blob(st, 1, &id, sizeof id);
    fbk__bind_blob(st, 2, content, 16);
    fbk__bind_int64(st, 3, flags);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    return fbk__changes(db) ? FBK_OK : FBK_DONE;
}

fbk_status
fbk__conflict_add(fbk *db, const fbk__batch *batch, const fbk__batch_event *e, uint32_t flags)
{
    static const char sql[] = "INSERT INTO event_conflict (id, content, received_us, body, flags) "
                              "VALUES (?1, ?2, ?3, ?4, ?5)";
    fbk__key id = fbk__batch_key(batch, e);
    unsigned char content[16];
    fbk__stmt *st = NULL;
    fbk__buf body;
    fbk_status rc = fbk__erased_has(db, id);

    if (rc != FBK_DONE)
        return rc;
    fbk__buf_init(&body, fbk__a(db));
    rc = fbk__batch_content(batch, e, &body, content) < 0 ? fbk__nomem(db)
                                                          : conflict_flag(db, id, content, flags);
    if (rc == FBK_DONE) {
        rc = fbk__stmt_get(db, sql, &st);
        if (rc >= 0) {
            fbk__bind_blob(st, 1, &id, sizeof id);
            fbk__bind_blob(st, 2, content, sizeof content);
            fbk__bind_int64(st, 3, e->received_us);
            fbk__bind_blob(st, 4, body.data, body.len);
            fbk__bind_int64(st, 5, flags);
            rc = fbk__step_done(st);
            fbk__stmt_put(st);
        }
        if (rc >= 0)
            rc = conflict_idents(db, batch, e, fbk__last_rowid(db));
    }
    fbk__buf_free(&body);
    return rc;
}

static fbk_status
conflict_run(fbk *db, const char *sql, const fbk__key *id, int64_t number)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    if (id)
        fbk__bind_blob(st, 1, id, sizeof *id);
    else
        fbk__bind_int64(st, 1, number);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__conflict_drop(fbk *db, int64_t number)
{
    static const char ident_sql[] = "DELETE FROM event_conflict_ident WHERE conflict = ?1";
    static const char sql[] = "DELETE FROM event_conflict WHERE conflict = ?1";
    fbk_status rc = conflict_run(db, ident_sql, NULL, number);

    return rc < 0 ? rc : conflict_run(db, sql, NULL, number);
}

fbk_status
fbk__conflict_close(fbk *db, fbk__key id)
{
    static const char sql[] = "UPDATE event_conflict SET flags = flags & ~2 WHERE id = ?1";

    return conflict_run(db, sql, &id, 0);
}

fbk_status
fbk__conflicts_open(fbk *db, uint32_t most, fbk__key *out, uint32_t *out_n)
{
    static const char sql[] =
        "SELECT DISTINCT id FROM event_conflict WHERE flags & 2 ORDER BY id LIMIT ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    *out_n = 0;
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, most);
    while ((rc = fbk__step(st)) == FBK_OK) {
        size_t len;
        const void *id = fbk__column_blob(st, 0, &len);

        if (len != sizeof *out) {
            rc = fbk__fail(db, FBK_ECORRUPT, "a conflict of the event log was damaged");
            break;
        }
        memcpy(&out[(*out_n)++], id, sizeof *out);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}
