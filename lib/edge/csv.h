/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_CSV_H
#define EDGE_CSV_H

#include "edge/reader.h"

/* Comma-separated values, RFC 4180 and what is met in its name: records end with LF or CRLF, quoted
 * fields may hold separators, line ends and doubled quotes, a byte order mark is passed over, blank
 * lines are nothing. One record is held at a time. What is malformed costs one record: reading goes
 * on with the line after the one on which that record began. */

enum { FBK__CSV_FIELD_MAX = 1 << 20, FBK__CSV_RECORD_MAX = 1 << 24, FBK__CSV_FIELDS_MAX = 10000 };

typedef struct fbk__csv_options {
    char separator; /* 0 = ',' */
    bool no_quotes; /* a quote is an ordinary character */
    bool merge;     /* a run of separators is one, those before the first field none */
    bool trim;      /* drop blanks around fields that are not quoted */
} fbk__csv_options;

typedef struct fbk__csv_field {
    const char *text; /* not NUL-terminated */
    size_t len;
    size_t flags; /* private */
} fbk__csv_field;

typedef struct fbk__csv_record {
    const fbk__csv_field *fields;
    size_t n;
    int64_t number; /* from 1, blank lines not counted, malformed records counted */
    int64_t line;   /* on which it begins, from 1 */
    const char
        *reason; /* not NULL: malformed, no fields; a sentence about the record, past tense */
} fbk__csv_record;

typedef struct fbk__csv fbk__csv;

/** The file is borrowed. FBK_ENOMEM. */
fbk_status
fbk__csv_open(fbk *db, fbk__file *file, const fbk__csv_options *options, fbk__csv **out)
    FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__csv_close(fbk__csv *csv);

/** Next record, good or malformed, valid until the next call. FBK_OK, FBK_DONE at the end, or a
 *  failure of reading; FBK_EINVAL when the file is UTF-16 or UTF-32. */
fbk_status
fbk__csv_next(fbk__csv *csv, fbk__csv_record *out) FBK_MUST_USE;

#endif
