/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_BATCH_H
#define LOG_BATCH_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"

/* Events on their way into the log, in columns and with their own dictionaries, so that each
 * distinct item, place or word is resolved once a batch. Filled by record/event (one event, Arrow)
 * and edge/import (files); resolved and appended by record/event. */

/** Event kinds with a meaning of their own; the host's own start at FBK__EVENT_OWN. The names are
 *  those of <feedback/event.h>. Numbers are stored: append only. */
enum {
    FBK__EVENT_SALE = 1,
    FBK__EVENT_RETURN,
    FBK__EVENT_EXCHANGE,
    FBK__EVENT_CANCEL,
    FBK__EVENT_ADJUSTMENT, /* stock write-off */
    FBK__EVENT_TRANSFER,
    FBK__EVENT_VIEW,
    FBK__EVENT_SEARCH,
    FBK__EVENT_CART,
    FBK__EVENT_WISH,
    FBK__EVENT_TRY_ON,
    FBK__EVENT_VISIT,
    FBK__EVENT_POSITION,
    FBK__EVENT_MESSAGE,
    FBK__EVENT_RESPONSE,
    FBK__EVENT_SURVEY,
    FBK__EVENT_LOGIN,
    FBK__EVENT_OWN = 1000
};

/** Line kinds. Stored: append only. */
enum {
    FBK__LINE_NONE = 0, /* the one row of an event without lines */
    FBK__LINE_PRODUCT = 1,
    FBK__LINE_SHIPPING,
    FBK__LINE_FEE,
    FBK__LINE_DISCOUNT,
    FBK__LINE_GIFT_CARD,
    FBK__LINE_DEPOSIT,
    FBK__LINE_ADJUSTMENT,
    FBK__LINE_SAMPLE,
    FBK__LINE_BUNDLE,
    FBK__N_LINE_KINDS
};

/** Most lines, identifiers and properties of one event. */
enum { FBK__EVENT_LINES_MAX = 65535, FBK__EVENT_IDENTS_MAX = 16, FBK__EVENT_PROPS_MAX = 256 };

/** Flags of events (and of profiles). Stored. */
enum { FBK__FLAG_TEST = 1, FBK__FLAG_EMPLOYEE = 2, FBK__FLAG_BUSINESS = 4, FBK__FLAG_BOT = 8 };

/** Types of a property value. Stored. */
enum { FBK__PROP_TEXT = 1, FBK__PROP_INT = 2, FBK__PROP_DOUBLE = 3, FBK__PROP_BOOL = 4 };

/** "No amount was charged explicitly": validation computes it from quantity, price and discount. */
#define FBK__AMOUNT_NONE INT64_MIN

/** Bytes in fbk__batch.text. */
typedef struct fbk__span {
    uint32_t at;
    uint32_t len;
} fbk__span;

typedef struct fbk__batch_event {
    fbk__span id;        /* 1..255 bytes */
    fbk__span order_ref; /* len 0 = none */
    int64_t occurred_us;
    int64_t received_us;
    int64_t row;       /* of the input, for messages; 0 = none */
    uint32_t kind;     /* number in batch.words */
    uint32_t source;   /* number in batch.words */
    uint32_t channel;  /* number in batch.words; "" = none */
    uint32_t place;    /* number in batch.places; "" = none */
    uint32_t currency; /* number in batch.words; "" = the store's */
    uint32_t flags;    /* FBK__FLAG_* */
    uint32_t first_line;
    uint32_t n_lines;
    uint32_t first_ident;
    uint32_t n_idents;
    uint32_t first_prop;
    uint32_t n_props;
} fbk__batch_event;

typedef struct fbk__batch_line {
    uint32_t item; /* number in batch.items; "" = none (shipping, fee) */
    uint32_t kind; /* FBK__LINE_* */
    int64_t quantity_milli;
    int64_t unit_price_micro;
    int64_t discount_micro;
    int64_t tax_micro;
    int64_t amount_micro; /* as charged */
} fbk__batch_line;

/** In order of priority: the event is recorded under the first. Normalised, not blocked. */
typedef struct fbk__batch_ident {
    uint32_t space; /* number in batch.words */
    fbk__span value;
} fbk__batch_ident;

typedef struct fbk__batch_prop {
    uint32_t key;  /* number in batch.words */
    uint32_t type; /* FBK__PROP_* */
    union {
        fbk__span text;
        int64_t i; /* PROP_INT, PROP_BOOL */
        double d;
    } value;
} fbk__batch_prop;

/** One batch; reused by fbk__batch_clear(). */
typedef struct fbk__batch {
    const fbk_allocator *a;
    fbk__batch_event *events;
    fbk__batch_line *lines;
    fbk__batch_ident *idents;
    fbk__batch_prop *props;
    size_t n_events, n_lines, n_idents, n_props;
    size_t event_cap, line_cap, ident_cap, prop_cap;
    fbk__buf text;
    /* Number 0 of each is "": a field that nobody sets is none. */
    fbk__intern words;  /* kinds, sources, channels, currencies, namespaces, property keys */
    fbk__intern items;  /* SKUs, byte-exact */
    fbk__intern places; /* place codes */
    /* Store-wide integers by number in the dictionaries above; set by fbk__names_resolve(). */
    uint32_t *word_ids;
    uint32_t *item_ids;
    uint32_t *place_ids;
    size_t word_cap, item_cap, place_cap;
} fbk__batch;

void
fbk__batch_init(fbk__batch *batch, const fbk_allocator *a);
void
fbk__batch_free(fbk__batch *batch);
/** Empty it; keeps the memory. */
void
fbk__batch_clear(fbk__batch *batch);

/** Copy bytes into the batch. FBK_ENOMEM, or FBK_ETOOBIG past 4 GiB. */
fbk_status
fbk__batch_text(fbk__batch *batch, const char *text, size_t len, fbk__span *out) FBK_MUST_USE;

/** Open an event (its lines, identifiers and properties follow); NULL when out of memory. Valid
 *  until the next call. All fields zero but first_*. */
fbk__batch_event *
fbk__batch_add_event(fbk__batch *batch) FBK_MUST_USE;
/** To the last event; NULL when out of memory. Zeroed, but amount_micro = FBK__AMOUNT_NONE. */
fbk__batch_line *
fbk__batch_add_line(fbk__batch *batch) FBK_MUST_USE;
fbk__batch_ident *
fbk__batch_add_ident(fbk__batch *batch) FBK_MUST_USE;
fbk__batch_prop *
fbk__batch_add_prop(fbk__batch *batch) FBK_MUST_USE;
/** Take back the last event with all that belongs to it. */
void
fbk__batch_drop_event(fbk__batch *batch);

/** quantity * unit price, rounded half away from zero to a millionth, less the discount; exact in
 *  128 bits. @retval false the result does not fit. */
bool
fbk__line_amount(int64_t quantity_milli, int64_t unit_price_micro, int64_t discount_micro,
                 int64_t *out_micro) FBK_MUST_USE;

#endif
