/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_sqlmem.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

tk_sqlmem tk_sqlmem_state = {.fail_at = -1};
static sqlite3_mem_methods real;

static int
sqlmem_fails(void)
{
    tk_sqlmem *s = &tk_sqlmem_state;
    int64_t k = __atomic_fetch_add(&s->n_calls, 1, __ATOMIC_RELAXED);

    return s->fail_at >= 0 && (k == s->fail_at || (s->persistent && k > s->fail_at));
}

static void *
sqlmem_malloc(int n)
{
    void *p = sqlmem_fails() ? NULL : real.xMalloc(n);

    if (p)
        (void)__atomic_fetch_add(&tk_sqlmem_state.n_live, 1, __ATOMIC_RELAXED);
    return p;
}

static void *
sqlmem_realloc(void *p, int n)
{
    return sqlmem_fails() ? NULL : real.xRealloc(p, n);
}

static void
sqlmem_free(void *p)
{
    if (p)
        (void)__atomic_fetch_sub(&tk_sqlmem_state.n_live, 1, __ATOMIC_RELAXED);
    real.xFree(p);
}

void
tk_sqlmem_install(void)
{
    sqlite3_mem_methods ours;

    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK) {
        (void)fprintf(stderr, "SQLite was in use already\n");
        exit(1);
    }
    ours = real;
    ours.xMalloc = sqlmem_malloc;
    ours.xRealloc = sqlmem_realloc;
    ours.xFree = sqlmem_free;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK ||
        sqlite3_initialize() != SQLITE_OK) {
        (void)fprintf(stderr, "SQLite did not take another allocator\n");
        exit(1);
    }
}
