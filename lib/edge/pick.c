/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/pick.h"

#include "edge/number.h"

/* The text of a column; empty when the row has none, or one that the mapping takes for none. */
static fbk__piece
pick_column(const fbk__pick *pick, uint32_t column)
{
    const fbk__mapping *map = pick->map;
    const fbk__cell *cell = &pick->cells[column];
    fbk__piece t = {cell->text, cell->kind == FBK__CELL_NONE ? 0 : cell->len};

    for (uint32_t i = 0; t.len > 0 && i < map->empty.n; i++) {
        if (fbk__piece_equal(t, fbk__piece_of(map, map->lists[map->empty.first + i])))
            t.len = 0;
    }
    return t;
}

static bool
cond_number(const fbk__mapping *map, const fbk__map_cond *cond, fbk__piece t)
{
    int64_t micro;

    if (fbk__number_parse(t.p, t.len, 6, map->decimal, map->group, &micro) != FBK__NUMBER_OK)
        return false;
    switch (cond->op) {
    case FBK__WHEN_LESS:
        return micro < cond->micro;
    case FBK__WHEN_AT_MOST:
        return micro <= cond->micro;
    case FBK__WHEN_GREATER:
        return micro > cond->micro;
    case FBK__WHEN_AT_LEAST:
        return micro >= cond->micro;
    default:
        return micro == cond->micro;
    }
}

static bool
cond_text(const fbk__map_cond *cond, fbk__piece t, fbk__piece want)
{
    switch (cond->op) {
    case FBK__WHEN_PREFIX:
        return t.len >= want.len && memcmp(t.p, want.p, want.len) == 0;
    case FBK__WHEN_SUFFIX:
        return t.len >= want.len && memcmp(t.p + t.len - want.len, want.p, want.len) == 0;
    case FBK__WHEN_CONTAINS:
        return want.len == 0 || (t.len > 0 && memmem(t.p, t.len, want.p, want.len) != NULL);
    default:
        return fbk__piece_equal(t, want);
    }
}

static bool
pick_holds(const fbk__pick *pick, uint32_t number)
{
    const fbk__mapping *map = pick->map;
    const fbk__map_cond *cond = &map->conds[number];
    fbk__piece t;

    switch (cond->op) {
    case FBK__WHEN_NOT:
        return !pick_holds(pick, cond->first);
    case FBK__WHEN_ALL:
    case FBK__WHEN_ANY:
        for (uint32_t i = 0; i < cond->n; i++) {
            if (pick_holds(pick, cond->first + i) != (cond->op == FBK__WHEN_ALL))
                return cond->op == FBK__WHEN_ANY;
        }
        return cond->op == FBK__WHEN_ALL;
    default:
        break;
    }
    t = pick_column(pick, cond->column);
    if (cond->op == FBK__WHEN_EMPTY)
        return (t.len == 0) == (cond->micro != 0);
    if (cond->op >= FBK__WHEN_NUMBER)
        return t.len > 0 && cond_number(map, cond, t);
    if (t.len == 0)
        t.p = "";
    for (uint32_t i = 0; i < cond->n; i++) {
        if (cond_text(cond, t, fbk__piece_of(map, map->lists[cond->first + i])))
            return true;
    }
    return false;
}

/* A condition by its number plus one; none always holds. */
bool
fbk__pick_when(const fbk__pick *pick, uint32_t when)
{
    return when == 0 || pick_holds(pick, when - 1);
}

/* The text of a value; one of parts is put together in pick->parts, at its end, so that parts may
 * have parts. Empty when there is nothing. */
fbk__piece
fbk__pick_value(fbk__pick *pick, const fbk__map_value *value)
{
    const fbk__piece none = {"", 0};
    fbk__piece join;
    size_t start;
    bool any = false;

    if (value->kind == FBK__MAP_NONE || !fbk__pick_when(pick, value->when))
        return none;
    if (value->kind == FBK__MAP_CONST)
        return fbk__piece_of(pick->map, value->text);
    if (value->kind == FBK__MAP_COLUMN)
        return pick_column(pick, value->first);
    join = fbk__piece_of(pick->map, value->text);
    start = pick->parts.len;
    for (uint32_t i = 0; i < value->n; i++) {
        const fbk__map_value *part = &pick->map->values[value->first + i];
        const size_t before = pick->parts.len;
        fbk__piece t = fbk__pick_value(pick, part);

        any = any || (t.len > 0 && part->kind != FBK__MAP_CONST);
        /* A part of parts stands at the end of the buffer already, which may have moved. */
        if (part->kind == FBK__MAP_PARTS && t.len > 0) {
            if (i > 0 && join.len > 0) {
                (void)fbk__buf_room(&pick->parts, join.len);
                if (pick->parts.failed)
                    return none;
                memmove(pick->parts.data + before + join.len, pick->parts.data + before, t.len);
                memcpy(pick->parts.data + before, join.p, join.len);
                pick->parts.len += join.len;
            }
            continue;
        }
        if (i > 0)
            fbk__buf_add(&pick->parts, join.p, join.len);
        fbk__buf_add(&pick->parts, t.p, t.len);
    }
    if (!any || pick->parts.failed) {
        pick->parts.len = start;
        return none;
    }
    return (fbk__piece){pick->parts.data + start, pick->parts.len - start};
}
