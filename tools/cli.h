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
    uint32_t busy_timeout_ms; /* 0 = the library's */
    bool colour;              /* on stdout */
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

/** A number in [low, high], else a message and false. */
bool
cli_double(const char *option, const char *text, double low, double high, double *out);

/** An instant: "2011-12-09", "2011-12-09 12:50[:07]" in the store's zone (a session must be open),
 *  or with Z or an offset as +01:00. False if it is none, and a message if `option` is not NULL. */
bool
cli_instant(const char *option, const char *text, fbk_time *out);

/* -- the store --------------------------------------------------------------------------------- */

typedef struct cli_session {
    fbk_store *store;
    fbk *db;
    fbk_store_facts facts;
} cli_session;

enum { CLI_WRITE, CLI_READ };

/** Open cli.store and connect; on failure a message and an exit code. Sets the time zone of the
 *  process to the store's. CLI_READ makes do with a store that cannot be written. */
int
cli_open(int mode, cli_session *out);
void
cli_close(cli_session *session);

/** Say what a failed call left behind, and give its exit code. Says nothing when interrupted. */
int
cli_failed(const fbk *db, fbk_status status);

/** As-of of a verb: what --as-of said, or just after the last event of the store. */
int
cli_as_of(fbk *db, const char *text, fbk_time *out);

/* -- progress ---------------------------------------------------------------------------------- */

/** Start a bar: it shows after a second. cli_progress() is an fbk_progress_fn that draws it, and
 *  gives FBK_ECANCELLED after SIGINT. */
void
cli_progress_begin(const char *what);
fbk_status
cli_progress(void *user_data, uint64_t done, uint64_t total);
void
cli_progress_end(void);

/* -- values for people -------------------------------------------------------------------------
 * Into buffers of CLI_TEXT bytes, which they return. */

enum { CLI_TEXT = 64 };

/** 1,234,567 */
char *
cli_count(char *out, int64_t value);
/** 1 row, 2 rows */
char *
cli_counted(char *out, int64_t value, const char *one, const char *many);
/** 8,911,407.90 */
char *
cli_money(char *out, int64_t micro);
/** Thousandths without idle zeros. */
char *
cli_quantity(char *out, int64_t milli);
/** 2011-12-09 12:50 in the store's zone; "-" for FBK_TIME_NONE. */
char *
cli_time(char *out, fbk_time at);
char *
cli_day(char *out, fbk_time at);

/* -- JSON: one object a line ------------------------------------------------------------------- */

void
cli_json_begin(void);
void
cli_json_end(void);
void
cli_json_text(const char *key, const char *value);
void
cli_json_bytes(const char *key, const char *value, size_t len);
void
cli_json_int(const char *key, int64_t value);
void
cli_json_double(const char *key, double value);
void
cli_json_bool(const char *key, bool value);
void
cli_json_null(const char *key);

/* -- tables ------------------------------------------------------------------------------------ */

/** Print an Arrow stream that the library gave, which is taken over: JSON objects with the columns
 *  as keys, or an aligned table whose values are written by the unit in the column's name.
 *
 *  @param limit  rows at most, 0 = all.
 *  @param out_rows  rows printed; may be NULL. */
int
cli_print_stream(struct ArrowArrayStream *stream, int64_t limit, int64_t *out_rows);

/** One "name  value" line of a list. */
void
cli_fact(const char *name, const char *format, ...) FBK_PRINTF(2, 3);
/** A heading above a list or table (nothing in JSON mode). */
void
cli_heading(const char *format, ...) FBK_PRINTF(1, 2);

/* -- identifiers ------------------------------------------------------------------------------- */

/** NAMESPACE=VALUE in its two parts; the first is the caller's to free. A message and false if it
 *  is none. */
bool
cli_identifier(const char *text, char **out_space, const char **out_value);

/** The person of NAMESPACE=VALUE, or of the number of a profile; an exit code, said why. */
int
cli_person(fbk *db, const char *id, uint64_t *out_profile);

/** The same as an identifier, both parts the caller's to free. */
int
cli_person_identifier(fbk *db, const char *id, char **out_space, char **out_value);

typedef struct cli_link_options {
    fbk_status (*call)(fbk *db, const char *space_a, const char *value_a, const char *space_b,
                       const char *value_b, fbk_time at_us, const char *reason);
    const char *done, *not_done; /* what to say */
    const char *at, *reason;     /* of the options, or NULL */
} cli_link_options;

/** Link or unlink two identifiers and say what became of it; an exit code. */
int
cli_link(const cli_link_options *link, const char *a, const char *b);

/* -- merging ----------------------------------------------------------------------------------- */

/** Whether a file begins like a bundle. */
bool
cli_is_bundle(const char *path);

/** Bring stores and bundles into the store, and say what came of it; an exit code. */
int
cli_merge(char **paths, int n, const char *temp_dir);

/* -- verbs ------------------------------------------------------------------------------------- */

int
cmd_backup(int argc, char **argv);
int
cmd_maintain(int argc, char **argv);
int
cmd_catalogue(int argc, char **argv);
int
cmd_check(int argc, char **argv);
int
cmd_clv(int argc, char **argv);
int
cmd_context(int argc, char **argv);
int
cmd_export(int argc, char **argv);
int
cmd_import(int argc, char **argv);
int
cmd_init(int argc, char **argv);
int
cmd_stats(int argc, char **argv);
int
cmd_train(int argc, char **argv);
int
cmd_unlink(int argc, char **argv);
int
cmd_weather(int argc, char **argv);
int
cmd_link(int argc, char **argv);
int
cmd_merge(int argc, char **argv);
int
cmd_place(int argc, char **argv);
int
cmd_profile(int argc, char **argv);
int
cmd_recommend(int argc, char **argv);
int
cmd_rfm(int argc, char **argv);
int
cmd_salvage(int argc, char **argv);
int
cmd_simulate(int argc, char **argv);

#endif
