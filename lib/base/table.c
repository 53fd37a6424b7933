/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include <errno.h>
#include <string.h>

typedef struct table_column {
    char *name;
    fbk__type type;
    bool nullable;
    int64_t n;      /* rows */
    uint8_t *valid; /* one byte a row; NULL as long as no null came */
    size_t valid_cap;
    unsigned char *data; /* values; of text, the bytes */
    size_t data_cap;     /* in values; of text, in bytes */
    int64_t *ends;       /* text: where each row ends */
    size_t ends_cap;
} table_column;

struct fbk__table {
    fbk_allocator a;
    table_column *columns;
    size_t n_columns;
    size_t cap;
    fbk_status failed;
    int failed_column;
};

static size_t
type_size(fbk__type type)
{
    static const size_t sizes[] = {
        [FBK__INT32] = 4, [FBK__INT64] = 8, [FBK__DOUBLE] = 8,
        [FBK__BOOL] = 1,  [FBK__TEXT] = 1,  [FBK__TIME] = 8,
    };

    return sizes[type];
}

static const char *
type_format(fbk__type type)
{
    static const char *const formats[] = {
        [FBK__INT32] = FBK_ARROW_INT32,   [FBK__INT64] = FBK_ARROW_INT64,
        [FBK__DOUBLE] = FBK_ARROW_DOUBLE, [FBK__BOOL] = FBK_ARROW_BOOL,
        [FBK__TEXT] = FBK_ARROW_TEXT,     [FBK__TIME] = FBK_ARROW_TIME,
    };

    return formats[type];
}

fbk__table *
fbk__table_new(const fbk_allocator *a)
{
    fbk__table *t = fbk__calloc(a, 1, sizeof *t);

    if (t)
        t->a = a ? *a : fbk__libc_allocator;
    return t;
}

void
fbk__table_free(fbk__table *t)
{
    fbk_allocator a;

    if (!t)
        return;
    a = t->a;
    for (size_t i = 0; i < t->n_columns; i++) {
        fbk__free(&a, t->columns[i].name);
        fbk__free(&a, t->columns[i].valid);
        fbk__free(&a, t->columns[i].data);
        fbk__free(&a, t->columns[i].ends);
    }
    fbk__free(&a, t->columns);
    fbk__free(&a, t);
}

static void
table_fail(fbk__table *t, int column, fbk_status code)
{
    if (t->failed)
        return;
    t->failed = code;
    t->failed_column = column;
}

int
fbk__table_column(fbk__table *t, const char *name, fbk__type type, bool nullable)
{
    table_column *c;

    if (!t || t->failed)
        return 0;
    if (!fbk__grow(&t->a, &t->columns, &t->cap, t->n_columns + 1, sizeof *t->columns)) {
        table_fail(t, 0, FBK_ENOMEM);
        return 0;
    }
    c = &t->columns[t->n_columns];
    memset(c, 0, sizeof *c);
    c->type = type;
    c->nullable = nullable;
    c->name = fbk__strndup(&t->a, name, strlen(name));
    if (!c->name) {
        table_fail(t, 0, FBK_ENOMEM);
        return 0;
    }
    return (int)t->n_columns++;
}

/* Room for n more rows of a column; NULL when the table has failed, now or before. */
static table_column *
table_room(fbk__table *t, int column, size_t n)
{
    table_column *c;
    size_t rows;
    bool fits;

    if (!t || t->failed)
        return NULL;
    if (column < 0 || (size_t)column >= t->n_columns) {
        table_fail(t, column, FBK_EMISUSE);
        return NULL;
    }
    c = &t->columns[column];
    rows = (size_t)c->n;
    fits = fbk__size_add(rows, n, &rows);
    if (fits && c->type == FBK__TEXT)
        fits = fbk__grow(&t->a, &c->ends, &c->ends_cap, rows, sizeof *c->ends);
    else if (fits)
        fits = fbk__grow(&t->a, &c->data, &c->data_cap, rows, type_size(c->type));
    if (fits && c->valid)
        fits = fbk__grow(&t->a, &c->valid, &c->valid_cap, rows, 1);
    if (!fits) {
        table_fail(t, column, FBK_ENOMEM);
        return NULL;
    }
    return c;
}

static int64_t
text_end(const table_column *c, int64_t row)
{
    return row ? c->ends[row - 1] : 0;
}

/* Count the rows that were written, as valid ones. */
static void
column_advance(table_column *c, size_t n)
{
    if (c->valid)
        memset(c->valid + c->n, 1, n);
    c->n += (int64_t)n;
}

void
fbk__table_add_int64(fbk__table *t, int column, int64_t value)
{
    table_column *c = table_room(t, column, 1);
    int32_t narrow = (int32_t)value;

    if (!c)
        return;
    if (c->type == FBK__INT64 || c->type == FBK__TIME) {
        memcpy(c->data + c->n * 8, &value, 8);
    } else if (c->type == FBK__BOOL) {
        c->data[c->n] = value != 0;
    } else if (c->type == FBK__INT32 && narrow == value) {
        memcpy(c->data + c->n * 4, &narrow, 4);
    } else {
        table_fail(t, column, FBK_EMISUSE);
        return;
    }
    column_advance(c, 1);
}

static void
table_append(fbk__table *t, int column, bool fits, const void *values, size_t n)
{
    table_column *c = table_room(t, column, n);

    if (!c)
        return;
    if (!fits) {
        table_fail(t, column, FBK_EMISUSE);
        return;
    }
    if (n)
        memcpy(c->data + (size_t)c->n * type_size(c->type), values, n * type_size(c->type));
    column_advance(c, n);
}

static bool
column_is(const fbk__table *t, int column, fbk__type type)
{
    return t && column >= 0 && (size_t)column < t->n_columns && t->columns[column].type == type;
}

void
fbk__table_add_double(fbk__table *t, int column, double value)
{
    table_append(t, column, column_is(t, column, FBK__DOUBLE), &value, 1);
}

void
fbk__table_set_int64s(fbk__table *t, int column, const int64_t *values, size_t n)
{
    table_append(t, column, column_is(t, column, FBK__INT64) || column_is(t, column, FBK__TIME),
                 values, n);
}

void
fbk__table_set_int32s(fbk__table *t, int column, const int32_t *values, size_t n)
{
    table_append(t, column, column_is(t, column, FBK__INT32), values, n);
}

void
fbk__table_set_doubles(fbk__table *t, int column, const double *values, size_t n)
{
    table_append(t, column, column_is(t, column, FBK__DOUBLE), values, n);
}

void
fbk__table_add_text(fbk__table *t, int column, const char *text, size_t len)
{
    table_column *c;
    int64_t from;
    size_t need;

    if (!text) {
        fbk__table_add_null(t, column);
        return;
    }
    c = table_room(t, column, 1);
    if (!c)
        return;
    if (c->type != FBK__TEXT || len > INT32_MAX) {
        table_fail(t, column, FBK_EMISUSE);
        return;
    }
    from = text_end(c, c->n);
    if (!fbk__size_add((size_t)from, len, &need) ||
        !fbk__grow(&t->a, &c->data, &c->data_cap, need, 1)) {
        table_fail(t, column, FBK_ENOMEM);
        return;
    }
    if (len)
        memcpy(c->data + from, text, len);
    c->ends[c->n] = (int64_t)need;
    column_advance(c, 1);
}

void
fbk__table_add_str(fbk__table *t, int column, const char *text)
{
    fbk__table_add_text(t, column, text, text ? strlen(text) : 0);
}

void
fbk__table_add_null(fbk__table *t, int column)
{
    table_column *c = table_room(t, column, 1);

    if (!c)
        return;
    if (!c->nullable) {
        table_fail(t, column, FBK_EMISUSE);
        return;
    }
    if (!c->valid) {
        if (!fbk__grow(&t->a, &c->valid, &c->valid_cap, (size_t)c->n + 1, 1)) {
            table_fail(t, column, FBK_ENOMEM);
            return;
        }
        memset(c->valid, 1, (size_t)c->n);
    }
    if (c->type == FBK__TEXT)
        c->ends[c->n] = text_end(c, c->n);
    else /* zero, not what the memory held before: it leaves the process */
        memset(c->data + (size_t)c->n * type_size(c->type), 0, type_size(c->type));
    column_advance(c, 1);
    c->valid[c->n - 1] = 0;
}

/* ---- export ---- */

/* Everything that one array owns lies in one block: this, then its buffers, or the structures of
 * its children (which own their own memory, so that a reader may move them out). */
typedef struct array_block {
    fbk_allocator a;
    const void *buffers[3];
} array_block;

static void
array_release(struct ArrowArray *array)
{
    array_block *block = array->private_data;
    fbk_allocator a = block->a;

    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    }
    array->release = NULL;
    fbk__free(&a, block);
}

static void
pack_bits(unsigned char *out, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i >> 3] = (unsigned char)(out[i >> 3] | (unsigned)(bytes[i] != 0) << (i & 7));
}

static size_t
padded(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* Buffers of rows [from, from + n): validity (none if no null), values or ends, text. Bounded: n
 * rows and at most INT32_MAX bytes of text, so no sum below overflows. */
static bool
export_column(const fbk_allocator *a, const table_column *c, int64_t from, size_t n,
              struct ArrowArray *out)
{
    bool text = c->type == FBK__TEXT;
    int64_t start = text ? text_end(c, from) : 0;
    size_t n_text = text ? (size_t)(text_end(c, from + (int64_t)n) - start) : 0;
    size_t n_data = text                   ? (n + 1) * 4
                    : c->type == FBK__BOOL ? (n + 7) / 8
                                           : n * type_size(c->type);
    size_t head = padded(sizeof(array_block));
    size_t bits = padded((n + 7) / 8);
    unsigned char *block = fbk__calloc(a, head + bits + padded(n_data) + padded(n_text + 1), 1);
    array_block *own = (array_block *)(void *)block;
    int64_t n_null = 0;

    if (!block)
        return false;
    for (size_t i = 0; c->valid && i < n; i++)
        n_null += !c->valid[from + (int64_t)i];
    own->a = *a;
    if (n_null) {
        pack_bits(block + head, c->valid + from, n);
        own->buffers[0] = block + head;
    }
    own->buffers[1] = block + head + bits;
    own->buffers[2] = block + head + bits + padded(n_data);
    for (size_t i = 0; text && i < n; i++) {
        int32_t end = (int32_t)(c->ends[from + (int64_t)i] - start);

        memcpy(block + head + bits + (i + 1) * 4, &end, 4);
    }
    if (text && n_text)
        memcpy(block + head + bits + padded(n_data), c->data + start, n_text);
    else if (c->type == FBK__BOOL)
        pack_bits(block + head + bits, c->data + from, n);
    else if (!text && n_data)
        memcpy(block + head + bits, c->data + (size_t)from * type_size(c->type), n_data);
    *out = (struct ArrowArray){.length = (int64_t)n,
                               .null_count = n_null,
                               .n_buffers = text ? 3 : 2,
                               .buffers = own->buffers,
                               .release = array_release,
                               .private_data = own};
    return true;
}

static bool
export_rows(const fbk__table *t, int64_t from, size_t n, struct ArrowArray *out)
{
    size_t head = padded(sizeof(array_block));
    size_t kids_size = t->n_columns * sizeof(struct ArrowArray);
    unsigned char *block = fbk__calloc(&t->a, head + kids_size + t->n_columns * sizeof(void *), 1);
    struct ArrowArray *kids;

    if (!block)
        return false;
    kids = (struct ArrowArray *)(void *)(block + head);
    *out = (struct ArrowArray){.length = (int64_t)n,
                               .n_buffers = 1,
                               .buffers = ((array_block *)(void *)block)->buffers,
                               .children = (struct ArrowArray **)(void *)(block + head + kids_size),
                               .release = array_release,
                               .private_data = block};
    ((array_block *)(void *)block)->a = t->a;
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!export_column(&t->a, &t->columns[i], from, n, &kids[i])) {
            out->release(out);
            return false;
        }
        out->children[i] = &kids[i];
        out->n_children++;
    }
    return true;
}

typedef struct schema_block {
    fbk_allocator a;
} schema_block;

static void
schema_release(struct ArrowSchema *schema)
{
    schema_block *block = schema->private_data;
    fbk_allocator a = block->a;

    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
    }
    schema->release = NULL;
    fbk__free(&a, block);
}

static bool
export_field(const fbk_allocator *a, const table_column *c, struct ArrowSchema *out)
{
    size_t head = padded(sizeof(schema_block));
    size_t len = strlen(c->name) + 1;
    char *block = fbk__alloc(a, head + len);

    if (!block)
        return false;
    ((schema_block *)(void *)block)->a = *a;
    memcpy(block + head, c->name, len);
    *out = (struct ArrowSchema){.format = type_format(c->type),
                                .name = block + head,
                                .flags = c->nullable ? ARROW_FLAG_NULLABLE : 0,
                                .release = schema_release,
                                .private_data = block};
    return true;
}

static bool
export_schema(const fbk__table *t, struct ArrowSchema *out)
{
    size_t head = padded(sizeof(schema_block));
    size_t kids_size = t->n_columns * sizeof(struct ArrowSchema);
    char *block = fbk__calloc(&t->a, head + kids_size + t->n_columns * sizeof(void *), 1);
    struct ArrowSchema *kids;

    if (!block)
        return false;
    kids = (struct ArrowSchema *)(void *)(block + head);
    ((schema_block *)(void *)block)->a = t->a;
    *out =
        (struct ArrowSchema){.format = "+s",
                             .name = "",
                             .children = (struct ArrowSchema **)(void *)(block + head + kids_size),
                             .release = schema_release,
                             .private_data = block};
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!export_field(&t->a, &t->columns[i], &kids[i])) {
            out->release(out);
            return false;
        }
        out->children[i] = &kids[i];
        out->n_children++;
    }
    return true;
}

typedef struct table_source {
    fbk__table *t;
    int64_t at;
    int64_t per_batch;
    bool started;
    const char *error;
} table_source;

static int
source_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    table_source *s = stream->private_data;

    if (!s)
        return EINVAL;
    s->error = NULL;
    if (export_schema(s->t, out))
        return 0;
    out->release = NULL;
    s->error = "out of memory";
    return ENOMEM;
}

/* Rows of the next batch: as many as asked for, but no text column may pass 2 GiB. */
static int64_t
source_rows(const table_source *s)
{
    const fbk__table *t = s->t;
    int64_t left = t->n_columns ? t->columns[0].n - s->at : 0;
    int64_t n = left < s->per_batch ? left : s->per_batch;

    for (size_t i = 0; i < t->n_columns; i++) {
        const table_column *c = &t->columns[i];

        while (c->type == FBK__TEXT && text_end(c, s->at + n) - text_end(c, s->at) > INT32_MAX)
            n /= 2;
    }
    return n;
}

static int
source_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    table_source *s = stream->private_data;
    int64_t n;

    if (!s)
        return EINVAL;
    s->error = NULL;
    out->release = NULL;
    n = source_rows(s);
    if (n == 0 && s->started)
        return 0;
    if (!export_rows(s->t, s->at, (size_t)n, out)) {
        out->release = NULL;
        s->error = "out of memory";
        return ENOMEM;
    }
    s->at += n;
    s->started = true;
    return 0;
}

static const char *
source_last_error(struct ArrowArrayStream *stream)
{
    const table_source *s = stream->private_data;

    return s ? s->error : "the stream was released already";
}

static void
source_release(struct ArrowArrayStream *stream)
{
    table_source *s = stream->private_data;

    stream->release = NULL;
    stream->private_data = NULL;
    if (s) {
        fbk_allocator a = s->t->a;

        fbk__table_free(s->t);
        fbk__free(&a, s);
    }
}

static fbk_status
table_check(fbk *db, const fbk__table *t)
{
    if (!t || t->failed == FBK_ENOMEM)
        return fbk__nomem(db);
    if (t->failed)
        return fbk__fail(db, t->failed, "a value of result column %d had another type",
                         t->failed_column);
    for (size_t i = 1; i < t->n_columns; i++) {
        if (t->columns[i].n != t->columns[0].n)
            return fbk__fail(db, FBK_EMISUSE, "result column %s had %lld rows, not %lld",
                             t->columns[i].name, (long long)t->columns[i].n,
                             (long long)t->columns[0].n);
    }
    return FBK_OK;
}

fbk_status
fbk__table_stream(fbk *db, fbk__table *t, int64_t rows_per_batch, struct ArrowArrayStream *out)
{
    table_source *s = NULL;
    fbk_status rc;

    rc = table_check(db, t);
    if (rc < 0)
        goto out;
    s = fbk__calloc(&t->a, 1, sizeof *s);
    if (!s) {
        rc = fbk__nomem(db);
        goto out;
    }
    s->t = t;
    s->per_batch = rows_per_batch > 0 ? rows_per_batch : FBK__TABLE_BATCH;
    if (s->per_batch > INT32_MAX / 8)
        s->per_batch = INT32_MAX / 8;
    t = NULL;
    *out = (struct ArrowArrayStream){.get_schema = source_get_schema,
                                     .get_next = source_get_next,
                                     .get_last_error = source_last_error,
                                     .release = source_release,
                                     .private_data = s};
out:
    fbk__table_free(t);
    return rc;
}
