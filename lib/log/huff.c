/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/huff.h"

#include <string.h>

enum { MAX_BITS = FBK__HUFF_BITS, TABLE = 1 << FBK__HUFF_BITS };

/* -- lengths ----------------------------------------------------------------------------------- */

/* Symbols that occur, by count, then number; how many. */
static unsigned
by_count(const uint32_t *counts, unsigned k, uint16_t *order)
{
    unsigned n = 0;

    for (unsigned s = 0; s < k; s++) {
        unsigned i = n;

        if (!counts[s])
            continue;
        for (; i > 0 && counts[order[i - 1]] > counts[s]; i--)
            order[i] = order[i - 1];
        order[i] = (uint16_t)s;
        n++;
    }
    return n;
}

/* Depths of the leaves (counts ascending) by two queues: leaves, and nodes as they are made. */
static void
depths(const uint32_t *counts, const uint16_t *order, unsigned n, uint8_t *out)
{
    uint64_t weight[2 * FBK__HUFF_SYMBOLS];
    uint16_t parent[2 * FBK__HUFF_SYMBOLS] = {0};
    uint8_t depth[2 * FBK__HUFF_SYMBOLS] = {0};
    unsigned leaf = 0;
    unsigned node = n;

    for (unsigned i = 0; i < n; i++)
        weight[i] = counts[order[i]];
    for (unsigned made = n; made < 2 * n - 1; made++) {
        weight[made] = 0;
        for (int side = 0; side < 2; side++) {
            bool take_leaf = leaf < n && (node == made || weight[leaf] <= weight[node]);
            unsigned child = take_leaf ? leaf++ : node++;

            weight[made] += weight[child];
            parent[child] = (uint16_t)made;
        }
    }
    for (unsigned i = 2 * n - 2; i-- > 0;)
        depth[i] = (uint8_t)(depth[parent[i]] + 1);
    memcpy(out, depth, n);
}

void
fbk__huff_lengths(const uint32_t *counts, unsigned k, uint8_t *out_lengths)
{
    uint16_t order[FBK__HUFF_SYMBOLS];
    uint8_t length[FBK__HUFF_SYMBOLS];
    unsigned n = by_count(counts, k, order);
    unsigned used = 0; /* of the codes of MAX_BITS */

    depths(counts, order, n, length);
    for (unsigned i = 0; i < n; i++) {
        length[i] = length[i] > MAX_BITS ? MAX_BITS : length[i];
        used += 1u << (MAX_BITS - length[i]);
    }
    /* Cutting the longest took more codes than there are: lengthen the rarest of those that can
     * be, then give what is left over to the most common. */
    for (unsigned i = 0; used > TABLE; i = i + 1 < n ? i + 1 : 0) {
        while (length[i] < MAX_BITS && used > TABLE) {
            length[i]++;
            used -= 1u << (MAX_BITS - length[i]);
        }
    }
    for (unsigned i = n; i-- > 0;) {
        while (length[i] > 1 && used + (1u << (MAX_BITS - length[i])) <= TABLE) {
            used += 1u << (MAX_BITS - length[i]);
            length[i]--;
        }
    }
    memset(out_lengths, 0, k);
    for (unsigned i = 0; i < n; i++)
        out_lengths[order[i]] = length[i];
}

/* Codes, lowest bit first; false when the lengths leave a gap or overlap. */
static bool
codes_of(const uint8_t *lengths, unsigned k, uint16_t *out)
{
    unsigned next[MAX_BITS + 2] = {0};
    unsigned many[MAX_BITS + 1] = {0};
    unsigned used = 0;

    for (unsigned s = 0; s < k; s++) {
        if (lengths[s] > MAX_BITS)
            return false;
        many[lengths[s]]++;
        used += lengths[s] ? 1u << (MAX_BITS - lengths[s]) : 0;
    }
    if (used != TABLE)
        return false;
    many[0] = 0;
    for (unsigned bits = 1; bits <= MAX_BITS; bits++)
        next[bits] = (next[bits - 1] + many[bits - 1]) << 1;
    for (unsigned s = 0; s < k; s++) {
        unsigned code = lengths[s] ? next[lengths[s]]++ : 0;
        unsigned turned = 0;

        for (unsigned b = 0; b < lengths[s]; b++)
            turned |= (code >> b & 1) << (lengths[s] - 1 - b);
        out[s] = (uint16_t)turned;
    }
    return true;
}

/* -- bits -------------------------------------------------------------------------------------- */

void
fbk__huff_put(fbk__buf *out, const int64_t *numbers, size_t n, const uint8_t *lengths, unsigned k)
{
    uint16_t codes[FBK__HUFF_SYMBOLS] = {0};
    char *to = fbk__buf_room(out, n * 2 + 8); /* MAX_BITS < 16 */
    uint64_t acc = 0;
    unsigned fill = 0;
    char *p = to;

    if (!to || !codes_of(lengths, k, codes))
        return;
    for (size_t i = 0; i < n; i++) {
        acc |= (uint64_t)codes[numbers[i]] << fill;
        fill += lengths[numbers[i]];
        if (fill >= 32) {
            memcpy(p, &acc, 4);
            p += 4;
            acc >>= 32;
            fill -= 32;
        }
    }
    memcpy(p, &acc, 8);
    out->len += (size_t)(p - to) + (fill + 7) / 8;
}

bool
fbk__huff_get(fbk__reader *in, int64_t *out, size_t n, const uint8_t *lengths, unsigned k)
{
    uint16_t codes[FBK__HUFF_SYMBOLS];
    uint16_t table[TABLE]; /* number and length by the next bits */
    const unsigned char *p = in->p;
    uint64_t acc = 0;
    unsigned fill = 0;

    if (k > FBK__HUFF_SYMBOLS || !codes_of(lengths, k, codes))
        return false;
    for (unsigned s = 0; s < k; s++) {
        for (unsigned at = codes[s]; lengths[s] && at < TABLE; at += 1u << lengths[s])
            table[at] = (uint16_t)(s << 4 | lengths[s]);
    }
    for (size_t i = 0; i < n; i++) {
        unsigned length;

        for (; fill <= 56 && p < in->end; fill += 8)
            acc |= (uint64_t)*p++ << fill;
        out[i] = table[acc & (TABLE - 1)] >> 4;
        length = table[acc & (TABLE - 1)] & 15;
        if (length > fill)
            return false;
        acc >>= length;
        fill -= length;
    }
    in->p = p - fill / 8;
    return true;
}
