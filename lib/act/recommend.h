/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ACT_RECOMMEND_H
#define ACT_RECOMMEND_H

#include <feedback/recommend.h>

#include "act/candidate.h"
#include "act/context.h"
#include "act/family.h"
#include "model/copurchase.h"
#include "record/place.h"

/** A request being answered, with all that the answer needs. */
typedef struct fbk__answer {
    fbk *db;
    fbk_recommend_request req;
    const fbk__copurchase_model *model;
    const fbk__items *items;
    const fbk__families *families;
    const fbk__stock *stock;
    const fbk__places *places;
    const fbk__climate *climate; /* NULL: never trained, or not wanted */
    fbk_context context;
    fbk__taste taste;
    fbk__candidates candidates;
    uint32_t place;   /* 0 = none */
    uint32_t flags;   /* FBK_RECOMMENDED_* */
    uint32_t *basket; /* numbers of its items in the counts */
    size_t n_basket;
    uint32_t *best; /* places in candidates.list, best first */
    size_t n_best;
} fbk__answer;

/** Answer a request; fbk__answer_free() on every path. */
fbk_status
fbk__answer_make(fbk *db, const fbk_recommend_request *request, fbk__answer *out) FBK_MUST_USE;
void
fbk__answer_free(fbk__answer *answer);

/** What speaks for it most: FBK_REASON_*. */
int32_t
fbk__answer_reason(const fbk__candidate *x);

/** Item that answer x goes with; 0 = none. */
uint32_t
fbk__answer_because(const fbk__answer *answer, const fbk__candidate *x);

/** Why, one English sentence, appended to the buffer. */
void
fbk__answer_why(const fbk__answer *answer, const fbk__candidate *x, fbk__buf *text);

/** Answers as a table (columns of fbk_recommend_rows()). */
fbk_status
fbk__answer_stream(const fbk__answer *answer, struct ArrowArrayStream *out_rows) FBK_MUST_USE;

#endif
