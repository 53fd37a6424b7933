/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/itemset_math.h"

#include <string.h>

/* Depth first over sets in lexicographic order. A class is the sets that share all items but the
 * last; each member carries the orders that hold its whole set, and two members meet by
 * intersecting theirs. The first step, pairs of single items, is by far the widest: there the
 * orders of one item are walked and their items counted, instead of intersecting every two. */

typedef struct member {
    uint32_t item; /* the last of its set */
    uint32_t n;    /* orders */
    uint64_t at;   /* first of them in miner.orders */
} member;

typedef struct miner {
    const fbk_allocator *a;
    const fbk__itemset_input *in;
    const fbk__itemset_options *opt;
    fbk__itemsets *out;
    uint32_t *orders; /* a stack: classes in the making, deepest last */
    size_t n_orders, orders_cap;
    member *members; /* a stack likewise */
    size_t n_members, members_cap;
    uint32_t *count; /* by item; zero between steps */
    uint64_t *put;   /* by item: where its next order goes */
    uint32_t set[12];
} miner;

static uint64_t
itemset_bytes(const miner *m)
{
    return m->orders_cap * sizeof *m->orders + m->members_cap * sizeof *m->members +
           m->out->start_cap * sizeof *m->out->start + m->out->items_cap * sizeof *m->out->items +
           m->out->orders_cap * sizeof *m->out->orders +
           (uint64_t)m->in->n_items * (sizeof *m->count + sizeof *m->put);
}

static fbk_status
itemset_room(miner *m, void *array, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return FBK_OK;
    if (!fbk__grow(m->a, array, cap, need, size))
        return FBK_ENOMEM;
    return m->opt->budget && itemset_bytes(m) > m->opt->budget ? FBK_ETOOBIG : FBK_OK;
}

static fbk_status
itemset_give(miner *m, uint32_t size, uint32_t n_orders)
{
    fbk__itemsets *out = m->out;
    size_t at = (size_t)out->start[out->n];
    fbk_status rc;

    if (size < m->opt->min_size)
        return FBK_OK;
    rc = itemset_room(m, &out->start, &out->start_cap, out->n + 2, sizeof *out->start);
    if (rc == FBK_OK)
        rc = itemset_room(m, &out->items, &out->items_cap, at + size, sizeof *out->items);
    if (rc == FBK_OK)
        rc = itemset_room(m, &out->orders, &out->orders_cap, out->n + 1, sizeof *out->orders);
    if (rc < 0)
        return rc;
    memcpy(out->items + at, m->set, size * sizeof *m->set);
    out->orders[out->n] = n_orders;
    out->n++;
    out->start[out->n] = at + size;
    return FBK_OK;
}

/* Intersect the orders of two members onto the stack; kept as a new member if there are enough. */
static fbk_status
itemset_meet(miner *m, size_t i, size_t j)
{
    member x = m->members[i], y = m->members[j];
    const uint32_t *p, *p_end, *q, *q_end;
    uint32_t *to;
    fbk_status rc;

    rc = itemset_room(m, &m->orders, &m->orders_cap, m->n_orders + (x.n < y.n ? x.n : y.n),
                      sizeof *m->orders);
    if (rc == FBK_OK)
        rc = itemset_room(m, &m->members, &m->members_cap, m->n_members + 1, sizeof *m->members);
    if (rc < 0)
        return rc;
    p = m->orders + x.at;
    p_end = p + x.n;
    q = m->orders + y.at;
    q_end = q + y.n;
    to = m->orders + m->n_orders;
    while (p < p_end && q < q_end) {
        if (*p == *q) {
            *to++ = *p++;
            q++;
        } else if (*p < *q) {
            p++;
        } else {
            q++;
        }
    }
    x.n = (uint32_t)(to - (m->orders + m->n_orders));
    if (x.n < m->opt->min_orders)
        return FBK_OK;
    m->members[m->n_members++] = (member){y.item, x.n, m->n_orders};
    m->n_orders += x.n;
    return FBK_OK;
}

/* Give the members [first, last) of a class, whose sets have `size` items, and what grows of them.
 * As deep as the largest set: at most 12. */
static fbk_status
itemset_class(miner *m, size_t first, size_t last, uint32_t size)
{
    for (size_t i = first; i < last; i++) {
        size_t n_members = m->n_members, n_orders = m->n_orders;
        fbk_status rc;

        m->set[size - 1] = m->members[i].item;
        rc = itemset_give(m, size, m->members[i].n);
        if (size < m->opt->max_size) {
            for (size_t j = i + 1; j < last && rc == FBK_OK; j++)
                rc = itemset_meet(m, i, j);
            if (rc == FBK_OK)
                rc = itemset_class(m, n_members, m->n_members, size + 1);
        }
        if (rc < 0)
            return rc;
        m->n_members = n_members;
        m->n_orders = n_orders;
    }
    return FBK_OK;
}

/* Make members of all items after `item` that enough of its orders hold. m->count has how many. */
static fbk_status
itemset_spread(miner *m, uint32_t item)
{
    const fbk__itemset_input *in = m->in;
    fbk_status rc = FBK_OK;

    for (uint32_t b = item + 1; b < in->n_items && rc == FBK_OK; b++) {
        if (m->count[b] < m->opt->min_orders)
            continue;
        rc = itemset_room(m, &m->members, &m->members_cap, m->n_members + 1, sizeof *m->members);
        if (rc < 0)
            return rc;
        m->members[m->n_members++] = (member){b, m->count[b], m->n_orders};
        m->put[b] = m->n_orders;
        rc = itemset_room(m, &m->orders, &m->orders_cap, m->n_orders + m->count[b],
                          sizeof *m->orders);
        m->n_orders += m->count[b];
    }
    if (rc < 0)
        return rc;
    for (uint64_t i = in->item_start[item]; i < in->item_start[item + 1]; i++) {
        uint32_t order = in->item_orders[i];

        for (uint64_t j = in->order_start[order]; j < in->order_start[order + 1]; j++) {
            uint32_t b = in->order_items[j];

            if (b > item && m->count[b] >= m->opt->min_orders)
                m->orders[m->put[b]++] = order;
        }
    }
    return FBK_OK;
}

/* All sets that begin with this item. */
static fbk_status
itemset_root(miner *m, uint32_t item)
{
    const fbk__itemset_input *in = m->in;
    uint64_t n = in->item_start[item + 1] - in->item_start[item];
    fbk_status rc;

    if (n < m->opt->min_orders)
        return FBK_OK;
    m->set[0] = item;
    rc = itemset_give(m, 1, (uint32_t)n);
    if (rc < 0 || m->opt->max_size < 2)
        return rc;
    memset(m->count, 0, in->n_items * sizeof *m->count);
    for (uint64_t i = in->item_start[item]; i < in->item_start[item + 1]; i++) {
        uint32_t order = in->item_orders[i];

        for (uint64_t j = in->order_start[order]; j < in->order_start[order + 1]; j++)
            m->count[in->order_items[j]]++;
    }
    m->n_members = 0;
    m->n_orders = 0;
    rc = itemset_spread(m, item);
    if (rc < 0)
        return rc;
    return itemset_class(m, 0, m->n_members, 2);
}

fbk_status
fbk__itemsets_mine(const fbk_allocator *a, const fbk__itemset_input *in,
                   const fbk__itemset_options *opt, fbk__itemsets *out)
{
    miner m = {.a = a, .in = in, .opt = opt, .out = out};
    fbk_status rc = FBK_ENOMEM;

    memset(out, 0, sizeof *out);
    out->a = a;
    m.count = fbk__calloc(a, (size_t)in->n_items + 1, sizeof *m.count);
    m.put = fbk__calloc(a, (size_t)in->n_items + 1, sizeof *m.put);
    if (!m.count || !m.put || !fbk__grow(a, &out->start, &out->start_cap, 1, sizeof *out->start))
        goto out;
    out->start[0] = 0;
    rc = FBK_OK;
    for (uint32_t item = 0; item < in->n_items && rc == FBK_OK; item++) {
        if (opt->tick)
            rc = opt->tick(opt->user_data, item, in->n_items);
        if (rc == FBK_OK)
            rc = itemset_root(&m, item);
    }
out:
    fbk__free(a, m.count);
    fbk__free(a, m.put);
    fbk__free(a, m.orders);
    fbk__free(a, m.members);
    if (rc < 0)
        fbk__itemsets_free(out);
    return rc;
}

void
fbk__itemsets_free(fbk__itemsets *sets)
{
    fbk__free(sets->a, sets->start);
    fbk__free(sets->a, sets->items);
    fbk__free(sets->a, sets->orders);
    memset(sets, 0, sizeof *sets);
}
