/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <string.h>

void
fbk__map_init(fbk__map *map, const fbk_allocator *a)
{
    memset(map, 0, sizeof *map);
    map->a = a;
}

void
fbk__map_free(fbk__map *map)
{
    fbk__free(map->a, map->keys);
    fbk__free(map->a, map->values);
    fbk__free(map->a, map->used);
    fbk__map_init(map, map->a);
}

static size_t
map_slot(const fbk__map *map, uint64_t key)
{
    size_t at = (size_t)fbk__mix64(key) & (map->cap - 1);

    while (map->used[at] && map->keys[at] != key)
        at = (at + 1) & (map->cap - 1);
    return at;
}

uint64_t *
fbk__map_get(const fbk__map *map, uint64_t key)
{
    size_t at;

    if (!map->cap)
        return NULL;
    at = map_slot(map, key);
    return map->used[at] ? &map->values[at] : NULL;
}

static bool
map_resize(fbk__map *map)
{
    fbk__map grown = *map;

    if (!fbk__size_mul(map->cap ? map->cap : 32, 2, &grown.cap))
        return false;
    grown.keys = fbk__calloc(map->a, grown.cap, sizeof *grown.keys);
    grown.values = fbk__calloc(map->a, grown.cap, sizeof *grown.values);
    grown.used = fbk__calloc(map->a, grown.cap, sizeof *grown.used);
    if (!grown.keys || !grown.values || !grown.used) {
        fbk__map_free(&grown);
        return false;
    }
    for (size_t i = 0; i < map->cap; i++) {
        size_t at;

        if (!map->used[i])
            continue;
        at = map_slot(&grown, map->keys[i]);
        grown.used[at] = 1;
        grown.keys[at] = map->keys[i];
        grown.values[at] = map->values[i];
    }
    fbk__map_free(map);
    *map = grown;
    return true;
}

uint64_t *
fbk__map_put(fbk__map *map, uint64_t key, bool *out_new)
{
    size_t at;
    bool fresh;

    /* A load of at most 5/8 keeps probes short. */
    if (map->n >= map->cap / 8 * 5 && !map_resize(map))
        return NULL;
    at = map_slot(map, key);
    fresh = !map->used[at];
    if (fresh) {
        map->used[at] = 1;
        map->keys[at] = key;
        map->values[at] = 0;
        map->n++;
    }
    if (out_new)
        *out_new = fresh;
    return &map->values[at];
}

bool
fbk__map_next(const fbk__map *map, size_t *at, uint64_t *out_key, uint64_t *out_value)
{
    while (*at < map->cap && !map->used[*at])
        ++*at;
    if (*at >= map->cap)
        return false;
    *out_key = map->keys[*at];
    *out_value = map->values[*at];
    ++*at;
    return true;
}

void
fbk__intern_init(fbk__intern *t, const fbk_allocator *a, uint64_t seed)
{
    memset(t, 0, sizeof *t);
    t->a = a;
    t->seed = seed;
}

void
fbk__intern_free(fbk__intern *t)
{
    fbk__free(t->a, t->slots);
    fbk__free(t->a, t->offsets);
    fbk__free(t->a, t->bytes);
    fbk__intern_init(t, t->a, t->seed);
}

void
fbk__intern_clear(fbk__intern *t)
{
    if (t->slots)
        memset(t->slots, 0, t->cap * sizeof *t->slots);
    t->n = 0;
    t->len = 0;
}

const char *
fbk__intern_text(const fbk__intern *t, uint32_t number, size_t *out_len)
{
    size_t start = t->offsets[number];

    if (out_len)
        *out_len = t->offsets[number + 1] - start - 1;
    return t->bytes + start;
}

static size_t
intern_slot(const fbk__intern *t, const char *text, size_t len)
{
    size_t at = (size_t)fbk__hash64_seeded(text, len, t->seed) & (t->cap - 1);

    for (; t->slots[at]; at = (at + 1) & (t->cap - 1)) {
        size_t n;
        const char *other = fbk__intern_text(t, t->slots[at] - 1, &n);

        if (n == len && (len == 0 || memcmp(other, text, len) == 0))
            break;
    }
    return at;
}

uint32_t
fbk__intern_find(const fbk__intern *t, const char *text, size_t len)
{
    if (!t->cap)
        return FBK__INTERN_NONE;
    return t->slots[intern_slot(t, text, len)] - 1; /* an empty slot gives NONE */
}

static bool
intern_rehash(fbk__intern *t)
{
    size_t cap = t->cap ? t->cap * 2 : 64;
    uint32_t *old = t->slots;
    uint32_t *slots = fbk__calloc(t->a, cap, sizeof *slots);

    if (!slots)
        return false;
    t->slots = slots;
    t->cap = cap;
    for (uint32_t i = 0; i < t->n; i++) {
        size_t len;
        const char *text = fbk__intern_text(t, i, &len);

        t->slots[intern_slot(t, text, len)] = i + 1;
    }
    fbk__free(t->a, old);
    return true;
}

uint32_t
fbk__intern_add(fbk__intern *t, const char *text, size_t len)
{
    size_t at;
    size_t need;

    if (t->n >= FBK__INTERN_NONE - 1 || (t->n >= t->cap / 2 && !intern_rehash(t)))
        return FBK__INTERN_NONE;
    at = intern_slot(t, text, len);
    if (t->slots[at])
        return t->slots[at] - 1;
    if (!fbk__size_add(t->len, len, &need) || !fbk__size_add(need, 1, &need) ||
        !fbk__grow(t->a, &t->bytes, &t->bytes_cap, need, 1) ||
        !fbk__grow(t->a, &t->offsets, &t->off_cap, t->n + 2, sizeof *t->offsets))
        return FBK__INTERN_NONE;
    if (len)
        memcpy(t->bytes + t->len, text, len);
    t->bytes[need - 1] = '\0';
    t->offsets[t->n] = t->len;
    t->offsets[t->n + 1] = need;
    t->len = need;
    t->slots[at] = (uint32_t)++t->n;
    return (uint32_t)t->n - 1;
}
