# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Installation with pip, and with colcon as ament_python."""

from __future__ import annotations

from pathlib import Path
import re

from setuptools import find_packages, setup
from setuptools.command.develop import develop

NAME = 'tir_tracker_ros'
HERE = Path(__file__).parent
VERSION = re.search(r"^__version__ = '(.+)'$", (HERE / NAME / '__init__.py').read_text(), re.M)


def share(root: str) -> list[tuple[str, list[str]]]:
    """Return all files below `root` in the form of data_files, for share/tir_tracker_ros."""
    files: dict[str, list[str]] = {}
    for path in sorted(path for path in (HERE / root).rglob('*') if path.is_file()):
        relative = path.relative_to(HERE)
        files.setdefault(f'share/{NAME}/{relative.parent}', []).append(str(relative))
    return list(files.items())


class Develop(develop):
    """What `colcon build --symlink-install` runs: scripts get the Python that `install` gives."""

    def write_script(self, script_name: str, contents: str, *args) -> None:
        python = self.get_finalized_command('build_scripts').executable
        super().write_script(script_name, re.sub('^#!.*', f'#!{python}', contents), *args)


setup(
    name=NAME,
    version=VERSION[1],
    description='Follow one chosen object in the video of a thermal camera, on ROS 2',
    license='Apache-2.0',
    maintainer='tir_tracker_ros maintainers',
    maintainer_email='tir-tracker-ros@example.org',
    python_requires='>=3.10',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={
        NAME: ['py.typed', '**/*.safetensors', '**/*.json', '**/*.yaml', 'viewer/page/*'],
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        *share('launch'),
        *share('config'),
        *share('rviz'),
    ],
    zip_safe=False,
    cmdclass={'develop': Develop},
    # torch is chosen by the user (CPU, CUDA, board) and imported where a network is needed.
    # opencv-contrib-python-headless is the one OpenCV wheel: two of them overwrite each other.
    install_requires=[
        'aiohttp>=3.8',
        'av',
        'numpy>=1.24',
        'opencv-contrib-python-headless>=4.6',
        'pyyaml',
        'rosbags>=0.11,<0.12',
        'safetensors',
        'setuptools',
        'tqdm',
    ],
    extras_require={
        'train': ['lightning', 'matplotlib', 'pydantic>=2', 'tensorboard'],
        'eval': ['matplotlib'],
        'dask': ['distributed'],
        # drives an installed chromium, for the tests of the page
        'browser': ['playwright'],
        # got10k: the peer that the evaluation's figures are held against; it forgets to name six.
        # setuptools: with 80 and newer, colcon cannot make symlinks
        'test': [
            'distributed',
            'got10k==0.1.3',
            'hypothesis',
            'matplotlib',
            'mypy',
            'pytest<8.4',
            'ruff',
            'setuptools<80',
            'six',
            'types-PyYAML',
        ],
    },
    entry_points={
        'console_scripts': [
            f'tir-tracker = {NAME}.cli:main',
            f'tracker = {NAME}.nodes.start:tracker',
            f'player = {NAME}.nodes.start:player',
            f'viewer = {NAME}.nodes.start:viewer',
            f'warm_detector = {NAME}.nodes.start:warm_detector',
            f'train = {NAME}.commands.train:main',
        ],
    },
)
