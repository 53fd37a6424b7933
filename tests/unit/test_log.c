/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/event.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "store/conn.h"
#include "store/stmt.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

static fbk_store *store;
static fbk *db;

static void
setup(void)
{
    store = tk_store_open(":memory:", NULL);
    db = tk_store_connect(store);
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
}

/* -- exactly once ---------------------------------------------------------------------------- */

static void
append_one(const tk_event *e, uint8_t want)
{
    fbk__batch batch;
    fbk__append_counts counts = {0};
    uint8_t outcome = 77;

    fbk__batch_init(&batch, NULL);
    tk_batch_add(&batch, e);
    tk_assert_ok(db, tk_batch_append(db, &batch, &outcome, &counts));
    ck_assert_uint_eq(outcome, want);
    ck_assert_uint_eq(counts.added + counts.already + counts.conflict + counts.erased, 1);
    fbk__batch_free(&batch);
}

START_TEST(an_id_is_stored_once_for_ever)
{
    tk_event e = tk_event_make(1);
    tk_event other = e;
    tk_event later = e;
    fbk__log_counts counts;

    other.salt = 9;
    later.occurred_us += INT64_C(86400000000);
    append_one(&e, FBK__ADDED);
    append_one(&e, FBK__ALREADY);
    append_one(&other, FBK__CONFLICT);
    append_one(&other, FBK__CONFLICT); /* noted once */
    append_one(&later, FBK__CONFLICT);
    append_one(&e, FBK__ALREADY);
    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_eq(counts.events, 1);
    ck_assert_uint_eq(counts.lines, e.n_lines);
    ck_assert_uint_eq(counts.conflicts, 2);
    ck_assert_int_eq(counts.first_us, e.occurred_us);
    ck_assert_int_eq(counts.last_us, e.occurred_us);
}
END_TEST

START_TEST(received_time_is_no_content)
{
    tk_event e = tk_event_make(2);
    fbk__batch batch;
    fbk__append_counts counts = {0};
    uint8_t outcome[1] = {77};

    append_one(&e, FBK__ADDED);
    fbk__batch_init(&batch, NULL);
    tk_batch_add(&batch, &e);
    batch.events[0].received_us += 1000;
    tk_assert_ok(db, tk_batch_append(db, &batch, outcome, &counts));
    ck_assert_uint_eq(outcome[0], FBK__ALREADY);
    fbk__batch_free(&batch);
}
END_TEST

START_TEST(within_one_batch_too)
{
    tk_event e = tk_event_make(3);
    tk_event other = e;
    fbk__batch batch;
    fbk__append_counts counts = {0};
    uint8_t outcomes[3] = {77, 77, 77};

    other.salt = 1;
    fbk__batch_init(&batch, NULL);
    tk_batch_add(&batch, &e);
    tk_batch_add(&batch, &e);
    tk_batch_add(&batch, &other);
    tk_assert_ok(db, tk_batch_append(db, &batch, outcomes, &counts));
    ck_assert_uint_eq(outcomes[0], FBK__ADDED);
    ck_assert_uint_eq(outcomes[1], FBK__ALREADY);
    ck_assert_uint_eq(outcomes[2], FBK__CONFLICT);
    ck_assert_uint_eq(counts.added, 1);
    ck_assert_uint_eq(counts.lines_added, e.n_lines);
    fbk__batch_free(&batch);
}
END_TEST

/* A large batch is looked through beforehand; few of it are new, so that it goes to the tail. */
START_TEST(within_a_large_batch_too)
{
    enum { OLD = 5000, RESENT = 4990, NEW = 100 };
    fbk__batch batch;
    fbk__append_counts counts = {0};
    uint8_t *outcomes = calloc(RESENT + 2 * NEW + 1, 1);
    tk_event e;
    uint64_t n_bad = 0;

    ck_assert_ptr_nonnull(outcomes);
    tk_log_fill(db, 1, OLD);
    fbk__batch_init(&batch, NULL);
    for (uint32_t i = 1; i <= RESENT; i++) {
        e = tk_event_make(i);
        tk_batch_add(&batch, &e);
    }
    for (uint32_t i = 0; i < 2 * NEW; i++) {
        e = tk_event_make(OLD + 1 + i % NEW);
        tk_batch_add(&batch, &e);
    }
    e.salt = 7;
    tk_batch_add(&batch, &e);
    tk_assert_ok(db, tk_batch_append(db, &batch, outcomes, &counts));
    ck_assert_uint_eq(counts.added, NEW);
    ck_assert_uint_eq(counts.already, RESENT + NEW);
    ck_assert_uint_eq(counts.conflict, 1);
    for (uint32_t i = 0; i < RESENT + 2 * NEW + 1; i++)
        ck_assert_uint_eq(outcomes[i], i == RESENT + 2 * NEW             ? FBK__CONFLICT
                                       : i >= RESENT && i < RESENT + NEW ? FBK__ADDED
                                                                         : FBK__ALREADY);
    append_one(&e, FBK__CONFLICT);
    e.salt = 0;
    append_one(&e, FBK__ALREADY);
    tk_assert_ok(db, fbk__log_seal(db));
    append_one(&e, FBK__ALREADY);
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &n_bad));
    fbk__batch_free(&batch);
    free(outcomes);
}
END_TEST

START_TEST(a_failed_transaction_leaves_nothing)
{
    tk_event e = tk_event_make(4);
    fbk__batch batch;
    fbk__append_counts counts = {0};
    fbk__log_counts now;
    uint32_t word;

    fbk__batch_init(&batch, NULL);
    tk_batch_add(&batch, &e);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, tk_batch_append(db, &batch, NULL, &counts));
    tk_assert_ok(db, fbk__word_resolve(db, "gone", 4, true, &word));
    ck_assert_str_eq(fbk__word_text(db, word), "gone");
    ck_assert_int_eq(fbk__write_end(db, FBK_ECANCELLED), FBK_ECANCELLED);
    tk_assert_ok(db, fbk__log_count(db, &now));
    ck_assert_uint_eq(now.events, 0);
    ck_assert_uint_eq(now.nodes, 0);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__word_resolve(db, "gone", 4, false, &word));
    append_one(&e, FBK__ADDED);
    fbk__batch_free(&batch);
}
END_TEST

/* -- words and nodes ------------------------------------------------------------------------- */

START_TEST(words_keep_their_numbers)
{
    uint32_t sale;
    uint32_t first;
    uint32_t again;
    const char *text = NULL;
    fbk *other;

    tk_assert_ok(db, fbk__word_resolve(db, "sale", 4, false, &sale));
    ck_assert_uint_eq(sale, FBK__EVENT_SALE);
    tk_assert_ok(db, fbk__word_resolve(db, "", 0, false, &sale));
    ck_assert_uint_eq(sale, 0);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__word_resolve(db, "tasting", 7, false, &first));
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__word_resolve(db, "tasting", 7, true, &first));
    tk_assert_ok(db, fbk__word_resolve(db, "tasting", 7, true, &again));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    ck_assert_uint_eq(first, FBK__EVENT_OWN);
    ck_assert_uint_eq(first, again);
    other = tk_store_connect(store);
    ck_assert_str_eq(fbk__word_text(other, first), "tasting");
    ck_assert_ptr_eq(fbk__word_text(other, first), fbk__word_text(db, first));
    ck_assert_str_eq(fbk__word_text(other, FBK__EVENT_TRY_ON), "try_on");
    ck_assert_str_eq(fbk__word_text(other, 999), "");
    ck_assert_str_eq(fbk__word_text(other, 5000), "");
    tk_assert_ok(other, fbk__word_get(other, first, &text));
    ck_assert_str_eq(text, "tasting");
    tk_assert_ok(other, fbk__word_get(other, 0, &text));
    ck_assert_str_eq(text, "");
    tk_assert_fails(other, FBK_ECORRUPT, fbk__word_get(other, 5000, &text));
    fbk_close(other);
}
END_TEST

START_TEST(nodes_keep_their_numbers)
{
    static const char *const values[] = {"a", "b", "A", "a\xc3\xa9", "b "};
    uint32_t nodes[5];
    uint32_t node;
    uint32_t n;
    uint32_t *spaces;
    uint32_t space;
    fbk__buf value;

    tk_assert_ok(db, fbk__write_begin(db));
    for (unsigned i = 0; i < 5; i++)
        tk_assert_ok(db, fbk__node_make(db, 1000 + i % 2, values[i], strlen(values[i]), &nodes[i]));
    tk_assert_ok(db, fbk__node_make(db, 1001, "a", 1, &node)); /* the same value, another space */
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    fbk__buf_init(&value, NULL);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(nodes[i], i + 1);
        tk_assert_ok(db, fbk__node_find(db, 1000 + i % 2, values[i], strlen(values[i]), &n));
        ck_assert_uint_eq(n, nodes[i]);
        fbk__buf_clear(&value);
        tk_assert_ok(db, fbk__node_value(db, nodes[i], &space, &value));
        ck_assert_str_eq(value.data, values[i]);
        ck_assert_uint_eq(space, 1000 + i % 2);
    }
    fbk__buf_free(&value);
    ck_assert_uint_eq(node, 6);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__node_find(db, 1000, "c", 1, &n));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__node_value(db, 7, &space, &value));
    tk_assert_ok(db, fbk__node_spaces(db, &spaces, &n));
    ck_assert_uint_eq(n, 6);
    ck_assert_uint_eq(spaces[0], 0);
    ck_assert_uint_eq(spaces[2], 1001);
    free(spaces);
}
END_TEST

/* -- scan ------------------------------------------------------------------------------------ */

enum { N_EVENTS = 6000, ALL_COLUMNS = (1 << 18) - 1 };

typedef struct filter {
    int64_t from_us, to_us;
    uint32_t persons; /* of this many customers, 0 = all */
    uint32_t kind;    /* 0 = all */
    uint64_t after_event;
    uint32_t skip_flags;
} filter;

static const filter filters[] = {
    {FBK_TIME_NONE, FBK_TIME_NONE, 0, 0, 0, 0},
    {INT64_C(1710000000000000), INT64_C(1740000000000000), 0, 0, 0, 0},
    {FBK_TIME_NONE, INT64_C(1740000000000000), 0, FBK__EVENT_VIEW, 100, 0},
    {FBK_TIME_NONE, FBK_TIME_NONE, 3, 0, 0, 0},
    {INT64_C(1710000000000000), FBK_TIME_NONE, 3, FBK__EVENT_SALE, 2500, FBK__FLAG_BOT},
    {FBK_TIME_NONE, FBK_TIME_NONE, 40, 0, 0, FBK__FLAG_BOT},
    {INT64_C(1704067200000000), INT64_C(1704067200000001), 0, 0, 0, 0},
};

static bool
wanted(const filter *f, const tk_event *e, uint64_t event)
{
    return (f->from_us == FBK_TIME_NONE || e->occurred_us >= f->from_us) &&
           (f->to_us == FBK_TIME_NONE || e->occurred_us < f->to_us) &&
           (!f->persons || (e->n_idents && e->person < f->persons)) &&
           (!f->kind || f->kind == e->kind) && event > f->after_event &&
           !(e->flags & f->skip_flags);
}

static void
check_row(const fbk__chunk *c, size_t i, const tk_event *e, uint32_t line, uint32_t node)
{
    fbk__batch_line l = {0};

    if (e->n_lines)
        l = tk_event_line(e, line);
    ck_assert_uint_eq(c->event[i], e->number);
    ck_assert_uint_eq(c->node[i], node);
    ck_assert_int_eq(c->occurred_us[i], e->occurred_us);
    ck_assert_int_eq(c->received_us[i], e->occurred_us + 5);
    ck_assert_uint_eq(c->kind[i], e->kind);
    ck_assert_str_eq(fbk__word_text(db, c->source[i]), "till 1");
    ck_assert_str_eq(fbk__word_text(db, c->channel[i]), e->number % 2 ? "" : "store");
    ck_assert_uint_eq(c->place[i], e->place);
    ck_assert(e->with_order == (c->order[i] != 0));
    ck_assert_uint_eq(c->flags[i], e->flags);
    ck_assert_str_eq(fbk__word_text(db, c->currency[i]), e->currency ? "USD" : "");
    ck_assert_uint_eq(c->line_kind[i], l.kind);
    ck_assert_uint_eq(c->item[i], l.item);
    ck_assert_int_eq(c->quantity_milli[i], l.quantity_milli);
    ck_assert_int_eq(c->unit_price_micro[i], l.unit_price_micro);
    ck_assert_int_eq(c->discount_micro[i], l.discount_micro);
    ck_assert_int_eq(c->tax_micro[i], l.tax_micro);
    ck_assert_int_eq(c->amount_micro[i], l.amount_micro);
}

static uint32_t
customer_node(uint32_t person)
{
    char value[32];
    uint32_t space;
    uint32_t node;

    (void)snprintf(value, sizeof value, "customer-%u", person);
    tk_assert_ok(db, fbk__word_resolve(db, "customer", 8, false, &space));
    tk_assert_ok(db, fbk__node_find(db, space, value, strlen(value), &node));
    return node;
}

static int
ascending(const void *x, const void *y)
{
    uint32_t p = *(const uint32_t *)x;
    uint32_t q = *(const uint32_t *)y;

    return (p > q) - (p < q);
}

/* Reads the whole scan; checks each row against the event of its number; marks what came. */
static size_t
check_scan(fbk__scan *scan, const filter *f, const uint32_t *node_of, uint8_t *seen)
{
    const fbk__chunk *c;
    size_t n_rows = 0;
    fbk_status rc;

    while ((rc = fbk__log_scan_next(scan, &c)) == FBK_OK) {
        ck_assert_uint_gt(c->n, 0);
        for (size_t i = 0; i < c->n;) {
            tk_event e = tk_event_make((uint32_t)c->event[i]);
            uint32_t n = e.n_lines ? e.n_lines : 1;

            ck_assert(wanted(f, &e, c->event[i]));
            ck_assert_uint_eq(seen[e.number], 0);
            seen[e.number] = 1;
            ck_assert_uint_le(i + n, c->n); /* never cut */
            for (uint32_t line = 0; line < n; line++, i++)
                check_row(c, i, &e, line, e.n_idents ? node_of[e.person] : 0);
            n_rows += n;
        }
    }
    ck_assert_int_eq(rc, FBK_DONE);
    return n_rows;
}

START_TEST(scan_equals_brute_force)
{
    const filter *f = &filters[_i];
    uint32_t node_of[40];
    uint32_t nodes[40];
    uint8_t *seen = calloc(N_EVENTS + 1, 1);
    fbk__scan_options opt = {.from_us = f->from_us,
                             .to_us = f->to_us,
                             .after_event = f->after_event,
                             .columns = ALL_COLUMNS,
                             .skip_flags = f->skip_flags};
    fbk__scan *scan = NULL;
    size_t want = 0;

    for (uint32_t at = 1; at <= N_EVENTS; at += 1000)
        tk_log_fill(db, at, 1000);
    for (uint32_t i = 0; i < 40; i++)
        nodes[i] = node_of[i] = customer_node(i);
    qsort(nodes, f->persons, sizeof *nodes, ascending);
    opt.nodes = f->persons ? nodes : NULL;
    opt.n_nodes = f->persons;
    opt.kinds = f->kind ? &f->kind : NULL;
    opt.n_kinds = 1;
    tk_assert_ok(db, fbk__log_scan_open(db, &opt, &scan));
    ck_assert_uint_eq(fbk__log_scan_total(scan), N_EVENTS);
    for (uint32_t i = 1; i <= N_EVENTS; i++) {
        tk_event e = tk_event_make(i);

        want += wanted(f, &e, i) ? e.n_lines ? e.n_lines : 1 : 0;
    }
    ck_assert_uint_eq(check_scan(scan, f, node_of, seen), want);
    fbk__log_scan_close(scan);
    free(seen);
}
END_TEST

START_TEST(scan_sees_one_snapshot)
{
    fbk__scan_options opt = {
        .from_us = FBK_TIME_NONE, .to_us = FBK_TIME_NONE, .columns = FBK__COL_EVENT};
    fbk__scan *scan = NULL;
    const fbk__chunk *c;
    fbk *writer = tk_store_connect(store);
    uint64_t n_events = 0;
    uint64_t last = 0;
    fbk_status rc;

    for (uint32_t at = 1; at <= N_EVENTS; at += 1000)
        tk_log_fill(db, at, 1000);
    tk_assert_ok(db, fbk__log_scan_open(db, &opt, &scan));
    while ((rc = fbk__log_scan_next(scan, &c)) == FBK_OK) {
        tk_log_fill(writer, N_EVENTS + 1 + (uint32_t)n_events, 1); /* after every chunk */
        for (size_t i = 0; i < c->n; i++) {
            n_events += c->event[i] != last;
            last = c->event[i];
        }
        ck_assert_ptr_null(c->node); /* not asked for */
    }
    ck_assert_int_eq(rc, FBK_DONE);
    ck_assert_uint_eq(n_events, N_EVENTS);
    ck_assert_uint_eq(fbk__log_scan_total(scan), N_EVENTS);
    fbk__log_scan_close(scan);
    fbk_close(writer);
}
END_TEST

START_TEST(scan_inside_a_write_transaction_sees_what_was_written)
{
    fbk__scan_options opt = {.from_us = FBK_TIME_NONE,
                             .to_us = FBK_TIME_NONE,
                             .after_event = 10,
                             .columns = FBK__COL_EVENT | FBK__COL_AMOUNT};
    fbk__scan *scan = NULL;
    const fbk__chunk *c;

    tk_log_fill(db, 1, 10);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_log_fill(db, 11, 3);
    tk_assert_ok(db, fbk__log_scan_open(db, &opt, &scan));
    ck_assert_int_eq(fbk__log_scan_next(scan, &c), FBK_OK);
    ck_assert_uint_eq(c->event[0], 11);
    ck_assert_uint_eq(c->event[c->n - 1], 13);
    ck_assert_int_eq(fbk__log_scan_next(scan, &c), FBK_DONE);
    fbk__log_scan_close(scan);
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
}
END_TEST

/* An event that is larger than a chunk is given whole. */
START_TEST(scan_of_a_large_event)
{
    enum { N_LINES = 20000 };
    tk_event e = tk_event_make(1);
    fbk__scan_options opt = {.from_us = FBK_TIME_NONE,
                             .to_us = FBK_TIME_NONE,
                             .columns = FBK__COL_EVENT | FBK__COL_QUANTITY};
    fbk__append_counts counts = {0};
    fbk__batch batch;
    fbk__scan *scan = NULL;
    const fbk__chunk *c;
    uint32_t seen = 0;

    e.n_lines = N_LINES;
    tk_log_fill(db, 2, 500);
    fbk__batch_init(&batch, NULL);
    tk_batch_add(&batch, &e);
    tk_assert_ok(db, tk_batch_append(db, &batch, NULL, &counts));
    ck_assert_uint_eq(counts.lines_added, N_LINES);
    fbk__batch_free(&batch);
    tk_assert_ok(db, fbk__log_scan_open(db, &opt, &scan));
    while (seen == 0 && fbk__log_scan_next(scan, &c) == FBK_OK) {
        size_t at = 0;

        while (at < c->n && c->event[at] != 501)
            at++;
        for (uint32_t i = 0; at + i < c->n && c->event[at + i] == 501; i++, seen++)
            ck_assert_int_eq(c->quantity_milli[at + i], tk_event_line(&e, i).quantity_milli);
    }
    ck_assert_uint_eq(seen, N_LINES); /* in one chunk, one after the other */
    fbk__log_scan_close(scan);
}
END_TEST

/* -- history --------------------------------------------------------------------------------- */

typedef struct given {
    uint32_t numbers[N_EVENTS];
    size_t n;
    size_t stop_at; /* 0 = never */
    fbk_status stop_with;
} given;

static fbk_status
note_event(void *user_data, const fbk__event_view *v)
{
    given *g = user_data;
    tk_event e = tk_event_make((uint32_t)v->event);
    char id[32];

    (void)snprintf(id, sizeof id, "event-%u", e.number);
    ck_assert_uint_eq(v->id_len, strlen(id));
    ck_assert(memcmp(v->id, id, v->id_len) == 0);
    ck_assert_int_eq(v->occurred_us, e.occurred_us);
    ck_assert_uint_eq(v->n_lines, e.n_lines);
    ck_assert_uint_eq(v->n_nodes, e.n_idents);
    ck_assert_uint_eq(v->n_props, e.n_props);
    ck_assert((v->order_ref_len != 0) == (e.with_order != 0));
    for (uint32_t i = 0; i < e.n_lines; i++) {
        fbk__batch_line want = tk_event_line(&e, i);

        ck_assert_int_eq(memcmp(&v->lines[i], &want, sizeof want), 0);
    }
    g->numbers[g->n++] = e.number;
    return g->n == g->stop_at ? g->stop_with : FBK_OK;
}

/* Newest first, by brute force: the number of the event before (occurred, number). */
static uint32_t
next_older(uint32_t persons, int64_t *occurred_us, uint32_t *number)
{
    int64_t best_us = INT64_MIN;
    uint32_t best = 0;

    for (uint32_t i = 1; i <= N_EVENTS; i++) {
        tk_event e = tk_event_make(i);
        bool older = e.occurred_us < *occurred_us || (e.occurred_us == *occurred_us && i < *number);

        if (e.n_idents && e.person < persons && older && e.occurred_us >= best_us) {
            best_us = e.occurred_us;
            best = i;
        }
    }
    *occurred_us = best_us;
    *number = best;
    return best;
}

START_TEST(history_is_newest_first)
{
    static given g;
    uint32_t nodes[2];
    int64_t before = INT64_C(1730000000000000);
    int64_t at = before;
    uint32_t number = 0;

    for (uint32_t i = 1; i <= N_EVENTS; i += 1000)
        tk_log_fill(db, i, 1000);
    for (uint32_t i = 0; i < 2; i++)
        nodes[i] = customer_node(i);
    qsort(nodes, 2, sizeof *nodes, ascending);
    memset(&g, 0, sizeof g);
    tk_assert_ok(db, fbk__log_history(db, nodes, 2, before, 50, note_event, &g));
    ck_assert_uint_eq(g.n, 50);
    for (size_t i = 0; i < g.n; i++)
        ck_assert_uint_eq(g.numbers[i], next_older(2, &at, &number));

    memset(&g, 0, sizeof g);
    g.stop_at = 3;
    g.stop_with = FBK_DONE;
    tk_assert_ok(db, fbk__log_history(db, nodes, 2, FBK_TIME_NONE, SIZE_MAX, note_event, &g));
    ck_assert_uint_eq(g.n, 3);
    g.n = 0;
    g.stop_with = -99;
    ck_assert_int_eq(fbk__log_history(db, nodes, 2, FBK_TIME_NONE, SIZE_MAX, note_event, &g), -99);
    g.n = 0;
    tk_assert_ok(db, fbk__log_history(db, nodes, 0, FBK_TIME_NONE, 10, note_event, &g));
    ck_assert_uint_eq(g.n, 0);
}
END_TEST

START_TEST(each_gives_everything_in_order)
{
    static given g;

    tk_log_fill(db, 1, 700);
    memset(&g, 0, sizeof g);
    tk_assert_ok(db, fbk__log_each(db, 100, note_event, &g));
    ck_assert_uint_eq(g.n, 600);
    for (uint32_t i = 0; i < 600; i++)
        ck_assert_uint_eq(g.numbers[i], 101 + i);
}
END_TEST

/* -- links ----------------------------------------------------------------------------------- */

START_TEST(links_are_all_pairs)
{
    enum { N = 800 };
    fbk__link *links = NULL;
    size_t n = 0;
    uint64_t want = 0;
    uint64_t got = 0;
    fbk__log_counts counts;

    tk_log_fill(db, 1, N);
    for (uint32_t i = 1; i <= N; i++) {
        uint32_t k = tk_event_make(i).n_idents;

        want += k * (k - 1) / 2;
    }
    tk_assert_ok(db, fbk__links_read(db, &links, &n));
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_lt(links[i].a, links[i].b);
        ck_assert_uint_eq(links[i].rule, FBK__LINK_EVENT);
        ck_assert_int_le(links[i].first_us, links[i].last_us);
        ck_assert(i == 0 || links[i - 1].a < links[i].a ||
                  (links[i - 1].a == links[i].a && links[i - 1].b < links[i].b));
        got += links[i].count;
    }
    ck_assert_uint_eq(got, want);
    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_eq(counts.links, n);
    free(links);
}
END_TEST

START_TEST(a_link_widens)
{
    const fbk__link first = {1, 2, FBK__LINK_EXPLICIT, 1, 100, 100};
    const fbk__link earlier = {1, 2, FBK__LINK_EXPLICIT, 2, 50, 60};
    const fbk__link wrong = {2, 2, FBK__LINK_EXPLICIT, 1, 100, 100};
    fbk__link *links = NULL;
    size_t n = 0;
    uint32_t node;

    tk_assert_ok(db, fbk__write_begin(db));
    for (uint32_t i = 1; i <= 2; i++) {
        tk_assert_ok(db, fbk__node_make(db, FBK__EVENT_OWN, i == 1 ? "x" : "y", 1, &node));
        ck_assert_uint_eq(node, i);
    }
    tk_assert_ok(db, fbk__link_add(db, &first, "by hand"));
    tk_assert_ok(db, fbk__link_add(db, &earlier, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk__link_add(db, &wrong, NULL));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    tk_assert_ok(db, fbk__links_read(db, &links, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(links[0].count, 3);
    ck_assert_int_eq(links[0].first_us, 50);
    ck_assert_int_eq(links[0].last_us, 100);
    free(links);
}
END_TEST

START_TEST(late_events_are_ordinary)
{
    tk_event early = tk_event_make(7);
    fbk__log_counts counts;
    uint64_t before;
    uint64_t after;

    early.n_idents = 2;
    tk_log_fill(db, 100, 300);
    early.occurred_us = 0; /* years before the others */
    append_one(&early, FBK__ADDED);
    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_int_eq(counts.first_us, 0);
    /* A link that is known from earlier on changes who was who in between. */
    tk_assert_ok(db, fbk__generation(db, FBK__KIND_IDENTITY, &before));
    append_one(&early, FBK__ALREADY);
    tk_assert_ok(db, fbk__generation(db, FBK__KIND_IDENTITY, &after));
    ck_assert_uint_eq(after, before);
    early.number = 8;
    early.occurred_us = -5;
    append_one(&early, FBK__ADDED);
    tk_assert_ok(db, fbk__generation(db, FBK__KIND_IDENTITY, &after));
    ck_assert_uint_gt(after, before);
}
END_TEST

/* -- threads --------------------------------------------------------------------------------- */

enum { N_THREADS = 4, THREAD_BATCHES = 6, THREAD_BATCH = 25 };

typedef struct worker {
    pthread_t thread;
    uint32_t number;
    uint64_t n_rows;
    fbk_status rc;
} worker;

static fbk_status
work(worker *w, fbk *own)
{
    fbk_status rc = FBK_OK;

    for (uint32_t b = 0; b < THREAD_BATCHES && rc >= 0; b++) {
        fbk__scan_options opt = {
            .from_us = FBK_TIME_NONE, .to_us = FBK_TIME_NONE, .columns = FBK__COL_SOURCE};
        fbk__append_counts counts;
        fbk__batch batch;
        fbk__scan *scan = NULL;
        const fbk__chunk *c;

        fbk__batch_init(&batch, NULL);
        for (uint32_t i = 0; i < THREAD_BATCH; i++) {
            /* Every event is sent by two threads. */
            tk_event e = tk_event_make(((w->number / 2) * THREAD_BATCHES + b) * THREAD_BATCH + i);

            tk_batch_add(&batch, &e);
        }
        rc = tk_batch_append(own, &batch, NULL, &counts);
        fbk__batch_free(&batch);
        if (rc >= 0)
            rc = fbk__log_scan_open(own, &opt, &scan);
        while (rc >= 0 && (rc = fbk__log_scan_next(scan, &c)) == FBK_OK) {
            for (size_t i = 0; i < c->n; i++)
                w->n_rows += strcmp(fbk__word_text(own, c->source[i]), "till 1") == 0;
        }
        fbk__log_scan_close(scan);
    }
    return rc;
}

static void *
work_thread(void *arg)
{
    worker *w = arg;
    fbk *own = NULL;

    w->rc = fbk_connect(store, &own);
    if (w->rc >= 0)
        w->rc = work(w, own);
    fbk_close(own);
    return NULL;
}

START_TEST(threads_append_and_scan_at_once)
{
    worker workers[N_THREADS] = {{.number = 0}};
    fbk__log_counts counts;
    uint64_t bad = 0;

    for (uint32_t i = 0; i < N_THREADS; i++) {
        workers[i].number = i;
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work_thread, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
        ck_assert_int_ge(workers[i].rc, 0);
        ck_assert_uint_gt(workers[i].n_rows, 0);
    }
    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_eq(counts.events, N_THREADS / 2 * THREAD_BATCHES * THREAD_BATCH);
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
}
END_TEST

/* -- erase ----------------------------------------------------------------------------------- */

static void
find_node(const char *space, const char *value, fbk_status want, uint32_t *out)
{
    uint32_t word;

    tk_assert_ok(db, fbk__word_resolve(db, space, strlen(space), false, &word));
    ck_assert_int_eq(fbk__node_find(db, word, value, strlen(value), out), want);
}

START_TEST(what_is_erased_stays_away)
{
    enum { N = 2000, PERSON = 7 };
    static given g;
    uint32_t nodes[2];
    uint32_t other;
    uint64_t erased = 0;
    uint64_t want = 0;
    uint64_t bad = 0;
    uint32_t victim = 0;
    tk_event e;
    fbk__buf value;
    fbk__log_counts counts;

    tk_log_fill(db, 1, N);
    for (uint32_t i = 1; i <= N; i++) {
        e = tk_event_make(i);
        if (e.n_idents && e.person == PERSON) {
            want++;
            victim = i;
        }
    }
    e = tk_event_make(victim);
    e.salt = 1;
    append_one(&e, FBK__CONFLICT);
    find_node("customer", "customer-7", FBK_OK, &nodes[0]);
    find_node("email", "email-7", FBK_OK, &nodes[1]);
    qsort(nodes, 2, sizeof *nodes, ascending);
    tk_assert_ok(db, fbk__log_erase_nodes(db, nodes, 2, &erased));
    ck_assert_uint_eq(erased, want);
    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_eq(counts.events, N - want);
    ck_assert_uint_eq(counts.erased, want);
    ck_assert_uint_eq(counts.conflicts, 0);
    find_node("customer", "customer-7", FBK_ENOTFOUND, &other);
    fbk__buf_init(&value, NULL);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__node_value(db, nodes[0], &other, &value));
    fbk__buf_free(&value);
    memset(&g, 0, sizeof g);
    tk_assert_ok(db, fbk__log_history(db, nodes, 2, FBK_TIME_NONE, 10, note_event, &g));
    ck_assert_uint_eq(g.n, 0);
    append_one(&e, FBK__ERASED); /* whatever its content is now */
    e.salt = 0;
    append_one(&e, FBK__ERASED);
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
    /* The person may come again, under new numbers. */
    e.number = N + 1;
    append_one(&e, FBK__ADDED);
    find_node("customer", "customer-7", FBK_OK, &other);
    ck_assert_uint_ne(other, nodes[0]);
    tk_assert_ok(db, fbk__log_erase_nodes(db, nodes, 2, &erased)); /* again: nothing left */
    ck_assert_uint_eq(erased, 0);
}
END_TEST

START_TEST(a_conflict_of_somebody_else_is_erased_too)
{
    tk_event e = tk_event_make(1);
    tk_event other;
    fbk__log_counts counts;
    uint32_t node;
    uint64_t erased;

    e.n_idents = 1;
    e.person = 1;
    other = e;
    other.person = 2; /* the same id, said to be another person's */
    append_one(&e, FBK__ADDED);
    append_one(&other, FBK__CONFLICT);
    other.number = 2;
    append_one(&other, FBK__ADDED);
    find_node("customer", "customer-2", FBK_OK, &node);
    tk_assert_ok(db, fbk__log_erase_nodes(db, &node, 1, &erased));
    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_eq(counts.events, 1);
    ck_assert_uint_eq(counts.conflicts, 0);
}
END_TEST

START_TEST(numbers_of_erased_events_are_not_given_again)
{
    fbk__scan_options opt = {
        .from_us = FBK_TIME_NONE, .to_us = FBK_TIME_NONE, .columns = FBK__COL_EVENT};
    tk_event e = tk_event_make(1);
    fbk__scan *scan = NULL;
    const fbk__chunk *c;
    uint32_t node;
    uint64_t erased;

    e.n_idents = 1;
    e.person = 1;
    append_one(&e, FBK__ADDED);
    find_node("customer", "customer-1", FBK_OK, &node);
    tk_assert_ok(db, fbk__log_erase_nodes(db, &node, 1, &erased));
    e.number = 2;
    append_one(&e, FBK__ADDED);
    tk_assert_ok(db, fbk__log_scan_open(db, &opt, &scan));
    ck_assert_int_eq(fbk__log_scan_next(scan, &c), FBK_OK);
    ck_assert_uint_eq(c->event[0], 2);
    fbk__log_scan_close(scan);
}
END_TEST

/* -- check ----------------------------------------------------------------------------------- */

/* Damage that any SQLite tool could do: to the tail, then to what is sealed, then to the rest. */
enum { N_TAIL_DAMAGES = 4 };
static const char *const damages[] = {
    "UPDATE log_tail SET record = substr(record, 1, length(record) - 1) WHERE seq = (SELECT min(seq) FROM log_tail)",
    "UPDATE log_tail SET record = zeroblob(40) WHERE seq = (SELECT min(seq) FROM log_tail)",
    "UPDATE log_tail SET seq = 9999 WHERE seq = (SELECT min(seq) FROM log_tail)",
    "DELETE FROM log_tail WHERE seq = (SELECT min(seq) FROM log_tail)",

    "UPDATE log_chunk SET bytes = substr(bytes, 2) WHERE id = (SELECT max(id) FROM log_chunk)",
    "UPDATE log_chunk SET bytes = zeroblob(40) WHERE id = (SELECT min(id) FROM log_chunk)",
    "UPDATE log_chunk SET id = id + 100000 WHERE id = (SELECT min(id) FROM log_chunk)",
    "DELETE FROM log_chunk WHERE id = (SELECT max(id) FROM log_chunk)",
    "DELETE FROM log_chunk WHERE id = (SELECT min(id) FROM log_chunk)",
    "UPDATE log_segment SET state = 2",
    "DELETE FROM log_run WHERE kind = 1",
    "UPDATE log_run_chunk SET bytes = zeroblob(99) WHERE id = (SELECT min(id) FROM log_run_chunk)",
    "DELETE FROM log_run_chunk WHERE id = (SELECT max(id) FROM log_run_chunk)",
    "UPDATE log_node SET bytes = zeroblob(20)",

    "UPDATE log_link SET b = 4000000 WHERE a = (SELECT max(a) FROM log_link)",
    "UPDATE log_state SET lines = lines + 1",
    "UPDATE log_state SET nodes = nodes - 1",
    "INSERT INTO log_erased VALUES (zeroblob(16))",
    "INSERT INTO log_erased VALUES (zeroblob(3))",
    "DELETE FROM log_run WHERE kind = 2",
    "UPDATE log_run SET kind = 3 - kind",
    "UPDATE log_word SET word = word + 1 WHERE word = (SELECT max(word) FROM log_word)",
    "DELETE FROM log_state",
    "DELETE FROM log_word WHERE word = (SELECT max(word) FROM log_word)",
};

static void
damage(int i)
{
    tk_log_fill(db, 1, 300);
    if (i >= N_TAIL_DAMAGES)
        tk_assert_ok(db, fbk__log_seal(db));
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__exec(db, damages[i]));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
}

START_TEST(check_finds_damage)
{
    uint64_t bad = 77;

    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
    damage(_i);
    tk_assert_fails(db, FBK_ECORRUPT, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_ge(bad, 1);
}
END_TEST

/* Keys are compared a few at a time, over several segments, with some of them erased. */
START_TEST(check_compares_keys_in_parts)
{
    fbk__log_check_options options = {.keys_at_once = 7};
    const uint32_t nodes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t bad = 77;
    uint64_t n = 0;

    for (uint32_t i = 0; i < 5; i++) {
        tk_log_fill(db, 1 + i * 60, 60);
        tk_assert_ok(db, fbk__log_seal(db));
    }
    tk_assert_ok(db, fbk__log_erase_nodes(db, nodes, 8, &n));
    ck_assert_uint_gt(n, 0);
    tk_log_fill(db, 1000, 20);
    tk_assert_ok(db, fbk__log_check_with(db, &options, &bad));
    ck_assert_uint_eq(bad, 0);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__exec(db, "DELETE FROM log_erased WHERE id = (SELECT max(id) "
                                   "FROM log_erased)"));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    tk_assert_fails(db, FBK_ECORRUPT, fbk__log_check_with(db, &options, &bad));
    ck_assert_uint_ge(bad, 1);
}
END_TEST

/* Ids that end in numbers of many digits: each is one of its own. */
START_TEST(long_counters_are_told_apart)
{
    static const char *const ids[] = {"till-20241122093045", "till-20245417060341",
                                      "till-20249712027637", "till-20241122093046"};
    fbk_event e = FBK_EVENT_INIT;

    e.kind = "sale";
    e.source = "till 9";
    for (int sealed = 0; sealed < 2; sealed++) {
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
            uint32_t outcome = 77;

            e.event_id = ids[i];
            tk_assert_ok(db, fbk_event_append(db, &e, &outcome));
            ck_assert_uint_eq(outcome, sealed ? FBK__ALREADY : FBK__ADDED);
        }
        tk_assert_ok(db, fbk__log_seal(db));
    }
}
END_TEST

typedef struct findings {
    char first[408];
    uint64_t n;
    fbk_status answer;
} findings;

static fbk_status
note_finding(void *user_data, const char *sentence)
{
    findings *f = user_data;

    if (f->n++ == 0)
        (void)snprintf(f->first, sizeof f->first, "%s", sentence);
    return f->answer;
}

START_TEST(check_tells_what_it_finds)
{
    findings found = {.n = 0};
    uint64_t n = 77;

    tk_log_fill(db, 1, 300);
    /* Nobody has entered the items and places of these events. */
    tk_assert_fails(db, FBK_ECORRUPT, fbk_event_check(db, note_finding, &found, &n));
    ck_assert_uint_eq(n, 2);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db,
                 fbk__exec(db, "WITH RECURSIVE k (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k "
                               "LIMIT 1000) INSERT INTO item (item, sku, flags) "
                               "SELECT n, n, 0 FROM k"));
    tk_assert_ok(db, fbk__exec(db, "INSERT INTO place (place, code, flags) "
                                   "SELECT item, sku, 0 FROM item"));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    memset(&found, 0, sizeof found);
    tk_assert_ok(db, fbk_event_check(db, note_finding, &found, &n));
    ck_assert_uint_eq(n + found.n, 0);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__exec(db, "DELETE FROM log_word"));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    tk_assert_fails(db, FBK_ECORRUPT, fbk_event_check(db, note_finding, &found, &n));
    ck_assert_str_eq(fbk_errmsg(db), found.first);
    ck_assert_uint_ge(n, 200); /* every event named a word */
    ck_assert_uint_eq(found.n, FBK__LOG_PROBLEMS);
    n = 77;
    found.answer = -3;
    tk_assert_fails(db, FBK_ECALLBACK, fbk_event_check(db, note_finding, &found, &n));
    ck_assert_uint_eq(n, 77);
    ck_assert_int_eq(fbk_event_check(NULL, NULL, NULL, NULL), FBK_EINVAL);
}
END_TEST

/* Damaged chunks are an error for whoever reads them, never another answer. */
START_TEST(a_damaged_chunk_is_not_believed)
{
    static given g;
    fbk_status rc;

    damage(_i + N_TAIL_DAMAGES);
    memset(&g, 0, sizeof g);
    rc = fbk__log_each(db, 0, note_event, &g);
    /* What is known in memory may still answer, and then rightly. */
    if (rc == FBK_OK)
        ck_assert_uint_eq(g.n, 300);
    else
        ck_assert_msg(rc == FBK_ECORRUPT || rc == FBK_EEXPIRED, "%s", fbk_status_name(rc));
    ck_assert(rc == FBK_OK || fbk_errmsg(db)[0]);
}
END_TEST

START_TEST(sound_when_sealed)
{
    uint64_t bad = 77;
    fbk__log_counts before;
    fbk__log_counts after;

    tk_log_fill(db, 1, 9000);
    tk_assert_ok(db, fbk__log_count(db, &before));
    tk_assert_ok(db, fbk__log_seal(db));
    tk_assert_ok(db, fbk__log_seal(db)); /* nothing left to do */
    tk_assert_ok(db, fbk__log_count(db, &after));
    ck_assert(memcmp(&before, &after, sizeof before) == 0);
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
}
END_TEST

/* Twenty seals are merged, and nothing is lost, doubled or out of order. */
START_TEST(compaction_keeps_everything)
{
    enum { BATCHES = 20, N = 700 };
    fbk__scan_options opt = {
        .from_us = FBK_TIME_NONE, .to_us = FBK_TIME_NONE, .columns = FBK__COL_EVENT};
    static uint8_t seen[BATCHES * N + 1];
    tk_event e;
    uint64_t bad = 77;
    fbk__scan *scan = NULL;
    const fbk__chunk *c;
    static given g;
    uint32_t n_seen = 0;

    for (uint32_t i = 0; i < BATCHES; i++) {
        tk_log_fill(db, 1 + i * N, N);
        tk_assert_ok(db, fbk__log_seal(db));
    }
    tk_assert_ok(db, fbk_store_maintain(db, NULL, NULL));
    ck_assert_int_le(tk_query_int(db, "SELECT count(*) FROM log_segment WHERE state = 1"), 3);
    ck_assert_int_gt(tk_query_int(db, "SELECT max(level) FROM log_segment"), 0);
    ck_assert_int_le(tk_query_int(db, "SELECT count(*) FROM log_run WHERE state = 1"), 6);
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
    memset(seen, 0, sizeof seen);
    tk_assert_ok(db, fbk__log_scan_open(db, &opt, &scan));
    while (fbk__log_scan_next(scan, &c) == FBK_OK) {
        for (size_t i = 0; i < c->n; i++)
            seen[c->event[i]] = 1;
    }
    fbk__log_scan_close(scan);
    for (uint32_t i = 1; i <= BATCHES * N; i++)
        n_seen += seen[i];
    ck_assert_uint_eq(n_seen, BATCHES * N);
    for (uint32_t i = 1; i <= BATCHES * N; i += 377) {
        e = tk_event_make(i);
        append_one(&e, FBK__ALREADY);
        e.salt = 1;
        append_one(&e, FBK__CONFLICT);
    }
    memset(&g, 0, sizeof g);
    tk_assert_ok(db, fbk__log_each(db, BATCHES * N - 100, note_event, &g));
    ck_assert_uint_eq(g.n, 100);
}
END_TEST

#define N_OF(array) (int)(sizeof(array) / sizeof(array)[0])

static Suite *
suite(void)
{
    Suite *s = suite_create("log");
    TCase *once = tcase_create("exactly once");
    TCase *dictionaries = tcase_create("words, nodes, links");
    TCase *read = tcase_create("scan and history");
    TCase *erase = tcase_create("erase");
    TCase *check = tcase_create("check");

    tcase_add_checked_fixture(once, setup, teardown);
    tcase_add_test(once, an_id_is_stored_once_for_ever);
    tcase_add_test(once, received_time_is_no_content);
    tcase_add_test(once, within_one_batch_too);
    tcase_add_test(once, within_a_large_batch_too);
    tcase_add_test(once, a_failed_transaction_leaves_nothing);
    tcase_add_test(once, late_events_are_ordinary);
    suite_add_tcase(s, once);
    tcase_add_checked_fixture(dictionaries, setup, teardown);
    tcase_add_test(dictionaries, words_keep_their_numbers);
    tcase_add_test(dictionaries, nodes_keep_their_numbers);
    tcase_add_test(dictionaries, links_are_all_pairs);
    tcase_add_test(dictionaries, a_link_widens);
    suite_add_tcase(s, dictionaries);
    tcase_add_checked_fixture(read, setup, teardown);
    tcase_add_loop_test(read, scan_equals_brute_force, 0, N_OF(filters));
    tcase_add_test(read, scan_sees_one_snapshot);
    tcase_add_test(read, scan_inside_a_write_transaction_sees_what_was_written);
    tcase_add_test(read, scan_of_a_large_event);
    tcase_add_test(read, history_is_newest_first);
    tcase_add_test(read, each_gives_everything_in_order);
    tcase_add_test(read, threads_append_and_scan_at_once);
    suite_add_tcase(s, read);
    tcase_add_checked_fixture(erase, setup, teardown);
    tcase_add_test(erase, what_is_erased_stays_away);
    tcase_add_test(erase, a_conflict_of_somebody_else_is_erased_too);
    tcase_add_test(erase, numbers_of_erased_events_are_not_given_again);
    suite_add_tcase(s, erase);
    tcase_add_checked_fixture(check, setup, teardown);
    tcase_add_loop_test(check, check_finds_damage, 0, N_OF(damages));
    tcase_add_test(check, check_compares_keys_in_parts);
    tcase_add_test(check, long_counters_are_told_apart);
    tcase_add_test(check, check_tells_what_it_finds);
    tcase_add_loop_test(check, a_damaged_chunk_is_not_believed, 0, 5);
    tcase_add_test(check, sound_when_sealed);
    tcase_add_test(check, compaction_keeps_everything);
    suite_add_tcase(s, check);
    return s;
}

int
main(void)
{
    return tk_run(suite());
}
