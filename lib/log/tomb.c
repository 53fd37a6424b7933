/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <sodium.h>

#include "log/engine.h"
#include "log/exchange.h"

/* What was erased, so that it can be told to other stores: the ids of events, and identifiers as
 * keyed hashes. The key is the identity of the store that erased: no secret, but hashes of one
 * store cannot be looked up in a table made for another. */

static void
tomb_hash(const unsigned char store[FBK__STORE_ID], const char *space, const char *value,
          size_t len, fbk__key *out)
{
    crypto_generichash_state state;
    unsigned char hash[crypto_generichash_BYTES_MIN];

    (void)crypto_generichash_init(&state, store, FBK__STORE_ID, sizeof hash);
    (void)crypto_generichash_update(&state, (const unsigned char *)space, strlen(space) + 1);
    (void)crypto_generichash_update(&state, (const unsigned char *)value, len);
    (void)crypto_generichash_final(&state, hash, sizeof hash);
    memcpy(&out->hi, hash, 8);
    memcpy(&out->lo, hash + 8, 8);
    out->lo &= (UINT64_C(1) << FBK__KEY_IDENT_BITS) - 1; /* what a key map looks at */
}

/* -- identifiers ------------------------------------------------------------------------------- */

static fbk_status
tombs_add_store(fbk *db, fbk__tombs *t, size_t *cap, const unsigned char store[FBK__STORE_ID])
{
    if (t->n_stores && memcmp(t->stores[t->n_stores - 1], store, FBK__STORE_ID) == 0)
        return FBK_OK; /* they come in order */
    if (!fbk__grow(fbk__a(db), &t->stores, cap, t->n_stores + 1, sizeof *t->stores))
        return fbk__nomem(db);
    memcpy(t->stores[t->n_stores++], store, FBK__STORE_ID);
    return FBK_OK;
}

static fbk_status
tombs_read(fbk *db, fbk__tombs *t, fbk__stmt *st)
{
    size_t cap = 0;
    size_t store_cap = 0;
    fbk_status rc;

    while ((rc = fbk__step(st)) == FBK_OK) {
        size_t len[2];
        const void *store = fbk__column_blob(st, 0, &len[0]);
        const void *hash = fbk__column_blob(st, 1, &len[1]);
        fbk__tomb *tomb;
        uint32_t *slot;

        if (len[0] != FBK__STORE_ID || len[1] != sizeof tomb->hash)
            return fbk__fail(db, FBK_ECORRUPT, "the list of erased identifiers was damaged");
        if (!fbk__grow(fbk__a(db), &t->all, &cap, t->n + 1, sizeof *t->all))
            return fbk__nomem(db);
        tomb = &t->all[t->n];
        memcpy(tomb->store, store, FBK__STORE_ID);
        memcpy(&tomb->hash, hash, sizeof tomb->hash);
        tomb->erased_us = fbk__column_int64(st, 2);
        slot = fbk__keymap_put(&t->by_hash, tomb->hash);
        if (!slot)
            return fbk__nomem(db);
        *slot = (uint32_t)++t->n;
        rc = tombs_add_store(db, t, &store_cap, tomb->store);
        if (rc < 0)
            return rc;
    }
    return rc;
}

fbk_status
fbk__tombs_load(fbk *db, fbk__tombs *out)
{
    static const char sql[] = "SELECT store, hash, erased_us FROM log_erased_ident "
                              "ORDER BY store, hash";
    fbk__stmt *st = NULL;
    fbk_status rc;

    memset(out, 0, sizeof *out);
    fbk__keymap_init(&out->by_hash, fbk__a(db));
    rc = fbk__stmt_get(db, sql, &st);
    if (rc >= 0)
        rc = tombs_read(db, out, st);
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

void
fbk__tombs_free(fbk *db, fbk__tombs *tombs)
{
    fbk__free(fbk__a(db), tombs->all);
    fbk__free(fbk__a(db), tombs->stores);
    fbk__keymap_free(&tombs->by_hash);
    memset(tombs, 0, sizeof *tombs);
}

int64_t
fbk__tombs_find(const fbk__tombs *tombs, const char *space, const char *value, size_t len)
{
    int64_t latest = INT64_MIN;

    for (size_t i = 0; i < tombs->n_stores; i++) {
        fbk__key hash;
        uint32_t number;

        tomb_hash(tombs->stores[i], space, value, len, &hash);
        number = fbk__keymap_get(&tombs->by_hash, hash);
        if (number && tombs->all[number - 1].erased_us > latest)
            latest = tombs->all[number - 1].erased_us;
    }
    return latest;
}

fbk_status
fbk__tomb_write(fbk *db, const fbk__tomb *tomb)
{
    static const char sql[] =
        "INSERT INTO log_erased_ident (store, hash, erased_us) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (store, hash) DO UPDATE SET erased_us = max(erased_us, ?3)";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_blob(st, 1, tomb->store, sizeof tomb->store);
    fbk__bind_blob(st, 2, &tomb->hash, sizeof tomb->hash);
    fbk__bind_int64(st, 3, tomb->erased_us);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__tomb_make(fbk *db, uint32_t space, const char *value, size_t len)
{
    fbk__tomb tomb = {.erased_us = fbk__log_now_us()};
    fbk_status rc = fbk__store_id(db, tomb.store);

    if (rc < 0)
        return rc;
    tomb_hash(tomb.store, fbk__word_text(db, space), value, len, &tomb.hash);
    return fbk__tomb_write(db, &tomb);
}

/* -- events ------------------------------------------------------------------------------------ */

fbk_status
fbk__erased_each(fbk *db, fbk__erased_fn fn, void *user_data)
{
    static const char sql[] = "SELECT id FROM log_erased ORDER BY id";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        size_t len;
        const void *bytes = fbk__column_blob(st, 0, &len);
        fbk__key id;

        if (len != sizeof id) {
            rc = fbk__fail(db, FBK_ECORRUPT, "the list of erased events was damaged");
            break;
        }
        memcpy(&id, bytes, sizeof id);
        rc = fn(user_data, id);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__erased_has(fbk *db, fbk__key id)
{
    static const char sql[] = "SELECT 1 FROM log_erased WHERE id = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_blob(st, 1, &id, sizeof id);
    rc = fbk__step(st);
    fbk__stmt_put(st);
    return rc;
}
