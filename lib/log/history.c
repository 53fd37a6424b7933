/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "log/row.h"

/* Whole events: the history of nodes, and everything in order. No statement is open while the
 * callback runs, so that it may use the connection as long as it likes. */

typedef struct history_key {
    int64_t occurred_us;
    uint64_t event;
} history_key;

typedef struct history {
    history_key *keys;
    size_t n;
    size_t cap;
} history;

static int
history_newest_first(const void *x, const void *y)
{
    const history_key *p = x;
    const history_key *q = y;

    if (p->occurred_us != q->occurred_us)
        return p->occurred_us < q->occurred_us ? 1 : -1;
    return p->event < q->event ? 1 : p->event > q->event ? -1 : 0;
}

/* Keep the newest `limit`. */
static void
history_trim(history *h, size_t limit)
{
    if (h->n > 1)
        qsort(h->keys, h->n, sizeof *h->keys, history_newest_first);
    if (h->n > limit)
        h->n = limit;
}

static fbk_status
history_node(fbk *db, uint32_t node, fbk_time before_us, size_t limit, history *h)
{
    static const char sql[] = "SELECT occurred_us, event FROM log_event "
                              "WHERE node = ?1 AND occurred_us < ?2 "
                              "ORDER BY occurred_us DESC, event DESC LIMIT ?3";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, node);
    fbk__bind_int64(st, 2, before_us == FBK_TIME_NONE ? INT64_MAX : before_us);
    fbk__bind_int64(st, 3, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
    while ((rc = fbk__step(st)) == FBK_OK) {
        if (!fbk__grow(fbk__a(db), &h->keys, &h->cap, h->n + 1, sizeof *h->keys)) {
            rc = fbk__nomem(db);
            break;
        }
        h->keys[h->n++] =
            (history_key){fbk__column_int64(st, 0), (uint64_t)fbk__column_int64(st, 1)};
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
history_gather(fbk *db, const uint32_t *nodes, size_t n_nodes, fbk_time before_us, size_t limit,
               history *h)
{
    fbk_status rc = fbk__read_begin(db);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n_nodes && rc >= 0; i++) {
        if (i && nodes[i] == nodes[i - 1])
            continue;
        rc = history_node(db, nodes[i], before_us, limit, h);
        /* Many nodes with long histories: do not keep more than a few times what is asked for. */
        if (limit < 4096 && h->n > limit + 65536)
            history_trim(h, limit);
    }
    fbk__read_end(db);
    if (rc >= 0)
        history_trim(h, limit);
    return rc;
}

/* One row by a statement whose parameter 1 is `number`: FBK_DONE when there is none. */
static fbk_status
history_fetch(fbk *db, const char *sql, uint64_t number, uint64_t max_event, fbk__row *row)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, (int64_t)number);
    fbk__bind_int64(st, 2, (int64_t)max_event);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        rc = fbk__row_load(db, st, row);
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
history_give(const fbk__row *row, fbk__event_fn fn, void *user_data)
{
    fbk__event_view view;

    fbk__row_view(row, &view);
    return fn(user_data, &view);
}

fbk_status
fbk__log_history(fbk *db, const uint32_t *nodes, size_t n_nodes, fbk_time before_us, size_t limit,
                 fbk__event_fn fn, void *user_data)
{
    static const char sql[] =
        "SELECT " FBK__ROW_COLUMNS " FROM log_event WHERE event = ?1 AND event <= ?2";
    history h = {0};
    fbk__row row;
    fbk_status rc;

    fbk__row_init(&row, fbk__a(db));
    rc = history_gather(db, nodes, n_nodes, before_us, limit, &h);
    for (size_t i = 0; i < h.n && rc == FBK_OK; i++) {
        rc = history_fetch(db, sql, h.keys[i].event, INT64_MAX, &row);
        if (rc == FBK_OK)
            rc = history_give(&row, fn, user_data);
        else if (rc == FBK_DONE)
            rc = FBK_OK; /* erased meanwhile */
    }
    fbk__row_free(&row);
    fbk__free(fbk__a(db), h.keys);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__log_each(fbk *db, uint64_t after_event, fbk__event_fn fn, void *user_data)
{
    static const char sql[] = "SELECT " FBK__ROW_COLUMNS
                              " FROM log_event WHERE event > ?1 AND event <= ?2 ORDER BY event "
                              "LIMIT 1";
    fbk__log_total total;
    fbk__row row;
    fbk_status rc = fbk__log_total_read(db, &total);

    if (rc < 0)
        return rc;
    fbk__row_init(&row, fbk__a(db));
    while (rc == FBK_OK) {
        rc = history_fetch(db, sql, after_event, total.last_event, &row);
        if (rc != FBK_OK)
            break;
        after_event = row.head.event;
        rc = history_give(&row, fn, user_data);
    }
    fbk__row_free(&row);
    return rc < 0 ? rc : FBK_OK;
}
