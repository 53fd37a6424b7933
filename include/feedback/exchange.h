/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_EXCHANGE_H
#define FEEDBACK_EXCHANGE_H

#include <feedback/base.h>

/** @file
 *  What stores tell each other: merging two, files that carry what is new in one, and everything as
 *  text. */
FBK_BEGIN_DECLS

/** Formats of fbk_export_file(). @since 0.1 */
enum {
    FBK_EXPORT_BUNDLE = 0, /**< One checksummed file that fbk_merge_file() reads. */
    FBK_EXPORT_LINES = 1   /**< Newline-delimited JSON, an event a line, sorted by event id. */
};

/** Flags of fbk_export_options. @since 0.1 */
enum {
    FBK_EXPORT_OVERWRITE = 1, /**< Replace a file that is there; else FBK_EEXIST. */
    FBK_EXPORT_EVERYTHING = 2 /**< With LINES: also conflicts, links, items, places … */
};

/** Options of fbk_export_file(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_export_options {
    uint32_t struct_size;     /**< sizeof(fbk_export_options), as the caller was compiled. */
    uint32_t format;          /**< FBK_EXPORT_BUNDLE or FBK_EXPORT_LINES. */
    uint32_t flags;           /**< FBK_EXPORT_* bits; unknown bits give FBK_EINVAL. */
    uint32_t memory_mib;      /**< With LINES: for sorting, MiB, [1, 65536]; 0 = 64. */
    uint64_t after_event;     /**< Only events that came after this one; 0 = all. */
    const char *temp_dir;     /**< With LINES: for a nameless temporary file; NULL = /var/tmp. */
    fbk_progress_fn progress; /**< Called with events written and all there are. May be NULL. */
    void *progress_data;      /**< Handed to @p progress. */
} fbk_export_options;
#define FBK_EXPORT_OPTIONS_INIT                                                         \
    {                                                                                   \
        (uint32_t)sizeof(fbk_export_options), 0u, 0u, 0u, UINT64_C(0), NULL, NULL, NULL \
    }

/** What fbk_export_file() wrote. @since 0.1 */
typedef struct fbk_export_report {
    uint32_t struct_size; /**< sizeof(fbk_export_report), as the caller was compiled. */
    uint32_t reserved0;   /**< 0. */
    uint64_t events;      /**< Events in the file. */
    uint64_t last_event;  /**< What after_event is to be next time. */
    uint64_t bytes;       /**< Length of the file. */
} fbk_export_report;
#define FBK_EXPORT_REPORT_INIT                                                         \
    {                                                                                  \
        (uint32_t)sizeof(fbk_export_report), 0u, UINT64_C(0), UINT64_C(0), UINT64_C(0) \
    }

/** Options of fbk_merge_file() and fbk_store_merge(). All zero but struct_size = all defaults.
 *  @since 0.1 */
typedef struct fbk_merge_options {
    uint32_t struct_size;     /**< sizeof(fbk_merge_options), as the caller was compiled. */
    uint32_t flags;           /**< Must be 0. */
    const char *temp_dir;     /**< fbk_store_merge(): for a nameless temporary file; NULL =
                                   /var/tmp. */
    fbk_progress_fn progress; /**< Called with bytes: verifying counts half, storing half. May be
                                   NULL. */
    void *progress_data;      /**< Handed to @p progress. */
} fbk_merge_options;
#define FBK_MERGE_OPTIONS_INIT                                    \
    {                                                             \
        (uint32_t)sizeof(fbk_merge_options), 0u, NULL, NULL, NULL \
    }

/** What a merge did. @since 0.1 */
typedef struct fbk_merge_report {
    uint32_t struct_size;     /**< sizeof(fbk_merge_report), as the caller was compiled. */
    uint32_t reserved0;       /**< 0. */
    uint64_t events_added;    /**< Events that were not there. */
    uint64_t events_already;  /**< Events that were there with the same content. */
    uint64_t events_conflict; /**< Events that were there with other content: both versions are
                                   kept, one as the event, one noted. */
    uint64_t events_replaced; /**< Of these, those where the other store's version is now the
                                   event. */
    uint64_t events_erased;   /**< Events that were not taken because they were erased before. */
    uint64_t events_dropped;  /**< Events of this store that are erased now. */
    uint64_t lines_added;     /**< Lines of the events that were not there. */
    uint64_t rows_changed;    /**< Items, places, stock, weather, links …: rows that changed. */
} fbk_merge_report;
#define FBK_MERGE_REPORT_INIT                                                          \
    {                                                                                  \
        (uint32_t)sizeof(fbk_merge_report), 0u, UINT64_C(0), UINT64_C(0), UINT64_C(0), \
            UINT64_C(0), UINT64_C(0), UINT64_C(0), UINT64_C(0), UINT64_C(0)            \
    }

/**
 * Write a file with what is in a store, or with what is new in it.
 *
 * A bundle has the events after after_event, and always all erasures, conflicts, links that the host
 * made, and rows of the catalogue, places, stock and weather; no models. Lines have each event as a
 * JSON object with names in place of numbers, sorted by event id: the same bytes for the same
 * content, whatever store it is in. The file is written under another name, synced and then renamed;
 * its mode is 0600, for it holds personal data in the clear.
 *
 * @param         db          Connection.
 * @param[in]     path        File to be made. Borrowed for the call.
 * @param[in]     options     NULL = defaults. Borrowed for the call.
 * @param[in,out] out_report  NULL, or a structure with struct_size set; untouched on failure.
 *
 * @retval FBK_OK         written.
 * @retval FBK_EINVAL     a pointer is NULL, an unknown format or flag, or a bad path.
 * @retval FBK_ERANGE     memory_mib is outside its range.
 * @retval FBK_EEXIST     the file exists, and FBK_EXPORT_OVERWRITE was not given.
 * @retval FBK_ENOTFOUND  the directory does not exist.
 * @retval FBK_EEXPIRED   events were moved or erased while they were read; start again.
 * @retval FBK_ECORRUPT   the store is damaged.
 * @retval FBK_ECANCELLED the callback asked to stop; no file was made.
 * @retval FBK_ECALLBACK  the callback failed; no file was made.
 * @retval FBK_EREADONLY  the directory cannot be written.
 * @retval FBK_EFULL      the disk is full.
 * @retval FBK_EIO        reading or writing failed.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EABI       a struct_size fits no version.
 * @retval FBK_EMISUSE    the connection was carried over fork().
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(events), for lines O(events log events); memory does not grow with the store.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_export_file(fbk *db, const char *path, const fbk_export_options *options,
                fbk_export_report *out_report);

/**
 * Bring a bundle into a store.
 *
 * In whatever order bundles of different stores are brought together, and however often, the result
 * is the same. Events are stored once. Of two versions of one event the one whose content has the
 * lower hash stays, the other is noted as a conflict. What one store erased is erased in the other,
 * and what was erased is not brought back: neither by its event ids, nor as what an erased
 * identifier did before. Of rows of the catalogue and the like the last writer's stays. Models stay
 * as they are until they are trained again. The whole file is verified before anything is stored;
 * a merge that was cut short, even by a kill, is taken up by calling again.
 *
 * @param         into        Connection to the store that is to have it all.
 * @param[in]     path        Bundle. Borrowed for the call.
 * @param[in]     options     NULL = defaults. Borrowed for the call.
 * @param[in,out] out_report  NULL, or a structure with struct_size set; untouched on failure.
 *
 * @retval FBK_OK         all of it is in the store.
 * @retval FBK_ECORRUPT   the file was cut short or changed, or is no bundle; nothing was stored.
 * @retval FBK_ESCHEMA    the bundle was written by a newer version; nothing was stored.
 * @retval FBK_ECONFLICT  the other store has another currency, or prices of the other kind (with
 *                        tax, without): sums would be wrong; nothing was stored.
 * @retval FBK_EINVAL     a pointer is NULL, a flag unknown, or something in the bundle is none that
 *                        can be (an item that would be its own ancestor, say).
 * @retval FBK_ERANGE     likewise, a number.
 * @retval FBK_ENOTFOUND  there is no such file.
 * @retval FBK_ECANCELLED the callback asked to stop; what was committed stays.
 * @retval FBK_ECALLBACK  the callback failed; likewise.
 * @retval FBK_EREADONLY  the store was opened read-only.
 * @retval FBK_EBUSY      others kept the store locked for longer than the timeout.
 * @retval FBK_EFULL      a disk is full; what was committed stays.
 * @retval FBK_EIO        reading or writing failed; likewise.
 * @retval FBK_ENOMEM     out of memory; likewise.
 * @retval FBK_EABI       a struct_size fits no version.
 * @retval FBK_EMISUSE    the connection was carried over fork().
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(events of the bundle), and one pass over the store where something is erased or a
 *             conflict is to be settled.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_merge_file(fbk *into, const char *path, const fbk_merge_options *options,
               fbk_merge_report *out_report);

/**
 * Bring everything of one store into another: fbk_export_file() into a nameless temporary file of
 * mode 0600, and fbk_merge_file() of it.
 *
 * @param         into        Connection to the store that is to have it all.
 * @param         from        Connection to the other; it is only read, and may be read-only.
 * @param[in]     options     NULL = defaults. Borrowed for the call.
 * @param[in,out] out_report  NULL, or a structure with struct_size set; untouched on failure.
 *
 * @retval FBK_OK         all of it is in @p into.
 * @retval FBK_EINVAL     a pointer is NULL, both are the same, or a flag is unknown.
 * @retval FBK_EEXPIRED   events of @p from were moved or erased while they were read; start again.
 * @retval FBK_ECONFLICT, FBK_ECORRUPT, FBK_EREADONLY, FBK_EBUSY, FBK_EFULL, FBK_EIO, FBK_ENOMEM,
 *         FBK_ECANCELLED, FBK_ECALLBACK, FBK_EABI, FBK_EMISUSE  as fbk_merge_file(); the message is
 *         on @p into, also when it was @p from that failed.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       as fbk_merge_file(), and O(events) of @p from, with a temporary file of about the size
 *             of the store.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_store_merge(fbk *into, fbk *from, const fbk_merge_options *options,
                fbk_merge_report *out_report);

FBK_END_DECLS
#endif
