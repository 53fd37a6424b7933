/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_RFM_MATH_H
#define MODEL_RFM_MATH_H

#include "base/alloc.h"

/* Recency, frequency and monetary scores by quantile, and the segments they make. */

enum { FBK__RFM_SCORES = 5, FBK__RFM_CUTS = FBK__RFM_SCORES - 1 };

/** Where the scores of one dimension change, so that anybody can be scored like those the cuts were
 *  made from: the score is 1 + the number of cuts that the value reaches. cut[j] is +inf when
 *  nobody scores above j + 1. */
typedef struct fbk__rfm_cuts {
    double cut[FBK__RFM_CUTS]; /* ascending */
} fbk__rfm_cuts;

/** Cuts of n values, larger is better, none NaN. A value of average rank R (1 = smallest; equal
 *  values share the mean of their ranks) scores 1 + floor(5 (R - 1/2) / n): equal values have equal
 *  scores, at the price of fifths of unequal size.
 *  @retval FBK_ENOMEM; FBK_ETOOBIG more than UINT32_MAX values. */
fbk_status
fbk__rfm_cuts_make(const fbk_allocator *a, const double *values, size_t n, fbk__rfm_cuts *out)
    FBK_MUST_USE;

/** Score 1..5 of a value. */
int32_t
fbk__rfm_score_of(const fbk__rfm_cuts *cuts, double value);

enum { FBK__RFM_SEGMENTS = 11 };

/** Segment of three scores, from 0. By r and by fm, the mean of f and m, half rounded up:
 *
 *      fm      1            2            3            4          5
 *      r = 5   new          potential    potential    champions  champions
 *      r = 4   promising    potential    potential    loyal      loyal
 *      r = 3   about to s.  about to s.  attention    loyal      loyal
 *      r = 2   hibernating  hibernating  at risk      at risk    cannot lose
 *      r = 1   lost         lost         at risk      at risk    cannot lose */
uint32_t
fbk__rfm_segment(int32_t r, int32_t f, int32_t m);

/** Its name, "champions" say; "" for an unknown number. */
const char *
fbk__rfm_segment_name(uint32_t segment);

#endif
