/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <sqlite3.h>

#include "base/map.h"
#include "store/conn.h"

/* One SQLite connection with the settings and limits that every connection of a store has, and the
 * only translation of SQLite's codes into ours. */

typedef struct fbk__handle {
    sqlite3 *sq;
    /* Prepared with the handle: ending a transaction must not need memory. */
    sqlite3_stmt *begin; /* IMMEDIATE on a handle that writes */
    sqlite3_stmt *commit;
    sqlite3_stmt *rollback;
    fbk__map stmts; /* address of the SQL text -> fbk__stmt */
    int n_out;      /* statements taken and not given back */
} fbk__handle;

enum {
    FBK__HANDLE_WRITE = 1,     /* else read-only */
    FBK__HANDLE_IMMUTABLE = 2, /* nobody changes the file: no locks, no WAL */
    FBK__HANDLE_ATTACH = 4     /* may attach one file: VACUUM INTO does so inside */
};

/** Open `path` (absolute) through the store's VFS. On failure *h is empty and can be closed. */
fbk_status
fbk__handle_open(fbk *db, fbk_store *store, const char *path, int flags, fbk__handle *h)
    FBK_MUST_USE;

/** Finalise the statements and close; a handle that was never opened is a no-op. */
void
fbk__handle_close(fbk__handle *h);

/** Run statements without rows on this handle; `doing` as below. */
fbk_status
fbk__handle_exec(fbk *db, fbk__handle *h, const char *sql, const char *doing) FBK_MUST_USE;

/** Step one of the handle's own statements, and reset it. */
fbk_status
fbk__handle_step(fbk *db, fbk__handle *h, sqlite3_stmt *st, const char *doing) FBK_MUST_USE;

/** Roll back if there is a transaction; cannot fail in any way that matters. */
void
fbk__handle_rollback(fbk__handle *h);

/** First column of the first row. FBK_EDB when there is no row. */
fbk_status
fbk__handle_int(fbk *db, fbk__handle *h, const char *sql, int64_t *out) FBK_MUST_USE;

/** Record what SQLite's result code means and return our status. `doing` ends the sentence: "while
 *  …". */
fbk_status
fbk__sqlite_fail(fbk *db, sqlite3 *sq, int code, const char *doing);

/** Monotonic clock, nanoseconds. */
int64_t
fbk__now_ns(void);

#endif
