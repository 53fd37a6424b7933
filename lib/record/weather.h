/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_WEATHER_H
#define RECORD_WEATHER_H

#include <feedback/weather.h>

#include "base/tz.h"
#include "store/conn.h"

/** Number of a weather station (from 1) by its code; create: inside a write transaction. */
fbk_status
fbk__station_resolve(fbk *db, const char *code, size_t len, bool create, uint32_t *out_station)
    FBK_MUST_USE;

/** Code of a station, NUL-terminated, into FBK_STATION_CODE_MAX + 1 bytes; "" if unknown. */
fbk_status
fbk__station_code(fbk *db, uint32_t station, char *out) FBK_MUST_USE;

/** Highest station number; stations are 1..n. */
fbk_status
fbk__station_count(fbk *db, uint32_t *out_n) FBK_MUST_USE;

/** A day counts as wet from this much precipitation, mm. */
#define FBK__WET_MM 1.0

/** Whether a condition is one of falling water. */
bool
fbk__weather_wet(uint32_t condition);

/** What is known of a whole day: NaN and -1 where nothing is. */
typedef struct fbk__weather_day {
    int64_t day; /* since 1970-01-01 on the station's calendar */
    double celsius;
    double mm;
    double wind_m_s;
    double humidity_percent;
    int32_t wet; /* 1: at least 1 mm, or without an amount a wet condition; 0; -1 */
    uint32_t condition;
    uint32_t stored; /* 1: a summary that was stored; 0: summed up from readings */
    uint32_t reserved0;
} fbk__weather_day;

/** Check weather that a caller gave for a question; station, date and time are not looked at. */
fbk_status
fbk__weather_given(fbk *db, const fbk_weather *weather, fbk__weather_day *out) FBK_MUST_USE;

/** Days of a station in [from, to], ascending: stored summaries first, else summed up from the
 *  readings of the local day (three quarters of it must have one). The caller frees. */
fbk_status
fbk__weather_read_days(fbk *db, uint32_t station, const fbk__tz *tz, int64_t from, int64_t to,
                       fbk__weather_day **out_days, size_t *out_n) FBK_MUST_USE;

/** The last reading at or before an instant, not older than max_age_us. FBK_DONE: none. */
typedef struct fbk__weather_now {
    fbk_time at_us;
    double celsius; /* NaN = not known, as all of these */
    double mm;
    double wind_m_s;
    double humidity_percent;
    uint32_t condition;
    uint32_t n_day;     /* readings with a temperature in the 24 hours up to the instant … */
    double day_celsius; /* … and their mean by quarters; NaN unless three of these have one */
    double day_mm;      /* precipitation in these hours; NaN if never told */
    uint32_t day_wet;   /* 1: a wet condition in these hours */
    uint32_t reserved0;
} fbk__weather_now;

fbk_status
fbk__weather_read_now(fbk *db, uint32_t station, fbk_time at_us, int64_t max_age_us,
                      fbk__weather_now *out) FBK_MUST_USE;

#endif
