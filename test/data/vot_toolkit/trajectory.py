# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Write the same results with vot-toolkit in its binary and in its text form; see README.md."""

from pathlib import Path

from vot.region import Polygon, Rectangle, Special
from vot.region.io import write_trajectory

HERE = Path(__file__).parent
REGIONS = [
    Special(1),
    Rectangle(1.25, 2.5, 30, 40),
    Special(0),
    Rectangle(-3.5, 0, 17.125, 9),
    Polygon([(4.5, 1), (7, 4.25), (4.5, 7), (2, 4)]),
    Special(2),
]

for suffix in ('bin', 'txt'):
    write_trajectory(str(HERE / f'trajectory.{suffix}'), REGIONS)
