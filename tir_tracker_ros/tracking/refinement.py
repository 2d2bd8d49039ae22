# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The box refiner at run time: how much of what it says is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..geometry import Box
from .runtime import RefinerRuntime, Window
from .settings import TrackingSettings
from .size import Found, Size, Sized, within

# What is expected before one looks, as standard deviations: how far the centre is off, over the
# side, and how much a target changes its size in an image, as a logarithm.
_SHIFT, _GROWTH = 0.25, 0.06
_EXPECTED = np.array([_SHIFT, _SHIFT, _GROWTH, _GROWTH]) ** 2
_BLUR = np.array([0.0, 0.0, 6.0, 6.0]) ** 2
"""Uncertainty of a size on the sensor, square pixels: small targets are all edge."""
_SURE = 5.0
"""Log-odds from which on the refiner counts as sure that it sees the target, or does not."""
_DEPENDENCE = 3.0
"""The recent reference box is itself an estimate, so its variance is inflated by this factor."""


@dataclass
class _Memory:
    """The images of one target that newer ones are compared with."""

    references: list[Any]
    """Features of the first image and, later, of a recent one."""
    variances: np.ndarray = field(default_factory=lambda: np.zeros((1, 4)))
    """Of the box of each reference."""
    images: int = 0


class RefinerSize(Size):
    """
    Move and stretch a box by what the refiner says, weighed like measurements in a Kalman filter.

    The refiner compares with the first image of the target, of which the box is right, and with
    a recent one, of which it is nearly right and which looks more like the target of today. The
    larger the error that the refiner expects of itself, the less the box follows it.

    `agreement`, -1..1, is whether the box is on the object of the first image: 1 where the refiner
    is sure that it is, -1 where it is sure that it is not.
    """

    name = 'refiner'

    def __init__(self, settings: TrackingSettings, runtime: RefinerRuntime) -> None:
        super().__init__(settings)
        self.runtime = runtime

    def start(self, image: np.ndarray, box: Box) -> _Memory:
        """Remember what `box` surrounds in the first image."""
        return _Memory(self._embed(image, [box]))

    def measure(self, image: np.ndarray, found: Sequence[Found]) -> list[Sized]:
        """Correct the boxes."""
        current = self._embed(image, [one.box for one in found])
        memories: list[_Memory] = [one.track.size_memory for one in found]
        references = [one for memory in memories for one in memory.references]
        counts = [len(memory.references) for memory in memories]
        repeated = [one for one, count in zip(current, counts) for _ in range(count)]
        offsets, spreads = self.runtime.compare(references, repeated)
        same = self.runtime.verify([memory.references[0] for memory in memories], current)
        agreements = np.clip(same / _SURE, -1, 1).tolist()
        sized, end = [], 0
        for one, count, agreement in zip(found, counts, agreements):
            part = slice(end, end + count)
            end += count
            sized.append(self._weighed(image, one, offsets[part], spreads[part], agreement))
        return sized

    def _weighed(
        self,
        image: np.ndarray,
        found: Found,
        offset: np.ndarray,
        spread: np.ndarray,
        agreement: float,
    ) -> Sized:
        box, memory = found.box, found.track.size_memory
        # The variance of a Laplace law is twice its squared scale.
        certainty = 1 / (2 * spread**2 + memory.variances)
        total = certainty.sum(axis=0)
        gain = _EXPECTED / (_EXPECTED + 1 / total + _BLUR / box.area)
        variance = (1 - gain[None]) * _EXPECTED
        x, y, w, h = gain * (offset * certainty).sum(axis=0) / total
        corrected = Box.from_center(
            box.cx + x * box.w, box.cy + y * box.h, box.w * np.exp(w), box.h * np.exp(h)
        )
        limited = self.limited(within(image, corrected), found.track.first_box)
        return Sized(limited, agreement, variance)

    def learn(self, image: np.ndarray, track: Any, sized: Sized) -> None:
        """Make the box the recent reference, once in `refiner_interval` calls."""
        memory, interval = track.size_memory, self.settings.refiner_interval
        memory.images += 1
        if interval and memory.images % interval == 0:
            memory.references = [memory.references[0], *self._embed(image, [sized.box])]
            memory.variances = np.concatenate([np.zeros((1, 4)), _DEPENDENCE * sized.memory])

    def _embed(self, image: np.ndarray, boxes: Sequence[Box]) -> list[Any]:
        context = self.runtime.context
        return self.runtime.embed(
            image, [Window(one.cx, one.cy, context * one.w, context * one.h) for one in boxes]
        )
