# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A stream of images and the one target that is followed in it, from its init to its end.

Knows neither ROS nor a clock, so the node and `tir-tracker replay` give the same answers.
"""

from __future__ import annotations

from collections.abc import Callable
import logging
import time

import numpy as np

from ..imaging.gain import GainControl
from ..imaging.guard import FrameKind, FrozenFrameGuard, is_blank
from ..imaging.thermal_image import ThermalImage
from .clicks import init_at
from .frame_buffer import BufferedImage, FrameBuffer, seconds
from .inits import check_inside, checked, InitRefused, InitRequest, named
from .states import TargetState
from .stream_settings import StreamSettings
from .target import Answer, PROCESS_IDS, Status, Target, TargetIds
from .track import Tracker

_LOGGER = logging.getLogger(__name__)
_FROZEN_AFTER = 10
"""Repeated images after which the status says so; some drivers send each image three times."""


class Stream:
    """
    Follow one target at a time; every image is answered at most once, in order of arrival.

    `image` takes each image that is to be answered, `remember` those that came in between and
    were dropped; `init`, `reset` and `enable` steer. Each answer is handed to `on_answer` as soon
    as it is there. `status` changes only when state or reason do, and each change is handed to
    `on_status`; `warn` gets what the user should know. Not for use by two threads at once.
    """

    def __init__(
        self,
        tracker: Tracker,
        settings: StreamSettings | None = None,
        on_answer: Callable[[Answer], object] = lambda answer: None,
        warn: Callable[[str], object] = _LOGGER.warning,
        on_status: Callable[[Status], object] = lambda status: None,
        ids: TargetIds = PROCESS_IDS,
    ) -> None:
        self.tracker = tracker
        self.settings = settings or StreamSettings()
        self.status = Status('idle', 'no target yet')
        self._on_answer, self._warn, self._on_status = on_answer, warn, on_status
        self._ids = ids
        self._gain = GainControl(self.settings.gain)
        self._guard = FrozenFrameGuard(self.settings.gain.crop)
        self._buffer = FrameBuffer(self.settings.buffer_size)
        self._target: Target | None = None
        self._pending: InitRequest | None = None
        self._enabled = True
        self._last_answered = -1
        self._told_8bit = False

    @property
    def images(self) -> int:
        """Images taken so far, which is the index of the next one."""
        return self._buffer.count

    def change(self, settings: StreamSettings) -> None:
        """Take other settings, all but `buffer_size`, from the next image on."""
        if settings.gain != self.settings.gain:
            self._gain = GainControl(settings.gain)
            self._guard = FrozenFrameGuard(settings.gain.crop)
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

    def image(self, image: ThermalImage) -> bool:
        """
        Take the next image and answer it, unless there is no target; returns whether it was.

        There is more than one answer when an init that waited for its image starts at an earlier
        one. What the tracker or `on_answer` raises is passed on; an image on which the tracker
        failed is answered first, without a score.
        """
        self.remember(image)
        if image.pixels.dtype == np.uint8 and self.settings.radiometry and not self._told_8bit:
            self._told_8bit = True
            self._warn(
                'images are of 8 bits, which went through the gain control of the camera: '
                'no temperatures are measured in them'
            )
        if not self._enabled:
            return False
        if self._pending is not None:
            request, self._pending = self._pending, None
            try:
                images = self._images_of(request)
            except InitRefused as refusal:
                self._tell(self.status.state, str(refusal), refusal=True)
                self._warn(str(refusal))
            else:
                if images:
                    return self._begin(request, images)
                self._pending = request
        newest = self._buffer.newest
        if self._target is None or newest is None:
            return False
        return self._step(newest, self._target)

    def check(self, request: InitRequest) -> None:
        """Raise InitRefused for what `init` would refuse now; nothing changes."""
        self._images_of(checked(request, self.settings.smallest_side))

    def init(self, request: InitRequest) -> None:
        """
        Follow a new target; an earlier one ends.

        Starts on the first image at or after the stamp, 0 being the newest, and catches up with
        the images since: they are answered, except for those answered before. Where that image is
        still to come (or the stream is paused) the init waits for it.

        Raises InitRefused, naming the value, for a box or stamp that cannot be followed; what was
        followed before stays. What the tracker or `on_answer` raises for an image is passed on
        once all images have had their turn; the start is tried again with each image.
        """
        try:
            request = checked(request, self.settings.smallest_side)
            images = self._images_of(request) if self._enabled else []
        except InitRefused as refusal:
            self._tell(self.status.state, str(refusal), refusal=True)
            raise
        if self._pending is not None:
            self._warn(f'{named(self._pending)} gives way to a newer one, {named(request)}')
            self._pending = None
        if images:
            self._begin(request, images)
            return
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
        self._tell(self.status.state, f'{named(request)} {reason}')

    def click(self, x: float, y: float) -> None:
        """
        Follow what stands out, warm or cold, at a place in pixels of the newest image.

        Raises InitRefused, naming the place, where it cannot be followed; and what `init` raises.
        """
        settings = self.settings
        try:
            request = init_at(x, y, self._buffer.newest, settings.gain, settings.smallest_side)
        except InitRefused as refusal:
            self._tell(self.status.state, str(refusal), refusal=True)
            raise
        self.init(request)

    def reset(self, reason: str = 'reset') -> None:
        """Forget the target and a waiting init; also the gain and frozen-frame memory."""
        self._pending = None
        self._end(reason)

    def enable(self, on: bool) -> None:
        """Pause (no answers; target and frame buffer stay) or resume."""
        if on == self._enabled:
            return
        self._enabled = on
        state = self._target.state.name if on and self._target is not None else 'idle'
        self._tell(state, 'resumed' if on else 'paused')

    def _end(self, reason: str) -> None:
        self._target = None
        self._gain.restart()
        self._guard.restart()
        self._tell('idle', reason if self._enabled else f'{reason}; paused')

    def _images_of(self, request: InitRequest) -> list[BufferedImage]:
        """Find the image of the request and those since; empty where it has not come yet."""
        try:
            images = self._buffer.since(request.stamp)
        except LookupError as error:
            raise InitRefused(f'{named(request)} refused: {error.args[0]}') from None
        if images:
            first = images[0].image
            check_inside(request, first, self.settings.smallest_side)
            if is_blank(first.pixels, self.settings.gain.crop):
                raise InitRefused(
                    f'{named(request)} refused: the image of stamp {seconds(first.stamp)} is '
                    'blank (constant or without finite pixels)'
                )
        return images

    def _begin(self, request: InitRequest, images: list[BufferedImage]) -> bool:
        """Start on the first of the images and catch up; returns whether any was answered."""
        self._guard.restart()
        self._gain.restart()
        id = self._ids.take(request.id) if request.id else self._ids.make()
        stamp = seconds(images[0].image.stamp)
        state = TargetState(f'target {id}: {named(request)} on the image of {stamp}')
        self._target = target = Target(id, request.class_id, request.box, state)
        answered, failure = False, None
        for each in images:
            # A failure on one image must not leave those after it without an answer.
            try:
                answered |= self._step(each, target)
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return answered

    def _step(self, buffered: BufferedImage, target: Target) -> bool:
        """Follow the target into the next image and answer it; returns whether it was."""
        kind = self._guard(buffered.image)
        image01 = self._gain(buffered.image)
        target.repeats = target.repeats + 1 if kind is FrameKind.FROZEN else 0
        if kind is FrameKind.BLANK:
            # Nothing can be seen or learnt, and the score of the next image is judged as before.
            target.temperatures = None
            self._tell('lost', 'the image is blank (constant or without finite pixels)')
            return self._answer(buffered, target, image01, blank=True)
        if kind is FrameKind.FROZEN and not target.state.failing:
            # The same pixels give the same answer, and must not be learnt a second time.
            if target.repeats == _FROZEN_AFTER:
                self._tell(
                    target.state.name, f'the image has repeated itself {_FROZEN_AFTER} times'
                )
            return self._answer(buffered, target, image01)
        started, failure = time.perf_counter(), None
        try:
            target.follow(self.tracker, image01, self.settings.thresholds)
        except Exception as error:
            failure = error
        model_ms = (time.perf_counter() - started) * 1e3
        target.measure(buffered.image, self.settings.radiometry)
        self._tell(target.state.name, target.state.reason)
        answered = self._answer(buffered, target, image01, model_ms)
        if failure is not None:
            raise failure
        return answered

    def _answer(
        self,
        buffered: BufferedImage,
        target: Target,
        image01: np.ndarray,
        model_ms: float = 0.0,
        blank: bool = False,
    ) -> bool:
        """Hand out the answer for an image, unless it or a later one has been answered."""
        if buffered.index <= self._last_answered:
            return False
        self._last_answered = buffered.index
        self._on_answer(target.answer(buffered, image01, model_ms, blank))
        return True

    def _tell(self, state: str, reason: str, refusal: bool = False) -> None:
        details: dict[str, float | str] = {'images': self.images}
        if self._target is not None:
            details |= self._target.details()
        status = Status(state, reason, details, refusal)
        if status != self.status:
            self.status = status
            self._on_status(status)
