/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_FRAME_H
#define LOG_FRAME_H

#include "log/batch.h"
#include "log/codec.h"

/* Events side by side, a column each: what a tail record holds, and what a frame of a segment is
 * decoded into. A frame of a segment has at most FBK__FRAME_ROWS rows
 * (so few that one person's history is read quickly) and is sorted by (node,
 * occurred, arrival). A column can be read alone; those not read are NULL. */

enum { FBK__FRAME_ROWS = 1024 };

/** Columns with one value an event. Stored: append only. */
enum {
    FBK__EV_ARRIVAL, /* number of the event, as it came */
    FBK__EV_NODE,
    FBK__EV_OCCURRED,
    FBK__EV_RECEIVED,
    FBK__EV_KIND,
    FBK__EV_SOURCE,
    FBK__EV_CHANNEL,
    FBK__EV_PLACE,
    FBK__EV_FLAGS,
    FBK__EV_CURRENCY,
    FBK__EV_N_LINES,
    FBK__EV_N_EXTRA, /* nodes besides the first */
    FBK__EV_N_PROPS,
    FBK__N_EV
};

/** Columns with one value a line. Stored: append only. */
enum {
    FBK__LN_KIND,
    FBK__LN_ITEM,
    FBK__LN_QUANTITY,
    FBK__LN_PRICE,
    FBK__LN_DISCOUNT,
    FBK__LN_TAX,
    FBK__LN_AMOUNT,
    FBK__N_LN
};

/** All columns as they are stored: the events', the lines', then the irregular ones. */
enum {
    FBK__FC_LINES = FBK__N_EV,             /* first of the lines' */
    FBK__FC_EXTRA = FBK__N_EV + FBK__N_LN, /* other nodes */
    FBK__FC_PROPS,
    FBK__FC_IDS,
    FBK__FC_ORDERS,
    FBK__N_FC
};

/** The columns in the order in which they lie and are decoded: what is scanned most lies together
 *  at the front, and what a column is computed from comes before it. Stored. */
extern const uint8_t fbk__frame_layout[FBK__N_FC];

/** How much of everything a frame holds; stored in the directory of its segment. */
typedef struct fbk__frame_size {
    uint32_t events, lines, extra, props;
} fbk__frame_size;

typedef struct fbk__frame {
    const fbk_allocator *a;
    fbk__frame_size n;
    fbk__frame_size cap;
    int64_t *ev[FBK__N_EV];
    int64_t *ln[FBK__N_LN];
    int64_t *extra;
    int64_t *prop_key;   /* of each event ascending */
    int64_t *prop_type;  /* FBK__PROP_* */
    int64_t *prop_value; /* an integer, the bits of a double, or a row of texts */
    fbk__strings texts;
    fbk__strings ids;
    fbk__strings orders;
    uint32_t columns; /* bit (1 << FBK__FC_…) of those that are filled */
    /* What its segment knows; borrowed while columns are encoded or decoded, NULL = nothing. */
    const struct fbk__guess *guess;
} fbk__frame;

/** Where the lines, other nodes and properties of each event begin: n + 1 entries each. */
typedef struct fbk__frame_index {
    uint32_t *line, *extra, *prop;
} fbk__frame_index;

void
fbk__frame_init(fbk__frame *f, const fbk_allocator *a);
void
fbk__frame_free(fbk__frame *f);

/** Empty it, all columns present; keeps the memory. */
void
fbk__frame_clear(fbk__frame *f);

/** Bytes that it holds on to. */
size_t
fbk__frame_bytes(const fbk__frame *f);

/** Room for so much more than there is; what is added is zero. */
fbk_status
fbk__frame_reserve(fbk__frame *f, fbk__frame_size more) FBK_MUST_USE;

/** Begin positions, from the counts of each event; needs these three columns. FBK_ECORRUPT when
 *  they do not add up to the frame's. */
fbk_status
fbk__frame_index_make(const fbk__frame *f, fbk__frame_index *out) FBK_MUST_USE;
void
fbk__frame_index_free(fbk__frame_index *index, const fbk_allocator *a);

/** Append event i of another frame (all columns present). */
fbk_status
fbk__frame_copy(fbk__frame *to, const fbk__frame *from, const fbk__frame_index *index, uint32_t i)
    FBK_MUST_USE;

/** An event of a frame. */
typedef struct fbk__event_at {
    const fbk__frame *frame;
    const fbk__frame_index *index;
    uint32_t event;
} fbk__event_at;

/** Append n events, wherever they are: these columns (bits), which must be there (begin positions
 *  always); the others are zero, order references not there. FBK_ETOOBIG, FBK_ENOMEM. */
fbk_status
fbk__frame_gather(fbk__frame *to, const fbk__event_at *from, size_t n, uint32_t columns)
    FBK_MUST_USE;

/** Rows of event i: its lines, or one when it has none. */
static inline uint32_t
fbk__frame_rows(const fbk__frame *f, uint32_t i)
{
    int64_t n = f->ev[FBK__EV_N_LINES][i];

    return n ? (uint32_t)n : 1u;
}

/** Encode one column (FBK__FC_…); nothing is appended when all its values are zero or empty. */
fbk_status
fbk__frame_put(fbk__codec *c, fbk__buf *out, const fbk__frame *f, unsigned column) FBK_MUST_USE;

/** Decode one column into a frame whose size is known (f->n); NULL bytes = all zero. Columns that
 *  it is computed from (fbk__frame_needs()) must be there already, as in fbk__frame_layout.
 *  FBK_ECORRUPT when the bytes are not exactly this column. */
fbk_status
fbk__frame_get(fbk__codec *c, fbk__frame *f, unsigned column, const void *bytes, size_t len)
    FBK_MUST_USE;

/** Some neighbouring events of a stored frame. */
typedef struct fbk__frame_part {
    fbk__frame_size all;   /* of the frame */
    fbk__frame_size first; /* what lies before the part */
    fbk__frame_size n;     /* of the part */
} fbk__frame_part;

/** The part that n >= 1 events from `first` on are: part->all is set, and bytes[k], len[k] are the
 *  stored bytes of the counts FBK__EV_N_LINES + k (NULL = all zero). */
fbk_status
fbk__frame_part_make(fbk__codec *c, const void *const bytes[3], const size_t len[3], uint32_t first,
                     uint32_t n, fbk__frame_part *part) FBK_MUST_USE;

/** As fbk__frame_get(), but only the events of a part, behind those that `f` has: there must be
 *  room, and the caller adds part->n to f->n when all columns are there. */
fbk_status
fbk__frame_get_part(fbk__codec *c, fbk__frame *f, unsigned column, const void *bytes, size_t len,
                    const fbk__frame_part *part) FBK_MUST_USE;

/** The columns that must be read for these, themselves included (bits). */
uint32_t
fbk__frame_needs(uint32_t columns);

/** A whole frame as one run of bytes, checksum included: a tail record, a merge file. */
fbk_status
fbk__frame_pack(fbk__codec *c, fbk__buf *out, const fbk__frame *f) FBK_MUST_USE;
fbk_status
fbk__frame_unpack(fbk__codec *c, fbk__reader *in, fbk__frame *f) FBK_MUST_USE;

/** What quantity * price - discount gives, modulo 2^64: the amount is stored as the difference. */
int64_t
fbk__frame_expected_amount(int64_t quantity_milli, int64_t price_micro, int64_t discount_micro);

#endif
