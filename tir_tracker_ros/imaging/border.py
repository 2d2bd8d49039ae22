# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Parts of an image that show no scene: dead or telemetry lines at its border, empty corners.

They would pull the gain's range towards values that no target has, and be repeated outwards
where a search region reaches over the border of the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

MOST_LINES = 4
"""Rows or columns at a side that may be left out without being asked for."""
_SMALLEST_SIDE = 32
"""Smaller images are taken as they are, pixels."""
_LARGEST_SHARE = 0.3
"""Empty corners that are a larger share of the image are taken for the scene."""


class Margins(NamedTuple):
    """Rows at the top and bottom and columns at the left and right of an image."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    @classmethod
    def parse(cls, text: str) -> Margins:
        """Read `top,bottom,left,right`; raises ValueError that names the text."""
        parts = text.replace(',', ' ').split()
        if len(parts) != 4 or not all(part.isdecimal() for part in parts):
            raise ValueError(f"crop '{text}' is not four whole numbers 'top,bottom,left,right'")
        return cls(*map(int, parts))

    def inside(self, pixels: np.ndarray) -> np.ndarray:
        """Return the part of `H x W` within the margins, as a view."""
        height, width = pixels.shape
        return pixels[self.top : height - self.bottom, self.left : width - self.right]


NO_MARGINS = Margins()


def without_border(pixels: np.ndarray, crop: Margins) -> np.ndarray:
    """Return `H x W` without `crop` and, unless it is small, the lines that may be telemetry."""
    inner = crop.inside(pixels)
    lines = MOST_LINES if min(inner.shape) >= _SMALLEST_SIDE else 0
    return Margins(lines, lines, lines, lines).inside(inner)


@dataclass(frozen=True)
class Outside:
    """Which pixels of an image show no scene."""

    margins: Margins = NO_MARGINS
    empty: np.ndarray | None = None
    """`H x W` bool, the empty corners; None where there are none."""
    _nearest: np.ndarray | None = None
    """For each empty pixel the index of the pixel that fills it, in the flat image."""

    def scene(self, pixels: np.ndarray, stride: int = 1) -> np.ndarray:
        """Return the pixels that show the scene, of every `stride`-th row and column, flat."""
        kept = self.margins.inside(pixels)[::stride, ::stride]
        if self.empty is None:
            return kept.ravel()
        return kept[~self.margins.inside(self.empty)[::stride, ::stride]]

    def filled(self, image01: np.ndarray) -> np.ndarray:
        """Fill what shows no scene with the nearest pixels that do, in place."""
        top, bottom, left, right = self.margins
        height, width = image01.shape
        if self.empty is not None:
            image01[self.empty] = image01.ravel()[self._nearest]
        image01[:top] = image01[top]
        image01[height - bottom :] = image01[height - bottom - 1]
        image01[:, :left] = image01[:, left, None]
        image01[:, width - right :] = image01[:, width - right - 1, None]
        return image01


def find_outside(
    pixels: np.ndarray, crop: Margins, corners: bool = True, before: Outside | None = None
) -> Outside:
    """
    Find the pixels of `H x W` that show no scene.

    Those are the margins `crop`; up to four lines at each side that are dead (constant where
    their inner neighbours are not) or far from the scene, as telemetry is; and, if `corners`, the
    empty corners of a rectified image: NaN, or one value in at least three of them. Corners
    found `before` are not searched again while they are empty, which takes much less time.
    Raises ValueError where `crop` leaves nothing.
    """
    if before is not None and before.empty is not None:
        values = pixels[before.empty]
        if (values == values[0]).all() or np.isnan(values).all():
            return before
    smallest = min(crop.inside(pixels).shape)
    if smallest <= 0:
        height, width = pixels.shape
        raise ValueError(f'crop {",".join(map(str, crop))} leaves nothing of {width} x {height}')
    if smallest < _SMALLEST_SIDE:
        return Outside(crop)
    empty = _empty_corners(pixels) if corners else None
    scene = pixels if empty is None else np.where(empty, np.float32(np.nan), pixels)
    margins = Margins(*(cut + more for cut, more in zip(crop, _dead_lines(crop.inside(scene)))))
    nearest = None if empty is None else _nearest_scene(empty, margins)
    return Outside(margins, empty, nearest)


def _dead_lines(pixels: np.ndarray) -> Margins:
    inner = pixels[MOST_LINES:-MOST_LINES:8, MOST_LINES:-MOST_LINES:8].ravel()
    inner = inner[np.isfinite(inner)]
    if not inner.size:
        return Margins()
    ends = [inner.size // 50, inner.size - 1 - inner.size // 50]
    low, high = np.partition(inner, ends)[ends].tolist()
    sides = (pixels, pixels[::-1], pixels.T, pixels.T[::-1])
    return Margins(*(_dead_at_top(side[: 2 * MOST_LINES], low, high) for side in sides))


def _dead_at_top(lines: np.ndarray, low: float, high: float) -> int:
    """Return how many of the first lines show no scene, whose values are from `low` to `high`."""
    lines = lines.astype(np.float32)
    known = np.isfinite(lines)
    if not known.all():
        lines = np.where(known, lines, np.nanmedian(lines[known]) if known.any() else 0)
    ordered = np.sort(lines, axis=1)
    count = lines.shape[1]
    spread = ordered[:, -1 - count // 8] - ordered[:, count // 8]
    steps = np.abs(np.diff(lines, axis=1)).mean(axis=1)
    inner = slice(MOST_LINES, None)
    span = max(high - low, abs(high) * 1e-6)
    far = ((lines < low - span) | (lines > high + span)).mean(axis=1) > 0.5
    # A live line has the noise of its neighbours, even where it shows an even sky.
    flat = (spread <= 0.1 * spread[inner].min()) & (steps < 0.25 * steps[inner].min())
    # Digits that jump from pixel to pixel, unlike a scene behind a lens.
    rough = (steps > 4 * steps[inner].max()) & (steps > 0.25 * span)
    bad = far | flat | rough | (known.mean(axis=1) < 0.25)
    dead = np.flatnonzero(bad[:MOST_LINES])
    return int(dead[-1]) + 1 if dead.size else 0


def _empty_corners(pixels: np.ndarray) -> np.ndarray | None:
    ends = slice(2), slice(-2, None)
    blocks = [pixels[rows, columns] for rows in ends for columns in ends]
    unknown = [bool(np.isnan(block).all()) for block in blocks]
    values = [block[0, 0].item() for block in blocks if (block == block[0, 0]).all()]
    value = max(values, key=values.count, default=0)
    if any(unknown):
        same = np.isnan(pixels)
    elif values.count(value) >= 3:
        same = pixels == value
    else:
        return None
    _, labels = cv2.connectedComponents(same.astype(np.uint8), connectivity=4)
    corners = labels[[0, 0, -1, -1], [0, -1, 0, -1]]
    empty = np.isin(labels, corners[corners > 0])
    return empty if 0 < empty.mean() <= _LARGEST_SHARE else None


def _nearest_scene(empty: np.ndarray, margins: Margins) -> np.ndarray:
    """Return, for each empty pixel, the index of the nearest one of the scene."""
    outside = np.ones(empty.shape, np.uint8)
    margins.inside(outside)[:] = margins.inside(empty)
    _, labels = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    index = np.zeros(labels.max() + 1, np.intp)
    scene = np.flatnonzero(outside == 0)
    index[labels.ravel()[scene]] = scene
    return index[labels[empty]]
