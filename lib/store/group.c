/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/group.h"

#include <sched.h>
#include <stddef.h>

#include "store/store.h"

enum { GROUP_MAX = 64 }; /* requests of one transaction: what fails is done again one by one */

struct fbk__group_request {
    fbk *db;
    fbk__write_fn fn;
    void *user_data;
    int64_t deadline_ns;
    fbk_status rc;
    bool done;
    bool leads; /* the one before has handed over */
    pthread_cond_t cond;
    fbk__group_request *next;
};

void
fbk__group_init(fbk__group *group)
{
    (void)pthread_mutex_init(&group->lock, NULL);
    group->leading = false;
    group->crowded = false;
    group->n_waiting = 0;
    group->first = NULL;
    group->last = NULL;
}

void
fbk__group_destroy(fbk__group *group)
{
    (void)pthread_mutex_destroy(&group->lock);
}

static void
group_push(fbk__group *group, fbk__group_request *r)
{
    r->next = NULL;
    if (group->last)
        group->last->next = r;
    else
        group->first = r;
    group->last = r;
    group->n_waiting++;
}

static fbk__group_request *
group_pop(fbk__group *group)
{
    fbk__group_request *r = group->first;

    if (r) {
        group->first = r->next;
        if (!group->first)
            group->last = NULL;
        r->next = NULL;
        group->n_waiting--;
    }
    return r;
}

/* Behind the leader's own request, those that are waiting now. */
static void
group_take(fbk__group *group, fbk__group_request *me)
{
    fbk__group_request *end = me;

    (void)pthread_mutex_lock(&group->lock);
    for (int n = 1; n < GROUP_MAX && group->first; n++)
        end = end->next = group_pop(group);
    (void)pthread_mutex_unlock(&group->lock);
}

/* One request in a transaction of its own, on the leader's connection. The text of a failure goes
 * to whose request it is. */
static void
group_alone(fbk *db, fbk__group_request *r)
{
    r->rc = fbk__write_begin_until(db, r->deadline_ns);
    if (r->rc >= 0) {
        fbk_status rc = r->fn(db, r->user_data);

        r->rc = fbk__write_end(db, rc);
        r->rc = r->rc < 0 ? r->rc : rc;
    }
    if (r->rc < 0 && r->db != db) {
        r->db->err = db->err;
        fbk__err_clear(db);
    }
}

/* All of them in one transaction, which has begun; what failed took all of it back. */
static fbk_status
group_run(fbk *db, fbk__group_request *me)
{
    fbk_status rc = FBK_OK;

    for (fbk__group_request *r = me; r && rc >= 0; r = r->next)
        rc = r->rc = r->fn(db, r->user_data);
    return fbk__write_end(db, rc);
}

static void
group_lead(fbk__group *group, fbk *db, fbk__group_request *me)
{
    fbk_status rc;

    if (group->crowded)
        (void)sched_yield();
    me->rc = fbk__write_begin_until(db, me->deadline_ns);
    if (me->rc < 0)
        return; /* who else waits has a deadline of his own */
    group_take(group, me);
    rc = group_run(db, me);
    if (rc >= 0)
        return;
    if (!me->next) {
        me->rc = rc;
        return;
    }
    /* Each for itself, so that one does not fail for another; the leader's own last, because its
     * error text stays on this connection. */
    fbk__err_clear(db);
    for (fbk__group_request *r = me->next; r; r = r->next)
        group_alone(db, r);
    group_alone(db, me);
}

/* Let those written for go, and the next one lead. */
static void
group_finish(fbk__group *group, fbk__group_request *me)
{
    fbk__group_request *next;

    (void)pthread_mutex_lock(&group->lock);
    group->crowded = me->next || group->first;
    for (fbk__group_request *r = me->next; r; r = next) {
        next = r->next; /* gone as soon as it is done */
        r->done = true;
        (void)pthread_cond_signal(&r->cond);
    }
    next = group_pop(group);
    group->leading = next != NULL;
    if (next) {
        next->leads = true;
        (void)pthread_cond_signal(&next->cond);
    }
    (void)pthread_mutex_unlock(&group->lock);
}

fbk_status
fbk__write_together(fbk *db, fbk__write_fn fn, void *user_data)
{
    fbk_store *store = db->conn->store;
    fbk__group *group = &store->group;
    fbk__group_request me = {
        .db = db, .fn = fn, .user_data = user_data, .deadline_ns = fbk__write_deadline(store)};

    if (db->conn->write_depth > 0) { /* part of a larger transaction */
        me.rc = fn(db, user_data);
        return me.rc < 0 ? fbk__write_failed(db, me.rc) : me.rc;
    }
    (void)pthread_mutex_lock(&group->lock);
    if (group->leading) {
        (void)pthread_cond_init(&me.cond, NULL);
        group_push(group, &me);
        while (!me.done && !me.leads)
            (void)pthread_cond_wait(&me.cond, &group->lock);
        (void)pthread_mutex_unlock(&group->lock);
        (void)pthread_cond_destroy(&me.cond);
        if (me.done)
            return me.rc;
    } else {
        group->leading = true;
        (void)pthread_mutex_unlock(&group->lock);
    }
    group_lead(group, db, &me);
    group_finish(group, &me);
    return me.rc;
}
