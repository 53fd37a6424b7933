/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "record/model_store.h"
#include "store/conn.h"

/* Saving trained models, and reading them as immutable snapshots that all threads share.
 *
 * A module describes its models by one static fbk__model_class. To serve, it asks for the snapshot
 * at the top of a call and gives it back at the end:
 *
 *     const fbk__model *model = NULL;
 *     fbk_status rc = fbk__model_acquire(db, &clv_class, "default", &model);
 *     if (rc < 0)
 *         goto out;                          (FBK_ENOTFOUND: never trained)
 *     const clv_model *clv = (const clv_model *)model;
 *     …
 * out:
 *     fbk__model_release(model);
 */

/** A loaded model. The object of a class begins with it. */
typedef struct fbk__model {
    fbk__shared shared;
    fbk__model_head head;
    uint64_t checked;                   /* atomic: model generation at which it was current */
    fbk_allocator alloc;                /* shared.a: outlives the connection that loaded it */
    void (*clear)(struct fbk__model *); /* of its class */
} fbk__model;

typedef struct fbk__model_class {
    const char *kind; /* fbk__model_head.kind */
    uint32_t format;  /* the encoding that decode() reads; a newer one is FBK_ESCHEMA */
    uint32_t reserved0;
    size_t size; /* of the object, at least sizeof(fbk__model) */
    /** Fill the object (zeros behind the fbk__model) from bytes that are not to be trusted.
     *  FBK_ECORRUPT with a sentence when they make no sense. Memory from model->shared.a. To keep
     *  the body itself, take it: set *body to NULL (and free it in clear()). */
    fbk_status (*decode)(fbk *db, fbk__model *model, void **body, size_t len);
    /** Free what decode() filled, also half of it; NULL when there is nothing to free. */
    void (*clear)(fbk__model *model);
} fbk__model_class;

/** Save a trained model in place of the one of the same kind and name, in one transaction; other
 *  threads and processes serve the new one from their next call on. "" as name means "default". */
fbk_status
fbk__model_save(fbk *db, const fbk__model_head *head, const fbk__model_value *values,
                size_t n_values, const void *body, size_t len) FBK_MUST_USE;

/** The current model of a class and name (NULL or "" = "default"), loaded if need be. One name of
 *  a class stays loaded at a time. FBK_ENOTFOUND when it was never trained, FBK_ECORRUPT,
 *  FBK_ESCHEMA. Costs one atomic load and a comparison when nothing changed. Not inside a write
 *  transaction: what that writes is not for others before its commit. */
fbk_status
fbk__model_acquire(fbk *db, const fbk__model_class *cls, const char *name, const fbk__model **out)
    FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__model_release(const fbk__model *model);

/** Set a name, zero-padded. */
void
fbk__model_value_set(fbk__model_value *value, uint32_t role, const char *name, double number);

#endif
