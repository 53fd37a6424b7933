/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fbk__buf_init(fbk__buf *buf, const fbk_allocator *a)
{
    memset(buf, 0, sizeof *buf);
    buf->a = a;
}

void
fbk__buf_free(fbk__buf *buf)
{
    fbk__free(buf->a, buf->data);
    fbk__buf_init(buf, buf->a);
}

void
fbk__buf_clear(fbk__buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

char *
fbk__buf_room(fbk__buf *buf, size_t n)
{
    size_t need;

    if (buf->failed)
        return NULL;
    if (!fbk__size_add(buf->len, n, &need) || !fbk__size_add(need, 1, &need) ||
        !fbk__grow(buf->a, &buf->data, &buf->cap, need, 1)) {
        buf->failed = true;
        return NULL;
    }
    return buf->data + buf->len;
}

void
fbk__buf_add(fbk__buf *buf, const void *bytes, size_t n)
{
    char *to = fbk__buf_room(buf, n);

    if (!to)
        return;
    if (n)
        memcpy(to, bytes, n);
    to[n] = '\0';
    buf->len += n;
}

void
fbk__buf_str(fbk__buf *buf, const char *text)
{
    fbk__buf_add(buf, text, strlen(text));
}

void
fbk__buf_printf(fbk__buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    char *to;
    int n;

    va_start(args, format);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    to = n < 0 ? NULL : fbk__buf_room(buf, (size_t)n);
    if (to) {
        (void)vsnprintf(to, (size_t)n + 1, format, again);
        buf->len += (size_t)n;
    }
    va_end(again);
}

/* The digits and the exponent come from printf(); the decimal sign, which would be the locale's,
 * does not. */
void
fbk__buf_double(fbk__buf *buf, double value, int digits)
{
    char text[48], number[20];
    char *e;
    int n = 0, exponent;

    if (!isfinite(value)) {
        fbk__buf_str(buf, "null");
        return;
    }
    if (value < 0.0)
        fbk__buf_str(buf, "-");
    (void)snprintf(text, sizeof text, "%.*e", digits - 1, fabs(value));
    e = strchr(text, 'e');
    exponent = (int)strtol(e + 1, NULL, 10);
    for (const char *p = text; p < e; p++) {
        if (*p >= '0' && *p <= '9')
            number[n++] = *p;
    }
    while (n > 1 && number[n - 1] == '0')
        n--;
    if (exponent < 0 && exponent >= -5)
        fbk__buf_add(buf, "0.0000", (size_t)(1 - exponent));
    if (exponent >= -5 && exponent < 15) {
        for (int i = 0; i < n || i <= exponent; i++) {
            if (exponent >= 0 && i == exponent + 1)
                fbk__buf_str(buf, ".");
            fbk__buf_add(buf, i < n ? &number[i] : "0", 1);
        }
        return;
    }
    fbk__buf_add(buf, number, 1);
    if (n > 1) {
        fbk__buf_str(buf, ".");
        fbk__buf_add(buf, number + 1, (size_t)n - 1);
    }
    fbk__buf_printf(buf, "e%+03d", exponent);
}

void
fbk__buf_uvarint(fbk__buf *buf, uint64_t value)
{
    unsigned char *to = (unsigned char *)fbk__buf_room(buf, 10);

    if (!to)
        return;
    for (; value >= 0x80; value >>= 7)
        *to++ = (unsigned char)(value | 0x80);
    *to++ = (unsigned char)value;
    *to = '\0';
    buf->len = (size_t)((char *)to - buf->data);
}

void
fbk__buf_svarint(fbk__buf *buf, int64_t value)
{
    fbk__buf_uvarint(buf, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

uint64_t
fbk__read_uvarint(fbk__reader *r)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned char byte;

        if (r->p >= r->end)
            break;
        byte = *r->p++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    r->bad = true;
    r->p = r->end;
    return 0;
}

int64_t
fbk__read_svarint(fbk__reader *r)
{
    uint64_t v = fbk__read_uvarint(r);

    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

const void *
fbk__read_bytes(fbk__reader *r, size_t n)
{
    const unsigned char *at = r->p;

    if ((size_t)(r->end - r->p) < n) {
        r->bad = true;
        r->p = r->end;
        return NULL;
    }
    r->p += n;
    return at;
}
