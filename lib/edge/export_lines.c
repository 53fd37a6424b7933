/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "base/utf8.h"
#include "edge/exchange.h"
#include "edge/spill.h"
#include "record/event.h"
#include "record/exchange.h"

/* Everything as lines of JSON in an order that depends on nothing but what is in them. */

typedef struct lines {
    fbk *db;
    const fbk_export_options *options;
    fbk__outfile *out;
    fbk__spill *spill;
    fbk__buf key;  /* by which a line is sorted; it has no NUL */
    fbk__buf line; /* its key's length, its key, itself */
    fbk__buf text;
    fbk__batch batch;
    fbk__buf scratch;
    fbk__named named;
    fbk__node_reader *nodes;
    uint32_t table;
    uint64_t events, total;
} lines;

/* -- JSON -------------------------------------------------------------------------------------- */

/* Bytes that are no UTF-8 (a SKU may have such) are lone surrogates, as others write them. */
static void
json_text(fbk__buf *buf, const char *text, size_t len)
{
    bool utf8 = fbk__utf8_valid(text, len);

    fbk__buf_str(buf, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            fbk__buf_printf(buf, "\\%c", c);
        else if (c < 0x20)
            fbk__buf_printf(buf, "\\u%04x", c);
        else if (c >= 0x80 && !utf8)
            fbk__buf_printf(buf, "\\udc%02x", c);
        else
            fbk__buf_add(buf, text + i, 1);
    }
    fbk__buf_str(buf, "\"");
}

static void
json_str(fbk__buf *buf, const char *text)
{
    json_text(buf, text, strlen(text));
}

/* A number of millionths or thousandths, exactly. */
static void
json_decimal(fbk__buf *buf, int64_t value, int digits)
{
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t unit = digits == 3 ? 1000 : 1000000;
    uint64_t part = size % unit;

    fbk__buf_printf(buf, "%s%llu", value < 0 ? "-" : "", (unsigned long long)(size / unit));
    if (!part)
        return;
    while (part % 10 == 0) {
        part /= 10;
        digits--;
    }
    fbk__buf_printf(buf, ".%0*llu", digits, (unsigned long long)part);
}

/* A double always looks like one. */
static void
json_double(fbk__buf *buf, double value)
{
    size_t at = buf->len;

    fbk__buf_double(buf, value, 17);
    if (!buf->failed && !strpbrk(buf->data + at, ".en"))
        fbk__buf_str(buf, ".0");
}

/* -- events ------------------------------------------------------------------------------------ */

static void
put_optional(lines *w, const char *name, const char *text, size_t len)
{
    if (!len)
        return;
    fbk__buf_printf(&w->text, ",\"%s\":", name);
    json_text(&w->text, text, len);
}

static void
put_word(lines *w, const char *name, const fbk__intern *dictionary, uint32_t number)
{
    size_t len;
    const char *text = fbk__intern_text(dictionary, number, &len);

    put_optional(w, name, text, len);
}

static void
put_flags(lines *w, uint32_t flags)
{
    static const char *const names[] = {"test", "employee", "business", "bot"};
    const char *comma = "";

    if (!flags)
        return;
    fbk__buf_str(&w->text, ",\"flags\":[");
    for (int i = 0; i < 4; i++) {
        if (flags & 1u << i) {
            fbk__buf_printf(&w->text, "%s\"%s\"", comma, names[i]);
            comma = ",";
        }
    }
    fbk__buf_str(&w->text, "]");
}

static void
put_identifiers(lines *w, const fbk__batch_event *e)
{
    for (uint32_t k = 0; k < e->n_idents; k++) {
        const fbk__batch_ident *ident = &w->batch.idents[e->first_ident + k];

        fbk__buf_str(&w->text, k ? ",{\"namespace\":" : ",\"identifiers\":[{\"namespace\":");
        json_str(&w->text, fbk__intern_text(&w->batch.words, ident->space, NULL));
        fbk__buf_str(&w->text, ",\"value\":");
        json_text(&w->text, w->batch.text.data + ident->value.at, ident->value.len);
        fbk__buf_str(&w->text, k + 1 < e->n_idents ? "}" : "}]");
    }
}

static void
put_lines(lines *w, const fbk__batch_event *e)
{
    for (uint32_t k = 0; k < e->n_lines; k++) {
        const fbk__batch_line *l = &w->batch.lines[e->first_line + k];
        const struct {
            const char *name;
            int64_t value;
            int digits;
        } numbers[] = {{"quantity", l->quantity_milli, 3},
                       {"unit_price", l->unit_price_micro, 6},
                       {"discount", l->discount_micro, 6},
                       {"tax", l->tax_micro, 6},
                       {"amount", l->amount_micro, 6}};

        fbk__buf_str(&w->text, k ? ",{\"kind\":" : ",\"lines\":[{\"kind\":");
        json_str(&w->text, fbk__line_kind_name(l->kind));
        put_word(w, "item", &w->batch.items, l->item);
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            fbk__buf_printf(&w->text, ",\"%s\":", numbers[i].name);
            json_decimal(&w->text, numbers[i].value, numbers[i].digits);
        }
        fbk__buf_str(&w->text, k + 1 < e->n_lines ? "}" : "}]");
    }
}

static void
put_properties(lines *w, const fbk__batch_event *e)
{
    for (uint32_t k = 0; k < e->n_props; k++) {
        const fbk__batch_prop *p = &w->batch.props[e->first_prop + k];

        fbk__buf_str(&w->text, k ? "," : ",\"properties\":{");
        json_str(&w->text, fbk__intern_text(&w->batch.words, p->key, NULL));
        fbk__buf_str(&w->text, ":");
        if (p->type == FBK__PROP_TEXT)
            json_text(&w->text, w->batch.text.data + p->value.text.at, p->value.text.len);
        else if (p->type == FBK__PROP_DOUBLE)
            json_double(&w->text, p->value.d);
        else if (p->type == FBK__PROP_BOOL)
            fbk__buf_str(&w->text, p->value.i ? "true" : "false");
        else
            fbk__buf_printf(&w->text, "%lld", (long long)p->value.i);
    }
    if (e->n_props)
        fbk__buf_str(&w->text, "}");
}

/* The members of the batch's only event, behind what stands in w->text. */
static void
put_event(lines *w)
{
    const fbk__batch_event *e = &w->batch.events[0];
    char when[FBK__TIME_TEXT] = "";

    if (fbk__time_valid(e->occurred_us))
        (void)fbk__time_format(e->occurred_us, when);
    fbk__buf_str(&w->text, "\"event_id\":");
    json_text(&w->text, w->batch.text.data + e->id.at, e->id.len);
    fbk__buf_printf(&w->text, ",\"time\":\"%s\"", when);
    put_word(w, "kind", &w->batch.words, e->kind);
    put_word(w, "source", &w->batch.words, e->source);
    put_word(w, "channel", &w->batch.words, e->channel);
    put_word(w, "place", &w->batch.places, e->place);
    put_optional(w, "order_ref", w->batch.text.data + e->order_ref.at, e->order_ref.len);
    put_word(w, "currency", &w->batch.words, e->currency);
    put_flags(w, e->flags);
    put_identifiers(w, e);
    put_properties(w, e);
    put_lines(w, e);
    fbk__buf_str(&w->text, "}\n");
}

/* -- the order --------------------------------------------------------------------------------- */

enum { SORT_BYTES = 24 }; /* what one round of sorting looks at */

/* Eight bytes of the key from here on, as a number that orders as they do. */
static uint64_t
key_part(const char *key, size_t len, size_t at)
{
    uint64_t part = 0;

    for (size_t i = at; i < at + 8; i++)
        part = part << 8 | (i < len ? (unsigned char)key[i] : 0u);
    return part;
}

static fbk_status
sort_add(fbk *db, fbk__spill *spill, const char *bytes, size_t len, size_t skip)
{
    fbk__reader in = {(const unsigned char *)bytes, (const unsigned char *)bytes + len, false};
    size_t key_len = (size_t)fbk__read_uvarint(&in);
    const char *key = fbk__read_bytes(&in, key_len);

    (void)db;
    return fbk__spill_add(
        spill,
        (fbk__hash128){.hi = key_part(key, key_len, skip), .lo = key_part(key, key_len, skip + 8)},
        key_part(key, key_len, skip + 16), bytes, len);
}

/* w->key and w->text become a line. */
static fbk_status
line_add(lines *w)
{
    if (w->text.failed || w->key.failed)
        return fbk__nomem(w->db);
    fbk__buf_clear(&w->line);
    fbk__buf_uvarint(&w->line, w->key.len);
    fbk__buf_add(&w->line, w->key.data, w->key.len);
    fbk__buf_add(&w->line, w->text.data, w->text.len);
    if (w->line.failed)
        return fbk__nomem(w->db);
    return sort_add(w->db, w->spill, w->line.data, w->line.len, 0);
}

static fbk_status
line_write(lines *w, const char *bytes, size_t len)
{
    fbk__reader in = {(const unsigned char *)bytes, (const unsigned char *)bytes + len, false};
    size_t key_len = (size_t)fbk__read_uvarint(&in);

    (void)fbk__read_bytes(&in, key_len);
    return fbk__outfile_write(w->out, in.p, (size_t)(in.end - in.p));
}

static size_t
budget(const lines *w)
{
    return (size_t)(w->options->memory_mib ? w->options->memory_mib : 64) << 20;
}

/* Write what a spill holds in order. Records that are equal in what was looked at are sorted by
 * what comes after it, in a spill of their own. */
static fbk_status
sort_write(lines *w, fbk__spill *spill, size_t skip)
{
    fbk__spill *ties = NULL;
    fbk__spill_record r = {.bytes = NULL};
    fbk__hash128 key = {0, 0};
    uint64_t seq = 0;
    fbk__buf held; /* the record before: its like may follow */
    bool more = true;
    fbk_status rc = fbk__spill_sort(spill);

    fbk__buf_init(&held, fbk__a(w->db));
    while (rc >= 0 && more) {
        rc = fbk__spill_next(spill, &r);
        more = rc == FBK_OK;
        if (rc < 0)
            break;
        rc = FBK_OK;
        if (more && held.len && r.key.hi == key.hi && r.key.lo == key.lo && r.seq == seq) {
            if (!ties) {
                rc = fbk__spill_new(w->db, budget(w) / 4, w->options->temp_dir, &ties);
                if (rc >= 0)
                    rc = sort_add(w->db, ties, held.data, held.len, skip + SORT_BYTES);
            }
            if (rc >= 0)
                rc = sort_add(w->db, ties, r.bytes, r.len, skip + SORT_BYTES);
            continue;
        }
        if (ties)
            rc = sort_write(w, ties, skip + SORT_BYTES);
        else if (held.len)
            rc = line_write(w, held.data, held.len);
        fbk__spill_free(ties);
        ties = NULL;
        fbk__buf_clear(&held);
        if (!more)
            break;
        fbk__buf_add(&held, r.bytes, r.len);
        key = r.key;
        seq = r.seq;
        if (rc >= 0 && held.failed)
            rc = fbk__nomem(w->db);
    }
    fbk__spill_free(ties);
    fbk__buf_free(&held);
    return rc < 0 ? rc : FBK_OK;
}

/* -- what there is ----------------------------------------------------------------------------- */

static void
line_begin(lines *w, const char *table)
{
    fbk__buf_clear(&w->key);
    fbk__buf_clear(&w->text);
    fbk__buf_str(&w->key, table);
    fbk__buf_str(&w->key, "\x01");
    if (table[0])
        fbk__buf_printf(&w->text, "{\"table\":\"%s\",", table);
    else
        fbk__buf_str(&w->text, "{");
}

static fbk_status
event_line(lines *w, const char *table)
{
    const fbk__batch_event *e = &w->batch.events[0];
    unsigned char content[16];

    line_begin(w, table);
    fbk__buf_add(&w->key, w->batch.text.data + e->id.at, e->id.len);
    if (table[0]) { /* there may be several of one id */
        if (fbk__batch_content(&w->batch, e, &w->scratch, content) < 0)
            return fbk__nomem(w->db);
        fbk__buf_str(&w->key, "\x01");
        for (int i = 0; i < 16; i++)
            fbk__buf_printf(&w->key, "%02x", content[i]);
    }
    put_event(w);
    return line_add(w);
}

static fbk_status
events_ready(void *user_data)
{
    lines *w = user_data;
    fbk_status rc = fbk__named_open(w->db, &w->named);

    return rc < 0 ? rc : fbk__node_reader_open(w->db, &w->nodes);
}

static fbk_status
event_one(void *user_data, const fbk__frame *f, const fbk__frame_index *index, uint32_t i)
{
    lines *w = user_data;
    fbk_status rc;

    fbk__batch_clear(&w->batch);
    rc = fbk__batch_take(w->db, &w->batch, f, index, i, &w->named.names, w->nodes);
    if (rc >= 0)
        rc = event_line(w, "");
    if (rc >= 0 && ++w->events % 4096 == 0 && w->options->progress)
        rc = fbk__callback_status(
            w->db, w->options->progress(w->options->progress_data, w->events, w->total));
    return rc;
}

static fbk_status
conflict_one(void *user_data, const fbk__conflict *c)
{
    lines *w = user_data;
    fbk_status rc;

    fbk__batch_clear(&w->batch);
    rc = fbk__content_read(w->db, &w->batch, c->body, c->body_len, c->received_us);
    return rc < 0 ? rc : event_line(w, "conflict");
}

static void
put_value(fbk__buf *buf, const fbk__value *v)
{
    if (v->type == FBK__VALUE_INT)
        fbk__buf_printf(buf, "%lld", (long long)v->i);
    else if (v->type == FBK__VALUE_DOUBLE)
        json_double(buf, v->d);
    else if (v->type == FBK__VALUE_TEXT)
        json_text(buf, v->text, v->len);
    else if (v->type == FBK__VALUE_BLOB)
        fbk__buf_printf(buf, "\"xxh3:%016llx\"", (unsigned long long)fbk__hash64(v->text, v->len));
    else
        fbk__buf_str(buf, "null");
}

static fbk_status
row_one(void *user_data, const fbk__value *values)
{
    lines *w = user_data;

    line_begin(w, fbk__rows_name(w->table));
    for (uint32_t k = 0; k < fbk__rows_n_columns(w->table); k++) {
        fbk__buf_printf(&w->text, "%s\"%s\":", k ? "," : "", fbk__rows_column(w->table, k));
        put_value(&w->text, &values[k]);
        if (k >= fbk__rows_n_keys(w->table))
            continue;
        if (values[k].type == FBK__VALUE_INT) /* of one sign mostly: in the order of numbers */
            fbk__buf_printf(&w->key, "%020llu",
                            (unsigned long long)((uint64_t)values[k].i ^ UINT64_C(1) << 63));
        else
            fbk__buf_add(&w->key, values[k].text, values[k].len);
        fbk__buf_str(&w->key, "\x01");
    }
    fbk__buf_str(&w->text, "}\n");
    return line_add(w);
}

static fbk_status
erased_one(void *user_data, fbk__key id)
{
    lines *w = user_data;

    line_begin(w, "erased_event");
    fbk__buf_printf(&w->key, "%016llx%016llx", (unsigned long long)id.hi,
                    (unsigned long long)id.lo);
    fbk__buf_printf(&w->text, "\"hash\":\"%016llx%016llx\"}\n", (unsigned long long)id.hi,
                    (unsigned long long)id.lo);
    return line_add(w);
}

static fbk_status
tombs_all(lines *w)
{
    fbk__tombs tombs;
    fbk_status rc = fbk__tombs_load(w->db, &tombs);

    for (size_t i = 0; rc >= 0 && i < tombs.n; i++) {
        const fbk__tomb *t = &tombs.all[i];
        char hash[40];

        (void)snprintf(hash, sizeof hash, "%016llx%016llx", (unsigned long long)t->hash.hi,
                       (unsigned long long)t->hash.lo);
        line_begin(w, "erased_identifier");
        fbk__buf_str(&w->key, hash);
        fbk__buf_printf(&w->text, "\"hash\":\"%s\",\"erased_us\":%lld}\n", hash,
                        (long long)t->erased_us);
        rc = line_add(w);
    }
    fbk__tombs_free(w->db, &tombs);
    return rc;
}

static fbk_status
lines_everything(lines *w)
{
    fbk_status rc = fbk__conflicts_each(w->db, NULL, conflict_one, w);

    for (w->table = 1; rc >= 0 && w->table < FBK__ROWS_END; w->table++)
        rc = fbk__rows_each(w->db, w->table, row_one, w);
    if (rc >= 0)
        rc = fbk__erased_each(w->db, erased_one, w);
    return rc < 0 ? rc : tombs_all(w);
}

static fbk_status
lines_all(lines *w, fbk_export_report *report)
{
    fbk__walk walk = {.after_event = w->options->after_event,
                      .ready = events_ready,
                      .event = event_one,
                      .user_data = w};
    fbk__log_counts counts;
    fbk_status rc = fbk__log_last(w->db, &report->last_event);

    walk.to_event = report->last_event;
    if (rc >= 0)
        rc = fbk__log_count(w->db, &counts);
    if (rc >= 0)
        rc = fbk__spill_new(w->db, budget(w), w->options->temp_dir, &w->spill);
    if (rc < 0)
        return rc;
    w->total = counts.events;
    if (walk.to_event > walk.after_event)
        rc = fbk__log_walk(w->db, &walk);
    if (rc >= 0 && w->options->flags & FBK_EXPORT_EVERYTHING)
        rc = lines_everything(w);
    report->events = w->events;
    return rc < 0 ? rc : sort_write(w, w->spill, 0);
}

fbk_status
fbk__export_lines(fbk *db, const fbk_export_options *options, fbk__outfile *out,
                  fbk_export_report *report)
{
    lines w = {.db = db, .options = options, .out = out};
    fbk_status rc;

    fbk__buf_init(&w.key, fbk__a(db));
    fbk__buf_init(&w.line, fbk__a(db));
    fbk__buf_init(&w.text, fbk__a(db));
    fbk__buf_init(&w.scratch, fbk__a(db));
    fbk__batch_init(&w.batch, fbk__a(db));
    rc = lines_all(&w, report);
    fbk__spill_free(w.spill);
    fbk__node_reader_close(w.nodes);
    fbk__named_close(&w.named);
    fbk__batch_free(&w.batch);
    fbk__buf_free(&w.key);
    fbk__buf_free(&w.line);
    fbk__buf_free(&w.text);
    fbk__buf_free(&w.scratch);
    return rc;
}
