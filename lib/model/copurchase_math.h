/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_COPURCHASE_MATH_H
#define MODEL_COPURCHASE_MATH_H

#include "base/alloc.h"

/* What is bought together: exact integer counts of orders and of distinct people.
 *
 * Map:    fbk__baskets_add()    rows of orders -> baskets of distinct items
 * Merge:  fbk__baskets_merge()  baskets + baskets
 * Finish: fbk__orders_make(), then fbk__pairs_count() and fbk__places_count()
 *
 * The counts depend on which baskets there are and on nothing else: not on how the rows were cut
 * into chunks, in which order they came, or how partial states were merged. A person counts once
 * for an item and once for a pair, however often they bought it; a basket of nobody (person 0)
 * counts as a person of its own, who is not seen again.
 *
 * Functions here give codes without a sentence: FBK_ENOMEM, FBK_ETOOBIG (a budget, or 2^32), or
 * what a callback gave. */

/** Partial state; begins with fbk__baskets_init(). */
typedef struct fbk__baskets {
    const fbk_allocator *a;
    uint64_t budget;                  /* bytes this may take; 0 = no limit */
    uint64_t open_event;              /* number of the event whose rows may go on; 0 = none */
    uint64_t n_events;                /* events seen, with or without an item */
    uint64_t first_event, last_event; /* lowest and highest number seen */
    size_t n;                         /* baskets, the open one not counted */
    size_t n_items;                   /* entries of items, the open basket's included */
    uint32_t *person;                 /* n + 1 */
    uint32_t *place;                  /* n + 1 */
    uint64_t *start;                  /* n + 1: first entry of items */
    uint32_t *items;                  /* ascending within a closed basket */
    size_t person_cap, place_cap, start_cap, items_cap;
} fbk__baskets;

/** Columns of one chunk: the rows of an event are neighbours, also over the end of a chunk. */
typedef struct fbk__basket_rows {
    size_t n;
    const uint64_t *event;  /* number, from 1 */
    const uint32_t *person; /* 0 = nobody */
    const uint32_t *place;  /* 0 = none */
    const uint32_t *item;   /* 0 = this row is not counted */
} fbk__basket_rows;

void
fbk__baskets_init(fbk__baskets *b, const fbk_allocator *a, uint64_t budget);
void
fbk__baskets_free(fbk__baskets *b);
fbk_status
fbk__baskets_add(fbk__baskets *b, const fbk__basket_rows *rows) FBK_MUST_USE;
/** End the last basket: before merging and finishing. */
void
fbk__baskets_close(fbk__baskets *b);
/** Add the baskets of a closed state to a closed one. */
fbk_status
fbk__baskets_merge(fbk__baskets *into, const fbk__baskets *from) FBK_MUST_USE;

/** Baskets ("orders" from here on) put in the order of their people, and items numbered
 *  0 … n_items - 1 by ascending id; lists both ways round. */
typedef struct fbk__orders {
    const fbk_allocator *a;
    uint32_t n;           /* orders, each with an item */
    uint32_t n_people;    /* the anonymous ones included */
    uint32_t n_anonymous; /* orders of nobody */
    uint32_t n_items;
    uint32_t *person;      /* n: 0 … n_people - 1, not falling */
    uint32_t *place;       /* n */
    uint64_t *start;       /* n + 1 */
    uint32_t *items;       /* numbers that the order holds, ascending */
    uint32_t *item;        /* n_items: id of a number */
    uint64_t *item_start;  /* n_items + 1 */
    uint32_t *item_orders; /* orders that hold the item, ascending */
    uint32_t *item_people; /* n_items: distinct people who bought it */
} fbk__orders;

/** @param budget bytes that this may take besides the baskets; 0 = no limit. */
fbk_status
fbk__orders_make(const fbk__baskets *b, uint64_t budget, fbk__orders *out) FBK_MUST_USE;
void
fbk__orders_free(fbk__orders *o);

/** An item beside another, or at a place. */
typedef struct fbk__partner {
    uint32_t number;
    uint32_t orders; /* that hold both */
    uint32_t people; /* who had both in one order at least once */
} fbk__partner;

typedef struct fbk__pairs_options {
    uint32_t min_people;   /* partners of at least so many people come first, by score; >= 1 */
    uint32_t shrink_milli; /* of fbk__copurchase_score() */
    /** All partners of one item: `n_served` by score, best first, then the others by number. A
     *  negative value stops. */
    fbk_status (*row)(void *user_data, uint32_t number, const fbk__partner *partners,
                      size_t n_served, size_t n);
    void *user_data;
} fbk__pairs_options;

/** Every pair of items that any order holds, from both sides; rows come by ascending number. */
fbk_status
fbk__pairs_count(const fbk__orders *o, const fbk__pairs_options *opt) FBK_MUST_USE;

/** What each place sold, places ascending; items by people, then orders (both falling), then
 *  number. */
typedef fbk_status (*fbk__place_fn)(void *user_data, uint32_t place, uint32_t n_orders,
                                    uint32_t n_people, const fbk__partner *items, size_t n);
fbk_status
fbk__places_count(const fbk__orders *o, fbk__place_fn fn, void *user_data) FBK_MUST_USE;

typedef struct fbk__measures {
    double support;    /* ab / n */
    double confidence; /* ab / a */
    double lift;       /* confidence over b / n; 1 = as by chance */
    double leverage;   /* support less what chance gives */
    double cosine;     /* ab / sqrt(a b) */
    double jaccard;    /* ab / (a + b - ab) */
    double llr;        /* log-likelihood ratio, negative when bought together too rarely */
} fbk__measures;

/** Of counts with 0 < a, b <= n and ab <= a, b. Source of llr: Dunning, "Accurate Methods for the
 *  Statistics of Surprise and Coincidence", Computational Linguistics 19(1), 1993. */
void
fbk__measures_of(double n, double a, double b, double ab, fbk__measures *out);

/** Cosine over people, pulled to 0 for few of them: ab / sqrt(a b) * ab / (ab + shrink). */
double
fbk__copurchase_score(uint32_t a, uint32_t b, uint32_t ab, uint32_t shrink_milli);

/** Confidence as if `weight` more orders with a had come, b in them as often as everywhere:
 *  (ab + weight b / n) / (a + weight). */
double
fbk__confidence_smoothed(double n, double a, double b, double ab, double weight);

#endif
