# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A correlation filter on gradient histograms, which sees outlines where a network sees parts."""

from __future__ import annotations

import cv2
import numpy as np

from ..geometry import Box
from ..imaging.subwindow import crop

_CELL = 4
_PATCH = 132
_BLOCKS = _PATCH // _CELL - 1
_DEPTH = 36


class GradientFilter:
    """
    Find by how much a target has moved, by its gradients (the translation filter of DSST and KCF).

    The target is learnt in a square of `context` times the side that its caller passes with the
    box; numerator and denominator of the filter are averaged over time.
    """

    def __init__(self, sigma: float = 1.0, ridge: float = 1e-2) -> None:
        self.ridge = ridge
        offsets = np.fft.fftfreq(_BLOCKS, 1 / _BLOCKS)
        label = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * sigma**2))
        self._label = np.fft.rfft2(label).real
        hann = np.hanning(_BLOCKS + 2)[1:-1]
        self._window = np.outer(hann, hann).astype(np.float32)
        # Blocks of 2 x 2 cells, each normalised by itself.
        self._hog = cv2.HOGDescriptor(
            (_PATCH, _PATCH), (2 * _CELL, 2 * _CELL), (_CELL, _CELL), (_CELL, _CELL), 9
        )
        self._numerator = np.zeros((0, 0, 0))
        self._denominator = np.zeros((0, 0))

    def init(self, image: np.ndarray, box: Box, side: float) -> None:
        """Learn a target in a gray image 0..1, forgetting all before; `side` is of the square."""
        self._numerator, self._denominator = self._learn(image, box, side)

    def update(self, image: np.ndarray, box: Box, side: float, rate: float) -> None:
        """Blend in another view of the target."""
        numerator, denominator = self._learn(image, box, side)
        self._numerator = (1 - rate) * self._numerator + rate * numerator
        self._denominator = (1 - rate) * self._denominator + rate * denominator

    def respond(
        self, image: np.ndarray, box: Box, side: float, size: int, pixel: float
    ) -> np.ndarray:
        """
        Return a map `size x size`, at least 0, of how well places around the box fit.

        `pixel` is the distance of two cells of the map in units of `side`.
        """
        spectrum = self._spectrum(image, box, side)
        response = np.fft.irfft2(
            (self._numerator * spectrum).sum(axis=0) / (self._denominator + self.ridge),
            (_BLOCKS, _BLOCKS),
        )
        response = np.fft.fftshift(response).astype(np.float32)
        step = pixel * _PATCH / _CELL
        start = _BLOCKS // 2 - step * (size - 1) / 2
        matrix = np.array([[step, 0, start], [0, step, start]])
        enlarged = cv2.warpAffine(
            response,
            matrix,
            (size, size),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.maximum(enlarged, 0)

    def _learn(self, image: np.ndarray, box: Box, side: float) -> tuple[np.ndarray, np.ndarray]:
        spectrum = self._spectrum(image, box, side)
        power = (spectrum.real**2 + spectrum.imag**2).sum(axis=0)
        return self._label * spectrum.conj(), power

    def _spectrum(self, image: np.ndarray, box: Box, side: float) -> np.ndarray:
        patch = crop(image, box.cx, box.cy, side, side, _PATCH, _PATCH)
        patch8 = np.clip(patch * 255, 0, 255).astype(np.uint8)
        features = np.asarray(self._hog.compute(patch8)).reshape(_BLOCKS, _BLOCKS, _DEPTH)
        # OpenCV goes down the columns.
        return np.fft.rfft2(features.transpose(2, 1, 0) * self._window)
