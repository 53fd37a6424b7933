/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/field.h"

#include <string.h>

#include "base/utf8.h"

fbk_status
fbk__text_check(fbk *db, const char *field, int64_t row, fbk__text text, size_t max, bool required)
{
    if (!text.p || text.len == 0) {
        if (!required)
            return FBK_OK;
        return fbk__fail_at(db, FBK_EINVAL, field, row, "%s was missing or empty", field);
    }
    if (text.len > max)
        return fbk__fail_at(db, FBK_ERANGE, field, row, "%s had %zu bytes, at most %zu are allowed",
                            field, text.len, max);
    if (memchr(text.p, '\0', text.len) || !fbk__utf8_valid(text.p, text.len))
        return fbk__fail_at(db, FBK_EINVAL, field, row, "%s was not well-formed UTF-8", field);
    return FBK_OK;
}

void
fbk__bind_given_text(fbk__stmt *st, int param, fbk__text text, bool replace)
{
    fbk__bind_int64(st, param, text.p != NULL || replace);
    if (text.len > 0)
        fbk__bind_text(st, param + 1, text.p, text.len);
    else
        fbk__bind_null(st, param + 1);
}

void
fbk__bind_given_id(fbk__stmt *st, int param, bool given, uint32_t id)
{
    fbk__bind_int64(st, param, given);
    if (id > 0)
        fbk__bind_int64(st, param + 1, id);
    else
        fbk__bind_null(st, param + 1);
}
