/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/keymap.h"

#include <string.h>

struct fbk__keymap_slot {
    fbk__key key;
    uint64_t value;
    uint64_t used;
};

void
fbk__keymap_init(fbk__keymap *map, const fbk_allocator *a)
{
    memset(map, 0, sizeof *map);
    map->a = a;
}

void
fbk__keymap_free(fbk__keymap *map)
{
    fbk__free(map->a, map->slots);
    fbk__keymap_init(map, map->a);
}

void
fbk__keymap_clear(fbk__keymap *map, size_t keep)
{
    if (map->cap > keep)
        fbk__keymap_free(map);
    else if (map->n)
        memset(map->slots, 0, map->cap * sizeof *map->slots);
    map->n = 0;
}

static size_t
keymap_slot(const fbk__keymap *map, fbk__key key)
{
    size_t at = (size_t)fbk__mix64(key.hi + 31 * key.lo) & (map->cap - 1);

    while (map->slots[at].used && fbk__key_compare(map->slots[at].key, key) != 0)
        at = (at + 1) & (map->cap - 1);
    return at;
}

uint64_t *
fbk__keymap_get(const fbk__keymap *map, fbk__key key)
{
    size_t at;

    if (!map->n)
        return NULL;
    at = keymap_slot(map, key);
    return map->slots[at].used ? &map->slots[at].value : NULL;
}

static bool
keymap_grow(fbk__keymap *map)
{
    fbk__keymap grown = *map;

    if (!fbk__size_mul(map->cap ? map->cap : 128, 2, &grown.cap))
        return false;
    grown.slots = fbk__calloc(map->a, grown.cap, sizeof *grown.slots);
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < map->cap; i++) {
        if (map->slots[i].used)
            grown.slots[keymap_slot(&grown, map->slots[i].key)] = map->slots[i];
    }
    fbk__free(map->a, map->slots);
    *map = grown;
    return true;
}

uint64_t *
fbk__keymap_put(fbk__keymap *map, fbk__key key, bool *out_new)
{
    struct fbk__keymap_slot *slot;

    if (map->n >= map->cap / 8 * 5 && !keymap_grow(map))
        return NULL;
    slot = &map->slots[keymap_slot(map, key)];
    *out_new = !slot->used;
    if (!slot->used) {
        *slot = (struct fbk__keymap_slot){key, 0, 1};
        map->n++;
    }
    return &slot->value;
}
