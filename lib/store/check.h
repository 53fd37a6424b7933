/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/store.h"

/* Looking for damage; the backup proves its copy with the same code. */

typedef struct fbk__check {
    fbk *db;
    fbk__handle handle; /* of its own: a cold cache, and no deadline */
    bool shared;        /* others may be writing the file: look twice under the lease */
    fbk_store_check_options opt;
    fbk_store_check_result result;
    uint64_t done; /* steps and pages */
    uint64_t total;
    uint64_t scale;     /* of a page, in the units that progress is told in; 0 = 1 */
    uint64_t base;      /* units done before, which were half of all; 0 = none */
    int64_t told_ns;    /* when progress was last told */
    fbk_status stopped; /* what a callback asked for */
    char first[256];    /* the first problem */
} fbk__check;

/** Make ready: check->db, opt, and the file to look at. On failure there is nothing to end. */
fbk_status
fbk__check_begin(fbk__check *check, const char *path) FBK_MUST_USE;

void
fbk__check_end(fbk__check *check);

/** Header and sizes, then what opt.level asks for. Problems are counted, not returned. */
fbk_status
fbk__check_run(fbk__check *check) FBK_MUST_USE;

#endif
