/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/segment.h"

#include <string.h>

#include "log/chunk.h"
#include "log/clock.h"
#include "log/segment_file.h"
#include "store/conn.h"

int64_t
fbk__segment_piece(int64_t segment, uint32_t piece)
{
    return segment << FBK__STREAM_PIECES_LOG2 | piece;
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
    fbk__guess_init(&s->guess, &s->a);
    fbk__codec_init(&codec, fbk__a(db));
    rc = segment_facts(db, id, s);
    if (rc >= 0) {
        rc = fbk__chunk_open(db, FBK__CHUNK_SEGMENT, fbk__segment_piece(id, FBK__SEGMENT_DIRECTORY),
                             &st, &bytes, &len);
        if (rc == FBK_OK)
            rc = fbk__segment_directory(&codec, bytes, len, s);
        if (rc == FBK_DONE || rc == FBK_ECORRUPT)
            rc = fbk__chunk_damaged(db, FBK__CHUNK_SEGMENT,
                                    fbk__segment_piece(id, FBK__SEGMENT_DIRECTORY));
        else if (rc == FBK_ENOMEM)
            rc = fbk__nomem(db);
        fbk__stmt_put(st);
    }
    if (rc >= 0)
        rc = fbk__segment_guess_load(db, &codec, id, &s->guess);
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
    fbk__guess_free(&segment->guess);
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

/* -- reading ----------------------------------------------------------------------------------- */

fbk_status
fbk__segment_damaged(fbk *db, const fbk__segment *segment, uint32_t frame)
{
    return fbk__fail(db, FBK_ECORRUPT, "frame %u of segment %lld of the event log was damaged",
                     frame, (long long)segment->id);
}

/* A frame that should be there is not: the segment was cleared away, or the frame replaced,
 * since the view was taken; else it is damage. */
static fbk_status
segment_missing(fbk *db, const fbk__segment *segment, uint32_t frame)
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
        rc = fbk__chunk_exists(db, FBK__CHUNK_SEGMENT,
                               fbk__segment_piece(segment->id, FBK__SEGMENT_DIRECTORY));
    if (rc < 0)
        return rc;
    if (same && rc == FBK_OK)
        return fbk__segment_damaged(db, segment, frame);
    return fbk__fail(db, FBK_EEXPIRED, "the snapshot of the event log was too old");
}

/* What is read of a frame: its bytes [from, to) lie at `at` of the buffer. */
typedef struct fetch {
    fbk *db;
    const fbk__segment *segment;
    uint32_t frame;
    uint32_t columns; /* that lie in what was read */
    fbk__buf *bytes;
    fbk__stored *stored;
    size_t from, to, at;
    fbk__frame_head head;
} fetch;

static fbk_status
fetch_range(fetch *r, size_t from, size_t to)
{
    const fbk__segment_frame *facts = &r->segment->frames[r->frame];
    fbk_status rc;
    char *room;

    if (from >= to)
        return FBK_OK;
    room = fbk__buf_room(r->bytes, to - from);
    if (!room)
        return fbk__nomem(r->db);
    if (from != r->to) {
        r->from = from;
        r->at = r->bytes->len;
    }
    rc = fbk__stream_get(r->db, fbk__segment_piece(r->segment->id, 0), facts->at + from, to - from,
                         room);
    r->bytes->len += to - from;
    r->to = to;
    return rc == FBK_DONE ? segment_missing(r->db, r->segment, r->frame) : rc;
}

/* The head; with it comes the rest of its piece. */
static fbk_status
fetch_head(fetch *r)
{
    const fbk__segment_frame *facts = &r->segment->frames[r->frame];
    size_t first = FBK__STREAM_PIECE - (size_t)(facts->at % FBK__STREAM_PIECE);
    fbk_status rc;

    first = first < FBK__SEGMENT_HEAD ? FBK__SEGMENT_HEAD : first;
    r->at = r->bytes->len;
    rc = fetch_range(r, 0, first < facts->len ? first : facts->len);
    if (rc < 0)
        return rc;
    rc = fbk__frame_head_get(r->bytes->data + r->at, r->to, facts->len, &r->head);
    if (rc < 0 || memcmp(&r->head.n, &facts->n, sizeof r->head.n) != 0 ||
        r->head.columns != facts->columns)
        return segment_missing(r->db, r->segment, r->frame);
    return FBK_OK;
}

/* Columns that are needed and lie less than a piece apart are read at once. */
static fbk_status
fetch_columns(fetch *r, uint32_t columns)
{
    size_t start[FBK__N_FC + 1] = {r->head.size};

    for (int i = 0; i < FBK__N_FC; i++)
        start[i + 1] = start[i] + r->head.len[fbk__frame_layout[i]];
    for (int i = 0; i < FBK__N_FC; i++) {
        unsigned column = fbk__frame_layout[i];

        if (columns & 1u << column && start[i + 1] > r->to) {
            int last = i;
            fbk_status rc;

            for (int k = i + 1; k < FBK__N_FC && start[k] < start[last + 1] + FBK__STREAM_PIECE;
                 k++)
                last = columns & 1u << fbk__frame_layout[k] ? k : last;
            rc = fetch_range(r, start[i] > r->to + FBK__STREAM_PIECE ? start[i] : r->to,
                             start[last + 1]);
            if (rc < 0)
                return rc;
        }
        if (start[i] == start[i + 1])
            r->stored[column] = (fbk__stored){0, 0};
        else if (start[i] >= r->from && start[i + 1] <= r->to)
            r->stored[column] = (fbk__stored){r->at + start[i] - r->from, start[i + 1] - start[i]};
        else
            continue;
        r->columns |= 1u << column;
    }
    return FBK_OK;
}

fbk_status
fbk__segment_fetch(fbk *db, const fbk__segment *segment, uint32_t frame, uint32_t columns,
                   fbk__buf *bytes, fbk__stored stored[FBK__N_FC], uint32_t *out_columns)
{
    fetch r = {.db = db, .segment = segment, .frame = frame, .bytes = bytes, .stored = stored};
    fbk_status rc = fbk__read_begin(db);

    if (rc < 0)
        return rc;
    rc = fetch_head(&r);
    if (rc >= 0)
        rc = fetch_columns(&r, columns);
    fbk__read_end(db);
    *out_columns = r.columns;
    return rc;
}

fbk_status
fbk__segment_unpack(fbk *db, fbk__codec *c, const fbk__segment *segment, uint32_t frame,
                    uint32_t columns, const char *bytes, const fbk__stored stored[FBK__N_FC],
                    fbk__frame *f)
{
    fbk_status rc;

    fbk__frame_clear(f);
    f->columns = 0;
    rc = fbk__frame_reserve(f, segment->frames[frame].n);
    if (rc < 0)
        return fbk__nomem(db);
    f->n = segment->frames[frame].n;
    f->guess = &segment->guess;
    for (int i = 0; rc >= 0 && i < FBK__N_FC; i++) {
        unsigned column = fbk__frame_layout[i];
        const fbk__stored *at = &stored[column];

        if (!(columns & 1u << column))
            continue;
        rc = fbk__frame_get(c, f, column, at->len ? bytes + at->at : NULL, at->len);
        if (rc == FBK_ECORRUPT)
            rc = fbk__segment_damaged(db, segment, frame);
        else if (rc == FBK_ENOMEM)
            rc = fbk__nomem(db);
    }
    f->guess = NULL;
    return rc;
}

fbk_status
fbk__segment_read(fbk *db, fbk__codec *c, const fbk__segment *segment, uint32_t frame,
                  uint32_t columns, fbk__frame *f)
{
    fbk__stored stored[FBK__N_FC];
    uint32_t fetched;
    fbk_status rc;

    columns = fbk__frame_needs(columns);
    fbk__buf_clear(&c->frame_bytes);
    rc = fbk__segment_fetch(db, segment, frame, columns, &c->frame_bytes, stored, &fetched);
    return rc < 0 ? rc
                  : fbk__segment_unpack(db, c, segment, frame, columns, c->frame_bytes.data, stored,
                                        f);
}

/* -- writing ----------------------------------------------------------------------------------- */

/* A writer may outlive the connection that began it, so that its memory is the store's. */
void
fbk__segment_writer_init(fbk *db, fbk__segment_writer *w)
{
    memset(w, 0, sizeof *w);
    w->a = fbk__store_allocator(db);
    fbk__frame_init(&w->frame, w->a);
    fbk__codec_init(&w->codec, w->a);
    fbk__buf_init(&w->bytes_of_frame, w->a);
    fbk__guess_init(&w->guess, w->a);
}

fbk_status
fbk__segment_begin(fbk *db, uint32_t level, int64_t owner, fbk__segment_writer *w)
{
    static const char sql[] =
        "INSERT INTO log_segment (state, level, owner, target, changed_us, version, events, bytes) "
        "VALUES (0, ?1, ?2, 0, 0, 0, 0, 0)";
    fbk__stmt *st = NULL;
    fbk_status rc;

    fbk__segment_writer_init(db, w);
    rc = fbk__stmt_get(db, sql, &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, level);
    fbk__bind_int64(st, 2, owner);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    w->id = rc < 0 ? 0 : fbk__last_rowid(db);
    fbk__stream_init(&w->stream, w->a, fbk__segment_piece(w->id, 0), 0);
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

/* A frame at the end of a stream; `facts` are told where. */
static fbk_status
frame_write(fbk *db, fbk__codec *c, fbk__stream *stream, fbk__buf *buf, const fbk__frame *f,
            fbk__segment_frame *facts)
{
    fbk__buf *columns = &c->frame_bytes;
    fbk__frame_head head = {.n = f->n};
    fbk_status rc = FBK_OK;

    fbk__buf_clear(columns);
    for (int i = 0; rc >= 0 && i < FBK__N_FC; i++) {
        unsigned column = fbk__frame_layout[i];
        size_t before = columns->len;

        rc = fbk__frame_put(c, columns, f, column);
        head.len[column] = (uint32_t)(columns->len - before);
        facts->columns |= (uint32_t)(columns->len > before) << column;
    }
    fbk__buf_clear(buf);
    fbk__frame_head_put(buf, &head);
    if (rc < 0 || buf->failed || columns->failed)
        return fbk__nomem(db);
    if (buf->len + columns->len > FBK__FRAME_BYTES_MAX)
        return fbk__fail(db, FBK_ETOOBIG, "a frame of the event log was too large");
    facts->at = stream->len;
    facts->len = (uint32_t)(buf->len + columns->len);
    /* One thing, for the pieces know where things begin. */
    fbk__buf_add(buf, columns->data, columns->len);
    return buf->failed ? fbk__nomem(db) : fbk__stream_put(db, stream, buf->data, buf->len);
}

fbk_status
fbk__segment_flush(fbk *db, fbk__segment_writer *w)
{
    uint32_t number = (uint32_t)w->n_frames;
    fbk_status rc;

    if (!w->frame.n.events)
        return FBK_OK;
    if (!fbk__grow(w->a, &w->frames, &w->frame_cap, w->n_frames + 1, sizeof *w->frames))
        return fbk__nomem(db);
    facts_of_frame(&w->frame, number, &w->frames[w->n_frames++]);
    w->frame.guess = w->knows ? &w->guess : NULL;
    rc = frame_write(db, &w->codec, &w->stream, &w->bytes_of_frame, &w->frame, &w->frames[number]);
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
        rc = fbk__segment_flush(db, w);
    if (rc < 0)
        return rc;
    rc = fbk__frame_copy(&w->frame, from, index, i);
    if (rc < 0)
        return rc == FBK_ENOMEM ? fbk__nomem(db)
                                : fbk__fail(db, rc, "an event was too large for a frame");
    w->frame_rows += rows;
    return FBK_OK;
}

fbk_status
fbk__segment_add_all(fbk *db, fbk__segment_writer *w, const fbk__event_at *events,
                     const fbk__sort_item *order, size_t n)
{
    fbk__event_at some[FBK__FRAME_ROWS]; /* that go into one frame */
    uint32_t n_some = 0;
    fbk_status rc = FBK_OK;

    for (size_t i = 0; rc >= 0 && i <= n; i++) {
        const fbk__event_at *e = i < n ? &events[order[i].row] : NULL;
        uint32_t rows = e ? fbk__frame_rows(e->frame, e->event) : 0;
        bool full = (n_some || w->frame.n.events) && w->frame_rows + rows > FBK__FRAME_ROWS;

        if (!e || full) {
            rc = fbk__frame_gather(&w->frame, some, n_some, (1u << FBK__N_FC) - 1);
            n_some = 0;
            if (rc < 0)
                return rc == FBK_ENOMEM ? fbk__nomem(db)
                                        : fbk__fail(db, rc, "an event was too large for a frame");
        }
        if (full)
            rc = fbk__segment_flush(db, w);
        if (e)
            some[n_some++] = *e;
        w->frame_rows += rows;
    }
    return rc;
}

fbk_status
fbk__segment_write_facts(fbk *db, int64_t id, uint64_t version, uint64_t events, uint64_t bytes)
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
    fbk__buf *buf = &w->bytes_of_frame;
    uint64_t events = 0;
    uint32_t n;
    fbk_status rc = fbk__segment_flush(db, w);

    if (rc >= 0)
        rc = fbk__stream_end(db, &w->stream);
    if (rc >= 0 && w->knows)
        rc = fbk__segment_guess_write(db, w, FBK__SEGMENT_GUESS_COPY);
    if (rc >= 0 && w->n_parts)
        rc = fbk__chunk_clear(db, FBK__CHUNK_SEGMENT, fbk__segment_part(w->id, w->n_parts - 1),
                              fbk__segment_part(w->id, 0), w->n_parts, &n);
    if (rc < 0)
        return rc;
    fbk__buf_clear(buf);
    rc = fbk__directory_put(&w->codec, buf, w->frames, w->n_frames, w->a);
    if (rc < 0)
        return fbk__nomem(db);
    rc = fbk__chunk_write(db, FBK__CHUNK_SEGMENT, fbk__segment_piece(w->id, FBK__SEGMENT_DIRECTORY),
                          buf);
    for (size_t i = 0; i < w->n_frames; i++)
        events += w->frames[i].n.events;
    w->bytes = w->stream.len + buf->len + w->guess_bytes;
    return rc < 0 ? rc : fbk__segment_write_facts(db, w->id, 0, events, w->bytes);
}

void
fbk__segment_writer_free(fbk__segment_writer *w)
{
    if (!w->a)
        return;
    fbk__frame_free(&w->frame);
    fbk__codec_free(&w->codec);
    fbk__buf_free(&w->bytes_of_frame);
    fbk__guess_free(&w->guess);
    fbk__stream_free(&w->stream);
    fbk__free(w->a, w->frames);
    memset(w, 0, sizeof *w);
}

/* -- erasing ----------------------------------------------------------------------------------- */

/* Behind all frames of a segment. */
static uint64_t
segment_end(const fbk__segment *segment)
{
    uint64_t end = 0;

    for (uint32_t i = 0; i < segment->n_frames; i++) {
        const fbk__segment_frame *f = &segment->frames[i];

        end = f->at + f->len > end ? f->at + f->len : end;
    }
    return end;
}

fbk_status
fbk__segment_replace(fbk *db, fbk__codec *c, fbk__segment *segment, uint32_t frame,
                     const fbk__frame *with)
{
    fbk__segment_frame *f = &segment->frames[frame];
    fbk__stream stream;
    fbk__buf buf;
    fbk_status rc = fbk__stream_zero(db, fbk__segment_piece(segment->id, 0), f->at, f->len);

    if (rc < 0)
        return rc;
    segment->n_events -= f->n.events;
    segment->n_lines -= f->n.lines;
    if (!with->n.events) {
        segment->n_frames--;
        memmove(f, f + 1, (segment->n_frames - frame) * sizeof *f);
        return FBK_OK;
    }
    fbk__stream_init(&stream, fbk__a(db), fbk__segment_piece(segment->id, 0), segment_end(segment));
    facts_of_frame(with, segment->next_chunk++, f);
    segment->n_events += f->n.events;
    segment->n_lines += f->n.lines;
    fbk__buf_init(&buf, fbk__a(db));
    rc = frame_write(db, c, &stream, &buf, with, f);
    if (rc >= 0)
        rc = fbk__stream_end(db, &stream);
    segment->bytes += f->len;
    fbk__buf_free(&buf);
    fbk__stream_free(&stream);
    return rc;
}

fbk_status
fbk__segment_rewrite(fbk *db, fbk__codec *c, fbk__segment *segment)
{
    int64_t id = fbk__segment_piece(segment->id, FBK__SEGMENT_DIRECTORY);
    uint32_t n;
    fbk__buf buf;
    fbk_status rc = fbk__chunk_clear(db, FBK__CHUNK_SEGMENT, id, id, 1, &n);

    if (rc < 0)
        return rc;
    segment->version++;
    if (!segment->n_frames)
        return fbk__segment_set_state(db, segment->id, FBK__SEGMENT_DEAD, fbk__log_now_us());
    fbk__buf_init(&buf, fbk__a(db));
    rc = fbk__directory_put(c, &buf, segment->frames, segment->n_frames, fbk__a(db));
    rc = rc < 0 ? fbk__nomem(db) : fbk__chunk_write(db, FBK__CHUNK_SEGMENT, id, &buf);
    fbk__buf_free(&buf);
    return rc < 0 ? rc
                  : fbk__segment_write_facts(db, segment->id, segment->version, segment->n_events,
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
    int64_t directory = fbk__segment_piece(id, FBK__SEGMENT_DIRECTORY);
    fbk__stmt *st = NULL;
    uint32_t n = 0;
    fbk_status rc;

    /* The directory first: a reader that finds a chunk missing then knows why. */
    rc = fbk__chunk_clear(db, FBK__CHUNK_SEGMENT, directory, directory, 1, &n);
    if (rc >= 0)
        rc = fbk__chunk_clear(db, FBK__CHUNK_SEGMENT, fbk__segment_piece(id, 0), directory, most,
                              &n);
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
