# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Axis-aligned boxes and their algebra, in pixels, 0-based, as `x, y, w, h` floats."""

from __future__ import annotations

from dataclasses import astuple, dataclass
import math

import numpy as np


@dataclass(frozen=True)
class Box:
    """
    An axis-aligned box: left, top, width and height in pixels.

    Coordinates are continuous: pixel column `c` covers `[c, c + 1)`, so a box around the whole
    of a `width x height` image is `Box(0, 0, width, height)`.
    """

    x: float
    y: float
    w: float
    h: float

    @classmethod
    def from_center(cls, cx: float, cy: float, w: float, h: float) -> Box:
        """Make a box from its centre and size, all in pixels."""
        return cls(cx - w / 2, cy - h / 2, w, h)

    @classmethod
    def parse(cls, text: str) -> Box:
        """
        Read `x,y,w,h` (commas, tabs or spaces between four numbers).

        Raises ValueError, naming the text, when there are not four numbers.
        """
        parts = text.replace(',', ' ').split()
        try:
            values = [float(part) for part in parts]
        except ValueError:
            values = []
        if len(values) != 4:
            raise ValueError(f"box '{text}' is not four numbers 'x,y,w,h'")
        return cls(*values)

    @property
    def cx(self) -> float:
        """Horizontal centre in pixels."""
        return self.x + self.w / 2

    @property
    def cy(self) -> float:
        """Vertical centre in pixels."""
        return self.y + self.h / 2

    @property
    def area(self) -> float:
        """Area in square pixels; 0 for a box without size."""
        return max(self.w, 0.0) * max(self.h, 0.0)

    def is_finite(self) -> bool:
        """Tell whether all four numbers are finite."""
        return all(math.isfinite(value) for value in self)

    def __iter__(self):
        """Iterate over x, y, w, h."""
        return iter(astuple(self))

    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0..1; 0 where either has no size."""
        return float(iou(np.array([tuple(self)]), np.array([tuple(other)]))[0])

    def clipped(self, width: float, height: float) -> Box:
        """Return the part inside a `width x height` image; its size is 0 where none is."""
        left, top = min(max(self.x, 0.0), width), min(max(self.y, 0.0), height)
        right = min(max(self.x + self.w, 0.0), width)
        bottom = min(max(self.y + self.h, 0.0), height)
        return Box(left, top, max(right - left, 0.0), max(bottom - top, 0.0))

    def scaled(self, factor: float) -> Box:
        """Return a box with the same centre and `factor` times the size."""
        return Box.from_center(self.cx, self.cy, self.w * factor, self.h * factor)


def corners(box: Box, theta: float = 0.0) -> np.ndarray:
    """
    Return the corners of a box that is turned about its centre by `theta`, radians.

    `4 x 2`, x and y: those that are upper left, upper right, lower right and lower left before it
    is turned. A positive angle turns clockwise in the image.
    """
    cos, sin = math.cos(theta), math.sin(theta)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (box.w / 2, box.h / 2)
    return half @ np.array([[cos, sin], [-sin, cos]]) + (box.cx, box.cy)


def hull(box: Box, theta: float) -> Box:
    """Return the axis-aligned box around one that is turned about its centre by `theta`."""
    cos, sin = abs(math.cos(theta)), abs(math.sin(theta))
    return Box.from_center(box.cx, box.cy, box.w * cos + box.h * sin, box.w * sin + box.h * cos)


def context_side(box: Box) -> float:
    """Side `s_z` of the square around a box with half its mean side as context all around."""
    context = (box.w + box.h) / 2
    return math.sqrt((box.w + context) * (box.h + context))


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """
    Intersection over union of paired boxes.

    Both arrays are `N x 4` (`x, y, w, h`); the result has N values in 0..1. A pair in which a box
    has no size or is not finite gives 0.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    with np.errstate(invalid='ignore', over='ignore'):
        low = np.maximum(first[:, :2], second[:, :2])
        high = np.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
        overlap = np.prod(np.clip(high - low, 0, None), axis=1)
        areas = [np.prod(np.clip(boxes[:, 2:], 0, None), axis=1) for boxes in (first, second)]
        union = areas[0] + areas[1] - overlap
        good = np.isfinite(union) & np.isfinite(overlap) & (areas[0] > 0) & (areas[1] > 0)
        return np.clip(np.where(good, overlap / np.where(good, union, 1.0), 0.0), 0.0, 1.0)
