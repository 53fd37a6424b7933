/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "act/stats.h"

#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/table.h"
#include "log/log.h"
#include "record/identity.h"
#include "store/conn.h"

/* One scan feeds both calls: totals, and counts by kind. Rows of one event are neighbours, so that
 * what is counted once an event is decided when the event's number changes. */

/** A set of small integers, grown as they come. */
typedef struct stats_set {
    uint64_t *bits;
    size_t cap; /* words */
    uint64_t n;
} stats_set;

typedef struct stats_kind {
    uint64_t events, lines;
    int64_t micro;
    uint64_t last_event; /* of the events counted */
} stats_kind;

typedef struct stats_tally {
    fbk *db;
    const fbk_stats_options *opt;
    const fbk__identity *who;
    fbk_stats out;
    stats_set customers, people, items, valid_customers;
    uint64_t event; /* at hand */
    uint64_t valid_event;
    stats_kind *kinds; /* by word */
    size_t kind_cap;
    stats_kind line_kinds[FBK__N_LINE_KINDS];
} stats_tally;

static bool
stats_set_add(const fbk_allocator *a, stats_set *set, uint32_t value)
{
    size_t word = value / 64;
    size_t had = set->cap;
    uint64_t bit = UINT64_C(1) << (value % 64);

    if (!fbk__grow(a, &set->bits, &set->cap, word + 1, sizeof *set->bits))
        return false;
    if (set->cap > had)
        memset(set->bits + had, 0, (set->cap - had) * sizeof *set->bits);
    set->n += !(set->bits[word] & bit);
    set->bits[word] |= bit;
    return true;
}

static stats_kind *
stats_kind_at(stats_tally *t, uint32_t word)
{
    size_t had = t->kind_cap;

    if (!fbk__grow(fbk__a(t->db), &t->kinds, &t->kind_cap, (size_t)word + 1, sizeof *t->kinds))
        return NULL;
    if (t->kind_cap > had)
        memset(t->kinds + had, 0, (t->kind_cap - had) * sizeof *t->kinds);
    return &t->kinds[word];
}

static fbk_status
stats_sum(fbk *db, int64_t *sum, int64_t micro)
{
    if (__builtin_add_overflow(*sum, micro, sum))
        return fbk__fail_at(db, FBK_ERANGE, "amount_micro", 0,
                            "a sum of amounts did not fit 64 bits of millionths");
    return FBK_OK;
}

static bool
stats_is_invoice(uint32_t kind)
{
    return kind >= FBK__EVENT_SALE && kind <= FBK__EVENT_TRANSFER;
}

static fbk_status
stats_kinds_row(stats_tally *t, const fbk__chunk *c, size_t i)
{
    uint8_t line_kind = c->line_kind[i];
    stats_kind *kind = stats_kind_at(t, c->kind[i]);
    stats_kind *line = &t->line_kinds[line_kind < FBK__N_LINE_KINDS ? line_kind : FBK__LINE_NONE];
    fbk_status rc = FBK_OK;

    if (!kind)
        return fbk__nomem(t->db);
    t->out.n_events += t->event != c->event[i];
    t->event = c->event[i];
    kind->events += kind->last_event != c->event[i];
    kind->last_event = c->event[i];
    if (line_kind == FBK__LINE_NONE)
        return FBK_OK;
    kind->lines++;
    line->events += line->last_event != c->event[i];
    line->last_event = c->event[i];
    line->lines++;
    if (c->currency[i] == 0) {
        rc = stats_sum(t->db, &kind->micro, c->amount_micro[i]);
        if (rc >= 0)
            rc = stats_sum(t->db, &line->micro, c->amount_micro[i]);
    }
    return rc;
}

/* A line of an invoice that is no test. */
static fbk_status
stats_invoice_line(stats_tally *t, const fbk__chunk *c, size_t i, uint32_t profile)
{
    const fbk_allocator *a = fbk__a(t->db);
    bool sold = c->kind[i] != FBK__EVENT_ADJUSTMENT && c->kind[i] != FBK__EVENT_TRANSFER;
    fbk_status rc;

    t->out.n_invoice_lines++;
    if (c->item[i] && !stats_set_add(a, &t->items, c->item[i]))
        return fbk__nomem(t->db);
    if (c->currency[i] != 0) {
        t->out.n_foreign_lines++;
        return FBK_OK;
    }
    rc = stats_sum(t->db, &t->out.total_micro, c->amount_micro[i]);
    if (rc < 0 || !sold || !profile || c->quantity_milli[i] <= 0 || c->unit_price_micro[i] <= 0)
        return rc;
    t->out.n_valid_lines++;
    t->out.n_valid_invoices += t->valid_event != c->event[i];
    t->valid_event = c->event[i];
    if (!stats_set_add(a, &t->valid_customers, profile))
        return fbk__nomem(t->db);
    return stats_sum(t->db, &t->out.valid_micro, c->amount_micro[i]);
}

static fbk_status
stats_row(stats_tally *t, const fbk__chunk *c, size_t i)
{
    const fbk_allocator *a = fbk__a(t->db);
    uint32_t profile = fbk__identity_profile(t->who, c->node[i]);
    bool test = c->flags[i] & FBK__FLAG_TEST;
    bool invoice = stats_is_invoice(c->kind[i]) && !test;

    if (t->event != c->event[i]) {
        t->event = c->event[i];
        t->out.n_events++;
        t->out.n_test_events += test;
        t->out.n_invoices += invoice;
        if (t->out.first_us == FBK_TIME_NONE || c->occurred_us[i] < t->out.first_us)
            t->out.first_us = c->occurred_us[i];
        if (t->out.last_us == FBK_TIME_NONE || c->occurred_us[i] > t->out.last_us)
            t->out.last_us = c->occurred_us[i];
        if (profile && !test && !stats_set_add(a, &t->people, profile))
            return fbk__nomem(t->db);
        if (profile && invoice && !stats_set_add(a, &t->customers, profile))
            return fbk__nomem(t->db);
    }
    if (c->line_kind[i] == FBK__LINE_NONE)
        return FBK_OK;
    t->out.n_lines++;
    return invoice ? stats_invoice_line(t, c, i, profile) : FBK_OK;
}

static fbk_status
stats_scan(stats_tally *t, fbk_time as_of_us, bool kinds)
{
    fbk__scan_options what = {.from_us = FBK_TIME_NONE,
                              .to_us = as_of_us,
                              .columns = FBK__COL_EVENT | FBK__COL_NODE | FBK__COL_OCCURRED |
                                         FBK__COL_KIND | FBK__COL_FLAGS | FBK__COL_CURRENCY |
                                         FBK__COL_LINE_KIND | FBK__COL_ITEM | FBK__COL_QUANTITY |
                                         FBK__COL_UNIT_PRICE | FBK__COL_AMOUNT};
    const fbk__chunk *chunk = NULL;
    fbk__scan *scan = NULL;
    fbk_status rc;

    rc = fbk__log_scan_open(t->db, &what, &scan);
    if (rc < 0)
        goto out;
    while ((rc = fbk__log_scan_next(scan, &chunk)) == FBK_OK) {
        for (size_t i = 0; rc >= 0 && i < chunk->n; i++)
            rc = kinds ? stats_kinds_row(t, chunk, i) : stats_row(t, chunk, i);
        if (rc >= 0 && t->opt->progress)
            rc =
                fbk__callback_status(t->db, t->opt->progress(t->opt->progress_data, t->out.n_events,
                                                             fbk__log_scan_total(scan)));
        if (rc < 0)
            goto out;
    }
out:
    fbk__log_scan_close(scan);
    return rc;
}

static fbk_status
stats_begin(fbk *db, fbk_time as_of_us, const fbk_stats_options *options, fbk_stats_options *opt)
{
    fbk_status rc = fbk__options_load(db, opt, sizeof *opt, FBK_STATS_OPTIONS_V1_SIZE, options);

    if (rc < 0)
        return rc;
    if (opt->flags)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had an unknown bit");
    if (as_of_us != FBK_TIME_NONE && (as_of_us < FBK_TIME_MIN || as_of_us > FBK_TIME_MAX))
        return fbk__fail_at(db, FBK_ERANGE, "as_of_us", 0,
                            "as_of_us was not an instant of the years 1 to 9999");
    return FBK_OK;
}

static void
stats_tally_free(stats_tally *t)
{
    const fbk_allocator *a = fbk__a(t->db);

    fbk__free(a, t->customers.bits);
    fbk__free(a, t->people.bits);
    fbk__free(a, t->items.bits);
    fbk__free(a, t->valid_customers.bits);
    fbk__free(a, t->kinds);
    fbk__identity_release(t->who);
}

static fbk_status
stats_storage(fbk *db, fbk_stats *out)
{
    fbk__log_storage storage;
    fbk_status rc = fbk__log_storage_read(db, &storage);

    if (rc < 0)
        return rc;
    out->n_segments = storage.segments;
    out->n_runs = storage.runs;
    out->live_bytes = storage.live_bytes;
    out->dead_bytes = storage.dead_bytes;
    out->sealed_bytes = storage.sealed_bytes;
    out->merged_bytes = storage.merged_bytes;
    out->file_bytes = fbk__file_bytes(db) + fbk__wal_bytes(db);
    return FBK_OK;
}

fbk_status
fbk_stats_read(fbk *db, fbk_time as_of_us, const fbk_stats_options *options, fbk_stats *out)
{
    fbk_stats_options opt;
    stats_tally t = {.db = db,
                     .opt = &opt,
                     .out = {.struct_size = (uint32_t)sizeof t.out,
                             .first_us = FBK_TIME_NONE,
                             .last_us = FBK_TIME_NONE}};
    fbk__log_counts counts;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail(db, FBK_EINVAL, "out was NULL");
    rc = stats_begin(db, as_of_us, options, &opt);
    if (rc < 0)
        return rc;
    rc = fbk__identity_acquire(db, FBK_TIME_NONE, &t.who);
    if (rc < 0)
        goto out;
    rc = stats_scan(&t, as_of_us, false);
    if (rc < 0)
        goto out;
    rc = fbk__log_count(db, &counts);
    if (rc < 0)
        goto out;
    rc = stats_storage(db, &t.out);
    if (rc < 0)
        goto out;
    t.out.n_customers = t.customers.n;
    t.out.n_people = t.people.n;
    t.out.n_items = t.items.n;
    t.out.n_valid_customers = t.valid_customers.n;
    t.out.n_identifiers = counts.nodes;
    t.out.n_links = counts.links;
    t.out.n_conflicts = counts.conflicts;
    t.out.n_erased = counts.erased;
    rc = fbk__result_store(db, out, FBK_STATS_V1_SIZE, &t.out, sizeof t.out);
out:
    stats_tally_free(&t);
    return rc;
}

/* -- by kind ----------------------------------------------------------------------------------- */

typedef struct stats_named {
    stats_kind count;
    uint32_t number;
    uint32_t reserved0;
} stats_named;

static int
stats_named_compare(const void *a, const void *b)
{
    const stats_named *x = a;
    const stats_named *y = b;

    if (x->count.events != y->count.events)
        return x->count.events > y->count.events ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

/* The rows of one grouping, most events first. */
static fbk_status
stats_kinds_put(fbk *db, fbk__table *table, const char *grouping, const stats_kind *kinds, size_t n)
{
    static const char *const line_names[FBK__N_LINE_KINDS] = {
        "",          "product", "shipping",   "fee",    "discount",
        "gift_card", "deposit", "adjustment", "sample", "bundle"};
    stats_named *rows = fbk__calloc(fbk__a(db), n ? n : 1, sizeof *rows);
    size_t n_rows = 0;
    fbk_status rc = FBK_OK;

    if (!rows)
        return fbk__nomem(db);
    for (size_t k = 0; k < n; k++)
        if (kinds[k].events)
            rows[n_rows++] = (stats_named){kinds[k], (uint32_t)k, 0};
    qsort(rows, n_rows, sizeof *rows, stats_named_compare);
    for (size_t i = 0; rc >= 0 && i < n_rows; i++) {
        const char *name = "";

        if (grouping[0] == 'l')
            name = line_names[rows[i].number];
        else
            rc = fbk__word_get(db, rows[i].number, &name);
        fbk__table_add_str(table, 0, grouping);
        fbk__table_add_str(table, 1, name);
        fbk__table_add_int64(table, 2, (int64_t)rows[i].count.events);
        fbk__table_add_int64(table, 3, (int64_t)rows[i].count.lines);
        fbk__table_add_int64(table, 4, rows[i].count.micro);
    }
    fbk__free(fbk__a(db), rows);
    return rc;
}

fbk_status
fbk_stats_kinds(fbk *db, fbk_time as_of_us, const fbk_stats_options *options,
                struct ArrowArrayStream *out)
{
    fbk_stats_options opt;
    stats_tally t = {.db = db, .opt = &opt};
    fbk__table *table = NULL;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail(db, FBK_EINVAL, "out was NULL");
    rc = stats_begin(db, as_of_us, options, &opt);
    if (rc < 0)
        return rc;
    rc = stats_scan(&t, as_of_us, true);
    if (rc < 0)
        goto out;
    table = fbk__table_new(fbk__a(db));
    (void)fbk__table_column(table, "grouping", FBK__TEXT, false);
    (void)fbk__table_column(table, "kind", FBK__TEXT, false);
    (void)fbk__table_column(table, "n_events", FBK__INT64, false);
    (void)fbk__table_column(table, "n_lines", FBK__INT64, false);
    (void)fbk__table_column(table, "amount_micro", FBK__INT64, false);
    rc = stats_kinds_put(db, table, "event", t.kinds, t.kind_cap);
    if (rc >= 0)
        rc = stats_kinds_put(db, table, "line", t.line_kinds, FBK__N_LINE_KINDS);
    if (rc >= 0) {
        rc = fbk__table_stream(db, table, 0, out);
        table = NULL;
    }
out:
    fbk__table_free(table);
    stats_tally_free(&t);
    return rc;
}
