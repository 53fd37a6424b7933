/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "simulate.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"

/* The rate of a regular customer does not follow the season: growth and season are in who joins
 * and in the walk-ins, so that BG/NBD is exactly the process of each customer from the first
 * order on, and its parameters are the truth. Within a week the clock follows the weekday. */

static int
doubles_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double *
births_make(const sim *s, fbk__rng *rng)
{
    double *births = calloc((size_t)s->n_people, sizeof *births);
    double *cdf = calloc((size_t)s->n_days + 1, sizeof *cdf);

    if (births && cdf) {
        for (int32_t d = 0; d < s->n_days; d++)
            cdf[d + 1] = cdf[d] + sim_demand(s, d);
        for (int32_t i = 0; i < s->n_people; i++) {
            double at = fbk__rng_double(rng) * cdf[s->n_days];
            int32_t low = 0;
            int32_t high = s->n_days - 1;

            while (low < high) {
                int32_t mid = (low + high) / 2;

                if (cdf[mid + 1] > at)
                    high = mid;
                else
                    low = mid + 1;
            }
            births[i] = low + (at - cdf[low]) / (cdf[low + 1] - cdf[low]);
        }
        qsort(births, (size_t)s->n_people, sizeof *births, doubles_compare);
    }
    free(cdf);
    return births;
}

static uint8_t
home_pick(fbk__rng *rng)
{
    double u = fbk__rng_double(rng);

    for (uint8_t p = 0; p < SIM_WEB - 1; p++) {
        if (u < sim_places[p].weight)
            return p;
        u -= sim_places[p].weight;
    }
    return SIM_WEB - 1;
}

static void
person_make(const sim *s, fbk__rng *rng, double birth, sim_person *me)
{
    double kind = fbk__rng_double(rng);
    double share;

    me->lambda = fbk__rng_gamma(rng, SIM_BGNBD_R) / SIM_BGNBD_ALPHA;
    me->drop_prob = fbk__rng_beta(rng, SIM_BGNBD_A, SIM_BGNBD_B);
    me->nu = fbk__rng_gamma(rng, SIM_SPEND_Q) / SIM_SPEND_GAMMA;
    me->home = home_pick(rng);
    me->department = (uint8_t)fbk__rng_below(rng, SIM_DEPARTMENTS);
    me->is = (uint8_t)(SIM_ALIVE | (kind < .55   ? SIM_HAS_CARD
                                    : kind < .90 ? SIM_HAS_CARD | SIM_HAS_WEB
                                                 : SIM_HAS_WEB));
    if (fbk__rng_double(rng) < .005) {
        /* Staff: a card, lunch every other day, and no lapsing. */
        me->is = SIM_ALIVE | SIM_HAS_CARD | SIM_STAFF;
        me->lambda = .4;
        me->drop_prob = 0.0;
    }
    me->u = birth;
    me->day = sim_warp(s, birth, &share);
    me->next = me->visit_next = -1;
    me->first_day = me->last_day = -1;
    me->u_visit = birth - 12.0 * fbk__rng_exponential(rng);
    if (me->u_visit < 0.0)
        me->u_visit = birth * fbk__rng_double(rng);
    me->second_from = fbk__rng_double(rng) < .4 ? birth + 60.0 * fbk__rng_exponential(rng) : -1.0;
}

bool
sim_people_make(sim *s)
{
    fbk__rng rng;
    double *births;

    fbk__rng_seed(&rng, s->seed ^ UINT64_C(0x70656f706c65));
    births = births_make(s, &rng);
    s->people = calloc((size_t)s->n_people, sizeof *s->people);
    if (!births || !s->people) {
        free(births);
        return false;
    }
    for (int32_t i = 0; i < s->n_people; i++) {
        sim_person *me = &s->people[i];
        double share;

        person_make(s, &rng, births[i], me);
        /* The last, cut week may move somebody past the end: they join on the last day. */
        if (me->day >= s->n_days)
            me->day = s->n_days - 1;
        me->next = s->days[me->day].buyers;
        s->days[me->day].buyers = i;
        if (me->is & SIM_HAS_WEB) {
            int32_t day = sim_warp(s, me->u_visit, &share);

            if (day < s->n_days) {
                me->visit_next = s->days[day].visitors;
                s->days[day].visitors = i;
            }
        }
    }
    free(births);
    return true;
}

/* 26, seven digits of the number, and the check digit of Luhn. */
void
sim_loyalty(int32_t person, char out[11])
{
    int sum = 0;
    int64_t digits = INT64_C(260000000) + person;

    for (int i = 8; i >= 0; i--, digits /= 10) {
        int d = (int)(digits % 10);

        out[i] = (char)('0' + d);
        if (i % 2 == 0)
            d = d < 5 ? 2 * d : 2 * d - 9;
        sum += d;
    }
    out[9] = (char)('0' + (10 - sum % 10) % 10);
    out[10] = '\0';
}

void
sim_email(int32_t person, char out[32])
{
    (void)snprintf(out, 32, "c%07d@example.org", (int)person);
}

uint64_t
sim_device(int32_t person, int device)
{
    return (uint64_t)person * 2 + (uint64_t)device;
}

void
sim_cookie(const sim *s, uint64_t number, char out[17])
{
    /* A bijection of the number for each seed, so that no two cookies are equal. */
    uint64_t x = fbk__mix64((number + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ s->seed);

    for (int i = 15; i >= 0; i--, x >>= 4)
        out[i] = "0123456789abcdef"[x & 15];
    out[16] = '\0';
}
