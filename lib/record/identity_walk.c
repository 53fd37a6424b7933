/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "base/sort.h"
#include "log/log.h"
#include "record/identity.h"
#include "store/stmt.h"

/* One person, from the links of the person's own identifiers: what a till asks after each login,
 * when the snapshot of all people is out of date. The rules are those of fbk__partition_make(). */

enum { MAX_RULES = 32, MAX_MEMBERS = 4096 };

typedef struct walk_space {
    uint32_t space;
    uint32_t limit;
    uint32_t n; /* neighbours of the node that is looked at */
} walk_space;

typedef struct walk {
    fbk *db;
    int64_t as_of_us;
    fbk__map seen;
    walk_space *spaces;
    size_t n_spaces, space_cap;
    fbk__evidence rows[MAX_RULES]; /* of one pair */
    size_t n_rows;
    uint32_t node;        /* that is looked at */
    uint32_t other;       /* of the pair */
    uint32_t other_space; /* of `other` */
    bool crowd;           /* `node` has too many neighbours */
    uint32_t *near;       /* its neighbours */
    size_t n_near, near_cap;
    uint32_t *queue; /* seen, not yet looked at */
    size_t n_queue, queue_cap;
    fbk__sort_item *members;
    size_t n_members, member_cap;
} walk;

static bool
push(fbk *db, uint32_t **list, size_t *n, size_t *cap, uint32_t node)
{
    if (!fbk__grow(fbk__a(db), list, cap, *n + 1, sizeof **list))
        return false;
    (*list)[(*n)++] = node;
    return true;
}

static fbk_status
walk_count(walk *w, uint32_t space)
{
    fbk__identity_class class_of;
    walk_space *s = NULL;
    fbk_status rc;

    for (size_t i = 0; i < w->n_spaces && !s; i++) {
        if (w->spaces[i].space == space)
            s = &w->spaces[i];
    }
    if (!s) {
        rc = fbk__identity_class_read(w->db, space, &class_of);
        if (rc < 0)
            return rc;
        if (!fbk__grow(fbk__a(w->db), &w->spaces, &w->space_cap, w->n_spaces + 1,
                       sizeof *w->spaces))
            return fbk__nomem(w->db);
        s = &w->spaces[w->n_spaces++];
        *s = (walk_space){space, class_of.max_people, 0};
    }
    w->crowd |= ++s->n > s->limit;
    return FBK_OK;
}

/* The rows of a pair are complete: is it linked? */
static fbk_status
walk_pair(walk *w)
{
    fbk__edge edges[MAX_RULES];
    size_t n = fbk__link_active(w->rows, w->n_rows, w->as_of_us, edges);

    w->n_rows = 0;
    if (n == 0)
        return FBK_OK;
    if (!push(w->db, &w->near, &w->n_near, &w->near_cap, w->other))
        return fbk__nomem(w->db);
    return walk_count(w, w->other_space);
}

static fbk_status
walk_link(void *user_data, const fbk__link *link, uint32_t other_space)
{
    walk *w = user_data;
    uint32_t other = link->a == w->node ? link->b : link->a;
    fbk_status rc;

    if (w->n_rows && other != w->other) {
        rc = walk_pair(w);
        if (rc < 0)
            return rc;
        if (w->crowd) /* a kiosk's cookie may have a million neighbours: enough is enough */
            return FBK_DONE;
    }
    if (w->n_rows == MAX_RULES)
        return fbk__fail(w->db, FBK_ECORRUPT, "a pair of identifiers had more than %d links",
                         MAX_RULES);
    w->other = other;
    w->other_space = other_space;
    w->rows[w->n_rows++] =
        (fbk__evidence){link->a, link->b, link->rule, 0, link->first_us, link->last_us};
    return FBK_OK;
}

/* Neighbours of a node, and whether they are too many. */
static fbk_status
walk_look(walk *w, uint32_t node)
{
    fbk_status rc;

    w->node = node;
    w->n_near = 0;
    w->n_rows = 0;
    w->crowd = false;
    for (size_t i = 0; i < w->n_spaces; i++)
        w->spaces[i].n = 0;
    rc = fbk__links_of(w->db, node, walk_link, w);
    return rc < 0 || w->crowd ? rc : walk_pair(w);
}

static fbk_status
walk_blocked(fbk *db, uint32_t node, bool *out)
{
    fbk__stmt *st = NULL;
    fbk_status rc =
        fbk__stmt_get(db, "SELECT 1 FROM identity_blocked WHERE node = ?1 AND blocked = 1", &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, node);
    rc = fbk__step(st);
    *out = rc == FBK_OK;
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* A member of the person: kept, and its neighbours put in the queue. */
static fbk_status
walk_join(walk *w, uint32_t node)
{
    if (!fbk__grow(fbk__a(w->db), &w->members, &w->member_cap, w->n_members + 1,
                   sizeof *w->members))
        return fbk__nomem(w->db);
    w->members[w->n_members++] = (fbk__sort_item){node, 0, 0};
    for (size_t i = 0; i < w->n_near; i++) {
        bool fresh = false;

        if (!fbk__map_put(&w->seen, w->near[i], &fresh) ||
            (fresh && !push(w->db, &w->queue, &w->n_queue, &w->queue_cap, w->near[i])))
            return fbk__nomem(w->db);
    }
    return FBK_OK;
}

/* FBK_DONE: too large a person to be found like this. */
static fbk_status
walk_run(walk *w, uint32_t start, uint32_t *out_flags)
{
    fbk_status rc;

    if (!fbk__map_put(&w->seen, start, NULL) ||
        !push(w->db, &w->queue, &w->n_queue, &w->queue_cap, start))
        return fbk__nomem(w->db);
    while (w->n_queue) {
        uint32_t node = w->queue[--w->n_queue];
        bool blocked = false;

        rc = walk_blocked(w->db, node, &blocked);
        if (rc >= 0)
            rc = walk_look(w, node);
        if (rc < 0)
            return rc;
        if (node == start)
            *out_flags = (w->crowd ? (uint32_t)FBK_IDENTITY_QUARANTINED : 0u) |
                         (blocked ? (uint32_t)FBK_IDENTITY_BLOCKED : 0u);
        if (blocked || w->crowd) {
            if (node != start)
                continue;
            w->n_near = 0; /* it joins nobody, and is a person of its own */
        }
        rc = walk_join(w, node);
        if (rc < 0)
            return rc;
        if (w->n_members > MAX_MEMBERS)
            return FBK_DONE;
    }
    return FBK_OK;
}

static fbk_status
person_fill(fbk *db, const uint32_t *nodes, size_t n, uint32_t flags, fbk__person *out)
{
    uint32_t *copy = fbk__calloc(fbk__a(db), n, sizeof *copy);

    if (!copy)
        return fbk__nomem(db);
    for (size_t i = 0; i < n; i++)
        copy[i] = nodes[i];
    *out = (fbk__person){.profile = copy[0], .flags = flags, .nodes = copy, .n_nodes = n};
    return FBK_OK;
}

static fbk_status
person_of_walk(walk *w, uint32_t flags, fbk__person *out)
{
    uint32_t *nodes;

    if (!fbk__sort_items(fbk__a(w->db), w->members, w->n_members))
        return fbk__nomem(w->db);
    nodes = fbk__calloc(fbk__a(w->db), w->n_members, sizeof *nodes);
    if (!nodes)
        return fbk__nomem(w->db);
    for (size_t i = 0; i < w->n_members; i++)
        nodes[i] = (uint32_t)w->members[i].key;
    *out =
        (fbk__person){.profile = nodes[0], .flags = flags, .nodes = nodes, .n_nodes = w->n_members};
    return FBK_OK;
}

static fbk_status
person_walk(fbk *db, uint32_t node, int64_t as_of_us, fbk__person *out)
{
    walk w = {.db = db, .as_of_us = as_of_us};
    uint32_t flags = 0;
    fbk_status rc;

    fbk__map_init(&w.seen, fbk__a(db));
    rc = fbk__read_begin(db); /* all links of one moment */
    if (rc >= 0) {
        rc = walk_run(&w, node, &flags);
        fbk__read_end(db);
    }
    if (rc == FBK_OK)
        rc = person_of_walk(&w, flags, out);
    fbk__map_free(&w.seen);
    fbk__free(fbk__a(db), w.spaces);
    fbk__free(fbk__a(db), w.near);
    fbk__free(fbk__a(db), w.queue);
    fbk__free(fbk__a(db), w.members);
    return rc;
}

fbk_status
fbk__identity_person(fbk *db, uint32_t node, fbk_time as_of_us, fbk__person *out)
{
    const fbk__identity *who = NULL;
    const uint32_t *nodes;
    uint32_t profile;
    size_t n;
    fbk_status rc = FBK_OK;

    if (as_of_us == FBK_TIME_NONE && !fbk__writing(db))
        rc = fbk__identity_current(db, &who);
    if (rc < 0)
        return rc;
    if (!who) {
        rc = person_walk(db, node, as_of_us == FBK_TIME_NONE ? INT64_MAX : as_of_us, out);
        if (rc != FBK_DONE)
            return rc;
        rc = fbk__identity_acquire(db, as_of_us, &who);
        if (rc < 0)
            return rc;
    }
    profile = fbk__identity_profile(who, node);
    nodes = fbk__identity_members(who, &profile, &n);
    rc = person_fill(db, nodes, n, fbk__identity_flags(who, node), out);
    fbk__identity_release(who);
    return rc;
}

void
fbk__person_free(fbk *db, fbk__person *person)
{
    fbk__free(fbk__a(db), person->nodes);
    *person = (fbk__person){0};
}

bool
fbk__person_has(const fbk__person *person, uint32_t node)
{
    size_t low = 0;
    size_t high = person->n_nodes;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (person->nodes[middle] < node)
            low = middle + 1;
        else
            high = middle;
    }
    return low < person->n_nodes && person->nodes[low] == node;
}
