/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "record/bundle.h"
#include "record/exchange.h"
#include "store/conn.h"

/* Reading a bundle. Nothing is trusted: a block's hash first, then every number in it. */

typedef struct bundle {
    fbk *db;
    fbk__bundle_read_fn read;
    void *source;
    const fbk__bundle_sink *sink;
    fbk__codec codec;
    fbk__buf block;
    fbk__buf rows;
    uint64_t done; /* bytes */
    fbk__bundle_totals totals;
    int64_t *ints[5];
    size_t int_cap[5];
    size_t next_flag; /* of the conflicts of a block */
    size_t n_flags;
} bundle;

bool
fbk__bundle_is(const void *bytes, size_t len)
{
    return len >= FBK__BUNDLE_MAGIC && memcmp(bytes, fbk__bundle_magic, FBK__BUNDLE_MAGIC) == 0;
}

static fbk_status
damaged(bundle *b, const char *what)
{
    return fbk__fail(b->db, FBK_ECORRUPT, "the file was damaged: %s (block %llu)", what,
                     b->totals.blocks);
}

/* FBK_DONE only when nothing was left. */
static fbk_status
take(bundle *b, void *bytes, size_t len)
{
    size_t got = 0;
    fbk_status rc = b->read(b->source, bytes, len, &got);

    b->done += got;
    if (rc == FBK_DONE && got)
        return damaged(b, "it was cut short");
    return rc;
}

/* Read a block whole and check it. The payload is grown as the bytes come: a length that lies costs
 * no memory. */
static fbk_status
block_read(bundle *b, uint32_t *out_type, fbk__reader *out)
{
    enum { PIECE = 1 << 16 };
    uint32_t head[2];
    size_t left;
    uint64_t hash;
    fbk_status rc = take(b, head, sizeof head);

    if (rc == FBK_DONE)
        return damaged(b, "it was cut short");
    if (rc < 0)
        return rc;
    if (head[1] > FBK__BUNDLE_BLOCK_MAX)
        return damaged(b, "a block was too long");
    fbk__buf_clear(&b->block);
    fbk__buf_add(&b->block, head, sizeof head);
    for (left = head[1] + sizeof hash; left;) {
        size_t n = left < PIECE ? left : PIECE;
        char *room = fbk__buf_room(&b->block, n);

        if (!room)
            return fbk__nomem(b->db);
        rc = take(b, room, n);
        if (rc != FBK_OK)
            return rc < 0 ? rc : damaged(b, "it was cut short");
        b->block.len += n;
        left -= n;
    }
    b->block.len -= sizeof hash;
    memcpy(&hash, b->block.data + b->block.len, sizeof hash);
    if (hash != fbk__hash64_seeded(b->block.data, b->block.len, b->totals.blocks))
        return damaged(b, "a checksum was wrong");
    b->totals.blocks++;
    *out_type = head[0];
    *out = (fbk__reader){(const unsigned char *)b->block.data + sizeof head,
                         (const unsigned char *)b->block.data + b->block.len, false};
    return FBK_OK;
}

static fbk_status
codec_status(bundle *b, fbk_status rc)
{
    if (rc >= 0)
        return FBK_OK;
    if (fbk_errmsg(b->db)[0])
        return rc;
    return rc == FBK_ENOMEM ? fbk__nomem(b->db) : damaged(b, "a block could not be decoded");
}

/* -- blocks ------------------------------------------------------------------------------------ */

static bool
get_text(fbk__reader *in, char *out, size_t size)
{
    uint64_t len = fbk__read_uvarint(in);
    const void *bytes = fbk__read_bytes(in, in->bad ? SIZE_MAX : len);

    if (!bytes || len >= size || memchr(bytes, '\0', len))
        return false;
    memcpy(out, bytes, len);
    out[len] = '\0';
    return true;
}

static fbk_status
head_block(bundle *b, fbk__reader *in)
{
    fbk__bundle_head head;
    uint64_t version = fbk__read_uvarint(in);
    const void *store;

    memset(&head, 0, sizeof head);
    if (!in->bad && version > FBK__BUNDLE_VERSION)
        return fbk__fail(b->db, FBK_ESCHEMA,
                         "the file was written by a newer version of libfeedback");
    store = fbk__read_bytes(in, sizeof head.store);
    if (!store || version != FBK__BUNDLE_VERSION)
        return damaged(b, "its head made no sense");
    memcpy(head.store, store, sizeof head.store);
    head.after_event = fbk__read_uvarint(in);
    head.to_event = fbk__read_uvarint(in);
    if (!get_text(in, head.currency, sizeof head.currency) ||
        !get_text(in, head.prices, sizeof head.prices) ||
        !get_text(in, head.time_zone, sizeof head.time_zone))
        return damaged(b, "its head made no sense");
    return b->sink->head(b->sink->user_data, &head);
}

static fbk_status
ints_block(bundle *b, fbk__reader *in, int n_columns, uint64_t *out_n)
{
    fbk_status rc = FBK_OK;

    *out_n = fbk__read_uvarint(in);
    if (in->bad || *out_n > FBK__CODEC_MAX_ROWS)
        return damaged(b, "a block could not be decoded");
    for (int k = 0; rc >= 0 && k < n_columns; k++) {
        if (!fbk__grow(fbk__a(b->db), &b->ints[k], &b->int_cap[k], *out_n, sizeof(int64_t)))
            return fbk__nomem(b->db);
        rc = fbk__codec_get_ints(&b->codec, in, b->ints[k], *out_n);
    }
    return codec_status(b, rc);
}

static fbk_status
erased_block(bundle *b, fbk__reader *in)
{
    uint64_t n = 0;
    fbk_status rc = ints_block(b, in, 2, &n);

    for (uint64_t i = 0; rc >= 0 && i < n; i++) {
        fbk__key id = {(uint64_t)b->ints[0][i], (uint64_t)b->ints[1][i]};

        if (id.lo >> FBK__KEY_ID_BITS)
            return damaged(b, "an id was none that can be");
        rc = b->sink->erased(b->sink->user_data, id);
    }
    b->totals.erased += n;
    return rc;
}

static fbk_status
tombs_block(bundle *b, fbk__reader *in)
{
    uint64_t n = 0;
    fbk_status rc = ints_block(b, in, 5, &n);

    for (uint64_t i = 0; rc >= 0 && i < n; i++) {
        fbk__tomb tomb = {.hash = {(uint64_t)b->ints[2][i], (uint64_t)b->ints[3][i]},
                          .erased_us = b->ints[4][i]};

        memcpy(tomb.store, &b->ints[0][i], 8);
        memcpy(tomb.store + 8, &b->ints[1][i], 8);
        rc = b->sink->tomb(b->sink->user_data, &tomb);
    }
    b->totals.tombs += n;
    return rc;
}

static fbk_status
rows_block(bundle *b, fbk__reader *in)
{
    fbk__value values[FBK__ROWS_COLUMNS];
    uint64_t table = fbk__read_uvarint(in);
    fbk__reader rows;
    fbk_status rc;

    if (in->bad || table < 1 || table >= FBK__ROWS_END)
        return damaged(b, "a block was of a table that is not known");
    rc = codec_status(b, fbk__codec_get_bytes(&b->codec, in, &b->rows, FBK__BUNDLE_BLOCK_MAX));
    if (rc < 0 || !b->rows.len)
        return rc;
    rows = (fbk__reader){(const unsigned char *)b->rows.data,
                         (const unsigned char *)b->rows.data + b->rows.len, false};
    while (rc >= 0 && rows.p < rows.end) {
        if (!fbk__row_get(&rows, values, fbk__rows_n_columns((uint32_t)table)))
            return damaged(b, "a row could not be decoded");
        b->totals.rows++;
        rc = b->sink->row(b->sink->user_data, (uint32_t)table, values);
    }
    return rc;
}

static fbk_status
event_added(void *user_data)
{
    bundle *b = user_data;

    b->totals.events++;
    return b->sink->event(b->sink->user_data);
}

static fbk_status
conflict_added(void *user_data)
{
    bundle *b = user_data;
    int64_t flags;

    if (b->next_flag >= b->n_flags)
        return FBK_ECORRUPT;
    flags = b->ints[0][b->next_flag++];
    b->totals.conflicts++;
    return b->sink->conflict(b->sink->user_data, flags & 1 ? (uint32_t)FBK__CONFLICT_STORED : 0u);
}

static fbk_status
events_block(bundle *b, fbk__reader *in, bool conflicts)
{
    uint64_t n = 0;
    fbk_status rc = conflicts ? ints_block(b, in, 1, &n) : FBK_OK;

    if (rc < 0)
        return rc;
    b->n_flags = n;
    b->next_flag = 0;
    rc = fbk__batch_unpack(&b->codec, in, b->sink->batch, conflicts ? conflict_added : event_added,
                           b);
    if (rc >= 0 && b->next_flag != b->n_flags)
        rc = FBK_ECORRUPT;
    return codec_status(b, rc);
}

/* Nothing may be missing, and nothing may follow. */
static fbk_status
end_block(bundle *b, fbk__reader *in)
{
    const fbk__bundle_totals *t = &b->totals;
    const unsigned long long want[6] = {t->blocks - 1, t->events, t->conflicts,
                                        t->erased,     t->tombs,  t->rows};
    char more;
    fbk_status rc;

    for (int i = 0; i < 6; i++) {
        if (fbk__read_uvarint(in) != want[i] || in->bad)
            return damaged(b, "its totals were not those of its blocks");
    }
    rc = take(b, &more, 1);
    if (rc == FBK_OK)
        return damaged(b, "something stood behind its end");
    return rc;
}

/* FBK_DONE after the last. */
static fbk_status
one_block(bundle *b)
{
    fbk__reader in;
    uint32_t type = 0;
    bool first = b->totals.blocks == 0;
    fbk_status rc = block_read(b, &type, &in);

    if (rc < 0)
        return rc;
    if (first != (type == FBK__BLOCK_HEAD))
        return damaged(b, "its blocks were out of order");
    fbk__err_clear(b->db);
    if (type == FBK__BLOCK_HEAD)
        rc = head_block(b, &in);
    else if (type == FBK__BLOCK_ERASED)
        rc = erased_block(b, &in);
    else if (type == FBK__BLOCK_TOMBS)
        rc = tombs_block(b, &in);
    else if (type == FBK__BLOCK_ROWS)
        rc = rows_block(b, &in);
    else if (type == FBK__BLOCK_EVENTS || type == FBK__BLOCK_CONFLICT)
        rc = events_block(b, &in, type == FBK__BLOCK_CONFLICT);
    else if (type == FBK__BLOCK_END)
        rc = end_block(b, &in);
    else
        return damaged(b, "a block was of a type that is not known");
    if (rc >= 0 && (in.bad || in.p != in.end))
        rc = damaged(b, "a block was longer than what is in it");
    if (rc >= 0 && type != FBK__BLOCK_END)
        rc = b->sink->block(b->sink->user_data, b->done);
    return rc < 0 ? rc : type == FBK__BLOCK_END ? FBK_DONE : FBK_OK;
}

fbk_status
fbk__bundle_read(fbk *db, fbk__bundle_read_fn read, void *source, const fbk__bundle_sink *sink)
{
    bundle b = {.db = db, .read = read, .source = source, .sink = sink};
    unsigned char magic[FBK__BUNDLE_MAGIC];
    fbk_status rc;

    fbk__codec_init(&b.codec, fbk__a(db));
    fbk__buf_init(&b.block, fbk__a(db));
    fbk__buf_init(&b.rows, fbk__a(db));
    rc = take(&b, magic, sizeof magic);
    if (rc == FBK_DONE || (rc == FBK_OK && !fbk__bundle_is(magic, sizeof magic)))
        rc = fbk__fail(db, FBK_ECORRUPT, "the file was no bundle of a store");
    while (rc == FBK_OK)
        rc = one_block(&b);
    for (int k = 0; k < 5; k++)
        fbk__free(fbk__a(db), b.ints[k]);
    fbk__buf_free(&b.rows);
    fbk__buf_free(&b.block);
    fbk__codec_free(&b.codec);
    return rc < 0 ? rc : FBK_OK;
}
