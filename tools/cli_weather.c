/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli_weather.h"

#include <getopt.h>
#include <string.h>

int
cli_weather_option(int option, cli_weather *weather)
{
    static const char *const names[] = {"",        "clear", "cloudy", "fog",
                                        "drizzle", "rain",  "snow",   "storm"};
    fbk_weather *w = &weather->weather;

    switch (option) {
    case 'C':
        for (uint32_t i = 1; i < sizeof names / sizeof names[0]; i++)
            if (strcmp(optarg, names[i]) == 0) {
                w->condition = i;
                weather->given = true;
                return CLI_OK;
            }
        cli_error("--condition takes clear, cloudy, fog, drizzle, rain, snow or storm, not "
                  "\"%.40s\"",
                  optarg);
        return CLI_USAGE;
    case 'T':
        w->flags |= FBK_WEATHER_HAS_TEMPERATURE;
        weather->given = true;
        return cli_double("--temperature", optarg, -100.0, 70.0, &w->temperature_celsius)
                   ? CLI_OK
                   : CLI_USAGE;
    case 'P':
        w->flags |= FBK_WEATHER_HAS_PRECIPITATION;
        weather->given = true;
        return cli_double("--precipitation", optarg, 0.0, 2000.0, &w->precipitation_mm) ? CLI_OK
                                                                                        : CLI_USAGE;
    default:
        return -1;
    }
}
