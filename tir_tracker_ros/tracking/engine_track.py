# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""All that the engine knows of one target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..geometry import Box
from .redetection import Redetection
from .search_region import Pace
from .target_model import TargetFilter
from .track import Track


@dataclass(kw_only=True)
class EngineTrack(Track):
    """All that the engine knows of one target."""

    first_box: Box
    """Its box in the first image."""
    fill: float | None
    """What lies outside of the image; None for the nearest pixel."""
    template: Any
    """What the runtime compares search crops with."""
    size_memory: Any
    """What the way to follow the size remembers."""
    first_peaks: dict[int, float] = field(default_factory=dict)
    """Peak of the response in the first image, by the size of the search crop."""
    pace: Pace = field(default_factory=Pace)
    redetection: Redetection
    target_filter: TargetFilter | None = None
    """What the target model knows; None without one."""
    images: int = 0
    """Images since the first one."""
    search_size: int
    """Size of the search crop that shows the whole search region."""
    distractors: Any = None
    """What look-alikes were like so far, a template; None without any."""
    wide: int = 0
    """Size of the search crop while the network has lost the target, see `widest_search`; or 0."""
