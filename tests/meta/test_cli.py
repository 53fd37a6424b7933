#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""The command line: every verb, every exit code, hostile inputs, kills and interrupts."""
import fcntl
import json
import os
import pathlib
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import unittest

FEEDBACK = sys.argv.pop(1) if len(sys.argv) > 1 else os.environ['FEEDBACK']
ROOT = pathlib.Path(os.environ.get('FEEDBACK_SOURCE_ROOT', pathlib.Path(__file__).resolve().parents[2]))
DATA = pathlib.Path(os.environ.get('FEEDBACK_DATA', ROOT.parent / 'shared/data'))
VERBS = ['init', 'import', 'catalogue', 'place', 'weather', 'train', 'recommend', 'profile', 'context', 'rfm', 'clv',
         'link', 'unlink', 'stats', 'check', 'salvage', 'backup', 'maintain', 'export', 'merge', 'simulate']
NOBODY = 65534
ENV = {k: v for k, v in os.environ.items() if k not in ('FEEDBACK_STORE', 'NO_COLOR')}

CSV_MAP = {
    'format': 'csv', 'source': {'value': 'till'}, 'event_id': ['id'],
    'time': {'value': 'time', 'zone': 'Europe/Berlin'}, 'kind': 'sale',
    'identifiers': [{'namespace': 'loyalty', 'value': 'card'}],
    'line': {'item': 'sku', 'quantity': 'quantity', 'unit_price': 'price'},
}
# What of stats depends on how the file came to be.
ON_FILE = ('store', 'file_len', 'segments', 'runs', 'live_bytes', 'dead_bytes', 'sealed_bytes', 'merged_bytes',
           'write_amplification', 'space_amplification')
CSV_HEAD = 'id,time,card,sku,quantity,price\n'


def run(*args, store=None, **kwargs):
    command = [FEEDBACK] + (['--store', str(store)] if store else []) + [str(a) for a in args]
    kwargs.setdefault('env', ENV)
    kwargs.setdefault('text', True)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **kwargs)


class Case(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory(prefix='feedback-cli-')
        self.addCleanup(self.tmp.cleanup)
        self.dir = pathlib.Path(self.tmp.name)
        self.store = self.dir / 'shop.db'
        self.map = self.dir / 'map.json'
        self.map.write_text(json.dumps(CSV_MAP))

    def ok(self, *args, store=None, **kwargs):
        done = run(*args, store=store or self.store, **kwargs)
        self.assertEqual(done.returncode, 0, f'{args}: {done.stderr}')
        return done

    def fails(self, code, *args, store=None, lines=1, **kwargs):
        """One clear sentence on standard error, nothing on standard output unless said."""
        done = run(*args, store=store or self.store, **kwargs)
        self.assertEqual(done.returncode, code, f'{args}: {done.stdout}{done.stderr}')
        said = done.stderr.splitlines()
        self.assertEqual(len(said), lines, done.stderr)
        for line in said:
            self.assertTrue(line.startswith('feedback: '), line)
            self.assertGreater(len(line), 25)
        return done

    def stats(self, store=None):
        """The first line of stats, without what depends on the file (storage() has that)."""
        return {k: v for k, v in self.storage(store).items() if k not in ON_FILE}

    def storage(self, store=None):
        return json.loads(self.ok('--json', 'stats', store=store).stdout.splitlines()[0])

    def csv(self, name, *rows, head=CSV_HEAD):
        path = self.dir / name
        path.write_text(head + ''.join(r + '\n' for r in rows))
        return path

    def chain(self, customers=300, days=60, seed=7):
        """A simulated chain, and the store made for it."""
        self.ok('simulate', f'--customers={customers}', f'--days={days}', f'--seed={seed}',
                f'--out={self.dir / "chain"}')
        self.ok('init', '--time-zone', 'Europe/Berlin')
        return self.dir / 'chain'


class Usage(Case):
    def test_help_and_version(self):
        for args in (['--help'], ['-h'], ['--version'], *([v, '--help'] for v in VERBS)):
            done = run(*args)
            self.assertEqual(done.returncode, 0, args)
            self.assertEqual(done.stderr, '')
            self.assertGreater(len(done.stdout), 50)
        listed = run('--help').stdout
        for verb in VERBS:
            self.assertIn(f'\n  {verb} ', listed)

    def test_wrong_usage_is_2(self):
        for args in ([], ['frobnicate'], ['--frobnicate'], ['--progress', 'maybe', 'stats'],
                     ['--busy-timeout', '0', 'stats'], *([v, '--frobnicate'] for v in VERBS),
                     ['init', 'surplus'], ['import'], ['import', 'x.csv'], ['stats', 'surplus'],
                     ['backup'], ['link', 'one'], ['catalogue'], ['place', 'near', '99', '0'], ['weather'],
                     ['train', '--max-set', '1'], ['profile'], ['clv', '--horizon', '0'], ['rfm', 'a=b', 'c=d'],
                     ['recommend', '--condition', 'sultry'], ['context', '--temperature', '200'],
                     ['recommend', '--rules', 'tea'], ['maintain', '--budget', '0'], ['maintain', 'surplus'], ['recommend', '--n', '2000']):
            done = run(*args, store=self.store)
            self.assertEqual(done.returncode, 2, args)
            self.assertEqual(done.stdout, '')
            self.assertNotEqual(done.stderr, '')
        self.assertFalse(self.store.exists())

    def test_standard_output_that_is_full_is_a_failure(self):
        self.ok('init')
        with open('/dev/full', 'w') as full:
            done = subprocess.run([FEEDBACK, '--store', self.store, 'stats'], stdout=full,
                                  stderr=subprocess.PIPE, text=True, env=ENV)
        self.assertEqual(done.returncode, 1)
        self.assertIn('No space left', done.stderr)

    def test_store_from_the_environment(self):
        self.ok('init')
        done = run('--json', 'stats', env=dict(ENV, FEEDBACK_STORE=str(self.store)))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_progress_goes_to_standard_error_after_a_second(self):
        slow = subprocess.Popen([FEEDBACK, '--progress', 'always', 'simulate', '--customers=2000000',
                                 f'--out={self.dir / "slow"}'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV)
        drawn = slow.stderr.read(len('\r\x1b[Ksimulating ['))
        slow.send_signal(signal.SIGINT)
        out, _ = slow.communicate(timeout=60)
        self.assertEqual(drawn.decode(), '\r\x1b[Ksimulating [')
        self.assertEqual((slow.returncode, out), (130, b''))
        begun = time.monotonic()
        quick = run('--progress', 'always', 'simulate', '--customers=100', '--days=28',
                    f'--out={self.dir / "quick"}')
        never = run('--progress', 'never', 'simulate', '--customers=100', '--days=28',
                    f'--out={self.dir / "never"}')
        if time.monotonic() - begun < 1:
            self.assertEqual(quick.stderr, '')
        self.assertEqual(never.stderr, '')


class Verbs(Case):
    def test_init(self):
        done = self.ok('--json', 'init', '--currency', 'GBP', '--time-zone', 'Europe/London')
        self.assertEqual(json.loads(done.stdout),
                         {'store': str(self.store), 'currency': 'GBP', 'time_zone': 'Europe/London'})
        self.fails(1, 'init')
        self.fails(2, 'init', '--currency', 'pounds', store=self.dir / 'other.db')
        self.assertIn('Mars/Base', self.fails(2, 'init', '--time-zone', 'Mars/Base',
                                              store=self.dir / 'other.db').stderr)
        self.assertFalse((self.dir / 'other.db').exists())
        self.assertEqual(self.stats()['currency'], 'GBP')

    def test_import_counts_and_repeats(self):
        self.ok('init', '--time-zone', 'Europe/Berlin')
        path = self.csv('sales.csv', 'a,2024-01-01 10:00,c1,tea,2,3.50', 'a,2024-01-01 10:00,c1,mug,1,8',
                        'b,2024-01-02 11:00,,tea,1,3.50')
        first = json.loads(self.ok('--json', 'import', '--map', self.map, path).stdout)
        again = json.loads(self.ok('--json', 'import', '--map', self.map, path).stdout)
        self.assertEqual((first['rows_read'], first['events_added'], first['lines_added']), (3, 2, 3))
        self.assertEqual((again['rows_read'], again['events_added'], again['events_already']), (3, 0, 2))
        stats = self.stats()
        self.assertEqual((stats['invoices'], stats['customers'], stats['valid_micro'], stats['total_micro']),
                         (2, 1, 15_000_000, 18_500_000))

    def test_import_of_the_same_id_with_other_content_is_3(self):
        self.ok('init')
        self.ok('import', '--map', self.map, self.csv('a.csv', 'a,2024-01-01 10:00,c1,tea,2,3.50'))
        done = self.fails(3, 'import', '--map', self.map, self.csv('b.csv', 'a,2024-01-01 10:00,c1,tea,3,3.50'))
        self.assertIn('other content', done.stderr)
        self.assertEqual(self.stats()['conflicts'], 1)
        self.assertEqual(self.stats()['valid_micro'], 7_000_000)

    def test_catalogue_and_places(self):
        self.ok('init')
        items = self.csv('items.csv', 'tea,Green tea,"pantry/tea, loose",3.5,1.20,0',
                         'mug,"A ""good"" mug",,8,,', head='code,name,category,price,cost,discontinued\n')
        done = self.ok('--json', 'catalogue', 'load', '--column', 'sku=code', items)
        self.assertEqual(json.loads(done.stdout)['rows'], 2)
        listed = [json.loads(line) for line in self.ok('--json', 'catalogue', 'list').stdout.splitlines()]
        self.assertEqual([i['name'] for i in listed], ['Green tea', 'A "good" mug'])
        self.assertEqual(listed[0]['category'], 'pantry/tea, loose')
        shown = json.loads(self.ok('--json', 'catalogue', 'show', 'tea').stdout.splitlines()[0])
        self.assertEqual((shown['price_micro'], shown['cost_micro']), (3_500_000, 1_200_000))
        self.fails(1, 'catalogue', 'show', 'coffee')
        places = self.csv('places.csv', 'B,Berlin,52.52,13.405,Europe/Berlin', 'W,Web,,,',
                          head='code,name,latitude_deg,longitude_deg,time_zone\n')
        self.ok('place', 'load', places)
        near = json.loads(self.ok('--json', 'place', 'near', '48.1', '-1.6').stdout)
        self.assertEqual(near['code'], 'B')
        self.assertEqual(len(self.ok('--json', 'place', 'list').stdout.splitlines()), 2)
        self.ok('catalogue', 'stock', self.csv('stock.csv', 'tea,B,12,2024-05-01',
                                               head='sku,place,quantity,as_of\n'))

    def test_tables_are_all_or_nothing_and_name_the_line(self):
        self.ok('init')
        for text, line in (('sku,price\na,1\nb,x\n', 3), ('sku,price\na\n', 2), ('name\na\n', 1),
                           ('sku,name\na,"b\n', 2), ('sku,price\na,1\n"b"x,2\n', 3), ('', 1)):
            path = self.dir / 'bad.csv'
            path.write_text(text)
            done = self.fails(3, 'catalogue', 'load', path)
            self.assertIn(f'line {line}', done.stderr, text)
        self.assertEqual(self.ok('--json', 'catalogue', 'list').stdout, '')
        self.fails(1, 'catalogue', 'load', self.dir / 'absent.csv')
        for text in ('station,date,temp\nUK,2011-09-01,30\n', 'station,date,temperature_celsius\nUK,2011-09-01,300\n',
                     'station,date,temperature_celsius\nUK,2011-99-01,3\n'):
            path.write_text(text)
            self.assertIn('bad.csv', self.fails(3, 'weather', 'load', path).stderr)
        path.write_bytes(b'\x28\xb5\x2f\xfd' + b'\x04\x00\x41' * 5)
        self.assertIn('zstdcat', self.fails(3, 'catalogue', 'load', path).stderr)
        path.write_text('station,date,temperature_celsius\nUK,2011-09-01,30\n')
        self.assertTrue(self.ok('weather', 'load', path).stdout.endswith(': 1 observation\n'))

    def test_link_and_unlink(self):
        self.ok('init')
        linked = json.loads(self.ok('--json', 'link', 'email=a@x.de', 'loyalty=7', '--at', '2024-01-01').stdout)
        self.assertEqual((linked['done'], linked['identifiers']), (True, 2))
        parted = json.loads(self.ok('--json', 'unlink', 'email=a@x.de', 'loyalty=7', '--at', '2024-02-01').stdout)
        self.assertEqual((parted['done'], parted['identifiers']), (True, 1))
        late = json.loads(self.ok('--json', 'link', 'email=a@x.de', 'loyalty=7', '--at', '2024-01-15').stdout)
        self.assertEqual((late['done'], late['identifiers']), (False, 1))
        for verb, identifiers in (('link', 2), ('unlink', 1), ('link', 2)):  # each at once after the other
            now = json.loads(self.ok('--json', verb, 'email=a@x.de', 'loyalty=7').stdout)
            self.assertEqual((now['done'], now['identifiers']), (True, identifiers), verb)
        self.fails(3, 'link', 'email=', 'loyalty=7')
        self.fails(2, 'link', 'email', 'loyalty=7')
        self.fails(2, 'link', 'email=a@x.de', 'loyalty=7', '--at', '2024-02-30')
        self.fails(1, 'unlink', 'email=nobody@x.de', 'loyalty=7')

    def test_stats_as_of(self):
        self.ok('init', '--time-zone', 'Europe/Berlin')
        self.ok('import', '--map', self.map,
                self.csv('s.csv', 'a,2024-01-01 00:30,c,tea,1,1', 'b,2024-01-02 00:30,c,tea,1,1'))
        for as_of, n in (('2024-01-02', 1), ('2024-01-02 00:30', 1), ('2024-01-02 00:31', 2),
                         ('2024-01-01T23:30:00Z', 1), ('2024-01-02T00:30:01+01:00', 2), ('2023-01-01', 0)):
            line = json.loads(self.ok('--json', 'stats', '--as-of', as_of).stdout.splitlines()[0])
            self.assertEqual(line['events'], n, as_of)
        self.fails(2, 'stats', '--as-of', 'yesterday')

    def test_backup_and_check(self):
        self.ok('init')
        self.ok('link', 'email=a@x.de', 'loyalty=7')
        copy = self.dir / 'copy.db'
        self.ok('backup', copy)
        self.assertEqual(self.stats(copy), self.stats())
        self.fails(1, 'backup', copy)
        self.ok('backup', '--overwrite', copy)
        sound = json.loads(self.ok('--json', 'check', '--full').stdout)
        self.assertEqual((sound['sound'], sound['problems']), (True, 0))
        self.assertGreater(sound['pages'], 5)

    def test_maintain(self):
        chain = self.chain()
        self.ok('import', '--map', chain / 'map.json', chain / 'events.ndjson')
        before = self.storage()
        done = json.loads(self.ok('--json', 'maintain').stdout)
        self.assertEqual(done['more'], 0)
        self.assertLessEqual(done['segments'], 3)
        self.assertEqual(done['file_after'], self.store.stat().st_size)
        again = json.loads(self.ok('--json', 'maintain', '--full', '--budget=60', '--vacuum', '--no-wait').stdout)
        self.assertEqual((again['more'], again['segments']), (0, 1))
        after = self.storage()
        self.assertEqual((after['segments'], after['dead_bytes']), (1, 0))
        self.assertGreaterEqual(after['write_amplification'], before['write_amplification'] or 1)
        self.assertGreaterEqual(after['space_amplification'], 1)
        self.assertEqual([after[k] for k in ('events', 'lines', 'people', 'total_micro')],
                         [before[k] for k in ('events', 'lines', 'people', 'total_micro')])
        self.ok('check')

    def test_kiosk_offline(self):
        kiosk = self.dir / 'kiosk.db'
        rows = [f'{i},2024-05-{1 + i % 28:02} 12:00,{i % 7},tea,1,2.50' for i in range(60)]
        self.ok('init')
        self.ok('init', store=kiosk)
        self.ok('import', '--map', self.map, self.csv('a.csv', *rows[:40], head=CSV_HEAD))
        self.ok('import', '--map', self.map, self.csv('b.csv', *rows[20:], head=CSV_HEAD), store=kiosk)
        bundle = self.dir / 'kiosk.fbk'
        done = json.loads(self.ok('--json', 'export', bundle, store=kiosk).stdout)
        self.assertEqual((done['events'], done['last_event'], done['bytes']), (40, 40, bundle.stat().st_size))
        self.fails(1, 'export', bundle, store=kiosk)
        merged = json.loads(self.ok('--json', 'import', bundle).stdout)
        self.assertEqual((merged['events_added'], merged['events_already']), (20, 20))
        merged = json.loads(self.ok('--json', 'merge', kiosk, bundle).stdout.splitlines()[0])
        self.assertEqual((merged['events_added'], merged['events_already'], merged['rows_changed']), (0, 40, 0))
        self.ok('merge', self.store, store=kiosk)
        texts = []
        for store in (self.store, kiosk):
            self.ok('export', '--format', 'jsonl', '--everything', '--overwrite', self.dir / 'all', store=store)
            texts.append((self.dir / 'all').read_text())
        self.assertEqual(*texts)
        events = [json.loads(line) for line in texts[0].splitlines()]
        self.assertEqual(len(events), 60)
        self.assertEqual(events, sorted(events, key=lambda e: e['event_id']))
        self.assertEqual(events[0]['lines'][0]['unit_price'], 2.5)
        self.ok('export', '--since', done['last_event'], '--overwrite', bundle, store=kiosk)
        bundle.write_bytes(bundle.read_bytes()[:-1])
        self.fails(4, 'merge', bundle)
        self.fails(1, 'merge', self.dir / 'none.db')
        self.ok('init', '--currency', 'GBP', store=self.dir / 'pounds.db')
        self.fails(3, 'merge', self.dir / 'pounds.db')

    def test_simulated_chain(self):
        chain = self.chain()
        truth = json.loads((chain / 'truth.json').read_text())
        first = json.loads(self.ok('--json', 'import', '--map', chain / 'map.json',
                                   chain / 'events.ndjson').stdout)
        again = json.loads(self.ok('--json', 'import', '--map', chain / 'map.json',
                                   chain / 'resent.ndjson').stdout)
        self.assertEqual((first['events_added'], first['lines_added'], first['rows_rejected']),
                         (truth['events'], truth['lines'], 0))
        self.assertEqual((again['events_added'], again['events_already']), (0, truth['repeated']))
        self.ok('catalogue', 'load', chain / 'catalogue.csv')
        self.ok('place', 'load', chain / 'places.csv')
        kinds = [json.loads(line) for line in self.ok('--json', 'stats').stdout.splitlines()[1:]]
        events = {k['kind']: k['n_events'] for k in kinds if k['grouping'] == 'event'}
        self.assertEqual(events, {'sale': truth['sales'], 'return': truth['returns'], 'view': truth['views'],
                                  'login': truth['logins']})


class Answers(unittest.TestCase):
    """What is asked of one trained chain."""

    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory(prefix='feedback-cli-')
        cls.dir = pathlib.Path(cls.tmp.name)
        cls.store = cls.dir / 'shop.db'
        chain = cls.dir / 'chain'
        for args in (['simulate', '--customers=1500', '--days=400', '--seed=3', f'--out={chain}'],
                     ['init', '--time-zone', 'Europe/Berlin'],
                     ['import', '--map', chain / 'map.json', chain / 'events.ndjson'],
                     ['catalogue', 'load', chain / 'catalogue.csv'], ['place', 'load', chain / 'places.csv'],
                     ['weather', 'load', chain / 'weather.csv'], ['train']):
            done = run(*args, store=cls.store)
            assert done.returncode == 0, (args, done.stderr)
        cls.trained = done.stdout
        cls.chain = chain

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def json(self, *args):
        done = run('--json', *args, store=self.store)
        self.assertEqual(done.returncode, 0, (args, done.stderr))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def human(self, *args):
        done = run(*args, store=self.store)
        self.assertEqual((done.returncode, done.stderr), (0, ''), args)
        return done.stdout

    def test_train(self):
        for model in ('copurchase', 'rfm', 'clv', 'climate'):
            self.assertIn(f'\n{model} ', '\n' + self.trained)
        rows = self.json('train', 'rfm', 'clv')
        self.assertEqual([r['model'] for r in rows], ['rfm', 'clv'])
        self.assertEqual(rows[1]['status'], 'full')
        self.assertEqual({r['kind'] for r in self.json('train', '--list')}, {'copurchase', 'rfm', 'clv', 'climate'})
        self.assertEqual(run('train', 'magic', store=self.store).returncode, 2)

    def test_rfm_and_clv(self):
        scores = self.json('rfm')
        segments = self.json('rfm', '--segments')
        self.assertEqual(len(scores), sum(s['customers'] for s in segments))
        self.assertEqual(sum(s['monetary_micro'] for s in scores), sum(s['revenue_micro'] for s in segments))
        best = max(scores, key=lambda s: s['frequency'])
        one, = self.json('rfm', best['profile'])
        self.assertEqual({k: one[k] for k in ('frequency', 'r', 'f', 'm', 'segment')},
                         {k: best[k] for k in ('frequency', 'r', 'f', 'm', 'segment')})
        self.assertEqual(len(self.json('rfm', '--limit', 5)), 5)
        forecasts = {f['profile']: f for f in self.json('clv')}
        self.assertEqual(set(forecasts), {s['profile'] for s in scores})
        one, = self.json('clv', best['profile'])
        self.assertAlmostEqual(one['expected_orders'], forecasts[best['profile']]['expected_orders'])
        month, = self.json('clv', '--horizon', 30, best['profile'])
        self.assertLess(month['expected_orders'], one['expected_orders'])
        self.assertIn('champions', self.human('rfm', '--segments'))
        self.assertRegex(self.human('rfm', '--segments'), r'champions +\d+ +\d+\.\d +\d+\.\d ')
        listed = [line.split()[0] for line in self.human('rfm').splitlines()[1:]]
        self.assertEqual(listed, [str(s['profile']) for s in scores])  # as one would type them
        self.assertGreater(max(map(int, listed)), 999)
        self.assertIn('P(alive)', self.human('clv', best['profile']))

    def test_recommend(self):
        pair = next(row for row in map(str.strip, (self.chain / 'truth_items.csv').read_text().splitlines()[1:])
                    if row.split(',')[6]).split(',')
        answers = self.json('recommend', '--n', 5, '--no-weather', pair[0])
        self.assertLessEqual(len(answers), 5)
        self.assertIn(pair[6], [a['item'] for a in answers])
        self.assertNotIn(pair[0], [a['item'] for a in answers])
        self.assertTrue(all(a['why'] for a in answers))
        without = self.json('recommend', '--n', 5, '--no-weather', '--exclude', pair[6], pair[0])
        self.assertNotIn(pair[6], [a['item'] for a in without])
        rain = self.json('recommend', '--place', 'HAM', '--n', 30, '--condition', 'rain', '--precipitation', 15)
        hot = self.json('recommend', '--place', 'HAM', '--n', 30, '--condition', 'clear', '--precipitation', 0,
                        '--temperature', 30)
        self.assertNotEqual([a['item'] for a in rain], [a['item'] for a in hot])
        self.assertTrue(any(a['weather_factor'] != 1 for a in hot))
        together = self.json('recommend', '--pairs', pair[0], '--by', 'llr', '--n', 3)
        self.assertEqual(together[0]['item'], pair[6])
        rules = self.json('recommend', '--rules', '--support', '.001', '--confidence', '.3')
        self.assertTrue(any((r['antecedent'], r['consequent']) == (pair[0], pair[6]) for r in rules))
        self.assertIn('why', self.human('recommend', pair[0]))
        for slip, named in ((['no such thing'], 'no such thing'), (['--for', 'loyalty=nobody'], 'anybody')):
            done = run('recommend', *slip, store=self.store)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (0, 1), done.stderr)
            self.assertIn(named, done.stderr)

    def test_context(self):
        now, = self.json('context', '--at', '2023-07-15 15:30', 'HEL')
        self.assertEqual((now['hour'], now['season'], now['weekday'], now['weather']), (16, 'summer', 6, 'day'))
        self.assertAlmostEqual(now['anomaly_sd'],
                               (now['temperature_celsius'] - now['usual_celsius']) / now['usual_sd_celsius'])
        self.assertFalse(now['provisional'])
        wet, = self.json('context', '--condition', 'rain', 'HEL')
        self.assertEqual((wet['wet'], wet['condition'], wet['weather']), (True, 'rain', 'given'))
        self.assertEqual(run('context', 'ATLANTIS', store=self.store).returncode, 1)
        self.assertIn('--at ', run('context', '--at', 'noon', store=self.store).stderr)
        self.assertIn('Saturday 16:30', self.human('context', '--at', '2023-07-15 15:30', 'HEL'))
        self.assertEqual(len(self.json('weather', 'days', '--from', '2023-01-01', '--to', '2023-01-31', 'SIM-HEL')), 31)

    def test_profile(self):
        rows = [r.split(',') for r in (self.chain / 'truth_people.csv').read_text().splitlines()[1:]]
        person = max((r for r in rows if r[1] and r[2] and r[3] == '0'), key=lambda r: int(r[10]))
        by_card, = self.json('profile', f'loyalty={person[1]}')
        by_mail, = self.json('profile', f'email={person[2].upper()}')
        by_number, = self.json('profile', by_card['profile'])
        self.assertEqual(by_card, by_mail)
        self.assertEqual(by_card, by_number)
        self.assertEqual(by_card['n_orders'], int(person[10]))
        self.assertEqual(by_card['revenue_micro'],
                         round((float(person[12]) - float(person[13])) * 100) * 10_000)
        text = self.human('profile', f'loyalty={person[1]}')
        for heading in ('Identifiers', 'Favourite categories', 'Last actions', 'Recommendations'):
            self.assertIn(f'\n{heading}\n', text)
        done = run('profile', '--place', 'ATLANTIS', f'loyalty={person[1]}', store=self.store)
        self.assertEqual(done.returncode, 1)
        self.assertIn('place', done.stderr)
        done = run('profile', 'loyalty=nobody', store=self.store)
        self.assertEqual((done.returncode, done.stdout), (1, ''))

    def test_a_store_without_models(self):
        bare = self.dir / 'bare.db'
        run('init', store=bare)
        for args in (['train', 'clv'], ['clv'], ['recommend'], ['recommend', '--rules']):
            done = run(*args, store=bare)
            self.assertEqual((done.returncode, done.stdout), (1, ''), args)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(run('train', store=bare).returncode, 0)


class Hostile(Case):
    def test_files_that_are_no_store_are_4(self):
        text = self.dir / 'text.db'
        text.write_text('hello, this is a letter\n' * 500)
        noise = self.dir / 'noise.db'
        noise.write_bytes(random.Random(1).randbytes(100_000))
        empty = self.dir / 'empty.db'
        empty.touch()
        other = self.dir / 'other.db'
        with sqlite3.connect(other) as db:
            db.execute('CREATE TABLE t (x)')
        db.close()
        for path in (text, noise, empty, other):
            before = path.read_bytes()
            for verb in (['stats'], ['check'], ['link', 'a=b1', 'c=d1'], ['backup', self.dir / 'b.db']):
                self.fails(4, *verb, store=path)
            self.assertEqual(path.read_bytes(), before)
        self.assertFalse((self.dir / 'b.db').exists())
        self.fails(1, 'stats', store=self.dir / 'absent.db', lines=2)
        self.fails(1, 'stats', store=self.dir)

    def test_a_store_of_a_newer_version_is_4(self):
        self.ok('init')
        self.ok('link', 'email=a@x.de', 'loyalty=7')
        # A newer library writes its number into the header and so into that page's checksum; what
        # stands here is the number alone, as any tool could have written it.
        data = bytearray(self.store.read_bytes())
        data[60:64] = struct.pack('>I', 99)
        self.store.write_bytes(data)
        self.fails(4, 'stats')
        self.fails(4, 'link', 'email=b@x.de', 'loyalty=7')
        self.assertEqual(self.store.read_bytes(), data)

    def test_a_damaged_store_is_4_and_check_tells(self):
        chain = self.chain()
        self.ok('import', '--map', chain / 'map.json', chain / 'events.ndjson')
        sound = self.store.read_bytes()
        data = bytearray(sound)
        for page in range(7, len(data) // 4096, 7):  # none that opening reads
            data[page * 4096 + 1000] ^= 0x40
        self.store.write_bytes(data)
        done = run('--json', 'check', store=self.store)
        self.assertEqual(done.returncode, 4, done.stderr)
        last = json.loads(done.stdout.splitlines()[-1])
        self.assertFalse(last['sound'])
        self.assertGreater(last['bad_pages'], 1)
        self.assertNotIn('***', done.stdout)
        self.assertNotIn('pages compared', run('check', '--quick', store=self.store).stdout)
        self.fails(4, 'backup', self.dir / 'copy.db')
        self.assertFalse((self.dir / 'copy.db').exists())
        data = bytearray(sound)
        data[len(data) // 8192 * 4096 + 1000] ^= 0x40
        self.store.write_bytes(data)
        saved = self.dir / 'saved.db'
        done = run('--json', 'salvage', self.store, saved)
        self.assertEqual(done.returncode, 4, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        listed = (self.dir / 'saved.db.lost').read_text().splitlines()
        self.assertEqual([line['lost'] for line in lines[:-1]], listed)
        self.assertEqual(lines[-1]['losses'], len(listed))
        self.assertGreater(lines[-1]['events'], 0)
        self.ok('check', store=saved)
        self.assertEqual(self.store.read_bytes(), data)

    def test_salvage_of_a_sound_store(self):
        self.ok('init', '--currency', 'GBP')
        self.ok('link', 'email=a@x.de', 'loyalty=7')
        saved = self.dir / 'saved.db'
        self.assertIn('nothing was lost', self.ok('salvage', self.store, saved).stdout)
        self.assertEqual(self.stats(saved), self.stats())
        self.assertFalse((self.dir / 'saved.db.lost').exists())
        self.fails(1, 'salvage', self.store, saved)
        self.fails(1, 'salvage', self.dir / 'none', self.dir / 'other')
        self.assertFalse((self.dir / 'other').exists())

    def test_a_broken_csv_costs_its_rows(self):
        self.ok('init', '--time-zone', 'Europe/Berlin')
        path = self.dir / 'broken.csv'
        path.write_text(CSV_HEAD + 'a,2024-01-01 10:00,c1,tea,2,3.50\n'
                        'b,2024-01-01 10:00,c1,tea\n'
                        'c,2024-01-01 10:00,c1,tea,many,3.50\n'
                        'd,tomorrow,c1,tea,1,3.50\n'
                        'e,2024-01-02 10:00,c1,tea,1,"3.50"x\n'
                        'f,2024-01-03 10:00,c2,mug,1,8\n'
                        'g,2024-01-03 10:00,c2,"mug,1,8\n')
        rejects = self.dir / 'rejects.csv'
        done = run('--json', 'import', '--map', self.map, '--rejects', rejects, path, store=self.store)
        self.assertEqual(done.returncode, 3)
        report = json.loads(done.stdout)
        self.assertEqual((report['rows_read'], report['rows_rejected'], report['events_added']), (7, 5, 2))
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn('line 3', done.stderr)
        lines = rejects.read_text().splitlines()
        self.assertEqual(len(lines), 1 + 5)
        self.assertEqual(self.stats()['events'], 2)

    def test_a_file_that_cannot_be_read_at_all(self):
        self.ok('init')
        self.assertIn('absent.csv: ', self.fails(1, 'import', '--map', self.map, self.dir / 'absent.csv').stderr)
        self.assertIn('mapping could not be opened: No such file',
                      self.fails(1, 'import', '--map', self.dir / 'absent.json', self.csv('a.csv')).stderr)
        self.assertIn('--map', self.fails(2, 'import', self.csv('a.csv')).stderr)
        self.assertIn('FILE', self.fails(2, 'import', '--map', self.map).stderr)
        self.map.write_text('{"format": "csv", "colour": "red"}')
        self.assertIn('colour', self.fails(3, 'import', '--map', self.map, self.csv('a.csv')).stderr)
        self.map.write_text(json.dumps(CSV_MAP))
        self.fails(3, 'import', '--map', self.map, self.csv('a.csv', head='quite,other,columns\n'))
        cut = self.dir / 'cut.csv.zst'
        cut.write_bytes(b'\x28\xb5\x2f\xfd' + b'\x04\x00\x41' * 5)
        self.fails(3, 'import', '--map', self.map, cut)
        self.assertEqual(self.stats()['events'], 0)

    def test_a_json_line_of_100_mb(self):
        self.ok('init')
        map_path = self.dir / 'json.json'
        map_path.write_text(json.dumps({
            'format': 'json', 'json': {'lines': 'lines'}, 'event_id': ['id'], 'time': 'time', 'kind': 'sale',
            'source': {'value': 'web'}, 'identifiers': [{'namespace': 'email', 'value': 'email'}],
            'line': {'item': 'lines.sku', 'quantity': 'lines.n', 'unit_price': 'lines.price'}}))
        good = '{"id":"%s","time":"2024-01-01T10:00:00Z","email":"a@x.de",' \
               '"lines":[{"sku":"tea","n":1,"price":3.5}]}\n'
        path = self.dir / 'long.ndjson'
        with open(path, 'w') as f:
            f.write(good % 'before')
            f.write('{"id":"big","time":"2024-01-01T10:00:00Z","note":"')
            for _ in range(100):
                f.write('x' * 1_000_000)
            f.write('"}\n')
            f.write(good % 'after')
        before = os.times()
        done = self.fails(3, '--json', 'import', '--map', map_path, path)
        after = os.times()
        self.assertIn('line 2', done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report['rows_read'], report['rows_rejected'], report['events_added']), (3, 1, 2))
        self.assertLess(after.children_user - before.children_user, 10)
        self.assertEqual(self.stats()['events'], 2)

    def test_a_directory_that_cannot_be_written(self):
        self.ok('init')
        self.ok('link', 'email=a@x.de', 'loyalty=7')
        before = self.store.read_bytes()
        os.chmod(self.dir, 0o555)
        os.chmod(self.store, 0o444)
        self.addCleanup(os.chmod, self.dir, 0o755)
        who = {}
        if os.geteuid() == 0:  # who may write anywhere
            os.chown(self.dir, NOBODY, NOBODY)
            os.chown(self.store, NOBODY, NOBODY)
            self.addCleanup(os.chown, self.dir, 0, 0)
            who = {'preexec_fn': lambda: (os.setgroups([]), os.setgid(NOBODY), os.setuid(NOBODY))}
        os.chmod(self.store, 0)
        self.assertIn('(Permission denied)', self.fails(1, 'stats', **who).stderr)
        os.chmod(self.store, 0o444)
        self.fails(1, 'init', store=self.dir / 'new.db', **who)
        self.fails(1, 'link', 'email=b@x.de', 'loyalty=7', **who)
        self.fails(1, 'import', '--map', self.map, self.map, **who)
        done = run('--json', 'stats', store=self.store, **who)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout.splitlines()[0])['identifiers'], 2)
        self.assertEqual(self.store.read_bytes(), before)

    def test_a_full_disk(self):
        if os.geteuid() != 0:
            self.skipTest('mounting a small tmpfs needs root')
        small = self.dir / 'small'
        small.mkdir()
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small], stderr=subprocess.DEVNULL).returncode:
            self.skipTest('a tmpfs could not be mounted here')
        self.addCleanup(subprocess.run, ['umount', small])
        self.ok('simulate', '--customers=2000', '--days=120', f'--out={self.dir / "chain"}')
        store = small / 'shop.db'
        chain = self.dir / 'chain'
        self.ok('init', store=store)
        done = run('import', '--map', chain / 'map.json', '--batch', '200', chain / 'events.ndjson', store=store)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn('full', done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        kept = self.stats(store)['events']
        subprocess.run(['mount', '-o', 'remount,size=64m', small], check=True)
        self.ok('check', store=store)
        done = self.ok('--json', 'import', '--map', chain / 'map.json', chain / 'events.ndjson', store=store)
        report = json.loads(done.stdout)
        self.assertEqual(report['events_already'], kept)
        self.assertEqual(report['events_already'] + report['events_added'], report['rows_read'])

    def test_a_locked_store_is_5(self):
        self.ok('init')
        lock = struct.pack('hhqqi4x', fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
        with open(f'{self.store}-fbk.lck', 'r+b') as held:
            fcntl.fcntl(held, fcntl.F_OFD_SETLK, lock)
            self.fails(5, '--busy-timeout', '50', 'link', 'email=a@x.de', 'loyalty=7')
        self.ok('link', 'email=a@x.de', 'loyalty=7')


class CutShort(Case):
    def test_ten_kills_and_a_resumed_import_give_the_same_store(self):
        whole = self.dir / 'whole.db'
        online = DATA / 'online_retail/online_retail.csv.zst'
        if online.exists():
            command = ['import', '--batch', '100', '--map', ROOT / 'examples/maps/online_retail.json', online]
            self.ok('init', '--currency', 'GBP', '--time-zone', 'Europe/London')
            self.ok('init', '--currency', 'GBP', '--time-zone', 'Europe/London', store=whole)
        else:
            chain = self.chain(customers=6000, days=200)
            command = ['import', '--batch', '100', '--map', chain / 'map.json', chain / 'events.ndjson']
            self.ok('init', '--time-zone', 'Europe/Berlin', store=whole)
        begun = time.monotonic()
        self.ok(*command, store=whole)
        took = time.monotonic() - begun
        rng = random.Random(20260101)
        cut_short = attempts = 0
        while cut_short < 10 and attempts < 100:
            attempts += 1
            child = subprocess.Popen([FEEDBACK, '--store', self.store, *map(str, command)], env=ENV,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                child.wait(timeout=took * rng.random())
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
                cut_short += 1
            child.wait()
        self.assertEqual(cut_short, 10)
        self.ok(*command)
        self.assertEqual(self.stats(), self.stats(whole))
        self.ok('check')
        again = json.loads(self.ok('--json', *command).stdout)
        self.assertEqual(again['events_added'], 0)

    def test_an_interrupt_is_130_and_loses_nothing(self):
        chain = self.chain(customers=8000, days=300)
        command = [FEEDBACK, '--store', self.store, 'import', '--map', chain / 'map.json', chain / 'events.ndjson']
        child = subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # Once the second half, the storing, has begun something is in the log.
        wal = pathlib.Path(f'{self.store}-wal')
        while child.poll() is None and not (wal.exists() and wal.stat().st_size > 400_000):
            time.sleep(.002)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130, err)
        self.assertIn('interrupted', err)
        kept = self.stats()['events']
        self.assertGreater(kept, 0)
        done = json.loads(self.ok('--json', 'import', '--map', chain / 'map.json', chain / 'events.ndjson').stdout)
        self.assertEqual(done['events_already'], kept)
        self.assertEqual(self.stats()['events'], json.loads((chain / 'truth.json').read_text())['events'])
        self.ok('check')

    def test_an_interrupted_simulation_is_130(self):
        child = subprocess.Popen([FEEDBACK, 'simulate', '--customers=1000000', f'--out={self.dir / "long"}'],
                                 env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        events = self.dir / 'long/events.ndjson'
        while child.poll() is None and not (events.exists() and events.stat().st_size > 0):
            time.sleep(.002)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130)


if __name__ == '__main__':
    unittest.main()
