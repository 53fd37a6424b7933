/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite.h"

enum { LEASE_BYTE = 0, WAITER_BYTE = 1, OPEN_BYTE = 2 };
enum { POLL_NS = 100000, PAUSE_NS = 200000, LOOK_NS = 100000 };

static int
lease_lock(int fd, int command, short type, int byte, short *out_type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int rc;

    do
        rc = fcntl(fd, command, &lock);
    while (rc < 0 && errno == EINTR);
    if (out_type)
        *out_type = lock.l_type;
    return rc < 0 ? errno : 0;
}

static void
lease_sleep(int64_t ns)
{
    struct timespec t = {ns / 1000000000, ns % 1000000000};

    if (ns > 0)
        (void)nanosleep(&t, NULL);
}

static fbk_status
lease_fail(fbk *db, int os_errno, const char *doing)
{
    const char *text = strerrordesc_np(os_errno);
    fbk_status code = FBK_EIO;

    if (os_errno == EACCES || os_errno == EPERM || os_errno == EROFS)
        code = FBK_EREADONLY;
    else if (os_errno == ENOSPC || os_errno == EDQUOT)
        code = FBK_EFULL;
    else if (os_errno == EINVAL || os_errno == ENOTSUP)
        code = FBK_ENOTSUP;
    return fbk__fail(db, code, "the lock file beside the store could not be %s (%s)", doing,
                     text ? text : "unknown error");
}

/* O_EXCL first, so that the mode is set by the one who made the file, whatever the umask. */
static int
lease_open_path(const char *path)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    int fd = -1;

    for (int attempt = 0; fd < 0 && attempt < 10; attempt++) {
        fd = open(path, flags);
        if (fd >= 0 || errno != ENOENT)
            return fd;
        fd = open(path, flags | O_CREAT | O_EXCL, 0600);
        if (fd >= 0)
            (void)fchmod(fd, 0600);
        else if (errno != EEXIST)
            return fd;
    }
    return fd;
}

static bool
lease_open_file(fbk__lease *lease)
{
    struct stat mine;
    int saved;

    lease->fd = lease_open_path(lease->path);
    if (lease->fd < 0)
        return false;
    /* Be counted among those who have the store open. Nobody locks this byte for himself alone, so
     * that only a system without locks refuses; maintenance may then expire what we read. */
    (void)lease_lock(lease->fd, F_OFD_SETLK, F_RDLCK, OPEN_BYTE, NULL);
    if (fstat(lease->fd, &mine) == 0) {
        lease->dev = mine.st_dev;
        lease->ino = mine.st_ino;
        return true;
    }
    saved = errno;
    (void)close(lease->fd);
    lease->fd = -1;
    errno = saved;
    return false;
}

fbk_status
fbk__lease_open(fbk *db, fbk__lease *lease, const char *store_path, bool optional)
{
    static const char suffix[] = "-fbk.lck";
    size_t len = strlen(store_path);

    memset(lease, 0, sizeof *lease);
    lease->fd = -1;
    lease->optional = optional;
    lease->path = fbk__alloc(fbk__a(db), len + sizeof suffix);
    if (!lease->path)
        return fbk__nomem(db);
    memcpy(lease->path, store_path, len);
    memcpy(lease->path + len, suffix, sizeof suffix);
    if (lease_open_file(lease) || optional)
        return FBK_OK;
    return lease_fail(db, errno, "opened");
}

void
fbk__lease_close(fbk *db, fbk__lease *lease)
{
    if (lease->fd >= 0)
        (void)close(lease->fd);
    fbk__free(fbk__a(db), lease->path);
    memset(lease, 0, sizeof *lease);
    lease->fd = -1;
}

bool
fbk__lease_is_alone(const fbk__lease *lease)
{
    short other = F_WRLCK;

    return lease->fd >= 0 && lease_lock(lease->fd, F_OFD_GETLK, F_WRLCK, OPEN_BYTE, &other) == 0 &&
           other == F_UNLCK;
}

/* Somebody may have deleted the side file, in the belief that it was left over. Whoever comes next
 * makes a new one; then our lock on the old one parts us from nobody. */
static bool
lease_is_current(const fbk__lease *lease)
{
    struct stat there;

    return lstat(lease->path, &there) == 0 && lease->ino == there.st_ino &&
           lease->dev == there.st_dev;
}

static fbk_status
lease_renew(fbk *db, fbk__lease *lease)
{
    if (lease->fd >= 0)
        (void)close(lease->fd);
    return lease_open_file(lease) ? FBK_OK : lease_fail(db, errno, "opened");
}

static fbk_status
lease_wait(fbk *db, fbk__lease *lease, int64_t deadline_ns)
{
    int rc = lease_lock(lease->fd, F_OFD_SETLK, F_RDLCK, WAITER_BYTE, NULL);

    if (rc)
        return lease_fail(db, rc, "locked");
    /* Polled at a constant interval: with back-off, the ones that waited longest asked least. */
    while ((rc = lease_lock(lease->fd, F_OFD_SETLK, F_WRLCK, LEASE_BYTE, NULL)) == EAGAIN ||
           rc == EACCES) {
        if (fbk__now_ns() >= deadline_ns)
            break;
        lease_sleep(POLL_NS);
    }
    (void)lease_lock(lease->fd, F_OFD_SETLK, F_UNLCK, WAITER_BYTE, NULL);
    if (rc == EAGAIN || rc == EACCES)
        return fbk__fail(db, FBK_EBUSY, "another process was writing the store for too long");
    return rc ? lease_fail(db, rc, "locked") : FBK_OK;
}

fbk_status
fbk__lease_acquire(fbk *db, fbk__lease *lease, int64_t deadline_ns)
{
    fbk_status rc = FBK_OK;

    if (lease->fd < 0 && lease->optional)
        return FBK_OK;
    if (lease->fd < 0)
        rc = lease_renew(db, lease);
    if (rc < 0)
        return rc;
    lease_sleep(lease->pause_until_ns ? lease->pause_until_ns - fbk__now_ns() : 0);
    lease->pause_until_ns = 0;
    for (int attempt = 0; attempt < 10; attempt++) {
        int code = lease_lock(lease->fd, F_OFD_SETLK, F_WRLCK, LEASE_BYTE, NULL);

        if (code == EAGAIN || code == EACCES)
            rc = lease_wait(db, lease, deadline_ns);
        else if (code)
            rc = lease_fail(db, code, "locked");
        if (rc < 0)
            return rc;
        if (lease_is_current(lease)) {
            lease->held = true;
            return FBK_OK;
        }
        rc = lease_renew(db, lease);
        if (rc < 0)
            return rc;
    }
    return fbk__fail(db, FBK_EBUSY, "the lock file beside the store was deleted again and again");
}

void
fbk__lease_release(fbk__lease *lease)
{
    short waiter = F_UNLCK;
    int64_t now;

    if (!lease->held)
        return;
    lease->held = false;
    now = fbk__now_ns();
    if (now >= lease->look_ns) {
        if (lease_lock(lease->fd, F_OFD_GETLK, F_WRLCK, WAITER_BYTE, &waiter) == 0 &&
            waiter != F_UNLCK)
            lease->pause_until_ns = now + PAUSE_NS;
        else
            lease->look_ns = now + LOOK_NS;
    }
    (void)lease_lock(lease->fd, F_OFD_SETLK, F_UNLCK, LEASE_BYTE, NULL);
}
