/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/csv.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte sets the options; the rest is the file, plain or zstd. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fbk db = {.alloc = fbk__libc_allocator};
    fbk__csv_options options = {0};
    fbk__file *file = NULL;
    fbk__csv *csv = NULL;
    fbk__csv_record record;
    int64_t number = 0;
    int64_t line = 0;
    uint64_t sum = 0;

    if (size == 0)
        return 0;
    options.separator = ",;\t "[data[0] & 3];
    options.no_quotes = data[0] & 4;
    options.merge = data[0] & 8;
    options.trim = data[0] & 16;
    if (fbk__file_open_memory(&db, data + 1, size - 1, &file) != FBK_OK)
        return 0;
    if (fbk__csv_open(&db, file, &options, &csv) != FBK_OK)
        abort();
    while (fbk__csv_next(csv, &record) == FBK_OK) {
        if (record.number != ++number || record.line <= line || (record.reason && record.n))
            abort();
        line = record.line;
        for (size_t i = 0; i < record.n; i++) {
            if (memchr(record.fields[i].text, '\0', record.fields[i].len))
                abort();
            sum += record.fields[i].len;
        }
        /* What is given out was in the file; a zstd file may be longer than its bytes. */
        if (data[1] != 0x28 && sum > size)
            abort();
    }
    fbk__csv_close(csv);
    fbk__file_close(file);
    return 0;
}
