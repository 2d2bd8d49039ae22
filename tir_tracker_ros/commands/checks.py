# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker checks`: what this machine has, line by line, for a first look and for reports."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib import import_module, metadata
import os
from pathlib import Path
import platform
import sys

from .. import __version__
from .packages import advice, opencv_advice, opencv_wheels


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `checks`: none."""


def run(arguments: Namespace) -> int:
    """Print one line for each part; returns 1 when something that tracking needs is missing."""
    print(f'tir_tracker_ros {__version__}')
    print(f'Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} CPUs')
    needed = [_tell(name, check) for name, check in NEEDED.items()]
    for name, check in OPTIONAL.items():
        _tell(name, check)
    return 0 if all(needed) else 1


def _tell(name: str, check: Callable[[], str]) -> bool:
    try:
        print(f'  ok   {name}: {check()}')
    except Exception as error:  # a broken package may raise anything, and the rest is told, too
        print(f'  none {name}: {"; ".join(filter(None, (str(error), advice(error))))}')
        return False
    return True


def _version(module: str) -> str:
    return str(import_module(module).__version__)


def _opencv() -> str:
    wheels = opencv_wheels()
    version = _version('cv2')
    if len(wheels) > 1:
        raise ValueError(f'{version}, but {opencv_advice()}')
    return f'{version} ({wheels[0] if wheels else "of the system"})'


def _torch() -> str:
    torch = import_module('torch')
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f'{torch.__version__}, {torch.get_num_threads()} threads, {devices or "no CUDA device"}'


def _weights() -> str:
    zoo = import_module('tir_tracker_ros.models.zoo')
    found = sorted(zoo.SHIPPED.glob('*.safetensors'))
    if not found:
        raise FileNotFoundError(f'no file in {zoo.SHIPPED}')
    return ', '.join(f'{zoo.read_weights(path)[0]} (checksum matches)' for path in found)


def _ros() -> str:
    import_module('vision_msgs.msg')
    rclpy = import_module('rclpy')
    where = Path(sys.modules['rclpy'].__file__ or '').parents[1]
    rmw = rclpy.get_rmw_implementation_identifier()
    return f'{os.environ.get("ROS_DISTRO", "not sourced: the wheels of desk/")}, {rmw}, in {where}'


NEEDED = {
    'numpy': lambda: _version('numpy'),
    'OpenCV': _opencv,
    'torch': _torch,
    'safetensors': lambda: _version('safetensors'),
    'weights': _weights,
}
OPTIONAL = {
    'PyAV, for 16-bit video': lambda: _version('av'),
    'rosbags, for bags': lambda: metadata.version('rosbags'),
    'aiohttp, for the web page': lambda: _version('aiohttp'),
    'ROS 2, for the node': _ros,
    'launch': lambda: import_module('launch_ros').__name__ and metadata.version('launch_ros'),
    'lightning, for training': lambda: _version('lightning'),
    'matplotlib, for plots': lambda: _version('matplotlib'),
}
