/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/copurchase.h"

#include <string.h>

#include "base/options.h"
#include "base/sort.h"
#include "base/table.h"
#include "record/catalogue.h"

_Static_assert(sizeof(fbk_copurchase_query) == 32, "version 1");

enum { QUERY_V1_SIZE = 32 };

typedef struct partner_row {
    fbk__partner p;
    uint32_t reserved0;
    fbk__measures m;
    double score;
} partner_row;

typedef struct query {
    fbk *db;
    fbk_copurchase_query opt;
    const fbk__copurchase_model *model;
    const fbk__items *items;
    uint32_t number; /* of the item asked about */
    partner_row *rows;
    fbk__sort_item *order;
    size_t n, rows_cap, order_cap;
} query;

static fbk_status
query_check(fbk *db, const fbk_copurchase_query *opt)
{
    if (opt->order_by > FBK_COPURCHASE_BY_ORDERS)
        return fbk__fail_at(db, FBK_EINVAL, "order_by", 0, "order_by was no known order");
    if (opt->n > 1000000)
        return fbk__fail_at(db, FBK_ERANGE, "n", 0, "n was not within [1, 1000000]");
    if (opt->min_people > 1000000)
        return fbk__fail_at(db, FBK_ERANGE, "min_people", 0,
                            "min_people was not within [1, 1000000]");
    if (!(opt->smoothing >= 0.0 && opt->smoothing <= 1e6))
        return fbk__fail_at(db, FBK_ERANGE, "smoothing", 0, "smoothing was not within [0, 1e6]");
    return FBK_OK;
}

/* The item itself if it was counted, else the style that it is a size or colour of. */
static fbk_status
query_find(query *q, const char *sku)
{
    uint32_t item = fbk__item_find(q->items, sku, strlen(sku));

    q->number = UINT32_MAX;
    for (int i = 0; i < 16 && item; i++) {
        uint32_t number = fbk__copurchase_find(&q->model->cp, item);

        if (number != UINT32_MAX) {
            q->number = number;
            return FBK_OK;
        }
        item = item <= q->items->n ? q->items->parent[item] : 0;
    }
    return fbk__fail_at(q->db, FBK_ENOTFOUND, "sku", 0,
                        "the item was in none of the orders that were counted");
}

static double
query_key(const query *q, const partner_row *row)
{
    switch (q->opt.order_by) {
    case FBK_COPURCHASE_BY_CONFIDENCE:
        return row->m.confidence;
    case FBK_COPURCHASE_BY_LIFT:
        return row->m.lift;
    case FBK_COPURCHASE_BY_LLR:
        return row->m.llr;
    case FBK_COPURCHASE_BY_ORDERS:
        return row->p.orders;
    default:
        return row->score;
    }
}

static fbk_status
query_add(query *q, const fbk__partner *p)
{
    const fbk__copurchase *cp = &q->model->cp;
    double n = (double)cp->n_orders, a = cp->orders[q->number], b = cp->orders[p->number];
    partner_row *row;

    if (!fbk__grow(fbk__a(q->db), &q->rows, &q->rows_cap, q->n + 1, sizeof *q->rows) ||
        !fbk__grow(fbk__a(q->db), &q->order, &q->order_cap, q->n + 1, sizeof *q->order))
        return fbk__nomem(q->db);
    row = &q->rows[q->n];
    memset(row, 0, sizeof *row);
    row->p = *p;
    row->score = fbk__copurchase_score(cp->people[q->number], cp->people[p->number], p->people,
                                       cp->shrink_milli);
    fbk__measures_of(n, a, b, p->orders, &row->m);
    row->m.confidence = fbk__confidence_smoothed(n, a, b, p->orders, q->opt.smoothing);
    q->order[q->n] = (fbk__sort_item){p->number, (uint32_t)q->n, 0};
    q->n++;
    return FBK_OK;
}

static fbk_status
query_collect(query *q)
{
    uint32_t least = q->opt.min_people ? q->opt.min_people : q->model->cp.min_people;
    fbk_status rc = FBK_OK;
    fbk__partner p;
    fbk__partners it;

    fbk__partners_of(&q->model->cp, q->number, &it);
    while (rc == FBK_OK && fbk__partners_next(&it, &p)) {
        if (p.people >= least && p.people <= p.orders &&
            p.orders <= q->model->cp.orders[p.number] && p.orders <= q->model->cp.orders[q->number])
            rc = query_add(q, &p);
    }
    if (rc == FBK_OK && it.r.bad)
        rc = fbk__fail(q->db, FBK_ECORRUPT, "the counts of the co-purchase model made no sense");
    return rc;
}

/* By the measure, falling; ties by number, which the first sort brings in order. */
static fbk_status
query_sort(query *q)
{
    bool ok = fbk__sort_items(fbk__a(q->db), q->order, q->n);

    for (size_t i = 0; i < q->n; i++)
        q->order[i].key = fbk__sort_key_double(-query_key(q, &q->rows[q->order[i].row]));
    ok = ok && fbk__sort_items(fbk__a(q->db), q->order, q->n);
    return ok ? FBK_OK : fbk__nomem(q->db);
}

static fbk__table *
query_table(const query *q)
{
    static const char *const doubles[] = {"support", "confidence", "lift", "leverage",
                                          "cosine",  "jaccard",    "llr",  "score"};
    size_t n = q->opt.n ? q->opt.n : 20;
    fbk__table *t = fbk__table_new(fbk__a(q->db));
    int item = fbk__table_column(t, "item", FBK__TEXT, false);
    int name = fbk__table_column(t, "name", FBK__TEXT, false);
    int orders = fbk__table_column(t, "orders", FBK__INT64, false);
    int people = fbk__table_column(t, "people", FBK__INT64, false);
    int first = 0;

    for (int k = 0; k < 8; k++) {
        int column = fbk__table_column(t, doubles[k], FBK__DOUBLE, false);

        first = k == 0 ? column : first;
    }
    for (size_t i = 0; i < n && i < q->n; i++) {
        const partner_row *row = &q->rows[q->order[i].row];
        uint32_t id = q->model->cp.item[row->p.number];
        double values[] = {row->m.support, row->m.confidence, row->m.lift, row->m.leverage,
                           row->m.cosine,  row->m.jaccard,    row->m.llr,  row->score};

        fbk__table_add_str(t, item, fbk__item_sku(q->items, id));
        fbk__table_add_str(t, name, fbk__item_name(q->items, id));
        fbk__table_add_int64(t, orders, row->p.orders);
        fbk__table_add_int64(t, people, row->p.people);
        for (int k = 0; k < 8; k++)
            fbk__table_add_double(t, first + k, values[k]);
    }
    return t;
}

fbk_status
fbk_copurchase_for_item(fbk *db, const char *sku, const fbk_copurchase_query *options,
                        struct ArrowArrayStream *out_rows)
{
    query q = {.db = db};
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!sku || !out_rows)
        return fbk__fail(db, FBK_EINVAL, "sku and out_rows must not be NULL");
    rc = fbk__options_load(db, &q.opt, sizeof q.opt, QUERY_V1_SIZE, options);
    if (rc == FBK_OK)
        rc = query_check(db, &q.opt);
    if (rc == FBK_OK)
        rc = fbk__copurchase_acquire(db, q.opt.name, &q.model);
    if (rc == FBK_OK)
        rc = fbk__items_acquire(db, &q.items);
    if (rc == FBK_OK)
        rc = query_find(&q, sku);
    if (rc == FBK_OK)
        rc = query_collect(&q);
    if (rc == FBK_OK)
        rc = query_sort(&q);
    if (rc == FBK_OK)
        rc = fbk__table_stream(db, query_table(&q), 0, out_rows);
    fbk__model_release(q.model ? &q.model->model : NULL);
    fbk__items_release(q.items);
    fbk__free(fbk__a(db), q.rows);
    fbk__free(fbk__a(db), q.order);
    return rc;
}
