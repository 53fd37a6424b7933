/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "base/tz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tk.h"

static struct fbk db = {.alloc = {0}};

static void
setup(void)
{
    db.alloc = fbk__libc_allocator;
    fbk__err_clear(&db);
}

static const char *const zones[] = {"America-New_York",  "Europe-London",    "Europe-Dublin",
                                    "Australia-Sydney",  "America-St_Johns", "Asia-Kathmandu",
                                    "Africa-Casablanca", "Pacific-Apia",     "Australia-Lord_Howe"};
enum { N_ZONES = sizeof zones / sizeof zones[0] };

static char *
zone_bytes(const char *name, size_t *out_len)
{
    char path[128];

    (void)snprintf(path, sizeof path, "tests/golden/zones/%s", name);
    return tk_slurp(tk_source(path), out_len);
}

/* A file without transitions, as zic -b slim writes it: all in the footer. */
static size_t
slim(unsigned char *out, char version, const char *footer)
{
    unsigned char *p = out;

    for (int block = 0; block < 2; block++) {
        memset(p, 0, 44);
        memcpy(p, "TZif", 4);
        p[4] = (unsigned char)version;
        p[39] = 1; /* one type */
        p[43] = 1; /* one character */
        memset(p + 44, 0, 7);
        p += 51;
    }
    return (size_t)(p - out) + (size_t)sprintf((char *)p, "\n%s\n", footer);
}

static fbk__tz *
slim_zone(const char *footer)
{
    unsigned char bytes[256];
    fbk__tz *tz = NULL;

    tk_assert_ok(&db, fbk__tz_parse(&db, bytes, slim(bytes, '3', footer), &tz));
    return tz;
}

static int64_t
utc(const char *text)
{
    fbk__when w;

    ck_assert_msg(fbk__time_parse(text, strlen(text), &w), "%s", text);
    return w.local_us - w.offset_s * FBK__SECOND_US;
}

START_TEST(footer_rules)
{
    static const struct {
        const char *rule;
        const char *instant;
        int32_t offset_s;
    } rows[] = {
        {"EST5EDT,M3.2.0,M11.1.0", "2100-03-14T06:59:59Z", -18000},
        {"EST5EDT,M3.2.0,M11.1.0", "2100-03-14T07:00:00Z", -14400},
        {"EST5EDT,M3.2.0,M11.1.0", "2100-11-07T05:59:59Z", -14400},
        {"EST5EDT,M3.2.0,M11.1.0", "2100-11-07T06:00:00Z", -18000},
        /* summer time all the year round, as RFC 8536 section 3.3.1 writes it */
        {"XXX3EDT4,0/0,J365/23", "2024-01-01T03:00:00Z", -14400},
        {"XXX3EDT4,0/0,J365/23", "2024-12-31T23:59:59Z", -14400},
        {"XXX3EDT4,0/0,J365/23", "2023-07-01T00:00:00Z", -14400},
        /* negative summer time and times beyond a day (Nuuk: the rule runs into Saturday) */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T00:59:59Z", -7200},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T01:00:00Z", -3600},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-01-15T00:00:00Z", 0},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-07-15T00:00:00Z", 3600},
        {"<+0530>-5:30", "2024-07-15T00:00:00Z", 19800},
        {"AAA0BBB,J60/0,300/0", "2024-02-29T12:00:00Z", 0},
        {"AAA0BBB,J60/0,300/0", "2024-03-01T00:00:00Z", 3600},
    };
    fbk__tz *tz = slim_zone(rows[_i].rule);

    ck_assert_int_eq(fbk__tz_offset(tz, utc(rows[_i].instant)), rows[_i].offset_s);
    fbk__tz_free(NULL, tz);
}
END_TEST

START_TEST(bad_footers)
{
    static const char *const rows[] = {
        "E5",
        "EST",
        "EST25",
        "EST5EDT",
        "EST5EDT,M3.2.0",
        "EST5EDT,M13.2.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,J0,J5",
        "EST5EDT,366,5",
        "EST5EDT,M3.2.0,M11.1.0x",
        "<>5",
        "<AB5",
        "EST5:60",
        "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5\nEDT",
        "EST99999999999",
    };
    unsigned char bytes[256];
    fbk__tz *tz = NULL;

    tk_assert_fails(&db, FBK_EINVAL, fbk__tz_parse(&db, bytes, slim(bytes, '2', rows[_i]), &tz));
    ck_assert_ptr_null(tz);
}
END_TEST

START_TEST(no_rule_keeps_the_last_type)
{
    fbk__tz *tz = slim_zone("");

    ck_assert_int_eq(fbk__tz_offset(tz, 0), 0);
    fbk__tz_free(NULL, tz);
}
END_TEST

START_TEST(utc_and_fixed_offsets)
{
    fbk__tz *tz = NULL;
    fbk_time t = 5;

    ck_assert_int_eq(fbk__tz_offset(NULL, 0), 0);
    ck_assert_int_eq(fbk__tz_to_utc(NULL, 42, &t), FBK__TZ_UNIQUE);
    ck_assert_int_eq(t, 42);
    tk_assert_ok(&db, fbk__tz_fixed(&db, 20700, &tz));
    ck_assert_int_eq(fbk__tz_to_utc(tz, 42, &t), FBK__TZ_UNIQUE);
    ck_assert_int_eq(t, 42 - 20700 * FBK__SECOND_US);
    ck_assert_int_eq(fbk__tz_to_local(tz, t), 42);
    fbk__tz_free(NULL, tz);
    tk_assert_fails(&db, FBK_ERANGE, fbk__tz_fixed(&db, 93600, &tz));
}
END_TEST

/* Every span must hold its instant, meet its neighbour and be consistent with the offset. */
START_TEST(spans_tile_time)
{
    fbk_time at = utc("1850-01-01"), stop = utc("2110-01-01");
    size_t len;
    char *bytes = zone_bytes(zones[_i], &len);
    fbk__tz *tz = NULL;
    int n = 0;

    tk_assert_ok(&db, fbk__tz_parse(&db, bytes, len, &tz));
    while (at < stop) {
        fbk__tz_span span;

        fbk__tz_span_at(tz, at, &span);
        ck_assert(span.start_us <= at && span.end_us > at);
        ck_assert(n == 0 || span.start_us == at);
        ck_assert_int_eq(fbk__tz_offset(tz, at), span.offset_s);
        if (span.end_us == INT64_MAX)
            break;
        ck_assert_int_eq(fbk__tz_offset(tz, span.end_us - 1), span.offset_s);
        at = span.end_us;
        n++;
    }
    ck_assert_int_gt(n, 0);
    fbk__tz_free(NULL, tz);
    free(bytes);
}
END_TEST

/* Use a zone that bytes made, if they made one: sanitizers and valgrind watch. */
static void
exercise(const void *bytes, size_t len)
{
    void *exact = malloc(len ? len : 1); /* so that a read past the end is seen */
    fbk__tz *tz = NULL;
    fbk_status rc;

    memcpy(exact, bytes, len);
    rc = fbk__tz_parse(&db, exact, len, &tz);
    free(exact);
    ck_assert(rc == FBK_OK ? tz != NULL : tz == NULL && fbk_errmsg(&db)[0] != '\0');
    if (rc == FBK_OK) {
        fbk_time t;

        (void)fbk__tz_to_utc(tz, 0, &t);
        (void)fbk__tz_to_utc(tz, FBK_TIME_MAX, &t);
        (void)fbk__tz_to_utc(tz, FBK_TIME_MIN, &t);
        ck_assert_int_le(llabs(t - FBK_TIME_MIN), 93600 * FBK__SECOND_US);
    }
    fbk__tz_free(NULL, tz);
}

START_TEST(every_truncation_is_refused)
{
    size_t len;
    char *bytes = zone_bytes(zones[_i], &len);
    fbk__tz *tz = NULL;

    for (size_t n = 0; n < len; n++) {
        ck_assert_int_eq(fbk__tz_parse(&db, bytes, n, &tz), FBK_EINVAL);
        exercise(bytes, n);
    }
    free(bytes);
}
END_TEST

START_TEST(no_bit_flip_crashes)
{
    unsigned char slim_bytes[256];
    size_t len, slim_len = slim(slim_bytes, '3', "<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
    char *bytes = zone_bytes("Africa-Casablanca", &len);

    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        exercise(bytes, len);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t bit = 0; bit < slim_len * 8; bit++) {
        slim_bytes[bit / 8] = (unsigned char)(slim_bytes[bit / 8] ^ (1u << bit % 8));
        exercise(slim_bytes, slim_len);
        slim_bytes[bit / 8] = (unsigned char)(slim_bytes[bit / 8] ^ (1u << bit % 8));
    }
    free(bytes);
}
END_TEST

START_TEST(leap_second_files_are_refused)
{
    unsigned char bytes[256];
    size_t len = slim(bytes, 0, "");
    fbk__tz *tz = NULL;

    bytes[4] = 0;  /* version 1: one block */
    bytes[31] = 1; /* one leap second, 8 bytes of what follows */
    (void)len;
    tk_assert_fails(&db, FBK_ENOTSUP, fbk__tz_parse(&db, bytes, 51 + 8, &tz));
}
END_TEST

START_TEST(names)
{
    static const struct {
        const char *name;
        bool valid;
    } rows[] = {
        {"Europe/London", true},
        {"America/Argentina/Buenos_Aires", true},
        {"Etc/GMT+12", true},
        {"UTC", true},
        {"", false},
        {"/etc/passwd", false},
        {"../../etc/passwd", false},
        {"Europe/../../etc", false},
        {"Europe//London", false},
        {"Europe/", false},
        {"Europe/.London", false},
        {"Europe/Lon don", false},
        {"-x", false},
        {"Europe\\London", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(fbk__tz_name_valid(rows[i].name, strlen(rows[i].name)) == rows[i].valid, "%s",
                      rows[i].name);
    ck_assert(!fbk__tz_name_valid("Europe\0London", 13));
}
END_TEST

START_TEST(out_of_memory)
{
    size_t len;
    char *bytes = zone_bytes("Europe-London", &len);
    tk_alloc a;
    int64_t k = 0;

    for (;; k++) {
        fbk__tz *tz = NULL;
        fbk_status rc;

        tk_alloc_init(&a);
        a.fail_at = k;
        db.alloc = a.allocator;
        rc = fbk__tz_parse(&db, bytes, len, &tz);
        if (rc == FBK_OK) {
            fbk__tz_free(&db.alloc, tz);
            ck_assert_int_eq(a.n_live, 0);
            break;
        }
        ck_assert_int_eq(rc, FBK_ENOMEM);
        ck_assert_ptr_null(tz);
        ck_assert_int_eq(a.n_live, 0);
    }
    ck_assert_int_eq(k, 5);
    free(bytes);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tz");
    TCase *tc = tcase_create("tz");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, footer_rules, 0, 14);
    tcase_add_loop_test(tc, bad_footers, 0, 17);
    tcase_add_test(tc, no_rule_keeps_the_last_type);
    tcase_add_test(tc, utc_and_fixed_offsets);
    tcase_add_loop_test(tc, spans_tile_time, 0, N_ZONES);
    tcase_add_loop_test(tc, every_truncation_is_refused, 0, N_ZONES);
    tcase_add_test(tc, no_bit_flip_crashes);
    tcase_add_test(tc, leap_second_files_are_refused);
    tcase_add_test(tc, names);
    tcase_add_test(tc, out_of_memory);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
