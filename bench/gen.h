/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GEN_H
#define GEN_H

#include <stdint.h>

#include "base/rng.h"

/* Seeded events for benches and tests: one event with one line a row, over two years in order of
 * time, some late; people and items by Zipf's law. */

typedef enum gen_ids {
    GEN_IDS_UUID, /* random UUIDs, 36 characters */
    GEN_IDS_SEQ   /* "till12-000123456": one counter a till */
} gen_ids;

typedef struct gen_options {
    uint64_t seed;
    uint64_t n_rows;
    uint32_t n_people;
    uint32_t n_items;
    uint32_t n_tills;
    double late_prob; /* by 1 to 30 days */
    gen_ids ids;
} gen_options;

/** The load of the log's bench. */
#define GEN_DEFAULTS                                        \
    {                                                       \
        1, 20000000, 1000000, 50000, 64, 0.02, GEN_IDS_UUID \
    }

typedef struct gen_zipf {
    double n, exponent, low, high, cut;
} gen_zipf;

typedef struct gen {
    gen_options options;
    fbk__rng rng;
    gen_zipf people, items;
    uint64_t row;
    uint64_t till_count[256];
} gen;

/** Goes up when the rows of a seed change: what was made of them is then out of date. */
enum { GEN_VERSION = 1, GEN_PERSON_SIZE = 24 };

typedef struct gen_row {
    char id[40];
    char person[GEN_PERSON_SIZE]; /* a loyalty number */
    char item[16];
    char source[16]; /* the till */
    char shop[16];
    int64_t occurred_us;
    int64_t received_us;
    uint32_t person_number;
    uint32_t item_number;
    uint32_t kind; /* 0 sale, 1 view, 2 cart */
    uint32_t till;
    uint32_t place;
    uint32_t id_len;
    uint32_t person_len;
    uint32_t item_len;
    int64_t quantity_milli;
    int64_t price_micro;
} gen_row;

void
gen_init(gen *g, const gen_options *options);

/** The next row; 0 at the end. */
int
gen_next(gen *g, gen_row *out);

/** Loyalty number of a person, NUL-terminated; its length. */
uint32_t
gen_person(uint32_t number, char out[GEN_PERSON_SIZE]);

/** 1..n, P(k) ~ 1 / k^exponent, exponent > 0 and not 1. */
void
gen_zipf_init(gen_zipf *z, uint64_t n, double exponent);
uint64_t
gen_zipf_draw(const gen_zipf *z, fbk__rng *rng);

#endif
