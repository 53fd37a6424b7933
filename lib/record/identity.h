/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_IDENTITY_H
#define RECORD_IDENTITY_H

#include <feedback/identity.h>

#include "base/buf.h"
#include "record/link_math.h"
#include "store/conn.h"

/* node → profile, as an immutable snapshot that all threads share.
 *
 *     const fbk__identity *who = NULL;
 *     fbk_status rc = fbk__identity_acquire(db, FBK_TIME_NONE, &who);
 *     …
 *     profile = fbk__identity_profile(who, chunk->node[i]);
 *     …
 *     fbk__identity_release(who);
 */

/** Limit and manner of one namespace. */
typedef struct fbk__identity_class {
    uint32_t space; /* word */
    uint32_t max_people;
    uint32_t show; /* FBK_IDENTITY_SHOW_CLEAR, … */
} fbk__identity_class;

typedef struct fbk__identity {
    fbk__shared shared;
    fbk__partition p;
    fbk__identity_class *classes; /* as p.crowds[i].class_of */
    uint32_t *blocked;            /* nodes, ascending */
    uint32_t n_classes;
    uint32_t n_blocked;
} fbk__identity;

/** The profiles as of now (FBK_TIME_NONE), or from the links that were known at an instant.
 *
 *  Now: shared, rebuilt only when links changed; costs a look at the generation else. With an
 *  instant: built for the caller, O(links). Inside a write transaction it sees what was written. */
fbk_status
fbk__identity_acquire(fbk *db, fbk_time as_of_us, const fbk__identity **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__identity_release(const fbk__identity *who);

/** Profile of a node: the smallest node of the person. 0 is 0 (nobody); a node that is younger than
 *  the snapshot has no links in it, and is a person of its own. */
static inline uint32_t
fbk__identity_profile(const fbk__identity *who, uint32_t node)
{
    return node <= who->p.n ? who->p.set_of[node] : node;
}

/** Nodes of a profile, ascending; in the snapshot, or `profile` itself when there is only one. */
static inline const uint32_t *
fbk__identity_members(const fbk__identity *who, const uint32_t *profile, size_t *out_n)
{
    return fbk__partition_members(&who->p, profile, out_n);
}

/** The current snapshot if it is up to date, else NULL: builds nothing. */
fbk_status
fbk__identity_current(fbk *db, const fbk__identity **out) FBK_MUST_USE;

/** FBK_IDENTITY_* bits of a node. */
uint32_t
fbk__identity_flags(const fbk__identity *who, uint32_t node);

/** One person. */
typedef struct fbk__person {
    uint32_t profile; /* nodes[0] */
    uint32_t flags;   /* FBK_IDENTITY_* of the node that was asked for */
    uint32_t *nodes;  /* ascending */
    size_t n_nodes;
} fbk__person;

/** The person of a node: what point calls use. From the snapshot when it is up to date, else from
 *  the links of the person's own identifiers, so that it never waits for a snapshot to be built.
 *  Also inside a write transaction. A node that does not exist is a person of its own.
 *  @param out fbk__person_free() frees it; untouched on failure. */
fbk_status
fbk__identity_person(fbk *db, uint32_t node, fbk_time as_of_us, fbk__person *out) FBK_MUST_USE;

void
fbk__person_free(fbk *db, fbk__person *person);

/** Whether a node is one of the person's. */
bool
fbk__person_has(const fbk__person *person, uint32_t node);

/** What holds for a namespace: what the host set, else the defaults. */
fbk_status
fbk__identity_class_read(fbk *db, uint32_t space, fbk__identity_class *out) FBK_MUST_USE;

/** Node of an identifier as the host gives it: checked and normalised. FBK_ENOTFOUND when it was
 *  never seen, or says nothing about a person. */
fbk_status
fbk__identity_node(fbk *db, const char *space, const char *value, uint32_t *out_node) FBK_MUST_USE;

/** The same, given a number if new; inside a write transaction. FBK_EINVAL for a value that says
 *  nothing about a person. */
fbk_status
fbk__identity_node_make(fbk *db, const char *space, const char *value, uint32_t *out_node)
    FBK_MUST_USE;

/** Namespace (owned by the store) and value of a node as its namespace shows it, into `value`
 *  (cleared first).
 *  @param out_shown false when the value is to be shown as null.
 *  @retval FBK_ENOTFOUND the node does not exist or was erased. */
fbk_status
fbk__identity_show(fbk *db, uint32_t node, const char **out_space, fbk__buf *value, bool *out_shown)
    FBK_MUST_USE;

#endif
