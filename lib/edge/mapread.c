/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/mapread.h"

#include <stdio.h>
#include <string.h>

#include "edge/number.h"

bool
fbk__mapread_fail(fbk__mapread *c, const char *what)
{
    if (c->rc == FBK_OK)
        c->rc = fbk__fail_at(c->db, FBK_EINVAL, c->path, 0, "the mapping's %s %s",
                             c->path_len ? c->path : "text", what);
    return false;
}

bool
fbk__mapread_nomem(fbk__mapread *c)
{
    if (c->rc == FBK_OK)
        c->rc = fbk__nomem(c->db);
    return false;
}

/* Go into a member; the length to come back to is returned. */
static size_t
ctx_enter(fbk__mapread *c, const char *name)
{
    size_t before = c->path_len;
    size_t left = sizeof c->path - before;
    int n = snprintf(c->path + before, left, "%s%s", before ? "." : "", name);

    c->path_len = n > 0 && (size_t)n < left ? before + (size_t)n : strlen(c->path);
    return before;
}

static void
ctx_leave(fbk__mapread *c, size_t before)
{
    c->path_len = before;
    c->path[before] = '\0';
}

bool
fbk__mapread_object(fbk__mapread *c, const json_t *json, const fbk__mapread_member *members,
                    size_t n)
{
    const char *name;
    json_t *value;

    if (!json_is_object(json))
        return fbk__mapread_fail(c, "was no object");
    /* jansson's loop macro wants a pointer without const; nothing is changed. */
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        size_t before = ctx_enter(c, name);
        size_t i = 0;

        while (i < n && strcmp(members[i].name, name) != 0)
            i++;
        if (i == n)
            return fbk__mapread_fail(c, "is no member that a mapping has");
        if (!members[i].read(c, value, members[i].to))
            return false;
        ctx_leave(c, before);
    }
    return true;
}

bool
fbk__mapread_add_text(fbk__mapread *c, const char *text, size_t len, uint32_t *out)
{
    uint32_t number = fbk__intern_add(&c->map->texts, text, len);

    if (number == FBK__INTERN_NONE)
        return fbk__mapread_nomem(c);
    *out = number;
    return true;
}

static bool
add_list(fbk__mapread *c, uint32_t number)
{
    fbk__mapping *map = c->map;

    if (!fbk__grow(map->a, &map->lists, &map->list_cap, map->n_lists + 1, sizeof *map->lists))
        return fbk__mapread_nomem(c);
    map->lists[map->n_lists++] = number;
    return true;
}

bool
fbk__mapread_text(fbk__mapread *c, const json_t *json, void *to)
{
    if (!json_is_string(json))
        return fbk__mapread_fail(c, "was no text");
    return fbk__mapread_add_text(c, json_string_value(json), json_string_length(json), to);
}

/* A text whose number is stored plus one, so that zero means that it was not given. */
bool
fbk__mapread_text1(fbk__mapread *c, const json_t *json, void *to)
{
    uint32_t number = 0;

    if (!fbk__mapread_text(c, json, &number))
        return false;
    if (json_string_length(json) == 0)
        return fbk__mapread_fail(c, "was empty");
    *(uint32_t *)to = number + 1;
    return true;
}

bool
fbk__mapread_bool(fbk__mapread *c, const json_t *json, void *to)
{
    if (!json_is_boolean(json))
        return fbk__mapread_fail(c, "was neither true nor false");
    *(bool *)to = json_is_true(json);
    return true;
}

bool
fbk__mapread_no(fbk__mapread *c, const json_t *json, void *to)
{
    if (!fbk__mapread_bool(c, json, to))
        return false;
    *(bool *)to = !*(bool *)to;
    return true;
}

bool
fbk__mapread_sign(fbk__mapread *c, const json_t *json, void *to)
{
    const char *text = json_string_value(json);

    if (!text || json_string_length(json) != 1 || (unsigned char)*text >= 0x80 || *text == '\n' ||
        *text == '\r' || *text == '"')
        return fbk__mapread_fail(c, "was not one ASCII character");
    *(char *)to = *text;
    return true;
}

/* A list of texts, or one text for a list of one. */
bool
fbk__mapread_texts(fbk__mapread *c, const json_t *json, void *to)
{
    fbk__map_range *range = to;
    size_t n = json_is_array(json) ? json_array_size(json) : 1;

    range->first = (uint32_t)c->map->n_lists;
    range->n = (uint32_t)n;
    if (n == 0)
        return fbk__mapread_fail(c, "was an empty list");
    for (size_t i = 0; i < n; i++) {
        uint32_t number = 0;

        if (!fbk__mapread_text(c, json_is_array(json) ? json_array_get(json, i) : json, &number) ||
            !add_list(c, number))
            return false;
    }
    return true;
}

static bool
read_column(fbk__mapread *c, const json_t *json, void *to)
{
    uint32_t number;

    if (!json_is_string(json) || json_string_length(json) == 0)
        return fbk__mapread_fail(c, "was no name of a column");
    if (json_string_length(json) > FBK__JSON_PATH_MAX / 2)
        return fbk__mapread_fail(c, "was longer than 256 bytes");
    number = fbk__intern_add(&c->map->columns, json_string_value(json), json_string_length(json));
    if (number == FBK__INTERN_NONE)
        return fbk__mapread_nomem(c);
    *(uint32_t *)to = number;
    return true;
}

/* ---- conditions ---- */

static bool
read_cond(fbk__mapread *c, const json_t *json, uint32_t at);

/* Room for n conditions side by side; their number, UINT32_MAX when out of memory. */
static uint32_t
cond_room(fbk__mapread *c, size_t n)
{
    fbk__mapping *map = c->map;
    size_t first = map->n_conds;

    if (!fbk__grow(map->a, &map->conds, &map->cond_cap, first + n, sizeof *map->conds)) {
        (void)fbk__mapread_nomem(c);
        return UINT32_MAX;
    }
    memset(map->conds + first, 0, n * sizeof *map->conds);
    map->n_conds += n;
    return (uint32_t)first;
}

/* "when": the condition's number plus one. */
bool
fbk__mapread_when(fbk__mapread *c, const json_t *json, void *to)
{
    uint32_t at = cond_room(c, 1);

    if (at == UINT32_MAX || !read_cond(c, json, at))
        return false;
    *(uint32_t *)to = at + 1;
    return true;
}

static bool
cond_children(fbk__mapread *c, const json_t *json, uint32_t at, uint32_t op)
{
    size_t n = op == FBK__WHEN_NOT ? 1 : json_array_size(json);
    uint32_t first;

    if (n == 0)
        return fbk__mapread_fail(c, "was no list of conditions");
    first = cond_room(c, n);
    if (first == UINT32_MAX)
        return false;
    c->map->conds[at] = (fbk__map_cond){.op = op, .first = first, .n = (uint32_t)n};
    for (size_t i = 0; i < n; i++) {
        if (!read_cond(c, op == FBK__WHEN_NOT ? json : json_array_get(json, i),
                       first + (uint32_t)i))
            return false;
    }
    return true;
}

static bool
read_micro(fbk__mapread *c, const json_t *json, int64_t *out)
{
    char digits[32];
    const char *text = json_string_value(json);

    if (json_is_integer(json)) {
        (void)snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(json));
        text = digits;
    }
    if (!text || fbk__number_parse(text, strlen(text), 6, '.', '\0', out) != FBK__NUMBER_OK)
        return fbk__mapread_fail(c, "was neither a whole number nor a number written as text");
    return true;
}

/* The test of one column: what stands beside "column". */
static bool
cond_test(fbk__mapread *c, const char *name, const json_t *json, fbk__map_cond *cond)
{
    static const struct {
        const char *name;
        uint32_t op;
    } tests[] = {
        {"equals", FBK__WHEN_IN},         {"in", FBK__WHEN_IN},
        {"prefix", FBK__WHEN_PREFIX},     {"suffix", FBK__WHEN_SUFFIX},
        {"contains", FBK__WHEN_CONTAINS}, {"empty", FBK__WHEN_EMPTY},
        {"number", FBK__WHEN_NUMBER},     {"less", FBK__WHEN_LESS},
        {"at_most", FBK__WHEN_AT_MOST},   {"greater", FBK__WHEN_GREATER},
        {"at_least", FBK__WHEN_AT_LEAST},
    };
    fbk__map_range range;
    bool truth;
    size_t i = 0;

    while (i < sizeof tests / sizeof tests[0] && strcmp(tests[i].name, name) != 0)
        i++;
    if (i == sizeof tests / sizeof tests[0])
        return fbk__mapread_fail(c, "is no test that a condition has");
    cond->op = tests[i].op;
    if (cond->op >= FBK__WHEN_NUMBER)
        return read_micro(c, json, &cond->micro);
    if (cond->op == FBK__WHEN_EMPTY) {
        if (!fbk__mapread_bool(c, json, &truth))
            return false;
        cond->micro = truth;
        return true;
    }
    if (!fbk__mapread_texts(c, json, &range))
        return false;
    cond->first = range.first;
    cond->n = range.n;
    return true;
}

static bool
cond_column(fbk__mapread *c, const json_t *json, uint32_t at)
{
    fbk__map_cond cond = {0};
    const char *name;
    json_t *value;

    if (json_object_size(json) != 2)
        return fbk__mapread_fail(c, "was no column with one test");
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        size_t before = ctx_enter(c, name);

        if (!(strcmp(name, "column") == 0 ? read_column(c, value, &cond.column)
                                          : cond_test(c, name, value, &cond)))
            return false;
        ctx_leave(c, before);
    }
    c->map->conds[at] = cond;
    return true;
}

static bool
read_cond(fbk__mapread *c, const json_t *json, uint32_t at)
{
    static const char *const groups[] = {"all", "any", "not"}; /* in the order of FBK__WHEN_* */
    bool ok = false;

    if (!json_is_object(json))
        return fbk__mapread_fail(c, "was no condition");
    if (++c->depth > FBK__MAP_DEPTH_MAX)
        return fbk__mapread_fail(c, "was nested deeper than 16 levels");
    if (json_object_get(json, "column")) {
        ok = cond_column(c, json, at);
    } else if (json_object_size(json) == 1) {
        const char *name = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)json));
        size_t before = ctx_enter(c, name);
        uint32_t op = 0;

        while (op < 3 && strcmp(groups[op], name) != 0)
            op++;
        ok = op < 3 ? cond_children(c, json_object_get(json, name), at, op)
                    : fbk__mapread_fail(c, "is no kind of condition");
        if (ok)
            ctx_leave(c, before);
    } else {
        (void)fbk__mapread_fail(c, "was neither a column with a test nor all, any or not");
    }
    c->depth--;
    return ok;
}

/* ---- values ---- */

/* Values side by side: a list, or one for a list of one. */
bool
fbk__mapread_values(fbk__mapread *c, const json_t *json, void *to)
{
    fbk__mapping *map = c->map;
    fbk__map_range *range = to;
    size_t n = json_is_array(json) ? json_array_size(json) : 1;
    size_t first = map->n_values;

    if (n == 0)
        return fbk__mapread_fail(c, "was an empty list");
    if (!fbk__grow(map->a, &map->values, &map->value_cap, first + n, sizeof *map->values))
        return fbk__mapread_nomem(c);
    memset(map->values + first, 0, n * sizeof *map->values);
    map->n_values += n;
    for (size_t i = 0; i < n; i++) {
        fbk__map_value value = {0};

        if (!fbk__mapread_value(c, json_is_array(json) ? json_array_get(json, i) : json, &value))
            return false;
        map->values[first + i] = value;
    }
    range->first = (uint32_t)first;
    range->n = (uint32_t)n;
    return true;
}

bool
fbk__mapread_value(fbk__mapread *c, const json_t *json, void *to)
{
    fbk__map_value value = {0};
    fbk__map_range parts = {0};
    uint32_t column = UINT32_MAX;
    uint32_t text = UINT32_MAX;
    uint32_t join = UINT32_MAX;
    bool ok = true;

    if (++c->depth > FBK__MAP_DEPTH_MAX)
        return fbk__mapread_fail(c, "was nested deeper than 16 levels");
    if (json_is_string(json)) {
        ok = read_column(c, json, &column);
    } else if (json_is_object(json)) {
        const fbk__mapread_member members[] = {
            {"column", read_column, &column},         {"value", fbk__mapread_text, &text},
            {"parts", fbk__mapread_values, &parts},   {"join", fbk__mapread_text, &join},
            {"when", fbk__mapread_when, &value.when},
        };

        ok = FBK__MAPREAD_OBJECT(c, json, members);
    }
    c->depth--;
    if (!ok)
        return false;
    if ((column != UINT32_MAX) + (text != UINT32_MAX) + (parts.n > 0) != 1)
        return fbk__mapread_fail(c, "was not one of a column, a value and parts");
    if (join != UINT32_MAX && parts.n == 0)
        return fbk__mapread_fail(c, "had a join without parts");
    if (parts.n > 0 && join == UINT32_MAX && !fbk__mapread_add_text(c, "", 0, &join))
        return false;
    value.kind = parts.n > 0            ? FBK__MAP_PARTS
                 : column != UINT32_MAX ? FBK__MAP_COLUMN
                                        : FBK__MAP_CONST;
    value.first = parts.n > 0 ? parts.first : column;
    value.n = parts.n;
    value.text = parts.n > 0 ? join : text;
    *(fbk__map_value *)to = value;
    return true;
}

/* A number: a value, or {"sum": [values]}. */
bool
fbk__mapread_number(fbk__mapread *c, const json_t *json, void *to)
{
    const fbk__mapread_member members[] = {{"sum", fbk__mapread_values, to}};

    if (json_object_get(json, "sum"))
        return FBK__MAPREAD_OBJECT(c, json, members);
    if (json_is_array(json))
        return fbk__mapread_fail(c, "was a list; a sum is written {\"sum\": […]}");
    return fbk__mapread_values(c, json, to);
}
