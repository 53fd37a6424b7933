/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/guess.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "support/tk.h"

enum { N = 6000, TILLS = 16, SECOND = 1000000 };

static fbk__codec codec;
static fbk__buf out;
static fbk__rng rng;
static fbk__frame frame;

static void
setup(void)
{
    fbk__codec_init(&codec, NULL);
    fbk__buf_init(&out, NULL);
    fbk__rng_seed(&rng, 11);
    fbk__frame_init(&frame, NULL);
}

static void
teardown(void)
{
    fbk__codec_free(&codec);
    fbk__buf_free(&out);
    fbk__frame_free(&frame);
}

/* Events of tills that count, in the order in which they came; some late, some prices wrong. */
static void
fill(fbk__frame *f, uint32_t first, uint32_t n)
{
    static uint32_t counts[TILLS];

    if (first == 0)
        memset(counts, 0, sizeof counts);
    fbk__frame_clear(f);
    tk_assert_ok(NULL, fbk__frame_reserve(f, (fbk__frame_size){n, n, 0, 0}));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t till = (uint32_t)fbk__rng_below(&rng, TILLS);
        int64_t item = (int64_t)(1 + fbk__rng_below(&rng, 300));
        int64_t lag =
            (int64_t)fbk__rng_below(&rng, fbk__rng_below(&rng, 50) ? SECOND : 900ull * SECOND);
        char id[32];

        for (int k = 0; k < FBK__N_EV; k++)
            f->ev[k][i] = 0;
        for (int k = 0; k < FBK__N_LN; k++)
            f->ln[k][i] = 0;
        f->ev[FBK__EV_ARRIVAL][i] = first + i + 1;
        f->ev[FBK__EV_NODE][i] = 1 + (int64_t)fbk__rng_below(&rng, 100);
        f->ev[FBK__EV_RECEIVED][i] =
            INT64_C(1700000000) * SECOND + INT64_C(7) * SECOND * (first + i);
        f->ev[FBK__EV_OCCURRED][i] = f->ev[FBK__EV_RECEIVED][i] - lag;
        f->ev[FBK__EV_SOURCE][i] = 1000 + till;
        f->ev[FBK__EV_PLACE][i] = 1 + till / 4;
        f->ev[FBK__EV_CHANNEL][i] = 1020;
        f->ev[FBK__EV_N_LINES][i] = 1;
        f->ln[FBK__LN_ITEM][i] = item;
        f->ln[FBK__LN_PRICE][i] = item * 10000 + 10000 * !fbk__rng_below(&rng, 30);
        (void)snprintf(id, sizeof id, "till%u-%06u", till, counts[till]++);
        tk_assert_ok(NULL, fbk__strings_add(&f->ids, id, strlen(id)));
        tk_assert_ok(NULL, fbk__strings_add(&f->orders, "", 0));
        f->n.events++;
        f->n.lines++;
    }
}

static void
assert_guesses(const fbk__guess *g, const fbk__frame *f)
{
    uint32_t right[4] = {0, 0, 0, 0};
    int64_t furthest = 0;

    for (uint32_t i = 0; i < f->n.events; i++) {
        int64_t arrival = f->ev[FBK__EV_ARRIVAL][i];
        int64_t received = fbk__guess_at(&g->received, arrival);
        int64_t guessed = fbk__guess_at(&g->arrival, f->ev[FBK__EV_OCCURRED][i]);
        int64_t source = f->ev[FBK__EV_SOURCE][i];
        const char *prefix = NULL;
        size_t len = 0;
        const fbk__guess_series *s = fbk__guess_series_of(g, source, &prefix, &len);
        int64_t value;
        int64_t counter;

        ck_assert_ptr_nonnull(s);
        ck_assert_uint_eq(s->digits, 6);
        ck_assert(len >= 6 && memcmp(prefix, f->ids.bytes + f->ids.offsets[i], len) == 0);
        (void)fbk__guess_digits(f->ids.bytes + f->ids.offsets[i],
                                f->ids.offsets[i + 1] - f->ids.offsets[i], &value);
        counter = fbk__guess_at(&s->points, arrival);
        furthest = llabs(counter - value) > furthest ? llabs(counter - value) : furthest;
        right[0] += llabs(guessed - arrival) <= 1;
        right[1] += llabs(received - f->ev[FBK__EV_RECEIVED][i]) <= SECOND / 100;
        right[2] += fbk__guess_of(&g->lists[FBK__GUESS_PLACE], source) == f->ev[FBK__EV_PLACE][i];
        right[3] += fbk__guess_of(&g->lists[FBK__GUESS_PRICE], f->ln[FBK__LN_ITEM][i]) ==
                    f->ln[FBK__LN_PRICE][i];
    }
    ck_assert_uint_gt(right[0], f->n.events * 95 / 100);
    ck_assert_uint_gt(right[1], f->n.events * 95 / 100);
    ck_assert_uint_eq(right[2], f->n.events);
    ck_assert_uint_gt(right[3], f->n.events * 90 / 100);
    ck_assert_int_lt(furthest, 60);
}

static void
round_trip(const fbk__guess *g, fbk__guess *back)
{
    fbk__reader in;

    fbk__buf_clear(&out);
    tk_assert_ok(NULL, fbk__guess_put(&codec, &out, g));
    in = (fbk__reader){(unsigned char *)out.data, (unsigned char *)out.data + out.len, false};
    fbk__guess_init(back, NULL);
    tk_assert_ok(NULL, fbk__guess_get(&codec, &in, back));
    ck_assert(in.p == in.end);
}

START_TEST(what_is_learnt_is_nearly_right)
{
    fbk__guess g;
    fbk__guess back;

    fbk__guess_init(&g, NULL);
    fill(&frame, 0, N);
    tk_assert_ok(NULL, fbk__guess_learn(&g, &frame));
    tk_assert_ok(NULL, fbk__guess_ready(&g));
    assert_guesses(&g, &frame);
    ck_assert_int_eq(fbk__guess_of(&g.lists[FBK__GUESS_PRICE], -1), 0);
    ck_assert_int_eq(fbk__guess_of(&g.lists[FBK__GUESS_PRICE], INT64_MAX), 0);
    round_trip(&g, &back);
    assert_guesses(&back, &frame);
    fbk__guess_free(&g);
    fbk__guess_free(&back);
}
END_TEST

START_TEST(what_inputs_know_is_taken_over)
{
    fbk__guess g;
    fbk__guess part;

    fbk__guess_init(&g, NULL);
    for (uint32_t i = 0; i < 4; i++) {
        fbk__guess_init(&part, NULL);
        fill(&frame, i * N, N);
        tk_assert_ok(NULL, fbk__guess_learn(&part, &frame));
        tk_assert_ok(NULL, fbk__guess_ready(&part));
        tk_assert_ok(NULL, fbk__guess_join(&g, &part, N));
        fbk__guess_free(&part);
    }
    tk_assert_ok(NULL, fbk__guess_ready(&g));
    assert_guesses(&g, &frame);
    fbk__guess_free(&g);
}
END_TEST

/* What is remembered once is known as well as what is remembered often. */
START_TEST(squeezing_changes_nothing)
{
    fbk__guess g[2];
    fbk__buf bytes[2];

    for (int squeeze = 0; squeeze < 2; squeeze++) {
        fbk__rng_seed(&rng, 5);
        fbk__guess_init(&g[squeeze], NULL);
        fbk__buf_init(&bytes[squeeze], NULL);
        for (uint32_t i = 0; i < 4; i++) {
            fbk__guess part;

            fbk__guess_init(&part, NULL);
            fill(&frame, i * N, N);
            tk_assert_ok(NULL, fbk__guess_learn(&part, &frame));
            tk_assert_ok(NULL, fbk__guess_ready(&part));
            tk_assert_ok(NULL, fbk__guess_join(&g[squeeze], &part, N));
            fbk__guess_free(&part);
            if (squeeze) {
                size_t before = g[1].lessons.n_entries;

                tk_assert_ok(NULL, fbk__guess_squeeze(&g[1]));
                ck_assert(i == 0 || g[1].lessons.n_entries < before);
            }
        }
        tk_assert_ok(NULL, fbk__guess_ready(&g[squeeze]));
        tk_assert_ok(NULL, fbk__guess_put(&codec, &bytes[squeeze], &g[squeeze]));
    }
    ck_assert_uint_eq(bytes[0].len, bytes[1].len);
    ck_assert(memcmp(bytes[0].data, bytes[1].data, bytes[0].len) == 0);
    for (int i = 0; i < 2; i++) {
        fbk__guess_free(&g[i]);
        fbk__buf_free(&bytes[i]);
    }
}
END_TEST

/* An id of somebody's own must not live on as a prefix. */
START_TEST(few_ids_make_no_series)
{
    fbk__guess g;
    const char *prefix;
    size_t len;

    fbk__guess_init(&g, NULL);
    fill(&frame, 0, 20);
    tk_assert_ok(NULL, fbk__guess_learn(&g, &frame));
    tk_assert_ok(NULL, fbk__guess_ready(&g));
    ck_assert_uint_eq(g.n_series, 0);
    ck_assert_uint_eq(g.prefixes.n, 0);
    ck_assert_ptr_null(fbk__guess_series_of(&g, 1000, &prefix, &len));
    fbk__guess_free(&g);
}
END_TEST

/* Columns told by a guess are as they were, however wrong the guess is. */
START_TEST(frames_round_trip_by_any_guess)
{
    fbk__guess g;
    fbk__frame back;
    fbk__reader in;

    fbk__guess_init(&g, NULL);
    fill(&frame, 0, N);
    tk_assert_ok(NULL, fbk__guess_learn(&g, &frame));
    tk_assert_ok(NULL, fbk__guess_ready(&g));
    fbk__frame_init(&back, NULL);
    for (int round = 0; round < 4; round++) {
        if (round)
            fill(&frame, (uint32_t)round * 100000, 500);
        for (uint32_t i = 0; round == 2 && i < 500; i++) {
            frame.ev[FBK__EV_OCCURRED][i] = (int64_t)fbk__rng_u64(&rng);
            frame.ev[FBK__EV_RECEIVED][i] = (int64_t)fbk__rng_u64(&rng);
            frame.ev[FBK__EV_PLACE][i] = (int64_t)fbk__rng_u64(&rng);
            frame.ln[FBK__LN_ITEM][i] = (int64_t)fbk__rng_u64(&rng);
            frame.ln[FBK__LN_PRICE][i] = (int64_t)fbk__rng_u64(&rng);
        }
        for (uint32_t i = 0; round == 3 && i < 500; i += 9) /* some, not of the series */
            frame.ids.bytes[frame.ids.offsets[i]] = 'T';
        for (uint32_t i = 0; round == 2 && i < 500; i += 2) /* too many */
            frame.ids.bytes[frame.ids.offsets[i]] = 'T';
        frame.guess = &g;
        fbk__buf_clear(&out);
        tk_assert_ok(NULL, fbk__frame_pack(&codec, &out, &frame));
        in = (fbk__reader){(unsigned char *)out.data, (unsigned char *)out.data + out.len, false};
        back.guess = &g;
        tk_assert_ok(NULL, fbk__frame_unpack(&codec, &in, &back));
        for (int k = 0; k < FBK__N_EV; k++)
            ck_assert(memcmp(back.ev[k], frame.ev[k], frame.n.events * 8ul) == 0);
        for (int k = 0; k < FBK__N_LN; k++)
            ck_assert(memcmp(back.ln[k], frame.ln[k], frame.n.lines * 8ul) == 0);
        ck_assert_uint_eq(back.ids.n, frame.ids.n);
        ck_assert(memcmp(back.ids.bytes, frame.ids.bytes, frame.ids.offsets[frame.ids.n]) == 0);
        /* What was told by a guess is damaged without it. */
        in = (fbk__reader){(unsigned char *)out.data, (unsigned char *)out.data + out.len, false};
        back.guess = NULL;
        if (round != 2)
            ck_assert_int_eq(fbk__frame_unpack(&codec, &in, &back), FBK_ECORRUPT);
    }
    fbk__frame_free(&back);
    fbk__guess_free(&g);
}
END_TEST

/* Ids of some events of a frame, those among them that are of no series. */
START_TEST(parts_have_their_ids)
{
    const uint32_t columns = fbk__frame_needs(1u << FBK__FC_IDS);
    fbk__guess g;
    fbk__frame back;

    fbk__guess_init(&g, NULL);
    fill(&frame, 0, N);
    tk_assert_ok(NULL, fbk__guess_learn(&g, &frame));
    tk_assert_ok(NULL, fbk__guess_ready(&g));
    for (uint32_t i = 0; i < N; i += 1 + (uint32_t)fbk__rng_below(&rng, 15))
        frame.ids.bytes[frame.ids.offsets[i]] = 'T';
    frame.guess = &g;
    fbk__frame_init(&back, NULL);
    for (int round = 0; round < 50; round++) {
        uint32_t from = (uint32_t)fbk__rng_below(&rng, N);
        uint32_t n = 1 + (uint32_t)fbk__rng_below(&rng, round % 2 ? 20 : N - from);
        fbk__frame_part part = {.all = frame.n, .first = {.events = from}, .n = {.events = n}};

        if (n > N - from)
            part.n.events = n = N - from;
        fbk__frame_clear(&back);
        tk_assert_ok(NULL, fbk__frame_reserve(&back, part.n));
        back.guess = &g;
        for (int k = 0; k < FBK__N_FC; k++) {
            unsigned column = fbk__frame_layout[k];

            if (!(columns & 1u << column))
                continue;
            fbk__buf_clear(&out);
            tk_assert_ok(NULL, fbk__frame_put(&codec, &out, &frame, column));
            tk_assert_ok(NULL,
                         fbk__frame_get_part(&codec, &back, column, out.data, out.len, &part));
        }
        ck_assert_uint_eq(back.ids.n, n);
        ck_assert_uint_eq(back.ids.offsets[n],
                          frame.ids.offsets[from + n] - frame.ids.offsets[from]);
        ck_assert(memcmp(back.ids.bytes, frame.ids.bytes + frame.ids.offsets[from],
                         back.ids.offsets[n]) == 0);
        ck_assert_uint_lt(out.len, N * 2);
    }
    fbk__frame_free(&back);
    fbk__guess_free(&g);
}
END_TEST

START_TEST(damage_is_survived)
{
    fbk__guess g;
    fbk__guess back;

    fbk__guess_init(&g, NULL);
    fill(&frame, 0, N);
    tk_assert_ok(NULL, fbk__guess_learn(&g, &frame));
    tk_assert_ok(NULL, fbk__guess_ready(&g));
    fbk__buf_clear(&out);
    tk_assert_ok(NULL, fbk__guess_put(&codec, &out, &g));
    fbk__guess_free(&g);
    for (size_t round = 0; round < out.len + 3000; round++) {
        size_t len = round < out.len ? round : out.len;
        fbk__reader in = {(unsigned char *)out.data, (unsigned char *)out.data + len, false};
        size_t at = fbk__rng_below(&rng, out.len);
        char was = out.data[at];
        fbk_status rc;

        if (round >= out.len)
            out.data[at] = (char)fbk__rng_u64(&rng);
        fbk__guess_init(&back, NULL);
        rc = fbk__guess_get(&codec, &in, &back);
        if (rc >= 0)
            (void)fbk__guess_at(&back.arrival, INT64_C(1700000000) * SECOND);
        ck_assert(rc == FBK_OK || rc == FBK_ECORRUPT);
        ck_assert(round >= out.len || rc == FBK_ECORRUPT);
        fbk__guess_free(&back);
        out.data[at] = was;
        codec.scratch_used = 0;
    }
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    tk_alloc a;
    int64_t k = 0;

    fill(&frame, 0, 600);
    tk_alloc_init(&a);
    for (;; k++) {
        fbk__guess g;
        fbk__guess joined;
        fbk_status rc;

        a.n_calls = 0;
        a.fail_at = k;
        fbk__guess_init(&g, &a.allocator);
        fbk__guess_init(&joined, &a.allocator);
        rc = fbk__guess_learn(&g, &frame);
        if (rc >= 0)
            rc = fbk__guess_ready(&g);
        if (rc >= 0)
            rc = fbk__guess_join(&joined, &g, 600);
        if (rc >= 0)
            rc = fbk__guess_squeeze(&joined);
        if (rc >= 0)
            rc = fbk__guess_ready(&joined);
        fbk__guess_free(&g);
        fbk__guess_free(&joined);
        ck_assert_int_eq(a.n_live, 0);
        if (rc >= 0)
            break;
        ck_assert_int_eq(rc, FBK_ENOMEM);
    }
    ck_assert_int_gt(k, 20);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("guess");
    TCase *tc = tcase_create("guess");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_learnt_is_nearly_right);
    tcase_add_test(tc, what_inputs_know_is_taken_over);
    tcase_add_test(tc, squeezing_changes_nothing);
    tcase_add_test(tc, few_ids_make_no_series);
    tcase_add_test(tc, frames_round_trip_by_any_guess);
    tcase_add_test(tc, parts_have_their_ids);
    tcase_add_test(tc, damage_is_survived);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
