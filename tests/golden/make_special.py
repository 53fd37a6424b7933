#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""Write tests/golden/special.csv: 50-digit values of the special functions, by mpmath.

Run by hand when a function is added; the tests read the committed file.
Usage: make_special.py > special.csv
"""
import random

import mpmath as mp

mp.mp.dps = 50
rng = random.Random(20240601)


def log_uniform(low, high):
    return float(mp.e ** rng.uniform(float(mp.log(low)), float(mp.log(high))))


def row(name, args, value, sign=1):
    args = (list(args) + [0.0] * 4)[:4]
    print(','.join([name] + [repr(a) for a in args] + [mp.nstr(value, 25), str(sign)]))


def hyp2f1(a, b, c, z):
    """2F1 of positive a, b by the defining series or, for long ones, Euler's integral."""
    with mp.workdps(50):
        value = mp.hyp2f1(mp.mpf(a), mp.mpf(b), mp.mpf(c), mp.mpf(z), maxterms=10 ** 7)
        row('log_hyp2f1', (a, b, c, z), mp.log(abs(value)), 1 if value > 0 else -1)


def simple():
    for _ in range(40):
        x = log_uniform(1e-6, 1e7)
        row('lgamma', (x,), mp.loggamma(x))
        row('digamma', (x,), mp.digamma(x))
    for _ in range(60):
        a, x = log_uniform(1e-4, 1e5), rng.choice([log_uniform(1e-3, 1e6), float(rng.randrange(0, 200))])
        row('lgamma_diff', (a, x), mp.loggamma(mp.mpf(a) + mp.mpf(x)) - mp.loggamma(a))
        a, b = log_uniform(1e-4, 1e6), log_uniform(1e-4, 1e6)
        row('lbeta', (a, b), mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(mp.mpf(a) + mp.mpf(b)))
    for x in [-0.999, -0.5, -0.4, -0.1, -1e-3, -1e-9, 1e-9, 1e-4, 0.01, 0.3, 0.6, 0.61, 5.0, 1e6]:
        row('log1pmx', (x,), mp.log1p(x) - mp.mpf(x))
    for p in [1e-300, 1e-20, 1e-5, 0.01, 0.025, 0.2, 0.4999, 0.5, 0.75, 0.975, 0.999999]:
        with mp.workdps(350):
            start = -mp.sqrt(-2 * mp.log(p)) if p < 1e-3 else mp.sqrt(2) * mp.erfinv(2 * mp.mpf(p) - 1)
            row('normal_quantile', (p,), mp.findroot(lambda x: mp.log(mp.ncdf(x) / mp.mpf(p)), start))


def incomplete():
    for _ in range(60):
        a = log_uniform(1e-2, 1e4)
        x = float(a * mp.e ** rng.gauss(0, 1.5 / max(1, a) ** 0.5))
        row('igamma_p', (a, x), mp.gammainc(a, 0, x, regularized=True))
        row('igamma_q', (a, x), mp.gammainc(a, x, mp.inf, regularized=True))
    for _ in range(80):
        a, b = log_uniform(1e-2, 2e3), log_uniform(1e-2, 2e3)
        x = 1.0 / (1.0 + float(mp.e ** (rng.gauss(0, 2 / min(a, b, 4) ** 0.5) + mp.log(b / a))))
        with mp.workdps(60):
            y = 1 - mp.mpf(x)
            value = (mp.mpf(x) ** a * y ** b / a / mp.beta(a, b)
                     * mp.hyp2f1(1, mp.mpf(a) + mp.mpf(b), mp.mpf(a) + 1, x, maxterms=10 ** 6))
        row('ibeta', (a, b, x, float(y)), value)


def bgnbd(x, r, alpha, a, b, age, t):
    c = a + b + x - 1.0
    if abs(c) < 1e-9:
        return
    hyp2f1(r + x, b + x, c, t / (alpha + age + t))


def hypergeometric():
    for i in range(320):
        x = rng.choice([0.0, 0.0, 1.0, float(rng.randrange(0, 60)),
                        float(int(log_uniform(10, 1e5)))])
        bgnbd(x, log_uniform(0.01, 30), log_uniform(0.5, 200), log_uniform(0.01, 30),
              log_uniform(0.02, 60), log_uniform(1, 1000), log_uniform(0.1, 2000))
    bgnbd(1500.0, 1.0, 1.0, 0.01, 0.04, 700.0, 30.0)      # 3e465
    bgnbd(0.0, 0.11, 2.24, 0.31, 0.50, 1.0, 30.0)         # negative
    for x in (0.0, 1.0, 1e3, 1e5):                        # z close to 1
        bgnbd(x, 0.2425945, 4.4136019, 0.7929199, 2.4258881, 40.0, 1e5)
    for _ in range(80):                                   # Pareto/NBD
        r, s = log_uniform(0.05, 10), log_uniform(0.05, 10)
        x = rng.choice([0.0, 1.0, float(rng.randrange(0, 300)), float(int(log_uniform(10, 1e5)))])
        z = rng.choice([rng.random(), 1.0 - log_uniform(1e-3, 1)])
        hyp2f1(r + s + x, rng.choice([s + 1.0, r + x]), r + s + x + 1.0, z)


print('# Special functions at 50 digits. Source: mpmath', mp.__version__, '(mpmath.hyp2f1, gammainc, ...)')
print('# Command: /usr/bin/python3 tests/golden/make_special.py > tests/golden/special.csv')
print('# Arguments are doubles, exact as written; value is the logarithm where the name says log or l.')
print('function,a,b,c,z,value,sign')
simple()
incomplete()
hypergeometric()
