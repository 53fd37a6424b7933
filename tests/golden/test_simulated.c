/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/feedback.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/clv_math.h"
#include "support/tk.h"

/* The main job from end to end on a chain whose truth is known: what `feedback simulate` planted has
 * to be found by what `feedback import` and `feedback train` call. */

enum { CUSTOMERS = 4000, DAYS = 730, SEED = 11 };

static char chain[512];
static char path[512];
static json_t *truth;
static fbk_store *store;
static fbk *db;
static fbk_time end_us;

static const char *
in_chain(const char *name)
{
    static char text[1024];

    (void)snprintf(text, sizeof text, "%s/%s", chain, name);
    return text;
}

static char *
chain_text(const char *name)
{
    size_t len;
    char *text = tk_slurp(in_chain(name), &len);

    ck_assert_ptr_nonnull(text);
    return text;
}

static int64_t
truth_int(const char *key)
{
    json_t *value = json_object_get(truth, key);

    ck_assert_msg(json_is_integer(value), "no %s", key);
    return json_integer_value(value);
}

/* -- tables: a CSV file without quotes, cut in place ------------------------------------------- */

enum { COLUMNS = 20 };

typedef struct table {
    char *text, *at;
    char *cells[COLUMNS];
} table;

static bool
table_next(table *t)
{
    char *end = strchr(t->at, '\n');
    char *cell = t->at;

    if (!end)
        return false;
    *end = '\0';
    for (int i = 0; i < COLUMNS; i++) {
        t->cells[i] = cell;
        cell = strchr(cell, ',');
        if (!cell)
            break;
        *cell++ = '\0';
    }
    t->at = end + 1;
    return true;
}

static table
table_open(const char *name)
{
    table t = {.text = chain_text(name)};

    t.at = t.text;
    ck_assert(table_next(&t));
    return t;
}

/* -- the job ----------------------------------------------------------------------------------- */

static void
connect_to(const char *file)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};

    options.flags = FBK_STORE_CREATE;
    options.durability = FBK_DURABILITY_NORMAL;
    options.time_zone = "Europe/Berlin";
    ck_assert_msg(fbk_store_open(file, &options, &store, &info) == FBK_OK, "%s", info.message);
    ck_assert_int_eq(fbk_connect(store, &db), FBK_OK);
}

static void
disconnect(void)
{
    fbk_close(db);
    fbk_store_close(store);
}

static void
setup(void)
{
    connect_to(path);
}

static fbk_import_report
import_file(const char *name)
{
    static char map[1024];
    fbk_import_options options = FBK_IMPORT_OPTIONS_INIT;
    fbk_import_report report = FBK_IMPORT_REPORT_INIT;

    (void)snprintf(map, sizeof map, "%s", in_chain("map.json"));
    options.map_path = map;
    options.batch_events = 100000;
    tk_assert_ok(db, fbk_import_file(db, in_chain(name), &options, &report));
    ck_assert_msg(report.rows_rejected == 0, "%s", report.reject_reason);
    return report;
}

/* The files of the office: columns of text and doubles. */
static void
load(const char *name, const char *doubles,
     fbk_status (*call)(fbk *, struct ArrowArrayStream *, int64_t *))
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    struct ArrowArrayStream stream = {0};
    table t = table_open(name);
    int64_t number[COLUMNS];
    bool is_double[COLUMNS];
    int n = 0;

    for (; n < COLUMNS && t.cells[n]; n++) {
        is_double[n] = strstr(doubles, t.cells[n]) != NULL;
        number[n] = fbk_arrow_builder_column(&b, t.cells[n],
                                             is_double[n] ? FBK_ARROW_DOUBLE : FBK_ARROW_TEXT);
    }
    while (table_next(&t))
        for (int i = 0; i < n; i++)
            if (!*t.cells[i])
                fbk_arrow_add_null(&b, number[i]);
            else if (is_double[i])
                fbk_arrow_add_double(&b, number[i], strtod(t.cells[i], NULL));
            else
                fbk_arrow_add_text(&b, number[i], t.cells[i], (int64_t)strlen(t.cells[i]));
    ck_assert_int_eq(fbk_arrow_builder_finish(&b, &stream), FBK_OK);
    tk_assert_ok(db, call(db, &stream, NULL));
    free(t.text);
}

static void
do_the_job(void)
{
    const char *exe = getenv("FEEDBACK_EXE");
    char command[2048];
    char *text;

    ck_assert_msg(exe != NULL, "FEEDBACK_EXE is not set");
    (void)snprintf(chain, sizeof chain, "%s/chain", tk_tmpdir());
    (void)snprintf(path, sizeof path, "%s/simulated.db", tk_tmpdir());
    (void)snprintf(command, sizeof command,
                   "'%s' simulate --customers %d --days %d --seed %d --out '%s' >/dev/null", exe,
                   CUSTOMERS, DAYS, SEED, chain);
    ck_assert_int_eq(system(command), 0);
    text = chain_text("truth.json");
    truth = json_loads(text, 0, NULL);
    free(text);
    ck_assert_ptr_nonnull(truth);
    end_us = (fbk_time)(19359 + DAYS) * 86400 * 1000000 + INT64_C(43200000000);
    connect_to(path);
    ck_assert_uint_eq(import_file("events.ndjson").events_added, (uint64_t)truth_int("events"));
    load("catalogue.csv", "price,cost", fbk_item_upsert_rows);
    load("places.csv", "latitude_deg,longitude_deg", fbk_place_upsert_rows);
    load("weather.csv", "temperature_celsius,precipitation_mm", fbk_weather_add_rows);
    disconnect();
}

/* -- what must be found ------------------------------------------------------------------------ */

START_TEST(events_are_stored_once_each)
{
    fbk_stats stats = FBK_STATS_INIT;
    fbk_import_report report = import_file("resent.ndjson");

    ck_assert_uint_eq(report.events_added, 0);
    ck_assert_uint_eq(report.events_already, (uint64_t)truth_int("repeated"));
    tk_assert_ok(db, fbk_stats_read(db, FBK_TIME_NONE, NULL, &stats));
    ck_assert_uint_eq(stats.n_events, (uint64_t)truth_int("events"));
    ck_assert_uint_eq(stats.n_lines, (uint64_t)truth_int("lines"));
    ck_assert_uint_eq(stats.n_test_events, (uint64_t)truth_int("test_sales"));
    ck_assert_uint_eq(stats.n_customers, CUSTOMERS);
    ck_assert_uint_eq(stats.n_invoices, (uint64_t)(truth_int("sales") + truth_int("returns") -
                                                   truth_int("test_sales")));
    ck_assert_uint_eq(stats.n_conflicts, 0);
}
END_TEST

START_TEST(people_are_those_whom_the_events_show)
{
    enum { GROUPS_MAX = 200000 };
    static char group[64];
    static uint64_t of_profile[GROUPS_MAX]; /* group by profile, 0 = none yet */
    table t = table_open("truth_identities.csv");
    uint64_t profile = 0;
    uint64_t n_groups = 0;
    uint64_t n = 0;

    /* Identifiers of a group stand together in the file. */
    while (table_next(&t)) {
        fbk_identity_person who = FBK_IDENTITY_PERSON_INIT;
        bool same = strcmp(group, t.cells[0]) == 0;

        tk_assert_ok(db, fbk_identity_who(db, t.cells[1], t.cells[2], FBK_TIME_NONE, &who));
        ck_assert_uint_lt(who.profile, GROUPS_MAX);
        if (!same) {
            (void)snprintf(group, sizeof group, "%s", t.cells[0]);
            profile = who.profile;
            n_groups++;
            ck_assert_msg(of_profile[profile] == 0, "two people are one: %s", group);
            of_profile[profile] = n_groups;
        }
        ck_assert_msg(who.profile == profile, "one person is two: %s", group);
        ck_assert_int_eq((who.flags & FBK_IDENTITY_QUARANTINED) != 0, strcmp(group, "kiosk") == 0);
        n++;
    }
    free(t.text);
    ck_assert_uint_gt(n_groups, CUSTOMERS);
    ck_assert_uint_gt(n, n_groups);
}
END_TEST

/* Customers as the truth has them, for the likelihood. */
static size_t
truth_rows(fbk__clv_row *rows, size_t cap)
{
    table t = table_open("truth_people.csv");
    size_t n = 0;

    while (table_next(&t)) {
        int first[3];
        int last[3];
        double known = strtod(t.cells[9], NULL);

        if (strcmp(t.cells[3], "1") == 0)
            continue;
        ck_assert(n < cap);
        ck_assert_int_eq(sscanf(t.cells[7], "%d-%d-%d", &first[0], &first[1], &first[2]), 3);
        ck_assert_int_eq(sscanf(t.cells[8], "%d-%d-%d", &last[0], &last[1], &last[2]), 3);
        struct tm a = {.tm_year = first[0] - 1900, .tm_mon = first[1] - 1, .tm_mday = first[2]};
        struct tm b = {.tm_year = last[0] - 1900, .tm_mon = last[1] - 1, .tm_mday = last[2]};

        rows[n++] = (fbk__clv_row){.x = strtod(t.cells[10], NULL) - 1.0,
                                   .t_x = difftime(timegm(&b), timegm(&a)) / 86400.0,
                                   .t = known,
                                   .weight = 1.0};
    }
    free(t.text);
    return n;
}

START_TEST(the_buying_process_is_recovered)
{
    static fbk__clv_row rows[CUSTOMERS];
    const json_t *law = json_object_get(truth, "bgnbd");
    double at_truth[4] = {json_real_value(json_object_get(law, "r")),
                          json_number_value(json_object_get(law, "alpha_days")),
                          json_real_value(json_object_get(law, "a")),
                          json_real_value(json_object_get(law, "b"))};
    fbk_clv_report report = FBK_CLV_REPORT_INIT;
    fbk_clv_train_options options = FBK_CLV_TRAIN_OPTIONS_INIT;
    size_t n = truth_rows(rows, CUSTOMERS);

    options.flags = FBK_CLV_NO_HOLDOUT;
    tk_assert_ok(db, fbk_clv_train(db, end_us, &options, &report));
    ck_assert_int_eq(report.status, FBK_CLV_FULL);
    ck_assert_uint_eq(report.n_customers, n);
    double fit[4] = {report.r, report.alpha_days, report.a, report.b};
    double ll_fit = fbk__clv_bgnbd_loglik(fit, rows, n, NULL);
    double ll_truth = fbk__clv_bgnbd_loglik(at_truth, rows, n, NULL);

    /* The store gave the fit exactly the customers that the truth has. */
    ck_assert_double_eq_tol(report.loglik, ll_fit, 1e-6 * fabs(ll_fit));
    /* The truth is in the confidence region of the fit: chi-squared of 4, 999 in 1000. */
    ck_assert_double_ge(ll_fit, ll_truth - 1e-6);
    ck_assert_msg(2.0 * (ll_fit - ll_truth) < 18.47, "r %g alpha %g a %g b %g, 2 x LL %g", fit[0],
                  fit[1], fit[2], fit[3], 2.0 * (ll_fit - ll_truth));
    ck_assert_double_eq_tol(fit[0] / fit[1], at_truth[0] / at_truth[1],
                            .06 * at_truth[0] / at_truth[1]);
    ck_assert_double_eq_tol(fit[2] / (fit[2] + fit[3]), .25, .03);
    /* What came back (three lines in a hundred, whole or in part) is off the value of the orders,
     * which makes them vary more than they were drawn and a little smaller. */
    ck_assert_msg(report.spend_p > 4.0 && report.spend_p < 6.6, "p %g", report.spend_p);
    ck_assert_msg(report.spend_q > 3.4 && report.spend_q < 4.6, "q %g", report.spend_q);
    double mean = report.spend_p * report.spend_gamma / (report.spend_q - 1.0);

    ck_assert_msg(mean > 28.0 && mean < 31.0, "mean order %g", mean);
}
END_TEST

START_TEST(complements_come_first)
{
    table t = table_open("truth_items.csv");
    int n_pairs = 0;
    int n_first = 0;

    tk_assert_ok(db, fbk_copurchase_train(db, end_us, NULL, NULL));
    while (table_next(&t)) {
        struct ArrowArrayStream stream = {0};
        fbk_copurchase_query query = FBK_COPURCHASE_QUERY_INIT;
        fbk_arrow_rows rows;
        int64_t len;

        if (!*t.cells[6] || strtol(t.cells[2], NULL, 10) < 50)
            continue;
        query.order_by = FBK_COPURCHASE_BY_LLR;
        query.n = 1;
        tk_assert_ok(db, fbk_copurchase_for_item(db, t.cells[0], &query, &stream));
        ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
        ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_OK);
        const char *item = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "item"), &len);

        n_first += (size_t)len == strlen(t.cells[6]) && memcmp(item, t.cells[6], (size_t)len) == 0;
        /* And what was counted is what was planted. */
        int64_t both = fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "orders"));

        ck_assert_int_eq(both, strtol(t.cells[8], NULL, 10));
        n_pairs++;
        fbk_arrow_rows_close(&rows);
    }
    free(t.text);
    ck_assert_int_ge(n_pairs, 10);
    ck_assert_int_eq(n_first, n_pairs);
}
END_TEST

/* Truth of an item: log-rates by temperature and by wetness. */
static void
truth_item(const char *sku, size_t len, double *out_warmer, double *out_wet)
{
    table t = table_open("truth_items.csv");

    *out_warmer = *out_wet = NAN;
    while (table_next(&t))
        if (strlen(t.cells[0]) == len && memcmp(t.cells[0], sku, len) == 0) {
            *out_warmer = strtod(t.cells[3], NULL);
            *out_wet = strtod(t.cells[4], NULL);
        }
    free(t.text);
    ck_assert(!isnan(*out_warmer));
}

START_TEST(weather_items_are_found_and_no_others)
{
    fbk_climate_summary summary = {.struct_size = (uint32_t)sizeof summary};
    struct ArrowArrayStream stream = {0};
    fbk_arrow_rows rows;
    int found = 0;
    int false_alarms = 0;
    int64_t at[3];

    tk_assert_ok(db, fbk_climate_train(db, end_us, NULL, &summary));
    ck_assert_uint_eq(summary.n_stations, 5);
    ck_assert_uint_eq(summary.n_provisional, 0);
    tk_assert_ok(db, fbk_climate_responses(db, &stream));
    ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
    at[0] = fbk_arrow_rows_column(&rows, "sku");
    at[1] = fbk_arrow_rows_column(&rows, "warmer");
    at[2] = fbk_arrow_rows_column(&rows, "wet");
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        int64_t len;
        const char *sku = fbk_arrow_rows_text(&rows, at[0], &len);
        double got[2] = {fbk_arrow_rows_double(&rows, at[1]), fbk_arrow_rows_double(&rows, at[2])};
        double planted[2];
        bool hit = false;

        truth_item(sku, (size_t)len, &planted[0], &planted[1]);
        for (int k = 0; k < 2; k++) {
            if (planted[k] != 0.0 && got[k] != 0.0) {
                hit = true;
                ck_assert_msg(planted[k] * got[k] > 0.0, "%.*s: %g for %g", (int)len, sku, got[k],
                              planted[k]);
                ck_assert_double_eq_tol(got[k], planted[k], .3 + .2 * fabs(planted[k]));
            }
        }
        found += hit;
        false_alarms += !hit;
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_int_ge(found, 19);                             /* of 20 */
    ck_assert_int_le(false_alarms, (int)(.05 * (400 - 20))); /* one in twenty of the others */
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("simulated");
    TCase *tc = tcase_create("simulated");
    int rc;

    tcase_set_timeout(tc, 300);
    tcase_add_unchecked_fixture(tc, do_the_job, NULL); /* once; each test then opens the store */
    tcase_add_checked_fixture(tc, setup, disconnect);
    tcase_add_test(tc, events_are_stored_once_each);
    tcase_add_test(tc, people_are_those_whom_the_events_show);
    tcase_add_test(tc, the_buying_process_is_recovered);
    tcase_add_test(tc, complements_come_first);
    tcase_add_test(tc, weather_items_are_found_and_no_others);
    suite_add_tcase(suite, tc);
    rc = tk_run(suite);
    json_decref(truth);
    return rc;
}
