/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_CLIMATE_MATH_H
#define MODEL_CLIMATE_MATH_H

#include "base/alloc.h"

/* Climate normals, and the response of an item's sales to the weather's departure from them.
 * Arrays in, arrays out. */

/* ---- normals: what the weather of a station is usually like on a day of the year ---- */

enum {
    FBK__CLIMATE_SLOTS = 366,         /* days of a leap year; 29 February is its own */
    FBK__CLIMATE_HARMONICS = 3,       /* at most */
    FBK__CLIMATE_COEFS = 7,           /* 1 + 2 harmonics */
    FBK__CLIMATE_MIN_DAYS = 30,       /* below: no normal */
    FBK__CLIMATE_FIRM_DAYS = 3 * 365, /* below: provisional */
};

/** A day counts as wet from this much precipitation (mm), the climatologists' wet day. */
#define FBK__CLIMATE_WET_MM 1.0

/** Exact integer sums over daily observations of one station: order does not matter, sums of parts
 *  add up to the sums of the whole, and what was added can be taken away again. */
typedef struct fbk__climate_sums {
    int64_t n_temp[FBK__CLIMATE_SLOTS];
    int64_t milli[FBK__CLIMATE_SLOTS];       /* thousandths of a degree Celsius */
    int64_t milli_sq[FBK__CLIMATE_SLOTS];    /* their squares */
    int64_t n_wet[FBK__CLIMATE_SLOTS];       /* wet days … */
    int64_t n_wet_known[FBK__CLIMATE_SLOTS]; /* … of so many of which it is known */
    int64_t n_precip[FBK__CLIMATE_SLOTS];
    int64_t micron[FBK__CLIMATE_SLOTS]; /* precipitation, thousandths of a mm */
} fbk__climate_sums;

/** What is unknown of a day: temperature and precipitation NaN, wet -1. */
typedef struct fbk__climate_day {
    int64_t day;    /* since 1970-01-01, of the station's local calendar */
    double celsius; /* mean of the day, [-100, 70] */
    double mm;      /* precipitation of the day, [0, 2000] */
    int32_t wet;    /* 0, 1, or -1: decide by mm */
    int32_t sign;   /* +1 adds the day, -1 takes it away */
} fbk__climate_day;

void
fbk__climate_sums_add(fbk__climate_sums *sums, const fbk__climate_day *day);

void
fbk__climate_sums_merge(fbk__climate_sums *into, const fbk__climate_sums *from);

/** Slot of a day, 0 .. 365. */
size_t
fbk__climate_slot(int64_t day);

/** A fitted normal: harmonic series over the year of mean temperature, its variance, the
 *  probability of a wet day, and precipitation. */
typedef struct fbk__climate_normal {
    double mean[FBK__CLIMATE_COEFS];
    double variance[FBK__CLIMATE_COEFS];
    double wet[FBK__CLIMATE_COEFS];
    double mm[FBK__CLIMATE_COEFS];
    double variance_floor;
    int64_t n_days;       /* days with a temperature */
    int64_t n_wet_days;   /* days of which it is known whether they were wet */
    uint32_t n_harmonics; /* 0 when the year is not covered: then a plain mean */
    uint32_t provisional; /* 1: fewer than FBK__CLIMATE_FIRM_DAYS days */
} fbk__climate_normal;

/** Weighted least squares of the daily values on a constant and the first harmonics of the year:
 *  three when the normal is firm, two when every twelfth of the year is covered, else none. The
 *  variance is a regression of the squared residuals on one harmonic fewer.
 *  @retval FBK_ENODATA fewer than FBK__CLIMATE_MIN_DAYS days with a temperature; *out unchanged.
 *  @source as Narapusetty, DelSole and Tippett, Optimal estimation of the climatological mean,
 *          J. Climate 22(18), 2009. */
fbk_status
fbk__climate_normal_fit(const fbk__climate_sums *sums, fbk__climate_normal *out) FBK_MUST_USE;

/** The normal of one day of the year. */
typedef struct fbk__climate_usual {
    double celsius;  /* mean of the day */
    double sd;       /* standard deviation of a day's mean around it, > 0 */
    double wet_prob; /* [0, 1]; NaN if unknown */
    double mm;       /* mean precipitation, >= 0; NaN if unknown */
} fbk__climate_usual;

void
fbk__climate_usual_at(const fbk__climate_normal *normal, int64_t day, fbk__climate_usual *out);

/** Departure from the usual in standard deviations; NaN stays NaN. */
double
fbk__climate_anomaly(const fbk__climate_usual *usual, double celsius);

/* ---- response: how an item's sales follow the weather ---- */

enum {
    FBK__CLIMATE_TEMP = 0, /* per standard deviation warmer than usual */
    FBK__CLIMATE_WET = 1,  /* a wet day (1 - usual probability) against a dry one */
    FBK__CLIMATE_N = 2,
    FBK__CLIMATE_MAX_P = 20, /* columns: weather and controls */
};

/** Days of all stations: a row is a station's day on which anything was sold. */
typedef struct fbk__climate_panel {
    size_t n;               /* rows, sorted by (stratum, day) */
    size_t n_strata;        /* stations: each has its own level */
    const size_t *start;    /* n_strata + 1 first rows */
    const int32_t *day;     /* day number, days between rows may be missing */
    const double *exposure; /* baskets of the row, > 0: sales are counted against them */
    const double *x;        /* n * p, row by row: FBK__CLIMATE_N weather columns, then controls */
    size_t p;
} fbk__climate_panel;

/** Columns that fbk__climate_controls() writes. */
enum { FBK__CLIMATE_CONTROLS = 6 + 1 + 4 };

/** Controls of one day: six weekdays against the seventh, a trend (-1 .. 1 over the panel's first
 *  to last day), two annual harmonics. */
void
fbk__climate_controls(int64_t day, int64_t first_day, int64_t last_day, double *out);

/** Whether the weather columns can be told from the controls at all: at least 100 rows over at
 *  least 180 days, and a tenth of the column's variance left after a regression on the controls.
 *  @param out_ok FBK__CLIMATE_N answers. */
void
fbk__climate_estimable(const fbk__climate_panel *panel, bool *out_ok);

typedef struct fbk__climate_work fbk__climate_work;

/** Scratch memory for fits on one panel; NULL when out of memory. */
fbk__climate_work *
fbk__climate_work_new(const fbk__climate_panel *panel, const fbk_allocator *a) FBK_MUST_USE;

void
fbk__climate_work_free(fbk__climate_work *work, const fbk_allocator *a);

typedef struct fbk__climate_fit {
    double coef[FBK__CLIMATE_N];     /* change of the log rate */
    double variance[FBK__CLIMATE_N]; /* of the estimate; infinite where nothing can be said */
    double dispersion;               /* Pearson's, at least 1 */
} fbk__climate_fit;

/** Poisson regression of one item's daily counts on the panel, log link, baskets as exposure, each
 *  station's level conditioned away, weak normal priors on every coefficient.
 *
 *  Counts are overdispersed and their errors hang together over days, and the same weather falls on
 *  all stations: the variance is the larger of the quasi-Poisson one and of one that is robust to
 *  all three (scores summed by day, Bartlett weights to ten days).
 *
 *  @param y    n counts, [0, 1e9].
 *  @param from first day of the item's life and
 *  @param to   the last: other rows do not count.
 *  @retval FBK_ENODATA fewer than 20 sold on fewer than 15 days, or fewer than 60 rows.
 *  @retval FBK_ENOCONV Newton's method did not settle in 50 steps. *out unchanged on failure.
 *  @source conditional Poisson: Armstrong, Gasparrini, Tobias, BMC Med. Res. Methodol. 14, 2014;
 *          variance: Driscoll and Kraay, Rev. Econ. Stat. 80(4), 1998. */
fbk_status
fbk__climate_fit_item(const fbk__climate_panel *panel, const double *y, int32_t from, int32_t to,
                      fbk__climate_work *work, fbk__climate_fit *out) FBK_MUST_USE;

/** What is believed of an item's response before its data are seen: with probability 1 - share
 *  there is none, else it is normal with mean 0 and this standard deviation. */
typedef struct fbk__climate_prior {
    double share;
    double sd;
} fbk__climate_prior;

/** The prior that the items' estimates suggest (EM; a weak hyperprior of 2 in 10 items and .15
 *  keeps it in place for a handful of items). Items with infinite variance say nothing.
 *  @source the two-groups model: Efron, Statistical Science 23(1), 2008. */
void
fbk__climate_prior_fit(const double *coef, const double *variance, size_t n,
                       fbk__climate_prior *out);

typedef struct fbk__climate_belief {
    double coef;      /* posterior mean: shrunk */
    double sign_prob; /* posterior probability that the response has this sign */
} fbk__climate_belief;

/** @source Stephens, False discovery rates: a new deal, Biostatistics 18(2), 2017 (1 - sign_prob is
 *          his local false sign rate). */
void
fbk__climate_believe(const fbk__climate_prior *prior, double coef, double variance,
                     fbk__climate_belief *out);

#endif
