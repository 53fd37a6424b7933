/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/group.h"

#define EV(column) (1u << FBK__EV_##column)
#define LN(column) (1u << (FBK__FC_LINES + FBK__LN_##column))
#define FC(column) (1u << FBK__FC_##column)

uint32_t
fbk__group_columns(unsigned group)
{
    static const uint32_t columns[FBK__N_GROUPS] = {
        [FBK__GROUP_ARRIVAL] = EV(ARRIVAL),
        [FBK__GROUP_HEAD] = EV(NODE) | EV(KIND) | EV(CHANNEL) | EV(FLAGS) | EV(CURRENCY) |
                            EV(N_LINES) | EV(N_EXTRA) | EV(N_PROPS) | LN(KIND),
        [FBK__GROUP_OCCURRED] = EV(OCCURRED),
        [FBK__GROUP_ITEM] = LN(ITEM),
        [FBK__GROUP_MONEY] = LN(QUANTITY) | LN(PRICE) | LN(DISCOUNT) | LN(AMOUNT),
        [FBK__GROUP_WHERE] = EV(SOURCE) | EV(PLACE),
        [FBK__GROUP_IDS] = FC(IDS),
        [FBK__GROUP_ORDERS] = FC(ORDERS),
        [FBK__GROUP_REST] = EV(RECEIVED) | LN(TAX) | FC(EXTRA) | FC(PROPS),
    };

    return columns[group];
}

/* The columns in the order of their numbers, before each but the last its length. */

fbk_status
fbk__group_put(fbk__codec *c, fbk__buf *out, const fbk__frame *f, unsigned group, uint32_t *columns)
{
    uint32_t left = fbk__group_columns(group);
    fbk__buf last;
    fbk_status rc = FBK_OK;

    fbk__buf_init(&last, f->a);
    while (rc >= 0 && left) {
        unsigned column = (unsigned)__builtin_ctz(left);
        fbk__buf one;

        left &= left - 1;
        fbk__buf_init(&one, f->a);
        rc = fbk__frame_put(c, &one, f, column);
        if (rc < 0 || !one.len) {
            fbk__buf_free(&one);
            continue;
        }
        if (last.len) {
            fbk__buf_uvarint(out, last.len);
            fbk__buf_add(out, last.data, last.len);
        }
        fbk__buf_free(&last);
        last = one;
        *columns |= 1u << column;
    }
    if (last.len)
        fbk__buf_add(out, last.data, last.len);
    fbk__buf_free(&last);
    return rc >= 0 && out->failed ? FBK_ENOMEM : rc;
}

fbk_status
fbk__group_split(unsigned group, uint32_t columns, const void *bytes, size_t len,
                 fbk__slice slices[FBK__N_FC])
{
    fbk__reader in = {bytes, bytes ? (const unsigned char *)bytes + len : NULL, false};
    uint32_t all = fbk__group_columns(group);

    for (uint32_t left = all; left; left &= left - 1) {
        unsigned column = (unsigned)__builtin_ctz(left);
        fbk__slice *slice = &slices[column];
        bool last = (left & (left - 1) & columns) == 0;

        *slice = (fbk__slice){NULL, 0};
        if (!(columns & 1u << column))
            continue;
        slice->len = last ? (size_t)(in.end - in.p) : fbk__read_uvarint(&in);
        slice->bytes = fbk__read_bytes(&in, in.bad ? SIZE_MAX : slice->len);
        if (!slice->bytes)
            return FBK_ECORRUPT;
    }
    return in.p == in.end ? FBK_OK : FBK_ECORRUPT;
}
