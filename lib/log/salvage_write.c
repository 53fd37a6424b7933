/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/sort.h"
#include "log/salvage.h"

/* Segments and runs of a store that is being filled from another. */

enum { SEGMENT_EVENTS = 1 << 20 /* 24 MiB of keys */ };

fbk_status
fbk__key_list_add(fbk *db, fbk__key_list *list, fbk__key key, uint32_t value)
{
    if (!fbk__grow(fbk__a(db), &list->keys, &list->key_cap, list->n + 1, sizeof *list->keys) ||
        !fbk__grow(fbk__a(db), &list->values, &list->value_cap, list->n + 1, sizeof *list->values))
        return fbk__nomem(db);
    list->keys[list->n] = key;
    list->values[list->n++] = value;
    return FBK_OK;
}

void
fbk__key_list_free(fbk *db, fbk__key_list *list)
{
    fbk__free(fbk__a(db), list->keys);
    fbk__free(fbk__a(db), list->values);
    memset(list, 0, sizeof *list);
}

/* By the low half, then stably by the high one. */
static fbk_status
list_sort(fbk *db, const fbk__key_list *list, fbk__sort_item *items)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < list->n; i++) {
            uint32_t k = pass ? items[i].row : (uint32_t)i;

            items[i].row = k;
            items[i].key = pass ? list->keys[k].hi : list->keys[k].lo;
        }
        if (!fbk__sort_items(fbk__a(db), items, list->n))
            return fbk__nomem(db);
    }
    return FBK_OK;
}

static fbk_status
list_write(fbk *db, const fbk__key_list *list, const fbk__sort_item *items, uint32_t kind,
           fbk__run_writer *w)
{
    const fbk__key *last = NULL;
    fbk_status rc = fbk__run_begin(db, kind, 0, 0, list->n, w);

    for (size_t i = 0; rc >= 0 && i < list->n; i++) {
        const fbk__key *key = &list->keys[items[i].row];

        if (!last || fbk__key_compare(*last, *key) != 0)
            rc = fbk__run_add(db, w, *key, list->values[items[i].row]);
        last = key;
    }
    if (rc >= 0)
        rc = fbk__run_end(db, w);
    if (rc >= 0)
        rc = fbk__run_set_state(db, w->id, FBK__SEGMENT_LIVE, fbk__log_now_us());
    fbk__run_writer_free(w);
    return rc;
}

fbk_status
fbk__key_list_write(fbk *db, fbk__key_list *list, uint32_t kind)
{
    fbk__sort_item *items;
    fbk__run_writer *w;
    fbk_status rc;

    if (!list->n)
        return FBK_OK;
    items = fbk__alloc(fbk__a(db), list->n * sizeof *items);
    w = fbk__alloc(fbk__a(db), sizeof *w);
    rc = items && w ? list_sort(db, list, items) : fbk__nomem(db);
    if (rc >= 0)
        rc = list_write(db, list, items, kind, w);
    fbk__free(fbk__a(db), items);
    fbk__free(fbk__a(db), w);
    list->n = 0;
    return rc;
}

/* -- events ------------------------------------------------------------------------------------ */

fbk_status
fbk__refill_end(fbk__refill *r)
{
    fbk_status rc;

    if (!r->open)
        return FBK_OK;
    rc = fbk__segment_end(r->db, &r->w);
    if (rc >= 0)
        rc = fbk__segment_set_state(r->db, r->w.id, FBK__SEGMENT_LIVE, fbk__log_now_us());
    if (rc >= 0)
        rc = fbk__key_list_write(r->db, &r->ids, FBK__RUN_IDS);
    fbk__segment_writer_free(&r->w);
    r->open = false;
    return fbk__write_end(r->db, rc);
}

void
fbk__refill_free(fbk__refill *r, fbk_status rc)
{
    if (r->open) {
        fbk__segment_writer_free(&r->w);
        rc = fbk__write_end(r->db, rc < 0 ? rc : FBK_ECANCELLED);
        r->open = false;
    }
    (void)rc;
    fbk__key_list_free(r->db, &r->ids);
}

static bool
refill_follows(const fbk__refill *r, const int64_t now[3])
{
    for (int k = 0; k < 3; k++) {
        if (now[k] != r->last[k])
            return now[k] > r->last[k];
    }
    return false;
}

fbk_status
fbk__refill_add(fbk__refill *r, const fbk__frame *f, const fbk__frame_index *index, uint32_t i)
{
    const char *id = f->ids.bytes + f->ids.offsets[i];
    const int64_t now[3] = {f->ev[FBK__EV_NODE][i], f->ev[FBK__EV_OCCURRED][i],
                            f->ev[FBK__EV_ARRIVAL][i]};
    fbk_status rc = FBK_OK;

    if (r->open && (r->ids.n >= SEGMENT_EVENTS || !refill_follows(r, now)))
        rc = fbk__refill_end(r);
    if (rc >= 0 && !r->open) {
        rc = fbk__write_begin(r->db);
        if (rc < 0)
            return rc;
        r->open = true;
        rc = fbk__segment_begin(r->db, 0, 0, &r->w);
    }
    if (rc >= 0)
        rc = fbk__segment_add(r->db, &r->w, f, index, i);
    if (rc >= 0)
        rc = fbk__key_list_add(r->db, &r->ids,
                               fbk__key_of_id(id, f->ids.offsets[i + 1] - f->ids.offsets[i]), 0);
    memcpy(r->last, now, sizeof now);
    return rc;
}
