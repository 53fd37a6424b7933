/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli_weather.h"

/* feedback recommend: what to offer now; and the counts behind it. */

static const char usage[] =
    "usage: feedback [--store FILE] recommend [--for ID] [--item SKU] [--place "
    "CODE] [--n N]\n"
    "                [--as-of TIME] [--exclude SKU]… [--new-only] "
    "[--ignore-stock] [--no-weather]\n"
    "                [--condition WORD] [--temperature C] [--precipitation MM] "
    "[SKU…]\n"
    "       feedback [--store FILE] recommend --pairs SKU [--by MEASURE] [--n "
    "N]\n"
    "       feedback [--store FILE] recommend --rules [--support S] "
    "[--confidence C] [--n N]\n"
    "\n"
    "Recommends items for a basket of SKUs, the page of an item, a person, a "
    "place, each with the\n"
    "reason; or lists what is bought together with an item, or association "
    "rules.\n"
    "\n"
    "  --for ID            a person: NAMESPACE=VALUE, or the number of a "
    "profile\n"
    "  --item SKU          the page that is looked at\n"
    "  --place CODE        its stock, its weather, what sells there\n"
    "  --n N               rows at most, up to 1000 (default 10); of --pairs "
    "and --rules any number\n"
    "  --as-of TIME        now (default: just after the last event)\n"
    "  --exclude SKU       never recommend it\n"
    "  --new-only          leave out what the person bought before\n"
    "  --ignore-stock      also what is out of stock\n"
    "  --no-weather        as if the weather were not known\n" CLI_WEATHER_USAGE
    "  --pairs SKU         what is bought together with an item\n"
    "  --by MEASURE        in the order of score, confidence, lift, llr or "
    "orders (default score)\n"
    "  --rules             association rules (feedback train --max-set for "
    "more than pairs)\n"
    "  --support S         least share of orders (default .001)\n"
    "  --confidence C      least confidence (default .5)\n";

enum { EXCLUDES = 1000 };

typedef struct request {
    fbk_recommend_request what;
    cli_weather weather;
    const char *person, *as_of, *pairs;
    const char *exclude[EXCLUDES];
    uint32_t order_by;
    bool rules;
    fbk_copurchase_rules_options rule;
    int64_t n;
} request;

static bool
measure_take(const char *text, uint32_t *out)
{
    static const char *const names[] = {"score", "confidence", "lift", "llr", "orders"};

    for (uint32_t i = 0; i < 5; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return true;
        }
    cli_error("--by takes score, confidence, lift, llr or orders, not \"%.40s\"", text);
    return false;
}

static bool
exclude_take(request *r, const char *sku)
{
    if (r->what.n_exclude == EXCLUDES) {
        cli_error("--exclude can be given %d times", EXCLUDES);
        return false;
    }
    r->exclude[r->what.n_exclude++] = sku;
    return true;
}

/* CLI_OK, or an exit code. */
static int
option_take(int c, request *r)
{
    switch (c) {
    case 'f':
        r->person = optarg;
        return CLI_OK;
    case 'i':
        r->what.item = optarg;
        return CLI_OK;
    case 'p':
        r->what.place = optarg;
        return CLI_OK;
    case 'n':
        return cli_int("--n", optarg, 1, 1000000, &r->n) ? CLI_OK : CLI_USAGE;
    case 'a':
        r->as_of = optarg;
        return CLI_OK;
    case 'x':
        return exclude_take(r, optarg) ? CLI_OK : CLI_USAGE;
    case 'N':
    case 'S':
    case 'W':
        r->what.flags |= c == 'N'   ? FBK_RECOMMEND_NEW_ONLY
                         : c == 'S' ? FBK_RECOMMEND_IGNORE_STOCK
                                    : FBK_RECOMMEND_NO_WEATHER;
        return CLI_OK;
    case 'q':
        r->pairs = optarg;
        return CLI_OK;
    case 'b':
        return measure_take(optarg, &r->order_by) ? CLI_OK : CLI_USAGE;
    case 'r':
        r->rules = true;
        return CLI_OK;
    case 's':
        return cli_double("--support", optarg, 1e-9, 1.0, &r->rule.min_support) ? CLI_OK
                                                                                : CLI_USAGE;
    case 'c':
        return cli_double("--confidence", optarg, 1e-9, 1.0, &r->rule.min_confidence) ? CLI_OK
                                                                                      : CLI_USAGE;
    default:
        return cli_usage(c, usage);
    }
}

/* The unknown is no failure, the answer is then for anybody; but a slip of the pen should show. */
static void
unknown_say(fbk *db, const request *r)
{
    fbk_item_info item = {.struct_size = (uint32_t)sizeof item};
    fbk_identity_person who = FBK_IDENTITY_PERSON_INIT;

    for (uint32_t i = 0; i < r->what.n_basket; i++)
        if (fbk_item_get(db, r->what.basket[i], &item) == FBK_ENOTFOUND)
            cli_note("the store knows no item \"%.60s\" of the basket", r->what.basket[i]);
    if (r->what.item && fbk_item_get(db, r->what.item, &item) == FBK_ENOTFOUND)
        cli_note("the store knows no item \"%.60s\"", r->what.item);
    if (r->what.space &&
        fbk_identity_who(db, r->what.space, r->what.value, FBK_TIME_NONE, &who) < 0)
        cli_note("the store knows nobody by this identifier: the answer is for anybody");
}

static int
recommend(fbk *db, request *r)
{
    struct ArrowArrayStream stream = {0};
    char *space = NULL;
    char *value = NULL;
    fbk_status rc;
    int code = cli_as_of(db, r->as_of, &r->what.as_of_us);

    if (code != CLI_OK)
        return code;
    if (r->person) {
        code = cli_person_identifier(db, r->person, &space, &value);
        if (code != CLI_OK)
            return code;
        r->what.space = space;
        r->what.value = value;
    }
    r->what.exclude = r->exclude;
    r->what.n = (uint32_t)r->n;
    if (r->weather.given)
        r->what.weather = &r->weather.weather;
    rc = fbk_recommend_rows(db, &r->what, &stream);
    if (rc >= 0)
        unknown_say(db, r);
    code = rc < 0 ? cli_failed(db, rc) : cli_print_stream(&stream, 0, NULL);
    free(space);
    free(value);
    return code;
}

static int
answer(fbk *db, request *r)
{
    struct ArrowArrayStream stream = {0};
    fbk_copurchase_query query = FBK_COPURCHASE_QUERY_INIT;
    fbk_status rc;

    if (r->rules) {
        rc = fbk_copurchase_rules(db, &r->rule, &stream);
    } else if (r->pairs) {
        query.order_by = r->order_by;
        query.n = (uint32_t)r->n;
        rc = fbk_copurchase_for_item(db, r->pairs, &query, &stream);
    } else {
        return recommend(db, r);
    }
    return rc < 0 ? cli_failed(db, rc) : cli_print_stream(&stream, r->n, NULL);
}

int
cmd_recommend(int argc, char **argv)
{
    static const struct option options[] = {{"for", required_argument, NULL, 'f'},
                                            {"item", required_argument, NULL, 'i'},
                                            {"place", required_argument, NULL, 'p'},
                                            {"n", required_argument, NULL, 'n'},
                                            {"as-of", required_argument, NULL, 'a'},
                                            {"exclude", required_argument, NULL, 'x'},
                                            {"new-only", no_argument, NULL, 'N'},
                                            {"ignore-stock", no_argument, NULL, 'S'},
                                            {"no-weather", no_argument, NULL, 'W'},
                                            CLI_WEATHER_OPTIONS,
                                            {"pairs", required_argument, NULL, 'q'},
                                            {"by", required_argument, NULL, 'b'},
                                            {"rules", no_argument, NULL, 'r'},
                                            {"support", required_argument, NULL, 's'},
                                            {"confidence", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static request r = {.what = FBK_RECOMMEND_REQUEST_INIT,
                        .weather = CLI_WEATHER_INIT,
                        .rule = FBK_COPURCHASE_RULES_OPTIONS_INIT};
    cli_session session;
    int code;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        code = cli_weather_option(c, &r.weather);
        if (code < 0) {
            code = option_take(c, &r);
            if (c == 'h' || c == '?')
                return code;
        }
        if (code != CLI_OK)
            return code;
    }
    if (((r.pairs || r.rules) && optind != argc) || argc - optind > 1000)
        return cli_usage('?', usage);
    if (!r.pairs && !r.rules && r.n > 1000) {
        cli_error("--n takes a whole number from 1 to 1000");
        return CLI_USAGE;
    }
    r.what.basket = (const char *const *)(argv + optind);
    r.what.n_basket = (uint32_t)(argc - optind);
    code = cli_open(CLI_READ, &session);
    if (code != CLI_OK)
        return code;
    code = answer(session.db, &r);
    cli_close(&session);
    return code;
}
