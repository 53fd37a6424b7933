/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_CLV_H
#define MODEL_CLV_H

#include <feedback/clv.h>

#include "model/clv_math.h"

#define FBK__CLV_OPTIONS_V1_SIZE 24u
#define FBK__CLV_PARAMS_V1_SIZE 80u
#define FBK__SPEND_OPTIONS_V1_SIZE 24u
#define FBK__SPEND_PARAMS_V1_SIZE 64u

struct fbk_clv_model {
    fbk_allocator alloc;
    fbk__clv_params m; /* in days */
};

struct fbk_spend_model {
    fbk_allocator alloc;
    fbk__spend_params m;
};

#endif
