/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_PROFILE_H
#define FEEDBACK_PROFILE_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  The single view of a person: whatever identifier they give, all that is known of them.
 *
 *  Numbers in a structure, lists as tables, or everything as one JSON document. The identifiers
 *  themselves are a table of fbk_identity_list(); what to offer now is fbk_recommend(). */

FBK_BEGIN_DECLS

/** Options of the calls here. All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_profile_options {
    uint32_t struct_size;   /**< sizeof(fbk_profile_options), as the caller was compiled. */
    uint32_t flags;         /**< Must be 0. */
    uint32_t n_actions;     /**< Last actions, [1, 10000]; 0 = 20. */
    uint32_t n_categories;  /**< Favourite categories, [1, 1000]; 0 = 5. */
    uint32_t n_recommend;   /**< Recommendations of the JSON document, [1, 1000]; 0 = 10. */
    uint32_t reserved0;     /**< Must be 0. */
    double horizon_days;    /**< Of the forecast, (0, 1e5]; 0 = 365. */
    double discount_yearly; /**< Interest on later money, [0, 10], .1 = ten per cent a year. */
    const char *place;      /**< Recommendations for this place; NULL = none. */
} fbk_profile_options;
#define FBK_PROFILE_OPTIONS_INIT                                                  \
    {                                                                             \
        (uint32_t)sizeof(fbk_profile_options), 0u, 0u, 0u, 0u, 0u, 0.0, 0.0, NULL \
    }

/** Bits of fbk_profile.flags. @since 0.1 */
enum {
    FBK_PROFILE_QUARANTINED = 1, /**< Too many people share the identifier: it stands alone. */
    FBK_PROFILE_BLOCKED = 2,     /**< The identifier is blocked: it stands alone. */
    FBK_PROFILE_HAS_RFM = 4,     /**< r, f, m, recency_days and segment are given. */
    FBK_PROFILE_HAS_CLV = 8, /**< The forecast is given: a model was trained, and an order seen. */
    FBK_PROFILE_ALIVE_VOID = 16, /**< p_alive carries no information: no dropout is identifiable. */
    FBK_PROFILE_ALIVE_ASSUMED = 32 /**< One order only: the model takes such people to be alive. */
};

/** A person in numbers. What is not given is 0. @since 0.1 */
typedef struct fbk_profile {
    uint32_t struct_size;         /**< sizeof(fbk_profile), as the caller was compiled. */
    uint32_t flags;               /**< FBK_PROFILE_* bits. */
    uint64_t profile;             /**< The person: smallest number of the identifiers. */
    uint64_t n_identifiers;       /**< Identifiers of the person. */
    uint64_t n_events;            /**< Events of any kind before as_of_us. */
    fbk_time first_us;            /**< First seen; FBK_TIME_NONE without an event. */
    fbk_time last_us;             /**< Last seen; FBK_TIME_NONE without an event. */
    uint64_t n_orders;            /**< Orders, one by one. */
    uint64_t n_returns;           /**< Returns, cancellations and exchanges with goods back. */
    int64_t revenue_micro;        /**< Revenue in the store's currency, returns taken off. */
    int64_t returned_micro;       /**< Value of the goods that came back, [0, inf). */
    uint64_t n_foreign_lines;     /**< Lines in another currency: in none of the sums. */
    int64_t recency_days;         /**< Days since the last order. */
    int32_t r;                    /**< Recency, 1 to 5, 5 is best; 0 without an order. */
    int32_t f;                    /**< Frequency, likewise. */
    int32_t m;                    /**< Monetary, likewise. */
    uint32_t reserved0;           /**< 0. */
    double p_alive;               /**< Probability of being a customer still, [0, 1]. */
    double horizon_days;          /**< Of the two expectations below, (0, 1e5]. */
    double expected_orders;       /**< Orders expected in the horizon, [0, inf). */
    int64_t order_value_micro;    /**< Value expected of an order. */
    int64_t expected_value_micro; /**< Value expected of the horizon. */
    char segment[32];             /**< Named segment of r, f and m; "" if not given. */
    char currency[8];             /**< ISO 4217: of all amounts. */
    char
        note[256]; /**< What to know of p_alive before believing it, one sentence; "" if nothing. */
} fbk_profile;

/**
 * The person behind an identifier, in numbers.
 *
 * RFM needs the model "rfm" (fbk_rfm_train()), the forecast "clv" (fbk_clv_train()); without them the
 * rest is given.
 *
 * @param      db        Connection.
 * @param[in]  space     Namespace of any identifier of the person.
 * @param[in]  value     Its value. Borrowed for the call.
 * @param      as_of_us  Events before this instant; a valid instant. Identities as known now.
 * @param[in]  options   NULL = defaults. Borrowed for the call.
 * @param[out] out       Caller's structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK         written.
 * @retval FBK_ENOTFOUND  the identifier was never seen, was erased, or says nothing about a person.
 * @retval FBK_EINVAL     a pointer is NULL, or a text is malformed.
 * @retval FBK_ERANGE     a number is outside its range.
 * @retval FBK_EABI       a struct_size fits no version.
 * @retval FBK_ECORRUPT   a model is damaged: train again.
 * @retval FBK_ENOMEM     out of memory.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(events of the person).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_profile_view(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                 const fbk_profile_options *options, fbk_profile *out);

/**
 * The last actions of a person, newest first.
 *
 * Columns: time (timestamp), kind, source, channel, place, order_ref (text, null if there is none),
 * n_lines (int64), items (text: names of up to five items, joined by ", "), amount_micro (int64: sum
 * of the lines as charged), currency (text).
 *
 * @param      db        Connection.
 * @param[in]  space     Namespace of any identifier of the person.
 * @param[in]  value     Its value. Borrowed for the call.
 * @param      as_of_us  Events before this instant; a valid instant.
 * @param[in]  options   NULL = defaults (20 actions). Borrowed for the call.
 * @param[out] out_rows  Caller's stream; untouched on error.
 *
 * @retval FBK_OK  given, perhaps without rows. Else as fbk_profile_view().
 *
 * @ownership  the stream is owned by the caller, who releases it.
 * @threads    connection
 * @cost       O(actions).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_profile_actions(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                    const fbk_profile_options *options, struct ArrowArrayStream *out_rows);

/**
 * The categories that a person buys in most orders; ties by revenue, then path.
 *
 * Columns: category (text: path), n_orders (int64), revenue_micro (int64, returns taken off),
 * last_order (timestamp).
 *
 * @param      db        Connection.
 * @param[in]  space     Namespace of any identifier of the person.
 * @param[in]  value     Its value. Borrowed for the call.
 * @param      as_of_us  Events before this instant; a valid instant.
 * @param[in]  options   NULL = defaults (5 categories). Borrowed for the call.
 * @param[out] out_rows  Caller's stream; untouched on error.
 *
 * @retval FBK_OK  given; without rows when the items have no categories. Else as
 *                 fbk_profile_view().
 *
 * @ownership  the stream is owned by the caller, who releases it.
 * @threads    connection
 * @cost       O(events of the person).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_profile_categories(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                       const fbk_profile_options *options, struct ArrowArrayStream *out_rows);

/**
 * The whole single view as one JSON document (RFC 8259, UTF-8): the numbers, "identifiers",
 * "categories", "actions", "recommendations" (each with its sentence). Times are RFC 3339 in UTC,
 * money is in millionths (names end in _micro), what is not known is null.
 *
 * @param      db        Connection.
 * @param[in]  space     Namespace of any identifier of the person.
 * @param[in]  value     Its value. Borrowed for the call.
 * @param      as_of_us  Events before this instant; a valid instant.
 * @param[in]  options   NULL = defaults. Borrowed for the call.
 * @param[out] out_json  NUL-terminated text; untouched on error.
 *
 * @retval FBK_OK  given. Else as fbk_profile_view(). That no co-purchase model was trained is no
 *                 failure: "recommendations" is then empty.
 *
 * @ownership  @p out_json is owned by the caller, freed with fbk_profile_json_free().
 * @threads    connection
 * @cost       as all the calls together.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_profile_json(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                 const fbk_profile_options *options, char **out_json);

/**
 * Free a document.
 *
 * @param     db    Connection that gave it, or another one of the same store.
 * @param[in] json  NULL is a no-op.
 *
 * @ownership  @p json must not be used afterwards.
 * @threads    connection
 * @cost       O(1).
 * @since 0.1
 */
FBK_API void
fbk_profile_json_free(fbk *db, char *json);

FBK_END_DECLS
#endif
