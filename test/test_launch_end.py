# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""tracker.launch.py where it ends soon: bad arguments, and a signal while the model loads."""

import os
from pathlib import Path
import re
import signal
import sys
import time

import pytest

from tir_tracker_ros.nodes.harness.isolation import claim_domain
from tir_tracker_ros.nodes.harness.process import Process

LAUNCH = Path(__file__).resolve().parents[1] / 'launch' / 'tracker.launch.py'
# The first import of torch may take long on a loaded machine.
PATIENCE = 60.0

RUN = """
import sys
from launch import LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch import LaunchDescription

source = PythonLaunchDescriptionSource(sys.argv[1])
arguments = [word.split(':=', 1) for word in sys.argv[2:]]
service = LaunchService()
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(source, launch_arguments=arguments)])
)
sys.exit(service.run())
"""
"""What `ros2 launch` does, which not every machine has."""


def launching(*arguments: str) -> Process:
    command = [sys.executable, '-c', RUN, str(LAUNCH), *arguments]
    return Process('launch', command, environment={'ROS_DOMAIN_ID': str(claim_domain())})


@pytest.mark.parametrize(
    ('argument', 'content', 'words'),
    [
        ('log_level:=loud', '', "log_level 'loud' is not one of debug, info, warn, error, fatal"),
        ('params_file:=/no/such.yaml', '', 'params_file /no/such.yaml cannot be read: No such'),
        ('params_file:={}', 'a: [', r'params_file .* is not YAML: while parsing a flow node'),
        ('params_file:={}', 'lost_after: 3', r'params_file .* holds no parameters: they stand '),
        ('params_file:={}', '', r'params_file .* holds no parameters: they stand '),
    ],
)
def test_an_argument_that_the_node_could_not_read_is_refused_in_a_line(
    argument, content, words, tmp_path
):
    file = tmp_path / 'bad.yaml'
    file.write_text(content)
    with launching(argument.format(file)) as launch:
        assert launch.wait() == 1
    (line,) = (line for line in launch.log.splitlines() if 'ERROR' in line)
    assert re.search(words, line)
    assert 'Traceback' not in launch.log and 'process started' not in launch.log


def loading(launch: Process) -> int:
    """Wait until the tracker imports torch, and return its process id."""
    end, started = time.monotonic() + PATIENCE, None
    while time.monotonic() < end:
        started = started or re.search(r'process started with pid \[(\d+)\]', launch.log)
        if started and 'libtorch' in Path('/proc', started[1], 'maps').read_text():
            return int(started[1])
        time.sleep(0.02)
    raise AssertionError(launch.log)


@pytest.mark.parametrize('who', ['node', 'both'])
def test_a_signal_ends_a_node_that_loads_its_model_at_once(who):
    """SIGTERM to the node itself, as a manager sends it, or Ctrl-C, which both of them get."""
    with launching() as launch:
        node, begin = loading(launch), time.monotonic()
        if who == 'node':
            os.kill(node, signal.SIGTERM)
        else:
            launch.send(signal.SIGINT)
            os.kill(node, signal.SIGINT)
        while Path('/proc', str(node)).exists():
            # Two seconds, but for a loaded machine; after five, launch sends another signal.
            assert time.monotonic() < begin + 5, launch.log
            time.sleep(0.02)
        assert launch.wait() == 0, launch.log
    assert 'process has finished cleanly' in launch.log
    assert 'escalating' not in launch.log
    assert launch.log.count('told to stop; did not configure') == 1
    assert 'Traceback' not in launch.log
