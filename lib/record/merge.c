/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "record/event.h"
#include "record/exchange.h"
#include "store/conn.h"

/* A bundle into a store. What a store holds is a join of what came to it, so that the order in
 * which bundles come, and how often, does not matter:
 *   events      of all versions of one id that some store has as the event, the one whose content
 *               has the lowest hash; all others are conflicts
 *   erasures    the union; an erased identifier is erased up to the latest time of any store
 *   rows        the last writer's
 * Each step is a transaction; one that was cut short is done again by the next merge. */

enum { MERGE_ROWS = 50000, SETTLE_IDS = 4096 };

typedef struct merge {
    fbk *db;
    fbk__batch batch; /* events on their way in */
    fbk__batch other; /* one at a time */
    fbk__buf scratch;
    fbk__tombs tombs;
    fbk__keymap ids; /* to be erased */
    bool tombs_known;
    bool writing;
    fbk__merge_counts counts;
    fbk__bundle_tick_fn tick;
    void *user_data;
} merge;

/* -- both ways through a bundle ---------------------------------------------------------------- */

/* Sums of two currencies, or of prices with and without tax, would be wrong. */
static fbk_status
same_setting(fbk *db, const char *key, const char *theirs, const char *what)
{
    char *own = NULL;
    fbk_status rc = fbk__meta_get(db, key, &own);

    if (rc >= 0 && strcmp(own, theirs) != 0)
        rc = fbk__fail_at(db, FBK_ECONFLICT, key, 0,
                          "the other store's %s was %s, this one's %s: they cannot be merged", what,
                          theirs, own);
    fbk__free(fbk__a(db), own);
    return rc;
}

static fbk_status
merge_head(void *user_data, const fbk__bundle_head *head)
{
    merge *m = user_data;
    fbk_status rc = same_setting(m->db, "store.currency", head->currency, "currency");

    return rc < 0 ? rc : same_setting(m->db, "store.prices", head->prices, "kind of prices");
}

static void
merge_init(fbk *db, merge *m)
{
    fbk__batch_init(&m->batch, fbk__a(db));
    fbk__batch_init(&m->other, fbk__a(db));
    fbk__buf_init(&m->scratch, fbk__a(db));
    fbk__keymap_init(&m->ids, fbk__a(db));
    fbk__keymap_init(&m->tombs.by_hash, fbk__a(db));
}

static void
merge_free(merge *m)
{
    fbk__batch_free(&m->batch);
    fbk__batch_free(&m->other);
    fbk__buf_free(&m->scratch);
    fbk__keymap_free(&m->ids);
    fbk__tombs_free(m->db, &m->tombs);
}

/* -- only looking ------------------------------------------------------------------------------ */

static fbk_status
verify_erased(void *user_data, fbk__key id)
{
    (void)user_data;
    (void)id;
    return FBK_OK;
}

static fbk_status
verify_tomb(void *user_data, const fbk__tomb *tomb)
{
    (void)user_data;
    (void)tomb;
    return FBK_OK;
}

static fbk_status
verify_row(void *user_data, uint32_t table, const fbk__value *values)
{
    (void)user_data;
    (void)table;
    (void)values;
    return FBK_OK;
}

static fbk_status
verify_event(void *user_data)
{
    merge *m = user_data;
    fbk_status rc = fbk__event_validate_last(m->db, &m->batch);

    fbk__batch_drop_event(&m->batch);
    return rc;
}

static fbk_status
verify_conflict(void *user_data, uint32_t flags)
{
    (void)flags;
    return verify_event(user_data);
}

static fbk_status
verify_block(void *user_data, uint64_t done)
{
    merge *m = user_data;

    fbk__batch_clear(&m->batch);
    return m->tick ? m->tick(m->user_data, done, 0) : FBK_OK;
}

fbk_status
fbk__merge_verify(fbk *db, fbk__bundle_read_fn read, void *source, fbk__bundle_tick_fn tick,
                  void *user_data)
{
    merge m = {.db = db, .tick = tick, .user_data = user_data};
    const fbk__bundle_sink sink = {.user_data = &m,
                                   .batch = &m.batch,
                                   .head = merge_head,
                                   .erased = verify_erased,
                                   .tomb = verify_tomb,
                                   .row = verify_row,
                                   .event = verify_event,
                                   .conflict = verify_conflict,
                                   .block = verify_block};
    fbk_status rc;

    merge_init(db, &m);
    rc = fbk__bundle_read(db, read, source, &sink);
    merge_free(&m);
    return rc;
}

/* -- erasures ---------------------------------------------------------------------------------- */

static fbk_status
merge_begin(merge *m)
{
    fbk_status rc = m->writing ? FBK_OK : fbk__write_begin(m->db);

    m->writing |= rc >= 0;
    return rc;
}

static fbk_status
merge_end(merge *m, fbk_status rc)
{
    if (!m->writing)
        return rc;
    m->writing = false;
    return fbk__write_end(m->db, rc);
}

static fbk_status
ids_put(merge *m, fbk__key id)
{
    uint32_t *slot = fbk__keymap_put(&m->ids, id);

    if (!slot)
        return fbk__nomem(m->db);
    *slot = FBK__REVISE_ERASE;
    return FBK_OK;
}

static fbk_status
merge_erased(void *user_data, fbk__key id)
{
    merge *m = user_data;
    fbk_status rc = fbk__erased_has(m->db, id);

    return rc == FBK_DONE ? ids_put(m, id) : rc;
}

static fbk_status
merge_tomb(void *user_data, const fbk__tomb *tomb)
{
    merge *m = user_data;
    fbk_status rc = merge_begin(m);

    return rc < 0 ? rc : fbk__tomb_write(m->db, tomb);
}

/* Whether identifier k of the last event of a batch was erased after the event. */
static bool
buried(const merge *m, const fbk__batch *batch, uint32_t k)
{
    const fbk__batch_event *e = &batch->events[batch->n_events - 1];
    const fbk__batch_ident *ident = &batch->idents[e->first_ident + k];
    const char *space = fbk__intern_text(&batch->words, ident->space, NULL);

    return m->tombs.n &&
           e->occurred_us <= fbk__tombs_find(&m->tombs, space, batch->text.data + ident->value.at,
                                             ident->value.len);
}

static bool
any_buried(const merge *m, const fbk__batch *batch)
{
    const fbk__batch_event *e = &batch->events[batch->n_events - 1];
    bool any = false;

    for (uint32_t k = 0; k < e->n_idents && !any; k++)
        any = buried(m, batch, k);
    return any;
}

/* Numbers of conflicts that go. */
typedef struct doomed {
    merge *m;
    int64_t *numbers;
    size_t n;
    size_t cap;
} doomed;

static fbk_status
doomed_one(void *user_data, const fbk__conflict *c)
{
    doomed *d = user_data;
    merge *m = d->m;
    fbk_status rc;

    fbk__batch_clear(&m->other);
    rc = fbk__content_read(m->db, &m->other, c->body, c->body_len, c->received_us);
    if (rc < 0 || !any_buried(m, &m->other))
        return rc;
    if (!fbk__grow(fbk__a(m->db), &d->numbers, &d->cap, d->n + 1, sizeof *d->numbers))
        return fbk__nomem(m->db);
    d->numbers[d->n++] = c->number;
    if (!(c->flags & FBK__CONFLICT_STORED) || !buried(m, &m->other, 0))
        return FBK_OK;
    rc = fbk__erased_has(m->db, c->id);
    return rc == FBK_DONE ? ids_put(m, c->id) : rc;
}

/* What was noted of erased identifiers as conflicts. */
static fbk_status
erase_conflicts(merge *m)
{
    doomed d = {.m = m};
    fbk_status rc = m->tombs.n ? fbk__conflicts_each(m->db, NULL, doomed_one, &d) : FBK_OK;

    for (size_t i = 0; rc >= 0 && i < d.n; i++)
        rc = fbk__conflict_drop(m->db, d.numbers[i]);
    fbk__free(fbk__a(m->db), d.numbers);
    return rc;
}

/* Erase what the ids and the erased identifiers ask for. */
static fbk_status
erase_all(merge *m)
{
    uint64_t n = 0;
    fbk_status rc = fbk__write_begin(m->db);

    if (rc < 0)
        return rc;
    rc = erase_conflicts(m);
    if (rc >= 0 && (m->ids.n || m->tombs.n))
        rc = fbk__log_revise(m->db, &m->ids, &n);
    rc = fbk__write_end(m->db, rc);
    fbk__keymap_clear(&m->ids, 1 << 16);
    m->counts.dropped += n;
    return rc;
}

/* Once, before anything else comes in: the erasures stand first in a bundle. */
static fbk_status
tombs_settle(merge *m)
{
    fbk_status rc;

    if (m->tombs_known)
        return FBK_OK;
    rc = merge_end(m, FBK_OK);
    if (rc < 0)
        return rc;
    m->tombs_known = true;
    fbk__tombs_free(m->db, &m->tombs);
    rc = fbk__tombs_load(m->db, &m->tombs);
    return rc < 0 ? rc : erase_all(m);
}

/* -- rows and events --------------------------------------------------------------------------- */

static fbk_status
merge_flush(merge *m)
{
    uint8_t *outcomes;
    fbk__append_counts counts = {0};
    fbk_status rc;

    if (!m->batch.n_events)
        return FBK_OK;
    outcomes = fbk__alloc(fbk__a(m->db), m->batch.n_events);
    rc = outcomes ? fbk__write_begin(m->db) : fbk__nomem(m->db);
    if (rc >= 0) {
        rc = fbk__event_append_batch(m->db, &m->batch, outcomes, &counts);
        for (size_t i = 0; rc >= 0 && i < m->batch.n_events; i++) {
            if (outcomes[i] == FBK__CONFLICT)
                rc = fbk__conflict_add(m->db, &m->batch, &m->batch.events[i],
                                       FBK__CONFLICT_STORED | FBK__CONFLICT_OPEN);
        }
        rc = fbk__write_end(m->db, rc);
    }
    fbk__free(fbk__a(m->db), outcomes);
    fbk__batch_clear(&m->batch);
    if (rc < 0)
        return rc;
    m->counts.events.added += counts.added;
    m->counts.events.already += counts.already;
    m->counts.events.conflict += counts.conflict;
    m->counts.events.erased += counts.erased;
    m->counts.events.lines_added += counts.lines_added;
    return FBK_OK;
}

static fbk_status
merge_row(void *user_data, uint32_t table, const fbk__value *values)
{
    merge *m = user_data;
    fbk_status rc = tombs_settle(m);

    if (rc >= 0)
        rc = merge_begin(m);
    if (rc >= 0)
        rc = fbk__rows_apply(m->db, table, values, &m->tombs);
    m->counts.rows += rc == FBK_OK;
    return rc;
}

/* Take the erased identifiers out of the last event, but for the first, which is not one. */
static void
strip(const merge *m, fbk__batch *batch)
{
    fbk__batch_event *e = &batch->events[batch->n_events - 1];
    uint32_t kept = 0;

    for (uint32_t k = 0; k < e->n_idents; k++) {
        if (!buried(m, batch, k))
            batch->idents[e->first_ident + kept++] = batch->idents[e->first_ident + k];
    }
    e->n_idents = kept;
    batch->n_idents = (size_t)e->first_ident + kept;
}

static fbk_status
merge_event(void *user_data)
{
    merge *m = user_data;
    fbk__batch_event *e;
    fbk_status rc = tombs_settle(m);

    if (rc >= 0)
        rc = fbk__event_validate_last(m->db, &m->batch);
    if (rc < 0)
        return rc;
    e = &m->batch.events[m->batch.n_events - 1];
    if (e->n_idents && buried(m, &m->batch, 0)) {
        fbk__key id = fbk__batch_key(&m->batch, e);

        fbk__batch_drop_event(&m->batch);
        m->counts.events.erased++;
        rc = fbk__erased_has(m->db, id);
        return rc == FBK_DONE ? ids_put(m, id) : rc;
    }
    if (m->tombs.n)
        strip(m, &m->batch);
    return FBK_OK;
}

static fbk_status
merge_conflict(void *user_data, uint32_t flags)
{
    merge *m = user_data;
    fbk__batch_event *e;
    fbk_status rc = tombs_settle(m);

    if (rc >= 0)
        rc = fbk__event_validate_last(m->db, &m->batch);
    if (rc >= 0)
        rc = merge_begin(m);
    if (rc < 0)
        return rc;
    e = &m->batch.events[m->batch.n_events - 1];
    if (!any_buried(m, &m->batch))
        rc = fbk__conflict_add(m->db, &m->batch, e, flags | FBK__CONFLICT_OPEN);
    else if (flags & FBK__CONFLICT_STORED && buried(m, &m->batch, 0))
        rc = merge_erased(m, fbk__batch_key(&m->batch, e));
    fbk__batch_drop_event(&m->batch);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
merge_block(void *user_data, uint64_t done)
{
    merge *m = user_data;
    fbk_status rc = merge_end(m, FBK_OK);

    if (rc >= 0 && m->batch.n_events + m->batch.n_lines >= MERGE_ROWS)
        rc = merge_flush(m);
    return rc >= 0 && m->tick ? m->tick(m->user_data, done, 0) : rc;
}

/* -- which version is the event ---------------------------------------------------------------- */

typedef struct settle {
    merge *m;
    fbk__named named;
    fbk__node_reader *nodes;
    fbk__keymap replaced;
    /* Of the id at hand: */
    unsigned char own[16];
    int64_t same;         /* conflict that is the event itself; 0 = none */
    fbk__conflict lowest; /* stored elsewhere and below our own; number 0 = none */
    fbk__buf body;        /* its body */
} settle;

static fbk_status
settle_look(void *user_data, const fbk__conflict *c)
{
    settle *s = user_data;
    int order = memcmp(c->content, s->own, sizeof s->own);

    if (order == 0)
        s->same = c->number;
    /* They come in the order of content: the first is the lowest. */
    if (order >= 0 || !(c->flags & FBK__CONFLICT_STORED) || s->lowest.number)
        return FBK_OK;
    s->lowest = *c;
    fbk__buf_clear(&s->body);
    fbk__buf_add(&s->body, c->body, c->body_len);
    return s->body.failed ? fbk__nomem(s->m->db) : FBK_OK;
}

/* The other version becomes the event, what was the event a conflict. m->other has the latter. */
static fbk_status
settle_swap(settle *s, fbk__key id)
{
    merge *m = s->m;
    uint32_t *slot = fbk__keymap_put(&s->replaced, id);
    fbk_status rc = slot ? FBK_OK : fbk__nomem(m->db);

    if (rc >= 0) {
        *slot = FBK__REVISE_REPLACE;
        rc = fbk__conflict_add(m->db, &m->other, &m->other.events[0], FBK__CONFLICT_STORED);
    }
    if (rc >= 0)
        rc = fbk__content_read(m->db, &m->batch, s->body.data, s->body.len, s->lowest.received_us);
    return rc < 0 ? rc : fbk__conflict_drop(m->db, s->lowest.number);
}

static fbk_status
settle_event(void *user_data, const fbk__frame *f, const fbk__frame_index *index, uint32_t i)
{
    settle *s = user_data;
    merge *m = s->m;
    fbk__key id;
    fbk_status rc;

    fbk__batch_clear(&m->other);
    rc = fbk__batch_take(m->db, &m->other, f, index, i, &s->named.names, s->nodes);
    if (rc < 0)
        return rc;
    if (fbk__batch_content(&m->other, &m->other.events[0], &m->scratch, s->own) < 0)
        return fbk__nomem(m->db);
    id = fbk__batch_key(&m->other, &m->other.events[0]);
    s->same = 0;
    s->lowest.number = 0;
    rc = fbk__conflicts_each(m->db, &id, settle_look, s);
    if (rc >= 0 && s->same)
        rc = fbk__conflict_drop(m->db, s->same);
    return rc >= 0 && s->lowest.number ? settle_swap(s, id) : rc;
}

/* Inside a write transaction. */
static fbk_status
settle_ids(settle *s, const fbk__key *ids, uint32_t n)
{
    merge *m = s->m;
    fbk__keymap wanted;
    fbk__walk walk = {.ids = &wanted, .event = settle_event, .user_data = s};
    fbk__append_counts counts;
    uint64_t none;
    fbk_status rc = fbk__named_open(m->db, &s->named);

    fbk__keymap_init(&wanted, fbk__a(m->db));
    if (rc >= 0)
        rc = fbk__node_reader_open(m->db, &s->nodes);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        uint32_t *slot = fbk__keymap_put(&wanted, ids[i]);

        if (slot)
            *slot = 1;
        else
            rc = fbk__nomem(m->db);
    }
    if (rc >= 0)
        rc = fbk__log_walk(m->db, &walk);
    if (rc >= 0 && s->replaced.n) {
        rc = fbk__log_revise(m->db, &s->replaced, &none);
        if (rc >= 0)
            rc = fbk__event_append_batch(m->db, &m->batch, NULL, &counts);
        m->counts.replaced += s->replaced.n;
    }
    for (uint32_t i = 0; rc >= 0 && i < n; i++)
        rc = fbk__conflict_close(m->db, ids[i]);
    fbk__keymap_free(&wanted);
    return rc;
}

/* Conflicts that a merge brought, some ids at a time. FBK_DONE when there is none left. */
static fbk_status
settle_some(merge *m)
{
    fbk__key *ids = fbk__alloc(fbk__a(m->db), SETTLE_IDS * sizeof *ids);
    settle s = {.m = m};
    uint32_t n = 0;
    fbk_status rc = ids ? fbk__write_begin(m->db) : fbk__nomem(m->db);

    if (rc < 0) {
        fbk__free(fbk__a(m->db), ids);
        return rc;
    }
    fbk__keymap_init(&s.replaced, fbk__a(m->db));
    fbk__buf_init(&s.body, fbk__a(m->db));
    rc = fbk__conflicts_open(m->db, SETTLE_IDS, ids, &n);
    if (rc >= 0 && n)
        rc = settle_ids(&s, ids, n);
    rc = fbk__write_end(m->db, rc);
    fbk__batch_clear(&m->batch);
    fbk__keymap_free(&s.replaced);
    fbk__buf_free(&s.body);
    fbk__node_reader_close(s.nodes);
    fbk__named_close(&s.named);
    fbk__free(fbk__a(m->db), ids);
    return rc < 0 ? rc : n ? FBK_OK : FBK_DONE;
}

/* -- all of it --------------------------------------------------------------------------------- */

static fbk_status
merge_finish(merge *m)
{
    fbk_status rc = tombs_settle(m);

    if (rc >= 0)
        rc = merge_flush(m);
    if (rc >= 0 && m->ids.n)
        rc = erase_all(m);
    while (rc == FBK_OK)
        rc = settle_some(m);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__merge_apply(fbk *db, fbk__bundle_read_fn read, void *source, fbk__bundle_tick_fn tick,
                 void *user_data, fbk__merge_counts *out)
{
    merge m = {.db = db, .tick = tick, .user_data = user_data};
    const fbk__bundle_sink sink = {.user_data = &m,
                                   .batch = &m.batch,
                                   .head = merge_head,
                                   .erased = merge_erased,
                                   .tomb = merge_tomb,
                                   .row = merge_row,
                                   .event = merge_event,
                                   .conflict = merge_conflict,
                                   .block = merge_block};
    fbk_status rc;

    merge_init(db, &m);
    rc = fbk__bundle_read(db, read, source, &sink);
    rc = merge_end(&m, rc);
    if (rc >= 0)
        rc = merge_finish(&m);
    merge_free(&m);
    if (rc >= 0)
        *out = m.counts;
    return rc;
}
