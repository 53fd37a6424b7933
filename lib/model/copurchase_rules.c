/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/copurchase.h"

#include <string.h>

#include "base/map.h"
#include "base/options.h"
#include "base/sort.h"
#include "base/table.h"
#include "record/catalogue.h"

_Static_assert(sizeof(fbk_copurchase_rules_options) == 48, "version 1");

enum { RULES_V1_SIZE = 48 };

/* One item implies another: from the pairs; several imply one: from the larger sets, whose subsets
 * with one item less are all known, because a subset is in at least as many orders. */

typedef struct rule {
    uint32_t from;      /* of one item: its number; else first entry in set_items */
    uint32_t to;        /* number of the consequent */
    uint32_t n_from;    /* items before the arrow */
    uint32_t orders;    /* with all items */
    uint32_t if_orders; /* with the antecedent */
    uint32_t skip;      /* n_from > 1: place of the consequent in its set */
    uint64_t set;       /* n_from > 1: its set */
} rule;

typedef struct rules {
    fbk *db;
    fbk_copurchase_rules_options opt;
    const fbk__copurchase_model *model;
    const fbk__copurchase *cp;
    const fbk__items *items;
    uint32_t min_orders;
    fbk__map pairs; /* a << 32 | b, a < b -> orders */
    fbk__map sets;  /* hash of the items -> set + 1 */
    rule *rules;
    size_t n, cap;
    fbk__sort_item *order;
} rules;

static fbk_status
rules_check(fbk *db, fbk_copurchase_rules_options *opt)
{
    if (opt->max_antecedent >= FBK__SET_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "max_antecedent", 0,
                            "max_antecedent was not within [1, 11]");
    if (opt->max_rules > 100000000)
        return fbk__fail_at(db, FBK_ERANGE, "max_rules", 0,
                            "max_rules was not within [1, 100000000]");
    if (opt->reserved0)
        return fbk__fail_at(db, FBK_EINVAL, "reserved0", 0, "reserved0 was not 0");
    if (!(opt->min_support >= 0.0 && opt->min_support <= 1.0))
        return fbk__fail_at(db, FBK_ERANGE, "min_support", 0, "min_support was not within (0, 1]");
    if (!(opt->min_confidence >= 0.0 && opt->min_confidence <= 1.0))
        return fbk__fail_at(db, FBK_ERANGE, "min_confidence", 0,
                            "min_confidence was not within (0, 1]");
    opt->max_rules = opt->max_rules ? opt->max_rules : 1000000;
    opt->min_support = opt->min_support > 0.0 ? opt->min_support : .001;
    opt->min_confidence = opt->min_confidence > 0.0 ? opt->min_confidence : .5;
    opt->separator = opt->separator ? opt->separator : ", ";
    return FBK_OK;
}

/* Does the model know sets as large and as rare as these rules ask for? */
static fbk_status
rules_reach(rules *r)
{
    if (r->opt.max_antecedent == 0)
        r->opt.max_antecedent = r->cp->max_set - 1;
    if (r->opt.max_antecedent >= r->cp->max_set)
        return fbk__fail_at(r->db, FBK_ERANGE, "max_antecedent", 0,
                            "the model counted sets of at most %u items: train it with max_set %u",
                            r->cp->max_set, r->opt.max_antecedent + 1);
    if (r->opt.max_antecedent > 1 && r->min_orders < r->cp->set_min_orders)
        return fbk__fail_at(r->db, FBK_ERANGE, "min_support", 0,
                            "the model counted sets in %u orders and more, these rules need %u: "
                            "train it with a lower set_support",
                            r->cp->set_min_orders, r->min_orders);
    return FBK_OK;
}

static fbk_status
rules_add(rules *r, rule found)
{
    if ((double)found.orders / found.if_orders < r->opt.min_confidence)
        return FBK_OK;
    if (r->n == r->opt.max_rules)
        return fbk__fail_at(r->db, FBK_ETOOBIG, "max_rules", 0,
                            "there were more than %u rules: ask for more support or confidence",
                            r->opt.max_rules);
    if (!fbk__grow(fbk__a(r->db), &r->rules, &r->cap, r->n + 1, sizeof *r->rules))
        return fbk__nomem(r->db);
    r->rules[r->n++] = found;
    return FBK_OK;
}

static fbk_status
rules_of_pairs(rules *r)
{
    fbk_status rc = FBK_OK;

    for (uint32_t a = 0; a < r->cp->n_items && rc == FBK_OK; a++) {
        fbk__partner p;
        fbk__partners it;

        fbk__partners_of(r->cp, a, &it);
        while (rc == FBK_OK && fbk__partners_next(&it, &p)) {
            if (p.orders < r->min_orders)
                continue;
            rc = rules_add(r, (rule){.from = a,
                                     .to = p.number,
                                     .n_from = 1,
                                     .orders = p.orders,
                                     .if_orders = r->cp->orders[a]});
            if (rc == FBK_OK && a < p.number && r->opt.max_antecedent > 1) {
                uint64_t *orders = fbk__map_put(&r->pairs, (uint64_t)a << 32 | p.number, NULL);

                rc = orders ? FBK_OK : fbk__nomem(r->db);
                if (orders)
                    *orders = p.orders;
            }
        }
        if (rc == FBK_OK && it.r.bad)
            rc =
                fbk__fail(r->db, FBK_ECORRUPT, "the counts of the co-purchase model made no sense");
    }
    return rc;
}

static bool
set_is(const fbk__copurchase *cp, uint64_t set, const uint32_t *items, size_t n)
{
    return cp->set_start[set + 1] - cp->set_start[set] == n &&
           memcmp(cp->set_items + cp->set_start[set], items, n * sizeof *items) == 0;
}

/* Where a set is, or belongs, in the map: another set of the same hash takes the next seed. */
static uint64_t *
set_slot(const rules *r, const uint32_t *items, size_t n, uint64_t *out_key)
{
    uint64_t *slot = NULL;

    for (uint64_t seed = 0;; seed++) {
        *out_key = fbk__hash64_seeded(items, n * sizeof *items, seed);
        slot = fbk__map_get(&r->sets, *out_key);
        if (!slot || set_is(r->cp, *slot - 1, items, n))
            return slot;
    }
}

static fbk_status
sets_index(rules *r)
{
    for (uint64_t set = 0; set < r->cp->n_sets; set++) {
        uint64_t key;

        if (!set_slot(r, r->cp->set_items + r->cp->set_start[set],
                      (size_t)(r->cp->set_start[set + 1] - r->cp->set_start[set]), &key)) {
            uint64_t *slot = fbk__map_put(&r->sets, key, NULL);

            if (!slot)
                return fbk__nomem(r->db);
            *slot = set + 1;
        }
    }
    return FBK_OK;
}

/* Orders with all these items; 0 when the model does not say, which it must. */
static uint32_t
orders_of(const rules *r, const uint32_t *items, size_t n)
{
    uint64_t key;
    uint64_t *slot;

    if (n == 2) {
        slot = fbk__map_get(&r->pairs, (uint64_t)items[0] << 32 | items[1]);
        return slot ? (uint32_t)*slot : 0;
    }
    slot = set_slot(r, items, n, &key);
    return slot ? r->cp->set_orders[*slot - 1] : 0;
}

static fbk_status
rules_of_sets(rules *r)
{
    const fbk__copurchase *cp = r->cp;
    fbk_status rc = FBK_OK;

    for (uint64_t set = 0; set < cp->n_sets; set++) {
        uint32_t n = (uint32_t)(cp->set_start[set + 1] - cp->set_start[set]);
        const uint32_t *items = cp->set_items + cp->set_start[set];

        if (cp->set_orders[set] < r->min_orders || n - 1 > r->opt.max_antecedent)
            continue;
        for (uint32_t skip = 0; skip < n && rc == FBK_OK; skip++) {
            uint32_t from[FBK__SET_MAX], k = 0;
            rule found = {.to = items[skip],
                          .n_from = n - 1,
                          .orders = cp->set_orders[set],
                          .skip = skip,
                          .set = set};

            for (uint32_t i = 0; i < n; i++) {
                if (i != skip)
                    from[k++] = items[i];
            }
            found.if_orders = orders_of(r, from, k);
            if (found.if_orders < found.orders)
                return fbk__fail(r->db, FBK_ECORRUPT,
                                 "the counts of the co-purchase model made no sense");
            rc = rules_add(r, found);
        }
        if (rc < 0)
            return rc;
    }
    return FBK_OK;
}

/* By confidence, then orders, both falling; else as found. */
static fbk_status
rules_sort(rules *r)
{
    bool ok;

    r->order = fbk__calloc(fbk__a(r->db), r->n, sizeof *r->order);
    if (!r->order)
        return fbk__nomem(r->db);
    for (size_t i = 0; i < r->n; i++)
        r->order[i] = (fbk__sort_item){UINT32_MAX - r->rules[i].orders, (uint32_t)i, 0};
    ok = fbk__sort_items(fbk__a(r->db), r->order, r->n);
    for (size_t i = 0; i < r->n; i++) {
        const rule *x = &r->rules[r->order[i].row];

        r->order[i].key = fbk__sort_key_double(-(double)x->orders / x->if_orders);
    }
    ok = ok && fbk__sort_items(fbk__a(r->db), r->order, r->n);
    return ok ? FBK_OK : fbk__nomem(r->db);
}

static void
rule_antecedent(const rules *r, const rule *x, fbk__buf *text)
{
    const fbk__copurchase *cp = r->cp;

    fbk__buf_clear(text);
    if (x->n_from == 1) {
        fbk__buf_str(text, fbk__item_sku(r->items, cp->item[x->from]));
        return;
    }
    for (uint32_t i = 0; i <= x->n_from; i++) {
        if (i == x->skip)
            continue;
        if (text->len)
            fbk__buf_str(text, r->opt.separator);
        fbk__buf_str(text,
                     fbk__item_sku(r->items, cp->item[cp->set_items[cp->set_start[x->set] + i]]));
    }
}

static fbk_status
rules_stream(rules *r, struct ArrowArrayStream *out_rows)
{
    fbk__table *t = fbk__table_new(fbk__a(r->db));
    int antecedent = fbk__table_column(t, "antecedent", FBK__TEXT, false);
    int n_from = fbk__table_column(t, "n_antecedent", FBK__INT64, false);
    int consequent = fbk__table_column(t, "consequent", FBK__TEXT, false);
    int orders = fbk__table_column(t, "orders", FBK__INT64, false);
    int support = fbk__table_column(t, "support", FBK__DOUBLE, false);
    int confidence = fbk__table_column(t, "confidence", FBK__DOUBLE, false);
    int lift = fbk__table_column(t, "lift", FBK__DOUBLE, false);
    int leverage = fbk__table_column(t, "leverage", FBK__DOUBLE, false);
    fbk__buf text;
    bool failed;

    fbk__buf_init(&text, fbk__a(r->db));
    for (size_t i = 0; i < r->n; i++) {
        const rule *x = &r->rules[r->order[i].row];
        fbk__measures m;

        fbk__measures_of((double)r->cp->n_orders, x->if_orders, r->cp->orders[x->to], x->orders,
                         &m);
        rule_antecedent(r, x, &text);
        fbk__table_add_text(t, antecedent, text.len ? text.data : "", text.len);
        fbk__table_add_int64(t, n_from, x->n_from);
        fbk__table_add_str(t, consequent, fbk__item_sku(r->items, r->cp->item[x->to]));
        fbk__table_add_int64(t, orders, x->orders);
        fbk__table_add_double(t, support, m.support);
        fbk__table_add_double(t, confidence, m.confidence);
        fbk__table_add_double(t, lift, m.lift);
        fbk__table_add_double(t, leverage, m.leverage);
    }
    failed = text.failed;
    fbk__buf_free(&text);
    if (failed) {
        fbk__table_free(t);
        return fbk__nomem(r->db);
    }
    return fbk__table_stream(r->db, t, 0, out_rows);
}

static fbk_status
rules_run(rules *r, struct ArrowArrayStream *out_rows)
{
    fbk_status rc = rules_of_pairs(r);

    if (rc == FBK_OK && r->opt.max_antecedent > 1)
        rc = sets_index(r);
    if (rc == FBK_OK && r->opt.max_antecedent > 1)
        rc = rules_of_sets(r);
    if (rc == FBK_OK)
        rc = rules_sort(r);
    if (rc == FBK_OK)
        rc = rules_stream(r, out_rows);
    return rc;
}

fbk_status
fbk_copurchase_rules(fbk *db, const fbk_copurchase_rules_options *options,
                     struct ArrowArrayStream *out_rows)
{
    rules r = {.db = db};
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out_rows)
        return fbk__fail_at(db, FBK_EINVAL, "out_rows", 0, "out_rows was NULL");
    rc = fbk__options_load(db, &r.opt, sizeof r.opt, RULES_V1_SIZE, options);
    if (rc == FBK_OK)
        rc = rules_check(db, &r.opt);
    if (rc < 0)
        return rc;
    fbk__map_init(&r.pairs, fbk__a(db));
    fbk__map_init(&r.sets, fbk__a(db));
    rc = fbk__copurchase_acquire(db, r.opt.name, &r.model);
    if (rc == FBK_OK)
        rc = fbk__items_acquire(db, &r.items);
    if (rc == FBK_OK) {
        r.cp = &r.model->cp;
        r.min_orders = fbk__share_of_orders(r.opt.min_support, r.cp->n_orders);
        rc = rules_reach(&r);
    }
    if (rc == FBK_OK)
        rc = rules_run(&r, out_rows);
    fbk__model_release(r.model ? &r.model->model : NULL);
    fbk__items_release(r.items);
    fbk__map_free(&r.pairs);
    fbk__map_free(&r.sets);
    fbk__free(fbk__a(db), r.rules);
    fbk__free(fbk__a(db), r.order);
    return rc;
}
