/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/map.h"
#include "log/log.h"
#include "record/identity.h"
#include "store/stmt.h"

/* Building the snapshot of profiles from the link table, and sharing it. */

_Static_assert((int)FBK__RULE_EXPLICIT == (int)FBK__LINK_EXPLICIT, "rules of log/log.h");
_Static_assert((int)FBK__RULE_UNLINK == (int)FBK__LINK_UNLINK, "rules of log/log.h");

enum { MAX_PEOPLE = 20, MAX_ANONYMOUS = 200, MAX_RULES = 32 };

static void
identity_destroy(fbk__shared *shared)
{
    fbk__identity *me = (fbk__identity *)(void *)shared;
    const fbk_allocator *a = shared->a;

    fbk__partition_free(&me->p);
    fbk__free(a, me->classes);
    fbk__free(a, me->blocked);
    fbk__free(a, me);
}

/* The links of one pair are neighbours: pair by pair through the pure rule. */
static fbk_status
active_edges(fbk *db, const fbk__link *links, size_t n, int64_t as_of_us, fbk__edge *out,
             size_t *out_n)
{
    size_t n_out = 0;

    for (size_t i = 0; i < n;) {
        fbk__evidence rows[MAX_RULES];
        size_t k = 0;

        for (size_t first = i;
             i < n && links[i].a == links[first].a && links[i].b == links[first].b; i++) {
            if (k == MAX_RULES)
                return fbk__fail(db, FBK_ECORRUPT, "a pair of identifiers had %zu links", k + 1);
            rows[k++] = (fbk__evidence){links[i].a, links[i].b,        links[i].rule,
                                        0,          links[i].first_us, links[i].last_us};
        }
        n_out += fbk__link_active(rows, k, as_of_us, out + n_out);
    }
    *out_n = n_out;
    return FBK_OK;
}

static fbk_status
edges_read(fbk *db, int64_t as_of_us, fbk__edge **out, size_t *out_n)
{
    fbk__link *links = NULL;
    fbk__edge *edges = NULL;
    size_t n = 0;
    fbk_status rc;

    rc = fbk__links_read(db, &links, &n);
    if (rc < 0)
        return rc;
    edges = fbk__calloc(fbk__a(db), n, sizeof *edges);
    if (edges)
        rc = active_edges(db, links, n, as_of_us, edges, out_n);
    else
        rc = fbk__nomem(db);
    fbk__free(fbk__a(db), links);
    if (rc >= 0)
        *out = edges;
    else
        fbk__free(fbk__a(db), edges);
    return rc;
}

fbk_status
fbk__identity_class_read(fbk *db, uint32_t space, fbk__identity_class *out)
{
    static const char sql[] = "SELECT max_people, show FROM identity_namespace WHERE space = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc;

    *out = (fbk__identity_class){space, 0, 0};
    rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, space);
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        out->max_people = (uint32_t)fbk__column_int64(st, 0);
        out->show = (uint32_t)fbk__column_int64(st, 1);
    }
    fbk__stmt_put(st);
    if (rc >= 0 && out->max_people == 0) {
        const char *name = "";

        rc = fbk__word_get(db, space, &name);
        out->max_people = fbk__identity_anonymous(name) ? MAX_ANONYMOUS : MAX_PEOPLE;
    }
    return rc < 0 ? rc : FBK_OK;
}

/* A small number for each namespace that nodes have. */
static fbk_status
classes_fill(fbk *db, const uint32_t *spaces, uint32_t n, fbk__identity *me, uint16_t *class_of)
{
    size_t cap = 0;
    fbk_status rc = FBK_OK;
    fbk__map seen;

    fbk__map_init(&seen, fbk__a(db));
    for (uint32_t i = 1; i <= n && rc >= 0; i++) {
        bool fresh;
        uint64_t *number = fbk__map_put(&seen, spaces[i], &fresh);

        if (!number || (fresh && !fbk__grow(me->shared.a, &me->classes, &cap, me->n_classes + 1,
                                            sizeof *me->classes))) {
            rc = fbk__nomem(db);
        } else if (fresh && me->n_classes == UINT16_MAX) {
            rc = fbk__fail(db, FBK_ETOOBIG, "the store had more than 65535 namespaces");
        } else if (fresh) {
            rc = fbk__identity_class_read(db, spaces[i], &me->classes[me->n_classes]);
            *number = me->n_classes++;
        }
        if (rc >= 0)
            class_of[i] = (uint16_t)*number;
    }
    fbk__map_free(&seen);
    return rc;
}

static fbk_status
blocked_read(fbk *db, fbk__identity *me)
{
    fbk__stmt *st = NULL;
    size_t cap = 0;
    fbk_status rc =
        fbk__stmt_get(db, "SELECT node FROM identity_blocked WHERE blocked = 1 ORDER BY node", &st);

    if (rc < 0)
        return rc;
    while ((rc = fbk__step(st)) == FBK_OK) {
        if (!fbk__grow(me->shared.a, &me->blocked, &cap, (size_t)me->n_blocked + 1,
                       sizeof *me->blocked)) {
            rc = fbk__nomem(db);
            break;
        }
        me->blocked[me->n_blocked++] = (uint32_t)fbk__column_int64(st, 0);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* All of it is freed with `me` or at the end here. */
static fbk_status
identity_fill(fbk *db, int64_t as_of_us, fbk__identity *me)
{
    const fbk_allocator *a = fbk__a(db);
    uint32_t *spaces = NULL;
    uint16_t *class_of = NULL;
    uint32_t *limits = NULL;
    fbk__edge *edges = NULL;
    size_t n_edges = 0;
    uint32_t n = 0;
    fbk_status rc;

    rc = fbk__node_spaces(db, &spaces, &n);
    if (rc < 0)
        goto out;
    rc = edges_read(db, as_of_us, &edges, &n_edges);
    if (rc < 0)
        goto out;
    for (size_t i = 0; i < n_edges; i++) {
        if (edges[i].b > n || edges[i].a == 0) {
            rc = fbk__fail(db, FBK_ECORRUPT, "a link named identifier %u of %u", edges[i].b, n);
            goto out;
        }
    }
    class_of = fbk__calloc(a, (size_t)n + 1, sizeof *class_of);
    rc = class_of ? classes_fill(db, spaces, n, me, class_of) : fbk__nomem(db);
    if (rc < 0)
        goto out;
    rc = blocked_read(db, me);
    if (rc < 0)
        goto out;
    limits = fbk__calloc(a, me->n_classes, sizeof *limits);
    if (!limits) {
        rc = fbk__nomem(db);
        goto out;
    }
    for (uint32_t i = 0; i < me->n_classes; i++)
        limits[i] = me->classes[i].max_people;
    if (!fbk__partition_make(&(fbk__partition_input){.a = me->shared.a,
                                                     .edges = edges,
                                                     .n_edges = n_edges,
                                                     .n_nodes = n,
                                                     .n_classes = me->n_classes,
                                                     .class_of = class_of,
                                                     .limits = limits,
                                                     .blocked = me->blocked,
                                                     .n_blocked = me->n_blocked},
                             &me->p))
        rc = fbk__nomem(db);
out:
    fbk__free(a, spaces);
    fbk__free(a, class_of);
    fbk__free(a, limits);
    fbk__free(a, edges);
    return rc;
}

/* One read transaction, so that links, nodes and generation are of one moment. */
static fbk_status
identity_build(fbk *db, int64_t as_of_us, fbk__identity **out)
{
    const fbk_allocator *a = fbk__store_allocator(db);
    fbk__identity *me = fbk__calloc(a, 1, sizeof *me);
    fbk_status rc;

    if (!me)
        return fbk__nomem(db);
    me->shared = (fbk__shared){.refs = 1, .a = a, .destroy = identity_destroy};
    rc = fbk__read_begin(db);
    if (rc >= 0) {
        rc = fbk__generation(db, FBK__KIND_IDENTITY, &me->shared.generation);
        if (rc >= 0)
            rc = identity_fill(db, as_of_us, me);
        fbk__read_end(db);
    }
    if (rc < 0) {
        identity_destroy(&me->shared);
        return rc;
    }
    *out = me;
    return FBK_OK;
}

static const char identity_key;

fbk_status
fbk__identity_current(fbk *db, const fbk__identity **out)
{
    uint64_t generation;
    fbk__shared *shared;
    fbk_status rc = fbk__generation(db, FBK__KIND_IDENTITY, &generation);

    if (rc < 0)
        return rc;
    shared = fbk__shared_acquire(db, &identity_key);
    if (shared && shared->generation != generation) {
        fbk__shared_release(shared);
        shared = NULL;
    }
    *out = (const fbk__identity *)(const void *)shared;
    return FBK_OK;
}

fbk_status
fbk__identity_acquire(fbk *db, fbk_time as_of_us, const fbk__identity **out)
{
    const fbk__identity *current = NULL;
    fbk__identity *made = NULL;
    fbk__shared *shared;
    bool newer;
    fbk_status rc;

    /* Inside a write transaction what is seen may yet be rolled back: it is shared with nobody. */
    if (as_of_us != FBK_TIME_NONE || fbk__writing(db)) {
        rc = identity_build(db, as_of_us == FBK_TIME_NONE ? INT64_MAX : as_of_us, &made);
        if (rc >= 0)
            *out = made;
        return rc;
    }
    rc = fbk__identity_current(db, &current);
    if (rc < 0)
        return rc;
    if (current) {
        *out = current;
        return FBK_OK;
    }
    rc = identity_build(db, INT64_MAX, &made);
    if (rc < 0)
        return rc;
    shared = fbk__shared_acquire(db, &identity_key);
    newer = !shared || shared->generation < made->shared.generation;
    fbk__shared_release(shared);
    if (newer)
        rc = fbk__shared_publish(db, &identity_key, &made->shared);
    if (rc < 0)
        fbk__shared_release(&made->shared);
    else
        *out = made;
    return rc;
}

void
fbk__identity_release(const fbk__identity *who)
{
    if (who)
        fbk__shared_release((fbk__shared *)(uintptr_t)&who->shared);
}

static bool
identity_is_blocked(const fbk__identity *who, uint32_t node)
{
    uint32_t low = 0;
    uint32_t high = who->n_blocked;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (who->blocked[middle] < node)
            low = middle + 1;
        else
            high = middle;
    }
    return low < who->n_blocked && who->blocked[low] == node;
}

uint32_t
fbk__identity_flags(const fbk__identity *who, uint32_t node)
{
    uint32_t flags = 0;

    if (fbk__partition_crowd(&who->p, node))
        flags |= FBK_IDENTITY_QUARANTINED;
    if (identity_is_blocked(who, node))
        flags |= FBK_IDENTITY_BLOCKED;
    return flags;
}
