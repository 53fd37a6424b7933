/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/raw.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "store/sqlite.h"
#include "store/vfs.h"

/* The formats are those of SQLite's "Database File Format": pages (1.3), b-trees (1.6), records
 * (2.1), the write-ahead log (4). */

enum {
    HEADER_LEN = 100,
    HEADER_FREE = 32, /* first page of the list of unused pages */
    WAL_HEADER = 32,
    WAL_FRAME = 24,
    WAL_VERSION = 3007000,
    SAMPLE = 256, /* pages looked at to tell the page size */
    DEPTH = 24,   /* of a tree: four thousand million pages need fewer */
    PAYLOAD_MAX = 1 << 26,
    TELL_PAGES = 256
};

enum { INDEX_INTERIOR = 0x02, TABLE_INTERIOR = 0x05, INDEX_LEAF = 0x0a, TABLE_LEAF = 0x0d };

static uint32_t
get2(const unsigned char *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
get4(const unsigned char *p)
{
    return get2(p) << 16 | get2(p + 2);
}

/* -- files ------------------------------------------------------------------------------------- */

/* Through the VFS underneath: a descriptor of our own would drop the locks of another store of this
 * process when it is closed. */
static int
file_open(sqlite3_vfs *root, const char *path, sqlite3_file **out)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    const char *name = sqlite3_create_filename(path, "", "", 0, NULL);
    sqlite3_file *file = sqlite3_malloc(root->szOsFile);
    int code = SQLITE_NOMEM;

    if (name && file) {
        memset(file, 0, (size_t)root->szOsFile);
        code = root->xOpen(root, name, file, flags, &flags);
    }
    sqlite3_free_filename((char *)(uintptr_t)name);
    if (code == SQLITE_OK) {
        *out = file;
        return code;
    }
    if (file && file->pMethods)
        (void)file->pMethods->xClose(file);
    sqlite3_free(file);
    return code;
}

static void
file_close(sqlite3_file *file)
{
    if (!file)
        return;
    (void)file->pMethods->xClose(file);
    sqlite3_free(file);
}

/* What cannot be read is damaged, whatever the reason: a bad sector is one. */
static bool
file_read(sqlite3_file *file, void *buf, size_t n, int64_t at)
{
    return file->pMethods->xRead(file, buf, (int)n, at) == SQLITE_OK;
}

static int64_t
file_size(sqlite3_file *file)
{
    sqlite3_int64 size = 0;

    return file && file->pMethods->xFileSize(file, &size) == SQLITE_OK ? size : 0;
}

/* The size under which most pages at the beginning carry their checksum. */
static fbk_status
raw_page_size(fbk__raw *raw)
{
    static const uint32_t sizes[] = {4096, 8192};
    unsigned char *page = fbk__alloc(&raw->a, sizes[1]);
    uint32_t best = 0;

    if (!page)
        return fbk__nomem(raw->db);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < SAMPLE; i++) {
            if (!file_read(raw->file, page, sizes[k], (int64_t)i * sizes[k]))
                break;
            n += page[sizes[k] - 1] && fbk__page_is_sound(page, sizes[k], i + 1);
        }
        if (n > best || k == 0)
            raw->page_size = sizes[k];
        best = n > best ? n : best;
    }
    fbk__free(&raw->a, page);
    return FBK_OK;
}

/* -- the write-ahead log ----------------------------------------------------------------------- */

typedef struct wal_sum {
    bool big; /* byte order of the sums */
    uint32_t s0, s1;
} wal_sum;

static void
wal_sum_add(wal_sum *sum, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i + 8 <= n; i += 8) {
        uint32_t x0 = get4(p + i);
        uint32_t x1 = get4(p + i + 4);

        sum->s0 += (sum->big ? x0 : __builtin_bswap32(x0)) + sum->s1;
        sum->s1 += (sum->big ? x1 : __builtin_bswap32(x1)) + sum->s0;
    }
}

/* A frame that belongs to the log and is whole: its page, and the size of the database after it if
 * it ends a transaction. */
static bool
wal_frame(fbk__raw *raw, const unsigned char *header, wal_sum *sum, uint32_t number,
          uint32_t *out_page, uint32_t *out_size)
{
    int64_t at = WAL_HEADER + (int64_t)(number - 1) * (WAL_FRAME + raw->page_size);
    unsigned char f[WAL_FRAME];

    if (!file_read(raw->wal, f, WAL_FRAME, at) || memcmp(f + 8, header + 16, 8) != 0)
        return false;
    raw->wal_damaged = true; /* unless it turns out to be whole */
    if (!file_read(raw->wal, raw->page, raw->page_size, at + WAL_FRAME))
        return false;
    wal_sum_add(sum, f, 8);
    wal_sum_add(sum, raw->page, raw->page_size);
    if (sum->s0 != get4(f + 16) || sum->s1 != get4(f + 20))
        return false;
    raw->wal_damaged = false;
    *out_page = get4(f);
    *out_size = get4(f + 4);
    return *out_page > 0;
}

/* Frames up to the last one that ends a transaction, and the size of the database then. */
static uint32_t
wal_scan(fbk__raw *raw, const unsigned char *header, uint32_t *out_pages)
{
    wal_sum sum = {.big = (get4(header) & 1) != 0};
    uint32_t last = 0;
    uint32_t page;
    uint32_t size;

    wal_sum_add(&sum, header, 24);
    if (get4(header) >> 1 != 0x377f0682 >> 1 || get4(header + 4) != WAL_VERSION ||
        get4(header + 8) != raw->page_size || sum.s0 != get4(header + 24) ||
        sum.s1 != get4(header + 28)) {
        raw->wal_damaged = true;
        return 0;
    }
    for (uint32_t n = 1; wal_frame(raw, header, &sum, n, &page, &size); n++) {
        if (size) {
            last = n;
            *out_pages = size;
        }
    }
    return last;
}

static fbk_status
raw_read_wal(fbk__raw *raw)
{
    unsigned char header[WAL_HEADER];
    uint32_t n = 0;

    if (raw->wal && file_size(raw->wal) > WAL_HEADER && file_read(raw->wal, header, WAL_HEADER, 0))
        n = wal_scan(raw, header, &raw->n_pages);
    /* What a commit says of the size can be no more than there is. */
    if (raw->n_pages > file_size(raw->file) / raw->page_size + n)
        raw->n_pages = (uint32_t)(file_size(raw->file) / raw->page_size) + n;
    raw->frame = fbk__calloc(&raw->a, (size_t)raw->n_pages + 1, sizeof *raw->frame);
    raw->owner = fbk__calloc(&raw->a, (size_t)raw->n_pages + 1, sizeof *raw->owner);
    if (!raw->frame || !raw->owner)
        return fbk__nomem(raw->db);
    for (uint32_t i = 1; i <= n; i++) {
        int64_t at = WAL_HEADER + (int64_t)(i - 1) * (WAL_FRAME + raw->page_size);
        unsigned char f[4];
        uint32_t page;

        if (!file_read(raw->wal, f, sizeof f, at))
            continue;
        page = get4(f);
        if (page >= 1 && page <= raw->n_pages)
            raw->frame[page - 1] = i;
    }
    return FBK_OK;
}

/* -- pages ------------------------------------------------------------------------------------- */

static bool
page_read(fbk__raw *raw, uint32_t number, unsigned char *out)
{
    uint32_t size = raw->page_size;
    uint32_t f = raw->frame[number - 1];

    if (f)
        return file_read(raw->wal, out, size,
                         WAL_HEADER + (int64_t)(f - 1) * (WAL_FRAME + size) + WAL_FRAME);
    return file_read(raw->file, out, size, (int64_t)(number - 1) * size) &&
           fbk__page_is_sound(out, size, number);
}

/* Into raw->page, unless it is there. */
static bool
page_load(fbk__raw *raw, uint32_t number)
{
    if (raw->page_number == number)
        return true;
    raw->page_number = 0;
    if (number < 1 || number > raw->n_pages || !page_read(raw, number, raw->page))
        return false;
    raw->page_number = number;
    return true;
}

static bool
page_is_empty(const fbk__raw *raw)
{
    return raw->page[0] == 0 && memcmp(raw->page, raw->page + 1, raw->page_size - 1) == 0;
}

static fbk_status
raw_look(fbk__raw *raw, fbk__raw_tell_fn tell, void *user_data)
{
    uint32_t sound = 0;
    fbk_status rc = FBK_OK;

    for (uint32_t i = 1; rc >= 0 && i <= raw->n_pages; i++) {
        bool ok = page_load(raw, i);

        if (!ok && i != 0x40000000 / raw->page_size + 1) { /* SQLite's locks lie there */
            raw->n_bad++;
            raw->first_bad = raw->first_bad ? raw->first_bad : i;
        }
        if (!ok || page_is_empty(raw))
            raw->owner[i - 1] = FBK__RAW_BAD;
        else
            sound++;
        if (tell && i % TELL_PAGES == 0)
            rc = tell(user_data, i, raw->n_pages);
    }
    if (rc >= 0 && sound == 0)
        rc = fbk__fail(raw->db, FBK_ECORRUPT, "the file had no sound page of a store");
    return rc;
}

/* SQLite's list of unused pages: what still lies in them was deleted. */
static void
raw_claim_free(fbk__raw *raw)
{
    uint32_t next = 0;
    uint32_t count = 0;

    if (page_load(raw, 1)) {
        next = get4(raw->page + HEADER_FREE);
        count = get4(raw->page + HEADER_FREE + 4);
        raw->free_known = true;
    }
    while (next) {
        uint32_t n;

        if (next > raw->n_pages || raw->owner[next - 1] != FBK__RAW_UNKNOWN ||
            !page_load(raw, next)) {
            raw->free_known = false;
            break;
        }
        raw->owner[next - 1] = FBK__RAW_FREE;
        raw->n_free++;
        n = get4(raw->page + 4);
        for (uint32_t i = 0; i < n && i < raw->page_size / 4 - 4; i++) {
            uint32_t leaf = get4(raw->page + 8 + 4 * (size_t)i);

            if (leaf >= 1 && leaf <= raw->n_pages) {
                raw->owner[leaf - 1] = FBK__RAW_FREE;
                raw->n_free++;
            }
        }
        next = get4(raw->page);
    }
    raw->free_known = raw->free_known && raw->n_free == count;
}

fbk_status
fbk__raw_open(fbk *db, sqlite3_vfs *root, const char *path, fbk__raw_tell_fn tell, void *user_data,
              fbk__raw *raw)
{
    char wal[PATH_MAX];
    fbk_status rc;
    int code;

    memset(raw, 0, sizeof *raw);
    raw->db = db;
    raw->a = *fbk__a(db);
    fbk__buf_init(&raw->payload, &raw->a);
    code = file_open(root, path, &raw->file);
    if (code != SQLITE_OK)
        return fbk__sqlite_fail(db, NULL, code, "opening the damaged file");
    /* Without one, or one that cannot be opened, the file is all there is. */
    if ((size_t)snprintf(wal, sizeof wal, "%s-wal", path) < sizeof wal)
        (void)file_open(root, wal, &raw->wal);
    rc = raw_page_size(raw);
    if (rc < 0)
        return rc;
    if (file_size(raw->file) / raw->page_size > UINT32_MAX - 1)
        return fbk__fail(db, FBK_ETOOBIG, "the damaged file was too large for a store");
    raw->n_pages = (uint32_t)(file_size(raw->file) / raw->page_size);
    raw->page = fbk__alloc(&raw->a, raw->page_size);
    raw->more = fbk__alloc(&raw->a, raw->page_size);
    if (!raw->page || !raw->more)
        return fbk__nomem(db);
    rc = raw_read_wal(raw);
    raw->page_number = 0;
    if (rc >= 0)
        rc = raw_look(raw, tell, user_data);
    if (rc >= 0)
        raw_claim_free(raw);
    return rc;
}

void
fbk__raw_close(fbk__raw *raw)
{
    if (!raw->db)
        return;
    file_close(raw->file);
    file_close(raw->wal);
    fbk__free(&raw->a, raw->frame);
    fbk__free(&raw->a, raw->owner);
    fbk__free(&raw->a, raw->page);
    fbk__free(&raw->a, raw->more);
    fbk__buf_free(&raw->payload);
    memset(raw, 0, sizeof *raw);
}

/* -- cells ------------------------------------------------------------------------------------- */

/* The page at hand as a page of a tree. */
typedef struct cells {
    int type;
    uint32_t n;
    const unsigned char *pointers;
    uint32_t right; /* last child of an inner page */
} cells;

static bool
cells_get(const fbk__raw *raw, cells *out)
{
    const unsigned char *head = raw->page + (raw->page_number == 1 ? HEADER_LEN : 0);
    const unsigned char *end = raw->page + raw->page_size - FBK__PAGE_TAIL;
    bool inner = head[0] == INDEX_INTERIOR || head[0] == TABLE_INTERIOR;

    if (!inner && head[0] != INDEX_LEAF && head[0] != TABLE_LEAF)
        return false;
    out->type = head[0];
    out->n = get2(head + 3);
    out->right = inner ? get4(head + 8) : 0;
    out->pointers = head + (inner ? 12 : 8);
    return out->pointers + 2 * (size_t)out->n <= end;
}

static fbk__reader
cell_open(const fbk__raw *raw, const cells *c, uint32_t i)
{
    uint32_t at = get2(c->pointers + 2 * (size_t)i);
    uint32_t end = raw->page_size - FBK__PAGE_TAIL;
    bool bad = at < 8 || at >= end;

    return (fbk__reader){raw->page + (bad ? 0 : at), raw->page + end, bad};
}

/* SQLite's variable-length integer: seven bits a byte, high ones first, the ninth byte whole. */
static uint64_t
read_varint(fbk__reader *in)
{
    uint64_t x = 0;

    for (int i = 0; i < 9; i++) {
        const unsigned char *p = fbk__read_bytes(in, 1);

        if (!p)
            return 0;
        if (i == 8)
            return x << 8 | *p;
        x = x << 7 | (*p & 0x7f);
        if (!(*p & 0x80))
            break;
    }
    return x;
}

static uint32_t
read_page_number(fbk__reader *in)
{
    const unsigned char *p = fbk__read_bytes(in, 4);

    return p ? get4(p) : 0;
}

/* How much of a payload lies in its cell. */
static size_t
payload_local(const fbk__raw *raw, int type, size_t len)
{
    size_t usable = raw->page_size - FBK__PAGE_TAIL;
    size_t most = type == TABLE_LEAF ? usable - 35 : (usable - 12) * 64 / 255 - 23;
    size_t least = (usable - 12) * 32 / 255 - 23;
    size_t local;

    if (len <= most)
        return len;
    local = least + (len - least) % (usable - 4);
    return local <= most ? local : least;
}

/* What goes on in other pages, appended to raw->payload; with `claim` these become OVERFLOW, and
 * one that has an owner is damage. FBK_DONE: the chain is broken. */
static fbk_status
payload_follow(fbk__raw *raw, uint32_t next, size_t left, bool claim)
{
    size_t room = raw->page_size - FBK__PAGE_TAIL - 4;

    while (left) {
        size_t n = left < room ? left : room;

        if (next < 1 || next > raw->n_pages ||
            raw->owner[next - 1] != (claim ? FBK__RAW_UNKNOWN : FBK__RAW_OVERFLOW) ||
            !page_read(raw, next, raw->more))
            return FBK_DONE;
        raw->owner[next - 1] = FBK__RAW_OVERFLOW;
        fbk__buf_add(&raw->payload, raw->more + 4, n);
        if (raw->payload.failed)
            return fbk__nomem(raw->db);
        next = get4(raw->more);
        left -= n;
    }
    return FBK_OK;
}

/* Cell i as a row. FBK_DONE when it cannot be read. */
static fbk_status
cell_row(fbk__raw *raw, const cells *c, uint32_t i, bool claim, fbk__raw_row *row)
{
    fbk__reader in = cell_open(raw, c, i);
    const void *bytes;
    uint64_t len;
    size_t local;
    fbk_status rc;

    if (c->type == INDEX_INTERIOR)
        (void)read_page_number(&in);
    len = read_varint(&in);
    *row = (fbk__raw_row){.page = raw->page_number, .cell = i, .index = c->type != TABLE_LEAF};
    if (c->type == TABLE_LEAF)
        row->rowid = (int64_t)read_varint(&in);
    if (in.bad || len > PAYLOAD_MAX)
        return FBK_DONE;
    local = payload_local(raw, c->type, len);
    bytes = fbk__read_bytes(&in, local);
    if (!bytes)
        return FBK_DONE;
    row->payload = bytes;
    row->len = len;
    if (local == len)
        return FBK_OK;
    fbk__buf_clear(&raw->payload);
    fbk__buf_add(&raw->payload, bytes, local);
    rc = payload_follow(raw, read_page_number(&in), len - local, claim);
    row->payload = (const unsigned char *)raw->payload.data;
    return rc;
}

/* -- trees ------------------------------------------------------------------------------------- */

typedef struct tree_claim {
    fbk__raw *raw;
    bool index;
    uint16_t owner;
    uint32_t lost;
} tree_claim;

static fbk_status
claim_page(tree_claim *c, uint32_t number, int depth);

static fbk_status
claim_children(tree_claim *c, uint32_t number, const cells *at, int depth)
{
    fbk__raw *raw = c->raw;
    fbk_status rc = FBK_OK;

    /* Each child brings its own page to hand. */
    for (uint32_t i = 0; rc >= 0 && i <= at->n; i++) {
        uint32_t child = at->right;

        if (i < at->n) {
            fbk__reader in;

            if (!page_load(raw, number))
                return FBK_OK;
            in = cell_open(raw, at, i);
            child = read_page_number(&in);
        }
        rc = claim_page(c, child, depth + 1);
    }
    return rc;
}

static fbk_status
claim_page(tree_claim *c, uint32_t number, int depth)
{
    fbk__raw *raw = c->raw;
    cells at;
    bool fits;
    fbk_status rc = FBK_OK;

    if (depth == DEPTH || number < 1 || number > raw->n_pages ||
        raw->owner[number - 1] != FBK__RAW_UNKNOWN || !page_load(raw, number)) {
        c->lost++;
        return FBK_OK;
    }
    fits = cells_get(raw, &at) && c->index == (at.type == INDEX_LEAF || at.type == INDEX_INTERIOR);
    if (!fits) {
        c->lost++;
        return FBK_OK;
    }
    raw->owner[number - 1] = c->owner;
    if (at.type != TABLE_INTERIOR) {
        for (uint32_t i = 0; rc >= 0 && i < at.n; i++) {
            fbk__raw_row row;

            rc = cell_row(raw, &at, i, true, &row);
        }
    }
    if (rc >= 0 && (at.type == TABLE_INTERIOR || at.type == INDEX_INTERIOR))
        rc = claim_children(c, number, &at, depth);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__raw_claim(fbk__raw *raw, uint32_t root, bool index, uint16_t owner, uint32_t *out_lost)
{
    tree_claim c = {.raw = raw, .index = index, .owner = owner};
    fbk_status rc = claim_page(&c, root, 0);

    *out_lost += c.lost;
    return rc;
}

uint32_t
fbk__raw_first_leaf(fbk__raw *raw, uint32_t root)
{
    for (int depth = 0; depth < DEPTH && page_load(raw, root); depth++) {
        fbk__reader in;
        cells at;

        if (!cells_get(raw, &at))
            return 0;
        if (at.type == TABLE_LEAF || at.type == INDEX_LEAF)
            return root;
        if (!at.n)
            return 0;
        in = cell_open(raw, &at, 0);
        root = read_page_number(&in);
    }
    return 0;
}

/* -- rows -------------------------------------------------------------------------------------- */

fbk_status
fbk__raw_page_rows(fbk__raw *raw, uint32_t page, fbk__raw_row_fn fn, void *user_data,
                   uint64_t *out_lost)
{
    bool claim = raw->owner[page - 1] == FBK__RAW_UNKNOWN;
    fbk_status rc = FBK_OK;
    cells at;

    if (!page_load(raw, page) || !cells_get(raw, &at) || at.type == TABLE_INTERIOR)
        return FBK_DONE;
    for (uint32_t i = 0; rc >= 0 && i < at.n; i++) {
        fbk__raw_row row;

        /* The callback may have brought another page to hand. */
        if (!page_load(raw, page))
            return FBK_DONE;
        rc = cell_row(raw, &at, i, claim, &row);
        if (rc == FBK_DONE)
            ++*out_lost;
        else if (rc >= 0)
            rc = fn(user_data, &row);
    }
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__raw_rows(fbk__raw *raw, uint16_t owner, fbk__raw_row_fn fn, void *user_data,
              uint64_t *out_lost)
{
    fbk_status rc = FBK_OK;

    for (uint32_t i = 1; rc >= 0 && i <= raw->n_pages; i++) {
        if (raw->owner[i - 1] == owner)
            rc = fbk__raw_page_rows(raw, i, fn, user_data, out_lost);
    }
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__raw_row_at(fbk__raw *raw, uint32_t page, uint32_t cell, fbk__raw_row *out)
{
    cells at;

    if (!page_load(raw, page) || !cells_get(raw, &at) || at.type == TABLE_INTERIOR || cell >= at.n)
        return FBK_DONE;
    return cell_row(raw, &at, cell, false, out);
}

/* A big-endian two's complement number of n bytes. */
static int64_t
value_int(const unsigned char *p, size_t n)
{
    uint64_t x = n && p[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < n; i++)
        x = x << 8 | p[i];
    return (int64_t)x;
}

static bool
value_get(uint64_t serial, fbk__reader *body, fbk__raw_value *v)
{
    static const uint8_t int_len[] = {0, 1, 2, 3, 4, 6, 8, 8};

    *v = (fbk__raw_value){.type = FBK__RAW_NULL};
    if (serial >= 12) {
        v->type = serial & 1 ? FBK__RAW_TEXT : FBK__RAW_BLOB;
        v->len = (size_t)((serial - 12) / 2);
        if (serial > PAYLOAD_MAX * UINT64_C(2))
            return false;
        v->bytes = fbk__read_bytes(body, v->len);
        return v->bytes != NULL;
    }
    if (serial == 10 || serial == 11)
        return false;
    if (serial == 0)
        return true;
    v->type = serial == 7 ? FBK__RAW_REAL : FBK__RAW_INT;
    if (serial >= 8) {
        v->i = (int64_t)serial - 8;
        return true;
    }
    v->len = int_len[serial];
    v->bytes = fbk__read_bytes(body, v->len);
    if (!v->bytes)
        return false;
    v->i = value_int(v->bytes, v->len);
    if (serial == 7)
        memcpy(&v->d, &v->i, sizeof v->d);
    return true;
}

bool
fbk__raw_values(const fbk__raw_row *row, fbk__raw_value *out, int n)
{
    fbk__reader head = {row->payload, row->payload + row->len, false};
    fbk__reader body = head;
    uint64_t head_len = read_varint(&head);

    if (head.bad || head_len > row->len || !fbk__read_bytes(&body, (size_t)head_len))
        return false;
    if (head.p > row->payload + head_len)
        return false;
    head.end = row->payload + head_len;
    for (int i = 0; i < n; i++) {
        uint64_t serial = read_varint(&head);

        if (head.bad || !value_get(serial, &body, &out[i]))
            return false;
    }
    return head.p == head.end;
}
