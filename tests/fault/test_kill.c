/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "store/sqlite.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

/* Four writers of two threads each that append and say so over a pipe, two readers and a compactor,
 * in processes of their own, are killed one after the other at random moments, again and again on the same store.
 * What was acknowledged is there, whole and once; what was not is there whole or not at all; readers
 * never see anything else, and the store is sound. */

enum {
    SEED = 20261122,
    N_WRITING = 4, /* processes */
    N_WRITERS = 2 * N_WRITING,
    N_READERS = 2,
    N_CHILDREN = N_WRITING + N_READERS + 1, /* the last one compacts */
    BATCH = 7,
    N_BATCHES = 400, /* at most, of a writer in one store */
    BULK_LINES = 600,
    PER_STORE = 25, /* kills, then a new one: checking one that grows takes ever longer */
    SAMPLE = TK_SLOW ? 100 : 500,
    ALL = 10000
};

/* What a child says when it has done a piece of work. */
typedef struct ack {
    uint32_t writer; /* NOBODY = a reader, the compactor */
    uint32_t batch;
} ack;
enum { NOBODY = N_WRITERS };

typedef struct killing {
    const char *path;
    int in; /* acks come in here … */
    int out;
    uint32_t next[N_WRITERS]; /* first batch that was not acknowledged */
    uint32_t n_acks;
    int64_t worst_ns; /* to open the store again */
} killing;

static tk_event
make(uint32_t number)
{
    tk_event e = tk_event_make(number);

    /* Now and then a batch that is large enough to be sealed at once. */
    if ((number - 1) / BATCH % 32 == 31)
        e.n_lines = BULK_LINES;
    return e;
}

/* The first event of batch b of writer w. */
static uint32_t
first_number(uint32_t writer, uint32_t batch)
{
    return (writer * N_BATCHES + batch) * BATCH + 1;
}

/* -- what is there ----------------------------------------------------------------------------- */

typedef struct found {
    fbk *db;
    tk_names names;
    uint8_t n[N_WRITERS * N_BATCHES]; /* events of each batch */
    uint8_t seen[N_WRITERS * N_BATCHES * BATCH + 1];
    const char *wrong;
} found;

static fbk_status
note_event(void *user_data, const fbk__event_view *view)
{
    found *f = user_data;
    uint32_t number = tk_event_number(view);
    tk_event e = make(number);

    if (f->seen[number]++)
        f->wrong = "an event is there twice";
    else if (!f->wrong)
        f->wrong = tk_event_differs(f->db, &f->names, view, &e);
    f->n[(number - 1) / BATCH]++;
    return f->wrong ? FBK_DONE : FBK_OK;
}

/* Read everything; NULL, or what is wrong with it. */
static const char *
find(fbk *db, found *f)
{
    memset(f, 0, sizeof *f);
    f->db = db;
    if (fbk__log_each(db, 0, note_event, f) < 0)
        f->wrong = fbk_errmsg(db);
    for (uint32_t b = 0; b < N_WRITERS * N_BATCHES && !f->wrong; b++) {
        if (f->n[b] && f->n[b] != BATCH)
            f->wrong = "a batch is there in part";
    }
    tk_names_free(&f->names);
    return f->wrong;
}

/* -- the children ------------------------------------------------------------------------------ */

static void
say(const killing *r, uint32_t writer, uint32_t batch)
{
    ack a = {writer, batch};

    if (write(r->out, &a, sizeof a) != (ssize_t)sizeof a)
        _exit(3);
}

static fbk_status
write_batch(fbk *db, fbk__batch *batch, uint32_t first)
{
    fbk__append_counts counts = {0};
    fbk_status rc;

    fbk__batch_clear(batch);
    for (uint32_t i = 0; i < BATCH; i++) {
        tk_event e = make(first + i);

        tk_batch_add(batch, &e);
    }
    rc = tk_batch_append(db, batch, NULL, &counts);
    if (rc >= 0 && (counts.conflict || counts.added % BATCH != 0))
        _exit(4); /* all or nothing was there */
    return rc;
}

/* Begins a few batches before the first that is not acknowledged, as a till does that does not know
 * what arrived. */
static fbk_status
write_on(fbk *db, const killing *r, uint32_t writer)
{
    uint32_t next = r->next[writer];
    fbk__batch batch;
    fbk_status rc = FBK_OK;

    fbk__batch_init(&batch, NULL);
    for (uint32_t b = next > 3 ? next - 3 : 0; rc >= 0; b = b + 1 < N_BATCHES ? b + 1 : b - 3) {
        rc = write_batch(db, &batch, first_number(writer, b));
        if (rc >= 0)
            say(r, writer, b);
    }
    return rc;
}

/* The other thread of a writer. */
typedef struct other {
    fbk_store *store;
    const killing *r;
    uint32_t writer;
} other;

static void *
write_too(void *arg)
{
    other *o = arg;
    fbk *db = NULL;
    fbk_status rc = fbk_connect(o->store, &db);

    if (rc >= 0)
        rc = write_on(db, o->r, o->writer);
    (void)fprintf(stderr, "writer %u: %s: %s\n", o->writer, fbk_status_name(rc), fbk_errmsg(db));
    _exit(7);
}

static fbk_status
read_on(fbk *db, const killing *r)
{
    static found f;
    const char *wrong = NULL;

    while (!wrong) {
        wrong = find(db, &f);
        say(r, NOBODY, 0);
    }
    (void)fprintf(stderr, "a reader saw: %s\n", wrong);
    _exit(5);
}

/* All that maintenance does, and merges that are begun and left to others. */
static fbk_status
compact(fbk *db, unsigned n)
{
    fbk_maintain_options opt = FBK_MAINTAIN_OPTIONS_INIT;
    fbk_status rc;

    opt.flags = FBK_MAINTAIN_NO_WAIT | (n % 16 == 5 ? FBK_MAINTAIN_FULL : 0u) |
                (n % 16 == 13 ? FBK_MAINTAIN_VACUUM : 0u);
    if (n % 4 == 1)
        return fbk_store_maintain(db, &opt, NULL);
    if (n % 8 == 7)
        return fbk__checkpoint(db, n % 16 == 7);
    rc = fbk__log_seal(db);
    for (unsigned i = 0; rc == FBK_OK && i < n % 8; i++)
        rc = tk_compact(db, 1);
    return rc;
}

static fbk_status
compact_on(fbk *db, const killing *r)
{
    fbk_status rc = FBK_OK;

    for (unsigned n = 0; rc >= 0 || rc == FBK_EBUSY /* a reader was in the way */; n++) {
        rc = compact(db, n);
        say(r, NOBODY, 0);
    }
    return rc;
}

static void
child_run(const killing *r, uint32_t child)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;
    pthread_t thread;
    fbk *db = NULL;
    fbk_status rc;
    other o;

    if (fbk_store_open(r->path, &opt, &store, &info) < 0 || fbk_connect(store, &db) < 0) {
        (void)fprintf(stderr, "a child could not open: %s\n", info.message);
        _exit(2);
    }
    o = (other){store, r, child + N_WRITING};
    if (child < N_WRITING && pthread_create(&thread, NULL, write_too, &o) != 0)
        _exit(8);
    if (child < N_WRITING)
        rc = write_on(db, r, child);
    else if (child < N_WRITING + N_READERS)
        rc = read_on(db, r);
    else
        rc = compact_on(db, r);
    (void)fprintf(stderr, "child %u: %s: %s\n", child, fbk_status_name(rc), fbk_errmsg(db));
    _exit(6);
}

/* -- the killer -------------------------------------------------------------------------------- */

static void
read_acks(killing *r, uint32_t at_most)
{
    ack a;
    uint32_t n = 0;

    while (n < at_most && read(r->in, &a, sizeof a) == (ssize_t)sizeof a) {
        if (a.writer < N_WRITERS && a.batch >= r->next[a.writer])
            r->next[a.writer] = a.batch + 1;
        r->n_acks++;
        n++;
    }
}

static void
spin_us(int64_t us)
{
    int64_t until = fbk__now_ns() + us * 1000;

    while (fbk__now_ns() < until)
        continue;
}

static void
start(killing *r, pid_t pids[N_CHILDREN])
{
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    r->in = fds[0];
    r->out = fds[1];
    for (uint32_t i = 0; i < N_CHILDREN; i++) {
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0)
            child_run(r, i);
    }
    (void)close(fds[1]);
}

/* Each dies a few acknowledgements after the one before, or with it; the others live on meanwhile. */
static void
kill_all(killing *r, pid_t pids[N_CHILDREN], fbk__rng *rng)
{
    bool at_once = fbk__rng_below(rng, 3) == 0;

    read_acks(r, (uint32_t)fbk__rng_below(rng, 24));
    for (uint32_t n = N_CHILDREN; n > 0; n--) {
        uint32_t i = (uint32_t)fbk__rng_below(rng, n);
        pid_t pid = pids[i];

        if (n == N_CHILDREN || !at_once) {
            read_acks(r, (uint32_t)fbk__rng_below(rng, 3));
            spin_us((int64_t)fbk__rng_below(rng, 1000));
        }
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        pids[i] = pids[n - 1];
        pids[n - 1] = pid;
    }
    for (uint32_t i = 0; i < N_CHILDREN; i++) {
        int status = 0;

        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        tk_must(WIFSIGNALED(status), "a child ended by itself with %d", WEXITSTATUS(status));
    }
    read_acks(r, UINT32_MAX); /* what was said before the end */
    (void)close(r->in);
}

static void
check_store(killing *r)
{
    fbk_store_check_options opt = FBK_STORE_CHECK_OPTIONS_INIT;
    static found f;
    int64_t began = fbk__now_ns();
    fbk_store *store = tk_open(r->path, 0);
    fbk *db = tk_connect(store);
    int64_t took = fbk__now_ns() - began;
    const char *wrong;
    uint64_t bad = 0;

    r->worst_ns = took > r->worst_ns ? took : r->worst_ns;
    opt.level = FBK_CHECK_FULL;
    tk_assert_ok(db, fbk_store_check(db, &opt, NULL));
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
    wrong = find(db, &f);
    tk_must(!wrong, "%s", wrong);
    for (uint32_t w = 0; w < N_WRITERS; w++) {
        for (uint32_t b = 0; b < r->next[w]; b++)
            tk_must(f.n[w * N_BATCHES + b], "batch %u of writer %u is lost", b, w);
    }
    fbk_close(db);
    fbk_store_close(store);
}

START_TEST(what_was_acknowledged_survives)
{
    unsigned n = tk_full() ? ALL : SAMPLE;
    killing r = {.path = NULL};
    fbk__rng rng;

    fbk__rng_seed(&rng, SEED);
    for (unsigned i = 0; i < n; i++) {
        pid_t pids[N_CHILDREN];
        char name[32];

        tk_trying("kill %u of seed %d", i, SEED);
        (void)snprintf(name, sizeof name, "killed-%u", i / PER_STORE);
        r.path = tk_path(name);
        if (i % PER_STORE == 0) {
            memset(r.next, 0, sizeof r.next);
            fbk_store_close(tk_open(r.path, FBK_STORE_CREATE));
        }
        start(&r, pids);
        kill_all(&r, pids, &rng);
        check_store(&r);
        if (i % PER_STORE == PER_STORE - 1)
            (void)unlink(r.path);
    }
    tk_trying(NULL);
    (void)printf("%u times %d processes killed, %u acknowledgements, slowest reopening %.1f ms\n",
                 n, N_CHILDREN, r.n_acks, (double)r.worst_ns / 1e6);
    ck_assert_uint_gt(r.n_acks, 4 * n); /* they did work */
    ck_assert_int_lt(r.worst_ns, INT64_C(10000000000));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_kill");
    TCase *tc = tcase_create("fault_kill");

    tcase_set_timeout(tc, 7200);
    tcase_add_test(tc, what_was_acknowledged_survives);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
