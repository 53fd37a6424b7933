/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_PURCHASE_SUMMARY_H
#define MODEL_PURCHASE_SUMMARY_H

#include "record/identity.h"

/* What each person bought, in one scan of the log: the table that RFM, BG/NBD and gamma-gamma start
 * from.
 *
 * An order is a sale with at least one line above 0, or without lines. Returns, cancellations and
 * exchanges lower the revenue at their own time and are never an order. Revenue is the sum of all
 * line amounts as charged but for gift cards (selling one is no revenue, redeeming it a tender) and
 * deposits; lines in another currency than the store's are in no sum, and counted. Days are those
 * of the place's time zone, else the store's. */

/** Money in or out of one person's hands: one event. */
typedef struct fbk__order {
    uint32_t profile;
    uint32_t is_order; /* 1 an order, 0 a return or the like */
    int64_t day;       /* local, since 1970-01-01 */
    fbk_time occurred_us;
    int64_t revenue_micro;
    int64_t returned_micro; /* goods back, >= 0; already taken off the revenue */
} fbk__order;

/** One person. */
typedef struct fbk__purchase {
    uint32_t profile;
    uint32_t n_orders;  /* orders of one day are one, unless kept separate */
    uint32_t n_events;  /* orders as they came */
    uint32_t n_returns; /* events with goods back */
    int64_t revenue_micro;
    int64_t returned_micro;
    fbk_time first_us; /* first and last order; FBK_TIME_NONE without any */
    fbk_time last_us;
    int64_t first_day; /* local days of these; 0 without any */
    int64_t last_day;
    size_t first_entry; /* in fbk__purchases.orders */
    size_t n_entries;
} fbk__purchase;

typedef struct fbk__purchase_options {
    fbk_time as_of_us;          /* exclusive */
    fbk_time identity_as_of_us; /* whose links count; FBK_TIME_NONE = all known now */
    uint32_t include_flags;     /* FBK_FLAG_* of events to take in; 0 = only ordinary ones */
    bool separate_orders;       /* do not merge the orders of one day */
    const uint32_t *nodes;      /* only events of these nodes, ascending; NULL = all */
    size_t n_nodes;
    fbk_progress_fn progress; /* told of events; may be NULL */
    void *progress_data;
} fbk__purchase_options;

typedef struct fbk__purchases {
    const fbk_allocator *a;
    fbk__purchase *rows; /* by profile, ascending; people without an order too */
    size_t n;
    size_t order_cap;
    fbk__order *orders; /* by (profile, time) */
    size_t n_orders;
    fbk_time as_of_us;
    int64_t as_of_day; /* in the store's zone */
    uint64_t from_event;
    uint64_t to_event;
    uint64_t n_events;        /* events with money, of anybody */
    uint64_t n_foreign_lines; /* in another currency: in no sum */
    bool separate_orders;
} fbk__purchases;

/** @retval FBK_EINVAL as_of_us is no instant. FBK_ENOMEM, FBK_ETOOBIG, and what the scan says. */
fbk_status
fbk__purchases_read(fbk *db, const fbk__purchase_options *options, fbk__purchases *out)
    FBK_MUST_USE;

/** The table of one person, by any of his nodes; options->nodes is not looked at.
 *  @param out_row his row, or one without orders.
 *  @retval FBK_ERANGE node is 0 or was never given. */
fbk_status
fbk__purchases_of(fbk *db, uint64_t node, const fbk__purchase_options *options, fbk__purchases *out,
                  fbk__purchase *out_row) FBK_MUST_USE;

void
fbk__purchases_free(fbk__purchases *p);

/** A person's orders as BG/NBD counts them, in days, as of the table's instant. The row must have
 *  an order. */
void
fbk__purchase_counts(const fbk__purchases *p, const fbk__purchase *row, double *out_x,
                     double *out_t_x, double *out_t);

/** The same of the part before an earlier instant.
 *  @param out_row what was bought until then; its n_orders may be 0.
 *  @param out_later orders since. */
void
fbk__purchase_cut(const fbk__purchases *p, const fbk__purchase *row, fbk_time cut_us,
                  fbk__purchase *out_row, uint32_t *out_later);

/** Days from the first order of a row to an instant that is `day` of the store; at least those to
 *  its last order. */
double
fbk__purchase_age(const fbk__purchases *p, const fbk__purchase *row, fbk_time us, int64_t day);

/** Local day of an instant in the store's zone. */
fbk_status
fbk__purchase_day(fbk *db, fbk_time us, int64_t *out_day) FBK_MUST_USE;

/** Sum that stays at the ends of int64. */
static inline int64_t
fbk__money_add(int64_t x, int64_t y)
{
    int64_t sum;

    if (!__builtin_add_overflow(x, y, &sum))
        return sum;
    return y > 0 ? INT64_MAX : INT64_MIN;
}

#endif
