/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <string.h>
#include <time.h>

/* feedback train: learn all models, or some. */

static const char usage[] =
    "usage: feedback [--store FILE] train [--as-of TIME] [--evaluate] [--min-people N]\n"
    "                [--max-set N] [--set-support S] [MODEL…]\n"
    "       feedback [--store FILE] train --list\n"
    "\n"
    "Learns from the store's events the models named, or all of them: copurchase (what is bought\n"
    "together), rfm, clv (orders and value to expect), climate (what the weather does to sales).\n"
    "\n"
    "  --as-of TIME     events before it (default: all)\n"
    "  --evaluate       also measure the quality of copurchase on held-out orders\n"
    "  --min-people N   copurchase: people who must have bought a pair, to recommend it (default 3)\n"
    "  --max-set N      copurchase: count sets of up to N items, 2 to 12 (default 2)\n"
    "  --set-support S  copurchase: least share of orders with a set of three or more (default .001)\n"
    "  --list           list what was trained\n";

static double begun;

static double
seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
json_begin(const char *model)
{
    cli_json_begin();
    cli_json_text("model", model);
    cli_json_double("seconds", seconds() - begun);
}

static void
copurchase_report(const fbk_copurchase_report *r)
{
    char t[4][CLI_TEXT];

    if (cli.json) {
        json_begin("copurchase");
        cli_json_int("n_orders", (int64_t)r->n_orders);
        cli_json_int("n_people", (int64_t)r->n_people);
        cli_json_int("n_items", (int64_t)r->n_items);
        cli_json_int("n_pairs", (int64_t)r->n_pairs);
        cli_json_int("n_served", (int64_t)r->n_served);
        cli_json_int("n_sets", (int64_t)r->n_sets);
        cli_json_int("n_flagged", (int64_t)r->n_flagged);
        if (r->n_evaluated) {
            cli_json_double("hit_rate_prob", r->hit_rate_prob);
            cli_json_double("popular_rate_prob", r->popular_rate_prob);
        }
        cli_json_end();
        return;
    }
    (void)printf("copurchase  %s orders of %s people, %s items, %s pairs",
                 cli_count(t[0], (int64_t)r->n_orders), cli_count(t[1], (int64_t)r->n_people),
                 cli_count(t[2], (int64_t)r->n_items), cli_count(t[3], (int64_t)r->n_pairs));
    if (r->n_sets)
        (void)printf(", %s larger sets", cli_count(t[0], (int64_t)r->n_sets));
    if (r->n_evaluated)
        (void)printf("; of %s held-out orders %.1f %% completed (%.1f %% by what is popular)",
                     cli_count(t[0], (int64_t)r->n_evaluated), 100.0 * r->hit_rate_prob,
                     100.0 * r->popular_rate_prob);
    (void)printf(", %.1f s\n", seconds() - begun);
}

static fbk_status
copurchase_train(fbk *db, fbk_time as_of_us, const fbk_copurchase_options *given)
{
    fbk_copurchase_report report = {.struct_size = (uint32_t)sizeof report};
    fbk_status rc = fbk_copurchase_train(db, as_of_us, given, &report);

    if (rc >= 0)
        copurchase_report(&report);
    return rc;
}

static fbk_status
rfm_train(fbk *db, fbk_time as_of_us, const fbk_copurchase_options *given)
{
    fbk_rfm_options how = FBK_RFM_OPTIONS_INIT;
    fbk_status rc;

    (void)given;
    how.progress = cli_progress;
    rc = fbk_rfm_train(db, as_of_us, &how);
    if (rc >= 0 && cli.json) {
        json_begin("rfm");
        cli_json_end();
    } else if (rc >= 0) {
        (void)printf("rfm         scores of all customers, %.1f s\n", seconds() - begun);
    }
    return rc;
}

static void
clv_json(const fbk_clv_report *r)
{
    static const char *const statuses[] = {"full", "no dropout identifiable",
                                           "nobody ordered twice"};

    json_begin("clv");
    cli_json_text("status", statuses[r->status <= FBK_CLV_NO_REPEAT ? r->status : 0]);
    cli_json_int("n_customers", (int64_t)r->n_customers);
    cli_json_int("n_repeats", (int64_t)r->n_repeats);
    cli_json_double("r", r->r);
    cli_json_double("alpha_days", r->alpha_days);
    cli_json_double("a", r->a);
    cli_json_double("b", r->b);
    cli_json_double("loglik", r->loglik);
    cli_json_double("loglik_nbd", r->loglik_nbd);
    cli_json_double("spend_p", r->spend_p);
    cli_json_double("spend_q", r->spend_q);
    cli_json_double("spend_gamma", r->spend_gamma);
    cli_json_double("holdout_days", r->holdout_days);
    cli_json_double("holdout_mae", r->holdout_mae);
    cli_json_double("holdout_naive", r->holdout_naive);
    cli_json_end();
}

static void
clv_print(const fbk_clv_report *r)
{
    char t[2][CLI_TEXT];

    (void)printf("clv         %s customers, %s repeat orders: ",
                 cli_count(t[0], (int64_t)r->n_customers), cli_count(t[1], (int64_t)r->n_repeats));
    if (r->status == FBK_CLV_FULL)
        (void)printf("BG/NBD r %.4f, alpha %.2f days, a %.4f, b %.4f", r->r, r->alpha_days, r->a,
                     r->b);
    else if (r->status == FBK_CLV_NO_DROPOUT)
        (void)printf(
            "no dropout identifiable, the NBD limit r %.4f, alpha %.2f days; P(alive) says "
            "nothing",
            r->r, r->alpha_days);
    else
        (void)printf("nobody ordered twice");
    if (r->holdout_days > 0.0)
        (void)printf("; error on %.0f held-out days %.3f orders a customer (naive %.3f)",
                     r->holdout_days, r->holdout_mae, r->holdout_naive);
    (void)printf(", %.1f s\n", seconds() - begun);
}

static fbk_status
clv_train(fbk *db, fbk_time as_of_us, const fbk_copurchase_options *given)
{
    fbk_clv_train_options how = FBK_CLV_TRAIN_OPTIONS_INIT;
    fbk_clv_report report = FBK_CLV_REPORT_INIT;
    fbk_status rc;

    (void)given;
    how.progress = cli_progress;
    rc = fbk_clv_train(db, as_of_us, &how, &report);
    if (rc >= 0 && cli.json)
        clv_json(&report);
    else if (rc >= 0)
        clv_print(&report);
    return rc;
}

static fbk_status
climate_train(fbk *db, fbk_time as_of_us, const fbk_copurchase_options *given)
{
    fbk_climate_options how = FBK_CLIMATE_OPTIONS_INIT;
    fbk_climate_summary s = {.struct_size = (uint32_t)sizeof s};
    char t[4][CLI_TEXT];
    fbk_status rc;

    (void)given;
    how.progress = cli_progress;
    rc = fbk_climate_train(db, as_of_us, &how, &s);
    if (rc < 0)
        return rc;
    if (cli.json) {
        json_begin("climate");
        cli_json_int("n_stations", s.n_stations);
        cli_json_int("n_provisional", s.n_provisional);
        cli_json_int("n_days", (int64_t)s.n_days);
        cli_json_int("n_items", s.n_items);
        cli_json_int("n_fitted", s.n_fitted);
        cli_json_int("n_responding", s.n_responding);
        cli_json_end();
        return rc;
    }
    (void)printf(
        "climate     normals of %s%s; of %s items %s were sold often enough, %s respond to "
        "the weather, %.1f s\n",
        cli_counted(t[0], s.n_stations, "station", "stations"),
        s.n_provisional ? " (provisional: under three years of observations)" : "",
        cli_count(t[1], s.n_items), cli_count(t[2], s.n_fitted), cli_count(t[3], s.n_responding),
        seconds() - begun);
    return rc;
}

static const struct model {
    const char *name;
    fbk_status (*train)(fbk *db, fbk_time as_of_us, const fbk_copurchase_options *given);
} models[] = {
    {"copurchase", copurchase_train},
    {"rfm", rfm_train},
    {"clv", clv_train},
    {"climate", climate_train},
};

enum { N_MODELS = sizeof models / sizeof models[0] };

/* One model. Asked for all, one that has nothing to learn from is no failure. */
static int
train_one(fbk *db, const struct model *model, fbk_time as_of_us,
          const fbk_copurchase_options *given, bool asked)
{
    fbk_status rc;

    begun = seconds();
    cli_progress_begin(model->name);
    rc = model->train(db, as_of_us, given);
    cli_progress_end();
    if (rc == FBK_ENODATA && !asked) {
        cli_note("%s was not trained: %s", model->name, fbk_errmsg(db));
        return CLI_OK;
    }
    return rc < 0 ? cli_failed(db, rc) : CLI_OK;
}

static int
train_run(fbk *db, const char *as_of, char **names, int n, const fbk_copurchase_options *given)
{
    fbk_time as_of_us;
    int code = CLI_OK;

    for (int i = 0; i < n; i++) {
        size_t k = 0;

        while (k < N_MODELS && strcmp(models[k].name, names[i]) != 0)
            k++;
        if (k == N_MODELS) {
            cli_error("there is no model \"%.40s\": copurchase, rfm, clv, climate", names[i]);
            return CLI_USAGE;
        }
    }
    code = cli_as_of(db, as_of, &as_of_us);
    for (size_t k = 0; k < N_MODELS && code == CLI_OK; k++) {
        bool asked = false;

        for (int i = 0; i < n; i++)
            asked = asked || strcmp(models[k].name, names[i]) == 0;
        if (asked || n == 0)
            code = train_one(db, &models[k], as_of_us, given, asked);
    }
    return code;
}

static int
list(void)
{
    struct ArrowArrayStream stream = {0};
    cli_session session;
    fbk_status rc;
    int code = cli_open(CLI_READ, &session);

    if (code != CLI_OK)
        return code;
    rc = fbk_model_list(session.db, &stream);
    code = rc < 0 ? cli_failed(session.db, rc) : cli_print_stream(&stream, 0, NULL);
    cli_close(&session);
    return code;
}

/* -1 = go on; an exit code otherwise. */
static int
option_take(int c, fbk_copurchase_options *given, const char **as_of)
{
    int64_t number;

    switch (c) {
    case 'a':
        *as_of = optarg;
        return -1;
    case 'e':
        given->flags |= FBK_COPURCHASE_EVALUATE;
        return -1;
    case 'p':
        if (!cli_int("--min-people", optarg, 1, 1000000, &number))
            return CLI_USAGE;
        given->min_people = (uint32_t)number;
        return -1;
    case 'm':
        if (!cli_int("--max-set", optarg, 2, 12, &number))
            return CLI_USAGE;
        given->max_set = (uint32_t)number;
        return -1;
    case 's':
        return cli_double("--set-support", optarg, 1e-9, 1.0, &given->set_support) ? -1 : CLI_USAGE;
    default:
        return cli_usage(c, usage);
    }
}

int
cmd_train(int argc, char **argv)
{
    static const struct option options[] = {{"as-of", required_argument, NULL, 'a'},
                                            {"evaluate", no_argument, NULL, 'e'},
                                            {"min-people", required_argument, NULL, 'p'},
                                            {"max-set", required_argument, NULL, 'm'},
                                            {"set-support", required_argument, NULL, 's'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    fbk_copurchase_options given = FBK_COPURCHASE_OPTIONS_INIT;
    const char *as_of = NULL;
    cli_session session;
    int code;

    given.progress = cli_progress;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'l')
            return argc == 2 ? list() : cli_usage('?', usage);
        code = option_take(c, &given, &as_of);
        if (code >= 0)
            return code;
    }
    code = cli_open(CLI_WRITE, &session);
    if (code != CLI_OK)
        return code;
    code = train_run(session.db, as_of, argv + optind, argc - optind, &given);
    cli_close(&session);
    return code;
}
