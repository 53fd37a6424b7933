/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_CLI_CSV_H
#define TOOLS_CLI_CSV_H

#include <feedback/arrow.h>

#include <stdbool.h>

/** A column that a verb takes; others of the file are passed over. */
typedef struct cli_csv_column {
    const char *name;   /* NULL ends the list */
    const char *format; /* FBK_ARROW_* */
    bool required;
    bool prefix;                                   /* all columns whose name begins so */
    bool (*parse)(const char *text, int64_t *out); /* of integer and time columns; or NULL */
} cli_csv_column;

/** Read a CSV file with a header into a stream; an empty field that is not quoted is null.
 *
 *  @param path     "-" is standard input.
 *  @param renames  n_renames texts NAME=HEADER: the file calls the column NAME so.
 *  @return an exit code; said why when it is not CLI_OK. */
int
cli_csv_read(const char *path, const cli_csv_column *wanted, char *const *renames, int n_renames,
             struct ArrowArrayStream *out);

#endif
