/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "edge/describe.h"

#include <string.h>

#include "base/table.h"
#include "record/catalogue.h"

enum { N_TEXTS = 3, BATCH_ITEMS = 4096 };

struct fbk__describe {
    fbk *db;
    fbk__spill *spill; /* by item, then time */
    fbk__map last;     /* item -> hash of what was said of it last */
    size_t last_max;   /* entries that the budget allows */
    fbk__buf buf;
    /* The item at hand in fbk__describe_store(). */
    fbk__buf sku;
    fbk__buf texts[N_TEXTS]; /* name, brand, category; empty = not said */
    bool has_price;
    int64_t price_micro;
};

fbk_status
fbk__describe_new(fbk *db, size_t budget, const char *dir, fbk__describe **out)
{
    const fbk_allocator *a = fbk__a(db);
    fbk__describe *d = fbk__calloc(a, 1, sizeof *d);
    fbk_status rc;

    if (!d)
        return fbk__nomem(db);
    d->db = db;
    fbk__map_init(&d->last, a);
    d->last_max = budget / 2 / 32; /* 17 bytes an entry, at most five eighths full */
    fbk__buf_init(&d->buf, a);
    fbk__buf_init(&d->sku, a);
    for (int i = 0; i < N_TEXTS; i++)
        fbk__buf_init(&d->texts[i], a);
    rc = fbk__spill_new(db, budget / 2, dir, &d->spill);
    if (rc < 0) {
        fbk__describe_free(d);
        return rc;
    }
    *out = d;
    return FBK_OK;
}

void
fbk__describe_free(fbk__describe *d)
{
    if (!d)
        return;
    fbk__spill_free(d->spill);
    fbk__map_free(&d->last);
    fbk__buf_free(&d->buf);
    fbk__buf_free(&d->sku);
    for (int i = 0; i < N_TEXTS; i++)
        fbk__buf_free(&d->texts[i]);
    fbk__free(fbk__a(d->db), d);
}

static void
put_text(fbk__buf *buf, const fbk__buf *text, bool given)
{
    fbk__buf_uvarint(buf, given ? text->len : 0);
    fbk__buf_add(buf, text->data, given ? text->len : 0);
}

fbk_status
fbk__describe_add(fbk__describe *d, const fbk__row *row)
{
    const fbk__hash128 item = fbk__hash128_of(row->item.data, row->item.len);
    /* Orders as the instants do. A row without a time comes first. */
    const uint64_t seq = (uint64_t)row->occurred_us ^ UINT64_C(1) << 63;
    fbk__buf *buf = &d->buf;
    uint64_t *last;
    uint64_t hash;

    if (!row->gives)
        return FBK_OK;
    fbk__buf_clear(buf);
    put_text(buf, &row->item, true);
    put_text(buf, &row->name, row->gives & FBK__GIVES_NAME);
    put_text(buf, &row->brand, row->gives & FBK__GIVES_BRAND);
    put_text(buf, &row->category, row->gives & FBK__GIVES_CATEGORY);
    if (row->gives & FBK__GIVES_PRICE)
        fbk__buf_svarint(buf, row->price_micro);
    if (buf->failed)
        return fbk__nomem(d->db);
    hash = fbk__hash64(buf->data, buf->len);
    if (d->last.n >= d->last_max)
        fbk__map_free(&d->last); /* forgetting only means to say it again */
    last = fbk__map_put(&d->last, item.lo, NULL);
    if (!last)
        return fbk__nomem(d->db);
    if (*last == hash)
        return FBK_OK;
    *last = hash;
    return fbk__spill_add(d->spill, item, seq, buf->data, buf->len);
}

static void
item_begin(fbk__describe *d)
{
    fbk__buf_clear(&d->sku);
    for (int i = 0; i < N_TEXTS; i++)
        fbk__buf_clear(&d->texts[i]);
    d->has_price = false;
}

static fbk_status
item_take(fbk__describe *d, const fbk__spill_record *record)
{
    const unsigned char *bytes = (const unsigned char *)record->bytes;
    fbk__reader r = {bytes, bytes + record->len, false};

    for (int i = 0; i <= N_TEXTS; i++) {
        fbk__buf *to = i == 0 ? &d->sku : &d->texts[i - 1];
        size_t len = (size_t)fbk__read_uvarint(&r);
        const void *text = fbk__read_bytes(&r, len);

        if (len == 0)
            continue;
        fbk__buf_clear(to);
        fbk__buf_add(to, text, len);
        if (to->failed)
            return fbk__nomem(d->db);
    }
    if (r.p < r.end) {
        d->has_price = true;
        d->price_micro = fbk__read_svarint(&r);
    }
    return FBK_OK;
}

static void
item_put(const fbk__describe *d, fbk__table *t)
{
    fbk__table_add_text(t, 0, d->sku.data, d->sku.len);
    for (int i = 0; i < N_TEXTS; i++)
        fbk__table_add_text(t, i + 1, d->texts[i].len ? d->texts[i].data : NULL, d->texts[i].len);
    if (d->has_price)
        fbk__table_add_int64(t, N_TEXTS + 1, d->price_micro);
    else
        fbk__table_add_null(t, N_TEXTS + 1);
}

static fbk__table *
table_begin(fbk__describe *d)
{
    static const char *const names[N_TEXTS] = {"name", "brand", "category"};
    fbk__table *t = fbk__table_new(fbk__a(d->db));

    (void)fbk__table_column(t, "sku", FBK__TEXT, false);
    for (int i = 0; i < N_TEXTS; i++)
        (void)fbk__table_column(t, names[i], FBK__TEXT, true);
    (void)fbk__table_column(t, "price_micro", FBK__INT64, true);
    return t;
}

/* The table is consumed. */
static fbk_status
table_store(fbk__describe *d, fbk__table *t, uint64_t *items)
{
    struct ArrowArrayStream stream;
    int64_t n = 0;
    fbk_status rc = fbk__table_stream(d->db, t, 0, &stream);

    if (rc == FBK_OK)
        rc = fbk_item_upsert_rows(d->db, &stream, &n);
    *items += rc < 0 ? 0 : (uint64_t)n;
    return rc;
}

fbk_status
fbk__describe_store(fbk__describe *d, uint64_t *out_items)
{
    fbk__table *t = table_begin(d);
    fbk__spill_record record;
    fbk__hash128 item = {0, 0};
    size_t n = 0;
    bool open = false;
    fbk_status rc = fbk__spill_sort(d->spill);

    *out_items = 0;
    while (rc == FBK_OK && (rc = fbk__spill_next(d->spill, &record)) == FBK_OK) {
        if (open && (record.key.lo != item.lo || record.key.hi != item.hi)) {
            item_put(d, t);
            open = false;
            if (++n % BATCH_ITEMS == 0) {
                rc = table_store(d, t, out_items);
                t = table_begin(d);
            }
        }
        if (!open)
            item_begin(d);
        open = true;
        item = record.key;
        if (rc == FBK_OK)
            rc = item_take(d, &record);
    }
    if (rc == FBK_DONE && open)
        item_put(d, t);
    if (rc != FBK_DONE || (!open && n == 0)) {
        fbk__table_free(t);
        return rc < 0 ? rc : FBK_OK;
    }
    return table_store(d, t, out_items);
}
