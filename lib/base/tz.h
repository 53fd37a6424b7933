/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TZ_H
#define BASE_TZ_H

#include "base/err.h"

/* Time zones from TZif bytes (RFC 8536 and RFC 9636, versions 1 to 4, with the POSIX rule of the
 * footer). Bytes only: whoever has a file reads it. TZ of the process is never looked at.
 * A NULL zone is UTC in every function. An fbk__tz is immutable: any thread may use it. */

typedef struct fbk__tz fbk__tz;

/** @retval FBK_EINVAL  the bytes are not a well-formed TZif file.
 *  @retval FBK_ENOTSUP the file counts leap seconds ("right/…").
 *  @retval FBK_ENOMEM  out of memory. *out unchanged unless FBK_OK. */
fbk_status
fbk__tz_parse(fbk *db, const void *bytes, size_t len, fbk__tz **out) FBK_MUST_USE;

/** A zone that is always this far east of UTC, [-93599, 93599] s. */
fbk_status
fbk__tz_fixed(fbk *db, int32_t offset_s, fbk__tz **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__tz_free(const fbk_allocator *a, fbk__tz *tz);

/** Seconds east of UTC at an instant. Before the first transition the zone's first type holds. */
int32_t
fbk__tz_offset(const fbk__tz *tz, fbk_time utc_us);

/** A stretch of time with one offset. */
typedef struct fbk__tz_span {
    fbk_time start_us; /* first instant; INT64_MIN = always */
    fbk_time end_us;   /* first instant after it; INT64_MAX = for ever */
    int32_t offset_s;
    uint32_t is_dst;
} fbk__tz_span;

/** The stretch that holds an instant: keep it, and ask again only outside it. */
void
fbk__tz_span_at(const fbk__tz *tz, fbk_time utc_us, fbk__tz_span *out);

enum {
    FBK__TZ_UNIQUE = 0,  /* the clock showed this once */
    FBK__TZ_OVERLAP = 1, /* twice (clocks went back): the first of the two was taken */
    FBK__TZ_GAP = 2      /* never (clocks went forward): read with the offset from before the gap,
                            so that it comes out as much later as the gap is long */
};

/** The instant at which a clock of the zone showed local_us.
 *  @return FBK__TZ_UNIQUE, FBK__TZ_OVERLAP or FBK__TZ_GAP. */
int
fbk__tz_to_utc(const fbk__tz *tz, int64_t local_us, fbk_time *out_utc_us);

/** What the clock of the zone shows at an instant. */
int64_t
fbk__tz_to_local(const fbk__tz *tz, fbk_time utc_us);

/** Whether a name is one of the form "Area/City_Name" (letters, digits, '+', '-', '_' and single
 *  slashes inside, at most 63 bytes): safe as the end of a path. */
bool
fbk__tz_name_valid(const char *name, size_t len);

#endif
