/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ACT_PROFILE_H
#define ACT_PROFILE_H

#include <feedback/profile.h>

#include "act/taste.h"
#include "base/buf.h"
#include "record/identity.h"

/** A question about a person, checked and with the person found. */
typedef struct fbk__profile_ask {
    fbk *db;
    const char *space;
    const char *value;
    fbk_time as_of_us;
    fbk_profile_options opt; /* with its defaults filled in */
    fbk__person person;
} fbk__profile_ask;

/** fbk__profile_ask_free() on every path. */
fbk_status
fbk__profile_ask_make(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                      const fbk_profile_options *options, fbk__profile_ask *out) FBK_MUST_USE;
void
fbk__profile_ask_free(fbk__profile_ask *ask);

/** The numbers. */
fbk_status
fbk__profile_numbers(const fbk__profile_ask *ask, fbk_profile *out) FBK_MUST_USE;

typedef struct fbk__profile_category {
    const char *path; /* borrowed from `items` */
    uint64_t n_orders;
    int64_t revenue_micro;
    fbk_time last_us;
} fbk__profile_category;

/** Best first, all of them; the caller frees. */
fbk_status
fbk__profile_category_list(const fbk__profile_ask *ask, const fbk__items *items,
                           fbk__profile_category **out, size_t *out_n) FBK_MUST_USE;

/** One action; texts live until the callback returns. */
typedef struct fbk__profile_action {
    const fbk__event_view *view;
    const char *kind, *source, *channel, *place, *currency;
    const char *items; /* names of up to five, joined */
    size_t items_len;
    int64_t amount_micro;
} fbk__profile_action;

typedef fbk_status (*fbk__profile_action_fn)(void *user_data, const fbk__profile_action *action);

/** The last ones, newest first. */
fbk_status
fbk__profile_each_action(const fbk__profile_ask *ask, fbk__profile_action_fn fn, void *user_data)
    FBK_MUST_USE;

#endif
