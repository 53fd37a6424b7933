/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/event.h"

#include <string.h>

#include "base/options.h"
#include "record/names.h"
#include "store/conn.h"

#define EVENT_V1_SIZE 208u
_Static_assert(sizeof(fbk_event) == EVENT_V1_SIZE, "fbk_event v1");

/* -- a batch into the log -------------------------------------------------------------------- */

/* What is to be written, perhaps by another thread, perhaps more than once. */
typedef struct append_request {
    fbk__batch *batch;
    uint8_t *outcomes;
    fbk__append_counts counts;
} append_request;

static fbk_status
append_run(fbk *db, void *user_data)
{
    append_request *r = user_data;
    fbk_status rc = fbk__names_resolve(db, r->batch);

    return rc < 0 ? rc : fbk__log_append(db, r->batch, r->outcomes, &r->counts);
}

fbk_status
fbk__event_append_batch(fbk *db, fbk__batch *batch, uint8_t *out_outcomes, fbk__append_counts *out)
{
    uint8_t few[64];
    append_request r = {.batch = batch, .outcomes = few};
    fbk_status rc;

    if (batch->n_events > sizeof few)
        r.outcomes = fbk__alloc(fbk__a(db), batch->n_events);
    if (!r.outcomes)
        return fbk__nomem(db);
    rc = fbk__write_together(db, append_run, &r);
    if (rc >= 0) {
        *out = r.counts;
        if (out_outcomes && batch->n_events)
            memcpy(out_outcomes, r.outcomes, batch->n_events);
    }
    if (r.outcomes != few)
        fbk__free(fbk__a(db), r.outcomes);
    return rc;
}

/* -- one event from a structure -------------------------------------------------------------- */

static fbk_status
event_nomem_or(fbk *db, fbk_status rc)
{
    return rc == FBK_ENOMEM ? fbk__nomem(db)
           : rc < 0         ? fbk__fail(db, rc, "the event held too much text")
                            : rc;
}

static fbk_status
event_text(fbk *db, fbk__batch *batch, const char *text, fbk__span *out)
{
    if (!text)
        text = "";
    return event_nomem_or(db, fbk__batch_text(batch, text, strlen(text), out));
}

static fbk_status
event_word(fbk *db, fbk__intern *dictionary, const char *text, uint32_t *out)
{
    if (!text)
        text = "";
    *out = fbk__intern_add(dictionary, text, strlen(text));
    return *out == FBK__INTERN_NONE ? fbk__nomem(db) : FBK_OK;
}

static fbk_status
event_head(fbk *db, fbk__batch *batch, const fbk_event *from)
{
    fbk__batch_event e = {0};
    fbk__batch_event *to;
    fbk_status rc = event_text(db, batch, from->event_id, &e.id);

    if (rc >= 0)
        rc = event_text(db, batch, from->order_ref, &e.order_ref);
    if (rc >= 0)
        rc = event_word(db, &batch->words, from->kind, &e.kind);
    if (rc >= 0)
        rc = event_word(db, &batch->words, from->source, &e.source);
    if (rc >= 0)
        rc = event_word(db, &batch->words, from->channel, &e.channel);
    if (rc >= 0)
        rc = event_word(db, &batch->words, from->currency, &e.currency);
    if (rc >= 0)
        rc = event_word(db, &batch->places, from->place, &e.place);
    if (rc < 0)
        return rc;
    to = fbk__batch_add_event(batch);
    if (!to)
        return fbk__nomem(db);
    e.occurred_us = from->occurred_us;
    e.received_us = from->received_us;
    e.flags = from->flags;
    *to = e; /* the first of the batch: all first_* are 0 */
    return FBK_OK;
}

static fbk_status
event_lines(fbk *db, fbk__batch *batch, const fbk_event *from)
{
    if (from->n_lines > FBK_EVENT_LINES_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "n_lines", 0, "the event had %u lines, more than %d",
                            from->n_lines, FBK_EVENT_LINES_MAX);
    for (uint32_t i = 0; i < from->n_lines; i++) {
        fbk__batch_line *line = fbk__batch_add_line(batch);
        fbk_status rc;

        if (!line)
            return fbk__nomem(db);
        rc = event_word(db, &batch->items, from->items ? from->items[i] : NULL, &line->item);
        if (rc < 0)
            return rc;
        line->kind = from->line_kinds ? from->line_kinds[i] : FBK_LINE_PRODUCT;
        line->quantity_milli = from->quantity_milli ? from->quantity_milli[i] : 1000;
        line->unit_price_micro = from->unit_price_micro ? from->unit_price_micro[i] : 0;
        line->discount_micro = from->discount_micro ? from->discount_micro[i] : 0;
        line->tax_micro = from->tax_micro ? from->tax_micro[i] : 0;
        line->amount_micro = from->amount_micro ? from->amount_micro[i] : FBK_AMOUNT_NONE;
    }
    return FBK_OK;
}

static fbk_status
event_idents(fbk *db, fbk__batch *batch, const fbk_event *from)
{
    if (from->n_identifiers > FBK_EVENT_IDENTIFIERS_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "n_identifiers", 0,
                            "the event had %u identifiers, more than %d", from->n_identifiers,
                            FBK_EVENT_IDENTIFIERS_MAX);
    if (from->n_identifiers && (!from->namespaces || !from->values))
        return fbk__fail_at(db, FBK_EINVAL, "namespaces", 0,
                            "namespaces or values was NULL with n_identifiers above 0");
    for (uint32_t i = 0; i < from->n_identifiers; i++) {
        fbk__batch_ident *ident = fbk__batch_add_ident(batch);
        fbk_status rc;

        if (!ident)
            return fbk__nomem(db);
        rc = event_word(db, &batch->words, from->namespaces[i], &ident->space);
        if (rc >= 0)
            rc = event_text(db, batch, from->values[i], &ident->value);
        if (rc < 0)
            return rc;
    }
    return FBK_OK;
}

static fbk_status
event_prop(fbk *db, fbk__batch *batch, const fbk_event *from, uint32_t i)
{
    fbk__batch_prop *prop = fbk__batch_add_prop(batch);
    fbk_status rc;

    if (!prop)
        return fbk__nomem(db);
    rc = event_word(db, &batch->words, from->keys[i], &prop->key);
    if (rc < 0)
        return rc;
    prop->type = from->types[i];
    if (prop->type == FBK_PROP_TEXT && from->texts && from->texts[i])
        return event_text(db, batch, from->texts[i], &prop->value.text);
    if (prop->type == FBK_PROP_DOUBLE && from->doubles)
        prop->value.d = from->doubles[i];
    else if ((prop->type == FBK_PROP_INT || prop->type == FBK_PROP_BOOL) && from->ints)
        prop->value.i = from->ints[i];
    else
        return fbk__fail_at(db, FBK_EINVAL, "types", 0,
                            "property %u had an unknown type, or no value of its type", i + 1);
    return FBK_OK;
}

static fbk_status
event_props(fbk *db, fbk__batch *batch, const fbk_event *from)
{
    fbk_status rc = FBK_OK;

    if (from->n_properties > FBK_EVENT_PROPERTIES_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "n_properties", 0,
                            "the event had %u properties, more than %d", from->n_properties,
                            FBK_EVENT_PROPERTIES_MAX);
    if (from->n_properties && (!from->keys || !from->types))
        return fbk__fail_at(db, FBK_EINVAL, "keys", 0,
                            "keys or types was NULL with n_properties above 0");
    for (uint32_t i = 0; i < from->n_properties && rc >= 0; i++)
        rc = event_prop(db, batch, from, i);
    return rc;
}

static fbk_status
event_fill(fbk *db, fbk__batch *batch, const fbk_event *from)
{
    fbk_status rc;

    if (from->reserved0)
        return fbk__fail_at(db, FBK_EINVAL, "reserved0", 0, "reserved0 was not 0");
    rc = event_head(db, batch, from);
    if (rc >= 0)
        rc = event_lines(db, batch, from);
    if (rc >= 0)
        rc = event_idents(db, batch, from);
    if (rc >= 0)
        rc = event_props(db, batch, from);
    if (rc >= 0)
        rc = fbk__event_validate_last(db, batch);
    return rc;
}

/* A batch that the connection keeps, so that appending events one by one allocates nothing. */
typedef struct event_scratch {
    fbk__shared head;
    fbk__batch batch;
} event_scratch;

enum { SCRATCH_TEXT = 1 << 16, SCRATCH_LINES = 1024 }; /* what needed more is not kept */

static void
scratch_destroy(fbk__shared *me)
{
    event_scratch *s = (event_scratch *)(void *)me;

    fbk__batch_free(&s->batch);
    fbk__free(me->a, s);
}

static fbk__batch *
scratch_get(fbk *db)
{
    fbk__shared **slot = fbk__conn_own(db);
    event_scratch *s = (event_scratch *)(void *)*slot;

    if (s) {
        fbk__batch_clear(&s->batch);
        return &s->batch;
    }
    s = fbk__alloc(fbk__store_allocator(db), sizeof *s);
    if (!s)
        return NULL;
    s->head = (fbk__shared){.refs = 1, .a = fbk__store_allocator(db), .destroy = scratch_destroy};
    fbk__batch_init(&s->batch, s->head.a);
    *slot = &s->head;
    return &s->batch;
}

static void
scratch_put(fbk *db, const fbk__batch *batch)
{
    fbk__shared **slot = fbk__conn_own(db);

    if (batch->text.cap <= SCRATCH_TEXT && batch->line_cap <= SCRATCH_LINES)
        return;
    fbk__shared_release(*slot);
    *slot = NULL;
}

fbk_status
fbk_event_append(fbk *db, const fbk_event *event, uint32_t *out_outcome)
{
    fbk_event ev;
    fbk__batch *batch;
    fbk__append_counts counts;
    uint8_t outcome = FBK__ADDED;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!event)
        return fbk__fail_at(db, FBK_EINVAL, "event", 0, "event must not be NULL");
    rc = fbk__options_load(db, &ev, sizeof ev, EVENT_V1_SIZE, event);
    if (rc < 0)
        return rc;
    batch = scratch_get(db);
    if (!batch)
        return fbk__nomem(db);
    rc = event_fill(db, batch, &ev);
    if (rc >= 0)
        rc = fbk__event_append_batch(db, batch, &outcome, &counts);
    scratch_put(db, batch);
    if (rc < 0)
        return rc;
    if (out_outcome)
        *out_outcome = outcome;
    if (outcome == FBK__CONFLICT)
        return fbk__fail_at(db, FBK_ECONFLICT, "event_id", 0,
                            "another event with this event_id was stored before");
    return outcome == FBK__ADDED ? FBK_OK : FBK_DONE;
}
