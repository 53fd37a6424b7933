/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/identity.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "log/log.h"
#include "support/tk.h"
#include "support/tk_log.h"

static fbk_store *store;
static fbk *db;
static uint32_t n_events;

static void
setup(void)
{
    store = tk_store_open(":memory:", NULL);
    db = tk_store_connect(store);
    n_events = 0;
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
}

/* ---- helpers ---- */

static void
add_ident(fbk__batch *batch, const char *space, const char *value)
{
    fbk__batch_ident *ident = fbk__batch_add_ident(batch);

    ck_assert_ptr_nonnull(ident);
    ident->space = fbk__intern_add(&batch->words, space, strlen(space));
    ck_assert_int_eq(fbk__batch_text(batch, value, strlen(value), &ident->value), FBK_OK);
}

/* An event without lines, with these identifiers: namespace, value, …, NULL. */
static void
add_event(fbk__batch *batch, fbk_time at_us, va_list idents)
{
    fbk__batch_event *e = fbk__batch_add_event(batch);
    const char *space;
    char id[32];
    int n = snprintf(id, sizeof id, "e%u", n_events++);

    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(fbk__batch_text(batch, id, (size_t)n, &e->id), FBK_OK);
    e->occurred_us = at_us;
    e->received_us = at_us;
    e->kind = fbk__intern_add(&batch->words, "visit", 5);
    e->source = fbk__intern_add(&batch->words, "web", 3);
    e->channel = fbk__intern_add(&batch->words, "", 0);
    e->currency = e->channel;
    e->place = fbk__intern_add(&batch->places, "", 0);
    while ((space = va_arg(idents, const char *)) != NULL)
        add_ident(batch, space, va_arg(idents, const char *));
}

static void
event(fbk *conn, fbk_time at_us, ...)
{
    fbk__append_counts counts = {0};
    fbk__batch batch;
    va_list idents;

    fbk__batch_init(&batch, NULL);
    va_start(idents, at_us);
    add_event(&batch, at_us, idents);
    va_end(idents);
    tk_assert_ok(conn, tk_batch_append(conn, &batch, NULL, &counts));
    ck_assert_uint_eq(counts.added, 1);
    fbk__batch_free(&batch);
}

static fbk_identity_person
who_as_of(const char *space, const char *value, fbk_time as_of_us)
{
    fbk_identity_person person = FBK_IDENTITY_PERSON_INIT;

    tk_assert_ok(db, fbk_identity_who(db, space, value, as_of_us, &person));
    return person;
}

static uint64_t
profile(const char *space, const char *value)
{
    return who_as_of(space, value, FBK_TIME_NONE).profile;
}

/* ---- events ---- */

START_TEST(events_link_their_identifiers)
{
    fbk_identity_person person;

    event(db, 100, "cookie", "c1", NULL);
    ck_assert_uint_ne(profile("cookie", "c1"), 0);
    event(db, 200, "email", "ann@shop.de", "cookie", "c1", "loyalty", "17", NULL);
    event(db, 300, "email", "bob@shop.de", "cookie", "c2", NULL);
    person = who_as_of("email", " Ann@SHOP.de ", FBK_TIME_NONE);
    ck_assert_uint_eq(person.n_identifiers, 3);
    ck_assert_uint_eq(person.profile, who_as_of("cookie", "c1", FBK_TIME_NONE).identifier);
    ck_assert_uint_eq(person.profile, profile("loyalty", "17"));
    ck_assert_uint_ne(person.profile, profile("email", "bob@shop.de"));
    ck_assert_uint_eq(person.flags, 0);
    /* What nobody logged in from stays a person of its own. */
    event(db, 400, "cookie", "c3", NULL);
    ck_assert_uint_eq(who_as_of("cookie", "c3", FBK_TIME_NONE).n_identifiers, 1);
}
END_TEST

START_TEST(a_later_login_does_not_leak_into_the_past)
{
    event(db, 100, "cookie", "c1", NULL);
    event(db, 200, "cookie", "c1", "email", "ann@shop.de", NULL);
    event(db, 300, "cookie", "c1", "email", "bob@shop.de", NULL);
    ck_assert_uint_eq(who_as_of("cookie", "c1", 199).n_identifiers, 1);
    ck_assert_uint_eq(who_as_of("cookie", "c1", 200).n_identifiers, 2);
    ck_assert_uint_eq(who_as_of("cookie", "c1", 300).n_identifiers, 3);
    /* An earlier event that comes late moves the first time back. */
    event(db, 150, "cookie", "c1", "email", "ann@shop.de", NULL);
    ck_assert_uint_eq(who_as_of("cookie", "c1", 199).n_identifiers, 2);
}
END_TEST

/* ---- explicit ---- */

START_TEST(link_and_unlink)
{
    event(db, 1, "email", "a@x.de", "cookie", "c1", NULL);
    event(db, 2, "email", "b@x.de", "cookie", "c2", NULL);
    ck_assert_int_eq(
        fbk_identity_link(db, "email", "a@x.de", "email", "B@x.de ", 10, "called the shop"),
        FBK_OK);
    ck_assert_uint_eq(profile("cookie", "c2"), profile("cookie", "c1"));
    ck_assert_int_eq(fbk_identity_unlink(db, "email", "b@x.de", "email", "a@x.de", 20, NULL),
                     FBK_OK);
    ck_assert_uint_ne(profile("cookie", "c2"), profile("cookie", "c1"));
    /* Linked again before the unlinking: kept, and without effect. */
    ck_assert_int_eq(fbk_identity_link(db, "email", "a@x.de", "email", "b@x.de", 20, NULL),
                     FBK_DONE);
    ck_assert_int_eq(fbk_identity_link(db, "email", "a@x.de", "email", "b@x.de", 21, NULL), FBK_OK);
    ck_assert_uint_eq(profile("cookie", "c2"), profile("cookie", "c1"));
    /* Each instant has its own answer. */
    ck_assert_uint_eq(who_as_of("cookie", "c2", 9).n_identifiers, 2);
    ck_assert_uint_eq(who_as_of("cookie", "c2", 10).n_identifiers, 4);
    ck_assert_uint_eq(who_as_of("cookie", "c2", 20).n_identifiers, 2);
    ck_assert_uint_eq(who_as_of("cookie", "c2", 21).n_identifiers, 4);
}
END_TEST

START_TEST(unlinking_takes_evidence_away_for_good)
{
    event(db, 1, "email", "a@x.de", "cookie", "kiosk", NULL);
    ck_assert_int_eq(fbk_identity_unlink(db, "email", "a@x.de", "cookie", "kiosk", 5, "shared"),
                     FBK_OK);
    event(db, 9, "email", "a@x.de", "cookie", "kiosk", NULL);
    ck_assert_uint_ne(profile("email", "a@x.de"), profile("cookie", "kiosk"));
    /* By another path they are one person still, and that is said. */
    event(db, 10, "email", "a@x.de", "loyalty", "1", NULL);
    event(db, 11, "cookie", "kiosk", "loyalty", "1", NULL);
    ck_assert_uint_eq(profile("email", "a@x.de"), profile("cookie", "kiosk"));
    ck_assert_int_eq(fbk_identity_unlink(db, "email", "a@x.de", "cookie", "kiosk", 12, NULL),
                     FBK_DONE);
    ck_assert_int_eq(fbk_identity_unlink(db, "loyalty", "1", "cookie", "kiosk", 12, NULL), FBK_OK);
    ck_assert_uint_ne(profile("email", "a@x.de"), profile("cookie", "kiosk"));
}
END_TEST

START_TEST(linking_makes_identifiers_known)
{
    ck_assert_int_eq(fbk_identity_link(db, "loyalty", "99", "phone", "+49 171 1234567", 1, NULL),
                     FBK_OK);
    ck_assert_uint_eq(who_as_of("phone", "0049-171-1234567", FBK_TIME_NONE).n_identifiers, 2);
}
END_TEST

typedef struct seen {
    uint32_t nodes[8];
    int64_t times[8];
    size_t n;
} seen;

static fbk_status
see(void *user_data, const fbk__event_view *view)
{
    seen *s = user_data;

    s->nodes[s->n] = view->node;
    s->times[s->n++] = view->occurred_us;
    return FBK_OK;
}

START_TEST(no_event_is_rewritten)
{
    seen before = {0};
    seen after = {0};
    uint64_t ann;

    event(db, 1, "email", "a@x.de", NULL);
    event(db, 2, "email", "b@x.de", NULL);
    event(db, 3, "email", "a@x.de", "cookie", "c", NULL);
    tk_assert_ok(db, fbk__log_each(db, 0, see, &before));
    ann = profile("email", "a@x.de");
    tk_assert_ok(db, fbk_identity_link(db, "email", "a@x.de", "email", "b@x.de", 9, NULL));
    ck_assert_uint_eq(profile("email", "b@x.de"), ann);
    tk_assert_ok(db, fbk_identity_unlink(db, "email", "a@x.de", "email", "b@x.de", 10, NULL));
    ck_assert_uint_eq(profile("email", "a@x.de"), ann);
    tk_assert_ok(db, fbk__log_each(db, 0, see, &after));
    ck_assert_uint_eq(before.n, 3);
    ck_assert_mem_eq(&before, &after, sizeof before);
}
END_TEST

/* ---- quarantine ---- */

static void
mail(char out[32], int i)
{
    (void)snprintf(out, 32, "p%d@x.de", i);
}

START_TEST(what_too_many_share_joins_nobody)
{
    fbk_identity_namespace options = FBK_IDENTITY_NAMESPACE_INIT;
    fbk_identity_person person;
    char value[32];

    for (int i = 0; i < 20; i++) {
        mail(value, i);
        event(db, i, "email", value, "loyalty", "shop", NULL);
    }
    person = who_as_of("loyalty", "shop", FBK_TIME_NONE);
    ck_assert(person.n_identifiers == 21 && person.flags == 0);
    mail(value, 20);
    event(db, 20, "email", value, "loyalty", "shop", NULL);
    person = who_as_of("loyalty", "shop", FBK_TIME_NONE);
    ck_assert_uint_eq(person.n_identifiers, 1);
    ck_assert_uint_eq(person.flags, FBK_IDENTITY_QUARANTINED);
    for (int i = 0; i < 21; i++) {
        mail(value, i);
        ck_assert_uint_eq(who_as_of("email", value, FBK_TIME_NONE).n_identifiers, 1);
    }
    /* Linking it explicitly is kept, and joins nobody either. */
    ck_assert_int_eq(fbk_identity_link(db, "email", value, "loyalty", "shop", 99, NULL), FBK_DONE);
    /* As of an instant it may not have been one yet. */
    ck_assert_uint_eq(who_as_of("loyalty", "shop", 5).n_identifiers, 7);
    options.max_people = 21;
    tk_assert_ok(db, fbk_identity_set_namespace(db, "email", &options));
    ck_assert_uint_eq(who_as_of("loyalty", "shop", FBK_TIME_NONE).n_identifiers, 22);
    tk_assert_ok(db, fbk_identity_set_namespace(db, "email", NULL));
    ck_assert_uint_eq(who_as_of("loyalty", "shop", FBK_TIME_NONE).n_identifiers, 1);
}
END_TEST

START_TEST(a_person_may_have_many_cookies)
{
    char value[32];

    for (int i = 0; i < 201; i++) {
        (void)snprintf(value, sizeof value, "c%d", i);
        event(db, i, "email", "ann@x.de", "cookie", value, NULL);
        if (i == 199)
            ck_assert_uint_eq(who_as_of("email", "ann@x.de", FBK_TIME_NONE).n_identifiers, 201);
    }
    ck_assert_uint_eq(who_as_of("email", "ann@x.de", FBK_TIME_NONE).flags,
                      FBK_IDENTITY_QUARANTINED);
}
END_TEST

START_TEST(what_joins_nobody_is_listed)
{
    static const char *const reasons[] = {"shared", "blocked"};
    struct ArrowArrayStream stream;
    fbk_identity_namespace options = FBK_IDENTITY_NAMESPACE_INIT;
    fbk_arrow_rows rows;
    int64_t len;

    options.max_people = 2;
    tk_assert_ok(db, fbk_identity_set_namespace(db, "email", &options));
    options.max_people = 0;
    options.show = FBK_IDENTITY_SHOW_MASKED;
    tk_assert_ok(db, fbk_identity_set_namespace(db, "loyalty", &options));
    event(db, 1, "loyalty", "shop", "email", "a@x.de", NULL);
    event(db, 2, "loyalty", "shop", "email", "b@x.de", NULL);
    event(db, 3, "loyalty", "shop", "email", "c@x.de", NULL);
    ck_assert_int_eq(fbk_identity_block(db, "email", "office@x.de", 1), FBK_OK);
    ck_assert_int_eq(fbk_identity_block(db, "email", "office@x.de", 1), FBK_DONE);
    tk_assert_ok(db, fbk_identity_quarantined(db, &stream));
    tk_assert_ok(db, fbk_arrow_rows_open(&rows, &stream));
    for (int i = 0; i < 2; i++) {
        static const char *const values[] = {"s***", "office@x.de"};
        const char *text;

        ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_OK);
        text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "value"), &len);
        ck_assert_uint_eq((size_t)len, strlen(values[i]));
        ck_assert_mem_eq(text, values[i], (size_t)len);
        text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "reason"), &len);
        ck_assert_mem_eq(text, reasons[i], (size_t)len);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "neighbours")),
                         i ? 0 : 3);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "max_people")),
                         i ? 0 : 2);
    }
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_DONE);
    fbk_arrow_rows_close(&rows);
}
END_TEST

START_TEST(blocking_is_undone_exactly)
{
    event(db, 1, "phone", "4930123456", "email", "a@x.de", NULL);
    event(db, 2, "phone", "4930123456", "email", "b@x.de", NULL);
    ck_assert_uint_eq(profile("email", "a@x.de"), profile("email", "b@x.de"));
    ck_assert_int_eq(fbk_identity_block(db, "phone", "+49 30 123456", 1), FBK_OK);
    ck_assert_uint_ne(profile("email", "a@x.de"), profile("email", "b@x.de"));
    ck_assert_uint_eq(who_as_of("phone", "4930123456", FBK_TIME_NONE).flags, FBK_IDENTITY_BLOCKED);
    ck_assert_int_eq(fbk_identity_block(db, "phone", "4930123456", 0), FBK_OK);
    ck_assert_int_eq(fbk_identity_block(db, "phone", "4930123456", 0), FBK_DONE);
    ck_assert_int_eq(fbk_identity_block(db, "phone", "4930999999", 0), FBK_DONE);
    ck_assert_uint_eq(profile("email", "a@x.de"), profile("email", "b@x.de"));
}
END_TEST

/* ---- lists ---- */

START_TEST(identifiers_are_listed_for_any_member)
{
    static const char *const spaces[] = {"email", "cookie", "loyalty"};
    fbk_identity_namespace options = FBK_IDENTITY_NAMESPACE_INIT;
    struct ArrowArrayStream stream = {0};

    options.show = FBK_IDENTITY_SHOW_NOTHING;
    tk_assert_ok(db, fbk_identity_set_namespace(db, "cookie", &options));
    event(db, 1, "email", "ann@x.de", "cookie", "c1", "loyalty", "7", NULL);
    event(db, 1, "email", "bob@x.de", NULL);
    for (uint64_t node = 1; node <= 3; node++) {
        fbk_arrow_rows rows;
        int64_t len;

        tk_assert_ok(db, fbk_identity_list(db, node, FBK_TIME_NONE, &stream));
        tk_assert_ok(db, fbk_arrow_rows_open(&rows, &stream));
        for (int64_t i = 0; i < 3; i++) {
            const char *text;

            ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_OK);
            ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 0), i + 1);
            text = fbk_arrow_rows_text(&rows, 1, &len);
            ck_assert_mem_eq(text, spaces[i], (size_t)len);
            ck_assert_int_eq(fbk_arrow_rows_null(&rows, 2), i == 1);
            ck_assert_int_eq(fbk_arrow_rows_int64(&rows, 3), 0);
        }
        ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_DONE);
        fbk_arrow_rows_close(&rows);
    }
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_identity_list(db, 5, FBK_TIME_NONE, &stream));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_identity_list(db, 0, FBK_TIME_NONE, &stream));
    tk_assert_fails(db, FBK_ENOTFOUND,
                    fbk_identity_list(db, UINT64_C(1) << 32, FBK_TIME_NONE, &stream));
    ck_assert_ptr_null(stream.release);
}
END_TEST

START_TEST(erased_identifiers_are_gone)
{
    struct ArrowArrayStream stream = {0};
    fbk_identity_person person = FBK_IDENTITY_PERSON_INIT;
    fbk_arrow_rows rows;
    uint64_t n = 0;
    uint32_t node;

    event(db, 1, "email", "ann@x.de", "cookie", "c1", NULL);
    event(db, 2, "loyalty", "7", "cookie", "c1", NULL);
    node = (uint32_t)who_as_of("email", "ann@x.de", FBK_TIME_NONE).identifier;
    tk_assert_ok(db, fbk__log_erase_nodes(db, &node, 1, &n));
    tk_assert_fails(db, FBK_ENOTFOUND,
                    fbk_identity_who(db, "email", "ann@x.de", FBK_TIME_NONE, &person));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_identity_list(db, node, FBK_TIME_NONE, &stream));
    ck_assert_uint_eq(who_as_of("cookie", "c1", FBK_TIME_NONE).n_identifiers, 2);
    tk_assert_ok(db, fbk_identity_list(db, profile("cookie", "c1"), FBK_TIME_NONE, &stream));
    ck_assert_str_eq(fbk_errmsg(db), "");
    tk_assert_ok(db, fbk_arrow_rows_open(&rows, &stream));
    for (n = 0; fbk_arrow_rows_next(&rows) == FBK_OK;)
        n++;
    ck_assert_uint_eq(n, 2);
    fbk_arrow_rows_close(&rows);
}
END_TEST

/* ---- arguments ---- */

START_TEST(arguments_are_checked)
{
    char longer[1100];
    fbk_identity_person person = FBK_IDENTITY_PERSON_INIT;
    fbk_identity_namespace options = FBK_IDENTITY_NAMESPACE_INIT;

    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    event(db, 1, "email", "ann@x.de", NULL);
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, NULL, "a", "b", "c", 1, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, "a", NULL, "b", "c", 1, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, longer, "a", "b", "c", 1, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, "a", longer, "b", "c", 1, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, "a", "x1", "b", "c", 1, longer));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, "a", "x1", "b", "c", 1, "\xff"));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, "a", "x\xff", "b", "c", 1, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, "A", "x1", "b", "c", 1, NULL));
    longer[256] = '\0';
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, "a", longer, "b", "c", 1, NULL));
    longer[255] = '\0';
    longer[0] = 'y';
    tk_assert_ok(db, fbk_identity_link(db, "a", longer, "b", "c", 1, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, "a", "null", "b", "c", 1, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_link(db, "a", " c", "a", "c ", 1, NULL));
    tk_assert_fails(db, FBK_ERANGE, fbk_identity_link(db, "a", "x", "b", "c", FBK_TIME_NONE, NULL));
    tk_assert_fails(db, FBK_ENOTFOUND,
                    fbk_identity_unlink(db, "email", "ann@x.de", "fax", "1", 1, NULL));
    tk_assert_fails(db, FBK_ENOTFOUND,
                    fbk_identity_unlink(db, "email", "ann@x.de", "email", "bob@x.de", 1, NULL));
    tk_assert_fails(db, FBK_ENOTFOUND,
                    fbk_identity_who(db, "email", "null", FBK_TIME_NONE, &person));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_identity_who(db, "fax", "1", FBK_TIME_NONE, &person));
    tk_assert_fails(db, FBK_ERANGE, fbk_identity_who(db, "email", "ann@x.de", INT64_MAX, &person));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_who(db, "email", "ann@x.de", 1, NULL));
    person.struct_size = 8;
    tk_assert_fails(db, FBK_EABI,
                    fbk_identity_who(db, "email", "ann@x.de", FBK_TIME_NONE, &person));
    ck_assert_uint_eq(person.profile, 0);
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_list(db, 1, FBK_TIME_NONE, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_quarantined(db, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_block(db, "email", "a@x.de", 2));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_block(db, "email", "", 1));
    options.max_people = 1000001;
    tk_assert_fails(db, FBK_ERANGE, fbk_identity_set_namespace(db, "email", &options));
    options.max_people = 1000000;
    tk_assert_ok(db, fbk_identity_set_namespace(db, "email", &options));
    options.show = 4;
    tk_assert_fails(db, FBK_ERANGE, fbk_identity_set_namespace(db, "email", &options));
    options.show = 0;
    options.reserved0 = 1;
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_set_namespace(db, "email", &options));
    tk_assert_fails(db, FBK_EINVAL, fbk_identity_set_namespace(db, "", NULL));
    ck_assert_int_eq(fbk_identity_who(NULL, "email", "a@x.de", 1, &person), FBK_EINVAL);
}
END_TEST

/* ---- against the definition ---- */

enum { PEOPLE = 14, SPACES = 3 };

typedef struct model {
    bool evidence[PEOPLE][PEOPLE];
    int64_t linked[PEOPLE][PEOPLE];
    int64_t unlinked[PEOPLE][PEOPLE];
    uint64_t node[PEOPLE];
} model;

static const char *const space_names[SPACES] = {"email", "loyalty", "cookie"};
static const uint32_t space_limits[SPACES] = {3, 4, 5};

static const char *
value_of(int i)
{
    static char text[4][16];
    static int turn;

    turn = (turn + 1) % 4;
    (void)snprintf(text[turn], sizeof text[turn], i % SPACES ? "v%d" : "v%d@x.de", i);
    return text[turn];
}

static bool
model_active(const model *m, int i, int k)
{
    if (m->unlinked[i][k])
        return m->linked[i][k] > m->unlinked[i][k];
    return m->evidence[i][k] || m->linked[i][k];
}

/* Smallest node that each can reach, without those with too many neighbours. */
static void
model_solve(const model *m, uint64_t out[PEOPLE])
{
    bool alone[PEOPLE] = {false};
    bool changed = true;

    for (int i = 0; i < PEOPLE; i++) {
        uint32_t n[SPACES] = {0};

        out[i] = m->node[i];
        for (int k = 0; k < PEOPLE; k++)
            n[k % SPACES] += model_active(m, i, k);
        for (int s = 0; s < SPACES; s++)
            alone[i] |= n[s] > space_limits[s];
    }
    while (changed) {
        changed = false;
        for (int i = 0; i < PEOPLE; i++) {
            for (int k = 0; k < PEOPLE; k++) {
                if (model_active(m, i, k) && !alone[i] && !alone[k] && out[k] < out[i]) {
                    out[i] = out[k];
                    changed = true;
                }
            }
        }
    }
}

/* Asked one by one, from the snapshot of all, and one by one with the snapshot at hand. */
static void
assert_profiles(const uint64_t expect[PEOPLE])
{
    const fbk__identity *who = NULL;

    for (int i = 0; i < PEOPLE; i++) {
        fbk_identity_person p = who_as_of(space_names[i % SPACES], value_of(i), FBK_TIME_NONE);
        uint64_t n = 0;

        for (int k = 0; k < PEOPLE; k++)
            n += expect[k] == expect[i];
        ck_assert_uint_eq(p.profile, expect[i]);
        ck_assert_uint_eq(p.n_identifiers, n);
    }
    tk_assert_ok(db, fbk__identity_acquire(db, FBK_TIME_NONE, &who));
    for (int i = 0; i < PEOPLE; i++) {
        fbk_identity_person p = who_as_of(space_names[i % SPACES], value_of(i), FBK_TIME_NONE);

        ck_assert_uint_eq(fbk__identity_profile(who, (uint32_t)p.identifier), expect[i]);
        ck_assert_uint_eq(p.profile, expect[i]);
        ck_assert_uint_eq(p.flags, fbk__identity_flags(who, (uint32_t)p.identifier));
    }
    fbk__identity_release(who);
}

/* The same as of an instant, walked and built. */
static void
assert_as_of(fbk_time as_of_us)
{
    const fbk__identity *who = NULL;

    tk_assert_ok(db, fbk__identity_acquire(db, as_of_us, &who));
    for (int i = 0; i < PEOPLE; i++) {
        fbk_identity_person p = who_as_of(space_names[i % SPACES], value_of(i), as_of_us);

        ck_assert_uint_eq(fbk__identity_profile(who, (uint32_t)p.identifier), p.profile);
        ck_assert_uint_eq(p.flags, fbk__identity_flags(who, (uint32_t)p.identifier));
    }
    fbk__identity_release(who);
}

START_TEST(profiles_equal_the_definition)
{
    uint64_t expect[PEOPLE];
    model m = {0};
    fbk__rng rng;
    int same = 0;

    fbk__rng_seed(&rng, (uint64_t)_i + 77);
    for (int s = 0; s < SPACES; s++) {
        fbk_identity_namespace options = FBK_IDENTITY_NAMESPACE_INIT;

        options.max_people = space_limits[s];
        tk_assert_ok(db, fbk_identity_set_namespace(db, space_names[s], &options));
    }
    for (int i = 0; i < PEOPLE; i++) {
        event(db, 1, space_names[i % SPACES], value_of(i), NULL);
        m.node[i] = who_as_of(space_names[i % SPACES], value_of(i), FBK_TIME_NONE).identifier;
    }
    for (int step = 1; step <= 60; step++) {
        int i = (int)fbk__rng_below(&rng, PEOPLE);
        int k = (int)fbk__rng_below(&rng, PEOPLE);
        int what = (int)fbk__rng_below(&rng, 5);
        /* Hosts do not always report in the order of time. */
        int64_t at = 1000 * step + (int64_t)fbk__rng_below(&rng, 5000);
        const char *si = space_names[i % SPACES];
        const char *sk = space_names[k % SPACES];
        uint64_t before[PEOPLE];
        fbk_status rc;

        if (i == k)
            continue;
        model_solve(&m, before);
        if (what == 0) {
            event(db, at, si, value_of(i), sk, value_of(k), NULL);
            m.evidence[i][k] = m.evidence[k][i] = true;
        } else if (what <= 2) {
            rc = fbk_identity_link(db, si, value_of(i), sk, value_of(k), at, NULL);
            tk_assert_ok(db, rc);
            m.linked[i][k] = m.linked[k][i] = at > m.linked[i][k] ? at : m.linked[i][k];
            model_solve(&m, expect);
            ck_assert_int_eq(rc, expect[i] == expect[k] ? FBK_OK : FBK_DONE);
        } else {
            rc = fbk_identity_unlink(db, si, value_of(i), sk, value_of(k), at, NULL);
            tk_assert_ok(db, rc);
            m.unlinked[i][k] = m.unlinked[k][i] = at > m.unlinked[i][k] ? at : m.unlinked[i][k];
            model_solve(&m, expect);
            ck_assert_int_eq(rc, expect[i] == expect[k] ? FBK_DONE : FBK_OK);
        }
        model_solve(&m, expect);
        assert_profiles(expect);
        assert_as_of(at - 3000);
        /* Linking two that nothing linked, and unlinking them, gives back exactly what was. */
        if (!model_active(&m, i, k)) {
            int64_t later = 10000000 + 2 * step;

            tk_assert_ok(db, fbk_identity_link(db, si, value_of(i), sk, value_of(k), later, NULL));
            tk_assert_ok(
                db, fbk_identity_unlink(db, sk, value_of(k), si, value_of(i), later + 1, NULL));
            m.linked[i][k] = m.linked[k][i] = later;
            m.unlinked[i][k] = m.unlinked[k][i] = later + 1;
            assert_profiles(expect);
            same++;
        }
    }
    ck_assert_int_gt(same, 5);
}
END_TEST

/* A person of more identifiers than are looked up one by one. */
START_TEST(a_person_may_be_large)
{
    enum { N = 5000 };
    fbk_identity_person person = FBK_IDENTITY_PERSON_INIT;
    uint32_t space = 0;

    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__word_resolve(db, "loyalty", 7, true, &space));
    for (uint32_t i = 1; i <= N; i++) {
        fbk__link link = {i - 1, i, FBK__LINK_EVENT, 1, i, i};
        uint32_t node = 0;
        char value[16];
        int len = snprintf(value, sizeof value, "n%u", i);

        tk_assert_ok(db, fbk__node_make(db, space, value, (size_t)len, &node));
        ck_assert_uint_eq(node, i);
        if (i > 1)
            tk_assert_ok(db, fbk__link_add(db, &link, NULL));
    }
    tk_assert_ok(db, fbk__generation_bump(db, FBK__KIND_IDENTITY));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    for (int k = 0; k < 2; k++) {
        tk_assert_ok(db, fbk_identity_who(db, "loyalty", "n4711", FBK_TIME_NONE, &person));
        ck_assert(person.profile == 1 && person.n_identifiers == N);
    }
    ck_assert_int_eq(fbk_identity_unlink(db, "loyalty", "n2", "loyalty", "n3", 2 * N, NULL),
                     FBK_OK);
    ck_assert_uint_eq(profile("loyalty", "n4711"), 3);
    ck_assert_uint_eq(who_as_of("loyalty", "n4711", 4000).n_identifiers, 1);
    ck_assert_uint_eq(who_as_of("loyalty", "n17", 4000).n_identifiers, 4000);
}
END_TEST

/* ---- snapshots ---- */

START_TEST(a_snapshot_never_changes)
{
    const fbk__identity *old = NULL;
    const fbk__identity *now = NULL;
    const uint32_t *members;
    uint32_t young;
    size_t n;

    event(db, 1, "email", "a@x.de", NULL);
    event(db, 2, "email", "b@x.de", NULL);
    tk_assert_ok(db, fbk__identity_acquire(db, FBK_TIME_NONE, &old));
    event(db, 3, "email", "c@x.de", NULL);
    tk_assert_ok(db, fbk__identity_acquire(db, FBK_TIME_NONE, &now));
    ck_assert_ptr_eq(old, now); /* no link came: nothing is built anew */
    young = (uint32_t)who_as_of("email", "c@x.de", FBK_TIME_NONE).identifier;
    ck_assert_uint_eq(young, 3);
    ck_assert_uint_eq(fbk__identity_profile(now, young), young);
    members = fbk__identity_members(now, &young, &n);
    ck_assert(n == 1 && *members == young);
    fbk__identity_release(now);
    tk_assert_ok(db, fbk_identity_link(db, "email", "a@x.de", "email", "b@x.de", 9, NULL));
    ck_assert_uint_eq(fbk__identity_profile(old, 2), 2);
    tk_assert_ok(db, fbk__identity_acquire(db, FBK_TIME_NONE, &now));
    ck_assert_uint_eq(fbk__identity_profile(now, 2), 1);
    fbk__identity_release(now);
    fbk__identity_release(old);
    fbk__identity_release(NULL);
}
END_TEST

START_TEST(what_is_rolled_back_is_seen_by_nobody)
{
    const fbk__identity *inside = NULL;
    fbk__link link = {1, 2, FBK__LINK_EXPLICIT, 1, 5, 5};

    event(db, 1, "email", "a@x.de", NULL);
    event(db, 2, "email", "b@x.de", NULL);
    ck_assert_uint_eq(profile("email", "b@x.de"), 2);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_ok(db, fbk__link_add(db, &link, NULL));
    tk_assert_ok(db, fbk__generation_bump(db, FBK__KIND_IDENTITY));
    tk_assert_ok(db, fbk__identity_acquire(db, FBK_TIME_NONE, &inside));
    ck_assert_uint_eq(fbk__identity_profile(inside, 2), 1);
    fbk__identity_release(inside);
    ck_assert_int_eq(fbk__write_end(db, FBK_ECANCELLED), FBK_ECANCELLED);
    ck_assert_uint_eq(profile("email", "b@x.de"), 2);
    /* The generation that was rolled back is used again, for something else. */
    tk_assert_ok(db, fbk_identity_block(db, "email", "c@x.de", 1));
    ck_assert_uint_eq(profile("email", "b@x.de"), 2);
}
END_TEST

START_TEST(two_connections_agree)
{
    fbk *other = tk_store_connect(store);
    fbk_identity_person person = FBK_IDENTITY_PERSON_INIT;

    event(db, 1, "email", "a@x.de", "cookie", "c1", NULL);
    ck_assert_uint_eq(profile("cookie", "c1"), 1);
    event(other, 2, "email", "b@x.de", "cookie", "c1", NULL);
    tk_assert_ok(db, fbk_identity_who(db, "email", "b@x.de", FBK_TIME_NONE, &person));
    ck_assert_uint_eq(person.profile, 1);
    ck_assert_uint_eq(person.n_identifiers, 3);
    fbk_close(other);
}
END_TEST

enum { THREADS = 4, ROUNDS = 100 };

typedef struct worker {
    pthread_t thread;
    fbk *db;
    int number;
    int failed;
} worker;

/* Links its own pairs and sees them joined, while the others do the same. */
static void *
worker_run(void *arg)
{
    worker *w = arg;

    for (int i = 0; i < ROUNDS && !w->failed; i++) {
        fbk_identity_person a = FBK_IDENTITY_PERSON_INIT;
        fbk_identity_person b = FBK_IDENTITY_PERSON_INIT;
        char va[24];
        char vb[24];

        (void)snprintf(va, sizeof va, "a%d-%d", w->number, i);
        (void)snprintf(vb, sizeof vb, "b%d-%d", w->number, i);
        if (fbk_identity_link(w->db, "loyalty", va, "card", vb, i, NULL) != FBK_OK ||
            fbk_identity_who(w->db, "loyalty", va, FBK_TIME_NONE, &a) != FBK_OK ||
            fbk_identity_who(w->db, "card", vb, FBK_TIME_NONE, &b) != FBK_OK ||
            a.profile != b.profile || a.n_identifiers != 2)
            w->failed = i + 1;
    }
    return NULL;
}

START_TEST(threads_link_and_look)
{
    worker workers[THREADS];

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.db = tk_store_connect(store), .number = i};
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        ck_assert_msg(!workers[i].failed, "thread %d round %d: %s", i, workers[i].failed,
                      fbk_errmsg(workers[i].db));
        fbk_close(workers[i].db);
    }
    ck_assert_uint_eq(who_as_of("card", "b3-99", FBK_TIME_NONE).n_identifiers, 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("identity");
    TCase *tc = tcase_create("identity");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, events_link_their_identifiers);
    tcase_add_test(tc, a_later_login_does_not_leak_into_the_past);
    tcase_add_test(tc, link_and_unlink);
    tcase_add_test(tc, unlinking_takes_evidence_away_for_good);
    tcase_add_test(tc, linking_makes_identifiers_known);
    tcase_add_test(tc, no_event_is_rewritten);
    tcase_add_test(tc, what_too_many_share_joins_nobody);
    tcase_add_test(tc, a_person_may_have_many_cookies);
    tcase_add_test(tc, what_joins_nobody_is_listed);
    tcase_add_test(tc, blocking_is_undone_exactly);
    tcase_add_test(tc, identifiers_are_listed_for_any_member);
    tcase_add_test(tc, erased_identifiers_are_gone);
    tcase_add_test(tc, arguments_are_checked);
    tcase_add_loop_test(tc, profiles_equal_the_definition, 0, 6);
    tcase_add_test(tc, a_person_may_be_large);
    tcase_add_test(tc, a_snapshot_never_changes);
    tcase_add_test(tc, what_is_rolled_back_is_seen_by_nobody);
    tcase_add_test(tc, two_connections_agree);
    tcase_add_test(tc, threads_link_and_look);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
