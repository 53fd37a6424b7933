/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/climate.h"

#include <math.h>
#include <string.h>

#include "base/options.h"
#include "base/table.h"
#include "base/time.h"
#include "record/catalogue.h"
#include "record/weather.h"

#define USUAL_V1_SIZE 48u
_Static_assert(sizeof(fbk_climate_usual) == USUAL_V1_SIZE, "fbk_climate_usual v1");

/* ---- bytes ---- */

static void
put_doubles(fbk__buf *buf, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char bytes[8];
        uint64_t bits;

        memcpy(&bits, &values[i], sizeof bits);
        for (size_t b = 0; b < 8; b++)
            bytes[b] = (unsigned char)(bits >> 8 * b);
        fbk__buf_add(buf, bytes, sizeof bytes);
    }
}

static void
get_doubles(fbk__reader *r, double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned char *bytes = fbk__read_bytes(r, 8);
        uint64_t bits = 0;

        for (size_t b = 0; bytes && b < 8; b++)
            bits |= (uint64_t)bytes[b] << 8 * b;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

void
fbk__climate_encode(fbk__buf *buf, uint32_t flags, const fbk__climate_normal *normals,
                    uint32_t n_stations, const fbk__climate_item *items, size_t n_items)
{
    uint32_t last = 0;

    fbk__buf_uvarint(buf, flags);
    fbk__buf_uvarint(buf, n_stations);
    for (uint32_t s = 1; s <= n_stations; s++) {
        const fbk__climate_normal *n = &normals[s];

        fbk__buf_svarint(buf, n->n_days);
        if (n->n_days == 0)
            continue;
        fbk__buf_svarint(buf, n->n_wet_days);
        fbk__buf_uvarint(buf, n->n_harmonics);
        fbk__buf_uvarint(buf, n->provisional);
        put_doubles(buf, n->mean, FBK__CLIMATE_COEFS);
        put_doubles(buf, n->variance, FBK__CLIMATE_COEFS);
        put_doubles(buf, n->wet, FBK__CLIMATE_COEFS);
        put_doubles(buf, n->mm, FBK__CLIMATE_COEFS);
        put_doubles(buf, &n->variance_floor, 1);
    }
    fbk__buf_uvarint(buf, n_items);
    for (size_t i = 0; i < n_items; i++) {
        fbk__buf_uvarint(buf, items[i].item - last);
        last = items[i].item;
        fbk__buf_uvarint(buf, items[i].n_sold);
        put_doubles(buf, items[i].coef, FBK__CLIMATE_N);
        put_doubles(buf, items[i].sign_prob, FBK__CLIMATE_N);
    }
}

static bool
all_finite(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            return false;
    }
    return true;
}

static bool
normal_decode(fbk__reader *r, fbk__climate_normal *n)
{
    n->n_days = fbk__read_svarint(r);
    if (n->n_days == 0)
        return !r->bad;
    n->n_wet_days = fbk__read_svarint(r);
    n->n_harmonics = (uint32_t)fbk__read_uvarint(r);
    n->provisional = (uint32_t)fbk__read_uvarint(r);
    get_doubles(r, n->mean, FBK__CLIMATE_COEFS);
    get_doubles(r, n->variance, FBK__CLIMATE_COEFS);
    get_doubles(r, n->wet, FBK__CLIMATE_COEFS);
    get_doubles(r, n->mm, FBK__CLIMATE_COEFS);
    get_doubles(r, &n->variance_floor, 1);
    /* The first term of wet and mm may be NaN: not known. */
    return !r->bad && n->n_days > 0 && n->n_wet_days >= 0 && n->provisional <= 1 &&
           n->n_harmonics <= FBK__CLIMATE_HARMONICS && all_finite(n->mean, FBK__CLIMATE_COEFS) &&
           all_finite(n->variance, FBK__CLIMATE_COEFS) &&
           all_finite(n->wet + 1, FBK__CLIMATE_COEFS - 1) &&
           all_finite(n->mm + 1, FBK__CLIMATE_COEFS - 1) && isfinite(n->variance_floor) &&
           n->variance_floor > 0.0;
}

static bool
items_decode(fbk__reader *r, fbk__climate *c)
{
    uint64_t last = 0;

    for (size_t i = 0; i < c->n_items; i++) {
        fbk__climate_item *item = &c->items[i];
        uint64_t step = fbk__read_uvarint(r);

        if (step == 0 || step > UINT32_MAX - last)
            return false;
        last += step;
        item->item = (uint32_t)last;
        item->n_sold = (uint32_t)fbk__read_uvarint(r);
        get_doubles(r, item->coef, FBK__CLIMATE_N);
        get_doubles(r, item->sign_prob, FBK__CLIMATE_N);
        if (r->bad || !all_finite(item->coef, FBK__CLIMATE_N) ||
            !all_finite(item->sign_prob, FBK__CLIMATE_N))
            return false;
    }
    return true;
}

fbk_status
fbk__climate_decode(fbk *db, fbk__climate *out, const void *bytes, size_t len)
{
    const fbk_allocator *a = out->model.shared.a;
    fbk__reader r = {bytes, (const unsigned char *)bytes + len, false};
    uint64_t n_stations, n_items;

    out->flags = (uint32_t)fbk__read_uvarint(&r);
    n_stations = fbk__read_uvarint(&r);
    if (r.bad || n_stations > len) /* each takes a byte at least */
        goto bad;
    out->normals = fbk__calloc(a, (size_t)n_stations + 1, sizeof *out->normals);
    if (!out->normals)
        return fbk__nomem(db);
    out->n_stations = (uint32_t)n_stations;
    for (uint32_t s = 1; s <= out->n_stations; s++) {
        if (!normal_decode(&r, &out->normals[s]))
            goto bad;
    }
    n_items = fbk__read_uvarint(&r);
    if (r.bad || n_items > len)
        goto bad;
    out->items = fbk__calloc(a, (size_t)n_items + 1, sizeof *out->items);
    if (!out->items)
        return fbk__nomem(db);
    out->n_items = (size_t)n_items;
    if (items_decode(&r, out) && r.p == r.end)
        return FBK_OK;
bad:
    return fbk__fail(db, FBK_ECORRUPT, "the climate model was damaged: train it again");
}

/* ---- the loaded model ---- */

static fbk_status
model_decode(fbk *db, fbk__model *model, void **body, size_t len)
{
    return fbk__climate_decode(db, (fbk__climate *)model, *body, len);
}

static void
model_clear(fbk__model *model)
{
    fbk__climate *c = (fbk__climate *)model;

    fbk__free(model->shared.a, c->normals);
    fbk__free(model->shared.a, c->items);
}

static const fbk__model_class climate_class = {"climate",    1u,         0u, sizeof(fbk__climate),
                                               model_decode, model_clear};

fbk_status
fbk__climate_acquire(fbk *db, const fbk__climate **out)
{
    const fbk__model *model = NULL;
    fbk_status rc = fbk__model_acquire(db, &climate_class, NULL, &model);

    if (rc >= 0)
        *out = (const fbk__climate *)model;
    return rc;
}

void
fbk__climate_release(const fbk__climate *climate)
{
    fbk__model_release(climate ? &climate->model : NULL);
}

const fbk__climate_normal *
fbk__climate_normal_of(const fbk__climate *climate, uint32_t station)
{
    if (station == 0 || station > climate->n_stations || climate->normals[station].n_days == 0)
        return NULL;
    return &climate->normals[station];
}

static const fbk__climate_item *
item_find(const fbk__climate *climate, uint32_t item)
{
    size_t lo = 0, hi = climate->n_items;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (climate->items[mid].item < item)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < climate->n_items && climate->items[lo].item == item ? &climate->items[lo] : NULL;
}

double
fbk__climate_factor(const fbk__climate *climate, uint32_t item, double temp_sd, double wet,
                    fbk__climate_why *out_why)
{
    const fbk__climate_item *found = item_find(climate, item);
    fbk__climate_why why = FBK__CLIMATE_NO_CHANGE;
    double warm = 0.0, rain = 0.0, factor = 1.0;

    if (found && !isnan(temp_sd))
        warm = found->coef[FBK__CLIMATE_TEMP] * fmin(fmax(temp_sd, -3.0), 3.0);
    if (found && !isnan(wet))
        rain = found->coef[FBK__CLIMATE_WET] * fmin(fmax(wet, -1.0), 1.0);
    if (warm + rain != 0.0)
        factor = exp(fmin(fmax(warm + rain, -log(4.0)), log(4.0)));
    if (fabs(warm) >= fabs(rain) && warm != 0.0)
        why = temp_sd > 0.0 ? FBK__CLIMATE_WARM : FBK__CLIMATE_COOL;
    else if (rain != 0.0)
        why = wet > 0.0 ? FBK__CLIMATE_RAINY : FBK__CLIMATE_DRY;
    if (out_why)
        *out_why = why;
    return factor;
}

const char *
fbk__climate_why_text(fbk__climate_why why, double factor)
{
    static const char *const texts[][2] = {
        {"", ""},
        {"is bought less in weather warmer than usual",
         "is bought more in weather warmer than usual"},
        {"is bought less in weather cooler than usual",
         "is bought more in weather cooler than usual"},
        {"is bought less on wet days", "is bought more on wet days"},
        {"is bought less on dry days", "is bought more on dry days"},
    };

    if (why > FBK__CLIMATE_DRY || factor == 1.0)
        return "";
    return texts[why][factor > 1.0];
}

/* ---- for the caller ---- */

static fbk_status
usual_of(fbk *db, const fbk__climate *climate, uint32_t station, int64_t day,
         fbk_climate_usual *out)
{
    const fbk__climate_normal *normal = fbk__climate_normal_of(climate, station);
    fbk__climate_usual usual;

    if (!normal)
        return fbk__fail(db, FBK_ENOTFOUND, "the weather station had no normal");
    fbk__climate_usual_at(normal, day, &usual);
    memset(out, 0, sizeof *out);
    out->flags = (normal->provisional ? FBK_CLIMATE_PROVISIONAL : 0u) |
                 (isnan(usual.wet_prob) ? 0u : FBK_CLIMATE_HAS_WET);
    out->temperature_celsius = usual.celsius;
    out->sd_celsius = usual.sd;
    out->wet_prob = usual.wet_prob;
    out->precipitation_mm = usual.mm;
    out->n_days = (uint64_t)normal->n_days;
    return FBK_OK;
}

fbk_status
fbk_climate_usual_get(fbk *db, const char *station, const char *date, fbk_climate_usual *out)
{
    const fbk__climate *climate = NULL;
    fbk_climate_usual usual;
    uint32_t number = 0;
    int64_t day;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!station || !date || !out)
        return fbk__fail(db, FBK_EINVAL, "station, date and out must not be NULL");
    if (!fbk__date_parse(date, strlen(date), &day))
        return fbk__fail_at(db, FBK_EINVAL, "date", 0, "date was not a day as \"2011-12-09\"");
    rc = fbk__station_resolve(db, station, strlen(station), false, &number);
    if (rc >= 0)
        rc = fbk__climate_acquire(db, &climate);
    if (rc >= 0)
        rc = usual_of(db, climate, number, day, &usual);
    fbk__climate_release(climate);
    return rc < 0 ? rc : fbk__result_store(db, out, USUAL_V1_SIZE, &usual, sizeof usual);
}

static fbk__table *
responses_table(fbk *db, const fbk__climate *climate, const fbk__items *items)
{
    fbk__table *t = fbk__table_new(fbk__store_allocator(db));

    (void)fbk__table_column(t, "sku", FBK__TEXT, false);
    (void)fbk__table_column(t, "name", FBK__TEXT, false);
    (void)fbk__table_column(t, "warmer", FBK__DOUBLE, false);
    (void)fbk__table_column(t, "warmer_sign_prob", FBK__DOUBLE, false);
    (void)fbk__table_column(t, "wet", FBK__DOUBLE, false);
    (void)fbk__table_column(t, "wet_sign_prob", FBK__DOUBLE, false);
    (void)fbk__table_column(t, "n_sold", FBK__INT64, false);
    for (size_t i = 0; i < climate->n_items; i++) {
        const fbk__climate_item *c = &climate->items[i];

        fbk__table_add_str(t, 0, fbk__item_sku(items, c->item));
        fbk__table_add_str(t, 1, fbk__item_name(items, c->item));
        fbk__table_add_double(t, 2, c->coef[FBK__CLIMATE_TEMP]);
        fbk__table_add_double(t, 3, c->sign_prob[FBK__CLIMATE_TEMP]);
        fbk__table_add_double(t, 4, c->coef[FBK__CLIMATE_WET]);
        fbk__table_add_double(t, 5, c->sign_prob[FBK__CLIMATE_WET]);
        fbk__table_add_int64(t, 6, c->n_sold);
    }
    return t;
}

fbk_status
fbk_climate_responses(fbk *db, struct ArrowArrayStream *out_rows)
{
    const fbk__climate *climate = NULL;
    const fbk__items *items = NULL;
    fbk__table *t;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out_rows)
        return fbk__fail(db, FBK_EINVAL, "out_rows must not be NULL");
    rc = fbk__climate_acquire(db, &climate);
    if (rc >= 0)
        rc = fbk__items_acquire(db, &items);
    if (rc >= 0) {
        t = responses_table(db, climate, items);
        rc = fbk__table_stream(db, t, 0, out_rows);
    }
    fbk__items_release(items);
    fbk__climate_release(climate);
    return rc;
}
