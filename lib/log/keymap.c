/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/keymap.h"

#include <string.h>

struct fbk__keymap_slot {
    uint64_t hi;
    uint32_t lo;
    uint32_t value; /* 0 = free */
};
_Static_assert(FBK__KEY_ID_BITS <= 32 && FBK__KEY_IDENT_BITS <= 32, "keys fit a slot");

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

static struct fbk__keymap_slot *
keymap_slot(const fbk__keymap *map, uint64_t hi, uint32_t lo)
{
    size_t at = (size_t)fbk__mix64(hi + 31 * (uint64_t)lo) & (map->cap - 1);

    while (map->slots[at].value && (map->slots[at].hi != hi || map->slots[at].lo != lo))
        at = (at + 1) & (map->cap - 1);
    return &map->slots[at];
}

uint32_t
fbk__keymap_get(const fbk__keymap *map, fbk__key key)
{
    return map->n ? keymap_slot(map, key.hi, (uint32_t)key.lo)->value : 0;
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
        if (map->slots[i].value)
            *keymap_slot(&grown, map->slots[i].hi, map->slots[i].lo) = map->slots[i];
    }
    fbk__free(map->a, map->slots);
    *map = grown;
    return true;
}

uint32_t *
fbk__keymap_put(fbk__keymap *map, fbk__key key)
{
    struct fbk__keymap_slot *slot;

    if (map->n >= map->cap / 8 * 5 && !keymap_grow(map))
        return NULL;
    slot = keymap_slot(map, key.hi, (uint32_t)key.lo);
    if (!slot->value) {
        slot->hi = key.hi;
        slot->lo = (uint32_t)key.lo;
        map->n++;
    }
    return &slot->value;
}

size_t
fbk__keymap_list(const fbk__keymap *map, uint32_t value, fbk__key *out)
{
    size_t n = 0;

    for (size_t i = 0; i < map->cap; i++) {
        if (map->slots[i].value == value)
            out[n++] = (fbk__key){map->slots[i].hi, map->slots[i].lo};
    }
    return n;
}
