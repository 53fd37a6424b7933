/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_CLV_H
#define FEEDBACK_CLV_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  Customer lifetime value: how many orders to expect of each customer (BG/NBD) and how much an
 *  order is worth (gamma-gamma).
 *
 *  BG/NBD: while alive, a customer orders as a Poisson process of a rate ~ Gamma(r, alpha); after
 *  each repeat order he drops out for good with a probability ~ Beta(a, b). A customer is described
 *  by x, the number of orders after the first; t_x, the age at the last order; and t, the age now;
 *  age counts from the first order. Orders of one day are usually merged into one.
 *
 *  Two things to know. As a customer drops out only at a repeat order, P(alive) is 1 for everybody
 *  who ordered once: that is the model's assumption, not a finding. And there are shops, with much
 *  wholesale for instance, in whose data no dropout can be seen: then the model's limit without
 *  dropout (NBD) is served, P(alive) is 1 for all and carries no information; the status says so. */

FBK_BEGIN_DECLS

/** What a fit found out: fbk_clv_params.status. @since 0.1 */
enum {
    FBK_CLV_FULL = 0,       /**< All four parameters were fitted. */
    FBK_CLV_NO_DROPOUT = 1, /**< No dropout identifiable: the NBD limit; P(alive) says nothing. */
    FBK_CLV_NO_REPEAT = 2   /**< Nobody ordered twice: every forecast is 0. */
};

/** A fitted model; opaque, immutable, freed with fbk_clv_model_free(). @threads any @since 0.1 */
typedef struct fbk_clv_model fbk_clv_model;

/** Options of fbk_clv_fit(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_clv_options {
    uint32_t struct_size;  /**< sizeof(fbk_clv_options), as the caller was compiled. */
    uint32_t flags;        /**< Must be 0. */
    const double *weights; /**< n customers a row stands for, (0, 1e12]; NULL = 1 each. */
    uint32_t max_evals;    /**< Likelihoods to compute from each start, [1, 100000]; 0 = 500. */
    uint32_t reserved0;    /**< Must be 0. */
} fbk_clv_options;
#define FBK_CLV_OPTIONS_INIT                                \
    {                                                       \
        (uint32_t)sizeof(fbk_clv_options), 0u, NULL, 0u, 0u \
    }

/** Parameters of a model, in days. @since 0.1 */
typedef struct fbk_clv_params {
    uint32_t struct_size; /**< sizeof(fbk_clv_params), as the caller was compiled. */
    uint32_t status;      /**< FBK_CLV_FULL, …. */
    double r;             /**< Shape of the rates, (0, inf); 0 with FBK_CLV_NO_REPEAT. */
    double alpha_days;    /**< Their inverse scale, (0, inf); 0 with FBK_CLV_NO_REPEAT. */
    double a;             /**< Of the dropout, (0, inf); 0 unless FBK_CLV_FULL. */
    double b;             /**< Of the dropout, (0, inf); 0 unless FBK_CLV_FULL. */
    double loglik;        /**< Log-likelihood, (-inf, inf); 0 with FBK_CLV_NO_REPEAT. */
    double loglik_nbd;    /**< That of the best model without dropout, (-inf, inf). */
    double rate_max;      /**< Largest x / t seen, a day, [0, inf): ten times that is the ceiling of
                               every forecast. */
    double n_customers;   /**< Customers fitted to, [0, inf). */
    double n_repeats;     /**< Their repeat orders, [0, inf). */
} fbk_clv_params;
#define FBK_CLV_PARAMS_INIT                                                               \
    {                                                                                     \
        (uint32_t)sizeof(fbk_clv_params), 0u, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0 \
    }

/**
 * Fit BG/NBD to a table of customers, by maximum likelihood.
 *
 * Several starts; the same table, in any order of its rows, gives the same model. Where dropout
 * cannot be identified (a / (a + b) below 1e-6, or a log-likelihood less than 2 above that of NBD)
 * NBD is fitted and served. Flat data (nobody returned, all alike, one customer) is no failure.
 *
 * @param      db         Connection, for its memory and error text; or NULL.
 * @param[in]  x          n repeat-order counts, [0, 1e9], whole numbers.
 * @param[in]  t_x_days   n ages at the last order, days, [0, t_days[i]]; 0 where x is 0.
 * @param[in]  t_days     n ages, days, [0, 1e6].
 * @param      n          Rows, [1, 4294967295].
 * @param[in]  options    NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out_model  The model; untouched on error.
 *
 * @retval FBK_OK       fitted; fbk_clv_model_params() has the status.
 * @retval FBK_ENODATA  n is 0.
 * @retval FBK_ENOCONV  the budget did not suffice.
 * @retval FBK_ERANGE   an input is outside its range or not finite; the message names the row.
 * @retval FBK_EINVAL   a pointer is NULL, or a flag is unknown.
 * @retval FBK_ETOOBIG  n is above its range.
 * @retval FBK_ENOMEM   out of memory.
 * @retval FBK_EABI     struct_size fits no version.
 *
 * @ownership  @p out_model is owned by the caller, freed with fbk_clv_model_free(); it does not need
 *             the connection, but the host's allocator.
 * @threads    connection
 * @cost       O(n) to collapse equal rows, then some 150 passes over the distinct ones; 64 bytes a
 *             row.
 * @source     Fader, Hardie, Lee, "Counting Your Customers" the Easy Way, Marketing Science 24(2),
 *             2005, eq. (6); NBD: its limit for a / (a + b) -> 0.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_clv_fit(fbk *db, const double *x, const double *t_x_days, const double *t_days, size_t n,
            const fbk_clv_options *options, fbk_clv_model **out_model);

/**
 * Make a model of known parameters, published ones for instance.
 *
 * @param      db         Connection, for its memory and error text; or NULL.
 * @param[in]  params     Parameters with struct_size set: status, r, alpha_days, a, b are read, in
 *                        [1e-12, 1e12] where the status has them; rate_max 0 = no ceiling.
 * @param[out] out_model  The model; untouched on error.
 *
 * @retval FBK_OK      made.
 * @retval FBK_ERANGE  a parameter is outside its range.
 * @retval FBK_EINVAL  a pointer is NULL, or the status is unknown.
 * @retval FBK_ENOMEM  out of memory.
 * @retval FBK_EABI    struct_size fits no version.
 *
 * @ownership  @p out_model is owned by the caller, freed with fbk_clv_model_free().
 * @threads    connection
 * @cost       O(1).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_clv_model_make(fbk *db, const fbk_clv_params *params, fbk_clv_model **out_model);

/**
 * Free a model.
 *
 * @param[in] model  NULL is a no-op.
 *
 * @ownership  @p model must not be used afterwards.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API void
fbk_clv_model_free(fbk_clv_model *model);

/**
 * Parameters and status of a model.
 *
 * @param[in]  model  Fitted model. Borrowed for the call.
 * @param[out] out    Caller's structure with struct_size set; the fields that fit are written.
 *
 * @retval FBK_OK      written.
 * @retval FBK_EINVAL  a pointer is NULL.
 * @retval FBK_EABI    struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_clv_model_params(const fbk_clv_model *model, fbk_clv_params *out);

/**
 * Expected number of orders of each customer in the next @p horizon_days.
 *
 * Customers who ordered once (x = 0) are valid input. Results do not depend on n or on row order.
 * Every result is finite, and at most ten times the largest rate that the model was fitted to.
 *
 * @param[in]  model         Fitted model. Borrowed for the call.
 * @param[in]  x             n repeat-order counts, [0, 1e9], whole numbers.
 * @param[in]  t_x_days      n ages at the last order, days, [0, t_days[i]].
 * @param[in]  t_days        n customer ages, days, [0, 1e6].
 * @param      n             Rows; 0 is valid and writes nothing.
 * @param      horizon_days  Days, (0, 1e5].
 * @param[out] out_expected  Caller's buffer of n doubles, orders, [0, inf); untouched on error.
 *
 * @retval FBK_OK      n values written.
 * @retval FBK_ERANGE  an input is outside its range or not finite.
 * @retval FBK_EINVAL  a pointer is NULL while n > 0.
 *
 * @ownership  keeps no pointer, allocates nothing.
 * @threads    any
 * @cost       O(n), half a microsecond a row where few orders are expected, about 15 where more than
 *             200 are.
 * @accuracy   1e-8 relative against eq. (10) by 2F1, tests/unit/test_clv_math.c.
 * @source     Fader, Hardie, Lee, Marketing Science 24(2), 2005, eq. (10), summed over positive
 *             terms.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_clv_expected_purchases(const fbk_clv_model *model, const double *x, const double *t_x_days,
                           const double *t_days, size_t n, double horizon_days,
                           double *out_expected);

/**
 * Probability that each customer has not dropped out yet.
 *
 * 1 for a customer who ordered once (x = 0): BG/NBD assumes that nobody drops out before the first
 * repeat order. 1 for all unless the model's status is FBK_CLV_FULL: then it says nothing.
 *
 * @param[in]  model      Fitted model. Borrowed for the call.
 * @param[in]  x          n repeat-order counts, [0, 1e9], whole numbers.
 * @param[in]  t_x_days   n ages at the last order, days, [0, t_days[i]].
 * @param[in]  t_days     n customer ages, days, [0, 1e6].
 * @param      n          Rows; 0 is valid and writes nothing.
 * @param[out] out_prob   Caller's buffer of n doubles, probabilities, [0, 1]; untouched on error.
 *
 * @retval FBK_OK      n values written.
 * @retval FBK_ERANGE  an input is outside its range or not finite.
 * @retval FBK_EINVAL  a pointer is NULL while n > 0.
 *
 * @ownership  keeps no pointer, allocates nothing.
 * @threads    any
 * @cost       O(n).
 * @source     Fader, Hardie, "Computing P(alive) Using the BG/NBD Model", 2008.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_clv_alive(const fbk_clv_model *model, const double *x, const double *t_x_days,
              const double *t_days, size_t n, double *out_prob);

/**
 * Expected number of repeat orders of a new customer by each of n ages.
 *
 * @param[in]  model     Fitted model. Borrowed for the call.
 * @param[in]  t_days    n ages, days, [0, 1e6].
 * @param      n         Ages; 0 is valid and writes nothing.
 * @param[out] out_mean  Caller's buffer of n doubles, orders, [0, inf); untouched on error.
 *
 * @retval FBK_OK      n values written.
 * @retval FBK_ERANGE  an age is outside its range or not finite.
 * @retval FBK_EINVAL  a pointer is NULL while n > 0.
 *
 * @ownership  keeps no pointer, allocates nothing.
 * @threads    any
 * @cost       O(n).
 * @source     Fader, Hardie, Lee, Marketing Science 24(2), 2005, eq. (9).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_clv_mean_purchases(const fbk_clv_model *model, const double *t_days, size_t n,
                       double *out_mean);

/**
 * Probability that a new customer makes exactly 0, 1, … n - 1 repeat orders by an age.
 *
 * @param[in]  model     Fitted model. Borrowed for the call.
 * @param      t_days    Age, days, [0, 1e6].
 * @param      n         Counts, [0, 1000000]; 0 is valid and writes nothing.
 * @param[out] out_prob  Caller's buffer of n doubles, probabilities, [0, 1]; untouched on error.
 *
 * @retval FBK_OK      n values written.
 * @retval FBK_ERANGE  the age or n is outside its range.
 * @retval FBK_EINVAL  a pointer is NULL while n > 0.
 *
 * @ownership  keeps no pointer, allocates nothing.
 * @threads    any
 * @cost       O(n), one incomplete beta function a count.
 * @source     Fader, Hardie, Lee, Marketing Science 24(2), 2005, eq. (8).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_clv_count_probs(const fbk_clv_model *model, double t_days, size_t n, double *out_prob);

/** A fitted model of the value of an order; opaque, immutable, freed with fbk_spend_model_free().
 *  @threads any @since 0.1 */
typedef struct fbk_spend_model fbk_spend_model;

/** Options of fbk_spend_fit(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_spend_options {
    uint32_t struct_size;  /**< sizeof(fbk_spend_options), as the caller was compiled. */
    uint32_t flags;        /**< Must be 0. */
    const double *weights; /**< n customers a row stands for, (0, 1e12]; NULL = 1 each. */
    uint32_t max_evals;    /**< Likelihoods to compute from each start, [1, 100000]; 0 = 500. */
    uint32_t reserved0;    /**< Must be 0. */
} fbk_spend_options;
#define FBK_SPEND_OPTIONS_INIT                                \
    {                                                         \
        (uint32_t)sizeof(fbk_spend_options), 0u, NULL, 0u, 0u \
    }

/** Parameters of a model of spend. @since 0.1 */
typedef struct fbk_spend_params {
    uint32_t struct_size; /**< sizeof(fbk_spend_params), as the caller was compiled. */
    uint32_t reserved0;   /**< 0. */
    double p;             /**< Shape of the orders of a customer, (0, inf). */
    double q;             /**< Shape of the customers, (0, inf). */
    double gamma;         /**< Scale, in the unit of the means, (0, inf). */
    double loglik;        /**< Log-likelihood, (-inf, inf). */
    double mean;          /**< Mean over customers of their means, (0, inf). */
    double mean_max;      /**< Largest mean of a customer, (0, inf). */
    double n_customers;   /**< Customers fitted to, (0, inf). */
} fbk_spend_params;
#define FBK_SPEND_PARAMS_INIT                                                     \
    {                                                                             \
        (uint32_t)sizeof(fbk_spend_params), 0u, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0 \
    }

/**
 * Fit the gamma-gamma model of the value of an order, by maximum likelihood.
 *
 * It assumes that how much a customer spends on an order does not go with how often he orders.
 *
 * @param      db         Connection, for its memory and error text; or NULL.
 * @param[in]  n_orders   n counts of the orders that each mean is over, [1, 1e9], whole numbers.
 * @param[in]  mean_value n mean order values in any unit of money, (0, 1e15].
 * @param      n          Rows, [1, 4294967295].
 * @param[in]  options    NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out_model  The model; untouched on error.
 *
 * @retval FBK_OK       fitted.
 * @retval FBK_ENODATA  n is 0.
 * @retval FBK_ENOCONV  the budget did not suffice.
 * @retval FBK_ERANGE   an input is outside its range or not finite; the message names the row.
 * @retval FBK_EINVAL   a pointer is NULL, or a flag is unknown.
 * @retval FBK_ETOOBIG  n is above its range.
 * @retval FBK_ENOMEM   out of memory.
 * @retval FBK_EABI     struct_size fits no version.
 *
 * @ownership  @p out_model is owned by the caller, freed with fbk_spend_model_free().
 * @threads    connection
 * @cost       some 100 passes over the rows; 24 bytes a row.
 * @source     Fader, Hardie, "The Gamma-Gamma Model of Monetary Value", 2013, eq. (1a).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_spend_fit(fbk *db, const double *n_orders, const double *mean_value, size_t n,
              const fbk_spend_options *options, fbk_spend_model **out_model);

/**
 * Free a model of spend.
 *
 * @param[in] model  NULL is a no-op.
 *
 * @ownership  @p model must not be used afterwards.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API void
fbk_spend_model_free(fbk_spend_model *model);

/**
 * Parameters of a model of spend.
 *
 * @param[in]  model  Fitted model. Borrowed for the call.
 * @param[out] out    Caller's structure with struct_size set; the fields that fit are written.
 *
 * @retval FBK_OK      written.
 * @retval FBK_EINVAL  a pointer is NULL.
 * @retval FBK_EABI    struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_spend_model_params(const fbk_spend_model *model, fbk_spend_params *out);

/**
 * Expected value of the orders of each customer, given those seen.
 *
 * The customer's own mean, pulled towards that of all customers the more the fewer orders there
 * are. Where that mean of all is infinite (q <= 1) the observed one takes its place; no expectation
 * is above both the customer's own and the largest mean fitted to.
 *
 * @param[in]  model         Fitted model. Borrowed for the call.
 * @param[in]  n_orders      n counts of orders, [0, 1e9], whole numbers; 0 = a new customer.
 * @param[in]  mean_value    n means of their values, (0, 1e15]; not looked at where n_orders is 0.
 * @param      n             Rows; 0 is valid and writes nothing.
 * @param[out] out_expected  Caller's buffer of n doubles, the unit of the means, (0, inf);
 *                           untouched on error.
 *
 * @retval FBK_OK      n values written.
 * @retval FBK_ERANGE  an input is outside its range or not finite.
 * @retval FBK_EINVAL  a pointer is NULL while n > 0.
 *
 * @ownership  keeps no pointer, allocates nothing.
 * @threads    any
 * @cost       O(n).
 * @source     Fader, Hardie, "The Gamma-Gamma Model of Monetary Value", 2013, eq. (5).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_spend_expected(const fbk_spend_model *model, const double *n_orders, const double *mean_value,
                   size_t n, double *out_expected);

/** Flags of fbk_clv_train_options. @since 0.1 */
enum {
    FBK_CLV_SEPARATE_ORDERS = 1, /**< Orders of one day count one by one (default: as one). */
    FBK_CLV_NO_HOLDOUT = 2       /**< Do not measure the quality on held-out data. */
};

/** Options of fbk_clv_train(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_clv_train_options {
    uint32_t struct_size;     /**< sizeof(fbk_clv_train_options), as the caller was compiled. */
    uint32_t flags;           /**< FBK_CLV_* bits; unknown bits give FBK_EINVAL. */
    uint32_t include;         /**< FBK_FLAG_* bits: events to take in that are left out else. */
    uint32_t max_evals;       /**< As in fbk_clv_options. */
    double holdout_days;      /**< Days held out to measure, [1, 1e5]; 0 = a quarter of the time. */
    const char *name;         /**< Name of the model; NULL or "" = "default". */
    fbk_progress_fn progress; /**< NULL, or told of events with money read, and events in all. */
    void *progress_data;      /**< Handed to it. */
} fbk_clv_train_options;
#define FBK_CLV_TRAIN_OPTIONS_INIT                                                 \
    {                                                                              \
        (uint32_t)sizeof(fbk_clv_train_options), 0u, 0u, 0u, 0.0, NULL, NULL, NULL \
    }

/** What fbk_clv_train() found. @since 0.1 */
typedef struct fbk_clv_report {
    uint32_t struct_size; /**< sizeof(fbk_clv_report), as the caller was compiled. */
    uint32_t status;      /**< FBK_CLV_FULL, …. */
    uint64_t n_customers; /**< People with an order. */
    uint64_t n_repeats;   /**< Their orders after the first. */
    uint64_t n_spenders;  /**< Of the people, those whose orders are worth more than 0. */
    double r;             /**< As in fbk_clv_params. */
    double alpha_days;    /**< As in fbk_clv_params. */
    double a;             /**< As in fbk_clv_params. */
    double b;             /**< As in fbk_clv_params. */
    double loglik;        /**< As in fbk_clv_params. */
    double loglik_nbd;    /**< As in fbk_clv_params. */
    double spend_p;       /**< As in fbk_spend_params; 0 without spenders. */
    double spend_q;       /**< As in fbk_spend_params; 0 without spenders. */
    double spend_gamma;   /**< As in fbk_spend_params, in currency units; 0 without spenders. */
    double mean_order;    /**< Mean over people of their mean order, currency units. */
    double holdout_days;  /**< Days held out; 0 = not measured. */
    uint64_t holdout_n;   /**< Customers measured on. */
    double holdout_mae; /**< Mean absolute error of the orders expected there; 0 = not measured. */
    double holdout_naive;    /**< The same of the naive forecast x / t, t at least a day. */
    double holdout_orders;   /**< Orders there, … */
    double holdout_expected; /**< … and orders expected. */
} fbk_clv_report;
#define FBK_CLV_REPORT_INIT                                                                       \
    {                                                                                             \
        (uint32_t)sizeof(fbk_clv_report), 0u, 0u, 0u, 0u, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, \
            0.0, 0.0, 0.0, 0u, 0.0, 0.0, 0.0, 0.0                                                 \
    }

/**
 * Fit both models to the orders in the store, and save them there.
 *
 * One scan of the log. An order is a sale with a line above 0 (or without lines); orders of one local
 * day are one, unless kept separate; returns lower the value of the orders and are none. Ages are in
 * days, up to the day of @p as_of_us in the store's time zone. Spend is the mean revenue of all
 * orders of a person. Quality is measured by fitting once more to what was known before the last
 * holdout_days, with the identities known then; it is saved with the model (fbk_model_list()).
 *
 * @param      db          Connection.
 * @param      as_of_us    Events before this instant are used; [FBK_TIME_MIN, FBK_TIME_MAX].
 * @param[in]  options     NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out_report  NULL, or a structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK         trained and saved.
 * @retval FBK_ENODATA    nobody has an order before as_of_us.
 * @retval FBK_ENOCONV    the budget did not suffice; the model that was there stays.
 * @retval FBK_EINVAL     db is NULL, as_of_us is no instant, or a flag or name is wrong.
 * @retval FBK_ERANGE     a number of the options is outside its range.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EREADONLY  the store cannot be written.
 * @retval FBK_EBUSY      locked by somebody else for longer than the timeout.
 * @retval FBK_ECANCELLED the progress callback asked to stop.
 * @retval FBK_EABI       struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one scan (two with a holdout) and 100 bytes an order with money in or out.
 * @source     as fbk_clv_fit() and fbk_spend_fit().
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_clv_train(fbk *db, fbk_time as_of_us, const fbk_clv_train_options *options,
              fbk_clv_report *out_report);

/** Options of fbk_clv_predict() and fbk_clv_customer_get(). All zero but struct_size = all
 *  defaults. @since 0.1 */
typedef struct fbk_clv_predict_options {
    uint32_t struct_size;     /**< sizeof(fbk_clv_predict_options), as the caller was compiled. */
    uint32_t flags;           /**< Must be 0. */
    double horizon_days;      /**< (0, 1e5]; 0 = 365. */
    double discount_yearly;   /**< Interest on later money, [0, 10], .1 = ten per cent a year. */
    const char *name;         /**< Name of the model; NULL or "" = "default". */
    fbk_progress_fn progress; /**< NULL, or told of events with money read, and events in all. */
    void *progress_data;      /**< Handed to it. */
} fbk_clv_predict_options;
#define FBK_CLV_PREDICT_OPTIONS_INIT                                              \
    {                                                                             \
        (uint32_t)sizeof(fbk_clv_predict_options), 0u, 0.0, 0.0, NULL, NULL, NULL \
    }

/**
 * Forecast every customer of the store.
 *
 * Rows by profile, ascending; columns: profile (int64), n_orders (int64), first_order, last_order
 * (timestamp), p_alive (double; null unless the status of the model is FBK_CLV_FULL, as it would
 * say nothing), expected_orders (double), order_value_micro (int64: expected value of an order),
 * expected_value_micro (int64: of the horizon, discounted), status (utf8: "no dropout
 * identifiable", "nobody ordered twice", "one order: alive by assumption", or "").
 *
 * @param      db        Connection.
 * @param      as_of_us  Instant to forecast from, exclusive; [FBK_TIME_MIN, FBK_TIME_MAX].
 * @param[in]  options   NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out_rows  Caller's stream; untouched on error.
 *
 * @retval FBK_OK         given, perhaps without rows.
 * @retval FBK_ENOTFOUND  no model of that name was trained.
 * @retval FBK_EINVAL     a pointer is NULL, as_of_us is no instant, or a flag is unknown.
 * @retval FBK_ERANGE     a number of the options is outside its range.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_ECANCELLED the progress callback asked to stop.
 * @retval FBK_EABI       struct_size fits no version.
 *
 * @ownership  the stream is owned by the caller, who releases it; it outlives the connection.
 * @threads    connection
 * @cost       one scan, 100 bytes an order and a microsecond a customer (four with a discount).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_clv_predict(fbk *db, fbk_time as_of_us, const fbk_clv_predict_options *options,
                struct ArrowArrayStream *out_rows);

/** Forecast of one customer. @since 0.1 */
typedef struct fbk_clv_customer {
    uint32_t struct_size;         /**< sizeof(fbk_clv_customer), as the caller was compiled. */
    uint32_t status;              /**< FBK_CLV_FULL, …: without it p_alive says nothing. */
    uint64_t profile;             /**< Smallest node of the person. */
    uint64_t n_orders;            /**< Orders before as_of. */
    fbk_time first_us;            /**< First order; FBK_TIME_NONE without any. */
    fbk_time last_us;             /**< Last order; FBK_TIME_NONE without any. */
    int64_t revenue_micro;        /**< Revenue so far, returns taken off. */
    double p_alive;               /**< [0, 1]; 1 by assumption with one order; 0 without any. */
    double expected_orders;       /**< In the horizon, [0, inf); 0 without any order so far. */
    int64_t order_value_micro;    /**< Expected value of an order. */
    int64_t expected_value_micro; /**< Of the horizon, discounted. */
} fbk_clv_customer;
#define FBK_CLV_CUSTOMER_INIT                                                   \
    {                                                                           \
        (uint32_t)sizeof(fbk_clv_customer), 0u, 0u, 0u, 0, 0, 0, 0.0, 0.0, 0, 0 \
    }

/**
 * Forecast one customer.
 *
 * @param      db        Connection.
 * @param      profile   Any node of the person, as fbk_identity_who() gives it.
 * @param      as_of_us  Instant to forecast from, exclusive; [FBK_TIME_MIN, FBK_TIME_MAX].
 * @param[in]  options   NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out       Caller's structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK         given; n_orders is 0 for a person without an order.
 * @retval FBK_ENOTFOUND  no model of that name was trained.
 * @retval FBK_EINVAL     a pointer is NULL, as_of_us is no instant, or a flag is unknown.
 * @retval FBK_ERANGE     profile is 0 or no node, or an option is outside its range.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EABI       struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(events of the person).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_clv_customer_get(fbk *db, uint64_t profile, fbk_time as_of_us,
                     const fbk_clv_predict_options *options, fbk_clv_customer *out);

FBK_END_DECLS
#endif
