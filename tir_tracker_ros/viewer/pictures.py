# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From thermal images to what the page shows: gray JPEG, made only while somebody watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ..geometry import Box
from ..imaging.gain import GainControl, GainSettings
from ..imaging.thermal_image import ThermalImage

_QUALITY = 85
"""Of the JPEG, 0 to 100; below 80, blocks show around small targets."""


@dataclass(frozen=True)
class Seen:
    """A target in one image."""

    id: str
    box: Box
    """Pixels; the last good one while the target is lost."""
    score: float | None
    """0..1; None while the target is lost."""
    class_id: str = ''
    temperature: float | None = None
    """Median inside of the box, degrees Celsius; None where it is not measured."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image that may be shown; it is decoded only then."""

    number: int
    """Place in the order of arrival."""
    stamp: int
    """Of the image, nanoseconds."""
    take: Callable[[], ThermalImage]
    """Decode the image; raises ValueError for one that cannot be decoded."""
    seen: tuple[Seen, ...] = ()
    """The targets in it."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture as it goes to the page."""

    picture: Picture
    image01: np.ndarray
    """`H x W` float32, 0..1, in which a click looks for an object."""
    jpeg: bytes
    """Gray; smaller than the image where that is wider or higher than what is shown."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image, pixels, in which boxes are given."""
        height, width = self.image01.shape
        return width, height


class Encoder:
    """
    Encodes pictures one after the other, each once, however many viewers there are.

    `largest` limits the sides of the JPEG in pixels. Not for use by two threads at once.
    """

    def __init__(self, gain: GainSettings | None = None, largest: int = 1280) -> None:
        self._gain, self._largest = GainControl(gain), largest
        self._last: Shown | None = None

    def shown(self, picture: Picture) -> Shown:
        """Encode a picture; raises ValueError for an image that cannot be decoded."""
        if self._last is None or self._last.picture is not picture:
            image01 = self._gain(picture.take())
            small = np.minimum(self._largest / np.array(image01.shape[::-1]), 1.0).min()
            gray = cv2.convertScaleAbs(image01, alpha=255)
            if small < 1:
                gray = cv2.resize(gray, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
            _, jpeg = cv2.imencode('.jpg', gray, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
            self._last = Shown(picture, image01, jpeg.tobytes())
        return self._last
