/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arrow.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/tk.h"

static struct fbk db = {.alloc = {0}};
static tk_alloc alloc;

static void
setup(void)
{
    tk_alloc_init(&alloc);
    db.alloc = alloc.allocator;
    fbk__err_clear(&db);
}

/* Whatever a test did, nothing of ours may be left. */
static void
teardown(void)
{
    ck_assert_int_eq(alloc.n_live, 0);
}

/* ---- tables ---- */

enum { C_I32, C_I64, C_DBL, C_BOOL, C_TEXT, C_TIME };

static fbk__table *
sample(int64_t n)
{
    fbk__table *t = fbk__table_new(fbk__a(&db));
    char text[32];

    (void)fbk__table_column(t, "i32", FBK__INT32, true);
    (void)fbk__table_column(t, "i64", FBK__INT64, false);
    (void)fbk__table_column(t, "dbl", FBK__DOUBLE, true);
    (void)fbk__table_column(t, "bool", FBK__BOOL, true);
    (void)fbk__table_column(t, "text", FBK__TEXT, true);
    (void)fbk__table_column(t, "time", FBK__TIME, false);
    for (int64_t i = 0; i < n; i++) {
        bool null = i % 7 == 3;

        if (null)
            fbk__table_add_null(t, C_I32);
        else
            fbk__table_add_int64(t, C_I32, -i);
        fbk__table_add_int64(t, C_I64, i << 33);
        if (null)
            fbk__table_add_null(t, C_DBL);
        else
            fbk__table_add_double(t, C_DBL, (double)i / 4);
        if (i % 11 == 5)
            fbk__table_add_null(t, C_BOOL);
        else
            fbk__table_add_int64(t, C_BOOL, i % 3 == 0);
        (void)snprintf(text, sizeof text, "%.*s%lld", (int)(i % 5), "äöüx", (long long)i);
        fbk__table_add_str(t, C_TEXT, i % 13 == 12 ? NULL : text);
        fbk__table_add_int64(t, C_TIME, i * 1000000);
    }
    return t;
}

static void
sample_check_row(fbk__arrow_reader *r, int64_t row, int64_t i)
{
    fbk_status null = i % 7 == 3 ? FBK_DONE : FBK_OK;
    int64_t whole = 0;
    double real = 0;
    bool flag = false;
    const char *text = NULL;
    char expect[32];
    size_t len = 0;

    ck_assert_int_eq(fbk__arrow_int64(r, C_I32, row, &whole), null);
    ck_assert_int_eq(whole, null ? 0 : -i);
    tk_assert_ok(&db, fbk__arrow_int64(r, C_I64, row, &whole));
    ck_assert_int_eq(whole, i << 33);
    ck_assert_int_eq(fbk__arrow_double(r, C_DBL, row, &real), null);
    ck_assert(real == (null ? 0 : (double)i / 4));
    ck_assert_int_eq(fbk__arrow_bool(r, C_BOOL, row, &flag), i % 11 == 5 ? FBK_DONE : FBK_OK);
    ck_assert(flag == (i % 11 != 5 && i % 3 == 0));
    (void)snprintf(expect, sizeof expect, "%.*s%lld", (int)(i % 5), "äöüx", (long long)i);
    if (i % 13 == 12) {
        ck_assert_int_eq(fbk__arrow_text(r, C_TEXT, row, &text, &len), FBK_DONE);
    } else {
        tk_assert_ok(&db, fbk__arrow_text(r, C_TEXT, row, &text, &len));
        ck_assert_uint_eq(len, strlen(expect));
        ck_assert_mem_eq(text, expect, len);
    }
    tk_assert_ok(&db, fbk__arrow_time(r, C_TIME, row, &whole));
    ck_assert_int_eq(whole, i * 1000000);
}

static const int64_t row_counts[] = {0, 1, 7, 8, 9, 63, 64, 65, 1000, 70001};

START_TEST(tables_come_back_as_they_went)
{
    int64_t n = row_counts[_i];
    const int64_t batches[] = {0, 1, 3, 64, 100};

    for (size_t k = 0; k < sizeof batches / sizeof batches[0]; k++) {
        struct ArrowArrayStream stream;
        fbk__arrow_reader *r;
        int64_t seen = 0;
        int64_t rows;
        fbk__arrow_as as;
        int col;

        if (n > 1000 && batches[k] != 0)
            continue;
        tk_assert_ok(&db, fbk__table_stream(&db, sample(n), batches[k], &stream));
        tk_assert_ok(&db, fbk__arrow_reader_open(&db, &stream, &r));
        ck_assert_ptr_null(stream.release);
        ck_assert_uint_eq(fbk__arrow_reader_n_columns(r), 6);
        tk_assert_ok(&db, fbk__arrow_reader_bind(r, "text", FBK__AS_TEXT, true, &col));
        ck_assert_int_eq(col, C_TEXT);
        ck_assert(fbk__arrow_reader_guess(r, C_TIME, &as) && as == FBK__AS_TIME);
        while (fbk__arrow_reader_next(r, &rows) == FBK_OK) {
            ck_assert_int_eq(fbk__arrow_reader_base(r), seen);
            for (int64_t i = 0; i < rows; i++)
                sample_check_row(r, i, seen++);
        }
        ck_assert_int_eq(seen, n);
        ck_assert_int_eq(fbk__arrow_reader_next(r, &rows), FBK_DONE);
        fbk__arrow_reader_close(r);
    }
}
END_TEST

/* Pitfall: children whose memory belongs to the root die with it. */
START_TEST(children_can_be_moved_out)
{
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    struct ArrowArray child;
    int32_t ends[2];

    tk_assert_ok(&db, fbk__table_stream(&db, sample(20), 0, &stream));
    ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
    child = *batch.children[C_TEXT];
    batch.children[C_TEXT]->release = NULL;
    batch.release(&batch);
    stream.release(&stream);
    memcpy(ends, (const int32_t *)child.buffers[1] + 10, sizeof ends);
    ck_assert_int_eq(ends[1] - ends[0], 2);
    ck_assert_mem_eq((const char *)child.buffers[2] + ends[0], "10", 2);
    child.release(&child);
    ck_assert_ptr_null(child.release);
}
END_TEST

/* Pitfalls: release must mark what it released; a released stream may still be asked. */
START_TEST(release_marks_everything_released)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowSchema child;
    struct ArrowArray batch;
    struct ArrowArray after;
    fbk__arrow_reader *r = NULL;

    tk_assert_ok(&db, fbk__table_stream(&db, sample(3), 0, &stream));
    ck_assert_int_eq(stream.get_schema(&stream, &schema), 0);
    ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
    ck_assert_int_eq(stream.get_next(&stream, &after), 0);
    ck_assert_ptr_null(after.release);
    ck_assert_int_eq(stream.get_next(&stream, &after), 0);
    ck_assert_ptr_null(after.release);
    stream.release(&stream);
    ck_assert_ptr_null(stream.release);
    ck_assert_int_eq(stream.get_schema(&stream, &schema), EINVAL);
    ck_assert_int_eq(stream.get_next(&stream, &batch), EINVAL);
    ck_assert_ptr_nonnull(stream.get_last_error(&stream));
    child = *schema.children[1];
    schema.children[1]->release = NULL;
    schema.release(&schema);
    ck_assert_ptr_null(schema.release);
    ck_assert_str_eq(child.name, "i64");
    child.release(&child);
    batch.release(&batch);
    ck_assert_ptr_null(batch.release);
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_reader_open(&db, &stream, &r));
    ck_assert_ptr_null(r);
}
END_TEST

/* Pitfall: empty columns without buffers. And ours are always at offset 0. */
START_TEST(empty_columns_have_buffers)
{
    struct ArrowArrayStream stream;
    struct ArrowArray batch;

    tk_assert_ok(&db, fbk__table_stream(&db, sample(0), 0, &stream));
    ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
    ck_assert_ptr_nonnull(batch.release);
    ck_assert_int_eq(batch.length, 0);
    for (int64_t i = 0; i < batch.n_children; i++) {
        const struct ArrowArray *c = batch.children[i];

        ck_assert_int_eq(c->length, 0);
        ck_assert_int_eq(c->offset, 0);
        ck_assert_int_eq(c->n_buffers, i == C_TEXT ? 3 : 2);
        for (int64_t k = 1; k < c->n_buffers; k++)
            ck_assert_ptr_nonnull(c->buffers[k]);
    }
    ck_assert_int_eq(*(const int32_t *)batch.children[C_TEXT]->buffers[1], 0);
    batch.release(&batch);
    stream.release(&stream);
}
END_TEST

/* Pitfall: streams that nobody reads, and every order of release. */
START_TEST(release_order_is_free)
{
    for (int order = 0; order < 6; order++) {
        static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        struct ArrowArrayStream stream;
        struct ArrowSchema schema;
        struct ArrowArray batch;

        tk_assert_ok(&db, fbk__table_stream(&db, sample(100), 10, &stream));
        ck_assert_int_eq(stream.get_schema(&stream, &schema), 0);
        ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
        for (int k = 0; k < 3; k++) {
            if (orders[order][k] == 0)
                stream.release(&stream);
            else if (orders[order][k] == 1)
                schema.release(&schema);
            else
                batch.release(&batch);
        }
    }
    for (int i = 0; i < 1000; i++) {
        struct ArrowArrayStream stream;

        tk_assert_ok(&db, fbk__table_stream(&db, sample(2), 0, &stream));
        stream.release(&stream);
    }
}
END_TEST

START_TEST(slots_under_nulls_are_zero)
{
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    const int32_t *values;

    tk_assert_ok(&db, fbk__table_stream(&db, sample(100), 0, &stream));
    ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
    values = batch.children[C_I32]->buffers[1];
    ck_assert_int_eq(batch.children[C_I32]->null_count, 14);
    for (int i = 3; i < 100; i += 7)
        ck_assert_int_eq(values[i], 0);
    batch.release(&batch);
    stream.release(&stream);
}
END_TEST

START_TEST(defects_of_a_table_are_reported)
{
    struct ArrowArrayStream stream = {0};
    fbk__table *t = fbk__table_new(fbk__a(&db));
    const double values[] = {1, 2};

    (void)fbk__table_column(t, "a", FBK__INT64, false);
    (void)fbk__table_column(t, "b", FBK__DOUBLE, false);
    fbk__table_set_doubles(t, 1, values, 2);
    tk_assert_fails(&db, FBK_EMISUSE, fbk__table_stream(&db, t, 0, &stream));
    t = sample(0);
    fbk__table_add_null(t, C_I64);
    tk_assert_fails(&db, FBK_EMISUSE, fbk__table_stream(&db, t, 0, &stream));
    t = sample(0);
    fbk__table_add_double(t, C_I64, 1.0);
    tk_assert_fails(&db, FBK_EMISUSE, fbk__table_stream(&db, t, 0, &stream));
    t = sample(0);
    fbk__table_add_int64(t, C_I32, INT64_C(1) << 31);
    tk_assert_fails(&db, FBK_EMISUSE, fbk__table_stream(&db, t, 0, &stream));
    t = sample(0);
    fbk__table_add_str(t, 17, "x");
    tk_assert_fails(&db, FBK_EMISUSE, fbk__table_stream(&db, t, 0, &stream));
    tk_assert_fails(&db, FBK_ENOMEM, fbk__table_stream(&db, NULL, 0, &stream));
    ck_assert_ptr_null(stream.release);
}
END_TEST

/* Each allocation fails in turn: making, streaming and reading say so, and leak nothing. */
START_TEST(every_allocation_may_fail)
{
    for (int64_t k = 0;; k++) {
        struct ArrowArrayStream stream = {0};
        fbk__arrow_reader *r = NULL;
        int64_t rows;
        fbk_status rc;

        alloc.n_calls = 0;
        alloc.fail_at = k;
        rc = fbk__table_stream(&db, sample(300), 100, &stream);
        if (rc == FBK_OK)
            rc = fbk__arrow_reader_open(&db, &stream, &r);
        while (rc == FBK_OK)
            rc = fbk__arrow_reader_next(r, &rows);
        fbk__arrow_reader_close(r);
        ck_assert_int_eq(alloc.n_live, 0);
        if (rc == FBK_DONE) {
            ck_assert_int_gt(k, 20);
            break;
        }
        ck_assert_int_eq(rc, FBK_ENOMEM);
        ck_assert_str_eq(fbk_errmsg(&db), "out of memory");
    }
}
END_TEST

/* ---- foreign streams, made by hand ---- */

enum { FAKE_COLUMNS = 4 };

/* One stream of one batch; nothing in it is owned, releases are counted. */
static struct {
    struct ArrowSchema fields[FAKE_COLUMNS];
    struct ArrowSchema *field_list[FAKE_COLUMNS];
    struct ArrowSchema dict_field;
    struct ArrowSchema root_field;
    struct ArrowArray arrays[FAKE_COLUMNS];
    struct ArrowArray *array_list[FAKE_COLUMNS];
    struct ArrowArray dict;
    struct ArrowArray root;
    const void *buffers[FAKE_COLUMNS][8];
    const void *dict_buffers[8];
    const void *root_buffers[1];
    int n;
    int given;
    int schema_code;
    int next_code;
    int released; /* bits: 1 stream, 2 schema, 4 batch */
} fake;

static void
fake_schema_release(struct ArrowSchema *schema)
{
    fake.released |= schema->n_children ? 2 : 0;
    schema->release = NULL;
}

static void
fake_array_release(struct ArrowArray *array)
{
    fake.released |= array->n_children ? 4 : 0;
    array->release = NULL;
}

static void
fake_stream_release(struct ArrowArrayStream *stream)
{
    fake.released |= 1;
    stream->release = NULL;
}

static int
fake_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    (void)stream;
    *out = fake.root_field;
    return fake.schema_code;
}

static int
fake_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    (void)stream;
    memset(out, 0, sizeof *out);
    if (!fake.given++)
        *out = fake.root;
    return fake.next_code;
}

static const char *
fake_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "the tape broke";
}

static struct ArrowArray *
fake_column(const char *name, const char *format, int64_t length, int64_t n_buffers)
{
    int i = fake.n++;

    fake.fields[i] = (struct ArrowSchema){
        .format = format, .name = name, .flags = 2, .release = fake_schema_release};
    fake.field_list[i] = &fake.fields[i];
    fake.arrays[i] = (struct ArrowArray){.length = length,
                                         .n_buffers = n_buffers,
                                         .buffers = fake.buffers[i],
                                         .release = fake_array_release};
    fake.array_list[i] = &fake.arrays[i];
    return &fake.arrays[i];
}

static void
fake_dictionary(const char *format, int64_t length, int64_t n_buffers)
{
    fake.dict_field =
        (struct ArrowSchema){.format = format, .name = "", .release = fake_schema_release};
    fake.dict = (struct ArrowArray){.length = length,
                                    .n_buffers = n_buffers,
                                    .buffers = fake.dict_buffers,
                                    .release = fake_array_release};
    fake.fields[fake.n - 1].dictionary = &fake.dict_field;
    fake.arrays[fake.n - 1].dictionary = &fake.dict;
}

static void
fake_begin(void)
{
    memset(&fake, 0, sizeof fake);
}

static struct ArrowArrayStream
fake_stream(int64_t length, int64_t offset)
{
    fake.root_field = (struct ArrowSchema){.format = "+s",
                                           .name = "",
                                           .n_children = fake.n,
                                           .children = fake.field_list,
                                           .release = fake_schema_release};
    fake.root = (struct ArrowArray){.length = length,
                                    .offset = offset,
                                    .null_count = fake.root_buffers[0] ? -1 : 0,
                                    .n_buffers = 1,
                                    .buffers = fake.root_buffers,
                                    .n_children = fake.n,
                                    .children = fake.array_list,
                                    .release = fake_array_release};
    return (struct ArrowArrayStream){.get_schema = fake_get_schema,
                                     .get_next = fake_get_next,
                                     .get_last_error = fake_last_error,
                                     .release = fake_stream_release};
}

/* Open what was described and go to its batch of `length` rows. */
static fbk__arrow_reader *
fake_open(int64_t length, int64_t offset)
{
    struct ArrowArrayStream stream = fake_stream(length, offset);
    fbk__arrow_reader *r = NULL;
    int64_t rows = 0;

    tk_assert_ok(&db, fbk__arrow_reader_open(&db, &stream, &r));
    tk_assert_ok(&db, fbk__arrow_reader_next(r, &rows));
    ck_assert_int_eq(rows, length);
    return r;
}

static void
assert_text(fbk__arrow_reader *r, int column, int64_t row, const char *expect)
{
    const char *text = NULL;
    size_t len = 0;
    fbk_status rc = fbk__arrow_text(r, column, row, &text, &len);

    tk_assert_ok(&db, rc);
    if (!expect) {
        ck_assert_int_eq(rc, FBK_DONE);
        return;
    }
    ck_assert_int_eq(rc, FBK_OK);
    ck_assert_msg(len == strlen(expect) && memcmp(text, expect, len) == 0, "%.*s is not %s",
                  (int)len, text, expect);
}

/* Pitfalls: offsets at every level, a first text offset that is not 0, null_count -1. */
START_TEST(offsets_add_up)
{
    static const int32_t ends[] = {5, 7, 7, 10, 12, 12};
    static const uint8_t valid[] = {0x1b}; /* 1 1 0 1 1 */
    static const int64_t values[] = {10, 20, 30, 40, 50, 60};
    fbk__arrow_reader *r;
    int64_t v;

    fake_begin();
    fake_column("t", "u", 4, 3)->offset = 1; /* rows 1..4 of 5 */
    fake.arrays[0].null_count = -1;
    fake.buffers[0][0] = valid;
    fake.buffers[0][1] = ends;
    fake.buffers[0][2] = "-----aabbbcc";
    fake_column("v", "l", 4, 2)->offset = 2;
    fake.buffers[1][1] = values;
    r = fake_open(3, 1); /* of the batch, rows 1..3 */
    assert_text(r, 0, 0, NULL);
    assert_text(r, 0, 1, "cc");
    fbk__arrow_reader_close(r);

    fake_begin();
    fake_column("t", "u", 4, 3)->offset = 1;
    fake.buffers[0][1] = ends;
    fake.buffers[0][2] = "-----aabbbcc";
    fake_column("v", "l", 4, 2)->offset = 2;
    fake.buffers[1][1] = values;
    r = fake_open(3, 1);
    assert_text(r, 0, 0, "bbb");
    assert_text(r, 0, 1, "cc");
    assert_text(r, 0, 2, "");
    tk_assert_ok(&db, fbk__arrow_int64(r, 1, 0, &v));
    ck_assert_int_eq(v, 40);
    tk_assert_ok(&db, fbk__arrow_int64(r, 1, 2, &v));
    ck_assert_int_eq(v, 60);
    fbk__arrow_reader_close(r);
    ck_assert_int_eq(fake.released, 7);
}
END_TEST

/* Pitfalls: an empty array at an offset; dangling pointers of empty buffers; NULL buffers. */
START_TEST(empty_arrays_are_not_touched)
{
    struct ArrowArrayStream stream;
    fbk__arrow_reader *r = NULL;
    int64_t rows = 1;

    fake_begin();
    fake_column("dangling", "u", 0, 3)->offset = 5;
    fake.buffers[0][0] = fake.buffers[0][1] = fake.buffers[0][2] = (const void *)(uintptr_t)1;
    (void)fake_column("none", "l", 0, 2);
    stream = fake_stream(0, 3);
    tk_assert_ok(&db, fbk__arrow_reader_open(&db, &stream, &r));
    ck_assert_int_eq(fbk__arrow_reader_next(r, &rows), FBK_DONE);
    ck_assert_int_eq(rows, 0);
    fbk__arrow_reader_close(r);

    /* An all-empty text column may come without a data buffer. */
    fake_begin();
    (void)fake_column("t", "u", 0, 3);
    fake.arrays[0].length = 1;
    fake.buffers[0][1] = (const int32_t[]){0, 0};
    r = fake_open(1, 0);
    assert_text(r, 0, 0, "");
    fbk__arrow_reader_close(r);
}
END_TEST

START_TEST(unaligned_values_are_read)
{
    unsigned char bytes[1 + 3 * 8];
    const int64_t values[] = {1, INT64_MIN, 3};
    fbk__arrow_reader *r;
    int64_t v;

    memcpy(bytes + 1, values, sizeof values);
    fake_begin();
    (void)fake_column("v", "l", 3, 2);
    fake.buffers[0][1] = bytes + 1;
    r = fake_open(3, 0);
    tk_assert_ok(&db, fbk__arrow_int64(r, 0, 1, &v));
    ck_assert_int_eq(v, INT64_MIN);
    fbk__arrow_reader_close(r);
}
END_TEST

/* Every type and what it becomes: -1 in the table of expectations means "does not fit". */
START_TEST(numbers_are_converted)
{
    const struct {
        const char *format;
        const void *data;
        int64_t expect[3];
        fbk_status status[3];
    } cases[] = {
        {"c", (const int8_t[]){-1, 127, -128}, {-1, 127, -128}, {0, 0, 0}},
        {"C", (const uint8_t[]){255, 0, 1}, {255, 0, 1}, {0, 0, 0}},
        {"s", (const int16_t[]){-1, 32767, 5}, {-1, 32767, 5}, {0, 0, 0}},
        {"S", (const uint16_t[]){65535, 0, 1}, {65535, 0, 1}, {0, 0, 0}},
        {"i", (const int32_t[]){-1, INT32_MAX, 5}, {-1, INT32_MAX, 5}, {0, 0, 0}},
        {"I", (const uint32_t[]){UINT32_MAX, 0, 1}, {UINT32_MAX, 0, 1}, {0, 0, 0}},
        {"l", (const int64_t[]){-1, INT64_MAX, 5}, {-1, INT64_MAX, 5}, {0, 0, 0}},
        {"L", (const uint64_t[]){INT64_MAX, UINT64_MAX, 5}, {INT64_MAX, 0, 5}, {0, FBK_ERANGE, 0}},
        {"f", (const float[]){-1.0f, 0.5f, 3e20f}, {-1, 0, 0}, {0, FBK_ERANGE, FBK_ERANGE}},
        {"g",
         (const double[]){1e15, -0x1p63, 0x1p63},
         {1000000000000000, INT64_MIN, 0},
         {0, 0, FBK_ERANGE}},
        {"b", (const uint8_t[]){0x5}, {1, 0, 1}, {0, 0, 0}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fbk__arrow_reader *r;

        fake_begin();
        (void)fake_column("v", cases[i].format, 3, 2);
        fake.buffers[0][1] = cases[i].data;
        r = fake_open(3, 0);
        for (int64_t row = 0; row < 3; row++) {
            int64_t v = 77;
            double d = 0;

            ck_assert_msg(fbk__arrow_int64(r, 0, row, &v) == cases[i].status[row], "%s %lld",
                          cases[i].format, (long long)row);
            if (cases[i].status[row] < 0) {
                ck_assert_int_eq(v, 77);
                ck_assert_int_eq(db.err.row, row + 1);
                ck_assert_str_eq(db.err.field, "v");
                continue;
            }
            ck_assert_int_eq(v, cases[i].expect[row]);
            tk_assert_ok(&db, fbk__arrow_double(r, 0, row, &d));
            ck_assert(d == (double)cases[i].expect[row]);
        }
        fbk__arrow_reader_close(r);
    }
}
END_TEST

START_TEST(nan_and_halves_are_no_whole_numbers)
{
    const double values[] = {0.5, (double)INFINITY, (double)NAN};
    fbk__arrow_reader *r;

    fake_begin();
    (void)fake_column("v", "g", 3, 2);
    fake.buffers[0][1] = values;
    r = fake_open(3, 0);
    for (int64_t row = 0; row < 3; row++) {
        int64_t v;
        double d;

        tk_assert_fails(&db, FBK_ERANGE, fbk__arrow_int64(r, 0, row, &v));
        tk_assert_ok(&db, fbk__arrow_double(r, 0, row, &d));
    }
    fbk__arrow_reader_close(r);
}
END_TEST

START_TEST(times_are_converted)
{
    const struct {
        const char *format;
        int64_t value;
        int64_t expect;
        fbk_status status;
    } cases[] = {
        {"tss:", 1700000000, 1700000000000000, 0},
        {"tsm:Europe/Berlin", -1, -1000, 0},
        {"tsu:UTC", 123456789, 123456789, 0},
        {"tsn:", 1999, 1, 0},
        {"tsn:+01:00", -1, -1, 0},
        {"tdm", 86400000, 86400000000, 0},
        {"l", 42, 42, 0},
        {"tss:", INT64_MAX, 0, FBK_ERANGE},
        {"tss:", 253402300800, 0, FBK_ERANGE},
        {"tss:", 253402300799, 253402300799000000, 0},
        {"tsu:UTC", FBK_TIME_MIN - 1, 0, FBK_ERANGE},
        {"tsu:UTC", FBK_TIME_NONE, 0, FBK_ERANGE},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fbk__arrow_reader *r;
        int64_t us = 0;
        int col;

        fake_begin();
        (void)fake_column("at", cases[i].format, 1, 2);
        fake.buffers[0][1] = &cases[i].value;
        r = fake_open(1, 0);
        tk_assert_ok(&db, fbk__arrow_reader_bind(r, "at", FBK__AS_TIME, true, &col));
        ck_assert_int_eq(fbk__arrow_time(r, col, 0, &us), cases[i].status);
        ck_assert_int_eq(us, cases[i].expect);
        fbk__arrow_reader_close(r);
    }
    {
        const int32_t day = -1;
        fbk__arrow_reader *r;
        int64_t us;

        fake_begin();
        (void)fake_column("at", "tdD", 1, 2);
        fake.buffers[0][1] = &day;
        r = fake_open(1, 0);
        tk_assert_ok(&db, fbk__arrow_time(r, 0, 0, &us));
        ck_assert_int_eq(us, INT64_C(-86400000000));
        fbk__arrow_reader_close(r);
    }
}
END_TEST

START_TEST(texts_of_all_kinds)
{
    static const int64_t wide[] = {3, 5, 5};
    static const int64_t number[] = {-12, 85123};
    static const int64_t sizes[] = {40};
    static const char heap[] = "0123456789the quick brown fox jumps over";
    unsigned char views[32] = {0};
    const int32_t len = 20;
    const int32_t at = 10;
    fbk__arrow_reader *r;

    views[0] = 3;
    memcpy(views + 4, "abc", 3);
    memcpy(views + 16, &len, 4);
    memcpy(views + 28, &at, 4);
    fake_begin();
    (void)fake_column("large", "U", 2, 3);
    fake.buffers[0][1] = wide;
    fake.buffers[0][2] = "---ab";
    (void)fake_column("number", "l", 2, 2);
    fake.buffers[1][1] = number;
    (void)fake_column("view", "vu", 2, 4);
    fake.buffers[2][1] = views;
    fake.buffers[2][2] = heap;
    fake.buffers[2][3] = sizes;
    fake_column("nothing", "n", 2, 0)->null_count = 2;
    r = fake_open(2, 0);
    assert_text(r, 0, 0, "ab");
    assert_text(r, 0, 1, "");
    assert_text(r, 1, 0, "-12");
    assert_text(r, 1, 1, "85123");
    assert_text(r, 2, 0, "abc");
    assert_text(r, 2, 1, "the quick brown fox ");
    assert_text(r, 3, 0, NULL);
    assert_text(r, -1, 0, NULL);
    fbk__arrow_reader_close(r);
}
END_TEST

START_TEST(dictionaries_are_looked_up)
{
    static const int8_t index[] = {2, 0, 1, 2, 5, -1};
    static const uint8_t valid[] = {0x3b}; /* 1 1 0 1 1 1 */
    static const uint8_t dict_valid[] = {0x0e};
    static const int32_t ends[] = {0, 0, 3, 8, 10};
    const char *text;
    size_t len;
    fbk__arrow_reader *r;

    fake_begin();
    fake_column("d", "c", 6, 2)->null_count = 1;
    fake.buffers[0][0] = valid;
    fake.buffers[0][1] = index;
    fake_dictionary("u", 3, 3);
    fake.dict.offset = 1;
    fake.dict.null_count = -1;
    fake.dict_buffers[0] = dict_valid;
    fake.dict_buffers[1] = ends;
    fake.dict_buffers[2] = "redgreenxx";
    r = fake_open(6, 0);
    assert_text(r, 0, 0, "xx");
    assert_text(r, 0, 1, "red");
    assert_text(r, 0, 2, NULL);
    assert_text(r, 0, 3, "xx");
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_text(r, 0, 4, &text, &len));
    ck_assert_int_eq(db.err.row, 5);
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_text(r, 0, 5, &text, &len));
    fbk__arrow_reader_close(r);
}
END_TEST

START_TEST(rows_that_are_null_as_a_whole)
{
    static const uint8_t valid[] = {0x05};
    static const int64_t values[] = {1, 2, 3};
    fbk__arrow_reader *r;
    int64_t v = 0;

    fake_begin();
    (void)fake_column("v", "l", 3, 2);
    fake.buffers[0][1] = values;
    fake.root_buffers[0] = valid;
    r = fake_open(3, 0);
    ck_assert_int_eq(fbk__arrow_int64(r, 0, 1, &v), FBK_DONE);
    tk_assert_ok(&db, fbk__arrow_int64(r, 0, 2, &v));
    ck_assert_int_eq(v, 3);
    fbk__arrow_reader_close(r);
}
END_TEST

START_TEST(binding_says_what_is_wrong)
{
    static const int64_t values[] = {1, 2, 3};
    fbk__arrow_reader *r;
    int64_t v;
    int col = 99;

    fake_begin();
    for (int i = 0; i < 3; i++) {
        (void)fake_column(i ? "twice" : "once", i ? "l" : "+l", 3, 2);
        fake.buffers[i][1] = values;
    }
    r = fake_open(3, 0); /* a list that nobody asks for does no harm */
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_reader_bind(r, "twice", FBK__AS_INT64, true, &col));
    ck_assert_str_eq(fbk_errmsg(&db), "column twice was there twice");
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_reader_bind(r, "gone", FBK__AS_TEXT, true, &col));
    ck_assert_str_eq(fbk_errmsg(&db), "column gone was missing");
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_reader_bind(r, "once", FBK__AS_TEXT, true, &col));
    ck_assert_str_eq(fbk_errmsg(&db), "column once was of Arrow type +l, which is not text");
    ck_assert_int_eq(col, 99);
    tk_assert_ok(&db, fbk__arrow_reader_bind(r, "gone", FBK__AS_TEXT, false, &col));
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_int64(r, 0, 0, &v)); /* not bound: not touched */
    ck_assert_int_eq(col, -1);
    fbk__arrow_reader_close(r);
}
END_TEST

/* One lie each; all are found before memory is touched. */
enum { N_LIES = 17 };

static void
tell_lie(int lie)
{
    struct ArrowArray *text = &fake.arrays[0];
    struct ArrowArray *whole = &fake.arrays[1];

    switch (lie) {
    case 0:
        text->n_buffers = 2;
        break;
    case 1:
        whole->n_buffers = 3;
        break;
    case 2:
        text->length = 2;
        break;
    case 3:
        text->offset = -1;
        break;
    case 4:
        text->offset = INT64_MAX;
        break;
    case 5:
        text->length = -1;
        break;
    case 6:
        whole->length = INT64_MAX;
        break;
    case 7:
        text->null_count = 4;
        break;
    case 8:
        text->null_count = -2;
        break;
    case 9:
        text->null_count = 1;
        break; /* without a bitmap */
    case 10:
        text->buffers = NULL;
        break;
    case 11:
        fake.buffers[1][1] = NULL;
        break;
    case 12:
        text->release = NULL;
        break;
    case 13:
        fake.array_list[1] = NULL;
        break;
    case 14:
        fake.root.n_children = 1;
        break;
    case 15:
        fake.root.n_buffers = 0;
        break;
    default:
        fake.root.children = NULL;
        break;
    }
}

START_TEST(lies_about_lengths_are_found)
{
    static const int32_t ends[] = {0, 2, 2, 5};
    static const int64_t values[] = {1, 2, 3};
    struct ArrowArrayStream stream;
    fbk__arrow_reader *r = NULL;
    int64_t rows;

    fake_begin();
    (void)fake_column("t", "u", 3, 3);
    fake.buffers[0][1] = ends;
    fake.buffers[0][2] = "aabbb";
    (void)fake_column("v", "l", 3, 2);
    fake.buffers[1][1] = values;
    stream = fake_stream(3, 0);
    tell_lie(_i);
    tk_assert_ok(&db, fbk__arrow_reader_open(&db, &stream, &r));
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_reader_next(r, &rows));
    ck_assert_int_eq(fbk__arrow_reader_next(r, &rows), FBK_DONE);
    fbk__arrow_reader_close(r);
    ck_assert_int_eq(fake.released & 3, 3);
}
END_TEST

START_TEST(text_offsets_that_lie_are_found)
{
    static const int32_t ends[4][3] = {{0, 3, 2}, {-1, 2, 2}, {0, 9, 2}, {2, 1, 2}};

    for (size_t i = 0; i < 4; i++) {
        fbk__arrow_reader *r;
        const char *text;
        size_t len;

        fake_begin();
        (void)fake_column("t", "u", 2, 3);
        fake.buffers[0][1] = ends[i];
        fake.buffers[0][2] = "ab";
        r = fake_open(2, 0);
        tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_text(r, 0, 0, &text, &len));
        fbk__arrow_reader_close(r);
        /* Nor does a batch that ends before the array make another end of the buffer. */
        fake.given = 0;
        r = fake_open(1, 0);
        tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_text(r, 0, 0, &text, &len));
        fbk__arrow_reader_close(r);
    }
}
END_TEST

START_TEST(streams_that_fail_are_reported)
{
    static const struct {
        int code;
        fbk_status status;
    } cases[] = {{ENOMEM, FBK_ENOMEM}, {EIO, FBK_EIO}, {EINVAL, FBK_EINVAL}, {-7, FBK_EINVAL}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ArrowArrayStream stream;
        fbk__arrow_reader *r = NULL;
        int64_t rows;

        fake_begin();
        fake.schema_code = cases[i].code;
        stream = fake_stream(0, 0);
        tk_assert_fails(&db, cases[i].status, fbk__arrow_reader_open(&db, &stream, &r));
        ck_assert_ptr_null(r);
        ck_assert_int_eq(fake.released, 1);
        fake_begin();
        fake.next_code = cases[i].code;
        (void)fake_column("v", "l", 0, 2);
        stream = fake_stream(0, 0);
        tk_assert_ok(&db, fbk__arrow_reader_open(&db, &stream, &r));
        tk_assert_fails(&db, cases[i].status, fbk__arrow_reader_next(r, &rows));
        if (cases[i].status != FBK_ENOMEM)
            ck_assert_ptr_nonnull(strstr(fbk_errmsg(&db), "the tape broke"));
        fbk__arrow_reader_close(r);
    }
}
END_TEST

START_TEST(streams_that_are_no_tables_are_refused)
{
    struct ArrowArrayStream stream;
    fbk__arrow_reader *r = NULL;

    fake_begin();
    (void)fake_column("v", "l", 0, 2);
    stream = fake_stream(0, 0);
    fake.root_field.format = "l";
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_reader_open(&db, &stream, &r));
    ck_assert_int_eq(fake.released, 3);
    stream = fake_stream(0, 0);
    fake.root_field.children = NULL;
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_reader_open(&db, &stream, &r));
    stream = fake_stream(0, 0);
    fake.fields[0].release = NULL;
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_reader_open(&db, &stream, &r));
    tk_assert_fails(&db, FBK_EINVAL, fbk__arrow_reader_open(&db, NULL, &r));
}
END_TEST

/* ---- the inline code of the public header ---- */

START_TEST(host_fills_a_stream_that_we_read)
{
    int64_t n = row_counts[_i] > 1000 ? 1000 : row_counts[_i];
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    struct ArrowArrayStream stream;
    fbk__arrow_reader *r;
    int64_t seen = 0;
    int64_t rows;
    char text[32];

    (void)fbk_arrow_builder_column(&b, "i32", FBK_ARROW_INT32);
    (void)fbk_arrow_builder_column(&b, "i64", FBK_ARROW_INT64);
    (void)fbk_arrow_builder_column(&b, "dbl", FBK_ARROW_DOUBLE);
    (void)fbk_arrow_builder_column(&b, "bool", FBK_ARROW_BOOL);
    (void)fbk_arrow_builder_column(&b, "text", FBK_ARROW_TEXT);
    ck_assert_int_eq(fbk_arrow_builder_column(&b, "time", FBK_ARROW_TIME), C_TIME);
    for (int64_t i = 0; i < n; i++) {
        if (i % 7 == 3) {
            fbk_arrow_add_null(&b, C_I32);
            fbk_arrow_add_null(&b, C_DBL);
        } else {
            fbk_arrow_add_int64(&b, C_I32, -i);
            fbk_arrow_add_double(&b, C_DBL, (double)i / 4);
        }
        fbk_arrow_add_int64(&b, C_I64, i << 33);
        if (i % 11 == 5)
            fbk_arrow_add_null(&b, C_BOOL);
        else
            fbk_arrow_add_int64(&b, C_BOOL, i % 3 == 0);
        (void)snprintf(text, sizeof text, "%.*s%lld", (int)(i % 5), "äöüx", (long long)i);
        fbk_arrow_add_text(&b, C_TEXT, i % 13 == 12 ? NULL : text, -1);
        fbk_arrow_add_int64(&b, C_TIME, i * 1000000);
    }
    tk_assert_ok(&db, fbk_arrow_builder_finish(&b, &stream));
    tk_assert_ok(&db, fbk__arrow_reader_open(&db, &stream, &r));
    while (fbk__arrow_reader_next(r, &rows) == FBK_OK) {
        for (int64_t i = 0; i < rows; i++)
            sample_check_row(r, i, seen++);
    }
    ck_assert_int_eq(seen, n);
    fbk__arrow_reader_close(r);
}
END_TEST

START_TEST(host_walks_a_stream_of_ours)
{
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows;
    int64_t i = 0;

    tk_assert_ok(&db, fbk__table_stream(&db, sample(1000), 64, &stream));
    tk_assert_ok(&db, fbk_arrow_rows_open(&rows, &stream));
    ck_assert_int_eq(fbk_arrow_rows_column(&rows, "text"), C_TEXT);
    ck_assert_int_eq(fbk_arrow_rows_column(&rows, "nope"), -1);
    for (; fbk_arrow_rows_next(&rows) == FBK_OK; i++) {
        const char *text;
        char expect[32];
        int64_t len;

        ck_assert_int_eq(fbk_arrow_rows_null(&rows, C_I32), i % 7 == 3);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, C_I32), i % 7 == 3 ? 0 : -i);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, C_I64), i << 33);
        ck_assert(fbk_arrow_rows_double(&rows, C_DBL) == (i % 7 == 3 ? 0 : (double)i / 4));
        ck_assert(fbk_arrow_rows_double(&rows, C_I64) == (double)(i << 33));
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, C_BOOL), i % 11 != 5 && i % 3 == 0);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, C_TIME), i * 1000000);
        text = fbk_arrow_rows_text(&rows, C_TEXT, &len);
        (void)snprintf(expect, sizeof expect, "%.*s%lld", (int)(i % 5), "äöüx", (long long)i);
        ck_assert_int_eq(text == NULL, i % 13 == 12);
        if (text)
            ck_assert(len == (int64_t)strlen(expect) && memcmp(text, expect, (size_t)len) == 0);
        ck_assert_ptr_null(fbk_arrow_rows_text(&rows, C_I32, &len));
        ck_assert_int_eq(fbk_arrow_rows_null(&rows, -1), 1);
    }
    ck_assert_int_eq(i, 1000);
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_DONE);
    fbk_arrow_rows_close(&rows);
    fbk_arrow_rows_close(&rows);
}
END_TEST

START_TEST(host_builder_remembers_failures)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    struct ArrowArrayStream stream = {0};
    struct ArrowArray child;
    struct ArrowArray batch;

    (void)fbk_arrow_builder_column(&b, "a", FBK_ARROW_INT32);
    fbk_arrow_add_int64(&b, 0, INT64_C(1) << 40);
    ck_assert_int_eq(fbk_arrow_builder_finish(&b, &stream), FBK_ERANGE);
    (void)fbk_arrow_builder_column(&b, "a", FBK_ARROW_INT32);
    fbk_arrow_add_double(&b, 0, 1.0);
    ck_assert_int_eq(fbk_arrow_builder_finish(&b, &stream), FBK_EINVAL);
    (void)fbk_arrow_builder_column(&b, "a", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "b", FBK_ARROW_TEXT);
    fbk_arrow_add_text(&b, 0, "x", 1);
    ck_assert_int_eq(fbk_arrow_builder_finish(&b, &stream), FBK_EINVAL);
    (void)fbk_arrow_builder_column(&b, "a", FBK_ARROW_TEXT);
    fbk_arrow_add_null(&b, 1);
    ck_assert_int_eq(fbk_arrow_builder_finish(&b, &stream), FBK_EINVAL);
    ck_assert_ptr_null(stream.release);
    /* Children can be moved out here too, and the stream may go unread. */
    (void)fbk_arrow_builder_column(&b, "a", FBK_ARROW_TEXT);
    fbk_arrow_add_text(&b, 0, "x", 1);
    tk_assert_ok(NULL, fbk_arrow_builder_finish(&b, &stream));
    ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
    child = *batch.children[0];
    batch.children[0]->release = NULL;
    batch.release(&batch);
    stream.release(&stream);
    ck_assert_ptr_null(stream.release);
    ck_assert_mem_eq(child.buffers[2], "x", 1);
    child.release(&child);
    (void)fbk_arrow_builder_column(&b, "a", FBK_ARROW_TEXT);
    fbk_arrow_add_text(&b, 0, "x", 1);
    tk_assert_ok(NULL, fbk_arrow_builder_finish(&b, &stream));
    stream.release(&stream);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("arrow");
    TCase *tc = tcase_create("arrow");
    const int n_counts = (int)(sizeof row_counts / sizeof row_counts[0]);

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, tables_come_back_as_they_went, 0, n_counts);
    tcase_add_test(tc, children_can_be_moved_out);
    tcase_add_test(tc, release_marks_everything_released);
    tcase_add_test(tc, empty_columns_have_buffers);
    tcase_add_test(tc, release_order_is_free);
    tcase_add_test(tc, slots_under_nulls_are_zero);
    tcase_add_test(tc, defects_of_a_table_are_reported);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, offsets_add_up);
    tcase_add_test(tc, empty_arrays_are_not_touched);
    tcase_add_test(tc, unaligned_values_are_read);
    tcase_add_test(tc, numbers_are_converted);
    tcase_add_test(tc, nan_and_halves_are_no_whole_numbers);
    tcase_add_test(tc, times_are_converted);
    tcase_add_test(tc, texts_of_all_kinds);
    tcase_add_test(tc, dictionaries_are_looked_up);
    tcase_add_test(tc, rows_that_are_null_as_a_whole);
    tcase_add_test(tc, binding_says_what_is_wrong);
    tcase_add_loop_test(tc, lies_about_lengths_are_found, 0, N_LIES);
    tcase_add_test(tc, text_offsets_that_lie_are_found);
    tcase_add_test(tc, streams_that_fail_are_reported);
    tcase_add_test(tc, streams_that_are_no_tables_are_refused);
    tcase_add_loop_test(tc, host_fills_a_stream_that_we_read, 0, n_counts);
    tcase_add_test(tc, host_walks_a_stream_of_ours);
    tcase_add_test(tc, host_builder_remembers_failures);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
