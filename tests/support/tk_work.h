/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TK_WORK_H
#define SUPPORT_TK_WORK_H

#include <feedback/store.h>

/* What is done to an event log while something fails: each piece of work is one call, and leaves the
 * store as it was before, or as it is after (several threads: as some of them leave it). */

typedef struct tk_work {
    const char *name;
    void (*prepare)(fbk *db); /* what the store holds before, beside what all of them do */
    fbk_status (*run)(fbk *db);
    uint32_t adds;   /* events */
    uint32_t lines;  /* of each of these; 0 = as their numbers say */
    uint32_t erases; /* nodes 1 … n */
    uint32_t part;   /* so many events are there or not; 0 = all that it adds */
} tk_work;

extern const tk_work tk_works[];
extern const int tk_n_works;

/** Make the store that this work starts from, and note what it holds. */
void
tk_work_prepare(const tk_work *work, const char *path);

/** Read all events: the store is as it was before, or (always when `rc` says so) as it is after;
 *  and it is sound. */
void
tk_work_verify(const tk_work *work, fbk *db, fbk_status rc);

#endif
