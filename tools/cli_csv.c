/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli_csv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A CSV file of master data (catalogue, places, weather: small beside the events) as an Arrow
 * stream of typed columns, which is what the library's bulk calls take. */

enum { CSV_COLUMNS = 200 };

typedef struct csv_reader {
    FILE *file;
    const char *path;
    int64_t line; /* at hand, from 1 */
    char *field;
    size_t len, cap;
    bool quoted;
    const char *problem;
} csv_reader;

static bool
field_put(csv_reader *r, int c)
{
    if (r->len + 1 >= r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 256;
        char *grown = cap > ((size_t)1 << 20) ? NULL : realloc(r->field, cap);

        if (!grown) {
            r->problem = "a field was longer than a megabyte";
            return false;
        }
        r->field = grown;
        r->cap = cap;
    }
    r->field[r->len++] = (char)c;
    r->field[r->len] = '\0';
    return true;
}

/* Next field (RFC 4180). ',' more follow in this record, '\n' it was the last, EOF no field. */
static int
field_read(csv_reader *r)
{
    int c = getc(r->file);

    r->len = 0;
    r->quoted = false;
    if (c == EOF)
        return EOF;
    if (c == '"') {
        r->quoted = true;
        for (;;) {
            c = getc(r->file);
            if (c == EOF) {
                r->problem = "a quoted field did not end";
                return EOF;
            }
            if (c == '\n')
                r->line++;
            if (c == '"') {
                c = getc(r->file);
                if (c != '"')
                    break;
            }
            if (!field_put(r, c))
                return EOF;
        }
    }
    for (;; c = getc(r->file)) {
        if (c == '\r') {
            int after = getc(r->file);

            if (after == '\n' || after == EOF)
                c = after;
            else
                (void)ungetc(after, r->file);
        }
        if (c == '\n' || c == EOF) {
            r->line += c == '\n';
            return field_put(r, '\0') ? '\n' : EOF;
        }
        if (c == ',')
            return field_put(r, '\0') ? ',' : EOF;
        if (r->quoted || !field_put(r, c)) {
            r->problem = r->problem ? r->problem : "text followed a closing quote";
            return EOF;
        }
    }
}

typedef struct csv_table {
    csv_reader r;
    fbk_arrow_builder b;
    const cli_csv_column *columns[CSV_COLUMNS]; /* of the file; NULL = not wanted */
    int64_t number[CSV_COLUMNS];                /* of the builder */
    char names[CSV_COLUMNS][64];
    int n;
    bool failed;
} csv_table;

static void
csv_fail(csv_table *t, int64_t line, const char *format, const char *name)
{
    char text[256];

    (void)snprintf(text, sizeof text, format, name);
    cli_error("%s, line %lld: %s", t->r.path, (long long)line, text);
    t->failed = true;
}

/* A name of the file by what the verb calls it: --column NAME=HEADER. */
static const char *
column_rename(const char *header, char *const *renames, int n_renames)
{
    for (int i = 0; i < n_renames; i++) {
        const char *equals = strchr(renames[i], '=');

        if (equals && strcmp(equals + 1, header) == 0)
            return renames[i];
    }
    return header;
}

static bool
header_read(csv_table *t, const cli_csv_column *wanted, char *const *renames, int n_renames)
{
    for (int end = ','; end == ',';) {
        const char *name;
        size_t len;

        end = field_read(&t->r);
        if (end == EOF || t->n == CSV_COLUMNS) {
            csv_fail(t, 1, "%s", t->r.problem ? t->r.problem : "there was no header line");
            return false;
        }
        if (t->n == 0 && strncmp(t->r.field, "\x28\xb5\x2f\xfd", 4) == 0) {
            csv_fail(t, 1, "%s", "the file is compressed with zstd: zstdcat it into FILE -");
            return false;
        }
        if (t->n == 0 && strncmp(t->r.field, "\xef\xbb\xbf", 3) == 0)
            memmove(t->r.field, t->r.field + 3, t->r.len - 3);
        name = column_rename(t->r.field, renames, n_renames);
        len = strcspn(name, name == t->r.field ? "" : "=");
        t->columns[t->n] = NULL;
        for (const cli_csv_column *w = wanted; w->name; w++)
            if ((strlen(w->name) == len && strncmp(w->name, name, len) == 0) ||
                (w->prefix && strncmp(w->name, name, strlen(w->name)) == 0))
                t->columns[t->n] = w;
        (void)snprintf(t->names[t->n], sizeof t->names[0], "%.*s", (int)len, name);
        if (t->columns[t->n])
            t->number[t->n] =
                fbk_arrow_builder_column(&t->b, t->names[t->n], t->columns[t->n]->format);
        t->n++;
    }
    for (const cli_csv_column *w = wanted; w->name; w++) {
        bool there = !w->required;

        for (int i = 0; i < t->n; i++)
            there = there || t->columns[i] == w;
        if (!there)
            csv_fail(t, 1, "there was no column \"%s\" (see --column)", w->name);
    }
    return !t->failed;
}

static void
value_add(csv_table *t, int column, int64_t line)
{
    const cli_csv_column *is = t->columns[column];
    const char *text = t->r.field;
    char *end;

    if (!*text && !t->r.quoted) {
        fbk_arrow_add_null(&t->b, t->number[column]);
    } else if (strcmp(is->format, FBK_ARROW_DOUBLE) == 0) {
        double value = strtod(text, &end);

        if (end == text || *end || !isfinite(value))
            csv_fail(t, line, "%s was not a number", is->name);
        fbk_arrow_add_double(&t->b, t->number[column], value);
    } else if (strcmp(is->format, FBK_ARROW_TEXT) == 0) {
        fbk_arrow_add_text(&t->b, t->number[column], text, (int64_t)strlen(text));
    } else {
        int64_t value = 0;

        if (is->parse) {
            if (!is->parse(text, &value))
                csv_fail(t, line, "%s was no instant", is->name);
        } else {
            errno = 0;
            value = strtoll(text, &end, 10);
            if (errno || end == text || *end)
                csv_fail(t, line, "%s was not a whole number", is->name);
        }
        fbk_arrow_add_int64(&t->b, t->number[column], value);
    }
}

static void
rows_read(csv_table *t)
{
    while (!t->failed) {
        int64_t line = t->r.line;
        int end = ',';
        int i = 0;

        for (; end == ',' && !t->failed; i++) {
            end = field_read(&t->r);
            if (end == EOF || (i == 0 && end == '\n' && t->r.len == 1))
                break;
            if (i < t->n && t->columns[i])
                value_add(t, i, line);
        }
        if (end == EOF) {
            if (t->r.problem || ferror(t->r.file))
                csv_fail(t, line, "%s", t->r.problem ? t->r.problem : strerror(errno));
            return;
        }
        if (i != 0 && i != t->n && !t->failed)
            csv_fail(t, line, "%s", "the number of fields was not that of the header");
    }
}

int
cli_csv_read(const char *path, const cli_csv_column *wanted, char *const *renames, int n_renames,
             struct ArrowArrayStream *out)
{
    csv_table *t = calloc(1, sizeof *t);
    int code = CLI_BAD_INPUT;

    if (!t) {
        cli_error("out of memory");
        return CLI_FAILURE;
    }
    t->r.path = path;
    t->r.line = 1;
    t->r.file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!t->r.file) {
        cli_error("could not read %s: %s", path, strerror(errno));
        free(t);
        return CLI_FAILURE;
    }
    if (header_read(t, wanted, renames, n_renames))
        rows_read(t);
    if (!t->failed) {
        code = CLI_OK;
        if (fbk_arrow_builder_finish(&t->b, out) < 0) {
            cli_error("out of memory");
            code = CLI_FAILURE;
        }
    }
    fbk_arrow_builder_free(&t->b);
    if (t->r.file != stdin)
        (void)fclose(t->r.file);
    free(t->r.field);
    free(t);
    return code;
}

bool
cli_csv_time(const char *text, int64_t *out)
{
    return cli_instant(NULL, text, out);
}

bool
cli_rename(cli_load_options *load, char *text)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text || !equals[1] || load->n_renames == CLI_RENAMES) {
        cli_error("--column takes NAME=HEADER, at most %d times", CLI_RENAMES);
        return false;
    }
    load->renames[load->n_renames++] = text;
    return true;
}

/* The library knows the row, but not the file. */
static int
load_failed(fbk *db, fbk_status status, const char *path)
{
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};

    if (fbk_error_info(db, &info) < 0 || !*info.message)
        return cli_failed(db, status);
    if (info.row > 0)
        cli_error("%s, row %lld: %s", path, (long long)info.row, info.message);
    else
        cli_error("%s: %s", path, info.message);
    return cli_exit_code(status);
}

int
cli_load(const cli_load_options *load, const char *path)
{
    struct ArrowArrayStream stream = {0};
    cli_session session;
    char count[CLI_TEXT];
    int64_t rows = 0;
    fbk_status rc;
    int code = cli_open(CLI_WRITE, &session);

    if (code != CLI_OK)
        return code;
    code = cli_csv_read(path, load->columns, load->renames, load->n_renames, &stream);
    if (code == CLI_OK) {
        rc = load->call(session.db, &stream, &rows);
        if (rc < 0) {
            code = load_failed(session.db, rc, path);
        } else if (cli.json) {
            cli_json_begin();
            cli_json_text("file", path);
            cli_json_int("rows", rows);
            cli_json_end();
        } else {
            (void)printf("%s: %s\n", path, cli_counted(count, rows, load->one, load->many));
        }
    }
    cli_close(&session);
    return code;
}
