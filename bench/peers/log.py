#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""DuckDB's scan of the three columns that bench_log wrote, and pyarrow's Parquet of Online Retail."""
import argparse
import json
import os
import pathlib
import statistics
import tempfile
import time

import duckdb
import numpy
import pyarrow
import pyarrow.csv
import pyarrow.parquet


def emit(case, value, name):
    print(json.dumps({'case': case, 'peer': value, 'peer_name': name}), flush=True)


def scan(where):
    """A table of DuckDB's own in a file, warm, one thread."""
    path = pathlib.Path(where) / 'log-columns.bin'
    rows = numpy.fromfile(path, dtype=[('person', 'i8'), ('item', 'i8'), ('price', 'i8')])
    columns = pyarrow.table({name: numpy.ascontiguousarray(rows[name]) for name in rows.dtype.names})
    path.unlink()
    with tempfile.TemporaryDirectory(dir=where) as scratch:
        db = duckdb.connect(f'{scratch}/peer.duckdb', config={'threads': 1})
        db.execute('CREATE TABLE ev AS SELECT * FROM columns')
        db.execute('CHECKPOINT')
        seconds = []
        for _ in range(6):
            start = time.perf_counter()
            db.execute('SELECT count(*), sum(person + item + price) FROM ev').fetchall()
            seconds.append(time.perf_counter() - start)
        db.close()
    emit('scan_3_columns_duckdb', len(rows) / statistics.median(seconds[1:]), f'DuckDB {duckdb.__version__}')


def retail(where):
    """The columns that an import keeps a line; the name of an item is the catalogue's."""
    data = pathlib.Path(os.environ.get('FEEDBACK_DATA', '../shared/data'))
    kinds = {'InvoiceNo': pyarrow.string(), 'StockCode': pyarrow.string(), 'Quantity': pyarrow.int32(),
             'InvoiceDate': pyarrow.timestamp('s'), 'UnitPrice': pyarrow.float64(),
             'CustomerID': pyarrow.int32(), 'Country': pyarrow.string()}
    with pyarrow.input_stream(data / 'online_retail/online_retail.csv.zst', compression='zstd') as stream:
        table = pyarrow.csv.read_csv(stream, convert_options=pyarrow.csv.ConvertOptions(
            column_types=kinds, include_columns=list(kinds)))
    with tempfile.TemporaryDirectory(dir=where) as scratch:
        path = pathlib.Path(scratch) / 'peer.parquet'
        pyarrow.parquet.write_table(table, path, compression='zstd', compression_level=3)
        emit('bytes_online_retail', path.stat().st_size, f'pyarrow {pyarrow.__version__}')


parser = argparse.ArgumentParser()
parser.add_argument('--dir', required=True)
parser.add_argument('--quick', action='store_true')
parser.add_argument('--case', required=True)
args = parser.parse_args()
for name, measure in {'scan_3_columns_duckdb': scan, 'bytes_online_retail': retail}.items():
    if name in args.case.split(','):
        measure(args.dir)
