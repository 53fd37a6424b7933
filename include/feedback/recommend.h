/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_RECOMMEND_H
#define FEEDBACK_RECOMMEND_H

#include <feedback/arrow.h>
#include <feedback/base.h>
#include <feedback/weather.h>

/** @file
 *  What to offer now: for a basket, the page of an item, a person, a place, in its weather. Each
 *  answer says why. */

FBK_BEGIN_DECLS

/** Bits of fbk_recommend_request.flags. @since 0.1 */
enum {
    FBK_RECOMMEND_NEW_ONLY = 1,     /**< Leave out what the person has bought before. */
    FBK_RECOMMEND_IGNORE_STOCK = 2, /**< Also what is out of stock at the place. */
    FBK_RECOMMEND_NO_WEATHER = 4    /**< As if the weather were unknown. */
};

/** What is asked. Zero, or NULL, is "none". @since 0.1 */
typedef struct fbk_recommend_request {
    uint32_t struct_size; /**< sizeof(fbk_recommend_request), as the caller was compiled. */
    uint32_t flags;       /**< FBK_RECOMMEND_* bits; unknown bits give FBK_EINVAL. */
    uint32_t n;           /**< Answers at most, [1, 1000]; 0 = 10. */
    uint32_t n_basket;    /**< SKUs in basket, [0, 1000]. */
    uint32_t n_exclude;   /**< SKUs in exclude, [0, 100000]. */
    uint32_t reserved0;   /**< Must be 0. */
    fbk_time as_of_us;    /**< Now, for the person's history and the weather; a valid instant. */
    const char *const
        *basket; /**< SKUs in the basket: answers go with them, and are none of them. */
    const char *const *exclude; /**< SKUs never to answer. */
    const char *item;           /**< SKU of the page that is looked at: as one of the basket. */
    const char *space;          /**< Namespace of an identifier of the person, … */
    const char *value; /**< … and its value. Unknown is no error: a person without history. */
    const char *place; /**< Code of the place: its stock, its weather, what sells there. */
    const char *model; /**< Name of the co-purchase model; NULL = "default". */
    const fbk_weather *weather; /**< What the weather is taken to be, as in fbk_context_with(); NULL
                                     = as observed, else as usual. */
} fbk_recommend_request;
#define FBK_RECOMMEND_REQUEST_INIT                                                              \
    {                                                                                           \
        (uint32_t)sizeof(fbk_recommend_request), 0u, 0u, 0u, 0u, 0u, 0, NULL, NULL, NULL, NULL, \
            NULL, NULL, NULL, NULL                                                              \
    }

/** Why an item is recommended: what speaks for it most, its popularity only if nothing else does.
 *  @since 0.1 */
enum {
    FBK_REASON_POPULAR = 1,  /**< Many people buy it (at the place, if it is known). */
    FBK_REASON_TOGETHER = 2, /**< Bought in one order with an item of the basket. */
    FBK_REASON_AGAIN = 3,    /**< The person buys it again and again. */
    FBK_REASON_HISTORY = 4   /**< Bought in one order with what the person bought before. */
};

/** Bits of fbk_recommendations.flags. @since 0.1 */
enum {
    FBK_RECOMMENDED_COLD = 1,    /**< A person was given, of whom no order is known. */
    FBK_RECOMMENDED_UNKNOWN = 2, /**< An item of the basket was in no order that was counted. */
    FBK_RECOMMENDED_WEATHER = 4, /**< The weather changed the score of at least one answer. */
    FBK_RECOMMENDED_USUAL = 8    /**< No fresh observation: the weather was taken as usual. */
};

/** The answers, best first, in the caller's arrays of `capacity` elements. An array that is NULL is
 *  not wanted. @since 0.1 */
typedef struct fbk_recommendations {
    uint32_t struct_size; /**< sizeof(fbk_recommendations), as the caller was compiled. */
    uint32_t flags;       /**< Out: FBK_RECOMMENDED_* bits. */
    uint32_t capacity;    /**< In: elements of each array; at least the n that was asked for. */
    uint32_t n;           /**< Out: answers. */
    uint32_t sku_size;    /**< In: bytes a SKU may take in skus and because, NUL included. */
    uint32_t why_size; /**< In: bytes a sentence may take in whys, NUL included; longer is cut. */
    char *skus;        /**< capacity * sku_size bytes: SKU i begins at i * sku_size. */
    double *scores;    /**< Dimensionless, (0, inf); higher is better. */
    int32_t *reasons;  /**< FBK_REASON_*. */
    char *because;     /**< capacity * sku_size bytes: the item that it goes with, or "". */
    double
        *weather_factors; /**< What the weather multiplied the score by, (0, inf); 1 = nothing. */
    char *whys;           /**< capacity * why_size bytes: why, one English sentence, UTF-8. */
} fbk_recommendations;
#define FBK_RECOMMENDATIONS_INIT                                                                 \
    {                                                                                            \
        (uint32_t)sizeof(fbk_recommendations), 0u, 0u, 0u, 0u, 0u, NULL, NULL, NULL, NULL, NULL, \
            NULL                                                                                 \
    }

/**
 * Recommend, into the caller's arrays.
 *
 * Candidates are what is bought with the items of the basket, what the person buys again and again,
 * what goes with that, and what is popular at the place, or everywhere. Left out: what is in the
 * basket or excluded, discontinued items, and what is known to be out of stock at the place. Sizes
 * and colours are answered as their style. The score is multiplied by the item's own response to the
 * weather, which is exactly 1 unless it is well established. Ties by number of people, then by when
 * the items became known. Uses the model "copurchase" as it was trained last, and "climate" if there
 * is one.
 *
 * @param         db       Connection.
 * @param[in]     request  What is asked. Borrowed for the call.
 * @param[in,out] out      Caller's structure and arrays; untouched on error.
 *
 * @retval FBK_OK         out->n answers, perhaps 0 when everything is left out.
 * @retval FBK_ENODATA    nothing is known of what sells: no co-purchase model was trained.
 * @retval FBK_ENOTFOUND  there is no place of that code.
 * @retval FBK_EINVAL     a pointer is NULL that may not be, an unknown flag, a text is malformed.
 * @retval FBK_ERANGE     a number is outside its range, or capacity is below n.
 * @retval FBK_ETOOBIG    a SKU does not fit sku_size.
 * @retval FBK_EABI       a struct_size fits no version.
 * @retval FBK_ECORRUPT   a model is damaged: train again.
 * @retval FBK_ENOMEM     out of memory.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       a fraction of a millisecond once the models are loaded: O(items of the basket times a
 *             hundred partners), and the person's latest thousand events.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_recommend(fbk *db, const fbk_recommend_request *request, fbk_recommendations *out);

/**
 * The same as a table.
 *
 * Columns: item, name (text), score (double), reason (text: popular, together, again, history),
 * because, because_name (text, null if there is none), why (text), weather_factor (double).
 *
 * @param      db       Connection.
 * @param[in]  request  What is asked. Borrowed for the call.
 * @param[out] out_rows Caller's stream; untouched on error.
 *
 * @retval FBK_OK  given, perhaps without rows. Else as fbk_recommend().
 *
 * @ownership  the stream is owned by the caller, who releases it.
 * @threads    connection
 * @cost       as fbk_recommend().
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_recommend_rows(fbk *db, const fbk_recommend_request *request,
                   struct ArrowArrayStream *out_rows);

FBK_END_DECLS
#endif
