#!/usr/bin/env python3
# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Make a virtual environment on top of the Python that runs this, that of a sourced ROS 2.

It sees all that this Python sees and can be added to without changing the ROS 2. Its file
constraints.txt is for pip: the messages are compiled against the numpy that is there, and colcon
needs setuptools below 80.
"""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys
import sysconfig

import numpy


def main(folder: Path) -> None:
    """Make the environment in `folder`."""
    # To venv, only the packages beside the interpreter proper are the "system's"; a ROS 2 that
    # lies in a virtual environment is reached by a path file.
    nested = sys.prefix != sys.base_prefix
    options = [] if nested else ['--system-site-packages']
    subprocess.run([sys.executable, '-m', 'venv', *options, folder], check=True)
    if nested:
        ask = 'import sysconfig; print(sysconfig.get_path("purelib"))'
        site = subprocess.check_output([folder / 'bin' / 'python', '-c', ask], text=True).strip()
        below = sysconfig.get_path('purelib')
        Path(site, 'zz_below.pth').write_text(f'import site; site.addsitedir({below!r})\n')
    constraints = f'numpy=={numpy.__version__}\nsetuptools<80\n'
    (folder / 'constraints.txt').write_text(constraints)


if __name__ == '__main__':
    main(Path(sys.argv[1]))
