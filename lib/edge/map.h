/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_MAP_H
#define EDGE_MAP_H

#include "base/map.h"
#include "edge/csv.h"
#include "edge/json.h"

/* A mapping: how rows of a file become events. Its text is JSON, described in feedback-import(5);
 * this is the compiled form. Everything is a number into one of the tables at the end. */

enum { FBK__FORMAT_CSV = 1, FBK__FORMAT_JSON = 2 };

enum {
    FBK__MAP_NONE = 0,
    FBK__MAP_COLUMN, /* first = column */
    FBK__MAP_CONST,  /* text */
    FBK__MAP_PARTS   /* values[first .. first + n) joined by text; empty when all columns are */
};

typedef struct fbk__map_value {
    uint32_t kind;
    uint32_t first;
    uint32_t n;
    uint32_t text;
    uint32_t when; /* condition + 1; 0 = always */
} fbk__map_value;

/** A stretch of a table. */
typedef struct fbk__map_range {
    uint32_t first;
    uint32_t n;
} fbk__map_range;

enum {
    FBK__WHEN_ALL, /* conds[first .. first + n) */
    FBK__WHEN_ANY,
    FBK__WHEN_NOT,   /* conds[first] */
    FBK__WHEN_EMPTY, /* micro: 1 = is empty, 0 = is not */
    FBK__WHEN_IN,    /* lists[first .. first + n) are texts */
    FBK__WHEN_PREFIX,
    FBK__WHEN_SUFFIX,
    FBK__WHEN_CONTAINS,
    FBK__WHEN_NUMBER, /* the number equals micro; the next four likewise */
    FBK__WHEN_LESS,
    FBK__WHEN_AT_MOST,
    FBK__WHEN_GREATER,
    FBK__WHEN_AT_LEAST
};

typedef struct fbk__map_cond {
    uint32_t op;
    uint32_t column;
    uint32_t first;
    uint32_t n;
    int64_t micro;
} fbk__map_cond;

/** The first rule whose condition holds gives the result. */
typedef struct fbk__map_rule {
    uint32_t when;   /* condition + 1 */
    uint32_t result; /* text, or FBK__LINE_* */
} fbk__map_rule;

typedef struct fbk__map_rules {
    fbk__map_range rules;
    uint32_t otherwise; /* result + 1; 0 = none: the row is refused */
} fbk__map_rules;

typedef struct fbk__map_ident {
    uint32_t space; /* text */
    fbk__map_value value;
} fbk__map_ident;

typedef struct fbk__map_prop {
    uint32_t key;  /* text */
    uint32_t type; /* FBK__PROP_* */
    fbk__map_value value;
} fbk__map_prop;

typedef struct fbk__map_flag {
    uint32_t bits; /* FBK__FLAG_* */
    uint32_t when; /* condition + 1 */
} fbk__map_flag;

enum { FBK__CLOCK_TAKE = 0, FBK__CLOCK_SECOND = 1, FBK__CLOCK_REJECT = 2 };

typedef struct fbk__map_time {
    fbk__map_range values;  /* joined by a blank */
    fbk__map_range formats; /* texts of lists[]; "" = ISO 8601 */
    uint32_t zone;          /* text + 1; 0 = none */
    uint32_t gap;           /* FBK__CLOCK_*: times that the clock never showed */
    uint32_t overlap;       /* times that it showed twice */
} fbk__map_time;

/* Numbers are sums of values; none = absent. */
typedef struct fbk__map_line {
    bool given;
    uint32_t when;
    uint32_t negative; /* condition + 1: the amounts of these rows are to be negated */
    fbk__map_rules kind;
    fbk__map_value item;
    fbk__map_range quantity;
    fbk__map_range unit_price;
    fbk__map_range amount;
    fbk__map_range discount;
    fbk__map_range tax;
} fbk__map_line;

typedef struct fbk__map_item {
    bool given;
    uint32_t when;
    fbk__map_value name;
    fbk__map_value brand;
    fbk__map_range category; /* levels, from the widest */
    uint32_t separator;      /* text + 1: splits each of them further */
    fbk__map_range price;
} fbk__map_item;

typedef struct fbk__mapping {
    const fbk_allocator *a;
    uint32_t format;
    fbk__csv_options csv;
    bool has_columns;           /* the file has no header line; these are its columns */
    fbk__map_range csv_columns; /* texts of lists[] */
    uint32_t basket;            /* text + 1: each field of a record is one row of this column */
    uint32_t json_lines;        /* text + 1 */
    char decimal;
    char group;
    fbk__map_range empty; /* texts of lists[] that mean nothing; the empty text always does */
    fbk__map_value source, channel, place, order_ref, currency;
    fbk__map_range event_id;
    fbk__map_time time;
    fbk__map_rules kind;
    fbk__map_line line;
    fbk__map_item item;
    uint32_t skip; /* condition + 1 */

    fbk__intern columns; /* names that the mapping reads */
    fbk__intern texts;
    fbk__map_value *values;
    fbk__map_cond *conds;
    fbk__map_rule *rules;
    fbk__map_ident *idents;
    fbk__map_prop *props;
    fbk__map_flag *flags;
    uint32_t *lists;
    size_t n_values, n_conds, n_rules, n_idents, n_props, n_flags, n_lists;
    size_t value_cap, cond_cap, rule_cap, ident_cap, prop_cap, flag_cap, list_cap;
} fbk__mapping;

enum { FBK__MAP_TEXT_MAX = 1 << 20, FBK__MAP_DEPTH_MAX = 16 };

/** Compile a mapping. FBK_EINVAL names the member that is unknown, missing or wrong; FBK_ENOMEM.
 *  *out is made empty on failure. */
fbk_status
fbk__mapping_parse(fbk *db, const char *text, size_t len, fbk__mapping *out) FBK_MUST_USE;

/** A mapping that was never parsed must be zero. */
void
fbk__mapping_free(fbk__mapping *map);

#endif
