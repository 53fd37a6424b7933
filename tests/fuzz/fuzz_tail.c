/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/tail.h"

#include <stdlib.h>
#include <string.h>

/* A record of the tail: what an append wrote. The checksum is put right, so that the rest is
 * reached; what can be read must come out the same when it is written again. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEQ = 7 };

static void
again(struct fbk *db, fbk__codec *c, const fbk__record *r)
{
    fbk__record *second = NULL;
    fbk__buf out;

    /* A few bytes may stand for the most that a column may hold: to write that takes long. */
    if (r->n_nodes && r->values.offsets[r->n_nodes] > 1 << 16)
        return;
    if (r->frame.n.events && (r->frame.ids.offsets[r->frame.n.events] > 1 << 16 ||
                              r->frame.orders.offsets[r->frame.n.events] > 1 << 16 ||
                              r->frame.n.events > 1 << 14 || r->frame.n.lines > 1 << 14))
        return;
    fbk__buf_init(&out, NULL);
    if (fbk__record_pack(db, c, r, &out) < 0 ||
        fbk__record_unpack(db, c, SEQ, out.data, out.len, &second) < 0)
        abort();
    if (second->rows != r->rows || second->n_nodes != r->n_nodes ||
        memcmp(&second->total, &r->total, sizeof r->total) != 0 ||
        memcmp(&second->frame.n, &r->frame.n, sizeof r->frame.n) != 0)
        abort();
    for (int k = 0; k < FBK__N_EV; k++) {
        size_t n = r->frame.n.events * sizeof(int64_t);

        if (n && memcmp(second->frame.ev[k], r->frame.ev[k], n) != 0)
            abort();
    }
    fbk__record_unref(second);
    fbk__buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fbk db = {.alloc = fbk__libc_allocator};
    uint64_t hash = fbk__record_hash(SEQ, data, size);
    fbk__record *r = NULL;
    fbk__codec c;
    fbk__buf bytes;

    fbk__codec_init(&c, &fbk__libc_allocator);
    fbk__buf_init(&bytes, NULL);
    fbk__buf_add(&bytes, data, size);
    fbk__buf_add(&bytes, &hash, sizeof hash);
    if (!bytes.failed && fbk__record_unpack(&db, &c, SEQ, bytes.data, bytes.len, &r) == FBK_OK)
        again(&db, &c, r);
    fbk__record_unref(r);
    fbk__buf_free(&bytes);
    fbk__codec_free(&c);
    return 0;
}
