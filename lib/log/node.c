/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/engine.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "log/exchange.h"

/* Nodes: which identifier has which number, and back. Sealed identifiers lie in sorted runs by the
 * keyed hash of (namespace, value), their values in blocks by number; those of the tail are in its
 * records. */

enum { NODE_BLOCK = FBK__NODE_BLOCK, KEY_HEX = 2 * crypto_shorthash_siphashx24_KEYBYTES + 1 };

static const char ident_key_name[] = "log.identifier_key";

/* The key is made with the first identifier. It is no secret from who can read the file; it keeps
 * whoever chooses identifiers from choosing two of one hash. FBK_DONE: made in this transaction,
 * which may yet be taken back. */
static fbk_status
ident_key_load(fbk *db, uint8_t key[crypto_shorthash_siphashx24_KEYBYTES])
{
    char hex[KEY_HEX];
    char *text = NULL;
    size_t len = 0;
    fbk_status rc = fbk__meta_get(db, ident_key_name, &text);

    if (rc == FBK_ENOTFOUND && fbk__writing(db)) {
        fbk__err_clear(db);
        randombytes_buf(key, crypto_shorthash_siphashx24_KEYBYTES);
        (void)sodium_bin2hex(hex, sizeof hex, key, crypto_shorthash_siphashx24_KEYBYTES);
        rc = fbk__meta_set(db, ident_key_name, hex);
        return rc < 0 ? rc : FBK_DONE;
    }
    if (rc < 0)
        return rc;
    if (sodium_hex2bin(key, crypto_shorthash_siphashx24_KEYBYTES, text, strlen(text), NULL, &len,
                       NULL) != 0 ||
        len != crypto_shorthash_siphashx24_KEYBYTES)
        rc = fbk__fail(db, FBK_ECORRUPT, "the key of the identifiers was damaged");
    fbk__free(fbk__a(db), text);
    return rc;
}

static fbk_status
ident_key_get(fbk *db, fbk__engine *e, uint8_t key[crypto_shorthash_siphashx24_KEYBYTES])
{
    fbk_status rc = FBK_OK;

    if (!__atomic_load_n(&e->key_read, __ATOMIC_ACQUIRE)) {
        rc = ident_key_load(db, key);
        if (rc != FBK_OK)
            return rc < 0 ? rc : FBK_OK;
        (void)pthread_mutex_lock(&e->lock);
        memcpy(e->key, key, sizeof e->key);
        __atomic_store_n(&e->key_read, true, __ATOMIC_RELEASE);
        (void)pthread_mutex_unlock(&e->lock);
    }
    memcpy(key, e->key, sizeof e->key);
    return FBK_OK;
}

fbk_status
fbk__ident_key(fbk *db, fbk__engine *engine, uint32_t space, const char *value, size_t len,
               fbk__key *out)
{
    uint8_t key[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char in[4 + FBK__IDENT_MAX];
    unsigned char hash[crypto_shorthash_siphashx24_BYTES];
    fbk_status rc = ident_key_get(db, engine, key);

    if (rc < 0)
        return rc;
    if (len > FBK__IDENT_MAX)
        return fbk__fail(db, FBK_ERANGE, "an identifier was longer than %d bytes", FBK__IDENT_MAX);
    memcpy(in, &space, 4);
    if (len)
        memcpy(in + 4, value, len);
    (void)crypto_shorthash_siphashx24(hash, in, len + 4, key);
    memcpy(&out->hi, hash, 8);
    memcpy(&out->lo, hash + 8, 8);
    out->lo >>= 64 - FBK__KEY_IDENT_BITS;
    return FBK_OK;
}

/* -- look-up ----------------------------------------------------------------------------------- */

fbk_status
fbk__view_filters(fbk *db, fbk__engine *engine, const fbk__view *view, uint32_t kind)
{
    fbk_status rc = FBK_OK;

    (void)pthread_mutex_lock(&engine->lock);
    for (uint32_t i = 0; rc >= 0 && i < view->sets->n_runs; i++) {
        if (view->sets->runs[i]->kind == kind)
            rc = fbk__run_load_filter(db, view->sets->runs[i]);
    }
    (void)pthread_mutex_unlock(&engine->lock);
    return rc;
}

/* In the runs, newest first: FBK_OK or FBK_DONE. The filters are loaded. */
static fbk_status
node_in_runs(fbk *db, fbk__codec *c, const fbk__view *view, fbk__key key, fbk__run_block *block,
             uint32_t *out_node)
{
    fbk__probe probe = fbk__probe_of(key);
    fbk_status rc = FBK_DONE;

    for (uint32_t i = view->sets->n_runs; rc == FBK_DONE && i-- > 0;) {
        const fbk__run *run = view->sets->runs[i];

        if (run->kind == FBK__RUN_IDENTS && fbk__run_may_have(run, key, probe))
            rc = fbk__run_find(db, c, run, key, block, out_node);
    }
    return rc;
}

fbk_status
fbk__engine_trim(fbk *db, fbk__engine *e)
{
    fbk_status rc = FBK_OK;

    if (e->nodes.n < FBK__HOT_NODES)
        return FBK_OK;
    fbk__keymap_clear(&e->nodes, SIZE_MAX);
    for (uint32_t i = 0; rc >= 0 && e->indexed && i < e->indexed->n_tail; i++)
        rc = fbk__engine_index(db, e, e->indexed, i);
    return rc;
}

fbk_status
fbk__engine_node(fbk *db, fbk__engine *engine, fbk__key key, uint32_t *out_node)
{
    uint32_t *hot;
    fbk_status rc;

    *out_node = fbk__keymap_get(&engine->nodes, key);
    if (*out_node)
        return FBK_OK;
    rc = node_in_runs(db, &engine->codec, engine->writing, key, engine->block, out_node);
    if (rc != FBK_OK)
        return rc;
    hot = fbk__keymap_put(&engine->nodes, key);
    if (!hot)
        return fbk__nomem(db);
    *hot = *out_node;
    return FBK_OK;
}

fbk_status
fbk__engine_index(fbk *db, fbk__engine *engine, const fbk__view *view, uint32_t i)
{
    const fbk__record *record = view->tail->records[i];
    const fbk__strings *ids = &record->frame.ids;
    const fbk__strings *values = &record->values;
    fbk_status rc = FBK_OK;
    uint32_t *slot;
    fbk__key key;

    for (uint32_t e = 0; e < record->frame.n.events; e++) {
        key = fbk__key_of_id(ids->bytes + ids->offsets[e], ids->offsets[e + 1] - ids->offsets[e]);
        slot = fbk__keymap_put(&engine->ids, key);
        if (!slot)
            return fbk__nomem(db);
        *slot = (uint32_t)((uint64_t)record->frame.ev[FBK__EV_ARRIVAL][e] - view->sealed_event);
    }
    for (uint32_t k = 0; rc >= 0 && k < record->n_nodes; k++) {
        rc = fbk__ident_key(db, engine, (uint32_t)record->spaces[k],
                            values->bytes + values->offsets[k],
                            values->offsets[k + 1] - values->offsets[k], &key);
        slot = rc < 0 ? NULL : fbk__keymap_put(&engine->nodes, key);
        if (!slot)
            return rc < 0 ? rc : fbk__nomem(db);
        *slot = record->first_node + k;
    }
    return rc;
}

/* Among the records' new identifiers: FBK_OK or FBK_DONE. */
static fbk_status
node_in_tail(const fbk__view *view, uint32_t space, const char *value, size_t len,
             uint32_t *out_node)
{
    for (uint32_t i = 0; i < view->n_tail; i++) {
        const fbk__record *r = view->tail->records[i];

        for (uint32_t k = 0; k < r->n_nodes; k++) {
            if (r->spaces[k] == space && r->values.offsets[k + 1] - r->values.offsets[k] == len &&
                (len == 0 || memcmp(r->values.bytes + r->values.offsets[k], value, len) == 0)) {
                *out_node = r->first_node + k;
                return FBK_OK;
            }
        }
    }
    return FBK_DONE;
}

static fbk_status
node_find(fbk *db, fbk__engine *e, const fbk__view *view, uint32_t space, const char *value,
          size_t len, uint32_t *out_node)
{
    fbk__run_block *block;
    fbk__codec codec;
    fbk__key key;
    fbk_status rc = node_in_tail(view, space, value, len, out_node);

    if (rc == FBK_OK || view->sets->n_runs == 0)
        return rc;
    rc = fbk__ident_key(db, e, space, value, len, &key);
    if (rc >= 0)
        rc = fbk__view_filters(db, e, view, FBK__RUN_IDENTS);
    if (rc < 0)
        return rc;
    block = fbk__calloc(fbk__a(db), 1, sizeof *block);
    if (!block)
        return fbk__nomem(db);
    fbk__codec_init(&codec, fbk__a(db));
    rc = node_in_runs(db, &codec, view, key, block, out_node);
    fbk__codec_free(&codec);
    fbk__free(fbk__a(db), block);
    return rc;
}

/* FBK_DONE when it was never seen. */
static fbk_status
node_look(fbk *db, uint32_t space, const char *value, size_t len, uint32_t *out_node)
{
    fbk__engine *e = NULL;
    fbk__view *view = NULL;
    fbk_status rc = fbk__engine_get(db, &e);

    if (rc < 0)
        return rc;
    rc = fbk__view_get(db, &view);
    if (rc >= 0)
        rc = node_find(db, e, view, space, value, len, out_node);
    fbk__view_unref(view);
    fbk__shared_release(&e->head);
    return rc;
}

fbk_status
fbk__node_find(fbk *db, uint32_t space, const char *value, size_t len, uint32_t *out_node)
{
    fbk_status rc = node_look(db, space, value, len, out_node);

    if (rc == FBK_DONE)
        return fbk__fail(db, FBK_ENOTFOUND, "the store had never seen this identifier");
    return rc;
}

fbk_status
fbk__node_count(fbk *db, uint32_t *out_n)
{
    fbk__view *view = NULL;
    fbk_status rc = fbk__view_get(db, &view);

    if (rc < 0)
        return rc;
    *out_n = (uint32_t)view->total.nodes;
    fbk__view_unref(view);
    return FBK_OK;
}

/* -- values ------------------------------------------------------------------------------------ */

typedef struct node_block {
    uint32_t first;
    uint32_t n;
    int64_t spaces[NODE_BLOCK];
    fbk__strings values; /* "" = erased */
} node_block;

static node_block *
block_new(fbk *db)
{
    node_block *b = fbk__calloc(fbk__a(db), 1, sizeof *b);

    if (b)
        fbk__strings_init(&b->values, fbk__a(db));
    return b;
}

static void
block_free(fbk *db, node_block *b)
{
    if (b)
        fbk__strings_free(&b->values);
    fbk__free(fbk__a(db), b);
}

/* Not that of a record of the tail, whose number may be the same. */
uint64_t
fbk__nodes_hash(int64_t first, const void *bytes, size_t len)
{
    return fbk__hash64_seeded(bytes, len, ~(uint64_t)first);
}

bool
fbk__nodes_sound(int64_t first, const void *bytes, size_t len)
{
    uint64_t hash;

    if (len < sizeof hash)
        return false;
    memcpy(&hash, (const char *)bytes + len - sizeof hash, sizeof hash);
    return hash == fbk__nodes_hash(first, bytes, len - sizeof hash);
}

static fbk_status
block_damaged(fbk *db, uint32_t first)
{
    return fbk__fail(db, FBK_ECORRUPT, "the block of identifiers from number %u was damaged",
                     first);
}

static fbk_status
block_read(fbk *db, fbk__codec *c, uint32_t first, const void *bytes, size_t len, node_block *b)
{
    fbk__reader in = {bytes, NULL, false};
    uint64_t n;
    fbk_status rc;

    b->first = first;
    if (!fbk__nodes_sound(first, bytes, len))
        return block_damaged(db, first);
    in.end = in.p + len - sizeof(uint64_t);
    n = fbk__read_uvarint(&in);
    if (n == 0 || n > NODE_BLOCK)
        return block_damaged(db, first);
    b->n = (uint32_t)n;
    rc = fbk__codec_get_ints(c, &in, b->spaces, n);
    if (rc >= 0)
        rc = fbk__codec_get_strings(c, &in, &b->values, n);
    if (rc == FBK_ENOMEM)
        return fbk__nomem(db);
    return rc < 0 || in.p != in.end ? block_damaged(db, first) : FBK_OK;
}

fbk_status
fbk__nodes_unpack(fbk *db, fbk__codec *c, uint32_t first, const void *bytes, size_t len,
                  int64_t *spaces, fbk__strings *values)
{
    node_block *b = block_new(db);
    fbk_status rc = b ? block_read(db, c, first, bytes, len, b) : fbk__nomem(db);

    fbk__strings_clear(values);
    if (rc >= 0)
        memcpy(spaces, b->spaces, b->n * sizeof *spaces);
    for (uint32_t i = 0; rc >= 0 && i < b->n; i++) {
        size_t at = b->values.offsets[i];

        if (fbk__strings_add(values, b->values.bytes + at, b->values.offsets[i + 1] - at) < 0)
            rc = fbk__nomem(db);
    }
    block_free(db, b);
    return rc;
}

fbk_status
fbk__nodes_read(fbk *db, fbk__codec *c, uint32_t first, int64_t *spaces, fbk__strings *values)
{
    static const char sql[] = "SELECT bytes FROM log_node WHERE first = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, first);
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        size_t len;
        const void *bytes = fbk__column_blob(st, 0, &len);

        rc = fbk__nodes_unpack(db, c, first, bytes, len, spaces, values);
    } else if (rc == FBK_DONE) {
        rc = block_damaged(db, first);
    }
    fbk__stmt_put(st);
    return rc;
}

/* The block that holds a node, or begins last before it; FBK_DONE when there is none. */
static fbk_status
block_find(fbk *db, fbk__codec *c, uint32_t node, node_block *b)
{
    static const char sql[] =
        "SELECT first, bytes FROM log_node WHERE first <= ?1 ORDER BY first DESC LIMIT 1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, node);
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        size_t len;
        const void *bytes = fbk__column_blob(st, 1, &len);

        rc = block_read(db, c, (uint32_t)fbk__column_int64(st, 0), bytes, len, b);
    }
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
block_write(fbk *db, fbk__codec *c, const node_block *b)
{
    static const char sql[] = "INSERT INTO log_node (first, bytes) VALUES (?1, ?2) "
                              "ON CONFLICT (first) DO UPDATE SET bytes = excluded.bytes";
    fbk__stmt *st = NULL;
    fbk__buf out;
    uint64_t hash;
    fbk_status rc;

    fbk__buf_init(&out, fbk__a(db));
    fbk__buf_uvarint(&out, b->n);
    rc = fbk__codec_put_ints(c, &out, b->spaces, b->n);
    if (rc >= 0)
        rc = fbk__codec_put_strings(c, &out, &b->values);
    if (rc >= 0 && !out.failed) {
        hash = fbk__nodes_hash(b->first, out.data, out.len);
        fbk__buf_add(&out, &hash, sizeof hash);
    }
    rc = rc < 0 || out.failed ? fbk__nomem(db) : fbk__stmt_get(db, sql, &st);
    if (rc >= 0) {
        fbk__bind_int64(st, 1, b->first);
        fbk__bind_blob(st, 2, out.data, out.len);
        rc = fbk__step_done(st);
        fbk__stmt_put(st);
    }
    fbk__buf_free(&out);
    return rc;
}

fbk_status
fbk__nodes_seal(fbk *db, fbk__codec *c, uint32_t first, const int64_t *spaces,
                const fbk__strings *values)
{
    node_block *b = block_new(db);
    fbk_status rc = b ? FBK_OK : fbk__nomem(db);
    size_t i = 0;

    /* The last block is filled up first. */
    if (rc >= 0 && first > 1 && (first - 1) % NODE_BLOCK)
        rc = block_find(db, c, first - 1, b);
    if (rc == FBK_DONE || (rc >= 0 && b->n && b->first + b->n != first))
        rc = block_damaged(db, first - 1);
    while (rc >= 0 && i < values->n) {
        if (!b->n)
            b->first = first + (uint32_t)i;
        for (; rc >= 0 && i < values->n && b->n < NODE_BLOCK; i++) { /* from 1, 1025, 2049 … */
            b->spaces[b->n] = spaces[i];
            rc = fbk__strings_add(&b->values, values->bytes + values->offsets[i],
                                  values->offsets[i + 1] - values->offsets[i]);
            if (rc < 0)
                rc = fbk__nomem(db);
            b->n++;
        }
        if (rc >= 0)
            rc = block_write(db, c, b);
        b->n = 0;
        fbk__strings_clear(&b->values);
    }
    block_free(db, b);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
node_missing(fbk *db, uint32_t node)
{
    return fbk__fail(db, FBK_ENOTFOUND, "identifier %u did not exist or was erased", node);
}

static fbk_status
value_give(fbk *db, uint32_t node, int64_t space, const fbk__strings *values, size_t i,
           uint32_t *out_space, fbk__buf *value)
{
    size_t len = values->offsets[i + 1] - values->offsets[i];

    if (!len)
        return node_missing(db, node);
    *out_space = (uint32_t)space;
    fbk__buf_add(value, values->bytes + values->offsets[i], len);
    return value->failed ? fbk__nomem(db) : FBK_OK;
}

/* Among the records' new identifiers; FBK_DONE when it is sealed. */
static fbk_status
value_in_tail(fbk *db, const fbk__view *view, uint32_t node, uint32_t *out_space, fbk__buf *value)
{
    for (uint32_t i = 0; i < view->n_tail; i++) {
        const fbk__record *r = view->tail->records[i];

        if (node >= r->first_node && node - r->first_node < r->n_nodes) {
            uint32_t k = node - r->first_node;

            return value_give(db, node, r->spaces[k], &r->values, k, out_space, value);
        }
    }
    return FBK_DONE;
}

static fbk_status
value_in_blocks(fbk *db, uint32_t node, uint32_t *out_space, fbk__buf *value)
{
    node_block *b = block_new(db);
    fbk__codec codec;
    fbk_status rc;

    if (!b)
        return fbk__nomem(db);
    fbk__codec_init(&codec, fbk__a(db));
    rc = block_find(db, &codec, node, b);
    if (rc == FBK_DONE || (rc >= 0 && node - b->first >= b->n))
        rc = node_missing(db, node);
    else if (rc >= 0)
        rc = value_give(db, node, b->spaces[node - b->first], &b->values, node - b->first,
                        out_space, value);
    fbk__codec_free(&codec);
    block_free(db, b);
    return rc;
}

fbk_status
fbk__node_value(fbk *db, uint32_t node, uint32_t *out_space, fbk__buf *value)
{
    fbk__view *view = NULL;
    fbk_status rc = fbk__view_get(db, &view);

    if (rc < 0)
        return rc;
    rc = node == 0 || node > view->total.nodes ? node_missing(db, node)
                                               : value_in_tail(db, view, node, out_space, value);
    if (rc == FBK_DONE)
        rc = value_in_blocks(db, node, out_space, value);
    fbk__view_unref(view);
    return rc;
}

fbk_status
fbk__node_space(fbk *db, uint32_t node, uint32_t *out_space)
{
    fbk__buf value;
    fbk_status rc;

    fbk__buf_init(&value, fbk__a(db));
    rc = fbk__node_value(db, node, out_space, &value);
    fbk__buf_free(&value);
    return rc;
}

/* Namespaces of the sealed nodes up to n. */
static fbk_status
spaces_of_blocks(fbk *db, uint32_t *spaces, uint32_t n)
{
    static const char sql[] = "SELECT first, bytes FROM log_node ORDER BY first";
    node_block *b = block_new(db);
    fbk__stmt *st = NULL;
    fbk__codec codec;
    fbk_status rc = b ? fbk__stmt_get(db, sql, &st) : fbk__nomem(db);

    fbk__codec_init(&codec, fbk__a(db));
    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        int64_t first = fbk__column_int64(st, 0);
        size_t len;
        const void *bytes = fbk__column_blob(st, 1, &len);

        if (first < 1 || first > n)
            break;
        rc = block_read(db, &codec, (uint32_t)first, bytes, len, b);
        for (uint32_t i = 0; rc >= 0 && i < b->n && i <= n - (uint32_t)first; i++)
            spaces[(uint32_t)first + i] = (uint32_t)b->spaces[i];
    }
    fbk__stmt_put(st);
    fbk__codec_free(&codec);
    block_free(db, b);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__node_spaces(fbk *db, uint32_t **out_spaces, uint32_t *out_n)
{
    fbk__view *view = NULL;
    uint32_t *spaces = NULL;
    fbk_status rc = fbk__view_get(db, &view);
    uint32_t n;

    if (rc < 0)
        return rc;
    n = (uint32_t)view->total.nodes;
    spaces = fbk__calloc(fbk__a(db), (size_t)n + 1, sizeof *spaces);
    rc = spaces ? spaces_of_blocks(db, spaces, n) : fbk__nomem(db);
    for (uint32_t i = 0; rc >= 0 && i < view->n_tail; i++) {
        const fbk__record *r = view->tail->records[i];

        for (uint32_t k = 0; k < r->n_nodes && r->first_node + k <= n; k++)
            spaces[r->first_node + k] = (uint32_t)r->spaces[k];
    }
    fbk__view_unref(view);
    if (rc < 0) {
        fbk__free(fbk__a(db), spaces);
        return rc;
    }
    *out_spaces = spaces;
    *out_n = n;
    return FBK_OK;
}

/* -- many values ------------------------------------------------------------------------------- */

enum { READER_BLOCKS = 64 };

struct fbk__node_reader {
    fbk *db;
    fbk__view *view;
    fbk__codec codec;
    node_block *blocks[READER_BLOCKS]; /* by number of the block, modulo */
};

fbk_status
fbk__node_reader_open(fbk *db, fbk__node_reader **out)
{
    fbk__node_reader *r = fbk__calloc(fbk__a(db), 1, sizeof *r);
    fbk_status rc;

    if (!r)
        return fbk__nomem(db);
    r->db = db;
    fbk__codec_init(&r->codec, fbk__a(db));
    rc = fbk__view_get(db, &r->view);
    if (rc < 0)
        fbk__node_reader_close(r);
    else
        *out = r;
    return rc;
}

void
fbk__node_reader_close(fbk__node_reader *r)
{
    if (!r)
        return;
    for (int i = 0; i < READER_BLOCKS; i++)
        block_free(r->db, r->blocks[i]);
    fbk__codec_free(&r->codec);
    fbk__view_unref(r->view);
    fbk__free(fbk__a(r->db), r);
}

uint32_t
fbk__node_reader_count(const fbk__node_reader *r)
{
    return (uint32_t)r->view->total.nodes;
}

static fbk_status
reader_give(const node_block *b, uint32_t i, uint32_t *out_space, const char **out_value,
            size_t *out_len)
{
    *out_space = (uint32_t)b->spaces[i];
    *out_value = b->values.bytes + b->values.offsets[i];
    *out_len = b->values.offsets[i + 1] - b->values.offsets[i];
    return *out_len ? FBK_OK : FBK_DONE;
}

fbk_status
fbk__node_reader_get(fbk__node_reader *r, uint32_t node, uint32_t *out_space,
                     const char **out_value, size_t *out_len)
{
    uint32_t number = (node - 1) / NODE_BLOCK;
    node_block **b = &r->blocks[number % READER_BLOCKS];
    fbk_status rc;

    for (uint32_t i = 0; i < r->view->n_tail; i++) {
        const fbk__record *record = r->view->tail->records[i];
        uint32_t k = node - record->first_node;

        if (node >= record->first_node && k < record->n_nodes) {
            *out_space = (uint32_t)record->spaces[k];
            *out_value = record->values.bytes + record->values.offsets[k];
            *out_len = record->values.offsets[k + 1] - record->values.offsets[k];
            return FBK_OK;
        }
    }
    if (*b && (*b)->n && node >= (*b)->first && node - (*b)->first < (*b)->n)
        return reader_give(*b, node - (*b)->first, out_space, out_value, out_len);
    if (!*b)
        *b = block_new(r->db);
    if (!*b)
        return fbk__nomem(r->db);
    (*b)->n = 0;
    rc = block_find(r->db, &r->codec, node, *b);
    if (rc == FBK_DONE || (rc >= 0 && node - (*b)->first >= (*b)->n)) {
        (*b)->n = 0;
        return block_damaged(r->db, number * NODE_BLOCK + 1);
    }
    return rc < 0 ? rc : reader_give(*b, node - (*b)->first, out_space, out_value, out_len);
}

/* -- erasing ----------------------------------------------------------------------------------- */

fbk_status
fbk__node_forget(fbk *db, fbk__codec *c, uint32_t node)
{
    node_block *old = block_new(db);
    node_block *left = block_new(db);
    fbk_status rc = old && left ? block_find(db, c, node, old) : fbk__nomem(db);

    if (rc == FBK_OK && node - old->first < old->n) {
        left->first = old->first;
        left->n = old->n;
        for (uint32_t i = 0; rc >= 0 && i < old->n; i++) {
            bool gone = old->first + i == node;
            size_t at = old->values.offsets[i];

            left->spaces[i] = gone ? 0 : old->spaces[i];
            rc = fbk__strings_add(&left->values, old->values.bytes + at,
                                  gone ? 0 : old->values.offsets[i + 1] - at);
        }
        rc = rc < 0 ? fbk__nomem(db) : block_write(db, c, left);
    }
    block_free(db, old);
    block_free(db, left);
    return rc < 0 ? rc : FBK_OK;
}

fbk_status
fbk__runs_forget(fbk *db, fbk__engine *engine, uint32_t space, const char *value, size_t len)
{
    const fbk__sets *sets = engine->writing->sets;
    fbk__key key;
    fbk_status rc = fbk__ident_key(db, engine, space, value, len, &key);

    for (uint32_t i = 0; rc >= 0 && i < sets->n_runs; i++) {
        if (sets->runs[i]->kind == FBK__RUN_IDENTS)
            rc = fbk__run_forget(db, &engine->codec, sets->runs[i], key, engine->block);
    }
    return rc < 0 ? rc : FBK_OK;
}
