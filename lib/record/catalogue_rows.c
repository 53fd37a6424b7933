/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/catalogue_rows.h"

#include <math.h>
#include <string.h>

#include "base/arrow.h"
#include "store/stmt.h"

/* ---- in ---- */

static const char ATTRIBUTE[] = "attribute.";

typedef struct attribute_column {
    int column;
    fbk__arrow_as as;
    fbk__text key;
} attribute_column;

/* Columns of the bulk call; -1 = absent. */
typedef struct item_columns {
    int sku, name, parent, category, brand, successor;
    int price_micro, cost_micro, price, cost, discontinued;
    attribute_column *attributes;
    size_t n_attributes;
} item_columns;

static fbk_status
attributes_bind(fbk *db, fbk__arrow_reader *r, item_columns *c)
{
    size_t n = fbk__arrow_reader_n_columns(r), prefix = sizeof ATTRIBUTE - 1;

    c->attributes = fbk__calloc(fbk__a(db), n + 1, sizeof *c->attributes);
    if (!c->attributes)
        return fbk__nomem(db);
    for (size_t i = 0; i < n; i++) {
        const char *name = fbk__arrow_reader_name(r, i);
        attribute_column *a = &c->attributes[c->n_attributes];
        fbk_status rc;

        if (strncmp(name, ATTRIBUTE, prefix) != 0)
            continue;
        if (!fbk__arrow_reader_guess(r, i, &a->as) || a->as == FBK__AS_TIME)
            return fbk__fail_at(db, FBK_EINVAL, name, 0,
                                "an attribute must be text, a number or a bool");
        a->key = fbk__text_of(name + prefix);
        rc = fbk__text_check(db, name, 0, a->key, FBK_ATTRIBUTE_KEY_MAX, true);
        if (rc >= 0)
            rc = fbk__arrow_reader_bind(r, name, a->as, true, &a->column);
        if (rc < 0)
            return rc;
        c->n_attributes++;
    }
    return FBK_OK;
}

static fbk_status
columns_bind(fbk *db, fbk__arrow_reader *r, item_columns *c)
{
    const struct {
        const char *name;
        fbk__arrow_as as;
        int *column;
    } wanted[] = {
        {"sku", FBK__AS_TEXT, &c->sku},
        {"name", FBK__AS_TEXT, &c->name},
        {"parent", FBK__AS_TEXT, &c->parent},
        {"category", FBK__AS_TEXT, &c->category},
        {"brand", FBK__AS_TEXT, &c->brand},
        {"successor", FBK__AS_TEXT, &c->successor},
        {"price_micro", FBK__AS_INT64, &c->price_micro},
        {"cost_micro", FBK__AS_INT64, &c->cost_micro},
        {"price", FBK__AS_DOUBLE, &c->price},
        {"cost", FBK__AS_DOUBLE, &c->cost},
        {"discontinued", FBK__AS_BOOL, &c->discontinued},
    };

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        fbk_status rc =
            fbk__arrow_reader_bind(r, wanted[i].name, wanted[i].as, i == 0, wanted[i].column);

        if (rc < 0)
            return rc;
    }
    if ((c->price_micro >= 0 && c->price >= 0) || (c->cost_micro >= 0 && c->cost >= 0))
        return fbk__fail_at(db, FBK_EINVAL, "price", 0, "an amount was given twice, in two units");
    return attributes_bind(db, r, c);
}

/* An amount of money: from the column in millionths, or from the one in currency units. */
static fbk_status
money_read(fbk *db, fbk__arrow_reader *r, int micro, int units, int64_t at, int64_t *out)
{
    double value = 0.0;
    fbk_status rc = fbk__arrow_int64(r, micro, at, out);

    if (rc != FBK_DONE)
        return rc;
    rc = fbk__arrow_double(r, units, at, &value);
    if (rc != FBK_OK)
        return rc;
    if (!(value >= 0.0 && value <= 1e9))
        return fbk__fail_at(db, FBK_ERANGE, "price", fbk__arrow_reader_base(r) + at + 1,
                            "an amount was outside [0, 1e9] currency units");
    *out = llround(value * 1e6);
    return FBK_OK;
}

/* Text cells: null leaves the field "not given". */
static fbk_status
texts_read(fbk__arrow_reader *r, const item_columns *c, int64_t at, fbk__item_row *row)
{
    const struct {
        int column;
        fbk__text *out;
    } texts[] = {
        {c->sku, &row->sku},           {c->name, &row->name},   {c->parent, &row->parent},
        {c->category, &row->category}, {c->brand, &row->brand}, {c->successor, &row->successor},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fbk_status rc =
            fbk__arrow_text(r, texts[i].column, at, &texts[i].out->p, &texts[i].out->len);

        if (rc < 0)
            return rc;
        if (rc == FBK_OK && texts[i].out->len == 0)
            texts[i].out->p = "";
    }
    return FBK_OK;
}

static fbk_status
row_read(fbk *db, fbk__arrow_reader *r, const item_columns *c, int64_t at, fbk__item_row *row)
{
    bool gone = false;
    fbk_status rc;

    memset(row, 0, sizeof *row);
    row->row = fbk__arrow_reader_base(r) + at + 1;
    rc = texts_read(r, c, at, row);
    if (rc < 0)
        return rc;
    rc = money_read(db, r, c->price_micro, c->price, at, &row->price_micro);
    if (rc < 0)
        return rc;
    row->flags |= rc == FBK_OK ? FBK_ITEM_HAS_PRICE : 0u;
    rc = money_read(db, r, c->cost_micro, c->cost, at, &row->cost_micro);
    if (rc < 0)
        return rc;
    row->flags |= rc == FBK_OK ? FBK_ITEM_HAS_COST : 0u;
    rc = fbk__arrow_bool(r, c->discontinued, at, &gone);
    if (rc < 0)
        return rc;
    if (rc == FBK_OK)
        row->flags |= gone ? FBK_ITEM_DISCONTINUED : FBK_ITEM_ACTIVE;
    return FBK_OK;
}

static fbk_status
attribute_read(fbk__arrow_reader *r, const attribute_column *a, int64_t at,
               fbk__attribute_value *out)
{
    bool truth = false;
    fbk_status rc;

    memset(out, 0, sizeof *out);
    switch (a->as) {
    case FBK__AS_INT64:
        out->type = FBK_ATTRIBUTE_INT;
        return fbk__arrow_int64(r, a->column, at, &out->integer);
    case FBK__AS_DOUBLE:
        out->type = FBK_ATTRIBUTE_DOUBLE;
        return fbk__arrow_double(r, a->column, at, &out->number);
    case FBK__AS_BOOL:
        out->type = FBK_ATTRIBUTE_BOOL;
        rc = fbk__arrow_bool(r, a->column, at, &truth);
        out->integer = truth;
        return rc;
    default:
        out->type = FBK_ATTRIBUTE_TEXT;
        rc = fbk__arrow_text(r, a->column, at, &out->text.p, &out->text.len);
        if (rc == FBK_OK && out->text.len == 0)
            out->text.p = "";
        return rc;
    }
}

static fbk_status
row_write(fbk *db, fbk__arrow_reader *r, const item_columns *c, int64_t at)
{
    fbk__item_row row;
    uint32_t item = 0;
    fbk_status rc = row_read(db, r, c, at, &row);

    if (rc >= 0)
        rc = fbk__item_write(db, &row, &item);
    for (size_t i = 0; rc >= 0 && i < c->n_attributes; i++) {
        fbk__attribute_value value;

        rc = attribute_read(r, &c->attributes[i], at, &value);
        if (rc == FBK_OK)
            rc = fbk__attribute_write(db, row.row, item, c->attributes[i].key, &value);
    }
    return rc;
}

static fbk_status
rows_write(fbk *db, fbk__arrow_reader *r, int64_t *out_rows)
{
    item_columns c = {.attributes = NULL};
    int64_t n, total = 0;
    fbk_status rc = columns_bind(db, r, &c);

    while (rc >= 0 && (rc = fbk__arrow_reader_next(r, &n)) == FBK_OK) {
        for (int64_t i = 0; i < n && rc >= 0; i++)
            rc = row_write(db, r, &c, i);
        total += n;
    }
    fbk__free(fbk__a(db), c.attributes);
    if (rc >= 0 && total > 0)
        rc = fbk__generation_bump(db, FBK__KIND_CATALOGUE);
    *out_rows = total;
    return rc;
}

fbk_status
fbk_item_upsert_rows(fbk *db, struct ArrowArrayStream *rows, int64_t *out_rows)
{
    fbk__arrow_reader *r = NULL;
    int64_t total = 0;
    fbk_status rc = fbk__enter(db);

    if (rc < 0) {
        fbk__stream_drop(rows);
        return rc;
    }
    if (!rows)
        return fbk__fail(db, FBK_EINVAL, "rows must not be NULL");
    rc = fbk__arrow_reader_open(db, rows, &r);
    if (rc < 0)
        return rc;
    rc = fbk__write_begin(db);
    if (rc >= 0)
        rc = fbk__write_end(db, rows_write(db, r, &total));
    fbk__arrow_reader_close(r);
    if (rc < 0)
        return rc;
    if (out_rows)
        *out_rows = total;
    return FBK_OK;
}

/* ---- out ---- */

static void
text_out(fbk__table *t, int column, fbk__stmt *st, int from)
{
    size_t len;
    const char *text = fbk__column_text(st, from, &len);

    fbk__table_add_text(t, column, fbk__column_is_null(st, from) ? NULL : text, len);
}

static void
int64_out(fbk__table *t, int column, fbk__stmt *st, int from)
{
    if (fbk__column_is_null(st, from))
        fbk__table_add_null(t, column);
    else
        fbk__table_add_int64(t, column, fbk__column_int64(st, from));
}

/* Columns as the SELECT of list_read() gives them; the last of these is flags. */
static const struct {
    const char *name;
    fbk__type type;
} list_columns[] = {
    {"sku", FBK__TEXT},          {"name", FBK__TEXT},        {"parent", FBK__TEXT},
    {"category", FBK__TEXT},     {"brand", FBK__TEXT},       {"successor", FBK__TEXT},
    {"price_micro", FBK__INT64}, {"cost_micro", FBK__INT64},
};
enum { N_LIST = sizeof list_columns / sizeof list_columns[0] };

static fbk_status
list_read(fbk *db, fbk__table *t, int discontinued, int described)
{
    fbk__stmt *st = NULL;
    fbk_status rc =
        fbk__stmt_get(db,
                      "SELECT i.sku, i.name, p.sku, c.path, i.brand, s.sku, i.price_micro,"
                      " i.cost_micro, i.flags FROM item i LEFT JOIN item p ON p.item = i.parent"
                      " LEFT JOIN item_category c ON c.category = i.category"
                      " LEFT JOIN item s ON s.item = i.successor ORDER BY i.item",
                      &st);

    if (rc < 0)
        return rc;
    while ((rc = fbk__step(st)) == FBK_OK) {
        int64_t flags = fbk__column_int64(st, N_LIST);

        for (int i = 0; i < N_LIST; i++) {
            if (list_columns[i].type == FBK__TEXT)
                text_out(t, i, st, i);
            else
                int64_out(t, i, st, i);
        }
        fbk__table_add_int64(t, discontinued, (flags & FBK__ITEM_DISCONTINUED) != 0);
        fbk__table_add_int64(t, described, (flags & FBK__ITEM_DESCRIBED) != 0);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk_item_list(fbk *db, struct ArrowArrayStream *out_rows)
{
    fbk__table *t;
    int discontinued, described;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out_rows)
        return fbk__fail(db, FBK_EINVAL, "out_rows must not be NULL");
    t = fbk__table_new(fbk__store_allocator(db));
    for (size_t i = 0; i < N_LIST; i++)
        (void)fbk__table_column(t, list_columns[i].name, list_columns[i].type, i > 0);
    discontinued = fbk__table_column(t, "discontinued", FBK__BOOL, false);
    described = fbk__table_column(t, "described", FBK__BOOL, false);
    rc = list_read(db, t, discontinued, described);
    if (rc < 0) {
        fbk__table_free(t);
        return rc;
    }
    return fbk__table_stream(db, t, 0, out_rows);
}

static fbk_status
attributes_read(fbk *db, uint32_t item, fbk__table *t)
{
    static const char *const types[] = {"", "text", "int", "double", "bool"};
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(
        db, "SELECT key, type, value FROM item_attribute WHERE item = ?1 ORDER BY key", &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, item);
    while ((rc = fbk__step(st)) == FBK_OK) {
        int64_t type = fbk__column_int64(st, 1);

        if (type < FBK_ATTRIBUTE_TEXT || type > FBK_ATTRIBUTE_BOOL)
            continue;
        text_out(t, 0, st, 0);
        fbk__table_add_str(t, 1, types[type]);
        if (type == FBK_ATTRIBUTE_TEXT)
            text_out(t, 2, st, 2);
        else
            fbk__table_add_null(t, 2);
        if (type == FBK_ATTRIBUTE_INT || type == FBK_ATTRIBUTE_BOOL)
            int64_out(t, 3, st, 2);
        else
            fbk__table_add_null(t, 3);
        if (type == FBK_ATTRIBUTE_DOUBLE)
            fbk__table_add_double(t, 4, fbk__column_double(st, 2));
        else
            fbk__table_add_null(t, 4);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk_item_attributes(fbk *db, const char *sku, struct ArrowArrayStream *out_rows)
{
    fbk__table *t;
    uint32_t item = 0;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!sku || !out_rows)
        return fbk__fail(db, FBK_EINVAL, "sku and out_rows must not be NULL");
    rc = fbk__item_resolve(db, sku, strlen(sku), false, &item);
    if (rc < 0)
        return rc;
    t = fbk__table_new(fbk__store_allocator(db));
    (void)fbk__table_column(t, "key", FBK__TEXT, false);
    (void)fbk__table_column(t, "type", FBK__TEXT, false);
    (void)fbk__table_column(t, "text", FBK__TEXT, true);
    (void)fbk__table_column(t, "integer", FBK__INT64, true);
    (void)fbk__table_column(t, "number", FBK__DOUBLE, true);
    rc = attributes_read(db, item, t);
    if (rc < 0) {
        fbk__table_free(t);
        return rc;
    }
    return fbk__table_stream(db, t, 0, out_rows);
}
