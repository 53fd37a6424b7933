/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/merge.h"
#include "store/conn.h"

/* Keys of several runs in one order. */

typedef struct input {
    fbk__run *run;
    uint32_t number; /* of the next block to read */
    uint32_t at;     /* in the one that is read */
    fbk__run_block block;
} input;

struct fbk__run_merge {
    fbk__run_writer w;
    input *in;
    uint32_t n;
    uint32_t n_open; /* inputs that were opened */
    fbk__tourney tourney;
    uint64_t keys;
};

static fbk__key
input_key(const input *in)
{
    return (fbk__key){(uint64_t)in->block.hi[in->at], (uint64_t)in->block.lo[in->at]};
}

static fbk__rank
input_rank(const input *in)
{
    return (fbk__rank){(uint64_t)in->block.hi[in->at], (uint64_t)in->block.lo[in->at], 0};
}

/* The next block that has keys (erasing may have emptied one); FBK_DONE at the end. */
static fbk_status
input_load(fbk *db, fbk__codec *c, input *in)
{
    in->at = 0;
    in->block.n = 0;
    while (in->number < in->run->n_blocks) {
        fbk_status rc = fbk__run_read(db, c, in->run, in->number++, &in->block);

        if (rc < 0 || in->block.n)
            return rc;
    }
    return FBK_DONE;
}

/* Stand at the first key that is not yet written. */
static fbk_status
input_open(fbk *db, fbk__codec *c, fbk__run_merge *m, uint32_t i)
{
    bool resumed = m->w.n_resume > 0;
    input *in = &m->in[i];
    fbk_status rc;

    if (resumed)
        in->number = fbk__run_block_of(in->run, m->w.last);
    do {
        rc = input_load(db, c, in);
        while (rc == FBK_OK && resumed && in->at < in->block.n &&
               fbk__key_compare(input_key(in), m->w.last) <= 0)
            in->at++;
    } while (rc == FBK_OK && in->at == in->block.n);
    if (rc == FBK_OK)
        m->tourney.rank[i] = input_rank(in);
    return rc < 0 ? rc : FBK_OK;
}

/* A block of keys; FBK_DONE when there are no more. */
static fbk_status
merge_block(fbk *db, fbk__codec *c, fbk__run_merge *m)
{
    fbk__tourney *t = &m->tourney;
    fbk_status rc = FBK_OK;

    while (rc >= 0 && m->w.block.n < FBK__RUN_BLOCK) {
        uint32_t winner = fbk__tourney_winner(t);
        input *in = &m->in[winner];

        if (fbk__rank_is_end(&t->rank[winner]))
            return FBK_DONE;
        rc = fbk__run_add(db, &m->w, input_key(in), (uint32_t)in->block.value[in->at]);
        m->keys++;
        if (rc >= 0 && ++in->at == in->block.n)
            rc = input_load(db, c, in);
        if (rc >= 0)
            fbk__tourney_next(t, rc == FBK_DONE ? fbk__rank_end : input_rank(in));
    }
    return rc < 0 ? rc : fbk__run_flush(db, &m->w);
}

fbk_status
fbk__run_merge_step(fbk *db, fbk__codec *c, fbk__run_merge *m)
{
    fbk_status rc;

    rc = fbk__run_resume_block(db, &m->w);
    if (rc != FBK_DONE)
        return rc;
    if (m->n_open < m->n) {
        rc = input_open(db, c, m, m->n_open);
        if (rc >= 0 && ++m->n_open == m->n)
            fbk__tourney_begin(&m->tourney);
        return rc;
    }
    rc = merge_block(db, c, m);
    if (rc != FBK_DONE || (!m->w.n_blocks && !m->w.block.n)) /* all keys were erased */
        return rc;
    return fbk__run_end_piece(db, &m->w);
}

fbk_status
fbk__run_merge_save(fbk *db, fbk__run_merge *m)
{
    return fbk__run_save(db, &m->w);
}

uint64_t
fbk__run_merge_keys(const fbk__run_merge *m)
{
    return m->keys;
}

uint64_t
fbk__run_merge_bytes(const fbk__run_merge *m)
{
    return m->w.total_bytes;
}

void
fbk__run_merge_give_filter(fbk__run_merge *m, fbk__run *run)
{
    if (run->filter || run->n_filter != m->w.n_filter)
        return;
    run->filter = m->w.filter;
    m->w.filter = NULL;
}

fbk_status
fbk__run_merge_new(fbk *db, fbk__run *const *inputs, uint32_t n, int64_t output,
                   fbk__run_merge **out)
{
    const fbk_allocator *a = fbk__store_allocator(db);
    fbk__run_merge *m = fbk__calloc(a, 1, sizeof *m);
    uint64_t most = 0;
    fbk_status rc = FBK_OK;

    if (!m)
        return fbk__nomem(db);
    for (uint32_t i = 0; i < n; i++)
        most += inputs[i]->n_keys;
    rc = fbk__run_resume(db, output, most, &m->w);
    m->in = fbk__calloc(a, n, sizeof *m->in);
    if (rc >= 0 && (!m->in || fbk__tourney_init(&m->tourney, a, n) < 0))
        rc = fbk__nomem(db);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        m->in[i].run = fbk__run_ref(inputs[i]);
        m->n++;
    }
    if (rc < 0)
        fbk__run_merge_free(m);
    else
        *out = m;
    return rc;
}

void
fbk__run_merge_free(fbk__run_merge *m)
{
    const fbk_allocator *a = m->w.a;

    for (uint32_t i = 0; i < m->n; i++)
        fbk__run_unref(m->in[i].run);
    fbk__free(a, m->in);
    fbk__tourney_free(&m->tourney, a);
    fbk__run_writer_free(&m->w);
    fbk__free(a, m);
}
