# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From the counts of a radiometric camera to degrees Celsius."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
import math

import cv2
import numpy as np

from ..geometry import Box, corners, hull
from .gain import GainSettings
from .thermal_image import ThermalImage

ZERO_CELSIUS = 273.15
"""0 degrees Celsius in kelvin."""


@dataclass(frozen=True)
class Temperatures:
    """What was measured inside of a box, degrees Celsius."""

    minimum: float
    median: float
    maximum: float

    def named(self) -> dict[str, float]:
        """Return the three values by the names that a status and the CSV files use."""
        return dict(zip(NAMES, (self.minimum, self.median, self.maximum)))


NAMES = ('temperature_min', 'temperature_median', 'temperature_max')


@dataclass(frozen=True)
class Radiometry:
    """
    Temperature in degrees Celsius = `scale` x counts + `offset`.

    Raises ValueError for a scale that is not above 0, and for numbers that are not finite.
    """

    scale: float
    """Kelvin for one count."""
    offset: float
    """Degrees Celsius of a count of 0."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f'radiometric scale {self.scale} is not above 0')
        if not math.isfinite(self.offset):
            raise ValueError(f'radiometric offset {self.offset} is not finite')

    @classmethod
    def parse(cls, text: str) -> Radiometry:
        """Read the name of a camera or `SCALE,OFFSET`; raises ValueError that names the text."""
        if text in CAMERAS:
            return CAMERAS[text]
        try:
            scale, offset = map(float, text.split(','))
        except ValueError:
            raise ValueError(
                f"'{text}' is neither SCALE,OFFSET nor one of {', '.join(CAMERAS)}"
            ) from None
        return cls(scale, offset)

    def measure(self, image: ThermalImage, box: Box, theta: float = 0.0) -> Temperatures | None:
        """
        Measure the pixels inside of a box, given in pixels of the image.

        The box is turned about its centre by `theta`, radians. Returns None for 8-bit images,
        which went through the camera's gain control, and where the box holds no finite pixel.
        """
        if image.pixels.dtype == np.uint8 or not box.is_finite():
            return None
        inside = hull(box, theta).clipped(image.width, image.height)
        if not inside.area:
            return None
        left, top = (min(round(inside.x), image.width - 1), min(round(inside.y), image.height - 1))
        right = max(round(inside.x + inside.w), left + 1)
        bottom = max(round(inside.y + inside.h), top + 1)
        counts = image.pixels[top:bottom, left:right]
        if theta:
            turned = np.zeros(counts.shape, np.uint8)
            # Of a pixel, its middle counts.
            places = corners(box, theta) - (left + 0.5, top + 0.5)
            cv2.fillConvexPoly(turned, places.round().astype(np.int32), 1)
            counts = counts[turned > 0]
        counts = counts.ravel()
        if counts.dtype.kind == 'f':
            counts = counts[np.isfinite(counts)]
        if not counts.size:
            return None
        found = (counts.min(), np.median(counts), counts.max())
        return Temperatures(*(float(value) * self.scale + self.offset for value in found))

    def in_counts(self, gain: GainSettings) -> GainSettings:
        """
        Turn the range of mode `fixed` from degrees Celsius into counts; other modes stay.

        8-bit images have no temperatures, so the range does not hold for them.
        """
        if gain.mode != 'fixed':
            return gain
        low, high = ((value - self.offset) / self.scale for value in (gain.minimum, gain.maximum))
        return replace(gain, minimum=low, maximum=high, stretch_8bit=False)


CAMERAS: Mapping[str, Radiometry] = {
    'celsius': Radiometry(1.0, 0.0),
    'lepton': Radiometry(0.01, -ZERO_CELSIUS),
    'boson': Radiometry(0.01, -ZERO_CELSIUS),
    'flir_a_10mk': Radiometry(0.01, -ZERO_CELSIUS),
    'flir_a_100mk': Radiometry(0.1, -ZERO_CELSIUS),
}
"""
What the temperature-linear output of cameras means.

celsius: a driver that sends degrees, as 32FC1. lepton: radiometric Lepton with TLinear at 0.01 K.
boson: radiometric Boson with TLinear. flir_a_...: FLIR A series (also Axx and Ax5), temperature
linear with 10 or 100 mK for one count.
"""


def radiometry_of(camera: str, scale: float, offset: float) -> Radiometry | None:
    """
    Choose by the name of a camera or, for 'none', by the numbers; 1 and 0 mean no radiometry.

    Raises ValueError for an unknown camera, a bad number, and a camera together with numbers.
    """
    given = Radiometry(scale, offset)
    unset = given == Radiometry(1.0, 0.0)
    if camera == 'none':
        return None if unset else given
    if camera not in CAMERAS:
        raise ValueError(f"radiometric camera '{camera}' is not none or of {', '.join(CAMERAS)}")
    if not unset:
        raise ValueError(
            f'radiometric camera {camera} has a scale and an offset of its own, so scale {scale:g}'
            f' and offset {offset:g} cannot be given, too'
        )
    return CAMERAS[camera]
