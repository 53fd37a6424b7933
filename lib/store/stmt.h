/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_STMT_H
#define STORE_STMT_H

#include "base/err.h"

/* SQL for log/ and record/: nobody else may include this, and nobody but store/ sees sqlite3.
 *
 * A connection that holds the write transaction (fbk__write_begin) runs its statements on the
 * store's one writer, so that it sees what it wrote; any other on its own read-only handle. */

typedef struct fbk__stmt fbk__stmt;

/** Take a prepared statement from the cache of the connection (key: the address of `sql`, which
 *  must be a string literal or static), or prepare it. Give it back with fbk__stmt_put() on every
 *  path; a statement of the writer must be put before commit or rollback. */
fbk_status
fbk__stmt_get(fbk *db, const char *sql, fbk__stmt **out) FBK_MUST_USE;

/** Reset, clear the bindings, give back. NULL is a no-op. */
void
fbk__stmt_put(fbk__stmt *st);

/* Parameters count from 1. A failed bind is remembered and told by the next step. Text and blobs
 * are not copied: they must live until the statement is reset or put. */
void
fbk__bind_int64(fbk__stmt *st, int param, int64_t value);
void
fbk__bind_double(fbk__stmt *st, int param, double value);
void
fbk__bind_text(fbk__stmt *st, int param, const char *text, size_t len);
void
fbk__bind_blob(fbk__stmt *st, int param, const void *bytes, size_t len);
void
fbk__bind_null(fbk__stmt *st, int param);

/** @retval FBK_OK    there is a row.
 *  @retval FBK_DONE  no more rows; the statement was reset, its bindings are kept.
 *  Any other: failed, and said why on the connection. */
fbk_status
fbk__step(fbk__stmt *st) FBK_MUST_USE;

/** Step a statement that gives no rows, and reset it: FBK_OK or the failure. */
fbk_status
fbk__step_done(fbk__stmt *st) FBK_MUST_USE;

/* Columns count from 0. Text and blobs are borrowed until the next step, reset or put. */
int64_t
fbk__column_int64(fbk__stmt *st, int column);
double
fbk__column_double(fbk__stmt *st, int column);
/** First column of the first row of a statement without parameters; *out stays as it is when there
 *  is none, or NULL in it. */
fbk_status
fbk__stmt_int(fbk *db, const char *sql, int64_t *out) FBK_MUST_USE;

/** NUL-terminated; "" (never NULL) for SQL NULL. */
const char *
fbk__column_text(fbk__stmt *st, int column, size_t *out_len);
const void *
fbk__column_blob(fbk__stmt *st, int column, size_t *out_len);
bool
fbk__column_is_null(fbk__stmt *st, int column);

/** Run SQL text without parameters or rows (several statements allowed). */
fbk_status
fbk__exec(fbk *db, const char *sql) FBK_MUST_USE;

/** For store/ alone: drop a statement of the cache. */
void
fbk__stmt_free(fbk__stmt *st);

/** Rows changed by the last step_done, and the rowid it inserted. */
int64_t
fbk__changes(fbk *db);
int64_t
fbk__last_rowid(fbk *db);

#endif
