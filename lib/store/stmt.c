/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/stmt.h"

#include <string.h>

#include "store/store.h"

struct fbk__stmt {
    fbk *db; /* the connection that has it now */
    fbk__handle *handle;
    sqlite3_stmt *st;
    int bind_code; /* first failed bind */
    bool cached;
    bool taken;
    bool writing;     /* on the writer, inside the write transaction */
    unsigned n_steps; /* since the reset */
    int64_t until_ns; /* deadline of a read that stands alone */
};

void
fbk__stmt_free(fbk__stmt *st)
{
    if (!st)
        return;
    (void)sqlite3_finalize(st->st);
    fbk__free(st->handle->stmts.a, st);
}

static fbk_status
stmt_prepare(fbk *db, fbk__handle *h, const char *sql, fbk__stmt **out)
{
    fbk__stmt *st = fbk__calloc(h->stmts.a, 1, sizeof *st);
    int code;

    if (!st)
        return fbk__nomem(db);
    code = sqlite3_prepare_v3(h->sq, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->st, NULL);
    if (code != SQLITE_OK || !st->st) {
        fbk__free(h->stmts.a, st);
        return fbk__sqlite_fail(db, h->sq, code ? code : SQLITE_MISUSE, "preparing a statement");
    }
    st->handle = h;
    *out = st;
    return FBK_OK;
}

fbk_status
fbk__stmt_get(fbk *db, const char *sql, fbk__stmt **out)
{
    fbk__handle *h = fbk__conn_handle(db);
    uint64_t *slot = fbk__map_get(&h->stmts, (uint64_t)(uintptr_t)sql);
    fbk__stmt *st = slot ? (fbk__stmt *)(uintptr_t)*slot : NULL;
    fbk_status rc;

    *out = NULL;
    if (!st || st->taken) {
        bool again = st != NULL;

        rc = stmt_prepare(db, h, sql, &st);
        if (rc < 0)
            return rc;
        /* A statement that is stepped through twice at a time is prepared twice; the second one
         * goes when it is put. The same for one that the cache had no memory for. */
        slot = again ? NULL : fbk__map_put(&h->stmts, (uint64_t)(uintptr_t)sql, NULL);
        if (slot)
            *slot = (uint64_t)(uintptr_t)st;
        st->cached = slot != NULL;
    }
    st->db = db;
    st->taken = true;
    st->bind_code = SQLITE_OK;
    st->n_steps = 0;
    st->until_ns = 0;
    st->writing = db->conn->write_depth > 0;
    h->n_out++;
    *out = st;
    return FBK_OK;
}

void
fbk__stmt_put(fbk__stmt *st)
{
    if (!st)
        return;
    st->handle->n_out--;
    st->taken = false;
    if (!st->cached) {
        fbk__stmt_free(st);
        return;
    }
    (void)sqlite3_reset(st->st);
    (void)sqlite3_clear_bindings(st->st);
}

static void
bind_note(fbk__stmt *st, int code)
{
    if (st->bind_code == SQLITE_OK)
        st->bind_code = code;
}

void
fbk__bind_int64(fbk__stmt *st, int param, int64_t value)
{
    bind_note(st, sqlite3_bind_int64(st->st, param, value));
}

void
fbk__bind_double(fbk__stmt *st, int param, double value)
{
    bind_note(st, sqlite3_bind_double(st->st, param, value));
}

void
fbk__bind_text(fbk__stmt *st, int param, const char *text, size_t len)
{
    bind_note(
        st, sqlite3_bind_text64(st->st, param, text ? text : "", len, SQLITE_STATIC, SQLITE_UTF8));
}

void
fbk__bind_blob(fbk__stmt *st, int param, const void *bytes, size_t len)
{
    bind_note(st, sqlite3_bind_blob64(st->st, param, bytes ? bytes : "", len, SQLITE_STATIC));
}

void
fbk__bind_null(fbk__stmt *st, int param)
{
    bind_note(st, sqlite3_bind_null(st->st, param));
}

/* A read that has been open for too long holds the WAL: refuse to go on. Looking at the clock on
 * every 256th row is enough and costs nothing. */
static fbk_status
step_check_deadline(fbk__stmt *st)
{
    struct fbk__conn *conn = st->db->conn;
    int64_t now;

    if (st->n_steps++ % 256 != 0)
        return FBK_OK;
    now = fbk__now_ns();
    if (st->n_steps == 1) {
        st->until_ns = now + (int64_t)FBK__READ_SECONDS * 1000000000;
        if (conn->read_until_ns && conn->read_until_ns < st->until_ns)
            st->until_ns = conn->read_until_ns;
        conn->stmt_until_ns = st->until_ns;
    }
    if (now < st->until_ns)
        return FBK_OK;
    (void)sqlite3_reset(st->st);
    return fbk__fail(st->db, FBK_EEXPIRED, "a read was open for longer than %d s",
                     FBK__READ_SECONDS);
}

/* SQLite rolls back by itself on some failures (disk full, I/O, memory); what follows would then be
 * committed one by one. */
static fbk_status
step_check_transaction(fbk__stmt *st)
{
    struct fbk__conn *conn = st->db->conn;

    if (conn->write_depth > 0 && !sqlite3_get_autocommit(st->handle->sq))
        return FBK_OK;
    if (conn->write_depth > 0 && conn->write_failed < 0)
        return fbk__fail(st->db, conn->write_failed, "the transaction had been rolled back");
    return fbk__fail(st->db, FBK_EMISUSE, "a statement was used outside its write transaction");
}

fbk_status
fbk__step(fbk__stmt *st)
{
    struct fbk__conn *conn = st->db->conn;
    fbk_status rc = st->writing ? step_check_transaction(st) : step_check_deadline(st);
    int code;

    if (rc < 0)
        return rc;
    if (st->bind_code != SQLITE_OK)
        return fbk__sqlite_fail(st->db, st->handle->sq, st->bind_code, "binding a value");
    code = sqlite3_step(st->st);
    if (code == SQLITE_ROW)
        return FBK_OK;
    if (code == SQLITE_DONE) {
        st->n_steps = 0;
        if (st->writing) {
            conn->n_changes = sqlite3_changes64(st->handle->sq);
            conn->last_rowid = sqlite3_last_insert_rowid(st->handle->sq);
        }
        (void)sqlite3_reset(st->st);
        return FBK_DONE;
    }
    rc = fbk__sqlite_fail(st->db, st->handle->sq, code, "reading or changing rows");
    (void)sqlite3_reset(st->st);
    st->n_steps = 0;
    if (st->writing && sqlite3_get_autocommit(st->handle->sq) && conn->write_failed == FBK_OK)
        conn->write_failed = rc;
    return rc;
}

fbk_status
fbk__step_done(fbk__stmt *st)
{
    fbk_status rc = fbk__step(st);

    if (rc < 0)
        return rc;
    if (rc == FBK_DONE)
        return FBK_OK;
    (void)sqlite3_reset(st->st);
    return fbk__fail(st->db, FBK_EDB, "a statement that gives no rows gave one");
}

fbk_status
fbk__stmt_int(fbk *db, const char *sql, int64_t *out)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK && !fbk__column_is_null(st, 0))
        *out = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

int64_t
fbk__column_int64(fbk__stmt *st, int column)
{
    return sqlite3_column_int64(st->st, column);
}

double
fbk__column_double(fbk__stmt *st, int column)
{
    return sqlite3_column_double(st->st, column);
}

const char *
fbk__column_text(fbk__stmt *st, int column, size_t *out_len)
{
    const unsigned char *text = sqlite3_column_text(st->st, column);

    if (out_len)
        *out_len = text ? (size_t)sqlite3_column_bytes(st->st, column) : 0;
    return text ? (const char *)text : "";
}

const void *
fbk__column_blob(fbk__stmt *st, int column, size_t *out_len)
{
    const void *bytes = sqlite3_column_blob(st->st, column);

    if (out_len)
        *out_len = bytes ? (size_t)sqlite3_column_bytes(st->st, column) : 0;
    return bytes ? bytes : "";
}

bool
fbk__column_is_null(fbk__stmt *st, int column)
{
    return sqlite3_column_type(st->st, column) == SQLITE_NULL;
}

fbk_status
fbk__exec(fbk *db, const char *sql)
{
    struct fbk__conn *conn = db->conn;
    fbk__handle *h = fbk__conn_handle(db);
    fbk_status rc;

    if (conn->write_depth > 0 && sqlite3_get_autocommit(h->sq))
        return fbk__fail(db, conn->write_failed < 0 ? conn->write_failed : FBK_EMISUSE,
                         "the transaction had been rolled back");
    conn->stmt_until_ns = fbk__now_ns() + (int64_t)FBK__READ_SECONDS * 1000000000;
    rc = fbk__handle_exec(db, h, sql, "running a statement");
    if (rc < 0 && conn->write_depth > 0 && sqlite3_get_autocommit(h->sq) &&
        conn->write_failed == FBK_OK)
        conn->write_failed = rc;
    return rc;
}

int64_t
fbk__changes(fbk *db)
{
    return db->conn->n_changes;
}

int64_t
fbk__last_rowid(fbk *db)
{
    return db->conn->last_rowid;
}
