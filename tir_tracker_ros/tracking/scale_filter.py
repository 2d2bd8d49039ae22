# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A one-dimensional correlation filter over scales (Danelljan et al., DSST, BMVC 2014)."""

from __future__ import annotations

import cv2
import numpy as np

from ..geometry import Box
from ..imaging.subwindow import crop

_PATCH = 32
_CELL = 4


class ScaleFilter:
    """
    Tell by how much a target has grown since the last image.

    Gradient histograms of `count` patches, each `step` times the next, are matched with a filter
    that is averaged over time, numerator and denominator apart.
    """

    def __init__(
        self,
        count: int = 33,
        step: float = 1.02,
        rate: float = 0.05,
        ridge: float = 0.01,
        context: float = 1.6,
    ) -> None:
        """
        Fix the filter.

        count, step: number of scales and their ratio. rate: share of the newest image in the
        filter. ridge: added to every frequency. context: side of a patch over the target's: its
        outline tells more about its size than its inside.
        """
        self.rate, self.ridge, self.context = rate, ridge, context
        exponents = np.arange(count) - count // 2
        self.factors = step ** exponents.astype(float)
        self._label = np.fft.rfft(np.exp(-0.5 * (exponents / (count / 16)) ** 2))
        self._window = np.hanning(count + 2)[1:-1, None].astype(np.float32)
        # Blocks of one cell would not be normalised over neighbours; 2 x 2 is the usual block.
        self._hog = cv2.HOGDescriptor(
            (_PATCH, _PATCH), (2 * _CELL, 2 * _CELL), (_CELL, _CELL), (_CELL, _CELL), 9
        )
        self._numerator = np.zeros((0, 0))
        self._denominator = np.zeros(0)

    def init(self, image: np.ndarray, box: Box) -> None:
        """Learn the scale of `box` in a gray image 0..1, forgetting all before."""
        self._numerator, self._denominator = self._learn(image, box)

    def update(self, image: np.ndarray, box: Box) -> None:
        """Blend in the scale of `box` in another image."""
        numerator, denominator = self._learn(image, box)
        self._numerator = (1 - self.rate) * self._numerator + self.rate * numerator
        self._denominator = (1 - self.rate) * self._denominator + self.rate * denominator

    def estimate(self, image: np.ndarray, box: Box) -> float:
        """Return the factor by which the target differs in size from `box`."""
        spectrum = self._spectrum(image, box)
        response = np.fft.irfft(
            (self._numerator * spectrum).sum(axis=1) / (self._denominator + self.ridge),
            len(self.factors),
        )
        best = int(response.argmax())
        return float(
            np.interp(
                best + _parabola_offset(response, best), np.arange(len(self.factors)), self.factors
            )
        )

    def _learn(self, image: np.ndarray, box: Box) -> tuple[np.ndarray, np.ndarray]:
        spectrum = self._spectrum(image, box)
        return (self._label[:, None] * spectrum.conj(), (np.abs(spectrum) ** 2).sum(axis=1))

    def _spectrum(self, image: np.ndarray, box: Box) -> np.ndarray:
        # Patches are cut from one enlargement around the target: 33 crops of the whole image
        # would cost more than all the rest.
        largest = self.factors[-1]
        width, height = (side * self.context * largest for side in (box.w, box.h))
        side = int(np.ceil(_PATCH * largest / self.factors[len(self.factors) // 2]))
        around = np.clip(
            crop(image, box.cx, box.cy, width, height, side, side) * 255, 0, 255
        ).astype(np.uint8)
        sheet = np.empty((_PATCH * len(self.factors), _PATCH), np.uint8)
        for index, factor in enumerate(self.factors):
            part = side * factor / largest
            matrix = np.array(
                [
                    [part / _PATCH, 0, (side - part + part / _PATCH - 1) / 2],
                    [0, part / _PATCH, (side - part + part / _PATCH - 1) / 2],
                ]
            )
            cv2.warpAffine(
                around,
                matrix,
                (_PATCH, _PATCH),
                dst=sheet[index * _PATCH : (index + 1) * _PATCH],
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
        features = np.asarray(self._hog.compute(sheet, winStride=(_PATCH, _PATCH)))
        features = features.reshape(len(self.factors), -1) * self._window
        return np.fft.rfft(features, axis=0)


def _parabola_offset(values: np.ndarray, index: int) -> float:
    """Offset, -0.5..0.5, of the peak of a parabola through a maximum and its neighbours."""
    if not 0 < index < len(values) - 1:
        return 0.0
    left, middle, right = values[index - 1 : index + 2]
    curvature = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / curvature, -0.5, 0.5)) if curvature < 0 else 0.0
