/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_ARROW_H
#define FEEDBACK_ARROW_H

#include <feedback/base.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** @file
 *  Tables in and out: the Arrow C data and stream interfaces, and enough inline code to fill and to
 *  walk such a stream from plain C. No Arrow library is needed.
 *
 *  The three structures are those of the Arrow specification, under its guards, so that any other
 *  header that has them may be included too. */

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    /* Array type description */
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;

    /* Release callback */
    void (*release)(struct ArrowSchema *);
    /* Opaque producer-specific data */
    void *private_data;
};

struct ArrowArray {
    /* Array data description */
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;

    /* Release callback */
    void (*release)(struct ArrowArray *);
    /* Opaque producer-specific data */
    void *private_data;
};

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    /* Callbacks providing stream functionality */
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);

    /* Release callback */
    void (*release)(struct ArrowArrayStream *);

    /* Opaque producer-specific data */
    void *private_data;
};

#endif /* ARROW_C_STREAM_INTERFACE */

/** Column types of fbk_arrow_builder_column(), as Arrow writes them. @since 0.1 */
#define FBK_ARROW_INT32 "i"      /**< int32_t */
#define FBK_ARROW_INT64 "l"      /**< int64_t */
#define FBK_ARROW_DOUBLE "g"     /**< double */
#define FBK_ARROW_BOOL "b"       /**< 0 or 1 */
#define FBK_ARROW_TEXT "u"       /**< UTF-8 bytes, at most 2 GiB a column */
#define FBK_ARROW_TIME "tsu:UTC" /**< fbk_time */

/* ------------------------------------------------------------------ walking a stream */

/** The rows of a stream, one after the other. @since 0.1
 *
 *  Made by fbk_arrow_rows_open(), moved by fbk_arrow_rows_next(), ended by fbk_arrow_rows_close().
 *  Reads what this library gives: FBK_ARROW_* columns. All fields are private. @threads one */
typedef struct fbk_arrow_rows {
    struct ArrowArrayStream stream; /**< Moved in at open. */
    struct ArrowSchema schema;      /**< Of the stream. */
    struct ArrowArray batch;        /**< The one that row points into. */
    int64_t row;                    /**< Row within the batch. */
} fbk_arrow_rows;

/**
 * End a walk. Safe on rows whose opening failed, and twice.
 *
 * @param rows  What fbk_arrow_rows_open() filled.
 *
 * @ownership  releases the stream, its schema and the current batch.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
static inline void
fbk_arrow_rows_close(fbk_arrow_rows *rows)
{
    if (rows->batch.release)
        rows->batch.release(&rows->batch);
    if (rows->schema.release)
        rows->schema.release(&rows->schema);
    if (rows->stream.release)
        rows->stream.release(&rows->stream);
    memset(rows, 0, sizeof *rows);
}

/**
 * Begin to walk the rows of a stream.
 *
 * @param[out] rows    Caller's structure; fbk_arrow_rows_close() ends it.
 * @param      stream  Taken over, also on failure: its release becomes NULL.
 *
 * @retval FBK_OK      fbk_arrow_rows_next() gives the first row.
 * @retval FBK_EINVAL  the stream was released already, or is no table.
 * @retval FBK_EIO     the stream gave no schema.
 *
 * @ownership  the stream belongs to @p rows.
 * @threads    any
 * @cost       O(columns).
 * @since 0.1
 */
static inline FBK_MUST_USE fbk_status
fbk_arrow_rows_open(fbk_arrow_rows *rows, struct ArrowArrayStream *stream)
{
    memset(rows, 0, sizeof *rows);
    if (!stream->release)
        return FBK_EINVAL;
    rows->stream = *stream;
    stream->release = NULL;
    if (rows->stream.get_schema(&rows->stream, &rows->schema) != 0) {
        rows->schema.release = NULL;
        fbk_arrow_rows_close(rows);
        return FBK_EIO;
    }
    if (strcmp(rows->schema.format, "+s") != 0) {
        fbk_arrow_rows_close(rows);
        return FBK_EINVAL;
    }
    return FBK_OK;
}

/**
 * Go to the next row.
 *
 * @param rows  An open walk.
 *
 * @retval FBK_OK    there is one; the readers below see it.
 * @retval FBK_DONE  there are no more rows.
 * @retval FBK_EIO   the stream failed; rows->stream.get_last_error() says why.
 *
 * @ownership  texts read before are gone when the batch changes.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
static inline FBK_MUST_USE fbk_status
fbk_arrow_rows_next(fbk_arrow_rows *rows)
{
    if (rows->batch.release && ++rows->row < rows->batch.length)
        return FBK_OK;
    for (;;) {
        if (rows->batch.release)
            rows->batch.release(&rows->batch);
        rows->batch.release = NULL;
        rows->row = 0;
        if (!rows->stream.release)
            return FBK_DONE;
        if (rows->stream.get_next(&rows->stream, &rows->batch) != 0) {
            rows->batch.release = NULL;
            return FBK_EIO;
        }
        if (!rows->batch.release)
            return FBK_DONE;
        if (rows->batch.length > 0)
            return FBK_OK;
    }
}

/**
 * Number of a column.
 *
 * @param rows  An open walk.
 * @param name  Its name, byte for byte.
 * @return its number from 0; -1 if there is none of that name.
 *
 * @ownership  a value.
 * @threads    any
 * @cost       O(columns).
 * @since 0.1
 */
static inline int64_t
fbk_arrow_rows_column(const fbk_arrow_rows *rows, const char *name)
{
    int64_t i;

    for (i = 0; i < rows->schema.n_children; i++) {
        if (rows->schema.children[i]->name && strcmp(rows->schema.children[i]->name, name) == 0)
            return i;
    }
    return -1;
}

/**
 * Whether the value of a column in this row is missing.
 *
 * @param rows    A walk that is at a row.
 * @param column  Number of the column; one that does not exist is missing everywhere.
 * @return 1 missing, 0 there.
 *
 * @ownership  a value.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
static inline int
fbk_arrow_rows_null(const fbk_arrow_rows *rows, int64_t column)
{
    const struct ArrowArray *array;
    const uint8_t *valid;
    int64_t at;

    if (column < 0 || column >= rows->batch.n_children)
        return 1;
    array = rows->batch.children[column];
    at = array->offset + rows->batch.offset + rows->row;
    valid =
        array->null_count == 0 || array->n_buffers < 1 ? NULL : (const uint8_t *)array->buffers[0];
    return valid != NULL && ((valid[at >> 3] >> (at & 7)) & 1) == 0;
}

/**
 * A whole number, truth value or time of this row.
 *
 * @param rows    A walk that is at a row.
 * @param column  Number of an int32, int64, bool or timestamp column.
 * @return the value; 0 if it is missing or the column is of another type.
 *
 * @ownership  a value.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
static inline int64_t
fbk_arrow_rows_int64(const fbk_arrow_rows *rows, int64_t column)
{
    const struct ArrowArray *array;
    const char *format;
    const uint8_t *data;
    int64_t at;
    int64_t wide;
    int32_t narrow;

    if (fbk_arrow_rows_null(rows, column))
        return 0;
    array = rows->batch.children[column];
    format = rows->schema.children[column]->format;
    data = (const uint8_t *)array->buffers[1];
    at = array->offset + rows->batch.offset + rows->row;
    if (strcmp(format, "b") == 0)
        return (data[at >> 3] >> (at & 7)) & 1;
    if (strcmp(format, "i") == 0) {
        memcpy(&narrow, data + at * 4, sizeof narrow);
        return narrow;
    }
    if (strcmp(format, "l") != 0 && strncmp(format, "ts", 2) != 0)
        return 0;
    memcpy(&wide, data + at * 8, sizeof wide);
    return wide;
}

/**
 * A number of this row.
 *
 * @param rows    A walk that is at a row.
 * @param column  Number of a double column, or of one that fbk_arrow_rows_int64() reads.
 * @return the value; 0 if it is missing or the column is of another type.
 *
 * @ownership  a value.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
static inline double
fbk_arrow_rows_double(const fbk_arrow_rows *rows, int64_t column)
{
    const struct ArrowArray *array;
    double value;
    int64_t at;

    if (fbk_arrow_rows_null(rows, column))
        return 0.0;
    if (strcmp(rows->schema.children[column]->format, "g") != 0)
        return (double)fbk_arrow_rows_int64(rows, column);
    array = rows->batch.children[column];
    at = array->offset + rows->batch.offset + rows->row;
    memcpy(&value, (const uint8_t *)array->buffers[1] + at * 8, sizeof value);
    return value;
}

/**
 * A text of this row.
 *
 * @param      rows     A walk that is at a row.
 * @param      column   Number of a text column.
 * @param[out] out_len  Its length in bytes; 0 if there is none.
 * @return its bytes, not NUL-terminated; NULL if it is missing or the column is of another type.
 *
 * @ownership  borrowed until the next fbk_arrow_rows_next().
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
static inline const char *
fbk_arrow_rows_text(const fbk_arrow_rows *rows, int64_t column, int64_t *out_len)
{
    const struct ArrowArray *array;
    int32_t ends[2];
    int64_t at;

    *out_len = 0;
    if (fbk_arrow_rows_null(rows, column) ||
        strcmp(rows->schema.children[column]->format, "u") != 0)
        return NULL;
    array = rows->batch.children[column];
    at = array->offset + rows->batch.offset + rows->row;
    memcpy(ends, (const uint8_t *)array->buffers[1] + at * 4, sizeof ends);
    *out_len = ends[1] - ends[0];
    return *out_len ? (const char *)array->buffers[2] + ends[0] : "";
}

/* ------------------------------------------------------------------ filling a stream */

/** One column of a builder; all fields are private. @since 0.1 */
typedef struct fbk_arrow_field {
    char *name;         /**< Own copy. */
    const char *format; /**< One of FBK_ARROW_*. */
    int64_t length;     /**< Rows so far. */
    int64_t capacity;   /**< Rows that valid, data and ends have room for. */
    int64_t n_null;     /**< Missing ones. */
    int64_t text_len;   /**< Bytes in text. */
    int64_t text_cap;   /**< Room in text. */
    void *buffer[3];    /**< Validity bits; values or text ends; text. */
} fbk_arrow_field;

/** A table in the making. Zero it (FBK_ARROW_BUILDER_INIT), add columns, add the values of each row
 *  to every column, and give it away with fbk_arrow_builder_finish(). A failure is remembered, so
 *  that one check at the end is enough. All fields are private. @threads one @since 0.1 */
typedef struct fbk_arrow_builder {
    fbk_arrow_field *fields; /**< n_fields of them. */
    int64_t n_fields;        /**< Columns. */
    fbk_status failed;       /**< First failure, or FBK_OK. */
    uint32_t reserved0;      /**< 0. */
} fbk_arrow_builder;
#define FBK_ARROW_BUILDER_INIT \
    {                          \
        NULL, 0, FBK_OK, 0u    \
    }

/**
 * Throw a table in the making away.
 *
 * @param b  Builder; all its memory is freed and it is as new. Nothing happens to a new one.
 *
 * @ownership  frees what @p b holds.
 * @threads    any
 * @cost       O(columns).
 * @since 0.1
 */
static inline void
fbk_arrow_builder_free(fbk_arrow_builder *b)
{
    int64_t i;
    int k;

    for (i = 0; i < b->n_fields; i++) {
        free(b->fields[i].name);
        for (k = 0; k < 3; k++)
            free(b->fields[i].buffer[k]);
    }
    free(b->fields);
    memset(b, 0, sizeof *b);
}

/**
 * Add a column; all columns before the first row.
 *
 * @param b       Builder.
 * @param name    Copied.
 * @param format  One of FBK_ARROW_*; kept, so it must be a constant.
 * @return its number from 0; -1 on failure, which fbk_arrow_builder_finish() reports.
 *
 * @ownership  copies the name.
 * @threads    any
 * @cost       O(columns).
 * @since 0.1
 */
static inline int64_t
fbk_arrow_builder_column(fbk_arrow_builder *b, const char *name, const char *format)
{
    size_t len = strlen(name) + 1;
    fbk_arrow_field *fields;
    fbk_arrow_field *f;

    if (b->failed)
        return -1;
    fields = (fbk_arrow_field *)realloc(b->fields, ((size_t)b->n_fields + 1) * sizeof *fields);
    if (fields) {
        b->fields = fields;
        f = &fields[b->n_fields];
        memset(f, 0, sizeof *f);
        f->format = format;
        f->name = (char *)malloc(len);
        if (f->name) {
            memcpy(f->name, name, len);
            return b->n_fields++;
        }
    }
    b->failed = FBK_ENOMEM;
    return -1;
}

/* Bytes that n values of a column take; texts: n + 1 ends. */
static inline size_t
fbk_arrow_priv_bytes(const fbk_arrow_field *f, int64_t n)
{
    if (f->format[0] == 'b')
        return ((size_t)n + 7) / 8;
    return f->format[0] == 'i'   ? (size_t)n * 4
           : f->format[0] == 'u' ? ((size_t)n + 1) * 4
                                 : (size_t)n * 8;
}

/* Room in buffer k: old bytes kept, new bytes zero. */
static inline int
fbk_arrow_priv_room(fbk_arrow_field *f, int k, size_t old_size, size_t size)
{
    char *grown = (char *)realloc(f->buffer[k], size);

    if (!grown)
        return 0;
    memset(grown + old_size, 0, size - old_size);
    f->buffer[k] = grown;
    return 1;
}

/* The next slot of a column, made valid or not; its address, NULL on failure. Room for one row
 * exists from the start, so that an empty column has buffers too. */
static inline fbk_arrow_field *
fbk_arrow_priv_slot(fbk_arrow_builder *b, int64_t column, int valid)
{
    fbk_arrow_field *f;
    int64_t cap;
    size_t old;

    if (b->failed)
        return NULL;
    if (column < 0 || column >= b->n_fields) {
        b->failed = FBK_EINVAL;
        return NULL;
    }
    f = &b->fields[column];
    if (f->length == f->capacity) {
        cap = f->capacity ? f->capacity * 2 : 64;
        old = f->capacity ? fbk_arrow_priv_bytes(f, f->capacity) : 0;
        if (!fbk_arrow_priv_room(f, 0, (size_t)f->capacity / 8, (size_t)cap / 8) ||
            !fbk_arrow_priv_room(f, 1, old, fbk_arrow_priv_bytes(f, cap))) {
            b->failed = FBK_ENOMEM;
            return NULL;
        }
        f->capacity = cap;
    }
    if (valid) {
        uint8_t *bits = (uint8_t *)f->buffer[0];

        bits[f->length >> 3] = (uint8_t)(bits[f->length >> 3] | (1u << (f->length & 7)));
    } else {
        f->n_null++;
    }
    if (f->format[0] == 'u') {
        int32_t *ends = (int32_t *)f->buffer[1];

        ends[f->length + 1] = ends[f->length];
    }
    f->length++;
    return f;
}

/**
 * The next value of a column is missing.
 *
 * @param b       Builder.
 * @param column  Number that fbk_arrow_builder_column() gave.
 *
 * @ownership  a value.
 * @threads    any
 * @cost       O(1), amortised.
 * @since 0.1
 */
static inline void
fbk_arrow_add_null(fbk_arrow_builder *b, int64_t column)
{
    (void)fbk_arrow_priv_slot(b, column, 0);
}

/**
 * The next value of an int32, int64, bool or time column.
 *
 * @param b       Builder.
 * @param column  Number that fbk_arrow_builder_column() gave.
 * @param value   In the range of the column's type; any value but 0 is true.
 *
 * @ownership  a value.
 * @threads    any
 * @cost       O(1), amortised.
 * @since 0.1
 */
static inline void
fbk_arrow_add_int64(fbk_arrow_builder *b, int64_t column, int64_t value)
{
    fbk_arrow_field *f = fbk_arrow_priv_slot(b, column, 1);
    uint8_t *data;
    int64_t at;

    if (!f)
        return;
    at = f->length - 1;
    data = (uint8_t *)f->buffer[1];
    if (f->format[0] == 'b') {
        if (value)
            data[at >> 3] = (uint8_t)(data[at >> 3] | (1u << (at & 7)));
    } else if (f->format[0] == 'i' && value >= INT32_MIN && value <= INT32_MAX) {
        ((int32_t *)f->buffer[1])[at] = (int32_t)value;
    } else if (f->format[0] == 'l' || f->format[0] == 't') {
        ((int64_t *)f->buffer[1])[at] = value;
    } else {
        b->failed = f->format[0] == 'i' ? FBK_ERANGE : FBK_EINVAL;
    }
}

/**
 * The next value of a double column.
 *
 * @param b       Builder.
 * @param column  Number that fbk_arrow_builder_column() gave.
 * @param value   Any double.
 *
 * @ownership  a value.
 * @threads    any
 * @cost       O(1), amortised.
 * @since 0.1
 */
static inline void
fbk_arrow_add_double(fbk_arrow_builder *b, int64_t column, double value)
{
    fbk_arrow_field *f = fbk_arrow_priv_slot(b, column, 1);

    if (!f)
        return;
    if (f->format[0] == 'g')
        ((double *)f->buffer[1])[f->length - 1] = value;
    else
        b->failed = FBK_EINVAL;
}

/**
 * The next value of a text column.
 *
 * @param b       Builder.
 * @param column  Number that fbk_arrow_builder_column() gave.
 * @param text    UTF-8; NULL = missing.
 * @param len     Bytes; -1 = up to the NUL.
 *
 * @ownership  copies the text.
 * @threads    any
 * @cost       O(len), amortised.
 * @since 0.1
 */
static inline void
fbk_arrow_add_text(fbk_arrow_builder *b, int64_t column, const char *text, int64_t len)
{
    fbk_arrow_field *f = fbk_arrow_priv_slot(b, column, text != NULL);
    int64_t cap;

    if (!f)
        return;
    if (text && len < 0)
        len = (int64_t)strlen(text);
    if (f->format[0] != 'u') {
        b->failed = FBK_EINVAL;
    } else if (text && len > INT32_MAX - f->text_len) {
        b->failed = FBK_ERANGE;
    } else if (text) {
        cap = f->text_cap ? f->text_cap : 64;
        while (cap < f->text_len + len)
            cap *= 2;
        if (cap > f->text_cap && !fbk_arrow_priv_room(f, 2, (size_t)f->text_cap, (size_t)cap)) {
            b->failed = FBK_ENOMEM;
            return;
        }
        f->text_cap = cap;
        if (len)
            memcpy((char *)f->buffer[2] + f->text_len, text, (size_t)len);
        f->text_len += len;
        ((int32_t *)f->buffer[1])[f->length] = (int32_t)f->text_len;
    }
}

static inline void
fbk_arrow_priv_schema_release(struct ArrowSchema *schema)
{
    int64_t i;

    for (i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
    }
    free(schema->children ? schema->children[0] : NULL);
    free(schema->children);
    free(schema->private_data);
    schema->release = NULL;
}

static inline void
fbk_arrow_priv_array_release(struct ArrowArray *array)
{
    int64_t i;

    for (i = 0; i < array->n_children; i++) {
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    }
    for (i = 0; i < array->n_buffers; i++)
        free((void *)array->buffers[i]);
    free(array->children ? array->children[0] : NULL);
    free(array->children);
    free(array->buffers);
    array->release = NULL;
}

/* A table of n columns needs n structures and n pointers to them. */
static inline int
fbk_arrow_priv_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    const fbk_arrow_builder *b = (const fbk_arrow_builder *)stream->private_data;
    struct ArrowSchema *kids;
    size_t n;
    size_t i;

    if (!stream->release)
        return EINVAL;
    n = (size_t)b->n_fields;
    memset(out, 0, sizeof *out);
    out->format = "+s";
    out->name = "";
    kids = (struct ArrowSchema *)calloc(n + 1, sizeof *kids);
    out->children = (struct ArrowSchema **)calloc(n + 1, sizeof *out->children);
    if (!kids || !out->children) {
        free(kids);
        free(out->children);
        return ENOMEM;
    }
    out->children[0] = kids;
    out->release = fbk_arrow_priv_schema_release;
    for (i = 0; i < n; i++) {
        size_t len = strlen(b->fields[i].name) + 1;
        char *name = (char *)malloc(len);

        if (!name) {
            out->release(out);
            return ENOMEM;
        }
        memcpy(name, b->fields[i].name, len);
        out->children[i] = &kids[i];
        kids[i].format = b->fields[i].format;
        kids[i].name = name;
        kids[i].private_data = name;
        kids[i].flags = ARROW_FLAG_NULLABLE;
        kids[i].release = fbk_arrow_priv_schema_release;
        out->n_children = (int64_t)i + 1;
    }
    return 0;
}

/* The buffers of each column move into an array of its own. */
static inline int
fbk_arrow_priv_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    fbk_arrow_builder *b = (fbk_arrow_builder *)stream->private_data;
    struct ArrowArray *kids;
    size_t i;

    if (!stream->release)
        return EINVAL;
    memset(out, 0, sizeof *out);
    if (b->failed == FBK_DONE)
        return 0;
    kids = (struct ArrowArray *)calloc((size_t)b->n_fields + 1, sizeof *kids);
    out->children = (struct ArrowArray **)calloc((size_t)b->n_fields + 1, sizeof *out->children);
    out->buffers = (const void **)calloc(1, sizeof *out->buffers);
    if (!kids || !out->children || !out->buffers) {
        free(kids);
        free(out->children);
        free(out->buffers);
        return ENOMEM;
    }
    out->children[0] = kids;
    out->n_buffers = 1;
    out->release = fbk_arrow_priv_array_release;
    for (i = 0; i < (size_t)b->n_fields; i++) {
        kids[i].buffers = (const void **)calloc(3, sizeof *kids[i].buffers);
        if (!kids[i].buffers) {
            out->release(out);
            return ENOMEM;
        }
        out->children[i] = &kids[i];
        kids[i].release = fbk_arrow_priv_array_release;
        out->n_children = (int64_t)i + 1;
    }
    for (i = 0; i < (size_t)b->n_fields; i++) {
        kids[i].length = b->fields[i].length;
        kids[i].null_count = b->fields[i].n_null;
        kids[i].n_buffers = b->fields[i].format[0] == 'u' ? 3 : 2;
        memcpy(kids[i].buffers, b->fields[i].buffer, sizeof b->fields[i].buffer);
        memset(b->fields[i].buffer, 0, sizeof b->fields[i].buffer);
        out->length = kids[i].length;
    }
    b->failed = FBK_DONE;
    return 0;
}

static inline const char *
fbk_arrow_priv_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "out of memory, or the stream was released";
}

static inline void
fbk_arrow_priv_stream_release(struct ArrowArrayStream *stream)
{
    fbk_arrow_builder *b = (fbk_arrow_builder *)stream->private_data;

    fbk_arrow_builder_free(b);
    free(b);
    stream->private_data = NULL;
    stream->release = NULL;
}

/**
 * Turn the table into a stream of one batch, for a call of this library or of any other.
 *
 * @param      b    Builder; afterwards, also on failure, it is as new.
 * @param[out] out  Stream; untouched on failure.
 *
 * @retval FBK_OK      whoever takes the stream releases it; else call out->release(out).
 * @retval FBK_EINVAL  columns differ in length, or a value did not fit its column.
 * @retval FBK_ERANGE  a number or the length of a column was too large for its type.
 * @retval FBK_ENOMEM  out of memory, now or while the table was filled.
 *
 * @ownership  the stream owns all memory; it uses malloc() and free() of the caller.
 * @threads    any
 * @cost       O(columns); values are not copied.
 * @since 0.1
 */
static inline FBK_MUST_USE fbk_status
fbk_arrow_builder_finish(fbk_arrow_builder *b, struct ArrowArrayStream *out)
{
    fbk_arrow_builder *own = (fbk_arrow_builder *)malloc(sizeof *own);
    fbk_status rc = b->failed;
    int64_t i;

    for (i = 0; i < b->n_fields && rc == FBK_OK; i++) {
        fbk_arrow_field *f = &b->fields[i];

        if (f->length != b->fields[0].length)
            rc = FBK_EINVAL;
        /* No buffer is left NULL: some readers do not expect that of empty columns. */
        else if ((!f->buffer[0] && !fbk_arrow_priv_room(f, 0, 0, 8)) ||
                 (!f->buffer[1] && !fbk_arrow_priv_room(f, 1, 0, 8)) ||
                 (f->format[0] == 'u' && !f->buffer[2] && !fbk_arrow_priv_room(f, 2, 0, 8)))
            rc = FBK_ENOMEM;
    }
    if (rc == FBK_OK && !own)
        rc = FBK_ENOMEM;
    if (rc != FBK_OK) {
        free(own);
        fbk_arrow_builder_free(b);
        return rc;
    }
    *own = *b;
    memset(b, 0, sizeof *b);
    out->get_schema = fbk_arrow_priv_get_schema;
    out->get_next = fbk_arrow_priv_get_next;
    out->get_last_error = fbk_arrow_priv_last_error;
    out->release = fbk_arrow_priv_stream_release;
    out->private_data = own;
    return FBK_OK;
}

#ifdef __cplusplus
}
#endif
#endif
