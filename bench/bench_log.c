/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The event log against a table of rows with the two indices that such a store needs. One row is one
 * event with one line: id, person, occurred, received, kind, source, place, item, quantity, price. */
#include "log_bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    QUICK_ROWS = 300000,
    FULL_ROWS = 20 * 1000 * 1000,
    REPEAT_ROWS = 1000 * 1000, /* more are loaded once, and the peer's file is kept */
    ONE_SMALL = 20000,
    ONE_FULL = 200000,
    ONE_ROUNDS = 10,
    THREADS = 8
};

static const char rows_peer[] = "SQLite rows";

static const bench_case case_bulk = {"append_bulk", "rows/s", rows_peer, 0, 30, 15, 0};
static const bench_case case_peak = {"bulk_peak_memory", "MiB", NULL, 1, 0, 0, 300};
static const bench_case case_growth = {"cost_20m_to_2m", "x", NULL, 1, 0, 0, 1.5};
static const bench_case case_one_full = {
    "append_one_full", "events/s", "bare INSERT", 0, .7, .7, 0};
static const bench_case case_one_normal = {
    "append_one_normal", "events/s", "bare INSERT", 0, .7, .7, 0};
static const bench_case case_threads = {
    "append_8_threads", "events/s", "our own single thread", 0, 4, 4, 0};
static const bench_case case_scan = {"scan_3_columns", "rows/s", rows_peer, 0, 20, 15, 0};
static const bench_case case_duckdb = {"scan_3_columns_duckdb", "rows/s", NULL, 0, .5, 0, 0};
static const bench_case case_history = {"person_history", "us", rows_peer, 1, .5, .5, 0};
static const bench_case case_history_p99 = {"person_history_p99", "us", NULL, 1, 0, 0, 1000};
static const bench_case case_uuid = {"bytes_uuid", "bytes/row", rows_peer, 1, 3.5, 3, 0};
static const bench_case case_seq = {"bytes_seq", "bytes/row", rows_peer, 1, 8, 6, 0};
static const bench_case case_retail = {"bytes_online_retail", "bytes", NULL, 1, .91, .91, 0};
static const bench_case case_open = {"open_store", "ms", NULL, 1, 0, 0, 50};
static const bench_case case_resident = {"open_store_resident", "MiB", NULL, 1, 0, 0, 64};

static const bench_case *const of_load[] = {
    &case_bulk,    &case_peak,        &case_growth, &case_scan, &case_duckdb,
    &case_history, &case_history_p99, &case_uuid,   &case_open, &case_resident};

/* What the cases share. */
typedef struct state {
    const bench *b;
    gen_options options;
    char ours_path[1100];
    char peer_path[1100];
    load_cost ours_cost; /* of the median load */
    load_cost peer_cost;
    ours ours;
    sqlite3 *peer;
    people people;
    double seconds[HISTORIES];
} state;

/* -- files -------------------------------------------------------------------------------------- */

void
remove_files(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", "-fbk.lck"};
    char name[1200];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

double
bytes_of(const char *path)
{
    char wal[1200];
    struct stat st;
    double bytes = stat(path, &st) == 0 ? (double)st.st_size : 0.0;

    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    return bytes + (stat(wal, &st) == 0 ? (double)st.st_size : 0.0);
}

size_t
rows_next(rows *r, gen *g, size_t limit, double *seconds)
{
    double start = bench_now();

    for (r->n = 0; r->n < limit && gen_next(g, &r->row[r->n]);)
        r->n++;
    *seconds += bench_now() - start;
    return r->n;
}

/* -- load --------------------------------------------------------------------------------------- */

static void
load_ours(void *data, void *out)
{
    state *s = data;

    remove_files(s->ours_path);
    ours_load(s->ours_path, &s->options, out);
}

static void
load_peer(void *data, void *out)
{
    state *s = data;

    remove_files(s->peer_path);
    peer_load(s->peer_path, &s->options, out);
}

/* A large load of the peer takes a quarter of an hour: its file is kept with its time. */
static void
load_peer_once(state *s)
{
    load_cost *c = &s->peer_cost;
    char name[1200];
    FILE *file;

    (void)snprintf(name, sizeof name, "%s.seconds", s->peer_path);
    file = fopen(name, "r");
    if (file && fscanf(file, "%lf %lf", &c->seconds, &c->cpu_seconds) == 2) {
        (void)fclose(file);
        return;
    }
    bench_in_child(load_peer, s, c, sizeof *c);
    file = fopen(name, "w");
    bench_must(file && fprintf(file, "%.6f %.6f\n", c->seconds, c->cpu_seconds) > 0 &&
                   fclose(file) == 0,
               "write", name);
}

static int
compare_costs(const void *x, const void *y)
{
    double a = ((const load_cost *)x)->seconds;
    double b = ((const load_cost *)y)->seconds;

    return (a > b) - (a < b);
}

static void
load_both(state *s)
{
    enum { MOST = 16 };
    load_cost cost[MOST] = {{0}};
    load_cost peer[MOST] = {{0}};
    size_t n = s->options.n_rows > REPEAT_ROWS ? 1 : (size_t)s->b->repeats;

    n = n < MOST ? n : MOST;
    (void)snprintf(s->ours_path, sizeof s->ours_path, "%s/log.fbk", s->b->dir);
    (void)snprintf(s->peer_path, sizeof s->peer_path, "%s/log-peer-%llu-%s-v%d.db", s->b->dir,
                   (unsigned long long)s->options.n_rows,
                   s->options.ids == GEN_IDS_UUID ? "uuid" : "seq", GEN_VERSION);
    for (size_t i = 0; i < n; i++) {
        bench_in_child(load_ours, s, &cost[i], sizeof cost[i]);
        if (s->b->alone)
            continue;
        if (s->options.n_rows > REPEAT_ROWS)
            load_peer_once(s);
        else
            bench_in_child(load_peer, s, &s->peer_cost, sizeof s->peer_cost);
        peer[i] = s->peer_cost;
    }
    qsort(cost, n, sizeof *cost, compare_costs);
    qsort(peer, n, sizeof *peer, compare_costs);
    s->ours_cost = cost[n / 2];
    s->peer_cost = peer[n / 2];
}

static void
print_load(state *s)
{
    const load_cost *c = &s->ours_cost;
    const load_cost *peer = &s->peer_cost;
    double n = (double)s->options.n_rows;
    char note[200];

    (void)snprintf(note, sizeof note,
                   "%.2f s, of it filling batches %.2f, maintenance at the end %.2f; generator "
                   "%.2f s apart; CPU %.2f s, peer's %.2f s",
                   c->seconds, c->build_seconds, c->finish_seconds, c->generate_seconds,
                   c->cpu_seconds, peer->cpu_seconds);
    if (bench_wants(s->b, case_bulk.name))
        bench_print(s->b, &case_bulk, n / c->seconds, s->b->alone ? -1 : n / peer->seconds, note);
    if (bench_wants(s->b, case_peak.name))
        bench_print(s->b, &case_peak, c->peak_mib, -1, NULL);
}

/* Cost of an event at the full size against that at a tenth of it. */
static void
bench_growth(state *s)
{
    state tenth = *s;
    load_cost cost;

    if (!bench_wants(s->b, case_growth.name))
        return;
    if (s->b->small) {
        bench_skip(s->b, &case_growth, "only at the full size");
        return;
    }
    tenth.options.n_rows /= 10;
    tenth.options.n_people /= 10;
    (void)snprintf(tenth.ours_path, sizeof tenth.ours_path, "%s/log-tenth.fbk", s->b->dir);
    bench_in_child(load_ours, &tenth, &cost, sizeof cost);
    remove_files(tenth.ours_path);
    bench_print(s->b, &case_growth, s->ours_cost.seconds / cost.seconds / 10.0, -1, NULL);
}

/* -- reading ------------------------------------------------------------------------------------ */

static void
scan_ours(void *data)
{
    state *s = data;
    int64_t sum = 0;

    bench_must(ours_scan(&s->ours, &sum) == s->options.n_rows && sum, "scan", "rows were missing");
}

static void
scan_peer(void *data)
{
    state *s = data;
    int64_t sum = 0;

    bench_must(peer_scan(s->peer, &sum) == s->options.n_rows && sum, "scan", "rows were missing");
}

static void
bench_scan(state *s)
{
    double n = (double)s->options.n_rows;
    double ours_seconds;
    double peer_seconds;

    bench_time_both(s->b, scan_ours, scan_peer, s, &ours_seconds, &peer_seconds);
    bench_print(s->b, &case_scan, n / ours_seconds, peer_seconds > 0 ? n / peer_seconds : -1, NULL);
}

/* The three columns for the peer in Python, which makes a table of its own of them. */
static void
bench_duckdb(state *s)
{
    int64_t *columns = malloc(3 * BATCH * sizeof *columns);
    rows *r = malloc(sizeof *r);
    double unused = 0.0;
    char name[1200];
    FILE *file;
    gen g;

    (void)snprintf(name, sizeof name, "%s/log-columns.bin", s->b->dir);
    file = fopen(name, "wb");
    bench_must(columns && r && file, "columns", name);
    gen_init(&g, &s->options);
    while (rows_next(r, &g, BATCH, &unused)) {
        for (size_t i = 0; i < r->n; i++) {
            columns[3 * i] = r->row[i].person_number;
            columns[3 * i + 1] = r->row[i].item_number;
            columns[3 * i + 2] = r->row[i].price_micro;
        }
        bench_must(fwrite(columns, 3 * sizeof *columns, r->n, file) == r->n, "write", name);
    }
    bench_must(fclose(file) == 0, "write", name);
    free(columns);
    free(r);
    bench_print(s->b, &case_duckdb, (double)s->options.n_rows / bench_time(s->b, scan_ours, s), -1,
                NULL);
}

/* Uniform people, others in each round, after one that only warms: what a busy till sees. */
static void
bench_history(state *s)
{
    size_t n = (size_t)s->b->repeats;
    double *all = calloc(n * HISTORIES, sizeof *all);
    double mean = 0.0;
    double peer = 0.0;
    char note[100];

    bench_must(all != NULL, "memory", "out of memory");
    for (size_t round = 0; round <= n; round++) {
        double *seconds = round ? all + (round - 1) * HISTORIES : s->seconds;
        double start;
        uint64_t events;

        ours_people(&s->ours, &s->options, 100 + round, &s->people);
        events = ours_history(&s->ours, &s->people, seconds);
        start = bench_now();
        bench_must(s->b->alone || peer_history(s->peer, &s->people) == events, "history",
                   "the answers differ");
        peer += round ? bench_now() - start : 0.0;
        for (size_t i = 0; round && i < HISTORIES; i++)
            mean += seconds[i];
    }
    n *= HISTORIES;
    (void)snprintf(note, sizeof note, "ours p50 %.1f us, p99 %.1f us",
                   bench_quantile(all, n, .5) * 1e6, bench_quantile(all, n, .99) * 1e6);
    if (bench_wants(s->b, case_history.name))
        bench_print(s->b, &case_history, mean / (double)n * 1e6,
                    s->b->alone ? -1 : peer / (double)n * 1e6, note);
    if (bench_wants(s->b, case_history_p99.name))
        bench_print(s->b, &case_history_p99, bench_quantile(all, n, .99) * 1e6, -1, NULL);
    free(all);
}

/* -- opening ------------------------------------------------------------------------------------ */

/* In a process of its own: time to open, to answer a first question and to take a first event. */
static int
open_child(const char *path)
{
    gen_options options = GEN_DEFAULTS;
    double start = bench_now();
    double seconds[3];
    gen_row row;
    people *p;
    double *each;
    ours o;
    gen g;

    ours_open(&o, path, FBK_DURABILITY_FULL);
    seconds[0] = bench_now() - start;
    p = calloc(1, sizeof *p);
    each = calloc(HISTORIES, sizeof *each);
    bench_must(p && each, "memory", "out of memory");
    p->n = 1;
    p->node[0] = 1;
    start = bench_now();
    (void)ours_history(&o, p, each);
    seconds[1] = bench_now() - start;
    options.seed = 77; /* an event that is not there yet */
    gen_init(&g, &options);
    (void)gen_next(&g, &row);
    start = bench_now();
    ours_append_one(&o, &row);
    seconds[2] = bench_now() - start;
    printf("%.6f %.6f %.6f %.3f\n", seconds[0] * 1e3, seconds[1] * 1e3, seconds[2] * 1e3,
           (double)bench_resident_bytes() / 1048576.0);
    free(p);
    free(each);
    ours_close(&o);
    return 0;
}

static void
bench_open(state *s)
{
    char command[1300];
    char note[120];
    double v[4];
    FILE *pipe;

    (void)snprintf(command, sizeof command, "/proc/%ld/exe open '%s'", (long)getpid(),
                   s->ours_path);
    pipe = popen(command, "r");
    bench_must(pipe && fscanf(pipe, "%lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3]) == 4 &&
                   pclose(pipe) == 0,
               "open", "the child failed");
    (void)snprintf(note, sizeof note, "first history %.1f ms, first append %.1f ms more", v[1],
                   v[2]);
    if (bench_wants(s->b, case_open.name))
        bench_print(s->b, &case_open, v[0], -1, note);
    if (bench_wants(s->b, case_resident.name))
        bench_print(s->b, &case_resident, v[3], -1, "after a history and an append");
}

/* -- one event, one commit ---------------------------------------------------------------------- */

static gen_row *
generate(state *s, size_t n, uint64_t seed)
{
    gen_row *row = malloc(n * sizeof *row);
    gen_options options = s->options;
    gen g;

    bench_must(row != NULL, "memory", "out of memory");
    options.seed = seed;
    gen_init(&g, &options);
    for (size_t i = 0; i < n; i++)
        bench_must(gen_next(&g, &row[i]), "generate", "too few rows");
    return row;
}

static void
paths_of_one(state *s)
{
    (void)snprintf(s->ours_path, sizeof s->ours_path, "%s/log-one.fbk", s->b->dir);
    (void)snprintf(s->peer_path, sizeof s->peer_path, "%s/log-one-peer.fbk", s->b->dir);
    remove_files(s->ours_path);
    remove_files(s->peer_path);
}

/* One durable commit an event, in turns with the peer; seconds and CPU seconds of both. */
static void
append_in_turns(state *s, const gen_row *row, size_t n, load_cost *cost, load_cost *peer)
{
    sqlite3_stmt *st = NULL;

    for (size_t i = 0; i < n;) {
        size_t to = i + n / ONE_ROUNDS;
        double start = bench_now();
        double cpu = bench_cpu();

        for (size_t k = i; k < to; k++)
            ours_append_one(&s->ours, &row[k]);
        if (to == n)
            ours_finish(&s->ours);
        cost->seconds += bench_now() - start;
        cost->cpu_seconds += bench_cpu() - cpu;
        start = bench_now();
        cpu = bench_cpu();
        for (size_t k = i; k < to && !s->b->alone; k++)
            peer_append_one(s->peer, &st, &row[k]);
        peer->seconds += bench_now() - start;
        peer->cpu_seconds += bench_cpu() - cpu;
        i = to;
    }
    (void)sqlite3_finalize(st);
}

static void
bench_one(state *s, const bench_case *c, uint32_t durability, const char *synchronous)
{
    size_t n = s->b->small ? ONE_SMALL : ONE_FULL;
    gen_row *row = generate(s, n, 11);
    load_cost cost = {0};
    load_cost peer = {0};
    char note[100];

    paths_of_one(s);
    ours_open(&s->ours, s->ours_path, durability);
    s->peer = peer_open(s->peer_path, synchronous, 0);
    append_in_turns(s, row, n, &cost, &peer);
    (void)snprintf(note, sizeof note, "CPU %.1f us an event, peer's %.1f us",
                   cost.cpu_seconds / (double)n * 1e6, peer.cpu_seconds / (double)n * 1e6);
    bench_print(s->b, c, (double)n / cost.seconds, s->b->alone ? -1 : (double)n / peer.seconds,
                note);
    peer_close(s->peer);
    ours_close(&s->ours);
    remove_files(s->ours_path);
    remove_files(s->peer_path);
    free(row);
}

typedef struct worker {
    pthread_t thread;
    ours ours;
    const gen_row *row;
    size_t n;
} worker;

static void *
work(void *data)
{
    worker *w = data;

    for (size_t i = 0; i < w->n; i++)
        ours_append_one(&w->ours, &w->row[i]);
    return NULL;
}

/* Seconds of n events by so many threads. */
static double
append_by(const ours *o, const gen_row *row, size_t n, size_t n_threads)
{
    worker w[THREADS];
    double start;
    double seconds;

    for (size_t i = 0; i < n_threads; i++) {
        w[i].n = n / n_threads;
        w[i].row = row + i * w[i].n;
        ours_connect(o, &w[i].ours);
    }
    start = bench_now();
    for (size_t i = 0; i < n_threads; i++)
        bench_must(pthread_create(&w[i].thread, NULL, work, &w[i]) == 0, "thread", "not started");
    for (size_t i = 0; i < n_threads; i++)
        (void)pthread_join(w[i].thread, NULL);
    seconds = bench_now() - start;
    for (size_t i = 0; i < n_threads; i++)
        fbk_close(w[i].ours.db);
    return seconds;
}

static void
bench_threads(state *s)
{
    size_t n = s->b->small ? ONE_SMALL : ONE_FULL;
    size_t part = n / ONE_ROUNDS / THREADS * THREADS;
    gen_row *row = generate(s, n, 12);
    double one = 0.0;
    double many = 0.0;
    ours single;

    paths_of_one(s);
    ours_open(&s->ours, s->ours_path, FBK_DURABILITY_FULL);
    ours_open(&single, s->peer_path, FBK_DURABILITY_FULL);
    for (size_t i = 0; i < ONE_ROUNDS; i++) {
        one += append_by(&single, row + i * part, part, 1);
        many += append_by(&s->ours, row + i * part, part, THREADS);
    }
    n = part * ONE_ROUNDS;
    bench_print(s->b, &case_threads, (double)n / many, (double)n / one, NULL);
    ours_close(&single);
    ours_close(&s->ours);
    remove_files(s->ours_path);
    remove_files(s->peer_path);
    free(row);
}

/* -- sizes -------------------------------------------------------------------------------------- */

static void
print_bytes(state *s, const bench_case *c)
{
    double n = (double)s->options.n_rows;

    if (bench_wants(s->b, c->name))
        bench_print(s->b, c, bytes_of(s->ours_path) / n,
                    s->b->alone ? -1 : bytes_of(s->peer_path) / n, NULL);
}

static void
remove_load(state *s)
{
    if (!s->b->alone)
        remove_files(s->ours_path);
    if (s->options.n_rows <= REPEAT_ROWS)
        remove_files(s->peer_path);
}

static void
bench_seq(state *s)
{
    s->options.ids = GEN_IDS_SEQ;
    load_both(s);
    print_bytes(s, &case_seq);
    remove_load(s);
    s->options.ids = GEN_IDS_UUID;
}

static void
bench_retail(state *s)
{
    static const char file[] = "online_retail/online_retail.csv.zst";
    const char *data = getenv("FEEDBACK_DATA");
    char path[1200];

    (void)snprintf(path, sizeof path, "%s/%s", data ? data : "../shared/data", file);
    if (access(path, R_OK) != 0) {
        bench_skip(s->b, &case_retail, "the data set online_retail is not here");
        return;
    }
    (void)snprintf(s->ours_path, sizeof s->ours_path, "%s/log-retail.fbk", s->b->dir);
    remove_files(s->ours_path);
    ours_import(s->ours_path, path, "examples/maps/online_retail.json", "GBP", "Europe/London");
    bench_print(s->b, &case_retail, bytes_of(s->ours_path), -1, NULL);
    remove_files(s->ours_path);
}

/* -- all ---------------------------------------------------------------------------------------- */

static void
bench_load(state *s)
{
    const bench *b = s->b;

    load_both(s);
    print_load(s);
    bench_growth(s);
    ours_open(&s->ours, s->ours_path, FBK_DURABILITY_FULL);
    s->peer = peer_open(s->peer_path, "FULL", 1);
    if (bench_wants(b, case_scan.name))
        bench_scan(s);
    if (bench_wants(b, case_duckdb.name))
        bench_duckdb(s);
    if (bench_wants(b, case_history.name) || bench_wants(b, case_history_p99.name))
        bench_history(s);
    ours_close(&s->ours);
    peer_close(s->peer);
    print_bytes(s, &case_uuid);
    if (bench_wants(b, case_open.name) || bench_wants(b, case_resident.name))
        bench_open(s);
    remove_load(s);
}

static int
wants_load(const bench *b)
{
    for (size_t i = 0; i < sizeof of_load / sizeof of_load[0]; i++) {
        if (bench_wants(b, of_load[i]->name))
            return 1;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    bench b;
    gen_options options = GEN_DEFAULTS;
    state s = {.b = &b};

    if (argc == 3 && strcmp(argv[1], "open") == 0)
        return open_child(argv[2]);
    bench_init(&b, "log", argc, argv);
    options.n_rows = b.rows ? b.rows : b.quick ? QUICK_ROWS : FULL_ROWS;
    b.small = options.n_rows < FULL_ROWS;
    options.n_people = options.n_rows >= FULL_ROWS ? 1000000 : (uint32_t)(options.n_rows / 20 + 1);
    s.options = options;
    if (bench_wants(&b, case_one_full.name))
        bench_one(&s, &case_one_full, FBK_DURABILITY_FULL, "FULL");
    if (bench_wants(&b, case_one_normal.name))
        bench_one(&s, &case_one_normal, FBK_DURABILITY_NORMAL, "NORMAL");
    if (bench_wants(&b, case_threads.name))
        bench_threads(&s);
    if (wants_load(&b))
        bench_load(&s);
    if (bench_wants(&b, case_seq.name))
        bench_seq(&s);
    if (bench_wants(&b, case_retail.name))
        bench_retail(&s);
    return 0;
}
