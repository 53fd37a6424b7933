/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LEASE_H
#define STORE_LEASE_H

#include <sys/types.h>

#include "base/err.h"

/* The lease between processes: whoever holds it may write, checkpoint, open or close the store. It
 * exists because SQLite before 3.51.3 corrupts a WAL database when a checkpoint that does not hold
 * the write lock meets a commit; with the lease, no commit can overlap a checkpoint.
 *
 * An open-file-description lock on byte 0 of a side file, so that it also parts two stores of one
 * process, and closing another descriptor of the file does not lose it. Waiters hold a shared lock
 * on byte 1: a holder that sees one when it lets go pauses before it asks again, else it would win
 * every time. The threads of one store take turns at its gate first. */
typedef struct fbk__lease {
    char *path;
    int fd;
    dev_t dev; /* of the open file */
    ino_t ino;
    bool optional; /* a read-only store may do without, when the file cannot be opened */
    bool held;
    int64_t pause_until_ns;
    int64_t look_ns; /* when to look for waiters again */
} fbk__lease;

/** Open `<store_path>-fbk.lck`, made with mode 0600. With `optional`, one that cannot be opened
 *  leaves fd -1, and acquire and release do nothing. */
fbk_status
fbk__lease_open(fbk *db, fbk__lease *lease, const char *store_path, bool optional) FBK_MUST_USE;

/** Give up the descriptor (and the lease). A lease of zeros with fd -1 is a no-op. */
void
fbk__lease_close(fbk *db, fbk__lease *lease);

/** @retval FBK_EBUSY the deadline (monotonic, ns) passed. */
fbk_status
fbk__lease_acquire(fbk *db, fbk__lease *lease, int64_t deadline_ns) FBK_MUST_USE;

void
fbk__lease_release(fbk__lease *lease);

/** Whether no other open of the store exists: each holds a shared lock on byte 2 while it lasts.
 *  A read-only store that does without a lease is not seen. */
bool
fbk__lease_is_alone(const fbk__lease *lease);

#endif
