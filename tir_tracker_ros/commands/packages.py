# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which package is missing or broken behind an error, and what to install."""

from __future__ import annotations

from importlib import metadata
import traceback

OPENCV = 'opencv-contrib-python-headless'
EXTRAS = {
    'distributed': 'dask',
    'lightning': 'train',
    'matplotlib': 'eval',
    'pydantic': 'train',
    'tensorboard': 'train',
}
"""Packages that come with an extra of this one."""
WHEELS = {
    'aiohttp': 'aiohttp',
    'av': 'av',
    'cv2': OPENCV,
    'numpy': 'numpy',
    'rosbags': 'rosbags',
    'safetensors': 'safetensors',
    'torch': 'torch',
    'tqdm': 'tqdm',
    'yaml': 'pyyaml',
}
"""What pip calls the packages that this one needs."""


def opencv_wheels() -> list[str]:
    """Return the names of the OpenCV wheels; more than one overwrite each other's files."""
    names = {each.metadata['Name'] or '' for each in metadata.distributions()}
    return sorted(name for name in names if name.startswith('opencv-'))


def advice(error: BaseException) -> str:
    """Say what to install against an error; empty where no package is at fault."""
    if 'pip install' in str(error):
        return ''
    name = (getattr(error, 'name', None) or '') if isinstance(error, ImportError) else ''
    package = name.partition('.')[0]
    if _is_of_opencv(error):
        return opencv_advice()
    if package in EXTRAS:
        extra = EXTRAS[package]
        return (
            f"{package} comes with the extra '{extra}': pip install '.[{extra}]' in the folder of "
            f'this package, or pip install {package}'
        )
    if package == 'rclpy' or package.endswith('_msgs'):
        return 'source a ROS 2, or use the environment that `make desk` makes'
    if package.startswith('launch'):
        return 'source a ROS 2'
    return f'install it with: pip install {WHEELS[package]}' if package in WHEELS else ''


def opencv_advice() -> str:
    """Say how to repair OpenCV."""
    wheels = opencv_wheels()
    if not wheels:
        return f'OpenCV is missing or broken; install it with: pip install {OPENCV}'
    found = (
        f'{" and ".join(wheels)} overwrite each other'
        if len(wheels) > 1
        else f'the files of {wheels[0]} are incomplete'
    )
    return f'{found}: pip uninstall {" ".join(wheels)}, then pip install {OPENCV}'


def _is_of_opencv(error: BaseException) -> bool:
    """Tell whether OpenCV cannot be imported, or was imported and lacks what it should have."""
    if isinstance(error, AttributeError):
        lacking = getattr(error.obj, '__name__', '') if error.obj is not None else ''
        if str(lacking).partition('.')[0] == 'cv2':
            return True
    if isinstance(error, ImportError) and (error.name or '').partition('.')[0] == 'cv2':
        return True
    modules = [
        frame.f_globals.get('__name__', '') for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    return any(module.partition('.')[0] == 'cv2' for module in modules)
