/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_CHUNK_H
#define LOG_CHUNK_H

#include "base/buf.h"
#include "base/err.h"
#include "store/stmt.h"

/* Rows of bytes with a checksum that knows their place: the pieces that segments and runs are made
 * of. Two tables of one form, so that what is scanned does not lie between what is looked up. */

typedef enum fbk__chunk_table { FBK__CHUNK_SEGMENT, FBK__CHUNK_RUN } fbk__chunk_table;

/** Inside a write transaction: write bytes (the checksum is appended to the buffer). */
fbk_status
fbk__chunk_write(fbk *db, fbk__chunk_table table, int64_t id, fbk__buf *bytes) FBK_MUST_USE;

/** The bytes of a row, checked; borrowed until *out is put, which the caller does on every path.
 *  FBK_DONE: there is none. FBK_ECORRUPT: it was damaged. */
fbk_status
fbk__chunk_open(fbk *db, fbk__chunk_table table, int64_t id, fbk__stmt **out, const void **bytes,
                size_t *len) FBK_MUST_USE;

/** Whether the bytes of row `id` end in their checksum, which is then taken off their length. */
fbk_status
fbk__chunk_check(fbk *db, fbk__chunk_table table, int64_t id, const void *bytes, size_t *len)
    FBK_MUST_USE;

/** FBK_OK when the row is there, FBK_DONE when not. */
fbk_status
fbk__chunk_exists(fbk *db, fbk__chunk_table table, int64_t id) FBK_MUST_USE;

/** Inside a write transaction: delete at most `most` rows of this range; *out_n says how many. */
fbk_status
fbk__chunk_clear(fbk *db, fbk__chunk_table table, int64_t first, int64_t last, uint32_t most,
                 uint32_t *out_n) FBK_MUST_USE;

/** Whether the bytes of a row end in its checksum; *len becomes the length without it. */
bool
fbk__chunk_sound(fbk__chunk_table table, int64_t id, const void *bytes, size_t *len);

/** The failure of a row that does not hold what it should. */
fbk_status
fbk__chunk_damaged(fbk *db, fbk__chunk_table table, int64_t id);

#endif
