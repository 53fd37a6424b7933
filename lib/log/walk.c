/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/engine.h"
#include "log/exchange.h"

/* Every event as it lies in the file: frame after frame, then the tail. So no frame is decoded
 * twice, however large the store. */

typedef struct walker {
    fbk *db;
    const fbk__walk *walk;
    fbk__codec codec;
    fbk__frame frame;
    bool *chosen; /* of the events of a frame */
    size_t chosen_cap;
} walker;

/* Which events of a frame are asked for; their numbers and ids must be there. */
static fbk_status
walk_choose(walker *w, const fbk__frame *f, bool *any)
{
    const fbk__walk *o = w->walk;

    *any = false;
    if (!fbk__grow(fbk__a(w->db), &w->chosen, &w->chosen_cap, f->n.events, sizeof *w->chosen))
        return fbk__nomem(w->db);
    for (uint32_t i = 0; i < f->n.events; i++) {
        uint64_t number = (uint64_t)f->ev[FBK__EV_ARRIVAL][i];
        bool yes = number > o->after_event && (!o->to_event || number <= o->to_event);

        if (yes && o->ids) {
            const uint32_t *at = f->ids.offsets + i;

            yes = fbk__keymap_get(o->ids, fbk__key_of_id(f->ids.bytes + at[0], at[1] - at[0])) != 0;
        }
        w->chosen[i] = yes;
        *any |= yes;
    }
    return FBK_OK;
}

static fbk_status
walk_give(walker *w, const fbk__frame *f, const fbk__frame_index *index)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < f->n.events; i++) {
        if (w->chosen[i])
            rc = w->walk->event(w->walk->user_data, f, index, i);
    }
    return rc;
}

static fbk_status
walk_frame(walker *w, const fbk__segment *segment, uint32_t k)
{
    const fbk__segment_frame *facts = &segment->frames[k];
    const fbk__walk *o = w->walk;
    fbk__frame_index index = {NULL, NULL, NULL};
    uint32_t head = 1u << FBK__EV_ARRIVAL | (o->ids ? 1u << FBK__FC_IDS : 0u);
    bool any = true;
    fbk_status rc = FBK_OK;

    if ((uint64_t)facts->max_arrival <= o->after_event ||
        (o->to_event && (uint64_t)facts->min_arrival > o->to_event))
        return FBK_OK;
    if (o->ids) {
        rc = fbk__segment_read(w->db, &w->codec, segment, k, head, &w->frame);
        if (rc >= 0)
            rc = walk_choose(w, &w->frame, &any);
    }
    if (rc < 0 || !any)
        return rc;
    rc = fbk__segment_read(w->db, &w->codec, segment, k, (1u << FBK__N_FC) - 1, &w->frame);
    if (rc >= 0)
        rc = walk_choose(w, &w->frame, &any);
    if (rc < 0)
        return rc;
    rc = fbk__frame_index_make(&w->frame, &index);
    if (rc < 0)
        return rc == FBK_ENOMEM ? fbk__nomem(w->db)
                                : fbk__fail(w->db, rc, "a frame of the event log was damaged");
    rc = walk_give(w, &w->frame, &index);
    fbk__frame_index_free(&index, fbk__a(w->db));
    return rc;
}

static fbk_status
walk_all(walker *w, const fbk__view *view)
{
    fbk_status rc = w->walk->ready ? w->walk->ready(w->walk->user_data) : FBK_OK;
    bool any;

    for (uint32_t s = 0; rc >= 0 && s < view->sets->n_segments; s++) {
        for (uint32_t k = 0; rc >= 0 && k < view->sets->segments[s]->n_frames; k++)
            rc = walk_frame(w, view->sets->segments[s], k);
    }
    for (uint32_t r = 0; rc >= 0 && r < view->n_tail; r++) {
        const fbk__record *record = view->tail->records[r];

        rc = walk_choose(w, &record->frame, &any);
        if (rc >= 0)
            rc = walk_give(w, &record->frame, &record->index);
    }
    return rc;
}

fbk_status
fbk__log_walk(fbk *db, const fbk__walk *walk)
{
    walker w = {.db = db, .walk = walk};
    fbk__view *view = NULL;
    fbk_status rc = fbk__view_get(db, &view);

    if (rc < 0)
        return rc;
    fbk__codec_init(&w.codec, fbk__a(db));
    fbk__frame_init(&w.frame, fbk__a(db));
    rc = walk_all(&w, view);
    fbk__frame_free(&w.frame);
    fbk__codec_free(&w.codec);
    fbk__free(fbk__a(db), w.chosen);
    fbk__view_unref(view);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__log_last(fbk *db, uint64_t *out_event)
{
    fbk__view *view = NULL;
    fbk_status rc = fbk__view_get(db, &view);

    if (rc < 0)
        return rc;
    *out_event = view->total.last_event;
    fbk__view_unref(view);
    return FBK_OK;
}

/* -- one event into a batch -------------------------------------------------------------------- */

static fbk_status
take_word(fbk *db, fbk__intern *dictionary, const char *text, uint32_t *out)
{
    *out = fbk__intern_add(dictionary, text, strlen(text));
    return *out == FBK__INTERN_NONE ? fbk__nomem(db) : FBK_OK;
}

static fbk_status
take_string(fbk *db, fbk__batch *batch, const fbk__strings *column, size_t i, fbk__span *out)
{
    fbk_status rc = fbk__batch_text(batch, column->bytes + column->offsets[i],
                                    column->offsets[i + 1] - column->offsets[i], out);

    return rc == FBK_ENOMEM ? fbk__nomem(db)
           : rc < 0         ? fbk__fail(db, rc, "a batch held too much text")
                            : rc;
}

static fbk_status
take_head(fbk *db, fbk__batch *batch, const fbk__frame *f, uint32_t i, const fbk__names *names)
{
    const struct {
        unsigned column;
        size_t offset;
    } words[] = {{FBK__EV_KIND, offsetof(fbk__batch_event, kind)},
                 {FBK__EV_SOURCE, offsetof(fbk__batch_event, source)},
                 {FBK__EV_CHANNEL, offsetof(fbk__batch_event, channel)},
                 {FBK__EV_CURRENCY, offsetof(fbk__batch_event, currency)}};
    fbk__batch_event e = {.occurred_us = f->ev[FBK__EV_OCCURRED][i],
                          .received_us = f->ev[FBK__EV_RECEIVED][i],
                          .flags = (uint32_t)f->ev[FBK__EV_FLAGS][i],
                          .first_line = (uint32_t)batch->n_lines,
                          .first_ident = (uint32_t)batch->n_idents,
                          .first_prop = (uint32_t)batch->n_props};
    fbk__batch_event *to;
    fbk_status rc = take_string(db, batch, &f->ids, i, &e.id);

    if (rc >= 0)
        rc = take_string(db, batch, &f->orders, i, &e.order_ref);
    for (size_t k = 0; rc >= 0 && k < sizeof words / sizeof words[0]; k++)
        rc = take_word(db, &batch->words, fbk__word_text(db, (uint32_t)f->ev[words[k].column][i]),
                       (uint32_t *)(void *)((char *)&e + words[k].offset));
    if (rc >= 0)
        rc = take_word(db, &batch->places,
                       names->place(names->user_data, (uint32_t)f->ev[FBK__EV_PLACE][i]), &e.place);
    if (rc < 0)
        return rc;
    to = fbk__batch_add_event(batch);
    if (!to)
        return fbk__nomem(db);
    *to = e;
    return FBK_OK;
}

static fbk_status
take_lines(fbk *db, fbk__batch *batch, const fbk__frame *f, uint32_t first, uint32_t end,
           const fbk__names *names)
{
    fbk_status rc = FBK_OK;

    for (uint32_t at = first; rc >= 0 && at < end; at++) {
        fbk__batch_line *line = fbk__batch_add_line(batch);

        if (!line)
            return fbk__nomem(db);
        line->kind = (uint32_t)f->ln[FBK__LN_KIND][at];
        line->quantity_milli = f->ln[FBK__LN_QUANTITY][at];
        line->unit_price_micro = f->ln[FBK__LN_PRICE][at];
        line->discount_micro = f->ln[FBK__LN_DISCOUNT][at];
        line->tax_micro = f->ln[FBK__LN_TAX][at];
        line->amount_micro = f->ln[FBK__LN_AMOUNT][at];
        rc = take_word(db, &batch->items,
                       names->item(names->user_data, (uint32_t)f->ln[FBK__LN_ITEM][at]),
                       &line->item);
    }
    return rc;
}

static fbk_status
take_ident(fbk *db, fbk__batch *batch, uint32_t node, fbk__node_reader *nodes)
{
    uint32_t space;
    const char *value;
    size_t len;
    fbk__batch_ident *ident;
    fbk__span span;
    fbk_status rc = fbk__node_reader_get(nodes, node, &space, &value, &len);

    if (rc != FBK_OK)
        return rc;
    rc = fbk__batch_text(batch, value, len, &span);
    if (rc < 0)
        return rc == FBK_ENOMEM ? fbk__nomem(db) : fbk__fail(db, rc, "a batch held too much text");
    ident = fbk__batch_add_ident(batch);
    if (!ident)
        return fbk__nomem(db);
    ident->value = span;
    return take_word(db, &batch->words, fbk__word_text(db, space), &ident->space);
}

static fbk_status
take_prop(fbk *db, fbk__batch *batch, const fbk__frame *f, uint32_t at)
{
    fbk__batch_prop *prop = fbk__batch_add_prop(batch);
    fbk_status rc;

    if (!prop)
        return fbk__nomem(db);
    prop->type = (uint32_t)f->prop_type[at];
    rc = take_word(db, &batch->words, fbk__word_text(db, (uint32_t)f->prop_key[at]), &prop->key);
    if (rc >= 0 && prop->type == FBK__PROP_TEXT)
        rc = take_string(db, batch, &f->texts, (size_t)f->prop_value[at], &prop->value.text);
    else
        memcpy(&prop->value, &f->prop_value[at], sizeof(int64_t));
    return rc;
}

fbk_status
fbk__batch_take(fbk *db, fbk__batch *batch, const fbk__frame *f, const fbk__frame_index *index,
                uint32_t i, const fbk__names *names, fbk__node_reader *nodes)
{
    fbk_status rc = take_head(db, batch, f, i, names);

    if (rc >= 0)
        rc = take_lines(db, batch, f, index->line[i], index->line[i + 1], names);
    if (rc >= 0 && f->ev[FBK__EV_NODE][i])
        rc = take_ident(db, batch, (uint32_t)f->ev[FBK__EV_NODE][i], nodes);
    for (uint32_t k = index->extra[i]; rc >= 0 && k < index->extra[i + 1]; k++)
        rc = take_ident(db, batch, (uint32_t)f->extra[k], nodes);
    for (uint32_t k = index->prop[i]; rc >= 0 && k < index->prop[i + 1]; k++)
        rc = take_prop(db, batch, f, k);
    return rc < 0 ? rc : FBK_OK;
}
