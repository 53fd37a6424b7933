/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

cli_globals cli = {.store = "feedback.db"};

/* -- messages ---------------------------------------------------------------------------------- */

static struct {
    const char *what;
    struct timespec begun, drawn;
    bool shown;
} bar;

static volatile sig_atomic_t interrupted;

static void
message(const char *format, va_list args)
{
    if (bar.shown)
        (void)fputs("\r\033[K", stderr);
    bar.shown = false;
    (void)fputs("feedback: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
}

void
cli_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    message(format, args);
    va_end(args);
}

void
cli_note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    message(format, args);
    va_end(args);
}

int
cli_usage(int option, const char *text)
{
    (void)fputs(text, option == 'h' ? stdout : stderr);
    return option == 'h' ? CLI_OK : CLI_USAGE;
}

int
cli_exit_code(fbk_status status)
{
    switch (status) {
    case FBK_EINVAL:
    case FBK_ERANGE:
    case FBK_ECONFLICT:
        return CLI_BAD_INPUT;
    case FBK_ECORRUPT:
    case FBK_ESCHEMA:
        return CLI_CORRUPT;
    case FBK_EBUSY:
    case FBK_EEXPIRED:
        return CLI_BUSY;
    case FBK_ECONSENT:
        return CLI_REFUSED;
    case FBK_ECANCELLED:
        return CLI_INTERRUPTED;
    default:
        return status >= 0 ? CLI_OK : CLI_FAILURE;
    }
}

bool
cli_int(const char *option, const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high) {
        cli_error("%s takes a whole number from %lld to %lld, not \"%.40s\"", option,
                  (long long)low, (long long)high, text);
        return false;
    }
    *out = value;
    return true;
}

bool
cli_double(const char *option, const char *text, double low, double high, double *out)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= low && value <= high)) {
        cli_error("%s takes a number from %g to %g, not \"%.40s\"", option, low, high, text);
        return false;
    }
    *out = value;
    return true;
}

static bool
two_digits(const char **at, char before, int low, int high, int *out)
{
    const char *p = *at;

    if (before) {
        if (*p != before)
            return false;
        p++;
    }
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *out = (p[0] - '0') * 10 + p[1] - '0';
    *at = p + 2;
    return *out >= low && *out <= high;
}

/* Date, then perhaps a time, then perhaps Z or an offset. */
static bool
instant_parse(const char *p, struct tm *tm, bool *out_has_offset, int *out_offset_min)
{
    int century;
    int hours;
    int minutes;

    if (!two_digits(&p, 0, 0, 99, &century) || !two_digits(&p, 0, 0, 99, &tm->tm_year) ||
        !two_digits(&p, '-', 1, 12, &tm->tm_mon) || !two_digits(&p, '-', 1, 31, &tm->tm_mday))
        return false;
    tm->tm_year += century * 100 - 1900;
    tm->tm_mon--;
    if (*p == 'T' || *p == ' ') {
        p++;
        if (!two_digits(&p, 0, 0, 23, &tm->tm_hour) || !two_digits(&p, ':', 0, 59, &tm->tm_min))
            return false;
        if (*p == ':' && !two_digits(&p, ':', 0, 60, &tm->tm_sec))
            return false;
    }
    *out_has_offset = *p != '\0';
    *out_offset_min = 0;
    if (*p == 'Z')
        p++;
    else if (*p == '+' || *p == '-') {
        int sign = *p == '-' ? -1 : 1;

        if (!two_digits(&p, *p, 0, 23, &hours) || !two_digits(&p, ':', 0, 59, &minutes))
            return false;
        *out_offset_min = sign * (hours * 60 + minutes);
    }
    return *p == '\0';
}

bool
cli_instant(const char *option, const char *text, fbk_time *out)
{
    struct tm tm = {.tm_isdst = -1};
    struct tm asked;
    bool has_offset;
    int offset_min;
    time_t at = 0;
    bool ok = instant_parse(text, &tm, &has_offset, &offset_min);

    asked = tm;
    if (ok)
        at = has_offset ? timegm(&tm) - offset_min * 60 : mktime(&tm);
    /* 30 February becomes 2 March there: the day must come back as it was given. */
    if (!ok || tm.tm_mday != asked.tm_mday || tm.tm_mon != asked.tm_mon) {
        if (!option)
            return false;
        cli_error("%s takes a date or a time as 2011-12-09, 2011-12-09 12:50 or "
                  "2011-12-09T12:50:00+01:00, not \"%.40s\"",
                  option, text);
        return false;
    }
    *out = (fbk_time)at * 1000000;
    return true;
}

/* -- the store --------------------------------------------------------------------------------- */

int
cli_failed(const fbk *db, fbk_status status)
{
    const char *text = fbk_errmsg(db);

    if (status == FBK_ECANCELLED)
        cli_note("interrupted");
    else if (*text)
        cli_error("%s", text);
    else
        cli_error("failed with %s", fbk_status_name(status));
    return cli_exit_code(status);
}

int
cli_open(int mode, cli_session *out)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_status rc;

    memset(out, 0, sizeof *out);
    options.busy_timeout_ms = cli.busy_timeout_ms;
    rc = fbk_store_open(cli.store, &options, &out->store, &info);
    if (rc == FBK_EREADONLY && mode == CLI_READ) {
        options.flags = FBK_STORE_READONLY;
        rc = fbk_store_open(cli.store, &options, &out->store, &info);
    }
    if (rc < 0) {
        cli_error("%s: %s", cli.store, info.message);
        if (rc == FBK_ENOTFOUND)
            cli_note("feedback --store %s init makes one", cli.store);
        return cli_exit_code(rc) == CLI_BAD_INPUT ? CLI_FAILURE : cli_exit_code(rc);
    }
    rc = fbk_connect(out->store, &out->db);
    if (rc >= 0) {
        out->facts.struct_size = (uint32_t)sizeof out->facts;
        rc = fbk_store_info(out->db, &out->facts);
    }
    if (rc < 0) {
        int code = cli_failed(out->db, rc);

        cli_close(out);
        return code;
    }
    (void)setenv("TZ", out->facts.time_zone, 1);
    tzset();
    return CLI_OK;
}

int
cli_as_of(fbk *db, const char *text, fbk_time *out)
{
    fbk_stats stats = FBK_STATS_INIT;
    fbk_status rc;

    if (text)
        return cli_instant("--as-of", text, out) ? CLI_OK : CLI_USAGE;
    rc = fbk_stats_read(db, FBK_TIME_NONE, NULL, &stats);
    if (rc < 0)
        return cli_failed(db, rc);
    *out = stats.n_events ? stats.last_us + 1 : 0;
    return CLI_OK;
}

void
cli_close(cli_session *session)
{
    fbk_close(session->db);
    fbk_store_close(session->store);
    memset(session, 0, sizeof *session);
}

/* -- progress ---------------------------------------------------------------------------------- */

static void
on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static double
seconds_since(const struct timespec *then)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) * 1e-9;
}

void
cli_progress_begin(const char *what)
{
    struct sigaction action = {.sa_handler = on_interrupt};

    (void)sigemptyset(&action.sa_mask);
    /* A second Ctrl-C kills: nobody must wait for a call that does not ask. */
    action.sa_flags = (int)SA_RESETHAND;
    (void)sigaction(SIGINT, &action, NULL);
    bar.what = what;
    bar.shown = false;
    (void)clock_gettime(CLOCK_MONOTONIC, &bar.begun);
    bar.drawn = bar.begun;
}

static void
bar_draw(uint64_t done, uint64_t total)
{
    static const char full[] = "==============================";
    double share = total ? (double)done / (double)total : 0.0;
    int width = (int)sizeof full - 1;
    int filled;

    share = share > 1.0 ? 1.0 : share;
    filled = (int)(share * width);
    if (total)
        (void)fprintf(stderr, "\r\033[K%s [%-*.*s] %3.0f %%  %.0f s", bar.what, width, filled, full,
                      share * 100.0, seconds_since(&bar.begun));
    else
        (void)fprintf(stderr, "\r\033[K%s %llu  %.0f s", bar.what, (unsigned long long)done,
                      seconds_since(&bar.begun));
    bar.shown = true;
}

fbk_status
cli_progress(void *user_data, uint64_t done, uint64_t total)
{
    bool wanted = cli.progress == CLI_PROGRESS_ALWAYS ||
                  (cli.progress == CLI_PROGRESS_AUTO && isatty(STDERR_FILENO));

    (void)user_data;
    if (interrupted)
        return FBK_ECANCELLED;
    if (wanted && seconds_since(&bar.begun) > 1.0 && seconds_since(&bar.drawn) > .1) {
        bar_draw(done, total);
        (void)clock_gettime(CLOCK_MONOTONIC, &bar.drawn);
    }
    return FBK_OK;
}

void
cli_progress_end(void)
{
    if (bar.shown)
        (void)fputs("\r\033[K", stderr);
    bar.shown = false;
}
