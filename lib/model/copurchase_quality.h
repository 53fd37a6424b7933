/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_COPURCHASE_QUALITY_H
#define MODEL_COPURCHASE_QUALITY_H

#include "model/copurchase_body.h"

/** How well counts complete orders that they have not seen. */
typedef struct fbk__copurchase_quality {
    uint64_t n;       /* orders asked about */
    uint64_t hits;    /* hidden item among the ten best by score */
    uint64_t popular; /* hidden item among the ten most popular */
} fbk__copurchase_quality;

/** Hide one item of each held-out order of two or more, and ask for it by the others. At most 5,000
 *  orders, evenly taken. `held` is closed. FBK_ENOMEM. */
fbk_status
fbk__copurchase_quality_of(const fbk__copurchase *cp, const fbk__baskets *held,
                           fbk__copurchase_quality *out) FBK_MUST_USE;

#endif
