/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Many events in, a table out, without an Arrow library: two sales of a day's till roll, and the
 * identifiers of the customer who made them. */
#include <feedback/feedback.h>

#include <stdio.h>

#define DAY_US INT64_C(86400000000)

static void
sale(fbk_arrow_builder *b, const char *id, fbk_time at_us, const char *card, const char *email)
{
    fbk_arrow_add_text(b, 0, id, -1);
    fbk_arrow_add_int64(b, 1, at_us);
    fbk_arrow_add_text(b, 2, "till 1", -1);
    fbk_arrow_add_text(b, 3, card, -1);
    fbk_arrow_add_text(b, 4, email, -1); /* NULL is null */
    fbk_arrow_add_text(b, 5, "ESPRESSO-250", -1);
    fbk_arrow_add_double(b, 6, 6.9);
}

static fbk_status
send(fbk *db)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    struct ArrowArrayStream rows;
    fbk_status rc;

    (void)fbk_arrow_builder_column(&b, "event_id", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "occurred_us", FBK_ARROW_TIME);
    (void)fbk_arrow_builder_column(&b, "source", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "id:loyalty", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "id:email", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "item", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "unit_price", FBK_ARROW_DOUBLE);
    sale(&b, "1-0001", 20000 * DAY_US, "4711", NULL);
    sale(&b, "1-0002", 20007 * DAY_US, "4711", "ann@shop.de");
    rc = fbk_arrow_builder_finish(&b, &rows); /* tells whatever went wrong above, too */
    return rc < 0 ? rc : fbk_event_append_stream(db, &rows, NULL, NULL);
}

static fbk_status
print(fbk *db)
{
    fbk_identity_person person = FBK_IDENTITY_PERSON_INIT;
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows;
    int64_t space;
    int64_t value;
    fbk_status rc;

    rc = fbk_identity_who(db, "email", "ann@shop.de", FBK_TIME_NONE, &person);
    if (rc < 0)
        return rc;
    rc = fbk_identity_list(db, person.profile, FBK_TIME_NONE, &stream);
    if (rc < 0)
        return rc;
    rc = fbk_arrow_rows_open(&rows, &stream);
    if (rc < 0)
        return rc;
    space = fbk_arrow_rows_column(&rows, "namespace");
    value = fbk_arrow_rows_column(&rows, "value");
    while ((rc = fbk_arrow_rows_next(&rows)) == FBK_OK) {
        int64_t space_len;
        int64_t value_len;
        const char *s = fbk_arrow_rows_text(&rows, space, &space_len);
        const char *v = fbk_arrow_rows_text(&rows, value, &value_len);

        printf("%.*s=%.*s\n", (int)space_len, s, (int)value_len, v);
    }
    fbk_arrow_rows_close(&rows);
    return rc;
}

int
main(void)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = NULL;
    fbk *db = NULL;
    fbk_status rc;

    options.flags = FBK_STORE_CREATE;
    rc = fbk_store_open(":memory:", &options, &store, NULL);
    if (rc >= 0)
        rc = fbk_connect(store, &db);
    if (rc >= 0)
        rc = send(db);
    if (rc >= 0)
        rc = print(db);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", fbk_status_name(rc), fbk_errmsg(db));
    fbk_close(db);
    fbk_store_close(store);
    return rc < 0;
}
