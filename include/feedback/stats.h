/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_STATS_H
#define FEEDBACK_STATS_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  What is in a store: counts and totals of its events. */

FBK_BEGIN_DECLS

/** Options of fbk_stats_read() and fbk_stats_kinds(). All zero but struct_size = all defaults.
 *  @since 0.1 */
typedef struct fbk_stats_options {
    uint32_t struct_size;     /**< sizeof(fbk_stats_options), as the caller was compiled. */
    uint32_t flags;           /**< Must be 0. */
    fbk_progress_fn progress; /**< NULL, or told of events read and events in all. */
    void *progress_data;      /**< Handed to it. */
} fbk_stats_options;
#define FBK_STATS_OPTIONS_INIT                              \
    {                                                       \
        (uint32_t)sizeof(fbk_stats_options), 0u, NULL, NULL \
    }

/** What is in a store. @since 0.1
 *
 *  An invoice is an event of kind sale, return, exchange, cancel, adjustment or transfer. A customer
 *  is a person, as identity knows them now, with at least one invoice. A valid sale is a line of a
 *  customer's sale, exchange, return or cancel event whose quantity and unit price are above zero:
 *  what the published figures of retail logs count. Events flagged as test are counted as events
 *  and lines only. Money is in the store's currency; lines in another count and are not summed. */
typedef struct fbk_stats {
    uint32_t struct_size;       /**< sizeof(fbk_stats), as the caller was compiled. */
    uint32_t reserved0;         /**< 0. */
    uint64_t n_events;          /**< Events of all kinds. */
    uint64_t n_lines;           /**< Their lines. */
    uint64_t n_test_events;     /**< Of the events, those flagged as test. */
    uint64_t n_invoices;        /**< Invoices. */
    uint64_t n_invoice_lines;   /**< Their lines. */
    uint64_t n_customers;       /**< Customers. */
    uint64_t n_people;          /**< People, known or anonymous, with an event of any kind. */
    uint64_t n_items;           /**< Distinct items on invoices. */
    int64_t total_micro;        /**< Sum of the amounts of all invoice lines. */
    uint64_t n_foreign_lines;   /**< Invoice lines in another currency, in no sum. */
    uint64_t n_valid_lines;     /**< Lines of valid sales, … */
    uint64_t n_valid_invoices;  /**< … the invoices with one, … */
    uint64_t n_valid_customers; /**< … the customers with one, … */
    int64_t valid_micro;        /**< … and the sum of their amounts. */
    fbk_time first_us;          /**< First event; FBK_TIME_NONE without events. */
    fbk_time last_us;           /**< Last event before as_of; FBK_TIME_NONE without events. */
    uint64_t n_identifiers;     /**< Identifiers of people ever seen, whatever as_of is. */
    uint64_t n_links;           /**< Links between them, whatever as_of is. */
    uint64_t n_conflicts;       /**< Events refused because their id had other content. */
    uint64_t n_erased;          /**< Event ids whose events were erased. */
    uint64_t n_segments;        /**< Pieces that events are stored in, but the newest of them. */
    uint64_t n_runs;            /**< Indices of event ids and of identifiers. */
    uint64_t live_bytes;        /**< Bytes of these segments and indices, … */
    uint64_t dead_bytes;        /**< … and of those that were merged and are not yet cleared. */
    uint64_t sealed_bytes;      /**< Ever written into them when events came, … */
    uint64_t merged_bytes; /**< … and again by merging. Written in all by what came: the write
                                     amplification. File by live: the space amplification. */
    uint64_t file_bytes;   /**< Of the file and its write-ahead log. */
} fbk_stats;
#define FBK_STATS_INIT                                                                            \
    {                                                                                             \
        (uint32_t)sizeof(fbk_stats), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0, 0u, 0u, 0u, 0u, 0, 0, \
            0, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u                                         \
    }

/**
 * Count what is in a store.
 *
 * @param[in]  db        Connection.
 * @param      as_of_us  Events before this instant count; FBK_TIME_NONE = all. People are those
 *                       that identity knows now.
 * @param[in]  options   NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out       Caller's structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK         written.
 * @retval FBK_EINVAL     a pointer is NULL, a flag unknown.
 * @retval FBK_ERANGE     as_of_us is no valid instant, or a sum does not fit 64 bits.
 * @retval FBK_ECANCELLED the progress callback asked to stop.
 * @retval FBK_ECALLBACK  it failed.
 * @retval FBK_EABI       struct_size fits no version.
 * @retval FBK_EMISUSE    the connection was carried over fork().
 * @retval FBK_ECORRUPT   an event is damaged.
 * @retval FBK_EIO        reading failed.
 * @retval FBK_ENOMEM     out of memory.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one scan of the log; a bit for each person and item.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_stats_read(fbk *db, fbk_time as_of_us, const fbk_stats_options *options, fbk_stats *out);

/**
 * Events and lines by kind.
 *
 * One row for each event kind and for each line kind that occurs, event kinds first, most events
 * first. Columns: `grouping` ("event" or "line"), `kind` (its name), `n_events` (with at least one
 * such line), `n_lines`, `amount_micro` (sum of the lines' amounts in the store's currency).
 *
 * @param[in]  db        Connection.
 * @param      as_of_us  Events before this instant count; FBK_TIME_NONE = all.
 * @param[in]  options   NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out       The rows; untouched on error.
 *
 * @retval FBK_OK         @p out is a stream.
 * @retval FBK_EINVAL     a pointer is NULL, a flag unknown.
 * @retval FBK_ERANGE     as_of_us is no valid instant, or a sum does not fit 64 bits.
 * @retval FBK_ECANCELLED the progress callback asked to stop.
 * @retval FBK_ECALLBACK  it failed.
 * @retval FBK_EABI       struct_size fits no version.
 * @retval FBK_EMISUSE    the connection was carried over fork().
 * @retval FBK_ECORRUPT   an event is damaged.
 * @retval FBK_EIO        reading failed.
 * @retval FBK_ENOMEM     out of memory.
 *
 * @ownership  @p out is owned by the caller, given back with its release; it outlives @p db.
 * @threads    connection
 * @cost       one scan of the log.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_stats_kinds(fbk *db, fbk_time as_of_us, const fbk_stats_options *options,
                struct ArrowArrayStream *out);

FBK_END_DECLS
#endif
