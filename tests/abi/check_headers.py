#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""Each public header compiles alone, as C99, C11, C17, C++11 and C++17, without a warning, padding
included; none of them includes more than <stddef.h>, <stdint.h>, <string.h> and its own kind."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get('FEEDBACK_SOURCE_ROOT', pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get('FEEDBACK_BUILD_ROOT', ROOT / 'build/gcc'))
FLAGS = ['-pedantic', '-Wall', '-Wextra', '-Wpadded', '-Werror', '-fsyntax-only', '-I', str(ROOT / 'include'),
         '-I', str(BUILD / 'include')]
MODES = [(cc, lang, std) for cc, cxx in (('gcc', 'g++'), ('clang-14', 'clang++-14'))
         for lang, std in (('c', 'c99'), ('c', 'c11'), ('c', 'c17'), ('c++', 'c++11'), ('c++', 'c++17'))]
PLAIN = {'stddef.h', 'stdint.h', 'string.h'}
# The code of arrow.h runs in the host: it takes the host's memory and gives the codes of Arrow streams.
MORE = {'arrow.h': {'errno.h', 'stdlib.h'}}
errors = []


def main():
    with tempfile.TemporaryDirectory() as where:
        for compiler, language, standard in MODES:
            if not shutil.which(compiler):
                print(f'SKIP: {compiler} {standard}: not installed')
                continue
            # One source that includes a header twice, for each header: all in one run of the compiler.
            sources = []
            for header in sorted((ROOT / 'include/feedback').glob('*.h')):
                source = pathlib.Path(where) / (header.stem + ('.c' if language == 'c' else '.cc'))
                line = f'#include <feedback/{header.name}>\n'
                source.write_text(line + line + f'int fbk_test_{header.stem};\n')
                sources.append(str(source))
            done = subprocess.run([compiler, '-x', language, f'-std={standard}', *FLAGS, *sources],
                                  capture_output=True, text=True)
            if done.returncode:
                errors.append(f'{compiler} {standard}:\n{done.stderr}')
    for header in sorted((ROOT / 'include/feedback').glob('*.h')):
        for name in re.findall(r'#include <([^>]+)>', header.read_text()):
            if not name.startswith('feedback/') and name not in PLAIN | MORE.get(header.name, set()):
                errors.append(f'{header.name} includes <{name}>')
    print('\n'.join(errors))
    sys.exit(1 if errors else 0)


main()
