/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "support/tk.h"
#include "support/tk_world.h"

/* Every single bit of the smallest store with a row in every table is turned over in turn: all
 * questions are then answered as before, or with an error; never in another way, and never with a
 * crash. One bit in fifty, unless FEEDBACK_TEST_FULL is set (an hour). */

enum { PARTS = 8, N_SALES = 40, ONE_IN = TK_SLOW ? 250 : 50, HEADER_BITS = 800 };

static char path[300];
static char directory[256];

static void
setup(void)
{
    struct stat st;

    /* Memory, where there is some: the file is opened a million times. */
    (void)snprintf(directory, sizeof directory, "%s",
                   stat("/dev/shm", &st) == 0 ? "/dev/shm/fbk-flip-XXXXXX" : "");
    if (!directory[0] || !mkdtemp(directory))
        (void)snprintf(directory, sizeof directory, "%s", tk_tmpdir());
    (void)snprintf(path, sizeof path, "%s/store", directory);
    tk_world_make(path, N_SALES);
}

static void
teardown(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-fbk.lck"};
    char name[320];

    for (int i = 0; i < 4; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    (void)rmdir(directory);
}

START_TEST(a_bit_is_an_error_or_nothing)
{
    bool full = getenv("FEEDBACK_TEST_FULL") != NULL;
    uint64_t before = 0;
    uint64_t n_errors = 0;
    uint64_t n = 0;
    int fd;
    struct stat st;

    ck_assert_int_eq(tk_world_digest(path, &before), FBK_OK);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    for (int64_t bit = 0; bit < st.st_size * 8; bit++) {
        uint64_t after = 0;
        unsigned char byte;
        unsigned char flipped;
        fbk_status rc;

        /* All of the header, which SQLite reads before it knows of checksums. */
        if (bit % PARTS != _i ||
            (!full && bit >= HEADER_BITS && fbk__mix64((uint64_t)bit) % ONE_IN))
            continue;
        ck_assert_int_eq(pread(fd, &byte, 1, bit / 8), 1);
        flipped = (unsigned char)(byte ^ 1u << bit % 8);
        ck_assert_int_eq(pwrite(fd, &flipped, 1, bit / 8), 1);
        rc = tk_world_digest(path, &after);
        ck_assert_int_eq(pwrite(fd, &byte, 1, bit / 8), 1);
        ck_assert_msg(rc < 0 || after == before,
                      "bit %d of byte %lld (page %lld) gave another answer", (int)(bit % 8),
                      (long long)bit / 8, (long long)bit / 8 / 4096 + 1);
        n_errors += rc < 0;
        n++;
    }
    (void)close(fd);
    ck_assert_uint_gt(n_errors, n / 4); /* most pages are asked for */
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("flip");
    TCase *tc = tcase_create("flip");

    tcase_set_timeout(tc, getenv("FEEDBACK_TEST_FULL") ? 7200 : 240);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_bit_is_an_error_or_nothing, 0, PARTS);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
