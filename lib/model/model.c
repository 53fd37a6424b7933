/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

#include <feedback/model.h>

#include <string.h>

#include "base/buf.h"
#include "base/table.h"

static const char *
name_or_default(const char *name)
{
    return name && name[0] ? name : "default";
}

/* Kinds and names end up in messages and file names of the host: keep them plain. */
static fbk_status
word_check(fbk *db, const char *field, const char *text, size_t max)
{
    size_t len = strlen(text);

    if (len == 0 || len > max)
        return fbk__fail_at(db, FBK_ERANGE, field, 0, "%s was not of 1 to %zu bytes", field, max);
    for (size_t i = 0; i < len; i++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_.-", text[i]))
            return fbk__fail_at(db, FBK_EINVAL, field, 0,
                                "%s held other than lower-case letters, digits, '_', '.' and '-'",
                                field);
    }
    return FBK_OK;
}

fbk_status
fbk__model_save(fbk *db, const fbk__model_head *head, const fbk__model_value *values,
                size_t n_values, const void *body, size_t len)
{
    fbk__model_head copy = *head;
    fbk_status rc;

    if (!copy.name[0])
        (void)strcpy(copy.name, "default");
    rc = word_check(db, "kind", copy.kind, sizeof copy.kind - 1);
    if (rc == FBK_OK)
        rc = word_check(db, "name", copy.name, sizeof copy.name - 1);
    if (rc == FBK_OK)
        rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    rc = fbk__model_row_write(db, &copy, values, n_values, body, len);
    return fbk__write_end(db, rc);
}

static void
model_destroy(fbk__shared *me)
{
    fbk__model *model = (fbk__model *)me;
    fbk_allocator a = model->alloc;

    if (model->clear)
        model->clear(model);
    fbk__free(&a, model);
}

/* A new object of the class, holding what is stored under `head`; refs = 1. */
static fbk_status
model_read(fbk *db, const fbk__model_class *cls, const fbk__model_head *head, fbk__model **out)
{
    fbk__model *model = NULL;
    void *body = NULL;
    fbk_status rc;

    if (head->format != cls->format)
        return fbk__fail(db, FBK_ESCHEMA,
                         "the %s model was trained by another version (format %u, this one reads "
                         "%u): train it again",
                         head->kind, head->format, cls->format);
    rc = fbk__model_row_body(db, head, &body);
    if (rc < 0)
        return rc;
    model = fbk__calloc(fbk__a(db), 1, cls->size);
    if (!model) {
        fbk__free(fbk__a(db), body);
        return fbk__nomem(db);
    }
    model->alloc = *fbk__a(db);
    model->shared.a = &model->alloc;
    model->shared.refs = 1;
    model->shared.destroy = model_destroy;
    model->head = *head;
    model->clear = cls->clear;
    rc = cls->decode(db, model, &body, (size_t)head->body_len);
    fbk__free(fbk__a(db), body);
    if (rc < 0) {
        model_destroy(&model->shared);
        return rc;
    }
    *out = model;
    return FBK_OK;
}

/* What is stored now: `held` (a reference of ours, or NULL) if that is still it, else read anew and
 * published. Gives `held` back when it is not what is returned. */
static fbk_status
model_refresh(fbk *db, const fbk__model_class *cls, const char *name, fbk__model *held,
              fbk__model **out)
{
    fbk__model *model = NULL;
    fbk__model_head head;
    uint64_t generation = 0;
    fbk_status rc = fbk__read_begin(db);

    if (rc < 0)
        goto out;
    rc = fbk__generation(db, FBK__KIND_MODEL, &generation);
    if (rc == FBK_OK)
        rc = fbk__model_row_find(db, cls->kind, name, &head);
    if (rc == FBK_OK && (!held || held->head.id != head.id))
        rc = model_read(db, cls, &head, &model);
    fbk__read_end(db);
    if (rc < 0)
        goto out;
    if (!model) {
        __atomic_store_n(&held->checked, generation, __ATOMIC_RELEASE);
        *out = held;
        return FBK_OK;
    }
    model->shared.generation = generation;
    model->checked = generation;
    rc = fbk__shared_publish(db, cls, &model->shared);
    if (rc < 0)
        fbk__shared_release(&model->shared);
    else
        *out = model;
out:
    fbk__shared_release(held ? &held->shared : NULL);
    return rc;
}

fbk_status
fbk__model_acquire(fbk *db, const fbk__model_class *cls, const char *name, const fbk__model **out)
{
    fbk__model *model = (fbk__model *)fbk__shared_acquire(db, cls);
    uint64_t generation;
    fbk_status rc = fbk__generation(db, FBK__KIND_MODEL, &generation);

    name = name_or_default(name);
    if (rc == FBK_OK && model && strcmp(model->head.name, name) == 0 &&
        __atomic_load_n(&model->checked, __ATOMIC_ACQUIRE) >= generation) {
        *out = model;
        return FBK_OK;
    }
    if (rc < 0) {
        fbk__shared_release(model ? &model->shared : NULL);
        return rc;
    }
    rc = model_refresh(db, cls, name, model, &model);
    if (rc == FBK_OK)
        *out = model;
    return rc;
}

void
fbk__model_release(const fbk__model *model)
{
    /* The count is the one thing that changes in a snapshot. */
    fbk__shared_release(model ? (fbk__shared *)(uintptr_t)&model->shared : NULL);
}

void
fbk__model_value_set(fbk__model_value *value, uint32_t role, const char *name, double number)
{
    memset(value, 0, sizeof *value);
    value->role = role;
    value->value = number;
    (void)strncpy(value->name, name, sizeof value->name - 1);
}

/* -- public ------------------------------------------------------------------------------------ */

enum {
    COL_KIND,
    COL_NAME,
    COL_AS_OF,
    COL_TO_EVENT,
    COL_N_EVENTS,
    COL_N_PEOPLE,
    COL_BODY_LEN,
    COL_PARAMETERS,
    COL_QUALITY,
    COL_NOTE,
    N_COLS
};

static const struct {
    const char *name;
    fbk__type type;
} list_columns[N_COLS] = {
    {"kind", FBK__TEXT},      {"name", FBK__TEXT},       {"as_of", FBK__TIME},
    {"to_event", FBK__INT64}, {"n_events", FBK__INT64},  {"n_people", FBK__INT64},
    {"body_len", FBK__INT64}, {"parameters", FBK__TEXT}, {"quality", FBK__TEXT},
    {"note", FBK__TEXT},
};

/* "name = number" joined by ", ": for people to read; seven digits suffice. */
static void
values_text(fbk__buf *buf, const fbk__model_value *values, size_t n, uint32_t role)
{
    fbk__buf_clear(buf);
    for (size_t i = 0; i < n; i++) {
        if (values[i].role != role)
            continue;
        fbk__buf_printf(buf, "%s%s = ", buf->len ? ", " : "", values[i].name);
        fbk__buf_double(buf, values[i].value, 7);
    }
}

static fbk_status
list_row(fbk *db, fbk__table *t, const fbk__model_head *head, fbk__buf *buf)
{
    fbk__model_value *values = NULL;
    size_t n = 0;
    fbk_status rc = fbk__model_row_values(db, head->id, &values, &n);

    if (rc < 0)
        return rc;
    fbk__table_add_str(t, COL_KIND, head->kind);
    fbk__table_add_str(t, COL_NAME, head->name);
    fbk__table_add_int64(t, COL_AS_OF, head->as_of_us);
    fbk__table_add_int64(t, COL_TO_EVENT, (int64_t)head->to_event);
    fbk__table_add_int64(t, COL_N_EVENTS, (int64_t)head->n_events);
    fbk__table_add_int64(t, COL_N_PEOPLE, (int64_t)head->n_people);
    fbk__table_add_int64(t, COL_BODY_LEN, (int64_t)head->body_len);
    values_text(buf, values, n, FBK__MODEL_PARAMETER);
    fbk__table_add_text(t, COL_PARAMETERS, buf->len ? buf->data : "", buf->len);
    values_text(buf, values, n, FBK__MODEL_QUALITY);
    fbk__table_add_text(t, COL_QUALITY, buf->len ? buf->data : "", buf->len);
    fbk__table_add_str(t, COL_NOTE, head->note);
    fbk__free(fbk__a(db), values);
    return buf->failed ? fbk__nomem(db) : FBK_OK;
}

fbk_status
fbk_model_list(fbk *db, struct ArrowArrayStream *out_rows)
{
    fbk__model_head *heads = NULL;
    fbk__table *t = NULL;
    fbk__buf buf;
    size_t n = 0;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    fbk__buf_init(&buf, fbk__a(db));
    if (!out_rows)
        return fbk__fail_at(db, FBK_EINVAL, "out_rows", 0, "out_rows was NULL");
    rc = fbk__read_begin(db);
    if (rc < 0)
        return rc;
    t = fbk__table_new(fbk__a(db));
    for (int i = 0; i < N_COLS; i++)
        (void)fbk__table_column(t, list_columns[i].name, list_columns[i].type, false);
    rc = fbk__model_row_list(db, &heads, &n);
    for (size_t i = 0; i < n && rc == FBK_OK; i++)
        rc = list_row(db, t, &heads[i], &buf);
    fbk__read_end(db);
    fbk__free(fbk__a(db), heads);
    fbk__buf_free(&buf);
    if (rc < 0) {
        fbk__table_free(t);
        return rc;
    }
    return fbk__table_stream(db, t, 0, out_rows);
}

fbk_status
fbk_model_remove(fbk *db, const char *kind, const char *name)
{
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!kind)
        return fbk__fail_at(db, FBK_EINVAL, "kind", 0, "kind was NULL");
    name = name_or_default(name);
    rc = word_check(db, "kind", kind, sizeof((fbk__model_head *)0)->kind - 1);
    if (rc == FBK_OK)
        rc = word_check(db, "name", name, sizeof((fbk__model_head *)0)->name - 1);
    if (rc == FBK_OK)
        rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    rc = fbk__model_row_remove(db, kind, name);
    return fbk__write_end(db, rc);
}
