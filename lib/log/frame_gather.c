/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/frame.h"

/* Events from here and there, copied column by column: one event after the other, each of the 24
 * columns of both sides would be fetched anew for every event. */

static fbk_status
copy_string(fbk__strings *to, const fbk__strings *from, size_t i)
{
    return fbk__strings_add(to, from->bytes + from->offsets[i],
                            from->offsets[i + 1] - from->offsets[i]);
}

static fbk_status
gather_size(const fbk__event_at *from, size_t n, fbk__frame_size *out)
{
    uint64_t lines = 0;
    uint64_t extra = 0;
    uint64_t props = 0;

    for (size_t i = 0; i < n; i++) {
        const fbk__frame_index *index = from[i].index;
        uint32_t e = from[i].event;

        lines += index->line[e + 1] - index->line[e];
        extra += index->extra[e + 1] - index->extra[e];
        props += index->prop[e + 1] - index->prop[e];
    }
    if (n > FBK__CODEC_MAX_ROWS || lines > FBK__CODEC_MAX_ROWS || extra > FBK__CODEC_MAX_ROWS ||
        props > FBK__CODEC_MAX_ROWS)
        return FBK_ETOOBIG;
    *out = (fbk__frame_size){(uint32_t)n, (uint32_t)lines, (uint32_t)extra, (uint32_t)props};
    return FBK_OK;
}

static void
gather_lines(fbk__frame *to, const fbk__event_at *from, size_t n, uint32_t columns, size_t lines)
{
    for (size_t k = 0; k < FBK__N_LN; k++) {
        int64_t *at = to->ln[k] + to->n.lines;

        if (!(columns & 1u << (FBK__FC_LINES + k))) {
            memset(at, 0, lines * sizeof *at);
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            const uint32_t *begin = &from[i].index->line[from[i].event];
            const int64_t *column = from[i].frame->ln[k];

            for (uint32_t j = begin[0]; j < begin[1]; j++)
                *at++ = column[j];
        }
    }
}

static void
gather_extra(fbk__frame *to, const fbk__event_at *from, size_t n)
{
    int64_t *at = to->extra + to->n.extra;

    for (size_t i = 0; i < n; i++) {
        const uint32_t *begin = &from[i].index->extra[from[i].event];

        for (uint32_t j = begin[0]; j < begin[1]; j++)
            *at++ = from[i].frame->extra[j];
    }
}

static fbk_status
gather_props(fbk__frame *to, const fbk__event_at *from, size_t n)
{
    fbk_status rc = FBK_OK;

    for (size_t i = 0; rc >= 0 && i < n; i++) {
        const fbk__frame *f = from[i].frame;
        const uint32_t *begin = &from[i].index->prop[from[i].event];

        for (uint32_t j = begin[0]; rc >= 0 && j < begin[1]; j++) {
            uint32_t at = to->n.props++;

            to->prop_key[at] = f->prop_key[j];
            to->prop_type[at] = f->prop_type[j];
            to->prop_value[at] = f->prop_value[j];
            if (f->prop_type[j] != FBK__PROP_TEXT)
                continue;
            to->prop_value[at] = (int64_t)to->texts.n;
            rc = copy_string(&to->texts, &f->texts, (size_t)f->prop_value[j]);
        }
    }
    return rc;
}

static fbk_status
gather_texts(fbk__frame *to, const fbk__event_at *from, size_t n, uint32_t columns)
{
    fbk_status rc = FBK_OK;

    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = copy_string(&to->ids, &from[i].frame->ids, from[i].event);
    for (size_t i = 0; rc >= 0 && i < n && columns & 1u << FBK__FC_ORDERS; i++)
        rc = copy_string(&to->orders, &from[i].frame->orders, from[i].event);
    return rc;
}

fbk_status
fbk__frame_gather(fbk__frame *to, const fbk__event_at *from, size_t n, uint32_t columns)
{
    fbk__frame_size more = {0, 0, 0, 0};
    fbk_status rc = gather_size(from, n, &more);

    if (rc >= 0)
        rc = fbk__frame_reserve(to, more);
    if (rc >= 0)
        rc = gather_texts(to, from, n, columns);
    if (rc >= 0 && more.props)
        rc = gather_props(to, from, n);
    if (rc < 0)
        return rc;
    for (size_t k = 0; k < FBK__N_EV; k++) {
        int64_t *at = to->ev[k] + to->n.events;

        if (!(columns & 1u << k)) {
            memset(at, 0, n * sizeof *at);
            continue;
        }
        for (size_t i = 0; i < n; i++)
            at[i] = from[i].frame->ev[k][from[i].event];
    }
    if (more.lines)
        gather_lines(to, from, n, columns, more.lines);
    if (more.extra)
        gather_extra(to, from, n);
    to->n.events += more.events;
    to->n.lines += more.lines;
    to->n.extra += more.extra;
    return FBK_OK;
}
