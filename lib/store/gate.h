/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_GATE_H
#define STORE_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* One thread at a time, in the order of arrival, with a timeout. A plain mutex would let a busy
 * thread take it again and again before a waiting one wakes up. */

typedef struct fbk__gate_waiter fbk__gate_waiter;

typedef struct fbk__gate {
    pthread_mutex_t lock;
    bool taken;
    fbk__gate_waiter *first;
    fbk__gate_waiter *last;
} fbk__gate;

void
fbk__gate_init(fbk__gate *gate);

void
fbk__gate_destroy(fbk__gate *gate);

/** @retval false the deadline (monotonic, ns) passed. */
bool
fbk__gate_enter(fbk__gate *gate, int64_t deadline_ns);

void
fbk__gate_leave(fbk__gate *gate);

#endif
