/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <string.h>

/* feedback merge: other stores, or bundles of them, into this one. */

static const char usage[] =
    "usage: feedback [--store FILE] merge [--temp DIR] FROM…\n"
    "\n"
    "Brings everything of other stores into this one. FROM is a store, which is only read, or a\n"
    "bundle that feedback export wrote. In whatever order, and however often: the result is the\n"
    "same. Models are not merged: train them again.\n"
    "\n"
    "  --temp DIR      for a nameless temporary file (default /var/tmp)\n";

bool
cli_is_bundle(const char *path)
{
    static const unsigned char magic[] = {0x89, 'F', 'B', 'K', 'B', '\r', '\n', 0x1a};
    unsigned char head[sizeof magic];
    FILE *f = fopen(path, "rbe");
    bool is = f && fread(head, 1, sizeof head, f) == sizeof head &&
              memcmp(head, magic, sizeof magic) == 0;

    if (f)
        (void)fclose(f);
    return is;
}

static void
report_print(const char *path, const fbk_merge_report *r)
{
    char text[5][CLI_TEXT];

    if (cli.json) {
        cli_json_begin();
        cli_json_text("from", path);
        cli_json_int("events_added", (int64_t)r->events_added);
        cli_json_int("events_already", (int64_t)r->events_already);
        cli_json_int("events_conflict", (int64_t)r->events_conflict);
        cli_json_int("events_replaced", (int64_t)r->events_replaced);
        cli_json_int("events_erased", (int64_t)r->events_erased);
        cli_json_int("events_dropped", (int64_t)r->events_dropped);
        cli_json_int("lines_added", (int64_t)r->lines_added);
        cli_json_int("rows_changed", (int64_t)r->rows_changed);
        cli_json_end();
        return;
    }
    (void)printf("%s: %s added with %s, %s already there, %s changed\n", path,
                 cli_counted(text[0], (int64_t)r->events_added, "event", "events"),
                 cli_counted(text[1], (int64_t)r->lines_added, "line", "lines"),
                 cli_count(text[2], (int64_t)r->events_already),
                 cli_counted(text[3], (int64_t)r->rows_changed, "other row", "other rows"));
    if (r->events_conflict)
        cli_note("%s: %s there in another version; of %s the other is now the event", path,
                 cli_counted(text[0], (int64_t)r->events_conflict, "event was", "events were"),
                 cli_count(text[1], (int64_t)r->events_replaced));
    if (r->events_erased)
        cli_note("%s: %s not taken: they were erased once", path,
                 cli_counted(text[0], (int64_t)r->events_erased, "event was", "events were"));
    if (r->events_dropped)
        cli_note("%s: %s erased here, because they were erased there", path,
                 cli_counted(text[0], (int64_t)r->events_dropped, "event was", "events were"));
}

/* From another store's file. */
static int
merge_store(fbk *db, const char *path, const fbk_merge_options *how, fbk_merge_report *report)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;
    fbk *from = NULL;
    fbk_status rc;

    options.flags = FBK_STORE_READONLY;
    options.busy_timeout_ms = cli.busy_timeout_ms;
    rc = fbk_store_open(path, &options, &store, &info);
    if (rc < 0) {
        cli_error("%s: %s", path, info.message);
        return cli_exit_code(rc);
    }
    rc = fbk_connect(store, &from);
    if (rc >= 0)
        rc = fbk_store_merge(db, from, how, report);
    fbk_close(from);
    fbk_store_close(store);
    return rc < 0 ? cli_failed(db, rc) : CLI_OK;
}

int
cli_merge(char **paths, int n, const char *temp_dir)
{
    fbk_merge_options how = FBK_MERGE_OPTIONS_INIT;
    cli_session session;
    int code = cli_open(CLI_WRITE, &session);

    if (code != CLI_OK)
        return code;
    how.temp_dir = temp_dir;
    how.progress = cli_progress;
    for (int i = 0; i < n && code == CLI_OK; i++) {
        fbk_merge_report report = FBK_MERGE_REPORT_INIT;

        cli_progress_begin("merging");
        if (cli_is_bundle(paths[i])) {
            fbk_status rc = fbk_merge_file(session.db, paths[i], &how, &report);

            code = rc < 0 ? cli_failed(session.db, rc) : CLI_OK;
        } else {
            code = merge_store(session.db, paths[i], &how, &report);
        }
        cli_progress_end();
        if (code == CLI_OK)
            report_print(paths[i], &report);
    }
    cli_close(&session);
    return code;
}

int
cmd_merge(int argc, char **argv)
{
    static const struct option options[] = {{"temp", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *temp_dir = NULL;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 't':
            temp_dir = optarg;
            break;
        default:
            return cli_usage(c, usage);
        }
    if (optind == argc) {
        cli_error("merge needs a store or a bundle to bring in");
        return CLI_USAGE;
    }
    return cli_merge(argv + optind, argc - optind, temp_dir);
}
