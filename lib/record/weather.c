/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/weather.h"

#include <math.h>
#include <string.h>

#include "base/arrow.h"
#include "base/options.h"
#include "base/time.h"
#include "record/event.h"
#include "record/field.h"
#include "record/place.h"
#include "store/stmt.h"

#define WEATHER_V1_SIZE 72u
_Static_assert(sizeof(fbk_weather) == WEATHER_V1_SIZE, "fbk_weather v1");

/* ---- stations ---- */

fbk_status
fbk__station_resolve(fbk *db, const char *code, size_t len, bool create, uint32_t *out_station)
{
    fbk__stmt *st = NULL;
    fbk_status rc =
        fbk__text_check(db, "station", 0, (fbk__text){code, len}, FBK_STATION_CODE_MAX, true);

    if (rc < 0)
        return rc;
    rc = fbk__stmt_get(db, "SELECT station FROM weather_station WHERE code = ?1", &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, code, len);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out_station = (uint32_t)fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    if (rc != FBK_DONE)
        return rc;
    if (!create)
        return fbk__fail(db, FBK_ENOTFOUND, "there was no weather station of this code");
    rc = fbk__stmt_get(db, "INSERT INTO weather_station (code) VALUES (?1)", &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, code, len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    *out_station = (uint32_t)fbk__last_rowid(db);
    /* Places without a station take the one of their code. */
    return fbk__generation_bump(db, FBK__KIND_PLACE);
}

fbk_status
fbk__station_code(fbk *db, uint32_t station, char *out)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, "SELECT code FROM weather_station WHERE station = ?1", &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, station);
    rc = fbk__step(st);
    out[0] = '\0';
    if (rc == FBK_OK) {
        size_t len;
        const char *code = fbk__column_text(st, 0, &len);

        len = len < FBK_STATION_CODE_MAX ? len : FBK_STATION_CODE_MAX;
        memcpy(out, code, len);
        out[len] = '\0';
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__station_count(fbk *db, uint32_t *out_n)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, "SELECT ifnull(max(station), 0) FROM weather_station", &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out_n = (uint32_t)fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

bool
fbk__weather_wet(uint32_t condition)
{
    return condition >= FBK_WEATHER_DRIZZLE && condition <= FBK_WEATHER_STORM;
}

const char *
fbk_weather_condition_name(uint32_t condition)
{
    static const char *const names[] = {"",        "clear", "cloudy", "fog",
                                        "drizzle", "rain",  "snow",   "storm"};

    return condition < sizeof names / sizeof names[0] ? names[condition] : "";
}

/* ---- writing ---- */

/* One observation as it came in; numbers that are not given are NaN. */
typedef struct weather_row {
    fbk__text station;
    bool is_day;
    int64_t at; /* day number or instant */
    double celsius, mm, wind_m_s, humidity_percent;
    uint32_t condition;
    int64_t row;
} weather_row;

static fbk_status
weather_check(fbk *db, const weather_row *row)
{
    const struct {
        const char *field;
        double value, min, max;
    } numbers[] = {
        {"temperature_celsius", row->celsius, -100.0, 70.0},
        {"precipitation_mm", row->mm, 0.0, 2000.0},
        {"wind_m_s", row->wind_m_s, 0.0, 150.0},
        {"humidity_percent", row->humidity_percent, 0.0, 100.0},
    };
    fbk_status rc =
        fbk__text_check(db, "station", row->row, row->station, FBK_STATION_CODE_MAX, true);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].value < numbers[i].min || numbers[i].value > numbers[i].max)
            return fbk__fail_at(db, FBK_ERANGE, numbers[i].field, row->row,
                                "%s was outside [%g, %g]", numbers[i].field, numbers[i].min,
                                numbers[i].max);
    }
    if (row->condition > FBK_WEATHER_STORM)
        return fbk__fail_at(db, FBK_EINVAL, "condition", row->row,
                            "condition was not one of FBK_WEATHER_*");
    if (!row->is_day && !fbk__time_valid(row->at))
        return fbk__fail_at(db, FBK_ERANGE, "time", row->row,
                            "time was not an instant of the years 1 to 9999");
    return FBK_OK;
}

static void
bind_number(fbk__stmt *st, int param, double value)
{
    if (isnan(value))
        fbk__bind_null(st, param);
    else
        fbk__bind_double(st, param, value);
}

static fbk_status
weather_write(fbk *db, const weather_row *row)
{
    static const char day_sql[] =
        "INSERT OR REPLACE INTO weather_day (station, day, temperature_celsius, precipitation_mm,"
        " wind_m_s, humidity_percent, condition, changed_us)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    static const char reading_sql[] =
        "INSERT OR REPLACE INTO weather_reading (station, at_us, temperature_celsius,"
        " precipitation_mm, wind_m_s, humidity_percent, condition, changed_us)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    uint32_t station = 0;
    fbk__stmt *st = NULL;
    fbk_status rc = weather_check(db, row);

    if (rc >= 0)
        rc = fbk__station_resolve(db, row->station.p, row->station.len, true, &station);
    if (rc >= 0)
        rc = fbk__stmt_get(db, row->is_day ? day_sql : reading_sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, station);
    fbk__bind_int64(st, 2, row->at);
    bind_number(st, 3, row->celsius);
    bind_number(st, 4, row->mm);
    bind_number(st, 5, row->wind_m_s);
    bind_number(st, 6, row->humidity_percent);
    fbk__bind_int64(st, 7, row->condition);
    fbk__bind_int64(st, 8, fbk__event_now());
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
date_read(fbk *db, int64_t row, const char *text, size_t len, int64_t *out_day)
{
    if (!fbk__date_parse(text, len, out_day))
        return fbk__fail_at(db, FBK_EINVAL, "date", row, "date was not a day as \"2011-12-09\"");
    return FBK_OK;
}

static fbk_status
row_of(fbk *db, const fbk_weather *in, weather_row *row)
{
    const uint32_t known = FBK_WEATHER_HAS_TEMPERATURE | FBK_WEATHER_HAS_PRECIPITATION |
                           FBK_WEATHER_HAS_WIND | FBK_WEATHER_HAS_HUMIDITY;

    if (in->flags & ~known || in->reserved0)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had unknown bits");
    if ((in->flags & FBK_WEATHER_HAS_TEMPERATURE && isnan(in->temperature_celsius)) ||
        (in->flags & FBK_WEATHER_HAS_PRECIPITATION && isnan(in->precipitation_mm)) ||
        (in->flags & FBK_WEATHER_HAS_WIND && isnan(in->wind_m_s)) ||
        (in->flags & FBK_WEATHER_HAS_HUMIDITY && isnan(in->humidity_percent)))
        return fbk__fail_at(db, FBK_ERANGE, "flags", 0, "a number that flags names was not one");
    *row = (weather_row){
        .station = fbk__text_of(in->station),
        .is_day = in->date != NULL,
        .at = in->time_us,
        .celsius = in->flags & FBK_WEATHER_HAS_TEMPERATURE ? in->temperature_celsius : (double)NAN,
        .mm = in->flags & FBK_WEATHER_HAS_PRECIPITATION ? in->precipitation_mm : (double)NAN,
        .wind_m_s = in->flags & FBK_WEATHER_HAS_WIND ? in->wind_m_s : (double)NAN,
        .humidity_percent =
            in->flags & FBK_WEATHER_HAS_HUMIDITY ? in->humidity_percent : (double)NAN,
        .condition = in->condition,
    };
    return in->date ? date_read(db, 0, in->date, strlen(in->date), &row->at) : FBK_OK;
}

fbk_status
fbk__weather_given(fbk *db, const fbk_weather *weather, fbk__weather_day *out)
{
    weather_row row = {.row = 0};
    fbk_weather in;
    fbk_status rc = fbk__options_load(db, &in, sizeof in, WEATHER_V1_SIZE, weather);

    if (rc < 0)
        return rc;
    in.station = "given";
    in.date = NULL;
    in.time_us = 0;
    rc = row_of(db, &in, &row);
    if (rc >= 0)
        rc = weather_check(db, &row);
    if (rc < 0)
        return rc;
    *out = (fbk__weather_day){.celsius = row.celsius,
                              .mm = row.mm,
                              .wind_m_s = row.wind_m_s,
                              .humidity_percent = row.humidity_percent,
                              .wet = -1,
                              .condition = row.condition};
    if (!isnan(row.mm))
        out->wet = row.mm >= FBK__WET_MM;
    else if (row.condition != FBK_WEATHER_UNKNOWN)
        out->wet = fbk__weather_wet(row.condition);
    return FBK_OK;
}

fbk_status
fbk_weather_add(fbk *db, const fbk_weather *weather)
{
    weather_row row = {.row = 0};
    fbk_weather in;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!weather)
        return fbk__fail(db, FBK_EINVAL, "weather must not be NULL");
    rc = fbk__options_load(db, &in, sizeof in, WEATHER_V1_SIZE, weather);
    if (rc >= 0)
        rc = row_of(db, &in, &row);
    if (rc >= 0)
        rc = weather_check(db, &row);
    if (rc >= 0)
        rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    rc = weather_write(db, &row);
    if (rc >= 0)
        rc = fbk__generation_bump(db, FBK__KIND_WEATHER);
    return fbk__write_end(db, rc);
}

/* Columns of the bulk call; -1 = absent. */
typedef struct weather_columns {
    int station, date, date_time, time;
    int celsius, celsius_min, celsius_max, mm, wind_m_s, humidity_percent;
    int condition, condition_number;
} weather_columns;

/* A column that comes as text or as something else: bound as the one or the other. */
static fbk_status
bind_either(fbk__arrow_reader *r, const char *name, fbk__arrow_as other, int *text, int *out)
{
    size_t n = fbk__arrow_reader_n_columns(r);
    fbk__arrow_as as = FBK__AS_TEXT;

    *text = *out = -1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(fbk__arrow_reader_name(r, i), name) == 0)
            (void)fbk__arrow_reader_guess(r, i, &as);
    }
    if (as == FBK__AS_TEXT)
        return fbk__arrow_reader_bind(r, name, FBK__AS_TEXT, false, text);
    return fbk__arrow_reader_bind(r, name, other, false, out);
}

static fbk_status
columns_bind(fbk *db, fbk__arrow_reader *r, weather_columns *c)
{
    const struct {
        const char *name;
        int *column;
    } numbers[] = {
        {"temperature_celsius", &c->celsius},
        {"temperature_min_celsius", &c->celsius_min},
        {"temperature_max_celsius", &c->celsius_max},
        {"precipitation_mm", &c->mm},
        {"wind_m_s", &c->wind_m_s},
        {"humidity_percent", &c->humidity_percent},
    };
    bool measured = false;
    fbk_status rc = fbk__arrow_reader_bind(r, "station", FBK__AS_TEXT, true, &c->station);

    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "time", FBK__AS_TIME, false, &c->time);
    if (rc >= 0)
        rc = bind_either(r, "date", FBK__AS_TIME, &c->date, &c->date_time);
    if (rc >= 0)
        rc = bind_either(r, "condition", FBK__AS_INT64, &c->condition, &c->condition_number);
    for (size_t i = 0; rc >= 0 && i < sizeof numbers / sizeof numbers[0]; i++)
        rc = fbk__arrow_reader_bind(r, numbers[i].name, FBK__AS_DOUBLE, false, numbers[i].column);
    for (size_t i = 0; rc >= 0 && i < sizeof numbers / sizeof numbers[0]; i++)
        measured = measured || *numbers[i].column >= 0;
    if (rc >= 0 && !measured && c->condition < 0 && c->condition_number < 0)
        rc = fbk__fail_at(db, FBK_EINVAL, "temperature_celsius", 0,
                          "the rows had no column that was observed, as temperature_celsius or "
                          "precipitation_mm");
    if (rc >= 0 && (c->time >= 0) == (c->date >= 0 || c->date_time >= 0))
        rc = fbk__fail_at(db, FBK_EINVAL, "date", 0, "one of date and time was needed");
    return rc;
}

static fbk_status
condition_read(fbk *db, fbk__arrow_reader *r, const weather_columns *c, int64_t at,
               weather_row *row)
{
    int64_t number = 0;
    const char *text;
    size_t len;
    fbk_status rc = fbk__arrow_int64(r, c->condition_number, at, &number);

    if (rc < 0)
        return rc;
    row->condition = number < 0 || number > FBK_WEATHER_STORM ? UINT32_MAX : (uint32_t)number;
    rc = fbk__arrow_text(r, c->condition, at, &text, &len);
    if (rc != FBK_OK)
        return rc < 0 ? rc : FBK_OK;
    if (len == 3 && memcmp(text, "sun", 3) == 0) { /* as some stations call it */
        row->condition = FBK_WEATHER_CLEAR;
        return FBK_OK;
    }
    for (uint32_t i = FBK_WEATHER_UNKNOWN; i <= FBK_WEATHER_STORM; i++) {
        const char *name = fbk_weather_condition_name(i);

        if (strlen(name) == len && memcmp(name, text, len) == 0) {
            row->condition = i;
            return FBK_OK;
        }
    }
    return fbk__fail_at(
        db, FBK_EINVAL, "condition", row->row,
        "condition was none of clear, sun, cloudy, fog, drizzle, rain, snow, storm");
}

static fbk_status
when_read(fbk *db, fbk__arrow_reader *r, const weather_columns *c, int64_t at, weather_row *row)
{
    const char *text;
    size_t len;
    fbk_time time = 0;
    fbk_status rc;

    row->is_day = c->time < 0;
    if (c->date >= 0) {
        rc = fbk__arrow_text(r, c->date, at, &text, &len);
        if (rc == FBK_OK)
            return date_read(db, row->row, text, len, &row->at);
    } else {
        rc = fbk__arrow_time(r, c->time >= 0 ? c->time : c->date_time, at, &time);
        row->at = row->is_day ? fbk__day_of_us(time) : time;
    }
    if (rc == FBK_DONE)
        return fbk__fail_at(db, FBK_EINVAL, row->is_day ? "date" : "time", row->row, "%s was null",
                            row->is_day ? "date" : "time");
    return rc;
}

/* Null is NaN; a NaN that came as a value is the same. */
static fbk_status
number_read(fbk__arrow_reader *r, int column, int64_t at, double *out)
{
    fbk_status rc;

    *out = (double)NAN;
    rc = fbk__arrow_double(r, column, at, out);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
row_read(fbk *db, fbk__arrow_reader *r, const weather_columns *c, int64_t at, weather_row *row)
{
    double low, high;
    fbk_status rc;

    memset(row, 0, sizeof *row);
    row->row = fbk__arrow_reader_base(r) + at + 1;
    rc = fbk__arrow_text(r, c->station, at, &row->station.p, &row->station.len);
    if (rc >= 0)
        rc = when_read(db, r, c, at, row);
    if (rc >= 0)
        rc = number_read(r, c->celsius, at, &row->celsius);
    if (rc >= 0)
        rc = number_read(r, c->celsius_min, at, &low);
    if (rc >= 0)
        rc = number_read(r, c->celsius_max, at, &high);
    if (rc >= 0)
        rc = number_read(r, c->mm, at, &row->mm);
    if (rc >= 0)
        rc = number_read(r, c->wind_m_s, at, &row->wind_m_s);
    if (rc >= 0)
        rc = number_read(r, c->humidity_percent, at, &row->humidity_percent);
    if (rc >= 0)
        rc = condition_read(db, r, c, at, row);
    if (rc >= 0 && isnan(row->celsius))
        row->celsius = (low + high) / 2.0;
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
rows_write(fbk *db, fbk__arrow_reader *r, int64_t *out_rows)
{
    weather_columns c;
    int64_t n;
    fbk_status rc = columns_bind(db, r, &c);

    while (rc >= 0 && (rc = fbk__arrow_reader_next(r, &n)) == FBK_OK) {
        for (int64_t i = 0; i < n && rc >= 0; i++) {
            weather_row row;

            rc = row_read(db, r, &c, i, &row);
            if (rc >= 0)
                rc = weather_write(db, &row);
        }
        *out_rows += n;
    }
    if (rc >= 0)
        rc = fbk__generation_bump(db, FBK__KIND_WEATHER);
    return rc;
}

fbk_status
fbk_weather_add_rows(fbk *db, struct ArrowArrayStream *rows, int64_t *out_rows)
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
