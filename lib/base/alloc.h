/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <feedback/base.h>

#include <stdbool.h>

/* Memory through the host's functions. Every function takes the allocator; NULL means the C
 * library's. Sizes that are products or sums go through fbk__size_mul() and fbk__size_add(). */

/** The C library's malloc, realloc and free. */
extern const fbk_allocator fbk__libc_allocator;

/** n bytes, not initialised; NULL when out of memory. n = 0 gives a valid pointer. */
void *
fbk__alloc(const fbk_allocator *a, size_t n) FBK_MUST_USE;

/** count * size bytes of zeros; NULL when out of memory or when the product overflows. */
void *
fbk__calloc(const fbk_allocator *a, size_t count, size_t size) FBK_MUST_USE;

/** Resize to count * size bytes; on failure NULL, and the old block stays as it was. */
void *
fbk__realloc(const fbk_allocator *a, void *ptr, size_t count, size_t size) FBK_MUST_USE;

/** Grow an array so that it holds at least `need` elements (doubling); *cap is updated.
 *  @retval false out of memory: *ptr and *cap unchanged. */
bool
fbk__grow(const fbk_allocator *a, void *ptr_to_array, size_t *cap, size_t need, size_t size)
    FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__free(const fbk_allocator *a, void *ptr);

/** A NUL-terminated copy of len bytes. */
char *
fbk__strndup(const fbk_allocator *a, const char *text, size_t len) FBK_MUST_USE;

/** @retval false when the product does not fit size_t. */
static inline bool
fbk__size_mul(size_t x, size_t y, size_t *out)
{
    return !__builtin_mul_overflow(x, y, out);
}

/** @retval false when the sum does not fit size_t. */
static inline bool
fbk__size_add(size_t x, size_t y, size_t *out)
{
    return !__builtin_add_overflow(x, y, out);
}

#endif
