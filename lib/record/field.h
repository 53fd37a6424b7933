/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_FIELD_H
#define RECORD_FIELD_H

#include <feedback/arrow.h>

#include "base/err.h"
#include "store/stmt.h"

/** A text from a caller: NULL = not given, "" = to be cleared. Not NUL-terminated. */
typedef struct fbk__text {
    const char *p;
    size_t len;
} fbk__text;

static inline fbk__text
fbk__text_of(const char *text)
{
    return (fbk__text){text, text ? __builtin_strlen(text) : 0};
}

/** Check a text that is given: at most max bytes, well-formed UTF-8, no NUL; not empty if required.
 *  FBK_EINVAL or FBK_ERANGE, with field and row (0 = none). */
fbk_status
fbk__text_check(fbk *db, const char *field, int64_t row, fbk__text text, size_t max, bool required)
    FBK_MUST_USE;

/** Copy a NUL-terminated text into size bytes. What is longer, which only a foreign hand can have
 *  written, is cut. */
static inline void
fbk__text_copy(char *out, size_t size, const char *text)
{
    size_t len = __builtin_strlen(text);

    len = len < size ? len : size - 1;
    __builtin_memcpy(out, text, len);
    out[len] = '\0';
}

/** A call that takes a stream over does so also when it refuses: release it. */
static inline void
fbk__stream_drop(struct ArrowArrayStream *rows)
{
    if (rows && rows->release)
        rows->release(rows);
}

/** Bind "given, value" to two parameters: column = iif(?given, ?value, column). */
void
fbk__bind_given_text(fbk__stmt *st, int param, fbk__text text, bool replace);

/** The same for a number; 0 = none, which is stored as NULL. */
void
fbk__bind_given_id(fbk__stmt *st, int param, bool given, uint32_t id);

#endif
