# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
How the processes of `--jobs` are started, which takes as long as their imports take.

On Linux they are forked from a server that has imported what they need, once for all of them and
while this process is still reading its arguments. Elsewhere each imports for itself.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import BaseContext
import sys


def worker_context() -> BaseContext:
    """Return how processes are started; never by a plain fork, which torch's threads forbid."""
    return multiprocessing.get_context('forkserver' if sys.platform == 'linux' else 'spawn')


def start_importing(torch: bool) -> None:
    """
    Let the server import what workers need, and return at once.

    torch: whether networks will run. What cannot be imported is left to the workers, which tell
    why. A server that runs already keeps what it has imported first.
    """
    if sys.platform == 'linux':
        from multiprocessing import forkserver

        name = 'preloaded' if torch else 'parallel'
        multiprocessing.set_forkserver_preload([f'tir_tracker_ros.evaluation.{name}'])
        forkserver.ensure_running()
