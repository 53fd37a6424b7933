/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_EXCHANGE_H
#define LOG_EXCHANGE_H

#include "log/content.h"
#include "log/frame.h"
#include "log/keymap.h"
#include "log/log.h"

/* What stores tell each other: events with names in place of numbers, conflicts, and what was
 * erased. */

/* -- events, out of the store ------------------------------------------------------------------ */

/** Values of the identifiers of one snapshot, for whoever asks for many: a few blocks are kept. */
typedef struct fbk__node_reader fbk__node_reader;

fbk_status
fbk__node_reader_open(fbk *db, fbk__node_reader **out) FBK_MUST_USE;
/** NULL is a no-op. */
void
fbk__node_reader_close(fbk__node_reader *r);
/** Highest node of the snapshot. */
uint32_t
fbk__node_reader_count(const fbk__node_reader *r);
/** FBK_DONE when it was erased; the value is valid until the next call. */
fbk_status
fbk__node_reader_get(fbk__node_reader *r, uint32_t node, uint32_t *out_space,
                     const char **out_value, size_t *out_len) FBK_MUST_USE;

/** The names that the log itself does not know; "" for 0. */
typedef struct fbk__names {
    const char *(*item)(const void *user_data, uint32_t item);
    const char *(*place)(const void *user_data, uint32_t place);
    const void *user_data;
} fbk__names;

/** Add event i of a frame to a batch, numbers replaced by names. Identifiers that were erased are
 *  left out. FBK_ENOMEM, FBK_ETOOBIG. */
fbk_status
fbk__batch_take(fbk *db, fbk__batch *batch, const fbk__frame *f, const fbk__frame_index *index,
                uint32_t i, const fbk__names *names, fbk__node_reader *nodes) FBK_MUST_USE;

typedef struct fbk__walk {
    uint64_t after_event;   /* only events with a higher number … */
    uint64_t to_event;      /* … up to this one; 0 = all */
    const fbk__keymap *ids; /* only events with these ids; NULL = all */
    /** Called when the snapshot is taken: what names its numbers may be looked up now. May be
     *  NULL. */
    fbk_status (*ready)(void *user_data);
    fbk_status (*event)(void *user_data, const fbk__frame *f, const fbk__frame_index *index,
                        uint32_t i);
    void *user_data;
} fbk__walk;

/** Every event of one snapshot, in the order in which they lie. FBK_EEXPIRED when what it reads
 *  was cleared away meanwhile. */
fbk_status
fbk__log_walk(fbk *db, const fbk__walk *walk) FBK_MUST_USE;

/** Number of the newest event. */
fbk_status
fbk__log_last(fbk *db, uint64_t *out_event) FBK_MUST_USE;

/* -- batches as bytes -------------------------------------------------------------------------- */

/** A whole batch as one run of bytes that means the same everywhere. FBK_ENOMEM, FBK_ETOOBIG. */
fbk_status
fbk__batch_pack(fbk__codec *c, fbk__buf *out, const fbk__batch *batch) FBK_MUST_USE;

/** Add the events of a packed batch to one. Nothing is trusted but that the caller checks each
 *  event when it has been added (and may drop it then).
 *
 *  @param added  called after each event, which is the last of the batch; a failure stops.
 *  @retval FBK_ECORRUPT not such bytes, without a message. */
fbk_status
fbk__batch_unpack(fbk__codec *c, fbk__reader *in, fbk__batch *batch,
                  fbk_status (*added)(void *user_data), void *user_data) FBK_MUST_USE;

/** Key of an event's id, and the hash of its content as it is stored. */
fbk__key
fbk__batch_key(const fbk__batch *batch, const fbk__batch_event *e);
/** FBK_ENOMEM; `scratch` is cleared first and holds the content then. */
fbk_status
fbk__batch_content(const fbk__batch *batch, const fbk__batch_event *e, fbk__buf *scratch,
                   unsigned char out[16]) FBK_MUST_USE;

/* -- conflicts --------------------------------------------------------------------------------- */

/** Flags of a conflict. Stored. */
enum {
    FBK__CONFLICT_STORED = 1, /* some store has, or had, it as the event */
    FBK__CONFLICT_OPEN = 2    /* not yet compared with the event of this store */
};

typedef struct fbk__conflict {
    int64_t number;
    fbk__key id;
    unsigned char content[16];
    uint32_t flags;
    fbk_time received_us;
    const void *body;
    size_t body_len;
} fbk__conflict;

typedef fbk_status (*fbk__conflict_fn)(void *user_data, const fbk__conflict *conflict);

/** All conflicts, or those of one id, by (id, content). The callback must not change them. */
fbk_status
fbk__conflicts_each(fbk *db, const fbk__key *id, fbk__conflict_fn fn, void *user_data) FBK_MUST_USE;

/** Inside a write transaction: note an event of a batch as a conflict, or add flags to one that is
 *  there. An event whose id was erased is not noted. */
fbk_status
fbk__conflict_add(fbk *db, const fbk__batch *batch, const fbk__batch_event *e, uint32_t flags)
    FBK_MUST_USE;
fbk_status
fbk__conflict_drop(fbk *db, int64_t number) FBK_MUST_USE;

/** At most `most` ids that have an open conflict, into `out`. */
fbk_status
fbk__conflicts_open(fbk *db, uint32_t most, fbk__key *out, uint32_t *out_n) FBK_MUST_USE;
fbk_status
fbk__conflict_close(fbk *db, fbk__key id) FBK_MUST_USE;

/** Add the event of a conflict's body to a batch. FBK_ECORRUPT. */
fbk_status
fbk__content_read(fbk *db, fbk__batch *batch, const void *body, size_t len, fbk_time received_us)
    FBK_MUST_USE;

/* -- what was erased --------------------------------------------------------------------------- */

/** An erased identifier: a hash keyed with the identity of the store that erased it, and when. What
 *  it did up to then is erased wherever it turns up. */
typedef struct fbk__tomb {
    unsigned char store[16];
    fbk__key hash;
    int64_t erased_us;
} fbk__tomb;

typedef struct fbk__tombs {
    fbk__tomb *all;
    size_t n;
    fbk__keymap by_hash;         /* number in `all`, from 1 */
    unsigned char (*stores)[16]; /* the distinct ones */
    size_t n_stores;
} fbk__tombs;

/** All that the store has; fbk__tombs_free() on every path. */
fbk_status
fbk__tombs_load(fbk *db, fbk__tombs *out) FBK_MUST_USE;
void
fbk__tombs_free(fbk *db, fbk__tombs *tombs);
/** When an identifier was erased last; INT64_MIN = never. */
int64_t
fbk__tombs_find(const fbk__tombs *tombs, const char *space, const char *value, size_t len);
/** Inside a write transaction: remember one; the later time stays. */
fbk_status
fbk__tomb_write(fbk *db, const fbk__tomb *tomb) FBK_MUST_USE;
/** The same for an identifier that this store erases now. */
fbk_status
fbk__tomb_make(fbk *db, uint32_t space, const char *value, size_t len) FBK_MUST_USE;

typedef fbk_status (*fbk__erased_fn)(void *user_data, fbk__key id);

/** The ids of all erased events, ascending as bytes. */
fbk_status
fbk__erased_each(fbk *db, fbk__erased_fn fn, void *user_data) FBK_MUST_USE;
/** FBK_OK or FBK_DONE. */
fbk_status
fbk__erased_has(fbk *db, fbk__key id) FBK_MUST_USE;

/* -- revision ---------------------------------------------------------------------------------- */

/** What a revision does with an id. */
enum {
    FBK__REVISE_ERASE = 1,  /* its event goes; the id answers "erased" for ever, met or not */
    FBK__REVISE_REPLACE = 2 /* its event goes, as if it had never come */
};

/** Inside a write transaction: take out the events with these ids (values FBK__REVISE_…), and what
 *  erased identifiers did before they were erased; links are put right, identifiers that nothing
 *  names any more are forgotten.
 *
 *  @param[out] out_events  events that were erased. */
fbk_status
fbk__log_revise(fbk *db, const fbk__keymap *ids, uint64_t *out_events) FBK_MUST_USE;

/** Links that the host made: as fbk__link_add(), but for one that may be there already: the wider
 *  times and the larger count stay, and the later note. FBK_DONE: nothing changed. */
fbk_status
fbk__link_join(fbk *db, const fbk__link *link, const char *note) FBK_MUST_USE;

/** Links of a rule with their notes, by (a, b). */
typedef fbk_status (*fbk__note_fn)(void *user_data, const fbk__link *link, const char *note);
fbk_status
fbk__links_noted(fbk *db, fbk__note_fn fn, void *user_data) FBK_MUST_USE;

#endif
