/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/chunk.h"
#include "log/segment_file.h"

/* What a segment says of its frames and of its events as a whole, and a frame of itself. */

enum { DIRECTORY_VERSION = 1, GUESS_VERSION = 1, N_FRAME_FACTS = 15 };

/* -- directory --------------------------------------------------------------------------------- */

static int64_t
frame_fact(const fbk__segment_frame *f, int fact)
{
    const int64_t facts[N_FRAME_FACTS] = {f->n.events, f->n.lines,     f->n.extra,     f->n.props,
                                          f->min_node, f->max_node,    f->flags,       f->min_us,
                                          f->max_us,   f->min_arrival, f->max_arrival, f->chunk,
                                          f->columns,  f->len,         (int64_t)f->at};

    return facts[fact];
}

fbk_status
fbk__directory_put(fbk__codec *c, fbk__buf *out, const fbk__segment_frame *frames, size_t n,
                   const fbk_allocator *a)
{
    int64_t *v = fbk__alloc(a, (n + 1) * sizeof *v);
    fbk_status rc = v ? FBK_OK : FBK_ENOMEM;

    fbk__buf_uvarint(out, DIRECTORY_VERSION);
    fbk__buf_uvarint(out, n);
    for (int fact = 0; rc >= 0 && fact < N_FRAME_FACTS; fact++) {
        for (size_t i = 0; i < n; i++)
            v[i] = frame_fact(&frames[i], fact);
        rc = fbk__codec_put_ints(c, out, v, n);
    }
    fbk__free(a, v);
    return rc;
}

/* One frame's facts, checked. */
static bool
directory_frame(const int64_t *v, size_t n, size_t i, fbk__segment_frame *f)
{
    int64_t x[N_FRAME_FACTS];

    for (int fact = 0; fact < N_FRAME_FACTS; fact++)
        x[fact] = v[(size_t)fact * n + i];
    for (int fact = 0; fact < 4; fact++) {
        if (x[fact] < 0 || x[fact] > FBK__CODEC_MAX_ROWS)
            return false;
    }
    if (x[0] == 0 || x[4] < 0 || x[4] > x[5] || x[5] > UINT32_MAX || x[7] > x[8] || x[9] > x[10] ||
        x[11] < 0 || x[11] >> 32 || x[12] < 0 || x[12] >> FBK__N_FC || x[13] < 1 ||
        x[13] > FBK__FRAME_BYTES_MAX || x[14] < 0 || x[14] >> 48)
        return false;
    f->n = (fbk__frame_size){(uint32_t)x[0], (uint32_t)x[1], (uint32_t)x[2], (uint32_t)x[3]};
    f->min_node = (uint32_t)x[4];
    f->max_node = (uint32_t)x[5];
    f->flags = (uint32_t)x[6];
    f->min_us = x[7];
    f->max_us = x[8];
    f->min_arrival = x[9];
    f->max_arrival = x[10];
    f->chunk = (uint32_t)x[11];
    f->columns = (uint32_t)x[12];
    f->len = (uint32_t)x[13];
    f->at = (uint64_t)x[14];
    return i == 0 || (f - 1)->max_node <= f->min_node;
}

fbk_status
fbk__segment_directory(fbk__codec *c, const void *bytes, size_t len, fbk__segment *s)
{
    fbk__reader in = {bytes, (const unsigned char *)bytes + len, false};
    uint64_t version = fbk__read_uvarint(&in);
    uint64_t n = fbk__read_uvarint(&in);
    int64_t *v;
    fbk_status rc = FBK_OK;

    if (in.bad || version != DIRECTORY_VERSION || n == 0 || n > FBK__CODEC_MAX_ROWS)
        return FBK_ECORRUPT;
    v = fbk__alloc(&s->a, n * N_FRAME_FACTS * sizeof *v);
    s->frames = fbk__calloc(&s->a, n, sizeof *s->frames);
    if (!v || !s->frames)
        rc = FBK_ENOMEM;
    for (int fact = 0; rc >= 0 && fact < N_FRAME_FACTS; fact++)
        rc = fbk__codec_get_ints(c, &in, v + (size_t)fact * n, n);
    s->n_frames = (uint32_t)n;
    s->min_us = s->min_arrival = INT64_MAX;
    s->max_us = s->max_arrival = INT64_MIN;
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        fbk__segment_frame *f = &s->frames[i];

        if (!directory_frame(v, n, i, f)) {
            rc = FBK_ECORRUPT;
            break;
        }
        s->next_chunk = f->chunk >= s->next_chunk ? f->chunk + 1 : s->next_chunk;
        s->n_events += f->n.events;
        s->n_lines += f->n.lines;
        s->min_us = f->min_us < s->min_us ? f->min_us : s->min_us;
        s->max_us = f->max_us > s->max_us ? f->max_us : s->max_us;
        s->min_arrival = f->min_arrival < s->min_arrival ? f->min_arrival : s->min_arrival;
        s->max_arrival = f->max_arrival > s->max_arrival ? f->max_arrival : s->max_arrival;
    }
    fbk__free(&s->a, v);
    return rc >= 0 && in.p != in.end ? FBK_ECORRUPT : rc;
}

/* -- what a frame says of itself ---------------------------------------------------------------
 * It begins with its sizes and the length of each column, in the order in which they lie: so that
 * a frame can be read by itself when the directory is lost. */

void
fbk__frame_head_put(fbk__buf *out, const fbk__frame_head *h)
{
    fbk__buf_uvarint(out, h->n.events);
    fbk__buf_uvarint(out, h->n.lines);
    fbk__buf_uvarint(out, h->n.extra);
    fbk__buf_uvarint(out, h->n.props);
    for (int i = 0; i < FBK__N_FC; i++)
        fbk__buf_uvarint(out, h->len[fbk__frame_layout[i]]);
}

/* FBK_ECORRUPT when it is not the head of a frame, as one that was erased. */
static fbk_status
head_read(const void *bytes, size_t have, fbk__frame_head *h)
{
    fbk__reader in = {bytes, (const unsigned char *)bytes + have, false};
    uint64_t n[4];

    memset(h, 0, sizeof *h);
    for (int i = 0; i < 4; i++) {
        n[i] = fbk__read_uvarint(&in);
        if (n[i] > FBK__CODEC_MAX_ROWS)
            return FBK_ECORRUPT;
    }
    h->n = (fbk__frame_size){(uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2], (uint32_t)n[3]};
    for (int i = 0; i < FBK__N_FC; i++) {
        uint64_t size = fbk__read_uvarint(&in);

        if (size > FBK__FRAME_BYTES_MAX)
            return FBK_ECORRUPT;
        h->total += size;
        h->len[fbk__frame_layout[i]] = (uint32_t)size;
        h->columns |= (uint32_t)(size > 0) << fbk__frame_layout[i];
    }
    h->size = (size_t)(in.p - (const unsigned char *)bytes);
    h->total += h->size;
    return in.bad || n[0] == 0 || h->total > FBK__FRAME_BYTES_MAX ? FBK_ECORRUPT : FBK_OK;
}

fbk_status
fbk__frame_head_get(const void *bytes, size_t have, size_t len, fbk__frame_head *h)
{
    fbk_status rc = head_read(bytes, have, h);

    return rc >= 0 && h->total != len ? FBK_ECORRUPT : rc;
}

fbk_status
fbk__segment_frame_len(const void *bytes, size_t have, size_t *out_len, uint32_t *out_events)
{
    /* No event is without these. */
    const uint32_t all = 1u << FBK__EV_ARRIVAL | 1u << FBK__EV_KIND | 1u << FBK__FC_IDS;
    fbk__frame_head h;
    fbk_status rc = head_read(bytes, have, &h);

    if (rc >= 0 && (h.columns & all) != all)
        rc = FBK_ECORRUPT;
    *out_len = h.total;
    *out_events = h.n.events;
    return rc;
}

fbk_status
fbk__segment_decode(fbk__codec *c, const void *bytes, size_t len, fbk__frame *f)
{
    const char *at = bytes;
    fbk__frame_head h;
    fbk_status rc = fbk__frame_head_get(bytes, len, len, &h);

    if (rc < 0)
        return rc;
    fbk__frame_clear(f);
    f->columns = 0;
    rc = fbk__frame_reserve(f, h.n);
    f->n = h.n;
    at += h.size;
    for (int i = 0; rc >= 0 && i < FBK__N_FC; i++) {
        unsigned column = fbk__frame_layout[i];

        rc = fbk__frame_get(c, f, column, h.len[column] ? at : NULL, h.len[column]);
        at += h.len[column];
    }
    return rc;
}

/* -- what a segment knows ---------------------------------------------------------------------- */

fbk_status
fbk__segment_guess_get(fbk__codec *c, const void *bytes, size_t len, fbk__guess *out)
{
    fbk__reader in = {bytes, (const unsigned char *)bytes + len, false};
    fbk_status rc =
        fbk__read_uvarint(&in) == GUESS_VERSION ? fbk__guess_get(c, &in, out) : FBK_ECORRUPT;

    return rc >= 0 && in.p != in.end ? FBK_ECORRUPT : rc;
}

fbk_status
fbk__segment_guess_load(fbk *db, fbk__codec *c, int64_t id, fbk__guess *g)
{
    int64_t row = fbk__segment_piece(id, FBK__SEGMENT_GUESS);
    fbk__stmt *st = NULL;
    const void *bytes = NULL;
    size_t len = 0;
    fbk_status rc = fbk__chunk_open(db, FBK__CHUNK_SEGMENT, row, &st, &bytes, &len);

    if (rc == FBK_OK) {
        rc = fbk__segment_guess_get(c, bytes, len, g);
        if (rc == FBK_ECORRUPT)
            rc = fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT, row);
        else if (rc == FBK_ENOMEM)
            rc = fbk__nomem(db);
    }
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__segment_guess_write(fbk *db, fbk__segment_writer *w, uint32_t row)
{
    fbk__buf *buf = &w->bytes_of_frame;

    fbk__buf_clear(buf);
    fbk__buf_uvarint(buf, GUESS_VERSION);
    if (fbk__guess_put(&w->codec, buf, &w->guess) < 0)
        return fbk__nomem(db);
    w->guess_bytes += buf->len;
    return fbk__chunk_write(db, FBK__CHUNK_SEGMENT, fbk__segment_piece(w->id, row), buf);
}

fbk_status
fbk__segment_guess(fbk *db, fbk__segment_writer *w)
{
    if (fbk__guess_ready(&w->guess) < 0)
        return fbk__nomem(db);
    w->knows = true;
    return fbk__segment_guess_write(db, w, FBK__SEGMENT_GUESS);
}
