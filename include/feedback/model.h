/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_MODEL_H
#define FEEDBACK_MODEL_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  What has been trained: the models that a store holds. */

FBK_BEGIN_DECLS

/**
 * List the models of a store: one row a model, by kind and name.
 *
 * Columns: kind, name (utf8), as_of (timestamp: events before it were used), to_event (number of
 * the last event used), n_events, n_people, body_len (int64), parameters, quality ("name = number"
 * joined by ", "; quality is measured on held-out data), note (one sentence to show with every
 * answer; "" if there is none).
 *
 * @param      db        Connection.
 * @param[out] out_rows  Caller's stream; untouched on error.
 *
 * @retval FBK_OK      given, perhaps without rows.
 * @retval FBK_EINVAL  a pointer is NULL.
 * @retval FBK_ENOMEM  out of memory.
 * @retval FBK_EDB     reading failed.
 *
 * @ownership  the stream is owned by the caller, who releases it; it outlives the connection.
 * @threads    connection
 * @cost       O(models); no body is read.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_model_list(fbk *db, struct ArrowArrayStream *out_rows);

/**
 * Remove a model. What was asked of it before is unaffected; the next question about it gives
 * FBK_ENOTFOUND or, where the answer can do without, an answer without it.
 *
 * @param     db    Connection.
 * @param[in] kind  "copurchase", "clv", …: as fbk_model_list() says. Borrowed for the call.
 * @param[in] name  Name; NULL or "" = "default". Borrowed for the call.
 *
 * @retval FBK_OK         removed, durably.
 * @retval FBK_ENOTFOUND  there is no such model.
 * @retval FBK_EINVAL     a pointer is NULL, or a character is none of a-z, 0-9, '_', '.', '-'.
 * @retval FBK_ERANGE     kind is not of 1 to 23 bytes, or name of 1 to 47.
 * @retval FBK_EREADONLY  the store cannot be written.
 * @retval FBK_EBUSY      locked by somebody else for longer than the timeout.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(chunks of the model), one commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_model_remove(fbk *db, const char *kind, const char *name);

FBK_END_DECLS
#endif
