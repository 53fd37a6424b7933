/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/compact.h"

#include <string.h>

#include "base/sort.h"
#include "log/append.h"

/* What is to be merged, and when. Appends merge by levels: when one has FANIN members, they become
 * one of the next level, so that each event is written again once a level. Maintenance merges until
 * few are left, the smallest first. What went into a merge stays readable for the grace time of
 * those who still look at it, and is then cleared away. */

enum {
    FANIN = 16,
    FANIN_MOST = 64, /* of a level that has many more */
    GRACE_US = 60 * 1000 * 1000,
    CLEAR_CHUNKS = 64,           /* deleted in one step, */
    CLEAR_STEPS = 8,             /* of which an append does so many */
    APPEND_US = 5000,            /* an append works no longer than this, */
    APPEND_EACH_US = 50,         /* and so long for each segment and run there is */
    APPEND_MEMORY = 32 << 20,    /* bytes */
    YOUNG_US = 60 * 1000 * 1000, /* segments are left to maintenance for so long, */
    YOUNG_MOST = 4096            /* unless there are so many */
};

static bool
slice_left(const fbk__slice *s)
{
    return s->steps && (s->until_us == INT64_MAX || fbk__log_ticks_us() < s->until_us);
}

/* -- what there is ----------------------------------------------------------------------------- */

/* A live segment or run that is not being merged. */
typedef struct part {
    int64_t id;
    uint32_t level;
    uint32_t unused;
    uint64_t size;   /* rows or keys */
    uint64_t memory; /* while it is merged */
} part;

static bool
is_claimed(const int64_t *ids, size_t n, int64_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

/* By id, as the sets are; the caller frees. */
static fbk_status
parts_list(fbk *db, const fbk__sets *sets, uint32_t kind, part **out, uint32_t *out_n)
{
    uint32_t most = kind ? sets->n_runs : sets->n_segments;
    part *parts = fbk__calloc(fbk__a(db), most, sizeof *parts);
    int64_t *claimed = NULL;
    size_t n_claimed = 0;
    uint32_t n = 0;
    fbk_status rc = parts ? fbk__job_claimed(db, kind, &claimed, &n_claimed) : fbk__nomem(db);

    for (uint32_t i = 0; rc >= 0 && i < most; i++) {
        const fbk__run *run = kind ? sets->runs[i] : NULL;
        const fbk__segment *segment = kind ? NULL : sets->segments[i];

        if (run && run->kind == kind && !is_claimed(claimed, n_claimed, run->id))
            parts[n++] = (part){run->id, run->level, 0, run->n_keys, sizeof(fbk__run_block)};
        if (segment && !is_claimed(claimed, n_claimed, segment->id))
            parts[n++] = (part){segment->id, segment->level, 0, segment->n_lines + 1,
                                fbk__segment_merge_memory(segment)};
    }
    fbk__free(fbk__a(db), claimed);
    if (rc < 0) {
        fbk__free(fbk__a(db), parts);
        return rc;
    }
    *out = parts;
    *out_n = n;
    return FBK_OK;
}

/* The level that so many rows would have if they had come one by one. */
static uint32_t
level_of(uint64_t rows)
{
    uint32_t level = 1;

    for (rows /= (uint64_t)FBK__SEAL_ROWS * FANIN; rows >= FANIN; rows /= FANIN)
        level++;
    return level;
}

/* When it went live. */
static fbk_status
segment_live_us(fbk *db, int64_t segment, int64_t *out)
{
    static const char sql[] = "SELECT changed_us FROM log_segment WHERE segment = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, segment);
    rc = fbk__step(st);
    *out = rc == FBK_OK ? fbk__column_int64(st, 0) : 0;
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* -- what is due ------------------------------------------------------------------------------- */

typedef struct plan {
    int64_t *ids; /* to be merged */
    uint32_t n;   /* 0 = nothing is */
    uint32_t level;
} plan;

/* For an append: the lowest level with FANIN members. */
static void
plan_level(const fbk__slice *s, const part *parts, uint32_t n, plan *p)
{
    uint64_t memory = 0;
    uint64_t rows = 0;

    for (p->level = 1; p->level < 16; p->level++) {
        uint32_t have = 0;

        for (uint32_t i = 0; i < n; i++)
            have += parts[i].level == p->level - 1;
        if (have >= FANIN)
            break;
    }
    for (uint32_t i = 0; i < n && p->n < FANIN_MOST && memory < s->memory; i++) {
        if (parts[i].level != p->level - 1)
            continue;
        memory += parts[i].memory;
        rows += parts[i].size;
        p->ids[p->n++] = parts[i].id;
    }
    if (level_of(rows) > p->level)
        p->level = level_of(rows);
}

/* Smallest first; of one size, oldest first. */
static fbk_status
parts_sort(fbk *db, part *parts, uint32_t n)
{
    fbk__sort_item *items = fbk__calloc(fbk__a(db), n, sizeof *items);
    part *sorted = fbk__calloc(fbk__a(db), n, sizeof *sorted);
    bool ok = items && sorted;

    for (uint32_t i = 0; ok && i < n; i++)
        items[i] = (fbk__sort_item){parts[i].size, i, 0};
    ok = ok && fbk__sort_items(fbk__a(db), items, n);
    for (uint32_t i = 0; ok && i < n; i++)
        sorted[i] = parts[items[i].row];
    if (ok)
        memcpy(parts, sorted, n * sizeof *parts);
    fbk__free(fbk__a(db), items);
    fbk__free(fbk__a(db), sorted);
    return ok ? FBK_OK : fbk__nomem(db);
}

/* For maintenance: the smallest, as many at once as memory allows. The first merge takes so many
 * that all later ones are full: Huffman's tree of order P, as Knuth has it in "The Art of Computer
 * Programming" 3, 5.4.9. And what former maintenance left is merged too if it is no larger than
 * twice the rest, so that the small ones do not grow one by one, day by day. */
static fbk_status
plan_smallest(fbk *db, const fbk__slice *s, uint32_t kind, part *parts, uint32_t n,
              uint32_t building, plan *p)
{
    uint64_t each = 1;
    uint64_t rows = 0;
    uint64_t most;
    uint64_t want;
    bool last;
    fbk_status rc;

    if (n + building <= s->keep)
        return FBK_OK;
    for (uint32_t i = 0; i < n; i++)
        each = parts[i].memory > each ? parts[i].memory : each;
    most = s->memory / each < 2 ? 2 : s->memory / each;
    want = n + building - s->keep; /* so many fewer */
    last = most > want;
    want = last ? want + 1 : want % (most - 1) ? want % (most - 1) + 1 : most;
    rc = parts_sort(db, parts, n);
    if (rc < 0)
        return rc;
    while (p->n < n && p->n < most &&
           (p->n < want ||
            (last && parts[p->n].id <= s->newest[kind] && parts[p->n].size / 2 < rows))) {
        rows += parts[p->n].size;
        p->ids[p->n] = parts[p->n].id;
        p->n++;
    }
    p->level = level_of(rows);
    return FBK_OK;
}

/* Whether any level has members enough, claimed or not: the quick answer for most appends. Segments
 * of a moment ago do not count: who loads much at once calls for maintenance, which merges them all
 * in one go. */
static fbk_status
level_is_full(fbk *db, const fbk__sets *sets, uint32_t kind, bool *out)
{
    uint32_t have[16] = {0};
    uint32_t n = kind ? sets->n_runs : sets->n_segments;
    fbk_status rc = FBK_OK;

    *out = false;
    for (uint32_t i = 0; rc >= 0 && !*out && i < n; i++) {
        uint32_t level = kind ? sets->runs[i]->level : sets->segments[i]->level;
        int64_t live_us = INT64_MIN;

        if ((kind && sets->runs[i]->kind != kind) || level >= 16 || ++have[level] != FANIN)
            continue;
        if (!kind && n < YOUNG_MOST)
            rc = segment_live_us(db, sets->segments[i]->id, &live_us);
        *out = live_us < fbk__log_now_us() - YOUNG_US;
    }
    return rc;
}

static fbk_status
plan_make(fbk *db, const fbk__slice *s, uint32_t kind, uint32_t building, const fbk__sets *sets,
          plan *p)
{
    part *parts = NULL;
    uint32_t n = 0;
    bool due = true;
    fbk_status rc = s->keep ? FBK_OK : level_is_full(db, sets, kind, &due);

    if (rc >= 0 && due)
        rc = parts_list(db, sets, kind, &parts, &n);
    if (rc < 0 || !due)
        return rc;
    p->ids = fbk__alloc(fbk__a(db), (n + 1) * sizeof *p->ids);
    rc = p->ids ? FBK_OK : fbk__nomem(db);
    if (rc >= 0 && s->keep)
        rc = plan_smallest(db, s, kind, parts, n, building, p);
    else if (rc >= 0)
        plan_level(s, parts, n, p);
    fbk__free(fbk__a(db), parts);
    return rc;
}

/* The merge of this kind to work on now; FBK_DONE when there is none. The lowest level is the most
 * urgent. */
static fbk_status
next_job(fbk *db, fbk__engine *e, fbk__slice *s, uint32_t kind, const fbk__sets *sets,
         fbk__job **out)
{
    fbk__job_row rows[FBK__JOBS_MAX];
    const fbk__job_row *free_row = NULL;
    plan p = {NULL, 0, 0};
    uint32_t n = 0;
    fbk_status rc = fbk__job_rows(db, e, kind, rows, &n);

    for (uint32_t i = 0; rc >= 0 && i < n && !free_row; i++) {
        if (s->alone || fbk__job_is_free(e, &rows[i]))
            free_row = &rows[i];
        else
            s->waiting = true;
    }
    if (rc >= 0 && n < FBK__JOBS_MAX && !(free_row && s->keep))
        rc = plan_make(db, s, kind, n, sets, &p);
    if (rc >= 0 && p.n > 1 && (!free_row || p.level < free_row->level))
        rc = fbk__job_begin(db, e, kind, p.level, p.ids, p.n, sets, out);
    else if (rc >= 0)
        rc = free_row ? fbk__job_take(db, e, kind, free_row, sets, out) : FBK_DONE;
    fbk__free(fbk__a(db), p.ids);
    return rc;
}

/* -- clearing away ----------------------------------------------------------------------------- */

/* One step of clearing what is dead and need not wait; FBK_DONE when there is nothing. */
static fbk_status
clear_step(fbk *db, fbk__slice *s, bool run)
{
    static const char segment_sql[] =
        "SELECT segment, bytes FROM log_segment WHERE state <> 1 AND state = 2 AND "
        "changed_us NOT BETWEEN ?1 AND ?2 LIMIT 1";
    static const char run_sql[] =
        "SELECT run, bytes FROM log_run WHERE state <> 1 AND state = 2 AND "
        "changed_us NOT BETWEEN ?1 AND ?2 LIMIT 1";
    int64_t now = fbk__log_now_us();
    int64_t id = 0;
    uint64_t bytes = 0;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, run ? run_sql : segment_sql, &st);

    if (rc < 0)
        return rc;
    /* What died in the future waited for a clock that was set back since. */
    fbk__bind_int64(st, 1, s->unwatched ? INT64_MAX : now - GRACE_US);
    fbk__bind_int64(st, 2, s->unwatched ? INT64_MAX : now + GRACE_US);
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        id = fbk__column_int64(st, 0);
        bytes = (uint64_t)fbk__column_int64(st, 1);
    }
    fbk__stmt_put(st);
    if (rc != FBK_OK)
        return rc;
    rc = run ? fbk__run_clear(db, id, CLEAR_CHUNKS) : fbk__segment_clear(db, id, CLEAR_CHUNKS);
    if (rc == FBK_DONE)
        s->bytes_cleared += bytes;
    s->steps--;
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
dead_wait(fbk *db, bool *waiting)
{
    static const char sql[] =
        "SELECT EXISTS (SELECT 1 FROM log_segment WHERE state <> 1 AND state = 2) OR "
        "EXISTS (SELECT 1 FROM log_run WHERE state <> 1 AND state = 2)";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK && fbk__column_int64(st, 0))
        *waiting = true;
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* FBK_OK when the slice (or its share) was used up, FBK_DONE when nothing is left that need not
 * wait. */
static fbk_status
clear_dead(fbk *db, fbk__slice *s)
{
    uint64_t most = s->keep ? UINT64_MAX : CLEAR_STEPS;
    fbk_status rc = FBK_OK;

    for (int run = 0; run < 2; run++) {
        do {
            if (most-- == 0 || !slice_left(s))
                return FBK_OK;
            rc = clear_step(db, s, run);
        } while (rc == FBK_OK);
        if (rc < 0)
            return rc;
    }
    return FBK_DONE;
}

/* -- slices ------------------------------------------------------------------------------------ */

/* Merge what is due of one kind. */
static fbk_status
merge_kind(fbk *db, fbk__engine *e, fbk__slice *s, uint32_t kind, fbk__sets **sets)
{
    for (;;) {
        fbk__job *job = NULL;
        fbk_status rc;

        if (!slice_left(s))
            return FBK_OK;
        rc = next_job(db, e, s, kind, *sets, &job);
        if (rc == FBK_DONE || rc < 0)
            return rc;
        do {
            rc = fbk__job_step(db, e, job, &s->rows, &s->keys);
            s->steps--;
        } while (rc == FBK_OK && slice_left(s));
        if (rc == FBK_OK)
            return fbk__job_save(db, e, job);
        if (rc == FBK_DONE)
            rc = fbk__job_publish(db, e, job, sets, &s->bytes_written);
        if (rc < 0)
            return rc;
    }
}

/* FBK_OK when the slice was used up, FBK_DONE when there is nothing left to do now. *sets is what
 * is live, replaced when that changes. */
static fbk_status
compact_slice(fbk *db, fbk__engine *engine, fbk__slice *slice, fbk__sets **sets)
{
    /* Runs first: while there are many, every append asks them all. Of these the identifiers: there
     * are far fewer of them, and a long merge of ids would let their small runs pile up. */
    static const uint32_t kinds[] = {FBK__RUN_IDENTS, FBK__RUN_IDS, FBK__JOB_SEGMENTS};
    fbk_status cleared;
    fbk_status rc;

    slice->waiting = false;
    cleared = rc = clear_dead(db, slice);
    for (int i = 0; rc >= 0 && i < 3; i++) {
        rc = merge_kind(db, engine, slice, kinds[i], sets);
        if (rc == FBK_OK)
            return FBK_OK;
    }
    if (rc >= 0 && cleared == FBK_DONE)
        cleared = dead_wait(db, &slice->waiting);
    return rc < 0 ? rc : cleared < 0 ? cleared : FBK_DONE;
}

/* A new epoch, when what is live has changed. */
static fbk_status
compact_show(fbk *db, fbk__engine *e, fbk__sets *sets)
{
    static const char sql[] = "UPDATE log_state SET epoch = epoch + 1 WHERE one = 1";
    fbk__view *view = NULL;
    fbk_status rc;

    if (sets == e->writing->sets)
        return FBK_OK;
    rc = fbk__exec(db, sql);
    if (rc >= 0)
        rc = fbk__view_copy(db, e->writing, &view);
    if (rc < 0)
        return rc;
    (void)__atomic_add_fetch(&sets->refs, 1, __ATOMIC_ACQ_REL);
    fbk__sets_unref(view->sets);
    view->sets = sets;
    view->epoch++;
    return fbk__engine_set(db, e, view);
}

fbk_status
fbk__compact_now(fbk *db, fbk__engine *engine, fbk__slice *slice)
{
    fbk__sets *sets;
    fbk_status shown;
    fbk_status rc = fbk__engine_begin(db, engine);

    if (rc < 0)
        return rc;
    sets = engine->writing->sets;
    (void)__atomic_add_fetch(&sets->refs, 1, __ATOMIC_ACQ_REL);
    slice->alone = fbk__store_is_alone(db);
    slice->unwatched = slice->alone && __atomic_load_n(&engine->n_sets, __ATOMIC_ACQUIRE) == 1;
    rc = compact_slice(db, engine, slice, &sets);
    shown = rc < 0 ? rc : compact_show(db, engine, sets);
    fbk__sets_unref(sets);
    return shown < 0 ? shown : rc;
}

/* Bytes that were sealed in this transaction: of what is newer than the view it began with. */
static fbk_status
count_sealed(fbk *db, const fbk__sets *old, const fbk__sets *now)
{
    static const char sql[] = "UPDATE log_state SET sealed_bytes = sealed_bytes + ?1 WHERE one = 1";
    int64_t segment = old->n_segments ? old->segments[old->n_segments - 1]->id : 0;
    int64_t run = old->n_runs ? old->runs[old->n_runs - 1]->id : 0;
    uint64_t bytes = 0;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    for (uint32_t i = now->n_segments; i-- > 0 && now->segments[i]->id > segment;)
        bytes += now->segments[i]->bytes;
    for (uint32_t i = now->n_runs; i-- > 0 && now->runs[i]->id > run;)
        bytes += now->runs[i]->bytes;
    fbk__bind_int64(st, 1, (int64_t)bytes);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__compact(fbk *db, fbk__engine *engine, fbk__sets **sets)
{
    int64_t us = ((int64_t)(*sets)->n_segments + (*sets)->n_runs) * APPEND_EACH_US;
    fbk__slice slice = {.until_us = fbk__log_ticks_us() + (us < APPEND_US ? us : APPEND_US),
                        .steps = UINT64_MAX,
                        .memory = APPEND_MEMORY};
    fbk_status rc = count_sealed(db, engine->writing->sets, *sets);

    if (rc >= 0)
        rc = compact_slice(db, engine, &slice, sets);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__clear_dead(fbk *db, fbk__engine *engine)
{
    fbk__slice slice = {.until_us = INT64_MAX, .steps = UINT64_MAX, .keep = 1, .unwatched = true};
    fbk_status rc = fbk__jobs_give_up(db, engine);

    if (rc >= 0)
        rc = clear_dead(db, &slice);
    return rc < 0 ? rc : FBK_OK;
}
