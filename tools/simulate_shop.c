/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "simulate.h"

#include <math.h>
#include <string.h>

/* One day of the chain: the orders of customers, walk-ins, visits to the web shop, log-ins,
 * returns, the tills' own tests. */

/* -- baskets ----------------------------------------------------------------------------------- */

static bool
basket_has(const sim_basket *basket, int item)
{
    for (int i = 0; i < basket->n; i++)
        if (basket->lines[i].item == item)
            return true;
    return false;
}

static void
basket_add(const sim *s, sim_basket *basket, int item)
{
    if (basket->n < SIM_LINES && !basket_has(basket, item))
        basket->lines[basket->n++] = (sim_line){item, 1, s->items[item].price_cents, 0, 0};
}

/* Which items: the basket's own, their complements, then each weather or season item by its own
 * chance. What is in the basket depends on the spend, never on what else is in it, so that an
 * item without a planted response has none. */
static void
basket_choose(sim *s, sim_basket *basket, double spend, int department, const double *extras)
{
    double mean = spend * .08 < 5.0 ? spend * .08 : 5.0;
    int n = 1 + (int)fbk__rng_poisson(&s->rng, mean);

    basket->n = 0;
    for (int i = 0; i < n && i < SIM_LINES / 2; i++) {
        int from = fbk__rng_double(&s->rng) < .3 ? department : -1;

        basket_add(s, basket, sim_pick_item(s, from));
    }
    n = basket->n;
    for (int i = 0; i < n; i++) {
        const sim_item *item = &s->items[basket->lines[i].item];

        if (item->complement >= 0 && fbk__rng_double(&s->rng) < item->complement_prob)
            basket_add(s, basket, item->complement);
    }
    basket->n_base = basket->n;
    for (int e = 0; e < SIM_EXTRAS; e++)
        if (fbk__rng_double(&s->rng) < extras[e])
            basket_add(s, basket, SIM_FIRST_EXTRA + e);
}

/* How many of each, so that the basket costs just the spend: pieces until the list price reaches
 * it, then a discount of the rest over all lines. */
static void
basket_fill(sim *s, sim_basket *basket, int64_t spend_cents)
{
    int64_t list = 0;
    int64_t gross_so_far = 0;
    int64_t cut_so_far = 0;
    int cheapest = 0;

    for (int i = 0; i < basket->n; i++) {
        list += basket->lines[i].price_cents;
        if (basket->lines[i].price_cents < basket->lines[cheapest].price_cents)
            cheapest = i;
    }
    for (int i = 0; i < basket->n_base && list < spend_cents; i++) {
        sim_line *line = &basket->lines[i];
        double share = fbk__rng_double(&s->rng) * 2.0 / basket->n_base;
        int64_t more = (int64_t)(share * (double)(spend_cents - list)) / line->price_cents;

        line->quantity += more;
        list += more * line->price_cents;
    }
    if (list < spend_cents) {
        sim_line *line = &basket->lines[cheapest];
        int64_t more = (spend_cents - list + line->price_cents - 1) / line->price_cents;

        line->quantity += more;
        list += more * line->price_cents;
    }
    for (int i = 0; i < basket->n; i++) {
        sim_line *line = &basket->lines[i];
        int64_t cut;

        gross_so_far += line->quantity * line->price_cents;
        cut = (int64_t)llround((double)(list - spend_cents) * (double)gross_so_far / (double)list);
        line->discount_cents = cut - cut_so_far;
        cut_so_far = cut;
        line->amount_cents = line->quantity * line->price_cents - line->discount_cents;
    }
}

static int64_t
spend_draw(sim *s, double nu)
{
    double spend = fbk__rng_gamma(&s->rng, SIM_SPEND_P) / nu;

    if (spend > 20000.0)
        spend = 20000.0;
    return spend < .5 ? 50 : llround(spend * 100.0);
}

static void
basket_make(sim *s, sim_basket *basket, int place, int32_t day, double nu, int department)
{
    int64_t spend = spend_draw(s, nu);
    const double *extras = &s->extra_prob[((int64_t)place * s->n_days + day) * SIM_EXTRAS];

    basket_choose(s, basket, (double)spend / 100.0, department, extras);
    basket_fill(s, basket, spend);
}

static int64_t
basket_total(const sim_basket *basket)
{
    int64_t total = 0;

    for (int i = 0; i < basket->n; i++)
        total += basket->lines[i].amount_cents;
    return total;
}

static void
basket_count(sim *s, const sim_basket *basket)
{
    for (int i = 0; i < basket->n; i++) {
        sim_item *item = &s->items[basket->lines[i].item];

        item->n_orders++;
        if (item->complement >= 0 && basket_has(basket, item->complement))
            item->n_with_complement++;
    }
    s->totals.sales_cents += basket_total(basket);
}

/* Some lines come back within three weeks, whole or in part. */
static void
returns_plan(sim *s, int32_t day, int32_t person, int place, int64_t order,
             const sim_basket *basket)
{
    for (int i = 0; i < basket->n; i++) {
        const sim_line *line = &basket->lines[i];
        double luck = fbk__rng_double(&s->rng);
        int32_t back = day + 2 + (int32_t)(luck / .03 * 20.0);
        sim_return what = {person, place, order, *line};

        if (luck >= .03 || back >= s->n_days)
            continue;
        int64_t n = 1 + (int64_t)fbk__rng_below(&s->rng, (uint64_t)line->quantity);

        what.line.quantity = -n;
        what.line.amount_cents = -(line->amount_cents * n / line->quantity);
        what.line.discount_cents = -n * line->price_cents - what.line.amount_cents;
        (void)sim_return_later(s, back, &what);
    }
}

/* -- customers --------------------------------------------------------------------------------- */

typedef struct names {
    char loyalty[11], email[32], cookie[17];
} names;

static void
identify(sim *s, sim_event *event, names *text, int32_t person, int device, bool card, bool email)
{
    sim_person *me = &s->people[person];
    int n = 0;

    if (device >= 0) {
        sim_cookie(s, sim_device(person, device), text->cookie);
        event->names[n] = "cookie";
        event->values[n++] = text->cookie;
        me->seen |= device ? SIM_SEEN_COOKIE1 : SIM_SEEN_COOKIE0;
        if (email)
            me->seen |= device ? SIM_LINK_COOKIE1 : SIM_LINK_COOKIE0;
    }
    if (email) {
        sim_email(person, text->email);
        event->names[n] = "email";
        event->values[n++] = text->email;
        me->seen |= SIM_SEEN_EMAIL;
    }
    if (card) {
        sim_loyalty(person, text->loyalty);
        event->names[n] = "loyalty";
        event->values[n++] = text->loyalty;
        me->seen |= SIM_SEEN_LOYALTY;
    }
}

static void
order_book(sim *s, int32_t person, int32_t day, const sim_basket *basket)
{
    sim_person *me = &s->people[person];

    s->totals.sales++;
    if (me->is & SIM_STAFF) {
        s->totals.staff_sales++;
    } else {
        s->totals.known_sales++;
        basket_count(s, basket);
    }
    if (me->first_day < 0) {
        me->first_day = day;
        s->n_born++;
    }
    me->last_day = day;
    me->n_orders++;
    me->spent_cents += basket_total(basket);
}

/* The next order of the process, or the end of it. An order that would fall on the day of the
 * last one comes the day after: there is one order a day at most, and none is lost. */
static void
order_next(sim *s, int32_t person, int32_t day)
{
    sim_person *me = &s->people[person];
    double share;
    int32_t next;

    if (me->n_orders > 1 && fbk__rng_double(&s->rng) < me->drop_prob) {
        me->is &= (uint8_t)~SIM_ALIVE;
        return;
    }
    me->u += fbk__rng_exponential(&s->rng) / me->lambda;
    if (me->u >= s->n_days + 7.0)
        return;
    next = sim_warp(s, me->u, &share);
    if (next <= day)
        next = day + 1;
    if (next < s->n_days) {
        me->day = next;
        me->next = s->days[next].buyers;
        s->days[next].buyers = person;
    }
}

static void
customer_buys(sim *s, int32_t person, int32_t day)
{
    sim_person *me = &s->people[person];
    bool has_web = me->is & SIM_HAS_WEB;
    bool has_card = me->is & SIM_HAS_CARD;
    bool web = has_web && (!has_card || fbk__rng_double(&s->rng) < .4);
    double luck = fbk__rng_double(&s->rng);
    double share;
    sim_event event = {.type = "sale", .day = day, .order = ++s->next_order};
    sim_basket basket;
    names text;

    (void)sim_warp(s, me->u, &share);
    event.place = web ? SIM_WEB : luck < .88 ? me->home : (int)fbk__rng_below(&s->rng, SIM_WEB);
    event.second = sim_second(share, web);
    event.flag = me->is & SIM_STAFF ? "employee" : NULL;
    basket_make(s, &basket, event.place, day, me->nu, me->department);
    event.lines = basket.lines;
    event.n_lines = basket.n;
    if (web)
        identify(s, &event, &text, person, 0, has_card, true);
    else
        identify(s, &event, &text, person, -1, true, has_web && luck < .1);
    sim_emit(s, &event);
    order_book(s, person, day, &basket);
    returns_plan(s, day, person, event.place, event.order, &basket);
    order_next(s, person, day);
}

static void
view_emit(sim *s, sim_event *event, int department)
{
    sim_line line = {sim_pick_item(s, fbk__rng_double(&s->rng) < .6 ? department : -1), 1, 0, 0, 0};

    event->type = "view";
    event->lines = &line;
    event->n_lines = 1;
    s->totals.views++;
    sim_emit(s, event);
    event->n_lines = 0;
    event->second += 20 + (int32_t)fbk__rng_below(&s->rng, 200);
}

/* A visit is anonymous unless the customer logs in, which only one who has bought can do. */
static void
customer_visits(sim *s, int32_t person, int32_t day)
{
    sim_person *me = &s->people[person];
    bool second = me->second_from >= 0.0 && day >= me->second_from;
    int device = second && fbk__rng_double(&s->rng) < .5;
    bool linked = me->seen & (device ? SIM_LINK_COOKIE1 : SIM_LINK_COOKIE0);
    int n = 1 + (int)fbk__rng_below(&s->rng, 3);
    sim_event event = {.day = day, .place = SIM_WEB};
    double share;
    names text;

    event.second = sim_second(fbk__rng_double(&s->rng), true) - 1000;
    identify(s, &event, &text, person, device, false, false);
    for (int i = 0; i < n; i++)
        view_emit(s, &event, me->department);
    if (me->first_day >= 0 && fbk__rng_double(&s->rng) < (linked ? .1 : .7)) {
        event.type = "login";
        identify(s, &event, &text, person, device, me->is & SIM_HAS_CARD, true);
        s->totals.logins++;
        sim_emit(s, &event);
    }
    if (!(me->is & SIM_ALIVE) && fbk__rng_double(&s->rng) < .5)
        return;
    me->u_visit += 1.0 + 18.0 * fbk__rng_exponential(&s->rng);
    if (me->u_visit >= s->n_days + 7.0)
        return;
    int32_t next = sim_warp(s, me->u_visit, &share);

    next = next > day ? next : day + 1;
    if (next < s->n_days) {
        me->visit_next = s->days[next].visitors;
        s->days[next].visitors = person;
    }
}

/* The shop's own tablet: more people log in there than one identifier may join. */
static void
kiosk_logins(sim *s, int32_t day)
{
    for (int i = 0; i < 3 && s->kiosk_left > 0 && day >= s->n_days / 2; i++) {
        sim_event event = {.type = "login", .day = day, .place = 0};
        sim_person *me;
        int32_t person;
        names text;

        do {
            person = (int32_t)fbk__rng_below(&s->rng, (uint64_t)s->n_people);
            me = &s->people[person];
        } while (!(me->is & SIM_HAS_WEB) || me->first_day < 0 || me->seen & SIM_AT_KIOSK);
        event.second = sim_second(fbk__rng_double(&s->rng), false);
        identify(s, &event, &text, person, -1, me->is & SIM_HAS_CARD, true);
        for (int k = event.names[1] ? 1 : 0; k >= 0; k--) {
            event.names[k + 1] = event.names[k];
            event.values[k + 1] = event.values[k];
        }
        event.names[0] = "cookie";
        event.values[0] = "kiosk-lis-0000001";
        me->seen |= SIM_AT_KIOSK;
        s->kiosk_left--;
        s->totals.logins++;
        sim_emit(s, &event);
    }
}

/* -- everybody else ---------------------------------------------------------------------------- */

static void
anonymous_cookie(sim *s, sim_event *event, char cookie[17])
{
    char group[32];
    uint64_t number = UINT64_C(1) << 40 | (uint64_t)s->totals.anonymous_cookies++;

    sim_cookie(s, number, cookie);
    (void)snprintf(group, sizeof group, "a%lld", (long long)s->totals.anonymous_cookies);
    sim_identity(s, group, "cookie", cookie);
    event->names[0] = "cookie";
    event->values[0] = cookie;
}

static void
walk_in_buys(sim *s, int32_t day, int place)
{
    double nu = fbk__rng_gamma(&s->rng, SIM_SPEND_Q) / SIM_SPEND_GAMMA;
    double luck = fbk__rng_double(&s->rng);
    sim_event event = {.type = "sale", .day = day, .place = place, .order = ++s->next_order};
    sim_basket basket;

    event.second = sim_second(fbk__rng_double(&s->rng), place == SIM_WEB);
    basket_make(s, &basket, place, day, nu, -1);
    event.lines = basket.lines;
    event.n_lines = basket.n;
    if (place == SIM_WEB && luck < .2) {
        event.names[0] = "email"; /* a form that says nothing in two ways */
        event.values[0] = luck < .1 ? "null" : "";
    } else if (luck < .1) {
        event.names[0] = "loyalty"; /* a till that cannot leave the field empty */
        event.values[0] = "0000000000";
    }
    sim_emit(s, &event);
    s->totals.sales++;
    s->totals.walk_in_sales++;
    basket_count(s, &basket);
    returns_plan(s, day, -1, place, event.order, &basket);
}

static void
walk_ins(sim *s, int32_t day)
{
    double mean = s->n_people * .9 / 365.0 * sim_demand(s, day) *
                  (s->week_cdf[day % 7 + 1] - s->week_cdf[day % 7]) * 7.0;

    for (int p = 0; p < SIM_PLACES; p++) {
        double share = p == SIM_WEB ? .1 : .9 * sim_places[p].weight;

        for (int64_t n = fbk__rng_poisson(&s->rng, mean * share); n > 0; n--)
            walk_in_buys(s, day, p);
    }
    for (int64_t n = fbk__rng_poisson(&s->rng, mean * .4); n > 0; n--) {
        sim_event event = {.day = day, .place = SIM_WEB};
        char cookie[17];

        event.second = sim_second(fbk__rng_double(&s->rng), true);
        anonymous_cookie(s, &event, cookie);
        for (uint64_t k = 1 + fbk__rng_below(&s->rng, 3); k > 0; k--)
            view_emit(s, &event, (int)fbk__rng_below(&s->rng, SIM_DEPARTMENTS));
    }
}

static void
goods_come_back(sim *s, int32_t day)
{
    for (size_t i = 0; i < s->days[day].n_returns; i++) {
        const sim_return *r = &s->days[day].returns[i];
        sim_event event = {.type = "return",
                           .day = day,
                           .place = r->place,
                           .order = r->order,
                           .lines = &r->line,
                           .n_lines = 1};
        bool staff = false;
        names text;

        event.second = sim_second(fbk__rng_double(&s->rng), r->place == SIM_WEB);
        if (r->person >= 0) {
            sim_person *me = &s->people[r->person];
            bool card = me->is & SIM_HAS_CARD;

            staff = me->is & SIM_STAFF;
            identify(s, &event, &text, r->person, -1, card, !card);
            me->n_returns++;
            me->returned_cents -= r->line.amount_cents;
        }
        event.flag = staff ? "employee" : NULL;
        s->totals.returns++;
        if (!staff)
            s->totals.returned_cents -= r->line.amount_cents;
        sim_emit(s, &event);
    }
}

/* Every Monday each till rings up one thing to see whether it works. */
static void
till_tests(sim *s, int32_t day)
{
    for (int p = 0; p < SIM_WEB && day % 7 == 0; p++) {
        sim_line line = {0, 1, s->items[0].price_cents, 0, s->items[0].price_cents};
        sim_event event = {.type = "sale",
                           .day = day,
                           .second = 8 * 3600 + 55 * 60 + p,
                           .place = p,
                           .order = ++s->next_order,
                           .flag = "test",
                           .lines = &line,
                           .n_lines = 1};

        s->totals.sales++;
        s->totals.test_sales++;
        sim_emit(s, &event);
    }
}

void
sim_day_run(sim *s, int32_t day)
{
    till_tests(s, day);
    for (int32_t i = s->days[day].buyers; i >= 0;) {
        int32_t next = s->people[i].next;

        customer_buys(s, i, day);
        i = next;
    }
    for (int32_t i = s->days[day].visitors; i >= 0;) {
        int32_t next = s->people[i].visit_next;

        customer_visits(s, i, day);
        i = next;
    }
    kiosk_logins(s, day);
    walk_ins(s, day);
    goods_come_back(s, day);
    sim_day_write(s, day);
}
