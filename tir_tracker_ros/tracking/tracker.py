# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every single-object tracker of this package looks like: `init` once, `update` per image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..geometry import Box


@dataclass(frozen=True)
class Estimate:
    """Where a tracker believes the target to be in one image."""

    box: Box
    """Box in pixels of the image; always finite and of positive size."""
    score: float
    """How sure the tracker is, 0..1."""
    response: np.ndarray | None = None
    """Response map, `h x w` float32, for display; None where the tracker has none."""
    response_area: Box | None = None
    """The part of the image, in pixels, that the response map covers."""


class Tracker(Protocol):
    """A single-object tracker on gray float32 images `H x W`, 0..1."""

    name: str
    class_name: str
    """What the target looked like at its init; '' for a tracker that cannot or does not know."""

    def init(self, image: np.ndarray, box: Box) -> None:
        """Start to follow what `box` surrounds in `image`; forgets any earlier target."""

    def update(self, image: np.ndarray) -> Estimate:
        """Find the target in the next image."""
