/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arrow.h"
#include "base/options.h"
#include "record/event.h"
#include "store/conn.h"

/* Events from an Arrow stream. */

#define STREAM_OPTIONS_V1_SIZE 72u
#define STREAM_RESULT_V1_SIZE 64u
_Static_assert(sizeof(fbk_event_stream_options) == STREAM_OPTIONS_V1_SIZE, "options v1");
_Static_assert(sizeof(fbk_event_stream_result) == STREAM_RESULT_V1_SIZE, "result v1");

enum { STREAM_BATCH_ROWS = 10000, STREAM_BATCH_ROWS_MAX = 1000000, STREAM_PROPS_MAX = 256 };

/* A number that comes as thousandths (or millionths), or as a fraction to be rounded to them. */
typedef struct stream_number {
    const char *field; /* as fbk_event names it */
    double scale;
    int whole;    /* column of thousandths, -1 = none */
    int fraction; /* column of units, -1 = none */
} stream_number;

enum { QUANTITY, UNIT_PRICE, DISCOUNT, TAX, AMOUNT, N_NUMBERS };
enum { KIND, SOURCE, CHANNEL, PLACE, ORDER_REF, CURRENCY, N_TEXTS };

typedef struct stream_prop {
    const char *name; /* "prop:…", borrowed from the reader */
    int column;
    uint32_t type; /* FBK_PROP_* */
    fbk__arrow_as as;
} stream_prop;

typedef struct stream {
    fbk *db;
    fbk_event_stream_options opt;
    fbk_event_stream_result result;
    fbk__arrow_reader *reader;
    fbk__batch batch;
    size_t batch_rows;

    int event_id;
    int occurred;
    int flags;
    int item;
    int line_kind;
    int text[N_TEXTS];
    stream_number number[N_NUMBERS];
    int ident[FBK_EVENT_IDENTIFIERS_MAX];
    const char *ident_name[FBK_EVENT_IDENTIFIERS_MAX]; /* "id:…", borrowed from the reader */
    size_t n_idents;
    stream_prop prop[STREAM_PROPS_MAX];
    size_t n_props;

    fbk__buf id;   /* of the event at hand */
    bool open;     /* the event at hand is the last of the batch */
    bool rejected; /* it was refused: its further rows are passed over */
} stream;

static const char *const stream_text_name[N_TEXTS] = {"kind",  "source",    "channel",
                                                      "place", "order_ref", "currency"};

/* -- columns --------------------------------------------------------------------------------- */

static fbk_status
stream_bind_number(stream *s, unsigned i, const char *name, const char *field, double scale)
{
    stream_number *n = &s->number[i];
    fbk_status rc;

    *n = (stream_number){field, scale, -1, -1};
    rc = fbk__arrow_reader_bind(s->reader, field, FBK__AS_INT64, false, &n->whole);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(s->reader, name, FBK__AS_DOUBLE, false, &n->fraction);
    if (rc >= 0 && n->whole >= 0 && n->fraction >= 0)
        rc = fbk__fail_at(s->db, FBK_EINVAL, field, 0, "both %s and %s were columns", name, field);
    return rc;
}

static fbk_status
stream_bind_ident(stream *s, const char *name)
{
    if (s->n_idents == FBK_EVENT_IDENTIFIERS_MAX)
        return fbk__fail_at(s->db, FBK_EINVAL, "id:", 0, "there were more than %d id: columns",
                            FBK_EVENT_IDENTIFIERS_MAX);
    s->ident_name[s->n_idents] = name;
    return fbk__arrow_reader_bind(s->reader, name, FBK__AS_TEXT, true, &s->ident[s->n_idents++]);
}

static fbk_status
stream_bind_prop(stream *s, const char *name, size_t column)
{
    static const uint32_t type_of[] = {
        [FBK__AS_INT64] = FBK_PROP_INT, [FBK__AS_DOUBLE] = FBK_PROP_DOUBLE,
        [FBK__AS_BOOL] = FBK_PROP_BOOL, [FBK__AS_TEXT] = FBK_PROP_TEXT,
        [FBK__AS_TIME] = FBK_PROP_INT,
    };
    stream_prop *p = &s->prop[s->n_props];

    if (s->n_props == STREAM_PROPS_MAX)
        return fbk__fail_at(s->db, FBK_EINVAL, "prop:", 0, "there were more than %d prop: columns",
                            STREAM_PROPS_MAX);
    if (!fbk__arrow_reader_guess(s->reader, column, &p->as))
        return fbk__fail_at(s->db, FBK_EINVAL, name, 0, "column %s had a type that is not read",
                            name);
    p->name = name;
    p->type = type_of[p->as];
    s->n_props++;
    return fbk__arrow_reader_bind(s->reader, name, p->as, true, &p->column);
}

static bool
stream_is_bound(const stream *s, int column)
{
    bool bound = column == s->event_id || column == s->occurred || column == s->flags ||
                 column == s->item || column == s->line_kind;

    for (unsigned i = 0; i < N_TEXTS; i++)
        bound |= column == s->text[i];
    for (unsigned i = 0; i < N_NUMBERS; i++)
        bound |= column == s->number[i].whole || column == s->number[i].fraction;
    return bound;
}

/* The columns whose names hold a name of the host's, and those that nobody knows. */
static fbk_status
stream_bind_open(stream *s)
{
    fbk_status rc = FBK_OK;

    for (size_t i = 0; i < fbk__arrow_reader_n_columns(s->reader) && rc >= 0; i++) {
        const char *name = fbk__arrow_reader_name(s->reader, i);

        if (strncmp(name, "id:", 3) == 0)
            rc = stream_bind_ident(s, name);
        else if (strncmp(name, "prop:", 5) == 0)
            rc = stream_bind_prop(s, name, i);
        else if (!stream_is_bound(s, (int)i) && !(s->opt.flags & FBK_EVENT_STREAM_IGNORE_UNKNOWN))
            rc = fbk__fail_at(s->db, FBK_EINVAL, name, 0, "column %s has no meaning here", name);
    }
    return rc;
}

static fbk_status
stream_bind(stream *s)
{
    fbk__arrow_reader *r = s->reader;
    fbk_status rc = fbk__arrow_reader_bind(r, "event_id", FBK__AS_TEXT, true, &s->event_id);

    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "occurred_us", FBK__AS_TIME, true, &s->occurred);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "flags", FBK__AS_INT64, false, &s->flags);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "item", FBK__AS_TEXT, false, &s->item);
    if (rc >= 0)
        rc = fbk__arrow_reader_bind(r, "line_kind", FBK__AS_TEXT, false, &s->line_kind);
    for (unsigned i = 0; i < N_TEXTS && rc >= 0; i++)
        rc = fbk__arrow_reader_bind(r, stream_text_name[i], FBK__AS_TEXT,
                                    i == SOURCE && !s->opt.source, &s->text[i]);
    if (rc >= 0)
        rc = stream_bind_number(s, QUANTITY, "quantity", "quantity_milli", 1e3);
    if (rc >= 0)
        rc = stream_bind_number(s, UNIT_PRICE, "unit_price", "unit_price_micro", 1e6);
    if (rc >= 0)
        rc = stream_bind_number(s, DISCOUNT, "discount", "discount_micro", 1e6);
    if (rc >= 0)
        rc = stream_bind_number(s, TAX, "tax", "tax_micro", 1e6);
    if (rc >= 0)
        rc = stream_bind_number(s, AMOUNT, "amount", "amount_micro", 1e6);
    if (rc >= 0)
        rc = stream_bind_open(s);
    return rc;
}

/* -- cells ----------------------------------------------------------------------------------- */

/* A value that does not fit rejects the event; an array that makes no sense ends the call. The
 * reader says FBK_ERANGE for the one and FBK_EINVAL for the other; what is refused here and by
 * fbk__event_validate_last() is marked by this. */
typedef enum verdict { FINE, REFUSED, FATAL } verdict;

static verdict
stream_verdict(fbk_status rc)
{
    return rc >= 0 ? FINE : rc == FBK_ERANGE ? REFUSED : FATAL;
}

static verdict
stream_refuse(stream *s, const char *field, int64_t row, const char *reason)
{
    (void)fbk__fail_at(s->db, FBK_ERANGE, field, row, "%s %s", field, reason);
    return REFUSED;
}

static verdict
stream_nomem(stream *s)
{
    (void)fbk__nomem(s->db);
    return FATAL;
}

/* A number of a line; *out stays as it is where there is none. */
static verdict
stream_get_number(stream *s, unsigned i, int64_t row, int64_t *out)
{
    const stream_number *n = &s->number[i];
    double value = 0.0;
    fbk_status rc;

    if (n->fraction < 0)
        return stream_verdict(fbk__arrow_int64(s->reader, n->whole, row, out));
    rc = fbk__arrow_double(s->reader, n->fraction, row, &value);
    if (rc != FBK_OK)
        return stream_verdict(rc);
    value = round(value * n->scale);
    if (!(fabs(value) < 9.0e18))
        return stream_refuse(s, n->field, fbk__arrow_reader_base(s->reader) + row + 1,
                             "was not a number, or too large");
    *out = (int64_t)value;
    return FINE;
}

static verdict
stream_get_line_kind(stream *s, int64_t row, bool *out_given, uint32_t *out)
{
    const char *text;
    size_t len;
    fbk_status rc = fbk__arrow_text(s->reader, s->line_kind, row, &text, &len);

    *out_given = rc == FBK_OK;
    if (rc != FBK_OK)
        return stream_verdict(rc);
    *out = fbk__line_kind_find(text, len);
    if (*out == FBK__N_LINE_KINDS)
        return stream_refuse(s, "line_kind", fbk__arrow_reader_base(s->reader) + row + 1,
                             "was no kind of line");
    return FINE;
}

static verdict
stream_add_line(stream *s, int64_t row)
{
    const char *item = "";
    size_t len = 0;
    bool kind_given;
    fbk__batch_line l = {
        .kind = FBK__LINE_PRODUCT, .quantity_milli = 1000, .amount_micro = FBK__AMOUNT_NONE};
    int64_t *const to[N_NUMBERS] = {&l.quantity_milli, &l.unit_price_micro, &l.discount_micro,
                                    &l.tax_micro, &l.amount_micro};
    fbk__batch_line *line;
    fbk_status rc = fbk__arrow_text(s->reader, s->item, row, &item, &len);
    verdict v = stream_verdict(rc);

    if (v == FINE)
        v = stream_get_line_kind(s, row, &kind_given, &l.kind);
    if (v != FINE || (rc == FBK_DONE && !kind_given))
        return v; /* no line in this row */
    for (unsigned i = 0; i < N_NUMBERS && v == FINE; i++)
        v = stream_get_number(s, i, row, to[i]);
    if (v != FINE)
        return v;
    if (s->batch.events[s->batch.n_events - 1].n_lines >= FBK_EVENT_LINES_MAX)
        return stream_refuse(s, "event_id", fbk__arrow_reader_base(s->reader) + row + 1,
                             "had too many lines");
    l.item = fbk__intern_add(&s->batch.items, item, len);
    line = fbk__batch_add_line(&s->batch);
    if (l.item == FBK__INTERN_NONE || !line)
        return stream_nomem(s);
    *line = l;
    return FINE;
}

/* -- the head of an event -------------------------------------------------------------------- */

static verdict
stream_word(stream *s, fbk__intern *dictionary, const char *text, size_t len, uint32_t *out)
{
    *out = fbk__intern_add(dictionary, text, len);
    return *out == FBK__INTERN_NONE ? stream_nomem(s) : FINE;
}

static verdict
stream_copy(stream *s, const char *text, size_t len, fbk__span *out)
{
    fbk_status rc = fbk__batch_text(&s->batch, text, len, out);

    if (rc >= 0)
        return FINE;
    if (rc == FBK_ENOMEM)
        return stream_nomem(s);
    (void)fbk__fail(s->db, rc, "the batch held too much text");
    return FATAL;
}

/* One text of the event: where it is null, what the options say. */
static verdict
stream_get_text(stream *s, unsigned i, int64_t row, const char **out, size_t *out_len)
{
    const char *fallback = i == KIND     ? (s->opt.kind ? s->opt.kind : FBK_KIND_SALE)
                           : i == SOURCE ? s->opt.source
                                         : NULL;
    fbk_status rc = fbk__arrow_text(s->reader, s->text[i], row, out, out_len);

    if (rc == FBK_DONE) {
        *out = fallback ? fallback : "";
        *out_len = strlen(*out);
    }
    return stream_verdict(rc);
}

static verdict
stream_head_texts(stream *s, int64_t row, fbk__batch_event *e)
{
    uint32_t *const word[N_TEXTS] = {&e->kind,  &e->source, &e->channel,
                                     &e->place, NULL,       &e->currency};
    verdict v = FINE;

    for (unsigned i = 0; i < N_TEXTS && v == FINE; i++) {
        const char *text;
        size_t len;

        v = stream_get_text(s, i, row, &text, &len);
        if (v != FINE)
            break;
        if (i == ORDER_REF)
            v = stream_copy(s, text, len, &e->order_ref);
        else
            v = stream_word(s, i == PLACE ? &s->batch.places : &s->batch.words, text, len, word[i]);
    }
    return v;
}

static verdict
stream_idents(stream *s, int64_t row)
{
    verdict v = FINE;

    for (size_t i = 0; i < s->n_idents && v == FINE; i++) {
        const char *text;
        size_t len;
        fbk__batch_ident *ident;
        fbk_status rc = fbk__arrow_text(s->reader, s->ident[i], row, &text, &len);

        v = stream_verdict(rc);
        if (rc != FBK_OK)
            continue;
        ident = fbk__batch_add_ident(&s->batch);
        if (!ident)
            return stream_nomem(s);
        v = stream_word(s, &s->batch.words, s->ident_name[i] + 3, strlen(s->ident_name[i] + 3),
                        &ident->space);
        if (v == FINE)
            v = stream_copy(s, text, len, &ident->value);
    }
    return v;
}

/* One property; FBK_DONE where it is null. */
static fbk_status
stream_get_prop(stream *s, const stream_prop *p, int64_t row, fbk__batch_prop *out,
                const char **out_text, size_t *out_len)
{
    bool truth = false;
    fbk_status rc;

    *out = (fbk__batch_prop){.type = p->type};
    switch (p->as) {
    case FBK__AS_TEXT:
        return fbk__arrow_text(s->reader, p->column, row, out_text, out_len);
    case FBK__AS_DOUBLE:
        return fbk__arrow_double(s->reader, p->column, row, &out->value.d);
    case FBK__AS_BOOL:
        rc = fbk__arrow_bool(s->reader, p->column, row, &truth);
        out->value.i = truth;
        return rc;
    case FBK__AS_TIME:
        return fbk__arrow_time(s->reader, p->column, row, &out->value.i);
    case FBK__AS_INT64:
        break;
    }
    return fbk__arrow_int64(s->reader, p->column, row, &out->value.i);
}

static verdict
stream_props(stream *s, int64_t row)
{
    verdict v = FINE;

    for (size_t i = 0; i < s->n_props && v == FINE; i++) {
        const stream_prop *p = &s->prop[i];
        fbk__batch_prop made;
        fbk__batch_prop *prop;
        const char *text = "";
        size_t len = 0;
        fbk_status rc = stream_get_prop(s, p, row, &made, &text, &len);

        v = stream_verdict(rc);
        if (rc != FBK_OK)
            continue;
        v = stream_word(s, &s->batch.words, p->name + 5, strlen(p->name + 5), &made.key);
        if (v == FINE && p->as == FBK__AS_TEXT)
            v = stream_copy(s, text, len, &made.value.text);
        prop = fbk__batch_add_prop(&s->batch);
        if (!prop)
            return stream_nomem(s);
        *prop = made;
    }
    return v;
}

static verdict
stream_begin_event(stream *s, int64_t row)
{
    fbk__batch_event e = {0};
    fbk__batch_event *to;
    int64_t flags = 0;
    fbk_status rc = fbk__arrow_time(s->reader, s->occurred, row, &e.occurred_us);
    verdict v = stream_verdict(rc);

    to = fbk__batch_add_event(&s->batch);
    if (!to)
        return stream_nomem(s);
    s->open = true;
    e.first_line = to->first_line;
    e.first_ident = to->first_ident;
    e.first_prop = to->first_prop;
    e.row = fbk__arrow_reader_base(s->reader) + row + 1;
    e.received_us = s->opt.received_us;
    *to = e;
    if (rc == FBK_DONE)
        return stream_refuse(s, "occurred_us", e.row, "was null");
    if (v == FINE)
        v = stream_verdict(fbk__arrow_int64(s->reader, s->flags, row, &flags));
    if (v == FINE && (flags < 0 || flags > UINT8_MAX))
        v = stream_refuse(s, "flags", e.row, "had an unknown bit");
    e.flags = (uint32_t)flags;
    if (v == FINE)
        v = stream_copy(s, s->id.data, s->id.len, &e.id);
    if (v == FINE)
        v = stream_head_texts(s, row, &e);
    if (v != FINE)
        return v;
    *to = e;
    v = stream_idents(s, row);
    return v == FINE ? stream_props(s, row) : v;
}

/* -- further rows of an event: the same, or null --------------------------------------------- */

static bool
stream_equal(const char *x, size_t x_len, const char *y, size_t y_len)
{
    return x_len == y_len && (!x_len || memcmp(x, y, x_len) == 0);
}

/* What the event at hand has in text column i. */
static const char *
stream_stored_text(const stream *s, const fbk__batch_event *e, unsigned i, size_t *out_len)
{
    const uint32_t word[N_TEXTS] = {e->kind, e->source, e->channel, e->place, 0, e->currency};

    if (i == ORDER_REF) {
        *out_len = e->order_ref.len;
        return s->batch.text.data + e->order_ref.at;
    }
    return fbk__intern_text(i == PLACE ? &s->batch.places : &s->batch.words, word[i], out_len);
}

static verdict
stream_differs(stream *s, const char *field, int64_t row)
{
    char reason[80];

    (void)snprintf(reason, sizeof reason, "was not what row %lld of the event had",
                   (long long)s->batch.events[s->batch.n_events - 1].row);
    return stream_refuse(s, field, fbk__arrow_reader_base(s->reader) + row + 1, reason);
}

static verdict
stream_same_texts(stream *s, int64_t row)
{
    const fbk__batch_event *e = &s->batch.events[s->batch.n_events - 1];

    for (unsigned i = 0; i < N_TEXTS; i++) {
        const char *text;
        const char *stored;
        size_t len;
        size_t stored_len;
        fbk_status rc = fbk__arrow_text(s->reader, s->text[i], row, &text, &len);

        if (rc < 0)
            return stream_verdict(rc);
        if (rc == FBK_DONE)
            continue;
        stored = stream_stored_text(s, e, i, &stored_len);
        if (!stream_equal(text, len, stored, stored_len))
            return stream_differs(s, stream_text_name[i], row);
    }
    return FINE;
}

static verdict
stream_same_idents(stream *s, int64_t row)
{
    const fbk__batch_event *e = &s->batch.events[s->batch.n_events - 1];

    for (size_t i = 0; i < s->n_idents; i++) {
        const char *text;
        size_t len;
        bool found = false;
        fbk_status rc = fbk__arrow_text(s->reader, s->ident[i], row, &text, &len);

        if (rc < 0)
            return stream_verdict(rc);
        for (uint32_t j = 0; rc == FBK_OK && j < e->n_idents; j++) {
            const fbk__batch_ident *ident = &s->batch.idents[e->first_ident + j];
            const char *space = fbk__intern_text(&s->batch.words, ident->space, NULL);

            found |=
                strcmp(space, s->ident_name[i] + 3) == 0 &&
                stream_equal(text, len, s->batch.text.data + ident->value.at, ident->value.len);
        }
        if (rc == FBK_OK && !found)
            return stream_differs(s, s->ident_name[i], row);
    }
    return FINE;
}

static bool
stream_prop_equal(const stream *s, const fbk__batch_prop *x, const fbk__batch_prop *made,
                  const char *text, size_t len)
{
    if (x->type == FBK_PROP_TEXT)
        return stream_equal(text, len, s->batch.text.data + x->value.text.at, x->value.text.len);
    if (x->type == FBK_PROP_DOUBLE)
        return memcmp(&x->value.d, &made->value.d, sizeof made->value.d) == 0;
    return x->value.i == made->value.i;
}

static verdict
stream_same_props(stream *s, int64_t row)
{
    const fbk__batch_event *e = &s->batch.events[s->batch.n_events - 1];

    for (size_t i = 0; i < s->n_props; i++) {
        fbk__batch_prop made;
        const char *text = "";
        size_t len = 0;
        bool found = false;
        fbk_status rc = stream_get_prop(s, &s->prop[i], row, &made, &text, &len);

        if (rc < 0)
            return stream_verdict(rc);
        for (uint32_t j = 0; rc == FBK_OK && j < e->n_props; j++) {
            const fbk__batch_prop *x = &s->batch.props[e->first_prop + j];
            const char *key = fbk__intern_text(&s->batch.words, x->key, NULL);

            found |=
                strcmp(key, s->prop[i].name + 5) == 0 && stream_prop_equal(s, x, &made, text, len);
        }
        if (rc == FBK_OK && !found)
            return stream_differs(s, s->prop[i].name, row);
    }
    return FINE;
}

static verdict
stream_continue_event(stream *s, int64_t row)
{
    const fbk__batch_event *e = &s->batch.events[s->batch.n_events - 1];
    int64_t occurred = e->occurred_us;
    int64_t flags = e->flags;
    verdict v = stream_verdict(fbk__arrow_time(s->reader, s->occurred, row, &occurred));

    if (v == FINE && occurred != e->occurred_us)
        return stream_differs(s, "occurred_us", row);
    if (v == FINE)
        v = stream_verdict(fbk__arrow_int64(s->reader, s->flags, row, &flags));
    if (v == FINE && flags != e->flags)
        return stream_differs(s, "flags", row);
    if (v == FINE)
        v = stream_same_texts(s, row);
    if (v == FINE)
        v = stream_same_idents(s, row);
    return v == FINE ? stream_same_props(s, row) : v;
}

/* -- rows ------------------------------------------------------------------------------------ */

/* Count and tell a reject; what is to blame stands on the connection. */
static fbk_status
stream_reject(stream *s)
{
    fbk_errinfo why = s->db->err;
    fbk_status rc = FBK_OK;

    s->result.rejected++;
    if (s->open)
        fbk__batch_drop_event(&s->batch);
    s->open = false;
    s->rejected = true;
    fbk__err_clear(s->db);
    if (s->opt.reject)
        rc = s->opt.reject(s->opt.reject_data, why.row, why.field, why.message);
    return rc < 0 ? fbk__callback_status(s->db, rc) : FBK_OK;
}

static fbk_status
stream_settle(stream *s, verdict v)
{
    return v == FINE ? FBK_OK : v == REFUSED ? stream_reject(s) : s->db->err.status;
}

static fbk_status
stream_end_event(stream *s)
{
    fbk_status rc;

    if (!s->open)
        return FBK_OK;
    rc = fbk__event_validate_last(s->db, &s->batch);
    if (rc == FBK_EINVAL || rc == FBK_ERANGE)
        return stream_reject(s);
    s->open = false;
    return rc;
}

static fbk_status
stream_flush(stream *s)
{
    fbk__append_counts counts = {0};
    fbk_status rc = FBK_OK;

    if (s->batch.n_events)
        rc = fbk__event_append_batch(s->db, &s->batch, NULL, &counts);
    if (rc < 0)
        return rc;
    s->result.added += counts.added;
    s->result.lines_added += counts.lines_added;
    s->result.already += counts.already;
    s->result.conflict += counts.conflict;
    s->result.erased += counts.erased;
    s->batch_rows = 0;
    fbk__batch_clear(&s->batch);
    if (s->opt.progress)
        rc = s->opt.progress(s->opt.progress_data, s->result.rows, 0);
    return rc < 0 ? fbk__callback_status(s->db, rc) : FBK_OK;
}

/* The first row with another event_id. */
static fbk_status
stream_new_event(stream *s, int64_t row, const char *id, size_t len)
{
    s->rejected = false;
    fbk__buf_clear(&s->id);
    fbk__buf_add(&s->id, id, len);
    if (s->id.failed)
        return fbk__nomem(s->db);
    if (!len)
        return stream_settle(s, stream_refuse(s, "event_id",
                                              fbk__arrow_reader_base(s->reader) + row + 1,
                                              "was null or empty"));
    return stream_settle(s, stream_begin_event(s, row));
}

static fbk_status
stream_row(stream *s, int64_t row)
{
    const char *id = "";
    size_t len = 0;
    bool fresh;
    fbk_status rc = fbk__arrow_text(s->reader, s->event_id, row, &id, &len);

    if (rc < 0)
        return rc;
    fresh = !len || !stream_equal(id, len, s->id.data, s->id.len);
    if (fresh) {
        rc = stream_end_event(s);
        if (rc >= 0 && s->batch_rows >= s->opt.batch_rows)
            rc = stream_flush(s);
        if (rc < 0)
            return rc;
    }
    s->result.rows++;
    s->batch_rows++;
    if (fresh)
        rc = stream_new_event(s, row, id, len);
    else if (!s->rejected)
        rc = stream_settle(s, stream_continue_event(s, row));
    if (rc < 0 || s->rejected)
        return rc;
    return stream_settle(s, stream_add_line(s, row));
}

static fbk_status
stream_run(stream *s)
{
    int64_t n = 0;
    fbk_status rc = stream_bind(s);

    while (rc >= 0) {
        rc = fbk__arrow_reader_next(s->reader, &n);
        if (rc == FBK_DONE)
            break;
        for (int64_t row = 0; row < n && rc >= 0; row++)
            rc = stream_row(s, row);
    }
    if (rc >= 0)
        rc = stream_end_event(s);
    return rc >= 0 ? stream_flush(s) : rc;
}

static fbk_status
stream_options(fbk *db, fbk_event_stream_options *opt, const fbk_event_stream_options *options)
{
    fbk_status rc = fbk__options_load(db, opt, sizeof *opt, STREAM_OPTIONS_V1_SIZE, options);

    if (rc < 0)
        return rc;
    if (opt->flags & ~(uint32_t)FBK_EVENT_STREAM_IGNORE_UNKNOWN)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had an unknown bit");
    if (opt->reserved0)
        return fbk__fail_at(db, FBK_EINVAL, "reserved0", 0, "reserved0 was not 0");
    if (opt->batch_rows > STREAM_BATCH_ROWS_MAX)
        return fbk__fail_at(db, FBK_ERANGE, "batch_rows", 0, "batch_rows was %u, not 1 to %d",
                            opt->batch_rows, STREAM_BATCH_ROWS_MAX);
    if (!opt->batch_rows)
        opt->batch_rows = STREAM_BATCH_ROWS;
    return FBK_OK;
}

static fbk_status
stream_call(fbk *db, struct ArrowArrayStream *rows, const fbk_event_stream_options *options,
            fbk_event_stream_result *out_result)
{
    stream *s = fbk__calloc(fbk__a(db), 1, sizeof *s);
    fbk_status told;
    fbk_status rc;

    if (!s)
        return fbk__nomem(db);
    s->db = db;
    fbk__batch_init(&s->batch, fbk__a(db));
    fbk__buf_init(&s->id, fbk__a(db));
    rc = stream_options(db, &s->opt, options);
    if (rc >= 0)
        rc = fbk__arrow_reader_open(db, rows, &s->reader);
    if (rc < 0)
        goto out;
    rc = stream_run(s);
    if (out_result) {
        told =
            fbk__result_store(db, out_result, STREAM_RESULT_V1_SIZE, &s->result, sizeof s->result);
        rc = rc < 0 ? rc : told;
    }
out:
    fbk__arrow_reader_close(s->reader);
    fbk__batch_free(&s->batch);
    fbk__buf_free(&s->id);
    fbk__free(fbk__a(db), s);
    return rc;
}

fbk_status
fbk_event_append_stream(fbk *db, struct ArrowArrayStream *rows,
                        const fbk_event_stream_options *options,
                        fbk_event_stream_result *out_result)
{
    fbk_status rc = fbk__enter(db);

    if (rc >= 0 && !rows)
        rc = fbk__fail_at(db, FBK_EINVAL, "rows", 0, "rows must not be NULL");
    if (rc >= 0 && out_result && out_result->struct_size < STREAM_RESULT_V1_SIZE)
        rc = fbk__fail_at(db, FBK_EABI, "struct_size", 0,
                          "struct_size of the result fitted no version");
    if (rc >= 0)
        rc = stream_call(db, rows, options, out_result);
    /* Taken over in any case. */
    if (rows && rows->release)
        rows->release(rows);
    return rc;
}
