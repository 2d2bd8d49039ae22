# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tells apart new frames, repeated ones (closed shutter, stalled driver) and blank ones."""

from __future__ import annotations

from enum import Enum

import numpy as np

from .thermal_image import ThermalImage


class FrameKind(str, Enum):
    """Whether a frame is a new picture."""

    FRESH = 'fresh'
    """A new picture of the scene."""
    FROZEN = 'frozen'
    """The very same pixels as in the frame before."""
    BLANK = 'blank'
    """A constant image, or one without any finite pixel."""


class FrozenFrameGuard:
    """Tell frozen and blank frames from fresh ones; a blank frame is BLANK also when repeated."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None

    def restart(self) -> None:
        """Forget the last frame."""
        self._last = None

    def __call__(self, image: ThermalImage) -> FrameKind:
        """Classify the next frame; keeps a reference to its pixels, no copy."""
        # Bits are compared, not numbers, so that NaN equals NaN.
        bits = image.pixels.view(f'u{image.pixels.itemsize}')
        last, self._last = self._last, bits
        if is_blank(image.pixels):
            return FrameKind.BLANK
        if last is not None and last.dtype == bits.dtype and np.array_equal(last, bits):
            return FrameKind.FROZEN
        return FrameKind.FRESH


def is_blank(pixels: np.ndarray) -> bool:
    """Tell whether all finite pixels of `H x W` are equal, or none is finite."""
    # Most frames differ on a coarse grid already, which is fast to compare.
    return _is_constant(pixels[::16, ::16]) and _is_constant(pixels)


def _is_constant(pixels: np.ndarray) -> bool:
    if pixels.dtype.kind == 'f':
        pixels = pixels[np.isfinite(pixels)]
    return pixels.size == 0 or bool(pixels.min() == pixels.max())
