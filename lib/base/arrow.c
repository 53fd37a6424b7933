/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arrow.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum arrow_kind {
    KIND_OTHER, /* not read by us */
    KIND_NULL,
    KIND_BOOL,
    KIND_INT,
    KIND_UINT,
    KIND_FLOAT,
    KIND_TEXT, /* offsets of `width` bytes */
    KIND_VIEW, /* utf8view */
    KIND_TIME  /* value * mul / div = µs */
} arrow_kind;

typedef struct arrow_type {
    arrow_kind kind;
    uint8_t width; /* bytes a value, or an offset */
    int64_t mul;
    int64_t div;
} arrow_type;

/* One array as far as this batch needs it; all offsets added up. */
typedef struct arrow_view {
    const uint8_t *valid; /* NULL = no nulls */
    const uint8_t *data;  /* values, offsets or views */
    const uint8_t *text;
    const void *const *buffers; /* of a view array: the character buffers */
    const uint8_t *sizes;       /* of a view array: their sizes, int64 */
    int64_t n_buffers;
    int64_t offset;
    int64_t length;
    int64_t text_end; /* the last offset: no text ends behind it */
} arrow_view;

typedef struct arrow_column {
    arrow_type type;
    arrow_type index; /* KIND_OTHER unless dictionary-encoded */
    arrow_view view;  /* of the indices, if dictionary-encoded */
    arrow_view dict;
    char scratch[24];
} arrow_column;

struct fbk__arrow_reader {
    fbk *db;
    fbk_allocator a;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    arrow_view root;
    arrow_column *columns;
    size_t n_columns;
    int64_t base;
    bool ended;
};

/* Lengths beyond this are nonsense, and would overflow byte offsets. */
#define ARROW_LENGTH_MAX (INT64_C(1) << 48)

static int64_t
load_int64(const uint8_t *p)
{
    int64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static int32_t
load_int32(const uint8_t *p)
{
    int32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* ---- schema ---- */

static arrow_type
type_parse(const char *f)
{
    static const struct {
        const char *format;
        arrow_type type;
    } known[] = {
        {"n", {KIND_NULL, 0, 0, 0}},
        {"b", {KIND_BOOL, 0, 0, 0}},
        {"c", {KIND_INT, 1, 0, 0}},
        {"C", {KIND_UINT, 1, 0, 0}},
        {"s", {KIND_INT, 2, 0, 0}},
        {"S", {KIND_UINT, 2, 0, 0}},
        {"i", {KIND_INT, 4, 0, 0}},
        {"I", {KIND_UINT, 4, 0, 0}},
        {"l", {KIND_INT, 8, 0, 0}},
        {"L", {KIND_UINT, 8, 0, 0}},
        {"f", {KIND_FLOAT, 4, 0, 0}},
        {"g", {KIND_FLOAT, 8, 0, 0}},
        {"u", {KIND_TEXT, 4, 0, 0}},
        {"z", {KIND_TEXT, 4, 0, 0}},
        {"U", {KIND_TEXT, 8, 0, 0}},
        {"Z", {KIND_TEXT, 8, 0, 0}},
        {"vu", {KIND_VIEW, 16, 0, 0}},
        {"vz", {KIND_VIEW, 16, 0, 0}},
        {"tdD", {KIND_TIME, 4, INT64_C(86400000000), 1}},
        {"tdm", {KIND_TIME, 8, 1000, 1}},
    };
    static const struct {
        const char *prefix; /* the zone follows */
        arrow_type type;
    } stamps[] = {
        {"tss:", {KIND_TIME, 8, 1000000, 1}},
        {"tsm:", {KIND_TIME, 8, 1000, 1}},
        {"tsu:", {KIND_TIME, 8, 1, 1}},
        {"tsn:", {KIND_TIME, 8, 1, 1000}},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(f, known[i].format) == 0)
            return known[i].type;
    }
    for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++) {
        if (strncmp(f, stamps[i].prefix, 4) == 0)
            return stamps[i].type;
    }
    return (arrow_type){KIND_OTHER, 0, 0, 0};
}

static fbk_status
schema_column(const struct ArrowSchema *field, arrow_column *out)
{
    if (!field || !field->release || !field->format)
        return FBK_EINVAL;
    out->type = type_parse(field->format);
    if (!field->dictionary)
        return FBK_OK;
    if (!field->dictionary->release || !field->dictionary->format)
        return FBK_EINVAL;
    out->index = out->type;
    if (out->index.kind != KIND_INT && out->index.kind != KIND_UINT)
        return FBK_EINVAL;
    out->type = type_parse(field->dictionary->format);
    if (field->dictionary->dictionary) /* a dictionary of a dictionary: legal, but nobody's */
        out->type.kind = KIND_OTHER;
    return FBK_OK;
}

/* What the stream's own producer says. It is the host's text, cut to a sentence's length. */
static fbk_status
stream_failed(fbk__arrow_reader *r, int code)
{
    const char *text = NULL;

    if (r->stream.release && r->stream.get_last_error)
        text = r->stream.get_last_error(&r->stream);
    if (code == ENOMEM)
        return fbk__nomem(r->db);
    return fbk__fail(r->db, code == EIO ? FBK_EIO : FBK_EINVAL,
                     "the Arrow stream failed with code %d: %.200s", code,
                     text ? text : "no reason");
}

static fbk_status
reader_schema(fbk__arrow_reader *r)
{
    int code = r->stream.get_schema(&r->stream, &r->schema);

    if (code != 0) {
        r->schema.release = NULL; /* what a failed call leaves there is not ours to release */
        return stream_failed(r, code);
    }
    if (!r->schema.release || !r->schema.format || strcmp(r->schema.format, "+s") != 0 ||
        r->schema.dictionary || r->schema.n_children < 0 || r->schema.n_children > INT32_MAX ||
        (r->schema.n_children > 0 && !r->schema.children))
        return fbk__fail(r->db, FBK_EINVAL, "the Arrow stream was no table (struct expected)");
    r->n_columns = (size_t)r->schema.n_children;
    r->columns = fbk__calloc(&r->a, r->n_columns, sizeof *r->columns);
    if (!r->columns)
        return fbk__nomem(r->db);
    for (size_t i = 0; i < r->n_columns; i++) {
        if (schema_column(r->schema.children[i], &r->columns[i]) < 0)
            return fbk__fail(r->db, FBK_EINVAL, "the schema of Arrow column %zu was malformed", i);
    }
    return FBK_OK;
}

fbk_status
fbk__arrow_reader_open(fbk *db, struct ArrowArrayStream *stream, fbk__arrow_reader **out)
{
    fbk__arrow_reader *r;
    fbk_status rc;

    if (!stream || !stream->release)
        return fbk__fail(db, FBK_EINVAL, "the Arrow stream was released already");
    r = fbk__calloc(fbk__a(db), 1, sizeof *r);
    if (!r) {
        stream->release(stream);
        return fbk__nomem(db);
    }
    r->db = db;
    r->a = *fbk__a(db);
    r->stream = *stream;
    stream->release = NULL;
    rc = reader_schema(r);
    if (rc < 0) {
        fbk__arrow_reader_close(r);
        return rc;
    }
    *out = r;
    return FBK_OK;
}

void
fbk__arrow_reader_close(fbk__arrow_reader *r)
{
    fbk_allocator a;

    if (!r)
        return;
    if (r->batch.release)
        r->batch.release(&r->batch);
    if (r->schema.release)
        r->schema.release(&r->schema);
    if (r->stream.release)
        r->stream.release(&r->stream);
    a = r->a;
    fbk__free(&a, r->columns);
    fbk__free(&a, r);
}

size_t
fbk__arrow_reader_n_columns(const fbk__arrow_reader *r)
{
    return r->n_columns;
}

const char *
fbk__arrow_reader_name(const fbk__arrow_reader *r, size_t column)
{
    const char *name = r->schema.children[column]->name;

    return name ? name : "";
}

int64_t
fbk__arrow_reader_base(const fbk__arrow_reader *r)
{
    return r->base;
}

bool
fbk__arrow_reader_guess(const fbk__arrow_reader *r, size_t column, fbk__arrow_as *out)
{
    static const fbk__arrow_as best[] = {
        [KIND_NULL] = FBK__AS_TEXT,    [KIND_BOOL] = FBK__AS_BOOL, [KIND_INT] = FBK__AS_INT64,
        [KIND_UINT] = FBK__AS_INT64,   [KIND_TEXT] = FBK__AS_TEXT, [KIND_VIEW] = FBK__AS_TEXT,
        [KIND_FLOAT] = FBK__AS_DOUBLE, [KIND_TIME] = FBK__AS_TIME,
    };
    arrow_kind kind = r->columns[column].type.kind;

    if (kind == KIND_OTHER)
        return false;
    *out = best[kind];
    return true;
}

static bool
type_fits(const arrow_type *type, fbk__arrow_as as)
{
    bool whole = type->kind == KIND_INT || type->kind == KIND_UINT;

    if (type->kind == KIND_NULL)
        return true;
    switch (as) {
    case FBK__AS_INT64:
    case FBK__AS_DOUBLE:
        return whole || type->kind == KIND_BOOL || type->kind == KIND_FLOAT;
    case FBK__AS_BOOL:
        return whole || type->kind == KIND_BOOL;
    case FBK__AS_TEXT:
        return whole || type->kind == KIND_TEXT || type->kind == KIND_VIEW;
    case FBK__AS_TIME:
        return type->kind == KIND_TIME || (type->kind == KIND_INT && type->width == 8);
    }
    return false;
}

fbk_status
fbk__arrow_reader_bind(fbk__arrow_reader *r, const char *name, fbk__arrow_as as, bool required,
                       int *out)
{
    static const char *const wanted[] = {"a whole number", "a number", "a truth value", "text",
                                         "a time"};
    int found = -1;

    for (size_t i = 0; i < r->n_columns; i++) {
        if (strcmp(fbk__arrow_reader_name(r, i), name) != 0)
            continue;
        if (found >= 0)
            return fbk__fail_at(r->db, FBK_EINVAL, name, 0, "column %.64s was there twice", name);
        found = (int)i;
    }
    if (found < 0 && required)
        return fbk__fail_at(r->db, FBK_EINVAL, name, 0, "column %.64s was missing", name);
    if (found >= 0 && !type_fits(&r->columns[found].type, as))
        return fbk__fail_at(r->db, FBK_EINVAL, name, 0,
                            "column %.64s was of Arrow type %.32s%s, which is not %s", name,
                            r->schema.children[found]->format,
                            r->columns[found].index.kind ? " (dictionary)" : "", wanted[as]);
    *out = found;
    return FBK_OK;
}

/* ---- batches ---- */

/* Number of buffers of a type; of a view array, the least. */
static int64_t
type_buffers(const arrow_type *type)
{
    switch (type->kind) {
    case KIND_NULL:
        return 0;
    case KIND_TEXT:
    case KIND_VIEW:
        return 3;
    default:
        return 2;
    }
}

/* NULL when the array is sound as far as lengths and pointers say, else what is wrong. */
static const char *
array_check(const struct ArrowArray *array)
{
    if (!array || !array->release)
        return "was released or absent";
    if (array->length < 0 || array->length > ARROW_LENGTH_MAX || array->offset < 0 ||
        array->offset > ARROW_LENGTH_MAX)
        return "had a length or an offset out of range";
    if (array->null_count < -1 || array->null_count > array->length)
        return "had a null count out of range";
    if (array->n_buffers < 0 || (array->n_buffers > 0 && !array->buffers))
        return "had a wrong number of buffers";
    return NULL;
}

/* Fill a view of rows [from, from + n) of an array; n > 0. */
static const char *
view_fill(const struct ArrowArray *array, const arrow_type *type, int64_t from, int64_t n,
          arrow_view *v)
{
    int64_t want = type_buffers(type);
    const char *bad = array_check(array);

    if (bad)
        return bad;
    if (array->length < from + n)
        return "was shorter than its table";
    if (type->kind == KIND_VIEW ? array->n_buffers < want : array->n_buffers != want)
        return "had a wrong number of buffers";
    v->offset = array->offset + from;
    v->length = n;
    if (type->kind == KIND_NULL || n == 0) /* pointers of empty arrays mean nothing */
        return NULL;
    if (array->null_count != 0)
        v->valid = array->buffers[0];
    if (array->null_count > 0 && !v->valid)
        return "had nulls but no validity buffer";
    v->data = array->buffers[1];
    if (!v->data)
        return "had no data buffer";
    if (type->kind == KIND_TEXT) {
        int64_t last = array->offset + array->length; /* of the array: so long is the buffer */

        v->text = array->buffers[2];
        v->text_end =
            type->width == 4 ? load_int32(v->data + last * 4) : load_int64(v->data + last * 8);
    } else if (type->kind == KIND_VIEW) {
        v->n_buffers = array->n_buffers - 3;
        v->buffers = (const void *const *)(array->buffers + 2);
        v->sizes = array->buffers[array->n_buffers - 1];
        if (v->n_buffers > 0 && !v->sizes)
            return "had no buffer of sizes";
    }
    return NULL;
}

static const char *
column_fill(const struct ArrowArray *array, const arrow_view *root, arrow_column *c)
{
    const char *bad;

    memset(&c->view, 0, sizeof c->view);
    memset(&c->dict, 0, sizeof c->dict);
    if (c->type.kind == KIND_OTHER)
        return NULL;
    if (c->index.kind == KIND_OTHER)
        return view_fill(array, &c->type, root->offset, root->length, &c->view);
    bad = view_fill(array, &c->index, root->offset, root->length, &c->view);
    if (bad)
        return bad;
    bad = array_check(array->dictionary);
    if (bad)
        return "had a malformed dictionary";
    return view_fill(array->dictionary, &c->type, 0, array->dictionary->length, &c->dict)
               ? "had a malformed dictionary"
               : NULL;
}

static fbk_status
batch_fill(fbk__arrow_reader *r)
{
    const struct ArrowArray *batch = &r->batch;
    const char *bad = array_check(batch);

    if (!bad && (batch->n_children != (int64_t)r->n_columns || batch->n_buffers != 1 ||
                 (batch->n_children > 0 && !batch->children)))
        bad = "had other columns than its schema";
    memset(&r->root, 0, sizeof r->root);
    if (!bad && batch->null_count != 0)
        r->root.valid = batch->buffers[0];
    if (!bad && batch->null_count > 0 && !r->root.valid)
        bad = "had nulls but no validity buffer";
    if (bad)
        return fbk__fail_at(r->db, FBK_EINVAL, "", r->base + 1,
                            "the batch of Arrow rows from row %lld on %s", (long long)r->base + 1,
                            bad);
    r->root.offset = batch->offset;
    r->root.length = batch->length;
    for (size_t i = 0; i < r->n_columns && batch->length > 0; i++) {
        bad = column_fill(batch->children[i], &r->root, &r->columns[i]);
        if (bad)
            return fbk__fail_at(r->db, FBK_EINVAL, fbk__arrow_reader_name(r, i), r->base + 1,
                                "column %.64s of the batch from row %lld on %s",
                                fbk__arrow_reader_name(r, i), (long long)r->base + 1, bad);
    }
    return FBK_OK;
}

fbk_status
fbk__arrow_reader_next(fbk__arrow_reader *r, int64_t *out_rows)
{
    *out_rows = 0;
    while (!r->ended) {
        fbk_status rc;
        int code;

        r->base += r->root.length;
        memset(&r->root, 0, sizeof r->root);
        if (r->batch.release)
            r->batch.release(&r->batch);
        memset(&r->batch, 0, sizeof r->batch);
        code = r->stream.get_next(&r->stream, &r->batch);
        if (code != 0) {
            r->batch.release = NULL;
            r->ended = true;
            return stream_failed(r, code);
        }
        if (!r->batch.release)
            break;
        rc = batch_fill(r);
        if (rc < 0) {
            r->ended = true;
            return rc;
        }
        if (r->root.length > 0) {
            *out_rows = r->root.length;
            return FBK_OK;
        }
    }
    r->ended = true;
    return FBK_DONE;
}

/* ---- cells ---- */

static bool
view_null(const arrow_view *v, int64_t row)
{
    int64_t at = v->offset + row;

    return v->valid && !((v->valid[at >> 3] >> (at & 7)) & 1);
}

static fbk_status
cell_bad(fbk__arrow_reader *r, int column, int64_t row, fbk_status code, const char *what)
{
    const char *name = fbk__arrow_reader_name(r, (size_t)column);

    return fbk__fail_at(r->db, code, name, r->base + row + 1, "column %.64s of row %lld %s", name,
                        (long long)(r->base + row + 1), what);
}

/* An integer as it stands; *out_large for unsigned ones beyond INT64_MAX. */
static int64_t
load_int(const uint8_t *data, const arrow_type *type, int64_t at, bool *out_large)
{
    const uint8_t *p = data + at * type->width;
    bool sign = type->kind != KIND_UINT;
    uint16_t half;
    int64_t v;

    switch (type->width) {
    case 1:
        return sign ? (int64_t)(int8_t)*p : (int64_t)*p;
    case 2:
        memcpy(&half, p, sizeof half);
        return sign ? (int64_t)(int16_t)half : (int64_t)half;
    case 4:
        v = load_int32(p);
        return sign ? v : (int64_t)(uint32_t)v;
    default:
        v = load_int64(p);
        *out_large = !sign && v < 0;
        return v;
    }
}

/* Where the value of a cell is: *out_view and *out_at, which counts from the start of its buffers.
 * FBK_DONE = null. */
static fbk_status
cell_find(fbk__arrow_reader *r, int column, int64_t row, const arrow_view **out_view,
          int64_t *out_at)
{
    const arrow_column *c;
    bool large = false;
    int64_t index;

    if (column < 0 || row < 0 || row >= r->root.length || view_null(&r->root, row))
        return FBK_DONE;
    c = &r->columns[column];
    if (c->type.kind == KIND_OTHER)
        return cell_bad(r, column, row, FBK_EINVAL, "was of a type that is not read");
    if (c->type.kind == KIND_NULL || view_null(&c->view, row))
        return FBK_DONE;
    *out_view = &c->view;
    *out_at = c->view.offset + row;
    if (c->index.kind == KIND_OTHER)
        return FBK_OK;
    index = load_int(c->view.data, &c->index, *out_at, &large);
    if (large || index < 0 || index >= c->dict.length)
        return cell_bad(r, column, row, FBK_EINVAL, "pointed outside its dictionary");
    if (view_null(&c->dict, index))
        return FBK_DONE;
    *out_view = &c->dict;
    *out_at = c->dict.offset + index;
    return FBK_OK;
}

static double
load_float(const uint8_t *data, const arrow_type *type, int64_t at)
{
    float narrow;
    double wide;

    if (type->width == 4) {
        memcpy(&narrow, data + at * 4, sizeof narrow);
        return (double)narrow;
    }
    memcpy(&wide, data + at * 8, sizeof wide);
    return wide;
}

static int64_t
load_bit(const uint8_t *data, int64_t at)
{
    return (data[at >> 3] >> (at & 7)) & 1;
}

fbk_status
fbk__arrow_int64(fbk__arrow_reader *r, int column, int64_t row, int64_t *out)
{
    const arrow_view *v;
    bool large = false;
    double real;
    int64_t value;
    int64_t at;
    fbk_status rc = cell_find(r, column, row, &v, &at);

    if (rc != FBK_OK)
        return rc;
    switch (r->columns[column].type.kind) {
    case KIND_BOOL:
        *out = load_bit(v->data, at);
        return FBK_OK;
    case KIND_INT:
    case KIND_UINT:
        value = load_int(v->data, &r->columns[column].type, at, &large);
        if (large)
            return cell_bad(r, column, row, FBK_ERANGE, "was above 9223372036854775807");
        *out = value;
        return FBK_OK;
    case KIND_FLOAT:
        real = load_float(v->data, &r->columns[column].type, at);
        if (!(real >= -0x1p63 && real < 0x1p63) || real != floor(real))
            return cell_bad(r, column, row, FBK_ERANGE, "was not a whole number of 64 bits");
        *out = (int64_t)real;
        return FBK_OK;
    default:
        return cell_bad(r, column, row, FBK_EINVAL, "was not a whole number");
    }
}

fbk_status
fbk__arrow_double(fbk__arrow_reader *r, int column, int64_t row, double *out)
{
    const arrow_view *v;
    bool large = false;
    int64_t value;
    int64_t at;
    fbk_status rc = cell_find(r, column, row, &v, &at);

    if (rc != FBK_OK)
        return rc;
    switch (r->columns[column].type.kind) {
    case KIND_BOOL:
        *out = (double)load_bit(v->data, at);
        return FBK_OK;
    case KIND_INT:
    case KIND_UINT:
        value = load_int(v->data, &r->columns[column].type, at, &large);
        *out = large ? (double)(uint64_t)value : (double)value;
        return FBK_OK;
    case KIND_FLOAT:
        *out = load_float(v->data, &r->columns[column].type, at);
        return FBK_OK;
    default:
        return cell_bad(r, column, row, FBK_EINVAL, "was not a number");
    }
}

fbk_status
fbk__arrow_bool(fbk__arrow_reader *r, int column, int64_t row, bool *out)
{
    int64_t value = 0;
    fbk_status rc = fbk__arrow_int64(r, column, row, &value);

    if (rc != FBK_OK)
        return rc;
    if (value != 0 && value != 1)
        return cell_bad(r, column, row, FBK_ERANGE, "was neither 0 nor 1");
    *out = value == 1;
    return FBK_OK;
}

static const char *
text_plain(const arrow_view *v, const arrow_type *type, int64_t at, size_t *out_len)
{
    int64_t start;
    int64_t end;

    if (type->width == 4) {
        start = load_int32(v->data + at * 4);
        end = load_int32(v->data + at * 4 + 4);
    } else {
        start = load_int64(v->data + at * 8);
        end = load_int64(v->data + at * 8 + 8);
    }
    if (start < 0 || end < start || end > v->text_end || (end > start && !v->text))
        return NULL;
    *out_len = (size_t)(end - start);
    return end > start ? (const char *)v->text + start : "";
}

/* 16 bytes: length, then the text itself if it is at most 12 long, else 4 bytes of it, the number
 * of the buffer that holds it, and where. */
static const char *
text_view(const arrow_view *v, int64_t at, size_t *out_len)
{
    const uint8_t *p = v->data + at * 16;
    int32_t len = load_int32(p);
    int32_t buffer;
    int32_t start;

    if (len < 0)
        return NULL;
    *out_len = (size_t)len;
    if (len <= 12)
        return (const char *)p + 4;
    buffer = load_int32(p + 8);
    start = load_int32(p + 12);
    if (buffer < 0 || buffer >= v->n_buffers || start < 0 || !v->buffers[buffer] ||
        (int64_t)start + len > load_int64(v->sizes + (int64_t)buffer * 8))
        return NULL;
    return (const char *)v->buffers[buffer] + start;
}

fbk_status
fbk__arrow_text(fbk__arrow_reader *r, int column, int64_t row, const char **out, size_t *out_len)
{
    const arrow_view *v;
    const char *text = NULL;
    arrow_column *c;
    bool large = false;
    int64_t value;
    size_t len = 0;
    int64_t at;
    fbk_status rc = cell_find(r, column, row, &v, &at);

    if (rc != FBK_OK)
        return rc;
    c = &r->columns[column];
    if (c->type.kind == KIND_TEXT) {
        text = text_plain(v, &c->type, at, &len);
    } else if (c->type.kind == KIND_VIEW) {
        text = text_view(v, at, &len);
    } else if (c->type.kind == KIND_INT || c->type.kind == KIND_UINT) {
        value = load_int(v->data, &c->type, at, &large);
        len = (size_t)(large ? snprintf(c->scratch, sizeof c->scratch, "%llu",
                                        (unsigned long long)value)
                             : snprintf(c->scratch, sizeof c->scratch, "%lld", (long long)value));
        text = c->scratch;
    }
    if (!text)
        return cell_bad(r, column, row, FBK_EINVAL, "was no text, or its offsets were malformed");
    *out = text;
    *out_len = len;
    return FBK_OK;
}

fbk_status
fbk__arrow_time(fbk__arrow_reader *r, int column, int64_t row, fbk_time *out)
{
    const arrow_view *v;
    const arrow_type *type;
    arrow_type whole = {KIND_INT, 8, 1, 1};
    bool large = false;
    int64_t value;
    int64_t us;
    int64_t at;
    fbk_status rc = cell_find(r, column, row, &v, &at);

    if (rc != FBK_OK)
        return rc;
    type = &r->columns[column].type;
    if (type->kind == KIND_INT && type->width == 8)
        type = &whole;
    else if (type->kind != KIND_TIME)
        return cell_bad(r, column, row, FBK_EINVAL, "was no time");
    value = load_int(v->data, type, at, &large);
    us = value / type->div - (value % type->div < 0);
    if (__builtin_mul_overflow(us, type->mul, &us) || us < FBK_TIME_MIN || us > FBK_TIME_MAX)
        return cell_bad(r, column, row, FBK_ERANGE, "was outside the years 1 to 9999");
    *out = us;
    return FBK_OK;
}
