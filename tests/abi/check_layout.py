#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""Size of every public structure, offset of each of its fields, value of each public constant:
compared with tests/abi/layout.txt. Lines may be added, none may change or go.

usage: check_layout.py [--update]
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get('FEEDBACK_SOURCE_ROOT', pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get('FEEDBACK_BUILD_ROOT', ROOT / 'build/gcc'))
TABLE = ROOT / 'tests/abi/layout.txt'


def fields(body):
    """Names of the fields of a structure: the last word of each declarator."""
    for part in body.split(';'):
        pointer = re.search(r'\(\s*\*\s*(\w+)\s*\)', part)
        if pointer:
            yield pointer[1]
        elif part.strip():
            for declarator in part.split(','):
                yield re.findall(r'\w+', re.sub(r'\[[^\]]*\]', '', declarator))[-1]


def program():
    out = ['#include <stddef.h>', '#include <stdio.h>', *(f'#include <feedback/{h.name}>' for h in sorted((ROOT / 'include/feedback').glob('*.h'))),
           'int main(void) {']
    for header in sorted((ROOT / 'include/feedback').glob('*.h')):
        text = re.sub(r'/\*.*?\*/', '', header.read_text(), flags=re.S)
        for name, body in re.findall(r'typedef struct (fbk_\w+)\s*\{(.*?)\n\}', text, flags=re.S):
            out.append(f'printf("{name} size %zu\\n", sizeof({name}));')
            for field in fields(body):
                out.append(f'printf("{name}.{field} %zu\\n", offsetof({name}, {field}));')
        for body in re.findall(r'\benum\s*\{(.*?)\}', text, flags=re.S):
            for constant in re.findall(r'\b(FBK_\w+)\s*(?:=[^,]*)?(?:,|$)', body.strip() + ','):
                out.append(f'printf("{constant} %lld\\n", (long long){constant});')
    return '\n'.join(out + ['return 0; }', ''])


def main():
    with tempfile.TemporaryDirectory() as where:
        source, binary = pathlib.Path(where) / 'layout.c', pathlib.Path(where) / 'layout'
        source.write_text(program())
        subprocess.run(['gcc', '-I', ROOT / 'include', '-I', BUILD / 'include', source, '-o', binary], check=True)
        now = subprocess.run([binary], check=True, capture_output=True, text=True).stdout.splitlines()
    if '--update' in sys.argv[1:]:
        TABLE.write_text('\n'.join(now) + '\n')
        return
    want = TABLE.read_text().splitlines()
    gone = [line for line in want if line not in set(now)]
    new = [line for line in now if line not in set(want)]
    if gone:
        print('changed or gone (an ABI break):', *gone, sep='\n  ')
    if new:
        print('new; add them with tests/abi/check_layout.py --update:', *new, sep='\n  ')
    sys.exit(1 if gone or new else 0)


main()
