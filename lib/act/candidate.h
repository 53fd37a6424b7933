/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ACT_CANDIDATE_H
#define ACT_CANDIDATE_H

#include "act/taste.h"
#include "base/map.h"
#include "model/copurchase_body.h"

/* What could be recommended, with what speaks for it.
 *
 * The score of a candidate is the sum of four parts, each a share between 0 and 1:
 *   together  mean over the basket of the shrunk cosine with each item,
 *   again     orders of the person that hold it, of all of them and four more, times the share of
 *             its sales that were not somebody's first,
 *   history   mean of the shrunk cosine with what the person bought, weighted by how often,
 *   popular   share of people who bought it (at the place, if it sold anything there).
 * The last two count with the weights below, chosen on every seventh person of TaFeng for their
 * next basket (recall@10 .151; on another seventh .144). The sum is then multiplied by the response
 * of the item to the weather. */
#define FBK__HISTORY_WEIGHT .15
#define FBK__POPULAR_WEIGHT .1

typedef struct fbk__candidate {
    uint32_t number; /* in the co-purchase counts */
    uint32_t left_out;
    double together, again, history, popular;
    double best_together;  /* largest share of one item of the basket … */
    double best_history;   /* … and of one item of the past */
    fbk__partner basket;   /* number: the item behind best_together; counts with it */
    fbk__partner past;     /* likewise best_history */
    uint32_t place_people; /* who bought it at the place */
    uint32_t times;        /* orders of the person that hold it */
    fbk_time last_us;      /* the latest of them */
    double weather;        /* factor */
    double score;
} fbk__candidate;

typedef struct fbk__candidates {
    const fbk_allocator *a;
    const fbk__copurchase *cp;
    fbk__candidate *list;
    size_t n, cap;
    fbk__map at;             /* number -> place in list */
    uint64_t place_n_people; /* who bought anything at the place; 0 = not known */
    uint64_t place_n_orders;
} fbk__candidates;

void
fbk__candidates_init(fbk__candidates *c, const fbk__copurchase *cp, const fbk_allocator *a);
void
fbk__candidates_free(fbk__candidates *c);

/** What goes with the items of a basket (their numbers). FBK_ENOMEM, as all below. */
fbk_status
fbk__candidates_basket(fbk__candidates *c, const uint32_t *numbers, size_t n, size_t max_partners)
    FBK_MUST_USE;

/** What a person buys again, and what goes with that. */
fbk_status
fbk__candidates_person(fbk__candidates *c, const fbk__taste *taste, size_t max_partners)
    FBK_MUST_USE;

/** At least `want` popular items, at the place (0 = none) first; then the popularity of all. */
fbk_status
fbk__candidates_popular(fbk__candidates *c, uint32_t place, size_t want) FBK_MUST_USE;

/** Never answer this item. */
void
fbk__candidates_leave_out(fbk__candidates *c, uint32_t number);

/** Sum up the score of each, the factor `weather` set by the caller. */
void
fbk__candidates_score(fbk__candidates *c);

/** Places in the list of the best, best first, those left out and those of score 0 not; returns how
 *  many. Ties by people, then number. */
size_t
fbk__candidates_best(const fbk__candidates *c, uint32_t *out, size_t n);

#endif
