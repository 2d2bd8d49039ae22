# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Masks of targets in the image, and the rotated boxes around them (SiamMask, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
import math

import cv2
import numpy as np

from ..geometry import Box

_SMALLEST_AREA = 16.0
"""Area in square pixels, of the largest piece of a mask, from which a rotated box is told."""


def placed(mask: np.ndarray, area: Box, shape: tuple[int, int], above: float) -> np.ndarray:
    """
    Place a mask `T x T`, 0..1, that covers the square `area` of an image of `shape` (H, W).

    Returns `H x W` bool: where the mask, resampled bilinearly, is higher than `above`.
    """
    scale = area.w / mask.shape[1]
    matrix = np.array([[scale, 0, area.x + scale / 2 - 0.5], [0, scale, area.y + scale / 2 - 0.5]])
    return cv2.warpAffine(mask, matrix, shape[::-1], flags=cv2.INTER_LINEAR) > above


def labelled(
    masks: Sequence[np.ndarray | None], shape: tuple[int, ...], several: bool
) -> np.ndarray:
    """
    Draw the masks of all targets, `H x W` bool, into one image of `shape` (H, W), uint8.

    Pixels of the only target are 255; with `several`, those of each are its place among them,
    from 1, and the earlier one has what two share. All others are 0.
    """
    picture = np.zeros(shape, np.uint8)
    for place, mask in reversed(list(enumerate(masks, 1))):
        if mask is not None:
            picture[mask] = place if several else 255
    return picture


def rotated_box(mask: np.ndarray) -> tuple[Box, float] | None:
    """
    Compute the smallest rectangle around the largest piece of a mask `H x W` bool.

    Returns the box as it lies before it is rotated about its centre by the angle, in radians from
    -pi/4 to pi/4, clockwise in the image; None where the mask is too small to tell.
    """
    pieces, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(pieces, key=cv2.contourArea, default=None)
    if largest is None or cv2.contourArea(largest) < _SMALLEST_AREA:
        return None
    (x, y), (width, height), degrees = cv2.minAreaRect(largest)
    # Versions of OpenCV differ in the quarter turns that they count.
    turns = round(degrees / 90)
    if turns % 2:
        width, height = height, width
    degrees -= 90 * turns
    # The contour runs through the middles of pixels, of which the first covers 0..1.
    box = Box.from_center(x + 0.5, y + 0.5, width + 1, height + 1)
    return box, math.radians(degrees)
