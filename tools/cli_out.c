/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* -- values for people ------------------------------------------------------------------------- */

char *
cli_count(char *out, int64_t value)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%llu",
                     (unsigned long long)(value < 0 ? -(uint64_t)value : (uint64_t)value));
    char *at = out;

    if (value < 0)
        *at++ = '-';
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return out;
}

char *
cli_counted(char *out, int64_t value, const char *one, const char *many)
{
    char number[CLI_TEXT];

    (void)snprintf(out, CLI_TEXT, "%s %s", cli_count(number, value), value == 1 ? one : many);
    return out;
}

char *
cli_money(char *out, int64_t micro)
{
    uint64_t size = micro < 0 ? -(uint64_t)micro : (uint64_t)micro;
    uint64_t cents = (size + 5000) / 10000;
    char *at = out;

    if (micro < 0 && cents > 0)
        *at++ = '-';
    (void)cli_count(at, (int64_t)(cents / 100));
    at += strlen(at);
    (void)snprintf(at, 4, ".%02u", (unsigned)(cents % 100));
    return out;
}

char *
cli_quantity(char *out, int64_t milli)
{
    uint64_t size = milli < 0 ? -(uint64_t)milli : (uint64_t)milli;
    unsigned rest = (unsigned)(size % 1000);
    char *at = out;

    if (milli < 0)
        *at++ = '-';
    (void)cli_count(at, (int64_t)(size / 1000));
    at += strlen(at);
    if (rest) {
        (void)snprintf(at, 5, ".%03u", rest);
        for (at += 3; *at == '0'; at--)
            *at = '\0';
    }
    return out;
}

static char *
time_print(char *out, fbk_time at, const char *format)
{
    struct tm tm;
    time_t seconds = (time_t)(at >= 0 ? at / 1000000 : -((999999 - at) / 1000000));

    if (at == FBK_TIME_NONE || !localtime_r(&seconds, &tm) ||
        strftime(out, CLI_TEXT, format, &tm) == 0)
        (void)strcpy(out, "-");
    return out;
}

char *
cli_time(char *out, fbk_time at)
{
    return time_print(out, at, "%Y-%m-%d %H:%M");
}

char *
cli_day(char *out, fbk_time at)
{
    return time_print(out, at, "%Y-%m-%d");
}

static bool printed; /* something stands above: a heading wants a blank line */

void
cli_heading(const char *format, ...)
{
    va_list args;

    if (cli.json)
        return;
    if (printed)
        (void)putchar('\n');
    printed = true;
    if (cli.colour)
        (void)fputs("\033[1m", stdout);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)fputs(cli.colour ? "\033[0m\n" : "\n", stdout);
}

void
cli_fact(const char *name, const char *format, ...)
{
    va_list args;

    printed = true;
    (void)printf("  %-28s ", name);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
}

/* -- JSON -------------------------------------------------------------------------------------- */

static bool json_first;

void
cli_json_begin(void)
{
    (void)putchar('{');
    json_first = true;
}

void
cli_json_end(void)
{
    (void)fputs("}\n", stdout);
}

static void
json_string(const char *text, size_t len)
{
    const unsigned char *end = (const unsigned char *)text + len;

    (void)putchar('"');
    for (const unsigned char *p = (const unsigned char *)text; p < end; p++)
        if (*p == '"' || *p == '\\')
            (void)printf("\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            (void)printf("\\u%04x", *p);
        else
            (void)putchar(*p);
    (void)putchar('"');
}

static void
json_key(const char *key)
{
    if (!json_first)
        (void)putchar(',');
    json_first = false;
    json_string(key, strlen(key));
    (void)putchar(':');
}

void
cli_json_bytes(const char *key, const char *value, size_t len)
{
    json_key(key);
    json_string(value, len);
}

void
cli_json_null(const char *key)
{
    json_key(key);
    (void)fputs("null", stdout);
}

void
cli_json_text(const char *key, const char *value)
{
    if (value)
        cli_json_bytes(key, value, strlen(value));
    else
        cli_json_null(key);
}

void
cli_json_bool(const char *key, bool value)
{
    json_key(key);
    (void)fputs(value ? "true" : "false", stdout);
}

void
cli_json_int(const char *key, int64_t value)
{
    json_key(key);
    (void)printf("%lld", (long long)value);
}

void
cli_json_double(const char *key, double value)
{
    json_key(key);
    if (isfinite(value))
        (void)printf("%.15g", value);
    else
        (void)fputs("null", stdout);
}

/* -- tables ------------------------------------------------------------------------------------ */

/* Rows whose widths decide those of the table; longer streams go on with the same. */
enum { TABLE_ROWS = 1000, TABLE_WIDTH_MAX = 60 };

typedef enum unit {
    UNIT_TEXT,
    UNIT_ID, /* to be typed again: no commas */
    UNIT_COUNT,
    UNIT_NUMBER,
    UNIT_TENTHS, /* days, per cent: a column of one precision */
    UNIT_SCORE,
    UNIT_BOOL,
    UNIT_MONEY,
    UNIT_QUANTITY,
    UNIT_TIME,
    UNIT_PROB
} unit;

typedef struct table {
    fbk_arrow_rows rows;
    int64_t n_columns;
    int64_t *order; /* of the n_shown columns of a table for people */
    int64_t n_shown;
    unit *units;
    int *widths;
    char **cells; /* of the buffered rows */
    int64_t n_buffered;
} table;

static bool
ends_with(const char *text, const char *end)
{
    size_t n = strlen(text);
    size_t m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static unit
unit_of(const struct ArrowSchema *column)
{
    const char *format = column->format;
    const char *name = column->name ? column->name : "";

    if (strcmp(format, "u") == 0)
        return UNIT_TEXT;
    if (strncmp(format, "ts", 2) == 0)
        return UNIT_TIME;
    if (strcmp(format, "b") == 0)
        return UNIT_BOOL;
    if (strcmp(format, "g") == 0)
        return ends_with(name, "_prob")                                  ? UNIT_PROB
               : ends_with(name, "_percent") || ends_with(name, "_days") ? UNIT_TENTHS
               : strcmp(name, "score") == 0                              ? UNIT_SCORE
                                                                         : UNIT_NUMBER;
    if (strcmp(name, "profile") == 0 || strcmp(name, "identifier") == 0)
        return UNIT_ID;
    return ends_with(name, "_us")      ? UNIT_TIME
           : ends_with(name, "_micro") ? UNIT_MONEY
           : ends_with(name, "_milli") ? UNIT_QUANTITY
                                       : UNIT_COUNT;
}

/* Letters on the screen of UTF-8 text: bytes that begin a letter. */
static int
letters(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Text as one line: control characters of the data must not move the cursor. */
static char *
cell_text(const char *text, int64_t len)
{
    char *cell = malloc((size_t)len + 1);

    if (!cell)
        return NULL;
    for (int64_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        cell[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    cell[len] = '\0';
    return cell;
}

static char *
number_print(char *out, double value)
{
    double size = fabs(value);

    if (!isfinite(value))
        (void)strcpy(out, "-");
    else if (size == 0.0 || (size >= .01 && size < 1e6))
        (void)snprintf(out, CLI_TEXT,
                       size >= 1000.0  ? "%.0f"
                       : size >= 100.0 ? "%.1f"
                                       : "%.3f",
                       value);
    else
        (void)snprintf(out, CLI_TEXT, "%.3g", value);
    return out;
}

static void
decimals_print(char *out, int n, double value)
{
    if (isfinite(value))
        (void)snprintf(out, CLI_TEXT, "%.*f", n, value);
    else
        (void)strcpy(out, "-");
}

static char *
cell_make(const table *t, int64_t column)
{
    char out[CLI_TEXT];
    int64_t value;

    if (fbk_arrow_rows_null(&t->rows, column))
        return cell_text("-", 1);
    if (t->units[column] == UNIT_TEXT) {
        const char *text = fbk_arrow_rows_text(&t->rows, column, &value);

        return cell_text(text, value);
    }
    value = fbk_arrow_rows_int64(&t->rows, column);
    switch (t->units[column]) {
    case UNIT_NUMBER:
        (void)number_print(out, fbk_arrow_rows_double(&t->rows, column));
        break;
    case UNIT_PROB:
        (void)snprintf(out, sizeof out, "%.3f", fbk_arrow_rows_double(&t->rows, column));
        break;
    case UNIT_TENTHS:
    case UNIT_SCORE:
        decimals_print(out, t->units[column] == UNIT_SCORE ? 4 : 1,
                       fbk_arrow_rows_double(&t->rows, column));
        break;
    case UNIT_ID:
        (void)snprintf(out, sizeof out, "%lld", (long long)value);
        break;
    case UNIT_BOOL:
        (void)strcpy(out, value ? "yes" : "no");
        break;
    case UNIT_MONEY:
        (void)cli_money(out, value);
        break;
    case UNIT_QUANTITY:
        (void)cli_quantity(out, value);
        break;
    case UNIT_TIME:
        (void)cli_time(out, value);
        break;
    default:
        (void)cli_count(out, value);
    }
    return cell_text(out, (int64_t)strlen(out));
}

/* The unit is in the values, and that a number counts is plain: a heading does without. */
static char *
heading_make(const char *name)
{
    static const char *const units[] = {"_micro", "_milli", "_us"};
    char *text = strdup(!name ? "" : strncmp(name, "n_", 2) == 0 ? name + 2 : name);

    if (!text)
        return NULL;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (ends_with(text, units[i]))
            text[strlen(text) - strlen(units[i])] = '\0';
    for (char *p = text; *p; p++)
        if (*p == '_')
            *p = ' ';
    return text;
}

/* Bytes of the first n letters. */
static int
bytes_of(const char *text, int n)
{
    int at = 0;

    while (text[at] && (n > 0 || ((unsigned char)text[at] & 0xc0) == 0x80))
        n -= ((unsigned char)text[at++] & 0xc0) != 0x80;
    return at;
}

static void
cell_print(const table *t, int64_t column, const char *text)
{
    int pad = t->widths[column] - letters(text);
    bool last = column == t->order[t->n_shown - 1];

    if (column != t->order[0])
        (void)fputs("  ", stdout);
    if (pad < 0 && !last && t->units[column] == UNIT_TEXT) {
        (void)printf("%.*s…", bytes_of(text, t->widths[column] - 1), text); /* JSON has it all */
    } else if (t->units[column] == UNIT_TEXT) {
        (void)fputs(text, stdout);
        if (pad > 0 && !last)
            (void)printf("%*s", pad, "");
    } else {
        (void)printf("%*s%s", pad > 0 ? pad : 0, "", text);
    }
    if (last)
        (void)putchar('\n');
}

static bool
row_print(const table *t)
{
    for (int64_t i = 0; i < t->n_shown; i++) {
        char *cell = cell_make(t, t->order[i]);

        if (!cell)
            return false;
        cell_print(t, t->order[i], cell);
        free(cell);
    }
    return true;
}

static bool
buffer_print(table *t)
{
    for (int64_t i = 0; i < t->n_shown; i++) {
        int64_t c = t->order[i];
        char *heading = heading_make(t->rows.schema.children[c]->name);

        if (!heading)
            return false;
        if (letters(heading) > t->widths[c])
            t->widths[c] = letters(heading);
        if (cli.colour && i == 0)
            (void)fputs("\033[1m", stdout);
        cell_print(t, c, heading);
        free(heading);
    }
    if (cli.colour)
        (void)fputs("\033[0m", stdout);
    for (int64_t row = 0; row < t->n_buffered; row++)
        for (int64_t i = 0; i < t->n_shown; i++)
            cell_print(t, t->order[i], t->cells[row * t->n_columns + t->order[i]]);
    return true;
}

/* A sentence stands last, and what it names already is not said twice. */
static void
columns_order(table *t)
{
    int64_t why = fbk_arrow_rows_column(&t->rows, "why");

    for (int64_t c = 0; c < t->n_columns; c++) {
        const char *name = t->rows.schema.children[c]->name;

        if (c == why || (why >= 0 && strncmp(name ? name : "", "because", 7) == 0))
            continue;
        t->order[t->n_shown++] = c;
    }
    if (why >= 0)
        t->order[t->n_shown++] = why;
}

static bool
row_buffer(table *t)
{
    for (int64_t c = 0; c < t->n_columns; c++) {
        char *cell = cell_make(t, c);
        int width = cell ? letters(cell) : 0;

        if (!cell)
            return false;
        t->cells[t->n_buffered * t->n_columns + c] = cell;
        if (width > t->widths[c])
            t->widths[c] = width < TABLE_WIDTH_MAX ? width : TABLE_WIDTH_MAX;
    }
    t->n_buffered++;
    return true;
}

static void
row_json(const table *t)
{
    cli_json_begin();
    for (int64_t c = 0; c < t->n_columns; c++) {
        const struct ArrowSchema *column = t->rows.schema.children[c];
        int64_t len;

        if (fbk_arrow_rows_null(&t->rows, c)) {
            cli_json_null(column->name);
        } else if (t->units[c] == UNIT_TEXT) {
            const char *text = fbk_arrow_rows_text(&t->rows, c, &len);

            cli_json_bytes(column->name, text, (size_t)len);
        } else if (t->units[c] == UNIT_BOOL) {
            cli_json_bool(column->name, fbk_arrow_rows_int64(&t->rows, c) != 0);
        } else if (strcmp(column->format, "g") == 0) {
            cli_json_double(column->name, fbk_arrow_rows_double(&t->rows, c));
        } else {
            cli_json_int(column->name, fbk_arrow_rows_int64(&t->rows, c));
        }
    }
    cli_json_end();
}

/* Rows as they come: JSON at once, a table once its first rows are known. */
static fbk_status
rows_print(table *t, int64_t limit, int64_t *out_rows)
{
    fbk_status rc;
    bool ok = true;

    while (ok && (limit == 0 || *out_rows < limit) &&
           (rc = fbk_arrow_rows_next(&t->rows)) != FBK_DONE) {
        if (rc < 0)
            return rc;
        if (cli.json)
            row_json(t);
        else if (*out_rows < TABLE_ROWS)
            ok = row_buffer(t);
        else
            ok = (*out_rows > TABLE_ROWS || buffer_print(t)) && row_print(t);
        (*out_rows)++;
    }
    if (ok && !cli.json && *out_rows <= TABLE_ROWS)
        ok = buffer_print(t);
    return ok ? FBK_OK : FBK_ENOMEM;
}

int
cli_print_stream(struct ArrowArrayStream *stream, int64_t limit, int64_t *out_rows)
{
    table t = {0};
    int64_t n = 0;
    fbk_status rc = fbk_arrow_rows_open(&t.rows, stream);

    if (rc == FBK_OK) {
        size_t columns = (size_t)(t.n_columns = t.rows.schema.n_children);

        t.units = calloc(columns, sizeof *t.units);
        t.order = calloc(columns, sizeof *t.order);
        t.widths = calloc(columns, sizeof *t.widths);
        t.cells = calloc(columns * TABLE_ROWS, sizeof *t.cells);
        rc = t.units && t.order && t.widths && t.cells ? FBK_OK : FBK_ENOMEM;
        for (size_t c = 0; rc == FBK_OK && c < columns; c++)
            t.units[c] = unit_of(t.rows.schema.children[c]);
        if (rc == FBK_OK)
            columns_order(&t);
    }
    if (rc == FBK_OK)
        rc = rows_print(&t, limit, &n);
    if (rc < 0)
        cli_error("%s", rc == FBK_ENOMEM || !t.rows.stream.release
                            ? "out of memory"
                            : t.rows.stream.get_last_error(&t.rows.stream));
    for (int64_t i = 0; i < t.n_buffered * t.n_columns; i++)
        free(t.cells[i]);
    free(t.cells);
    free(t.widths);
    free(t.units);
    free(t.order);
    fbk_arrow_rows_close(&t.rows);
    if (out_rows)
        *out_rows = n;
    return cli_exit_code(rc);
}
