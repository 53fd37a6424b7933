/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_CONTEXT_H
#define FEEDBACK_CONTEXT_H

#include <feedback/base.h>
#include <feedback/weather.h>

/** @file
 *  Context of a place at an instant: clock, season, weather and how unusual it is. */
FBK_BEGIN_DECLS

/** Parts of the day, by the local hour. @since 0.1 */
enum {
    FBK_PART_NIGHT = 0,     /**< 22 to 5. */
    FBK_PART_MORNING = 1,   /**< 6 to 10. */
    FBK_PART_MIDDAY = 2,    /**< 11 to 13. */
    FBK_PART_AFTERNOON = 3, /**< 14 to 17. */
    FBK_PART_EVENING = 4    /**< 18 to 21. */
};

/** Seasons of the weather: whole months, turned round south of the equator. @since 0.1 */
enum {
    FBK_SEASON_WINTER = 0, /**< December to February in the north. */
    FBK_SEASON_SPRING = 1, /**< March to May. */
    FBK_SEASON_SUMMER = 2, /**< June to August. */
    FBK_SEASON_AUTUMN = 3  /**< September to November. */
};

/** Bits of fbk_context.flags: where the weather comes from, and what is to be thought of it. @since 0.1 */
enum {
    FBK_CONTEXT_READING = 1,      /**< A reading of the last three hours. */
    FBK_CONTEXT_DAY = 2,          /**< The summary of the local day. */
    FBK_CONTEXT_USUAL = 4,        /**< No fresh observation: the normal stands in for it. */
    FBK_CONTEXT_GIVEN = 8,        /**< The caller gave it. */
    FBK_CONTEXT_HAS_ANOMALY = 16, /**< anomaly_sd is known. */
    FBK_CONTEXT_HAS_WET = 32,     /**< wet_anomaly is known. */
    FBK_CONTEXT_ROUGH = 64,       /**< The anomaly is that of one reading, not of a day's mean. */
    FBK_CONTEXT_PROVISIONAL = 128 /**< The normal rests on less than three years. */
};

/** What is the case at a place at an instant. Numbers that are not known are NaN. @since 0.1 */
typedef struct fbk_context {
    uint32_t struct_size;       /**< sizeof(fbk_context), as the caller was compiled. */
    uint32_t flags;             /**< FBK_CONTEXT_*; none of the first four: no weather known. */
    fbk_time time_us;           /**< The instant asked for. */
    fbk_time observed_us;       /**< Of the reading; FBK_TIME_NONE without FBK_CONTEXT_READING. */
    int64_t local_day;          /**< Days since 1970-01-01 on the place's calendar. */
    int32_t utc_offset_s;       /**< Seconds that the place's clock is east of UTC. */
    int32_t hour;               /**< Of that clock, 0..23. */
    int32_t minute;             /**< 0..59. */
    uint32_t part_of_day;       /**< FBK_PART_*. */
    uint32_t weekday;           /**< 1 = Monday .. 7 = Sunday. */
    uint32_t season;            /**< FBK_SEASON_*. */
    uint32_t condition;         /**< FBK_WEATHER_UNKNOWN … FBK_WEATHER_STORM. */
    uint32_t is_wet;            /**< 1: wet, of the day or by the condition; else 0. */
    double temperature_celsius; /**< Observed, given or usual. */
    double precipitation_mm;    /**< Of the reading or the day. */
    double wind_m_s;            /**< Metres a second. */
    double humidity_percent;    /**< Relative. */
    double usual_celsius;       /**< Usual mean of the day. */
    double usual_sd_celsius;    /**< Standard deviation of a day's mean around it. */
    double usual_wet_prob;      /**< Usual probability of a wet day. */
    double anomaly_sd;          /**< (day's temperature - usual) / sd; 0 with FBK_CONTEXT_USUAL. */
    double wet_anomaly;         /**< is_wet - usual_wet_prob; 0 with FBK_CONTEXT_USUAL. */
    char station[64];           /**< Weather station of the place; "" if it has none. */
} fbk_context;

/**
 * What is the case at a place at an instant.
 *
 * The weather is the last reading of the place's station in the three hours before, else the summary
 * of the local day, else what is usual (fbk_climate_train()). The anomaly compares the mean of the 24
 * hours up to the instant, or of the day, with the usual mean of the day; only where neither is known,
 * the single reading.
 *
 * @param      db       Connection.
 * @param[in]  place    Code of a place; NULL or "" = no place: the store's time zone, and its weather
 *                      station if there is only one.
 * @param      time_us  A valid instant.
 * @param[out] out      Caller's structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK        written.
 * @retval FBK_ENOTFOUND there is no such place.
 * @retval FBK_ERANGE    time_us is outside its range.
 * @retval FBK_EINVAL    a pointer is NULL.
 * @retval FBK_EABI      struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(readings of a day), two look-ups.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_context_at(fbk *db, const char *place, fbk_time time_us, fbk_context *out);

/**
 * The same with the weather given: a forecast, a sensor of the shop, or "what if it rained".
 *
 * @param      db       Connection.
 * @param[in]  place    As above.
 * @param      time_us  A valid instant.
 * @param[in]  weather  What the weather is taken to be; station, date and time are not looked at. Its
 *                      temperature is taken as the day's mean. Not stored. Borrowed for the call.
 * @param[out] out      Caller's structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK        written.
 * @retval FBK_ENOTFOUND there is no such place.
 * @retval FBK_ERANGE    a value is outside its range.
 * @retval FBK_EINVAL    a pointer is NULL, or an unknown flag or condition.
 * @retval FBK_EABI      struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(1).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_context_with(fbk *db, const char *place, fbk_time time_us, const fbk_weather *weather,
                 fbk_context *out);

/**
 * Name of a part of the day, "morning" say.
 *
 * @param part  FBK_PART_*.
 * @return a constant; "" for any other number. Never NULL.
 *
 * @ownership  static.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API const char *
fbk_context_part_name(uint32_t part);

/**
 * Name of a season, "winter" say.
 *
 * @param season  FBK_SEASON_*.
 * @return a constant; "" for any other number. Never NULL.
 *
 * @ownership  static.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API const char *
fbk_context_season_name(uint32_t season);

FBK_END_DECLS
#endif
