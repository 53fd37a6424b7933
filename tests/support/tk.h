/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TK_H
#define SUPPORT_TK_H

#include <feedback/base.h>

#include <stdio.h>

#include <check.h>

/* The tests' toolkit. */

/** As ck_assert_msg, but silent when all is well: Check writes each assertion to a file, which takes
 *  longer than what is looked at in the innermost loop, and which a process that is killed while it
 *  does leaves damaged. */
#define tk_must(condition, ...)        \
    do {                               \
        if (!(condition))              \
            ck_abort_msg(__VA_ARGS__); \
    } while (0)

/** The call must succeed; prints the connection's error text if it does not. */
#define tk_assert_ok(db, call)                                                            \
    do {                                                                                  \
        fbk_status tk_rc = (call);                                                        \
        tk_must(tk_rc >= 0, "%s: %s: %s", #call, fbk_status_name(tk_rc), fbk_errmsg(db)); \
    } while (0)

/** The call must fail with this code and leave a sentence behind. */
#define tk_assert_fails(db, code, call)                                                           \
    do {                                                                                          \
        fbk_status tk_rc = (call);                                                                \
        ck_assert_msg(tk_rc == (code), "%s: %s instead of %s: %s", #call, fbk_status_name(tk_rc), \
                      fbk_status_name(code), fbk_errmsg(db));                                     \
        ck_assert_msg((db) == NULL || fbk_errmsg(db)[0], "%s: a code without a message", #call);  \
    } while (0)

/** Leave a test that cannot run here, with the reason; counted as skipped, not as passed. */
#define tk_skip(reason)                                     \
    do {                                                    \
        (void)printf("SKIP: %s: %s\n", __func__, (reason)); \
        (void)fflush(stdout);                               \
        return;                                             \
    } while (0)

/** The main() of a test file: runs the suite; exit status 0 or 1. Case timeout 60 s unless set. */
int
tk_run(Suite *suite);

/** What the test tries now (scenario, step, seed): told if it ends before tk_trying(NULL). */
void
tk_trying(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** FEEDBACK_TEST_FULL is set: every point, not a sample. */
int
tk_full(void);

/** A sanitizer that makes everything several times as slow is compiled in: a smaller sample will
 *  do, the other build takes the larger one. */
#ifdef __SANITIZE_ADDRESS__
enum { TK_SLOW = 1 };
#else
enum { TK_SLOW = 0 };
#endif

/** A new private directory under TMPDIR, removed at exit of the process that made it. */
const char *
tk_tmpdir(void);

/** tk_tmpdir() + "/" + name, in a rotating set of 8 static buffers. */
const char *
tk_path(const char *name);

/** Path of a real data file, as "online_retail/online_retail.csv.zst" under $FEEDBACK_DATA (default
 *  ../shared/data beside the source root). NULL when it is absent; the caller then tk_skip()s. */
const char *
tk_data(const char *relative);

/** A file of the source tree, as "tests/golden/x.csv". */
const char *
tk_source(const char *relative);

/** Whole content of a file (decompressed if it ends in .zst), NUL-terminated; the test frees it. */
char *
tk_slurp(const char *path, size_t *out_len);

/** An allocator that counts, and that fails the k-th allocation (from 0), once or from then on. */
typedef struct tk_alloc {
    fbk_allocator allocator; /* give this one to the library */
    int64_t n_calls;         /* allocations asked for so far, atomic */
    int64_t n_live;          /* blocks not freed */
    int64_t fail_at;         /* -1 = never */
    int32_t persistent;      /* fail all from fail_at on */
} tk_alloc;

void
tk_alloc_init(tk_alloc *a);

#endif
