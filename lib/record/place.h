/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_PLACE_H
#define RECORD_PLACE_H

#include <feedback/place.h>

#include "base/map.h"
#include "base/tz.h"
#include "store/conn.h"

/** Number of a place (from 1) by its code.
 *
 *  @param create true: an unknown code gets a number, without a description; inside a write
 *                transaction. false: FBK_ENOTFOUND.
 *  @retval FBK_EINVAL len is 0 or the code is not UTF-8; FBK_ERANGE it is too long. */
fbk_status
fbk__place_resolve(fbk *db, const char *code, size_t len, bool create, uint32_t *out_place)
    FBK_MUST_USE;

/** A zone for whoever has local times before there is a place (an import): that of the store's
 *  copy, else the system's. NULL or "" = the store's zone. The caller frees (fbk__tz_free); NULL is
 *  UTC and needs no freeing. */
fbk_status
fbk__zone_load(fbk *db, const char *name, fbk__tz **out) FBK_MUST_USE;

enum { FBK__PLACE_DESCRIBED = 1 };

/** All places as arrays by number: an immutable snapshot that threads share. Arrays have n + 1
 *  entries; [0] is "no place", in the store's zone. */
typedef struct fbk__places {
    fbk__shared shared;
    uint32_t n;           /* highest place number */
    uint32_t n_zones;     /* highest zone number */
    double *latitude_deg; /* NaN = not known */
    double *longitude_deg;
    uint32_t *zone;        /* number in zones; 0 = the store's */
    uint32_t *station;     /* weather station; 0 = none known */
    uint32_t only_station; /* the store's only one; 0 = it has none or several */
    uint32_t reserved0;
    uint8_t *flags;         /* FBK__PLACE_* */
    uint32_t *code_at;      /* number in codes + 1; 0 = no such place */
    uint32_t *place_of;     /* place by number of its code in codes */
    uint32_t *name_at;      /* number in names + 1; 0 = none */
    fbk__tz **zones;        /* by zone number; [0] the store's */
    uint32_t *zone_name_at; /* number in names + 1 */
    fbk__intern codes;
    fbk__intern names;
} fbk__places;

/** The places as they are now; give them back with fbk__places_release(). */
fbk_status
fbk__places_acquire(fbk *db, const fbk__places **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__places_release(const fbk__places *places);

/** Zone of a place, the store's for 0 and unknown numbers; NULL is UTC. Lives with the snapshot. */
const fbk__tz *
fbk__place_tz(const fbk__places *places, uint32_t place);

/** Weather station of a place: its own, else the one of its code, else the only one there is; 0 =
 *  not known. */
uint32_t
fbk__place_station(const fbk__places *places, uint32_t place);

/** Zone of a weather station: that of the first place that has it, else the store's. */
const fbk__tz *
fbk__station_tz(const fbk__places *places, uint32_t station);

/** Code of a place; "" for 0 or an unknown number. */
const char *
fbk__place_code(const fbk__places *places, uint32_t place);

/** Number of a place; 0 if there is none of that code. */
uint32_t
fbk__place_find(const fbk__places *places, const char *code, size_t len);

/** Great-circle distance in kilometres. */
double
fbk__haversine_km(double lat1_deg, double lon1_deg, double lat2_deg, double lon2_deg);

#endif
