/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "log/append.h"
#include "log/exchange.h"

/* Erasing: the events of some nodes, the values of their identifiers, their links, and what was
 * set aside as conflicts about them. The ids of the events stay, so that a file that is sent again
 * does not bring the person back. The tail is sealed first; frames that hold an event of these
 * nodes are written anew without it and the old ones deleted, zeroed by SQLite. */

const char fbk__log_erased_key[] = "log.erased_us";

typedef struct erase {
    fbk *db;
    fbk__engine *engine;
    const uint32_t *nodes;
    size_t n_nodes;
    uint64_t events;
    uint64_t lines;
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

static bool
erase_has(const erase *s, int64_t node)
{
    size_t low = 0;
    size_t high = s->n_nodes;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (s->nodes[mid] < node)
            low = mid + 1;
        else
            high = mid;
    }
    return node > 0 && low < s->n_nodes && s->nodes[low] == node;
}

/* -- one event --------------------------------------------------------------------------------- */

/* The id stays; conflicts about it go. */
static fbk_status
erase_id(erase *s, const fbk__frame *f, uint32_t i)
{
    static const char keep_sql[] = "INSERT INTO log_erased (id) VALUES (?1) "
                                   "ON CONFLICT (id) DO NOTHING";
    static const char conflict_sql[] = "DELETE FROM event_conflict WHERE id = ?1";
    const char *const sql[2] = {keep_sql, conflict_sql};
    fbk__key id =
        fbk__key_of_id(f->ids.bytes + f->ids.offsets[i], f->ids.offsets[i + 1] - f->ids.offsets[i]);
    fbk_status rc = FBK_OK;

    for (int k = 0; rc >= 0 && k < 2; k++) {
        fbk__stmt *st = NULL;

        rc = fbk__stmt_get(s->db, sql[k], &st);
        if (rc < 0)
            break;
        fbk__bind_blob(st, 1, &id, sizeof id);
        rc = fbk__step_done(st);
        fbk__stmt_put(st);
    }
    return rc;
}

/* Evidence that the erased event gave for identifiers that stay. */
static fbk_status
erase_evidence(erase *s, const fbk__frame *f, const fbk__frame_index *index, uint32_t i)
{
    static const char less_sql[] = "UPDATE log_link SET count = count - 1 "
                                   "WHERE a = ?1 AND b = ?2 AND rule = 1";
    static const char gone_sql[] = "DELETE FROM log_link WHERE a = ?1 AND b = ?2 AND rule = 1 "
                                   "AND count <= 0";
    const int64_t *extra = f->extra + index->extra[i];
    uint32_t n = index->extra[i + 1] - index->extra[i];
    fbk_status rc = FBK_OK;

    for (uint32_t j = 0; j <= n && rc >= 0; j++) {
        for (uint32_t k = j + 1; k <= n && rc >= 0; k++) {
            int64_t x = j ? extra[j - 1] : f->ev[FBK__EV_NODE][i];
            int64_t y = extra[k - 1];

            rc = erase_run(s->db, less_sql, x < y ? x : y, x < y ? y : x);
            if (rc >= 0)
                rc = erase_run(s->db, gone_sql, x < y ? x : y, x < y ? y : x);
        }
    }
    return rc;
}

/* -- frames ------------------------------------------------------------------------------------ */

/* Write frame k of a segment without the events of these nodes; *changed when there were some. */
static fbk_status
erase_frame(erase *s, fbk__segment *segment, uint32_t k, bool *changed)
{
    fbk__frame all;
    fbk__frame left;
    fbk__frame_index index = {NULL, NULL, NULL};
    uint64_t before = s->events;
    fbk_status rc;

    fbk__frame_init(&all, fbk__a(s->db));
    fbk__frame_init(&left, fbk__a(s->db));
    rc = fbk__segment_read(s->db, &s->engine->codec, segment, k, (1u << FBK__N_FC) - 1, &all);
    if (rc >= 0)
        rc = fbk__frame_index_make(&all, &index);
    if (rc == FBK_ENOMEM)
        rc = fbk__nomem(s->db);
    for (uint32_t i = 0; rc >= 0 && i < all.n.events; i++) {
        if (!erase_has(s, all.ev[FBK__EV_NODE][i])) {
            rc = fbk__frame_copy(&left, &all, &index, i) < 0 ? fbk__nomem(s->db) : FBK_OK;
            continue;
        }
        rc = erase_id(s, &all, i);
        if (rc >= 0)
            rc = erase_evidence(s, &all, &index, i);
        s->events++;
        s->lines += (uint64_t)all.ev[FBK__EV_N_LINES][i];
    }
    *changed = s->events != before;
    if (rc >= 0 && *changed)
        rc = fbk__segment_replace(s->db, &s->engine->codec, segment, k, &left);
    fbk__frame_index_free(&index, fbk__a(s->db));
    fbk__frame_free(&all);
    fbk__frame_free(&left);
    return rc;
}

/* On a copy of the segment of its own: readers hold the one in the view. */
static fbk_status
erase_segment(erase *s, int64_t id)
{
    fbk__segment *segment = NULL;
    bool any = false;
    fbk_status rc = fbk__segment_load(s->db, id, &segment);

    for (size_t n = 0; rc >= 0 && n < s->n_nodes; n++) {
        uint32_t k = fbk__segment_find(segment, s->nodes[n]);

        while (rc >= 0 && k < segment->n_frames && segment->frames[k].min_node <= s->nodes[n]) {
            uint32_t frames = segment->n_frames;
            bool changed = false;

            rc = erase_frame(s, segment, k, &changed);
            any |= changed;
            k += segment->n_frames == frames; /* an empty one is gone */
        }
    }
    if (rc >= 0 && any)
        rc = fbk__segment_rewrite(s->db, &s->engine->codec, segment);
    fbk__segment_unref(segment);
    return rc;
}

/* -- identifiers ------------------------------------------------------------------------------- */

/* Conflicts that named this identifier. */
static fbk_status
erase_conflicts(erase *s, uint32_t node)
{
    static const char sql[] =
        "DELETE FROM event_conflict WHERE conflict IN "
        "(SELECT conflict FROM event_conflict_ident WHERE ident BETWEEN ?1 AND ?2)";
    fbk__buf value;
    uint32_t space;
    fbk_status rc;

    fbk__buf_init(&value, fbk__a(s->db));
    rc = fbk__node_value(s->db, node, &space, &value);
    if (rc >= 0) {
        int64_t ident = fbk__ident_hash(space, value.data, value.len);

        rc = erase_run(s->db, sql, ident, ident);
        if (rc >= 0)
            rc = fbk__tomb_make(s->db, space, value.data, value.len);
        if (rc >= 0)
            rc = fbk__runs_forget(s->db, s->engine, space, value.data, value.len);
    } else if (rc == FBK_ENOTFOUND) {
        rc = FBK_OK; /* erased before */
    }
    fbk__buf_free(&value);
    return rc;
}

static fbk_status
erase_node(erase *s, uint32_t node)
{
    static const char link_sql[] = "DELETE FROM log_link WHERE a = ?1 OR b = ?2";
    fbk_status rc = erase_conflicts(s, node);

    if (rc >= 0)
        rc = erase_run(s->db, link_sql, node, node);
    return rc < 0 ? rc : fbk__node_forget(s->db, &s->engine->codec, node);
}

/* -- all of it --------------------------------------------------------------------------------- */

static void
erase_times(const fbk__sets *sets, fbk__log_total *total)
{
    total->first_us = total->last_us = FBK_TIME_NONE;
    for (uint32_t i = 0; i < sets->n_segments; i++) {
        const fbk__segment *segment = sets->segments[i];

        if (i == 0 || segment->min_us < total->first_us)
            total->first_us = segment->min_us;
        if (i == 0 || segment->max_us > total->last_us)
            total->last_us = segment->max_us;
    }
}

fbk_status
fbk__erase_show(fbk *db, fbk__engine *engine, uint64_t events, uint64_t lines)
{
    fbk__view *view = NULL;
    fbk__sets *sets = NULL;
    fbk_status rc = fbk__sets_load(db, engine->writing->sets, &sets);

    if (rc < 0)
        return rc;
    rc = fbk__view_copy(db, engine->writing, &view);
    if (rc < 0) {
        fbk__sets_unref(sets);
        return rc;
    }
    fbk__sets_unref(view->sets);
    view->sets = sets;
    view->epoch++;
    view->erasures++;
    view->total.events -= events;
    view->total.lines -= lines;
    erase_times(sets, &view->total);
    rc = fbk__state_write(db,
                          &(fbk__state){view->epoch, view->erasures, view->last_seq, view->total});
    if (rc < 0) {
        fbk__view_unref(view);
        return rc;
    }
    return fbk__engine_set(db, engine, view);
}

/* The bytes are only surely gone when the file was rewritten: maintenance does that, and looks here
 * for how long it has been waited for. */
fbk_status
fbk__erase_note(fbk *db)
{
    char text[24];
    char *since = NULL;
    fbk_status rc = fbk__meta_get(db, fbk__log_erased_key, &since);

    if (rc == FBK_ENOTFOUND || (rc >= 0 && strcmp(since, "0") == 0)) {
        fbk__err_clear(db);
        (void)snprintf(text, sizeof text, "%lld", (long long)fbk__log_now_us());
        rc = fbk__meta_set(db, fbk__log_erased_key, text);
    }
    fbk__free(fbk__a(db), since);
    return rc;
}

static fbk_status
erase_all(erase *s)
{
    static const char idents_sql[] = "DELETE FROM event_conflict_ident WHERE conflict NOT IN "
                                     "(SELECT conflict FROM event_conflict)";
    const fbk__sets *sets;
    fbk_status rc = fbk__write_erasing(s->db);

    if (rc >= 0)
        rc = fbk__engine_begin(s->db, s->engine);
    if (rc >= 0)
        rc = fbk__seal(s->db, s->engine, NULL);
    if (rc < 0)
        return rc;
    sets = s->engine->writing->sets;
    for (size_t i = 0; rc >= 0 && i < s->n_nodes; i++) {
        if (s->nodes[i]) /* 0 is nobody: there is nobody to erase */
            rc = erase_node(s, s->nodes[i]);
    }
    for (uint32_t i = 0; rc >= 0 && i < sets->n_segments; i++)
        rc = erase_segment(s, sets->segments[i]->id);
    /* What was merged away holds the same events. */
    if (rc >= 0)
        rc = fbk__clear_dead(s->db, s->engine);
    if (rc >= 0)
        rc = fbk__exec(s->db, idents_sql);
    if (rc >= 0)
        rc = fbk__erase_note(s->db);
    if (rc >= 0)
        rc = fbk__erase_show(s->db, s->engine, s->events, s->lines);
    fbk__cache_clear(s->engine);
    return rc < 0 ? rc : fbk__generation_bump(s->db, FBK__KIND_IDENTITY);
}

fbk_status
fbk__log_erase_nodes(fbk *db, const uint32_t *nodes, size_t n_nodes, uint64_t *out_events)
{
    erase s = {.db = db, .nodes = nodes, .n_nodes = n_nodes};
    fbk_status rc = fbk__engine_get(db, &s.engine);

    if (rc < 0)
        return rc;
    rc = fbk__write_begin(db);
    if (rc >= 0)
        rc = fbk__write_end(db, erase_all(&s));
    fbk__shared_release(&s.engine->head);
    if (rc >= 0)
        *out_events = s.events;
    return rc;
}
