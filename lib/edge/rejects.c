/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/rejects.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static fbk_status
rejects_fail(fbk *db, const char *what)
{
    return fbk__fail_at(db, errno == ENOSPC || errno == EDQUOT ? FBK_EFULL : FBK_EIO,
                        "rejects_path", 0, "the file for rejected rows could not be %s: %s", what,
                        strerror(errno));
}

fbk_status
fbk__rejects_open(fbk *db, const char *path, fbk__rejects *out)
{
    memset(out, 0, sizeof *out);
    out->db = db;
    if (!path)
        return FBK_OK;
    out->file = fopen(path, "we");
    if (!out->file)
        return rejects_fail(db, "made");
    if (fputs("row,line,field,reason\n", out->file) < 0)
        return rejects_fail(db, "written");
    return FBK_OK;
}

/* A field of CSV, quoted when it must be. */
static void
put_field(FILE *file, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        (void)fputs(text, file);
        return;
    }
    (void)fputc('"', file);
    for (; *text; text++) {
        if (*text == '"')
            (void)fputc('"', file);
        (void)fputc(*text, file);
    }
    (void)fputc('"', file);
}

fbk_status
fbk__rejects_add(fbk__rejects *r, int64_t row, int64_t line, const char *field, const char *reason)
{
    char numbers[48];

    if (r->n++ == 0) {
        r->first_row = row;
        r->first_line = line;
        (void)snprintf(r->first_field, sizeof r->first_field, "%s", field);
        (void)snprintf(r->first_reason, sizeof r->first_reason, "%s", reason);
    }
    if (!r->file)
        return FBK_OK;
    (void)snprintf(numbers, sizeof numbers, "%" PRId64 ",%" PRId64 ",", row, line);
    (void)fputs(numbers, r->file);
    put_field(r->file, field);
    (void)fputc(',', r->file);
    put_field(r->file, reason);
    if (fputc('\n', r->file) == EOF || ferror(r->file))
        return rejects_fail(r->db, "written");
    return FBK_OK;
}

fbk_status
fbk__rejects_close(fbk__rejects *r, fbk_status rc)
{
    FILE *file = r->file;

    r->file = NULL;
    if (file && fclose(file) != 0 && rc >= 0)
        return rejects_fail(r->db, "written");
    return rc;
}
