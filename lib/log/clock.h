/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_CLOCK_H
#define LOG_CLOCK_H

#include <stdint.h>

/** Wall clock, for the grace time of dead segments: other processes must understand it. */
int64_t
fbk__log_now_us(void);

/** Steady clock, for how long work takes. */
int64_t
fbk__log_ticks_us(void);

#endif
