/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/tail.h"

#include <string.h>

#include "log/frame_rows.h"

/* First number of a record: how its events are written. Stored: append only. */
enum { RECORD_COLUMNS = 1, RECORD_ROWS = 2 };
enum { N_TOTALS = 6, HASH_LEN = 8 };

/* Pieces of one block, one after the other; with base NULL, only counted. */
typedef struct carver {
    char *base;
    size_t at;
} carver;

static void *
carve(carver *c, size_t n, size_t size)
{
    void *piece = c->base ? c->base + c->at : NULL;

    c->at += n * size;
    return piece;
}

static void
carve_strings(carver *c, fbk__strings *s, size_t n, size_t len)
{
    s->offset_cap = n + 1;
    s->byte_cap = len + 1;
    s->offsets = carve(c, n + 1, sizeof *s->offsets);
    if (s->offsets)
        s->offsets[0] = 0;
}

/* The widest pieces first: each is aligned. */
static void
carve_record(carver *c, fbk__record *r, const fbk__record_room *room)
{
    fbk__frame *f = &r->frame;
    size_t begins = (size_t)room->n.events + 1;

    for (int k = 0; k < FBK__N_EV; k++)
        f->ev[k] = carve(c, room->n.events, sizeof(int64_t));
    for (int k = 0; k < FBK__N_LN; k++)
        f->ln[k] = carve(c, room->n.lines, sizeof(int64_t));
    f->extra = carve(c, room->n.extra, sizeof(int64_t));
    f->prop_key = carve(c, room->n.props, sizeof(int64_t));
    f->prop_type = carve(c, room->n.props, sizeof(int64_t));
    f->prop_value = carve(c, room->n.props, sizeof(int64_t));
    r->spaces = carve(c, room->nodes, sizeof(int64_t));
    r->index.line = carve(c, begins, sizeof(uint32_t));
    r->index.extra = carve(c, begins, sizeof(uint32_t));
    r->index.prop = carve(c, begins, sizeof(uint32_t));
    carve_strings(c, &f->ids, room->n.events, room->ids);
    carve_strings(c, &f->orders, room->n.events, room->orders);
    carve_strings(c, &f->texts, room->n.props, room->texts);
    carve_strings(c, &r->values, room->nodes, room->values);
    f->ids.bytes = carve(c, room->ids + 1, 1);
    f->orders.bytes = carve(c, room->orders + 1, 1);
    f->texts.bytes = carve(c, room->texts + 1, 1);
    r->values.bytes = carve(c, room->values + 1, 1);
}

static void
record_init(fbk__record *r, const fbk_allocator *a)
{
    memset(r, 0, sizeof *r);
    r->refs = 1;
    r->a = *a;
    fbk__frame_init(&r->frame, &r->a);
    fbk__strings_init(&r->values, &r->a);
}

fbk_status
fbk__record_new(fbk *db, const fbk__record_room *room, fbk__record **out)
{
    const size_t most = FBK__CODEC_MAX_ROWS;
    carver count = {NULL, 0};
    carver c = {NULL, 0};
    fbk__record measure;
    fbk__record *r;

    if (room->n.events > most || room->n.lines > most || room->n.extra > most ||
        room->n.props > most || room->nodes > most)
        return fbk__fail(db, FBK_ETOOBIG,
                         "a batch had more than %d events, lines, identifiers or properties",
                         FBK__CODEC_MAX_ROWS);
    carve_record(&count, &measure, room);
    r = fbk__alloc(fbk__a(db), sizeof *r + count.at);
    if (!r)
        return fbk__nomem(db);
    record_init(r, fbk__a(db));
    c.base = (char *)(r + 1);
    carve_record(&c, r, room);
    r->frame.cap = room->n;
    r->one_block = true;
    r->index.line[0] = r->index.extra[0] = r->index.prop[0] = 0;
    *out = r;
    return FBK_OK;
}

fbk__record *
fbk__record_ref(fbk__record *record)
{
    (void)__atomic_add_fetch(&record->refs, 1, __ATOMIC_ACQ_REL);
    return record;
}

void
fbk__record_unref(fbk__record *record)
{
    fbk_allocator a;

    if (!record || __atomic_sub_fetch(&record->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    a = record->a;
    if (!record->one_block) {
        fbk__frame_index_free(&record->index, &record->a);
        fbk__frame_free(&record->frame);
        fbk__strings_free(&record->values);
        fbk__free(&record->a, record->spaces);
    }
    fbk__free(&a, record);
}

static void
totals_put(fbk__buf *out, const fbk__log_total *t)
{
    const uint64_t values[N_TOTALS] = {
        t->last_event, t->events, t->lines, t->nodes, (uint64_t)t->first_us, (uint64_t)t->last_us};

    for (int i = 0; i < N_TOTALS; i++)
        fbk__buf_uvarint(out, values[i]);
}

static void
totals_get(fbk__reader *in, fbk__log_total *t)
{
    uint64_t v[N_TOTALS];

    for (int i = 0; i < N_TOTALS; i++)
        v[i] = fbk__read_uvarint(in);
    *t = (fbk__log_total){v[0], v[1], v[2], v[3], (int64_t)v[4], (int64_t)v[5]};
}

uint64_t
fbk__record_hash(int64_t seq, const void *bytes, size_t len)
{
    return fbk__hash64_seeded(bytes, len, (uint64_t)seq);
}

static fbk_status
nodes_put(fbk__codec *c, fbk__buf *out, const fbk__record *record, bool rows)
{
    const fbk__strings *values = &record->values;
    fbk_status rc;

    if (!rows && record->n_nodes) {
        rc = fbk__codec_put_ints(c, out, record->spaces, record->n_nodes);
        return rc < 0 ? rc : fbk__codec_put_strings(c, out, values);
    }
    for (uint32_t i = 0; i < record->n_nodes; i++) {
        size_t len = values->offsets[i + 1] - values->offsets[i];

        fbk__buf_uvarint(out, (uint64_t)record->spaces[i]);
        fbk__buf_uvarint(out, len);
        fbk__buf_add(out, values->bytes + values->offsets[i], len);
    }
    return FBK_OK;
}

static fbk_status
nodes_get(fbk__codec *c, fbk__reader *in, fbk__record *r, bool rows)
{
    fbk_status rc = FBK_OK;

    if (!r->n_nodes)
        return FBK_OK;
    r->spaces = fbk__alloc(&r->a, r->n_nodes * sizeof *r->spaces);
    if (!r->spaces)
        return FBK_ENOMEM;
    if (!rows) {
        rc = fbk__codec_get_ints(c, in, r->spaces, r->n_nodes);
        return rc < 0 ? rc : fbk__codec_get_strings(c, in, &r->values, r->n_nodes);
    }
    for (uint32_t i = 0; rc >= 0 && i < r->n_nodes; i++) {
        uint64_t len;
        const char *value;

        r->spaces[i] = (int64_t)fbk__read_uvarint(in);
        len = fbk__read_uvarint(in);
        value = fbk__read_bytes(in, in->bad ? SIZE_MAX : len);
        rc = value ? fbk__strings_add(&r->values, value, len) : FBK_ECORRUPT;
    }
    return rc;
}

fbk_status
fbk__record_pack(fbk *db, fbk__codec *c, const fbk__record *record, fbk__buf *out)
{
    bool rows = record->frame.n.events <= FBK__ROWS_WORTH &&
                record->n_nodes <= FBK__ROWS_WORTH * FBK__EVENT_IDENTS_MAX;
    uint64_t hash;
    fbk_status rc;

    fbk__buf_clear(out);
    fbk__buf_uvarint(out, rows ? RECORD_ROWS : RECORD_COLUMNS);
    totals_put(out, &record->total);
    fbk__buf_uvarint(out, record->first_node);
    fbk__buf_uvarint(out, record->n_nodes);
    rc = nodes_put(c, out, record, rows);
    if (rc >= 0 && rows)
        fbk__frame_rows_put(out, &record->frame);
    else if (rc >= 0)
        rc = fbk__frame_pack(c, out, &record->frame);
    if (rc >= 0 && !out->failed) {
        hash = fbk__hash64_seeded(out->data, out->len, (uint64_t)record->seq);
        fbk__buf_add(out, &hash, sizeof hash);
    }
    if (rc == FBK_ENOMEM || (rc >= 0 && out->failed))
        return fbk__nomem(db);
    return rc < 0 ? fbk__fail(db, rc, "a batch was too large for one record") : rc;
}

static fbk_status
record_read(fbk__codec *c, fbk__reader *in, fbk__record *r)
{
    uint64_t version = fbk__read_uvarint(in);
    bool rows = version == RECORD_ROWS;
    uint64_t first;
    uint64_t n;
    fbk_status rc;

    if (version != RECORD_COLUMNS && !rows)
        return FBK_ECORRUPT;
    totals_get(in, &r->total);
    first = fbk__read_uvarint(in);
    n = fbk__read_uvarint(in);
    if (in->bad || first > UINT32_MAX || n > FBK__CODEC_MAX_ROWS || n > UINT32_MAX - first)
        return FBK_ECORRUPT;
    r->first_node = (uint32_t)first;
    r->n_nodes = (uint32_t)n;
    rc = nodes_get(c, in, r, rows);
    if (rc >= 0)
        rc = rows ? fbk__frame_rows_get(in, &r->frame) : fbk__frame_unpack(c, in, &r->frame);
    if (rc >= 0)
        rc = fbk__frame_index_make(&r->frame, &r->index);
    for (uint32_t i = 0; rc >= 0 && i < r->frame.n.events; i++)
        r->rows += fbk__frame_rows(&r->frame, i);
    return rc;
}

fbk_status
fbk__record_unpack(fbk *db, fbk__codec *c, int64_t seq, const void *bytes, size_t len,
                   fbk__record **out)
{
    fbk__reader in = {bytes, NULL, false};
    fbk__record *r = fbk__alloc(fbk__a(db), sizeof *r);
    uint64_t hash = 0;
    fbk_status rc = FBK_ECORRUPT;

    if (!r)
        return fbk__nomem(db);
    record_init(r, fbk__a(db));
    r->seq = seq;
    if (len > HASH_LEN) {
        in.end = in.p + len - HASH_LEN;
        memcpy(&hash, in.end, sizeof hash);
        if (hash == fbk__record_hash(seq, bytes, len - HASH_LEN))
            rc = record_read(c, &in, r);
        if (rc >= 0 && in.p != in.end)
            rc = FBK_ECORRUPT;
    }
    if (rc == FBK_ECORRUPT)
        rc = fbk__fail(db, rc, "record %lld of the event log was damaged", (long long)seq);
    else if (rc < 0)
        rc = fbk__nomem(db);
    if (rc < 0)
        fbk__record_unref(r);
    else
        *out = r;
    return rc;
}

fbk_status
fbk__tail_new(fbk *db, uint32_t cap, fbk__tail **out)
{
    fbk__tail *tail =
        fbk__calloc(fbk__a(db), 1, sizeof *tail + (size_t)cap * sizeof(fbk__record *));

    if (!tail)
        return fbk__nomem(db);
    tail->refs = 1;
    tail->a = *fbk__a(db);
    tail->cap = cap;
    *out = tail;
    return FBK_OK;
}

fbk__tail *
fbk__tail_ref(fbk__tail *tail)
{
    (void)__atomic_add_fetch(&tail->refs, 1, __ATOMIC_ACQ_REL);
    return tail;
}

void
fbk__tail_unref(fbk__tail *tail)
{
    fbk_allocator a;

    if (!tail || __atomic_sub_fetch(&tail->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    a = tail->a;
    for (uint32_t i = 0; i < tail->n; i++)
        fbk__record_unref(tail->records[i]);
    fbk__free(&a, tail);
}

fbk_status
fbk__tail_add(fbk *db, fbk__tail **tail, uint32_t n, fbk__record *record)
{
    fbk__tail *t = *tail;

    if (n >= t->cap) {
        fbk__tail *grown = NULL;
        fbk_status rc = fbk__tail_new(db, t->cap * 2, &grown);

        if (rc < 0)
            return rc;
        for (uint32_t i = 0; i < n; i++)
            grown->records[i] = fbk__record_ref(t->records[i]);
        grown->n = n;
        fbk__tail_unref(t);
        *tail = t = grown;
    }
    if (n < t->n)
        fbk__record_unref(t->records[n]);
    else
        t->n = n + 1;
    t->records[n] = fbk__record_ref(record);
    return FBK_OK;
}
