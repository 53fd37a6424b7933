/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/row.h"

/* Everything in the log against everything else, in one read, so that the totals can be compared.
 * Damage is counted and the check goes on; only the first is told. */

enum { CHECK_SLICE = 4096 };

typedef struct check {
    fbk *db;
    fbk__row row;
    fbk__log_total total; /* what was counted before */
    fbk__log_total seen;  /* what is counted now */
    uint32_t n_nodes;
    int64_t max_word;
    fbk_problem_fn problem;
    void *user_data;
    uint64_t bad;
    fbk_errinfo first; /* the first damage */
} check;

/* Count a finding; anything but damage stops the check. */
static fbk_status
check_finding(check *c, fbk_status rc)
{
    if (rc != FBK_ECORRUPT)
        return rc;
    if (c->bad++ == 0)
        c->first = c->db->err;
    if (!c->problem || c->bad > FBK__LOG_PROBLEMS)
        return FBK_OK;
    rc = c->problem(c->user_data, c->db->err.message);
    return rc < 0 ? fbk__callback_status(c->db, rc) : FBK_OK;
}

static bool
check_word(const check *c, uint32_t word)
{
    return word <= FBK__EVENT_LOGIN || (word >= FBK__EVENT_OWN && word <= c->max_word);
}

static bool
check_words(const check *c)
{
    const fbk__row_head *h = &c->row.head;
    bool ok = check_word(c, h->kind) && h->kind && check_word(c, h->source) &&
              check_word(c, h->channel) && check_word(c, h->currency);

    for (size_t i = 0; i < c->row.n_props; i++)
        ok = ok && c->row.props[i].key && check_word(c, c->row.props[i].key);
    return ok;
}

static fbk_status
check_id(check *c)
{
    static const char sql[] = "SELECT event, content IS NULL FROM log_id WHERE id = ?1";
    unsigned char id[16];
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(c->db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__hash_bytes(fbk__hash128_of(c->row.body.data + c->row.id.at, c->row.id.len), id);
    fbk__bind_blob(st, 1, id, sizeof id);
    rc = fbk__step(st);
    if (rc == FBK_DONE)
        rc = fbk__row_corrupt(c->db, c->row.head.event, "its id was not in the table of ids");
    else if (rc == FBK_OK && (fbk__column_int64(st, 0) != (int64_t)c->row.head.event ||
                              fbk__column_int64(st, 1) != 0))
        rc = fbk__row_corrupt(c->db, c->row.head.event, "its id named another event");
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
check_event(check *c)
{
    const fbk__row_head *h = &c->row.head;
    const fbk__row *row = &c->row;

    if (h->event > c->total.last_event)
        return fbk__row_corrupt(c->db, h->event, "its number was never given");
    for (size_t i = 0; i < row->n_nodes; i++) {
        if (row->nodes[i] == 0 || row->nodes[i] > c->n_nodes)
            return fbk__row_corrupt(c->db, h->event, "it named an identifier that does not exist");
    }
    if (!check_words(c))
        return fbk__row_corrupt(c->db, h->event, "it named a word that does not exist");
    if (h->order_hash !=
        fbk__row_order_hash(row->body.data + row->order_ref.at, row->order_ref.len))
        return fbk__row_corrupt(c->db, h->event, "its order reference was not what was noted");
    return check_id(c);
}

static void
check_count(check *c)
{
    const fbk__row_head *h = &c->row.head;

    c->seen.events++;
    c->seen.lines += h->n_lines;
    if (c->seen.first_us == FBK_TIME_NONE || h->occurred_us < c->seen.first_us)
        c->seen.first_us = h->occurred_us;
    if (c->seen.last_us == FBK_TIME_NONE || h->occurred_us > c->seen.last_us)
        c->seen.last_us = h->occurred_us;
}

/* The next slice of events: FBK_DONE when there are no more. */
static fbk_status
check_slice(check *c, int64_t *after)
{
    static const char sql[] =
        "SELECT " FBK__ROW_COLUMNS " FROM log_event WHERE event > ?1 ORDER BY event LIMIT ?2";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(c->db, sql, &st);
    unsigned n = 0;

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, *after);
    fbk__bind_int64(st, 2, CHECK_SLICE);
    while ((rc = fbk__step(st)) == FBK_OK) {
        *after = fbk__column_int64(st, 0);
        n++;
        rc = fbk__row_load(c->db, st, &c->row);
        if (rc >= 0)
            rc = check_event(c);
        check_count(c);
        rc = check_finding(c, rc);
        if (rc < 0)
            break;
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : n ? FBK_OK : FBK_DONE;
}

/* A statement that gives one number, and what that number must be. */
static fbk_status
check_number(check *c, const char *sql, uint64_t want, const char *what)
{
    uint64_t got = 0;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(c->db, sql, &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK)
        got = (uint64_t)fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    if (rc == FBK_OK && got != want)
        rc = fbk__fail(c->db, FBK_ECORRUPT, "there were %llu %s instead of %llu",
                       (unsigned long long)got, what, (unsigned long long)want);
    return check_finding(c, rc < 0 ? rc : FBK_OK);
}

static fbk_status
check_totals(check *c)
{
    static const char index_sql[] = "SELECT count(*) FROM log_event INDEXED BY log_event_node";
    static const char ids_sql[] = "SELECT count(*) FROM log_id WHERE content IS NOT NULL";
    static const char erased_sql[] = "SELECT count(*) FROM log_id WHERE content IS NULL";
    static const char links_sql[] = "SELECT count(*) FROM log_link";
    static const char ends_sql[] = "SELECT count(*) FROM log_link WHERE b > "
                                   "(SELECT coalesce(max(node), 0) FROM log_node) OR a < 1 "
                                   "OR count < 1 OR first_us > last_us";
    static const char conflicts_sql[] = "SELECT count(*) FROM event_conflict";
    const struct {
        const char *sql;
        uint64_t want;
        const char *what;
    } numbers[] = {
        {index_sql, c->total.events, "events in the index by identifier"},
        {ids_sql, c->total.events, "ids of stored events"},
        {erased_sql, c->total.erased, "ids of erased events"},
        {links_sql, c->total.links, "links"},
        {ends_sql, 0, "links that cannot be"},
        {conflicts_sql, c->total.conflicts, "conflicts"},
    };
    fbk_status rc = FBK_OK;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && rc >= 0; i++)
        rc = check_number(c, numbers[i].sql, numbers[i].want, numbers[i].what);
    if (rc >= 0 && (c->seen.events != c->total.events || c->seen.lines != c->total.lines ||
                    c->seen.first_us != c->total.first_us || c->seen.last_us != c->total.last_us))
        rc = check_finding(c, fbk__fail(c->db, FBK_ECORRUPT,
                                        "the totals of the event log were not those of its rows"));
    return rc;
}

static fbk_status
check_begin(check *c)
{
    static const char sql[] = "SELECT coalesce(max(word), 0) FROM log_word";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__log_total_read(c->db, &c->total);

    if (rc < 0)
        return rc;
    rc = fbk__node_count(c->db, &c->n_nodes);
    if (rc < 0)
        return rc;
    rc = fbk__stmt_get(c->db, sql, &st);
    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK)
        c->max_word = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__log_check(fbk *db, fbk_problem_fn problem, void *user_data, uint64_t *out_bad)
{
    check c = {.db = db,
               .problem = problem,
               .user_data = user_data,
               .seen = {.first_us = FBK_TIME_NONE, .last_us = FBK_TIME_NONE}};
    int64_t after = INT64_MIN;
    fbk_status rc = fbk__read_begin(db);

    if (rc < 0)
        return rc;
    fbk__row_init(&c.row, fbk__a(db));
    rc = check_finding(&c, check_begin(&c));
    while (rc == FBK_OK)
        rc = check_slice(&c, &after);
    if (rc >= 0)
        rc = check_totals(&c);
    fbk__read_end(db);
    fbk__row_free(&c.row);
    if (rc < 0)
        return rc;
    *out_bad = c.bad;
    if (!c.bad)
        return FBK_OK;
    db->err = c.first;
    return FBK_ECORRUPT;
}
