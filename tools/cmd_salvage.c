/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* feedback salvage: all that is sound of a damaged store, into a new one. */

static const char usage[] =
    "usage: feedback salvage [--list FILE] DAMAGED NEW\n"
    "\n"
    "Copies all that is sound of the store DAMAGED into a new store NEW, and says in FILE what was\n"
    "lost, a sentence a line. When something was lost the exit status is 4.\n"
    "\n"
    "  --list FILE  where the list goes (default: NEW.lost)\n";

enum { SHOWN = 20 };

typedef struct salvage_list {
    const char *path;
    FILE *file; /* made with the first line */
    uint64_t n;
} salvage_list;

static fbk_status
list_add(void *user_data, const char *sentence)
{
    salvage_list *list = user_data;

    if (!list->file)
        list->file = fopen(list->path, "w");
    if (!list->file || fprintf(list->file, "%s\n", sentence) < 0) {
        cli_error("could not write %s: %s", list->path, strerror(errno));
        return FBK_EIO;
    }
    if (cli.json) {
        cli_json_begin();
        cli_json_text("lost", sentence);
        cli_json_end();
    } else if (list->n++ < SHOWN) {
        (void)printf("%s\n", sentence);
    }
    return FBK_OK;
}

static void
salvage_report(const salvage_list *list, const char *to, const fbk_store_salvage_result *r)
{
    char events[CLI_TEXT];
    char rows[CLI_TEXT];

    if (cli.json) {
        cli_json_begin();
        cli_json_text("store", to);
        cli_json_int("losses", (int64_t)r->n_losses);
        cli_json_int("pages", (int64_t)r->n_pages);
        cli_json_int("bad_pages", (int64_t)r->n_bad_pages);
        cli_json_int("events", (int64_t)r->n_events);
        cli_json_int("events_lost", (int64_t)r->n_events_lost);
        cli_json_int("lines", (int64_t)r->n_lines);
        cli_json_int("frames_lost", (int64_t)r->n_frames_lost);
        cli_json_int("records_lost", (int64_t)r->n_records_lost);
        cli_json_int("rows", (int64_t)r->n_rows);
        cli_json_int("rows_lost", (int64_t)r->n_rows_lost);
        cli_json_end();
        return;
    }
    if (list->n > SHOWN)
        (void)printf("… and %llu more\n", (unsigned long long)(list->n - SHOWN));
    (void)printf("%s: %s, %s of other tables", to,
                 cli_counted(events, (int64_t)r->n_events, "event", "events"),
                 cli_counted(rows, (int64_t)r->n_rows, "row", "rows"));
    if (r->n_losses == 0)
        (void)puts("; nothing was lost");
    else if (r->n_events_lost)
        (void)printf("; %s lost, see %s\n",
                     cli_counted(events, (int64_t)r->n_events_lost, "event was", "events were"),
                     list->path);
    else
        (void)printf("; what was lost is in %s\n", list->path);
}

static int
salvage_run(const char *from, const char *to, const char *list_path)
{
    fbk_store_salvage_options how = FBK_STORE_SALVAGE_OPTIONS_INIT;
    fbk_store_salvage_result result = {.struct_size = (uint32_t)sizeof result};
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    salvage_list list = {list_path, NULL, 0};
    fbk_status rc;

    how.progress = cli_progress;
    how.lost = list_add;
    how.lost_user_data = &list;
    cli_progress_begin("salvaging");
    rc = fbk_store_salvage(from, to, &how, &result, &info);
    cli_progress_end();
    if (list.file && fclose(list.file) != 0 && rc >= 0) {
        cli_error("could not write %s: %s", list_path, strerror(errno));
        return CLI_FAILURE;
    }
    if (rc == FBK_ECANCELLED)
        return CLI_INTERRUPTED;
    if (rc < 0) {
        int code = cli_exit_code(rc);

        if (rc != FBK_ECALLBACK)
            cli_error("%s", info.message);
        return code == CLI_BAD_INPUT ? CLI_FAILURE : code; /* a path is no input data */
    }
    salvage_report(&list, to, &result);
    return result.n_losses ? CLI_CORRUPT : CLI_OK;
}

int
cmd_salvage(int argc, char **argv)
{
    static const struct option options[] = {{"list", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *list = NULL;
    char *made = NULL;
    int code;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c != 'l')
            return cli_usage(c, usage);
        list = optarg;
    }
    if (argc - optind != 2)
        return cli_usage('?', usage);
    if (!list) {
        if (asprintf(&made, "%s.lost", argv[optind + 1]) < 0) {
            cli_error("out of memory");
            return CLI_FAILURE;
        }
        list = made;
    }
    code = salvage_run(argv[optind], argv[optind + 1], list);
    free(made);
    return code;
}
