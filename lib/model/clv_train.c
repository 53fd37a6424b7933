/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/options.h"
#include "base/time.h"
#include "model/clv.h"

/* Fit the value models to the orders in the store; encode, save and load them. */

_Static_assert(sizeof(fbk_clv_train_options) == FBK__CLV_TRAIN_OPTIONS_V1_SIZE, "options v1");
_Static_assert(sizeof(fbk_clv_report) == FBK__CLV_REPORT_V1_SIZE, "report v1");

enum {
    CLV_FORMAT = 1,
    CLV_NUMBERS = 16, /* doubles of the body, in order of declaration */
    CLV_BODY = 8 * CLV_NUMBERS + 8,
    INCLUDE_ALL = 15,
    EVALS_MAX = 100000
};

#define MICRO 1e6

/* -- the body: 16 doubles, then status and flags, all little-endian ---------------------------- */

static void
put_u64(unsigned char *at, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t
get_u64(const unsigned char *at)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

static void
clv_numbers(fbk__clv_trained *t, double *out[CLV_NUMBERS])
{
    double *all[CLV_NUMBERS] = {&t->m.r,
                                &t->m.alpha,
                                &t->m.a,
                                &t->m.b,
                                &t->m.loglik,
                                &t->m.loglik_nbd,
                                &t->m.rate_max,
                                &t->m.n_customers,
                                &t->m.n_repeats,
                                &t->spend.p,
                                &t->spend.q,
                                &t->spend.gamma,
                                &t->spend.loglik,
                                &t->spend.mean,
                                &t->spend.mean_max,
                                &t->spend.n_customers};

    memcpy(out, all, sizeof all);
}

static void
clv_encode(const fbk__clv_trained *t, unsigned char body[CLV_BODY])
{
    fbk__clv_trained copy = *t;
    double *numbers[CLV_NUMBERS];

    clv_numbers(&copy, numbers);
    for (int i = 0; i < CLV_NUMBERS; i++) {
        uint64_t bits;

        memcpy(&bits, numbers[i], sizeof bits);
        put_u64(body + 8 * i, bits);
    }
    put_u64(body + 8 * CLV_NUMBERS,
            t->m.status | (uint64_t)t->separate_orders << 8 | (uint64_t)t->include_flags << 16);
}

static fbk_status
clv_decode(fbk *db, fbk__model *model, void **body, size_t len)
{
    fbk__clv_trained *t = (fbk__clv_trained *)model;
    const unsigned char *bytes = *body;
    double *numbers[CLV_NUMBERS];
    uint64_t word;
    bool sound = len == CLV_BODY;

    clv_numbers(t, numbers);
    for (int i = 0; sound && i < CLV_NUMBERS; i++) {
        uint64_t bits = get_u64(bytes + 8 * i);

        memcpy(numbers[i], &bits, sizeof bits);
        sound = isfinite(*numbers[i]);
    }
    if (sound) {
        word = get_u64(bytes + 8 * CLV_NUMBERS);
        t->m.status = (uint32_t)(word & 0xff);
        t->separate_orders = word >> 8 & 1;
        t->include_flags = (uint32_t)(word >> 16 & INCLUDE_ALL);
        sound = t->m.status <= FBK__CLV_NO_REPEAT &&
                (t->m.status == FBK__CLV_NO_REPEAT || (t->m.r > 0.0 && t->m.alpha > 0.0)) &&
                (t->m.status != FBK__CLV_FULL || (t->m.a > 0.0 && t->m.b > 0.0)) &&
                t->m.rate_max >= 0.0 &&
                (t->spend.n_customers == 0.0 ||
                 (t->spend.p > 0.0 && t->spend.q > 0.0 && t->spend.gamma > 0.0));
    }
    if (!sound)
        return fbk__fail(db, FBK_ECORRUPT, "the parameters of the value model made no sense");
    return FBK_OK;
}

static const fbk__model_class clv_class = {
    .kind = "clv", .format = CLV_FORMAT, .size = sizeof(fbk__clv_trained), .decode = clv_decode};

fbk_status
fbk__clv_acquire(fbk *db, const char *name, const fbk__clv_trained **out)
{
    const fbk__model *model = NULL;
    fbk_status rc = fbk__model_acquire(db, &clv_class, name, &model);

    if (rc >= 0)
        *out = (const fbk__clv_trained *)model;
    return rc;
}

/* -- fitting ----------------------------------------------------------------------------------- */

/* Rows for the fits from those people who had ordered before `cut_us`, whose day is `cut_day`. */
typedef struct clv_tables {
    fbk__clv_row *rows;
    size_t n;
    fbk__spend_row *spend;
    size_t n_spend;
} clv_tables;

static void
tables_free(const fbk_allocator *a, clv_tables *t)
{
    fbk__free(a, t->rows);
    fbk__free(a, t->spend);
}

/* What `row` knew at an instant, in the model's terms. */
static fbk__clv_row
clv_row_at(const fbk__purchases *p, const fbk__purchase *row, fbk_time us, int64_t day)
{
    fbk__clv_row out = {row->n_orders - 1.0, (double)(row->last_day - row->first_day),
                        fbk__purchase_age(p, row, us, day), 1.0};

    if (p->separate_orders)
        out.t_x = (double)(row->last_us - row->first_us) / (double)FBK__DAY_US;
    return out;
}

static fbk_status
tables_make(fbk *db, const fbk__purchases *p, fbk_time cut_us, int64_t cut_day, clv_tables *t)
{
    t->rows = fbk__calloc(p->a, p->n, sizeof *t->rows);
    t->spend = fbk__calloc(p->a, p->n, sizeof *t->spend);
    if (!t->rows || !t->spend)
        return fbk__nomem(db);
    for (size_t i = 0; i < p->n; i++) {
        fbk__purchase row;
        uint32_t later;

        fbk__purchase_cut(p, &p->rows[i], cut_us, &row, &later);
        if (row.n_orders == 0)
            continue;
        t->rows[t->n++] = clv_row_at(p, &row, cut_us, cut_day);
        if (row.revenue_micro > 0)
            t->spend[t->n_spend++] = (fbk__spend_row){
                row.n_orders, (double)row.revenue_micro / MICRO / row.n_orders, 1.0};
    }
    return FBK_OK;
}

static fbk_status
fit_failed(fbk *db, fbk_status rc)
{
    if (rc == FBK_ENOCONV)
        return fbk__fail(db, rc, "the fit had not converged within its budget");
    if (rc == FBK_ETOOBIG)
        return fbk__fail(db, rc, "there were more than 4294967295 customers");
    return rc == FBK_ENOMEM ? fbk__nomem(db) : rc;
}

static fbk_status
clv_fit_tables(fbk *db, const fbk_allocator *a, clv_tables *t, uint32_t max_evals,
               fbk__clv_trained *out)
{
    fbk_status rc;

    if (t->n == 0)
        return fbk__fail(db, FBK_ENODATA, "nobody had an order before that instant");
    rc = fbk__clv_collapse(a, t->rows, &t->n);
    if (rc >= 0)
        rc = fbk__clv_fit(a, t->rows, t->n, max_evals, &out->m);
    if (rc >= 0 && t->n_spend > 0)
        rc = fbk__spend_fit(a, t->spend, t->n_spend, max_evals, &out->spend);
    return fit_failed(db, rc);
}

/* -- quality on held-out data ------------------------------------------------------------------ */

static double
holdout_length(const fbk__purchases *p, double asked)
{
    fbk_time first = p->as_of_us;
    double days;

    for (size_t i = 0; i < p->n; i++) {
        if (p->rows[i].n_orders && p->rows[i].first_us < first)
            first = p->rows[i].first_us;
    }
    days = (double)(p->as_of_us - first) / (double)FBK__DAY_US;
    if (asked > 0.0)
        return asked < days ? asked : 0.0;
    return days >= 4.0 ? floor(days / 4.0) : 0.0;
}

static void
holdout_measure(const fbk__purchases *p, const fbk__clv_params *m, fbk_time cut_us, int64_t cut_day,
                fbk_clv_report *report)
{
    double days = report->holdout_days;

    for (size_t i = 0; i < p->n; i++) {
        fbk__purchase row;
        fbk__clv_row at;
        uint32_t later;
        double expected;

        fbk__purchase_cut(p, &p->rows[i], cut_us, &row, &later);
        if (row.n_orders == 0)
            continue;
        at = clv_row_at(p, &row, cut_us, cut_day);
        expected = fbk__clv_expected(m, at.x, at.t_x, at.t, days);
        report->holdout_n++;
        report->holdout_orders += later;
        report->holdout_expected += expected;
        report->holdout_mae += fabs(expected - later);
        report->holdout_naive += fabs(at.x / fmax(at.t, 1.0) * days - later);
    }
    report->holdout_mae /= (double)report->holdout_n;
    report->holdout_naive /= (double)report->holdout_n;
}

/* Fit to what was known before the holdout, with the identities of then; too few customers, or a
 * fit that fails, leave it unmeasured. */
static fbk_status
holdout_run(fbk *db, const fbk__purchase_options *options, uint32_t max_evals,
            fbk_clv_report *report)
{
    fbk__purchase_options po = *options;
    fbk__purchases p = {.n = 0};
    fbk__clv_trained then;
    clv_tables t = {NULL, 0, NULL, 0};
    int64_t cut_day;
    fbk_status rc;

    memset(&then, 0, sizeof then);
    po.identity_as_of_us =
        options->as_of_us - (fbk_time)(report->holdout_days * (double)FBK__DAY_US);
    rc = fbk__purchases_read(db, &po, &p);
    if (rc >= 0)
        rc = fbk__purchase_day(db, po.identity_as_of_us, &cut_day);
    if (rc >= 0)
        rc = tables_make(db, &p, po.identity_as_of_us, cut_day, &t);
    if (rc >= 0)
        rc = clv_fit_tables(db, p.a, &t, max_evals, &then);
    if (rc >= 0)
        holdout_measure(&p, &then.m, po.identity_as_of_us, cut_day, report);
    if (rc == FBK_ENODATA || rc == FBK_ENOCONV) {
        fbk__err_clear(db);
        report->holdout_days = 0.0;
        rc = FBK_OK;
    }
    tables_free(fbk__a(db), &t);
    if (p.a)
        fbk__purchases_free(&p);
    return rc;
}

/* -- saving ------------------------------------------------------------------------------------ */

static void
report_fill(const fbk__clv_trained *t, fbk_clv_report *out)
{
    out->status = t->m.status;
    out->n_customers = (uint64_t)t->m.n_customers;
    out->n_repeats = (uint64_t)t->m.n_repeats;
    out->n_spenders = (uint64_t)t->spend.n_customers;
    out->r = t->m.r;
    out->alpha_days = t->m.alpha;
    out->a = t->m.a;
    out->b = t->m.b;
    out->loglik = t->m.loglik;
    out->loglik_nbd = t->m.loglik_nbd;
    out->spend_p = t->spend.p;
    out->spend_q = t->spend.q;
    out->spend_gamma = t->spend.gamma;
    out->mean_order = t->spend.mean;
}

static const char *
clv_note(uint32_t status)
{
    switch (status) {
    case FBK__CLV_NO_DROPOUT:
        return "No dropout identifiable: P(alive) carries no information.";
    case FBK__CLV_NO_REPEAT:
        return "Nobody ordered twice: nothing can be forecast.";
    default:
        return "P(alive) is 1 for customers with one order by assumption of the model.";
    }
}

static fbk_status
clv_save(fbk *db, const fbk__purchases *p, const fbk__clv_trained *t, const char *name,
         const fbk_clv_report *r)
{
    fbk__model_head head = {.format = CLV_FORMAT,
                            .as_of_us = p->as_of_us,
                            .from_event = p->from_event,
                            .to_event = p->to_event,
                            .n_events = p->n_events,
                            .n_people = r->n_customers};
    const struct {
        const char *name;
        uint32_t role;
        double value;
    } numbers[] = {{"r", FBK__MODEL_PARAMETER, r->r},
                   {"alpha_days", FBK__MODEL_PARAMETER, r->alpha_days},
                   {"a", FBK__MODEL_PARAMETER, r->a},
                   {"b", FBK__MODEL_PARAMETER, r->b},
                   {"loglik", FBK__MODEL_PARAMETER, r->loglik},
                   {"loglik_nbd", FBK__MODEL_PARAMETER, r->loglik_nbd},
                   {"spend_p", FBK__MODEL_PARAMETER, r->spend_p},
                   {"spend_q", FBK__MODEL_PARAMETER, r->spend_q},
                   {"spend_gamma", FBK__MODEL_PARAMETER, r->spend_gamma},
                   {"holdout_days", FBK__MODEL_QUALITY, r->holdout_days},
                   {"mae", FBK__MODEL_QUALITY, r->holdout_mae},
                   {"mae_naive", FBK__MODEL_QUALITY, r->holdout_naive},
                   {"orders", FBK__MODEL_QUALITY, r->holdout_orders},
                   {"orders_expected", FBK__MODEL_QUALITY, r->holdout_expected}};
    enum { N_NUMBERS = sizeof numbers / sizeof numbers[0], N_QUALITY = 5 };
    fbk__model_value values[N_NUMBERS];
    unsigned char body[CLV_BODY];
    size_t n = r->holdout_days > 0.0 ? N_NUMBERS : N_NUMBERS - N_QUALITY;

    memcpy(head.kind, clv_class.kind, strlen(clv_class.kind));
    if (name && strlen(name) >= sizeof head.name)
        return fbk__fail_at(db, FBK_EINVAL, "name", 0, "the name was longer than %zu bytes",
                            sizeof head.name - 1);
    if (name)
        memcpy(head.name, name, strlen(name));
    memcpy(head.note, clv_note(t->m.status), strlen(clv_note(t->m.status)));
    for (size_t i = 0; i < n; i++)
        fbk__model_value_set(&values[i], numbers[i].role, numbers[i].name, numbers[i].value);
    clv_encode(t, body);
    return fbk__model_save(db, &head, values, n, body, sizeof body);
}

static fbk_status
train_check(fbk *db, const fbk_clv_train_options *opt)
{
    if (opt->flags & ~(uint32_t)(FBK_CLV_SEPARATE_ORDERS | FBK_CLV_NO_HOLDOUT))
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "an unknown flag was set");
    if (opt->include & ~(uint32_t)INCLUDE_ALL)
        return fbk__fail_at(db, FBK_EINVAL, "include", 0, "an unknown event flag was set");
    if (opt->max_evals > EVALS_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "max_evals", 0, "max_evals was not in [0, %d]",
                            EVALS_MAX);
    if (opt->holdout_days != 0.0 && !(opt->holdout_days >= 1.0 && opt->holdout_days <= 1e5))
        return fbk__fail_at(db, FBK_ERANGE, "holdout_days", 0,
                            "holdout_days was neither 0 nor in [1, 1e5]");
    return FBK_OK;
}

fbk_status
fbk_clv_train(fbk *db, fbk_time as_of_us, const fbk_clv_train_options *options,
              fbk_clv_report *out_report)
{
    fbk_clv_report report = FBK_CLV_REPORT_INIT;
    fbk_clv_train_options opt;
    fbk__purchase_options po;
    fbk__purchases p = {.n = 0};
    fbk__clv_trained trained;
    clv_tables t = {NULL, 0, NULL, 0};
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    rc = fbk__options_load(db, &opt, sizeof opt, FBK__CLV_TRAIN_OPTIONS_V1_SIZE, options);
    if (rc >= 0)
        rc = train_check(db, &opt);
    if (rc >= 0 && out_report && out_report->struct_size < FBK__CLV_REPORT_V1_SIZE)
        rc = fbk__fail_at(db, FBK_EABI, "struct_size", 0, "the report's struct_size was too small");
    if (rc < 0)
        return rc;
    memset(&trained, 0, sizeof trained);
    trained.separate_orders = opt.flags & FBK_CLV_SEPARATE_ORDERS;
    trained.include_flags = opt.include;
    po = (fbk__purchase_options){.as_of_us = as_of_us,
                                 .identity_as_of_us = FBK_TIME_NONE,
                                 .include_flags = opt.include,
                                 .separate_orders = trained.separate_orders,
                                 .progress = opt.progress,
                                 .progress_data = opt.progress_data};
    rc = fbk__purchases_read(db, &po, &p);
    if (rc < 0)
        goto out;
    rc = tables_make(db, &p, as_of_us, p.as_of_day, &t);
    if (rc >= 0)
        rc = clv_fit_tables(db, p.a, &t, opt.max_evals, &trained);
    if (rc < 0)
        goto out;
    report_fill(&trained, &report);
    if (!(opt.flags & FBK_CLV_NO_HOLDOUT))
        report.holdout_days = holdout_length(&p, opt.holdout_days);
    if (report.holdout_days > 0.0)
        rc = holdout_run(db, &po, opt.max_evals, &report);
    if (rc >= 0)
        rc = clv_save(db, &p, &trained, opt.name, &report);
    if (rc >= 0 && out_report)
        rc = fbk__result_store(db, out_report, FBK__CLV_REPORT_V1_SIZE, &report, sizeof report);
out:
    tables_free(fbk__a(db), &t);
    if (p.a)
        fbk__purchases_free(&p);
    return rc;
}
