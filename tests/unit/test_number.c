/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/number.h"

#include <string.h>

#include "support/tk.h"

static const struct {
    const char *text;
    unsigned decimals;
    char decimal;
    char group;
    fbk__number_result result;
    int64_t value;
} numbers[] = {
    {"2.55", 6, '.', 0, FBK__NUMBER_OK, 2550000},
    {"-11062.06", 6, '.', 0, FBK__NUMBER_OK, -11062060000},
    {"+7", 3, '.', 0, FBK__NUMBER_OK, 7000},
    {" 29.33 ", 6, '.', 0, FBK__NUMBER_OK, 29330000},
    {"0.001", 6, '.', 0, FBK__NUMBER_OK, 1000},
    {".5", 6, '.', 0, FBK__NUMBER_OK, 500000},
    {"5.", 6, '.', 0, FBK__NUMBER_OK, 5000000},
    {"0.0000000000000004440892", 6, '.', 0, FBK__NUMBER_OK, 0},
    {"4.440892e-16", 6, '.', 0, FBK__NUMBER_OK, 0},
    {"1e3", 6, '.', 0, FBK__NUMBER_OK, 1000000000},
    {"1.5E-6", 6, '.', 0, FBK__NUMBER_OK, 2},
    {"1.4999999999999999999999999999e-6", 6, '.', 0, FBK__NUMBER_OK, 1},
    {"-0.0000005", 6, '.', 0, FBK__NUMBER_OK, -1},
    {"-0.0000004", 6, '.', 0, FBK__NUMBER_OK, 0},
    {"0.0000005", 6, '.', 0, FBK__NUMBER_OK, 1},
    {"1.2345", 3, '.', 0, FBK__NUMBER_OK, 1235},
    {"9e-99999999999999999999", 6, '.', 0, FBK__NUMBER_OK, 0},
    {"0e99999999999999999999", 6, '.', 0, FBK__NUMBER_OK, 0},
    {"1.234,56", 6, ',', '.', FBK__NUMBER_OK, 1234560000},
    {"1,234.5", 6, '.', ',', FBK__NUMBER_OK, 1234500000},
    {"9223372036854.775807", 6, '.', 0, FBK__NUMBER_OK, INT64_MAX},
    {"9223372036854.775808", 6, '.', 0, FBK__NUMBER_RANGE, 0},
    {"99999999999999999999", 0, '.', 0, FBK__NUMBER_RANGE, 0},
    {"1e30", 6, '.', 0, FBK__NUMBER_RANGE, 0},
    {"", 6, '.', 0, FBK__NUMBER_MALFORMED, 0},
    {"-", 6, '.', 0, FBK__NUMBER_MALFORMED, 0},
    {".", 6, '.', 0, FBK__NUMBER_MALFORMED, 0},
    {"1 2", 6, '.', 0, FBK__NUMBER_MALFORMED, 0},
    {"1,2", 6, '.', 0, FBK__NUMBER_MALFORMED, 0},
    {"1.2.3", 6, '.', 0, FBK__NUMBER_MALFORMED, 0},
    {"1.2,3", 6, '.', ',', FBK__NUMBER_MALFORMED, 0},
    {",1", 6, '.', ',', FBK__NUMBER_MALFORMED, 0},
    {"1,,2", 6, '.', ',', FBK__NUMBER_MALFORMED, 0},
    {"1e", 6, '.', 0, FBK__NUMBER_MALFORMED, 0},
    {"0x10", 6, '.', 0, FBK__NUMBER_MALFORMED, 0},
    {"nan", 6, '.', 0, FBK__NUMBER_MALFORMED, 0},
    {"--1", 6, '.', 0, FBK__NUMBER_MALFORMED, 0},
};

START_TEST(decimals_are_exact)
{
    int64_t value = 42;

    ck_assert_int_eq(fbk__number_parse(numbers[_i].text, strlen(numbers[_i].text),
                                       numbers[_i].decimals, numbers[_i].decimal, numbers[_i].group,
                                       &value),
                     numbers[_i].result);
    ck_assert_int_eq(value, numbers[_i].result == FBK__NUMBER_OK ? numbers[_i].value : 42);
}
END_TEST

static const struct {
    int64_t x, y, divisor;
    bool ok;
    int64_t value;
} products[] = {
    {6000, 2550000, 1000, true, 15300000},
    {-1000, 2550000, 1000, true, -2550000},
    {1, 500, 1000, true, 1},
    {-1, 500, 1000, true, -1},
    {1, 499, 1000, true, 0},
    {1, 1, 3, true, 0},
    {2, 1, 3, true, 1},
    {-2, 1, 3, true, -1},
    {INT64_MAX, 1000, 1000, true, INT64_MAX},
    {INT64_MIN, 1000, 1000, true, INT64_MIN},
    {INT64_MAX, 1001, 1000, false, 0},
    {INT64_MIN, INT64_MIN, 1, false, 0},
};

START_TEST(products_are_rounded_once)
{
    int64_t value = 0;

    ck_assert_int_eq(
        fbk__number_mul_div(products[_i].x, products[_i].y, products[_i].divisor, &value),
        products[_i].ok);
    ck_assert_int_eq(value, products[_i].value);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("number");
    TCase *tc = tcase_create("number");

    tcase_add_loop_test(tc, decimals_are_exact, 0, (int)(sizeof numbers / sizeof numbers[0]));
    tcase_add_loop_test(tc, products_are_rounded_once, 0,
                        (int)(sizeof products / sizeof products[0]));
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
