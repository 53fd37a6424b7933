/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/copurchase_math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- map and merge ---------------------------------------------------------------------------- */

void
fbk__baskets_init(fbk__baskets *b, const fbk_allocator *a, uint64_t budget)
{
    memset(b, 0, sizeof *b);
    b->a = a;
    b->budget = budget;
}

void
fbk__baskets_free(fbk__baskets *b)
{
    fbk__free(b->a, b->person);
    fbk__free(b->a, b->place);
    fbk__free(b->a, b->start);
    fbk__free(b->a, b->items);
    fbk__baskets_init(b, b->a, b->budget);
}

/* Room for so many baskets (and the open one behind them) and entries. */
static fbk_status
baskets_room(fbk__baskets *b, size_t n, size_t n_items)
{
    uint64_t bytes;

    if (!fbk__grow(b->a, &b->person, &b->person_cap, n + 1, sizeof *b->person) ||
        !fbk__grow(b->a, &b->place, &b->place_cap, n + 1, sizeof *b->place) ||
        !fbk__grow(b->a, &b->start, &b->start_cap, n + 1, sizeof *b->start) ||
        !fbk__grow(b->a, &b->items, &b->items_cap, n_items + 1, sizeof *b->items))
        return FBK_ENOMEM;
    bytes = (uint64_t)b->person_cap * sizeof *b->person +
            (uint64_t)b->place_cap * sizeof *b->place + (uint64_t)b->start_cap * sizeof *b->start +
            (uint64_t)b->items_cap * sizeof *b->items;
    return b->budget && bytes > b->budget ? FBK_ETOOBIG : FBK_OK;
}

static int
compare_u32(const void *x, const void *y)
{
    uint32_t a, b;

    memcpy(&a, x, sizeof a);
    memcpy(&b, y, sizeof b);
    return (a > b) - (a < b);
}

/* Ascending without repeats; returns how many are left. */
static size_t
distinct(uint32_t *items, size_t n)
{
    size_t kept = 0;

    if (n > 16) {
        qsort(items, n, sizeof *items, compare_u32);
    } else {
        for (size_t i = 1; i < n; i++) {
            uint32_t item = items[i];
            size_t j = i;

            for (; j > 0 && items[j - 1] > item; j--)
                items[j] = items[j - 1];
            items[j] = item;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || items[i] != items[i - 1])
            items[kept++] = items[i];
    }
    return kept;
}

void
fbk__baskets_close(fbk__baskets *b)
{
    size_t first;

    if (!b->open_event)
        return;
    first = (size_t)b->start[b->n];
    b->n_items = first + distinct(b->items + first, b->n_items - first);
    b->n += b->n_items > first;
    b->open_event = 0;
}

static void
baskets_open(fbk__baskets *b, const fbk__basket_rows *rows, size_t i)
{
    uint64_t event = rows->event[i];

    b->open_event = event;
    b->person[b->n] = rows->person[i];
    b->place[b->n] = rows->place[i];
    b->start[b->n] = b->n_items;
    b->first_event = b->n_events == 0 || event < b->first_event ? event : b->first_event;
    b->last_event = event > b->last_event ? event : b->last_event;
    b->n_events++;
}

fbk_status
fbk__baskets_add(fbk__baskets *b, const fbk__basket_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->event[i] != b->open_event) {
            fbk_status rc;

            fbk__baskets_close(b);
            rc = baskets_room(b, b->n + 1, b->n_items);
            if (rc < 0)
                return rc;
            baskets_open(b, rows, i);
        }
        if (rows->item[i]) {
            if (b->n_items + 1 >= b->items_cap) {
                fbk_status rc = baskets_room(b, b->n + 1, b->n_items + 1);

                if (rc < 0)
                    return rc;
            }
            b->items[b->n_items++] = rows->item[i];
        }
    }
    return FBK_OK;
}

fbk_status
fbk__baskets_merge(fbk__baskets *into, const fbk__baskets *from)
{
    fbk_status rc = baskets_room(into, into->n + from->n, into->n_items + from->n_items);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < from->n; i++) {
        into->person[into->n + i] = from->person[i];
        into->place[into->n + i] = from->place[i];
        into->start[into->n + i] = into->n_items + from->start[i];
    }
    if (from->n_items)
        memcpy(into->items + into->n_items, from->items, from->n_items * sizeof *from->items);
    if (from->n_events && (into->n_events == 0 || from->first_event < into->first_event))
        into->first_event = from->first_event;
    if (from->last_event > into->last_event)
        into->last_event = from->last_event;
    into->n += from->n;
    into->n_items += from->n_items;
    into->n_events += from->n_events;
    return FBK_OK;
}

/* -- finish: orders by people, items by number ------------------------------------------------ */

/* Stable order of 0 … n - 1 by key, in two counting passes of 16 bits; `order` comes in as the
 * permutation to start from. */
static fbk_status
order_by(const fbk_allocator *a, const uint32_t *key, uint32_t *order, size_t n)
{
    enum { DIGITS = 1 << 16 };
    size_t *at = fbk__alloc(a, DIGITS * sizeof *at);
    uint32_t *other = fbk__calloc(a, n, sizeof *other);
    uint32_t *from = order, *to = other;

    if (!at || !other) {
        fbk__free(a, at);
        fbk__free(a, other);
        return FBK_ENOMEM;
    }
    for (unsigned shift = 0; shift < 32; shift += 16) {
        size_t sum = 0;
        uint32_t *swap = from;

        memset(at, 0, DIGITS * sizeof *at);
        for (size_t i = 0; i < n; i++)
            at[(key[i] >> shift) & (DIGITS - 1)]++;
        for (size_t d = 0; d < DIGITS; d++) {
            size_t count = at[d];

            at[d] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            to[at[(key[from[i]] >> shift) & (DIGITS - 1)]++] = from[i];
        from = to;
        to = swap;
    }
    fbk__free(a, at);
    fbk__free(a, other);
    return FBK_OK;
}

/* Number the items: o->item, and number by id in *out_number (max id + 1 entries). */
static fbk_status
orders_items(const fbk__baskets *b, fbk__orders *o, uint32_t **out_number)
{
    uint32_t max = 0;
    uint32_t *number;

    for (size_t i = 0; i < b->n_items; i++)
        max = b->items[i] > max ? b->items[i] : max;
    number = fbk__calloc(o->a, (size_t)max + 1, sizeof *number);
    if (!number)
        return FBK_ENOMEM;
    *out_number = number;
    for (size_t i = 0; i < b->n_items; i++)
        number[b->items[i]] = 1;
    for (uint64_t id = 1; id <= max; id++)
        o->n_items += number[id];
    o->item = fbk__calloc(o->a, o->n_items, sizeof *o->item);
    if (!o->item)
        return FBK_ENOMEM;
    o->n_items = 0;
    for (uint64_t id = 1; id <= max; id++) {
        if (number[id]) {
            o->item[o->n_items] = (uint32_t)id;
            number[id] = o->n_items++;
        }
    }
    return FBK_OK;
}

/* Copy the baskets in the order of their people. */
static void
orders_fill(const fbk__baskets *b, const uint32_t *order, const uint32_t *number, fbk__orders *o)
{
    uint64_t at = 0;
    uint32_t last = 0;

    for (uint32_t i = 0; i < o->n; i++) {
        size_t from = order[i];
        uint64_t end = from + 1 < b->n ? b->start[from + 1] : b->n_items;
        uint32_t person = b->person[from];

        if (i > 0 && (person == 0 || person != last))
            o->n_people++;
        last = person;
        o->n_anonymous += person == 0;
        o->person[i] = o->n_people;
        o->place[i] = b->place[from];
        o->start[i] = at;
        for (uint64_t j = b->start[from]; j < end; j++)
            o->items[at++] = number[b->items[j]];
    }
    o->start[o->n] = at;
    o->n_people += o->n > 0;
}

/* The other way round: item_orders and item_people. */
static void
orders_invert(fbk__orders *o, uint32_t *last_person)
{
    for (uint64_t i = 0; i < o->start[o->n]; i++)
        o->item_start[o->items[i] + 1]++;
    for (uint32_t k = 0; k < o->n_items; k++)
        o->item_start[k + 1] += o->item_start[k];
    for (uint32_t i = 0; i < o->n; i++) {
        for (uint64_t j = o->start[i]; j < o->start[i + 1]; j++) {
            uint32_t item = o->items[j];

            o->item_orders[o->item_start[item]++] = i;
            if (last_person[item] != o->person[i] + 1) {
                last_person[item] = o->person[i] + 1;
                o->item_people[item]++;
            }
        }
    }
    /* Filling moved each start to the next one's: move them back. */
    for (uint32_t k = o->n_items; k > 0; k--)
        o->item_start[k] = o->item_start[k - 1];
    o->item_start[0] = 0;
}

static fbk_status
orders_alloc(const fbk__baskets *b, fbk__orders *o)
{
    o->person = fbk__calloc(o->a, o->n, sizeof *o->person);
    o->place = fbk__calloc(o->a, o->n, sizeof *o->place);
    o->start = fbk__calloc(o->a, (size_t)o->n + 1, sizeof *o->start);
    o->items = fbk__calloc(o->a, b->n_items, sizeof *o->items);
    o->item_start = fbk__calloc(o->a, (size_t)o->n_items + 1, sizeof *o->item_start);
    o->item_orders = fbk__calloc(o->a, b->n_items, sizeof *o->item_orders);
    o->item_people = fbk__calloc(o->a, o->n_items, sizeof *o->item_people);
    return o->person && o->place && o->start && o->items && o->item_start && o->item_orders &&
                   o->item_people
               ? FBK_OK
               : FBK_ENOMEM;
}

fbk_status
fbk__orders_make(const fbk__baskets *b, uint64_t budget, fbk__orders *out)
{
    uint32_t *order = NULL, *number = NULL, *last = NULL;
    fbk_status rc = FBK_ENOMEM;

    memset(out, 0, sizeof *out);
    out->a = b->a;
    if (b->n >= UINT32_MAX || (budget && (uint64_t)b->n * 24 + (uint64_t)b->n_items * 8 > budget))
        return FBK_ETOOBIG;
    out->n = (uint32_t)b->n;
    order = fbk__calloc(b->a, b->n, sizeof *order);
    if (!order)
        goto out;
    for (uint32_t i = 0; i < out->n; i++)
        order[i] = i;
    rc = order_by(b->a, b->person, order, b->n);
    if (rc == FBK_OK)
        rc = orders_items(b, out, &number);
    if (rc == FBK_OK)
        rc = orders_alloc(b, out);
    if (rc < 0)
        goto out;
    last = fbk__calloc(b->a, out->n_items, sizeof *last);
    if (!last) {
        rc = FBK_ENOMEM;
        goto out;
    }
    orders_fill(b, order, number, out);
    orders_invert(out, last);
out:
    fbk__free(b->a, order);
    fbk__free(b->a, number);
    fbk__free(b->a, last);
    if (rc < 0)
        fbk__orders_free(out);
    return rc;
}

void
fbk__orders_free(fbk__orders *o)
{
    fbk__free(o->a, o->person);
    fbk__free(o->a, o->place);
    fbk__free(o->a, o->start);
    fbk__free(o->a, o->items);
    fbk__free(o->a, o->item);
    fbk__free(o->a, o->item_start);
    fbk__free(o->a, o->item_orders);
    fbk__free(o->a, o->item_people);
    memset(o, 0, sizeof *o);
}

/* -- finish: counts ---------------------------------------------------------------------------- */

/* One row of counts, dense by item; `touched` says which are not zero. */
typedef struct counter {
    uint32_t *orders;
    uint32_t *people;
    uint32_t *last_person; /* + 1 */
    uint32_t *touched;
    size_t n_touched;
} counter;

static void
counter_free(const fbk_allocator *a, counter *c)
{
    fbk__free(a, c->orders);
    fbk__free(a, c->people);
    fbk__free(a, c->last_person);
    fbk__free(a, c->touched);
}

static fbk_status
counter_make(const fbk_allocator *a, size_t n, counter *c)
{
    c->orders = fbk__calloc(a, n, sizeof *c->orders);
    c->people = fbk__calloc(a, n, sizeof *c->people);
    c->last_person = fbk__calloc(a, n, sizeof *c->last_person);
    c->touched = fbk__calloc(a, n, sizeof *c->touched);
    c->n_touched = 0;
    return c->orders && c->people && c->last_person && c->touched ? FBK_OK : FBK_ENOMEM;
}

/* Count all items of an order once for its person. */
static void
counter_add(counter *c, const fbk__orders *o, uint32_t order)
{
    uint32_t person = o->person[order] + 1;

    for (uint64_t j = o->start[order]; j < o->start[order + 1]; j++) {
        uint32_t b = o->items[j];

        if (c->orders[b]++ == 0)
            c->touched[c->n_touched++] = b;
        if (c->last_person[b] != person) {
            c->last_person[b] = person;
            c->people[b]++;
        }
    }
}

/* Take the counts out, all but `skip`, and leave zeros. */
static size_t
counter_take(counter *c, uint32_t skip, fbk__partner *out)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_touched; i++) {
        uint32_t b = c->touched[i];

        if (b != skip)
            out[n++] = (fbk__partner){b, c->orders[b], c->people[b]};
        c->orders[b] = 0;
        c->people[b] = 0;
        c->last_person[b] = 0;
    }
    c->n_touched = 0;
    return n;
}

typedef struct scored {
    double score;
    fbk__partner partner;
    uint32_t reserved0;
} scored;

static int
compare_scored(const void *x, const void *y)
{
    const scored *a = x, *b = y;

    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    return (a->partner.number > b->partner.number) - (a->partner.number < b->partner.number);
}

static int
compare_number(const void *x, const void *y)
{
    const fbk__partner *a = x, *b = y;

    return (a->number > b->number) - (a->number < b->number);
}

static int
compare_popular(const void *x, const void *y)
{
    const fbk__partner *a = x, *b = y;

    if (a->people != b->people)
        return a->people < b->people ? 1 : -1;
    if (a->orders != b->orders)
        return a->orders < b->orders ? 1 : -1;
    return (a->number > b->number) - (a->number < b->number);
}

/* Partners to be served to the front, by score, the rest by number; returns how many are served. */
static size_t
pairs_sort(const fbk__orders *o, const fbk__pairs_options *opt, uint32_t number,
           fbk__partner *partners, size_t n, scored *room)
{
    size_t served = 0, rest = 0;

    for (size_t i = 0; i < n; i++) {
        fbk__partner p = partners[i];

        if (p.people >= opt->min_people) {
            room[served].score = fbk__copurchase_score(
                o->item_people[number], o->item_people[p.number], p.people, opt->shrink_milli);
            room[served++].partner = p;
        } else {
            partners[rest++] = p;
        }
    }
    qsort(partners, rest, sizeof *partners, compare_number);
    if (rest)
        memmove(partners + served, partners, rest * sizeof *partners);
    qsort(room, served, sizeof *room, compare_scored);
    for (size_t i = 0; i < served; i++)
        partners[i] = room[i].partner;
    return served;
}

fbk_status
fbk__pairs_count(const fbk__orders *o, const fbk__pairs_options *opt)
{
    fbk__partner *partners = fbk__calloc(o->a, o->n_items, sizeof *partners);
    scored *room = fbk__calloc(o->a, o->n_items, sizeof *room);
    counter c = {0};
    fbk_status rc = counter_make(o->a, o->n_items, &c);

    if (!partners || !room)
        rc = FBK_ENOMEM;
    for (uint32_t number = 0; number < o->n_items && rc == FBK_OK; number++) {
        size_t n, served;

        for (uint64_t i = o->item_start[number]; i < o->item_start[number + 1]; i++)
            counter_add(&c, o, o->item_orders[i]);
        n = counter_take(&c, number, partners);
        served = pairs_sort(o, opt, number, partners, n, room);
        rc = opt->row(opt->user_data, number, partners, served, n);
    }
    counter_free(o->a, &c);
    fbk__free(o->a, partners);
    fbk__free(o->a, room);
    return rc;
}

fbk_status
fbk__places_count(const fbk__orders *o, fbk__place_fn fn, void *user_data)
{
    uint32_t *order = fbk__calloc(o->a, o->n, sizeof *order);
    fbk__partner *items = fbk__calloc(o->a, o->n_items, sizeof *items);
    counter c = {0};
    fbk_status rc = counter_make(o->a, o->n_items, &c);

    if (!order || !items)
        rc = FBK_ENOMEM;
    for (uint32_t i = 0; i < o->n && rc == FBK_OK; i++)
        order[i] = i;
    if (rc == FBK_OK)
        rc = order_by(o->a, o->place, order, o->n);
    for (uint32_t i = 0; i < o->n && rc == FBK_OK;) {
        uint32_t place = o->place[order[i]], first = i, n_people = 0;
        size_t n;

        for (; i < o->n && o->place[order[i]] == place; i++) {
            n_people += i == first || o->person[order[i]] != o->person[order[i - 1]];
            counter_add(&c, o, order[i]);
        }
        n = counter_take(&c, UINT32_MAX, items);
        qsort(items, n, sizeof *items, compare_popular);
        rc = fn(user_data, place, i - first, n_people, items, n);
    }
    counter_free(o->a, &c);
    fbk__free(o->a, order);
    fbk__free(o->a, items);
    return rc;
}

/* -- measures ---------------------------------------------------------------------------------- */

static double
x_log_x_over(double observed, double expected)
{
    return observed > 0.0 ? observed * log(observed / expected) : 0.0;
}

/* G2 = 2 sum O log(O / E) over the four cells of the table, E from the margins. A cell of 0 adds
 * nothing; where a margin is 0 so is its cell. */
static double
log_likelihood_ratio(double n, double a, double b, double ab)
{
    double g = x_log_x_over(ab, a * b / n) + x_log_x_over(a - ab, a * (n - b) / n) +
               x_log_x_over(b - ab, (n - a) * b / n) +
               x_log_x_over(n - a - b + ab, (n - a) * (n - b) / n);

    /* Rounding can take a table of pure chance a hair below 0. */
    g = g > 0.0 ? 2.0 * g : 0.0;
    return ab * n < a * b ? -g : g;
}

void
fbk__measures_of(double n, double a, double b, double ab, fbk__measures *out)
{
    out->support = ab / n;
    out->confidence = ab / a;
    out->lift = ab * n / (a * b);
    out->leverage = ab / n - (a / n) * (b / n);
    out->cosine = ab / sqrt(a * b);
    out->jaccard = ab / (a + b - ab);
    out->llr = log_likelihood_ratio(n, a, b, ab);
}

double
fbk__copurchase_score(uint32_t a, uint32_t b, uint32_t ab, uint32_t shrink_milli)
{
    double x = ab, shrink = shrink_milli / 1000.0;

    if (ab == 0)
        return 0.0;
    return x / sqrt((double)a * (double)b) * (x / (x + shrink));
}

double
fbk__confidence_smoothed(double n, double a, double b, double ab, double weight)
{
    return (ab + weight * (b / n)) / (a + weight);
}
