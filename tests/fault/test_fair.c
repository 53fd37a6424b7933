/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/event.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log/log.h"
#include "support/tk.h"
#include "support/tk_store.h"

/* Many processes write one store as fast as they can: everybody gets in. FEEDBACK_TEST_FULL=1: 32 of
 * them for a minute, each with at least one commit in a hundred, and 99 of 100 commits within a
 * quarter of a second. */

enum {
    MOST = 32,
    BUCKET_US = 500,
    N_BUCKETS = 20000, /* up to 10 s */
    LONG_SECONDS = 60,
    SHORT_SECONDS = 4,
    SHORT_WRITERS = 8
};

/* What the writers say, in memory that they share. */
typedef struct told {
    uint32_t n_commits[MOST];
    uint32_t bucket[MOST][N_BUCKETS]; /* commits by how long they took */
} told;

static int64_t
now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The body of a child. */
static void
write_until(const char *path, uint32_t writer, int64_t end_us, told *t)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = NULL;
    fbk *db = NULL;

    options.busy_timeout_ms = 60000;
    if (fbk_store_open(path, &options, &store, NULL) < 0 || fbk_connect(store, &db) < 0)
        _exit(2);
    for (uint32_t i = 0; now_us() < end_us; i++) {
        fbk_event event = FBK_EVENT_INIT;
        int64_t start = now_us();
        int64_t took;
        char id[32];

        (void)snprintf(id, sizeof id, "writer%u-%u", writer, i);
        event.event_id = id;
        event.kind = FBK_KIND_VISIT;
        event.source = "till";
        event.occurred_us = INT64_C(1704067200000000) + i;
        if (fbk_event_append(db, &event, NULL) != FBK_OK)
            _exit(3);
        took = (now_us() - start) / BUCKET_US;
        t->bucket[writer][took < N_BUCKETS ? took : N_BUCKETS - 1]++;
        t->n_commits[writer]++;
    }
    fbk_close(db);
    fbk_store_close(store);
    _exit(0);
}

static void
run_writers(const char *path, uint32_t n, int64_t seconds, told *t)
{
    int64_t end = now_us() + seconds * 1000000;
    pid_t pids[MOST];

    for (uint32_t w = 0; w < n; w++) {
        pids[w] = fork();
        ck_assert_int_ge(pids[w], 0);
        if (pids[w] == 0)
            write_until(path, w, end, t);
    }
    for (uint32_t w = 0; w < n; w++) {
        int status = 0;

        ck_assert_int_eq(waitpid(pids[w], &status, 0), pids[w]);
        ck_assert_msg(status == 0, "writer %u ended with %d", w, status);
    }
}

/* Milliseconds within which this share of all commits was done. */
static double
quantile_ms(const told *t, uint32_t n, uint64_t total, double share)
{
    uint64_t so_far = 0;

    for (uint32_t b = 0; b < N_BUCKETS; b++) {
        for (uint32_t w = 0; w < n; w++)
            so_far += t->bucket[w][b];
        if ((double)so_far >= share * (double)total)
            return (b + 1) * (double)BUCKET_US / 1000.0;
    }
    return N_BUCKETS * (double)BUCKET_US / 1000.0;
}

static void
assert_all_there(const char *path, uint64_t total)
{
    fbk_store *store = tk_open(path, 0);
    fbk *db = tk_connect(store);
    fbk__log_counts counts;
    uint64_t bad = 0;

    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_eq(counts.events, total);
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
    fbk_close(db);
    fbk_store_close(store);
}

START_TEST(everybody_gets_in)
{
    const char *path = tk_path("shared");
    uint32_t n = tk_full() ? MOST : SHORT_WRITERS;
    told *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t least = UINT32_MAX;
    uint64_t total = 0;
    double p99;

    ck_assert(t != MAP_FAILED);
    fbk_store_close(tk_open(path, FBK_STORE_CREATE));
    run_writers(path, n, tk_full() ? LONG_SECONDS : SHORT_SECONDS, t);
    for (uint32_t w = 0; w < n; w++) {
        total += t->n_commits[w];
        least = t->n_commits[w] < least ? t->n_commits[w] : least;
    }
    p99 = quantile_ms(t, n, total, .99);
    (void)printf(
        "%u writers, %llu commits, the least of a writer %.2f %%, p50 %.1f ms, p99 %.1f ms,"
        " max %.1f ms\n",
        n, (unsigned long long)total, 100.0 * least / (double)total, quantile_ms(t, n, total, .5),
        p99, quantile_ms(t, n, total, 1.0));
    (void)fflush(stdout); /* also when what follows fails */
    ck_assert_uint_gt(least, 0);
    if (tk_full()) {
        ck_assert_uint_ge(100 * (uint64_t)least, total);
        ck_assert_double_le(p99, 250.0);
    }
    assert_all_there(path, total);
    (void)munmap(t, sizeof *t);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_fair");
    TCase *tc = tcase_create("fault_fair");

    tcase_set_timeout(tc, 280);
    tcase_add_test(tc, everybody_gets_in);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
