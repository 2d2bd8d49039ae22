# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How the size of a target is followed: one part with one call, of which there are three."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry import Box
from .settings import TrackingSettings


@dataclass
class Found:
    """Where the peak of the response puts a target, before its size is known."""

    track: Any
    """The track; `first_box` and `size_memory` are what is used of it."""
    box: Box
    """Box of the old size at the new place, pixels of the image."""
    factor: float = 1.0
    """Width of the search crop that won, over the usual one."""
    network_box: Box | None = None
    """Box that the network itself gives, pixels of the image."""


@dataclass
class Sized:
    """A box with its new size."""

    box: Box
    agreement: float = 1.0
    """How well the target of the first image was known again, about 0..1."""
    memory: Any = None
    """What `learn` needs of it."""


class Size(ABC):
    """One way to follow the size; `name` is the setting that chooses it, and its calibration."""

    name: str
    factors: tuple[float, ...] = (1.0,)
    """Widths of the search crops of one look, over the usual one."""

    def __init__(self, settings: TrackingSettings) -> None:
        self.settings = settings

    def start(self, image: np.ndarray, box: Box) -> Any:
        """Return what is to be remembered of a new target as `size_memory` of its track."""
        return None

    def choose(self, peaks: np.ndarray) -> slice:
        """Choose which of the maps, told by their peaks, the target is looked for in."""
        return slice(None)

    @abstractmethod
    def measure(self, image: np.ndarray, found: Sequence[Found]) -> list[Sized]:
        """Find the new boxes of targets, all at once."""

    def learn(self, image: np.ndarray, track: Any, sized: Sized) -> None:  # noqa: B027 (optional)
        """Learn of a box that is sure."""

    def limited(self, box: Box, first: Box) -> Box:
        """Keep each side within the limits of its size at the start, and at one pixel or more."""
        settings = self.settings
        sides = (
            max(min(max(side, settings.min_scale * start), settings.max_scale * start), 1.0)
            for side, start in ((box.w, first.w), (box.h, first.h))
        )
        return Box.from_center(box.cx, box.cy, *sides)


class PyramidSize(Size):
    """Several crops of neighbouring widths; the one with the highest peak tells the scale."""

    name = 'pyramid'

    def __init__(self, settings: TrackingSettings) -> None:
        super().__init__(settings)
        exponents = np.arange(settings.scale_count) - settings.scale_count // 2
        self.factors = tuple(settings.scale_step ** exponents.astype(float))
        self._penalties = np.where(exponents == 0, 0.0, 1.0 - settings.scale_penalty)

    def choose(self, peaks: np.ndarray) -> slice:
        """Choose the map with the highest peak, a change of scale being penalised."""
        # The paper multiplies, which would favour a change where peaks are negative.
        best = int((peaks - self._penalties * np.abs(peaks)).argmax())
        return slice(best, best + 1)

    def measure(self, image: np.ndarray, found: Sequence[Found]) -> list[Sized]:
        """Scale the boxes a part of the way, all sides alike."""
        settings, sized = self.settings, []
        for one in found:
            first = one.track.first_box
            growth = 1 + settings.scale_rate * (one.factor - 1)
            scale = one.box.w * growth / first.w
            scale = min(max(scale, settings.min_scale), settings.max_scale)
            # Never below one pixel: a box without size could not be followed any more.
            shorter = min(first.w, first.h)
            scale = max(scale, 1.0 / shorter if shorter > 1 else 1.0)
            box = Box.from_center(one.box.cx, one.box.cy, first.w * scale, first.h * scale)
            sized.append(Sized(box))
        return sized


class NetworkSize(Size):
    """The box that the network gives for the place."""

    name = 'network'

    def measure(self, image: np.ndarray, found: Sequence[Found]) -> list[Sized]:
        """Take the boxes of the network, within the limits."""
        return [
            Sized(self.limited(within(image, one.network_box), one.track.first_box))
            for one in found
            if one.network_box is not None
        ]


def within(image: np.ndarray, box: Box) -> Box:
    """Move a box whose centre lies outside of the image to the image's border."""
    height, width = image.shape
    return Box.from_center(
        min(max(box.cx, 0.0), width), min(max(box.cy, 0.0), height), box.w, box.h
    )
