/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/engine.h"

fbk_status
fbk__log_count(fbk *db, fbk__log_counts *out)
{
    static const char link_sql[] = "SELECT count(*) FROM log_link";
    static const char conflict_sql[] = "SELECT count(*) FROM event_conflict";
    static const char erased_sql[] = "SELECT count(*) FROM log_erased";
    fbk__log_counts counts = {0};
    int64_t n_links = 0;
    int64_t n_conflicts = 0;
    int64_t n_erased = 0;
    fbk__view *view = NULL;
    fbk_status rc = fbk__read_begin(db);

    if (rc < 0)
        return rc;
    rc = fbk__view_get(db, &view);
    if (rc >= 0)
        rc = fbk__stmt_int(db, link_sql, &n_links);
    if (rc >= 0)
        rc = fbk__stmt_int(db, conflict_sql, &n_conflicts);
    if (rc >= 0)
        rc = fbk__stmt_int(db, erased_sql, &n_erased);
    if (rc >= 0) {
        counts.links = (uint64_t)n_links;
        counts.conflicts = (uint64_t)n_conflicts;
        counts.erased = (uint64_t)n_erased;
        counts.events = view->total.events;
        counts.lines = view->total.lines;
        counts.nodes = view->total.nodes;
        counts.first_us = view->total.first_us;
        counts.last_us = view->total.last_us;
        *out = counts;
    }
    fbk__view_unref(view);
    fbk__read_end(db);
    return rc;
}

fbk_status
fbk__log_storage_read(fbk *db, fbk__log_storage *out)
{
    static const char sql[] = "SELECT (SELECT count(*) FROM log_segment WHERE state = 1),"
                              " (SELECT count(*) FROM log_run WHERE state = 1),"
                              " (SELECT coalesce(sum(bytes), 0) FROM log_segment WHERE state = 1)"
                              " + (SELECT coalesce(sum(bytes), 0) FROM log_run WHERE state = 1),"
                              " (SELECT coalesce(sum(bytes), 0) FROM log_segment WHERE state = 2)"
                              " + (SELECT coalesce(sum(bytes), 0) FROM log_run WHERE state = 2),"
                              " sealed_bytes, merged_bytes FROM log_state WHERE one = 1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out = (fbk__log_storage){
            (uint64_t)fbk__column_int64(st, 0), (uint64_t)fbk__column_int64(st, 1),
            (uint64_t)fbk__column_int64(st, 2), (uint64_t)fbk__column_int64(st, 3),
            (uint64_t)fbk__column_int64(st, 4), (uint64_t)fbk__column_int64(st, 5)};
    fbk__stmt_put(st);
    if (rc == FBK_DONE)
        return fbk__fail(db, FBK_ECORRUPT, "the state of the event log was missing");
    return rc;
}
