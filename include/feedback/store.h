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

#define FBK_STORE_OPTIONS_INIT                                                          \
    {                                                                                   \
        (uint32_t)sizeof(fbk_store_options), 0u, 0u, 0u, 0u, 0u, NULL, NULL, NULL, NULL \
    }

/**
 * Open a store, or make one.
 *
 * A store is opened once per process and shared by its threads, each with a connection of its own
 * (fbk_connect()); any number of processes may have the same store open. A second open of the same
 * file in one process behaves like another process. Beside the file `x` stand `x-wal`, `x-shm`
 * (SQLite's) and `x-fbk.lck` (the lock between processes; never delete it while the store is in use).
 * Only libfeedback may write the file while it is open anywhere; any SQLite tool may read it.
 *
 * @param[in]  path       Path of the file, or ":memory:" for a private store that is removed with
 *                        its last handle. Symbolic and hard links are refused. Borrowed for the call.
 * @param[in]  options    NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out_store  The store; untouched on error.
 * @param[out] info       NULL, or a structure with struct_size set that is told of a failure.
 *
 * @retval FBK_OK         open; the schema is this version's.
 * @retval FBK_EINVAL     a pointer is NULL, an option malformed, the path a link or no plain file.
 * @retval FBK_ERANGE     a number of the options is outside its range.
 * @retval FBK_ENOTFOUND  there is no such file, and FBK_STORE_CREATE was not given.
 * @retval FBK_EEXIST     there is one, and FBK_STORE_EXCLUSIVE was given.
 * @retval FBK_ECORRUPT   the file is no store, another application's, or damaged.
 * @retval FBK_ESCHEMA    the store was made by a newer version of libfeedback.
 * @retval FBK_EREADONLY  the file or its directory cannot be written; try FBK_STORE_READONLY.
 * @retval FBK_EBUSY      another process kept it locked for longer than the timeout.
 * @retval FBK_EFULL      the disk is full.
 * @retval FBK_EIO        reading or writing failed.
 * @retval FBK_ENOTSUP    a network file system, or a SQLite that is too old or without threads.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EABI       struct_size fits no version.
 *
 * @ownership  @p out_store is owned by the caller, closed with fbk_store_close().
 * @threads    any
 * @cost       about a millisecond; making a store writes and syncs some twenty pages.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_store_open(const char *path, const fbk_store_options *options, fbk_store **out_store,
               fbk_errinfo *info);

/**
 * Give up a store. Connections that are still open keep it alive; the last one closes the file,
 * after writing the write-ahead log back into it.
 *
 * @param[in] store  NULL is a no-op. After fork() the child's call does nothing.
 *
 * @ownership  @p store must not be used afterwards.
 * @threads    any
 * @cost       O(pages not yet written back) for the last handle.
 * @since 0.1
 */
FBK_API void
fbk_store_close(fbk_store *store);

/**
 * Make a connection: a thread's own handle on a store.
 *
 * @param[in]  store   Open store.
 * @param[out] out_db  The connection; untouched on error.
 *
 * @retval FBK_OK       connected.
 * @retval FBK_EINVAL   a pointer is NULL.
 * @retval FBK_EMISUSE  the store was opened before fork(), in the parent.
 * @retval FBK_EBUSY    another process kept the file locked for longer than the timeout.
 * @retval FBK_ECORRUPT the file is damaged.
 * @retval FBK_EIO      reading failed.
 * @retval FBK_ENOMEM   out of memory.
 *
 * @ownership  @p out_db is owned by the caller, closed with fbk_close(); it keeps the store alive.
 * @threads    any
 * @cost       about 0.2 ms, three file descriptors and the page cache.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_connect(fbk_store *store, fbk **out_db);

/**
 * Close a connection.
 *
 * @param[in] db  NULL is a no-op. After fork() the child's call does nothing.
 *
 * @ownership  @p db must not be used afterwards.
 * @threads    connection
 * @cost       O(1); see fbk_store_close() for the last handle of a store.
 * @since 0.1
 */
FBK_API void
fbk_close(fbk *db);

/** What fbk_store_facts.flags says. @since 0.1 */
enum {
    FBK_STORE_FACT_READONLY = 1,   /**< Opened read-only. */
    FBK_STORE_FACT_IMMUTABLE = 2,  /**< Read as a file that nobody changes (read-only directory). */
    FBK_STORE_FACT_PRICES_NET = 4, /**< Prices are without tax. */
    FBK_STORE_FACT_MEMORY = 8      /**< Opened as ":memory:". */
};

/** Facts about a store. @since 0.1 */
typedef struct fbk_store_facts {
    uint32_t struct_size;    /**< sizeof(fbk_store_facts), as the caller was compiled. */
    uint32_t flags;          /**< FBK_STORE_FACT_* bits. */
    uint32_t schema_version; /**< Of the file; 1. */
    uint32_t page_size;      /**< Bytes. */
    uint32_t durability;     /**< FBK_DURABILITY_*, as opened. */
    uint32_t reserved0;      /**< 0. */
    uint64_t n_pages;        /**< Pages of the database as this connection sees it. */
    uint64_t n_free_pages;   /**< Of these, unused. */
    uint64_t file_len;       /**< Bytes of the file. */
    uint64_t wal_len;        /**< Bytes of the write-ahead log beside it. */
    char currency[8];        /**< ISO 4217. */
    char time_zone[64];      /**< IANA name of the store's zone. */
} fbk_store_facts;

/**
 * Facts about a store: schema version, sizes, currency, zone.
 *
 * @param[in]  db   Connection.
 * @param[out] out  Caller's structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK       written.
 * @retval FBK_EINVAL   a pointer is NULL.
 * @retval FBK_EABI     struct_size fits no version.
 * @retval FBK_EMISUSE  the connection was carried over fork().
 * @retval FBK_EIO      reading failed.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(1), a few pages read.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_store_info(fbk *db, fbk_store_facts *out);

/** Flags of fbk_store_backup_options. @since 0.1 */
enum {
    FBK_BACKUP_OVERWRITE = 1 /**< Replace a file that exists (atomically, once the copy is good). */
};

/** Options of fbk_store_backup(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_store_backup_options {
    uint32_t struct_size;     /**< sizeof(fbk_store_backup_options), as the caller was compiled. */
    uint32_t flags;           /**< FBK_BACKUP_* bits; unknown bits give FBK_EINVAL. */
    fbk_progress_fn progress; /**< Bytes copied, then verified; may be NULL. */
    void *progress_user_data; /**< Handed to progress. */
} fbk_store_backup_options;
#define FBK_STORE_BACKUP_OPTIONS_INIT                              \
    {                                                              \
        (uint32_t)sizeof(fbk_store_backup_options), 0u, NULL, NULL \
    }

/**
 * Copy the store, as it is at one instant, into a file of its own, and prove the copy.
 *
 * The copy is made under a temporary name in the target's directory, opened and checked (structure and the
 * checksum of every page), synced, and only then given its name. Others may read and write the store
 * meanwhile; the write-ahead log grows until the copy is made. Never copy the file with other tools
 * while it is open anywhere.
 *
 * @param[in] db       Connection. Borrowed for the call.
 * @param[in] to_path  Path of the copy; must not exist unless FBK_BACKUP_OVERWRITE.
 * @param[in] options  NULL or a structure with struct_size set. Borrowed for the call.
 *
 * @retval FBK_OK         there is a verified, synced copy at @p to_path.
 * @retval FBK_EINVAL     a pointer is NULL, a flag unknown, the target the store itself or a link.
 * @retval FBK_EEXIST     the target exists, or a log of an older file stands beside it.
 * @retval FBK_EBUSY      the target that was to be replaced is in use.
 * @retval FBK_ENOTFOUND  the directory of the target does not exist.
 * @retval FBK_EREADONLY  the directory of the target cannot be written.
 * @retval FBK_EFULL      the target's disk is full.
 * @retval FBK_ECORRUPT   the store, or the copy as read back, is damaged.
 * @retval FBK_EIO        reading or writing failed.
 * @retval FBK_ECANCELLED the progress callback asked to stop.
 * @retval FBK_ECALLBACK  the progress callback failed.
 * @retval FBK_EMISUSE    the connection was carried over fork(), or is inside a transaction.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EABI       struct_size fits no version.
 * On any failure there is no new file, and an existing target is as it was.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(size of the store): written once, read twice.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_store_backup(fbk *db, const char *to_path, const fbk_store_backup_options *options);

/** How thorough fbk_store_check() is. @since 0.1 */
enum {
    FBK_CHECK_QUICK = 0, /**< Header, sizes, the structure of tables (SQLite's quick_check). */
    FBK_CHECK_FULL = 1   /**< And indices, foreign keys, the checksum of every page of the file. */
};

/** Called for each problem that a check finds, with one sentence, which dies when it returns. A
 *  negative return stops the check, which returns FBK_ECALLBACK. It must not use the connection of
 *  the call. @since 0.1 */
typedef fbk_status (*fbk_problem_fn)(void *user_data, const char *sentence);

/** Options of fbk_store_check(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_store_check_options {
    uint32_t struct_size;     /**< sizeof(fbk_store_check_options), as the caller was compiled. */
    uint32_t level;           /**< FBK_CHECK_QUICK or FBK_CHECK_FULL. */
    fbk_progress_fn progress; /**< Steps of unequal length, then pages; may be NULL. */
    void *progress_user_data; /**< Handed to progress. */
    fbk_problem_fn problem;   /**< Told of each problem; may be NULL. */
    void *problem_user_data;  /**< Handed to problem. */
} fbk_store_check_options;
#define FBK_STORE_CHECK_OPTIONS_INIT                                          \
    {                                                                         \
        (uint32_t)sizeof(fbk_store_check_options), 0u, NULL, NULL, NULL, NULL \
    }

/** What fbk_store_check() found. @since 0.1 */
typedef struct fbk_store_check_result {
    uint32_t struct_size;    /**< sizeof(fbk_store_check_result), as the caller was compiled. */
    uint32_t reserved0;      /**< 0. */
    uint64_t n_problems;     /**< Sentences told to options.problem; 0 = sound. */
    uint64_t n_pages;        /**< Pages whose checksum was compared. */
    uint64_t n_bad_pages;    /**< Of these, damaged. */
    uint64_t first_bad_page; /**< Number of the first one, from 1; 0 = none. */
} fbk_store_check_result;

/**
 * Look for damage in the file of a store: its pages, tables, indices and foreign keys.
 *
 * At most 100 problems of a kind are told. Others may read and write the store meanwhile; the
 * write-ahead log grows until the check is done.
 *
 * @param[in]  db       Connection. Borrowed for the call.
 * @param[in]  options  NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out      NULL, or a structure with struct_size set; written when FBK_OK or
 *                      FBK_ECORRUPT is returned.
 *
 * @retval FBK_OK         sound.
 * @retval FBK_ECORRUPT   problems were found; the message is the first one.
 * @retval FBK_EINVAL     the level is unknown.
 * @retval FBK_EIO        reading failed.
 * @retval FBK_EBUSY      another process kept the store locked for longer than the timeout.
 * @retval FBK_ECANCELLED the progress callback asked to stop.
 * @retval FBK_ECALLBACK  a callback failed.
 * @retval FBK_EMISUSE    the connection was carried over fork(), or is inside a transaction.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EABI       struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(size of the store), read once (quick) or twice (full).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_store_check(fbk *db, const fbk_store_check_options *options, fbk_store_check_result *out);

/** Options of fbk_store_salvage(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_store_salvage_options {
    uint32_t struct_size;           /**< sizeof(fbk_store_salvage_options), as compiled. */
    uint32_t flags;                 /**< Must be 0. */
    const fbk_allocator *allocator; /**< Copied; NULL = the C library's. */
    fbk_progress_fn progress;       /**< Pages looked at; may be NULL. */
    void *progress_user_data;       /**< Handed to progress. */
    fbk_problem_fn lost;            /**< Told what was lost, a sentence each; may be NULL. */
    void *lost_user_data;           /**< Handed to lost. */
} fbk_store_salvage_options;
#define FBK_STORE_SALVAGE_OPTIONS_INIT                                                \
    {                                                                                 \
        (uint32_t)sizeof(fbk_store_salvage_options), 0u, NULL, NULL, NULL, NULL, NULL \
    }

/** What fbk_store_salvage() found. @since 0.1 */
typedef struct fbk_store_salvage_result {
    uint32_t struct_size;    /**< sizeof(fbk_store_salvage_result), as the caller was compiled. */
    uint32_t reserved0;      /**< 0. */
    uint64_t n_losses;       /**< Sentences told to options.lost; 0 = nothing was lost. */
    uint64_t n_pages;        /**< Pages of the damaged store. */
    uint64_t n_bad_pages;    /**< Of these, damaged. */
    uint64_t n_events;       /**< Events in the new store. */
    uint64_t n_events_lost;  /**< Fewer than the damaged store said it had; 0 also when unknown. */
    uint64_t n_lines;        /**< Lines of the events. */
    uint64_t n_frames_lost;  /**< Frames of sealed events that were damaged. */
    uint64_t n_records_lost; /**< Appends not yet sealed that were damaged. */
    uint64_t n_rows;         /**< Rows copied of the tables beside the event log. */
    uint64_t n_rows_lost;    /**< Rows of these that were met and could not be read. */
} fbk_store_salvage_result;

/**
 * Copy all that is sound of a damaged store into a new one, and tell what was lost.
 *
 * Nothing in the damaged file is believed before its checksums were compared: of its pages, of the
 * write-ahead log, of the frames of events. A damaged page costs what lay in it; frames of events
 * that lie in sound pages are copied whole, with the numbers that events and identifiers had. What
 * is sound but referred to something that is lost refers to a stand-in ("lost-17"). The new store is
 * sound by the full check. The damaged file is not changed; nobody may write it meanwhile.
 *
 * @param[in]  from_path  The damaged file. Borrowed for the call.
 * @param[in]  to_path    The new store; must not exist. Borrowed for the call.
 * @param[in]  options    NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out        NULL, or a structure with struct_size set; untouched on error.
 * @param[out] info       NULL, or a structure with struct_size set that is told of a failure.
 *
 * @retval FBK_OK         there is a new store with what could be saved.
 * @retval FBK_EINVAL     a path is NULL or empty, or flags are not 0.
 * @retval FBK_ENOTFOUND  there is no such file.
 * @retval FBK_EEXIST     there is a file at @p to_path.
 * @retval FBK_ECORRUPT   no page of the file is a sound page of a store.
 * @retval FBK_EBUSY      another process kept the damaged store locked for 10 s.
 * @retval FBK_EFULL      the disk is full.
 * @retval FBK_EIO        writing failed.
 * @retval FBK_ETOOBIG    the file is larger than any store can be.
 * @retval FBK_ECANCELLED the progress callback asked to stop.
 * @retval FBK_ECALLBACK  a callback failed.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EABI       struct_size fits no version.
 * On any failure there is no new file.
 *
 * @ownership  keeps no pointer.
 * @threads    any
 * @cost       O(size of the store): read twice; memory of 16 bytes a chunk and 6 a page.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_store_salvage(const char *from_path, const char *to_path,
                  const fbk_store_salvage_options *options, fbk_store_salvage_result *out,
                  fbk_errinfo *info);

/** Flags of fbk_maintain_options. @since 0.1 */
enum {
    FBK_MAINTAIN_FULL = 1,   /**< Merge into one segment, and one index of each kind. */
    FBK_MAINTAIN_VACUUM = 2, /**< Write the whole file anew, even when no erasure waits for it. */
    FBK_MAINTAIN_NO_WAIT = 4 /**< Do not wait for others: leave what they still read, or do. */
};

/** Options of fbk_store_maintain(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_maintain_options {
    uint32_t struct_size;     /**< sizeof(fbk_maintain_options), as the caller was compiled. */
    uint32_t flags;           /**< FBK_MAINTAIN_* bits; unknown bits give FBK_EINVAL. */
    uint32_t budget_ms;       /**< Stop after about so long, [0, 86400000]; 0 = when all is done. */
    uint32_t memory_mib;      /**< What merging may take, about, [0, 65536]; 0 = 128. */
    fbk_progress_fn progress; /**< Rows and keys merged, of an unknown number; may be NULL. */
    void *progress_user_data; /**< Handed to progress. */
} fbk_maintain_options;
#define FBK_MAINTAIN_OPTIONS_INIT                                      \
    {                                                                  \
        (uint32_t)sizeof(fbk_maintain_options), 0u, 0u, 0u, NULL, NULL \
    }

/** What fbk_store_maintain() did. @since 0.1 */
typedef struct fbk_maintain_result {
    uint32_t struct_size;   /**< sizeof(fbk_maintain_result), as the caller was compiled. */
    uint32_t more;          /**< 1: something is left to do; call again. 0: all is done. */
    uint64_t rows_merged;   /**< Events (or lines) that were written again. */
    uint64_t keys_merged;   /**< Event ids and identifiers that were. */
    uint64_t bytes_written; /**< Into segments and indices that took the place of others. */
    uint64_t bytes_cleared; /**< Of segments and indices that others have taken the place of. */
    uint64_t file_before;   /**< Bytes of the file and its write-ahead log when the call began, */
    uint64_t file_after;    /**< and when it returned. */
    uint32_t n_segments;    /**< Segments that are left; an event's is one of them. */
    uint32_t n_runs;        /**< Indices of event ids and of identifiers that are left. */
} fbk_maintain_result;
#define FBK_MAINTAIN_RESULT_INIT                                                  \
    {                                                                             \
        (uint32_t)sizeof(fbk_maintain_result), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u \
    }

/**
 * Bring a store into its best shape: few segments, a small file, nothing left of what was erased.
 *
 * Appends leave most of this work for later; without it a store stays correct, but grows larger and
 * slower to read. Call it now and then when there is little to do, every night say, and after
 * loading much. It seals what was appended last, merges until at most three segments hold the events,
 * clears away what was merged, gives unused pages back to the file system, and writes the
 * write-ahead log back. After an erasure it writes the file anew, through a temporary file in a
 * private directory beside it, so that no byte of what was erased is left in it: at once when there
 * is no budget, else in the first call that comes more than a day after the erasure.
 *
 * Others may read and write the store meanwhile; they wait for some 20 ms at most, but for the whole
 * time that the file is written anew. Whoever reads a snapshot from before a merge has 60 seconds to
 * end; without FBK_MAINTAIN_NO_WAIT the call waits for them, or for their time, before it clears. It
 * does not when nobody else has the store open, and no scan of this process is under way.
 * Whatever was done stays done, also when the call fails, is cancelled, or its process is killed.
 *
 * @param[in]  db       Connection. Borrowed for the call.
 * @param[in]  options  NULL or a structure with struct_size set. Borrowed for the call.
 * @param[out] out      NULL, or a structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK         all is done, or the budget was used up: @p out's more says which.
 * @retval FBK_EINVAL     a flag is unknown.
 * @retval FBK_ERANGE     a number of the options is outside its range.
 * @retval FBK_EREADONLY  the store was opened read-only.
 * @retval FBK_EBUSY      others kept the store locked for longer than the timeout.
 * @retval FBK_EFULL      the disk is full.
 * @retval FBK_EIO        reading or writing failed.
 * @retval FBK_ECORRUPT   the store is damaged; the damaged part was left as it is.
 * @retval FBK_ECANCELLED the progress callback asked to stop.
 * @retval FBK_ECALLBACK  it failed.
 * @retval FBK_EMISUSE    the connection was carried over fork(), or is inside a transaction.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EABI       struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       each event that came since the last call is read and written once or twice; writing the
 *             file anew is O(size of the store), and the write-ahead log grows to that size meanwhile.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_store_maintain(fbk *db, const fbk_maintain_options *options, fbk_maintain_result *out);

FBK_END_DECLS
#endif
