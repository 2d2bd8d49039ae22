# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Starts targets on what a detector sends, while there is none or while one is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
import math

from ..geometry import Box
from ..imaging.gain import GainControl
from ..imaging.patch import likeness
from .inits import InitRefused, InitRequest
from .stream import Stream
from .target import Target

MODES = ('never', 'idle', 'lost')


@dataclass(frozen=True)
class Candidate:
    """An object that a detector has found."""

    box: Box
    """In pixels of the image."""
    score: float
    """How sure the detector is, 0..1; 0 where it does not say."""
    class_id: str = ''
    stamp: int = 0
    """Of its image, nanoseconds; 0 for the newest."""


@dataclass(frozen=True)
class CandidateSettings:
    """Which candidates may start a target, and when. Raises ValueError for an unknown mode."""

    auto_init: str = 'never'
    """'never', 'idle' (while there is no target), or 'lost' (while a target is lost, too)."""
    classes: tuple[str, ...] = ()
    """Classes that may; empty for all."""
    min_score: float = 0.5
    """Smallest score of the detector, 0..1."""
    min_likeness: float = 0.5
    """Smallest likeness, -1..1, to the first image of a lost target."""

    def __post_init__(self) -> None:
        if self.auto_init not in MODES:
            raise ValueError(f"auto_init '{self.auto_init}' is not one of {', '.join(MODES)}")


def start_on(
    candidates: Sequence[Candidate],
    stream: Stream,
    settings: CandidateSettings,
    warn: Callable[[str], object],
) -> None:
    """
    Start on the best of the candidates of one image, as far as the settings allow.

    Without a target and an init that waits, those with the highest scores become targets, as many
    as there is room for. A lost target starts anew on the candidate of its class that looks most
    like its first image. `warn` gets why a candidate was refused.
    """
    usable = []
    for one in candidates:
        if not (one.box.is_finite() and math.isfinite(one.score)):
            warn(f'candidate box {",".join(map(str, one.box))} left out: it is not finite')
        elif one.score >= settings.min_score and one.class_id in (
            settings.classes or (one.class_id,)
        ):
            usable.append(one)
    if settings.auto_init == 'never' or not usable:
        return
    if not stream.targets and not stream.waiting:
        best = sorted(usable, key=lambda one: -one.score)
        for one in best[: stream.settings.max_targets]:
            _init(InitRequest(one.box, one.stamp, class_id=one.class_id), stream, warn)
    elif settings.auto_init == 'lost':
        for target in [one for one in stream.targets if one.state.name == 'lost']:
            found = _most_like(target, usable, stream, settings, warn)
            if found is not None:
                usable = [one for one in usable if one is not found]
                request = InitRequest(found.box, found.stamp, target.id, target.class_id)
                _init(request, stream, warn)


def _init(request: InitRequest, stream: Stream, warn: Callable[[str], object]) -> None:
    try:
        stream.init(request)
    except InitRefused as refusal:
        warn(f'candidate: {refusal}')


def _most_like(
    target: Target,
    candidates: Sequence[Candidate],
    stream: Stream,
    settings: CandidateSettings,
    warn: Callable[[str], object],
) -> Candidate | None:
    """Return the candidate that looks most like the first image of the target, or None."""
    best, highest = None, settings.min_likeness
    gain = GainControl(replace(stream.settings.gain, smoothing=0.0))
    for one in candidates:
        if target.first_look is None or (
            target.class_id and one.class_id and one.class_id != target.class_id
        ):
            continue
        try:
            images = stream.buffer.since(one.stamp)
        except LookupError as error:
            warn(f'candidate for the lost target {target.id} left out: {error.args[0]}')
            continue
        if not images:
            continue  # its image is still to come, and so are the candidates after that
        like = likeness(target.first_look, gain(images[0].image), one.box)
        if like >= highest:
            best, highest = one, like
    return best
