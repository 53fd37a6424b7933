/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/salvage.h"

#include <string.h>

#include "log/chunk.h"

typedef struct salvage {
    fbk__salvage *s;
    fbk *db;
    fbk__log_refs *refs;
    fbk__places chunks;
    fbk__map states; /* of the segments */
    bool states_known;
    fbk__keymap erased;
    fbk__bitset arrivals;
    fbk__state state;     /* of the damaged store, as far as known */
    fbk__log_total total; /* of what is copied */
    fbk__codec codec;
    fbk__frame frame;
    fbk__guess guess; /* of the segment at hand */
    fbk__buf bytes;
    fbk__refill refill;
    fbk__record **records; /* of the tail */
    size_t n_records;
    uint64_t tail_events;
    size_t record_cap;
} salvage;

/* -- which rows are whose ---------------------------------------------------------------------- */

const char *const fbk__log_hashed[] = {"log_chunk", "log_run_chunk", "log_tail", "log_node", NULL};

const char *
fbk__log_whose(int64_t rowid, const void *bytes, size_t len)
{
    size_t left = len;
    uint64_t hash;

    if (fbk__chunk_sound(FBK__CHUNK_SEGMENT, rowid, bytes, &left))
        return "log_chunk";
    left = len;
    if (fbk__chunk_sound(FBK__CHUNK_RUN, rowid, bytes, &left))
        return "log_run_chunk";
    if (fbk__nodes_sound(rowid, bytes, len))
        return "log_node";
    if (len < sizeof hash)
        return NULL;
    memcpy(&hash, (const char *)bytes + len - sizeof hash, sizeof hash);
    return hash == fbk__record_hash(rowid, bytes, len - sizeof hash) ? "log_tail" : NULL;
}

/* -- references -------------------------------------------------------------------------------- */

void
fbk__log_refs_init(fbk__log_refs *refs, const fbk_allocator *a)
{
    memset(refs, 0, sizeof *refs);
    refs->words.a = refs->items.a = refs->places.a = a;
}

void
fbk__log_refs_free(fbk__log_refs *refs)
{
    fbk__bitset_free(&refs->words);
    fbk__bitset_free(&refs->items);
    fbk__bitset_free(&refs->places);
}

bool
fbk__log_refs_add(fbk__log_refs *refs, const fbk__frame *f)
{
    static const int words[] = {FBK__EV_KIND, FBK__EV_SOURCE, FBK__EV_CHANNEL, FBK__EV_CURRENCY};
    bool ok = true;

    for (uint32_t i = 0; ok && i < f->n.events; i++) {
        for (size_t k = 0; ok && k < sizeof words / sizeof words[0]; k++)
            ok = fbk__bitset_add(&refs->words, (uint32_t)f->ev[words[k]][i]);
        ok = ok && fbk__bitset_add(&refs->places, (uint32_t)f->ev[FBK__EV_PLACE][i]);
        if (f->ev[FBK__EV_NODE][i] > refs->max_node)
            refs->max_node = (uint32_t)f->ev[FBK__EV_NODE][i];
    }
    for (uint32_t i = 0; ok && i < f->n.lines; i++)
        ok = fbk__bitset_add(&refs->items, (uint32_t)f->ln[FBK__LN_ITEM][i]);
    for (uint32_t i = 0; ok && i < f->n.props; i++)
        ok = fbk__bitset_add(&refs->words, (uint32_t)f->prop_key[i]);
    for (uint32_t i = 0; i < f->n.extra; i++) {
        if (f->extra[i] > refs->max_node)
            refs->max_node = (uint32_t)f->extra[i];
    }
    return ok;
}

/* -- chunks ------------------------------------------------------------------------------------ */

/* A chunk without its checksum; FBK_DONE when it is lost. */
static fbk_status
chunk_get(salvage *v, int64_t id, const void **bytes, size_t *len)
{
    fbk_status rc = FBK_DONE;

    for (size_t i = fbk__places_lower(&v->chunks, id);
         rc == FBK_DONE && i < v->chunks.n && v->chunks.at[i].rowid == id; i++) {
        rc = fbk__place_blob(v->s, &v->chunks.at[i], bytes, len);
        if (rc == FBK_OK && !fbk__chunk_sound(FBK__CHUNK_SEGMENT, id, *bytes, len))
            rc = FBK_DONE;
    }
    return rc;
}

/* -- small tables ------------------------------------------------------------------------------ */

static fbk_status
segment_row(void *user_data, const fbk__raw_row *row)
{
    salvage *v = user_data;
    fbk__raw_value x[9];
    uint64_t *slot;

    if (!fbk__raw_values(row, x, 9) || row->rowid < 1)
        return FBK_OK;
    slot = fbk__map_put(&v->states, (uint64_t)row->rowid, NULL);
    if (!slot)
        return fbk__nomem(v->db);
    *slot = (uint64_t)x[1].i;
    return FBK_OK;
}

static fbk_status
state_row(void *user_data, const fbk__raw_row *row)
{
    salvage *v = user_data;
    fbk__raw_value x[12];

    if (!fbk__raw_values(row, x, 12))
        return FBK_OK;
    v->state = (fbk__state){
        (uint64_t)x[1].i,
        (uint64_t)x[2].i,
        x[3].i,
        {(uint64_t)x[4].i, (uint64_t)x[5].i, (uint64_t)x[6].i, (uint64_t)x[7].i, x[8].i, x[9].i}};
    return FBK_OK;
}

static fbk_status
read_erased(salvage *v)
{
    static const char sql[] = "SELECT id FROM log_erased";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(v->db, sql, &st);

    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        size_t len;
        const void *bytes = fbk__column_blob(st, 0, &len);
        fbk__key key;

        if (len != sizeof key)
            continue;
        memcpy(&key, bytes, sizeof key);
        if (!fbk__keymap_put(&v->erased, key))
            rc = fbk__nomem(v->db);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
read_small(salvage *v)
{
    const fbk__salvage_table *segments = fbk__salvage_find(v->s, "log_segment");
    const fbk__salvage_table *state = fbk__salvage_find(v->s, "log_state");
    uint64_t lost = 0;
    fbk_status rc = fbk__raw_rows(&v->s->raw, segments->owner, segment_row, v, &lost);

    v->states_known = segments->root && !segments->lost && !lost;
    v->state.total.first_us = v->state.total.last_us = FBK_TIME_NONE;
    if (rc >= 0)
        rc = fbk__raw_rows(&v->s->raw, state->owner, state_row, v, &lost);
    return rc < 0 ? rc : read_erased(v);
}

/* -- events ------------------------------------------------------------------------------------ */

/* Whether an event counts: each number once, and none that was erased. */
static bool
event_wanted(const salvage *v, const fbk__frame *f, uint32_t i)
{
    const char *id = f->ids.bytes + f->ids.offsets[i];
    size_t len = f->ids.offsets[i + 1] - f->ids.offsets[i];

    return f->ev[FBK__EV_ARRIVAL][i] > 0 &&
           !fbk__bitset_has(&v->arrivals, (uint64_t)f->ev[FBK__EV_ARRIVAL][i]) &&
           !fbk__keymap_get(&v->erased, fbk__key_of_id(id, len));
}

static fbk_status
event_count(salvage *v, const fbk__frame *f, uint32_t i)
{
    uint64_t arrival = (uint64_t)f->ev[FBK__EV_ARRIVAL][i];
    int64_t us = f->ev[FBK__EV_OCCURRED][i];
    fbk__log_total *t = &v->total;

    if (!fbk__bitset_add(&v->arrivals, arrival))
        return fbk__nomem(v->db);
    t->events++;
    t->lines += (uint64_t)f->ev[FBK__EV_N_LINES][i];
    t->last_event = arrival > t->last_event ? arrival : t->last_event;
    if (t->first_us == FBK_TIME_NONE || us < t->first_us)
        t->first_us = us;
    if (t->last_us == FBK_TIME_NONE || us > t->last_us)
        t->last_us = us;
    return FBK_OK;
}

/* Bytes [at, at + len) of a segment's stream into v->bytes. FBK_DONE when a piece of them is lost:
 * *lost is its number. What is behind the end of a piece that is not full is missing too. */
static fbk_status
stream_read(salvage *v, int64_t segment, uint64_t at, size_t len, uint64_t *lost)
{
    fbk__buf_clear(&v->bytes);
    while (len) {
        size_t from = (size_t)(at % FBK__STREAM_PIECE) + FBK__STREAM_HEAD;
        const void *bytes = NULL;
        size_t have = 0;
        size_t n;
        fbk_status rc;

        *lost = at / FBK__STREAM_PIECE;
        rc = chunk_get(v, fbk__segment_piece(segment, (uint32_t)*lost), &bytes, &have);
        if (rc != FBK_OK)
            return rc;
        n = have < from ? 0 : have - from;
        n = n < len ? n : len;
        fbk__buf_add(&v->bytes, (const char *)bytes + from, n);
        if (v->bytes.failed)
            return fbk__nomem(v->db);
        if (n < len && from + n != FBK__STREAM_HEAD + FBK__STREAM_PIECE)
            return FBK_DONE;
        at += n;
        len -= n;
    }
    return FBK_OK;
}

static fbk_status
frame_copy(salvage *v)
{
    fbk__frame_index index = {NULL, NULL, NULL};
    fbk_status rc = fbk__frame_index_make(&v->frame, &index);

    if (rc >= 0 && !fbk__log_refs_add(v->refs, &v->frame))
        rc = FBK_ENOMEM;
    if (rc == FBK_ENOMEM)
        rc = fbk__nomem(v->db);
    for (uint32_t i = 0; rc >= 0 && i < v->frame.n.events; i++) {
        if (!event_wanted(v, &v->frame, i))
            continue;
        rc = fbk__refill_add(&v->refill, &v->frame, &index, i);
        if (rc >= 0)
            rc = event_count(v, &v->frame, i);
    }
    fbk__frame_index_free(&index, fbk__a(v->db));
    return rc;
}

static fbk_status
frame_lost(salvage *v, int64_t segment, uint64_t at, uint32_t events)
{
    v->s->result.n_frames_lost++;
    return fbk__salvage_lost(v->s, "a frame of %u events was lost, at byte %llu of segment %lld",
                             events, (unsigned long long)at, (long long)segment);
}

/* The frame in v->bytes. */
static fbk_status
frame_salvage(salvage *v, int64_t segment, uint64_t at, uint32_t events)
{
    fbk_status rc = fbk__segment_decode(&v->codec, v->bytes.data, v->bytes.len, &v->frame);

    if (rc >= 0)
        rc = frame_copy(v);
    if (rc == FBK_ECORRUPT)
        return frame_lost(v, segment, at, events);
    return rc == FBK_ENOMEM ? fbk__nomem(v->db) : rc;
}

/* The frames that the directory tells, in their order; FBK_DONE when it is lost. */
static fbk_status
segment_by_directory(salvage *v, int64_t segment)
{
    fbk__segment d = {.a = *fbk__a(v->db)};
    const void *bytes;
    uint64_t lost;
    size_t len;
    fbk_status rc = chunk_get(v, fbk__segment_piece(segment, FBK__SEGMENT_DIRECTORY), &bytes, &len);

    if (rc == FBK_OK)
        rc = fbk__segment_directory(&v->codec, bytes, len, &d);
    for (uint32_t k = 0; rc == FBK_OK && k < d.n_frames; k++) {
        const fbk__segment_frame *f = &d.frames[k];

        rc = stream_read(v, segment, f->at, f->len, &lost);
        if (rc == FBK_OK)
            rc = frame_salvage(v, segment, f->at, f->n.events);
        else if (rc == FBK_DONE)
            rc = frame_lost(v, segment, f->at, f->n.events);
    }
    fbk__free(&d.a, d.frames);
    return rc == FBK_ECORRUPT ? FBK_DONE : rc;
}

/* Where the first frame begins that begins in piece `piece` or behind it. */
static fbk_status
stream_resume(salvage *v, int64_t segment, uint64_t piece, uint64_t *at)
{
    *at = (piece + 1) * FBK__STREAM_PIECE;
    if (piece < FBK__STREAM_PIECES) {
        const unsigned char *bytes;
        const void *row = NULL;
        size_t len = 0;
        fbk_status rc = chunk_get(v, fbk__segment_piece(segment, (uint32_t)piece), &row, &len);

        bytes = row;
        if (rc < 0)
            return rc;
        if (rc == FBK_OK && len >= FBK__STREAM_HEAD) {
            uint32_t mark = (uint32_t)(bytes[0] | bytes[1] << 8);

            if (mark < FBK__STREAM_PIECE)
                *at = piece * FBK__STREAM_PIECE + mark;
        }
    }
    return FBK_OK;
}

/* The frame that begins at *at, which becomes where to go on. */
static fbk_status
segment_next(salvage *v, int64_t segment, uint64_t *at)
{
    uint64_t begin = *at;
    uint64_t lost = begin / FBK__STREAM_PIECE;
    uint32_t events = 0;
    size_t len = 0;
    fbk_status rc = stream_read(v, segment, begin, FBK__SEGMENT_HEAD, &lost);

    if (rc < 0)
        return rc;
    if (v->bytes.len && v->bytes.data[0] == 0) { /* was erased: no frame begins with zero */
        ++*at;
        return FBK_OK;
    }
    if (!v->bytes.len || fbk__segment_frame_len(v->bytes.data, v->bytes.len, &len, &events) < 0)
        return stream_resume(v, segment, begin / FBK__STREAM_PIECE + 1, at);
    rc = stream_read(v, segment, begin, len, &lost);
    if (rc == FBK_OK) {
        *at = begin + len;
        return frame_salvage(v, segment, begin, events);
    }
    if (rc >= 0)
        rc = frame_lost(v, segment, begin, events);
    return rc < 0 ? rc : stream_resume(v, segment, lost + 1, at);
}

/* Without its directory: frame after frame, and after a lost piece from the next one that says
 * where a frame begins in it. */
static fbk_status
segment_by_pieces(salvage *v, int64_t segment, size_t first)
{
    size_t end = fbk__places_lower(&v->chunks, fbk__segment_piece(segment, FBK__STREAM_PIECES));
    bool any = end > first;
    uint64_t last =
        any ? (uint64_t)(v->chunks.at[end - 1].rowid - fbk__segment_piece(segment, 0)) : 0;
    uint64_t at = 0;
    fbk_status rc =
        fbk__salvage_lost(v->s, "the directory of segment %lld was damaged", (long long)segment);

    while (rc >= 0 && any && at / FBK__STREAM_PIECE <= last)
        rc = segment_next(v, segment, &at);
    return rc;
}

/* What the segment knows, from either of its two places. */
static fbk_status
guess_salvage(salvage *v, int64_t segment)
{
    static const uint32_t rows[2] = {FBK__SEGMENT_GUESS, FBK__SEGMENT_GUESS_COPY};
    fbk_status rc = FBK_DONE;

    for (int i = 0; rc == FBK_DONE && i < 2; i++) {
        const void *bytes;
        size_t len;

        fbk__guess_free(&v->guess);
        rc = chunk_get(v, fbk__segment_piece(segment, rows[i]), &bytes, &len);
        if (rc == FBK_OK)
            rc = fbk__segment_guess_get(&v->codec, bytes, len, &v->guess);
        if (rc == FBK_ECORRUPT)
            rc = FBK_DONE;
    }
    if (rc == FBK_DONE)
        fbk__guess_free(&v->guess);
    v->frame.guess = rc == FBK_OK ? &v->guess : NULL;
    return rc == FBK_ENOMEM ? fbk__nomem(v->db) : rc;
}

/* A segment whose first row is chunks.at[first]. */
static fbk_status
segment_salvage(salvage *v, int64_t segment, size_t first)
{
    const uint64_t *state = fbk__map_get(&v->states, (uint64_t)segment);
    fbk_status rc;

    /* One that is not known was cleared away, unless its row is what was lost. */
    if (state ? *state != FBK__SEGMENT_LIVE : v->states_known)
        return FBK_OK;
    rc = guess_salvage(v, segment);
    if (rc >= 0)
        rc = segment_by_directory(v, segment);
    return rc == FBK_DONE ? segment_by_pieces(v, segment, first) : rc;
}

/* The newest segment first: where the states are lost, what was merged comes before its parts. */
static fbk_status
segments_salvage(salvage *v)
{
    size_t end = v->chunks.n;
    fbk_status rc = FBK_OK;

    while (rc >= 0 && end > 0) {
        int64_t segment = v->chunks.at[end - 1].rowid >> FBK__STREAM_PIECES_LOG2;
        size_t first = fbk__places_lower(&v->chunks, fbk__segment_piece(segment, 0));

        if (segment > 0)
            rc = segment_salvage(v, segment, first);
        /* Each step takes one away at least: a number may be anything. */
        end = first < end ? first : end - 1;
    }
    return rc < 0 ? rc : fbk__refill_end(&v->refill);
}

/* Segments of which no chunk was found at all. */
static fbk_status
segments_missing(salvage *v)
{
    size_t at = 0;
    uint64_t segment;
    uint64_t state;
    fbk_status rc = FBK_OK;

    while (rc >= 0 && fbk__map_next(&v->states, &at, &segment, &state)) {
        size_t i = fbk__places_lower(&v->chunks, fbk__segment_piece((int64_t)segment, 0));

        if (state != FBK__SEGMENT_LIVE ||
            (i < v->chunks.n &&
             v->chunks.at[i].rowid >> FBK__STREAM_PIECES_LOG2 == (int64_t)segment))
            continue;
        rc = fbk__salvage_lost(v->s, "segment %llu was lost as a whole",
                               (unsigned long long)segment);
    }
    return rc;
}

/* -- tail -------------------------------------------------------------------------------------- */

static fbk_status
tail_keep(salvage *v, fbk__record *record)
{
    for (uint32_t i = 0; i < record->frame.n.events; i++) {
        if (!event_wanted(v, &record->frame, i)) {
            fbk__record_unref(record);
            return FBK_OK;
        }
    }
    if (!fbk__log_refs_add(v->refs, &record->frame) ||
        !fbk__grow(fbk__a(v->db), &v->records, &v->record_cap, v->n_records + 1,
                   sizeof(fbk__record *))) {
        fbk__record_unref(record);
        return fbk__nomem(v->db);
    }
    v->records[v->n_records++] = record;
    return FBK_OK;
}

static fbk_status
tail_read(salvage *v)
{
    fbk__places tail = {NULL, 0, 0, v->s};
    fbk_status rc = fbk__places_gather(v->s, "log_tail", &tail);

    for (size_t i = 0; rc >= 0 && i < tail.n; i++) {
        fbk__record *record = NULL;
        const void *bytes;
        size_t len;

        /* What is sealed is in the segments. */
        if (tail.at[i].rowid <= v->state.sealed_seq ||
            (i && tail.at[i].rowid == tail.at[i - 1].rowid))
            continue;
        rc = fbk__place_blob(v->s, &tail.at[i], &bytes, &len);
        if (rc == FBK_OK)
            rc = fbk__record_unpack(v->db, &v->codec, tail.at[i].rowid, bytes, len, &record);
        if (rc == FBK_OK) {
            rc = tail_keep(v, record);
        } else if (rc == FBK_DONE || rc == FBK_ECORRUPT) {
            v->s->result.n_records_lost++;
            rc = fbk__salvage_lost(v->s, "record %lld of the event log was damaged",
                                   (long long)tail.at[i].rowid);
        }
    }
    fbk__free(fbk__a(v->db), tail.at);
    return rc < 0 ? rc : FBK_OK;
}

/* The records as they came, but for the identifiers, which were sealed, and the totals. */
static fbk_status
tail_write(salvage *v)
{
    static const char sql[] = "INSERT INTO log_tail (seq, record) VALUES (?1, ?2)";
    fbk__buf bytes;
    fbk_status rc = FBK_OK;

    fbk__buf_init(&bytes, fbk__a(v->db));
    for (size_t i = 0; rc >= 0 && i < v->n_records; i++) {
        fbk__record *r = v->records[i];
        fbk__stmt *st = NULL;

        for (uint32_t k = 0; rc >= 0 && k < r->frame.n.events; k++)
            rc = event_count(v, &r->frame, k);
        v->tail_events += r->frame.n.events;
        r->total = v->total;
        r->first_node = (uint32_t)v->total.nodes + 1;
        r->n_nodes = 0;
        if (rc >= 0)
            rc = fbk__record_pack(v->db, &v->codec, r, &bytes);
        if (rc >= 0)
            rc = fbk__stmt_get(v->db, sql, &st);
        if (rc < 0)
            break;
        fbk__bind_int64(st, 1, r->seq);
        fbk__bind_blob(st, 2, bytes.data, bytes.len);
        rc = fbk__step_done(st);
        fbk__stmt_put(st);
    }
    fbk__buf_free(&bytes);
    return rc;
}

/* -- all of it --------------------------------------------------------------------------------- */

static fbk_status
erased_write(salvage *v)
{
    static const char sql[] = "SELECT id FROM log_erased";
    fbk__key_list list = {NULL, NULL, 0, 0, 0};
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(v->db, sql, &st);

    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        size_t len;
        const void *bytes = fbk__column_blob(st, 0, &len);
        fbk__key key;

        if (len != sizeof key)
            continue;
        memcpy(&key, bytes, sizeof key);
        rc = fbk__key_list_add(v->db, &list, key, 0);
    }
    fbk__stmt_put(st);
    if (rc >= 0)
        rc = fbk__key_list_write(v->db, &list, FBK__RUN_IDS);
    fbk__key_list_free(v->db, &list);
    return rc;
}

static fbk_status
write_rest(salvage *v)
{
    fbk__state state = v->state;
    fbk_status rc = erased_write(v);

    if (rc >= 0)
        rc = fbk__words_restore(v->s, &v->refs->words);
    state.epoch = v->state.epoch + 1;
    if (v->n_records)
        state.sealed_seq = v->records[0]->seq - 1;
    state.total = v->total;
    if (v->state.total.last_event > state.total.last_event)
        state.total.last_event = v->total.last_event = v->state.total.last_event;
    if (rc >= 0)
        rc = fbk__state_write(v->db, &state);
    return rc < 0 ? rc : tail_write(v);
}

static fbk_status
salvage_all(salvage *v)
{
    fbk_status rc = read_small(v);

    if (rc >= 0)
        rc = fbk__places_gather(v->s, "log_chunk", &v->chunks);
    if (rc >= 0)
        rc = segments_missing(v);
    if (rc >= 0)
        rc = segments_salvage(v);
    if (rc >= 0)
        rc = tail_read(v);
    if (rc < 0)
        return rc;
    rc = fbk__write_begin(v->db);
    if (rc < 0)
        return rc;
    v->total.nodes = v->state.total.nodes <= UINT32_MAX ? v->state.total.nodes : 0;
    rc = fbk__nodes_salvage(v->s, v->refs, v->records, v->n_records, &v->total.nodes);
    if (rc >= 0)
        rc = write_rest(v);
    return fbk__write_end(v->db, rc);
}

static void
salvage_init(salvage *v, fbk__salvage *s, fbk__log_refs *refs)
{
    const fbk_allocator *a = fbk__a(s->db);

    memset(v, 0, sizeof *v);
    v->s = v->chunks.s = s;
    v->db = v->refill.db = s->db;
    v->refs = refs;
    v->total.first_us = v->total.last_us = FBK_TIME_NONE;
    v->arrivals.a = a;
    fbk__map_init(&v->states, a);
    fbk__keymap_init(&v->erased, a);
    fbk__codec_init(&v->codec, a);
    fbk__frame_init(&v->frame, a);
    fbk__guess_init(&v->guess, a);
    fbk__buf_init(&v->bytes, a);
}

fbk_status
fbk__log_salvage(fbk__salvage *s, fbk__log_refs *refs, uint64_t *out_events)
{
    const fbk_allocator *a = fbk__a(s->db);
    salvage v;
    fbk_status rc;

    salvage_init(&v, s, refs);
    rc = salvage_all(&v);
    fbk__refill_free(&v.refill, rc);
    *out_events = v.state.total.events + v.tail_events;
    s->result.n_events = v.total.events;
    s->result.n_lines = v.total.lines;
    for (size_t i = 0; i < v.n_records; i++)
        fbk__record_unref(v.records[i]);
    fbk__free(a, v.records);
    fbk__free(a, v.chunks.at);
    fbk__map_free(&v.states);
    fbk__keymap_free(&v.erased);
    fbk__bitset_free(&v.arrivals);
    fbk__frame_free(&v.frame);
    fbk__guess_free(&v.guess);
    fbk__buf_free(&v.bytes);
    fbk__codec_free(&v.codec);
    return rc;
}
