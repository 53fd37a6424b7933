/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_RAW_H
#define STORE_RAW_H

#include "base/buf.h"
#include "base/err.h"

struct sqlite3_file; /* only store/ looks inside */
struct sqlite3_vfs;

/* Pages and rows of a store's file that may be damaged anywhere, read without SQLite: nothing that
 * stands in the file is believed before it was checked. Pages of the file must carry their
 * checksum, those of the write-ahead log the log's; of both the newest committed one counts, as for
 * SQLite.
 *
 * First fbk__raw_open(); then each tree is claimed from its root, so that every page knows to which
 * table it belongs; then the rows of a table are read from the pages that are its own, in the order
 * of the file. Damage is FBK_DONE or a count, never a failure. */

/** Owners of pages; from FBK__RAW_TREE up they are the caller's. */
enum {
    FBK__RAW_UNKNOWN = 0,
    FBK__RAW_BAD,      /* damaged, or never written */
    FBK__RAW_FREE,     /* in SQLite's list of unused pages */
    FBK__RAW_OVERFLOW, /* goes on with a row of another page */
    FBK__RAW_TREE
};

typedef struct fbk__raw {
    fbk *db;
    fbk_allocator a;
    struct sqlite3_file *file;
    struct sqlite3_file *wal; /* NULL = none */
    uint32_t page_size;
    uint32_t n_pages;
    uint32_t n_bad;      /* of these, damaged ones */
    uint32_t first_bad;  /* 0 = none */
    uint32_t n_free;     /* pages in SQLite's list */
    bool free_known;     /* the list was read to its end */
    bool wal_damaged;    /* the log went on behind what could be read */
    uint32_t *frame;     /* by page - 1: its newest frame in the log, 0 = it is in the file */
    uint16_t *owner;     /* by page - 1 */
    unsigned char *page; /* as read last */
    uint32_t page_number;
    unsigned char *more; /* an overflow page */
    fbk__buf payload;    /* of a row that goes on in others */
} fbk__raw;

/** Open a file and its write-ahead log and look at every page. The caller sees to it that nobody
 *  writes meanwhile (the lease). `tell` is told how many pages were read; may be NULL.
 *  @retval FBK_ECORRUPT no page of it is sound. */
typedef fbk_status (*fbk__raw_tell_fn)(void *user_data, uint64_t done, uint64_t total);
fbk_status
fbk__raw_open(fbk *db, struct sqlite3_vfs *root, const char *path, fbk__raw_tell_fn tell,
              void *user_data, fbk__raw *raw) FBK_MUST_USE;
/** Zeros are a no-op. */
void
fbk__raw_close(fbk__raw *raw);

/** Mark the pages of a tree as `owner`'s; *out_lost grows by the pages that should have belonged to
 *  it. `index`: an index, or a table without rowids. */
fbk_status
fbk__raw_claim(fbk__raw *raw, uint32_t root, bool index, uint16_t owner, uint32_t *out_lost)
    FBK_MUST_USE;

/** A row: borrowed until the next call on raw. */
typedef struct fbk__raw_row {
    int64_t rowid; /* 0 in an index */
    bool index;
    uint32_t page;
    uint32_t cell; /* of the page */
    const unsigned char *payload;
    size_t len;
} fbk__raw_row;

/** One value of it. The types are SQLite's. */
enum { FBK__RAW_INT = 1, FBK__RAW_REAL, FBK__RAW_TEXT, FBK__RAW_BLOB, FBK__RAW_NULL };
typedef struct fbk__raw_value {
    int type;
    int64_t i;
    double d;
    const unsigned char *bytes;
    size_t len;
} fbk__raw_value;

/** Rows of the pages of an owner; what the callback returns below zero stops. Rows that cannot be
 *  read whole are counted in *out_lost. */
typedef fbk_status (*fbk__raw_row_fn)(void *user_data, const fbk__raw_row *row);
fbk_status
fbk__raw_rows(fbk__raw *raw, uint16_t owner, fbk__raw_row_fn fn, void *user_data,
              uint64_t *out_lost) FBK_MUST_USE;

/** The rows of one page, whoever owns it; FBK_DONE when it is no page of rows. */
fbk_status
fbk__raw_page_rows(fbk__raw *raw, uint32_t page, fbk__raw_row_fn fn, void *user_data,
                   uint64_t *out_lost) FBK_MUST_USE;

/** The first page of rows of a tree; 0 when there is none to be found. */
uint32_t
fbk__raw_first_leaf(fbk__raw *raw, uint32_t root);

/** A row that was met before, by its place; FBK_DONE when it cannot be read. */
fbk_status
fbk__raw_row_at(fbk__raw *raw, uint32_t page, uint32_t cell, fbk__raw_row *out) FBK_MUST_USE;

/** Take the values of a row apart: exactly n of them, else false. */
bool
fbk__raw_values(const fbk__raw_row *row, fbk__raw_value *out, int n) FBK_MUST_USE;

#endif
