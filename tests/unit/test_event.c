/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/event.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/conn.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

static fbk_store *store;
static fbk *db;

static void
setup(void)
{
    store = tk_store_open(":memory:", NULL);
    db = tk_store_connect(store);
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
}

/* -- one event from a structure -------------------------------------------------------------- */

/* A valid event with one of everything, in arrays that a test may change. */
typedef struct sample {
    fbk_event event;
    const char *items[2];
    uint32_t line_kinds[2];
    int64_t quantity[2], price[2], discount[2], tax[2], amount[2];
    const char *namespaces[2], *values[2];
    const char *keys[2], *texts[2];
    uint32_t types[2];
    int64_t ints[2];
    double doubles[2];
} sample;

static sample s;

static void
sample_reset(void)
{
    const fbk_event none = FBK_EVENT_INIT;

    s = (sample){
        .event = none,
        .items = {"sku 1", ""},
        .line_kinds = {FBK_LINE_PRODUCT, FBK_LINE_SHIPPING},
        .quantity = {2000, 1000},
        .price = {2550000, 4950000},
        .amount = {FBK_AMOUNT_NONE, FBK_AMOUNT_NONE},
        .namespaces = {"customer", "email"},
        .values = {"17850", "Ann@Example.org"},
        .keys = {"screen", "depth"},
        .texts = {"front", NULL},
        .types = {FBK_PROP_TEXT, FBK_PROP_DOUBLE},
        .doubles = {0.0, 0.25},
    };
    s.event.event_id = "order-1";
    s.event.kind = FBK_KIND_SALE;
    s.event.source = "till 12";
    s.event.channel = "store";
    s.event.place = "london";
    s.event.order_ref = "4711";
    s.event.occurred_us = INT64_C(1291190760000000);
    s.event.received_us = INT64_C(1291190770000000);
    s.event.n_lines = 2;
    s.event.n_identifiers = 2;
    s.event.n_properties = 2;
    s.event.items = s.items;
    s.event.line_kinds = s.line_kinds;
    s.event.quantity_milli = s.quantity;
    s.event.unit_price_micro = s.price;
    s.event.discount_micro = s.discount;
    s.event.tax_micro = s.tax;
    s.event.amount_micro = s.amount;
    s.event.namespaces = s.namespaces;
    s.event.values = s.values;
    s.event.keys = s.keys;
    s.event.types = s.types;
    s.event.texts = s.texts;
    s.event.ints = s.ints;
    s.event.doubles = s.doubles;
}

/* The one stored event, copied out. */
typedef struct stored {
    fbk__event_view view;
    fbk__batch_line lines[4];
    uint32_t nodes[4];
    char props[256];
    unsigned n;
} stored;

static fbk_status
keep_event(void *user_data, const fbk__event_view *view)
{
    stored *st = user_data;
    size_t len = 0;

    st->n++;
    st->view = *view;
    ck_assert_uint_le(view->n_lines, 4);
    if (view->n_lines)
        memcpy(st->lines, view->lines, view->n_lines * sizeof *view->lines);
    if (view->n_nodes)
        memcpy(st->nodes, view->nodes, view->n_nodes * sizeof *view->nodes);
    st->props[0] = '\0';
    for (size_t i = 0; i < view->n_props; i++) {
        const fbk__batch_prop *p = &view->props[i];

        len += (size_t)snprintf(st->props + len, sizeof st->props - len,
                                "%s=", fbk__word_text(db, p->key));
        if (p->type == FBK_PROP_TEXT)
            len += (size_t)snprintf(st->props + len, sizeof st->props - len, "%.*s;",
                                    (int)p->value.text.len, view->text + p->value.text.at);
        else
            len += (size_t)snprintf(st->props + len, sizeof st->props - len, "%g;",
                                    p->type == FBK_PROP_DOUBLE ? p->value.d : (double)p->value.i);
    }
    return FBK_OK;
}

static stored
only_event(void)
{
    stored st = {.n = 0};

    tk_assert_ok(db, fbk__log_each(db, 0, keep_event, &st));
    ck_assert_uint_eq(st.n, 1);
    return st;
}

START_TEST(every_field_arrives)
{
    uint32_t outcome = 77;
    stored st;

    sample_reset();
    ck_assert_int_eq(fbk_event_append(db, &s.event, &outcome), FBK_OK);
    ck_assert_uint_eq(outcome, FBK_EVENT_ADDED);
    st = only_event();
    ck_assert_uint_eq(st.view.kind, FBK__EVENT_SALE);
    ck_assert_str_eq(fbk__word_text(db, st.view.source), "till 12");
    ck_assert_str_eq(fbk__word_text(db, st.view.channel), "store");
    ck_assert_uint_ne(st.view.place, 0);
    ck_assert_int_eq(st.view.occurred_us, s.event.occurred_us);
    ck_assert_int_eq(st.view.received_us, s.event.received_us);
    ck_assert_uint_eq(st.view.order_ref_len, 4);
    ck_assert_uint_eq(st.view.n_lines, 2);
    ck_assert_uint_eq(st.view.n_nodes, 2);
    ck_assert_uint_ne(st.lines[0].item, 0);
    ck_assert_uint_eq(st.lines[1].item, 0);
    ck_assert_int_eq(st.lines[0].amount_micro, 5100000);
    ck_assert_int_eq(st.lines[1].amount_micro, 4950000);
    ck_assert_str_eq(st.props, "depth=0.25;screen=front;");
}
END_TEST

START_TEST(a_minimal_event_is_enough)
{
    const fbk_event none = FBK_EVENT_INIT;
    fbk_event e = none;
    stored st;

    e.event_id = "x";
    e.kind = "tasting";
    e.source = "kiosk";
    tk_assert_ok(db, fbk_event_append(db, &e, NULL));
    st = only_event();
    ck_assert_uint_eq(st.view.node, 0);
    ck_assert_uint_eq(st.view.n_lines + st.view.n_nodes + st.view.n_props, 0);
    ck_assert_int_gt(st.view.received_us, INT64_C(1700000000000000)); /* now */
}
END_TEST

START_TEST(outcomes)
{
    uint32_t outcome = 77;

    sample_reset();
    tk_assert_ok(db, fbk_event_append(db, &s.event, &outcome));
    s.event.received_us = 5;  /* no content */
    s.event.currency = "EUR"; /* the store's */
    s.keys[0] = "depth";      /* the order of properties is none either */
    s.types[0] = FBK_PROP_DOUBLE;
    s.doubles[0] = 0.25;
    s.keys[1] = "screen";
    s.types[1] = FBK_PROP_TEXT;
    s.texts[1] = "front";
    s.values[1] = " ann@example.org "; /* the same address */
    ck_assert_int_eq(fbk_event_append(db, &s.event, &outcome), FBK_DONE);
    ck_assert_uint_eq(outcome, FBK_EVENT_ALREADY);
    s.quantity[0] = 3000;
    tk_assert_fails(db, FBK_ECONFLICT, fbk_event_append(db, &s.event, &outcome));
    ck_assert_uint_eq(outcome, FBK_EVENT_CONFLICT);
    outcome = 77;
    s.event.event_id = NULL;
    tk_assert_fails(db, FBK_ERANGE, fbk_event_append(db, &s.event, &outcome));
    ck_assert_uint_eq(outcome, 77);
    ck_assert_uint_eq(only_event().view.n_lines, 2);
}
END_TEST

/* -- limits ---------------------------------------------------------------------------------- */

enum { LIMIT_TEXT, LIMIT_NUMBER, LIMIT_COUNT };

typedef struct limit {
    const char *field;
    int what;
    size_t offset; /* of the field in `sample` */
    int64_t low;   /* least and greatest that are taken */
    int64_t high;
} limit;

#define LIMIT_FIELD(member) offsetof(sample, member)

static const limit limits[] = {
    {"event_id", LIMIT_TEXT, LIMIT_FIELD(event.event_id), 1, 255},
    {"kind", LIMIT_TEXT, LIMIT_FIELD(event.kind), 1, 64},
    {"source", LIMIT_TEXT, LIMIT_FIELD(event.source), 1, 255},
    {"channel", LIMIT_TEXT, LIMIT_FIELD(event.channel), 0, 64},
    {"place", LIMIT_TEXT, LIMIT_FIELD(event.place), 0, 63},
    {"order_ref", LIMIT_TEXT, LIMIT_FIELD(event.order_ref), 0, 255},
    {"item", LIMIT_TEXT, LIMIT_FIELD(items[0]), 1, 255},
    {"namespace", LIMIT_TEXT, LIMIT_FIELD(namespaces[0]), 1, 64},
    {"identifier", LIMIT_TEXT, LIMIT_FIELD(values[0]), 0, 255},
    {"property key", LIMIT_TEXT, LIMIT_FIELD(keys[0]), 1, 64},
    {"screen", LIMIT_TEXT, LIMIT_FIELD(texts[0]), 0, 65535},
    {"occurred_us", LIMIT_NUMBER, LIMIT_FIELD(event.occurred_us), FBK_TIME_MIN, FBK_TIME_MAX},
    {"received_us", LIMIT_NUMBER, LIMIT_FIELD(event.received_us), FBK_TIME_MIN, FBK_TIME_MAX},
    {"quantity_milli", LIMIT_NUMBER, LIMIT_FIELD(quantity[1]), -FBK_QUANTITY_MAX_MILLI,
     FBK_QUANTITY_MAX_MILLI},
    {"unit_price_micro", LIMIT_NUMBER, LIMIT_FIELD(price[1]), -FBK_MONEY_MAX_MICRO,
     FBK_MONEY_MAX_MICRO},
    {"discount_micro", LIMIT_NUMBER, LIMIT_FIELD(discount[1]), -FBK_MONEY_MAX_MICRO,
     FBK_MONEY_MAX_MICRO},
    {"tax_micro", LIMIT_NUMBER, LIMIT_FIELD(tax[1]), -FBK_MONEY_MAX_MICRO, FBK_MONEY_MAX_MICRO},
    {"amount_micro", LIMIT_NUMBER, LIMIT_FIELD(amount[1]), -FBK_MONEY_MAX_MICRO,
     FBK_MONEY_MAX_MICRO},
};

static fbk_status
try_limit(const limit *l, int64_t value)
{
    static char text[70000];
    void *field = (char *)&s + l->offset;

    sample_reset();
    s.amount[1] = 5; /* so that a large price is not refused for its product */
    if (l->what == LIMIT_TEXT) {
        const char *p = text;

        memset(text, 'a', sizeof text);
        text[value] = '\0';
        memcpy(field, &p, sizeof p);
    } else {
        memcpy(field, &value, sizeof value);
    }
    return fbk_event_append(db, &s.event, NULL);
}

/* The numbers of items and words are kept in memory: not those of a transaction that was taken
 * back, and not past what another process writes. */
START_TEST(names_are_forgotten_with_their_transaction)
{
    const char *skus[] = {"lost", "kept", "lost"};

    for (int i = 0; i < 3; i++) {
        sample_reset();
        s.items[0] = skus[i];
        s.event.source = skus[i];
        s.event.event_id = skus[i];
        tk_assert_ok(db, fbk__write_begin(db));
        tk_assert_ok(db, fbk_event_append(db, &s.event, NULL));
        ck_assert_int_eq(fbk__write_end(db, i == 0 ? FBK_ECANCELLED : FBK_OK),
                         i == 0 ? FBK_ECANCELLED : FBK_OK);
    }
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM item WHERE sku = 'lost'"), 1);
    ck_assert_int_eq(tk_query_int(db, "SELECT item FROM item WHERE sku = 'kept'"), 1);
    ck_assert_int_eq(tk_query_int(db, "SELECT item FROM item WHERE sku = 'lost'"), 2);
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM log_word WHERE text = 'lost'"), 1);
}
END_TEST

START_TEST(names_made_by_another_process_are_found)
{
    const char *path = tk_path("names");
    fbk_store *stores[2];
    fbk *dbs[2];

    for (int k = 0; k < 2; k++) {
        stores[k] = tk_open(path, k ? 0 : FBK_STORE_CREATE);
        dbs[k] = tk_connect(stores[k]);
    }
    for (int i = 0; i < 8; i++) {
        char name[2] = {(char)('a' + i / 2), '\0'};
        char id[2] = {(char)('a' + i), '\0'};

        sample_reset();
        s.items[0] = name;
        s.event.event_id = id;
        tk_assert_ok(dbs[i % 2], fbk_event_append(dbs[i % 2], &s.event, NULL));
    }
    ck_assert_int_eq(tk_query_int(dbs[0], "SELECT count(*) FROM item"), 4);
    for (int k = 0; k < 2; k++) {
        fbk_close(dbs[k]);
        fbk_store_close(stores[k]);
    }
}
END_TEST

START_TEST(each_limit_is_where_it_is_said)
{
    const limit *l = &limits[_i];
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk__log_counts counts;

    /* What fits is stored, or is a conflict with what was stored before it: never refused. */
    for (int64_t near = 0; near < 2; near++) {
        fbk_status low = try_limit(l, l->low + near);
        fbk_status high;

        ck_assert_msg(low == FBK_OK || low == FBK_ECONFLICT || low == FBK_DONE, "%s: %s", l->field,
                      fbk_errmsg(db));
        high = try_limit(l, l->high - near);
        ck_assert_msg(high == FBK_OK || high == FBK_ECONFLICT || high == FBK_DONE, "%s: %s",
                      l->field, fbk_errmsg(db));
    }
    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_ge(counts.events, 1);
    tk_assert_fails(db, FBK_ERANGE, try_limit(l, l->high + 1));
    tk_assert_ok(db, fbk_error_info(db, &info));
    ck_assert_str_eq(info.field, l->field);
    if (l->what == LIMIT_NUMBER || l->low > 0)
        ck_assert_int_lt(try_limit(l, l->low - 1), 0);
}
END_TEST

START_TEST(counts_have_limits)
{
    static const char *many[FBK_EVENT_LINES_MAX + 1];
    static const char *spaces[17];
    static char words[257][8];
    static uint32_t types[257];
    static int64_t ints[257];
    const char *keys[257];
    const uint32_t n_lines[] = {FBK_EVENT_LINES_MAX - 1, FBK_EVENT_LINES_MAX};

    for (unsigned i = 0; i <= FBK_EVENT_LINES_MAX; i++)
        many[i] = "sku";
    for (unsigned i = 0; i < 257; i++) {
        (void)snprintf(words[i], sizeof words[i], "k%u", i);
        keys[i] = words[i];
        types[i] = FBK_PROP_INT;
    }
    for (unsigned i = 0; i < 17; i++)
        spaces[i] = keys[i];
    for (unsigned i = 0; i < 2; i++) {
        sample_reset();
        s.event.event_id = keys[i];
        s.event.n_lines = n_lines[i];
        s.event.items = many;
        s.event.line_kinds = NULL;
        s.event.quantity_milli = s.event.unit_price_micro = s.event.discount_micro = NULL;
        s.event.tax_micro = s.event.amount_micro = NULL;
        s.event.n_identifiers = 15 + i;
        s.event.namespaces = spaces;
        s.event.values = spaces;
        s.event.n_properties = 255 + i;
        s.event.keys = keys;
        s.event.types = types;
        s.event.ints = ints;
        tk_assert_ok(db, fbk_event_append(db, &s.event, NULL));
    }
    s.event.event_id = "more";
    s.event.n_lines++;
    tk_assert_fails(db, FBK_ERANGE, fbk_event_append(db, &s.event, NULL));
    s.event.n_lines = 0;
    s.event.n_identifiers++;
    tk_assert_fails(db, FBK_ERANGE, fbk_event_append(db, &s.event, NULL));
    s.event.n_identifiers = 0;
    s.event.n_properties++;
    tk_assert_fails(db, FBK_ERANGE, fbk_event_append(db, &s.event, NULL));
    s.event.n_properties = 0;
    tk_assert_ok(db, fbk_event_append(db, &s.event, NULL));
}
END_TEST

typedef struct refusal {
    const char *field;
    fbk_status code;
    void (*spoil)(void);
} refusal;

#define SPOIL(name, statement) \
    static void name(void)     \
    {                          \
        statement;             \
    }
SPOIL(kind_capital, s.event.kind = "Sale")
SPOIL(kind_digit, s.event.kind = "1st")
SPOIL(id_utf8, s.event.event_id = "\xff")
SPOIL(channel_utf8, s.event.channel = "caf\xc3")
SPOIL(currency_short, s.event.currency = "EU")
SPOIL(currency_lower, s.event.currency = "eur")
SPOIL(flags_unknown, s.event.flags = 16)
SPOIL(reserved, s.event.reserved0 = 1)
SPOIL(line_kind, s.line_kinds[1] = 10)
SPOIL(product_without_item, s.items[0] = NULL)
SPOIL(amount_overflow, s.price[0] = FBK_MONEY_MAX_MICRO; s.quantity[0] = FBK_QUANTITY_MAX_MILLI)
SPOIL(amount_large, s.price[0] = FBK_MONEY_MAX_MICRO; s.quantity[0] = 1001)
SPOIL(space_capital, s.namespaces[1] = "Email")
SPOIL(values_null, s.event.values = NULL)
SPOIL(key_blank, s.keys[0] = "a b")
SPOIL(key_twice, s.keys[0] = "depth")
SPOIL(type_unknown, s.types[0] = 5)
SPOIL(type_without_value, s.texts[0] = NULL)
SPOIL(types_null, s.event.types = NULL)
SPOIL(not_finite, s.doubles[1] = NAN)
SPOIL(no_bool, s.types[1] = FBK_PROP_BOOL; s.ints[1] = 2)

static const refusal refusals[] = {
    {"kind", FBK_EINVAL, kind_capital},
    {"kind", FBK_EINVAL, kind_digit},
    {"event_id", FBK_EINVAL, id_utf8},
    {"channel", FBK_EINVAL, channel_utf8},
    {"currency", FBK_EINVAL, currency_short},
    {"currency", FBK_EINVAL, currency_lower},
    {"flags", FBK_EINVAL, flags_unknown},
    {"reserved0", FBK_EINVAL, reserved},
    {"line_kind", FBK_EINVAL, line_kind},
    {"item", FBK_ERANGE, product_without_item},
    {"amount_micro", FBK_ERANGE, amount_overflow},
    {"amount_micro", FBK_ERANGE, amount_large},
    {"namespace", FBK_EINVAL, space_capital},
    {"namespaces", FBK_EINVAL, values_null},
    {"property key", FBK_EINVAL, key_blank},
    {"property key", FBK_EINVAL, key_twice},
    {"types", FBK_EINVAL, type_unknown},
    {"types", FBK_EINVAL, type_without_value},
    {"keys", FBK_EINVAL, types_null},
    {"depth", FBK_ERANGE, not_finite},
    {"depth", FBK_ERANGE, no_bool},
};

START_TEST(what_does_not_fit_is_refused)
{
    const refusal *r = &refusals[_i];
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk__log_counts counts;

    sample_reset();
    r->spoil();
    tk_assert_fails(db, r->code, fbk_event_append(db, &s.event, NULL));
    tk_assert_ok(db, fbk_error_info(db, &info));
    ck_assert_str_eq(info.field, r->field);
    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_eq(counts.events + counts.nodes, 0);
    sample_reset();
    tk_assert_ok(db,
                 fbk_event_append(db, &s.event, NULL)); /* the connection is as good as before */
}
END_TEST

START_TEST(structures_of_other_versions)
{
    struct {
        fbk_event event;
        int64_t later_field;
    } newer;
    fbk_event older;

    sample_reset();
    newer.event = s.event;
    newer.event.struct_size = (uint32_t)sizeof newer;
    newer.later_field = 0;
    tk_assert_ok(db, fbk_event_append(db, &newer.event, NULL));
    newer.later_field = 1;
    tk_assert_fails(db, FBK_EABI, fbk_event_append(db, &newer.event, NULL));
    older = s.event;
    older.struct_size = (uint32_t)sizeof older - 8;
    tk_assert_fails(db, FBK_EABI, fbk_event_append(db, &older, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_event_append(db, NULL, NULL));
    ck_assert_int_eq(fbk_event_append(NULL, &s.event, NULL), FBK_EINVAL);
}
END_TEST

START_TEST(identifiers_that_say_nothing_are_left_out)
{
    stored st;
    fbk__log_counts counts;

    sample_reset();
    s.values[0] = "null";
    tk_assert_ok(db, fbk_event_append(db, &s.event, NULL));
    st = only_event();
    ck_assert_uint_eq(st.view.n_nodes, 1);
    ck_assert_uint_ne(st.view.node, 0);
    s.event.event_id = "order-2";
    s.namespaces[0] = "email";
    s.values[0] = "ANN@example.org"; /* twice the same */
    tk_assert_ok(db, fbk_event_append(db, &s.event, NULL));
    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_eq(counts.nodes, 1);
    ck_assert_uint_eq(counts.links, 0);
}
END_TEST

typedef struct amount_case {
    int64_t quantity_milli, unit_price_micro, discount_micro, amount_micro;
} amount_case;

static const amount_case amounts[] = {
    {1000, 1, 0, 1},
    {1, 499, 0, 0},   /* 0.499 millionths */
    {1, 500, 0, 1},   /* half away from zero */
    {-1, 500, 0, -1}, /* on both sides */
    {-1, 499, 0, 0},
    {1333, 2999999, 0, 3998999}, /* 3998998.667 */
    {2000, 2550000, 100000, 5000000},
    {-2000, 2550000, -100000, -5000000},
    {INT64_C(1000000000000), INT64_C(10000000), 0, INT64_C(10000000000000000)},
    {0, FBK_MONEY_MAX_MICRO, 7, -7},
};

START_TEST(amounts_are_exact)
{
    const amount_case *a = &amounts[_i];

    sample_reset();
    s.quantity[0] = a->quantity_milli;
    s.price[0] = a->unit_price_micro;
    s.discount[0] = a->discount_micro;
    tk_assert_ok(db, fbk_event_append(db, &s.event, NULL));
    ck_assert_int_eq(only_event().lines[0].amount_micro, a->amount_micro);
}
END_TEST

START_TEST(the_amount_charged_is_authoritative)
{
    sample_reset();
    s.amount[0] = 0; /* free is not unknown */
    tk_assert_ok(db, fbk_event_append(db, &s.event, NULL));
    ck_assert_int_eq(only_event().lines[0].amount_micro, 0);
}
END_TEST

/* -- an Arrow stream ------------------------------------------------------------------------- */

enum { N_COLUMNS = 10 };
static const char *const column_names[N_COLUMNS] = {
    "event_id", "occurred_us", "source",     "kind",         "id:customer",
    "item",     "quantity",    "unit_price", "amount_micro", "prop:colour"};
static const char *const column_types[N_COLUMNS] = {
    FBK_ARROW_TEXT, FBK_ARROW_TIME,   FBK_ARROW_TEXT,   FBK_ARROW_TEXT,  FBK_ARROW_TEXT,
    FBK_ARROW_TEXT, FBK_ARROW_DOUBLE, FBK_ARROW_DOUBLE, FBK_ARROW_INT64, FBK_ARROW_TEXT};

typedef struct stream_row {
    const char *event_id;
    int64_t occurred_us;
    const char *source, *kind, *customer, *item;
    double quantity, unit_price; /* NaN = null */
    int64_t amount_micro;        /* FBK_AMOUNT_NONE = null */
    const char *colour;
} stream_row;

#define T0 INT64_C(1291190760000000)
static const stream_row stream_rows[] = {
    {"a", T0, "web", "sale", "1", "x", 2, 2.55, FBK_AMOUNT_NONE, "red"},
    {"a", T0, NULL, NULL, NULL, "y", NAN, 3.39, FBK_AMOUNT_NONE, NULL},
    {"a", T0, "web", "sale", "1", "x", -1, 2.55, 0, "red"},
    {"b", T0, "web", "view", "2", NULL, NAN, NAN, FBK_AMOUNT_NONE, NULL}, /* no lines */
    {"c", T0, "web", "sale", "3", "x", 1, 1, FBK_AMOUNT_NONE, NULL},
    {"c", T0, "web", "sale", "4", "x", 1, 1, FBK_AMOUNT_NONE, NULL}, /* another customer */
    {"c", T0, "web", "sale", "3", "x", 1, 1, FBK_AMOUNT_NONE, NULL}, /* passed over */
    {NULL, T0, "web", "sale", "3", "x", 1, 1, FBK_AMOUNT_NONE, NULL},
    {"d", T0, "web", "Rejected Word", "3", "rejected item", 1, 1, FBK_AMOUNT_NONE, NULL},
    {"e", T0, NULL, "sale", "3", "x", 1, 1, FBK_AMOUNT_NONE, NULL}, /* no source */
    {"f", T0, "web", NULL, NULL, "z", 1e300, 1, FBK_AMOUNT_NONE, NULL},
    {"g", T0, "web", NULL, NULL, "z", 0.5, 0.333333, FBK_AMOUNT_NONE, "blue"},
    {"a", T0, "web", "sale", "1", "x", 1, 1, FBK_AMOUNT_NONE, NULL}, /* another "a" */
};
enum { N_STREAM_ROWS = sizeof stream_rows / sizeof stream_rows[0] };

static void
add_text(fbk_arrow_builder *b, int64_t column, const char *text)
{
    fbk_arrow_add_text(b, column, text, text ? (int64_t)strlen(text) : 0);
}

static void
add_double(fbk_arrow_builder *b, int64_t column, double value)
{
    if (isnan(value))
        fbk_arrow_add_null(b, column);
    else
        fbk_arrow_add_double(b, column, value);
}

static void
make_stream(const stream_row *rows, size_t n, struct ArrowArrayStream *out)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;

    for (unsigned i = 0; i < N_COLUMNS; i++)
        ck_assert_int_eq(fbk_arrow_builder_column(&b, column_names[i], column_types[i]), i);
    for (size_t i = 0; i < n; i++) {
        const stream_row *r = &rows[i];

        add_text(&b, 0, r->event_id);
        fbk_arrow_add_int64(&b, 1, r->occurred_us);
        add_text(&b, 2, r->source);
        add_text(&b, 3, r->kind);
        add_text(&b, 4, r->customer);
        add_text(&b, 5, r->item);
        add_double(&b, 6, r->quantity);
        add_double(&b, 7, r->unit_price);
        if (r->amount_micro == FBK_AMOUNT_NONE)
            fbk_arrow_add_null(&b, 8);
        else
            fbk_arrow_add_int64(&b, 8, r->amount_micro);
        add_text(&b, 9, r->colour);
    }
    ck_assert_int_eq(fbk_arrow_builder_finish(&b, out), FBK_OK);
}

typedef struct rejects {
    int64_t rows[16];
    char fields[16][64];
    unsigned n;
    unsigned stop_at; /* 0 = never */
} rejects;

static fbk_status
note_reject(void *user_data, int64_t row, const char *field, const char *reason)
{
    rejects *r = user_data;

    ck_assert_uint_lt(r->n, 16);
    ck_assert(reason[0]);
    r->rows[r->n] = row;
    (void)snprintf(r->fields[r->n++], sizeof r->fields[0], "%s", field);
    return r->stop_at == r->n ? -7 : FBK_OK;
}

typedef struct steps {
    uint64_t done[32];
    unsigned n;
    unsigned cancel_at; /* 0 = never */
} steps;

static fbk_status
note_progress(void *user_data, uint64_t done, uint64_t total)
{
    steps *p = user_data;

    ck_assert_uint_eq(total, 0);
    p->done[p->n++] = done;
    return p->cancel_at == p->n ? FBK_ECANCELLED : FBK_OK;
}

START_TEST(a_stream_is_stored_but_for_what_does_not_fit)
{
    static const int64_t want_rows[] = {6, 8, 9, 10, 11};
    static const char *const want_fields[] = {"id:customer", "event_id", "kind", "source",
                                              "quantity_milli"};
    struct ArrowArrayStream stream;
    fbk_event_stream_options opt = FBK_EVENT_STREAM_OPTIONS_INIT;
    fbk_event_stream_result result = FBK_EVENT_STREAM_RESULT_INIT;
    rejects refused = {.n = 0};
    uint32_t word;

    opt.reject = note_reject;
    opt.reject_data = &refused;
    make_stream(stream_rows, N_STREAM_ROWS, &stream);
    tk_assert_ok(db, fbk_event_append_stream(db, &stream, &opt, &result));
    ck_assert_ptr_null((void *)(uintptr_t)stream.release);
    ck_assert_uint_eq(refused.n, 5);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_int_eq(refused.rows[i], want_rows[i]);
        ck_assert_str_eq(refused.fields[i], want_fields[i]);
    }
    ck_assert_uint_eq(result.rows, N_STREAM_ROWS);
    ck_assert_uint_eq(result.added, 3);
    ck_assert_uint_eq(result.lines_added, 4);
    ck_assert_uint_eq(result.conflict, 1);
    ck_assert_uint_eq(result.rejected, 5);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__word_resolve(db, "Rejected Word", 13, false, &word));
    make_stream(stream_rows, N_STREAM_ROWS, &stream);
    tk_assert_ok(db, fbk_event_append_stream(db, &stream, NULL, &result));
    ck_assert_uint_eq(result.added, 0);
    ck_assert_uint_eq(result.already, 3);
    ck_assert_uint_eq(result.conflict, 1);
    ck_assert_uint_eq(result.rejected, 5);
}
END_TEST

static fbk_status
check_stream_event(void *user_data, const fbk__event_view *v)
{
    unsigned *n = user_data;

    (*n)++;
    if (v->id[0] == 'a') {
        ck_assert_uint_eq(v->n_lines, 3);
        ck_assert_int_eq(v->lines[0].quantity_milli, 2000);
        ck_assert_int_eq(v->lines[0].amount_micro, 5100000);
        ck_assert_int_eq(v->lines[1].quantity_milli, 1000);
        ck_assert_int_eq(v->lines[1].amount_micro, 3390000);
        ck_assert_int_eq(v->lines[2].quantity_milli, -1000);
        ck_assert_int_eq(v->lines[2].amount_micro, 0); /* given */
        ck_assert_uint_eq(v->n_props, 1);
    } else if (v->id[0] == 'b') {
        ck_assert_uint_eq(v->n_lines, 0);
        ck_assert_uint_eq(v->kind, FBK__EVENT_VIEW);
    } else {
        ck_assert_uint_eq(v->node, 0);
        ck_assert_uint_eq(v->kind, FBK__EVENT_SALE); /* the default */
        ck_assert_int_eq(v->lines[0].unit_price_micro, 333333);
        ck_assert_int_eq(v->lines[0].amount_micro, 166667); /* 166666.5 */
    }
    return FBK_OK;
}

START_TEST(rows_become_events)
{
    struct ArrowArrayStream stream;
    unsigned n = 0;

    make_stream(stream_rows, N_STREAM_ROWS, &stream);
    tk_assert_ok(db, fbk_event_append_stream(db, &stream, NULL, NULL));
    tk_assert_ok(db, fbk__log_each(db, 0, check_stream_event, &n));
    ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(batches_end_between_events)
{
    struct ArrowArrayStream stream;
    fbk_event_stream_options opt = FBK_EVENT_STREAM_OPTIONS_INIT;
    fbk_event_stream_result result = FBK_EVENT_STREAM_RESULT_INIT;
    steps seen = {.n = 0};
    fbk__log_counts counts;

    opt.batch_rows = 1;
    opt.progress = note_progress;
    opt.progress_data = &seen;
    make_stream(stream_rows, 4, &stream);
    tk_assert_ok(db, fbk_event_append_stream(db, &stream, &opt, &result));
    ck_assert_uint_eq(seen.n, 2); /* "a" with its three rows, then "b" */
    ck_assert_uint_eq(seen.done[0], 3);
    ck_assert_uint_eq(seen.done[1], 4);
    ck_assert_uint_eq(result.added, 2);

    seen = (steps){.cancel_at = 1};
    make_stream(stream_rows + 4, N_STREAM_ROWS - 4, &stream);
    tk_assert_fails(db, FBK_ECANCELLED, fbk_event_append_stream(db, &stream, &opt, &result));
    tk_assert_ok(db, fbk__log_count(db, &counts));
    ck_assert_uint_eq(counts.events, 2 + result.added); /* what was committed stays, and is told */
}
END_TEST

START_TEST(a_reject_callback_can_stop_the_call)
{
    struct ArrowArrayStream stream;
    fbk_event_stream_options opt = FBK_EVENT_STREAM_OPTIONS_INIT;
    rejects refused = {.stop_at = 2};
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};

    opt.reject = note_reject;
    opt.reject_data = &refused;
    make_stream(stream_rows, N_STREAM_ROWS, &stream);
    tk_assert_fails(db, FBK_ECALLBACK, fbk_event_append_stream(db, &stream, &opt, NULL));
    tk_assert_ok(db, fbk_error_info(db, &info));
    ck_assert_int_eq(info.callback_value, -7);
    ck_assert_ptr_null((void *)(uintptr_t)stream.release);
}
END_TEST

static void
one_column_stream(const char *name, const char *type, struct ArrowArrayStream *out)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;

    ck_assert_int_eq(fbk_arrow_builder_column(&b, "event_id", FBK_ARROW_TEXT), 0);
    ck_assert_int_eq(fbk_arrow_builder_column(&b, "occurred_us", FBK_ARROW_INT64), 1);
    ck_assert_int_eq(fbk_arrow_builder_column(&b, "source", FBK_ARROW_TEXT), 2);
    ck_assert_int_eq(fbk_arrow_builder_column(&b, name, type), 3);
    add_text(&b, 0, "id");
    fbk_arrow_add_int64(&b, 1, T0);
    add_text(&b, 2, "web");
    fbk_arrow_add_null(&b, 3);
    ck_assert_int_eq(fbk_arrow_builder_finish(&b, out), FBK_OK);
}

START_TEST(columns_that_nobody_knows)
{
    struct ArrowArrayStream stream;
    fbk_event_stream_options opt = FBK_EVENT_STREAM_OPTIONS_INIT;
    fbk_event_stream_result result = FBK_EVENT_STREAM_RESULT_INIT;

    one_column_stream("iten", FBK_ARROW_TEXT, &stream);
    tk_assert_fails(db, FBK_EINVAL, fbk_event_append_stream(db, &stream, &opt, &result));
    one_column_stream("source", FBK_ARROW_TEXT, &stream); /* twice */
    tk_assert_fails(db, FBK_EINVAL, fbk_event_append_stream(db, &stream, &opt, &result));
    one_column_stream("quantity", FBK_ARROW_TEXT, &stream);
    tk_assert_fails(db, FBK_EINVAL, fbk_event_append_stream(db, &stream, &opt, &result));
    opt.flags = 2;
    one_column_stream("iten", FBK_ARROW_TEXT, &stream);
    tk_assert_fails(db, FBK_EINVAL, fbk_event_append_stream(db, &stream, &opt, &result));
    ck_assert_ptr_null((void *)(uintptr_t)stream.release);
    opt.flags = FBK_EVENT_STREAM_IGNORE_UNKNOWN;
    one_column_stream("iten", FBK_ARROW_TEXT, &stream);
    tk_assert_ok(db, fbk_event_append_stream(db, &stream, &opt, &result));
    ck_assert_uint_eq(result.added, 1);
    opt.batch_rows = 1000001;
    one_column_stream("iten", FBK_ARROW_TEXT, &stream);
    tk_assert_fails(db, FBK_ERANGE, fbk_event_append_stream(db, &stream, &opt, &result));
    tk_assert_fails(db, FBK_EINVAL, fbk_event_append_stream(db, NULL, &opt, &result));
}
END_TEST

#define N_OF(array) (int)(sizeof(array) / sizeof(array)[0])

static Suite *
suite(void)
{
    Suite *su = suite_create("event");
    TCase *one = tcase_create("one");
    TCase *stream = tcase_create("stream");

    tcase_add_checked_fixture(one, setup, teardown);
    tcase_add_test(one, every_field_arrives);
    tcase_add_test(one, a_minimal_event_is_enough);
    tcase_add_test(one, outcomes);
    tcase_add_test(one, names_are_forgotten_with_their_transaction);
    tcase_add_test(one, names_made_by_another_process_are_found);
    tcase_add_loop_test(one, each_limit_is_where_it_is_said, 0, N_OF(limits));
    tcase_add_test(one, counts_have_limits);
    tcase_add_loop_test(one, what_does_not_fit_is_refused, 0, N_OF(refusals));
    tcase_add_test(one, structures_of_other_versions);
    tcase_add_test(one, identifiers_that_say_nothing_are_left_out);
    tcase_add_loop_test(one, amounts_are_exact, 0, N_OF(amounts));
    tcase_add_test(one, the_amount_charged_is_authoritative);
    suite_add_tcase(su, one);
    tcase_add_checked_fixture(stream, setup, teardown);
    tcase_add_test(stream, a_stream_is_stored_but_for_what_does_not_fit);
    tcase_add_test(stream, rows_become_events);
    tcase_add_test(stream, batches_end_between_events);
    tcase_add_test(stream, a_reject_callback_can_stop_the_call);
    tcase_add_test(stream, columns_that_nobody_knows);
    suite_add_tcase(su, stream);
    return su;
}

int
main(void)
{
    return tk_run(suite());
}
