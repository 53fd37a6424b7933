/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/stream.h"

#include <string.h>

#include "base/rng.h"
#include "store/conn.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

enum { FIRST = 5 << 24, N_THINGS = 60, THING_MAX = 9000 };

static fbk_store *store;
static fbk *db;
static fbk__stream stream;
static char things[N_THINGS][THING_MAX];
static size_t lens[N_THINGS];
static uint64_t places[N_THINGS];

/* Things of all lengths, those that fill pieces exactly among them. */
static void
setup(void)
{
    fbk__rng rng;

    store = tk_store_open(":memory:", NULL);
    db = tk_store_connect(store);
    fbk__rng_seed(&rng, 3);
    tk_assert_ok(db, fbk__write_begin(db));
    fbk__stream_init(&stream, NULL, FIRST, 0);
    for (int i = 0; i < N_THINGS; i++) {
        lens[i] = 1 + fbk__rng_below(&rng, i % 2 ? 200 : THING_MAX);
        if (i % 7 == 3)
            lens[i] = FBK__STREAM_PIECE - stream.len % FBK__STREAM_PIECE;
        for (size_t k = 0; k < lens[i]; k++)
            things[i][k] = (char)fbk__rng_u64(&rng);
        places[i] = stream.len;
        tk_assert_ok(db, fbk__stream_put(db, &stream, things[i], lens[i]));
    }
    tk_assert_ok(db, fbk__stream_end(db, &stream));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
}

static void
teardown(void)
{
    fbk__stream_free(&stream);
    fbk_close(db);
    fbk_store_close(store);
}

static void
run(const char *sql)
{
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__exec(db, sql));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
}

static fbk_status
get(uint64_t at, size_t len, char *out)
{
    fbk_status rc = fbk__read_begin(db);

    if (rc >= 0)
        rc = fbk__stream_get(db, FIRST, at, len, out);
    fbk__read_end(db);
    return rc;
}

START_TEST(things_are_found_at_their_places)
{
    static char back[2 * THING_MAX];

    for (int i = 0; i < N_THINGS; i++) {
        tk_assert_ok(db, get(places[i], lens[i], back));
        ck_assert(memcmp(back, things[i], lens[i]) == 0);
        if (i + 1 < N_THINGS) { /* across two */
            tk_assert_ok(db, get(places[i], lens[i] + lens[i + 1], back));
            ck_assert(memcmp(back + lens[i], things[i + 1], lens[i + 1]) == 0);
        }
    }
    ck_assert_uint_eq(stream.len % FBK__STREAM_PIECE, 0);
    ck_assert_int_eq(get(stream.len, 1, back), FBK_DONE);
}
END_TEST

/* What the first two bytes of each piece say, against the places. */
START_TEST(pieces_say_where_a_thing_begins)
{
    uint64_t n = stream.len / FBK__STREAM_PIECE;

    for (uint64_t piece = 0; piece < n; piece++) {
        const void *bytes = NULL;
        fbk__stmt *st = NULL;
        uint64_t want = UINT64_MAX;
        size_t len;
        size_t mark;

        for (int i = N_THINGS; i-- > 0;)
            want = places[i] / FBK__STREAM_PIECE == piece ? places[i] % FBK__STREAM_PIECE : want;
        tk_assert_ok(db, fbk__read_begin(db));
        tk_assert_ok(
            db, fbk__chunk_open(db, FBK__CHUNK_SEGMENT, FIRST + (int64_t)piece, &st, &bytes, &len));
        mark = ((const unsigned char *)bytes)[0] + 256u * ((const unsigned char *)bytes)[1];
        if (want == UINT64_MAX)
            ck_assert_uint_ge(mark, len - FBK__STREAM_HEAD);
        else
            ck_assert_uint_eq(mark, want);
        fbk__stmt_put(st);
        fbk__read_end(db);
    }
}
END_TEST

START_TEST(what_is_zeroed_is_gone_alone)
{
    static char back[THING_MAX];

    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__stream_zero(db, FIRST, places[20], lens[20]));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    for (int i = 0; i < N_THINGS; i++) {
        tk_assert_ok(db, get(places[i], lens[i], back));
        for (size_t k = 0; k < lens[i]; k++)
            ck_assert_int_eq(back[k], i == 20 ? 0 : things[i][k]);
    }
}
END_TEST

START_TEST(damage_is_noticed)
{
    static const struct {
        const char *sql;
        fbk_status rc;
    } cases[] = {
        {"UPDATE log_chunk SET bytes = zeroblob(4048) WHERE id & 0xffffff = 1", FBK_ECORRUPT},
        {"UPDATE log_chunk SET bytes = substr(bytes, 2) WHERE id & 0xffffff = 1", FBK_ECORRUPT},
        {"UPDATE log_chunk SET bytes = x'00' WHERE id & 0xffffff = 1", FBK_ECORRUPT},
        {"UPDATE log_chunk SET bytes = (SELECT bytes FROM log_chunk WHERE id & 0xffffff = 2) "
         "WHERE id & 0xffffff = 1",
         FBK_ECORRUPT},
        {"DELETE FROM log_chunk WHERE id & 0xffffff = 1", FBK_ECORRUPT},
        {"DELETE FROM log_chunk WHERE id & 0xffffff >= 1", FBK_DONE},
    };
    static char back[3 * FBK__STREAM_PIECE];

    run(cases[_i].sql);
    ck_assert_int_eq(get(0, sizeof back, back), cases[_i].rc);
    tk_assert_ok(db, get(0, FBK__STREAM_PIECE, back));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stream");
    TCase *tc = tcase_create("stream");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, things_are_found_at_their_places);
    tcase_add_test(tc, pieces_say_where_a_thing_begins);
    tcase_add_test(tc, what_is_zeroed_is_gone_alone);
    tcase_add_loop_test(tc, damage_is_noticed, 0, 6);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
