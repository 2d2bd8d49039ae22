# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The settings of a stream."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..imaging.gain import GainSettings
from ..imaging.radiometry import Radiometry
from .states import Thresholds


@dataclass(frozen=True)
class StreamSettings:
    """What is kept, accepted and told. Raises ValueError naming a bad value."""

    gain: GainSettings = field(default_factory=GainSettings)
    """How counts become 0..1."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """Scores that make a target tracked, uncertain or lost; the other limits are not used here."""
    buffer_size: int = 30
    """Images kept, so that an init may name an earlier one by its stamp."""
    smallest_side: float = 4.0
    """Smallest side of an init box, pixels."""
    radiometry: Radiometry | None = None
    """How counts become degrees Celsius; None where they are no temperatures."""
    max_targets: int = 1
    """Targets that are followed at once; with 1, each init replaces the target."""

    def __post_init__(self) -> None:
        if self.buffer_size < 1:
            raise ValueError(f'buffer_size {self.buffer_size} is not 1 or more')
        if self.max_targets < 1:
            raise ValueError(f'max_targets {self.max_targets} is not 1 or more')
        if not self.smallest_side > 0:
            raise ValueError(f'smallest_side {self.smallest_side} is not above 0')
