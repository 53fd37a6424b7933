/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_GROUP_H
#define LOG_GROUP_H

#include "log/frame.h"

/* Columns of a frame in the chunks that a segment keeps them in. What scans ask for by itself has a
 * chunk of its own; what is small, or read together, shares one: looking up a row costs more than
 * decoding a column, and one person's history needs them all. Numbers are stored: append only. */
enum {
    FBK__GROUP_ARRIVAL, /* no frame is without it */
    FBK__GROUP_HEAD,    /* nodes, and what is the same for most */
    FBK__GROUP_OCCURRED,
    FBK__GROUP_ITEM,
    FBK__GROUP_MONEY, /* what the amount is made of */
    FBK__GROUP_WHERE,
    FBK__GROUP_IDS,
    FBK__GROUP_ORDERS,
    FBK__GROUP_REST,
    FBK__N_GROUPS
};

/** Columns (FBK__FC_… bits) of a group. */
uint32_t
fbk__group_columns(unsigned group);

/** Encode the columns of a group; the bits of those that have a value other than zero are added to
 *  *columns, and nothing is appended when there is none. FBK_ENOMEM. */
fbk_status
fbk__group_put(fbk__codec *c, fbk__buf *out, const fbk__frame *f, unsigned group, uint32_t *columns)
    FBK_MUST_USE;

/** Bytes of one column; NULL where it is all zero. */
typedef struct fbk__slice {
    const void *bytes;
    size_t len;
} fbk__slice;

/** Where the columns of a group lie in its bytes: sets slices[column] of each. `columns`: bits of
 *  those that have bytes. FBK_ECORRUPT. */
fbk_status
fbk__group_split(unsigned group, uint32_t columns, const void *bytes, size_t len,
                 fbk__slice slices[FBK__N_FC]) FBK_MUST_USE;

#endif
