/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The command line: global options, then a verb with its own. */

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} verbs[] = {
    {"init", cmd_init, "make a store"},
    {"import", cmd_import, "store the events of files"},
    {"catalogue", cmd_catalogue, "load and show items and stock"},
    {"place", cmd_place, "load and show places"},
    {"weather", cmd_weather, "load and show observations"},
    {"train", cmd_train, "learn the models"},
    {"recommend", cmd_recommend, "what to offer now, and why"},
    {"profile", cmd_profile, "the single view of a person"},
    {"context", cmd_context, "clock, season and weather at a place"},
    {"rfm", cmd_rfm, "score customers by recency, frequency and value"},
    {"clv", cmd_clv, "forecast orders and value of customers"},
    {"link", cmd_link, "say that two identifiers are one person"},
    {"unlink", cmd_unlink, "say that they are not"},
    {"stats", cmd_stats, "count what is in the store"},
    {"check", cmd_check, "look for damage"},
    {"salvage", cmd_salvage, "copy what is sound of a damaged store"},
    {"backup", cmd_backup, "make a verified copy"},
    {"maintain", cmd_maintain, "merge, shrink, and finish what was erased"},
    {"export", cmd_export, "write what is in the store, or new in it, to a file"},
    {"merge", cmd_merge, "bring in what other stores hold"},
    {"simulate", cmd_simulate, "write a simulated chain of shops and the truth about it"},
};

enum { N_VERBS = sizeof verbs / sizeof verbs[0] };

static void
help(FILE *out)
{
    (void)fputs("usage: feedback [--store FILE] [--json] [--progress auto|always|never] VERB …\n\n",
                out);
    for (size_t i = 0; i < N_VERBS; i++)
        (void)fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].what);
    (void)fputs("\n  --store FILE   the store (default: $FEEDBACK_STORE, else feedback.db)\n"
                "  --json         one JSON object a line on standard output\n"
                "  --progress W   when to draw a progress bar: auto, always, never\n"
                "  --busy-timeout MS  wait so long for a store that is locked (default 10000)\n"
                "  --version      versions of the library and of what it runs on\n"
                "  --help         this text; feedback VERB --help for a verb's\n\n"
                "Exit status: 0 done, 1 failed, 2 wrong usage, 3 bad input data, 4 store damaged,\n"
                "5 busy, 6 refused, 130 interrupted. See feedback(1).\n",
                out);
}

static bool
progress_parse(const char *text)
{
    static const char *const words[] = {"auto", "always", "never"};

    for (int i = 0; i < 3; i++)
        if (strcmp(text, words[i]) == 0) {
            cli.progress = i;
            return true;
        }
    cli_error("--progress takes auto, always or never, not \"%.40s\"", text);
    return false;
}

/* What was printed must have arrived: a full disk behind standard output is a failure. */
static int
finish(int rc)
{
    bool bad = ferror(stdout) != 0;

    if (fclose(stdout) != 0)
        bad = true;
    if (!bad)
        return rc;
    if (errno != EPIPE)
        cli_error("could not write to standard output: %s", strerror(errno));
    return rc != CLI_OK ? rc : CLI_FAILURE;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"store", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"progress", required_argument, NULL, 'p'},
                                            {"busy-timeout", required_argument, NULL, 't'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *from_environment = getenv("FEEDBACK_STORE");
    int64_t timeout_ms;
    const char *no_colour = getenv("NO_COLOR");

    if (from_environment && *from_environment)
        cli.store = from_environment;
    cli.colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
    for (int c; (c = getopt_long(argc, argv, "+h", options, NULL)) != -1;)
        switch (c) {
        case 's':
            cli.store = optarg;
            break;
        case 'j':
            cli.json = true;
            break;
        case 'p':
            if (!progress_parse(optarg))
                return CLI_USAGE;
            break;
        case 't':
            if (!cli_int("--busy-timeout", optarg, 1, 600000, &timeout_ms))
                return CLI_USAGE;
            cli.busy_timeout_ms = (uint32_t)timeout_ms;
            break;
        case 'v':
            (void)printf("feedback %s\n%s", fbk_version_string(), fbk_build_info());
            return finish(CLI_OK);
        case 'h':
            help(stdout);
            return finish(CLI_OK);
        default:
            help(stderr);
            return CLI_USAGE;
        }
    if (optind == argc) {
        help(stderr);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < N_VERBS; i++)
        if (strcmp(argv[optind], verbs[i].name) == 0) {
            int shift = optind;

            optind = 0; /* getopt starts again, with permutation */
            return finish(verbs[i].run(argc - shift, argv + shift));
        }
    cli_error("there is no verb \"%.40s\"; feedback --help lists them", argv[optind]);
    return CLI_USAGE;
}
