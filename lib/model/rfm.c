/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/rfm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "base/table.h"

_Static_assert(sizeof(fbk_rfm_options) == FBK__RFM_OPTIONS_V1_SIZE, "fbk_rfm_options v1");
_Static_assert(sizeof(fbk_rfm_customer) == FBK__RFM_CUSTOMER_V1_SIZE, "fbk_rfm_customer v1");

enum {
    RFM_FORMAT = 1,
    RFM_NUMBERS = 3 * FBK__RFM_CUTS,
    RFM_BODY = 8 * RFM_NUMBERS + 8, /* the cuts, then the flags, little-endian */
    INCLUDE_ALL = 15
};

/* -- the model --------------------------------------------------------------------------------- */

static void
rfm_encode(const fbk__rfm_trained *t, unsigned char body[RFM_BODY])
{
    for (int i = 0; i <= RFM_NUMBERS; i++) {
        uint64_t bits = (uint64_t)t->separate_orders << 8 | (uint64_t)t->include_flags << 16;

        if (i < RFM_NUMBERS)
            memcpy(&bits, &t->cuts[i / FBK__RFM_CUTS].cut[i % FBK__RFM_CUTS], sizeof bits);
        for (int k = 0; k < 8; k++)
            body[8 * i + k] = (unsigned char)(bits >> (8 * k));
    }
}

static fbk_status
rfm_decode(fbk *db, fbk__model *model, void **body, size_t len)
{
    fbk__rfm_trained *t = (fbk__rfm_trained *)model;
    const unsigned char *bytes = *body;
    double before = -INFINITY;
    bool sound = len == RFM_BODY;

    for (int i = 0; sound && i <= RFM_NUMBERS; i++) {
        uint64_t bits = 0;
        double cut;

        for (int k = 0; k < 8; k++)
            bits |= (uint64_t)bytes[8 * i + k] << (8 * k);
        if (i == RFM_NUMBERS) {
            t->separate_orders = bits >> 8 & 1;
            t->include_flags = (uint32_t)(bits >> 16 & INCLUDE_ALL);
            break;
        }
        memcpy(&cut, &bits, sizeof cut);
        sound = cut >= (i % FBK__RFM_CUTS ? before : -INFINITY); /* ascending, no NaN */
        t->cuts[i / FBK__RFM_CUTS].cut[i % FBK__RFM_CUTS] = before = cut;
    }
    if (!sound)
        return fbk__fail(db, FBK_ECORRUPT, "the cuts of the RFM model made no sense");
    return FBK_OK;
}

static const fbk__model_class rfm_class = {
    .kind = "rfm", .format = RFM_FORMAT, .size = sizeof(fbk__rfm_trained), .decode = rfm_decode};

fbk_status
fbk__rfm_acquire(fbk *db, const fbk__rfm_trained **out)
{
    const fbk__model *model = NULL;
    fbk_status rc = fbk__model_acquire(db, &rfm_class, NULL, &model);

    if (rc >= 0)
        *out = (const fbk__rfm_trained *)model;
    return rc;
}

/* -- scoring ----------------------------------------------------------------------------------- */

static int64_t
rfm_recency(const fbk__purchases *table, const fbk__purchase *row)
{
    return table->as_of_day > row->last_day ? table->as_of_day - row->last_day : 0;
}

/* Larger is better in all three. */
static double
rfm_value(const fbk__purchases *table, const fbk__purchase *row, int which)
{
    if (which == 0)
        return -(double)rfm_recency(table, row);
    return which == 1 ? (double)row->n_orders : (double)row->revenue_micro;
}

void
fbk__rfm_score_row(const fbk__rfm_cuts cuts[3], const fbk__purchases *table,
                   const fbk__purchase *row, fbk__rfm_scored *out)
{
    if (row->n_orders == 0) {
        *out = (fbk__rfm_scored){-1, 0, 0, 0, FBK__RFM_SEGMENTS};
        return;
    }
    out->recency_days = rfm_recency(table, row);
    out->r = fbk__rfm_score_of(&cuts[0], rfm_value(table, row, 0));
    out->f = fbk__rfm_score_of(&cuts[1], rfm_value(table, row, 1));
    out->m = fbk__rfm_score_of(&cuts[2], rfm_value(table, row, 2));
    out->segment = fbk__rfm_segment(out->r, out->f, out->m);
}

static fbk_status
rfm_cuts(fbk *db, const fbk__purchases *p, fbk__rfm_cuts cuts[3], size_t *out_n)
{
    double *values = fbk__calloc(p->a, p->n, sizeof *values);
    fbk_status rc = values ? FBK_OK : fbk__nomem(db);

    for (int which = 0; which < 3 && rc >= 0; which++) {
        size_t n = 0;

        for (size_t i = 0; i < p->n; i++) {
            if (p->rows[i].n_orders)
                values[n++] = rfm_value(p, &p->rows[i], which);
        }
        *out_n = n;
        rc = fbk__rfm_cuts_make(p->a, values, n, &cuts[which]);
        if (rc == FBK_ENOMEM)
            rc = fbk__nomem(db);
        else if (rc < 0)
            rc = fbk__fail(db, rc, "there were more than 4294967295 customers");
    }
    fbk__free(p->a, values);
    return rc;
}

enum { COL_PROFILE, COL_RECENCY, COL_FREQUENCY, COL_MONETARY, COL_R, COL_F, COL_M, COL_SEGMENT };

static fbk__table *
rfm_table(const fbk__purchases *p, const fbk__rfm_cuts cuts[3])
{
    fbk__table *t = fbk__table_new(p->a);

    fbk__table_column(t, "profile", FBK__INT64, false);
    fbk__table_column(t, "recency_days", FBK__INT64, false);
    fbk__table_column(t, "frequency", FBK__INT64, false);
    fbk__table_column(t, "monetary_micro", FBK__INT64, false);
    fbk__table_column(t, "r", FBK__INT32, false);
    fbk__table_column(t, "f", FBK__INT32, false);
    fbk__table_column(t, "m", FBK__INT32, false);
    fbk__table_column(t, "segment", FBK__TEXT, false);
    for (size_t i = 0; i < p->n; i++) {
        const fbk__purchase *row = &p->rows[i];
        fbk__rfm_scored s;

        if (row->n_orders == 0)
            continue;
        fbk__rfm_score_row(cuts, p, row, &s);
        fbk__table_add_int64(t, COL_PROFILE, row->profile);
        fbk__table_add_int64(t, COL_RECENCY, s.recency_days);
        fbk__table_add_int64(t, COL_FREQUENCY, row->n_orders);
        fbk__table_add_int64(t, COL_MONETARY, row->revenue_micro);
        fbk__table_add_int64(t, COL_R, s.r);
        fbk__table_add_int64(t, COL_F, s.f);
        fbk__table_add_int64(t, COL_M, s.m);
        fbk__table_add_str(t, COL_SEGMENT, fbk__rfm_segment_name(s.segment));
    }
    return t;
}

static fbk_status
rfm_read(fbk *db, fbk_time as_of_us, const fbk_rfm_options *options, fbk__purchases *p,
         fbk__rfm_trained *t, size_t *out_n)
{
    fbk_rfm_options opt;
    fbk__purchase_options po;
    fbk_status rc = fbk__options_load(db, &opt, sizeof opt, FBK__RFM_OPTIONS_V1_SIZE, options);

    if (rc < 0)
        return rc;
    if (opt.flags & ~(uint32_t)FBK_RFM_SEPARATE_ORDERS || opt.reserved0)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "an unknown flag was set");
    if (opt.include & ~(uint32_t)INCLUDE_ALL)
        return fbk__fail_at(db, FBK_EINVAL, "include", 0, "an unknown event flag was set");
    t->separate_orders = opt.flags & FBK_RFM_SEPARATE_ORDERS;
    t->include_flags = opt.include;
    po = (fbk__purchase_options){.as_of_us = as_of_us,
                                 .identity_as_of_us = FBK_TIME_NONE,
                                 .include_flags = opt.include,
                                 .separate_orders = t->separate_orders,
                                 .progress = opt.progress,
                                 .progress_data = opt.progress_data};
    rc = fbk__purchases_read(db, &po, p);
    if (rc < 0)
        return rc;
    rc = rfm_cuts(db, p, t->cuts, out_n);
    if (rc < 0)
        fbk__purchases_free(p);
    return rc;
}

fbk_status
fbk_rfm_score(fbk *db, fbk_time as_of_us, const fbk_rfm_options *options,
              struct ArrowArrayStream *out_rows)
{
    fbk__rfm_trained t;
    fbk__purchases p;
    size_t n;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out_rows)
        return fbk__fail_at(db, FBK_EINVAL, "out_rows", 0, "out_rows must not be NULL");
    rc = rfm_read(db, as_of_us, options, &p, &t, &n);
    if (rc < 0)
        return rc;
    rc = fbk__table_stream(db, rfm_table(&p, t.cuts), 0, out_rows);
    fbk__purchases_free(&p);
    return rc;
}

fbk_status
fbk_rfm_train(fbk *db, fbk_time as_of_us, const fbk_rfm_options *options)
{
    fbk__model_head head = {.kind = "rfm", .format = RFM_FORMAT, .as_of_us = as_of_us};
    fbk__rfm_trained t;
    fbk__purchases p;
    unsigned char body[RFM_BODY];
    size_t n;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    rc = rfm_read(db, as_of_us, options, &p, &t, &n);
    if (rc < 0)
        return rc;
    if (n == 0) {
        rc = fbk__fail(db, FBK_ENODATA, "nobody had an order before that instant");
        goto out;
    }
    head.from_event = p.from_event;
    head.to_event = p.to_event;
    head.n_events = p.n_events;
    head.n_people = n;
    rfm_encode(&t, body);
    rc = fbk__model_save(db, &head, NULL, 0, body, sizeof body);
out:
    fbk__purchases_free(&p);
    return rc;
}

fbk_status
fbk_rfm_customer_get(fbk *db, uint64_t profile, fbk_time as_of_us, fbk_rfm_customer *out)
{
    fbk_rfm_customer c = FBK_RFM_CUSTOMER_INIT;
    const fbk__rfm_trained *t = NULL;
    fbk__purchases p;
    fbk__purchase row;
    fbk__purchase_options po;
    fbk__rfm_scored s;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail_at(db, FBK_EINVAL, "out", 0, "out must not be NULL");
    rc = fbk__rfm_acquire(db, &t);
    if (rc < 0)
        return rc;
    po = (fbk__purchase_options){.as_of_us = as_of_us,
                                 .identity_as_of_us = FBK_TIME_NONE,
                                 .include_flags = t->include_flags,
                                 .separate_orders = t->separate_orders};
    rc = fbk__purchases_of(db, profile, &po, &p, &row);
    if (rc >= 0) {
        fbk__rfm_score_row(t->cuts, &p, &row, &s);
        c.r = s.r;
        c.f = s.f;
        c.m = s.m;
        c.profile = row.profile;
        c.recency_days = s.recency_days;
        c.frequency = row.n_orders;
        c.monetary_micro = row.revenue_micro;
        (void)snprintf(c.segment, sizeof c.segment, "%s", fbk__rfm_segment_name(s.segment));
        rc = fbk__result_store(db, out, FBK__RFM_CUSTOMER_V1_SIZE, &c, sizeof c);
        fbk__purchases_free(&p);
    }
    fbk__model_release(&t->model);
    return rc;
}
