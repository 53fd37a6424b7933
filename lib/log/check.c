/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/check.h"

#include <string.h>

/* Everything in the log against everything else, frame by frame on one logical snapshot, so that no
 * read transaction stays open. Damage is counted and the check goes on. When the log was sealed,
 * merged or erased from meanwhile, what was found may be due to that: the check begins anew. */

enum { CHECK_TRIES = 8 };

fbk_status
fbk__check_finding(fbk__log_checking *c, fbk_status rc)
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

/* -- events ------------------------------------------------------------------------------------ */

static bool
check_word(const fbk__log_checking *c, int64_t word)
{
    return word >= 0 && fbk__bitset_has(&c->words, (uint64_t)word);
}

static const char *
event_fault(const fbk__log_checking *c, const fbk__frame *f, const fbk__frame_index *x, uint32_t i)
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

static bool
event_in_order(const fbk__frame *f, uint32_t i)
{
    static const int keys[] = {FBK__EV_NODE, FBK__EV_OCCURRED, FBK__EV_ARRIVAL};

    for (size_t k = 0; i && k < sizeof keys / sizeof keys[0]; k++) {
        int64_t before = f->ev[keys[k]][i - 1];
        int64_t now = f->ev[keys[k]][i];

        if (before != now)
            return before < now;
    }
    return i == 0;
}

static void
total_add(fbk__log_total *t, const fbk__frame *f, uint32_t i)
{
    int64_t us = f->ev[FBK__EV_OCCURRED][i];

    t->events++;
    t->lines += (uint64_t)f->ev[FBK__EV_N_LINES][i];
    if (t->first_us == FBK_TIME_NONE || us < t->first_us)
        t->first_us = us;
    if (t->last_us == FBK_TIME_NONE || us > t->last_us)
        t->last_us = us;
}

static fbk_status
check_frame(fbk__log_checking *c, const fbk__frame *f, const fbk__frame_index *x, bool sealed,
            fbk__log_total *total)
{
    fbk_status rc = FBK_OK;

    if (c->refs && !fbk__log_refs_add(c->refs, f))
        return fbk__nomem(c->db);
    for (uint32_t i = 0; rc >= 0 && i < f->n.events; i++) {
        const char *fault = event_fault(c, f, x, i);

        if (sealed && !fault && !event_in_order(f, i))
            fault = "it was out of order";
        if (fault)
            rc = fbk__check_finding(c, fbk__fail(c->db, FBK_ECORRUPT, "event %lld was damaged: %s",
                                                 (long long)f->ev[FBK__EV_ARRIVAL][i], fault));
        total_add(total, f, i);
    }
    return rc;
}

/* What the directory says of a frame is what it holds. */
static fbk_status
check_facts(fbk__log_checking *c, const fbk__segment *segment, uint32_t k)
{
    const fbk__segment_frame *facts = &segment->frames[k];
    const fbk__frame *f = &c->frame;
    bool ok = f->ev[FBK__EV_NODE][0] == facts->min_node &&
              f->ev[FBK__EV_NODE][f->n.events - 1] == facts->max_node;

    for (uint32_t i = 0; ok && i < f->n.events; i++) {
        int64_t us = f->ev[FBK__EV_OCCURRED][i];
        int64_t arrival = f->ev[FBK__EV_ARRIVAL][i];

        ok = us >= facts->min_us && us <= facts->max_us && arrival >= facts->min_arrival &&
             arrival <= facts->max_arrival &&
             ((uint32_t)f->ev[FBK__EV_FLAGS][i] & ~facts->flags) == 0;
    }
    return ok ? FBK_OK : fbk__segment_damaged(c->db, segment, k);
}

static fbk_status
check_segment_frame(fbk__log_checking *c, const fbk__segment *segment, uint32_t k)
{
    fbk__frame_index index = {NULL, NULL, NULL};
    fbk_status rc =
        fbk__segment_read(c->db, &c->codec, segment, k, (1u << FBK__N_FC) - 1, &c->frame);

    if (rc >= 0) {
        rc = fbk__frame_index_make(&c->frame, &index);
        if (rc == FBK_ECORRUPT)
            rc = fbk__segment_damaged(c->db, segment, k);
        else if (rc < 0)
            rc = fbk__nomem(c->db);
    }
    if (rc >= 0)
        rc = check_facts(c, segment, k);
    if (rc >= 0)
        rc = check_frame(c, &c->frame, &index, true, &c->sealed);
    fbk__frame_index_free(&index, fbk__a(c->db));
    return rc;
}

static fbk_status
check_segments(fbk__log_checking *c)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < c->view->sets->n_segments; i++) {
        const fbk__segment *segment = c->view->sets->segments[i];

        for (uint32_t k = 0; rc >= 0 && k < segment->n_frames; k++)
            rc = fbk__check_finding(c, check_segment_frame(c, segment, k));
    }
    return rc;
}

/* -- totals ------------------------------------------------------------------------------------ */

static bool
total_is(const fbk__log_total *x, const fbk__log_total *y)
{
    return x->events == y->events && x->lines == y->lines && x->first_us == y->first_us &&
           x->last_us == y->last_us;
}

/* Each record tells the totals after it, and numbers its identifiers on. */
static fbk_status
check_tail(fbk__log_checking *c, const fbk__log_total *sealed)
{
    fbk__log_total t = c->sealed;
    fbk_status rc = FBK_OK;

    if (!total_is(&c->sealed, sealed))
        rc = fbk__check_finding(c, fbk__fail(c->db, FBK_ECORRUPT,
                                             "the totals of the event log were not those of its "
                                             "rows"));
    t.nodes = sealed->nodes;
    for (uint32_t i = 0; rc >= 0 && i < c->view->n_tail; i++) {
        const fbk__record *r = c->view->tail->records[i];

        rc = check_frame(c, &r->frame, &r->index, false, &t);
        t.nodes += r->n_nodes;
        if (rc >= 0 && (r->total.nodes != t.nodes || (!c->bad && !total_is(&r->total, &t)) ||
                        (r->n_nodes && r->first_node + (uint64_t)r->n_nodes != t.nodes + 1)))
            rc = fbk__check_finding(
                c,
                fbk__fail(c->db, FBK_ECORRUPT,
                          "the totals in record %lld of the event log were not those of its rows",
                          (long long)r->seq));
    }
    return rc;
}

/* A statement that gives one number, which must be 0. */
static fbk_status
check_none(fbk__log_checking *c, const char *sql, uint64_t param, const char *what)
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
    return fbk__check_finding(c, rc);
}

static fbk_status
check_links(fbk__log_checking *c)
{
    static const char sql[] = "SELECT count(*) FROM log_link WHERE b > ?1 OR a < 1 OR count < 1 "
                              "OR first_us > last_us";

    return check_none(c, sql, c->view->total.nodes, "links that cannot be");
}

/* -- all of it --------------------------------------------------------------------------------- */

static fbk_status
check_words(fbk__log_checking *c)
{
    static const char sql[] = "SELECT word FROM log_word";
    fbk__stmt *st = NULL;
    bool ok = true;
    fbk_status rc = FBK_OK;

    for (uint64_t word = 0; ok && word <= FBK__EVENT_LOGIN; word++)
        ok = fbk__bitset_add(&c->words, word);
    rc = ok ? fbk__stmt_get(c->db, sql, &st) : fbk__nomem(c->db);
    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        int64_t word = fbk__column_int64(st, 0);

        if (word < FBK__EVENT_OWN || word > UINT32_MAX)
            rc = fbk__check_finding(
                c, fbk__fail(c->db, FBK_ECORRUPT, "a word had number %lld", (long long)word));
        else if (!fbk__bitset_add(&c->words, (uint64_t)word))
            rc = fbk__nomem(c->db);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* The state, the view and the words from one state of the file. */
static fbk_status
check_begin(fbk__log_checking *c, fbk__state *state)
{
    fbk_status rc = fbk__read_begin(c->db);

    if (rc < 0)
        return rc;
    rc = fbk__state_read(c->db, state);
    if (rc >= 0)
        rc = fbk__view_read(c->db, &c->view);
    if (rc >= 0)
        rc = check_words(c);
    fbk__read_end(c->db);
    return rc;
}

static fbk_status
check_all(fbk__log_checking *c, fbk__state *state)
{
    fbk_status rc = check_begin(c, state);

    /* Without a view there is nothing to go on with. */
    if (rc < 0)
        return fbk__check_finding(c, rc);
    c->sealed_nodes = state->total.nodes;
    c->sealed.first_us = c->sealed.last_us = FBK_TIME_NONE;
    rc = check_segments(c);
    if (rc >= 0)
        rc = check_tail(c, &state->total);
    if (rc >= 0)
        rc = check_links(c);
    if (rc >= 0)
        rc = fbk__check_ids(c);
    return rc < 0 ? rc : fbk__check_idents(c);
}

/* What was found in one try is told when nothing changed meanwhile. */
typedef struct findings {
    fbk *db;
    fbk__buf sentences; /* each with its NUL */
} findings;

static fbk_status
findings_keep(void *user_data, const char *sentence)
{
    findings *f = user_data;

    fbk__buf_add(&f->sentences, sentence, strlen(sentence) + 1);
    return FBK_OK;
}

static fbk_status
findings_tell(const findings *f, const fbk__log_check_options *options)
{
    fbk_status rc = FBK_OK;

    for (size_t at = 0; rc >= 0 && at < f->sentences.len;) {
        const char *sentence = f->sentences.data + at;

        rc = options->problem(options->user_data, sentence);
        at += strlen(sentence) + 1;
    }
    return rc < 0 ? fbk__callback_status(f->db, rc) : FBK_OK;
}

/* One try; FBK_DONE when the log changed and something was found. */
static fbk_status
check_try(fbk *db, const fbk__log_check_options *options, findings *found, uint64_t *bad)
{
    fbk__log_checking c = {.db = db, .refs = options->refs, .user_data = found};
    fbk__state before = {0};
    fbk__state after = {0};
    fbk_status rc;

    c.problem = options->problem ? findings_keep : NULL;
    c.keys_at_once = options->keys_at_once ? options->keys_at_once : FBK__CHECK_KEYS;
    c.words.a = fbk__a(db);
    c.block = fbk__calloc(fbk__a(db), 1, sizeof *c.block);
    fbk__codec_init(&c.codec, fbk__a(db));
    fbk__frame_init(&c.frame, fbk__a(db));
    rc = c.block ? check_all(&c, &before) : fbk__nomem(db);
    if ((rc >= 0 && c.bad) || rc == FBK_EEXPIRED) {
        fbk_errinfo told = db->err;
        fbk_status again = fbk__state_read(db, &after);

        db->err = told;
        if (again >= 0 && before.epoch && after.epoch != before.epoch)
            rc = FBK_DONE;
    }
    fbk__frame_free(&c.frame);
    fbk__codec_free(&c.codec);
    fbk__bitset_free(&c.words);
    fbk__free(fbk__a(db), c.block);
    fbk__view_unref(c.view);
    if (rc == FBK_OK && c.bad)
        db->err = c.first;
    *bad = c.bad;
    return rc;
}

fbk_status
fbk__log_check_with(fbk *db, const fbk__log_check_options *options, uint64_t *out_bad)
{
    findings found = {.db = db};
    fbk_status rc = FBK_DONE;
    uint64_t bad = 0;

    fbk__buf_init(&found.sentences, fbk__a(db));
    for (int i = 0; rc == FBK_DONE && i < CHECK_TRIES; i++) {
        fbk__buf_clear(&found.sentences);
        rc = check_try(db, options, &found, &bad);
    }
    if (rc == FBK_DONE)
        rc = fbk__fail(db, FBK_EBUSY, "the event log changed faster than it could be checked");
    if (rc >= 0 && found.sentences.failed)
        rc = fbk__nomem(db);
    if (rc >= 0 && bad) {
        fbk_errinfo first = db->err;

        rc = findings_tell(&found, options);
        if (rc >= 0) {
            db->err = first;
            rc = FBK_ECORRUPT;
        }
    }
    fbk__buf_free(&found.sentences);
    if (rc >= 0 || rc == FBK_ECORRUPT)
        *out_bad = bad;
    return rc;
}

fbk_status
fbk__log_check(fbk *db, fbk_problem_fn problem, void *user_data, uint64_t *out_bad)
{
    const fbk__log_check_options options = {problem, user_data, NULL, 0};

    return fbk__log_check_with(db, &options, out_bad);
}
