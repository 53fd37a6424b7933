/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>

/* feedback backup: a verified copy of the store. */

static const char usage[] =
    "usage: feedback [--store FILE] backup [--overwrite] TO\n"
    "\n"
    "Copies the store, as it is now, into the file TO and proves the copy.\n"
    "\n"
    "  --overwrite  replace TO if it exists, once the copy is good\n";

int
cmd_backup(int argc, char **argv)
{
    static const struct option options[] = {{"overwrite", no_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    fbk_store_backup_options how = FBK_STORE_BACKUP_OPTIONS_INIT;
    cli_session session;
    fbk_status rc;
    int code;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c != 'o')
            return cli_usage(c, usage);
        how.flags |= FBK_BACKUP_OVERWRITE;
    }
    if (argc - optind != 1)
        return cli_usage('?', usage);
    code = cli_open(CLI_READ, &session);
    if (code != CLI_OK)
        return code;
    how.progress = cli_progress;
    cli_progress_begin("copying");
    rc = fbk_store_backup(session.db, argv[optind], &how);
    cli_progress_end();
    if (rc < 0) {
        code = cli_failed(session.db, rc);
        code = code == CLI_BAD_INPUT ? CLI_FAILURE : code; /* a path is no input data */
    } else if (cli.json) {
        cli_json_begin();
        cli_json_text("store", cli.store);
        cli_json_text("backup", argv[optind]);
        cli_json_end();
    } else {
        (void)printf("%s: a verified copy of %s\n", argv[optind], cli.store);
    }
    cli_close(&session);
    return code;
}
