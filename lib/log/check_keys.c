/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/check.h"

#include <string.h>

/* Two sets of keys, one from what is stored and one from the runs, must be equal. They may be
 * larger than memory: the keys are parted by a hash, and one part after the other is compared, for
 * which ids and runs are read anew. */

/* What is known of a key. */
enum { KEY_STORED = 1, KEY_TAIL = 2, KEY_FOUND = 4 };

typedef struct part {
    fbk__log_checking *c;
    fbk__keymap keys;
    uint64_t number;
    uint64_t of;
    uint64_t n_stored; /* that the runs should have */
    uint64_t n_found;
} part;

static bool
part_has(const part *p, fbk__key key)
{
    return fbk__mix64(key.hi ^ fbk__mix64(key.lo)) % p->of == p->number;
}

static fbk_status
part_fail(part *p, const char *what)
{
    return fbk__check_finding(p->c, fbk__fail(p->c->db, FBK_ECORRUPT, "%s", what));
}

/* -- ids --------------------------------------------------------------------------------------- */

static fbk_status
id_add(part *p, fbk__key key, uint32_t what)
{
    uint32_t *slot;

    if (!part_has(p, key))
        return FBK_OK;
    slot = fbk__keymap_put(&p->keys, key);
    if (!slot)
        return fbk__nomem(p->c->db);
    if (*slot)
        return part_fail(p, "two events of the event log had one id");
    *slot = what;
    p->n_stored += what == KEY_STORED;
    return FBK_OK;
}

static fbk_status
ids_of_frame(part *p, const fbk__frame *f, uint32_t what)
{
    const fbk__strings *ids = &f->ids;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < f->n.events; i++)
        rc = id_add(
            p, fbk__key_of_id(ids->bytes + ids->offsets[i], ids->offsets[i + 1] - ids->offsets[i]),
            what);
    return rc;
}

static fbk_status
ids_of_events(part *p)
{
    fbk__log_checking *c = p->c;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < c->view->sets->n_segments; i++) {
        const fbk__segment *segment = c->view->sets->segments[i];

        for (uint32_t k = 0; rc >= 0 && k < segment->n_frames; k++) {
            rc = fbk__segment_read(c->db, &c->codec, segment, k, 1u << FBK__FC_IDS, &c->frame);
            if (rc >= 0)
                rc = ids_of_frame(p, &c->frame, KEY_STORED);
            else if (rc == FBK_ECORRUPT)
                rc = FBK_OK; /* told before */
        }
    }
    for (uint32_t i = 0; rc >= 0 && i < c->view->n_tail; i++)
        rc = ids_of_frame(p, &c->view->tail->records[i]->frame, KEY_TAIL);
    return rc;
}

/* Those of erased events are in the runs too. */
static fbk_status
ids_of_erased(part *p)
{
    static const char sql[] = "SELECT id FROM log_erased WHERE id > ?1 ORDER BY id LIMIT 4096";
    unsigned char last[sizeof(fbk__key)] = {0};
    size_t last_len = 0;
    bool more = true;
    fbk_status rc = FBK_OK;

    /* A few at a time: the check must not hold a read transaction for as long as it takes. */
    while (rc >= 0 && more) {
        fbk__stmt *st = NULL;

        more = false;
        rc = fbk__stmt_get(p->c->db, sql, &st);
        if (rc < 0)
            break;
        fbk__bind_blob(st, 1, last, last_len);
        while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
            size_t len;
            const void *bytes = fbk__column_blob(st, 0, &len);
            fbk__key key;

            if (len != sizeof key) {
                rc = part_fail(p, "the id of an erased event had a wrong length");
                break;
            }
            memcpy(&key, bytes, sizeof key);
            memcpy(last, bytes, sizeof last);
            last_len = sizeof last;
            more = true;
            rc = id_add(p, key, KEY_STORED);
        }
        fbk__stmt_put(st);
    }
    return rc < 0 ? rc : FBK_OK;
}

/* -- runs -------------------------------------------------------------------------------------- */

typedef fbk_status (*key_fn)(part *p, fbk__key key, uint32_t value);

/* Every block of a run: ascending, and what the filter says of its keys. */
static fbk_status
run_each(part *p, const fbk__run *run, key_fn fn)
{
    fbk__log_checking *c = p->c;
    fbk__key last = {0, 0};
    bool any = false;
    fbk_status rc = FBK_OK;

    for (uint32_t b = 0; rc >= 0 && b < run->n_blocks; b++) {
        rc = fbk__run_read(c->db, &c->codec, run, b, c->block);
        for (uint32_t i = 0; rc >= 0 && i < c->block->n; i++) {
            fbk__key key = {(uint64_t)c->block->hi[i], (uint64_t)c->block->lo[i]};

            if ((any && fbk__key_compare(last, key) >= 0) ||
                !fbk__run_may_have(run, key, fbk__probe_of(key)))
                rc = fbk__fail(c->db, FBK_ECORRUPT, "run %lld of the event log was out of order",
                               (long long)run->id);
            last = key;
            any = true;
            if (rc >= 0 && part_has(p, key))
                rc = fn(p, key, (uint32_t)c->block->value[i]);
        }
        rc = fbk__check_finding(c, rc);
    }
    return rc;
}

static fbk_status
runs_each(part *p, uint32_t kind, key_fn fn)
{
    fbk__log_checking *c = p->c;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0 && i < c->view->sets->n_runs; i++) {
        fbk__run *run = c->view->sets->runs[i];

        if (run->kind != kind)
            continue;
        rc = fbk__run_load_filter(c->db, run);
        if (rc >= 0)
            rc = run_each(p, run, fn);
        rc = fbk__check_finding(c, rc);
    }
    return rc;
}

static fbk_status
id_found(part *p, fbk__key key, uint32_t value)
{
    uint32_t *slot;

    (void)value;
    if (fbk__keymap_get(&p->keys, key) != KEY_STORED)
        return fbk__fail(p->c->db, FBK_ECORRUPT,
                         "a run of the event log had an id that no sealed event has");
    slot = fbk__keymap_put(&p->keys, key);
    *slot |= KEY_FOUND;
    p->n_found++;
    return FBK_OK;
}

fbk_status
fbk__check_ids(fbk__log_checking *c)
{
    part p = {.c = c, .of = c->view->total.events / c->keys_at_once + 1};
    fbk_status rc = FBK_OK;

    fbk__keymap_init(&p.keys, fbk__a(c->db));
    for (; rc >= 0 && p.number < p.of; p.number++) {
        fbk__keymap_clear(&p.keys, SIZE_MAX);
        p.n_stored = p.n_found = 0;
        rc = ids_of_events(&p);
        if (rc >= 0)
            rc = ids_of_erased(&p);
        if (rc >= 0)
            rc = runs_each(&p, FBK__RUN_IDS, id_found);
        if (rc >= 0 && p.n_found != p.n_stored)
            rc = part_fail(&p, "the ids of the event log were not those of its events");
    }
    fbk__keymap_free(&p.keys);
    return rc;
}

/* -- identifiers ------------------------------------------------------------------------------- */

static fbk_status
ident_add(part *p, fbk__engine *e, uint32_t node, int64_t space, const char *value, size_t len)
{
    fbk__key key;
    uint32_t *slot;
    fbk_status rc = fbk__ident_key(p->c->db, e, (uint32_t)space, value, len, &key);

    if (rc < 0 || !part_has(p, key))
        return rc;
    slot = fbk__keymap_put(&p->keys, key);
    if (!slot)
        return fbk__nomem(p->c->db);
    if (*slot)
        return part_fail(p, "one identifier had two numbers");
    *slot = node;
    p->n_stored++;
    return FBK_OK;
}

/* The values of one block; in the first pass its namespaces are looked at too. */
static fbk_status
idents_of_block(part *p, fbk__engine *e, uint64_t first, const int64_t *spaces,
                const fbk__strings *values)
{
    fbk__log_checking *c = p->c;
    fbk_status rc = FBK_OK;

    for (size_t i = 0; rc >= 0 && i < values->n && first + i <= c->sealed_nodes; i++) {
        size_t len = values->offsets[i + 1] - values->offsets[i];

        if (!len)
            continue; /* erased */
        if (p->number == 0 && !fbk__bitset_has(&c->words, (uint64_t)spaces[i]))
            rc = part_fail(p, "an identifier had a namespace that does not exist");
        if (rc >= 0)
            rc = ident_add(p, e, (uint32_t)(first + i), spaces[i],
                           values->bytes + values->offsets[i], len);
    }
    return rc;
}

static fbk_status
idents_of_blocks(part *p, fbk__engine *e, int64_t *spaces, fbk__strings *values)
{
    uint64_t next = 1;
    fbk_status rc = FBK_OK;

    while (rc >= 0 && next <= p->c->sealed_nodes) {
        rc = fbk__nodes_read(p->c->db, &p->c->codec, (uint32_t)next, spaces, values);
        if (rc >= 0)
            rc = idents_of_block(p, e, next, spaces, values);
        next += rc >= 0 ? values->n : FBK__NODE_BLOCK;
        if (p->number == 0)
            rc = fbk__check_finding(p->c, rc);
        else if (rc == FBK_ECORRUPT)
            rc = FBK_OK;
    }
    return rc;
}

static fbk_status
ident_found(part *p, fbk__key key, uint32_t value)
{
    uint32_t node = fbk__keymap_get(&p->keys, key);

    if (!node || node != value)
        return fbk__fail(p->c->db, FBK_ECORRUPT,
                         "a run of the event log gave an identifier a number that is not its own");
    p->n_found++;
    return FBK_OK;
}

static fbk_status
idents_part(part *p, fbk__engine *e, int64_t *spaces, fbk__strings *values)
{
    fbk_status rc;

    fbk__keymap_clear(&p->keys, SIZE_MAX);
    p->n_stored = p->n_found = 0;
    rc = idents_of_blocks(p, e, spaces, values);
    if (rc >= 0)
        rc = runs_each(p, FBK__RUN_IDENTS, ident_found);
    if (rc >= 0 && p->n_found != p->n_stored)
        rc = part_fail(p, "the identifiers of the event log were not all to be found");
    return rc;
}

fbk_status
fbk__check_idents(fbk__log_checking *c)
{
    part p = {.c = c, .of = c->sealed_nodes / c->keys_at_once + 1};
    int64_t *spaces = fbk__alloc(fbk__a(c->db), FBK__NODE_BLOCK * sizeof *spaces);
    fbk__engine *e = NULL;
    fbk__strings values;
    fbk_status rc = spaces ? fbk__engine_get(c->db, &e) : fbk__nomem(c->db);

    fbk__strings_init(&values, fbk__a(c->db));
    fbk__keymap_init(&p.keys, fbk__a(c->db));
    for (; rc >= 0 && p.number < p.of; p.number++)
        rc = idents_part(&p, e, spaces, &values);
    fbk__keymap_free(&p.keys);
    fbk__strings_free(&values);
    fbk__free(fbk__a(c->db), spaces);
    if (e)
        fbk__shared_release(&e->head);
    return rc;
}
