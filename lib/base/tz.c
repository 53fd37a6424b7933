/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/tz.h"

#include "base/time.h"

#include <string.h>

/* When the clocks change, as the footer says it. */
typedef struct tz_rule {
    int32_t kind;  /* 'M' month, week, weekday; 'J' day 1..365 without leap days; 'N' day 0..365 */
    int32_t month; /* or the day */
    int32_t week;
    int32_t weekday; /* 0 = Sunday */
    int32_t time_s;  /* of the local clock, [-167 h, 167 h] */
} tz_rule;

struct fbk__tz {
    size_t n;          /* transitions */
    int64_t *at_s;     /* n instants in seconds, ascending */
    uint8_t *type;     /* n numbers of what begins there */
    int32_t *offset_s; /* by type */
    uint8_t *dst;      /* by type */
    int32_t std_s;     /* the footer's rule, seconds east */
    int32_t dst_s;
    bool has_footer;
    bool has_dst;
    tz_rule start;
    tz_rule end;
};

enum { OFFSET_MIN = -93599, OFFSET_MAX = 93599, HEADER = 44 };

/* ---- the footer: a POSIX TZ string ---- */

typedef struct cursor {
    const char *p;
    const char *end;
} cursor;

static bool
at(const cursor *c, char want)
{
    return c->p < c->end && *c->p == want;
}

static bool
take(cursor *c, char want)
{
    if (!at(c, want))
        return false;
    c->p++;
    return true;
}

static bool
take_int(cursor *c, int32_t min, int32_t max, int32_t *out)
{
    int32_t value = 0;
    const char *start = c->p;

    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9' && c->p - start < 4; c->p++)
        value = value * 10 + (*c->p - '0');
    if (c->p == start || value < min || value > max)
        return false;
    *out = value;
    return true;
}

static bool
take_name(cursor *c)
{
    const char *start = c->p;

    if (take(c, '<')) {
        while (c->p < c->end && *c->p != '>')
            c->p++;
        return c->p - start > 3 && take(c, '>');
    }
    while (c->p < c->end && ((*c->p | 0x20) >= 'a' && (*c->p | 0x20) <= 'z'))
        c->p++;
    return c->p - start >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool
take_hms(cursor *c, int32_t max_hours, int32_t *out_s)
{
    int32_t h, m = 0, s = 0;
    bool negative = false;

    if (take(c, '-'))
        negative = true;
    else
        (void)take(c, '+');
    if (!take_int(c, 0, max_hours, &h))
        return false;
    if (take(c, ':')) {
        if (!take_int(c, 0, 59, &m))
            return false;
        if (take(c, ':') && !take_int(c, 0, 59, &s))
            return false;
    }
    *out_s = h * 3600 + m * 60 + s;
    if (negative)
        *out_s = -*out_s;
    return true;
}

static bool
take_rule(cursor *c, tz_rule *rule)
{
    if (!take(c, ','))
        return false;
    if (take(c, 'M')) {
        rule->kind = 'M';
        if (!take_int(c, 1, 12, &rule->month) || !take(c, '.') || !take_int(c, 1, 5, &rule->week) ||
            !take(c, '.') || !take_int(c, 0, 6, &rule->weekday))
            return false;
    } else if (take(c, 'J')) {
        rule->kind = 'J';
        if (!take_int(c, 1, 365, &rule->month))
            return false;
    } else {
        rule->kind = 'N';
        if (!take_int(c, 0, 365, &rule->month))
            return false;
    }
    rule->time_s = 7200;
    return !take(c, '/') || take_hms(c, 167, &rule->time_s);
}

/* The string counts hours west, we count seconds east. */
static bool
parse_footer(const char *text, size_t len, fbk__tz *tz)
{
    cursor c = {text, text + len};
    int32_t west;

    if (len == 0)
        return true;
    if (!take_name(&c) || !take_hms(&c, 24, &west))
        return false;
    tz->has_footer = true;
    tz->std_s = -west;
    if (c.p == c.end)
        return true;
    if (!take_name(&c))
        return false;
    tz->has_dst = true;
    tz->dst_s = tz->std_s + 3600;
    if (!at(&c, ',')) {
        if (!take_hms(&c, 24, &west))
            return false;
        tz->dst_s = -west;
    }
    return take_rule(&c, &tz->start) && take_rule(&c, &tz->end) && c.p == c.end;
}

/* Day number of a rule in a year. */
static int64_t
rule_day(const tz_rule *rule, int32_t year)
{
    int64_t first;
    int32_t day, weekday;

    if (rule->kind != 'M') {
        first = fbk__civil_days(year, 1, 1);
        if (rule->kind == 'N')
            return first + rule->month;
        return first + rule->month - 1 + (rule->month >= 60 && fbk__civil_leap(year));
    }
    first = fbk__civil_days(year, rule->month, 1);
    weekday = fbk__civil_weekday(first) % 7; /* 0 = Sunday */
    day = (rule->weekday - weekday + 7) % 7 + 7 * (rule->week - 1);
    if (day >= fbk__civil_month_days(year, rule->month))
        day -= 7; /* week 5 means the last one */
    return first + day;
}

/* The stretch that the footer's rule gives. Changes of the years around are enough: a rule's time
 * can move a change by at most a week. Where one year's end meets the next one's start (summer
 * time all the year round) the later entry, the start, holds. */
static void
footer_span(const fbk__tz *tz, int64_t utc_s, int64_t *start, int64_t *end, int32_t *offset,
            bool *dst)
{
    fbk__civil date;
    int32_t year;

    *start = INT64_MIN;
    *end = INT64_MAX;
    *offset = tz->std_s;
    *dst = false;
    if (!tz->has_dst)
        return;
    fbk__civil_from_us(utc_s * FBK__SECOND_US, &date);
    year = date.year;
    for (int32_t y = year - 2; y <= year + 2; y++) {
        int64_t on = rule_day(&tz->start, y) * 86400 + tz->start.time_s - tz->std_s;
        int64_t off = rule_day(&tz->end, y) * 86400 + tz->end.time_s - tz->dst_s;

        if (on <= utc_s && on >= *start) {
            *start = on;
            *dst = true;
        }
        if (off <= utc_s && off > *start) {
            *start = off;
            *dst = false;
        }
        if (on > utc_s && on < *end)
            *end = on;
        if (off > utc_s && off < *end)
            *end = off;
    }
    *offset = *dst ? tz->dst_s : tz->std_s;
}

/* ---- the file ---- */

typedef struct header {
    int version;
    size_t n_isut, n_isstd, n_leap, n_time, n_type, n_char;
} header;

static uint32_t
be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t
be_time(const unsigned char *p, size_t width)
{
    if (width == 4)
        return (int32_t)be32(p);
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool
read_header(const unsigned char *p, size_t len, header *h)
{
    if (len < HEADER || memcmp(p, "TZif", 4) != 0)
        return false;
    h->version = p[4] == 0 ? 1 : p[4] - '0';
    if (h->version < 1 || h->version > 9 || (p[4] != 0 && h->version == 1))
        return false;
    h->n_isut = be32(p + 20);
    h->n_isstd = be32(p + 24);
    h->n_leap = be32(p + 28);
    h->n_time = be32(p + 32);
    h->n_type = be32(p + 36);
    h->n_char = be32(p + 40);
    /* No zone comes near these; they keep every product below far from overflow. */
    return h->n_isut <= 256 && h->n_isstd <= 256 && h->n_leap <= 65536 && h->n_time <= 65536 &&
           h->n_type >= 1 && h->n_type <= 256 && h->n_char >= 1 && h->n_char <= 65536;
}

static size_t
block_size(const header *h, size_t width)
{
    return h->n_time * (width + 1) + h->n_type * 6 + h->n_char + h->n_leap * (width + 4) +
           h->n_isstd + h->n_isut;
}

static fbk__tz *
tz_new(const fbk_allocator *a, size_t n_time, size_t n_type)
{
    fbk__tz *tz = fbk__calloc(a, 1, sizeof *tz);

    if (!tz)
        return NULL;
    tz->n = n_time;
    tz->at_s = fbk__calloc(a, n_time + 1, sizeof *tz->at_s);
    tz->type = fbk__calloc(a, n_time + 1, sizeof *tz->type);
    tz->offset_s = fbk__calloc(a, n_type, sizeof *tz->offset_s);
    tz->dst = fbk__calloc(a, n_type, sizeof *tz->dst);
    if (!tz->at_s || !tz->type || !tz->offset_s || !tz->dst) {
        fbk__tz_free(a, tz);
        return NULL;
    }
    return tz;
}

static bool
read_block(const unsigned char *p, const header *h, size_t width, fbk__tz *tz)
{
    const unsigned char *types = p + h->n_time * width;
    const unsigned char *infos = types + h->n_time;

    for (size_t i = 0; i < h->n_time; i++) {
        tz->at_s[i] = be_time(p + i * width, width);
        tz->type[i] = types[i];
        if (types[i] >= h->n_type || (i > 0 && tz->at_s[i] <= tz->at_s[i - 1]))
            return false;
    }
    for (size_t i = 0; i < h->n_type; i++) {
        tz->offset_s[i] = (int32_t)be32(infos + i * 6);
        tz->dst[i] = infos[i * 6 + 4];
        if (tz->offset_s[i] < OFFSET_MIN || tz->offset_s[i] > OFFSET_MAX || tz->dst[i] > 1 ||
            infos[i * 6 + 5] >= h->n_char)
            return false;
    }
    return true;
}

/* The footer: a newline, the rule, a newline, and nothing after it. */
static bool
read_footer(const unsigned char *p, size_t len, fbk__tz *tz)
{
    const unsigned char *stop;

    if (len < 2 || p[0] != '\n')
        return false;
    stop = memchr(p + 1, '\n', len - 1);
    return stop && stop == p + len - 1 &&
           parse_footer((const char *)p + 1, (size_t)(stop - p) - 1, tz);
}

fbk_status
fbk__tz_parse(fbk *db, const void *bytes, size_t len, fbk__tz **out)
{
    const unsigned char *p = bytes;
    size_t width = 4, size;
    fbk__tz *tz;
    header h;

    if (!read_header(p, len, &h))
        goto bad;
    size = HEADER + block_size(&h, width);
    if (h.version >= 2) { /* the first block is for old readers: the second says it all */
        if (size > len || !read_header(p + size, len - size, &h) || h.version < 2)
            goto bad;
        p += size;
        len -= size;
        width = 8;
        size = HEADER + block_size(&h, width);
    }
    if (size > len)
        goto bad;
    if (h.n_leap > 0)
        return fbk__fail(db, FBK_ENOTSUP, "the time zone counted leap seconds");
    tz = tz_new(fbk__a(db), h.n_time, h.n_type);
    if (!tz)
        return fbk__nomem(db);
    if (!read_block(p + HEADER, &h, width, tz) ||
        (width == 8 && !read_footer(p + size, len - size, tz))) {
        fbk__tz_free(fbk__a(db), tz);
        goto bad;
    }
    *out = tz;
    return FBK_OK;
bad:
    return fbk__fail(db, FBK_EINVAL, "the time zone data was not a well-formed TZif file");
}

fbk_status
fbk__tz_fixed(fbk *db, int32_t offset_s, fbk__tz **out)
{
    fbk__tz *tz;

    if (offset_s < OFFSET_MIN || offset_s > OFFSET_MAX)
        return fbk__fail(db, FBK_ERANGE, "the offset from UTC was outside [%d, %d] s", OFFSET_MIN,
                         OFFSET_MAX);
    tz = tz_new(fbk__a(db), 0, 1);
    if (!tz)
        return fbk__nomem(db);
    tz->offset_s[0] = offset_s;
    *out = tz;
    return FBK_OK;
}

void
fbk__tz_free(const fbk_allocator *a, fbk__tz *tz)
{
    if (!tz)
        return;
    fbk__free(a, tz->at_s);
    fbk__free(a, tz->type);
    fbk__free(a, tz->offset_s);
    fbk__free(a, tz->dst);
    fbk__free(a, tz);
}

/* ---- questions ---- */

static fbk_time
seconds_to_us(int64_t s)
{
    int64_t us;

    if (__builtin_mul_overflow(s, FBK__SECOND_US, &us))
        return s < 0 ? INT64_MIN : INT64_MAX;
    return us;
}

void
fbk__tz_span_at(const fbk__tz *tz, fbk_time utc_us, fbk__tz_span *out)
{
    int64_t s = utc_us / FBK__SECOND_US - (utc_us % FBK__SECOND_US < 0);
    int64_t start = INT64_MIN, end = INT64_MAX;
    size_t lo = 0, hi;
    int32_t offset = 0;
    bool dst = false;

    if (!tz) {
        *out = (fbk__tz_span){INT64_MIN, INT64_MAX, 0, 0u};
        return;
    }
    for (hi = tz->n; lo < hi;) { /* lo = transitions at or before s */
        size_t mid = lo + (hi - lo) / 2;

        if (tz->at_s[mid] <= s)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == tz->n && tz->has_footer) {
        footer_span(tz, s, &start, &end, &offset, &dst);
        if (lo > 0 && tz->at_s[lo - 1] > start)
            start = tz->at_s[lo - 1];
    } else {
        uint8_t type = lo > 0 ? tz->type[lo - 1] : 0;

        start = lo > 0 ? tz->at_s[lo - 1] : INT64_MIN;
        end = lo < tz->n ? tz->at_s[lo] : INT64_MAX;
        offset = tz->offset_s[type];
        dst = tz->dst[type] != 0;
    }
    *out = (fbk__tz_span){seconds_to_us(start), seconds_to_us(end), offset, dst};
}

int32_t
fbk__tz_offset(const fbk__tz *tz, fbk_time utc_us)
{
    fbk__tz_span span;

    fbk__tz_span_at(tz, utc_us, &span);
    return span.offset_s;
}

int64_t
fbk__tz_to_local(const fbk__tz *tz, fbk_time utc_us)
{
    return utc_us + fbk__tz_offset(tz, utc_us) * FBK__SECOND_US;
}

/* Walk the stretches that can hold the local time. In each the instant would be local - offset;
 * it counts when it lies inside. The first found is the earliest; if none is, the answer is that
 * of the last stretch that ended before its own reading: the one before the gap. */
int
fbk__tz_to_utc(const fbk__tz *tz, int64_t local_us, fbk_time *out_utc_us)
{
    const int64_t margin = (OFFSET_MAX + 1) * FBK__SECOND_US;
    fbk_time found = 0, before_gap = local_us, at_us = local_us - margin;
    fbk__tz_span span;
    int hits = 0;

    for (;;) {
        fbk_time utc;

        fbk__tz_span_at(tz, at_us, &span);
        utc = local_us - span.offset_s * FBK__SECOND_US;
        if (utc >= span.start_us && utc < span.end_us) {
            if (hits++ == 0)
                found = utc;
        } else if (utc >= span.end_us) {
            before_gap = utc;
        }
        if (span.end_us > local_us + margin)
            break;
        at_us = span.end_us;
    }
    *out_utc_us = hits ? found : before_gap;
    return hits == 0 ? FBK__TZ_GAP : hits == 1 ? FBK__TZ_UNIQUE : FBK__TZ_OVERLAP;
}

bool
fbk__tz_name_valid(const char *name, size_t len)
{
    bool start = true; /* of a part: must be a letter */

    if (len == 0 || len > 63)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

        if (start && !letter)
            return false;
        if (!letter && !(c >= '0' && c <= '9') && !strchr("+-_/", c))
            return false;
        if (c == '\0')
            return false;
        start = c == '/';
    }
    return !start;
}
