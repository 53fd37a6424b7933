/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/itemset_math.h"

#include "base/rng.h"

#include <string.h>

#include "support/tk.h"

enum { N_ITEMS = 9, MAX_ORDERS = 120 };

/* Orders as bit sets, and the same as lists both ways round. */
typedef struct world {
    uint32_t mask[MAX_ORDERS];
    uint64_t item_start[N_ITEMS + 1];
    uint32_t item_orders[MAX_ORDERS * N_ITEMS];
    uint64_t order_start[MAX_ORDERS + 1];
    uint32_t order_items[MAX_ORDERS * N_ITEMS];
    fbk__itemset_input in;
} world;

static void
world_make(world *w, uint64_t seed, uint32_t n_orders)
{
    fbk__rng rng;
    uint64_t at = 0;

    fbk__rng_seed(&rng, seed);
    for (uint32_t i = 0; i < n_orders; i++)
        w->mask[i] =
            (uint32_t)(fbk__rng_u64(&rng) & (fbk__rng_u64(&rng) | 3)) & ((1u << N_ITEMS) - 1);
    for (uint32_t i = 0; i < n_orders; i++) {
        w->order_start[i] = at;
        for (uint32_t k = 0; k < N_ITEMS; k++) {
            if (w->mask[i] >> k & 1)
                w->order_items[at++] = k;
        }
    }
    w->order_start[n_orders] = at;
    at = 0;
    for (uint32_t k = 0; k < N_ITEMS; k++) {
        w->item_start[k] = at;
        for (uint32_t i = 0; i < n_orders; i++) {
            if (w->mask[i] >> k & 1)
                w->item_orders[at++] = i;
        }
    }
    w->item_start[N_ITEMS] = at;
    w->in = (fbk__itemset_input){N_ITEMS,        n_orders,       w->item_start,
                                 w->item_orders, w->order_start, w->order_items};
}

static uint32_t
naive_count(const world *w, uint32_t set)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->in.n_orders; i++)
        n += (w->mask[i] & set) == set;
    return n;
}

static const struct {
    uint32_t n_orders, min_orders, min_size, max_size;
} cases[] = {
    {120, 1, 1, 12}, {120, 10, 1, 3}, {120, 5, 3, 5}, {40, 3, 2, 2},
    {40, 1, 1, 1},   {1, 1, 1, 12},   {0, 1, 1, 4},   {120, 121, 1, 4},
};

START_TEST(sets_are_those_of_a_naive_count)
{
    static world w;
    fbk__itemset_options opt = {.min_orders = cases[_i].min_orders,
                                .min_size = cases[_i].min_size,
                                .max_size = cases[_i].max_size};
    fbk__itemsets sets;
    bool seen[1 << N_ITEMS] = {false};

    world_make(&w, 40 + (uint64_t)_i, cases[_i].n_orders);
    ck_assert_int_eq(fbk__itemsets_mine(NULL, &w.in, &opt, &sets), FBK_OK);
    for (size_t i = 0; i < sets.n; i++) {
        uint32_t set = 0;

        for (uint64_t j = sets.start[i]; j < sets.start[i + 1]; j++) {
            ck_assert(j == sets.start[i] || sets.items[j - 1] < sets.items[j]);
            set |= 1u << sets.items[j];
        }
        ck_assert(!seen[set]);
        seen[set] = true;
        ck_assert_uint_eq(sets.orders[i], naive_count(&w, set));
    }
    for (uint32_t set = 1; set < 1u << N_ITEMS; set++) {
        uint32_t size = (uint32_t)__builtin_popcount(set);

        ck_assert_int_eq(seen[set], size >= opt.min_size && size <= opt.max_size &&
                                        naive_count(&w, set) >= opt.min_orders);
    }
    fbk__itemsets_free(&sets);
}
END_TEST

START_TEST(a_budget_is_kept)
{
    static world w;
    fbk__itemset_options opt = {.min_orders = 1, .min_size = 1, .max_size = 9, .budget = 4000};
    fbk__itemsets sets;

    world_make(&w, 1, 120);
    ck_assert_int_eq(fbk__itemsets_mine(NULL, &w.in, &opt, &sets), FBK_ETOOBIG);
    ck_assert_uint_eq(sets.n, 0);
    ck_assert_ptr_null(sets.items);
}
END_TEST

static fbk_status
stop_at_three(void *user_data, uint64_t done, uint64_t total)
{
    ck_assert_uint_eq(total, N_ITEMS);
    ++*(int *)user_data;
    return done == 3 ? -77 : FBK_OK;
}

START_TEST(a_callback_stops_it)
{
    static world w;
    int n = 0;
    fbk__itemset_options opt = {
        .min_orders = 1, .min_size = 1, .max_size = 3, .tick = stop_at_three, .user_data = &n};
    fbk__itemsets sets;

    world_make(&w, 1, 120);
    ck_assert_int_eq(fbk__itemsets_mine(NULL, &w.in, &opt, &sets), -77);
    ck_assert_int_eq(n, 4);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    static world w;
    fbk__itemset_options opt = {.min_orders = 1, .min_size = 1, .max_size = 9};
    fbk__itemsets sets;
    tk_alloc a;
    fbk_status rc = FBK_ENOMEM;

    world_make(&w, 1, 120);
    for (int64_t k = 0; rc != FBK_OK; k++) {
        tk_alloc_init(&a);
        a.fail_at = k;
        rc = fbk__itemsets_mine(&a.allocator, &w.in, &opt, &sets);
        ck_assert(rc == FBK_OK || rc == FBK_ENOMEM);
        fbk__itemsets_free(&sets);
        ck_assert_int_eq(a.n_live, 0);
        ck_assert_int_lt(k, 1000);
    }
    ck_assert_int_gt(a.n_calls, 8);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("itemset_math");
    TCase *tc = tcase_create("core");

    tcase_add_loop_test(tc, sets_are_those_of_a_naive_count, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tc, a_budget_is_kept);
    tcase_add_test(tc, a_callback_stops_it);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
