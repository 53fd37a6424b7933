/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_SALVAGE_H
#define LOG_SALVAGE_H

#include "log/engine.h"
#include "store/salvage.h"

/* What is sound of the event log of a damaged store, into a new one: numbers of events, nodes and
 * words stay. Each frame stands for itself; ids and identifiers are gathered anew from the events
 * and the values, so that damage to what only helps to look up costs nothing. */

/** The tables of the log whose rows are known by their hashes (for fbk__salvage.hashed, .whose). */
extern const char *const fbk__log_hashed[];
const char *
fbk__log_whose(int64_t rowid, const void *bytes, size_t len);

/** Note what the events of a frame refer to; false when out of memory. */
bool
fbk__log_refs_add(fbk__log_refs *refs, const fbk__frame *f) FBK_MUST_USE;

/** The log's part of a salvage, outside of transactions; the plain tables were copied. Words that
 *  are missing get a name that says so. *refs tells the items and places that there must be,
 *  *out_events how many events there were, as far as known. */
fbk_status
fbk__log_salvage(fbk__salvage *s, fbk__log_refs *refs, uint64_t *out_events) FBK_MUST_USE;

/* -- dictionaries: salvage_node.c -------------------------------------------------------------- */

/** Inside a write transaction: the values of all nodes, those in the records of the tail too, and
 *  the runs to find them by. Numbers whose value is lost stay, as if they were erased.
 *
 *  @param[in,out] n  highest number that is known to have been given. */
fbk_status
fbk__nodes_salvage(fbk__salvage *s, fbk__log_refs *refs, fbk__record *const *records,
                   size_t n_records, uint64_t *n) FBK_MUST_USE;

/** Inside a write transaction: make a word for each of these that has none. */
fbk_status
fbk__words_restore(fbk__salvage *s, const fbk__bitset *words) FBK_MUST_USE;

/* -- writing: salvage_write.c ------------------------------------------------------------------ */

/** Keys for a run, in any order. */
typedef struct fbk__key_list {
    fbk__key *keys;
    uint32_t *values;
    size_t n;
    size_t key_cap;
    size_t value_cap;
} fbk__key_list;

fbk_status
fbk__key_list_add(fbk *db, fbk__key_list *list, fbk__key key, uint32_t value) FBK_MUST_USE;
/** Inside a write transaction: write them as a live run, and empty the list. */
fbk_status
fbk__key_list_write(fbk *db, fbk__key_list *list, uint32_t kind) FBK_MUST_USE;
void
fbk__key_list_free(fbk *db, fbk__key_list *list);

/** Events into segments of the new store, each with the run of its ids. */
typedef struct fbk__refill {
    fbk *db;
    fbk__segment_writer w;
    bool open;       /* in a write transaction */
    int64_t last[3]; /* node, time, arrival of the event before */
    fbk__key_list ids;
} fbk__refill;

/** The next event; where the order breaks or a segment is large, another one begins. */
fbk_status
fbk__refill_add(fbk__refill *r, const fbk__frame *f, const fbk__frame_index *index, uint32_t i)
    FBK_MUST_USE;
/** Write what is left. */
fbk_status
fbk__refill_end(fbk__refill *r) FBK_MUST_USE;
/** After a failure: roll back. */
void
fbk__refill_free(fbk__refill *r, fbk_status rc);

#endif
