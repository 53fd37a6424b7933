/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arrow.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes describe one batch: formats, lengths, offsets, null counts, numbers of buffers and what
 * is in them, sound or not. The one thing that no reader can check is kept true: buffers are as
 * large as length, offset and last text offset say, and not a byte larger, so that the sanitizer
 * sees every step outside. */

enum { COLUMNS_MAX = 3, ROWS_MAX = 40, TEXT_MAX = 256, BUFFERS_MAX = 6 };

static const uint8_t *input;
static size_t left;

static uint8_t
take(void)
{
    if (!left)
        return 0;
    left--;
    return *input++;
}

static void *
take_bytes(size_t n)
{
    uint8_t *bytes = malloc(n ? n : 1);

    if (!bytes)
        abort();
    for (size_t i = 0; i < n; i++)
        bytes[i] = take();
    return bytes;
}

static const char *const formats[] = {
    "n", "b", "c",  "C",  "s",  "S",   "i",   "I",    "l",    "L",       "f",    "g",     "u",  "U",
    "z", "Z", "vu", "vz", "+l", "tdD", "tdm", "tss:", "tsm:", "tsu:UTC", "tsn:", "d:9,2", "+s", ""};

typedef struct made_column {
    struct ArrowSchema field;
    struct ArrowArray array;
    const void *buffers[BUFFERS_MAX];
    void *owned[BUFFERS_MAX];
} made_column;

static void
schema_release(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void
array_release(struct ArrowArray *array)
{
    array->release = NULL;
}

static size_t
width_of(const char *format)
{
    switch (format[0]) {
    case 'c':
    case 'C':
        return 1;
    case 's':
    case 'S':
        return 2;
    case 'i':
    case 'I':
    case 'f':
        return 4;
    case 'v':
        return 16;
    default:
        return strcmp(format, "tdD") == 0 ? 4 : 8;
    }
}

/* The text buffer is as long as the last offset says, if that is a length at all. */
static void
text_buffers(made_column *c, size_t rows)
{
    size_t width = c->field.format[0] == 'u' || c->field.format[0] == 'z' ? 4 : 8;
    uint8_t *ends = take_bytes((rows + 1) * width);
    int64_t last = 0;

    for (size_t i = 0; i <= rows; i++) { /* small numbers, or nearly nothing would be sound */
        if (take() < 250)
            memset(ends + i * width + 1, 0, width - 1);
    }
    if (width == 4) {
        int32_t narrow;

        memcpy(&narrow, ends + rows * 4, 4);
        last = narrow;
    } else {
        memcpy(&last, ends + rows * 8, 8);
    }
    c->owned[1] = ends;
    c->owned[2] = last >= 0 && last <= TEXT_MAX ? take_bytes((size_t)last) : NULL;
    c->array.n_buffers = 3;
}

static void
view_buffers(made_column *c, size_t rows)
{
    size_t n = take() % 3;
    int64_t sizes[2] = {0, 0};

    c->owned[1] = take_bytes(rows * 16);
    for (size_t i = 0; i < rows; i++) {
        uint8_t *view = (uint8_t *)c->owned[1] + i * 16;

        if (take() < 240) { /* length, buffer and start as single bytes */
            memset(view + 1, 0, 3);
            memset(view + 9, 0, 3);
            memset(view + 13, 0, 3);
        }
    }
    for (size_t k = 0; k < n; k++) {
        sizes[k] = take();
        c->owned[2 + k] = take_bytes((size_t)sizes[k]);
    }
    c->owned[2 + n] = malloc(sizeof sizes);
    if (!c->owned[2 + n])
        abort();
    memcpy(c->owned[2 + n], sizes, sizeof sizes);
    c->array.n_buffers = 3 + (int64_t)n;
}

static void
column_make(made_column *c, uint8_t lies)
{
    int64_t length = take() % ROWS_MAX;
    int64_t offset = take() % 10;
    size_t rows = (size_t)(length + offset);

    memset(c, 0, sizeof *c);
    c->field = (struct ArrowSchema){.format = formats[take() % (sizeof formats / sizeof *formats)],
                                    .name = take() & 1 ? "a" : "b",
                                    .release = schema_release};
    c->array = (struct ArrowArray){.length = length,
                                   .offset = offset,
                                   .null_count = (int8_t)take() % 5,
                                   .buffers = c->buffers,
                                   .release = array_release};
    c->owned[0] = take() & 1 ? take_bytes((rows + 7) / 8) : NULL;
    c->array.n_buffers = 2;
    if (strchr("uUzZ", c->field.format[0]) && c->field.format[0]) {
        text_buffers(c, rows);
    } else if (c->field.format[0] == 'v') {
        view_buffers(c, rows);
    } else if (c->field.format[0] == 'n') {
        c->array.n_buffers = 0;
    } else {
        c->owned[1] = take_bytes(c->field.format[0] == 'b' ? (rows + 7) / 8
                                                           : rows * width_of(c->field.format));
    }
    memcpy(c->buffers, c->owned, sizeof c->buffers);
    if (lies & 1)
        c->array.n_buffers = c->field.format[0] == 'v' ? take() % 3 : (int8_t)take();
    if (lies & 2)
        c->buffers[take() % BUFFERS_MAX] = NULL;
    if (lies & 4)
        c->array.length = (int64_t)((uint64_t)take() << (take() & 63));
    if (lies & 8)
        c->array.offset = (int64_t)((uint64_t)take() << (take() & 63));
    if (lies & 16)
        c->array.null_count = (int8_t)take();
    if (lies & 32)
        c->array.buffers = NULL;
    /* A larger array than its buffers cannot be told from a true one: only impossible ones. */
    if ((lies & 4 && c->array.length > length && c->array.length <= INT64_C(1) << 48) ||
        (lies & 8 && c->array.offset > offset && c->array.offset <= INT64_C(1) << 48)) {
        c->array.length = length;
        c->array.offset = offset;
    }
    /* Nor can an end of text that another length makes the last one. */
    if (lies & 12 && c->array.n_buffers >= 3)
        c->array.release = NULL;
}

static made_column columns[2 * COLUMNS_MAX]; /* dictionaries in the second half */
static struct ArrowSchema *field_list[COLUMNS_MAX];
static struct ArrowArray *array_list[COLUMNS_MAX];
static struct ArrowSchema root_field;
static struct ArrowArray root;
static const void *root_buffers[1];
static int given;

static int
get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    (void)stream;
    *out = root_field;
    return 0;
}

static int
get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    (void)stream;
    memset(out, 0, sizeof *out);
    if (!given++)
        *out = root;
    return 0;
}

static void
stream_release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static uint64_t sum; /* so that reading a text is not optimised away */

static void
read_cells(fbk__arrow_reader *r, int column, int64_t row)
{
    int64_t whole;
    double real;
    bool flag;
    const char *text;
    size_t len;

    if (fbk__arrow_int64(r, column, row, &whole) == FBK_OK)
        sum += (uint64_t)whole;
    if (fbk__arrow_double(r, column, row, &real) == FBK_OK)
        sum += real > 0;
    if (fbk__arrow_bool(r, column, row, &flag) == FBK_OK)
        sum += flag;
    if (fbk__arrow_time(r, column, row, &whole) == FBK_OK &&
        (whole < FBK_TIME_MIN || whole > FBK_TIME_MAX))
        abort();
    if (fbk__arrow_text(r, column, row, &text, &len) == FBK_OK) {
        for (size_t i = 0; i < len; i++)
            sum += (uint8_t)text[i];
    }
}

static void
read_all(struct ArrowArrayStream *stream)
{
    struct fbk db = {.alloc = fbk__libc_allocator};
    fbk__arrow_reader *r = NULL;
    int64_t rows = 0;
    int column;

    if (fbk__arrow_reader_open(&db, stream, &r) != FBK_OK) {
        if (!db.err.message[0] || stream->release)
            abort();
        return;
    }
    for (int as = 0; as <= FBK__AS_TIME; as++)
        sum += fbk__arrow_reader_bind(r, "a", (fbk__arrow_as)as, true, &column) == FBK_OK;
    while (fbk__arrow_reader_next(r, &rows) == FBK_OK) {
        for (int64_t row = 0; row < rows; row++) {
            for (size_t c = 0; c < fbk__arrow_reader_n_columns(r); c++)
                read_cells(r, (int)c, row);
        }
    }
    fbk__arrow_reader_close(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ArrowArrayStream stream = {
        .get_schema = get_schema, .get_next = get_next, .release = stream_release};
    int n;

    input = data;
    left = size;
    given = 0;
    n = take() % (COLUMNS_MAX + 1);
    for (int i = 0; i < n; i++) {
        uint8_t lies = take() & 3 ? 0 : take();

        column_make(&columns[i], lies);
        field_list[i] = &columns[i].field;
        array_list[i] = take() ? &columns[i].array : NULL;
        memset(&columns[COLUMNS_MAX + i], 0, sizeof columns[0]);
        if (take() & 1) {
            column_make(&columns[COLUMNS_MAX + i], take() & 3 ? 0 : take());
            columns[i].field.dictionary = &columns[COLUMNS_MAX + i].field;
            columns[i].array.dictionary = &columns[COLUMNS_MAX + i].array;
        }
    }
    root_field = (struct ArrowSchema){.format = "+s",
                                      .n_children = n,
                                      .children = n ? field_list : NULL,
                                      .release = schema_release};
    root_buffers[0] = NULL;
    root = (struct ArrowArray){.length = take() % ROWS_MAX,
                               .offset = take() % 10,
                               .n_buffers = 1,
                               .buffers = root_buffers,
                               .n_children = take() ? n : take(),
                               .children = n ? array_list : NULL,
                               .release = array_release};
    read_all(&stream);
    for (int i = 0; i < 2 * COLUMNS_MAX; i++) {
        for (int k = 0; k < BUFFERS_MAX && i % COLUMNS_MAX < n; k++)
            free(columns[i].owned[k]);
    }
    return 0;
}
