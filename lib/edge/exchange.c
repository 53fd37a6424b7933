/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/options.h"
#include "record/exchange.h"
#include "store/conn.h"
#include "store/path.h"

/* Bundles as files. */

/* -- out --------------------------------------------------------------------------------------- */

typedef struct writing {
    fbk *db;
    fbk__outfile file;
    const fbk_export_options *options;
} writing;

static fbk_status
bundle_bytes(void *user_data, const void *bytes, size_t len)
{
    writing *w = user_data;

    return fbk__outfile_write(&w->file, bytes, len);
}

static fbk_status
bundle_tick(void *user_data, uint64_t done, uint64_t total)
{
    writing *w = user_data;

    if (!w->options->progress)
        return FBK_OK;
    return fbk__callback_status(w->db,
                                w->options->progress(w->options->progress_data, done, total));
}

static fbk_status
write_bundle(writing *w, fbk_export_report *report)
{
    fbk__bundle_out out = {.write = bundle_bytes,
                           .tick = bundle_tick,
                           .user_data = w,
                           .after_event = w->options->after_event};
    fbk_status rc = fbk__bundle_export(w->db, &out);

    report->events = out.n_events;
    report->last_event = out.to_event;
    return rc;
}

static fbk_status
export_check(fbk *db, const char *path, const fbk_export_options *opt)
{
    if (!path || !path[0])
        return fbk__fail_at(db, FBK_EINVAL, "path", 0, "path must be given");
    if (opt->format > FBK_EXPORT_LINES)
        return fbk__fail_at(db, FBK_EINVAL, "format", 0, "format was %u, not 0 or 1", opt->format);
    if (opt->flags & ~(uint32_t)(FBK_EXPORT_OVERWRITE | FBK_EXPORT_EVERYTHING))
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had unknown bits (0x%x)",
                            opt->flags);
    if (opt->memory_mib > 65536)
        return fbk__fail_at(db, FBK_ERANGE, "memory_mib", 0, "memory_mib was %u, not 1 to 65536",
                            opt->memory_mib);
    return FBK_OK;
}

fbk_status
fbk_export_file(fbk *db, const char *path, const fbk_export_options *options,
                fbk_export_report *out_report)
{
    fbk_export_options opt;
    fbk_export_report report = FBK_EXPORT_REPORT_INIT;
    writing w = {.db = db, .file = {.fd = -1}, .options = &opt};
    fbk_status rc = fbk__enter(db);

    if (rc >= 0)
        rc = fbk__options_load(db, &opt, sizeof opt, FBK__EXPORT_OPTIONS_V1_SIZE, options);
    if (rc >= 0)
        rc = export_check(db, path, &opt);
    if (rc < 0)
        return rc;
    rc = fbk__outfile_open(db, path, (opt.flags & FBK_EXPORT_OVERWRITE) != 0, &w.file);
    if (rc >= 0 && opt.format == FBK_EXPORT_LINES)
        rc = fbk__export_lines(db, &opt, &w.file, &report);
    else if (rc >= 0)
        rc = write_bundle(&w, &report);
    if (rc >= 0)
        rc = fbk__outfile_publish(&w.file);
    report.bytes = w.file.bytes;
    fbk__outfile_close(&w.file);
    if (rc < 0 || !out_report)
        return rc;
    return fbk__result_store(db, out_report, FBK__EXPORT_REPORT_V1_SIZE, &report, sizeof report);
}

/* -- in ---------------------------------------------------------------------------------------- */

enum { READ_BUFFER = 1 << 18 };

typedef struct reading {
    fbk *db;
    int fd;
    char *buffer;
    size_t at, len;
    uint64_t size; /* of the file */
    bool storing;
    const fbk_merge_options *options;
} reading;

static fbk_status
file_bytes(void *source, void *bytes, size_t len, size_t *got)
{
    reading *r = source;
    char *to = bytes;

    for (*got = 0; *got < len;) {
        size_t n = r->len - r->at;
        ssize_t more;

        if (n) {
            n = n < len - *got ? n : len - *got;
            memcpy(to + *got, r->buffer + r->at, n);
            r->at += n;
            *got += n;
            continue;
        }
        more = read(r->fd, r->buffer, READ_BUFFER);
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return fbk__errno_fail(r->db, errno, "reading the file");
        if (more == 0)
            return FBK_DONE;
        r->at = 0;
        r->len = (size_t)more;
    }
    return FBK_OK;
}

static fbk_status
file_tick(void *user_data, uint64_t done, uint64_t total)
{
    reading *r = user_data;

    (void)total;
    if (!r->options->progress)
        return FBK_OK;
    return fbk__callback_status(r->db, r->options->progress(r->options->progress_data,
                                                            done + (r->storing ? r->size : 0),
                                                            2 * r->size));
}

static fbk_status
file_rewind(reading *r)
{
    r->at = r->len = 0;
    return lseek(r->fd, 0, SEEK_SET) < 0 ? fbk__errno_fail(r->db, errno, "reading the file")
                                         : FBK_OK;
}

/* Verify it to the end, then take it over. */
static fbk_status
merge_fd(fbk *db, int fd, const fbk_merge_options *options, fbk__merge_counts *counts)
{
    reading r = {.db = db, .fd = fd, .options = options};
    struct stat st;
    fbk_status rc = file_rewind(&r);

    if (rc < 0)
        return rc;
    r.size = fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    r.buffer = fbk__alloc(fbk__a(db), READ_BUFFER);
    if (!r.buffer)
        return fbk__nomem(db);
    rc = fbk__merge_verify(db, file_bytes, &r, file_tick, &r);
    if (rc >= 0)
        rc = file_rewind(&r);
    r.storing = true;
    if (rc >= 0)
        rc = fbk__merge_apply(db, file_bytes, &r, file_tick, &r, counts);
    fbk__free(fbk__a(db), r.buffer);
    return rc;
}

static fbk_status
merge_begin(fbk *db, const fbk_merge_options *options, fbk_merge_options *opt)
{
    fbk_status rc = fbk__enter(db);

    if (rc >= 0)
        rc = fbk__options_load(db, opt, sizeof *opt, FBK__MERGE_OPTIONS_V1_SIZE, options);
    if (rc < 0)
        return rc;
    if (opt->flags)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had unknown bits (0x%x)",
                            opt->flags);
    if (fbk__store_readonly(db))
        return fbk__fail(db, FBK_EREADONLY, "the store was opened read-only");
    return FBK_OK;
}

static fbk_status
merge_report(fbk *db, const fbk__merge_counts *c, fbk_merge_report *out)
{
    fbk_merge_report report = FBK_MERGE_REPORT_INIT;

    if (!out)
        return FBK_OK;
    report.events_added = c->events.added;
    report.events_already = c->events.already;
    report.events_conflict = c->events.conflict;
    report.events_replaced = c->replaced;
    report.events_erased = c->events.erased;
    report.events_dropped = c->dropped;
    report.lines_added = c->events.lines_added;
    report.rows_changed = c->rows;
    return fbk__result_store(db, out, FBK__MERGE_REPORT_V1_SIZE, &report, sizeof report);
}

fbk_status
fbk_merge_file(fbk *into, const char *path, const fbk_merge_options *options,
               fbk_merge_report *out_report)
{
    fbk_merge_options opt;
    fbk__merge_counts counts = {.rows = 0};
    int fd;
    fbk_status rc = merge_begin(into, options, &opt);

    if (rc < 0)
        return rc;
    if (!path || !path[0])
        return fbk__fail_at(into, FBK_EINVAL, "path", 0, "path must be given");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fbk__errno_fail(into, errno, "opening the file");
    rc = merge_fd(into, fd, &opt, &counts);
    (void)close(fd);
    return rc < 0 ? rc : merge_report(into, &counts, out_report);
}

/* What is wrong with `from` is told on `into`. */
static fbk_status
export_from(fbk *into, fbk *from, fbk__outfile *file)
{
    fbk_export_options none = FBK_EXPORT_OPTIONS_INIT;
    fbk_export_report report;
    writing w = {.db = from, .file = *file, .options = &none};
    fbk_status rc = fbk__enter(from);

    w.file.db = from;
    if (rc >= 0)
        rc = write_bundle(&w, &report);
    if (rc >= 0)
        rc = fbk__outfile_flush(&w.file);
    *file = w.file;
    file->db = into;
    return rc < 0 ? fbk__fail(into, rc, "the other store could not be read: %s", fbk_errmsg(from))
                  : FBK_OK;
}

fbk_status
fbk_store_merge(fbk *into, fbk *from, const fbk_merge_options *options,
                fbk_merge_report *out_report)
{
    fbk_merge_options opt;
    fbk__merge_counts counts = {.rows = 0};
    fbk__outfile file = {.fd = -1};
    fbk_status rc = merge_begin(into, options, &opt);

    if (rc < 0)
        return rc;
    if (!from || from == into)
        return fbk__fail_at(into, FBK_EINVAL, "from", 0,
                            "from must be a connection to another store");
    rc = fbk__outfile_unnamed(into, opt.temp_dir, &file);
    if (rc >= 0)
        rc = export_from(into, from, &file);
    if (rc >= 0)
        rc = merge_fd(into, file.fd, &opt, &counts);
    fbk__outfile_close(&file);
    return rc < 0 ? rc : merge_report(into, &counts, out_report);
}
