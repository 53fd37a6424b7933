/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/purchase_summary.h"

#include <string.h>

#include "base/sort.h"
#include "base/time.h"
#include "log/log.h"
#include "record/place.h"

enum {
    PLACES_CACHED = 64, /* power of two */
    ALL_FLAGS = FBK__FLAG_TEST | FBK__FLAG_EMPLOYEE | FBK__FLAG_BUSINESS | FBK__FLAG_BOT,
    PROGRESS_EVERY = 1 << 18 /* rows */
};

/* The stretch of time with one UTC offset at a place: nearly every event is in the last one. */
typedef struct day_cache {
    uint32_t place_plus_1; /* 0 = empty */
    fbk__tz_span span;
} day_cache;

/* One event in the making. */
typedef struct gather {
    fbk *db;
    const fbk__purchase_options *options;
    const fbk__identity *who;
    const fbk__places *places;
    fbk__purchases *out;
    uint64_t event; /* 0 = none yet */
    uint32_t kind;
    uint32_t place;
    fbk__order order;
    bool paid; /* a line above 0, or none at all */
    day_cache days[PLACES_CACHED];
} gather;

static int64_t
gather_day(gather *g, uint32_t place, fbk_time us)
{
    day_cache *c = &g->days[place & (PLACES_CACHED - 1)];

    if (c->place_plus_1 != place + 1 || us < c->span.start_us || us >= c->span.end_us) {
        fbk__tz_span_at(fbk__place_tz(g->places, place), us, &c->span);
        c->place_plus_1 = place + 1;
    }
    return fbk__day_of_us(us + (int64_t)c->span.offset_s * FBK__SECOND_US);
}

static fbk_status
gather_flush(gather *g)
{
    fbk__purchases *out = g->out;

    if (g->event == 0 || g->order.profile == 0)
        return FBK_OK;
    g->order.is_order = g->kind == FBK__EVENT_SALE && g->paid;
    g->order.day = gather_day(g, g->place, g->order.occurred_us);
    if (!fbk__grow(out->a, &out->orders, &out->order_cap, out->n_orders + 1, sizeof *out->orders))
        return fbk__nomem(g->db);
    out->orders[out->n_orders++] = g->order;
    return FBK_OK;
}

static void
gather_begin(gather *g, const fbk__chunk *c, size_t i)
{
    g->event = c->event[i];
    g->kind = c->kind[i];
    g->place = c->place[i];
    g->paid = false;
    g->order = (fbk__order){.profile = fbk__identity_profile(g->who, c->node[i]),
                            .occurred_us = c->occurred_us[i]};
    g->out->n_events++;
    if (g->out->from_event == 0 || g->event < g->out->from_event)
        g->out->from_event = g->event;
    if (g->event > g->out->to_event)
        g->out->to_event = g->event;
}

static void
gather_line(gather *g, const fbk__chunk *c, size_t i)
{
    uint32_t kind = c->line_kind[i];
    int64_t amount = c->amount_micro[i];

    if (kind == FBK__LINE_NONE) {
        g->paid = true;
        return;
    }
    if (kind == FBK__LINE_GIFT_CARD || kind == FBK__LINE_DEPOSIT)
        return;
    g->paid = g->paid || amount > 0;
    if (c->currency[i] != 0) {
        g->out->n_foreign_lines++;
        return;
    }
    g->order.revenue_micro = fbk__money_add(g->order.revenue_micro, amount);
    if (amount < 0 && (kind == FBK__LINE_PRODUCT || kind == FBK__LINE_BUNDLE))
        g->order.returned_micro = fbk__money_add(g->order.returned_micro, -amount);
}

static fbk_status
gather_scan(gather *g)
{
    static const uint32_t kinds[] = {FBK__EVENT_SALE, FBK__EVENT_RETURN, FBK__EVENT_EXCHANGE,
                                     FBK__EVENT_CANCEL};
    const fbk__purchase_options *o = g->options;
    fbk__scan_options so = {.from_us = FBK_TIME_NONE,
                            .to_us = o->as_of_us,
                            .nodes = o->nodes,
                            .n_nodes = o->n_nodes,
                            .kinds = kinds,
                            .n_kinds = sizeof kinds / sizeof kinds[0],
                            .columns = FBK__COL_EVENT | FBK__COL_NODE | FBK__COL_OCCURRED |
                                       FBK__COL_KIND | FBK__COL_PLACE | FBK__COL_CURRENCY |
                                       FBK__COL_LINE_KIND | FBK__COL_AMOUNT,
                            .skip_flags = ALL_FLAGS & ~o->include_flags};
    fbk__scan *scan = NULL;
    const fbk__chunk *c;
    uint64_t rows = 0;
    fbk_status rc = fbk__log_scan_open(g->db, &so, &scan);

    while (rc >= 0) {
        rc = fbk__log_scan_next(scan, &c);
        if (rc != FBK_OK)
            break;
        for (size_t i = 0; i < c->n && rc >= 0; i++) {
            if (c->event[i] != g->event) {
                rc = gather_flush(g);
                gather_begin(g, c, i);
            }
            gather_line(g, c, i);
        }
        rows += c->n;
        if (rc >= 0 && o->progress && rows >= PROGRESS_EVERY) {
            rows = 0;
            rc = fbk__callback_status(
                g->db, o->progress(o->progress_data, g->out->n_events, fbk__log_scan_total(scan)));
        }
    }
    fbk__log_scan_close(scan);
    return rc < 0 ? rc : gather_flush(g);
}

/* By profile, then time: a stable sort by the less important key first. */
static fbk_status
purchases_sort(fbk *db, fbk__purchases *p)
{
    fbk__sort_item *items;
    fbk__order *sorted = NULL;
    fbk_status rc = FBK_OK;

    if (p->n_orders > UINT32_MAX)
        return fbk__fail(db, FBK_ETOOBIG, "there were more than 4294967295 orders");
    items = fbk__calloc(p->a, p->n_orders, sizeof *items);
    if (!items)
        return fbk__nomem(db);
    for (size_t i = 0; i < p->n_orders; i++)
        items[i] = (fbk__sort_item){fbk__sort_key_int(p->orders[i].occurred_us), (uint32_t)i, 0};
    if (!fbk__sort_items(p->a, items, p->n_orders))
        rc = fbk__nomem(db);
    for (size_t i = 0; i < p->n_orders; i++)
        items[i].key = p->orders[items[i].row].profile;
    if (rc >= 0 && !fbk__sort_items(p->a, items, p->n_orders))
        rc = fbk__nomem(db);
    if (rc >= 0) {
        sorted = fbk__calloc(p->a, p->n_orders, sizeof *sorted);
        rc = sorted ? FBK_OK : fbk__nomem(db);
    }
    for (size_t i = 0; rc >= 0 && i < p->n_orders; i++)
        sorted[i] = p->orders[items[i].row];
    fbk__free(p->a, items);
    if (rc < 0)
        return rc;
    fbk__free(p->a, p->orders);
    p->orders = sorted;
    p->order_cap = p->n_orders;
    return FBK_OK;
}

static void
purchase_begin(fbk__purchase *row, uint32_t profile, size_t first_entry)
{
    *row = (fbk__purchase){.profile = profile,
                           .first_us = FBK_TIME_NONE,
                           .last_us = FBK_TIME_NONE,
                           .first_entry = first_entry};
}

/* Add the next entry in time. */
static void
purchase_add(fbk__purchase *row, const fbk__order *e, bool separate)
{
    row->n_entries++;
    row->revenue_micro = fbk__money_add(row->revenue_micro, e->revenue_micro);
    row->returned_micro = fbk__money_add(row->returned_micro, e->returned_micro);
    row->n_returns += e->returned_micro > 0;
    if (!e->is_order)
        return;
    /* Two places may be in different zones: the days of one person never go back. */
    if (row->n_orders == 0 || separate || e->day > row->last_day)
        row->n_orders++;
    if (row->n_events++ == 0) {
        row->first_us = e->occurred_us;
        row->first_day = row->last_day = e->day;
    }
    row->last_us = e->occurred_us;
    row->last_day = e->day > row->last_day ? e->day : row->last_day;
}

static fbk_status
purchases_fold(fbk *db, fbk__purchases *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_orders; i++)
        n += i == 0 || p->orders[i].profile != p->orders[i - 1].profile;
    p->rows = fbk__calloc(p->a, n, sizeof *p->rows);
    if (!p->rows)
        return fbk__nomem(db);
    for (size_t i = 0; i < p->n_orders; i++) {
        const fbk__order *e = &p->orders[i];

        if (i == 0 || e->profile != e[-1].profile)
            purchase_begin(&p->rows[p->n++], e->profile, i);
        purchase_add(&p->rows[p->n - 1], e, p->separate_orders);
    }
    return FBK_OK;
}

fbk_status
fbk__purchases_read(fbk *db, const fbk__purchase_options *options, fbk__purchases *out)
{
    fbk__purchases p = {.a = fbk__a(db),
                        .as_of_us = options->as_of_us,
                        .separate_orders = options->separate_orders};
    gather *g = NULL;
    fbk_status rc;

    if (!fbk__time_valid(options->as_of_us))
        return fbk__fail_at(db, FBK_EINVAL, "as_of_us", 0, "as_of_us was not a valid instant");
    g = fbk__calloc(p.a, 1, sizeof *g);
    if (!g)
        return fbk__nomem(db);
    g->db = db;
    g->options = options;
    g->out = &p;
    rc = fbk__identity_acquire(db, options->identity_as_of_us, &g->who);
    if (rc >= 0)
        rc = fbk__places_acquire(db, &g->places);
    if (rc < 0)
        goto out;
    p.as_of_day = gather_day(g, 0, options->as_of_us);
    rc = gather_scan(g);
    if (rc >= 0)
        rc = purchases_sort(db, &p);
    if (rc >= 0)
        rc = purchases_fold(db, &p);
out:
    fbk__places_release(g->places);
    fbk__identity_release(g->who);
    fbk__free(p.a, g);
    if (rc < 0)
        fbk__purchases_free(&p);
    else
        *out = p;
    return rc;
}

void
fbk__purchases_free(fbk__purchases *p)
{
    fbk__free(p->a, p->rows);
    fbk__free(p->a, p->orders);
    memset(p, 0, sizeof *p);
}

fbk_status
fbk__purchases_of(fbk *db, uint64_t node, const fbk__purchase_options *options, fbk__purchases *out,
                  fbk__purchase *out_row)
{
    fbk__purchase_options po = *options;
    const fbk__identity *who = NULL;
    uint32_t n_nodes = 0;
    uint32_t profile;
    fbk_status rc = fbk__node_count(db, &n_nodes);

    if (rc >= 0 && (node == 0 || node > n_nodes))
        rc = fbk__fail_at(db, FBK_ERANGE, "profile", 0, "the profile was not in [1, %u]", n_nodes);
    if (rc >= 0)
        rc = fbk__identity_acquire(db, po.identity_as_of_us, &who);
    if (rc < 0)
        return rc;
    profile = fbk__identity_profile(who, (uint32_t)node);
    po.nodes = fbk__identity_members(who, &profile, &po.n_nodes);
    rc = fbk__purchases_read(db, &po, out);
    fbk__identity_release(who);
    if (rc < 0)
        return rc;
    purchase_begin(out_row, profile, 0);
    for (size_t i = 0; i < out->n; i++) {
        if (out->rows[i].profile == profile)
            *out_row = out->rows[i];
    }
    return FBK_OK;
}

double
fbk__purchase_age(const fbk__purchases *p, const fbk__purchase *row, fbk_time us, int64_t day)
{
    if (p->separate_orders)
        return (double)(us - row->first_us) / (double)FBK__DAY_US;
    /* The instant's day is the store's; an order further east may bear the next one. */
    return (double)((day > row->last_day ? day : row->last_day) - row->first_day);
}

void
fbk__purchase_counts(const fbk__purchases *p, const fbk__purchase *row, double *out_x,
                     double *out_t_x, double *out_t)
{
    *out_x = row->n_orders - 1.0;
    *out_t_x = p->separate_orders ? (double)(row->last_us - row->first_us) / (double)FBK__DAY_US
                                  : (double)(row->last_day - row->first_day);
    *out_t = fbk__purchase_age(p, row, p->as_of_us, p->as_of_day);
}

void
fbk__purchase_cut(const fbk__purchases *p, const fbk__purchase *row, fbk_time cut_us,
                  fbk__purchase *out_row, uint32_t *out_later)
{
    fbk__purchase all;

    purchase_begin(&all, row->profile, row->first_entry);
    *out_row = all;
    for (size_t i = 0; i < row->n_entries; i++) {
        const fbk__order *e = &p->orders[row->first_entry + i];

        purchase_add(&all, e, p->separate_orders);
        if (e->occurred_us < cut_us)
            *out_row = all;
    }
    *out_later = all.n_orders - out_row->n_orders;
}

fbk_status
fbk__purchase_day(fbk *db, fbk_time us, int64_t *out_day)
{
    const fbk__places *places = NULL;
    fbk_status rc = fbk__places_acquire(db, &places);

    if (rc >= 0)
        *out_day = fbk__day_of_us(fbk__tz_to_local(fbk__place_tz(places, 0), us));
    fbk__places_release(places);
    return rc;
}
