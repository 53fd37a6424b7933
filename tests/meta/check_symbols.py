#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""What the headers declare = what the map names = what the shared library exports; every public
function has a man page, and the complete doc comment of the house."""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(os.environ.get('FEEDBACK_SOURCE_ROOT', pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get('FEEDBACK_BUILD_ROOT', ROOT / 'build/gcc'))
DECLARATION = re.compile(r'(/\*\*(?:(?!\*/).)*\*/)\s*FBK_API([^;{]*?)\b(fbk_[a-z0-9_]+)\s*\(([^;]*?)\)\s*;', re.S)
errors = []


def declared():
    found = {}
    for header in sorted((ROOT / 'include/feedback').glob('*.h')):
        text = header.read_text()
        plain = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
        names = re.findall(r'FBK_API[^;{]*?\b(fbk_[a-z0-9_]+)\s*\(', plain)
        documented = {m[2]: (m[0], m[1], m[3]) for m in DECLARATION.findall(text)}
        for name in names:
            found[name] = header.name
            if name not in documented:
                errors.append(f'{header.name}: {name} has no doc comment')
                continue
            check_comment(header.name, name, *documented[name])
    return found


def check_comment(header, name, comment, result, arguments):
    for tag in ('@ownership', '@threads', '@cost', '@since'):
        if tag not in comment:
            errors.append(f'{header}: {name} has no {tag}')
    if 'fbk_status' in result and '@retval FBK_OK' not in comment:
        errors.append(f'{header}: {name} does not say what FBK_OK means')
    if '@threads' in comment and not re.search(r'@threads\s+(any|connection|init)\b', comment):
        errors.append(f'{header}: {name}: @threads is any, connection or init')
    number = 0 if arguments.strip() == 'void' else arguments.count(',') + 1
    if number > 7:
        errors.append(f'{header}: {name} has {number} arguments, at most 7')
    said = set(re.findall(r'@param(?:\[[a-z,]+\])?\s+(\w+)', comment))
    for argument in re.split(r',', arguments):
        words = re.findall(r'\w+', argument)
        if words and words != ['void'] and words[-1] not in said:
            errors.append(f'{header}: {name}: parameter {words[-1]} is not described')


def main():
    headers = declared()
    if not headers:
        sys.exit('no public function found')
    in_map = re.findall(r'^\s+(fbk_[a-z0-9_]+);', (ROOT / 'lib/libfeedback.map').read_text(), flags=re.M)
    if in_map != sorted(headers):
        errors.append(f'map and headers differ: {sorted(set(in_map) ^ set(headers))} (or the map is not sorted)')
    nm = subprocess.run(['nm', '-D', '--defined-only', BUILD / 'lib/libfeedback.so.0'], check=True,
                        capture_output=True, text=True).stdout
    exported = {line.split()[-1].split('@')[0] for line in nm.splitlines()} - {'FEEDBACK_0.1'}
    if exported != set(headers):
        errors.append(f'exports and headers differ: {sorted(exported ^ set(headers))}')
    umbrella = (ROOT / 'include/feedback/feedback.h').read_text()
    for header in sorted((ROOT / 'include/feedback').glob('*.h')):
        if header.name not in ('feedback.h', 'version.h') and f'<feedback/{header.name}>' not in umbrella:
            errors.append(f'feedback.h does not include {header.name}')
    pages = {p.name: p.read_text() for p in sorted((ROOT / 'man').glob('*.3'))}
    for name, header in headers.items():
        page = f'fbk_{header[:-2]}.3'
        if f'.Nm {name}' not in pages.get(page, ''):
            errors.append(f'man/{page} has no .Nm {name}')
    print('\n'.join(errors))
    sys.exit(1 if errors else 0)


main()
