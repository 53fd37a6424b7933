/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/append.h"

/* An id that was seen before: is it the same event? A resent event names the same first identifier
 * and the same time, so that the stored one is found where events of that node and time lie; when
 * none there has the id, the content differs. */

/* Node of the k-th identifier of a batch's event; 0 when it has none yet. */
static fbk_status
ident_node(fbk__append *s, const fbk__batch_event *ev, uint32_t k, uint32_t *out)
{
    const fbk__batch_ident *ident = &s->batch->idents[ev->first_ident + k];
    uint32_t space = s->batch->word_ids[ident->space];
    fbk__key key;
    fbk_status rc;

    *out = 0;
    rc = fbk__ident_key(s->db, s->engine, space, s->batch->text.data + ident->value.at,
                        ident->value.len, &key);
    if (rc >= 0)
        rc = fbk__engine_node(s->db, s->engine, key, out);
    return rc < 0 ? rc : FBK_OK;
}

static bool
same_text(const fbk__strings *column, size_t i, const fbk__batch *batch, fbk__span span)
{
    size_t len = column->offsets[i + 1] - column->offsets[i];

    return len == span.len && (len == 0 || memcmp(column->bytes + column->offsets[i],
                                                  batch->text.data + span.at, len) == 0);
}

static bool
same_head(const fbk__batch *b, const fbk__batch_event *ev, const fbk__frame *f, uint32_t i)
{
    uint32_t extra = ev->n_idents > 1 ? ev->n_idents - 1 : 0;

    return f->ev[FBK__EV_OCCURRED][i] == ev->occurred_us &&
           f->ev[FBK__EV_KIND][i] == b->word_ids[ev->kind] &&
           f->ev[FBK__EV_SOURCE][i] == b->word_ids[ev->source] &&
           f->ev[FBK__EV_CHANNEL][i] == b->word_ids[ev->channel] &&
           f->ev[FBK__EV_PLACE][i] == b->place_ids[ev->place] &&
           f->ev[FBK__EV_FLAGS][i] == ev->flags &&
           f->ev[FBK__EV_CURRENCY][i] == b->word_ids[ev->currency] &&
           f->ev[FBK__EV_N_LINES][i] == ev->n_lines && f->ev[FBK__EV_N_EXTRA][i] == extra &&
           f->ev[FBK__EV_N_PROPS][i] == ev->n_props && same_text(&f->orders, i, b, ev->order_ref);
}

static bool
same_lines(const fbk__batch *b, const fbk__batch_event *ev, const fbk__frame *f, uint32_t first)
{
    for (uint32_t k = 0; k < ev->n_lines; k++) {
        const fbk__batch_line *line = &b->lines[ev->first_line + k];
        uint32_t at = first + k;

        if (f->ln[FBK__LN_KIND][at] != line->kind ||
            f->ln[FBK__LN_ITEM][at] != b->item_ids[line->item] ||
            f->ln[FBK__LN_QUANTITY][at] != line->quantity_milli ||
            f->ln[FBK__LN_PRICE][at] != line->unit_price_micro ||
            f->ln[FBK__LN_DISCOUNT][at] != line->discount_micro ||
            f->ln[FBK__LN_TAX][at] != line->tax_micro ||
            f->ln[FBK__LN_AMOUNT][at] != line->amount_micro)
            return false;
    }
    return true;
}

static bool
same_props(const fbk__batch *b, const fbk__batch_event *ev, const fbk__frame *f, uint32_t first)
{
    for (uint32_t k = 0; k < ev->n_props; k++) {
        const fbk__batch_prop *prop = &b->props[ev->first_prop + k];
        uint32_t at = first + k;

        if (f->prop_key[at] != b->word_ids[prop->key] || f->prop_type[at] != prop->type)
            return false;
        if (prop->type == FBK__PROP_TEXT
                ? !same_text(&f->texts, (size_t)f->prop_value[at], b, prop->value.text)
                : f->prop_value[at] != fbk__append_prop_bits(prop))
            return false;
    }
    return true;
}

/* Event i of a frame against one of the batch whose id it has. */
static fbk_status
judge_event(fbk__append *s, const fbk__batch_event *ev, const fbk__frame *f,
            const fbk__frame_index *index, uint32_t i, uint8_t *outcome)
{
    *outcome = FBK__CONFLICT;
    if (!same_head(s->batch, ev, f, i) || !same_lines(s->batch, ev, f, index->line[i]) ||
        !same_props(s->batch, ev, f, index->prop[i]))
        return FBK_OK;
    for (uint32_t k = 0; k < ev->n_idents; k++) {
        int64_t stored = k ? f->extra[index->extra[i] + k - 1] : f->ev[FBK__EV_NODE][i];
        uint32_t node;
        fbk_status rc = ident_node(s, ev, k, &node);

        if (rc < 0)
            return rc;
        if (node == 0 || node != stored)
            return FBK_OK;
    }
    if (ev->n_idents || f->ev[FBK__EV_NODE][i] == 0)
        *outcome = FBK__ALREADY;
    return FBK_OK;
}

/* Event number `event` of a stored frame, whose id is the same. */
static fbk_status
judge_stored(fbk__append *s, const fbk__batch_event *ev, fbk__cached *cached, uint32_t event,
             uint8_t *outcome)
{
    fbk__frame_index index = {NULL, NULL, NULL};
    fbk__frame one;
    fbk_status rc;

    fbk__frame_init(&one, fbk__a(s->db));
    rc = fbk__cached_read(s->db, &s->engine->codec, cached, event, 1, (1u << FBK__N_FC) - 1, &one);
    if (rc >= 0 && fbk__frame_index_make(&one, &index) < 0)
        rc = fbk__nomem(s->db); /* what was decoded adds up */
    if (rc >= 0)
        rc = judge_event(s, ev, &one, &index, 0, outcome);
    fbk__frame_index_free(&index, fbk__a(s->db));
    fbk__frame_free(&one);
    return rc;
}

/* FBK_DONE when the id is not among n events of its node, which are in the order of time. */
static fbk_status
judge_events(fbk__append *s, const fbk__batch_event *ev, fbk__cached *cached, uint32_t first,
             uint32_t n, uint8_t *outcome)
{
    const char *id = s->batch->text.data + ev->id.at;
    uint32_t low = 0;
    uint32_t high = n;
    uint32_t event;
    const int64_t *us;
    fbk__frame f;
    fbk_status rc;

    fbk__frame_init(&f, fbk__a(s->db));
    rc = fbk__cached_read(s->db, &s->engine->codec, cached, first, n, 1u << FBK__EV_OCCURRED, &f);
    us = f.ev[FBK__EV_OCCURRED];
    while (rc >= 0 && low < high && us[low] != ev->occurred_us)
        low++;
    while (rc >= 0 && low < high && us[high - 1] != ev->occurred_us)
        high--;
    fbk__frame_free(&f);
    if (rc < 0 || low == high)
        return rc < 0 ? rc : FBK_DONE;
    rc = fbk__cached_find_id(s->db, &s->engine->codec, cached, first + low, high - low, id,
                             ev->id.len, &event);
    return rc == FBK_OK ? judge_stored(s, ev, cached, event, outcome) : rc;
}

/* FBK_DONE when the id is not among the events of this node and time in the segment. */
static fbk_status
judge_segment(fbk__append *s, const fbk__batch_event *ev, fbk__segment *segment, uint32_t node,
              uint8_t *outcome)
{
    fbk_status rc = FBK_DONE;

    for (uint32_t k = fbk__segment_find(segment, node);
         rc == FBK_DONE && k < segment->n_frames && segment->frames[k].min_node <= node; k++) {
        const fbk__segment_frame *facts = &segment->frames[k];
        fbk__cached *cached = NULL;
        uint32_t first;
        uint32_t n;
        fbk_status got;

        if (ev->occurred_us < facts->min_us || ev->occurred_us > facts->max_us)
            continue;
        got = fbk__cached_get(s->db, segment, k, &cached);
        if (got >= 0)
            got = fbk__cached_find(s->db, &s->engine->codec, cached, node, &first, &n);
        if (got >= 0 && n)
            rc = judge_events(s, ev, cached, first, n, outcome);
        fbk__cached_unref(cached);
        if (got < 0)
            return got;
    }
    return rc;
}

static fbk_status
judge_sealed(fbk__append *s, const fbk__batch_event *ev, uint8_t *outcome)
{
    const fbk__sets *sets = s->engine->writing->sets;
    uint32_t node = 0;
    fbk_status rc = ev->n_idents ? ident_node(s, ev, 0, &node) : FBK_OK;

    *outcome = FBK__CONFLICT;
    if (rc < 0 || (ev->n_idents && node == 0))
        return rc;
    rc = FBK_DONE;
    for (uint32_t i = sets->n_segments; rc == FBK_DONE && i-- > 0;)
        rc = judge_segment(s, ev, sets->segments[i], node, outcome);
    return rc < 0 ? rc : FBK_OK;
}

/* Whether an id belongs to an erased event: FBK_OK or FBK_DONE. */
static fbk_status
judge_erased(fbk__append *s, fbk__key key)
{
    static const char sql[] = "SELECT 1 FROM log_erased WHERE id = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(s->db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_blob(st, 1, &key, sizeof key);
    rc = fbk__step(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__append_judge_sealed(fbk__append *s, const fbk__batch_event *ev, fbk__key key, uint8_t *outcome)
{
    fbk_status rc = judge_erased(s, key);

    if (rc == FBK_OK)
        *outcome = FBK__ERASED;
    return rc == FBK_DONE ? judge_sealed(s, ev, outcome) : rc;
}

static fbk_status
judge_run(fbk__append *s, const fbk__batch_event *ev, fbk__key key, uint8_t *outcome)
{
    const fbk__sets *sets = s->engine->writing->sets;
    fbk__probe probe = fbk__probe_of(key);
    fbk_status rc = FBK_DONE;
    uint32_t unused;

    if (s->id_facts) {
        uint8_t facts = s->id_facts[ev - s->batch->events];

        *outcome = facts >> FBK__ID_OUTCOME;
        return facts & FBK__ID_SEALED ? FBK_OK : FBK_DONE;
    }
    for (uint32_t i = sets->n_runs; rc == FBK_DONE && i-- > 0;) {
        const fbk__run *run = sets->runs[i];

        if (run->kind == FBK__RUN_IDS && fbk__run_may_have(run, key, probe))
            rc = fbk__run_find(s->db, &s->engine->codec, run, key, s->engine->block, &unused);
    }
    return rc == FBK_OK ? fbk__append_judge_sealed(s, ev, key, outcome) : rc;
}

/* The record that holds an event of the tail, by its number; the one being filled when none
 * does. */
static const fbk__record *
judge_record(const fbk__append *s, uint64_t number)
{
    const fbk__view *view = s->engine->writing;
    uint32_t low = 0;
    uint32_t high = view->n_tail;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (view->tail->records[mid]->total.last_event < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low < view->n_tail ? view->tail->records[low] : s->record;
}

fbk_status
fbk__append_judge(fbk__append *s, const fbk__batch_event *ev, fbk__key key, uint8_t *outcome)
{
    uint32_t since = fbk__keymap_get(&s->engine->ids, key);
    uint64_t number = s->engine->writing->sealed_event + since;
    const fbk__record *record;

    if (!since)
        return judge_run(s, ev, key, outcome);
    record = judge_record(s, number);
    return judge_event(s, ev, &record->frame, &record->index,
                       (uint32_t)(number - (uint64_t)record->frame.ev[FBK__EV_ARRIVAL][0]),
                       outcome);
}
