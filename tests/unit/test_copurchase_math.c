/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/copurchase_math.h"

#include "base/hash.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/tk.h"

/* Random rows, the counts of a slow and simple implementation, and ours. */

enum { MAX_ITEM = 12, MAX_PERSON = 6, MAX_PLACE = 3, MAX_ROWS = 2000 };

typedef struct rows {
    size_t n;
    uint64_t event[MAX_ROWS];
    uint32_t person[MAX_ROWS];
    uint32_t place[MAX_ROWS];
    uint32_t item[MAX_ROWS];
} rows;

static void
rows_make(rows *r, uint64_t seed, uint64_t n_events)
{
    fbk__rng rng;

    fbk__rng_seed(&rng, seed);
    r->n = 0;
    for (uint64_t event = 1; event <= n_events; event++) {
        uint32_t person = (uint32_t)fbk__rng_below(&rng, MAX_PERSON + 1);
        uint32_t place = (uint32_t)fbk__rng_below(&rng, MAX_PLACE + 1);
        uint64_t n_lines = 1 + fbk__rng_below(&rng, event % 17 == 0 ? 40 : 6);

        for (uint64_t i = 0; i < n_lines; i++) {
            r->event[r->n] = event;
            r->person[r->n] = person;
            r->place[r->n] = place;
            /* Item 5 never comes, 0 is a row that does not count. */
            r->item[r->n] = (uint32_t)fbk__rng_below(&rng, MAX_ITEM + 1);
            r->item[r->n] = r->item[r->n] == 5 ? 0 : r->item[r->n] * (1 + r->item[r->n] / 7 * 99);
            r->n++;
        }
    }
}

/* Does event e hold item i? The rows of an event are neighbours. */
static bool
holds(const rows *r, uint64_t event, uint32_t item)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->event[i] == event && r->item[i] == item)
            return true;
    }
    return false;
}

/* Orders and people with both items (the same twice: with the item), at one place or any. */
static void
naive(const rows *r, uint32_t x, uint32_t y, int64_t place, uint32_t *orders, uint32_t *people)
{
    bool seen[MAX_PERSON + 1] = {false};

    *orders = 0;
    *people = 0;
    for (size_t i = 0; i < r->n; i++) {
        if ((i > 0 && r->event[i] == r->event[i - 1]) ||
            (place >= 0 && r->place[i] != (uint32_t)place) || !holds(r, r->event[i], x) ||
            !holds(r, r->event[i], y))
            continue;
        ++*orders;
        *people += r->person[i] == 0 || !seen[r->person[i]];
        seen[r->person[i]] = true;
    }
}

static void
add_slice(fbk__baskets *b, const rows *r, size_t from, size_t to)
{
    fbk__basket_rows slice = {to - from, r->event + from, r->person + from, r->place + from,
                              r->item + from};

    ck_assert_int_eq(fbk__baskets_add(b, &slice), FBK_OK);
}

typedef struct seen_pairs {
    const rows *r;
    const fbk__orders *o;
    uint32_t next_row;
    size_t n_pairs;
    uint32_t min_people;
    uint32_t shrink_milli;
} seen_pairs;

static void
check_order(const seen_pairs *s, uint32_t number, const fbk__partner *p, size_t i, size_t n_served)
{
    double before, now;

    if (i == 0 || i == n_served)
        return;
    if (i > n_served) {
        ck_assert_uint_lt(p[i - 1].number, p[i].number);
        return;
    }
    before = fbk__copurchase_score(s->o->item_people[number], s->o->item_people[p[i - 1].number],
                                   p[i - 1].people, s->shrink_milli);
    now = fbk__copurchase_score(s->o->item_people[number], s->o->item_people[p[i].number],
                                p[i].people, s->shrink_milli);
    ck_assert(before > now || (before == now && p[i - 1].number < p[i].number));
}

static fbk_status
check_row(void *user_data, uint32_t number, const fbk__partner *p, size_t n_served, size_t n)
{
    seen_pairs *s = user_data;

    ck_assert_uint_eq(number, s->next_row++);
    s->n_pairs += n;
    for (size_t i = 0; i < n; i++) {
        uint32_t orders, people;

        naive(s->r, s->o->item[number], s->o->item[p[i].number], -1, &orders, &people);
        ck_assert_uint_gt(orders, 0);
        ck_assert_uint_eq(p[i].orders, orders);
        ck_assert_uint_eq(p[i].people, people);
        ck_assert_int_eq(i < n_served, people >= s->min_people);
        check_order(s, number, p, i, n_served);
    }
    return FBK_OK;
}

static fbk_status
check_place(void *user_data, uint32_t place, uint32_t n_orders, uint32_t n_people,
            const fbk__partner *items, size_t n)
{
    const seen_pairs *s = user_data;
    uint32_t total = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t id = s->o->item[items[i].number], orders, people;

        naive(s->r, id, id, place, &orders, &people);
        ck_assert_uint_eq(items[i].orders, orders);
        ck_assert_uint_eq(items[i].people, people);
        ck_assert(i == 0 || items[i - 1].people >= people);
        ck_assert_uint_le(people, n_people);
        total = orders > total ? orders : total;
    }
    ck_assert_uint_ge(n_orders, total);
    return FBK_OK;
}

START_TEST(counts_are_those_of_a_naive_count)
{
    static rows r;
    fbk__baskets b;
    fbk__orders o;
    seen_pairs s = {.r = &r, .o = &o, .min_people = 1 + (uint32_t)_i % 4, .shrink_milli = 2500};
    fbk__pairs_options opt = {s.min_people, s.shrink_milli, check_row, &s};
    size_t n_pairs = 0;

    rows_make(&r, 100 + (uint64_t)_i, 3 + 20 * (uint64_t)_i);
    fbk__baskets_init(&b, NULL, 0);
    add_slice(&b, &r, 0, r.n);
    fbk__baskets_close(&b);
    ck_assert_int_eq(fbk__orders_make(&b, 0, &o), FBK_OK);
    ck_assert_int_eq(fbk__pairs_count(&o, &opt), FBK_OK);
    ck_assert_uint_eq(s.next_row, o.n_items);
    for (uint32_t x = 0; x < o.n_items; x++) {
        uint32_t orders, people;

        naive(&r, o.item[x], o.item[x], -1, &orders, &people);
        ck_assert_uint_eq(o.item_start[x + 1] - o.item_start[x], orders);
        ck_assert_uint_eq(o.item_people[x], people);
        for (uint32_t y = 0; y < o.n_items; y++) {
            naive(&r, o.item[x], o.item[y], -1, &orders, &people);
            n_pairs += x != y && orders > 0;
        }
    }
    ck_assert_uint_eq(s.n_pairs, n_pairs);
    ck_assert_int_eq(fbk__places_count(&o, check_place, &s), FBK_OK);
    fbk__orders_free(&o);
    fbk__baskets_free(&b);
}
END_TEST

typedef struct digest {
    uint64_t h;
} digest;

static fbk_status
digest_row(void *user_data, uint32_t number, const fbk__partner *p, size_t n_served, size_t n)
{
    digest *d = user_data;

    d->h = fbk__mix64(d->h ^ number) + fbk__hash64(p, n * sizeof *p) + n_served;
    return FBK_OK;
}

static fbk_status
digest_place(void *user_data, uint32_t place, uint32_t n_orders, uint32_t n_people,
             const fbk__partner *items, size_t n)
{
    digest *d = user_data;

    d->h = fbk__mix64(d->h ^ place ^ n_orders * 3u ^ n_people * 7u) +
           fbk__hash64(items, n * sizeof *items);
    return FBK_OK;
}

static uint64_t
digest_of(fbk__baskets *b)
{
    digest d = {1};
    fbk__pairs_options opt = {2, 1000, digest_row, &d};
    fbk__orders o;

    fbk__baskets_close(b);
    ck_assert_int_eq(fbk__orders_make(b, 0, &o), FBK_OK);
    ck_assert_int_eq(fbk__pairs_count(&o, &opt), FBK_OK);
    ck_assert_int_eq(fbk__places_count(&o, digest_place, &d), FBK_OK);
    d.h = fbk__mix64(d.h ^ o.n_people) ^ o.n_anonymous;
    fbk__orders_free(&o);
    return d.h;
}

/* Cut the rows anywhere into chunks, and the events anyhow into parts that are merged in any order. */
START_TEST(cutting_and_merging_change_nothing)
{
    static rows r;
    fbk__baskets whole, parts[3], sum;
    fbk__rng rng;
    uint64_t want;

    rows_make(&r, 7 + (uint64_t)_i, 150);
    fbk__rng_seed(&rng, (uint64_t)_i);
    fbk__baskets_init(&whole, NULL, 0);
    for (size_t at = 0; at < r.n;) {
        size_t to = at + 1 + (size_t)fbk__rng_below(&rng, 9);

        to = to < r.n ? to : r.n;
        add_slice(&whole, &r, at, to);
        at = to;
    }
    want = digest_of(&whole);
    for (int k = 0; k < 3; k++)
        fbk__baskets_init(&parts[k], NULL, 0);
    for (size_t at = 0; at < r.n;) {
        size_t to = at;

        while (to < r.n && r.event[to] == r.event[at])
            to++;
        add_slice(&parts[fbk__rng_below(&rng, 3)], &r, at, to);
        at = to;
    }
    fbk__baskets_init(&sum, NULL, 0);
    for (int k = 0; k < 3; k++) {
        fbk__baskets_close(&parts[(k + _i) % 3]);
        ck_assert_int_eq(fbk__baskets_merge(&sum, &parts[(k + _i) % 3]), FBK_OK);
    }
    ck_assert_uint_eq(digest_of(&sum), want);
    ck_assert_uint_eq(sum.n_events, 150);
    ck_assert_uint_eq(sum.first_event, 1);
    ck_assert_uint_eq(sum.last_event, 150);
    for (int k = 0; k < 3; k++)
        fbk__baskets_free(&parts[k]);
    fbk__baskets_free(&sum);
    fbk__baskets_free(&whole);
}
END_TEST

START_TEST(empty_input_has_no_items)
{
    fbk__baskets b;
    digest d = {0};
    fbk__pairs_options opt = {1, 0, digest_row, &d};
    fbk__orders o;

    fbk__baskets_init(&b, NULL, 0);
    fbk__baskets_close(&b);
    ck_assert_int_eq(fbk__orders_make(&b, 0, &o), FBK_OK);
    ck_assert_uint_eq(o.n_items, 0);
    ck_assert_uint_eq(o.n_people, 0);
    ck_assert_int_eq(fbk__pairs_count(&o, &opt), FBK_OK);
    ck_assert_int_eq(fbk__places_count(&o, digest_place, &d), FBK_OK);
    ck_assert_uint_eq(d.h, 0);
    fbk__orders_free(&o);
    fbk__baskets_free(&b);
}
END_TEST

START_TEST(a_budget_is_kept)
{
    static rows r;
    fbk__baskets b;
    fbk__orders o;
    fbk__basket_rows all = {0, r.event, r.person, r.place, r.item};

    rows_make(&r, 3, 200);
    all.n = r.n;
    fbk__baskets_init(&b, NULL, 512);
    ck_assert_int_eq(fbk__baskets_add(&b, &all), FBK_ETOOBIG);
    fbk__baskets_free(&b);
    fbk__baskets_init(&b, NULL, 0);
    ck_assert_int_eq(fbk__baskets_add(&b, &all), FBK_OK);
    fbk__baskets_close(&b);
    ck_assert_int_eq(fbk__orders_make(&b, 100, &o), FBK_ETOOBIG);
    ck_assert_int_eq(fbk__orders_make(&b, 1 << 20, &o), FBK_OK);
    fbk__orders_free(&o);
    fbk__baskets_free(&b);
}
END_TEST

static fbk_status
stop_row(void *user_data, uint32_t number, const fbk__partner *p, size_t n_served, size_t n)
{
    (void)user_data;
    (void)p;
    (void)n_served;
    (void)n;
    return number == 2 ? FBK_ECANCELLED : FBK_OK;
}

static fbk_status
everything(const rows *r, const fbk_allocator *a)
{
    digest d = {0};
    fbk__pairs_options opt = {1, 0, digest_row, &d};
    fbk__basket_rows all = {r->n, r->event, r->person, r->place, r->item};
    fbk__baskets b, sum;
    fbk__orders o = {0};
    fbk_status rc;

    fbk__baskets_init(&b, a, 0);
    fbk__baskets_init(&sum, a, 0);
    rc = fbk__baskets_add(&b, &all);
    fbk__baskets_close(&b);
    if (rc == FBK_OK)
        rc = fbk__baskets_merge(&sum, &b);
    if (rc == FBK_OK)
        rc = fbk__orders_make(&sum, 0, &o);
    if (rc == FBK_OK)
        rc = fbk__pairs_count(&o, &opt);
    if (rc == FBK_OK)
        rc = fbk__places_count(&o, digest_place, &d);
    if (o.a)
        fbk__orders_free(&o);
    fbk__baskets_free(&b);
    fbk__baskets_free(&sum);
    return rc;
}

START_TEST(every_allocation_may_fail)
{
    static rows r;
    tk_alloc a;
    fbk_status rc = FBK_ENOMEM;

    rows_make(&r, 1, 60);
    for (int64_t k = 0; rc != FBK_OK; k++) {
        tk_alloc_init(&a);
        a.fail_at = k;
        rc = everything(&r, &a.allocator);
        ck_assert(rc == FBK_OK || rc == FBK_ENOMEM);
        ck_assert_int_eq(a.n_live, 0);
        ck_assert_int_lt(k, 1000);
    }
    ck_assert_int_gt(a.n_calls, 15);
}
END_TEST

START_TEST(a_callback_stops_the_count)
{
    static rows r;
    fbk__pairs_options opt = {1, 0, stop_row, NULL};
    fbk__baskets b;
    fbk__orders o;

    rows_make(&r, 1, 60);
    fbk__baskets_init(&b, NULL, 0);
    add_slice(&b, &r, 0, r.n);
    fbk__baskets_close(&b);
    ck_assert_int_eq(fbk__orders_make(&b, 0, &o), FBK_OK);
    ck_assert_int_eq(fbk__pairs_count(&o, &opt), FBK_ECANCELLED);
    fbk__orders_free(&o);
    fbk__baskets_free(&b);
}
END_TEST

/* llr of Dunning 1993, table 1 (bigram "the swiss": 110, 2442, 111, 29114): 270.72. The others by
 * hand; of pure chance all measures say so. */
static const struct {
    double n, a, b, ab;
    double lift, leverage, cosine, jaccard, llr, llr_tol;
} measure_cases[] = {
    {31777, 2552, 221, 110, 6.1977298, .00290309235, .146472540, .0413067968, 270.72, .01},
    {100, 10, 20, 2, 1.0, 0.0, .141421356, .071428571, 0.0, 1e-9},
    {100, 10, 10, 10, 10.0, .09, 1.0, 1.0, 65.0165946, 1e-6},
    {100, 50, 50, 0, 0.0, -.25, 0.0, 0.0, -138.629436, 1e-6},
    {10, 10, 10, 10, 1.0, 0.0, 1.0, 1.0, 0.0, 1e-12},
};

START_TEST(measures_are_right)
{
    fbk__measures m;

    fbk__measures_of(measure_cases[_i].n, measure_cases[_i].a, measure_cases[_i].b,
                     measure_cases[_i].ab, &m);
    ck_assert_double_eq_tol(m.support, measure_cases[_i].ab / measure_cases[_i].n, 1e-15);
    ck_assert_double_eq_tol(m.confidence, measure_cases[_i].ab / measure_cases[_i].a, 1e-15);
    ck_assert_double_eq_tol(m.lift, measure_cases[_i].lift, 1e-6);
    ck_assert_double_eq_tol(m.leverage, measure_cases[_i].leverage, 1e-7);
    ck_assert_double_eq_tol(m.cosine, measure_cases[_i].cosine, 1e-7);
    ck_assert_double_eq_tol(m.jaccard, measure_cases[_i].jaccard, 1e-7);
    ck_assert_double_eq_tol(m.llr, measure_cases[_i].llr, measure_cases[_i].llr_tol);
}
END_TEST

START_TEST(scores_shrink_what_few_people_did)
{
    ck_assert_double_eq_tol(fbk__copurchase_score(4, 9, 3, 0), .5, 1e-15);
    ck_assert_double_eq_tol(fbk__copurchase_score(4, 9, 3, 3000), .25, 1e-15);
    ck_assert(fbk__copurchase_score(4, 9, 0, 0) == 0.0);
    ck_assert(fbk__copurchase_score(2, 2, 2, 5000) < fbk__copurchase_score(400, 400, 390, 5000));
    ck_assert_double_eq_tol(fbk__confidence_smoothed(100, 10, 20, 8, 0), .8, 1e-15);
    ck_assert_double_eq_tol(fbk__confidence_smoothed(100, 10, 20, 8, 10), .5, 1e-15);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("copurchase_math");
    TCase *tc = tcase_create("core");

    tcase_add_loop_test(tc, counts_are_those_of_a_naive_count, 0, 12);
    tcase_add_loop_test(tc, cutting_and_merging_change_nothing, 0, 20);
    tcase_add_test(tc, empty_input_has_no_items);
    tcase_add_test(tc, a_budget_is_kept);
    tcase_add_test(tc, a_callback_stops_the_count);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_loop_test(tc, measures_are_right, 0,
                        (int)(sizeof measure_cases / sizeof measure_cases[0]));
    tcase_add_test(tc, scores_shrink_what_few_people_did);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
