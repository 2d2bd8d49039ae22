# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The interface of every tracker: it starts tracks, and updates all of them in an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..geometry import Box


@dataclass(frozen=True)
class Estimate:
    """Where a tracker believes a target to be in one image."""

    box: Box
    """Box in pixels of the image; always finite and of positive size."""
    score: float
    """How sure the tracker is, 0..1."""
    response: np.ndarray | None = None
    """Response map, `h x w` float32, for display; None where the tracker has none."""
    response_area: Box | None = None
    """The part of the image, in pixels, that the response map covers."""
    theta: float = 0.0
    """Rotation of the box around its centre, radians."""
    mask: np.ndarray | None = None
    """Which pixels belong to the target; None where the tracker has no masks."""
    calibrated: bool = True
    """Whether the score is calibrated; a target is never told `tracking` by one that is not."""


@dataclass
class Track:
    """All that is known of one target; trackers extend it by what they need."""

    box: Box
    """Last estimate of the target, pixels."""
    class_name: str = ''
    """What the target looked like at its start; '' where the tracker does not know."""


class Tracker(Protocol):
    """A tracker on gray float32 images `H x W`, 0..1; it keeps no target, the tracks do."""

    name: str
    device: str
    """What it runs on: `cpu`, `cuda` ..."""

    def start(self, image: np.ndarray, box: Box) -> Track:
        """
        Start a track on what `box` (pixels) surrounds.

        Raises ValueError for a box that is not finite or has no size.
        """

    def update(self, image: np.ndarray, tracks: Sequence[Track]) -> list[Estimate]:
        """Find the target of each track in the next image; changes the tracks."""
