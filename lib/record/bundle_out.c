/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "record/bundle.h"
#include "record/catalogue.h"
#include "record/exchange.h"
#include "record/place.h"
#include "store/conn.h"

/* Writing a bundle, in memory that does not grow with the store. */

enum { OUT_EVENTS = 4096, OUT_LINES = 1 << 16, OUT_TEXT = 1 << 20, OUT_KEYS = 1 << 16 };

typedef struct writer {
    fbk *db;
    fbk__bundle_out *out;
    fbk__codec codec;
    fbk__buf payload;
    fbk__buf block;
    fbk__bundle_totals totals;
    fbk__batch batch;
    fbk__named named;
    fbk__node_reader *nodes;
    uint64_t total; /* events to come, for progress */
    uint32_t table; /* rows being gathered */
    int64_t *ints[5];
    size_t int_cap[5];
    size_t n_ints;
} writer;

/* -- blocks ------------------------------------------------------------------------------------ */

static fbk_status
block_write(writer *w, uint32_t type)
{
    uint32_t head[2] = {type, (uint32_t)w->payload.len};
    uint64_t hash;

    if (w->payload.failed)
        return fbk__nomem(w->db);
    if (w->payload.len > FBK__BUNDLE_BLOCK_MAX)
        return fbk__fail(w->db, FBK_ETOOBIG, "an event was too large for a block of a bundle");
    fbk__buf_clear(&w->block);
    fbk__buf_add(&w->block, head, sizeof head);
    if (w->payload.len)
        fbk__buf_add(&w->block, w->payload.data, w->payload.len);
    if (w->block.failed)
        return fbk__nomem(w->db);
    hash = fbk__hash64_seeded(w->block.data, w->block.len, w->totals.blocks++);
    fbk__buf_add(&w->block, &hash, sizeof hash);
    fbk__buf_clear(&w->payload);
    if (w->block.failed)
        return fbk__nomem(w->db);
    return w->out->write(w->out->user_data, w->block.data, w->block.len);
}

static fbk_status
codec_status(writer *w, fbk_status rc)
{
    if (rc >= 0)
        return FBK_OK;
    return rc == FBK_ENOMEM ? fbk__nomem(w->db)
                            : fbk__fail(w->db, rc, "an event was too large for a bundle");
}

static void
put_text(fbk__buf *buf, const char *text)
{
    fbk__buf_uvarint(buf, strlen(text));
    fbk__buf_str(buf, text);
}

static fbk_status
write_head(writer *w)
{
    static const char *const settings[] = {"store.currency", "store.prices", "store.time_zone"};
    unsigned char store[FBK__STORE_ID];
    fbk_status rc = fbk__store_id(w->db, store);

    fbk__buf_uvarint(&w->payload, FBK__BUNDLE_VERSION);
    fbk__buf_add(&w->payload, store, sizeof store);
    fbk__buf_uvarint(&w->payload, w->out->after_event);
    fbk__buf_uvarint(&w->payload, w->out->to_event);
    for (size_t i = 0; rc >= 0 && i < sizeof settings / sizeof settings[0]; i++) {
        char *text = NULL;

        rc = fbk__meta_get(w->db, settings[i], &text);
        if (rc >= 0)
            put_text(&w->payload, text);
        fbk__free(fbk__a(w->db), text);
    }
    if (rc >= 0)
        rc = w->out->write(w->out->user_data, fbk__bundle_magic, sizeof fbk__bundle_magic);
    return rc < 0 ? rc : block_write(w, FBK__BLOCK_HEAD);
}

static fbk_status
write_end(writer *w)
{
    const fbk__bundle_totals *t = &w->totals;

    fbk__buf_uvarint(&w->payload, t->blocks);
    fbk__buf_uvarint(&w->payload, t->events);
    fbk__buf_uvarint(&w->payload, t->conflicts);
    fbk__buf_uvarint(&w->payload, t->erased);
    fbk__buf_uvarint(&w->payload, t->tombs);
    fbk__buf_uvarint(&w->payload, t->rows);
    return block_write(w, FBK__BLOCK_END);
}

/* -- what was erased --------------------------------------------------------------------------- */

/* Columns of integers as one block. */
static fbk_status
ints_flush(writer *w, uint32_t type, int n_columns)
{
    fbk_status rc = FBK_OK;

    if (!w->n_ints)
        return FBK_OK;
    fbk__buf_uvarint(&w->payload, w->n_ints);
    for (int k = 0; rc >= 0 && k < n_columns; k++)
        rc = fbk__codec_put_ints(&w->codec, &w->payload, w->ints[k], w->n_ints);
    w->n_ints = 0;
    rc = codec_status(w, rc);
    return rc < 0 ? rc : block_write(w, type);
}

static fbk_status
ints_add(writer *w, const int64_t *values, int n)
{
    for (int k = 0; k < n; k++) {
        if (!fbk__grow(fbk__a(w->db), &w->ints[k], &w->int_cap[k], w->n_ints + 1, sizeof(int64_t)))
            return fbk__nomem(w->db);
        w->ints[k][w->n_ints] = values[k];
    }
    w->n_ints++;
    return FBK_OK;
}

static fbk_status
erased_one(void *user_data, fbk__key id)
{
    writer *w = user_data;
    const int64_t values[2] = {(int64_t)id.hi, (int64_t)id.lo};
    fbk_status rc = ints_add(w, values, 2);

    w->totals.erased++;
    return rc >= 0 && w->n_ints == OUT_KEYS ? ints_flush(w, FBK__BLOCK_ERASED, 2) : rc;
}

static fbk_status
write_tombs(writer *w)
{
    fbk__tombs tombs;
    fbk_status rc = fbk__tombs_load(w->db, &tombs);

    for (size_t i = 0; rc >= 0 && i < tombs.n; i++) {
        const fbk__tomb *t = &tombs.all[i];
        int64_t values[5];

        memcpy(values, t->store, sizeof t->store);
        values[2] = (int64_t)t->hash.hi;
        values[3] = (int64_t)t->hash.lo;
        values[4] = t->erased_us;
        rc = ints_add(w, values, 5);
        w->totals.tombs++;
        if (rc >= 0 && w->n_ints == OUT_KEYS)
            rc = ints_flush(w, FBK__BLOCK_TOMBS, 5);
    }
    if (rc >= 0)
        rc = ints_flush(w, FBK__BLOCK_TOMBS, 5);
    fbk__tombs_free(w->db, &tombs);
    return rc;
}

static fbk_status
write_erased(writer *w)
{
    fbk_status rc = fbk__erased_each(w->db, erased_one, w);

    if (rc >= 0)
        rc = ints_flush(w, FBK__BLOCK_ERASED, 2);
    return rc < 0 ? rc : write_tombs(w);
}

/* -- rows -------------------------------------------------------------------------------------- */

static fbk_status
rows_flush(writer *w)
{
    fbk__buf rows = w->batch.text; /* borrowed as scratch: no event is in the batch */
    fbk_status rc;

    if (!rows.len)
        return FBK_OK;
    fbk__buf_uvarint(&w->payload, w->table);
    rc = codec_status(w, fbk__codec_put_bytes(&w->codec, &w->payload, rows.data, rows.len));
    fbk__buf_clear(&w->batch.text);
    return rc < 0 ? rc : block_write(w, FBK__BLOCK_ROWS);
}

static fbk_status
row_one(void *user_data, const fbk__value *values)
{
    writer *w = user_data;

    fbk__row_put(&w->batch.text, values, fbk__rows_n_columns(w->table));
    if (w->batch.text.failed)
        return fbk__nomem(w->db);
    w->totals.rows++;
    return w->batch.text.len >= OUT_TEXT ? rows_flush(w) : FBK_OK;
}

static fbk_status
write_rows(writer *w, uint32_t first, uint32_t end)
{
    fbk_status rc = FBK_OK;

    for (w->table = first; rc >= 0 && w->table < end; w->table++) {
        rc = fbk__rows_each(w->db, w->table, row_one, w);
        if (rc >= 0)
            rc = rows_flush(w);
    }
    return rc;
}

/* -- events ------------------------------------------------------------------------------------ */

static fbk_status
batch_flush(writer *w, uint32_t type)
{
    fbk_status rc = FBK_OK;

    if (!w->batch.n_events)
        return FBK_OK;
    if (type == FBK__BLOCK_CONFLICT)
        fbk__buf_uvarint(&w->payload, w->n_ints);
    if (type == FBK__BLOCK_CONFLICT)
        rc = fbk__codec_put_ints(&w->codec, &w->payload, w->ints[0], w->n_ints);
    w->n_ints = 0;
    if (rc >= 0)
        rc = fbk__batch_pack(&w->codec, &w->payload, &w->batch);
    rc = codec_status(w, rc);
    fbk__batch_clear(&w->batch);
    return rc < 0 ? rc : block_write(w, type);
}

static bool
batch_full(const writer *w)
{
    return w->batch.n_events >= OUT_EVENTS || w->batch.n_lines >= OUT_LINES ||
           w->batch.text.len >= OUT_TEXT;
}

static fbk_status
events_ready(void *user_data)
{
    writer *w = user_data;
    fbk_status rc = fbk__named_open(w->db, &w->named);

    return rc < 0 ? rc : fbk__node_reader_open(w->db, &w->nodes);
}

static fbk_status
event_one(void *user_data, const fbk__frame *f, const fbk__frame_index *index, uint32_t i)
{
    writer *w = user_data;
    fbk_status rc = fbk__batch_take(w->db, &w->batch, f, index, i, &w->named.names, w->nodes);

    w->totals.events++;
    if (rc < 0 || !batch_full(w))
        return rc;
    rc = batch_flush(w, FBK__BLOCK_EVENTS);
    if (rc >= 0 && w->out->tick)
        rc = w->out->tick(w->out->user_data, w->totals.events, w->total);
    return rc;
}

static fbk_status
write_events(writer *w)
{
    fbk__walk walk = {.after_event = w->out->after_event,
                      .to_event = w->out->to_event,
                      .ready = events_ready,
                      .event = event_one,
                      .user_data = w};
    fbk_status rc = FBK_OK;

    if (w->out->to_event > w->out->after_event)
        rc = fbk__log_walk(w->db, &walk);
    return rc < 0 ? rc : batch_flush(w, FBK__BLOCK_EVENTS);
}

static fbk_status
conflict_one(void *user_data, const fbk__conflict *c)
{
    writer *w = user_data;
    const int64_t flags = c->flags & FBK__CONFLICT_STORED;
    fbk_status rc = fbk__content_read(w->db, &w->batch, c->body, c->body_len, c->received_us);

    if (rc >= 0)
        rc = ints_add(w, &flags, 1);
    w->totals.conflicts++;
    return rc >= 0 && batch_full(w) ? batch_flush(w, FBK__BLOCK_CONFLICT) : rc;
}

static fbk_status
write_all(writer *w)
{
    fbk__log_counts counts;
    fbk_status rc = fbk__log_last(w->db, &w->out->to_event);

    if (rc >= 0)
        rc = fbk__log_count(w->db, &counts);
    if (rc < 0)
        return rc;
    w->total = counts.events;
    rc = write_head(w);
    if (rc >= 0)
        rc = write_erased(w);
    if (rc >= 0)
        rc = write_rows(w, FBK__ROWS_ZONE, FBK__ROWS_LINK);
    if (rc >= 0)
        rc = write_events(w);
    if (rc >= 0)
        rc = write_rows(w, FBK__ROWS_LINK, FBK__ROWS_END);
    if (rc >= 0)
        rc = fbk__conflicts_each(w->db, NULL, conflict_one, w);
    if (rc >= 0)
        rc = batch_flush(w, FBK__BLOCK_CONFLICT);
    return rc < 0 ? rc : write_end(w);
}

fbk_status
fbk__bundle_export(fbk *db, fbk__bundle_out *out)
{
    writer w = {.db = db, .out = out};
    fbk_status rc;

    fbk__codec_init(&w.codec, fbk__a(db));
    fbk__buf_init(&w.payload, fbk__a(db));
    fbk__buf_init(&w.block, fbk__a(db));
    fbk__batch_init(&w.batch, fbk__a(db));
    rc = write_all(&w);
    out->n_events = w.totals.events;
    for (int k = 0; k < 5; k++)
        fbk__free(fbk__a(db), w.ints[k]);
    fbk__node_reader_close(w.nodes);
    fbk__named_close(&w.named);
    fbk__batch_free(&w.batch);
    fbk__buf_free(&w.block);
    fbk__buf_free(&w.payload);
    fbk__codec_free(&w.codec);
    return rc;
}

/* -- names ------------------------------------------------------------------------------------- */

static const char *
name_of_item(const void *user_data, uint32_t item)
{
    const fbk__named *named = user_data;

    return fbk__item_sku(named->items, item);
}

static const char *
name_of_place(const void *user_data, uint32_t place)
{
    const fbk__named *named = user_data;

    return fbk__place_code(named->places, place);
}

fbk_status
fbk__named_open(fbk *db, fbk__named *out)
{
    fbk_status rc = fbk__items_acquire(db, &out->items);

    out->db = db;
    out->names = (fbk__names){name_of_item, name_of_place, out};
    return rc < 0 ? rc : fbk__places_acquire(db, &out->places);
}

void
fbk__named_close(fbk__named *named)
{
    fbk__items_release(named->items);
    fbk__places_release(named->places);
    named->items = NULL;
    named->places = NULL;
}
