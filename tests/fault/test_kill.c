/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log/log.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

/* Two writers in processes of their own append batches and say so over a pipe; both are killed at a
 * random moment, again and again on the same store. What was acknowledged is there, whole and once;
 * what was not is there whole or not at all. */

enum { N_WRITERS = 2, N_ROUNDS = 24, BATCH = 7, N_BATCHES = 4000 };

typedef struct ack {
    uint32_t writer;
    uint32_t batch;
} ack;

/* The events of batch b of writer w. */
static uint32_t
first_number(uint32_t writer, uint32_t batch)
{
    return (writer * N_BATCHES + batch) * BATCH + 1;
}

/* The body of a child: begins a few batches before the first that is not acknowledged, as a till
 * does that does not know what arrived. */
static void
write_until_killed(const char *path, int fd, uint32_t writer, uint32_t begin)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = NULL;
    fbk *db = NULL;
    fbk__batch batch;

    if (fbk_store_open(path, &opt, &store, NULL) < 0 || fbk_connect(store, &db) < 0)
        _exit(2);
    fbk__batch_init(&batch, NULL);
    for (uint32_t b = begin; b < N_BATCHES; b++) {
        fbk__append_counts counts = {0};
        ack done = {writer, b};

        fbk__batch_clear(&batch);
        for (uint32_t i = 0; i < BATCH; i++) {
            tk_event e = tk_event_make(first_number(writer, b) + i);

            tk_batch_add(&batch, &e);
        }
        if (tk_batch_append(db, &batch, NULL, &counts) < 0 || counts.conflict ||
            counts.added % BATCH != 0 /* all or nothing */)
            _exit(3);
        if (write(fd, &done, sizeof done) != (ssize_t)sizeof done)
            _exit(4);
    }
    _exit(0);
}

static void
spin_us(int64_t us)
{
    struct timespec begin;
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 < us);
}

static void
read_acks(int fd, unsigned at_least, uint32_t next[N_WRITERS])
{
    ack a;
    unsigned n = 0;

    while (n < at_least && read(fd, &a, sizeof a) == (ssize_t)sizeof a) {
        next[a.writer] = a.batch + 1 > next[a.writer] ? a.batch + 1 : next[a.writer];
        n++;
    }
}

/* One round: start both, kill both, note what they acknowledged. */
static void
round_of_kills(const char *path, fbk__rng *rng, uint32_t next[N_WRITERS])
{
    pid_t pids[N_WRITERS];
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    for (uint32_t w = 0; w < N_WRITERS; w++) {
        pids[w] = fork();
        ck_assert_int_ge(pids[w], 0);
        if (pids[w] == 0)
            write_until_killed(path, fds[1], w, next[w] > 3 ? next[w] - 3 : 0);
    }
    (void)close(fds[1]);
    read_acks(fds[0], (unsigned)fbk__rng_below(rng, 12), next);
    spin_us((int64_t)fbk__rng_below(rng, 20000));
    for (uint32_t w = 0; w < N_WRITERS; w++)
        (void)kill(pids[w], SIGKILL);
    for (uint32_t w = 0; w < N_WRITERS; w++) {
        int status = 0;

        ck_assert_int_eq(waitpid(pids[w], &status, 0), pids[w]);
        ck_assert_msg(WIFSIGNALED(status), "a writer ended by itself with %d", status);
    }
    read_acks(fds[0], UINT32_MAX, next); /* what was said before the end */
    (void)close(fds[0]);
}

static fbk_status
mark_event(void *user_data, const fbk__event_view *view)
{
    uint8_t *seen = user_data;
    uint32_t number = tk_event_number(view);

    ck_assert_uint_eq(seen[number], 0); /* never twice */
    ck_assert_uint_eq(view->n_lines, tk_event_make(number).n_lines);
    seen[number] = 1;
    return FBK_OK;
}

static void
check_store(const char *path, const uint32_t next[N_WRITERS])
{
    fbk_store *store = tk_open(path, 0);
    fbk *db = tk_connect(store);
    uint8_t *seen = calloc(first_number(N_WRITERS, 0) + 1, 1);
    uint64_t bad = 0;

    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
    tk_assert_ok(db, fbk__log_each(db, 0, mark_event, seen));
    for (uint32_t w = 0; w < N_WRITERS; w++) {
        for (uint32_t b = 0; b < N_BATCHES; b++) {
            unsigned n = 0;

            for (uint32_t i = 0; i < BATCH; i++)
                n += seen[first_number(w, b) + i];
            ck_assert_msg(n == BATCH || (n == 0 && b >= next[w]), "batch %u of writer %u: %u", b, w,
                          n);
        }
    }
    free(seen);
    fbk_close(db);
    fbk_store_close(store);
}

START_TEST(what_was_acknowledged_survives)
{
    const char *path = tk_path("killed");
    uint32_t next[N_WRITERS] = {0, 0};
    fbk__rng rng;

    fbk_store_close(tk_open(path, FBK_STORE_CREATE));
    fbk__rng_seed(&rng, 20261122);
    for (unsigned i = 0; i < N_ROUNDS; i++) {
        round_of_kills(path, &rng, next);
        check_store(path, next);
    }
    ck_assert_uint_gt(next[0] + next[1], N_ROUNDS); /* they did write */
    tk_store_assert_sound(path);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_kill");
    TCase *tc = tcase_create("fault_kill");

    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, what_was_acknowledged_survives);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
