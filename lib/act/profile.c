/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "act/profile.h"

#include <feedback/clv.h>
#include <feedback/rfm.h>

#include <string.h>

#include "base/options.h"
#include "base/sort.h"
#include "base/time.h"
#include "model/purchase_summary.h"

_Static_assert(sizeof(fbk_profile_options) == 48, "version 1");
_Static_assert(sizeof(fbk_profile) == 448, "version 1");

enum { OPTIONS_V1_SIZE = 48, PROFILE_V1_SIZE = 448 };

/* -- the question ------------------------------------------------------------------------------ */

static fbk_status
options_check(fbk *db, fbk_profile_options *opt)
{
    if (opt->flags || opt->reserved0)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags or reserved0 was not 0");
    if (opt->n_actions > 10000)
        return fbk__fail_at(db, FBK_ERANGE, "n_actions", 0, "n_actions was not within [1, 10000]");
    if (opt->n_categories > 1000)
        return fbk__fail_at(db, FBK_ERANGE, "n_categories", 0,
                            "n_categories was not within [1, 1000]");
    if (opt->n_recommend > 1000)
        return fbk__fail_at(db, FBK_ERANGE, "n_recommend", 0,
                            "n_recommend was not within [1, 1000]");
    if (!(opt->horizon_days >= 0.0 && opt->horizon_days <= 1e5))
        return fbk__fail_at(db, FBK_ERANGE, "horizon_days", 0,
                            "horizon_days was not within (0, 1e5]");
    if (!(opt->discount_yearly >= 0.0 && opt->discount_yearly <= 10.0))
        return fbk__fail_at(db, FBK_ERANGE, "discount_yearly", 0,
                            "discount_yearly was not within [0, 10]");
    opt->n_actions = opt->n_actions ? opt->n_actions : 20;
    opt->n_categories = opt->n_categories ? opt->n_categories : 5;
    opt->n_recommend = opt->n_recommend ? opt->n_recommend : 10;
    opt->horizon_days = opt->horizon_days > 0.0 ? opt->horizon_days : 365.0;
    return FBK_OK;
}

fbk_status
fbk__profile_ask_make(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                      const fbk_profile_options *options, fbk__profile_ask *ask)
{
    uint32_t node = 0;
    fbk_status rc;

    memset(ask, 0, sizeof *ask);
    ask->db = db;
    ask->space = space;
    ask->value = value;
    ask->as_of_us = as_of_us;
    if (!space || !value)
        return fbk__fail(db, FBK_EINVAL, "space and value must not be NULL");
    if (!fbk__time_valid(as_of_us))
        return fbk__fail_at(db, FBK_ERANGE, "as_of_us", 0, "as_of_us was no valid instant");
    rc = fbk__options_load(db, &ask->opt, sizeof ask->opt, OPTIONS_V1_SIZE, options);
    if (rc == FBK_OK)
        rc = options_check(db, &ask->opt);
    if (rc == FBK_OK)
        rc = fbk__identity_node(db, space, value, &node);
    if (rc == FBK_OK)
        rc = fbk__identity_person(db, node, FBK_TIME_NONE, &ask->person);
    return rc;
}

void
fbk__profile_ask_free(fbk__profile_ask *ask)
{
    fbk__person_free(ask->db, &ask->person);
}

/* -- the numbers ------------------------------------------------------------------------------- */

static fbk_status
numbers_seen(const fbk__profile_ask *ask, fbk_profile *out)
{
    fbk__scan_options opt = {.from_us = FBK_TIME_NONE,
                             .to_us = ask->as_of_us,
                             .nodes = ask->person.nodes,
                             .n_nodes = ask->person.n_nodes,
                             .columns = FBK__COL_EVENT | FBK__COL_OCCURRED};
    const fbk__chunk *c = NULL;
    fbk__scan *scan = NULL;
    uint64_t last = 0;
    fbk_status rc = fbk__log_scan_open(ask->db, &opt, &scan);

    while (rc == FBK_OK && (rc = fbk__log_scan_next(scan, &c)) == FBK_OK) {
        for (size_t i = 0; i < c->n; i++) {
            if (c->event[i] == last)
                continue;
            last = c->event[i];
            if (out->n_events == 0 || c->occurred_us[i] < out->first_us)
                out->first_us = c->occurred_us[i];
            if (out->n_events == 0 || c->occurred_us[i] > out->last_us)
                out->last_us = c->occurred_us[i];
            out->n_events++;
        }
    }
    fbk__log_scan_close(scan);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
numbers_money(const fbk__profile_ask *ask, fbk_profile *out)
{
    fbk__purchase_options opt = {.as_of_us = ask->as_of_us, .identity_as_of_us = FBK_TIME_NONE};
    fbk__purchases table;
    fbk__purchase row;
    fbk_status rc = fbk__purchases_of(ask->db, ask->person.profile, &opt, &table, &row);

    if (rc < 0)
        return rc;
    out->n_orders = row.n_events;
    out->n_returns = row.n_returns;
    out->revenue_micro = row.revenue_micro;
    out->returned_micro = row.returned_micro;
    out->n_foreign_lines = table.n_foreign_lines;
    fbk__purchases_free(&table);
    return FBK_OK;
}

/* A model that was never trained is no failure: its numbers are not given. */
static fbk_status
untrained(fbk *db, fbk_status rc)
{
    if (rc != FBK_ENOTFOUND)
        return rc;
    fbk__err_clear(db);
    return FBK_DONE;
}

static fbk_status
numbers_rfm(const fbk__profile_ask *ask, fbk_profile *out)
{
    fbk_rfm_customer rfm = FBK_RFM_CUSTOMER_INIT;
    fbk_status rc =
        untrained(ask->db, fbk_rfm_customer_get(ask->db, ask->person.profile, ask->as_of_us, &rfm));

    if (rc != FBK_OK)
        return rc < 0 ? rc : FBK_OK;
    out->flags |= FBK_PROFILE_HAS_RFM;
    out->r = rfm.r;
    out->f = rfm.f;
    out->m = rfm.m;
    out->recency_days = rfm.recency_days;
    memcpy(out->segment, rfm.segment, sizeof out->segment);
    return FBK_OK;
}

static void
numbers_note(fbk_profile *out, uint32_t status, uint64_t n_orders)
{
    const char *note = "";

    if (status == FBK_CLV_NO_DROPOUT) {
        out->flags |= FBK_PROFILE_ALIVE_VOID;
        note = "P(alive) carries no information here: no dropout is identifiable in this shop's "
               "orders, so everybody counts as a customer still.";
    } else if (status == FBK_CLV_NO_REPEAT) {
        out->flags |= FBK_PROFILE_ALIVE_VOID;
        note = "P(alive) carries no information here: nobody in this shop has ordered on a "
               "second day yet.";
    } else if (n_orders == 1) {
        out->flags |= FBK_PROFILE_ALIVE_ASSUMED;
        note = "P(alive) is 1 by assumption: the model (BG/NBD) lets nobody drop out before a "
               "second order, so it says nothing about one-time buyers.";
    }
    (void)strncpy(out->note, note, sizeof out->note - 1);
}

static fbk_status
numbers_clv(const fbk__profile_ask *ask, fbk_profile *out)
{
    fbk_clv_predict_options opt = FBK_CLV_PREDICT_OPTIONS_INIT;
    fbk_clv_customer clv = FBK_CLV_CUSTOMER_INIT;
    fbk_status rc;

    opt.horizon_days = ask->opt.horizon_days;
    opt.discount_yearly = ask->opt.discount_yearly;
    rc = untrained(ask->db,
                   fbk_clv_customer_get(ask->db, ask->person.profile, ask->as_of_us, &opt, &clv));
    if (rc != FBK_OK)
        return rc < 0 ? rc : FBK_OK;
    if (!clv.n_orders)
        return FBK_OK; /* who never ordered is not lost: there is nothing to forecast from */
    out->flags |= FBK_PROFILE_HAS_CLV;
    out->p_alive = clv.p_alive;
    out->expected_orders = clv.expected_orders;
    out->order_value_micro = clv.order_value_micro;
    out->expected_value_micro = clv.expected_value_micro;
    numbers_note(out, clv.status, clv.n_orders);
    return FBK_OK;
}

static fbk_status
numbers_currency(const fbk__profile_ask *ask, fbk_profile *out)
{
    char *currency = NULL;
    fbk_status rc = fbk__meta_get(ask->db, "store.currency", &currency);

    if (rc < 0)
        return rc;
    (void)strncpy(out->currency, currency, sizeof out->currency - 1);
    fbk__free(fbk__a(ask->db), currency);
    return FBK_OK;
}

fbk_status
fbk__profile_numbers(const fbk__profile_ask *ask, fbk_profile *out)
{
    fbk_status rc;

    memset(out, 0, sizeof *out);
    out->struct_size = (uint32_t)sizeof *out;
    if (ask->person.flags & FBK_IDENTITY_QUARANTINED)
        out->flags |= FBK_PROFILE_QUARANTINED;
    if (ask->person.flags & FBK_IDENTITY_BLOCKED)
        out->flags |= FBK_PROFILE_BLOCKED;
    out->profile = ask->person.profile;
    out->n_identifiers = ask->person.n_nodes;
    out->first_us = FBK_TIME_NONE;
    out->last_us = FBK_TIME_NONE;
    out->horizon_days = ask->opt.horizon_days;
    rc = numbers_seen(ask, out);
    if (rc == FBK_OK)
        rc = numbers_money(ask, out);
    if (rc == FBK_OK)
        rc = numbers_rfm(ask, out);
    if (rc == FBK_OK)
        rc = numbers_clv(ask, out);
    if (rc == FBK_OK)
        rc = numbers_currency(ask, out);
    return rc;
}

fbk_status
fbk_profile_view(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                 const fbk_profile_options *options, fbk_profile *out)
{
    fbk__profile_ask ask;
    fbk_profile mine;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail_at(db, FBK_EINVAL, "out", 0, "out was NULL");
    rc = fbk__profile_ask_make(db, space, value, as_of_us, options, &ask);
    if (rc == FBK_OK)
        rc = fbk__profile_numbers(&ask, &mine);
    fbk__profile_ask_free(&ask);
    if (rc == FBK_OK)
        rc = fbk__result_store(db, out, PROFILE_V1_SIZE, &mine, sizeof mine);
    return rc;
}
