/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/weather.h"

#include <string.h>

#include "record/field.h"
#include "record/place.h"
#include "store/stmt.h"

fbk_status
fbk__station_resolve(fbk *db, const char *code, size_t len, bool create, uint32_t *out_station)
{
    fbk__stmt *st = NULL;
    fbk_status rc =
        fbk__text_check(db, "station", 0, (fbk__text){code, len}, FBK_STATION_CODE_MAX, true);

    if (rc < 0)
        return rc;
    rc = fbk__stmt_get(db, "SELECT station FROM weather_station WHERE code = ?1", &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, code, len);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out_station = (uint32_t)fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    if (rc != FBK_DONE)
        return rc;
    if (!create)
        return fbk__fail(db, FBK_ENOTFOUND, "there was no weather station of this code");
    rc = fbk__stmt_get(db, "INSERT INTO weather_station (code) VALUES (?1)", &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, code, len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    *out_station = (uint32_t)fbk__last_rowid(db);
    /* Places without a station take the one of their code. */
    return fbk__generation_bump(db, FBK__KIND_PLACE);
}

fbk_status
fbk__station_code(fbk *db, uint32_t station, char *out)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, "SELECT code FROM weather_station WHERE station = ?1", &st);

    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, station);
    rc = fbk__step(st);
    out[0] = '\0';
    if (rc == FBK_OK) {
        size_t len;
        const char *code = fbk__column_text(st, 0, &len);

        len = len < FBK_STATION_CODE_MAX ? len : FBK_STATION_CODE_MAX;
        memcpy(out, code, len);
        out[len] = '\0';
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}
