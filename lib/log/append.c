/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/row.h"

/* One append: everything in one transaction. */

typedef struct append {
    fbk *db;
    const fbk__batch *batch;
    fbk__log_total total;
    fbk__append_counts counts;
    fbk__buf content; /* of the event at hand */
    fbk__buf body;
    uint32_t *nodes;
    size_t node_cap;
    bool identity_changed;
} append;

/* Claim the id for the event `number`. FBK_OK: it is new. FBK_DONE: it is taken. */
static fbk_status
append_claim(append *s, const unsigned char id[16], uint64_t number,
             const unsigned char content[16])
{
    static const char sql[] = "INSERT INTO log_id (id, event, content) VALUES (?1, ?2, ?3) "
                              "ON CONFLICT (id) DO NOTHING";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(s->db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_blob(st, 1, id, 16);
    fbk__bind_int64(st, 2, (int64_t)number);
    fbk__bind_blob(st, 3, content, 16);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    return fbk__changes(s->db) ? FBK_OK : FBK_DONE;
}

/* Why it was taken, and by which event. */
static fbk_status
append_judge(append *s, const unsigned char id[16], const unsigned char content[16],
             uint8_t *out_outcome, int64_t *out_event)
{
    static const char sql[] = "SELECT event, content FROM log_id WHERE id = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(s->db, sql, &st);
    const void *stored;
    size_t len;

    if (rc < 0)
        return rc;
    fbk__bind_blob(st, 1, id, 16);
    rc = fbk__step(st);
    if (rc == FBK_DONE)
        rc = fbk__fail(s->db, FBK_ECORRUPT, "an event id was both there and not there");
    if (rc == FBK_OK) {
        *out_event = fbk__column_int64(st, 0);
        stored = fbk__column_blob(st, 1, &len);
        if (fbk__column_is_null(st, 1))
            *out_outcome = FBK__ERASED;
        else if (len == 16 && memcmp(stored, content, 16) == 0)
            *out_outcome = FBK__ALREADY;
        else
            *out_outcome = FBK__CONFLICT;
    }
    fbk__stmt_put(st);
    return rc;
}

/* The identifiers of a conflict, by hash, so that an erasure finds it. */
static fbk_status
append_conflict_idents(append *s, const fbk__batch_event *e, int64_t conflict)
{
    static const char sql[] = "INSERT INTO event_conflict_ident (ident, conflict) VALUES (?1, ?2) "
                              "ON CONFLICT (ident, conflict) DO NOTHING";
    fbk__stmt *st = NULL;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; i < e->n_idents && rc >= 0; i++) {
        const fbk__batch_ident *ident = &s->batch->idents[e->first_ident + i];

        rc = fbk__stmt_get(s->db, sql, &st);
        if (rc < 0)
            break;
        fbk__bind_int64(st, 1,
                        fbk__ident_hash(s->batch->word_ids[ident->space],
                                        s->batch->text.data + ident->value.at, ident->value.len));
        fbk__bind_int64(st, 2, conflict);
        rc = fbk__step_done(st);
        fbk__stmt_put(st);
    }
    return rc;
}

static fbk_status
append_conflict(append *s, const fbk__batch_event *e, int64_t event,
                const unsigned char content[16])
{
    static const char sql[] =
        "INSERT INTO event_conflict (event, content, received_us, body) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (event, content) DO NOTHING";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(s->db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, event);
    fbk__bind_blob(st, 2, content, 16);
    fbk__bind_int64(st, 3, e->received_us);
    fbk__bind_blob(st, 4, s->content.data, s->content.len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0 || !fbk__changes(s->db))
        return rc;
    s->total.conflicts++;
    return append_conflict_idents(s, e, fbk__last_rowid(s->db));
}

static fbk_status
append_nodes(append *s, const fbk__batch_event *e)
{
    fbk_status rc = FBK_OK;

    if (!fbk__grow(fbk__a(s->db), &s->nodes, &s->node_cap, e->n_idents, sizeof *s->nodes))
        return fbk__nomem(s->db);
    for (uint32_t i = 0; i < e->n_idents && rc >= 0; i++) {
        const fbk__batch_ident *ident = &s->batch->idents[e->first_ident + i];

        rc = fbk__node_make(s->db, s->batch->word_ids[ident->space],
                            s->batch->text.data + ident->value.at, ident->value.len, &s->nodes[i]);
    }
    return rc;
}

/* Every pair of the event's identifiers is evidence: so that the others stay joined when one of
 * them turns out to be everybody's. */
static fbk_status
append_links(append *s, const fbk__batch_event *e)
{
    fbk_status rc;

    for (uint32_t i = 0; i < e->n_idents; i++) {
        for (uint32_t j = i + 1; j < e->n_idents; j++) {
            uint32_t x = s->nodes[i];
            uint32_t y = s->nodes[j];
            fbk__link link = {x < y ? x : y,  x < y ? y : x, FBK__LINK_EVENT, 1,
                              e->occurred_us, e->occurred_us};
            bool fresh;
            bool changed;

            if (x == y)
                continue;
            rc = fbk__link_upsert(s->db, &link, NULL, &fresh, &changed);
            if (rc < 0)
                return rc;
            s->total.links += fresh;
            s->identity_changed |= changed;
        }
    }
    return FBK_OK;
}

static fbk_status
append_insert(append *s, const fbk__row_head *h)
{
    static const char sql[] =
        "INSERT INTO log_event (" FBK__ROW_COLUMNS ") "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(s->db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, (int64_t)h->event);
    fbk__bind_int64(st, 2, h->node);
    fbk__bind_int64(st, 3, h->occurred_us);
    fbk__bind_int64(st, 4, h->received_us);
    fbk__bind_int64(st, 5, h->kind);
    fbk__bind_int64(st, 6, h->source);
    fbk__bind_int64(st, 7, h->channel);
    fbk__bind_int64(st, 8, h->place);
    fbk__bind_int64(st, 9, h->currency);
    fbk__bind_int64(st, 10, h->flags);
    fbk__bind_int64(st, 11, (int64_t)h->order_hash);
    fbk__bind_int64(st, 12, h->n_lines);
    fbk__bind_int64(st, 13, (int64_t)fbk__row_hash(h, s->body.data, s->body.len));
    fbk__bind_blob(st, 14, s->body.data, s->body.len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

static void
append_totals(append *s, const fbk__row_head *h)
{
    s->total.last_event = h->event;
    s->total.events++;
    s->total.lines += h->n_lines;
    if (s->total.first_us == FBK_TIME_NONE || h->occurred_us < s->total.first_us)
        s->total.first_us = h->occurred_us;
    if (s->total.last_us == FBK_TIME_NONE || h->occurred_us > s->total.last_us)
        s->total.last_us = h->occurred_us;
    s->counts.added++;
    s->counts.lines_added += h->n_lines;
}

static fbk_status
append_store(append *s, const fbk__batch_event *e, uint64_t number)
{
    const fbk__batch *b = s->batch;
    fbk__row_head h;
    fbk_status rc = append_nodes(s, e);

    if (rc < 0)
        return rc;
    h = (fbk__row_head){
        .event = number,
        .occurred_us = e->occurred_us,
        .received_us = e->received_us,
        .order_hash = fbk__row_order_hash(b->text.data + e->order_ref.at, e->order_ref.len),
        .node = e->n_idents ? s->nodes[0] : 0,
        .kind = b->word_ids[e->kind],
        .source = b->word_ids[e->source],
        .channel = b->word_ids[e->channel],
        .place = b->place_ids[e->place],
        .currency = b->word_ids[e->currency],
        .flags = e->flags,
        .n_lines = e->n_lines,
    };
    fbk__buf_clear(&s->body);
    fbk__row_encode(b, e, s->nodes, &s->body);
    if (s->body.failed)
        return fbk__nomem(s->db);
    rc = append_insert(s, &h);
    if (rc < 0)
        return rc;
    append_totals(s, &h);
    return append_links(s, e);
}

static fbk_status
append_event(append *s, const fbk__batch_event *e, uint8_t *out_outcome)
{
    unsigned char id[16];
    unsigned char content[16];
    uint64_t number = s->total.last_event + 1;
    int64_t taken_by = 0;
    fbk_status rc;

    fbk__buf_clear(&s->content);
    fbk__row_content(s->batch, e, &s->content);
    if (s->content.failed)
        return fbk__nomem(s->db);
    fbk__hash_bytes(fbk__hash128_of(s->batch->text.data + e->id.at, e->id.len), id);
    fbk__hash_bytes(fbk__hash128_of(s->content.data, s->content.len), content);
    rc = append_claim(s, id, number, content);
    if (rc == FBK_OK) {
        *out_outcome = FBK__ADDED;
        return append_store(s, e, number);
    }
    if (rc == FBK_DONE)
        rc = append_judge(s, id, content, out_outcome, &taken_by);
    if (rc < 0)
        return rc;
    s->counts.already += *out_outcome == FBK__ALREADY;
    s->counts.erased += *out_outcome == FBK__ERASED;
    if (*out_outcome != FBK__CONFLICT)
        return FBK_OK;
    s->counts.conflict++;
    return append_conflict(s, e, taken_by, content);
}

static fbk_status
append_all(append *s, uint8_t *outcomes)
{
    uint64_t conflicts;
    fbk_status rc = fbk__log_total_read(s->db, &s->total);

    if (rc < 0)
        return rc;
    conflicts = s->total.conflicts;
    for (size_t i = 0; i < s->batch->n_events; i++) {
        rc = append_event(s, &s->batch->events[i], &outcomes[i]);
        if (rc < 0)
            return rc;
    }
    if (!s->counts.added && s->total.conflicts == conflicts)
        return FBK_OK;
    rc = fbk__log_total_write(s->db, &s->total);
    if (rc >= 0)
        rc = fbk__generation_bump(s->db, FBK__KIND_LOG);
    if (rc >= 0 && s->identity_changed)
        rc = fbk__generation_bump(s->db, FBK__KIND_IDENTITY);
    return rc;
}

fbk_status
fbk__log_append(fbk *db, const fbk__batch *batch, uint8_t *out_outcome, fbk__append_counts *out)
{
    append s = {.db = db, .batch = batch};
    uint8_t *outcomes = fbk__alloc(fbk__a(db), batch->n_events);
    fbk_status rc;

    if (!outcomes)
        return fbk__nomem(db);
    fbk__buf_init(&s.content, fbk__a(db));
    fbk__buf_init(&s.body, fbk__a(db));
    rc = fbk__write_begin(db);
    if (rc < 0)
        goto out;
    rc = append_all(&s, outcomes);
    rc = fbk__write_end(db, rc);
    if (rc < 0)
        goto out;
    if (out_outcome && batch->n_events)
        memcpy(out_outcome, outcomes, batch->n_events);
    *out = s.counts;
out:
    fbk__free(fbk__a(db), s.nodes);
    fbk__buf_free(&s.content);
    fbk__buf_free(&s.body);
    fbk__free(fbk__a(db), outcomes);
    return rc;
}
