# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One image of a thermal camera, decoded but with the counts that the camera gave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PIXEL_TYPES = (np.uint8, np.uint16, np.float32)


@dataclass(frozen=True, eq=False)
class ThermalImage:
    """
    One gray image `H x W`, as the camera gave it.

    Raises ValueError, naming the shape or the type, for pixels that are no such image.
    """

    pixels: np.ndarray
    """`H x W` uint8, uint16 or float32 in native byte order; never written to."""
    stamp: int
    """Time of acquisition in nanoseconds; any value, also 0."""
    encoding: str = 'mono8'
    """Encoding as received (`mono16`, `32FC1`, `bgr8` ...)."""
    big_endian: bool = False
    """Byte order as received."""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.size == 0:
            raise ValueError(f'pixels of shape {self.pixels.shape} are not a gray image H x W')
        if self.pixels.dtype not in PIXEL_TYPES or not self.pixels.dtype.isnative:
            raise ValueError(
                f'pixels of type {self.pixels.dtype} are not native uint8, uint16 or float32'
            )

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.pixels.shape[0]

    @property
    def format(self) -> tuple[str, bool, tuple[int, ...]]:
        """Encoding, byte order and shape; the gain starts anew when one of them changes."""
        return self.encoding, self.big_endian, self.pixels.shape
