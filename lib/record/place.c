/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/place.h"

#include <math.h>
#include <string.h>

#include "base/arrow.h"
#include "base/options.h"
#include "record/event.h"
#include "record/snapshot.h"
#include "record/weather.h"
#include "record/zone.h"
#include "store/stmt.h"

#define PLACE_V1_SIZE 72u
#define PLACE_INFO_V1_SIZE 472u
_Static_assert(sizeof(fbk_place) == PLACE_V1_SIZE, "fbk_place v1");
_Static_assert(sizeof(fbk_place_info) == PLACE_INFO_V1_SIZE, "fbk_place_info v1");

fbk_status
fbk__place_resolve(fbk *db, const char *code, size_t len, bool create, uint32_t *out_place)
{
    fbk__stmt *st = NULL;
    fbk_status rc =
        fbk__text_check(db, "place", 0, (fbk__text){code, len}, FBK_PLACE_CODE_MAX, true);

    if (rc < 0)
        return rc;
    rc = fbk__stmt_get(db, "SELECT place FROM place WHERE code = ?1", &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, code, len);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out_place = (uint32_t)fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    if (rc != FBK_DONE)
        return rc;
    if (!create)
        return fbk__fail(db, FBK_ENOTFOUND, "there was no place of this code");
    rc = fbk__stmt_get(db, "INSERT INTO place (code, flags) VALUES (?1, 0)", &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, code, len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    *out_place = (uint32_t)fbk__last_rowid(db);
    return fbk__generation_bump(db, FBK__KIND_PLACE);
}

/* ---- writing ---- */

/* One place as it came in; texts are borrowed. */
typedef struct place_row {
    fbk__text code, name, time_zone, station;
    const void *tzif;
    size_t tzif_len;
    double latitude_deg, longitude_deg;
    int64_t row;
    uint32_t flags;
} place_row;

static bool
position_valid(double latitude_deg, double longitude_deg)
{
    return latitude_deg >= -90.0 && latitude_deg <= 90.0 && longitude_deg >= -180.0 &&
           longitude_deg <= 180.0;
}

static fbk_status
place_check(fbk *db, const place_row *row)
{
    fbk_status rc = fbk__text_check(db, "code", row->row, row->code, FBK_PLACE_CODE_MAX, true);

    if (rc >= 0)
        rc = fbk__text_check(db, "name", row->row, row->name, FBK_PLACE_NAME_MAX, false);
    if (rc >= 0)
        rc = fbk__text_check(db, "station", row->row, row->station, FBK_STATION_CODE_MAX, false);
    if (rc < 0)
        return rc;
    if ((row->flags & FBK_PLACE_HAS_POSITION) &&
        !position_valid(row->latitude_deg, row->longitude_deg))
        return fbk__fail_at(db, FBK_ERANGE, "latitude_deg", row->row,
                            "the position was outside [-90, 90] and [-180, 180] degrees");
    if (row->tzif && (row->tzif_len == 0 || row->tzif_len > FBK_TZIF_MAX || !row->time_zone.len))
        return fbk__fail_at(db, FBK_ERANGE, "tzif", row->row,
                            "tzif had not 1 to %d bytes, or no time_zone to go with", FBK_TZIF_MAX);
    return FBK_OK;
}

static fbk_status
place_update(fbk *db, const place_row *row, uint32_t place, uint32_t zone, uint32_t station)
{
    bool replace = (row->flags & FBK_PLACE_REPLACE) != 0;
    bool position = (row->flags & FBK_PLACE_HAS_POSITION) != 0;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db,
                                  "UPDATE place SET name = iif(?2, ?3, name),"
                                  " zone = iif(?4, ?5, zone), station = iif(?6, ?7, station),"
                                  " latitude_deg = iif(?8, ?9, latitude_deg),"
                                  " longitude_deg = iif(?8, ?10, longitude_deg), flags = ?11,"
                                  " changed_us = ?12"
                                  " WHERE place = ?1",
                                  &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, place);
    fbk__bind_given_text(st, 2, row->name, replace);
    fbk__bind_given_id(st, 4, row->time_zone.p || replace, zone);
    fbk__bind_given_id(st, 6, row->station.p || replace, station);
    fbk__bind_int64(st, 8, position || replace);
    if (position) {
        fbk__bind_double(st, 9, row->latitude_deg);
        fbk__bind_double(st, 10, row->longitude_deg);
    } else {
        fbk__bind_null(st, 9);
        fbk__bind_null(st, 10);
    }
    fbk__bind_int64(st, 11, FBK__PLACE_DESCRIBED);
    fbk__bind_int64(st, 12, fbk__event_now());
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
place_write(fbk *db, const place_row *row)
{
    uint32_t place = 0, zone = 0, station = 0;
    fbk_status rc = place_check(db, row);

    if (rc >= 0 && row->time_zone.len > 0)
        rc = fbk__zone_resolve(db, row->row, row->time_zone, row->tzif, row->tzif_len, &zone);
    if (rc >= 0 && row->station.len > 0)
        rc = fbk__station_resolve(db, row->station.p, row->station.len, true, &station);
    if (rc >= 0)
        rc = fbk__place_resolve(db, row->code.p, row->code.len, true, &place);
    if (rc >= 0)
        rc = place_update(db, row, place, zone, station);
    return rc;
}

/* End of a transaction that wrote places. */
static fbk_status
places_written(fbk *db, fbk_status rc)
{
    if (rc >= 0)
        rc = fbk__zone_keep_own(db);
    if (rc >= 0)
        rc = fbk__generation_bump(db, FBK__KIND_PLACE);
    return fbk__write_end(db, rc);
}

fbk_status
fbk_place_upsert(fbk *db, const fbk_place *place)
{
    place_row row = {.row = 0};
    fbk_place in;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!place)
        return fbk__fail(db, FBK_EINVAL, "place must not be NULL");
    rc = fbk__options_load(db, &in, sizeof in, PLACE_V1_SIZE, place);
    if (rc < 0)
        return rc;
    if (in.flags & ~(uint32_t)(FBK_PLACE_HAS_POSITION | FBK_PLACE_REPLACE))
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had unknown bits");
    if (in.tzif_len > FBK_TZIF_MAX || (!in.tzif && in.tzif_len > 0))
        return fbk__fail_at(db, FBK_ERANGE, "tzif_len", 0, "tzif_len was outside [1, %d]",
                            FBK_TZIF_MAX);
    row = (place_row){.code = fbk__text_of(in.code),
                      .name = fbk__text_of(in.name),
                      .time_zone = fbk__text_of(in.time_zone),
                      .station = fbk__text_of(in.station),
                      .tzif = in.tzif,
                      .tzif_len = (size_t)in.tzif_len,
                      .latitude_deg = in.latitude_deg,
                      .longitude_deg = in.longitude_deg,
                      .flags = in.flags};
    rc = place_check(db, &row);
    if (rc < 0)
        return rc;
    rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    return places_written(db, place_write(db, &row));
}

/* Columns of the bulk call; -1 = absent. */
typedef struct place_columns {
    int code, name, time_zone, station, latitude, longitude;
} place_columns;

static fbk_status
columns_bind(fbk__arrow_reader *r, place_columns *c)
{
    fbk_status rc = fbk__arrow_reader_bind(r, "code", FBK__AS_TEXT, true, &c->code);

    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "name", FBK__AS_TEXT, false, &c->name);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "time_zone", FBK__AS_TEXT, false, &c->time_zone);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "station", FBK__AS_TEXT, false, &c->station);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "latitude_deg", FBK__AS_DOUBLE, false, &c->latitude);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "longitude_deg", FBK__AS_DOUBLE, false, &c->longitude);
    return rc;
}

static fbk_status
row_read(fbk *db, fbk__arrow_reader *r, const place_columns *c, int64_t at, place_row *row)
{
    const struct {
        int column;
        fbk__text *out;
    } texts[] = {{c->code, &row->code},
                 {c->name, &row->name},
                 {c->time_zone, &row->time_zone},
                 {c->station, &row->station}};
    fbk_status rc, rc2;

    memset(row, 0, sizeof *row);
    row->row = fbk__arrow_reader_base(r) + at + 1;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rc = fbk__arrow_text(r, texts[i].column, at, &texts[i].out->p, &texts[i].out->len);
        if (rc < 0)
            return rc;
        if (rc == FBK_OK && texts[i].out->len == 0)
            texts[i].out->p = "";
    }
    rc = fbk__arrow_double(r, c->latitude, at, &row->latitude_deg);
    if (rc < 0)
        return rc;
    rc2 = fbk__arrow_double(r, c->longitude, at, &row->longitude_deg);
    if (rc2 < 0)
        return rc2;
    if (rc != rc2)
        return fbk__fail_at(db, FBK_EINVAL, "latitude_deg", row->row,
                            "one of latitude_deg and longitude_deg was given without the other");
    row->flags = rc == FBK_OK ? FBK_PLACE_HAS_POSITION : 0u;
    return FBK_OK;
}

static fbk_status
rows_write(fbk *db, fbk__arrow_reader *r, int64_t *out_rows)
{
    place_columns c;
    int64_t n;
    fbk_status rc = columns_bind(r, &c);

    while (rc >= 0 && (rc = fbk__arrow_reader_next(r, &n)) == FBK_OK) {
        for (int64_t i = 0; i < n && rc >= 0; i++) {
            place_row row;

            rc = row_read(db, r, &c, i, &row);
            if (rc >= 0)
                rc = place_write(db, &row);
        }
        *out_rows += n;
    }
    return rc;
}

fbk_status
fbk_place_upsert_rows(fbk *db, struct ArrowArrayStream *rows, int64_t *out_rows)
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
        rc = places_written(db, rows_write(db, r, &total));
    fbk__arrow_reader_close(r);
    if (rc < 0)
        return rc;
    if (out_rows)
        *out_rows = total;
    return FBK_OK;
}

/* ---- reading ---- */

/* Texts of a place from the snapshot. */
static void
info_fill(const fbk__places *t, uint32_t place, const char *station, fbk_place_info *info)
{
    size_t len;
    uint32_t name = t->name_at[place], zone = t->zone_name_at[t->zone[place]];

    memset(info, 0, sizeof *info);
    info->flags = (isnan(t->latitude_deg[place]) ? 0u : FBK_PLACE_HAS_POSITION) |
                  (t->flags[place] & FBK__PLACE_DESCRIBED ? FBK_PLACE_DESCRIBED : 0u);
    if (info->flags & FBK_PLACE_HAS_POSITION) {
        info->latitude_deg = t->latitude_deg[place];
        info->longitude_deg = t->longitude_deg[place];
    }
    fbk__text_copy(info->code, sizeof info->code, fbk__place_code(t, place));
    if (name > 0)
        fbk__text_copy(info->name, sizeof info->name, fbk__intern_text(&t->names, name - 1, &len));
    if (zone > 0)
        fbk__text_copy(info->time_zone, sizeof info->time_zone,
                       fbk__intern_text(&t->names, zone - 1, &len));
    fbk__text_copy(info->station, sizeof info->station, station);
}

static fbk_status
info_of(fbk *db, const fbk__places *t, uint32_t place, fbk_place_info *info)
{
    char station[FBK_STATION_CODE_MAX + 1] = "";
    fbk_status rc = FBK_OK;

    if (t->station[place] > 0)
        rc = fbk__station_code(db, t->station[place], station);
    if (rc >= 0)
        info_fill(t, place, station, info);
    return rc;
}

fbk_status
fbk_place_get(fbk *db, const char *code, fbk_place_info *out)
{
    const fbk__places *t = NULL;
    fbk_place_info info;
    uint32_t place;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!code || !out)
        return fbk__fail(db, FBK_EINVAL, "code and out must not be NULL");
    rc = fbk__places_acquire(db, &t);
    if (rc < 0)
        return rc;
    place = fbk__place_find(t, code, strlen(code));
    if (place > 0)
        rc = info_of(db, t, place, &info);
    else
        rc = fbk__fail(db, FBK_ENOTFOUND, "there was no place of this code");
    fbk__places_release(t);
    return rc < 0 ? rc : fbk__result_store(db, out, PLACE_INFO_V1_SIZE, &info, sizeof info);
}

double
fbk__haversine_km(double lat1_deg, double lon1_deg, double lat2_deg, double lon2_deg)
{
    const double radius_km = 6371.0088, rad = 0.017453292519943295769;
    double s = sin((lat2_deg - lat1_deg) * rad / 2.0), t = sin((lon2_deg - lon1_deg) * rad / 2.0);
    double h = s * s + cos(lat1_deg * rad) * cos(lat2_deg * rad) * t * t;

    return 2.0 * radius_km * asin(sqrt(h < 1.0 ? h : 1.0));
}

fbk_status
fbk_place_nearest(fbk *db, double latitude_deg, double longitude_deg, fbk_place_info *out,
                  double *out_km)
{
    const fbk__places *t = NULL;
    fbk_place_info info;
    double best_km = INFINITY;
    uint32_t best = 0;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail(db, FBK_EINVAL, "out must not be NULL");
    if (!position_valid(latitude_deg, longitude_deg))
        return fbk__fail_at(db, FBK_ERANGE, "latitude_deg", 0,
                            "the position was outside [-90, 90] and [-180, 180] degrees");
    rc = fbk__places_acquire(db, &t);
    if (rc < 0)
        return rc;
    for (uint32_t i = 1; i <= t->n; i++) {
        double km;

        if (isnan(t->latitude_deg[i]))
            continue;
        km =
            fbk__haversine_km(latitude_deg, longitude_deg, t->latitude_deg[i], t->longitude_deg[i]);
        if (km < best_km) {
            best_km = km;
            best = i;
        }
    }
    if (best > 0)
        rc = info_of(db, t, best, &info);
    else
        rc = fbk__fail(db, FBK_ENOTFOUND, "no place had a position");
    fbk__places_release(t);
    if (rc >= 0)
        rc = fbk__result_store(db, out, PLACE_INFO_V1_SIZE, &info, sizeof info);
    if (rc >= 0 && out_km)
        *out_km = best_km;
    return rc;
}

static void
list_add(fbk__table *t, const fbk__places *places, uint32_t place, const fbk_place_info *info)
{
    fbk__table_add_str(t, 0, info->code);
    fbk__table_add_str(t, 1, info->name[0] ? info->name : NULL);
    if (info->flags & FBK_PLACE_HAS_POSITION) {
        fbk__table_add_double(t, 2, places->latitude_deg[place]);
        fbk__table_add_double(t, 3, places->longitude_deg[place]);
    } else {
        fbk__table_add_null(t, 2);
        fbk__table_add_null(t, 3);
    }
    fbk__table_add_str(t, 4, info->time_zone);
    fbk__table_add_str(t, 5, info->station[0] ? info->station : NULL);
    fbk__table_add_int64(t, 6, (info->flags & FBK_PLACE_DESCRIBED) != 0);
}

fbk_status
fbk_place_list(fbk *db, struct ArrowArrayStream *out_rows)
{
    const fbk__places *places = NULL;
    fbk__table *t;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out_rows)
        return fbk__fail(db, FBK_EINVAL, "out_rows must not be NULL");
    rc = fbk__places_acquire(db, &places);
    if (rc < 0)
        return rc;
    t = fbk__table_new(fbk__store_allocator(db));
    (void)fbk__table_column(t, "code", FBK__TEXT, false);
    (void)fbk__table_column(t, "name", FBK__TEXT, true);
    (void)fbk__table_column(t, "latitude_deg", FBK__DOUBLE, true);
    (void)fbk__table_column(t, "longitude_deg", FBK__DOUBLE, true);
    (void)fbk__table_column(t, "time_zone", FBK__TEXT, false);
    (void)fbk__table_column(t, "station", FBK__TEXT, true);
    (void)fbk__table_column(t, "described", FBK__BOOL, false);
    for (uint32_t i = 1; i <= places->n && rc >= 0; i++) {
        fbk_place_info info;

        if (places->code_at[i] == 0)
            continue;
        rc = info_of(db, places, i, &info);
        if (rc >= 0)
            list_add(t, places, i, &info);
    }
    fbk__places_release(places);
    if (rc < 0) {
        fbk__table_free(t);
        return rc;
    }
    return fbk__table_stream(db, t, 0, out_rows);
}
