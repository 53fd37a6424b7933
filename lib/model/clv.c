/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/clv.h"

#include <math.h>

#include "base/options.h"
#include "store/conn.h"

_Static_assert(sizeof(fbk_clv_options) == FBK__CLV_OPTIONS_V1_SIZE, "fbk_clv_options v1");
_Static_assert(sizeof(fbk_clv_params) == FBK__CLV_PARAMS_V1_SIZE, "fbk_clv_params v1");
_Static_assert(sizeof(fbk_spend_options) == FBK__SPEND_OPTIONS_V1_SIZE, "fbk_spend_options v1");
_Static_assert(sizeof(fbk_spend_params) == FBK__SPEND_PARAMS_V1_SIZE, "fbk_spend_params v1");
_Static_assert((int)FBK_CLV_FULL == (int)FBK__CLV_FULL &&
                   (int)FBK_CLV_NO_DROPOUT == (int)FBK__CLV_NO_DROPOUT &&
                   (int)FBK_CLV_NO_REPEAT == (int)FBK__CLV_NO_REPEAT,
               "status values are stored and public");

#define COUNT_MAX 1e9
#define AGE_MAX_DAYS 1e6
#define HORIZON_MAX_DAYS 1e5
#define WEIGHT_MAX 1e12
#define MEAN_MAX 1e15

enum { EVALS_MAX = 100000, COUNTS_MAX = 1000000 };

/* Connections are optional here: what comes in are arrays. */
static fbk_status
clv_enter(fbk *db)
{
    return db ? fbk__enter(db) : FBK_OK;
}

/* NaN is outside every range. */
static fbk_status
clv_check(fbk *db, const char *field, size_t row, double value, double low, double high)
{
    if (value >= low && value <= high)
        return FBK_OK;
    return fbk__fail_at(db, FBK_ERANGE, field, (int64_t)row + 1, "%s was not in [%.10g, %.10g]",
                        field, low, high);
}

static fbk_status
clv_check_count(fbk *db, const char *field, size_t row, double value, double low)
{
    fbk_status rc = clv_check(db, field, row, value, low, COUNT_MAX);

    if (rc >= 0 && value != floor(value))
        rc = fbk__fail_at(db, FBK_ERANGE, field, (int64_t)row + 1, "%s was not a whole number",
                          field);
    return rc;
}

static fbk_status
clv_check_row(fbk *db, size_t row, double x, double t_x, double t)
{
    fbk_status rc = clv_check_count(db, "x", row, x, 0.0);

    if (rc >= 0)
        rc = clv_check(db, "t_days", row, t, 0.0, AGE_MAX_DAYS);
    if (rc >= 0)
        rc = clv_check(db, "t_x_days", row, t_x, 0.0, t);
    if (rc >= 0 && x > 0.0 && t == 0.0)
        rc = fbk__fail_at(db, FBK_ERANGE, "t_days", (int64_t)row + 1,
                          "a customer of age 0 had repeat orders");
    return rc;
}

/* flags, max_evals and reserved0 of the two options structures. */
static fbk_status
clv_check_options(fbk *db, uint32_t flags, uint32_t max_evals, uint32_t reserved0)
{
    if (flags || reserved0)
        return fbk__fail_at(db, FBK_EINVAL, flags ? "flags" : "reserved0", 0,
                            "flags and reserved fields must be 0");
    if (max_evals > EVALS_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "max_evals", 0, "max_evals was not in [0, %d]",
                            EVALS_MAX);
    return FBK_OK;
}

static fbk_status
clv_check_size(fbk *db, size_t n)
{
    if (n == 0)
        return fbk__fail(db, FBK_ENODATA, "there was no customer to fit to");
    if (n > UINT32_MAX)
        return fbk__fail_at(db, FBK_ETOOBIG, "n", 0, "there were more than 4294967295 rows");
    return FBK_OK;
}

static fbk_status
clv_fit_failed(fbk *db, fbk_status rc, uint32_t n_evals)
{
    if (rc == FBK_ENOCONV)
        return fbk__fail(db, rc, "the fit had not converged after %u evaluations", n_evals);
    return rc == FBK_ENOMEM ? fbk__nomem(db) : rc;
}

static fbk_status
clv_rows(fbk *db, const double *columns[4], size_t n, fbk__clv_row *rows)
{
    for (size_t i = 0; i < n; i++) {
        double w = columns[3] ? columns[3][i] : 1.0;
        fbk_status rc = clv_check_row(db, i, columns[0][i], columns[1][i], columns[2][i]);

        if (rc >= 0 && !(w > 0.0 && w <= WEIGHT_MAX))
            rc = fbk__fail_at(db, FBK_ERANGE, "weights", (int64_t)i + 1,
                              "a weight was not in (0, 1e12]");
        if (rc < 0)
            return rc;
        rows[i] = (fbk__clv_row){columns[0][i], columns[1][i], columns[2][i], w};
    }
    return FBK_OK;
}

fbk_status
fbk_clv_fit(fbk *db, const double *x, const double *t_x_days, const double *t_days, size_t n,
            const fbk_clv_options *options, fbk_clv_model **out_model)
{
    const fbk_allocator *a = fbk__a(db);
    fbk_clv_options opt;
    fbk__clv_row *rows = NULL;
    fbk_clv_model *model = NULL;
    fbk_status rc = clv_enter(db);

    if (rc < 0)
        return rc;
    if (!out_model || (n && (!x || !t_x_days || !t_days)))
        return fbk__fail(db, FBK_EINVAL, "x, t_x_days, t_days and out_model must not be NULL");
    rc = fbk__options_load(db, &opt, sizeof opt, FBK__CLV_OPTIONS_V1_SIZE, options);
    if (rc >= 0)
        rc = clv_check_options(db, opt.flags, opt.max_evals, opt.reserved0);
    if (rc >= 0)
        rc = clv_check_size(db, n);
    if (rc < 0)
        return rc;
    rows = fbk__calloc(a, n, sizeof *rows);
    model = fbk__calloc(a, 1, sizeof *model);
    rc = rows && model ? FBK_OK : fbk__nomem(db);
    if (rc >= 0)
        rc = clv_rows(db, (const double *[4]){x, t_x_days, t_days, opt.weights}, n, rows);
    if (rc < 0)
        goto out;
    model->alloc = *a;
    rc = fbk__clv_collapse(a, rows, &n);
    if (rc >= 0)
        rc = fbk__clv_fit(a, rows, n, opt.max_evals, &model->m);
    if (rc < 0) {
        rc = clv_fit_failed(db, rc, model->m.n_evals);
        goto out;
    }
    *out_model = model;
    model = NULL;
out:
    fbk__free(a, model);
    fbk__free(a, rows);
    return rc;
}

fbk_status
fbk_clv_model_make(fbk *db, const fbk_clv_params *params, fbk_clv_model **out_model)
{
    const fbk_allocator *a = fbk__a(db);
    fbk_clv_params p;
    fbk_clv_model *model;
    fbk_status rc = clv_enter(db);

    if (rc < 0)
        return rc;
    if (!params || !out_model)
        return fbk__fail(db, FBK_EINVAL, "params and out_model must not be NULL");
    rc = fbk__options_load(db, &p, sizeof p, FBK__CLV_PARAMS_V1_SIZE, params);
    if (rc < 0)
        return rc;
    if (p.status > FBK_CLV_NO_REPEAT)
        return fbk__fail_at(db, FBK_EINVAL, "status", 0, "the status was unknown");
    if (p.status != FBK_CLV_NO_REPEAT) {
        rc = clv_check(db, "r", 0, p.r, 1e-12, 1e12);
        rc = rc < 0 ? rc : clv_check(db, "alpha_days", 0, p.alpha_days, 1e-12, 1e12);
    }
    if (p.status == FBK_CLV_FULL) {
        rc = rc < 0 ? rc : clv_check(db, "a", 0, p.a, 1e-12, 1e12);
        rc = rc < 0 ? rc : clv_check(db, "b", 0, p.b, 1e-12, 1e12);
    }
    rc = rc < 0 ? rc : clv_check(db, "rate_max", 0, p.rate_max, 0.0, 1e12);
    if (rc < 0)
        return rc;
    model = fbk__calloc(a, 1, sizeof *model);
    if (!model)
        return fbk__nomem(db);
    model->alloc = *a;
    model->m = (fbk__clv_params){.r = p.r,
                                 .alpha = p.alpha_days,
                                 .a = p.a,
                                 .b = p.b,
                                 .loglik = p.loglik,
                                 .loglik_nbd = p.loglik_nbd,
                                 .rate_max = p.rate_max > 0.0 ? p.rate_max : 1e12,
                                 .n_customers = p.n_customers,
                                 .n_repeats = p.n_repeats,
                                 .status = p.status};
    *out_model = model;
    return FBK_OK;
}

void
fbk_clv_model_free(fbk_clv_model *model)
{
    fbk_allocator alloc;

    if (!model)
        return;
    alloc = model->alloc;
    fbk__free(&alloc, model);
}

fbk_status
fbk_clv_model_params(const fbk_clv_model *model, fbk_clv_params *out)
{
    fbk_clv_params p = FBK_CLV_PARAMS_INIT;

    if (!model || !out)
        return FBK_EINVAL;
    p.status = model->m.status;
    p.r = model->m.r;
    p.alpha_days = model->m.alpha;
    p.a = model->m.a;
    p.b = model->m.b;
    p.loglik = model->m.loglik;
    p.loglik_nbd = model->m.loglik_nbd;
    p.rate_max = model->m.rate_max;
    p.n_customers = model->m.n_customers;
    p.n_repeats = model->m.n_repeats;
    return fbk__result_store(NULL, out, FBK__CLV_PARAMS_V1_SIZE, &p, sizeof p);
}

static fbk_status
clv_check_table(const double *x, const double *t_x_days, const double *t_days, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fbk_status rc = clv_check_row(NULL, i, x[i], t_x_days[i], t_days[i]);

        if (rc < 0)
            return rc;
    }
    return FBK_OK;
}

fbk_status
fbk_clv_expected_purchases(const fbk_clv_model *model, const double *x, const double *t_x_days,
                           const double *t_days, size_t n, double horizon_days,
                           double *out_expected)
{
    fbk_status rc;

    if (!model || (n && (!x || !t_x_days || !t_days || !out_expected)))
        return FBK_EINVAL;
    if (!(horizon_days > 0.0 && horizon_days <= HORIZON_MAX_DAYS))
        return FBK_ERANGE;
    rc = clv_check_table(x, t_x_days, t_days, n);
    for (size_t i = 0; rc >= 0 && i < n; i++)
        out_expected[i] = fbk__clv_expected(&model->m, x[i], t_x_days[i], t_days[i], horizon_days);
    return rc;
}

fbk_status
fbk_clv_alive(const fbk_clv_model *model, const double *x, const double *t_x_days,
              const double *t_days, size_t n, double *out_prob)
{
    fbk_status rc;

    if (!model || (n && (!x || !t_x_days || !t_days || !out_prob)))
        return FBK_EINVAL;
    rc = clv_check_table(x, t_x_days, t_days, n);
    for (size_t i = 0; rc >= 0 && i < n; i++)
        out_prob[i] = fbk__clv_alive(&model->m, x[i], t_x_days[i], t_days[i]);
    return rc;
}

fbk_status
fbk_clv_mean_purchases(const fbk_clv_model *model, const double *t_days, size_t n, double *out_mean)
{
    if (!model || (n && (!t_days || !out_mean)))
        return FBK_EINVAL;
    for (size_t i = 0; i < n; i++) {
        if (!(t_days[i] >= 0.0 && t_days[i] <= AGE_MAX_DAYS))
            return FBK_ERANGE;
    }
    for (size_t i = 0; i < n; i++)
        out_mean[i] = fbk__clv_mean(&model->m, t_days[i]);
    return FBK_OK;
}

fbk_status
fbk_clv_count_probs(const fbk_clv_model *model, double t_days, size_t n, double *out_prob)
{
    if (!model || (n && !out_prob))
        return FBK_EINVAL;
    if (!(t_days >= 0.0 && t_days <= AGE_MAX_DAYS) || n > COUNTS_MAX)
        return FBK_ERANGE;
    for (size_t i = 0; i < n; i++)
        out_prob[i] = fbk__clv_pmf(&model->m, t_days, (uint32_t)i);
    return FBK_OK;
}

static fbk_status
spend_rows(fbk *db, const double *columns[3], size_t n, fbk__spend_row *rows)
{
    for (size_t i = 0; i < n; i++) {
        double mean = columns[1][i];
        double w = columns[2] ? columns[2][i] : 1.0;
        fbk_status rc = clv_check_count(db, "n_orders", i, columns[0][i], 1.0);

        if (rc >= 0 && !(mean > 0.0 && mean <= MEAN_MAX))
            rc = fbk__fail_at(db, FBK_ERANGE, "mean_value", (int64_t)i + 1,
                              "a mean value was not in (0, 1e15]");
        if (rc >= 0 && !(w > 0.0 && w <= WEIGHT_MAX))
            rc = fbk__fail_at(db, FBK_ERANGE, "weights", (int64_t)i + 1,
                              "a weight was not in (0, 1e12]");
        if (rc < 0)
            return rc;
        rows[i] = (fbk__spend_row){columns[0][i], mean, w};
    }
    return FBK_OK;
}

fbk_status
fbk_spend_fit(fbk *db, const double *n_orders, const double *mean_value, size_t n,
              const fbk_spend_options *options, fbk_spend_model **out_model)
{
    const fbk_allocator *a = fbk__a(db);
    fbk_spend_options opt;
    fbk__spend_row *rows = NULL;
    fbk_spend_model *model = NULL;
    fbk_status rc = clv_enter(db);

    if (rc < 0)
        return rc;
    if (!out_model || (n && (!n_orders || !mean_value)))
        return fbk__fail(db, FBK_EINVAL, "n_orders, mean_value and out_model must not be NULL");
    rc = fbk__options_load(db, &opt, sizeof opt, FBK__SPEND_OPTIONS_V1_SIZE, options);
    if (rc >= 0)
        rc = clv_check_options(db, opt.flags, opt.max_evals, opt.reserved0);
    if (rc >= 0)
        rc = clv_check_size(db, n);
    if (rc < 0)
        return rc;
    rows = fbk__calloc(a, n, sizeof *rows);
    model = fbk__calloc(a, 1, sizeof *model);
    rc = rows && model ? FBK_OK : fbk__nomem(db);
    if (rc >= 0)
        rc = spend_rows(db, (const double *[3]){n_orders, mean_value, opt.weights}, n, rows);
    if (rc < 0)
        goto out;
    model->alloc = *a;
    rc = fbk__spend_fit(a, rows, n, opt.max_evals, &model->m);
    if (rc < 0) {
        rc = clv_fit_failed(db, rc, model->m.n_evals);
        goto out;
    }
    *out_model = model;
    model = NULL;
out:
    fbk__free(a, model);
    fbk__free(a, rows);
    return rc;
}

void
fbk_spend_model_free(fbk_spend_model *model)
{
    fbk_allocator alloc;

    if (!model)
        return;
    alloc = model->alloc;
    fbk__free(&alloc, model);
}

fbk_status
fbk_spend_model_params(const fbk_spend_model *model, fbk_spend_params *out)
{
    fbk_spend_params p = FBK_SPEND_PARAMS_INIT;

    if (!model || !out)
        return FBK_EINVAL;
    p.p = model->m.p;
    p.q = model->m.q;
    p.gamma = model->m.gamma;
    p.loglik = model->m.loglik;
    p.mean = model->m.mean;
    p.mean_max = model->m.mean_max;
    p.n_customers = model->m.n_customers;
    return fbk__result_store(NULL, out, FBK__SPEND_PARAMS_V1_SIZE, &p, sizeof p);
}

fbk_status
fbk_spend_expected(const fbk_spend_model *model, const double *n_orders, const double *mean_value,
                   size_t n, double *out_expected)
{
    if (!model || (n && (!n_orders || !mean_value || !out_expected)))
        return FBK_EINVAL;
    for (size_t i = 0; i < n; i++) {
        double x = n_orders[i];

        if (!(x >= 0.0 && x <= COUNT_MAX && x == floor(x)))
            return FBK_ERANGE;
        if (x > 0.0 && !(mean_value[i] > 0.0 && mean_value[i] <= MEAN_MAX))
            return FBK_ERANGE;
    }
    for (size_t i = 0; i < n; i++)
        out_expected[i] = fbk__spend_expected(&model->m, n_orders[i], mean_value[i]);
    return FBK_OK;
}
