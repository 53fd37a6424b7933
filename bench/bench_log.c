/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The event log against a table of rows with the two indices that such a store needs. One row is one
 * event with one line: id, person, occurred, received, kind, source, place, item, quantity, price. */
#include <feedback/event.h>
#include <feedback/store.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "bench.h"
#include "gen.h"
#include "record/event.h"
#include "store/conn.h"

enum { BATCH = 10000, PEER_CACHE_KIB = 65536, QUICK_ROWS = 300000, FULL_ROWS = 2000000 };

static const char peer_name[] = "SQLite rows";
static const char *const kind_names[] = {"sale", "view", "cart"};

typedef struct load {
    const bench *b;
    gen_options options;
    fbk_store *store;
    fbk *db;
    sqlite3 *sq;
    double ours_seconds;
    double peer_seconds;
} load;

static void
path_of(const bench *b, const char *name, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/%s", b->dir, name);
}

static void
remove_files(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", "-fbk.lck"};
    char name[1200];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

static void
must_fbk(load *l, fbk_status rc, const char *what)
{
    bench_must(rc >= 0, what, fbk_errmsg(l->db));
}

static void
must_sql(load *l, int ok, const char *what)
{
    bench_must(ok, what, sqlite3_errmsg(l->sq));
}

static double
bytes_of(const char *path)
{
    char wal[1200];
    struct stat st;
    double bytes = stat(path, &st) == 0 ? (double)st.st_size : 0.0;

    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    return bytes + (stat(wal, &st) == 0 ? (double)st.st_size : 0.0);
}

/* -- ours --------------------------------------------------------------------------------------- */

static uint32_t
word(fbk__batch *batch, const char *text)
{
    return fbk__intern_add(&batch->words, text, strlen(text));
}

static void
batch_add(load *l, fbk__batch *batch, const gen_row *row)
{
    char text[32];
    fbk__batch_event *e = fbk__batch_add_event(batch);
    fbk__batch_line *line = fbk__batch_add_line(batch);
    fbk__batch_ident *ident = fbk__batch_add_ident(batch);

    bench_must(e && line && ident, "batch", "out of memory");
    must_fbk(l, fbk__batch_text(batch, row->id, row->id_len, &e->id), "id");
    e->occurred_us = row->occurred_us;
    e->received_us = row->received_us;
    e->kind = word(batch, kind_names[row->kind]);
    (void)snprintf(text, sizeof text, "till%u", row->till);
    e->source = word(batch, text);
    (void)snprintf(text, sizeof text, "shop%u", row->place);
    e->place = fbk__intern_add(&batch->places, text, strlen(text));
    line->item = fbk__intern_add(&batch->items, row->item, row->item_len);
    line->kind = FBK__LINE_PRODUCT;
    line->quantity_milli = row->quantity_milli;
    line->unit_price_micro = row->price_micro;
    line->amount_micro = row->price_micro * (row->quantity_milli / 1000);
    ident->space = word(batch, "loyalty");
    must_fbk(l, fbk__batch_text(batch, row->person, row->person_len, &ident->value), "person");
}

static void
open_ours(load *l, const char *path, uint32_t durability)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info;

    memset(&info, 0, sizeof info);
    info.struct_size = (uint32_t)sizeof info;
    options.flags = FBK_STORE_CREATE;
    options.durability = durability;
    options.cache_kib = PEER_CACHE_KIB;
    bench_must(fbk_store_open(path, &options, &l->store, &info) >= 0, "open", info.message);
    must_fbk(l, fbk_connect(l->store, &l->db), "connect");
}

static void
load_ours(load *l)
{
    fbk__batch batch;
    fbk__append_counts counts;
    gen g;
    gen_row row;
    double start = bench_now();
    int more;

    gen_init(&g, &l->options);
    fbk__batch_init(&batch, NULL);
    do {
        more = gen_next(&g, &row);
        if (more)
            batch_add(l, &batch, &row);
        if (batch.n_events == BATCH || (!more && batch.n_events)) {
            must_fbk(l, fbk__event_append_batch(l->db, &batch, NULL, &counts), "append");
            bench_must(counts.added == batch.n_events, "append", "not all were new");
            fbk__batch_clear(&batch);
        }
    } while (more);
    fbk__batch_free(&batch);
    l->ours_seconds = bench_now() - start;
}

static void
scan_ours(void *data)
{
    load *l = data;
    fbk__scan_options options = {.from_us = FBK_TIME_NONE,
                                 .to_us = FBK_TIME_NONE,
                                 .columns = FBK__COL_NODE | FBK__COL_ITEM | FBK__COL_AMOUNT};
    const fbk__chunk *c;
    fbk__scan *scan = NULL;
    int64_t sum = 0;
    uint64_t rows = 0;
    fbk_status rc = fbk__log_scan_open(l->db, &options, &scan);

    while (rc == FBK_OK && (rc = fbk__log_scan_next(scan, &c)) == FBK_OK) {
        for (size_t i = 0; i < c->n; i++)
            sum += c->amount_micro[i] + c->node[i] + c->item[i];
        rows += c->n;
    }
    must_fbk(l, rc, "scan");
    fbk__log_scan_close(scan);
    bench_must(rows == l->options.n_rows && sum != 0, "scan", "rows were missing");
}

static fbk_status
count_one(void *user_data, const fbk__event_view *view)
{
    (void)view;
    ++*(uint64_t *)user_data;
    return FBK_OK;
}

enum { HISTORIES = 2000, HISTORY_LIMIT = 20 };

static void
history_ours(void *data)
{
    load *l = data;
    uint32_t n_nodes = 0;
    uint64_t events = 0;
    fbk__rng rng;

    fbk__rng_seed(&rng, 3);
    must_fbk(l, fbk__node_count(l->db, &n_nodes), "nodes");
    for (int i = 0; i < HISTORIES; i++) {
        uint32_t node = 1 + (uint32_t)fbk__rng_below(&rng, n_nodes);

        must_fbk(
            l, fbk__log_history(l->db, &node, 1, FBK_TIME_NONE, HISTORY_LIMIT, count_one, &events),
            "history");
    }
    bench_must(events >= HISTORIES, "history", "events were missing");
}

/* -- the peer ----------------------------------------------------------------------------------- */

static void
sql(load *l, const char *text)
{
    must_sql(l, sqlite3_exec(l->sq, text, NULL, NULL, NULL) == SQLITE_OK, text);
}

static void
open_peer(load *l, const char *path)
{
    bench_must(sqlite3_open(path, &l->sq) == SQLITE_OK, "open", path);
    sql(l, "PRAGMA page_size=4096");
    sql(l, "PRAGMA journal_mode=WAL");
    sql(l, "PRAGMA synchronous=FULL");
    sql(l, "PRAGMA cache_size=-65536");
    sql(l, "CREATE TABLE ev(id TEXT NOT NULL, person INTEGER, occurred INTEGER, received INTEGER,"
           " kind INTEGER, source INTEGER, place INTEGER, item INTEGER, quantity INTEGER,"
           " price INTEGER)");
    sql(l, "CREATE UNIQUE INDEX ev_id ON ev(id)");
    sql(l, "CREATE INDEX ev_person ON ev(person, occurred)");
}

static void
load_peer(load *l)
{
    static const char insert[] = "INSERT OR IGNORE INTO ev VALUES (?,?,?,?,?,?,?,?,?,?)";
    sqlite3_stmt *st = NULL;
    gen g;
    gen_row row;
    double start = bench_now();
    uint64_t n = 0;

    gen_init(&g, &l->options);
    must_sql(l, sqlite3_prepare_v2(l->sq, insert, -1, &st, NULL) == SQLITE_OK, "prepare");
    while (gen_next(&g, &row)) {
        if (n++ % BATCH == 0)
            sql(l, n > 1 ? "COMMIT; BEGIN" : "BEGIN");
        (void)sqlite3_bind_text(st, 1, row.id, (int)row.id_len, SQLITE_STATIC);
        (void)sqlite3_bind_int64(st, 2, row.person_number);
        (void)sqlite3_bind_int64(st, 3, row.occurred_us);
        (void)sqlite3_bind_int64(st, 4, row.received_us);
        (void)sqlite3_bind_int64(st, 5, row.kind);
        (void)sqlite3_bind_int64(st, 6, row.till);
        (void)sqlite3_bind_int64(st, 7, row.place);
        (void)sqlite3_bind_int64(st, 8, row.item_number);
        (void)sqlite3_bind_int64(st, 9, row.quantity_milli);
        (void)sqlite3_bind_int64(st, 10, row.price_micro);
        must_sql(l, sqlite3_step(st) == SQLITE_DONE, "insert");
        (void)sqlite3_reset(st);
    }
    sql(l, "COMMIT");
    (void)sqlite3_finalize(st);
    l->peer_seconds = bench_now() - start;
}

static void
scan_peer(void *data)
{
    load *l = data;
    sqlite3_stmt *st = NULL;
    int64_t sum = 0;
    uint64_t rows = 0;

    must_sql(l,
             sqlite3_prepare_v2(l->sq, "SELECT person, item, price FROM ev", -1, &st, NULL) ==
                 SQLITE_OK,
             "prepare");
    while (sqlite3_step(st) == SQLITE_ROW) {
        sum +=
            sqlite3_column_int64(st, 0) + sqlite3_column_int64(st, 1) + sqlite3_column_int64(st, 2);
        rows++;
    }
    (void)sqlite3_finalize(st);
    bench_must(rows == l->options.n_rows && sum != 0, "scan", "rows were missing");
}

static void
history_peer(void *data)
{
    static const char text[] = "SELECT * FROM ev WHERE person = ? ORDER BY occurred DESC LIMIT 20";
    load *l = data;
    sqlite3_stmt *st = NULL;
    uint64_t events = 0;
    fbk__rng rng;

    fbk__rng_seed(&rng, 3);
    must_sql(l, sqlite3_prepare_v2(l->sq, text, -1, &st, NULL) == SQLITE_OK, "prepare");
    for (int i = 0; i < HISTORIES; i++) {
        (void)sqlite3_bind_int64(st, 1, (int64_t)fbk__rng_below(&rng, l->options.n_people));
        while (sqlite3_step(st) == SQLITE_ROW)
            events += sqlite3_column_bytes(st, 0) > 0;
        (void)sqlite3_reset(st);
    }
    (void)sqlite3_finalize(st);
    bench_must(events > 0, "history", "events were missing");
}

/* -- cases -------------------------------------------------------------------------------------- */

static void
bench_load(load *l, const char *bytes_case)
{
    const bench *b = l->b;
    double rows = (double)l->options.n_rows;
    char ours[1100];
    char peer[1100];

    path_of(b, "log.fbk", ours, sizeof ours);
    path_of(b, "log-peer.db", peer, sizeof peer);
    remove_files(ours);
    remove_files(peer);
    open_ours(l, ours, FBK_DURABILITY_FULL);
    open_peer(l, peer);
    load_ours(l);
    load_peer(l);
    if (l->options.ids == GEN_IDS_UUID) {
        bench_print(b, "append_bulk", "rows/s", BENCH_MORE_IS_BETTER, rows / l->ours_seconds,
                    rows / l->peer_seconds, peer_name);
        bench_print(b, "scan_3_columns", "rows/s", BENCH_MORE_IS_BETTER,
                    rows / bench_time(b, scan_ours, l), rows / bench_time(b, scan_peer, l),
                    peer_name);
        bench_print(b, "person_history", "us", BENCH_LESS_IS_BETTER,
                    bench_time(b, history_ours, l) / HISTORIES * 1e6,
                    bench_time(b, history_peer, l) / HISTORIES * 1e6, peer_name);
    }
    fbk_close(l->db);
    fbk_store_close(l->store);
    sql(l, "PRAGMA wal_checkpoint(TRUNCATE)");
    (void)sqlite3_close(l->sq);
    bench_print(b, bytes_case, "bytes/row", BENCH_LESS_IS_BETTER, bytes_of(ours) / rows,
                bytes_of(peer) / rows, peer_name);
    remove_files(ours);
    remove_files(peer);
}

int
main(int argc, char **argv)
{
    bench b;
    gen_options options = GEN_DEFAULTS;
    load l = {.b = &b};

    bench_init(&b, "log", argc, argv);
    options.n_rows = b.rows ? b.rows : b.quick ? QUICK_ROWS : FULL_ROWS;
    options.n_people =
        options.n_rows >= 20u * 1000 * 1000 ? 1000000 : (uint32_t)(options.n_rows / 20 + 1);
    l.options = options;
    if (bench_wants(&b, "append_bulk") || bench_wants(&b, "scan_3_columns") ||
        bench_wants(&b, "person_history") || bench_wants(&b, "bytes_uuid"))
        bench_load(&l, "bytes_uuid");
    l.options.ids = GEN_IDS_SEQ;
    if (bench_wants(&b, "bytes_seq"))
        bench_load(&l, "bytes_seq");
    return 0;
}
