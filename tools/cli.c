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

/* -- progress ---------------------------------------------------------------------------------- */

static void
on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

bool
cli_interrupted(void)
{
    return interrupted != 0;
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

/* -- JSON -------------------------------------------------------------------------------------- */

static bool json_first;

void
cli_json_begin(void)
{
    (void)putchar('{');
    json_first = true;
}

void
cli_json_end(void)
{
    (void)fputs("}\n", stdout);
}

static void
json_string(const char *text)
{
    (void)putchar('"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p == '"' || *p == '\\')
            (void)printf("\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            (void)printf("\\u%04x", *p);
        else
            (void)putchar(*p);
    (void)putchar('"');
}

static void
json_key(const char *key)
{
    if (!json_first)
        (void)putchar(',');
    json_first = false;
    json_string(key);
    (void)putchar(':');
}

void
cli_json_text(const char *key, const char *value)
{
    json_key(key);
    if (value)
        json_string(value);
    else
        (void)fputs("null", stdout);
}

void
cli_json_int(const char *key, int64_t value)
{
    json_key(key);
    (void)printf("%lld", (long long)value);
}

void
cli_json_double(const char *key, double value)
{
    json_key(key);
    if (isfinite(value))
        (void)printf("%.15g", value);
    else
        (void)fputs("null", stdout);
}
