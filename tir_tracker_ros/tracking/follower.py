# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The life of one target: from an init box, image by image, to its end.

Knows neither ROS nor a clock, so the node and `tir-tracker replay` give the same answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
import logging
import math
import time

import numpy as np

from ..geometry import Box
from ..imaging.gain import GainControl, GainSettings
from ..imaging.guard import FrameKind, FrozenFrameGuard
from ..imaging.thermal_image import ThermalImage
from .frame_buffer import Frame, FrameBuffer, seconds
from .tracker import Estimate, Tracker

_LOGGER = logging.getLogger(__name__)
_FROZEN_AFTER = 10
"""Repeated images after which the status says so; some drivers send each image three times."""


@dataclass(frozen=True)
class FollowerSettings:
    """When a target counts as lost, and what is kept. Raises ValueError naming a bad value."""

    gain: GainSettings = field(default_factory=GainSettings)
    """How counts become 0..1."""
    buffer_size: int = 30
    """Images kept, so that an init may name an earlier one by its stamp."""
    lost_below: float = 0.65
    """A score below this makes a target lost once it has lasted for `lost_after` images."""
    uncertain_below: float = 0.7
    """A score below this makes a target uncertain."""
    found_above: float = 0.75
    """A score from here on makes an uncertain or lost target tracked again."""
    lost_after: int = 5
    """Images in a row below `lost_below` after which a target is lost."""
    smallest_side: float = 4.0
    """Smallest side of an init box, pixels."""

    def __post_init__(self) -> None:
        low, middle, high = self.lost_below, self.uncertain_below, self.found_above
        if not 0 <= low <= middle <= high <= 1:
            raise ValueError(
                f'lost_below {low}, uncertain_below {middle} and found_above {high} are not '
                '0 <= lost_below <= uncertain_below <= found_above <= 1'
            )
        for name in ('buffer_size', 'lost_after'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} {getattr(self, name)} is not 1 or more')
        if not self.smallest_side > 0:
            raise ValueError(f'smallest_side {self.smallest_side} is not above 0')


@dataclass(frozen=True)
class InitRequest:
    """A box to follow."""

    box: Box
    """In pixels of the image; of the unrotated box where `theta` is given."""
    stamp: int = 0
    """The image that the box was drawn on, nanoseconds; 0 for the newest."""
    id: str = ''
    """Id that the target gets; one is made where it is empty."""
    class_id: str = ''
    """What the target is; travels to every answer. Where it is empty, the tracker may know."""
    theta: float = 0.0
    """Rotation of the box about its centre, radians; its axis-aligned hull is followed."""


@dataclass(frozen=True)
class Answer:
    """What there is to say about the target in one image."""

    stamp: int
    """Stamp of the image, nanoseconds."""
    index: int
    """Place of the image in the order of arrival, from 0."""
    box: Box
    """Box in pixels of the image; the last good one while the target is lost."""
    score: float | None
    """0..1; None while the target is lost."""
    state: str
    """'tracking', 'uncertain' or 'lost'."""
    id: str
    """Id of the target."""
    class_id: str
    """Class of the target, as the init gave it or else the tracker saw it; may be empty."""
    image01: np.ndarray
    """The image as the tracker saw it, `H x W` float32, 0..1."""
    response: np.ndarray | None = None
    """Response map, `h x w` float32; None where the tracker did not run."""
    response_area: Box | None = None
    """The part of the image that the response covers, pixels."""
    model_ms: float = 0.0
    """Time that the tracker took for this image, milliseconds."""


@dataclass(frozen=True)
class Status:
    """Where the life of the target stands."""

    state: str
    """'idle', 'tracking', 'uncertain' or 'lost'."""
    reason: str
    """Why, in words."""
    figures: dict[str, float | str] = field(default_factory=dict, compare=False)
    """Figures at the moment of the change."""


class InitRefused(ValueError):
    """An init that cannot be followed; the message names the value and what would do."""


class TargetIds:
    """Makes ids that are not made again, nor equal a number that an init brought before."""

    def __init__(self) -> None:
        self._next = 1

    def make(self) -> str:
        """Return a new id."""
        made, self._next = str(self._next), self._next + 1
        return made

    def take(self, id: str) -> str:
        """Return `id`, which an init brought, and never make it from now on."""
        if len(id) < 19 and id.isdecimal():
            self._next = max(self._next, int(id) + 1)
        return id


PROCESS_IDS = TargetIds()
"""Ids for the life of the process: no reset and no new follower starts them anew."""


@dataclass
class _Target:
    id: str
    class_id: str
    estimate: Estimate
    """The last one."""
    good_box: Box
    """The last one that did not look lost."""
    reason: str
    """Why it is in its state."""
    state: str = 'tracking'
    low_scores: int = 0
    """Images in a row with a score below `lost_below`."""
    repeats: int = 0
    """Images in a row that repeat the one before."""


class Follower:
    """
    Follow one target at a time; every image is answered at most once, in order of arrival.

    `image` takes each image that is to be answered, `remember` those that came in between and
    were dropped; `init`, `reset` and `enable` steer. `status` changes only when state or reason
    do, and each change is handed to `on_status`; `warn` gets what the user should know. Not for
    use by two threads at once.
    """

    def __init__(
        self,
        tracker: Tracker,
        settings: FollowerSettings | None = None,
        warn: Callable[[str], object] = _LOGGER.warning,
        on_status: Callable[[Status], object] = lambda status: None,
        ids: TargetIds = PROCESS_IDS,
    ) -> None:
        self.tracker = tracker
        self.settings = settings or FollowerSettings()
        self.status = Status('idle', 'no target yet')
        self._warn, self._on_status, self._ids = warn, on_status, ids
        self._gain = GainControl(self.settings.gain)
        self._guard = FrozenFrameGuard()
        self._buffer = FrameBuffer(self.settings.buffer_size)
        self._target: _Target | None = None
        self._pending: InitRequest | None = None
        self._enabled = True
        self._last_answered = -1

    @property
    def images(self) -> int:
        """Images taken so far, which is the index of the next one."""
        return self._buffer.count

    def change(self, settings: FollowerSettings) -> None:
        """Take other settings, all but `buffer_size`, from the next image on."""
        if settings.gain != self.settings.gain:
            self._gain = GainControl(settings.gain)
        self.settings = settings

    def remember(self, image: ThermalImage) -> None:
        """Keep an image that will not be answered, for an init that names it."""
        last = self._buffer.newest
        if last is not None and image.stamp < last.image.stamp:
            self._warn(
                f'stamps jump back from {seconds(last.image.stamp)} to {seconds(image.stamp)}: '
                'earlier images can no longer be named by an init; the target stays'
            )
        if last is not None and image.pixels.shape != last.image.pixels.shape:
            self._buffer.clear()
            if self._target is not None:
                self._end(
                    f'image size changed from {last.image.width} x {last.image.height} to '
                    f'{image.width} x {image.height} pixels'
                )
        self._buffer.add(image)

    def image(self, image: ThermalImage) -> list[Answer]:
        """
        Take the next image and answer it; no answer while there is no target.

        More than one answer comes when an init that waited for its image starts at an earlier
        one. Whatever the tracker raises is passed on.
        """
        self.remember(image)
        if not self._enabled:
            return []
        if self._pending is not None:
            request, self._pending = self._pending, None
            try:
                answers = self._begin(request)
            except InitRefused as refusal:
                self._tell(self.status.state, str(refusal))
                self._warn(str(refusal))
            else:
                if answers is not None:
                    return answers
                self._pending = request
        newest = self._buffer.newest
        if self._target is None or newest is None:
            return []
        return self._reported(newest, self._step(newest, self._target))

    def init(self, request: InitRequest) -> list[Answer]:
        """
        Follow a new target; an earlier one ends.

        Starts on the first image at or after the stamp, 0 being the newest, and catches up with
        the images since: their answers are returned, except for those answered before. Where
        that image is still to come (or the follower is paused) the init waits for it.
        Raises InitRefused, naming the value, for a box or stamp that cannot be followed; what
        was followed before stays.
        """
        try:
            request = _checked(request, self.settings.smallest_side)
            answers = self._begin(request) if self._enabled else None
        except InitRefused as refusal:
            self._tell(self.status.state, str(refusal))
            raise
        if self._pending is not None:
            self._warn(f'{_named(self._pending)} gives way to a newer one, {_named(request)}')
            self._pending = None
        if answers is not None:
            return answers
        self._pending = request
        newest = self._buffer.newest
        if not self._enabled:
            reason = 'waits until the tracker is enabled'
        elif newest is None:
            reason = 'waits for the first image'
        else:
            reason = (
                f'waits for an image of stamp {seconds(request.stamp)}; '
                f'the newest is {seconds(newest.image.stamp)}'
            )
        self._tell(self.status.state, f'{_named(request)} {reason}')
        return []

    def reset(self, reason: str = 'reset') -> None:
        """Forget the target and a waiting init; also the gain and frozen-frame memory."""
        self._pending = None
        self._end(reason)

    def enable(self, on: bool) -> None:
        """Pause (no answers; target and frame buffer stay) or resume."""
        if on == self._enabled:
            return
        self._enabled = on
        state = self._target.state if on and self._target is not None else 'idle'
        self._tell(state, 'resumed' if on else 'paused')

    def _end(self, reason: str) -> None:
        self._target = None
        self._gain.restart()
        self._guard.restart()
        self._tell('idle', reason)

    def _begin(self, request: InitRequest) -> list[Answer] | None:
        """Start on the image of the request and catch up; None when it has not come yet."""
        try:
            frames = self._buffer.since(request.stamp)
        except LookupError as error:
            raise InitRefused(f'{_named(request)} refused: {error.args[0]}') from None
        if not frames:
            return None
        first, *rest = frames
        _check_inside(request, first.image, self.settings.smallest_side)
        guard = FrozenFrameGuard()
        if guard(first.image) is FrameKind.BLANK:
            raise InitRefused(
                f'{_named(request)} refused: the image of stamp {seconds(first.image.stamp)} is '
                'blank (constant or without finite pixels)'
            )
        self._guard = guard
        self._gain.restart()
        image01 = self._gain(first.image)
        started = time.perf_counter()
        try:
            self.tracker.init(image01, request.box)
        except Exception:
            self._end(f'the tracker failed on {_named(request)}')
            raise
        model_ms = (time.perf_counter() - started) * 1e3
        id = self._ids.take(request.id) if request.id else self._ids.make()
        reason = f'target {id}: {_named(request)} on the image of {seconds(first.image.stamp)}'
        class_id = request.class_id or self.tracker.class_name
        target = _Target(id, class_id, Estimate(request.box, 1.0), request.box, reason)
        self._target = target
        self._tell('tracking', reason)
        answers = self._reported(first, self._answer(first, target, image01, model_ms))
        for frame in rest:
            answers += self._reported(frame, self._step(frame, target))
        return answers

    def _reported(self, frame: Frame, answer: Answer) -> list[Answer]:
        """Let an answer out unless this image, or a later one, has been answered."""
        if frame.index <= self._last_answered:
            return []
        self._last_answered = frame.index
        return [answer]

    def _step(self, frame: Frame, target: _Target) -> Answer:
        kind = self._guard(frame.image)
        image01 = self._gain(frame.image)
        target.repeats = target.repeats + 1 if kind is FrameKind.FROZEN else 0
        if kind is FrameKind.BLANK:
            # Nothing can be seen, and nothing is learnt; what follows is judged as before.
            self._tell('lost', 'the image is blank (constant or without finite pixels)')
            return self._answer(frame, target, image01, blank=True)
        if kind is FrameKind.FROZEN:
            # The same pixels give the same answer, and must not be learnt a second time.
            if target.repeats == _FROZEN_AFTER:
                self._tell(target.state, f'the image has repeated itself {_FROZEN_AFTER} times')
            return self._answer(frame, target, image01)
        started = time.perf_counter()
        estimate = self.tracker.update(image01)
        model_ms = (time.perf_counter() - started) * 1e3
        if not (_is_sound(estimate.box) and math.isfinite(estimate.score)):
            estimate = Estimate(target.good_box, 0.0)
        self._judge(target, estimate)
        return self._answer(frame, target, image01, model_ms)

    def _judge(self, target: _Target, estimate: Estimate) -> None:
        """Move the target from state to state, with hysteresis, by its newest score."""
        settings, score, state = self.settings, estimate.score, target.state
        target.estimate = estimate
        target.low_scores = target.low_scores + 1 if score < settings.lost_below else 0
        if not target.low_scores:
            target.good_box = estimate.box
        if score >= settings.found_above:
            state, why = 'tracking', f'is at or above found_above {settings.found_above:g}'
        elif target.low_scores >= settings.lost_after and state != 'lost':
            state = 'lost'
            why = f'is the last of {target.low_scores} below lost_below {settings.lost_below:g}'
        elif score < settings.uncertain_below and state == 'tracking':
            state, why = 'uncertain', f'is below uncertain_below {settings.uncertain_below:g}'
        if state != target.state:
            target.state, target.reason = state, f'score {score:.3f} {why}'
        self._tell(target.state, target.reason)

    def _answer(
        self,
        frame: Frame,
        target: _Target,
        image01: np.ndarray,
        model_ms: float = 0.0,
        blank: bool = False,
    ) -> Answer:
        estimate = target.estimate
        lost = blank or target.state == 'lost'
        return Answer(
            stamp=frame.image.stamp,
            index=frame.index,
            box=target.good_box if lost else estimate.box,
            score=None if lost else min(max(estimate.score, 0.0), 1.0),
            state='lost' if lost else target.state,
            id=target.id,
            class_id=target.class_id,
            image01=image01,
            response=None if blank else estimate.response,
            response_area=None if blank else estimate.response_area,
            model_ms=model_ms,
        )

    def _tell(self, state: str, reason: str) -> None:
        figures: dict[str, float | str] = {'images': self.images}
        if self._target is not None:
            target = self._target
            figures |= {
                'id': target.id,
                'class_id': target.class_id,
                'score': target.estimate.score,
                **dict(zip('xywh', target.estimate.box)),
            }
        status = Status(state, reason, figures)
        if status != self.status:
            self.status = status
            self._on_status(status)


def _is_sound(box: Box) -> bool:
    return box.is_finite() and box.w > 0 and box.h > 0


def _named(request: InitRequest) -> str:
    return 'init box ' + ','.join(f'{value:g}' for value in request.box)


def _checked(request: InitRequest, smallest_side: float) -> InitRequest:
    """Check what needs no image, and turn a rotated box into its axis-aligned hull."""
    box, theta = request.box, request.theta
    if not (box.is_finite() and math.isfinite(theta)):
        turned = f' turned by {theta:g}' if theta else ''
        raise InitRefused(f'{_named(request)}{turned} refused: it is not finite')
    if box.w <= 0 or box.h <= 0:
        raise InitRefused(
            f'{_named(request)} refused: width {box.w:g} and height {box.h:g} have to be positive'
        )
    if min(box.w, box.h) < smallest_side:
        raise InitRefused(
            f'{_named(request)} refused: {box.w:g} x {box.h:g} pixels are too few to follow, both '
            f'sides have to be {smallest_side:g} or more'
        )
    cos, sin = abs(math.cos(theta)), abs(math.sin(theta))
    hull = Box.from_center(box.cx, box.cy, box.w * cos + box.h * sin, box.w * sin + box.h * cos)
    return replace(request, box=hull if theta else box, theta=0.0)


def _check_inside(request: InitRequest, image: ThermalImage, smallest_side: float) -> None:
    box = request.box
    size = f'the image of {image.width} x {image.height} pixels'
    if box.w > image.width or box.h > image.height:
        raise InitRefused(f'{_named(request)} refused: it is larger than {size}')
    inside = box.clipped(image.width, image.height)
    if not inside.area:
        raise InitRefused(f'{_named(request)} refused: it lies outside of {size}')
    if min(inside.w, inside.h) < smallest_side:
        raise InitRefused(
            f'{_named(request)} refused: only {inside.w:g} x {inside.h:g} pixels of it lie inside '
            f'of {size}, both sides have to be {smallest_side:g} or more'
        )
