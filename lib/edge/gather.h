/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_GATHER_H
#define EDGE_GATHER_H

#include "edge/apply.h"
#include "edge/rejects.h"
#include "edge/spill.h"

/* Rows to events: rows of one id, wherever they stand in the file, become one event. Two sorts: of
 * the rows by id, then of the events by their first row, so that events leave in the order in which
 * the file has them. */

typedef struct fbk__gather fbk__gather;

typedef struct fbk__gather_options {
    size_t budget;   /* bytes of memory for both sorts */
    const char *dir; /* of temporary files, or NULL */
    fbk__rejects *rejects;
    fbk_status (*tick)(void *user_data); /* now and then while events are made; a failure stops */
    void *user_data;
} fbk__gather_options;

fbk_status
fbk__gather_new(fbk *db, const fbk__mapping *map, const fbk__gather_options *options,
                fbk__gather **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__gather_free(fbk__gather *g);

/** One row that the mapping was applied to, good or refused.
 *  @param number, line  of the record that it is from.
 *  @param content       hash of that record: with a mapping without event ids, equal records are
 *                       told apart by counting them. */
fbk_status
fbk__gather_add(fbk__gather *g, const fbk__row *row, int64_t number, int64_t line,
                fbk__hash128 content) FBK_MUST_USE;

/** No more rows: make the events. Those that cannot be go to the rejects. */
fbk_status
fbk__gather_finish(fbk__gather *g) FBK_MUST_USE;

/** Where a line of an event stands in the input. */
typedef struct fbk__gather_row {
    int64_t number;
    int64_t line;
} fbk__gather_row;

/** Lines of an event, one at a time. */
typedef struct fbk__gather_line {
    uint32_t kind;
    fbk__piece item;
    int64_t quantity_milli;
    int64_t unit_price_micro;
    int64_t discount_micro;
    int64_t tax_micro;
    int64_t amount_micro;
} fbk__gather_line;

/** An event; all borrowed until the next call. */
typedef struct fbk__gather_event {
    fbk__piece id; /* of a mapping without event ids: "source/content-ordinal" */
    fbk_time occurred_us;
    uint32_t flags;
    uint32_t n_lines;
    size_t n_rows;
    const fbk__gather_row *rows;
    const fbk__piece *slots; /* fbk__n_slots(); len 0 = none */
    fbk__reader lines;       /* for fbk__gather_next_line() */
} fbk__gather_event;

/** FBK_OK, FBK_DONE, or a failure. */
fbk_status
fbk__gather_next(fbk__gather *g, fbk__gather_event *out) FBK_MUST_USE;

/** n_lines times. */
void
fbk__gather_next_line(fbk__gather_event *event, fbk__gather_line *out);

/** All rows of an event go to the rejects. */
fbk_status
fbk__gather_refuse(fbk__gather *g, const fbk__gather_event *event, const char *field,
                   const char *reason) FBK_MUST_USE;

typedef struct fbk__gather_counts {
    uint64_t events;  /* made */
    uint64_t refused; /* by fbk__gather_finish() */
    uint64_t rows;    /* of the events made */
} fbk__gather_counts;

fbk__gather_counts
fbk__gather_count(const fbk__gather *g);

#endif
