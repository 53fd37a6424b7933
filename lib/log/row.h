/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_ROW_H
#define LOG_ROW_H

#include "log/log.h"
#include "store/conn.h"
#include "store/stmt.h"

/* How an event lies in a row of log_event. Only files of lib/log include this. */

/** The columns, in the order in which fbk__row_head_load() and fbk__row_load() expect them. */
#define FBK__ROW_COLUMNS                                                    \
    "event, node, occurred_us, received_us, kind, source, channel, place, " \
    "currency, flags, order_hash, n_lines, hash, body"

typedef struct fbk__row_head {
    uint64_t event;
    int64_t occurred_us;
    int64_t received_us;
    uint64_t order_hash;
    uint32_t node;
    uint32_t kind;
    uint32_t source;
    uint32_t channel;
    uint32_t place;
    uint32_t currency;
    uint32_t flags;
    uint32_t n_lines;
} fbk__row_head;

/** A decoded row with memory that is used again for the next one. */
typedef struct fbk__row {
    const fbk_allocator *a;
    fbk__row_head head;
    fbk__buf body; /* a copy: the spans point into it */
    fbk__span id;
    fbk__span order_ref;
    fbk__batch_line *lines;
    uint32_t *nodes;
    fbk__batch_prop *props;
    size_t n_nodes, n_props;
    size_t line_cap, node_cap, prop_cap;
} fbk__row;

void
fbk__row_init(fbk__row *row, const fbk_allocator *a);
void
fbk__row_free(fbk__row *row);

/** XXH3-64 of an order reference, never 0 unless it is empty. */
uint64_t
fbk__row_order_hash(const char *text, size_t len);

/** Append the body of event number e of a resolved batch; `nodes` are those of its identifiers. */
void
fbk__row_encode(const fbk__batch *batch, const fbk__batch_event *e, const uint32_t *nodes,
                fbk__buf *body);

/** What the column `hash` must hold. */
uint64_t
fbk__row_hash(const fbk__row_head *head, const void *body, size_t len);

/** Everything that makes two events "the same content": all but received_us, numbers replaced by
 *  the words that they stand for, so that it is the same in every store. */
void
fbk__row_content(const fbk__batch *batch, const fbk__batch_event *e, fbk__buf *out);

/** Read the columns but the body from a statement that stands on a row. FBK_ECORRUPT. */
fbk_status
fbk__row_head_load(fbk *db, fbk__stmt *st, fbk__row_head *out) FBK_MUST_USE;

/** The same, and decode the body after comparing its hash. FBK_ECORRUPT, FBK_ENOMEM. */
fbk_status
fbk__row_load(fbk *db, fbk__stmt *st, fbk__row *out) FBK_MUST_USE;

/** The lines of a body into `lines` (head->n_lines of them), nothing else; true when sound. */
bool
fbk__row_lines(fbk__reader *r, uint32_t n_lines, fbk__batch_line *lines);

/** "Event N was damaged: what." */
fbk_status
fbk__row_corrupt(fbk *db, uint64_t event, const char *what);

void
fbk__row_view(const fbk__row *row, fbk__event_view *out);

/** A 128-bit hash as the 16 bytes that are stored. */
void
fbk__hash_bytes(fbk__hash128 hash, unsigned char out[16]);

/** What event_conflict_ident.ident holds. */
int64_t
fbk__ident_hash(uint32_t space, const char *value, size_t len);

/** The one row of log_total. */
typedef struct fbk__log_total {
    uint64_t last_event, events, lines, links, conflicts, erased;
    fbk_time first_us, last_us; /* FBK_TIME_NONE when empty */
} fbk__log_total;

fbk_status
fbk__log_total_read(fbk *db, fbk__log_total *out) FBK_MUST_USE;
fbk_status
fbk__log_total_write(fbk *db, const fbk__log_total *total) FBK_MUST_USE;

/** As fbk__link_add(), and say whether the answer to "who is this" may have changed: the link is
 *  new, or starts earlier. Does not count in log_total. */
fbk_status
fbk__link_upsert(fbk *db, const fbk__link *link, const char *note, bool *out_new, bool *out_changed)
    FBK_MUST_USE;

#endif
