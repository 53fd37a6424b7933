/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>

/* feedback link: two identifiers are one person. */

static const char usage[] =
    "usage: feedback [--store FILE] link [--at TIME] [--reason TEXT] ID ID\n"
    "       feedback [--store FILE] link --quarantined\n"
    "\n"
    "Says that two identifiers, each NAMESPACE=VALUE as email=ann@shop.de, are one person.\n"
    "\n"
    "  --at TIME      when this was known (default now)\n"
    "  --reason TEXT  kept with the link; no personal data\n"
    "  --quarantined  list the identifiers that too many people share, and that join nobody\n";

static int
quarantined_print(void)
{
    struct ArrowArrayStream stream = {0};
    cli_session session;
    fbk_status rc;
    int code = cli_open(CLI_READ, &session);

    if (code != CLI_OK)
        return code;
    rc = fbk_identity_quarantined(session.db, &stream);
    code = rc < 0 ? cli_failed(session.db, rc) : cli_print_stream(&stream, 0, NULL);
    cli_close(&session);
    return code;
}

int
cmd_link(int argc, char **argv)
{
    static const struct option options[] = {{"at", required_argument, NULL, 'a'},
                                            {"reason", required_argument, NULL, 'r'},
                                            {"quarantined", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    cli_link_options link = {.call = fbk_identity_link,
                             .done = "one person",
                             .not_done =
                                 "kept, but they are not one person: unlinked later, or one "
                                 "of them is shared by too many"};

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'a':
            link.at = optarg;
            break;
        case 'r':
            link.reason = optarg;
            break;
        case 'q':
            return optind == argc ? quarantined_print() : cli_usage('?', usage);
        default:
            return cli_usage(c, usage);
        }
    if (argc - optind != 2)
        return cli_usage('?', usage);
    return cli_link(&link, argv[optind], argv[optind + 1]);
}
