/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Two addresses turn out to be one customer, and then not. */
#include <feedback/feedback.h>

#include <stdio.h>

static fbk_status
visit(fbk *db, const char *id, fbk_time at_us, const char *email, const char *cookie)
{
    const char *const spaces[] = {"email", "cookie"};
    const char *const values[] = {email, cookie};
    fbk_event event = FBK_EVENT_INIT;

    event.event_id = id;
    event.kind = "visit";
    event.source = "web shop";
    event.occurred_us = at_us;
    event.n_identifiers = 2;
    event.namespaces = spaces;
    event.values = values;
    return fbk_event_append(db, &event, NULL);
}

static fbk_status
print(fbk *db, const char *what, fbk_time as_of_us)
{
    fbk_identity_person person = FBK_IDENTITY_PERSON_INIT;
    fbk_status rc = fbk_identity_who(db, "cookie", "c-2", as_of_us, &person);

    if (rc >= 0)
        printf("%s: cookie c-2 is one of %llu identifiers of person %llu\n", what,
               (unsigned long long)person.n_identifiers, (unsigned long long)person.profile);
    return rc;
}

static fbk_status
story(fbk *db)
{
    fbk_status rc;

    rc = visit(db, "v1", 100, "ann@shop.de", "c-1");
    if (rc >= 0)
        rc = visit(db, "v2", 200, "ann.lee@post.de", "c-2");
    if (rc >= 0)
        rc = print(db, "as seen", FBK_TIME_NONE);
    if (rc >= 0)
        rc = fbk_identity_link(db, "email", "ann@shop.de", "email", "Ann.Lee@post.de", 300,
                               "told the hotline");
    if (rc >= 0)
        rc = print(db, "linked", FBK_TIME_NONE);
    if (rc >= 0)
        rc = print(db, "as of before that", 299);
    if (rc >= 0)
        rc = fbk_identity_unlink(db, "email", "ann@shop.de", "email", "ann.lee@post.de", 400,
                                 "mother and daughter");
    if (rc >= 0)
        rc = print(db, "unlinked", FBK_TIME_NONE);
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
        rc = story(db);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", fbk_status_name(rc), fbk_errmsg(db));
    fbk_close(db);
    fbk_store_close(store);
    return rc < 0;
}
