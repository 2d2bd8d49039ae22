# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tells apart new frames, repeated ones (closed shutter, stalled driver) and blank ones."""

from __future__ import annotations

from enum import Enum

import numpy as np

from .border import Margins, NO_MARGINS, without_border
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
    """
    Tell frozen and blank frames from fresh ones; a blank frame is BLANK also when repeated.

    The lines at the border and the margins `crop` are not looked at: telemetry there may change
    from frame to frame.
    """

    def __init__(self, crop: Margins = NO_MARGINS) -> None:
        self._crop = crop
        self._last: np.ndarray | None = None

    def restart(self) -> None:
        """Forget the last frame."""
        self._last = None

    def __call__(self, image: ThermalImage) -> FrameKind:
        """Classify the next frame; keeps a reference to its pixels, no copy."""
        pixels = without_border(image.pixels, self._crop)
        # Bits are compared, not numbers, so that NaN equals NaN.
        bits = pixels.view(f'u{pixels.itemsize}')
        last, self._last = self._last, bits
        if is_blank(image.pixels, self._crop):
            return FrameKind.BLANK
        if last is not None and last.dtype == bits.dtype and np.array_equal(last, bits):
            return FrameKind.FROZEN
        return FrameKind.FRESH


def is_blank(pixels: np.ndarray, crop: Margins = NO_MARGINS) -> bool:
    """Tell whether all finite pixels of `H x W`, without its border, are equal, or none is."""
    pixels = without_border(pixels, crop)
    # Most frames differ on a coarse grid already, which is fast to compare.
    return _is_constant(pixels[::16, ::16]) and _is_constant(pixels)


def _is_constant(pixels: np.ndarray) -> bool:
    if pixels.dtype.kind == 'f':
        pixels = pixels[np.isfinite(pixels)]
    return pixels.size == 0 or bool(pixels.min() == pixels.max())
