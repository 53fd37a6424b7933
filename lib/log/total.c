/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/row.h"

/* Running totals, so that counting is cheap. */

static fbk_time
total_time(fbk__stmt *st, int column)
{
    return fbk__column_is_null(st, column) ? FBK_TIME_NONE : fbk__column_int64(st, column);
}

fbk_status
fbk__log_total_read(fbk *db, fbk__log_total *out)
{
    static const char sql[] = "SELECT last_event, events, lines, links, conflicts, erased, "
                              "first_us, last_us FROM log_total WHERE one = 1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        out->last_event = (uint64_t)fbk__column_int64(st, 0);
        out->events = (uint64_t)fbk__column_int64(st, 1);
        out->lines = (uint64_t)fbk__column_int64(st, 2);
        out->links = (uint64_t)fbk__column_int64(st, 3);
        out->conflicts = (uint64_t)fbk__column_int64(st, 4);
        out->erased = (uint64_t)fbk__column_int64(st, 5);
        out->first_us = total_time(st, 6);
        out->last_us = total_time(st, 7);
    } else if (rc == FBK_DONE) {
        rc = fbk__fail(db, FBK_ECORRUPT, "the totals of the event log were missing");
    }
    fbk__stmt_put(st);
    return rc;
}

static void
total_bind_time(fbk__stmt *st, int param, fbk_time t)
{
    if (t == FBK_TIME_NONE)
        fbk__bind_null(st, param);
    else
        fbk__bind_int64(st, param, t);
}

fbk_status
fbk__log_total_write(fbk *db, const fbk__log_total *total)
{
    static const char sql[] =
        "UPDATE log_total SET last_event = ?1, events = ?2, lines = ?3, links = ?4, "
        "conflicts = ?5, erased = ?6, first_us = ?7, last_us = ?8 WHERE one = 1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, (int64_t)total->last_event);
    fbk__bind_int64(st, 2, (int64_t)total->events);
    fbk__bind_int64(st, 3, (int64_t)total->lines);
    fbk__bind_int64(st, 4, (int64_t)total->links);
    fbk__bind_int64(st, 5, (int64_t)total->conflicts);
    fbk__bind_int64(st, 6, (int64_t)total->erased);
    total_bind_time(st, 7, total->first_us);
    total_bind_time(st, 8, total->last_us);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__log_count(fbk *db, fbk__log_counts *out)
{
    fbk__log_total total;
    uint32_t nodes = 0;
    fbk_status rc = fbk__read_begin(db);

    if (rc < 0)
        return rc;
    rc = fbk__log_total_read(db, &total);
    if (rc >= 0)
        rc = fbk__node_count(db, &nodes);
    fbk__read_end(db);
    if (rc < 0)
        return rc;
    *out = (fbk__log_counts){
        .events = total.events,
        .lines = total.lines,
        .nodes = nodes,
        .links = total.links,
        .conflicts = total.conflicts,
        .erased = total.erased,
        .first_us = total.first_us,
        .last_us = total.last_us,
    };
    return FBK_OK;
}
