# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A warm patch that wanders over a textured background: the smallest scene worth following."""

from __future__ import annotations

import cv2
import numpy as np

from tir_tracker_ros.geometry import Box
from tir_tracker_ros.imaging.thermal_image import ThermalImage

PERIOD = 50_000_000
"""Nanoseconds between two images."""


def tiny_scene(
    frames: int = 12, bits: int = 16, size: tuple[int, int] = (96, 72)
) -> tuple[list[ThermalImage], list[Box]]:
    """Return images (stamps start at one second) and the true boxes."""
    width, height = size
    random = np.random.default_rng(5)
    background = cv2.GaussianBlur(random.normal(0, 1, (height, width)), (0, 0), 3) * 400
    target = cv2.GaussianBlur(random.normal(0, 1, (14, 10)), (0, 0), 1) * 400 + 600
    images, boxes = [], []
    for index in range(frames):
        box = Box(20 + 3 * index, 25 + index, 10, 14)
        counts = 7000 + background + random.normal(0, 5, background.shape)
        counts[int(box.y) : int(box.y) + 14, int(box.x) : int(box.x) + 10] += target
        pixels = counts.astype(np.uint16)
        if bits == 8:
            pixels = np.clip((counts - 6000) / 10, 0, 255).astype(np.uint8)
        encoding = 'mono8' if bits == 8 else 'mono16'
        images.append(ThermalImage(pixels, 10**9 + index * PERIOD, encoding))
        boxes.append(box)
    return images, boxes
