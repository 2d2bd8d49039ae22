# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What concerns several targets of one stream: one pass for all, room, the same object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from .inits import InitRefused, InitRequest, named
from .states import Thresholds
from .target import Target
from .track import Tracker

_SAME_OBJECT = 0.6
"""Overlap from which two tracked targets are told to lie on the same object."""
_APART = 0.3
"""Overlap below which they are apart again."""


def follow(
    tracker: Tracker, targets: Sequence[Target], image01: np.ndarray, thresholds: Thresholds
) -> Exception | None:
    """
    Start on the targets, or find them in the next image `H x W`, 0..1, in one pass for all.

    Returns what the tracker raised first, or None. The targets that it was about count as not
    seen in this image; where a start failed, the next image is another chance for it.
    """
    failure, moving = None, []
    for target in targets:
        try:
            if target.begin(tracker, image01):
                target.judge(target.estimate, thresholds)
            else:
                moving.append(target)
        except Exception as error:
            target.fail(error, thresholds)
            failure = failure or error
    if moving:
        try:
            estimates = tracker.update(image01, [target.track for target in moving])
        except Exception as error:
            for target in moving:
                target.fail(error, thresholds)
            return failure or error
        for target, estimate in zip(moving, estimates):
            target.judge(estimate, thresholds)
    return failure


def check_room(
    request: InitRequest, living: Sequence[str], waiting: Sequence[str], max_targets: int
) -> None:
    """
    Raise InitRefused where there is no room for one more target.

    `living` and `waiting` are the ids of targets and of inits that wait; those replace what has
    the same id.
    """
    if request.id and (request.id in living or request.id in waiting):
        return
    taken = len(living) + sum(id not in living for id in waiting)
    if taken >= max_targets:
        raise InitRefused(
            f'{named(request)} refused: max_targets {max_targets} are followed, '
            f'{", ".join(living) or "none"}, or wait for their image; cancel one of them, or send '
            'its id to start it anew'
        )


class SameObject:
    """Notices that two targets have come to lie on the same object, once for each time."""

    def __init__(self) -> None:
        self._together: set[tuple[str, str]] = set()

    def look(self, targets: Sequence[Target]) -> list[str]:
        """Say which targets newly lie on the same object, also in the reason of their states."""
        told, pairs = [], set()
        for first, second in combinations(targets, 2):
            pair = first.id, second.id
            overlap = first.estimate.box.iou(second.estimate.box)
            tracked = first.state.name == second.state.name == 'tracking'
            if pair in self._together:
                if overlap >= _APART:
                    pairs.add(pair)
            elif tracked and overlap >= _SAME_OBJECT:
                pairs.add(pair)
                for one, other in ((first, second), (second, first)):
                    one.state.reason = (
                        f'lies on the same object as target {other.id}, overlap {overlap:.2f}'
                    )
                told.append(
                    f'targets {first.id} and {second.id} lie on the same object, overlap '
                    f'{overlap:.2f}; cancel one of them'
                )
        self._together = pairs
        return told


class Turns:
    """Gives each of several images its turn, also where one of them fails."""

    def __init__(self) -> None:
        self._failure: Exception | None = None
        self._answered = False

    def take(self, turn: Callable[[], bool]) -> None:
        """Call what answers an image and says whether it did."""
        try:
            self._answered |= turn()
        except Exception as error:
            self._failure = self._failure or error

    def end(self) -> bool:
        """Return whether any image was answered, or raise what failed first."""
        if self._failure is not None:
            raise self._failure
        return self._answered
