/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/frame.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "support/tk.h"

static fbk__codec codec;
static fbk__buf out;
static fbk__rng rng;

static void
setup(void)
{
    fbk__codec_init(&codec, NULL);
    fbk__buf_init(&out, NULL);
    fbk__rng_seed(&rng, 11);
}

static void
teardown(void)
{
    fbk__codec_free(&codec);
    fbk__buf_free(&out);
}

static int64_t
below(uint64_t n)
{
    return (int64_t)fbk__rng_below(&rng, n);
}

/* One event of a shop, now and then with everything at its limit. */
static void
add_event(fbk__frame *f, int64_t arrival)
{
    fbk__frame_size one = {1, (uint32_t)below(5), (uint32_t)(below(4) == 0), (uint32_t)below(4)};
    uint32_t at = f->n.events;
    char text[64];

    tk_assert_ok(NULL, fbk__frame_reserve(f, one));
    for (size_t k = 0; k < FBK__N_EV; k++)
        f->ev[k][at] = below(4);
    f->ev[FBK__EV_ARRIVAL][at] = arrival;
    f->ev[FBK__EV_OCCURRED][at] =
        below(100) ? INT64_C(1700000000000000) + below(1u << 30) : FBK_TIME_MIN;
    f->ev[FBK__EV_RECEIVED][at] = f->ev[FBK__EV_OCCURRED][at] + below(1000000);
    f->ev[FBK__EV_N_LINES][at] = one.lines;
    f->ev[FBK__EV_N_EXTRA][at] = one.extra;
    f->ev[FBK__EV_N_PROPS][at] = one.props;
    for (uint32_t i = f->n.lines; i < f->n.lines + one.lines; i++) {
        for (size_t k = 0; k < FBK__N_LN; k++)
            f->ln[k][i] = below(50) ? below(1000) : (int64_t)fbk__rng_u64(&rng);
        if (below(3))
            f->ln[FBK__LN_AMOUNT][i] = fbk__frame_expected_amount(
                f->ln[FBK__LN_QUANTITY][i], f->ln[FBK__LN_PRICE][i], f->ln[FBK__LN_DISCOUNT][i]);
    }
    if (one.extra)
        f->extra[f->n.extra] = 1 + below(1000);
    for (uint32_t i = 0; i < one.props; i++) {
        uint32_t p = f->n.props + i;

        f->prop_key[p] = 1000 + i;
        f->prop_type[p] = 1 + below(4); /* a key may change its type */
        f->prop_value[p] = (int64_t)fbk__rng_u64(&rng);
        if (f->prop_type[p] == FBK__PROP_TEXT) {
            f->prop_value[p] = (int64_t)f->texts.n;
            (void)sprintf(text, "value %d", (int)below(20));
            tk_assert_ok(NULL, fbk__strings_add(&f->texts, text, strlen(text)));
        }
    }
    (void)sprintf(text, "till3-%06d", (int)arrival);
    tk_assert_ok(NULL, fbk__strings_add(&f->ids, text, strlen(text)));
    tk_assert_ok(NULL, fbk__strings_add(&f->orders, text, below(3) ? 0 : strlen(text)));
    f->n.events++;
    f->n.lines += one.lines;
    f->n.extra += one.extra;
    f->n.props += one.props;
}

static void
assert_same_strings(const fbk__strings *x, const fbk__strings *y)
{
    ck_assert_uint_eq(x->n, y->n);
    for (size_t i = 0; i < x->n; i++) {
        size_t len = x->offsets[i + 1] - x->offsets[i];

        ck_assert_uint_eq(y->offsets[i + 1] - y->offsets[i], len);
        ck_assert(len == 0 || memcmp(x->bytes + x->offsets[i], y->bytes + y->offsets[i], len) == 0);
    }
}

static void
assert_same(const fbk__frame *x, const fbk__frame *y)
{
    ck_assert(memcmp(&x->n, &y->n, sizeof x->n) == 0);
    for (size_t k = 0; k < FBK__N_EV; k++)
        ck_assert(x->n.events == 0 || memcmp(x->ev[k], y->ev[k], 8ul * x->n.events) == 0);
    for (size_t k = 0; k < FBK__N_LN; k++)
        ck_assert(x->n.lines == 0 || memcmp(x->ln[k], y->ln[k], 8ul * x->n.lines) == 0);
    ck_assert(x->n.extra == 0 || memcmp(x->extra, y->extra, 8ul * x->n.extra) == 0);
    assert_same_strings(&x->ids, &y->ids);
    assert_same_strings(&x->orders, &y->orders);
    for (uint32_t i = 0; i < x->n.props; i++) {
        ck_assert_int_eq(x->prop_key[i], y->prop_key[i]);
        ck_assert_int_eq(x->prop_type[i], y->prop_type[i]);
        if (x->prop_type[i] != FBK__PROP_TEXT) {
            ck_assert_int_eq(x->prop_value[i], y->prop_value[i]);
            continue;
        }
        for (uint32_t k = 0; k < 2; k++) {
            const fbk__frame *f = k ? y : x;

            ck_assert_uint_lt((uint64_t)f->prop_value[i], f->texts.n);
        }
        ck_assert_uint_eq(
            x->texts.offsets[x->prop_value[i] + 1] - x->texts.offsets[x->prop_value[i]],
            y->texts.offsets[y->prop_value[i] + 1] - y->texts.offsets[y->prop_value[i]]);
        ck_assert(memcmp(x->texts.bytes + x->texts.offsets[x->prop_value[i]],
                         y->texts.bytes + y->texts.offsets[y->prop_value[i]],
                         x->texts.offsets[x->prop_value[i] + 1] -
                             x->texts.offsets[x->prop_value[i]]) == 0);
    }
}

START_TEST(frames_round_trip)
{
    fbk__frame f;
    fbk__frame back;
    fbk__frame copy;
    fbk__frame_index index;
    fbk__reader in;

    fbk__frame_init(&f, NULL);
    fbk__frame_init(&back, NULL);
    fbk__frame_init(&copy, NULL);
    for (int n = 0; n < _i * _i * 30; n++)
        add_event(&f, n);
    tk_assert_ok(NULL, fbk__frame_pack(&codec, &out, &f));
    in = (fbk__reader){(unsigned char *)out.data, (unsigned char *)out.data + out.len, false};
    tk_assert_ok(NULL, fbk__frame_unpack(&codec, &in, &back));
    ck_assert(in.p == in.end);
    assert_same(&f, &back);
    tk_assert_ok(NULL, fbk__frame_index_make(&back, &index));
    for (uint32_t i = 0; i < back.n.events; i++)
        tk_assert_ok(NULL, fbk__frame_copy(&copy, &back, &index, i));
    assert_same(&f, &copy);
    fbk__frame_index_free(&index, NULL);
    fbk__frame_free(&f);
    fbk__frame_free(&back);
    fbk__frame_free(&copy);
}
END_TEST

START_TEST(a_changed_byte_is_noticed)
{
    fbk__frame f;

    fbk__frame_init(&f, NULL);
    for (int n = 0; n < 40; n++)
        add_event(&f, n);
    tk_assert_ok(NULL, fbk__frame_pack(&codec, &out, &f));
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        fbk__reader in = {(unsigned char *)out.data, (unsigned char *)out.data + out.len, false};

        out.data[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert_int_eq(fbk__frame_unpack(&codec, &in, &f), FBK_ECORRUPT);
        out.data[bit / 8] ^= (char)(1 << bit % 8);
        codec.scratch_used = 0;
    }
    for (size_t len = 0; len < out.len; len++) {
        fbk__reader in = {(unsigned char *)out.data, (unsigned char *)out.data + len, false};

        ck_assert_int_eq(fbk__frame_unpack(&codec, &in, &f), FBK_ECORRUPT);
    }
    fbk__frame_free(&f);
}
END_TEST

START_TEST(columns_alone_give_what_the_whole_gives)
{
    fbk__frame f;

    fbk__frame_init(&f, NULL);
    for (int n = 0; n < 500; n++)
        add_event(&f, n);
    for (unsigned column = 0; column < FBK__N_FC; column++) {
        uint32_t needs = fbk__frame_needs(1u << column);
        fbk__frame one;

        fbk__frame_init(&one, NULL);
        tk_assert_ok(NULL, fbk__frame_reserve(&one, f.n));
        one.n = f.n;
        one.columns = 0;
        for (unsigned i = 0; i < FBK__N_FC; i++) {
            unsigned k = fbk__frame_layout[i];

            if (!(needs & 1u << k))
                continue;
            fbk__buf_clear(&out);
            tk_assert_ok(NULL, fbk__frame_put(&codec, &out, &f, k));
            tk_assert_ok(NULL, fbk__frame_get(&codec, &one, k, out.len ? out.data : NULL, out.len));
        }
        ck_assert_uint_eq(one.columns, needs);
        if (column < FBK__N_EV)
            ck_assert(memcmp(one.ev[column], f.ev[column], 8ul * f.n.events) == 0);
        else if (column < FBK__FC_EXTRA)
            ck_assert(memcmp(one.ln[column - FBK__FC_LINES], f.ln[column - FBK__FC_LINES],
                             8ul * f.n.lines) == 0);
        fbk__frame_free(&one);
    }
    fbk__frame_free(&f);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("frame");
    TCase *tc = tcase_create("frame");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, frames_round_trip, 0, 8);
    tcase_add_test(tc, a_changed_byte_is_noticed);
    tcase_add_test(tc, columns_alone_give_what_the_whole_gives);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
