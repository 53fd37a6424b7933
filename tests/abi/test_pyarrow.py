#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""Tables that go through pyarrow and back: ours must be valid to its eyes, its own readable to ours.

Skipped (exit 77) where pyarrow cannot be imported."""
import ctypes
import datetime
import decimal
import sys

try:
    import pyarrow as pa
except ImportError:
    print('SKIP: pyarrow cannot be imported')
    sys.exit(77)

peer = ctypes.CDLL(sys.argv[1])
peer.peer_export.argtypes = [ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
peer.peer_read.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
peer.peer_read.restype = ctypes.c_int64
STREAM_BYTES = 5 * ctypes.sizeof(ctypes.c_void_p)
UTC = datetime.timezone.utc


def ours(n, per_batch):
    stream = ctypes.create_string_buffer(STREAM_BYTES)
    assert peer.peer_export(n, per_batch, ctypes.addressof(stream)) == 0
    return pa.RecordBatchReader._import_from_c(ctypes.addressof(stream))


def read(table, batch_rows=None):
    batches = table.to_batches(max_chunksize=batch_rows)
    reader = pa.RecordBatchReader.from_batches(table.schema, batches)
    stream = ctypes.create_string_buffer(STREAM_BYTES)
    out = ctypes.create_string_buffer(1 << 22)
    reader._export_to_c(ctypes.addressof(stream))
    n = peer.peer_read(ctypes.addressof(stream), ctypes.addressof(out), len(out))
    assert n >= 0, n
    return [line.split('|') for line in out.raw[:n].decode().splitlines()]


def check_ours():
    for n in (0, 1, 7, 8, 63, 64, 65, 1000):
        for per_batch in (0, 1, 10, 64):
            table = ours(n, per_batch).read_all()
            table.validate(full=True)
            assert table.num_rows == n, (n, per_batch)
            assert table.schema.field('time').type == pa.timestamp('us', 'UTC')
            rows = table.to_pylist()
            for i, row in enumerate(rows):
                if i % 7 == 3:
                    assert all(v is None for v in row.values()), row
                    continue
                assert row['i32'] == -i and row['i64'] == i * 1000003 and row['dbl'] == i / 8
                assert row['bool'] is (i % 3 == 0)
                assert row['text'] == (f'ä{i}' if i % 5 else '')
                assert row['time'] == datetime.datetime(1970, 1, 1, tzinfo=UTC) + \
                    datetime.timedelta(microseconds=i * 1000001)
    # Batches outlive the stream; columns outlive the batches; an unread stream is released.
    reader = ours(100, 10)
    column = reader.read_next_batch().column(4)
    del reader
    column.validate(full=True)
    assert column[4].as_py() == 'ä4'
    for _ in range(1000):
        ours(3, 0)


def check_theirs():
    instant = datetime.datetime(2024, 2, 29, 12, 0, 0, 123000)
    us = 1709208000123000
    columns = {
        'int8': (pa.int8(), [1, None, -3], ['1', 'null', '-3']),
        'int16': (pa.int16(), [1, None, -3], ['1', 'null', '-3']),
        'int32': (pa.int32(), [1, None, -3], ['1', 'null', '-3']),
        'int64': (pa.int64(), [1, None, -3], ['1', 'null', '-3']),
        'uint8': (pa.uint8(), [255, None, 0], ['255', 'null', '0']),
        'uint16': (pa.uint16(), [65535, None, 0], ['65535', 'null', '0']),
        'uint32': (pa.uint32(), [4294967295, None, 0], ['4294967295', 'null', '0']),
        'uint64': (pa.uint64(), [1, None, 0], ['1', 'null', '0']),
        'float': (pa.float32(), [1.5, None, -2], ['1.5', 'null', '-2']),
        'double': (pa.float64(), [1.5, None, -2], ['1.5', 'null', '-2']),
        'bool': (pa.bool_(), [True, None, False], ['1', 'null', '0']),
        'text': (pa.string(), ['ä', None, ''], ['ä', 'null', '']),
        'large': (pa.large_string(), ['ä', None, ''], ['ä', 'null', '']),
        'binary': (pa.binary(), [b'x', None, b''], ['x', 'null', '']),
        'category': (pa.dictionary(pa.int8(), pa.string()), ['b', None, 'a'], ['b', 'null', 'a']),
        'null': (pa.null(), [None] * 3, ['null'] * 3),
        'date': (pa.date32(), [datetime.date(1970, 1, 2), None, datetime.date(1969, 12, 31)],
                 ['86400000000', 'null', '-86400000000']),
        's': (pa.timestamp('s'), [datetime.datetime(1970, 1, 1, 0, 0, 1), None, None],
              ['1000000', 'null', 'null']),
        'ms': (pa.timestamp('ms', 'Europe/Berlin'), [instant.replace(tzinfo=UTC), None, None],
               [str(us), 'null', 'null']),
        'us': (pa.timestamp('us', 'UTC'), [instant.replace(tzinfo=UTC), None, None],
               [str(us), 'null', 'null']),
        'ns': (pa.timestamp('ns'), [instant, None, None], [str(us), 'null', 'null']),
        'list': (pa.list_(pa.int8()), [[1], None, []], None),
        'decimal': (pa.decimal128(9, 2), [decimal.Decimal('1.25'), None, None], None),
    }
    if hasattr(pa, 'string_view'):
        long_text = 'a text that does not fit twelve bytes'
        columns['view'] = (pa.string_view(), [long_text, None, 'short'], [long_text, 'null', 'short'])
    table = pa.table({k: pa.array(v[1], v[0]) for k, v in columns.items()})
    expect = list(map(list, zip(*[v[2] for v in columns.values() if v[2]])))
    many = pa.concat_tables([table] * 40)
    assert read(table) == expect
    for rows in (1, 2, 3, 7, 100):
        assert read(many, rows) == expect * 40, rows
    # Slices: arrays with offsets, shared buffers, bitmaps that begin within a byte.
    many = many.combine_chunks()
    for start in (0, 1, 5, 8, 9, 63, 119, 120):
        assert read(many.slice(start)) == (expect * 40)[start:], start
        assert read(many.slice(start, 10)) == (expect * 40)[start:start + 10], start
    assert read(table.slice(0, 0)) == []


check_ours()
check_theirs()
print('ok: pyarrow', pa.__version__)
