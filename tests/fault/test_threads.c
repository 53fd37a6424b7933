/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/event.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "record/event.h"
#include "support/tk.h"
#include "support/tk_store.h"

/* Sixteen threads on one store, each with a connection of its own: some append an event at a time,
 * some batches, some scan, some read histories, some maintain: seal, merge and clear. Every scan
 * is of one moment, moments do not go back, and in the end everything is there once. tools/test
 * --full runs it under ThreadSanitizer. */

enum {
    N_SINGLE = 4, /* append one at a time */
    N_BATCHED = 3,
    N_SCANS = 4,
    N_HISTORIES = 3,
    N_MAINTAINS = 2,
    N_WRITERS = N_SINGLE + N_BATCHED,
    N_THREADS = N_WRITERS + N_SCANS + N_HISTORIES + N_MAINTAINS,
    PEOPLE = 40,
    SINGLES = 120, /* events of a thread, times scale */
    BATCHES = 12,
    BATCH = 150,
    LIMIT = 15
};

typedef struct shared {
    fbk_store *store;
    uint32_t scale;
    int32_t writing;  /* writers at work, atomic */
    int64_t n_events; /* acknowledged, atomic */
    int64_t n_scans;
    int64_t n_maintained;
    int32_t failed; /* atomic; what is said below is the first failure's */
    char said[400];
} shared;

typedef struct actor {
    pthread_t thread;
    shared *s;
    fbk *db;
    uint32_t number;
    void (*run)(struct actor *me);
} actor;

/* A failed assertion must not leave a thread by longjmp(): the main thread asserts. */
static bool __attribute__((format(printf, 3, 4)))
expect(actor *me, bool ok, const char *format, ...)
{
    va_list args;

    if (ok || __atomic_exchange_n(&me->s->failed, 1, __ATOMIC_ACQ_REL))
        return ok;
    va_start(args, format);
    (void)vsnprintf(me->s->said, sizeof me->s->said, format, args);
    va_end(args);
    return false;
}

static bool
expect_ok(actor *me, fbk_status rc, const char *what)
{
    return expect(me, rc >= 0, "%s: %s: %s", what, fbk_status_name(rc), fbk_errmsg(me->db));
}

static bool
others_failed(const actor *me)
{
    return __atomic_load_n(&me->s->failed, __ATOMIC_ACQUIRE) != 0;
}

static bool
others_write(const actor *me)
{
    return __atomic_load_n(&me->s->writing, __ATOMIC_ACQUIRE) > 0;
}

/* -- writers ------------------------------------------------------------------------------------
 * Event i of writer w: one line of i + 1 thousandths, of person (w + i) % PEOPLE; every seventh
 * names a cookie of its own as well, so that links come. */

static int64_t
time_of(uint32_t writer, uint32_t i)
{
    return INT64_C(1704067200000000) + (int64_t)((i * 7919 + writer * 104729) % 100000) * 1000000;
}

static void
append_singles(actor *me)
{
    for (uint32_t i = 0; i < SINGLES * me->s->scale && !others_failed(me); i++) {
        static const char *const spaces[] = {"customer", "cookie"};
        fbk_event event = FBK_EVENT_INIT;
        int64_t quantity = i + 1;
        char id[32];
        char person[32];
        char cookie[32];
        char item[32];
        const char *const values[] = {person, cookie};
        const char *const items[] = {item};

        (void)snprintf(id, sizeof id, "w%u-%u", me->number, i);
        (void)snprintf(person, sizeof person, "p%u", (me->number + i) % PEOPLE);
        (void)snprintf(cookie, sizeof cookie, "c%u-%u", me->number, i);
        (void)snprintf(item, sizeof item, "sku%u", i % 97);
        event.event_id = id;
        event.kind = FBK_KIND_SALE;
        event.source = "shop";
        event.occurred_us = time_of(me->number, i);
        event.n_lines = 1;
        event.items = items;
        event.quantity_milli = &quantity;
        event.n_identifiers = i % 7 ? 1 : 2;
        event.namespaces = spaces;
        event.values = values;
        if (!expect_ok(me, fbk_event_append(me->db, &event, NULL), "append"))
            return;
        (void)__atomic_add_fetch(&me->s->n_events, 1, __ATOMIC_ACQ_REL);
    }
}

static bool
batch_add(actor *me, fbk__batch *batch, uint32_t i)
{
    fbk__batch_event *e = fbk__batch_add_event(batch);
    fbk__batch_line *line = fbk__batch_add_line(batch);
    fbk__batch_ident *ident = fbk__batch_add_ident(batch);
    char text[32];
    int len;

    if (!expect(me, e && line && ident, "batch: out of memory"))
        return false;
    len = snprintf(text, sizeof text, "w%u-%u", me->number, i);
    if (!expect_ok(me, fbk__batch_text(batch, text, (size_t)len, &e->id), "id"))
        return false;
    e->occurred_us = time_of(me->number, i);
    e->kind = fbk__intern_add(&batch->words, "sale", 4);
    e->source = fbk__intern_add(&batch->words, "till", 4);
    len = snprintf(text, sizeof text, "sku%u", i % 89);
    line->item = fbk__intern_add(&batch->items, text, (size_t)len);
    line->quantity_milli = i + 1;
    ident->space = fbk__intern_add(&batch->words, "customer", 8);
    len = snprintf(text, sizeof text, "p%u", (me->number + i) % PEOPLE);
    return expect_ok(me, fbk__batch_text(batch, text, (size_t)len, &ident->value), "person") &&
           expect_ok(me, fbk__event_validate_last(me->db, batch), "validate");
}

static void
append_batches(actor *me)
{
    fbk__batch batch;

    fbk__batch_init(&batch, NULL);
    for (uint32_t b = 0; b < BATCHES * me->s->scale && !others_failed(me); b++) {
        fbk__append_counts counts = {0};
        bool ok = true;

        fbk__batch_clear(&batch);
        for (uint32_t i = 0; i < BATCH && ok; i++)
            ok = batch_add(me, &batch, b * BATCH + i);
        if (!ok ||
            !expect_ok(me, fbk__event_append_batch(me->db, &batch, NULL, &counts), "append") ||
            !expect(me, counts.added == BATCH, "%llu of a batch were added",
                    (unsigned long long)counts.added))
            break;
        (void)__atomic_add_fetch(&me->s->n_events, BATCH, __ATOMIC_ACQ_REL);
    }
    fbk__batch_free(&batch);
}

/* -- readers ------------------------------------------------------------------------------------ */

/* One scan: as many events as its snapshot has, and those acknowledged before are among them. */
static bool
scan_once(actor *me, uint64_t *before)
{
    fbk__scan_options options = {.from_us = FBK_TIME_NONE,
                                 .to_us = FBK_TIME_NONE,
                                 .columns = FBK__COL_EVENT | FBK__COL_NODE | FBK__COL_QUANTITY};
    int64_t acknowledged = __atomic_load_n(&me->s->n_events, __ATOMIC_ACQUIRE);
    fbk__scan *scan = NULL;
    const fbk__chunk *c;
    uint64_t n = 0;
    uint64_t total;
    fbk_status rc = fbk__log_scan_open(me->db, &options, &scan);

    if (!expect_ok(me, rc, "scan"))
        return false;
    total = fbk__log_scan_total(scan);
    while ((rc = fbk__log_scan_next(scan, &c)) == FBK_OK) {
        for (size_t i = 0; i < c->n; i++)
            n += c->event[i] > 0 && c->event[i] <= total && c->node[i] && c->quantity_milli[i] > 0;
    }
    fbk__log_scan_close(scan);
    if (!expect_ok(me, rc, "scan") ||
        !expect(me, n == total && n >= *before && n >= (uint64_t)acknowledged,
                "a scan of %llu events saw %llu after %llu, %lld of them acknowledged",
                (unsigned long long)total, (unsigned long long)n, (unsigned long long)*before,
                (long long)acknowledged))
        return false;
    *before = n;
    return true;
}

static void
scan(actor *me)
{
    uint64_t before = 0;

    do {
        if (!scan_once(me, &before))
            return;
        (void)__atomic_add_fetch(&me->s->n_scans, 1, __ATOMIC_ACQ_REL);
    } while (others_write(me) && !others_failed(me));
    (void)scan_once(me, &before);
}

typedef struct history {
    uint32_t node;
    uint32_t n;
    int64_t last_us;
    bool wrong;
} history;

static fbk_status
history_event(void *user_data, const fbk__event_view *view)
{
    history *h = user_data;

    h->wrong |= view->node != h->node || view->occurred_us > h->last_us || view->n_lines != 1;
    h->last_us = view->occurred_us;
    h->n++;
    return FBK_OK;
}

static void
read_histories(actor *me)
{
    uint32_t space = 0;
    uint32_t i = me->number;

    do {
        history h = {.last_us = INT64_MAX};
        char person[32];
        int len = snprintf(person, sizeof person, "p%u", i++ % PEOPLE);
        fbk_status rc = fbk__word_resolve(me->db, "customer", 8, false, &space);

        if (rc >= 0)
            rc = fbk__node_find(me->db, space, person, (size_t)len, &h.node);
        if (rc == FBK_ENOTFOUND)
            continue; /* nobody came yet */
        if (rc >= 0)
            rc = fbk__log_history(me->db, &h.node, 1, FBK_TIME_NONE, LIMIT, history_event, &h);
        if (!expect_ok(me, rc, "history") ||
            !expect(me, h.n > 0 && h.n <= LIMIT && !h.wrong, "%s had a wrong history", person))
            return;
    } while (others_write(me) && !others_failed(me));
}

/* Seals, merges and clears; every other time all of it. */
static void
maintain(actor *me)
{
    fbk_maintain_options options = FBK_MAINTAIN_OPTIONS_INIT;

    do {
        options.flags = FBK_MAINTAIN_NO_WAIT | (options.flags ^ FBK_MAINTAIN_FULL);
        if (!expect_ok(me, fbk_store_maintain(me->db, &options, NULL), "maintain"))
            return;
        (void)__atomic_add_fetch(&me->s->n_maintained, 1, __ATOMIC_ACQ_REL);
    } while (others_write(me) && !others_failed(me));
}

/* -- together ----------------------------------------------------------------------------------- */

static void *
act(void *data)
{
    actor *me = data;

    me->run(me);
    if (me->number < N_WRITERS)
        (void)__atomic_sub_fetch(&me->s->writing, 1, __ATOMIC_ACQ_REL);
    return NULL;
}

static void
assert_all_there(fbk *db, const shared *s)
{
    fbk__log_counts counts;
    uint64_t bad = 0;
    uint32_t expected = (N_SINGLE * SINGLES + N_BATCHED * BATCHES * BATCH) * s->scale;

    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_eq(counts.events, expected);
    ck_assert_uint_eq(counts.lines, expected);
    ck_assert_int_eq(s->n_events, expected);
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
}

START_TEST(sixteen_at_once)
{
    const char *path = tk_path("sixteen");
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    shared s = {.scale = tk_full() ? 5 : 1, .writing = N_WRITERS};
    actor actors[N_THREADS];
    fbk *db;

    ck_assert_int_eq(N_THREADS, 16);
    options.flags = FBK_STORE_CREATE;
    options.durability = FBK_DURABILITY_NORMAL; /* this is not about the disk */
    s.store = tk_open_with(path, &options);
    db = tk_connect(s.store);
    for (uint32_t i = 0; i < N_THREADS; i++) {
        actors[i] = (actor){.s = &s, .db = tk_connect(s.store), .number = i};
        actors[i].run = i < N_SINGLE                            ? append_singles
                        : i < N_WRITERS                         ? append_batches
                        : i < N_WRITERS + N_SCANS               ? scan
                        : i < N_WRITERS + N_SCANS + N_HISTORIES ? read_histories
                                                                : maintain;
    }
    for (uint32_t i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_create(&actors[i].thread, NULL, act, &actors[i]), 0);
    for (uint32_t i = 0; i < N_THREADS; i++)
        ck_assert_int_eq(pthread_join(actors[i].thread, NULL), 0);
    ck_assert_msg(!s.failed, "%s", s.said);
    (void)printf("%lld events, %lld scans, %lld times maintained\n", (long long)s.n_events,
                 (long long)s.n_scans, (long long)s.n_maintained);
    for (uint32_t i = 0; i < N_THREADS; i++)
        fbk_close(actors[i].db);
    assert_all_there(db, &s);
    fbk_close(db);
    fbk_store_close(s.store);
    tk_store_assert_sound(path);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_threads");
    TCase *tc = tcase_create("fault_threads");

    tcase_set_timeout(tc, 280);
    tcase_add_test(tc, sixteen_at_once);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
