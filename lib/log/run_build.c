/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/chunk.h"
#include "log/run_file.h"

/* Taking up a run that is half written: its blocks say what its filter, ranges and index need. */

/* Blocks are numbered without gaps. */
static fbk_status
count_blocks(fbk *db, int64_t run, uint32_t *out)
{
    static const char sql[] =
        "SELECT coalesce(max(id), ?1 - 1) - ?1 + 1 FROM log_run_chunk WHERE id BETWEEN ?1 AND ?2";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, fbk__run_piece(run, 0));
    fbk__bind_int64(st, 2, fbk__run_piece(run, FBK__RUN_PIECE_FILTER - 1));
    rc = fbk__step(st);
    *out = rc == FBK_OK ? (uint32_t)fbk__column_int64(st, 0) : 0;
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__run_resume(fbk *db, int64_t id, uint64_t most, fbk__run_writer *w)
{
    fbk__run facts = {.id = id};
    uint32_t n = 0;
    fbk_status rc = fbk__run_writer_init(db, most, w);

    w->id = id;
    if (rc >= 0)
        rc = fbk__run_facts(db, &facts);
    w->total_bytes = facts.bytes;
    if (rc >= 0)
        rc = count_blocks(db, id, &w->n_resume);
    /* Pieces of the filter that were written before the end are written again. */
    if (rc >= 0)
        rc = fbk__chunk_clear(db, FBK__CHUNK_RUN, fbk__run_piece(id, FBK__RUN_PIECE_FILTER),
                              fbk__run_piece(id, FBK__RUN_PIECE_INDEX), UINT32_MAX, &n);
    return rc;
}

/* The block as it is in the file, and how many like it fill a page. */
static fbk_status
resume_read(fbk *db, fbk__run_writer *w)
{
    int64_t id = fbk__run_piece(w->id, (uint32_t)w->n_blocks);
    fbk__stmt *st = NULL;
    const void *bytes = NULL;
    size_t len = 0;
    fbk_status rc = fbk__chunk_open(db, FBK__CHUNK_RUN, id, &st, &bytes, &len);

    if (rc == FBK_OK) {
        fbk__reader in = {bytes, (const unsigned char *)bytes + len, false};

        rc = fbk__run_block_get(&w->codec, &in, &w->block);
    }
    fbk__stmt_put(st);
    if (rc == FBK_ENOMEM)
        return fbk__nomem(db);
    if (rc != FBK_OK || !w->block.n)
        return fbk__chunk_damaged(db, FBK__CHUNK_RUN, id);
    w->fit = fbk__run_block_fit(w->block.n, len);
    return FBK_OK;
}

fbk_status
fbk__run_resume_block(fbk *db, fbk__run_writer *w)
{
    fbk__run_block *b = &w->block;
    fbk_status rc;

    if (w->n_blocks >= w->n_resume)
        return FBK_DONE;
    rc = resume_read(db, w);
    if (rc >= 0 && !fbk__grow(w->a, &w->first, &w->first_cap, w->n_blocks + 2, sizeof *w->first))
        rc = fbk__nomem(db);
    for (uint32_t i = 0; rc >= 0 && i < b->n; i++)
        rc = fbk__run_note(db, w, (fbk__key){(uint64_t)b->hi[i], (uint64_t)b->lo[i]});
    if (rc < 0)
        return rc;
    w->first[w->n_blocks++] = (fbk__key){(uint64_t)b->hi[0], (uint64_t)b->lo[0]};
    w->n_keys += b->n;
    b->n = 0;
    return FBK_OK;
}
