/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/map.h"

#include <string.h>

#include "base/time.h"
#include "base/tz.h"
#include "edge/mapread.h"
#include "log/batch.h"

/* ---- kinds, flags, identifiers, properties ---- */

/* Kinds and namespaces are lower-case words; keys of properties are what programs call names. */
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool
word_valid(const json_t *json, bool key)
{
    const char *text = json_string_value(json);
    size_t len = json_string_length(json);

    if (len == 0 || len > 64 || strspn(text, key ? LOWER UPPER "_" : LOWER) == 0)
        return false;
    return strspn(text, key ? LOWER UPPER "0123456789_.-" : LOWER "0123456789_") == len;
}

static bool
read_word(fbk__mapread *c, const json_t *json, void *to)
{
    if (!json_is_string(json) || !word_valid(json, false))
        return fbk__mapread_fail(c, "was no lower-case word of letters, digits and _");
    return fbk__mapread_text(c, json, to);
}

static bool
read_key(fbk__mapread *c, const json_t *json, void *to)
{
    if (!json_is_string(json) || !word_valid(json, true))
        return fbk__mapread_fail(c, "was no name of letters, digits, _, . and -");
    return fbk__mapread_text(c, json, to);
}

static bool
read_line_kind(fbk__mapread *c, const json_t *json, void *to)
{
    static const char *const names[] = {"",          "product", "shipping",   "fee",    "discount",
                                        "gift_card", "deposit", "adjustment", "sample", "bundle"};
    const char *text = json_string_value(json);

    _Static_assert(sizeof names / sizeof names[0] == FBK__N_LINE_KINDS, "a name for each kind");
    for (uint32_t i = 1; text && i < FBK__N_LINE_KINDS; i++) {
        if (strcmp(names[i], text) == 0) {
            *(uint32_t *)to = i;
            return true;
        }
    }
    return fbk__mapread_fail(c, "was no kind that a line can have");
}

static bool
read_rule(fbk__mapread *c, const json_t *json, fbk__mapread_fn read_result)
{
    fbk__mapping *map = c->map;
    fbk__map_rule rule = {0, UINT32_MAX};
    const fbk__mapread_member members[] = {{"kind", read_result, &rule.result},
                                           {"when", fbk__mapread_when, &rule.when}};

    if (!FBK__MAPREAD_OBJECT(c, json, members))
        return false;
    if (rule.result == UINT32_MAX || rule.when == 0)
        return fbk__mapread_fail(c, "had a rule without kind or when");
    if (!fbk__grow(map->a, &map->rules, &map->rule_cap, map->n_rules + 1, sizeof *map->rules))
        return fbk__mapread_nomem(c);
    map->rules[map->n_rules++] = rule;
    return true;
}

/* A kind: a word, or {"rules": [{"kind", "when"} …], "default"}. */
static bool
read_rules(fbk__mapread *c, const json_t *json, fbk__map_rules *out, fbk__mapread_fn read_result)
{
    const json_t *rules = json_object_get(json, "rules");
    const json_t *otherwise = json_is_string(json) ? json : json_object_get(json, "default");
    uint32_t result = 0;

    if (json_is_object(json)) {
        if (json_object_size(json) != (size_t)(rules ? 1 : 0) + (size_t)(otherwise ? 1 : 0))
            return fbk__mapread_fail(c, "had another member than rules and default");
        if (!json_is_array(rules))
            return fbk__mapread_fail(c, "had no list of rules");
    }
    out->otherwise = 0;
    out->rules.first = (uint32_t)c->map->n_rules;
    for (size_t i = 0; i < json_array_size(rules); i++) {
        if (!read_rule(c, json_array_get(rules, i), read_result))
            return false;
    }
    out->rules.n = (uint32_t)c->map->n_rules - out->rules.first;
    if (!otherwise)
        return json_is_object(json) || fbk__mapread_fail(c, "was neither a word nor rules");
    if (!read_result(c, otherwise, &result))
        return false;
    out->otherwise = result + 1;
    return true;
}

static bool
read_event_kinds(fbk__mapread *c, const json_t *json, void *to)
{
    return read_rules(c, json, to, read_word);
}

static bool
read_line_kinds(fbk__mapread *c, const json_t *json, void *to)
{
    return read_rules(c, json, to, read_line_kind);
}

static bool
read_flag_bit(fbk__mapread *c, const json_t *json, void *to)
{
    static const char *const names[] = {"test", "employee", "business", "bot"};
    const char *text = json_string_value(json);

    for (uint32_t i = 0; text && i < 4; i++) {
        if (strcmp(names[i], text) == 0) {
            *(uint32_t *)to = 1u << i;
            return true;
        }
    }
    return fbk__mapread_fail(c, "was none of test, employee, business and bot");
}

/* Each element of a list with one function. */
static bool
read_each(fbk__mapread *c, const json_t *json, bool (*one)(fbk__mapread *c, const json_t *json))
{
    if (!json_is_array(json))
        return fbk__mapread_fail(c, "was no list");
    for (size_t i = 0; i < json_array_size(json); i++) {
        if (!one(c, json_array_get(json, i)))
            return false;
    }
    return true;
}

static bool
flag_one(fbk__mapread *c, const json_t *json)
{
    fbk__mapping *map = c->map;
    fbk__map_flag flag = {0};
    const fbk__mapread_member members[] = {{"flag", read_flag_bit, &flag.bits},
                                           {"when", fbk__mapread_when, &flag.when}};

    if (!FBK__MAPREAD_OBJECT(c, json, members))
        return false;
    if (!flag.bits)
        return fbk__mapread_fail(c, "had an element without flag");
    if (!fbk__grow(map->a, &map->flags, &map->flag_cap, map->n_flags + 1, sizeof *map->flags))
        return fbk__mapread_nomem(c);
    map->flags[map->n_flags++] = flag;
    return true;
}

static bool
read_flags(fbk__mapread *c, const json_t *json, void *to)
{
    (void)to;
    return read_each(c, json, flag_one);
}

static bool
ident_one(fbk__mapread *c, const json_t *json)
{
    fbk__mapping *map = c->map;
    fbk__map_ident ident = {.space = UINT32_MAX};
    const fbk__mapread_member members[] = {{"namespace", read_word, &ident.space},
                                           {"value", fbk__mapread_value, &ident.value}};

    if (!FBK__MAPREAD_OBJECT(c, json, members))
        return false;
    if (ident.space == UINT32_MAX || ident.value.kind == FBK__MAP_NONE)
        return fbk__mapread_fail(c, "had an element without namespace or value");
    if (!fbk__grow(map->a, &map->idents, &map->ident_cap, map->n_idents + 1, sizeof *map->idents))
        return fbk__mapread_nomem(c);
    map->idents[map->n_idents++] = ident;
    return true;
}

static bool
read_idents(fbk__mapread *c, const json_t *json, void *to)
{
    (void)to;
    return read_each(c, json, ident_one);
}

static bool
read_prop_type(fbk__mapread *c, const json_t *json, void *to)
{
    static const char *const names[] = {"text", "int", "double", "bool"};
    const char *text = json_string_value(json);

    _Static_assert(FBK__PROP_TEXT == 1 && FBK__PROP_BOOL == 4, "the names are in this order");
    for (uint32_t i = 0; text && i < 4; i++) {
        if (strcmp(names[i], text) == 0) {
            *(uint32_t *)to = i + 1;
            return true;
        }
    }
    return fbk__mapread_fail(c, "was none of text, int, double and bool");
}

static bool
prop_one(fbk__mapread *c, const json_t *json)
{
    fbk__mapping *map = c->map;
    fbk__map_prop prop = {.key = UINT32_MAX, .type = FBK__PROP_TEXT};
    const fbk__mapread_member members[] = {{"key", read_key, &prop.key},
                                           {"type", read_prop_type, &prop.type},
                                           {"value", fbk__mapread_value, &prop.value}};

    if (!FBK__MAPREAD_OBJECT(c, json, members))
        return false;
    if (prop.key == UINT32_MAX || prop.value.kind == FBK__MAP_NONE)
        return fbk__mapread_fail(c, "had an element without key or value");
    if (!fbk__grow(map->a, &map->props, &map->prop_cap, map->n_props + 1, sizeof *map->props))
        return fbk__mapread_nomem(c);
    map->props[map->n_props++] = prop;
    return true;
}

static bool
read_props(fbk__mapread *c, const json_t *json, void *to)
{
    (void)to;
    return read_each(c, json, prop_one);
}

/* ---- the parts of a mapping ---- */

static bool
read_format(fbk__mapread *c, const json_t *json, void *to)
{
    const char *text = json_string_value(json);

    if (text && strcmp(text, "csv") == 0)
        *(uint32_t *)to = FBK__FORMAT_CSV;
    else if (text && strcmp(text, "json") == 0)
        *(uint32_t *)to = FBK__FORMAT_JSON;
    else
        return fbk__mapread_fail(c, "was neither csv nor json");
    return true;
}

static bool
read_csv(fbk__mapread *c, const json_t *json, void *to)
{
    fbk__mapping *map = to;
    const fbk__mapread_member members[] = {
        {"separator", fbk__mapread_sign, &map->csv.separator},
        {"quotes", fbk__mapread_no, &map->csv.no_quotes},
        {"merge", fbk__mapread_bool, &map->csv.merge},
        {"trim", fbk__mapread_bool, &map->csv.trim},
        {"columns", fbk__mapread_texts, &map->csv_columns},
        {"basket", fbk__mapread_text1, &map->basket},
    };

    if (!FBK__MAPREAD_OBJECT(c, json, members))
        return false;
    map->has_columns = map->csv_columns.n > 0;
    if (map->basket && map->has_columns)
        return fbk__mapread_fail(c, "had both columns and basket");
    return true;
}

static bool
read_json(fbk__mapread *c, const json_t *json, void *to)
{
    fbk__mapping *map = to;
    const fbk__mapread_member members[] = {{"lines", fbk__mapread_text1, &map->json_lines}};

    return FBK__MAPREAD_OBJECT(c, json, members);
}

static bool
read_numbers(fbk__mapread *c, const json_t *json, void *to)
{
    fbk__mapping *map = to;
    const fbk__mapread_member members[] = {{"decimal", fbk__mapread_sign, &map->decimal},
                                           {"group", fbk__mapread_sign, &map->group}};

    if (!FBK__MAPREAD_OBJECT(c, json, members))
        return false;
    if ((map->decimal != '.' && map->decimal != ',') || map->group == map->decimal)
        return fbk__mapread_fail(c,
                                 "had a decimal sign that is neither . nor , or that also groups");
    if (map->group >= '0' && map->group <= '9')
        return fbk__mapread_fail(c, "had a digit for a group sign");
    return true;
}

static bool
read_gap(fbk__mapread *c, const json_t *json, void *to)
{
    const char *text = json_string_value(json);

    if (!text || (strcmp(text, "later") != 0 && strcmp(text, "reject") != 0))
        return fbk__mapread_fail(c, "was neither later nor reject");
    *(uint32_t *)to = *text == 'r' ? FBK__CLOCK_REJECT : FBK__CLOCK_TAKE;
    return true;
}

static bool
read_overlap(fbk__mapread *c, const json_t *json, void *to)
{
    static const char *const names[] = {"first", "second", "reject"}; /* as FBK__CLOCK_* */
    const char *text = json_string_value(json);

    for (uint32_t i = 0; text && i < 3; i++) {
        if (strcmp(names[i], text) == 0) {
            *(uint32_t *)to = i;
            return true;
        }
    }
    return fbk__mapread_fail(c, "was none of first, second and reject");
}

static bool
read_time(fbk__mapread *c, const json_t *json, void *to)
{
    fbk__map_time *time = to;
    const fbk__mapread_member members[] = {
        {"value", fbk__mapread_values, &time->values},
        {"columns", fbk__mapread_values, &time->values},
        {"formats", fbk__mapread_texts, &time->formats},
        {"zone", fbk__mapread_text1, &time->zone},
        {"gap", read_gap, &time->gap},
        {"overlap", read_overlap, &time->overlap},
    };

    if (json_is_string(json))
        return fbk__mapread_values(c, json, &time->values);
    if (!FBK__MAPREAD_OBJECT(c, json, members))
        return false;
    if (time->values.n == 0)
        return fbk__mapread_fail(c, "had neither value nor columns");
    for (uint32_t i = 0; i < time->formats.n; i++) {
        uint32_t *number = &c->map->lists[time->formats.first + i];
        const char *format = fbk__intern_text(&c->map->texts, *number, NULL);

        if (strcmp(format, "iso") == 0) {
            if (!fbk__mapread_add_text(c, "", 0, number))
                return false;
        } else if (!fbk__time_pattern_valid(format)) {
            return fbk__mapread_fail(
                c, "had a format that is neither iso nor a pattern of known letters");
        }
    }
    if (time->zone) {
        size_t len;
        const char *zone = fbk__intern_text(&c->map->texts, time->zone - 1, &len);

        if (!fbk__tz_name_valid(zone, len))
            return fbk__mapread_fail(c, "had a zone whose name is not like Area/City");
    }
    return true;
}

static bool
read_line(fbk__mapread *c, const json_t *json, void *to)
{
    fbk__map_line *line = to;
    const fbk__mapread_member members[] = {
        {"when", fbk__mapread_when, &line->when},
        {"negative", fbk__mapread_when, &line->negative},
        {"kind", read_line_kinds, &line->kind},
        {"item", fbk__mapread_value, &line->item},
        {"quantity", fbk__mapread_number, &line->quantity},
        {"unit_price", fbk__mapread_number, &line->unit_price},
        {"amount", fbk__mapread_number, &line->amount},
        {"discount", fbk__mapread_number, &line->discount},
        {"tax", fbk__mapread_number, &line->tax},
    };

    line->given = true;
    line->kind.otherwise = FBK__LINE_PRODUCT + 1;
    return FBK__MAPREAD_OBJECT(c, json, members);
}

static bool
read_item(fbk__mapread *c, const json_t *json, void *to)
{
    fbk__map_item *item = to;
    const fbk__mapread_member members[] = {
        {"when", fbk__mapread_when, &item->when},
        {"name", fbk__mapread_value, &item->name},
        {"brand", fbk__mapread_value, &item->brand},
        {"category", fbk__mapread_values, &item->category},
        {"category_separator", fbk__mapread_text1, &item->separator},
        {"price", fbk__mapread_number, &item->price},
    };

    item->given = true;
    return FBK__MAPREAD_OBJECT(c, json, members);
}

static bool
read_mapping(fbk__mapread *c, const json_t *json, fbk__mapping *map)
{
    const fbk__mapread_member members[] = {
        {"format", read_format, &map->format},
        {"csv", read_csv, map},
        {"json", read_json, map},
        {"numbers", read_numbers, map},
        {"empty", fbk__mapread_texts, &map->empty},
        {"skip", fbk__mapread_when, &map->skip},
        {"source", fbk__mapread_value, &map->source},
        {"event_id", fbk__mapread_values, &map->event_id},
        {"time", read_time, &map->time},
        {"kind", read_event_kinds, &map->kind},
        {"flags", read_flags, NULL},
        {"channel", fbk__mapread_value, &map->channel},
        {"place", fbk__mapread_value, &map->place},
        {"order_ref", fbk__mapread_value, &map->order_ref},
        {"currency", fbk__mapread_value, &map->currency},
        {"identifiers", read_idents, NULL},
        {"properties", read_props, NULL},
        {"line", read_line, &map->line},
        {"item", read_item, &map->item},
    };

    if (!FBK__MAPREAD_OBJECT(c, json, members))
        return false;
    if (!map->format)
        return fbk__mapread_fail(c, "had no format");
    if (map->time.values.n == 0)
        return fbk__mapread_fail(c, "had no time");
    if (!json_object_get(json, "kind"))
        return fbk__mapread_fail(c, "had no kind");
    if (map->item.given && map->line.item.kind == FBK__MAP_NONE)
        return fbk__mapread_fail(c, "described items but named none in its line");
    if (map->format == FBK__FORMAT_CSV ? map->json_lines != 0
                                       : json_object_get(json, "csv") != NULL)
        return fbk__mapread_fail(c, "had settings of another format than its own");
    return true;
}

fbk_status
fbk__mapping_parse(fbk *db, const char *text, size_t len, fbk__mapping *out)
{
    fbk__mapread c = {.db = db, .map = out, .rc = FBK_OK};
    json_error_t error;
    json_t *json;

    memset(out, 0, sizeof *out);
    out->a = fbk__a(db);
    out->decimal = '.';
    fbk__intern_init(&out->columns, out->a, 0);
    fbk__intern_init(&out->texts, out->a, 0);
    if (len > FBK__MAP_TEXT_MAX)
        return fbk__fail_at(db, FBK_ETOOBIG, "map", 0, "the mapping was longer than 1 MiB");
    json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return fbk__fail_at(db, FBK_EINVAL, "map", error.line, "line %d of the mapping: %s",
                            error.line, error.text);
    (void)read_mapping(&c, json, out);
    json_decref(json);
    if (c.rc < 0)
        fbk__mapping_free(out);
    return c.rc;
}

void
fbk__mapping_free(fbk__mapping *map)
{
    const fbk_allocator *a = map->a;

    fbk__intern_free(&map->columns);
    fbk__intern_free(&map->texts);
    fbk__free(a, map->values);
    fbk__free(a, map->conds);
    fbk__free(a, map->rules);
    fbk__free(a, map->idents);
    fbk__free(a, map->props);
    fbk__free(a, map->flags);
    fbk__free(a, map->lists);
    memset(map, 0, sizeof *map);
}
