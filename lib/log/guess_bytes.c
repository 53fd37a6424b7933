/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/guess_part.h"

/* What a segment knows, as bytes. */

static fbk_status
list_put(fbk__codec *c, fbk__buf *out, const fbk__guess_list *list)
{
    int64_t *numbers = fbk__alloc(c->a, (list->n + 1) * sizeof *numbers);
    size_t n = 0;
    fbk_status rc;

    if (!numbers)
        return FBK_ENOMEM;
    for (size_t w = 0; w < list->n_words; w++) {
        for (uint64_t left = list->bits[w]; left; left &= left - 1)
            numbers[n++] = (int64_t)(64 * w) + __builtin_ctzll(left);
    }
    fbk__buf_uvarint(out, n);
    rc = fbk__codec_put_ints(c, out, numbers, n);
    fbk__free(c->a, numbers);
    return rc < 0 ? rc : fbk__codec_put_ints(c, out, list->value, n);
}

static fbk_status
list_get(fbk__codec *c, fbk__reader *in, fbk__guess_list *list, const fbk_allocator *a)
{
    uint64_t n = fbk__read_uvarint(in);
    int64_t *v;
    uint32_t *numbers;
    fbk_status rc;

    if (in->bad || n > FBK__GUESS_LIST_MAX)
        return FBK_ECORRUPT;
    list->n = (size_t)n;
    v = fbk__alloc(a, (list->n + 1) * sizeof *v);
    numbers = fbk__alloc(a, (list->n + 1) * sizeof *numbers);
    list->value = fbk__alloc(a, (list->n + 1) * sizeof *list->value);
    rc = v && numbers && list->value ? fbk__codec_get_ints(c, in, v, list->n) : FBK_ENOMEM;
    if (rc >= 0)
        rc = fbk__codec_get_ints(c, in, list->value, list->n);
    for (size_t i = 0; rc >= 0 && i < list->n; i++) {
        if (v[i] < 0 || v[i] >= FBK__GUESS_NUMBER_MAX || (i && v[i] <= v[i - 1]))
            rc = FBK_ECORRUPT;
        else
            numbers[i] = (uint32_t)v[i];
    }
    if (rc >= 0)
        rc = fbk__guess_list_ready(list, numbers, a);
    fbk__free(a, v);
    fbk__free(a, numbers);
    return rc;
}

static fbk_status
points_put(fbk__codec *c, fbk__buf *out, const fbk__guess_points *p)
{
    fbk_status rc;

    fbk__buf_uvarint(out, p->n);
    rc = fbk__codec_put_ints(c, out, p->x, p->n);
    return rc < 0 ? rc : fbk__codec_put_ints(c, out, p->y, p->n);
}

static fbk_status
points_get(fbk__codec *c, fbk__reader *in, fbk__guess_points *p, const fbk_allocator *a)
{
    uint64_t n = fbk__read_uvarint(in);
    fbk_status rc;

    if (in->bad || n > FBK__GUESS_SERIES_POINTS * FBK__GUESS_POINTS_MAX)
        return FBK_ECORRUPT;
    p->n = (size_t)n;
    p->x = fbk__alloc(a, (p->n + 1) * sizeof *p->x);
    p->y = fbk__alloc(a, (p->n + 1) * sizeof *p->y);
    rc = p->x && p->y ? fbk__codec_get_ints(c, in, p->x, p->n) : FBK_ENOMEM;
    if (rc >= 0)
        rc = fbk__codec_get_ints(c, in, p->y, p->n);
    for (size_t i = 1; rc >= 0 && i < p->n; i++) {
        if (p->x[i] <= p->x[i - 1] || p->y[i] < p->y[i - 1])
            rc = FBK_ECORRUPT;
    }
    return rc < 0 ? rc : fbk__guess_points_ready(p, a);
}

fbk_status
fbk__guess_put(fbk__codec *c, fbk__buf *out, const fbk__guess *g)
{
    fbk_status rc = points_put(c, out, &g->arrival);

    if (rc >= 0)
        rc = points_put(c, out, &g->received);
    for (int k = 0; rc >= 0 && k < FBK__N_GUESS_LISTS; k++)
        rc = list_put(c, out, &g->lists[k]);
    fbk__buf_uvarint(out, g->n_series);
    if (rc >= 0)
        rc = fbk__codec_put_strings(c, out, &g->prefixes);
    for (size_t i = 0; rc >= 0 && i < g->n_series; i++) {
        fbk__buf_uvarint(out, g->series[i].source);
        fbk__buf_uvarint(out, g->series[i].digits);
        rc = points_put(c, out, &g->series[i].points);
    }
    return rc >= 0 && out->failed ? FBK_ENOMEM : rc;
}

fbk_status
fbk__guess_get(fbk__codec *c, fbk__reader *in, fbk__guess *g)
{
    uint64_t n;
    fbk_status rc = points_get(c, in, &g->arrival, g->a);

    if (rc >= 0)
        rc = points_get(c, in, &g->received, g->a);
    for (int k = 0; rc >= 0 && k < FBK__N_GUESS_LISTS; k++)
        rc = list_get(c, in, &g->lists[k], g->a);
    if (rc < 0)
        return rc;
    n = fbk__read_uvarint(in);
    if (in->bad || n > FBK__GUESS_COUNTS_MAX)
        return FBK_ECORRUPT;
    g->series = fbk__calloc(g->a, (size_t)n + 1, sizeof *g->series);
    if (!g->series)
        return FBK_ENOMEM;
    rc = fbk__codec_get_strings(c, in, &g->prefixes, (size_t)n);
    while (rc >= 0 && g->n_series < n) {
        fbk__guess_series *s = &g->series[g->n_series];
        uint64_t source = fbk__read_uvarint(in);
        uint64_t digits = fbk__read_uvarint(in);

        if (in->bad || source > UINT32_MAX || (g->n_series && source <= s[-1].source) ||
            digits < 1 || digits > FBK__GUESS_DIGITS)
            return FBK_ECORRUPT;
        s->source = (uint32_t)source;
        s->digits = (uint32_t)digits;
        g->n_series++;
        rc = points_get(c, in, &s->points, g->a);
    }
    return rc;
}
