/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/frame_rows.h"

#include <string.h>

enum { N_SIGNED_LINE = 4 }; /* quantity, price, discount, tax; then the amount's difference */

static void
put_text(fbk__buf *out, const fbk__strings *s, size_t i)
{
    size_t len = s->offsets[i + 1] - s->offsets[i];

    fbk__buf_uvarint(out, len);
    fbk__buf_add(out, s->bytes + s->offsets[i], len);
}

static void
put_line(fbk__buf *out, const fbk__frame *f, uint32_t i)
{
    int64_t expected = fbk__frame_expected_amount(
        f->ln[FBK__LN_QUANTITY][i], f->ln[FBK__LN_PRICE][i], f->ln[FBK__LN_DISCOUNT][i]);

    fbk__buf_uvarint(out, (uint64_t)f->ln[FBK__LN_KIND][i]);
    fbk__buf_uvarint(out, (uint64_t)f->ln[FBK__LN_ITEM][i]);
    for (int k = 0; k < N_SIGNED_LINE; k++)
        fbk__buf_svarint(out, f->ln[FBK__LN_QUANTITY + k][i]);
    fbk__buf_svarint(out, (int64_t)((uint64_t)f->ln[FBK__LN_AMOUNT][i] - (uint64_t)expected));
}

static void
put_prop(fbk__buf *out, const fbk__frame *f, uint32_t i)
{
    fbk__buf_uvarint(out, (uint64_t)f->prop_key[i]);
    fbk__buf_uvarint(out, (uint64_t)f->prop_type[i]);
    if (f->prop_type[i] == FBK__PROP_TEXT)
        put_text(out, &f->texts, (size_t)f->prop_value[i]);
    else
        fbk__buf_svarint(out, f->prop_value[i]);
}

void
fbk__frame_rows_put(fbk__buf *out, const fbk__frame *f)
{
    uint32_t line = 0;
    uint32_t extra = 0;
    uint32_t prop = 0;

    fbk__buf_uvarint(out, f->n.events);
    for (uint32_t i = 0; i < f->n.events; i++) {
        for (int k = 0; k < FBK__N_EV; k++) {
            int64_t v = f->ev[k][i];

            if (k == FBK__EV_RECEIVED)
                v = (int64_t)((uint64_t)v - (uint64_t)f->ev[FBK__EV_OCCURRED][i]);
            if (k == FBK__EV_OCCURRED || k == FBK__EV_RECEIVED)
                fbk__buf_svarint(out, v);
            else
                fbk__buf_uvarint(out, (uint64_t)v);
        }
        put_text(out, &f->ids, i);
        put_text(out, &f->orders, i);
        for (int64_t k = 0; k < f->ev[FBK__EV_N_LINES][i]; k++)
            put_line(out, f, line++);
        for (int64_t k = 0; k < f->ev[FBK__EV_N_EXTRA][i]; k++)
            fbk__buf_uvarint(out, (uint64_t)f->extra[extra++]);
        for (int64_t k = 0; k < f->ev[FBK__EV_N_PROPS][i]; k++)
            put_prop(out, f, prop++);
    }
}

/* -- reading ----------------------------------------------------------------------------------- */

static fbk_status
get_text(fbk__reader *in, fbk__strings *to)
{
    uint64_t len = fbk__read_uvarint(in);
    const char *text = fbk__read_bytes(in, in->bad ? SIZE_MAX : len);

    return text ? fbk__strings_add(to, text, len) : FBK_ECORRUPT;
}

static void
get_line(fbk__reader *in, fbk__frame *f)
{
    uint32_t i = f->n.lines++;
    int64_t expected;

    f->ln[FBK__LN_KIND][i] = (int64_t)fbk__read_uvarint(in);
    f->ln[FBK__LN_ITEM][i] = (int64_t)fbk__read_uvarint(in);
    for (int k = 0; k < N_SIGNED_LINE; k++)
        f->ln[FBK__LN_QUANTITY + k][i] = fbk__read_svarint(in);
    expected = fbk__frame_expected_amount(f->ln[FBK__LN_QUANTITY][i], f->ln[FBK__LN_PRICE][i],
                                          f->ln[FBK__LN_DISCOUNT][i]);
    f->ln[FBK__LN_AMOUNT][i] = (int64_t)((uint64_t)fbk__read_svarint(in) + (uint64_t)expected);
}

static fbk_status
get_prop(fbk__reader *in, fbk__frame *f)
{
    uint32_t i = f->n.props++;

    f->prop_key[i] = (int64_t)fbk__read_uvarint(in);
    f->prop_type[i] = (int64_t)fbk__read_uvarint(in);
    if (f->prop_type[i] < FBK__PROP_TEXT || f->prop_type[i] > FBK__PROP_BOOL)
        return FBK_ECORRUPT;
    f->prop_value[i] = (int64_t)f->texts.n;
    if (f->prop_type[i] == FBK__PROP_TEXT)
        return get_text(in, &f->texts);
    f->prop_value[i] = fbk__read_svarint(in);
    return FBK_OK;
}

/* What an event says it has; each of them takes at least a byte, so that a wrong count ends before
 * much memory was asked for. */
static fbk_status
get_counts(const fbk__reader *in, const fbk__frame *f, fbk__frame_size *out)
{
    uint64_t most = (uint64_t)(in->end - in->p);
    uint32_t n[3];

    for (int k = 0; k < 3; k++) {
        int64_t v = f->ev[FBK__EV_N_LINES + k][f->n.events];

        if (v < 0 || (uint64_t)v > most)
            return FBK_ECORRUPT;
        n[k] = (uint32_t)v;
    }
    *out = (fbk__frame_size){0, n[0], n[1], n[2]};
    return FBK_OK;
}

static fbk_status
get_event(fbk__reader *in, fbk__frame *f)
{
    uint32_t i = f->n.events;
    fbk__frame_size more;
    fbk_status rc;

    for (int k = 0; k < FBK__N_EV; k++) {
        if (k == FBK__EV_OCCURRED || k == FBK__EV_RECEIVED)
            f->ev[k][i] = fbk__read_svarint(in);
        else
            f->ev[k][i] = (int64_t)fbk__read_uvarint(in);
    }
    f->ev[FBK__EV_RECEIVED][i] =
        (int64_t)((uint64_t)f->ev[FBK__EV_RECEIVED][i] + (uint64_t)f->ev[FBK__EV_OCCURRED][i]);
    rc = in->bad ? FBK_ECORRUPT : get_counts(in, f, &more);
    if (rc >= 0)
        rc = fbk__frame_reserve(f, more);
    f->n.events++;
    if (rc >= 0)
        rc = get_text(in, &f->ids);
    if (rc >= 0)
        rc = get_text(in, &f->orders);
    if (rc < 0)
        return rc;
    for (uint32_t k = 0; k < more.lines; k++)
        get_line(in, f);
    for (uint32_t k = 0; k < more.extra; k++)
        f->extra[f->n.extra++] = (int64_t)fbk__read_uvarint(in);
    for (uint32_t k = 0; rc >= 0 && k < more.props; k++)
        rc = get_prop(in, f);
    return rc;
}

fbk_status
fbk__frame_rows_get(fbk__reader *in, fbk__frame *f)
{
    uint64_t n = fbk__read_uvarint(in);
    fbk_status rc;

    if (in->bad || n > FBK__ROWS_WORTH)
        return FBK_ECORRUPT;
    rc = fbk__frame_reserve(f, (fbk__frame_size){(uint32_t)n, 0, 0, 0});
    for (uint64_t i = 0; rc >= 0 && i < n; i++)
        rc = get_event(in, f);
    if (rc >= 0 && in->bad)
        rc = FBK_ECORRUPT;
    return rc == FBK_ETOOBIG ? FBK_ECORRUPT : rc;
}
