/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <getopt.h>
#include <string.h>

#include "cli_csv.h"

/* feedback catalogue: items and their stock. */

static const char usage[] =
    "usage: feedback [--store FILE] catalogue load [--column NAME=HEADER]… FILE.csv\n"
    "       feedback [--store FILE] catalogue stock [--column NAME=HEADER]… FILE.csv\n"
    "       feedback [--store FILE] catalogue list\n"
    "       feedback [--store FILE] catalogue show SKU\n"
    "\n"
    "load adds or changes items; its columns: sku (required), name, parent, category (a/b/c), brand,\n"
    "successor, price, cost, discontinued (0 or 1), attribute.KEY. An empty field changes nothing.\n"
    "stock says how much there is; its columns, all required: sku, place, quantity, as_of (a time).\n"
    "\n"
    "  --column NAME=HEADER  the file calls the column NAME so\n";

static const cli_csv_column item_columns[] = {
    {"sku", FBK_ARROW_TEXT, true, false, NULL},
    {"name", FBK_ARROW_TEXT, false, false, NULL},
    {"parent", FBK_ARROW_TEXT, false, false, NULL},
    {"category", FBK_ARROW_TEXT, false, false, NULL},
    {"brand", FBK_ARROW_TEXT, false, false, NULL},
    {"successor", FBK_ARROW_TEXT, false, false, NULL},
    {"price", FBK_ARROW_DOUBLE, false, false, NULL},
    {"cost", FBK_ARROW_DOUBLE, false, false, NULL},
    {"price_micro", FBK_ARROW_INT64, false, false, NULL},
    {"cost_micro", FBK_ARROW_INT64, false, false, NULL},
    {"discontinued", FBK_ARROW_INT64, false, false, NULL},
    {"attribute.", FBK_ARROW_TEXT, false, true, NULL},
    {0},
};

static const cli_csv_column stock_columns[] = {
    {"sku", FBK_ARROW_TEXT, true, false, NULL},
    {"place", FBK_ARROW_TEXT, true, false, NULL},
    {"quantity", FBK_ARROW_DOUBLE, true, false, NULL},
    {"as_of", FBK_ARROW_TIME, true, false, cli_csv_time},
    {0},
};

static int
list(void)
{
    struct ArrowArrayStream stream = {0};
    cli_session session;
    fbk_status rc;
    int code = cli_open(CLI_READ, &session);

    if (code != CLI_OK)
        return code;
    rc = fbk_item_list(session.db, &stream);
    code = rc < 0 ? cli_failed(session.db, rc) : cli_print_stream(&stream, 0, NULL);
    cli_close(&session);
    return code;
}

static void
text_show(const char *name, const char *key, const char *value)
{
    if (cli.json)
        cli_json_text(key, *value ? value : NULL);
    else if (*value)
        cli_fact(name, "%s", value);
}

static void
money_show(const char *name, const char *key, bool has, int64_t micro)
{
    char text[CLI_TEXT];

    if (cli.json && has)
        cli_json_int(key, micro);
    else if (cli.json)
        cli_json_null(key);
    else if (has)
        cli_fact(name, "%s", cli_money(text, micro));
}

static int
show(const char *sku)
{
    fbk_item_info item = {.struct_size = (uint32_t)sizeof item};
    struct ArrowArrayStream stream = {0};
    cli_session session;
    fbk_status rc;
    int code = cli_open(CLI_READ, &session);

    if (code != CLI_OK)
        return code;
    rc = fbk_item_get(session.db, sku, &item);
    if (rc >= 0)
        rc = fbk_item_attributes(session.db, sku, &stream);
    if (rc < 0) {
        code = cli_failed(session.db, rc);
    } else {
        if (cli.json)
            cli_json_begin();
        text_show("sku", "sku", item.sku);
        text_show("name", "name", item.name);
        text_show("style", "parent", item.parent);
        text_show("category", "category", item.category);
        text_show("brand", "brand", item.brand);
        text_show("replaced by", "successor", item.successor);
        money_show("price", "price_micro", item.flags & FBK_ITEM_HAS_PRICE, item.price_micro);
        money_show("cost", "cost_micro", item.flags & FBK_ITEM_HAS_COST, item.cost_micro);
        if (cli.json) {
            cli_json_bool("discontinued", item.flags & FBK_ITEM_DISCONTINUED);
            cli_json_bool("described", item.flags & FBK_ITEM_DESCRIBED);
            cli_json_end();
        } else if (item.flags & FBK_ITEM_DISCONTINUED) {
            cli_fact("discontinued", "yes");
        }
        cli_heading("Attributes");
        code = cli_print_stream(&stream, 0, NULL);
    }
    cli_close(&session);
    return code;
}

int
cmd_catalogue(int argc, char **argv)
{
    static const struct option options[] = {{"column", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    cli_load_options load = {
        .columns = item_columns, .call = fbk_item_upsert_rows, .one = "item", .many = "items"};
    const char *action;
    int n;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c != 'c')
            return cli_usage(c, usage);
        if (!cli_rename(&load, optarg))
            return CLI_USAGE;
    }
    n = argc - optind;
    action = n > 0 ? argv[optind] : "";
    if (n == 2 && strcmp(action, "load") == 0)
        return cli_load(&load, argv[optind + 1]);
    if (n == 2 && strcmp(action, "stock") == 0) {
        load.columns = stock_columns;
        load.call = fbk_stock_set_rows;
        load.one = "row of stock changed";
        load.many = "rows of stock changed";
        return cli_load(&load, argv[optind + 1]);
    }
    if (n == 2 && strcmp(action, "show") == 0)
        return show(argv[optind + 1]);
    if (n == 1 && strcmp(action, "list") == 0)
        return list();
    return cli_usage('?', usage);
}
