/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/codec.h"

#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "log/bits.h"

/* First byte of every integer column. Stored: append only. */
enum { CONST_ = 0, PACK, PATCH, ZIGZAG, SCALE, DELTA, DICT, RLE };

/* How deep columns nest: a SCALE of a DELTA of a DICT of packed numbers, and no further. */
enum { MAX_DEPTH = 4 };

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

/* A stack of arrays: push() what is needed, pop_to() where it stood before. */
static int64_t *
push(fbk__codec *c, size_t n)
{
    unsigned i = c->scratch_used;

    if (i >= FBK__CODEC_SCRATCH ||
        !fbk__grow(c->a, &c->scratch[i], &c->scratch_cap[i], n + 1, sizeof(int64_t)))
        return NULL;
    c->scratch_used++;
    return c->scratch[i];
}

/* Back to where the stack stood at `mark`. */
static void
pop_to(fbk__codec *c, unsigned mark)
{
    c->scratch_used = mark;
}

/* -- what the values look like ----------------------------------------------------------------- */

typedef struct shape {
    int64_t min, max;
    uint64_t factor;          /* divides every value - min; 0 when all are equal */
    size_t runs;              /* of equal neighbours */
    size_t widths[65];        /* values - min by bits */
    size_t zigzag_widths[65]; /* sign folded into the lowest bit, by bits */
    size_t delta_widths[65];  /* differences of neighbours, zigzag, by bits */
    int64_t delta_min, delta_max;
} shape;

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

static void
shape_of(const int64_t *v, size_t n, shape *s)
{
    memset(s, 0, sizeof *s);
    s->min = s->max = v[0];
    s->runs = 1;
    s->delta_min = INT64_MAX;
    s->delta_max = INT64_MIN;
    for (size_t i = 1; i < n; i++) {
        int64_t delta = (int64_t)((uint64_t)v[i] - (uint64_t)v[i - 1]);

        s->min = v[i] < s->min ? v[i] : s->min;
        s->max = v[i] > s->max ? v[i] : s->max;
        s->delta_min = delta < s->delta_min ? delta : s->delta_min;
        s->delta_max = delta > s->delta_max ? delta : s->delta_max;
        s->runs += delta != 0;
        s->delta_widths[fbk__bits_width(zigzag(delta))]++;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t k = (uint64_t)v[i] - (uint64_t)s->min;

        s->widths[fbk__bits_width(k)]++;
        s->zigzag_widths[fbk__bits_width(zigzag(v[i]))]++;
        if (s->factor != 1)
            s->factor = gcd(k, s->factor);
    }
}

/* Best number of low bits when what is wider goes apart, for n values with these widths of at most
 * `top` bits; *out_bytes is the size. An exception costs its distance (a byte or two) and its high
 * bits; more than one in eight are not worth it. */
static unsigned
patch_width(const size_t *widths, unsigned top, size_t n, size_t *out_bytes)
{
    unsigned best = top;
    size_t above = 0;

    *out_bytes = fbk__bits_size(n, top) + 1;
    for (unsigned w = top; w-- > 0;) {
        size_t size;

        above += widths[w + 1];
        if (above * 8 > n)
            break;
        size = fbk__bits_size(n, w) + above + fbk__bits_size(above, top - w) + 12;
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

static int
compare_words(const void *x, const void *y)
{
    const int64_t *a = x;
    const int64_t *b = y;

    return (a[0] > b[0]) - (a[0] < b[0]);
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
    unsigned mark = c->scratch_used;
    int64_t *k = push(c, n);
    fbk_status rc;

    if (!k)
        return FBK_ENOMEM;
    fbk__buf_uvarint(out, SCALE);
    fbk__buf_svarint(out, s->min);
    fbk__buf_uvarint(out, s->factor);
    for (size_t i = 0; i < n; i++)
        k[i] = (int64_t)(((uint64_t)v[i] - (uint64_t)s->min) / s->factor);
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

/* words[0..k): distinct values, numbers[0..n): where each row's stands. The dictionary is stored
 * sorted, so that its differences are small and numbers keep the order of the values. */
static fbk_status
put_dictionary(fbk__codec *c, fbk__buf *out, int64_t *words, size_t k, int64_t *numbers, size_t n,
               int depth)
{
    unsigned mark = c->scratch_used;
    int64_t *pairs = push(c, 2 * k);
    int64_t *rank = push(c, k);
    fbk_status rc;

    if (!pairs || !rank) {
        pop_to(c, mark);
        return FBK_ENOMEM;
    }
    for (size_t i = 0; i < k; i++) {
        pairs[2 * i] = words[i];
        pairs[2 * i + 1] = (int64_t)i;
    }
    qsort(pairs, k, 2 * sizeof *pairs, compare_words);
    for (size_t i = 0; i < k; i++) {
        words[i] = pairs[2 * i];
        rank[pairs[2 * i + 1]] = (int64_t)i;
    }
    for (size_t i = 0; i < n; i++)
        numbers[i] = rank[numbers[i]];
    pop_to(c, mark);
    fbk__buf_uvarint(out, DICT);
    fbk__buf_uvarint(out, k);
    rc = put_ints(c, out, words, k, MAX_DEPTH - 1);
    return rc < 0 ? rc : put_ints(c, out, numbers, n, depth + 1);
}

/* A dictionary when so few distinct values are there that it beats `bytes`; FBK_DONE = it does not.
 * Sorted words cost about the logarithm of their mean gap. */
static fbk_status
try_dictionary(fbk__codec *c, fbk__buf *out, const int64_t *v, size_t n, const shape *s,
               size_t bytes, int depth)
{
    unsigned mark = c->scratch_used;
    size_t most = n / 2;
    int64_t *words = push(c, most + 1);
    int64_t *numbers = words ? push(c, n) : NULL;
    uint64_t range = (uint64_t)s->max - (uint64_t)s->min;
    fbk_status rc = FBK_ENOMEM;
    size_t size;
    size_t k;

    if (!numbers)
        goto out;
    k = distinct(c, v, n, most, words, numbers);
    if (k == SIZE_MAX)
        goto out;
    rc = FBK_DONE;
    if (k > most)
        goto out;
    size = 8 + fbk__bits_size(k, fbk__bits_width(range / k) + 2) +
           fbk__bits_size(n, fbk__bits_width(k - 1));
    if (size < bytes)
        rc = put_dictionary(c, out, words, k, numbers, n, depth);
out:
    pop_to(c, mark);
    return rc;
}

static unsigned
top_width(const size_t *widths)
{
    unsigned top = 64;

    while (top > 0 && !widths[top])
        top--;
    return top;
}

/* Bytes of the differences, by range or with exceptions apart. */
static size_t
delta_bytes(const shape *s, size_t n)
{
    unsigned width = fbk__bits_width((uint64_t)s->delta_max - (uint64_t)s->delta_min);
    size_t by_range = fbk__bits_size(n, width);
    size_t patched;

    (void)patch_width(s->delta_widths, top_width(s->delta_widths), n, &patched);
    return patched < by_range ? patched : by_range;
}

/* The best of PACK, PATCH and ZIGZAG; its size. */
static size_t
flat_bytes(const shape *s, size_t n, uint64_t *out_code, unsigned *out_width, unsigned *out_top)
{
    unsigned top = top_width(s->widths);
    unsigned folded_top = top_width(s->zigzag_widths);
    size_t packed = fbk__bits_size(n, top);
    size_t patched;
    size_t folded;
    unsigned low = patch_width(s->widths, top, n, &patched);
    unsigned folded_low = patch_width(s->zigzag_widths, folded_top, n, &folded);

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
    shape_of(v, n, &s);
    if (s.min == s.max) {
        fbk__buf_uvarint(out, CONST_);
        fbk__buf_svarint(out, s.min);
        return FBK_OK;
    }
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

/* -- decoding ---------------------------------------------------------------------------------- */

static fbk_status
get_ints(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, int depth);

static fbk_status
get_packed(fbk__reader *in, int64_t *out, size_t n)
{
    uint64_t base = (uint64_t)fbk__read_svarint(in);
    uint64_t width = fbk__read_uvarint(in);

    if (in->bad || width > 64)
        return FBK_ECORRUPT;
    fbk__bits_get(in, (uint64_t *)out, n, (unsigned)width);
    if (in->bad)
        return FBK_ECORRUPT;
    for (size_t i = 0; i < n; i++)
        out[i] = (int64_t)(base + (uint64_t)out[i]);
    return FBK_OK;
}

static fbk_status
get_patched(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, bool folded)
{
    uint64_t base = folded ? 0 : (uint64_t)fbk__read_svarint(in);
    uint64_t width = fbk__read_uvarint(in);
    uint64_t high_width = fbk__read_uvarint(in);
    uint64_t n_high = fbk__read_uvarint(in);
    unsigned mark = c->scratch_used;
    uint64_t *k = (uint64_t *)out;
    uint64_t *high;
    int64_t *where;
    uint64_t at = 0;

    if (in->bad || width > 63 || high_width > 64 - width || n_high > n)
        return FBK_ECORRUPT;
    where = push(c, n_high);
    high = (uint64_t *)push(c, n_high);
    pop_to(c, mark); /* nothing nests in here */
    if (!where || !high)
        return FBK_ENOMEM;
    for (uint64_t i = 0; i < n_high; i++) {
        uint64_t step = fbk__read_uvarint(in);

        if (in->bad || step >= n - at)
            return FBK_ECORRUPT;
        at += step;
        where[i] = (int64_t)at;
    }
    fbk__bits_get(in, high, n_high, (unsigned)high_width);
    fbk__bits_get(in, k, n, (unsigned)width);
    if (in->bad)
        return FBK_ECORRUPT;
    for (uint64_t i = 0; i < n_high; i++)
        k[where[i]] |= high[i] << width;
    for (size_t i = 0; i < n; i++)
        out[i] = folded ? (int64_t)(k[i] >> 1) ^ -(int64_t)(k[i] & 1) : (int64_t)(base + k[i]);
    return FBK_OK;
}

static fbk_status
get_scaled(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, int depth)
{
    uint64_t base = (uint64_t)fbk__read_svarint(in);
    uint64_t factor = fbk__read_uvarint(in);
    fbk_status rc = in->bad ? FBK_ECORRUPT : get_ints(c, in, out, n, depth + 1);

    for (size_t i = 0; rc >= 0 && i < n; i++)
        out[i] = (int64_t)(base + factor * (uint64_t)out[i]);
    return rc;
}

static fbk_status
get_deltas(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, int depth)
{
    fbk_status rc;

    out[0] = fbk__read_svarint(in);
    rc = in->bad ? FBK_ECORRUPT : get_ints(c, in, out + 1, n - 1, depth + 1);
    if (rc < 0)
        return rc;
    for (size_t i = 1; i < n; i++)
        out[i] = (int64_t)((uint64_t)out[i] + (uint64_t)out[i - 1]);
    return FBK_OK;
}

static fbk_status
get_dictionary(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, int depth)
{
    uint64_t k = fbk__read_uvarint(in);
    unsigned mark = c->scratch_used;
    int64_t *words;
    fbk_status rc;

    if (in->bad || k == 0 || k > n)
        return FBK_ECORRUPT;
    words = push(c, k);
    if (!words)
        return FBK_ENOMEM;
    rc = get_ints(c, in, words, k, depth + 1);
    if (rc >= 0)
        rc = get_ints(c, in, out, n, depth + 1);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        if ((uint64_t)out[i] >= k)
            rc = FBK_ECORRUPT;
        else
            out[i] = words[out[i]];
    }
    pop_to(c, mark);
    return rc;
}

static fbk_status
get_runs(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, int depth)
{
    uint64_t n_runs = fbk__read_uvarint(in);
    unsigned mark = c->scratch_used;
    int64_t *values;
    int64_t *lengths;
    size_t at = 0;
    fbk_status rc = FBK_ENOMEM;

    if (in->bad || n_runs == 0 || n_runs > n)
        return FBK_ECORRUPT;
    values = push(c, n_runs);
    lengths = values ? push(c, n_runs) : NULL;
    if (!lengths)
        goto out;
    rc = get_ints(c, in, values, n_runs, depth + 1);
    if (rc >= 0)
        rc = get_ints(c, in, lengths, n_runs, depth + 1);
    for (uint64_t r = 0; rc >= 0 && r < n_runs; r++) {
        if (lengths[r] < 0 || (uint64_t)lengths[r] > n - at) {
            rc = FBK_ECORRUPT;
            break;
        }
        for (int64_t i = 0; i < lengths[r]; i++)
            out[at++] = values[r];
    }
    if (rc >= 0 && at != n)
        rc = FBK_ECORRUPT;
out:
    pop_to(c, mark);
    return rc;
}

static fbk_status
get_ints(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, int depth)
{
    uint64_t code;
    int64_t value;

    if (n == 0)
        return FBK_OK;
    code = fbk__read_uvarint(in);
    if (in->bad || (depth > MAX_DEPTH && code > ZIGZAG))
        return FBK_ECORRUPT;
    switch (code) {
    case CONST_:
        value = fbk__read_svarint(in);
        for (size_t i = 0; i < n; i++)
            out[i] = value;
        return in->bad ? FBK_ECORRUPT : FBK_OK;
    case PACK:
        return get_packed(in, out, n);
    case PATCH:
    case ZIGZAG:
        return get_patched(c, in, out, n, code == ZIGZAG);
    case SCALE:
        return get_scaled(c, in, out, n, depth);
    case DELTA:
        return get_deltas(c, in, out, n, depth);
    case DICT:
        return get_dictionary(c, in, out, n, depth);
    case RLE:
        return get_runs(c, in, out, n, depth);
    default:
        return FBK_ECORRUPT;
    }
}

fbk_status
fbk__codec_get_ints(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n)
{
    return n > FBK__CODEC_MAX_ROWS ? FBK_ECORRUPT : get_ints(c, in, out, n, 0);
}

bool
fbk__codec_is_constant(const void *bytes, size_t len, int64_t *out)
{
    fbk__reader in = {bytes, (const unsigned char *)bytes + len, false};

    if (fbk__read_uvarint(&in) != CONST_)
        return false;
    *out = fbk__read_svarint(&in);
    return !in.bad && in.p == in.end;
}

/* -- a part ------------------------------------------------------------------------------------ */

static fbk_status
part_packed(fbk__reader *in, int64_t *out, size_t n, size_t from, size_t count)
{
    uint64_t base = (uint64_t)fbk__read_svarint(in);
    uint64_t width = fbk__read_uvarint(in);

    if (in->bad || width > 64)
        return FBK_ECORRUPT;
    fbk__bits_get_part(in, (uint64_t *)out, n, (unsigned)width, from, count);
    for (size_t i = 0; i < count && !in->bad; i++)
        out[i] = (int64_t)(base + (uint64_t)out[i]);
    return in->bad ? FBK_ECORRUPT : FBK_OK;
}

/* The few that need more bits stand apart: all of their places are read, the part's are kept. */
static fbk_status
part_patched(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, size_t from, size_t count,
             bool folded)
{
    uint64_t base = folded ? 0 : (uint64_t)fbk__read_svarint(in);
    uint64_t width = fbk__read_uvarint(in);
    uint64_t high_width = fbk__read_uvarint(in);
    uint64_t n_high = fbk__read_uvarint(in);
    unsigned mark = c->scratch_used;
    uint64_t *k = (uint64_t *)out;
    size_t first = 0; /* of those in the part */
    size_t n_in = 0;
    uint64_t at = 0;
    int64_t *where;
    uint64_t *high;

    if (in->bad || width > 63 || high_width > 64 - width || n_high > n)
        return FBK_ECORRUPT;
    where = push(c, n_high);
    high = (uint64_t *)push(c, n_high);
    pop_to(c, mark); /* nothing nests in here */
    if (!where || !high)
        return FBK_ENOMEM;
    for (uint64_t i = 0; i < n_high; i++) {
        uint64_t step = fbk__read_uvarint(in);

        if (in->bad || step >= n - at)
            return FBK_ECORRUPT;
        at += step;
        first += at < from;
        if (at >= from && at - from < count)
            where[n_in++] = (int64_t)(at - from);
    }
    fbk__bits_get_part(in, high, n_high, (unsigned)high_width, first, n_in);
    fbk__bits_get_part(in, k, n, (unsigned)width, from, count);
    if (in->bad)
        return FBK_ECORRUPT;
    for (size_t i = 0; i < n_in; i++)
        k[where[i]] |= high[i] << width;
    for (size_t i = 0; i < count; i++)
        out[i] = folded ? (int64_t)(k[i] >> 1) ^ -(int64_t)(k[i] & 1) : (int64_t)(base + k[i]);
    return FBK_OK;
}

static fbk_status
get_part(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, size_t from, size_t count,
         int depth);

static fbk_status
part_scaled(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, size_t from, size_t count,
            int depth)
{
    uint64_t base = (uint64_t)fbk__read_svarint(in);
    uint64_t factor = fbk__read_uvarint(in);
    fbk_status rc = in->bad ? FBK_ECORRUPT : get_part(c, in, out, n, from, count, depth + 1);

    for (size_t i = 0; rc >= 0 && i < count; i++)
        out[i] = (int64_t)(base + factor * (uint64_t)out[i]);
    return rc;
}

static fbk_status
part_dictionary(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, size_t from, size_t count,
                int depth)
{
    uint64_t k = fbk__read_uvarint(in);
    unsigned mark = c->scratch_used;
    int64_t *words = in->bad || k == 0 || k > n ? NULL : push(c, k);
    fbk_status rc = FBK_ENOMEM;

    if (in->bad || k == 0 || k > n)
        return FBK_ECORRUPT;
    if (words)
        rc = get_ints(c, in, words, k, depth + 1);
    if (rc >= 0)
        rc = get_part(c, in, out, n, from, count, depth + 1);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        if ((uint64_t)out[i] >= k)
            rc = FBK_ECORRUPT;
        else
            out[i] = words[out[i]];
    }
    pop_to(c, mark);
    return rc;
}

/* Whatever has no short cut: all of it, of which a part is kept. */
static fbk_status
part_of_all(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, size_t from, size_t count,
            int depth)
{
    unsigned mark = c->scratch_used;
    int64_t *all = push(c, n);
    fbk_status rc = all ? get_ints(c, in, all, n, depth) : FBK_ENOMEM;

    if (rc >= 0 && count)
        memcpy(out, all + from, count * sizeof *out);
    pop_to(c, mark);
    return rc;
}

static fbk_status
get_part(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, size_t from, size_t count,
         int depth)
{
    fbk__reader start = *in;
    uint64_t code;

    if (count == n)
        return get_ints(c, in, out, n, depth);
    code = fbk__read_uvarint(in);
    if (code == CONST_) {
        int64_t value = fbk__read_svarint(in);

        for (size_t i = 0; i < count; i++)
            out[i] = value;
        return in->bad ? FBK_ECORRUPT : FBK_OK;
    }
    if (code == PACK)
        return part_packed(in, out, n, from, count);
    if (code == PATCH || code == ZIGZAG)
        return part_patched(c, in, out, n, from, count, code == ZIGZAG);
    if (code == SCALE && depth < MAX_DEPTH)
        return part_scaled(c, in, out, n, from, count, depth);
    if (code == DICT && depth < MAX_DEPTH)
        return part_dictionary(c, in, out, n, from, count, depth);
    *in = start;
    return part_of_all(c, in, out, n, from, count, depth);
}

fbk_status
fbk__codec_get_ints_part(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, size_t from,
                         size_t count)
{
    return n > FBK__CODEC_MAX_ROWS ? FBK_ECORRUPT : get_part(c, in, out, n, from, count, 0);
}
