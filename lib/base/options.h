/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/err.h"

/** Copy a caller's sized structure (struct_size first) into ours, once, at the top of a call.
 *
 *  NULL gives all defaults (zeros). A caller compiled against an older header leaves our newer
 *  fields zero; one compiled against a newer header is accepted when the fields that we do not
 *  know are zero.
 *
 *  @param out     our structure of `size` bytes; its struct_size is set to `size`.
 *  @param v1_size size of the first released version.
 *  @retval FBK_EABI struct_size < v1_size, > 4096, or unknown fields are not zero. */
fbk_status
fbk__options_load(fbk *db, void *out, size_t size, size_t v1_size, const void *options)
    FBK_MUST_USE;

/** Give a result structure to the caller: as many bytes as both know; the caller's struct_size
 *  stays. @retval FBK_EABI as above. */
fbk_status
fbk__result_store(fbk *db, void *out_caller, size_t v1_size, const void *ours, size_t size)
    FBK_MUST_USE;

#endif
