/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "log/engine.h"
#include "store/conn.h"
#include "support/tk.h"
#include "support/tk_sale.h"
#include "support/tk_store.h"
#include "support/tk_vfs.h"

/* Stores with churn, from which people are erased: after maintenance nothing that names them, and
 * no id of an event of theirs, is in any file of the store, nor in what its columns decode to: as it
 * is, as UTF-16, in hexadecimal or in base64. Before, the same search finds them. */

enum { N_PEOPLE = 30, N_TEXTS = 3 };

static tk_vfs vfs;
static char directory[512];

static void
setup(void)
{
    (void)snprintf(directory, sizeof directory, "%s", tk_path("residue"));
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    tk_vfs_register(&vfs, "residue");
    vfs.no_sync = 1; /* many stores, and none of them is about power */
    tk_vfs_make_default(&vfs);
}

static void
teardown(void)
{
    tk_vfs_unregister(&vfs);
    (void)rmdir(directory);
}

/* What a person leaves behind: two identifiers, and the ids of events. */
static void
person_text(char *out, size_t size, uint32_t person, int which, uint32_t seed)
{
    static const char *const forms[N_TEXTS] = {"cust%08x%08x", "ck%08x-%08x@mail.example",
                                               "ev%08x%08xq"};
    uint64_t h = fbk__mix64(((uint64_t)seed << 32 | person) * N_TEXTS + (uint64_t)which);

    (void)snprintf(out, size, forms[which], (uint32_t)(h >> 32), (uint32_t)h);
}

/* -- looking ----------------------------------------------------------------------------------- */

static size_t
count(const unsigned char *in, size_t len, const unsigned char *what, size_t n)
{
    const unsigned char *from = in;
    size_t found = 0;

    while (from && (from = memmem(from, len - (size_t)(from - in), what, n)) != NULL) {
        found++;
        from++;
    }
    return found;
}

/* The bytes whose base64 does not depend on what is around them, at one of three places. */
static size_t
base64_core(const char *text, size_t len, size_t skip, unsigned char *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    for (size_t at = skip; at + 3 <= len; at += 3) {
        uint32_t x = (uint32_t)(unsigned char)text[at] << 16 |
                     (uint32_t)(unsigned char)text[at + 1] << 8 | (unsigned char)text[at + 2];

        for (int k = 3; k >= 0; k--)
            out[n++] = (unsigned char)letters[x >> (6 * k) & 63];
    }
    return n;
}

static size_t
find_text(const unsigned char *in, size_t len, const char *text)
{
    unsigned char other[256];
    size_t n = strlen(text);
    size_t found = count(in, len, (const unsigned char *)text, n);

    for (size_t i = 0; i < n; i++) {
        other[2 * i] = (unsigned char)text[i];
        other[2 * i + 1] = 0;
    }
    found += count(in, len, other, 2 * n - 1); /* big-endian, too */
    for (int upper = 0; upper < 2; upper++) {
        for (size_t i = 0; i < n; i++)
            (void)snprintf((char *)other + 2 * i, 3, upper ? "%02X" : "%02x",
                           (unsigned char)text[i]);
        found += count(in, len, other, 2 * n);
    }
    for (size_t skip = 0; skip < 3; skip++)
        found += count(in, len, other, base64_core(text, n, skip, other));
    return found;
}

/* All files of the store, one after the other. */
static void
read_files(fbk__buf *out)
{
    DIR *d = opendir(directory);
    struct dirent *entry;

    ck_assert_ptr_nonnull(d);
    while ((entry = readdir(d)) != NULL) {
        char path[1024];
        struct stat st;
        char *bytes;
        size_t len;

        (void)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
            continue;
        bytes = tk_slurp(path, &len);
        fbk__buf_add(out, bytes, len);
        free(bytes);
    }
    (void)closedir(d);
}

/* What columns decode to: of every segment that is in the file, alive or not, and of the values. */
static void
decode_all(fbk *db, fbk__buf *out)
{
    static const char sql[] = "SELECT segment FROM log_segment";
    fbk__stmt *st = NULL;
    fbk__codec codec;
    fbk__frame frame;
    uint32_t n = 0;

    fbk__codec_init(&codec, fbk__a(db));
    fbk__frame_init(&frame, fbk__a(db));
    tk_assert_ok(db, fbk__read_begin(db)); /* or the statement begins anew after each frame */
    tk_assert_ok(db, fbk__stmt_get(db, sql, &st));
    while (fbk__step(st) == FBK_OK) {
        fbk__segment *segment = NULL;

        if (fbk__segment_load(db, fbk__column_int64(st, 0), &segment) < 0)
            continue;
        for (uint32_t k = 0; k < segment->n_frames; k++) {
            tk_assert_ok(db,
                         fbk__segment_read(db, &codec, segment, k, (1u << FBK__N_FC) - 1, &frame));
            fbk__buf_add(out, frame.ids.bytes, frame.ids.offsets[frame.n.events]);
            fbk__buf_add(out, frame.orders.bytes, frame.orders.offsets[frame.n.events]);
        }
        fbk__segment_unref(segment);
    }
    fbk__stmt_put(st);
    fbk__read_end(db);
    tk_assert_ok(db, fbk__node_count(db, &n));
    for (uint32_t node = 1; node <= n; node++) {
        uint32_t space;

        (void)!fbk__node_value(db, node, &space, out); /* none of the erased */
    }
    fbk__frame_free(&frame);
    fbk__codec_free(&codec);
}

/* -- stores ------------------------------------------------------------------------------------ */

static void
sell(fbk *db, fbk__rng *rng, uint32_t seed, uint32_t person)
{
    char id[64];
    char customer[64];
    char cookie[64];
    tk_sale sale = {.id = id, .person = customer, .place = "HAM"};

    person_text(id, sizeof id, person, 2, seed);
    person_text(customer, sizeof customer, person, 0, seed);
    person_text(cookie, sizeof cookie, person, 1, seed);
    if (fbk__rng_below(rng, 2))
        (void)snprintf(id + strlen(id), 24, "-%u", (unsigned)fbk__rng_below(rng, 1000000));
    sale.cookie = fbk__rng_below(rng, 2) ? cookie : NULL;
    sale.items = (const char *const[]){"tea", "bread", NULL};
    sale.occurred_us = INT64_C(1704067200000000) + (int64_t)fbk__rng_below(rng, 400) * 86400000000;
    tk_sell(db, &sale);
}

/* Records, seals, merges, rows that come and go, some with a content of their own again. */
static void
churn(fbk *db, fbk__rng *rng, uint32_t seed)
{
    for (uint32_t i = 0; i < 3 * N_PEOPLE; i++) {
        sell(db, rng, seed, i % N_PEOPLE);
        if (fbk__rng_below(rng, 20) == 0)
            tk_assert_ok(db, fbk__log_seal(db));
        if (fbk__rng_below(rng, 40) == 0)
            tk_assert_ok(db, fbk_store_maintain(db, NULL, NULL));
        if (fbk__rng_below(rng, 30) == 0)
            tk_assert_ok(db, fbk__checkpoint(db, false));
    }
}

/* Nodes of a person, ascending. */
static size_t
nodes_of(fbk *db, uint32_t person, uint32_t seed, uint32_t *nodes)
{
    static const char *const spaces[] = {"customer", "cookie"};
    size_t n = 0;

    for (int k = 0; k < 2; k++) {
        char text[64];
        uint32_t space = 0;
        uint32_t node = 0;

        person_text(text, sizeof text, person, k, seed);
        tk_assert_ok(db, fbk__word_resolve(db, spaces[k], strlen(spaces[k]), false, &space));
        if (fbk__node_find(db, space, text, strlen(text), &node) == FBK_OK)
            nodes[n++] = node;
    }
    if (n == 2 && nodes[0] > nodes[1]) {
        uint32_t first = nodes[0];

        nodes[0] = nodes[1];
        nodes[1] = first;
    }
    return n;
}

/* How often what names this person is found in what was read and decoded. */
static size_t
residue(const fbk__buf *in, uint32_t person, uint32_t seed)
{
    size_t found = 0;

    for (int k = 0; k < N_TEXTS; k++) {
        char text[64];

        person_text(text, sizeof text, person, k, seed);
        found += find_text((const unsigned char *)in->data, in->len, text);
    }
    return found;
}

static void
read_all(fbk *db, fbk__buf *out)
{
    fbk__buf_clear(out);
    decode_all(db, out);
    read_files(out);
    ck_assert(!out->failed);
}

static void
one_store(uint32_t seed)
{
    static const uint32_t sizes[] = {1, 5, 20};
    uint32_t n_erased = sizes[seed % 3];
    fbk_maintain_options how = FBK_MAINTAIN_OPTIONS_INIT;
    char path[600];
    fbk_store *store;
    fbk *db;
    fbk__rng rng;
    fbk__buf decoded;

    (void)snprintf(path, sizeof path, "%s/store", directory);
    store = tk_open(path, FBK_STORE_CREATE);
    db = tk_connect(store);
    fbk__rng_seed(&rng, seed);
    fbk__buf_init(&decoded, NULL);
    churn(db, &rng, seed);
    read_all(db, &decoded);
    ck_assert_uint_gt(residue(&decoded, 0, seed), 0); /* who looks, finds */
    for (uint32_t p = 0; p < n_erased; p++) {
        uint32_t nodes[2];
        uint64_t n_events = 0;
        size_t n = nodes_of(db, p, seed, nodes);

        tk_assert_ok(db, fbk__log_erase_nodes(db, nodes, n, &n_events));
        ck_assert_uint_gt(n_events, 0);
        fbk__buf_clear(&decoded);
        decode_all(db, &decoded);
        for (int k = 0; k < N_TEXTS; k++) { /* logically it is gone at once */
            char text[64];

            person_text(text, sizeof text, p, k, seed);
            ck_assert_uint_eq(count((const unsigned char *)decoded.data, decoded.len,
                                    (const unsigned char *)text, strlen(text)),
                              0);
        }
    }
    how.flags = seed % 2 ? FBK_MAINTAIN_FULL : 0;
    tk_assert_ok(db, fbk_store_maintain(db, &how, NULL));
    read_all(db, &decoded);
    for (uint32_t p = 0; p < n_erased; p++)
        tk_must(residue(&decoded, p, seed) == 0, "seed %u: person %u of %u was found", seed, p,
                n_erased);
    ck_assert_uint_gt(residue(&decoded, N_PEOPLE - 1, seed), 0);
    fbk__buf_free(&decoded);
    fbk_close(db);
    fbk_store_close(store);
    tk_store_assert_sound(path);
    for (int i = 0; i < 4; i++) {
        static const char *const suffixes[] = {"", "-wal", "-shm", "-fbk.lck"};
        char name[620];

        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

START_TEST(nothing_is_left_of_the_erased)
{
    uint32_t n = getenv("FEEDBACK_TEST_FULL") ? 2500 : 6;

    for (uint32_t i = 0; i < n; i++)
        one_store((uint32_t)_i * n + i + 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("residue");
    TCase *tc = tcase_create("residue");

    tcase_set_timeout(tc, getenv("FEEDBACK_TEST_FULL") ? 7200 : 240);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, nothing_is_left_of_the_erased, 0, 4);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
