/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/place.h>
#include <feedback/store.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "record/place.h"
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

static fbk_place_info
get(const char *code)
{
    fbk_place_info info = {.struct_size = (uint32_t)sizeof info};

    tk_assert_ok(db, fbk_place_get(db, code, &info));
    return info;
}

/* A place with the zone of a fixture, so that the test does not depend on the system's rules. */
static fbk_status
put(const char *code, const char *zone, const char *fixture, double lat, double lon)
{
    fbk_place place = FBK_PLACE_INIT;
    char path[128];
    size_t len = 0;
    char *tzif = NULL;
    fbk_status rc;

    if (fixture) {
        (void)snprintf(path, sizeof path, "tests/golden/zones/%s", fixture);
        tzif = tk_slurp(tk_source(path), &len);
    }
    place.code = code;
    place.time_zone = zone;
    place.tzif = tzif;
    place.tzif_len = len;
    place.flags = FBK_PLACE_HAS_POSITION;
    place.latitude_deg = lat;
    place.longitude_deg = lon;
    rc = fbk_place_upsert(db, &place);
    free(tzif);
    return rc;
}

START_TEST(a_place_keeps_what_is_not_given)
{
    fbk_place place = FBK_PLACE_INIT;
    fbk_place_info info;

    tk_assert_ok(db, put("london", "Europe/London", "Europe-London", 51.5, -0.12));
    place.code = "london";
    place.name = "Oxford Street";
    place.station = "EGLC";
    tk_assert_ok(db, fbk_place_upsert(db, &place));
    info = get("london");
    ck_assert_str_eq(info.code, "london");
    ck_assert_str_eq(info.name, "Oxford Street");
    ck_assert_str_eq(info.time_zone, "Europe/London");
    ck_assert_str_eq(info.station, "EGLC");
    ck_assert_uint_eq(info.flags, FBK_PLACE_HAS_POSITION | FBK_PLACE_DESCRIBED);
    ck_assert(info.latitude_deg == 51.5 && info.longitude_deg == -0.12);
    place = (fbk_place)FBK_PLACE_INIT;
    place.code = "london";
    place.flags = FBK_PLACE_REPLACE;
    tk_assert_ok(db, fbk_place_upsert(db, &place));
    info = get("london");
    ck_assert_str_eq(info.name, "");
    ck_assert_str_eq(info.time_zone, "UTC"); /* the store's */
    ck_assert_str_eq(info.station, "");
    ck_assert_uint_eq(info.flags, FBK_PLACE_DESCRIBED);
}
END_TEST

START_TEST(wrong_places_are_refused)
{
    static char longer[300];
    static const struct {
        fbk_place place;
        fbk_status code;
    } rows[] = {
        {{.code = NULL}, FBK_EINVAL},
        {{.code = ""}, FBK_EINVAL},
        {{.code = longer}, FBK_ERANGE},
        {{.code = "\xc3"}, FBK_EINVAL},
        {{.code = "a", .name = longer}, FBK_ERANGE},
        {{.code = "a", .station = longer}, FBK_ERANGE},
        {{.code = "a", .time_zone = "../../../etc/passwd"}, FBK_EINVAL},
        {{.code = "a", .time_zone = "/etc/passwd"}, FBK_EINVAL},
        {{.code = "a", .time_zone = "Nowhere/Atlantis"}, FBK_ENOTFOUND},
        {{.code = "a", .time_zone = "Europe/London", .tzif = "TZif", .tzif_len = 4}, FBK_EINVAL},
        {{.code = "a", .tzif = "TZif", .tzif_len = 4}, FBK_ERANGE},
        {{.code = "a", .time_zone = "Europe/London", .tzif = "", .tzif_len = 0}, FBK_ERANGE},
        {{.code = "a", .tzif_len = 4}, FBK_ERANGE},
        {{.code = "a", .flags = FBK_PLACE_HAS_POSITION, .latitude_deg = 90.1}, FBK_ERANGE},
        {{.code = "a", .flags = FBK_PLACE_HAS_POSITION, .longitude_deg = -180.1}, FBK_ERANGE},
        {{.code = "a", .flags = FBK_PLACE_HAS_POSITION, .longitude_deg = (double)NAN}, FBK_ERANGE},
        {{.code = "a", .flags = 8}, FBK_EINVAL},
    };
    fbk_place place = rows[_i].place;
    fbk_place_info info = {.struct_size = (uint32_t)sizeof info};

    memset(longer, 'x', sizeof longer - 1);
    place.struct_size = (uint32_t)sizeof place;
    tk_assert_fails(db, rows[_i].code, fbk_place_upsert(db, &place));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_place_get(db, "a", &info));
}
END_TEST

START_TEST(zones_of_places)
{
    const fbk__places *places = NULL;
    uint32_t london, sydney, met = 0;
    fbk_time summer = INT64_C(1310000000) * FBK__SECOND_US; /* July 2011 */

    tk_assert_ok(db, put("london", "Europe/London", "Europe-London", 51.5, -0.12));
    tk_assert_ok(db, put("sydney", "Australia/Sydney", "Australia-Sydney", -33.87, 151.2));
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__place_resolve(db, "met", 3, true, &met));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    tk_assert_ok(db, fbk__places_acquire(db, &places));
    london = fbk__place_find(places, "london", 6);
    sydney = fbk__place_find(places, "sydney", 6);
    ck_assert_int_eq(fbk__tz_offset(fbk__place_tz(places, london), summer), 3600);
    ck_assert_int_eq(fbk__tz_offset(fbk__place_tz(places, sydney), summer), 36000);
    ck_assert_int_eq(fbk__tz_offset(fbk__place_tz(places, met), summer), 0);
    ck_assert_int_eq(fbk__tz_offset(fbk__place_tz(places, 0), summer), 0);
    ck_assert_int_eq(fbk__tz_offset(fbk__place_tz(places, 999), summer), 0);
    ck_assert_uint_eq(places->flags[met], 0);
    ck_assert_str_eq(fbk__place_code(places, met), "met");
    ck_assert_uint_eq(fbk__place_find(places, "nowhere", 7), 0);
    fbk__places_release(places);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__place_resolve(db, "nowhere", 7, false, &met));
    /* The store keeps the rules it was given: naming the zone again does not read the system's. */
    tk_assert_ok(db, put("late", "Europe/London", NULL, 0.0, 0.0));
    tk_assert_ok(db, put("odd", "Europe/London", "Asia-Kathmandu", 0.0, 0.0));
    tk_assert_ok(db, fbk__places_acquire(db, &places));
    ck_assert_int_eq(fbk__tz_offset(fbk__place_tz(places, london), summer), 20700);
    fbk__places_release(places);
}
END_TEST

START_TEST(nearest)
{
    fbk_place_info info = {.struct_size = (uint32_t)sizeof info};
    double km = 0.0;

    tk_assert_fails(db, FBK_ENOTFOUND, fbk_place_nearest(db, 0.0, 0.0, &info, &km));
    tk_assert_ok(db, put("london", NULL, NULL, 51.5074, -0.1278));
    tk_assert_ok(db, put("paris", NULL, NULL, 48.8566, 2.3522));
    tk_assert_ok(db, put("fiji", NULL, NULL, -17.8, 178.0));
    tk_assert_ok(db, fbk_place_nearest(db, 50.0, 2.0, &info, &km));
    ck_assert_str_eq(info.code, "paris");
    tk_assert_ok(db, fbk_place_nearest(db, -17.8, -179.0, &info, &km)); /* across the date line */
    ck_assert_str_eq(info.code, "fiji");
    ck_assert_double_eq_tol(km, 317.6, 0.5);
    tk_assert_ok(db, fbk_place_nearest(db, 90.0, 0.0, &info, NULL));
    ck_assert_str_eq(info.code, "london");
    tk_assert_fails(db, FBK_ERANGE, fbk_place_nearest(db, (double)NAN, 0.0, &info, &km));
    ck_assert_double_eq_tol(fbk__haversine_km(51.5074, -0.1278, 48.8566, 2.3522), 343.56, 0.05);
    ck_assert_double_eq_tol(fbk__haversine_km(0, 0, 0, 180), 20015.11, 0.05);
    ck_assert(fbk__haversine_km(1.5, 2.5, 1.5, 2.5) == 0.0);
}
END_TEST

START_TEST(many_at_once)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    struct ArrowArrayStream stream;
    fbk_errinfo err = {.struct_size = (uint32_t)sizeof err};
    fbk_arrow_rows rows;
    int64_t n = 0, listed = 0;

    for (int bad = 0; bad < 2; bad++) {
        (void)fbk_arrow_builder_column(&b, "code", FBK_ARROW_TEXT);
        (void)fbk_arrow_builder_column(&b, "latitude_deg", FBK_ARROW_DOUBLE);
        (void)fbk_arrow_builder_column(&b, "longitude_deg", FBK_ARROW_DOUBLE);
        for (int i = 0; i < 100; i++) {
            char code[16];

            (void)snprintf(code, sizeof code, "p%d", i + bad * 1000);
            fbk_arrow_add_text(&b, 0, code, -1);
            if (i % 10 == 0)
                fbk_arrow_add_null(&b, 1);
            else
                fbk_arrow_add_double(&b, 1, i * 0.5);
            if (i % 10 == 0 && !(bad && i == 50))
                fbk_arrow_add_null(&b, 2);
            else
                fbk_arrow_add_double(&b, 2, i);
        }
        tk_assert_ok(db, fbk_arrow_builder_finish(&b, &stream));
        if (!bad) {
            tk_assert_ok(db, fbk_place_upsert_rows(db, &stream, &n));
            ck_assert_int_eq(n, 100);
        } else {
            tk_assert_fails(db, FBK_EINVAL, fbk_place_upsert_rows(db, &stream, &n));
            tk_assert_ok(db, fbk_error_info(db, &err));
            ck_assert_int_eq(err.row, 51);
        }
    }
    ck_assert_uint_eq(get("p10").flags, FBK_PLACE_DESCRIBED);
    ck_assert(get("p11").latitude_deg == 5.5);
    tk_assert_ok(db, fbk_place_list(db, &stream));
    tk_assert_ok(db, fbk_arrow_rows_open(&rows, &stream));
    while (fbk_arrow_rows_next(&rows) == FBK_OK)
        listed++;
    fbk_arrow_rows_close(&rows);
    ck_assert_int_eq(listed, 100);
}
END_TEST

START_TEST(out_of_memory)
{
    int64_t k = 0;

    for (;; k++) {
        fbk_place_info info = {.struct_size = (uint32_t)sizeof info};
        fbk_status rc;

        memory.n_calls = 0;
        memory.fail_at = k;
        rc = put("sydney", "Australia/Sydney", "Australia-Sydney", -33.87, 151.2);
        if (rc == FBK_OK)
            rc = fbk_place_get(db, "sydney", &info);
        memory.fail_at = -1;
        if (rc == FBK_OK && memory.n_calls <= k)
            break;
        if (rc == FBK_OK)
            continue;
        tk_assert_fails(db, FBK_ENOMEM, rc);
        ck_assert_str_eq(info.code, "");
    }
    ck_assert_int_gt(k, 10);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("place");
    TCase *tc = tcase_create("place");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_place_keeps_what_is_not_given);
    tcase_add_loop_test(tc, wrong_places_are_refused, 0, 17);
    tcase_add_test(tc, zones_of_places);
    tcase_add_test(tc, nearest);
    tcase_add_test(tc, many_at_once);
    tcase_add_test(tc, out_of_memory);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
