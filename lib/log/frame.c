/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/frame.h"

#include <string.h>

#include "log/frame_guess.h"

enum { FRAME_MAX = FBK__CODEC_MAX_ROWS };

const uint8_t fbk__frame_layout[FBK__N_FC] = {
    FBK__EV_N_LINES,
    FBK__EV_N_EXTRA,
    FBK__EV_N_PROPS,
    FBK__EV_NODE,
    FBK__EV_KIND,
    FBK__EV_FLAGS,
    FBK__EV_CURRENCY,
    FBK__FC_LINES + FBK__LN_KIND,
    FBK__FC_LINES + FBK__LN_ITEM,
    FBK__FC_LINES + FBK__LN_QUANTITY,
    FBK__FC_LINES + FBK__LN_PRICE,
    FBK__FC_LINES + FBK__LN_DISCOUNT,
    FBK__FC_LINES + FBK__LN_TAX,
    FBK__FC_LINES + FBK__LN_AMOUNT,
    FBK__EV_SOURCE,
    FBK__EV_CHANNEL,
    FBK__EV_PLACE,
    FBK__EV_OCCURRED,
    FBK__EV_ARRIVAL,
    FBK__EV_RECEIVED,
    FBK__FC_EXTRA,
    FBK__FC_PROPS,
    FBK__FC_IDS,
    FBK__FC_ORDERS,
};

void
fbk__frame_init(fbk__frame *f, const fbk_allocator *a)
{
    memset(f, 0, sizeof *f);
    f->a = a;
    fbk__strings_init(&f->texts, a);
    fbk__strings_init(&f->ids, a);
    fbk__strings_init(&f->orders, a);
    f->columns = (1u << FBK__N_FC) - 1;
}

void
fbk__frame_free(fbk__frame *f)
{
    for (size_t i = 0; i < FBK__N_EV; i++)
        fbk__free(f->a, f->ev[i]);
    for (size_t i = 0; i < FBK__N_LN; i++)
        fbk__free(f->a, f->ln[i]);
    fbk__free(f->a, f->extra);
    fbk__free(f->a, f->prop_key);
    fbk__free(f->a, f->prop_type);
    fbk__free(f->a, f->prop_value);
    fbk__strings_free(&f->texts);
    fbk__strings_free(&f->ids);
    fbk__strings_free(&f->orders);
    fbk__frame_init(f, f->a);
}

void
fbk__frame_clear(fbk__frame *f)
{
    memset(&f->n, 0, sizeof f->n);
    fbk__strings_clear(&f->texts);
    fbk__strings_clear(&f->ids);
    fbk__strings_clear(&f->orders);
    f->columns = (1u << FBK__N_FC) - 1;
}

size_t
fbk__frame_bytes(const fbk__frame *f)
{
    return sizeof *f +
           sizeof(int64_t) * ((size_t)f->cap.events * FBK__N_EV + (size_t)f->cap.lines * FBK__N_LN +
                              f->cap.extra + 3 * (size_t)f->cap.props) +
           f->texts.byte_cap + f->ids.byte_cap + f->orders.byte_cap +
           sizeof(uint32_t) * (f->texts.offset_cap + f->ids.offset_cap + f->orders.offset_cap);
}

/* Grow n arrays together; *cap changes only when all have grown. */
static fbk_status
grow_arrays(const fbk_allocator *a, int64_t **arrays[], size_t n, uint32_t *cap, size_t need)
{
    size_t grown = *cap;

    if (need <= *cap)
        return FBK_OK;
    if (need > FRAME_MAX)
        return FBK_ETOOBIG;
    for (size_t i = 0; i < n; i++) {
        grown = *cap;
        if (!fbk__grow(a, arrays[i], &grown, need, sizeof(int64_t)))
            return FBK_ENOMEM;
    }
    *cap = (uint32_t)grown;
    return FBK_OK;
}

fbk_status
fbk__frame_reserve(fbk__frame *f, fbk__frame_size more)
{
    int64_t **ev[FBK__N_EV];
    int64_t **ln[FBK__N_LN];
    int64_t **extra[] = {&f->extra};
    int64_t **props[] = {&f->prop_key, &f->prop_type, &f->prop_value};
    fbk_status rc;

    for (size_t i = 0; i < FBK__N_EV; i++)
        ev[i] = &f->ev[i];
    for (size_t i = 0; i < FBK__N_LN; i++)
        ln[i] = &f->ln[i];
    rc = grow_arrays(f->a, ev, FBK__N_EV, &f->cap.events, (size_t)f->n.events + more.events);
    if (rc >= 0)
        rc = grow_arrays(f->a, ln, FBK__N_LN, &f->cap.lines, (size_t)f->n.lines + more.lines);
    if (rc >= 0)
        rc = grow_arrays(f->a, extra, 1, &f->cap.extra, (size_t)f->n.extra + more.extra);
    if (rc >= 0)
        rc = grow_arrays(f->a, props, 3, &f->cap.props, (size_t)f->n.props + more.props);
    return rc;
}

/* The counts of each event must add up to the frame's, or an index would lead outside. */
static fbk_status
check_counts(const fbk__frame *f)
{
    const uint32_t want[3] = {f->n.lines, f->n.extra, f->n.props};

    for (int k = 0; k < 3; k++) {
        const int64_t *v = f->ev[FBK__EV_N_LINES + k];
        uint64_t sum = 0;

        for (uint32_t i = 0; i < f->n.events; i++) {
            if (v[i] < 0 || (uint64_t)v[i] > want[k] - sum)
                return FBK_ECORRUPT;
            sum += (uint64_t)v[i];
        }
        if (sum != want[k])
            return FBK_ECORRUPT;
    }
    return FBK_OK;
}

fbk_status
fbk__frame_index_make(const fbk__frame *f, fbk__frame_index *out)
{
    size_t n = (size_t)f->n.events + 1;
    uint32_t *all = fbk__calloc(f->a, 3 * n, sizeof *all);

    memset(out, 0, sizeof *out);
    if (!all || check_counts(f) < 0) {
        fbk__free(f->a, all);
        return all ? FBK_ECORRUPT : FBK_ENOMEM;
    }
    out->line = all;
    out->extra = all + n;
    out->prop = all + 2 * n;
    for (size_t i = 0; i + 1 < n; i++) {
        out->line[i + 1] = out->line[i] + (uint32_t)f->ev[FBK__EV_N_LINES][i];
        out->extra[i + 1] = out->extra[i] + (uint32_t)f->ev[FBK__EV_N_EXTRA][i];
        out->prop[i + 1] = out->prop[i] + (uint32_t)f->ev[FBK__EV_N_PROPS][i];
    }
    return FBK_OK;
}

void
fbk__frame_index_free(fbk__frame_index *index, const fbk_allocator *a)
{
    fbk__free(a, index->line); /* one block */
    memset(index, 0, sizeof *index);
}

static fbk_status
copy_string(fbk__strings *to, const fbk__strings *from, size_t i)
{
    return fbk__strings_add(to, from->bytes + from->offsets[i],
                            from->offsets[i + 1] - from->offsets[i]);
}

static fbk_status
copy_props(fbk__frame *to, const fbk__frame *from, uint32_t first, uint32_t n)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = first; rc >= 0 && i < first + n; i++) {
        uint32_t at = to->n.props;

        to->prop_key[at] = from->prop_key[i];
        to->prop_type[at] = from->prop_type[i];
        to->prop_value[at] = from->prop_value[i];
        if (from->prop_type[i] == FBK__PROP_TEXT) {
            to->prop_value[at] = (int64_t)to->texts.n;
            rc = copy_string(&to->texts, &from->texts, (size_t)from->prop_value[i]);
        }
        to->n.props += rc >= 0;
    }
    return rc;
}

fbk_status
fbk__frame_copy(fbk__frame *to, const fbk__frame *from, const fbk__frame_index *index, uint32_t i)
{
    fbk__frame_size one = {1, index->line[i + 1] - index->line[i],
                           index->extra[i + 1] - index->extra[i],
                           index->prop[i + 1] - index->prop[i]};
    uint32_t at = to->n.events;
    fbk_status rc = fbk__frame_reserve(to, one);

    if (rc >= 0)
        rc = copy_string(&to->ids, &from->ids, i);
    if (rc >= 0)
        rc = copy_string(&to->orders, &from->orders, i);
    if (rc >= 0)
        rc = copy_props(to, from, index->prop[i], one.props);
    if (rc < 0)
        return rc;
    for (size_t k = 0; k < FBK__N_EV; k++)
        to->ev[k][at] = from->ev[k][i];
    if (one.lines) {
        for (size_t k = 0; k < FBK__N_LN; k++)
            memcpy(to->ln[k] + to->n.lines, from->ln[k] + index->line[i],
                   one.lines * sizeof(int64_t));
    }
    if (one.extra)
        memcpy(to->extra + to->n.extra, from->extra + index->extra[i], one.extra * sizeof(int64_t));
    to->n.events++;
    to->n.lines += one.lines;
    to->n.extra += one.extra;
    return FBK_OK;
}

int64_t
fbk__frame_expected_amount(int64_t quantity_milli, int64_t price_micro, int64_t discount_micro)
{
    int64_t small;
    __int128 product;

    if (!__builtin_mul_overflow(quantity_milli, price_micro, &small) && small > INT64_MIN + 500 &&
        small < INT64_MAX - 500) {
        small = (small + (small < 0 ? -500 : 500)) / 1000;
        return (int64_t)((uint64_t)small - (uint64_t)discount_micro);
    }
    product = (__int128)quantity_milli * price_micro;
    product = (product + (product < 0 ? -500 : 500)) / 1000;
    return (int64_t)((uint64_t)product - (uint64_t)discount_micro);
}

/* -- columns ----------------------------------------------------------------------------------- */

/* A column is told from those that lie before it: from the last one to the first. */
uint32_t
fbk__frame_needs(uint32_t columns)
{
    static const uint32_t needs[FBK__N_FC] = {
        [FBK__FC_ORDERS] = 1u << FBK__FC_IDS,
        [FBK__FC_IDS] = 1u << FBK__EV_SOURCE | 1u << FBK__EV_ARRIVAL,
        [FBK__FC_PROPS] = 1u << FBK__EV_N_PROPS,
        [FBK__EV_RECEIVED] = 1u << FBK__EV_OCCURRED | 1u << FBK__EV_ARRIVAL,
        [FBK__EV_ARRIVAL] = 1u << FBK__EV_OCCURRED,
        [FBK__EV_PLACE] = 1u << FBK__EV_SOURCE,
        [FBK__EV_CHANNEL] = 1u << FBK__EV_SOURCE,
        [FBK__FC_LINES + FBK__LN_AMOUNT] = 1u << (FBK__FC_LINES + FBK__LN_QUANTITY) |
                                           1u << (FBK__FC_LINES + FBK__LN_PRICE) |
                                           1u << (FBK__FC_LINES + FBK__LN_DISCOUNT),
        [FBK__FC_LINES + FBK__LN_PRICE] = 1u << (FBK__FC_LINES + FBK__LN_ITEM),
    };

    for (int i = FBK__N_FC; i-- > 0;) {
        if (columns & 1u << fbk__frame_layout[i])
            columns |= needs[fbk__frame_layout[i]];
    }
    return columns;
}

static bool
all_zero(const int64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i])
            return false;
    }
    return true;
}

static fbk_status
put_ints(fbk__codec *c, fbk__buf *out, const int64_t *v, size_t n)
{
    return all_zero(v, n) ? FBK_OK : fbk__codec_put_ints(c, out, v, n);
}

/* A column as the difference from what others, or the segment, make of it. */
static fbk_status
put_told(fbk__codec *c, fbk__buf *out, const fbk__frame *f, unsigned column)
{
    size_t n = column < FBK__N_EV ? f->n.events : f->n.lines;
    bool says_how = FBK__TOLD_COLUMNS & 1u << column;
    int64_t *d = fbk__alloc(f->a, (n + 1) * sizeof *d);
    unsigned how;
    fbk_status rc = FBK_OK;

    if (!d)
        return FBK_ENOMEM;
    how = fbk__frame_tell(f, column, d);
    if (says_how && (how != FBK__TOLD_PLAIN || !all_zero(d, n)))
        fbk__buf_uvarint(out, how);
    rc = put_ints(c, out, d, n);
    fbk__free(f->a, d);
    return rc;
}

/* References of orders; where each is what its id ends in, how much of it. */
static fbk_status
put_orders(fbk__codec *c, fbk__buf *out, const fbk__frame *f)
{
    uint32_t n = f->n.events;
    int64_t *d;
    bool told = true;
    fbk_status rc;

    if (f->orders.n == 0 || f->orders.offsets[n] == 0)
        return FBK_OK;
    d = fbk__alloc(f->a, (size_t)n * sizeof *d);
    if (!d)
        return FBK_ENOMEM;
    for (uint32_t i = 0; told && i < n; i++) {
        const uint32_t *o = f->orders.offsets + i;
        const uint32_t *id = f->ids.offsets + i;
        uint32_t len = o[1] - o[0];

        d[i] = len;
        told = len <= id[1] - id[0] &&
               memcmp(f->orders.bytes + o[0], f->ids.bytes + id[1] - len, len) == 0;
    }
    fbk__buf_uvarint(out, told ? FBK__TOLD_BY_COLUMNS : FBK__TOLD_PLAIN);
    rc = told ? put_ints(c, out, d, n) : fbk__codec_put_strings(c, out, &f->orders);
    fbk__free(f->a, d);
    return rc;
}

fbk_status
fbk__frame_put(fbk__codec *c, fbk__buf *out, const fbk__frame *f, unsigned column)
{
    if (column == FBK__FC_IDS)
        return fbk__frame_put_ids(c, out, f);
    if (FBK__TOLD_COLUMNS & 1u << column || column == FBK__FC_LINES + FBK__LN_AMOUNT)
        return put_told(c, out, f, column);
    if (column < FBK__N_EV)
        return put_ints(c, out, f->ev[column], f->n.events);
    if (column < FBK__FC_EXTRA)
        return put_ints(c, out, f->ln[column - FBK__FC_LINES], f->n.lines);
    if (column == FBK__FC_EXTRA)
        return put_ints(c, out, f->extra, f->n.extra);
    if (column == FBK__FC_PROPS)
        return fbk__frame_put_props(c, out, f);
    return put_orders(c, out, f);
}

/* What is decoded: a part of a stored frame, to be put behind so much of what there is. */
typedef struct target {
    fbk__frame *f;
    fbk__frame_size at;
    const fbk__frame_part *part;
} target;

static fbk_status
get_ints(fbk__codec *c, fbk__reader *in, int64_t *v, size_t all, size_t first, size_t n)
{
    if (in->p != in->end)
        return fbk__codec_get_ints_part(c, in, v, all, first, n);
    if (n)
        memset(v, 0, n * sizeof *v);
    return FBK_OK;
}

static fbk_status
get_event_ints(fbk__codec *c, fbk__reader *in, int64_t *v, const target *t)
{
    return get_ints(c, in, v + t->at.events, t->part->all.events, t->part->first.events,
                    t->part->n.events);
}

static fbk_status
get_line_ints(fbk__codec *c, fbk__reader *in, int64_t *v, const target *t)
{
    return get_ints(c, in, v + t->at.lines, t->part->all.lines, t->part->first.lines,
                    t->part->n.lines);
}

static fbk_status
get_told(fbk__codec *c, fbk__reader *in, unsigned column, const target *t)
{
    bool line = column >= FBK__N_EV;
    uint64_t how = FBK__TOLD_BY_COLUMNS;
    fbk__frame *f = t->f;
    fbk_status rc;

    if (FBK__TOLD_COLUMNS & 1u << column)
        how = in->p ? fbk__read_uvarint(in) : FBK__TOLD_PLAIN;
    if (in->bad || how > FBK__TOLD_BY_GUESS || !fbk__frame_may_tell(f, column, (unsigned)how))
        return FBK_ECORRUPT;
    rc = line ? get_line_ints(c, in, f->ln[column - FBK__FC_LINES], t)
              : get_event_ints(c, in, f->ev[column], t);
    if (rc >= 0 && how != FBK__TOLD_PLAIN)
        fbk__frame_told(f, column, (unsigned)how, line ? t->at.lines : t->at.events,
                        line ? t->part->n.lines : t->part->n.events);
    return rc;
}

/* Where the next property of each event goes; false when the counts do not add up. */
static bool
prop_starts(const target *t, uint32_t *starts)
{
    const int64_t *counts = t->f->ev[FBK__EV_N_PROPS] + t->at.events;
    uint64_t sum = 0;

    for (uint32_t e = 0; e < t->part->n.events; e++) {
        if (counts[e] < 0 || (uint64_t)counts[e] > t->part->n.props - sum)
            return false;
        starts[e] = t->at.props + (uint32_t)sum;
        sum += (uint64_t)counts[e];
    }
    return sum == t->part->n.props;
}

/* Properties came by key; put each where its event has it. */
static fbk_status
spread_props(const target *t, int64_t *const part[4], const fbk__strings *texts, uint32_t *starts)
{
    fbk__frame *f = t->f;
    const int64_t *counts = f->ev[FBK__EV_N_PROPS] + t->at.events;
    size_t text = 0;
    fbk_status rc = prop_starts(t, starts) ? FBK_OK : FBK_ECORRUPT;

    for (uint32_t i = 0; rc >= 0 && i < t->part->all.props; i++) {
        size_t this_text = text;
        uint64_t e = (uint64_t)part[1][i];
        uint32_t to;

        if (e >= t->part->all.events || part[2][i] < FBK__PROP_TEXT ||
            part[2][i] > FBK__PROP_BOOL || part[0][i] < 0 || part[0][i] > UINT32_MAX)
            return FBK_ECORRUPT;
        text += part[2][i] == FBK__PROP_TEXT;
        e -= t->part->first.events;
        if (e >= t->part->n.events) /* before or behind the part */
            continue;
        to = starts[e]++;
        if (to >= t->at.props + t->part->n.props)
            return FBK_ECORRUPT;
        f->prop_key[to] = part[0][i];
        f->prop_type[to] = part[2][i];
        f->prop_value[to] = part[3][i];
        if (part[2][i] == FBK__PROP_TEXT) {
            f->prop_value[to] = (int64_t)f->texts.n;
            rc = copy_string(&f->texts, texts, this_text);
        }
    }
    /* Each event was given just as many as it has. */
    for (uint32_t e = 0, sum = t->at.props; rc >= 0 && e < t->part->n.events; e++) {
        sum += (uint32_t)counts[e];
        if (starts[e] != sum)
            return FBK_ECORRUPT;
    }
    return rc;
}

/* Keys, events, types and values of all properties of the frame, then the texts among them. */
static fbk_status
get_props(fbk__codec *c, fbk__reader *in, const target *t)
{
    const fbk_allocator *a = t->f->a;
    size_t n = t->part->all.props;
    int64_t *all = fbk__alloc(a, (4 * n + 1) * sizeof *all);
    int64_t *const part[4] = {all, all + n, all + 2 * n, all + 3 * n};
    uint32_t *starts = fbk__alloc(a, ((size_t)t->part->n.events + 1) * sizeof *starts);
    size_t n_texts = 0;
    fbk__strings texts;
    fbk_status rc = all && starts ? FBK_OK : FBK_ENOMEM;

    fbk__strings_init(&texts, a);
    for (int i = 0; rc >= 0 && i < 4; i++)
        rc = fbk__codec_get_ints(c, in, part[i], n);
    for (size_t i = 0; rc >= 0 && i < n; i++)
        n_texts += part[2][i] == FBK__PROP_TEXT;
    if (rc >= 0)
        rc = fbk__codec_get_strings(c, in, &texts, n_texts);
    if (rc >= 0)
        rc = spread_props(t, part, &texts, starts);
    fbk__strings_free(&texts);
    fbk__free(a, all);
    fbk__free(a, starts);
    return rc;
}

/* So many strings, or empty ones. */
static fbk_status
get_strings(fbk__codec *c, fbk__reader *in, fbk__strings *s, const target *t)
{
    fbk_status rc = FBK_OK;

    if (in->p)
        return fbk__codec_get_strings_part(c, in, s, t->part->all.events, t->part->first.events,
                                           t->part->n.events);
    for (uint32_t i = 0; rc >= 0 && i < t->part->n.events; i++)
        rc = fbk__strings_add(s, "", 0);
    return rc;
}

static fbk_status
get_orders(fbk__codec *c, fbk__reader *in, const target *t)
{
    fbk__frame *f = t->f;
    uint64_t how = in->p ? fbk__read_uvarint(in) : FBK__TOLD_PLAIN;
    int64_t *d;
    fbk_status rc;

    if (in->bad || how > FBK__TOLD_BY_COLUMNS)
        return FBK_ECORRUPT;
    if (how == FBK__TOLD_PLAIN)
        return get_strings(c, in, &f->orders, t);
    d = fbk__alloc(f->a, ((size_t)t->part->n.events + 1) * sizeof *d);
    rc = d ? get_ints(c, in, d, t->part->all.events, t->part->first.events, t->part->n.events)
           : FBK_ENOMEM;
    for (uint32_t i = 0; rc >= 0 && i < t->part->n.events; i++) {
        const uint32_t *id = f->ids.offsets + t->at.events + i;

        if (d[i] < 0 || d[i] > id[1] - id[0])
            rc = FBK_ECORRUPT;
        else
            rc = fbk__strings_add(&f->orders, f->ids.bytes + id[1] - d[i], (size_t)d[i]);
    }
    fbk__free(f->a, d);
    return rc;
}

static fbk_status
get_column(fbk__codec *c, fbk__reader *in, unsigned column, const target *t)
{
    fbk__frame *f = t->f;

    if (column == FBK__FC_IDS)
        return fbk__frame_get_ids(c, in, f, t->at.events, t->part);
    if (FBK__TOLD_COLUMNS & 1u << column || column == FBK__FC_LINES + FBK__LN_AMOUNT)
        return get_told(c, in, column, t);
    if (column < FBK__N_EV)
        return get_event_ints(c, in, f->ev[column], t);
    if (column < FBK__FC_EXTRA)
        return get_line_ints(c, in, f->ln[column - FBK__FC_LINES], t);
    if (column == FBK__FC_EXTRA)
        return get_ints(c, in, f->extra + t->at.extra, t->part->all.extra, t->part->first.extra,
                        t->part->n.extra);
    if (column == FBK__FC_PROPS)
        return in->p ? get_props(c, in, t) : t->part->all.props ? FBK_ECORRUPT : FBK_OK;
    return get_orders(c, in, t);
}

static fbk_status
get_target(fbk__codec *c, unsigned column, const void *bytes, size_t len, const target *t)
{
    fbk__reader in = {bytes, bytes ? (const unsigned char *)bytes + len : NULL, false};
    fbk_status rc;

    if (column >= FBK__N_FC)
        return FBK_ECORRUPT;
    rc = get_column(c, &in, column, t);
    if (rc >= 0 && in.p != in.end)
        return FBK_ECORRUPT;
    if (rc >= 0)
        t->f->columns |= 1u << column;
    return rc;
}

fbk_status
fbk__frame_get(fbk__codec *c, fbk__frame *f, unsigned column, const void *bytes, size_t len)
{
    fbk__frame_part whole = {.all = f->n, .n = f->n};
    target t = {.f = f, .part = &whole};

    if (column == FBK__FC_IDS)
        fbk__strings_clear(&f->ids);
    else if (column == FBK__FC_ORDERS)
        fbk__strings_clear(&f->orders);
    else if (column == FBK__FC_PROPS)
        fbk__strings_clear(&f->texts);
    return get_target(c, column, bytes, len, &t);
}

fbk_status
fbk__frame_get_part(fbk__codec *c, fbk__frame *f, unsigned column, const void *bytes, size_t len,
                    const fbk__frame_part *part)
{
    target t = {.f = f, .at = f->n, .part = part};

    return get_target(c, column, bytes, len, &t);
}

/* Sums of counts: of the events before a part, and of those in it. */
static fbk_status
sum_counts(fbk__codec *c, const void *bytes, size_t len, const fbk__frame_part *part,
           uint64_t *before, uint64_t *within)
{
    uint32_t end = part->first.events + part->n.events;
    fbk__reader in = {bytes, (const unsigned char *)bytes + len, false};
    int64_t value;
    int64_t *counts;
    fbk_status rc;

    if (fbk__codec_is_constant(bytes, len, &value)) {
        *before = part->first.events * (uint64_t)value;
        *within = part->n.events * (uint64_t)value;
        return value < 0 || value > FRAME_MAX ? FBK_ECORRUPT : FBK_OK;
    }
    counts = fbk__alloc(c->a, ((size_t)end + 1) * sizeof *counts);
    rc = counts ? fbk__codec_get_ints_part(c, &in, counts, part->all.events, 0, end) : FBK_ENOMEM;
    for (uint32_t i = 0; rc >= 0 && i < end; i++) {
        if (counts[i] < 0 || counts[i] > FRAME_MAX)
            rc = FBK_ECORRUPT;
        *(i < part->first.events ? before : within) += (uint64_t)counts[i];
    }
    fbk__free(c->a, counts);
    return rc;
}

fbk_status
fbk__frame_part_make(fbk__codec *c, const void *const bytes[3], const size_t len[3], uint32_t first,
                     uint32_t n, fbk__frame_part *part)
{
    const uint32_t all[3] = {part->all.lines, part->all.extra, part->all.props};
    uint32_t *const before[3] = {&part->first.lines, &part->first.extra, &part->first.props};
    uint32_t *const within[3] = {&part->n.lines, &part->n.extra, &part->n.props};

    part->first.events = first;
    part->n.events = n;
    for (int k = 0; k < 3; k++) {
        uint64_t sums[2] = {0, 0};
        fbk_status rc =
            bytes[k] ? sum_counts(c, bytes[k], len[k], part, &sums[0], &sums[1]) : FBK_OK;

        if (rc < 0 || sums[0] + sums[1] > all[k])
            return rc < 0 ? rc : FBK_ECORRUPT;
        *before[k] = (uint32_t)sums[0];
        *within[k] = (uint32_t)sums[1];
    }
    return FBK_OK;
}

/* -- whole frames ------------------------------------------------------------------------------ */

enum { PACK_VERSION = 1 };

fbk_status
fbk__frame_pack(fbk__codec *c, fbk__buf *out, const fbk__frame *f)
{
    size_t start = out->len;
    fbk__buf column;
    uint64_t hash;
    fbk_status rc = FBK_OK;

    fbk__buf_init(&column, f->a);
    fbk__buf_uvarint(out, PACK_VERSION);
    fbk__buf_uvarint(out, f->n.events);
    fbk__buf_uvarint(out, f->n.lines);
    fbk__buf_uvarint(out, f->n.extra);
    fbk__buf_uvarint(out, f->n.props);
    for (unsigned i = 0; rc >= 0 && i < FBK__N_FC; i++) {
        fbk__buf_clear(&column);
        rc = fbk__frame_put(c, &column, f, fbk__frame_layout[i]);
        fbk__buf_uvarint(out, column.len);
        if (column.len)
            fbk__buf_add(out, column.data, column.len);
    }
    fbk__buf_free(&column);
    if (rc < 0)
        return rc;
    hash = out->failed ? 0 : fbk__hash64(out->data + start, out->len - start);
    fbk__buf_add(out, &hash, sizeof hash);
    return out->failed ? FBK_ENOMEM : FBK_OK;
}

static fbk_status
unpack_size(fbk__reader *in, fbk__frame_size *out)
{
    uint64_t n[4];

    for (int i = 0; i < 4; i++) {
        n[i] = fbk__read_uvarint(in);
        if (in->bad || n[i] > FRAME_MAX)
            return FBK_ECORRUPT;
    }
    *out = (fbk__frame_size){(uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2], (uint32_t)n[3]};
    return FBK_OK;
}

fbk_status
fbk__frame_unpack(fbk__codec *c, fbk__reader *in, fbk__frame *f)
{
    const unsigned char *start = in->p;
    const unsigned char *end;
    fbk__frame_size n = {0, 0, 0, 0};
    uint64_t hash;
    fbk_status rc;

    if (fbk__read_uvarint(in) != PACK_VERSION)
        return FBK_ECORRUPT;
    rc = unpack_size(in, &n);
    fbk__frame_clear(f);
    if (rc >= 0)
        rc = fbk__frame_reserve(f, n);
    if (rc < 0)
        return rc;
    f->n = n;
    for (unsigned i = 0; rc >= 0 && i < FBK__N_FC; i++) {
        uint64_t len = fbk__read_uvarint(in);
        const void *bytes = fbk__read_bytes(in, in->bad ? SIZE_MAX : len);

        rc = bytes ? fbk__frame_get(c, f, fbk__frame_layout[i], len ? bytes : NULL, len)
                   : FBK_ECORRUPT;
    }
    end = in->p;
    if (rc >= 0) {
        const void *stored = fbk__read_bytes(in, sizeof hash);

        if (!stored)
            return FBK_ECORRUPT;
        memcpy(&hash, stored, sizeof hash);
        rc = hash == fbk__hash64(start, (size_t)(end - start)) ? check_counts(f) : FBK_ECORRUPT;
    }
    return rc;
}
