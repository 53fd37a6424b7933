/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_PLACE_H
#define FEEDBACK_PLACE_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  Places: shops, offices, points of interest, with position, time zone and weather station.
 *
 *  A place is known by its code. One that an event names before it is described exists from then on,
 *  without a description, in the store's time zone. */
FBK_BEGIN_DECLS

/** Longest texts, in bytes without the NUL. @since 0.1 */
enum {
    FBK_PLACE_CODE_MAX = 63,   /**< Code: 1 to this many bytes, UTF-8. */
    FBK_PLACE_NAME_MAX = 255,  /**< Name, UTF-8. */
    FBK_TIME_ZONE_MAX = 63,    /**< IANA name, as "Europe/London". */
    FBK_STATION_CODE_MAX = 63, /**< Code of a weather station: 1 to this many bytes, UTF-8. */
    FBK_TZIF_MAX = 65536       /**< Bytes of a TZif file. */
};

/** Bits of fbk_place.flags and fbk_place_info.flags. @since 0.1 */
enum {
    FBK_PLACE_HAS_POSITION = 1, /**< latitude_deg and longitude_deg are given. */
    FBK_PLACE_REPLACE = 2,      /**< Upsert only: what is not given is cleared, not kept. */
    FBK_PLACE_DESCRIBED = 4     /**< Info only: it was described, not only met in an event. */
};

/** One place as the caller knows it. What is NULL, or has no flag, stays as it was. @since 0.1 */
typedef struct fbk_place {
    uint32_t struct_size;  /**< sizeof(fbk_place), as the caller was compiled. */
    uint32_t flags;        /**< FBK_PLACE_HAS_POSITION, FBK_PLACE_REPLACE. */
    const char *code;      /**< Required. */
    const char *name;      /**< To show. */
    const char *time_zone; /**< IANA name; none = the store's. */
    const char *station;   /**< Weather station; none = the place's own code. */
    const void *tzif;      /**< Content of the zone's TZif file; NULL = the system's is read. */
    uint64_t tzif_len;     /**< Bytes of it, [1, FBK_TZIF_MAX]; 0 with NULL. */
    double latitude_deg;   /**< North positive, [-90, 90]. */
    double longitude_deg;  /**< East positive, [-180, 180]. */
} fbk_place;
#define FBK_PLACE_INIT                                                                       \
    {                                                                                        \
        (uint32_t)sizeof(fbk_place), 0u, NULL, NULL, NULL, NULL, NULL, UINT64_C(0), 0.0, 0.0 \
    }

/** What is known of a place. Texts are NUL-terminated, "" if not known. @since 0.1 */
typedef struct fbk_place_info {
    uint32_t struct_size; /**< sizeof(fbk_place_info), as the caller was compiled. */
    uint32_t flags;       /**< FBK_PLACE_HAS_POSITION, FBK_PLACE_DESCRIBED. */
    double latitude_deg;  /**< With FBK_PLACE_HAS_POSITION. */
    double longitude_deg; /**< With FBK_PLACE_HAS_POSITION. */
    char code[64];        /**< Its code. */
    char name[256];       /**< Name. */
    char time_zone[64];   /**< The zone that holds there, the store's included. */
    char station[64];     /**< The weather station that holds there. */
} fbk_place_info;

/**
 * Add a place, or change what is known of it.
 *
 * The zone's rules are kept in the store, so that answers do not change with the machine. Naming a
 * zone again with @c tzif replaces its rules; without, the rules in the store stay.
 *
 * @param      db     Connection.
 * @param[in]  place  What is to be stored. Borrowed for the call.
 *
 * @retval FBK_OK        stored.
 * @retval FBK_EINVAL    a pointer is NULL, a text is empty or not UTF-8, an unknown flag, a name that
 *                       no zone can have, or bytes that are no TZif file.
 * @retval FBK_ERANGE    a text is too long, or a position is outside its range.
 * @retval FBK_ENOTFOUND the system has no such time zone.
 * @retval FBK_ENOTSUP   the zone counts leap seconds.
 * @retval FBK_EABI      struct_size fits no version.
 * @retval FBK_EBUSY     the store was locked for longer than the timeout.
 * @retval FBK_EREADONLY the store cannot be written.
 * @retval FBK_ENOMEM    out of memory; nothing was changed.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one durable commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_place_upsert(fbk *db, const fbk_place *place);

/**
 * Add or change many places in one transaction: all or none.
 *
 * Columns: `code` (text, required), `name`, `time_zone`, `station` (text), `latitude_deg`,
 * `longitude_deg` (doubles, both or neither). A null leaves what is known; other columns are ignored.
 *
 * @param      db        Connection.
 * @param      rows      Stream of rows; taken over also on failure: its release becomes NULL.
 * @param[out] out_rows  Rows stored; may be NULL. Untouched on error.
 *
 * @retval FBK_OK        all rows were stored.
 * @retval FBK_EINVAL    as fbk_place_upsert(), or a column is missing or of a type that does not fit.
 * @retval FBK_ERANGE    a value is outside its range.
 * @retval FBK_ENOTFOUND the system has no such time zone.
 * @retval FBK_EIO       the stream failed.
 * @retval FBK_EBUSY     the store was locked for longer than the timeout.
 * @retval FBK_EREADONLY the store cannot be written.
 * @retval FBK_ENOMEM    out of memory; nothing was changed.
 *
 * @ownership  the stream is released by this call.
 * @threads    connection
 * @cost       O(rows log places), one durable commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_place_upsert_rows(fbk *db, struct ArrowArrayStream *rows, int64_t *out_rows);

/**
 * What is known of a place.
 *
 * @param      db    Connection.
 * @param[in]  code  Its code.
 * @param[out] out   Caller's structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK        written.
 * @retval FBK_ENOTFOUND there is no such place.
 * @retval FBK_EINVAL    a pointer is NULL.
 * @retval FBK_EABI      struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(log places).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_place_get(fbk *db, const char *code, fbk_place_info *out);

/**
 * The place nearest to a position, by the great circle on a sphere of 6371.0088 km radius.
 *
 * Of places equally near, the one that became known first.
 *
 * @param      db             Connection.
 * @param      latitude_deg   North positive, [-90, 90].
 * @param      longitude_deg  East positive, [-180, 180].
 * @param[out] out            Caller's structure with struct_size set; untouched on error.
 * @param[out] out_km         Distance in kilometres; may be NULL; untouched on error.
 *
 * @retval FBK_OK        written.
 * @retval FBK_ENOTFOUND no place has a position.
 * @retval FBK_ERANGE    the position is outside its range or not finite.
 * @retval FBK_EINVAL    a pointer is NULL.
 * @retval FBK_EABI      struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(places), in memory.
 * @accuracy   0.6 % of the distance (the Earth is no sphere).
 * @source     haversine: Sinnott, Virtues of the Haversine, Sky and Telescope 68(2), 1984.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_place_nearest(fbk *db, double latitude_deg, double longitude_deg, fbk_place_info *out,
                  double *out_km);

/**
 * All places, in the order in which they became known.
 *
 * @param      db        Connection.
 * @param[out] out_rows  Columns `code`, `name`, `latitude_deg`, `longitude_deg`, `time_zone`, `station`,
 *                       `described`; what is not known is null. Untouched on error.
 *
 * @retval FBK_OK      the stream is the caller's.
 * @retval FBK_EINVAL  a pointer is NULL.
 * @retval FBK_ENOMEM  out of memory.
 *
 * @ownership  owned: release by out_rows->release.
 * @threads    connection
 * @cost       O(places), all in memory.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_place_list(fbk *db, struct ArrowArrayStream *out_rows);

FBK_END_DECLS
#endif
