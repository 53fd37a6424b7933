/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_ENGINE_H
#define LOG_ENGINE_H

#include <pthread.h>

#include "log/clock.h"
#include "log/keymap.h"
#include "log/log.h"
#include "log/segment.h"
#include "log/tail.h"
#include "store/conn.h"
#include "store/stmt.h"

/* What this process knows of the event log: immutable views that readers hold, and the look-up
 * tables of the one who writes. Only files of lib/log include this. */

/** Live segments and runs of one epoch: immutable, counted. */
typedef struct fbk__sets {
    int64_t refs; /* atomic */
    fbk_allocator a;
    int64_t *n_alive; /* atomic: the engine's count of these */
    uint32_t n_segments;
    uint32_t n_runs;
    fbk__segment **segments; /* by id */
    fbk__run **runs;         /* by id */
} fbk__sets;

/** One logical snapshot: everything up to record total.last_seq. Immutable, counted. */
typedef struct fbk__view {
    int64_t refs; /* atomic */
    fbk_allocator a;
    uint64_t epoch;    /* of the segments and runs */
    uint64_t erasures; /* identifiers known before may be gone */
    int64_t last_seq;
    uint64_t sealed_event; /* number of the last one before the tail */
    fbk__log_total total;
    fbk__sets *sets;
    fbk__tail *tail;
    uint32_t n_tail;
    uint32_t tail_rows;
} fbk__view;

fbk__view *
fbk__view_ref(fbk__view *view);
void
fbk__view_unref(fbk__view *view);

/** The log as it is now (inside a write transaction: as that sees it). The caller unrefs. */
fbk_status
fbk__view_get(fbk *db, fbk__view **out) FBK_MUST_USE;

/** The log as the file has it, nothing taken over from memory: for checks. */
fbk_status
fbk__view_read(fbk *db, fbk__view **out) FBK_MUST_USE;

/** One part of a scan that several share: every n_parts-th window of frames, part 0 the tail. */
fbk_status
fbk__log_scan_part(fbk *db, fbk__view *view, const fbk__scan_options *options, uint32_t part,
                   uint32_t n_parts, fbk__scan **out) FBK_MUST_USE;

/** A frame in the cache: the columns that were asked for, as they are stored (a third of what they
 *  are decoded, and a few rows are decoded faster than they are found), and its nodes. What is
 *  there does not change; what is not is read when it is asked for. */
typedef struct fbk__cached {
    int64_t refs; /* atomic */
    fbk_allocator a;
    fbk__segment *segment;
    uint32_t frame;
    uint32_t have; /* atomic; bits of the columns that are there */
    /* Atomic; decoded for all its events once they were looked for: */
    uint32_t *nodes;
    fbk__frame *ids; /* a frame of this column */
    struct {
        const void *bytes; /* NULL = all zero */
        size_t len;
    } columns[FBK__N_FC];
    /* Under the lock of the engine: */
    struct fbk__cached_block *blocks; /* what the columns lie in */
    size_t bytes;
    bool kept;
    struct fbk__cached *newer, *older, *next;
} fbk__cached;

/** A frame, from the cache or new in it, with nothing read. The caller unrefs. */
fbk_status
fbk__cached_get(fbk *db, fbk__segment *segment, uint32_t frame, fbk__cached **out) FBK_MUST_USE;
void
fbk__cached_unref(fbk__cached *cached);

/** The events of a node: *out_first .. *out_first + *out_n - 1. */
fbk_status
fbk__cached_find(fbk *db, fbk__codec *c, fbk__cached *cached, uint32_t node, uint32_t *out_first,
                 uint32_t *out_n) FBK_MUST_USE;

/** Which of n events has this id: FBK_OK, or FBK_DONE when none has. */
fbk_status
fbk__cached_find_id(fbk *db, fbk__codec *c, fbk__cached *cached, uint32_t first, uint32_t n,
                    const char *id, size_t len, uint32_t *out_event) FBK_MUST_USE;

/** Append these columns (bits; what they need comes too) of n >= 1 events. FBK_ETOOBIG, without a
 *  message, when the frame would be too long. */
fbk_status
fbk__cached_read(fbk *db, fbk__codec *c, fbk__cached *cached, uint32_t first, uint32_t n,
                 uint32_t columns, fbk__frame *out) FBK_MUST_USE;

/* -- writing: all of these inside a write transaction, so by one thread at a time -------------- */

enum {
    FBK__CACHE_BYTES = 32 << 20,
    FBK__CACHE_SLOTS = 1 << 11,
    FBK__HOT_NODES = 1 << 20,
    FBK__IDENT_MAX = 1024
};

typedef struct fbk__engine {
    fbk__shared head;
    pthread_mutex_t lock; /* of view and cache */
    fbk__view *view;      /* as last seen or committed */
    struct {
        fbk__cached *slots[FBK__CACHE_SLOTS]; /* by segment and chunk */
        fbk__cached *newest, *oldest;
        size_t bytes;
        size_t most;
    } cache;
    /* The writer's. */
    fbk__view *writing; /* what the transaction sees; NULL outside of one */
    fbk__view *indexed; /* what the look-ups below are of */
    uint64_t foreign;   /* fbk__write_foreign() as of which `view` is what the file holds */
    fbk__keymap ids;    /* of unsealed events: number, less those sealed */
    fbk__keymap nodes;  /* identifiers met lately, unsealed ones all */
    fbk__codec codec;
    fbk__buf bytes;
    fbk__run_block *block; /* last read */
    int64_t n_sets;        /* atomic: alive; more than one: somebody reads an older view */
    struct fbk__job *jobs; /* merges under way, as far as they are known here (log/job.h) */
    int64_t owner;         /* of builds of this open store */
    uint8_t key[16];       /* of the identifiers' hash */
    bool key_read;
} fbk__engine;

/** Forget all frames: some hold what was erased. */
void
fbk__cache_clear(fbk__engine *engine);

/** The store's engine; the caller releases it with fbk__shared_release(&engine->head). */
fbk_status
fbk__engine_get(fbk *db, fbk__engine **out) FBK_MUST_USE;

/** Begin: bring engine->writing and its look-ups up to date with the file. Once a transaction;
 *  the end of the transaction publishes what it made, or forgets it. */
fbk_status
fbk__engine_begin(fbk *db, fbk__engine *engine) FBK_MUST_USE;

/** Make a changed copy of the transaction's view the current one (takes the reference), and
 *  bring the look-ups up to date. */
fbk_status
fbk__engine_set(fbk *db, fbk__engine *engine, fbk__view *view) FBK_MUST_USE;

/** The same, when the look-ups know already what was added. */
void
fbk__engine_extend(fbk__engine *engine, fbk__view *view);

/** Keep the budget of the look-ups, between two appends, by forgetting all but what is unsealed:
 *  what is hot comes back soon. */
fbk_status
fbk__engine_trim(fbk *db, fbk__engine *engine) FBK_MUST_USE;

/** A copy of a view to change; refs = 1. */
fbk_status
fbk__view_copy(fbk *db, const fbk__view *view, fbk__view **out) FBK_MUST_USE;

/** Read again which segments and runs are live, those of `old` taken over. */
fbk_status
fbk__sets_load(fbk *db, const fbk__sets *old, fbk__sets **out) FBK_MUST_USE;
void
fbk__sets_unref(fbk__sets *sets);

/** log_state: what is sealed. */
typedef struct fbk__state {
    uint64_t epoch;
    uint64_t erasures;
    int64_t sealed_seq; /* highest sealed record */
    fbk__log_total total;
} fbk__state;

fbk_status
fbk__state_read(fbk *db, fbk__state *out) FBK_MUST_USE;
fbk_status
fbk__state_write(fbk *db, const fbk__state *state) FBK_MUST_USE;

/** Inside an erase transaction with an empty tail: make the segments as they were rewritten the new
 *  epoch, so many events and lines fewer. */
fbk_status
fbk__erase_show(fbk *db, fbk__engine *engine, uint64_t events, uint64_t lines) FBK_MUST_USE;

/** Remember that something was erased, for maintenance. */
fbk_status
fbk__erase_note(fbk *db) FBK_MUST_USE;

/** As fbk__link_add(), with the namespaces of both ends, and say whether the answer to "who is
 *  this" may have changed: the link is new, or starts earlier. */
fbk_status
fbk__link_upsert(fbk *db, const fbk__link *link, const uint32_t spaces[2], const char *note,
                 bool *out_changed) FBK_MUST_USE;

/** Namespace of a node. */
fbk_status
fbk__node_space(fbk *db, uint32_t node, uint32_t *out_space) FBK_MUST_USE;

/** Keyed hash of an identifier (SipHash-2-4-128 with the store's own random key). */
fbk_status
fbk__ident_key(fbk *db, fbk__engine *engine, uint32_t space, const char *value, size_t len,
               fbk__key *out) FBK_MUST_USE;

/** Enter record number i of the view's tail into the look-ups. */
fbk_status
fbk__engine_index(fbk *db, fbk__engine *engine, const fbk__view *view, uint32_t i) FBK_MUST_USE;

/** Load the filters of a view's runs of one kind, once. */
fbk_status
fbk__view_filters(fbk *db, fbk__engine *engine, const fbk__view *view, uint32_t kind) FBK_MUST_USE;

/** Inside a write transaction: write the values of sealed nodes first … first + n - 1. */
fbk_status
fbk__nodes_seal(fbk *db, fbk__codec *c, uint32_t first, const int64_t *spaces,
                const fbk__strings *values) FBK_MUST_USE;

/** Values of a block of log_node as it lies there, at most FBK__NODE_BLOCK; "" = erased. */
enum { FBK__NODE_BLOCK = 1024 };
uint64_t
fbk__nodes_hash(int64_t first, const void *bytes, size_t len);
bool
fbk__nodes_sound(int64_t first, const void *bytes, size_t len);
fbk_status
fbk__nodes_unpack(fbk *db, fbk__codec *c, uint32_t first, const void *bytes, size_t len,
                  int64_t *spaces, fbk__strings *values) FBK_MUST_USE;

/** The block that begins with a node. FBK_ECORRUPT when there is none. */
fbk_status
fbk__nodes_read(fbk *db, fbk__codec *c, uint32_t first, int64_t *spaces, fbk__strings *values)
    FBK_MUST_USE;

/** Inside an erase transaction: drop the value of a sealed node, and its key from the runs. */
fbk_status
fbk__node_forget(fbk *db, fbk__codec *c, uint32_t node) FBK_MUST_USE;
fbk_status
fbk__runs_forget(fbk *db, fbk__engine *engine, uint32_t space, const char *value, size_t len)
    FBK_MUST_USE;

/** Node of an identifier as the transaction sees it: FBK_OK, or FBK_DONE when it has none. */
fbk_status
fbk__engine_node(fbk *db, fbk__engine *engine, fbk__key key, uint32_t *out_node) FBK_MUST_USE;

#endif
