/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/alloc.h"

/** Growing bytes. Zero-initialise, set `a`, append, fbk__buf_free(). After a failed append `failed`
 *  stays set and all later appends do nothing, so that one check at the end suffices. */
typedef struct fbk__buf {
    const fbk_allocator *a;
    char *data; /* NUL-terminated once anything was appended */
    size_t len;
    size_t cap;
    bool failed;
} fbk__buf;

void
fbk__buf_init(fbk__buf *buf, const fbk_allocator *a);

void
fbk__buf_free(fbk__buf *buf);

/** Empty it, keep the memory. */
void
fbk__buf_clear(fbk__buf *buf);

/** Room for n more bytes at data + len; NULL when out of memory. The caller adds to len. */
char *
fbk__buf_room(fbk__buf *buf, size_t n);

void
fbk__buf_add(fbk__buf *buf, const void *bytes, size_t n);

void
fbk__buf_str(fbk__buf *buf, const char *text);

void
fbk__buf_printf(fbk__buf *buf, const char *format, ...) FBK_PRINTF(2, 3);

/** A number in decimal, the same in every locale: at most `digits` significant ones (1 to 17),
 *  "0.1", "25", "1.5e+20"; plain between 1e-5 and 1e15. What is not finite becomes "null", as JSON
 *  has it. */
void
fbk__buf_double(fbk__buf *buf, double value, int digits);

/** Unsigned LEB128, and its signed form by zigzag. */
void
fbk__buf_uvarint(fbk__buf *buf, uint64_t value);

void
fbk__buf_svarint(fbk__buf *buf, int64_t value);

/** Read bytes back without trusting them: `bad` is set at the first read past the end. */
typedef struct fbk__reader {
    const unsigned char *p;
    const unsigned char *end;
    bool bad;
} fbk__reader;

uint64_t
fbk__read_uvarint(fbk__reader *r);

int64_t
fbk__read_svarint(fbk__reader *r);

/** n bytes in place; NULL (and bad) when fewer are left. */
const void *
fbk__read_bytes(fbk__reader *r, size_t n);

#endif
