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


class Refinement:
    """
    Move and stretch a box by what the refiner says, weighed like a measurement in a Kalman filter.

    The refiner compares with the first image of the target alone, so that errors do not add up;
    the more it is at a loss, the less the box follows it.
    """

    def __init__(self, network: BoxRefiner) -> None:
        self.network = network
        self.device = next(network.parameters()).device

    def init(self, image: np.ndarray, box: Box) -> None:
        """Remember what `box` surrounds in a gray image 0..1."""
        self._reference = self._embed(image, box)

    def refine(self, image: np.ndarray, box: Box) -> Box:
        """Correct a box that was found in another image."""
        correction = self.network.compare(self._reference, self._embed(image, box))
        numbers = torch.stack([correction.offset[0], correction.spread[0]])
        offset, spread = numbers.cpu().numpy().astype(float)
        # The variance of a Laplace law is twice its squared scale.
        variance = 2 * spread**2 + _BLUR / box.area
        x, y, w, h = offset * _EXPECTED / (_EXPECTED + variance)
        return Box.from_center(
            box.cx + x * box.w, box.cy + y * box.h, box.w * np.exp(w), box.h * np.exp(h)
        )

    def _embed(self, image: np.ndarray, box: Box) -> Tensor:
        size, context = self.network.size, self.network.context
        window = crop(image, box.cx, box.cy, context * box.w, context * box.h, size, size)
        return self.network.embed(torch.from_numpy(window)[None, None].to(self.device))
