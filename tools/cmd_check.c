/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>

/* feedback check: is the store sound? */

static const char usage[] =
    "usage: feedback [--store FILE] check [--full | --quick]\n"
    "\n"
    "Reads the whole store and compares every page and every event with its checksum; each problem\n"
    "that is found is a line, and then the exit status is 4.\n"
    "\n"
    "  --full   everything (this is what it does unless told otherwise)\n"
    "  --quick  the structure only\n";

static fbk_status
problem_print(void *user_data, const char *sentence)
{
    (void)user_data;
    if (cli.json) {
        cli_json_begin();
        cli_json_text("problem", sentence);
        cli_json_end();
    } else {
        (void)printf("%s\n", sentence);
    }
    return FBK_OK;
}

/* The file may be sound and what it says still be wrong. */
static fbk_status
check_events(fbk *db, fbk_status so_far, fbk_store_check_result *found)
{
    uint64_t n = 0;
    fbk_status rc = fbk_event_check(db, problem_print, NULL, &n);

    found->n_problems += n;
    return rc < 0 ? rc : so_far;
}

int
cmd_check(int argc, char **argv)
{
    static const struct option options[] = {{"full", no_argument, NULL, 'f'},
                                            {"quick", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    fbk_store_check_options how = FBK_STORE_CHECK_OPTIONS_INIT;
    fbk_store_check_result found = {.struct_size = (uint32_t)sizeof found};
    cli_session session;
    char count[CLI_TEXT];
    fbk_status rc;
    int code;

    how.level = FBK_CHECK_FULL;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c != 'q' && c != 'f')
            return cli_usage(c, usage);
        how.level = c == 'q' ? FBK_CHECK_QUICK : FBK_CHECK_FULL;
    }
    if (optind != argc)
        return cli_usage('?', usage);
    code = cli_open(CLI_READ, &session);
    if (code != CLI_OK)
        return code;
    how.progress = cli_progress;
    how.problem = problem_print;
    cli_progress_begin("checking");
    rc = fbk_store_check(session.db, &how, &found);
    if ((rc >= 0 || rc == FBK_ECORRUPT) && how.level == FBK_CHECK_FULL)
        rc = check_events(session.db, rc, &found);
    cli_progress_end();
    if (rc < 0 && !(rc == FBK_ECORRUPT && found.n_problems))
        code = cli_failed(session.db, rc);
    else
        code = rc < 0 ? CLI_CORRUPT : CLI_OK;
    if (code == CLI_OK || (code == CLI_CORRUPT && found.n_problems)) {
        if (cli.json) {
            cli_json_begin();
            cli_json_text("store", cli.store);
            cli_json_bool("sound", code == CLI_OK);
            cli_json_int("problems", (int64_t)found.n_problems);
            cli_json_int("pages", (int64_t)found.n_pages);
            cli_json_int("bad_pages", (int64_t)found.n_bad_pages);
            cli_json_end();
        } else {
            (void)printf("%s: %s, ", cli.store, code == CLI_OK ? "sound" : "damaged");
            if (how.level == FBK_CHECK_QUICK)
                (void)puts("by its structure");
            else
                (void)printf("%s pages compared\n", cli_count(count, (int64_t)found.n_pages));
        }
    }
    cli_close(&session);
    return code;
}
