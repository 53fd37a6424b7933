/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

#include <feedback/arrow.h>
#include <feedback/model.h>
#include <feedback/store.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/blob.h"
#include "store/stmt.h"
#include "support/tk.h"

/* A class of its own: the body is n copies of one byte, which must be the format. */

typedef struct toy {
    fbk__model model;
    char *copy;
    size_t len;
} toy;

static int n_decoded;

static fbk_status
toy_decode(fbk *db, fbk__model *model, void **body, size_t len)
{
    toy *t = (toy *)model;
    const char *bytes = *body;

    (void)__atomic_add_fetch(&n_decoded, 1, __ATOMIC_RELAXED);
    t->copy = fbk__alloc(model->shared.a, len);
    if (!t->copy)
        return fbk__nomem(db);
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != bytes[0])
            return fbk__fail(db, FBK_ECORRUPT, "the toy was broken");
        t->copy[i] = bytes[i];
    }
    t->len = len;
    return FBK_OK;
}

static void
toy_clear(fbk__model *model)
{
    fbk__free(model->shared.a, ((toy *)model)->copy);
}

static const fbk__model_class toy_class = {"toy", 3, 0, sizeof(toy), toy_decode, toy_clear};

static fbk_store *store;
static fbk *db, *other;

static void
setup(void)
{
    fbk_store_options options = {.struct_size = (uint32_t)sizeof options,
                                 .flags = FBK_STORE_CREATE};

    tk_assert_ok(NULL, fbk_store_open(tk_path("model.fbk"), &options, &store, NULL));
    tk_assert_ok(NULL, fbk_connect(store, &db));
    tk_assert_ok(NULL, fbk_connect(store, &other));
    n_decoded = 0;
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_close(other);
    fbk_store_close(store);
    (void)remove(tk_path("model.fbk"));
}

static fbk_status
save(fbk *on, const char *name, char byte, size_t len)
{
    fbk__model_head head = {.kind = "toy", .format = 3, .as_of_us = 77, .to_event = 5};
    fbk__model_value values[3];
    char *body = malloc(len + 1);
    fbk_status rc;

    memset(body, byte, len + 1);
    (void)snprintf(head.name, sizeof head.name, "%s", name);
    (void)strcpy(head.note, "It is a toy.");
    fbk__model_value_set(&values[0], FBK__MODEL_PARAMETER, "shrink", 2.5);
    fbk__model_value_set(&values[1], FBK__MODEL_QUALITY, "mae", .1);
    fbk__model_value_set(&values[2], FBK__MODEL_PARAMETER, "alpha", 1e-9);
    rc = fbk__model_save(on, &head, values, 3, body, len);
    free(body);
    return rc;
}

static const size_t lengths[] = {
    0, 1, 1000, FBK__BLOB_CHUNK, FBK__BLOB_CHUNK + 1, 3 * FBK__BLOB_CHUNK + 17};

START_TEST(what_was_saved_is_loaded)
{
    const fbk__model *m = NULL, *again = NULL;

    tk_assert_ok(db, save(db, "", 'x', lengths[_i]));
    tk_assert_ok(other, fbk__model_acquire(other, &toy_class, NULL, &m));
    ck_assert_uint_eq(((const toy *)m)->len, lengths[_i]);
    ck_assert(lengths[_i] == 0 || ((const toy *)m)->copy[lengths[_i] - 1] == 'x');
    ck_assert_str_eq(m->head.name, "default");
    ck_assert_str_eq(m->head.note, "It is a toy.");
    ck_assert_int_eq(m->head.as_of_us, 77);
    ck_assert_uint_eq(m->head.body_len, lengths[_i]);
    tk_assert_ok(db, fbk__model_acquire(db, &toy_class, "default", &again));
    ck_assert_ptr_eq(m, again);
    ck_assert_int_eq(n_decoded, 1);
    fbk__model_release(m);
    fbk__model_release(again);
    fbk__model_release(NULL);
}
END_TEST

START_TEST(a_new_model_replaces_the_old_one)
{
    const fbk__model *old = NULL, *new = NULL;

    tk_assert_ok(db, save(db, "", 'a', 100));
    tk_assert_ok(db, fbk__model_acquire(db, &toy_class, NULL, &old));
    tk_assert_ok(db, save(db, "", 'b', 50));
    tk_assert_ok(db, fbk__model_acquire(db, &toy_class, NULL, &new));
    ck_assert_ptr_ne(old, new);
    ck_assert_int_eq(((const toy *)old)->copy[99], 'a');
    ck_assert_int_eq(((const toy *)new)->copy[49], 'b');
    ck_assert_int_gt(new->head.id, old->head.id);
    fbk__model_release(old);
    fbk__model_release(new);
}
END_TEST

/* Another kind's change is noticed, but does not load this one again. */
START_TEST(others_do_not_disturb)
{
    const fbk__model *one = NULL, *two = NULL;
    fbk__model_head head = {.kind = "other", .format = 1};

    tk_assert_ok(db, save(db, "", 'a', 10));
    tk_assert_ok(db, fbk__model_acquire(db, &toy_class, NULL, &one));
    tk_assert_ok(db, fbk__model_save(db, &head, NULL, 0, "z", 1));
    tk_assert_ok(db, fbk__model_acquire(db, &toy_class, NULL, &two));
    ck_assert_ptr_eq(one, two);
    ck_assert_int_eq(n_decoded, 1);
    fbk__model_release(one);
    fbk__model_release(two);
}
END_TEST

START_TEST(names_are_models_of_their_own)
{
    const fbk__model *m = NULL;

    tk_assert_ok(db, save(db, "summer", 's', 10));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__model_acquire(db, &toy_class, NULL, &m));
    ck_assert_ptr_null(m);
    tk_assert_ok(db, save(db, "", 'd', 10));
    tk_assert_ok(db, fbk__model_acquire(db, &toy_class, "summer", &m));
    ck_assert_int_eq(((const toy *)m)->copy[0], 's');
    fbk__model_release(m);
    tk_assert_ok(db, fbk__model_acquire(db, &toy_class, "", &m));
    ck_assert_int_eq(((const toy *)m)->copy[0], 'd');
    fbk__model_release(m);
}
END_TEST

START_TEST(list_and_remove)
{
    struct ArrowArrayStream stream = {0};
    fbk_arrow_rows rows = {0};
    const fbk__model *m = NULL;

    tk_assert_ok(db, save(db, "", 'a', 10));
    tk_assert_ok(db, save(db, "b-2", 'a', 2000));
    tk_assert_ok(db, fbk_model_list(db, &stream));
    ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
    for (int i = 0; i < 2; i++) {
        int64_t len;
        const char *text;

        ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_OK);
        text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "name"), &len);
        ck_assert_int_eq(strncmp(text, i ? "default" : "b-2", (size_t)len), 0);
        text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "parameters"), &len);
        ck_assert_int_eq(len, (int64_t)strlen("alpha = 1e-09, shrink = 2.5"));
        ck_assert_int_eq(strncmp(text, "alpha = 1e-09, shrink = 2.5", (size_t)len), 0);
        text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "quality"), &len);
        ck_assert_int_eq(strncmp(text, "mae = 0.1", (size_t)len), 0);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "body_len")),
                         i ? 10 : 2000);
    }
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_DONE);
    fbk_arrow_rows_close(&rows);
    tk_assert_ok(db, fbk_model_remove(db, "toy", NULL));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_model_remove(db, "toy", NULL));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__model_acquire(db, &toy_class, NULL, &m));
    tk_assert_ok(db, fbk__model_acquire(db, &toy_class, "b-2", &m));
    fbk__model_release(m);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    fbk__model_head head = {.kind = "toy", .format = 3};
    fbk__model_value value;

    tk_assert_fails(db, FBK_EINVAL, fbk_model_list(db, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_model_remove(db, NULL, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_model_remove(db, "Toy", NULL));
    tk_assert_fails(db, FBK_ERANGE, fbk_model_remove(db, "", NULL));
    tk_assert_fails(db, FBK_ERANGE, fbk_model_remove(db, "a2345678901234567890123x", NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_model_remove(db, "toy", "a b"));
    fbk__model_value_set(&value, FBK__MODEL_QUALITY, "mae", NAN);
    tk_assert_fails(db, FBK_ERANGE, fbk__model_save(db, &head, &value, 1, "x", 1));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_model_remove(db, "toy", NULL));
}
END_TEST

static const struct {
    const char *sql;
    fbk_status status;
} damages[] = {
    {"UPDATE fbk_blob SET bytes = zeroblob(length(bytes)) WHERE chunk = 1", FBK_ECORRUPT},
    {"DELETE FROM fbk_blob WHERE chunk = 0", FBK_ECORRUPT},
    {"DELETE FROM fbk_blob WHERE chunk = 2", FBK_ECORRUPT},
    {"DELETE FROM fbk_blob", FBK_ECORRUPT},
    {"UPDATE fbk_model SET body_len = body_len - 1", FBK_ECORRUPT},
    {"UPDATE fbk_model SET format = 4", FBK_ESCHEMA},
    {"UPDATE fbk_model SET format = 2", FBK_ESCHEMA},
};

START_TEST(damage_is_noticed)
{
    const fbk__model *m = NULL;

    tk_assert_ok(db, save(db, "", 'a', 2 * FBK__BLOB_CHUNK + 5));
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__write_end(db, fbk__exec(db, damages[_i].sql)));
    tk_assert_fails(other, damages[_i].status, fbk__model_acquire(other, &toy_class, NULL, &m));
    ck_assert_ptr_null(m);
    tk_assert_ok(db, save(db, "", 'a', 3));
    tk_assert_ok(other, fbk__model_acquire(other, &toy_class, NULL, &m));
    fbk__model_release(m);
}
END_TEST

/* Save, load, list; outputs stay untouched when it fails. */
static fbk_status
everything(fbk *on)
{
    const fbk__model *m = NULL;
    struct ArrowArrayStream stream = {0};
    fbk_status rc = save(on, "", 'q', 3000);

    if (rc == FBK_OK) {
        rc = fbk__model_acquire(on, &toy_class, NULL, &m);
        ck_assert_int_eq(rc == FBK_OK, m != NULL);
        fbk__model_release(m);
    }
    if (rc == FBK_OK) {
        rc = fbk_model_list(on, &stream);
        ck_assert_int_eq(rc == FBK_OK, stream.release != NULL);
        if (stream.release)
            stream.release(&stream);
    }
    return rc;
}

START_TEST(every_allocation_may_fail)
{
    fbk_status rc = FBK_ENOMEM;
    tk_alloc a;

    tk_alloc_init(&a);
    for (int64_t k = 0; rc != FBK_OK; k++) {
        fbk_store_options options = {.struct_size = (uint32_t)sizeof options,
                                     .flags = FBK_STORE_CREATE,
                                     .allocator = &a.allocator};
        fbk_store *mine = NULL;
        fbk *on = NULL;

        tk_alloc_init(&a);
        tk_assert_ok(NULL, fbk_store_open(tk_path("oom.fbk"), &options, &mine, NULL));
        tk_assert_ok(NULL, fbk_connect(mine, &on));
        a.n_calls = 0;
        a.fail_at = k;
        rc = everything(on);
        ck_assert_msg(rc == FBK_OK || rc == FBK_ENOMEM, "%lld: %s: %s", (long long)k,
                      fbk_status_name(rc), fbk_errmsg(on));
        ck_assert(rc == FBK_OK || fbk_errmsg(on)[0]);
        a.fail_at = -1;
        tk_assert_ok(on, everything(on));
        fbk_close(on);
        fbk_store_close(mine);
        ck_assert_int_eq(a.n_live, 0);
        ck_assert_int_lt(k, 1000);
    }
    ck_assert_int_gt(a.n_calls, 10);
}
END_TEST

static int stop_readers;

static void *
reader(void *unused)
{
    fbk *on = NULL;
    int64_t last = 0;
    intptr_t n = 0;

    (void)unused;
    if (fbk_connect(store, &on) < 0)
        return NULL;
    while (!__atomic_load_n(&stop_readers, __ATOMIC_ACQUIRE)) {
        const fbk__model *m = NULL;

        if (fbk__model_acquire(on, &toy_class, NULL, &m) < 0)
            break;
        /* Whole, and never older than what this thread saw before. */
        if (m->head.id < last || ((const toy *)m)->len != 5000 ||
            ((const toy *)m)->copy[0] != ((const toy *)m)->copy[4999])
            n = INTPTR_MIN / 2;
        last = m->head.id;
        fbk__model_release(m);
        n++;
    }
    fbk_close(on);
    return (void *)n;
}

START_TEST(threads_read_while_one_writes)
{
    pthread_t threads[3];

    tk_assert_ok(db, save(db, "", 'a', 5000));
    __atomic_store_n(&stop_readers, 0, __ATOMIC_RELEASE);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, reader, NULL), 0);
    for (int i = 0; i < 60; i++)
        tk_assert_ok(db, save(db, "", (char)('a' + i % 26), 5000));
    __atomic_store_n(&stop_readers, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 3; i++) {
        void *n = NULL;

        ck_assert_int_eq(pthread_join(threads[i], &n), 0);
        ck_assert_int_gt((intptr_t)n, 0);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("model");
    TCase *tc = tcase_create("core");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, what_was_saved_is_loaded, 0, (int)(sizeof lengths / sizeof lengths[0]));
    tcase_add_test(tc, a_new_model_replaces_the_old_one);
    tcase_add_test(tc, others_do_not_disturb);
    tcase_add_test(tc, names_are_models_of_their_own);
    tcase_add_test(tc, list_and_remove);
    tcase_add_test(tc, bad_arguments_are_refused);
    tcase_add_loop_test(tc, damage_is_noticed, 0, (int)(sizeof damages / sizeof damages[0]));
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, threads_read_while_one_writes);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
