/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/place.h"

#include <math.h>
#include <string.h>

#include "record/snapshot.h"
#include "store/stmt.h"

static void
places_destroy(fbk__shared *shared)
{
    fbk__places *t = (fbk__places *)shared;
    const fbk_allocator *a = shared->a;

    for (uint32_t i = 0; t->zones && i <= t->n_zones; i++)
        fbk__tz_free(a, t->zones[i]);
    fbk__free(a, t->zones);
    fbk__free(a, t->zone_name_at);
    fbk__free(a, t->latitude_deg);
    fbk__free(a, t->longitude_deg);
    fbk__free(a, t->zone);
    fbk__free(a, t->station);
    fbk__free(a, t->flags);
    fbk__free(a, t->code_at);
    fbk__free(a, t->place_of);
    fbk__free(a, t->name_at);
    fbk__intern_free(&t->codes);
    fbk__intern_free(&t->names);
    fbk__free(a, t);
}

static fbk__places *
places_new(const fbk_allocator *a, uint32_t n, uint32_t n_zones)
{
    size_t rows = (size_t)n + 1, zones = (size_t)n_zones + 1;
    fbk__places *t = fbk__calloc(a, 1, sizeof *t);

    if (!t)
        return NULL;
    t->shared = (fbk__shared){0, 1, a, places_destroy};
    t->n = n;
    t->n_zones = n_zones;
    fbk__intern_init(&t->codes, a, UINT64_C(0x636f6465));
    fbk__intern_init(&t->names, a, UINT64_C(0x6e616d65));
    t->zones = fbk__calloc(a, zones, sizeof(fbk__tz *));
    t->zone_name_at = fbk__calloc(a, zones, sizeof *t->zone_name_at);
    t->latitude_deg = fbk__calloc(a, rows, sizeof *t->latitude_deg);
    t->longitude_deg = fbk__calloc(a, rows, sizeof *t->longitude_deg);
    t->zone = fbk__calloc(a, rows, sizeof *t->zone);
    t->station = fbk__calloc(a, rows, sizeof *t->station);
    t->flags = fbk__calloc(a, rows, sizeof *t->flags);
    t->code_at = fbk__calloc(a, rows, sizeof *t->code_at);
    t->place_of = fbk__calloc(a, rows, sizeof *t->place_of);
    t->name_at = fbk__calloc(a, rows, sizeof *t->name_at);
    if (!t->zones || !t->zone_name_at || !t->latitude_deg || !t->longitude_deg || !t->zone ||
        !t->station || !t->flags || !t->code_at || !t->place_of || !t->name_at) {
        places_destroy(&t->shared);
        return NULL;
    }
    for (size_t i = 0; i < rows; i++)
        t->latitude_deg[i] = t->longitude_deg[i] = (double)NAN;
    return t;
}

static bool
intern(fbk__intern *t, const char *text, size_t len, uint32_t *out)
{
    uint32_t number = fbk__intern_add(t, text, len);

    *out = number + 1;
    return number != FBK__INTERN_NONE;
}

/* The connection's allocator has the store's functions, so that the zones may outlive it. */
static fbk_status
zones_read(fbk *db, fbk__places *t, const char *own_name)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, "SELECT zone, name, tzif FROM place_zone", &st);

    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        int64_t i = fbk__column_int64(st, 0);
        size_t name_len, len;
        const char *name = fbk__column_text(st, 1, &name_len);
        const void *tzif = fbk__column_blob(st, 2, &len);

        if (i < 1 || i > t->n_zones)
            continue;
        rc = fbk__tz_parse(db, tzif, len, &t->zones[i]);
        if (rc >= 0 && strcmp(name, own_name) == 0)
            rc = fbk__tz_parse(db, tzif, len, &t->zones[0]);
        if (rc >= 0 && !intern(&t->names, name, name_len, &t->zone_name_at[i]))
            rc = fbk__nomem(db);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

/* The store's own zone: from its copy, else from the system (a store to which no place was ever
 * written keeps no copy). */
static fbk_status
own_zone_read(fbk *db, fbk__places *t)
{
    char *name = NULL;
    fbk_status rc = fbk__meta_get(db, "store.time_zone", &name);

    if (rc < 0)
        return rc;
    if (!intern(&t->names, name, strlen(name), &t->zone_name_at[0]))
        rc = fbk__nomem(db);
    if (rc >= 0)
        rc = zones_read(db, t, name);
    if (rc >= 0 && !t->zones[0])
        rc = fbk__zone_load(db, "", &t->zones[0]);
    fbk__free(fbk__a(db), name);
    return rc;
}

static uint32_t
id_column(fbk__stmt *st, int column, uint32_t max)
{
    int64_t id = fbk__column_int64(st, column);

    return id > 0 && id <= max ? (uint32_t)id : 0;
}

static fbk_status
place_read(fbk *db, fbk__stmt *st, fbk__places *t)
{
    uint32_t i = id_column(st, 0, t->n);
    size_t len;
    const char *text = fbk__column_text(st, 1, &len);

    if (i == 0)
        return FBK_OK;
    if (!intern(&t->codes, text, len, &t->code_at[i]))
        return fbk__nomem(db);
    t->place_of[t->code_at[i] - 1] = i;
    if (!fbk__column_is_null(st, 2)) {
        text = fbk__column_text(st, 2, &len);
        if (!intern(&t->names, text, len, &t->name_at[i]))
            return fbk__nomem(db);
    }
    if (!fbk__column_is_null(st, 3) && !fbk__column_is_null(st, 4)) {
        t->latitude_deg[i] = fbk__column_double(st, 3);
        t->longitude_deg[i] = fbk__column_double(st, 4);
    }
    t->zone[i] = id_column(st, 5, t->n_zones);
    t->station[i] = id_column(st, 6, UINT32_MAX);
    t->flags[i] = (uint8_t)fbk__column_int64(st, 7);
    return FBK_OK;
}

static fbk_status
places_read(fbk *db, fbk__places *t)
{
    fbk__stmt *st = NULL;
    /* A place without a station of its own has the one of its code, if there is one. */
    fbk_status rc = fbk__stmt_get(db,
                                  "SELECT p.place, p.code, p.name, p.latitude_deg,"
                                  " p.longitude_deg, p.zone, ifnull(p.station, s.station), p.flags"
                                  " FROM place p LEFT JOIN weather_station s ON s.code = p.code"
                                  " ORDER BY p.place",
                                  &st);

    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK)
        rc = place_read(db, st, t);
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
places_build(fbk *db, fbk__shared **out)
{
    fbk__stmt *st = NULL;
    uint32_t n = 0, n_zones = 0, only_station = 0;
    fbk__places *t;
    fbk_status rc = fbk__stmt_get(db,
                                  "SELECT (SELECT ifnull(max(place), 0) FROM place),"
                                  " (SELECT ifnull(max(zone), 0) FROM place_zone),"
                                  " (SELECT iif(count(*) = 1, max(station), 0)"
                                  " FROM weather_station)",
                                  &st);

    if (rc < 0)
        return rc;
    rc = fbk__step(st);
    if (rc == FBK_OK) {
        n = (uint32_t)fbk__column_int64(st, 0);
        n_zones = (uint32_t)fbk__column_int64(st, 1);
        only_station = (uint32_t)fbk__column_int64(st, 2);
    }
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    t = places_new(fbk__store_allocator(db), n, n_zones);
    if (!t)
        return fbk__nomem(db);
    t->only_station = only_station;
    rc = own_zone_read(db, t);
    if (rc >= 0)
        rc = places_read(db, t);
    if (rc < 0) {
        places_destroy(&t->shared);
        return rc;
    }
    *out = &t->shared;
    return FBK_OK;
}

static const fbk__snapshot_class places_class = {FBK__KIND_PLACE, 0u, places_build};

fbk_status
fbk__places_acquire(fbk *db, const fbk__places **out)
{
    fbk__shared *shared = NULL;
    fbk_status rc = fbk__snapshot_acquire(db, &places_class, &shared);

    if (rc >= 0)
        *out = (const fbk__places *)shared;
    return rc;
}

void
fbk__places_release(const fbk__places *places)
{
    if (places)
        fbk__shared_release((fbk__shared *)(uintptr_t)&places->shared);
}

const fbk__tz *
fbk__place_tz(const fbk__places *places, uint32_t place)
{
    return places->zones[place <= places->n ? places->zone[place] : 0];
}

uint32_t
fbk__place_station(const fbk__places *places, uint32_t place)
{
    if (place <= places->n && places->station[place] > 0)
        return places->station[place];
    return places->only_station;
}

const fbk__tz *
fbk__station_tz(const fbk__places *places, uint32_t station)
{
    for (uint32_t i = 1; station > 0 && i <= places->n; i++) {
        if (fbk__place_station(places, i) == station)
            return fbk__place_tz(places, i);
    }
    return places->zones[0];
}

const char *
fbk__place_code(const fbk__places *places, uint32_t place)
{
    size_t len;

    if (place > places->n || places->code_at[place] == 0)
        return "";
    return fbk__intern_text(&places->codes, places->code_at[place] - 1, &len);
}

uint32_t
fbk__place_find(const fbk__places *places, const char *code, size_t len)
{
    uint32_t number = fbk__intern_find(&places->codes, code, len);

    return number == FBK__INTERN_NONE ? 0 : places->place_of[number];
}
