/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_SEGMENT_H
#define LOG_SEGMENT_H

#include "base/sort.h"
#include "log/frame.h"
#include "log/guess.h"
#include "log/stream.h"

/* Segments: sealed events, sorted by (node, occurred, arrival), in frames of at most
 * FBK__FRAME_ROWS rows, which lie one behind the other in a stream (stream.h). A frame begins with
 * its sizes and the length of each column, so that it can be read by itself; the columns that are
 * scanned lie together at its front. A segment is written in state building, published whole, and
 * dies whole.
 *
 * States in log_segment: */
enum { FBK__SEGMENT_BUILDING = 0, FBK__SEGMENT_LIVE = 1, FBK__SEGMENT_DEAD = 2 };

/** What the directory of a segment says of one frame. */
typedef struct fbk__segment_frame {
    fbk__frame_size n;
    uint32_t min_node;
    uint32_t max_node;
    uint32_t flags;   /* or of the events' */
    uint32_t chunk;   /* number of it in the segment: another one after erasing */
    uint32_t columns; /* bit of those that are stored; the others are all zero or empty */
    uint32_t len;     /* in the stream */
    uint64_t at;
    int64_t min_us;
    int64_t max_us;
    int64_t min_arrival;
    int64_t max_arrival;
} fbk__segment_frame;

/** A segment as it is read: immutable and counted. */
typedef struct fbk__segment {
    int64_t refs; /* atomic */
    fbk_allocator a;
    int64_t id;
    uint32_t level;
    uint32_t n_frames;
    uint32_t next_chunk;
    uint64_t version; /* counts the erasures */
    uint64_t n_events;
    uint64_t n_lines;
    uint64_t bytes; /* of its frames and directory */
    int64_t min_us;
    int64_t max_us;
    int64_t min_arrival;
    int64_t max_arrival;
    fbk__segment_frame *frames;
    fbk__guess guess; /* what its frames are told by */
} fbk__segment;

/** Read the directory of a segment. ENOTFOUND, or ECORRUPT. */
fbk_status
fbk__segment_load(fbk *db, int64_t id, fbk__segment **out) FBK_MUST_USE;
fbk__segment *
fbk__segment_ref(fbk__segment *segment);
/** NULL is a no-op. */
void
fbk__segment_unref(fbk__segment *segment);

/** First frame that may hold this node or a higher one; n_frames when none does. */
uint32_t
fbk__segment_find(const fbk__segment *segment, uint32_t node);

/** Where the stored bytes of a column lie in a buffer; len 0: they are all zero or empty. */
typedef struct fbk__stored {
    size_t at;
    size_t len;
} fbk__stored;

/** Append the stored bytes of columns (bits) of a frame to *bytes, and say where each lies. Others
 *  may come with them, as they lie: *out_columns says which `stored` were set. FBK_EEXPIRED as
 *  below. */
fbk_status
fbk__segment_fetch(fbk *db, const fbk__segment *segment, uint32_t frame, uint32_t columns,
                   fbk__buf *bytes, fbk__stored stored[FBK__N_FC], uint32_t *out_columns)
    FBK_MUST_USE;

/** Decode columns (with all that they need) of a frame from its fetched bytes. */
fbk_status
fbk__segment_unpack(fbk *db, fbk__codec *c, const fbk__segment *segment, uint32_t frame,
                    uint32_t columns, const char *bytes, const fbk__stored stored[FBK__N_FC],
                    fbk__frame *f) FBK_MUST_USE;

/** The failure of a frame whose bytes are not what they should be. */
fbk_status
fbk__segment_damaged(fbk *db, const fbk__segment *segment, uint32_t frame);

/** Decode columns (bits; what they need is read too) of a frame into `f`. FBK_EEXPIRED when the
 *  segment was cleared away, or the frame replaced, since the view was taken. */
fbk_status
fbk__segment_read(fbk *db, fbk__codec *c, const fbk__segment *segment, uint32_t frame,
                  uint32_t columns, fbk__frame *f) FBK_MUST_USE;

/* Bytes that come from elsewhere than the store at hand. None of these leaves a message. */

/** Row of a piece of a segment in log_chunk, and behind all of them of the directory, and of what
 *  the segment knows, which stands there twice: without it no frame can be read. */
int64_t
fbk__segment_piece(int64_t segment, uint32_t piece);
enum {
    FBK__SEGMENT_GUESS_COPY = (1 << FBK__STREAM_PIECES_LOG2) - 3,
    FBK__SEGMENT_GUESS,
    FBK__SEGMENT_DIRECTORY
};

/** What a segment knows into *out (of fbk__guess_init()). FBK_ECORRUPT or FBK_ENOMEM. */
fbk_status
fbk__segment_guess_get(fbk__codec *c, const void *bytes, size_t len, fbk__guess *out) FBK_MUST_USE;

/** The bytes of a directory into *out (zeros, with out->a); the caller frees out->frames on every
 *  path. FBK_ECORRUPT or FBK_ENOMEM. */
fbk_status
fbk__segment_directory(fbk__codec *c, const void *bytes, size_t len, fbk__segment *out)
    FBK_MUST_USE;

/** How long the frame is that begins so, and how many events it has; FBK_ECORRUPT: none does. At
 *  most FBK__SEGMENT_HEAD bytes are looked at. */
enum { FBK__SEGMENT_HEAD = 256 };
fbk_status
fbk__segment_frame_len(const void *bytes, size_t have, size_t *out_len, uint32_t *out_events)
    FBK_MUST_USE;

/** A whole frame from its bytes, by f->guess. FBK_ECORRUPT or FBK_ENOMEM. */
fbk_status
fbk__segment_decode(fbk__codec *c, const void *bytes, size_t len, fbk__frame *f) FBK_MUST_USE;

/** Writes one segment, event after event in order, in as many transactions as the caller likes. */
typedef struct fbk__segment_writer {
    const fbk_allocator *a;
    int64_t id;
    fbk__frame frame; /* being filled */
    uint32_t frame_rows;
    uint32_t n_parts; /* of the directory, as far as it is saved */
    size_t n_saved;   /* frames in them */
    uint64_t bytes;   /* of all, when it is ended */
    fbk__codec codec;
    fbk__stream stream;
    fbk__buf bytes_of_frame;
    fbk__segment_frame *frames;
    size_t n_frames;
    size_t frame_cap;
    fbk__guess guess; /* to be taught before the first event */
    uint64_t guess_bytes;
    bool knows; /* the guess is ready, and written */
} fbk__segment_writer;

/** Inside a write transaction: make the row, in state building. `owner` tells the build apart from
 *  one that was abandoned (any number that is new with each open store). */
fbk_status
fbk__segment_begin(fbk *db, uint32_t level, int64_t owner, fbk__segment_writer *w) FBK_MUST_USE;

/** Inside a write transaction, before the first event, when w->guess was taught what it can be
 *  (fbk__guess_learn(), fbk__guess_join()): write what the segment knows. */
fbk_status
fbk__segment_guess(fbk *db, fbk__segment_writer *w) FBK_MUST_USE;

/** Inside a write transaction: the next event. A full frame is written. */
fbk_status
fbk__segment_add(fbk *db, fbk__segment_writer *w, const fbk__frame *from,
                 const fbk__frame_index *index, uint32_t i) FBK_MUST_USE;

/** Inside a write transaction: n events in the order of items[].row. Column by column, which is
 *  several times as fast. */
fbk_status
fbk__segment_add_all(fbk *db, fbk__segment_writer *w, const fbk__event_at *events,
                     const fbk__sort_item *order, size_t n) FBK_MUST_USE;

/** Inside a write transaction: write the frame that is being filled, if it has an event. */
fbk_status
fbk__segment_flush(fbk *db, fbk__segment_writer *w) FBK_MUST_USE;

/** Inside a write transaction, at its end: note which frames are written, so that the build can be
 *  taken up again, by whoever it is. A frame that is being filled is not. */
fbk_status
fbk__segment_save(fbk *db, fbk__segment_writer *w) FBK_MUST_USE;

/** Take a build up where it was saved last. fbk__segment_writer_free() on every path. */
fbk_status
fbk__segment_resume(fbk *db, int64_t id, fbk__segment_writer *w) FBK_MUST_USE;

/** Node, time and arrival of the last event written; FBK_DONE when there is none. No frame is being
 *  filled. */
fbk_status
fbk__segment_last(fbk *db, fbk__segment_writer *w, int64_t key[3]) FBK_MUST_USE;

/** Inside a write transaction: write the last frame and the directory. Still building. */
fbk_status
fbk__segment_end(fbk *db, fbk__segment_writer *w) FBK_MUST_USE;

/** Frees the memory only. */
void
fbk__segment_writer_free(fbk__segment_writer *w);

/** Inside a write transaction: put another frame (may be empty) in place of one, whose bytes are
 *  zeroed; readers of an older view get FBK_EEXPIRED there. Then write the directory anew. */
fbk_status
fbk__segment_replace(fbk *db, fbk__codec *c, fbk__segment *segment, uint32_t frame,
                     const fbk__frame *with) FBK_MUST_USE;
fbk_status
fbk__segment_rewrite(fbk *db, fbk__codec *c, fbk__segment *segment) FBK_MUST_USE;

/** Inside a write transaction: set the state (and, of a dead one, the time). */
fbk_status
fbk__segment_set_state(fbk *db, int64_t id, int state, int64_t now_us) FBK_MUST_USE;

/** Inside a write transaction: delete at most `most` pieces of a dead or abandoned segment, and
 *  at last the row; FBK_DONE when nothing is left. */
fbk_status
fbk__segment_clear(fbk *db, int64_t id, uint32_t most) FBK_MUST_USE;

#endif
