/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/names.h"

#include <string.h>

#include "log/log.h"
#include "record/catalogue.h"
#include "record/place.h"

enum {
    WANTED = UINT32_MAX, /* in place of a number: to be looked up */
    NAMES_MAX = 1 << 18  /* of a kind; then all are forgotten */
};

typedef fbk_status (*resolve_fn)(fbk *db, const char *text, size_t len, bool create, uint32_t *out);

/* Texts of one kind and their numbers. */
typedef struct known {
    fbk__intern texts;
    uint32_t *numbers;
    size_t cap;
} known;

/* Of a store; used by its one writer. */
typedef struct names {
    fbk__shared head;
    known words;
    known items;
    known places;
    char *currency;
    uint64_t foreign; /* fbk__write_foreign() as of which it holds */
    bool watching;    /* the end of the transaction */
} names;

static const char names_key; /* its address names the object among the store's */

static void
known_init(known *k, const fbk_allocator *a)
{
    uint64_t seed = (uint64_t)(uintptr_t)k;

    fbk__intern_init(&k->texts, a, fbk__hash64(&seed, sizeof seed));
}

static void
known_free(known *k)
{
    fbk__free(k->texts.a, k->numbers);
    fbk__intern_free(&k->texts);
}

static void
names_forget(names *n)
{
    fbk__intern_clear(&n->words.texts);
    fbk__intern_clear(&n->items.texts);
    fbk__intern_clear(&n->places.texts);
    fbk__free(n->head.a, n->currency);
    n->currency = NULL;
}

static void
names_destroy(fbk__shared *me)
{
    names *n = (names *)(void *)me;
    const fbk_allocator *a = me->a;

    known_free(&n->words);
    known_free(&n->items);
    known_free(&n->places);
    fbk__free(a, n->currency);
    fbk__free(a, n);
}

static fbk_status
names_get(fbk *db, names **out)
{
    const fbk_allocator *a = fbk__store_allocator(db);
    names *n = (names *)(void *)fbk__shared_acquire(db, &names_key);
    fbk_status rc = FBK_OK;

    if (!n) { /* no other thread can be here: the caller writes */
        n = fbk__calloc(a, 1, sizeof *n);
        if (!n)
            return fbk__nomem(db);
        n->head = (fbk__shared){.refs = 1, .a = a, .destroy = names_destroy};
        known_init(&n->words, a);
        known_init(&n->items, a);
        known_init(&n->places, a);
        rc = fbk__shared_publish(db, &names_key, &n->head);
    }
    if (rc < 0)
        fbk__shared_release(&n->head);
    else
        *out = n;
    return rc;
}

static void
names_ended(void *user_data, bool committed)
{
    names *n = user_data;

    n->watching = false;
    if (!committed)
        names_forget(n);
    fbk__shared_release(&n->head);
}

/* Once a transaction: is what is known still true? */
static fbk_status
names_watch(fbk *db, names *n)
{
    fbk_status rc;

    if (n->watching)
        return FBK_OK;
    rc = fbk__write_on_end(db, names_ended, n);
    if (rc < 0)
        return rc;
    (void)__atomic_add_fetch(&n->head.refs, 1, __ATOMIC_ACQ_REL);
    n->watching = true;
    if (n->foreign != fbk__write_foreign(db) || n->items.texts.n > NAMES_MAX ||
        n->words.texts.n > NAMES_MAX || n->places.texts.n > NAMES_MAX)
        names_forget(n);
    n->foreign = fbk__write_foreign(db);
    return FBK_OK;
}

static fbk_status
known_resolve(fbk *db, known *k, const char *text, size_t len, resolve_fn fn, uint32_t *out)
{
    uint32_t at = fbk__intern_find(&k->texts, text, len);
    fbk_status rc;

    if (at != FBK__INTERN_NONE) {
        *out = k->numbers[at];
        return FBK_OK;
    }
    rc = fn(db, text, len, true, out);
    if (rc < 0)
        return rc;
    if (!fbk__grow(k->texts.a, &k->numbers, &k->cap, k->texts.n + 1, sizeof *k->numbers))
        return fbk__nomem(db);
    at = fbk__intern_add(&k->texts, text, len);
    if (at == FBK__INTERN_NONE)
        return fbk__nomem(db);
    k->numbers[at] = *out;
    return FBK_OK;
}

/* -- a batch ----------------------------------------------------------------------------------- */

static fbk_status
resolve_wanted(fbk *db, known *k, const fbk__intern *dictionary, uint32_t *ids, resolve_fn fn)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; i < dictionary->n && rc >= 0; i++) {
        size_t len;
        const char *text = fbk__intern_text(dictionary, i, &len);

        if (ids[i] != WANTED)
            continue;
        ids[i] = 0;
        if (len)
            rc = known_resolve(db, k, text, len, fn, &ids[i]);
    }
    return rc;
}

static void
resolve_mark(fbk__batch *batch)
{
    for (size_t i = 0; i < batch->n_events; i++) {
        const fbk__batch_event *e = &batch->events[i];

        batch->word_ids[e->kind] = WANTED;
        batch->word_ids[e->source] = WANTED;
        batch->word_ids[e->channel] = WANTED;
        batch->word_ids[e->currency] = WANTED;
        batch->place_ids[e->place] = WANTED;
    }
    for (size_t i = 0; i < batch->n_lines; i++)
        batch->item_ids[batch->lines[i].item] = WANTED;
    for (size_t i = 0; i < batch->n_idents; i++)
        batch->word_ids[batch->idents[i].space] = WANTED;
    for (size_t i = 0; i < batch->n_props; i++)
        batch->word_ids[batch->props[i].key] = WANTED;
}

static bool
resolve_prepare(const fbk_allocator *a, const fbk__intern *dictionary, uint32_t **ids, size_t *cap)
{
    if (!fbk__grow(a, ids, cap, dictionary->n + 1, sizeof **ids))
        return false;
    memset(*ids, 0, (dictionary->n + 1) * sizeof **ids);
    return true;
}

/* The store's own currency and "none" are the same content. */
static fbk_status
resolve_currency(fbk *db, names *n, fbk__batch *batch)
{
    uint32_t none;
    uint32_t own;
    fbk_status rc = n->currency ? FBK_OK : fbk__meta_get(db, "store.currency", &n->currency);

    if (rc < 0)
        return rc;
    own = fbk__intern_find(&batch->words, n->currency, strlen(n->currency));
    if (own == FBK__INTERN_NONE)
        return FBK_OK;
    none = fbk__intern_add(&batch->words, "", 0);
    if (none == FBK__INTERN_NONE)
        return fbk__nomem(db);
    for (size_t i = 0; i < batch->n_events; i++) {
        if (batch->events[i].currency == own)
            batch->events[i].currency = none;
    }
    return FBK_OK;
}

static fbk_status
resolve_all(fbk *db, names *n, fbk__batch *batch)
{
    fbk_status rc = resolve_currency(db, n, batch);

    if (rc < 0)
        return rc;
    if (!resolve_prepare(batch->a, &batch->words, &batch->word_ids, &batch->word_cap) ||
        !resolve_prepare(batch->a, &batch->items, &batch->item_ids, &batch->item_cap) ||
        !resolve_prepare(batch->a, &batch->places, &batch->place_ids, &batch->place_cap))
        return fbk__nomem(db);
    resolve_mark(batch);
    rc = resolve_wanted(db, &n->words, &batch->words, batch->word_ids, fbk__word_resolve);
    if (rc >= 0)
        rc = resolve_wanted(db, &n->items, &batch->items, batch->item_ids, fbk__item_resolve);
    if (rc >= 0)
        rc = resolve_wanted(db, &n->places, &batch->places, batch->place_ids, fbk__place_resolve);
    return rc;
}

fbk_status
fbk__names_resolve(fbk *db, fbk__batch *batch)
{
    names *n = NULL;
    fbk_status rc = names_get(db, &n);

    if (rc < 0)
        return rc;
    rc = names_watch(db, n);
    if (rc >= 0)
        rc = resolve_all(db, n, batch);
    fbk__shared_release(&n->head);
    return rc;
}
