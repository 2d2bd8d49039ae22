#!/usr/bin/env python3
# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Put the real rclpy and vision_msgs into the virtual environment whose Python runs this.

Running it again does nothing until one of the files of this folder changes. README.md beside it
says why and how. Exits with 1 and one message when this machine lacks something.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile

HERE = Path(__file__).resolve().parent
PREFIX = Path(sys.prefix)
STAMP = PREFIX / 'share' / 'desk.stamp'
PYTHONS = ((3, 10), (3, 13))
GLIBC = (2, 28)


def missing() -> list[str]:
    """Return what keeps this machine from having the desk, each with its remedy; [] if nothing."""
    version = sys.version_info[:2]
    found = f'{platform.system()} {platform.machine()}, CPython {version[0]}.{version[1]}'
    libc, number = platform.libc_ver()
    glibc = tuple(int(part) for part in number.split('.')[:2]) if libc == 'glibc' else (0, 0)
    if (
        (platform.system(), platform.machine()) != ('Linux', 'x86_64')
        or not PYTHONS[0] <= version <= PYTHONS[1]
        or glibc < GLIBC
    ):
        return [
            f'there are no rclpy wheels for this platform ({found}), only for x86_64 Linux with '
            'glibc 2.28 or newer and CPython 3.10 to 3.13: install ROS 2 itself and source it, '
            'or choose another Python with `make PYTHON=python3.12 ...`'
        ]
    reasons = []
    if sys.prefix == sys.base_prefix:
        reasons.append('this Python is in no virtual environment: use `make desk`')
    compilers = [os.environ.get('CC', 'cc'), os.environ.get('CXX', 'c++')]
    absent = [name for name in compilers if not shutil.which(name.split()[0])]
    if absent:
        reasons.append(
            f'no compiler {" and ".join(absent)}: `apt install gcc g++` (Debian, Ubuntu) or '
            '`dnf install gcc gcc-c++` (Fedora)'
        )
    headers = Path(sysconfig.get_path('include'), 'Python.h')
    if not headers.exists():
        reasons.append(
            f'no headers of this Python ({headers}): `apt install python{version[0]}.{version[1]}'
            '-dev` (Debian, Ubuntu) or `dnf install python3-devel` (Fedora)'
        )
    return reasons


def fingerprint() -> str:
    """Return a digest of everything that decides what gets installed."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(path for path in HERE.rglob('*') if path.is_file()):
        if path.suffix != '.pyc':
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def run(*command: str | Path, **environment: str) -> None:
    """Run a command quietly; raises RuntimeError with the end of its output when it fails."""
    result = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode:
        tail = '\n'.join(result.stdout.splitlines()[-30:])
        words = ' '.join(str(word) for word in command)
        raise RuntimeError(f'`{words}` failed with status {result.returncode}:\n{tail}')


def install_wheels() -> None:
    """Install the pinned wheels, then whatever they share with the tracker and is not there."""
    pip = (sys.executable, '-m', 'pip', 'install', '--quiet')
    run(*pip, '--no-deps', '--require-hashes', '-r', HERE / 'requirements.txt')
    run(*pip, '-r', HERE / 'requirements.in')


def build_messages() -> None:
    """Configure, build and install vision_msgs; the environment is an ament prefix itself."""
    programs = PREFIX / 'bin'
    environment = {
        'AMENT_PREFIX_PATH': str(PREFIX),
        'PATH': f'{programs}{os.pathsep}{os.environ["PATH"]}',
    }
    with tempfile.TemporaryDirectory(prefix='vision_msgs-') as build:
        run(
            programs / 'cmake',
            '-GNinja',
            f'-S{HERE / "vision_msgs"}',
            f'-B{build}',
            '-DCMAKE_BUILD_TYPE=Release',
            f'-DCMAKE_MAKE_PROGRAM={programs / "ninja"}',
            f'-DCMAKE_PREFIX_PATH={PREFIX}',
            f'-DCMAKE_INSTALL_PREFIX={PREFIX}',
            f'-DPython3_EXECUTABLE={sys.executable}',
            **environment,
        )
        run(programs / 'cmake', '--build', build, '--target', 'install', **environment)


def main() -> int:
    """Install what is not there yet; returns the exit status."""
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    reasons = missing()
    if reasons:
        print('desk: ' + '\ndesk: '.join(reasons), file=sys.stderr)
        return 1
    try:
        print('desk: installing the pinned rclpy wheels', flush=True)
        install_wheels()
        print('desk: building vision_msgs', flush=True)
        build_messages()
    except RuntimeError as error:
        print(f'desk: {error}', file=sys.stderr)
        return 1
    STAMP.parent.mkdir(parents=True, exist_ok=True)
    STAMP.write_text(wanted)
    print(f'desk: rclpy and vision_msgs are in {PREFIX}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
