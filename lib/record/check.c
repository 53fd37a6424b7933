/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/event.h>

#include "log/log.h"
#include "record/model_store.h"
#include "store/conn.h"
#include "store/stmt.h"

/* The log against itself, then what events name against the catalogue and the places, and the
 * bodies of models against their checksums. */

typedef struct checking {
    fbk *db;
    fbk_problem_fn problem;
    void *user_data;
    uint64_t bad;
    fbk_errinfo first;
} checking;

/* Count a finding, which is on the connection; anything but damage is returned. */
static fbk_status
finding(checking *c, fbk_status rc)
{
    if (rc != FBK_ECORRUPT)
        return rc < 0 ? rc : FBK_OK;
    if (c->bad++ == 0)
        c->first = c->db->err;
    if (!c->problem || c->bad > FBK__LOG_PROBLEMS)
        return FBK_OK;
    rc = c->problem(c->user_data, c->db->err.message);
    return rc < 0 ? fbk__callback_status(c->db, rc) : FBK_OK;
}

/* Numbers that events use and the table has not. */
static fbk_status
check_numbers(checking *c, const fbk__bitset *used, const char *sql, const char *what)
{
    uint64_t n_missing = 0;
    fbk_status rc = FBK_OK;

    for (uint64_t k = 1; rc >= 0 && fbk__bitset_next(used, &k); k++) {
        fbk__stmt *st = NULL;

        rc = fbk__stmt_get(c->db, sql, &st);
        if (rc < 0)
            break;
        fbk__bind_int64(st, 1, (int64_t)k);
        rc = fbk__step(st);
        n_missing += rc == FBK_DONE;
        fbk__stmt_put(st);
    }
    if (rc >= 0 && n_missing)
        rc = finding(c, fbk__fail(c->db, FBK_ECORRUPT, "events named %llu %s that do not exist",
                                  (unsigned long long)n_missing, what));
    return rc < 0 ? finding(c, rc) : FBK_OK;
}

static fbk_status
check_models(checking *c)
{
    fbk__model_head *heads = NULL;
    size_t n = 0;
    fbk_status rc = fbk__model_row_list(c->db, &heads, &n);

    for (size_t i = 0; rc >= 0 && i < n; i++) {
        void *body = NULL;

        rc = finding(c, fbk__model_row_body(c->db, &heads[i], &body));
        fbk__free(fbk__a(c->db), body);
    }
    fbk__free(fbk__a(c->db), heads);
    return rc < 0 ? finding(c, rc) : FBK_OK;
}

static fbk_status
check_all(checking *c, fbk__log_refs *refs)
{
    static const char item_sql[] = "SELECT 1 FROM item WHERE item = ?1";
    static const char place_sql[] = "SELECT 1 FROM place WHERE place = ?1";
    const fbk__log_check_options options = {c->problem, c->user_data, refs, 0};
    fbk_status rc = fbk__log_check_with(c->db, &options, &c->bad);

    if (rc == FBK_ECORRUPT) {
        c->first = c->db->err;
        rc = FBK_OK;
    }
    if (rc >= 0)
        rc = check_numbers(c, &refs->items, item_sql, "items");
    if (rc >= 0)
        rc = check_numbers(c, &refs->places, place_sql, "places");
    return rc < 0 ? rc : check_models(c);
}

fbk_status
fbk_event_check(fbk *db, fbk_problem_fn problem, void *user_data, uint64_t *out_problems)
{
    checking c = {.db = db, .problem = problem, .user_data = user_data};
    fbk__log_refs refs;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    fbk__log_refs_init(&refs, fbk__a(db));
    rc = check_all(&c, &refs);
    fbk__log_refs_free(&refs);
    if (rc >= 0 && out_problems)
        *out_problems = c.bad;
    if (rc < 0 || !c.bad)
        return rc;
    db->err = c.first;
    return FBK_ECORRUPT;
}
