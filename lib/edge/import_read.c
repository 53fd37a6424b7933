/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "edge/import.h"

/* Rows between two looks at the clock. */
enum { PROGRESS_ROWS = 2048 };

/* A CSV file on its way: which field of a record is which column of the mapping. */
typedef struct csv_read {
    fbk__csv *csv;
    uint32_t *column_of; /* field -> column of the mapping, FBK__INTERN_NONE = none */
    size_t n_fields;
    fbk__cell *cells; /* one a column of the mapping */
    fbk__buf content;
    int64_t header; /* records before the first row */
} csv_read;

/* One row of a record, through the mapping and on. */
static fbk_status
read_row(fbk__import *im, const fbk__cell *cells, int64_t number, int64_t line,
         fbk__hash128 content, bool *skipped)
{
    const fbk__row *row = &im->apply.row;
    fbk_status rc = fbk__apply_row(&im->apply, cells);

    if (rc < 0)
        return rc;
    *skipped = row->skip;
    if (row->skip)
        return FBK_OK;
    if (im->describe && !row->reason)
        rc = fbk__describe_add(im->describe, row);
    return rc < 0 ? rc : fbk__gather_add(im->gather, row, number, line, content);
}

static fbk_status
read_progress(fbk__import *im)
{
    uint64_t done;
    uint64_t total;

    if (im->report.rows_read % PROGRESS_ROWS != 0)
        return FBK_OK;
    fbk__file_progress(im->file, &done, &total);
    return fbk__import_progress(im, done / 2);
}

/* ---- CSV ---- */

static fbk_status
column_missing(fbk__import *im, uint32_t column)
{
    const char *name = fbk__intern_text(&im->map.columns, column, NULL);

    return fbk__fail_at(im->db, FBK_EINVAL, name, 0,
                        "the file had no column %s, which the mapping names", name);
}

/* Which of n names is which column; every column of the mapping must be there, once. */
static fbk_status
columns_bind(fbk__import *im, csv_read *c, size_t n, const fbk__piece *names)
{
    const fbk_allocator *a = fbk__a(im->db);
    const size_t n_columns = im->map.columns.n;
    size_t n_found = 0;

    c->n_fields = n;
    c->column_of = fbk__calloc(a, n + 1, sizeof *c->column_of);
    c->cells = fbk__calloc(a, n_columns + 1, sizeof *c->cells);
    if (!c->column_of || !c->cells)
        return fbk__nomem(im->db);
    for (size_t i = 0; i < n; i++) {
        uint32_t column = fbk__intern_find(&im->map.columns, names[i].p, names[i].len);

        c->column_of[i] = column;
        if (column == FBK__INTERN_NONE)
            continue;
        if (c->cells[column].kind)
            return fbk__fail_at(
                im->db, FBK_EINVAL, fbk__intern_text(&im->map.columns, column, NULL), 0,
                "the file had two columns %s", fbk__intern_text(&im->map.columns, column, NULL));
        c->cells[column].kind = FBK__CELL_TEXT;
        n_found++;
    }
    for (uint32_t i = 0; n_found < n_columns && i < n_columns; i++) {
        if (!c->cells[i].kind)
            return column_missing(im, i);
    }
    return FBK_OK;
}

/* The names of the columns: of the first record, or of the mapping. */
static fbk_status
csv_columns(fbk__import *im, csv_read *c)
{
    const fbk__mapping *map = &im->map;
    const fbk_allocator *a = fbk__a(im->db);
    fbk__csv_record record = {.n = 0};
    fbk__piece *names;
    size_t n = map->csv_columns.n;
    fbk_status rc;

    if (map->basket) {
        fbk__piece basket = fbk__piece_of(map, map->basket - 1);

        return columns_bind(im, c, 1, &basket);
    }
    if (!map->has_columns) {
        rc = fbk__csv_next(c->csv, &record);
        if (rc < 0)
            return rc;
        if (rc == FBK_DONE || record.reason)
            return fbk__fail_at(im->db, FBK_EINVAL, "header", 0, "the file had no header: %s",
                                rc == FBK_DONE ? "it was empty" : record.reason);
        n = record.n;
        c->header = 1;
    }
    names = fbk__calloc(a, n + 1, sizeof *names);
    if (!names)
        return fbk__nomem(im->db);
    for (size_t i = 0; i < n; i++) {
        if (map->has_columns)
            names[i] = fbk__piece_of(map, map->lists[map->csv_columns.first + i]);
        else
            names[i] = (fbk__piece){record.fields[i].text, record.fields[i].len};
    }
    rc = columns_bind(im, c, n, names);
    fbk__free(a, names);
    return rc;
}

/* What tells equal records from others when the file has no ids: fields with their lengths. */
static fbk_status
csv_content(fbk__import *im, csv_read *c, const fbk__csv_record *record, fbk__hash128 *out)
{
    *out = (fbk__hash128){0, 0};
    if (im->map.event_id.n > 0)
        return FBK_OK;
    fbk__buf_clear(&c->content);
    for (size_t i = 0; i < record->n; i++) {
        fbk__buf_uvarint(&c->content, record->fields[i].len);
        fbk__buf_add(&c->content, record->fields[i].text, record->fields[i].len);
    }
    if (c->content.failed)
        return fbk__nomem(im->db);
    *out = fbk__hash128_of(c->content.data, c->content.len);
    return FBK_OK;
}

static fbk_status
csv_record(fbk__import *im, csv_read *c, const fbk__csv_record *record)
{
    const int64_t number = record->number - c->header;
    fbk__hash128 content;
    bool skipped = false;
    char reason[96];
    fbk_status rc = csv_content(im, c, record, &content);

    if (rc < 0)
        return rc;
    if (im->map.basket) {
        for (size_t i = 0; i < record->n && rc == FBK_OK; i++) {
            c->cells[0] =
                (fbk__cell){record->fields[i].text, record->fields[i].len, FBK__CELL_TEXT};
            rc = read_row(im, c->cells, number, record->line, content, &skipped);
        }
        im->report.rows_skipped += skipped;
        return rc;
    }
    if (record->n != c->n_fields) {
        (void)snprintf(reason, sizeof reason, "had %zu fields where the header has %zu", record->n,
                       c->n_fields);
        return fbk__rejects_add(&im->rejects, number, record->line, "record", reason);
    }
    for (size_t i = 0; i < record->n; i++) {
        if (c->column_of[i] != FBK__INTERN_NONE)
            c->cells[c->column_of[i]] =
                (fbk__cell){record->fields[i].text, record->fields[i].len, FBK__CELL_TEXT};
    }
    rc = read_row(im, c->cells, number, record->line, content, &skipped);
    im->report.rows_skipped += skipped;
    return rc;
}

static fbk_status
csv_read_all(fbk__import *im)
{
    csv_read c = {.csv = NULL};
    fbk__csv_record record;
    fbk_status rc = fbk__csv_open(im->db, im->file, &im->map.csv, &c.csv);

    fbk__buf_init(&c.content, fbk__a(im->db));
    if (rc == FBK_OK)
        rc = csv_columns(im, &c);
    while (rc == FBK_OK && (rc = fbk__csv_next(c.csv, &record)) == FBK_OK) {
        im->report.rows_read++;
        if (record.reason)
            rc = fbk__rejects_add(&im->rejects, record.number - c.header, record.line, "record",
                                  record.reason);
        else
            rc = csv_record(im, &c, &record);
        if (rc == FBK_OK)
            rc = read_progress(im);
    }
    fbk__csv_close(c.csv);
    fbk__buf_free(&c.content);
    fbk__free(fbk__a(im->db), c.column_of);
    fbk__free(fbk__a(im->db), c.cells);
    return rc;
}

/* ---- JSON ---- */

static fbk_status
json_record(fbk__import *im, fbk__json *json, const fbk__json_record *record)
{
    const fbk__hash128 content = fbk__hash128_of(record->text, record->len);
    const fbk__cell *cells;
    bool all_skipped = true;
    fbk_status rc;

    while ((rc = fbk__json_row(json, &cells)) == FBK_OK) {
        bool skipped = false;

        rc = read_row(im, cells, record->number, record->line, content, &skipped);
        if (rc < 0)
            return rc;
        all_skipped = all_skipped && skipped;
    }
    im->report.rows_skipped += all_skipped;
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
json_read_all(fbk__import *im)
{
    const char *lines =
        im->map.json_lines ? fbk__intern_text(&im->map.texts, im->map.json_lines - 1, NULL) : NULL;
    fbk__json *json = NULL;
    fbk__json_record record;
    fbk_status rc = fbk__json_open(im->db, im->file, &im->map.columns, lines, &json);

    while (rc == FBK_OK && (rc = fbk__json_next(json, &record)) == FBK_OK) {
        im->report.rows_read++;
        if (record.reason)
            rc =
                fbk__rejects_add(&im->rejects, record.number, record.line, "record", record.reason);
        else
            rc = json_record(im, json, &record);
        if (rc == FBK_OK)
            rc = read_progress(im);
    }
    fbk__json_close(json);
    return rc;
}

fbk_status
fbk__import_read(fbk__import *im)
{
    fbk_status rc = im->map.format == FBK__FORMAT_CSV ? csv_read_all(im) : json_read_all(im);

    return rc < 0 ? rc : FBK_OK;
}
