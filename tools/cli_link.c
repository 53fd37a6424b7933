/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Identifiers, and what link and unlink have in common. */

bool
cli_identifier(const char *text, char **out_space, const char **out_value)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text) {
        cli_error("an identifier is NAMESPACE=VALUE, as email=ann@shop.de");
        return false;
    }
    *out_space = strndup(text, (size_t)(equals - text));
    *out_value = equals + 1;
    if (!*out_space)
        cli_error("out of memory");
    return *out_space != NULL;
}

int
cli_person(fbk *db, const char *id, uint64_t *out_profile)
{
    fbk_identity_person who = FBK_IDENTITY_PERSON_INIT;
    const char *value;
    char *space;
    fbk_status rc;

    if (!cli_identifier(id, &space, &value))
        return CLI_USAGE;
    rc = fbk_identity_who(db, space, value, FBK_TIME_NONE, &who);
    free(space);
    if (rc < 0)
        return cli_failed(db, rc);
    *out_profile = who.profile;
    return CLI_OK;
}

static void
report(const cli_link_options *link, bool done, const fbk_identity_person *who)
{
    if (cli.json) {
        cli_json_begin();
        cli_json_bool("done", done);
        cli_json_int("profile", (int64_t)who->profile);
        cli_json_int("identifiers", (int64_t)who->n_identifiers);
        cli_json_end();
        return;
    }
    (void)printf("%s (the first is profile %llu with %llu identifiers)\n",
                 done ? link->done : link->not_done, (unsigned long long)who->profile,
                 (unsigned long long)who->n_identifiers);
}

int
cli_link(const cli_link_options *link, const char *a, const char *b)
{
    fbk_identity_person who = FBK_IDENTITY_PERSON_INIT;
    fbk_time at_us = (fbk_time)time(NULL) * 1000000;
    char *space_a = NULL;
    char *space_b = NULL;
    const char *value_a;
    const char *value_b;
    cli_session session = {0};
    fbk_status rc;
    int code = CLI_USAGE;

    if (!cli_identifier(a, &space_a, &value_a) || !cli_identifier(b, &space_b, &value_b))
        goto out;
    code = cli_open(CLI_WRITE, &session);
    if (code != CLI_OK)
        goto out;
    if (link->at && !cli_instant("--at", link->at, &at_us)) {
        code = CLI_USAGE;
        goto out;
    }
    rc = link->call(session.db, space_a, value_a, space_b, value_b, at_us, link->reason);
    if (rc >= 0) {
        fbk_status found = fbk_identity_who(session.db, space_a, value_a, FBK_TIME_NONE, &who);

        if (found < 0)
            rc = found;
    }
    if (rc < 0)
        code = cli_failed(session.db, rc);
    else
        report(link, rc == FBK_OK, &who);
out:
    cli_close(&session);
    free(space_a);
    free(space_b);
    return code;
}
