/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <feedback/catalogue.h>
#include <feedback/identity.h>
#include <feedback/place.h>
#include <feedback/weather.h>

#include "base/time.h"
#include "record/catalogue.h"
#include "record/exchange.h"
#include "record/identity.h"
#include "record/zone.h"
#include "store/conn.h"
#include "store/stmt.h"

/* The plain tables row by row, with names in place of numbers. The last writer's row stays: the one
 * that was changed later, or, changed at the same time, whose bytes have the lower hash. Rows are
 * written through the calls that a host would use, so that nothing comes in unchecked. */

typedef struct table {
    const char *name;
    const char *types; /* of the columns: i d t b; a any; w the number of a word, shown as text */
    const char *columns[FBK__ROWS_COLUMNS];
    uint32_t n_keys;
    const char *all; /* SELECT of these columns, in the order of the key */
    const char *one; /* … of one key */
    fbk_status (*write)(fbk *db, const fbk__value *values);
} table;

/* -- values ------------------------------------------------------------------------------------ */

void
fbk__row_put(fbk__buf *out, const fbk__value *values, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        const fbk__value *v = &values[k];

        fbk__buf_uvarint(out, v->type);
        if (v->type == FBK__VALUE_INT) {
            fbk__buf_svarint(out, v->i);
        } else if (v->type == FBK__VALUE_DOUBLE) {
            fbk__buf_add(out, &v->d, sizeof v->d);
        } else if (v->type != FBK__VALUE_NULL) {
            fbk__buf_uvarint(out, v->len);
            fbk__buf_add(out, v->text, v->len);
            fbk__buf_add(out, "", 1);
        }
    }
}

bool
fbk__row_get(fbk__reader *in, fbk__value *values, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        fbk__value *v = &values[k];
        uint64_t type = fbk__read_uvarint(in);
        const void *bytes;
        uint64_t len;

        *v = (fbk__value){.type = (uint32_t)type, .text = ""};
        if (in->bad || type > FBK__VALUE_BLOB)
            return false;
        if (type == FBK__VALUE_INT) {
            v->i = fbk__read_svarint(in);
        } else if (type == FBK__VALUE_DOUBLE) {
            bytes = fbk__read_bytes(in, sizeof v->d);
            if (bytes)
                memcpy(&v->d, bytes, sizeof v->d);
        } else if (type != FBK__VALUE_NULL) {
            len = fbk__read_uvarint(in);
            v->text = fbk__read_bytes(in, in->bad || len == UINT64_MAX ? SIZE_MAX : len + 1);
            v->len = len;
            if (!v->text || v->text[len] || (type == FBK__VALUE_TEXT && memchr(v->text, '\0', len)))
                return false;
        }
        if (in->bad)
            return false;
    }
    return true;
}

/* NULL for one that is not known. */
static const char *
text_of(const fbk__value *v)
{
    return v->type == FBK__VALUE_TEXT ? v->text : NULL;
}

static int64_t
int_of(const fbk__value *v)
{
    return v->type == FBK__VALUE_INT ? v->i : 0;
}

static bool
is_int(const fbk__value *v)
{
    return v->type == FBK__VALUE_INT;
}

/* -- writing ----------------------------------------------------------------------------------- */

/* Give a row its own time back: UPDATE … SET changed_us = ?1 WHERE the key is ?2 and ?3. */
static fbk_status
stamp(fbk *db, const char *sql, const fbk__value *changed, const fbk__value *keys, int n)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, int_of(changed));
    for (int i = 0; i < n; i++) {
        if (is_int(&keys[i]))
            fbk__bind_int64(st, 2 + i, keys[i].i);
        else
            fbk__bind_text(st, 2 + i, keys[i].text, keys[i].len);
    }
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
write_zone(fbk *db, const fbk__value *v)
{
    static const char sql[] = "UPDATE place_zone SET changed_us = ?1 WHERE name = ?2";
    uint32_t zone;
    fbk_status rc =
        fbk__zone_resolve(db, 0, (fbk__text){v[0].text, v[0].len}, v[1].text, v[1].len, &zone);

    if (rc >= 0)
        rc = fbk__generation_bump(db, FBK__KIND_PLACE);
    return rc < 0 ? rc : stamp(db, sql, &v[2], v, 1);
}

static fbk_status
write_item(fbk *db, const fbk__value *v)
{
    static const char sql[] = "UPDATE item SET changed_us = ?1 WHERE sku = ?2";
    fbk_item item = FBK_ITEM_INIT;
    fbk_status rc;

    item.flags = FBK_ITEM_REPLACE;
    item.flags |= is_int(&v[6]) ? FBK_ITEM_HAS_PRICE : 0u;
    item.flags |= is_int(&v[7]) ? FBK_ITEM_HAS_COST : 0u;
    item.flags |= int_of(&v[8]) & FBK__ITEM_DISCONTINUED ? FBK_ITEM_DISCONTINUED : 0u;
    item.sku = text_of(&v[0]);
    item.name = text_of(&v[1]);
    item.parent = text_of(&v[2]);
    item.category = text_of(&v[3]);
    item.brand = text_of(&v[4]);
    item.successor = text_of(&v[5]);
    item.price_micro = int_of(&v[6]);
    item.cost_micro = int_of(&v[7]);
    rc = fbk_item_upsert(db, &item);
    return rc < 0 ? rc : stamp(db, sql, &v[9], v, 1);
}

static fbk_status
write_attribute(fbk *db, const fbk__value *v)
{
    static const char sql[] = "UPDATE item_attribute SET changed_us = ?1 WHERE key = ?3 AND item = "
                              "(SELECT item FROM item WHERE sku = ?2)";
    fbk_attribute attribute = {.struct_size = (uint32_t)sizeof attribute};
    uint32_t item;
    int64_t type = int_of(&v[2]);
    fbk_status rc;

    attribute.type = type < 0 || type > FBK_ATTRIBUTE_BOOL ? UINT32_MAX : (uint32_t)type;
    attribute.text = text_of(&v[3]);
    attribute.integer = int_of(&v[3]);
    attribute.number = v[3].type == FBK__VALUE_DOUBLE ? v[3].d : 0.0;
    rc = fbk__item_resolve(db, v[0].text, v[0].len, true, &item);
    if (rc >= 0)
        rc = fbk_item_attribute_set(db, v[0].text, v[1].text, &attribute);
    return rc < 0 ? rc : stamp(db, sql, &v[4], v, 2);
}

static fbk_status
write_place(fbk *db, const fbk__value *v)
{
    static const char sql[] = "UPDATE place SET changed_us = ?1 WHERE code = ?2";
    fbk_place place = FBK_PLACE_INIT;
    fbk_status rc;

    place.flags = FBK_PLACE_REPLACE;
    if (v[2].type == FBK__VALUE_DOUBLE && v[3].type == FBK__VALUE_DOUBLE) {
        place.flags |= FBK_PLACE_HAS_POSITION;
        place.latitude_deg = v[2].d;
        place.longitude_deg = v[3].d;
    }
    place.code = text_of(&v[0]);
    place.name = text_of(&v[1]);
    place.time_zone = text_of(&v[4]);
    place.station = text_of(&v[5]);
    rc = fbk_place_upsert(db, &place);
    return rc < 0 ? rc : stamp(db, sql, &v[6], v, 1);
}

static fbk_status
write_stock(fbk *db, const fbk__value *v)
{
    return fbk_stock_set(db, v[0].text, v[1].text, int_of(&v[2]), int_of(&v[3]));
}

/* A number that is there, and its bit. */
static double
measured(const fbk__value *v, uint32_t bit, uint32_t *flags)
{
    if (v->type != FBK__VALUE_DOUBLE)
        return 0.0;
    *flags |= bit;
    return v->d;
}

static fbk_status
write_weather(fbk *db, const fbk__value *v, bool day)
{
    static const char day_sql[] = "UPDATE weather_day SET changed_us = ?1 WHERE day = ?3 AND "
                                  "station = (SELECT station FROM weather_station WHERE code = ?2)";
    static const char reading_sql[] =
        "UPDATE weather_reading SET changed_us = ?1 WHERE at_us = ?3 AND "
        "station = (SELECT station FROM weather_station WHERE code = ?2)";
    fbk_weather weather = FBK_WEATHER_INIT;
    char date[FBK__DATE_TEXT];
    fbk_status rc;

    if (day) {
        if (int_of(&v[1]) < FBK_TIME_MIN / INT64_C(86400000000) ||
            int_of(&v[1]) > FBK_TIME_MAX / INT64_C(86400000000))
            return fbk__fail_at(db, FBK_ERANGE, "date", 0, "date was outside the years 1 to 9999");
        (void)fbk__date_format(v[1].i, date);
        weather.date = date;
    }
    weather.station = text_of(&v[0]);
    weather.time_us = int_of(&v[1]);
    weather.temperature_celsius = measured(&v[2], FBK_WEATHER_HAS_TEMPERATURE, &weather.flags);
    weather.precipitation_mm = measured(&v[3], FBK_WEATHER_HAS_PRECIPITATION, &weather.flags);
    weather.wind_m_s = measured(&v[4], FBK_WEATHER_HAS_WIND, &weather.flags);
    weather.humidity_percent = measured(&v[5], FBK_WEATHER_HAS_HUMIDITY, &weather.flags);
    weather.condition = int_of(&v[6]) < 0 || int_of(&v[6]) > FBK_WEATHER_STORM
                            ? UINT32_MAX
                            : (uint32_t)int_of(&v[6]);
    rc = fbk_weather_add(db, &weather);
    return rc < 0 ? rc : stamp(db, day ? day_sql : reading_sql, &v[7], v, 2);
}

static fbk_status
write_reading(fbk *db, const fbk__value *v)
{
    return write_weather(db, v, false);
}

static fbk_status
write_day(fbk *db, const fbk__value *v)
{
    return write_weather(db, v, true);
}

static fbk_status
write_namespace(fbk *db, const fbk__value *v)
{
    static const char sql[] = "UPDATE identity_namespace SET changed_us = ?1 WHERE space = ?2";
    fbk_identity_namespace options = FBK_IDENTITY_NAMESPACE_INIT;
    fbk__value key = {.type = FBK__VALUE_INT};
    uint32_t space = 0;
    fbk_status rc;

    options.max_people =
        int_of(&v[1]) < 0 || int_of(&v[1]) > UINT32_MAX ? UINT32_MAX : (uint32_t)int_of(&v[1]);
    options.show =
        int_of(&v[2]) < 0 || int_of(&v[2]) > UINT32_MAX ? UINT32_MAX : (uint32_t)int_of(&v[2]);
    rc = fbk_identity_set_namespace(db, v[0].text, &options);
    if (rc >= 0)
        rc = fbk__word_resolve(db, v[0].text, v[0].len, false, &space);
    key.i = space;
    return rc < 0 ? rc : stamp(db, sql, &v[3], &key, 1);
}

/* -- the tables -------------------------------------------------------------------------------- */

#define ITEM                                                                                     \
    "SELECT i.sku, i.name, p.sku, c.path, i.brand, s.sku, i.price_micro, i.cost_micro, i.flags," \
    " i.changed_us FROM item i LEFT JOIN item p ON p.item = i.parent LEFT JOIN item_category c"  \
    " ON c.category = i.category LEFT JOIN item s ON s.item = i.successor WHERE i.flags & 1"
#define ATTRIBUTE                                                                          \
    "SELECT i.sku, a.key, a.type, a.value, a.changed_us FROM item_attribute a JOIN item i" \
    " ON i.item = a.item"
#define PLACE                                                                              \
    "SELECT p.code, p.name, p.latitude_deg, p.longitude_deg, z.name, w.code, p.changed_us" \
    " FROM place p LEFT JOIN place_zone z ON z.zone = p.zone LEFT JOIN weather_station w"  \
    " ON w.station = p.station WHERE p.flags & 1"
#define STOCK                                                                     \
    "SELECT i.sku, p.code, s.quantity_milli, s.as_of_us FROM stock s JOIN item i" \
    " ON i.item = s.item JOIN place p ON p.place = s.place"
#define WEATHER(table, when)                                                                 \
    "SELECT w.code, o." when ", o.temperature_celsius, o.precipitation_mm, o.wind_m_s,"      \
    " o.humidity_percent, o.condition, o.changed_us FROM " table " o JOIN weather_station w" \
    " ON w.station = o.station"

static const table tables[FBK__ROWS_END] = {
    [FBK__ROWS_ZONE] = {"zone",
                        "tbi",
                        {"name", "tzif", "changed_us"},
                        1,
                        "SELECT name, tzif, changed_us FROM place_zone ORDER BY name",
                        "SELECT name, tzif, changed_us FROM place_zone WHERE name = ?1",
                        write_zone},
    [FBK__ROWS_ITEM] = {"item",
                        "ttttttiiii",
                        {"sku", "name", "parent", "category", "brand", "successor", "price_micro",
                         "cost_micro", "flags", "changed_us"},
                        1,
                        ITEM " ORDER BY i.sku",
                        ITEM " AND i.sku = ?1",
                        write_item},
    [FBK__ROWS_ATTRIBUTE] = {"attribute",
                             "ttiai",
                             {"sku", "key", "type", "value", "changed_us"},
                             2,
                             ATTRIBUTE " ORDER BY i.sku, a.key",
                             ATTRIBUTE " WHERE i.sku = ?1 AND a.key = ?2",
                             write_attribute},
    [FBK__ROWS_PLACE] = {"place",
                         "ttddtti",
                         {"code", "name", "latitude_deg", "longitude_deg", "time_zone", "station",
                          "changed_us"},
                         1,
                         PLACE " ORDER BY p.code",
                         PLACE " AND p.code = ?1",
                         write_place},
    [FBK__ROWS_STOCK] = {"stock",
                         "ttii",
                         {"sku", "place", "quantity_milli", "as_of_us"},
                         2,
                         STOCK " ORDER BY i.sku, p.code",
                         STOCK " WHERE i.sku = ?1 AND p.code = ?2",
                         write_stock},
    [FBK__ROWS_READING] = {"weather_reading",
                           "tiddddii",
                           {"station", "at_us", "temperature_celsius", "precipitation_mm",
                            "wind_m_s", "humidity_percent", "condition", "changed_us"},
                           2,
                           WEATHER("weather_reading", "at_us") " ORDER BY w.code, o.at_us",
                           WEATHER("weather_reading",
                                   "at_us") " WHERE w.code = ?1 AND o.at_us = ?2",
                           write_reading},
    [FBK__ROWS_DAY] = {"weather_day",
                       "tiddddii",
                       {"station", "day", "temperature_celsius", "precipitation_mm", "wind_m_s",
                        "humidity_percent", "condition", "changed_us"},
                       2,
                       WEATHER("weather_day", "day") " ORDER BY w.code, o.day",
                       WEATHER("weather_day", "day") " WHERE w.code = ?1 AND o.day = ?2",
                       write_day},
    [FBK__ROWS_NAMESPACE] = {"namespace",
                             "wiii",
                             {"namespace", "max_people", "show", "changed_us"},
                             1,
                             "SELECT space, max_people, show, changed_us FROM identity_namespace"
                             " ORDER BY space",
                             "SELECT space, max_people, show, changed_us FROM identity_namespace"
                             " WHERE space = ?1",
                             write_namespace},
    [FBK__ROWS_LINK] = {"link",
                        "ttttiiiit",
                        {"namespace_a", "value_a", "namespace_b", "value_b", "rule", "count",
                         "first_us", "last_us", "note"},
                        5,
                        NULL,
                        NULL,
                        NULL},
    [FBK__ROWS_BLOCKED] =
        {"blocked", "ttii", {"namespace", "value", "blocked", "changed_us"}, 2, NULL, NULL, NULL},
};

const char *
fbk__rows_name(uint32_t number)
{
    return tables[number].name;
}

uint32_t
fbk__rows_n_columns(uint32_t number)
{
    return (uint32_t)strlen(tables[number].types);
}

uint32_t
fbk__rows_n_keys(uint32_t number)
{
    return tables[number].n_keys;
}

const char *
fbk__rows_column(uint32_t number, uint32_t column)
{
    return tables[number].columns[column];
}

/* -- reading ----------------------------------------------------------------------------------- */

/* A column of any type says by the one before it what it is. */
static char
type_of(const table *t, const fbk__value *values, uint32_t column)
{
    char type = t->types[column];

    if (type != 'a')
        return type;
    return values[column - 1].i == FBK_ATTRIBUTE_TEXT     ? 't'
           : values[column - 1].i == FBK_ATTRIBUTE_DOUBLE ? 'd'
                                                          : 'i';
}

static void
value_read(fbk *db, const table *t, fbk__stmt *st, fbk__value *values, uint32_t k)
{
    fbk__value *v = &values[k];

    *v = (fbk__value){.text = ""};
    if (fbk__column_is_null(st, (int)k))
        return;
    switch (type_of(t, values, k)) {
    case 'i':
        v->type = FBK__VALUE_INT;
        v->i = fbk__column_int64(st, (int)k);
        break;
    case 'd':
        v->type = FBK__VALUE_DOUBLE;
        v->d = fbk__column_double(st, (int)k);
        break;
    case 'b':
        v->type = FBK__VALUE_BLOB;
        v->text = fbk__column_blob(st, (int)k, &v->len);
        break;
    case 'w':
        v->type = FBK__VALUE_TEXT;
        v->text = fbk__word_text(db, (uint32_t)fbk__column_int64(st, (int)k));
        v->len = strlen(v->text);
        break;
    default:
        v->type = FBK__VALUE_TEXT;
        v->text = fbk__column_text(st, (int)k, &v->len);
        break;
    }
}

static void
row_read(fbk *db, const table *t, fbk__stmt *st, fbk__value *values)
{
    for (uint32_t k = 0; t->types[k]; k++)
        value_read(db, t, st, values, k);
}

/* Whether the values are what the table has: types, and keys that are there. */
static bool
row_fits(const table *t, const fbk__value *values)
{
    for (uint32_t k = 0; t->types[k]; k++) {
        char type = type_of(t, values, k);
        uint32_t want = type == 'i'   ? FBK__VALUE_INT
                        : type == 'd' ? FBK__VALUE_DOUBLE
                        : type == 'b' ? FBK__VALUE_BLOB
                                      : FBK__VALUE_TEXT;

        if (values[k].type != want && (values[k].type != FBK__VALUE_NULL || k < t->n_keys))
            return false;
    }
    return true;
}

/* -- last writer ------------------------------------------------------------------------------- */

static fbk_status
key_bind(fbk *db, const table *t, fbk__stmt *st, const fbk__value *values)
{
    for (uint32_t k = 0; k < t->n_keys; k++) {
        if (t->types[k] == 'w') {
            uint32_t word = 0;
            fbk_status rc = fbk__word_resolve(db, values[k].text, values[k].len, true, &word);

            if (rc < 0)
                return rc;
            fbk__bind_int64(st, (int)k + 1, word);
        } else if (t->types[k] == 'i') {
            fbk__bind_int64(st, (int)k + 1, values[k].i);
        } else {
            fbk__bind_text(st, (int)k + 1, values[k].text, values[k].len);
        }
    }
    return FBK_OK;
}

/* FBK_OK when the row is to be stored, FBK_DONE when the one that is there stays. */
static fbk_status
row_judge(fbk *db, const table *t, const fbk__value *values)
{
    fbk__value there[FBK__ROWS_COLUMNS];
    uint32_t n = (uint32_t)strlen(t->types);
    fbk__stmt *st = NULL;
    fbk__buf bytes[2];
    fbk_status rc = fbk__stmt_get(db, t->one, &st);

    if (rc < 0)
        return rc;
    fbk__buf_init(&bytes[0], fbk__a(db));
    fbk__buf_init(&bytes[1], fbk__a(db));
    rc = key_bind(db, t, st, values);
    if (rc >= 0)
        rc = fbk__step(st);
    if (rc == FBK_OK) {
        int64_t mine;
        int64_t theirs = values[n - 1].i;

        row_read(db, t, st, there);
        mine = there[n - 1].i;
        fbk__row_put(&bytes[0], there, n);
        fbk__row_put(&bytes[1], values, n);
        if (bytes[0].failed || bytes[1].failed) {
            rc = fbk__nomem(db);
        } else if (mine > theirs) {
            rc = FBK_DONE;
        } else if (mine == theirs) {
            unsigned char hash[2][16];

            for (int i = 0; i < 2; i++)
                fbk__hash_bytes(fbk__hash128_of(bytes[i].data, bytes[i].len), hash[i]);
            rc = memcmp(hash[1], hash[0], 16) < 0 ? FBK_OK : FBK_DONE;
        }
    } else if (rc == FBK_DONE) {
        rc = FBK_OK;
    }
    fbk__stmt_put(st);
    fbk__buf_free(&bytes[0]);
    fbk__buf_free(&bytes[1]);
    return rc;
}

/* -- links and blocked identifiers ------------------------------------------------------------- */

typedef struct rows_walk {
    fbk *db;
    fbk__node_reader *nodes;
    fbk__buf text; /* the first identifier: its value is gone with the next */
    fbk__row_fn fn;
    void *user_data;
} rows_walk;

/* Two values: namespace and value of a node. FBK_DONE when it was erased. */
static fbk_status
node_values(rows_walk *w, uint32_t node, fbk__value *out)
{
    uint32_t space;
    const char *value;
    size_t len;
    size_t at = w->text.len;
    fbk_status rc = fbk__node_reader_get(w->nodes, node, &space, &value, &len);

    if (rc != FBK_OK)
        return rc;
    fbk__buf_add(&w->text, value, len);
    fbk__buf_add(&w->text, "", 1);
    if (w->text.failed)
        return fbk__nomem(w->db);
    out[0] = (fbk__value){.type = FBK__VALUE_TEXT, .text = fbk__word_text(w->db, space)};
    out[0].len = strlen(out[0].text);
    out[1] = (fbk__value){.type = FBK__VALUE_TEXT, .len = len, .i = (int64_t)at};
    return FBK_OK;
}

static fbk__value
int_value(int64_t i)
{
    return (fbk__value){.type = FBK__VALUE_INT, .text = "", .i = i};
}

static int
ident_compare(const fbk__value *x, const fbk__value *y)
{
    int c = strcmp(x[0].text, y[0].text);

    return c ? c : strcmp(x[1].text, y[1].text);
}

static fbk_status
link_row(void *user_data, const fbk__link *link, const char *note)
{
    rows_walk *w = user_data;
    fbk__value v[9];
    fbk_status rc;

    fbk__buf_clear(&w->text);
    rc = node_values(w, link->a, v);
    if (rc == FBK_OK)
        rc = node_values(w, link->b, v + 2);
    if (rc != FBK_OK)
        return rc < 0 ? rc : FBK_OK;
    v[1].text = w->text.data + v[1].i;
    v[3].text = w->text.data + v[3].i;
    v[1].i = v[3].i = 0;
    if (ident_compare(v, v + 2) > 0) { /* the same way round in every store */
        fbk__value swap[2] = {v[0], v[1]};

        memcpy(v, v + 2, sizeof swap);
        memcpy(v + 2, swap, sizeof swap);
    }
    v[4] = int_value(link->rule);
    v[5] = int_value(link->count);
    v[6] = int_value(link->first_us);
    v[7] = int_value(link->last_us);
    v[8] = (fbk__value){.type = note ? FBK__VALUE_TEXT : FBK__VALUE_NULL,
                        .text = note ? note : "",
                        .len = note ? strlen(note) : 0};
    return w->fn(w->user_data, v);
}

static fbk_status
blocked_rows(rows_walk *w)
{
    static const char sql[] = "SELECT node, blocked, changed_us FROM identity_blocked "
                              "ORDER BY node";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(w->db, sql, &st);

    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        fbk__value v[4];

        fbk__buf_clear(&w->text);
        rc = node_values(w, (uint32_t)fbk__column_int64(st, 0), v);
        if (rc != FBK_OK)
            continue;
        v[1].text = w->text.data;
        v[1].i = 0;
        v[2] = int_value(fbk__column_int64(st, 1));
        v[3] = int_value(fbk__column_int64(st, 2));
        rc = w->fn(w->user_data, v);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__rows_each(fbk *db, uint32_t number, fbk__row_fn fn, void *user_data)
{
    const table *t = &tables[number];
    fbk__value values[FBK__ROWS_COLUMNS];
    rows_walk w = {.db = db, .fn = fn, .user_data = user_data};
    fbk__stmt *st = NULL;
    fbk_status rc;

    if (!t->all) {
        fbk__buf_init(&w.text, fbk__a(db));
        rc = fbk__node_reader_open(db, &w.nodes);
        if (rc >= 0)
            rc = number == FBK__ROWS_LINK ? fbk__links_noted(db, link_row, &w) : blocked_rows(&w);
        fbk__node_reader_close(w.nodes);
        fbk__buf_free(&w.text);
        return rc;
    }
    rc = fbk__stmt_get(db, t->all, &st);
    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        row_read(db, t, st, values);
        rc = fn(user_data, values);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* A node that is somebody's identifier, made if new; FBK_DONE when it was erased after `us`. */
static fbk_status
node_for(fbk *db, const fbk__value *ident, int64_t us, const fbk__tombs *tombs, uint32_t *out)
{
    if (us <= fbk__tombs_find(tombs, ident[0].text, ident[1].text, ident[1].len))
        return FBK_DONE;
    return fbk__identity_node_make(db, ident[0].text, ident[1].text, out);
}

static fbk_status
apply_link(fbk *db, const fbk__value *v, const fbk__tombs *tombs)
{
    fbk__link link = {.rule = (uint32_t)v[4].i,
                      .count = v[5].i < 1 || v[5].i > UINT32_MAX ? 1u : (uint32_t)v[5].i,
                      .first_us = int_of(&v[6]),
                      .last_us = int_of(&v[7])};
    uint32_t node[2];
    fbk_status rc = node_for(db, v, link.last_us, tombs, &node[0]);

    if (rc == FBK_OK)
        rc = node_for(db, v + 2, link.last_us, tombs, &node[1]);
    if (rc != FBK_OK)
        return rc;
    if ((v[4].i != FBK__LINK_EXPLICIT && v[4].i != FBK__LINK_UNLINK) || node[0] == node[1] ||
        !fbk__time_valid(link.first_us) || !fbk__time_valid(link.last_us) ||
        link.first_us > link.last_us)
        return fbk__fail(db, FBK_ECORRUPT, "a link of the file was none that can be");
    link.a = node[0] < node[1] ? node[0] : node[1];
    link.b = node[0] < node[1] ? node[1] : node[0];
    rc = fbk__link_join(db, &link, text_of(&v[8]));
    if (rc == FBK_OK)
        rc = fbk__generation_bump(db, FBK__KIND_IDENTITY);
    return rc;
}

static fbk_status
apply_blocked(fbk *db, const fbk__value *v, const fbk__tombs *tombs)
{
    static const char sql[] =
        "INSERT INTO identity_blocked (node, blocked, changed_us) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (node) DO UPDATE SET blocked = ?2, changed_us = ?3"
        " WHERE changed_us < ?3 OR (changed_us = ?3 AND blocked < ?2)";
    fbk__stmt *st = NULL;
    uint32_t node;
    fbk_status rc = node_for(db, v, int_of(&v[3]), tombs, &node);

    if (rc != FBK_OK)
        return rc;
    rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, node);
    fbk__bind_int64(st, 2, int_of(&v[2]) != 0);
    fbk__bind_int64(st, 3, int_of(&v[3]));
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0 || !fbk__changes(db))
        return rc < 0 ? rc : FBK_DONE;
    return fbk__generation_bump(db, FBK__KIND_IDENTITY);
}

fbk_status
fbk__rows_apply(fbk *db, uint32_t number, const fbk__value *values, const fbk__tombs *tombs)
{
    const table *t = &tables[number];
    fbk_status rc;

    if (!row_fits(t, values))
        return fbk__fail(db, FBK_ECORRUPT, "a row of table %s of the file was none that can be",
                         t->name);
    if (number == FBK__ROWS_LINK)
        return apply_link(db, values, tombs);
    if (number == FBK__ROWS_BLOCKED)
        return apply_blocked(db, values, tombs);
    rc = row_judge(db, t, values);
    if (rc != FBK_OK)
        return rc;
    rc = t->write(db, values);
    return rc < 0 ? rc : FBK_OK;
}
