/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/codec_int.h"

#include <string.h>

#include "log/bits.h"
#include "log/huff.h"

/* Integer columns read back, all of one or some of its rows. */

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
get_huffman(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, int depth)
{
    uint64_t k = fbk__read_uvarint(in);
    unsigned mark = c->scratch_used;
    uint8_t lengths[FBK__HUFF_SYMBOLS];
    fbk__reader bits;
    int64_t *v;
    uint64_t len;
    fbk_status rc;

    if (in->bad || k == 0 || k > FBK__HUFF_SYMBOLS)
        return FBK_ECORRUPT;
    v = push(c, k);
    rc = v ? get_ints(c, in, v, k, depth + 1) : FBK_ENOMEM;
    for (uint64_t i = 0; rc >= 0 && i < k; i++) {
        if (v[i] < 0 || v[i] > FBK__HUFF_BITS)
            rc = FBK_ECORRUPT;
        else
            lengths[i] = (uint8_t)v[i];
    }
    pop_to(c, mark);
    if (rc < 0)
        return rc;
    len = fbk__read_uvarint(in);
    bits.p = fbk__read_bytes(in, in->bad ? SIZE_MAX : len);
    if (!bits.p)
        return FBK_ECORRUPT;
    bits.end = bits.p + len;
    bits.bad = false;
    return fbk__huff_get(&bits, out, n, lengths, (unsigned)k) && bits.p == bits.end ? FBK_OK
                                                                                    : FBK_ECORRUPT;
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
    case HUFFMAN:
        return get_huffman(c, in, out, n, depth);
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
