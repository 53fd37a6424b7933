/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <string.h>

/* feedback export: what is in a store, or new in it, as a file. */

static const char usage[] =
    "usage: feedback [--store FILE] export [--format bundle|jsonl] [--since EVENT]\n"
    "                [--everything] [--overwrite] [--memory MIB] [--temp DIR] TO\n"
    "\n"
    "Writes a bundle, which feedback import and feedback merge bring into another store, or the\n"
    "events as lines of JSON, sorted by their ids: the same bytes for the same content. Prints the\n"
    "number to give to --since next time. The file holds personal data; its mode is 0600.\n"
    "\n"
    "  --format F      bundle (default) or jsonl\n"
    "  --since EVENT   only events that came after this number\n"
    "  --everything    with jsonl: also conflicts, links, items, places, stock, weather\n"
    "  --overwrite     replace TO when it is there\n"
    "  --memory MIB    with jsonl, for sorting: 1 to 65536 (default 64)\n"
    "  --temp DIR      with jsonl, for a nameless temporary file (default /var/tmp)\n";

static bool
format_parse(const char *text, uint32_t *out)
{
    if (strcmp(text, "bundle") == 0)
        *out = FBK_EXPORT_BUNDLE;
    else if (strcmp(text, "jsonl") == 0)
        *out = FBK_EXPORT_LINES;
    else
        cli_error("--format takes bundle or jsonl, not \"%.40s\"", text);
    return *out != UINT32_MAX;
}

static int
export_run(const char *to, const fbk_export_options *how)
{
    fbk_export_report report = FBK_EXPORT_REPORT_INIT;
    char text[2][CLI_TEXT];
    cli_session session;
    fbk_status rc;
    int code = cli_open(CLI_READ, &session);

    if (code != CLI_OK)
        return code;
    cli_progress_begin("exporting");
    rc = fbk_export_file(session.db, to, how, &report);
    cli_progress_end();
    if (rc < 0) {
        code = cli_failed(session.db, rc);
    } else if (cli.json) {
        cli_json_begin();
        cli_json_text("file", to);
        cli_json_int("events", (int64_t)report.events);
        cli_json_int("last_event", (int64_t)report.last_event);
        cli_json_int("bytes", (int64_t)report.bytes);
        cli_json_end();
    } else {
        (void)printf("%s: %s, %s bytes; next time --since %llu\n", to,
                     cli_counted(text[0], (int64_t)report.events, "event", "events"),
                     cli_count(text[1], (int64_t)report.bytes),
                     (unsigned long long)report.last_event);
    }
    cli_close(&session);
    return code;
}

int
cmd_export(int argc, char **argv)
{
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'}, {"since", required_argument, NULL, 's'},
        {"everything", no_argument, NULL, 'e'},   {"overwrite", no_argument, NULL, 'o'},
        {"memory", required_argument, NULL, 'M'}, {"temp", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    fbk_export_options how = FBK_EXPORT_OPTIONS_INIT;
    int64_t number;

    how.progress = cli_progress;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'f':
            how.format = UINT32_MAX;
            if (!format_parse(optarg, &how.format))
                return CLI_USAGE;
            break;
        case 's':
            if (!cli_int("--since", optarg, 0, INT64_MAX, &number))
                return CLI_USAGE;
            how.after_event = (uint64_t)number;
            break;
        case 'e':
            how.flags |= FBK_EXPORT_EVERYTHING;
            break;
        case 'o':
            how.flags |= FBK_EXPORT_OVERWRITE;
            break;
        case 'M':
            if (!cli_int("--memory", optarg, 1, 65536, &number))
                return CLI_USAGE;
            how.memory_mib = (uint32_t)number;
            break;
        case 't':
            how.temp_dir = optarg;
            break;
        default:
            return cli_usage(c, usage);
        }
    if (argc - optind != 1) {
        cli_error("export needs one file TO write");
        return CLI_USAGE;
    }
    return export_run(argv[optind], &how);
}
