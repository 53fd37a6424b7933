/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_APPEND_H
#define LOG_APPEND_H

#include "log/content.h"
#include "log/engine.h"

/* One append under way; shared by append.c and judge.c. */

/* The tail is sealed with so many rows or records; a batch of so many rows is sealed at once. On
 * the target machine the append that seals takes 5 ms in the median, its share of merging
 * included, and up to 14 ms. */
enum { FBK__SEAL_ROWS = 2048, FBK__TAIL_RECORDS = 2048 };

/** Of the id of an event of a large batch: a run has it, and what the event is then, from bit
 *  FBK__ID_OUTCOME on; other events of the batch have it. */
enum { FBK__ID_SEALED = 1, FBK__ID_REPEATED = 2, FBK__ID_OUTCOME = 4 };

typedef struct fbk__append {
    fbk *db;
    fbk__engine *engine;
    const fbk__batch *batch;
    fbk__append_counts counts;
    fbk__record *record; /* being filled; its number in the tail is that of those there are */
    /* Of a large batch, whose look-ups were made beforehand in the order of the keys; else NULL. */
    fbk__key *id_keys;    /* of each event */
    uint8_t *id_facts;    /* of each event: FBK__ID_… */
    fbk__key *ident_keys; /* of each identifier; those not in engine->nodes are new */
    fbk__buf content;
    uint32_t nodes[FBK__EVENT_IDENTS_MAX]; /* of the event at hand */
    bool ids_left_out;                     /* ids of the record are missing from the engine's */
    bool identity_changed;
} fbk__append;

/** Inside a write transaction: bring the engine up to date and make an empty record with room for
 *  the batch, or for one identifier without any. fbk__append_free() on every path; a failure means
 *  that the transaction is rolled back. */
fbk_status
fbk__append_begin(fbk *db, const fbk__batch *batch, fbk__append *s) FBK_MUST_USE;
void
fbk__append_free(fbk__append *s);

/** Look up all ids and identifiers of a large batch in the runs, each block of which is then read
 *  once: a filter lets some keys pass for nothing, and one at a time each of these costs a block.
 *  Events that were seen before are judged in the order of their nodes, so that each frame is
 *  decoded once. */
enum { FBK__LOOKUP_WORTH = 64 }; /* events */
fbk_status
fbk__append_lookup(fbk__append *s) FBK_MUST_USE;
void
fbk__append_lookup_free(fbk__append *s);

/** Write the record, and seal when it is time. */
fbk_status
fbk__append_finish(fbk__append *s) FBK_MUST_USE;

/** Decide what an event with this id is: FBK_DONE when the id is new, FBK_OK and the outcome
 *  (ALREADY, CONFLICT, ERASED) when it was seen. */
fbk_status
fbk__append_judge(fbk__append *s, const fbk__batch_event *ev, fbk__key key, uint8_t *outcome)
    FBK_MUST_USE;

/** The same for one whose id a run has. */
fbk_status
fbk__append_judge_sealed(fbk__append *s, const fbk__batch_event *ev, fbk__key key, uint8_t *outcome)
    FBK_MUST_USE;

/** What prop_value of a frame holds for a property that is not text. */
int64_t
fbk__append_prop_bits(const fbk__batch_prop *prop);

/** Write the tail and one more record (may be NULL) as a segment with its runs, and make a new
 *  epoch the transaction's view. */
fbk_status
fbk__seal(fbk *db, fbk__engine *engine, fbk__record *more) FBK_MUST_USE;

/** Inside the transaction that sealed: work for a few milliseconds at merging what has piled up,
 *  and at clearing away what died long ago. *sets is replaced by what is live then. */
fbk_status
fbk__compact(fbk *db, fbk__engine *engine, fbk__sets **sets) FBK_MUST_USE;

/** Setting of the store: when the oldest erasure was whose bytes may still be in the file; "0", or
 *  not there: there is none. */
extern const char fbk__log_erased_key[];

/** Inside an erase transaction: give up what is being merged, and clear away everything that is not
 *  live, whoever still looks at it. */
fbk_status
fbk__clear_dead(fbk *db, fbk__engine *engine) FBK_MUST_USE;

#endif
