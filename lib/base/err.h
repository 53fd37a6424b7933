/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/alloc.h"

struct fbk__conn; /* lib/store/conn.h: only store/ looks inside */

/** The connection as every layer sees it: memory, error text, and what only store/ can open. */
struct fbk {
    fbk_allocator alloc;
    fbk_errinfo err;
    struct fbk__conn *conn;
};

/** Record a failure and return its code: one sentence, past tense, no function name, never
 *  personal data. db may be NULL (the text is then lost). The lowest layer that knows calls it;
 *  layers above pass the code up. */
fbk_status
fbk__fail(fbk *db, fbk_status code, const char *format, ...) FBK_PRINTF(3, 4);

/** The same, with the field and the row (from 1, 0 = none) to blame. */
fbk_status
fbk__fail_at(fbk *db, fbk_status code, const char *field, int64_t row, const char *format, ...)
    FBK_PRINTF(5, 6);

/** Shorthand for the one message that never varies. */
fbk_status
fbk__nomem(fbk *db);

/** Forget the last error. */
void
fbk__err_clear(fbk *db);

/** The allocator of a connection; the C library's when db is NULL. */
static inline const fbk_allocator *
fbk__a(const fbk *db)
{
    return db ? &db->alloc : &fbk__libc_allocator;
}

/** Turns the value of a callback into a status and records it: FBK_OK stays, FBK_ECANCELLED is
 *  itself, every other negative value is FBK_ECALLBACK. */
fbk_status
fbk__callback_status(fbk *db, fbk_status value);

#endif
