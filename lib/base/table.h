/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <feedback/arrow.h>

#include "base/err.h"

/* A result in the making: columns are filled row by row or array by array, then the table leaves as
 * an Arrow stream.
 *
 * A failure is remembered: adding never fails, fbk__table_stream() says what went wrong. All
 * functions accept t = NULL (fbk__table_new() ran out of memory), which streams as FBK_ENOMEM. So a
 * caller checks once. The allocator is copied: the stream outlives connection and store. */
typedef struct fbk__table fbk__table;

typedef enum fbk__type {
    FBK__INT32,
    FBK__INT64,
    FBK__DOUBLE,
    FBK__BOOL,
    FBK__TEXT, /* utf8 */
    FBK__TIME  /* timestamp, µs, UTC */
} fbk__type;

enum { FBK__TABLE_BATCH = 65536 };

fbk__table *
fbk__table_new(const fbk_allocator *a);

void
fbk__table_free(fbk__table *t);

/** @return the number of the new column, from 0 and in order of creation; 0 once t has failed. */
int
fbk__table_column(fbk__table *t, const char *name, fbk__type type, bool nullable);

/** Next value of an INT32, INT64, BOOL (0, 1) or TIME column. */
void
fbk__table_add_int64(fbk__table *t, int column, int64_t value);

void
fbk__table_add_double(fbk__table *t, int column, double value);

/** Copied; NULL is a null. */
void
fbk__table_add_text(fbk__table *t, int column, const char *text, size_t len);

/** The same, NUL-terminated. */
void
fbk__table_add_str(fbk__table *t, int column, const char *text);

void
fbk__table_add_null(fbk__table *t, int column);

/** Append n values at once. INT64 and TIME columns. */
void
fbk__table_set_int64s(fbk__table *t, int column, const int64_t *values, size_t n);

/** INT32 columns. */
void
fbk__table_set_int32s(fbk__table *t, int column, const int32_t *values, size_t n);

/** DOUBLE columns. */
void
fbk__table_set_doubles(fbk__table *t, int column, const double *values, size_t n);

/** Give the table away as a stream of batches; t is consumed, also on failure.
 *
 *  A table without rows gives one batch without rows. Every child of a batch owns its memory; the
 *  batches outlive the stream.
 *  @param rows_per_batch 0 = FBK__TABLE_BATCH.
 *  @param out untouched on failure.
 *  @retval FBK_EMISUSE columns differ in length, a null in a column that allows none, a value of
 *          another type: a defect of ours, reported all the same. */
fbk_status
fbk__table_stream(fbk *db, fbk__table *t, int64_t rows_per_batch, struct ArrowArrayStream *out)
    FBK_MUST_USE;

#endif
