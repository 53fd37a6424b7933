/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sort.h"

enum { SPILL_BUDGET_MIN = 1 << 16, SPILL_WRITE_SIZE = 1 << 18, SPILL_READ_MIN = 1 << 12 };

/* A record in memory and in the file: this head, then its bytes. */
typedef struct head {
    fbk__hash128 key;
    uint64_t seq;
    uint64_t len;
} head;

/* A run on its way back. */
typedef struct run {
    off_t at; /* next byte of the file to read */
    off_t end;
    char *data;
    size_t cap;
    size_t start; /* of the record at hand in data */
    size_t len;
} run;

struct fbk__spill {
    fbk *db;
    const char *dir;
    size_t budget;
    char *arena;
    size_t arena_len;
    size_t arena_cap;
    size_t *offsets; /* of the records in the arena, in the order of adding */
    size_t n;
    size_t offset_cap;
    fbk__sort_item *order; /* after sorting */
    size_t next;
    int fd;
    off_t file_len;
    run *runs;
    size_t n_runs;
    size_t run_cap;
    uint32_t *heap; /* numbers of runs, the smallest record on top */
    size_t n_heap;
    uint64_t count;
    bool sorted;
    bool advance; /* the record on top was given out */
};

fbk_status
fbk__spill_new(fbk *db, size_t budget, const char *dir, fbk__spill **out)
{
    fbk__spill *s = fbk__calloc(fbk__a(db), 1, sizeof *s);

    if (!s)
        return fbk__nomem(db);
    s->db = db;
    s->dir = dir;
    s->budget = budget > SPILL_BUDGET_MIN ? budget : SPILL_BUDGET_MIN;
    s->fd = -1;
    *out = s;
    return FBK_OK;
}

static void
spill_forget(fbk__spill *s)
{
    const fbk_allocator *a = fbk__a(s->db);

    fbk__free(a, s->arena);
    fbk__free(a, s->offsets);
    fbk__free(a, s->order);
    s->arena = NULL;
    s->offsets = NULL;
    s->order = NULL;
    s->n = s->arena_len = s->arena_cap = s->offset_cap = 0;
}

void
fbk__spill_free(fbk__spill *s)
{
    const fbk_allocator *a;

    if (!s)
        return;
    a = fbk__a(s->db);
    spill_forget(s);
    for (size_t i = 0; i < s->n_runs; i++)
        fbk__free(a, s->runs[i].data);
    fbk__free(a, s->runs);
    fbk__free(a, s->heap);
    if (s->fd >= 0)
        (void)close(s->fd);
    fbk__free(a, s);
}

size_t
fbk__spill_runs(const fbk__spill *s)
{
    return s->n_runs;
}

uint64_t
fbk__spill_count(const fbk__spill *s)
{
    return s->count;
}

static int
open_unnamed_in(const char *dir)
{
    char path[4096];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    if (snprintf(path, sizeof path, "%s/.fbk-XXXXXX", dir) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

int
fbk__open_unnamed(const char *dir)
{
    int fd = open_unnamed_in(dir ? dir : "/var/tmp");

    return fd < 0 && !dir ? open_unnamed_in("/tmp") : fd;
}

static fbk_status
spill_open(fbk__spill *s)
{
    if (s->fd >= 0)
        return FBK_OK;
    s->fd = fbk__open_unnamed(s->dir);
    if (s->fd < 0)
        return fbk__fail_at(s->db, FBK_EIO, "temp_dir", 0, "a temporary file could not be made: %s",
                            strerror(errno));
    return FBK_OK;
}

static fbk_status
spill_write(fbk__spill *s, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = pwrite(s->fd, bytes, len, s->file_len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fbk__fail_at(s->db, errno == ENOSPC || errno == EDQUOT ? FBK_EFULL : FBK_EIO,
                                "temp_dir", 0, "a temporary file could not be written: %s",
                                strerror(errno));
        bytes += n;
        len -= (size_t)n;
        s->file_len += n;
    }
    return FBK_OK;
}

static void
head_get(const char *at, head *out)
{
    memcpy(out, at, sizeof *out);
}

static int
head_compare(const head *x, const head *y)
{
    if (x->key.hi != y->key.hi)
        return x->key.hi < y->key.hi ? -1 : 1;
    if (x->key.lo != y->key.lo)
        return x->key.lo < y->key.lo ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Sort what is in memory: by the first 64 bits of the key in linear time; what these leave equal is
 * one group, nearly always in order already, for which insertion is linear too. */
static fbk_status
spill_order(fbk__spill *s)
{
    s->order = fbk__calloc(fbk__a(s->db), s->n + 1, sizeof *s->order);
    if (!s->order)
        return fbk__nomem(s->db);
    for (size_t i = 0; i < s->n; i++) {
        head h;

        head_get(s->arena + s->offsets[i], &h);
        s->order[i].key = h.key.hi;
        s->order[i].row = (uint32_t)i;
    }
    if (!fbk__sort_items(fbk__a(s->db), s->order, s->n))
        return fbk__nomem(s->db);
    for (size_t i = 1; i < s->n; i++) {
        fbk__sort_item item = s->order[i];
        size_t j = i;
        head h;

        head_get(s->arena + s->offsets[item.row], &h);
        for (; j > 0 && s->order[j - 1].key == item.key; j--) {
            head before;

            head_get(s->arena + s->offsets[s->order[j - 1].row], &before);
            if (head_compare(&before, &h) <= 0)
                break;
            s->order[j] = s->order[j - 1];
        }
        s->order[j] = item;
    }
    return FBK_OK;
}

/* Write what is in memory as one run. */
static fbk_status
spill_run(fbk__spill *s)
{
    const fbk_allocator *a = fbk__a(s->db);
    char *buffer = NULL;
    size_t len = 0;
    run r = {.at = s->file_len};
    fbk_status rc = spill_open(s);

    if (rc == FBK_OK)
        rc = spill_order(s);
    if (rc < 0)
        return rc;
    buffer = fbk__alloc(a, SPILL_WRITE_SIZE);
    if (!buffer || !fbk__grow(a, &s->runs, &s->run_cap, s->n_runs + 1, sizeof *s->runs)) {
        fbk__free(a, buffer);
        return fbk__nomem(s->db);
    }
    for (size_t i = 0; i < s->n && rc == FBK_OK; i++) {
        const char *record = s->arena + s->offsets[s->order[i].row];
        head h;
        size_t n;

        head_get(record, &h);
        n = sizeof h + (size_t)h.len;
        if (len + n > SPILL_WRITE_SIZE) {
            rc = spill_write(s, buffer, len);
            len = 0;
        }
        if (rc == FBK_OK && n > SPILL_WRITE_SIZE) {
            rc = spill_write(s, record, n);
        } else if (rc == FBK_OK) {
            memcpy(buffer + len, record, n);
            len += n;
        }
    }
    if (rc == FBK_OK)
        rc = spill_write(s, buffer, len);
    r.end = s->file_len;
    s->runs[s->n_runs++] = r;
    fbk__free(a, buffer);
    fbk__free(a, s->order);
    s->order = NULL;
    s->n = s->arena_len = 0;
    return rc;
}

/* Bytes that the records in memory will have taken once they are sorted. */
static size_t
spill_used(const fbk__spill *s, size_t more)
{
    return s->arena_len + more + (s->n + 1) * (sizeof *s->offsets + 2 * sizeof *s->order);
}

fbk_status
fbk__spill_add(fbk__spill *s, fbk__hash128 key, uint64_t seq, const void *bytes, size_t len)
{
    const fbk_allocator *a = fbk__a(s->db);
    const head h = {key, seq, len};
    fbk_status rc;

    if (len > FBK__SPILL_RECORD_MAX)
        return fbk__fail(s->db, FBK_ETOOBIG, "one event of the file was longer than 1 GiB");
    if (s->n > 0 && (spill_used(s, sizeof h + len) > s->budget || s->n == UINT32_MAX)) {
        rc = spill_run(s);
        if (rc < 0)
            return rc;
    }
    if (!fbk__grow(a, &s->arena, &s->arena_cap, s->arena_len + sizeof h + len, 1) ||
        !fbk__grow(a, &s->offsets, &s->offset_cap, s->n + 1, sizeof *s->offsets))
        return fbk__nomem(s->db);
    s->offsets[s->n++] = s->arena_len;
    memcpy(s->arena + s->arena_len, &h, sizeof h);
    if (len)
        memcpy(s->arena + s->arena_len + sizeof h, bytes, len);
    s->arena_len += sizeof h + len;
    s->count++;
    return FBK_OK;
}

/* Have `need` bytes of the run from its record on; they are there, for we wrote them. */
static fbk_status
run_fill(fbk__spill *s, run *r, size_t need)
{
    if (r->len - r->start >= need)
        return FBK_OK;
    if (need > r->cap && !fbk__grow(fbk__a(s->db), &r->data, &r->cap, need, 1))
        return fbk__nomem(s->db);
    memmove(r->data, r->data + r->start, r->len - r->start);
    r->len -= r->start;
    r->start = 0;
    while (r->len < r->cap && r->at < r->end) {
        size_t want = r->cap - r->len;
        ssize_t n;

        if ((off_t)want > r->end - r->at)
            want = (size_t)(r->end - r->at);
        n = pread(s->fd, r->data + r->len, want, r->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fbk__fail_at(s->db, FBK_EIO, "temp_dir", 0,
                                "a temporary file could not be read: %s",
                                n < 0 ? strerror(errno) : "it ended early");
        r->len += (size_t)n;
        r->at += n;
    }
    if (r->len < need)
        return fbk__fail_at(s->db, FBK_EIO, "temp_dir", 0, "a temporary file was damaged");
    return FBK_OK;
}

/* Bring the run's record into memory; FBK_DONE at its end. */
static fbk_status
run_load(fbk__spill *s, run *r)
{
    head h;
    fbk_status rc;

    if (r->start == r->len && r->at == r->end)
        return FBK_DONE;
    rc = run_fill(s, r, sizeof h);
    if (rc < 0)
        return rc;
    head_get(r->data + r->start, &h);
    return run_fill(s, r, sizeof h + (size_t)h.len);
}

/* Whether the record of run x comes before that of run y; equal ones in the order of the runs. */
static bool
run_before(const fbk__spill *s, uint32_t x, uint32_t y)
{
    head hx;
    head hy;
    int order;

    head_get(s->runs[x].data + s->runs[x].start, &hx);
    head_get(s->runs[y].data + s->runs[y].start, &hy);
    order = head_compare(&hx, &hy);
    return order ? order < 0 : x < y;
}

static void
heap_sink(fbk__spill *s, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        uint32_t number = s->heap[at];

        if (child >= s->n_heap)
            return;
        if (child + 1 < s->n_heap && run_before(s, s->heap[child + 1], s->heap[child]))
            child++;
        if (!run_before(s, s->heap[child], number))
            return;
        s->heap[at] = s->heap[child];
        s->heap[child] = number;
        at = child;
    }
}

static fbk_status
spill_merge_begin(fbk__spill *s)
{
    const fbk_allocator *a = fbk__a(s->db);
    size_t cap = s->budget / 2 / s->n_runs;

    if (cap > SPILL_WRITE_SIZE)
        cap = SPILL_WRITE_SIZE;
    if (cap < SPILL_READ_MIN)
        cap = SPILL_READ_MIN;
    s->heap = fbk__calloc(a, s->n_runs, sizeof *s->heap);
    if (!s->heap)
        return fbk__nomem(s->db);
    for (size_t i = 0; i < s->n_runs; i++) {
        run *r = &s->runs[i];
        fbk_status rc;

        if (!fbk__grow(a, &r->data, &r->cap, cap, 1))
            return fbk__nomem(s->db);
        rc = run_load(s, r);
        if (rc < 0)
            return rc;
        if (rc == FBK_OK)
            s->heap[s->n_heap++] = (uint32_t)i;
    }
    for (size_t i = s->n_heap / 2; i-- > 0;)
        heap_sink(s, i);
    return FBK_OK;
}

fbk_status
fbk__spill_sort(fbk__spill *s)
{
    fbk_status rc;

    s->sorted = true;
    if (s->n_runs == 0)
        return spill_order(s);
    if (s->n > 0) {
        rc = spill_run(s);
        if (rc < 0)
            return rc;
    }
    spill_forget(s);
    return spill_merge_begin(s);
}

/* Move the run on top to its next record. */
static fbk_status
merge_advance(fbk__spill *s)
{
    run *r = &s->runs[s->heap[0]];
    fbk_status rc;
    head h;

    head_get(r->data + r->start, &h);
    r->start += sizeof h + (size_t)h.len;
    rc = run_load(s, r);
    if (rc < 0)
        return rc;
    if (rc == FBK_DONE) {
        fbk__free(fbk__a(s->db), r->data);
        r->data = NULL;
        s->heap[0] = s->heap[--s->n_heap];
    }
    heap_sink(s, 0);
    return FBK_OK;
}

fbk_status
fbk__spill_next(fbk__spill *s, fbk__spill_record *out)
{
    const char *record;
    head h;

    if (s->n_runs == 0) {
        if (s->next == s->n)
            return FBK_DONE;
        record = s->arena + s->offsets[s->order[s->next++].row];
    } else {
        if (s->advance) {
            fbk_status rc = merge_advance(s);

            if (rc < 0)
                return rc;
            s->advance = false;
        }
        if (s->n_heap == 0)
            return FBK_DONE;
        record = s->runs[s->heap[0]].data + s->runs[s->heap[0]].start;
        s->advance = true;
    }
    head_get(record, &h);
    *out = (fbk__spill_record){h.key, h.seq, record + sizeof h, (size_t)h.len};
    return FBK_OK;
}
