/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <string.h>

#include "cli_csv.h"

/* feedback place: shops, offices, points of interest. */

static const char usage[] =
    "usage: feedback [--store FILE] place load [--column NAME=HEADER]… FILE.csv\n"
    "       feedback [--store FILE] place list\n"
    "       feedback [--store FILE] place near LATITUDE LONGITUDE\n"
    "\n"
    "load adds or changes places; its columns: code (required), name, time_zone (IANA name), station\n"
    "(of the weather), latitude_deg, longitude_deg. An empty field changes nothing.\n"
    "\n"
    "  --column NAME=HEADER  the file calls the column NAME so\n";

static const cli_csv_column columns[] = {
    {"code", FBK_ARROW_TEXT, true, false, NULL},
    {"name", FBK_ARROW_TEXT, false, false, NULL},
    {"time_zone", FBK_ARROW_TEXT, false, false, NULL},
    {"station", FBK_ARROW_TEXT, false, false, NULL},
    {"latitude_deg", FBK_ARROW_DOUBLE, false, false, NULL},
    {"longitude_deg", FBK_ARROW_DOUBLE, false, false, NULL},
    {0},
};

static int
list(void)
{
    struct ArrowArrayStream stream = {0};
    cli_session session;
    fbk_status rc;
    int code = cli_open(CLI_READ, &session);

    if (code != CLI_OK)
        return code;
    rc = fbk_place_list(session.db, &stream);
    code = rc < 0 ? cli_failed(session.db, rc) : cli_print_stream(&stream, 0, NULL);
    cli_close(&session);
    return code;
}

static int
near(const char *latitude, const char *longitude)
{
    fbk_place_info place = {.struct_size = (uint32_t)sizeof place};
    cli_session session;
    double latitude_deg;
    double longitude_deg;
    double km = 0.0;
    fbk_status rc;
    int code;

    if (!cli_double("LATITUDE", latitude, -90.0, 90.0, &latitude_deg) ||
        !cli_double("LONGITUDE", longitude, -180.0, 180.0, &longitude_deg))
        return CLI_USAGE;
    code = cli_open(CLI_READ, &session);
    if (code != CLI_OK)
        return code;
    rc = fbk_place_nearest(session.db, latitude_deg, longitude_deg, &place, &km);
    if (rc < 0) {
        code = cli_failed(session.db, rc);
    } else if (cli.json) {
        cli_json_begin();
        cli_json_text("code", place.code);
        cli_json_text("name", place.name);
        cli_json_double("km", km);
        cli_json_text("time_zone", place.time_zone);
        cli_json_text("station", place.station);
        cli_json_end();
    } else {
        (void)printf("%s %s, %.1f km, %s, weather of %s\n", place.code, place.name, km,
                     place.time_zone, place.station);
    }
    cli_close(&session);
    return code;
}

/* Options up to the next word; an exit code, or -1 to go on. */
static int
options_read(int argc, char **argv, cli_load_options *load)
{
    static const struct option options[] = {{"column", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};

    /* '+': a negative degree after the word is no option. */
    for (int c; (c = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
        if (c != 'c')
            return cli_usage(c, usage);
        if (!cli_rename(load, optarg))
            return CLI_USAGE;
    }
    return -1;
}

int
cmd_place(int argc, char **argv)
{
    cli_load_options load = {
        .columns = columns, .call = fbk_place_upsert_rows, .one = "place", .many = "places"};
    const char *action;
    int code = options_read(argc, argv, &load);

    if (code >= 0)
        return code;
    action = optind < argc ? argv[optind++] : "";
    if (strcmp(action, "near") == 0 && argc - optind == 2)
        return near(argv[optind], argv[optind + 1]);
    code = options_read(argc, argv, &load);
    if (code >= 0)
        return code;
    if (strcmp(action, "load") == 0 && argc - optind == 1)
        return cli_load(&load, argv[optind]);
    if (strcmp(action, "list") == 0 && argc == optind)
        return list();
    return cli_usage('?', usage);
}
