/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/conn.h"
#include "store/stmt.h"
#include "support/tk.h"
#include "support/tk_log.h"

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

static Suite *
suite(void)
{
    Suite *s = suite_create("log");
    TCase *once = tcase_create("exactly once");
    TCase *dictionaries = tcase_create("words and nodes");
    TCase *scan = tcase_create("scan");

    tcase_add_checked_fixture(once, setup, teardown);
    tcase_add_test(once, an_id_is_stored_once_for_ever);
    tcase_add_test(once, received_time_is_no_content);
    tcase_add_test(once, within_one_batch_too);
    tcase_add_test(once, a_failed_transaction_leaves_nothing);
    suite_add_tcase(s, once);
    tcase_add_checked_fixture(dictionaries, setup, teardown);
    tcase_add_test(dictionaries, words_keep_their_numbers);
    tcase_add_test(dictionaries, nodes_keep_their_numbers);
    suite_add_tcase(s, dictionaries);
    tcase_add_checked_fixture(scan, setup, teardown);
    tcase_add_loop_test(scan, scan_equals_brute_force, 0,
                        (int)(sizeof filters / sizeof filters[0]));
    suite_add_tcase(s, scan);
    return s;
}

int
main(void)
{
    return tk_run(suite());
}
