/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <string.h>

bool
fbk__civil_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int32_t
fbk__civil_month_days(int32_t year, int32_t month)
{
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && fbk__civil_leap(year));
}

bool
fbk__civil_valid(int32_t year, int32_t month, int32_t day)
{
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= fbk__civil_month_days(year, month);
}

/* Count years from March: the leap day is then the last of its year, and the length of the months
 * before month m (0 = March) is (153 m + 2) / 5. 400 years have 146,097 days; 1970-01-01 is day
 * 719,468 after 0000-03-01. */
int64_t
fbk__civil_days(int32_t year, int32_t month, int32_t day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

int32_t
fbk__civil_weekday(int64_t days)
{
    int64_t r = (days + 3) % 7; /* 1970-01-01 was a Thursday */

    return (int32_t)(r < 0 ? r + 7 : r) + 1;
}

void
fbk__civil_from_days(int64_t days, fbk__civil *out)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t march_month = (5 * doy + 2) / 153;

    memset(out, 0, sizeof *out);
    out->day = (int32_t)(doy - (153 * march_month + 2) / 5) + 1;
    out->month = (int32_t)(march_month < 10 ? march_month + 3 : march_month - 9);
    out->year = (int32_t)(yoe + era * 400) + (out->month <= 2);
    out->weekday = fbk__civil_weekday(days);
    out->yearday = (int32_t)(days - fbk__civil_days(out->year, 1, 1)) + 1;
}

int64_t
fbk__day_of_us(int64_t local_us)
{
    int64_t day = local_us / FBK__DAY_US;

    return day - (local_us % FBK__DAY_US < 0);
}

void
fbk__civil_from_us(int64_t local_us, fbk__civil *out)
{
    int64_t day = fbk__day_of_us(local_us);
    int64_t us = local_us - day * FBK__DAY_US;
    int64_t s = us / FBK__SECOND_US;

    fbk__civil_from_days(day, out);
    out->hour = (int32_t)(s / 3600);
    out->minute = (int32_t)(s / 60 % 60);
    out->second = (int32_t)(s % 60);
    out->micro = (int32_t)(us % FBK__SECOND_US);
}

/* A place in the text; every take_…() moves p only on success. */
typedef struct cursor {
    const char *p;
    const char *end;
} cursor;

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
take(cursor *c, char want)
{
    if (c->p == c->end || *c->p != want)
        return false;
    c->p++;
    return true;
}

static bool
take_number(cursor *c, int min_digits, int max_digits, int32_t *out)
{
    const char *p = c->p;
    int32_t value = 0;
    int n = 0;

    while (p < c->end && n < max_digits && is_digit(*p)) {
        value = value * 10 + (*p++ - '0');
        n++;
    }
    if (n < min_digits)
        return false;
    c->p = p;
    *out = value;
    return true;
}

/* Digits of a second; those after the sixth are dropped. */
static bool
take_fraction(cursor *c, int32_t *out_micro)
{
    int32_t micro = 0;
    int n = 0;

    for (; c->p < c->end && is_digit(*c->p); c->p++, n++) {
        if (n < 6)
            micro = micro * 10 + (*c->p - '0');
    }
    if (n == 0)
        return false;
    for (; n < 6; n++)
        micro *= 10;
    *out_micro = micro;
    return true;
}

static bool
take_offset(cursor *c, int32_t *out_s)
{
    int32_t h, m = 0, sign;

    if (take(c, 'Z') || take(c, 'z')) {
        *out_s = 0;
        return true;
    }
    if (c->end - c->p >= 3 && (memcmp(c->p, "UTC", 3) == 0 || memcmp(c->p, "GMT", 3) == 0)) {
        c->p += 3;
        *out_s = 0;
        return true;
    }
    if (take(c, '+'))
        sign = 1;
    else if (take(c, '-'))
        sign = -1;
    else
        return false;
    if (!take_number(c, 2, 2, &h))
        return false;
    if (take(c, ':')) {
        if (!take_number(c, 2, 2, &m))
            return false;
    } else if (c->p < c->end && is_digit(*c->p) && !take_number(c, 2, 2, &m)) {
        return false;
    }
    if (h > 23 || m > 59)
        return false;
    *out_s = sign * (h * 3600 + m * 60);
    return true;
}

/* Whether the fields name a moment; second 60 and 24:00:00 are the start of what follows. */
static bool
when_set(const fbk__civil *t, fbk__when *out)
{
    int64_t us;

    if (!fbk__civil_valid(t->year, t->month, t->day) || t->minute > 59 || t->second > 60)
        return false;
    if (t->hour > 24 || (t->hour == 24 && (t->minute || t->second || t->micro)))
        return false;
    us = fbk__civil_days(t->year, t->month, t->day) * FBK__DAY_US +
         ((int64_t)t->hour * 3600 + t->minute * 60 + t->second) * FBK__SECOND_US + t->micro;
    if (!fbk__time_valid(us) || !fbk__time_valid(us - out->offset_s * FBK__SECOND_US))
        return false;
    out->local_us = us;
    return true;
}

bool
fbk__time_parse(const char *text, size_t len, fbk__when *out)
{
    cursor c = {text, text + len};
    fbk__civil t = {0};
    fbk__when w = {0};

    if (!take_number(&c, 4, 4, &t.year) || !take(&c, '-') || !take_number(&c, 2, 2, &t.month) ||
        !take(&c, '-') || !take_number(&c, 2, 2, &t.day))
        return false;
    if (c.p < c.end) {
        if (!take(&c, 'T') && !take(&c, 't') && !take(&c, ' '))
            return false;
        if (!take_number(&c, 2, 2, &t.hour) || !take(&c, ':') || !take_number(&c, 2, 2, &t.minute))
            return false;
        if (take(&c, ':')) {
            if (!take_number(&c, 2, 2, &t.second))
                return false;
            if ((take(&c, '.') || take(&c, ',')) && !take_fraction(&c, &t.micro))
                return false;
        }
        w.has_time = 1;
        if (c.p < c.end) {
            (void)take(&c, ' ');
            if (!take_offset(&c, &w.offset_s))
                return false;
            w.has_offset = 1;
        }
    }
    if (c.p != c.end || !when_set(&t, &w))
        return false;
    *out = w;
    return true;
}

static bool
take_month_name(cursor *c, int32_t *out)
{
    static const char *const names[12] = {"january",   "february", "march",    "april",
                                          "may",       "june",     "july",     "august",
                                          "september", "october",  "november", "december"};
    size_t left = (size_t)(c->end - c->p);

    for (int32_t m = 0; m < 12; m++) {
        size_t n = 0;

        while (n < left && names[m][n] && (char)(c->p[n] | 0x20) == names[m][n])
            n++;
        if (n < 3)
            continue;
        c->p += names[m][n] ? 3 : n;
        *out = m + 1;
        return true;
    }
    return false;
}

static bool
take_am_pm(cursor *c, int32_t *out)
{
    if (c->end - c->p < 2 || (c->p[1] | 0x20) != 'm')
        return false;
    if ((*c->p | 0x20) == 'a')
        *out = 1;
    else if ((*c->p | 0x20) == 'p')
        *out = 2;
    else
        return false;
    c->p += 2;
    return true;
}

/* Seconds (with a fraction) or milliseconds since 1970; a whole instant by itself. */
static bool
take_epoch(cursor *c, int64_t unit_us, int64_t *out_us)
{
    bool negative = take(c, '-');
    const char *start = c->p;
    int64_t value = 0, us;
    int32_t micro = 0;

    for (; c->p < c->end && is_digit(*c->p) && c->p - start < 16; c->p++)
        value = value * 10 + (*c->p - '0');
    if (c->p == start || __builtin_mul_overflow(value, unit_us, &us))
        return false;
    if (unit_us == FBK__SECOND_US && take(c, '.') && !take_fraction(c, &micro))
        return false;
    us += micro;
    *out_us = negative ? -us : us;
    return fbk__time_valid(*out_us);
}

typedef struct parsed {
    fbk__civil t;
    fbk__when w;
    int64_t epoch_us;
    int32_t am_pm; /* 0 none, 1, 2 */
    bool has_epoch;
} parsed;

static bool
take_field(char letter, cursor *c, parsed *o)
{
    switch (letter) {
    case 'Y':
        return take_number(c, 4, 4, &o->t.year);
    case 'y':
        if (!take_number(c, 2, 2, &o->t.year))
            return false;
        o->t.year += o->t.year >= 69 ? 1900 : 2000;
        return true;
    case 'm':
        return take_number(c, 1, 2, &o->t.month);
    case 'd':
        return take_number(c, 1, 2, &o->t.day);
    case 'b':
        return take_month_name(c, &o->t.month);
    case 'H':
    case 'I':
        o->w.has_time = 1;
        return take_number(c, 1, 2, &o->t.hour);
    case 'M':
        return take_number(c, 1, 2, &o->t.minute);
    case 'S':
        return take_number(c, 1, 2, &o->t.second);
    case 'f':
        return take_fraction(c, &o->t.micro);
    case 'p':
        return take_am_pm(c, &o->am_pm);
    case 'z':
        o->w.has_offset = 1;
        return take_offset(c, &o->w.offset_s);
    case 's':
    case 'L':
        o->has_epoch = true;
        return take_epoch(c, letter == 's' ? FBK__SECOND_US : 1000, &o->epoch_us);
    case '%':
        return take(c, '%');
    default:
        return false;
    }
}

static bool
parsed_finish(parsed *o, fbk__when *out)
{
    if (o->has_epoch) {
        *out = (fbk__when){o->epoch_us, 0, 1u, 1u, 0u};
        return true;
    }
    if (o->am_pm) {
        if (o->t.hour < 1 || o->t.hour > 12)
            return false;
        o->t.hour = o->t.hour % 12 + (o->am_pm == 2 ? 12 : 0);
    }
    if (!when_set(&o->t, &o->w))
        return false;
    *out = o->w;
    return true;
}

bool
fbk__time_parse_as(const char *pattern, const char *text, size_t len, fbk__when *out)
{
    cursor c = {text, text + len};
    parsed o = {0};

    for (const char *p = pattern; *p; p++) {
        if (*p == '%' && p[1]) {
            if (!take_field(*++p, &c, &o))
                return false;
        } else if (*p == ' ') {
            while (take(&c, ' ')) {
            }
        } else if (!take(&c, *p)) {
            return false;
        }
    }
    return c.p == c.end && parsed_finish(&o, out);
}

bool
fbk__time_pattern_valid(const char *pattern)
{
    for (const char *p = pattern; *p; p++) {
        if (*p == '%' && (!p[1] || !strchr("YymdbHIMSfpzsL%", *++p)))
            return false;
    }
    return pattern[0] != '\0';
}

bool
fbk__date_parse(const char *text, size_t len, int64_t *out_days)
{
    fbk__when w;

    if (len != 10 || !fbk__time_parse(text, len, &w))
        return false;
    *out_days = fbk__day_of_us(w.local_us);
    return true;
}

static char *
put_number(char *p, int32_t value, int digits)
{
    for (int i = digits; i-- > 0; value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + digits;
}

static char *
put_date(char *p, const fbk__civil *t)
{
    p = put_number(p, t->year, 4);
    *p++ = '-';
    p = put_number(p, t->month, 2);
    *p++ = '-';
    return put_number(p, t->day, 2);
}

static char *
put_date_time(char *p, int64_t local_us)
{
    fbk__civil t;

    fbk__civil_from_us(local_us, &t);
    p = put_date(p, &t);
    *p++ = 'T';
    p = put_number(p, t.hour, 2);
    *p++ = ':';
    p = put_number(p, t.minute, 2);
    *p++ = ':';
    p = put_number(p, t.second, 2);
    if (t.micro) {
        *p++ = '.';
        p = put_number(p, t.micro, 6);
    }
    return p;
}

size_t
fbk__time_format(fbk_time utc_us, char *text)
{
    char *p = put_date_time(text, utc_us);

    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - text);
}

size_t
fbk__time_format_local(fbk_time utc_us, int32_t offset_s, char *text)
{
    int32_t magnitude = offset_s < 0 ? -offset_s : offset_s;
    char *p = put_date_time(text, utc_us + offset_s * FBK__SECOND_US);

    *p++ = offset_s < 0 ? '-' : '+';
    p = put_number(p, magnitude / 3600, 2);
    *p++ = ':';
    p = put_number(p, magnitude / 60 % 60, 2);
    *p = '\0';
    return (size_t)(p - text);
}

size_t
fbk__date_format(int64_t days, char *text)
{
    fbk__civil t;
    char *p;

    fbk__civil_from_days(days, &t);
    p = put_date(text, &t);
    *p = '\0';
    return (size_t)(p - text);
}
