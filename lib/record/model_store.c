/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/model_store.h"

#include <math.h>
#include <string.h>

#include "store/blob.h"
#include "store/conn.h"
#include "store/stmt.h"

static const char blob_owner[] = "model";

#define HEAD_COLUMNS \
    "id, kind, name, format, as_of_us, from_event, to_event, n_events, n_people, body_len, note"

static void
head_read(fbk__stmt *st, fbk__model_head *out)
{
    size_t len;

    memset(out, 0, sizeof *out);
    out->id = fbk__column_int64(st, 0);
    (void)strncpy(out->kind, fbk__column_text(st, 1, &len), sizeof out->kind - 1);
    (void)strncpy(out->name, fbk__column_text(st, 2, &len), sizeof out->name - 1);
    out->format = (uint32_t)fbk__column_int64(st, 3);
    out->as_of_us = fbk__column_int64(st, 4);
    out->from_event = (uint64_t)fbk__column_int64(st, 5);
    out->to_event = (uint64_t)fbk__column_int64(st, 6);
    out->n_events = (uint64_t)fbk__column_int64(st, 7);
    out->n_people = (uint64_t)fbk__column_int64(st, 8);
    out->body_len = (uint64_t)fbk__column_int64(st, 9);
    (void)strncpy(out->note, fbk__column_text(st, 10, &len), sizeof out->note - 1);
}

/* 0 in *out_id when there is none. */
static fbk_status
model_id(fbk *db, const char *kind, const char *name, int64_t *out_id)
{
    fbk__stmt *st = NULL;
    fbk_status rc;

    *out_id = 0;
    rc = fbk__stmt_get(db, "SELECT id FROM fbk_model WHERE kind = ?1 AND name = ?2", &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, kind, strlen(kind));
    fbk__bind_text(st, 2, name, strlen(name));
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out_id = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
rows_of_id_delete(fbk *db, int64_t id)
{
    static const char *const sql[] = {"DELETE FROM fbk_model_value WHERE model = ?1",
                                      "DELETE FROM fbk_model WHERE id = ?1"};
    fbk_status rc = fbk__blob_remove(db, blob_owner, id);

    for (int i = 0; i < 2 && rc == FBK_OK; i++) {
        fbk__stmt *st = NULL;

        rc = fbk__stmt_get(db, sql[i], &st);
        if (rc < 0)
            return rc;
        fbk__bind_int64(st, 1, id);
        rc = fbk__step_done(st);
        fbk__stmt_put(st);
    }
    return rc;
}

static fbk_status
head_insert(fbk *db, const fbk__model_head *head, size_t len)
{
    fbk__stmt *st = NULL;
    fbk_status rc;

    rc = fbk__stmt_get(db,
                       "INSERT INTO fbk_model (kind, name, format, as_of_us, from_event, to_event,"
                       " n_events, n_people, body_len, note)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, head->kind, strlen(head->kind));
    fbk__bind_text(st, 2, head->name, strlen(head->name));
    fbk__bind_int64(st, 3, head->format);
    fbk__bind_int64(st, 4, head->as_of_us);
    fbk__bind_int64(st, 5, (int64_t)head->from_event);
    fbk__bind_int64(st, 6, (int64_t)head->to_event);
    fbk__bind_int64(st, 7, (int64_t)head->n_events);
    fbk__bind_int64(st, 8, (int64_t)head->n_people);
    fbk__bind_int64(st, 9, (int64_t)len);
    fbk__bind_text(st, 10, head->note, strlen(head->note));
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
values_insert(fbk *db, int64_t id, const fbk__model_value *values, size_t n)
{
    fbk__stmt *st = NULL;
    fbk_status rc = FBK_OK;

    for (size_t i = 0; i < n && rc == FBK_OK; i++) {
        if (!isfinite(values[i].value))
            return fbk__fail_at(db, FBK_ERANGE, values[i].name, 0,
                                "a number of the model was not finite");
        rc = fbk__stmt_get(db,
                           "INSERT INTO fbk_model_value (model, role, name, value)"
                           " VALUES (?1, ?2, ?3, ?4)",
                           &st);
        if (rc < 0)
            return rc;
        fbk__bind_int64(st, 1, id);
        fbk__bind_int64(st, 2, values[i].role);
        fbk__bind_text(st, 3, values[i].name, strlen(values[i].name));
        fbk__bind_double(st, 4, values[i].value);
        rc = fbk__step_done(st);
        fbk__stmt_put(st);
    }
    return rc;
}

fbk_status
fbk__model_row_write(fbk *db, const fbk__model_head *head, const fbk__model_value *values,
                     size_t n_values, const void *body, size_t len)
{
    int64_t old, id;
    fbk_status rc = model_id(db, head->kind, head->name, &old);

    if (rc == FBK_OK && old)
        rc = rows_of_id_delete(db, old);
    if (rc == FBK_OK)
        rc = head_insert(db, head, len);
    if (rc < 0)
        return rc;
    id = fbk__last_rowid(db);
    rc = values_insert(db, id, values, n_values);
    if (rc == FBK_OK && len)
        rc = fbk__blob_write(db, blob_owner, id, body, len);
    if (rc == FBK_OK)
        rc = fbk__generation_bump(db, FBK__KIND_MODEL);
    return rc;
}

fbk_status
fbk__model_row_find(fbk *db, const char *kind, const char *name, fbk__model_head *out)
{
    fbk__stmt *st = NULL;
    fbk_status rc;

    rc = fbk__stmt_get(db, "SELECT " HEAD_COLUMNS " FROM fbk_model WHERE kind = ?1 AND name = ?2",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, kind, strlen(kind));
    fbk__bind_text(st, 2, name, strlen(name));
    rc = fbk__step(st);
    if (rc == FBK_OK)
        head_read(st, out);
    else if (rc == FBK_DONE)
        rc = fbk__fail_at(db, FBK_ENOTFOUND, "kind", 0, "no %s model \"%s\" was trained", kind,
                          name);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__model_row_body(fbk *db, const fbk__model_head *head, void **out_body)
{
    void *body = NULL;
    size_t len = 0;
    fbk_status rc;

    if (head->body_len == 0) {
        body = fbk__alloc(fbk__a(db), 0);
        if (!body)
            return fbk__nomem(db);
        *out_body = body;
        return FBK_OK;
    }
    rc = fbk__blob_read(db, blob_owner, head->id, &body, &len);
    if (rc == FBK_ENOTFOUND || (rc == FBK_OK && len != head->body_len)) {
        fbk__free(fbk__a(db), body);
        return fbk__fail(db, FBK_ECORRUPT, "the %s model had %zu of its %llu bytes", head->kind,
                         len, (unsigned long long)head->body_len);
    }
    if (rc < 0)
        return rc;
    *out_body = body;
    return FBK_OK;
}

fbk_status
fbk__model_row_list(fbk *db, fbk__model_head **out_heads, size_t *out_n)
{
    fbk__model_head *heads = NULL;
    size_t n = 0, cap = 0;
    fbk__stmt *st = NULL;
    fbk_status rc;

    rc = fbk__stmt_get(db, "SELECT " HEAD_COLUMNS " FROM fbk_model ORDER BY kind, name", &st);
    if (rc < 0)
        return rc;
    while ((rc = fbk__step(st)) == FBK_OK) {
        if (!fbk__grow(fbk__a(db), &heads, &cap, n + 1, sizeof *heads)) {
            rc = fbk__nomem(db);
            break;
        }
        head_read(st, &heads[n++]);
    }
    fbk__stmt_put(st);
    if (rc < 0) {
        fbk__free(fbk__a(db), heads);
        return rc;
    }
    *out_heads = heads;
    *out_n = n;
    return FBK_OK;
}

fbk_status
fbk__model_row_values(fbk *db, int64_t id, fbk__model_value **out_values, size_t *out_n)
{
    fbk__model_value *values = NULL;
    size_t n = 0, cap = 0, len;
    fbk__stmt *st = NULL;
    fbk_status rc;

    rc = fbk__stmt_get(db,
                       "SELECT role, name, value FROM fbk_model_value WHERE model = ?1"
                       " ORDER BY role, name",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, id);
    while ((rc = fbk__step(st)) == FBK_OK) {
        if (!fbk__grow(fbk__a(db), &values, &cap, n + 1, sizeof *values)) {
            rc = fbk__nomem(db);
            break;
        }
        memset(&values[n], 0, sizeof *values);
        values[n].role = (uint32_t)fbk__column_int64(st, 0);
        (void)strncpy(values[n].name, fbk__column_text(st, 1, &len), sizeof values[n].name - 1);
        values[n].value = fbk__column_double(st, 2);
        n++;
    }
    fbk__stmt_put(st);
    if (rc < 0) {
        fbk__free(fbk__a(db), values);
        return rc;
    }
    *out_values = values;
    *out_n = n;
    return FBK_OK;
}

fbk_status
fbk__model_row_remove(fbk *db, const char *kind, const char *name)
{
    int64_t id;
    fbk_status rc = model_id(db, kind, name, &id);

    if (rc < 0)
        return rc;
    if (!id)
        return fbk__fail_at(db, FBK_ENOTFOUND, "kind", 0, "no %s model \"%s\" was trained", kind,
                            name);
    rc = rows_of_id_delete(db, id);
    if (rc == FBK_OK)
        rc = fbk__generation_bump(db, FBK__KIND_MODEL);
    return rc;
}
