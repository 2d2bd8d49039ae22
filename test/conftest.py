# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What all tests share: their own corner of the ROS graph, and no time limits on a loaded CPU."""

from __future__ import annotations

from fnmatch import fnmatch
from importlib.util import find_spec
import logging
import os
from pathlib import Path

import hypothesis
import pytest

from tir_tracker_ros.nodes.harness.isolation import isolated_environment

# Inherited by every process that a test starts.
os.environ.update(isolated_environment())
# Two threads of torch wait for each other where other work wants the cores, and gain little.
os.environ.setdefault('OMP_NUM_THREADS', '1')

hypothesis.settings.register_profile('tests', deadline=None, derandomize=True)
hypothesis.settings.load_profile('tests')

# launch, where pytest loads it, makes every new logger one that caplog does not hear.
LAUNCH_LOGGER = logging.getLoggerClass()
ROOT = Path(__file__).resolve().parents[1]
logging.setLoggerClass(logging.Logger)
for path in ROOT.glob('tir_tracker_ros/**/*.py'):
    logging.getLogger('.'.join(path.relative_to(ROOT).with_suffix('').parts))
logging.setLoggerClass(LAUNCH_LOGGER)

NEEDS = {
    'rclpy': ['test_node*.py', 'test_player*.py', 'test_demo.py', 'test_desk.py'],
    'launch_pytest': ['test_launch*.py'],
    'lightning': ['test_training*.py'],
    'matplotlib': ['test_evaluate_command.py'],
    'got10k': ['test_metrics_got10k.py'],
    'playwright': ['test_node_browser.py'],
}
ON_THE_GRAPH = NEEDS['rclpy'] + NEEDS['launch_pytest']
absent = [module for module in NEEDS if find_spec(module) is None]
collect_ignore_glob = [pattern for module in absent for pattern in NEEDS[module]]


def pytest_report_header() -> list[str]:
    """Say which tests are left out on this machine, and why."""
    return [f'without {module}: {" ".join(NEEDS[module])} left out' for module in absent]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs ROS 2 `node`, so that it can be run again on another middleware."""
    for item in items:
        if any(fnmatch(item.path.name, pattern) for pattern in ON_THE_GRAPH):
            item.add_marker('node')
