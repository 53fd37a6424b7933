/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <sodium.h>

#include "store/stmt.h"
#include "store/store.h"

/* Settings and counters that live in the file. */

fbk_status
fbk__meta_get(fbk *db, const char *key, char **out_text)
{
    fbk__stmt *st = NULL;
    const char *text;
    size_t len;
    fbk_status rc;

    rc = fbk__stmt_get(db, "SELECT value FROM fbk_meta WHERE key = ?1", &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, key, strlen(key));
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        text = fbk__column_text(st, 0, &len);
        *out_text = fbk__strndup(fbk__a(db), text, len);
        if (!*out_text)
            rc = fbk__nomem(db);
    } else if (rc == FBK_DONE) {
        rc = fbk__fail_at(db, FBK_ENOTFOUND, key, 0, "the store had no setting of that name");
    }
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__meta_set(fbk *db, const char *key, const char *text)
{
    fbk__stmt *st = NULL;
    fbk_status rc;

    rc = fbk__stmt_get(db,
                       "INSERT INTO fbk_meta (key, value) VALUES (?1, ?2)"
                       " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, key, strlen(key));
    fbk__bind_text(st, 2, text, strlen(text));
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__store_id(fbk *db, unsigned char out[FBK__STORE_ID])
{
    char *hex = NULL;
    size_t len = 0;
    fbk_status rc = fbk__meta_get(db, "store.id", &hex);

    if (rc < 0)
        return rc;
    if (sodium_hex2bin(out, FBK__STORE_ID, hex, strlen(hex), NULL, &len, NULL) != 0 ||
        len != FBK__STORE_ID)
        rc = fbk__fail(db, FBK_ECORRUPT, "the identity of the store was damaged");
    fbk__free(fbk__a(db), hex);
    return rc;
}

fbk_status
fbk__meta_init(fbk *db, const fbk_store_options *opt)
{
    unsigned char identity[FBK__STORE_ID];
    char hex[2 * FBK__STORE_ID + 1];
    const struct {
        const char *key;
        const char *value;
    } settings[] = {
        {"store.id", hex},
        {"store.currency", opt->currency ? opt->currency : "EUR"},
        {"store.prices", opt->flags & FBK_STORE_PRICES_NET ? "net" : "gross"},
        {"store.time_zone", opt->time_zone ? opt->time_zone : "UTC"},
    };
    fbk_status rc = FBK_OK;

    if (sodium_init() < 0)
        return fbk__fail(db, FBK_EIO, "the system had no random numbers");
    randombytes_buf(identity, sizeof identity);
    (void)sodium_bin2hex(hex, sizeof hex, identity, sizeof identity);
    for (size_t i = 0; rc >= 0 && i < sizeof settings / sizeof settings[0]; i++)
        rc = fbk__meta_set(db, settings[i].key, settings[i].value);
    return rc;
}

fbk_status
fbk__generation_bump(fbk *db, fbk__kind kind)
{
    uint32_t bit = 1u << kind;
    fbk__stmt *st = NULL;
    fbk_status rc;

    if (db->conn->bumped & bit) /* in this transaction: once is enough */
        return FBK_OK;
    rc = fbk__stmt_get(db,
                       "INSERT INTO fbk_generation (kind, value) VALUES (?1, 1)"
                       " ON CONFLICT (kind) DO UPDATE SET value = value + 1",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, (int64_t)kind);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc >= 0)
        db->conn->bumped |= bit;
    return rc;
}

static fbk_status
generation_read(fbk *db, uint64_t values[FBK__N_KINDS])
{
    fbk__stmt *st = NULL;
    fbk_status rc;

    rc = fbk__stmt_get(db, "SELECT kind, value FROM fbk_generation", &st);
    if (rc < 0)
        return rc;
    memset(values, 0, FBK__N_KINDS * sizeof values[0]);
    while ((rc = fbk__step(st)) == FBK_OK) {
        int64_t kind = fbk__column_int64(st, 0);

        if (kind >= 0 && kind < FBK__N_KINDS)
            values[kind] = (uint64_t)fbk__column_int64(st, 1);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
generation_data_version(fbk *db, int64_t *out)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, "PRAGMA data_version", &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

enum { GENERATION_LOOK_NS = 10000000 };

/* Refresh what the connection remembers, looking at the file as seldom as is allowed. */
static fbk_status
generation_refresh(fbk *db)
{
    struct fbk__conn *conn = db->conn;
    uint64_t commits = __atomic_load_n(&conn->store->n_commits, __ATOMIC_ACQUIRE);
    int64_t now = fbk__now_ns();
    int64_t version = 0;
    fbk_status rc;

    if (conn->generations_known && conn->generations_commits == commits &&
        now - conn->generations_ns < GENERATION_LOOK_NS)
        return FBK_OK;
    rc = generation_data_version(db, &version);
    if (rc < 0)
        return rc;
    if (!conn->generations_known || version != conn->data_version) {
        uint64_t values[FBK__N_KINDS];

        rc = generation_read(db, values);
        if (rc < 0)
            return rc;
        memcpy(conn->generations, values, sizeof values);
    }
    /* A commit between the two reads changes data_version again: the next look sees it. */
    conn->data_version = version;
    conn->generations_commits = commits;
    conn->generations_ns = now;
    conn->generations_known = true;
    return FBK_OK;
}

fbk_status
fbk__generation(fbk *db, fbk__kind kind, uint64_t *out)
{
    struct fbk__conn *conn = db->conn;
    uint64_t values[FBK__N_KINDS];
    fbk_status rc;

    if (conn->write_depth > 0 || conn->read_depth > 0) {
        rc = generation_read(db, values);
        if (rc >= 0)
            *out = values[kind];
        return rc;
    }
    rc = generation_refresh(db);
    if (rc >= 0)
        *out = conn->generations[kind];
    return rc;
}
