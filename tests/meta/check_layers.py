#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""Who includes whom (lib/layers.txt), what a *_math.c may see, where SQL may stand, what each file must
carry, and how long files and functions may be."""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(os.environ.get('FEEDBACK_SOURCE_ROOT', pathlib.Path(__file__).resolve().parents[2]))
LIB = ROOT / 'lib'
MAX_FILE, MAX_FUNCTION, MAX_WIDTH = 800, 60, 100
errors = []


def complain(path, line, text):
    errors.append(f'{path.relative_to(ROOT)}:{line}: {text}')


def allowed():
    layers = {}
    for line in (LIB / 'layers.txt').read_text().splitlines():
        line = line.split('#')[0].strip()
        if line:
            name, _, others = line.partition(':')
            layers[name] = set(others.split()) | {name}
    return layers


def check_includes(path, layers):
    layer = path.relative_to(LIB).parts[0]
    module = re.sub(r'(_math)?$', '', path.stem)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        quoted = re.match(r'#include "([a-z0-9]+)/([^"]+)"', line)
        system = re.match(r'#include <([^>]+)>', line)
        if quoted and quoted[1] not in layers[layer]:
            complain(path, number, f'{layer}/ may not include {quoted[1]}/')
        if path.stem.endswith('_math') and quoted and quoted[1] != 'base' \
                and pathlib.Path(quoted[2]).stem != path.stem:
            complain(path, number, 'a *_math file sees base/ and its own header only')
        if not system:
            continue
        name = system[1]
        if name == 'sqlite3.h' and layer != 'store' and path.name != 'version.c':
            complain(path, number, 'only store/ opens SQLite')
        if path.stem.endswith('_math') and name in ('time.h', 'stdio.h', 'sqlite3.h', 'unistd.h', 'sys/time.h'):
            complain(path, number, f'a *_math file has no business with <{name}>')
        if layer in ('model', 'act') and name in ('time.h', 'sys/time.h'):
            complain(path, number, 'model/ and act/ do not ask the clock')


SQL = re.compile(r'"\s*(SELECT .+ FROM|INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM|CREATE (TABLE|INDEX)|PRAGMA )')


def check_text(path):
    lines = path.read_text().splitlines()
    layer = path.relative_to(LIB).parts[0]
    if len(lines) > MAX_FILE and path.suffix == '.c':
        complain(path, len(lines), f'{len(lines)} lines, at most {MAX_FILE}')
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_WIDTH:
            complain(path, number, f'{len(line)} columns, at most {MAX_WIDTH}')
        if layer not in ('store', 'log', 'record') and SQL.search(line):
            complain(path, number, 'SQL belongs to store/, log/ and record/')
        if re.search(r'\b(abort|exit|_exit|printf|puts|fprintf|perror)\s*\(', line) \
                and not re.search(r'snprintf|^\s*\*|/\*|//', line):
            complain(path, number, 'the library never aborts, prints or exits')
        if re.search(r'\b(strtod|atof|setlocale|setenv|localtime|lgamma)\s*\(', line) and '*' not in line[:3]:
            complain(path, number, 'depends on the locale, the environment or a global')


def check_functions(path):
    start = name = None
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        if line == '{' and number > 1:
            start, name = number, lines[number - 2]
        elif line == '}' and start:
            if number - start - 1 > MAX_FUNCTION:
                complain(path, start, f'{number - start - 1} lines in {name.strip()}, at most {MAX_FUNCTION}')
            start = None


def check_header(path):
    head = path.read_text(errors='replace')[:600]
    if 'SPDX-License-Identifier: Apache-2.0' not in head:
        complain(path, 1, 'no SPDX line')


def main():
    layers = allowed()
    files = sorted(LIB.glob('*/*.[ch]'))
    if len(files) < 10:
        sys.exit('no sources found')
    for path in files:
        check_includes(path, layers)
        check_text(path)
    for path in files + sorted((ROOT / 'tools').glob('*.c')):
        check_functions(path)
    for pattern in ('include/feedback/*.h*', 'lib/**/*.[ch]', 'lib/**/*.sql', 'tools/*', 'tests/**/*.[ch]', 'tests/**/*.py',
                    'examples/**/*.c', 'bench/**/*.[ch]', 'bench/**/*.py', 'man/*.[0-9]', 'bindings/**/*.java',
                    'bindings/**/*.py', 'bindings/**/*.c'):
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and path.suffix not in ('.build', '.json', '.txt', '.csv'):
                check_header(path)
    print('\n'.join(errors))
    sys.exit(1 if errors else 0)


main()
