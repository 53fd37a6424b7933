/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/identity.h"

#include <string.h>

#include "base/options.h"
#include "base/table.h"
#include "base/utf8.h"
#include "log/log.h"
#include "record/event.h"
#include "store/stmt.h"

#define PERSON_V1_SIZE 32u
#define NAMESPACE_V1_SIZE 16u
_Static_assert(sizeof(fbk_identity_person) == PERSON_V1_SIZE, "fbk_identity_person v1");
_Static_assert(sizeof(fbk_identity_namespace) == NAMESPACE_V1_SIZE, "fbk_identity_namespace v1");

enum { REASON_MAX = 1024, PEOPLE_MAX = 1000000 };

/* An identifier as it is stored. */
typedef struct identity_key {
    const char *space;
    size_t space_len;
    size_t len;
    char value[FBK__IDENTITY_VALUE_MAX];
} identity_key;

static fbk_status
space_check(fbk *db, const char *space)
{
    if (space && fbk__identity_space(space, strnlen(space, FBK__IDENTITY_SPACE_MAX + 1)))
        return FBK_OK;
    return fbk__fail_at(db, FBK_EINVAL, "namespace", 0,
                        "the namespace was not a lower-case word of letters, digits and '_' of at "
                        "most %d bytes",
                        FBK__IDENTITY_SPACE_MAX);
}

/* FBK_DONE: the value says nothing about a person, and no message is set. */
static fbk_status
key_make(fbk *db, const char *space, const char *value, identity_key *out)
{
    size_t len = value ? strnlen(value, FBK__IDENTITY_VALUE_MAX + 1) : 0;
    fbk_status rc = space_check(db, space);

    if (rc < 0)
        return rc;
    if (!value || len > FBK__IDENTITY_VALUE_MAX || !fbk__utf8_valid(value, len))
        return fbk__fail_at(
            db, FBK_EINVAL, "value", 0,
            "the value of an identifier was NULL, no UTF-8, or longer than %d bytes",
            FBK__IDENTITY_VALUE_MAX);
    out->space = space;
    out->space_len = strlen(space);
    out->len = fbk__identity_normalise(space, value, len, out->value);
    return fbk__identity_blocked(space, out->value, out->len) ? FBK_DONE : FBK_OK;
}

/* The same where only somebody's identifier will do. */
static fbk_status
key_make_own(fbk *db, const char *space, const char *value, identity_key *out)
{
    fbk_status rc = key_make(db, space, value, out);

    if (rc == FBK_DONE)
        return fbk__fail_at(db, FBK_EINVAL, "value", 0,
                            "a value of namespace %s said nothing about a person", space);
    return rc;
}

static fbk_status
node_find(fbk *db, const identity_key *key, uint32_t *out)
{
    uint32_t space = 0;
    fbk_status rc = fbk__word_resolve(db, key->space, key->space_len, false, &space);

    if (rc == FBK_ENOTFOUND)
        return fbk__fail_at(db, rc, "namespace", 0, "the store had no identifier of namespace %s",
                            key->space);
    if (rc < 0)
        return rc;
    return fbk__node_find(db, space, key->value, key->len, out);
}

static fbk_status
node_make(fbk *db, const identity_key *key, uint32_t *out)
{
    uint32_t space = 0;
    fbk_status rc = fbk__word_resolve(db, key->space, key->space_len, true, &space);

    if (rc < 0)
        return rc;
    return fbk__node_make(db, space, key->value, key->len, out);
}

fbk_status
fbk__identity_node(fbk *db, const char *space, const char *value, uint32_t *out_node)
{
    identity_key key;
    fbk_status rc = key_make(db, space, value, &key);

    if (rc == FBK_DONE)
        return fbk__fail_at(db, FBK_ENOTFOUND, "value", 0,
                            "a value of namespace %s said nothing about a person", space);
    return rc < 0 ? rc : node_find(db, &key, out_node);
}

fbk_status
fbk__identity_node_make(fbk *db, const char *space, const char *value, uint32_t *out_node)
{
    identity_key key;
    fbk_status rc = key_make_own(db, space, value, &key);

    return rc < 0 ? rc : node_make(db, &key, out_node);
}

static fbk_status
as_of_check(fbk *db, fbk_time as_of_us)
{
    if (as_of_us == FBK_TIME_NONE || (as_of_us >= FBK_TIME_MIN && as_of_us <= FBK_TIME_MAX))
        return FBK_OK;
    return fbk__fail_at(db, FBK_ERANGE, "as_of_us", 0,
                        "as_of_us was neither FBK_TIME_NONE nor in the years 1 to 9999");
}

/* ---- linking ---- */

typedef struct link_request {
    identity_key a;
    identity_key b;
    fbk_time at_us;
    const char *reason;
    bool unlink;
} link_request;

static fbk_status
link_check(fbk *db, fbk_time at_us, const char *reason)
{
    if (at_us < FBK_TIME_MIN || at_us > FBK_TIME_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "at_us", 0, "at_us was not in the years 1 to 9999");
    if (reason &&
        (strnlen(reason, REASON_MAX + 1) > REASON_MAX || !fbk__utf8_valid(reason, strlen(reason))))
        return fbk__fail_at(db, FBK_EINVAL, "reason", 0,
                            "the reason was no UTF-8, or longer than %d bytes", REASON_MAX);
    return FBK_OK;
}

/* Inside the write transaction. FBK_OK when the two are then what was asked for, FBK_DONE when
 * not. */
static fbk_status
link_write(fbk *db, const link_request *req)
{
    fbk_status (*get)(fbk *, const identity_key *, uint32_t *) =
        req->unlink ? node_find : node_make;
    fbk__link link = {.rule = req->unlink ? FBK__LINK_UNLINK : FBK__LINK_EXPLICIT,
                      .count = 1,
                      .first_us = req->at_us,
                      .last_us = req->at_us};
    fbk__person person = {0};
    uint32_t a = 0;
    uint32_t b = 0;
    bool joined;
    fbk_status rc;

    rc = get(db, &req->a, &a);
    if (rc < 0)
        return rc;
    rc = get(db, &req->b, &b);
    if (rc < 0)
        return rc;
    if (a == b)
        return fbk__fail_at(db, FBK_EINVAL, "value", 0, "both were the same identifier");
    link.a = a < b ? a : b;
    link.b = a < b ? b : a;
    rc = fbk__link_add(db, &link, req->reason);
    if (rc < 0)
        return rc;
    rc = fbk__generation_bump(db, FBK__KIND_IDENTITY);
    if (rc < 0)
        return rc;
    rc = fbk__identity_person(db, a, FBK_TIME_NONE, &person);
    if (rc < 0)
        return rc;
    joined = fbk__person_has(&person, b);
    fbk__person_free(db, &person);
    return joined != req->unlink ? FBK_OK : FBK_DONE;
}

static fbk_status
link_apply(fbk *db, const link_request *req)
{
    fbk_status outcome;
    fbk_status rc = fbk__write_begin(db);

    if (rc < 0)
        return rc;
    outcome = link_write(db, req);
    rc = fbk__write_end(db, outcome);
    return rc < 0 ? rc : outcome;
}

fbk_status
fbk_identity_link(fbk *db, const char *space_a, const char *value_a, const char *space_b,
                  const char *value_b, fbk_time at_us, const char *reason)
{
    link_request req = {.at_us = at_us, .reason = reason};
    fbk_status rc;

    rc = fbk__enter(db);
    if (rc < 0)
        return rc;
    rc = key_make_own(db, space_a, value_a, &req.a);
    if (rc < 0)
        return rc;
    rc = key_make_own(db, space_b, value_b, &req.b);
    if (rc < 0)
        return rc;
    rc = link_check(db, at_us, reason);
    if (rc < 0)
        return rc;
    return link_apply(db, &req);
}

fbk_status
fbk_identity_unlink(fbk *db, const char *space_a, const char *value_a, const char *space_b,
                    const char *value_b, fbk_time at_us, const char *reason)
{
    link_request req = {.at_us = at_us, .reason = reason, .unlink = true};
    fbk_status rc;

    rc = fbk__enter(db);
    if (rc < 0)
        return rc;
    rc = key_make(db, space_a, value_a, &req.a);
    if (rc < 0)
        return rc;
    rc = key_make(db, space_b, value_b, &req.b);
    if (rc < 0)
        return rc;
    rc = link_check(db, at_us, reason);
    if (rc < 0)
        return rc;
    return link_apply(db, &req);
}

/* ---- asking ---- */

fbk_status
fbk_identity_who(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                 fbk_identity_person *out)
{
    fbk_identity_person person = FBK_IDENTITY_PERSON_INIT;
    fbk__person found = {0};
    uint32_t node = 0;
    fbk_status rc;

    rc = fbk__enter(db);
    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail(db, FBK_EINVAL, "out was NULL");
    rc = as_of_check(db, as_of_us);
    if (rc < 0)
        return rc;
    rc = fbk__identity_node(db, space, value, &node);
    if (rc < 0)
        return rc;
    rc = fbk__identity_person(db, node, as_of_us, &found);
    if (rc < 0)
        return rc;
    person.flags = found.flags;
    person.profile = found.profile;
    person.identifier = node;
    person.n_identifiers = found.n_nodes;
    fbk__person_free(db, &found);
    return fbk__result_store(db, out, PERSON_V1_SIZE, &person, sizeof person);
}

fbk_status
fbk__identity_show(fbk *db, uint32_t node, const char **out_space, fbk__buf *value, bool *out_shown)
{
    fbk__identity_class class_of;
    uint32_t space = 0;
    fbk_status rc;

    fbk__buf_clear(value);
    rc = fbk__node_value(db, node, &space, value);
    if (rc < 0)
        return rc;
    rc = fbk__identity_class_read(db, space, &class_of);
    if (rc >= 0)
        rc = fbk__word_get(db, space, out_space);
    if (rc < 0)
        return rc;
    *out_shown = class_of.show != FBK_IDENTITY_SHOW_NOTHING;
    if (class_of.show == FBK_IDENTITY_SHOW_MASKED) {
        char mask[80];
        size_t n = fbk__identity_mask(*out_space, value->data, value->len, mask);

        fbk__buf_clear(value);
        fbk__buf_add(value, mask, n);
    }
    return value->failed ? fbk__nomem(db) : FBK_OK;
}

enum { LIST_IDENTIFIER, LIST_SPACE, LIST_VALUE, LIST_QUARANTINED, LIST_BLOCKED };

/* Number, namespace and value: how the rows of both lists begin. FBK_DONE: erased, no row. */
static fbk_status
row_begin(fbk *db, uint32_t node, fbk__buf *value, fbk__table *t)
{
    const char *space = "";
    bool shown = false;
    fbk_status rc = fbk__identity_show(db, node, &space, value, &shown);

    if (rc == FBK_ENOTFOUND)
        return FBK_DONE;
    if (rc < 0)
        return rc;
    fbk__table_add_int64(t, LIST_IDENTIFIER, node);
    fbk__table_add_str(t, LIST_SPACE, space);
    if (shown)
        fbk__table_add_text(t, LIST_VALUE, value->len ? value->data : "", value->len);
    else
        fbk__table_add_null(t, LIST_VALUE);
    return FBK_OK;
}

static void
columns_begin(fbk__table *t)
{
    (void)fbk__table_column(t, "identifier", FBK__INT64, false);
    (void)fbk__table_column(t, "namespace", FBK__TEXT, false);
    (void)fbk__table_column(t, "value", FBK__TEXT, true);
}

static fbk_status
list_fill(fbk *db, const fbk__person *person, fbk__table *t)
{
    fbk__buf value;
    fbk_status rc = FBK_OK;
    size_t n_rows = 0;

    fbk__buf_init(&value, fbk__a(db));
    columns_begin(t);
    (void)fbk__table_column(t, "quarantined", FBK__BOOL, false);
    (void)fbk__table_column(t, "blocked", FBK__BOOL, false);
    for (size_t i = 0; i < person->n_nodes && rc >= 0; i++) {
        rc = row_begin(db, person->nodes[i], &value, t);
        if (rc != FBK_OK)
            continue;
        /* Who has such a flag is alone, so that the flags are those of the only row. */
        fbk__table_add_int64(t, LIST_QUARANTINED, (person->flags & FBK_IDENTITY_QUARANTINED) != 0);
        fbk__table_add_int64(t, LIST_BLOCKED, (person->flags & FBK_IDENTITY_BLOCKED) != 0);
        n_rows++;
    }
    fbk__buf_free(&value);
    if (rc < 0)
        return rc;
    if (n_rows == 0)
        return fbk__fail_at(db, FBK_ENOTFOUND, "profile", 0,
                            "the profile had no identifier, or all were erased");
    fbk__err_clear(db); /* those that were erased are no failure */
    return FBK_OK;
}

fbk_status
fbk_identity_list(fbk *db, uint64_t profile, fbk_time as_of_us, struct ArrowArrayStream *out)
{
    fbk__person person = {0};
    fbk__table *t = NULL;
    fbk_status rc;

    rc = fbk__enter(db);
    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail(db, FBK_EINVAL, "out was NULL");
    if (profile == 0 || profile > UINT32_MAX)
        return fbk__fail_at(db, FBK_ENOTFOUND, "profile", 0, "there was no such profile");
    rc = as_of_check(db, as_of_us);
    if (rc < 0)
        return rc;
    rc = fbk__read_begin(db);
    if (rc < 0)
        return rc;
    rc = fbk__identity_person(db, (uint32_t)profile, as_of_us, &person);
    if (rc < 0)
        goto out;
    t = fbk__table_new(fbk__a(db));
    rc = list_fill(db, &person, t);
    if (rc < 0)
        goto out;
    rc = fbk__table_stream(db, t, 0, out);
    t = NULL;
out:
    fbk__read_end(db);
    fbk__table_free(t);
    fbk__person_free(db, &person);
    return rc;
}

enum { QUARANTINE_REASON = 3, QUARANTINE_NEIGHBOURS, QUARANTINE_COUNT, QUARANTINE_LIMIT };

static fbk_status
quarantine_row(fbk *db, const fbk__identity *who, uint32_t node, fbk__buf *value, fbk__table *t)
{
    const fbk__crowd *crowd = fbk__partition_crowd(&who->p, node);
    bool blocked = (fbk__identity_flags(who, node) & FBK_IDENTITY_BLOCKED) != 0;
    const char *neighbours = "";
    fbk_status rc = row_begin(db, node, value, t);

    if (rc != FBK_OK)
        return rc;
    fbk__table_add_str(t, QUARANTINE_REASON, blocked ? "blocked" : "shared");
    if (blocked || !crowd) {
        fbk__table_add_null(t, QUARANTINE_NEIGHBOURS);
        fbk__table_add_null(t, QUARANTINE_COUNT);
        fbk__table_add_null(t, QUARANTINE_LIMIT);
        return FBK_OK;
    }
    rc = fbk__word_get(db, who->classes[crowd->class_of].space, &neighbours);
    if (rc < 0)
        return rc;
    fbk__table_add_str(t, QUARANTINE_NEIGHBOURS, neighbours);
    fbk__table_add_int64(t, QUARANTINE_COUNT, crowd->neighbours);
    fbk__table_add_int64(t, QUARANTINE_LIMIT, crowd->limit);
    return FBK_OK;
}

/* Crowds and blocked nodes, both ascending, merged. */
static fbk_status
quarantine_fill(fbk *db, const fbk__identity *who, fbk__table *t)
{
    fbk__buf value;
    uint32_t c = 0;
    uint32_t b = 0;
    fbk_status rc = FBK_OK;

    fbk__buf_init(&value, fbk__a(db));
    columns_begin(t);
    (void)fbk__table_column(t, "reason", FBK__TEXT, false);
    (void)fbk__table_column(t, "neighbour_namespace", FBK__TEXT, true);
    (void)fbk__table_column(t, "neighbours", FBK__INT64, true);
    (void)fbk__table_column(t, "max_people", FBK__INT64, true);
    while (rc >= 0 && (c < who->p.n_crowds || b < who->n_blocked)) {
        uint32_t crowd = c < who->p.n_crowds ? who->p.crowds[c].node : UINT32_MAX;
        uint32_t blocked = b < who->n_blocked ? who->blocked[b] : UINT32_MAX;
        uint32_t node = crowd < blocked ? crowd : blocked;

        c += crowd == node;
        b += blocked == node;
        rc = quarantine_row(db, who, node, &value, t);
    }
    fbk__buf_free(&value);
    if (rc >= 0)
        fbk__err_clear(db);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk_identity_quarantined(fbk *db, struct ArrowArrayStream *out)
{
    const fbk__identity *who = NULL;
    fbk__table *t = NULL;
    fbk_status rc;

    rc = fbk__enter(db);
    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail(db, FBK_EINVAL, "out was NULL");
    rc = fbk__read_begin(db);
    if (rc < 0)
        return rc;
    rc = fbk__identity_acquire(db, FBK_TIME_NONE, &who);
    if (rc < 0)
        goto out;
    t = fbk__table_new(fbk__a(db));
    rc = quarantine_fill(db, who, t);
    if (rc < 0)
        goto out;
    rc = fbk__table_stream(db, t, 0, out);
    t = NULL;
out:
    fbk__read_end(db);
    fbk__table_free(t);
    fbk__identity_release(who);
    return rc;
}

/* ---- settings ---- */

/* Inside the write transaction. FBK_DONE: nothing changed. */
static fbk_status
block_write(fbk *db, const identity_key *key, bool block)
{
    static const char add[] =
        "INSERT INTO identity_blocked (node, blocked, changed_us) VALUES (?1, 1, ?2)"
        " ON CONFLICT (node) DO UPDATE SET blocked = 1, changed_us = ?2 WHERE blocked = 0";
    static const char remove[] =
        "UPDATE identity_blocked SET blocked = 0, changed_us = ?2 WHERE node = ?1 AND blocked = 1";
    fbk__stmt *st = NULL;
    uint32_t node = 0;
    fbk_status rc;

    rc = block ? node_make(db, key, &node) : node_find(db, key, &node);
    if (rc == FBK_ENOTFOUND && !block) {
        fbk__err_clear(db);
        return FBK_DONE;
    }
    if (rc < 0)
        return rc;
    rc = block ? fbk__stmt_get(db, add, &st) : fbk__stmt_get(db, remove, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, node);
    fbk__bind_int64(st, 2, fbk__event_now());
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    if (fbk__changes(db) == 0)
        return FBK_DONE;
    return fbk__generation_bump(db, FBK__KIND_IDENTITY);
}

fbk_status
fbk_identity_block(fbk *db, const char *space, const char *value, int32_t blocked)
{
    identity_key key;
    fbk_status changed;
    fbk_status rc;

    rc = fbk__enter(db);
    if (rc < 0)
        return rc;
    if (blocked != 0 && blocked != 1)
        return fbk__fail_at(db, FBK_EINVAL, "blocked", 0, "blocked was neither 0 nor 1");
    rc = key_make_own(db, space, value, &key);
    if (rc < 0)
        return rc;
    rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    changed = block_write(db, &key, blocked == 1);
    rc = fbk__write_end(db, changed);
    return rc < 0 ? rc : changed;
}

static fbk_status
namespace_write(fbk *db, const char *space, const fbk_identity_namespace *opt)
{
    static const char sql[] = "INSERT INTO identity_namespace (space, max_people, show, changed_us)"
                              " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (space) DO UPDATE"
                              " SET max_people = ?2, show = ?3, changed_us = ?4";
    fbk__stmt *st = NULL;
    uint32_t word = 0;
    fbk_status rc;

    rc = fbk__word_resolve(db, space, strlen(space), true, &word);
    if (rc < 0)
        return rc;
    rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, word);
    fbk__bind_int64(st, 2, opt->max_people);
    fbk__bind_int64(st, 3, opt->show);
    fbk__bind_int64(st, 4, fbk__event_now());
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    return fbk__generation_bump(db, FBK__KIND_IDENTITY);
}

fbk_status
fbk_identity_set_namespace(fbk *db, const char *space, const fbk_identity_namespace *options)
{
    fbk_identity_namespace opt;
    fbk_status rc;

    rc = fbk__enter(db);
    if (rc < 0)
        return rc;
    rc = space_check(db, space);
    if (rc < 0)
        return rc;
    rc = fbk__options_load(db, &opt, sizeof opt, NAMESPACE_V1_SIZE, options);
    if (rc < 0)
        return rc;
    if (opt.reserved0)
        return fbk__fail_at(db, FBK_EINVAL, "reserved0", 0, "reserved0 was not 0");
    if (opt.max_people > PEOPLE_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "max_people", 0, "max_people was %u, not in 0 to %d",
                            opt.max_people, PEOPLE_MAX);
    if (opt.show > FBK_IDENTITY_SHOW_NOTHING)
        return fbk__fail_at(db, FBK_ERANGE, "show", 0, "show was %u, not in 0 to %d", opt.show,
                            FBK_IDENTITY_SHOW_NOTHING);
    rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    return fbk__write_end(db, namespace_write(db, space, &opt));
}
