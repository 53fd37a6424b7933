/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TK_SQLMEM_H
#define SUPPORT_TK_SQLMEM_H

#include <stdint.h>

/* SQLite's allocator, made to count and to fail. One for the process, because SQLite's is. */

typedef struct tk_sqlmem {
    int64_t n_calls;    /* allocations asked for, atomic */
    int64_t n_live;     /* blocks not freed */
    int64_t fail_at;    /* the k-th (from 0) fails; -1 = never */
    int32_t persistent; /* and all after it */
    int32_t reserved0;
} tk_sqlmem;

extern tk_sqlmem tk_sqlmem_state;

/** First thing in main(), before anything uses SQLite. */
void
tk_sqlmem_install(void);

#endif
