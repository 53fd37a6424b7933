/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

fbk_status
fbk__errno_fail(fbk *db, int os_errno, const char *doing)
{
    const char *text = strerrordesc_np(os_errno);
    fbk_status code = FBK_EIO;

    switch (os_errno) {
    case ENOMEM:
        return fbk__nomem(db);
    case ENOSPC:
    case EDQUOT:
        return fbk__fail(db, FBK_EFULL, "the disk or a quota was full while %s", doing);
    case ENOENT:
    case ENOTDIR:
        return fbk__fail(db, FBK_ENOTFOUND, "a file or directory did not exist while %s", doing);
    case EEXIST:
        return fbk__fail(db, FBK_EEXIST, "the file existed already while %s", doing);
    case EACCES:
    case EPERM:
    case EROFS:
        code = FBK_EREADONLY;
        break;
    case ENAMETOOLONG:
    case ELOOP:
    case EISDIR:
        code = FBK_EINVAL;
        break;
    default:
        break;
    }
    return fbk__fail(db, code, "the operating system refused while %s (%s)", doing,
                     text ? text : "unknown error");
}

fbk_status
fbk__path_resolve(fbk *db, const char *path, char **out)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char dir[PATH_MAX];
    char real[PATH_MAX];
    size_t dir_len = slash ? (size_t)(slash - path) : 0;
    size_t len;

    if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return fbk__fail_at(db, FBK_EINVAL, "path", 0, "the path did not name a file");
    if (dir_len >= sizeof dir)
        return fbk__fail_at(db, FBK_EINVAL, "path", 0, "the path was too long");
    memcpy(dir, path, dir_len);
    dir[dir_len] = '\0';
    if (!realpath(dir_len ? dir : slash ? "/" : ".", real))
        return fbk__errno_fail(db, errno, "looking up the directory of the store");
    len = strlen(real);
    if (len == 1)
        len = 0; /* the root directory: one slash, not two */
    *out = fbk__alloc(fbk__a(db), len + 1 + strlen(name) + 1);
    if (!*out)
        return fbk__nomem(db);
    memcpy(*out, real, len);
    (*out)[len] = '/';
    memcpy(*out + len + 1, name, strlen(name) + 1);
    return FBK_OK;
}

fbk_status
fbk__path_check_file(fbk *db, const char *path)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? FBK_DONE : fbk__errno_fail(db, errno, "looking up the store");
    if (S_ISLNK(st.st_mode))
        return fbk__fail_at(db, FBK_EINVAL, "path", 0,
                            "the path was a symbolic link; a store must be opened by its own name");
    if (!S_ISREG(st.st_mode))
        return fbk__fail_at(db, FBK_EINVAL, "path", 0, "the path was not a plain file");
    if (st.st_nlink > 1)
        return fbk__fail_at(db, FBK_EINVAL, "path", 0,
                            "the file had %u hard links; a store must have one name only",
                            (unsigned)st.st_nlink);
    return FBK_OK;
}

bool
fbk__is_network_filesystem(uint64_t magic)
{
    static const uint64_t network[] = {
        0x6969,     /* NFS */
        0x517b,     /* SMB */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB2 */
        0x65735546, /* FUSE, virtiofs */
        0x01021997, /* 9P */
        0x5346414f, /* AFS */
        0x6b414653, /* kAFS */
        0x00c36400, /* Ceph */
        0x73757245, /* Coda */
        0x564c,     /* NCP */
        0x0bd00bd0, /* Lustre */
        0x47504653, /* GPFS */
        0x7461636f, /* OCFS2 */
        0x01161970, /* GFS2 */
        0x19830326, /* BeeGFS */
    };

    for (size_t i = 0; i < sizeof network / sizeof network[0]; i++) {
        if (magic == network[i])
            return true;
    }
    return false;
}

static void
path_dir(const char *path, char dir[PATH_MAX])
{
    size_t len = (size_t)(strrchr(path, '/') - path);

    if (len == 0)
        len = 1;
    memcpy(dir, path, len);
    dir[len] = '\0';
}

fbk_status
fbk__path_check_filesystem(fbk *db, const char *path)
{
    struct statfs fs;
    char dir[PATH_MAX];
    int rc;

    path_dir(path, dir);
    do
        rc = statfs(dir, &fs);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return fbk__errno_fail(db, errno, "looking up the file system of the store");
    if (fbk__is_network_filesystem((uint64_t)fs.f_type & 0xffffffffu))
        return fbk__fail(db, FBK_ENOTSUP,
                         "the path was on a network or FUSE file system, whose locks cannot be "
                         "relied upon (type 0x%llx)",
                         (unsigned long long)fs.f_type & 0xffffffffu);
    return FBK_OK;
}

fbk_status
fbk__path_sync_dir(fbk *db, const char *path)
{
    char dir[PATH_MAX];
    fbk_status rc = FBK_OK;
    int fd;

    path_dir(path, dir);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fbk__errno_fail(db, errno, "opening the directory of the store");
    /* Some file systems cannot sync a directory, and need not. */
    if (fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP)
        rc = fbk__errno_fail(db, errno, "syncing the directory of the store");
    (void)close(fd);
    return rc;
}

fbk_status
fbk__path_create(fbk *db, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    fbk_status rc = FBK_OK;

    if (fd < 0)
        return fbk__errno_fail(db, errno, "making the file");
    if (fchmod(fd, 0600) < 0)
        rc = fbk__errno_fail(db, errno, "setting the mode of the file");
    (void)close(fd);
    if (rc >= 0)
        rc = fbk__path_sync_dir(db, path);
    if (rc < 0)
        (void)unlink(path);
    return rc;
}

fbk_status
fbk__path_publish(fbk *db, const char *temp, const char *path, bool replace)
{
    unsigned flags = replace ? 0 : RENAME_NOREPLACE;
    int rc = renameat2(AT_FDCWD, temp, AT_FDCWD, path, flags);

    /* Some file systems cannot rename without replacing; a link can never replace. */
    if (rc < 0 && flags && (errno == EINVAL || errno == ENOSYS)) {
        rc = link(temp, path);
        if (rc == 0)
            (void)unlink(temp);
    }
    return rc < 0 ? fbk__errno_fail(db, errno, "giving the file its name") : FBK_OK;
}

int64_t
fbk__path_size(const char *path, const char *suffix)
{
    char name[PATH_MAX];
    struct stat st;
    int len = snprintf(name, sizeof name, "%s%s", path, suffix);

    if (len < 0 || (size_t)len >= sizeof name || lstat(name, &st) < 0)
        return -1;
    return st.st_size;
}

fbk_status
fbk__path_tmpdir(fbk *db, char **out)
{
    const char *base = secure_getenv("TMPDIR");
    char name[PATH_MAX];
    int len = snprintf(name, sizeof name, "%s/fbk-XXXXXX", base && base[0] == '/' ? base : "/tmp");

    if (len < 0 || (size_t)len >= sizeof name)
        return fbk__fail(db, FBK_EINVAL, "the name of the temporary directory was too long");
    if (!mkdtemp(name)) /* mode 0700 */
        return fbk__errno_fail(db, errno, "making a temporary directory");
    *out = fbk__strndup(fbk__a(db), name, (size_t)len);
    if (*out)
        return FBK_OK;
    (void)rmdir(name);
    return fbk__nomem(db);
}
