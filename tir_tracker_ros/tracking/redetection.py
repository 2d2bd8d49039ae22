# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where to look for a target that was lost, and when to believe that it was found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
import math

from ..geometry import Box
from .states import Thresholds
from .track import Estimate

PLACES = 2
"""Places looked at in each image, beside the one that is followed: three times the work."""


@dataclass
class Redetection:
    """A search of the whole image for one lost target, outwards from where it was seen last."""

    seen: Box
    """The last box that was not lost."""
    low_scores: int = 0
    places: Iterator[Box] | None = None

    def judge(self, estimate: Estimate, thresholds: Thresholds) -> None:
        """Take note of where the target is followed and of how sure one may be of that."""
        if estimate.score < thresholds.search_below:
            self.low_scores += 1
        else:
            self._see(estimate.box)

    def believes(self, estimate: Estimate, thresholds: Thresholds) -> bool:
        """Tell whether what was found in another place is the target; then it is seen again."""
        found = estimate.score >= thresholds.found_elsewhere_above
        if found:
            self._see(estimate.box)
        return found

    def searching(self, thresholds: Thresholds) -> bool:
        """Tell whether the target is lost, so that it is looked for elsewhere."""
        return self.low_scores >= thresholds.search_after

    def next_place(self, shape: tuple[int, int], step: float) -> Box:
        """
        Return the next box to look around in an image of `shape` (H, W).

        step: pixels from one place to the next; no more than a look at one of them covers.
        """
        if self.places is None:
            self.places = cycle(_outwards(self.seen, shape, step))
        return next(self.places)

    def _see(self, box: Box) -> None:
        self.seen, self.low_scores, self.places = box, 0, None


def _outwards(box: Box, shape: tuple[int, int], step: float) -> list[Box]:
    """List boxes of the same size on a grid over the image, the nearest to `box` first."""
    height, width = shape
    x, y = min(max(box.cx, 0.0), width), min(max(box.cy, 0.0), height)
    centres = [(cx, cy) for cx in _along(x, width, step) for cy in _along(y, height, step)]
    centres.sort(key=lambda centre: math.dist(centre, (x, y)))
    return [Box.from_center(*centre, box.w, box.h) for centre in centres]


def _along(start: float, length: int, step: float) -> list[float]:
    """List `start` and all that is a multiple of `step` away, until 0..length is covered."""
    before, after = math.ceil(start / step - 0.5), math.ceil((length - start) / step - 0.5)
    return [min(max(start + i * step, 0.0), length) for i in range(-before, after + 1)]
