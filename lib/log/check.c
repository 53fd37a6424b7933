/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/append.h"

/* Everything in the log against everything else, in one read. Damage is counted and the check goes
 * on; only the first is told. */

typedef struct check {
    fbk *db;
    fbk__view *view;
    fbk__codec codec;
    fbk__frame frame;
    fbk__run_block *block;
    fbk__log_total seen; /* what is counted now */
    uint64_t sealed_nodes;
    uint64_t id_sum; /* of the sealed events' keys, less those of the runs and the erased */
    int64_t n_ids;
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
        return rc < 0 ? rc : FBK_OK;
    if (c->bad++ == 0)
        c->first = c->db->err;
    if (!c->problem || c->bad > FBK__LOG_PROBLEMS)
        return FBK_OK;
    rc = c->problem(c->user_data, c->db->err.message);
    return rc < 0 ? fbk__callback_status(c->db, rc) : FBK_OK;
}

static uint64_t
key_sum(fbk__key key)
{
    return fbk__mix64(key.hi ^ fbk__mix64(key.lo));
}

static bool
check_word(const check *c, int64_t word)
{
    return word >= 0 &&
           (word <= FBK__EVENT_LOGIN || (word >= FBK__EVENT_OWN && word <= c->max_word));
}

static const char *
event_fault(const check *c, const fbk__frame *f, const fbk__frame_index *x, uint32_t i)
{
    int64_t arrival = f->ev[FBK__EV_ARRIVAL][i];
    int64_t nodes = (int64_t)c->view->total.nodes;

    if (arrival < 1 || (uint64_t)arrival > c->view->total.last_event)
        return "its number was never given";
    if (f->ev[FBK__EV_NODE][i] < 0 || f->ev[FBK__EV_NODE][i] > nodes)
        return "it named an identifier that does not exist";
    for (uint32_t k = x->extra[i]; k < x->extra[i + 1]; k++) {
        if (f->extra[k] < 1 || f->extra[k] > nodes)
            return "it named an identifier that does not exist";
    }
    if (f->ev[FBK__EV_KIND][i] == 0 || !check_word(c, f->ev[FBK__EV_KIND][i]) ||
        !check_word(c, f->ev[FBK__EV_SOURCE][i]) || !check_word(c, f->ev[FBK__EV_CHANNEL][i]) ||
        !check_word(c, f->ev[FBK__EV_CURRENCY][i]))
        return "it named a word that does not exist";
    for (uint32_t k = x->prop[i]; k < x->prop[i + 1]; k++) {
        if (f->prop_key[k] == 0 || !check_word(c, f->prop_key[k]))
            return "it named a word that does not exist";
    }
    return NULL;
}

static void
check_count(check *c, const fbk__frame *f, uint32_t i)
{
    int64_t us = f->ev[FBK__EV_OCCURRED][i];

    c->seen.events++;
    c->seen.lines += (uint64_t)f->ev[FBK__EV_N_LINES][i];
    if (c->seen.first_us == FBK_TIME_NONE || us < c->seen.first_us)
        c->seen.first_us = us;
    if (c->seen.last_us == FBK_TIME_NONE || us > c->seen.last_us)
        c->seen.last_us = us;
}

static fbk_status
check_frame(check *c, const fbk__frame *f, const fbk__frame_index *x, bool sealed)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < f->n.events; i++) {
        const char *fault = event_fault(c, f, x, i);
        fbk__key key = fbk__key_of_id(f->ids.bytes + f->ids.offsets[i],
                                      f->ids.offsets[i + 1] - f->ids.offsets[i]);

        if (sealed && i &&
            (f->ev[FBK__EV_NODE][i] < f->ev[FBK__EV_NODE][i - 1] ||
             (f->ev[FBK__EV_NODE][i] == f->ev[FBK__EV_NODE][i - 1] &&
              f->ev[FBK__EV_OCCURRED][i] < f->ev[FBK__EV_OCCURRED][i - 1])))
            fault = "it was out of order";
        if (fault)
            rc = check_finding(c, fbk__fail(c->db, FBK_ECORRUPT, "event %lld was damaged: %s",
                                            (long long)f->ev[FBK__EV_ARRIVAL][i], fault));
        check_count(c, f, i);
        if (sealed) {
            c->id_sum += key_sum(key);
            c->n_ids++;
        }
    }
    return rc;
}

static fbk_status
check_segment_frame(check *c, const fbk__segment *segment, uint32_t k)
{
    fbk__frame_index index = {NULL, NULL, NULL};
    fbk_status rc =
        fbk__segment_read(c->db, &c->codec, segment, k, (1u << FBK__N_FC) - 1, &c->frame);

    if (rc >= 0)
        rc = fbk__frame_index_make(&c->frame, &index);
    if (rc == FBK_ECORRUPT && !fbk_errmsg(c->db)[0])
        rc = fbk__fail(c->db, rc, "frame %u of segment %lld of the event log was damaged", k,
                       (long long)segment->id);
    else if (rc == FBK_ENOMEM)
        rc = fbk__nomem(c->db);
    if (rc >= 0)
        rc = check_frame(c, &c->frame, &index, true);
    fbk__frame_index_free(&index, fbk__a(c->db));
    return rc;
}

static fbk_status
check_segments(check *c)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < c->view->sets->n_segments; i++) {
        const fbk__segment *segment = c->view->sets->segments[i];

        for (uint32_t k = 0; rc >= 0 && k < segment->n_frames; k++) {
            fbk__err_clear(c->db);
            rc = check_finding(c, check_segment_frame(c, segment, k));
        }
    }
    return rc;
}

static fbk_status
check_tail(check *c)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < c->view->n_tail; i++) {
        const fbk__record *r = c->view->tail->records[i];

        rc = check_frame(c, &r->frame, &r->index, false);
    }
    return rc;
}

/* Every block of a run: in order, and what the filter says of its keys. */
static fbk_status
check_run(check *c, const fbk__run *run)
{
    fbk__key last = {0, 0};
    bool any = false;
    fbk_status rc = FBK_OK;

    for (uint32_t b = 0; rc >= 0 && b < run->n_blocks; b++) {
        fbk__err_clear(c->db);
        rc = fbk__run_read(c->db, &c->codec, run, b, c->block);
        for (uint32_t i = 0; rc >= 0 && i < c->block->n; i++) {
            fbk__key key = {(uint64_t)c->block->hi[i], (uint64_t)c->block->lo[i]};

            if ((any && fbk__key_compare(last, key) >= 0) || !fbk__run_may_have(run, key))
                rc = fbk__fail(c->db, FBK_ECORRUPT, "run %lld of the event log was out of order",
                               (long long)run->id);
            last = key;
            any = true;
            if (run->kind == FBK__RUN_IDS) {
                c->id_sum -= key_sum(key);
                c->n_ids--;
            }
        }
        rc = check_finding(c, rc);
    }
    return rc;
}

static fbk_status
check_runs(check *c)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < c->view->sets->n_runs; i++) {
        rc = check_finding(c, fbk__run_load_filter(c->db, c->view->sets->runs[i]));
        if (rc >= 0 && c->view->sets->runs[i]->filter)
            rc = check_run(c, c->view->sets->runs[i]);
    }
    return rc;
}

static fbk_status
check_erased(check *c)
{
    static const char sql[] = "SELECT id FROM log_erased";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(c->db, sql, &st);

    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        size_t len;
        const void *bytes = fbk__column_blob(st, 0, &len);
        fbk__key key;

        if (len != sizeof key)
            continue;
        memcpy(&key, bytes, sizeof key);
        c->id_sum += key_sum(key);
        c->n_ids++;
    }
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
check_ids(check *c)
{
    fbk_status rc = check_runs(c);

    if (rc >= 0)
        rc = check_erased(c);
    if (rc >= 0 && !c->bad && (c->n_ids || c->id_sum))
        rc = check_finding(c, fbk__fail(c->db, FBK_ECORRUPT,
                                        "the ids of the event log were not those of its events"));
    return rc;
}

/* A statement that gives one number, which must be 0. */
static fbk_status
check_none(check *c, const char *sql, uint64_t param, const char *what)
{
    int64_t n = 0;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(c->db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, (int64_t)param);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        n = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    if (rc == FBK_OK && n)
        rc = fbk__fail(c->db, FBK_ECORRUPT, "there were %lld %s", (long long)n, what);
    return check_finding(c, rc);
}

static fbk_status
check_totals(check *c)
{
    static const char links_sql[] = "SELECT count(*) FROM log_link WHERE b > ?1 OR a < 1 "
                                    "OR count < 1 OR first_us > last_us";
    const fbk__log_total *t = &c->view->total;
    uint32_t *spaces = NULL;
    uint32_t n_nodes = 0;
    fbk_status rc = check_none(c, links_sql, t->nodes, "links that cannot be");

    if (rc >= 0)
        rc = check_finding(c, fbk__node_spaces(c->db, &spaces, &n_nodes));
    fbk__free(fbk__a(c->db), spaces);
    if (rc >= 0 && (c->seen.events != t->events || c->seen.lines != t->lines ||
                    c->seen.first_us != t->first_us || c->seen.last_us != t->last_us))
        rc = check_finding(c, fbk__fail(c->db, FBK_ECORRUPT,
                                        "the totals of the event log were not those of its rows"));
    return rc;
}

static fbk_status
check_begin(check *c)
{
    static const char sql[] = "SELECT coalesce(max(word), 0) FROM log_word";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__view_read(c->db, &c->view);

    if (rc < 0)
        return rc;
    c->block = fbk__calloc(fbk__a(c->db), 1, sizeof *c->block);
    if (!c->block)
        return fbk__nomem(c->db);
    rc = fbk__stmt_get(c->db, sql, &st);
    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK)
        c->max_word = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
check_all(check *c)
{
    fbk_status rc = check_begin(c);

    /* Without a view there is nothing to go on with. */
    if (rc == FBK_ECORRUPT)
        return check_finding(c, rc);
    if (rc >= 0)
        rc = check_segments(c);
    if (rc >= 0)
        rc = check_tail(c);
    if (rc >= 0)
        rc = check_ids(c);
    return rc < 0 ? rc : check_totals(c);
}

fbk_status
fbk__log_check(fbk *db, fbk_problem_fn problem, void *user_data, uint64_t *out_bad)
{
    check c = {.db = db,
               .problem = problem,
               .user_data = user_data,
               .seen = {.first_us = FBK_TIME_NONE, .last_us = FBK_TIME_NONE}};
    fbk_status rc = fbk__read_begin(db);

    if (rc < 0)
        return rc;
    fbk__codec_init(&c.codec, fbk__a(db));
    fbk__frame_init(&c.frame, fbk__a(db));
    rc = check_all(&c);
    fbk__frame_free(&c.frame);
    fbk__codec_free(&c.codec);
    fbk__free(fbk__a(db), c.block);
    fbk__view_unref(c.view);
    fbk__read_end(db);
    if (rc < 0)
        return rc;
    *out_bad = c.bad;
    if (!c.bad)
        return FBK_OK;
    db->err = c.first;
    return FBK_ECORRUPT;
}
