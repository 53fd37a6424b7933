/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/engine.h"

/* Decoded frames that were used lately: a budget of bytes, the least recently used go first. */

void
fbk__cached_unref(fbk__cached *cached)
{
    fbk_allocator a;

    if (!cached || __atomic_sub_fetch(&cached->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    a = cached->a;
    fbk__frame_index_free(&cached->index, &cached->a);
    fbk__frame_free(&cached->frame);
    fbk__free(&a, cached);
}

static void
cache_unlink(fbk__engine *e, fbk__cached *c)
{
    if (c->newer)
        c->newer->older = c->older;
    else
        e->cache.newest = c->older;
    if (c->older)
        c->older->newer = c->newer;
    else
        e->cache.oldest = c->newer;
    c->newer = c->older = NULL;
}

static void
cache_link(fbk__engine *e, fbk__cached *c)
{
    c->older = e->cache.newest;
    if (c->older)
        c->older->newer = c;
    else
        e->cache.oldest = c;
    e->cache.newest = c;
}

/* A few dozen frames at most: a walk is as quick as a table. */
static fbk__cached *
cache_find(fbk__engine *e, int64_t segment, uint32_t chunk)
{
    for (fbk__cached *c = e->cache.newest; c; c = c->older) {
        if (c->segment != segment || c->chunk != chunk)
            continue;
        cache_unlink(e, c);
        cache_link(e, c);
        (void)__atomic_add_fetch(&c->refs, 1, __ATOMIC_ACQ_REL);
        return c;
    }
    return NULL;
}

static void
cache_add(fbk__engine *e, fbk__cached *c)
{
    (void)__atomic_add_fetch(&c->refs, 1, __ATOMIC_ACQ_REL);
    cache_link(e, c);
    e->cache.bytes += c->bytes;
    while (e->cache.bytes > FBK__CACHE_BYTES && e->cache.oldest != c) {
        fbk__cached *old = e->cache.oldest;

        cache_unlink(e, old);
        e->cache.bytes -= old->bytes;
        fbk__cached_unref(old);
    }
}

/* A segment that a transaction has written and may take back stays out: its number would be given
 * again. Those of the last committed view are the ones with lower numbers. */
static bool
cache_may_hold(const fbk__engine *e, int64_t segment)
{
    const fbk__sets *sets = e->view ? e->view->sets : NULL;

    return sets && sets->n_segments && segment <= sets->segments[sets->n_segments - 1]->id;
}

static fbk_status
cached_read(fbk *db, const fbk__segment *segment, uint32_t frame, fbk__cached **out)
{
    fbk__cached *c = fbk__calloc(fbk__a(db), 1, sizeof *c);
    fbk__codec codec;
    fbk_status rc;

    if (!c)
        return fbk__nomem(db);
    c->refs = 1;
    c->a = *fbk__a(db);
    c->segment = segment->id;
    c->chunk = segment->frames[frame].chunk;
    fbk__frame_init(&c->frame, &c->a);
    fbk__codec_init(&codec, fbk__a(db));
    rc = fbk__segment_read(db, &codec, segment, frame, (1u << FBK__N_FC) - 1, &c->frame);
    if (rc >= 0)
        rc = fbk__frame_index_make(&c->frame, &c->index);
    if (rc == FBK_ENOMEM)
        rc = fbk__nomem(db);
    else if (rc == FBK_ECORRUPT && !fbk_errmsg(db)[0])
        rc = fbk__fail(db, rc, "frame %u of segment %lld of the event log was damaged", frame,
                       (long long)segment->id);
    fbk__codec_free(&codec);
    c->bytes = (uint32_t)fbk__frame_bytes(&c->frame);
    if (rc < 0)
        fbk__cached_unref(c);
    else
        *out = c;
    return rc;
}

fbk_status
fbk__cached_get(fbk *db, const fbk__segment *segment, uint32_t frame, fbk__cached **out)
{
    fbk__engine *e = NULL;
    fbk_status rc = fbk__engine_get(db, &e);

    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&e->lock);
    *out = cache_find(e, segment->id, segment->frames[frame].chunk);
    (void)pthread_mutex_unlock(&e->lock);
    if (!*out) {
        rc = cached_read(db, segment, frame, out);
        if (rc >= 0) {
            (void)pthread_mutex_lock(&e->lock);
            if (cache_may_hold(e, segment->id))
                cache_add(e, *out);
            (void)pthread_mutex_unlock(&e->lock);
        }
    }
    fbk__shared_release(&e->head);
    return rc;
}

void
fbk__cache_clear(fbk__engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    while (engine->cache.oldest) {
        fbk__cached *old = engine->cache.oldest;

        cache_unlink(engine, old);
        fbk__cached_unref(old);
    }
    engine->cache.bytes = 0;
    (void)pthread_mutex_unlock(&engine->lock);
}
