/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "act/context.h"

#include <math.h>
#include <string.h>

#include "base/options.h"
#include "base/time.h"
#include "record/place.h"
#include "record/weather.h"

#define CONTEXT_V1_SIZE 200u
_Static_assert(sizeof(fbk_context) == CONTEXT_V1_SIZE, "fbk_context v1");

static const int64_t FRESH_US = 3 * 3600 * FBK__SECOND_US;

static uint32_t
part_of(int32_t hour)
{
    if (hour < 6 || hour >= 22)
        return FBK_PART_NIGHT;
    if (hour < 11)
        return FBK_PART_MORNING;
    if (hour < 14)
        return FBK_PART_MIDDAY;
    return hour < 18 ? FBK_PART_AFTERNOON : FBK_PART_EVENING;
}

static void
clock_fill(const fbk__places *places, uint32_t place, fbk_context *out)
{
    bool south = place <= places->n && places->latitude_deg[place] < 0.0;
    fbk__civil local;

    out->utc_offset_s = fbk__tz_offset(fbk__place_tz(places, place), out->time_us);
    fbk__civil_from_us(out->time_us + out->utc_offset_s * FBK__SECOND_US, &local);
    out->local_day = fbk__day_of_us(out->time_us + out->utc_offset_s * FBK__SECOND_US);
    out->hour = local.hour;
    out->minute = local.minute;
    out->weekday = (uint32_t)local.weekday;
    out->part_of_day = part_of(local.hour);
    out->season = ((uint32_t)local.month % 12u / 3u + (south ? 2u : 0u)) % 4u;
}

/* Weather as it goes into the answer: the numbers to show, and the day's that the usual is compared
 * with. */
typedef struct sky {
    uint32_t flags;
    double day_celsius; /* NaN: no anomaly */
    int32_t wet;        /* -1: not known */
} sky;

static void
sky_of_day(const fbk__weather_day *day, uint32_t flag, fbk_context *out, sky *s)
{
    out->temperature_celsius = day->celsius;
    out->precipitation_mm = day->mm;
    out->wind_m_s = day->wind_m_s;
    out->humidity_percent = day->humidity_percent;
    out->condition = day->condition;
    *s = (sky){flag, day->celsius, day->wet};
}

static void
sky_of_reading(const fbk__weather_now *now, fbk_context *out, sky *s)
{
    out->observed_us = now->at_us;
    out->temperature_celsius = now->celsius;
    out->precipitation_mm = now->mm;
    out->wind_m_s = now->wind_m_s;
    out->humidity_percent = now->humidity_percent;
    out->condition = now->condition;
    *s = (sky){FBK_CONTEXT_READING, now->day_celsius, -1};
    if (isnan(s->day_celsius) && !isnan(now->celsius)) {
        s->day_celsius = now->celsius;
        s->flags |= FBK_CONTEXT_ROUGH;
    }
    if (fbk__weather_wet(now->condition) || now->mm > 0.0)
        s->wet = 1; /* it rains now */
    else if (!isnan(now->day_mm))
        s->wet = now->day_mm >= FBK__WET_MM;
    else if (now->condition != FBK_WEATHER_UNKNOWN)
        s->wet = (int32_t)now->day_wet;
}

/* A reading, else the day's summary, else nothing. */
static fbk_status
sky_observed(fbk *db, const fbk__places *places, uint32_t station, fbk_context *out, sky *s)
{
    fbk__weather_day *days = NULL;
    fbk__weather_now now;
    size_t n = 0;
    fbk_status rc = fbk__weather_read_now(db, station, out->time_us, FRESH_US, &now);

    if (rc < 0)
        return rc;
    if (rc == FBK_OK) {
        sky_of_reading(&now, out, s);
        return FBK_OK;
    }
    rc = fbk__weather_read_days(db, station, fbk__station_tz(places, station), out->local_day,
                                out->local_day, &days, &n);
    /* A day that is only summed up from readings would look into the future. */
    if (rc >= 0 && n == 1 && days[0].stored)
        sky_of_day(&days[0], FBK_CONTEXT_DAY, out, s);
    fbk__free(fbk__a(db), days);
    return rc;
}

/* What is usual, and how far the weather is from it. */
static void
usual_fill(const fbk__climate *climate, uint32_t station, const sky *s, fbk_context *out)
{
    const fbk__climate_normal *normal = climate ? fbk__climate_normal_of(climate, station) : NULL;
    fbk__climate_usual usual;

    out->flags |= s->flags;
    out->is_wet = s->wet == 1;
    if (!normal)
        return;
    fbk__climate_usual_at(normal, out->local_day, &usual);
    out->usual_celsius = usual.celsius;
    out->usual_sd_celsius = usual.sd;
    out->usual_wet_prob = usual.wet_prob;
    out->flags |= normal->provisional ? FBK_CONTEXT_PROVISIONAL : 0u;
    if (s->flags == 0) {
        out->flags |= FBK_CONTEXT_USUAL | FBK_CONTEXT_HAS_ANOMALY;
        out->temperature_celsius = usual.celsius;
        out->precipitation_mm = usual.mm;
        out->anomaly_sd = 0.0;
        if (!isnan(usual.wet_prob)) {
            out->flags |= FBK_CONTEXT_HAS_WET;
            out->wet_anomaly = 0.0;
        }
        return;
    }
    if (!isnan(s->day_celsius)) {
        out->flags |= FBK_CONTEXT_HAS_ANOMALY;
        out->anomaly_sd = fbk__climate_anomaly(&usual, s->day_celsius);
    }
    if (s->wet >= 0 && !isnan(usual.wet_prob)) {
        out->flags |= FBK_CONTEXT_HAS_WET;
        out->wet_anomaly = s->wet - usual.wet_prob;
    }
}

fbk_status
fbk__context_fill(fbk *db, const fbk__climate *climate, uint32_t place, fbk_time time_us,
                  const fbk_weather *weather, fbk_context *out)
{
    const fbk__places *places = NULL;
    sky s = {0, (double)NAN, -1};
    fbk__weather_day given;
    uint32_t station;
    fbk_status rc;

    memset(out, 0, sizeof *out);
    out->time_us = time_us;
    out->observed_us = FBK_TIME_NONE;
    out->temperature_celsius = out->precipitation_mm = out->wind_m_s = (double)NAN;
    out->humidity_percent = out->usual_celsius = out->usual_sd_celsius = (double)NAN;
    out->usual_wet_prob = out->anomaly_sd = out->wet_anomaly = (double)NAN;
    if (!fbk__time_valid(time_us))
        return fbk__fail_at(db, FBK_ERANGE, "time_us", 0,
                            "time_us was not an instant of the years 1 to 9999");
    rc = fbk__places_acquire(db, &places);
    if (rc < 0)
        return rc;
    clock_fill(places, place, out);
    station = fbk__place_station(places, place);
    if (station > 0)
        rc = fbk__station_code(db, station, out->station);
    if (rc >= 0 && weather) {
        rc = fbk__weather_given(db, weather, &given);
        if (rc >= 0)
            sky_of_day(&given, FBK_CONTEXT_GIVEN, out, &s);
    } else if (rc >= 0 && station > 0) {
        rc = sky_observed(db, places, station, out, &s);
    }
    if (rc >= 0)
        usual_fill(climate, station, &s, out);
    fbk__places_release(places);
    return rc < 0 ? rc : FBK_OK;
}

double
fbk__context_factor(const fbk__climate *climate, const fbk_context *context, uint32_t item,
                    fbk__climate_why *out_why)
{
    if (!climate) {
        if (out_why)
            *out_why = FBK__CLIMATE_NO_CHANGE;
        return 1.0;
    }
    return fbk__climate_factor(climate, item, context->anomaly_sd, context->wet_anomaly, out_why);
}

static fbk_status
context_answer(fbk *db, const char *place, fbk_time time_us, const fbk_weather *weather,
               fbk_context *out)
{
    const fbk__climate *climate = NULL;
    fbk_context context;
    uint32_t number = 0;
    fbk_status rc = FBK_OK;

    if (place && place[0])
        rc = fbk__place_resolve(db, place, strlen(place), false, &number);
    if (rc < 0)
        return rc;
    rc = fbk__climate_acquire(db, &climate);
    if (rc == FBK_ENOTFOUND) { /* never trained: a context without what is usual */
        fbk__err_clear(db);
        rc = FBK_OK;
    }
    if (rc >= 0)
        rc = fbk__context_fill(db, climate, number, time_us, weather, &context);
    fbk__climate_release(climate);
    return rc < 0 ? rc : fbk__result_store(db, out, CONTEXT_V1_SIZE, &context, sizeof context);
}

fbk_status
fbk_context_at(fbk *db, const char *place, fbk_time time_us, fbk_context *out)
{
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!out)
        return fbk__fail(db, FBK_EINVAL, "out must not be NULL");
    return context_answer(db, place, time_us, NULL, out);
}

fbk_status
fbk_context_with(fbk *db, const char *place, fbk_time time_us, const fbk_weather *weather,
                 fbk_context *out)
{
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!weather || !out)
        return fbk__fail(db, FBK_EINVAL, "weather and out must not be NULL");
    return context_answer(db, place, time_us, weather, out);
}

const char *
fbk_context_part_name(uint32_t part)
{
    static const char *const names[] = {"night", "morning", "midday", "afternoon", "evening"};

    return part < sizeof names / sizeof names[0] ? names[part] : "";
}

const char *
fbk_context_season_name(uint32_t season)
{
    static const char *const names[] = {"winter", "spring", "summer", "autumn"};

    return season < sizeof names / sizeof names[0] ? names[season] : "";
}
