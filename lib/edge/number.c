/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/number.h"

#include <string.h>

enum { EXPONENT_MAX = 100000 };

/* The parts of a number's text. */
typedef struct number {
    const char *digits; /* with decimal and group signs between them */
    const char *digits_end;
    int64_t n_whole; /* digits before the decimal sign */
    int64_t exponent;
    bool negative;
} number;

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
number_exponent(const char **at, const char *end, int64_t *out)
{
    const char *p = *at + 1;
    bool negative = p < end && *p == '-';
    int64_t value = 0;

    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end || !is_digit(*p))
        return false;
    for (; p < end && is_digit(*p); p++)
        value = value < EXPONENT_MAX ? value * 10 + (*p - '0') : value;
    *out = negative ? -value : value;
    *at = p;
    return true;
}

static bool
number_split(const char *p, const char *end, char decimal, char group, number *out)
{
    int64_t n = 0;
    bool whole = true;

    *out = (number){.digits = p};
    if (p < end && (*p == '-' || *p == '+'))
        out->negative = *p++ == '-';
    out->digits = p;
    for (; p < end; p++) {
        if (is_digit(*p)) {
            n++;
            out->n_whole += whole;
        } else if (*p == decimal && whole) {
            whole = false;
        } else if (!(group && *p == group && whole && n > 0 && p + 1 < end && is_digit(p[1]))) {
            break;
        }
    }
    out->digits_end = p;
    if (n == 0)
        return false;
    if (p < end && (*p == 'e' || *p == 'E') && !number_exponent(&p, end, &out->exponent))
        return false;
    return p == end;
}

static fbk__number_result
number_value(const number *num, unsigned decimals, int64_t *out)
{
    int64_t keep = num->n_whole + num->exponent + (int64_t)decimals;
    int64_t i = 0;
    uint64_t value = 0;

    for (const char *p = num->digits; p < num->digits_end; p++) {
        uint64_t digit = (uint64_t)(*p - '0');

        if (!is_digit(*p))
            continue;
        if (i == keep && digit >= 5)
            value++;
        if (i++ >= keep)
            break;
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, digit, &value))
            return FBK__NUMBER_RANGE;
    }
    for (; i < keep && value > 0; i++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value))
            return FBK__NUMBER_RANGE;
    }
    if (value > (uint64_t)INT64_MAX)
        return FBK__NUMBER_RANGE;
    *out = num->negative ? -(int64_t)value : (int64_t)value;
    return FBK__NUMBER_OK;
}

fbk__number_result
fbk__number_parse(const char *text, size_t len, unsigned decimals, char decimal, char group,
                  int64_t *out)
{
    const char *end = text + len;
    number num;

    while (text < end && (*text == ' ' || *text == '\t'))
        text++;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (!number_split(text, end, decimal, group, &num))
        return FBK__NUMBER_MALFORMED;
    return number_value(&num, decimals, out);
}

bool
fbk__number_mul_div(int64_t x, int64_t y, int64_t divisor, int64_t *out)
{
    __int128 product = (__int128)x * y;
    __int128 half = divisor / 2;
    /* For an odd divisor there are no halves, and adding divisor / 2 rounds to the nearest. */
    __int128 result = (product + (product < 0 ? -half : half)) / divisor;

    if (result > INT64_MAX || result < INT64_MIN)
        return false;
    *out = (int64_t)result;
    return true;
}
