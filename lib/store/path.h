/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PATH_H
#define STORE_PATH_H

#include "base/err.h"

/* Looking at files without opening them: closing a descriptor of a database file would drop the
 * POSIX locks that SQLite holds on it in this process. */

/** The absolute path of a file that need not exist: links in its directory are resolved, the last
 *  part is kept. So what SQLite is given always begins with '/' and never reads as a URI.
 *  @retval FBK_ENOTFOUND the directory does not exist. */
fbk_status
fbk__path_resolve(fbk *db, const char *path, char **out) FBK_MUST_USE;

/** Refuse links, directories, devices. @retval FBK_OK a plain file; FBK_DONE nothing is there. */
fbk_status
fbk__path_check_file(fbk *db, const char *path) FBK_MUST_USE;

/** @retval FBK_ENOTSUP a network file system, whose locks cannot be relied upon. */
fbk_status
fbk__path_check_filesystem(fbk *db, const char *path) FBK_MUST_USE;

/** Whether a magic number of statfs(2) is that of a network (or FUSE) file system. */
bool
fbk__is_network_filesystem(uint64_t magic);

/** Make an empty file with mode 0600 whatever the umask, and sync its directory.
 *  @retval FBK_EEXIST it exists. */
fbk_status
fbk__path_create(fbk *db, const char *path) FBK_MUST_USE;

/** fsync() the directory that the file is in. */
fbk_status
fbk__path_sync_dir(fbk *db, const char *path) FBK_MUST_USE;

/** Give a file that was written under another name its own, in one step.
 *  @retval FBK_EEXIST one of that name was there, and it is not to be replaced. */
fbk_status
fbk__path_publish(fbk *db, const char *temp, const char *path, bool replace) FBK_MUST_USE;

/** Size of path + suffix; -1 when it cannot be told. */
int64_t
fbk__path_size(const char *path, const char *suffix);

/** A new private directory under $TMPDIR or /tmp, mode 0700. */
fbk_status
fbk__path_tmpdir(fbk *db, char **out) FBK_MUST_USE;

/** Record what an errno means for a file; `doing` ends the sentence: "while …". */
fbk_status
fbk__errno_fail(fbk *db, int os_errno, const char *doing);

#endif
