/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

/* What the file says it is, and how a store of an older version becomes one of this version. */

#include <feedback/store.h>

#include "base/err.h"

/** PRAGMA application_id of a store: 'FBK1'. */
enum { FBK__APPLICATION_ID = 0x46424b31 };

/** The embedded text of schema_v1.sql. */
extern const char fbk__schema_v1[];

/** One step forward: from version `to - 1` (0 = an empty file) to `to`. */
typedef struct fbk__migration {
    int to;
    const char *sql;
} fbk__migration;

/** The steps of this version of the library, in order; the last one's `to` is its schema
 *  version. */
extern const fbk__migration fbk__migrations[];
extern const int fbk__n_migrations;

/** Bring the file of the store's writer to the version of the last step, in one transaction. The
 *  caller holds the lease, but no transaction; on a store opened read-only the writer may be a
 *  read-only handle, and the file is only looked at.
 *
 *  @param fresh options of a new store; NULL = an empty file is no store.
 *  @retval FBK_ECORRUPT  not a store, or another application's file.
 *  @retval FBK_ESCHEMA   newer than the last step.
 *  @retval FBK_EREADONLY older, and the store was opened read-only. */
fbk_status
fbk__migrate(fbk *db, const fbk__migration *steps, int n_steps, const fbk_store_options *fresh)
    FBK_MUST_USE;

#endif
