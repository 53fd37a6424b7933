/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/frame_guess.h"

static fbk_status
add_text(fbk__strings *to, const fbk__strings *from, size_t i)
{
    return fbk__strings_add(to, from->bytes + from->offsets[i],
                            from->offsets[i + 1] - from->offsets[i]);
}

/* Properties by key, so that each key's values are a column of their own: keys and counts, then for
 * each key the events' numbers, the types and the values. */
typedef struct prop_order {
    uint32_t *event; /* of each property */
    uint32_t *order; /* properties by (key, event) */
} prop_order;

static void
prop_order_free(prop_order *p, const fbk_allocator *a)
{
    fbk__free(a, p->event);
    fbk__free(a, p->order);
}

static fbk_status
prop_order_make(const fbk__frame *f, prop_order *p)
{
    uint32_t n = f->n.props;
    uint32_t at = 0;

    p->event = fbk__alloc(f->a, ((size_t)n + 1) * sizeof *p->event);
    p->order = fbk__alloc(f->a, ((size_t)n + 1) * sizeof *p->order);
    if (!p->event || !p->order)
        return FBK_ENOMEM;
    for (uint32_t e = 0; e < f->n.events; e++) {
        for (int64_t k = 0; k < f->ev[FBK__EV_N_PROPS][e]; k++)
            p->event[at++] = e;
    }
    for (uint32_t i = 0; i < n; i++)
        p->order[i] = i;
    /* A stable insertion by key: few keys, and mostly in order already, are the rule; a long column
     * of unlike keys is sorted by merging runs. */
    for (uint32_t width = 1; width < n; width *= 2) {
        uint32_t *merged = fbk__alloc(f->a, (size_t)n * sizeof *merged);

        if (!merged)
            return FBK_ENOMEM;
        for (uint32_t lo = 0; lo < n; lo += 2 * width) {
            uint32_t mid = n - lo < width ? n : lo + width;
            uint32_t hi = n - lo < 2 * width ? n : lo + 2 * width;
            uint32_t i = lo;
            uint32_t j = mid;

            for (uint32_t k = lo; k < hi; k++) {
                bool left =
                    j >= hi || (i < mid && f->prop_key[p->order[i]] <= f->prop_key[p->order[j]]);

                merged[k] = left ? p->order[i++] : p->order[j++];
            }
        }
        fbk__free(f->a, p->order);
        p->order = merged;
    }
    return FBK_OK;
}

fbk_status
fbk__frame_put_props(fbk__codec *c, fbk__buf *out, const fbk__frame *f)
{
    size_t n = f->n.props;
    int64_t *v = fbk__alloc(f->a, (n + 1) * sizeof *v);
    prop_order p = {NULL, NULL};
    fbk__strings texts;
    fbk_status rc;

    if (!n) {
        fbk__free(f->a, v);
        return FBK_OK;
    }
    fbk__strings_init(&texts, f->a);
    rc = v ? prop_order_make(f, &p) : FBK_ENOMEM;
    for (int part = 0; rc >= 0 && part < 4; part++) {
        for (size_t i = 0; rc >= 0 && i < n; i++) {
            uint32_t from = p.order[i];
            bool text = f->prop_type[from] == FBK__PROP_TEXT;

            v[i] = part == 0   ? f->prop_key[from]
                   : part == 1 ? (int64_t)p.event[from]
                   : part == 2 ? f->prop_type[from]
                   : text      ? 0
                               : f->prop_value[from];
            if (part == 3 && text)
                rc = add_text(&texts, &f->texts, (size_t)f->prop_value[from]);
        }
        if (rc >= 0)
            rc = fbk__codec_put_ints(c, out, v, n);
    }
    if (rc >= 0)
        rc = fbk__codec_put_strings(c, out, &texts);
    prop_order_free(&p, f->a);
    fbk__strings_free(&texts);
    fbk__free(f->a, v);
    return rc;
}
