/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/clock.h"

#include <time.h>

static int64_t
clock_us(clockid_t which)
{
    struct timespec t;

    (void)clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
fbk__log_now_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t
fbk__log_ticks_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}
