/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>

/* feedback init: make a store. */

static const char usage[] =
    "usage: feedback [--store FILE] init [--currency CCY] [--time-zone ZONE] [--net]\n"
    "\n"
    "Makes an empty store; it must not exist yet.\n"
    "\n"
    "  --currency CCY    ISO 4217, three capitals (default EUR)\n"
    "  --time-zone ZONE  IANA name, as Europe/London (default UTC)\n"
    "  --net             prices are without tax\n";

/* A store keeps its zone for ever: a name without rules is found out before there is a file. */
static int
zone_check(const char *time_zone)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_context context = {.struct_size = (uint32_t)sizeof context};
    fbk_store *store = NULL;
    fbk *db = NULL;
    fbk_status rc;

    options.flags = FBK_STORE_CREATE;
    options.time_zone = time_zone;
    rc = fbk_store_open(":memory:", &options, &store, &info);
    if (rc >= 0)
        rc = fbk_connect(store, &db);
    if (rc >= 0)
        rc = fbk_context_at(db, NULL, 0, &context);
    if (rc < 0)
        cli_error("--time-zone: %s", db ? fbk_errmsg(db) : info.message);
    fbk_close(db);
    fbk_store_close(store);
    return rc < 0 ? CLI_USAGE : CLI_OK;
}

int
cmd_init(int argc, char **argv)
{
    static const struct option options[] = {{"currency", required_argument, NULL, 'c'},
                                            {"time-zone", required_argument, NULL, 'z'},
                                            {"net", no_argument, NULL, 'n'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    fbk_store_options make = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store *store = NULL;
    fbk_status rc;

    make.flags = FBK_STORE_CREATE | FBK_STORE_EXCLUSIVE;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'c':
            make.currency = optarg;
            break;
        case 'z':
            make.time_zone = optarg;
            break;
        case 'n':
            make.flags |= FBK_STORE_PRICES_NET;
            break;
        default:
            return cli_usage(c, usage);
        }
    if (optind != argc)
        return cli_usage('?', usage);
    if (make.time_zone && zone_check(make.time_zone) != CLI_OK)
        return CLI_USAGE;
    rc = fbk_store_open(cli.store, &make, &store, &info);
    if (rc < 0) {
        cli_error("%s: %s", cli.store, info.message);
        return rc == FBK_EINVAL ? CLI_USAGE : cli_exit_code(rc);
    }
    fbk_store_close(store);
    if (cli.json) {
        cli_json_begin();
        cli_json_text("store", cli.store);
        cli_json_text("currency", make.currency ? make.currency : "EUR");
        cli_json_text("time_zone", make.time_zone ? make.time_zone : "UTC");
        cli_json_end();
    } else {
        (void)printf("%s: an empty store, %s, %s\n", cli.store,
                     make.currency ? make.currency : "EUR",
                     make.time_zone ? make.time_zone : "UTC");
    }
    return CLI_OK;
}
