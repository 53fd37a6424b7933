/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/tk_disk.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"
#include "support/tk.h"

enum { NONE = -1 };

typedef enum op_kind { OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_DELETE, OP_RENAME, OP_MARK } op_kind;

struct tk_disk_op {
    op_kind kind;
    int file;
    int64_t at; /* of a truncation: the new length; of a mark: the promise */
    size_t len;
    char *bytes; /* of a renaming: the new name */
};

struct tk_disk_file {
    char *name; /* as it is now; NULL = deleted */
    char *first_name;
    char *base; /* content at the beginning; NULL = was not there */
    size_t base_len;
};

static tk_disk *watching; /* sees renames */

/* -- the record -------------------------------------------------------------------------------- */

static void *
room(void *array, size_t n, size_t *cap, size_t size)
{
    if (n == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        array = realloc(array, *cap * size);
        tk_must(array, "no memory, or no file");
    }
    return array;
}

/* Name within the directory; NULL for a file elsewhere, or in a directory of its own within. */
static const char *
name_of(const tk_disk *disk, const char *path)
{
    size_t len = strlen(disk->dir);

    if (strncmp(path, disk->dir, len) != 0 || path[len] != '/' || strchr(path + len + 1, '/'))
        return NULL;
    return path + len + 1;
}

static int
file_find(const tk_disk *disk, const char *name)
{
    for (size_t i = disk->n_files; i-- > 0;) {
        if (disk->files[i].name && strcmp(disk->files[i].name, name) == 0)
            return (int)i;
    }
    return NONE;
}

static int
file_add(tk_disk *disk, const char *name)
{
    disk->files = room(disk->files, disk->n_files, &disk->files_cap, sizeof *disk->files);
    disk->files[disk->n_files] = (tk_disk_file){strdup(name), strdup(name), NULL, 0};
    return (int)disk->n_files++;
}

static tk_disk_op *
op_add(tk_disk *disk, op_kind kind, const char *path)
{
    const char *name = path ? name_of(disk, path) : NULL;
    int file = NONE;

    if (path && !name)
        return NULL;
    if (name)
        file = file_find(disk, name);
    if (name && file == NONE)
        file = file_add(disk, name);
    disk->ops = room(disk->ops, disk->n_ops, &disk->ops_cap, sizeof *disk->ops);
    disk->ops[disk->n_ops] = (tk_disk_op){kind, file, 0, 0, NULL};
    return &disk->ops[disk->n_ops++];
}

void
tk_disk_begin(tk_disk *disk, const char *dir)
{
    DIR *d = opendir(dir);

    memset(disk, 0, sizeof *disk);
    (void)pthread_mutex_init(&disk->lock, NULL);
    disk->dir = realpath(dir, NULL);
    ck_assert(d && disk->dir);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        char path[1024];
        tk_disk_file *file;

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        file = &disk->files[file_add(disk, entry->d_name)];
        file = &disk->files[disk->n_files - 1];
        file->base = tk_slurp(path, &file->base_len);
    }
    ck_assert_int_eq(closedir(d), 0);
    watching = disk;
}

void
tk_disk_free(tk_disk *disk)
{
    for (size_t i = 0; i < disk->n_ops; i++)
        free(disk->ops[i].bytes);
    for (size_t i = 0; i < disk->n_files; i++) {
        free(disk->files[i].name);
        free(disk->files[i].first_name);
        free(disk->files[i].base);
    }
    free(disk->ops);
    free(disk->files);
    free(disk->dir);
    (void)pthread_mutex_destroy(&disk->lock);
    memset(disk, 0, sizeof *disk);
    watching = NULL;
}

static void
op_record(tk_disk *disk, op_kind kind, const char *path, const void *bytes, size_t len, int64_t at)
{
    tk_disk_op *op;

    (void)pthread_mutex_lock(&disk->lock);
    op = op_add(disk, kind, path);
    if (op) {
        op->at = at;
        op->len = len;
        op->bytes = malloc(len + 1);
        tk_must(op->bytes, "no memory");
        if (len)
            memcpy(op->bytes, bytes, len);
    }
    if (op && kind == OP_DELETE) {
        free(disk->files[op->file].name);
        disk->files[op->file].name = NULL;
    }
    (void)pthread_mutex_unlock(&disk->lock);
}

void
tk_disk_write(tk_disk *disk, const char *path, const void *bytes, size_t len, int64_t at)
{
    op_record(disk, OP_WRITE, path, bytes, len, at);
}

void
tk_disk_truncate(tk_disk *disk, const char *path, int64_t len)
{
    op_record(disk, OP_TRUNCATE, path, NULL, 0, len);
}

void
tk_disk_sync(tk_disk *disk, const char *path)
{
    op_record(disk, OP_SYNC, path, NULL, 0, 0);
}

void
tk_disk_delete(tk_disk *disk, const char *path)
{
    op_record(disk, OP_DELETE, path, NULL, 0, 0);
}

void
tk_disk_mark(tk_disk *disk, uint32_t promise)
{
    op_record(disk, OP_MARK, NULL, NULL, 0, promise);
}

uint32_t
tk_disk_promise(const tk_disk *disk, size_t n)
{
    size_t i = 0;

    while (disk->ops[i].kind != OP_MARK || n-- > 0)
        i++;
    return (uint32_t)disk->ops[i].at;
}

/* Instead of the C library's, which knows nothing of us: the library gives a finished copy its name
 * with it. */
int
renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    long rc = syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    const char *name = watching ? name_of(watching, to) : NULL;
    /* Nobody else writes to a copy that gets its name. */
    tk_disk_op *op = rc == 0 && name ? op_add(watching, OP_RENAME, from) : NULL;

    if (op) {
        op->bytes = strdup(name);
        free(watching->files[op->file].name);
        watching->files[op->file].name = strdup(name);
    }
    return (int)rc;
}

/* -- the cut ----------------------------------------------------------------------------------- */

/* A file as the cut left it. */
typedef struct image {
    const char *name; /* NULL = not there */
    size_t synced;    /* operations before this one are durable */
    char *bytes;
    size_t len;
    size_t cap;
} image;

static void
image_resize(image *im, size_t len)
{
    if (len > im->cap) {
        im->cap = len + len / 2;
        im->bytes = realloc(im->bytes, im->cap);
        tk_must(im->bytes, "no memory, or no file");
    }
    if (len > im->len)
        memset(im->bytes + im->len, 0, len - im->len);
    im->len = len;
}

static void
image_put(image *im, const char *bytes, size_t len, size_t at)
{
    if (at + len > im->len)
        image_resize(im, at + len);
    if (len)
        memcpy(im->bytes + at, bytes, len);
}

/* Sectors lie where the disk has them, not where the write begins. */
static void
image_tear(image *im, const tk_disk_op *op, uint64_t seed, size_t sector)
{
    size_t done = 0;

    while (done < op->len) {
        size_t at = (size_t)op->at + done;
        size_t n = sector - at % sector;

        n = n < op->len - done ? n : op->len - done;
        if (fbk__mix64(seed + at / sector) & 1)
            image_put(im, op->bytes + done, n, at);
        done += n;
    }
}

static void
image_apply(image *im, const tk_disk_op *op, size_t number, uint64_t seed, size_t sector)
{
    uint64_t dice = number < im->synced ? 0 : fbk__mix64(seed ^ fbk__mix64(number + 1)) % 3;

    switch (op->kind) {
    case OP_WRITE:
        im->name = im->name ? im->name : "";
        if (dice == 0)
            image_put(im, op->bytes, op->len, (size_t)op->at);
        else if (dice == 1)
            image_tear(im, op, fbk__mix64(seed + number), sector);
        break;
    case OP_TRUNCATE:
        if (dice != 1)
            image_resize(im, (size_t)op->at);
        break;
    case OP_DELETE:
        im->name = NULL;
        break;
    case OP_RENAME:
        im->name = op->bytes;
        break;
    case OP_SYNC:
    case OP_MARK:
        break;
    }
}

static void
dir_empty(const char *dir)
{
    DIR *d = opendir(dir);

    tk_must(d, "no memory, or no file");
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (entry->d_name[0] != '.')
            tk_must(unlinkat(dirfd(d), entry->d_name, 0) == 0, "%s stays", entry->d_name);
    }
    ck_assert_int_eq(closedir(d), 0);
}

static void
image_store(const image *im, const char *dir)
{
    char path[1024];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", dir, im->name);
    file = fopen(path, "wb");
    tk_must(file, "no memory, or no file");
    ck_assert_uint_eq(fwrite(im->bytes ? im->bytes : "", 1, im->len, file), im->len);
    ck_assert_int_eq(fclose(file), 0);
}

size_t
tk_disk_moments(const tk_disk *disk)
{
    size_t n = 1;

    for (size_t i = 0; i < disk->n_ops; i++)
        n += disk->ops[i].kind != OP_MARK;
    return n;
}

/* The operations before a moment, with the marks up to the next one; counts the marks. */
static size_t
ops_before(const tk_disk *disk, size_t moment, size_t *marks)
{
    size_t n = 0;

    *marks = 0;
    for (; n < disk->n_ops; n++) {
        if (disk->ops[n].kind == OP_MARK)
            ++*marks;
        else if (moment-- == 0)
            break;
    }
    return n;
}

size_t
tk_disk_cut(const tk_disk *disk, size_t moment, uint64_t seed, size_t sector, const char *dir)
{
    image *images = calloc(disk->n_files + 1, sizeof *images);
    size_t marks;
    size_t n = ops_before(disk, moment, &marks);

    tk_must(images, "no memory, or no file");
    for (size_t i = 0; i < disk->n_files; i++) {
        const tk_disk_file *file = &disk->files[i];

        image_put(&images[i], file->base ? file->base : "", file->base_len, 0);
        images[i].name = file->base ? file->first_name : NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (disk->ops[i].kind == OP_SYNC)
            images[disk->ops[i].file].synced = i;
    }
    for (size_t i = 0; i < n; i++) {
        if (disk->ops[i].file != NONE)
            image_apply(&images[disk->ops[i].file], &disk->ops[i], i, seed, sector);
    }
    dir_empty(dir);
    for (size_t i = 0; i < disk->n_files; i++) {
        if (images[i].name && !images[i].name[0])
            images[i].name = disk->files[i].first_name;
        if (images[i].name)
            image_store(&images[i], dir);
        free(images[i].bytes);
    }
    free(images);
    return marks;
}
