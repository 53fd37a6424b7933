/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/conn.h"

#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "store/path.h"
#include "store/store.h"

/* One piece of memory a connection. */
typedef struct conn_block {
    struct fbk db;
    struct fbk__conn conn;
} conn_block;

enum { CONN_LOOK_OPS = 20000 };

/* A single statement that runs for too long holds the WAL as much as many short ones do. */
static int
conn_stop_long_read(void *user_data)
{
    const struct fbk__conn *conn = user_data;

    return conn->stmt_until_ns && fbk__now_ns() > conn->stmt_until_ns;
}

fbk_status
fbk_connect(fbk_store *store, fbk **out_db)
{
    conn_block *block;
    fbk_status rc;

    if (!store || !out_db)
        return FBK_EINVAL;
    if (!fbk__store_is_ours(store))
        return FBK_EMISUSE;
    block = fbk__calloc(&store->alloc, 1, sizeof *block);
    if (!block)
        return FBK_ENOMEM;
    block->db.alloc = store->alloc;
    block->db.conn = &block->conn;
    block->conn.store = store;
    fbk__err_clear(&block->db);
    rc = fbk__handle_open(&block->db, store, store->path,
                          store->immutable ? FBK__HANDLE_IMMUTABLE : 0, &block->conn.reader);
    if (rc < 0) {
        fbk__free(&store->alloc, block);
        return rc;
    }
    sqlite3_progress_handler(block->conn.reader.sq, CONN_LOOK_OPS, conn_stop_long_read,
                             &block->conn);
    (void)__atomic_add_fetch(&store->refs, 1, __ATOMIC_ACQ_REL);
    *out_db = &block->db;
    return FBK_OK;
}

void
fbk_close(fbk *db)
{
    struct fbk__conn *conn;
    fbk_store *store;
    fbk_allocator a;

    if (!db)
        return;
    conn = db->conn;
    store = conn->store;
    if (!fbk__store_is_ours(store))
        return;
    if (conn->write_depth > 0) {
        conn->write_depth = 1;
        fbk__ignore(fbk__write_end(db, FBK_EMISUSE));
    }
    fbk__shared_release(conn->own);
    fbk__handle_close(&conn->reader);
    a = store->alloc; /* the store may go with us */
    fbk__free(&a, db);
    fbk__store_unref(store);
}

fbk_status
fbk__enter(fbk *db)
{
    if (!db)
        return FBK_EINVAL;
    fbk__err_clear(db);
    if (!fbk__store_is_ours(db->conn->store))
        return fbk__fail(
            db, FBK_EMISUSE,
            "the connection was opened before fork(); a child must open its own store");
    return FBK_OK;
}

fbk_status
fbk__connect_beside(fbk *db, fbk **out)
{
    return fbk_connect(db->conn->store, out);
}

bool
fbk__store_readonly(const fbk *db)
{
    return (db->conn->store->flags & FBK_STORE_READONLY) != 0;
}

bool
fbk__writing(const fbk *db)
{
    return db->conn->write_depth > 0;
}

bool
fbk__in_transaction(const fbk *db)
{
    return db->conn->write_depth > 0 || db->conn->read_depth > 0;
}

const fbk_allocator *
fbk__store_allocator(const fbk *db)
{
    return &db->conn->store->alloc;
}

fbk__shared **
fbk__conn_own(fbk *db)
{
    return &db->conn->own;
}

static fbk__shared_slot *
shared_find(fbk_store *store, const void *key)
{
    for (size_t i = 0; i < store->n_shared; i++) {
        if (store->shared[i].key == key)
            return &store->shared[i];
    }
    return NULL;
}

fbk__shared *
fbk__shared_acquire(fbk *db, const void *key)
{
    fbk_store *store = db->conn->store;
    fbk__shared_slot *slot;
    fbk__shared *object = NULL;

    (void)pthread_mutex_lock(&store->shared_lock);
    slot = shared_find(store, key);
    if (slot)
        object = slot->object;
    if (object)
        (void)__atomic_add_fetch(&object->refs, 1, __ATOMIC_ACQ_REL);
    (void)pthread_mutex_unlock(&store->shared_lock);
    return object;
}

static fbk_status
shared_put(fbk *db, const void *key, fbk__shared *object, bool replace)
{
    fbk_store *store = db->conn->store;
    fbk__shared_slot *slot;
    fbk__shared *old = NULL;

    (void)pthread_mutex_lock(&store->shared_lock);
    slot = shared_find(store, key);
    if (slot && slot->object && !replace) {
        (void)pthread_mutex_unlock(&store->shared_lock);
        return FBK_OK;
    }
    if (!slot && fbk__grow(&store->alloc, &store->shared, &store->shared_cap, store->n_shared + 1,
                           sizeof *store->shared)) {
        slot = &store->shared[store->n_shared++];
        *slot = (fbk__shared_slot){key, NULL};
    }
    if (slot) {
        (void)__atomic_add_fetch(&object->refs, 1, __ATOMIC_ACQ_REL);
        old = slot->object;
        slot->object = object;
    }
    (void)pthread_mutex_unlock(&store->shared_lock);
    fbk__shared_release(old);
    return slot ? FBK_OK : fbk__nomem(db);
}

fbk_status
fbk__shared_publish(fbk *db, const void *key, fbk__shared *object)
{
    return shared_put(db, key, object, true);
}

fbk_status
fbk__shared_offer(fbk *db, const void *key, fbk__shared *object)
{
    return shared_put(db, key, object, false);
}

void
fbk__shared_release(fbk__shared *object)
{
    if (object && __atomic_sub_fetch(&object->refs, 1, __ATOMIC_ACQ_REL) == 0)
        object->destroy(object);
}

#define FACTS_V1_SIZE 128u
_Static_assert(sizeof(fbk_store_facts) == FACTS_V1_SIZE, "fbk_store_facts v1");

static fbk_status
facts_text(fbk *db, const char *key, char *out, size_t size)
{
    char *text = NULL;
    fbk_status rc = fbk__meta_get(db, key, &text);

    if (rc < 0)
        return rc;
    (void)snprintf(out, size, "%s", text);
    fbk__free(fbk__a(db), text);
    return FBK_OK;
}

static fbk_status
facts_fill(fbk *db, fbk_store_facts *facts)
{
    const fbk_store *store = db->conn->store;
    fbk__handle *h = fbk__conn_handle(db);
    char prices[8] = "";
    int64_t version = 0;
    int64_t n_pages = 0;
    int64_t n_free = 0;
    int64_t wal = fbk__path_size(store->path, "-wal");
    int64_t file = fbk__path_size(store->path, "");
    fbk_status rc = facts_text(db, "store.currency", facts->currency, sizeof facts->currency);

    if (rc >= 0)
        rc = facts_text(db, "store.time_zone", facts->time_zone, sizeof facts->time_zone);
    if (rc >= 0)
        rc = facts_text(db, "store.prices", prices, sizeof prices);
    if (rc >= 0)
        rc = fbk__handle_int(db, h, "PRAGMA user_version", &version);
    if (rc >= 0)
        rc = fbk__handle_int(db, h, "PRAGMA page_count", &n_pages);
    if (rc >= 0)
        rc = fbk__handle_int(db, h, "PRAGMA freelist_count", &n_free);
    if (rc < 0)
        return rc;
    facts->flags = (store->flags & FBK_STORE_READONLY ? FBK_STORE_FACT_READONLY : 0u) |
                   (store->immutable ? FBK_STORE_FACT_IMMUTABLE : 0u) |
                   (strcmp(prices, "net") == 0 ? FBK_STORE_FACT_PRICES_NET : 0u) |
                   (store->tmpdir ? FBK_STORE_FACT_MEMORY : 0u);
    facts->schema_version = (uint32_t)version;
    facts->page_size = store->page_size;
    facts->durability = store->durability;
    facts->n_pages = (uint64_t)n_pages;
    facts->n_free_pages = (uint64_t)n_free;
    facts->file_len = file > 0 ? (uint64_t)file : 0;
    facts->wal_len = wal > 0 ? (uint64_t)wal : 0;
    return FBK_OK;
}

fbk_status
fbk_store_info(fbk *db, fbk_store_facts *out)
{
    fbk_store_facts facts;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail(db, FBK_EINVAL, "out must not be NULL");
    memset(&facts, 0, sizeof facts);
    rc = fbk__read_begin(db);
    if (rc < 0)
        return rc;
    rc = facts_fill(db, &facts);
    fbk__read_end(db);
    return rc < 0 ? rc : fbk__result_store(db, out, FACTS_V1_SIZE, &facts, sizeof facts);
}
