/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/stmt.h"
#include "store/store.h"

/* Write transactions: gate (threads), lease (processes), BEGIN IMMEDIATE … COMMIT on the store's
 * one writer, then a checkpoint when it is due, lease and gate back. */

enum {
    TRUNCATE_BYTES = 16 << 20, /* from here on the WAL file is cut, not only rewound */
    CHECKPOINT_BUSY_MS = 100   /* wait for readers, while others wait for us */
};

fbk__handle *
fbk__conn_handle(fbk *db)
{
    struct fbk__conn *conn = db->conn;

    return conn->write_depth > 0 ? &conn->store->writer : &conn->reader;
}

int64_t
fbk__write_deadline(const fbk_store *store)
{
    return fbk__now_ns() + (int64_t)store->busy_timeout_ms * 1000000;
}

static void
txn_set_busy_until(fbk_store *store, int64_t deadline_ns)
{
    int64_t left_ms = (deadline_ns - fbk__now_ns()) / 1000000;

    (void)sqlite3_busy_timeout(store->writer.sq, left_ms > 1 ? (int)left_ms : 1);
}

/* The number changes with each commit, whoever makes it: when it is not the one that we left
 * behind, somebody else has written since. */
static uint32_t
txn_version(fbk_store *store)
{
    uint32_t version = 0;

    (void)sqlite3_file_control(store->writer.sq, "main", SQLITE_FCNTL_DATA_VERSION, &version);
    return version;
}

uint64_t
fbk__write_foreign(const fbk *db)
{
    return db->conn->store->n_foreign;
}

fbk_status
fbk__write_begin(fbk *db)
{
    return fbk__write_begin_until(db, fbk__write_deadline(db->conn->store));
}

fbk_status
fbk__write_begin_until(fbk *db, int64_t deadline)
{
    struct fbk__conn *conn = db->conn;
    fbk_store *store = conn->store;
    fbk_status rc;

    if (conn->write_depth > 0) {
        conn->write_depth++;
        return FBK_OK;
    }
    if (store->flags & FBK_STORE_READONLY)
        return fbk__fail(db, FBK_EREADONLY, "the store was opened read-only");
    if (!fbk__gate_enter(&store->gate, deadline))
        return fbk__fail(db, FBK_EBUSY, "other threads were writing the store for too long");
    rc = fbk__lease_acquire(db, &store->lease, deadline);
    if (rc < 0)
        goto out;
    txn_set_busy_until(store, deadline);
    fbk__handle_rollback(&store->writer); /* of one that could not be ended */
    rc = fbk__handle_step(db, &store->writer, store->writer.begin, "beginning to write");
    if (rc < 0)
        goto out;
    if (txn_version(store) != store->left_version)
        store->n_foreign++;
    conn->write_depth = 1;
    conn->write_failed = FBK_OK;
    conn->bumped = 0;
    return FBK_OK;
out:
    fbk__lease_release(&store->lease);
    fbk__gate_leave(&store->gate);
    return rc;
}

/* A statement that was not given back would hold its read of this transaction for ever. */
static void
txn_reset_statements(fbk__handle *h)
{
    if (h->n_out == 0)
        return;
    for (sqlite3_stmt *st = NULL; (st = sqlite3_next_stmt(h->sq, st)) != NULL;) {
        if (sqlite3_stmt_busy(st))
            (void)sqlite3_reset(st);
    }
}

static fbk_status
txn_commit(fbk *db, fbk_store *store)
{
    fbk_status rc;

    if (sqlite3_get_autocommit(store->writer.sq))
        return fbk__fail(db, FBK_EDB, "the transaction had been rolled back");
    rc = fbk__handle_step(db, &store->writer, store->writer.commit, "committing");
    if (rc < 0)
        fbk__handle_rollback(&store->writer);
    else
        (void)__atomic_add_fetch(&store->n_commits, 1, __ATOMIC_ACQ_REL);
    return rc;
}

fbk_status
fbk__checkpoint_locked(fbk *db, fbk_store *store, bool truncate)
{
    int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART;
    int frames = 0;
    int done = 0;
    int code;

    (void)sqlite3_busy_timeout(store->writer.sq, CHECKPOINT_BUSY_MS);
    code = sqlite3_wal_checkpoint_v2(store->writer.sq, "main", mode, &frames, &done);
    if (code == SQLITE_OK) {
        store->checkpoint_at = FBK__CHECKPOINT_BYTES / store->page_size;
        return FBK_OK;
    }
    /* Readers (or a full disk) stood in the way; asking at every commit would cost 100 ms each. */
    store->checkpoint_at = store->wal_frames + FBK__CHECKPOINT_BYTES / store->page_size;
    return fbk__sqlite_fail(db, store->writer.sq, code, "writing the log back into the store");
}

/* What was committed is safe in the WAL already, so that a failing checkpoint fails nobody; it is
 * tried again. The error text of the connection stays as it is. */
static void
txn_checkpoint_if_due(fbk_store *store, bool erased)
{
    bool big = store->wal_frames * (int64_t)store->page_size > TRUNCATE_BYTES;

    if (erased || store->wal_frames >= store->checkpoint_at)
        fbk__ignore(fbk__checkpoint_locked(NULL, store, big || erased));
}

fbk_status
fbk__write_on_end(fbk *db, fbk__write_end_fn fn, void *user_data)
{
    struct fbk__conn *conn = db->conn;

    if (conn->write_depth == 0 || conn->n_hooks == FBK__WRITE_HOOKS)
        return fbk__fail(db, FBK_EMISUSE, "no call could be asked for at the end of a transaction");
    conn->hooks[conn->n_hooks].fn = fn;
    conn->hooks[conn->n_hooks++].user_data = user_data;
    return FBK_OK;
}

static void
txn_call_hooks(struct fbk__conn *conn, bool committed)
{
    for (int i = 0; i < conn->n_hooks; i++)
        conn->hooks[i].fn(conn->hooks[i].user_data, committed);
    conn->n_hooks = 0;
}

fbk_status
fbk__write_end(fbk *db, fbk_status status)
{
    struct fbk__conn *conn = db->conn;
    fbk_store *store = conn->store;
    bool erased = conn->erasing;

    if (status < 0 && conn->write_failed == FBK_OK)
        conn->write_failed = status;
    if (conn->write_depth > 1) {
        conn->write_depth--;
        return status < 0 ? status : FBK_OK;
    }
    txn_reset_statements(&store->writer);
    if (conn->write_failed < 0) {
        status = status < 0 ? status : conn->write_failed;
        fbk__handle_rollback(&store->writer);
    } else {
        status = txn_commit(db, store);
    }
    txn_call_hooks(conn, status >= 0);
    if (erased)
        (void)sqlite3_exec(store->writer.sq, "PRAGMA secure_delete=FAST", NULL, NULL, NULL);
    if (status >= 0)
        txn_checkpoint_if_due(store, erased);
    store->left_version = txn_version(store);
    conn->write_depth = 0;
    conn->erasing = false;
    fbk__lease_release(&store->lease);
    fbk__gate_leave(&store->gate);
    return status;
}

fbk_status
fbk__write_failed(fbk *db, fbk_status status)
{
    if (db->conn->write_failed == FBK_OK)
        db->conn->write_failed = status;
    return status;
}

fbk_status
fbk__write_erasing(fbk *db)
{
    fbk_status rc;

    if (db->conn->write_depth == 0)
        return fbk__fail(db, FBK_EMISUSE, "erasing was asked for outside a write transaction");
    rc = fbk__handle_exec(db, &db->conn->store->writer, "PRAGMA secure_delete=ON",
                          "beginning to erase");
    if (rc >= 0)
        db->conn->erasing = true;
    return rc;
}

fbk_status
fbk__checkpoint(fbk *db, bool truncate)
{
    fbk_store *store = db->conn->store;
    int64_t deadline = fbk__write_deadline(store);
    fbk_status rc;

    if (db->conn->write_depth > 0)
        return fbk__fail(db, FBK_EMISUSE, "a checkpoint was asked for inside a transaction");
    if (store->flags & FBK_STORE_READONLY)
        return fbk__fail(db, FBK_EREADONLY, "the store was opened read-only");
    if (!fbk__gate_enter(&store->gate, deadline))
        return fbk__fail(db, FBK_EBUSY, "other threads were writing the store for too long");
    rc = fbk__lease_acquire(db, &store->lease, deadline);
    if (rc >= 0)
        rc = fbk__checkpoint_locked(db, store, truncate);
    fbk__lease_release(&store->lease);
    fbk__gate_leave(&store->gate);
    return rc;
}

fbk_status
fbk__read_begin(fbk *db)
{
    struct fbk__conn *conn = db->conn;
    fbk_status rc;

    if (conn->write_depth > 0) {
        conn->read_in_write++;
        return FBK_OK;
    }
    if (conn->read_depth == 0) {
        fbk__handle_rollback(&conn->reader); /* of one that could not be ended */
        rc = fbk__handle_step(db, &conn->reader, conn->reader.begin, "beginning to read");
        if (rc < 0)
            return rc;
        conn->read_until_ns = fbk__now_ns() + (int64_t)FBK__READ_SECONDS * 1000000000;
    }
    conn->read_depth++;
    return FBK_OK;
}

void
fbk__read_end(fbk *db)
{
    struct fbk__conn *conn = db->conn;

    if (conn->read_in_write > 0) {
        conn->read_in_write--;
        return;
    }
    if (conn->read_depth == 0 || --conn->read_depth > 0)
        return;
    conn->read_until_ns = 0;
    txn_reset_statements(&conn->reader);
    fbk__handle_rollback(&conn->reader); /* nothing to commit */
}
