/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_EXCHANGE_H
#define EDGE_EXCHANGE_H

#include <feedback/exchange.h>

#include "edge/outfile.h"

#define FBK__EXPORT_OPTIONS_V1_SIZE 48u
#define FBK__EXPORT_REPORT_V1_SIZE 32u
#define FBK__MERGE_OPTIONS_V1_SIZE 32u
#define FBK__MERGE_REPORT_V1_SIZE 72u
_Static_assert(sizeof(fbk_export_options) == FBK__EXPORT_OPTIONS_V1_SIZE, "fbk_export_options v1");
_Static_assert(sizeof(fbk_export_report) == FBK__EXPORT_REPORT_V1_SIZE, "fbk_export_report v1");
_Static_assert(sizeof(fbk_merge_options) == FBK__MERGE_OPTIONS_V1_SIZE, "fbk_merge_options v1");
_Static_assert(sizeof(fbk_merge_report) == FBK__MERGE_REPORT_V1_SIZE, "fbk_merge_report v1");

/** Write the canonical lines: the same bytes for the same content.
 *
 *  @param report  last_event says up to which event; events is counted. */
fbk_status
fbk__export_lines(fbk *db, const fbk_export_options *options, fbk__outfile *out,
                  fbk_export_report *report) FBK_MUST_USE;

#endif
