# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Proposes a box around the warm or cold object at a place in a thermal image."""

from __future__ import annotations

import cv2
import numpy as np

from ..geometry import Box

_REACH = 0.5
"""Largest side of an object, as a share of the shorter side of the image."""
_LEVELS = np.linspace(0.25, 0.8, 12)
"""Limits of the region that are tried, between the surroundings (0) and the place (1)."""
_SMALLEST_CONTRAST = 3.0
"""Contrast of an object to its surroundings, in standard deviations of the noise."""


def propose_box(image01: np.ndarray, x: float, y: float) -> Box | None:
    """
    Find the object that stands out, warm or cold, from its surroundings at a place.

    The region grows from the pixel at `x`, `y` (pixels of the `H x W` image, 0..1) over all
    connected pixels on its side of a limit. Of several limits between surroundings and place, the
    one whose region has the sharpest border is taken. Returns the bounding box of the region, or
    None where nothing stands out, or what does is larger than half of the shorter side.
    Raises ValueError for a place outside of the image.
    """
    height, width = image01.shape
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f'{x:g},{y:g} is outside of the image of {width} x {height} pixels')
    largest = max(round(_REACH * min(height, width)), 3)
    column, row = int(x), int(y)
    left, top = max(column - largest, 0), max(row - largest, 0)
    part = image01[top : row + largest + 1, left : column + largest + 1]
    smooth = cv2.GaussianBlur(part, (3, 3), 0)
    at = row - top, column - left
    surroundings, place = float(np.median(smooth)), float(smooth[at])
    # A difference of neighbours holds the noise twice, and little of the scene.
    noise = float(np.median(np.abs(np.diff(smooth, axis=1)))) / 0.6745
    if abs(place - surroundings) <= max(_SMALLEST_CONTRAST * noise, 1e-6):
        return None
    relative = (smooth - surroundings) / (place - surroundings)
    best, sharpest = None, 0.0
    for level in _LEVELS:
        _, labels = cv2.connectedComponents((relative >= level).astype(np.uint8), connectivity=4)
        region = (labels == labels[at]).astype(np.uint8)
        x0, y0, w, h = cv2.boundingRect(region)
        if max(w, h) > largest:
            continue
        sharpness = _sharpness(relative, region)
        if sharpness > sharpest:
            best, sharpest = Box(float(left + x0), float(top + y0), float(w), float(h)), sharpness
    return best


def _sharpness(relative: np.ndarray, region: np.ndarray) -> float:
    """Return the mean step over the border of a region, from the pixels inside to those around."""
    kernel = np.ones((3, 3), np.uint8)
    inside = (region > 0) & (cv2.erode(region, kernel, borderValue=1) == 0)
    around = (cv2.dilate(region, kernel) > 0) & (region == 0)
    if not around.any() or not inside.any():
        return 0.0
    return float(relative[inside].mean() - relative[around].mean())
