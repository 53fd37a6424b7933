/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "act/profile.h"
#include "base/map.h"
#include "base/sort.h"
#include "base/table.h"
#include "record/place.h"

/* -- favourite categories ---------------------------------------------------------------------- */

typedef struct categories {
    fbk *db;
    const fbk__items *items;
    fbk__map at; /* category -> place in list */
    fbk__profile_category *list;
    uint64_t *counted; /* event in which a category was counted last, as list */
    size_t n, cap, counted_cap;
} categories;

/* An item's category, else that of its style. */
static uint32_t
category_of(const fbk__items *items, uint32_t item)
{
    uint32_t style = fbk__item_style(items, item);

    if (item <= items->n && items->category[item])
        return items->category[item];
    return style <= items->n ? items->category[style] : 0;
}

static fbk__profile_category *
category_entry(categories *c, uint32_t category)
{
    bool is_new = false;
    uint64_t *at;

    if (!fbk__grow(fbk__a(c->db), &c->list, &c->cap, c->n + 1, sizeof *c->list) ||
        !fbk__grow(fbk__a(c->db), &c->counted, &c->counted_cap, c->n + 1, sizeof *c->counted))
        return NULL;
    at = fbk__map_put(&c->at, category, &is_new);
    if (!at)
        return NULL;
    if (is_new) {
        *at = c->n;
        c->counted[c->n] = 0;
        c->list[c->n++] =
            (fbk__profile_category){fbk__category_path(c->items, category), 0, 0, FBK_TIME_NONE};
    }
    return &c->list[*at];
}

static int64_t
money_add(int64_t x, int64_t y)
{
    int64_t sum;

    if (!__builtin_add_overflow(x, y, &sum))
        return sum;
    return y > 0 ? INT64_MAX : INT64_MIN;
}

/* Sales, and what lowers their revenue; flagged events are no taste of anybody's. */
static fbk_status
categories_chunk(categories *c, const fbk__chunk *k)
{
    for (size_t i = 0; i < k->n; i++) {
        uint32_t category;
        fbk__profile_category *x;

        if (k->kind[i] > FBK__EVENT_CANCEL || k->line_kind[i] != FBK__LINE_PRODUCT ||
            k->currency[i])
            continue;
        category = category_of(c->items, k->item[i]);
        if (!category)
            continue;
        x = category_entry(c, category);
        if (!x)
            return fbk__nomem(c->db);
        x->revenue_micro = money_add(x->revenue_micro, k->amount_micro[i]);
        if (k->kind[i] != FBK__EVENT_SALE || k->quantity_milli[i] <= 0)
            continue;
        if (c->counted[x - c->list] != k->event[i]) {
            c->counted[x - c->list] = k->event[i];
            x->n_orders++;
        }
        if (x->last_us < k->occurred_us[i])
            x->last_us = k->occurred_us[i];
    }
    return FBK_OK;
}

/* By orders, then revenue (both falling), then path: three stable sorts, least key first. */
static fbk_status
categories_sort(categories *c)
{
    const fbk_allocator *a = fbk__a(c->db);
    fbk__sort_item *order = fbk__calloc(a, c->n, sizeof *order);
    fbk__profile_category *sorted = fbk__calloc(a, c->n, sizeof *sorted);
    bool ok = order && sorted;

    for (size_t i = 0; ok && i < c->n; i++) {
        size_t before = 0;

        for (size_t j = 0; j < c->n; j++)
            before += strcmp(c->list[j].path, c->list[i].path) < 0;
        order[i] = (fbk__sort_item){before, (uint32_t)i, 0};
    }
    for (int pass = 0; ok && pass < 3; pass++) {
        for (size_t i = 0; pass > 0 && i < c->n; i++) {
            const fbk__profile_category *x = &c->list[order[i].row];

            order[i].key = pass == 1 ? ~fbk__sort_key_int(x->revenue_micro) : ~x->n_orders;
        }
        ok = fbk__sort_items(a, order, c->n);
    }
    for (size_t i = 0; ok && i < c->n; i++)
        sorted[i] = c->list[order[i].row];
    fbk__free(a, order);
    if (!ok) {
        fbk__free(a, sorted);
        return fbk__nomem(c->db);
    }
    fbk__free(a, c->list);
    c->list = sorted;
    return FBK_OK;
}

fbk_status
fbk__profile_category_list(const fbk__profile_ask *ask, const fbk__items *items,
                           fbk__profile_category **out, size_t *out_n)
{
    categories c = {.db = ask->db, .items = items};
    fbk__scan_options opt = {.from_us = FBK_TIME_NONE,
                             .to_us = ask->as_of_us,
                             .nodes = ask->person.nodes,
                             .n_nodes = ask->person.n_nodes,
                             .skip_flags = FBK__FLAG_TEST,
                             .columns = FBK__COL_EVENT | FBK__COL_OCCURRED | FBK__COL_KIND |
                                        FBK__COL_LINE_KIND | FBK__COL_ITEM | FBK__COL_QUANTITY |
                                        FBK__COL_AMOUNT | FBK__COL_CURRENCY};
    const fbk__chunk *k = NULL;
    fbk__scan *scan = NULL;
    fbk_status rc = fbk__log_scan_open(ask->db, &opt, &scan);

    fbk__map_init(&c.at, fbk__a(ask->db));
    while (rc == FBK_OK && (rc = fbk__log_scan_next(scan, &k)) == FBK_OK)
        rc = categories_chunk(&c, k);
    fbk__log_scan_close(scan);
    rc = rc < 0 ? rc : categories_sort(&c);
    fbk__map_free(&c.at);
    fbk__free(fbk__a(ask->db), c.counted);
    if (rc < 0) {
        fbk__free(fbk__a(ask->db), c.list);
        return rc;
    }
    *out = c.list;
    *out_n = c.n;
    return FBK_OK;
}

/* -- last actions ------------------------------------------------------------------------------ */

enum { ACTION_ITEMS = 5 };

typedef struct actions {
    const fbk__profile_ask *ask;
    const fbk__items *items;
    const fbk__places *places;
    fbk__profile_action_fn fn;
    void *user_data;
    fbk__buf text;
} actions;

static void
action_items(actions *a, const fbk__event_view *view)
{
    size_t named = 0;

    fbk__buf_clear(&a->text);
    for (size_t i = 0; i < view->n_lines; i++) {
        if (!view->lines[i].item)
            continue;
        if (named == ACTION_ITEMS) {
            fbk__buf_str(&a->text, ", …");
            return;
        }
        if (named++)
            fbk__buf_str(&a->text, ", ");
        fbk__buf_str(&a->text, fbk__item_name(a->items, view->lines[i].item));
    }
}

static fbk_status
action_event(void *user_data, const fbk__event_view *view)
{
    actions *a = user_data;
    fbk *db = a->ask->db;
    fbk__profile_action action = {.view = view, .place = fbk__place_code(a->places, view->place)};
    fbk_status rc = fbk__word_get(db, view->kind, &action.kind);

    if (rc >= 0)
        rc = fbk__word_get(db, view->source, &action.source);
    if (rc >= 0)
        rc = fbk__word_get(db, view->channel, &action.channel);
    if (rc >= 0)
        rc = fbk__word_get(db, view->currency, &action.currency);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < view->n_lines; i++)
        action.amount_micro = money_add(action.amount_micro, view->lines[i].amount_micro);
    action_items(a, view);
    if (a->text.failed)
        return fbk__nomem(db);
    action.items = a->text.data ? a->text.data : "";
    action.items_len = a->text.len;
    return a->fn(a->user_data, &action);
}

fbk_status
fbk__profile_each_action(const fbk__profile_ask *ask, fbk__profile_action_fn fn, void *user_data)
{
    actions a = {.ask = ask, .fn = fn, .user_data = user_data};
    fbk_status rc = fbk__items_acquire(ask->db, &a.items);

    fbk__buf_init(&a.text, fbk__a(ask->db));
    if (rc == FBK_OK)
        rc = fbk__places_acquire(ask->db, &a.places);
    if (rc == FBK_OK)
        rc = fbk__log_history(ask->db, ask->person.nodes, ask->person.n_nodes, ask->as_of_us,
                              ask->opt.n_actions, action_event, &a);
    fbk__buf_free(&a.text);
    fbk__items_release(a.items);
    fbk__places_release(a.places);
    return rc < 0 ? rc : FBK_OK;
}

/* -- tables ------------------------------------------------------------------------------------ */

enum {
    ACT_TIME,
    ACT_KIND,
    ACT_SOURCE,
    ACT_CHANNEL,
    ACT_PLACE,
    ACT_ORDER_REF,
    ACT_N_LINES,
    ACT_ITEMS,
    ACT_AMOUNT,
    ACT_CURRENCY,
    ACT_N
};

static const struct {
    const char *name;
    fbk__type type;
} action_columns[ACT_N] = {
    {"time", FBK__TIME},     {"kind", FBK__TEXT},  {"source", FBK__TEXT},
    {"channel", FBK__TEXT},  {"place", FBK__TEXT}, {"order_ref", FBK__TEXT},
    {"n_lines", FBK__INT64}, {"items", FBK__TEXT}, {"amount_micro", FBK__INT64},
    {"currency", FBK__TEXT},
};

typedef struct action_table {
    fbk__table *t;
    const char *currency; /* the store's */
} action_table;

static void
text_or_null(fbk__table *t, int column, const char *text)
{
    fbk__table_add_str(t, column, text[0] ? text : NULL);
}

static fbk_status
action_row(void *user_data, const fbk__profile_action *a)
{
    const action_table *to = user_data;
    fbk__table *t = to->t;

    fbk__table_add_int64(t, ACT_TIME, a->view->occurred_us);
    fbk__table_add_str(t, ACT_KIND, a->kind);
    fbk__table_add_str(t, ACT_SOURCE, a->source);
    text_or_null(t, ACT_CHANNEL, a->channel);
    text_or_null(t, ACT_PLACE, a->place);
    fbk__table_add_text(t, ACT_ORDER_REF, a->view->order_ref_len ? a->view->order_ref : NULL,
                        a->view->order_ref_len);
    fbk__table_add_int64(t, ACT_N_LINES, (int64_t)a->view->n_lines);
    fbk__table_add_text(t, ACT_ITEMS, a->items, a->items_len);
    fbk__table_add_int64(t, ACT_AMOUNT, a->amount_micro);
    fbk__table_add_str(t, ACT_CURRENCY, a->currency[0] ? a->currency : to->currency);
    return FBK_OK;
}

fbk_status
fbk_profile_actions(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                    const fbk_profile_options *options, struct ArrowArrayStream *out_rows)
{
    action_table to = {0};
    fbk__profile_ask ask;
    char *currency = NULL;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out_rows)
        return fbk__fail_at(db, FBK_EINVAL, "out_rows", 0, "out_rows was NULL");
    rc = fbk__profile_ask_make(db, space, value, as_of_us, options, &ask);
    if (rc == FBK_OK)
        rc = fbk__meta_get(db, "store.currency", &currency);
    if (rc == FBK_OK) {
        to.t = fbk__table_new(fbk__a(db));
        to.currency = currency;
        for (int i = 0; i < ACT_N; i++)
            (void)fbk__table_column(to.t, action_columns[i].name, action_columns[i].type,
                                    i >= ACT_CHANNEL && i <= ACT_ORDER_REF);
        rc = fbk__profile_each_action(&ask, action_row, &to);
    }
    fbk__profile_ask_free(&ask);
    fbk__free(fbk__a(db), currency);
    if (rc < 0) {
        fbk__table_free(to.t);
        return rc;
    }
    return fbk__table_stream(db, to.t, 0, out_rows);
}

fbk_status
fbk_profile_categories(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                       const fbk_profile_options *options, struct ArrowArrayStream *out_rows)
{
    fbk__profile_category *list = NULL;
    const fbk__items *items = NULL;
    fbk__profile_ask ask;
    fbk__table *t = NULL;
    size_t n = 0;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out_rows)
        return fbk__fail_at(db, FBK_EINVAL, "out_rows", 0, "out_rows was NULL");
    rc = fbk__profile_ask_make(db, space, value, as_of_us, options, &ask);
    if (rc == FBK_OK)
        rc = fbk__items_acquire(db, &items);
    if (rc == FBK_OK)
        rc = fbk__profile_category_list(&ask, items, &list, &n);
    if (rc == FBK_OK) {
        t = fbk__table_new(fbk__a(db));
        (void)fbk__table_column(t, "category", FBK__TEXT, false);
        (void)fbk__table_column(t, "n_orders", FBK__INT64, false);
        (void)fbk__table_column(t, "revenue_micro", FBK__INT64, false);
        (void)fbk__table_column(t, "last_order", FBK__TIME, true);
        for (size_t i = 0; i < n && i < ask.opt.n_categories; i++) {
            fbk__table_add_str(t, 0, list[i].path);
            fbk__table_add_int64(t, 1, (int64_t)list[i].n_orders);
            fbk__table_add_int64(t, 2, list[i].revenue_micro);
            if (list[i].last_us == FBK_TIME_NONE)
                fbk__table_add_null(t, 3);
            else
                fbk__table_add_int64(t, 3, list[i].last_us);
        }
        rc = fbk__table_stream(db, t, 0, out_rows);
    }
    fbk__items_release(items);
    fbk__profile_ask_free(&ask);
    fbk__free(fbk__a(db), list);
    return rc;
}
