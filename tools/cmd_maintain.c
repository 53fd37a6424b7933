/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>

/* feedback maintain: bring the store into its best shape. */

static const char usage[] =
    "usage: feedback [--store FILE] maintain [--budget SECONDS] [--full] [--no-wait] [--vacuum]\n"
    "\n"
    "Merges what appends left in many pieces, gives unused pages back to the file system and, after\n"
    "an erasure, writes the file anew. Others may use the store meanwhile. Run it every night, and\n"
    "after loading much.\n"
    "\n"
    "  --budget SECONDS  stop after about so long; the next run goes on from there\n"
    "  --full            merge into a single segment\n"
    "  --memory MIB      what merging may take, about (default 128)\n"
    "  --no-wait         do not wait for others who still read what was merged\n"
    "  --vacuum          write the whole file anew in any case\n";

static void
maintain_print(const fbk_maintain_result *r)
{
    char before[CLI_TEXT];
    char after[CLI_TEXT];
    char rows[CLI_TEXT];

    if (cli.json) {
        cli_json_begin();
        cli_json_text("store", cli.store);
        cli_json_int("more", r->more);
        cli_json_int("rows_merged", (int64_t)r->rows_merged);
        cli_json_int("keys_merged", (int64_t)r->keys_merged);
        cli_json_int("bytes_written", (int64_t)r->bytes_written);
        cli_json_int("bytes_cleared", (int64_t)r->bytes_cleared);
        cli_json_int("file_before", (int64_t)r->file_before);
        cli_json_int("file_after", (int64_t)r->file_after);
        cli_json_int("segments", r->n_segments);
        cli_json_int("runs", r->n_runs);
        cli_json_end();
        return;
    }
    (void)printf("%s: %s; %s lines merged, %s bytes before, %s after\n", cli.store,
                 r->more ? "not all is done, run again" : "all is done",
                 cli_count(rows, (int64_t)r->rows_merged),
                 cli_count(before, (int64_t)r->file_before),
                 cli_count(after, (int64_t)r->file_after));
}

int
cmd_maintain(int argc, char **argv)
{
    static const struct option options[] = {{"budget", required_argument, NULL, 'b'},
                                            {"full", no_argument, NULL, 'f'},
                                            {"memory", required_argument, NULL, 'm'},
                                            {"no-wait", no_argument, NULL, 'n'},
                                            {"vacuum", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    fbk_maintain_options how = FBK_MAINTAIN_OPTIONS_INIT;
    fbk_maintain_result result = FBK_MAINTAIN_RESULT_INIT;
    cli_session session;
    double seconds = 0.0;
    int64_t memory = 0;
    fbk_status rc;
    int code;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'b' && !cli_double("--budget", optarg, 0.001, 86400.0, &seconds))
            return CLI_USAGE;
        if (c == 'm' && !cli_int("--memory", optarg, 1, 65536, &memory))
            return CLI_USAGE;
        if (c == 'f')
            how.flags |= FBK_MAINTAIN_FULL;
        else if (c == 'n')
            how.flags |= FBK_MAINTAIN_NO_WAIT;
        else if (c == 'v')
            how.flags |= FBK_MAINTAIN_VACUUM;
        else if (c != 'b' && c != 'm')
            return cli_usage(c, usage);
    }
    if (optind != argc)
        return cli_usage('?', usage);
    code = cli_open(CLI_WRITE, &session);
    if (code != CLI_OK)
        return code;
    how.budget_ms = (uint32_t)(seconds * 1000.0 + 0.5);
    how.memory_mib = (uint32_t)memory;
    how.progress = cli_progress;
    cli_progress_begin("maintaining");
    rc = fbk_store_maintain(session.db, &how, &result);
    cli_progress_end();
    if (rc < 0)
        code = cli_failed(session.db, rc);
    else
        maintain_print(&result);
    cli_close(&session);
    return code;
}
