/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/catalogue.h>

#include <math.h>
#include <string.h>

#include "base/arrow.h"
#include "base/time.h"
#include "record/catalogue.h"
#include "record/field.h"
#include "record/place.h"
#include "store/stmt.h"

static const int64_t QUANTITY_MAX = INT64_C(1000000000000000);

typedef struct stock_row {
    fbk__text sku, place;
    int64_t quantity_milli;
    fbk_time as_of_us;
    int64_t row;
} stock_row;

static fbk_status
stock_check(fbk *db, const stock_row *row)
{
    if (row->quantity_milli < -QUANTITY_MAX || row->quantity_milli > QUANTITY_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "quantity_milli", row->row,
                            "quantity_milli was outside [-1e15, 1e15]");
    if (!fbk__time_valid(row->as_of_us))
        return fbk__fail_at(db, FBK_ERANGE, "as_of", row->row,
                            "as_of was not an instant of the years 1 to 9999");
    return FBK_OK;
}

/* FBK_DONE when a newer count is stored. */
static fbk_status
stock_write(fbk *db, const stock_row *row)
{
    uint32_t item = 0, place = 0;
    fbk__stmt *st = NULL;
    fbk_status rc = stock_check(db, row);

    if (rc >= 0)
        rc = fbk__item_resolve(db, row->sku.p, row->sku.len, true, &item);
    if (rc >= 0)
        rc = fbk__place_resolve(db, row->place.p, row->place.len, true, &place);
    if (rc >= 0)
        rc = fbk__stmt_get(db,
                           "INSERT INTO stock (item, place, quantity_milli, as_of_us)"
                           " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (item, place) DO UPDATE"
                           " SET quantity_milli = ?3, as_of_us = ?4 WHERE as_of_us <= ?4",
                           &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, item);
    fbk__bind_int64(st, 2, place);
    fbk__bind_int64(st, 3, row->quantity_milli);
    fbk__bind_int64(st, 4, row->as_of_us);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    return fbk__changes(db) > 0 ? FBK_OK : FBK_DONE;
}

fbk_status
fbk_stock_set(fbk *db, const char *sku, const char *place, int64_t quantity_milli,
              fbk_time as_of_us)
{
    stock_row row = {fbk__text_of(sku), fbk__text_of(place), quantity_milli, as_of_us, 0};
    fbk_status rc = fbk__enter(db), written;

    if (rc < 0)
        return rc;
    if (!sku || !place)
        return fbk__fail(db, FBK_EINVAL, "sku and place must not be NULL");
    rc = stock_check(db, &row);
    if (rc < 0)
        return rc;
    rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    written = rc = stock_write(db, &row);
    if (rc == FBK_OK)
        rc = fbk__generation_bump(db, FBK__KIND_STOCK);
    rc = fbk__write_end(db, rc);
    return rc < 0 ? rc : written;
}

/* Columns of the bulk call; -1 = absent. */
typedef struct stock_columns {
    int sku, place, quantity_milli, quantity, as_of;
} stock_columns;

static fbk_status
stock_bind(fbk *db, fbk__arrow_reader *r, stock_columns *c)
{
    fbk_status rc = fbk__arrow_reader_bind(r, "sku", FBK__AS_TEXT, true, &c->sku);

    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "place", FBK__AS_TEXT, true, &c->place);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "quantity_milli", FBK__AS_INT64, false, &c->quantity_milli);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "quantity", FBK__AS_DOUBLE, false, &c->quantity);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "as_of", FBK__AS_TIME, true, &c->as_of);
    if (rc >= 0 && (c->quantity_milli < 0) == (c->quantity < 0))
        rc = fbk__fail_at(db, FBK_EINVAL, "quantity_milli", 0,
                          "one of quantity_milli and quantity was needed");
    return rc;
}

/* A cell that must be there. */
static fbk_status
needed(fbk *db, const char *field, int64_t row, fbk_status rc)
{
    if (rc == FBK_DONE)
        return fbk__fail_at(db, FBK_EINVAL, field, row, "%s was null", field);
    return rc;
}

static fbk_status
stock_read(fbk *db, fbk__arrow_reader *r, const stock_columns *c, int64_t at, stock_row *out)
{
    double quantity = 0.0;
    fbk_status rc;

    out->row = fbk__arrow_reader_base(r) + at + 1;
    rc = needed(db, "sku", out->row, fbk__arrow_text(r, c->sku, at, &out->sku.p, &out->sku.len));
    if (rc >= 0)
        rc = needed(db, "place", out->row,
                    fbk__arrow_text(r, c->place, at, &out->place.p, &out->place.len));
    if (rc >= 0)
        rc = needed(db, "as_of", out->row, fbk__arrow_time(r, c->as_of, at, &out->as_of_us));
    if (rc < 0)
        return rc;
    if (c->quantity_milli >= 0)
        return needed(db, "quantity_milli", out->row,
                      fbk__arrow_int64(r, c->quantity_milli, at, &out->quantity_milli));
    rc = needed(db, "quantity", out->row, fbk__arrow_double(r, c->quantity, at, &quantity));
    if (rc >= 0 && !(fabs(quantity) <= 1e12))
        rc = fbk__fail_at(db, FBK_ERANGE, "quantity", out->row,
                          "quantity was outside [-1e12, 1e12]");
    if (rc >= 0)
        out->quantity_milli = llround(quantity * 1000.0);
    return rc;
}

static fbk_status
stock_write_all(fbk *db, fbk__arrow_reader *r, int64_t *out_rows)
{
    stock_columns c;
    int64_t n, changed = 0;
    fbk_status rc = stock_bind(db, r, &c);

    while (rc >= 0 && (rc = fbk__arrow_reader_next(r, &n)) == FBK_OK) {
        for (int64_t i = 0; i < n && rc >= 0; i++) {
            stock_row row;

            rc = stock_read(db, r, &c, i, &row);
            if (rc >= 0)
                rc = stock_write(db, &row);
            changed += rc == FBK_OK;
        }
    }
    if (rc >= 0 && changed > 0)
        rc = fbk__generation_bump(db, FBK__KIND_STOCK);
    *out_rows = changed;
    return rc;
}

fbk_status
fbk_stock_set_rows(fbk *db, struct ArrowArrayStream *rows, int64_t *out_rows)
{
    fbk__arrow_reader *r = NULL;
    int64_t changed = 0;
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
        rc = fbk__write_end(db, stock_write_all(db, r, &changed));
    fbk__arrow_reader_close(r);
    if (rc < 0)
        return rc;
    if (out_rows)
        *out_rows = changed;
    return FBK_OK;
}

fbk_status
fbk_stock_get(fbk *db, const char *sku, const char *place, int64_t *out_quantity_milli,
              fbk_time *out_as_of_us)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!sku || !place || !out_quantity_milli)
        return fbk__fail(db, FBK_EINVAL, "sku, place and out_quantity_milli must not be NULL");
    rc = fbk__stmt_get(db,
                       "SELECT s.quantity_milli, s.as_of_us FROM stock s"
                       " JOIN item i ON i.item = s.item JOIN place p ON p.place = s.place"
                       " WHERE i.sku = ?1 AND p.code = ?2",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, sku, strlen(sku));
    fbk__bind_text(st, 2, place, strlen(place));
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        *out_quantity_milli = fbk__column_int64(st, 0);
        if (out_as_of_us)
            *out_as_of_us = fbk__column_int64(st, 1);
    } else if (rc == FBK_DONE) {
        rc = fbk__fail(db, FBK_ENOTFOUND, "the stock of this item at this place was not known");
    }
    fbk__stmt_put(st);
    return rc;
}
