/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

/* One JSON line a case on stdout:
 *   {"bench","case","unit","ours","peer","peer_name","ratio"}
 * ratio > 1 means that we are better, whether the unit counts work per second (more is better) or
 * seconds and bytes (less is better). Cases whose peer is a Python package print "ours" alone;
 * tools/bench adds what bench/peers/<bench>.py measured in the same run. */

/** What a program was asked to do; parsed from its arguments. */
typedef struct bench {
    const char *name; /* of the bench: "log" */
    const char *only; /* run only this case; NULL = all */
    const char *dir;  /* an existing directory for files, kept between runs */
    int32_t quick;    /* under 60 s */
    int32_t repeats;  /* of each measurement; the median counts */
    uint64_t rows;    /* a size given by hand; 0 = the bench's own */
} bench;

enum { BENCH_MORE_IS_BETTER = 0, BENCH_LESS_IS_BETTER = 1 };

/** Parse [--quick] [--case NAME] [--rows N] [--repeats N] --dir DIR; exits with 2 when wrong. */
void
bench_init(bench *b, const char *name, int argc, char **argv);

/** Is this case wanted? */
int
bench_wants(const bench *b, const char *name);

/** Seconds of a clock that only goes forward. */
double
bench_now(void);

/** CPU seconds of this process, all threads. */
double
bench_cpu(void);

/** Largest resident size of this process so far, bytes. */
uint64_t
bench_peak_bytes(void);

/** Median of n values; reorders them. */
double
bench_median(double *values, int n);

/** Runs fn until `repeats` times are known; the median of the seconds. */
double
bench_time(const bench *b, void (*fn)(void *), void *data);

/** Print a case; peer NULL or < 0 when there is none in this process. */
void
bench_print(const bench *b, const char *name, const char *unit, int less_is_better, double ours,
            double peer, const char *peer_name);

/** Print a case that cannot run here, with the reason. */
void
bench_skip(const bench *b, const char *name, const char *reason);

/** Stop with a message and status 1 when a call failed. */
void
bench_must(int ok, const char *what, const char *why);

#endif
