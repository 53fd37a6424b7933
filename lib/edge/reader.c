/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

/* 2^25 = 32 MiB serves every level up to 20; what needs more was made with --ultra or --long. */
enum { FILE_IN_SIZE = 1 << 17, FILE_WINDOW_LOG_MAX = 25, FILE_MAGIC_LEN = 4 };

struct fbk__file {
    fbk *db;
    ZSTD_DStream *zstd; /* NULL = plain */
    unsigned char *in;
    size_t in_at;
    size_t in_len;
    const unsigned char *memory; /* not NULL: read from here instead of fd */
    size_t memory_left;
    uint64_t done;
    uint64_t total;
    int fd;
    fbk_status failed;
    bool at_end;
    bool in_frame; /* zstd: a frame has begun and not ended */
};

/* Fill the input buffer behind what is left in it. */
static fbk_status
file_fill(fbk__file *f)
{
    size_t room;
    ssize_t n;

    if (f->in_at > 0) {
        memmove(f->in, f->in + f->in_at, f->in_len - f->in_at);
        f->in_len -= f->in_at;
        f->in_at = 0;
    }
    room = FILE_IN_SIZE - f->in_len;
    if (f->memory) {
        n = (ssize_t)(f->memory_left < room ? f->memory_left : room);
        memcpy(f->in + f->in_len, f->memory, (size_t)n);
        f->memory += n;
        f->memory_left -= (size_t)n;
    } else {
        do
            n = read(f->fd, f->in + f->in_len, room);
        while (n < 0 && errno == EINTR);
    }
    if (n < 0)
        return fbk__fail_at(f->db, FBK_EIO, "file", 0, "the file could not be read: %s",
                            strerror(errno));
    f->at_end = n == 0;
    f->in_len += (size_t)n;
    return FBK_OK;
}

/* Plain or zstd? A file shorter than a magic number is plain. */
static fbk_status
file_sniff(fbk__file *f)
{
    static const unsigned char magic[FILE_MAGIC_LEN] = {0x28, 0xb5, 0x2f, 0xfd};
    fbk_status rc;

    while (f->in_len < FILE_MAGIC_LEN && !f->at_end) {
        rc = file_fill(f);
        if (rc < 0)
            return rc;
    }
    if (f->in_len < FILE_MAGIC_LEN || memcmp(f->in, magic, FILE_MAGIC_LEN) != 0)
        return FBK_OK;
    f->zstd = ZSTD_createDStream();
    if (!f->zstd ||
        ZSTD_isError(ZSTD_DCtx_setParameter(f->zstd, ZSTD_d_windowLogMax, FILE_WINDOW_LOG_MAX)))
        return fbk__nomem(f->db);
    return FBK_OK;
}

static fbk_status
file_new(fbk *db, int fd, const void *memory, size_t len, fbk__file **out)
{
    fbk__file *f = fbk__calloc(fbk__a(db), 1, sizeof *f);
    struct stat st;
    fbk_status rc;

    if (!f) {
        if (fd >= 0)
            (void)close(fd);
        return fbk__nomem(db);
    }
    f->db = db;
    f->fd = fd;
    f->memory = memory;
    f->memory_left = f->total = len;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        f->total = (uint64_t)st.st_size;
    f->in = fbk__alloc(fbk__a(db), FILE_IN_SIZE);
    rc = f->in ? file_sniff(f) : fbk__nomem(db);
    if (rc < 0) {
        fbk__file_close(f);
        return rc;
    }
    *out = f;
    return FBK_OK;
}

fbk_status
fbk__file_open(fbk *db, const char *path, fbk__file **out)
{
    struct stat st;
    int fd;

    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return fbk__fail_at(db, errno == ENOENT ? FBK_ENOTFOUND : FBK_EIO, "file", 0,
                            "the file could not be opened: %s", strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)close(fd);
        return fbk__fail_at(db, FBK_EINVAL, "file", 0, "the path named a directory, not a file");
    }
    return file_new(db, fd, NULL, 0, out);
}

fbk_status
fbk__file_open_memory(fbk *db, const void *bytes, size_t len, fbk__file **out)
{
    return file_new(db, -1, bytes ? bytes : "", len, out);
}

void
fbk__file_close(fbk__file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        (void)close(f->fd);
    (void)ZSTD_freeDStream(f->zstd);
    fbk__free(fbk__a(f->db), f->in);
    fbk__free(fbk__a(f->db), f);
}

static fbk_status
file_read_plain(fbk__file *f, void *to, size_t cap, size_t *out_n)
{
    size_t n;

    if (f->in_at == f->in_len && !f->at_end) {
        fbk_status rc = file_fill(f);

        if (rc < 0)
            return rc;
    }
    n = f->in_len - f->in_at;
    n = n < cap ? n : cap;
    memcpy(to, f->in + f->in_at, n);
    f->in_at += n;
    f->done += n;
    *out_n = n;
    return FBK_OK;
}

static fbk_status
file_zstd_fail(fbk__file *f, size_t code)
{
    const char *why = ZSTD_getErrorName(code);

    if (strstr(why, "too much memory"))
        return fbk__fail_at(f->db, FBK_ETOOBIG, "file", 0,
                            "the zstd file asked for a window of more than 32 MiB; compress it "
                            "without --ultra and --long");
    if (strstr(why, "Allocation"))
        return fbk__nomem(f->db);
    return fbk__fail_at(f->db, FBK_EINVAL, "file", 0, "the zstd file was damaged: %s", why);
}

static fbk_status
file_read_zstd(fbk__file *f, void *to, size_t cap, size_t *out_n)
{
    ZSTD_outBuffer out = {to, cap, 0};

    while (out.pos == 0) {
        ZSTD_inBuffer in;
        size_t left;

        if (f->in_at == f->in_len && !f->at_end) {
            fbk_status rc = file_fill(f);

            if (rc < 0)
                return rc;
        }
        if (f->in_at == f->in_len && !f->in_frame)
            break;
        in = (ZSTD_inBuffer){f->in, f->in_len, f->in_at};
        left = ZSTD_decompressStream(f->zstd, &out, &in);
        if (ZSTD_isError(left))
            return file_zstd_fail(f, left);
        f->done += in.pos - f->in_at;
        f->in_frame = left != 0;
        if (in.pos == f->in_at && out.pos == 0 && f->at_end)
            return fbk__fail_at(f->db, FBK_EINVAL, "file", 0,
                                "the zstd file was cut off after %llu bytes",
                                (unsigned long long)f->done);
        f->in_at = in.pos;
    }
    *out_n = out.pos;
    return FBK_OK;
}

fbk_status
fbk__file_read(fbk__file *f, void *to, size_t cap, size_t *out_n)
{
    fbk_status rc = f->failed;

    *out_n = 0;
    if (rc == FBK_OK)
        rc = f->zstd ? file_read_zstd(f, to, cap, out_n) : file_read_plain(f, to, cap, out_n);
    f->failed = rc;
    return rc;
}

void
fbk__file_progress(const fbk__file *f, uint64_t *out_done, uint64_t *out_total)
{
    *out_done = f->done;
    *out_total = f->total;
}

void
fbk__file_stem(const char *path, const char **out_text, size_t *out_len)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strchr(name + (*name == '.'), '.');

    *out_text = name;
    *out_len = dot ? (size_t)(dot - name) : strlen(name);
}

enum { FEED_FIRST_SIZE = 1 << 18 };

void
fbk__feed_init(fbk__feed *feed, const fbk_allocator *a, fbk__file *file, size_t max)
{
    *feed = (fbk__feed){.file = file, .a = a, .max = max};
}

void
fbk__feed_free(fbk__feed *feed)
{
    fbk__free(feed->a, feed->data);
    feed->data = NULL;
    feed->start = feed->len = feed->cap = 0;
}

static fbk_status
feed_grow(fbk__feed *feed)
{
    size_t cap = feed->cap ? feed->cap * 2 : FEED_FIRST_SIZE;
    char *grown;

    cap = cap < feed->max ? cap : feed->max;
    grown = fbk__realloc(feed->a, feed->data, cap, 1);
    if (!grown)
        return FBK_ENOMEM;
    feed->data = grown;
    feed->cap = cap;
    return FBK_OK;
}

fbk_status
fbk__feed_more(fbk__feed *feed)
{
    size_t left = feed->len - feed->start;
    fbk_status rc;

    if (feed->at_end || left >= feed->max)
        return FBK_DONE;
    if (left == feed->cap && (rc = feed_grow(feed)) < 0)
        return fbk__nomem(feed->file->db);
    if (feed->start > 0 && left > 0)
        memmove(feed->data, feed->data + feed->start, left);
    feed->start = 0;
    feed->len = left;
    while (feed->len < feed->cap) {
        size_t n;

        rc = fbk__file_read(feed->file, feed->data + feed->len, feed->cap - feed->len, &n);
        if (rc < 0)
            return rc;
        if (n == 0) {
            feed->at_end = true;
            break;
        }
        feed->len += n;
    }
    return FBK_OK;
}

fbk_status
fbk__feed_skip_line(fbk__feed *feed)
{
    for (;;) {
        size_t left = feed->len - feed->start;
        const char *at = left ? feed->data + feed->start : NULL;
        const char *end = left ? memchr(at, '\n', left) : NULL;
        fbk_status rc;

        if (end) {
            feed->start += (size_t)(end - at) + 1;
            return FBK_OK;
        }
        feed->start = feed->len;
        if (feed->at_end)
            return FBK_OK;
        rc = fbk__feed_more(feed);
        if (rc < 0)
            return rc;
    }
}
