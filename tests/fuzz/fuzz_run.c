/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/engine.h"
#include "log/run_file.h"

#include <stdlib.h>
#include <string.h>

/* What looks up ids and identifiers: a block of a run (inputs that begin with 'b'), its index ('i'),
 * or a block of identifiers' values, all without their checksums. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
values(struct fbk *db, fbk__codec *c, const uint8_t *data, size_t size)
{
    static int64_t spaces[FBK__NODE_BLOCK];
    uint64_t hash = fbk__nodes_hash(1, data, size);
    fbk__strings strings;
    fbk__buf bytes;

    fbk__strings_init(&strings, &fbk__libc_allocator);
    fbk__buf_init(&bytes, NULL);
    fbk__buf_add(&bytes, data, size);
    fbk__buf_add(&bytes, &hash, sizeof hash);
    if (!bytes.failed &&
        fbk__nodes_unpack(db, c, 1, bytes.data, bytes.len, spaces, &strings) == FBK_OK &&
        (strings.n == 0 || strings.n > FBK__NODE_BLOCK))
        abort();
    fbk__strings_free(&strings);
    fbk__buf_free(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fbk__run_block block;
    struct fbk db = {.alloc = fbk__libc_allocator};
    fbk__reader in = {data + 1, data + size, false};
    fbk__run run;
    fbk__codec c;

    if (size == 0)
        return 0;
    memset(&run, 0, sizeof run);
    run.a = fbk__libc_allocator;
    fbk__codec_init(&c, &fbk__libc_allocator);
    if (data[0] == 'b') {
        if (fbk__run_block_get(&c, &in, &block) == FBK_OK && block.n > FBK__RUN_BLOCK)
            abort();
    } else if (data[0] == 'i') {
        if (fbk__run_index_get(&db, &c, &in, &run) == FBK_OK &&
            (run.n_blocks == 0 || run.n_filter == 0 || run.n_keys < run.n_blocks))
            abort();
    } else {
        values(&db, &c, data + 1, size - 1);
    }
    fbk__free(&run.a, run.first);
    fbk__free(&run.a, run.ranges);
    fbk__codec_free(&c);
    return 0;
}
