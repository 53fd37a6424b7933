/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ACT_FAMILY_H
#define ACT_FAMILY_H

#include "record/catalogue.h"

/* Sizes and colours by their style: the catalogue's parents, the other way round. */

typedef struct fbk__families {
    fbk__shared shared;
    uint32_t n;        /* highest item number */
    uint32_t *start;   /* n + 2: first entry of members, by style */
    uint32_t *members; /* items whose style it is, itself not, ascending */
} fbk__families;

/** As the catalogue is now; built once after a change, O(items). */
fbk_status
fbk__families_acquire(fbk *db, const fbk__families **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__families_release(const fbk__families *families);

/** Whether a style cannot be had at a place: it is known to be out of stock itself, or all its
 *  sizes and colours are. */
bool
fbk__family_is_out(const fbk__families *families, const fbk__stock *stock, uint32_t style,
                   uint32_t place);

#endif
