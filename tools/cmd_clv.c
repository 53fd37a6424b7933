/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>

/* feedback clv: what to expect of customers. */

static const char usage[] =
    "usage: feedback [--store FILE] clv [--as-of TIME] [--horizon DAYS] [--discount RATE]\n"
    "                [--limit N] [ID]\n"
    "\n"
    "Forecasts the orders and their value of every customer, or of the one with an ID\n"
    "(NAMESPACE=VALUE), by the model of feedback train.\n"
    "\n"
    "  --as-of TIME     forecast from here (default: just after the last event)\n"
    "  --horizon DAYS   days ahead, up to 100000 (default 365)\n"
    "  --discount RATE  interest a year on later money, .1 = ten per cent (default 0)\n"
    "  --limit N        rows at most\n";

static int
customer_print(fbk *db, const char *id, fbk_time as_of_us, const fbk_clv_predict_options *how)
{
    fbk_clv_customer c = FBK_CLV_CUSTOMER_INIT;
    char text[2][CLI_TEXT];
    uint64_t profile;
    int code = cli_person(db, id, &profile);
    fbk_status rc;

    if (code != CLI_OK)
        return code;
    rc = fbk_clv_customer_get(db, profile, as_of_us, how, &c);
    if (rc < 0)
        return cli_failed(db, rc);
    if (cli.json) {
        cli_json_begin();
        cli_json_int("profile", (int64_t)c.profile);
        cli_json_int("n_orders", (int64_t)c.n_orders);
        cli_json_int("revenue_micro", c.revenue_micro);
        if (c.status == FBK_CLV_FULL)
            cli_json_double("p_alive", c.p_alive);
        else
            cli_json_null("p_alive");
        cli_json_double("expected_orders", c.expected_orders);
        cli_json_int("order_value_micro", c.order_value_micro);
        cli_json_int("expected_value_micro", c.expected_value_micro);
        cli_json_end();
        return CLI_OK;
    }
    if (!c.n_orders) {
        (void)puts("no order yet: nothing to forecast from");
        return CLI_OK;
    }
    cli_fact("orders", "%s", cli_count(text[0], (int64_t)c.n_orders));
    cli_fact("first, last order", "%s, %s", cli_day(text[0], c.first_us),
             cli_day(text[1], c.last_us));
    cli_fact("revenue", "%s", cli_money(text[0], c.revenue_micro));
    if (c.status != FBK_CLV_FULL)
        cli_fact("P(alive)", "says nothing: %s",
                 c.status == FBK_CLV_NO_REPEAT ? "nobody has ordered on a second day"
                                               : "no dropout is identifiable in this store");
    else
        cli_fact("P(alive)", "%.3f%s", c.p_alive,
                 c.n_orders == 1 ? " (one order: alive by assumption)" : "");
    cli_fact("orders to expect", "%.2f", c.expected_orders);
    cli_fact("value of an order", "%s", cli_money(text[0], c.order_value_micro));
    cli_fact("value to expect", "%s", cli_money(text[0], c.expected_value_micro));
    return CLI_OK;
}

static int
clv_run(fbk *db, const fbk_clv_predict_options *how, const char *as_of, const char *id,
        int64_t limit)
{
    struct ArrowArrayStream stream = {0};
    fbk_time as_of_us;
    fbk_status rc;
    int code = cli_as_of(db, as_of, &as_of_us);

    if (code != CLI_OK)
        return code;
    if (id)
        return customer_print(db, id, as_of_us, how);
    cli_progress_begin("forecasting");
    rc = fbk_clv_predict(db, as_of_us, how, &stream);
    cli_progress_end();
    return rc < 0 ? cli_failed(db, rc) : cli_print_stream(&stream, limit, NULL);
}

int
cmd_clv(int argc, char **argv)
{
    static const struct option options[] = {
        {"as-of", required_argument, NULL, 'a'},    {"horizon", required_argument, NULL, 'H'},
        {"discount", required_argument, NULL, 'd'}, {"limit", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    fbk_clv_predict_options how = FBK_CLV_PREDICT_OPTIONS_INIT;
    const char *as_of = NULL;
    int64_t limit = 0;
    cli_session session;
    int code;

    how.progress = cli_progress;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'a':
            as_of = optarg;
            break;
        case 'H':
            if (!cli_double("--horizon", optarg, 1e-6, 1e5, &how.horizon_days))
                return CLI_USAGE;
            break;
        case 'd':
            if (!cli_double("--discount", optarg, 0.0, 10.0, &how.discount_yearly))
                return CLI_USAGE;
            break;
        case 'l':
            if (!cli_int("--limit", optarg, 1, INT64_MAX, &limit))
                return CLI_USAGE;
            break;
        default:
            return cli_usage(c, usage);
        }
    if (argc - optind > 1)
        return cli_usage('?', usage);
    code = cli_open(CLI_READ, &session);
    if (code != CLI_OK)
        return code;
    code = clv_run(session.db, &how, as_of, argv[optind], limit);
    cli_close(&session);
    return code;
}
