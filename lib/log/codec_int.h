/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_CODEC_INT_H
#define LOG_CODEC_INT_H

#include "log/codec.h"

/* Shared by codec_int.c, which writes, and codec_int_get.c, which reads. */

/* First byte of every integer column. Stored: append only. */
enum { CONST_ = 0, PACK, PATCH, ZIGZAG, SCALE, DELTA, DICT, RLE, HUFFMAN };

/* How deep columns nest: a SCALE of a DELTA of a DICT of packed numbers, and no further. */
enum { MAX_DEPTH = 4 };

/* A stack of arrays: push() what is needed, pop_to() where it stood before. */
static inline int64_t *
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
static inline void
pop_to(fbk__codec *c, unsigned mark)
{
    c->scratch_used = mark;
}

#endif
