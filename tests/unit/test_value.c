/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/event.h>
#include <feedback/place.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/time.h"
#include "model/clv.h"
#include "model/rfm.h"
#include "record/event.h"
#include "support/tk.h"
#include "support/tk_log.h"

/* The value models over a store: purchase summary, RFM, CLV. */

#define DAY FBK__DAY_US
#define START INT64_C(1704067200000000) /* 2024-01-01T00:00:00Z */

static fbk_store *store;
static fbk *db;

static void
setup(void)
{
    store = tk_store_open(":memory:", NULL);
    db = tk_store_connect(store);
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
}

/* -- random events and a naive summary of them -------------------------------------------------- */

enum { N_EVENTS = 500, N_PEOPLE = 12, N_LINES = 3 };

typedef struct plain {
    const char *kind;
    const char *currency;
    int64_t us;
    int64_t amount[N_LINES];
    uint32_t line_kind[N_LINES];
    uint32_t n_lines;
    uint32_t flags;
    uint32_t person; /* N_PEOPLE = nobody */
    uint32_t idents; /* 1 e-mail, 2 cookie */
    int sydney;
} plain;

static plain events[N_EVENTS];

static void
plain_make(plain *e, fbk__rng *g)
{
    static const char *const kinds[] = {"sale", "sale",     "sale",   "sale", "return",
                                        "view", "exchange", "cancel", "login"};
    static const uint32_t lines[] = {FBK_LINE_PRODUCT,   FBK_LINE_PRODUCT, FBK_LINE_SHIPPING,
                                     FBK_LINE_GIFT_CARD, FBK_LINE_DEPOSIT, FBK_LINE_BUNDLE,
                                     FBK_LINE_DISCOUNT};

    memset(e, 0, sizeof *e);
    e->kind = kinds[fbk__rng_below(g, 9)];
    e->currency = fbk__rng_below(g, 9) ? NULL : "USD";
    /* Few days, many a day, and some close to midnight in either zone. */
    e->us = START + (int64_t)fbk__rng_below(g, 60) * DAY / 2 +
            (int64_t)fbk__rng_below(g, 7200) * 1000000;
    e->n_lines = (uint32_t)fbk__rng_below(g, N_LINES + 1);
    e->flags = fbk__rng_below(g, 8) ? 0 : 1u << fbk__rng_below(g, 4);
    e->person = (uint32_t)fbk__rng_below(g, N_PEOPLE + 1);
    e->idents = 1 + (uint32_t)fbk__rng_below(g, 3);
    e->sydney = (int)fbk__rng_below(g, 2);
    for (uint32_t i = 0; i < e->n_lines; i++) {
        e->line_kind[i] = lines[fbk__rng_below(g, 7)];
        e->amount[i] =
            (int64_t)fbk__rng_below(g, 50000000) - (strcmp(e->kind, "sale") ? 50000000 : 9000000);
    }
}

static void
plain_append(const plain *e, int number)
{
    static const char *const spaces[] = {"email", "cookie"};
    static const char *const items[N_LINES] = {"a", "b", "c"};
    fbk_event event = FBK_EVENT_INIT;
    char id[32];
    char email[40];
    char cookie[40];
    const char *values[2] = {email, cookie};

    (void)snprintf(id, sizeof id, "e%d", number);
    (void)snprintf(email, sizeof email, "person%u@example.org", e->person);
    (void)snprintf(cookie, sizeof cookie, "browser-%u", e->person);
    event.event_id = id;
    event.kind = e->kind;
    event.source = "test";
    event.place = e->sydney ? "syd" : NULL;
    event.currency = e->currency;
    event.occurred_us = e->us;
    event.flags = e->flags;
    event.n_lines = e->n_lines;
    event.items = items;
    event.line_kinds = e->line_kind;
    event.amount_micro = e->amount;
    if (e->person < N_PEOPLE) {
        event.n_identifiers = e->idents == 3 ? 2 : 1;
        event.namespaces = spaces + (e->idents == 2);
        event.values = values + (e->idents == 2);
    }
    tk_assert_ok(db, fbk_event_append(db, &event, NULL));
}

/* Sydney: UTC+11 in January and February. */
static int64_t
plain_day(const plain *e)
{
    return fbk__day_of_us(e->us + (e->sydney ? INT64_C(11) * 3600 * 1000000 : 0));
}

static void
fill_random(void)
{
    fbk_place place = FBK_PLACE_INIT;
    size_t len;
    char *tzif = tk_slurp(tk_source("tests/golden/zones/Australia-Sydney"), &len);
    fbk__rng g;

    place.code = "syd";
    place.time_zone = "Australia/Sydney";
    place.tzif = tzif;
    place.tzif_len = len;
    tk_assert_ok(db, fbk_place_upsert(db, &place));
    free(tzif);
    fbk__rng_seed(&g, 21);
    for (int i = 0; i < N_EVENTS; i++) {
        plain_make(&events[i], &g);
        if (i < N_PEOPLE) { /* everybody logs in once, so that both names are one person */
            events[i].kind = "login";
            events[i].person = (uint32_t)i;
            events[i].idents = 3;
        }
        plain_append(&events[i], i);
    }
}

typedef struct naive {
    int64_t revenue;
    int64_t returned;
    int64_t first_day, last_day;
    fbk_time first, last;
    uint32_t orders, days, returns;
} naive;

static bool
naive_counts(const plain *e, fbk_time as_of, uint32_t include)
{
    return e->us < as_of && !(e->flags & ~include) &&
           (!strcmp(e->kind, "sale") || !strcmp(e->kind, "return") ||
            !strcmp(e->kind, "exchange") || !strcmp(e->kind, "cancel"));
}

static naive
naive_of(uint32_t person, fbk_time as_of, uint32_t include)
{
    naive n = {
        .first = INT64_MAX, .last = INT64_MIN, .first_day = INT64_MAX, .last_day = INT64_MIN};
    static bool seen[200];

    memset(seen, 0, sizeof seen);
    for (int i = 0; i < N_EVENTS; i++) {
        const plain *e = &events[i];
        int64_t back = 0;
        bool paid = e->n_lines == 0;
        int64_t day = plain_day(e);

        if (e->person != person || !naive_counts(e, as_of, include))
            continue;
        for (uint32_t k = 0; k < e->n_lines; k++) {
            bool counts =
                e->line_kind[k] != FBK_LINE_GIFT_CARD && e->line_kind[k] != FBK_LINE_DEPOSIT;

            paid = paid || (counts && e->amount[k] > 0);
            if (!counts || e->currency)
                continue;
            n.revenue += e->amount[k];
            if (e->amount[k] < 0 &&
                (e->line_kind[k] == FBK_LINE_PRODUCT || e->line_kind[k] == FBK_LINE_BUNDLE))
                back -= e->amount[k];
        }
        n.returned += back;
        n.returns += back > 0;
        if (strcmp(e->kind, "sale") != 0 || !paid)
            continue;
        n.orders++;
        n.days += !seen[day - START / DAY + 10];
        seen[day - START / DAY + 10] = true;
        n.first = e->us < n.first ? e->us : n.first;
        n.last = e->us > n.last ? e->us : n.last;
        n.first_day = day < n.first_day ? day : n.first_day;
        n.last_day = day > n.last_day ? day : n.last_day;
    }
    return n;
}

static const fbk__purchase *
row_of(const fbk__purchases *p, uint32_t person)
{
    char email[40];
    fbk_identity_person who = FBK_IDENTITY_PERSON_INIT;

    (void)snprintf(email, sizeof email, "person%u@example.org", person);
    tk_assert_ok(db, fbk_identity_who(db, "email", email, FBK_TIME_NONE, &who));
    for (size_t i = 0; i < p->n; i++) {
        if (p->rows[i].profile == who.profile)
            return &p->rows[i];
    }
    return NULL;
}

static void
check_summary(fbk_time as_of, uint32_t include, bool separate)
{
    fbk__purchase_options o = {.as_of_us = as_of,
                               .identity_as_of_us = FBK_TIME_NONE,
                               .include_flags = include,
                               .separate_orders = separate};
    fbk__purchases p;
    size_t people = 0;

    tk_assert_ok(db, fbk__purchases_read(db, &o, &p));
    for (uint32_t i = 0; i < N_PEOPLE; i++) {
        naive n = naive_of(i, as_of, include);
        const fbk__purchase *row = row_of(&p, i);

        if (!row) {
            ck_assert(n.orders == 0 && n.returns == 0);
            continue;
        }
        people++;
        ck_assert_int_eq(row->revenue_micro, n.revenue);
        ck_assert_int_eq(row->returned_micro, n.returned);
        ck_assert_uint_eq(row->n_returns, n.returns);
        ck_assert_uint_eq(row->n_events, n.orders);
        ck_assert_uint_eq(row->n_orders, separate ? n.orders : n.days);
        if (n.orders == 0) {
            ck_assert_int_eq(row->first_us, FBK_TIME_NONE);
            continue;
        }
        ck_assert_int_eq(row->first_us, n.first);
        ck_assert_int_eq(row->last_us, n.last);
        ck_assert_int_eq(row->last_day, n.last_day);
    }
    ck_assert_uint_eq(people, p.n);
    fbk__purchases_free(&p);
}

START_TEST(summary_is_the_naive_one)
{
    fill_random();
    check_summary(START + 100 * DAY, 0, false);
    check_summary(START + 100 * DAY, 0, true);
    check_summary(START + 100 * DAY, 15, false);
    check_summary(START + 13 * DAY, FBK_FLAG_BUSINESS, false);
    check_summary(START + 13 * DAY + 1, 0, false);
    check_summary(START - DAY, 0, false);
}
END_TEST

START_TEST(one_person_is_what_the_table_says)
{
    fbk__purchase_options o = {.as_of_us = START + 20 * DAY, .identity_as_of_us = FBK_TIME_NONE};
    fbk__purchases all;
    fbk__purchases one;
    fbk__purchase row;

    fill_random();
    tk_assert_ok(db, fbk__purchases_read(db, &o, &all));
    ck_assert_uint_gt(all.n, 5);
    for (size_t i = 0; i < all.n; i++) {
        fbk__purchase want = all.rows[i];

        tk_assert_ok(db, fbk__purchases_of(db, want.profile, &o, &one, &row));
        want.first_entry = row.first_entry;
        ck_assert(memcmp(&want, &row, sizeof row) == 0);
        fbk__purchases_free(&one);
    }
    fbk__purchases_free(&all);
    tk_assert_fails(db, FBK_ERANGE, fbk__purchases_of(db, 0, &o, &one, &row));
    tk_assert_fails(db, FBK_ERANGE, fbk__purchases_of(db, 99999, &o, &one, &row));
    o.as_of_us = FBK_TIME_NONE;
    tk_assert_fails(db, FBK_EINVAL, fbk__purchases_read(db, &o, &one));
}
END_TEST

START_TEST(a_cut_is_an_earlier_table)
{
    fbk_time cut = START + 11 * DAY + DAY / 3;
    fbk__purchase_options o = {.as_of_us = START + 100 * DAY, .identity_as_of_us = FBK_TIME_NONE};
    fbk__purchases all;
    fbk__purchases before;

    fill_random();
    tk_assert_ok(db, fbk__purchases_read(db, &o, &all));
    o.as_of_us = cut;
    tk_assert_ok(db, fbk__purchases_read(db, &o, &before));
    for (size_t i = 0, k = 0; i < all.n; i++) {
        fbk__purchase row;
        uint32_t later;

        fbk__purchase_cut(&all, &all.rows[i], cut, &row, &later);
        ck_assert_uint_eq(row.n_orders + later, all.rows[i].n_orders);
        while (k < before.n && before.rows[k].profile < row.profile)
            k++;
        if (k == before.n || before.rows[k].profile != row.profile) {
            ck_assert_uint_eq(row.n_entries, 0);
            continue;
        }
        row.first_entry = before.rows[k].first_entry;
        ck_assert(memcmp(&row, &before.rows[k], sizeof row) == 0);
    }
    fbk__purchases_free(&all);
    fbk__purchases_free(&before);
}
END_TEST

/* -- rfm ---------------------------------------------------------------------------------------- */

START_TEST(rfm_scores_everybody_and_each)
{
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows;
    fbk_rfm_customer c = FBK_RFM_CUSTOMER_INIT;
    fbk_rfm_options bad = FBK_RFM_OPTIONS_INIT;
    fbk_time as_of = START + 40 * DAY;
    size_t n = 0;

    fill_random();
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_rfm_customer_get(db, 1, as_of, &c));
    tk_assert_ok(db, fbk_rfm_train(db, as_of, NULL));
    tk_assert_ok(db, fbk_rfm_score(db, as_of, NULL, &stream));
    tk_assert_ok(NULL, fbk_arrow_rows_open(&rows, &stream));
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        int64_t len;
        const char *segment = fbk_arrow_rows_text(&rows, 7, &len);

        tk_assert_ok(db,
                     fbk_rfm_customer_get(db, (uint64_t)fbk_arrow_rows_int64(&rows, 0), as_of, &c));
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 1), c.recency_days);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 2), (int64_t)c.frequency);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 3), c.monetary_micro);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 4), c.r);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 5), c.f);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 6), c.m);
        ck_assert(c.r >= 1 && c.r <= 5 && c.f >= 1 && c.f <= 5 && c.m >= 1 && c.m <= 5);
        ck_assert(strlen(c.segment) == (size_t)len && memcmp(c.segment, segment, (size_t)len) == 0);
        n++;
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_uint_gt(n, 5);
    bad.flags = 2;
    tk_assert_fails(db, FBK_EINVAL, fbk_rfm_train(db, as_of, &bad));
    bad.flags = 0;
    bad.include = 16;
    tk_assert_fails(db, FBK_EINVAL, fbk_rfm_score(db, as_of, &bad, &stream));
    bad.struct_size = 3;
    tk_assert_fails(db, FBK_EABI, fbk_rfm_score(db, as_of, &bad, &stream));
    tk_assert_fails(db, FBK_EINVAL, fbk_rfm_score(db, as_of, NULL, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_rfm_score(db, FBK_TIME_NONE, NULL, &stream));
    tk_assert_fails(db, FBK_ENODATA, fbk_rfm_train(db, START - DAY, NULL));
    ck_assert_int_eq(fbk_rfm_score(NULL, as_of, NULL, &stream), FBK_EINVAL);
}
END_TEST

START_TEST(nobody_gives_an_empty_table)
{
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows;

    tk_assert_ok(db, fbk_rfm_score(db, START, NULL, &stream));
    tk_assert_ok(NULL, fbk_arrow_rows_open(&rows, &stream));
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_DONE);
    fbk_arrow_rows_close(&rows);
    tk_assert_fails(db, FBK_ENODATA, fbk_clv_train(db, START, NULL, NULL));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_clv_predict(db, START, NULL, &stream));
}
END_TEST

/* -- clv ---------------------------------------------------------------------------------------- */

static uint32_t
intern(fbk__intern *t, const char *text)
{
    return fbk__intern_add(t, text, strlen(text));
}

static void
sim_order(fbk__batch *b, uint32_t customer, uint32_t order, fbk_time us, int64_t micro)
{
    fbk__batch_event *e = fbk__batch_add_event(b);
    fbk__batch_line *line = fbk__batch_add_line(b);
    fbk__batch_ident *ident = fbk__batch_add_ident(b);
    char text[48];

    ck_assert(e && line && ident);
    (void)snprintf(text, sizeof text, "%u/%u", customer, order);
    tk_assert_ok(db, fbk__batch_text(b, text, strlen(text), &e->id));
    e->occurred_us = us;
    e->kind = intern(&b->words, "sale");
    e->source = intern(&b->words, "sim");
    e->channel = e->currency = intern(&b->words, "");
    e->place = intern(&b->places, "");
    line->item = intern(&b->items, "thing");
    line->quantity_milli = 1000;
    line->amount_micro = micro;
    (void)snprintf(text, sizeof text, "c%u", customer);
    ident->space = intern(&b->words, "loyalty");
    tk_assert_ok(db, fbk__batch_text(b, text, strlen(text), &ident->value));
    tk_assert_ok(db, fbk__event_validate_last(db, b));
}

/* n customers who join over a year and buy by the model for up to two; returns the orders. */
static uint32_t
simulate(uint32_t n, bool drop_out)
{
    fbk__append_counts counts;
    fbk__batch b;
    fbk__rng g;
    uint32_t total = 0;

    fbk__rng_seed(&g, 77);
    fbk__batch_init(&b, NULL);
    for (uint32_t c = 0; c < n; c++) {
        double rate = fbk__rng_gamma(&g, 0.9) / 45.0;
        double drop = drop_out ? fbk__rng_beta(&g, 1.0, 3.0) : 0.0;
        double at = 365.0 * fbk__rng_double(&g);
        double scale = 60.0 / fbk__rng_gamma(&g, 4.0);

        for (uint32_t k = 0; at < 730.0; k++) {
            double spent = fbk__rng_gamma(&g, 6.0) * scale;

            sim_order(&b, c, k, START + (fbk_time)(at * (double)DAY), (int64_t)(spent * 1e6) + 1);
            total++;
            if (k > 0 && fbk__rng_double(&g) < drop)
                break;
            at += fbk__rng_exponential(&g) / rate;
        }
    }
    tk_assert_ok(db, fbk__event_append_batch(db, &b, NULL, &counts));
    ck_assert_uint_eq(counts.added, total);
    fbk__batch_free(&b);
    return total;
}

START_TEST(clv_is_trained_from_the_log)
{
    fbk_clv_report r = FBK_CLV_REPORT_INIT;
    fbk_clv_customer c = FBK_CLV_CUSTOMER_INIT;
    fbk_clv_predict_options opt = FBK_CLV_PREDICT_OPTIONS_INIT;
    fbk_time as_of = START + 730 * DAY;
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows;
    uint32_t total = simulate(3000, true);
    size_t n = 0;

    tk_assert_ok(db, fbk_clv_train(db, as_of, NULL, &r));
    ck_assert_uint_eq(r.status, FBK_CLV_FULL);
    ck_assert_uint_eq(r.n_customers, 3000);
    ck_assert_uint_eq(r.n_spenders, 3000);
    ck_assert_uint_le(r.n_repeats, total - 3000); /* some fell on one day */
    ck_assert_double_eq_tol(r.r, 0.9, 0.15);
    ck_assert_double_eq_tol(r.alpha_days, 45.0, 9.0);
    ck_assert_double_eq_tol(r.a / (r.a + r.b), 0.25, 0.04);
    ck_assert_double_eq_tol(r.spend_p, 6.0, 0.8);
    ck_assert_double_eq_tol(r.spend_q, 4.0, 0.6);
    ck_assert(r.holdout_days == 182.0 && r.holdout_n > 2500);
    ck_assert(r.holdout_mae < 0.85 * r.holdout_naive);
    ck_assert_double_eq_tol(r.holdout_expected / r.holdout_orders, 1.0, 0.1);
    opt.discount_yearly = 0.1;
    tk_assert_ok(db, fbk_clv_predict(db, as_of, &opt, &stream));
    tk_assert_ok(NULL, fbk_arrow_rows_open(&rows, &stream));
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        int64_t len;
        const char *status = fbk_arrow_rows_text(&rows, 8, &len);
        double expected = fbk_arrow_rows_double(&rows, 5);
        double worth = expected * (double)fbk_arrow_rows_int64(&rows, 6);

        n++;
        ck_assert(isfinite(expected) && expected >= 0.0);
        ck_assert(!fbk_arrow_rows_null(&rows, 4));
        ck_assert_int_eq(len > 0, fbk_arrow_rows_int64(&rows, 1) == 1);
        ck_assert(len == 0 || strncmp(status, "one order", 9) == 0);
        ck_assert((double)fbk_arrow_rows_int64(&rows, 7) <= worth + 2.0 &&
                  (double)fbk_arrow_rows_int64(&rows, 7) >= worth / 1.1 - 2.0);
        if (n % 100)
            continue;
        tk_assert_ok(db, fbk_clv_customer_get(db, (uint64_t)fbk_arrow_rows_int64(&rows, 0), as_of,
                                              &opt, &c));
        ck_assert(c.p_alive == fbk_arrow_rows_double(&rows, 4) && c.expected_orders == expected);
        ck_assert_int_eq(c.expected_value_micro, fbk_arrow_rows_int64(&rows, 7));
        ck_assert_int_eq((int64_t)c.n_orders, fbk_arrow_rows_int64(&rows, 1));
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_uint_eq(n, 3000);
}
END_TEST

START_TEST(clv_without_dropout_says_so)
{
    fbk_clv_report r = FBK_CLV_REPORT_INIT;
    fbk_clv_train_options opt = FBK_CLV_TRAIN_OPTIONS_INIT;
    fbk_clv_predict_options named = FBK_CLV_PREDICT_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows;
    int64_t len;

    (void)simulate(800, false);
    opt.flags = FBK_CLV_NO_HOLDOUT;
    opt.name = named.name = "flat";
    tk_assert_ok(db, fbk_clv_train(db, START + 730 * DAY, &opt, &r));
    ck_assert_uint_eq(r.status, FBK_CLV_NO_DROPOUT);
    ck_assert(r.a == 0.0 && r.holdout_days == 0.0 && r.holdout_n == 0);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_clv_predict(db, START + 730 * DAY, NULL, &stream));
    tk_assert_ok(db, fbk_clv_predict(db, START + 730 * DAY, &named, &stream));
    tk_assert_ok(NULL, fbk_arrow_rows_open(&rows, &stream));
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_OK);
    ck_assert(fbk_arrow_rows_null(&rows, 4));
    ck_assert_int_eq(strncmp(fbk_arrow_rows_text(&rows, 8, &len), "no dropout identifiable", 23),
                     0);
    ck_assert_int_eq(len, 23);
    fbk_arrow_rows_close(&rows);
}
END_TEST

START_TEST(clv_of_odd_stores)
{
    fbk_clv_report r = FBK_CLV_REPORT_INIT;
    fbk_clv_customer c = FBK_CLV_CUSTOMER_INIT;
    fbk__append_counts counts;
    fbk__batch b;

    /* One order each, all of one day; then a person who only ever sent back. */
    fbk__batch_init(&b, NULL);
    for (uint32_t i = 0; i < 20; i++)
        sim_order(&b, i, 0, START + i, 5000000);
    sim_order(&b, 99, 0, START, -5000000);
    tk_assert_ok(db, fbk__event_append_batch(db, &b, NULL, &counts));
    fbk__batch_free(&b);
    tk_assert_ok(db, fbk_clv_train(db, START + DAY / 2, NULL, &r));
    ck_assert_uint_eq(r.status, FBK_CLV_NO_REPEAT);
    ck_assert_uint_eq(r.n_customers, 20);
    tk_assert_ok(db, fbk_clv_customer_get(db, 1, START + DAY / 2, NULL, &c));
    ck_assert(c.expected_orders == 0.0 && c.expected_value_micro == 0 && c.n_orders == 1);
    ck_assert_int_eq(c.order_value_micro / 100000, 50);
    tk_assert_ok(db, fbk_clv_customer_get(db, 21, START + DAY, NULL, &c));
    ck_assert(c.n_orders == 0 && c.first_us == FBK_TIME_NONE && c.revenue_micro == -5000000);
    tk_assert_fails(db, FBK_ERANGE, fbk_clv_customer_get(db, 22, START + DAY, NULL, &c));
}
END_TEST

START_TEST(wrong_calls_are_refused)
{
    fbk_clv_train_options opt = FBK_CLV_TRAIN_OPTIONS_INIT;
    fbk_clv_predict_options ask = FBK_CLV_PREDICT_OPTIONS_INIT;
    fbk_clv_report r = FBK_CLV_REPORT_INIT;
    fbk_clv_customer c = FBK_CLV_CUSTOMER_INIT;
    struct ArrowArrayStream stream;
    char longer[64];

    (void)simulate(50, true);
    opt.flags = 4;
    tk_assert_fails(db, FBK_EINVAL, fbk_clv_train(db, START + 730 * DAY, &opt, NULL));
    opt.flags = 0;
    opt.holdout_days = 0.5;
    tk_assert_fails(db, FBK_ERANGE, fbk_clv_train(db, START + 730 * DAY, &opt, NULL));
    opt.holdout_days = NAN;
    tk_assert_fails(db, FBK_ERANGE, fbk_clv_train(db, START + 730 * DAY, &opt, NULL));
    opt.holdout_days = 0.0;
    memset(longer, 'n', sizeof longer);
    longer[63] = '\0';
    opt.name = longer;
    tk_assert_fails(db, FBK_EINVAL, fbk_clv_train(db, START + 730 * DAY, &opt, NULL));
    opt.name = NULL;
    r.struct_size = 8;
    tk_assert_fails(db, FBK_EABI, fbk_clv_train(db, START + 730 * DAY, &opt, &r));
    tk_assert_fails(db, FBK_EINVAL, fbk_clv_train(db, FBK_TIME_NONE, &opt, NULL));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_clv_predict(db, START, NULL, &stream));
    tk_assert_ok(db, fbk_clv_train(db, START + 730 * DAY, &opt, NULL));
    ask.horizon_days = -1.0;
    tk_assert_fails(db, FBK_ERANGE, fbk_clv_predict(db, START, &ask, &stream));
    ask.horizon_days = 0.0;
    ask.discount_yearly = 11.0;
    tk_assert_fails(db, FBK_ERANGE, fbk_clv_customer_get(db, 1, START, &ask, &c));
    ask.discount_yearly = 0.0;
    ask.flags = 1;
    tk_assert_fails(db, FBK_EINVAL, fbk_clv_predict(db, START, &ask, &stream));
    tk_assert_fails(db, FBK_EINVAL, fbk_clv_predict(db, START, NULL, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_clv_customer_get(db, 1, START, NULL, NULL));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("value");
    TCase *tc = tcase_create("value");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, summary_is_the_naive_one);
    tcase_add_test(tc, one_person_is_what_the_table_says);
    tcase_add_test(tc, a_cut_is_an_earlier_table);
    tcase_add_test(tc, rfm_scores_everybody_and_each);
    tcase_add_test(tc, nobody_gives_an_empty_table);
    tcase_add_test(tc, clv_is_trained_from_the_log);
    tcase_add_test(tc, clv_without_dropout_says_so);
    tcase_add_test(tc, clv_of_odd_stores);
    tcase_add_test(tc, wrong_calls_are_refused);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
