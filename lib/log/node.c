/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/row.h"

/* Nodes (the small integers of identifiers) and links between them. */

static fbk_status
node_number(fbk *db, int64_t value, uint32_t *out)
{
    if (value < 1 || value > UINT32_MAX)
        return fbk__fail(db, FBK_ECORRUPT, "an identifier had the number %lld", (long long)value);
    *out = (uint32_t)value;
    return FBK_OK;
}

/* FBK_DONE when it is not there. */
static fbk_status
node_select(fbk *db, uint32_t space, const char *value, size_t len, uint32_t *out)
{
    static const char sql[] = "SELECT node FROM log_node WHERE value = ?1 AND space = ?2";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, value, len);
    fbk__bind_int64(st, 2, space);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        rc = node_number(db, fbk__column_int64(st, 0), out);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__node_find(fbk *db, uint32_t space, const char *value, size_t len, uint32_t *out_node)
{
    fbk_status rc = node_select(db, space, value, len, out_node);

    if (rc == FBK_DONE)
        return fbk__fail(db, FBK_ENOTFOUND, "the store had never seen this identifier");
    return rc;
}

fbk_status
fbk__node_make(fbk *db, uint32_t space, const char *value, size_t len, uint32_t *out_node)
{
    static const char sql[] = "INSERT INTO log_node (value, space) VALUES (?1, ?2)";
    fbk__stmt *st = NULL;
    fbk_status rc = node_select(db, space, value, len, out_node);

    if (rc != FBK_DONE)
        return rc;
    rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, value, len);
    fbk__bind_int64(st, 2, space);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    if (fbk__last_rowid(db) > UINT32_MAX)
        return fbk__fail(db, FBK_ETOOBIG, "the store had no number left for another identifier");
    return node_number(db, fbk__last_rowid(db), out_node);
}

fbk_status
fbk__node_value(fbk *db, uint32_t node, uint32_t *out_space, fbk__buf *value)
{
    static const char sql[] = "SELECT space, value FROM log_node WHERE node = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, node);
    rc = fbk__step(st);
    if (rc == FBK_DONE || (rc == FBK_OK && fbk__column_is_null(st, 1))) {
        rc = fbk__fail(db, FBK_ENOTFOUND, "identifier %u did not exist or was erased", node);
    } else if (rc == FBK_OK) {
        size_t len;
        const char *text = fbk__column_text(st, 1, &len);

        *out_space = (uint32_t)fbk__column_int64(st, 0);
        fbk__buf_add(value, text, len);
        if (value->failed)
            rc = fbk__nomem(db);
    }
    fbk__stmt_put(st);
    return rc;
}

/* The one number that a statement without parameters gives. */
static fbk_status
node_one_number(fbk *db, const char *sql, int64_t *out)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc == FBK_DONE ? FBK_OK : rc;
}

fbk_status
fbk__node_count(fbk *db, uint32_t *out_n)
{
    static const char sql[] = "SELECT coalesce(max(node), 0) FROM log_node";
    int64_t n = 0;
    fbk_status rc = node_one_number(db, sql, &n);

    if (rc < 0)
        return rc;
    if (n == 0) {
        *out_n = 0;
        return FBK_OK;
    }
    return node_number(db, n, out_n);
}

fbk_status
fbk__node_spaces(fbk *db, uint32_t **out_spaces, uint32_t *out_n)
{
    static const char sql[] = "SELECT node, space FROM log_node WHERE node <= ?1";
    uint32_t *spaces = NULL;
    uint32_t n;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__node_count(db, &n);

    if (rc < 0)
        return rc;
    spaces = fbk__calloc(fbk__a(db), (size_t)n + 1, sizeof *spaces);
    if (!spaces)
        return fbk__nomem(db);
    rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        goto out;
    fbk__bind_int64(st, 1, n);
    while ((rc = fbk__step(st)) == FBK_OK) {
        uint32_t node = 0;

        rc = node_number(db, fbk__column_int64(st, 0), &node);
        if (rc < 0)
            goto out;
        spaces[node] = (uint32_t)fbk__column_int64(st, 1);
    }
    if (rc < 0)
        goto out;
    rc = FBK_OK;
    *out_spaces = spaces;
    *out_n = n;
    spaces = NULL;
out:
    fbk__stmt_put(st);
    fbk__free(fbk__a(db), spaces);
    return rc;
}

static fbk_status
link_load(fbk *db, fbk__stmt *st, fbk__link *out)
{
    int64_t count = fbk__column_int64(st, 3);
    fbk_status rc = node_number(db, fbk__column_int64(st, 0), &out->a);

    if (rc < 0)
        return rc;
    rc = node_number(db, fbk__column_int64(st, 1), &out->b);
    if (rc < 0)
        return rc;
    out->rule = (uint32_t)fbk__column_int64(st, 2);
    out->count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    out->first_us = fbk__column_int64(st, 4);
    out->last_us = fbk__column_int64(st, 5);
    return FBK_OK;
}

fbk_status
fbk__links_read(fbk *db, fbk__link **out_links, size_t *out_n)
{
    static const char sql[] =
        "SELECT a, b, rule, count, first_us, last_us FROM log_link ORDER BY a, b, rule";
    fbk__link *links = NULL;
    size_t n = 0;
    size_t cap = 0;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    while ((rc = fbk__step(st)) == FBK_OK) {
        if (!fbk__grow(fbk__a(db), &links, &cap, n + 1, sizeof *links)) {
            rc = fbk__nomem(db);
            goto out;
        }
        rc = link_load(db, st, &links[n++]);
        if (rc < 0)
            goto out;
    }
    if (rc < 0)
        goto out;
    rc = FBK_OK;
    *out_links = links;
    *out_n = n;
    links = NULL;
out:
    fbk__stmt_put(st);
    fbk__free(fbk__a(db), links);
    return rc;
}

/* FBK_DONE when the callback has enough. */
static fbk_status
links_each(fbk *db, const char *sql, uint32_t node, fbk__link_fn fn, void *user_data)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);
    bool enough = false;

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, node);
    while ((rc = fbk__step(st)) == FBK_OK) {
        fbk__link link;

        rc = link_load(db, st, &link);
        if (rc >= 0)
            rc = fn(user_data, &link, (uint32_t)fbk__column_int64(st, 6));
        enough = rc == FBK_DONE;
        if (rc < 0 || enough)
            break;
    }
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    return enough ? FBK_DONE : FBK_OK;
}

fbk_status
fbk__links_of(fbk *db, uint32_t node, fbk__link_fn fn, void *user_data)
{
    static const char lower[] =
        "SELECT a, b, rule, count, first_us, last_us, space FROM log_link CROSS JOIN log_node "
        "ON node = a WHERE b = ?1 ORDER BY a, rule";
    static const char upper[] =
        "SELECT a, b, rule, count, first_us, last_us, space FROM log_link CROSS JOIN log_node "
        "ON node = b WHERE a = ?1 ORDER BY b, rule";
    fbk_status rc = links_each(db, lower, node, fn, user_data);

    if (rc == FBK_OK)
        rc = links_each(db, upper, node, fn, user_data);
    return rc < 0 ? rc : FBK_OK;
}

/* FBK_DONE when there is none yet. */
static fbk_status
link_first(fbk *db, const fbk__link *link, int64_t *out_first_us)
{
    static const char sql[] = "SELECT first_us FROM log_link WHERE a = ?1 AND b = ?2 AND rule = ?3";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, link->a);
    fbk__bind_int64(st, 2, link->b);
    fbk__bind_int64(st, 3, link->rule);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out_first_us = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__link_upsert(fbk *db, const fbk__link *link, const char *note, bool *out_new, bool *out_changed)
{
    static const char sql[] =
        "INSERT INTO log_link (a, b, rule, count, first_us, last_us, note) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (a, b, rule) DO UPDATE SET "
        "count = count + excluded.count, first_us = min(first_us, excluded.first_us), "
        "last_us = max(last_us, excluded.last_us), note = coalesce(excluded.note, note)";
    int64_t first_us = 0;
    fbk__stmt *st = NULL;
    fbk_status rc;

    if (link->a >= link->b || !link->a)
        return fbk__fail(db, FBK_EINVAL, "a link joined %u and %u, not two in ascending order",
                         link->a, link->b);
    rc = link_first(db, link, &first_us);
    if (rc < 0)
        return rc;
    *out_new = rc == FBK_DONE;
    /* An unlink counts from its last time on, so that every repetition matters. */
    *out_changed = *out_new || link->first_us < first_us || link->rule != FBK__LINK_EVENT;
    rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, link->a);
    fbk__bind_int64(st, 2, link->b);
    fbk__bind_int64(st, 3, link->rule);
    fbk__bind_int64(st, 4, link->count);
    fbk__bind_int64(st, 5, link->first_us);
    fbk__bind_int64(st, 6, link->last_us);
    if (note)
        fbk__bind_text(st, 7, note, strlen(note));
    else
        fbk__bind_null(st, 7);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__link_add(fbk *db, const fbk__link *link, const char *note)
{
    fbk__log_total total;
    bool fresh;
    bool changed;
    fbk_status rc = fbk__link_upsert(db, link, note, &fresh, &changed);

    if (rc < 0 || !fresh)
        return rc;
    rc = fbk__log_total_read(db, &total);
    if (rc < 0)
        return rc;
    total.links++;
    return fbk__log_total_write(db, &total);
}
