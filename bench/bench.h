/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* One JSON line a case on stdout:
 *   {"bench","case","unit","ours","peer","peer_name","ratio","target","verdict","note"}
 * ratio > 1 means that we are better, whether the unit counts work per second (more is better) or
 * seconds and bytes (less is better). Cases whose peer is a Python package print "ours" alone;
 * tools/bench adds what bench/peers/<bench>.py measured in the same run. */

/** What a program was asked to do; parsed from its arguments. */
typedef struct bench {
    const char *name; /* of the bench: "log" */
    const char *only; /* run only these cases, comma-separated; NULL = all */
    const char *dir;  /* an existing directory for files, kept between runs */
    int32_t quick;    /* under 60 s */
    int32_t repeats;  /* of each measurement; the median counts */
    int32_t small;    /* not at the full size: the targets of the quick form count */
    int32_t alone;    /* without the peer: for profiling */
    uint64_t rows;    /* a size given by hand; 0 = the bench's own */
} bench;

/** One case of a bench, and what is asked of it. */
typedef struct bench_case {
    const char *name;
    const char *unit;
    const char *peer_name; /* NULL = none, or in Python */
    int32_t less_is_better;
    double at_least;       /* ratio asked for at the full size; 0 = none */
    double at_least_small; /* and at any other */
    double at_most;        /* value asked for, in the unit; 0 = none */
} bench_case;

/** Parse [--quick] [--case NAMES] [--rows N] [--repeats N] [--ours] --dir DIR; exits with 2 when
 *  wrong. */
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

/** Largest resident size of this process so far, bytes (VmHWM). */
uint64_t
bench_peak_bytes(void);

/** Resident size of this process now, bytes (VmRSS). */
uint64_t
bench_resident_bytes(void);

/** Quantile of n values, q in [0, 1]; reorders them. */
double
bench_quantile(double *values, size_t n, double q);

/** Median of the seconds of b->repeats runs. */
double
bench_time(const bench *b, void (*fn)(void *), void *data);

/** The same of two, run in turns; the peer NULL, or left out: -1. */
void
bench_time_both(const bench *b, void (*ours)(void *), void (*peer)(void *), void *data,
                double *out_ours, double *out_peer);

/** Run fn(data, out) in a process of its own; `out` comes back from there. */
void
bench_in_child(void (*fn)(void *data, void *out), void *data, void *out, size_t size);

/** Print a case; peer < 0 when there is none in this process. The note may be NULL. */
void
bench_print(const bench *b, const bench_case *c, double ours, double peer, const char *note);

/** Print a case that cannot run here, with the reason. */
void
bench_skip(const bench *b, const bench_case *c, const char *reason);

/** Stop with a message and status 1 when a call failed. */
void
bench_must(int ok, const char *what, const char *why);

#endif
