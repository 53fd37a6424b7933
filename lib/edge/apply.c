/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/apply.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "base/utf8.h"
#include "edge/number.h"
#include "log/batch.h"
#include "record/link_math.h"

fbk_status
fbk__apply_init(fbk *db, const fbk__mapping *map, const fbk__tz *tz, const char *source,
                size_t source_len, fbk__apply *out)
{
    const fbk_allocator *a = fbk__a(db);
    fbk__row *row = &out->row;

    memset(out, 0, sizeof *out);
    out->db = db;
    out->map = out->pick.map = map;
    out->tz = tz;
    out->source = source;
    out->source_len = source_len;
    fbk__buf_init(&out->pick.parts, a);
    fbk__buf_init(&out->when, a);
    fbk__buf_init(&out->last_when, a);
    fbk__buf_init(&row->id, a);
    fbk__buf_init(&row->slots, a);
    fbk__buf_init(&row->item, a);
    fbk__buf_init(&row->name, a);
    fbk__buf_init(&row->brand, a);
    fbk__buf_init(&row->category, a);
    out->value = fbk__alloc(a, FBK__ROW_VALUE_MAX);
    return out->value ? FBK_OK : fbk__nomem(db);
}

void
fbk__apply_free(fbk__apply *apply)
{
    fbk__row *row = &apply->row;

    fbk__buf_free(&apply->pick.parts);
    fbk__buf_free(&apply->when);
    fbk__buf_free(&apply->last_when);
    fbk__buf_free(&row->id);
    fbk__buf_free(&row->slots);
    fbk__buf_free(&row->item);
    fbk__buf_free(&row->name);
    fbk__buf_free(&row->brand);
    fbk__buf_free(&row->category);
    fbk__free(fbk__a(apply->db), apply->value);
    apply->value = NULL;
}

void
fbk__slot_name(const fbk__mapping *map, size_t slot, char *out, size_t cap)
{
    static const char *const names[] = {"kind",  "source",    "channel",
                                        "place", "order_ref", "currency"};

    if (slot < FBK__N_SLOTS)
        (void)snprintf(out, cap, "%s", names[slot]);
    else if (slot - FBK__N_SLOTS < map->n_idents)
        (void)snprintf(out, cap, "identifiers.%s",
                       fbk__intern_text(&map->texts, map->idents[slot - FBK__N_SLOTS].space, NULL));
    else
        (void)snprintf(out, cap, "properties.%s",
                       fbk__intern_text(&map->texts,
                                        map->props[slot - FBK__N_SLOTS - map->n_idents].key, NULL));
}

/* Refuse the row; the first reason stays. False, so that it can be returned. */
static bool
row_bad(fbk__apply *ap, const char *field, const char *reason)
{
    if (!ap->row.reason) {
        ap->row.field = field;
        ap->row.reason = reason;
    }
    return false;
}

/* A value to be kept: UTF-8, and not longer than its limit. */
static bool
value_checked(fbk__apply *ap, const fbk__map_value *value, const char *field, size_t max,
              fbk__piece *out)
{
    ap->pick.parts.len = 0;
    *out = fbk__pick_value(&ap->pick, value);
    if (out->len > max)
        return row_bad(ap, field, "was too long");
    if (!fbk__utf8_valid(out->p, out->len))
        return row_bad(ap, field, "was not valid UTF-8");
    return true;
}

static void
slot_add(fbk__apply *ap, const void *bytes, size_t len)
{
    fbk__buf_uvarint(&ap->row.slots, len + 1);
    fbk__buf_add(&ap->row.slots, bytes, len);
}

static bool
slot_text(fbk__apply *ap, const fbk__map_value *value, const char *field)
{
    fbk__piece t;

    if (!value_checked(ap, value, field, FBK__ROW_TEXT_MAX, &t))
        return false;
    if (t.len > 0)
        slot_add(ap, t.p, t.len);
    else
        fbk__buf_uvarint(&ap->row.slots, 0);
    return true;
}

/* The result of rules, plus one; 0 when none holds and there is no default. */
static uint32_t
rules_result(const fbk__apply *ap, const fbk__map_rules *rules)
{
    for (uint32_t i = 0; i < rules->rules.n; i++) {
        const fbk__map_rule *rule = &ap->map->rules[rules->rules.first + i];

        if (fbk__pick_when(&ap->pick, rule->when))
            return rule->result + 1;
    }
    return rules->otherwise;
}

static bool
slot_kind(fbk__apply *ap)
{
    uint32_t result = rules_result(ap, &ap->map->kind);
    fbk__piece t;

    if (result == 0)
        return row_bad(ap, "kind", "was given by no rule");
    t = fbk__piece_of(ap->map, result - 1);
    slot_add(ap, t.p, t.len);
    return true;
}

static bool
slot_source(fbk__apply *ap)
{
    if (ap->map->source.kind != FBK__MAP_NONE)
        return slot_text(ap, &ap->map->source, "source");
    slot_add(ap, ap->source, ap->source_len);
    return true;
}

static bool
slot_currency(fbk__apply *ap)
{
    fbk__piece t;

    if (!value_checked(ap, &ap->map->currency, "currency", FBK__ROW_TEXT_MAX, &t))
        return false;
    if (t.len == 0) {
        fbk__buf_uvarint(&ap->row.slots, 0);
        return true;
    }
    if (t.len != 3)
        return row_bad(ap, "currency", "was no ISO 4217 code of three capital letters");
    for (size_t i = 0; i < 3; i++) {
        if (t.p[i] < 'A' || t.p[i] > 'Z')
            return row_bad(ap, "currency", "was no ISO 4217 code of three capital letters");
    }
    slot_add(ap, t.p, t.len);
    return true;
}

static bool
slot_idents(fbk__apply *ap)
{
    const fbk__mapping *map = ap->map;

    for (size_t i = 0; i < map->n_idents; i++) {
        const char *space = fbk__intern_text(&map->texts, map->idents[i].space, NULL);
        fbk__piece t;
        size_t n;

        if (!value_checked(ap, &map->idents[i].value, "identifiers", FBK__ROW_VALUE_MAX, &t))
            return false;
        n = fbk__identity_normalise(space, t.p, t.len, ap->value);
        if (n > 0 && !fbk__identity_blocked(space, ap->value, n))
            slot_add(ap, ap->value, n);
        else
            fbk__buf_uvarint(&ap->row.slots, 0);
    }
    return true;
}

/* strtod() reads the locale's decimal sign. Nine decimals of numbers up to 9.2e9, whole numbers
 * beyond. */
static bool
text_double(const fbk__mapping *map, fbk__piece t, double *out)
{
    int64_t nano;
    int64_t whole;

    if (fbk__number_parse(t.p, t.len, 9, map->decimal, map->group, &nano) == FBK__NUMBER_OK) {
        *out = (double)nano / 1e9;
        return true;
    }
    if (fbk__number_parse(t.p, t.len, 0, map->decimal, map->group, &whole) != FBK__NUMBER_OK)
        return false;
    *out = (double)whole;
    return true;
}

static int
text_bool(fbk__piece t)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "f", "t", "n", "y"};

    char lower[8];

    if (t.len >= sizeof lower)
        return -1;
    for (size_t i = 0; i < t.len; i++)
        lower[i] = (char)(t.p[i] >= 'A' && t.p[i] <= 'Z' ? t.p[i] + ('a' - 'A') : t.p[i]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == t.len && memcmp(words[i], lower, t.len) == 0)
            return (int)(i & 1);
    }
    return -1;
}

static bool
slot_prop(fbk__apply *ap, const fbk__map_prop *prop)
{
    const fbk__mapping *map = ap->map;
    int64_t whole;
    double real;
    fbk__piece t;

    if (!value_checked(ap, &prop->value, "properties", FBK__ROW_PROP_MAX, &t))
        return false;
    if (t.len == 0) {
        fbk__buf_uvarint(&ap->row.slots, 0);
        return true;
    }
    switch (prop->type) {
    case FBK__PROP_INT:
        if (fbk__number_parse(t.p, t.len, 0, map->decimal, map->group, &whole) != FBK__NUMBER_OK)
            return row_bad(ap, "properties", "was no whole number of 64 bits");
        slot_add(ap, &whole, sizeof whole);
        break;
    case FBK__PROP_DOUBLE:
        if (!text_double(map, t, &real))
            return row_bad(ap, "properties", "was no number");
        slot_add(ap, &real, sizeof real);
        break;
    case FBK__PROP_BOOL:
        whole = text_bool(t);
        if (whole < 0)
            return row_bad(ap, "properties", "was neither true nor false");
        slot_add(ap, &whole, sizeof whole);
        break;
    default:
        slot_add(ap, t.p, t.len);
    }
    return true;
}

static bool
row_slots(fbk__apply *ap)
{
    const fbk__mapping *map = ap->map;

    if (!slot_kind(ap) || !slot_source(ap) || !slot_text(ap, &map->channel, "channel") ||
        !slot_text(ap, &map->place, "place") || !slot_text(ap, &map->order_ref, "order_ref") ||
        !slot_currency(ap) || !slot_idents(ap))
        return false;
    for (size_t i = 0; i < map->n_props; i++) {
        if (!slot_prop(ap, &map->props[i]))
            return false;
    }
    for (size_t i = 0; i < map->n_flags; i++) {
        if (fbk__pick_when(&ap->pick, map->flags[i].when))
            ap->row.flags |= map->flags[i].bits;
    }
    return true;
}

/* ---- time ---- */

static bool
time_parsed(const fbk__mapping *map, fbk__piece t, fbk__when *out)
{
    const fbk__map_range formats = map->time.formats;

    if (formats.n == 0)
        return fbk__time_parse(t.p, t.len, out);
    for (uint32_t i = 0; i < formats.n; i++) {
        fbk__piece format = fbk__piece_of(map, map->lists[formats.first + i]);

        if (format.len == 0 ? fbk__time_parse(t.p, t.len, out)
                            : fbk__time_parse_as(format.p, t.p, t.len, out))
            return true;
    }
    return false;
}

/* The second of two instants at which the clock showed the same, when the first is given. */
static fbk_time
overlap_second(const fbk__tz *tz, int64_t local_us, fbk_time first_us)
{
    fbk__tz_span span;

    fbk__tz_span_at(tz, first_us, &span);
    return local_us - fbk__tz_offset(tz, span.end_us) * FBK__SECOND_US;
}

static const char *
time_instant(fbk__apply *ap, fbk__piece t, fbk_time *out)
{
    const fbk__map_time *time = &ap->map->time;
    fbk__when when;
    int how;

    if (!time_parsed(ap->map, t, &when))
        return "was no date and time in the formats of the mapping";
    if (when.has_offset) {
        *out = when.local_us - when.offset_s * FBK__SECOND_US;
    } else if (!time->zone) {
        return "was a local time, and the mapping names no zone";
    } else {
        how = fbk__tz_to_utc(ap->tz, when.local_us, out);
        ap->gaps += how == FBK__TZ_GAP;
        ap->overlaps += how == FBK__TZ_OVERLAP;
        if (how == FBK__TZ_GAP && time->gap == FBK__CLOCK_REJECT)
            return "was a local time that the clocks left out";
        if (how == FBK__TZ_OVERLAP && time->overlap == FBK__CLOCK_REJECT)
            return "was a local time that the clocks showed twice";
        if (how == FBK__TZ_OVERLAP && time->overlap == FBK__CLOCK_SECOND)
            *out = overlap_second(ap->tz, when.local_us, *out);
    }
    return fbk__time_valid(*out) ? NULL : "was outside the years 1 to 9999";
}

static bool
row_time(fbk__apply *ap)
{
    const fbk__map_range values = ap->map->time.values;
    bool any = false;
    fbk__piece t;

    fbk__buf_clear(&ap->when);
    for (uint32_t i = 0; i < values.n; i++) {
        ap->pick.parts.len = 0;
        t = fbk__pick_value(&ap->pick, &ap->map->values[values.first + i]);
        if (i > 0)
            fbk__buf_add(&ap->when, " ", 1);
        fbk__buf_add(&ap->when, t.p, t.len);
        any = any || t.len > 0;
    }
    ap->row.occurred_us = FBK_TIME_NONE;
    if (!any || ap->when.failed)
        return true;
    t = (fbk__piece){ap->when.data, ap->when.len};
    /* Rows of one order follow each other with the same time. */
    if (!fbk__piece_equal(t, (fbk__piece){ap->last_when.data, ap->last_when.len})) {
        ap->last_reason = time_instant(ap, t, &ap->last_us);
        fbk__buf_clear(&ap->last_when);
        fbk__buf_add(&ap->last_when, t.p, t.len);
    }
    if (ap->last_reason)
        return row_bad(ap, "time", ap->last_reason);
    ap->row.occurred_us = ap->last_us;
    return true;
}

/* ---- id ---- */

/* The parts of an id are joined by '/', so that what has one is written otherwise: two different
 * rows of parts never give the same id. */
static void
id_add(fbk__buf *id, fbk__piece t)
{
    size_t from = 0;

    for (size_t i = 0; i < t.len; i++) {
        if (t.p[i] != '/' && t.p[i] != '%')
            continue;
        fbk__buf_add(id, t.p + from, i - from);
        fbk__buf_str(id, t.p[i] == '/' ? "%2F" : "%25");
        from = i + 1;
    }
    fbk__buf_add(id, t.p + from, t.len - from);
}

static bool
id_parts(fbk__apply *ap)
{
    const fbk__map_range parts = ap->map->event_id;
    fbk__buf *id = &ap->row.id;
    bool any = false;
    fbk__piece t = {ap->source, ap->source_len};

    if (ap->map->source.kind != FBK__MAP_NONE &&
        !value_checked(ap, &ap->map->source, "source", FBK__ROW_TEXT_MAX, &t))
        return false;
    id_add(id, t);
    for (uint32_t i = 0; i < parts.n; i++) {
        if (!value_checked(ap, &ap->map->values[parts.first + i], "event_id", FBK__ROW_TEXT_MAX,
                           &t))
            return false;
        fbk__buf_add(id, "/", 1);
        id_add(id, t);
        any = any || t.len > 0;
    }
    if (!any)
        return row_bad(ap, "event_id", "was empty");
    return id->len <= FBK__ROW_TEXT_MAX || row_bad(ap, "event_id", "was too long");
}

static bool
row_id(fbk__apply *ap)
{
    if (ap->map->event_id.n == 0 || id_parts(ap))
        return true;
    ap->row.id.len = 0; /* half an id is none */
    return false;
}

/* ---- lines and items ---- */

/* The sum of the values that are there; *given says whether any is. */
static bool
number_sum(fbk__apply *ap, fbk__map_range values, unsigned decimals, const char *field, bool *given,
           int64_t *out)
{
    const fbk__mapping *map = ap->map;
    int64_t sum = 0;

    *given = false;
    for (uint32_t i = 0; i < values.n; i++) {
        fbk__number_result result;
        int64_t one;
        fbk__piece t;

        ap->pick.parts.len = 0;
        t = fbk__pick_value(&ap->pick, &map->values[values.first + i]);
        if (t.len == 0)
            continue;
        result = fbk__number_parse(t.p, t.len, decimals, map->decimal, map->group, &one);
        if (result == FBK__NUMBER_MALFORMED)
            return row_bad(ap, field, "was no number");
        if (result == FBK__NUMBER_RANGE || __builtin_add_overflow(sum, one, &sum))
            return row_bad(ap, field, "was too great a number");
        *given = true;
    }
    *out = sum;
    return true;
}

/* What the file does not say follows from what it does. */
static bool
line_complete(fbk__apply *ap, bool has_price, bool has_amount)
{
    fbk__row *row = &ap->row;
    int64_t gross;
    bool fits = true;

    if (!has_amount && has_price)
        fits = fbk__number_mul_div(row->quantity_milli, row->unit_price_micro, 1000, &gross) &&
               !__builtin_sub_overflow(gross, row->discount_micro, &row->amount_micro);
    else if (has_amount && !has_price && row->quantity_milli != 0)
        fits = !__builtin_add_overflow(row->amount_micro, row->discount_micro, &gross) &&
               (row->quantity_milli > 0
                    ? fbk__number_mul_div(gross, 1000, row->quantity_milli, &row->unit_price_micro)
                    : row->quantity_milli > INT64_MIN && gross > INT64_MIN &&
                          fbk__number_mul_div(-gross, 1000, -row->quantity_milli,
                                              &row->unit_price_micro));
    return fits || row_bad(ap, "line.amount", "was too great a number");
}

static bool
line_numbers(fbk__apply *ap)
{
    const fbk__map_line *line = &ap->map->line;
    fbk__row *row = &ap->row;
    bool has_quantity;
    bool has_price;
    bool has_amount;
    bool given;

    if (!number_sum(ap, line->quantity, 3, "line.quantity", &has_quantity, &row->quantity_milli) ||
        !number_sum(ap, line->unit_price, 6, "line.unit_price", &has_price,
                    &row->unit_price_micro) ||
        !number_sum(ap, line->amount, 6, "line.amount", &has_amount, &row->amount_micro) ||
        !number_sum(ap, line->discount, 6, "line.discount", &given, &row->discount_micro) ||
        !number_sum(ap, line->tax, 6, "line.tax", &given, &row->tax_micro))
        return false;
    if (!has_quantity)
        row->quantity_milli = 1000;
    if (line->negative && fbk__pick_when(&ap->pick, line->negative)) {
        row->quantity_milli = -row->quantity_milli;
        row->amount_micro = -row->amount_micro;
        row->discount_micro = -row->discount_micro;
        row->tax_micro = -row->tax_micro;
    }
    return line_complete(ap, has_price, has_amount);
}

/* A path is parts with '/' between them; one inside a part becomes '-'. */
static void
category_add(fbk__buf *path, fbk__piece t)
{
    while (t.len > 0 && *t.p == ' ') {
        t.p++;
        t.len--;
    }
    while (t.len > 0 && t.p[t.len - 1] == ' ')
        t.len--;
    if (t.len == 0)
        return;
    if (path->len > 0)
        fbk__buf_add(path, "/", 1);
    for (size_t i = 0; i < t.len; i++)
        fbk__buf_add(path, t.p[i] == '/' ? "-" : t.p + i, 1);
}

static void
item_category(fbk__apply *ap)
{
    const fbk__map_item *item = &ap->map->item;
    fbk__buf *path = &ap->row.category;

    for (uint32_t i = 0; i < item->category.n; i++) {
        fbk__piece t;
        fbk__piece split = {NULL, 0};

        ap->pick.parts.len = 0;
        t = fbk__pick_value(&ap->pick, &ap->map->values[item->category.first + i]);
        if (item->separator)
            split = fbk__piece_of(ap->map, item->separator - 1);
        while (split.len > 0 && t.len > 0) {
            const char *at = memmem(t.p, t.len, split.p, split.len);

            if (!at)
                break;
            category_add(path, (fbk__piece){t.p, (size_t)(at - t.p)});
            t.len -= (size_t)(at - t.p) + split.len;
            t.p = at + split.len;
        }
        category_add(path, t);
    }
}

/* A description is no reason to refuse an event: what does not fit is left out. */
static void
item_text(fbk__apply *ap, const fbk__map_value *value, size_t max, uint32_t bit, fbk__buf *out)
{
    fbk__piece t;

    ap->pick.parts.len = 0;
    t = fbk__pick_value(&ap->pick, value);
    if (t.len == 0 || t.len > max || !fbk__utf8_valid(t.p, t.len))
        return;
    fbk__buf_add(out, t.p, t.len);
    ap->row.gives |= bit;
}

static void
row_item(fbk__apply *ap)
{
    const fbk__map_item *item = &ap->map->item;
    fbk__row *row = &ap->row;
    int64_t price = -1;
    bool given = false;

    if (!item->given || row->item.len == 0 || !fbk__pick_when(&ap->pick, item->when))
        return;
    item_text(ap, &item->name, 511, FBK__GIVES_NAME, &row->name);
    item_text(ap, &item->brand, 127, FBK__GIVES_BRAND, &row->brand);
    item_category(ap);
    if (row->category.len > 0 && row->category.len <= 511 &&
        fbk__utf8_valid(row->category.data, row->category.len))
        row->gives |= FBK__GIVES_CATEGORY;
    if (number_sum(ap, item->price, 6, "item.price", &given, &price) && given && price >= 0 &&
        price <= INT64_C(1000000000000000)) {
        row->price_micro = price;
        row->gives |= FBK__GIVES_PRICE;
    }
}

static bool
row_line(fbk__apply *ap)
{
    const fbk__map_line *line = &ap->map->line;
    fbk__row *row = &ap->row;
    uint32_t kind;
    fbk__piece t;

    if (!line->given || !fbk__pick_when(&ap->pick, line->when))
        return true;
    kind = rules_result(ap, &line->kind);
    if (kind == 0)
        return row_bad(ap, "line.kind", "was given by no rule");
    row->has_line = true;
    row->line_kind = kind - 1;
    /* An item is known by its bytes, whatever they mean. */
    ap->pick.parts.len = 0;
    t = fbk__pick_value(&ap->pick, &line->item);
    if (t.len > FBK__ROW_TEXT_MAX)
        return row_bad(ap, "line.item", "was too long");
    if (t.len == 0 && row->line_kind == FBK__LINE_PRODUCT)
        return row_bad(ap, "line.item", "was empty, and the line is a product");
    fbk__buf_add(&row->item, t.p, t.len);
    if (!line_numbers(ap))
        return false;
    row_item(ap);
    return row->reason == NULL;
}

static bool
row_failed(const fbk__apply *ap)
{
    const fbk__row *row = &ap->row;

    return ap->pick.parts.failed || ap->when.failed || ap->last_when.failed || row->id.failed ||
           row->slots.failed || row->item.failed || row->name.failed || row->brand.failed ||
           row->category.failed;
}

fbk_status
fbk__apply_row(fbk__apply *ap, const fbk__cell *cells)
{
    fbk__row *row = &ap->row;

    ap->pick.cells = cells;
    row->reason = row->field = NULL;
    row->flags = row->gives = row->line_kind = 0;
    row->has_line = false;
    row->quantity_milli = row->unit_price_micro = row->amount_micro = 0;
    row->discount_micro = row->tax_micro = row->price_micro = 0;
    row->occurred_us = FBK_TIME_NONE;
    fbk__buf_clear(&row->id);
    fbk__buf_clear(&row->slots);
    fbk__buf_clear(&row->item);
    fbk__buf_clear(&row->name);
    fbk__buf_clear(&row->brand);
    fbk__buf_clear(&row->category);
    row->skip = ap->map->skip && fbk__pick_when(&ap->pick, ap->map->skip);
    if (row->skip)
        return FBK_OK;
    /* The id first: a row that is refused for another reason still says which event it was of. */
    if (row_id(ap) && row_time(ap) && row_slots(ap))
        (void)row_line(ap);
    return row_failed(ap) ? fbk__nomem(ap->db) : FBK_OK;
}
