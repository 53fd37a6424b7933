/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_SEGMENT_FILE_H
#define LOG_SEGMENT_FILE_H

#include "log/segment.h"

/* How a segment lies in the file: shared by segment.c and segment_build.c alone. */

/** Parts of the directory of one that is being built lie before it, the last one first. */
static inline int64_t
fbk__segment_part(int64_t segment, uint32_t part)
{
    return fbk__segment_piece(segment, FBK__SEGMENT_DIRECTORY - 1 - part);
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
