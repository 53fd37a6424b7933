#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""lifetimes on the customers that bench_clv wrote: the median of three."""
import argparse
import json
import pathlib
import statistics
import time
import warnings

import lifetimes
import pandas

parser = argparse.ArgumentParser()
parser.add_argument('--dir', required=True)
parser.add_argument('--quick', action='store_true')
parser.add_argument('--case', required=True)
args = parser.parse_args()
warnings.simplefilter('ignore')
table = pandas.read_csv(pathlib.Path(args.dir) / f'clv-{"quick" if args.quick else "full"}.csv')


def median(call):
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


fitter = lifetimes.BetaGeoFitter()
columns = table['frequency'], table['recency'], table['T']
fitter.fit(*columns)
cases = {'fit_bgnbd': lambda: fitter.fit(*columns),
         'predict_bgnbd': lambda: fitter.conditional_expected_number_of_purchases_up_to_time(273.0, *columns)}
for case, call in cases.items():
    if case in args.case.split(','):
        print(json.dumps({'case': case, 'peer': median(call), 'peer_name': f'lifetimes {lifetimes.__version__}'}))
