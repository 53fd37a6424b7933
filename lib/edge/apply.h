/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_APPLY_H
#define EDGE_APPLY_H

#include "base/tz.h"
#include "edge/pick.h"

/* A mapping applied to one row: cells in, a typed row out. */

enum {
    FBK__ROW_TEXT_MAX = 255,  /* ids, items, sources, channels, places, order references */
    FBK__ROW_VALUE_MAX = 255, /* identifiers */
    FBK__ROW_PROP_MAX = 65535 /* texts of properties */
};

/** What all rows of one event share stands in slots, in this order, then one for each identifier
 *  and each property of the mapping. */
enum {
    FBK__SLOT_KIND,
    FBK__SLOT_SOURCE,
    FBK__SLOT_CHANNEL,
    FBK__SLOT_PLACE,
    FBK__SLOT_ORDER,
    FBK__SLOT_CURRENCY,
    FBK__N_SLOTS
};

enum { FBK__GIVES_NAME = 1, FBK__GIVES_BRAND = 2, FBK__GIVES_CATEGORY = 4, FBK__GIVES_PRICE = 8 };

/** Texts live until the next row. */
typedef struct fbk__row {
    const char *reason; /* not NULL: refused; "was no number", said of `field` */
    const char *field;  /* name of the member of the mapping */
    bool skip;          /* the mapping leaves such rows out */
    bool has_line;
    uint32_t flags;       /* FBK__FLAG_* */
    fbk_time occurred_us; /* FBK_TIME_NONE = not said in this row */
    fbk__buf id;          /* of the event; empty = not said */
    fbk__buf slots;       /* of each slot its length + 1 as a uvarint and its bytes, or 0 */
    uint32_t line_kind;   /* FBK__LINE_* */
    uint32_t reserved0;   /* 0 */
    fbk__buf item;        /* SKU, may be empty unless the line is a product */
    int64_t quantity_milli;
    int64_t unit_price_micro;
    int64_t discount_micro;
    int64_t tax_micro;
    int64_t amount_micro;
    uint32_t gives; /* FBK__GIVES_*: what the row says about its item */
    uint32_t reserved1;
    fbk__buf name;
    fbk__buf brand;
    fbk__buf category; /* path */
    int64_t price_micro;
} fbk__row;

typedef struct fbk__apply {
    fbk *db;
    const fbk__mapping *map;
    const fbk__tz *tz;  /* of the mapping's zone */
    const char *source; /* when the mapping names none */
    size_t source_len;
    uint64_t gaps;     /* local times met that the clock never showed … */
    uint64_t overlaps; /* … or showed twice */
    fbk__pick pick;
    fbk__buf when; /* the time's text, and the last one: often the same */
    fbk__buf last_when;
    fbk_time last_us;
    const char *last_reason;
    char *value; /* FBK__ROW_VALUE_MAX bytes: an identifier, normalised */
    fbk__row row;
} fbk__apply;

/** Everything is borrowed until fbk__apply_free(). FBK_ENOMEM. */
fbk_status
fbk__apply_init(fbk *db, const fbk__mapping *map, const fbk__tz *tz, const char *source,
                size_t source_len, fbk__apply *out) FBK_MUST_USE;

void
fbk__apply_free(fbk__apply *apply);

/** One row; the result is apply->row. FBK_OK, also for a row that is refused; FBK_ENOMEM. */
fbk_status
fbk__apply_row(fbk__apply *apply, const fbk__cell *cells) FBK_MUST_USE;

/** Name of a slot as the mapping has it: "kind", "identifiers.customer". */
void
fbk__slot_name(const fbk__mapping *map, size_t slot, char *out, size_t cap);

/** Number of slots of a mapping. */
static inline size_t
fbk__n_slots(const fbk__mapping *map)
{
    return FBK__N_SLOTS + map->n_idents + map->n_props;
}

#endif
