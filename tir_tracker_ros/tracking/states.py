# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""All that the score of an estimate decides, in one table, and the states told of a target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """
    Every threshold on a score, 0..1, and what it decides; the numbers of images belong to them.

    The defaults are made for calibrated scores. Raises ValueError naming a value out of range.
    """

    lost_below: float = 0.65
    """Told state: `lost_after` images in a row with a score below this make a target lost."""
    uncertain_below: float = 0.7
    """Told state: a score below this means uncertain, where tracked; from it on, none is lost."""
    found_above: float = 0.95
    """
    Told state: a score from here on makes an uncertain or lost target tracked again. It is much
    higher than `uncertain_below`: where a score fell and has come halfway back, the box may be on
    what had hidden the target.
    """
    lost_after: int = 5
    """Told state: images in a row below `lost_below` after which a target is lost."""
    learn_above: float = 0.75
    """Learning: template and recent references are only updated from this score on."""
    resize_above: float = 0.7
    """Size: the box keeps the size that it had while the score is below this."""
    steady_above: float = 0.7
    """Search region: a slow target is looked for nearby first after a score from here on."""
    search_below: float = 0.4
    """Redetection: `search_after` images in a row below this start a search of the image."""
    search_after: int = 5
    """Redetection: images in a row below `search_below` after which the search starts."""
    found_elsewhere_above: float = 0.92
    """
    Redetection: a box found elsewhere is taken for the target from this score on. It is high
    because to follow a wrong object is worse than to find none.
    """
    widen_below: float = 0.8
    """Wide search: with a probability, of the network itself, below this the box is kept."""
    narrow_above: float = 0.998
    """Wide search: it ends with a probability, of the network itself, above this."""

    def __post_init__(self) -> None:
        low, middle, high = self.lost_below, self.uncertain_below, self.found_above
        if not 0 <= low <= middle <= high <= 1:
            raise ValueError(
                f'lost_below {low}, uncertain_below {middle} and found_above {high} are not '
                '0 <= lost_below <= uncertain_below <= found_above <= 1'
            )
        for name in (
            'learn_above',
            'resize_above',
            'steady_above',
            'search_below',
            'found_elsewhere_above',
            'widen_below',
            'narrow_above',
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name} {getattr(self, name)} is not in 0..1')
        for name in ('lost_after', 'search_after'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} {getattr(self, name)} is not 1 or more')


class TargetState:
    """The state told of one target: `tracking`, `uncertain` or `lost`. Starts as `tracking`."""

    def __init__(self, reason: str) -> None:
        self.name = 'tracking'
        self.reason = reason
        """Why the target is in this state, in words."""
        self.low_scores = 0
        """Images in a row with a score below `lost_below`, or on which the model failed."""
        self.failing = False
        """Whether the model failed on the last image."""

    def fail(self, why: str, thresholds: Thresholds) -> None:
        """Take note that the model failed on an image, which counts as a score of 0; and why."""
        self.low_scores += 1
        lost = self.name == 'lost' or self.low_scores >= thresholds.lost_after
        self.name, self.reason, self.failing = 'lost' if lost else 'uncertain', why, True

    def judge(self, score: float, thresholds: Thresholds, calibrated: bool = True) -> None:
        """
        Go on to the state that the score, 0..1, of the next image asks for.

        The limits have hysteresis: between `uncertain_below` and `found_above` a target stays
        `tracking` or `uncertain`, as it was, and a lost one becomes `uncertain`.
        calibrated: whether the score is a calibrated probability; one that is not never makes a
        target `tracking`.
        """
        name, why = self.name, f'is below found_above {thresholds.found_above:g}'
        self.low_scores = self.low_scores + 1 if score < thresholds.lost_below else 0
        if score >= thresholds.found_above:
            name, why = 'tracking', f'is at or above found_above {thresholds.found_above:g}'
        elif self.low_scores >= thresholds.lost_after and name != 'lost':
            name = 'lost'
            why = f'is the last of {self.low_scores} below lost_below {thresholds.lost_below:g}'
        elif score >= thresholds.uncertain_below and name == 'lost':
            name = 'uncertain'
            why = f'is at or above uncertain_below {thresholds.uncertain_below:g}'
        elif score < thresholds.uncertain_below and name == 'tracking':
            name, why = 'uncertain', f'is below uncertain_below {thresholds.uncertain_below:g}'
        if name == 'tracking' and not calibrated:
            name, why = 'uncertain', 'is not calibrated'
        # What is told of a failure does not outlast it, even where the state does.
        if name != self.name or self.failing:
            self.failing = False
            self.name, self.reason = name, f'score {score:.3f} {why}'
