/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/engine.h"
#include "log/exchange.h"

/* Evidence that two nodes are one person. */

static fbk_status
link_load(fbk *db, fbk__stmt *st, fbk__link *out)
{
    int64_t count = fbk__column_int64(st, 3);
    int64_t a = fbk__column_int64(st, 0);
    int64_t b = fbk__column_int64(st, 1);

    if (a < 1 || a >= b || b > UINT32_MAX)
        return fbk__fail(db, FBK_ECORRUPT, "a link joined %lld and %lld", (long long)a,
                         (long long)b);
    out->a = (uint32_t)a;
    out->b = (uint32_t)b;
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
    static const char lower[] = "SELECT a, b, rule, count, first_us, last_us, space_a "
                                "FROM log_link WHERE b = ?1 ORDER BY a, rule";
    static const char upper[] = "SELECT a, b, rule, count, first_us, last_us, space_b "
                                "FROM log_link WHERE a = ?1 ORDER BY b, rule";
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

/* Run a statement whose nine parameters are the columns of a link. */
static fbk_status
link_write(fbk *db, const char *sql, const fbk__link *link, const uint32_t spaces[2],
           const char *note)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

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
    fbk__bind_int64(st, 8, spaces[0]);
    fbk__bind_int64(st, 9, spaces[1]);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
link_spaces(fbk *db, const fbk__link *link, uint32_t spaces[2])
{
    fbk_status rc = fbk__node_space(db, link->a, &spaces[0]);

    return rc < 0 ? rc : fbk__node_space(db, link->b, &spaces[1]);
}

fbk_status
fbk__link_upsert(fbk *db, const fbk__link *link, const uint32_t spaces[2], const char *note,
                 bool *out_changed)
{
    static const char sql[] =
        "INSERT INTO log_link (a, b, rule, count, first_us, last_us, note, space_a, space_b) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (a, b, rule) DO UPDATE SET "
        "count = count + excluded.count, first_us = min(first_us, excluded.first_us), "
        "last_us = max(last_us, excluded.last_us), note = coalesce(excluded.note, note)";
    int64_t first_us = 0;
    fbk_status rc;

    if (link->a >= link->b || !link->a)
        return fbk__fail(db, FBK_EINVAL, "a link joined %u and %u, not two in ascending order",
                         link->a, link->b);
    rc = link_first(db, link, &first_us);
    if (rc < 0)
        return rc;
    /* An unlink counts from its last time on, so that every repetition matters. */
    *out_changed = rc == FBK_DONE || link->first_us < first_us || link->rule != FBK__LINK_EVENT;
    return link_write(db, sql, link, spaces, note);
}

fbk_status
fbk__link_add(fbk *db, const fbk__link *link, const char *note)
{
    uint32_t spaces[2];
    bool changed;
    fbk_status rc = link_spaces(db, link, spaces);

    return rc < 0 ? rc : fbk__link_upsert(db, link, spaces, note, &changed);
}

/* -- between stores ---------------------------------------------------------------------------- */

static fbk_status
link_join(fbk *db, const fbk__link *link, const uint32_t spaces[2], const char *note)
{
    static const char sql[] =
        "INSERT INTO log_link (a, b, rule, count, first_us, last_us, note, space_a, space_b) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (a, b, rule) DO UPDATE SET "
        "count = max(count, ?4), first_us = min(first_us, ?5), last_us = max(last_us, ?6), "
        "note = iif(?6 > last_us OR (?6 = last_us AND coalesce(?7, '') > coalesce(note, '')), ?7, "
        "note) WHERE ?4 > count OR ?5 < first_us OR ?6 > last_us OR "
        "(?6 = last_us AND coalesce(?7, '') > coalesce(note, ''))";
    fbk_status rc = link_write(db, sql, link, spaces, note);

    if (rc < 0 || !fbk__changes(db))
        return rc < 0 ? rc : FBK_DONE;
    return FBK_OK;
}

fbk_status
fbk__link_join(fbk *db, const fbk__link *link, const char *note)
{
    uint32_t spaces[2];
    fbk_status rc = link_spaces(db, link, spaces);

    return rc < 0 ? rc : link_join(db, link, spaces, note);
}

fbk_status
fbk__links_noted(fbk *db, fbk__note_fn fn, void *user_data)
{
    static const char sql[] = "SELECT a, b, rule, count, first_us, last_us, note FROM log_link "
                              "WHERE rule <> 1 ORDER BY a, b, rule";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    while ((rc = fbk__step(st)) == FBK_OK) {
        fbk__link link;
        size_t len;

        rc = link_load(db, st, &link);
        if (rc >= 0)
            rc = fn(user_data, &link,
                    fbk__column_is_null(st, 6) ? NULL : fbk__column_text(st, 6, &len));
        if (rc < 0)
            break;
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}
