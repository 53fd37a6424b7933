/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "base/tz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tk.h"

static struct fbk db = {.alloc = {0}};

static fbk__tz *
load_zone(const char *name)
{
    char path[128];
    size_t len;
    char *bytes, *slash;
    fbk__tz *tz = NULL;

    (void)snprintf(path, sizeof path, "tests/golden/zones/%s", name);
    slash = strrchr(path, '/');
    if (strcmp(path + strlen("tests/golden/zones/"), slash + 1) != 0)
        *slash = '-';
    bytes = tk_slurp(tk_source(path), &len);
    tk_assert_ok(&db, fbk__tz_parse(&db, bytes, len, &tz));
    free(bytes);
    return tz;
}

/* Every change of nine zones in eleven years, from 1890 to 2400, as Python's zoneinfo sees it. */
START_TEST(same_as_python_zoneinfo)
{
    size_t len, n = 0;
    char *text = tk_slurp(tk_source("tests/golden/tz_zoneinfo.csv"), &len), *rest = text, *line;
    char current[64] = "";
    fbk__tz *tz = NULL;

    while ((line = strsep(&rest, "\n"))) {
        char zone[64];
        int64_t in, out;
        int kind = 0;
        char what;

        if (line[0] == '#' || line[0] == '\0')
            continue;
        ck_assert_int_ge(
            sscanf(line, "%63[^,],%c,%" SCNd64 ",%" SCNd64 ",%d", zone, &what, &in, &out, &kind),
            4);
        if (strcmp(zone, current) != 0) {
            fbk__tz_free(NULL, tz);
            tz = load_zone(zone);
            strcpy(current, zone);
        }
        if (what == 'u') {
            ck_assert_msg(fbk__tz_offset(tz, in * FBK__SECOND_US) == out, "%s: %d", line,
                          fbk__tz_offset(tz, in * FBK__SECOND_US));
        } else {
            fbk_time t = 0;
            int got = fbk__tz_to_utc(tz, in * FBK__SECOND_US, &t);

            ck_assert_msg(got == kind && t == out * FBK__SECOND_US, "%s: %d %" PRId64, line, got,
                          t / FBK__SECOND_US);
        }
        n++;
    }
    fbk__tz_free(NULL, tz);
    free(text);
    ck_assert_uint_gt(n, 1000);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tz_zoneinfo");
    TCase *tc = tcase_create("tz_zoneinfo");

    db.alloc = fbk__libc_allocator;
    tcase_add_test(tc, same_as_python_zoneinfo);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
