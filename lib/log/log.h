/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <feedback/store.h>

#include "base/bitset.h"
#include "log/batch.h"

/* The event log: append, scan by column chunks, history of nodes, erase of nodes. Everything that
 * trains or answers reads events through this and nothing else, so that the storage behind it can
 * change without any model knowing. */

/* -- words and nodes ------------------------------------------------------------------------- */

/** Words of the store: kinds, sources, channels, currencies, namespaces, property keys. Numbers
 *  from FBK__EVENT_OWN up are given once and never reused; the built-in kinds have theirs.
 *  0 is "". */
fbk_status
fbk__word_resolve(fbk *db, const char *text, size_t len, bool create, uint32_t *out) FBK_MUST_USE;

/** Text of a word; owned by the store's cache, valid as long as the store; "" for 0. FBK_ECORRUPT
 *  when it was never given. */
fbk_status
fbk__word_get(fbk *db, uint32_t word, const char **out) FBK_MUST_USE;

/** The same where a failure does not matter: "". */
const char *
fbk__word_text(fbk *db, uint32_t word);

/** Node of an identifier; FBK_ENOTFOUND when it was never seen. */
fbk_status
fbk__node_find(fbk *db, uint32_t space, const char *value, size_t len, uint32_t *out_node)
    FBK_MUST_USE;

/** The same, given a number if new; inside a write transaction. */
fbk_status
fbk__node_make(fbk *db, uint32_t space, const char *value, size_t len, uint32_t *out_node)
    FBK_MUST_USE;

/** Namespace and value of a node; the value is appended to `value`. */
fbk_status
fbk__node_value(fbk *db, uint32_t node, uint32_t *out_space, fbk__buf *value) FBK_MUST_USE;

/** Highest node number given so far; nodes are 1..n. */
fbk_status
fbk__node_count(fbk *db, uint32_t *out_n) FBK_MUST_USE;

/** Namespace of every node: out[node], out[0] = 0; the caller frees (n + 1 entries). */
fbk_status
fbk__node_spaces(fbk *db, uint32_t **out_spaces, uint32_t *out_n) FBK_MUST_USE;

/* -- links --------------------------------------------------------------------------------------
 * Evidence that two nodes are one person: one row per (a < b, rule). The log writes those of rule
 * FBK__LINK_EVENT together with the events; record/identity writes the others. */

enum { FBK__LINK_EVENT = 1, FBK__LINK_EXPLICIT = 2, FBK__LINK_UNLINK = 3 };

typedef struct fbk__link {
    uint32_t a; /* a < b */
    uint32_t b;
    uint32_t rule;
    uint32_t count;
    int64_t first_us;
    int64_t last_us;
} fbk__link;

/** All links, ordered by (a, b, rule); the caller frees. */
fbk_status
fbk__links_read(fbk *db, fbk__link **out_links, size_t *out_n) FBK_MUST_USE;

/** The links of one node, those of a pair one after the other, with the namespace of the other end.
 *  A negative value of the callback stops and is returned; FBK_DONE stops without failure. */
typedef fbk_status (*fbk__link_fn)(void *user_data, const fbk__link *link, uint32_t other_space);

fbk_status
fbk__links_of(fbk *db, uint32_t node, fbk__link_fn fn, void *user_data) FBK_MUST_USE;

/** Add evidence (upsert: widens first and last, adds to count); inside a write transaction. */
fbk_status
fbk__link_add(fbk *db, const fbk__link *link, const char *note) FBK_MUST_USE;

/* -- append ---------------------------------------------------------------------------------- */

enum {
    FBK__ADDED = 0,
    FBK__ALREADY = 1,  /* same id, same content */
    FBK__CONFLICT = 2, /* same id, other content or day: in event_conflict, not stored */
    FBK__ERASED = 3    /* the id belongs to an erased event */
};

typedef struct fbk__append_counts {
    uint64_t added, already, conflict, erased;
    uint64_t lines_added;
} fbk__append_counts;

/** Append a resolved batch in one transaction (all or nothing): ids checked against the store and
 *  within the batch, identifiers resolved to nodes, links between all identifiers of one event
 *  written. "Same content" is every field but received_us. When it returns FBK_OK outside a write
 *  transaction the batch is durable. Bumps FBK__KIND_IDENTITY when links came.
 *
 *  @param out_outcome  batch->n_events of FBK__ADDED…; may be NULL. */
fbk_status
fbk__log_append(fbk *db, const fbk__batch *batch, uint8_t *out_outcome, fbk__append_counts *out)
    FBK_MUST_USE;

/** Seal the tail now, however short it is. FBK_OK also when it is empty. */
fbk_status
fbk__log_seal(fbk *db) FBK_MUST_USE;

/* -- scan ------------------------------------------------------------------------------------ */

/** Columns of a chunk; the scan fills those asked for, the others are NULL. */
enum {
    FBK__COL_EVENT = 1 << 0,
    FBK__COL_NODE = 1 << 1,
    FBK__COL_OCCURRED = 1 << 2,
    FBK__COL_RECEIVED = 1 << 3,
    FBK__COL_KIND = 1 << 4,
    FBK__COL_SOURCE = 1 << 5,
    FBK__COL_CHANNEL = 1 << 6,
    FBK__COL_PLACE = 1 << 7,
    FBK__COL_ORDER = 1 << 8,
    FBK__COL_FLAGS = 1 << 9,
    FBK__COL_CURRENCY = 1 << 10,
    FBK__COL_LINE_KIND = 1 << 11,
    FBK__COL_ITEM = 1 << 12,
    FBK__COL_QUANTITY = 1 << 13,
    FBK__COL_UNIT_PRICE = 1 << 14,
    FBK__COL_DISCOUNT = 1 << 15,
    FBK__COL_TAX = 1 << 16,
    FBK__COL_AMOUNT = 1 << 17
};

/** One row per line; an event without lines has one row of line kind FBK__LINE_NONE. Rows of one
 *  event are neighbours, in line order, and never cut by the end of a chunk unless the event has
 *  more lines than a chunk holds; nothing else is promised about the order. */
typedef struct fbk__chunk {
    size_t n;
    uint64_t number;       /* of the chunk in the scan: rises, and is the same on any threads */
    const uint64_t *event; /* number of the event in this store, from 1 */
    const uint32_t *node;  /* 0 = nobody */
    const int64_t *occurred_us;
    const int64_t *received_us;
    const uint32_t *kind;    /* word */
    const uint32_t *source;  /* word */
    const uint32_t *channel; /* word, 0 = none */
    const uint32_t *place;   /* 0 = none */
    const uint64_t *order;   /* XXH3-64 of order_ref, 0 = none */
    const uint8_t *flags;
    const uint32_t *currency; /* word, 0 = the store's */
    const uint8_t *line_kind;
    const uint32_t *item; /* 0 = none */
    const int64_t *quantity_milli;
    const int64_t *unit_price_micro;
    const int64_t *discount_micro;
    const int64_t *tax_micro;
    const int64_t *amount_micro;
} fbk__chunk;

typedef struct fbk__scan_options {
    fbk_time from_us;      /* inclusive; FBK_TIME_NONE = from the beginning */
    fbk_time to_us;        /* exclusive; FBK_TIME_NONE = to the end */
    const uint32_t *nodes; /* only these, ascending; NULL = all */
    size_t n_nodes;
    const uint32_t *kinds; /* only these event kinds; NULL = all */
    size_t n_kinds;
    uint64_t after_event; /* only events with a higher number (what came since) */
    uint32_t columns;     /* FBK__COL_* */
    uint32_t skip_flags;  /* leave out events with any of these FBK__FLAG_* */
} fbk__scan_options;

typedef struct fbk__scan fbk__scan;

/** A scan sees one snapshot from its first to its last chunk, whatever is appended meanwhile; it
 *  keeps no read transaction between chunks. Events that are erased meanwhile are missing from the
 *  chunks that were not yet read (or end the scan with FBK_EEXPIRED, as other storage may). */
fbk_status
fbk__log_scan_open(fbk *db, const fbk__scan_options *options, fbk__scan **out) FBK_MUST_USE;

/** Next chunk, valid until the next call. FBK_OK, FBK_DONE, or a failure. */
fbk_status
fbk__log_scan_next(fbk__scan *scan, const fbk__chunk **out) FBK_MUST_USE;

void
fbk__log_scan_close(fbk__scan *scan);

/** What a scan on several threads calls with each chunk: `db` is the worker's own connection,
 *  worker 0 is the calling thread. A negative value stops all. */
typedef fbk_status (*fbk__scan_fn)(void *user_data, fbk *db, uint32_t worker,
                                   const fbk__chunk *chunk);

/** Scan one snapshot on so many threads, which last as long as the call. Each worker is given the
 *  same chunks in every such scan, ascending; what is made of them must be merged by number, or not
 *  depend on the order. A worker that gets no thread or connection of its own is run by the calling
 *  thread at last. Inside a write transaction that thread does it all.
 *
 *  @param n_workers [1, FBK__SCAN_WORKERS]. */
enum { FBK__SCAN_WORKERS = 64 };
fbk_status
fbk__log_scan_workers(fbk *db, const fbk__scan_options *options, uint32_t n_workers,
                      fbk__scan_fn fn, void *user_data) FBK_MUST_USE;

/** Events in the snapshot, before any filter: for progress. */
uint64_t
fbk__log_scan_total(const fbk__scan *scan);

/* -- whole events ---------------------------------------------------------------------------- */

/** One event with everything it came with; pointers live until the callback returns. */
typedef struct fbk__event_view {
    uint64_t event;
    uint32_t node;
    uint32_t kind, source, channel, place, currency, flags;
    fbk_time occurred_us;
    fbk_time received_us;
    const char *id;
    size_t id_len;
    const char *order_ref;
    size_t order_ref_len;
    size_t n_lines, n_nodes, n_props;
    const fbk__batch_line *lines; /* item = store-wide item */
    const uint32_t *nodes;        /* of all its identifiers; nodes[0] is `node` */
    const fbk__batch_prop *props; /* key = word; text spans into `text` */
    const char *text;
} fbk__event_view;

typedef fbk_status (*fbk__event_fn)(void *user_data, const fbk__event_view *view);

/** Events recorded under any of these nodes (ascending), newest first (occurred_us, then number,
 *  both descending), those
 *  before `before_us` (FBK_TIME_NONE = all), at most `limit`. A negative value of the callback
 *  stops and is returned; FBK_DONE stops without failure. */
fbk_status
fbk__log_history(fbk *db, const uint32_t *nodes, size_t n_nodes, fbk_time before_us, size_t limit,
                 fbk__event_fn fn, void *user_data) FBK_MUST_USE;

/** Every event in the order of its number: for export and checks. */
fbk_status
fbk__log_each(fbk *db, uint64_t after_event, fbk__event_fn fn, void *user_data) FBK_MUST_USE;

/* -- erase, check, counts -------------------------------------------------------------------- */

/** Drop all events recorded under these nodes, their identifier values, their links, and conflicts
 *  that name them; the ids of the events stay and answer FBK__ERASED for ever, and so do the
 *  numbers. Of a link between two nodes that stay, the evidence of an erased event is taken off the
 *  count; its first and last time stay. */
fbk_status
fbk__log_erase_nodes(fbk *db, const uint32_t *nodes, size_t n_nodes, uint64_t *out_events)
    FBK_MUST_USE;

typedef struct fbk__log_counts {
    uint64_t events, lines, nodes, links, conflicts, erased;
    fbk_time first_us, last_us; /* FBK_TIME_NONE when empty */
} fbk__log_counts;

fbk_status
fbk__log_count(fbk *db, fbk__log_counts *out) FBK_MUST_USE;

/** How the log lies in the file. */
typedef struct fbk__log_storage {
    uint64_t segments, runs;             /* live */
    uint64_t live_bytes, dead_bytes;     /* of both; dead = merged, and not yet cleared away */
    uint64_t sealed_bytes, merged_bytes; /* ever written: at first, and by merging */
} fbk__log_storage;

fbk_status
fbk__log_storage_read(fbk *db, fbk__log_storage *out) FBK_MUST_USE;

/** Decode every row, compare it with its hashes, indices and totals, in one logical snapshot: no
 *  read transaction stays open, and memory is bounded.
 *
 *  @param problem told of the first FBK__LOG_PROBLEMS findings, a sentence each; may be NULL.
 *  @param out_bad how many there are; written with FBK_OK and FBK_ECORRUPT.
 *  @retval FBK_ECORRUPT there is damage; the message is the first. */
enum { FBK__LOG_PROBLEMS = 100 };
fbk_status
fbk__log_check(fbk *db, fbk_problem_fn problem, void *user_data, uint64_t *out_bad) FBK_MUST_USE;

/** What events refer to by number: for who keeps those dictionaries. */
typedef struct fbk__log_refs {
    fbk__bitset words, items, places;
    uint32_t max_node;
} fbk__log_refs;

void
fbk__log_refs_init(fbk__log_refs *refs, const fbk_allocator *a);
void
fbk__log_refs_free(fbk__log_refs *refs);

/** The same with more to ask for. */
typedef struct fbk__log_check_options {
    fbk_problem_fn problem;
    void *user_data;
    fbk__log_refs *refs;   /* filled in; may be NULL */
    uint64_t keys_at_once; /* compared in one pass over the events; 0 = two million */
} fbk__log_check_options;
fbk_status
fbk__log_check_with(fbk *db, const fbk__log_check_options *options, uint64_t *out_bad) FBK_MUST_USE;

#endif
