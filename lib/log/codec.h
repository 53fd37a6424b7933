/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_CODEC_H
#define LOG_CODEC_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"

/* One column of one frame as few bytes as the data allow, and back. The encoder looks at the values
 * and chooses; what it wrote says how to read it. The decoder trusts nothing: every count,
 * width and length is checked against what is left, and damage gives FBK_ECORRUPT, never a
 * wrong read.
 *
 * Integers (any int64):
 *   CONST   one value
 *   PACK    base + k, k bit-packed (frame of reference)
 *   PATCH   the same for most, the few that need more bits are listed apart
 *   ZIGZAG  the same around zero: the sign folded into the lowest bit
 *   SCALE   base + factor * k: money and times that share a divisor
 *   DELTA   first value, then the differences, themselves encoded (again as DELTA, say)
 *   DICT    sorted distinct values and packed numbers of them, both themselves encoded
 *   RLE     runs: values and lengths, both themselves encoded
 *   HUFFMAN small numbers (of a DICT), the common ones in few bits, where that saves an eighth
 * Byte strings:
 *   TEXT    lengths and bytes, zstd where it saves a fifth
 *   WORDS   distinct strings (as TEXT) and numbers of them
 *   COUNTER "till12-000123456": distinct prefixes, widths and numbers
 *   UUID    36 lower-case characters as 16 bytes
 */

enum {
    FBK__CODEC_MAX_ROWS = 1 << 20,  /* of one column chunk */
    FBK__CODEC_MAX_BYTES = 1 << 28, /* of one decoded string column */
    FBK__CODEC_SCRATCH = 16         /* arrays in flight while columns nest */
};

/** Working memory of an encoder or decoder, reused from column to column. Zero-initialise with
 *  fbk__codec_init(); one thread at a time. */
typedef struct fbk__codec {
    const fbk_allocator *a;
    int64_t *scratch[FBK__CODEC_SCRATCH];
    size_t scratch_cap[FBK__CODEC_SCRATCH];
    unsigned scratch_used;
    uint32_t *slots; /* open addressing for distinct values */
    size_t slot_cap;
    fbk__intern words;
    fbk__buf bytes;
    fbk__buf frame_bytes; /* a frame's, lent to whoever reads or writes one */
    void *zstd_c;         /* ZSTD_CCtx, ZSTD_DCtx: made when first needed */
    void *zstd_d;
} fbk__codec;

void
fbk__codec_init(fbk__codec *c, const fbk_allocator *a);
void
fbk__codec_free(fbk__codec *c);

/** Append n integers. FBK_ENOMEM, or FBK_ETOOBIG above FBK__CODEC_MAX_ROWS. */
fbk_status
fbk__codec_put_ints(fbk__codec *c, fbk__buf *out, const int64_t *values, size_t n) FBK_MUST_USE;

/** Read n integers back and step behind them. FBK_ECORRUPT or FBK_ENOMEM; `out` is then
 *  undefined. */
fbk_status
fbk__codec_get_ints(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n) FBK_MUST_USE;

/** The same of which only `count` rows from row `from` on are given (from + count <= n): where a
 *  few are looked for, the others are stepped over. What is stepped over need not be sound. */
fbk_status
fbk__codec_get_ints_part(fbk__codec *c, fbk__reader *in, int64_t *out, size_t n, size_t from,
                         size_t count) FBK_MUST_USE;

/** Whether a whole column of integers is one value, and which. */
bool
fbk__codec_is_constant(const void *bytes, size_t len, int64_t *out);

/** A column of byte strings: row i is bytes[offsets[i] .. offsets[i + 1]). */
typedef struct fbk__strings {
    const fbk_allocator *a;
    size_t n;
    uint32_t *offsets; /* n + 1 */
    char *bytes;
    size_t offset_cap;
    size_t byte_cap;
} fbk__strings;

void
fbk__strings_init(fbk__strings *s, const fbk_allocator *a);
void
fbk__strings_free(fbk__strings *s);

/** Empty it; keeps the memory. */
void
fbk__strings_clear(fbk__strings *s);

/** Add a row. FBK_ENOMEM, or FBK_ETOOBIG past FBK__CODEC_MAX_BYTES. */
fbk_status
fbk__strings_add(fbk__strings *s, const char *text, size_t len) FBK_MUST_USE;

/** The same of two pieces. */
fbk_status
fbk__strings_join(fbk__strings *s, const char *x, size_t x_len, const char *y, size_t y_len)
    FBK_MUST_USE;

/** Append a column of strings. */
fbk_status
fbk__codec_put_strings(fbk__codec *c, fbk__buf *out, const fbk__strings *column) FBK_MUST_USE;

/** Read n strings back into *out (its memory is reused; freed by fbk__strings_free()). */
fbk_status
fbk__codec_get_strings(fbk__codec *c, fbk__reader *in, fbk__strings *out, size_t n) FBK_MUST_USE;

/** The same of which only `count` rows from row `from` on are appended to *out. */
fbk_status
fbk__codec_get_strings_part(fbk__codec *c, fbk__reader *in, fbk__strings *out, size_t n,
                            size_t from, size_t count) FBK_MUST_USE;

/** Append bytes with their length, compressed where that saves a fifth; max 256 MiB. */
fbk_status
fbk__codec_put_bytes(fbk__codec *c, fbk__buf *out, const void *bytes, size_t len) FBK_MUST_USE;

/** Read them back into *buf (cleared first); more than max bytes is FBK_ECORRUPT. */
fbk_status
fbk__codec_get_bytes(fbk__codec *c, fbk__reader *in, fbk__buf *buf, size_t max) FBK_MUST_USE;

#endif
