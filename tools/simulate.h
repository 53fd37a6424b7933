/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SIMULATE_H
#define TOOLS_SIMULATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/rng.h"

/* A seeded chain of shops with a known truth. One clock, in days since the first day (a Monday);
 * all randomness comes from streams seeded by the one seed, drawn in a fixed order, so that the
 * same options give the same bytes.
 *
 *   world   places, climates, items, the weather day by day
 *   people  customers: their buying process, identifiers, what was seen of them
 *   shop    baskets and the events of one day
 *   log     events as text, in order of arrival, with the late and the repeated ones
 *   truth   what a reader of the events should find out */

enum {
    SIM_PLACES = 6, /* five shops and the web shop, which comes last and has no weather */
    SIM_WEB = 5,
    SIM_ITEMS = 400,
    SIM_EXTRAS =
        30, /* the last items: each is added to a basket on its own, by weather or season */
    SIM_FIRST_EXTRA = SIM_ITEMS - SIM_EXTRAS,
    SIM_DEPARTMENTS = 8,
    SIM_CATEGORIES = 4, /* of each department */
    SIM_PAIRS = 12,
    SIM_LINES = 24,
    SIM_HISTORY_DAYS = 4 * 365 + 1, /* of weather before the first day: normals need three years */
    SIM_KIOSK_LOGINS = 40           /* more people than one identifier may join */
};

/* BG/NBD of the regular customers (days), gamma-gamma of what they spend (units of currency). */
#define SIM_BGNBD_R 0.8
#define SIM_BGNBD_ALPHA 60.0
#define SIM_BGNBD_A 0.8
#define SIM_BGNBD_B 2.4
#define SIM_SPEND_P 6.0
#define SIM_SPEND_Q 4.0
#define SIM_SPEND_GAMMA 15.0

typedef struct sim_place {
    const char *code, *name, *zone, *station;
    double latitude_deg, longitude_deg;
    int offset_min; /* east of UTC in winter; all places keep the summer time of the EU */
    double weight;  /* share of the customers and of the walk-ins */
    double t_mean, t_swing, t_sd;
    double wet_mean, wet_swing; /* probability of a wet day */
} sim_place;

typedef enum sim_role { SIM_BASE, SIM_WARM, SIM_COLD, SIM_RAIN, SIM_SEASON } sim_role;

typedef struct sim_item {
    char code[8];
    char name[48];
    const char *department, *category, *brand;
    int64_t price_cents, cost_cents;
    double weight; /* Zipf, base items only */
    sim_role role;
    double base_prob;                 /* extras: chance of being in a basket on an average day */
    double beta_temp, beta_wet;       /* log-rate per unit of sim_weather.z_temp, .wet_anomaly */
    double season_swing, season_peak; /* log-rate, day of the year */
    int complement;                   /* item that comes with it, or -1 */
    double complement_prob;
    int64_t n_orders; /* counted: sales orders with it, without test and staff */
    int64_t n_with_complement;
} sim_item;

typedef struct sim_weather {
    double temperature, rain_mm;
    double z_temp;      /* departure from the usual in standard deviations */
    double wet_anomaly; /* wet (1) or dry (0) less the usual share of wet days */
} sim_weather;

enum { SIM_HAS_CARD = 1, SIM_HAS_WEB = 2, SIM_STAFF = 4, SIM_ALIVE = 8 };
enum {
    SIM_SEEN_LOYALTY = 1,
    SIM_SEEN_EMAIL = 2,
    SIM_SEEN_COOKIE0 = 4,
    SIM_SEEN_COOKIE1 = 8,
    SIM_LINK_COOKIE0 = 16,
    SIM_LINK_COOKIE1 = 32,
    SIM_AT_KIOSK = 64
};

typedef struct sim_person {
    double lambda, drop_prob, nu; /* orders a day, chance of lapsing, rate of the spend */
    double u;                     /* clock of the buying process */
    double u_visit;
    double second_from; /* day from which there is a second device; < 0 never */
    int32_t day, next;  /* next order: its day, the next person of that day */
    int32_t visit_next;
    int32_t first_day, last_day;
    int32_t n_orders, n_returns;
    int64_t spent_cents, returned_cents;
    uint8_t home, department, is, seen;
} sim_person;

typedef struct sim_line {
    int item;
    int64_t quantity;
    int64_t price_cents, discount_cents, amount_cents;
} sim_line;

typedef struct sim_basket {
    int n, n_base;
    sim_line lines[SIM_LINES];
} sim_basket;

/** A return to come. */
typedef struct sim_return {
    int32_t person; /* -1 nobody */
    int32_t place;
    int64_t order;
    sim_line line; /* negative */
} sim_return;

typedef struct sim_text {
    char *data;
    size_t len, cap;
} sim_text;

/** Text of one event, in the buffer of a day. */
typedef struct sim_entry {
    int64_t arrives; /* seconds */
    uint64_t seq;
    size_t at, len;
} sim_entry;

/** What waits for a day. */
typedef struct sim_day {
    int32_t buyers, visitors; /* heads of lists of people, -1 none */
    sim_return *returns;
    size_t n_returns, return_cap;
    sim_text text;
    sim_entry *entries;
    size_t n_entries, entry_cap;
} sim_day;

typedef struct sim_totals {
    int64_t events, lines, late, repeated;
    int64_t sales, returns, views, logins;
    int64_t known_sales, walk_in_sales, test_sales, staff_sales;
    int64_t sales_cents, returned_cents; /* without test and staff */
    int64_t anonymous_cookies;
} sim_totals;

typedef struct sim {
    uint64_t seed;
    int32_t n_people, n_days;
    int64_t start_day; /* since 1970-01-01 */
    fbk__rng rng;      /* of the shops' days */
    sim_item items[SIM_ITEMS];
    double zipf[SIM_FIRST_EXTRA];                       /* cumulative */
    double dept_zipf[SIM_DEPARTMENTS][SIM_FIRST_EXTRA]; /* cumulative, of one department */
    int dept_items[SIM_DEPARTMENTS][SIM_FIRST_EXTRA];
    int n_dept_items[SIM_DEPARTMENTS];
    sim_weather *weather; /* [place][SIM_HISTORY_DAYS + n_days], shops only */
    double *extra_prob;   /* [place][day][extra] */
    double week_cdf[8];
    sim_person *people;
    int32_t n_born;
    sim_day *days; /* n_days + 1: the last takes what arrives after the end */
    int64_t next_event, next_order;
    bool has_kiosk;
    int kiosk_left;
    sim_totals totals;
    FILE *events, *resent, *identities;
    bool failed; /* out of memory */
} sim;

extern const sim_place sim_places[SIM_PLACES];

/* world */
bool
sim_world_make(sim *s);
void
sim_world_free(sim *s);
const sim_weather *
sim_weather_at(const sim *s, int place, int32_t day);
int64_t
sim_day_of_year(const sim *s, int32_t day);
/** Demand of a day relative to the first ones: growth and the season. */
double
sim_demand(const sim *s, int32_t day);
int
sim_pick_item(sim *s, int department);
/** Day and share of the day of an instant of the clock: weeks keep their length, days do not. */
int32_t
sim_warp(const sim *s, double u, double *out_share);
/** Seconds from local midnight for a share of the trading day. */
int32_t
sim_second(double share, bool web);
/** Minutes east of UTC of a place on a day (by day, as shops are shut at night). */
int
sim_offset(const sim *s, int place, int32_t day);
void
sim_date(int64_t days_since_1970, char out[11]);

/* people */
bool
sim_people_make(sim *s);
void
sim_loyalty(int32_t person, char out[11]);
void
sim_email(int32_t person, char out[32]);
void
sim_cookie(const sim *s, uint64_t number, char out[17]);
/** Number of a person's device, 0 or 1, for sim_cookie(). */
uint64_t
sim_device(int32_t person, int device);

/* shop */
void
sim_day_run(sim *s, int32_t day);

/* log */
typedef struct sim_event {
    const char *type;
    int32_t day, second;
    int place;
    int64_t order;        /* 0 = none */
    const char *flag;     /* or NULL */
    const char *names[3]; /* identifiers, in order; NULL ends */
    const char *values[3];
    const sim_line *lines;
    int n_lines;
} sim_event;
void
sim_emit(sim *s, const sim_event *event);
/** Write what arrived on a day, in order. */
void
sim_day_write(sim *s, int32_t day);
bool
sim_return_later(sim *s, int32_t day, const sim_return *what);
void
sim_identity(sim *s, const char *group, const char *space, const char *value);

/* truth */
void
sim_write_map(const sim *s, FILE *out);
void
sim_write_catalogue(const sim *s, FILE *out);
void
sim_write_places(const sim *s, FILE *out);
void
sim_write_weather(const sim *s, FILE *out);
void
sim_write_people(const sim *s, FILE *out);
void
sim_write_items(const sim *s, FILE *out);
void
sim_write_truth(const sim *s, FILE *out);

#endif
