/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SALVAGE_H
#define STORE_SALVAGE_H

#include <feedback/store.h>

#include "store/lease.h"
#include "store/raw.h"

/* Salvage: the pages of a damaged file are given to the tables of a new store, and what cannot be
 * read is told. Tables and columns are those of the new store, so that a damaged schema does no
 * harm. Plain tables are copied here row by row; the event log's are log/salvage's. */

enum { FBK__SALVAGE_COLUMNS = 16, FBK__SALVAGE_NAME = 64 };

typedef struct fbk__salvage_table {
    char name[FBK__SALVAGE_NAME];
    bool index;                       /* an index, or a table WITHOUT ROWID */
    bool hashed;                      /* its rows are told by their own hashes */
    uint16_t owner;                   /* of its pages */
    int n_columns;                    /* 0: an index */
    int alias;                        /* column that is the rowid; -1 = none */
    uint32_t root;                    /* in the damaged file; 0 = not known */
    uint32_t fresh;                   /* root in the new store */
    uint32_t lost;                    /* pages of its tree that are damaged */
    uint32_t found;                   /* pages of it found without the tree */
    char types[FBK__SALVAGE_COLUMNS]; /* I, R, T, B, A; lower case: may be NULL */
} fbk__salvage_table;

/** Which of the tables whose rows have hashes a row (its rowid and its one blob) belongs to; NULL =
 *  none. */
typedef const char *(*fbk__salvage_whose_fn)(int64_t rowid, const void *bytes, size_t len);

typedef struct fbk__salvage {
    fbk *db; /* of the new store */
    fbk_store *store;
    fbk__raw raw;
    fbk__lease lease; /* of the damaged file */
    fbk_store_salvage_options opt;
    fbk_store_salvage_result result;
    fbk__salvage_whose_fn whose;
    const char *const *hashed; /* names of those tables, NULL-terminated */
    fbk__salvage_table *tables;
    size_t n_tables;
    size_t table_cap;
    bool made; /* the new file */
} fbk__salvage;

/** Open the damaged file, make the new store, give every page its owner. opt, whose and hashed are
 *  set. On failure fbk__salvage_end() all the same; the message is on `db`. */
fbk_status
fbk__salvage_begin(fbk *db, fbk__salvage *s, const char *from, const char *to) FBK_MUST_USE;

/** Close both; unless `rc` is FBK_OK the new store is removed. */
void
fbk__salvage_end(fbk *db, fbk__salvage *s, const char *to, fbk_status rc);

/** A table of the new store's schema; NULL if there is none of that name. */
const fbk__salvage_table *
fbk__salvage_find(const fbk__salvage *s, const char *name);

/** Copy the rows of a plain table as they are; a row with a key that is there replaces it. */
fbk_status
fbk__salvage_copy(fbk__salvage *s, const fbk__salvage_table *table) FBK_MUST_USE;

/** Where the rows of a table lie, by rowid: to be read again in any order. */
typedef struct fbk__place {
    int64_t rowid;
    uint32_t page;
    uint32_t cell;
} fbk__place;

typedef struct fbk__places {
    fbk__place *at; /* freed by the caller */
    size_t n;
    size_t cap;
    fbk__salvage *s;
} fbk__places;

fbk_status
fbk__places_gather(fbk__salvage *s, const char *name, fbk__places *out) FBK_MUST_USE;

/** First that is not below a rowid. */
size_t
fbk__places_lower(const fbk__places *p, int64_t rowid);

/** The blob in the second column of a row, borrowed until the next is read; FBK_DONE when it cannot
 *  be read. */
fbk_status
fbk__place_blob(fbk__salvage *s, const fbk__place *at, const void **bytes, size_t *len)
    FBK_MUST_USE;

/** Say in a sentence that something was lost. */
fbk_status
fbk__salvage_lost(fbk__salvage *s, const char *format, ...) FBK_PRINTF(2, 3);

#endif
