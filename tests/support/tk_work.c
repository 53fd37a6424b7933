/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_work.h"

#include <string.h>

#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

enum { BEFORE = 60, MAX_EVENTS = 128, ALL_COLUMNS = (1 << 18) - 1 };

static const tk_work *working; /* a call knows no other way what it is to do */
static uint8_t doomed[MAX_EVENTS];
static uint32_t n_before;
static uint32_t n_doomed;

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

static fbk_status
run_seal(fbk *db)
{
    return fbk__log_seal(db);
}

/* One seal fewer than makes a merge of segments due. */
static void
prepare_segments(fbk *db)
{
    for (uint32_t i = 0; i < 6; i++) {
        tk_assert_ok(db, append(db, BEFORE + 1 + i * 5, 5));
        tk_assert_ok(db, fbk__log_seal(db));
    }
    tk_assert_ok(db, append(db, BEFORE + 31, 5));
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
    {"append one", NULL, run_append, 1, 0, 0},
    {"append", NULL, run_append, 20, 0, 0},
    {"append in bulk", NULL, run_append, 21, 200, 0},
    {"seal", NULL, run_seal, 0, 0, 0},
    {"compact", prepare_segments, run_seal, 0, 0, 0},
    {"scan", prepare_segments, run_scan, 0, 0, 0},
    {"read each", prepare_segments, run_each, 0, 0, 0},
    {"history", prepare_segments, run_history, 0, 0, 0},
    {"erase", prepare_segments, run_erase, 0, 0, 4},
    {"check", prepare_segments, run_check, 0, 0, 0},
};
const int tk_n_works = (int)(sizeof tk_works / sizeof tk_works[0]);

/* -- before and after -------------------------------------------------------------------------- */

static fbk_status
note_before(void *user_data, const fbk__event_view *view)
{
    (void)user_data;
    n_before++;
    if (view->node >= 1 && view->node <= working->erases) {
        doomed[tk_event_number(view)] = 1;
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
    n_before = n_doomed = 0;
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
    f->n_new += number > n_before;
    f->n_kept += number <= n_before && !doomed[number];
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
    after = work->erases ? f.n_doomed == 0 : f.n_new == work->adds;
    tk_must(after || rc < 0, "what was acknowledged is not there");
    tk_must(after || (f.n_new == 0 && f.n_doomed == n_doomed), "%u of %u events are there",
            f.n_new + f.n_doomed, work->adds + n_doomed);
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    tk_must(bad == 0, "damage was found");
}
