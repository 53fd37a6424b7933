/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/chunk.h"
#include "log/segment_file.h"

/* Building a segment in many transactions: what each has written is noted in a part of the
 * directory, from which anybody can go on. */

fbk_status
fbk__segment_save(fbk *db, fbk__segment_writer *w)
{
    fbk__buf *buf = &w->bytes_of_frame;
    size_t n = w->n_frames - w->n_saved;
    fbk_status rc;

    if (!n)
        return FBK_OK;
    fbk__buf_clear(buf);
    if (fbk__directory_put(&w->codec, buf, w->frames + w->n_saved, n, w->a) < 0)
        return fbk__nomem(db);
    rc = fbk__chunk_write(db, FBK__CHUNK_SEGMENT, fbk__segment_part(w->id, w->n_parts), buf);
    if (rc >= 0)
        rc = fbk__stream_save(db, &w->stream);
    w->n_parts++;
    w->n_saved = w->n_frames;
    return rc < 0 ? rc : fbk__segment_write_facts(db, w->id, 0, 0, w->stream.len);
}

/* Take over the frames of one part; FBK_DONE when there is no such part. */
static fbk_status
resume_part(fbk *db, fbk__segment_writer *w)
{
    fbk__segment part = {.a = *w->a};
    int64_t id = fbk__segment_part(w->id, w->n_parts);
    fbk__stmt *st = NULL;
    const void *bytes = NULL;
    size_t len = 0;
    fbk_status rc = fbk__chunk_open(db, FBK__CHUNK_SEGMENT, id, &st, &bytes, &len);

    if (rc == FBK_OK)
        rc = fbk__segment_directory(&w->codec, bytes, len, &part);
    fbk__stmt_put(st);
    if (rc == FBK_ECORRUPT)
        rc = fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT, id);
    if (rc == FBK_OK &&
        !fbk__grow(w->a, &w->frames, &w->frame_cap, w->n_frames + part.n_frames, sizeof *w->frames))
        rc = FBK_ENOMEM;
    if (rc == FBK_OK) {
        memcpy(w->frames + w->n_frames, part.frames, part.n_frames * sizeof *w->frames);
        w->n_frames += part.n_frames;
        w->n_saved = w->n_frames;
        w->n_parts++;
    }
    fbk__free(w->a, part.frames);
    return rc == FBK_ENOMEM ? fbk__nomem(db) : rc;
}

fbk_status
fbk__segment_resume(fbk *db, int64_t id, fbk__segment_writer *w)
{
    const fbk__segment_frame *last;
    fbk_status rc = FBK_OK;

    fbk__segment_writer_init(db, w);
    w->id = id;
    rc = fbk__segment_guess_load(db, &w->codec, id, &w->guess);
    w->knows = rc == FBK_OK;
    while (rc >= 0 && (rc = resume_part(db, w)) == FBK_OK)
        ;
    last = w->n_frames ? &w->frames[w->n_frames - 1] : NULL;
    return rc < 0 ? rc
                  : fbk__stream_resume(db, &w->stream, w->a, fbk__segment_piece(id, 0),
                                       last ? last->at + last->len : 0);
}

fbk_status
fbk__segment_last(fbk *db, fbk__segment_writer *w, int64_t key[3])
{
    static const unsigned columns[3] = {FBK__EV_NODE, FBK__EV_OCCURRED, FBK__EV_ARRIVAL};
    fbk__segment built = {.id = w->id,
                          .n_frames = (uint32_t)w->n_frames,
                          .frames = w->frames,
                          .guess = w->guess}; /* borrowed */
    uint32_t last;
    fbk_status rc;

    if (!w->n_frames)
        return FBK_DONE;
    rc = fbk__segment_read(db, &w->codec, &built, built.n_frames - 1,
                           1u << FBK__EV_NODE | 1u << FBK__EV_OCCURRED | 1u << FBK__EV_ARRIVAL,
                           &w->frame);
    last = w->frame.n.events - 1;
    for (int i = 0; rc >= 0 && i < 3; i++)
        key[i] = w->frame.ev[columns[i]][last];
    fbk__frame_clear(&w->frame);
    return rc;
}
