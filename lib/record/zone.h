/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_ZONE_H
#define RECORD_ZONE_H

#include "base/tz.h"
#include "record/field.h"

/** Number of a time zone, whose rules the store then keeps; inside a write transaction.
 *
 *  @param tzif  its rules, which replace those of the store; NULL = keep the store's, else read the
 *               system's file.
 *  @retval FBK_EINVAL a name that no zone can have, or bytes that are no TZif file.
 *  @retval FBK_ENOTFOUND the system has no such zone. */
fbk_status
fbk__zone_resolve(fbk *db, int64_t row, fbk__text name, const void *tzif, size_t len,
                  uint32_t *out_zone) FBK_MUST_USE;

/** Keep the rules of the store's own zone, if they are not kept yet; inside a write transaction. */
fbk_status
fbk__zone_keep_own(fbk *db) FBK_MUST_USE;

#endif
