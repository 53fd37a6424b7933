/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/salvage.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sort.h"
#include "store/path.h"
#include "store/stmt.h"
#include "store/store.h"

enum { COPY_ROWS = 10000 /* of one transaction */ };

static const char schema_name[] = "sqlite_schema";

fbk_status
fbk__salvage_lost(fbk__salvage *s, const char *format, ...)
{
    char sentence[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    s->result.n_losses++;
    if (!s->opt.lost)
        return FBK_OK;
    return fbk__callback_status(s->db, s->opt.lost(s->opt.lost_user_data, sentence));
}

/* -- the tables that there should be ----------------------------------------------------------- */

static fbk__salvage_table *
table_find(const fbk__salvage *s, const char *name, size_t len)
{
    for (size_t i = 0; i < s->n_tables; i++) {
        if (strlen(s->tables[i].name) == len && memcmp(s->tables[i].name, name, len) == 0)
            return &s->tables[i];
    }
    return NULL;
}

const fbk__salvage_table *
fbk__salvage_find(const fbk__salvage *s, const char *name)
{
    return table_find(s, name, strlen(name));
}

static fbk_status
table_add(fbk__salvage *s, const char *name, bool index, fbk__salvage_table **out)
{
    fbk__salvage_table *t;

    if (!fbk__grow(fbk__a(s->db), &s->tables, &s->table_cap, s->n_tables + 1, sizeof *t))
        return fbk__nomem(s->db);
    t = &s->tables[s->n_tables];
    memset(t, 0, sizeof *t);
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    t->index = index;
    t->alias = -1;
    t->owner = (uint16_t)(FBK__RAW_TREE + s->n_tables++);
    for (size_t i = 0; s->hashed[i]; i++)
        t->hashed |= strcmp(s->hashed[i], name) == 0;
    *out = t;
    return FBK_OK;
}

/* One row a column: name, kind, WITHOUT ROWID, number, type, part of the key, NOT NULL. */
static fbk_status
tables_read(fbk__salvage *s)
{
    static const char sql[] =
        "SELECT m.name, m.type = 'index', coalesce(m.sql, '') LIKE '%WITHOUT ROWID%', i.cid, "
        "i.type, i.pk, i.\"notnull\", m.rootpage FROM sqlite_schema AS m LEFT JOIN "
        "pragma_table_info(m.name) "
        "AS i ON m.type = 'table' ORDER BY m.rowid, i.cid";
    fbk__salvage_table *t = NULL;
    fbk__stmt *st = NULL;
    fbk_status rc = table_add(s, schema_name, false, &t);

    if (rc < 0)
        return rc;
    t->n_columns = 5;
    t->root = 1;
    memcpy(t->types, "TTTIt", 5);
    rc = fbk__stmt_get(s->db, sql, &st);
    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        const char *name = fbk__column_text(st, 0, NULL);
        int64_t column = fbk__column_int64(st, 3);
        const char *type = fbk__column_text(st, 4, NULL);
        bool key = fbk__column_int64(st, 5) == 1;
        bool no_null = fbk__column_int64(st, 6) || fbk__column_int64(st, 5);

        if (strcmp(name, t->name) != 0)
            rc = table_add(s, name, fbk__column_int64(st, 1) || fbk__column_int64(st, 2), &t);
        if (rc < 0)
            break;
        t->fresh = (uint32_t)fbk__column_int64(st, 7);
        /* SQLite's own table of last numbers makes itself anew. */
        if (fbk__column_is_null(st, 3) || strcmp(name, "sqlite_sequence") == 0)
            continue;
        if (column >= FBK__SALVAGE_COLUMNS) {
            rc = fbk__fail(s->db, FBK_ENOTSUP, "a table had more than %d columns",
                           FBK__SALVAGE_COLUMNS);
            break;
        }
        t->n_columns = (int)column + 1;
        t->types[column] = type[0] ? type[0] : 'A';
        if (!t->index && key && strcmp(type, "INTEGER") == 0)
            t->alias = (int)column;
        if (!no_null || t->alias == column)
            t->types[column] = (char)(t->types[column] | 0x20);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* -- whose pages ------------------------------------------------------------------------------- */

static bool
value_fits(const fbk__raw_value *v, char type)
{
    switch (v->type) {
    case FBK__RAW_NULL:
        return (type & 0x20) != 0;
    case FBK__RAW_INT:
        return strchr("IRA", type & ~0x20) != NULL;
    case FBK__RAW_REAL:
        return strchr("RA", type & ~0x20) != NULL;
    case FBK__RAW_TEXT:
        return strchr("TA", type & ~0x20) != NULL;
    default:
        return strchr("BA", type & ~0x20) != NULL;
    }
}

static bool
row_fits(const fbk__salvage *s, const fbk__salvage_table *t, const fbk__raw_row *row)
{
    fbk__raw_value v[FBK__SALVAGE_COLUMNS];

    if (row->index != t->index || !t->n_columns || !fbk__raw_values(row, v, t->n_columns))
        return false;
    for (int i = 0; i < t->n_columns; i++) {
        if (!value_fits(&v[i], t->types[i]) || (i == t->alias && v[i].type != FBK__RAW_NULL))
            return false;
    }
    if (t->hashed) {
        const char *whose = s->whose(row->rowid, v[1].bytes, v[1].len);

        return whose && strcmp(whose, t->name) == 0;
    }
    if (t->owner == FBK__RAW_TREE) /* the schema: of a table that there is */
        return table_find(s, (const char *)v[1].bytes, v[1].len) != NULL && v[3].i > 0;
    return true;
}

typedef struct page_look {
    const fbk__salvage *s;
    uint64_t fits; /* bit i: all rows so far may be table i's */
    uint64_t rows;
} page_look;

static fbk_status
page_look_row(void *user_data, const fbk__raw_row *row)
{
    page_look *look = user_data;

    look->rows++;
    for (size_t i = 0; i < look->s->n_tables; i++) {
        if (look->fits >> i & 1 && !row_fits(look->s, &look->s->tables[i], row))
            look->fits &= ~(UINT64_C(1) << i);
    }
    return FBK_OK;
}

/* Pages that belong to a tree which is damaged above them. What was deleted may lie in a page that
 * nobody owns, so that without the list of unused pages only what is safe is taken: the schema, and
 * chunks, which count for nothing unless their segment is alive. */
static fbk_status
pages_adopt(fbk__salvage *s, uint64_t wanted)
{
    fbk_status rc = FBK_OK;

    for (uint32_t p = 1; rc >= 0 && wanted && p <= s->raw.n_pages; p++) {
        page_look look = {.s = s, .fits = wanted};
        uint64_t lost = 0;

        if (s->raw.owner[p - 1] != FBK__RAW_UNKNOWN)
            continue;
        rc = fbk__raw_page_rows(&s->raw, p, page_look_row, &look, &lost);
        if (rc == FBK_OK && look.rows && look.fits && !(look.fits & (look.fits - 1))) {
            fbk__salvage_table *t = &s->tables[__builtin_ctzll(look.fits)];

            s->raw.owner[p - 1] = t->owner;
            t->found++;
        }
    }
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
schema_row(void *user_data, const fbk__raw_row *row)
{
    fbk__salvage *s = user_data;
    fbk__raw_value v[5];
    fbk__salvage_table *t = NULL;

    if (fbk__raw_values(row, v, 5) && v[1].type == FBK__RAW_TEXT && v[3].type == FBK__RAW_INT)
        t = table_find(s, (const char *)v[1].bytes, v[1].len);
    if (t && v[3].i > 0 && v[3].i <= s->raw.n_pages)
        t->root = (uint32_t)v[3].i;
    return FBK_OK;
}

/* Where the schema does not say where a table begins: it is where it is in a new store, unless the
 * file was made anew by VACUUM, if what lies there looks like it. */
static fbk_status
roots_guess(fbk__salvage *s)
{
    fbk_status rc = FBK_OK;

    for (size_t i = 1; rc >= 0 && i < s->n_tables; i++) {
        fbk__salvage_table *t = &s->tables[i];
        page_look look = {.s = s, .fits = UINT64_C(1) << i};
        uint64_t lost = 0;
        uint32_t leaf;

        if (t->root || !t->fresh || t->fresh > s->raw.n_pages)
            continue;
        leaf = fbk__raw_first_leaf(&s->raw, t->fresh);
        if (leaf && s->raw.owner[leaf - 1] == FBK__RAW_UNKNOWN)
            rc = fbk__raw_page_rows(&s->raw, leaf, page_look_row, &look, &lost);
        if (rc == FBK_OK && look.rows && look.fits)
            t->root = t->fresh;
    }
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
schema_read(fbk__salvage *s)
{
    fbk__salvage_table *schema = &s->tables[0];
    uint64_t lost = 0;
    fbk_status rc = fbk__raw_claim(&s->raw, 1, false, schema->owner, &schema->lost);

    if (rc >= 0 && schema->lost)
        rc = pages_adopt(s, 1);
    if (rc >= 0)
        rc = fbk__raw_rows(&s->raw, schema->owner, schema_row, s, &lost);
    return rc < 0 || !schema->lost ? rc : roots_guess(s);
}

static fbk_status
pages_claim(fbk__salvage *s)
{
    uint64_t wanted = 0;
    fbk_status rc = schema_read(s);

    if (rc >= 0 && s->n_tables > 64)
        rc = fbk__fail(s->db, FBK_ENOTSUP, "the store had more than 64 tables and indices");
    for (size_t i = 1; rc >= 0 && i < s->n_tables; i++) {
        fbk__salvage_table *t = &s->tables[i];

        if (t->root)
            rc = fbk__raw_claim(&s->raw, t->root, t->index, t->owner, &t->lost);
        if ((t->lost || !t->root) && t->n_columns &&
            (s->raw.free_known || strcmp(t->name, "log_chunk") == 0))
            wanted |= UINT64_C(1) << i;
    }
    return rc < 0 ? rc : pages_adopt(s, wanted);
}

static fbk_status
pages_report(fbk__salvage *s)
{
    fbk_status rc = FBK_OK;

    if (s->raw.wal_damaged)
        rc = fbk__salvage_lost(s, "the write-ahead log ended in a part that was not whole");
    if (rc >= 0 && s->raw.n_bad)
        rc = fbk__salvage_lost(s, "%u of %u pages were damaged, the first of them page %u",
                               s->raw.n_bad, s->raw.n_pages, s->raw.first_bad);
    for (size_t i = 0; rc >= 0 && i < s->n_tables; i++) {
        const fbk__salvage_table *t = &s->tables[i];

        if (t->n_columns && !t->root)
            rc = fbk__salvage_lost(s,
                                   "where table %s began was not known; %u pages of it were found",
                                   t->name, t->found);
        else if (t->n_columns && t->lost)
            rc = fbk__salvage_lost(s, "%u pages of table %s were damaged; %u below them were found",
                                   t->lost, t->name, t->found);
    }
    return rc;
}

/* -- begin and end ----------------------------------------------------------------------------- */

static fbk_status
scan_tell(void *user_data, uint64_t done, uint64_t total)
{
    fbk__salvage *s = user_data;

    if (!s->opt.progress)
        return FBK_OK;
    return fbk__callback_status(s->raw.db, s->opt.progress(s->opt.progress_user_data, done, total));
}

static fbk_status
salvage_open_old(fbk *db, fbk__salvage *s, const char *from)
{
    sqlite3_vfs *root = sqlite3_vfs_find(NULL);
    char *path = NULL;
    fbk_status rc = fbk__path_resolve(db, from, &path);

    if (rc >= 0)
        rc = fbk__path_check_file(db, path);
    if (rc == FBK_DONE)
        rc = fbk__fail_at(db, FBK_ENOTFOUND, "from_path", 0, "there was no file at this path");
    /* Others must not write meanwhile; where no lock file can be made nobody can. */
    if (rc >= 0)
        rc = fbk__lease_open(db, &s->lease, path, true);
    if (rc >= 0)
        rc = fbk__lease_acquire(db, &s->lease, fbk__now_ns() + INT64_C(10000000000));
    if (rc >= 0)
        rc = fbk__raw_open(db, root, path, scan_tell, s, &s->raw);
    fbk__free(fbk__a(db), path);
    return rc;
}

static fbk_status
salvage_make_new(fbk *db, fbk__salvage *s, const char *to)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_status rc;

    opt.flags = FBK_STORE_CREATE | FBK_STORE_EXCLUSIVE;
    opt.page_size = s->raw.page_size;
    opt.durability = FBK_DURABILITY_NORMAL; /* the last close syncs it all */
    opt.allocator = s->opt.allocator;
    rc = fbk_store_open(to, &opt, &s->store, &info);
    if (rc < 0) {
        db->err = info;
        return rc;
    }
    s->made = true;
    rc = fbk_connect(s->store, &s->db);
    if (rc < 0)
        return fbk__fail(db, rc, "the new store could not be connected to");
    s->raw.db = s->db;
    return FBK_OK;
}

fbk_status
fbk__salvage_begin(fbk *db, fbk__salvage *s, const char *from, const char *to)
{
    char *path = NULL;
    fbk_status rc = fbk__path_resolve(db, to, &path);

    if (rc >= 0)
        rc = fbk__path_check_file(db, path);
    if (rc == FBK_OK)
        rc = fbk__fail_at(db, FBK_EEXIST, "to_path", 0, "there was a file at this path already");
    fbk__free(fbk__a(db), path);
    if (rc >= 0)
        rc = salvage_open_old(db, s, from);
    if (rc >= 0)
        rc = salvage_make_new(db, s, to);
    if (rc >= 0)
        rc = tables_read(s);
    if (rc >= 0)
        rc = pages_claim(s);
    if (rc >= 0)
        rc = pages_report(s);
    s->result.n_pages = s->raw.n_pages;
    s->result.n_bad_pages = s->raw.n_bad;
    return rc;
}

void
fbk__salvage_end(fbk *db, fbk__salvage *s, const char *to, fbk_status rc)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-fbk.lck"};

    if (s->db && rc < 0)
        db->err = s->db->err;
    fbk__free(fbk__a(s->db), s->tables);
    fbk__raw_close(&s->raw);
    fbk__lease_release(&s->lease);
    fbk__lease_close(db, &s->lease);
    fbk_close(s->db);
    fbk_store_close(s->store);
    for (size_t i = 0; s->made && rc < 0 && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[PATH_MAX];

        if ((size_t)snprintf(name, sizeof name, "%s%s", to, suffixes[i]) < sizeof name)
            (void)unlink(name);
    }
}

/* -- plain tables ------------------------------------------------------------------------------ */

typedef struct copy {
    fbk__salvage *s;
    const fbk__salvage_table *table;
    sqlite3_stmt *st;
    uint64_t rows;
    uint64_t refused;
} copy;

static int
value_bind(sqlite3_stmt *st, int param, const fbk__raw_value *v)
{
    switch (v->type) {
    case FBK__RAW_NULL:
        return sqlite3_bind_null(st, param);
    case FBK__RAW_INT:
        return sqlite3_bind_int64(st, param, v->i);
    case FBK__RAW_REAL:
        return sqlite3_bind_double(st, param, v->d);
    case FBK__RAW_TEXT:
        return sqlite3_bind_text64(st, param, (const char *)v->bytes, v->len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    default:
        return sqlite3_bind_blob64(st, param, v->len ? (const void *)v->bytes : "", v->len,
                                   SQLITE_STATIC);
    }
}

static fbk_status
copy_row(void *user_data, const fbk__raw_row *row)
{
    copy *c = user_data;
    fbk *db = c->s->db;
    fbk__raw_value v[FBK__SALVAGE_COLUMNS];
    int code = SQLITE_OK;
    fbk_status rc = FBK_OK;

    if (!fbk__raw_values(row, v, c->table->n_columns)) {
        c->refused++;
        return FBK_OK;
    }
    if (c->table->alias >= 0)
        v[c->table->alias] = (fbk__raw_value){.type = FBK__RAW_INT, .i = row->rowid};
    for (int i = 0; code == SQLITE_OK && i < c->table->n_columns; i++)
        code = value_bind(c->st, i + 1, &v[i]);
    if (code == SQLITE_OK)
        code = sqlite3_step(c->st);
    if ((code & 0xff) == SQLITE_CONSTRAINT)
        c->refused++;
    else if (code != SQLITE_DONE)
        rc = fbk__sqlite_fail(db, sqlite3_db_handle(c->st), code, "copying a row");
    else
        c->rows++;
    (void)sqlite3_reset(c->st);
    if (rc >= 0 && code == SQLITE_DONE && c->rows % COPY_ROWS == 0) {
        rc = fbk__write_end(db, FBK_OK);
        if (rc >= 0)
            rc = fbk__write_begin(db);
    }
    return rc;
}

static fbk_status
copy_rows(copy *c)
{
    char sql[256];
    size_t at;
    uint64_t lost = 0;
    int code;
    fbk_status rc;

    at = (size_t)snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO \"%s\" VALUES (?1",
                          c->table->name);
    for (int i = 1; i < c->table->n_columns; i++)
        at += (size_t)snprintf(sql + at, sizeof sql - at, ", ?%d", i + 1);
    (void)snprintf(sql + at, sizeof sql - at, ")");
    code = sqlite3_prepare_v2(fbk__conn_handle(c->s->db)->sq, sql, -1, &c->st, NULL);
    if (code != SQLITE_OK)
        return fbk__sqlite_fail(c->s->db, fbk__conn_handle(c->s->db)->sq, code, "copying a table");
    rc = fbk__raw_rows(&c->s->raw, c->table->owner, copy_row, c, &lost);
    c->refused += lost;
    (void)sqlite3_finalize(c->st);
    return rc;
}

fbk_status
fbk__salvage_copy(fbk__salvage *s, const fbk__salvage_table *table)
{
    copy c = {.s = s, .table = table};
    fbk_status rc = fbk__write_begin(s->db);

    if (rc < 0)
        return rc;
    rc = copy_rows(&c);
    /* A failure inside may have left no transaction to end. */
    if (s->db->conn->write_depth > 0)
        rc = fbk__write_end(s->db, rc);
    s->result.n_rows += c.rows;
    s->result.n_rows_lost += c.refused;
    if (rc >= 0 && c.refused)
        rc = fbk__salvage_lost(s, "%llu rows of table %s could not be read",
                               (unsigned long long)c.refused, table->name);
    return rc;
}

/* -- rows by number ---------------------------------------------------------------------------- */

static fbk_status
places_row(void *user_data, const fbk__raw_row *row)
{
    fbk__places *p = user_data;

    if (!fbk__grow(fbk__a(p->s->db), &p->at, &p->cap, p->n + 1, sizeof *p->at))
        return fbk__nomem(p->s->db);
    p->at[p->n++] = (fbk__place){row->rowid, row->page, row->cell};
    return FBK_OK;
}

static fbk_status
places_sort(fbk__places *p)
{
    const fbk_allocator *a = fbk__a(p->s->db);
    fbk__sort_item *items = fbk__alloc(a, p->n * sizeof *items);
    fbk__place *sorted = fbk__alloc(a, p->n * sizeof *sorted);
    bool ok = items && sorted;

    for (size_t i = 0; ok && i < p->n; i++)
        items[i] = (fbk__sort_item){fbk__sort_key_int(p->at[i].rowid), (uint32_t)i, 0};
    ok = ok && fbk__sort_items(a, items, p->n);
    for (size_t i = 0; ok && i < p->n; i++)
        sorted[i] = p->at[items[i].row];
    if (ok) {
        fbk__free(a, p->at);
        p->at = sorted;
        sorted = NULL;
    }
    fbk__free(a, items);
    fbk__free(a, sorted);
    return ok ? FBK_OK : fbk__nomem(p->s->db);
}

fbk_status
fbk__places_gather(fbk__salvage *s, const char *name, fbk__places *p)
{
    const fbk__salvage_table *table = fbk__salvage_find(s, name);
    uint64_t lost = 0;
    fbk_status rc;

    p->s = s;
    rc = fbk__raw_rows(&s->raw, table->owner, places_row, p, &lost);
    if (rc >= 0)
        rc = places_sort(p);
    if (rc >= 0 && lost)
        rc = fbk__salvage_lost(s, "%llu rows of table %s could not be read",
                               (unsigned long long)lost, name);
    return rc;
}

fbk_status
fbk__place_blob(fbk__salvage *s, const fbk__place *at, const void **bytes, size_t *len)
{
    fbk__raw_row row;
    fbk__raw_value v[2];
    fbk_status rc = fbk__raw_row_at(&s->raw, at->page, at->cell, &row);

    if (rc != FBK_OK)
        return rc;
    if (row.rowid != at->rowid || !fbk__raw_values(&row, v, 2) || v[1].type != FBK__RAW_BLOB)
        return FBK_DONE;
    *bytes = v[1].bytes;
    *len = v[1].len;
    return FBK_OK;
}

size_t
fbk__places_lower(const fbk__places *p, int64_t rowid)
{
    size_t low = 0;
    size_t high = p->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (p->at[mid].rowid < rowid)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}
