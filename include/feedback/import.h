/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_IMPORT_H
#define FEEDBACK_IMPORT_H

#include <feedback/base.h>

/** @file
 *  Files of events in: CSV and newline-delimited JSON, plain or compressed with zstd, read by a
 *  mapping that says what their columns mean (feedback-import(5)). */
FBK_BEGIN_DECLS

/** Options of fbk_import_file(). All zero but struct_size and one of map_path and map_text = all
 *  defaults. @since 0.1 */
typedef struct fbk_import_options {
    uint32_t struct_size;     /**< sizeof(fbk_import_options), as the caller was compiled. */
    uint32_t flags;           /**< Must be 0. */
    const char *map_path;     /**< File of the mapping; or … */
    const char *map_text;     /**< … its text, NUL-terminated. Exactly one of the two. */
    const char *rejects_path; /**< CSV file to be made or emptied for rejected rows: row, line,
                                   field, reason; never a value. NULL = they are only counted. */
    const char *temp_dir;     /**< Directory for a nameless temporary file; NULL = /var/tmp. */
    fbk_time received_us;     /**< Of all events, (0, FBK_TIME_MAX]; 0 = now. */
    uint32_t batch_events;    /**< Events a commit, [1, 1000000]; 0 = 4096. */
    uint32_t memory_mib;      /**< For sorting, MiB, [1, 65536]; 0 = 64. */
    fbk_progress_fn progress; /**< Called with bytes of the file as it lies on disk: reading counts
                                   half, storing half. May be NULL. */
    void *progress_data;      /**< Handed to @p progress. */
} fbk_import_options;
#define FBK_IMPORT_OPTIONS_INIT                                                               \
    {                                                                                         \
        (uint32_t)sizeof(fbk_import_options), 0u, NULL, NULL, NULL, NULL, INT64_C(0), 0u, 0u, \
            NULL, NULL                                                                        \
    }

/** What fbk_import_file() did. @since 0.1 */
typedef struct fbk_import_report {
    uint32_t struct_size;     /**< sizeof(fbk_import_report), as the caller was compiled. */
    uint32_t reserved0;       /**< 0. */
    uint64_t rows_read;       /**< Records of the file, without header and blank lines. */
    uint64_t rows_rejected;   /**< Of them, those that are in no event that was stored or there. */
    uint64_t rows_skipped;    /**< Of them, those that the mapping leaves out. */
    uint64_t events_added;    /**< Events stored. */
    uint64_t events_already;  /**< Events that were there with the same content. */
    uint64_t events_conflict; /**< Events whose id another event has: noted, not stored. */
    uint64_t events_erased;   /**< Events whose id belongs to an erased one: not stored. */
    uint64_t events_rejected; /**< Events that a row spoiled, counted once each. */
    uint64_t lines_added;     /**< Lines of the events stored. */
    uint64_t items_described; /**< Items written to the catalogue. */
    uint64_t local_gaps;      /**< Local times that the clocks left out. */
    uint64_t local_overlaps;  /**< Local times that the clocks showed twice. */
    int64_t reject_row;       /**< First rejected row, from 1; 0 = none. */
    int64_t reject_line;      /**< Line of the file on which it begins, from 1. */
    char reject_field[64];    /**< Field to blame; "" = none. */
    char reject_reason[192];  /**< What was wrong with it, past tense; "" = nothing. */
} fbk_import_report;
#define FBK_IMPORT_REPORT_INIT                                                                   \
    {                                                                                            \
        (uint32_t)sizeof(fbk_import_report), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, \
            INT64_C(0), INT64_C(0), {0},                                                         \
        {                                                                                        \
            0                                                                                    \
        }                                                                                        \
    }

/**
 * Store the events of a file.
 *
 * All rows that have one event id are one event, wherever they stand in the file; its time is the
 * earliest of them, and they must agree in everything else that is not of a line. Without ids in the
 * file an event's id is made of the source, the row's content and its ordinal among equal rows. The
 * file is read whole before the first event is stored, in bounded memory; then events are stored in
 * the order of their first rows, a commit for each batch. A call that was cut short, even by a kill,
 * is taken up by calling again: what is there is not stored twice. A row that does not fit costs its
 * event and nothing else.
 *
 * @param         db          Connection.
 * @param[in]     path        File, plain or zstd, told by its first bytes. Borrowed for the call.
 * @param[in]     options     With a mapping; see fbk_import_options. Borrowed for the call.
 * @param[in,out] out_report  NULL, or a structure with struct_size set; also written when the call
 *                            fails after it began to read.
 *
 * @retval FBK_OK         the file was read to its end. Rows may have been rejected: see the report.
 * @retval FBK_EINVAL     a pointer is NULL, no mapping or two, the mapping is wrong (the message
 *                        names the member), a column that it names is not in the header, the file is
 *                        damaged or in another encoding. Nothing was stored.
 * @retval FBK_ERANGE     a number of the options is outside its range.
 * @retval FBK_ENOTFOUND  there is no such file, mapping or time zone.
 * @retval FBK_ETOOBIG    the zstd file asks for a window of more than 32 MiB, or the mapping is
 *                        longer than 1 MiB.
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
 * @cost       O(rows log rows); memory memory_mib, the longest record and one batch.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_import_file(fbk *db, const char *path, const fbk_import_options *options,
                fbk_import_report *out_report);

FBK_END_DECLS
#endif
