/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/snapshot.h"

fbk_status
fbk__snapshot_acquire(fbk *db, const fbk__snapshot_class *cls, fbk__shared **out)
{
    fbk__shared *shared = fbk__shared_acquire(db, cls);
    uint64_t generation = 0;
    fbk_status rc = fbk__generation(db, cls->kind, &generation);

    if (rc < 0 || (shared && shared->generation == generation))
        goto out;
    fbk__shared_release(shared);
    shared = NULL;
    /* Generation and content must come from the same state of the file. */
    rc = fbk__read_begin(db);
    if (rc < 0)
        goto out;
    rc = fbk__generation(db, cls->kind, &generation);
    if (rc >= 0)
        rc = cls->build(db, &shared);
    fbk__read_end(db);
    if (rc < 0)
        goto out;
    shared->generation = generation;
    if (!fbk__writing(db))
        rc = fbk__shared_publish(db, cls, shared);
out:
    if (rc < 0) {
        fbk__shared_release(shared);
        return rc;
    }
    *out = shared;
    return FBK_OK;
}
