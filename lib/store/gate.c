/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/gate.h"

#include <stddef.h>
#include <time.h>

struct fbk__gate_waiter {
    pthread_cond_t cond;
    bool passed;
    fbk__gate_waiter *next;
};

void
fbk__gate_init(fbk__gate *gate)
{
    (void)pthread_mutex_init(&gate->lock, NULL);
    gate->taken = false;
    gate->first = NULL;
    gate->last = NULL;
}

void
fbk__gate_destroy(fbk__gate *gate)
{
    (void)pthread_mutex_destroy(&gate->lock);
}

static void
gate_forget(fbk__gate *gate, const fbk__gate_waiter *me)
{
    fbk__gate_waiter *before = NULL;

    for (fbk__gate_waiter *w = gate->first; w; before = w, w = w->next) {
        if (w != me)
            continue;
        if (before)
            before->next = w->next;
        else
            gate->first = w->next;
        if (gate->last == me)
            gate->last = before;
        return;
    }
}

bool
fbk__gate_enter(fbk__gate *gate, int64_t deadline_ns)
{
    struct timespec until = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    fbk__gate_waiter me = {.passed = false, .next = NULL};
    int rc = 0;

    (void)pthread_mutex_lock(&gate->lock);
    if (!gate->taken) {
        gate->taken = true;
        (void)pthread_mutex_unlock(&gate->lock);
        return true;
    }
    (void)pthread_cond_init(&me.cond, NULL);
    if (gate->last)
        gate->last->next = &me;
    else
        gate->first = &me;
    gate->last = &me;
    while (!me.passed && rc == 0)
        rc = pthread_cond_clockwait(&me.cond, &gate->lock, CLOCK_MONOTONIC, &until);
    if (!me.passed)
        gate_forget(gate, &me);
    (void)pthread_mutex_unlock(&gate->lock);
    (void)pthread_cond_destroy(&me.cond);
    return me.passed;
}

void
fbk__gate_leave(fbk__gate *gate)
{
    fbk__gate_waiter *w;

    (void)pthread_mutex_lock(&gate->lock);
    w = gate->first;
    if (w) {
        /* Handed over: `taken` stays, so that nobody can slip in between. */
        gate->first = w->next;
        if (!gate->first)
            gate->last = NULL;
        w->passed = true;
        (void)pthread_cond_signal(&w->cond);
    } else {
        gate->taken = false;
    }
    (void)pthread_mutex_unlock(&gate->lock);
}
