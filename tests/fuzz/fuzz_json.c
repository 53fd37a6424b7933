/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const wanted[] = {"id", "at", "a.b", "a.b.c", "items.sku", "items.n.m"};
    struct fbk db = {.alloc = fbk__libc_allocator};
    fbk__intern names;
    fbk__file *file = NULL;
    fbk__json *json = NULL;
    fbk__json_record record;
    const fbk__cell *cells;
    fbk_status rc;

    fbk__intern_init(&names, NULL, 1);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (fbk__intern_add(&names, wanted[i], strlen(wanted[i])) != i)
            abort();
    }
    if (fbk__file_open_memory(&db, data, size, &file) != FBK_OK ||
        fbk__json_open(&db, file, &names, "items", &json) != FBK_OK)
        goto out;
    while (fbk__json_next(json, &record) == FBK_OK) {
        size_t rows = 0;

        while ((rc = fbk__json_row(json, &cells)) == FBK_OK) {
            rows++;
            for (size_t i = 0; i < names.n; i++) {
                if (cells[i].text && !fbk__utf8_valid(cells[i].text, cells[i].len))
                    abort();
            }
        }
        if (rc != FBK_DONE || (rows > 0) == (record.reason != NULL))
            abort();
    }
out:
    fbk__json_close(json);
    fbk__file_close(file);
    fbk__intern_free(&names);
    return 0;
}
