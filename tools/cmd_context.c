/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <math.h>

#include "cli_weather.h"

/* feedback context: clock, season and weather at a place. */

static const char usage[] =
    "usage: feedback [--store FILE] context [--at TIME] [--condition WORD] [--temperature C]\n"
    "                [--precipitation MM] [PLACE]\n"
    "\n"
    "What is the case at a place, or for the store as a whole, at an instant.\n"
    "\n"
    "  --at TIME           the instant (default: just after the last event)\n" CLI_WEATHER_USAGE;

static const char *
weather_source(uint32_t flags)
{
    return flags & FBK_CONTEXT_READING ? "reading"
           : flags & FBK_CONTEXT_DAY   ? "day"
           : flags & FBK_CONTEXT_GIVEN ? "given"
           : flags & FBK_CONTEXT_USUAL ? "usual"
                                       : NULL;
}

static const char *
condition_name(uint32_t condition)
{
    static const char *const names[] = {NULL,      "clear", "cloudy", "fog",
                                        "drizzle", "rain",  "snow",   "storm"};

    return condition < sizeof names / sizeof names[0] ? names[condition] : NULL;
}

static void
context_json(const fbk_context *c)
{
    cli_json_begin();
    cli_json_int("time_us", c->time_us);
    cli_json_int("utc_offset_s", c->utc_offset_s);
    cli_json_int("hour", c->hour);
    cli_json_int("minute", c->minute);
    cli_json_text("part_of_day", fbk_context_part_name(c->part_of_day));
    cli_json_int("weekday", c->weekday);
    cli_json_text("season", fbk_context_season_name(c->season));
    cli_json_text("station", *c->station ? c->station : NULL);
    cli_json_text("weather", weather_source(c->flags));
    cli_json_text("condition", condition_name(c->condition));
    cli_json_bool("wet", c->is_wet);
    cli_json_double("temperature_celsius", c->temperature_celsius);
    cli_json_double("precipitation_mm", c->precipitation_mm);
    cli_json_double("usual_celsius", c->usual_celsius);
    cli_json_double("usual_sd_celsius", c->usual_sd_celsius);
    cli_json_double("usual_wet_prob", c->usual_wet_prob);
    cli_json_double("anomaly_sd", c->anomaly_sd);
    cli_json_double("wet_anomaly", c->wet_anomaly);
    cli_json_bool("provisional", c->flags & FBK_CONTEXT_PROVISIONAL);
    cli_json_end();
}

static void
context_print(const fbk_context *c)
{
    static const char *const weekdays[] = {"",         "Monday", "Tuesday",  "Wednesday",
                                           "Thursday", "Friday", "Saturday", "Sunday"};
    const char *source = weather_source(c->flags);
    const char *condition = condition_name(c->condition);

    cli_fact("local time", "%s %02d:%02d, %s, %s", weekdays[c->weekday <= 7 ? c->weekday : 0],
             (int)c->hour, (int)c->minute, fbk_context_part_name(c->part_of_day),
             fbk_context_season_name(c->season));
    if (!source) {
        cli_fact("weather", "not known");
        return;
    }
    cli_fact("weather", "%s%s%s%s%s%s", source, *c->station ? " of " : "", c->station,
             condition ? ", " : "", condition ? condition : "",
             c->is_wet && !condition ? ", wet" : "");
    if (!isnan(c->temperature_celsius))
        cli_fact("temperature", "%.1f C", c->temperature_celsius);
    if (!isnan(c->precipitation_mm))
        cli_fact("precipitation", "%.1f mm", c->precipitation_mm);
    if (!isnan(c->usual_celsius))
        cli_fact(
            "usual", "%.1f C, standard deviation %.1f%s", c->usual_celsius, c->usual_sd_celsius,
            c->flags & FBK_CONTEXT_PROVISIONAL ? " (provisional: under three years of observations)"
                                               : "");
    if (c->flags & FBK_CONTEXT_HAS_ANOMALY)
        cli_fact("departure", "%+.2f standard deviations%s", c->anomaly_sd,
                 c->flags & FBK_CONTEXT_ROUGH ? " (of one reading)" : "");
    if (c->flags & FBK_CONTEXT_HAS_WET)
        cli_fact("wetness", "%+.2f (usually wet: %.0f %%)", c->wet_anomaly,
                 100.0 * c->usual_wet_prob);
}

int
cmd_context(int argc, char **argv)
{
    static const struct option options[] = {{"at", required_argument, NULL, 'a'},
                                            CLI_WEATHER_OPTIONS,
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    fbk_context context = {.struct_size = (uint32_t)sizeof context};
    cli_weather weather = CLI_WEATHER_INIT;
    const char *at = NULL;
    cli_session session;
    fbk_time at_us;
    fbk_status rc;
    int code;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        code = cli_weather_option(c, &weather);
        if (code == CLI_USAGE)
            return code;
        if (code == CLI_OK)
            continue;
        if (c != 'a')
            return cli_usage(c, usage);
        at = optarg;
    }
    if (argc - optind > 1)
        return cli_usage('?', usage);
    code = cli_open(CLI_READ, &session);
    if (code != CLI_OK)
        return code;
    if (at)
        code = cli_instant("--at", at, &at_us) ? CLI_OK : CLI_USAGE;
    else
        code = cli_as_of(session.db, NULL, &at_us);
    if (code == CLI_OK) {
        rc = weather.given
                 ? fbk_context_with(session.db, argv[optind], at_us, &weather.weather, &context)
                 : fbk_context_at(session.db, argv[optind], at_us, &context);
        if (rc < 0)
            code = cli_failed(session.db, rc);
        else if (cli.json)
            context_json(&context);
        else
            context_print(&context);
    }
    cli_close(&session);
    return code;
}
