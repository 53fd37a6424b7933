/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/tail.h"

#include <string.h>

enum { RECORD_VERSION = 1, N_TOTALS = 6, HASH_LEN = 8 };

fbk_status
fbk__record_new(fbk *db, fbk__record **out)
{
    fbk__record *r = fbk__calloc(fbk__a(db), 1, sizeof *r);

    if (!r)
        return fbk__nomem(db);
    r->refs = 1;
    r->a = *fbk__a(db);
    fbk__frame_init(&r->frame, &r->a);
    fbk__strings_init(&r->values, &r->a);
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
    fbk__frame_index_free(&record->index, &record->a);
    fbk__frame_free(&record->frame);
    fbk__strings_free(&record->values);
    fbk__free(&record->a, record->spaces);
    fbk__free(&a, record);
}

fbk_status
fbk__record_finish(fbk *db, fbk__record *record)
{
    if (fbk__frame_index_make(&record->frame, &record->index) < 0)
        return fbk__nomem(db);
    record->rows = 0;
    for (uint32_t i = 0; i < record->frame.n.events; i++)
        record->rows += fbk__frame_rows(&record->frame, i);
    return FBK_OK;
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

fbk_status
fbk__record_pack(fbk *db, fbk__codec *c, const fbk__record *record, fbk__buf *out)
{
    uint64_t hash;
    fbk_status rc = FBK_OK;

    fbk__buf_clear(out);
    fbk__buf_uvarint(out, RECORD_VERSION);
    totals_put(out, &record->total);
    fbk__buf_uvarint(out, record->first_node);
    fbk__buf_uvarint(out, record->n_nodes);
    if (record->n_nodes) {
        rc = fbk__codec_put_ints(c, out, record->spaces, record->n_nodes);
        if (rc >= 0)
            rc = fbk__codec_put_strings(c, out, &record->values);
    }
    if (rc >= 0)
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
    uint64_t first;
    uint64_t n;
    fbk_status rc = FBK_OK;

    if (fbk__read_uvarint(in) != RECORD_VERSION)
        return FBK_ECORRUPT;
    totals_get(in, &r->total);
    first = fbk__read_uvarint(in);
    n = fbk__read_uvarint(in);
    if (in->bad || first > UINT32_MAX || n > FBK__CODEC_MAX_ROWS || n > UINT32_MAX - first)
        return FBK_ECORRUPT;
    r->first_node = (uint32_t)first;
    r->n_nodes = (uint32_t)n;
    if (n) {
        r->spaces = fbk__alloc(&r->a, n * sizeof *r->spaces);
        rc = r->spaces ? fbk__codec_get_ints(c, in, r->spaces, n) : FBK_ENOMEM;
        if (rc >= 0)
            rc = fbk__codec_get_strings(c, in, &r->values, n);
    }
    return rc < 0 ? rc : fbk__frame_unpack(c, in, &r->frame);
}

fbk_status
fbk__record_unpack(fbk *db, fbk__codec *c, int64_t seq, const void *bytes, size_t len,
                   fbk__record **out)
{
    fbk__reader in = {bytes, NULL, false};
    fbk__record *r = NULL;
    uint64_t hash = 0;
    fbk_status rc = fbk__record_new(db, &r);

    if (rc < 0)
        return rc;
    r->seq = seq;
    rc = FBK_ECORRUPT;
    if (len > HASH_LEN) {
        in.end = in.p + len - HASH_LEN;
        memcpy(&hash, in.end, sizeof hash);
        if (hash == fbk__hash64_seeded(bytes, len - HASH_LEN, (uint64_t)seq))
            rc = record_read(c, &in, r);
        if (rc >= 0 && in.p != in.end)
            rc = FBK_ECORRUPT;
    }
    if (rc >= 0)
        rc = fbk__record_finish(db, r);
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
