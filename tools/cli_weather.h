/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_CLI_WEATHER_H
#define TOOLS_CLI_WEATHER_H

#include "cli.h"

/** Weather given on the command line: a forecast, or what if. */
typedef struct cli_weather {
    bool given;
    fbk_weather weather;
} cli_weather;

#define CLI_WEATHER_INIT        \
    {                           \
        false, FBK_WEATHER_INIT \
    }

/* clang-format off */
#define CLI_WEATHER_OPTIONS \
    {"condition", required_argument, NULL, 'C'}, \
    {"temperature", required_argument, NULL, 'T'}, \
    {"precipitation", required_argument, NULL, 'P'}
#define CLI_WEATHER_USAGE \
    "  --condition WORD    take the weather as clear, cloudy, fog, drizzle, rain, snow or storm\n" \
    "  --temperature C     and so warm, the day's mean in degrees Celsius\n" \
    "  --precipitation MM  and so wet\n"
/* clang-format on */

/** Take an option of CLI_WEATHER_OPTIONS: CLI_OK, CLI_USAGE (said why), or -1 when it is another. */
int
cli_weather_option(int option, cli_weather *weather);

#endif
