/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/rfm_math.h"

#include <math.h>

#include "base/sort.h"

/* The score of the values sorted[from, to), which are equal: 1 + floor(k (R - 1/2) / n) with
 * R = (from + 1 + to) / 2, so R - 1/2 = (from + to) / 2, in whole numbers. */
static uint64_t
score_of_ties(size_t from, size_t to, size_t n)
{
    return 1 + FBK__RFM_SCORES * ((uint64_t)from + to) / (2 * (uint64_t)n);
}

fbk_status
fbk__rfm_cuts_make(const fbk_allocator *a, const double *values, size_t n, fbk__rfm_cuts *out)
{
    fbk__sort_item *items;
    uint64_t reached = 1;

    if (n > UINT32_MAX)
        return FBK_ETOOBIG;
    items = fbk__calloc(a, n, sizeof *items);
    if (!items)
        return FBK_ENOMEM;
    for (size_t i = 0; i < n; i++)
        items[i] = (fbk__sort_item){fbk__sort_key_double(values[i]), (uint32_t)i, 0};
    if (!fbk__sort_items(a, items, n)) {
        fbk__free(a, items);
        return FBK_ENOMEM;
    }
    for (size_t from = 0, to = 0; from < n; from = to) {
        uint64_t score;

        while (to < n && items[to].key == items[from].key)
            to++;
        score = score_of_ties(from, to, n);
        for (; reached < score; reached++)
            out->cut[reached - 1] = values[items[from].row];
    }
    for (; reached < FBK__RFM_SCORES; reached++)
        out->cut[reached - 1] = INFINITY;
    fbk__free(a, items);
    return FBK_OK;
}

int32_t
fbk__rfm_score_of(const fbk__rfm_cuts *cuts, double value)
{
    int32_t score = 1;

    for (int i = 0; i < FBK__RFM_CUTS; i++)
        score += value >= cuts->cut[i];
    return score;
}

static const char *const segment_names[FBK__RFM_SEGMENTS] = {"champions",
                                                             "loyal",
                                                             "potential loyalists",
                                                             "new",
                                                             "promising",
                                                             "needs attention",
                                                             "about to sleep",
                                                             "cannot lose",
                                                             "at risk",
                                                             "hibernating",
                                                             "lost"};

uint32_t
fbk__rfm_segment(int32_t r, int32_t f, int32_t m)
{
    static const uint8_t by_r_and_fm[FBK__RFM_SCORES][FBK__RFM_SCORES] = {
        {10, 10, 8, 8, 7}, {9, 9, 8, 8, 7}, {6, 6, 5, 1, 1}, {4, 2, 2, 1, 1}, {3, 2, 2, 0, 0}};

    return by_r_and_fm[r - 1][(f + m + 1) / 2 - 1];
}

const char *
fbk__rfm_segment_name(uint32_t segment)
{
    return segment < FBK__RFM_SEGMENTS ? segment_names[segment] : "";
}
