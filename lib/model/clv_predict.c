/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/options.h"
#include "base/table.h"
#include "model/clv.h"

/* Forecasts of the customers in the store, from the models that were trained there. */

_Static_assert(sizeof(fbk_clv_predict_options) == FBK__CLV_PREDICT_OPTIONS_V1_SIZE, "options v1");
_Static_assert(sizeof(fbk_clv_customer) == FBK__CLV_CUSTOMER_V1_SIZE, "customer v1");

#define MICRO 1e6
#define DAYS_A_YEAR 365.25
#define HORIZON_DEFAULT_DAYS 365.0
#define HORIZON_MAX_DAYS 1e5
#define DISCOUNT_MAX 10.0

double
fbk__clv_daily_rate(double discount_yearly)
{
    return log1p(discount_yearly) / DAYS_A_YEAR;
}

static int64_t
to_micro(double units)
{
    double micro = units * MICRO;

    return micro >= 9.2e18 ? INT64_MAX : llround(micro);
}

void
fbk__clv_forecast_row(const fbk__clv_trained *t, const fbk__purchases *table,
                      const fbk__purchase *row, double horizon_days, double discount_yearly,
                      fbk__clv_forecast *out)
{
    double x;
    double t_x;
    double age;
    double orders;
    double value = 0.0;

    *out = (fbk__clv_forecast){.status = t->m.status};
    if (row->n_orders == 0)
        return;
    fbk__purchase_counts(table, row, &x, &t_x, &age);
    out->p_alive = fbk__clv_alive(&t->m, x, t_x, age);
    out->expected_orders = orders = fbk__clv_expected(&t->m, x, t_x, age, horizon_days);
    if (discount_yearly > 0.0)
        orders = fbk__clv_discounted(&t->m, x, t_x, age, horizon_days,
                                     fbk__clv_daily_rate(discount_yearly));
    if (t->spend.n_customers > 0.0) {
        /* Somebody who sent everything back is worth what a new customer is. */
        double n = row->revenue_micro > 0 ? (double)row->n_orders : 0.0;
        double mean = n > 0.0 ? (double)row->revenue_micro / MICRO / n : 0.0;

        value = fbk__spend_expected(&t->spend, n, mean);
    }
    out->order_value_micro = to_micro(value);
    out->expected_value_micro = to_micro(value * orders);
}

static fbk_status
predict_load(fbk *db, const fbk_clv_predict_options *options, fbk_clv_predict_options *opt)
{
    fbk_status rc =
        fbk__options_load(db, opt, sizeof *opt, FBK__CLV_PREDICT_OPTIONS_V1_SIZE, options);

    if (rc < 0)
        return rc;
    if (opt->flags)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "an unknown flag was set");
    if (opt->horizon_days == 0.0)
        opt->horizon_days = HORIZON_DEFAULT_DAYS;
    if (!(opt->horizon_days > 0.0 && opt->horizon_days <= HORIZON_MAX_DAYS))
        return fbk__fail_at(db, FBK_ERANGE, "horizon_days", 0,
                            "horizon_days was not in (0, 100000]");
    if (!(opt->discount_yearly >= 0.0 && opt->discount_yearly <= DISCOUNT_MAX))
        return fbk__fail_at(db, FBK_ERANGE, "discount_yearly", 0,
                            "discount_yearly was not in [0, 10]");
    return FBK_OK;
}

static const char *
predict_status(uint32_t status, uint32_t n_orders)
{
    if (status == FBK__CLV_NO_DROPOUT)
        return "no dropout identifiable";
    if (status == FBK__CLV_NO_REPEAT)
        return "nobody ordered twice";
    return n_orders == 1 ? "one order: alive by assumption" : "";
}

enum {
    COL_PROFILE,
    COL_ORDERS,
    COL_FIRST,
    COL_LAST,
    COL_ALIVE,
    COL_EXPECTED,
    COL_ORDER_VALUE,
    COL_VALUE,
    COL_STATUS
};

static fbk__table *
predict_table(const fbk__clv_trained *t, const fbk__purchases *p,
              const fbk_clv_predict_options *opt)
{
    fbk__table *table = fbk__table_new(p->a);

    fbk__table_column(table, "profile", FBK__INT64, false);
    fbk__table_column(table, "n_orders", FBK__INT64, false);
    fbk__table_column(table, "first_order", FBK__TIME, false);
    fbk__table_column(table, "last_order", FBK__TIME, false);
    fbk__table_column(table, "p_alive", FBK__DOUBLE, true);
    fbk__table_column(table, "expected_orders", FBK__DOUBLE, false);
    fbk__table_column(table, "order_value_micro", FBK__INT64, false);
    fbk__table_column(table, "expected_value_micro", FBK__INT64, false);
    fbk__table_column(table, "status", FBK__TEXT, false);
    for (size_t i = 0; i < p->n; i++) {
        const fbk__purchase *row = &p->rows[i];
        fbk__clv_forecast f;

        if (row->n_orders == 0)
            continue;
        fbk__clv_forecast_row(t, p, row, opt->horizon_days, opt->discount_yearly, &f);
        fbk__table_add_int64(table, COL_PROFILE, row->profile);
        fbk__table_add_int64(table, COL_ORDERS, row->n_orders);
        fbk__table_add_int64(table, COL_FIRST, row->first_us);
        fbk__table_add_int64(table, COL_LAST, row->last_us);
        if (f.status == FBK__CLV_FULL)
            fbk__table_add_double(table, COL_ALIVE, f.p_alive);
        else
            fbk__table_add_null(table, COL_ALIVE);
        fbk__table_add_double(table, COL_EXPECTED, f.expected_orders);
        fbk__table_add_int64(table, COL_ORDER_VALUE, f.order_value_micro);
        fbk__table_add_int64(table, COL_VALUE, f.expected_value_micro);
        fbk__table_add_str(table, COL_STATUS, predict_status(f.status, row->n_orders));
    }
    return table;
}

fbk_status
fbk_clv_predict(fbk *db, fbk_time as_of_us, const fbk_clv_predict_options *options,
                struct ArrowArrayStream *out_rows)
{
    fbk_clv_predict_options opt;
    const fbk__clv_trained *trained = NULL;
    fbk__purchases p = {.n = 0};
    fbk__purchase_options po;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out_rows)
        return fbk__fail_at(db, FBK_EINVAL, "out_rows", 0, "out_rows must not be NULL");
    rc = predict_load(db, options, &opt);
    if (rc >= 0)
        rc = fbk__clv_acquire(db, opt.name, &trained);
    if (rc < 0)
        return rc;
    po = (fbk__purchase_options){.as_of_us = as_of_us,
                                 .identity_as_of_us = FBK_TIME_NONE,
                                 .include_flags = trained->include_flags,
                                 .separate_orders = trained->separate_orders,
                                 .progress = opt.progress,
                                 .progress_data = opt.progress_data};
    rc = fbk__purchases_read(db, &po, &p);
    if (rc >= 0) {
        rc = fbk__table_stream(db, predict_table(trained, &p, &opt), 0, out_rows);
        fbk__purchases_free(&p);
    }
    fbk__model_release(&trained->model);
    return rc;
}

fbk_status
fbk_clv_customer_get(fbk *db, uint64_t profile, fbk_time as_of_us,
                     const fbk_clv_predict_options *options, fbk_clv_customer *out)
{
    fbk_clv_customer c = FBK_CLV_CUSTOMER_INIT;
    fbk_clv_predict_options opt;
    const fbk__clv_trained *trained = NULL;
    fbk__purchases p = {.n = 0};
    fbk__purchase_options po;
    fbk__purchase row;
    fbk__clv_forecast f;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail_at(db, FBK_EINVAL, "out", 0, "out must not be NULL");
    rc = predict_load(db, options, &opt);
    if (rc >= 0)
        rc = fbk__clv_acquire(db, opt.name, &trained);
    if (rc < 0)
        return rc;
    po = (fbk__purchase_options){.as_of_us = as_of_us,
                                 .identity_as_of_us = FBK_TIME_NONE,
                                 .include_flags = trained->include_flags,
                                 .separate_orders = trained->separate_orders};
    rc = fbk__purchases_of(db, profile, &po, &p, &row);
    if (rc >= 0) {
        fbk__clv_forecast_row(trained, &p, &row, opt.horizon_days, opt.discount_yearly, &f);
        c = (fbk_clv_customer){c.struct_size,         f.status,
                               row.profile,           row.n_orders,
                               row.first_us,          row.last_us,
                               row.revenue_micro,     f.p_alive,
                               f.expected_orders,     f.order_value_micro,
                               f.expected_value_micro};
        rc = fbk__result_store(db, out, FBK__CLV_CUSTOMER_V1_SIZE, &c, sizeof c);
        fbk__purchases_free(&p);
    }
    fbk__model_release(&trained->model);
    return rc;
}
