/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_RFM_H
#define MODEL_RFM_H

#include <feedback/rfm.h>

#include "model/model.h"
#include "model/purchase_summary.h"
#include "model/rfm_math.h"

#define FBK__RFM_OPTIONS_V1_SIZE 32u
#define FBK__RFM_CUSTOMER_V1_SIZE 80u

/** Where the scores change; kind "rfm". */
typedef struct fbk__rfm_trained {
    fbk__model model;
    fbk__rfm_cuts cuts[3]; /* of -recency_days, frequency, monetary_micro */
    bool separate_orders;
    uint32_t include_flags;
} fbk__rfm_trained;

/** As fbk__model_acquire(); give back with fbk__model_release(&out->model). */
fbk_status
fbk__rfm_acquire(fbk *db, const fbk__rfm_trained **out) FBK_MUST_USE;

typedef struct fbk__rfm_scored {
    int64_t recency_days; /* -1 without an order */
    int32_t r, f, m;      /* 0 without an order */
    uint32_t segment;     /* FBK__RFM_SEGMENTS without an order */
} fbk__rfm_scored;

/** Score a row of a table that was read with the model's separate_orders and include_flags. */
void
fbk__rfm_score_row(const fbk__rfm_cuts cuts[3], const fbk__purchases *table,
                   const fbk__purchase *row, fbk__rfm_scored *out);

#endif
