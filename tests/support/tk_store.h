/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TK_STORE_H
#define SUPPORT_TK_STORE_H

#include <feedback/store.h>

/* Stores for tests; every one of these fails the test when the library does. */

/** Open with these flags and defaults, or with these options. */
fbk_store *
tk_open(const char *path, uint32_t flags);
fbk_store *
tk_open_with(const char *path, const fbk_store_options *options);

fbk *
tk_connect(fbk_store *store);

/** First column of the first row. `sql` must be a literal. */
int64_t
tk_query_int(fbk *db, const char *sql);

/** Statements in one write transaction; gives the status of its end. */
fbk_status
tk_write(fbk *db, const char *sql) FBK_MUST_USE;

/** Full check through the API, and SQLite's own through a plain connection: both must find nothing. */
void
tk_store_assert_sound(const char *path);

#endif
