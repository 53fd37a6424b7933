/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include <pthread.h>
#include <stdbool.h>

/* Group commit: threads that want to write while another one commits wait in a queue; the first of
 * them then writes for all, and one sync makes all of it durable (fbk__write_together). */

typedef struct fbk__group_request fbk__group_request;

typedef struct fbk__group {
    pthread_mutex_t lock;
    bool leading; /* somebody writes for himself and who is taken from the queue */
    bool crowded; /* the last one wrote for several: give the others a chance to queue up */
    int n_waiting;
    fbk__group_request *first;
    fbk__group_request *last;
} fbk__group;

void
fbk__group_init(fbk__group *group);

void
fbk__group_destroy(fbk__group *group);

#endif
