/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_SNAPSHOT_H
#define RECORD_SNAPSHOT_H

#include "store/conn.h"

/** Tables held in memory for all threads, and built again when their generation moved. One static
 *  object a kind of snapshot; its address is the key. */
typedef struct fbk__snapshot_class {
    fbk__kind kind;
    uint32_t reserved0;
    /** Build one (refs = 1) from what the connection reads; memory from fbk__store_allocator(). */
    fbk_status (*build)(fbk *db, fbk__shared **out);
} fbk__snapshot_class;

/** The current snapshot, with a reference for the caller (fbk__shared_release). Inside a write
 *  transaction it is built for the caller alone when what it reads may yet be rolled back. */
fbk_status
fbk__snapshot_acquire(fbk *db, const fbk__snapshot_class *cls, fbk__shared **out) FBK_MUST_USE;

#endif
