/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_NAMES_H
#define RECORD_NAMES_H

#include "log/batch.h"
#include "store/conn.h"

/* Store-wide numbers of words, items and places by their texts, as the writer of this process met
 * them lately: an append of one event then asks no table. True as long as nobody else writes; what
 * was learnt in a transaction that was rolled back is forgotten. */

/** Inside a write transaction: give every word, item and place that the batch's events name its
 *  number (made if new) in word_ids, item_ids and place_ids; the store's own currency becomes
 *  "none". What nothing refers to gets no number. */
fbk_status
fbk__names_resolve(fbk *db, fbk__batch *batch) FBK_MUST_USE;

#endif
