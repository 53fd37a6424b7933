/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/link_math.h"

#include <string.h>

#include "base/map.h"
#include "base/sort.h"

/* ---- values: ASCII only, so that the locale plays no part ---- */

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char
to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_letter(char c)
{
    c = to_lower(c);
    return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

/* Whether value begins with a word in lower case, whatever its own case. */
static bool
starts_with(const char *value, size_t len, const char *word)
{
    size_t n = strlen(word);

    if (len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (to_lower(value[i]) != word[i])
            return false;
    }
    return true;
}

bool
fbk__identity_space(const char *text, size_t len)
{
    bool ok = len > 0 && len <= FBK__IDENTITY_SPACE_MAX && text[0] >= 'a' && text[0] <= 'z';

    for (size_t i = 0; i < len && ok; i++)
        ok = (text[i] >= 'a' && text[i] <= 'z') || is_digit(text[i]) || text[i] == '_';
    return ok;
}

static size_t
phone_normalise(const char *value, size_t len, char *out)
{
    size_t n = 0;
    size_t i = starts_with(value, len, "tel:") ? 4 : 0;

    for (; i < len && !is_letter(value[i]) && value[i] != ';' && value[i] != ','; i++) {
        if (len - i >= 3 && memcmp(value + i, "(0)", 3) == 0)
            i += 2;
        else if (is_digit(value[i]))
            out[n++] = value[i];
    }
    for (; n > 2 && out[0] == '0' && out[1] == '0'; n -= 2)
        memmove(out, out + 2, n - 2);
    return n;
}

size_t
fbk__identity_normalise(const char *space, const char *value, size_t len, char *out)
{
    while (len && is_space(*value)) {
        value++;
        len--;
    }
    while (len && is_space(value[len - 1]))
        len--;
    if (strcmp(space, "phone") == 0)
        return phone_normalise(value, len, out);
    if (strcmp(space, "email") == 0 && starts_with(value, len, "mailto:")) {
        value += 7;
        len -= 7;
        return fbk__identity_normalise(space, value, len, out);
    }
    if (len)
        memmove(out, value, len);
    for (size_t i = 0; i < len && strcmp(space, "email") == 0; i++)
        out[i] = to_lower(out[i]);
    return len;
}

static bool
is_one_of(const char *const *words, const char *value, size_t len)
{
    for (; *words; words++) {
        if (strlen(*words) == len && starts_with(value, len, *words))
            return true;
    }
    return false;
}

static bool
blocked_anywhere(const char *value, size_t len)
{
    static const char *const words[] = {
        "null",      "(null)",  "<null>",        "none",  "nil",     "n/a",     "n.a.",
        "na",        "nan",     "#n/a",          "undef", "missing", "unknown", "undefined",
        "anonymous", "anon",    "guest",         "test",  "tester",  "default", "empty",
        "(not set)", "not set", "not available", NULL};
    bool zeros = true;
    bool same = true;
    size_t n = 0; /* letters and digits */

    for (size_t i = 0; i < len; i++) {
        if (!is_letter(value[i]) && !is_digit(value[i]))
            continue;
        n++;
        zeros = zeros && value[i] == '0';
    }
    for (size_t i = 1; i < len; i++)
        same = same && value[i] == value[0];
    return n == 0 || zeros || (same && len >= 8) || is_one_of(words, value, len);
}

static bool
blocked_email(const char *value, size_t len)
{
    static const char *const locals[] = {
        "test",     "tester",    "none",      "null",    "na",       "n/a",        "noemail",
        "no-email", "nomail",    "no-mail",   "noreply", "no-reply", "donotreply", "unknown",
        "nobody",   "anonymous", "undefined", "keine",   NULL};
    const char *at = memchr(value, '@', len);
    size_t local = at ? (size_t)(at - value) : 0;

    return !at || local == 0 || local + 1 == len || is_one_of(locals, value, local);
}

static bool
blocked_phone(const char *value, size_t len)
{
    static const char *const fakes[] = {"12345",     "123456",     "1234567",    "12345678",
                                        "123456789", "0123456789", "1234567890", NULL};
    bool same = true;

    for (size_t i = 1; i < len; i++)
        same = same && value[i] == value[0];
    return same || len < 5 || len > 15 || is_one_of(fakes, value, len);
}

bool
fbk__identity_blocked(const char *space, const char *value, size_t len)
{
    if (blocked_anywhere(value, len))
        return true;
    if (strcmp(space, "email") == 0)
        return blocked_email(value, len);
    if (strcmp(space, "phone") == 0)
        return blocked_phone(value, len);
    return false;
}

bool
fbk__identity_anonymous(const char *space)
{
    static const char *const spaces[] = {"cookie", "device", "session", NULL};

    return is_one_of(spaces, space, strlen(space));
}

size_t
fbk__identity_mask(const char *space, const char *value, size_t len, char out[80])
{
    const char *at = strcmp(space, "email") == 0 && len ? memchr(value, '@', len) : NULL;
    size_t tail = at ? len - (size_t)(at - value) : 0;
    size_t head = len ? 1 : 0;

    /* A whole character of UTF-8, and no more of the domain than fits. */
    while (head && head < len && head < 4 && ((unsigned char)value[head] & 0xc0) == 0x80)
        head++;
    if (tail > 70)
        tail = 0;
    if (len == 0)
        return 0;
    memcpy(out, value, head);
    memcpy(out + head, "***", 3);
    if (tail)
        memcpy(out + head + 3, at, tail);
    return head + 3 + tail;
}

/* ---- links ---- */

/* The latest time of a row that is no later than as_of, as far as the row knows. */
static int64_t
evidence_time(const fbk__evidence *row, int64_t as_of_us)
{
    if (row->last_us <= as_of_us)
        return row->last_us;
    return row->first_us <= as_of_us ? row->first_us : INT64_MIN;
}

size_t
fbk__link_active(const fbk__evidence *rows, size_t n, int64_t as_of_us, fbk__edge *out)
{
    size_t n_out = 0;

    for (size_t i = 0; i < n;) {
        uint32_t a = rows[i].a;
        uint32_t b = rows[i].b;
        int64_t linked = INT64_MIN; /* never */
        int64_t unlinked = INT64_MIN;
        bool seen = false;

        for (; i < n && rows[i].a == a && rows[i].b == b; i++) {
            int64_t at = evidence_time(&rows[i], as_of_us);

            if (rows[i].rule == FBK__RULE_UNLINK)
                unlinked = at > unlinked ? at : unlinked;
            else if (at > INT64_MIN)
                seen = true;
            if (rows[i].rule == FBK__RULE_EXPLICIT)
                linked = at > linked ? at : linked;
        }
        if (unlinked > INT64_MIN ? linked > unlinked : seen)
            out[n_out++] = (fbk__edge){a, b};
    }
    return n_out;
}

/* Smallest known node of the set of x; halves the path on the way. */
static uint32_t
set_find(uint32_t *set_of, uint32_t x)
{
    while (set_of[x] != x) {
        set_of[x] = set_of[set_of[x]];
        x = set_of[x];
    }
    return x;
}

/* The smaller root stays root: the id of a set is its smallest node, whatever came first. */
static void
set_join(uint32_t *set_of, uint32_t x, uint32_t y)
{
    x = set_find(set_of, x);
    y = set_find(set_of, y);
    if (x < y)
        set_of[y] = x;
    else
        set_of[x] = y;
}

static uint64_t
crowd_key(uint32_t node, uint16_t cls)
{
    return (uint64_t)node << 16 | cls;
}

/* Bit per node. */
static bool
bit_get(const uint64_t *bits, uint32_t i)
{
    return bits[i >> 6] >> (i & 63) & 1;
}

static void
bit_set(uint64_t *bits, uint32_t i)
{
    bits[i >> 6] |= UINT64_C(1) << (i & 63);
}

/* Neighbours by class, of those nodes only whose degree passes the lowest limit. */
static bool
crowd_count(const fbk__partition_input *in, const uint32_t *degree, uint32_t lowest,
            fbk__map *count)
{
    for (size_t i = 0; i < in->n_edges; i++) {
        const uint32_t ends[2] = {in->edges[i].a, in->edges[i].b};

        for (int k = 0; k < 2; k++) {
            uint64_t *n;

            if (degree[ends[k]] <= lowest)
                continue;
            n = fbk__map_put(count, crowd_key(ends[k], in->class_of[ends[1 - k]]), NULL);
            if (!n)
                return false;
            ++*n;
        }
    }
    return true;
}

/* One entry a node: that of the class which is furthest beyond its limit, the lower class at a
 * tie. */
static bool
crowd_collect(const fbk__partition_input *in, const fbk__map *count, fbk__partition *p)
{
    fbk__sort_item *found = NULL; /* crowd_key(), and by how many beyond the limit */
    size_t cap = 0;
    size_t n = 0;
    size_t at = 0;
    uint64_t key;
    uint64_t value;
    bool ok = true;

    while (ok && fbk__map_next(count, &at, &key, &value)) {
        if (value <= in->limits[key & 0xffff])
            continue;
        ok = fbk__grow(in->a, &found, &cap, n + 1, sizeof *found);
        if (ok)
            found[n++] = (fbk__sort_item){key, (uint32_t)value - in->limits[key & 0xffff], 0};
    }
    if (ok && n) {
        p->crowds = fbk__calloc(in->a, n, sizeof *p->crowds);
        ok = p->crowds && fbk__sort_items(in->a, found, n);
    }
    for (size_t i = 0; ok && i < n; i++) {
        uint32_t cls = (uint32_t)(found[i].key & 0xffff);
        uint32_t limit = in->limits[cls];
        fbk__crowd c = {(uint32_t)(found[i].key >> 16), limit + found[i].row, cls, limit};
        fbk__crowd *last = p->n_crowds ? &p->crowds[p->n_crowds - 1] : NULL;

        if (!last || last->node != c.node)
            p->crowds[p->n_crowds++] = c;
        else if (found[i].row > last->neighbours - last->limit)
            *last = c;
    }
    fbk__free(in->a, found);
    return ok;
}

static bool
crowd_find(const fbk__partition_input *in, fbk__partition *p)
{
    uint32_t *degree = fbk__calloc(in->a, (size_t)in->n_nodes + 1, sizeof *degree);
    uint32_t lowest = UINT32_MAX;
    fbk__map count;
    bool ok;

    fbk__map_init(&count, in->a);
    for (uint32_t i = 0; i < in->n_classes; i++)
        lowest = in->limits[i] < lowest ? in->limits[i] : lowest;
    for (size_t i = 0; degree && i < in->n_edges; i++) {
        degree[in->edges[i].a]++;
        degree[in->edges[i].b]++;
    }
    ok = degree && crowd_count(in, degree, lowest, &count) && crowd_collect(in, &count, p);
    fbk__map_free(&count);
    fbk__free(in->a, degree);
    return ok;
}

/* Lists of the sets with two members and more. set_of is final. */
static bool
group_make(const fbk_allocator *a, fbk__partition *p)
{
    uint32_t *size = fbk__calloc(a, (size_t)p->n + 1, sizeof *size);
    size_t n_members = 0;
    uint32_t at = 0;

    if (!size)
        return false;
    for (uint32_t i = 1; i <= p->n; i++) {
        if (p->set_of[i] != i && size[p->set_of[i]]++ == 0) {
            size[p->set_of[i]]++; /* the smallest node itself */
            p->n_groups++;
            n_members++;
        }
        n_members += p->set_of[i] != i;
    }
    p->group = fbk__calloc(a, p->n_groups, sizeof *p->group);
    p->start = fbk__calloc(a, (size_t)p->n_groups + 1, sizeof *p->start);
    p->members = fbk__calloc(a, n_members, sizeof *p->members);
    if (p->group && p->start && p->members) {
        uint32_t from = 0;

        for (uint32_t i = 1; i <= p->n; i++) {
            uint32_t n = size[i];

            if (n == 0)
                continue;
            p->group[at] = i;
            p->start[at++] = from;
            size[i] = ++from; /* from here on: 1 + where the next member goes */
            from += n - 1;
        }
        p->start[at] = from;
        for (uint32_t i = 1; i <= p->n; i++) {
            uint32_t set = p->set_of[i];

            if (size[set])
                p->members[size[set]++ - 1] = i;
        }
    }
    fbk__free(a, size);
    return p->group && p->start && p->members;
}

bool
fbk__partition_make(const fbk__partition_input *in, fbk__partition *out)
{
    fbk__partition p = {.a = in->a, .n = in->n_nodes};
    uint64_t *alone = fbk__calloc(in->a, (size_t)in->n_nodes / 64 + 1, sizeof *alone);
    bool ok = false;

    p.set_of = fbk__calloc(in->a, (size_t)in->n_nodes + 1, sizeof *p.set_of);
    if (!alone || !p.set_of || !crowd_find(in, &p))
        goto out;
    for (uint32_t i = 0; i < p.n_crowds; i++)
        bit_set(alone, p.crowds[i].node);
    for (size_t i = 0; i < in->n_blocked; i++) {
        if (in->blocked[i] <= in->n_nodes)
            bit_set(alone, in->blocked[i]);
    }
    for (uint32_t i = 0; i <= p.n; i++)
        p.set_of[i] = i;
    for (size_t i = 0; i < in->n_edges; i++) {
        if (!bit_get(alone, in->edges[i].a) && !bit_get(alone, in->edges[i].b))
            set_join(p.set_of, in->edges[i].a, in->edges[i].b);
    }
    /* Roots are smaller than what hangs on them, so one pass upwards makes every path one step. */
    for (uint32_t i = 1; i <= p.n; i++)
        p.set_of[i] = p.set_of[p.set_of[i]];
    ok = group_make(in->a, &p);
out:
    fbk__free(in->a, alone);
    if (ok)
        *out = p;
    else
        fbk__partition_free(&p);
    return ok;
}

void
fbk__partition_free(fbk__partition *p)
{
    fbk__free(p->a, p->set_of);
    fbk__free(p->a, p->group);
    fbk__free(p->a, p->start);
    fbk__free(p->a, p->members);
    fbk__free(p->a, p->crowds);
    memset(p, 0, sizeof *p);
}

const uint32_t *
fbk__partition_members(const fbk__partition *p, const uint32_t *set, size_t *out_n)
{
    size_t low = 0;
    size_t high = p->n_groups;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (p->group[middle] < *set)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < p->n_groups && p->group[low] == *set) {
        *out_n = p->start[low + 1] - p->start[low];
        return p->members + p->start[low];
    }
    *out_n = 1;
    return set;
}

const fbk__crowd *
fbk__partition_crowd(const fbk__partition *p, uint32_t node)
{
    uint32_t low = 0;
    uint32_t high = p->n_crowds;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (p->crowds[middle].node < node)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->n_crowds && p->crowds[low].node == node ? &p->crowds[low] : NULL;
}
