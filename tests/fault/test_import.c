/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/import.h>
#include <feedback/store.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log/log.h"
#include "support/tk.h"

/* Memory and disks that fail while a file is imported: the right code, a sentence, no leak; then the
 * same call on the same connection stores what is missing and nothing twice. */

static tk_alloc alloc;
static fbk_store *store;
static fbk *db;

static void
setup(void)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;

    tk_alloc_init(&alloc);
    options.flags = FBK_STORE_CREATE;
    options.allocator = &alloc.allocator;
    ck_assert_int_eq(fbk_store_open(":memory:", &options, &store, NULL), FBK_OK);
    ck_assert_int_eq(fbk_connect(store, &db), FBK_OK);
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(alloc.n_live, 0);
}

static uint64_t
events_stored(void)
{
    fbk__log_counts counts;

    tk_assert_ok(db, fbk__log_count(db, &counts));
    return counts.events;
}

static const struct {
    const char *map;
    const char *text; /* two good events and one bad row */
} files[] = {
    {"{\"format\":\"csv\",\"source\":{\"value\":\"till\"},\"event_id\":[\"id\"],"
     "\"time\":{\"value\":\"t\",\"zone\":\"Europe/London\"},\"kind\":\"sale\",\"place\":\"shop\","
     "\"identifiers\":[{\"namespace\":\"email\",\"value\":\"who\"}],"
     "\"line\":{\"item\":\"sku\",\"unit_price\":\"price\"},\"item\":{\"name\":\"name\",\"price\":\"price\"},"
     "\"properties\":[{\"key\":\"k\",\"value\":{\"parts\":[\"id\",\"sku\"],\"join\":\"-\"},\"type\":\"text\"}]}",
     "id,t,shop,who,sku,price,name\n1,2020-01-01 10:00:00,s1,a@x.org,p,1.50,\"Tea \"\"x\"\"\"\n"
     "2,2020-01-01 10:00:00,s1,b@x.org,q,2,Pen\n3,2020-01-01 10:00:00,s1,,q,bad,Pen\n"},
    {"{\"format\":\"json\",\"json\":{\"lines\":\"l\"},\"time\":\"at\",\"kind\":\"cart\","
     "\"line\":{\"item\":\"l.i\"},\"properties\":[{\"key\":\"n\",\"type\":\"double\",\"value\":\"n\"}]}",
     "{\"at\":\"2020-01-01T00:00:00Z\",\"n\":1.5,\"l\":[{\"i\":\"\\u0041\"},{\"i\":\"b\"}]}\n"
     "{\"at\":\"2020-01-01T00:00:00Z\",\"n\":1.5,\"l\":[{\"i\":\"\\u0041\"},{\"i\":\"b\"}]}\n{\n"},
};

/* `_i` is the file and whether memory stays away. */
START_TEST(out_of_memory)
{
    const size_t which = (size_t)_i / 2;
    fbk_import_options options = FBK_IMPORT_OPTIONS_INIT;
    bool failed = true;
    int64_t k = 0;
    FILE *file = fopen(tk_path("till.csv"), "w");

    ck_assert(file && fputs(files[which].text, file) >= 0 && fclose(file) == 0);
    options.map_text = files[which].map;
    for (; failed; k++) {
        fbk_import_report report = FBK_IMPORT_REPORT_INIT;
        fbk_status rc;

        setup();
        alloc.fail_at = alloc.n_calls + k;
        alloc.persistent = _i & 1;
        rc = fbk_import_file(db, tk_path("till.csv"), &options, &report);
        failed = alloc.n_calls > alloc.fail_at;
        alloc.fail_at = -1;
        ck_assert_msg(rc == FBK_ENOMEM || rc == FBK_OK, "allocation %d: %s", (int)k,
                      fbk_status_name(rc));
        ck_assert(rc == FBK_OK || fbk_errmsg(db)[0]);
        /* What memory is only a help for may do without it, but then nothing may be missing. */
        ck_assert(rc < 0 || (report.events_added == 2 && report.rows_rejected == 1));
        tk_assert_ok(db, fbk_import_file(db, tk_path("till.csv"), &options, &report));
        ck_assert_uint_eq(report.events_added + report.events_already, 2);
        ck_assert_uint_eq(report.rows_rejected, 1);
        ck_assert_uint_eq(events_stored(), 2);
        teardown();
    }
    ck_assert_int_gt(k, 50);
}
END_TEST

/* A till's file that 1 MiB of memory does not hold. */
static const char *
great_file(void)
{
    const char *path = tk_path("great.csv");
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    (void)fputs("id,t\n", file);
    for (int i = 0; i < 60000; i++)
        (void)fprintf(file, "%d,2020-01-01T00:00:00Z\n", i);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static const char great_map[] =
    "{\"format\":\"csv\",\"event_id\":[\"id\"],\"time\":\"t\",\"kind\":\"visit\"}";

/* The temporary file may not grow: nothing is stored, and nothing is left behind. */
START_TEST(no_room_for_sorting)
{
    fbk_import_options options = FBK_IMPORT_OPTIONS_INIT;
    fbk_import_report report = FBK_IMPORT_REPORT_INIT;
    const char *path = great_file();
    struct rlimit limit;
    struct rlimit small;

    setup();
    options.map_text = great_map;
    options.memory_mib = 1;
    options.temp_dir = tk_tmpdir();
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 1 << 20;
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    tk_assert_fails(db, FBK_EIO, fbk_import_file(db, path, &options, &report));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_uint_eq(events_stored(), 0);
    tk_assert_ok(db, fbk_import_file(db, path, &options, &report));
    ck_assert_uint_eq(report.events_added, 60000);
    teardown();
}
END_TEST

/* The disk of the rejects is full: the events are stored all the same, and the code says it. */
START_TEST(no_room_for_rejects)
{
    fbk_import_options options = FBK_IMPORT_OPTIONS_INIT;
    fbk_import_report report = FBK_IMPORT_REPORT_INIT;
    FILE *file = fopen(tk_path("some.csv"), "w");

    if (access("/dev/full", W_OK) != 0)
        tk_skip("there is no /dev/full");
    setup();
    ck_assert(file && fputs("id,t\n1,never\n2,2020-01-01T00:00:00Z\n", file) >= 0 &&
              fclose(file) == 0);
    options.map_text = great_map;
    options.rejects_path = "/dev/full";
    tk_assert_fails(db, FBK_EFULL, fbk_import_file(db, tk_path("some.csv"), &options, &report));
    ck_assert_uint_eq(report.rows_rejected, 1);
    ck_assert_uint_eq(events_stored(), 1);
    teardown();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("import");
    TCase *tc = tcase_create("import");

    tcase_add_loop_test(tc, out_of_memory, 0, 4);
    tcase_add_test(tc, no_room_for_sorting);
    tcase_add_test(tc, no_room_for_rejects);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
