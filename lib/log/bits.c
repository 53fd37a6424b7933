/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/bits.h"

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the packed columns are read by little-endian loads"
#endif

void
fbk__bits_put(fbk__buf *out, const uint64_t *values, size_t n, unsigned width)
{
    size_t size = fbk__bits_size(n, width);
    char *to = fbk__buf_room(out, size + 8);
    uint64_t acc = 0;
    unsigned fill = 0;

    if (!to || !width)
        return;
    out->len += size;
    for (size_t i = 0; i < n; i++) {
        acc |= values[i] << fill;
        fill += width;
        if (fill < 64)
            continue;
        memcpy(to, &acc, 8);
        to += 8;
        fill -= 64;
        acc = fill ? values[i] >> (width - fill) : 0;
    }
    memcpy(to, &acc, 8);
}

static uint64_t
load64(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, 8);
    return x;
}

/* Values whose bits may lie in nine bytes, or too near the end for a load of eight. */
static uint64_t
bits_one(const unsigned char *p, const unsigned char *end, size_t at, unsigned width)
{
    unsigned char bytes[16] = {0};
    size_t left = (size_t)(end - (p + at / 8));
    unsigned shift = (unsigned)(at % 8);
    uint64_t low;

    memcpy(bytes, p + at / 8, left < 9 ? left : 9);
    low = load64(bytes) >> shift;
    if (shift + width > 64)
        low |= (uint64_t)bytes[8] << (64 - shift);
    return width == 64 ? low : low & ((UINT64_C(1) << width) - 1);
}

void
fbk__bits_get(fbk__reader *in, uint64_t *out, size_t n, unsigned width)
{
    size_t size = fbk__bits_size(n, width);
    const unsigned char *p = fbk__read_bytes(in, width <= 64 ? size : SIZE_MAX);
    const unsigned char *end = in->p;
    size_t i = 0;

    if (!p)
        return;
    if (!width) {
        memset(out, 0, n * sizeof *out);
        return;
    }
    if (width <= 57 && size >= 8) {
        uint64_t mask = (UINT64_C(1) << width) - 1;
        size_t fast = (size - 8) * 8 / width + 1; /* values that start in a byte with 8 behind it */

        for (fast = fast < n ? fast : n; i < fast; i++) {
            size_t at = i * width;

            out[i] = load64(p + at / 8) >> (at % 8) & mask;
        }
    }
    for (; i < n; i++)
        out[i] = bits_one(p, end, i * width, width);
}

void
fbk__bits_get_part(fbk__reader *in, uint64_t *out, size_t n, unsigned width, size_t from,
                   size_t count)
{
    const unsigned char *p = fbk__read_bytes(in, width <= 64 ? fbk__bits_size(n, width) : SIZE_MAX);

    for (size_t i = 0; p && i < count; i++)
        out[i] = width ? bits_one(p, in->p, (from + i) * width, width) : 0;
}
