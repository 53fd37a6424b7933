/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/segment.h"

#include <string.h>

#include "log/chunk.h"
#include "log/clock.h"
#include "log/group.h"
#include "store/conn.h"

/* Where a chunk lies: segment, group of columns, frame, from the highest bits down. */
enum { FRAME_BITS = 22, GROUP_BITS = 6 };
/* The group behind the frames' own that holds the directory. */
enum { DIRECTORY = (1 << GROUP_BITS) - 1, DIRECTORY_VERSION = 1, N_FRAME_FACTS = 13 };

static int64_t
chunk_id(int64_t segment, unsigned group, uint32_t frame)
{
    return segment << (FRAME_BITS + GROUP_BITS) | (int64_t)group << FRAME_BITS | frame;
}

/* -- directory --------------------------------------------------------------------------------- */

static int64_t
frame_fact(const fbk__segment_frame *f, int fact)
{
    const int64_t facts[N_FRAME_FACTS] = {
        f->n.events, f->n.lines, f->n.extra,     f->n.props,     f->min_node, f->max_node, f->flags,
        f->min_us,   f->max_us,  f->min_arrival, f->max_arrival, f->chunk,    f->columns};

    return facts[fact];
}

static fbk_status
directory_put(fbk__codec *c, fbk__buf *out, const fbk__segment_frame *frames, size_t n,
              const fbk_allocator *a)
{
    int64_t *v = fbk__alloc(a, (n + 1) * sizeof *v);
    fbk_status rc = v ? FBK_OK : FBK_ENOMEM;

    fbk__buf_uvarint(out, DIRECTORY_VERSION);
    fbk__buf_uvarint(out, n);
    for (int fact = 0; rc >= 0 && fact < N_FRAME_FACTS; fact++) {
        for (size_t i = 0; i < n; i++)
            v[i] = frame_fact(&frames[i], fact);
        rc = fbk__codec_put_ints(c, out, v, n);
    }
    fbk__free(a, v);
    return rc;
}

/* One frame's facts, checked. */
static bool
directory_frame(const int64_t *v, size_t n, size_t i, fbk__segment_frame *f)
{
    int64_t x[N_FRAME_FACTS];

    for (int fact = 0; fact < N_FRAME_FACTS; fact++)
        x[fact] = v[(size_t)fact * n + i];
    for (int fact = 0; fact < 4; fact++) {
        if (x[fact] < 0 || x[fact] > FBK__CODEC_MAX_ROWS)
            return false;
    }
    if (x[0] == 0 || x[4] < 0 || x[4] > x[5] || x[5] > UINT32_MAX || x[7] > x[8] || x[9] > x[10] ||
        x[11] < 0 || x[11] >> FRAME_BITS || x[12] < 0 || x[12] >> FBK__N_FC)
        return false;
    f->n = (fbk__frame_size){(uint32_t)x[0], (uint32_t)x[1], (uint32_t)x[2], (uint32_t)x[3]};
    f->min_node = (uint32_t)x[4];
    f->max_node = (uint32_t)x[5];
    f->flags = (uint32_t)x[6];
    f->min_us = x[7];
    f->max_us = x[8];
    f->min_arrival = x[9];
    f->max_arrival = x[10];
    f->chunk = (uint32_t)x[11];
    f->columns = (uint32_t)x[12];
    return i == 0 || (f - 1)->max_node <= f->min_node;
}

static fbk_status
directory_get(fbk__codec *c, const void *bytes, size_t len, fbk__segment *s)
{
    fbk__reader in = {bytes, (const unsigned char *)bytes + len, false};
    uint64_t version = fbk__read_uvarint(&in);
    uint64_t n = fbk__read_uvarint(&in);
    int64_t *v;
    fbk_status rc = FBK_OK;

    if (in.bad || version != DIRECTORY_VERSION || n == 0 || n > FBK__CODEC_MAX_ROWS)
        return FBK_ECORRUPT;
    v = fbk__alloc(&s->a, n * N_FRAME_FACTS * sizeof *v);
    s->frames = fbk__calloc(&s->a, n, sizeof *s->frames);
    if (!v || !s->frames)
        rc = FBK_ENOMEM;
    for (int fact = 0; rc >= 0 && fact < N_FRAME_FACTS; fact++)
        rc = fbk__codec_get_ints(c, &in, v + (size_t)fact * n, n);
    s->n_frames = (uint32_t)n;
    s->min_us = s->min_arrival = INT64_MAX;
    s->max_us = s->max_arrival = INT64_MIN;
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        fbk__segment_frame *f = &s->frames[i];

        if (!directory_frame(v, n, i, f)) {
            rc = FBK_ECORRUPT;
            break;
        }
        s->next_chunk = f->chunk >= s->next_chunk ? f->chunk + 1 : s->next_chunk;
        s->n_events += f->n.events;
        s->n_lines += f->n.lines;
        s->min_us = f->min_us < s->min_us ? f->min_us : s->min_us;
        s->max_us = f->max_us > s->max_us ? f->max_us : s->max_us;
        s->min_arrival = f->min_arrival < s->min_arrival ? f->min_arrival : s->min_arrival;
        s->max_arrival = f->max_arrival > s->max_arrival ? f->max_arrival : s->max_arrival;
    }
    fbk__free(&s->a, v);
    return rc >= 0 && in.p != in.end ? FBK_ECORRUPT : rc;
}

static fbk_status
segment_facts(fbk *db, int64_t id, fbk__segment *s)
{
    static const char sql[] = "SELECT level, bytes, version FROM log_segment WHERE segment = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, id);
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        s->level = (uint32_t)fbk__column_int64(st, 0);
        s->bytes = (uint64_t)fbk__column_int64(st, 1);
        s->version = (uint64_t)fbk__column_int64(st, 2);
    }
    fbk__stmt_put(st);
    if (rc == FBK_DONE)
        return fbk__fail(db, FBK_ENOTFOUND, "segment %lld of the event log was not there",
                         (long long)id);
    return rc;
}

fbk_status
fbk__segment_load(fbk *db, int64_t id, fbk__segment **out)
{
    fbk__segment *s = fbk__calloc(fbk__a(db), 1, sizeof *s);
    fbk__stmt *st = NULL;
    const void *bytes = NULL;
    size_t len = 0;
    fbk__codec codec;
    fbk_status rc;

    if (!s)
        return fbk__nomem(db);
    s->refs = 1;
    s->a = *fbk__a(db);
    s->id = id;
    fbk__codec_init(&codec, fbk__a(db));
    rc = segment_facts(db, id, s);
    if (rc >= 0) {
        rc = fbk__chunk_open(db, FBK__CHUNK_SEGMENT, chunk_id(id, DIRECTORY, 0), &st, &bytes, &len);
        if (rc == FBK_OK)
            rc = directory_get(&codec, bytes, len, s);
        if (rc == FBK_DONE || rc == FBK_ECORRUPT)
            rc = fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT, chunk_id(id, DIRECTORY, 0));
        else if (rc == FBK_ENOMEM)
            rc = fbk__nomem(db);
        fbk__stmt_put(st);
    }
    fbk__codec_free(&codec);
    if (rc < 0)
        fbk__segment_unref(s);
    else
        *out = s;
    return rc;
}

fbk__segment *
fbk__segment_ref(fbk__segment *segment)
{
    (void)__atomic_add_fetch(&segment->refs, 1, __ATOMIC_ACQ_REL);
    return segment;
}

void
fbk__segment_unref(fbk__segment *segment)
{
    fbk_allocator a;

    if (!segment || __atomic_sub_fetch(&segment->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    a = segment->a;
    fbk__free(&a, segment->frames);
    fbk__free(&a, segment);
}

uint32_t
fbk__segment_find(const fbk__segment *segment, uint32_t node)
{
    uint32_t low = 0;
    uint32_t high = segment->n_frames;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (segment->frames[mid].max_node < node)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* -- what a frame says of itself ---------------------------------------------------------------
 * The first group, which no frame is without, begins with the sizes of its frame and which of the
 * other columns it has: so that a frame can be read by itself when the directory is lost. */

static void
head_put(fbk__buf *out, const fbk__frame_size *n, uint32_t columns)
{
    fbk__buf_uvarint(out, n->events);
    fbk__buf_uvarint(out, n->lines);
    fbk__buf_uvarint(out, n->extra);
    fbk__buf_uvarint(out, n->props);
    fbk__buf_uvarint(out, columns);
}

static fbk_status
head_get(fbk__reader *in, fbk__frame_size *n, uint32_t *columns)
{
    uint64_t x[5];

    for (int i = 0; i < 5; i++)
        x[i] = fbk__read_uvarint(in);
    for (int i = 0; i < 4; i++) {
        if (x[i] > FBK__CODEC_MAX_ROWS)
            return FBK_ECORRUPT;
    }
    if (in->bad || x[0] == 0 || x[4] >> FBK__N_FC || !(x[4] & 1u << FBK__EV_ARRIVAL))
        return FBK_ECORRUPT;
    *n = (fbk__frame_size){(uint32_t)x[0], (uint32_t)x[1], (uint32_t)x[2], (uint32_t)x[3]};
    *columns = (uint32_t)x[4];
    return FBK_OK;
}

/* It must be what the directory says. */
static fbk_status
head_check(const fbk__segment_frame *facts, const void **bytes, size_t *len)
{
    fbk__reader in = {*bytes, (const unsigned char *)*bytes + *len, false};
    fbk__frame_size n;
    uint32_t columns;
    fbk_status rc = head_get(&in, &n, &columns);

    if (rc < 0)
        return rc;
    if (memcmp(&n, &facts->n, sizeof n) != 0 || columns != facts->columns)
        return FBK_ECORRUPT;
    *bytes = in.p;
    *len = (size_t)(in.end - in.p);
    return FBK_OK;
}

/* -- reading ----------------------------------------------------------------------------------- */

/* A chunk that should be there is not: the segment was cleared away, or the frame replaced,
 * since the view was taken; else it is damage. */
static fbk_status
segment_missing(fbk *db, const fbk__segment *segment, int64_t id)
{
    static const char sql[] = "SELECT version FROM log_segment WHERE segment = ?1";
    fbk__stmt *st = NULL;
    bool same = false;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, segment->id);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        same = (uint64_t)fbk__column_int64(st, 0) == segment->version;
    fbk__stmt_put(st);
    if (rc >= 0 && same)
        rc = fbk__chunk_exists(db, FBK__CHUNK_SEGMENT, chunk_id(segment->id, DIRECTORY, 0));
    if (rc < 0)
        return rc;
    if (same && rc == FBK_OK)
        return fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT, id);
    return fbk__fail(db, FBK_EEXPIRED, "the snapshot of the event log was too old");
}

fbk_status
fbk__segment_damaged(fbk *db, const fbk__segment *segment, uint32_t frame)
{
    return fbk__fail(db, FBK_ECORRUPT, "frame %u of segment %lld of the event log was damaged",
                     frame, (long long)segment->id);
}

/* The chunk of a group, behind what *bytes holds. */
static fbk_status
fetch_group(fbk *db, const fbk__segment *segment, const fbk__segment_frame *facts, unsigned group,
            fbk__buf *bytes, fbk__stored stored[FBK__N_FC])
{
    int64_t id = chunk_id(segment->id, group, facts->chunk);
    fbk__slice slices[FBK__N_FC];
    fbk__stmt *st = NULL;
    const void *chunk = NULL;
    size_t len = 0;
    fbk_status rc = FBK_OK;

    if (facts->columns & fbk__group_columns(group)) {
        rc = fbk__chunk_open(db, FBK__CHUNK_SEGMENT, id, &st, &chunk, &len);
        if (rc == FBK_DONE) {
            fbk__stmt_put(st);
            return segment_missing(db, segment, id);
        }
    }
    if (rc >= 0 && group == FBK__GROUP_ARRIVAL && head_check(facts, &chunk, &len) < 0)
        rc = fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT, id);
    if (rc >= 0 && fbk__group_split(group, facts->columns, chunk, len, slices) < 0)
        rc = fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT, id);
    for (uint32_t left = fbk__group_columns(group); rc >= 0 && left; left &= left - 1) {
        const fbk__slice *slice = &slices[__builtin_ctz(left)];
        size_t skip = slice->len ? (size_t)((const char *)slice->bytes - (const char *)chunk) : 0;

        stored[__builtin_ctz(left)] = (fbk__stored){bytes->len + skip, slice->len};
    }
    if (rc >= 0 && chunk)
        fbk__buf_add(bytes, chunk, len);
    fbk__stmt_put(st);
    return rc >= 0 && bytes->failed ? fbk__nomem(db) : rc;
}

fbk_status
fbk__segment_fetch(fbk *db, const fbk__segment *segment, uint32_t frame, uint32_t columns,
                   fbk__buf *bytes, fbk__stored stored[FBK__N_FC], uint32_t *out_columns)
{
    fbk_status rc = fbk__read_begin(db);

    if (rc < 0)
        return rc;
    *out_columns = 0;
    for (unsigned group = 0; rc >= 0 && group < FBK__N_GROUPS; group++) {
        if (!(columns & fbk__group_columns(group)))
            continue;
        rc = fetch_group(db, segment, &segment->frames[frame], group, bytes, stored);
        *out_columns |= fbk__group_columns(group);
    }
    fbk__read_end(db);
    return rc;
}

fbk_status
fbk__segment_read(fbk *db, fbk__codec *c, const fbk__segment *segment, uint32_t frame,
                  uint32_t columns, fbk__frame *f)
{
    fbk__stored stored[FBK__N_FC];
    uint32_t fetched;
    fbk_status rc;

    fbk__frame_clear(f);
    f->columns = 0;
    rc = fbk__frame_reserve(f, segment->frames[frame].n);
    if (rc < 0)
        return fbk__nomem(db);
    f->n = segment->frames[frame].n;
    columns = fbk__frame_needs(columns);
    fbk__buf_clear(&c->frame_bytes);
    rc = fbk__segment_fetch(db, segment, frame, columns, &c->frame_bytes, stored, &fetched);
    for (uint32_t left = columns; rc >= 0 && left; left &= left - 1) {
        unsigned column = (unsigned)__builtin_ctz(left);
        const fbk__stored *at = &stored[column];

        rc = fbk__frame_get(c, f, column, at->len ? c->frame_bytes.data + at->at : NULL, at->len);
        if (rc == FBK_ECORRUPT)
            rc = fbk__segment_damaged(db, segment, frame);
        else if (rc == FBK_ENOMEM)
            rc = fbk__nomem(db);
    }
    return rc;
}

/* -- writing ----------------------------------------------------------------------------------- */

fbk_status
fbk__segment_begin(fbk *db, uint32_t level, int64_t owner, fbk__segment_writer *w)
{
    static const char sql[] =
        "INSERT INTO log_segment (state, level, owner, changed_us, version, events, bytes) "
        "VALUES (0, ?1, ?2, 0, 0, 0, 0)";
    fbk__stmt *st = NULL;
    fbk_status rc;

    memset(w, 0, sizeof *w);
    w->a = fbk__a(db);
    w->level = level;
    fbk__frame_init(&w->frame, w->a);
    fbk__codec_init(&w->codec, w->a);
    fbk__buf_init(&w->column, w->a);
    rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, level);
    fbk__bind_int64(st, 2, owner);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    w->id = rc < 0 ? 0 : fbk__last_rowid(db);
    return rc;
}

static void
facts_of_frame(const fbk__frame *f, uint32_t chunk, fbk__segment_frame *out)
{
    const int64_t *us = f->ev[FBK__EV_OCCURRED];
    const int64_t *arrival = f->ev[FBK__EV_ARRIVAL];
    uint32_t last = f->n.events - 1;

    *out = (fbk__segment_frame){.n = f->n,
                                .chunk = chunk,
                                .min_node = (uint32_t)f->ev[FBK__EV_NODE][0],
                                .max_node = (uint32_t)f->ev[FBK__EV_NODE][last],
                                .min_us = us[0],
                                .max_us = us[0],
                                .min_arrival = arrival[0],
                                .max_arrival = arrival[0]};
    for (uint32_t i = 0; i <= last; i++) {
        out->flags |= (uint32_t)f->ev[FBK__EV_FLAGS][i];
        out->min_us = us[i] < out->min_us ? us[i] : out->min_us;
        out->max_us = us[i] > out->max_us ? us[i] : out->max_us;
        out->min_arrival = arrival[i] < out->min_arrival ? arrival[i] : out->min_arrival;
        out->max_arrival = arrival[i] > out->max_arrival ? arrival[i] : out->max_arrival;
    }
}

/* The columns of a frame as chunks, a group each; *bytes grows by what they take. */
static fbk_status
frame_write(fbk *db, fbk__codec *c, fbk__buf *buf, int64_t segment, uint32_t chunk,
            const fbk__frame *f, uint32_t *columns, uint64_t *bytes)
{
    fbk_status rc = FBK_OK;

    *columns = 1u << FBK__EV_ARRIVAL;
    if (chunk >> FRAME_BITS)
        return fbk__fail(db, FBK_ETOOBIG, "a segment of the event log had too many frames");
    for (unsigned group = FBK__N_GROUPS; rc >= 0 && group-- > 0;) {
        fbk__buf_clear(buf);
        if (group == FBK__GROUP_ARRIVAL) /* the last one: the others are known now */
            head_put(buf, &f->n, *columns);
        rc = fbk__group_put(c, buf, f, group, columns);
        if (rc == FBK_ENOMEM)
            return fbk__nomem(db);
        if (rc >= 0 && buf->len) {
            rc = fbk__chunk_write(db, FBK__CHUNK_SEGMENT, chunk_id(segment, group, chunk), buf);
            *bytes += buf->len;
        }
    }
    return rc;
}

static fbk_status
segment_flush(fbk *db, fbk__segment_writer *w)
{
    uint32_t number = (uint32_t)w->n_frames;
    fbk_status rc;

    if (!w->frame.n.events)
        return FBK_OK;
    if (!fbk__grow(w->a, &w->frames, &w->frame_cap, w->n_frames + 1, sizeof *w->frames))
        return fbk__nomem(db);
    facts_of_frame(&w->frame, number, &w->frames[w->n_frames++]);
    rc = frame_write(db, &w->codec, &w->column, w->id, number, &w->frame,
                     &w->frames[number].columns, &w->bytes);
    fbk__frame_clear(&w->frame);
    w->frame_rows = 0;
    return rc;
}

fbk_status
fbk__segment_add(fbk *db, fbk__segment_writer *w, const fbk__frame *from,
                 const fbk__frame_index *index, uint32_t i)
{
    uint32_t rows = fbk__frame_rows(from, i);
    fbk_status rc = FBK_OK;

    if (w->frame.n.events && w->frame_rows + rows > FBK__FRAME_ROWS)
        rc = segment_flush(db, w);
    if (rc < 0)
        return rc;
    rc = fbk__frame_copy(&w->frame, from, index, i);
    if (rc < 0)
        return rc == FBK_ENOMEM ? fbk__nomem(db)
                                : fbk__fail(db, rc, "an event was too large for a frame");
    w->frame_rows += rows;
    return FBK_OK;
}

static fbk_status
segment_write_facts(fbk *db, int64_t id, uint64_t version, uint64_t events, uint64_t bytes)
{
    static const char sql[] =
        "UPDATE log_segment SET version = ?2, events = ?3, bytes = ?4 WHERE segment = ?1";
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, id);
    fbk__bind_int64(st, 2, (int64_t)version);
    fbk__bind_int64(st, 3, (int64_t)events);
    fbk__bind_int64(st, 4, (int64_t)bytes);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__segment_end(fbk *db, fbk__segment_writer *w)
{
    uint64_t events = 0;
    fbk_status rc = segment_flush(db, w);

    if (rc < 0)
        return rc;
    fbk__buf_clear(&w->column);
    rc = directory_put(&w->codec, &w->column, w->frames, w->n_frames, w->a);
    if (rc < 0)
        return fbk__nomem(db);
    rc = fbk__chunk_write(db, FBK__CHUNK_SEGMENT, chunk_id(w->id, DIRECTORY, 0), &w->column);
    w->bytes += w->column.len;
    for (size_t i = 0; i < w->n_frames; i++)
        events += w->frames[i].n.events;
    return rc < 0 ? rc : segment_write_facts(db, w->id, 0, events, w->bytes);
}

void
fbk__segment_writer_free(fbk__segment_writer *w)
{
    if (!w->a)
        return;
    fbk__frame_free(&w->frame);
    fbk__codec_free(&w->codec);
    fbk__buf_free(&w->column);
    fbk__free(w->a, w->frames);
    memset(w, 0, sizeof *w);
}

/* -- erasing ----------------------------------------------------------------------------------- */

fbk_status
fbk__segment_replace(fbk *db, fbk__codec *c, fbk__segment *segment, uint32_t frame,
                     const fbk__frame *with)
{
    fbk__segment_frame *f = &segment->frames[frame];
    uint32_t old = f->chunk;
    uint32_t n;
    fbk__buf buf;
    fbk_status rc = FBK_OK;

    for (unsigned group = 0; rc >= 0 && group < FBK__N_GROUPS; group++)
        rc = fbk__chunk_clear(db, FBK__CHUNK_SEGMENT, chunk_id(segment->id, group, old),
                              chunk_id(segment->id, group, old), 1, &n);
    if (rc < 0)
        return rc;
    segment->n_events -= f->n.events;
    segment->n_lines -= f->n.lines;
    if (!with->n.events) {
        segment->n_frames--;
        memmove(f, f + 1, (segment->n_frames - frame) * sizeof *f);
        return FBK_OK;
    }
    facts_of_frame(with, segment->next_chunk++, f);
    segment->n_events += f->n.events;
    segment->n_lines += f->n.lines;
    fbk__buf_init(&buf, fbk__a(db));
    rc = frame_write(db, c, &buf, segment->id, f->chunk, with, &f->columns, &segment->bytes);
    fbk__buf_free(&buf);
    return rc;
}

fbk_status
fbk__segment_rewrite(fbk *db, fbk__codec *c, fbk__segment *segment)
{
    int64_t id = chunk_id(segment->id, DIRECTORY, 0);
    uint32_t n;
    fbk__buf buf;
    fbk_status rc = fbk__chunk_clear(db, FBK__CHUNK_SEGMENT, id, id, 1, &n);

    if (rc < 0)
        return rc;
    segment->version++;
    if (!segment->n_frames)
        return fbk__segment_set_state(db, segment->id, FBK__SEGMENT_DEAD, fbk__log_now_us());
    fbk__buf_init(&buf, fbk__a(db));
    rc = directory_put(c, &buf, segment->frames, segment->n_frames, fbk__a(db));
    rc = rc < 0 ? fbk__nomem(db) : fbk__chunk_write(db, FBK__CHUNK_SEGMENT, id, &buf);
    fbk__buf_free(&buf);
    return rc < 0 ? rc
                  : segment_write_facts(db, segment->id, segment->version, segment->n_events,
                                        segment->bytes);
}

/* -- life -------------------------------------------------------------------------------------- */

fbk_status
fbk__segment_set_state(fbk *db, int64_t id, int state, int64_t now_us)
{
    static const char sql[] =
        "UPDATE log_segment SET state = ?2, changed_us = ?3 WHERE segment = ?1";
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
fbk__segment_clear(fbk *db, int64_t id, uint32_t most)
{
    static const char sql[] = "DELETE FROM log_segment WHERE segment = ?1";
    int64_t directory = chunk_id(id, DIRECTORY, 0);
    fbk__stmt *st = NULL;
    uint32_t n = 0;
    fbk_status rc;

    /* The directory first: a reader that finds a chunk missing then knows why. */
    rc = fbk__chunk_clear(db, FBK__CHUNK_SEGMENT, directory, directory, 1, &n);
    if (rc >= 0)
        rc = fbk__chunk_clear(db, FBK__CHUNK_SEGMENT, chunk_id(id, 0, 0), directory, most, &n);
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
