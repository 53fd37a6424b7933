/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/event.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "log/salvage.h"
#include "record/salvage.h"
#include "support/tk.h"
#include "support/tk_store.h"
#include "support/tk_vfs.h"
#include "support/tk_world.h"

enum { N_SALES = 3000, PAGE = 4096, MAX_EVENTS = 4096, MAX_PAGES = 2048, TOLD = 4096 };

static char told[TOLD];

/* -- files ------------------------------------------------------------------------------------- */

static unsigned char *whole;
static size_t whole_len;

static void
put_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static void
remove_store(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-fbk.lck"};
    char name[512];

    for (int i = 0; i < 4; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

static void
world(uint32_t n)
{
    static char path[512];

    (void)snprintf(path, sizeof path, "%s", tk_path("world"));
    remove_store(path);
    remove_store(tk_path("new"));
    tk_world_make(path, n);
    whole = (unsigned char *)tk_slurp(path, &whole_len);
    ck_assert_uint_eq(whole_len % PAGE, 0);
}

static void
world_free(void)
{
    free(whole);
    whole = NULL;
}

static tk_vfs vfs;

static void
setup(void)
{
    tk_vfs_register(&vfs, "salvage");
    vfs.no_sync = 1; /* thousands, and none of them is about power */
    tk_vfs_make_default(&vfs);
}

static void
teardown(void)
{
    tk_vfs_unregister(&vfs);
}

/* -- what is in a store ------------------------------------------------------------------------ */

typedef struct content {
    uint64_t hash[MAX_EVENTS]; /* by number of the event; 0 = not there */
    uint64_t n;
} content;

static fbk_status
content_event(void *user_data, const fbk__event_view *e)
{
    content *c = user_data;
    uint64_t h = fbk__hash64_seeded(e->id, e->id_len, (uint64_t)e->occurred_us);
    const uint32_t head[] = {e->kind, e->source, e->channel, e->place, e->currency, e->flags};

    h = fbk__hash64_seeded(head, sizeof head, h);
    h = fbk__hash64_seeded(e->order_ref, e->order_ref_len, h);
    h = fbk__hash64_seeded(e->lines, e->n_lines * sizeof *e->lines, h);
    h = fbk__hash64_seeded(e->nodes, e->n_nodes * sizeof *e->nodes, h);
    ck_assert_uint_lt(e->event, MAX_EVENTS);
    ck_assert_uint_eq(c->hash[e->event], 0);
    c->hash[e->event] = h | 1;
    c->n++;
    return FBK_OK;
}

static void
content_read(const char *path, content *c)
{
    fbk_store *store = tk_open(path, FBK_STORE_READONLY);
    fbk *db = tk_connect(store);

    memset(c, 0, sizeof *c);
    tk_assert_ok(db, fbk__log_each(db, 0, content_event, c));
    fbk_close(db);
    fbk_store_close(store);
}

static fbk_status
print_problem(void *user_data, const char *sentence)
{
    (void)user_data;
    (void)printf("  %s\n", sentence);
    return FBK_OK;
}

static void
assert_sound(const char *path)
{
    fbk_store_check_options opt = FBK_STORE_CHECK_OPTIONS_INIT;
    fbk_store *store = tk_open(path, 0);
    fbk *db = tk_connect(store);
    uint64_t n = 0;

    opt.level = FBK_CHECK_FULL;
    opt.problem = print_problem;
    tk_assert_ok(db, fbk_store_check(db, &opt, NULL));
    tk_assert_ok(db, fbk_event_check(db, print_problem, NULL, &n));
    fbk_close(db);
    fbk_store_close(store);
}

/* What was lost is shown when a test fails. */
static fbk_status
keep_sentence(void *user_data, const char *sentence)
{
    size_t len = strlen(told);

    (void)user_data;
    (void)snprintf(told + len, TOLD - len, "\n  %s", sentence);
    return FBK_OK;
}

static fbk_store_salvage_result
salvage(const char *from, const char *to)
{
    fbk_store_salvage_result result = {.struct_size = (uint32_t)sizeof result};
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_store_salvage_options opt = FBK_STORE_SALVAGE_OPTIONS_INIT;
    fbk_status rc;

    told[0] = '\0';
    opt.lost = keep_sentence;
    rc = fbk_store_salvage(from, to, &opt, &result, &info);
    ck_assert_msg(rc == FBK_OK, "%s: %s", fbk_status_name(rc), info.message);
    return result;
}

/* -- where events lie: bit p of an event's pages: a piece of its frame or record is on page p ---- */

static uint64_t pages_of[MAX_EVENTS][MAX_PAGES / 64];

static void
find_piece(const unsigned char *bytes, size_t n, uint64_t *pages)
{
    const unsigned char *from = whole;

    while ((from = memmem(from, whole_len - (size_t)(from - whole), bytes, n)) != NULL) {
        size_t page = (size_t)(from - whole) / PAGE;

        pages[page / 64] |= UINT64_C(1) << page % 64;
        if (page + 1 == whole_len / PAGE)
            break;
        from = whole + (page + 1) * PAGE;
    }
}

/* Every page that holds a piece of these bytes, found by looking for them: an overflow page begins
 * anywhere in them, so that pieces overlap. */
static void
find_pages(const unsigned char *bytes, size_t len, uint64_t *pages)
{
    enum { PIECE = 32 };

    for (size_t at = 0; at + PIECE < len; at += PIECE / 2)
        find_piece(bytes + at, PIECE, pages);
    find_piece(bytes + (len > PIECE ? len - PIECE : 0), len > PIECE ? PIECE : len, pages);
    find_piece(bytes + (len > 8 ? len - 8 : 0), len > 8 ? 8 : len, pages);
}

static void
note_pages(const fbk__frame *f, const uint64_t *pages)
{
    for (uint32_t i = 0; i < f->n.events; i++)
        memcpy(pages_of[f->ev[FBK__EV_ARRIVAL][i]], pages, sizeof pages_of[0]);
}

static void
note_frame(fbk *db, fbk__codec *codec, const fbk__segment *segment, uint32_t k)
{
    static const char sql[] = "SELECT bytes FROM log_chunk WHERE id BETWEEN ?1 AND ?2";
    const fbk__segment_frame *facts = &segment->frames[k];
    uint64_t pages[MAX_PAGES / 64] = {0};
    fbk__stmt *st = NULL;
    fbk__frame frame;

    tk_assert_ok(db, fbk__stmt_get(db, sql, &st));
    fbk__bind_int64(st, 1,
                    fbk__segment_piece(segment->id, (uint32_t)(facts->at / FBK__STREAM_PIECE)));
    fbk__bind_int64(st, 2,
                    fbk__segment_piece(
                        segment->id, (uint32_t)((facts->at + facts->len - 1) / FBK__STREAM_PIECE)));
    while (fbk__step(st) == FBK_OK) {
        size_t len;
        const void *bytes = fbk__column_blob(st, 0, &len);

        find_piece(bytes, len, pages); /* a row is never longer than a page */
    }
    fbk__stmt_put(st);
    fbk__frame_init(&frame, fbk__a(db));
    tk_assert_ok(db, fbk__segment_read(db, codec, segment, k, (1u << FBK__N_FC) - 1, &frame));
    note_pages(&frame, pages);
    fbk__frame_free(&frame);
}

static void
note_tail(fbk *db, const fbk__view *view)
{
    for (uint32_t i = 0; i < view->n_tail; i++) {
        static const char sql[] = "SELECT record FROM log_tail WHERE seq = ?1";
        uint64_t pages[MAX_PAGES / 64] = {0};
        const void *bytes;
        size_t len;
        fbk__stmt *st = NULL;

        tk_assert_ok(db, fbk__stmt_get(db, sql, &st));
        fbk__bind_int64(st, 1, view->tail->records[i]->seq);
        ck_assert_int_eq(fbk__step(st), FBK_OK);
        bytes = fbk__column_blob(st, 0, &len);
        find_pages(bytes, len, pages);
        fbk__stmt_put(st);
        note_pages(&view->tail->records[i]->frame, pages);
    }
}

static void
note_world(const char *path)
{
    fbk_store *store = tk_open(path, FBK_STORE_READONLY);
    fbk *db = tk_connect(store);
    fbk__view *view = NULL;
    fbk__codec codec;

    fbk__codec_init(&codec, fbk__a(db));
    tk_assert_ok(db, fbk__view_read(db, &view));
    for (uint32_t i = 0; i < view->sets->n_segments; i++) {
        for (uint32_t k = 0; k < view->sets->segments[i]->n_frames; k++)
            note_frame(db, &codec, view->sets->segments[i], k);
    }
    note_tail(db, view);
    fbk__view_unref(view);
    fbk__codec_free(&codec);
    fbk_close(db);
    fbk_store_close(store);
}

/* -- tests ------------------------------------------------------------------------------------- */

START_TEST(a_sound_store_comes_out_as_it_was)
{
    uint64_t before = 0;
    uint64_t after = 0;
    fbk_store_salvage_result result;

    world(N_SALES);
    result = salvage(tk_path("world"), tk_path("new"));
    ck_assert_uint_eq(result.n_losses, 0);
    ck_assert_uint_eq(result.n_bad_pages, 0);
    ck_assert_uint_eq(result.n_pages, whole_len / PAGE);
    ck_assert_uint_eq(result.n_events_lost, 0);
    assert_sound(tk_path("new"));
    ck_assert_int_eq(tk_world_digest(tk_path("world"), &before), FBK_OK);
    ck_assert_int_eq(tk_world_digest(tk_path("new"), &after), FBK_OK);
    ck_assert_uint_eq(before, after);
    world_free();
}
END_TEST

START_TEST(every_table_is_registered)
{
    fbk_store *store = tk_open(":memory:", FBK_STORE_CREATE);
    fbk *db = tk_connect(store);
    fbk__stmt *st = NULL;
    size_t i = 0;

    tk_assert_ok(db, fbk__stmt_get(db,
                                   "SELECT name FROM sqlite_schema WHERE type = 'table' AND name "
                                   "NOT LIKE 'sqlite%' ORDER BY name",
                                   &st));
    for (; fbk__step(st) == FBK_OK; i++) {
        ck_assert_msg(i < fbk__n_tables, "%s is not in fbk__tables", fbk__column_text(st, 0, NULL));
        ck_assert_str_eq(fbk__column_text(st, 0, NULL), fbk__tables[i].name);
    }
    ck_assert_uint_eq(i, fbk__n_tables);
    fbk__stmt_put(st);
    fbk_close(db);
    fbk_store_close(store);
}
END_TEST

/* The new store has what lies in undamaged pages, as it was, and nothing else. */
static void
assert_salvaged(const content *before, const uint64_t *damaged, const char *what)
{
    static content after;
    fbk_store_salvage_result result;
    uint64_t n_lost = 0;

    remove_store(tk_path("new"));
    result = salvage(tk_path("damaged"), tk_path("new"));
    content_read(tk_path("new"), &after);
    for (uint32_t e = 1; e < MAX_EVENTS; e++) {
        bool hit = false;

        for (size_t w = 0; w < MAX_PAGES / 64; w++)
            hit |= (pages_of[e][w] & damaged[w]) != 0;
        ck_assert_msg(after.hash[e] == before->hash[e] || (hit && after.hash[e] == 0),
                      "%s: event %u %s: %s", what, e, after.hash[e] ? "changed" : "was lost", told);
        n_lost += before->hash[e] != after.hash[e];
    }
    if (n_lost)
        ck_assert_uint_gt(result.n_losses, 0);
    ck_assert_uint_eq(result.n_events, after.n);
    ck_assert_uint_le(result.n_events_lost, n_lost);
    assert_sound(tk_path("new"));
}

/* Damage of three kinds, to a few pages of a store. */
static void
damage_page(unsigned char *bytes, size_t page, int how, fbk__rng *rng)
{
    unsigned char *at = bytes + page * PAGE;

    if (how == 0)
        at[fbk__rng_below(rng, PAGE)] ^= (unsigned char)(1u << fbk__rng_below(rng, 8));
    else
        for (size_t i = 0; i < PAGE; i++)
            at[i] = how == 1 ? 0 : (unsigned char)fbk__rng_below(rng, 256);
}

START_TEST(what_lies_in_sound_pages_is_there)
{
    static content before;
    unsigned char *bytes;
    int n = getenv("FEEDBACK_TEST_FULL") ? 2000 : 40;
    fbk__rng rng;

    world(N_SALES);
    ck_assert_uint_le(whole_len / PAGE, MAX_PAGES);
    content_read(tk_path("world"), &before);
    note_world(tk_path("world"));
    bytes = malloc(whole_len);
    ck_assert_ptr_nonnull(bytes);
    fbk__rng_seed(&rng, 7);
    for (int i = 0; i < n; i++) {
        uint64_t damaged[MAX_PAGES / 64] = {0};
        char what[64];

        memcpy(bytes, whole, whole_len);
        for (uint64_t k = 0; k <= fbk__rng_below(&rng, 6); k++) {
            size_t page = 1 + fbk__rng_below(&rng, whole_len / PAGE - 1);

            damage_page(bytes, page, (int)fbk__rng_below(&rng, 3), &rng);
            damaged[page / 64] |= UINT64_C(1) << page % 64;
        }
        put_file(tk_path("damaged"), bytes, whole_len);
        (void)snprintf(what, sizeof what, "trial %d", i);
        assert_salvaged(&before, damaged, what);
    }
    free(bytes);
    world_free();
}
END_TEST

static int64_t
root_of(const char *path, const char *table)
{
    fbk_store *store = tk_open(path, FBK_STORE_READONLY);
    fbk *db = tk_connect(store);
    fbk__stmt *st = NULL;
    int64_t root;

    tk_assert_ok(db, fbk__stmt_get(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?1", &st));
    fbk__bind_text(st, 1, table, strlen(table));
    ck_assert_int_eq(fbk__step(st), FBK_OK);
    root = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    fbk_close(db);
    fbk_store_close(store);
    return root;
}

/* The page at the top of each table in turn, then the header with the schema. */
START_TEST(the_top_of_a_tree_may_be_lost)
{
    static content before;
    unsigned char *bytes;

    world(N_SALES);
    content_read(tk_path("world"), &before);
    note_world(tk_path("world"));
    bytes = malloc(whole_len);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i <= fbk__n_tables; i++) {
        uint64_t damaged[MAX_PAGES / 64] = {0};
        const char *table = i < fbk__n_tables ? fbk__tables[i].name : "sqlite_schema";
        size_t page = i < fbk__n_tables ? (size_t)root_of(tk_path("world"), table) - 1 : (size_t)0;

        memcpy(bytes, whole, whole_len);
        memset(bytes + page * PAGE, i % 2 ? 0xff : 0, PAGE);
        damaged[page / 64] |= UINT64_C(1) << page % 64;
        put_file(tk_path("damaged"), bytes, whole_len);
        assert_salvaged(&before, damaged, table);
    }
    free(bytes);
    world_free();
}
END_TEST

/* A store that is open, copied with its log as a crash would leave it. */
START_TEST(the_log_beside_the_file_counts)
{
    uint64_t before = 0;
    uint64_t after = 0;
    fbk_store *store;
    fbk *db;
    char *bytes;
    size_t len;

    world(400);
    store = tk_open(tk_path("world"), 0);
    db = tk_connect(store);
    tk_assert_ok(db, tk_write(db, "UPDATE place SET name = 'Altona' WHERE code = 'HAM'"));
    put_file(tk_path("damaged"), whole, whole_len);
    bytes = tk_slurp(tk_path("world-wal"), &len);
    put_file(tk_path("damaged-wal"), bytes, len);
    free(bytes);
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_uint_eq(salvage(tk_path("damaged"), tk_path("new")).n_losses, 0);
    ck_assert_int_eq(tk_world_digest(tk_path("world"), &before), FBK_OK);
    ck_assert_int_eq(tk_world_digest(tk_path("new"), &after), FBK_OK);
    ck_assert_uint_eq(before, after);
    remove_store(tk_path("damaged"));
    world_free();
}
END_TEST

START_TEST(a_file_may_be_cut_anywhere)
{
    fbk__rng rng;

    world(400);
    fbk__rng_seed(&rng, 3);
    for (int i = 0; i < 25; i++) {
        size_t len = i == 0 ? 0 : fbk__rng_below(&rng, whole_len);
        fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
        fbk_status rc;

        remove_store(tk_path("new"));
        put_file(tk_path("damaged"), whole, len);
        rc = fbk_store_salvage(tk_path("damaged"), tk_path("new"), NULL, NULL, &info);
        if (len < PAGE) {
            ck_assert_int_eq(rc, FBK_ECORRUPT);
            ck_assert_int_ne(access(tk_path("new"), F_OK), 0);
            continue;
        }
        ck_assert_msg(rc == FBK_OK, "%zu: %s", len, info.message);
        assert_sound(tk_path("new"));
    }
    world_free();
}
END_TEST

static fbk_status
count_sentence(void *user_data, const char *sentence)
{
    ck_assert_ptr_nonnull(strchr(sentence, ' '));
    return --*(int *)user_data == 0 ? FBK_ECALLBACK : FBK_OK;
}

START_TEST(arguments_are_checked)
{
    fbk_store_salvage_options opt = FBK_STORE_SALVAGE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    int left = 2;

    world(40);
    ck_assert_int_eq(fbk_store_salvage(NULL, tk_path("new"), NULL, NULL, &info), FBK_EINVAL);
    ck_assert_int_eq(fbk_store_salvage(tk_path("world"), "", NULL, NULL, NULL), FBK_EINVAL);
    ck_assert_int_eq(fbk_store_salvage(tk_path("none"), tk_path("new"), NULL, NULL, &info),
                     FBK_ENOTFOUND);
    ck_assert_int_eq(fbk_store_salvage(tk_path("world"), tk_path("world"), NULL, NULL, &info),
                     FBK_EEXIST);
    opt.flags = 1;
    ck_assert_int_eq(fbk_store_salvage(tk_path("world"), tk_path("new"), &opt, NULL, &info),
                     FBK_EINVAL);
    ck_assert_str_eq(info.field, "flags");
    opt.flags = 0;
    opt.struct_size = 8;
    ck_assert_int_eq(fbk_store_salvage(tk_path("world"), tk_path("new"), &opt, NULL, &info),
                     FBK_EABI);
    opt.struct_size = sizeof opt;
    memset(whole + 7 * PAGE, 0x55, 2 * (size_t)PAGE);
    put_file(tk_path("damaged"), whole, whole_len);
    opt.lost = count_sentence;
    opt.lost_user_data = &left;
    ck_assert_int_eq(fbk_store_salvage(tk_path("damaged"), tk_path("new"), &opt, NULL, &info),
                     FBK_ECALLBACK);
    ck_assert_int_ne(access(tk_path("new"), F_OK), 0);
    world_free();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("salvage");
    TCase *tc = tcase_create("salvage");

    tcase_set_timeout(tc, getenv("FEEDBACK_TEST_FULL") ? 1200 : 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_sound_store_comes_out_as_it_was);
    tcase_add_test(tc, every_table_is_registered);
    tcase_add_test(tc, what_lies_in_sound_pages_is_there);
    tcase_add_test(tc, the_top_of_a_tree_may_be_lost);
    tcase_add_test(tc, the_log_beside_the_file_counts);
    tcase_add_test(tc, a_file_may_be_cut_anywhere);
    tcase_add_test(tc, arguments_are_checked);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
