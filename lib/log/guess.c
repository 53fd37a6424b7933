/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/guess_part.h"

#include <string.h>

#include "base/sort.h"
#include "log/bits.h"

enum {
    GROUP = 256,     /* events of a point */
    SAMPLE = 8,      /* one in so many of them is looked at for its time */
    COUNTS_MIN = 32, /* ids of one source that must count alike, and more than half of all */
    DIGITS_MIN = 4,
    FOLD_MIN = 1 << 17, /* entries that may say the same */
    SEEN_LOG2 = 13,
    SEEN = 1 << SEEN_LOG2 /* entries that are found again */
};

/* What an entry is of: a list, or points. */
enum { OF_ARRIVAL = FBK__N_GUESS_LISTS, OF_RECEIVED, OF_SERIES };

/** A list: the value x of number `key`, met y times. Points: (x, y); of series number `key`. */
struct fbk__guess_entry {
    uint32_t of;
    uint32_t key;
    int64_t x;
    int64_t y;
};

/** A source that counts, while it is learnt. */
struct fbk__guess_count {
    uint32_t source;
    uint32_t digits;
    size_t prefix;   /* number in prefixes */
    uint64_t met;    /* events of the source */
    uint64_t n;      /* of these, those that count so */
    int64_t arrival; /* of the last */
    int64_t value;
};

void
fbk__guess_init(fbk__guess *g, const fbk_allocator *a)
{
    memset(g, 0, sizeof *g);
    g->a = a;
    fbk__strings_init(&g->prefixes, a);
    fbk__map_init(&g->lessons.by_source, a);
}

static void
points_free(fbk__guess_points *p, const fbk_allocator *a)
{
    fbk__free(a, p->x);
    fbk__free(a, p->y);
    fbk__free(a, p->slope);
    fbk__free(a, p->starts);
    memset(p, 0, sizeof *p);
}

static void
lessons_free(fbk__guess *g)
{
    fbk__free(g->a, g->lessons.entries);
    fbk__free(g->a, g->lessons.counts);
    fbk__free(g->a, g->lessons.group);
    fbk__free(g->a, g->lessons.seen);
    fbk__map_free(&g->lessons.by_source);
    memset(&g->lessons, 0, sizeof g->lessons);
    fbk__map_init(&g->lessons.by_source, g->a);
}

void
fbk__guess_free(fbk__guess *g)
{
    for (int i = 0; i < FBK__N_GUESS_LISTS; i++) {
        fbk__free(g->a, g->lists[i].bits);
        fbk__free(g->a, g->lists[i].rank);
        fbk__free(g->a, g->lists[i].value);
    }
    points_free(&g->arrival, g->a);
    points_free(&g->received, g->a);
    for (size_t i = 0; i < g->n_series; i++)
        points_free(&g->series[i].points, g->a);
    fbk__free(g->a, g->series);
    fbk__strings_free(&g->prefixes);
    lessons_free(g);
    fbk__guess_init(g, g->a);
}

/* -- asking ------------------------------------------------------------------------------------ */

int64_t
fbk__guess_at(const fbk__guess_points *p, int64_t x)
{
    uint64_t from;
    size_t low;
    size_t high;

    if (p->n == 0)
        return 0;
    if (x <= p->x[0])
        return p->y[0];
    if (x >= p->x[p->n - 1])
        return p->y[p->n - 1];
    from = ((uint64_t)x - (uint64_t)p->x[0]) >> p->shift;
    low = p->starts[from];
    high = p->starts[from + 1] + 1;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;

        if (p->x[mid] <= x)
            low = mid;
        else
            high = mid;
    }
    from = (uint64_t)x - (uint64_t)p->x[low];
    return (int64_t)((uint64_t)p->y[low] +
                     (uint64_t)((unsigned __int128)from * p->slope[low] >> p->bits));
}

const fbk__guess_series *
fbk__guess_series_of(const fbk__guess *g, int64_t source, const char **out_prefix, size_t *out_len)
{
    size_t low = 0;
    size_t high = g->n_series;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (g->series[mid].source < source)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == g->n_series || g->series[low].source != source)
        return NULL;
    *out_prefix = g->prefixes.bytes + g->prefixes.offsets[low];
    *out_len = g->prefixes.offsets[low + 1] - g->prefixes.offsets[low];
    return &g->series[low];
}

uint32_t
fbk__guess_digits(const char *id, size_t len, int64_t *out_value)
{
    int64_t value = 0;
    int64_t unit = 1;
    uint32_t n = 0;

    while (n < len && n < FBK__GUESS_DIGITS && id[len - n - 1] >= '0' && id[len - n - 1] <= '9') {
        value += unit * (id[len - n - 1] - '0');
        unit *= 10;
        n++;
    }
    *out_value = value;
    return n;
}

/* -- getting ready ----------------------------------------------------------------------------- */

/* Points (x ascending, y not descending) are given; the rest is worked out. */
fbk_status
fbk__guess_points_ready(fbk__guess_points *p, const fbk_allocator *a)
{
    uint64_t range = p->n ? (uint64_t)p->x[p->n - 1] - (uint64_t)p->x[0] : 0;
    unsigned steepest = 0;
    size_t at = 0;

    p->shift = 0;
    while (range >> p->shift >= 2 * (uint64_t)p->n && p->shift < 63)
        p->shift++;
    p->n_starts = (size_t)(range >> p->shift) + 2;
    p->slope = fbk__alloc(a, (p->n + 1) * sizeof *p->slope);
    p->starts = fbk__alloc(a, p->n_starts * sizeof *p->starts);
    if (!p->slope || !p->starts)
        return FBK_ENOMEM;
    for (size_t i = 0; i + 1 < p->n; i++) {
        uint64_t rise = (uint64_t)p->y[i + 1] - (uint64_t)p->y[i];
        unsigned width = fbk__bits_width(rise / ((uint64_t)p->x[i + 1] - (uint64_t)p->x[i]));

        steepest = width > steepest ? width : steepest;
    }
    p->bits = 63 - steepest;
    for (size_t i = 0; i + 1 < p->n; i++) {
        unsigned __int128 rise = (uint64_t)p->y[i + 1] - (uint64_t)p->y[i];

        p->slope[i] = (uint64_t)((rise << p->bits) / ((uint64_t)p->x[i + 1] - (uint64_t)p->x[i]));
    }
    for (size_t s = 0; s < p->n_starts; s++) {
        while (at + 1 < p->n && ((uint64_t)p->x[at + 1] - (uint64_t)p->x[0]) >> p->shift < s)
            at++;
        p->starts[s] = (uint32_t)at;
    }
    return FBK_OK;
}

fbk_status
fbk__guess_list_ready(fbk__guess_list *list, const uint32_t *numbers, const fbk_allocator *a)
{
    if (!list->n)
        return FBK_OK;
    list->n_words = (size_t)numbers[list->n - 1] / 64 + 1;
    list->bits = fbk__calloc(a, list->n_words, sizeof *list->bits);
    list->rank = fbk__alloc(a, list->n_words * sizeof *list->rank);
    if (!list->bits || !list->rank)
        return FBK_ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        list->bits[numbers[i] / 64] |= UINT64_C(1) << numbers[i] % 64;
    for (size_t w = 0, sum = 0; w < list->n_words; w++) {
        list->rank[w] = (uint32_t)sum;
        sum += (unsigned)__builtin_popcountll(list->bits[w]);
    }
    return FBK_OK;
}

/* Of n points (x ascending) the most that also have y ascending, in place; how many. Outliers are
 * few and would else cut off all that is behind them. */
static fbk_status
points_straighten(fbk__guess_points *p, const fbk_allocator *a)
{
    uint32_t *tail = fbk__alloc(a, (p->n + 1) * sizeof *tail); /* last point of chains by length */
    uint32_t *before = fbk__alloc(a, (p->n + 1) * sizeof *before);
    size_t longest = 0;

    if (!tail || !before) {
        fbk__free(a, tail);
        fbk__free(a, before);
        return FBK_ENOMEM;
    }
    for (size_t i = 0; i < p->n; i++) {
        size_t low = 0;
        size_t high = longest;

        while (low < high) {
            size_t mid = low + (high - low) / 2;

            if (p->y[tail[mid]] <= p->y[i])
                low = mid + 1;
            else
                high = mid;
        }
        before[i] = low ? tail[low - 1] : 0;
        tail[low] = (uint32_t)i;
        longest += low == longest;
    }
    for (size_t k = longest, i = longest ? tail[longest - 1] : 0; k-- > 0; i = before[i])
        tail[k] = (uint32_t)i;
    for (size_t k = 0; k < longest; k++) {
        p->x[k] = p->x[tail[k]];
        p->y[k] = p->y[tail[k]];
    }
    p->n = longest;
    fbk__free(a, tail);
    fbk__free(a, before);
    return FBK_OK;
}

/* From entries of one kind and key, by x. At most `most` points are kept. */
static fbk_status
points_make(const fbk__guess_entry *e, size_t n, size_t most, fbk__guess_points *p,
            const fbk_allocator *a)
{
    size_t step = (n + most - 1) / most;
    fbk_status rc;

    memset(p, 0, sizeof *p);
    p->x = fbk__alloc(a, (n + 1) * sizeof *p->x);
    p->y = fbk__alloc(a, (n + 1) * sizeof *p->y);
    if (!p->x || !p->y)
        return FBK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (i % step && i != n - 1)
            continue;
        if (p->n && p->x[p->n - 1] == e[i].x)
            continue;
        p->x[p->n] = e[i].x;
        p->y[p->n++] = e[i].y;
    }
    rc = points_straighten(p, a);
    return rc < 0 ? rc : fbk__guess_points_ready(p, a);
}

/* From entries of one list, by number and value: of each number the value met most. */
static fbk_status
list_make(const fbk__guess_entry *e, size_t n, fbk__guess_list *list, const fbk_allocator *a)
{
    uint32_t *numbers = fbk__alloc(a, (n + 1) * sizeof *numbers);
    int64_t best = 0;
    fbk_status rc = FBK_ENOMEM;

    list->value = fbk__alloc(a, (n + 1) * sizeof *list->value);
    for (size_t i = 0; numbers && list->value && i < n;) {
        size_t k = i;
        int64_t met = 0;

        for (; k < n && e[k].key == e[i].key && e[k].x == e[i].x; k++)
            met += e[k].y;
        if (!list->n || numbers[list->n - 1] != e[i].key) {
            if (list->n == FBK__GUESS_LIST_MAX)
                break;
            numbers[list->n++] = e[i].key;
            best = 0;
        }
        if (met > best) {
            best = met;
            list->value[list->n - 1] = e[i].x;
        }
        i = k;
    }
    if (numbers && list->value)
        rc = fbk__guess_list_ready(list, numbers, a);
    fbk__free(a, numbers);
    return rc;
}

static fbk_status
entries_sort(fbk__guess *g)
{
    fbk__guess_lessons *l = &g->lessons;
    size_t n = l->n_entries;
    fbk__guess_entry *sorted = fbk__alloc(g->a, (n + 1) * sizeof *sorted);
    fbk__sort_item *items = fbk__alloc(g->a, (n + 1) * sizeof *items);
    bool ok = sorted && items && n <= UINT32_MAX;

    for (int pass = 0; ok && pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            const fbk__guess_entry *e = &l->entries[pass ? items[i].row : i];

            items[i].row = pass ? items[i].row : (uint32_t)i;
            items[i].key = pass ? (uint64_t)e->of << 32 | e->key : fbk__sort_key_int(e->x);
        }
        ok = fbk__sort_items(g->a, items, n);
    }
    for (size_t i = 0; ok && i < n; i++)
        sorted[i] = l->entries[items[i].row];
    fbk__free(g->a, items);
    if (!ok) {
        fbk__free(g->a, sorted);
        return FBK_ENOMEM;
    }
    fbk__free(g->a, l->entries);
    l->entries = sorted;
    l->entry_cap = n + 1;
    return FBK_OK;
}

/* A prefix that only a few ids have may name a person; it would outlive the erasing of these. */
static bool
counts_so(const fbk__guess_count *c)
{
    return c->n >= COUNTS_MIN && c->n > c->met / 2;
}

/* The series of count number `key`; its prefix goes to `prefixes` with it. */
static fbk_status
series_make(fbk__guess *g, const fbk__guess_entry *e, size_t n, fbk__strings *prefixes)
{
    const fbk__guess_count *count = &g->lessons.counts[e->key];
    fbk__guess_series *s = &g->series[g->n_series];
    const uint32_t *o = g->prefixes.offsets + count->prefix;
    size_t most = FBK__GUESS_SERIES_POINTS * FBK__GUESS_POINTS_MAX / g->lessons.n_counts;
    fbk_status rc = fbk__strings_add(prefixes, g->prefixes.bytes + o[0], o[1] - o[0]);

    *s = (fbk__guess_series){.source = count->source, .digits = count->digits};
    g->n_series++;
    return rc < 0 ? rc : points_make(e, n, most < 2 ? 2 : most, &s->points, g->a);
}

static fbk_status
ready_entries(fbk__guess *g, fbk__strings *prefixes)
{
    const fbk__guess_entry *e = g->lessons.entries;
    size_t n = g->lessons.n_entries;
    fbk_status rc = FBK_OK;

    for (size_t i = 0, k; rc >= 0 && i < n; i = k) {
        uint32_t of = e[i].of;

        for (k = i + 1; k < n && e[k].of == of && (of != OF_SERIES || e[k].key == e[i].key);)
            k++;
        if (of < FBK__N_GUESS_LISTS)
            rc = list_make(e + i, k - i, &g->lists[of], g->a);
        else if (of == OF_SERIES)
            rc = counts_so(&g->lessons.counts[e[i].key]) ? series_make(g, e + i, k - i, prefixes)
                                                         : FBK_OK;
        else
            rc = points_make(e + i, k - i, FBK__GUESS_POINTS_MAX,
                             of == OF_ARRIVAL ? &g->arrival : &g->received, g->a);
    }
    return rc;
}

/* -- learning ---------------------------------------------------------------------------------- */

/* Merging meets the same value of the same number in every input: one entry will do. */
static fbk_status
entries_fold(fbk__guess *g)
{
    fbk__guess_lessons *l = &g->lessons;
    fbk_status rc = entries_sort(g);
    size_t n = 0;

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < l->n_entries; i++) {
        const fbk__guess_entry *e = &l->entries[i];
        fbk__guess_entry *last = n ? &l->entries[n - 1] : NULL;

        if (last && e->of < FBK__N_GUESS_LISTS && e->of == last->of && e->key == last->key &&
            e->x == last->x)
            last->y += e->y;
        else
            l->entries[n++] = *e;
    }
    l->n_entries = n;
    l->fold_at = 2 * n;
    if (l->seen) /* they stand elsewhere now */
        memset(l->seen, 0, SEEN * sizeof *l->seen);
    return FBK_OK;
}

static fbk_status
lesson(fbk__guess *g, uint32_t of, uint32_t key, int64_t x, int64_t y)
{
    fbk__guess_lessons *l = &g->lessons;

    if (l->n_entries >= FOLD_MIN && l->n_entries >= l->fold_at && entries_fold(g) < 0)
        return FBK_ENOMEM;
    if (!fbk__grow(g->a, &l->entries, &l->entry_cap, l->n_entries + 1, sizeof *l->entries))
        return FBK_ENOMEM;
    l->entries[l->n_entries++] = (fbk__guess_entry){of, key, x, y};
    return FBK_OK;
}

/* Most are met again soon: a few that were met last are counted in place. */
static fbk_status
lesson_of(fbk__guess *g, uint32_t list, int64_t number, int64_t value, int64_t met)
{
    fbk__guess_lessons *l = &g->lessons;
    uint32_t *seen;
    fbk__guess_entry *e;

    if (number < 0 || number >= FBK__GUESS_NUMBER_MAX)
        return FBK_OK;
    if (!l->seen && !(l->seen = fbk__calloc(g->a, SEEN, sizeof *l->seen)))
        return FBK_ENOMEM;
    seen = &l->seen[((uint32_t)number * 4 + list) * 0x9e3779b1u >> (32 - SEEN_LOG2)];
    e = *seen ? &l->entries[*seen - 1] : NULL;
    if (e && e->of == list && e->key == (uint32_t)number && e->x == value) {
        e->y += met;
        return FBK_OK;
    }
    if (lesson(g, list, (uint32_t)number, value, met) < 0)
        return FBK_ENOMEM;
    *seen = (uint32_t)l->n_entries;
    return FBK_OK;
}

/* A point of the clock: its time is the middle one of a group of events, for a late one says
 * nothing of when the others occurred. */
static fbk_status
group_end(fbk__guess *g)
{
    fbk__guess_lessons *l = &g->lessons;
    size_t n = (l->n_group + SAMPLE - 1) / SAMPLE;
    fbk_status rc;

    if (!n)
        return FBK_OK;
    for (size_t i = 1; i < n; i++) {
        int64_t x = l->group[i];
        size_t k = i;

        for (; k > 0 && l->group[k - 1] > x; k--)
            l->group[k] = l->group[k - 1];
        l->group[k] = x;
    }
    l->n_group = 0;
    rc = lesson(g, OF_RECEIVED, 0, l->arrival, l->received);
    return rc < 0
               ? rc
               : lesson(g, OF_ARRIVAL, 0,
                        (int64_t)((uint64_t)l->received + (uint64_t)l->group[n / 2]), l->arrival);
}

static fbk_status
learn_clock(fbk__guess *g, const fbk__frame *f, uint32_t i)
{
    fbk__guess_lessons *l = &g->lessons;

    if (!l->group && !(l->group = fbk__alloc(g->a, GROUP / SAMPLE * sizeof *l->group)))
        return FBK_ENOMEM;
    if (l->n_group <= GROUP / 2) {
        l->arrival = f->ev[FBK__EV_ARRIVAL][i];
        l->received = f->ev[FBK__EV_RECEIVED][i];
    }
    l->group[l->n_group++ / SAMPLE] =
        (int64_t)((uint64_t)f->ev[FBK__EV_OCCURRED][i] - (uint64_t)f->ev[FBK__EV_RECEIVED][i]);
    return l->n_group == GROUP ? group_end(g) : FBK_OK;
}

/* The count of a source, made when it is new: FBK_DONE when there are too many, or it counts
 * otherwise. */
static fbk_status
count_of(fbk__guess *g, int64_t source, const char *prefix, size_t len, uint32_t digits,
         fbk__guess_count **out)
{
    fbk__guess_lessons *l = &g->lessons;
    bool fresh = false;
    uint64_t *slot = fbk__map_get(&l->by_source, (uint64_t)source);
    const uint32_t *o;

    if (!slot) {
        if (l->n_counts == FBK__GUESS_COUNTS_MAX || source < 0 || source > UINT32_MAX)
            return FBK_DONE;
        slot = fbk__map_put(&l->by_source, (uint64_t)source, &fresh);
        if (!slot || fbk__strings_add(&g->prefixes, prefix, len) < 0 ||
            !fbk__grow(g->a, &l->counts, &l->count_cap, l->n_counts + 1, sizeof *l->counts))
            return FBK_ENOMEM;
        *slot = l->n_counts;
        l->counts[l->n_counts++] = (fbk__guess_count){
            .source = (uint32_t)source, .digits = digits, .prefix = g->prefixes.n - 1};
    }
    *out = &l->counts[*slot];
    (*out)->met++;
    o = g->prefixes.offsets + (*out)->prefix;
    if ((*out)->digits != digits || o[1] - o[0] != len ||
        (len && memcmp(g->prefixes.bytes + o[0], prefix, len) != 0))
        return FBK_DONE;
    return FBK_OK;
}

static fbk_status
learn_id(fbk__guess *g, const fbk__frame *f, uint32_t i)
{
    const char *id = f->ids.bytes + f->ids.offsets[i];
    size_t len = f->ids.offsets[i + 1] - f->ids.offsets[i];
    fbk__guess_count *count = NULL;
    int64_t value;
    uint32_t digits = fbk__guess_digits(id, len, &value);
    fbk_status rc;

    if (digits < DIGITS_MIN)
        return FBK_OK;
    rc = count_of(g, f->ev[FBK__EV_SOURCE][i], id, len - digits, digits, &count);
    if (rc != FBK_OK)
        return rc < 0 ? rc : FBK_OK;
    count->arrival = f->ev[FBK__EV_ARRIVAL][i];
    count->value = value;
    if (count->n++ % GROUP)
        return FBK_OK;
    return lesson(g, OF_SERIES, (uint32_t)(count - g->lessons.counts), count->arrival, value);
}

fbk_status
fbk__guess_learn(fbk__guess *g, const fbk__frame *f)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < f->n.events; i++) {
        rc = learn_clock(g, f, i);
        if (rc >= 0)
            rc = lesson_of(g, FBK__GUESS_PLACE, f->ev[FBK__EV_SOURCE][i], f->ev[FBK__EV_PLACE][i],
                           1);
        if (rc >= 0)
            rc = lesson_of(g, FBK__GUESS_CHANNEL, f->ev[FBK__EV_SOURCE][i],
                           f->ev[FBK__EV_CHANNEL][i], 1);
        if (rc >= 0)
            rc = learn_id(g, f, i);
    }
    for (uint32_t i = 0; rc >= 0 && i < f->n.lines; i++)
        rc = lesson_of(g, FBK__GUESS_PRICE, f->ln[FBK__LN_ITEM][i], f->ln[FBK__LN_PRICE][i], 1);
    return rc;
}

static fbk_status
join_points(fbk__guess *g, uint32_t of, uint32_t key, const fbk__guess_points *p)
{
    fbk_status rc = FBK_OK;

    for (size_t i = 0; rc >= 0 && i < p->n; i++)
        rc = lesson(g, of, key, p->x[i], p->y[i]);
    return rc;
}

fbk_status
fbk__guess_join(fbk__guess *g, const fbk__guess *other, uint64_t n_events)
{
    fbk_status rc = join_points(g, OF_ARRIVAL, 0, &other->arrival);

    if (rc >= 0)
        rc = join_points(g, OF_RECEIVED, 0, &other->received);
    for (uint32_t k = 0; rc >= 0 && k < FBK__N_GUESS_LISTS; k++) {
        const fbk__guess_list *list = &other->lists[k];

        for (size_t w = 0, i = 0; rc >= 0 && w < list->n_words; w++) {
            for (uint64_t left = list->bits[w]; rc >= 0 && left; left &= left - 1)
                rc = lesson_of(g, k, (int64_t)(64 * w) + __builtin_ctzll(left), list->value[i++],
                               (int64_t)(n_events >> 1));
        }
    }
    for (size_t i = 0; rc >= 0 && i < other->n_series; i++) {
        const fbk__guess_series *s = &other->series[i];
        const uint32_t *o = other->prefixes.offsets + i;
        fbk__guess_count *count = NULL;

        rc = count_of(g, s->source, other->prefixes.bytes + o[0], o[1] - o[0], s->digits, &count);
        if (rc == FBK_OK) {
            count->n += COUNTS_MIN;
            count->met += COUNTS_MIN;
            rc = join_points(g, OF_SERIES, (uint32_t)(count - g->lessons.counts), &s->points);
        }
    }
    return rc < 0 ? rc : FBK_OK;
}

/* The last event of each source is a point too; then number the counts by source. */
static fbk_status
counts_ready(fbk__guess *g)
{
    fbk__guess_lessons *l = &g->lessons;
    size_t n = l->n_counts;
    fbk__guess_count *counts = fbk__alloc(g->a, (n + 1) * sizeof *counts);
    fbk__sort_item *items = fbk__alloc(g->a, (n + 1) * sizeof *items);
    uint32_t *rank = fbk__alloc(g->a, (n + 1) * sizeof *rank);
    fbk_status rc = counts && items && rank ? FBK_OK : FBK_ENOMEM;

    for (size_t i = 0; rc >= 0 && i < n; i++) {
        const fbk__guess_count *c = &l->counts[i];

        items[i] = (fbk__sort_item){c->source, (uint32_t)i, 0};
        if (c->arrival)
            rc = lesson(g, OF_SERIES, (uint32_t)i, c->arrival, c->value);
    }
    if (rc >= 0 && !fbk__sort_items(g->a, items, n))
        rc = FBK_ENOMEM;
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        counts[i] = l->counts[items[i].row];
        rank[items[i].row] = (uint32_t)i;
    }
    for (size_t i = 0; rc >= 0 && i < l->n_entries; i++) {
        if (l->entries[i].of == OF_SERIES)
            l->entries[i].key = rank[l->entries[i].key];
    }
    fbk__free(g->a, items);
    fbk__free(g->a, rank);
    if (rc < 0) {
        fbk__free(g->a, counts);
        return rc;
    }
    fbk__free(g->a, l->counts);
    l->counts = counts;
    l->count_cap = n + 1;
    return FBK_OK;
}

fbk_status
fbk__guess_squeeze(fbk__guess *g)
{
    fbk__guess_lessons *l = &g->lessons;
    fbk_status rc = entries_sort(g);
    size_t n = 0;

    for (size_t i = 0; rc >= 0 && i < l->n_entries; i++) {
        const fbk__guess_entry *e = &l->entries[i];
        fbk__guess_entry *last = n ? &l->entries[n - 1] : NULL;

        if (last && e->of < FBK__N_GUESS_LISTS && last->of == e->of && last->key == e->key &&
            last->x == e->x)
            last->y += e->y;
        else
            l->entries[n++] = *e;
    }
    l->n_entries = rc >= 0 ? n : l->n_entries;
    return rc;
}

fbk_status
fbk__guess_ready(fbk__guess *g)
{
    fbk__strings prefixes;
    fbk_status rc = group_end(g);

    fbk__strings_init(&prefixes, g->a);
    if (rc >= 0)
        rc = counts_ready(g);
    if (rc >= 0)
        rc = entries_sort(g);
    if (rc >= 0) {
        g->series = fbk__calloc(g->a, g->lessons.n_counts + 1, sizeof *g->series);
        rc = g->series ? ready_entries(g, &prefixes) : FBK_ENOMEM;
    }
    fbk__strings_free(&g->prefixes);
    g->prefixes = prefixes;
    lessons_free(g);
    return rc < 0 ? FBK_ENOMEM : FBK_OK;
}
