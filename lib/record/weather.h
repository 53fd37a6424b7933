/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_WEATHER_H
#define RECORD_WEATHER_H

#include "store/conn.h"

/** Number of a weather station (from 1) by its code; create: inside a write transaction. */
fbk_status
fbk__station_resolve(fbk *db, const char *code, size_t len, bool create, uint32_t *out_station)
    FBK_MUST_USE;

/** Code of a station, NUL-terminated, into FBK_STATION_CODE_MAX + 1 bytes; "" if unknown. */
fbk_status
fbk__station_code(fbk *db, uint32_t station, char *out) FBK_MUST_USE;

#endif
