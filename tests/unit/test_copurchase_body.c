/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/copurchase_body.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

#include "support/tk.h"

/* Random baskets, written and read back: what is read is what was counted. */

typedef struct made {
    fbk__baskets b;
    fbk__orders o;
    fbk__itemsets sets;
    fbk__copurchase_write how;
    fbk__buf body;
} made;

static void
make(made *m, uint64_t seed, uint32_t n_events)
{
    fbk__itemset_options opt = {.min_orders = 3, .min_size = 3, .max_size = 5};
    fbk__itemset_input in;
    fbk__rng rng;

    fbk__rng_seed(&rng, seed);
    fbk__baskets_init(&m->b, NULL, 0);
    for (uint64_t event = 1; event <= n_events; event++) {
        uint32_t person = (uint32_t)fbk__rng_below(&rng, 30);
        uint32_t place = (uint32_t)fbk__rng_below(&rng, 4) * 1000;

        for (uint64_t i = fbk__rng_below(&rng, 9); i > 0; i--) {
            uint32_t item = 1 + (uint32_t)(fbk__rng_below(&rng, 7) * (1 + fbk__rng_below(&rng, 5)));
            fbk__basket_rows row = {1, &event, &person, &place, &item};

            ck_assert_int_eq(fbk__baskets_add(&m->b, &row), FBK_OK);
        }
    }
    fbk__baskets_close(&m->b);
    ck_assert_int_eq(fbk__orders_make(&m->b, 0, &m->o), FBK_OK);
    in = (fbk__itemset_input){m->o.n_items,     m->o.n,     m->o.item_start,
                              m->o.item_orders, m->o.start, m->o.items};
    ck_assert_int_eq(fbk__itemsets_mine(NULL, &in, &opt, &m->sets), FBK_OK);
    m->how = (fbk__copurchase_write){
        .min_people = 2, .shrink_milli = 1500, .max_set = 5, .set_min_orders = 3};
    fbk__buf_init(&m->body, NULL);
    ck_assert_int_eq(fbk__copurchase_write_body(&m->o, &m->sets, &m->how, &m->body), FBK_OK);
}

static void
unmake(made *m)
{
    fbk__buf_free(&m->body);
    fbk__itemsets_free(&m->sets);
    fbk__orders_free(&m->o);
    fbk__baskets_free(&m->b);
}

static void *
copy_of(const void *bytes, size_t len)
{
    void *copy = malloc(len + 1);

    ck_assert_ptr_nonnull(copy);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

typedef struct both {
    const fbk__copurchase *cp;
    uint64_t n;
} both;

static void
same_partners(fbk__partners *it, const fbk__partner *p, size_t n)
{
    fbk__partner got;

    for (size_t i = 0; i < n; i++) {
        ck_assert(fbk__partners_next(it, &got));
        ck_assert_uint_eq(got.number, p[i].number);
        ck_assert_uint_eq(got.orders, p[i].orders);
        ck_assert_uint_eq(got.people, p[i].people);
    }
    ck_assert(!fbk__partners_next(it, &got));
    ck_assert(!it->r.bad && it->r.p == it->r.end);
}

static fbk_status
same_row(void *user_data, uint32_t number, const fbk__partner *p, size_t n_served, size_t n)
{
    both *x = user_data;
    fbk__partners it;

    fbk__partners_of(x->cp, number, &it);
    ck_assert_uint_eq(it.served_left, n_served);
    same_partners(&it, p, n);
    x->n += n;
    return FBK_OK;
}

static fbk_status
same_place(void *user_data, uint32_t place, uint32_t n_orders, uint32_t n_people,
           const fbk__partner *items, size_t n)
{
    both *x = user_data;
    uint64_t orders, people;
    fbk__partners it;

    ck_assert(fbk__place_popular(x->cp, place, &orders, &people, &it));
    ck_assert_uint_eq(orders, n_orders);
    ck_assert_uint_eq(people, n_people);
    same_partners(&it, items, n);
    return FBK_OK;
}

START_TEST(what_was_written_is_read)
{
    fbk__copurchase cp;
    both x = {&cp, 0};
    made m;
    fbk__pairs_options opt = {2, 1500, same_row, &x};
    uint64_t orders, people;
    fbk__partners it;

    make(&m, (uint64_t)_i, 5 + 60 * (uint32_t)_i);
    ck_assert_int_eq(fbk__copurchase_open(&cp, NULL, copy_of(m.body.data, m.body.len), m.body.len),
                     FBK_OK);
    ck_assert_uint_eq(cp.n_orders, m.o.n);
    ck_assert_uint_eq(cp.n_people, m.o.n_people);
    ck_assert_uint_eq(cp.n_anonymous, m.o.n_anonymous);
    ck_assert_uint_eq(cp.n_items, m.o.n_items);
    for (uint32_t i = 0; i < cp.n_items; i++) {
        ck_assert_uint_eq(cp.item[i], m.o.item[i]);
        ck_assert_uint_eq(cp.people[i], m.o.item_people[i]);
        ck_assert_uint_eq(cp.orders[i], m.o.item_start[i + 1] - m.o.item_start[i]);
        ck_assert_uint_eq(fbk__copurchase_find(&cp, cp.item[i]), i);
    }
    for (uint32_t i = 1; i < cp.n_items; i++) {
        uint32_t p = cp.popular[i - 1], q = cp.popular[i];

        ck_assert(cp.people[p] > cp.people[q] ||
                  (cp.people[p] == cp.people[q] &&
                   (cp.orders[p] > cp.orders[q] || (cp.orders[p] == cp.orders[q] && p < q))));
    }
    ck_assert_uint_eq(fbk__copurchase_find(&cp, 0), UINT32_MAX);
    ck_assert_uint_eq(fbk__copurchase_find(&cp, 4000000000u), UINT32_MAX);
    ck_assert_int_eq(fbk__pairs_count(&m.o, &opt), FBK_OK);
    ck_assert_uint_eq(x.n, 2 * m.how.n_pairs);
    ck_assert_int_eq(fbk__places_count(&m.o, same_place, &x), FBK_OK);
    ck_assert(!fbk__place_popular(&cp, 77, &orders, &people, &it));
    ck_assert_uint_eq(cp.n_sets, m.sets.n);
    ck_assert_int_eq(memcmp(cp.set_start, m.sets.start, (cp.n_sets + 1) * sizeof *cp.set_start), 0);
    if (cp.n_sets) {
        ck_assert_int_eq(
            memcmp(cp.set_items, m.sets.items, m.sets.start[cp.n_sets] * sizeof *cp.set_items), 0);
        ck_assert_int_eq(memcmp(cp.set_orders, m.sets.orders, cp.n_sets * sizeof *cp.set_orders),
                         0);
    }
    ck_assert(_i < 3 || cp.n_sets > 0);
    fbk__copurchase_free(&cp);
    unmake(&m);
}
END_TEST

/* Walk over everything that a body offers; must end, and stay within it. */
static void
use(const fbk__copurchase *cp)
{
    fbk__partner p;
    fbk__partners it;
    uint64_t orders, people;

    for (uint32_t i = 0; i < cp->n_items; i++) {
        fbk__partners_of(cp, i, &it);
        while (fbk__partners_next(&it, &p))
            ck_assert_uint_lt(p.number, cp->n_items);
    }
    for (uint32_t i = 0; i < cp->n_places; i++) {
        if (fbk__place_popular(cp, cp->place[i], &orders, &people, &it)) {
            while (fbk__partners_next(&it, &p))
                ck_assert_uint_lt(p.number, cp->n_items);
        }
    }
}

static void
try_open(const fbk__buf *body, size_t len, size_t *n_refused)
{
    fbk__copurchase cp;
    void *copy = copy_of(body->data, len);
    fbk_status rc = fbk__copurchase_open(&cp, NULL, copy, len);

    ck_assert(rc == FBK_OK || rc == FBK_ECORRUPT);
    if (rc == FBK_OK) {
        use(&cp);
        fbk__copurchase_free(&cp);
    } else {
        free(copy);
        ++*n_refused;
    }
}

START_TEST(damaged_bytes_do_no_harm)
{
    size_t n_refused = 0;
    made m;

    make(&m, 5, 30);
    for (size_t len = 0; len < m.body.len; len++)
        try_open(&m.body, len, &n_refused);
    ck_assert_uint_eq(n_refused, m.body.len);
    for (size_t bit = 0; bit < 8 * m.body.len; bit++) {
        m.body.data[bit / 8] = (char)(m.body.data[bit / 8] ^ 1 << bit % 8);
        try_open(&m.body, m.body.len, &n_refused);
        m.body.data[bit / 8] = (char)(m.body.data[bit / 8] ^ 1 << bit % 8);
    }
    ck_assert_uint_gt(n_refused, m.body.len + 100);
    unmake(&m);
}
END_TEST

static fbk_status
write_and_open(made *m, const fbk_allocator *a)
{
    fbk__copurchase cp;
    fbk__buf body;
    fbk_status rc;

    m->o.a = a;
    fbk__buf_init(&body, a);
    rc = fbk__copurchase_write_body(&m->o, &m->sets, &m->how, &body);
    if (rc == FBK_OK)
        rc = fbk__copurchase_open(&cp, a, body.data, body.len);
    m->o.a = NULL;
    if (rc < 0) {
        fbk__buf_free(&body);
        return rc;
    }
    fbk__copurchase_free(&cp);
    return rc;
}

START_TEST(every_allocation_may_fail)
{
    fbk_status rc = FBK_ENOMEM;
    tk_alloc a;
    made m;

    make(&m, 5, 90);
    for (int64_t k = 0; rc != FBK_OK; k++) {
        tk_alloc_init(&a);
        a.fail_at = k;
        rc = write_and_open(&m, &a.allocator);
        ck_assert(rc == FBK_OK || rc == FBK_ENOMEM);
        ck_assert_int_eq(a.n_live, 0);
        ck_assert_int_lt(k, 1000);
    }
    ck_assert_int_gt(a.n_calls, 15);
    unmake(&m);
}
END_TEST

static fbk_status
stop_at_four(void *user_data, uint64_t done, uint64_t total)
{
    (void)user_data;
    (void)total;
    return done == 4 ? FBK_ECANCELLED : FBK_OK;
}

START_TEST(budget_and_callback_stop_it)
{
    fbk__buf body;
    made m;

    make(&m, 5, 90);
    fbk__buf_init(&body, NULL);
    m.how.budget = 100;
    ck_assert_int_eq(fbk__copurchase_write_body(&m.o, NULL, &m.how, &body), FBK_ETOOBIG);
    fbk__buf_free(&body);
    m.how.budget = 0;
    m.how.tick = stop_at_four;
    ck_assert_int_eq(fbk__copurchase_write_body(&m.o, NULL, &m.how, &body), FBK_ECANCELLED);
    fbk__buf_free(&body);
    unmake(&m);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("copurchase_body");
    TCase *tc = tcase_create("core");

    tcase_add_loop_test(tc, what_was_written_is_read, 0, 8);
    tcase_add_test(tc, damaged_bytes_do_no_harm);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, budget_and_callback_stop_it);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
