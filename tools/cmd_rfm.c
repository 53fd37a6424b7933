/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* feedback rfm: recency, frequency, monetary. */

static const char usage[] =
    "usage: feedback [--store FILE] rfm [--as-of TIME] [--separate-orders] [--segments]\n"
    "                [--limit N] [ID]\n"
    "\n"
    "Scores every customer from 1 to 5 for recency, frequency and value, and names a segment; with\n"
    "an ID (NAMESPACE=VALUE), one customer against those whom feedback train saw.\n"
    "\n"
    "  --as-of TIME       events before it (default: just after the last event)\n"
    "  --separate-orders  orders of one day count one by one\n"
    "  --segments         the segments instead of the customers\n"
    "  --limit N          rows at most\n";

enum { SEGMENTS = 16 };

typedef struct segment {
    char name[32];
    int64_t customers, orders, micro;
    double days;
} segment;

typedef struct segments {
    segment rows[SEGMENTS];
    int n;
    int64_t customers, micro;
} segments;

static segment *
segment_find(segments *all, const char *name, int64_t len)
{
    int i = 0;

    while (i < all->n && (strlen(all->rows[i].name) != (size_t)len ||
                          strncmp(all->rows[i].name, name, (size_t)len) != 0))
        i++;
    if (i == SEGMENTS)
        return NULL;
    if (i == all->n)
        (void)snprintf(all->rows[all->n++].name, sizeof all->rows[0].name, "%.*s", (int)len, name);
    return &all->rows[i];
}

static int
segment_compare(const void *a, const void *b)
{
    const segment *x = a;
    const segment *y = b;

    return x->micro != y->micro ? (x->micro < y->micro) - (x->micro > y->micro)
                                : strcmp(x->name, y->name);
}

static fbk_status
segments_sum(struct ArrowArrayStream *stream, segments *all)
{
    fbk_arrow_rows rows;
    fbk_status rc = fbk_arrow_rows_open(&rows, stream);
    int64_t at[4];

    if (rc < 0)
        return rc;
    at[0] = fbk_arrow_rows_column(&rows, "segment");
    at[1] = fbk_arrow_rows_column(&rows, "recency_days");
    at[2] = fbk_arrow_rows_column(&rows, "frequency");
    at[3] = fbk_arrow_rows_column(&rows, "monetary_micro");
    while ((rc = fbk_arrow_rows_next(&rows)) == FBK_OK) {
        int64_t len;
        const char *name = fbk_arrow_rows_text(&rows, at[0], &len);
        segment *s = segment_find(all, name ? name : "", len);

        if (!s)
            continue;
        s->customers++;
        s->days += (double)fbk_arrow_rows_int64(&rows, at[1]);
        s->orders += fbk_arrow_rows_int64(&rows, at[2]);
        s->micro += fbk_arrow_rows_int64(&rows, at[3]);
        all->customers++;
        all->micro += fbk_arrow_rows_int64(&rows, at[3]);
    }
    fbk_arrow_rows_close(&rows);
    return rc;
}

static int
segments_print(struct ArrowArrayStream *stream)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    struct ArrowArrayStream table = {0};
    segments all = {0};
    int64_t c[7];

    if (segments_sum(stream, &all) < 0) {
        cli_error("the scores could not be read");
        return CLI_FAILURE;
    }
    qsort(all.rows, (size_t)all.n, sizeof all.rows[0], segment_compare);
    c[0] = fbk_arrow_builder_column(&b, "segment", FBK_ARROW_TEXT);
    c[1] = fbk_arrow_builder_column(&b, "customers", FBK_ARROW_INT64);
    c[2] = fbk_arrow_builder_column(&b, "customers_percent", FBK_ARROW_DOUBLE);
    c[3] = fbk_arrow_builder_column(&b, "recency_days", FBK_ARROW_DOUBLE);
    c[4] = fbk_arrow_builder_column(&b, "orders_each", FBK_ARROW_DOUBLE);
    c[5] = fbk_arrow_builder_column(&b, "revenue_micro", FBK_ARROW_INT64);
    c[6] = fbk_arrow_builder_column(&b, "revenue_percent", FBK_ARROW_DOUBLE);
    for (int i = 0; i < all.n; i++) {
        const segment *s = &all.rows[i];
        double n = (double)s->customers;

        fbk_arrow_add_text(&b, c[0], s->name, (int64_t)strlen(s->name));
        fbk_arrow_add_int64(&b, c[1], s->customers);
        fbk_arrow_add_double(&b, c[2], 100.0 * n / (double)all.customers);
        fbk_arrow_add_double(&b, c[3], s->days / n);
        fbk_arrow_add_double(&b, c[4], (double)s->orders / n);
        fbk_arrow_add_int64(&b, c[5], s->micro);
        fbk_arrow_add_double(&b, c[6],
                             all.micro ? 100.0 * (double)s->micro / (double)all.micro : 0.0);
    }
    if (fbk_arrow_builder_finish(&b, &table) < 0) {
        fbk_arrow_builder_free(&b);
        cli_error("out of memory");
        return CLI_FAILURE;
    }
    return cli_print_stream(&table, 0, NULL);
}

static int
customer_print(fbk *db, const char *id, fbk_time as_of_us)
{
    fbk_rfm_customer c = FBK_RFM_CUSTOMER_INIT;
    char text[CLI_TEXT];
    uint64_t profile;
    int code = cli_person(db, id, &profile);
    fbk_status rc;

    if (code != CLI_OK)
        return code;
    rc = fbk_rfm_customer_get(db, profile, as_of_us, &c);
    if (rc < 0)
        return cli_failed(db, rc);
    if (cli.json) {
        cli_json_begin();
        cli_json_int("profile", (int64_t)c.profile);
        cli_json_int("recency_days", c.recency_days);
        cli_json_int("frequency", (int64_t)c.frequency);
        cli_json_int("monetary_micro", c.monetary_micro);
        cli_json_int("r", c.r);
        cli_json_int("f", c.f);
        cli_json_int("m", c.m);
        cli_json_text("segment", c.segment);
        cli_json_end();
        return CLI_OK;
    }
    if (c.r == 0) {
        (void)printf("no order yet\n");
        return CLI_OK;
    }
    cli_fact("segment", "%s (%d, %d, %d)", c.segment, (int)c.r, (int)c.f, (int)c.m);
    cli_fact("days since the last order", "%s", cli_count(text, c.recency_days));
    cli_fact("orders", "%s", cli_count(text, (int64_t)c.frequency));
    cli_fact("revenue", "%s", cli_money(text, c.monetary_micro));
    return CLI_OK;
}

static int
rfm_run(fbk *db, const fbk_rfm_options *how, const char *as_of, const char *id, int64_t limit,
        bool by_segment)
{
    struct ArrowArrayStream stream = {0};
    fbk_time as_of_us;
    fbk_status rc;
    int code = cli_as_of(db, as_of, &as_of_us);

    if (code != CLI_OK)
        return code;
    if (id)
        return customer_print(db, id, as_of_us);
    cli_progress_begin("scoring");
    rc = fbk_rfm_score(db, as_of_us, how, &stream);
    cli_progress_end();
    if (rc < 0)
        return cli_failed(db, rc);
    return by_segment ? segments_print(&stream) : cli_print_stream(&stream, limit, NULL);
}

int
cmd_rfm(int argc, char **argv)
{
    static const struct option options[] = {
        {"as-of", required_argument, NULL, 'a'}, {"separate-orders", no_argument, NULL, 'o'},
        {"segments", no_argument, NULL, 's'},    {"limit", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
    fbk_rfm_options how = FBK_RFM_OPTIONS_INIT;
    const char *as_of = NULL;
    bool by_segment = false;
    int64_t limit = 0;
    cli_session session;
    int code;

    how.progress = cli_progress;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'a':
            as_of = optarg;
            break;
        case 'o':
            how.flags |= FBK_RFM_SEPARATE_ORDERS;
            break;
        case 's':
            by_segment = true;
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
    code = rfm_run(session.db, &how, as_of, argv[optind], limit, by_segment);
    cli_close(&session);
    return code;
}
