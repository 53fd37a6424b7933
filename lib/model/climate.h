/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_CLIMATE_H
#define MODEL_CLIMATE_H

#include <feedback/climate.h>

#include "base/buf.h"
#include "model/climate_math.h"
#include "model/model.h"

/** How one item responds; 0 where it does not. */
typedef struct fbk__climate_item {
    uint32_t item;
    uint32_t n_sold;
    double coef[FBK__CLIMATE_N];
    double sign_prob[FBK__CLIMATE_N];
} fbk__climate_item;

/** The model "climate": normals by station, responses by item. */
typedef struct fbk__climate {
    fbk__model model;
    uint32_t n_stations;          /* highest station number; normals has n_stations + 1 entries */
    uint32_t flags;               /* FBK_CLIMATE_* */
    fbk__climate_normal *normals; /* n_days = 0: none */
    size_t n_items;
    fbk__climate_item *items; /* that respond, ascending */
} fbk__climate;

/** FBK_ENOTFOUND when it was never trained. Give it back with fbk__climate_release(). */
fbk_status
fbk__climate_acquire(fbk *db, const fbk__climate **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__climate_release(const fbk__climate *climate);

/** Normal of a station, NULL if it has none. */
const fbk__climate_normal *
fbk__climate_normal_of(const fbk__climate *climate, uint32_t station);

/** Why an item sells differently today. */
typedef enum fbk__climate_why {
    FBK__CLIMATE_NO_CHANGE = 0,
    FBK__CLIMATE_WARM, /* warmer than usual, and it responds to that most */
    FBK__CLIMATE_COOL,
    FBK__CLIMATE_RAINY,
    FBK__CLIMATE_DRY,
} fbk__climate_why;

/** By what factor an item sells more or less than in usual weather: exactly 1 if it is not known to
 *  respond, or the weather is not known (NaN). Departures are cut at three standard deviations, the
 *  factor at [1/4, 4].
 *  @param temp_sd  departure of the temperature from the usual, in standard deviations.
 *  @param wet      1 or 0 less the usual probability of a wet day.
 *  @param out_why  the larger cause; may be NULL. */
double
fbk__climate_factor(const fbk__climate *climate, uint32_t item, double temp_sd, double wet,
                    fbk__climate_why *out_why);

/** "is bought more in weather warmer than usual" and the like; "" for no change. */
const char *
fbk__climate_why_text(fbk__climate_why why, double factor);

/* ---- bytes ---- */

/** Write the body of the model: normals of stations 1..n_stations, items ascending. */
void
fbk__climate_encode(fbk__buf *buf, uint32_t flags, const fbk__climate_normal *normals,
                    uint32_t n_stations, const fbk__climate_item *items, size_t n_items);

/** Read it back without trusting it. FBK_ECORRUPT, FBK_ENOMEM. */
fbk_status
fbk__climate_decode(fbk *db, fbk__climate *out, const void *bytes, size_t len) FBK_MUST_USE;

#endif
