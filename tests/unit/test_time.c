/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <string.h>

#include "support/tk.h"

/* Walk every day of the years 1 to 9999 and count beside it. */
START_TEST(every_day_of_the_calendar)
{
    int64_t days = fbk__civil_days(1, 1, 1);
    int32_t weekday = 1; /* 0001-01-01 was a Monday */
    int64_t n = 0;

    ck_assert_int_eq(days, FBK_TIME_MIN / FBK__DAY_US);
    for (int32_t y = 1; y <= 9999; y++) {
        int32_t yearday = 1;

        for (int32_t m = 1; m <= 12; m++) {
            for (int32_t d = 1; d <= fbk__civil_month_days(y, m); d++, days++, n++) {
                fbk__civil c;

                fbk__civil_from_days(days, &c);
                if (c.year != y || c.month != m || c.day != d || c.weekday != weekday ||
                    c.yearday != yearday || fbk__civil_days(y, m, d) != days)
                    ck_abort_msg("%d-%d-%d", y, m, d);
                weekday = weekday % 7 + 1;
                yearday++;
            }
        }
    }
    ck_assert_int_eq(n, 3652059);
    ck_assert_int_eq(fbk__civil_days(1970, 1, 1), 0);
    ck_assert(!fbk__civil_valid(1900, 2, 29) && fbk__civil_valid(2000, 2, 29));
    ck_assert(!fbk__civil_valid(0, 1, 1) && !fbk__civil_valid(2000, 13, 1));
}
END_TEST

START_TEST(texts)
{
    static const struct {
        const char *text;
        const char *utc; /* NULL: refused */
        uint32_t has_offset, has_time;
    } rows[] = {
        {"2011-12-09", "2011-12-09T00:00:00Z", 0, 0},
        {"2011-12-09T12:50:00Z", "2011-12-09T12:50:00Z", 1, 1},
        {"2011-12-09 12:50:00", "2011-12-09T12:50:00Z", 0, 1},
        {"2019-10-01 00:00:00 UTC", "2019-10-01T00:00:00Z", 1, 1},
        {"2011-12-09t12:50z", "2011-12-09T12:50:00Z", 1, 1},
        {"2011-12-09T12:50:00.123456789+01:00", "2011-12-09T11:50:00.123456Z", 1, 1},
        {"2011-12-09T12:50:00,5-0330", "2011-12-09T16:20:00.500000Z", 1, 1},
        {"2011-12-09T12:50:00+05", "2011-12-09T07:50:00Z", 1, 1},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", 1, 1},
        {"2016-12-31T24:00:00Z", "2017-01-01T00:00:00Z", 1, 1},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", 1, 1},
        {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z", 1, 1},
        {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", 1, 1},
        {"0001-01-01T00:00:00+01:00", NULL, 0, 0},
        {"9999-12-31T24:00:00Z", NULL, 0, 0},
        {"0000-01-01", NULL, 0, 0},
        {"2011-02-29", NULL, 0, 0},
        {"2011-12-09T", NULL, 0, 0},
        {"2011-12-09T12", NULL, 0, 0},
        {"2011-12-09T12:60", NULL, 0, 0},
        {"2011-12-09T24:00:01", NULL, 0, 0},
        {"2011-12-09T12:50:61", NULL, 0, 0},
        {"2011-12-09T12:50:00.", NULL, 0, 0},
        {"2011-12-09T12:50:00+1", NULL, 0, 0},
        {"2011-12-09T12:50:00+24:00", NULL, 0, 0},
        {"2011-12-09T12:50:00Zx", NULL, 0, 0},
        {"2011-12-9", NULL, 0, 0},
        {"20111209", NULL, 0, 0},
        {"", NULL, 0, 0},
        {" 2011-12-09", NULL, 0, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fbk__when w = {1, 2, 3, 4, 5};
        char text[FBK__TIME_TEXT];

        if (!rows[i].utc) {
            ck_assert_msg(!fbk__time_parse(rows[i].text, strlen(rows[i].text), &w), "%s",
                          rows[i].text);
            ck_assert(w.local_us == 1 && w.offset_s == 2);
            continue;
        }
        ck_assert_msg(fbk__time_parse(rows[i].text, strlen(rows[i].text), &w), "%s", rows[i].text);
        ck_assert_uint_eq(w.has_offset, rows[i].has_offset);
        ck_assert_uint_eq(w.has_time, rows[i].has_time);
        ck_assert_uint_eq(fbk__time_format(w.local_us - w.offset_s * FBK__SECOND_US, text),
                          strlen(text));
        ck_assert_str_eq(text, rows[i].utc);
    }
}
END_TEST

START_TEST(patterns)
{
    static const struct {
        const char *pattern, *text, *utc;
    } rows[] = {
        {"%d/%m/%Y %H:%M", "9/12/2011 12:50", "2011-12-09T12:50:00Z"},
        {"%Y-%m-%d", "2011-4-1", "2011-04-01T00:00:00Z"},
        {"%m/%d/%y %I:%M %p", "12/9/11 12:05 AM", "2011-12-09T00:05:00Z"},
        {"%m/%d/%y %I:%M %p", "12/9/11 12:05 pm", "2011-12-09T12:05:00Z"},
        {"%d %b %Y", "9 December 2011", "2011-12-09T00:00:00Z"},
        {"%d-%b-%y", "09-DEC-11", "2011-12-09T00:00:00Z"},
        {"%d.%m.%y", "31.12.69", "1969-12-31T00:00:00Z"},
        {"%Y%m%d%H%M%S%z", "20111209125000+0100", "2011-12-09T11:50:00Z"},
        {"%Y-%m-%dT%H:%M:%S.%f", "2011-12-09T12:50:00.25", "2011-12-09T12:50:00.250000Z"},
        {"%s", "1323435000", "2011-12-09T12:50:00Z"},
        {"%s", "1323435000.5", "2011-12-09T12:50:00.500000Z"},
        {"%s", "-1", "1969-12-31T23:59:59Z"},
        {"%L", "1323435000123", "2011-12-09T12:50:00.123000Z"},
        {"100%% %Y-%m-%d", "100% 2011-12-09", "2011-12-09T00:00:00Z"},
        {"%d/%m/%Y", "31/02/2011", NULL},
        {"%d/%m/%Y", "1/2/2011x", NULL},
        {"%d/%m/%Y", "1/2", NULL},
        {"%m/%d/%y %I:%M %p", "12/9/11 13:05 AM", NULL},
        {"%d %b %Y", "9 Dez 2011", NULL},
        {"%s", "99999999999999999999", NULL},
        {"%H:%M", "12:00", NULL},
        {"%q", "1", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fbk__when w = {1, 2, 3, 4, 5};
        char text[FBK__TIME_TEXT];
        bool ok = fbk__time_parse_as(rows[i].pattern, rows[i].text, strlen(rows[i].text), &w);

        ck_assert_msg(ok == (rows[i].utc != NULL), "%s", rows[i].text);
        if (!ok) {
            ck_assert_int_eq(w.local_us, 1);
            continue;
        }
        (void)fbk__time_format(w.local_us - w.offset_s * FBK__SECOND_US, text);
        ck_assert_str_eq(text, rows[i].utc);
    }
    ck_assert(fbk__time_pattern_valid("%d/%m/%Y %H:%M:%S.%f %p %b %z %%"));
    ck_assert(!fbk__time_pattern_valid("%q") && !fbk__time_pattern_valid("%d%"));
    ck_assert(!fbk__time_pattern_valid(""));
}
END_TEST

START_TEST(printing)
{
    char text[FBK__TIME_TEXT];
    int64_t days = 0;

    (void)fbk__time_format_local(0, -12600, text);
    ck_assert_str_eq(text, "1969-12-31T20:30:00-03:30");
    (void)fbk__time_format_local(1, 20700, text);
    ck_assert_str_eq(text, "1970-01-01T05:45:00.000001+05:45");
    (void)fbk__date_format(15317, text);
    ck_assert_str_eq(text, "2011-12-09");
    ck_assert(fbk__date_parse(text, 10, &days) && days == 15317);
    ck_assert(!fbk__date_parse("2011-12-09T00:00", 16, &days) && days == 15317);
    ck_assert_int_eq(fbk__day_of_us(-1), -1);
    ck_assert_int_eq(fbk__day_of_us(FBK__DAY_US - 1), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("time");
    TCase *tc = tcase_create("time");

    tcase_add_test(tc, every_day_of_the_calendar);
    tcase_add_test(tc, texts);
    tcase_add_test(tc, patterns);
    tcase_add_test(tc, printing);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
