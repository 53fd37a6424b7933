/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>

/* feedback unlink: two identifiers are not one person. */

static const char usage[] =
    "usage: feedback [--store FILE] unlink [--at TIME] [--reason TEXT] ID ID\n"
    "\n"
    "Says that two identifiers, each NAMESPACE=VALUE as email=ann@shop.de, are not one person.\n"
    "No event is touched: linking them again gives back exactly what was.\n"
    "\n"
    "  --at TIME      when this was known (default now)\n"
    "  --reason TEXT  kept with it; no personal data\n";

int
cmd_unlink(int argc, char **argv)
{
    static const struct option options[] = {{"at", required_argument, NULL, 'a'},
                                            {"reason", required_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    cli_link_options link = {.call = fbk_identity_unlink,
                             .done = "two people",
                             .not_done = "kept, but they are still one person by other links"};

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'a':
            link.at = optarg;
            break;
        case 'r':
            link.reason = optarg;
            break;
        default:
            return cli_usage(c, usage);
        }
    if (argc - optind != 2)
        return cli_usage('?', usage);
    return cli_link(&link, argv[optind], argv[optind + 1]);
}
