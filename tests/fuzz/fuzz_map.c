/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "edge/apply.h"
#include "log/batch.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a row gives out must keep to its limits. */
static void
row_check(const fbk__mapping *map, const fbk__row *row)
{
    fbk__reader r;

    if (row->reason || row->skip)
        return;
    r.p = (const unsigned char *)row->slots.data;
    r.end = r.p + row->slots.len;
    r.bad = false;
    for (size_t i = 0; i < fbk__n_slots(map); i++) {
        size_t n = (size_t)fbk__read_uvarint(&r);

        (void)fbk__read_bytes(&r, n ? n - 1 : 0);
    }
    if (r.bad || r.p != r.end || row->id.len > FBK__ROW_TEXT_MAX ||
        row->item.len > FBK__ROW_TEXT_MAX || row->line_kind >= FBK__N_LINE_KINDS)
        abort();
    if ((row->gives & FBK__GIVES_CATEGORY) &&
        !fbk__utf8_valid(row->category.data, row->category.len))
        abort();
}

/* A mapping, a NUL, and the texts of its columns, each ended by a NUL; the last one stands for the
 * columns that are left. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fbk db = {.alloc = fbk__libc_allocator};
    const char *text = (const char *)data;
    const char *end = text + size;
    const char *at = size ? memchr(text, '\0', size) : NULL;
    fbk__cell *cells = NULL;
    fbk__mapping map;
    fbk__apply apply;

    if (!at)
        at = end;
    if (fbk__mapping_parse(&db, text, (size_t)(at - text), &map) != FBK_OK) {
        if (!db.err.message[0])
            abort();
        fbk__mapping_free(&map);
        return 0;
    }
    cells = calloc(map.columns.n + 1, sizeof *cells);
    if (!cells || fbk__apply_init(&db, &map, NULL, "file", 4, &apply) != FBK_OK)
        abort();
    for (size_t i = 0; i < map.columns.n; i++) {
        const char *from = at < end ? at + 1 : end;
        const char *to = from < end ? memchr(from, '\0', (size_t)(end - from)) : NULL;

        to = to ? to : end;
        cells[i] = (fbk__cell){from, (size_t)(to - from), FBK__CELL_TEXT};
        at = to < end ? to : at;
    }
    for (int twice = 0; twice < 2; twice++) {
        if (fbk__apply_row(&apply, cells) != FBK_OK)
            abort();
        row_check(&map, &apply.row);
    }
    fbk__apply_free(&apply);
    fbk__mapping_free(&map);
    free(cells);
    return 0;
}
