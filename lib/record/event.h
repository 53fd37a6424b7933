/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_EVENT_H
#define RECORD_EVENT_H

#include <feedback/event.h>

#include "log/log.h"

/* What every way in (one structure, an Arrow stream, a file) goes through. */

/** Make the event that was added last fit to be stored, or say what is wrong with it. Ranges and
 *  texts are checked; a line kind of 0 becomes product; an amount that was not given is computed;
 *  identifiers are normalised, and those that identify nobody or stand there twice are taken out;
 *  properties are put in the order of their keys; received_us 0 becomes now.
 *
 *  @retval FBK_EINVAL, FBK_ERANGE  with field, and the event's row; the event is still the last of
 *                                  the batch: fbk__batch_drop_event(). */
fbk_status
fbk__event_validate_last(fbk *db, fbk__batch *batch) FBK_MUST_USE;

/** Append a batch of valid events in one transaction: words, items and places that are new are
 *  given numbers, a currency that is the store's becomes "none", then fbk__log_append().
 *
 *  @param out_outcomes  batch->n_events of FBK__ADDED…; may be NULL. */
fbk_status
fbk__event_append_batch(fbk *db, fbk__batch *batch, uint8_t *out_outcomes, fbk__append_counts *out)
    FBK_MUST_USE;

/** Line kind by its name ("gift_card") or number ("5"); FBK__N_LINE_KINDS if there is none. */
uint32_t
fbk__line_kind_find(const char *text, size_t len);

/** Name of a line kind; "" for FBK__LINE_NONE and unknown numbers. */
const char *
fbk__line_kind_name(uint32_t kind);

/** Now, for received_us. */
fbk_time
fbk__event_now(void);

#endif
