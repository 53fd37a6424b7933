/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "simulate.h"

/* feedback simulate: a chain of shops that never was, and the truth about it. */

static const char usage[] =
    "usage: feedback simulate [--customers N] [--days D] [--seed S] --out DIR\n"
    "\n"
    "Writes a simulated chain of shops into DIR, which is made if need be:\n"
    "  events.ndjson resent.ndjson map.json   what the tills and the web shop would hand over, the\n"
    "                                         events that are sent again, how to import both\n"
    "  catalogue.csv places.csv weather.csv   and the office\n"
    "  truth.json truth_people.csv truth_items.csv truth_identities.csv   what is true of it\n"
    "\n"
    "  --customers N  known customers, 100 to 10000000 (default 20000)\n"
    "  --days D       days of trade, 28 to 3660 (default 730)\n"
    "  --seed S       the same seed gives the same bytes (default 1)\n"
    "  --out DIR      where to\n";

static FILE *
file_make(const char *dir, const char *name)
{
    char path[4096];
    FILE *file;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path) {
        cli_error("the path of %s was too long", name);
        return NULL;
    }
    file = fopen(path, "we");
    if (!file)
        cli_error("could not write %s: %s", path, strerror(errno));
    return file;
}

/* Whether everything reached the disk; closes. */
static bool
file_done(const char *dir, const char *name, FILE *file)
{
    bool ok;

    if (!file)
        return false;
    ok = !ferror(file);
    if (fclose(file) != 0)
        ok = false;
    if (!ok)
        cli_error("could not write %s/%s: %s", dir, name, strerror(errno));
    return ok;
}

static bool
side_files_write(const sim *s, const char *dir)
{
    static const struct {
        const char *name;
        void (*write)(const sim *s, FILE *out);
    } files[] = {
        {"map.json", sim_write_map},
        {"catalogue.csv", sim_write_catalogue},
        {"places.csv", sim_write_places},
        {"weather.csv", sim_write_weather},
        {"truth_people.csv", sim_write_people},
        {"truth_items.csv", sim_write_items},
        {"truth.json", sim_write_truth},
    };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        FILE *file = file_make(dir, files[i].name);

        if (!file)
            return false;
        files[i].write(s, file);
        if (!file_done(dir, files[i].name, file))
            return false;
    }
    return true;
}

static int
days_run(sim *s)
{
    for (int32_t day = 0; day < s->n_days; day++) {
        sim_day_run(s, day);
        if (s->failed) {
            cli_error("out of memory");
            return CLI_FAILURE;
        }
        if (ferror(s->events) || ferror(s->resent) || ferror(s->identities))
            return CLI_OK; /* said when they are closed */
        if (cli_progress(NULL, (uint64_t)day, (uint64_t)s->n_days) < 0)
            return CLI_INTERRUPTED;
    }
    sim_day_write(s, s->n_days);
    return CLI_OK;
}

static int
simulate(sim *s, const char *dir)
{
    int rc = CLI_FAILURE;
    bool written;

    s->days = calloc((size_t)s->n_days + 1, sizeof *s->days);
    for (int32_t i = 0; s->days && i <= s->n_days; i++)
        s->days[i].buyers = s->days[i].visitors = -1;
    if (!s->days || !sim_world_make(s) || !sim_people_make(s)) {
        cli_error("out of memory");
        return CLI_FAILURE;
    }
    s->events = file_make(dir, "events.ndjson");
    s->resent = s->events ? file_make(dir, "resent.ndjson") : NULL;
    s->identities = s->resent ? file_make(dir, "truth_identities.csv") : NULL;
    if (s->identities) {
        (void)setvbuf(s->events, NULL, _IOFBF, (size_t)1 << 20);
        sim_identity(s, "group", "namespace", "value");
        cli_progress_begin("simulating");
        rc = days_run(s);
        cli_progress_end();
        if (rc == CLI_OK && !side_files_write(s, dir))
            rc = CLI_FAILURE;
    }
    written = file_done(dir, "events.ndjson", s->events);
    written = file_done(dir, "resent.ndjson", s->resent) && written;
    written = file_done(dir, "truth_identities.csv", s->identities) && written;
    if (!written && rc == CLI_OK)
        rc = CLI_FAILURE;
    for (int32_t i = 0; i <= s->n_days; i++) {
        free(s->days[i].text.data);
        free(s->days[i].entries);
        free(s->days[i].returns);
    }
    return rc;
}

static void
report(const sim *s, const char *dir)
{
    const sim_totals *t = &s->totals;
    char n[8][CLI_TEXT];

    if (cli.json) {
        cli_json_begin();
        cli_json_text("out", dir);
        cli_json_int("customers", s->n_people);
        cli_json_int("days", s->n_days);
        cli_json_int("seed", (int64_t)s->seed);
        cli_json_int("events", t->events);
        cli_json_int("resent", t->repeated);
        cli_json_int("late", t->late);
        cli_json_int("lines", t->lines);
        cli_json_int("sales", t->sales);
        cli_json_int("returns", t->returns);
        cli_json_end();
        return;
    }
    (void)printf(
        "%s events (%s sales, %s returns, %s views, %s log-ins) of %s customers in %d days, "
        "%s of them late and %s sent twice, in %s\n",
        cli_count(n[0], t->events), cli_count(n[1], t->sales), cli_count(n[2], t->returns),
        cli_count(n[3], t->views), cli_count(n[4], t->logins), cli_count(n[5], s->n_people),
        (int)s->n_days, cli_count(n[6], t->late), cli_count(n[7], t->repeated), dir);
}

/* What the options ask for, nothing of it made up yet; NULL when out of memory. */
static sim *
simulation_new(int64_t customers, int64_t days, int64_t seed)
{
    sim *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->seed = (uint64_t)seed;
    s->n_people = (int32_t)customers;
    s->n_days = (int32_t)days;
    s->start_day = 19359;                           /* Monday, 2023-01-02 */
    s->has_kiosk = customers >= 1000 && days >= 56; /* else too few could log in there */
    s->kiosk_left = s->has_kiosk ? SIM_KIOSK_LOGINS : 0;
    fbk__rng_seed(&s->rng, s->seed);
    return s;
}

int
cmd_simulate(int argc, char **argv)
{
    static const struct option options[] = {{"customers", required_argument, NULL, 'c'},
                                            {"days", required_argument, NULL, 'd'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int64_t customers = 20000;
    int64_t days = 730;
    int64_t seed = 1;
    const char *dir = NULL;
    sim *s;
    int rc;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'c':
            if (!cli_int("--customers", optarg, 100, 10000000, &customers))
                return CLI_USAGE;
            break;
        case 'd':
            if (!cli_int("--days", optarg, 28, 3660, &days))
                return CLI_USAGE;
            break;
        case 's':
            if (!cli_int("--seed", optarg, 0, INT64_MAX, &seed))
                return CLI_USAGE;
            break;
        case 'o':
            dir = optarg;
            break;
        default:
            return cli_usage(c, usage);
        }
    if (!dir || optind != argc)
        return cli_usage('?', usage);
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        cli_error("could not make the directory %s: %s", dir, strerror(errno));
        return CLI_FAILURE;
    }
    s = simulation_new(customers, days, seed);
    if (!s) {
        cli_error("out of memory");
        return CLI_FAILURE;
    }
    rc = simulate(s, dir);
    if (rc == CLI_OK)
        report(s, dir);
    free(s->people);
    free(s->days);
    sim_world_free(s);
    free(s);
    return rc;
}
