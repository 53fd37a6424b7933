/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/place.h>
#include <feedback/store.h>
#include <feedback/weather.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "record/weather.h"
#include "support/tk.h"

static tk_alloc memory;
static fbk_store *store;
static fbk *db;

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

static void
reading(const char *station, const char *time, double celsius, double mm, uint32_t condition)
{
    fbk_weather w = FBK_WEATHER_INIT;

    w.station = station;
    w.time_us = utc(time);
    w.flags = (isnan(celsius) ? 0u : FBK_WEATHER_HAS_TEMPERATURE) |
              (isnan(mm) ? 0u : FBK_WEATHER_HAS_PRECIPITATION);
    w.temperature_celsius = celsius;
    w.precipitation_mm = mm;
    w.condition = condition;
    tk_assert_ok(db, fbk_weather_add(db, &w));
}

START_TEST(wrong_weather_is_refused)
{
    static const struct {
        fbk_weather weather;
        fbk_status code;
    } rows[] = {
        {{.station = NULL}, FBK_EINVAL},
        {{.station = ""}, FBK_EINVAL},
        {{.station = "\xff"}, FBK_EINVAL},
        {{.station = "s", .flags = 16}, FBK_EINVAL},
        {{.station = "s", .reserved0 = 1}, FBK_EINVAL},
        {{.station = "s", .condition = 8}, FBK_EINVAL},
        {{.station = "s", .date = "yesterday"}, FBK_EINVAL},
        {{.station = "s", .date = "2011-02-29"}, FBK_EINVAL},
        {{.station = "s", .time_us = INT64_MAX}, FBK_ERANGE},
        {{.station = "s", .flags = 1, .temperature_celsius = 70.1}, FBK_ERANGE},
        {{.station = "s", .flags = 1, .temperature_celsius = -101}, FBK_ERANGE},
        {{.station = "s", .flags = 1, .temperature_celsius = (double)NAN}, FBK_ERANGE},
        {{.station = "s", .flags = 1, .temperature_celsius = (double)INFINITY}, FBK_ERANGE},
        {{.station = "s", .flags = 2, .precipitation_mm = -0.1}, FBK_ERANGE},
        {{.station = "s", .flags = 4, .wind_m_s = 151}, FBK_ERANGE},
        {{.station = "s", .flags = 8, .humidity_percent = 100.5}, FBK_ERANGE},
    };
    fbk_weather weather = rows[_i].weather;
    uint32_t n = 7;

    weather.struct_size = (uint32_t)sizeof weather;
    tk_assert_fails(db, rows[_i].code, fbk_weather_add(db, &weather));
    tk_assert_ok(db, fbk__station_count(db, &n));
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(days_are_stored_or_summed_up)
{
    fbk_weather day = FBK_WEATHER_INIT;
    fbk__weather_day *days = NULL;
    uint32_t station = 0;
    size_t n = 0;

    day.station = "s";
    day.date = "2011-07-02";
    day.flags = FBK_WEATHER_HAS_TEMPERATURE;
    day.temperature_celsius = 25.0;
    day.condition = FBK_WEATHER_STORM;
    tk_assert_ok(db, fbk_weather_add(db, &day));
    /* 1 July: three quarters; the afternoon was read three times. */
    reading("s", "2011-07-01T01:00:00Z", 10.0, 0.4, FBK_WEATHER_UNKNOWN);
    reading("s", "2011-07-01T08:00:00Z", 14.0, 0.4, FBK_WEATHER_RAIN);
    reading("s", "2011-07-01T13:00:00Z", 20.0, 0.4, FBK_WEATHER_CLEAR);
    reading("s", "2011-07-01T14:00:00Z", 21.0, (double)NAN, FBK_WEATHER_CLEAR);
    reading("s", "2011-07-01T15:00:00Z", 22.0, (double)NAN, FBK_WEATHER_CLEAR);
    /* 2 July: stored; its readings do not count. 3 July: two quarters are too few. */
    reading("s", "2011-07-02T01:00:00Z", 0.0, 0.0, FBK_WEATHER_CLEAR);
    reading("s", "2011-07-02T08:00:00Z", 0.0, 0.0, FBK_WEATHER_CLEAR);
    reading("s", "2011-07-02T16:00:00Z", 0.0, 0.0, FBK_WEATHER_CLEAR);
    reading("s", "2011-07-03T01:00:00Z", 0.0, 0.0, FBK_WEATHER_CLEAR);
    reading("s", "2011-07-03T16:00:00Z", 0.0, 0.0, FBK_WEATHER_CLEAR);
    reading("other", "2011-07-03T10:00:00Z", 0.0, 0.0, FBK_WEATHER_CLEAR);
    tk_assert_ok(db, fbk__station_resolve(db, "s", 1, false, &station));
    tk_assert_ok(db, fbk__weather_read_days(db, station, NULL, INT64_MIN, INT64_MAX, &days, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(days[0].day, fbk__civil_days(2011, 7, 1));
    ck_assert_double_eq_tol(days[0].celsius, (10.0 + 14.0 + 21.0) / 3.0, 1e-9);
    ck_assert_double_eq_tol(days[0].mm, 1.2, 1e-9);
    ck_assert(days[0].wet == 1 && !days[0].stored);
    ck_assert(days[1].celsius == 25.0 && isnan(days[1].mm) && days[1].wet == 1 && days[1].stored);
    memory.allocator.free_fn(days, &memory);
    tk_assert_ok(db, fbk__weather_read_days(db, station, NULL, fbk__civil_days(2011, 7, 2),
                                            fbk__civil_days(2011, 7, 2), &days, &n));
    ck_assert_uint_eq(n, 1);
    memory.allocator.free_fn(days, &memory);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__station_resolve(db, "none", 4, false, &station));
}
END_TEST

/* A day is that of the station's clock. */
START_TEST(days_are_local)
{
    fbk__weather_day *days = NULL;
    fbk__tz *tz = NULL;
    uint32_t station = 0;
    size_t n = 0;

    tk_assert_ok(db, fbk__tz_fixed(db, 36000, &tz));
    reading("s", "2011-06-30T15:00:00Z", 1.0, 0.0, 0); /* 01:00 on 1 July */
    reading("s", "2011-06-30T22:00:00Z", 2.0, 0.0, 0);
    reading("s", "2011-07-01T04:00:00Z", 3.0, 0.0, 0);
    reading("s", "2011-07-01T13:59:00Z", 4.0, 0.0, 0);
    reading("s", "2011-07-01T14:01:00Z", 100.0 - 50.0, 0.0, 0); /* 2 July */
    tk_assert_ok(db, fbk__station_resolve(db, "s", 1, false, &station));
    tk_assert_ok(db, fbk__weather_read_days(db, station, tz, INT64_MIN, INT64_MAX, &days, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(days[0].day, fbk__civil_days(2011, 7, 1));
    ck_assert_double_eq_tol(days[0].celsius, 2.5, 1e-9);
    ck_assert_int_eq(days[0].wet, 0);
    memory.allocator.free_fn(days, &memory);
    fbk__tz_free(&memory.allocator, tz);
}
END_TEST

START_TEST(the_last_reading)
{
    fbk__weather_now now;
    uint32_t station = 0;
    const int64_t three_hours = 3 * 3600 * FBK__SECOND_US;

    reading("s", "2011-07-01T13:00:00Z", 20.0, (double)NAN, FBK_WEATHER_RAIN);
    reading("s", "2011-07-01T20:00:00Z", 16.0, (double)NAN, FBK_WEATHER_CLEAR);
    reading("s", "2011-07-02T02:00:00Z", 12.0, (double)NAN, FBK_WEATHER_CLEAR);
    reading("s", "2011-07-02T10:00:00Z", 19.0, (double)NAN, FBK_WEATHER_CLEAR);
    tk_assert_ok(db, fbk__station_resolve(db, "s", 1, false, &station));
    ck_assert_int_eq(
        fbk__weather_read_now(db, station, utc("2011-07-02T12:30:00Z"), three_hours, &now), FBK_OK);
    ck_assert_int_eq(now.at_us, utc("2011-07-02T10:00:00Z"));
    ck_assert(now.celsius == 19.0 && isnan(now.mm) && isnan(now.day_mm));
    ck_assert_uint_eq(now.n_day, 4);
    ck_assert_double_eq_tol(now.day_celsius, (20.0 + 16.0 + 12.0 + 19.0) / 4.0, 1e-9);
    ck_assert_uint_eq(now.day_wet, 1);
    ck_assert_int_eq(
        fbk__weather_read_now(db, station, utc("2011-07-02T13:00:01Z"), three_hours, &now),
        FBK_DONE); /* too old */
    ck_assert_int_eq(
        fbk__weather_read_now(db, station, utc("2011-07-01T12:59:59Z"), three_hours, &now),
        FBK_DONE); /* not yet */
}
END_TEST

static void
weather_stream(const char *bad_condition, struct ArrowArrayStream *out)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;

    (void)fbk_arrow_builder_column(&b, "station", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "date", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "temperature_min_celsius", FBK_ARROW_DOUBLE);
    (void)fbk_arrow_builder_column(&b, "temperature_max_celsius", FBK_ARROW_DOUBLE);
    (void)fbk_arrow_builder_column(&b, "precipitation_mm", FBK_ARROW_DOUBLE);
    (void)fbk_arrow_builder_column(&b, "condition", FBK_ARROW_TEXT);
    for (int i = 0; i < 100; i++) {
        char date[FBK__DATE_TEXT];

        (void)fbk__date_format(15000 + i, date);
        fbk_arrow_add_text(&b, 0, "s", -1);
        fbk_arrow_add_text(&b, 1, date, -1);
        fbk_arrow_add_double(&b, 2, i * 0.5);
        if (i % 10 == 0)
            fbk_arrow_add_null(&b, 3);
        else
            fbk_arrow_add_double(&b, 3, i * 0.5 + 10);
        if (i % 4)
            fbk_arrow_add_double(&b, 4, i % 2);
        else
            fbk_arrow_add_null(&b, 4);
        fbk_arrow_add_text(&b, 5, i == 99 ? bad_condition : i % 4 ? "sun" : "rain", -1);
    }
    ck_assert_int_eq(fbk_arrow_builder_finish(&b, out), FBK_OK);
}

START_TEST(many_at_once)
{
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows;
    fbk_errinfo err = {.struct_size = (uint32_t)sizeof err};
    int64_t n = 0, listed = 0;

    weather_stream("hail", &stream);
    tk_assert_fails(db, FBK_EINVAL, fbk_weather_add_rows(db, &stream, &n));
    tk_assert_ok(db, fbk_error_info(db, &err));
    ck_assert_int_eq(err.row, 100);
    ck_assert_str_eq(err.field, "condition");
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_weather_days(db, "s", NULL, NULL, &stream));
    weather_stream(NULL, &stream);
    tk_assert_ok(db, fbk_weather_add_rows(db, &stream, &n));
    ck_assert_int_eq(n, 100);
    weather_stream("storm", &stream); /* again: replaced, not added */
    tk_assert_ok(db, fbk_weather_add_rows(db, &stream, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_weather_days(db, "s", "x", NULL, &stream));
    tk_assert_ok(db, fbk_weather_days(db, "s", NULL, NULL, &stream));
    tk_assert_ok(db, fbk_arrow_rows_open(&rows, &stream));
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        if (listed % 10 == 0)
            ck_assert(fbk_arrow_rows_null(&rows, 1)); /* half a mean is none */
        else
            ck_assert_double_eq_tol(fbk_arrow_rows_double(&rows, 1), (double)listed * 0.5 + 5.0,
                                    1e-9);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 3), listed % 4 ? listed % 2 : 1);
        listed++;
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_int_eq(listed, 100);
}
END_TEST

START_TEST(conditions_have_names)
{
    ck_assert_str_eq(fbk_weather_condition_name(FBK_WEATHER_UNKNOWN), "");
    ck_assert_str_eq(fbk_weather_condition_name(FBK_WEATHER_DRIZZLE), "drizzle");
    ck_assert_str_eq(fbk_weather_condition_name(FBK_WEATHER_STORM), "storm");
    ck_assert_str_eq(fbk_weather_condition_name(8), "");
    ck_assert(!fbk__weather_wet(FBK_WEATHER_FOG) && fbk__weather_wet(FBK_WEATHER_SNOW));
}
END_TEST

START_TEST(out_of_memory)
{
    int64_t k = 0;

    for (;; k++) {
        struct ArrowArrayStream stream;
        fbk__weather_day *days = NULL;
        size_t n_days = 0;
        int64_t n = 77;
        fbk_status rc;

        weather_stream("fog", &stream);
        memory.n_calls = 0;
        memory.fail_at = k;
        rc = fbk_weather_add_rows(db, &stream, &n);
        if (rc == FBK_OK)
            rc = fbk__weather_read_days(db, 1, NULL, INT64_MIN, INT64_MAX, &days, &n_days);
        memory.fail_at = -1;
        if (rc == FBK_OK) {
            ck_assert_uint_eq(n_days, 100);
            memory.allocator.free_fn(days, &memory);
            if (memory.n_calls <= k)
                break;
            continue;
        }
        tk_assert_fails(db, FBK_ENOMEM, rc);
        ck_assert_ptr_null(days);
    }
    ck_assert_int_gt(k, 8);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("weather");
    TCase *tc = tcase_create("weather");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, wrong_weather_is_refused, 0, 16);
    tcase_add_test(tc, days_are_stored_or_summed_up);
    tcase_add_test(tc, days_are_local);
    tcase_add_test(tc, the_last_reading);
    tcase_add_test(tc, many_at_once);
    tcase_add_test(tc, conditions_have_names);
    tcase_add_test(tc, out_of_memory);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
