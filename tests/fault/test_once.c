/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

/* Events, some of them sent again, some again with other content, some late, all in a random order,
 * by four processes at once: of each id one is stored, the first that came, and every sender is told
 * what became of its own. Which one came first is not known beforehand; that it was one of those
 * sent, and that all the others were answered as that one demands, is compared event for event. */

enum {
    SEED = 20261122,
    SAMPLE = 30000,
    ALL = 2000000,
    N_SENDERS = 4,
    BULK = 3000 /* events: sealed at once */
};
#define DAY_US INT64_C(86400000000)

enum { SAME = 0, OTHER_ORDER = 1, OTHER_DAY = 2 }; /* content of an event */

typedef struct shared {
    fbk__append_counts counts[N_SENDERS];
    uint8_t outcomes[]; /* by send */
} shared;

static struct {
    uint32_t n;         /* events */
    uint32_t n_changed; /* of these sent with two contents */
    uint32_t *sends;    /* number << 2 | content */
    uint32_t n_sends;
    uint8_t *stored; /* by number: content, + 1 */
    uint8_t *seen;   /* by number */
    shared *shared;  /* with the senders */
    uint64_t lines;
    tk_names names;
    fbk *db;
} all;

static tk_event
make(uint32_t number, uint32_t content)
{
    tk_event e = tk_event_make(number);
    uint64_t dice = fbk__mix64(number + SEED);

    e.person = (uint32_t)(dice % (all.n / 20));
    e.occurred_us = INT64_C(1704067200000000) + (int64_t)number * (700 * DAY_US / all.n);
    if (dice >> 32 & 1 && dice % 100 < 4) /* late */
        e.occurred_us -= (int64_t)(1 + dice % 30) * DAY_US;
    e.salt = content == OTHER_ORDER;
    if (content == OTHER_DAY)
        e.occurred_us += DAY_US;
    return e;
}

static void
plan(void)
{
    fbk__rng rng;

    all.n = tk_full() ? ALL : SAMPLE;
    all.sends = malloc(2 * (size_t)all.n * sizeof *all.sends);
    all.stored = calloc(all.n + 1, 1);
    all.seen = calloc(all.n + 1, 1);
    ck_assert(all.sends && all.stored && all.seen);
    fbk__rng_seed(&rng, SEED);
    for (uint32_t i = 1; i <= all.n; i++) {
        uint64_t dice = fbk__rng_below(&rng, 200);

        all.sends[all.n_sends++] = i << 2 | SAME;
        if (dice < 10)
            all.sends[all.n_sends++] = i << 2 | SAME;
        else if (dice < 12)
            all.sends[all.n_sends++] = i << 2 | (dice == 10 ? OTHER_ORDER : OTHER_DAY);
        all.n_changed += dice == 10 || dice == 11;
    }
    for (uint32_t i = all.n_sends; i > 1; i--) {
        uint32_t k = (uint32_t)fbk__rng_below(&rng, i);
        uint32_t swap = all.sends[i - 1];

        all.sends[i - 1] = all.sends[k];
        all.sends[k] = swap;
    }
    all.shared = mmap(NULL, sizeof *all.shared + all.n_sends, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(all.shared != MAP_FAILED);
}

/* -- the senders ------------------------------------------------------------------------------- */

/* Append n sends from `first` on, every `stride`-th; their outcomes to all.shared. */
static fbk_status
send_batch(fbk *db, fbk__batch *batch, uint32_t first, uint32_t n, uint32_t stride, uint8_t *out,
           fbk__append_counts *sum)
{
    uint8_t outcomes[BULK];
    fbk__append_counts counts = {0};
    fbk_status rc;

    fbk__batch_clear(batch);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t send = all.sends[first + i * stride];
        tk_event e = make(send >> 2, send & 3);

        tk_batch_add(batch, &e);
    }
    rc = tk_batch_append(db, batch, outcomes, &counts);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < n; i++)
        out[first + i * stride] = outcomes[i];
    sum->added += counts.added;
    sum->already += counts.already;
    sum->conflict += counts.conflict;
    sum->erased += counts.erased;
    sum->lines_added += counts.lines_added;
    return FBK_OK;
}

static int
sender(const char *path, uint32_t number)
{
    fbk_store *store = tk_open(path, 0);
    fbk *db = tk_connect(store);
    fbk__batch batch;
    fbk__rng rng;
    fbk_status rc = FBK_OK;

    fbk__rng_seed(&rng, SEED + number);
    fbk__batch_init(&batch, NULL);
    for (uint32_t at = number; rc >= 0 && at < all.n_sends;) {
        uint32_t left = (all.n_sends - at + N_SENDERS - 1) / N_SENDERS;
        uint32_t n = 1 + (uint32_t)fbk__rng_below(&rng, fbk__rng_below(&rng, 8) ? 300 : BULK);

        n = n < left ? n : left;
        rc = send_batch(db, &batch, at, n, N_SENDERS, all.shared->outcomes,
                        &all.shared->counts[number]);
        at += n * N_SENDERS;
    }
    fbk__batch_free(&batch);
    fbk_close(db);
    fbk_store_close(store);
    return rc < 0 ? 1 : 0;
}

static void
send_all(const char *path)
{
    pid_t pids[N_SENDERS];

    for (uint32_t i = 0; i < N_SENDERS; i++) {
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0)
            _exit(sender(path, i));
    }
    for (uint32_t i = 0; i < N_SENDERS; i++) {
        int status = 0;

        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        tk_must(status == 0, "sender %u ended with %d", i, status);
    }
}

/* -- the reference ----------------------------------------------------------------------------- */

/* What the answer to a send must be, given what is stored. */
static uint8_t
answer(uint32_t send)
{
    return all.stored[send >> 2] == (send & 3) + 1 ? FBK__ALREADY : FBK__CONFLICT;
}

static void
check_answers(void)
{
    fbk__append_counts want = {0};
    fbk__append_counts sum = {0};

    for (uint32_t i = 0; i < all.n_sends; i++) {
        if (all.shared->outcomes[i] != FBK__ADDED)
            continue;
        tk_must(!all.stored[all.sends[i] >> 2], "event %u was added twice", all.sends[i] >> 2);
        all.stored[all.sends[i] >> 2] = (uint8_t)((all.sends[i] & 3) + 1);
        want.added++;
    }
    for (uint32_t i = 0; i < all.n_sends; i++) {
        uint8_t outcome = all.shared->outcomes[i];

        tk_must(all.stored[all.sends[i] >> 2], "event %u was never added", all.sends[i] >> 2);
        if (outcome == FBK__ADDED)
            continue;
        tk_must(outcome == answer(all.sends[i]), "event %u was answered %u", all.sends[i] >> 2,
                outcome);
        want.already += outcome == FBK__ALREADY;
        want.conflict += outcome == FBK__CONFLICT;
    }
    for (uint32_t i = 0; i < N_SENDERS; i++) {
        sum.added += all.shared->counts[i].added;
        sum.already += all.shared->counts[i].already;
        sum.conflict += all.shared->counts[i].conflict;
        sum.lines_added += all.shared->counts[i].lines_added;
        ck_assert_uint_eq(all.shared->counts[i].erased, 0);
    }
    ck_assert_uint_eq(want.added, all.n);
    ck_assert_uint_eq(sum.added, want.added);
    ck_assert_uint_eq(sum.already, want.already);
    ck_assert_uint_eq(sum.conflict, want.conflict);
    for (uint32_t i = 1; i <= all.n; i++)
        want.lines_added += make(i, SAME).n_lines;
    ck_assert_uint_eq(sum.lines_added, want.lines_added);
    all.lines = want.lines_added;
}

static fbk_status
check_event(void *user_data, const fbk__event_view *view)
{
    uint32_t number = tk_event_number(view);
    const char *what;
    tk_event e;

    (void)user_data;
    tk_must(number >= 1 && number <= all.n, "event %u was never sent", number);
    tk_must(!all.seen[number], "event %u is there twice", number);
    all.seen[number] = 1;
    e = make(number, all.stored[number] - 1u);
    what = tk_event_differs(all.db, &all.names, view, &e);
    tk_must(!what, "%s of event %u", what, number);
    return FBK_OK;
}

static void
check_store(void)
{
    fbk__log_counts counts;
    uint64_t bad = 0;

    tk_assert_ok(all.db, fbk__log_count(all.db, &counts));
    ck_assert_uint_eq(counts.events, all.n);
    ck_assert_uint_eq(counts.lines, all.lines);
    ck_assert_uint_eq(counts.conflicts, all.n_changed);
    tk_assert_ok(all.db, fbk__log_each(all.db, 0, check_event, NULL));
    for (uint32_t i = 1; i <= all.n; i++)
        tk_must(all.seen[i], "event %u is not there", i);
    tk_assert_ok(all.db, fbk__log_check(all.db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
}

/* The same again: nothing is new. */
static void
check_resend(void)
{
    fbk__append_counts sum = {0};
    fbk__batch batch;

    fbk__batch_init(&batch, NULL);
    for (uint32_t at = 0; at < all.n_sends; at += 500) {
        uint32_t n = all.n_sends - at < 500 ? all.n_sends - at : 500;

        tk_assert_ok(all.db, send_batch(all.db, &batch, at, n, 1, all.shared->outcomes, &sum));
    }
    fbk__batch_free(&batch);
    for (uint32_t i = 0; i < all.n_sends; i++)
        tk_must(all.shared->outcomes[i] == answer(all.sends[i]), "event %u sent again: %u",
                all.sends[i] >> 2, all.shared->outcomes[i]);
    ck_assert_uint_eq(sum.added, 0);
}

START_TEST(the_first_to_come_is_stored_and_nothing_else)
{
    const char *path = tk_path("once");
    fbk_store *store;
    fbk__log_counts counts;

    plan();
    tk_trying("%u events in %u sends, seed %d", all.n, all.n_sends, SEED);
    fbk_store_close(tk_open(path, FBK_STORE_CREATE));
    send_all(path);
    store = tk_open(path, 0);
    all.db = tk_connect(store);
    check_answers();
    check_store();
    check_resend();
    tk_assert_ok(all.db, fbk__log_count(all.db, &counts));
    ck_assert_uint_eq(counts.events, all.n);
    ck_assert_uint_eq(counts.conflicts, all.n_changed);
    tk_names_free(&all.names);
    fbk_close(all.db);
    fbk_store_close(store);
    tk_store_assert_sound(path);
    tk_trying(NULL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_once");
    TCase *tc = tcase_create("fault_once");

    tcase_set_timeout(tc, 3600);
    tcase_add_test(tc, the_first_to_come_is_stored_and_nothing_else);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
