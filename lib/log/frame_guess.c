/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/frame_guess.h"

#include <string.h>

#include "log/bits.h"
#include "log/guess.h"

static int64_t
minus(int64_t x, int64_t y)
{
    return (int64_t)((uint64_t)x - (uint64_t)y);
}

static int64_t
plus(int64_t x, int64_t y)
{
    return (int64_t)((uint64_t)x + (uint64_t)y);
}

static int64_t *
values_of(const fbk__frame *f, unsigned column)
{
    return column < FBK__N_EV ? f->ev[column] : f->ln[column - FBK__FC_LINES];
}

static void
list_values(const fbk__guess_list *list, const int64_t *numbers, uint32_t n, int64_t *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = fbk__guess_of(list, numbers[i]);
}

static void
point_values(const fbk__guess_points *points, const int64_t *x, uint32_t n, int64_t *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = fbk__guess_at(points, x[i]);
}

/* As fbk__frame_expected_amount(), which is asked only when factors are found that do not fit 32
 * bits. */
static void
amounts(const int64_t *quantity, const int64_t *price, const int64_t *discount, uint32_t n,
        int64_t *out)
{
    uint64_t wide = 0;

    for (uint32_t i = 0; i < n; i++) {
        int64_t product = (int64_t)((uint64_t)quantity[i] * (uint64_t)price[i]);
        int64_t sign = product >> 63;

        wide |= (uint64_t)(quantity[i] ^ quantity[i] >> 63) | (uint64_t)(price[i] ^ price[i] >> 63);
        product = plus(product, (500 ^ sign) - sign);
        out[i] = minus(product / 1000, discount[i]);
    }
    for (uint32_t i = 0; wide >> 31 && i < n; i++)
        out[i] = fbk__frame_expected_amount(quantity[i], price[i], discount[i]);
}

/* Values [at, at + n) of a column as they are guessed. */
static void
guess_values(const fbk__frame *f, unsigned column, unsigned how, uint32_t at, uint32_t n,
             int64_t *out)
{
    const fbk__guess *g = f->guess;

    switch (column) {
    case FBK__EV_ARRIVAL:
        point_values(&g->arrival, f->ev[FBK__EV_OCCURRED] + at, n, out);
        break;
    case FBK__EV_RECEIVED:
        if (how == FBK__TOLD_BY_COLUMNS)
            memcpy(out, f->ev[FBK__EV_OCCURRED] + at, n * sizeof *out);
        else
            point_values(&g->received, f->ev[FBK__EV_ARRIVAL] + at, n, out);
        break;
    case FBK__EV_PLACE:
        list_values(&g->lists[FBK__GUESS_PLACE], f->ev[FBK__EV_SOURCE] + at, n, out);
        break;
    case FBK__EV_CHANNEL:
        list_values(&g->lists[FBK__GUESS_CHANNEL], f->ev[FBK__EV_SOURCE] + at, n, out);
        break;
    case FBK__FC_LINES + FBK__LN_PRICE:
        list_values(&g->lists[FBK__GUESS_PRICE], f->ln[FBK__LN_ITEM] + at, n, out);
        break;
    default: /* the amount */
        amounts(f->ln[FBK__LN_QUANTITY] + at, f->ln[FBK__LN_PRICE] + at,
                f->ln[FBK__LN_DISCOUNT] + at, n, out);
    }
}

bool
fbk__frame_may_tell(const fbk__frame *f, unsigned column, unsigned how)
{
    if (column == FBK__FC_LINES + FBK__LN_AMOUNT)
        return how == FBK__TOLD_BY_COLUMNS;
    return how == FBK__TOLD_PLAIN || (how == FBK__TOLD_BY_GUESS && f->guess) ||
           (how == FBK__TOLD_BY_COLUMNS && column == FBK__EV_RECEIVED);
}

enum { PART = 256 };

void
fbk__frame_told(fbk__frame *f, unsigned column, unsigned how, uint32_t at, uint32_t n)
{
    int64_t *v = values_of(f, column);
    int64_t guessed[PART];

    for (uint32_t end = at + n; at < end; at += PART) {
        uint32_t k = end - at < PART ? end - at : PART;

        guess_values(f, column, how, at, k, guessed);
        for (uint32_t i = 0; i < k; i++)
            v[at + i] = plus(v[at + i], guessed[i]);
    }
}

/* Differences of values [at, at + n). */
static void
differences(const fbk__frame *f, unsigned column, unsigned how, uint32_t at, uint32_t n, int64_t *d)
{
    const int64_t *v = values_of(f, column) + at;

    if (how == FBK__TOLD_PLAIN) {
        memcpy(d, v, n * sizeof *d);
        return;
    }
    guess_values(f, column, how, at, n, d);
    for (uint32_t i = 0; i < n; i++)
        d[i] = minus(v[i], d[i]);
}

/* About the bits that values take, by how far they lie from one another. */
static uint64_t
spread(const int64_t *v, uint32_t n)
{
    uint64_t bits = 0;

    for (uint32_t i = 1; i < n; i++) {
        uint64_t d = (uint64_t)minus(v[i], v[i - 1]);

        bits += fbk__bits_width(d << 1 ^ (0 - (d >> 63)));
    }
    return bits;
}

unsigned
fbk__frame_tell(const fbk__frame *f, unsigned column, int64_t *d)
{
    uint32_t n = column < FBK__N_EV ? f->n.events : f->n.lines;
    uint32_t at = n > PART ? (n - PART) / 2 : 0; /* by a part in the middle */
    uint64_t least = UINT64_MAX;
    unsigned best = FBK__TOLD_PLAIN;
    int64_t part[PART];

    for (unsigned how = 0; n && how <= FBK__TOLD_BY_GUESS; how++) {
        uint64_t bits;

        if (!fbk__frame_may_tell(f, column, how))
            continue;
        differences(f, column, how, at, n - at < PART ? n - at : PART, part);
        bits = spread(part, n - at < PART ? n - at : PART);
        if (bits < least) {
            least = bits;
            best = how;
        }
    }
    for (at = 0; at < n; at += PART)
        differences(f, column, best, at, n - at < PART ? n - at : PART, d + at);
    return best;
}

/* -- ids --------------------------------------------------------------------------------------- */

enum { APART = 4 }; /* one in so many may stand apart */

/* Differences of the counters, 0 where an id is not of the series of its source: these go to `rows`
 * and `apart`. FBK_DONE when there are too many. */
static fbk_status
tell_ids(const fbk__frame *f, int64_t *d, int64_t *rows, fbk__strings *apart)
{
    const fbk__guess_series *s = NULL;
    const char *prefix = NULL;
    size_t prefix_len = 0;
    int64_t source = -1;
    fbk_status rc = f->guess && f->guess->n_series ? FBK_OK : FBK_DONE;

    for (uint32_t i = 0; rc == FBK_OK && i < f->n.events; i++) {
        const char *id = f->ids.bytes + f->ids.offsets[i];
        size_t len = f->ids.offsets[i + 1] - f->ids.offsets[i];
        int64_t value;

        if (f->ev[FBK__EV_SOURCE][i] != source) {
            source = f->ev[FBK__EV_SOURCE][i];
            s = fbk__guess_series_of(f->guess, source, &prefix, &prefix_len);
        }
        if (s && len == prefix_len + s->digits &&
            (!prefix_len || memcmp(id, prefix, prefix_len) == 0) &&
            fbk__guess_digits(id + prefix_len, s->digits, &value) == s->digits) {
            d[i] = minus(value, fbk__guess_at(&s->points, f->ev[FBK__EV_ARRIVAL][i]));
            continue;
        }
        d[i] = 0;
        rows[apart->n] = i;
        rc = apart->n >= f->n.events / APART ? FBK_DONE : fbk__strings_add(apart, id, len);
    }
    return rc;
}

fbk_status
fbk__frame_put_ids(fbk__codec *c, fbk__buf *out, const fbk__frame *f)
{
    size_t n = f->n.events;
    int64_t *d = fbk__alloc(f->a, (2 * n + 1) * sizeof *d);
    fbk__strings apart;
    fbk_status rc = d ? FBK_OK : FBK_ENOMEM;

    fbk__strings_init(&apart, f->a);
    if (rc >= 0)
        rc = tell_ids(f, d, d + n, &apart);
    if (rc == FBK_DONE) {
        fbk__buf_uvarint(out, FBK__TOLD_PLAIN);
        rc = fbk__codec_put_strings(c, out, &f->ids);
    } else if (rc >= 0) {
        fbk__buf_uvarint(out, FBK__TOLD_BY_GUESS);
        fbk__buf_uvarint(out, apart.n);
        rc = fbk__codec_put_ints(c, out, d + n, apart.n);
        if (rc >= 0)
            rc = fbk__codec_put_strings(c, out, &apart);
        if (rc >= 0)
            rc = fbk__codec_put_ints(c, out, d, n);
    }
    fbk__strings_free(&apart);
    fbk__free(f->a, d);
    return rc;
}

/* Append n ids of a series, of events with these sources and numbers. */
static fbk_status
told_ids(const fbk__guess *guess, const int64_t *source, const int64_t *arrival, const int64_t *d,
         uint32_t n, fbk__strings *ids)
{
    const fbk__guess_series *s = NULL;
    const char *prefix = NULL;
    size_t prefix_len = 0;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        char text[FBK__GUESS_DIGITS];
        int64_t value;

        if (i == 0 || source[i] != source[i - 1])
            s = fbk__guess_series_of(guess, source[i], &prefix, &prefix_len);
        if (!s)
            return FBK_ECORRUPT;
        value = plus(d[i], fbk__guess_at(&s->points, arrival[i]));
        if (value < 0)
            return FBK_ECORRUPT;
        for (uint32_t k = s->digits; k-- > 0; value /= 10)
            text[k] = (char)('0' + value % 10);
        if (value)
            return FBK_ECORRUPT;
        rc = fbk__strings_join(ids, prefix, prefix_len, text, s->digits);
    }
    return rc == FBK_ETOOBIG ? FBK_ECORRUPT : rc;
}

/* The ids of a part by differences, those that stand apart between them. */
static fbk_status
join_ids(fbk__frame *f, uint32_t at, const fbk__frame_part *part, const int64_t *d,
         const int64_t *rows, const fbk__strings *apart)
{
    uint32_t first = part->first.events;
    uint32_t end = first + part->n.events;
    uint32_t row = first;
    size_t k = 0;
    fbk_status rc = FBK_OK;

    while (k < apart->n && rows[k] < first)
        k++;
    while (rc >= 0 && row < end) {
        uint32_t to = k < apart->n && rows[k] < end ? (uint32_t)rows[k] : end;
        uint32_t from = row - first;

        rc = told_ids(f->guess, f->ev[FBK__EV_SOURCE] + at + from,
                      f->ev[FBK__EV_ARRIVAL] + at + from, d + from, to - row, &f->ids);
        if (rc >= 0 && to < end) {
            rc = fbk__strings_add(&f->ids, apart->bytes + apart->offsets[k],
                                  apart->offsets[k + 1] - apart->offsets[k]);
            k++;
            to++;
        }
        row = to;
    }
    return rc == FBK_ETOOBIG ? FBK_ECORRUPT : rc;
}

static fbk_status
get_told_ids(fbk__codec *c, fbk__reader *in, fbk__frame *f, uint32_t at,
             const fbk__frame_part *part)
{
    uint64_t n = fbk__read_uvarint(in);
    int64_t *rows;
    int64_t *d;
    fbk__strings apart;
    fbk_status rc;

    if (in->bad || n > part->all.events)
        return FBK_ECORRUPT;
    rows = fbk__alloc(f->a, ((size_t)n + 1) * sizeof *rows);
    d = fbk__alloc(f->a, ((size_t)part->n.events + 1) * sizeof *d);
    fbk__strings_init(&apart, f->a);
    rc = rows && d ? fbk__codec_get_ints(c, in, rows, (size_t)n) : FBK_ENOMEM;
    for (uint64_t i = 0; rc >= 0 && i < n; i++) {
        if (rows[i] < 0 || rows[i] >= part->all.events || (i && rows[i] <= rows[i - 1]))
            rc = FBK_ECORRUPT;
    }
    if (rc >= 0)
        rc = fbk__codec_get_strings(c, in, &apart, (size_t)n);
    if (rc >= 0)
        rc = fbk__codec_get_ints_part(c, in, d, part->all.events, part->first.events,
                                      part->n.events);
    if (rc >= 0)
        rc = join_ids(f, at, part, d, rows, &apart);
    fbk__strings_free(&apart);
    fbk__free(f->a, rows);
    fbk__free(f->a, d);
    return rc;
}

fbk_status
fbk__frame_get_ids(fbk__codec *c, fbk__reader *in, fbk__frame *f, uint32_t at,
                   const fbk__frame_part *part)
{
    uint64_t how = fbk__read_uvarint(in);

    if (!in->bad && how == FBK__TOLD_PLAIN)
        return fbk__codec_get_strings_part(c, in, &f->ids, part->all.events, part->first.events,
                                           part->n.events);
    if (in->bad || how != FBK__TOLD_BY_GUESS || !f->guess)
        return FBK_ECORRUPT;
    return get_told_ids(c, in, f, at, part);
}
