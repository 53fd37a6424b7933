/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <string.h>

enum { OPTIONS_SIZE_MAX = 4096 };

static fbk_status
options_size_check(fbk *db, uint32_t caller, size_t v1_size)
{
    if (caller >= v1_size && caller <= OPTIONS_SIZE_MAX)
        return FBK_OK;
    return fbk__fail_at(db, FBK_EABI, "struct_size", 0,
                        "struct_size was %u, not between %zu and %d", caller, v1_size,
                        OPTIONS_SIZE_MAX);
}

fbk_status
fbk__options_load(fbk *db, void *out, size_t size, size_t v1_size, const void *options)
{
    const unsigned char *bytes = options;
    uint32_t ours = (uint32_t)size;
    uint32_t caller;
    fbk_status rc;

    memset(out, 0, size);
    memcpy(out, &ours, sizeof ours);
    if (!options)
        return FBK_OK;
    memcpy(&caller, options, sizeof caller);
    rc = options_size_check(db, caller, v1_size);
    if (rc < 0)
        return rc;
    for (size_t i = size; i < caller; i++) {
        if (bytes[i])
            return fbk__fail_at(db, FBK_EABI, "struct_size", 0,
                                "a field that this version does not know was set (byte %zu)", i);
    }
    memcpy(out, options, caller < size ? caller : size);
    memcpy(out, &ours, sizeof ours);
    return FBK_OK;
}

fbk_status
fbk__result_store(fbk *db, void *out_caller, size_t v1_size, const void *ours, size_t size)
{
    uint32_t caller;
    fbk_status rc;

    memcpy(&caller, out_caller, sizeof caller);
    rc = options_size_check(db, caller, v1_size);
    if (rc < 0)
        return rc;
    memcpy(out_caller, ours, caller < size ? caller : size);
    if (caller > size)
        memset((unsigned char *)out_caller + size, 0, caller - size);
    memcpy(out_caller, &caller, sizeof caller);
    return FBK_OK;
}
