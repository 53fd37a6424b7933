/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/climate.h>
#include <feedback/context.h>
#include <feedback/place.h>
#include <feedback/store.h>
#include <feedback/weather.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/context.h"
#include "base/time.h"
#include "support/tk.h"

static tk_alloc memory;
static fbk_store *store;
static fbk *db;

static void
place(const char *code, const char *zone, const char *fixture, double lat)
{
    fbk_place p = FBK_PLACE_INIT;
    char path[128];
    size_t len;
    char *tzif;

    (void)snprintf(path, sizeof path, "tests/golden/zones/%s", fixture);
    tzif = tk_slurp(tk_source(path), &len);
    p.code = code;
    p.time_zone = zone;
    p.tzif = tzif;
    p.tzif_len = len;
    p.flags = FBK_PLACE_HAS_POSITION;
    p.latitude_deg = lat;
    p.station = code;
    tk_assert_ok(db, fbk_place_upsert(db, &p));
    free(tzif);
}

static void
setup(void)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};

    tk_alloc_init(&memory);
    opt.flags = FBK_STORE_CREATE;
    opt.allocator = &memory.allocator;
    ck_assert_msg(fbk_store_open(":memory:", &opt, &store, &info) == FBK_OK, "%s", info.message);
    ck_assert_int_eq(fbk_connect(store, &db), FBK_OK);
    place("london", "Europe/London", "Europe-London", 51.5);
    place("sydney", "Australia/Sydney", "Australia-Sydney", -33.9);
}

static void
teardown(void)
{
    memory.fail_at = -1;
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(memory.n_live, 0);
}

static fbk_time
utc(const char *text)
{
    fbk__when w;

    ck_assert_msg(fbk__time_parse(text, strlen(text), &w), "%s", text);
    return w.local_us - w.offset_s * FBK__SECOND_US;
}

static fbk_context
at(const char *code, const char *time)
{
    fbk_context c = {.struct_size = (uint32_t)sizeof c};

    tk_assert_ok(db, fbk_context_at(db, code, utc(time), &c));
    return c;
}

/* Four years of days at London: 20 degrees in summer, 4 in winter, give or take 2; every fourth day
 * wet. */
static void
history(void)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    struct ArrowArrayStream stream;
    int64_t first = fbk__civil_days(2007, 1, 1);

    (void)fbk_arrow_builder_column(&b, "station", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "date", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "temperature_celsius", FBK_ARROW_DOUBLE);
    (void)fbk_arrow_builder_column(&b, "precipitation_mm", FBK_ARROW_DOUBLE);
    for (int64_t d = first; d < fbk__civil_days(2011, 1, 1); d++) {
        char date[FBK__DATE_TEXT];
        fbk__civil c;

        fbk__civil_from_days(d, &c);
        (void)fbk__date_format(d, date);
        fbk_arrow_add_text(&b, 0, "london", -1);
        fbk_arrow_add_text(&b, 1, date, -1);
        fbk_arrow_add_double(
            &b, 2, 12.0 - 8.0 * cos(6.283185 * c.yearday / 365.25) + (d % 2 ? 2.0 : -2.0));
        fbk_arrow_add_double(&b, 3, d % 4 ? 0.0 : 8.0);
    }
    tk_assert_ok(db, fbk_arrow_builder_finish(&b, &stream));
    tk_assert_ok(db, fbk_weather_add_rows(db, &stream, NULL));
    tk_assert_ok(db, fbk_climate_train(db, utc("2011-01-01T00:00:00Z"), NULL, NULL));
}

static void
reading(const char *time, double celsius, uint32_t condition)
{
    fbk_weather w = FBK_WEATHER_INIT;

    w.station = "london";
    w.time_us = utc(time);
    w.flags = FBK_WEATHER_HAS_TEMPERATURE;
    w.temperature_celsius = celsius;
    w.condition = condition;
    tk_assert_ok(db, fbk_weather_add(db, &w));
}

START_TEST(clocks_and_seasons)
{
    static const struct {
        const char *place, *time;
        int32_t hour;
        uint32_t part, weekday, season;
    } rows[] = {
        {"london", "2011-07-01T12:30:00Z", 13, FBK_PART_MIDDAY, 5, FBK_SEASON_SUMMER},
        {"london", "2011-12-09T05:59:59Z", 5, FBK_PART_NIGHT, 5, FBK_SEASON_WINTER},
        {"london", "2011-12-09T06:00:00Z", 6, FBK_PART_MORNING, 5, FBK_SEASON_WINTER},
        {"london", "2011-03-01T14:00:00Z", 14, FBK_PART_AFTERNOON, 2, FBK_SEASON_SPRING},
        {"london", "2011-11-30T18:00:00Z", 18, FBK_PART_EVENING, 3, FBK_SEASON_AUTUMN},
        {"london", "2011-11-30T22:00:00Z", 22, FBK_PART_NIGHT, 3, FBK_SEASON_AUTUMN},
        {"sydney", "2011-12-31T14:00:00Z", 1, FBK_PART_NIGHT, 7, FBK_SEASON_SUMMER},
        {"sydney", "2011-07-03T23:00:00Z", 9, FBK_PART_MORNING, 1, FBK_SEASON_WINTER},
        {NULL, "2011-07-01T12:30:00Z", 12, FBK_PART_MIDDAY, 5, FBK_SEASON_SUMMER},
    };
    fbk_context c = at(rows[_i].place, rows[_i].time);

    ck_assert_int_eq(c.hour, rows[_i].hour);
    ck_assert_uint_eq(c.part_of_day, rows[_i].part);
    ck_assert_uint_eq(c.weekday, rows[_i].weekday);
    ck_assert_uint_eq(c.season, rows[_i].season);
    ck_assert_uint_eq(c.flags, 0); /* no weather, nothing trained */
    ck_assert(isnan(c.temperature_celsius) && isnan(c.anomaly_sd) && isnan(c.wet_anomaly));
    ck_assert(c.observed_us == FBK_TIME_NONE);
    ck_assert_str_eq(c.station, rows[_i].place ? rows[_i].place : "");
}
END_TEST

START_TEST(where_the_weather_comes_from)
{
    fbk_weather day = FBK_WEATHER_INIT;
    fbk_context c;

    history();
    c = at("london", "2011-07-15T12:00:00Z"); /* nothing observed: what is usual */
    ck_assert_uint_eq(c.flags, FBK_CONTEXT_USUAL | FBK_CONTEXT_HAS_ANOMALY | FBK_CONTEXT_HAS_WET);
    ck_assert_double_eq_tol(c.temperature_celsius, 20.0, 0.6);
    ck_assert(c.anomaly_sd == 0.0 && c.wet_anomaly == 0.0);
    ck_assert_double_eq_tol(c.usual_sd_celsius, 2.0, 0.1);
    ck_assert_double_eq_tol(c.usual_wet_prob, 0.25, 0.03);
    day.station = "london";
    day.date = "2011-07-15";
    day.flags = FBK_WEATHER_HAS_TEMPERATURE | FBK_WEATHER_HAS_PRECIPITATION;
    day.temperature_celsius = 24.0;
    day.precipitation_mm = 3.0;
    tk_assert_ok(db, fbk_weather_add(db, &day));
    c = at("london", "2011-07-15T12:00:00Z");
    ck_assert_uint_eq(c.flags, FBK_CONTEXT_DAY | FBK_CONTEXT_HAS_ANOMALY | FBK_CONTEXT_HAS_WET);
    ck_assert_double_eq_tol(c.anomaly_sd, (24.0 - c.usual_celsius) / c.usual_sd_celsius, 1e-9);
    ck_assert_double_eq_tol(c.wet_anomaly, 1.0 - c.usual_wet_prob, 1e-9);
    ck_assert_uint_eq(c.is_wet, 1);
    reading("2011-07-15T10:00:00Z", 28.0, FBK_WEATHER_CLEAR); /* one reading: a rough anomaly */
    c = at("london", "2011-07-15T12:00:00Z");
    ck_assert_uint_eq(c.flags, FBK_CONTEXT_READING | FBK_CONTEXT_ROUGH | FBK_CONTEXT_HAS_ANOMALY |
                                   FBK_CONTEXT_HAS_WET);
    ck_assert(c.temperature_celsius == 28.0 && c.observed_us == utc("2011-07-15T10:00:00Z"));
    ck_assert_uint_eq(c.is_wet, 0);
    reading("2011-07-14T14:00:00Z", 24.0, FBK_WEATHER_CLEAR);
    reading("2011-07-14T20:00:00Z", 20.0, FBK_WEATHER_CLEAR);
    reading("2011-07-15T02:00:00Z", 16.0, FBK_WEATHER_CLEAR);
    c = at("london", "2011-07-15T12:00:00Z"); /* a whole day of readings */
    ck_assert_uint_eq(c.flags & FBK_CONTEXT_ROUGH, 0);
    ck_assert_double_eq_tol(c.anomaly_sd, (22.0 - c.usual_celsius) / c.usual_sd_celsius, 1e-9);
    c = at("london", "2011-07-15T09:59:59Z"); /* the reading is not known yet */
    ck_assert_uint_eq(c.flags & FBK_CONTEXT_READING, 0);
    c = at("london", "2011-07-15T13:00:01Z"); /* and here it is stale */
    ck_assert_uint_eq(c.flags & FBK_CONTEXT_READING, 0);
    c = at("sydney", "2011-07-15T12:00:00Z"); /* a station that was never heard of */
    ck_assert_uint_eq(c.flags, 0);
}
END_TEST

START_TEST(what_if)
{
    fbk_weather rain = FBK_WEATHER_INIT;
    fbk_context c = {.struct_size = (uint32_t)sizeof c};

    history();
    rain.condition = FBK_WEATHER_RAIN;
    tk_assert_ok(db, fbk_context_with(db, "london", utc("2011-07-15T12:00:00Z"), &rain, &c));
    ck_assert_uint_eq(c.flags, FBK_CONTEXT_GIVEN | FBK_CONTEXT_HAS_WET);
    ck_assert(isnan(c.anomaly_sd) && c.is_wet == 1);
    rain.flags = FBK_WEATHER_HAS_TEMPERATURE;
    rain.temperature_celsius = 30.0;
    rain.condition = FBK_WEATHER_CLEAR;
    tk_assert_ok(db, fbk_context_with(db, "london", utc("2011-07-15T12:00:00Z"), &rain, &c));
    ck_assert_double_gt(c.anomaly_sd, 4.0);
    ck_assert_double_lt(c.wet_anomaly, 0.0);
    ck_assert(fbk__context_factor(NULL, &c, 1, NULL) == 1.0);
    rain.temperature_celsius = 300.0;
    tk_assert_fails(db, FBK_ERANGE,
                    fbk_context_with(db, "london", utc("2011-07-15T12:00:00Z"), &rain, &c));
    rain.condition = 99;
    rain.temperature_celsius = 30.0;
    tk_assert_fails(db, FBK_EINVAL,
                    fbk_context_with(db, "london", utc("2011-07-15T12:00:00Z"), &rain, &c));
    tk_assert_fails(db, FBK_EINVAL, fbk_context_with(db, "london", 0, NULL, &c));
}
END_TEST

START_TEST(refusals)
{
    fbk_context c = {.struct_size = (uint32_t)sizeof c, .hour = 77};

    tk_assert_fails(db, FBK_ENOTFOUND, fbk_context_at(db, "mars", 0, &c));
    tk_assert_fails(db, FBK_ERANGE, fbk_context_at(db, "london", INT64_MAX, &c));
    tk_assert_fails(db, FBK_EINVAL, fbk_context_at(db, "london", 0, NULL));
    ck_assert_int_eq(c.hour, 77);
    c.struct_size = 8;
    tk_assert_fails(db, FBK_EABI, fbk_context_at(db, "london", 0, &c));
    ck_assert_str_eq(fbk_context_part_name(FBK_PART_EVENING), "evening");
    ck_assert_str_eq(fbk_context_part_name(5), "");
    ck_assert_str_eq(fbk_context_season_name(FBK_SEASON_WINTER), "winter");
    ck_assert_str_eq(fbk_context_season_name(4), "");
}
END_TEST

START_TEST(out_of_memory)
{
    int64_t k = 0;

    history();
    reading("2011-07-15T10:00:00Z", 28.0, FBK_WEATHER_CLEAR);
    for (;; k++) {
        fbk_context c = {.struct_size = (uint32_t)sizeof c, .hour = 77};
        fbk *fresh = NULL; /* nothing cached: every allocation is met */
        fbk_status rc;

        ck_assert_int_eq(fbk_connect(store, &fresh), FBK_OK);
        memory.n_calls = 0;
        memory.fail_at = k;
        rc = fbk_context_at(fresh, "london", utc("2011-07-15T12:00:00Z"), &c);
        memory.fail_at = -1;
        if (rc < 0) {
            tk_assert_fails(fresh, FBK_ENOMEM, rc);
            ck_assert_int_eq(c.hour, 77);
        }
        fbk_close(fresh);
        if (rc == FBK_OK && memory.n_calls <= k)
            break;
    }
    ck_assert_int_gt(k, 4);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("context");
    TCase *tc = tcase_create("context");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, clocks_and_seasons, 0, 9);
    tcase_add_test(tc, where_the_weather_comes_from);
    tcase_add_test(tc, what_if);
    tcase_add_test(tc, refusals);
    tcase_add_test(tc, out_of_memory);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
