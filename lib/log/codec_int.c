/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/codec_int.h"

#include <string.h>

#include <zstd.h>

#include "base/sort.h"
#include "log/bits.h"
#include "log/huff.h"

void
fbk__codec_init(fbk__codec *c, const fbk_allocator *a)
{
    memset(c, 0, sizeof *c);
    c->a = a;
    fbk__intern_init(&c->words, a, UINT64_C(0x2545f4914f6cdd1d));
    fbk__buf_init(&c->bytes, a);
    fbk__buf_init(&c->frame_bytes, a);
}

void
fbk__codec_free(fbk__codec *c)
{
    for (size_t i = 0; i < FBK__CODEC_SCRATCH; i++)
        fbk__free(c->a, c->scratch[i]);
    fbk__free(c->a, c->slots);
    fbk__intern_free(&c->words);
    fbk__buf_free(&c->bytes);
    fbk__buf_free(&c->frame_bytes);
    (void)ZSTD_freeCCtx(c->zstd_c);
    (void)ZSTD_freeDCtx(c->zstd_d);
    fbk__codec_init(c, c->a);
}

/* -- what the values look like ----------------------------------------------------------------- */

/* Bounds are of all values, what else there is of a sample: it decides which encoding is chosen,
 * not whether it is right. */
typedef struct shape {
    int64_t min, max;
    int64_t delta_min, delta_max;
    size_t runs;     /* of equal neighbours */
    uint64_t factor; /* divides every value - min; 0 when all are equal */
    size_t n_sample;
    size_t widths[65];        /* values - min by bits */
    size_t zigzag_widths[65]; /* sign folded into the lowest bit, by bits */
    size_t delta_widths[65];  /* differences of neighbours, zigzag, by bits */
} shape;

enum { SAMPLE = 128 };

static uint64_t
gcd(uint64_t x, uint64_t y)
{
    while (y) {
        uint64_t r = x % y;

        x = y;
        y = r;
    }
    return x;
}

static uint64_t
zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static bool
all_equal(const int64_t *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (v[i] != v[0])
            return false;
    }
    return true;
}

/* The number that an odd one times gives 1, modulo 2^64: dividing what it divides is a product. */
static uint64_t
inverse(uint64_t odd)
{
    uint64_t x = odd; /* right in three bits; each step doubles them */

    for (int i = 0; i < 5; i++)
        x *= 2 - odd * x;
    return x;
}

static bool
divides_all(uint64_t factor, const int64_t *v, size_t n, int64_t min)
{
    unsigned shift = (unsigned)__builtin_ctzll(factor);
    uint64_t times = inverse(factor >> shift);
    uint64_t most = UINT64_MAX / (factor >> shift);
    uint64_t low = (UINT64_C(1) << shift) - 1;
    uint64_t bad = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t k = (uint64_t)v[i] - (uint64_t)min;

        bad |= (k & low) | (uint64_t)(k * times > most);
    }
    return !bad;
}

static void
shape_sample(const int64_t *v, size_t n, shape *s)
{
    size_t step = (n + SAMPLE - 1) / SAMPLE;

    for (size_t at = 0; at < n; at += step) {
        size_t jump = (at * 0x9e37 >> 4) % step; /* in step with nothing */
        size_t i = at + jump < n ? at + jump : at;
        uint64_t k = (uint64_t)v[i] - (uint64_t)s->min;
        int64_t delta = i + 1 < n ? (int64_t)((uint64_t)v[i + 1] - (uint64_t)v[i]) : 0;

        s->widths[fbk__bits_width(k)]++;
        s->zigzag_widths[fbk__bits_width(zigzag(v[i]))]++;
        s->delta_widths[fbk__bits_width(zigzag(delta))]++;
        s->n_sample++;
        if (s->factor != 1)
            s->factor = gcd(k, s->factor);
    }
    if (s->factor == 0) /* a sample of equals */
        s->factor = (uint64_t)s->max - (uint64_t)s->min;
    if (s->factor > 1 && !divides_all(s->factor, v, n, s->min))
        s->factor = 1;
}

static void
shape_of(const int64_t *v, size_t n, shape *s)
{
    int64_t min = v[0];
    int64_t max = v[0];
    int64_t delta_min = INT64_MAX;
    int64_t delta_max = INT64_MIN;
    size_t runs = 1;

    memset(s, 0, sizeof *s);
    for (size_t i = 1; i < n; i++) {
        int64_t delta = (int64_t)((uint64_t)v[i] - (uint64_t)v[i - 1]);

        min = v[i] < min ? v[i] : min;
        max = v[i] > max ? v[i] : max;
        delta_min = delta < delta_min ? delta : delta_min;
        delta_max = delta > delta_max ? delta : delta_max;
        runs += delta != 0;
    }
    s->min = min;
    s->max = max;
    s->delta_min = delta_min;
    s->delta_max = delta_max;
    s->runs = runs;
    shape_sample(v, n, s);
}

/* Best number of low bits when what is wider goes apart, for n values that need at most `top` bits
 * and of which a sample has these widths; *out_bytes is about the size. An exception costs its
 * distance (a byte or two) and its high bits; more than one in eight are not worth it. */
static unsigned
patch_width(const size_t *widths, size_t n_sample, unsigned top, size_t n, size_t *out_bytes)
{
    unsigned best = top;
    size_t above = 0;

    *out_bytes = fbk__bits_size(n, top) + 1;
    for (unsigned w = top; w-- > 0;) {
        size_t many;
        size_t size;

        above += widths[w + 1];
        if (above * 8 > n_sample)
            break;
        many = above * n / n_sample;
        size = fbk__bits_size(n, w) + many + fbk__bits_size(many, top - w) + 12;
        if (size < *out_bytes) {
            *out_bytes = size;
            best = w;
        }
    }
    return best;
}

/* -- distinct values --------------------------------------------------------------------------- */

/* Number each value by its first appearance; the distinct ones go to words, at most `most` of them.
 * Returns how many, most + 1 when there are more, SIZE_MAX when out of memory. */
static size_t
distinct(fbk__codec *c, const int64_t *v, size_t n, size_t most, int64_t *words, int64_t *numbers)
{
    size_t cap = 64;
    size_t found = 0;

    while (cap < most * 2)
        cap *= 2;
    if (!fbk__grow(c->a, &c->slots, &c->slot_cap, cap, sizeof *c->slots))
        return SIZE_MAX;
    memset(c->slots, 0, cap * sizeof *c->slots);
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)(((uint64_t)v[i] * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (cap - 1);

        while (c->slots[at] && words[c->slots[at] - 1] != v[i])
            at = (at + 1) & (cap - 1);
        if (!c->slots[at]) {
            if (found == most)
                return most + 1;
            words[found] = v[i];
            c->slots[at] = (uint32_t)++found;
        }
        numbers[i] = c->slots[at] - 1;
    }
    return found;
}

/* -- encoding ---------------------------------------------------------------------------------- */

static fbk_status
put_ints(fbk__codec *c, fbk__buf *out, const int64_t *v, size_t n, int depth);

static fbk_status
put_packed(fbk__codec *c, fbk__buf *out, const int64_t *v, size_t n, int64_t min, unsigned width)
{
    unsigned mark = c->scratch_used;
    uint64_t *k = (uint64_t *)push(c, n);

    if (!k)
        return FBK_ENOMEM;
    fbk__buf_uvarint(out, PACK);
    fbk__buf_svarint(out, min);
    fbk__buf_uvarint(out, width);
    for (size_t i = 0; i < n; i++)
        k[i] = (uint64_t)v[i] - (uint64_t)min;
    fbk__bits_put(out, k, n, width);
    pop_to(c, mark);
    return FBK_OK;
}

/* The values less their base, or zigzag; `width` low bits of each, what is wider apart. */
static fbk_status
put_patched(fbk__codec *c, fbk__buf *out, const int64_t *v, size_t n, const shape *s, bool folded,
            unsigned width, unsigned top)
{
    uint64_t mask = (UINT64_C(1) << width) - 1; /* width < 64: there are wider ones */
    unsigned mark = c->scratch_used;
    uint64_t *k = (uint64_t *)push(c, n);
    uint64_t *high = (uint64_t *)push(c, n);
    int64_t *where = push(c, n);
    size_t n_high = 0;

    if (!k || !high || !where) {
        pop_to(c, mark);
        return FBK_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t x = folded ? zigzag(v[i]) : (uint64_t)v[i] - (uint64_t)s->min;

        k[i] = x & mask;
        if (x >> width) {
            where[n_high] = (int64_t)i;
            high[n_high++] = x >> width;
        }
    }
    if (n_high * 4 > n) { /* the sample was not like the rest */
        pop_to(c, mark);
        return put_packed(c, out, v, n, s->min,
                          fbk__bits_width((uint64_t)s->max - (uint64_t)s->min));
    }
    fbk__buf_uvarint(out, folded ? ZIGZAG : PATCH);
    if (!folded)
        fbk__buf_svarint(out, s->min);
    fbk__buf_uvarint(out, width);
    fbk__buf_uvarint(out, top - width);
    fbk__buf_uvarint(out, n_high);
    for (size_t i = 0; i < n_high; i++)
        fbk__buf_uvarint(out, (uint64_t)(where[i] - (i ? where[i - 1] : 0)));
    fbk__bits_put(out, high, n_high, top - width);
    fbk__bits_put(out, k, n, width);
    pop_to(c, mark);
    return FBK_OK;
}

static fbk_status
put_scaled(fbk__codec *c, fbk__buf *out, const int64_t *v, size_t n, const shape *s, int depth)
{
    unsigned shift = (unsigned)__builtin_ctzll(s->factor);
    uint64_t times = inverse(s->factor >> shift);
    unsigned mark = c->scratch_used;
    int64_t *k = push(c, n);
    fbk_status rc;

    if (!k)
        return FBK_ENOMEM;
    fbk__buf_uvarint(out, SCALE);
    fbk__buf_svarint(out, s->min);
    fbk__buf_uvarint(out, s->factor);
    for (size_t i = 0; i < n; i++)
        k[i] = (int64_t)((((uint64_t)v[i] - (uint64_t)s->min) >> shift) * times);
    rc = put_ints(c, out, k, n, depth + 1);
    pop_to(c, mark);
    return rc;
}

static fbk_status
put_deltas(fbk__codec *c, fbk__buf *out, const int64_t *v, size_t n, int depth)
{
    unsigned mark = c->scratch_used;
    int64_t *d = push(c, n);
    fbk_status rc;

    if (!d)
        return FBK_ENOMEM;
    fbk__buf_uvarint(out, DELTA);
    fbk__buf_svarint(out, v[0]);
    for (size_t i = 1; i < n; i++)
        d[i - 1] = (int64_t)((uint64_t)v[i] - (uint64_t)v[i - 1]);
    rc = put_ints(c, out, d, n - 1, depth + 1);
    pop_to(c, mark);
    return rc;
}

static fbk_status
put_runs(fbk__codec *c, fbk__buf *out, const int64_t *v, size_t n, size_t n_runs, int depth)
{
    unsigned mark = c->scratch_used;
    int64_t *values = push(c, n_runs);
    int64_t *lengths = push(c, n_runs);
    fbk_status rc = FBK_ENOMEM;
    size_t r = 0;

    if (!values || !lengths)
        goto out;
    fbk__buf_uvarint(out, RLE);
    fbk__buf_uvarint(out, n_runs);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || v[i] != v[i - 1]) {
            values[r] = v[i];
            lengths[r++] = 0;
        }
        lengths[r - 1]++;
    }
    rc = put_ints(c, out, values, n_runs, depth + 1);
    if (rc >= 0)
        rc = put_ints(c, out, lengths, n_runs, depth + 1);
out:
    pop_to(c, mark);
    return rc;
}

/* Of small numbers, the common ones in few bits. */
static fbk_status
put_huffman(fbk__codec *c, fbk__buf *out, const int64_t *numbers, size_t n, const uint8_t *lengths,
            size_t k)
{
    unsigned mark = c->scratch_used;
    int64_t *v = push(c, k);
    fbk_status rc = FBK_ENOMEM;

    if (v) {
        fbk__buf_uvarint(out, HUFFMAN);
        fbk__buf_uvarint(out, k);
        for (size_t i = 0; i < k; i++)
            v[i] = lengths[i];
        rc = put_ints(c, out, v, k, MAX_DEPTH);
        fbk__buf_clear(&c->bytes);
        fbk__huff_put(&c->bytes, numbers, n, lengths, (unsigned)k);
        fbk__buf_uvarint(out, c->bytes.len);
        fbk__buf_add(out, c->bytes.data, c->bytes.len);
        if (c->bytes.failed)
            rc = FBK_ENOMEM;
    }
    pop_to(c, mark);
    return rc;
}

/* words[0..k): distinct values, numbers[0..n): where each row's stands. The dictionary is stored
 * sorted, so that its differences are small and numbers keep the order of the values. */
static fbk_status
sort_words(fbk__codec *c, int64_t *words, size_t k, int64_t *numbers, size_t n)
{
    unsigned mark = c->scratch_used;
    fbk__sort_item *items = (fbk__sort_item *)(void *)push(c, 2 * k);
    int64_t *rank = push(c, k);

    if (!items || !rank)
        return FBK_ENOMEM;
    for (size_t i = 0; i < k; i++)
        items[i] = (fbk__sort_item){fbk__sort_key_int(words[i]), (uint32_t)i, 0};
    if (!fbk__sort_items(c->a, items, k))
        return FBK_ENOMEM;
    for (size_t i = 0; i < k; i++) {
        rank[items[i].row] = (int64_t)i;
        words[i] = (int64_t)(items[i].key ^ UINT64_C(1) << 63);
    }
    for (size_t i = 0; i < n; i++)
        numbers[i] = rank[numbers[i]];
    pop_to(c, mark);
    return FBK_OK;
}

/* Code lengths of numbers[0..n), all below k, and the bytes that they take so. */
static size_t
huffman_bytes(const int64_t *numbers, size_t n, size_t k, uint8_t *lengths)
{
    uint32_t counts[FBK__HUFF_SYMBOLS] = {0};
    size_t bits = 0;

    for (size_t i = 0; i < n; i++)
        counts[numbers[i]]++;
    fbk__huff_lengths(counts, (unsigned)k, lengths);
    for (size_t i = 0; i < k; i++)
        bits += counts[i] * lengths[i];
    return bits / 8 + k / 2 + 8;
}

static fbk_status
put_dictionary(fbk__codec *c, fbk__buf *out, int64_t *words, size_t k, int64_t *numbers, size_t n,
               const uint8_t *lengths, int depth)
{
    fbk_status rc;

    fbk__buf_uvarint(out, DICT);
    fbk__buf_uvarint(out, k);
    rc = put_ints(c, out, words, k, MAX_DEPTH - 1);
    if (rc < 0)
        return rc;
    return lengths ? put_huffman(c, out, numbers, n, lengths, k)
                   : put_ints(c, out, numbers, n, depth + 1);
}

/* Are there so many different values that a dictionary cannot pay? Judged by 64 of them. */
static bool
looks_distinct(const int64_t *v, size_t n)
{
    enum { ASKED = 64, SLOTS = 256 };
    int64_t slots[SLOTS];
    uint8_t used[SLOTS] = {0};
    unsigned found = 0;

    if (n < 4 * ASKED)
        return false;
    for (size_t i = 0; i < ASKED; i++) {
        int64_t x = v[i * (n / ASKED)];
        unsigned at = (unsigned)((uint64_t)x * UINT64_C(0x9e3779b97f4a7c15) >> 56);

        while (used[at] && slots[at] != x)
            at = (at + 1) % SLOTS;
        found += !used[at];
        used[at] = 1;
        slots[at] = x;
    }
    return found > ASKED - 3;
}

/* A dictionary when so few distinct values are there that it beats `bytes`; FBK_DONE = it does not.
 * Sorted words cost about the logarithm of their mean gap. */
static fbk_status
try_dictionary(fbk__codec *c, fbk__buf *out, const int64_t *v, size_t n, const shape *s,
               size_t bytes, int depth)
{
    unsigned mark = c->scratch_used;
    uint64_t range = (uint64_t)s->max - (uint64_t)s->min;
    size_t most = n / 2;
    uint8_t lengths[FBK__HUFF_SYMBOLS];
    size_t packed = SIZE_MAX;
    size_t huffman = SIZE_MAX;
    int64_t *words;
    int64_t *numbers;
    size_t k;
    fbk_status rc = FBK_ENOMEM;

    if (looks_distinct(v, n))
        return FBK_DONE;
    words = push(c, most + 1);
    numbers = words ? push(c, n) : NULL;
    k = numbers ? distinct(c, v, n, most, words, numbers) : SIZE_MAX;
    if (k != SIZE_MAX)
        rc = k > most ? FBK_DONE : sort_words(c, words, k, numbers, n);
    if (rc == FBK_OK) {
        size_t dictionary = 8 + fbk__bits_size(k, fbk__bits_width(range / k) + 2);

        packed = dictionary + fbk__bits_size(n, fbk__bits_width(k - 1));
        if (k <= FBK__HUFF_SYMBOLS)
            huffman = dictionary + huffman_bytes(numbers, n, k, lengths);
        packed = packed < bytes ? packed : bytes;
        if (huffman < packed - packed / 8) /* it is slower to read */
            rc = put_dictionary(c, out, words, k, numbers, n, lengths, depth);
        else if (packed < bytes)
            rc = put_dictionary(c, out, words, k, numbers, n, NULL, depth);
        else
            rc = FBK_DONE;
    }
    pop_to(c, mark);
    return rc;
}

/* Bits of the larger of two, the sign folded in. */
static unsigned
zigzag_top(int64_t x, int64_t y)
{
    unsigned a = fbk__bits_width(zigzag(x));
    unsigned b = fbk__bits_width(zigzag(y));

    return a > b ? a : b;
}

/* Bytes of the differences, by range or with exceptions apart. */
static size_t
delta_bytes(const shape *s, size_t n)
{
    unsigned width = fbk__bits_width((uint64_t)s->delta_max - (uint64_t)s->delta_min);
    size_t by_range = fbk__bits_size(n, width);
    size_t patched;

    (void)patch_width(s->delta_widths, s->n_sample, zigzag_top(s->delta_min, s->delta_max), n,
                      &patched);
    return patched < by_range ? patched : by_range;
}

/* The best of PACK, PATCH and ZIGZAG; its size. */
static size_t
flat_bytes(const shape *s, size_t n, uint64_t *out_code, unsigned *out_width, unsigned *out_top)
{
    unsigned top = fbk__bits_width((uint64_t)s->max - (uint64_t)s->min);
    unsigned folded_top = zigzag_top(s->min, s->max);
    size_t packed = fbk__bits_size(n, top);
    size_t patched;
    size_t folded;
    unsigned low = patch_width(s->widths, s->n_sample, top, n, &patched);
    unsigned folded_low = patch_width(s->zigzag_widths, s->n_sample, folded_top, n, &folded);

    *out_code = PACK;
    *out_width = *out_top = top;
    if (patched < packed && patched <= folded && low < top) {
        *out_code = PATCH;
        *out_width = low;
        return patched;
    }
    if (folded < packed && folded_low < folded_top) {
        *out_code = ZIGZAG;
        *out_width = folded_low;
        *out_top = folded_top;
        return folded;
    }
    return packed;
}

static fbk_status
put_ints(fbk__codec *c, fbk__buf *out, const int64_t *v, size_t n, int depth)
{
    shape s;
    uint64_t code;
    unsigned width;
    unsigned top;
    size_t flat;
    fbk_status rc;

    if (n == 0)
        return FBK_OK;
    if (all_equal(v, n)) {
        fbk__buf_uvarint(out, CONST_);
        fbk__buf_svarint(out, v[0]);
        return FBK_OK;
    }
    shape_of(v, n, &s);
    flat = flat_bytes(&s, n, &code, &width, &top);
    if (depth < MAX_DEPTH && n > 8) {
        if (s.runs * 4 < n)
            return put_runs(c, out, v, n, s.runs, depth);
        if (s.factor > 1)
            return put_scaled(c, out, v, n, &s, depth);
        if (delta_bytes(&s, n) + 8 < flat)
            return put_deltas(c, out, v, n, depth);
        rc = top > 2 ? try_dictionary(c, out, v, n, &s, flat, depth) : FBK_DONE;
        if (rc != FBK_DONE)
            return rc;
    }
    return code == PACK ? put_packed(c, out, v, n, s.min, top)
                        : put_patched(c, out, v, n, &s, code == ZIGZAG, width, top);
}

fbk_status
fbk__codec_put_ints(fbk__codec *c, fbk__buf *out, const int64_t *values, size_t n)
{
    fbk_status rc;

    if (n > FBK__CODEC_MAX_ROWS)
        return FBK_ETOOBIG;
    rc = put_ints(c, out, values, n, 0);
    return rc >= 0 && out->failed ? FBK_ENOMEM : rc;
}
