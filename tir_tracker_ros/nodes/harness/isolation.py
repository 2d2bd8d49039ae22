# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A ROS domain of its own, on this machine only, for the demo, benchmarks and tests."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
import tempfile
from typing import IO

# Domains above 101 can meet the ports that Linux gives to outgoing connections.
DOMAINS = range(1, 102)

_locks: list[IO[str]] = []  # a domain is ours as long as its file is locked


def share_folder() -> Path:
    """
    Return the folder that holds `config/`, `launch/` and `rviz/`.

    The checkout where the package runs from one, else the share folder it was installed into.
    Raises FileNotFoundError when there is neither.
    """
    package = Path(__file__).resolve().parents[2]
    # Below an installation prefix lies lib/python3.x/site-packages/tir_tracker_ros.
    installed = [prefix / 'share' / package.name for prefix in package.parents[3:4]]
    for folder in (package.parent, *installed):
        if (folder / 'config').is_dir():
            return folder
    raise FileNotFoundError(f'{package.name} is installed without its config folder')


def claim_domain() -> int:
    """
    Return a ROS domain that no other caller on this machine has, until this process ends.

    Raises OSError when all of them are taken.
    """
    folder = Path(tempfile.gettempdir())
    start = os.getpid() % len(DOMAINS)
    for domain in (*DOMAINS[start:], *DOMAINS[:start]):
        try:
            lock = (folder / f'tir_tracker_ros.domain{domain}').open('a')
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # held by another process, or the file of another user
            continue
        _locks.append(lock)
        return domain
    raise OSError(f'all ROS domains from {DOMAINS[0]} to {DOMAINS[-1]} are in use')


def isolated_environment() -> dict[str, str]:
    """Return environment variables with which a process and its children meet no other nodes."""
    return {
        'ROS_DOMAIN_ID': str(claim_domain()),
        # The first is for Iron and later; these warn about the second, which Humble needs.
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        **({'ROS_LOCALHOST_ONLY': '1'} if os.environ.get('ROS_DISTRO') == 'humble' else {}),
        'FASTRTPS_DEFAULT_PROFILES_FILE': str(share_folder() / 'config' / 'fastdds.xml'),
    }
