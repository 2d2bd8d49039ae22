# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The programs `tracker`, `player`, `viewer` and `warm_detector`.

They import little before a signal can end them as the system does, without a trace back: the
imports of a node take a second and more, and only then does it take signals itself.
"""

from __future__ import annotations

from importlib import import_module
import signal
from typing import Any


def tracker() -> None:
    """Run the tracker node."""
    _run('tracker_node')


def player() -> int:
    """Run the bag player node and return the exit status."""
    return _run('player_node')


def viewer() -> int:
    """Run the node with the web page and return the exit status."""
    return _run('viewer_node')


def warm_detector() -> None:
    """Run the stand-in for a detector."""
    _run('warm_detector_node')


def _run(module: str) -> Any:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return import_module(f'{__package__}.{module}').main()
