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
fit = median(lambda: fitter.fit(*columns))
predict = median(lambda: fitter.conditional_expected_number_of_purchases_up_to_time(273.0, *columns))
name = f'lifetimes {lifetimes.__version__}'
print(json.dumps({'case': 'fit_bgnbd', 'peer': fit, 'peer_name': name}))
print(json.dumps({'case': 'predict_bgnbd', 'peer': predict, 'peer_name': name}))
