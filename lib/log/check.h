/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_CHECK_H
#define LOG_CHECK_H

#include "log/engine.h"
#include "log/salvage.h"

/* The check of the log: check.c looks at events, links and totals, check_keys.c at what finds
 * them. */

enum { FBK__CHECK_KEYS = 1 << 21 /* held at a time: 56 MiB */ };

typedef struct fbk__log_checking {
    fbk *db;
    fbk__view *view;
    fbk__codec codec;
    fbk__frame frame;
    fbk__run_block *block;
    fbk__log_refs *refs;   /* of all events; may be NULL */
    fbk__bitset words;     /* that there are */
    fbk__log_total sealed; /* counted in the segments */
    uint64_t sealed_nodes; /* before the tail's */
    uint64_t keys_at_once;
    fbk_problem_fn problem;
    void *user_data;
    uint64_t bad;
    fbk_errinfo first; /* the first damage */
} fbk__log_checking;

/** Count a finding, which is on the connection; anything but damage is returned. */
fbk_status
fbk__check_finding(fbk__log_checking *c, fbk_status rc) FBK_MUST_USE;

/** The ids of all events against the runs and what was erased, and the identifiers' values against
 *  theirs: both ways, exactly, a part of the keys at a time. */
fbk_status
fbk__check_ids(fbk__log_checking *c) FBK_MUST_USE;
fbk_status
fbk__check_idents(fbk__log_checking *c) FBK_MUST_USE;

#endif
