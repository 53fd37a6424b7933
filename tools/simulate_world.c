/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Places of the simulated chain: real towns and zones, climates of their kind. */
const sim_place sim_places[SIM_PLACES] = {
    {"LIS", "Lisbon", "Europe/Lisbon", "SIM-LIS", 38.7167, -9.1333, 0, .18, 17.0, 6.0, 2.6, .26,
     .18},
    {"MAD", "Madrid", "Europe/Madrid", "SIM-MAD", 40.4165, -3.7026, 60, .22, 15.0, 10.0, 3.2, .18,
     .08},
    {"LYO", "Lyon", "Europe/Paris", "SIM-LYO", 45.7485, 4.8467, 60, .20, 12.5, 9.0, 3.8, .30, .04},
    {"HAM", "Hamburg", "Europe/Berlin", "SIM-HAM", 53.5753, 10.0153, 60, .22, 9.5, 8.5, 3.6, .44,
     .06},
    {"HEL", "Helsinki", "Europe/Helsinki", "SIM-HEL", 60.1695, 24.9354, 120, .18, 6.0, 11.5, 4.2,
     .40, -.05},
    {"WEB", "Web shop", "Europe/Berlin", "", 0.0, 0.0, 60, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0},
};

static const char *const departments[SIM_DEPARTMENTS] = {"kitchen", "pantry", "garden", "home",
                                                         "toys",    "paper",  "bath",   "clothing"};

static const char *const categories[SIM_DEPARTMENTS][SIM_CATEGORIES] = {
    {"mug", "bowl", "tray", "tea towel"},    {"tea", "coffee", "jam", "biscuits"},
    {"planter", "lantern", "seeds", "tool"}, {"candle", "cushion", "frame", "clock"},
    {"puzzle", "doll", "car", "game"},       {"card", "notebook", "wrap", "pen"},
    {"soap", "towel", "brush", "oil"},       {"scarf", "socks", "apron", "bag"},
};

static const char *const adjectives[] = {"Red",   "Blue",  "Green", "White",   "Black", "Large",
                                         "Small", "Plain", "Oak",   "Vintage", "Royal", "Little"};

static const char *const brands[] = {"Ambar", "Birke", "Corvo", "Duna", "Ember"};

static const struct extra {
    const char *name;
    const char *department, *category;
    sim_role role;
    double base_prob, beta, season_swing, season_peak;
} extras[SIM_EXTRAS] = {
    {"Sun cream", "bath", "oil", SIM_WARM, .030, .50, .8, 195},
    {"Paper fan", "home", "frame", SIM_WARM, .020, .60, .6, 200},
    {"Straw hat", "clothing", "scarf", SIM_WARM, .022, .45, .7, 190},
    {"Lemonade", "pantry", "jam", SIM_WARM, .035, .40, .4, 195},
    {"Ice lolly mould", "kitchen", "tray", SIM_WARM, .018, .55, .6, 200},
    {"Picnic rug", "garden", "tool", SIM_WARM, .020, .45, .6, 180},
    {"Water pistol", "toys", "game", SIM_WARM, .018, .60, .7, 205},
    {"Cooler bag", "clothing", "bag", SIM_WARM, .020, .40, .5, 200},
    {"Hot-water bottle", "bath", "towel", SIM_COLD, .022, -.50, .8, 15},
    {"Fleece gloves", "clothing", "socks", SIM_COLD, .025, -.45, .8, 10},
    {"Cocoa", "pantry", "coffee", SIM_COLD, .030, -.40, .6, 5},
    {"Draught stopper", "home", "cushion", SIM_COLD, .016, -.55, .6, 20},
    {"Umbrella", "clothing", "bag", SIM_RAIN, .035, 1.1, .1, 330},
    {"Rain cape", "clothing", "apron", SIM_RAIN, .022, 1.0, .1, 320},
    {"Rubber boots", "garden", "tool", SIM_RAIN, .020, .90, .2, 300},
    {"Umbrella stand", "home", "clock", SIM_RAIN, .015, .90, .1, 330},
    {"Waterproof bag", "clothing", "bag", SIM_RAIN, .018, 1.0, .1, 310},
    {"Jigsaw 1000", "toys", "puzzle", SIM_RAIN, .022, .80, .3, 340},
    {"Card game", "toys", "game", SIM_RAIN, .020, .80, .2, 345},
    {"Shoe wax", "home", "candle", SIM_RAIN, .018, .90, .1, 320},
    {"Painted eggs", "paper", "wrap", SIM_SEASON, .020, 0, 1.2, 95},
    {"Advent calendar", "paper", "card", SIM_SEASON, .025, 0, 1.5, 328},
    {"Rose bush", "garden", "planter", SIM_SEASON, .020, 0, .9, 110},
    {"Seed potatoes", "garden", "seeds", SIM_SEASON, .018, 0, 1.1, 80},
    {"Satchel", "clothing", "bag", SIM_SEASON, .018, 0, 1.0, 240},
    {"Pumpkin lantern", "garden", "lantern", SIM_SEASON, .018, 0, 1.3, 298},
    {"Diary", "paper", "notebook", SIM_SEASON, .022, 0, 1.1, 355},
    {"Strawberry plants", "garden", "planter", SIM_SEASON, .018, 0, 1.0, 130},
    {"Door wreath", "home", "frame", SIM_SEASON, .018, 0, 1.2, 340},
    {"Sand bucket", "toys", "car", SIM_SEASON, .018, 0, 1.0, 200},
};

static int
department_of(const char *name)
{
    for (int d = 0; d < SIM_DEPARTMENTS; d++)
        if (strcmp(departments[d], name) == 0)
            return d;
    return 0;
}

int64_t
sim_day_of_year(const sim *s, int32_t day)
{
    char date[11];
    int64_t at = s->start_day + day;

    sim_date(at, date);
    /* 1 January of the same year, found by its own date: years differ by a day at most. */
    int64_t year = atoi(date);
    int64_t before = year - 1;
    int64_t first = 365 * before + before / 4 - before / 100 + before / 400 - 719162;

    return at - first + 1;
}

static double
season(const sim *s, int32_t day, double swing, double peak)
{
    return swing * cos(2.0 * M_PI * ((double)sim_day_of_year(s, day) - peak) / 365.25);
}

double
sim_demand(const sim *s, int32_t day)
{
    /* A tenth more every year; a quarter more before Christmas, less in high summer. */
    return exp(0.1 * day / 365.25 + season(s, day, .22, 345));
}

static void
items_price(sim_item *item, fbk__rng *rng)
{
    double price = exp(1.2 + 0.7 * fbk__rng_normal(rng));
    int64_t cents = (int64_t)(price * 100.0);

    cents = cents < 45 ? 45 : cents > 4000 ? 4000 : cents;
    item->price_cents = cents / 10 * 10 + 5;
    item->cost_cents = (int64_t)((double)item->price_cents * (.35 + .3 * fbk__rng_double(rng)));
}

static void
items_make(sim *s, fbk__rng *rng)
{
    for (int i = 0; i < SIM_ITEMS; i++) {
        sim_item *item = &s->items[i];
        int d = i % SIM_DEPARTMENTS;
        int c = i / SIM_DEPARTMENTS % SIM_CATEGORIES;
        int k = i / SIM_DEPARTMENTS / SIM_CATEGORIES;

        (void)snprintf(item->code, sizeof item->code, "%d", 10001 + i);
        item->complement = -1;
        item->brand = brands[fbk__rng_below(rng, sizeof brands / sizeof brands[0])];
        items_price(item, rng);
        if (i < SIM_FIRST_EXTRA) {
            item->department = departments[d];
            item->category = categories[d][c];
            item->role = SIM_BASE;
            (void)snprintf(item->name, sizeof item->name, "%s %s", adjectives[k], item->category);
        } else {
            const struct extra *e = &extras[i - SIM_FIRST_EXTRA];

            item->department = e->department;
            item->category = e->category;
            item->role = e->role;
            item->base_prob = e->base_prob;
            item->beta_temp = e->role == SIM_RAIN ? 0.0 : e->beta;
            item->beta_wet = e->role == SIM_RAIN ? e->beta : 0.0;
            item->season_swing = e->season_swing;
            item->season_peak = e->season_peak;
            (void)snprintf(item->name, sizeof item->name, "%s", e->name);
        }
    }
}

/* Popularity falls as 1/rank in a shuffled order, so that rank says nothing of the department. */
static void
items_rank(sim *s, fbk__rng *rng)
{
    int order[SIM_FIRST_EXTRA];
    double sum = 0.0;

    for (int i = 0; i < SIM_FIRST_EXTRA; i++)
        order[i] = i;
    for (int i = SIM_FIRST_EXTRA - 1; i > 0; i--) {
        int j = (int)fbk__rng_below(rng, (uint64_t)i + 1);
        int swap = order[i];

        order[i] = order[j];
        order[j] = swap;
    }
    for (int rank = 0; rank < SIM_FIRST_EXTRA; rank++)
        s->items[order[rank]].weight = 1.0 / (rank + 6.0);
    /* A fairly popular item and a rare one of another department. */
    for (int p = 0; p < SIM_PAIRS; p++) {
        sim_item *leader = &s->items[order[8 + 3 * p]];
        int follower = order[120 + 15 * p];

        if (strcmp(s->items[follower].department, leader->department) == 0)
            follower = order[121 + 15 * p];
        leader->complement = follower;
        leader->complement_prob = .30 + .03 * p;
    }
    for (int i = 0; i < SIM_FIRST_EXTRA; i++) {
        int d = department_of(s->items[i].department);
        int n = s->n_dept_items[d]++;

        s->zipf[i] = sum += s->items[i].weight;
        s->dept_items[d][n] = i;
        s->dept_zipf[d][n] = s->items[i].weight + (n ? s->dept_zipf[d][n - 1] : 0.0);
    }
}

static int
cdf_pick(const double *cdf, int n, double at)
{
    int low = 0;
    int high = n - 1;

    while (low < high) {
        int mid = (low + high) / 2;

        if (cdf[mid] > at)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

int
sim_pick_item(sim *s, int department)
{
    double u = fbk__rng_double(&s->rng);

    if (department < 0)
        return cdf_pick(s->zipf, SIM_FIRST_EXTRA, u * s->zipf[SIM_FIRST_EXTRA - 1]);
    int n = s->n_dept_items[department];

    return s->dept_items[department][cdf_pick(s->dept_zipf[department], n,
                                              u * s->dept_zipf[department][n - 1])];
}

/* Temperature: a yearly wave and an AR(1) anomaly; rain: wet or dry, then a gamma amount. The two
 * are independent, so that the response to one is not the response to the other. */
static void
weather_make(sim *s, fbk__rng *rng)
{
    int32_t n = SIM_HISTORY_DAYS + s->n_days;

    for (int p = 0; p < SIM_WEB; p++) {
        const sim_place *place = &sim_places[p];
        double z = fbk__rng_normal(rng);

        for (int32_t i = 0; i < n; i++) {
            int32_t day = i - SIM_HISTORY_DAYS;
            sim_weather *w = &s->weather[p * n + i];
            double wet_prob = place->wet_mean + season(s, day, place->wet_swing, 15);
            bool wet = fbk__rng_double(rng) < wet_prob;
            double amount = 1.0 + 6.0 * fbk__rng_gamma(rng, .9);

            z = .7 * z + sqrt(1.0 - .49) * fbk__rng_normal(rng);
            w->z_temp = z;
            w->temperature = place->t_mean + season(s, day, place->t_swing, 205) + place->t_sd * z;
            w->rain_mm = wet ? amount : 0.0;
            w->wet_anomaly = (wet ? 1.0 : 0.0) - wet_prob;
        }
    }
}

const sim_weather *
sim_weather_at(const sim *s, int place, int32_t day)
{
    return &s->weather[place * (SIM_HISTORY_DAYS + s->n_days) + SIM_HISTORY_DAYS + day];
}

static void
extras_make(sim *s)
{
    for (int p = 0; p < SIM_PLACES; p++)
        for (int32_t day = 0; day < s->n_days; day++)
            for (int e = 0; e < SIM_EXTRAS; e++) {
                const sim_item *item = &s->items[SIM_FIRST_EXTRA + e];
                double rate = season(s, day, item->season_swing, item->season_peak);

                if (p != SIM_WEB) {
                    const sim_weather *w = sim_weather_at(s, p, day);

                    rate += item->beta_temp * w->z_temp + item->beta_wet * w->wet_anomaly;
                }
                rate = item->base_prob * exp(rate);
                s->extra_prob[((int64_t)p * s->n_days + day) * SIM_EXTRAS + e] =
                    rate > .9 ? .9 : rate;
            }
}

bool
sim_world_make(sim *s)
{
    static const double week[7] = {.85, .80, .85, .95, 1.15, 1.55, .85};
    size_t days = (size_t)(SIM_HISTORY_DAYS + s->n_days);
    fbk__rng rng;

    fbk__rng_seed(&rng, s->seed ^ UINT64_C(0x776f726c64));
    for (int i = 0; i < 7; i++)
        s->week_cdf[i + 1] = s->week_cdf[i] + week[i] / 7.0;
    s->weather = calloc((size_t)SIM_WEB * days, sizeof *s->weather);
    s->extra_prob =
        calloc((size_t)SIM_PLACES * (size_t)s->n_days * SIM_EXTRAS, sizeof *s->extra_prob);
    if (!s->weather || !s->extra_prob)
        return false;
    items_make(s, &rng);
    items_rank(s, &rng);
    weather_make(s, &rng);
    extras_make(s);
    return true;
}

void
sim_world_free(sim *s)
{
    free(s->weather);
    free(s->extra_prob);
}

int32_t
sim_warp(const sim *s, double u, double *out_share)
{
    double week = floor(u / 7.0);
    double f = u / 7.0 - week;
    int k = 0;

    while (k < 6 && s->week_cdf[k + 1] <= f)
        k++;
    *out_share = (f - s->week_cdf[k]) / (s->week_cdf[k + 1] - s->week_cdf[k]);
    if (*out_share >= 1.0)
        *out_share = 1.0 - 0x1p-40;
    return (int32_t)week * 7 + k;
}

int32_t
sim_second(double share, bool web)
{
    /* Hourly weights: shops from 9 to 20, the web from 7 to 23. */
    static const double shop[] = {3, 5, 7, 8, 6, 6, 7, 9, 11, 9, 4};
    static const double net[] = {2, 3, 4, 4, 4, 5, 5, 4, 4, 5, 6, 7, 9, 11, 9, 5};
    const double *hours = web ? net : shop;
    int n = web ? 16 : 11;
    double sum = 0.0;

    for (int i = 0; i < n; i++)
        sum += hours[i];
    share *= sum;
    for (int i = 0; i < n; i++) {
        if (share < hours[i] || i == n - 1)
            return (web ? 7 : 9) * 3600 + i * 3600 + (int32_t)(share / hours[i] * 3599.0);
        share -= hours[i];
    }
    return 0;
}

/* Summer time of the EU: from the last Sunday of March to the day before the last of October. */
int
sim_offset(const sim *s, int place, int32_t day)
{
    char date[11];
    int64_t at = s->start_day + day;
    int64_t sunday = at - (at + 4) % 7; /* 1970-01-01 was a Thursday: the last Sunday up to `at` */

    sim_date(sunday, date);
    int month = atoi(date + 5);
    int dom = atoi(date + 8);
    bool summer =
        (month > 3 && month < 10) || (month == 3 && dom >= 25) || (month == 10 && dom < 25);

    return sim_places[place].offset_min + (summer ? 60 : 0);
}

/* Days to a civil date: eras of 400 years that begin on 1 March (Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms"). */
void
sim_date(int64_t days_since_1970, char out[11])
{
    int64_t z = days_since_1970 + 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int day = (int)(doy - (153 * mp + 2) / 5 + 1);
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    int year = (int)(yoe + era * 400 + (month <= 2));

    out[0] = (char)('0' + year / 1000);
    out[1] = (char)('0' + year / 100 % 10);
    out[2] = (char)('0' + year / 10 % 10);
    out[3] = (char)('0' + year % 10);
    out[4] = out[7] = '-';
    out[5] = (char)('0' + month / 10);
    out[6] = (char)('0' + month % 10);
    out[8] = (char)('0' + day / 10);
    out[9] = (char)('0' + day % 10);
    out[10] = '\0';
}
