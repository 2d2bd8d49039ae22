# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A scene for tests: a textured blob that moves over a fixed ground, one pixel an image."""

from __future__ import annotations

import numpy as np

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.thermal_image import ThermalImage

WIDTH, HEIGHT = 96, 72
SIDE = 12
_BLOB = np.random.default_rng(1).integers(120, 255, (SIDE, SIDE), np.uint8)
_GROUND = np.random.default_rng(2).integers(0, 60, (HEIGHT, WIDTH), np.uint8)


def truth(number: int) -> Box:
    """Return where the blob is in image `number`."""
    return Box(20 + number % 40, 30, SIDE, SIDE)


def scene(number: int, stamp: int | None = None, width: int = WIDTH) -> ThermalImage:
    """Make image `number` of a blob that moves one pixel an image, at 10 Hz from 1 s on."""
    pixels = np.resize(_GROUND, (HEIGHT, width)).copy()
    box = truth(number)
    pixels[int(box.y) : int(box.y) + SIDE, int(box.x) : int(box.x) + SIDE] = _BLOB
    return ThermalImage(pixels, at(number) if stamp is None else stamp)


def at(number: int) -> int:
    """Return the stamp of image `number`."""
    return 10**9 + number * 10**8


def second(number: int) -> Box:
    """Return where the second blob of `two` is in image `number`."""
    box = truth(number)
    return Box(box.x + 30, box.y - 20, SIDE, SIDE)


def two(number: int) -> ThermalImage:
    """Make image `number` with a second blob, which is the first one turned upside down."""
    image, box = scene(number), second(number)
    rows, columns = slice(int(box.y), int(box.y) + SIDE), slice(int(box.x), int(box.x) + SIDE)
    image.pixels[rows, columns] = _BLOB[::-1, : image.width - int(box.x)]
    return image
