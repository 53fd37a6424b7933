/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arrow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* What test_pyarrow.py loads: our tables out, other people's tables in. */

#define PEER __attribute__((visibility("default")))

PEER int
peer_export(int64_t n, int64_t rows_per_batch, struct ArrowArrayStream *out);
PEER int64_t
peer_read(struct ArrowArrayStream *stream, char *out, size_t cap);

/* Row i: null where i % 7 == 3; the columns say how they are made. */
int
peer_export(int64_t n, int64_t rows_per_batch, struct ArrowArrayStream *out)
{
    fbk__table *t = fbk__table_new(NULL);
    int i32 = fbk__table_column(t, "i32", FBK__INT32, true);
    int i64 = fbk__table_column(t, "i64", FBK__INT64, true);
    int dbl = fbk__table_column(t, "dbl", FBK__DOUBLE, true);
    int boolean = fbk__table_column(t, "bool", FBK__BOOL, true);
    int text = fbk__table_column(t, "text", FBK__TEXT, true);
    int at = fbk__table_column(t, "time", FBK__TIME, true);

    for (int64_t i = 0; i < n; i++) {
        char value[32];

        if (i % 7 == 3) {
            for (int c = 0; c <= at; c++)
                fbk__table_add_null(t, c);
            continue;
        }
        fbk__table_add_int64(t, i32, -i);
        fbk__table_add_int64(t, i64, i * 1000003);
        fbk__table_add_double(t, dbl, (double)i / 8);
        fbk__table_add_int64(t, boolean, i % 3 == 0);
        value[0] = '\0';
        if (i % 5)
            (void)snprintf(value, sizeof value, "ä%" PRId64, i);
        fbk__table_add_str(t, text, value);
        fbk__table_add_int64(t, at, i * 1000001);
    }
    return fbk__table_stream(NULL, t, rows_per_batch, out);
}

static bool
peer_cell(fbk__arrow_reader *r, int column, fbk__arrow_as as, int64_t row, fbk__buf *out)
{
    int64_t whole = 0;
    double real = 0;
    bool flag = false;
    const char *text = NULL;
    size_t len = 0;
    fbk_status rc;

    switch (as) {
    case FBK__AS_INT64:
        rc = fbk__arrow_int64(r, column, row, &whole);
        break;
    case FBK__AS_TIME:
        rc = fbk__arrow_time(r, column, row, &whole);
        break;
    case FBK__AS_DOUBLE:
        rc = fbk__arrow_double(r, column, row, &real);
        break;
    case FBK__AS_BOOL:
        rc = fbk__arrow_bool(r, column, row, &flag);
        break;
    default:
        rc = fbk__arrow_text(r, column, row, &text, &len);
    }
    if (rc < 0)
        return false;
    if (rc == FBK_DONE)
        fbk__buf_str(out, "null");
    else if (text)
        fbk__buf_add(out, text, len);
    else if (as == FBK__AS_DOUBLE)
        fbk__buf_printf(out, "%.17g", real);
    else
        fbk__buf_printf(out, "%" PRId64, as == FBK__AS_BOOL ? (int64_t)flag : whole);
    return true;
}

/* Every cell as text, as its type is read best: '|' between columns, '\n' behind rows; columns that
 * cannot be read are left out. Returns the length, or a status. */
int64_t
peer_read(struct ArrowArrayStream *stream, char *out, size_t cap)
{
    fbk__arrow_reader *r = NULL;
    fbk__buf text;
    int64_t rows;
    int64_t result;
    fbk_status rc = fbk__arrow_reader_open(NULL, stream, &r);

    if (rc < 0)
        return rc;
    fbk__buf_init(&text, NULL);
    while ((rc = fbk__arrow_reader_next(r, &rows)) == FBK_OK) {
        for (int64_t row = 0; row < rows; row++) {
            for (size_t c = 0; c < fbk__arrow_reader_n_columns(r); c++) {
                fbk__arrow_as as;

                if (!fbk__arrow_reader_guess(r, c, &as))
                    continue;
                if (text.len && text.data[text.len - 1] != '\n')
                    fbk__buf_str(&text, "|");
                if (!peer_cell(r, (int)c, as, row, &text))
                    fbk__buf_str(&text, "?");
            }
            fbk__buf_str(&text, "\n");
        }
    }
    result = rc < 0 ? rc : text.failed || text.len > cap ? FBK_ENOMEM : (int64_t)text.len;
    if (result > 0)
        memcpy(out, text.data, text.len);
    fbk__buf_free(&text);
    fbk__arrow_reader_close(r);
    return result;
}
