/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "record/bundle.h"
#include "record/event.h"
#include "record/exchange.h"

/* First byte 0: a bundle as it is. Else its blocks, of which the hash is made here: type (1 byte),
 * length (2 bytes), payload; a hash that is right must not be all that protects the decoders. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct input {
    const uint8_t *p;
    const uint8_t *end;
} input;

static fbk_status
take(void *source, void *bytes, size_t len, size_t *got)
{
    input *in = source;
    size_t left = (size_t)(in->end - in->p);

    *got = len < left ? len : left;
    memcpy(bytes, in->p, *got);
    in->p += *got;
    return *got == len ? FBK_OK : FBK_DONE;
}

typedef struct target {
    struct fbk db;
    fbk__batch batch;
    fbk__codec codec;
    fbk__buf packed;
} target;

static fbk_status
head(void *user_data, const fbk__bundle_head *h)
{
    (void)user_data;
    if (strlen(h->currency) >= sizeof h->currency || strlen(h->time_zone) >= sizeof h->time_zone)
        abort();
    return FBK_OK;
}

static fbk_status
erased(void *user_data, fbk__key id)
{
    (void)user_data;
    if (id.lo >> FBK__KEY_ID_BITS)
        abort();
    return FBK_OK;
}

static fbk_status
tomb(void *user_data, const fbk__tomb *t)
{
    (void)user_data;
    (void)t;
    return FBK_OK;
}

/* What was read can be written, and is the same. */
static fbk_status
row(void *user_data, uint32_t table, const fbk__value *values)
{
    target *t = user_data;
    fbk__value again[FBK__ROWS_COLUMNS];
    uint32_t n = fbk__rows_n_columns(table);
    fbk__reader in;

    fbk__buf_clear(&t->packed);
    fbk__row_put(&t->packed, values, n);
    in = (fbk__reader){(const unsigned char *)t->packed.data,
                       (const unsigned char *)t->packed.data + t->packed.len, false};
    if (!fbk__row_get(&in, again, n) || in.p != in.end)
        abort();
    for (uint32_t k = 0; k < n; k++) {
        if (again[k].type != values[k].type || again[k].i != values[k].i ||
            again[k].len != values[k].len ||
            memcmp(again[k].text, values[k].text, values[k].len) != 0)
            abort();
    }
    return FBK_OK;
}

/* An event that is valid packs, and has a content. */
static fbk_status
event(void *user_data)
{
    target *t = user_data;
    unsigned char content[16];
    fbk_status rc = fbk__event_validate_last(&t->db, &t->batch);

    if (rc < 0) {
        fbk__batch_drop_event(&t->batch);
        fbk__err_clear(&t->db);
        return FBK_OK;
    }
    if (fbk__batch_content(&t->batch, &t->batch.events[t->batch.n_events - 1], &t->packed,
                           content) < 0)
        abort();
    return FBK_OK;
}

static fbk_status
conflict(void *user_data, uint32_t flags)
{
    if (flags & ~(uint32_t)FBK__CONFLICT_STORED)
        abort();
    return event(user_data);
}

static fbk_status
block(void *user_data, uint64_t done)
{
    target *t = user_data;

    (void)done;
    fbk__buf_clear(&t->packed);
    if (t->batch.n_events && fbk__batch_pack(&t->codec, &t->packed, &t->batch) < 0)
        abort();
    fbk__batch_clear(&t->batch);
    return FBK_OK;
}

/* Blocks with their hashes put in; the caller frees. */
static uint8_t *
sealed(const uint8_t *data, size_t size, size_t *out_len)
{
    uint8_t *bytes = malloc(8 + size * 8 + 16); /* a block of 3 bytes becomes 16 */
    size_t at = sizeof fbk__bundle_magic;
    uint64_t number = 0;

    if (!bytes)
        abort();
    memcpy(bytes, fbk__bundle_magic, sizeof fbk__bundle_magic);
    while (size >= 3) {
        uint32_t frame[2] = {data[0], (uint32_t)data[1] | (uint32_t)data[2] << 8};
        uint64_t hash;

        data += 3;
        size -= 3;
        if (frame[1] > size)
            frame[1] = (uint32_t)size;
        memcpy(bytes + at, frame, sizeof frame);
        memcpy(bytes + at + sizeof frame, data, frame[1]);
        hash = fbk__hash64_seeded(bytes + at, sizeof frame + frame[1], number++);
        memcpy(bytes + at + sizeof frame + frame[1], &hash, sizeof hash);
        at += sizeof frame + frame[1] + sizeof hash;
        data += frame[1];
        size -= frame[1];
    }
    *out_len = at;
    return bytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    target t = {.db = {.alloc = fbk__libc_allocator}};
    const fbk__bundle_sink sink = {&t, &t.batch, head, erased, tomb, row, event, conflict, block};
    uint8_t *made = NULL;
    input in;
    fbk_status rc;

    if (!size)
        return 0;
    in = (input){data + 1, data + size};
    if (data[0]) {
        size_t len;

        made = sealed(data + 1, size - 1, &len);
        in = (input){made, made + len};
    }
    fbk__batch_init(&t.batch, NULL);
    fbk__codec_init(&t.codec, NULL);
    fbk__buf_init(&t.packed, NULL);
    rc = fbk__bundle_read(&t.db, take, &in, &sink);
    if (rc != FBK_OK && rc != FBK_ECORRUPT && rc != FBK_ESCHEMA)
        abort();
    if (rc != FBK_OK && !t.db.err.message[0])
        abort();
    fbk__buf_free(&t.packed);
    fbk__codec_free(&t.codec);
    fbk__batch_free(&t.batch);
    free(made);
    return 0;
}
