/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <string.h>

#include "support/tk.h"

static const struct {
    const char *text;
    bool valid;
} texts[] = {
    {"", true},
    {"plain ASCII, long enough for the fast path", true},
    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9b\x92", true},
    {"\xed\x9f\xbf\xee\x80\x80", true}, /* U+D7FF, U+E000 */
    {"\xf4\x8f\xbf\xbf", true},         /* U+10FFFF */
    {"\x80", false},                    /* a continuation alone */
    {"\xc0\xaf", false},                /* overlong */
    {"\xc1\xbf", false},
    {"\xe0\x9f\xbf", false},
    {"\xf0\x8f\xbf\xbf", false},
    {"\xed\xa0\x80", false},     /* a surrogate */
    {"\xf4\x90\x80\x80", false}, /* past U+10FFFF */
    {"\xf5\x80\x80\x80", false},
    {"\xff", false},
    {"abc\xe2\x82", false}, /* cut off */
    {"abcdefgh\xc3", false},
    {"12345678\xe9t\xe9", false}, /* Latin-1 */
};

START_TEST(well_formed_or_not)
{
    ck_assert_int_eq(fbk__utf8_valid(texts[_i].text, strlen(texts[_i].text)), texts[_i].valid);
}
END_TEST

/* Against the definition: every code point encodes to something valid, but for the surrogates. */
START_TEST(every_code_point)
{
    for (uint32_t c = 0; c < 0x110000; c++) {
        char text[4];
        size_t n;

        if (c < 0x80) {
            text[0] = (char)c;
            n = 1;
        } else if (c < 0x800) {
            text[0] = (char)(0xc0 | c >> 6);
            text[1] = (char)(0x80 | (c & 0x3f));
            n = 2;
        } else if (c < 0x10000) {
            text[0] = (char)(0xe0 | c >> 12);
            text[1] = (char)(0x80 | (c >> 6 & 0x3f));
            text[2] = (char)(0x80 | (c & 0x3f));
            n = 3;
        } else {
            text[0] = (char)(0xf0 | c >> 18);
            text[1] = (char)(0x80 | (c >> 12 & 0x3f));
            text[2] = (char)(0x80 | (c >> 6 & 0x3f));
            text[3] = (char)(0x80 | (c & 0x3f));
            n = 4;
        }
        if (fbk__utf8_valid(text, n) != (c < 0xd800 || c > 0xdfff))
            ck_abort_msg("U+%04X", c);
        if (n > 1 && fbk__utf8_valid(text, n - 1))
            ck_abort_msg("U+%04X cut off", c);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("utf8");
    TCase *tc = tcase_create("utf8");

    tcase_add_loop_test(tc, well_formed_or_not, 0, (int)(sizeof texts / sizeof texts[0]));
    tcase_add_test(tc, every_code_point);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
