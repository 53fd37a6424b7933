/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_IDENTITY_H
#define FEEDBACK_IDENTITY_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  Who is who: identifiers, the links between them, and the people that the links make.
 *
 *  An identifier is a namespace ("email", "phone", "loyalty", "cookie": a lower-case word of
 *  letters, digits and '_') and a value. Identifiers that came with one event are linked by it; the host links and unlinks others. A profile is a set
 *  of identifiers that links join; its number is the smallest number of its identifiers, and any
 *  of theirs is accepted in its place. Profiles are computed from the links when they are asked for:
 *  linking and unlinking rewrite no event, and what was linked and unlinked is as it was before.
 *
 *  Values are compared in a canonical form: trimmed of white space; e-mail addresses ("email") with
 *  ASCII letters in lower case; telephone numbers ("phone") as the digits of the international
 *  number. A value that says nothing about a person is blocked, and stands for nobody: an empty one,
 *  null, none, n/a, unknown, test, guest and the like, zeros only, one character eight times or
 *  more, an address without '@' or such as test@… or noreply@…, a number of fewer than 5 or more
 *  than 15 digits, of one digit only, or 123456789.
 *
 *  An identifier that is linked with too many others of one namespace is nobody's own: the shop's
 *  card, info@…, the cookie of a kiosk. It is in quarantine: it joins nobody, and is listed. */

FBK_BEGIN_DECLS

/** Flags of fbk_identity_person. @since 0.1 */
enum {
    FBK_IDENTITY_QUARANTINED = 1, /**< Too many people share the identifier; it joins nobody. */
    FBK_IDENTITY_BLOCKED = 2      /**< Blocked by fbk_identity_block(); it joins nobody. */
};

/** How fbk_identity_list() and fbk_identity_quarantined() show the values of a namespace.
 *  @since 0.1 */
enum {
    FBK_IDENTITY_SHOW_DEFAULT = 0, /**< As CLEAR. */
    FBK_IDENTITY_SHOW_CLEAR = 1,   /**< As it is kept. */
    FBK_IDENTITY_SHOW_MASKED = 2,  /**< First character, "***", and the domain of an address. */
    FBK_IDENTITY_SHOW_NOTHING = 3  /**< Null. */
};

/** What fbk_identity_who() found. @since 0.1 */
typedef struct fbk_identity_person {
    uint32_t struct_size;   /**< sizeof(fbk_identity_person), as the caller was compiled. */
    uint32_t flags;         /**< FBK_IDENTITY_* bits of the identifier that was asked for. */
    uint64_t profile;       /**< The person: smallest number of the identifiers, [1, 2^32). */
    uint64_t identifier;    /**< Number of the identifier that was asked for, [1, 2^32). */
    uint64_t n_identifiers; /**< Identifiers of the person, this one included, [1, 2^32). */
} fbk_identity_person;
#define FBK_IDENTITY_PERSON_INIT                              \
    {                                                         \
        (uint32_t)sizeof(fbk_identity_person), 0u, 0u, 0u, 0u \
    }

/** Options of fbk_identity_set_namespace(). All zero but struct_size = all defaults. @since 0.1 */
typedef struct fbk_identity_namespace {
    uint32_t struct_size; /**< sizeof(fbk_identity_namespace), as the caller was compiled. */
    uint32_t max_people;  /**< An identifier that is linked with more than this many identifiers of
                               this namespace is quarantined. [1, 1000000]; 0 = 20, and 200 for
                               cookie, device and session, of which one person has many. */
    uint32_t show;        /**< FBK_IDENTITY_SHOW_*. */
    uint32_t reserved0;   /**< Must be 0. */
} fbk_identity_namespace;
#define FBK_IDENTITY_NAMESPACE_INIT                          \
    {                                                        \
        (uint32_t)sizeof(fbk_identity_namespace), 0u, 0u, 0u \
    }

/**
 * Say that two identifiers are one person.
 *
 * Identifiers that were never seen are made known. The link holds until the two are unlinked at
 * @p at_us or later.
 *
 * @param      db       Connection.
 * @param[in]  space_a  Namespace of the one: a lower-case word, 1 to 64 bytes.
 * @param[in]  value_a  Its value, at most 255 bytes of UTF-8.
 * @param[in]  space_b  Namespace of the other.
 * @param[in]  value_b  Its value.
 * @param      at_us    When this was known, [FBK_TIME_MIN, FBK_TIME_MAX].
 * @param[in]  reason   Kept with the link, at most 1024 bytes; NULL = none. No personal data.
 *
 * @retval FBK_OK      the two are one person.
 * @retval FBK_DONE    the link was kept, but joins nobody: they were unlinked at @p at_us or later,
 *                     or one of them is quarantined or blocked.
 * @retval FBK_EINVAL  a pointer is NULL, a text is malformed or too long, a value says nothing about a person,
 *                     or both are the same identifier.
 * @retval FBK_ERANGE  @p at_us is no instant.
 * @retval FBK_ENOMEM  out of memory; nothing was kept.
 * @retval FBK_EREADONLY, FBK_EBUSY, FBK_EFULL, FBK_EIO, FBK_EDB  as every change.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one transaction, and the links of the person's identifiers.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_identity_link(fbk *db, const char *space_a, const char *value_a, const char *space_b,
                  const char *value_b, fbk_time at_us, const char *reason);

/**
 * Say that two identifiers are not one person.
 *
 * Takes away whatever links the two directly, events included, now and from later events, until
 * fbk_identity_link() links them at a later instant. Events are not touched.
 *
 * @param      db       Connection.
 * @param[in]  space_a  Namespace of the one: a lower-case word, 1 to 64 bytes.
 * @param[in]  value_a  Its value, at most 255 bytes of UTF-8.
 * @param[in]  space_b  Namespace of the other.
 * @param[in]  value_b  Its value.
 * @param      at_us    When this was known, [FBK_TIME_MIN, FBK_TIME_MAX].
 * @param[in]  reason   Kept with the unlinking, at most 1024 bytes; NULL = none. No personal data.
 *
 * @retval FBK_OK         the two are different people.
 * @retval FBK_DONE       kept, but the two are still one person: other links join them (fbk_identity_list()
 *                        shows by which identifiers), or they were linked again after @p at_us.
 * @retval FBK_ENOTFOUND  one of them was never seen.
 * @retval FBK_EINVAL     a pointer is NULL, a text is malformed or too long, or both are the same identifier.
 * @retval FBK_ERANGE     @p at_us is no instant.
 * @retval FBK_ENOMEM     out of memory; nothing was kept.
 * @retval FBK_EREADONLY, FBK_EBUSY, FBK_EFULL, FBK_EIO, FBK_EDB  as every change.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       as fbk_identity_link().
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_identity_unlink(fbk *db, const char *space_a, const char *value_a, const char *space_b,
                    const char *value_b, fbk_time at_us, const char *reason);

/**
 * Who an identifier is.
 *
 * @param      db        Connection.
 * @param[in]  space     Namespace: a lower-case word, 1 to 64 bytes.
 * @param[in]  value     Value, at most 255 bytes of UTF-8.
 * @param      as_of_us  Only links that were known at this instant; FBK_TIME_NONE = all. Of a pair
 *                       that was linked or unlinked more than twice, the first and the last time
 *                       are known.
 * @param[out] out       Caller's structure with struct_size set; untouched on failure.
 *
 * @retval FBK_OK         written.
 * @retval FBK_ENOTFOUND  it was never seen, was erased, or says nothing about a person.
 * @retval FBK_EINVAL     a pointer is NULL or a text is malformed or too long.
 * @retval FBK_ERANGE     @p as_of_us is no instant.
 * @retval FBK_EABI       struct_size fits no version.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EIO, FBK_EDB, FBK_ECORRUPT  as every read.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       the links of the person's identifiers; one look-up while no link changed since
 *             the last training.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_identity_who(fbk *db, const char *space, const char *value, fbk_time as_of_us,
                 fbk_identity_person *out);

/**
 * The identifiers of a person, ascending by number.
 *
 * Columns: identifier int64; namespace text; value text, as the namespace shows it; quarantined
 * bool; blocked bool.
 *
 * @param      db        Connection.
 * @param      profile   Number of the person, or of any of its identifiers.
 * @param      as_of_us  As in fbk_identity_who().
 * @param[out] out       Stream; untouched on failure.
 *
 * @retval FBK_OK         whoever takes the stream releases it.
 * @retval FBK_ENOTFOUND  there is no such identifier, or it was erased.
 * @retval FBK_EINVAL     a pointer is NULL.
 * @retval FBK_ERANGE     @p as_of_us is no instant.
 * @retval FBK_ENOMEM     out of memory.
 * @retval FBK_EIO, FBK_EDB, FBK_ECORRUPT  as every read.
 *
 * @ownership  the stream owns its memory and outlives the connection.
 * @threads    connection
 * @cost       one look-up an identifier; else as fbk_identity_who().
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_identity_list(fbk *db, uint64_t profile, fbk_time as_of_us, struct ArrowArrayStream *out);

/**
 * The identifiers that join nobody, ascending by number.
 *
 * Columns: identifier int64; namespace text; value text, as the namespace shows it; reason text,
 * "shared" or "blocked"; neighbour_namespace text and neighbours int64, null when blocked: with how
 * many identifiers of which namespace it is linked, that namespace which is furthest beyond its
 * limit; max_people int64, null when blocked.
 *
 * @param      db   Connection.
 * @param[out] out  Stream; untouched on failure.
 *
 * @retval FBK_OK      whoever takes the stream releases it.
 * @retval FBK_EINVAL  a pointer is NULL.
 * @retval FBK_ENOMEM  out of memory.
 * @retval FBK_EIO, FBK_EDB, FBK_ECORRUPT  as every read.
 *
 * @ownership  the stream owns its memory and outlives the connection.
 * @threads    connection
 * @cost       O(links) when links changed; one look-up a row.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_identity_quarantined(fbk *db, struct ArrowArrayStream *out);

/**
 * Block an identifier, or allow it again. What is blocked joins nobody, now and in the past; its
 * links are kept, so that allowing it gives back what was.
 *
 * @param      db       Connection.
 * @param[in]  space    Namespace: a lower-case word, 1 to 64 bytes.
 * @param[in]  value    Value, at most 255 bytes of UTF-8; made known if it was never seen.
 * @param      blocked  1 = block, 0 = allow.
 *
 * @retval FBK_OK      done.
 * @retval FBK_DONE    it was so already.
 * @retval FBK_EINVAL  a pointer is NULL, a text is malformed or too long, @p blocked is neither 0 nor 1, or the
 *                     value says nothing about a person and is always blocked.
 * @retval FBK_ENOMEM  out of memory.
 * @retval FBK_EREADONLY, FBK_EBUSY, FBK_EFULL, FBK_EIO, FBK_EDB  as every change.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one transaction.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_identity_block(fbk *db, const char *space, const char *value, int32_t blocked);

/**
 * Set what holds for the identifiers of a namespace. Applies to what is there already, too.
 *
 * @param      db       Connection.
 * @param[in]  space    Namespace: a lower-case word, 1 to 64 bytes.
 * @param[in]  options  NULL = back to the defaults.
 *
 * @retval FBK_OK      done.
 * @retval FBK_EINVAL  a pointer is NULL, a text is malformed or too long, or reserved0 is not 0.
 * @retval FBK_ERANGE  an option is outside its range.
 * @retval FBK_EABI    struct_size fits no version.
 * @retval FBK_ENOMEM  out of memory.
 * @retval FBK_EREADONLY, FBK_EBUSY, FBK_EFULL, FBK_EIO, FBK_EDB  as every change.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one transaction.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_identity_set_namespace(fbk *db, const char *space, const fbk_identity_namespace *options);

FBK_END_DECLS
#endif
