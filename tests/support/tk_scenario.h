/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TK_SCENARIO_H
#define SUPPORT_TK_SCENARIO_H

#include <feedback/store.h>

#include <stdbool.h>

/* What is done to a store while something fails: the same for memory and for files. */

typedef struct tk_scenario tk_scenario;

struct tk_scenario {
    const char *name;
    void (*run)(tk_scenario *me);
    /* What the test sets. `allowed` says whether a call may fail with this code. */
    const fbk_allocator *allocator;
    const char *vfs;
    bool (*allowed)(fbk_status code);
    void (*calm)(void); /* stop failing, while the handles are still open */
    const char *path;   /* of the store; its directory is the scenario's own */
    /* What came out. */
    int n_failed;    /* calls that failed */
    int n_attempted; /* increments tried, and acknowledged */
    int n_acked;
};

extern const tk_scenario tk_scenarios[];
extern const int tk_n_scenarios;

/** Make `path` ready: a directory of its own, with a store unless the scenario makes it. */
void
tk_scenario_prepare(const tk_scenario *me, const char *dir, const char *base);

/** A store that the scenarios start from: tables t (one counter) and fbk_blob with a value. */
void
tk_scenario_make_base(const char *path);

/** After the run, with nothing failing any more: the store is sound and holds what was acknowledged,
 *  and nothing else lies about. */
void
tk_scenario_verify(const tk_scenario *me, const char *dir);

#endif
