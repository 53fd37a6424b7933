/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_FRAME_ROWS_H
#define LOG_FRAME_ROWS_H

#include "log/frame.h"

/* A frame of a few events, written event after event: choosing an encoding for each of 24 columns
 * costs more than it saves before there are many values. */

/** Up to so many events are better off as rows. */
enum { FBK__ROWS_WORTH = 16 };

/** Append the frame to a buffer (all columns present); out->failed when out of memory. */
void
fbk__frame_rows_put(fbk__buf *out, const fbk__frame *f);

/** Read it back into an empty frame. FBK_ECORRUPT when the bytes cannot be one; what stands behind
 *  it is left for the caller. */
fbk_status
fbk__frame_rows_get(fbk__reader *in, fbk__frame *f) FBK_MUST_USE;

#endif
