/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "store/schema.h"
#include "store/stmt.h"
#include "store/store.h"

const fbk__migration fbk__migrations[] = {
    {1, fbk__schema_v1},
};
const int fbk__n_migrations = (int)(sizeof fbk__migrations / sizeof fbk__migrations[0]);

/* What the file says it is: 0 = empty, else its schema version. */
static fbk_status
migrate_read_version(fbk *db, fbk__handle *h, int64_t *out)
{
    int64_t id = 0;
    int64_t n_pages = 0;
    fbk_status rc = fbk__handle_int(db, h, "PRAGMA page_count", &n_pages);

    if (rc >= 0)
        rc = fbk__handle_int(db, h, "PRAGMA application_id", &id);
    if (rc >= 0)
        rc = fbk__handle_int(db, h, "PRAGMA user_version", out);
    if (rc < 0)
        return rc;
    if (n_pages == 0) {
        *out = 0;
        return FBK_OK;
    }
    if (id != FBK__APPLICATION_ID)
        return fbk__fail(db, FBK_ECORRUPT,
                         "the file was a SQLite database of another application, not a store");
    if (*out < 1)
        return fbk__fail(db, FBK_ECORRUPT, "the store said that its schema version was %lld",
                         (long long)*out);
    return FBK_OK;
}

static fbk_status
migrate_run(fbk *db, fbk__handle *h, const fbk__migration *steps, int n_steps, int64_t version)
{
    char sql[128];
    fbk_status rc = FBK_OK;

    for (int i = 0; rc >= 0 && i < n_steps; i++) {
        if (steps[i].to > version)
            rc = fbk__handle_exec(db, h, steps[i].sql, "bringing the schema up to date");
    }
    if (rc < 0)
        return rc;
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                   FBK__APPLICATION_ID, steps[n_steps - 1].to);
    return fbk__handle_exec(db, h, sql, "bringing the schema up to date");
}

fbk_status
fbk__migrate(fbk *db, const fbk__migration *steps, int n_steps, const fbk_store_options *fresh)
{
    fbk__handle *h = &db->conn->store->writer;
    int64_t version = 0;
    int latest = steps[n_steps - 1].to;
    fbk_status rc = migrate_read_version(db, h, &version);

    if (rc < 0)
        return rc;
    if (version > latest)
        return fbk__fail(db, FBK_ESCHEMA,
                         "the store had schema version %lld, made by a newer libfeedback; this "
                         "one knows up to %d",
                         (long long)version, latest);
    if (version == latest)
        return FBK_OK;
    if (version == 0 && !fresh)
        return fbk__fail(db, FBK_ECORRUPT, "the file was empty, not a store");
    if (db->conn->store->flags & FBK_STORE_READONLY)
        return fbk__fail(db, FBK_EREADONLY,
                         "the store had the older schema version %lld and must be opened once for "
                         "writing",
                         (long long)version);
    /* Unused pages of a store go back to the file system when maintenance says so, which must be
     * told before its first page is written, and that is what BEGIN EXCLUSIVE does. */
    rc = fbk__handle_exec(db, h,
                          version ? "BEGIN EXCLUSIVE" : "BEGIN; PRAGMA auto_vacuum=INCREMENTAL",
                          "bringing the schema up to date");
    if (rc >= 0)
        rc = migrate_run(db, h, steps, n_steps, version);
    if (rc >= 0 && version == 0)
        rc = fbk__meta_init(db, fresh);
    if (rc >= 0)
        rc = fbk__handle_exec(db, h, "COMMIT", "bringing the schema up to date");
    if (rc < 0)
        fbk__handle_rollback(h);
    return rc;
}
