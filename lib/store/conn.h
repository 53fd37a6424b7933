/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CONN_H
#define STORE_CONN_H

#include <feedback/store.h>

#include "base/err.h"

/* What every layer above may ask of the store; the only way to a transaction. */

/** First line of every public call on a connection: refuses a handle carried over fork()
 *  (FBK_EMISUSE) or a NULL one (FBK_EINVAL), forgets the last error. */
fbk_status
fbk__enter(fbk *db) FBK_MUST_USE;

/** Begin the write transaction: process mutex, then the lease between processes, then BEGIN
 *  IMMEDIATE on the store's one writer. Waits at most the busy timeout, then FBK_EBUSY. Nests: an
 *  inner begin only counts. FBK_EREADONLY on a store opened read-only. */
fbk_status
fbk__write_begin(fbk *db) FBK_MUST_USE;

/** End it. An inner end only counts; the outermost commits when status >= 0 and no inner one was
 *  given a failure, else rolls back. Returns `status` if that is negative, else the outcome of the
 *  commit (whose failure rolls back too). So a writer ends with `rc = fbk__write_end(db, rc)`. */
fbk_status
fbk__write_end(fbk *db, fbk_status status) FBK_MUST_USE;

/** Run `fn` inside a write transaction and commit, together with what other threads want to write
 *  meanwhile: one commit, and one sync, for all. The function may be called more than once (when
 *  another one's failure took the transaction back) and by another thread, with that one's
 *  connection: it uses the connection that it is given, and leaves its results where they are
 *  overwritten by the next call. Inside a write transaction it is called at once.
 *
 *  Returns a negative status, whose text is on `db`, or what the function returned. */
typedef fbk_status (*fbk__write_fn)(fbk *db, void *user_data);
fbk_status
fbk__write_together(fbk *db, fbk__write_fn fn, void *user_data) FBK_MUST_USE;

/** Inside a write transaction: a number that is another one when anybody but this process's writer
 *  has written since it was last asked; what is kept in memory is true as long as it stays. */
uint64_t
fbk__write_foreign(const fbk *db);

/** Inside a write transaction that removes personal data: overwrite what is deleted from here to
 *  the end of the transaction, and cut the WAL after its commit. */
fbk_status
fbk__write_erasing(fbk *db) FBK_MUST_USE;

/** Outside any transaction: write the WAL back into the file. FBK_EBUSY when readers were in the
 *  way for 100 ms; with `truncate` the WAL file is emptied. */
fbk_status
fbk__checkpoint(fbk *db, bool truncate) FBK_MUST_USE;

/** Bytes of the file, and of the WAL beside it. */
uint64_t
fbk__file_bytes(const fbk *db);
uint64_t
fbk__wal_bytes(const fbk *db);

/** Whether nobody else has the store open: no other process, and no other open of this one. */
bool
fbk__store_is_alone(const fbk *db);

/** Inside a write transaction: give some unused pages back to the file system, which moves others
 *  into their place. *out_more: there are more. */
fbk_status
fbk__free_pages(fbk *db, bool *out_more) FBK_MUST_USE;

/** Outside any transaction: write the whole file anew, so that nothing of what was deleted is left
 *  in it, and cut the WAL. The WAL grows to the size of the file meanwhile. FBK_EBUSY when readers
 *  kept the WAL from being cut: what was deleted may then still be in the file. `fn` is asked now
 *  and then whether to go on; a negative answer stops, changes nothing and is returned. */
typedef fbk_status (*fbk__vacuum_fn)(void *user_data);

fbk_status
fbk__vacuum(fbk *db, fbk__vacuum_fn fn, void *user_data) FBK_MUST_USE;

/** Called once when the write transaction has ended, by the thread that wrote, while nobody else
 *  can write yet: what was kept in memory about it becomes true, or is forgotten. */
typedef void (*fbk__write_end_fn)(void *user_data, bool committed);

/** Inside a write transaction: ask for that call. At most FBK__WRITE_HOOKS a transaction. */
enum { FBK__WRITE_HOOKS = 4 };
fbk_status
fbk__write_on_end(fbk *db, fbk__write_end_fn fn, void *user_data) FBK_MUST_USE;

/** Begin or end a short read transaction over several statements (nests). Not needed inside a
 *  write transaction, where both do nothing. A read that stays open for more than 30 s makes its
 *  next statement fail with FBK_EEXPIRED. */
fbk_status
fbk__read_begin(fbk *db) FBK_MUST_USE;
void
fbk__read_end(fbk *db);

/** What changes: one counter each, bumped in the transaction that changes it. */
typedef enum fbk__kind {
    FBK__KIND_MODEL,
    FBK__KIND_CATALOGUE,
    FBK__KIND_STOCK,
    FBK__KIND_PLACE,
    FBK__KIND_WEATHER,
    FBK__KIND_CONSENT,
    FBK__KIND_IDENTITY,
    FBK__N_KINDS
} fbk__kind;

/** Inside a write transaction: say that this kind changed. */
fbk_status
fbk__generation_bump(fbk *db, fbk__kind kind) FBK_MUST_USE;

/** The counter as the connection sees it now. Looks at the file at most every 10 ms unless this
 *  process wrote; inside a transaction always. */
fbk_status
fbk__generation(fbk *db, fbk__kind kind, uint64_t *out) FBK_MUST_USE;

/** A counted object hung on the store by another layer: an identity snapshot, a loaded model, a
 *  cache. `key` is the address of a static of the owning module. */
typedef struct fbk__shared {
    uint64_t generation;                     /* as of which it was built */
    int64_t refs;                            /* atomic; the store holds one */
    const fbk_allocator *a;                  /* the store's; outlives every snapshot */
    void (*destroy)(struct fbk__shared *me); /* frees the object itself too */
} fbk__shared;

/** The current object of a key, with a reference for the caller; NULL when there is none. */
fbk__shared *
fbk__shared_acquire(fbk *db, const void *key);

/** Hang a new object (refs = 1, owned by the caller) in place of the old one; the store takes its
 *  own reference. FBK_ENOMEM changes nothing. */
fbk_status
fbk__shared_publish(fbk *db, const void *key, fbk__shared *object) FBK_MUST_USE;

/** Hang a new object on a key that has none; where another thread was faster, nothing changes. */
fbk_status
fbk__shared_offer(fbk *db, const void *key, fbk__shared *object) FBK_MUST_USE;

/** Give a reference back; the last one destroys. NULL is a no-op. */
void
fbk__shared_release(fbk__shared *object);

/** A place for one object that lives as long as the connection, for memory that is used again;
 *  NULL at first. For the one layer that appends events. */
fbk__shared **
fbk__conn_own(fbk *db);

/** Another connection to the same store, for a thread that helps: fbk_close() it. */
fbk_status
fbk__connect_beside(fbk *db, fbk **out) FBK_MUST_USE;

/** Facts of the store. */
bool
fbk__store_readonly(const fbk *db);

/** Whether this connection is inside its write transaction: what it reads may be rolled back. */
bool
fbk__writing(const fbk *db);

/** Whether it is inside a transaction of either kind. */
bool
fbk__in_transaction(const fbk *db);

/** The store's own copy of the allocator: for objects that outlive the connection (fbk__shared). */
const fbk_allocator *
fbk__store_allocator(const fbk *db);

/** A setting that lives in the file (table fbk_meta). ENOTFOUND when it was never set; the text is
 *  owned by the caller (fbk__free). Keys are lower-case words joined by '.'. */
fbk_status
fbk__meta_get(fbk *db, const char *key, char **out_text) FBK_MUST_USE;
fbk_status
fbk__meta_set(fbk *db, const char *key, const char *text) FBK_MUST_USE;

/** What tells this store from others: random, made with it, and a copy's too. */
enum { FBK__STORE_ID = 16 };
fbk_status
fbk__store_id(fbk *db, unsigned char out[FBK__STORE_ID]) FBK_MUST_USE;

#endif
