/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/codec.h"

#include <string.h>

#include <zstd.h>

/* First byte of every string column, and of bytes. Stored: append only. */
enum { TEXT = 0, WORDS, COUNTER, UUID };
enum { STORED = 0, ZSTD = 1 };

enum {
    UUID_LEN = 36,
    DIGITS_MAX = 18, /* of a counter: they fit int64 */
    ZSTD_LEVEL = 1,  /* packing has done most of the work; more costs time and saves little */
    ZSTD_WORTH = 64, /* fewer bytes are not tried */
    ZSTD_WINDOW_LOG = 23
};

void
fbk__strings_init(fbk__strings *s, const fbk_allocator *a)
{
    memset(s, 0, sizeof *s);
    s->a = a;
}

void
fbk__strings_free(fbk__strings *s)
{
    fbk__free(s->a, s->offsets);
    fbk__free(s->a, s->bytes);
    fbk__strings_init(s, s->a);
}

void
fbk__strings_clear(fbk__strings *s)
{
    s->n = 0;
}

/* Room for n rows and len bytes; offsets[0] is set. */
static fbk_status
strings_room(fbk__strings *s, size_t n, size_t len)
{
    if (len > FBK__CODEC_MAX_BYTES)
        return FBK_ETOOBIG;
    if (!fbk__grow(s->a, &s->offsets, &s->offset_cap, n + 1, sizeof *s->offsets) ||
        !fbk__grow(s->a, &s->bytes, &s->byte_cap, len + 1, 1))
        return FBK_ENOMEM;
    s->offsets[0] = 0;
    return FBK_OK;
}

fbk_status
fbk__strings_add(fbk__strings *s, const char *text, size_t len)
{
    size_t at = s->n ? s->offsets[s->n] : 0;
    fbk_status rc = len > FBK__CODEC_MAX_BYTES ? FBK_ETOOBIG : strings_room(s, s->n + 1, at + len);

    if (rc < 0)
        return rc;
    if (len)
        memcpy(s->bytes + at, text, len);
    s->offsets[++s->n] = (uint32_t)(at + len);
    return FBK_OK;
}

fbk_status
fbk__strings_join(fbk__strings *s, const char *x, size_t x_len, const char *y, size_t y_len)
{
    fbk_status rc = y_len > FBK__CODEC_MAX_BYTES ? FBK_ETOOBIG : fbk__strings_add(s, x, x_len);
    size_t at;

    if (rc < 0)
        return rc;
    at = s->offsets[s->n];
    rc = strings_room(s, s->n, at + y_len);
    if (rc < 0) {
        s->n--;
        return rc;
    }
    if (y_len)
        memcpy(s->bytes + at, y, y_len);
    s->offsets[s->n] = (uint32_t)(at + y_len);
    return FBK_OK;
}

/* -- bytes ------------------------------------------------------------------------------------- */

fbk_status
fbk__codec_put_bytes(fbk__codec *c, fbk__buf *out, const void *bytes, size_t len)
{
    char *to;
    size_t n;

    if (len > FBK__CODEC_MAX_BYTES)
        return FBK_ETOOBIG;
    if (len >= ZSTD_WORTH) {
        if (!c->zstd_c && !(c->zstd_c = ZSTD_createCCtx()))
            return FBK_ENOMEM;
        fbk__buf_clear(&c->bytes);
        to = fbk__buf_room(&c->bytes, ZSTD_compressBound(len));
        if (!to)
            return FBK_ENOMEM;
        n = ZSTD_compressCCtx(c->zstd_c, to, ZSTD_compressBound(len), bytes, len, ZSTD_LEVEL);
        if (!ZSTD_isError(n) && n + n / 4 < len) {
            fbk__buf_uvarint(out, ZSTD);
            fbk__buf_uvarint(out, len);
            fbk__buf_uvarint(out, n);
            fbk__buf_add(out, to, n);
            return out->failed ? FBK_ENOMEM : FBK_OK;
        }
    }
    fbk__buf_uvarint(out, STORED);
    fbk__buf_uvarint(out, len);
    fbk__buf_add(out, bytes, len);
    return out->failed ? FBK_ENOMEM : FBK_OK;
}

fbk_status
fbk__codec_get_bytes(fbk__codec *c, fbk__reader *in, fbk__buf *buf, size_t max)
{
    uint64_t code = fbk__read_uvarint(in);
    uint64_t len = fbk__read_uvarint(in);
    const void *packed;
    uint64_t n;
    char *to;

    fbk__buf_clear(buf);
    if (in->bad || code > ZSTD || len > max || len > FBK__CODEC_MAX_BYTES)
        return FBK_ECORRUPT;
    n = code == ZSTD ? fbk__read_uvarint(in) : len;
    packed = fbk__read_bytes(in, in->bad ? SIZE_MAX : n);
    if (!packed)
        return FBK_ECORRUPT;
    to = fbk__buf_room(buf, len);
    if (!to)
        return FBK_ENOMEM;
    if (code == STORED) {
        memcpy(to, packed, len);
    } else {
        if (!c->zstd_d && !(c->zstd_d = ZSTD_createDCtx()))
            return FBK_ENOMEM;
        (void)ZSTD_DCtx_setParameter(c->zstd_d, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
        if (ZSTD_decompressDCtx(c->zstd_d, to, len, packed, n) != len)
            return FBK_ECORRUPT;
    }
    to[len] = '\0';
    buf->len = len;
    return FBK_OK;
}

/* -- strings ----------------------------------------------------------------------------------- */

/* An array of the codec's own for what a column nests, given back by the caller. */
static int64_t *
numbers_of(fbk__codec *c, size_t n)
{
    return fbk__alloc(c->a, (n + 1) * sizeof(int64_t));
}

static fbk_status
put_text(fbk__codec *c, fbk__buf *out, const fbk__strings *s)
{
    int64_t *lengths = numbers_of(c, s->n);
    fbk_status rc;

    if (!lengths)
        return FBK_ENOMEM;
    fbk__buf_uvarint(out, TEXT);
    for (size_t i = 0; i < s->n; i++)
        lengths[i] = s->offsets[i + 1] - s->offsets[i];
    rc = fbk__codec_put_ints(c, out, lengths, s->n);
    if (rc >= 0)
        rc = fbk__codec_put_bytes(c, out, s->bytes, s->n ? s->offsets[s->n] : 0);
    fbk__free(c->a, lengths);
    return rc;
}

/* Where the two digits of each byte stand. */
static const uint8_t uuid_at[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

/* Values of the digits, 16 for what is none: of an index that is a byte less '0'. */
static unsigned
hex_value(char ch)
{
    static const uint8_t values[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
        16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
        16, 16, 16, 16, 16, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16};
    unsigned i = (unsigned char)ch - (unsigned)'0';

    return i < 64 ? values[i] : 16;
}

static bool
uuid_pack(const char *text, char *out)
{
    unsigned bad = 0;

    for (int i = 0; i < 16; i++) {
        unsigned high = hex_value(text[uuid_at[i]]);
        unsigned low = hex_value(text[uuid_at[i] + 1]);

        bad |= high | low;
        out[i] = (char)(high << 4 | low);
    }
    return bad < 16 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
}

static void
uuid_unpack(const unsigned char *in, char *text)
{
    static const char symbols[] = "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        text[uuid_at[i]] = symbols[in[i] >> 4];
        text[uuid_at[i] + 1] = symbols[in[i] & 15];
    }
    text[8] = text[13] = text[18] = text[23] = '-';
}

/* FBK_DONE when not every row is a UUID. */
static fbk_status
try_uuids(fbk__buf *out, const fbk__strings *s)
{
    size_t before = out->len;
    char *to;

    if (s->offsets[s->n] != s->n * UUID_LEN)
        return FBK_DONE;
    fbk__buf_uvarint(out, UUID);
    to = fbk__buf_room(out, s->n * 16);
    if (!to)
        return FBK_ENOMEM;
    for (size_t i = 0; i < s->n; i++) {
        if (s->offsets[i] != i * UUID_LEN || !uuid_pack(s->bytes + i * UUID_LEN, to + i * 16)) {
            out->len = before;
            return FBK_DONE;
        }
    }
    out->len += s->n * 16;
    return FBK_OK;
}

/* Number the rows' strings (or, with `cut`, their first cut[i] bytes) in c->words; FBK_DONE
 * when more than `most` are distinct. */
static fbk_status
number_words(fbk__codec *c, const fbk__strings *s, const int64_t *cut, size_t most,
             int64_t *numbers)
{
    fbk__intern_clear(&c->words);
    for (size_t i = 0; i < s->n; i++) {
        size_t len = cut ? (size_t)cut[i] : s->offsets[i + 1] - s->offsets[i];
        uint32_t number = fbk__intern_add(&c->words, s->bytes + s->offsets[i], len);

        if (number == FBK__INTERN_NONE)
            return FBK_ENOMEM;
        if (c->words.n > most)
            return FBK_DONE;
        numbers[i] = number;
    }
    return FBK_OK;
}

/* The words of c->words as a TEXT column, with their number before it. */
static fbk_status
put_words(fbk__codec *c, fbk__buf *out)
{
    fbk__strings words;
    fbk_status rc = FBK_OK;

    fbk__strings_init(&words, c->a);
    for (uint32_t i = 0; rc >= 0 && i < c->words.n; i++) {
        size_t len;
        const char *text = fbk__intern_text(&c->words, i, &len);

        rc = fbk__strings_add(&words, text, len);
    }
    fbk__buf_uvarint(out, words.n);
    if (rc >= 0)
        rc = put_text(c, out, &words);
    fbk__strings_free(&words);
    return rc;
}

static fbk_status
try_words(fbk__codec *c, fbk__buf *out, const fbk__strings *s, int64_t *numbers)
{
    fbk_status rc = number_words(c, s, NULL, s->n / 2, numbers);

    if (rc != FBK_OK)
        return rc;
    fbk__buf_uvarint(out, WORDS);
    rc = put_words(c, out);
    return rc < 0 ? rc : fbk__codec_put_ints(c, out, numbers, s->n);
}

/* Length of the run of digits at the end, at most DIGITS_MAX, and its value. */
static size_t
trailing_digits(const char *text, size_t len, int64_t *out_value)
{
    int64_t value = 0;
    int64_t unit = 1;
    size_t n = 0;

    while (n < len && n < DIGITS_MAX && text[len - n - 1] >= '0' && text[len - n - 1] <= '9') {
        value += unit * (text[len - n - 1] - '0');
        unit *= 10;
        n++;
    }
    *out_value = value;
    return n;
}

static fbk_status
try_counters(fbk__codec *c, fbk__buf *out, const fbk__strings *s, int64_t *numbers)
{
    int64_t *cut = numbers_of(c, s->n);
    int64_t *digits = numbers_of(c, s->n);
    int64_t *values = numbers_of(c, s->n);
    fbk_status rc = cut && digits && values ? FBK_OK : FBK_ENOMEM;

    for (size_t i = 0; rc == FBK_OK && i < s->n; i++) {
        size_t len = s->offsets[i + 1] - s->offsets[i];
        size_t n = trailing_digits(s->bytes + s->offsets[i], len, &values[i]);

        if (n == 0)
            rc = FBK_DONE;
        digits[i] = (int64_t)n;
        cut[i] = (int64_t)(len - n);
    }
    if (rc == FBK_OK)
        rc = number_words(c, s, cut, s->n / 8 + 1, numbers);
    if (rc == FBK_OK) {
        fbk__buf_uvarint(out, COUNTER);
        rc = put_words(c, out);
        if (rc >= 0)
            rc = fbk__codec_put_ints(c, out, numbers, s->n);
        if (rc >= 0)
            rc = fbk__codec_put_ints(c, out, digits, s->n);
        if (rc >= 0)
            rc = fbk__codec_put_ints(c, out, values, s->n);
    }
    fbk__free(c->a, cut);
    fbk__free(c->a, digits);
    fbk__free(c->a, values);
    return rc;
}

fbk_status
fbk__codec_put_strings(fbk__codec *c, fbk__buf *out, const fbk__strings *s)
{
    int64_t *numbers;
    fbk_status rc;

    if (s->n > FBK__CODEC_MAX_ROWS)
        return FBK_ETOOBIG;
    if (s->n == 0 || s->offsets[s->n] == 0)
        return put_text(c, out, s);
    numbers = numbers_of(c, s->n);
    if (!numbers)
        return FBK_ENOMEM;
    rc = try_uuids(out, s);
    if (rc == FBK_DONE)
        rc = try_words(c, out, s, numbers);
    if (rc == FBK_DONE)
        rc = try_counters(c, out, s, numbers);
    if (rc == FBK_DONE)
        rc = put_text(c, out, s);
    fbk__free(c->a, numbers);
    return rc >= 0 && out->failed ? FBK_ENOMEM : rc;
}

/* Lengths and bytes, of which rows from .. from + count - 1 are appended. */
static fbk_status
get_text(fbk__codec *c, fbk__reader *in, fbk__strings *out, size_t n, size_t from, size_t count)
{
    int64_t *lengths = numbers_of(c, n);
    size_t old = out->n ? out->offsets[out->n] : 0;
    fbk__buf bytes;
    uint64_t total = 0;
    uint64_t before = 0;
    uint64_t wanted = 0;
    fbk_status rc = lengths ? fbk__codec_get_ints(c, in, lengths, n) : FBK_ENOMEM;

    fbk__buf_init(&bytes, c->a);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        if (lengths[i] < 0 || lengths[i] > FBK__CODEC_MAX_BYTES)
            rc = FBK_ECORRUPT;
        else
            total += (uint64_t)lengths[i];
        before += rc >= 0 && i < from ? (uint64_t)lengths[i] : 0;
        wanted += rc >= 0 && i >= from && i - from < count ? (uint64_t)lengths[i] : 0;
    }
    if (rc >= 0 && total > FBK__CODEC_MAX_BYTES)
        rc = FBK_ECORRUPT;
    if (rc >= 0)
        rc = fbk__codec_get_bytes(c, in, &bytes, total);
    if (rc >= 0 && bytes.len != total)
        rc = FBK_ECORRUPT;
    if (rc >= 0)
        rc = strings_room(out, out->n + count, old + wanted);
    if (rc >= 0) {
        if (wanted)
            memcpy(out->bytes + old, bytes.data + before, wanted);
        for (size_t i = 0; i < count; i++, out->n++)
            out->offsets[out->n + 1] = out->offsets[out->n] + (uint32_t)lengths[from + i];
    }
    fbk__buf_free(&bytes);
    fbk__free(c->a, lengths);
    return rc == FBK_ETOOBIG ? FBK_ECORRUPT : rc;
}

/* Words, and the numbers of them that rows from .. from + count - 1 have; checked. */
static fbk_status
get_words(fbk__codec *c, fbk__reader *in, fbk__strings *words, int64_t *numbers, size_t n,
          size_t from, size_t count)
{
    uint64_t k = fbk__read_uvarint(in);
    uint64_t code = fbk__read_uvarint(in);
    fbk_status rc;

    if (in->bad || k == 0 || k > n || code != TEXT)
        return FBK_ECORRUPT;
    rc = get_text(c, in, words, k, 0, k);
    if (rc >= 0)
        rc = fbk__codec_get_ints_part(c, in, numbers, n, from, count);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        if ((uint64_t)numbers[i] >= k)
            rc = FBK_ECORRUPT;
    }
    return rc;
}

static fbk_status
rows_of_words(const fbk__strings *words, const int64_t *numbers, fbk__strings *out, size_t count)
{
    fbk_status rc = FBK_OK;

    for (size_t i = 0; rc >= 0 && i < count; i++) {
        size_t w = (size_t)numbers[i];

        rc = fbk__strings_add(out, words->bytes + words->offsets[w],
                              words->offsets[w + 1] - words->offsets[w]);
    }
    return rc == FBK_ETOOBIG ? FBK_ECORRUPT : rc;
}

/* A word and a number of so many digits behind it, as one row. */
static fbk_status
add_counter(fbk__strings *out, const fbk__strings *words, size_t w, int64_t digits, int64_t value)
{
    char text[DIGITS_MAX];
    fbk_status rc;

    if (digits < 1 || digits > DIGITS_MAX || value < 0)
        return FBK_ECORRUPT;
    for (int64_t d = digits - 1; d >= 0; d--, value /= 10)
        text[d] = (char)('0' + value % 10);
    rc = fbk__strings_add(out, words->bytes + words->offsets[w],
                          words->offsets[w + 1] - words->offsets[w]);
    if (rc >= 0)
        rc = fbk__strings_add(out, text, (size_t)digits);
    if (rc >= 0) { /* two pieces, one row */
        out->n--;
        out->offsets[out->n] = out->offsets[out->n + 1];
    }
    return rc >= 0 && value ? FBK_ECORRUPT : rc;
}

static fbk_status
rows_of_counters(fbk__codec *c, fbk__reader *in, const fbk__strings *words, const int64_t *numbers,
                 fbk__strings *out, size_t n, size_t from, size_t count)
{
    int64_t *digits = numbers_of(c, count);
    int64_t *values = numbers_of(c, count);
    fbk_status rc =
        digits && values ? fbk__codec_get_ints_part(c, in, digits, n, from, count) : FBK_ENOMEM;

    if (rc >= 0)
        rc = fbk__codec_get_ints_part(c, in, values, n, from, count);
    for (size_t i = 0; rc >= 0 && i < count; i++)
        rc = add_counter(out, words, (size_t)numbers[i], digits[i], values[i]);
    fbk__free(c->a, digits);
    fbk__free(c->a, values);
    return rc == FBK_ETOOBIG ? FBK_ECORRUPT : rc;
}

static fbk_status
get_uuids(fbk__reader *in, fbk__strings *out, size_t n, size_t from, size_t count)
{
    const unsigned char *bytes = fbk__read_bytes(in, n * 16);
    size_t at = out->n ? out->offsets[out->n] : 0;
    fbk_status rc = bytes ? strings_room(out, out->n + count, at + count * UUID_LEN) : FBK_ECORRUPT;

    for (size_t i = 0; rc >= 0 && i < count; i++) {
        uuid_unpack(bytes + (from + i) * 16, out->bytes + at + i * UUID_LEN);
        out->offsets[++out->n] = (uint32_t)(at + (i + 1) * UUID_LEN);
    }
    return rc == FBK_ETOOBIG ? FBK_ECORRUPT : rc;
}

fbk_status
fbk__codec_get_strings_part(fbk__codec *c, fbk__reader *in, fbk__strings *out, size_t n,
                            size_t from, size_t count)
{
    uint64_t code = fbk__read_uvarint(in);
    fbk__strings words;
    int64_t *numbers;
    fbk_status rc;

    if (in->bad || n > FBK__CODEC_MAX_ROWS || code > UUID)
        return FBK_ECORRUPT;
    if (code == TEXT)
        return get_text(c, in, out, n, from, count);
    if (code == UUID)
        return get_uuids(in, out, n, from, count);
    fbk__strings_init(&words, c->a);
    numbers = numbers_of(c, count);
    rc = numbers ? get_words(c, in, &words, numbers, n, from, count) : FBK_ENOMEM;
    if (rc >= 0)
        rc = code == WORDS ? rows_of_words(&words, numbers, out, count)
                           : rows_of_counters(c, in, &words, numbers, out, n, from, count);
    fbk__strings_free(&words);
    fbk__free(c->a, numbers);
    return rc;
}

fbk_status
fbk__codec_get_strings(fbk__codec *c, fbk__reader *in, fbk__strings *out, size_t n)
{
    fbk__strings_clear(out);
    return fbk__codec_get_strings_part(c, in, out, n, 0, n);
}
