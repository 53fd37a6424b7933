/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARROW_H
#define BASE_ARROW_H

#include <feedback/arrow.h>

#include "base/err.h"
#include "base/table.h"

/* Reads a table that somebody else made: an Arrow stream, of which nothing is believed that can be
 * checked. Open, bind the columns that are wanted by name and by what they are to be read as, then
 * for each batch ask for cells. Messages name column and row (from 1, over all batches). */
typedef struct fbk__arrow_reader fbk__arrow_reader;

/** What a column is read as. Accepted Arrow types, each also dictionary-encoded:
 *  AS_INT64  all integers, bool; float and double that are whole; null
 *  AS_DOUBLE all integers, bool, float, double; null
 *  AS_BOOL   bool, integers 0 and 1; null
 *  AS_TEXT   utf8, large utf8, utf8 view, the same of binary; integers (written in decimal); null
 *  AS_TIME   timestamp s, ms, µs, ns of any zone or none (an instant in any case), date32 and
 *            date64 (midnight UTC), int64 (µs); null. Nanoseconds are floored to µs. */
typedef enum fbk__arrow_as {
    FBK__AS_INT64,
    FBK__AS_DOUBLE,
    FBK__AS_BOOL,
    FBK__AS_TEXT,
    FBK__AS_TIME
} fbk__arrow_as;

/** Takes the stream over, also on failure: *stream is left released. */
fbk_status
fbk__arrow_reader_open(fbk *db, struct ArrowArrayStream *stream, fbk__arrow_reader **out)
    FBK_MUST_USE;

/** Releases batch, schema and stream. NULL is a no-op. */
void
fbk__arrow_reader_close(fbk__arrow_reader *r);

size_t
fbk__arrow_reader_n_columns(const fbk__arrow_reader *r);

/** Name of a column; "" if it has none. Borrowed until close. */
const char *
fbk__arrow_reader_name(const fbk__arrow_reader *r, size_t column);

/** How the type of this column is read best: text as AS_TEXT, timestamp and date as AS_TIME, bool
 *  as AS_BOOL, integers as AS_INT64, floats as AS_DOUBLE; a null column as AS_TEXT.
 *  @retval false its type cannot be read at all. */
bool
fbk__arrow_reader_guess(const fbk__arrow_reader *r, size_t column, fbk__arrow_as *out);

/** Find a column and check that its type can be read as wanted.
 *  @param out -1 if it is absent and not required.
 *  @retval FBK_EINVAL absent but required, there twice, or of a type that does not fit. */
fbk_status
fbk__arrow_reader_bind(fbk__arrow_reader *r, const char *name, fbk__arrow_as as, bool required,
                       int *out) FBK_MUST_USE;

/** Next batch with at least one row; what was borrowed from the last one is gone.
 *  @retval FBK_DONE no more batches: *out_rows is 0. */
fbk_status
fbk__arrow_reader_next(fbk__arrow_reader *r, int64_t *out_rows) FBK_MUST_USE;

/** Rows in the batches before this one: row i of this batch is row base + i + 1 of the input. */
int64_t
fbk__arrow_reader_base(const fbk__arrow_reader *r);

/* Cells of a bound column (bound as the same kind; column -1 is null everywhere), row from 0 within
 * the batch. FBK_OK: *out is set. FBK_DONE: null, *out untouched. FBK_ERANGE: the value does not
 * fit. FBK_EINVAL: the array is malformed. */

fbk_status
fbk__arrow_int64(fbk__arrow_reader *r, int column, int64_t row, int64_t *out) FBK_MUST_USE;

fbk_status
fbk__arrow_double(fbk__arrow_reader *r, int column, int64_t row, double *out) FBK_MUST_USE;

/** Any value but 0 and 1 is FBK_ERANGE. */
fbk_status
fbk__arrow_bool(fbk__arrow_reader *r, int column, int64_t row, bool *out) FBK_MUST_USE;

/** Bytes borrowed until the next batch; those of integers until the next cell of that column. Not
 *  NUL-terminated, not checked to be UTF-8. */
fbk_status
fbk__arrow_text(fbk__arrow_reader *r, int column, int64_t row, const char **out, size_t *out_len)
    FBK_MUST_USE;

/** Within [FBK_TIME_MIN, FBK_TIME_MAX], else FBK_ERANGE. */
fbk_status
fbk__arrow_time(fbk__arrow_reader *r, int column, int64_t row, fbk_time *out) FBK_MUST_USE;

#endif
