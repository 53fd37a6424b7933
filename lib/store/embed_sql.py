#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""Turn schema_v<N>.sql into a C file with the text as constants: embed_sql.py OUT IN..."""
import pathlib
import sys

out, *paths = sys.argv[1:]
lines = ['/* Made by embed_sql.py; do not edit. */', '#include "store/schema.h"', '']
for path in map(pathlib.Path, paths):
    lines.append(f'const char fbk__{path.stem}[] =')
    for line in path.read_text().splitlines():
        if line.strip() and not line.lstrip().startswith('--'):
            quoted = line.replace('\\', '\\\\').replace('"', '\\"')
            lines.append(f'    "{quoted}\\n"')
    lines[-1] += ';'
pathlib.Path(out).write_text('\n'.join(lines) + '\n')
