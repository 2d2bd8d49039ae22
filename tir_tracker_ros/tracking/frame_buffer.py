# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The most recent images, in order of arrival, so that an init can name one by its stamp."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ..imaging.thermal_image import ThermalImage


@dataclass(frozen=True)
class BufferedImage:
    """An image and its place in the order of arrival, from 0."""

    index: int
    image: ThermalImage


class FrameBuffer:
    """The last `size` images; their stamps never fall from one to the next."""

    def __init__(self, size: int) -> None:
        self._images: deque[BufferedImage] = deque(maxlen=size)
        self.count = 0
        """Images added so far."""

    def add(self, image: ThermalImage) -> None:
        """Append the newest image; where its stamp is before the last, empty the buffer first."""
        if self._images and image.stamp < self._images[-1].image.stamp:
            self._images.clear()
        self._images.append(BufferedImage(self.count, image))
        self.count += 1

    def clear(self) -> None:
        """Forget all images; the count of arrivals goes on."""
        self._images.clear()

    @property
    def newest(self) -> BufferedImage | None:
        """The last image, None when there is none."""
        return self._images[-1] if self._images else None

    def since(self, stamp: int) -> list[BufferedImage]:
        """
        Return the images from the first one at or after `stamp` on; all from the newest for 0.

        The list is empty while no such image has come. Raises LookupError, naming the stamps,
        for a stamp before the oldest image.
        """
        if stamp == 0 or not self._images:
            return list(self._images)[-1:]
        oldest = self._images[0].image.stamp
        if stamp < oldest:
            raise LookupError(
                f'stamp {seconds(stamp)} is {(oldest - stamp) / 1e9:.3f} s older than the oldest '
                f'of {len(self._images)} buffered images, {seconds(oldest)}'
            )
        return [each for each in self._images if each.image.stamp >= stamp]


def seconds(stamp: int) -> str:
    """Write nanoseconds as seconds, without loss."""
    return f'{stamp // 10**9}.{stamp % 10**9:09d} s'
