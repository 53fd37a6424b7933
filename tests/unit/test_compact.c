/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "log/compact.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

enum { SEALS = 21, N_EACH = 400, N_ALL = SEALS * N_EACH };

static fbk_store *store;
static fbk *db;

static void
open_at(const char *path)
{
    store = tk_store_open(path, NULL);
    db = tk_store_connect(store);
}

static void
close_it(void)
{
    fbk_close(db);
    fbk_store_close(store);
    db = NULL;
    store = NULL;
}

/* Segments of level 0, as many as there were seals. */
static void
fill(void)
{
    for (uint32_t i = 0; i < SEALS; i++) {
        tk_log_fill(db, 1 + i * N_EACH, N_EACH);
        tk_assert_ok(db, fbk__log_seal(db));
    }
}

/* Everything that an event is, in the order of numbers, in one hash. */
static fbk_status
digest_event(void *user_data, const fbk__event_view *v)
{
    uint64_t *h = user_data;
    const uint64_t head[] = {*h,
                             v->event,
                             v->node,
                             v->kind,
                             v->source,
                             v->channel,
                             v->place,
                             v->currency,
                             v->flags,
                             (uint64_t)v->occurred_us,
                             (uint64_t)v->received_us,
                             v->n_lines,
                             v->n_nodes,
                             v->n_props};

    *h = fbk__hash64_seeded(head, sizeof head, 1);
    *h = fbk__hash64_seeded(v->id, v->id_len, *h);
    *h = fbk__hash64_seeded(v->order_ref, v->order_ref_len, *h);
    for (size_t i = 0; i < v->n_lines; i++) {
        const fbk__batch_line *l = &v->lines[i];
        const int64_t line[] = {
            l->item,           l->kind,      l->quantity_milli, l->unit_price_micro,
            l->discount_micro, l->tax_micro, l->amount_micro};

        *h = fbk__hash64_seeded(line, sizeof line, *h);
    }
    *h = fbk__hash64_seeded(v->nodes, v->n_nodes * sizeof *v->nodes, *h);
    for (size_t i = 0; i < v->n_props; i++) {
        const fbk__batch_prop *p = &v->props[i];
        const uint64_t prop[] = {*h, p->key, p->type};

        *h = fbk__hash64_seeded(prop, sizeof prop, 2);
        if (p->type == FBK__PROP_TEXT)
            *h = fbk__hash64_seeded(v->text + p->value.text.at, p->value.text.len, *h);
        else
            *h = fbk__hash64_seeded(&p->value.i, sizeof p->value.i, *h);
    }
    return FBK_OK;
}

static uint64_t
digest(void)
{
    uint64_t h = 0;

    tk_assert_ok(db, fbk__log_each(db, 0, digest_event, &h));
    return h;
}

static void
assert_sound(uint64_t want_digest)
{
    uint64_t bad = 77;

    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
    ck_assert_uint_eq(digest(), want_digest);
}

static fbk_status
slice_of(fbk *on, uint64_t steps, uint32_t keep, fbk__slice *out)
{
    fbk__slice slice = {.until_us = INT64_MAX, .steps = steps, .memory = 1 << 20, .keep = keep};
    fbk__engine *e = NULL;
    fbk_status rc;

    tk_assert_ok(on, fbk__engine_get(on, &e));
    tk_assert_ok(on, fbk__write_begin(on));
    rc = fbk__compact_now(on, e, &slice);
    tk_assert_ok(on, fbk__write_end(on, rc));
    fbk__shared_release(&e->head);
    if (out)
        *out = slice;
    return rc;
}

/* All of it, `steps` in a transaction; with a path, by a fresh open of the store each time. */
static unsigned
merge_by(uint64_t steps, const char *reopen)
{
    unsigned n = 0;
    fbk__slice done = {.waiting = true};

    while (slice_of(db, steps, 3, &done) == FBK_OK || done.waiting) {
        ck_assert_uint_lt(++n, 2000);
        if (reopen) {
            close_it();
            open_at(reopen);
        }
    }
    return n;
}

/* Of every chunk, but those of identifiers, whose order hangs on a random key. */
static uint64_t
digest_chunks(void)
{
    static const char *const sql[] = {
        "SELECT id, bytes FROM log_chunk ORDER BY id",
        "SELECT id, bytes FROM log_run_chunk WHERE id >> 32 IN "
        "(SELECT run FROM log_run WHERE kind = 1) ORDER BY id",
    };
    uint64_t h = 0;

    for (int i = 0; i < 2; i++) {
        fbk__stmt *st = NULL;

        tk_assert_ok(db, fbk__stmt_get(db, sql[i], &st));
        while (fbk__step(st) == FBK_OK) {
            size_t len;
            const void *bytes = fbk__column_blob(st, 1, &len);

            h = fbk__hash64_seeded(bytes, len, h ^ (uint64_t)fbk__column_int64(st, 0));
        }
        fbk__stmt_put(st);
    }
    return h;
}

static void
assert_no_litter(void)
{
    static const char *const litter[] = {
        "SELECT count(*) FROM log_chunk WHERE id >> 24 NOT IN (SELECT segment FROM log_segment)",
        "SELECT count(*) FROM log_run_chunk WHERE id >> 32 NOT IN (SELECT run FROM log_run)",
        "SELECT count(*) FROM log_segment WHERE state <> 1 OR target <> 0",
        "SELECT count(*) FROM log_run WHERE state <> 1 OR target <> 0",
    };

    for (size_t i = 0; i < sizeof litter / sizeof litter[0]; i++)
        ck_assert_int_eq(tk_query_int(db, litter[i]), 0);
}

/* -- slices ---------------------------------------------------------------------------------- */

static const struct {
    uint64_t steps;
    bool reopen;
} ways[] = {{1, false}, {7, false}, {SEALS + 1, true}, {SEALS + 2, true}, {SEALS + 5, true}};

/* However it is cut, and whoever goes on with it: the same bytes. (Whoever takes a merge up opens all
 * its inputs first, a step each.) */
START_TEST(slices_give_what_one_go_gives)
{
    char path[512];
    uint64_t chunks[2] = {0, 0};
    uint64_t events[2] = {0, 0};

    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s", tk_path(i ? "slices" : "one go"));
        open_at(path);
        fill();
        events[i] = digest();
        if (i)
            ck_assert_uint_gt(merge_by(ways[_i].steps, ways[_i].reopen ? path : NULL), 3);
        else
            (void)merge_by(UINT64_MAX, NULL);
        assert_sound(events[i]);
        assert_no_litter();
        ck_assert_int_le(tk_query_int(db, "SELECT count(*) FROM log_segment"), 3);
        ck_assert_int_le(tk_query_int(db, "SELECT count(*) FROM log_run"), 6);
        chunks[i] = digest_chunks();
        close_it();
    }
    ck_assert_uint_eq(events[0], events[1]);
    ck_assert_uint_eq(chunks[0], chunks[1]);
}
END_TEST

/* -- who works on it ------------------------------------------------------------------------- */

static void
age(fbk *on, int64_t us)
{
    char sql[2][128];

    (void)snprintf(sql[0], sizeof sql[0], "UPDATE log_segment SET changed_us = changed_us - %lld",
                   (long long)us);
    (void)snprintf(sql[1], sizeof sql[1], "UPDATE log_run SET changed_us = changed_us - %lld",
                   (long long)us);
    tk_assert_ok(on, tk_write(on, sql[0]));
    tk_assert_ok(on, tk_write(on, sql[1]));
}

START_TEST(one_at_a_time_and_nobody_blocks)
{
    char path[512];
    fbk_store *other_store;
    fbk *other;
    fbk__slice done = {0};
    uint64_t events;
    unsigned n = 0;

    (void)snprintf(path, sizeof path, "%s", tk_path("two"));
    open_at(path);
    other_store = tk_store_open(path, NULL);
    other = tk_store_connect(other_store);
    fill();
    events = digest();
    ck_assert_int_eq(slice_of(db, 1, 3, NULL), FBK_OK);
    /* Another one leaves the ids alone, but not what nobody works on. */
    while (slice_of(other, 1000, 3, &done) == FBK_OK)
        ck_assert_uint_lt(++n, 1000);
    ck_assert(done.waiting && !done.unwatched);
    ck_assert_int_le(tk_query_int(db, "SELECT count(*) FROM log_segment WHERE state = 1"), 3);
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM log_run WHERE state = 0"), 1);
    /* It takes over what was left for too long; then it is the first one's turn again. */
    for (n = 0; tk_query_int(db, "SELECT count(*) FROM log_run WHERE state = 0") == 1; n++) {
        ck_assert_uint_lt(n, 1000);
        age(db, FBK__JOB_STALE_US + 1);
        (void)slice_of(n % 2 ? db : other, 5 + n, 3, NULL);
    }
    ck_assert_uint_gt(n, 1);
    fbk_close(other);
    fbk_store_close(other_store);
    (void)merge_by(UINT64_MAX, NULL);
    assert_sound(events);
    assert_no_litter();
    close_it();
}
END_TEST

START_TEST(a_slice_that_is_rolled_back_is_done_again)
{
    fbk__slice slice = {.until_us = INT64_MAX, .memory = 1 << 20, .keep = 3};
    fbk__engine *e = NULL;
    uint64_t events;
    fbk_status rc = FBK_OK;

    open_at(":memory:");
    fill();
    events = digest();
    tk_assert_ok(db, fbk__engine_get(db, &e));
    for (unsigned n = 0; rc == FBK_OK || slice.waiting; n++) {
        ck_assert_uint_lt(n, 2000);
        for (int commit = 0; commit < 2; commit++) {
            slice.steps = SEALS + 3;
            tk_assert_ok(db, fbk__write_begin(db));
            rc = fbk__compact_now(db, e, &slice);
            ck_assert_int_ge(rc, 0);
            ck_assert_int_eq(fbk__write_end(db, commit ? FBK_OK : FBK_ECANCELLED),
                             commit ? FBK_OK : FBK_ECANCELLED);
        }
    }
    fbk__shared_release(&e->head);
    assert_sound(events);
    assert_no_litter();
    close_it();
}
END_TEST

/* -- appends --------------------------------------------------------------------------------- */

/* Appends alone keep the number of things small, once segments are no longer young. */
START_TEST(appends_merge_as_they_go)
{
    enum { N = 70, EACH = 20 };
    uint64_t events;

    open_at(":memory:");
    for (uint32_t i = 0; i < N; i++) {
        tk_log_fill(db, 1 + i * EACH, EACH);
        tk_assert_ok(db, fbk__log_seal(db));
        age(db, INT64_C(61000000));
    }
    events = digest();
    ck_assert_int_lt(tk_query_int(db, "SELECT count(*) FROM log_segment WHERE state = 1"), N / 2);
    ck_assert_int_lt(tk_query_int(db, "SELECT count(*) FROM log_run WHERE state = 1"), N);
    ck_assert_int_ge(tk_query_int(db, "SELECT max(level) FROM log_segment"), 1);
    assert_sound(events);
    close_it();
}
END_TEST

START_TEST(young_segments_are_left_to_maintenance)
{
    open_at(":memory:");
    fill();
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM log_segment"), SEALS);
    /* Their ids are not: every append asks all of them. */
    ck_assert_int_gt(tk_query_int(db, "SELECT count(*) FROM log_run WHERE level > 0"), 0);
    close_it();
}
END_TEST

/* -- grace ----------------------------------------------------------------------------------- */

static fbk__scan *
scan_all(void)
{
    const fbk__scan_options opt = {
        .from_us = FBK_TIME_NONE, .to_us = FBK_TIME_NONE, .columns = FBK__COL_EVENT};
    fbk__scan *scan = NULL;

    tk_assert_ok(db, fbk__log_scan_open(db, &opt, &scan));
    return scan;
}

START_TEST(a_reader_has_a_minute)
{
    const fbk__chunk *c;
    fbk__slice done = {0};
    fbk__scan *scan;
    fbk *writer;
    fbk_status rc;

    open_at(":memory:");
    fill();
    writer = tk_store_connect(store);
    scan = scan_all();
    ck_assert_int_eq(fbk__log_scan_next(scan, &c), FBK_OK);
    ck_assert_int_eq(slice_of(writer, UINT64_MAX, 3, &done), FBK_DONE);
    ck_assert_int_eq(slice_of(writer, UINT64_MAX, 3, &done), FBK_DONE);
    ck_assert(done.waiting && !done.unwatched && done.alone);
    ck_assert_int_eq(fbk__log_scan_next(scan, &c), FBK_OK);
    age(writer, INT64_C(58000000));
    ck_assert_int_eq(slice_of(writer, UINT64_MAX, 3, &done), FBK_DONE);
    ck_assert(done.waiting);
    ck_assert_int_eq(fbk__log_scan_next(scan, &c), FBK_OK);
    age(writer, INT64_C(3000000));
    ck_assert_int_eq(slice_of(writer, UINT64_MAX, 3, &done), FBK_DONE);
    ck_assert(!done.waiting);
    do /* what was read ahead is given yet */
        rc = fbk__log_scan_next(scan, &c);
    while (rc == FBK_OK);
    ck_assert_int_eq(rc, FBK_EEXPIRED);
    fbk__log_scan_close(scan);
    fbk_close(writer);
    close_it();
}
END_TEST

START_TEST(what_nobody_reads_need_not_wait)
{
    char path[512];
    const fbk__chunk *c;
    fbk__slice done = {0};
    fbk_store *other_store;
    fbk__scan *scan;

    (void)snprintf(path, sizeof path, "%s", tk_path("unwatched"));
    open_at(path);
    fill();
    other_store = tk_store_open(path, NULL);
    while (slice_of(db, UINT64_MAX, 3, &done) == FBK_OK)
        ;
    ck_assert(done.waiting && !done.alone); /* another one may be reading */
    fbk_store_close(other_store);
    scan = scan_all();
    ck_assert_int_eq(slice_of(db, UINT64_MAX, 3, &done), FBK_DONE);
    ck_assert(!done.waiting && done.unwatched); /* a reader of what is live is in nobody's way */
    ck_assert_int_eq(fbk__log_scan_next(scan, &c), FBK_OK);
    fbk__log_scan_close(scan);
    assert_no_litter();
    close_it();
}
END_TEST

/* -- erasing --------------------------------------------------------------------------------- */

static uint32_t
customer(uint32_t person)
{
    char value[32];
    uint32_t space;
    uint32_t node;

    (void)snprintf(value, sizeof value, "customer-%u", person);
    tk_assert_ok(db, fbk__word_resolve(db, "customer", 8, false, &space));
    tk_assert_ok(db, fbk__node_find(db, space, value, strlen(value), &node));
    return node;
}

/* Events of one node, live or not, that can still be read from any chunk. */
static unsigned
events_of(uint32_t node)
{
    fbk__segment *segment = NULL;
    unsigned n = 0;
    fbk__frame f;
    fbk__codec c;
    fbk__view *view = NULL;

    fbk__frame_init(&f, fbk__a(db));
    fbk__codec_init(&c, fbk__a(db));
    tk_assert_ok(db, fbk__view_get(db, &view));
    for (uint32_t s = 0; s < view->sets->n_segments; s++) {
        segment = view->sets->segments[s];
        for (uint32_t k = 0; k < segment->n_frames; k++) {
            tk_assert_ok(db, fbk__segment_read(db, &c, segment, k, 1u << FBK__EV_NODE, &f));
            for (uint32_t i = 0; i < f.n.events; i++)
                n += f.ev[FBK__EV_NODE][i] == node;
        }
    }
    fbk__view_unref(view);
    fbk__frame_free(&f);
    fbk__codec_free(&c);
    return n;
}

/* A merge that has copied what is erased meanwhile is given up, by whom it may be. */
START_TEST(erasing_ends_a_merge)
{
    char path[512];
    fbk_store *other_store;
    fbk *other;
    uint64_t erased = 0;
    uint64_t events;
    uint32_t node;

    (void)snprintf(path, sizeof path, "%s", tk_path("erasing"));
    open_at(path);
    other_store = tk_store_open(path, NULL);
    other = tk_store_connect(other_store);
    fill();
    node = customer(7);
    while (tk_query_int(db, "SELECT count(*) FROM log_segment WHERE state = 0 AND bytes > 9999") ==
           0)
        ck_assert_int_eq(slice_of(_i ? other : db, 1, 3, NULL), FBK_OK);
    ck_assert_uint_gt(events_of(node), 0);
    tk_assert_ok(db, fbk__log_erase_nodes(db, &node, 1, &erased));
    ck_assert_uint_gt(erased, 0);
    assert_no_litter();
    events = digest();
    ck_assert_int_eq(slice_of(_i ? other : db, 2, 3, NULL), FBK_OK);
    fbk_close(other);
    fbk_store_close(other_store);
    (void)merge_by(5, NULL);
    ck_assert_uint_eq(events_of(node), 0);
    assert_sound(events);
    close_it();
}
END_TEST

/* Every identifier is erased: their index has no key left, and none is made of it. */
START_TEST(runs_without_keys_go_away)
{
    uint64_t erased = 0;
    uint32_t n = 0;
    uint32_t nodes[600];

    open_at(":memory:");
    fill();
    tk_assert_ok(db, fbk__node_count(db, &n));
    ck_assert_uint_lt(n, 600);
    for (uint32_t i = 0; i < n; i++)
        nodes[i] = i + 1;
    tk_assert_ok(db, fbk__log_erase_nodes(db, nodes, n, &erased));
    (void)merge_by(UINT64_MAX, NULL);
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM log_run WHERE kind = 2 AND level > 0"),
                     0);
    assert_sound(digest());
    close_it();
}
END_TEST

#define N_OF(array) (int)(sizeof(array) / sizeof(array)[0])

int
main(void)
{
    Suite *s = suite_create("compact");
    TCase *slices = tcase_create("slices");
    TCase *others = tcase_create("others");

    tcase_add_loop_test(slices, slices_give_what_one_go_gives, 0, N_OF(ways));
    tcase_add_test(slices, one_at_a_time_and_nobody_blocks);
    tcase_add_test(slices, a_slice_that_is_rolled_back_is_done_again);
    tcase_add_test(slices, appends_merge_as_they_go);
    tcase_add_test(slices, young_segments_are_left_to_maintenance);
    suite_add_tcase(s, slices);
    tcase_add_test(others, a_reader_has_a_minute);
    tcase_add_test(others, what_nobody_reads_need_not_wait);
    tcase_add_loop_test(others, erasing_ends_a_merge, 0, 2);
    tcase_add_test(others, runs_without_keys_go_away);
    suite_add_tcase(s, others);
    return tk_run(s);
}
