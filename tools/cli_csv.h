/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_CLI_CSV_H
#define TOOLS_CLI_CSV_H

#include "cli.h"

enum { CLI_RENAMES = 50 };

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

/** What `load` of a verb needs: read a file, give it to the library, say how many rows it took. */
typedef struct cli_load_options {
    const cli_csv_column *columns;
    fbk_status (*call)(fbk *db, struct ArrowArrayStream *rows, int64_t *out_rows);
    const char *one, *many; /* "item", "items" */
    char *renames[CLI_RENAMES];
    int n_renames;
} cli_load_options;

/** @return an exit code. */
int
cli_load(const cli_load_options *load, const char *path);

/** Take a --column NAME=HEADER; a message and false if it is none. */
bool
cli_rename(cli_load_options *load, char *text);

/** A cell with an instant, as cli_instant() reads it. */
bool
cli_csv_time(const char *text, int64_t *out);

#endif
