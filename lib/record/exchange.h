/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_EXCHANGE_H
#define RECORD_EXCHANGE_H

#include "log/exchange.h"

/* What stores tell each other, besides events: the rows of the plain tables, with names in place of
 * numbers; and the bundle, the one portable form of all of it. */

/* -- rows -------------------------------------------------------------------------------------- */

/** Tables of a bundle. Stored in bundles: append only. */
enum {
    FBK__ROWS_ZONE = 1,
    FBK__ROWS_ITEM,
    FBK__ROWS_ATTRIBUTE,
    FBK__ROWS_PLACE,
    FBK__ROWS_STOCK,
    FBK__ROWS_READING,
    FBK__ROWS_DAY,
    FBK__ROWS_NAMESPACE,
    FBK__ROWS_LINK,
    FBK__ROWS_BLOCKED,
    FBK__ROWS_END
};

enum { FBK__ROWS_COLUMNS = 12 }; /* at most */

/** Types of a value. Stored in bundles: append only. */
enum { FBK__VALUE_NULL = 0, FBK__VALUE_INT, FBK__VALUE_DOUBLE, FBK__VALUE_TEXT, FBK__VALUE_BLOB };

typedef struct fbk__value {
    uint32_t type;
    uint32_t unused;
    int64_t i;
    double d;
    const char *text; /* of a text NUL-terminated, with no NUL inside */
    size_t len;
} fbk__value;

typedef fbk_status (*fbk__row_fn)(void *user_data, const fbk__value *values);

/** Name of a table and of its columns, the first of which are its key. */
const char *
fbk__rows_name(uint32_t table);
uint32_t
fbk__rows_n_columns(uint32_t table);
uint32_t
fbk__rows_n_keys(uint32_t table);
const char *
fbk__rows_column(uint32_t table, uint32_t column);

/** All rows of a table that are of use to another store. */
fbk_status
fbk__rows_each(fbk *db, uint32_t table, fbk__row_fn fn, void *user_data) FBK_MUST_USE;

/** Inside a write transaction: store a row unless the one that is there was changed later (or at
 *  the same time, and its bytes have the lower hash). FBK_DONE: it was not stored. */
fbk_status
fbk__rows_apply(fbk *db, uint32_t table, const fbk__value *values, const fbk__tombs *tombs)
    FBK_MUST_USE;

/** A row as bytes, and back; what is read lives as long as the bytes. */
void
fbk__row_put(fbk__buf *out, const fbk__value *values, uint32_t n);
bool
fbk__row_get(fbk__reader *in, fbk__value *values, uint32_t n);

/* -- bundles ----------------------------------------------------------------------------------- */

/** What a bundle says of itself first. */
typedef struct fbk__bundle_head {
    unsigned char store[16];
    uint64_t after_event; /* it has the events with higher numbers … */
    uint64_t to_event;    /* … up to this one */
    char currency[4];
    char prices[8];     /* "gross", "net" */
    char time_zone[64]; /* of the store; for the reader */
} fbk__bundle_head;

/** Gives or takes so many bytes, all of them or FBK_DONE at the end of the file (`got` says how
 *  many there were). */
typedef fbk_status (*fbk__bundle_write_fn)(void *user_data, const void *bytes, size_t len);
typedef fbk_status (*fbk__bundle_read_fn)(void *user_data, void *bytes, size_t len, size_t *got);

/** Called now and then, with events done and all there are. */
typedef fbk_status (*fbk__bundle_tick_fn)(void *user_data, uint64_t done, uint64_t total);

typedef struct fbk__bundle_out {
    fbk__bundle_write_fn write;
    fbk__bundle_tick_fn tick; /* may be NULL */
    void *user_data;
    uint64_t after_event;
    uint64_t to_event; /* out: number to go on after next time */
    uint64_t n_events; /* out */
} fbk__bundle_out;

/** Write everything, of events those that came after one. */
fbk_status
fbk__bundle_export(fbk *db, fbk__bundle_out *out) FBK_MUST_USE;

/** What is done with the parts of a bundle. */
typedef struct fbk__bundle_sink {
    void *user_data;
    fbk__batch *batch; /* events are added to it */
    fbk_status (*head)(void *user_data, const fbk__bundle_head *head);
    fbk_status (*erased)(void *user_data, fbk__key id);
    fbk_status (*tomb)(void *user_data, const fbk__tomb *tomb);
    fbk_status (*row)(void *user_data, uint32_t table, const fbk__value *values);
    /** The last event of the batch is of the bundle; it may be changed or dropped. */
    fbk_status (*event)(void *user_data);
    /** Likewise a conflict, with its flags; it must be dropped. */
    fbk_status (*conflict)(void *user_data, uint32_t flags);
    /** Between two blocks; done: bytes read so far. */
    fbk_status (*block)(void *user_data, uint64_t done);
} fbk__bundle_sink;

/** Read a bundle to its end. Every block is checked before anything in it is given out. Events are
 *  not yet valid, and rows only in form.
 *
 *  @retval FBK_ECORRUPT  it was cut short or changed, or was no bundle. */
fbk_status
fbk__bundle_read(fbk *db, fbk__bundle_read_fn read, void *source, const fbk__bundle_sink *sink)
    FBK_MUST_USE;

/** Whether a file begins like a bundle. */
enum { FBK__BUNDLE_MAGIC = 8 };
bool
fbk__bundle_is(const void *bytes, size_t len);

/* -- taking over ------------------------------------------------------------------------------- */

typedef struct fbk__merge_counts {
    fbk__append_counts events;
    uint64_t replaced; /* events that gave way to another version */
    uint64_t dropped;  /* events that are erased now */
    uint64_t rows;     /* rows of the plain tables that changed */
} fbk__merge_counts;

/** Look at a whole bundle, and store nothing: what is refused here is refused whole. */
fbk_status
fbk__merge_verify(fbk *db, fbk__bundle_read_fn read, void *source, fbk__bundle_tick_fn tick,
                  void *user_data) FBK_MUST_USE;

/** Bring a bundle into the store, a commit for each part of it. What was cut short may be done
 *  again. */
fbk_status
fbk__merge_apply(fbk *db, fbk__bundle_read_fn read, void *source, fbk__bundle_tick_fn tick,
                 void *user_data, fbk__merge_counts *out) FBK_MUST_USE;

/** The names of items and places for fbk__batch_take(), as they are now. */
typedef struct fbk__named {
    fbk *db;
    const struct fbk__items *items;
    const struct fbk__places *places;
    fbk__names names;
} fbk__named;

fbk_status
fbk__named_open(fbk *db, fbk__named *out) FBK_MUST_USE;
void
fbk__named_close(fbk__named *named);

#endif
