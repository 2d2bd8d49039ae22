# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Turns temperatures into the image of a thermal camera: blur, noise, gain, counts."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .textures import fractal_noise


@dataclass(frozen=True)
class SensorSettings:
    """Properties of one camera."""

    noise: float
    """Temporal noise of a pixel, kelvin (NETD)."""
    stripes: float
    """Column pattern, kelvin."""
    shading: float
    """Slow change of offset over the image, kelvin."""
    dead: float
    """Fraction of the pixels that are stuck."""
    blur: float
    """Standard deviation of the optics' blur, pixels."""
    sharpen: float
    """Detail enhancement of the 8-bit image, which leaves dark seams around hot things; 0 none."""
    tails: float
    """Fraction of the pixels that the automatic gain lets saturate at each end."""
    inverted: bool
    """Whether hot is black."""
    quality: int
    """JPEG quality of the 8-bit image; 0 for uncompressed."""
    counts_per_kelvin: float
    """Of the 16-bit image."""
    counts_offset: float
    """Count of the ground's temperature in the 16-bit image."""


class Sensor:
    """Turns an image in kelvin into 8-bit gray levels or 14-bit counts in 16."""

    def __init__(
        self, rng: np.random.Generator, settings: SensorSettings, size: tuple[int, int], bits: int
    ) -> None:
        width, height = size
        self.settings = settings
        self.bits = bits
        columns = rng.standard_normal(width).astype(np.float32)
        pattern: np.ndarray = np.repeat((settings.stripes * columns)[None], height, axis=0)
        if settings.shading > 0:
            shade = fractal_noise(rng, height, width, max(size) / 2, 0.4, finest=max(size) / 4)
            pattern += np.float32(settings.shading) * shade
        pattern += np.float32(0.3 * settings.stripes) * rng.standard_normal(
            (height, 1), dtype=np.float32
        )
        self._pattern = pattern.astype(np.float32)
        stuck = rng.poisson(settings.dead * width * height)
        self._dead = rng.integers(0, height, stuck), rng.integers(0, width, stuck)
        self._stuck = rng.choice([-40.0, 40.0], stuck).astype(np.float32)

    def observe(
        self,
        kelvin: np.ndarray,
        rng: np.random.Generator,
        gain: float = 1.0,
        offset: float = 0.0,
        flipped: bool = False,
        blur: float = 0.0,
        drift: float = 1.0,
    ) -> np.ndarray:
        """
        Return the image of `kelvin` (`H x W` float32, may be changed).

        `gain` and `offset` (kelvin) bend the camera's response, `flipped` swaps hot and cold,
        `blur` adds pixels of defocus, `drift` scales the fixed pattern.
        """
        settings = self.settings
        sigma = float(np.hypot(settings.blur, blur))
        if sigma > 0.2:
            kelvin = cv2.GaussianBlur(kelvin, (0, 0), sigma)
        noise = rng.standard_normal(kelvin.shape, dtype=np.float32)
        kelvin = cv2.scaleAdd(noise, settings.noise, kelvin)
        kelvin = cv2.scaleAdd(self._pattern, drift, kelvin)
        np.add.at(kelvin, self._dead, self._stuck)
        if self.bits == 16:
            scale = settings.counts_per_kelvin
            counts = kelvin * np.float32(scale * gain)
            counts = counts + np.float32(settings.counts_offset + offset * scale)
            return np.clip(np.rint(counts), 0, 2**14 - 1).astype(np.uint16)
        return self._gray(kelvin, gain, offset, flipped)

    def _gray(self, kelvin: np.ndarray, gain: float, offset: float, flipped: bool) -> np.ndarray:
        settings = self.settings
        some = np.sort(kelvin[2::5, 2::5], axis=None)
        skip = int(settings.tails * some.size)
        low, high = float(some[skip]), float(some[-1 - skip])
        # Automatic gain stretches what it sees, but not noise alone.
        span = max(high - low, 2.5 + 6 * settings.noise)
        middle = (low + high) / 2
        scale = 235.0 / span * gain
        shift = 127.5 - (middle - offset) * scale
        if settings.sharpen > 0:
            smooth = cv2.blur(kelvin, (21, 21), borderType=cv2.BORDER_REFLECT_101)
            kelvin = kelvin + np.float32(settings.sharpen) * (kelvin - smooth)
        if settings.inverted != flipped:
            scale, shift = -scale, 255.0 - shift
        gray = np.clip(kelvin * np.float32(scale) + np.float32(shift), 0, 255).astype(np.uint8)
        if settings.quality:
            _, packed = cv2.imencode('.jpg', gray, [cv2.IMWRITE_JPEG_QUALITY, settings.quality])
            gray = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
        return gray
