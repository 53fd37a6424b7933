/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ACT_CONTEXT_H
#define ACT_CONTEXT_H

#include <feedback/context.h>

#include "model/climate.h"

/** fbk_context_with() for other answers, by number of the place (0 = none).
 *  @param climate  the model, NULL if it was never trained.
 *  @param weather  NULL = as observed; already checked by nobody. */
fbk_status
fbk__context_fill(fbk *db, const fbk__climate *climate, uint32_t place, fbk_time time_us,
                  const fbk_weather *weather, fbk_context *out) FBK_MUST_USE;

/** By how much an item sells better or worse in this context: fbk__climate_factor() of its
 *  departures; 1 when climate is NULL. */
double
fbk__context_factor(const fbk__climate *climate, const fbk_context *context, uint32_t item,
                    fbk__climate_why *out_why);

#endif
