/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/copurchase.h"

#include <math.h>
#include <string.h>

#include "base/options.h"
#include "log/log.h"
#include "model/copurchase_quality.h"
#include "record/catalogue.h"
#include "record/identity.h"

_Static_assert(sizeof(fbk_copurchase_options) == 80, "version 1");
_Static_assert(sizeof(fbk_copurchase_report) == 112, "version 1");

enum { OPTIONS_V1_SIZE = 80, REPORT_V1_SIZE = 112, HELD_OUT_OF = 10, TICK_ITEMS = 64 };

/* -- the model in memory ----------------------------------------------------------------------- */

static fbk_status
copurchase_decode(fbk *db, fbk__model *model, void **body, size_t len)
{
    fbk__copurchase_model *me = (fbk__copurchase_model *)model;
    fbk_status rc = fbk__copurchase_open(&me->cp, model->shared.a, *body, len);

    if (rc == FBK_ENOMEM)
        return fbk__nomem(db);
    if (rc < 0)
        return fbk__fail(db, rc, "the counts of the co-purchase model made no sense");
    *body = NULL;
    return FBK_OK;
}

static void
copurchase_clear(fbk__model *model)
{
    fbk__copurchase_free(&((fbk__copurchase_model *)model)->cp);
}

static const fbk__model_class copurchase_class = {
    "copurchase",      FBK__COPURCHASE_FORMAT, 0, sizeof(fbk__copurchase_model),
    copurchase_decode, copurchase_clear};

fbk_status
fbk__copurchase_acquire(fbk *db, const char *name, const fbk__copurchase_model **out)
{
    const fbk__model *model = NULL;
    fbk_status rc = fbk__model_acquire(db, &copurchase_class, name, &model);

    if (rc == FBK_OK)
        *out = (const fbk__copurchase_model *)model;
    return rc;
}

/* -- training ---------------------------------------------------------------------------------- */

typedef struct trainer {
    fbk *db;
    fbk_copurchase_options opt;
    fbk_copurchase_report report;
    fbk_time as_of_us;
    uint64_t budget;
    const fbk__identity *who;
    const fbk__items *items;
    fbk__baskets baskets;
    fbk__baskets held; /* every tenth order, when quality is measured */
    uint64_t last_event;
    uint64_t n_total; /* events in the log */
    uint64_t *event;  /* columns of the chunk at hand, without what is left out */
    uint32_t *person;
    uint32_t *place;
    uint32_t *item;
    size_t event_cap, person_cap, place_cap, item_cap;
} trainer;

static fbk_status
options_check(fbk *db, const fbk_copurchase_options *opt)
{
    if (opt->flags & ~(uint32_t)(FBK_COPURCHASE_IDENTITY_AS_OF | FBK_COPURCHASE_EVALUATE))
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags held an unknown bit");
    if (opt->include_flags > 15)
        return fbk__fail_at(db, FBK_ERANGE, "include_flags", 0,
                            "include_flags was not within [0, 15]");
    if (opt->min_people > 1000000)
        return fbk__fail_at(db, FBK_ERANGE, "min_people", 0,
                            "min_people was not within [1, 1000000]");
    if (opt->shrink_milli > 1000000000)
        return fbk__fail_at(db, FBK_ERANGE, "shrink_milli", 0,
                            "shrink_milli was not within [1, 1000000000]");
    if (opt->max_set != 0 && (opt->max_set < 2 || opt->max_set > FBK__SET_MAX))
        return fbk__fail_at(db, FBK_ERANGE, "max_set", 0, "max_set was not within [2, 12]");
    if (!(opt->set_support >= 0.0 && opt->set_support <= 1.0))
        return fbk__fail_at(db, FBK_ERANGE, "set_support", 0, "set_support was not within (0, 1]");
    if (opt->memory_mib > 1048576)
        return fbk__fail_at(db, FBK_ERANGE, "memory_mib", 0,
                            "memory_mib was not within [1, 1048576]");
    if (opt->threads > FBK__SCAN_WORKERS)
        return fbk__fail_at(db, FBK_ERANGE, "threads", 0, "threads was not within [1, 64]");
    if (opt->reserved0)
        return fbk__fail_at(db, FBK_EINVAL, "reserved0", 0, "reserved0 was not 0");
    return FBK_OK;
}

static void
options_default(fbk_copurchase_options *opt)
{
    opt->min_people = opt->min_people ? opt->min_people : 3;
    opt->shrink_milli = opt->shrink_milli ? opt->shrink_milli : 5000;
    opt->max_set = opt->max_set ? opt->max_set : 2;
    opt->set_support = opt->set_support > 0.0 ? opt->set_support : .001;
    opt->memory_mib = opt->memory_mib ? opt->memory_mib : 1024;
    opt->threads = opt->threads ? opt->threads : 1;
}

/* The pure functions give codes alone: say what happened. What progress gave was said already. */
static fbk_status
stage(trainer *t, fbk_status rc)
{
    if (rc == FBK_ENOMEM)
        return fbk__nomem(t->db);
    if (rc == FBK_ETOOBIG)
        return fbk__fail_at(t->db, rc, "memory_mib", 0,
                            "%llu MiB did not suffice to count %zu orders of %zu lines exactly",
                            (unsigned long long)t->opt.memory_mib, t->baskets.n + t->held.n,
                            t->baskets.n_items + t->held.n_items);
    return rc;
}

static fbk_status
train_tick(void *user_data, uint64_t done, uint64_t total)
{
    trainer *t = user_data;

    if (!t->opt.progress || (done % TICK_ITEMS && done != total))
        return FBK_OK;
    return fbk__callback_status(t->db, t->opt.progress(t->opt.progress_data, done, total));
}

/* A size or colour counts as its style. The catalogue allows no circles; 16 steps are more than any
 * hierarchy of styles has. */
static uint32_t
style_of(const fbk__items *items, uint32_t item)
{
    for (int i = 0; i < 16 && item <= items->n && items->parent[item]; i++)
        item = items->parent[item];
    return item;
}

static fbk_status
train_room(trainer *t, size_t n)
{
    const fbk_allocator *a = fbk__a(t->db);

    return fbk__grow(a, &t->event, &t->event_cap, n, sizeof *t->event) &&
                   fbk__grow(a, &t->person, &t->person_cap, n, sizeof *t->person) &&
                   fbk__grow(a, &t->place, &t->place_cap, n, sizeof *t->place) &&
                   fbk__grow(a, &t->item, &t->item_cap, n, sizeof *t->item)
               ? FBK_OK
               : FBK_ENOMEM;
}

static bool
held_out(const trainer *t, uint64_t event)
{
    return (t->opt.flags & FBK_COPURCHASE_EVALUATE) && fbk__mix64(event) % HELD_OUT_OF == 0;
}

/* Rows of the chunk that go to `into`: all, or those held out or not. */
static fbk_status
train_rows(trainer *t, const fbk__chunk *c, bool held, fbk__baskets *into)
{
    size_t n = 0;
    fbk__basket_rows rows;

    for (size_t i = 0; i < c->n; i++) {
        bool product = c->line_kind[i] == FBK__LINE_PRODUCT && c->quantity_milli[i] > 0;

        if ((c->flags[i] & ~t->opt.include_flags) || held_out(t, c->event[i]) != held)
            continue;
        t->event[n] = c->event[i];
        t->person[n] = fbk__identity_profile(t->who, c->node[i]);
        t->place[n] = c->place[i];
        t->item[n++] = product ? style_of(t->items, c->item[i]) : 0;
    }
    rows = (fbk__basket_rows){n, t->event, t->person, t->place, t->item};
    return fbk__baskets_add(into, &rows);
}

static fbk_status
train_chunk(trainer *t, const fbk__chunk *c)
{
    fbk_status rc = train_room(t, c->n);

    if (rc == FBK_OK)
        rc = train_rows(t, c, false, &t->baskets);
    if (rc == FBK_OK && (t->opt.flags & FBK_COPURCHASE_EVALUATE))
        rc = train_rows(t, c, true, &t->held);
    for (size_t i = 0; i < c->n; i++) {
        bool first = i == 0 ? c->event[i] != t->last_event : c->event[i] != c->event[i - 1];

        t->report.n_events += first;
        t->report.n_flagged += first && (c->flags[i] & ~t->opt.include_flags);
    }
    t->last_event = c->n ? c->event[c->n - 1] : t->last_event;
    return rc;
}

static void
train_init(trainer *t, const trainer *like, uint64_t budget)
{
    *t = (trainer){.db = like->db,
                   .opt = like->opt,
                   .as_of_us = like->as_of_us,
                   .budget = budget,
                   .n_total = like->n_total,
                   .who = like->who,
                   .items = like->items};
    fbk__baskets_init(&t->baskets, fbk__a(t->db), budget);
    fbk__baskets_init(&t->held, fbk__a(t->db), budget);
}

static void
train_free(trainer *t)
{
    const fbk_allocator *a = fbk__a(t->db);

    fbk__baskets_free(&t->baskets);
    fbk__baskets_free(&t->held);
    fbk__free(a, t->event);
    fbk__free(a, t->person);
    fbk__free(a, t->place);
    fbk__free(a, t->item);
}

/* Called by each worker of the scan with its own part. */
static fbk_status
train_part(void *user_data, fbk *db, uint32_t worker, const fbk__chunk *chunk)
{
    trainer *t = (trainer *)user_data + worker;
    fbk_status rc;

    t->db = db;
    rc = stage(t, train_chunk(t, chunk));
    if (rc == FBK_OK && worker == 0 && t->opt.progress)
        rc = fbk__callback_status(
            db,
            t->opt.progress(t->opt.progress_data, t->report.n_events * t->opt.threads, t->n_total));
    return rc;
}

/* Put a part to the whole. */
static fbk_status
train_merge(trainer *t, trainer *part)
{
    fbk_status rc;

    fbk__baskets_close(&part->baskets);
    fbk__baskets_close(&part->held);
    rc = fbk__baskets_merge(&t->baskets, &part->baskets);
    if (rc == FBK_OK)
        rc = fbk__baskets_merge(&t->held, &part->held);
    t->report.n_events += part->report.n_events;
    t->report.n_flagged += part->report.n_flagged;
    return rc;
}

static fbk_status
train_scan(trainer *t)
{
    static const uint32_t kinds[] = {FBK__EVENT_SALE};
    fbk__scan_options opt = {.from_us = t->opt.from_us ? t->opt.from_us : FBK_TIME_NONE,
                             .to_us = t->as_of_us,
                             .kinds = kinds,
                             .n_kinds = 1,
                             .columns = FBK__COL_EVENT | FBK__COL_NODE | FBK__COL_PLACE |
                                        FBK__COL_FLAGS | FBK__COL_LINE_KIND | FBK__COL_ITEM |
                                        FBK__COL_QUANTITY};
    /* What quality is measured on must not depend on who read it. */
    uint32_t n = t->opt.flags & FBK_COPURCHASE_EVALUATE ? 1 : t->opt.threads;
    trainer *parts = n > 1 ? fbk__calloc(fbk__a(t->db), n, sizeof *parts) : t;
    fbk__log_counts counts;
    fbk_status rc = parts ? fbk__log_count(t->db, &counts) : fbk__nomem(t->db);

    t->n_total = rc < 0 ? 0 : counts.events;
    for (uint32_t i = 0; n > 1 && parts && i < n; i++)
        train_init(&parts[i], t, t->budget / n);
    if (rc == FBK_OK)
        rc = fbk__log_scan_workers(t->db, &opt, n, train_part, parts);
    for (uint32_t i = 0; n > 1 && parts && i < n; i++) {
        parts[i].db = t->db; /* the worker's is closed */
        if (rc == FBK_OK)
            rc = stage(t, train_merge(t, &parts[i]));
        train_free(&parts[i]);
    }
    if (n > 1)
        fbk__free(fbk__a(t->db), parts);
    fbk__baskets_close(&t->baskets);
    fbk__baskets_close(&t->held);
    return rc;
}

/* What the budget leaves beside so much; never 0, which would be no limit. */
static uint64_t
budget_beside(uint64_t budget, uint64_t bytes)
{
    return budget > bytes ? budget - bytes : 1;
}

/* Count baskets to the bytes of a model. */
static fbk_status
train_count(trainer *t, const fbk__baskets *b, fbk__buf *body)
{
    fbk__itemset_options sets_opt = {
        .min_size = 3, .max_size = t->opt.max_set, .tick = train_tick, .user_data = t};
    fbk__copurchase_write how = {.min_people = t->opt.min_people,
                                 .shrink_milli = t->opt.shrink_milli,
                                 .max_set = t->opt.max_set,
                                 .tick = train_tick,
                                 .user_data = t};
    fbk__itemsets sets = {.a = b->a};
    fbk__orders o = {.a = b->a};
    uint64_t left = budget_beside(t->budget, (uint64_t)b->n * 16 + (uint64_t)b->n_items * 4);
    fbk_status rc = fbk__orders_make(b, left, &o);

    left = budget_beside(left, (uint64_t)o.n * 16 + (uint64_t)b->n_items * 8);
    sets_opt.budget = left;
    how.budget = left;
    if (rc == FBK_OK && t->opt.max_set > 2) {
        fbk__itemset_input in = {o.n_items, o.n, o.item_start, o.item_orders, o.start, o.items};

        how.set_min_orders = fbk__share_of_orders(t->opt.set_support, o.n);
        sets_opt.min_orders = how.set_min_orders;
        rc = fbk__itemsets_mine(b->a, &in, &sets_opt, &sets);
    }
    if (rc == FBK_OK)
        rc = fbk__copurchase_write_body(&o, &sets, &how, body);
    t->report.set_min_orders = how.set_min_orders;
    t->report.n_orders = o.n;
    t->report.n_people = o.n_people;
    t->report.n_anonymous = o.n_anonymous;
    t->report.n_items = o.n_items;
    t->report.n_pairs = how.n_pairs;
    t->report.n_served = how.n_served;
    t->report.n_sets = sets.n;
    t->report.body_len = body->len;
    fbk__itemsets_free(&sets);
    fbk__orders_free(&o);
    return rc;
}

/* Count without the held-out orders, ask about these, then put them back. */
static fbk_status
train_evaluate(trainer *t)
{
    fbk__copurchase_quality quality = {0};
    fbk__copurchase cp = {.a = fbk__a(t->db)};
    fbk__buf body;
    fbk_status rc;

    fbk__buf_init(&body, fbk__a(t->db));
    rc = train_count(t, &t->baskets, &body);
    if (rc == FBK_OK) {
        rc = fbk__copurchase_open(&cp, fbk__a(t->db), body.data, body.len);
        if (rc == FBK_OK)
            fbk__buf_init(&body, fbk__a(t->db));
    }
    if (rc == FBK_OK)
        rc = fbk__copurchase_quality_of(&cp, &t->held, &quality);
    t->report.n_evaluated = quality.n;
    if (quality.n) {
        t->report.hit_rate_prob = (double)quality.hits / (double)quality.n;
        t->report.popular_rate_prob = (double)quality.popular / (double)quality.n;
    }
    fbk__copurchase_free(&cp);
    fbk__buf_free(&body);
    if (rc == FBK_OK)
        rc = fbk__baskets_merge(&t->baskets, &t->held);
    return rc;
}

static fbk_status
train_save(trainer *t, const fbk__buf *body)
{
    fbk__model_head head = {.kind = "copurchase", .format = FBK__COPURCHASE_FORMAT};
    fbk__model_value values[8];
    size_t n = 0;

    if (t->opt.name) {
        if (strlen(t->opt.name) >= sizeof head.name)
            return fbk__fail_at(t->db, FBK_ERANGE, "name", 0, "name was not of 1 to 47 bytes");
        (void)strcpy(head.name, t->opt.name);
    }
    head.as_of_us = t->as_of_us == FBK_TIME_NONE ? FBK_TIME_MAX : t->as_of_us;
    head.from_event = t->baskets.first_event;
    head.to_event = t->baskets.last_event;
    head.n_events = t->report.n_orders;
    head.n_people = t->report.n_people;
    fbk__model_value_set(&values[n++], FBK__MODEL_PARAMETER, "min_people", t->opt.min_people);
    fbk__model_value_set(&values[n++], FBK__MODEL_PARAMETER, "shrink", t->opt.shrink_milli / 1e3);
    fbk__model_value_set(&values[n++], FBK__MODEL_PARAMETER, "max_set", t->opt.max_set);
    if (t->opt.max_set > 2)
        fbk__model_value_set(&values[n++], FBK__MODEL_PARAMETER, "set_support", t->opt.set_support);
    fbk__model_value_set(&values[n++], FBK__MODEL_PARAMETER, "include_flags", t->opt.include_flags);
    if (t->report.n_evaluated) {
        fbk__model_value_set(&values[n++], FBK__MODEL_QUALITY, "hit_rate_at_10",
                             t->report.hit_rate_prob);
        fbk__model_value_set(&values[n++], FBK__MODEL_QUALITY, "popular_rate_at_10",
                             t->report.popular_rate_prob);
        fbk__model_value_set(&values[n++], FBK__MODEL_QUALITY, "n_orders",
                             (double)t->report.n_evaluated);
    }
    return fbk__model_save(t->db, &head, values, n, body->data, body->len);
}

static fbk_status
train_run(trainer *t)
{
    bool then = (t->opt.flags & FBK_COPURCHASE_IDENTITY_AS_OF) && t->as_of_us != FBK_TIME_NONE;
    fbk__buf body;
    fbk_status rc;

    fbk__buf_init(&body, fbk__a(t->db));
    rc = fbk__identity_acquire(t->db, then ? t->as_of_us : FBK_TIME_NONE, &t->who);
    if (rc == FBK_OK)
        rc = fbk__items_acquire(t->db, &t->items);
    if (rc == FBK_OK)
        rc = train_scan(t);
    if (rc == FBK_OK && t->baskets.n == 0 && t->held.n == 0)
        rc = fbk__fail(t->db, FBK_ENODATA, "no order with a product was found before the instant");
    if (rc == FBK_OK && (t->opt.flags & FBK_COPURCHASE_EVALUATE))
        rc = stage(t, train_evaluate(t));
    if (rc == FBK_OK)
        rc = stage(t, train_count(t, &t->baskets, &body));
    if (rc == FBK_OK)
        rc = train_save(t, &body);
    fbk__buf_free(&body);
    return rc;
}

fbk_status
fbk_copurchase_train(fbk *db, fbk_time as_of_us, const fbk_copurchase_options *options,
                     fbk_copurchase_report *out_report)
{
    trainer t = {.db = db, .as_of_us = as_of_us};
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (as_of_us != FBK_TIME_NONE && (as_of_us < FBK_TIME_MIN || as_of_us > FBK_TIME_MAX))
        return fbk__fail_at(db, FBK_ERANGE, "as_of_us", 0, "as_of_us was no valid instant");
    if (out_report && out_report->struct_size < REPORT_V1_SIZE)
        return fbk__fail_at(db, FBK_EABI, "out_report", 0, "struct_size fitted no version");
    rc = fbk__options_load(db, &t.opt, sizeof t.opt, OPTIONS_V1_SIZE, options);
    if (rc == FBK_OK)
        rc = options_check(db, &t.opt);
    if (rc < 0)
        return rc;
    options_default(&t.opt);
    t.budget = t.opt.memory_mib << 20;
    t.report.struct_size = (uint32_t)sizeof t.report;
    fbk__baskets_init(&t.baskets, fbk__a(db), t.budget);
    fbk__baskets_init(&t.held, fbk__a(db), t.budget);
    rc = train_run(&t);
    fbk__identity_release(t.who);
    fbk__items_release(t.items);
    train_free(&t);
    if (rc == FBK_OK && out_report)
        rc = fbk__result_store(db, out_report, REPORT_V1_SIZE, &t.report, sizeof t.report);
    return rc;
}
