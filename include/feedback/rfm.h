/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_RFM_H
#define FEEDBACK_RFM_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  Recency, frequency, monetary: three scores of 1 to 5 for each customer, and a named segment.
 *
 *  Recency is the number of days since the last order, frequency the number of orders (those of one
 *  local day are one unless kept separate), monetary the revenue with returns taken off. A value
 *  whose rank among n customers is R, 1 being the worst, scores 1 + floor(5 (R - 1/2) / n); equal
 *  values share the mean of their ranks, so that equals score equally and fifths may be of unequal
 *  size: where most customers ordered once, frequency has no customers with a score of 1 or 2.
 *
 *  The segment goes by r and by fm, the mean of f and m, half rounded up:
 *
 *  | r | fm 1 | fm 2 | fm 3 | fm 4 | fm 5 |
 *  |---|---|---|---|---|---|
 *  | 5 | new | potential loyalists | potential loyalists | champions | champions |
 *  | 4 | promising | potential loyalists | potential loyalists | loyal | loyal |
 *  | 3 | about to sleep | about to sleep | needs attention | loyal | loyal |
 *  | 2 | hibernating | hibernating | at risk | at risk | cannot lose |
 *  | 1 | lost | lost | at risk | at risk | cannot lose |
 */

FBK_BEGIN_DECLS

/** Flags of fbk_rfm_options. @since 0.1 */
enum {
    FBK_RFM_SEPARATE_ORDERS = 1 /**< Orders of one day count one by one (default: as one). */
};

/** Options of fbk_rfm_score() and fbk_rfm_train(). All zero but struct_size = all defaults.
 *  @since 0.1 */
typedef struct fbk_rfm_options {
    uint32_t struct_size;     /**< sizeof(fbk_rfm_options), as the caller was compiled. */
    uint32_t flags;           /**< FBK_RFM_* bits; unknown bits give FBK_EINVAL. */
    uint32_t include;         /**< FBK_FLAG_* bits: events to take in that are left out else. */
    uint32_t reserved0;       /**< Must be 0. */
    fbk_progress_fn progress; /**< NULL, or told of events with money read, and events in all. */
    void *progress_data;      /**< Handed to it. */
} fbk_rfm_options;
#define FBK_RFM_OPTIONS_INIT                                      \
    {                                                             \
        (uint32_t)sizeof(fbk_rfm_options), 0u, 0u, 0u, NULL, NULL \
    }

/**
 * Score every customer of the store against all others.
 *
 * Rows by profile, ascending, of people with an order before @p as_of_us; columns: profile (int64),
 * recency_days (int64), frequency (int64), monetary_micro (int64), r, f, m (int32: 1 to 5), segment
 * (utf8).
 *
 * @param      db        Connection.
 * @param      as_of_us  Events before this instant are used; [FBK_TIME_MIN, FBK_TIME_MAX].
 * @param[in]  options   NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out_rows  Caller's stream; untouched on error.
 *
 * @retval FBK_OK         given, perhaps without rows.
 * @retval FBK_EINVAL     a pointer is NULL, as_of_us is no instant, or a flag is unknown.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_ETOOBIG    more than 4294967295 orders.
 * @retval FBK_ECANCELLED the progress callback asked to stop.
 * @retval FBK_EABI       struct_size fits no version.
 *
 * @ownership  the stream is owned by the caller, who releases it; it outlives the connection.
 * @threads    connection
 * @cost       one scan of the log, O(orders + customers), 100 bytes an order.
 * @source     quantile scores: Hughes, Strategic Database Marketing, 1994; the segments are of
 *             common use.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_rfm_score(fbk *db, fbk_time as_of_us, const fbk_rfm_options *options,
              struct ArrowArrayStream *out_rows);

/**
 * Save where the scores change (model "rfm"), so that single customers can be scored at once.
 *
 * @param      db        Connection.
 * @param      as_of_us  Events before this instant are used; [FBK_TIME_MIN, FBK_TIME_MAX].
 * @param[in]  options   NULL or a structure with struct_size set. Borrowed for the call.
 *
 * @retval FBK_OK         trained and saved.
 * @retval FBK_ENODATA    nobody has an order before as_of_us.
 * @retval FBK_EINVAL     db is NULL, as_of_us is no instant, or a flag is unknown.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_ETOOBIG    more than 4294967295 orders.
 * @retval FBK_EREADONLY  the store cannot be written.
 * @retval FBK_EBUSY      locked by somebody else for longer than the timeout.
 * @retval FBK_ECANCELLED the progress callback asked to stop.
 * @retval FBK_EABI       struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       as fbk_rfm_score().
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_rfm_train(fbk *db, fbk_time as_of_us, const fbk_rfm_options *options);

/** Scores of one customer. @since 0.1 */
typedef struct fbk_rfm_customer {
    uint32_t struct_size;   /**< sizeof(fbk_rfm_customer), as the caller was compiled. */
    int32_t r;              /**< Recency, 1 to 5, 5 is best; 0 for a person without an order. */
    int32_t f;              /**< Frequency, likewise. */
    int32_t m;              /**< Monetary, likewise. */
    uint64_t profile;       /**< Smallest node of the person. */
    int64_t recency_days;   /**< Days since the last order; -1 for a person without one. */
    uint64_t frequency;     /**< Orders. */
    int64_t monetary_micro; /**< Revenue, returns taken off. */
    char segment[32];       /**< Name of the segment; "" for a person without an order. */
} fbk_rfm_customer;
#define FBK_RFM_CUSTOMER_INIT                                      \
    {                                                              \
        (uint32_t)sizeof(fbk_rfm_customer), 0, 0, 0, 0u, 0, 0u, 0, \
        {                                                          \
            0                                                      \
        }                                                          \
    }

/**
 * Score one customer against those that fbk_rfm_train() saw.
 *
 * @param      db        Connection.
 * @param      profile   Any node of the person, as fbk_identity_who() gives it.
 * @param      as_of_us  Events before this instant are used; [FBK_TIME_MIN, FBK_TIME_MAX].
 * @param[out] out       Caller's structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK         given.
 * @retval FBK_ENOTFOUND  fbk_rfm_train() was never called.
 * @retval FBK_EINVAL     a pointer is NULL, or as_of_us is no instant.
 * @retval FBK_ERANGE     profile is 0 or no node.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EABI       struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(events of the person).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_rfm_customer_get(fbk *db, uint64_t profile, fbk_time as_of_us, fbk_rfm_customer *out);

FBK_END_DECLS
#endif
