/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void
bench_init(bench *b, const char *name, int argc, char **argv)
{
    static const struct option options[] = {
        {"quick", no_argument, NULL, 'q'},      {"case", required_argument, NULL, 'c'},
        {"rows", required_argument, NULL, 'n'}, {"repeats", required_argument, NULL, 'r'},
        {"dir", required_argument, NULL, 'd'},  {NULL, 0, NULL, 0}};
    int c;

    *b = (bench){name, NULL, NULL, 0, 0, 0};
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
    return !b->only || strcmp(b->only, name) == 0;
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

static int
compare_doubles(const void *x, const void *y)
{
    double a = *(const double *)x;
    double b = *(const double *)y;

    return (a > b) - (a < b);
}

double
bench_median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

double
bench_time(const bench *b, void (*fn)(void *), void *data)
{
    double *seconds = malloc((size_t)b->repeats * sizeof *seconds);
    double median;

    bench_must(seconds != NULL, "memory", "out of memory");
    for (int i = 0; i < b->repeats; i++) {
        double start = bench_now();

        fn(data);
        seconds[i] = bench_now() - start;
    }
    median = bench_median(seconds, b->repeats);
    free(seconds);
    return median;
}

void
bench_print(const bench *b, const char *name, const char *unit, int less_is_better, double ours,
            double peer, const char *peer_name)
{
    printf("{\"bench\":\"%s\",\"case\":\"%s\",\"unit\":\"%s\",\"less_is_better\":%s,\"ours\":%.6g",
           b->name, name, unit, less_is_better ? "true" : "false", ours);
    if (peer_name && peer >= 0.0)
        printf(",\"peer\":%.6g,\"peer_name\":\"%s\",\"ratio\":%.4g", peer, peer_name,
               less_is_better ? peer / ours : ours / peer);
    printf("}\n");
}

void
bench_skip(const bench *b, const char *name, const char *reason)
{
    printf("{\"bench\":\"%s\",\"case\":\"%s\",\"skipped\":\"%s\"}\n", b->name, name, reason);
}

void
bench_must(int ok, const char *what, const char *why)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}
