/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_RUN_H
#define LOG_RUN_H

#include "base/sort.h"
#include "log/codec.h"

/* Immutable sorted runs of keys, each with a number: which event ids were ever stored, and which
 * identifier has which node. New keys are never inserted into an old run: a run is written once, in
 * order, and merged into a larger one later. Keys that follow one another, as counters do, are
 * known by their ranges; of the others a filter in memory answers most questions for keys that are
 * not there. The rest read one block, which is as many keys as fill a page.
 *
 * Keys are as short as is safe, since those of random ids are the larger part of what a run takes:
 * - The key of an id has 84 bits. Of n ids that are all different, two have one key with a chance
 *   of n^2 / 2^85: 2.6e-10 for the 10^8 of a full store. The later of the two would be reported as
 *   a conflict with the earlier (and kept as such); one that was sent again is compared by its
 *   whole text and is never mistaken.
 * - That of an identifier has 96 bits, of a keyed hash, because a false match would take one person
 *   for another and nothing would notice: 6e-14 for 10^8 identifiers.
 *
 * States are those of segments (FBK__SEGMENT_…). */

enum { FBK__RUN_IDS = 1, FBK__RUN_IDENTS = 2 }; /* kinds; stored */

enum { FBK__RUN_BLOCK = 1024 }; /* most keys of a block */

/** Bits of a key that its lower half has: of an id, of an identifier. */
enum { FBK__KEY_ID_BITS = 20, FBK__KEY_IDENT_BITS = 32 };

typedef struct fbk__key {
    uint64_t hi, lo;
} fbk__key;

static inline int
fbk__key_compare(fbk__key x, fbk__key y)
{
    if (x.hi != y.hi)
        return x.hi < y.hi ? -1 : 1;
    return (x.lo > y.lo) - (x.lo < y.lo);
}

/** Put items in the order of their keys, keys[items[i].row]; equal keys keep their order. What
 *  items[i].key is does not matter, and is not kept.
 *  @retval false out of memory. */
bool
fbk__keys_order(const fbk_allocator *a, const fbk__key *keys, fbk__sort_item *items, size_t n)
    FBK_MUST_USE;

/** Key of an event id. Ids that end in a counter ("till12-000123456") become (hash of what is
 *  before it, counter), so that their run is as good as dense; all others 84 bits of XXH3-128. */
fbk__key
fbk__key_of_id(const char *id, size_t len);

/** Keys from (hi, from) to (hi, to), all there. */
typedef struct fbk__key_range {
    uint64_t hi, from, to;
} fbk__key_range;

/** A run as it is read: immutable but for its filter, which is loaded when first asked for. */
typedef struct fbk__run {
    int64_t refs; /* atomic */
    fbk_allocator a;
    int64_t id;
    uint32_t kind;
    uint32_t level;
    uint64_t n_keys;
    uint64_t bytes;
    uint32_t n_blocks;
    uint32_t n_filter; /* 64-byte lines of the filter */
    fbk__key *first;   /* of each block */
    fbk__key last;
    fbk__key_range *ranges; /* ascending; their keys are not in the filter */
    size_t n_ranges;
    uint64_t *filter;
} fbk__run;

/** Read the index of a run (not its filter). */
fbk_status
fbk__run_load(fbk *db, int64_t id, fbk__run **out) FBK_MUST_USE;
/** Read the filter, once; the caller sees to it that only one thread does so at a time. */
fbk_status
fbk__run_load_filter(fbk *db, fbk__run *run) FBK_MUST_USE;
fbk__run *
fbk__run_ref(fbk__run *run);
void
fbk__run_unref(fbk__run *run);

/** What filters ask of a key: the same for all runs. Who asks many keys asks them in the order of
 *  their hashes, which is that of the filter's memory. */
typedef struct fbk__probe {
    uint64_t hash;
    uint64_t bits;
} fbk__probe;

fbk__probe
fbk__probe_of(fbk__key key);

/** May the key be there? Needs the filter; false is certain. */
bool
fbk__run_may_have(const fbk__run *run, fbk__key key, fbk__probe probe);

/** One decoded block. */
typedef struct fbk__run_block {
    int64_t run; /* id of the run and number of the block, 0 = none */
    uint32_t number;
    uint32_t n;
    int64_t hi[FBK__RUN_BLOCK];
    int64_t lo[FBK__RUN_BLOCK];
    int64_t value[FBK__RUN_BLOCK];
} fbk__run_block;

/** Read block `number`, unless `block` holds it already. */
fbk_status
fbk__run_read(fbk *db, fbk__codec *c, const fbk__run *run, uint32_t number, fbk__run_block *block)
    FBK_MUST_USE;

/** The last block whose first key is not above this one; 0 when there is none. */
uint32_t
fbk__run_block_of(const fbk__run *run, fbk__key key);

/** Look a key up: FBK_OK and its number, or FBK_DONE. `block` is the caller's, reused between calls
 *  (ask in the order of keys). */
fbk_status
fbk__run_find(fbk *db, fbk__codec *c, const fbk__run *run, fbk__key key, fbk__run_block *block,
              uint32_t *out_value) FBK_MUST_USE;

/** Writes a run key after key, strictly ascending, in as many transactions as the caller likes. */
typedef struct fbk__run_writer {
    const fbk_allocator *a;
    int64_t id;
    uint32_t kind;
    fbk__codec codec;
    fbk__buf bytes;
    fbk__run_block block; /* being filled */
    fbk__key *first;
    size_t first_cap;
    size_t n_blocks;
    uint64_t n_keys;
    uint64_t total_bytes;
    uint64_t *filter;
    uint32_t n_filter;
    uint32_t fit;           /* keys that fill a page, to judge by the last block */
    uint64_t n_filter_keys; /* in the filter */
    fbk__key_range *ranges;
    size_t n_ranges;
    size_t range_cap;
    fbk__key_range range; /* of the last keys */
    bool any;             /* there is one */
    uint32_t filter_at;   /* lines of the filter that are written */
    uint32_t n_resume;    /* blocks that were there, of a run that is taken up again */
    fbk__key last;
} fbk__run_writer;

/** Inside a write transaction: make the row, in state building; `most` keys are coming at most. */
fbk_status
fbk__run_begin(fbk *db, uint32_t kind, uint32_t level, int64_t owner, uint64_t most,
               fbk__run_writer *w) FBK_MUST_USE;
fbk_status
fbk__run_add(fbk *db, fbk__run_writer *w, fbk__key key, uint32_t value) FBK_MUST_USE;
/** Write one block of the keys that wait, if any do. */
fbk_status
fbk__run_flush(fbk *db, fbk__run_writer *w) FBK_MUST_USE;
/** At the end of a transaction: note how much is written, so that the run can be taken up again.
 *  Keys that wait are not. */
fbk_status
fbk__run_save(fbk *db, const fbk__run_writer *w) FBK_MUST_USE;
/** Write the keys that wait, the filter and the index. Still building. */
fbk_status
fbk__run_end(fbk *db, fbk__run_writer *w) FBK_MUST_USE;
/** The same piece by piece: FBK_OK as long as there is more, then FBK_DONE. */
fbk_status
fbk__run_end_piece(fbk *db, fbk__run_writer *w) FBK_MUST_USE;

/** Take a run up again that is half written (`most` as when it was begun), then block by block what
 *  is there, until FBK_DONE: w->last is then the last key, if w->n_resume.
 *  fbk__run_writer_free() on every path. */
fbk_status
fbk__run_resume(fbk *db, int64_t id, uint64_t most, fbk__run_writer *w) FBK_MUST_USE;
fbk_status
fbk__run_resume_block(fbk *db, fbk__run_writer *w) FBK_MUST_USE;
void
fbk__run_writer_free(fbk__run_writer *w);

/** Inside an erase transaction: take a key out of the block that holds it, if one does. The index
 *  and the filter stay: they only say where the key would be. */
fbk_status
fbk__run_forget(fbk *db, fbk__codec *c, const fbk__run *run, fbk__key key, fbk__run_block *block)
    FBK_MUST_USE;

/** As their namesakes of segments. */
fbk_status
fbk__run_set_state(fbk *db, int64_t id, int state, int64_t now_us) FBK_MUST_USE;
fbk_status
fbk__run_clear(fbk *db, int64_t id, uint32_t most) FBK_MUST_USE;

#endif
