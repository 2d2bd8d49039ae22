# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The box refiner at run time: how much of what it says is believed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..geometry import Box
from ..imaging.subwindow import crop
from ..models.box_refiner import BoxRefiner

# What is expected before one looks, as standard deviations: how far the centre is off, over the
# side, and how much a target changes its size in an image, as a logarithm.
_SHIFT, _GROWTH = 0.25, 0.06
_EXPECTED = np.array([_SHIFT, _SHIFT, _GROWTH, _GROWTH]) ** 2
_BLUR = np.array([0.0, 0.0, 6.0, 6.0]) ** 2
"""Uncertainty of a size on the sensor, square pixels: small targets are all edge."""
_USUAL_PRECISION = 3.0
"""What the spread of a usual, right correction is: `exp(-3)` of the side."""
_DEPENDENCE = 3.0
"""Factor on the variance of a recent reference: its error is the box's own of a while ago."""


class Refinement:
    """
    Move and stretch a box by what the refiner says, weighed like measurements in a Kalman filter.

    The refiner compares with the first image of the target, of which the box is right, and with
    a recent one, of which it is nearly right and which looks more like the target of today. The
    more it is at a loss, the less the box follows it.

    `agreement` is how well the first image was known again in the newest one, -1/3..5/3: near 1
    where it was, lower where not.
    """

    def __init__(self, network: BoxRefiner, interval: int) -> None:
        """
        Take a prepared network.

        interval: images from one recent reference to the next; 0 keeps to the first image.
        """
        self.network, self.interval = network, interval
        self.device = next(network.parameters()).device

    def init(self, image: np.ndarray, box: Box) -> None:
        """Remember what `box` surrounds in a gray image 0..1, forgetting all before."""
        self._first = self._references = self._embed(image, box)
        self._variances = self._variance = np.zeros((1, 4))
        self._images = 0
        self.agreement = 1.0

    def refine(self, image: np.ndarray, box: Box) -> Box:
        """Correct a box that was found in another image."""
        current = self._embed(image, box).expand(len(self._references), -1, -1, -1)
        correction = self.network.compare(self._references, current)
        numbers = torch.stack([correction.offset, correction.spread])
        offset, spread = numbers.cpu().numpy().astype(float)
        self.agreement = -float(np.log(spread[0]).mean()) / _USUAL_PRECISION
        # The variance of a Laplace law is twice its squared scale.
        certainty = 1 / (2 * spread**2 + self._variances)
        total = certainty.sum(axis=0)
        gain = _EXPECTED / (_EXPECTED + 1 / total + _BLUR / box.area)
        self._variance = (1 - gain[None]) * _EXPECTED
        x, y, w, h = gain * (offset * certainty).sum(axis=0) / total
        return Box.from_center(
            box.cx + x * box.w, box.cy + y * box.h, box.w * np.exp(w), box.h * np.exp(h)
        )

    def update(self, image: np.ndarray, box: Box) -> None:
        """Let the box that was refined last be the recent reference, once in `interval` calls."""
        self._images += 1
        if self.interval and self._images % self.interval == 0:
            self._references = torch.cat([self._first, self._embed(image, box)])
            self._variances = np.concatenate([np.zeros((1, 4)), _DEPENDENCE * self._variance])

    def _embed(self, image: np.ndarray, box: Box) -> Tensor:
        size, context = self.network.size, self.network.context
        window = crop(image, box.cx, box.cy, context * box.w, context * box.h, size, size)
        return self.network.embed(torch.from_numpy(window)[None, None].to(self.device))
