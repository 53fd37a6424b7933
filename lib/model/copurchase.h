/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_COPURCHASE_H
#define MODEL_COPURCHASE_H

#include <feedback/copurchase.h>

#include "model/copurchase_body.h"
#include "model/model.h"

/** The loaded counts. */
typedef struct fbk__copurchase_model {
    fbk__model model;
    fbk__copurchase cp;
} fbk__copurchase_model;

/** As fbk__model_acquire(); given back by fbk__model_release(&m->model). */
fbk_status
fbk__copurchase_acquire(fbk *db, const char *name, const fbk__copurchase_model **out) FBK_MUST_USE;

#endif
