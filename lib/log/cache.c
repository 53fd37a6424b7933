/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log/engine.h"

/* Frames that were used lately: a budget of bytes, the least recently used go first. */

/* So many ids are decoded for one question; more, for all that come. */
enum { SOME_IDS = 16 };

/* Columns with other than one value an event. */
#define NOT_EVENTS \
    (((1u << FBK__N_LN) - 1) << FBK__FC_LINES | 1u << FBK__FC_EXTRA | 1u << FBK__FC_PROPS)

/* Bytes of columns that were read at once. */
typedef struct fbk__cached_block {
    struct fbk__cached_block *next;
    char bytes[];
} block;

static void
frame_drop(const fbk_allocator *a, fbk__frame *f)
{
    if (f)
        fbk__frame_free(f);
    fbk__free(a, f);
}

void
fbk__cached_unref(fbk__cached *cached)
{
    fbk_allocator a;

    if (!cached || __atomic_sub_fetch(&cached->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    a = cached->a;
    while (cached->blocks) {
        block *b = cached->blocks;

        cached->blocks = b->next;
        fbk__free(&a, b);
    }
    fbk__free(&a, cached->nodes);
    frame_drop(&a, cached->ids);
    fbk__segment_unref(cached->segment);
    fbk__free(&a, cached);
}

static const fbk__segment_frame *
facts_of(const fbk__cached *c)
{
    return &c->segment->frames[c->frame];
}

/* -- what is kept: all of this with the engine's lock held ------------------------------------- */

static fbk__cached **
cache_slot(fbk__engine *e, const fbk__segment *segment, uint32_t frame)
{
    uint64_t hash = fbk__mix64((uint64_t)segment->id << 22 ^ segment->frames[frame].chunk);

    return &e->cache.slots[hash % FBK__CACHE_SLOTS];
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

static fbk__cached *
cache_find(fbk__engine *e, const fbk__segment *segment, uint32_t frame)
{
    fbk__cached *c = *cache_slot(e, segment, frame);

    while (c &&
           (c->segment->id != segment->id || facts_of(c)->chunk != segment->frames[frame].chunk))
        c = c->next;
    if (c) {
        cache_unlink(e, c);
        cache_link(e, c);
        (void)__atomic_add_fetch(&c->refs, 1, __ATOMIC_ACQ_REL);
    }
    return c;
}

static void
cache_drop(fbk__engine *e, fbk__cached *c)
{
    fbk__cached **at = cache_slot(e, c->segment, c->frame);

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    cache_unlink(e, c);
    e->cache.bytes -= c->bytes;
    c->kept = false;
    fbk__cached_unref(c);
}

static void
cache_trim(fbk__engine *e, const fbk__cached *but)
{
    while (e->cache.bytes > e->cache.most && e->cache.oldest != but)
        cache_drop(e, e->cache.oldest);
}

static void
cache_add(fbk__engine *e, fbk__cached *c)
{
    fbk__cached **slot = cache_slot(e, c->segment, c->frame);

    (void)__atomic_add_fetch(&c->refs, 1, __ATOMIC_ACQ_REL);
    c->kept = true;
    c->next = *slot;
    *slot = c;
    cache_link(e, c);
    e->cache.bytes += c->bytes;
    cache_trim(e, c);
}

/* More bytes of a frame. */
static void
cache_grow(fbk__engine *e, fbk__cached *c, size_t bytes)
{
    c->bytes += bytes;
    if (c->kept) {
        e->cache.bytes += bytes;
        cache_trim(e, c);
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

void
fbk__cache_clear(fbk__engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    while (engine->cache.oldest)
        cache_drop(engine, engine->cache.oldest);
    (void)pthread_mutex_unlock(&engine->lock);
}

/* -- frames ------------------------------------------------------------------------------------ */

static fbk__cached *
cached_new(const fbk_allocator *a, fbk__segment *segment, uint32_t frame)
{
    fbk__cached *c = fbk__calloc(a, 1, sizeof *c);

    if (!c)
        return NULL;
    c->refs = 1;
    c->a = *a;
    c->segment = fbk__segment_ref(segment);
    c->frame = frame;
    c->bytes = sizeof *c;
    return c;
}

fbk_status
fbk__cached_get(fbk *db, fbk__segment *segment, uint32_t frame, fbk__cached **out)
{
    fbk__engine *e = NULL;
    fbk_status rc = fbk__engine_get(db, &e);

    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&e->lock);
    *out = cache_find(e, segment, frame);
    if (!*out) {
        *out = cached_new(e->head.a, segment, frame);
        if (*out && cache_may_hold(e, segment->id))
            cache_add(e, *out);
    }
    (void)pthread_mutex_unlock(&e->lock);
    fbk__shared_release(&e->head);
    return *out ? FBK_OK : fbk__nomem(db);
}

/* Publish columns that were read, those that another thread was faster with left out. */
static void
cached_publish(fbk__engine *e, fbk__cached *c, block *b, size_t len, const fbk__stored *stored,
               uint32_t columns)
{
    (void)pthread_mutex_lock(&e->lock);
    columns &= ~c->have;
    for (uint32_t left = columns; left; left &= left - 1) {
        unsigned column = (unsigned)__builtin_ctz(left);

        c->columns[column].bytes = stored[column].len ? b->bytes + stored[column].at : NULL;
        c->columns[column].len = stored[column].len;
    }
    b->next = c->blocks;
    c->blocks = b;
    __atomic_store_n(&c->have, c->have | columns, __ATOMIC_RELEASE);
    cache_grow(e, c, sizeof *b + len);
    (void)pthread_mutex_unlock(&e->lock);
}

/* Have columns in the cached frame. */
static fbk_status
cached_need(fbk *db, fbk__codec *codec, fbk__cached *c, uint32_t columns)
{
    uint32_t missing = columns & ~__atomic_load_n(&c->have, __ATOMIC_ACQUIRE);
    fbk__engine *e = NULL;
    fbk__stored stored[FBK__N_FC];
    uint32_t fetched = 0;
    size_t len;
    block *b;
    fbk_status rc;

    if (!missing)
        return FBK_OK;
    fbk__buf_clear(&codec->frame_bytes);
    rc = fbk__segment_fetch(db, c->segment, c->frame, missing, &codec->frame_bytes, stored,
                            &fetched);
    if (rc >= 0)
        rc = fbk__engine_get(db, &e);
    if (rc < 0)
        return rc;
    len = codec->frame_bytes.len;
    b = fbk__alloc(&c->a, sizeof *b + len);
    if (b) {
        if (len)
            memcpy(b->bytes, codec->frame_bytes.data, len);
        cached_publish(e, c, b, len, stored, fetched);
    }
    fbk__shared_release(&e->head);
    return b ? FBK_OK : fbk__nomem(db);
}

/* Which lines, nodes and properties belong to the events of a part. */
static fbk_status
cached_part(fbk__codec *codec, const fbk__cached *c, uint32_t first, uint32_t n, uint32_t columns,
            fbk__frame_part *part)
{
    const void *bytes[3];
    size_t len[3];

    *part =
        (fbk__frame_part){.all = facts_of(c)->n, .first = {.events = first}, .n = {.events = n}};
    if (!(columns & NOT_EVENTS))
        return FBK_OK;
    for (int k = 0; k < 3; k++) {
        bytes[k] = c->columns[FBK__EV_N_LINES + k].bytes;
        len[k] = c->columns[FBK__EV_N_LINES + k].len;
    }
    return fbk__frame_part_make(codec, bytes, len, first, n, part);
}

fbk_status
fbk__cached_read(fbk *db, fbk__codec *codec, fbk__cached *c, uint32_t first, uint32_t n,
                 uint32_t columns, fbk__frame *out)
{
    fbk__frame_part part;
    fbk_status rc;

    if (columns & NOT_EVENTS)
        columns |= 1u << FBK__EV_N_LINES | 1u << FBK__EV_N_EXTRA | 1u << FBK__EV_N_PROPS;
    columns = fbk__frame_needs(columns);
    rc = cached_need(db, codec, c, columns);
    if (rc < 0)
        return rc;
    rc = cached_part(codec, c, first, n, columns, &part);
    if (rc >= 0)
        rc = fbk__frame_reserve(out, part.n);
    out->guess = &c->segment->guess;
    for (int i = 0; rc >= 0 && i < FBK__N_FC; i++) {
        unsigned column = fbk__frame_layout[i];

        if (columns & 1u << column)
            rc = fbk__frame_get_part(codec, out, column, c->columns[column].bytes,
                                     c->columns[column].len, &part);
    }
    out->guess = NULL;
    if (rc == FBK_ENOMEM)
        return fbk__nomem(db);
    if (rc < 0)
        return rc == FBK_ECORRUPT ? fbk__segment_damaged(db, c->segment, c->frame) : rc;
    out->n.events += part.n.events;
    out->n.lines += part.n.lines;
    out->n.extra += part.n.extra;
    out->n.props += part.n.props;
    return FBK_OK;
}

/* One column of all events. */
static fbk_status
cached_column(fbk *db, fbk__codec *codec, fbk__cached *c, unsigned column, fbk__frame *out)
{
    uint32_t n = facts_of(c)->n.events;
    fbk_status rc = fbk__cached_read(db, codec, c, 0, n, 1u << column, out);

    /* Each is a frame that was stored, so that it is not too long for one. */
    return rc == FBK_ETOOBIG ? fbk__segment_damaged(db, c->segment, c->frame) : rc;
}

/* -- nodes ------------------------------------------------------------------------------------- */

/* The nodes of a frame, checked: ascending. */
static fbk_status
nodes_of(fbk *db, const fbk__cached *c, const fbk__frame *f, uint32_t **out)
{
    const int64_t *v = f->ev[FBK__EV_NODE];
    uint32_t *nodes = fbk__alloc(&c->a, f->n.events * sizeof *nodes);
    bool sound = true;

    if (!nodes)
        return fbk__nomem(db);
    for (uint32_t i = 0; i < f->n.events; i++) {
        nodes[i] = (uint32_t)v[i];
        sound = sound && v[i] >= (i ? v[i - 1] : 0) && v[i] <= UINT32_MAX;
    }
    *out = nodes;
    return sound ? FBK_OK : fbk__segment_damaged(db, c->segment, c->frame);
}

/* The nodes of all events, decoded once: they are what every question begins with. */
static fbk_status
cached_nodes(fbk *db, fbk__codec *codec, fbk__cached *c, const uint32_t **out)
{
    uint32_t *nodes = NULL;
    fbk__engine *e = NULL;
    fbk__frame f;
    fbk_status rc;

    *out = __atomic_load_n(&c->nodes, __ATOMIC_ACQUIRE);
    if (*out)
        return FBK_OK;
    rc = fbk__engine_get(db, &e);
    if (rc < 0)
        return rc;
    fbk__frame_init(&f, fbk__a(db));
    rc = cached_column(db, codec, c, FBK__EV_NODE, &f);
    if (rc >= 0)
        rc = nodes_of(db, c, &f, &nodes);
    if (rc >= 0) {
        (void)pthread_mutex_lock(&e->lock);
        if (!c->nodes) {
            cache_grow(e, c, f.n.events * sizeof *nodes);
            __atomic_store_n(&c->nodes, nodes, __ATOMIC_RELEASE);
            nodes = NULL;
        }
        *out = c->nodes;
        (void)pthread_mutex_unlock(&e->lock);
    }
    fbk__free(&c->a, nodes);
    fbk__frame_free(&f);
    fbk__shared_release(&e->head);
    return rc;
}

/* First of n ascending nodes that is not below `node`. */
static uint32_t
lower_node(const uint32_t *nodes, uint32_t n, uint64_t node)
{
    uint32_t low = 0;

    while (low < n) {
        uint32_t mid = low + (n - low) / 2;

        if (nodes[mid] < node)
            low = mid + 1;
        else
            n = mid;
    }
    return low;
}

fbk_status
fbk__cached_find(fbk *db, fbk__codec *codec, fbk__cached *c, uint32_t node, uint32_t *out_first,
                 uint32_t *out_n)
{
    uint32_t n = facts_of(c)->n.events;
    const uint32_t *nodes;
    fbk_status rc = cached_nodes(db, codec, c, &nodes);

    if (rc < 0)
        return rc;
    *out_first = lower_node(nodes, n, node);
    *out_n = lower_node(nodes, n, (uint64_t)node + 1) - *out_first;
    return FBK_OK;
}

/* -- ids --------------------------------------------------------------------------------------- */

/* The ids of all events, decoded once, where many have one node and time. */
static fbk_status
cached_all_ids(fbk *db, fbk__codec *codec, fbk__cached *c, const fbk__strings **out)
{
    fbk__engine *e = NULL;
    fbk__frame *ids = __atomic_load_n(&c->ids, __ATOMIC_ACQUIRE);
    fbk_status rc;

    *out = ids ? &ids->ids : NULL;
    if (ids)
        return FBK_OK;
    rc = fbk__engine_get(db, &e);
    if (rc < 0)
        return rc;
    ids = fbk__alloc(&c->a, sizeof *ids);
    if (ids)
        fbk__frame_init(ids, &c->a);
    rc = ids ? cached_column(db, codec, c, FBK__FC_IDS, ids) : fbk__nomem(db);
    if (rc >= 0) {
        (void)pthread_mutex_lock(&e->lock);
        if (!c->ids) {
            cache_grow(e, c, fbk__frame_bytes(ids));
            __atomic_store_n(&c->ids, ids, __ATOMIC_RELEASE);
            ids = NULL;
        }
        *out = &c->ids->ids;
        (void)pthread_mutex_unlock(&e->lock);
    }
    frame_drop(&c->a, ids);
    fbk__shared_release(&e->head);
    return rc;
}

static fbk_status
find_id(const fbk__strings *ids, uint32_t first, uint32_t n, const char *id, size_t len,
        uint32_t *out_at)
{
    for (uint32_t i = first; i < first + n; i++) {
        if (ids->offsets[i + 1] - ids->offsets[i] == len &&
            memcmp(ids->bytes + ids->offsets[i], id, len) == 0) {
            *out_at = i;
            return FBK_OK;
        }
    }
    return FBK_DONE;
}

fbk_status
fbk__cached_find_id(fbk *db, fbk__codec *codec, fbk__cached *c, uint32_t first, uint32_t n,
                    const char *id, size_t len, uint32_t *out_event)
{
    const fbk__strings *all = NULL;
    fbk__frame some;
    fbk_status rc;

    if (n > SOME_IDS) {
        rc = cached_all_ids(db, codec, c, &all);
        return rc < 0 ? rc : find_id(all, first, n, id, len, out_event);
    }
    fbk__frame_init(&some, fbk__a(db));
    rc = fbk__cached_read(db, codec, c, first, n, 1u << FBK__FC_IDS, &some);
    if (rc >= 0)
        rc = find_id(&some.ids, 0, n, id, len, out_event);
    if (rc == FBK_OK)
        *out_event += first;
    fbk__frame_free(&some);
    return rc;
}
