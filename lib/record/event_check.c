/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "record/event.h"
#include "record/link_math.h"

/* Whether an event may be stored: one set of rules for all ways in. */

enum {
    ID_MAX = 255,
    KIND_MAX = 64,
    SOURCE_MAX = 255,
    CHANNEL_MAX = 64,
    PLACE_MAX = 63,
    ITEM_MAX = 255,
    VALUE_MAX = 255,
    KEY_MAX = 64,
    PROP_TEXT_MAX = 65535,
    ALL_FLAGS = FBK_FLAG_TEST | FBK_FLAG_EMPLOYEE | FBK_FLAG_BUSINESS | FBK_FLAG_BOT
};

_Static_assert((int)FBK_LINE_PRODUCT == (int)FBK__LINE_PRODUCT &&
                   (int)FBK_LINE_SHIPPING == (int)FBK__LINE_SHIPPING &&
                   (int)FBK_LINE_FEE == (int)FBK__LINE_FEE &&
                   (int)FBK_LINE_DISCOUNT == (int)FBK__LINE_DISCOUNT &&
                   (int)FBK_LINE_GIFT_CARD == (int)FBK__LINE_GIFT_CARD &&
                   (int)FBK_LINE_DEPOSIT == (int)FBK__LINE_DEPOSIT &&
                   (int)FBK_LINE_ADJUSTMENT == (int)FBK__LINE_ADJUSTMENT &&
                   (int)FBK_LINE_SAMPLE == (int)FBK__LINE_SAMPLE &&
                   (int)FBK_LINE_BUNDLE == (int)FBK__LINE_BUNDLE,
               "line kinds are those that are stored");
_Static_assert((int)FBK_FLAG_TEST == (int)FBK__FLAG_TEST &&
                   (int)FBK_FLAG_EMPLOYEE == (int)FBK__FLAG_EMPLOYEE &&
                   (int)FBK_FLAG_BUSINESS == (int)FBK__FLAG_BUSINESS &&
                   (int)FBK_FLAG_BOT == (int)FBK__FLAG_BOT,
               "flags are those that are stored");
_Static_assert((int)FBK_PROP_TEXT == (int)FBK__PROP_TEXT &&
                   (int)FBK_PROP_INT == (int)FBK__PROP_INT &&
                   (int)FBK_PROP_DOUBLE == (int)FBK__PROP_DOUBLE &&
                   (int)FBK_PROP_BOOL == (int)FBK__PROP_BOOL,
               "types of properties are those that are stored");
_Static_assert((int)FBK_EVENT_LINES_MAX == (int)FBK__EVENT_LINES_MAX &&
                   (int)FBK_EVENT_IDENTIFIERS_MAX == (int)FBK__EVENT_IDENTS_MAX &&
                   (int)FBK_EVENT_PROPERTIES_MAX == (int)FBK__EVENT_PROPS_MAX,
               "limits are those of the log");
_Static_assert(FBK_AMOUNT_NONE == FBK__AMOUNT_NONE, "the same sentinel");
_Static_assert((int)FBK_EVENT_ADDED == (int)FBK__ADDED &&
                   (int)FBK_EVENT_ALREADY == (int)FBK__ALREADY &&
                   (int)FBK_EVENT_CONFLICT == (int)FBK__CONFLICT &&
                   (int)FBK_EVENT_ERASED == (int)FBK__ERASED,
               "outcomes are those of the log");

static const char *const line_names[] = {"",          "product", "shipping",   "fee",    "discount",
                                         "gift_card", "deposit", "adjustment", "sample", "bundle"};
_Static_assert(sizeof line_names / sizeof line_names[0] == FBK__N_LINE_KINDS, "every kind named");

uint32_t
fbk__line_kind_find(const char *text, size_t len)
{
    if (len == 1 && text[0] >= '1' && text[0] <= '9')
        return (uint32_t)(text[0] - '0');
    for (uint32_t i = 1; i < FBK__N_LINE_KINDS; i++) {
        if (strlen(line_names[i]) == len && memcmp(line_names[i], text, len) == 0)
            return i;
    }
    return FBK__N_LINE_KINDS;
}

const char *
fbk__line_kind_name(uint32_t kind)
{
    return kind < FBK__N_LINE_KINDS ? line_names[kind] : "";
}

fbk_time
fbk__event_now(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (fbk_time)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The event at hand. */
typedef struct event_check {
    fbk *db;
    fbk__batch *batch;
    fbk__batch_event *e;
} event_check;

static const char *
check_span(const event_check *c, fbk__span span)
{
    return c->batch->text.data ? c->batch->text.data + span.at : "";
}

/* min..max bytes of UTF-8 without NUL. */
static fbk_status
check_text(const event_check *c, const char *field, const char *text, size_t len, size_t min,
           size_t max)
{
    if (len < min || len > max)
        return fbk__fail_at(c->db, FBK_ERANGE, field, c->e->row, "%s had %zu bytes, not %zu to %zu",
                            field, len, min, max);
    if (len && (memchr(text, '\0', len) || !fbk__utf8_valid(text, len)))
        return fbk__fail_at(c->db, FBK_EINVAL, field, c->e->row, "%s was not valid UTF-8", field);
    return FBK_OK;
}

static fbk_status
check_word(const event_check *c, const char *field, uint32_t word, size_t min, size_t max)
{
    size_t len;
    const char *text = fbk__intern_text(&c->batch->words, word, &len);

    return check_text(c, field, text, len, min, max);
}

/* [a-z][a-z0-9_]*; property keys may also have capitals, dots and hyphens. */
static fbk_status
check_name(const event_check *c, const char *field, uint32_t word, bool key)
{
    size_t len;
    const char *text = fbk__intern_text(&c->batch->words, word, &len);
    bool ok = len > 0;

    if (len > KEY_MAX)
        return check_text(c, field, text, len, 1, KEY_MAX);
    for (size_t i = 0; i < len; i++) {
        bool lower = text[i] >= 'a' && text[i] <= 'z';
        bool capital = text[i] >= 'A' && text[i] <= 'Z';
        bool digit = text[i] >= '0' && text[i] <= '9';
        bool mark = text[i] == '.' || text[i] == '-';

        ok = ok && (lower || (i && (digit || text[i] == '_')) ||
                    (key && (capital || text[i] == '_' || (i && mark))));
    }
    if (ok)
        return FBK_OK;
    return fbk__fail_at(
        c->db, FBK_EINVAL, field, c->e->row,
        key ? "%s was not a letter or '_' followed by letters, digits, '_', '.', '-'"
            : "%s was not a lower-case word of letters, digits and '_'",
        field);
}

static fbk_status
check_time(const event_check *c, const char *field, fbk_time t)
{
    if (t >= FBK_TIME_MIN && t <= FBK_TIME_MAX)
        return FBK_OK;
    return fbk__fail_at(c->db, FBK_ERANGE, field, c->e->row, "%s was outside the years 1 to 9999",
                        field);
}

static fbk_status
check_currency(const event_check *c)
{
    size_t len;
    const char *text = fbk__intern_text(&c->batch->words, c->e->currency, &len);

    if (len == 0 || (len == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3))
        return FBK_OK;
    return fbk__fail_at(c->db, FBK_EINVAL, "currency", c->e->row,
                        "currency was not three capital letters (ISO 4217)");
}

static fbk_status
check_head(const event_check *c)
{
    fbk__batch_event *e = c->e;
    size_t place_len;
    const char *place = fbk__intern_text(&c->batch->places, e->place, &place_len);
    fbk_status rc = check_text(c, "event_id", check_span(c, e->id), e->id.len, 1, ID_MAX);

    if (rc >= 0)
        rc = check_name(c, "kind", e->kind, false);
    if (rc >= 0)
        rc = check_word(c, "source", e->source, 1, SOURCE_MAX);
    if (rc >= 0)
        rc = check_word(c, "channel", e->channel, 0, CHANNEL_MAX);
    if (rc >= 0)
        rc = check_text(c, "place", place, place_len, 0, PLACE_MAX);
    if (rc >= 0)
        rc = check_text(c, "order_ref", check_span(c, e->order_ref), e->order_ref.len, 0, ID_MAX);
    if (rc >= 0)
        rc = check_currency(c);
    if (rc >= 0)
        rc = check_time(c, "occurred_us", e->occurred_us);
    if (rc >= 0 && e->received_us == 0)
        e->received_us = fbk__event_now();
    if (rc >= 0)
        rc = check_time(c, "received_us", e->received_us);
    if (rc >= 0 && (e->flags & ~(uint32_t)ALL_FLAGS))
        rc = fbk__fail_at(c->db, FBK_EINVAL, "flags", e->row, "flags had an unknown bit");
    return rc;
}

static fbk_status
check_number(const event_check *c, const char *field, uint32_t line, int64_t value, int64_t max)
{
    if (value >= -max && value <= max)
        return FBK_OK;
    return fbk__fail_at(c->db, FBK_ERANGE, field, c->e->row,
                        "%s of line %u was not between -%lld and %lld", field, line + 1,
                        (long long)max, (long long)max);
}

static fbk_status
check_item(const event_check *c, uint32_t number, const fbk__batch_line *line)
{
    size_t len;
    const char *item = fbk__intern_text(&c->batch->items, line->item, &len);

    if (len > ITEM_MAX || (!len && line->kind == FBK__LINE_PRODUCT))
        return fbk__fail_at(c->db, FBK_ERANGE, "item", c->e->row,
                            "item of line %u had %zu bytes, not 1 to %d", number + 1, len,
                            ITEM_MAX);
    /* A SKU is bytes; only NUL could not be given back. */
    if (len && memchr(item, '\0', len))
        return fbk__fail_at(c->db, FBK_EINVAL, "item", c->e->row, "item of line %u held a NUL",
                            number + 1);
    return FBK_OK;
}

static fbk_status
check_line(const event_check *c, uint32_t number, fbk__batch_line *line)
{
    fbk_status rc;

    if (line->kind == FBK_LINE_DEFAULT)
        line->kind = FBK__LINE_PRODUCT;
    if (line->kind >= FBK__N_LINE_KINDS)
        return fbk__fail_at(c->db, FBK_EINVAL, "line_kind", c->e->row,
                            "line_kind of line %u was %u, not 1 to %d", number + 1, line->kind,
                            FBK__N_LINE_KINDS - 1);
    rc = check_item(c, number, line);
    if (rc >= 0)
        rc =
            check_number(c, "quantity_milli", number, line->quantity_milli, FBK_QUANTITY_MAX_MILLI);
    if (rc >= 0)
        rc = check_number(c, "unit_price_micro", number, line->unit_price_micro,
                          FBK_MONEY_MAX_MICRO);
    if (rc >= 0)
        rc = check_number(c, "discount_micro", number, line->discount_micro, FBK_MONEY_MAX_MICRO);
    if (rc >= 0)
        rc = check_number(c, "tax_micro", number, line->tax_micro, FBK_MONEY_MAX_MICRO);
    if (rc < 0)
        return rc;
    if (line->amount_micro == FBK__AMOUNT_NONE &&
        !fbk__line_amount(line->quantity_milli, line->unit_price_micro, line->discount_micro,
                          &line->amount_micro))
        return fbk__fail_at(c->db, FBK_ERANGE, "amount_micro", c->e->row,
                            "the amount of line %u was too large to compute", number + 1);
    return check_number(c, "amount_micro", number, line->amount_micro, FBK_MONEY_MAX_MICRO);
}

static fbk_status
check_lines(const event_check *c)
{
    fbk_status rc = FBK_OK;

    if (c->e->n_lines > FBK__EVENT_LINES_MAX)
        return fbk__fail_at(c->db, FBK_ERANGE, "n_lines", c->e->row,
                            "the event had %u lines, more than %d", c->e->n_lines,
                            FBK__EVENT_LINES_MAX);
    for (uint32_t i = 0; i < c->e->n_lines && rc >= 0; i++)
        rc = check_line(c, i, &c->batch->lines[c->e->first_line + i]);
    return rc;
}

/* Whether an identifier stands among the first n of the event. */
static bool
check_ident_seen(const event_check *c, const fbk__batch_ident *first, uint32_t n,
                 const fbk__batch_ident *ident)
{
    for (uint32_t i = 0; i < n; i++) {
        if (first[i].space == ident->space && first[i].value.len == ident->value.len &&
            memcmp(check_span(c, first[i].value), check_span(c, ident->value), ident->value.len) ==
                0)
            return true;
    }
    return false;
}

static fbk_status
check_idents(const event_check *c)
{
    fbk__batch_ident *first = c->e->n_idents ? c->batch->idents + c->e->first_ident : NULL;
    uint32_t n = 0;
    fbk_status rc = FBK_OK;

    if (c->e->n_idents > FBK__EVENT_IDENTS_MAX)
        return fbk__fail_at(c->db, FBK_ERANGE, "n_identifiers", c->e->row,
                            "the event had %u identifiers, more than %d", c->e->n_idents,
                            FBK__EVENT_IDENTS_MAX);
    for (uint32_t i = 0; i < c->e->n_idents && rc >= 0; i++) {
        fbk__batch_ident ident = first[i];
        const char *space = fbk__intern_text(&c->batch->words, ident.space, NULL);
        char *value = c->batch->text.data + ident.value.at;

        rc = check_name(c, "namespace", ident.space, false);
        if (rc >= 0)
            rc = check_text(c, "identifier", value, ident.value.len, 0, VALUE_MAX);
        if (rc < 0)
            break;
        ident.value.len = (uint32_t)fbk__identity_normalise(space, value, ident.value.len, value);
        if (!fbk__identity_blocked(space, value, ident.value.len) &&
            !check_ident_seen(c, first, n, &ident))
            first[n++] = ident;
    }
    if (rc < 0)
        return rc;
    c->e->n_idents = n;
    c->batch->n_idents = c->e->first_ident + n;
    return FBK_OK;
}

static fbk_status
check_prop(const event_check *c, const fbk__batch_prop *prop)
{
    const char *field = fbk__intern_text(&c->batch->words, prop->key, NULL);
    fbk_status rc = check_name(c, "property key", prop->key, true);

    if (rc < 0)
        return rc;
    if (prop->type == FBK__PROP_TEXT)
        return check_text(c, field, check_span(c, prop->value.text), prop->value.text.len, 0,
                          PROP_TEXT_MAX);
    if (prop->type == FBK__PROP_DOUBLE && !isfinite(prop->value.d))
        return fbk__fail_at(c->db, FBK_ERANGE, field, c->e->row, "%s was not a finite number",
                            field);
    if (prop->type == FBK__PROP_BOOL && prop->value.i != 0 && prop->value.i != 1)
        return fbk__fail_at(c->db, FBK_ERANGE, field, c->e->row, "%s was neither 0 nor 1", field);
    if (prop->type < FBK__PROP_TEXT || prop->type > FBK__PROP_BOOL)
        return fbk__fail_at(c->db, FBK_EINVAL, field, c->e->row, "%s was of the unknown type %u",
                            field, prop->type);
    return FBK_OK;
}

static int
check_key_order(const event_check *c, const fbk__batch_prop *x, const fbk__batch_prop *y)
{
    return strcmp(fbk__intern_text(&c->batch->words, x->key, NULL),
                  fbk__intern_text(&c->batch->words, y->key, NULL));
}

/* By insertion: there are few, and mostly they are in order. The order must not matter, because
 * JSON and columns give it by chance. */
static fbk_status
check_props(const event_check *c)
{
    fbk__batch_prop *first = c->e->n_props ? c->batch->props + c->e->first_prop : NULL;
    fbk_status rc;

    if (c->e->n_props > FBK__EVENT_PROPS_MAX)
        return fbk__fail_at(c->db, FBK_ERANGE, "n_properties", c->e->row,
                            "the event had %u properties, more than %d", c->e->n_props,
                            FBK__EVENT_PROPS_MAX);
    for (uint32_t i = 0; i < c->e->n_props; i++) {
        fbk__batch_prop prop = first[i];
        uint32_t at = i;

        rc = check_prop(c, &prop);
        if (rc < 0)
            return rc;
        for (; at > 0 && check_key_order(c, &first[at - 1], &prop) > 0; at--)
            first[at] = first[at - 1];
        first[at] = prop;
        if (at > 0 && first[at - 1].key == prop.key)
            return fbk__fail_at(c->db, FBK_EINVAL, "property key", c->e->row,
                                "a property key stood there twice");
    }
    return FBK_OK;
}

fbk_status
fbk__event_validate_last(fbk *db, fbk__batch *batch)
{
    event_check c = {db, batch, &batch->events[batch->n_events - 1]};
    fbk_status rc = check_head(&c);

    if (rc >= 0)
        rc = check_lines(&c);
    if (rc >= 0)
        rc = check_idents(&c);
    if (rc >= 0)
        rc = check_props(&c);
    return rc;
}
