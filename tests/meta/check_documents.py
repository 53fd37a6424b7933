#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""Man pages without a complaint from mandoc, installed and complete; links of the README that lead
somewhere; a CHANGELOG entry for each public header."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(os.environ.get('FEEDBACK_SOURCE_ROOT', pathlib.Path(__file__).resolve().parents[2]))
errors = []


def main():
    pages = sorted((ROOT / 'man').glob('*.[0-9]'))
    build = (ROOT / 'man/meson.build').read_text()
    for page in pages:
        if f"'{page.name}'" not in build:
            errors.append(f'man/{page.name} is not installed')
    if shutil.which('mandoc'):
        lint = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', *pages], capture_output=True, text=True)
        errors.extend(line for line in (lint.stdout + lint.stderr).splitlines() if line.strip())
    else:
        print('SKIP: mandoc: not installed')
    readme = (ROOT / 'README.md').read_text()
    for target in re.findall(r'\]\(([^)#]+)\)', readme):
        if '://' not in target and not (ROOT / target).exists():
            errors.append(f'README.md leads to {target}, which is not there')
    changelog = (ROOT / 'CHANGELOG.md').read_text()
    for header in sorted((ROOT / 'include/feedback').glob('*.h')):
        if header.name not in ('feedback.h', 'version.h') and f'feedback/{header.name}' not in changelog \
                and f'`{header.name}`' not in changelog:
            errors.append(f'CHANGELOG.md does not name {header.name}')
    print('\n'.join(errors))
    sys.exit(1 if errors else 0)


main()
