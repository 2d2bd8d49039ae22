# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A tracker together with the track of one target, for tests that follow no more than one."""

from __future__ import annotations

import numpy as np

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.tracking.track import Estimate, Tracker


class OneTarget:
    """Start on a target with `start`, then find it in image after image with `update`."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker

    def start(self, image: np.ndarray, box: Box) -> None:
        """Begin to follow what `box` surrounds."""
        self.track = self.tracker.start(image, box)

    def update(self, image: np.ndarray) -> Estimate:
        """Find the target in the next image."""
        return self.tracker.update(image, [self.track])[0]
