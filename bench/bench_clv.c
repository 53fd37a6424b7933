/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Fit and apply BG/NBD to a table of customers that is drawn from the model, and written beside for
 * the peer: bench/peers/clv.py. */
#include <feedback/clv.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "bench.h"

enum { QUICK_ROWS = 20000, FULL_ROWS = 200000, DAYS = 273 };

typedef struct customers {
    size_t n;
    double *x, *t_x, *t, *expected;
    fbk_clv_model *model;
} customers;

static void
draw(customers *c, fbk__rng *rng, size_t i)
{
    double lambda = fbk__rng_gamma(rng, .243) / 4.414 / 7.0;
    double p = fbk__rng_beta(rng, .793, 2.426);
    double now = 0.0;

    c->t[i] = DAYS - (double)fbk__rng_below(rng, 84);
    c->x[i] = c->t_x[i] = 0.0;
    while (fbk__rng_double(rng) >= (c->x[i] > 0.0 ? p : 0.0)) {
        now += fbk__rng_exponential(rng) / lambda;
        if (now > c->t[i])
            break;
        c->x[i] += 1.0;
        c->t_x[i] = now;
    }
}

static void
write_table(const bench *b, const customers *c)
{
    char path[1100];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/clv-%s.csv", b->dir, b->quick ? "quick" : "full");
    file = fopen(path, "w");
    bench_must(file != NULL, "table", path);
    (void)fprintf(file, "frequency,recency,T\n");
    for (size_t i = 0; i < c->n; i++)
        (void)fprintf(file, "%.0f,%.17g,%.17g\n", c->x[i], c->t_x[i], c->t[i]);
    bench_must(fclose(file) == 0, "table", path);
}

static void
fit(void *data)
{
    customers *c = data;

    fbk_clv_model_free(c->model);
    c->model = NULL;
    bench_must(fbk_clv_fit(NULL, c->x, c->t_x, c->t, c->n, NULL, &c->model) >= 0, "fit", "failed");
}

static void
predict(void *data)
{
    customers *c = data;

    bench_must(fbk_clv_expected_purchases(c->model, c->x, c->t_x, c->t, c->n, 273.0, c->expected) >=
                   0,
               "predict", "failed");
}

static const bench_case cases[] = {
    {.name = "fit_bgnbd", .unit = "s", .less_is_better = 1},
    {.name = "predict_bgnbd", .unit = "s", .less_is_better = 1},
};

int
main(int argc, char **argv)
{
    bench b;
    customers c = {0};
    fbk__rng rng;

    bench_init(&b, "clv", argc, argv);
    c.n = b.rows ? b.rows : b.quick ? QUICK_ROWS : FULL_ROWS;
    c.x = malloc(c.n * sizeof *c.x);
    c.t_x = malloc(c.n * sizeof *c.t_x);
    c.t = malloc(c.n * sizeof *c.t);
    c.expected = malloc(c.n * sizeof *c.expected);
    bench_must(c.x && c.t_x && c.t && c.expected, "memory", "out of memory");
    fbk__rng_seed(&rng, 5);
    for (size_t i = 0; i < c.n; i++)
        draw(&c, &rng, i);
    write_table(&b, &c);
    fit(&c);
    if (bench_wants(&b, cases[0].name))
        bench_print(&b, &cases[0], bench_time(&b, fit, &c), -1, NULL);
    if (bench_wants(&b, cases[1].name))
        bench_print(&b, &cases[1], bench_time(&b, predict, &c), -1, NULL);
    fbk_clv_model_free(c.model);
    free(c.x);
    free(c.t_x);
    free(c.t);
    free(c.expected);
    return 0;
}
