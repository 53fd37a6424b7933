/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/special.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/tk.h"

typedef struct vector {
    char name[32];
    double arg[4];
    double value;
    int sign;
} vector;

static double
evaluate(const vector *v, int *sign)
{
    const double *x = v->arg;

    *sign = 1;
    if (!strcmp(v->name, "lgamma"))
        return fbk__lgamma(x[0]);
    if (!strcmp(v->name, "digamma"))
        return fbk__digamma(x[0]);
    if (!strcmp(v->name, "lgamma_diff"))
        return fbk__lgamma_diff(x[0], x[1]);
    if (!strcmp(v->name, "lbeta"))
        return fbk__lbeta(x[0], x[1]);
    if (!strcmp(v->name, "log1pmx"))
        return fbk__log1pmx(x[0]);
    if (!strcmp(v->name, "normal_quantile"))
        return fbk__normal_quantile(x[0]);
    if (!strcmp(v->name, "igamma_p"))
        return fbk__igamma_p(x[0], x[1]);
    if (!strcmp(v->name, "igamma_q"))
        return fbk__igamma_q(x[0], x[1]);
    if (!strcmp(v->name, "ibeta"))
        return fbk__ibeta(x[0], x[1], x[2], x[3]);
    ck_assert_str_eq(v->name, "log_hyp2f1");
    return fbk__log_hyp2f1(x[0], x[1], x[2], x[3], sign);
}

/* Relative to the value; a logarithm near 0 is that of a number near 1, so there the difference
 * itself is the relative error of the number. */
static double
error_of(const vector *v, double got)
{
    double size = fabs(v->value);

    if (v->name[0] == 'l' && strcmp(v->name, "log1pmx") != 0 && size < 1.0)
        size = 1.0;
    return v->value == 0.0 ? fabs(got) : fabs(got - v->value) / size;
}

static bool
parse(const char *line, vector *v)
{
    const char *comma = strchr(line, ',');
    char *end;

    if (line[0] == '#' || !strncmp(line, "function", 8) || !comma)
        return false;
    ck_assert_uint_lt((size_t)(comma - line), sizeof v->name);
    memset(v, 0, sizeof *v);
    memcpy(v->name, line, (size_t)(comma - line));
    for (int i = 0; i < 4; i++) {
        v->arg[i] = strtod(comma + 1, &end);
        comma = end;
    }
    v->value = strtod(comma + 1, &end);
    v->sign = (int)strtol(end + 1, NULL, 10);
    return true;
}

START_TEST(fifty_digit_vectors)
{
    size_t len;
    char *text = tk_slurp(tk_source("tests/golden/special.csv"), &len);
    char *save = NULL;
    int n = 0;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        vector v;
        double got;
        int sign;

        if (!parse(line, &v))
            continue;
        got = evaluate(&v, &sign);
        ck_assert_msg(error_of(&v, got) <= 1e-11 && sign == v.sign, "%s: got %.17g, error %.2g",
                      line, got, error_of(&v, got));
        n++;
    }
    ck_assert_int_ge(n, 800);
    free(text);
}
END_TEST

START_TEST(outside_the_domain_is_nan)
{
    int sign;

    ck_assert(isnan(fbk__lgamma(0.0)) && isnan(fbk__lgamma(-1.5)) && isnan(fbk__digamma(0.0)));
    ck_assert(isnan(fbk__lbeta(0.0, 1.0)) && isnan(fbk__lbeta(1.0, NAN)));
    ck_assert(isnan(fbk__lgamma_diff(1.0, -1.0)) && isnan(fbk__lgamma_diff(INFINITY, 1.0)));
    ck_assert(isnan(fbk__igamma_p(1.0, -1.0)) && isnan(fbk__igamma_q(0.0, 1.0)));
    ck_assert(isnan(fbk__ibeta(1.0, 1.0, -0.1, 1.1)) && isnan(fbk__ibeta(0.0, 1.0, 0.5, 0.5)));
    ck_assert(isnan(fbk__normal_quantile(1.1)) && isnan(fbk__normal_quantile(NAN)));
    ck_assert(isnan(fbk__log_hyp2f1(1.0, 1.0, 1.0, 1.0, &sign)));
    ck_assert(isnan(fbk__log_hyp2f1(1.0, 1.0, 0.0, 0.5, &sign)));
    ck_assert(isnan(fbk__log_hyp2f1(5.0, 5.0, 2.0, 0.5, &sign)));
    ck_assert(isnan(fbk__log_hyp2f1(-1.0, 1.0, 1.0, 0.5, &sign)));
    ck_assert(isnan(fbk__log1pmx(-1.0)));
}
END_TEST

START_TEST(the_ends_are_exact)
{
    int sign;

    ck_assert(fbk__igamma_p(2.0, 0.0) == 0.0 && fbk__igamma_q(2.0, 0.0) == 1.0);
    ck_assert(fbk__igamma_p(2.0, INFINITY) == 1.0 && fbk__igamma_q(2.0, INFINITY) == 0.0);
    ck_assert(fbk__ibeta(2.0, 3.0, 0.0, 1.0) == 0.0 && fbk__ibeta(2.0, 3.0, 1.0, 0.0) == 1.0);
    ck_assert(fbk__normal_quantile(0.0) == -HUGE_VAL && fbk__normal_quantile(1.0) == HUGE_VAL);
    ck_assert(fbk__log_hyp2f1(2.0, 3.0, 4.0, 0.0, &sign) == 0.0 && sign == 1);
    ck_assert(fbk__log1pexp(-1000.0) == 0.0 && fbk__log1pexp(1000.0) == 1000.0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("special");
    TCase *tc = tcase_create("special");

    tcase_add_test(tc, fifty_digit_vectors);
    tcase_add_test(tc, outside_the_domain_is_nan);
    tcase_add_test(tc, the_ends_are_exact);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
