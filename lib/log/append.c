/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/append.h"

#include <string.h>

/* One append: ids judged, identifiers given nodes, a record filled and written, all in one
 * transaction. */

int64_t
fbk__append_prop_bits(const fbk__batch_prop *prop)
{
    int64_t bits = prop->value.i;

    if (prop->type == FBK__PROP_DOUBLE)
        memcpy(&bits, &prop->value.d, sizeof bits);
    return bits;
}

/* -- conflicts --------------------------------------------------------------------------------- */

/* The identifiers of a conflict, by hash, so that an erasure finds it. */
static fbk_status
conflict_idents(fbk__append *s, const fbk__batch_event *ev, int64_t conflict)
{
    static const char sql[] = "INSERT INTO event_conflict_ident (ident, conflict) VALUES (?1, ?2) "
                              "ON CONFLICT (ident, conflict) DO NOTHING";
    fbk__stmt *st = NULL;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; i < ev->n_idents && rc >= 0; i++) {
        const fbk__batch_ident *ident = &s->batch->idents[ev->first_ident + i];

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
append_conflict(fbk__append *s, const fbk__batch_event *ev, fbk__key id)
{
    static const char sql[] =
        "INSERT INTO event_conflict (id, content, received_us, body) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (id, content) DO NOTHING";
    unsigned char content[16];
    fbk__stmt *st = NULL;
    fbk_status rc;

    fbk__buf_clear(&s->content);
    fbk__content(s->batch, ev, &s->content);
    if (s->content.failed)
        return fbk__nomem(s->db);
    fbk__hash_bytes(fbk__hash128_of(s->content.data, s->content.len), content);
    rc = fbk__stmt_get(s->db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_blob(st, 1, &id, sizeof id);
    fbk__bind_blob(st, 2, content, sizeof content);
    fbk__bind_int64(st, 3, ev->received_us);
    fbk__bind_blob(st, 4, s->content.data, s->content.len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0 || !fbk__changes(s->db))
        return rc;
    return conflict_idents(s, ev, fbk__last_rowid(s->db));
}

/* -- nodes and links --------------------------------------------------------------------------- */

static fbk_status
append_node(fbk__append *s, fbk__key key, uint32_t space, const char *value, size_t len,
            uint32_t *out_node)
{
    fbk__record *r = s->record;
    fbk_status rc = FBK_DONE;
    uint32_t *slot;

    if (!s->ident_keys) /* else what is not in the map is new */
        rc = fbk__engine_node(s->db, s->engine, key, out_node);
    if (rc != FBK_DONE)
        return rc;
    slot = fbk__keymap_put(&s->engine->nodes, key);
    if (!slot)
        return fbk__nomem(s->db);
    if (*slot) {
        *out_node = *slot;
        return FBK_OK;
    }
    if (r->total.nodes == UINT32_MAX)
        return fbk__fail(s->db, FBK_ETOOBIG, "the store had no number left for an identifier");
    if (fbk__strings_add(&r->values, value, len) < 0)
        return fbk__nomem(s->db);
    r->spaces[r->n_nodes++] = space;
    *out_node = (uint32_t)++r->total.nodes;
    *slot = *out_node;
    return FBK_OK;
}

static fbk_status
append_nodes(fbk__append *s, const fbk__batch_event *ev)
{
    fbk_status rc = FBK_OK;

    if (ev->n_idents > FBK__EVENT_IDENTS_MAX)
        return fbk__fail(s->db, FBK_ERANGE, "an event had more than %d identifiers",
                         FBK__EVENT_IDENTS_MAX);
    for (uint32_t i = 0; i < ev->n_idents && rc >= 0; i++) {
        const fbk__batch_ident *ident = &s->batch->idents[ev->first_ident + i];
        const char *value = s->batch->text.data + ident->value.at;
        uint32_t space = s->batch->word_ids[ident->space];
        fbk__key key;

        if (s->ident_keys)
            key = s->ident_keys[ev->first_ident + i];
        else
            rc = fbk__ident_key(s->db, s->engine, space, value, ident->value.len, &key);
        if (rc >= 0)
            rc = append_node(s, key, space, value, ident->value.len, &s->nodes[i]);
    }
    return rc;
}

/* Every pair of the event's identifiers is evidence: so that the others stay joined when one of
 * them turns out to be everybody's. */
static fbk_status
append_links(fbk__append *s, const fbk__batch_event *ev)
{
    const fbk__batch_ident *idents = s->batch->idents + ev->first_ident;

    for (uint32_t i = 0; i < ev->n_idents; i++) {
        for (uint32_t j = i + 1; j < ev->n_idents; j++) {
            bool up = s->nodes[i] < s->nodes[j];
            uint32_t low = up ? i : j;
            uint32_t high = up ? j : i;
            fbk__link link = {s->nodes[low],   s->nodes[high], FBK__LINK_EVENT, 1,
                              ev->occurred_us, ev->occurred_us};
            const uint32_t spaces[2] = {s->batch->word_ids[idents[low].space],
                                        s->batch->word_ids[idents[high].space]};
            bool changed;
            fbk_status rc;

            if (link.a == link.b)
                continue;
            rc = fbk__link_upsert(s->db, &link, spaces, NULL, &changed);
            if (rc < 0)
                return rc;
            s->identity_changed |= changed;
        }
    }
    return FBK_OK;
}

/* -- the record -------------------------------------------------------------------------------- */

static fbk_status
fill_props(fbk__append *s, const fbk__batch_event *ev)
{
    fbk__frame *f = &s->record->frame;

    for (uint32_t k = 0; k < ev->n_props; k++) {
        const fbk__batch_prop *prop = &s->batch->props[ev->first_prop + k];
        uint32_t at = f->n.props;

        f->prop_key[at] = s->batch->word_ids[prop->key];
        f->prop_type[at] = prop->type;
        f->prop_value[at] = fbk__append_prop_bits(prop);
        if (prop->type == FBK__PROP_TEXT) {
            f->prop_value[at] = (int64_t)f->texts.n;
            if (fbk__strings_add(&f->texts, s->batch->text.data + prop->value.text.at,
                                 prop->value.text.len) < 0)
                return fbk__nomem(s->db);
        }
        f->n.props++;
    }
    return FBK_OK;
}

static void
fill_lines(fbk__append *s, const fbk__batch_event *ev)
{
    fbk__frame *f = &s->record->frame;

    for (uint32_t k = 0; k < ev->n_lines; k++) {
        const fbk__batch_line *line = &s->batch->lines[ev->first_line + k];
        uint32_t at = f->n.lines++;

        f->ln[FBK__LN_KIND][at] = line->kind;
        f->ln[FBK__LN_ITEM][at] = s->batch->item_ids[line->item];
        f->ln[FBK__LN_QUANTITY][at] = line->quantity_milli;
        f->ln[FBK__LN_PRICE][at] = line->unit_price_micro;
        f->ln[FBK__LN_DISCOUNT][at] = line->discount_micro;
        f->ln[FBK__LN_TAX][at] = line->tax_micro;
        f->ln[FBK__LN_AMOUNT][at] = line->amount_micro;
    }
}

static void
fill_head(fbk__append *s, const fbk__batch_event *ev)
{
    fbk__frame *f = &s->record->frame;
    const fbk__batch *b = s->batch;
    const int64_t values[FBK__N_EV] = {
        [FBK__EV_ARRIVAL] = (int64_t)s->record->total.last_event + 1,
        [FBK__EV_NODE] = ev->n_idents ? s->nodes[0] : 0,
        [FBK__EV_OCCURRED] = ev->occurred_us,
        [FBK__EV_RECEIVED] = ev->received_us,
        [FBK__EV_KIND] = b->word_ids[ev->kind],
        [FBK__EV_SOURCE] = b->word_ids[ev->source],
        [FBK__EV_CHANNEL] = b->word_ids[ev->channel],
        [FBK__EV_PLACE] = b->place_ids[ev->place],
        [FBK__EV_FLAGS] = ev->flags,
        [FBK__EV_CURRENCY] = b->word_ids[ev->currency],
        [FBK__EV_N_LINES] = ev->n_lines,
        [FBK__EV_N_EXTRA] = ev->n_idents > 1 ? ev->n_idents - 1 : 0,
        [FBK__EV_N_PROPS] = ev->n_props,
    };

    for (int k = 0; k < FBK__N_EV; k++)
        f->ev[k][f->n.events] = values[k];
    for (uint32_t k = 1; k < ev->n_idents; k++)
        f->extra[f->n.extra++] = s->nodes[k];
    f->n.events++;
}

/* Where the next event's lines, other nodes and properties begin. */
static void
fill_begins(fbk__record *r)
{
    const fbk__frame *f = &r->frame;

    r->index.line[f->n.events] = f->n.lines;
    r->index.extra[f->n.events] = f->n.extra;
    r->index.prop[f->n.events] = f->n.props;
}

static void
count_event(fbk__append *s, const fbk__batch_event *ev)
{
    fbk__log_total *t = &s->record->total;

    t->last_event++;
    t->events++;
    t->lines += ev->n_lines;
    if (t->first_us == FBK_TIME_NONE || ev->occurred_us < t->first_us)
        t->first_us = ev->occurred_us;
    if (t->last_us == FBK_TIME_NONE || ev->occurred_us > t->last_us)
        t->last_us = ev->occurred_us;
    s->record->rows += ev->n_lines ? ev->n_lines : 1;
    s->counts.added++;
    s->counts.lines_added += ev->n_lines;
}

/* So that the id is found again before it is sealed. A batch that is probably sealed at once has
 * been looked through for ids that come twice: only these are needed. */
static fbk_status
remember_id(fbk__append *s, const fbk__batch_event *ev, fbk__key key)
{
    uint32_t *slot;

    if (s->id_facts && s->batch->n_events >= FBK__SEAL_ROWS &&
        !(s->id_facts[ev - s->batch->events] & FBK__ID_REPEATED)) {
        s->ids_left_out = true;
        return FBK_OK;
    }
    slot = fbk__keymap_put(&s->engine->ids, key);
    if (!slot)
        return fbk__nomem(s->db);
    *slot = (uint32_t)(s->record->total.last_event + 1 - s->engine->writing->sealed_event);
    return FBK_OK;
}

static fbk_status
append_store(fbk__append *s, const fbk__batch_event *ev, fbk__key key)
{
    fbk__frame *f = &s->record->frame;
    const char *text = s->batch->text.data;
    fbk_status rc = append_nodes(s, ev);

    if (rc >= 0)
        rc = remember_id(s, ev, key);
    if (rc < 0)
        return rc;
    if (fbk__strings_add(&f->ids, text + ev->id.at, ev->id.len) < 0 ||
        fbk__strings_add(&f->orders, text + ev->order_ref.at, ev->order_ref.len) < 0)
        return fbk__nomem(s->db);
    rc = fill_props(s, ev);
    if (rc < 0)
        return rc;
    fill_lines(s, ev);
    fill_head(s, ev);
    fill_begins(s->record);
    count_event(s, ev);
    return append_links(s, ev);
}

static fbk_status
append_event(fbk__append *s, const fbk__batch_event *ev, uint8_t *outcome)
{
    fbk__key key = s->id_keys ? s->id_keys[ev - s->batch->events]
                              : fbk__key_of_id(s->batch->text.data + ev->id.at, ev->id.len);
    fbk_status rc = fbk__append_judge(s, ev, key, outcome);

    if (rc == FBK_DONE) {
        *outcome = FBK__ADDED;
        return append_store(s, ev, key);
    }
    if (rc < 0)
        return rc;
    s->counts.already += *outcome == FBK__ALREADY;
    s->counts.erased += *outcome == FBK__ERASED;
    if (*outcome != FBK__CONFLICT)
        return FBK_OK;
    s->counts.conflict++;
    return append_conflict(s, ev, key);
}

static fbk_status
record_insert(fbk__append *s)
{
    static const char sql[] = "INSERT INTO log_tail (seq, record) VALUES (?1, ?2)";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__record_pack(s->db, &s->engine->codec, s->record, &s->engine->bytes);

    if (rc >= 0)
        rc = fbk__stmt_get(s->db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, s->record->seq);
    fbk__bind_blob(st, 2, s->engine->bytes.data, s->engine->bytes.len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

/* The record becomes the last of the transaction's view; the look-ups know it already. */
static fbk_status
record_show(fbk__append *s)
{
    fbk__engine *e = s->engine;
    fbk__view *view = NULL;
    fbk_status rc = fbk__view_copy(s->db, e->writing, &view);

    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&e->lock);
    rc = fbk__tail_add(s->db, &view->tail, view->n_tail, s->record);
    (void)pthread_mutex_unlock(&e->lock);
    if (rc < 0) {
        fbk__view_unref(view);
        return rc;
    }
    view->n_tail++;
    view->tail_rows += s->record->rows;
    view->last_seq = s->record->seq;
    view->total = s->record->total;
    if (s->ids_left_out)
        return fbk__engine_set(s->db, e, view);
    fbk__engine_extend(e, view);
    return FBK_OK;
}

/* Write what the record holds; seal when the tail is long enough, or the batch alone is. */
fbk_status
fbk__append_finish(fbk__append *s)
{
    fbk__record *r = s->record;
    const fbk__view *now = s->engine->writing;
    fbk_status rc;

    if (!r->frame.n.events && !r->n_nodes)
        return FBK_OK;
    if (r->rows >= FBK__SEAL_ROWS)
        return fbk__seal(s->db, s->engine, r);
    rc = record_insert(s);
    if (rc >= 0)
        rc = record_show(s);
    now = s->engine->writing;
    if (rc >= 0 && (now->tail_rows >= FBK__SEAL_ROWS || now->n_tail >= FBK__TAIL_RECORDS))
        rc = fbk__seal(s->db, s->engine, NULL);
    return rc;
}

/* What the record of a batch needs when every event of it is new. */
static fbk__record_room
append_room(const fbk__batch *b)
{
    const size_t most = UINT32_MAX; /* what is more is refused */
    fbk__record_room room = {{0, 0, 0, 0}, 1, 0, 0, 0, FBK__IDENT_MAX};

    if (!b)
        return room;
    room.n = (fbk__frame_size){(uint32_t)(b->n_events < most ? b->n_events : most),
                               (uint32_t)(b->n_lines < most ? b->n_lines : most),
                               (uint32_t)(b->n_idents < most ? b->n_idents : most),
                               (uint32_t)(b->n_props < most ? b->n_props : most)};
    room.nodes = room.n.extra;
    room.values = 0;
    for (size_t i = 0; i < b->n_events; i++) {
        room.ids += b->events[i].id.len;
        room.orders += b->events[i].order_ref.len;
    }
    for (size_t i = 0; i < b->n_idents; i++)
        room.values += b->idents[i].value.len;
    for (size_t i = 0; i < b->n_props; i++)
        room.texts += b->props[i].type == FBK__PROP_TEXT ? b->props[i].value.text.len : 0;
    return room;
}

fbk_status
fbk__append_begin(fbk *db, const fbk__batch *batch, fbk__append *s)
{
    const fbk__record_room room = append_room(batch);
    fbk_status rc;

    memset(s, 0, sizeof *s);
    s->db = db;
    s->batch = batch;
    fbk__buf_init(&s->content, fbk__a(db));
    rc = fbk__engine_get(db, &s->engine);
    if (rc >= 0)
        rc = fbk__engine_begin(db, s->engine);
    if (rc >= 0)
        rc = fbk__engine_trim(db, s->engine);
    if (rc >= 0)
        rc = fbk__view_filters(db, s->engine, s->engine->writing, FBK__RUN_IDS);
    if (rc >= 0)
        rc = fbk__view_filters(db, s->engine, s->engine->writing, FBK__RUN_IDENTS);
    if (rc >= 0)
        rc = fbk__record_new(db, &room, &s->record);
    if (rc < 0)
        return rc;
    s->record->seq = s->engine->writing->last_seq + 1;
    s->record->total = s->engine->writing->total;
    s->record->first_node = (uint32_t)s->record->total.nodes + 1;
    return FBK_OK;
}

void
fbk__append_free(fbk__append *s)
{
    fbk__append_lookup_free(s);
    fbk__record_unref(s->record);
    fbk__buf_free(&s->content);
    if (s->engine)
        fbk__shared_release(&s->engine->head);
}

static fbk_status
append_all(fbk__append *s, uint8_t *outcomes)
{
    fbk_status rc = fbk__append_lookup(s);

    for (size_t i = 0; rc >= 0 && i < s->batch->n_events; i++)
        rc = append_event(s, &s->batch->events[i], &outcomes[i]);
    if (rc >= 0)
        rc = fbk__append_finish(s);
    if (rc >= 0 && s->identity_changed)
        rc = fbk__generation_bump(s->db, FBK__KIND_IDENTITY);
    return rc;
}

fbk_status
fbk__log_append(fbk *db, const fbk__batch *batch, uint8_t *out_outcome, fbk__append_counts *out)
{
    uint8_t few[64];
    uint8_t *outcomes =
        batch->n_events <= sizeof few ? few : fbk__alloc(fbk__a(db), batch->n_events);
    fbk__append s;
    fbk_status rc;

    if (!outcomes)
        return fbk__nomem(db);
    rc = fbk__write_begin(db);
    if (rc >= 0) {
        rc = fbk__append_begin(db, batch, &s);
        if (rc >= 0)
            rc = append_all(&s, outcomes);
        fbk__append_free(&s);
        rc = fbk__write_end(db, rc);
    }
    if (rc >= 0) {
        if (out_outcome && batch->n_events)
            memcpy(out_outcome, outcomes, batch->n_events);
        *out = s.counts;
    }
    if (outcomes != few)
        fbk__free(fbk__a(db), outcomes);
    return rc;
}

fbk_status
fbk__node_make(fbk *db, uint32_t space, const char *value, size_t len, uint32_t *out_node)
{
    fbk__key key;
    fbk__append s;
    fbk_status rc = fbk__write_begin(db);

    if (rc < 0)
        return rc;
    rc = fbk__append_begin(db, NULL, &s);
    if (rc >= 0)
        rc = fbk__ident_key(db, s.engine, space, value, len, &key);
    if (rc >= 0)
        rc = append_node(&s, key, space, value, len, out_node);
    if (rc >= 0)
        rc = fbk__append_finish(&s);
    fbk__append_free(&s);
    return fbk__write_end(db, rc);
}
