/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/row.h"

/* Erasing: the events of some nodes, the values of their identifiers, their links, and what was
 * set aside as conflicts about them. The ids of the events stay, so that a file that is sent again
 * does not bring the person back. */

typedef struct erase {
    fbk *db;
    fbk__log_total total;
    fbk__row row;
    uint64_t events;
} erase;

/* A statement with one or two integers and no rows. */
static fbk_status
erase_run(fbk *db, const char *sql, int64_t first, int64_t second)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, first);
    fbk__bind_int64(st, 2, second);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

static const char erase_conflict_sql[] =
    "DELETE FROM event_conflict WHERE conflict = ?1 OR event = ?2";
static const char erase_conflict_ident_sql[] =
    "DELETE FROM event_conflict_ident WHERE conflict NOT IN (SELECT conflict FROM event_conflict)";

static fbk_status
erase_id(erase *s)
{
    static const char sql[] = "UPDATE log_id SET content = NULL WHERE id = ?1";
    unsigned char id[16];
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(s->db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__hash_bytes(fbk__hash128_of(s->row.body.data + s->row.id.at, s->row.id.len), id);
    fbk__bind_blob(st, 1, id, sizeof id);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc >= 0 && fbk__changes(s->db) != 1)
        rc = fbk__row_corrupt(s->db, s->row.head.event, "its id was not in the table of ids");
    return rc;
}

/* Evidence that the erased event gave for identifiers that stay. */
static fbk_status
erase_evidence(erase *s)
{
    static const char less_sql[] = "UPDATE log_link SET count = count - 1 "
                                   "WHERE a = ?1 AND b = ?2 AND rule = 1";
    static const char gone_sql[] = "DELETE FROM log_link WHERE a = ?1 AND b = ?2 AND rule = 1 "
                                   "AND count <= 0";
    fbk_status rc = FBK_OK;

    for (size_t i = 0; i < s->row.n_nodes && rc >= 0; i++) {
        for (size_t j = i + 1; j < s->row.n_nodes && rc >= 0; j++) {
            uint32_t x = s->row.nodes[i];
            uint32_t y = s->row.nodes[j];

            rc = erase_run(s->db, less_sql, x < y ? x : y, x < y ? y : x);
            if (rc >= 0)
                rc = erase_run(s->db, gone_sql, x < y ? x : y, x < y ? y : x);
            if (rc >= 0)
                s->total.links -= (uint64_t)fbk__changes(s->db);
        }
    }
    return rc;
}

static fbk_status
erase_event(erase *s)
{
    static const char sql[] = "DELETE FROM log_event WHERE event = ?1 AND node = ?2";
    int64_t event = (int64_t)s->row.head.event;
    fbk_status rc = erase_id(s);

    if (rc < 0)
        return rc;
    rc = erase_evidence(s);
    if (rc < 0)
        return rc;
    rc = erase_run(s->db, erase_conflict_sql, -1, event);
    if (rc < 0)
        return rc;
    s->total.conflicts -= (uint64_t)fbk__changes(s->db);
    rc = erase_run(s->db, sql, event, s->row.head.node);
    if (rc < 0)
        return rc;
    s->total.events--;
    s->total.lines -= s->row.head.n_lines;
    s->total.erased++;
    s->events++;
    return FBK_OK;
}

static fbk_status
erase_node_events(erase *s, uint32_t node)
{
    static const char sql[] = "SELECT " FBK__ROW_COLUMNS " FROM log_event WHERE node = ?1 LIMIT 1";

    for (;;) {
        fbk__stmt *st = NULL;
        fbk_status rc = fbk__stmt_get(s->db, sql, &st);

        if (rc < 0)
            return rc;
        fbk__bind_int64(st, 1, node);
        rc = fbk__step(st);
        if (rc == FBK_OK)
            rc = fbk__row_load(s->db, st, &s->row);
        fbk__stmt_put(st);
        if (rc != FBK_OK)
            return rc < 0 ? rc : FBK_OK;
        rc = erase_event(s);
        if (rc < 0)
            return rc;
    }
}

/* Conflicts that named this identifier. */
static fbk_status
erase_node_conflicts(erase *s, int64_t ident)
{
    static const char sql[] = "SELECT conflict FROM event_conflict_ident WHERE ident = ?1 LIMIT 1";

    for (;;) {
        int64_t conflict = 0;
        fbk__stmt *st = NULL;
        fbk_status rc = fbk__stmt_get(s->db, sql, &st);

        if (rc < 0)
            return rc;
        fbk__bind_int64(st, 1, ident);
        rc = fbk__step(st);
        if (rc == FBK_OK)
            conflict = fbk__column_int64(st, 0);
        fbk__stmt_put(st);
        if (rc != FBK_OK)
            return rc < 0 ? rc : FBK_OK;
        rc = erase_run(s->db, erase_conflict_sql, conflict, -1);
        if (rc < 0)
            return rc;
        s->total.conflicts -= (uint64_t)fbk__changes(s->db);
        rc = fbk__exec(s->db, erase_conflict_ident_sql);
        if (rc < 0)
            return rc;
    }
}

static fbk_status
erase_node(erase *s, uint32_t node)
{
    static const char node_sql[] =
        "UPDATE log_node SET value = NULL, space = 0 WHERE node = ?1 AND node = ?2";
    static const char link_sql[] = "DELETE FROM log_link WHERE a = ?1 OR b = ?2";
    fbk__buf value;
    uint32_t space;
    fbk_status rc;

    fbk__buf_init(&value, fbk__a(s->db));
    rc = fbk__node_value(s->db, node, &space, &value);
    if (rc >= 0)
        rc = erase_node_conflicts(s, fbk__ident_hash(space, value.data, value.len));
    else if (rc == FBK_ENOTFOUND)
        rc = FBK_OK; /* erased before */
    fbk__buf_free(&value);
    if (rc < 0)
        return rc;
    rc = erase_node_events(s, node);
    if (rc < 0)
        return rc;
    rc = erase_run(s->db, link_sql, node, node);
    if (rc < 0)
        return rc;
    s->total.links -= (uint64_t)fbk__changes(s->db);
    return erase_run(s->db, node_sql, node, node);
}

/* The first and last time that are left. */
static fbk_status
erase_times(erase *s)
{
    static const char sql[] = "SELECT min(occurred_us), max(occurred_us) FROM log_event";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(s->db, sql, &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        bool none = fbk__column_is_null(st, 0);

        s->total.first_us = none ? FBK_TIME_NONE : fbk__column_int64(st, 0);
        s->total.last_us = none ? FBK_TIME_NONE : fbk__column_int64(st, 1);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
erase_all(erase *s, const uint32_t *nodes, size_t n_nodes)
{
    fbk_status rc = fbk__write_erasing(s->db);

    if (rc < 0)
        return rc;
    rc = fbk__log_total_read(s->db, &s->total);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n_nodes && rc >= 0; i++) {
        if (nodes[i]) /* 0 is nobody: there is nobody to erase */
            rc = erase_node(s, nodes[i]);
    }
    if (rc < 0)
        return rc;
    rc = fbk__exec(s->db, erase_conflict_ident_sql);
    if (rc >= 0)
        rc = erase_times(s);
    if (rc >= 0)
        rc = fbk__log_total_write(s->db, &s->total);
    if (rc >= 0)
        rc = fbk__generation_bump(s->db, FBK__KIND_LOG);
    if (rc >= 0)
        rc = fbk__generation_bump(s->db, FBK__KIND_IDENTITY);
    return rc;
}

fbk_status
fbk__log_erase_nodes(fbk *db, const uint32_t *nodes, size_t n_nodes, uint64_t *out_events)
{
    erase s = {.db = db};
    fbk_status rc = fbk__write_begin(db);

    if (rc < 0)
        return rc;
    fbk__row_init(&s.row, fbk__a(db));
    rc = erase_all(&s, nodes, n_nodes);
    fbk__row_free(&s.row);
    rc = fbk__write_end(db, rc);
    if (rc >= 0)
        *out_events = s.events;
    return rc;
}
