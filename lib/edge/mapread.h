/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_MAPREAD_H
#define EDGE_MAPREAD_H

#include <jansson.h>

#include "edge/map.h"

/* What the compiler of mappings (map.c) is made of: one function a kind of member. All return false
 * after a failure, which the context keeps; the first one counts. */

typedef struct fbk__mapread {
    fbk *db;
    fbk__mapping *map;
    fbk_status rc;
    unsigned depth;
    size_t path_len;
    char path[64]; /* of the member at hand, "line.quantity" */
} fbk__mapread;

typedef bool (*fbk__mapread_fn)(fbk__mapread *c, const json_t *json, void *to);

/** A member that an object may have, and where its compiled form goes. */
typedef struct fbk__mapread_member {
    const char *name;
    fbk__mapread_fn read;
    void *to;
} fbk__mapread_member;

/** Record that the member at hand `what` ("was no text"); false. */
bool
fbk__mapread_fail(fbk__mapread *c, const char *what);
bool
fbk__mapread_nomem(fbk__mapread *c);

/** Every member of an object, each with its function; one that is not listed is a failure. */
bool
fbk__mapread_object(fbk__mapread *c, const json_t *json, const fbk__mapread_member *members,
                    size_t n);

#define FBK__MAPREAD_OBJECT(c, json, members) \
    fbk__mapread_object(c, json, members, sizeof(members) / sizeof((members)[0]))

bool
fbk__mapread_add_text(fbk__mapread *c, const char *text, size_t len, uint32_t *out);

/* Functions for members; `to` points to … */

/** … uint32_t, a text. */
bool
fbk__mapread_text(fbk__mapread *c, const json_t *json, void *to);
/** … uint32_t, a text that is not empty, plus one: zero means that it was not given. */
bool
fbk__mapread_text1(fbk__mapread *c, const json_t *json, void *to);
/** … bool. */
bool
fbk__mapread_bool(fbk__mapread *c, const json_t *json, void *to);
/** … bool, the opposite of what is written. */
bool
fbk__mapread_no(fbk__mapread *c, const json_t *json, void *to);
/** … char, one ASCII character. */
bool
fbk__mapread_sign(fbk__mapread *c, const json_t *json, void *to);
/** … fbk__map_range of lists[]: a list of texts, or one text for a list of one. */
bool
fbk__mapread_texts(fbk__mapread *c, const json_t *json, void *to);
/** … uint32_t, a condition plus one. */
bool
fbk__mapread_when(fbk__mapread *c, const json_t *json, void *to);
/** … fbk__map_value. */
bool
fbk__mapread_value(fbk__mapread *c, const json_t *json, void *to);
/** … fbk__map_range of values[]: a list of values, or one for a list of one. */
bool
fbk__mapread_values(fbk__mapread *c, const json_t *json, void *to);
/** … fbk__map_range of values[] to be added up: a value, or {"sum": [values]}. */
bool
fbk__mapread_number(fbk__mapread *c, const json_t *json, void *to);

#endif
