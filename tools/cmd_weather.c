/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <string.h>

#include "cli_csv.h"

/* feedback weather: observations of stations. */

static const char usage[] =
    "usage: feedback [--store FILE] weather load [--column NAME=HEADER]… FILE.csv\n"
    "       feedback [--store FILE] weather days [--from DATE] [--to DATE] STATION\n"
    "\n"
    "load stores observations; its columns: station (required); date (a whole day, YYYY-MM-DD) or\n"
    "time (a reading); temperature_celsius, or temperature_min_celsius and temperature_max_celsius;\n"
    "precipitation_mm, wind_m_s, humidity_percent, condition (clear, cloudy, fog, drizzle, rain,\n"
    "snow, storm). days lists the days of a station.\n"
    "\n"
    "  --column NAME=HEADER  the file calls the column NAME so\n"
    "  --from DATE           first day\n"
    "  --to DATE             last day\n";

static const cli_csv_column columns[] = {
    {"station", FBK_ARROW_TEXT, true, false, NULL},
    {"date", FBK_ARROW_TEXT, false, false, NULL},
    {"time", FBK_ARROW_TIME, false, false, cli_csv_time},
    {"temperature_celsius", FBK_ARROW_DOUBLE, false, false, NULL},
    {"temperature_min_celsius", FBK_ARROW_DOUBLE, false, false, NULL},
    {"temperature_max_celsius", FBK_ARROW_DOUBLE, false, false, NULL},
    {"precipitation_mm", FBK_ARROW_DOUBLE, false, false, NULL},
    {"wind_m_s", FBK_ARROW_DOUBLE, false, false, NULL},
    {"humidity_percent", FBK_ARROW_DOUBLE, false, false, NULL},
    {"condition", FBK_ARROW_TEXT, false, false, NULL},
    {0},
};

static int
days(const char *station, const char *from, const char *to)
{
    struct ArrowArrayStream stream = {0};
    cli_session session;
    fbk_status rc;
    int code = cli_open(CLI_READ, &session);

    if (code != CLI_OK)
        return code;
    rc = fbk_weather_days(session.db, station, from, to, &stream);
    code = rc < 0 ? cli_failed(session.db, rc) : cli_print_stream(&stream, 0, NULL);
    cli_close(&session);
    return code;
}

int
cmd_weather(int argc, char **argv)
{
    static const struct option options[] = {{"column", required_argument, NULL, 'c'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    cli_load_options load = {.columns = columns,
                             .call = fbk_weather_add_rows,
                             .one = "observation",
                             .many = "observations"};
    const char *from = NULL;
    const char *to = NULL;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'c':
            if (!cli_rename(&load, optarg))
                return CLI_USAGE;
            break;
        case 'f':
            from = optarg;
            break;
        case 't':
            to = optarg;
            break;
        default:
            return cli_usage(c, usage);
        }
    if (argc - optind == 2 && strcmp(argv[optind], "load") == 0)
        return cli_load(&load, argv[optind + 1]);
    if (argc - optind == 2 && strcmp(argv[optind], "days") == 0)
        return days(argv[optind + 1], from, to);
    return cli_usage('?', usage);
}
