/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <time.h>

/* feedback import: files of events. */

static const char usage[] =
    "usage: feedback [--store FILE] import --map MAP [--rejects FILE] [--temp DIR]\n"
    "                [--memory MIB] [--batch EVENTS] FILE…\n"
    "       feedback [--store FILE] import BUNDLE…\n"
    "\n"
    "Stores the events of files, CSV or newline-delimited JSON, plain or zstd. Importing a file\n"
    "again, or taking up an import that was cut short, stores nothing twice. When rows are\n"
    "rejected, the rest is stored and the exit status is 3. Bundles, which feedback export\n"
    "writes, need no map: see feedback merge.\n"
    "\n"
    "  --map MAP       what the columns mean: feedback-import(5)\n"
    "  --rejects FILE  write row, line, field and reason of what was rejected (with one FILE only)\n"
    "  --temp DIR      for a nameless temporary file (default /var/tmp)\n"
    "  --memory MIB    for sorting, 1 to 65536 (default 64)\n"
    "  --batch EVENTS  events a commit, 1 to 1000000 (default 4096)\n";

static double
now_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
report_json(const char *path, const fbk_import_report *r, double seconds)
{
    cli_json_begin();
    cli_json_text("file", path);
    cli_json_int("rows_read", (int64_t)r->rows_read);
    cli_json_int("rows_rejected", (int64_t)r->rows_rejected);
    cli_json_int("rows_skipped", (int64_t)r->rows_skipped);
    cli_json_int("events_added", (int64_t)r->events_added);
    cli_json_int("events_already", (int64_t)r->events_already);
    cli_json_int("events_conflict", (int64_t)r->events_conflict);
    cli_json_int("events_erased", (int64_t)r->events_erased);
    cli_json_int("events_rejected", (int64_t)r->events_rejected);
    cli_json_int("lines_added", (int64_t)r->lines_added);
    cli_json_int("items_described", (int64_t)r->items_described);
    cli_json_int("local_gaps", (int64_t)r->local_gaps);
    cli_json_int("local_overlaps", (int64_t)r->local_overlaps);
    cli_json_double("seconds", seconds);
    cli_json_end();
}

static void
report_print(const char *path, const fbk_import_report *r, double seconds)
{
    char text[6][CLI_TEXT];

    (void)printf("%s: %s read, %s stored with %s, %s already there", path,
                 cli_counted(text[0], (int64_t)r->rows_read, "row", "rows"),
                 cli_counted(text[1], (int64_t)r->events_added, "event", "events"),
                 cli_counted(text[2], (int64_t)r->lines_added, "line", "lines"),
                 cli_count(text[3], (int64_t)r->events_already));
    if (r->rows_skipped)
        (void)printf(", %s left out by the mapping",
                     cli_counted(text[4], (int64_t)r->rows_skipped, "row", "rows"));
    if (r->items_described)
        (void)printf(", %s described",
                     cli_counted(text[5], (int64_t)r->items_described, "item", "items"));
    (void)printf(", %.1f s\n", seconds);
}

/* What was not stored, in a sentence; whether there was any. */
static bool
rejects_say(const char *path, const fbk_import_report *r, const char *rejects_path)
{
    char rows[CLI_TEXT];
    char events[CLI_TEXT];

    if (r->events_erased)
        cli_note("%s: %s not stored: they were erased once", path,
                 cli_counted(events, (int64_t)r->events_erased, "event was", "events were"));
    if (r->rows_rejected)
        cli_error("%s: %s rejected and the rest stored; the first, row %lld on line %lld%s%s: "
                  "%s%s%s",
                  path, cli_counted(rows, (int64_t)r->rows_rejected, "row was", "rows were"),
                  (long long)r->reject_row, (long long)r->reject_line, *r->reject_field ? ", " : "",
                  r->reject_field, r->reject_reason, rejects_path ? "; all are in " : "",
                  rejects_path ? rejects_path : "");
    return r->rows_rejected || r->events_conflict;
}

static int
import_one(fbk *db, const char *path, const fbk_import_options *how)
{
    fbk_import_report report = FBK_IMPORT_REPORT_INIT;
    double begun = now_seconds();
    fbk_status rc;

    cli_progress_begin("importing");
    rc = fbk_import_file(db, path, how, &report);
    cli_progress_end();
    if (rc >= 0 || report.rows_read) {
        if (cli.json)
            report_json(path, &report, now_seconds() - begun);
        else
            report_print(path, &report, now_seconds() - begun);
    }
    if (rc < 0 && rc != FBK_ECANCELLED) {
        cli_error("%s: %s", path, fbk_errmsg(db));
        return cli_exit_code(rc);
    }
    if (rc < 0)
        return cli_failed(db, rc);
    return rejects_say(path, &report, how->rejects_path) ? CLI_BAD_INPUT : CLI_OK;
}

static int
imports_run(char **files, int n, const fbk_import_options *how)
{
    cli_session session;
    int code = cli_open(CLI_WRITE, &session);

    for (int i = 0; i < n && (code == CLI_OK || code == CLI_BAD_INPUT); i++) {
        int one = import_one(session.db, files[i], how);

        code = one == CLI_OK ? code : one;
    }
    cli_close(&session);
    return code;
}

static bool
bundles_only(char **files, int n)
{
    int i = 0;

    while (i < n && cli_is_bundle(files[i]))
        i++;
    return n > 0 && i == n;
}

int
cmd_import(int argc, char **argv)
{
    static const struct option options[] = {{"map", required_argument, NULL, 'm'},
                                            {"rejects", required_argument, NULL, 'r'},
                                            {"temp", required_argument, NULL, 't'},
                                            {"memory", required_argument, NULL, 'M'},
                                            {"batch", required_argument, NULL, 'b'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    fbk_import_options how = FBK_IMPORT_OPTIONS_INIT;
    int64_t number;

    how.progress = cli_progress;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'm':
            how.map_path = optarg;
            break;
        case 'r':
            how.rejects_path = optarg;
            break;
        case 't':
            how.temp_dir = optarg;
            break;
        case 'M':
            if (!cli_int("--memory", optarg, 1, 65536, &number))
                return CLI_USAGE;
            how.memory_mib = (uint32_t)number;
            break;
        case 'b':
            if (!cli_int("--batch", optarg, 1, 1000000, &number))
                return CLI_USAGE;
            how.batch_events = (uint32_t)number;
            break;
        default:
            return cli_usage(c, usage);
        }
    if (!how.map_path && bundles_only(argv + optind, argc - optind))
        return cli_merge(argv + optind, argc - optind, how.temp_dir);
    if (!how.map_path || optind == argc || (how.rejects_path && argc - optind > 1)) {
        cli_error("%s", !how.map_path ? "import needs --map MAP, which says what the columns mean: "
                                        "feedback-import(5)"
                        : optind == argc ? "import needs a FILE to read"
                                         : "import writes --rejects of one FILE at a time");
        return CLI_USAGE;
    }
    return imports_run(argv + optind, argc - optind, &how);
}
