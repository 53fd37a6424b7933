/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <feedback/feedback.h>
#include <stdbool.h>
#include <stdio.h>

/* What the verbs of the command line share: messages, exit codes, the store, progress, output. */

enum {
    CLI_OK = 0,
    CLI_FAILURE = 1,
    CLI_USAGE = 2,
    CLI_BAD_INPUT = 3,
    CLI_CORRUPT = 4,
    CLI_BUSY = 5,
    CLI_REFUSED = 6,
    CLI_INTERRUPTED = 130
};

enum { CLI_PROGRESS_AUTO, CLI_PROGRESS_ALWAYS, CLI_PROGRESS_NEVER };

/** The global options. */
typedef struct cli_globals {
    const char *store; /* path; "feedback.db" unless --store or FEEDBACK_STORE */
    bool json;
    int progress;
    bool colour; /* on stdout */
} cli_globals;

extern cli_globals cli;

/* -- messages ---------------------------------------------------------------------------------- */

/** One sentence on stderr, after "feedback: ". */
void
cli_error(const char *format, ...) FBK_PRINTF(1, 2);
void
cli_note(const char *format, ...) FBK_PRINTF(1, 2);

/** End of option parsing: 'h' prints the text on stdout and is success, anything else prints it
 *  on stderr and is CLI_USAGE. */
int
cli_usage(int option, const char *text);

/** Exit code of a status. */
int
cli_exit_code(fbk_status status);

/** A whole number in [low, high], else a message and false. */
bool
cli_int(const char *option, const char *text, int64_t low, int64_t high, int64_t *out);

/* -- progress ---------------------------------------------------------------------------------- */

/** Start a bar: it shows after a second. cli_progress() is an fbk_progress_fn that draws it, and
 *  gives FBK_ECANCELLED after SIGINT. */
void
cli_progress_begin(const char *what);
fbk_status
cli_progress(void *user_data, uint64_t done, uint64_t total);
void
cli_progress_end(void);
bool
cli_interrupted(void);

/* -- JSON: one object a line ------------------------------------------------------------------- */

void
cli_json_begin(void);
void
cli_json_end(void);
void
cli_json_text(const char *key, const char *value);
void
cli_json_int(const char *key, int64_t value);
void
cli_json_double(const char *key, double value);

/* -- verbs ------------------------------------------------------------------------------------- */

int
cmd_simulate(int argc, char **argv);

#endif
