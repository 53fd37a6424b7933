/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/weather.h"

#include <math.h>
#include <string.h>

#include "base/table.h"
#include "base/time.h"
#include "record/place.h"
#include "store/stmt.h"

/* Readings of one day, or of 24 hours, by quarter: a thermometer that was read more often in the
 * afternoon must not make the day warmer. */
typedef struct quarters {
    double sum[4];
    int32_t n[4];
    double mm; /* NaN until one is told */
    double wind, humidity;
    int32_t n_wind, n_humidity;
    bool condition_told;
    bool wet;
    uint32_t condition; /* the last one told */
} quarters;

static const quarters no_quarters = {.mm = (double)NAN};

static double
column_number(fbk__stmt *st, int column)
{
    return fbk__column_is_null(st, column) ? (double)NAN : fbk__column_double(st, column);
}

/* Columns: …, temperature, precipitation, wind, humidity, condition from `first` on. */
static void
quarters_add(quarters *q, size_t quarter, fbk__stmt *st, int first)
{
    double celsius = column_number(st, first), mm = column_number(st, first + 1);
    double wind = column_number(st, first + 2), humidity = column_number(st, first + 3);
    uint32_t condition = (uint32_t)fbk__column_int64(st, first + 4);

    if (!isnan(celsius)) {
        q->sum[quarter] += celsius;
        q->n[quarter]++;
    }
    if (!isnan(mm))
        q->mm = isnan(q->mm) ? mm : q->mm + mm;
    if (!isnan(wind)) {
        q->wind += wind;
        q->n_wind++;
    }
    if (!isnan(humidity)) {
        q->humidity += humidity;
        q->n_humidity++;
    }
    if (condition != FBK_WEATHER_UNKNOWN) {
        q->condition_told = true;
        q->wet = q->wet || fbk__weather_wet(condition);
        q->condition = condition;
    }
}

static double
quarters_mean(const quarters *q)
{
    double sum = 0.0;
    int32_t n = 0;

    for (size_t i = 0; i < 4; i++) {
        if (q->n[i] > 0) {
            sum += q->sum[i] / q->n[i];
            n++;
        }
    }
    return n >= 3 ? sum / n : (double)NAN;
}

/* ---- days ---- */

typedef struct day_list {
    const fbk_allocator *a;
    fbk__weather_day *days;
    size_t n, cap;
} day_list;

static fbk_status
day_add(fbk *db, day_list *list, const fbk__weather_day *day)
{
    if (!fbk__grow(list->a, &list->days, &list->cap, list->n + 1, sizeof *list->days))
        return fbk__nomem(db);
    list->days[list->n++] = *day;
    return FBK_OK;
}

static int32_t
wet_of(double mm, bool condition_told, bool wet)
{
    if (!isnan(mm))
        return mm >= FBK__WET_MM;
    return condition_told ? wet : -1;
}

static fbk_status
stored_days(fbk *db, uint32_t station, int64_t from, int64_t to, day_list *list)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db,
                                  "SELECT day, temperature_celsius, precipitation_mm, wind_m_s,"
                                  " humidity_percent, condition FROM weather_day"
                                  " WHERE station = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day",
                                  &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, station);
    fbk__bind_int64(st, 2, from);
    fbk__bind_int64(st, 3, to);
    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        uint32_t condition = (uint32_t)fbk__column_int64(st, 5);
        fbk__weather_day day = {.day = fbk__column_int64(st, 0),
                                .celsius = column_number(st, 1),
                                .mm = column_number(st, 2),
                                .wind_m_s = column_number(st, 3),
                                .humidity_percent = column_number(st, 4),
                                .condition = condition,
                                .stored = 1};

        day.wet = wet_of(day.mm, condition != FBK_WEATHER_UNKNOWN, fbk__weather_wet(condition));
        rc = day_add(db, list, &day);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
summed_day(fbk *db, const quarters *q, int64_t day, day_list *list)
{
    fbk__weather_day out = {
        .day = day,
        .celsius = quarters_mean(q),
        .mm = q->mm,
        .wind_m_s = q->n_wind > 0 ? q->wind / q->n_wind : (double)NAN,
        .humidity_percent = q->n_humidity > 0 ? q->humidity / q->n_humidity : (double)NAN,
        .wet = wet_of(q->mm, q->condition_told, q->wet),
        .condition = q->condition,
    };

    /* Without three quarters neither warmth nor dryness of the day is known. */
    return isnan(out.celsius) ? FBK_OK : day_add(db, list, &out);
}

static fbk_status
summed_days(fbk *db, uint32_t station, const fbk__tz *tz, int64_t from, int64_t to, day_list *list)
{
    fbk__tz_span span = {1, 0, 0, 0};
    quarters q = no_quarters;
    int64_t current = INT64_MIN;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db,
                                  "SELECT at_us, temperature_celsius, precipitation_mm, wind_m_s,"
                                  " humidity_percent, condition FROM weather_reading"
                                  " WHERE station = ?1 AND at_us BETWEEN ?2 AND ?3 ORDER BY at_us",
                                  &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, station);
    fbk__bind_int64(st, 2, (from - 2) * FBK__DAY_US);
    fbk__bind_int64(st, 3, (to + 2) * FBK__DAY_US);
    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        fbk_time at = fbk__column_int64(st, 0);
        int64_t local, day;

        if (at < span.start_us || at >= span.end_us)
            fbk__tz_span_at(tz, at, &span);
        local = at + span.offset_s * FBK__SECOND_US;
        day = fbk__day_of_us(local);
        if (day < from || day > to)
            continue;
        if (day != current) {
            rc = summed_day(db, &q, current, list);
            q = no_quarters;
            current = day;
        }
        quarters_add(&q, (size_t)((local - day * FBK__DAY_US) / (FBK__DAY_US / 4)), st, 1);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : summed_day(db, &q, current, list);
}

/* Both lists are ascending; a stored day wins over one summed up. */
static fbk_status
merge_days(fbk *db, const day_list *stored, const day_list *summed, day_list *out)
{
    size_t i = 0, j = 0;
    fbk_status rc = FBK_OK;

    while (rc >= 0 && (i < stored->n || j < summed->n)) {
        if (j == summed->n || (i < stored->n && stored->days[i].day <= summed->days[j].day)) {
            j += j < summed->n && stored->days[i].day == summed->days[j].day;
            rc = day_add(db, out, &stored->days[i++]);
        } else {
            rc = day_add(db, out, &summed->days[j++]);
        }
    }
    return rc;
}

fbk_status
fbk__weather_read_days(fbk *db, uint32_t station, const fbk__tz *tz, int64_t from, int64_t to,
                       fbk__weather_day **out_days, size_t *out_n)
{
    const int64_t min = FBK_TIME_MIN / FBK__DAY_US, max = FBK_TIME_MAX / FBK__DAY_US;
    const fbk_allocator *a = fbk__a(db);
    day_list stored = {a, NULL, 0, 0}, summed = {a, NULL, 0, 0}, all = {a, NULL, 0, 0};
    fbk_status rc;

    from = from < min ? min : from;
    to = to > max ? max : to;
    rc = stored_days(db, station, from, to, &stored);
    if (rc >= 0)
        rc = summed_days(db, station, tz, from, to, &summed);
    if (rc >= 0)
        rc = merge_days(db, &stored, &summed, &all);
    fbk__free(a, stored.days);
    fbk__free(a, summed.days);
    if (rc < 0) {
        fbk__free(a, all.days);
        return rc;
    }
    *out_days = all.days;
    *out_n = all.n;
    return FBK_OK;
}

/* ---- now ---- */

static void
now_add(fbk__weather_now *now, quarters *q, fbk__stmt *st, fbk_time at_us)
{
    fbk_time at = fbk__column_int64(st, 0);
    int64_t age = at_us - at;

    if (now->at_us == FBK_TIME_NONE) { /* newest first */
        now->at_us = at;
        now->celsius = column_number(st, 1);
        now->mm = column_number(st, 2);
        now->wind_m_s = column_number(st, 3);
        now->humidity_percent = column_number(st, 4);
        now->condition = (uint32_t)fbk__column_int64(st, 5);
    }
    if (age < FBK__DAY_US) {
        quarters_add(q, (size_t)(age / (FBK__DAY_US / 4)), st, 1);
        now->n_day += !fbk__column_is_null(st, 1);
    }
}

fbk_status
fbk__weather_read_now(fbk *db, uint32_t station, fbk_time at_us, int64_t max_age_us,
                      fbk__weather_now *out)
{
    fbk__weather_now now = {.at_us = FBK_TIME_NONE};
    quarters q = no_quarters;
    fbk__stmt *st = NULL;
    fbk_status rc =
        fbk__stmt_get(db,
                      "SELECT at_us, temperature_celsius, precipitation_mm, wind_m_s,"
                      " humidity_percent, condition FROM weather_reading"
                      " WHERE station = ?1 AND at_us > ?2 AND at_us <= ?3 ORDER BY at_us DESC",
                      &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, station);
    fbk__bind_int64(st, 2, at_us - (max_age_us > FBK__DAY_US ? max_age_us : FBK__DAY_US));
    fbk__bind_int64(st, 3, at_us);
    while ((rc = fbk__step(st)) == FBK_OK)
        now_add(&now, &q, st, at_us);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    if (now.at_us == FBK_TIME_NONE || at_us - now.at_us > max_age_us)
        return FBK_DONE;
    now.day_celsius = quarters_mean(&q);
    now.day_mm = q.mm;
    now.day_wet = q.wet;
    *out = now;
    return FBK_OK;
}

/* ---- for the caller ---- */

static void
days_add(fbk__table *t, const fbk__weather_day *day)
{
    char date[FBK__DATE_TEXT];

    (void)fbk__date_format(day->day, date);
    fbk__table_add_str(t, 0, date);
    if (isnan(day->celsius))
        fbk__table_add_null(t, 1);
    else
        fbk__table_add_double(t, 1, day->celsius);
    if (isnan(day->mm))
        fbk__table_add_null(t, 2);
    else
        fbk__table_add_double(t, 2, day->mm);
    if (day->wet < 0)
        fbk__table_add_null(t, 3);
    else
        fbk__table_add_int64(t, 3, day->wet);
}

static fbk_status
date_of(fbk *db, const char *field, const char *text, int64_t otherwise, int64_t *out)
{
    *out = otherwise;
    if (text && !fbk__date_parse(text, strlen(text), out))
        return fbk__fail_at(db, FBK_EINVAL, field, 0, "%s was not a day as \"2011-12-09\"", field);
    return FBK_OK;
}

fbk_status
fbk_weather_days(fbk *db, const char *station, const char *from_date, const char *to_date,
                 struct ArrowArrayStream *out_rows)
{
    const fbk__places *places = NULL;
    fbk__weather_day *days = NULL;
    fbk__table *t;
    uint32_t number = 0;
    int64_t from, to;
    size_t n = 0;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!station || !out_rows)
        return fbk__fail(db, FBK_EINVAL, "station and out_rows must not be NULL");
    rc = date_of(db, "from_date", from_date, INT64_MIN, &from);
    if (rc >= 0)
        rc = date_of(db, "to_date", to_date, INT64_MAX, &to);
    if (rc >= 0)
        rc = fbk__station_resolve(db, station, strlen(station), false, &number);
    if (rc >= 0)
        rc = fbk__places_acquire(db, &places);
    if (rc >= 0)
        rc = fbk__weather_read_days(db, number, fbk__station_tz(places, number), from, to, &days,
                                    &n);
    fbk__places_release(places);
    if (rc < 0)
        return rc;
    t = fbk__table_new(fbk__store_allocator(db));
    (void)fbk__table_column(t, "date", FBK__TEXT, false);
    (void)fbk__table_column(t, "temperature_celsius", FBK__DOUBLE, true);
    (void)fbk__table_column(t, "precipitation_mm", FBK__DOUBLE, true);
    (void)fbk__table_column(t, "wet", FBK__BOOL, true);
    for (size_t i = 0; i < n; i++)
        days_add(t, &days[i]);
    fbk__free(fbk__a(db), days);
    return fbk__table_stream(db, t, 0, out_rows);
}
