# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is known of a target, what a tracker says of it in one image, and what a tracker is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ..geometry import Box


class Mask:
    """The pixels of a target, which are drawn when they are asked for; that costs time."""

    def __init__(self, draw: Callable[[], np.ndarray]) -> None:
        self._draw = draw

    @cached_property
    def pixels(self) -> np.ndarray:
        """Which pixels of the image are the target's, `H x W` bool."""
        return self._draw()


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
    """Rotation of the box about its centre, radians; positive is clockwise in the image."""
    mask: Mask | None = None
    """Pixels of the target; None where the tracker has no masks."""
    calibrated: bool = True
    """Whether the score is a calibrated probability; if not, it never makes a target tracked."""
    evidence: np.ndarray | None = None
    """What the score was made of, see `score.FEATURES`; None for trackers without calibration."""


@dataclass
class Track:
    """All that a tracker knows of one target; trackers extend it."""

    box: Box
    """Where the target was last, pixels of the image."""
    class_name: str = ''
    """What it looked like at its start; '' for a tracker that cannot or does not know."""


class Tracker(Protocol):
    """Follows targets in gray float32 images `H x W`, 0..1, and keeps none of them itself."""

    name: str
    device: str

    def start(self, image: np.ndarray, box: Box) -> Any:
        """
        Make the track of what `box` surrounds in `image`.

        Raises ValueError for a box that is not finite or has no size.
        """

    def update(self, image: np.ndarray, tracks: Sequence[Any]) -> list[Estimate]:
        """Find the targets of the tracks in the next image, and bring the tracks up to date."""
