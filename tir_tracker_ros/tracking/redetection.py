# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where to look for a target that was lost, and when to believe that it was found again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
import math

from ..geometry import Box
from .tracker import Estimate

_LOST_BELOW = 0.4
"""A score below this, images in a row, means that the target is no longer there."""
_LOST_AFTER = 5
"""Images in a row below it until the search begins."""
_FOUND_ABOVE = 0.92
"""Score from which a box elsewhere is taken for the target: a wrong one is worse than none."""
_PLACES = 2
"""Places looked at in each image, beside the one that is followed."""


class Redetection:
    """
    A search of the whole image for a lost target, outwards from where it was seen last.

    Two places an image, so that a lost target costs three times the work, not twenty.
    `seen` is the last box that was not lost.
    """

    def init(self, box: Box) -> None:
        """Begin with a target that is seen, forgetting all before."""
        self.seen = box
        self._low_scores = 0
        self._places: Iterator[Box] | None = None

    def judge(self, estimate: Estimate) -> None:
        """Take note of where the target is followed and of how sure one may be of that."""
        if estimate.score < _LOST_BELOW:
            self._low_scores += 1
        else:
            self.init(estimate.box)

    def believes(self, estimate: Estimate) -> bool:
        """Tell whether what was found in another place is the target; then it is seen again."""
        found = estimate.score >= _FOUND_ABOVE
        if found:
            self.init(estimate.box)
        return found

    def places(self, shape: tuple[int, int], step: float) -> list[Box]:
        """
        List the boxes to look around in this image `shape` (H, W); none while the target is seen.

        step: pixels from one place to the next; no more than a look at one of them covers.
        """
        if self._low_scores < _LOST_AFTER:
            return []
        if self._places is None:
            self._places = cycle(_outwards(self.seen, shape, step))
        return list(islice(self._places, _PLACES))


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
