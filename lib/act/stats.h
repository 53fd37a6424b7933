/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ACT_STATS_H
#define ACT_STATS_H

#include <feedback/stats.h>

enum { FBK_STATS_OPTIONS_V1_SIZE = 24, FBK_STATS_V1_SIZE = 224 };
_Static_assert(sizeof(fbk_stats_options) == FBK_STATS_OPTIONS_V1_SIZE, "append only");
_Static_assert(sizeof(fbk_stats) == FBK_STATS_V1_SIZE, "append only");

#endif
