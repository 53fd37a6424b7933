/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/merge.h"

#include <string.h>

const fbk__rank fbk__rank_end = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

fbk_status
fbk__tourney_init(fbk__tourney *t, const fbk_allocator *a, uint32_t n)
{
    t->n = n;
    t->rank = fbk__alloc(a, n * sizeof *t->rank);
    t->loser = fbk__alloc(a, n * sizeof *t->loser);
    if (!t->rank || !t->loser)
        return FBK_ENOMEM;
    memset(t->rank, 0xff, n * sizeof *t->rank);
    return FBK_OK;
}

void
fbk__tourney_free(fbk__tourney *t, const fbk_allocator *a)
{
    fbk__free(a, t->rank);
    fbk__free(a, t->loser);
    memset(t, 0, sizeof *t);
}

static inline bool
before(const fbk__rank *x, const fbk__rank *y)
{
    if (x->a != y->a)
        return x->a < y->a;
    if (x->b != y->b)
        return x->b < y->b;
    return x->c < y->c;
}

/* Node t of the tree plays the winners of nodes 2t and 2t + 1; inputs are nodes n to 2n - 1. */
static uint32_t
play(fbk__tourney *t, uint32_t node)
{
    uint32_t left;
    uint32_t right;

    if (node >= t->n)
        return node - t->n;
    left = play(t, 2 * node);
    right = play(t, 2 * node + 1);
    if (before(&t->rank[right], &t->rank[left])) {
        t->loser[node] = left;
        return right;
    }
    t->loser[node] = right;
    return left;
}

void
fbk__tourney_begin(fbk__tourney *t)
{
    t->loser[0] = t->n > 1 ? play(t, 1) : 0;
}

void
fbk__tourney_next(fbk__tourney *t, fbk__rank rank)
{
    uint32_t winner = t->loser[0];

    t->rank[winner] = rank;
    for (uint32_t node = (t->n + winner) / 2; node > 0; node /= 2) {
        uint32_t other = t->loser[node];
        bool lost = before(&t->rank[other], &t->rank[winner]);

        t->loser[node] = lost ? winner : other;
        winner = lost ? other : winner;
    }
    t->loser[0] = winner;
}
