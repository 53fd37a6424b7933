/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_RUN_FILE_H
#define LOG_RUN_FILE_H

#include "log/run.h"

/* How a run lies in the file: shared by run.c and run_build.c alone. */

/** Where a chunk lies: the run, then its blocks, pieces of its filter, and its index last. */
enum {
    FBK__RUN_PIECE_BITS = 32,
    FBK__RUN_PIECE_FILTER = 0x60000000,
    FBK__RUN_PIECE_INDEX = 0x7fffffff
};

static inline int64_t
fbk__run_piece(int64_t run, uint32_t piece)
{
    return run << FBK__RUN_PIECE_BITS | piece;
}

/** kind, level and bytes of run->id. */
fbk_status
fbk__run_facts(fbk *db, fbk__run *run) FBK_MUST_USE;

fbk_status
fbk__run_block_get(fbk__codec *c, fbk__reader *in, fbk__run_block *block) FBK_MUST_USE;

/** The index of a run, which it fills in; FBK_ECORRUPT or FBK_ENOMEM without a message. */
fbk_status
fbk__run_index_get(fbk *db, fbk__codec *c, fbk__reader *in, fbk__run *run) FBK_MUST_USE;

/** Keys that fill a page, if n take so many bytes. */
uint32_t
fbk__run_block_fit(uint32_t n, size_t len);

fbk_status
fbk__run_writer_init(fbk *db, uint64_t most, fbk__run_writer *w) FBK_MUST_USE;

/** A key that was added, for the filter or the ranges. */
fbk_status
fbk__run_note(fbk *db, fbk__run_writer *w, fbk__key key) FBK_MUST_USE;

#endif
