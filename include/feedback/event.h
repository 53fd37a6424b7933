/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_EVENT_H
#define FEEDBACK_EVENT_H

#include <feedback/arrow.h>
#include <feedback/base.h>
#include <feedback/store.h>

/** @file
 *  Events in: one from a structure, many from an Arrow stream.
 *
 *  An event is an immutable fact. Its `event_id` is unique for ever: sending it again with the same
 *  content stores nothing, with other content is a conflict, which is noted and not stored. Order of
 *  arrival does not matter. Text is UTF-8 without NUL; lengths are in bytes. */

FBK_BEGIN_DECLS

/** Kinds of events with a meaning of their own. A host's own kind is any other lower-case word:
 *  [a-z][a-z0-9_]*, at most 64 bytes. @since 0.1 */
#define FBK_KIND_SALE "sale"         /**< Goods sold. */
#define FBK_KIND_RETURN "return"     /**< Goods back: negative lines; order_ref names the order. */
#define FBK_KIND_EXCHANGE "exchange" /**< Goods back and others out, in one event. */
#define FBK_KIND_CANCEL "cancel"     /**< An order, or a part, taken back before delivery. */
#define FBK_KIND_ADJUSTMENT "adjustment" /**< Stock written off or found. */
#define FBK_KIND_TRANSFER "transfer"     /**< Stock moved between places. */
#define FBK_KIND_VIEW "view"             /**< Somebody looked at items. */
#define FBK_KIND_SEARCH "search"         /**< Somebody searched. */
#define FBK_KIND_CART "cart"             /**< Items put into the cart. */
#define FBK_KIND_WISH "wish"             /**< Items put on a wish list. */
#define FBK_KIND_TRY_ON "try_on"         /**< Items tried on. */
#define FBK_KIND_VISIT "visit"           /**< Somebody came to a place or site. */
#define FBK_KIND_POSITION "position"     /**< Somebody was seen at a position. */
#define FBK_KIND_MESSAGE "message"       /**< A message was sent to somebody. */
#define FBK_KIND_RESPONSE "response"     /**< Somebody reacted to a message. */
#define FBK_KIND_SURVEY "survey"         /**< Somebody answered questions. */
#define FBK_KIND_LOGIN "login"           /**< Somebody said who they are. */

/** Kinds of lines. Only products are counted in baskets and recommended. @since 0.1 */
enum {
    FBK_LINE_DEFAULT = 0,    /**< A product. */
    FBK_LINE_PRODUCT = 1,    /**< "product": must name its item. */
    FBK_LINE_SHIPPING = 2,   /**< "shipping" */
    FBK_LINE_FEE = 3,        /**< "fee" */
    FBK_LINE_DISCOUNT = 4,   /**< "discount": on the whole event. */
    FBK_LINE_GIFT_CARD = 5,  /**< "gift_card": sold (no revenue) or redeemed (a tender). */
    FBK_LINE_DEPOSIT = 6,    /**< "deposit" */
    FBK_LINE_ADJUSTMENT = 7, /**< "adjustment": corrections, bad debt. */
    FBK_LINE_SAMPLE = 8,     /**< "sample" */
    FBK_LINE_BUNDLE = 9      /**< "bundle": expands into parts. */
};

/** Flags of events: kept and counted, left out of training unless asked for. @since 0.1 */
enum {
    FBK_FLAG_TEST = 1,     /**< Not real. */
    FBK_FLAG_EMPLOYEE = 2, /**< Staff bought. */
    FBK_FLAG_BUSINESS = 4, /**< A business bought. */
    FBK_FLAG_BOT = 8       /**< No human. */
};

/** Types of a property. @since 0.1 */
enum {
    FBK_PROP_TEXT = 1,   /**< In texts[]. */
    FBK_PROP_INT = 2,    /**< In ints[]. */
    FBK_PROP_DOUBLE = 3, /**< In doubles[]; finite. */
    FBK_PROP_BOOL = 4    /**< In ints[]; 0 or 1. */
};

/** What became of an event. @since 0.1 */
enum {
    FBK_EVENT_ADDED = 0,    /**< Stored. */
    FBK_EVENT_ALREADY = 1,  /**< The same event was there: nothing stored. */
    FBK_EVENT_CONFLICT = 2, /**< Another event has this id: noted, not stored. */
    FBK_EVENT_ERASED = 3    /**< The event of this id was erased: not stored again. */
};

/** Limits. @since 0.1 */
#define FBK_EVENT_LINES_MAX 65535             /**< Lines of an event. */
#define FBK_EVENT_IDENTIFIERS_MAX 16          /**< Identifiers of an event. */
#define FBK_EVENT_PROPERTIES_MAX 256          /**< Properties of an event. */
#define FBK_QUANTITY_MAX_MILLI 1000000000000  /**< A line's quantity, either sign: 10^9 pieces. */
#define FBK_MONEY_MAX_MICRO 10000000000000000 /**< Any amount, either sign: 10^10 units. */
#define FBK_AMOUNT_NONE INT64_MIN             /**< "Compute the amount." */

/** One event. Zero, or NULL, is "none" wherever a field is not said to be required. Arrays that
 *  belong to lines have n_lines elements, and so on; an array may be NULL when its count is 0 or
 *  when every element has its default. @since 0.1 */
typedef struct fbk_event {
    uint32_t struct_size;   /**< sizeof(fbk_event), as the caller was compiled. */
    uint32_t flags;         /**< FBK_FLAG_* bits. */
    const char *event_id;   /**< Required: 1 to 255 bytes. */
    const char *kind;       /**< Required: FBK_KIND_* or the host's own. */
    const char *source;     /**< Required: which till, shop or app; 1 to 255 bytes. */
    const char *channel;    /**< "web", "store", …: at most 64 bytes. */
    const char *place;      /**< Code of a place; at most 63 bytes. */
    const char *order_ref;  /**< Number of the order that it belongs to; at most 255 bytes. */
    const char *currency;   /**< ISO 4217, three capitals; none = the store's. */
    fbk_time occurred_us;   /**< Required: [FBK_TIME_MIN, FBK_TIME_MAX]; 0 is 1970. */
    fbk_time received_us;   /**< The same range; 0 = now. */
    uint32_t n_lines;       /**< [0, FBK_EVENT_LINES_MAX] */
    uint32_t n_identifiers; /**< [0, FBK_EVENT_IDENTIFIERS_MAX] */
    uint32_t n_properties;  /**< [0, FBK_EVENT_PROPERTIES_MAX] */
    uint32_t reserved0;     /**< Must be 0. */

    const char *const *items; /**< SKUs, byte for byte; at most 255 bytes; required of products. */
    const uint32_t *line_kinds;    /**< FBK_LINE_*; NULL = all products. */
    const int64_t *quantity_milli; /**< Thousandths, up to FBK_QUANTITY_MAX_MILLI, negative = back;
                                          NULL = all 1000. */
    const int64_t *unit_price_micro; /**< Up to FBK_MONEY_MAX_MICRO, any sign; NULL = all 0. */
    const int64_t *discount_micro;   /**< Of the line, with the sign of the line; NULL = all 0. */
    const int64_t *tax_micro;        /**< Of the line; NULL = all 0. */
    const int64_t *amount_micro;     /**< As charged: authoritative. FBK_AMOUNT_NONE, or NULL, =
                                          quantity * price, rounded half away from zero, - discount. */

    const char *const
        *namespaces;           /**< Of the identifiers, in order of priority: lower-case words. */
    const char *const *values; /**< Of the identifiers; 1 to 255 bytes. Values that identify
                                        nobody ("", "null", zeros) are left out. */

    const char *const *keys; /**< Of the properties, each once: [A-Za-z_][A-Za-z0-9_.-]*, at most 64
                                  bytes. */
    const uint32_t *types;   /**< FBK_PROP_* */
    const char *const *texts; /**< At most 65535 bytes each. */
    const int64_t *ints;
    const double *doubles;
} fbk_event;
#define FBK_EVENT_INIT                                                                            \
    {                                                                                             \
        (uint32_t)sizeof(fbk_event), 0u, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0u, 0u,  \
            0u, 0u, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
            NULL                                                                                  \
    }

/**
 * Append one event, durably.
 *
 * @param[in]  db           Connection.
 * @param[in]  event        The event; see fbk_event for ranges. Borrowed for the call.
 * @param[out] out_outcome  FBK_EVENT_*; NULL if not wanted. Written with FBK_OK, FBK_DONE and
 *                          FBK_ECONFLICT, else untouched.
 *
 * @retval FBK_OK         stored; durable as the store's option says.
 * @retval FBK_DONE       nothing stored: it was there already, or was erased.
 * @retval FBK_ECONFLICT  another event has this id; this one was noted as a conflict, not stored.
 * @retval FBK_EINVAL     a pointer is NULL, a text malformed, a flag or kind unknown.
 * @retval FBK_ERANGE     a number, a length or a count is outside its range.
 * @retval FBK_EREADONLY  the store was opened read-only.
 * @retval FBK_EBUSY      others kept the store locked for longer than the timeout.
 * @retval FBK_EFULL      the disk is full; nothing was stored.
 * @retval FBK_EIO        writing failed; nothing was stored.
 * @retval FBK_ENOMEM     out of memory; nothing was stored.
 * @retval FBK_EABI       struct_size fits no version.
 * @retval FBK_EMISUSE    the connection was carried over fork().
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(lines + identifiers^2 + properties) and one commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_event_append(fbk *db, const fbk_event *event, uint32_t *out_outcome);

/** Told of every event that fbk_event_append_stream() could not take.
 *
 *  @param user_data what the options named.
 *  @param row       of the input, from 1.
 *  @param field     the column to blame.
 *  @param reason    one sentence without personal data.
 *  A negative value stops the call, as with fbk_progress_fn; pointers die when it returns. The
 *  callback must not use the connection. @since 0.1 */
typedef fbk_status (*fbk_event_reject_fn)(void *user_data, int64_t row, const char *field,
                                          const char *reason);

/** Flags of fbk_event_stream_options. @since 0.1 */
enum {
    FBK_EVENT_STREAM_IGNORE_UNKNOWN = 1 /**< Columns that have no meaning here are left out. */
};

/** Options of fbk_event_append_stream(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_event_stream_options {
    uint32_t struct_size; /**< sizeof(fbk_event_stream_options), as the caller was compiled. */
    uint32_t flags;       /**< FBK_EVENT_STREAM_* bits; unknown bits give FBK_EINVAL. */
    uint32_t batch_rows;  /**< Rows a commit, [1, 1000000]; 0 = 10000. Events are not cut. */
    uint32_t reserved0;   /**< Must be 0. */
    fbk_time received_us; /**< Of all events; 0 = now. */
    const char *kind;     /**< Where the column is absent or null; NULL = "sale". */
    const char *source;   /**< Where the column is absent or null; NULL = it must not be. */
    fbk_event_reject_fn reject; /**< NULL = rejects are only counted. */
    void *reject_data;          /**< Handed to @p reject. */
    fbk_progress_fn progress;   /**< After each commit, with the rows done; the total is unknown. */
    void *progress_data;        /**< Handed to @p progress. */
} fbk_event_stream_options;
#define FBK_EVENT_STREAM_OPTIONS_INIT                                                            \
    {                                                                                            \
        (uint32_t)sizeof(fbk_event_stream_options), 0u, 0u, 0u, 0, NULL, NULL, NULL, NULL, NULL, \
            NULL                                                                                 \
    }

/** What fbk_event_append_stream() did. @since 0.1 */
typedef struct fbk_event_stream_result {
    uint32_t struct_size; /**< sizeof(fbk_event_stream_result), as the caller was compiled. */
    uint32_t reserved0;   /**< 0. */
    uint64_t rows;        /**< Rows read. */
    uint64_t added;       /**< Events stored. */
    uint64_t lines_added; /**< Their lines. */
    uint64_t already;     /**< Events that were there. */
    uint64_t conflict;    /**< Events whose id another one has. */
    uint64_t erased;      /**< Events whose id belongs to an erased one. */
    uint64_t rejected;    /**< Events (or rows without an event id) that were refused. */
} fbk_event_stream_result;
#define FBK_EVENT_STREAM_RESULT_INIT                                              \
    {                                                                             \
        (uint32_t)sizeof(fbk_event_stream_result), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u \
    }

/**
 * Append the events of an Arrow stream, one row a line.
 *
 * Consecutive rows with one event_id are one event; a row whose item and line_kind are null is an
 * event without lines. Columns of the event are read in its first row; in its further rows they
 * must be the same or null. Columns, by name (only the first three are required):
 *
 * | column | type | |
 * |---|---|---|
 * | event_id | text or integer | 1 to 255 bytes |
 * | occurred_us | timestamp, date, or integer µs | the instant |
 * | source | text | required unless the options name it |
 * | kind, channel, place, order_ref, currency | text | as in fbk_event |
 * | flags | integer | FBK_FLAG_* bits |
 * | id:NAMESPACE | text or integer | identifiers, in the order of the columns |
 * | item | text or integer | |
 * | line_kind | text or integer | name or FBK_LINE_*; null = product |
 * | quantity or quantity_milli | number | pieces (to the nearest thousandth) or thousandths; null = 1 |
 * | unit_price or unit_price_micro | number | units (to the nearest millionth) or millionths |
 * | discount or discount_micro | number | |
 * | tax or tax_micro | number | |
 * | amount or amount_micro | number | null = computed |
 * | prop:KEY | text, number, bool, timestamp (as µs) | properties |
 *
 * A row that does not fit rejects its event, which is counted and told to options.reject; the rest
 * is stored, batch by batch, each durable when progress is told of it. Sending the stream again
 * stores what is missing and nothing twice.
 *
 * @param[in]     db          Connection.
 * @param[in,out] rows        Stream of struct arrays; taken over and released, also on failure.
 * @param[in]     options     NULL or options. Borrowed for the call.
 * @param[in,out] out_result  NULL, or a structure with struct_size set; also written when the call
 *                            fails after it began to read.
 *
 * @retval FBK_OK         the stream was read to its end.
 * @retval FBK_EINVAL     a pointer is NULL, a required column absent, a column of a type that does
 *                        not fit or unknown, an array malformed.
 * @retval FBK_ERANGE     options.batch_rows is outside its range.
 * @retval FBK_ECANCELLED a callback asked to stop; what was committed stays.
 * @retval FBK_ECALLBACK  a callback, or the stream, failed.
 * @retval FBK_EREADONLY  the store was opened read-only.
 * @retval FBK_EBUSY      others kept the store locked for longer than the timeout.
 * @retval FBK_EFULL      the disk is full; what was committed stays.
 * @retval FBK_EIO        writing failed; what was committed stays.
 * @retval FBK_ENOMEM     out of memory; what was committed stays.
 * @retval FBK_EABI       a struct_size fits no version.
 * @retval FBK_EMISUSE    the connection was carried over fork().
 *
 * @ownership  @p rows is released; keeps no pointer.
 * @threads    connection
 * @cost       O(rows), one commit a batch; memory O(batch_rows) and the longest event.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_event_append_stream(fbk *db, struct ArrowArrayStream *rows,
                        const fbk_event_stream_options *options,
                        fbk_event_stream_result *out_result);

/**
 * Look for damage in the event log: every event is decoded and compared with its checksum, its
 * identifiers, words and indices, and the totals with the events. It goes beyond what
 * fbk_store_check() can see, which knows pages and tables and not what they mean.
 *
 * @param[in]  db            Connection. Borrowed for the call.
 * @param      problem       Told of each problem, of at most 100; NULL if not wanted.
 * @param      user_data     Handed to @p problem.
 * @param[out] out_problems  Number of problems; NULL if not wanted. Written when FBK_OK or
 *                           FBK_ECORRUPT is returned.
 *
 * @retval FBK_OK         sound.
 * @retval FBK_ECORRUPT   problems were found; the message is the first one.
 * @retval FBK_EIO        reading failed.
 * @retval FBK_EEXPIRED   the log was too large to be read within the time of one snapshot.
 * @retval FBK_ECANCELLED the callback asked to stop.
 * @retval FBK_ECALLBACK  the callback failed.
 * @retval FBK_EMISUSE    the connection was carried over fork().
 * @retval FBK_ENOMEM     out of memory.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(events and their lines).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_event_check(fbk *db, fbk_problem_fn problem, void *user_data, uint64_t *out_problems);

FBK_END_DECLS
#endif
