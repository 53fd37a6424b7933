/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_JSON_H
#define EDGE_JSON_H

#include "base/map.h"
#include "edge/reader.h"

/* Newline-delimited JSON, one object a line (RFC 8259, UTF-8), read into named fields without
 * building a tree: a nested member's name is its path with dots. Numbers keep their text, so that
 * no decimal goes through floating point. One array of objects may be named whose elements are the
 * rows of the record. A line is checked as a whole before anything of it is given out. */

enum { FBK__JSON_LINE_MAX = 1 << 24, FBK__JSON_DEPTH_MAX = 32, FBK__JSON_PATH_MAX = 512 };

/** What a cell holds; shared by all formats. */
enum { FBK__CELL_NONE = 0, FBK__CELL_TEXT = 1, FBK__CELL_NUMBER = 2, FBK__CELL_BOOL = 3 };

/** A value of a row; text is not NUL-terminated. JSON null is FBK__CELL_NONE. */
typedef struct fbk__cell {
    const char *text;
    size_t len;
    uint32_t kind; /* FBK__CELL_* */
} fbk__cell;

typedef struct fbk__json_record {
    int64_t number;     /* from 1, blank lines not counted */
    int64_t line;       /* from 1 */
    const char *reason; /* not NULL: refused; a sentence about the line, past tense */
    const char *text;   /* the line, without its end; NULL if refused */
    size_t len;
} fbk__json_record;

typedef struct fbk__json fbk__json;

/** @param names  paths wanted ("customer.email"); those of line elements begin with `lines` and a
 *                dot ("items.sku"). Borrowed until close.
 *  @param lines  path of the array of rows, NULL = a record is one row. Borrowed until close. */
fbk_status
fbk__json_open(fbk *db, fbk__file *file, const fbk__intern *names, const char *lines,
               fbk__json **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__json_close(fbk__json *json);

/** Next line that is not blank. FBK_OK, FBK_DONE, or a failure of reading. */
fbk_status
fbk__json_next(fbk__json *json, fbk__json_record *out) FBK_MUST_USE;

/** Next row of the record: one cell a name, valid until the next call of this or of
 *  fbk__json_next(). A record whose array is absent or empty has one row. FBK_OK or FBK_DONE. */
fbk_status
fbk__json_row(fbk__json *json, const fbk__cell **out_cells) FBK_MUST_USE;

#endif
