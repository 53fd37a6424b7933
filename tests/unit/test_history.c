/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/engine.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

/* Reading against brute force: events of a world that is made from numbers, sealed here and there,
 * some people erased, asked in random ways. */

enum { N_EVENTS = 7000, N_PEOPLE = 40, ERASED_FROM = 37, ROUNDS = 60, ALL_COLUMNS = (1 << 18) - 1 };

static fbk_store *store;
static fbk *db;
static fbk__rng rng;
static uint32_t node_of[N_PEOPLE];
static uint32_t order[N_EVENTS + 1]; /* numbers, newest first */
static uint32_t n_events;
static bool flat;   /* each event has one line */
static bool erased; /* people from ERASED_FROM on */

static uint32_t
below(uint32_t n)
{
    return (uint32_t)fbk__rng_below(&rng, n);
}

static tk_event
world_event(uint32_t number)
{
    tk_event e = tk_event_make(number);

    if (flat)
        e.n_lines = 1;
    if (number % 5 == 0) /* many at the same time */
        e.occurred_us -= e.occurred_us % INT64_C(604800000000);
    return e;
}

static bool
world_has(const tk_event *e)
{
    return !erased || !e->n_idents || e->person < ERASED_FROM;
}

static int
newest_first(const void *x, const void *y)
{
    tk_event p = world_event(*(const uint32_t *)x);
    tk_event q = world_event(*(const uint32_t *)y);

    if (p.occurred_us != q.occurred_us)
        return p.occurred_us < q.occurred_us ? 1 : -1;
    return (p.number < q.number) - (p.number > q.number);
}

static int
ascending(const void *x, const void *y)
{
    uint32_t p = *(const uint32_t *)x;
    uint32_t q = *(const uint32_t *)y;

    return (p > q) - (p < q);
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

static void
world_append(uint32_t n)
{
    fbk__batch batch;
    fbk__append_counts counts = {0};

    fbk__batch_init(&batch, NULL);
    for (uint32_t i = 0; i < n; i++) {
        tk_event e = world_event(++n_events);

        tk_batch_add(&batch, &e);
    }
    tk_assert_ok(db, tk_batch_append(db, &batch, NULL, &counts));
    ck_assert_uint_eq(counts.added, n);
    fbk__batch_free(&batch);
}

/* Loop number: bit 0 flat, bit 1 erased. */
static void
world_make(int kind)
{
    uint64_t n_erased = 0;

    flat = kind & 1;
    erased = false;
    n_events = 0;
    fbk__rng_seed(&rng, 100 + (uint64_t)kind);
    while (n_events < N_EVENTS) {
        uint32_t n = below(4) ? 1 + below(600) : 1;

        world_append(n < N_EVENTS - n_events ? n : N_EVENTS - n_events);
        if (below(5) == 0)
            tk_assert_ok(db, fbk__log_seal(db));
    }
    world_append(1); /* the tail is not empty */
    for (uint32_t i = 0; i < N_PEOPLE; i++)
        node_of[i] = customer_node(i);
    if (kind & 2) {
        uint32_t nodes[N_PEOPLE - ERASED_FROM];

        memcpy(nodes, node_of + ERASED_FROM, sizeof nodes);
        qsort(nodes, N_PEOPLE - ERASED_FROM, sizeof *nodes, ascending);
        tk_assert_ok(db, fbk__log_erase_nodes(db, nodes, N_PEOPLE - ERASED_FROM, &n_erased));
        ck_assert_uint_gt(n_erased, 0);
        erased = true;
    }
    for (uint32_t i = 0; i < n_events && i < N_EVENTS + 1; i++)
        order[i] = i + 1;
    qsort(order, N_EVENTS + 1, sizeof *order, newest_first);
}

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

/* So little that most of what is asked for must be read again. */
static void
set_cache(size_t bytes)
{
    fbk__engine *e = NULL;

    tk_assert_ok(db, fbk__engine_get(db, &e));
    e->cache.most = bytes;
    fbk__shared_release(&e->head);
}

/* -- history ----------------------------------------------------------------------------------- */

typedef struct ask {
    fbk *db;
    tk_names names;
    bool wanted[N_PEOPLE];
    int64_t before_us;
    size_t at; /* in `order` */
    size_t n;  /* given */
    uint64_t seed;
} ask;

static bool
ask_wants(const ask *a, const tk_event *e)
{
    return world_has(e) && e->n_idents && a->wanted[e->person] &&
           (a->before_us == FBK_TIME_NONE || e->occurred_us < a->before_us);
}

/* Step to the next event that must come; 0 at the end. */
static uint32_t
ask_next(ask *a)
{
    while (a->at < n_events) {
        tk_event e = world_event(order[a->at++]);

        if (ask_wants(a, &e))
            return e.number;
    }
    return 0;
}

static fbk_status
check_event(void *user_data, const fbk__event_view *view)
{
    ask *a = user_data;
    uint32_t number = ask_next(a);
    tk_event e = world_event(number);
    const char *what;

    tk_must(view->event == number, "event %u came for %u", (unsigned)view->event, number);
    what = tk_event_differs(a->db, &a->names, view, &e);
    tk_must(!what, "event %u: %s", number, what);
    a->n++;
    return FBK_OK;
}

/* One random question. */
static void
ask_history(ask *a, fbk__rng *r)
{
    static const size_t limits[] = {0, 1, 2, 20, 500, SIZE_MAX};
    uint32_t nodes[N_PEOPLE];
    size_t limit = limits[fbk__rng_below(r, 6)];
    size_t n_nodes = 0;
    size_t want = 0;

    memset(a->wanted, 0, sizeof a->wanted);
    for (uint64_t k = 1 + fbk__rng_below(r, 4); k > 0; k--)
        a->wanted[fbk__rng_below(r, N_PEOPLE)] = true;
    for (uint32_t i = 0; i < N_PEOPLE; i++) {
        if (a->wanted[i])
            nodes[n_nodes++] = node_of[i];
    }
    qsort(nodes, n_nodes, sizeof *nodes, ascending);
    a->before_us = FBK_TIME_NONE;
    if (fbk__rng_below(r, 2)) /* often the very time of an event */
        a->before_us = world_event(order[fbk__rng_below(r, n_events)]).occurred_us;
    a->at = 0;
    while (want < limit && ask_next(a))
        want++;
    a->at = 0;
    a->n = 0;
    tk_assert_ok(a->db,
                 fbk__log_history(a->db, nodes, n_nodes, a->before_us, limit, check_event, a));
    tk_must(a->n == want, "%zu events came, not %zu", a->n, want);
}

START_TEST(history_equals_brute_force)
{
    ask a = {.db = db};

    world_make(_i & 3);
    if (_i & 4)
        set_cache(1 << 16);
    for (int round = 0; round < ROUNDS; round++)
        ask_history(&a, &rng);
    tk_names_free(&a.names);
}
END_TEST

static void *
ask_many(void *data)
{
    ask *a = data;
    fbk__rng r;

    fbk__rng_seed(&r, a->seed);
    for (int round = 0; round < ROUNDS; round++)
        ask_history(a, &r);
    return NULL;
}

START_TEST(threads_share_frames)
{
    enum { N = 4 };
    static ask asks[N];
    pthread_t threads[N];

    world_make(0);
    set_cache(1 << 17);
    for (int i = 0; i < N; i++) {
        asks[i] = (ask){.db = tk_store_connect(store), .seed = (uint64_t)i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_many, &asks[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        (void)pthread_join(threads[i], NULL);
        tk_names_free(&asks[i].names);
        fbk_close(asks[i].db);
    }
}
END_TEST

static fbk_status
check_each(void *user_data, const fbk__event_view *view)
{
    ask *a = user_data;
    tk_event e;
    const char *what;

    do {
        e = world_event((uint32_t)++a->at);
    } while (!world_has(&e) && a->at < n_events);
    tk_must(view->event == a->at, "event %u came for %zu", (unsigned)view->event, a->at);
    what = tk_event_differs(a->db, &a->names, view, &e);
    tk_must(!what, "event %zu: %s", a->at, what);
    a->n++;
    return FBK_OK;
}

START_TEST(each_equals_brute_force)
{
    ask a = {.db = db, .at = 1234};
    size_t want = 0;

    world_make(_i);
    for (uint32_t i = 1235; i <= n_events; i++) {
        tk_event e = world_event(i);

        want += world_has(&e);
    }
    tk_assert_ok(db, fbk__log_each(db, 1234, check_each, &a));
    ck_assert_uint_eq(a.n, want);
    tk_names_free(&a.names);
}
END_TEST

/* -- scan -------------------------------------------------------------------------------------- */

static void
check_head(const fbk__chunk *c, size_t i, const tk_event *e)
{
    uint32_t node = e->n_idents ? node_of[e->person] : 0;

    tk_must((!c->node || c->node[i] == node) && (!c->kind || c->kind[i] == e->kind) &&
                (!c->occurred_us || c->occurred_us[i] == e->occurred_us) &&
                (!c->received_us || c->received_us[i] == e->occurred_us + 5) &&
                (!c->place || c->place[i] == e->place) && (!c->flags || c->flags[i] == e->flags) &&
                (!c->order || (c->order[i] != 0) == (e->with_order != 0)) &&
                (!c->currency || (c->currency[i] != 0) == (e->currency != 0)) &&
                (!c->source || c->source[i]) &&
                (!c->channel || (c->channel[i] == 0) == (e->number % 2)),
            "event %u came with another head", e->number);
}

static void
check_line(const fbk__chunk *c, size_t i, const tk_event *e, uint32_t line)
{
    fbk__batch_line l = {0};

    if (e->n_lines)
        l = tk_event_line(e, line);
    tk_must((!c->line_kind || c->line_kind[i] == l.kind) && (!c->item || c->item[i] == l.item) &&
                (!c->quantity_milli || c->quantity_milli[i] == l.quantity_milli) &&
                (!c->unit_price_micro || c->unit_price_micro[i] == l.unit_price_micro) &&
                (!c->discount_micro || c->discount_micro[i] == l.discount_micro) &&
                (!c->tax_micro || c->tax_micro[i] == l.tax_micro) &&
                (!c->amount_micro || c->amount_micro[i] == l.amount_micro),
            "event %u came with another line", e->number);
}

typedef struct scan_ask {
    fbk__scan_options opt;
    uint32_t kinds[2];
    uint32_t nodes[N_PEOPLE];
    bool wanted[N_PEOPLE];
    bool nobody;
} scan_ask;

static void
scan_ask_make(scan_ask *q, bool filtered)
{
    memset(q, 0, sizeof *q);
    q->opt = (fbk__scan_options){.from_us = FBK_TIME_NONE,
                                 .to_us = FBK_TIME_NONE,
                                 .columns = (uint32_t)fbk__rng_u64(&rng) & ALL_COLUMNS};
    q->opt.columns |= FBK__COL_EVENT;
    if (!filtered)
        return;
    if (below(2))
        q->opt.from_us = world_event(1 + below(n_events)).occurred_us;
    if (below(2))
        q->opt.to_us = world_event(below(3) ? 1 + below(n_events) : order[0]).occurred_us;
    if (below(3) == 0)
        q->opt.after_event = below(n_events);
    if (below(3) == 0)
        q->opt.skip_flags = FBK__FLAG_BOT | (below(2) ? FBK__FLAG_TEST : 0);
    if (below(3) == 0) {
        q->kinds[0] = world_event(1 + below(n_events)).kind;
        q->kinds[1] = world_event(1 + below(n_events)).kind;
        q->opt.kinds = q->kinds;
        q->opt.n_kinds = 1 + below(2);
    }
    if (below(3) == 0) {
        q->nobody = below(2);
        q->nodes[q->opt.n_nodes] = 0;
        q->opt.n_nodes += q->nobody;
        for (uint32_t k = below(4); k > 0; k--)
            q->wanted[below(N_PEOPLE)] = true;
        for (uint32_t i = 0; i < N_PEOPLE; i++) {
            if (q->wanted[i])
                q->nodes[q->opt.n_nodes++] = node_of[i];
        }
        qsort(q->nodes, q->opt.n_nodes, sizeof *q->nodes, ascending);
        q->opt.nodes = q->nodes;
    }
}

static bool
scan_ask_wants(const scan_ask *q, const tk_event *e)
{
    const fbk__scan_options *o = &q->opt;

    return world_has(e) && (o->from_us == FBK_TIME_NONE || e->occurred_us >= o->from_us) &&
           (o->to_us == FBK_TIME_NONE || e->occurred_us < o->to_us) && e->number > o->after_event &&
           !(e->flags & o->skip_flags) &&
           (!o->kinds || e->kind == q->kinds[0] || (o->n_kinds == 2 && e->kind == q->kinds[1])) &&
           (!o->nodes || (e->n_idents ? q->wanted[e->person] : q->nobody));
}

static size_t
check_scan(const scan_ask *q, uint8_t *seen)
{
    fbk__scan *scan = NULL;
    const fbk__chunk *c;
    size_t n = 0;
    fbk_status rc;

    tk_assert_ok(db, fbk__log_scan_open(db, &q->opt, &scan));
    while ((rc = fbk__log_scan_next(scan, &c)) == FBK_OK) {
        for (size_t i = 0; i < c->n; n++) {
            tk_event e = world_event((uint32_t)c->event[i]);

            tk_must(scan_ask_wants(q, &e) && !seen[e.number], "event %u came", e.number);
            seen[e.number] = 1;
            for (uint32_t line = 0; line < (e.n_lines ? e.n_lines : 1); line++, i++) {
                tk_must(i < c->n && c->event[i] == e.number, "event %u was cut", e.number);
                check_head(c, i, &e);
                check_line(c, i, &e, line);
            }
        }
    }
    ck_assert_int_eq(rc, FBK_DONE);
    fbk__log_scan_close(scan);
    return n;
}

START_TEST(scan_equals_brute_force)
{
    static uint8_t seen[N_EVENTS + 2];

    world_make(_i);
    for (int round = 0; round < ROUNDS; round++) {
        scan_ask q;
        size_t want = 0;

        scan_ask_make(&q, round % 4 != 0);
        memset(seen, 0, sizeof seen);
        for (uint32_t i = 1; i <= n_events; i++) {
            tk_event e = world_event(i);

            want += scan_ask_wants(&q, &e);
        }
        ck_assert_uint_eq(check_scan(&q, seen), want);
    }
}
END_TEST

/* What a worker of a scan was given: a hash a chunk, by number. */
typedef struct shared_ask {
    uint64_t *hashes;
    size_t n;
    uint64_t rows[FBK__SCAN_WORKERS];
    uint64_t last[FBK__SCAN_WORKERS];
    uint64_t fail_at; /* chunk; UINT64_MAX = none */
} shared_ask;

static fbk_status
note_chunk(void *user_data, fbk *on, uint32_t worker, const fbk__chunk *c)
{
    shared_ask *a = user_data;
    uint64_t h = fbk__hash64(c->event, c->n * sizeof *c->event);

    tk_must(c->number < a->n, "chunk %u had too high a number", (unsigned)c->number);
    tk_must(a->rows[worker] == 0 || c->number > a->last[worker], "numbers did not rise");
    a->last[worker] = c->number;
    a->rows[worker] += c->n;
    a->hashes[c->number] += fbk__mix64(h ^ fbk__hash64(c->amount_micro, c->n * 8));
    if (c->number == a->fail_at)
        return fbk__fail(on, FBK_ERANGE, "chunk %u was not liked", (unsigned)c->number);
    return FBK_OK;
}

START_TEST(workers_are_given_the_same_chunks)
{
    enum { CHUNKS = 1000 };
    static const uint32_t n_workers[] = {1, 2, 3, 8, FBK__SCAN_WORKERS};
    static uint64_t first[CHUNKS];
    static uint64_t hashes[CHUNKS];
    fbk__scan_options opt = {.from_us = FBK_TIME_NONE,
                             .to_us = FBK_TIME_NONE,
                             .columns = FBK__COL_EVENT | FBK__COL_AMOUNT};
    uint64_t rows = 0;

    world_make(_i);
    for (uint32_t i = 1; i <= n_events; i++) {
        tk_event e = world_event(i);

        rows += world_has(&e) ? e.n_lines ? e.n_lines : 1 : 0;
    }
    for (size_t k = 0; k < sizeof n_workers / sizeof n_workers[0]; k++) {
        shared_ask a = {.hashes = k ? hashes : first, .n = CHUNKS, .fail_at = UINT64_MAX};
        uint64_t given = 0;

        memset(a.hashes, 0, sizeof first);
        tk_assert_ok(db, fbk__log_scan_workers(db, &opt, n_workers[k], note_chunk, &a));
        for (uint32_t i = 0; i < FBK__SCAN_WORKERS; i++)
            given += a.rows[i];
        ck_assert_uint_eq(given, rows);
        ck_assert(memcmp(first, a.hashes, sizeof first) == 0);
        a = (shared_ask){.hashes = hashes, .n = CHUNKS, .fail_at = CHUNKS - 1};
        while (!first[a.fail_at] || a.fail_at > 17) /* of the second window, if there is one */
            a.fail_at--;
        tk_assert_fails(db, FBK_ERANGE,
                        fbk__log_scan_workers(db, &opt, n_workers[k], note_chunk, &a));
        ck_assert_ptr_nonnull(strstr(fbk_errmsg(db), "was not liked"));
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("history");
    TCase *tc = tcase_create("history");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, history_equals_brute_force, 0, 8);
    tcase_add_test(tc, threads_share_frames);
    tcase_add_loop_test(tc, each_equals_brute_force, 0, 4);
    tcase_add_loop_test(tc, scan_equals_brute_force, 0, 4);
    tcase_add_loop_test(tc, workers_are_given_the_same_chunks, 0, 2);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
