/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_PICK_H
#define EDGE_PICK_H

#include <string.h>

#include "base/buf.h"
#include "edge/map.h"

/* Values and conditions of a mapping, read from the cells of one row. */

/** A piece of text, borrowed. */
typedef struct fbk__piece {
    const char *p;
    size_t len;
} fbk__piece;

static inline bool
fbk__piece_equal(fbk__piece x, fbk__piece y)
{
    return x.len == y.len && (x.len == 0 || memcmp(x.p, y.p, x.len) == 0);
}

/** A text of the mapping by its number. */
static inline fbk__piece
fbk__piece_of(const fbk__mapping *map, uint32_t number)
{
    fbk__piece t;

    t.p = fbk__intern_text(&map->texts, number, &t.len);
    return t;
}

typedef struct fbk__pick {
    const fbk__mapping *map;
    const fbk__cell *cells; /* of the row at hand */
    fbk__buf parts;         /* values that are put together; whoever is done with them empties it */
} fbk__pick;

/** Whether a condition, by its number plus one, holds; none (0) always does. */
bool
fbk__pick_when(const fbk__pick *pick, uint32_t when);

/** The text of a value; empty when there is none. It lies in the row's cells, in the mapping or at
 *  the end of pick->parts, which may move with the next call. */
fbk__piece
fbk__pick_value(fbk__pick *pick, const fbk__map_value *value);

#endif
