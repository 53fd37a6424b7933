/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log_bench.h"

#include <feedback/import.h>

#include <stdlib.h>
#include <string.h>

#include "record/event.h"
#include "store/conn.h"

static const char *const kind_names[] = {"sale", "view", "cart"};

static void
must(const ours *o, fbk_status rc, const char *what)
{
    bench_must(rc >= 0, what, fbk_errmsg(o->db));
}

static void
open_with(ours *o, const char *path, const fbk_store_options *options)
{
    fbk_errinfo info;

    memset(&info, 0, sizeof info);
    info.struct_size = (uint32_t)sizeof info;
    bench_must(fbk_store_open(path, options, &o->store, &info) >= 0, "open", info.message);
    must(o, fbk_connect(o->store, &o->db), "connect");
}

void
ours_open(ours *o, const char *path, uint32_t durability)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;

    options.flags = FBK_STORE_CREATE;
    options.durability = durability;
    options.cache_kib = CACHE_KIB;
    open_with(o, path, &options);
}

void
ours_connect(const ours *o, ours *out)
{
    *out = (ours){.store = o->store};
    must(out, fbk_connect(o->store, &out->db), "connect");
}

void
ours_close(ours *o)
{
    fbk_close(o->db);
    fbk_store_close(o->store);
    *o = (ours){NULL, NULL};
}

void
ours_finish(const ours *o)
{
    fbk_maintain_result result = FBK_MAINTAIN_RESULT_INIT;

    must(o, fbk_store_maintain(o->db, NULL, &result), "maintain");
    bench_must(!result.more, "maintain", "something was left to do");
}

/* -- in ----------------------------------------------------------------------------------------- */

static uint32_t
word(fbk__intern *dictionary, const char *text)
{
    return fbk__intern_add(dictionary, text, strlen(text));
}

static void
batch_add(const ours *o, fbk__batch *batch, const gen_row *row)
{
    fbk__batch_event *e = fbk__batch_add_event(batch);
    fbk__batch_line *line = fbk__batch_add_line(batch);
    fbk__batch_ident *ident = fbk__batch_add_ident(batch);

    bench_must(e && line && ident, "batch", "out of memory");
    must(o, fbk__batch_text(batch, row->id, row->id_len, &e->id), "id");
    e->occurred_us = row->occurred_us;
    e->received_us = row->received_us;
    e->kind = word(&batch->words, kind_names[row->kind]);
    e->source = word(&batch->words, row->source);
    e->place = word(&batch->places, row->shop);
    line->item = fbk__intern_add(&batch->items, row->item, row->item_len);
    line->kind = FBK__LINE_PRODUCT;
    line->quantity_milli = row->quantity_milli;
    line->unit_price_micro = row->price_micro;
    line->amount_micro = row->price_micro * (row->quantity_milli / 1000);
    ident->space = word(&batch->words, "loyalty");
    must(o, fbk__batch_text(batch, row->person, row->person_len, &ident->value), "person");
}

static void
append_rows(const ours *o, fbk__batch *batch, const rows *r, load_cost *cost)
{
    fbk__append_counts counts;
    double start = bench_now();
    double cpu = bench_cpu();
    double built;

    fbk__batch_clear(batch);
    for (size_t i = 0; i < r->n; i++)
        batch_add(o, batch, &r->row[i]);
    built = bench_now();
    must(o, fbk__event_append_batch(o->db, batch, NULL, &counts), "append");
    bench_must(counts.added == r->n, "append", "not all were new");
    cost->build_seconds += built - start;
    cost->seconds += bench_now() - start;
    cost->cpu_seconds += bench_cpu() - cpu;
}

void
ours_load(const char *path, const gen_options *options, load_cost *out)
{
    rows *r = malloc(sizeof *r);
    fbk__batch batch;
    double start;
    double cpu;
    ours o;
    gen g;

    bench_must(r != NULL, "memory", "out of memory");
    *out = (load_cost){0};
    ours_open(&o, path, FBK_DURABILITY_FULL);
    fbk__batch_init(&batch, NULL);
    gen_init(&g, options);
    while (rows_next(r, &g, BATCH, &out->generate_seconds))
        append_rows(&o, &batch, r, out);
    fbk__batch_free(&batch);
    start = bench_now();
    cpu = bench_cpu();
    ours_finish(&o);
    out->finish_seconds = bench_now() - start;
    out->seconds += out->finish_seconds;
    out->cpu_seconds += bench_cpu() - cpu;
    out->peak_mib = (double)bench_peak_bytes() / 1048576.0;
    ours_close(&o);
    free(r);
}

void
ours_append_one(const ours *o, const gen_row *row)
{
    static const char *const spaces[] = {"loyalty"};
    const char *person = row->person;
    const char *item = row->item;
    fbk_event event = FBK_EVENT_INIT;

    event.event_id = row->id;
    event.kind = kind_names[row->kind];
    event.source = row->source;
    event.place = row->shop;
    event.occurred_us = row->occurred_us;
    event.received_us = row->received_us;
    event.n_lines = 1;
    event.items = &item;
    event.quantity_milli = &row->quantity_milli;
    event.unit_price_micro = &row->price_micro;
    event.n_identifiers = 1;
    event.namespaces = spaces;
    event.values = &person;
    bench_must(fbk_event_append(o->db, &event, NULL) == FBK_OK, "append", fbk_errmsg(o->db));
}

void
ours_import(const char *path, const char *file, const char *map, const char *currency,
            const char *zone)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_import_options import = FBK_IMPORT_OPTIONS_INIT;
    ours o = {NULL, NULL};

    options.flags = FBK_STORE_CREATE;
    options.currency = currency;
    options.time_zone = zone;
    open_with(&o, path, &options);
    import.map_path = map;
    must(&o, fbk_import_file(o.db, file, &import, NULL), "import");
    ours_finish(&o);
    ours_close(&o);
}

/* -- out ---------------------------------------------------------------------------------------- */

uint64_t
ours_scan(const ours *o, int64_t *out_sum)
{
    fbk__scan_options options = {.from_us = FBK_TIME_NONE,
                                 .to_us = FBK_TIME_NONE,
                                 .columns = FBK__COL_NODE | FBK__COL_ITEM | FBK__COL_AMOUNT};
    const fbk__chunk *c;
    fbk__scan *scan = NULL;
    int64_t sum = 0;
    uint64_t n = 0;
    fbk_status rc = fbk__log_scan_open(o->db, &options, &scan);

    while (rc == FBK_OK && (rc = fbk__log_scan_next(scan, &c)) == FBK_OK) {
        for (size_t i = 0; i < c->n; i++)
            sum += c->amount_micro[i] + c->node[i] + c->item[i];
        n += c->n;
    }
    must(o, rc, "scan");
    fbk__log_scan_close(scan);
    *out_sum = sum;
    return n;
}

void
ours_people(const ours *o, const gen_options *options, uint64_t seed, people *out)
{
    uint32_t space = 0;
    fbk__rng rng;

    fbk__rng_seed(&rng, seed);
    must(o, fbk__word_resolve(o->db, "loyalty", 7, false, &space), "namespace");
    for (out->n = 0; out->n < HISTORIES;) {
        char person[GEN_PERSON_SIZE];
        uint32_t number = (uint32_t)fbk__rng_below(&rng, options->n_people);
        uint32_t len = gen_person(number, person);
        fbk_status rc = fbk__node_find(o->db, space, person, len, &out->node[out->n]);

        if (rc == FBK_ENOTFOUND)
            continue;
        must(o, rc, "person");
        out->number[out->n++] = number;
    }
}

/* Looks at what a caller would. */
static fbk_status
history_event(void *user_data, const fbk__event_view *view)
{
    uint64_t *seen = user_data;

    *seen += view->n_lines == 1 && view->lines[0].item && view->id_len;
    return FBK_OK;
}

uint64_t
ours_history(const ours *o, const people *p, double *out_seconds)
{
    uint64_t events = 0;

    for (size_t i = 0; i < p->n; i++) {
        double start = bench_now();

        must(o,
             fbk__log_history(o->db, &p->node[i], 1, FBK_TIME_NONE, HISTORY_LIMIT, history_event,
                              &events),
             "history");
        out_seconds[i] = bench_now() - start;
    }
    return events;
}
