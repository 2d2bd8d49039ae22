# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where to look for a target that was lost, and when to believe that it was found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
import math

from ..geometry import Box
from .states import Thresholds
from .track import Estimate

PLACES = 2
"""Places looked at in each image, beside the one that is followed: three times the work."""
_PLACES_IN_SWEEP = 1000
"""Places, about, after which a sweep has been everywhere in the image: 17 s at 30 Hz."""
_NEAR = 7
"""Steps to each side of a small target that are not made coarser."""


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
            self.places = _sweeps(self.seen, shape, step)
        return next(self.places)

    def _see(self, box: Box) -> None:
        self.seen, self.low_scores, self.places = box, 0, None


def _sweeps(box: Box, shape: tuple[int, int], step: float) -> Iterator[Box]:
    """
    Sweep the image of `shape` (H, W) again and again, in steps of so many pixels.

    For a target so small that a sweep would take too many places, each sweep goes over its
    surroundings in these steps and over the image in some multiple of them. It leaves gaps, and
    the next one is shifted, until there is no place that has not been looked at.
    """
    times = math.ceil(math.sqrt(math.prod(shape) / _PLACES_IN_SWEEP) / step)
    while times <= 1:
        yield from _outwards(box, shape, step)
    # The shifts go along the diagonals, which spreads the first of them best.
    for number in count():
        yield from _outwards(box, shape, step, most=_NEAR)
        diagonal, place = divmod(number, times)
        shift = place * step, (diagonal + place) % times * step
        yield from _outwards(box, shape, times * step, shift)


def _outwards(
    box: Box,
    shape: tuple[int, int],
    step: float,
    shift: tuple[float, float] = (0.0, 0.0),
    most: float = math.inf,
) -> list[Box]:
    """
    List boxes of the same size on a grid over the image, the nearest to `box` first.

    shift: of the grid, pixels. most: steps from `box` that the grid reaches to each side.
    """
    height, width = shape
    x, y = min(max(box.cx, 0.0), width), min(max(box.cy, 0.0), height)
    columns = _along(x + shift[0], width, step, most)
    rows = _along(y + shift[1], height, step, most)
    centres = [(cx, cy) for cx in columns for cy in rows]
    centres.sort(key=lambda centre: math.dist(centre, (x, y)))
    return [Box.from_center(*centre, box.w, box.h) for centre in centres]


def _along(start: float, length: int, step: float, most: float) -> list[float]:
    """List `start` and all that is up to `most` steps away, until 0..length is covered."""
    before, after = math.ceil(start / step - 0.5), math.ceil((length - start) / step - 0.5)
    first, last = -int(min(before, most)), int(min(after, most))
    return [min(max(start + i * step, 0.0), length) for i in range(first, last + 1)]
