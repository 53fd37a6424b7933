/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_work.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "store/store.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

enum { BEFORE = 60, THREADS = 4, MAX_EVENTS = 128, ALL_COLUMNS = (1 << 18) - 1 };

static const tk_work *working; /* a call knows no other way what it is to do */
static uint8_t doomed[MAX_EVENTS];
static uint32_t n_before;
static uint32_t last_before; /* number */
static uint32_t n_doomed;
static uint32_t acked; /* threads whose batch must be there, a bit each */

static tk_event
make(uint32_t number)
{
    tk_event e = tk_event_make(number);

    e.person %= 8;
    if (working->lines && number > BEFORE)
        e.n_lines = working->lines;
    return e;
}

static fbk_status
append(fbk *db, uint32_t first, uint32_t n)
{
    fbk__batch batch;
    fbk__append_counts counts = {0};
    fbk_status rc;

    fbk__batch_init(&batch, NULL);
    for (uint32_t i = 0; i < n; i++) {
        tk_event e = make(first + i);

        tk_batch_add(&batch, &e);
    }
    rc = tk_batch_append(db, &batch, NULL, &counts);
    fbk__batch_free(&batch);
    tk_must(rc < 0 || counts.added == n || counts.already == n, "%u of %u events were new",
            (uint32_t)counts.added, n);
    return rc;
}

/* -- the pieces of work ------------------------------------------------------------------------ */

static fbk_status
run_append(fbk *db)
{
    return append(db, BEFORE + 1, working->adds);
}

/* One commit for all of the threads: they wait until the writer is free. */
typedef struct appender {
    pthread_t thread;
    fbk_store *store;
    fbk *db; /* the caller's, told of a failure */
    uint32_t first;
    fbk_status rc;
    int *n_ended;
} appender;

static pthread_mutex_t told = PTHREAD_MUTEX_INITIALIZER;

static void *
append_thread(void *arg)
{
    appender *a = arg;
    fbk *db = NULL;

    a->rc = fbk_connect(a->store, &db);
    if (a->rc >= 0)
        a->rc = append(db, a->first, working->part);
    (void)pthread_mutex_lock(&told);
    if (a->rc < 0 && db)
        a->db->err = db->err;
    else if (a->rc < 0)
        (void)fbk__fail(a->db, a->rc, "no connection was made");
    (void)pthread_mutex_unlock(&told);
    (void)__atomic_add_fetch(a->n_ended, 1, __ATOMIC_RELEASE);
    fbk_close(db);
    return NULL;
}

static int
n_waiting(fbk_store *store)
{
    int n;

    (void)pthread_mutex_lock(&store->group.lock);
    n = store->group.n_waiting;
    (void)pthread_mutex_unlock(&store->group.lock);
    return n;
}

static fbk_status
run_threads(fbk *db)
{
    appender of[THREADS];
    fbk_store *store = db->conn->store;
    int n_ended = 0;
    fbk_status rc = fbk__write_begin(db);

    acked = 0;
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < THREADS; i++) {
        of[i] = (appender){
            .store = store, .db = db, .first = BEFORE + 1 + i * working->part, .n_ended = &n_ended};
        tk_must(pthread_create(&of[i].thread, NULL, append_thread, &of[i]) == 0, "no thread");
    }
    while (n_waiting(store) + __atomic_load_n(&n_ended, __ATOMIC_ACQUIRE) < THREADS - 1)
        (void)sched_yield();
    rc = fbk__write_end(db, FBK_OK);
    for (uint32_t i = 0; i < THREADS; i++) {
        (void)pthread_join(of[i].thread, NULL);
        rc = of[i].rc < 0 ? of[i].rc : rc;
        acked |= of[i].rc < 0 ? 0 : 1u << i;
    }
    return rc;
}

static fbk_status
run_seal(fbk *db)
{
    return fbk__log_seal(db);
}

/* One seal fewer than makes merges due, of segments that have waited long enough. */
static void
prepare_segments(fbk *db)
{
    for (uint32_t i = 0; i < 15; i++) {
        tk_assert_ok(db, append(db, BEFORE + 1 + i * 3, 3));
        tk_assert_ok(db, fbk__log_seal(db));
    }
    tk_assert_ok(db, append(db, BEFORE + 46, 5));
    tk_assert_ok(db, tk_write(db, "UPDATE log_segment SET changed_us = 0"));
}

static fbk_status
run_maintain(fbk *db)
{
    fbk_maintain_result result = FBK_MAINTAIN_RESULT_INIT;
    fbk_status rc = fbk_store_maintain(db, NULL, &result);

    tk_must(rc < 0 || result.more || result.n_segments <= 3, "%u segments were left",
            result.n_segments);
    return rc;
}

/* The file is to be written anew, for somebody was erased who had done nothing. */
static void
prepare_erased(fbk *db)
{
    uint32_t node = 0;
    uint64_t n = 0;

    prepare_segments(db);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__node_make(db, FBK__EVENT_OWN, "nobody", 6, &node));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    tk_assert_ok(db, fbk__log_erase_nodes(db, &node, 1, &n));
}

/* A merge that somebody began and left. */
static void
prepare_merge(fbk *db)
{
    prepare_segments(db);
    tk_assert_ok(db, tk_compact(db, 1));
}

static fbk_status
run_compact(fbk *db)
{
    return tk_compact(db, UINT64_MAX);
}

static fbk_status
run_scan(fbk *db)
{
    fbk__scan_options opt = {
        .from_us = FBK_TIME_NONE, .to_us = FBK_TIME_NONE, .columns = ALL_COLUMNS};
    fbk__scan *scan = NULL;
    const fbk__chunk *c;
    uint64_t last = 0;
    uint32_t n = 0;
    fbk_status rc = fbk__log_scan_open(db, &opt, &scan);

    if (rc < 0)
        return rc;
    while ((rc = fbk__log_scan_next(scan, &c)) == FBK_OK) {
        for (size_t i = 0; i < c->n; i++) {
            n += c->event[i] != last;
            last = c->event[i];
        }
    }
    fbk__log_scan_close(scan);
    tk_must(rc < 0 || n == n_before, "%u of %u events were scanned", n, n_before);
    return rc;
}

static fbk_status
count_event(void *user_data, const fbk__event_view *view)
{
    (void)view;
    ++*(uint32_t *)user_data;
    return FBK_OK;
}

static fbk_status
run_each(fbk *db)
{
    uint32_t n = 0;
    fbk_status rc = fbk__log_each(db, 0, count_event, &n);

    tk_must(rc < 0 || n == n_before, "%u of %u events were given", n, n_before);
    return rc;
}

static fbk_status
run_history(fbk *db)
{
    static const uint32_t nodes[] = {1, 2, 3, 4};
    uint32_t n = 0;
    fbk_status rc = fbk__log_history(db, nodes, 4, FBK_TIME_NONE, 1000, count_event, &n);

    tk_must(rc < 0 || n > 5, "a history had %u events", n);
    return rc;
}

static fbk_status
run_erase(fbk *db)
{
    static const uint32_t nodes[] = {1, 2, 3, 4};
    uint64_t n = 0;
    fbk_status rc = fbk__log_erase_nodes(db, nodes, working->erases, &n);

    tk_must(rc < 0 || n == n_doomed || n == 0, "%u of %u events were erased", (uint32_t)n,
            n_doomed);
    return rc;
}

static fbk_status
run_check(fbk *db)
{
    uint64_t bad = 0;
    fbk_status rc = fbk__log_check(db, NULL, NULL, &bad);

    tk_must(rc < 0 || bad == 0, "a sound store was found damaged");
    return rc;
}

const tk_work tk_works[] = {
    {"append one", NULL, run_append, 1, 0, 0, 0},
    {"append", NULL, run_append, 20, 0, 0, 0},
    {"append by threads", NULL, run_threads, 20, 0, 0, 20 / THREADS},
    {"append in bulk", NULL, run_append, 21, 200, 0, 0},
    {"seal", NULL, run_seal, 0, 0, 0, 0},
    {"compact", prepare_segments, run_seal, 0, 0, 0, 0},
    {"maintain", prepare_segments, run_maintain, 0, 0, 0, 0},
    {"maintain, erased", prepare_erased, run_maintain, 0, 0, 0, 0},
    {"go on merging", prepare_merge, run_compact, 0, 0, 0, 0},
    {"scan", prepare_segments, run_scan, 0, 0, 0, 0},
    {"read each", prepare_segments, run_each, 0, 0, 0, 0},
    {"history", prepare_segments, run_history, 0, 0, 0, 0},
    {"erase", prepare_segments, run_erase, 0, 0, 4, 0},
    {"check", prepare_segments, run_check, 0, 0, 0, 0},
};
const int tk_n_works = (int)(sizeof tk_works / sizeof tk_works[0]);

/* -- before and after -------------------------------------------------------------------------- */

static fbk_status
note_before(void *user_data, const fbk__event_view *view)
{
    uint32_t number = tk_event_number(view);

    (void)user_data;
    n_before++;
    last_before = number > last_before ? number : last_before;
    if (view->node >= 1 && view->node <= working->erases) {
        doomed[number] = 1;
        n_doomed++;
    }
    return FBK_OK;
}

void
tk_work_prepare(const tk_work *work, const char *path)
{
    fbk_store *store = tk_open(path, FBK_STORE_CREATE);
    fbk *db = tk_connect(store);

    working = work;
    memset(doomed, 0, sizeof doomed);
    n_before = n_doomed = last_before = 0;
    tk_assert_ok(db, append(db, 1, BEFORE / 2));
    if (work->prepare) {
        tk_assert_ok(db, fbk__log_seal(db));
    }
    tk_assert_ok(db, append(db, BEFORE / 2 + 1, BEFORE / 2));
    if (work->prepare)
        work->prepare(db);
    tk_assert_ok(db, fbk__log_each(db, 0, note_before, NULL));
    fbk_close(db);
    fbk_store_close(store);
}

typedef struct found {
    fbk *db;
    tk_names names;
    uint32_t n_kept, n_doomed, n_new;
    uint8_t seen[MAX_EVENTS];
} found;

static fbk_status
note_found(void *user_data, const fbk__event_view *view)
{
    found *f = user_data;
    uint32_t number = tk_event_number(view);
    tk_event e = make(number);
    const char *what = tk_event_differs(f->db, &f->names, view, &e);

    tk_must(!what, "%s of event %u", what, number);
    tk_must(number < MAX_EVENTS && !f->seen[number]++, "event %u is there twice", number);
    f->n_doomed += doomed[number];
    f->n_new += number > last_before;
    f->n_kept += number <= last_before && !doomed[number];
    return FBK_OK;
}

void
tk_work_verify(const tk_work *work, fbk *db, fbk_status rc)
{
    found f = {.db = db};
    uint64_t bad = 0;
    bool after;

    tk_assert_ok(db, fbk__log_each(db, 0, note_found, &f));
    tk_names_free(&f.names);
    tk_must(f.n_kept == n_before - n_doomed, "%u of %u events are left", f.n_kept,
            n_before - n_doomed);
    for (uint32_t i = 0; work->part && i < work->adds; i++) {
        uint8_t seen = f.seen[BEFORE + 1 + i];

        tk_must(seen == f.seen[BEFORE + 1 + i - i % work->part], "a batch is there in part");
        tk_must(seen || !(acked >> i / work->part & 1), "an acknowledged batch is not there");
    }
    after = work->erases ? f.n_doomed == 0 : f.n_new == work->adds;
    tk_must(after || rc < 0, "what was acknowledged is not there");
    tk_must(after || ((f.n_new == 0 || work->part) && f.n_doomed == n_doomed),
            "%u of %u events are there", f.n_new + f.n_doomed, work->adds + n_doomed);
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    tk_must(bad == 0, "damage was found");
}
