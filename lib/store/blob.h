/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include "base/err.h"

/* Large values as rows of at most 1 MiB, each with the XXH3-64 of its bytes (table fbk_blob: owner
 * text, id integer, chunk integer, hash, bytes). */

enum { FBK__BLOB_CHUNK = 1 << 20 };

/** Inside a write transaction: replace the value of (owner, id). */
fbk_status
fbk__blob_write(fbk *db, const char *owner, int64_t id, const void *bytes, size_t len) FBK_MUST_USE;

/** Read it whole; ENOTFOUND, or ECORRUPT when a hash or a chunk is wrong. The caller frees. */
fbk_status
fbk__blob_read(fbk *db, const char *owner, int64_t id, void **out_bytes, size_t *out_len)
    FBK_MUST_USE;

/** Inside a write transaction: remove it; not there is no error. */
fbk_status
fbk__blob_remove(fbk *db, const char *owner, int64_t id) FBK_MUST_USE;

#endif
