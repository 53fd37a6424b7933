/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log_bench.h"

#include <stdio.h>
#include <stdlib.h>

static const char insert[] = "INSERT INTO ev VALUES (?,?,?,?,?,?,?,?,?,?)";

static void
must(sqlite3 *sq, int ok, const char *what)
{
    bench_must(ok, what, sqlite3_errmsg(sq));
}

static void
run(sqlite3 *sq, const char *text)
{
    must(sq, sqlite3_exec(sq, text, NULL, NULL, NULL) == SQLITE_OK, text);
}

static sqlite3_stmt *
prepare(sqlite3 *sq, const char *text)
{
    sqlite3_stmt *st = NULL;

    must(sq, sqlite3_prepare_v2(sq, text, -1, &st, NULL) == SQLITE_OK, "prepare");
    return st;
}

sqlite3 *
peer_open(const char *path, const char *synchronous, int indexed)
{
    char pragma[64];
    sqlite3 *sq = NULL;

    bench_must(sqlite3_open(path, &sq) == SQLITE_OK, "open", path);
    (void)snprintf(pragma, sizeof pragma, "PRAGMA synchronous=%s", synchronous);
    run(sq, "PRAGMA page_size=4096; PRAGMA journal_mode=WAL");
    run(sq, pragma);
    (void)snprintf(pragma, sizeof pragma, "PRAGMA cache_size=-%d", CACHE_KIB);
    run(sq, pragma);
    run(sq, "CREATE TABLE IF NOT EXISTS ev(id TEXT NOT NULL, person INTEGER, occurred INTEGER,"
            " received INTEGER, kind INTEGER, source INTEGER, place INTEGER, item INTEGER,"
            " quantity INTEGER, price INTEGER)");
    if (indexed)
        run(sq, "CREATE UNIQUE INDEX IF NOT EXISTS ev_id ON ev(id);"
                "CREATE INDEX IF NOT EXISTS ev_person ON ev(person, occurred)");
    return sq;
}

void
peer_close(sqlite3 *sq)
{
    run(sq, "PRAGMA wal_checkpoint(TRUNCATE)");
    must(sq, sqlite3_close(sq) == SQLITE_OK, "close");
}

static void
insert_row(sqlite3 *sq, sqlite3_stmt *st, const gen_row *row)
{
    (void)sqlite3_bind_text(st, 1, row->id, (int)row->id_len, SQLITE_STATIC);
    (void)sqlite3_bind_int64(st, 2, row->person_number);
    (void)sqlite3_bind_int64(st, 3, row->occurred_us);
    (void)sqlite3_bind_int64(st, 4, row->received_us);
    (void)sqlite3_bind_int64(st, 5, row->kind);
    (void)sqlite3_bind_int64(st, 6, row->till);
    (void)sqlite3_bind_int64(st, 7, row->place);
    (void)sqlite3_bind_int64(st, 8, row->item_number);
    (void)sqlite3_bind_int64(st, 9, row->quantity_milli);
    (void)sqlite3_bind_int64(st, 10, row->price_micro);
    must(sq, sqlite3_step(st) == SQLITE_DONE, "insert");
    (void)sqlite3_reset(st);
}

void
peer_load(const char *path, const gen_options *options, load_cost *out)
{
    rows *r = malloc(sizeof *r);
    sqlite3 *sq = peer_open(path, "FULL", 1);
    sqlite3_stmt *st = prepare(sq, insert);
    gen g;

    bench_must(r != NULL, "memory", "out of memory");
    *out = (load_cost){0};
    gen_init(&g, options);
    while (rows_next(r, &g, BATCH, &out->generate_seconds)) {
        double start = bench_now();
        double cpu = bench_cpu();

        run(sq, "BEGIN");
        for (size_t i = 0; i < r->n; i++)
            insert_row(sq, st, &r->row[i]);
        run(sq, "COMMIT");
        out->seconds += bench_now() - start;
        out->cpu_seconds += bench_cpu() - cpu;
    }
    (void)sqlite3_finalize(st);
    peer_close(sq);
    free(r);
}

void
peer_append_one(sqlite3 *sq, sqlite3_stmt **st, const gen_row *row)
{
    if (!*st)
        *st = prepare(sq, insert);
    insert_row(sq, *st, row);
}

uint64_t
peer_scan(sqlite3 *sq, int64_t *out_sum)
{
    sqlite3_stmt *st = prepare(sq, "SELECT person, item, price FROM ev");
    int64_t sum = 0;
    uint64_t n = 0;

    while (sqlite3_step(st) == SQLITE_ROW) {
        sum +=
            sqlite3_column_int64(st, 0) + sqlite3_column_int64(st, 1) + sqlite3_column_int64(st, 2);
        n++;
    }
    (void)sqlite3_finalize(st);
    *out_sum = sum;
    return n;
}

uint64_t
peer_history(sqlite3 *sq, const people *p)
{
    sqlite3_stmt *st =
        prepare(sq, "SELECT * FROM ev WHERE person = ?1 ORDER BY occurred DESC LIMIT ?2");
    uint64_t events = 0;

    for (size_t i = 0; i < p->n; i++) {
        (void)sqlite3_bind_int64(st, 1, p->number[i]);
        (void)sqlite3_bind_int64(st, 2, HISTORY_LIMIT);
        while (sqlite3_step(st) == SQLITE_ROW) {
            int64_t sum = 0;

            for (int k = 1; k < 10; k++)
                sum += sqlite3_column_int64(st, k);
            events += sqlite3_column_text(st, 0) != NULL && sum != 0;
        }
        (void)sqlite3_reset(st);
    }
    (void)sqlite3_finalize(st);
    return events;
}
