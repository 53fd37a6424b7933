/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "record/event.h"
#include "record/place.h"
#include "store/stmt.h"

/* ---- the system's files ---- */

/* Read at most FBK_TZIF_MAX bytes of a zone's file. The name was checked: it cannot leave the
 * directory. */
static fbk_status
system_read(fbk *db, const char *name, char **out_bytes, size_t *out_len)
{
    char path[sizeof "/usr/share/zoneinfo/" + FBK_TIME_ZONE_MAX];
    size_t len = 0;
    ssize_t got = 1;
    char *bytes;
    int fd;

    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fbk__fail_at(db, FBK_ENOTFOUND, "time_zone", 0,
                            "the system had no rules for the time zone \"%s\"", name);
    bytes = fbk__alloc(fbk__a(db), FBK_TZIF_MAX + 1);
    while (bytes && got > 0 && len <= FBK_TZIF_MAX) {
        got = read(fd, bytes + len, FBK_TZIF_MAX + 1 - len);
        if (got > 0)
            len += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    (void)close(fd);
    if (!bytes)
        return fbk__nomem(db);
    if (got < 0 || len > FBK_TZIF_MAX) {
        fbk__free(fbk__a(db), bytes);
        return fbk__fail_at(db, FBK_EIO, "time_zone", 0,
                            "the rules of the time zone \"%s\" could not be read", name);
    }
    *out_bytes = bytes;
    *out_len = len;
    return FBK_OK;
}

static fbk_status
name_check(fbk *db, int64_t row, fbk__text name, char *out)
{
    if (!fbk__tz_name_valid(name.p, name.len))
        return fbk__fail_at(db, FBK_EINVAL, "time_zone", row,
                            "time_zone was not an IANA name as \"Europe/London\"");
    memcpy(out, name.p, name.len);
    out[name.len] = '\0';
    return FBK_OK;
}

/* ---- those of the store ---- */

static fbk_status
zone_find(fbk *db, fbk__text name, int64_t *out_zone)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, "SELECT zone FROM place_zone WHERE name = ?1", &st);

    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, name.p, name.len);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out_zone = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
zone_write(fbk *db, fbk__text name, const void *tzif, size_t len)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db,
                                  "INSERT INTO place_zone (name, tzif, changed_us)"
                                  " VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE"
                                  " SET tzif = ?2, changed_us = ?3 WHERE tzif <> ?2",
                                  &st);

    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, name.p, name.len);
    fbk__bind_blob(st, 2, tzif, len);
    fbk__bind_int64(st, 3, fbk__event_now());
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__zone_resolve(fbk *db, int64_t row, fbk__text name, const void *tzif, size_t len,
                  uint32_t *out_zone)
{
    char text[FBK_TIME_ZONE_MAX + 1];
    char *read_bytes = NULL;
    fbk__tz *tz = NULL;
    int64_t zone = 0;
    fbk_status rc = name_check(db, row, name, text);

    if (rc >= 0)
        rc = zone_find(db, name, &zone);
    if (rc < 0)
        return rc;
    if (rc == FBK_DONE || tzif) {
        rc = FBK_OK;
        if (!tzif) {
            rc = system_read(db, text, &read_bytes, &len);
            tzif = read_bytes;
        }
        if (rc >= 0)
            rc = fbk__tz_parse(db, tzif, len, &tz);
        if (rc >= 0)
            rc = zone_write(db, name, tzif, len);
        fbk__tz_free(fbk__a(db), tz);
        fbk__free(fbk__a(db), read_bytes);
        if (rc >= 0)
            rc = zone_find(db, name, &zone);
    }
    if (rc >= 0)
        *out_zone = (uint32_t)zone;
    return rc;
}

fbk_status
fbk__zone_keep_own(fbk *db)
{
    char *name = NULL;
    uint32_t zone;
    fbk_status rc = fbk__meta_get(db, "store.time_zone", &name);

    if (rc < 0)
        return rc;
    if (strcmp(name, "UTC") != 0)
        rc = fbk__zone_resolve(db, 0, fbk__text_of(name), NULL, 0, &zone);
    fbk__free(fbk__a(db), name);
    return rc;
}

/* The store's copy of the rules; FBK_DONE if it has none. */
static fbk_status
kept_load(fbk *db, const char *name, fbk__tz **out)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, "SELECT tzif FROM place_zone WHERE name = ?1", &st);

    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, name, strlen(name));
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        size_t len;
        const void *tzif = fbk__column_blob(st, 0, &len);

        rc = fbk__tz_parse(db, tzif, len, out);
    }
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
named_load(fbk *db, const char *name, fbk__tz **out)
{
    char text[FBK_TIME_ZONE_MAX + 1];
    char *bytes = NULL;
    size_t len = 0;
    fbk_status rc;

    if (strcmp(name, "UTC") == 0) {
        *out = NULL;
        return FBK_OK;
    }
    rc = name_check(db, 0, fbk__text_of(name), text);
    if (rc >= 0)
        rc = kept_load(db, name, out);
    if (rc != FBK_DONE)
        return rc;
    rc = system_read(db, name, &bytes, &len);
    if (rc >= 0)
        rc = fbk__tz_parse(db, bytes, len, out);
    fbk__free(fbk__a(db), bytes);
    return rc;
}

fbk_status
fbk__zone_load(fbk *db, const char *name, fbk__tz **out)
{
    char *own = NULL;
    fbk_status rc;

    if (name && name[0])
        return named_load(db, name, out);
    rc = fbk__meta_get(db, "store.time_zone", &own);
    if (rc < 0)
        return rc;
    rc = named_load(db, own, out);
    fbk__free(fbk__a(db), own);
    return rc;
}
