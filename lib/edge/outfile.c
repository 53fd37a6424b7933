/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edge/spill.h"
#include "store/path.h"

enum { BUFFER = 1 << 18 };

static fbk_status
outfile_begin(fbk *db, fbk__outfile *f)
{
    f->db = db;
    f->buffer = fbk__alloc(fbk__a(db), BUFFER);
    return f->buffer ? FBK_OK : fbk__nomem(db);
}

fbk_status
fbk__outfile_open(fbk *db, const char *path, bool overwrite, fbk__outfile *f)
{
    char temp[PATH_MAX];
    struct stat st;
    fbk_status rc = outfile_begin(db, f);

    f->overwrite = overwrite;
    if (rc >= 0)
        rc = fbk__path_resolve(db, path, &f->path);
    if (rc < 0)
        return rc;
    if (lstat(f->path, &st) == 0) {
        if (!S_ISREG(st.st_mode))
            return fbk__fail_at(db, FBK_EINVAL, "path", 0, "the path was not a plain file");
        if (!overwrite)
            return fbk__fail_at(db, FBK_EEXIST, "path", 0, "the file existed already");
    }
    if ((size_t)snprintf(temp, sizeof temp, "%s.tmp-XXXXXX", f->path) >= sizeof temp)
        return fbk__fail_at(db, FBK_EINVAL, "path", 0, "the path was too long");
    f->fd = mkostemp(temp, O_CLOEXEC); /* mode 0600 */
    if (f->fd < 0)
        return fbk__errno_fail(db, errno, "making the file");
    f->temp = fbk__strndup(fbk__a(db), temp, strlen(temp));
    if (!f->temp) {
        (void)unlink(temp);
        return fbk__nomem(db);
    }
    if (fchmod(f->fd, 0600) < 0)
        return fbk__errno_fail(db, errno, "setting the mode of the file");
    return FBK_OK;
}

fbk_status
fbk__outfile_unnamed(fbk *db, const char *dir, fbk__outfile *f)
{
    fbk_status rc = outfile_begin(db, f);

    if (rc < 0)
        return rc;
    f->fd = fbk__open_unnamed(dir);
    return f->fd < 0 ? fbk__errno_fail(db, errno, "making a temporary file") : FBK_OK;
}

static fbk_status
outfile_put(fbk__outfile *f, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(f->fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fbk__errno_fail(f->db, n < 0 ? errno : EIO, "writing the file");
        bytes += n;
        len -= (size_t)n;
    }
    return FBK_OK;
}

fbk_status
fbk__outfile_flush(fbk__outfile *f)
{
    fbk_status rc = outfile_put(f, f->buffer, f->len);

    f->len = 0;
    return rc;
}

fbk_status
fbk__outfile_write(fbk__outfile *f, const void *bytes, size_t len)
{
    f->bytes += len;
    if (len > BUFFER - f->len) {
        fbk_status rc = fbk__outfile_flush(f);

        if (rc < 0)
            return rc;
        if (len > BUFFER)
            return outfile_put(f, bytes, len);
    }
    memcpy(f->buffer + f->len, bytes, len);
    f->len += len;
    return FBK_OK;
}

fbk_status
fbk__outfile_publish(fbk__outfile *f)
{
    fbk_status rc = fbk__outfile_flush(f);

    if (rc >= 0 && fsync(f->fd) < 0)
        rc = fbk__errno_fail(f->db, errno, "syncing the file");
    if (rc >= 0)
        rc = fbk__path_publish(f->db, f->temp, f->path, f->overwrite);
    if (rc < 0)
        return rc;
    fbk__free(fbk__a(f->db), f->temp);
    f->temp = NULL;
    return fbk__path_sync_dir(f->db, f->path);
}

void
fbk__outfile_close(fbk__outfile *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    if (f->temp)
        (void)unlink(f->temp);
    fbk__free(fbk__a(f->db), f->temp);
    fbk__free(fbk__a(f->db), f->path);
    fbk__free(fbk__a(f->db), f->buffer);
    *f = (fbk__outfile){.fd = -1};
}
