/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "log/salvage.h"

/* What events refer to by number: identifiers and words. */

enum { RUN_KEYS = 1 << 20 };

typedef struct nodes {
    fbk__salvage *s;
    fbk *db;
    fbk__engine *engine;
    fbk__log_refs *refs;
    fbk__codec codec;
    fbk__key_list keys;
    uint64_t n; /* written so far */
    uint64_t n_lost;
    int64_t spaces[FBK__NODE_BLOCK];
    fbk__strings values;
} nodes;

/* Numbers up to n have no value. */
static fbk_status
nodes_pad(nodes *p, uint64_t n)
{
    int64_t spaces[FBK__NODE_BLOCK];
    fbk__strings none;
    fbk_status rc = FBK_OK;

    memset(spaces, 0, sizeof spaces);
    fbk__strings_init(&none, fbk__a(p->db));
    while (rc >= 0 && p->n < n) {
        uint64_t more = n - p->n < FBK__NODE_BLOCK ? n - p->n : FBK__NODE_BLOCK;

        while (rc >= 0 && none.n < more)
            rc = fbk__strings_add(&none, "", 0) < 0 ? fbk__nomem(p->db) : FBK_OK;
        if (rc >= 0)
            rc = fbk__nodes_seal(p->db, &p->codec, (uint32_t)p->n + 1, spaces, &none);
        p->n += more;
        p->n_lost += more;
        fbk__strings_clear(&none);
    }
    fbk__strings_free(&none);
    return rc;
}

static fbk_status
nodes_key(nodes *p, uint32_t node, int64_t space, const char *value, size_t len)
{
    fbk__key key;
    fbk_status rc = FBK_OK;

    if (!len)
        return FBK_OK;
    if (!fbk__bitset_add(&p->refs->words, (uint64_t)space))
        return fbk__nomem(p->db);
    if (p->keys.n >= RUN_KEYS)
        rc = fbk__key_list_write(p->db, &p->keys, FBK__RUN_IDENTS);
    if (rc >= 0)
        rc = fbk__ident_key(p->db, p->engine, (uint32_t)space, value, len, &key);
    return rc < 0 ? rc : fbk__key_list_add(p->db, &p->keys, key, node);
}

/* Values of the nodes from `first` on; those that came before are passed over. */
static fbk_status
nodes_add(nodes *p, uint64_t first, const int64_t *spaces, const fbk__strings *values)
{
    fbk_status rc = first > p->n + 1 ? nodes_pad(p, first - 1) : FBK_OK;

    if (rc < 0 || first != p->n + 1)
        return rc;
    for (size_t i = 0; rc >= 0 && i < values->n; i++)
        rc = nodes_key(p, (uint32_t)(first + i), spaces[i], values->bytes + values->offsets[i],
                       values->offsets[i + 1] - values->offsets[i]);
    if (rc >= 0)
        rc = fbk__nodes_seal(p->db, &p->codec, (uint32_t)first, spaces, values);
    p->n += values->n;
    return rc;
}

static fbk_status
nodes_of_blocks(nodes *p)
{
    fbk__places blocks = {NULL, 0, 0, p->s};
    fbk_status rc = fbk__places_gather(p->s, "log_node", &blocks);

    for (size_t i = 0; rc >= 0 && i < blocks.n; i++) {
        int64_t first = blocks.at[i].rowid;
        const void *bytes;
        size_t len;

        if (first < 1 || first > UINT32_MAX - FBK__NODE_BLOCK)
            continue;
        rc = fbk__place_blob(p->s, &blocks.at[i], &bytes, &len);
        if (rc == FBK_OK)
            rc = fbk__nodes_unpack(p->db, &p->codec, (uint32_t)first, bytes, len, p->spaces,
                                   &p->values);
        if (rc == FBK_OK)
            rc = nodes_add(p, (uint64_t)first, p->spaces, &p->values);
        else if (rc == FBK_DONE || rc == FBK_ECORRUPT)
            rc = FBK_OK; /* told with the others that are missing */
    }
    fbk__free(fbk__a(p->db), blocks.at);
    return rc;
}

/* Links name nodes too, and their namespaces. */
static fbk_status
nodes_of_links(nodes *p, uint64_t *n)
{
    static const char sql[] = "SELECT coalesce(max(b), 0) FROM log_link";
    static const char drop_sql[] = "DELETE FROM log_link WHERE b > 4294967295 OR a < 1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__exec(p->db, drop_sql);

    if (rc >= 0)
        rc = fbk__stmt_get(p->db, sql, &st);
    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK && (uint64_t)fbk__column_int64(st, 0) > *n)
        *n = (uint64_t)fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
nodes_all(nodes *p, fbk__record *const *records, size_t n_records, uint64_t *n)
{
    fbk_status rc = nodes_of_blocks(p);

    for (size_t i = 0; rc >= 0 && i < n_records; i++) {
        if (records[i]->n_nodes)
            rc = nodes_add(p, records[i]->first_node, records[i]->spaces, &records[i]->values);
    }
    if (p->refs->max_node > *n)
        *n = p->refs->max_node;
    if (rc >= 0)
        rc = nodes_of_links(p, n);
    if (rc >= 0)
        rc = nodes_pad(p, *n);
    if (rc >= 0)
        rc = fbk__key_list_write(p->db, &p->keys, FBK__RUN_IDENTS);
    *n = p->n;
    if (rc >= 0 && p->n_lost)
        rc = fbk__salvage_lost(p->s, "the values of %llu identifiers were lost; their numbers stay",
                               (unsigned long long)p->n_lost);
    return rc;
}

fbk_status
fbk__nodes_salvage(fbk__salvage *s, fbk__log_refs *refs, fbk__record *const *records,
                   size_t n_records, uint64_t *n)
{
    nodes *p = fbk__calloc(fbk__a(s->db), 1, sizeof *p);
    fbk_status rc;

    if (!p)
        return fbk__nomem(s->db);
    p->s = s;
    p->db = s->db;
    p->refs = refs;
    fbk__codec_init(&p->codec, fbk__a(s->db));
    fbk__strings_init(&p->values, fbk__a(s->db));
    rc = fbk__engine_get(s->db, &p->engine);
    if (rc >= 0) {
        rc = nodes_all(p, records, n_records, n);
        fbk__shared_release(&p->engine->head);
    }
    fbk__key_list_free(s->db, &p->keys);
    fbk__strings_free(&p->values);
    fbk__codec_free(&p->codec);
    fbk__free(fbk__a(s->db), p);
    return rc;
}

fbk_status
fbk__words_restore(fbk__salvage *s, const fbk__bitset *words)
{
    static const char sql[] =
        "INSERT INTO log_word (word, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    uint64_t n_lost = 0;
    fbk_status rc = FBK_OK;

    for (uint64_t w = FBK__EVENT_OWN; rc >= 0 && fbk__bitset_next(words, &w); w++) {
        char text[32];
        int len = snprintf(text, sizeof text, "lost-%llu", (unsigned long long)w);
        fbk__stmt *st = NULL;

        rc = fbk__stmt_get(s->db, sql, &st);
        if (rc < 0)
            break;
        fbk__bind_int64(st, 1, (int64_t)w);
        fbk__bind_text(st, 2, text, (size_t)len);
        rc = fbk__step_done(st);
        fbk__stmt_put(st);
        n_lost += rc >= 0 && fbk__changes(s->db) > 0;
    }
    if (rc >= 0 && n_lost)
        rc =
            fbk__salvage_lost(s, "%llu words were lost; they are called \"lost-\" and their number",
                              (unsigned long long)n_lost);
    return rc;
}
