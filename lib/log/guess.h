/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_GUESS_H
#define LOG_GUESS_H

#include "log/frame.h"

/* What a segment knows of its events as a whole, so that one column of a frame can be told from
 * another and only what is different is stored:
 *
 * - its clock: events are sorted by person, so that their numbers look random; but numbers, and the
 *   times at which events were received, rise with the time at which they occurred (all but the
 *   late ones). Some hundred points of these three tell a number from a time, and the time received
 *   from a number, nearly.
 * - lists: the usual price of an item, the place and the channel of a source.
 * - series: ids that a source counts ("till12-000123456"): its prefix, its width, and points of
 *   (number of the event, counter).
 *
 * It is learnt where the events are at hand in the order in which they came, when a tail is sealed;
 * merging takes over what the inputs know. Any of it may be wrong of any one event. */

/** Values by number: of a word or an item, so a small one. */
typedef struct fbk__guess_list {
    size_t n;
    size_t n_words;
    uint64_t *bits; /* which numbers are known */
    uint32_t *rank; /* of 64 numbers each: values before them */
    int64_t *value;
} fbk__guess_list;

enum { FBK__GUESS_PRICE, FBK__GUESS_PLACE, FBK__GUESS_CHANNEL, FBK__N_GUESS_LISTS };

/** y rises with x; between two points a straight line, in whole numbers so that every machine draws
 *  the same. */
typedef struct fbk__guess_points {
    size_t n;
    int64_t *x;
    int64_t *y;
    uint64_t *slope;  /* to the next point, times 2^bits */
    uint32_t *starts; /* by (x - x[0]) >> shift: the last point at or before */
    size_t n_starts;
    unsigned shift;
    unsigned bits;
} fbk__guess_points;

/** Ids that one source gives. */
typedef struct fbk__guess_series {
    uint32_t source;
    uint32_t digits;
    fbk__guess_points points;
} fbk__guess_series;

typedef struct fbk__guess_entry fbk__guess_entry;
typedef struct fbk__guess_count fbk__guess_count;

/** While it is learnt. */
typedef struct fbk__guess_lessons {
    fbk__guess_entry *entries;
    size_t n_entries;
    size_t entry_cap;
    size_t fold_at; /* when there are so many: add up those that say the same */
    fbk__guess_count *counts;
    size_t n_counts;
    size_t count_cap;
    fbk__map by_source; /* to the counts */
    uint32_t *seen;     /* some entries, by number */
    int64_t *group;     /* the last events: times between occurred and received */
    size_t n_group;
    int64_t arrival; /* of the one in the middle of the group */
    int64_t received;
} fbk__guess_lessons;

typedef struct fbk__guess {
    const fbk_allocator *a;
    fbk__guess_list lists[FBK__N_GUESS_LISTS];
    fbk__guess_points arrival;  /* number of an event by its time */
    fbk__guess_points received; /* time received by number */
    fbk__guess_series *series;  /* by source, ascending */
    size_t n_series;
    fbk__strings prefixes; /* of each */
    fbk__guess_lessons lessons;
} fbk__guess;

void
fbk__guess_init(fbk__guess *g, const fbk_allocator *a);
void
fbk__guess_free(fbk__guess *g);

/** Learn from the events of a frame (all columns), which came after all that it learnt from before.
 *  FBK_ENOMEM. */
fbk_status
fbk__guess_learn(fbk__guess *g, const fbk__frame *f) FBK_MUST_USE;
/** Learn what another knows of `n_events` events. FBK_ENOMEM. */
fbk_status
fbk__guess_join(fbk__guess *g, const fbk__guess *other, uint64_t n_events) FBK_MUST_USE;
/** While it learns: remember once what it was told more than once. FBK_ENOMEM. */
fbk_status
fbk__guess_squeeze(fbk__guess *g) FBK_MUST_USE;
/** Make it ready to be asked: nothing more is learnt. FBK_ENOMEM. */
fbk_status
fbk__guess_ready(fbk__guess *g) FBK_MUST_USE;

/** Append one that is ready; and read it back into an empty one. FBK_ENOMEM, FBK_ECORRUPT. */
fbk_status
fbk__guess_put(fbk__codec *c, fbk__buf *out, const fbk__guess *g) FBK_MUST_USE;
fbk_status
fbk__guess_get(fbk__codec *c, fbk__reader *in, fbk__guess *g) FBK_MUST_USE;

/** y at x; 0 when there are no points. */
int64_t
fbk__guess_at(const fbk__guess_points *p, int64_t x);

/** The value of a number; 0 when it is not known. */
static inline int64_t
fbk__guess_of(const fbk__guess_list *list, int64_t number)
{
    uint64_t word = (uint64_t)number >> 6;
    uint64_t bit = UINT64_C(1) << (number & 63);
    uint64_t bits;

    if (word >= list->n_words)
        return 0;
    bits = list->bits[word];
    if (bits == UINT64_MAX) /* the rule: numbers are given one after the other */
        return list->value[list->rank[word] + (uint32_t)(number & 63)];
    return bits & bit
               ? list->value[list->rank[word] + (uint32_t)__builtin_popcountll(bits & (bit - 1))]
               : 0;
}

/** The ids of a source, and their prefix; NULL when it does not count. */
const fbk__guess_series *
fbk__guess_series_of(const fbk__guess *g, int64_t source, const char **out_prefix, size_t *out_len);

/** The digits at the end of an id, at most FBK__GUESS_DIGITS, and their value. */
enum { FBK__GUESS_DIGITS = 18 };
uint32_t
fbk__guess_digits(const char *id, size_t len, int64_t *out_value);

#endif
