/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *
libc_malloc(size_t size, void *user_data)
{
    (void)user_data;
    return malloc(size);
}

static void *
libc_realloc(void *ptr, size_t size, void *user_data)
{
    (void)user_data;
    return realloc(ptr, size);
}

static void
libc_free(void *ptr, void *user_data)
{
    (void)user_data;
    free(ptr);
}

const fbk_allocator fbk__libc_allocator = {
    (uint32_t)sizeof(fbk_allocator), 0u, libc_malloc, libc_realloc, libc_free, NULL};

void *
fbk__alloc(const fbk_allocator *a, size_t n)
{
    a = a ? a : &fbk__libc_allocator;
    return a->malloc_fn(n ? n : 1, a->user_data);
}

void *
fbk__calloc(const fbk_allocator *a, size_t count, size_t size)
{
    size_t n;
    void *p;

    if (!fbk__size_mul(count, size, &n))
        return NULL;
    p = fbk__alloc(a, n);
    if (p)
        memset(p, 0, n);
    return p;
}

void *
fbk__realloc(const fbk_allocator *a, void *ptr, size_t count, size_t size)
{
    size_t n;

    if (!fbk__size_mul(count, size, &n))
        return NULL;
    a = a ? a : &fbk__libc_allocator;
    return a->realloc_fn(ptr, n ? n : 1, a->user_data);
}

bool
fbk__grow(const fbk_allocator *a, void *ptr_to_array, size_t *cap, size_t need, size_t size)
{
    void *old;
    void *grown;
    size_t want = *cap ? *cap : 16;

    if (need <= *cap)
        return true;
    while (want < need) {
        if (!fbk__size_mul(want, 2, &want))
            return false;
    }
    memcpy(&old, ptr_to_array, sizeof old);
    grown = fbk__realloc(a, old, want, size);
    if (!grown)
        return false;
    memcpy(ptr_to_array, &grown, sizeof grown);
    *cap = want;
    return true;
}

void
fbk__free(const fbk_allocator *a, void *ptr)
{
    if (!ptr)
        return;
    a = a ? a : &fbk__libc_allocator;
    a->free_fn(ptr, a->user_data);
}

char *
fbk__strndup(const fbk_allocator *a, const char *text, size_t len)
{
    char *p;
    size_t n;

    if (!fbk__size_add(len, 1, &n))
        return NULL;
    p = fbk__alloc(a, n);
    if (!p)
        return NULL;
    if (len)
        memcpy(p, text, len);
    p[len] = '\0';
    return p;
}
