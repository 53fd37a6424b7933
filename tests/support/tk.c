/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zstd.h>

/* What the process of each test is trying: it does not live to tell, so that tk_run() does. */
enum { N_TRYING = 64 };
static struct trying {
    pid_t pid;
    char text[252];
} * trying;

void
tk_trying(const char *format, ...)
{
    unsigned i = 0;
    va_list args;

    while (trying && i < N_TRYING - 1 && trying[i].pid && trying[i].pid != getpid())
        i++;
    if (!trying)
        return;
    trying[i].pid = getpid();
    trying[i].text[0] = '\0';
    if (!format)
        return;
    va_start(args, format);
    (void)vsnprintf(trying[i].text, sizeof trying[i].text, format, args);
    va_end(args);
}

int
tk_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    size_t size = N_TRYING * sizeof *trying;
    int failed;

    trying = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    trying = trying == MAP_FAILED ? NULL : trying;
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    for (unsigned i = 0; trying && i < N_TRYING; i++) {
        if (trying[i].text[0])
            (void)printf("failed while it tried %s\n", trying[i].text);
    }
    return failed ? 1 : 0;
}

int
tk_full(void)
{
    const char *full = getenv("FEEDBACK_TEST_FULL");

    return full && full[0];
}

static char tmpdir[256];
static pid_t tmpdir_owner;

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void
tmpdir_remove(void)
{
    if (tmpdir_owner == getpid())
        (void)nftw(tmpdir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
tk_tmpdir(void)
{
    const char *base = getenv("TMPDIR");

    if (tmpdir_owner == getpid())
        return tmpdir;
    (void)snprintf(tmpdir, sizeof tmpdir, "%s/fbk-test-XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(tmpdir));
    tmpdir_owner = getpid();
    (void)atexit(tmpdir_remove);
    return tmpdir;
}

static char *
path_slot(void)
{
    static char slots[8][1024];
    static unsigned next;

    return slots[next++ % 8];
}

const char *
tk_path(const char *name)
{
    char *path = path_slot();

    (void)snprintf(path, 1024, "%s/%s", tk_tmpdir(), name);
    return path;
}

const char *
tk_source(const char *relative)
{
    const char *root = getenv("FEEDBACK_SOURCE_ROOT");
    char *path = path_slot();

    (void)snprintf(path, 1024, "%s/%s", root ? root : ".", relative);
    return path;
}

const char *
tk_data(const char *relative)
{
    const char *data = getenv("FEEDBACK_DATA");
    char *path = path_slot();

    if (data && data[0])
        (void)snprintf(path, 1024, "%s/%s", data, relative);
    else
        (void)snprintf(path, 1024, "%s/../shared/data/%s", tk_source("."), relative);
    return access(path, R_OK) == 0 ? path : NULL;
}

static char *
unpack(char *packed, size_t len, size_t *out_len)
{
    unsigned long long size = ZSTD_getFrameContentSize(packed, len);
    char *text;
    size_t n;

    ck_assert_msg(size < (1ull << 32), "the zstd frame does not say its size");
    text = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(text);
    n = ZSTD_decompress(text, (size_t)size, packed, len);
    ck_assert_msg(!ZSTD_isError(n), "%s", ZSTD_getErrorName(n));
    free(packed);
    text[n] = '\0';
    *out_len = n;
    return text;
}

char *
tk_slurp(const char *path, size_t *out_len)
{
    FILE *file = fopen(path, "rb");
    size_t dot = strlen(path);
    char *text;
    size_t len;
    long size;

    ck_assert_msg(file != NULL, "%s cannot be read", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    ck_assert_int_ge(size, 0);
    rewind(file);
    text = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(text);
    len = fread(text, 1, (size_t)size, file);
    ck_assert_uint_eq(len, (size_t)size);
    (void)fclose(file);
    text[len] = '\0';
    if (dot > 4 && strcmp(path + dot - 4, ".zst") == 0)
        return unpack(text, len, out_len);
    *out_len = len;
    return text;
}

static int
alloc_fails(tk_alloc *a)
{
    int64_t k = __atomic_fetch_add(&a->n_calls, 1, __ATOMIC_RELAXED);

    return a->fail_at >= 0 && (k == a->fail_at || (a->persistent && k > a->fail_at));
}

static void *
alloc_malloc(size_t size, void *user_data)
{
    tk_alloc *a = user_data;
    void *p = alloc_fails(a) ? NULL : malloc(size);

    if (p)
        (void)__atomic_fetch_add(&a->n_live, 1, __ATOMIC_RELAXED);
    return p;
}

static void *
alloc_realloc(void *ptr, size_t size, void *user_data)
{
    tk_alloc *a = user_data;
    void *p = alloc_fails(a) ? NULL : realloc(ptr, size);

    if (p && !ptr)
        (void)__atomic_fetch_add(&a->n_live, 1, __ATOMIC_RELAXED);
    return p;
}

static void
alloc_free(void *ptr, void *user_data)
{
    tk_alloc *a = user_data;

    if (ptr)
        (void)__atomic_fetch_sub(&a->n_live, 1, __ATOMIC_RELAXED);
    free(ptr);
}

void
tk_alloc_init(tk_alloc *a)
{
    memset(a, 0, sizeof *a);
    a->fail_at = -1;
    a->allocator = (fbk_allocator){
        (uint32_t)sizeof(fbk_allocator), 0u, alloc_malloc, alloc_realloc, alloc_free, a};
}
