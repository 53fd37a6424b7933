/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
/* What a row costs in the frames of one large segment: bytes of each column, and the time to encode
 * and to decode it. The rows are those of bench_log; no store, no file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/sort.h"
#include "bench.h"
#include "gen.h"
#include "log/frame.h"
#include "log/guess.h"

enum { QUICK_ROWS = 300000, FULL_ROWS = 1000000, FIRST_WORD = 1000, ROUNDS = 3 };

static const char *const names[FBK__N_FC] = {
    "arrival", "node",      "occurred", "received",   "kind",       "source",
    "channel", "place",     "flags",    "currency",   "n_lines",    "n_extra",
    "n_props", "line_kind", "item",     "quantity",   "unit_price", "discount",
    "tax",     "amount",    "extra",    "properties", "ids",        "orders"};

typedef struct state {
    const bench *b;
    fbk__frame all; /* in the order of arrival */
    fbk__frame_index index;
    fbk__guess guess;
    fbk__codec codec;
    uint32_t *order; /* by (node, occurred, arrival) */
    size_t n;
    uint64_t bytes[FBK__N_FC];
    double put_ns[FBK__N_FC];
    double get_ns[FBK__N_FC];
    double learn_ns;
} state;

static void
must(bool ok)
{
    bench_must(ok, "codec", "out of memory");
}

/* Numbers in the order in which things are met, as a store gives them. */
static int64_t
number_of(fbk__map *map, uint64_t key)
{
    bool fresh = false;
    uint64_t *slot = fbk__map_put(map, key, &fresh);

    must(slot != NULL);
    if (fresh)
        *slot = map->n;
    return (int64_t)*slot;
}

static void
add_row(fbk__frame *f, const gen_row *row, fbk__map *people, fbk__map *items)
{
    uint32_t at = f->n.events++;

    for (int k = 0; k < FBK__N_EV; k++)
        f->ev[k][at] = 0;
    for (int k = 0; k < FBK__N_LN; k++)
        f->ln[k][at] = 0;
    f->ev[FBK__EV_ARRIVAL][at] = at + 1;
    f->ev[FBK__EV_NODE][at] = number_of(people, row->person_number);
    f->ev[FBK__EV_OCCURRED][at] = row->occurred_us;
    f->ev[FBK__EV_RECEIVED][at] = row->received_us;
    f->ev[FBK__EV_KIND][at] = row->kind ? FBK__EVENT_VIEW : FBK__EVENT_SALE;
    f->ev[FBK__EV_SOURCE][at] = FIRST_WORD + row->till;
    f->ev[FBK__EV_PLACE][at] = 1 + row->place;
    f->ev[FBK__EV_N_LINES][at] = 1;
    f->ln[FBK__LN_KIND][at] = FBK__LINE_PRODUCT;
    f->ln[FBK__LN_ITEM][at] = number_of(items, row->item_number);
    f->ln[FBK__LN_QUANTITY][at] = row->quantity_milli;
    f->ln[FBK__LN_PRICE][at] = row->price_micro;
    f->ln[FBK__LN_AMOUNT][at] = row->price_micro * (row->quantity_milli / 1000);
    f->n.lines++;
    must(fbk__strings_add(&f->ids, row->id, row->id_len) >= 0);
    must(fbk__strings_add(&f->orders, "", 0) >= 0);
}

static void
sort_rows(state *s)
{
    fbk__sort_item *items = malloc(s->n * sizeof *items);

    must(items != NULL);
    s->order = malloc(s->n * sizeof *s->order);
    must(s->order != NULL);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < s->n; i++) {
            uint32_t row = pass ? items[i].row : (uint32_t)i;

            items[i].row = row;
            items[i].key = (uint64_t)s->all.ev[pass ? FBK__EV_NODE : FBK__EV_OCCURRED][row];
        }
        must(fbk__sort_items(NULL, items, s->n));
    }
    for (size_t i = 0; i < s->n; i++)
        s->order[i] = items[i].row;
    free(items);
}

static void
make_rows(state *s, gen_ids ids)
{
    gen_options options = GEN_DEFAULTS;
    fbk__frame_size more;
    fbk__map people;
    fbk__map items;
    double start;
    gen_row row;
    gen g;

    options.n_rows = s->n;
    options.n_people = (uint32_t)(s->n / 20 + 1);
    options.ids = ids;
    more = (fbk__frame_size){(uint32_t)s->n, (uint32_t)s->n, 0, 0};
    fbk__map_init(&people, NULL);
    fbk__map_init(&items, NULL);
    gen_init(&g, &options);
    fbk__frame_init(&s->all, NULL);
    must(fbk__frame_reserve(&s->all, more) >= 0);
    while (gen_next(&g, &row))
        add_row(&s->all, &row, &people, &items);
    fbk__map_free(&people);
    fbk__map_free(&items);
    must(fbk__frame_index_make(&s->all, &s->index) >= 0);
    sort_rows(s);
    fbk__guess_init(&s->guess, NULL);
    start = bench_cpu();
    must(fbk__guess_learn(&s->guess, &s->all) >= 0 && fbk__guess_ready(&s->guess) >= 0);
    s->learn_ns = (bench_cpu() - start) * 1e9;
}

/* One frame, each column by itself; times are of the best of some rounds. */
static void
measure_frame(state *s, const fbk__frame *f, fbk__frame *back, fbk__buf *bytes)
{
    must(fbk__frame_reserve(back, f->n) >= 0);
    back->n = f->n;
    back->guess = f->guess;
    for (int i = 0; i < FBK__N_FC; i++) {
        unsigned column = fbk__frame_layout[i];
        double put = 1e9;
        double get = 1e9;

        for (int round = 0; round < ROUNDS; round++) {
            double start = bench_now();
            double mid;

            fbk__buf_clear(bytes);
            must(fbk__frame_put(&s->codec, bytes, f, column) >= 0);
            mid = bench_now();
            must(fbk__frame_get(&s->codec, back, column, bytes->len ? bytes->data : NULL,
                                bytes->len) >= 0);
            get = bench_now() - mid < get ? bench_now() - mid : get;
            put = mid - start < put ? mid - start : put;
        }
        s->bytes[column] += bytes->len;
        s->put_ns[column] += put * 1e9;
        s->get_ns[column] += get * 1e9;
    }
}

static void
measure(state *s)
{
    fbk__frame f;
    fbk__frame back;
    fbk__buf bytes;

    fbk__frame_init(&f, NULL);
    fbk__frame_init(&back, NULL);
    fbk__buf_init(&bytes, NULL);
    fbk__codec_init(&s->codec, NULL);
    for (size_t i = 0; i < s->n; i++) {
        must(fbk__frame_copy(&f, &s->all, &s->index, s->order[i]) >= 0);
        if (f.n.events == FBK__FRAME_ROWS || i + 1 == s->n) {
            f.guess = &s->guess;
            measure_frame(s, &f, &back, &bytes);
            fbk__frame_clear(&f);
            fbk__frame_clear(&back);
        }
    }
    fbk__frame_free(&f);
    fbk__frame_free(&back);
    fbk__buf_free(&bytes);
}

static void
print(const state *s, const char *ids, const char *column, double bytes, double put, double get)
{
    char name[64];
    bench_case c = {name, NULL, NULL, 1, 0, 0, 0};
    const double values[3] = {bytes, put, get};
    const char *const what[3] = {"bytes", "encode", "decode"};

    for (int k = 0; k < 3; k++) {
        (void)snprintf(name, sizeof name, "%s_%s_%s", ids, column, what[k]);
        c.unit = k ? "ns/row" : "bytes/row";
        bench_print(s->b, &c, values[k] / (double)s->n, -1, NULL);
    }
}

static void
bench_ids(const bench *b, gen_ids ids, const char *name)
{
    state s = {.b = b, .n = b->rows ? (size_t)b->rows : b->quick ? QUICK_ROWS : FULL_ROWS};
    double bytes = 0;
    double put = 0;
    double get = 0;
    fbk__buf guess;

    make_rows(&s, ids);
    measure(&s);
    for (int i = 0; i < FBK__N_FC; i++) {
        bytes += (double)s.bytes[i];
        put += s.put_ns[i];
        get += s.get_ns[i];
        if (s.bytes[i])
            print(&s, name, names[i], (double)s.bytes[i], s.put_ns[i], s.get_ns[i]);
    }
    fbk__buf_init(&guess, NULL);
    must(fbk__guess_put(&s.codec, &guess, &s.guess) >= 0);
    print(&s, name, "guess", (double)guess.len, s.learn_ns, 0);
    print(&s, name, "all", bytes + (double)guess.len, put, get);
    fbk__buf_free(&guess);
    fbk__guess_free(&s.guess);
    fbk__codec_free(&s.codec);
    fbk__frame_index_free(&s.index, NULL);
    fbk__frame_free(&s.all);
    free(s.order);
}

int
main(int argc, char **argv)
{
    bench b;

    bench_init(&b, "codec", argc, argv);
    if (bench_wants(&b, "uuid"))
        bench_ids(&b, GEN_IDS_UUID, "uuid");
    if (bench_wants(&b, "seq"))
        bench_ids(&b, GEN_IDS_SEQ, "seq");
    return 0;
}
