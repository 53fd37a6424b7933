/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "act/recommend.h"

#include <math.h>
#include <string.h>

#include "base/options.h"
#include "record/identity.h"

_Static_assert(sizeof(fbk_recommend_request) == 96, "version 1");
_Static_assert(sizeof(fbk_recommendations) == 72, "version 1");

enum {
    REQUEST_V1_SIZE = 96,
    RESULT_V1_SIZE = 72,
    PARTNERS = 100,       /* of one item that are looked at, at least */
    HISTORY_EVENTS = 1000 /* latest events of a person */
};

/* -- the request ------------------------------------------------------------------------------- */

static fbk_status
texts_check(fbk *db, const char *field, const char *const *texts, uint32_t n, uint32_t max)
{
    if (n > max)
        return fbk__fail_at(db, FBK_ERANGE, field, 0, "there were more than %u SKUs in %s", max,
                            field);
    if (n && !texts)
        return fbk__fail_at(db, FBK_EINVAL, field, 0, "%s was NULL", field);
    for (uint32_t i = 0; i < n; i++) {
        if (!texts[i])
            return fbk__fail_at(db, FBK_EINVAL, field, (int64_t)i + 1, "a SKU in %s was NULL",
                                field);
    }
    return FBK_OK;
}

static fbk_status
request_check(fbk *db, fbk_recommend_request *req)
{
    fbk_status rc = texts_check(db, "basket", req->basket, req->n_basket, 1000);

    if (rc == FBK_OK)
        rc = texts_check(db, "exclude", req->exclude, req->n_exclude, 100000);
    if (rc < 0)
        return rc;
    if (req->flags & ~7u)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags held an unknown bit");
    if (req->reserved0)
        return fbk__fail_at(db, FBK_EINVAL, "reserved0", 0, "reserved0 was not 0");
    if (req->n > 1000)
        return fbk__fail_at(db, FBK_ERANGE, "n", 0, "n was not within [1, 1000]");
    if (req->as_of_us < FBK_TIME_MIN || req->as_of_us > FBK_TIME_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "as_of_us", 0, "as_of_us was no valid instant");
    if (!req->space != !req->value)
        return fbk__fail_at(db, FBK_EINVAL, "space", 0, "space and value must be given together");
    req->n = req->n ? req->n : 10;
    return FBK_OK;
}

/* -- collecting -------------------------------------------------------------------------------- */

/* Number of a SKU in the counts, as its style if it was not counted itself; UINT32_MAX if neither
 * was. */
static uint32_t
answer_number(const fbk__answer *x, const char *sku)
{
    uint32_t item = fbk__item_find(x->items, sku, strlen(sku));
    uint32_t number = item ? fbk__copurchase_find(&x->model->cp, item) : UINT32_MAX;

    if (item && number == UINT32_MAX)
        number = fbk__copurchase_find(&x->model->cp, fbk__item_style(x->items, item));
    return number;
}

static void
basket_add(fbk__answer *x, const char *sku)
{
    uint32_t number = answer_number(x, sku);

    if (number == UINT32_MAX) {
        x->flags |= FBK_RECOMMENDED_UNKNOWN;
        return;
    }
    for (size_t i = 0; i < x->n_basket; i++) {
        if (x->basket[i] == number)
            return;
    }
    x->basket[x->n_basket++] = number;
}

static fbk_status
answer_basket(fbk__answer *x)
{
    x->basket = fbk__calloc(fbk__a(x->db), (size_t)x->req.n_basket + 1, sizeof *x->basket);
    if (!x->basket)
        return FBK_ENOMEM;
    for (uint32_t i = 0; i < x->req.n_basket; i++)
        basket_add(x, x->req.basket[i]);
    if (x->req.item)
        basket_add(x, x->req.item);
    return FBK_OK;
}

/* The person's purchases before the instant; nobody known is no failure. */
static fbk_status
answer_taste(fbk__answer *x)
{
    fbk__person person = {0};
    uint32_t node = 0;
    fbk_status rc;

    if (!x->req.space)
        return FBK_OK;
    rc = fbk__identity_node(x->db, x->req.space, x->req.value, &node);
    if (rc == FBK_OK)
        rc = fbk__identity_person(x->db, node, FBK_TIME_NONE, &person);
    if (rc == FBK_OK)
        rc = fbk__taste_read(x->db, x->items, person.nodes, person.n_nodes, x->req.as_of_us,
                             HISTORY_EVENTS, &x->taste);
    fbk__person_free(x->db, &person);
    if (rc == FBK_ENOTFOUND) {
        fbk__err_clear(x->db);
        rc = FBK_OK;
    }
    if (rc == FBK_OK && x->taste.n_orders == 0)
        x->flags |= FBK_RECOMMENDED_COLD;
    return rc;
}

static void
answer_leave_out(fbk__answer *x)
{
    fbk__candidates *c = &x->candidates;

    for (size_t i = 0; i < x->n_basket; i++)
        fbk__candidates_leave_out(c, x->basket[i]);
    for (uint32_t i = 0; i < x->req.n_exclude; i++) {
        uint32_t number = answer_number(x, x->req.exclude[i]);

        if (number != UINT32_MAX)
            fbk__candidates_leave_out(c, number);
    }
    for (size_t i = 0; i < c->n; i++) {
        fbk__candidate *y = &c->list[i];
        uint32_t item = x->model->cp.item[y->number];

        if (item <= x->items->n && (x->items->flags[item] & FBK__ITEM_DISCONTINUED))
            y->left_out = 1;
        if ((x->req.flags & FBK_RECOMMEND_NEW_ONLY) && y->times)
            y->left_out = 1;
        if (!(x->req.flags & FBK_RECOMMEND_IGNORE_STOCK) &&
            fbk__family_is_out(x->families, x->stock, item, x->place))
            y->left_out = 1;
    }
}

/* The weather at the place, and what it does to each candidate: without a model, nothing. */
static fbk_status
answer_weather(fbk__answer *x)
{
    fbk_status rc;

    if (x->req.flags & FBK_RECOMMEND_NO_WEATHER)
        return FBK_OK;
    rc = fbk__climate_acquire(x->db, &x->climate);
    if (rc == FBK_ENOTFOUND) {
        fbk__err_clear(x->db);
        return FBK_OK;
    }
    if (rc == FBK_OK)
        rc = fbk__context_fill(x->db, x->climate, x->place, x->req.as_of_us, x->req.weather,
                               &x->context);
    if (rc < 0)
        return rc;
    if (x->context.flags & FBK_CONTEXT_USUAL)
        x->flags |= FBK_RECOMMENDED_USUAL;
    for (size_t i = 0; i < x->candidates.n; i++) {
        fbk__candidate *y = &x->candidates.list[i];

        y->weather =
            fbk__context_factor(x->climate, &x->context, x->model->cp.item[y->number], NULL);
    }
    return FBK_OK;
}

static fbk_status
answer_candidates(fbk__answer *x)
{
    size_t n = x->req.n;
    size_t max_partners = PARTNERS > 2 * n ? PARTNERS : 2 * n;
    /* So many popular ones that enough are left when all that can be left out is. */
    size_t want = n + x->n_basket + x->req.n_exclude +
                  ((x->req.flags & FBK_RECOMMEND_NEW_ONLY) ? x->taste.n : 0) + PARTNERS;
    fbk_status rc = fbk__candidates_basket(&x->candidates, x->basket, x->n_basket, max_partners);

    if (rc == FBK_OK)
        rc = fbk__candidates_person(&x->candidates, &x->taste, max_partners);
    if (rc == FBK_OK)
        rc = fbk__candidates_popular(&x->candidates, x->place, want);
    if (rc < 0)
        return rc;
    answer_leave_out(x);
    rc = answer_weather(x);
    if (rc < 0)
        return rc;
    fbk__candidates_score(&x->candidates);
    x->best = fbk__calloc(fbk__a(x->db), n, sizeof *x->best);
    if (!x->best)
        return FBK_ENOMEM;
    x->n_best = fbk__candidates_best(&x->candidates, x->best, n);
    for (size_t i = 0; i < x->n_best; i++) {
        if (x->candidates.list[x->best[i]].weather != 1.0)
            x->flags |= FBK_RECOMMENDED_WEATHER;
    }
    return FBK_OK;
}

static fbk_status
answer_snapshots(fbk__answer *x)
{
    fbk_status rc = fbk__copurchase_acquire(x->db, x->req.model, &x->model);

    if (rc == FBK_ENOTFOUND)
        return fbk__fail_at(x->db, FBK_ENODATA, "model", 0,
                            "nothing was known of what sells: no co-purchase model was trained");
    if (rc == FBK_OK)
        rc = fbk__items_acquire(x->db, &x->items);
    if (rc == FBK_OK)
        rc = fbk__families_acquire(x->db, &x->families);
    if (rc == FBK_OK)
        rc = fbk__stock_acquire(x->db, &x->stock);
    if (rc == FBK_OK)
        rc = fbk__places_acquire(x->db, &x->places);
    if (rc < 0 || !x->req.place)
        return rc;
    x->place = fbk__place_find(x->places, x->req.place, strlen(x->req.place));
    return x->place
               ? FBK_OK
               : fbk__fail_at(x->db, FBK_ENOTFOUND, "place", 0, "there was no place of that code");
}

fbk_status
fbk__answer_make(fbk *db, const fbk_recommend_request *request, fbk__answer *x)
{
    fbk_status rc;

    memset(x, 0, sizeof *x);
    x->db = db;
    rc = fbk__options_load(db, &x->req, sizeof x->req, REQUEST_V1_SIZE, request);
    if (rc == FBK_OK)
        rc = request_check(db, &x->req);
    if (rc == FBK_OK)
        rc = answer_snapshots(x);
    if (rc < 0)
        return rc;
    fbk__candidates_init(&x->candidates, &x->model->cp, fbk__a(db));
    rc = answer_taste(x);
    if (rc < 0)
        return rc;
    rc = answer_basket(x);
    if (rc == FBK_OK)
        rc = answer_candidates(x);
    return rc == FBK_ENOMEM ? fbk__nomem(db) : rc;
}

void
fbk__answer_free(fbk__answer *x)
{
    if (x->model)
        fbk__candidates_free(&x->candidates);
    fbk__taste_free(&x->taste);
    fbk__climate_release(x->climate);
    fbk__free(fbk__a(x->db), x->basket);
    fbk__free(fbk__a(x->db), x->best);
    fbk__model_release(x->model ? &x->model->model : NULL);
    fbk__items_release(x->items);
    fbk__families_release(x->families);
    fbk__stock_release(x->stock);
    fbk__places_release(x->places);
}

/* -- into the caller's arrays ------------------------------------------------------------------ */

static fbk_status
result_check(fbk *db, const fbk_recommendations *out, uint32_t n)
{
    if (out->capacity < n)
        return fbk__fail_at(db, FBK_ERANGE, "capacity", 0, "capacity was below n, %u", n);
    if ((out->skus || out->because) && !out->sku_size)
        return fbk__fail_at(db, FBK_ERANGE, "sku_size", 0, "sku_size was 0");
    if (out->whys && !out->why_size)
        return fbk__fail_at(db, FBK_ERANGE, "why_size", 0, "why_size was 0");
    return FBK_OK;
}

static const char *
because_sku(const fbk__answer *x, const fbk__candidate *y)
{
    return fbk__item_sku(x->items, fbk__answer_because(x, y));
}

/* Do all SKUs fit? Asked before anything is written. */
static fbk_status
skus_check(const fbk__answer *x, const fbk_recommendations *out)
{
    for (size_t i = 0; i < x->n_best; i++) {
        const fbk__candidate *y = &x->candidates.list[x->best[i]];
        const char *sku = fbk__item_sku(x->items, x->model->cp.item[y->number]);

        if ((out->skus && strlen(sku) >= out->sku_size) ||
            (out->because && strlen(because_sku(x, y)) >= out->sku_size))
            return fbk__fail_at(x->db, FBK_ETOOBIG, "sku_size", (int64_t)i + 1,
                                "a SKU did not fit %u bytes", out->sku_size);
    }
    return FBK_OK;
}

/* Copy a sentence; one that is too long is cut between characters. */
static void
why_copy(char *to, size_t size, const fbk__buf *text)
{
    size_t len = text->len < size ? text->len : size - 1;

    while (len < text->len && len > 0 && ((unsigned char)text->data[len] & 0xc0) == 0x80)
        len--;
    if (len)
        memcpy(to, text->data, len);
    to[len] = '\0';
}

static void
row_write(const fbk__answer *x, size_t i, const fbk__buf *why, const fbk_recommendations *out)
{
    const fbk__candidate *y = &x->candidates.list[x->best[i]];

    if (out->skus)
        (void)strcpy(out->skus + i * out->sku_size,
                     fbk__item_sku(x->items, x->model->cp.item[y->number]));
    if (out->scores)
        out->scores[i] = y->score;
    if (out->reasons)
        out->reasons[i] = fbk__answer_reason(y);
    if (out->because)
        (void)strcpy(out->because + i * out->sku_size, because_sku(x, y));
    if (out->weather_factors)
        out->weather_factors[i] = y->weather;
    if (out->whys)
        why_copy(out->whys + i * out->why_size, out->why_size, why);
}

/* All sentences are made before the first byte is written, so that a failure changes nothing. */
static fbk_status
answer_write(const fbk__answer *x, const fbk_recommendations *out)
{
    fbk__buf *whys = fbk__calloc(fbk__a(x->db), x->n_best, sizeof *whys);
    bool ok = whys != NULL;

    for (size_t i = 0; ok && i < x->n_best; i++) {
        fbk__buf_init(&whys[i], fbk__a(x->db));
        if (out->whys)
            fbk__answer_why(x, &x->candidates.list[x->best[i]], &whys[i]);
    }
    for (size_t i = 0; ok && i < x->n_best; i++)
        ok = !whys[i].failed;
    for (size_t i = 0; ok && i < x->n_best; i++)
        row_write(x, i, &whys[i], out);
    for (size_t i = 0; whys && i < x->n_best; i++) {
        if (whys[i].a)
            fbk__buf_free(&whys[i]);
    }
    fbk__free(fbk__a(x->db), whys);
    return ok ? FBK_OK : fbk__nomem(x->db);
}

fbk_status
fbk_recommend(fbk *db, const fbk_recommend_request *request, fbk_recommendations *out)
{
    fbk_recommendations mine;
    fbk__answer x;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!request || !out)
        return fbk__fail(db, FBK_EINVAL, "request and out must not be NULL");
    rc = fbk__options_load(db, &mine, sizeof mine, RESULT_V1_SIZE, out);
    if (rc < 0)
        return rc;
    rc = fbk__answer_make(db, request, &x);
    if (rc == FBK_OK)
        rc = result_check(db, &mine, x.req.n);
    if (rc == FBK_OK)
        rc = skus_check(&x, &mine);
    if (rc == FBK_OK)
        rc = answer_write(&x, &mine);
    if (rc == FBK_OK) {
        mine.flags = x.flags;
        mine.n = (uint32_t)x.n_best;
        rc = fbk__result_store(db, out, RESULT_V1_SIZE, &mine, sizeof mine);
    }
    fbk__answer_free(&x);
    return rc;
}

fbk_status
fbk_recommend_rows(fbk *db, const fbk_recommend_request *request, struct ArrowArrayStream *out_rows)
{
    fbk__answer x;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!request || !out_rows)
        return fbk__fail(db, FBK_EINVAL, "request and out_rows must not be NULL");
    rc = fbk__answer_make(db, request, &x);
    if (rc == FBK_OK)
        rc = fbk__answer_stream(&x, out_rows);
    fbk__answer_free(&x);
    return rc;
}
