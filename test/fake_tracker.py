# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A tracker for tests: normalised cross-correlation with a fixed template; no torch needed."""

from __future__ import annotations

import cv2
import numpy as np

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.tracking.tracker import Estimate


class FakeTracker:
    """Find the template of the init image by normalised cross-correlation near its last place."""

    name = 'fake'
    class_name = ''

    def __init__(self, reach: int = 24) -> None:
        self.reach = reach
        self.calls: list[str] = []
        self._box = Box(0, 0, 1, 1)
        self._template = np.zeros((1, 1), np.float32)

    def warm_up(self) -> None:
        """Do nothing; a network would run two dummy frames."""

    def init(self, image: np.ndarray, box: Box) -> None:
        """Take the template from `box`."""
        self.calls.append('init')
        inside = _inside(box, image, 0)
        self._box = box
        self._template = np.ascontiguousarray(image[inside])

    def update(self, image: np.ndarray) -> Estimate:
        """Find the template within `reach` pixels around the last box."""
        self.calls.append('update')
        rows, columns = _inside(self._box, image, self.reach)
        search = np.ascontiguousarray(image[rows, columns])
        height, width = self._template.shape
        if search.shape[0] < height or search.shape[1] < width:
            return Estimate(self._box, 0.0)
        response = cv2.matchTemplate(search, self._template, cv2.TM_CCOEFF_NORMED)
        response = np.nan_to_num(response, posinf=0.0, neginf=0.0)
        row, column = np.unravel_index(int(response.argmax()), response.shape)
        box = Box(float(columns.start + column), float(rows.start + row), self._box.w, self._box.h)
        score = float(np.clip(response[row, column], 0, 1))
        if score > 0:
            self._box = box
        area = Box(columns.start, rows.start, search.shape[1], search.shape[0])
        return Estimate(self._box, score, response, area)


def _inside(box: Box, image: np.ndarray, margin: int) -> tuple[slice, slice]:
    height, width = image.shape
    left, top = round(box.x) - margin, round(box.y) - margin
    right = round(box.x + box.w) + margin
    bottom = round(box.y + box.h) + margin
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))
