/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_CLV_H
#define MODEL_CLV_H

#include <feedback/clv.h>

#include "model/clv_math.h"
#include "model/model.h"
#include "model/purchase_summary.h"

#define FBK__CLV_OPTIONS_V1_SIZE 24u
#define FBK__CLV_PARAMS_V1_SIZE 80u
#define FBK__SPEND_OPTIONS_V1_SIZE 24u
#define FBK__SPEND_PARAMS_V1_SIZE 64u
#define FBK__CLV_TRAIN_OPTIONS_V1_SIZE 48u
#define FBK__CLV_REPORT_V1_SIZE 160u
#define FBK__CLV_PREDICT_OPTIONS_V1_SIZE 48u
#define FBK__CLV_CUSTOMER_V1_SIZE 80u

struct fbk_clv_model {
    fbk_allocator alloc;
    fbk__clv_params m; /* in days */
};

struct fbk_spend_model {
    fbk_allocator alloc;
    fbk__spend_params m;
};

/** The models that were trained from the store; kind "clv". */
typedef struct fbk__clv_trained {
    fbk__model model;
    fbk__clv_params m;       /* in days */
    fbk__spend_params spend; /* in currency units; n_customers 0 = nobody spent anything */
    bool separate_orders;
    uint32_t include_flags;
} fbk__clv_trained;

/** As fbk__model_acquire(); give back with fbk__model_release(&out->model). */
fbk_status
fbk__clv_acquire(fbk *db, const char *name, const fbk__clv_trained **out) FBK_MUST_USE;

typedef struct fbk__clv_forecast {
    uint32_t status; /* FBK__CLV_* of the model: without FBK__CLV_FULL, p_alive says nothing */
    double p_alive;
    double expected_orders;
    int64_t order_value_micro;
    int64_t expected_value_micro;
} fbk__clv_forecast;

/** Forecast a row of a table that was read with the model's separate_orders and include_flags. All
 *  0 for a person without an order. */
void
fbk__clv_forecast_row(const fbk__clv_trained *t, const fbk__purchases *table,
                      const fbk__purchase *row, double horizon_days, double discount_yearly,
                      fbk__clv_forecast *out);

/** Interest a day of interest a year. */
double
fbk__clv_daily_rate(double discount_yearly);

#endif
