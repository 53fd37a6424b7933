/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"

#include <pthread.h>
#include <string.h>

#include "base/map.h"
#include "store/conn.h"
#include "store/stmt.h"

/* Words are few and never go away, so that the store keeps those it has seen in memory. A word
 * made in a write transaction may still be rolled back: its number is believed only when it was
 * read outside of one. */

static const char *const word_builtin[] = {
    "",     "sale", "return", "exchange", "cancel",   "adjustment", "transfer", "view",   "search",
    "cart", "wish", "try_on", "visit",    "position", "message",    "response", "survey", "login",
};
enum { WORD_N_BUILTIN = sizeof word_builtin / sizeof word_builtin[0] };
_Static_assert(WORD_N_BUILTIN == FBK__EVENT_LOGIN + 1, "every built-in kind has its word");

typedef struct word_entry {
    struct word_entry *next; /* of the same hash */
    uint32_t word;           /* 0 = not known to be committed */
    uint32_t len;
    char text[];
} word_entry;

typedef struct word_cache {
    fbk__shared shared;
    pthread_mutex_t lock;
    fbk__map by_text;   /* hash → word_entry * */
    fbk__map by_number; /* word → word_entry * */
} word_cache;

static const char word_key;
/* Guards the birth of a cache, so that two threads do not make two for one store. */
static pthread_mutex_t word_birth = PTHREAD_MUTEX_INITIALIZER;

static void
word_cache_destroy(fbk__shared *me)
{
    word_cache *cache = (word_cache *)me;
    const fbk_allocator *a = me->a;
    uint64_t hash;
    uint64_t value;

    for (size_t at = 0; fbk__map_next(&cache->by_text, &at, &hash, &value);) {
        for (word_entry *e = (word_entry *)(uintptr_t)value, *next; e; e = next) {
            next = e->next;
            fbk__free(a, e);
        }
    }
    fbk__map_free(&cache->by_text);
    fbk__map_free(&cache->by_number);
    (void)pthread_mutex_destroy(&cache->lock);
    fbk__free(a, cache);
}

static word_cache *
word_cache_make(fbk *db)
{
    const fbk_allocator *a = fbk__store_allocator(db);
    word_cache *cache = fbk__calloc(a, 1, sizeof *cache);

    if (!cache)
        return NULL;
    cache->shared = (fbk__shared){.refs = 1, .a = a, .destroy = word_cache_destroy};
    (void)pthread_mutex_init(&cache->lock, NULL);
    fbk__map_init(&cache->by_text, a);
    fbk__map_init(&cache->by_number, a);
    if (fbk__shared_publish(db, &word_key, &cache->shared) < 0) {
        word_cache_destroy(&cache->shared);
        return NULL;
    }
    return cache;
}

static word_cache *
word_cache_get(fbk *db)
{
    word_cache *cache = (word_cache *)fbk__shared_acquire(db, &word_key);

    if (cache)
        return cache;
    (void)pthread_mutex_lock(&word_birth);
    cache = (word_cache *)fbk__shared_acquire(db, &word_key);
    if (!cache)
        cache = word_cache_make(db);
    (void)pthread_mutex_unlock(&word_birth);
    return cache;
}

/* Under the lock: the entry of a text, made if new; NULL when out of memory. */
static word_entry *
word_cache_intern(word_cache *cache, const char *text, size_t len)
{
    uint64_t hash = fbk__hash64(text, len);
    uint64_t *head = fbk__map_put(&cache->by_text, hash, NULL);
    word_entry *e;

    if (!head)
        return NULL;
    for (e = (word_entry *)(uintptr_t)*head; e; e = e->next) {
        if (e->len == len && memcmp(e->text, text, len) == 0)
            return e;
    }
    e = fbk__alloc(cache->shared.a, sizeof *e + len + 1);
    if (!e)
        return NULL;
    e->next = (word_entry *)(uintptr_t)*head;
    e->word = 0;
    e->len = (uint32_t)len;
    memcpy(e->text, text, len);
    e->text[len] = '\0';
    *head = (uint64_t)(uintptr_t)e;
    return e;
}

/* Keep a pair that was read; the text's stable copy, NULL when out of memory. */
static const char *
word_cache_add(fbk *db, uint32_t word, const char *text, size_t len)
{
    word_cache *cache = word_cache_get(db);
    word_entry *e;

    if (!cache)
        return NULL;
    (void)pthread_mutex_lock(&cache->lock);
    e = word_cache_intern(cache, text, len);
    if (e && !fbk__writing(db)) {
        uint64_t *slot = fbk__map_put(&cache->by_number, word, NULL);

        if (slot) {
            *slot = (uint64_t)(uintptr_t)e;
            e->word = word;
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    fbk__shared_release(&cache->shared);
    return e ? e->text : NULL;
}

static uint32_t
word_cached(fbk *db, const char *text, size_t len)
{
    word_cache *cache = word_cache_get(db);
    uint32_t word = 0;
    uint64_t *head;

    if (!cache)
        return 0;
    (void)pthread_mutex_lock(&cache->lock);
    head = fbk__map_get(&cache->by_text, fbk__hash64(text, len));
    for (word_entry *e = head ? (word_entry *)(uintptr_t)*head : NULL; e; e = e->next) {
        if (e->len == len && memcmp(e->text, text, len) == 0)
            word = e->word;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    fbk__shared_release(&cache->shared);
    return word;
}

static fbk_status
word_select(fbk *db, const char *text, size_t len, uint32_t *out)
{
    static const char sql[] = "SELECT word FROM log_word WHERE text = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);
    int64_t word;

    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, text, len);
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        word = fbk__column_int64(st, 0);
        if (word < FBK__EVENT_OWN || word > UINT32_MAX)
            rc = fbk__fail(db, FBK_ECORRUPT, "a word had the number %lld", (long long)word);
        else
            *out = (uint32_t)word;
    }
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
word_insert(fbk *db, const char *text, size_t len, uint32_t *out)
{
    static const char sql[] = "INSERT INTO log_word (word, text) "
                              "SELECT coalesce(max(word), 999) + 1, ?1 FROM log_word";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, text, len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    if (fbk__last_rowid(db) > UINT32_MAX)
        return fbk__fail(db, FBK_ETOOBIG, "the store had no number left for another word");
    *out = (uint32_t)fbk__last_rowid(db);
    return FBK_OK;
}

fbk_status
fbk__word_resolve(fbk *db, const char *text, size_t len, bool create, uint32_t *out)
{
    uint32_t word;
    fbk_status rc;

    for (uint32_t i = 0; i < WORD_N_BUILTIN; i++) {
        if (strlen(word_builtin[i]) == len && (!len || memcmp(word_builtin[i], text, len) == 0)) {
            *out = i;
            return FBK_OK;
        }
    }
    word = word_cached(db, text, len);
    if (word) {
        *out = word;
        return FBK_OK;
    }
    rc = word_select(db, text, len, &word);
    if (rc == FBK_DONE && !create)
        return fbk__fail(db, FBK_ENOTFOUND, "the store had never seen this word");
    if (rc == FBK_DONE)
        rc = word_insert(db, text, len, &word);
    if (rc < 0)
        return rc;
    if (!fbk__writing(db))
        (void)word_cache_add(db, word, text, len); /* without memory: read again next time */
    *out = word;
    return FBK_OK;
}

/* The text of a word as the store keeps it in memory; NULL when it is not there. */
static const char *
word_known(word_cache *cache, uint32_t word)
{
    const char *text = NULL;
    uint64_t *found;

    (void)pthread_mutex_lock(&cache->lock);
    found = fbk__map_get(&cache->by_number, word);
    if (found)
        text = ((word_entry *)(uintptr_t)*found)->text;
    (void)pthread_mutex_unlock(&cache->lock);
    return text;
}

fbk_status
fbk__word_get(fbk *db, uint32_t word, const char **out)
{
    static const char sql[] = "SELECT text FROM log_word WHERE word = ?1";
    const char *text = word < WORD_N_BUILTIN ? word_builtin[word] : NULL;
    word_cache *cache;
    fbk__stmt *st = NULL;
    fbk_status rc = FBK_OK;

    if (!text) {
        cache = word_cache_get(db);
        if (!cache)
            return fbk__nomem(db);
        text = word_known(cache, word);
        fbk__shared_release(&cache->shared);
    }
    if (!text) {
        rc = fbk__stmt_get(db, sql, &st);
        if (rc < 0)
            return rc;
        fbk__bind_int64(st, 1, word);
        rc = fbk__step(st);
        if (rc == FBK_OK) {
            size_t len;
            const char *read = fbk__column_text(st, 0, &len);

            text = word_cache_add(db, word, read, len);
            rc = text ? FBK_OK : fbk__nomem(db);
        } else if (rc == FBK_DONE) {
            rc = fbk__fail(db, FBK_ECORRUPT, "word %u did not exist", word);
        }
        fbk__stmt_put(st);
    }
    if (rc >= 0)
        *out = text;
    return rc;
}

const char *
fbk__word_text(fbk *db, uint32_t word)
{
    const char *text = "";

    return fbk__word_get(db, word, &text) < 0 ? "" : text;
}
