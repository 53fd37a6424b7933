/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/json.h"

#include <string.h>

#include "base/utf8.h"

/* A walk over the text of one value. */
typedef struct walk {
    const char *p;
    const char *end;
    const char *reason; /* set at the first fault */
    unsigned depth;
    size_t path_len;
    char path[FBK__JSON_PATH_MAX];
} walk;

struct fbk__json {
    fbk *db;
    fbk__feed feed;
    const fbk__intern *names;
    const char *lines;
    fbk__cell *cells;
    uint32_t *touched; /* cells set by the current row, to be taken back */
    size_t n_touched;
    size_t n_header; /* of them, set by the record */
    /* Texts that had escapes: never longer than the line they come from. */
    char *plain;
    size_t plain_cap;
    size_t plain_len;
    size_t plain_header;
    const char *array; /* the array of rows: where its next element begins; NULL = none left */
    const char *line_start;
    const char *line_end;
    bool row_left; /* the record's single row was not given out yet */
    bool no_memory;
    bool begun;
    int64_t number;
    int64_t line;
};

fbk_status
fbk__json_open(fbk *db, fbk__file *file, const fbk__intern *names, const char *lines,
               fbk__json **out)
{
    fbk__json *json = fbk__calloc(fbk__a(db), 1, sizeof *json);

    if (!json)
        return fbk__nomem(db);
    if (lines && strlen(lines) > FBK__JSON_PATH_MAX / 2) {
        fbk__free(fbk__a(db), json);
        return fbk__fail_at(db, FBK_EINVAL, "json.lines", 0, "the path was longer than %d bytes",
                            FBK__JSON_PATH_MAX / 2);
    }
    json->db = db;
    json->names = names;
    json->lines = lines;
    fbk__feed_init(&json->feed, fbk__a(db), file, FBK__JSON_LINE_MAX);
    json->cells = fbk__calloc(fbk__a(db), names->n + 1, sizeof *json->cells);
    json->touched = fbk__calloc(fbk__a(db), names->n + 1, sizeof *json->touched);
    if (!json->cells || !json->touched) {
        fbk__json_close(json);
        return fbk__nomem(db);
    }
    *out = json;
    return FBK_OK;
}

void
fbk__json_close(fbk__json *json)
{
    if (!json)
        return;
    fbk__feed_free(&json->feed);
    fbk__free(fbk__a(json->db), json->cells);
    fbk__free(fbk__a(json->db), json->touched);
    fbk__free(fbk__a(json->db), json->plain);
    fbk__free(fbk__a(json->db), json);
}

static bool
walk_bad(walk *w, const char *reason)
{
    if (!w->reason)
        w->reason = reason;
    return false;
}

static void
walk_blanks(walk *w)
{
    while (w->p < w->end && (*w->p == ' ' || *w->p == '\t' || *w->p == '\r' || *w->p == '\n'))
        w->p++;
}

/* The next byte that is no blank must be this one. */
static bool
walk_byte(walk *w, char byte, const char *reason)
{
    walk_blanks(w);
    if (w->p == w->end || *w->p != byte)
        return walk_bad(w, reason);
    w->p++;
    return true;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four hexadecimal digits at p, or -1. */
static int32_t
hex4(const char *p, const char *end)
{
    int32_t value = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The code point of an escape \uXXXX (pairs of surrogates make one); *p stands on the first digit
 * and moves behind the last. -1 when malformed, or when it is a NUL. */
static int32_t
escape_code(const char **p, const char *end)
{
    int32_t high = hex4(*p, end);
    int32_t low;

    if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff))
        return -1;
    *p += 4;
    if (high < 0xd800 || high > 0xdbff)
        return high;
    if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return -1;
    low = hex4(*p + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    *p += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static size_t
utf8_put(char *to, int32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3f));
    to[2] = (char)(0x80 | (code >> 6 & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static char
escape_char(char c)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *at = c ? strchr(from, c) : NULL;

    return at ? to[at - from] : '\0';
}

/* Pass over one escape; *p stands behind the backslash. Its bytes go to *to unless that is NULL. */
static bool
walk_escape(walk *w, const char **p, char **to)
{
    char buffer[4];
    size_t n = 1;

    if (*p < w->end && **p == 'u') {
        int32_t code;

        ++*p;
        code = escape_code(p, w->end);
        if (code < 0)
            return walk_bad(w, "a \\u escape was malformed, a lone surrogate or a NUL");
        n = utf8_put(buffer, code);
    } else {
        buffer[0] = *p < w->end ? escape_char(**p) : '\0';
        if (!buffer[0])
            return walk_bad(w, "a string held an unknown escape");
        ++*p;
    }
    if (*to) {
        memcpy(*to, buffer, n);
        *to += n;
    }
    return true;
}

/* Room for all texts of the record that have escapes: together never longer than the line. */
static bool
plain_room(fbk__json *json)
{
    size_t need = (size_t)(json->line_end - json->line_start);

    if (fbk__grow(fbk__a(json->db), &json->plain, &json->plain_cap, need + 1, 1))
        return true;
    json->no_memory = true;
    return false;
}

/* A string; its opening quote has been read. With cell NULL it is only checked. */
static bool
walk_string(fbk__json *json, walk *w, fbk__cell *cell)
{
    const char *start = w->p;
    const char *p = start;
    bool escapes = false;
    char *to = NULL;

    while (p < w->end && *p != '"') {
        if ((unsigned char)*p < 0x20)
            return walk_bad(w, "a string held a control character");
        if (*p++ != '\\')
            continue;
        escapes = true;
        if (!walk_escape(w, &p, &to))
            return false;
    }
    if (p == w->end)
        return walk_bad(w, "a string was not closed");
    w->p = p + 1;
    if (!cell)
        return true;
    *cell = (fbk__cell){start, (size_t)(p - start), FBK__CELL_TEXT};
    if (!escapes)
        return true;
    if (!plain_room(json))
        return walk_bad(w, "out of memory");
    cell->text = to = json->plain + json->plain_len;
    while (start < p) {
        if (*start != '\\') {
            *to++ = *start++;
            continue;
        }
        start++;
        if (!walk_escape(w, &start, &to))
            return false;
    }
    cell->len = (size_t)(to - cell->text);
    json->plain_len += cell->len;
    return true;
}

static const char *
digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static bool
walk_number(walk *w, fbk__cell *cell)
{
    const char *start = w->p;
    const char *p = start;
    const char *q;

    if (p < w->end && *p == '-')
        p++;
    q = digits(p, w->end);
    if (q == p || (*p == '0' && q - p > 1))
        return walk_bad(w, "a value was malformed");
    p = q;
    if (p < w->end && *p == '.') {
        q = digits(++p, w->end);
        if (q == p)
            return walk_bad(w, "a number was malformed");
        p = q;
    }
    if (p < w->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < w->end && (*p == '+' || *p == '-'))
            p++;
        q = digits(p, w->end);
        if (q == p)
            return walk_bad(w, "a number was malformed");
        p = q;
    }
    *cell = (fbk__cell){start, (size_t)(p - start), FBK__CELL_NUMBER};
    w->p = p;
    return true;
}

static bool
walk_word(walk *w, fbk__cell *cell)
{
    static const struct {
        const char *text;
        size_t len;
        uint32_t kind;
    } words[] = {
        {"null", 4, FBK__CELL_NONE}, {"true", 4, FBK__CELL_BOOL}, {"false", 5, FBK__CELL_BOOL}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if ((size_t)(w->end - w->p) < words[i].len ||
            memcmp(w->p, words[i].text, words[i].len) != 0)
            continue;
        *cell = (fbk__cell){w->p, words[i].len, words[i].kind};
        w->p += words[i].len;
        return true;
    }
    return walk_bad(w, "a value was malformed");
}

static bool
walk_value(fbk__json *json, walk *w);

/* Append ".key" to the path; false when it is longer than any wanted name can be (it then matches
 * nothing, and what is below it is only checked). */
static bool
path_push(walk *w, const fbk__cell *key)
{
    size_t dot = w->path_len ? 1 : 0;

    if (w->path_len > sizeof w->path - dot)
        return false;
    if (key->len + dot > sizeof w->path - w->path_len)
        return false;
    if (dot)
        w->path[w->path_len] = '.';
    memcpy(w->path + w->path_len + dot, key->text, key->len);
    w->path_len += key->len + dot;
    return true;
}

static bool
walk_object(fbk__json *json, walk *w)
{
    const size_t above = w->path_len;

    walk_blanks(w);
    if (w->p < w->end && *w->p == '}') {
        w->p++;
        return true;
    }
    for (;;) {
        const size_t plain = json->plain_len;
        fbk__cell key;

        if (!walk_byte(w, '"', "a member's name was missing") || !walk_string(json, w, &key) ||
            !walk_byte(w, ':', "the colon after a member's name was missing"))
            return false;
        if (!path_push(w, &key))
            w->path_len = sizeof w->path + 1;
        json->plain_len = plain; /* the key is in the path now */
        if (!walk_value(json, w))
            return false;
        w->path_len = above;
        walk_blanks(w);
        if (w->p < w->end && *w->p == ',') {
            w->p++;
            continue;
        }
        return walk_byte(w, '}', "an object was not closed");
    }
}

static bool
walk_array(fbk__json *json, walk *w)
{
    const size_t path_len = w->path_len;
    bool ok = true;

    walk_blanks(w);
    if (w->p < w->end && *w->p == ']') {
        w->p++;
        return true;
    }
    w->path_len = sizeof w->path + 1; /* elements have no name */
    while (ok) {
        ok = walk_value(json, w);
        walk_blanks(w);
        if (!ok || w->p == w->end || *w->p != ',')
            break;
        w->p++;
    }
    w->path_len = path_len;
    return ok && walk_byte(w, ']', "an array was not closed");
}

/* The number of the wanted name that the path is. */
static uint32_t
path_name(const fbk__json *json, const walk *w)
{
    if (w->path_len == 0 || w->path_len > sizeof w->path)
        return FBK__INTERN_NONE;
    return fbk__intern_find(json->names, w->path, w->path_len);
}

static bool
cell_set(fbk__json *json, walk *w, uint32_t name, const fbk__cell *cell)
{
    if (json->cells[name].text)
        return walk_bad(w, "a member that the mapping names came twice");
    json->cells[name] = *cell;
    json->touched[json->n_touched++] = name;
    return true;
}

/* An element of the array of rows; the path is that of the array. */
static bool
walk_row(fbk__json *json, walk *w)
{
    bool ok;

    if (!walk_byte(w, '{', "an element of the array of lines was no object"))
        return false;
    if (++w->depth > FBK__JSON_DEPTH_MAX)
        return walk_bad(w, "the line was nested deeper than 32 levels");
    ok = walk_object(json, w);
    w->depth--;
    return ok;
}

/* Forget the cells that came after the first n. */
static void
cells_forget(fbk__json *json, size_t n)
{
    while (json->n_touched > n)
        json->cells[json->touched[--json->n_touched]] = (fbk__cell){NULL, 0, FBK__CELL_NONE};
}

/* The array of rows, in the pass over the record: check every element, remember the first. The
 * check takes their cells too, for duplicates, and gives them back. */
static bool
walk_rows(fbk__json *json, walk *w)
{
    if (json->array)
        return walk_bad(w, "the array of lines came twice");
    walk_blanks(w);
    if (w->p < w->end && *w->p == ']') {
        w->p++;
        return true;
    }
    json->array = w->p;
    for (;;) {
        const size_t n_touched = json->n_touched;
        const size_t plain = json->plain_len;

        if (!walk_row(json, w))
            return false;
        cells_forget(json, n_touched);
        json->plain_len = plain;
        walk_blanks(w);
        if (w->p == w->end || *w->p != ',')
            break;
        w->p++;
    }
    return walk_byte(w, ']', "the array of lines was not closed");
}

static bool
walk_deeper(fbk__json *json, walk *w, uint32_t name)
{
    const bool array = *w->p++ == '[';
    const size_t path_len = w->path_len;
    bool ok;

    if (name != FBK__INTERN_NONE)
        return walk_bad(w, "a member that the mapping names was an object or an array");
    if (++w->depth > FBK__JSON_DEPTH_MAX)
        return walk_bad(w, "the line was nested deeper than 32 levels");
    if (array && json->lines && path_len == strlen(json->lines) &&
        memcmp(w->path, json->lines, path_len) == 0)
        ok = walk_rows(json, w);
    else
        ok = array ? walk_array(json, w) : walk_object(json, w);
    w->depth--;
    return ok;
}

static bool
walk_value(fbk__json *json, walk *w)
{
    uint32_t name = path_name(json, w);
    fbk__cell cell;
    bool ok;

    walk_blanks(w);
    if (w->p == w->end)
        return walk_bad(w, "the line ended inside a value");
    switch (*w->p) {
    case '{':
    case '[':
        return walk_deeper(json, w, name);
    case '"':
        w->p++;
        ok = walk_string(json, w, name == FBK__INTERN_NONE ? NULL : &cell);
        break;
    case 'n':
    case 't':
    case 'f':
        ok = walk_word(w, &cell);
        break;
    default:
        ok = walk_number(w, &cell);
    }
    return ok && (name == FBK__INTERN_NONE || cell_set(json, w, name, &cell));
}

static const char *
walk_line(fbk__json *json, const char *text, size_t len)
{
    walk w = {.p = text, .end = text + len};

    cells_forget(json, 0);
    json->plain_len = json->plain_header = 0;
    json->array = NULL;
    json->row_left = false;
    json->line_start = text;
    json->line_end = text + len;
    if (!fbk__utf8_valid(text, len))
        return "the line was not valid UTF-8";
    if (memchr(text, '\0', len))
        return "the line held a NUL byte";
    walk_blanks(&w);
    if (w.p == w.end || *w.p != '{')
        return "the line was no JSON object";
    w.p++;
    w.depth = 1;
    if (walk_object(json, &w)) {
        walk_blanks(&w);
        if (w.p != w.end)
            (void)walk_bad(&w, "text followed the object on its line");
    }
    if (w.reason)
        return w.reason;
    json->n_header = json->n_touched;
    json->plain_header = json->plain_len;
    json->row_left = !json->array;
    return NULL;
}

/* Length of the line at feed.start, without its line feed. FBK_DONE: longer than the limit. */
static fbk_status
json_line(fbk__json *json, size_t *out_len)
{
    fbk__feed *feed = &json->feed;

    for (;;) {
        size_t left = feed->len - feed->start;
        const char *text = feed->data + feed->start;
        const char *end = left ? memchr(text, '\n', left) : NULL;
        fbk_status rc;

        *out_len = end ? (size_t)(end - text) : left;
        if (end || feed->at_end)
            return FBK_OK;
        rc = fbk__feed_more(feed);
        if (rc != FBK_OK)
            return rc;
    }
}

static bool
json_blank(const char *text, size_t len)
{
    while (len > 0 && (*text == ' ' || *text == '\t' || *text == '\r')) {
        text++;
        len--;
    }
    return len == 0;
}

static fbk_status
json_begin(fbk__json *json)
{
    const unsigned char *p;
    fbk_status rc = fbk__feed_more(&json->feed);

    if (rc < 0)
        return rc;
    json->begun = true;
    p = (const unsigned char *)json->feed.data;
    if (json->feed.len >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
        json->feed.start = 3;
    return FBK_OK;
}

fbk_status
fbk__json_next(fbk__json *json, fbk__json_record *out)
{
    fbk__feed *feed = &json->feed;
    fbk_status rc = json->begun ? FBK_OK : json_begin(json);

    cells_forget(json, 0);
    json->array = NULL;
    json->row_left = false;
    while (rc >= 0) {
        size_t len;

        rc = json_line(json, &len);
        if (rc < 0)
            return rc;
        if (len == 0 && feed->at_end && feed->start == feed->len)
            return FBK_DONE;
        json->line++;
        if (rc == FBK_OK && json_blank(feed->data + feed->start, len)) {
            rc = fbk__feed_skip_line(feed);
            continue;
        }
        *out = (fbk__json_record){++json->number, json->line, NULL, NULL, 0};
        if (rc == FBK_DONE) {
            out->reason = "the line was longer than 16 MiB";
            return fbk__feed_skip_line(feed);
        }
        out->reason = walk_line(json, feed->data + feed->start, len);
        if (json->no_memory)
            return fbk__nomem(json->db);
        if (out->reason) {
            json->array = NULL;
        } else {
            out->text = feed->data + feed->start;
            out->len = len;
        }
        /* The bytes stay where they are until more is read. */
        feed->start += len < feed->len - feed->start ? len + 1 : len;
        return FBK_OK;
    }
    return rc;
}

fbk_status
fbk__json_row(fbk__json *json, const fbk__cell **out_cells)
{
    walk w = {.end = json->line_end};

    cells_forget(json, json->n_header);
    json->plain_len = json->plain_header;
    if (json->row_left) {
        json->row_left = false;
        *out_cells = json->cells;
        return FBK_OK;
    }
    if (!json->array)
        return FBK_DONE;
    w.p = json->array;
    w.path_len = strlen(json->lines);
    memcpy(w.path, json->lines, w.path_len);
    if (!walk_row(json, &w))
        return fbk__fail(json->db, FBK_EINVAL, "a line element that had been read changed");
    walk_blanks(&w);
    json->array = w.p < w.end && *w.p == ',' ? w.p + 1 : NULL;
    *out_cells = json->cells;
    return FBK_OK;
}
