# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Gain control: from 8-, 16- or 32-bit counts to a stable image in 0..1.

Trackers follow the contrast of a target, so the range of counts that becomes 0..1 changes slowly
with the scene, and single hot pixels do not change it.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

from .border import find_outside, Margins, NO_MARGINS, Outside
from .thermal_image import ThermalImage

MODES = ('percentile', 'fixed', 'minmax')
_SAMPLED_PIXELS = 10_000
_LOOK_EVERY = 8
"""Images from one search for parts without scene to the next."""


@dataclass(frozen=True)
class GainSettings:
    """
    How counts become 0..1. Raises ValueError that names the setting out of range.

    8-bit images usually went through the camera's own gain control, so they are divided by 255
    unless `stretch_8bit` is set.
    """

    mode: str = 'percentile'
    """Range of counts: 'percentile' and 'minmax' of the image, or 'fixed'."""
    low_percentile: float = 0.5
    """Percentile, 0..100, that becomes 0."""
    high_percentile: float = 99.5
    """Percentile, 0..100, that becomes 1."""
    minimum: float = 0.0
    """Counts that become 0 in mode 'fixed'."""
    maximum: float = 65535.0
    """Counts that become 1 in mode 'fixed'."""
    smoothing: float = 0.9
    """Share of the previous range that stays in the next one, 0 (none) up to, not with, 1."""
    stretch_8bit: bool = False
    """Whether 8-bit images go through the range, too."""
    crop: Margins = NO_MARGINS
    """Rows and columns at the border that are no image (telemetry), besides those found."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"gain mode '{self.mode}' is not one of {', '.join(MODES)}")
        if not 0 <= self.low_percentile < self.high_percentile <= 100:
            raise ValueError(
                f'gain percentiles {self.low_percentile} and {self.high_percentile} are not '
                '0 <= low < high <= 100'
            )
        finite = math.isfinite(self.minimum) and math.isfinite(self.maximum)
        if not finite or self.minimum >= self.maximum:
            raise ValueError(
                f'gain minimum {self.minimum} is not below the maximum {self.maximum}'
            )
        if not 0 <= self.smoothing < 1:
            raise ValueError(f'gain smoothing {self.smoothing} is not in 0 <= smoothing < 1')
        if min(self.crop) < 0:
            raise ValueError(f'crop {",".join(map(str, self.crop))} has a negative number')


class GainControl:
    """
    Turn the images of one camera, one after the other, into 0..1.

    The range starts anew, without smoothing, after `restart`, when encoding, byte order or size
    change, and when most of a new image lies outside of the range (a camera that has just
    calibrated itself may shift all its counts at once).

    Parts of the image that show no scene (see `border`) do not count for the range, and are
    filled with what is beside them; all pixels keep their places.
    """

    def __init__(self, settings: GainSettings | None = None) -> None:
        self.settings = settings or GainSettings()
        self._format: tuple | None = None
        self._range: tuple[float, float] | None = None
        self._outside = Outside()
        self._age = 0
        """Images since the parts without scene were looked for."""

    def restart(self) -> None:
        """Let the next image start anew, without smoothing."""
        self._range = None
        self._age = 0

    def __call__(self, image: ThermalImage) -> np.ndarray:
        """
        Return `H x W` float32, always finite and in 0..1; pixels that are NaN become 0.

        Raises ValueError where `crop` leaves nothing of the image.
        """
        if image.format != self._format:
            self._format = image.format
            self._outside = Outside()
            self.restart()
        pixels = image.pixels
        as_it_is = pixels.dtype == np.uint8 and not self.settings.stretch_8bit
        if self._age == 0:
            # What is 0 in a corner of an 8-bit image may well be a cold sky.
            crop, before = self.settings.crop, self._outside
            self._outside = find_outside(pixels, crop, not as_it_is, before)
        self._age = (self._age + 1) % _LOOK_EVERY
        if as_it_is:
            image01 = np.multiply(pixels, np.float32(1 / 255), dtype=np.float32)
        else:
            self._follow(pixels)
            low, high = self._range or (0.0, 1.0)
            image01 = _stretched(pixels, low, high)
        return self._outside.filled(image01)

    def _follow(self, pixels: np.ndarray) -> None:
        settings = self.settings
        if settings.mode == 'fixed':
            self._range = settings.minimum, settings.maximum
            return
        if settings.mode == 'percentile':
            low, high = settings.low_percentile, settings.high_percentile
            found = _percentiles(pixels, low, high, self._outside)
        else:
            found = _extremes(self._outside.scene(pixels))
        if found is None:
            return  # an image of NaN alone has no range
        if self._range is None:
            self._range = found
            return
        (low, high), (new_low, new_high) = self._range, found
        if new_low == new_high:
            return  # a constant image (closed shutter) is not the range of the scene
        inside = min(high, new_high) - max(low, new_low)
        keep = settings.smoothing if inside > (new_high - new_low) / 2 else 0.0
        self._range = (
            keep * low + (1 - keep) * new_low,
            keep * high + (1 - keep) * new_high,
        )


def _stretched(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    if pixels.dtype.kind == 'u':
        scale = 1 / max(high - low, 1.0)  # less than one count is no contrast
        image = cv2.addWeighted(pixels, scale, pixels, 0.0, -low * scale, dtype=cv2.CV_32F)
        return np.clip(image, 0, 1, out=image)
    # addWeighted would turn infinite pixels into NaN (0 * inf), so numpy does it here. The span is
    # at least one step of float32.
    with np.errstate(all='ignore'):
        span = np.float32(max(high - low, abs(high) * 1e-6, 1e-30))
        image = np.subtract(pixels, np.float32(low))
        image /= span
    return cv2.patchNaNs(np.clip(image, 0, 1, out=image), 0)


def _percentiles(
    pixels: np.ndarray, low: float, high: float, outside: Outside
) -> tuple[float, float] | None:
    stride = math.ceil(math.sqrt(pixels.size / _SAMPLED_PIXELS))
    sample = outside.scene(pixels, stride)
    if sample.dtype.kind == 'f':
        sample = sample[np.isfinite(sample)]
    if sample.size:
        ranks = [round((sample.size - 1) * percent / 100) for percent in (low, high)]
        ordered = np.partition(sample, ranks)
        if ordered[ranks[0]] < ordered[ranks[1]]:
            return float(ordered[ranks[0]]), float(ordered[ranks[1]])
    # Both percentiles are the same where little stands out.
    return _extremes(outside.scene(pixels))


def _extremes(pixels: np.ndarray) -> tuple[float, float] | None:
    if pixels.dtype.kind == 'f':
        pixels = pixels[np.isfinite(pixels)]
    if not pixels.size:
        return None
    return float(pixels.min()), float(pixels.max())
