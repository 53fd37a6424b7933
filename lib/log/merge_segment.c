/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/merge.h"
#include "store/conn.h"

/* Events of several segments in one order. First only keys are compared, and what comes next is
 * noted; when a frame is full, or a frame of an input used up, what was noted is
 * copied column by column. Columns that no input has are skipped. */

typedef struct input {
    fbk__segment *segment;
    uint32_t number; /* of the next frame to read */
    uint32_t event;  /* of the one that is read */
    fbk__frame frame;
    fbk__frame_index index;
} input;

enum { SQUEEZE_AT = 1 << 16 };

struct fbk__segment_merge {
    fbk__segment_writer w;
    input *in;
    uint32_t n;
    uint32_t n_learnt; /* inputs whose guess was joined, */
    uint32_t n_open;   /* and that were opened */
    uint32_t columns;  /* that any input has */
    bool resumed;
    int64_t after[3]; /* of what was taken up, the last event */
    fbk__tourney tourney;
    size_t squeeze_at; /* entries of the guess */
    uint64_t rows;
    uint32_t n_picked;
    fbk__event_at picked[FBK__FRAME_ROWS];
};

/* -- inputs ------------------------------------------------------------------------------------ */

static fbk__rank
input_rank(const input *in)
{
    return (fbk__rank){(uint64_t)in->frame.ev[FBK__EV_NODE][in->event],
                       (uint64_t)in->frame.ev[FBK__EV_OCCURRED][in->event] ^ UINT64_C(1) << 63,
                       (uint64_t)in->frame.ev[FBK__EV_ARRIVAL][in->event]};
}

/* The next frame; FBK_DONE at the end. */
static fbk_status
input_load(fbk *db, fbk__codec *c, const fbk__segment_merge *m, input *in)
{
    fbk_status rc;

    fbk__frame_index_free(&in->index, m->w.a);
    in->event = 0;
    if (in->number == in->segment->n_frames)
        return FBK_DONE;
    rc = fbk__segment_read(db, c, in->segment, in->number, m->columns, &in->frame);
    if (rc < 0)
        return rc;
    rc = fbk__frame_index_make(&in->frame, &in->index);
    if (rc == FBK_ENOMEM)
        return fbk__nomem(db);
    if (rc < 0)
        return fbk__segment_damaged(db, in->segment, in->number);
    in->number++;
    return FBK_OK;
}

static bool
input_is_written(const fbk__segment_merge *m, const input *in)
{
    static const unsigned columns[3] = {FBK__EV_NODE, FBK__EV_OCCURRED, FBK__EV_ARRIVAL};

    for (int i = 0; i < 3; i++) {
        int64_t value = in->frame.ev[columns[i]][in->event];

        if (value != m->after[i])
            return value < m->after[i];
    }
    return true;
}

/* Stand at the first event that is not yet written. */
static fbk_status
input_open(fbk *db, fbk__codec *c, fbk__segment_merge *m, uint32_t i)
{
    input *in = &m->in[i];
    fbk_status rc;

    if (m->resumed)
        in->number = fbk__segment_find(in->segment, (uint32_t)m->after[0]);
    do {
        rc = input_load(db, c, m, in);
        while (rc == FBK_OK && m->resumed && in->event < in->frame.n.events &&
               input_is_written(m, in))
            in->event++;
    } while (rc == FBK_OK && in->event == in->frame.n.events);
    if (rc == FBK_OK)
        m->tourney.rank[i] = input_rank(in);
    return rc < 0 ? rc : FBK_OK;
}

/* -- copying ----------------------------------------------------------------------------------- */

/* Append what was picked to the frame that is being filled. */
static fbk_status
copy_picked(fbk *db, fbk__segment_merge *m)
{
    fbk_status rc = fbk__frame_gather(&m->w.frame, m->picked, m->n_picked, m->columns);

    m->n_picked = 0;
    if (rc == FBK_ETOOBIG)
        return fbk__fail(db, rc, "an event was too large for a frame");
    return rc < 0 ? fbk__nomem(db) : FBK_OK;
}

/* -- steps ------------------------------------------------------------------------------------- */

/* Note the winner, and let it step on. */
static fbk_status
merge_pick(fbk *db, fbk__codec *c, fbk__segment_merge *m, uint32_t winner)
{
    input *in = &m->in[winner];
    fbk_status rc;

    m->picked[m->n_picked++] = (fbk__event_at){&in->frame, &in->index, in->event++};
    if (in->event < in->frame.n.events) {
        fbk__tourney_next(&m->tourney, input_rank(in));
        return FBK_OK;
    }
    rc = copy_picked(db, m); /* its frame goes away */
    if (rc >= 0)
        rc = input_load(db, c, m, in);
    if (rc >= 0)
        fbk__tourney_next(&m->tourney, rc == FBK_DONE ? fbk__rank_end : input_rank(in));
    return rc;
}

/* Fill a frame and write it. */
static fbk_status
merge_frame(fbk *db, fbk__codec *c, fbk__segment_merge *m)
{
    fbk_status rc = FBK_OK;

    while (rc >= 0) {
        uint32_t winner = fbk__tourney_winner(&m->tourney);
        uint32_t rows;

        if (fbk__rank_is_end(&m->tourney.rank[winner])) {
            rc = copy_picked(db, m);
            if (rc >= 0)
                rc = fbk__segment_end(db, &m->w);
            return rc < 0 ? rc : FBK_DONE;
        }
        rows = fbk__frame_rows(&m->in[winner].frame, m->in[winner].event);
        if (m->w.frame_rows && m->w.frame_rows + rows > FBK__FRAME_ROWS) {
            rc = copy_picked(db, m);
            return rc < 0 ? rc : fbk__segment_flush(db, &m->w);
        }
        m->w.frame_rows += rows;
        m->rows += rows;
        rc = merge_pick(db, c, m, winner);
    }
    return rc;
}

/* The output knows what the inputs know; of many of them that is much, and much the same. */
static fbk_status
merge_learn(fbk *db, fbk__segment_merge *m)
{
    const fbk__segment *in = m->in[m->n_learnt++].segment;
    fbk__guess *guess = &m->w.guess;
    fbk_status rc = fbk__guess_join(guess, &in->guess, in->n_events);

    if (rc >= 0 && guess->lessons.n_entries > m->squeeze_at) {
        rc = fbk__guess_squeeze(guess);
        m->squeeze_at = guess->lessons.n_entries > SQUEEZE_AT
                            ? 2 * guess->lessons.n_entries
                            : guess->lessons.n_entries + SQUEEZE_AT;
    }
    if (rc < 0)
        return fbk__nomem(db);
    return m->n_learnt == m->n ? fbk__segment_guess(db, &m->w) : FBK_OK;
}

fbk_status
fbk__segment_merge_step(fbk *db, fbk__codec *c, fbk__segment_merge *m)
{
    fbk_status rc;

    if (!m->w.knows)
        return merge_learn(db, m);
    if (m->n_open == m->n)
        return merge_frame(db, c, m);
    rc = input_open(db, c, m, m->n_open);
    if (rc >= 0 && ++m->n_open == m->n)
        fbk__tourney_begin(&m->tourney);
    return rc;
}

fbk_status
fbk__segment_merge_save(fbk *db, fbk__segment_merge *m)
{
    return fbk__segment_save(db, &m->w);
}

uint64_t
fbk__segment_merge_rows(const fbk__segment_merge *m)
{
    return m->rows;
}

uint64_t
fbk__segment_merge_bytes(const fbk__segment_merge *m)
{
    return m->w.bytes;
}

/* -- life -------------------------------------------------------------------------------------- */

/* Every column that a frame of this segment has, and those that are computed from others. */
static uint32_t
segment_columns(const fbk__segment *segment)
{
    uint32_t columns = 1u << FBK__EV_NODE | 1u << FBK__EV_OCCURRED | 1u << FBK__EV_ARRIVAL |
                       1u << FBK__EV_RECEIVED | 7u << FBK__EV_N_LINES |
                       1u << (FBK__FC_LINES + FBK__LN_AMOUNT) | 1u << FBK__FC_IDS;

    for (uint32_t i = 0; i < segment->n_frames; i++)
        columns |= segment->frames[i].columns;
    return fbk__frame_needs(columns);
}

fbk_status
fbk__segment_merge_new(fbk *db, fbk__segment *const *inputs, uint32_t n, int64_t output,
                       fbk__segment_merge **out)
{
    const fbk_allocator *a = fbk__store_allocator(db);
    fbk__segment_merge *m = fbk__calloc(a, 1, sizeof *m);
    fbk_status rc;

    if (!m)
        return fbk__nomem(db);
    m->squeeze_at = SQUEEZE_AT;
    rc = fbk__segment_resume(db, output, &m->w);
    m->in = fbk__calloc(a, n, sizeof *m->in);
    if (rc >= 0 && (!m->in || fbk__tourney_init(&m->tourney, a, n) < 0))
        rc = fbk__nomem(db);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        m->in[i].segment = fbk__segment_ref(inputs[i]);
        fbk__frame_init(&m->in[i].frame, a);
        m->columns |= segment_columns(inputs[i]);
        m->n++;
    }
    if (rc >= 0) {
        rc = fbk__segment_last(db, &m->w, m->after);
        m->resumed = rc == FBK_OK;
    }
    if (rc < 0)
        fbk__segment_merge_free(m);
    else
        *out = m;
    return rc < 0 ? rc : FBK_OK;
}

void
fbk__segment_merge_free(fbk__segment_merge *m)
{
    const fbk_allocator *a = m->w.a;

    for (uint32_t i = 0; i < m->n; i++) {
        fbk__frame_index_free(&m->in[i].index, a);
        fbk__frame_free(&m->in[i].frame);
        fbk__segment_unref(m->in[i].segment);
    }
    fbk__free(a, m->in);
    fbk__tourney_free(&m->tourney, a);
    fbk__segment_writer_free(&m->w);
    fbk__free(a, m);
}

uint64_t
fbk__segment_merge_memory(const fbk__segment *segment)
{
    const uint32_t lines = ((1u << FBK__N_LN) - 1) << FBK__FC_LINES;
    uint32_t columns = segment_columns(segment);
    uint64_t event = 64 + 8 * (uint64_t)__builtin_popcount(columns & ((1u << FBK__N_EV) - 1));
    uint64_t line = 8 * (uint64_t)__builtin_popcount(columns & lines);
    uint64_t most = 0;

    for (uint32_t i = 0; i < segment->n_frames; i++) {
        const fbk__frame_size *n = &segment->frames[i].n;
        uint64_t bytes =
            n->events * event + n->lines * line + 8 * (uint64_t)n->extra + 64 * (uint64_t)n->props;

        most = bytes > most ? bytes : most;
    }
    return most + sizeof *segment + sizeof(input);
}
