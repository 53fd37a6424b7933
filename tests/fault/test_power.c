/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/log.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"
#include "support/tk_vfs.h"

/* The power goes at every write and sync of a store at work; what no sync covered is there, lost, or
 * torn. What was acknowledged with durability "full" is there afterwards, with "normal" only the
 * newest may be missing; no batch is there in part or twice, the store is sound, and a sender that
 * sends everything again is told of each event what it is. */

enum {
    SEED = 20261122,
    MAX_STEPS = 48,
    MAX_EVENTS = 400,
    BATCH = 5,
    BULK = 21,        /* events of … */
    BULK_LINES = 200, /* … so many lines: sealed at once */
    THREADS = 4,
    SAMPLE = 170, /* points a scenario */
    ALL = 4200
};

/* Steps: + make the store (else it is there), a append, g four threads append, b append in bulk, s seal, c checkpoint, t checkpoint and cut the WAL, e erase,
 * i merge in slices, m maintain, v maintain and write the file anew, k backup. */
static const struct {
    const char *name;
    uint32_t durability;
    const char *steps;
} scenarios[] = {
    {"make", FBK_DURABILITY_FULL, "+aa"},
    {"append", FBK_DURABILITY_FULL, "aaaacaaaatccaaa"},
    {"append, normal", FBK_DURABILITY_NORMAL, "aaaaaacaaaataaaaaa"},
    {"append by threads", FBK_DURABILITY_FULL, "agcgatgg"},
    {"append in bulk", FBK_DURABILITY_FULL, "abacbta"},
    {"seal", FBK_DURABILITY_FULL, "aasacasata"},
    {"seal, normal", FBK_DURABILITY_NORMAL, "aasacasaasata"},
    {"merge in slices", FBK_DURABILITY_FULL, "asasasicasasaia"},
    {"merge in slices, normal", FBK_DURABILITY_NORMAL, "asasasicasasaia"},
    {"maintain", FBK_DURABILITY_FULL, "asasasascamasasamava"},
    {"erase", FBK_DURABILITY_FULL, "aasaaeaasema"},
    {"back up", FBK_DURABILITY_FULL, "aasakaa"},
};

typedef struct step {
    char what;
    uint32_t first; /* number of the first event of a batch */
    uint32_t n;
} step;

/* What the run that was recorded did. */
static struct {
    step steps[MAX_STEPS];
    unsigned n_steps;
    uint32_t last;              /* number of the last event */
    uint8_t doomed[MAX_EVENTS]; /* by the number of the step that erased it, from 1 */
} ran;

/* Promises: the number of the first event of a batch, or that of a step without events. */
enum { OTHER_STEP = 10000 };

static tk_vfs vfs;
static tk_disk disk;
static fbk_store *store; /* while it is recorded */

static tk_event
make(uint32_t number, bool bulk)
{
    tk_event e = tk_event_make(number);

    e.person %= 8;
    e.n_lines = bulk ? BULK_LINES : e.n_lines;
    return e;
}

static fbk_store *
open_store(const char *path, uint32_t durability)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;

    opt.flags = FBK_STORE_CREATE;
    opt.durability = durability;
    opt.vfs = "tk-power";
    return tk_open_with(path, &opt);
}

/* -- the run ----------------------------------------------------------------------------------- */

static const uint32_t erased_nodes[] = {1, 2, 3};

static fbk_status
note_doomed(void *user_data, const fbk__event_view *view)
{
    uint32_t number = tk_event_number(view);

    if (view->node >= 1 && view->node <= 3)
        ran.doomed[number] = *(uint8_t *)user_data;
    return FBK_OK;
}

static void
append(fbk *db, const step *s)
{
    fbk__batch batch;
    fbk__append_counts counts = {0};

    fbk__batch_init(&batch, NULL);
    for (uint32_t i = 0; i < s->n; i++) {
        tk_event e = make(s->first + i, s->what == 'b');

        tk_batch_add(&batch, &e);
    }
    tk_assert_ok(db, tk_batch_append(db, &batch, NULL, &counts));
    ck_assert_uint_eq(counts.added, s->n);
    fbk__batch_free(&batch);
}

/* Append, and promise. */
static void *
append_thread(void *arg)
{
    const step *s = arg;
    fbk *db = tk_connect(store);

    append(db, s);
    tk_disk_mark(&disk, s->first);
    fbk_close(db);
    return NULL;
}

static fbk_status
note_order(void *user_data, const fbk__event_view *view)
{
    uint32_t *n = user_data;
    step *s = &ran.steps[ran.n_steps + *n / BATCH];

    if (*n % BATCH == 0)
        *s = (step){'a', tk_event_number(view), BATCH};
    ++*n;
    return FBK_OK;
}

/* All of them wait until the writer is free: one commit for all. Which came first is seen when it
 * is done; each is a step of its own. */
static void
run_group(fbk *db)
{
    step of[THREADS];
    pthread_t threads[THREADS];
    fbk__log_counts counts;
    uint32_t n = 0;
    int waiting = 0;

    tk_assert_ok(db, fbk__log_count(db, &counts));
    tk_assert_ok(db, fbk__write_begin(db));
    for (unsigned i = 0; i < THREADS; i++) {
        of[i] = (step){'a', ran.last + 1 + i * BATCH, BATCH};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, append_thread, &of[i]), 0);
    }
    while (waiting < THREADS - 1) {
        (void)sched_yield();
        (void)pthread_mutex_lock(&store->group.lock);
        waiting = store->group.n_waiting;
        (void)pthread_mutex_unlock(&store->group.lock);
    }
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_lt(ran.n_steps + THREADS, MAX_STEPS);
    tk_assert_ok(db, fbk__log_each(db, counts.events, note_order, &n));
    ck_assert_uint_eq(n, THREADS * BATCH);
    ran.last += n;
    ran.n_steps += THREADS;
}

static void
run_step(fbk *db, unsigned number)
{
    step *s = &ran.steps[number];
    fbk_maintain_options opt = FBK_MAINTAIN_OPTIONS_INIT;
    uint8_t mark = (uint8_t)(number + 1);
    fbk_status rc = FBK_OK;
    uint64_t n = 0;

    switch (s->what) {
    case 'a':
    case 'b':
        s->first = ran.last + 1;
        s->n = s->what == 'b' ? BULK : BATCH;
        ran.last += s->n;
        append(db, s);
        break;
    case 's':
        tk_assert_ok(db, fbk__log_seal(db));
        break;
    case 'i':
        while ((rc = tk_compact(db, 1)) == FBK_OK)
            continue;
        tk_assert_ok(db, rc);
        break;
    case 'm':
        tk_assert_ok(db, fbk_store_maintain(db, NULL, NULL));
        break;
    case 'v':
        opt.flags = FBK_MAINTAIN_FULL | FBK_MAINTAIN_VACUUM;
        tk_assert_ok(db, fbk_store_maintain(db, &opt, NULL));
        break;
    case 'e':
        tk_assert_ok(db, fbk__log_each(db, 0, note_doomed, &mark));
        tk_assert_ok(db, fbk__log_erase_nodes(db, erased_nodes, 3, &n));
        break;
    case 'k':
        tk_assert_ok(db, fbk_store_backup(db, tk_path("live/copy"), NULL));
        break;
    default:
        tk_assert_ok(db, fbk__checkpoint(db, s->what == 't'));
    }
    tk_disk_mark(&disk, s->n ? s->first : OTHER_STEP + number);
}

static void
record(const char *steps, uint32_t durability)
{
    const char *path = tk_path("live/store");
    fbk *db;

    memset(&ran, 0, sizeof ran);
    (void)mkdir(tk_path("live"), 0700);
    if (*steps == '+')
        steps++;
    else
        fbk_store_close(open_store(path, durability));
    tk_disk_begin(&disk, tk_path("live"));
    vfs.disk = &disk;
    store = open_store(path, durability);
    db = tk_connect(store);
    for (; *steps; steps++) {
        if (*steps == 'g') {
            run_group(db);
            continue;
        }
        ck_assert_uint_lt(ran.n_steps, MAX_STEPS);
        ran.steps[ran.n_steps].what = *steps;
        run_step(db, ran.n_steps++);
    }
    ck_assert_uint_lt(ran.last, MAX_EVENTS);
    fbk_close(db);
    fbk_store_close(store);
    vfs.disk = NULL;
}

/* How many steps were promised by the first n marks: the last of them, and so all before it. */
static unsigned
promised(size_t n_marks)
{
    unsigned most = 0;

    for (size_t m = 0; m < n_marks; m++) {
        uint32_t promise = tk_disk_promise(&disk, m);

        for (unsigned i = 0; i < ran.n_steps; i++) {
            bool is = ran.steps[i].n ? promise == ran.steps[i].first : promise == OTHER_STEP + i;

            if (is && i + 1 > most)
                most = i + 1;
        }
    }
    return most;
}

/* -- what is left ------------------------------------------------------------------------------ */

/* Event numbers that are there. */
typedef struct found {
    fbk *db;
    tk_names names;
    uint8_t there[MAX_EVENTS];
    bool bulk[MAX_EVENTS];
} found;

static fbk_status
note_found(void *user_data, const fbk__event_view *view)
{
    found *f = user_data;
    uint32_t number = tk_event_number(view);
    const char *what;
    tk_event e;

    tk_must(number <= ran.last, "event %u was never sent", number);
    tk_must(!f->there[number], "event %u is there twice", number);
    f->there[number] = 1;
    e = make(number, f->bulk[number]);
    what = tk_event_differs(f->db, &f->names, view, &e);
    tk_must(!what, "%s of event %u", what, number);
    return FBK_OK;
}

static void
find(fbk *db, found *f)
{
    memset(f, 0, sizeof *f);
    f->db = db;
    for (unsigned i = 0; i < ran.n_steps; i++) {
        for (uint32_t k = 0; k < ran.steps[i].n; k++)
            f->bulk[ran.steps[i].first + k] = ran.steps[i].what == 'b';
    }
    tk_assert_ok(db, fbk__log_each(db, 0, note_found, f));
    tk_names_free(&f->names);
}

/* Whether a batch is there as steps up to `end` leave it: 1, as if it had never been sent: 0. */
static int
batch_there(const found *f, const step *s, unsigned end, uint32_t *n_doomed)
{
    uint32_t n = 0;
    uint32_t want = 0;

    *n_doomed = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        uint8_t doom = ran.doomed[s->first + i];
        bool gone = doom && doom <= end;

        n += f->there[s->first + i];
        want += !gone;
        *n_doomed += gone;
    }
    if (n == want)
        return 1;
    return n == 0 ? 0 : -1;
}

/* How many steps the store is the result of: exactly those. Steps that leave no trace in the events
 * count as done. -1 when it is the result of no number of steps. */
static int
steps_done(const found *f)
{
    for (unsigned end = ran.n_steps + 1; end-- > 0;) {
        bool fits = true;

        for (unsigned i = 0; i < ran.n_steps && fits; i++) {
            uint32_t n_doomed;
            int there = ran.steps[i].n ? batch_there(f, &ran.steps[i], end, &n_doomed) : -1;

            if (ran.steps[i].n)
                fits = i < end ? there == 1 : there == 0 || n_doomed == ran.steps[i].n;
        }
        if (fits)
            return (int)end;
    }
    return -1;
}

static void
check_sound(fbk *db)
{
    fbk_store_check_options opt = FBK_STORE_CHECK_OPTIONS_INIT;
    uint64_t bad = 0;

    opt.level = FBK_CHECK_FULL;
    tk_assert_ok(db, fbk_store_check(db, &opt, NULL));
    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
}

/* Everything is sent once more. */
static void
check_resend(fbk *db, const found *f)
{
    uint8_t outcomes[MAX_EVENTS];
    fbk__append_counts counts = {0};
    fbk__batch batch;

    fbk__batch_init(&batch, NULL);
    for (uint32_t i = 1; i <= ran.last; i++) {
        tk_event e = make(i, f->bulk[i]);

        tk_batch_add(&batch, &e);
    }
    tk_assert_ok(db, tk_batch_append(db, &batch, outcomes, &counts));
    for (uint32_t i = 1; i <= ran.last; i++) {
        uint8_t outcome = outcomes[i - 1];

        tk_must(f->there[i]     ? outcome == FBK__ALREADY
                : ran.doomed[i] ? outcome == FBK__ERASED || outcome == FBK__ADDED
                                : outcome == FBK__ADDED,
                "event %u sent again was answered %u", i, outcome);
    }
    fbk__batch_free(&batch);
    check_sound(db);
}

/* The copy, if it has its name, is what the store was when it was asked for. */
static void
check_copy(const char *path, unsigned n_promised)
{
    unsigned asked = 0;
    fbk_store *copy;
    fbk *db;
    found f;

    while (asked < ran.n_steps && ran.steps[asked].what != 'k')
        asked++;
    if (asked == ran.n_steps)
        return;
    if (access(path, F_OK) != 0) {
        ck_assert_uint_le(n_promised, asked);
        return;
    }
    copy = open_store(path, FBK_DURABILITY_FULL);
    db = tk_connect(copy);
    check_sound(db);
    find(db, &f);
    for (uint32_t i = 1; i <= ran.last; i++)
        tk_must(f.there[i] == (i < ran.steps[asked + 1].first), "event %u of the copy", i);
    fbk_close(db);
    fbk_store_close(copy);
}

static void
check_cut(const char *dir, unsigned n_promised, uint32_t durability, int64_t *worst_ns)
{
    char path[1024];
    int64_t began = fbk__now_ns();
    fbk_store *left;
    fbk *db;
    found f;
    int done;

    (void)snprintf(path, sizeof path, "%s/store", dir);
    left = open_store(path, durability);
    db = tk_connect(left);
    *worst_ns = fbk__now_ns() - began > *worst_ns ? fbk__now_ns() - began : *worst_ns;
    check_sound(db);
    find(db, &f);
    done = steps_done(&f);
    tk_must(done >= 0, "a batch is there in part, or one is missing before another");
    if (durability == FBK_DURABILITY_FULL)
        tk_must((unsigned)done >= n_promised, "%u steps were acknowledged, %d are there",
                n_promised, done);
    check_resend(db, &f);
    fbk_close(db);
    fbk_store_close(left);
    (void)snprintf(path, sizeof path, "%s/copy", dir);
    check_copy(path, n_promised);
}

START_TEST(nothing_acknowledged_is_lost_with_the_power)
{
    unsigned n = tk_full() ? ALL : SAMPLE;
    const char *dir = tk_path("cut");
    int64_t worst_ns = 0;
    size_t moments;

    tk_vfs_register(&vfs, "tk-power");
    tk_vfs_make_default(&vfs);
    vfs.no_sync = 1; /* it is the record that says what a sync covers */
    record(scenarios[_i].steps, scenarios[_i].durability);
    moments = tk_disk_moments(&disk);
    (void)mkdir(dir, 0700);
    for (unsigned i = 0; i < n; i++) {
        size_t moment = n < moments ? i * moments / n : i % moments;
        size_t sector = (i + i / moments) % 2 ? 4096 : 512;
        size_t marks;

        tk_trying("%s: moment %zu, sector %zu, seed %u", scenarios[_i].name, moment, sector,
                  SEED + i);
        marks = tk_disk_cut(&disk, moment, SEED + i, sector, dir);
        check_cut(dir, promised(marks), scenarios[_i].durability, &worst_ns);
    }
    tk_trying(NULL);
    (void)printf("%s: %u power cuts at %zu moments, slowest reopening %.1f ms\n",
                 scenarios[_i].name, n, moments, (double)worst_ns / 1e6);
    ck_assert_int_lt(worst_ns, INT64_C(10000000000));
    tk_disk_free(&disk);
    tk_vfs_unregister(&vfs);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_power");
    TCase *tc = tcase_create("fault_power");

    tcase_set_timeout(tc, 3600);
    tcase_add_loop_test(tc, nothing_acknowledged_is_lost_with_the_power, 0,
                        (int)(sizeof scenarios / sizeof scenarios[0]));
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
