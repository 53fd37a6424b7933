/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_WEATHER_H
#define FEEDBACK_WEATHER_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  Weather observations of stations: readings at an instant, and summaries of a whole day.
 *
 *  What a station usually has on a day of the year, and what departures from it do to sales, is
 *  learnt by fbk_climate_train(). */
FBK_BEGIN_DECLS

/** What the sky does. Numbers are stored: they never change. @since 0.1 */
enum {
    FBK_WEATHER_UNKNOWN = 0, /**< Not told. */
    FBK_WEATHER_CLEAR = 1,   /**< "clear" or "sun": no or few clouds. */
    FBK_WEATHER_CLOUDY = 2,  /**< "cloudy". */
    FBK_WEATHER_FOG = 3,     /**< "fog": fog or mist. */
    FBK_WEATHER_DRIZZLE = 4, /**< "drizzle": wet. */
    FBK_WEATHER_RAIN = 5,    /**< "rain": wet. */
    FBK_WEATHER_SNOW = 6,    /**< "snow": snow, sleet or hail; wet. */
    FBK_WEATHER_STORM = 7    /**< "storm": thunder; wet. */
};

/** Bits of fbk_weather.flags: which numbers are given. @since 0.1 */
enum {
    FBK_WEATHER_HAS_TEMPERATURE = 1,   /**< temperature_celsius. */
    FBK_WEATHER_HAS_PRECIPITATION = 2, /**< precipitation_mm. */
    FBK_WEATHER_HAS_WIND = 4,          /**< wind_m_s. */
    FBK_WEATHER_HAS_HUMIDITY = 8       /**< humidity_percent. */
};

/** One observation. @since 0.1 */
typedef struct fbk_weather {
    uint32_t struct_size;       /**< sizeof(fbk_weather), as the caller was compiled. */
    uint32_t flags;             /**< FBK_WEATHER_HAS_*. */
    const char *station;        /**< Code of the station; made if new. Required. */
    const char *date;           /**< "YYYY-MM-DD" on the station's calendar: a whole day's summary;
                                     NULL = a reading at time_us. */
    fbk_time time_us;           /**< Instant of a reading; not looked at with date. */
    double temperature_celsius; /**< Of the air; with date the day's mean. [-100, 70]. */
    double precipitation_mm;    /**< Since the reading before, or of the day. [0, 2000]. */
    double wind_m_s;            /**< Metres a second, mean. [0, 150]. */
    double humidity_percent;    /**< Relative. [0, 100]. */
    uint32_t condition;         /**< FBK_WEATHER_UNKNOWN … FBK_WEATHER_STORM. */
    uint32_t reserved0;         /**< Must be 0. */
} fbk_weather;
#define FBK_WEATHER_INIT                                                                      \
    {                                                                                         \
        (uint32_t)sizeof(fbk_weather), 0u, NULL, NULL, INT64_C(0), 0.0, 0.0, 0.0, 0.0, 0u, 0u \
    }

/**
 * Store an observation, in place of the one of the same station and instant, or day.
 *
 * @param      db       Connection.
 * @param[in]  weather  What was observed. Borrowed for the call.
 *
 * @retval FBK_OK        stored.
 * @retval FBK_EINVAL    a pointer is NULL, the station is missing or not UTF-8, the date is none, an
 *                       unknown flag or condition.
 * @retval FBK_ERANGE    a value is outside its range, or the station's code is too long.
 * @retval FBK_EABI      struct_size fits no version.
 * @retval FBK_EBUSY     the store was locked for longer than the timeout.
 * @retval FBK_EREADONLY the store cannot be written.
 * @retval FBK_ENOMEM    out of memory; nothing was changed.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one durable commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_weather_add(fbk *db, const fbk_weather *weather);

/**
 * Store many observations in one transaction: all or none.
 *
 * Columns: `station` (text, required); `date` (text "YYYY-MM-DD" or a date) for days, or `time` (time)
 * for readings, one of the two; `temperature_celsius`, or for days both `temperature_min_celsius` and
 * `temperature_max_celsius` (their middle is taken); `precipitation_mm`, `wind_m_s`,
 * `humidity_percent` (doubles); `condition` (text: clear, sun, cloudy, fog, drizzle, rain, snow, storm;
 * or the number). A null is not known; other columns are ignored.
 *
 * @param      db        Connection.
 * @param      rows      Stream of rows; taken over also on failure: its release becomes NULL.
 * @param[out] out_rows  Rows stored; may be NULL. Untouched on error.
 *
 * @retval FBK_OK        all rows were stored.
 * @retval FBK_EINVAL    a column is missing or of a type that does not fit, a value makes no sense;
 *                       fbk_errinfo names field and row.
 * @retval FBK_ERANGE    a value is outside its range.
 * @retval FBK_EIO       the stream failed.
 * @retval FBK_EBUSY     the store was locked for longer than the timeout.
 * @retval FBK_EREADONLY the store cannot be written.
 * @retval FBK_ENOMEM    out of memory; nothing was changed.
 *
 * @ownership  the stream is released by this call.
 * @threads    connection
 * @cost       O(rows log observations), one durable commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_weather_add_rows(fbk *db, struct ArrowArrayStream *rows, int64_t *out_rows);

/**
 * The days of a station: those stored as such, and those summed up from readings.
 *
 * A day is summed up from readings when at least three of its quarters have one: the temperature is
 * the mean of the quarters' means.
 *
 * @param      db         Connection.
 * @param[in]  station    Code of the station.
 * @param[in]  from_date  First day, "YYYY-MM-DD"; NULL = the first known.
 * @param[in]  to_date    Last day; NULL = the last known.
 * @param[out] out_rows   Columns `date` (text), `temperature_celsius`, `precipitation_mm`, `wet` (bool); what
 *                        is not known is null. Untouched on error.
 *
 * @retval FBK_OK        the stream is the caller's.
 * @retval FBK_ENOTFOUND there is no such station.
 * @retval FBK_EINVAL    a pointer is NULL or a date is none.
 * @retval FBK_ENOMEM    out of memory.
 *
 * @ownership  owned: release by out_rows->release.
 * @threads    connection
 * @cost       O(observations of the station).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_weather_days(fbk *db, const char *station, const char *from_date, const char *to_date,
                 struct ArrowArrayStream *out_rows);

/**
 * Name of a condition, "rain" say.
 *
 * @param condition  FBK_WEATHER_*.
 * @return a constant, as fbk_weather_add_rows() reads it; "" for FBK_WEATHER_UNKNOWN and any other
 *         number. Never NULL.
 *
 * @ownership  static.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API const char *
fbk_weather_condition_name(uint32_t condition);

FBK_END_DECLS
#endif
