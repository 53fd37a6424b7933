/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>

/* feedback stats: what is in the store. */

static const char usage[] =
    "usage: feedback [--store FILE] stats [--as-of TIME]\n"
    "\n"
    "Counts and totals of the store's events, all of them and those of valid sales: lines of known\n"
    "customers with a quantity and a price above zero.\n"
    "\n"
    "  --as-of TIME  only events before it (a date or a time in the store's zone)\n";

/* Bytes written into segments and indices, by those that what came would have needed. */
static double
write_amplification(const fbk_stats *s)
{
    return (double)(s->sealed_bytes + s->merged_bytes) / (double)s->sealed_bytes;
}

static double
space_amplification(const fbk_stats *s)
{
    return (double)s->file_bytes / (double)s->live_bytes;
}

static void
stats_json(const cli_session *session, const fbk_stats *s)
{
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"events", s->n_events},
        {"lines", s->n_lines},
        {"test_events", s->n_test_events},
        {"invoices", s->n_invoices},
        {"invoice_lines", s->n_invoice_lines},
        {"customers", s->n_customers},
        {"people", s->n_people},
        {"items", s->n_items},
        {"foreign_lines", s->n_foreign_lines},
        {"valid_lines", s->n_valid_lines},
        {"valid_invoices", s->n_valid_invoices},
        {"valid_customers", s->n_valid_customers},
        {"identifiers", s->n_identifiers},
        {"links", s->n_links},
        {"conflicts", s->n_conflicts},
        {"erased", s->n_erased},
        {"segments", s->n_segments},
        {"runs", s->n_runs},
        {"live_bytes", s->live_bytes},
        {"dead_bytes", s->dead_bytes},
        {"sealed_bytes", s->sealed_bytes},
        {"merged_bytes", s->merged_bytes},
    };

    cli_json_begin();
    cli_json_text("store", cli.store);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        cli_json_int(counts[i].key, (int64_t)counts[i].value);
    cli_json_int("total_micro", s->total_micro);
    cli_json_int("valid_micro", s->valid_micro);
    cli_json_text("currency", session->facts.currency);
    cli_json_text("time_zone", session->facts.time_zone);
    if (s->n_events) {
        cli_json_int("first_us", s->first_us);
        cli_json_int("last_us", s->last_us);
    } else {
        cli_json_null("first_us");
        cli_json_null("last_us");
    }
    cli_json_int("file_len", (int64_t)session->facts.file_len);
    if (s->sealed_bytes)
        cli_json_double("write_amplification", write_amplification(s));
    else
        cli_json_null("write_amplification");
    if (s->live_bytes)
        cli_json_double("space_amplification", space_amplification(s));
    else
        cli_json_null("space_amplification");
    cli_json_end();
}

static void
fact_count(const char *name, uint64_t value)
{
    char text[CLI_TEXT];

    cli_fact(name, "%18s", cli_count(text, (int64_t)value));
}

static void
fact_money(const char *name, int64_t micro, const char *currency)
{
    char text[CLI_TEXT];

    cli_fact(name, "%18s %s", cli_money(text, micro), currency);
}

static void
stats_print(const cli_session *session, const fbk_stats *s)
{
    char first[CLI_TEXT];
    char last[CLI_TEXT];

    cli_heading("%s", cli.store);
    fact_count("events", s->n_events);
    fact_count("lines", s->n_lines);
    fact_count("invoices", s->n_invoices);
    fact_count("customers", s->n_customers);
    fact_count("people seen by any identifier", s->n_people);
    fact_count("items", s->n_items);
    fact_money("total of all lines", s->total_micro, session->facts.currency);
    if (s->n_foreign_lines)
        fact_count("lines in other currencies", s->n_foreign_lines);
    if (s->n_test_events)
        fact_count("test events, left out", s->n_test_events);
    if (s->n_events)
        cli_fact("from, to", "%18s, %s", cli_time(first, s->first_us), cli_time(last, s->last_us));
    cli_heading("Valid sales (customer known, quantity > 0, price > 0)");
    fact_count("lines", s->n_valid_lines);
    fact_count("invoices", s->n_valid_invoices);
    fact_count("customers", s->n_valid_customers);
    fact_money("revenue", s->valid_micro, session->facts.currency);
    cli_heading("Identity and storage");
    fact_count("identifiers", s->n_identifiers);
    fact_count("links", s->n_links);
    if (s->n_conflicts)
        fact_count("events refused as conflicts", s->n_conflicts);
    if (s->n_erased)
        fact_count("events erased", s->n_erased);
    fact_count("bytes of the file", session->facts.file_len);
    fact_count("segments of sealed events", s->n_segments);
    if (s->sealed_bytes)
        cli_fact("write amplification", "%18.2f", write_amplification(s));
    if (s->live_bytes)
        cli_fact("space amplification", "%18.2f", space_amplification(s));
    cli_heading("By kind");
}

int
cmd_stats(int argc, char **argv)
{
    static const struct option options[] = {{"as-of", required_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    fbk_stats_options how = FBK_STATS_OPTIONS_INIT;
    struct ArrowArrayStream kinds = {0};
    fbk_stats stats = FBK_STATS_INIT;
    fbk_time as_of_us = FBK_TIME_NONE;
    const char *as_of = NULL;
    cli_session session;
    fbk_status rc;
    int code;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c != 'a')
            return cli_usage(c, usage);
        as_of = optarg;
    }
    if (optind != argc)
        return cli_usage('?', usage);
    code = cli_open(CLI_READ, &session);
    if (code != CLI_OK)
        return code;
    if (as_of && !cli_instant("--as-of", as_of, &as_of_us)) {
        cli_close(&session);
        return CLI_USAGE;
    }
    how.progress = cli_progress;
    cli_progress_begin("counting");
    rc = fbk_stats_read(session.db, as_of_us, &how, &stats);
    if (rc >= 0)
        rc = fbk_stats_kinds(session.db, as_of_us, &how, &kinds);
    cli_progress_end();
    if (rc < 0) {
        code = cli_failed(session.db, rc);
    } else if (cli.json) {
        stats_json(&session, &stats);
        code = cli_print_stream(&kinds, 0, NULL);
    } else {
        stats_print(&session, &stats);
        code = cli_print_stream(&kinds, 0, NULL);
    }
    cli_close(&session);
    return code;
}
