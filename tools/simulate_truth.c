/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "simulate.h"

/* The files beside the events: what a shop would hand over with them (catalogue, places, weather),
 * and what it would never know: the truth. */

static void
put_money(FILE *out, int64_t cents)
{
    uint64_t size = (uint64_t)(cents < 0 ? -cents : cents);

    (void)fprintf(out, "%s%llu.%02llu", cents < 0 ? "-" : "", (unsigned long long)(size / 100),
                  (unsigned long long)(size % 100));
}

/* How to read the events: feedback-import(5). */
void
sim_write_map(const sim *s, FILE *out)
{
    static const char *const kinds[] = {"sale", "return", "view", "login"};
    static const char *const spaces[] = {"loyalty", "email", "cookie"};
    static const char *const numbers[] = {"item", "quantity", "unit_price", "discount", "amount"};

    (void)s;
    (void)fputs("{\"format\": \"json\", \"json\": {\"lines\": \"lines\"},\n"
                " \"event_id\": [\"event_id\"], \"time\": \"occurred\", \"source\": \"source\",\n"
                " \"channel\": \"channel\", \"place\": \"place\", \"order_ref\": \"order_ref\",\n"
                " \"kind\": {\"rules\": [\n",
                out);
    for (int i = 0; i < 4; i++)
        (void)fprintf(
            out, "  {\"kind\": \"%s\", \"when\": {\"column\": \"type\", \"equals\": \"%s\"}}%s\n",
            kinds[i], kinds[i], i < 3 ? "," : "]},");
    (void)fputs(
        " \"flags\": [\n"
        "  {\"flag\": \"test\", \"when\": {\"column\": \"flag\", \"equals\": \"test\"}},\n"
        "  {\"flag\": \"employee\", \"when\": {\"column\": \"flag\", \"equals\": \"employee\"}}],\n"
        " \"identifiers\": [\n",
        out);
    for (int i = 0; i < 3; i++)
        (void)fprintf(out, "  {\"namespace\": \"%s\", \"value\": \"identifiers.%s\"}%s\n",
                      spaces[i], spaces[i], i < 2 ? "," : "],");
    (void)fputs(" \"line\": {\"when\": {\"column\": \"lines.item\", \"empty\": false}", out);
    for (int i = 0; i < 5; i++)
        (void)fprintf(out, ",\n  \"%s\": \"lines.%s\"", numbers[i], numbers[i]);
    (void)fputs("}}\n", out);
}

void
sim_write_catalogue(const sim *s, FILE *out)
{
    (void)fputs("sku,name,category,brand,price,cost\n", out);
    for (int i = 0; i < SIM_ITEMS; i++) {
        const sim_item *item = &s->items[i];

        (void)fprintf(out, "%s,%s,%s/%s,%s,", item->code, item->name, item->department,
                      item->category, item->brand);
        put_money(out, item->price_cents);
        (void)fputc(',', out);
        put_money(out, item->cost_cents);
        (void)fputc('\n', out);
    }
}

void
sim_write_places(const sim *s, FILE *out)
{
    (void)s;
    (void)fputs("code,name,latitude_deg,longitude_deg,time_zone,station\n", out);
    for (int p = 0; p < SIM_PLACES; p++) {
        const sim_place *place = &sim_places[p];

        if (p == SIM_WEB)
            (void)fprintf(out, "%s,%s,,,%s,\n", place->code, place->name, place->zone);
        else
            (void)fprintf(out, "%s,%s,%.4f,%.4f,%s,%s\n", place->code, place->name,
                          place->latitude_deg, place->longitude_deg, place->zone, place->station);
    }
}

void
sim_write_weather(const sim *s, FILE *out)
{
    char date[11];

    (void)fputs("station,date,temperature_celsius,precipitation_mm\n", out);
    for (int p = 0; p < SIM_WEB; p++)
        for (int32_t day = -SIM_HISTORY_DAYS; day < s->n_days; day++) {
            const sim_weather *w = sim_weather_at(s, p, day);

            sim_date(s->start_day + day, date);
            (void)fprintf(out, "%s,%s,%.1f,%.1f\n", sim_places[p].station, date, w->temperature,
                          w->rain_mm);
        }
}

static void
put_groups(const sim *s, int32_t person, FILE *identities)
{
    uint8_t seen = s->people[person].seen;
    char text[32];

    /* Email and card come together or through an event that names both, so that whatever was
     * seen of them is one group; a device joins it at its first log-in. */
    if (seen & SIM_SEEN_LOYALTY) {
        sim_loyalty(person, text);
        (void)fprintf(identities, "p%d,loyalty,%s\n", (int)person, text);
    }
    if (seen & SIM_SEEN_EMAIL) {
        sim_email(person, text);
        (void)fprintf(identities, "p%d,email,%s\n", (int)person, text);
    }
    for (int alone = 0; alone < 2; alone++)
        for (int k = 0; k < 2; k++) {
            bool linked = seen & (k ? SIM_LINK_COOKIE1 : SIM_LINK_COOKIE0);

            if (!(seen & (k ? SIM_SEEN_COOKIE1 : SIM_SEEN_COOKIE0)) || linked == (alone == 1))
                continue;
            sim_cookie(s, sim_device(person, k), text);
            if (linked)
                (void)fprintf(identities, "p%d,cookie,%s\n", (int)person, text);
            else
                (void)fprintf(identities, "p%d.%d,cookie,%s\n", (int)person, k, text);
        }
}

void
sim_write_people(const sim *s, FILE *out)
{
    (void)fputs("person,loyalty,email,staff,orders_a_day,drop_prob,mean_order,first_day,last_day,"
                "days_known,orders,returned_lines,spent,returned,alive\n",
                out);
    for (int32_t i = 0; i < s->n_people; i++) {
        const sim_person *me = &s->people[i];
        char loyalty[11] = "";
        char email[32] = "";
        char first[11];
        char last[11];

        if (me->seen & SIM_SEEN_LOYALTY)
            sim_loyalty(i, loyalty);
        if (me->seen & SIM_SEEN_EMAIL)
            sim_email(i, email);
        sim_date(s->start_day + me->first_day, first);
        sim_date(s->start_day + me->last_day, last);
        (void)fprintf(out, "p%d,%s,%s,%d,%.9g,%.9g,%.9g,%s,%s,%d,%d,%d,", (int)i, loyalty, email,
                      (me->is & SIM_STAFF) != 0, me->lambda, me->drop_prob, SIM_SPEND_P / me->nu,
                      first, last, (int)(s->n_days - me->first_day), (int)me->n_orders,
                      (int)me->n_returns);
        put_money(out, me->spent_cents);
        (void)fputc(',', out);
        put_money(out, me->returned_cents);
        (void)fprintf(out, ",%d\n", (me->is & SIM_ALIVE) != 0);
        put_groups(s, i, s->identities);
    }
    if (s->has_kiosk)
        (void)fputs("kiosk,cookie,kiosk-lis-0000001\n", s->identities);
}

void
sim_write_items(const sim *s, FILE *out)
{
    static const char *const roles[] = {"base", "warm", "cold", "rain", "season"};

    (void)fputs("item,role,orders,log_rate_per_sd_warmer,log_rate_wet,season_swing,complement,"
                "complement_prob,orders_with_complement\n",
                out);
    for (int i = 0; i < SIM_ITEMS; i++) {
        const sim_item *item = &s->items[i];

        (void)fprintf(out, "%s,%s,%lld,%.2f,%.2f,%.2f,", item->code, roles[item->role],
                      (long long)item->n_orders, item->beta_temp, item->beta_wet,
                      item->season_swing);
        if (item->complement >= 0)
            (void)fprintf(out, "%s,%.2f,%lld\n", s->items[item->complement].code,
                          item->complement_prob, (long long)item->n_with_complement);
        else
            (void)fputs(",,\n", out);
    }
}

void
sim_write_truth(const sim *s, FILE *out)
{
    const sim_totals *t = &s->totals;
    char first[11];
    char end[11];

    sim_date(s->start_day, first);
    sim_date(s->start_day + s->n_days, end);
    (void)fprintf(out,
                  "{\"seed\":%llu,\"customers\":%d,\"days\":%d,\"first_day\":\"%s\","
                  "\"end\":\"%s\",\"currency\":\"EUR\",\"time_zone\":\"Europe/Berlin\",\n",
                  (unsigned long long)s->seed, (int)s->n_people, (int)s->n_days, first, end);
    (void)fprintf(out,
                  " \"bgnbd\":{\"r\":%g,\"alpha_days\":%g,\"a\":%g,\"b\":%g},\n"
                  " \"gamma_gamma\":{\"p\":%g,\"q\":%g,\"gamma\":%g},\n",
                  SIM_BGNBD_R, SIM_BGNBD_ALPHA, SIM_BGNBD_A, SIM_BGNBD_B, SIM_SPEND_P, SIM_SPEND_Q,
                  SIM_SPEND_GAMMA);
    (void)fprintf(out,
                  " \"events\":%lld,\"lines\":%lld,\"late\":%lld,\"repeated\":%lld,\n"
                  " \"sales\":%lld,\"returns\":%lld,\"views\":%lld,\"logins\":%lld,\n",
                  (long long)t->events, (long long)t->lines, (long long)t->late,
                  (long long)t->repeated, (long long)t->sales, (long long)t->returns,
                  (long long)t->views, (long long)t->logins);
    (void)fprintf(out,
                  " \"known_sales\":%lld,\"walk_in_sales\":%lld,\"staff_sales\":%lld,"
                  "\"test_sales\":%lld,\n \"sales_amount\":",
                  (long long)t->known_sales, (long long)t->walk_in_sales, (long long)t->staff_sales,
                  (long long)t->test_sales);
    put_money(out, t->sales_cents);
    (void)fputs(",\"returned_amount\":", out);
    put_money(out, t->returned_cents);
    (void)fprintf(out,
                  ",\n \"anonymous_cookies\":%lld,\"kiosk\":%s,\"blocked\":[\"loyalty "
                  "0000000000\",\"email null\",\"email \"]}\n",
                  (long long)t->anonymous_cookies, s->has_kiosk ? "true" : "false");
}
