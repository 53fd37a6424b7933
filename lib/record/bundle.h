/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_BUNDLE_H
#define RECORD_BUNDLE_H

/* The form of a bundle: a magic, then blocks. A block is its type and the length of its payload (32
 * bits each), the payload, and the XXH3-64 of all this, seeded with the block's number: so one that
 * is cut, changed, moved, repeated or left out is noticed. The first is a head, the last an end
 * with the totals, after which nothing follows. All numbers are little-endian. */

static const unsigned char fbk__bundle_magic[8] = {0x89, 'F', 'B', 'K', 'B', '\r', '\n', 0x1a};

enum { FBK__BUNDLE_VERSION = 1, FBK__BUNDLE_BLOCK_MAX = 1 << 26 };

/** Types of blocks. Stored: append only. */
enum {
    FBK__BLOCK_HEAD = 1,
    FBK__BLOCK_ERASED,   /* ids of erased events */
    FBK__BLOCK_TOMBS,    /* erased identifiers */
    FBK__BLOCK_ROWS,     /* rows of one table */
    FBK__BLOCK_EVENTS,   /* a packed batch */
    FBK__BLOCK_CONFLICT, /* flags, and a packed batch */
    FBK__BLOCK_END
};

/** What the end block says there was. */
typedef struct fbk__bundle_totals {
    unsigned long long blocks, events, conflicts, erased, tombs, rows;
} fbk__bundle_totals;

#endif
