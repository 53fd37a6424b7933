/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_COPURCHASE_H
#define FEEDBACK_COPURCHASE_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  What is bought together: exact counts of orders and of distinct people, for pairs of items and,
 *  when asked, for larger sets; association measures and rules.
 *
 *  Counted are product lines of positive quantity in events of kind "sale"; an item counts once an
 *  order, and a size or colour counts as its style (the catalogue's parent). An order without any
 *  identifier is a person of its own who is not seen again. Events flagged as test, employee,
 *  business or bot are left out unless asked for. */

FBK_BEGIN_DECLS

/** Bits of fbk_copurchase_options.flags. @since 0.1 */
enum {
    /** People as the links known at as_of_us made them, not as known now: for evaluations. */
    FBK_COPURCHASE_IDENTITY_AS_OF = 1,
    /** Also measure quality on held-out orders: every tenth order is kept out of a first count,
     *  which is asked to complete it. Takes about twice the time. */
    FBK_COPURCHASE_EVALUATE = 2
};

/** Options of fbk_copurchase_train(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_copurchase_options {
    uint32_t struct_size; /**< sizeof(fbk_copurchase_options), as the caller was compiled. */
    uint32_t flags;       /**< FBK_COPURCHASE_* bits; unknown bits give FBK_EINVAL. */
    uint32_t
        include_flags;     /**< FBK_FLAG_* bits of events that are counted all the same, [0, 15]. */
    uint32_t min_people;   /**< Pairs are recommended when so many people bought them in one order,
                                 [1, 1000000]; 0 = 3. All are counted. */
    uint32_t shrink_milli; /**< How many thousandths of people pull a small count towards 0,
                                 [1, 1000000000]; 0 = 5000. */
    uint32_t max_set;      /**< Largest set of items that is counted, [2, 12]; 0 = 2, pairs. */
    double set_support;    /**< Sets of three and more: least share of orders, (0, 1]; 0 = .001. */
    fbk_time from_us;      /**< Only orders from this instant on; 0 = from the beginning. */
    uint64_t memory_mib;   /**< Budget, MiB, [1, 1048576]; 0 = 1024. Nothing is ever pruned to keep
                                 it: FBK_ETOOBIG. */
    const char *name;      /**< Name of the model, a-z 0-9 _ . -; NULL = "default". */
    fbk_progress_fn progress; /**< Told of events, then of items; NULL = none. */
    void *progress_data;      /**< Handed to progress. */
    uint32_t threads;         /**< Threads that read the events, [1, 64]; 0 = 1, and 1 with
                                   FBK_COPURCHASE_EVALUATE. The model is the same, byte for byte. */
    uint32_t reserved0;       /**< Must be 0. */
} fbk_copurchase_options;
#define FBK_COPURCHASE_OPTIONS_INIT                                                           \
    {                                                                                         \
        (uint32_t)sizeof(fbk_copurchase_options), 0u, 0u, 0u, 0u, 0u, 0.0, 0, 0u, NULL, NULL, \
            NULL, 0u, 0u                                                                      \
    }

/** What fbk_copurchase_train() saw. @since 0.1 */
typedef struct fbk_copurchase_report {
    uint32_t struct_size; /**< sizeof(fbk_copurchase_report), as the caller was compiled. */
    uint32_t
        set_min_orders;   /**< Orders that a set of three and more had to be in; 0 = not counted. */
    uint64_t n_events;    /**< Sales before as_of_us. */
    uint64_t n_flagged;   /**< Of these, left out for their flags. */
    uint64_t n_orders;    /**< Of these, counted: with at least one product. */
    uint64_t n_people;    /**< Distinct people who placed them, the anonymous ones included. */
    uint64_t n_anonymous; /**< Orders without an identifier. */
    uint64_t n_items;     /**< Distinct items. */
    uint64_t n_pairs;     /**< Pairs that at least one order holds. */
    uint64_t n_served;    /**< Of these, bought by min_people. */
    uint64_t n_sets;      /**< Sets of three items and more. */
    uint64_t body_len;    /**< Bytes of the model. */
    uint64_t n_evaluated; /**< Held-out orders of two items or more that were asked about. */
    double hit_rate_prob; /**< Share of these whose hidden item was among ten, [0, 1]. */
    double popular_rate_prob; /**< The same for the ten most popular items, [0, 1]. */
} fbk_copurchase_report;

/** Order of fbk_copurchase_for_item(). @since 0.1 */
enum {
    FBK_COPURCHASE_BY_SCORE = 0,      /**< Cosine over people, shrunk; what recommendations use. */
    FBK_COPURCHASE_BY_CONFIDENCE = 1, /**< Share of the orders with the item that hold the other. */
    FBK_COPURCHASE_BY_LIFT = 2,       /**< Times as often as by chance. */
    FBK_COPURCHASE_BY_LLR = 3,        /**< Log-likelihood ratio: how sure it is no chance. */
    FBK_COPURCHASE_BY_ORDERS = 4      /**< Orders that hold both. */
};

/** Options of fbk_copurchase_for_item(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_copurchase_query {
    uint32_t struct_size; /**< sizeof(fbk_copurchase_query), as the caller was compiled. */
    uint32_t order_by;    /**< FBK_COPURCHASE_BY_*. */
    uint32_t n;           /**< Rows at most, [1, 1000000]; 0 = 20. */
    uint32_t min_people;  /**< People who had both in one order, [1, 1000000]; 0 = the model's. */
    double smoothing;     /**< Orders, [0, 1e6]: confidence as if so many more had come in which the
                               other item was as frequent as everywhere; 0 = none. */
    const char *name;     /**< Name of the model; NULL = "default". */
} fbk_copurchase_query;
#define FBK_COPURCHASE_QUERY_INIT                                     \
    {                                                                 \
        (uint32_t)sizeof(fbk_copurchase_query), 0u, 0u, 0u, 0.0, NULL \
    }

/** Options of fbk_copurchase_rules(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_copurchase_rules_options {
    uint32_t struct_size; /**< sizeof(fbk_copurchase_rules_options), as the caller was compiled. */
    uint32_t
        max_antecedent; /**< Items before the arrow, [1, 11]; 0 = as many as the model knows. */
    uint32_t max_rules; /**< [1, 100000000]; 0 = 1000000. More is FBK_ETOOBIG. */
    uint32_t reserved0; /**< Must be 0. */
    double min_support; /**< Least share of orders with all items of the rule, (0, 1]; 0 = .001. */
    double min_confidence; /**< Least confidence, (0, 1]; 0 = .5. */
    const char *separator; /**< Between the SKUs of an antecedent; NULL = ", ". */
    const char *name;      /**< Name of the model; NULL = "default". */
} fbk_copurchase_rules_options;
#define FBK_COPURCHASE_RULES_OPTIONS_INIT                                                \
    {                                                                                    \
        (uint32_t)sizeof(fbk_copurchase_rules_options), 0u, 0u, 0u, 0.0, 0.0, NULL, NULL \
    }

/**
 * Count what was bought together before an instant, and save the counts as the model "copurchase".
 *
 * The counts are exact, and depend on the events and on who is who, on nothing else.
 *
 * @param      db          Connection, not inside a callback.
 * @param      as_of_us    Events before this instant are used; FBK_TIME_NONE = all.
 * @param[in]  options     NULL = defaults. Borrowed for the call.
 * @param[out] out_report  Caller's structure with struct_size set, or NULL; untouched on error.
 *
 * @retval FBK_OK         the model was saved, durably.
 * @retval FBK_ENODATA    no order with a product was found; the old model stays.
 * @retval FBK_ETOOBIG    memory_mib does not suffice; the old model stays.
 * @retval FBK_EINVAL     db is NULL, or an unknown flag.
 * @retval FBK_ERANGE     an option is outside its range.
 * @retval FBK_EABI       a struct_size fits no version.
 * @retval FBK_ECANCELLED, FBK_ECALLBACK  progress asked to stop; the old model stays.
 * @retval FBK_EREADONLY, FBK_EBUSY, FBK_EFULL, FBK_EIO, FBK_EDB  as every change.
 * @retval FBK_ENOMEM     out of memory.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one scan of the sales; then the sum over orders of the square of their items; memory
 *             16 bytes a line of an order and about 4 bytes a pair.
 * @source     sets: Zaki, "Scalable Algorithms for Association Mining", IEEE TKDE 12(3), 2000.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_copurchase_train(fbk *db, fbk_time as_of_us, const fbk_copurchase_options *options,
                     fbk_copurchase_report *out_report);

/**
 * What is bought together with an item, best first; ties by when the
 * items became known.
 *
 * Columns: item, name (text); orders, people (int64: that had both in one order); support,
 * confidence, lift, leverage, cosine, jaccard, llr (double, over orders), score (double, over
 * people).
 *
 * @param      db       Connection.
 * @param[in]  sku      Item, or a size or colour of it. Borrowed for the call.
 * @param[in]  options  NULL = defaults. Borrowed for the call.
 * @param[out] out_rows Caller's stream; untouched on error.
 *
 * @retval FBK_OK         given, perhaps without rows.
 * @retval FBK_ENOTFOUND  no model was trained, or the item was in no order.
 * @retval FBK_EINVAL     a pointer is NULL, or order_by is unknown.
 * @retval FBK_ERANGE     a number is outside its range.
 * @retval FBK_EABI       struct_size fits no version.
 * @retval FBK_ECORRUPT   the model is damaged: train again.
 * @retval FBK_ENOMEM     out of memory.
 *
 * @ownership  the stream is owned by the caller, who releases it.
 * @threads    connection
 * @cost       O(partners of the item); the model is loaded on the first call.
 * @source     Tan, Kumar, Srivastava, "Selecting the right objective measure for association
 *             analysis", Information Systems 29(4), 2004; llr: Dunning, Computational Linguistics
 *             19(1), 1993.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_copurchase_for_item(fbk *db, const char *sku, const fbk_copurchase_query *options,
                        struct ArrowArrayStream *out_rows);

/**
 * Association rules: if all items of the antecedent are in an order, so is the consequent, in so
 * many orders of a hundred. By confidence, then support, both falling.
 *
 * Columns: antecedent (text: SKUs with the separator between them), n_antecedent (int64), consequent
 * (text); orders (int64: with all of them), support, confidence, lift, leverage (double).
 *
 * @param      db        Connection.
 * @param[in]  options   NULL = defaults. Borrowed for the call.
 * @param[out] out_rows  Caller's stream; untouched on error.
 *
 * @retval FBK_OK         given, perhaps without rows.
 * @retval FBK_ENOTFOUND  no model was trained.
 * @retval FBK_ERANGE     a number is outside its range, or the model did not count sets as large or
 *                        as rare as these rules need: train it with max_set and set_support.
 * @retval FBK_ETOOBIG    there are more than max_rules.
 * @retval FBK_EINVAL     a pointer is NULL.
 * @retval FBK_EABI       struct_size fits no version.
 * @retval FBK_ECORRUPT   the model is damaged: train again.
 * @retval FBK_ENOMEM     out of memory.
 *
 * @ownership  the stream is owned by the caller, who releases it.
 * @threads    connection
 * @cost       O(pairs and sets of the model).
 * @source     Agrawal, Srikant, "Fast Algorithms for Mining Association Rules", VLDB 1994.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_copurchase_rules(fbk *db, const fbk_copurchase_rules_options *options,
                     struct ArrowArrayStream *out_rows);

FBK_END_DECLS
#endif
