/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "gen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* Hörmann, Derflinger, "Rejection-inversion to generate variates from monotone discrete
 * distributions", ACM TOMACS 6(3), 1996: constant time and memory for any n. */
static double
zipf_integral(const gen_zipf *z, double x)
{
    return pow(x, 1.0 - z->exponent) / (1.0 - z->exponent);
}

static double
zipf_inverse(const gen_zipf *z, double y)
{
    return pow(y * (1.0 - z->exponent), 1.0 / (1.0 - z->exponent));
}

void
gen_zipf_init(gen_zipf *z, uint64_t n, double exponent)
{
    z->n = (double)n;
    z->exponent = exponent;
    z->low = zipf_integral(z, 1.5) - 1.0;
    z->high = zipf_integral(z, z->n + 0.5);
    z->cut = 2.0 - zipf_inverse(z, zipf_integral(z, 2.5) - pow(2.0, -exponent));
}

uint64_t
gen_zipf_draw(const gen_zipf *z, fbk__rng *rng)
{
    for (;;) {
        double u = z->high + fbk__rng_double(rng) * (z->low - z->high);
        double x = zipf_inverse(z, u);
        double k = floor(x + 0.5);

        k = k < 1.0 ? 1.0 : k > z->n ? z->n : k;
        if (k - x <= z->cut || u >= zipf_integral(z, k + 0.5) - pow(k, -z->exponent))
            return (uint64_t)k;
    }
}

void
gen_init(gen *g, const gen_options *options)
{
    memset(g, 0, sizeof *g);
    g->options = *options;
    fbk__rng_seed(&g->rng, options->seed);
    gen_zipf_init(&g->people, options->n_people, 0.6);
    gen_zipf_init(&g->items, options->n_items, 0.9);
}

static void
hex(char *out, uint64_t value, int digits)
{
    static const char symbols[] = "0123456789abcdef";

    for (int i = digits - 1; i >= 0; i--, value >>= 4)
        out[i] = symbols[value & 15];
}

static void
gen_uuid(gen *g, gen_row *row)
{
    uint64_t a = fbk__rng_u64(&g->rng);
    uint64_t b = fbk__rng_u64(&g->rng);
    char *id = row->id;

    hex(id, a >> 32, 8);
    hex(id + 9, a >> 16 & 0xffff, 4);
    hex(id + 14, 0x4000 | (a & 0xfff), 4);
    hex(id + 19, 0x8000 | (b >> 48 & 0x3fff), 4);
    hex(id + 24, b & 0xffffffffffff, 12);
    id[8] = id[13] = id[18] = id[23] = '-';
    id[36] = '\0';
    row->id_len = 36;
}

static uint32_t
decimal(char *out, const char *prefix, uint64_t value, int digits)
{
    size_t n = strlen(prefix);

    memcpy(out, prefix, n);
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[n + (size_t)i] = (char)('0' + value % 10);
    out[n + (size_t)digits] = '\0';
    return (uint32_t)n + (uint32_t)digits;
}

uint32_t
gen_person(uint32_t number, char out[GEN_PERSON_SIZE])
{
    return decimal(out, "L", number, 10);
}

int
gen_next(gen *g, gen_row *row)
{
    static const int64_t start_us = INT64_C(1704067200000000); /* 2024-01-01 */
    static const double span_us = 2.0 * 365.0 * 86400e6;
    const gen_options *o = &g->options;
    uint64_t scatter;
    double late;

    if (g->row >= o->n_rows)
        return 0;
    row->received_us = start_us + (int64_t)(span_us * ((double)g->row / (double)o->n_rows));
    late = fbk__rng_double(&g->rng) < o->late_prob ? 1.0 + 29.0 * fbk__rng_double(&g->rng) : 0.0;
    row->occurred_us =
        row->received_us - (int64_t)(late * 86400e6) - (int64_t)fbk__rng_below(&g->rng, 2000000);
    row->kind = (uint32_t)(fbk__rng_below(&g->rng, 10) / 5 % 3);
    row->till = (uint32_t)fbk__rng_below(&g->rng, o->n_tills);
    row->place = row->till / 4;
    /* The rank is scattered, so that popular people and items have no special numbers. */
    scatter = fbk__mix64(gen_zipf_draw(&g->people, &g->rng) * 2 + 1);
    row->person_number = (uint32_t)(scatter % o->n_people);
    scatter = fbk__mix64(gen_zipf_draw(&g->items, &g->rng) * 2);
    row->item_number = (uint32_t)(scatter % o->n_items);
    row->quantity_milli = 1000 * (int64_t)(1 + fbk__rng_below(&g->rng, 4) / 3);
    row->price_micro = 10000 * (int64_t)(99 + fbk__mix64(row->item_number) % 9900);
    row->person_len = gen_person(row->person_number, row->person);
    row->item_len = decimal(row->item, "SKU", row->item_number, 7);
    (void)snprintf(row->source, sizeof row->source, "till%u", row->till);
    (void)snprintf(row->shop, sizeof row->shop, "shop%u", row->place);
    if (o->ids == GEN_IDS_UUID) {
        gen_uuid(g, row);
    } else {
        char prefix[24];

        (void)snprintf(prefix, sizeof prefix, "%s-", row->source);
        row->id_len = decimal(row->id, prefix, g->till_count[row->till]++, 9);
    }
    g->row++;
    return 1;
}
