/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_STORE_H
#define FEEDBACK_STORE_H

#include <feedback/base.h>

/** @file
 *  Opening, connecting to, checking and backing up a store. */

FBK_BEGIN_DECLS

/** One file that holds everything, opened once per process and shared by its threads; opaque. @since 0.1 */
typedef struct fbk_store fbk_store;

/** Flags of fbk_store_options. @since 0.1 */
enum {
    FBK_STORE_CREATE = 1,         /**< Make the file when it does not exist. */
    FBK_STORE_EXCLUSIVE = 2,      /**< With CREATE: FBK_EEXIST when it does exist. */
    FBK_STORE_READONLY = 4,       /**< Never write; every change is FBK_EREADONLY. */
    FBK_STORE_ANY_FILESYSTEM = 8, /**< Allow a network or FUSE file system, at the caller's risk. */
    FBK_STORE_PRICES_NET = 16     /**< At creation: prices are without tax (default: with tax). */
};

/** Durability of a commit. @since 0.1 */
enum {
    FBK_DURABILITY_FULL = 0, /**< Survives power loss (default). */
    FBK_DURABILITY_NORMAL =
        1 /**< Survives a kill; the newest commits may be lost with the power. */
};

/** Options of fbk_store_open(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_store_options {
    uint32_t struct_size;     /**< sizeof(fbk_store_options), as the caller was compiled. */
    uint32_t flags;           /**< FBK_STORE_* bits; unknown bits give FBK_EINVAL. */
    uint32_t durability;      /**< FBK_DURABILITY_*. */
    uint32_t busy_timeout_ms; /**< Wait for a lock, [1, 600000]; 0 = 10000. */
    uint32_t cache_kib;       /**< SQLite's page cache per connection, [64, 4194304]; 0 = 16384. */
    uint32_t page_size;       /**< At creation: 4096 or 8192; 0 = 4096. */
    const fbk_allocator *allocator; /**< Copied; NULL = the C library's. */
    const char *vfs;       /**< Name of the SQLite VFS underneath; NULL = the default one. */
    const char *currency;  /**< At creation: ISO 4217, three capitals; NULL = "EUR". */
    const char *time_zone; /**< At creation: IANA name; NULL = "UTC". */
} fbk_store_options;

FBK_END_DECLS
#endif
