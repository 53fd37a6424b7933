/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/climate.h>
#include <feedback/store.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tk.h"

/* A simulated chain of shops, through the command line into a store: the planted responses to the
 * weather are found, at most 5 % of the other items are reported. */

enum { MAX_ITEMS = 1000 };

static struct {
    size_t n;
    char sku[MAX_ITEMS][16];
    double truth[MAX_ITEMS][2]; /* log rate: a standard deviation warmer, wet against dry */
    double found[MAX_ITEMS][2];
} items;

static void
feedback(const char *arguments)
{
    const char *build = getenv("FEEDBACK_BUILD_ROOT");
    char command[2048];
    int n;

    n = snprintf(command, sizeof command,
                 "cd '%s' && '%s/tools/feedback' --store s.db --progress never %s >>log 2>&1",
                 tk_tmpdir(), build ? build : "build", arguments);
    ck_assert(n > 0 && n < (int)sizeof command);
    ck_assert_msg(system(command) == 0, "%s", command);
}

static void
truth_load(void)
{
    size_t len;
    char *text = tk_slurp(tk_path("sim/truth_items.csv"), &len), *rest = text, *line;

    line = strsep(&rest, "\n");
    ck_assert_int_eq(strncmp(line, "item,role,orders,log_rate_per_sd_warmer,log_rate_wet,", 53), 0);
    while ((line = strsep(&rest, "\n"))) {
        char role[32];
        int orders;

        if (!line[0])
            continue;
        ck_assert_uint_lt(items.n, MAX_ITEMS);
        ck_assert_int_eq(sscanf(line, "%15[^,],%31[^,],%d,%lf,%lf", items.sku[items.n], role,
                                &orders, &items.truth[items.n][0], &items.truth[items.n][1]),
                         5);
        items.n++;
    }
    free(text);
}

static size_t
item_of(const char *sku, size_t len)
{
    for (size_t i = 0; i < items.n; i++) {
        if (strlen(items.sku[i]) == len && memcmp(items.sku[i], sku, len) == 0)
            return i;
    }
    ck_abort_msg("an item that was not simulated");
}

static void
responses_load(void)
{
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    struct ArrowArrayStream stream;
    fbk_store *store = NULL;
    fbk_arrow_rows rows;
    fbk *db = NULL;

    ck_assert_int_eq(fbk_store_open(tk_path("s.db"), NULL, &store, &info), FBK_OK);
    ck_assert_int_eq(fbk_connect(store, &db), FBK_OK);
    tk_assert_ok(db, fbk_climate_responses(db, &stream));
    tk_assert_ok(db, fbk_arrow_rows_open(&rows, &stream));
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        int64_t len;
        const char *sku = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "sku"), &len);
        size_t i = item_of(sku, (size_t)len);

        items.found[i][0] = fbk_arrow_rows_double(&rows, fbk_arrow_rows_column(&rows, "warmer"));
        items.found[i][1] = fbk_arrow_rows_double(&rows, fbk_arrow_rows_column(&rows, "wet"));
    }
    fbk_arrow_rows_close(&rows);
    fbk_close(db);
    fbk_store_close(store);
}

START_TEST(planted_responses_are_found)
{
    int planted = 0, found = 0, others = 0, wrong = 0;
    double error = 0.0;

    feedback("simulate --customers 3000 --days 730 --seed 1 --out sim");
    feedback("init");
    feedback("catalogue load sim/catalogue.csv");
    feedback("place load sim/places.csv");
    feedback("weather load sim/weather.csv");
    feedback("import --map sim/map.json sim/events.ndjson");
    feedback("train climate");
    truth_load();
    responses_load();
    for (size_t i = 0; i < items.n; i++) {
        bool planted_here = items.truth[i][0] != 0.0 || items.truth[i][1] != 0.0;

        others += !planted_here;
        wrong += !planted_here && (items.found[i][0] != 0.0 || items.found[i][1] != 0.0);
        for (size_t k = 0; k < 2; k++) {
            if (items.truth[i][k] == 0.0)
                continue;
            planted++;
            found += items.truth[i][k] * items.found[i][k] > 0.0;
            error += fabs(items.found[i][k] / items.truth[i][k] - 1.0);
        }
    }
    printf("%d of %d found, off by %.2f of themselves; %d of %d others reported\n", found, planted,
           error / planted, wrong, others);
    ck_assert_int_ge(planted, 20);
    ck_assert_int_ge(found, planted * 9 / 10);
    ck_assert_double_lt(error / planted, 0.35);
    ck_assert_int_le(wrong, others / 20);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("climate_truth");
    TCase *tc = tcase_create("climate_truth");

    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, planted_responses_are_found);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
