/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_FRAME_GUESS_H
#define LOG_FRAME_GUESS_H

#include "log/frame.h"

/* Columns of a frame that are stored as the difference from what other columns make of them, with
 * or without what the segment knows (guess.h). How is the first byte of the column, but for
 * amounts, which are always told from what they are made of. */

/** Ways to tell a value. Stored: append only. */
enum {
    FBK__TOLD_PLAIN = 0,
    FBK__TOLD_BY_COLUMNS = 1, /* received by occurred; amount by quantity, price and discount */
    FBK__TOLD_BY_GUESS = 2    /* by what the segment knows */
};

/** Bits of the columns that begin with how they are told. */
enum {
    FBK__TOLD_COLUMNS = 1 << FBK__EV_ARRIVAL | 1 << FBK__EV_RECEIVED | 1 << FBK__EV_CHANNEL |
                        1 << FBK__EV_PLACE | 1 << (FBK__FC_LINES + FBK__LN_PRICE) | 1 << FBK__FC_IDS
};

/** Can this column of this frame be told so? */
bool
fbk__frame_may_tell(const fbk__frame *f, unsigned column, unsigned how);

/** The way that takes least for a column of integers; the differences from it go to `d`, room for
 *  all values. */
unsigned
fbk__frame_tell(const fbk__frame *f, unsigned column, int64_t *d);

/** Back: values [at, at + n) of a column hold differences. */
void
fbk__frame_told(fbk__frame *f, unsigned column, unsigned how, uint32_t at, uint32_t n);

/** Ids: counters less what the segment makes of them, and those apart that are not of its series;
 *  or plain, when these are many. FBK_ENOMEM. */
fbk_status
fbk__frame_put_ids(fbk__codec *c, fbk__buf *out, const fbk__frame *f) FBK_MUST_USE;
/** Back: append the ids of a part, whose events are f's from `at` on. */
fbk_status
fbk__frame_get_ids(fbk__codec *c, fbk__reader *in, fbk__frame *f, uint32_t at,
                   const fbk__frame_part *part) FBK_MUST_USE;

/** The properties of a frame, by key. FBK_ENOMEM. */
fbk_status
fbk__frame_put_props(fbk__codec *c, fbk__buf *out, const fbk__frame *f) FBK_MUST_USE;

#endif
