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

static bool
is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

int
cli_person_identifier(fbk *db, const char *id, char **out_space, char **out_value)
{
    struct ArrowArrayStream stream = {0};
    fbk_arrow_rows rows;
    const char *text;
    int64_t number;
    int64_t len;
    fbk_status rc;

    *out_value = NULL;
    if (!is_number(id)) {
        if (!cli_identifier(id, out_space, &text))
            return CLI_USAGE;
        *out_value = strdup(text);
    } else {
        *out_space = NULL;
        if (!cli_int("a profile", id, 1, UINT32_MAX, &number))
            return CLI_USAGE;
        rc = fbk_identity_list(db, (uint64_t)number, FBK_TIME_NONE, &stream);
        if (rc < 0)
            return cli_failed(db, rc);
        rc = fbk_arrow_rows_open(&rows, &stream);
        while (rc == FBK_OK && !*out_value && fbk_arrow_rows_next(&rows) == FBK_OK) {
            text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "value"), &len);
            *out_value = text ? strndup(text, (size_t)len) : NULL;
            text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "namespace"), &len);
            *out_space = *out_value && text ? strndup(text, (size_t)len) : NULL;
        }
        fbk_arrow_rows_close(&rows);
    }
    if (*out_space && *out_value)
        return CLI_OK;
    cli_error("the profile has no identifier that may be shown");
    free(*out_space);
    free(*out_value);
    *out_space = *out_value = NULL;
    return CLI_FAILURE;
}

int
cli_person(fbk *db, const char *id, uint64_t *out_profile)
{
    fbk_identity_person who = FBK_IDENTITY_PERSON_INIT;
    const char *value;
    int64_t number;
    char *space;
    fbk_status rc;

    if (is_number(id)) {
        if (!cli_int("a profile", id, 1, UINT32_MAX, &number))
            return CLI_USAGE;
        *out_profile = (uint64_t)number;
        return CLI_OK;
    }
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

/* Finer than a second: who unlinks and thinks better of it at once is later, not earlier. */
static fbk_time
now_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (fbk_time)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int
cli_link(const cli_link_options *link, const char *a, const char *b)
{
    fbk_identity_person who = FBK_IDENTITY_PERSON_INIT;
    fbk_time at_us = now_us();
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
