# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A tracker for tests: normalised cross-correlation with a fixed template; no torch needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.tracking.track import Estimate, Mask, Track


@dataclass
class FakeTrack(Track):
    """A target and what it looked like."""

    template: np.ndarray = field(default_factory=lambda: np.zeros((1, 1), np.float32))


class FakeTracker:
    """Find the template of the first image by normalised cross-correlation near its last place."""

    name = 'fake'
    device = 'cpu'

    def __init__(self, reach: int = 24) -> None:
        self.reach = reach

    def warm_up(self) -> None:
        """Do nothing; a network would run on two dummy images."""

    def start(self, image: np.ndarray, box: Box) -> FakeTrack:
        """Take the template from `box`."""
        return FakeTrack(box, template=np.ascontiguousarray(image[_inside(box, image, 0)]))

    def update(self, image: np.ndarray, tracks: Sequence[FakeTrack]) -> list[Estimate]:
        """Find the templates within `reach` pixels around the last boxes."""
        return [self._find(image, track) for track in tracks]

    def _find(self, image: np.ndarray, track: FakeTrack) -> Estimate:
        rows, columns = _inside(track.box, image, self.reach)
        search = np.ascontiguousarray(image[rows, columns])
        height, width = track.template.shape
        if search.shape[0] < height or search.shape[1] < width:
            return Estimate(track.box, 0.0)
        response = cv2.matchTemplate(search, track.template, cv2.TM_CCOEFF_NORMED)
        response = np.nan_to_num(response, posinf=0.0, neginf=0.0)
        row, column = np.unravel_index(int(response.argmax()), response.shape)
        box = Box(float(columns.start + column), float(rows.start + row), track.box.w, track.box.h)
        score = float(np.clip(response[row, column], 0, 1))
        if score > 0:
            track.box = box
        area = Box(columns.start, rows.start, search.shape[1], search.shape[0])
        return Estimate(track.box, score, response, area)


class MaskTracker(FakeTracker):
    """A fake tracker whose masks are the boxes, turned by `theta`; `drawn` counts them."""

    def __init__(self, theta: float = 0.5) -> None:
        super().__init__()
        self.theta, self.drawn = theta, 0

    def update(self, image: np.ndarray, tracks: Sequence[FakeTrack]) -> list[Estimate]:
        """Find the templates, and tell what would be drawn."""
        return [
            replace(one, theta=self.theta, mask=Mask(lambda box=one.box: self._draw(image, box)))
            for one in super().update(image, tracks)
        ]

    def _draw(self, image: np.ndarray, box: Box) -> np.ndarray:
        self.drawn += 1
        mask = np.zeros(image.shape, bool)
        mask[_inside(box, image, 0)] = True
        return mask


def _inside(box: Box, image: np.ndarray, margin: int) -> tuple[slice, slice]:
    height, width = image.shape
    left, top = round(box.x) - margin, round(box.y) - margin
    right = round(box.x + box.w) + margin
    bottom = round(box.y + box.h) + margin
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))
