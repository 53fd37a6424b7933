/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_TAIL_H
#define LOG_TAIL_H

#include "log/frame.h"
#include "log/run.h"

/* The tail: what was appended and not yet sealed. Each append is one row of log_tail, a redo record
 * that says everything there is to know about it, and touches no other table. */

/** Running totals; every record holds those after it, log_state those of what is sealed. */
typedef struct fbk__log_total {
    uint64_t last_event, events, lines, nodes;
    fbk_time first_us, last_us; /* FBK_TIME_NONE when empty */
} fbk__log_total;

/** A decoded record: immutable, counted. */
typedef struct fbk__record {
    int64_t refs; /* atomic */
    fbk_allocator a;
    int64_t seq;
    uint32_t rows;
    fbk__log_total total;
    fbk__frame frame; /* as it came */
    fbk__frame_index index;
    uint32_t first_node; /* identifiers that were new: first_node + i */
    uint32_t n_nodes;
    int64_t *spaces;
    fbk__strings values;
    bool one_block; /* everything lies behind the record, in its own block of memory */
} fbk__record;

/** What a record is going to hold at most. */
typedef struct fbk__record_room {
    fbk__frame_size n;
    uint32_t nodes;
    size_t ids, orders, texts, values; /* bytes */
} fbk__record_room;

/** An empty one, to be filled by an append with no more than it has room for, begin positions
 *  included; refs = 1. FBK_ETOOBIG: more than a record can hold. */
fbk_status
fbk__record_new(fbk *db, const fbk__record_room *room, fbk__record **out) FBK_MUST_USE;
fbk__record *
fbk__record_ref(fbk__record *record);
void
fbk__record_unref(fbk__record *record);

/** As bytes (with a checksum), and back. ECORRUPT names the sequence number. */
fbk_status
fbk__record_pack(fbk *db, fbk__codec *c, const fbk__record *record, fbk__buf *out) FBK_MUST_USE;
fbk_status
fbk__record_unpack(fbk *db, fbk__codec *c, int64_t seq, const void *bytes, size_t len,
                   fbk__record **out) FBK_MUST_USE;

/** What the bytes of a record end in. */
uint64_t
fbk__record_hash(int64_t seq, const void *bytes, size_t len);

/** Records in the order of their numbers. Views share it: each reads the records below its own
 *  count, which never change; only who holds the engine's lock adds. Counted. */
typedef struct fbk__tail {
    int64_t refs; /* atomic */
    fbk_allocator a;
    uint32_t n;
    uint32_t cap;
    fbk__record *records[];
} fbk__tail;

fbk_status
fbk__tail_new(fbk *db, uint32_t cap, fbk__tail **out) FBK_MUST_USE;
fbk__tail *
fbk__tail_ref(fbk__tail *tail);
void
fbk__tail_unref(fbk__tail *tail);

/** Add record number n (what stands there belonged to a transaction that was rolled back), in a
 *  copy when there is no room; *tail is then replaced. Takes a reference of its own. */
fbk_status
fbk__tail_add(fbk *db, fbk__tail **tail, uint32_t n, fbk__record *record) FBK_MUST_USE;

#endif
