/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <stdlib.h>

/* feedback profile: the single view of one person. */

static const char usage[] =
    "usage: feedback [--store FILE] profile [--as-of TIME] [--horizon DAYS] "
    "[--actions N]\n"
    "                [--place CODE] ID\n"
    "\n"
    "All that is known of the person behind an identifier, NAMESPACE=VALUE, or "
    "the number of a\n"
    "profile.\n"
    "\n"
    "  --as-of TIME    events before it (default: just after the last event of "
    "the store)\n"
    "  --horizon DAYS  of the forecast (default 365)\n"
    "  --actions N     last actions, 1 to 10000 (default 20)\n"
    "  --place CODE    recommend for this place\n";

static void
forecast_print(const fbk_profile *p)
{
    char t[CLI_TEXT];

    if (p->flags & FBK_PROFILE_HAS_RFM && p->r > 0)
        cli_fact("segment", "%s (r %d, f %d, m %d)", p->segment, (int)p->r, (int)p->f, (int)p->m);
    if (!(p->flags & FBK_PROFILE_HAS_CLV))
        return;
    if (p->flags & FBK_PROFILE_ALIVE_VOID)
        cli_fact("P(alive)", "says nothing");
    else
        cli_fact("P(alive)", "%.3f", p->p_alive);
    if (*p->note)
        cli_fact("", "%s", p->note);
    cli_fact("to expect", "%.2f orders in %.0f days", p->expected_orders, p->horizon_days);
    cli_fact("", "worth %s %s", cli_money(t, p->expected_value_micro), p->currency);
}

static void
view_print(const fbk_profile *p)
{
    char t[2][CLI_TEXT];

    cli_heading("Profile %llu", (unsigned long long)p->profile);
    if (p->flags & FBK_PROFILE_QUARANTINED)
        cli_fact("note", "too many people share the identifier: it stands alone");
    if (p->flags & FBK_PROFILE_BLOCKED)
        cli_fact("note", "the identifier is blocked: it stands alone");
    cli_fact("first, last seen", "%s, %s", cli_time(t[0], p->first_us), cli_time(t[1], p->last_us));
    cli_fact("events", "%s", cli_count(t[0], (int64_t)p->n_events));
    cli_fact("orders", "%s", cli_count(t[0], (int64_t)p->n_orders));
    cli_fact("returns", "%s worth %s %s", cli_count(t[0], (int64_t)p->n_returns),
             cli_money(t[1], p->returned_micro), p->currency);
    cli_fact("revenue", "%s %s", cli_money(t[0], p->revenue_micro), p->currency);
    if (p->n_orders)
        cli_fact("days since the last order", "%s", cli_count(t[0], p->recency_days));
    forecast_print(p);
}

/* A table under a heading, unless the call says that there is nothing to give.
 */
static int
table_print(fbk *db, const char *heading, fbk_status rc, struct ArrowArrayStream *stream)
{
    if (rc == FBK_ENODATA || rc == FBK_ENOTFOUND)
        return CLI_OK;
    if (rc < 0)
        return cli_failed(db, rc);
    cli_heading("%s", heading);
    return cli_print_stream(stream, 0, NULL); /* a head alone says that there is nothing */
}

static int
person_print(fbk *db, const char *space, const char *value, fbk_time as_of_us,
             const fbk_profile_options *how)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    fbk_profile view = {.struct_size = (uint32_t)sizeof view};
    struct ArrowArrayStream stream = {0};
    fbk_status rc = fbk_profile_view(db, space, value, as_of_us, how, &view);
    int code;

    if (rc < 0)
        return cli_failed(db, rc);
    view_print(&view);
    rc = fbk_identity_list(db, view.profile, FBK_TIME_NONE, &stream);
    code = table_print(db, "Identifiers", rc, &stream);
    if (code == CLI_OK) {
        rc = fbk_profile_categories(db, space, value, as_of_us, how, &stream);
        code = table_print(db, "Favourite categories", rc, &stream);
    }
    if (code == CLI_OK) {
        rc = fbk_profile_actions(db, space, value, as_of_us, how, &stream);
        code = table_print(db, "Last actions", rc, &stream);
    }
    if (code == CLI_OK) {
        request.as_of_us = as_of_us;
        request.space = space;
        request.value = value;
        request.place = how->place;
        rc = fbk_recommend_rows(db, &request, &stream);
        code = rc == FBK_ENOTFOUND ? cli_failed(db, rc) /* the place */
                                   : table_print(db, "Recommendations", rc, &stream);
    }
    return code;
}

static int
person_json(fbk *db, const char *space, const char *value, fbk_time as_of_us,
            const fbk_profile_options *how)
{
    char *json = NULL;
    fbk_status rc = fbk_profile_json(db, space, value, as_of_us, how, &json);

    if (rc < 0)
        return cli_failed(db, rc);
    (void)puts(json);
    fbk_profile_json_free(db, json);
    return CLI_OK;
}

int
cmd_profile(int argc, char **argv)
{
    static const struct option options[] = {
        {"as-of", required_argument, NULL, 'a'},   {"horizon", required_argument, NULL, 'H'},
        {"actions", required_argument, NULL, 'n'}, {"place", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    fbk_profile_options how = FBK_PROFILE_OPTIONS_INIT;
    const char *as_of = NULL;
    char *value = NULL;
    char *space = NULL;
    cli_session session;
    fbk_time as_of_us;
    int64_t n;
    int code;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'a':
            as_of = optarg;
            break;
        case 'H':
            if (!cli_double("--horizon", optarg, 1e-6, 1e5, &how.horizon_days))
                return CLI_USAGE;
            break;
        case 'n':
            if (!cli_int("--actions", optarg, 1, 10000, &n))
                return CLI_USAGE;
            how.n_actions = (uint32_t)n;
            break;
        case 'p':
            how.place = optarg;
            break;
        default:
            return cli_usage(c, usage);
        }
    if (argc - optind != 1)
        return cli_usage('?', usage);
    code = cli_open(CLI_READ, &session);
    if (code == CLI_OK) {
        code = cli_as_of(session.db, as_of, &as_of_us);
        if (code == CLI_OK)
            code = cli_person_identifier(session.db, argv[optind], &space, &value);
        if (code == CLI_OK)
            code =
                (cli.json ? person_json : person_print)(session.db, space, value, as_of_us, &how);
        cli_close(&session);
    }
    free(space);
    free(value);
    return code;
}
