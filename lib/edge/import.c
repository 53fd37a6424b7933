/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/import.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/options.h"
#include "record/event.h"
#include "record/place.h"
#include "store/conn.h"

enum {
    BATCH_EVENTS = 4096,
    BATCH_LINES = 1 << 16, /* a batch ends at so many lines … */
    BATCH_TEXT = 1 << 23,  /* … or bytes of text, however few its events */
    MEMORY_MIB = 64,
    PROGRESS_MS = 100
};

static int64_t
now_ms(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

fbk_status
fbk__import_progress(fbk__import *im, uint64_t done)
{
    int64_t now;

    if (!im->options.progress)
        return FBK_OK;
    now = now_ms();
    if (now - im->last_call_ms < PROGRESS_MS && (done == 0 || done != im->file_size))
        return FBK_OK;
    im->last_call_ms = now;
    return fbk__callback_status(
        im->db, im->options.progress(im->options.progress_data, done, im->file_size));
}

/* ---- storing ---- */

/* The events of one commit, with what is needed to say which rows were a conflict. */
typedef struct storing {
    fbk__import *im;
    fbk__batch batch;
    uint8_t *outcomes;
    size_t outcome_cap;
    fbk__gather_row *rows; /* of all events of the batch, … */
    size_t *row_end;       /* … each event's up to here */
    size_t row_cap;
    size_t end_cap;
    uint64_t n_rows; /* brought so far */
} storing;

static bool
word_of(storing *s, fbk__piece text, uint32_t *out)
{
    *out = fbk__intern_add(&s->batch.words, text.p, text.len);
    return *out != FBK__INTERN_NONE;
}

static fbk_status
fill_props(storing *s, const fbk__piece *slots)
{
    const fbk__mapping *map = &s->im->map;

    for (size_t i = 0; i < map->n_props; i++) {
        const fbk__map_prop *from = &map->props[i];
        fbk__batch_prop *to;

        if (slots[i].len == 0)
            continue;
        to = fbk__batch_add_prop(&s->batch);
        if (!to || !word_of(s, fbk__piece_of(map, from->key), &to->key))
            return fbk__nomem(s->im->db);
        to->type = from->type;
        if (from->type == FBK__PROP_TEXT) {
            fbk_status rc = fbk__batch_text(&s->batch, slots[i].p, slots[i].len, &to->value.text);

            if (rc < 0)
                return fbk__fail(s->im->db, rc, "a batch of events did not fit memory");
        } else if (from->type == FBK__PROP_DOUBLE) {
            memcpy(&to->value.d, slots[i].p, sizeof to->value.d);
        } else {
            memcpy(&to->value.i, slots[i].p, sizeof to->value.i);
        }
    }
    return FBK_OK;
}

static fbk_status
fill_idents(storing *s, const fbk__piece *slots)
{
    const fbk__mapping *map = &s->im->map;

    for (size_t i = 0; i < map->n_idents; i++) {
        fbk__batch_ident *to;
        fbk_status rc;

        if (slots[i].len == 0)
            continue;
        to = fbk__batch_add_ident(&s->batch);
        if (!to || !word_of(s, fbk__piece_of(map, map->idents[i].space), &to->space))
            return fbk__nomem(s->im->db);
        rc = fbk__batch_text(&s->batch, slots[i].p, slots[i].len, &to->value);
        if (rc < 0)
            return fbk__fail(s->im->db, rc, "a batch of events did not fit memory");
    }
    return FBK_OK;
}

static fbk_status
fill_lines(storing *s, fbk__gather_event *event)
{
    for (uint32_t i = 0; i < event->n_lines; i++) {
        fbk__batch_line *to = fbk__batch_add_line(&s->batch);
        fbk__gather_line line;

        if (!to)
            return fbk__nomem(s->im->db);
        fbk__gather_next_line(event, &line);
        to->kind = line.kind;
        to->quantity_milli = line.quantity_milli;
        to->unit_price_micro = line.unit_price_micro;
        to->discount_micro = line.discount_micro;
        to->tax_micro = line.tax_micro;
        to->amount_micro = line.amount_micro;
        to->item = fbk__intern_add(&s->batch.items, line.item.p, line.item.len);
        if (to->item == FBK__INTERN_NONE)
            return fbk__nomem(s->im->db);
    }
    return FBK_OK;
}

/* The event at the end of the batch, from what was gathered. */
static fbk_status
fill_event(storing *s, fbk__gather_event *event)
{
    const fbk__piece *slots = event->slots;
    fbk__batch_event *e = fbk__batch_add_event(&s->batch);
    fbk_status rc;

    if (!e)
        return fbk__nomem(s->im->db);
    e->occurred_us = event->occurred_us;
    e->received_us = s->im->options.received_us;
    e->row = event->rows[0].number;
    e->flags = event->flags;
    e->place =
        fbk__intern_add(&s->batch.places, slots[FBK__SLOT_PLACE].p, slots[FBK__SLOT_PLACE].len);
    if (e->place == FBK__INTERN_NONE || !word_of(s, slots[FBK__SLOT_KIND], &e->kind) ||
        !word_of(s, slots[FBK__SLOT_SOURCE], &e->source) ||
        !word_of(s, slots[FBK__SLOT_CHANNEL], &e->channel) ||
        !word_of(s, slots[FBK__SLOT_CURRENCY], &e->currency))
        return fbk__nomem(s->im->db);
    rc = fbk__batch_text(&s->batch, event->id.p, event->id.len, &e->id);
    if (rc == FBK_OK)
        rc = fbk__batch_text(&s->batch, slots[FBK__SLOT_ORDER].p, slots[FBK__SLOT_ORDER].len,
                             &e->order_ref);
    if (rc < 0)
        return fbk__fail(s->im->db, rc, "a batch of events did not fit memory");
    rc = fill_lines(s, event);
    if (rc == FBK_OK)
        rc = fill_idents(s, slots + FBK__N_SLOTS);
    if (rc == FBK_OK)
        rc = fill_props(s, slots + FBK__N_SLOTS + s->im->map.n_idents);
    return rc;
}

/* All rows of an event of the batch go to the rejects. */
static fbk_status
batch_conflict(storing *s, size_t event)
{
    const size_t first = event ? s->row_end[event - 1] : 0;
    fbk_status rc = FBK_OK;

    for (size_t i = first; i < s->row_end[event] && rc == FBK_OK; i++) {
        if (i == first || s->rows[i].number != s->rows[i - 1].number)
            rc = fbk__rejects_add(&s->im->rejects, s->rows[i].number, s->rows[i].line, "event_id",
                                  "belonged to an event with other content already");
    }
    return rc;
}

/* Commit the batch; conflicts go to the rejects. */
static fbk_status
batch_commit(storing *s)
{
    fbk__import *im = s->im;
    fbk__append_counts counts = {0};
    const size_t n = s->batch.n_events;
    fbk_status rc;

    if (n == 0)
        return FBK_OK;
    rc = fbk__event_append_batch(im->db, &s->batch, s->outcomes, &counts);
    if (rc < 0)
        return rc;
    im->report.events_added += counts.added;
    im->report.events_already += counts.already;
    im->report.events_conflict += counts.conflict;
    im->report.events_erased += counts.erased;
    im->report.lines_added += counts.lines_added;
    rc = FBK_OK;
    for (size_t i = 0; i < n && rc == FBK_OK; i++) {
        if (s->outcomes[i] == FBK__CONFLICT)
            rc = batch_conflict(s, i);
    }
    fbk__batch_clear(&s->batch);
    if (rc == FBK_OK && im->options.progress) {
        const uint64_t all = fbk__gather_count(im->gather).rows;
        const double part = all ? (double)s->n_rows / (double)all : 1.0;

        rc = fbk__import_progress(
            im, im->file_size / 2 + (uint64_t)(part * (double)(im->file_size - im->file_size / 2)));
    }
    return rc;
}

/* One event into the batch, unless it breaks a rule of the store. */
static fbk_status
store_event(storing *s, fbk__gather_event *event)
{
    fbk__import *im = s->im;
    const fbk_allocator *a = fbk__a(im->db);
    const size_t n = s->batch.n_events;
    const size_t first = n ? s->row_end[n - 1] : 0;
    fbk_status rc;

    if (!fbk__grow(a, &s->outcomes, &s->outcome_cap, n + 1, sizeof *s->outcomes) ||
        !fbk__grow(a, &s->row_end, &s->end_cap, n + 1, sizeof *s->row_end) ||
        !fbk__grow(a, &s->rows, &s->row_cap, first + event->n_rows, sizeof *s->rows))
        return fbk__nomem(im->db);
    s->n_rows += event->n_rows;
    memcpy(s->rows + first, event->rows, event->n_rows * sizeof *s->rows);
    s->row_end[n] = first + event->n_rows;
    rc = fill_event(s, event);
    if (rc < 0)
        return rc;
    rc = fbk__event_validate_last(im->db, &s->batch);
    if (rc == FBK_EINVAL || rc == FBK_ERANGE) {
        fbk__batch_drop_event(&s->batch);
        im->report.events_rejected++;
        rc = fbk__gather_refuse(im->gather, event, im->db->err.field, im->db->err.message);
        fbk__err_clear(im->db);
    }
    return rc;
}

static fbk_status
import_store(fbk__import *im)
{
    const uint32_t most = im->options.batch_events ? im->options.batch_events : BATCH_EVENTS;
    const fbk_allocator *a = fbk__a(im->db);
    storing s = {.im = im};
    fbk__gather_event event;
    fbk_status rc;

    fbk__batch_init(&s.batch, a);
    while ((rc = fbk__gather_next(im->gather, &event)) == FBK_OK) {
        rc = store_event(&s, &event);
        if (rc == FBK_OK && (s.batch.n_events >= most || s.batch.n_lines >= BATCH_LINES ||
                             s.batch.text.len >= BATCH_TEXT))
            rc = batch_commit(&s);
        if (rc < 0)
            break;
    }
    if (rc == FBK_DONE)
        rc = batch_commit(&s);
    fbk__batch_free(&s.batch);
    fbk__free(a, s.outcomes);
    fbk__free(a, s.rows);
    fbk__free(a, s.row_end);
    return rc;
}

/* ---- the call ---- */

static fbk_status
options_check(fbk *db, const fbk_import_options *opt)
{
    if (opt->flags)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had an unknown bit");
    if (!opt->map_path == !opt->map_text)
        return fbk__fail_at(db, FBK_EINVAL, "map_path", 0,
                            "not exactly one of map_path and map_text was given");
    if (opt->batch_events > 1000000)
        return fbk__fail_at(db, FBK_ERANGE, "batch_events", 0,
                            "batch_events was %u, not at most 1000000", opt->batch_events);
    if (opt->memory_mib > 65536)
        return fbk__fail_at(db, FBK_ERANGE, "memory_mib", 0, "memory_mib was %u, not at most 65536",
                            opt->memory_mib);
    if (opt->received_us < 0 || opt->received_us > FBK_TIME_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "received_us", 0,
                            "received_us was not an instant after 1970");
    return FBK_OK;
}

/* The text of the mapping's file; the caller frees. */
static fbk_status
map_slurp(fbk *db, const char *path, fbk__buf *out)
{
    fbk__file *file = NULL;
    fbk_status rc = fbk__file_open(db, path, &file);
    int why = errno;
    size_t n = 1;

    if (rc < 0 && rc != FBK_ENOMEM)
        return fbk__fail_at(db, rc, "map_path", 0, "the mapping could not be opened: %s",
                            rc == FBK_EINVAL ? "it is a directory" : strerror(why));
    if (rc < 0)
        return rc;
    while (rc == FBK_OK && n > 0 && out->len <= FBK__MAP_TEXT_MAX) {
        char *to = fbk__buf_room(out, 1 << 16);

        if (!to)
            rc = fbk__nomem(db);
        else
            rc = fbk__file_read(file, to, 1 << 16, &n);
        out->len += rc == FBK_OK ? n : 0;
    }
    fbk__file_close(file);
    return rc;
}

static fbk_status
import_map(fbk__import *im)
{
    const fbk_import_options *opt = &im->options;
    fbk__buf text;
    fbk_status rc = FBK_OK;

    if (opt->map_text)
        return fbk__mapping_parse(im->db, opt->map_text, strlen(opt->map_text), &im->map);
    fbk__buf_init(&text, fbk__a(im->db));
    rc = map_slurp(im->db, opt->map_path, &text);
    if (rc == FBK_OK)
        rc = fbk__mapping_parse(im->db, text.data, text.len, &im->map);
    fbk__buf_free(&text);
    return rc;
}

/* Between reading and storing. */
static fbk_status
import_tick(void *user_data)
{
    fbk__import *im = user_data;

    return fbk__import_progress(im, im->file_size / 2);
}

static fbk_status
import_open(fbk__import *im, const char *path)
{
    const uint64_t mib = im->options.memory_mib ? im->options.memory_mib : MEMORY_MIB;
    const size_t budget = (size_t)(mib << 20);
    const fbk__gather_options gather = {budget / 8 * 7, im->options.temp_dir, &im->rejects,
                                        import_tick, im};
    const char *source;
    size_t source_len;
    uint64_t done;
    fbk_status rc;

    fbk__file_stem(path, &source, &source_len);
    if (source_len == 0 || source_len > FBK__ROW_TEXT_MAX) {
        source = "file";
        source_len = 4;
    }
    rc = import_map(im);
    if (rc == FBK_OK && im->map.time.zone)
        rc = fbk__zone_load(im->db, fbk__intern_text(&im->map.texts, im->map.time.zone - 1, NULL),
                            &im->tz);
    if (rc == FBK_OK)
        rc = fbk__file_open(im->db, path, &im->file);
    if (rc == FBK_OK)
        rc = fbk__rejects_open(im->db, im->options.rejects_path, &im->rejects);
    if (rc == FBK_OK)
        rc = fbk__apply_init(im->db, &im->map, im->tz, source, source_len, &im->apply);
    if (rc == FBK_OK)
        rc = fbk__gather_new(im->db, &im->map, &gather, &im->gather);
    if (rc == FBK_OK && im->map.item.given)
        rc = fbk__describe_new(im->db, budget / 8, im->options.temp_dir, &im->describe);
    if (rc == FBK_OK)
        fbk__file_progress(im->file, &done, &im->file_size);
    return rc;
}

static void
import_report(fbk__import *im)
{
    fbk_import_report *report = &im->report;

    report->rows_rejected = im->rejects.n;
    if (im->gather)
        report->events_rejected += fbk__gather_count(im->gather).refused;
    report->local_gaps = im->apply.gaps;
    report->local_overlaps = im->apply.overlaps;
    report->reject_row = im->rejects.first_row;
    report->reject_line = im->rejects.first_line;
    memcpy(report->reject_field, im->rejects.first_field, sizeof report->reject_field);
    memcpy(report->reject_reason, im->rejects.first_reason, sizeof report->reject_reason);
}

static void
import_close(fbk__import *im)
{
    fbk__describe_free(im->describe);
    fbk__gather_free(im->gather);
    if (im->apply.db)
        fbk__apply_free(&im->apply);
    fbk__file_close(im->file);
    fbk__tz_free(fbk__a(im->db), im->tz);
    fbk__mapping_free(&im->map);
}

fbk_status
fbk_import_file(fbk *db, const char *path, const fbk_import_options *options,
                fbk_import_report *out_report)
{
    fbk__import im = {.db = db, .report = {.struct_size = (uint32_t)sizeof im.report}};
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!path)
        return fbk__fail_at(db, FBK_EINVAL, "path", 0, "path was NULL");
    rc =
        fbk__options_load(db, &im.options, sizeof im.options, FBK__IMPORT_OPTIONS_V1_SIZE, options);
    if (rc == FBK_OK && out_report)
        rc = fbk__result_store(db, out_report, FBK__IMPORT_REPORT_V1_SIZE, &im.report,
                               sizeof im.report);
    if (rc == FBK_OK)
        rc = options_check(db, &im.options);
    if (rc == FBK_OK)
        rc = import_open(&im, path);
    if (rc == FBK_OK)
        rc = fbk__import_read(&im);
    if (rc == FBK_OK)
        rc = fbk__gather_finish(im.gather);
    if (rc == FBK_OK)
        rc = import_store(&im);
    if (rc == FBK_OK && im.describe)
        rc = fbk__describe_store(im.describe, &im.report.items_described);
    rc = fbk__rejects_close(&im.rejects, rc);
    import_report(&im);
    import_close(&im);
    /* That the structure fits was found out at the top. */
    if (out_report && rc != FBK_EABI &&
        fbk__result_store(db, out_report, FBK__IMPORT_REPORT_V1_SIZE, &im.report,
                          sizeof im.report) < 0)
        rc = FBK_EABI;
    return rc;
}
