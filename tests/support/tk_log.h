/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TK_LOG_H
#define SUPPORT_TK_LOG_H

#include <feedback/store.h>

#include "base/rng.h"
#include "log/log.h"

/* Events for tests of the log: made from a number, so that what was stored can be made again and
 * compared. */

/** A store at a path (made if it is absent), and a connection. */
fbk_store *
tk_store_open(const char *path, const fbk_allocator *allocator);
fbk *
tk_store_connect(fbk_store *store);

/** What an event is made from. */
typedef struct tk_event {
    uint32_t number;     /* id "event-<number>" */
    uint32_t salt;       /* another salt: other content */
    int64_t occurred_us; /* 2024 and 2025, out of order */
    uint32_t kind;       /* FBK__EVENT_* */
    uint32_t flags;
    uint32_t n_idents; /* 0..3; the first is customer-<person> */
    uint32_t person;   /* of 40 */
    uint32_t n_lines;  /* 0..5 */
    uint32_t place;    /* of 4; 0 = none */
    uint32_t with_order;
    uint32_t n_props;  /* 0..4 */
    uint32_t currency; /* 0 = the store's, 1 = USD */
} tk_event;

/** The event of this number: always the same. */
tk_event
tk_event_make(uint32_t number);

/** A line of it. */
fbk__batch_line
tk_event_line(const tk_event *e, uint32_t line);

/** Add it to a batch; the items and places of a batch are numbers in decimal. */
void
tk_batch_add(fbk__batch *batch, const tk_event *e);

/** Give the batch its store-wide numbers: words by fbk__word_resolve(), items and places as their
 *  text says. Inside a write transaction. */
fbk_status
tk_batch_resolve(fbk *db, fbk__batch *batch) FBK_MUST_USE;

/** Resolve and append in one write transaction, together with what other threads write. */
fbk_status
tk_batch_append(fbk *db, fbk__batch *batch, uint8_t *outcomes, fbk__append_counts *counts)
    FBK_MUST_USE;

/** One transaction of so many steps of merging, until one segment is left, and of clearing: FBK_OK
 *  when there is more to do, FBK_DONE. */
fbk_status
tk_compact(fbk *db, uint64_t steps) FBK_MUST_USE;

/** Number of a stored event; the test fails when it has no id that was made here. */
uint32_t
tk_event_number(const fbk__event_view *view);

/** Values of the nodes of a store that were looked up, so that each is looked up once. */
typedef struct tk_names {
    uint64_t *hashes; /* by node; 0 = not looked up */
    size_t n;
} tk_names;

void
tk_names_free(tk_names *names);

/** What of a stored event is not as it was made: NULL when all of it is. */
const char *
tk_event_differs(fbk *db, tk_names *names, const fbk__event_view *view, const tk_event *e);

/** Append the events first … first + n - 1 as one batch; all must be new. */
void
tk_log_fill(fbk *db, uint32_t first, uint32_t n);

#endif
