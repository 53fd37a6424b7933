/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_LINK_MATH_H
#define RECORD_LINK_MATH_H

#include "base/alloc.h"

/* Who is who, as pure functions: which values say anything about a person, and which sets of nodes
 * the links join. Nothing here depends on the order in which links came. */

/* ---- values ---- */

enum { FBK__IDENTITY_SPACE_MAX = 64, FBK__IDENTITY_VALUE_MAX = 255 };

/** Whether a text can name a namespace: [a-z][a-z0-9_]*, at most FBK__IDENTITY_SPACE_MAX bytes. */
bool
fbk__identity_space(const char *text, size_t len);

/** The bytes under which an identifier is known. Everything is trimmed of ASCII white space.
 *  "email": ASCII letters in lower case, a leading "mailto:" taken off. "phone": the digits of the
 *  international number; a leading "tel:", "+" or "00", a "(0)", and all from the first letter, ';'
 *  or ',' on (an extension) are taken off. Other namespaces: as it is. Idempotent.
 *
 *  @param out caller's buffer of at least len bytes; may be `value` itself.
 *  @return bytes written, at most len. */
size_t
fbk__identity_normalise(const char *space, const char *value, size_t len, char *out);

/** Whether a normalised value says nothing about a person. Such a value never becomes a node.
 *  - any namespace: empty; no letter or digit in it; only zeros ("0", "000-00"); one character
 *    eight times or more and nothing else; a word such as null, none, n/a, unknown, test, guest;
 *  - "email": no '@' with text on both sides; a local part such as test, none, noreply;
 *  - "phone": fewer than 5 or more than 15 digits; one digit only; 123456789, 1234567890, …. */
bool
fbk__identity_blocked(const char *space, const char *value, size_t len);

/** cookie, device and session: a person has many of them. */
bool
fbk__identity_anonymous(const char *space);

/** A value for the eyes of somebody who need not know it: the first character and, of an e-mail
 *  address, the domain. Appends nothing but writes at most 80 bytes.
 *  @return bytes written. */
size_t
fbk__identity_mask(const char *space, const char *value, size_t len, char out[80]);

/* ---- links ---- */

enum { FBK__RULE_EXPLICIT = 2, FBK__RULE_UNLINK = 3 }; /* any other rule is evidence */

/** One row of evidence. */
typedef struct fbk__evidence {
    uint32_t a; /* a < b */
    uint32_t b;
    uint32_t rule;
    uint32_t reserved0;
    int64_t first_us;
    int64_t last_us;
} fbk__evidence;

typedef struct fbk__edge {
    uint32_t a; /* a < b */
    uint32_t b;
} fbk__edge;

/** The pairs that are linked as of an instant.
 *
 *  A pair is linked when there is evidence from no later than as_of, unless it was unlinked; then
 *  only an explicit link that is later than the unlinking counts. Of a pair that was linked or
 *  unlinked several times, the rows know the first and the last time only: the last counts, or the
 *  first where the last is after as_of.
 *  @param rows  sorted by (a, b).
 *  @param as_of INT64_MAX = all that is known.
 *  @param out   room for n; sorted by (a, b), no pair twice.
 *  @return pairs written. */
size_t
fbk__link_active(const fbk__evidence *rows, size_t n, int64_t as_of_us, fbk__edge *out);

/** A node that has too many neighbours of one class. */
typedef struct fbk__crowd {
    uint32_t node;
    uint32_t neighbours; /* of that class, which has most beyond its limit */
    uint32_t class_of;
    uint32_t limit;
} fbk__crowd;

/** Nodes 1..n in sets. */
typedef struct fbk__partition {
    const fbk_allocator *a;
    uint32_t n;
    uint32_t n_groups;  /* sets of at least two nodes */
    uint32_t n_crowds;  /* quarantined nodes */
    uint32_t reserved0; /* 0 */
    uint32_t *set_of;   /* n + 1: smallest node of the set; set_of[0] = 0 */
    uint32_t *group;    /* n_groups smallest nodes, ascending */
    uint32_t *start;    /* n_groups + 1 starts in members */
    uint32_t *members;  /* of each group, ascending */
    fbk__crowd *crowds; /* by node, ascending */
} fbk__partition;

typedef struct fbk__partition_input {
    const fbk_allocator *a;
    const fbk__edge *edges; /* as fbk__link_active() gave them */
    size_t n_edges;
    uint32_t n_nodes;         /* all ends of edges are in 1..n_nodes */
    uint32_t n_classes;       /* at most 65535 */
    const uint16_t *class_of; /* n_nodes + 1: class of each node (its namespace) */
    const uint32_t *limits;   /* n_classes: more neighbours of that class than this are too many */
    const uint32_t *blocked;  /* nodes that join nobody, ascending; may be NULL */
    size_t n_blocked;
} fbk__partition_input;

/** The connected components of the edges, without the blocked nodes and without those that have
 *  more neighbours of one class than its limit (counted over all edges): these are sets of their
 *  own. @retval false out of memory, out untouched. */
bool
fbk__partition_make(const fbk__partition_input *in, fbk__partition *out) FBK_MUST_USE;

void
fbk__partition_free(fbk__partition *p);

/** Members of a set by its smallest node: an address in p, or `set` itself when it is alone. */
const uint32_t *
fbk__partition_members(const fbk__partition *p, const uint32_t *set, size_t *out_n);

/** The crowd of a node, NULL if it is not quarantined for its neighbours. */
const fbk__crowd *
fbk__partition_crowd(const fbk__partition *p, uint32_t node);

#endif
