/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/engine.h"

/* One scan on several threads: each worker reads its own windows of frames through a connection of
 * its own, all of one snapshot. */

typedef struct workers workers;

typedef struct worker {
    workers *all;
    uint32_t number;
    fbk *db; /* NULL: none was to be had */
    pthread_t thread;
    bool started;
    fbk_status rc;
} worker;

struct workers {
    const fbk__scan_options *options;
    fbk__view *view;
    uint32_t n;
    fbk__scan_fn fn;
    void *user_data;
    bool stop; /* atomic: one has failed */
    worker worker[FBK__SCAN_WORKERS];
};

/* All chunks of one worker, on any connection. */
static void
worker_run(worker *w, fbk *db)
{
    workers *all = w->all;
    fbk__scan *scan = NULL;
    const fbk__chunk *chunk;

    w->rc = fbk__log_scan_part(db, all->view, all->options, w->number, all->n, &scan);
    while (w->rc == FBK_OK && !__atomic_load_n(&all->stop, __ATOMIC_ACQUIRE)) {
        w->rc = fbk__log_scan_next(scan, &chunk);
        if (w->rc == FBK_OK)
            w->rc = all->fn(all->user_data, db, w->number, chunk);
    }
    fbk__log_scan_close(scan);
    if (w->rc < 0)
        __atomic_store_n(&all->stop, true, __ATOMIC_RELEASE);
}

static void *
worker_main(void *data)
{
    worker *w = data;

    worker_run(w, w->db);
    return NULL;
}

static void
workers_run(workers *all, fbk *db)
{
    for (uint32_t i = 1; i < all->n; i++) {
        worker *w = &all->worker[i];

        w->started = fbk__connect_beside(db, &w->db) >= 0 &&
                     pthread_create(&w->thread, NULL, worker_main, w) == 0;
    }
    worker_run(&all->worker[0], db);
    for (uint32_t i = 1; i < all->n; i++) {
        worker *w = &all->worker[i];

        if (w->started)
            (void)pthread_join(w->thread, NULL);
        else if (!all->stop)
            worker_run(w, db);
    }
}

fbk_status
fbk__log_scan_workers(fbk *db, const fbk__scan_options *options, uint32_t n_workers,
                      fbk__scan_fn fn, void *user_data)
{
    workers all = {.options = options, .n = n_workers, .fn = fn, .user_data = user_data};
    fbk_status rc = fbk__view_get(db, &all.view);

    if (rc < 0)
        return rc;
    if (fbk__writing(db) || all.n < 1) /* others would not see what is written */
        all.n = 1;
    for (uint32_t i = 0; i < all.n; i++)
        all.worker[i] = (worker){.all = &all, .number = i};
    workers_run(&all, db);
    for (uint32_t i = 0; i < all.n; i++) {
        worker *w = &all.worker[i];

        if (rc >= 0 && w->rc < 0) {
            rc = w->rc;
            if (w->started)
                db->err = w->db->err;
        }
        fbk_close(w->db);
    }
    fbk__view_unref(all.view);
    return rc < 0 ? rc : FBK_OK;
}
