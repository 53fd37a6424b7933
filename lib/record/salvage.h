/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_SALVAGE_H
#define RECORD_SALVAGE_H

#include "base/err.h"

/** How a table comes out of a damaged store: row by row, or by what the log knows of it. */
enum { FBK__TABLE_PLAIN, FBK__TABLE_LOG };

typedef struct fbk__table_entry {
    const char *name;
    int how;
} fbk__table_entry;

/** Every table of the schema, sorted; a new one is entered here. */
extern const fbk__table_entry fbk__tables[];
extern const size_t fbk__n_tables;

#endif
