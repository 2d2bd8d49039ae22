# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How the size of a target is followed: one part with one call, of which there are three."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry import Box
from .settings import TrackingSettings

_LARGEST_CHANGE = 10.0
"""Logarithm of the largest change of size and aspect that is told from larger ones."""


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
    mask: Callable[[], np.ndarray] | None = None
    """Draws the mask of the target, `H x W` bool in the image; None without masks."""
    trust: float = 1.0
    """How far, 0..1, the size of that box is believed."""


@dataclass
class Sized:
    """A box with its new size."""

    box: Box
    agreement: float = 1.0
    """Whether the target of the first image was known again, -1..1."""
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

    def penalties(self, boxes: np.ndarray | None, width: float, height: float) -> Any:
        """
        Compute what is added to the logarithm of each candidate's probability, 0 or less.

        `boxes` are the network's, `N x K x 4 x R x R`, width and height those of the target, all
        in pixels of the crop; returns `N x K x R x R`, or 0 for all.
        """
        return 0.0

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
    """
    The box that the network gives for the place (SiamRPN, section 4.3).

    The more a box differs from the target's in size and aspect, the less likely it is chosen; its
    size is followed as far as it is certain.
    """

    name = 'network'

    def penalties(self, boxes: np.ndarray | None, width: float, height: float) -> Any:
        """Penalise changes of the size with its context, and of the aspect."""
        if boxes is None:
            raise ValueError('tracking setting size network needs a model that gives boxes')
        w, h = boxes[:, :, 2], boxes[:, :, 3]
        scale = np.log(_context_sides(w, h) / _context_sides(width, height))
        aspect = np.log(w / h * (height / width))
        change = np.exp(np.minimum(np.abs(scale) + np.abs(aspect), _LARGEST_CHANGE)) - 1
        return -self.settings.size_penalty * change

    def measure(self, image: np.ndarray, found: Sequence[Found]) -> list[Sized]:
        """Take the places of the network's boxes, and a part of the change of their sizes."""
        sized = []
        for one in found:
            if one.network_box is None:
                continue
            share = self.settings.size_rate * one.trust
            box, (height, width) = one.network_box, image.shape
            w = min((1 - share) * one.box.w + share * box.w, width)
            h = min((1 - share) * one.box.h + share * box.h, height)
            placed = within(image, Box.from_center(box.cx, box.cy, w, h))
            sized.append(Sized(self.limited(placed, one.track.first_box)))
        return sized


def _context_sides(width: Any, height: Any) -> Any:
    """Compute `context_side` for arrays."""
    context = (width + height) / 2
    return np.sqrt((width + context) * (height + context))


def within(image: np.ndarray, box: Box) -> Box:
    """Move a box whose centre lies outside of the image to the image's border."""
    height, width = image.shape
    return Box.from_center(
        min(max(box.cx, 0.0), width), min(max(box.cy, 0.0), height), box.w, box.h
    )
