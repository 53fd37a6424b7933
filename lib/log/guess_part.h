/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_GUESS_PART_H
#define LOG_GUESS_PART_H

#include "log/guess.h"

/* Between guess.c, which learns, and guess_bytes.c, which writes and reads what was learnt. */

enum {
    FBK__GUESS_POINTS_MAX = 4096, /* of the clock, and of all series together eight times as many */
    FBK__GUESS_SERIES_POINTS = 8,
    FBK__GUESS_LIST_MAX = 1 << 17,   /* values of a list */
    FBK__GUESS_NUMBER_MAX = 1 << 22, /* numbers above are not known */
    FBK__GUESS_COUNTS_MAX = 4096     /* sources that count */
};

/** When the points (ascending) are there: what makes asking them quick. */
fbk_status
fbk__guess_points_ready(fbk__guess_points *p, const fbk_allocator *a) FBK_MUST_USE;

/** When the values are there, those of these numbers (ascending): the same. */
fbk_status
fbk__guess_list_ready(fbk__guess_list *list, const uint32_t *numbers, const fbk_allocator *a)
    FBK_MUST_USE;

#endif
