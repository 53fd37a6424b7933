/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "act/profile.h"
#include "act/recommend.h"
#include "base/time.h"
#include "base/utf8.h"

/* One document in a buffer. A key or an element puts the comma before itself; opening a list or an
 * object forgets it. */

typedef struct document {
    const fbk__profile_ask *ask;
    const char *currency;
    fbk__buf buf;
    bool comma;
} document;

/* -- writing JSON ------------------------------------------------------------------------------ */

static void
json_text(fbk__buf *buf, const char *text, size_t len)
{
    size_t from = 0;

    /* SKUs may be any bytes: what is no UTF-8 is not text. */
    if (!fbk__utf8_valid(text, len)) {
        fbk__buf_str(buf, "null");
        return;
    }
    fbk__buf_str(buf, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        fbk__buf_add(buf, text + from, i - from);
        if (c < 0x20)
            fbk__buf_printf(buf, "\\u%04x", c);
        else
            fbk__buf_printf(buf, "\\%c", c);
        from = i + 1;
    }
    fbk__buf_add(buf, text + from, len - from);
    fbk__buf_str(buf, "\"");
}

static void
json_key(document *d, const char *key)
{
    if (d->comma)
        fbk__buf_str(&d->buf, ",");
    d->comma = true;
    if (key)
        fbk__buf_printf(&d->buf, "\"%s\":", key);
}

static void
json_open(document *d, const char *key, const char *bracket)
{
    json_key(d, key);
    fbk__buf_str(&d->buf, bracket);
    d->comma = false;
}

static void
json_close(document *d, const char *bracket)
{
    fbk__buf_str(&d->buf, bracket);
    d->comma = true;
}

/* NULL and "" are null: what is not known. */
static void
json_str(document *d, const char *key, const char *text)
{
    json_key(d, key);
    if (text && text[0])
        json_text(&d->buf, text, strlen(text));
    else
        fbk__buf_str(&d->buf, "null");
}

static void
json_int(document *d, const char *key, bool known, int64_t value)
{
    json_key(d, key);
    if (known)
        fbk__buf_printf(&d->buf, "%lld", (long long)value);
    else
        fbk__buf_str(&d->buf, "null");
}

static void
json_double(document *d, const char *key, bool known, double value)
{
    json_key(d, key);
    if (known)
        fbk__buf_double(&d->buf, value, 10);
    else
        fbk__buf_str(&d->buf, "null");
}

static void
json_time(document *d, const char *key, fbk_time us)
{
    char text[FBK__TIME_TEXT] = "";

    if (us != FBK_TIME_NONE)
        (void)fbk__time_format(us, text);
    json_str(d, key, text);
}

/* -- the parts --------------------------------------------------------------------------------- */

static void
json_numbers(document *d, const fbk_profile *p)
{
    bool rfm = p->flags & FBK_PROFILE_HAS_RFM && p->r, clv = p->flags & FBK_PROFILE_HAS_CLV;
    bool alive = clv && !(p->flags & FBK_PROFILE_ALIVE_VOID);

    json_int(d, "profile", true, (int64_t)p->profile);
    json_time(d, "as_of", d->ask->as_of_us);
    json_str(d, "currency", p->currency);
    json_int(d, "n_events", true, (int64_t)p->n_events);
    json_time(d, "first_seen", p->first_us);
    json_time(d, "last_seen", p->last_us);
    json_int(d, "n_orders", true, (int64_t)p->n_orders);
    json_int(d, "n_returns", true, (int64_t)p->n_returns);
    json_int(d, "revenue_micro", true, p->revenue_micro);
    json_int(d, "returned_micro", true, p->returned_micro);
    json_int(d, "n_foreign_lines", true, (int64_t)p->n_foreign_lines);
    json_open(d, "rfm", "{");
    json_int(d, "r", rfm, p->r);
    json_int(d, "f", rfm, p->f);
    json_int(d, "m", rfm, p->m);
    json_int(d, "recency_days", rfm, p->recency_days);
    json_str(d, "segment", p->segment);
    json_close(d, "}");
    json_open(d, "forecast", "{");
    json_double(d, "p_alive", alive, p->p_alive);
    json_double(d, "horizon_days", true, p->horizon_days);
    json_double(d, "expected_orders", clv, p->expected_orders);
    json_int(d, "order_value_micro", clv, p->order_value_micro);
    json_int(d, "expected_value_micro", clv, p->expected_value_micro);
    json_str(d, "note", p->note);
    json_close(d, "}");
}

static fbk_status
json_identifiers(document *d)
{
    const fbk__person *person = &d->ask->person;
    fbk_status rc = FBK_OK;
    fbk__buf value;

    fbk__buf_init(&value, fbk__a(d->ask->db));
    json_open(d, "identifiers", "[");
    for (size_t i = 0; i < person->n_nodes && rc == FBK_OK; i++) {
        const char *space = "";
        bool shown = false;

        rc = fbk__identity_show(d->ask->db, person->nodes[i], &space, &value, &shown);
        if (rc < 0)
            break;
        json_open(d, NULL, "{");
        json_str(d, "namespace", space);
        json_str(d, "value", shown && value.data ? value.data : NULL);
        json_close(d, "}");
    }
    json_close(d, "]");
    fbk__buf_free(&value);
    return rc;
}

static fbk_status
json_categories(document *d)
{
    fbk__profile_category *list = NULL;
    const fbk__items *items = NULL;
    size_t n = 0;
    fbk_status rc = fbk__items_acquire(d->ask->db, &items);

    if (rc == FBK_OK)
        rc = fbk__profile_category_list(d->ask, items, &list, &n);
    if (rc == FBK_OK) {
        json_open(d, "categories", "[");
        for (size_t i = 0; i < n && i < d->ask->opt.n_categories; i++) {
            json_open(d, NULL, "{");
            json_str(d, "category", list[i].path);
            json_int(d, "n_orders", true, (int64_t)list[i].n_orders);
            json_int(d, "revenue_micro", true, list[i].revenue_micro);
            json_time(d, "last_order", list[i].last_us);
            json_close(d, "}");
        }
        json_close(d, "]");
    }
    fbk__items_release(items);
    fbk__free(fbk__a(d->ask->db), list);
    return rc;
}

static fbk_status
json_action(void *user_data, const fbk__profile_action *a)
{
    document *d = user_data;

    json_open(d, NULL, "{");
    json_time(d, "time", a->view->occurred_us);
    json_str(d, "kind", a->kind);
    json_str(d, "source", a->source);
    json_str(d, "channel", a->channel);
    json_str(d, "place", a->place);
    json_key(d, "order_ref");
    if (a->view->order_ref_len)
        json_text(&d->buf, a->view->order_ref, a->view->order_ref_len);
    else
        fbk__buf_str(&d->buf, "null");
    json_int(d, "n_lines", true, (int64_t)a->view->n_lines);
    json_key(d, "items");
    json_text(&d->buf, a->items, a->items_len);
    json_int(d, "amount_micro", true, a->amount_micro);
    json_str(d, "currency", a->currency[0] ? a->currency : d->currency);
    json_close(d, "}");
    return FBK_OK;
}

static void
json_answer(document *d, const fbk__answer *x, const fbk__candidate *y, fbk__buf *why)
{
    uint32_t item = x->model->cp.item[y->number];

    fbk__buf_clear(why);
    fbk__answer_why(x, y, why);
    json_open(d, NULL, "{");
    json_str(d, "item", fbk__item_sku(x->items, item));
    json_str(d, "name", fbk__item_name(x->items, item));
    json_double(d, "score", true, y->score);
    json_double(d, "weather_factor", true, y->weather);
    json_str(d, "why", why->data);
    json_close(d, "}");
    if (why->failed)
        d->buf.failed = true;
}

/* Without a model there is nothing to recommend, and that is no failure. */
static fbk_status
json_recommendations(document *d)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    fbk__answer x;
    fbk__buf why;
    fbk_status rc;

    request.n = d->ask->opt.n_recommend;
    request.as_of_us = d->ask->as_of_us;
    request.space = d->ask->space;
    request.value = d->ask->value;
    request.place = d->ask->opt.place;
    rc = fbk__answer_make(d->ask->db, &request, &x);
    if (rc == FBK_OK || rc == FBK_ENODATA) {
        fbk__buf_init(&why, fbk__a(d->ask->db));
        json_open(d, "recommendations", "[");
        for (size_t i = 0; rc == FBK_OK && i < x.n_best; i++)
            json_answer(d, &x, &x.candidates.list[x.best[i]], &why);
        json_close(d, "]");
        fbk__buf_free(&why);
        fbk__err_clear(d->ask->db);
        rc = FBK_OK;
    }
    fbk__answer_free(&x);
    return rc;
}

static fbk_status
json_all(document *d, const fbk_profile *p)
{
    fbk_status rc;

    json_open(d, NULL, "{");
    json_numbers(d, p);
    rc = json_identifiers(d);
    if (rc == FBK_OK)
        rc = json_categories(d);
    if (rc == FBK_OK) {
        json_open(d, "actions", "[");
        rc = fbk__profile_each_action(d->ask, json_action, d);
        json_close(d, "]");
    }
    if (rc == FBK_OK)
        rc = json_recommendations(d);
    json_close(d, "}");
    return rc == FBK_OK && d->buf.failed ? fbk__nomem(d->ask->db) : rc;
}

fbk_status
fbk_profile_json(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                 const fbk_profile_options *options, char **out_json)
{
    document d = {0};
    fbk__profile_ask ask;
    fbk_profile numbers;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out_json)
        return fbk__fail_at(db, FBK_EINVAL, "out_json", 0, "out_json was NULL");
    fbk__buf_init(&d.buf, fbk__a(db));
    rc = fbk__profile_ask_make(db, space, value, as_of_us, options, &ask);
    if (rc == FBK_OK)
        rc = fbk__profile_numbers(&ask, &numbers);
    if (rc == FBK_OK) {
        d.ask = &ask;
        d.currency = numbers.currency;
        rc = json_all(&d, &numbers);
    }
    fbk__profile_ask_free(&ask);
    if (rc < 0) {
        fbk__buf_free(&d.buf);
        return rc;
    }
    *out_json = d.buf.data;
    return FBK_OK;
}

void
fbk_profile_json_free(fbk *db, char *json)
{
    fbk__free(fbk__a(db), json);
}
