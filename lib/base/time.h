/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <feedback/base.h>

#include <stdbool.h>

/* Civil dates in the proleptic Gregorian calendar, and instants as text. No clock, no locale, no
 * leap seconds: a day has 86,400 s. A "local" time is a count of microseconds since 1970-01-01
 * 00:00 on the clock of some place; lib/base/tz.h turns it into an instant. */

#define FBK__SECOND_US INT64_C(1000000)
#define FBK__DAY_US (INT64_C(86400) * FBK__SECOND_US)

/** A date and a time of day, field by field. */
typedef struct fbk__civil {
    int32_t year;    /* 1 .. 9999 when it comes from a valid instant */
    int32_t month;   /* 1 .. 12 */
    int32_t day;     /* 1 .. 31 */
    int32_t hour;    /* 0 .. 23 */
    int32_t minute;  /* 0 .. 59 */
    int32_t second;  /* 0 .. 59 */
    int32_t micro;   /* 0 .. 999999 */
    int32_t weekday; /* ISO 8601: 1 = Monday .. 7 = Sunday */
    int32_t yearday; /* 1 .. 366 */
} fbk__civil;

/** Whether such a day exists, in the years 1 to 9999. */
bool
fbk__civil_valid(int32_t year, int32_t month, int32_t day);

bool
fbk__civil_leap(int32_t year);

/** Days in a month, 1 .. 12. */
int32_t
fbk__civil_month_days(int32_t year, int32_t month);

/** Days since 1970-01-01 of a valid date (month 1 .. 12; any day is counted on from the first). */
int64_t
fbk__civil_days(int32_t year, int32_t month, int32_t day);

/** The date of a day number; time of day 0. Days of the years -9999 .. 19999. */
void
fbk__civil_from_days(int64_t days, fbk__civil *out);

/** The date and time of day of a local (or UTC) count of microseconds. */
void
fbk__civil_from_us(int64_t local_us, fbk__civil *out);

/** 1 = Monday .. 7 = Sunday. */
int32_t
fbk__civil_weekday(int64_t days);

/** Day number of a count of microseconds, rounded down (also before 1970). */
int64_t
fbk__day_of_us(int64_t local_us);

/** What a text said about time. */
typedef struct fbk__when {
    int64_t local_us;    /* as written on the clock */
    int32_t offset_s;    /* seconds east of UTC; 0 unless has_offset */
    uint32_t has_offset; /* 1: local_us - offset_s is the instant; 0: a zone is needed */
    uint32_t has_time;   /* 0: only a date, local_us is its midnight */
    uint32_t reserved0;
} fbk__when;

/** Parse ISO 8601 / RFC 3339 text: YYYY-MM-DD, then optionally 'T', 't' or a blank and hh:mm
 *  [:ss[(.|,)fraction]], then optionally Z, " UTC", +hh, +hhmm or +hh:mm. A fraction may have any
 *  number of digits; those after the sixth are dropped. Second 60 is the next minute's 0; hour 24
 *  only as 24:00:00.
 *  @retval false anything else, or outside the years 1 .. 9999; *out unchanged. */
bool
fbk__time_parse(const char *text, size_t len, fbk__when *out);

/** Parse by a pattern: %Y (4 digits) %y (2: 69..99 = 19xx, 00..68 = 20xx) %m %d %H %I %M %S (one or
 *  two digits) %f (1 or more digits of a second) %p (AM, PM) %b (English month, three letters or
 *  whole) %z (Z, UTC, +hh, +hhmm, +hh:mm) %s (seconds since 1970, fraction allowed) %L
 *  (milliseconds since 1970) %%; a blank matches blanks, anything else itself.
 *  @retval false the text does not match wholly, or the date does not exist; *out unchanged. */
bool
fbk__time_parse_as(const char *pattern, const char *text, size_t len, fbk__when *out);

/** Whether fbk__time_parse_as() knows every letter of a pattern. */
bool
fbk__time_pattern_valid(const char *pattern);

/** A date only, YYYY-MM-DD, as a day number. */
bool
fbk__date_parse(const char *text, size_t len, int64_t *out_days);

enum { FBK__TIME_TEXT = 40, FBK__DATE_TEXT = 16 };

/** "2011-12-09T12:50:00Z", with six digits of fraction when there is one. The instant must be
 *  valid; text holds FBK__TIME_TEXT bytes. @return its length. */
size_t
fbk__time_format(fbk_time utc_us, char *text);

/** The same on the clock of a place: "2011-12-09T13:50:00+01:00". */
size_t
fbk__time_format_local(fbk_time utc_us, int32_t offset_s, char *text);

/** "2011-12-09"; text holds FBK__DATE_TEXT bytes. @return its length. */
size_t
fbk__date_format(int64_t days, char *text);

/** Whether an instant is in [FBK_TIME_MIN, FBK_TIME_MAX]. */
static inline bool
fbk__time_valid(fbk_time us)
{
    return us >= FBK_TIME_MIN && us <= FBK_TIME_MAX;
}

#endif
