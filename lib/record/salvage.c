/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/salvage.h"

#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "log/salvage.h"
#include "record/model_store.h"

#define SALVAGE_OPTIONS_V1_SIZE 48u
_Static_assert(sizeof(fbk_store_salvage_options) == SALVAGE_OPTIONS_V1_SIZE, "salvage options v1");
#define SALVAGE_RESULT_V1_SIZE 88u
_Static_assert(sizeof(fbk_store_salvage_result) == SALVAGE_RESULT_V1_SIZE, "salvage result v1");
#define SALVAGE_ERRINFO_V1_SIZE 496u

const fbk__table_entry fbk__tables[] = {
    {"event_conflict", FBK__TABLE_PLAIN},
    {"event_conflict_ident", FBK__TABLE_PLAIN},
    {"fbk_blob", FBK__TABLE_PLAIN},
    {"fbk_generation", FBK__TABLE_PLAIN},
    {"fbk_meta", FBK__TABLE_PLAIN},
    {"fbk_model", FBK__TABLE_PLAIN},
    {"fbk_model_value", FBK__TABLE_PLAIN},
    {"identity_blocked", FBK__TABLE_PLAIN},
    {"identity_namespace", FBK__TABLE_PLAIN},
    {"item", FBK__TABLE_PLAIN},
    {"item_attribute", FBK__TABLE_PLAIN},
    {"item_category", FBK__TABLE_PLAIN},
    {"log_chunk", FBK__TABLE_LOG},
    {"log_erased", FBK__TABLE_PLAIN},
    {"log_erased_ident", FBK__TABLE_PLAIN},
    {"log_link", FBK__TABLE_PLAIN},
    {"log_node", FBK__TABLE_LOG},
    {"log_run", FBK__TABLE_LOG},
    {"log_run_chunk", FBK__TABLE_LOG},
    {"log_segment", FBK__TABLE_LOG},
    {"log_state", FBK__TABLE_LOG},
    {"log_tail", FBK__TABLE_LOG},
    {"log_word", FBK__TABLE_PLAIN},
    {"place", FBK__TABLE_PLAIN},
    {"place_zone", FBK__TABLE_PLAIN},
    {"stock", FBK__TABLE_PLAIN},
    {"weather_day", FBK__TABLE_PLAIN},
    {"weather_reading", FBK__TABLE_PLAIN},
    {"weather_station", FBK__TABLE_PLAIN},
};
const size_t fbk__n_tables = sizeof fbk__tables / sizeof fbk__tables[0];

/* -- what events name -------------------------------------------------------------------------- */

static fbk_status
names_restore(fbk__salvage *s, const fbk__bitset *numbers, const char *sql, const char *what)
{
    uint64_t n_lost = 0;
    fbk_status rc = FBK_OK;

    for (uint64_t k = 1; rc >= 0 && fbk__bitset_next(numbers, &k); k++) {
        char text[32];
        int len = snprintf(text, sizeof text, "lost-%llu", (unsigned long long)k);
        fbk__stmt *st = NULL;

        rc = fbk__stmt_get(s->db, sql, &st);
        if (rc < 0)
            break;
        fbk__bind_int64(st, 1, (int64_t)k);
        fbk__bind_text(st, 2, text, (size_t)len);
        rc = fbk__step_done(st);
        fbk__stmt_put(st);
        n_lost += rc >= 0 && fbk__changes(s->db) > 0;
    }
    if (rc >= 0 && n_lost)
        rc = fbk__salvage_lost(s, "%llu %s were lost; they are called \"lost-\" and their number",
                               (unsigned long long)n_lost, what);
    return rc;
}

static fbk_status
references_mend(fbk__salvage *s, const fbk__log_refs *refs)
{
    static const char item_sql[] =
        "INSERT INTO item (item, sku, flags) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING";
    static const char place_sql[] =
        "INSERT INTO place (place, code, flags) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING";
    static const char *const sql[] = {
        "UPDATE item SET parent = NULL WHERE parent NOT IN (SELECT item FROM item)",
        "UPDATE item SET successor = NULL WHERE successor NOT IN (SELECT item FROM item)",
        "UPDATE item SET category = NULL WHERE category NOT IN "
        "(SELECT category FROM item_category)",
        "DELETE FROM item_attribute WHERE item NOT IN (SELECT item FROM item)",
        "DELETE FROM stock WHERE item NOT IN (SELECT item FROM item)",
        "DELETE FROM stock WHERE place NOT IN (SELECT place FROM place)",
        "UPDATE place SET zone = NULL WHERE zone NOT IN (SELECT zone FROM place_zone)",
        "UPDATE place SET station = NULL WHERE station NOT IN "
        "(SELECT station FROM weather_station)",
    };
    fbk_status rc = names_restore(s, &refs->items, item_sql, "items");

    if (rc >= 0)
        rc = names_restore(s, &refs->places, place_sql, "places");
    for (size_t i = 0; rc >= 0 && i < sizeof sql / sizeof sql[0]; i++)
        rc = fbk__exec(s->db, sql[i]);
    return rc;
}

/* -- models ------------------------------------------------------------------------------------ */

/* A model is sound as a whole or not at all; it can be trained again. */
static fbk_status
model_mend(fbk__salvage *s, const fbk__model_head *head, bool values_known)
{
    void *body = NULL;
    fbk_status rc = values_known ? fbk__model_row_body(s->db, head, &body) : FBK_ECORRUPT;

    fbk__free(fbk__a(s->db), body);
    if (rc != FBK_ECORRUPT && rc != FBK_ENOTFOUND)
        return rc;
    rc = fbk__model_row_remove(s->db, head->kind, head->name);
    return rc < 0 ? rc
                  : fbk__salvage_lost(s, "the %s model \"%s\" was damaged: train it again",
                                      head->kind, head->name);
}

static fbk_status
models_mend(fbk__salvage *s)
{
    static const char *const sql[] = {
        "DELETE FROM fbk_model_value WHERE model NOT IN (SELECT id FROM fbk_model)",
        "DELETE FROM fbk_blob WHERE owner = 'model' AND id NOT IN (SELECT id FROM fbk_model)",
    };
    const fbk__salvage_table *values = fbk__salvage_find(s, "fbk_model_value");
    fbk__model_head *heads = NULL;
    size_t n = 0;
    fbk_status rc = fbk__model_row_list(s->db, &heads, &n);

    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = model_mend(s, &heads[i], values->root && !values->lost);
    fbk__free(fbk__a(s->db), heads);
    for (size_t i = 0; rc >= 0 && i < sizeof sql / sizeof sql[0]; i++)
        rc = fbk__exec(s->db, sql[i]);
    return rc;
}

/* -- all of it --------------------------------------------------------------------------------- */

static fbk_status
salvage_mend(fbk__salvage *s, const fbk__log_refs *refs)
{
    fbk_status rc = fbk__write_begin(s->db);

    if (rc < 0)
        return rc;
    rc = references_mend(s, refs);
    if (rc >= 0)
        rc = models_mend(s);
    return fbk__write_end(s->db, rc);
}

static fbk_status
salvage_copy(fbk__salvage *s)
{
    fbk__log_refs refs;
    uint64_t expected = 0;
    fbk_status rc = FBK_OK;

    for (size_t i = 0; rc >= 0 && i < fbk__n_tables; i++) {
        const fbk__salvage_table *table = fbk__salvage_find(s, fbk__tables[i].name);

        if (fbk__tables[i].how == FBK__TABLE_PLAIN && table)
            rc = fbk__salvage_copy(s, table);
    }
    fbk__log_refs_init(&refs, fbk__a(s->db));
    if (rc >= 0)
        rc = fbk__log_salvage(s, &refs, &expected);
    if (rc >= 0)
        rc = salvage_mend(s, &refs);
    fbk__log_refs_free(&refs);
    if (expected > s->result.n_events)
        s->result.n_events_lost = expected - s->result.n_events;
    return rc;
}

static fbk_status
salvage_load(fbk *db, fbk__salvage *s, const fbk_store_salvage_options *options)
{
    fbk_status rc = fbk__options_load(db, &s->opt, sizeof s->opt, SALVAGE_OPTIONS_V1_SIZE, options);

    if (rc >= 0 && s->opt.flags)
        rc =
            fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had unknown bits (0x%x)", s->opt.flags);
    if (rc >= 0 && s->opt.allocator)
        db->alloc = *s->opt.allocator;
    return rc;
}

fbk_status
fbk_store_salvage(const char *from_path, const char *to_path,
                  const fbk_store_salvage_options *options, fbk_store_salvage_result *out,
                  fbk_errinfo *info)
{
    struct fbk db = {.alloc = fbk__libc_allocator};
    fbk__salvage s;
    fbk_status rc;

    memset(&s, 0, sizeof s);
    s.lease.fd = -1;
    s.hashed = fbk__log_hashed;
    s.whose = fbk__log_whose;
    fbk__err_clear(&db);
    if (!from_path || !from_path[0] || !to_path || !to_path[0])
        rc = fbk__fail(&db, FBK_EINVAL, "from_path and to_path must be given");
    else
        rc = salvage_load(&db, &s, options);
    if (rc >= 0) {
        rc = fbk__salvage_begin(&db, &s, from_path, to_path);
        if (rc >= 0)
            rc = salvage_copy(&s);
        s.result.struct_size = (uint32_t)sizeof s.result;
        if (rc >= 0 && out)
            rc = fbk__result_store(s.db, out, SALVAGE_RESULT_V1_SIZE, &s.result, sizeof s.result);
        fbk__salvage_end(&db, &s, to_path, rc);
    }
    if (info && fbk__result_store(NULL, info, SALVAGE_ERRINFO_V1_SIZE, &db.err, sizeof db.err) < 0)
        rc = rc < 0 ? rc : FBK_EABI;
    return rc;
}
