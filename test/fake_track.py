# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`tir-tracker track` with a tracker that needs neither torch nor weights; a process for tests."""

from __future__ import annotations

import sys

from fake_tracker import FakeTracker

from tir_tracker_ros import cli
from tir_tracker_ros.commands import following

if __name__ == '__main__':
    following.load_tracker = lambda *settings: FakeTracker()
    sys.exit(cli.main(['track', *sys.argv[1:]]))
