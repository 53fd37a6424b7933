/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/climate_panel.h"

#include <string.h>

#include "base/sort.h"
#include "base/time.h"
#include "log/log.h"

void
fbk__climate_sales_init(fbk__climate_sales *sales, const fbk_allocator *a)
{
    memset(sales, 0, sizeof *sales);
    sales->a = a;
}

void
fbk__climate_sales_free(fbk__climate_sales *sales)
{
    fbk__free(sales->a, sales->station);
    fbk__free(sales->a, sales->day);
    fbk__free(sales->a, sales->baskets);
    fbk__free(sales->a, sales->sales);
    fbk__climate_sales_init(sales, sales->a);
}

uint32_t
fbk__climate_style(const fbk__items *items, uint32_t item)
{
    for (int depth = 0; depth < 32 && item <= items->n && items->parent[item] > 0; depth++)
        item = items->parent[item];
    return item;
}

typedef struct collector {
    fbk *db;
    const fbk__places *places;
    const fbk__items *items;
    fbk__climate_sales *out;
    fbk__map rows;       /* station << 32 | day as uint32 -> row + 1 */
    fbk__tz_span *spans; /* by zone: the last one looked at */
    uint64_t event;      /* at hand; 0 = none */
    uint32_t row;        /* of its basket */
    bool counted;        /* it has a product */
    size_t first_sale;   /* where its sales begin */
    size_t compact_at;   /* merge equal pairs when there are so many */
} collector;

static int32_t
local_day(collector *c, uint32_t place, fbk_time at)
{
    uint32_t zone = place <= c->places->n ? c->places->zone[place] : 0;
    fbk__tz_span *span = &c->spans[zone];

    if (at < span->start_us || at >= span->end_us)
        fbk__tz_span_at(c->places->zones[zone], at, span);
    return (int32_t)fbk__day_of_us(at + span->offset_s * FBK__SECOND_US);
}

static fbk_status
row_add(collector *c, uint32_t station, int32_t day, uint32_t *out_row)
{
    fbk__climate_sales *s = c->out;
    size_t cap = s->row_cap;
    size_t n = s->n_rows;

    if (n == cap) {
        size_t a = cap, b = cap, d = cap;

        if (n >= UINT32_MAX - 1 || !fbk__grow(s->a, &s->station, &a, n + 1, sizeof *s->station) ||
            !fbk__grow(s->a, &s->day, &b, n + 1, sizeof *s->day) ||
            !fbk__grow(s->a, &s->baskets, &d, n + 1, sizeof *s->baskets))
            return fbk__nomem(c->db);
        s->row_cap = a < b ? (a < d ? a : d) : (b < d ? b : d);
    }
    s->station[n] = station;
    s->day[n] = day;
    s->baskets[n] = 0.0;
    s->n_rows++;
    *out_row = (uint32_t)n;
    return FBK_OK;
}

/* The row of a station's day, made if new. */
static fbk_status
row_of(collector *c, uint32_t station, int32_t day, uint32_t *out_row)
{
    bool is_new;
    uint64_t *slot = fbk__map_put(&c->rows, (uint64_t)station << 32 | (uint32_t)day, &is_new);
    fbk_status rc = FBK_OK;

    if (!slot)
        return fbk__nomem(c->db);
    if (is_new) {
        rc = row_add(c, station, day, out_row);
        *slot = (uint64_t)*out_row + 1;
    }
    *out_row = (uint32_t)(*slot - 1);
    return rc;
}

/* ---- pairs of item and row ---- */

/* Sort by (item, row) and merge equal pairs. */
static fbk_status
sales_compact(fbk *db, fbk__climate_sales *s)
{
    fbk__sort_item *order = fbk__calloc(s->a, s->n_sales + 1, sizeof *order);
    fbk__climate_sale *sorted = fbk__calloc(s->a, s->n_sales + 1, sizeof *sorted);
    size_t n = 0;
    bool ok = order && sorted;

    for (size_t i = 0; ok && i < s->n_sales; i++) {
        order[i].key = (uint64_t)s->sales[i].item << 32 | s->sales[i].row;
        order[i].row = (uint32_t)i;
    }
    ok = ok && fbk__sort_items(s->a, order, s->n_sales);
    for (size_t i = 0; ok && i < s->n_sales; i++) {
        const fbk__climate_sale *sale = &s->sales[order[i].row];

        if (n > 0 && sorted[n - 1].item == sale->item && sorted[n - 1].row == sale->row)
            sorted[n - 1].n += sale->n;
        else
            sorted[n++] = *sale;
    }
    fbk__free(s->a, order);
    if (!ok) {
        fbk__free(s->a, sorted);
        return fbk__nomem(db);
    }
    fbk__free(s->a, s->sales);
    s->sales = sorted;
    s->sale_cap = s->n_sales + 1;
    s->n_sales = n;
    return FBK_OK;
}

/* An item of the basket at hand, which counts once however many lines name it. Baskets are small:
 * a look back costs less than a table. */
static fbk_status
sale_add(collector *c, uint32_t item)
{
    fbk__climate_sales *s = c->out;

    for (size_t i = s->n_sales, looked = 0; i-- > c->first_sale && looked < 256; looked++) {
        if (s->sales[i].item == item)
            return FBK_OK;
    }
    if (!fbk__grow(s->a, &s->sales, &s->sale_cap, s->n_sales + 1, sizeof *s->sales))
        return fbk__nomem(c->db);
    s->sales[s->n_sales++] = (fbk__climate_sale){item, c->row, 1u};
    return FBK_OK;
}

/* ---- the scan ---- */

static fbk_status
event_begin(collector *c, const fbk__chunk *chunk, size_t i)
{
    uint32_t station = fbk__place_station(c->places, chunk->place[i]);
    fbk_status rc = FBK_OK;

    c->event = chunk->event[i];
    c->counted = false;
    c->row = UINT32_MAX;
    if (c->out->n_sales > c->compact_at) {
        rc = sales_compact(c->db, c->out);
        c->compact_at = 2 * c->out->n_sales > (1u << 22) ? 2 * c->out->n_sales : 1u << 22;
    }
    c->first_sale = c->out->n_sales;
    if (rc >= 0 && station > 0)
        rc = row_of(c, station, local_day(c, chunk->place[i], chunk->occurred_us[i]), &c->row);
    return rc;
}

static fbk_status
chunk_add(collector *c, const fbk__chunk *chunk)
{
    fbk__climate_sales *s = c->out;
    fbk_status rc = FBK_OK;

    for (size_t i = 0; i < chunk->n && rc >= 0; i++) {
        if (chunk->event[i] != c->event)
            rc = event_begin(c, chunk, i);
        if (rc < 0 || c->row == UINT32_MAX || chunk->line_kind[i] != FBK__LINE_PRODUCT ||
            chunk->item[i] == 0 || chunk->quantity_milli[i] <= 0)
            continue;
        if (!c->counted) {
            s->baskets[c->row] += 1.0;
            s->n_events++;
            s->from_event = s->n_events == 1 || c->event < s->from_event ? c->event : s->from_event;
            s->to_event = c->event > s->to_event ? c->event : s->to_event;
            c->counted = true;
        }
        rc = sale_add(c, fbk__climate_style(c->items, chunk->item[i]));
    }
    return rc;
}

static fbk_status
scan(collector *c, fbk_time as_of_us, const fbk_climate_options *options)
{
    static const uint32_t kinds[] = {FBK__EVENT_SALE};
    fbk__scan_options opt = {
        .from_us = FBK_TIME_NONE,
        .to_us = as_of_us,
        .kinds = kinds,
        .n_kinds = 1,
        .columns = FBK__COL_EVENT | FBK__COL_OCCURRED | FBK__COL_PLACE | FBK__COL_LINE_KIND |
                   FBK__COL_ITEM | FBK__COL_QUANTITY,
        .skip_flags = FBK__FLAG_TEST | FBK__FLAG_EMPLOYEE | FBK__FLAG_BUSINESS | FBK__FLAG_BOT,
    };
    const fbk__chunk *chunk;
    fbk__scan *cursor = NULL;
    fbk_status rc = fbk__log_scan_open(c->db, &opt, &cursor);

    while (rc >= 0 && (rc = fbk__log_scan_next(cursor, &chunk)) == FBK_OK) {
        rc = chunk_add(c, chunk);
        if (rc >= 0 && options->progress)
            rc = fbk__callback_status(c->db, options->progress(options->user_data, c->out->n_events,
                                                               fbk__log_scan_total(cursor)));
    }
    fbk__log_scan_close(cursor);
    return rc < 0 ? rc : FBK_OK;
}

/* Put the rows in the order of (station, day), and tell the sales. */
static fbk_status
rows_sort(fbk *db, fbk__climate_sales *s)
{
    fbk__sort_item *order = fbk__calloc(s->a, s->n_rows + 1, sizeof *order);
    fbk__climate_sales t = *s;
    uint32_t *new_row = fbk__calloc(s->a, s->n_rows + 1, sizeof *new_row);
    bool ok;

    t.station = fbk__calloc(s->a, s->n_rows + 1, sizeof *t.station);
    t.day = fbk__calloc(s->a, s->n_rows + 1, sizeof *t.day);
    t.baskets = fbk__calloc(s->a, s->n_rows + 1, sizeof *t.baskets);
    ok = order && new_row && t.station && t.day && t.baskets;
    for (size_t i = 0; ok && i < s->n_rows; i++) {
        order[i].key = (uint64_t)s->station[i] << 32 | ((uint32_t)s->day[i] ^ 1u << 31);
        order[i].row = (uint32_t)i;
    }
    ok = ok && fbk__sort_items(s->a, order, s->n_rows);
    for (size_t i = 0; ok && i < s->n_rows; i++) {
        uint32_t from = order[i].row;

        t.station[i] = s->station[from];
        t.day[i] = s->day[from];
        t.baskets[i] = s->baskets[from];
        new_row[from] = (uint32_t)i;
    }
    for (size_t i = 0; ok && i < s->n_sales; i++)
        s->sales[i].row = new_row[s->sales[i].row];
    fbk__free(s->a, order);
    fbk__free(s->a, new_row);
    fbk__free(s->a, ok ? s->station : t.station);
    fbk__free(s->a, ok ? s->day : t.day);
    fbk__free(s->a, ok ? s->baskets : t.baskets);
    if (!ok)
        return fbk__nomem(db);
    s->station = t.station;
    s->day = t.day;
    s->baskets = t.baskets;
    s->row_cap = s->n_rows + 1;
    return FBK_OK;
}

fbk_status
fbk__climate_collect(fbk *db, fbk_time as_of_us, const fbk__places *places, const fbk__items *items,
                     const fbk_climate_options *options, fbk__climate_sales *out)
{
    collector c = {.db = db, .places = places, .items = items, .out = out};
    fbk_status rc = FBK_OK;

    c.compact_at = 1u << 22;
    fbk__map_init(&c.rows, out->a);
    c.spans = fbk__calloc(out->a, (size_t)places->n_zones + 1, sizeof *c.spans);
    if (!c.spans)
        rc = fbk__nomem(db);
    if (rc >= 0)
        rc = scan(&c, as_of_us, options);
    if (rc >= 0)
        rc = rows_sort(db, out);
    if (rc >= 0)
        rc = sales_compact(db, out);
    fbk__free(out->a, c.spans);
    fbk__map_free(&c.rows);
    return rc;
}
