#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the libfeedback authors
# SPDX-License-Identifier: Apache-2.0
"""A program of somebody else: installs the library into an empty place and builds against it with
`pkg-config --cflags --libs feedback` alone; shared and static, C and C++. Checks the SONAME and that the
program needs nothing but libfeedback and the C library."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get('FEEDBACK_SOURCE_ROOT', pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get('FEEDBACK_BUILD_ROOT', ROOT / 'build/gcc'))
SOURCE = ROOT / 'tests/abi/downstream.c'


def out(*command, env=None):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(f'{command}: {done.stdout}{done.stderr}')
    return done.stdout


def main():
    with tempfile.TemporaryDirectory() as where:
        stage = pathlib.Path(where) / 'stage'
        out('meson', 'install', '-C', BUILD, '--no-rebuild', '--destdir', stage, '--quiet')
        pc = next(stage.rglob('feedback.pc'))
        library = next(stage.rglob('libfeedback.so'))
        env = dict(os.environ, PKG_CONFIG_LIBDIR=str(pc.parent) + ':' + out(
            'pkg-config', '--variable', 'pc_path', 'pkg-config').strip(), PKG_CONFIG_SYSROOT_DIR=str(stage))
        flags = out('pkg-config', '--cflags', '--libs', 'feedback', env=env).split()
        assert not any('sqlite' in f or 'zstd' in f or 'blas' in f for f in flags if f.startswith('-l')), f'over-linked: {flags}'
        # The sysroot prefixes every -I and -L of the static list too; those of the system stay as they are.
        static = [f.replace(str(stage), '') if not pathlib.Path(f[2:]).exists() else f for f in out(
            'pkg-config', '--static', '--cflags', '--libs', 'feedback', env=env).split()]
        static = ['-l:libfeedback.a' if f == '-lfeedback' else f for f in static]
        for compiler, links in (('gcc', flags), ('g++', flags), ('gcc', static)):
            binary = pathlib.Path(where) / 'program'
            language = ['-x', 'c++'] if compiler == 'g++' else []
            out(compiler, *language, '-Wall', '-Wextra', '-Werror', SOURCE, *(['-x', 'none'] if language else []),
                '-o', binary, *links)
            said = out(binary, pathlib.Path(where) / 'shop.fbk', env=dict(env, LD_LIBRARY_PATH=str(library.parent)))
            assert said.startswith('libfeedback '), said
            for left in pathlib.Path(where).glob('shop.fbk*'):
                left.unlink()
            if links is flags:
                needed = out('readelf', '-d', binary)
                assert 'libfeedback.so.0' in needed, needed
                assert 'libsqlite3' not in needed, needed
        assert 'libfeedback.so.0]' in out('readelf', '-d', library)
        for wanted in ('include/feedback/feedback.h', 'include/feedback/version.h', 'man/man3/fbk_base.3'):
            assert list(stage.rglob(f'*{pathlib.Path(wanted).name}*')), f'{wanted} is not installed'
    assert shutil.which('pkg-config')


main()
