/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void
bench_init(bench *b, const char *name, int argc, char **argv)
{
    static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
                                            {"case", required_argument, NULL, 'c'},
                                            {"rows", required_argument, NULL, 'n'},
                                            {"repeats", required_argument, NULL, 'r'},
                                            {"dir", required_argument, NULL, 'd'},
                                            {"ours", no_argument, NULL, 'o'},
                                            {NULL, 0, NULL, 0}};
    int c;

    *b = (bench){.name = name};
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'q':
            b->quick = 1;
            break;
        case 'c':
            b->only = optarg;
            break;
        case 'n':
            b->rows = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            b->repeats = (int32_t)strtol(optarg, NULL, 10);
            break;
        case 'd':
            b->dir = optarg;
            break;
        case 'o':
            b->alone = 1;
            break;
        default:
            exit(2);
        }
    }
    if (b->repeats < 1)
        b->repeats = b->quick ? 3 : 5;
    bench_must(b->dir != NULL, "arguments", "--dir DIR is needed");
    /* Whoever reads the lines through a pipe should see each as it comes. */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
}

int
bench_wants(const bench *b, const char *name)
{
    size_t len = strlen(name);

    if (!b->only)
        return 1;
    for (const char *at = strstr(b->only, name); at; at = strstr(at + 1, name)) {
        if ((at == b->only || at[-1] == ',') && (at[len] == '\0' || at[len] == ','))
            return 1;
    }
    return 0;
}

static double
clock_seconds(clockid_t id)
{
    struct timespec t;

    (void)clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double
bench_now(void)
{
    return clock_seconds(CLOCK_MONOTONIC);
}

double
bench_cpu(void)
{
    return clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t
bench_peak_bytes(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024u;
}

uint64_t
bench_resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    bench_must(file && fscanf(file, "%*u %lu", &pages) == 1, "/proc/self/statm", "not readable");
    (void)fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int
compare_doubles(const void *x, const void *y)
{
    double a = *(const double *)x;
    double b = *(const double *)y;

    return (a > b) - (a < b);
}

double
bench_quantile(double *values, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t low = (size_t)at;

    qsort(values, n, sizeof *values, compare_doubles);
    if (low + 1 == n)
        return values[low];
    return values[low] + (at - (double)low) * (values[low + 1] - values[low]);
}

static double
time_once(void (*fn)(void *), void *data)
{
    double start = bench_now();

    fn(data);
    return bench_now() - start;
}

void
bench_time_both(const bench *b, void (*ours)(void *), void (*peer)(void *), void *data,
                double *out_ours, double *out_peer)
{
    size_t n = (size_t)b->repeats;
    double *seconds = calloc(2 * n, sizeof *seconds);

    if (b->alone)
        peer = NULL;
    bench_must(seconds != NULL, "memory", "out of memory");
    for (size_t i = 0; i < n; i++) {
        seconds[i] = time_once(ours, data);
        if (peer)
            seconds[n + i] = time_once(peer, data);
    }
    *out_ours = bench_quantile(seconds, n, 0.5);
    *out_peer = peer ? bench_quantile(seconds + n, n, 0.5) : -1.0;
    free(seconds);
}

double
bench_time(const bench *b, void (*fn)(void *), void *data)
{
    double median;
    double none;

    bench_time_both(b, fn, NULL, data, &median, &none);
    return median;
}

void
bench_in_child(void (*fn)(void *data, void *out), void *data, void *out, size_t size)
{
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 1;
    pid_t pid;

    bench_must(shared != MAP_FAILED, "mmap", "out of memory");
    (void)fflush(NULL);
    pid = fork();
    bench_must(pid >= 0, "fork", "failed");
    if (pid == 0) {
        fn(data, shared);
        _exit(0);
    }
    bench_must(waitpid(pid, &status, 0) == pid && status == 0, "child", "failed");
    memcpy(out, shared, size);
    (void)munmap(shared, size);
}

void
bench_print(const bench *b, const bench_case *c, double ours, double peer, const char *note)
{
    double at_least = b->small ? c->at_least_small : c->at_least;

    printf("{\"bench\":\"%s\",\"case\":\"%s\",\"unit\":\"%s\",\"less_is_better\":%s,\"ours\":%.6g",
           b->name, c->name, c->unit, c->less_is_better ? "true" : "false", ours);
    if (c->peer_name && peer >= 0.0)
        printf(",\"peer\":%.6g,\"peer_name\":\"%s\"", peer, c->peer_name);
    if (at_least > 0.0)
        printf(",\"at_least\":%.4g", at_least);
    if (c->at_most > 0.0)
        printf(",\"at_most\":%.4g", c->at_most);
    if (note)
        printf(",\"note\":\"%s\"", note);
    printf("}\n");
}

void
bench_skip(const bench *b, const bench_case *c, const char *reason)
{
    printf("{\"bench\":\"%s\",\"case\":\"%s\",\"skipped\":\"%s\"}\n", b->name, c->name, reason);
}

void
bench_must(int ok, const char *what, const char *why)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}
