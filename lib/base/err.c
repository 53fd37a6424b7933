/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
err_set(fbk *db, fbk_status code, const char *field, int64_t row, const char *format, va_list args)
{
    fbk_errinfo *err = &db->err;

    fbk__err_clear(db);
    err->status = code;
    err->row = row;
    (void)snprintf(err->field, sizeof err->field, "%s", field);
    (void)vsnprintf(err->message, sizeof err->message, format, args);
}

fbk_status
fbk__fail(fbk *db, fbk_status code, const char *format, ...)
{
    va_list args;

    if (!db)
        return code;
    va_start(args, format);
    err_set(db, code, "", 0, format, args);
    va_end(args);
    return code;
}

fbk_status
fbk__fail_at(fbk *db, fbk_status code, const char *field, int64_t row, const char *format, ...)
{
    va_list args;

    if (!db)
        return code;
    va_start(args, format);
    err_set(db, code, field, row, format, args);
    va_end(args);
    return code;
}

fbk_status
fbk__nomem(fbk *db)
{
    return fbk__fail(db, FBK_ENOMEM, "out of memory");
}

void
fbk__err_clear(fbk *db)
{
    memset(&db->err, 0, sizeof db->err);
    db->err.struct_size = (uint32_t)sizeof db->err;
}

fbk_status
fbk__callback_status(fbk *db, fbk_status value)
{
    if (value >= 0)
        return FBK_OK;
    if (value == FBK_ECANCELLED)
        return fbk__fail(db, FBK_ECANCELLED, "the caller asked to stop");
    (void)fbk__fail(db, FBK_ECALLBACK, "a callback returned %d", (int)value);
    if (db)
        db->err.callback_value = value;
    return FBK_ECALLBACK;
}

const char *
fbk_errmsg(const fbk *db)
{
    return db ? db->err.message : "";
}

#define ERRINFO_V1_SIZE 496u
_Static_assert(sizeof(fbk_errinfo) == ERRINFO_V1_SIZE, "fbk_errinfo v1");

fbk_status
fbk_error_info(const fbk *db, fbk_errinfo *info)
{
    uint32_t size;

    if (!db || !info)
        return FBK_EINVAL;
    size = info->struct_size;
    if (size < ERRINFO_V1_SIZE)
        return FBK_EABI;
    memcpy(info, &db->err, size < sizeof db->err ? size : sizeof db->err);
    info->struct_size = size;
    return FBK_OK;
}

const char *
fbk_status_name(fbk_status status)
{
    static const struct {
        fbk_status code;
        const char *name;
    } names[] = {
#define NAME(code) {code, #code}
        NAME(FBK_OK),       NAME(FBK_DONE),      NAME(FBK_ENOMEM),     NAME(FBK_EINVAL),
        NAME(FBK_ERANGE),   NAME(FBK_ENOTFOUND), NAME(FBK_EEXIST),     NAME(FBK_ECONFLICT),
        NAME(FBK_ENODATA),  NAME(FBK_ENOCONV),   NAME(FBK_EIO),        NAME(FBK_EDB),
        NAME(FBK_EBUSY),    NAME(FBK_EFULL),     NAME(FBK_EREADONLY),  NAME(FBK_ECORRUPT),
        NAME(FBK_ESCHEMA),  NAME(FBK_EEXPIRED),  NAME(FBK_ECANCELLED), NAME(FBK_ETOOBIG),
        NAME(FBK_ECONSENT), NAME(FBK_ECALLBACK), NAME(FBK_EABI),       NAME(FBK_ENOTSUP),
        NAME(FBK_EMISUSE),
#undef NAME
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == status)
            return names[i].name;
    }
    return "FBK_UNKNOWN";
}
