/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "model/rfm_math.h"

#include <math.h>
#include <string.h>

#include "support/tk.h"

/* The definition, word for word, in O(n^2). */
static int32_t
naive_score(const double *values, size_t n, size_t i)
{
    double below = 0.0;
    double equal = 0.0;

    for (size_t k = 0; k < n; k++) {
        below += values[k] < values[i];
        equal += values[k] == values[i];
    }
    return (int32_t)(1.0 + floor(5.0 * (below + (equal + 1.0) / 2.0 - 0.5) / (double)n));
}

START_TEST(scores_are_the_definition)
{
    static double values[700];
    fbk__rng rng;

    fbk__rng_seed(&rng, 9);
    for (int round = 0; round < 60; round++) {
        size_t n = 1 + fbk__rng_below(&rng, 700);
        uint64_t distinct = 1 + fbk__rng_below(&rng, 1u << (round % 12));
        fbk__rfm_cuts cuts;

        for (size_t i = 0; i < n; i++)
            values[i] = (double)fbk__rng_below(&rng, distinct) - 3.0;
        tk_assert_ok(NULL, fbk__rfm_cuts_make(NULL, values, n, &cuts));
        for (size_t i = 0; i < n; i++)
            ck_assert_int_eq(fbk__rfm_score_of(&cuts, values[i]), naive_score(values, n, i));
    }
}
END_TEST

START_TEST(fifths_and_ties)
{
    double values[10] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
    double same[4] = {7, 7, 7, 7};
    double skewed[10] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 3};
    fbk__rfm_cuts cuts;

    tk_assert_ok(NULL, fbk__rfm_cuts_make(NULL, values, 10, &cuts));
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(fbk__rfm_score_of(&cuts, values[i]), 1 + i / 2);
    ck_assert_int_eq(fbk__rfm_score_of(&cuts, -5.0), 1);
    ck_assert_int_eq(fbk__rfm_score_of(&cuts, 1e9), 5);
    tk_assert_ok(NULL, fbk__rfm_cuts_make(NULL, same, 4, &cuts));
    ck_assert_int_eq(fbk__rfm_score_of(&cuts, 7.0), 3);
    /* Ranks 4.5, 9 and 10: 1 + floor(2), 1 + floor(4.25), 1 + floor(4.75). */
    tk_assert_ok(NULL, fbk__rfm_cuts_make(NULL, skewed, 10, &cuts));
    ck_assert_int_eq(fbk__rfm_score_of(&cuts, 1.0), 3);
    ck_assert_int_eq(fbk__rfm_score_of(&cuts, 2.0), 5);
    ck_assert_int_eq(fbk__rfm_score_of(&cuts, 3.0), 5);
    tk_assert_ok(NULL, fbk__rfm_cuts_make(NULL, values, 0, &cuts));
    ck_assert_int_eq(fbk__rfm_score_of(&cuts, 3.0), 1);
}
END_TEST

START_TEST(every_score_has_its_segment)
{
    uint32_t seen = 0;

    for (int32_t r = 1; r <= 5; r++) {
        for (int32_t f = 1; f <= 5; f++) {
            for (int32_t m = 1; m <= 5; m++) {
                uint32_t s = fbk__rfm_segment(r, f, m);

                ck_assert_uint_lt(s, FBK__RFM_SEGMENTS);
                seen |= 1u << s;
            }
        }
    }
    ck_assert_uint_eq(seen, (1u << FBK__RFM_SEGMENTS) - 1);
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(5, 5, 5)), "champions");
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(5, 1, 1)), "new");
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(5, 1, 2)), "potential loyalists");
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(4, 1, 1)), "promising");
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(3, 4, 3)), "loyal");
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(3, 3, 3)), "needs attention");
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(3, 1, 2)), "about to sleep");
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(2, 5, 5)), "cannot lose");
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(1, 3, 4)), "at risk");
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(2, 1, 1)), "hibernating");
    ck_assert_str_eq(fbk__rfm_segment_name(fbk__rfm_segment(1, 1, 1)), "lost");
    ck_assert_str_eq(fbk__rfm_segment_name(99), "");
}
END_TEST

START_TEST(memory_that_fails)
{
    double values[3] = {2, 1, 3}; /* what is in order takes no memory to sort */
    fbk__rfm_cuts cuts = {{-1, -1, -1, -1}};
    tk_alloc alloc;

    for (int k = 0; k < 2; k++) {
        tk_alloc_init(&alloc);
        alloc.fail_at = k;
        ck_assert_int_eq(fbk__rfm_cuts_make(&alloc.allocator, values, 3, &cuts), FBK_ENOMEM);
        ck_assert_int_eq(alloc.n_live, 0);
        ck_assert(cuts.cut[0] == -1);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rfm_math");
    TCase *tc = tcase_create("rfm_math");

    tcase_add_test(tc, scores_are_the_definition);
    tcase_add_test(tc, fifths_and_ties);
    tcase_add_test(tc, every_score_has_its_segment);
    tcase_add_test(tc, memory_that_fails);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
