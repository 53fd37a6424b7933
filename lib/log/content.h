/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_CONTENT_H
#define LOG_CONTENT_H

#include "log/log.h"

/* An event as bytes that are the same in every store: numbers replaced by the words they stand
 * for. */

/** XXH3-64 of an order reference, never 0 unless it is empty. */
uint64_t
fbk__order_hash(const char *text, size_t len);

/** Everything that makes two events "the same content": all but received_us. */
void
fbk__content(const fbk__batch *batch, const fbk__batch_event *e, fbk__buf *out);

/** A 128-bit hash as the 16 bytes that are stored. */
void
fbk__hash_bytes(fbk__hash128 hash, unsigned char out[16]);

/** What event_conflict_ident.ident holds. */
int64_t
fbk__ident_hash(uint32_t space, const char *value, size_t len);

#endif
