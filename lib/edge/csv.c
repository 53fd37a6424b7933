/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/csv.h"

#include <string.h>

enum { FIELD_QUOTED = 1, FIELD_ESCAPES = 2 };

/* What a look at the bytes gave. */
typedef enum scan_result { SCAN_DONE, SCAN_MORE, SCAN_BAD } scan_result;

struct fbk__csv {
    fbk *db;
    fbk__feed feed;
    fbk__csv_options options;
    fbk__csv_field *fields; /* while scanning, text is relative to feed.start */
    size_t n;
    size_t cap;
    size_t *starts; /* of the fields, relative to feed.start: the buffer may move */
    size_t starts_cap;
    int64_t number;
    int64_t line;
    const char *reason;
    bool begun;
    bool no_memory;
};

fbk_status
fbk__csv_open(fbk *db, fbk__file *file, const fbk__csv_options *options, fbk__csv **out)
{
    fbk__csv *csv = fbk__calloc(fbk__a(db), 1, sizeof *csv);

    if (!csv)
        return fbk__nomem(db);
    csv->db = db;
    csv->options = *options;
    if (!csv->options.separator)
        csv->options.separator = ',';
    csv->line = 1;
    fbk__feed_init(&csv->feed, fbk__a(db), file, FBK__CSV_RECORD_MAX);
    *out = csv;
    return FBK_OK;
}

void
fbk__csv_close(fbk__csv *csv)
{
    if (!csv)
        return;
    fbk__feed_free(&csv->feed);
    fbk__free(fbk__a(csv->db), csv->fields);
    fbk__free(fbk__a(csv->db), csv->starts);
    fbk__free(fbk__a(csv->db), csv);
}

static scan_result
scan_bad(fbk__csv *csv, const char *reason)
{
    csv->reason = reason;
    return SCAN_BAD;
}

static bool
scan_add(fbk__csv *csv, size_t start, size_t len, size_t flags)
{
    const fbk_allocator *a = fbk__a(csv->db);

    if (csv->n == csv->cap &&
        !fbk__grow(a, &csv->fields, &csv->cap, csv->n + 1, sizeof *csv->fields)) {
        csv->no_memory = true;
        return false;
    }
    if (csv->n == csv->starts_cap &&
        !fbk__grow(a, &csv->starts, &csv->starts_cap, csv->n + 1, sizeof *csv->starts)) {
        csv->no_memory = true;
        return false;
    }
    csv->starts[csv->n] = start;
    csv->fields[csv->n++] = (fbk__csv_field){NULL, len, flags};
    return true;
}

/* The field whose opening quote stands at *at; *at moves to the byte after the closing quote. */
static scan_result
scan_quoted(fbk__csv *csv, const char *base, size_t len, size_t *at)
{
    size_t start = *at + 1;
    size_t p = start;
    size_t flags = FIELD_QUOTED;

    for (;;) {
        const char *quote = p < len ? memchr(base + p, '"', len - p) : NULL;

        p = quote ? (size_t)(quote - base) : len;
        if (p - start > FBK__CSV_FIELD_MAX)
            return scan_bad(csv, "a quoted field was longer than 1 MiB, or its quote was never "
                                 "closed");
        if (!quote && csv->feed.at_end)
            return scan_bad(csv, "a quoted field was not closed before the end of the file");
        if (!quote || (p + 1 == len && !csv->feed.at_end))
            return SCAN_MORE;
        if (p + 1 == len || base[p + 1] != '"')
            break;
        flags |= FIELD_ESCAPES;
        p += 2;
    }
    if (!scan_add(csv, start, p - start, flags))
        return SCAN_BAD;
    *at = p + 1;
    return SCAN_DONE;
}

static void
scan_trim(const char *base, size_t *start, size_t *len)
{
    while (*len && (base[*start] == ' ' || base[*start] == '\t')) {
        ++*start;
        --*len;
    }
    while (*len && (base[*start + *len - 1] == ' ' || base[*start + *len - 1] == '\t'))
        --*len;
}

/* A field without quotes; *at moves to its separator or line feed, or to len at the end. */
static scan_result
scan_plain(fbk__csv *csv, const char *base, size_t len, size_t *at)
{
    const char separator = csv->options.separator;
    size_t start = *at;
    size_t p = start;
    size_t n;

    while (p < len && base[p] != separator && base[p] != '\n')
        p++;
    if (p - start > FBK__CSV_FIELD_MAX)
        return scan_bad(csv, "a field was longer than 1 MiB");
    if (p == len && !csv->feed.at_end)
        return SCAN_MORE;
    n = p - start;
    if (n && base[p - 1] == '\r' && (p == len || base[p] == '\n'))
        n--;
    if (csv->options.trim)
        scan_trim(base, &start, &n);
    if (!scan_add(csv, start, n, 0))
        return SCAN_BAD;
    *at = p;
    return SCAN_DONE;
}

/* What follows a closing quote: a separator, a line end or the end. */
static scan_result
scan_after_quote(fbk__csv *csv, const char *base, size_t len, size_t *at)
{
    size_t p = *at;

    if (csv->options.trim || csv->options.merge) {
        while (p < len && base[p] == ' ' && csv->options.separator != ' ')
            p++;
    }
    if (p < len && base[p] == '\r')
        p++;
    if (p == len)
        return csv->feed.at_end ? (*at = p, SCAN_DONE) : SCAN_MORE;
    if (base[p] != '\n' && (base[p] != csv->options.separator || base[p - 1] == '\r'))
        return scan_bad(csv, "text followed the closing quote of a field");
    *at = p;
    return SCAN_DONE;
}

/* Pass over a run of separators; true when the record ends there. */
static bool
scan_merge(const fbk__csv *csv, const char *base, size_t len, size_t *at)
{
    size_t p = *at;

    while (p < len && base[p] == csv->options.separator)
        p++;
    *at = p;
    if (csv->n == 0)
        return false;
    if (p + 1 < len && base[p] == '\r' && base[p + 1] == '\n')
        *at = ++p;
    return p < len ? base[p] == '\n' : csv->feed.at_end;
}

/* One record from feed.start; *out_end is relative to it, after the line end. Nothing is changed in
 * the buffer, so that a record can be read again once more of it has arrived. */
static scan_result
csv_scan(fbk__csv *csv, size_t *out_end)
{
    const char *base = csv->feed.data + csv->feed.start;
    size_t len = csv->feed.len - csv->feed.start;
    size_t p = 0;

    csv->n = 0;
    for (;;) {
        scan_result result;

        if (csv->options.merge && scan_merge(csv, base, len, &p))
            break;
        if (csv->n == FBK__CSV_FIELDS_MAX)
            return scan_bad(csv, "a record had more than 10,000 fields");
        if (p < len && base[p] == '"' && !csv->options.no_quotes) {
            result = scan_quoted(csv, base, len, &p);
            if (result == SCAN_DONE)
                result = scan_after_quote(csv, base, len, &p);
        } else {
            result = scan_plain(csv, base, len, &p);
        }
        if (result != SCAN_DONE)
            return result;
        if (p == len || base[p] == '\n')
            break;
        p++;
    }
    *out_end = p < len ? p + 1 : p;
    if (memchr(base, '\0', *out_end))
        return scan_bad(csv, "a record held a NUL byte");
    return SCAN_DONE;
}

/* Set the texts, take doubled quotes for one, and count the line ends that were inside. */
static int64_t
csv_finish(fbk__csv *csv)
{
    char *base = csv->feed.data + csv->feed.start;
    int64_t lines = 0;

    for (size_t i = 0; i < csv->n; i++) {
        fbk__csv_field *field = &csv->fields[i];
        char *text = base + csv->starts[i];
        const char *end = text + field->len;
        char *to = text;

        field->text = text;
        if (!(field->flags & FIELD_QUOTED))
            continue;
        for (const char *p = text; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
            lines++;
        if (!(field->flags & FIELD_ESCAPES))
            continue;
        for (const char *p = text; p < end; p++) {
            *to++ = *p;
            if (*p == '"')
                p++;
        }
        field->len = (size_t)(to - text);
    }
    return lines;
}

static fbk_status
csv_begin(fbk__csv *csv)
{
    const unsigned char *p;
    size_t len;
    fbk_status rc = fbk__feed_more(&csv->feed);

    if (rc < 0)
        return rc;
    csv->begun = true;
    p = (const unsigned char *)csv->feed.data;
    len = csv->feed.len;
    if (len >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
        return fbk__fail_at(csv->db, FBK_EINVAL, "file", 0,
                            "the file was UTF-16 or UTF-32, not UTF-8");
    if (len >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
        csv->feed.start = 3;
    return FBK_OK;
}

static bool
csv_blank(const fbk__csv *csv)
{
    return csv->n == 1 && csv->fields[0].len == 0 && !(csv->fields[0].flags & FIELD_QUOTED);
}

/* The record that begins at feed.start, with as much reading as it takes. */
static fbk_status
csv_scan_whole(fbk__csv *csv, scan_result *out_result, size_t *out_end)
{
    for (;;) {
        fbk_status rc;

        *out_result = csv_scan(csv, out_end);
        if (*out_result == SCAN_BAD && csv->no_memory)
            return fbk__nomem(csv->db);
        if (*out_result != SCAN_MORE)
            return FBK_OK;
        rc = fbk__feed_more(&csv->feed);
        if (rc < 0)
            return rc;
        if (rc == FBK_DONE) {
            *out_result = scan_bad(csv, "a record was longer than 16 MiB");
            return FBK_OK;
        }
    }
}

fbk_status
fbk__csv_next(fbk__csv *csv, fbk__csv_record *out)
{
    scan_result result;
    size_t end;
    fbk_status rc = csv->begun ? FBK_OK : csv_begin(csv);

    while (rc == FBK_OK) {
        if (csv->feed.start == csv->feed.len && csv->feed.at_end)
            return FBK_DONE;
        rc = csv_scan_whole(csv, &result, &end);
        if (rc < 0)
            return rc;
        *out = (fbk__csv_record){csv->fields, csv->n, csv->number + 1, csv->line, NULL};
        csv->line++;
        if (result == SCAN_DONE && csv_blank(csv)) {
            csv->feed.start += end;
            continue;
        }
        csv->number++;
        if (result == SCAN_DONE) {
            csv->line += csv_finish(csv);
            csv->feed.start += end;
            return FBK_OK;
        }
        out->n = 0;
        out->reason = csv->reason;
        return fbk__feed_skip_line(&csv->feed);
    }
    return rc;
}
