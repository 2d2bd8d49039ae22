# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""detector.launch.py: the tracker with the stand-in for a detector."""

from pathlib import Path
import runpy

from launch.actions import IncludeLaunchDescription
from launch_ros.actions import Node

from tir_tracker_ros.nodes import start

ROOT = Path(__file__).resolve().parents[1]


def test_it_starts_the_tracker_and_the_stand_in_for_a_detector():
    made = runpy.run_path(str(ROOT / 'launch' / 'detector.launch.py'))
    include, detector = made['generate_launch_description']().entities
    assert isinstance(include, IncludeLaunchDescription) and isinstance(detector, Node)
    assert callable(getattr(start, detector.node_executable))
    assert f'{detector.node_executable} = ' in (ROOT / 'setup.py').read_text()
    (_, parameters), *_ = include.launch_arguments
    assert Path(parameters) == ROOT / 'config' / 'detector.yaml'
