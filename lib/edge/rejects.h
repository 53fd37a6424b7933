/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_REJECTS_H
#define EDGE_REJECTS_H

#include <stdio.h>

#include "base/err.h"

/* Rows that could not be taken: counted, the first one remembered, all written to a CSV file (row,
 * line, field, reason). A reason never holds a value of the row. */

typedef struct fbk__rejects {
    fbk *db;
    FILE *file; /* NULL = nobody wants them */
    uint64_t n;
    int64_t first_row;
    int64_t first_line;
    char first_field[64];
    char first_reason[192];
} fbk__rejects;

/** @param path  file to be made or emptied; NULL = only count. FBK_EIO. */
fbk_status
fbk__rejects_open(fbk *db, const char *path, fbk__rejects *out) FBK_MUST_USE;

/** One row: `reason` is said of `field` ("was no number"). FBK_EIO, FBK_EFULL. */
fbk_status
fbk__rejects_add(fbk__rejects *r, int64_t row, int64_t line, const char *field, const char *reason)
    FBK_MUST_USE;

/** All zero is closed already. @param rc what the import came to: a failure stays. */
fbk_status
fbk__rejects_close(fbk__rejects *r, fbk_status rc) FBK_MUST_USE;

#endif
