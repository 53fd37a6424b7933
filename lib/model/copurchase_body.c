/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/copurchase_body.h"

#include <string.h>

#include "base/sort.h"

/* -- writing ----------------------------------------------------------------------------------- */

typedef struct writer {
    const fbk__orders *o;
    fbk__copurchase_write *how;
    fbk__buf *body;
    fbk__buf row;    /* one row, before its length is known */
    fbk__buf places; /* all places, before their number is known */
    uint32_t n_places;
    uint32_t last_place;
} writer;

static void
put_partner(fbk__buf *buf, uint64_t number, const fbk__partner *p)
{
    fbk__buf_uvarint(buf, number);
    fbk__buf_uvarint(buf, p->people);
    fbk__buf_uvarint(buf, p->orders - p->people);
}

static void
put_row(fbk__buf *to, const fbk__buf *row)
{
    fbk__buf_uvarint(to, row->len);
    fbk__buf_add(to, row->data, row->len);
}

static fbk_status
write_row(void *user_data, uint32_t number, const fbk__partner *partners, size_t n_served, size_t n)
{
    writer *w = user_data;
    uint32_t last = 0;

    fbk__buf_clear(&w->row);
    fbk__buf_uvarint(&w->row, n_served);
    fbk__buf_uvarint(&w->row, n - n_served);
    for (size_t i = 0; i < n; i++) {
        put_partner(&w->row, partners[i].number - (i < n_served ? 0 : last), &partners[i]);
        last = i < n_served ? 0 : partners[i].number;
    }
    put_row(w->body, &w->row);
    w->how->n_pairs += n;
    w->how->n_served += n_served;
    if (w->row.failed || w->body->failed)
        return FBK_ENOMEM;
    if (w->how->budget && w->body->cap + w->row.cap > w->how->budget)
        return FBK_ETOOBIG;
    return w->how->tick ? w->how->tick(w->how->user_data, number + 1, w->o->n_items) : FBK_OK;
}

static fbk_status
write_place(void *user_data, uint32_t place, uint32_t n_orders, uint32_t n_people,
            const fbk__partner *items, size_t n)
{
    writer *w = user_data;

    fbk__buf_clear(&w->row);
    fbk__buf_uvarint(&w->row, n_orders);
    fbk__buf_uvarint(&w->row, n_people);
    fbk__buf_uvarint(&w->row, n);
    for (size_t i = 0; i < n; i++)
        put_partner(&w->row, items[i].number, &items[i]);
    fbk__buf_uvarint(&w->places, place - w->last_place);
    put_row(&w->places, &w->row);
    w->last_place = place;
    w->n_places++;
    if (w->row.failed || w->places.failed)
        return FBK_ENOMEM;
    if (w->how->budget && w->body->cap + w->places.cap > w->how->budget)
        return FBK_ETOOBIG;
    return FBK_OK;
}

static void
write_sets(fbk__buf *body, const fbk__itemsets *sets)
{
    fbk__buf_uvarint(body, sets ? sets->n : 0);
    for (size_t i = 0; sets && i < sets->n; i++) {
        uint32_t last = 0;

        fbk__buf_uvarint(body, sets->start[i + 1] - sets->start[i]);
        for (uint64_t j = sets->start[i]; j < sets->start[i + 1]; j++) {
            fbk__buf_uvarint(body, sets->items[j] - last);
            last = sets->items[j];
        }
        fbk__buf_uvarint(body, sets->orders[i]);
    }
}

fbk_status
fbk__copurchase_write_body(const fbk__orders *o, const fbk__itemsets *sets,
                           fbk__copurchase_write *how, fbk__buf *body)
{
    writer w = {.o = o, .how = how, .body = body};
    fbk__pairs_options opt = {how->min_people, how->shrink_milli, write_row, &w};
    uint32_t last = 0;
    fbk_status rc;

    how->n_pairs = 0;
    how->n_served = 0;
    fbk__buf_init(&w.row, o->a);
    fbk__buf_init(&w.places, o->a);
    fbk__buf_uvarint(body, o->n);
    fbk__buf_uvarint(body, o->n_people);
    fbk__buf_uvarint(body, o->n_anonymous);
    fbk__buf_uvarint(body, o->n_items);
    fbk__buf_uvarint(body, how->min_people);
    fbk__buf_uvarint(body, how->shrink_milli);
    for (uint32_t i = 0; i < o->n_items; i++) {
        fbk__buf_uvarint(body, o->item[i] - last);
        fbk__buf_uvarint(body, o->item_start[i + 1] - o->item_start[i]);
        fbk__buf_uvarint(body, o->item_people[i]);
        last = o->item[i];
    }
    rc = fbk__pairs_count(o, &opt);
    /* Every pair was seen from both sides. */
    how->n_pairs /= 2;
    how->n_served /= 2;
    if (rc == FBK_OK)
        rc = fbk__places_count(o, write_place, &w);
    if (rc == FBK_OK) {
        fbk__buf_uvarint(body, w.n_places);
        if (w.places.len)
            fbk__buf_add(body, w.places.data, w.places.len);
        fbk__buf_uvarint(body, how->max_set);
        fbk__buf_uvarint(body, how->set_min_orders);
        write_sets(body, sets);
        rc = body->failed ? FBK_ENOMEM : FBK_OK;
    }
    fbk__buf_free(&w.row);
    fbk__buf_free(&w.places);
    return rc;
}

/* -- reading ----------------------------------------------------------------------------------- */

/* A varint that must not exceed `max`. */
static uint64_t
get(fbk__reader *r, uint64_t max)
{
    uint64_t value = fbk__read_uvarint(r);

    if (value > max) {
        r->bad = true;
        return 0;
    }
    return value;
}

static fbk_status
open_items(fbk__copurchase *cp, fbk__reader *r)
{
    uint64_t last = 0;

    cp->item = fbk__calloc(cp->a, cp->n_items, sizeof *cp->item);
    cp->orders = fbk__calloc(cp->a, cp->n_items, sizeof *cp->orders);
    cp->people = fbk__calloc(cp->a, cp->n_items, sizeof *cp->people);
    cp->row_at = fbk__calloc(cp->a, cp->n_items, sizeof *cp->row_at);
    cp->row_len = fbk__calloc(cp->a, cp->n_items, sizeof *cp->row_len);
    if (!cp->item || !cp->orders || !cp->people || !cp->row_at || !cp->row_len)
        return FBK_ENOMEM;
    for (uint32_t i = 0; i < cp->n_items && !r->bad; i++) {
        uint64_t step = get(r, UINT32_MAX - last);

        last += step;
        cp->item[i] = (uint32_t)last;
        cp->orders[i] = (uint32_t)get(r, cp->n_orders);
        cp->people[i] = (uint32_t)get(r, cp->orders[i]);
        r->bad |= step == 0 || cp->people[i] == 0 || cp->people[i] > cp->n_people;
    }
    for (uint32_t i = 0; i < cp->n_items && !r->bad; i++) {
        cp->row_len[i] = (uint32_t)get(r, UINT32_MAX);
        cp->row_at[i] = (size_t)(r->p - cp->body);
        (void)fbk__read_bytes(r, cp->row_len[i]);
    }
    return FBK_OK;
}

/* Numbers by people, then orders, then id: two stable passes, least key first. */
static fbk_status
open_popular(fbk__copurchase *cp)
{
    fbk__sort_item *order = fbk__calloc(cp->a, cp->n_items, sizeof *order);
    bool ok;

    cp->popular = fbk__calloc(cp->a, cp->n_items, sizeof *cp->popular);
    ok = order && cp->popular;
    for (uint32_t i = 0; ok && i < cp->n_items; i++) {
        order[i].row = i;
        order[i].key = ~((uint64_t)cp->people[i] << 32 | cp->orders[i]);
    }
    ok = ok && fbk__sort_items(cp->a, order, cp->n_items);
    for (uint32_t i = 0; ok && i < cp->n_items; i++)
        cp->popular[i] = order[i].row;
    fbk__free(cp->a, order);
    return ok ? FBK_OK : FBK_ENOMEM;
}

static fbk_status
open_places(fbk__copurchase *cp, fbk__reader *r)
{
    uint64_t last = 0, n = get(r, cp->n_orders);

    for (uint64_t i = 0; i < n && !r->bad; i++) {
        uint64_t step = get(r, UINT32_MAX - last);

        r->bad |= i > 0 && step == 0;
        last += step;
        if (!fbk__grow(cp->a, &cp->place, &cp->place_cap, i + 1, sizeof *cp->place) ||
            !fbk__grow(cp->a, &cp->place_at, &cp->place_at_cap, i + 1, sizeof *cp->place_at) ||
            !fbk__grow(cp->a, &cp->place_len, &cp->place_len_cap, i + 1, sizeof *cp->place_len))
            return FBK_ENOMEM;
        cp->place[i] = (uint32_t)last;
        cp->place_len[i] = (uint32_t)get(r, UINT32_MAX);
        cp->place_at[i] = (size_t)(r->p - cp->body);
        (void)fbk__read_bytes(r, cp->place_len[i]);
        cp->n_places++;
    }
    return FBK_OK;
}

static fbk_status
open_sets(fbk__copurchase *cp, fbk__reader *r)
{
    size_t at = 0;

    cp->max_set = (uint32_t)get(r, FBK__SET_MAX);
    cp->set_min_orders = (uint32_t)get(r, UINT32_MAX);
    /* A set takes at least five bytes: size, three items, orders. */
    cp->n_sets = (size_t)get(r, (uint64_t)(r->end - r->p) / 5);
    cp->set_start = fbk__calloc(cp->a, cp->n_sets + 1, sizeof *cp->set_start);
    cp->set_orders = fbk__calloc(cp->a, cp->n_sets, sizeof *cp->set_orders);
    if (!cp->set_start || !cp->set_orders)
        return FBK_ENOMEM;
    for (size_t i = 0; i < cp->n_sets && !r->bad; i++) {
        uint64_t size = get(r, FBK__SET_MAX), last = 0;

        if (size < 3 || !fbk__grow(cp->a, &cp->set_items, &cp->set_items_cap, at + (size_t)size,
                                   sizeof *cp->set_items)) {
            r->bad |= size < 3;
            return size < 3 ? FBK_OK : FBK_ENOMEM;
        }
        for (uint64_t j = 0; j < size && !r->bad; j++) {
            uint64_t step = get(r, UINT32_MAX);

            last += step;
            r->bad |= (j > 0 && step == 0) || last >= cp->n_items;
            cp->set_items[at++] = (uint32_t)last;
        }
        cp->set_orders[i] = (uint32_t)get(r, cp->n_orders);
        r->bad |= cp->set_orders[i] == 0;
        cp->set_start[i + 1] = at;
    }
    return FBK_OK;
}

fbk_status
fbk__copurchase_open(fbk__copurchase *cp, const fbk_allocator *a, void *body, size_t len)
{
    fbk__reader r = {body, (const unsigned char *)body + len, false};
    fbk_status rc = FBK_OK;

    memset(cp, 0, sizeof *cp);
    cp->a = a;
    cp->body = body;
    cp->len = len;
    cp->n_orders = get(&r, UINT32_MAX);
    cp->n_people = get(&r, cp->n_orders);
    cp->n_anonymous = get(&r, cp->n_people);
    /* An item takes at least five bytes: three here and two of its row. */
    cp->n_items = (uint32_t)get(&r, (uint64_t)len / 5);
    cp->min_people = (uint32_t)get(&r, UINT32_MAX);
    cp->shrink_milli = (uint32_t)get(&r, UINT32_MAX);
    if (!r.bad)
        rc = open_items(cp, &r);
    if (rc == FBK_OK && !r.bad)
        rc = open_places(cp, &r);
    if (rc == FBK_OK && !r.bad)
        rc = open_sets(cp, &r);
    if (rc == FBK_OK && (r.bad || r.p != r.end))
        rc = FBK_ECORRUPT;
    if (rc == FBK_OK)
        rc = open_popular(cp);
    if (rc < 0) {
        cp->body = NULL;
        fbk__copurchase_free(cp);
    }
    return rc;
}

void
fbk__copurchase_free(fbk__copurchase *cp)
{
    fbk__free(cp->a, cp->body);
    fbk__free(cp->a, cp->item);
    fbk__free(cp->a, cp->orders);
    fbk__free(cp->a, cp->people);
    fbk__free(cp->a, cp->popular);
    fbk__free(cp->a, cp->row_at);
    fbk__free(cp->a, cp->row_len);
    fbk__free(cp->a, cp->place);
    fbk__free(cp->a, cp->place_at);
    fbk__free(cp->a, cp->place_len);
    fbk__free(cp->a, cp->set_start);
    fbk__free(cp->a, cp->set_items);
    fbk__free(cp->a, cp->set_orders);
    memset(cp, 0, sizeof *cp);
}

/* Place of a key in an ascending array; n when it is not there. */
static uint32_t
find_u32(const uint32_t *sorted, uint32_t n, uint32_t key)
{
    uint32_t low = 0, high = n;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (sorted[mid] < key)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && sorted[low] == key ? low : n;
}

uint32_t
fbk__copurchase_find(const fbk__copurchase *cp, uint32_t item)
{
    uint32_t at = find_u32(cp->item, cp->n_items, item);

    return at < cp->n_items ? at : UINT32_MAX;
}

void
fbk__partners_of(const fbk__copurchase *cp, uint32_t number, fbk__partners *it)
{
    const unsigned char *row = cp->body + cp->row_at[number];

    *it = (fbk__partners){.r = {row, row + cp->row_len[number], false}, .n_items = cp->n_items};
    it->served_left = get(&it->r, cp->n_items);
    it->rest_left = get(&it->r, cp->n_items);
}

bool
fbk__partners_next(fbk__partners *it, fbk__partner *out)
{
    uint64_t number, people, more;

    if (it->r.bad || (it->served_left == 0 && it->rest_left == 0))
        return false;
    number = fbk__read_uvarint(&it->r);
    people = fbk__read_uvarint(&it->r);
    more = fbk__read_uvarint(&it->r);
    if (it->served_left) {
        it->served_left--;
    } else {
        it->rest_left--;
        number = number < it->n_items ? number + it->last : UINT64_MAX;
        it->last = number;
    }
    if (it->r.bad || number >= it->n_items || people > UINT32_MAX || more > UINT32_MAX - people) {
        it->r.bad = true;
        return false;
    }
    *out = (fbk__partner){(uint32_t)number, (uint32_t)(people + more), (uint32_t)people};
    return true;
}

bool
fbk__place_popular(const fbk__copurchase *cp, uint32_t place, uint64_t *out_orders,
                   uint64_t *out_people, fbk__partners *it)
{
    uint32_t at = find_u32(cp->place, cp->n_places, place);
    const unsigned char *row;

    if (at == cp->n_places)
        return false;
    row = cp->body + cp->place_at[at];
    *it = (fbk__partners){.r = {row, row + cp->place_len[at], false}, .n_items = cp->n_items};
    *out_orders = get(&it->r, cp->n_orders);
    *out_people = get(&it->r, cp->n_people);
    it->served_left = get(&it->r, cp->n_items);
    return !it->r.bad;
}
