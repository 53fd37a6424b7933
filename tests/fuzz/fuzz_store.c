/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/event.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/log.h"
#include "store/vfs.h"
#include "support/tk_world.h"

/* A store whose pages were written over here and there, with right checksums, so that SQLite and
 * what lies above it see what they never wrote: it is opened, checked and salvaged. An input is a
 * list of edits: page (1 byte), place (2), length (1), bytes. Its first byte: 1 = leave the
 * checksums wrong. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGE = 4096 };

static char directory[64];
static char paths[2][80];
static unsigned char *base;
static size_t base_len;

static void
remove_files(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-fbk.lck"};
    char name[96];

    for (int k = 0; k < 8; k++) {
        (void)snprintf(name, sizeof name, "%s%s", paths[k / 4], suffixes[k % 4]);
        (void)unlink(name);
    }
}

static void
end(void)
{
    remove_files();
    (void)rmdir(directory);
    free(base);
}

static void
begin(void)
{
    struct stat st;
    FILE *f;

    (void)snprintf(directory, sizeof directory, "%s/fbk-fuzz-XXXXXX",
                   stat("/dev/shm", &st) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(directory))
        abort();
    (void)snprintf(paths[0], sizeof paths[0], "%s/a", directory);
    (void)snprintf(paths[1], sizeof paths[1], "%s/b", directory);
    (void)atexit(end);
    tk_world_make(paths[0], 40);
    f = fopen(paths[0], "rb");
    if (!f || fstat(fileno(f), &st) != 0)
        abort();
    base_len = (size_t)st.st_size;
    base = malloc(base_len);
    if (!base || fread(base, 1, base_len, f) != base_len)
        abort();
    (void)fclose(f);
}

static void
edit(unsigned char *bytes, const uint8_t *data, size_t size)
{
    while (size >= 4) {
        size_t page = data[0] % (base_len / PAGE);
        size_t at = (size_t)(data[1] | data[2] << 8) % PAGE;
        size_t n = data[3];

        n = n < size - 4 ? n : size - 4;
        n = n < PAGE - at ? n : PAGE - at;
        memcpy(bytes + page * PAGE + at, data + 4, n);
        data += 4 + n;
        size -= 4 + n;
    }
}

static void
seal(unsigned char *bytes)
{
    for (size_t p = 0; p < base_len / PAGE; p++) {
        unsigned char *page = bytes + p * PAGE;
        uint64_t sum = fbk__page_checksum(page, PAGE, (uint32_t)p + 1);

        for (int i = 0; i < FBK__PAGE_TAIL; i++)
            page[PAGE - FBK__PAGE_TAIL + i] = (unsigned char)(sum >> (8 * i));
    }
}

static fbk_status
look_event(void *user_data, const fbk__event_view *e)
{
    *(uint64_t *)user_data += e->n_lines + e->n_props + e->n_nodes;
    return FBK_OK;
}

static void
look(const char *path)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_store_check_options check = FBK_STORE_CHECK_OPTIONS_INIT;
    fbk_store *store = NULL;
    fbk *db = NULL;
    uint64_t n = 0;

    options.flags = FBK_STORE_READONLY;
    check.level = FBK_CHECK_FULL;
    if (fbk_store_open(path, &options, &store, NULL) == FBK_OK &&
        fbk_connect(store, &db) == FBK_OK) {
        fbk_status rc = fbk_store_check(db, &check, NULL);

        if (rc == FBK_OK)
            rc = fbk_event_check(db, NULL, NULL, NULL);
        if (rc == FBK_OK)
            rc = fbk__log_each(db, 0, look_event, &n);
        (void)rc;
    }
    fbk_close(db);
    fbk_store_close(store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes;
    uint64_t digest;
    FILE *f;

    if (!base)
        begin();
    bytes = malloc(base_len);
    if (!bytes)
        abort();
    memcpy(bytes, base, base_len);
    if (size > 1)
        edit(bytes, data + 1, size - 1);
    if (size == 0 || data[0] != 1)
        seal(bytes);
    remove_files();
    f = fopen(paths[0], "wb");
    if (!f || fwrite(bytes, 1, base_len, f) != base_len || fclose(f) != 0)
        abort();
    free(bytes);
    look(paths[0]);
    (void)!tk_world_digest(paths[0], &digest);
    if (fbk_store_salvage(paths[0], paths[1], NULL, NULL, NULL) == FBK_OK)
        look(paths[1]);
    return 0;
}
