/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "act/candidate.h"

#include <string.h>

/* Orders that a person's frequency is measured against beyond their own, items of the past that
 * are followed up, and entries of a place's list that are looked at. */
enum { AGAIN_ORDERS = 4, PAST_ITEMS = 30, PLACE_ENTRIES = 20000 };

void
fbk__candidates_init(fbk__candidates *c, const fbk__copurchase *cp, const fbk_allocator *a)
{
    memset(c, 0, sizeof *c);
    c->a = a;
    c->cp = cp;
    fbk__map_init(&c->at, a);
}

void
fbk__candidates_free(fbk__candidates *c)
{
    fbk__free(c->a, c->list);
    fbk__map_free(&c->at);
    memset(c, 0, sizeof *c);
}

/* The candidate of a number, made if new; NULL when out of memory. Valid until the next call. */
static fbk__candidate *
candidate_of(fbk__candidates *c, uint32_t number)
{
    bool is_new = false;
    uint64_t *at;

    if (!fbk__grow(c->a, &c->list, &c->cap, c->n + 1, sizeof *c->list))
        return NULL;
    at = fbk__map_put(&c->at, number, &is_new);
    if (!at)
        return NULL;
    if (is_new) {
        *at = c->n;
        memset(&c->list[c->n], 0, sizeof c->list[c->n]);
        c->list[c->n].number = number;
        c->list[c->n++].weather = 1.0;
    }
    return &c->list[*at];
}

static double
partner_score(const fbk__copurchase *cp, uint32_t number, const fbk__partner *p)
{
    return fbk__copurchase_score(cp->people[number], cp->people[p->number], p->people,
                                 cp->shrink_milli);
}

fbk_status
fbk__candidates_basket(fbk__candidates *c, const uint32_t *numbers, size_t n, size_t max_partners)
{
    for (size_t i = 0; i < n; i++) {
        fbk__partner p;
        fbk__partners it;

        fbk__partners_of(c->cp, numbers[i], &it);
        for (size_t k = 0; k < max_partners && it.served_left && fbk__partners_next(&it, &p); k++) {
            fbk__candidate *x = candidate_of(c, p.number);
            double score = partner_score(c->cp, numbers[i], &p);

            if (!x)
                return FBK_ENOMEM;
            x->together += score / (double)n;
            if (score > x->best_together) {
                x->best_together = score;
                x->basket = (fbk__partner){numbers[i], p.orders, p.people};
            }
        }
    }
    return FBK_OK;
}

static fbk_status
person_partners(fbk__candidates *c, uint32_t number, double weight, size_t max_partners)
{
    fbk__partner p;
    fbk__partners it;

    fbk__partners_of(c->cp, number, &it);
    for (size_t k = 0; k < max_partners && it.served_left && fbk__partners_next(&it, &p); k++) {
        fbk__candidate *x = candidate_of(c, p.number);
        double score = weight * partner_score(c->cp, number, &p);

        if (!x)
            return FBK_ENOMEM;
        x->history += score;
        if (score > x->best_history) {
            x->best_history = score;
            x->past = (fbk__partner){number, p.orders, p.people};
        }
    }
    return FBK_OK;
}

fbk_status
fbk__candidates_person(fbk__candidates *c, const fbk__taste *taste, size_t max_partners)
{
    size_t n_past = taste->n < PAST_ITEMS ? taste->n : PAST_ITEMS;
    double total = 0.0;

    for (size_t i = 0; i < n_past; i++)
        total += taste->items[i].n_orders;
    for (size_t i = 0; i < taste->n; i++) {
        const fbk__taste_item *t = &taste->items[i];
        uint32_t number = fbk__copurchase_find(c->cp, t->item);
        fbk__candidate *x;
        double repeats;

        if (number == UINT32_MAX)
            continue;
        x = candidate_of(c, number);
        if (!x)
            return FBK_ENOMEM;
        repeats = 1.0 - (double)c->cp->people[number] / c->cp->orders[number];
        x->times = t->n_orders;
        x->last_us = t->last_us;
        x->again = repeats * t->n_orders / (taste->n_orders + AGAIN_ORDERS);
        if (i < n_past) {
            fbk_status rc = person_partners(c, number, t->n_orders / total, max_partners);

            if (rc < 0)
                return rc;
        }
    }
    return FBK_OK;
}

/* What sold at the place: the first `want` become candidates, of the others only the counts are
 * wanted. */
static fbk_status
popular_at(fbk__candidates *c, uint32_t place, size_t want)
{
    fbk__partners it;
    fbk__partner p;

    if (!place || !fbk__place_popular(c->cp, place, &c->place_n_orders, &c->place_n_people, &it))
        return FBK_OK;
    for (size_t k = 0; k < PLACE_ENTRIES && fbk__partners_next(&it, &p); k++) {
        if (k < want) {
            fbk__candidate *x = candidate_of(c, p.number);

            if (!x)
                return FBK_ENOMEM;
            x->place_people = p.people;
        } else {
            const uint64_t *at = fbk__map_get(&c->at, p.number);

            if (at)
                c->list[*at].place_people = p.people;
        }
    }
    return FBK_OK;
}

fbk_status
fbk__candidates_popular(fbk__candidates *c, uint32_t place, size_t want)
{
    fbk_status rc = popular_at(c, place, want);

    for (size_t i = 0; rc == FBK_OK && i < want && i < c->cp->n_items; i++) {
        if (!candidate_of(c, c->cp->popular[i]))
            rc = FBK_ENOMEM;
    }
    for (size_t i = 0; rc == FBK_OK && i < c->n; i++) {
        fbk__candidate *x = &c->list[i];
        double everywhere = (double)c->cp->people[x->number] / (double)c->cp->n_people;

        /* At a place with few people the share everywhere stands in for ten more of them. */
        x->popular = c->place_n_people ? (x->place_people + 10.0 * everywhere) /
                                             ((double)c->place_n_people + 10.0)
                                       : everywhere;
    }
    return rc;
}

void
fbk__candidates_leave_out(fbk__candidates *c, uint32_t number)
{
    const uint64_t *at = fbk__map_get(&c->at, number);

    if (at)
        c->list[*at].left_out = 1;
}

void
fbk__candidates_score(fbk__candidates *c)
{
    for (size_t i = 0; i < c->n; i++) {
        fbk__candidate *x = &c->list[i];

        x->score = x->weather * (x->together + x->again + FBK__HISTORY_WEIGHT * x->history +
                                 FBK__POPULAR_WEIGHT * x->popular);
    }
}

static bool
better(const fbk__candidates *c, const fbk__candidate *x, const fbk__candidate *y)
{
    if (x->score != y->score)
        return x->score > y->score;
    if (c->cp->people[x->number] != c->cp->people[y->number])
        return c->cp->people[x->number] > c->cp->people[y->number];
    return x->number < y->number;
}

size_t
fbk__candidates_best(const fbk__candidates *c, uint32_t *out, size_t n)
{
    size_t found = 0;

    for (size_t i = 0; i < c->n && n > 0; i++) {
        const fbk__candidate *x = &c->list[i];
        size_t at;

        if (x->left_out || !(x->score > 0.0) || (found == n && !better(c, x, &c->list[out[n - 1]])))
            continue;
        found += found < n;
        for (at = found - 1; at > 0 && better(c, x, &c->list[out[at - 1]]); at--)
            out[at] = out[at - 1];
        out[at] = (uint32_t)i;
    }
    return found;
}
