/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDGE_IMPORT_H
#define EDGE_IMPORT_H

#include <feedback/import.h>

#include "edge/describe.h"
#include "edge/gather.h"

/* An import in two halves: import_read.c takes the file apart into rows, import.c brings the events
 * that they make into the store. */

#define FBK__IMPORT_OPTIONS_V1_SIZE 72u
#define FBK__IMPORT_REPORT_V1_SIZE 376u
_Static_assert(sizeof(fbk_import_options) == FBK__IMPORT_OPTIONS_V1_SIZE, "fbk_import_options v1");
_Static_assert(sizeof(fbk_import_report) == FBK__IMPORT_REPORT_V1_SIZE, "fbk_import_report v1");

typedef struct fbk__import {
    fbk *db;
    fbk_import_options options;
    fbk_import_report report;
    fbk__mapping map;
    fbk__tz *tz;
    fbk__file *file;
    fbk__apply apply;
    fbk__rejects rejects;
    fbk__gather *gather;
    fbk__describe *describe; /* NULL = the mapping describes no items */
    uint64_t file_size;      /* 0 = unknown */
    int64_t last_call_ms;    /* of the progress callback */
} fbk__import;

/** Read the whole file into im->gather and im->describe. */
fbk_status
fbk__import_read(fbk__import *im) FBK_MUST_USE;

/** Call the progress callback if it is time to. */
fbk_status
fbk__import_progress(fbk__import *im, uint64_t done) FBK_MUST_USE;

#endif
