/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_BENCH_H
#define LOG_BENCH_H

#include <feedback/event.h>
#include <feedback/store.h>

#include <sqlite3.h>

#include "bench.h"
#include "gen.h"

/* The event log and its peer, "SQLite rows": a table of the same columns with a unique index on the
 * id and one on (person, occurred). Both are told the same, and stop the bench when they fail. */

enum { BATCH = 10000, CACHE_KIB = 65536, HISTORIES = 2000, HISTORY_LIMIT = 20 };

/** What loading cost; seconds is the whole but the generator. */
typedef struct load_cost {
    double seconds;
    double cpu_seconds;    /* the same by the processor's clock */
    double build_seconds;  /* of that: filling batches */
    double finish_seconds; /* of that: maintenance at the end */
    double generate_seconds;
    double peak_mib;
} load_cost;

/** People whose history is asked for: existing ones, drawn uniformly. */
typedef struct people {
    size_t n;
    uint32_t number[HISTORIES];
    uint32_t node[HISTORIES];
} people;

void
remove_files(const char *path);

/** Bytes of a database and its write-ahead log. */
double
bytes_of(const char *path);

/** A batch of generated rows. */
typedef struct rows {
    size_t n;
    gen_row row[BATCH];
} rows;

/** The next rows, at most `limit`; 0 at the end. Gives the seconds that it took. */
size_t
rows_next(rows *r, gen *g, size_t limit, double *seconds);

/* -- ours --------------------------------------------------------------------------------------- */

typedef struct ours {
    fbk_store *store;
    fbk *db;
} ours;

void
ours_open(ours *o, const char *path, uint32_t durability);
/** The last of a file leaves it checkpointed. */
void
ours_close(ours *o);
/** A connection more, for another thread. */
void
ours_connect(const ours *o, ours *out);

/** Maintain until nothing is left to do. */
void
ours_finish(const ours *o);

/** Load all rows into a new store. */
void
ours_load(const char *path, const gen_options *options, load_cost *out);

/** One event, one durable commit. */
void
ours_append_one(const ours *o, const gen_row *row);

/** Sum three columns of all rows; the rows seen. */
uint64_t
ours_scan(const ours *o, int64_t *out_sum);

/** Draw people of a store who exist. */
void
ours_people(const ours *o, const gen_options *options, uint64_t seed, people *out);

/** The newest events of everybody; seconds of each in out_seconds[n]. The events seen. */
uint64_t
ours_history(const ours *o, const people *p, double *out_seconds);

/** Import a file by a mapping into a new store. */
void
ours_import(const char *path, const char *file, const char *map, const char *currency,
            const char *zone);

/* -- the peer ----------------------------------------------------------------------------------- */

/** An existing or new file; indexed = with its two indices. */
sqlite3 *
peer_open(const char *path, const char *synchronous, int indexed);

/** Load all rows into a new file. */
void
peer_load(const char *path, const gen_options *options, load_cost *out);

/** One row, one commit; the statement is made at the first call, finalized by the caller. */
void
peer_append_one(sqlite3 *sq, sqlite3_stmt **st, const gen_row *row);

uint64_t
peer_scan(sqlite3 *sq, int64_t *out_sum);

uint64_t
peer_history(sqlite3 *sq, const people *p);

void
peer_close(sqlite3 *sq);

#endif
