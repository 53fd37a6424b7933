#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""The simulator: the same bytes for a seed, and events that say what the truth files say."""
import collections
import csv
import datetime
import hashlib
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zoneinfo

FEEDBACK = sys.argv.pop(1) if len(sys.argv) > 1 else os.environ['FEEDBACK']
FILES = ['catalogue.csv', 'events.ndjson', 'map.json', 'places.csv', 'resent.ndjson', 'truth.json', 'truth_identities.csv',
         'truth_items.csv', 'truth_people.csv', 'weather.csv']
# SHA-256 over all files of --customers 300 --days 60 --seed 7: a promise to whoever pinned a seed.
PINNED = 'b57eec71ab015d4a542e2b862b89d7d3aa12f4ad6f5038834f78caa5c74c94d5'
BLOCKED = {('loyalty', '0000000000'), ('email', 'null'), ('email', '')}
KIOSK = ('cookie', 'kiosk-lis-0000001')


def simulate(out, customers, days, seed):
    return subprocess.run([FEEDBACK, 'simulate', f'--customers={customers}', f'--days={days}',
                           f'--seed={seed}', f'--out={out}'], capture_output=True, text=True)


def digest(folder):
    h = hashlib.sha256()
    for name in FILES:
        h.update((pathlib.Path(folder) / name).read_bytes())
    return h.hexdigest()


def table(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def groups_of(events):
    """Sets of identifiers that events name together, by union-find."""
    parent = {}

    def find(x):
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for event in events.values():
        ids = [i for i in event.get('identifiers', {}).items() if i not in BLOCKED]
        for i in ids:
            parent.setdefault(i, i)
        people = [i for i in ids if i != KIOSK]
        for i in people[1:]:
            parent[find(i)] = find(people[0])
    groups = collections.defaultdict(set)
    for i in parent:
        groups[find(i)].add(i)
    return {frozenset(g) for g in groups.values()}


class Simulate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.tmp.name) / 'chain'
        run = simulate(cls.dir, 2000, 365, 42)
        assert run.returncode == 0, run.stderr
        cls.rows = [json.loads(line) for line in (cls.dir / 'events.ndjson').read_text().splitlines()]
        cls.events = {row['event_id']: row for row in cls.rows}
        cls.resent = [json.loads(line) for line in (cls.dir / 'resent.ndjson').read_text().splitlines()]
        cls.truth = json.loads((cls.dir / 'truth.json').read_text())
        cls.people = table(cls.dir / 'truth_people.csv')
        cls.items = table(cls.dir / 'truth_items.csv')

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def test_same_seed_same_bytes(self):
        with tempfile.TemporaryDirectory() as tmp:
            digests = []
            for name, seed in (('a', 7), ('b', 7), ('c', 8)):
                run = simulate(f'{tmp}/{name}', 300, 60, seed)
                self.assertEqual(run.returncode, 0, run.stderr)
                digests.append(digest(f'{tmp}/{name}'))
        self.assertEqual(digests[0], digests[1])
        self.assertNotEqual(digests[0], digests[2])
        self.assertEqual(digests[0], PINNED)

    def test_totals(self):
        t = self.truth
        kinds = collections.Counter(e['type'] for e in self.events.values())
        self.assertEqual(len(self.rows), t['events'])
        self.assertEqual(len(self.events), t['events'])
        self.assertEqual(len(self.resent), t['repeated'])
        for row in self.resent:
            self.assertEqual(row, self.events[row['event_id']])
        self.assertEqual(kinds, {'sale': t['sales'], 'return': t['returns'], 'view': t['views'],
                                 'login': t['logins']})
        self.assertGreater(t['repeated'], 0)
        late = sum(e['received'][:10] > e['occurred'][:10] for e in self.events.values())
        self.assertEqual(late, t['late'])

    def test_money(self):
        sales = returned = 0
        for e in self.events.values():
            for line in e['lines'] if e['type'] in ('sale', 'return') else ():
                cents = {k: round(line.get(k, 0) * 100) for k in ('unit_price', 'discount', 'amount')}
                gross = line['quantity'] * cents['unit_price']
                if e['type'] == 'sale':
                    self.assertEqual(cents['amount'], gross - cents['discount'])
                else:
                    self.assertTrue(gross <= cents['amount'] <= 0)
                self.assertGreaterEqual(line['quantity'] * (1 if e['type'] == 'sale' else -1), 1)
            amount = round(100 * sum(line.get('amount', 0) for line in e.get('lines', ())))
            if 'flag' not in e and e['type'] == 'sale':
                sales += amount
            elif 'flag' not in e and e['type'] == 'return':
                returned -= amount
        self.assertEqual(sales, round(self.truth['sales_amount'] * 100))
        self.assertEqual(returned, round(self.truth['returned_amount'] * 100))

    def test_returns_name_their_order(self):
        orders = {e['order_ref']: e for e in self.events.values() if e['type'] == 'sale'}
        n = 0
        for e in self.events.values():
            if e['type'] == 'return':
                sale = orders[e['order_ref']]
                line = e['lines'][0]
                self.assertLess(sale['occurred'][:10], e['occurred'][:10])
                self.assertTrue(any(s['item'] == line['item'] and s['quantity'] >= -line['quantity']
                                    for s in sale['lines']))
                n += 1
        self.assertGreater(n, 100)

    def test_identities_are_what_events_show(self):
        truth = collections.defaultdict(set)
        for row in table(self.dir / 'truth_identities.csv'):
            truth[row['group']].add((row['namespace'], row['value']))
        self.assertEqual(groups_of(self.events), {frozenset(g) for g in truth.values()})
        self.assertTrue(any(len(g) == 4 for g in truth.values()))
        kiosk = {e['identifiers']['email'] for e in self.events.values()
                 if e.get('identifiers', {}).get('cookie') == KIOSK[1]}
        self.assertGreater(len(kiosk), 20)

    def test_people_buy_as_the_truth_says(self):
        days = collections.defaultdict(set)
        by_id = {}
        for p in self.people:
            for space in ('loyalty', 'email'):
                if p[space]:
                    by_id[(space, p[space])] = p['person']
        for e in self.events.values():
            if e['type'] == 'sale':
                who = {by_id[i] for i in e.get('identifiers', {}).items() if i in by_id}
                self.assertLessEqual(len(who), 1)
                if who:
                    days[who.pop()].add(e['occurred'][:10])
        for p in self.people:
            self.assertEqual(len(days[p['person']]), int(p['orders']))
            self.assertEqual(min(days[p['person']]), p['first_day'])
            self.assertEqual(max(days[p['person']]), p['last_day'])

    def test_rates_are_drawn_from_the_stated_laws(self):
        rates = [float(p['orders_a_day']) for p in self.people if p['staff'] == '0']
        drops = [float(p['drop_prob']) for p in self.people if p['staff'] == '0']
        n = len(rates)
        t = self.truth['bgnbd']
        mean = t['r'] / t['alpha_days']
        sd = math.sqrt(t['r']) / t['alpha_days']
        self.assertLess(abs(sum(rates) / n - mean), 4 * sd / math.sqrt(n))
        a, b = t['a'], t['b']
        sd = math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
        self.assertLess(abs(sum(drops) / n - a / (a + b)), 4 * sd / math.sqrt(n))

    def test_local_time_is_that_of_the_place(self):
        zones = {r['code']: r['time_zone'] for r in table(self.dir / 'places.csv')}
        try:
            zoneinfo.ZoneInfo('Europe/Lisbon')
        except zoneinfo.ZoneInfoNotFoundError:
            self.skipTest('no time-zone data on this machine')
        for e in list(self.events.values())[::7]:
            at = datetime.datetime.fromisoformat(e['occurred'])
            local = at.astimezone(zoneinfo.ZoneInfo(zones[e['place']]))
            self.assertEqual(at.utcoffset(), local.utcoffset(), e['occurred'])

    def test_weather_and_complements_leave_their_mark(self):
        """The marks themselves, by plain counting; the library has to find them from less."""
        weather = collections.defaultdict(dict)
        for r in table(self.dir / 'weather.csv'):
            weather[r['station'][4:]][r['date']] = float(r['precipitation_mm']) >= 1
        baskets = collections.Counter()
        sold = collections.Counter()
        rain = {i['item'] for i in self.items if i['role'] == 'rain'}
        for e in self.events.values():
            wet = weather[e['place']].get(e['occurred'][:10])
            if e['type'] == 'sale' and wet is not None and 'flag' not in e:
                baskets[wet] += 1
                sold[wet] += sum(line['item'] in rain for line in e['lines'])
        ratio = (sold[True] / baskets[True]) / (sold[False] / baskets[False])
        mean = sum(float(i['log_rate_wet']) for i in self.items if i['role'] == 'rain') / 8
        self.assertLess(abs(math.log(ratio) - mean), .35)
        for item in self.items:
            if item['complement'] and int(item['orders']) >= 50:
                share = int(item['orders_with_complement']) / int(item['orders'])
                self.assertGreater(share, float(item['complement_prob']) - .2)

    def test_usage(self):
        with tempfile.TemporaryDirectory() as tmp:
            for bad in (['--customers=5'], ['--days=x'], ['--seed=-1'], ['--nothing'], ['surplus']):
                run = subprocess.run([FEEDBACK, 'simulate', f'--out={tmp}/x', *bad],
                                     capture_output=True, text=True)
                self.assertEqual(run.returncode, 2, bad)
                self.assertEqual(run.stdout, '')
            run = subprocess.run([FEEDBACK, 'simulate'], capture_output=True, text=True)
            self.assertEqual(run.returncode, 2)
            self.assertEqual(simulate(f'{tmp}/no/such', 100, 28, 1).returncode, 1)
            run = subprocess.run([FEEDBACK, '--json', 'simulate', '--customers=100', '--days=28',
                                  f'--out={tmp}/x'], capture_output=True, text=True)
            self.assertEqual(json.loads(run.stdout)['customers'], 100)


if __name__ == '__main__':
    unittest.main()
