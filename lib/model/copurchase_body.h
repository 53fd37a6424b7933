/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_COPURCHASE_BODY_H
#define MODEL_COPURCHASE_BODY_H

#include "base/buf.h"
#include "model/copurchase_math.h"
#include "model/itemset_math.h"

/* The bytes of a co-purchase model. All counts are kept, also of pairs that only one person ever
 * bought together, so that later sums stay exact. Everything is an unsigned varint:
 *
 *   orders people anonymous items min_people shrink_milli
 *   items times   id (from the last) orders people
 *   items times   len { served rest; served times partner; rest times partner }
 *   places        times: place (from the last) len { orders people n; n times partner }
 *   max_set set_min_orders sets
 *   sets times    size number (from the last) … orders
 *   partner       number people orders-people; the number of the rest from the last */

enum { FBK__COPURCHASE_FORMAT = 1, FBK__SET_MAX = 12 };

typedef struct fbk__copurchase_write {
    uint32_t min_people;   /* as fbk__pairs_options */
    uint32_t shrink_milli; /* as fbk__pairs_options */
    uint32_t max_set;      /* largest set counted, 2 = pairs only */
    uint32_t set_min_orders;
    uint64_t budget; /* bytes of the body; 0 = no limit */
    /** Called for each item; a negative value stops and is returned. May be NULL. */
    fbk_status (*tick)(void *user_data, uint64_t done, uint64_t total);
    void *user_data;
    uint64_t n_pairs;  /* out: pairs that at least one order holds */
    uint64_t n_served; /* out: of these, with min_people */
} fbk__copurchase_write;

/** @param sets of three items and more, or NULL.
 *  @param body an empty buffer. */
fbk_status
fbk__copurchase_write_body(const fbk__orders *o, const fbk__itemsets *sets,
                           fbk__copurchase_write *how, fbk__buf *body) FBK_MUST_USE;

/** How many of n orders a share of them is, at least: ceil(share n), 1 at least. A share that was
 *  meant to be whole (.07 of 100) stays so. */
static inline uint32_t
fbk__share_of_orders(double share, uint64_t n)
{
    double orders = share * (double)n;
    uint32_t whole = (uint32_t)orders;

    whole += orders - whole > 1e-9 * orders;
    return whole ? whole : 1;
}

/** A body, opened. Items go by number, 0 … n_items - 1, ascending by id. */
typedef struct fbk__copurchase {
    const fbk_allocator *a;
    unsigned char *body;
    size_t len;
    uint64_t n_orders, n_people, n_anonymous;
    uint32_t n_items, min_people, shrink_milli, n_places;
    uint32_t *item; /* id */
    uint32_t *orders;
    uint32_t *people;
    uint32_t *popular; /* numbers by people, then orders (both falling), then id */
    size_t *row_at;    /* n_items offsets into body */
    uint32_t *row_len;
    uint32_t *place; /* n_places, ascending */
    size_t *place_at;
    uint32_t *place_len;
    uint32_t max_set;
    uint32_t set_min_orders;
    size_t n_sets;
    uint64_t *set_start; /* n_sets + 1 */
    uint32_t *set_items; /* numbers, ascending within a set */
    uint32_t *set_orders;
    size_t place_cap, place_at_cap, place_len_cap, set_items_cap;
} fbk__copurchase;

/** Open bytes that are not to be trusted; they are taken, freed with the rest, on success only.
 *  FBK_ECORRUPT, FBK_ENOMEM; *cp is then empty. */
fbk_status
fbk__copurchase_open(fbk__copurchase *cp, const fbk_allocator *a, void *body, size_t len)
    FBK_MUST_USE;
void
fbk__copurchase_free(fbk__copurchase *cp);

/** Number of an item id; UINT32_MAX when it was never bought. */
uint32_t
fbk__copurchase_find(const fbk__copurchase *cp, uint32_t item);

/** Walks over the partners of one item: first those with min_people, best score first, then the
 *  others by number. */
typedef struct fbk__partners {
    fbk__reader r;
    uint64_t served_left, rest_left;
    uint64_t last;
    uint32_t n_items;
} fbk__partners;

void
fbk__partners_of(const fbk__copurchase *cp, uint32_t number, fbk__partners *it);

/** false at the end, and at bytes that make no sense (it->r.bad). */
bool
fbk__partners_next(fbk__partners *it, fbk__partner *out);

/** What one place sold, best first. false when it sold nothing. */
bool
fbk__place_popular(const fbk__copurchase *cp, uint32_t place, uint64_t *out_orders,
                   uint64_t *out_people, fbk__partners *it);

#endif
