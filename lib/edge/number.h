/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_NUMBER_H
#define EDGE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal text as whole numbers of a small unit, without floating point. What is finer than the
 * unit is rounded to the nearest, halves away from zero. */

typedef enum fbk__number_result {
    FBK__NUMBER_OK,
    FBK__NUMBER_MALFORMED,
    FBK__NUMBER_RANGE /* beyond int64 in this unit */
} fbk__number_result;

/** [+-] digits [decimal digits] [(e|E) [+-] digits], blanks around it; at least one digit.
 *  @param decimals  10^-decimals is the unit, 0..18.
 *  @param decimal   the decimal sign, '.' or ','.
 *  @param group     a sign that may stand between digits before the decimal sign; '\0' = none. */
fbk__number_result
fbk__number_parse(const char *text, size_t len, unsigned decimals, char decimal, char group,
                  int64_t *out);

/** round(x * y / divisor), halves away from zero; divisor > 0.
 *  @retval false beyond int64. */
bool
fbk__number_mul_div(int64_t x, int64_t y, int64_t divisor, int64_t *out);

#endif
