/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/copurchase_quality.h"

#include <string.h>

#include "base/hash.h"

enum { AMONG = 10, ORDERS_MAX = 5000 };

typedef struct quality {
    const fbk__copurchase *cp;
    double *score;      /* by number; 0 between orders */
    uint32_t *touched;  /* numbers whose score is not 0 */
    uint8_t *in_basket; /* by number; 0 between orders */
    size_t n_touched;
} quality;

static void
quality_add(quality *q, uint32_t number)
{
    const fbk__copurchase *cp = q->cp;
    fbk__partner p;
    fbk__partners it;

    fbk__partners_of(cp, number, &it);
    while (it.served_left && fbk__partners_next(&it, &p)) {
        if (q->score[p.number] == 0.0)
            q->touched[q->n_touched++] = p.number;
        q->score[p.number] += fbk__copurchase_score(cp->people[number], cp->people[p.number],
                                                    p.people, cp->shrink_milli);
    }
}

/* Do fewer than ten others, not in the basket, stand before the hidden one? */
static bool
quality_hit(const quality *q, uint32_t hidden)
{
    size_t before = 0;

    if (q->score[hidden] == 0.0)
        return false;
    for (size_t i = 0; i < q->n_touched && before < AMONG; i++) {
        uint32_t c = q->touched[i];

        before +=
            !q->in_basket[c] && c != hidden &&
            (q->score[c] > q->score[hidden] || (q->score[c] == q->score[hidden] && c < hidden));
    }
    return before < AMONG;
}

static bool
quality_popular(const quality *q, uint32_t hidden)
{
    size_t before = 0;

    for (uint32_t i = 0; i < q->cp->n_items && before < AMONG; i++) {
        if (q->cp->popular[i] == hidden)
            return true;
        before += !q->in_basket[q->cp->popular[i]];
    }
    return false;
}

static void
quality_order(quality *q, const uint32_t *items, size_t n, size_t hide,
              fbk__copurchase_quality *out)
{
    uint32_t hidden = fbk__copurchase_find(q->cp, items[hide]);

    out->n++;
    if (hidden == UINT32_MAX)
        return;
    for (size_t i = 0; i < n; i++) {
        uint32_t number = fbk__copurchase_find(q->cp, items[i]);

        if (i == hide || number == UINT32_MAX)
            continue;
        q->in_basket[number] = 1;
        quality_add(q, number);
    }
    out->hits += quality_hit(q, hidden);
    out->popular += quality_popular(q, hidden);
    for (size_t i = 0; i < q->n_touched; i++)
        q->score[q->touched[i]] = 0.0;
    q->n_touched = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t number = fbk__copurchase_find(q->cp, items[i]);

        if (number != UINT32_MAX)
            q->in_basket[number] = 0;
    }
}

fbk_status
fbk__copurchase_quality_of(const fbk__copurchase *cp, const fbk__baskets *held,
                           fbk__copurchase_quality *out)
{
    quality q = {.cp = cp};
    size_t step = held->n / ORDERS_MAX + 1;
    bool ok;

    memset(out, 0, sizeof *out);
    q.score = fbk__calloc(cp->a, cp->n_items, sizeof *q.score);
    q.touched = fbk__calloc(cp->a, cp->n_items, sizeof *q.touched);
    q.in_basket = fbk__calloc(cp->a, cp->n_items, sizeof *q.in_basket);
    ok = q.score && q.touched && q.in_basket;
    for (size_t i = 0; ok && i < held->n; i += step) {
        uint64_t end = i + 1 < held->n ? held->start[i + 1] : held->n_items;
        size_t n = (size_t)(end - held->start[i]);

        if (n >= 2)
            quality_order(&q, held->items + held->start[i], n, (size_t)(fbk__mix64(i + 1) % n),
                          out);
    }
    fbk__free(cp->a, q.score);
    fbk__free(cp->a, q.touched);
    fbk__free(cp->a, q.in_basket);
    return ok ? FBK_OK : FBK_ENOMEM;
}
