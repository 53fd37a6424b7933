/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/alloc.h"
#include "base/hash.h"

/** Map from uint64 keys to uint64 values: open addressing, linear probing, no removal.
 *  Any key is valid. Iterate with fbk__map_next(); the order is not specified. */
typedef struct fbk__map {
    const fbk_allocator *a;
    uint64_t *keys;
    uint64_t *values;
    uint8_t *used;
    size_t n;
    size_t cap; /* power of two, or 0 */
} fbk__map;

void
fbk__map_init(fbk__map *map, const fbk_allocator *a);

void
fbk__map_free(fbk__map *map);

/** Address of the value of a key, or NULL. Valid until the next put. */
uint64_t *
fbk__map_get(const fbk__map *map, uint64_t key);

/** Address of the value of a key, made with value 0 if new; NULL when out of memory.
 *  @param out_new set to whether it was made; may be NULL. */
uint64_t *
fbk__map_put(fbk__map *map, uint64_t key, bool *out_new) FBK_MUST_USE;

/** Next used slot at or after *at; false at the end. Start with *at = 0. */
bool
fbk__map_next(const fbk__map *map, size_t *at, uint64_t *out_key, uint64_t *out_value);

/** Byte strings numbered 0, 1, 2 … in the order in which they came. */
typedef struct fbk__intern {
    const fbk_allocator *a;
    uint64_t seed;
    uint32_t *slots; /* number + 1, 0 = empty */
    size_t cap;
    size_t n;
    size_t off_cap;
    size_t *offsets; /* n + 1 starts in bytes */
    char *bytes;     /* each string NUL-terminated */
    size_t len;
    size_t bytes_cap;
} fbk__intern;

enum { FBK__INTERN_NONE = UINT32_MAX };

void
fbk__intern_init(fbk__intern *t, const fbk_allocator *a, uint64_t seed);

void
fbk__intern_free(fbk__intern *t);

/** Empty it, keep the memory. */
void
fbk__intern_clear(fbk__intern *t);

/** Number of a string, FBK__INTERN_NONE if it is not there. */
uint32_t
fbk__intern_find(const fbk__intern *t, const char *text, size_t len);

/** Number of a string, added if new; FBK__INTERN_NONE when out of memory. */
uint32_t
fbk__intern_add(fbk__intern *t, const char *text, size_t len);

/** The string of a number, NUL-terminated; borrowed until the next add. */
const char *
fbk__intern_text(const fbk__intern *t, uint32_t number, size_t *out_len);

#endif
