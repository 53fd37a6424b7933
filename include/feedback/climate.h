/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_CLIMATE_H
#define FEEDBACK_CLIMATE_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  Climate: what the weather of a station usually is on a day of the year, and how the sales of each
 *  item follow its departure from that. */
FBK_BEGIN_DECLS

/** Options of fbk_climate_train(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_climate_options {
    uint32_t struct_size;  /**< sizeof(fbk_climate_options), as the caller was compiled. */
    uint32_t flags;        /**< Must be 0. */
    uint32_t normal_years; /**< Years of observations before as_of in a normal, [1, 200]; 0 = 30. */
    uint32_t reserved0;    /**< Must be 0. */
    fbk_progress_fn progress; /**< Called now and then with events, then items; NULL = never. */
    void *user_data;          /**< Handed to progress. */
} fbk_climate_options;
#define FBK_CLIMATE_OPTIONS_INIT                                      \
    {                                                                 \
        (uint32_t)sizeof(fbk_climate_options), 0u, 0u, 0u, NULL, NULL \
    }

/** Bits of fbk_climate_summary.flags. @since 0.1 */
enum {
    FBK_CLIMATE_PROVISIONAL = 1,     /**< A normal rests on less than three years. */
    FBK_CLIMATE_HAS_TEMPERATURE = 2, /**< A response to temperature could be estimated. */
    FBK_CLIMATE_HAS_WET = 4          /**< A response to wet days could be estimated. */
};

/** What fbk_climate_train() found. @since 0.1 */
typedef struct fbk_climate_summary {
    uint32_t struct_size;   /**< sizeof(fbk_climate_summary), as the caller was compiled. */
    uint32_t flags;         /**< FBK_CLIMATE_* bits. */
    uint32_t n_stations;    /**< Stations with a normal. */
    uint32_t n_provisional; /**< Of these, with less than three years of observations. */
    uint64_t n_events;      /**< Sales that were looked at. */
    uint64_t n_days;        /**< Days of stations with sales and weather. */
    uint32_t n_items;      /**< Items sold on these days; sizes and colours count as their style. */
    uint32_t n_fitted;     /**< Of these, sold often enough to estimate a response. */
    uint32_t n_responding; /**< Of these, with a response whose sign is beyond doubt (.95). */
    uint32_t reserved0;    /**< 0. */
} fbk_climate_summary;

/**
 * Learn the normals of all stations, and the response of items to the weather, from what happened
 * before an instant; the model "climate" is replaced.
 *
 * A normal is a harmonic series over the year. The response of an item is a Poisson regression of its
 * daily sales, with the baskets of the station's shops as exposure, on the temperature's departure
 * from the normal in standard deviations and on wetness, with weekday, trend and the season as
 * controls; it is shrunk by what all items do, and set to none unless its sign has a posterior
 * probability above .95. Too short data give normals only. Sales by tests, employees, businesses and
 * bots are left out, returns too.
 *
 * @param      db        Connection.
 * @param      as_of_us  Later events and observations are not looked at; a valid instant.
 * @param[in]  options   NULL = defaults.
 * @param[out] out       Caller's structure with struct_size set; may be NULL; untouched on error.
 *
 * @retval FBK_OK        trained and stored.
 * @retval FBK_ENODATA   no station has 30 days of temperatures; nothing was stored.
 * @retval FBK_ERANGE    as_of_us or an option is outside its range.
 * @retval FBK_EINVAL    db is NULL or an unknown flag.
 * @retval FBK_EABI      struct_size fits no version.
 * @retval FBK_ECANCELLED progress asked to stop; nothing was stored.
 * @retval FBK_EBUSY     the store was locked for longer than the timeout.
 * @retval FBK_EREADONLY the store cannot be written.
 * @retval FBK_ENOMEM    out of memory; nothing was stored.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(events + items * days of stations): 0.3 ms an item and year; 12 bytes of memory for
 *             each item and day on which it was sold.
 * @source     two groups: Efron, Statistical Science 23(1), 2008; the rest at each function of
 *             lib/model/climate_math.h.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_climate_train(fbk *db, fbk_time as_of_us, const fbk_climate_options *options,
                  fbk_climate_summary *out);

/** The usual weather of a day. @since 0.1 */
typedef struct fbk_climate_usual {
    uint32_t struct_size;       /**< sizeof(fbk_climate_usual), as the caller was compiled. */
    uint32_t flags;             /**< FBK_CLIMATE_PROVISIONAL; _HAS_WET: wet_prob is known. */
    double temperature_celsius; /**< Mean of the day. */
    double sd_celsius;          /**< Standard deviation of a day's mean around it, > 0. */
    double wet_prob;            /**< Probability of a wet day (1 mm), 0..1; with _HAS_WET. */
    double precipitation_mm;    /**< Mean of the day; NaN if not known. */
    uint64_t n_days;            /**< Days with a temperature that the normal rests on. */
} fbk_climate_usual;

/**
 * The usual weather of a station on a day.
 *
 * @param      db       Connection.
 * @param[in]  station  Code of the station.
 * @param[in]  date     "YYYY-MM-DD" on its calendar.
 * @param[out] out      Caller's structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK        written.
 * @retval FBK_ENOTFOUND there is no such station, it has no normal, or fbk_climate_train() was never
 *                       called.
 * @retval FBK_EINVAL    a pointer is NULL or the date is none.
 * @retval FBK_EABI      struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(1).
 * @source     harmonic regression: Narapusetty, DelSole and Tippett, J. Climate 22(18), 2009.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_climate_usual_get(fbk *db, const char *station, const char *date, fbk_climate_usual *out);

/**
 * Items whose sales respond to the weather.
 *
 * @param      db        Connection.
 * @param[out] out_rows  Columns `sku`, `name`, `warmer` (change of the log rate for one standard
 *                       deviation above the usual temperature, 0 = none), `warmer_sign_prob` (posterior
 *                       probability of its sign), `wet` (of a wet day against a dry one), `wet_sign_prob`,
 *                       `n_sold`. Untouched on error.
 *
 * @retval FBK_OK        the stream is the caller's.
 * @retval FBK_ENOTFOUND fbk_climate_train() was never called.
 * @retval FBK_EINVAL    a pointer is NULL.
 * @retval FBK_ENOMEM    out of memory.
 *
 * @ownership  owned: release by out_rows->release.
 * @threads    connection
 * @cost       O(items that respond).
 * @source     sign probability: Stephens, Biostatistics 18(2), 2017.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_climate_responses(fbk *db, struct ArrowArrayStream *out_rows);

FBK_END_DECLS
#endif
