/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "simulate.h"

#include <stdlib.h>
#include <string.h>

/* Events become text at once and wait in the buffer of the day on which they arrive, their own or a
 * later one (late). What is sent twice goes to a file of its own too. */

static char *
text_room(sim *s, sim_text *text, size_t n)
{
    if (text->cap - text->len < n) {
        size_t cap = text->cap ? text->cap * 2 : 16384;
        char *data;

        while (cap - text->len < n)
            cap *= 2;
        data = realloc(text->data, cap);
        if (!data) {
            s->failed = true;
            return NULL;
        }
        text->data = data;
        text->cap = cap;
    }
    return text->data + text->len;
}

static char *
put_text(char *at, const char *text)
{
    size_t n = strlen(text);

    memcpy(at, text, n);
    return at + n;
}

static char *
put_int(char *at, int64_t value)
{
    char digits[24];
    int n = 0;

    if (value < 0) {
        *at++ = '-';
        value = -value;
    }
    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n)
        *at++ = digits[--n];
    return at;
}

/* Hundredths as a decimal number. */
static char *
put_cents(char *at, int64_t cents)
{
    if (cents < 0) {
        *at++ = '-';
        cents = -cents;
    }
    at = put_int(at, cents / 100);
    *at++ = '.';
    *at++ = (char)('0' + cents / 10 % 10);
    *at++ = (char)('0' + cents % 10);
    return at;
}

static char *
put_two(char *at, int value)
{
    *at++ = (char)('0' + value / 10);
    *at++ = (char)('0' + value % 10);
    return at;
}

/* Local time of the place with its offset. */
static char *
put_time(const sim *s, char *at, int32_t day, int32_t second, int offset_min)
{
    char date[11];

    sim_date(s->start_day + day, date);
    at = put_text(at, date);
    *at++ = 'T';
    at = put_two(at, second / 3600);
    *at++ = ':';
    at = put_two(at, second / 60 % 60);
    *at++ = ':';
    at = put_two(at, second % 60);
    *at++ = '+';
    at = put_two(at, offset_min / 60);
    *at++ = ':';
    return put_two(at, offset_min % 60);
}

static char *
put_lines(const sim *s, char *at, const sim_event *event)
{
    bool priced = event->type[0] != 'v'; /* a view has items without a price */

    at = put_text(at, ",\"lines\":[");
    for (int i = 0; i < event->n_lines; i++) {
        const sim_line *line = &event->lines[i];

        at = put_text(at, i ? ",{\"item\":\"" : "{\"item\":\"");
        at = put_text(at, s->items[line->item].code);
        at = put_text(at, "\",\"quantity\":");
        at = put_int(at, line->quantity);
        if (priced) {
            at = put_text(at, ",\"unit_price\":");
            at = put_cents(at, line->price_cents);
            if (line->discount_cents > 0) { /* what comes back has its amount only */
                at = put_text(at, ",\"discount\":");
                at = put_cents(at, line->discount_cents);
            }
            at = put_text(at, ",\"amount\":");
            at = put_cents(at, line->amount_cents);
        }
        *at++ = '}';
    }
    *at++ = ']';
    return at;
}

static char *
put_event(sim *s, char *at, const sim_event *event, int32_t late_days)
{
    const sim_place *place = &sim_places[event->place];
    int offset = sim_offset(s, event->place, event->day);

    at = put_text(at, "{\"event_id\":\"e");
    at = put_int(at, ++s->next_event);
    at = put_text(at, "\",\"type\":\"");
    at = put_text(at, event->type);
    at = put_text(at, "\",\"occurred\":\"");
    at = put_time(s, at, event->day, event->second, offset);
    at = put_text(at, "\",\"received\":\"");
    at = put_time(s, at, event->day + late_days, event->second, offset);
    at = put_text(at, event->place == SIM_WEB ? "\",\"source\":\"web" : "\",\"source\":\"till ");
    if (event->place != SIM_WEB)
        at = put_text(at, place->code);
    at = put_text(at, event->place == SIM_WEB ? "\",\"channel\":\"web" : "\",\"channel\":\"shop");
    at = put_text(at, "\",\"place\":\"");
    at = put_text(at, place->code);
    *at++ = '"';
    if (event->order) {
        at = put_text(at, ",\"order_ref\":\"o");
        at = put_int(at, event->order);
        *at++ = '"';
    }
    if (event->flag) {
        at = put_text(at, ",\"flag\":\"");
        at = put_text(at, event->flag);
        *at++ = '"';
    }
    for (int i = 0; i < 3 && event->names[i]; i++) {
        at = put_text(at, i ? ",\"" : ",\"identifiers\":{\"");
        at = put_text(at, event->names[i]);
        at = put_text(at, "\":\"");
        at = put_text(at, event->values[i]);
        *at++ = '"';
        if (i == 2 || !event->names[i + 1])
            *at++ = '}';
    }
    if (event->n_lines)
        at = put_lines(s, at, event);
    *at++ = '}';
    *at++ = '\n';
    return at;
}

/* Let a text arrive on a day; what would arrive after the end arrives at the end. */
static void
deliver(sim *s, int32_t day, int64_t arrives, const char *text, size_t len)
{
    sim_day *to = &s->days[day < s->n_days ? day : s->n_days];
    char *at = text_room(s, &to->text, len);

    if (at && to->n_entries == to->entry_cap) {
        size_t cap = to->entry_cap ? to->entry_cap * 2 : 64;
        sim_entry *entries = realloc(to->entries, cap * sizeof *entries);

        if (entries) {
            to->entries = entries;
            to->entry_cap = cap;
        } else {
            s->failed = true;
            at = NULL;
        }
    }
    if (!at)
        return;
    memcpy(at, text, len);
    to->entries[to->n_entries++] = (sim_entry){arrives, (uint64_t)s->next_event, to->text.len, len};
    to->text.len += len;
}

void
sim_emit(sim *s, const sim_event *event)
{
    char text[512 + SIM_LINES * 128];
    double luck = fbk__rng_double(&s->rng);
    int32_t late = luck < .02 ? 1 + (int32_t)(luck * 250.0) : 0;
    int64_t arrives = event->day * INT64_C(86400) + event->second;
    size_t len = (size_t)(put_event(s, text, event, late) - text);

    s->totals.events++;
    s->totals.lines += event->n_lines;
    s->totals.late += late > 0;
    deliver(s, event->day + late, arrives + late * 86400, text, len);
    if (luck > .99) {
        s->totals.repeated++;
        (void)fwrite(text, 1, len, s->resent);
    }
}

static int
entries_compare(const void *a, const void *b)
{
    const sim_entry *x = a;
    const sim_entry *y = b;

    if (x->arrives != y->arrives)
        return x->arrives < y->arrives ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

void
sim_day_write(sim *s, int32_t day)
{
    sim_day *d = &s->days[day];

    if (d->n_entries > 1)
        qsort(d->entries, d->n_entries, sizeof *d->entries, entries_compare);
    for (size_t i = 0; i < d->n_entries; i++)
        (void)fwrite(d->text.data + d->entries[i].at, 1, d->entries[i].len, s->events);
    free(d->text.data);
    free(d->entries);
    free(d->returns);
    d->text = (sim_text){0};
    d->entries = NULL;
    d->returns = NULL;
    d->n_entries = d->entry_cap = d->n_returns = d->return_cap = 0;
}

bool
sim_return_later(sim *s, int32_t day, const sim_return *what)
{
    sim_day *to = &s->days[day];

    if (to->n_returns == to->return_cap) {
        size_t cap = to->return_cap ? to->return_cap * 2 : 16;
        sim_return *returns = realloc(to->returns, cap * sizeof *returns);

        if (!returns) {
            s->failed = true;
            return false;
        }
        to->returns = returns;
        to->return_cap = cap;
    }
    to->returns[to->n_returns++] = *what;
    return true;
}

void
sim_identity(sim *s, const char *group, const char *space, const char *value)
{
    (void)fprintf(s->identities, "%s,%s,%s\n", group, space, value);
}
