/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_MODEL_STORE_H
#define RECORD_MODEL_STORE_H

#include "base/err.h"

/* The rows of trained models: a header, named numbers, and a body in checksummed chunks. What the
 * bytes of a body mean is the business of the module in model/ that wrote them (model/model.h). */

/** What is said of a model without reading its body. */
typedef struct fbk__model_head {
    int64_t id;          /* given by the store, never reused; 0 before it is saved */
    char kind[24];       /* "copurchase", "clv", …: lower-case letters, digits, '_' */
    char name[48];       /* "default" unless the host keeps several of a kind */
    uint32_t format;     /* version of the body's encoding, from 1 */
    uint32_t reserved0;  /* 0 */
    fbk_time as_of_us;   /* events before this instant were used */
    uint64_t from_event; /* number of the first event used, … */
    uint64_t to_event;   /* … and of the last: what comes later is news to the model */
    uint64_t n_events;   /* events used */
    uint64_t n_people;   /* people they belong to */
    uint64_t body_len;   /* bytes; set by the store */
    char note[256];      /* one sentence to show with every answer; "" = none */
} fbk__model_head;

enum { FBK__MODEL_PARAMETER = 1, FBK__MODEL_QUALITY = 2 };

/** A named number of a model: a parameter (option or fitted value), or a measure of its quality on
 *  held-out data. */
typedef struct fbk__model_value {
    char name[32];
    uint32_t role; /* FBK__MODEL_PARAMETER or FBK__MODEL_QUALITY */
    uint32_t reserved0;
    double value; /* finite */
} fbk__model_value;

/** Write a model in place of the one of the same kind and name. Inside a write transaction. Bumps
 *  FBK__KIND_MODEL. head->id and head->body_len are ignored. */
fbk_status
fbk__model_row_write(fbk *db, const fbk__model_head *head, const fbk__model_value *values,
                     size_t n_values, const void *body, size_t len) FBK_MUST_USE;

/** Header of a model; FBK_ENOTFOUND, with a sentence, when there is none. */
fbk_status
fbk__model_row_find(fbk *db, const char *kind, const char *name, fbk__model_head *out) FBK_MUST_USE;

/** Body of a model; FBK_ECORRUPT when a chunk is damaged or missing. The caller frees. */
fbk_status
fbk__model_row_body(fbk *db, const fbk__model_head *head, void **out_body) FBK_MUST_USE;

/** All headers, by kind and name; the caller frees. */
fbk_status
fbk__model_row_list(fbk *db, fbk__model_head **out_heads, size_t *out_n) FBK_MUST_USE;

/** Numbers of a model, by role and name; the caller frees. */
fbk_status
fbk__model_row_values(fbk *db, int64_t id, fbk__model_value **out_values, size_t *out_n)
    FBK_MUST_USE;

/** Remove a model; FBK_ENOTFOUND when there is none. Inside a write transaction. */
fbk_status
fbk__model_row_remove(fbk *db, const char *kind, const char *name) FBK_MUST_USE;

#endif
