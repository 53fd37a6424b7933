/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/run.h"

#include <string.h>

#include "base/hash.h"
#include "log/bits.h"
#include "log/chunk.h"
#include "log/run_file.h"
#include "log/segment.h"
#include "store/conn.h"

enum {
    LINE_WORDS = 8,         /* a filter line is 64 bytes: one cache line a question */
    BITS_PER_KEY = 9,       /* about one false answer in fifty */
    PROBES = 6,             /* bits of a key, all in its line */
    FILTER_PIECE = 1 << 12, /* lines of a piece: 256 KiB */
    INDEX_VERSION = 1,
    COUNTER_DIGITS = 9, /* below 2^32, which is all of `lo` that a keymap looks at */
    BLOCK_BYTES = 4040, /* with its checksum it fills a page, as a piece does (stream.h) */
    RANGE_MIN = 32      /* keys of a range: fewer are better kept in the filter */
};

fbk__key
fbk__key_of_id(const char *id, size_t len)
{
    uint64_t value = 0;
    uint64_t unit = 1;
    fbk__hash128 h;
    size_t n = 0;

    while (n < len && n < COUNTER_DIGITS && id[len - n - 1] >= '0' && id[len - n - 1] <= '9') {
        value += unit * (uint64_t)(id[len - n - 1] - '0');
        unit *= 10;
        n++;
    }
    /* Few digits at the end of a random id would only scatter: a counter has some length. */
    if (n >= 4)
        return (fbk__key){fbk__hash64_seeded(id, len - n, n), value};
    h = fbk__hash128_of(id, len);
    return (fbk__key){h.hi, h.lo >> (64 - FBK__KEY_ID_BITS)};
}

/* -- filter: Putze, Sanders, Singler, "Cache-, hash- and space-efficient Bloom filters", JEA
 * 14, 2010 */

fbk__probe
fbk__probe_of(fbk__key key)
{
    uint64_t hash = fbk__mix64(key.hi ^ fbk__mix64(key.lo + UINT64_C(0x9e3779b97f4a7c15)));

    return (fbk__probe){hash, fbk__mix64(hash + 1)};
}

/* The bits of a key in its line, as a mask of word w. */
static bool
filter_bits(uint64_t *line, uint64_t bits, bool set)
{
    for (int i = 0; i < PROBES; i++, bits >>= 9) {
        uint64_t *word = &line[bits >> 6 & (LINE_WORDS - 1)];
        uint64_t bit = UINT64_C(1) << (bits & 63);

        if (set)
            *word |= bit;
        else if (!(*word & bit))
            return false;
    }
    return true;
}

/* Lines rise with hashes. */
static uint64_t *
filter_line(uint64_t *filter, uint32_t n_lines, uint64_t hash)
{
    return filter + ((hash >> 32) * n_lines >> 32) * LINE_WORDS;
}

static bool
in_range(const fbk__run *run, fbk__key key)
{
    size_t low = 0;
    size_t high = run->n_ranges;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const fbk__key_range *r = &run->ranges[mid];

        if (r->hi < key.hi || (r->hi == key.hi && r->to < key.lo))
            low = mid + 1;
        else
            high = mid;
    }
    return low < run->n_ranges && run->ranges[low].hi == key.hi && run->ranges[low].from <= key.lo;
}

bool
fbk__run_may_have(const fbk__run *run, fbk__key key, fbk__probe probe)
{
    return filter_bits(filter_line(run->filter, run->n_filter, probe.hash), probe.bits, false) ||
           (run->n_ranges && in_range(run, key));
}

/* -- loading ----------------------------------------------------------------------------------- */

/* Ascending, and none of them empty. */
static fbk_status
ranges_get(fbk *db, fbk__codec *c, fbk__reader *in, fbk__run *run, size_t n)
{
    int64_t *v = fbk__alloc(fbk__a(db), (3 * n + 1) * sizeof *v);
    fbk_status rc = v ? FBK_OK : FBK_ENOMEM;

    run->ranges = fbk__alloc(&run->a, (n + 1) * sizeof *run->ranges);
    if (!run->ranges)
        rc = FBK_ENOMEM;
    for (size_t k = 0; rc >= 0 && k < 3; k++)
        rc = fbk__codec_get_ints(c, in, v + k * n, n);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        fbk__key_range *r = &run->ranges[i];

        *r = (fbk__key_range){(uint64_t)v[i], (uint64_t)v[n + i], (uint64_t)v[2 * n + i]};
        if (r->from > r->to ||
            (i && (r[-1].hi > r->hi || (r[-1].hi == r->hi && r[-1].to >= r->from))))
            rc = FBK_ECORRUPT;
    }
    run->n_ranges = rc >= 0 ? n : 0;
    fbk__free(fbk__a(db), v);
    return rc;
}

fbk_status
fbk__run_index_get(fbk *db, fbk__codec *c, fbk__reader *in, fbk__run *run)
{
    uint64_t version = fbk__read_uvarint(in);
    uint64_t n_blocks;
    uint64_t n_filter;
    uint64_t n_ranges;
    int64_t *v;
    fbk_status rc;

    run->n_keys = fbk__read_uvarint(in);
    n_blocks = fbk__read_uvarint(in);
    n_filter = fbk__read_uvarint(in);
    n_ranges = fbk__read_uvarint(in);
    if (in->bad || version != INDEX_VERSION || n_blocks == 0 || n_blocks > FBK__CODEC_MAX_ROWS ||
        n_filter == 0 || n_filter > UINT32_MAX / 64 || n_blocks > run->n_keys ||
        n_ranges > run->n_keys / RANGE_MIN || n_ranges > FBK__CODEC_MAX_ROWS)
        return FBK_ECORRUPT;
    run->n_blocks = (uint32_t)n_blocks;
    run->n_filter = (uint32_t)n_filter;
    v = fbk__alloc(fbk__a(db), 2 * (n_blocks + 1) * sizeof *v);
    run->first = fbk__alloc(&run->a, n_blocks * sizeof *run->first);
    rc = v && run->first ? fbk__codec_get_ints(c, in, v, n_blocks + 1) : FBK_ENOMEM;
    if (rc >= 0)
        rc = fbk__codec_get_ints(c, in, v + n_blocks + 1, n_blocks + 1);
    for (size_t i = 0; rc >= 0 && i < n_blocks; i++) {
        run->first[i] = (fbk__key){(uint64_t)v[i], (uint64_t)v[n_blocks + 1 + i]};
        if (i && fbk__key_compare(run->first[i - 1], run->first[i]) >= 0)
            rc = FBK_ECORRUPT;
    }
    if (rc >= 0)
        run->last = (fbk__key){(uint64_t)v[n_blocks], (uint64_t)v[2 * n_blocks + 1]};
    fbk__free(fbk__a(db), v);
    if (rc >= 0)
        rc = ranges_get(db, c, in, run, n_ranges);
    return rc >= 0 && in->p != in->end ? FBK_ECORRUPT : rc;
}

fbk_status
fbk__run_facts(fbk *db, fbk__run *run)
{
    static const char sql[] = "SELECT kind, level, bytes FROM log_run WHERE run = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, run->id);
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        run->kind = (uint32_t)fbk__column_int64(st, 0);
        run->level = (uint32_t)fbk__column_int64(st, 1);
        run->bytes = (uint64_t)fbk__column_int64(st, 2);
    }
    fbk__stmt_put(st);
    if (rc == FBK_DONE)
        return fbk__fail(db, FBK_ENOTFOUND, "run %lld of the event log was not there",
                         (long long)run->id);
    return rc;
}

fbk_status
fbk__run_load(fbk *db, int64_t id, fbk__run **out)
{
    fbk__run *run = fbk__calloc(fbk__a(db), 1, sizeof *run);
    fbk__stmt *st = NULL;
    const void *bytes = NULL;
    size_t len = 0;
    fbk__codec codec;
    fbk_status rc;

    if (!run)
        return fbk__nomem(db);
    run->refs = 1;
    run->a = *fbk__a(db);
    run->id = id;
    fbk__codec_init(&codec, fbk__a(db));
    rc = fbk__run_facts(db, run);
    if (rc >= 0) {
        int64_t at = fbk__run_piece(id, FBK__RUN_PIECE_INDEX);

        rc = fbk__chunk_open(db, FBK__CHUNK_RUN, at, &st, &bytes, &len);
        if (rc == FBK_OK) {
            fbk__reader in = {bytes, (const unsigned char *)bytes + len, false};

            rc = fbk__run_index_get(db, &codec, &in, run);
        }
        if (rc == FBK_DONE || rc == FBK_ECORRUPT)
            rc = fbk__chunk_damaged(db, FBK__CHUNK_RUN, at);
        else if (rc == FBK_ENOMEM)
            rc = fbk__nomem(db);
        fbk__stmt_put(st);
    }
    fbk__codec_free(&codec);
    if (rc < 0)
        fbk__run_unref(run);
    else
        *out = run;
    return rc;
}

fbk_status
fbk__run_load_filter(fbk *db, fbk__run *run)
{
    size_t line = LINE_WORDS * sizeof(uint64_t);
    uint64_t *filter;
    fbk_status rc = FBK_OK;

    if (run->filter)
        return FBK_OK;
    filter = fbk__calloc(&run->a, run->n_filter, line);
    if (!filter)
        return fbk__nomem(db);
    for (uint32_t at = 0; rc >= 0 && at < run->n_filter; at += FILTER_PIECE) {
        uint32_t n = run->n_filter - at < FILTER_PIECE ? run->n_filter - at : FILTER_PIECE;
        int64_t id = fbk__run_piece(run->id, FBK__RUN_PIECE_FILTER + at / FILTER_PIECE);
        fbk__stmt *st = NULL;
        const void *bytes = NULL;
        size_t len = 0;

        rc = fbk__chunk_open(db, FBK__CHUNK_RUN, id, &st, &bytes, &len);
        if (rc == FBK_DONE || (rc == FBK_OK && len != n * line))
            rc = fbk__chunk_damaged(db, FBK__CHUNK_RUN, id);
        if (rc == FBK_OK)
            memcpy(filter + (size_t)at * LINE_WORDS, bytes, len);
        fbk__stmt_put(st);
    }
    if (rc < 0)
        fbk__free(&run->a, filter);
    else
        run->filter = filter;
    return rc;
}

fbk__run *
fbk__run_ref(fbk__run *run)
{
    (void)__atomic_add_fetch(&run->refs, 1, __ATOMIC_ACQ_REL);
    return run;
}

void
fbk__run_unref(fbk__run *run)
{
    fbk_allocator a;

    if (!run || __atomic_sub_fetch(&run->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    a = run->a;
    fbk__free(&a, run->first);
    fbk__free(&a, run->filter);
    fbk__free(&a, run->ranges);
    fbk__free(&a, run);
}

/* -- looking up -------------------------------------------------------------------------------- */

fbk_status
fbk__run_block_get(fbk__codec *c, fbk__reader *in, fbk__run_block *block)
{
    uint64_t n = fbk__read_uvarint(in);
    fbk_status rc;

    if (in->bad || n > FBK__RUN_BLOCK)
        return FBK_ECORRUPT;
    rc = fbk__codec_get_ints(c, in, block->hi, n);
    if (rc >= 0)
        rc = fbk__codec_get_ints(c, in, block->lo, n);
    if (rc >= 0)
        rc = fbk__codec_get_ints(c, in, block->value, n);
    block->n = (uint32_t)n;
    return rc >= 0 && in->p != in->end ? FBK_ECORRUPT : rc;
}

fbk_status
fbk__run_read(fbk *db, fbk__codec *c, const fbk__run *run, uint32_t number, fbk__run_block *block)
{
    int64_t id = fbk__run_piece(run->id, number);
    fbk__stmt *st = NULL;
    const void *bytes = NULL;
    size_t len = 0;
    fbk_status rc;

    if (block->run == run->id && block->number == number)
        return FBK_OK;
    block->run = 0;
    rc = fbk__chunk_open(db, FBK__CHUNK_RUN, id, &st, &bytes, &len);
    if (rc == FBK_OK) {
        fbk__reader in = {bytes, (const unsigned char *)bytes + len, false};

        rc = fbk__run_block_get(c, &in, block);
    }
    if (rc == FBK_DONE || rc == FBK_ECORRUPT)
        rc = fbk__chunk_damaged(db, FBK__CHUNK_RUN, id);
    else if (rc == FBK_ENOMEM)
        rc = fbk__nomem(db);
    fbk__stmt_put(st);
    if (rc >= 0) {
        block->run = run->id;
        block->number = number;
    }
    return rc;
}

uint32_t
fbk__run_block_of(const fbk__run *run, fbk__key key)
{
    uint32_t low = 0;
    uint32_t high = run->n_blocks;

    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;

        if (fbk__key_compare(run->first[mid], key) <= 0)
            low = mid;
        else
            high = mid;
    }
    return low;
}

fbk_status
fbk__run_find(fbk *db, fbk__codec *c, const fbk__run *run, fbk__key key, fbk__run_block *block,
              uint32_t *out_value)
{
    uint32_t low = 0;
    uint32_t high;
    fbk_status rc;

    if (fbk__key_compare(key, run->first[0]) < 0 || fbk__key_compare(key, run->last) > 0)
        return FBK_DONE;
    rc = fbk__run_read(db, c, run, fbk__run_block_of(run, key), block);
    if (rc < 0)
        return rc;
    for (high = block->n; low < high;) {
        uint32_t mid = low + (high - low) / 2;
        fbk__key at = {(uint64_t)block->hi[mid], (uint64_t)block->lo[mid]};
        int order = fbk__key_compare(at, key);

        if (order == 0) {
            *out_value = (uint32_t)block->value[mid];
            return FBK_OK;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return FBK_DONE;
}

/* -- writing ----------------------------------------------------------------------------------- */

/* A power of two times 16 to 31 of them, for the filter is folded when fewer keys come. */
static uint64_t
filter_lines(uint64_t keys)
{
    uint64_t lines = keys * BITS_PER_KEY / (LINE_WORDS * 64) + 1;
    unsigned shift = lines < 16 ? 0 : fbk__bits_width(lines) - 5;

    return (((lines - 1) >> shift) + 1) << shift;
}

/* Half as many lines: a key's in the folded filter is half its number. */
static void
filter_fold(fbk__run_writer *w)
{
    while (w->n_filter % 2 == 0 && filter_lines(w->n_filter_keys) <= w->n_filter / 2) {
        w->n_filter /= 2;
        for (size_t i = 0; i < w->n_filter; i++) {
            for (size_t k = 0; k < LINE_WORDS; k++)
                w->filter[i * LINE_WORDS + k] =
                    w->filter[2 * i * LINE_WORDS + k] | w->filter[(2 * i + 1) * LINE_WORDS + k];
        }
    }
}

/* The last keys were a range, or go to the filter each. */
static fbk_status
range_end(fbk *db, fbk__run_writer *w)
{
    fbk__key_range *r = &w->range;

    if (!w->any)
        return FBK_OK;
    w->any = false;
    if (r->to - r->from + 1 >= RANGE_MIN) {
        if (!fbk__grow(w->a, &w->ranges, &w->range_cap, w->n_ranges + 1, sizeof *w->ranges))
            return fbk__nomem(db);
        w->ranges[w->n_ranges++] = *r;
        return FBK_OK;
    }
    for (uint64_t lo = r->from; lo <= r->to; lo++) {
        fbk__probe probe = fbk__probe_of((fbk__key){r->hi, lo});

        (void)filter_bits(filter_line(w->filter, w->n_filter, probe.hash), probe.bits, true);
        w->n_filter_keys++;
    }
    return FBK_OK;
}

/* A key that was added, for the filter or the ranges. */
fbk_status
fbk__run_note(fbk *db, fbk__run_writer *w, fbk__key key)
{
    fbk_status rc = FBK_OK;

    w->last = key;
    if (w->any && key.hi == w->range.hi && key.lo == w->range.to + 1) {
        w->range.to++;
        return FBK_OK;
    }
    rc = range_end(db, w);
    w->range = (fbk__key_range){key.hi, key.lo, key.lo};
    w->any = true;
    return rc;
}

/* A writer may outlive the connection that began it, so that its memory is the store's. */
fbk_status
fbk__run_writer_init(fbk *db, uint64_t most, fbk__run_writer *w)
{
    uint64_t lines = filter_lines(most);

    memset(w, 0, sizeof *w);
    w->fit = FBK__RUN_BLOCK;
    w->a = fbk__store_allocator(db);
    fbk__codec_init(&w->codec, w->a);
    fbk__buf_init(&w->bytes, w->a);
    if (lines > UINT32_MAX / 64)
        return fbk__fail(db, FBK_ETOOBIG, "a run of the event log had too many keys");
    w->n_filter = (uint32_t)lines;
    w->filter = fbk__calloc(w->a, lines, LINE_WORDS * sizeof *w->filter);
    return w->filter ? FBK_OK : fbk__nomem(db);
}

fbk_status
fbk__run_begin(fbk *db, uint32_t kind, uint32_t level, int64_t owner, uint64_t most,
               fbk__run_writer *w)
{
    static const char sql[] =
        "INSERT INTO log_run (kind, state, level, owner, target, changed_us, keys, bytes) "
        "VALUES (?1, 0, ?2, ?3, 0, 0, 0, 0)";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__run_writer_init(db, most, w);

    if (rc >= 0)
        rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, kind);
    fbk__bind_int64(st, 2, level);
    fbk__bind_int64(st, 3, owner);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    w->id = rc < 0 ? 0 : fbk__last_rowid(db);
    return rc;
}

static fbk_status
run_write_piece(fbk *db, fbk__run_writer *w, uint32_t piece)
{
    if (w->bytes.failed)
        return fbk__nomem(db);
    w->total_bytes += w->bytes.len;
    return fbk__chunk_write(db, FBK__CHUNK_RUN, fbk__run_piece(w->id, piece), &w->bytes);
}

/* The first n keys of a block. */
static fbk_status
block_put(fbk__codec *c, fbk__buf *out, const fbk__run_block *b, uint32_t n)
{
    fbk_status rc;

    fbk__buf_clear(out);
    fbk__buf_uvarint(out, n);
    rc = fbk__codec_put_ints(c, out, b->hi, n);
    if (rc >= 0)
        rc = fbk__codec_put_ints(c, out, b->lo, n);
    return rc < 0 ? rc : fbk__codec_put_ints(c, out, b->value, n);
}

/* Keys that fill a page, if n take so many bytes. */
uint32_t
fbk__run_block_fit(uint32_t n, size_t len)
{
    size_t fit = (size_t)n * (BLOCK_BYTES - 20) / len;

    return fit > FBK__RUN_BLOCK ? FBK__RUN_BLOCK : fit ? (uint32_t)fit : 1;
}

/* Encode as many keys as fill a page, or all; how many is guessed by the last block. */
static fbk_status
block_fill(fbk__run_writer *w, uint32_t *out_n)
{
    uint32_t n = w->fit < w->block.n ? w->fit : w->block.n;

    for (;;) {
        fbk_status rc = block_put(&w->codec, &w->bytes, &w->block, n);

        if (rc < 0)
            return rc;
        w->fit = fbk__run_block_fit(n, w->bytes.len);
        if (w->bytes.len <= BLOCK_BYTES || n == 1)
            break;
        n = w->fit < n ? w->fit : n - 1;
    }
    *out_n = n;
    return FBK_OK;
}

fbk_status
fbk__run_flush(fbk *db, fbk__run_writer *w)
{
    fbk__run_block *b = &w->block;
    uint32_t n = 0;
    fbk_status rc;

    if (!b->n)
        return FBK_OK;
    if (w->n_blocks >= FBK__CODEC_MAX_ROWS - 1)
        return fbk__fail(db, FBK_ETOOBIG, "a run of the event log had too many keys");
    if (!fbk__grow(w->a, &w->first, &w->first_cap, w->n_blocks + 2, sizeof *w->first))
        return fbk__nomem(db);
    rc = block_fill(w, &n);
    if (rc < 0)
        return fbk__nomem(db);
    rc = run_write_piece(db, w, (uint32_t)w->n_blocks);
    w->first[w->n_blocks++] = (fbk__key){(uint64_t)b->hi[0], (uint64_t)b->lo[0]};
    w->n_keys += n;
    b->n -= n;
    memmove(b->hi, b->hi + n, b->n * sizeof *b->hi);
    memmove(b->lo, b->lo + n, b->n * sizeof *b->lo);
    memmove(b->value, b->value + n, b->n * sizeof *b->value);
    return rc;
}

fbk_status
fbk__run_add(fbk *db, fbk__run_writer *w, fbk__key key, uint32_t value)
{
    fbk__run_block *b = &w->block;
    fbk_status rc = b->n == FBK__RUN_BLOCK ? fbk__run_flush(db, w) : FBK_OK;

    if (rc < 0)
        return rc;
    b->hi[b->n] = (int64_t)key.hi;
    b->lo[b->n] = (int64_t)key.lo;
    b->value[b->n++] = value;
    return fbk__run_note(db, w, key);
}

static fbk_status
ranges_put(fbk__run_writer *w)
{
    int64_t *v = fbk__alloc(w->a, (w->n_ranges + 1) * sizeof *v);
    fbk_status rc = v ? FBK_OK : FBK_ENOMEM;

    for (int k = 0; rc >= 0 && k < 3; k++) {
        for (size_t i = 0; i < w->n_ranges; i++) {
            const fbk__key_range *r = &w->ranges[i];

            v[i] = (int64_t)(k == 0 ? r->hi : k == 1 ? r->from : r->to);
        }
        rc = fbk__codec_put_ints(&w->codec, &w->bytes, v, w->n_ranges);
    }
    fbk__free(w->a, v);
    return rc;
}

static fbk_status
run_write_index(fbk *db, fbk__run_writer *w)
{
    size_t n = w->n_blocks + 1;
    int64_t *v = fbk__alloc(w->a, n * sizeof *v);
    fbk_status rc = v ? FBK_OK : FBK_ENOMEM;

    fbk__buf_clear(&w->bytes);
    fbk__buf_uvarint(&w->bytes, INDEX_VERSION);
    fbk__buf_uvarint(&w->bytes, w->n_keys);
    fbk__buf_uvarint(&w->bytes, w->n_blocks);
    fbk__buf_uvarint(&w->bytes, w->n_filter);
    fbk__buf_uvarint(&w->bytes, w->n_ranges);
    w->first[w->n_blocks] = w->last;
    for (int half = 0; rc >= 0 && half < 2; half++) {
        for (size_t i = 0; i < n; i++)
            v[i] = (int64_t)(half ? w->first[i].lo : w->first[i].hi);
        rc = fbk__codec_put_ints(&w->codec, &w->bytes, v, n);
    }
    fbk__free(w->a, v);
    if (rc >= 0)
        rc = ranges_put(w);
    return rc < 0 ? fbk__nomem(db) : run_write_piece(db, w, FBK__RUN_PIECE_INDEX);
}

fbk_status
fbk__run_save(fbk *db, const fbk__run_writer *w)
{
    static const char sql[] = "UPDATE log_run SET keys = ?2, bytes = ?3 WHERE run = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, w->id);
    fbk__bind_int64(st, 2, (int64_t)w->n_keys);
    fbk__bind_int64(st, 3, (int64_t)w->total_bytes);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__run_end_piece(fbk *db, fbk__run_writer *w)
{
    uint32_t at = w->filter_at;
    uint32_t n;
    fbk_status rc = range_end(db, w);

    while (rc >= 0 && w->block.n)
        rc = fbk__run_flush(db, w);
    if (rc < 0)
        return rc;
    filter_fold(w);
    n = w->n_filter - at < FILTER_PIECE ? w->n_filter - at : FILTER_PIECE;
    if (n) {
        fbk__buf_clear(&w->bytes);
        fbk__buf_add(&w->bytes, w->filter + (size_t)at * LINE_WORDS,
                     (size_t)n * LINE_WORDS * sizeof *w->filter);
        w->filter_at += n;
        return run_write_piece(db, w, FBK__RUN_PIECE_FILTER + at / FILTER_PIECE);
    }
    rc = run_write_index(db, w);
    if (rc >= 0)
        rc = fbk__run_save(db, w);
    return rc < 0 ? rc : FBK_DONE;
}

fbk_status
fbk__run_end(fbk *db, fbk__run_writer *w)
{
    fbk_status rc;

    do
        rc = fbk__run_end_piece(db, w);
    while (rc == FBK_OK);
    return rc < 0 ? rc : FBK_OK;
}

void
fbk__run_writer_free(fbk__run_writer *w)
{
    if (!w->a)
        return;
    fbk__codec_free(&w->codec);
    fbk__buf_free(&w->bytes);
    fbk__free(w->a, w->first);
    fbk__free(w->a, w->filter);
    fbk__free(w->a, w->ranges);
    memset(w, 0, sizeof *w);
}

fbk_status
fbk__run_forget(fbk *db, fbk__codec *c, const fbk__run *run, fbk__key key, fbk__run_block *block)
{
    uint32_t value;
    uint32_t at = 0;
    uint32_t n;
    fbk__buf buf;
    fbk_status rc = fbk__run_find(db, c, run, key, block, &value);

    if (rc != FBK_OK)
        return rc;
    while ((uint64_t)block->hi[at] != key.hi || (uint64_t)block->lo[at] != key.lo)
        at++;
    block->n--;
    memmove(block->hi + at, block->hi + at + 1, (block->n - at) * sizeof *block->hi);
    memmove(block->lo + at, block->lo + at + 1, (block->n - at) * sizeof *block->lo);
    memmove(block->value + at, block->value + at + 1, (block->n - at) * sizeof *block->value);
    fbk__buf_init(&buf, fbk__a(db));
    rc = block_put(c, &buf, block, block->n) < 0 ? fbk__nomem(db) : FBK_OK;
    if (rc >= 0) {
        int64_t id = fbk__run_piece(run->id, block->number);

        rc = fbk__chunk_clear(db, FBK__CHUNK_RUN, id, id, 1, &n);
        if (rc >= 0)
            rc = fbk__chunk_write(db, FBK__CHUNK_RUN, id, &buf);
    }
    block->run = 0; /* should it be taken back */
    fbk__buf_free(&buf);
    return rc;
}

/* -- life -------------------------------------------------------------------------------------- */

fbk_status
fbk__run_set_state(fbk *db, int64_t id, int state, int64_t now_us)
{
    static const char sql[] = "UPDATE log_run SET state = ?2, changed_us = ?3 WHERE run = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, id);
    fbk__bind_int64(st, 2, state);
    fbk__bind_int64(st, 3, now_us);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__run_clear(fbk *db, int64_t id, uint32_t most)
{
    static const char sql[] = "DELETE FROM log_run WHERE run = ?1";
    fbk__stmt *st = NULL;
    uint32_t n = 0;
    fbk_status rc = fbk__chunk_clear(db, FBK__CHUNK_RUN, fbk__run_piece(id, 0),
                                     fbk__run_piece(id, FBK__RUN_PIECE_INDEX), most, &n);

    if (rc < 0 || n >= most)
        return rc;
    rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, id);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_DONE;
}
