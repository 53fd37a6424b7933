/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_SEGMENT_FILE_H
#define LOG_SEGMENT_FILE_H

#include "log/segment.h"

/* How a segment lies in the file: shared by segment*.c alone. */

enum { FBK__FRAME_BYTES_MAX = 1 << 30 };

/** What a frame begins with. */
typedef struct fbk__frame_head {
    fbk__frame_size n;
    uint32_t columns;
    uint32_t len[FBK__N_FC]; /* by column */
    size_t size;             /* of the head itself */
    size_t total;            /* of the whole frame */
} fbk__frame_head;

void
fbk__frame_head_put(fbk__buf *out, const fbk__frame_head *h);
/** FBK_ECORRUPT when it is not the head of a frame of `len` bytes, as one that was erased. */
fbk_status
fbk__frame_head_get(const void *bytes, size_t have, size_t len, fbk__frame_head *h) FBK_MUST_USE;

/** What a segment knows into *out (of fbk__guess_init()); FBK_DONE when it was written without. */
fbk_status
fbk__segment_guess_load(fbk *db, fbk__codec *c, int64_t id, fbk__guess *out) FBK_MUST_USE;
fbk_status
fbk__segment_guess_write(fbk *db, fbk__segment_writer *w, uint32_t row) FBK_MUST_USE;

/** Parts of the directory of one that is being built lie before it, the last one first. */
static inline int64_t
fbk__segment_part(int64_t segment, uint32_t part)
{
    return fbk__segment_piece(segment, FBK__SEGMENT_GUESS_COPY - 1 - part);
}

fbk_status
fbk__directory_put(fbk__codec *c, fbk__buf *out, const fbk__segment_frame *frames, size_t n,
                   const fbk_allocator *a) FBK_MUST_USE;
void
fbk__segment_writer_init(fbk *db, fbk__segment_writer *w);

/** What log_segment says of it. */
fbk_status
fbk__segment_write_facts(fbk *db, int64_t id, uint64_t version, uint64_t events, uint64_t bytes)
    FBK_MUST_USE;

#endif
