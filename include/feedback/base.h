/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_BASE_H
#define FEEDBACK_BASE_H

#include <feedback/version.h>
#include <stddef.h>
#include <stdint.h>

/** @file
 *  What every other header needs: status codes, error text, allocator, time, version. */

#ifdef __cplusplus
#define FBK_BEGIN_DECLS extern "C" {
#define FBK_END_DECLS }
#else
#define FBK_BEGIN_DECLS
#define FBK_END_DECLS
#endif

#if defined(__GNUC__)
#define FBK_API __attribute__((visibility("default")))
#define FBK_MUST_USE __attribute__((warn_unused_result))
#define FBK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define FBK_API
#define FBK_MUST_USE
#define FBK_PRINTF(fmt, args)
#endif

FBK_BEGIN_DECLS

/** Result of a call: 0 success, negative failure, positive a result that is no error.
 *  A code that a caller does not know is to be treated as failure when negative. @since 0.1 */
typedef int32_t fbk_status;

/** Status codes; numbers are never reused. @since 0.1 */
enum {
    FBK_OK = 0,   /**< Done. */
    FBK_DONE = 1, /**< Nothing more to give, or nothing had to be done. */

    FBK_ENOMEM = -1, /**< Out of memory; nothing was changed. */
    FBK_EINVAL = -2, /**< An argument is wrong (NULL, unknown flag, malformed text). */
    FBK_ERANGE = -3, /**< A value is outside its documented range, or not finite. */

    FBK_ENOTFOUND = -10, /**< What was asked for does not exist. */
    FBK_EEXIST = -11,    /**< What was to be made exists already. */
    FBK_ECONFLICT = -12, /**< The same id came with other content. */

    FBK_ENODATA = -20, /**< Too few rows to say anything. */
    FBK_ENOCONV = -21, /**< The fit did not converge; the message says what was seen. */

    FBK_EIO = -30,       /**< Reading or writing failed; see fbk_errinfo.sqlite_code. */
    FBK_EDB = -31,       /**< SQLite refused; see fbk_errinfo.sqlite_code. */
    FBK_EBUSY = -32,     /**< Locked by somebody else for longer than the timeout; try again. */
    FBK_EFULL = -33,     /**< The disk, or a quota, is full. */
    FBK_EREADONLY = -34, /**< The store or its directory cannot be written. */
    FBK_ECORRUPT = -35,  /**< The file is damaged, or is not a store. */
    FBK_ESCHEMA = -36,   /**< The store was made by a newer version. */

    FBK_EEXPIRED = -40,   /**< The snapshot is too old; start again. */
    FBK_ECANCELLED = -41, /**< A progress callback asked to stop. */
    FBK_ETOOBIG = -42,    /**< A budget (memory, size, time) does not suffice. */

    FBK_ECONSENT = -50, /**< The customer has not agreed to this purpose. */

    FBK_ECALLBACK = -60, /**< A callback failed; fbk_errinfo.callback_value is what it gave. */

    FBK_EABI = -70,    /**< struct_size fits no version of this structure. */
    FBK_ENOTSUP = -71, /**< Not available in this build or for this kind of file. */
    FBK_EMISUSE = -72  /**< Wrong state: after fork, after close, inside a callback. */
};

/** An instant: microseconds since 1970-01-01 00:00:00 UTC. Valid instants are
 *  [FBK_TIME_MIN, FBK_TIME_MAX], the years 1 to 9999. @since 0.1 */
typedef int64_t fbk_time;

#define FBK_TIME_MIN INT64_C(-62135596800000000) /**< 0001-01-01T00:00:00Z */
#define FBK_TIME_MAX INT64_C(253402300799999999) /**< 9999-12-31T23:59:59.999999Z */
/** "No time given" in structures where an instant is optional; not a valid instant. */
#define FBK_TIME_NONE INT64_MIN

/** A thread's own handle on a store; opaque. @since 0.1 */
typedef struct fbk fbk;

/** Memory functions of the host, given once when a store is opened. @since 0.1
 *
 *  All three may be called from any thread that uses the store; they must be set together or not
 *  at all. SQLite keeps its own allocator, which belongs to the application. */
typedef struct fbk_allocator {
    uint32_t struct_size; /**< sizeof(fbk_allocator), as the caller was compiled. */
    uint32_t reserved0;   /**< Must be 0. */
    void *(*malloc_fn)(size_t size, void *user_data);             /**< As malloc(). */
    void *(*realloc_fn)(void *ptr, size_t size, void *user_data); /**< As realloc(). */
    void (*free_fn)(void *ptr, void *user_data);                  /**< As free(). */
    void *user_data;                                              /**< Handed to all three. */
} fbk_allocator;

/** What the last failed call on a connection had to say. @since 0.1 */
typedef struct fbk_errinfo {
    uint32_t struct_size;   /**< sizeof(fbk_errinfo), as the caller was compiled. */
    fbk_status status;      /**< FBK_OK when the last call succeeded. */
    int32_t sqlite_code;    /**< SQLite's extended result code, 0 if SQLite was not the cause. */
    int32_t callback_value; /**< What a callback returned, with FBK_ECALLBACK; else 0. */
    int64_t row;            /**< Row of the input, from 1; 0 if no row is to blame. */
    char field[64];         /**< Name of the field or argument; "" if none is to blame. */
    char message[408];      /**< One sentence, UTF-8, no personal data; "" on success. */
} fbk_errinfo;

/** Called by long calls about ten times a second.
 *
 *  @param user_data what the options of the call named.
 *  @param done      units done so far (rows, bytes: the call says which).
 *  @param total     units in all, 0 if unknown.
 *  @retval FBK_OK          go on.
 *  @retval FBK_ECANCELLED  stop; the call returns FBK_ECANCELLED and has changed nothing more
 *                          than its documentation says.
 *  @retval any other negative value: the call returns FBK_ECALLBACK.
 *  The callback must not use the connection of the call. @since 0.1 */
typedef fbk_status (*fbk_progress_fn)(void *user_data, uint64_t done, uint64_t total);

/**
 * Text of the last error on a connection.
 *
 * @param db  Connection, or NULL.
 * @return one sentence; "" if the last call succeeded or @p db is NULL. Never NULL.
 *
 * @ownership  borrowed until the next call on @p db.
 * @threads    connection
 * @cost       O(1).
 * @since 0.1
 */
FBK_API const char *
fbk_errmsg(const fbk *db);

/**
 * Everything known of the last error on a connection.
 *
 * @param      db    Connection. Borrowed for the call.
 * @param[out] info  Caller's structure with struct_size set; the fields that fit are written.
 *
 * @retval FBK_OK      written.
 * @retval FBK_EINVAL  a pointer is NULL.
 * @retval FBK_EABI    struct_size is below the first version's.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(1).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_error_info(const fbk *db, fbk_errinfo *info);

/**
 * Name of a status code, "FBK_EBUSY" say.
 *
 * @param status  Any number.
 * @return a constant; "FBK_UNKNOWN" for a number that this version does not know. Never NULL.
 *
 * @ownership  static.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API const char *
fbk_status_name(fbk_status status);

/**
 * Version of the library that is running, as FBK_VERSION_NUMBER; it may be newer than the headers.
 *
 * @return major * 1000000 + minor * 1000 + patch.
 *
 * @ownership  a value.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API int32_t
fbk_version_number(void);

/**
 * Version of the library that is running, as text.
 *
 * @return "major.minor.patch". Never NULL.
 *
 * @ownership  static.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API const char *
fbk_version_string(void);

/**
 * How the library was built and what it runs on, one "name: value" a line: its own version, and
 * those of SQLite, zstd, xxHash, libsodium and OpenBLAS that are loaded, with a word where one is
 * known to be faulty.
 *
 * @return text of several lines. Never NULL.
 *
 * @ownership  static; made on the first call.
 * @threads    any
 * @cost       O(1).
 * @since 0.1
 */
FBK_API const char *
fbk_build_info(void);

FBK_END_DECLS
#endif
