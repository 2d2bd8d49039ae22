# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The messages on the wire are the official ones, and the desk says what a machine lacks."""

from __future__ import annotations

import importlib.util
from pathlib import Path
import sys
import time

import pytest
import rclpy
from vision_msgs.msg import Detection2D

DESK = Path(__file__).resolve().parents[1] / 'desk'
OFFICIAL = 'RIHS01_0d12b69df5c593b3455b7346fac8205437a7d4bcb09b9e0e0b2dde787ded38ea'


@pytest.fixture
def install(monkeypatch):
    """The module desk/install.py, as on a machine that has wheels."""
    spec = importlib.util.spec_from_file_location('desk_install', DESK / 'install.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.platform, 'system', lambda: 'Linux')
    monkeypatch.setattr(module.platform, 'machine', lambda: 'x86_64')
    monkeypatch.setattr(module, 'GLIBC', (0, 0))
    return module


def test_detection_has_the_official_type_hash():
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node('hash', context=context)
        node.create_publisher(Detection2D, 'detection', 1)
        end = time.monotonic() + 10
        while not node.get_publishers_info_by_topic('/detection') and time.monotonic() < end:
            time.sleep(0.01)
        (endpoint,) = node.get_publishers_info_by_topic('/detection')
        assert str(endpoint.topic_type_hash) == OFFICIAL
    finally:
        rclpy.shutdown(context=context)


def test_a_workspace_never_sees_the_desks_messages():
    assert (DESK / 'COLCON_IGNORE').exists()


def test_every_wheel_is_pinned_with_hashes():
    lines = (DESK / 'requirements.txt').read_text().split('\n')
    requirements = [line for line in lines if line and line[0].isalpha()]
    assert any(line.startswith('ros-jazzy-rclpy==') for line in requirements)
    for line in requirements:
        following = lines[lines.index(line) + 1]
        assert '==' in line and following.strip().startswith('--hash=sha256:'), line


@pytest.mark.parametrize(
    ('variable', 'value'), [('CC', 'no-such-compiler'), ('CXX', 'no-such-compiler -O2')]
)
def test_a_missing_compiler_is_named(install, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    (reason,) = [r for r in install.missing() if 'compiler' in r]
    assert 'no-such-compiler' in reason and 'apt install gcc g++' in reason


def test_missing_headers_are_named(install, monkeypatch, tmp_path):
    monkeypatch.setattr(install.sysconfig, 'get_path', lambda name: str(tmp_path))
    (reason,) = [r for r in install.missing() if 'Python.h' in r]
    assert f'python3.{sys.version_info.minor}-dev' in reason


def test_a_platform_without_wheels_is_told_to_install_ros(install, monkeypatch):
    monkeypatch.setattr(install.platform, 'machine', lambda: 'aarch64')
    (reason,) = install.missing()
    assert 'aarch64' in reason and 'install ROS 2' in reason
