# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A stream of images and the targets that are followed in it, each from its init to its end.

Knows neither ROS nor a clock, so the node and `tir-tracker replay` give the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
import logging

from ..imaging.gain import GainControl
from ..imaging.guard import FrozenFrameGuard
from ..imaging.thermal_image import ThermalImage
from .clicks import init_at
from .frame_buffer import BufferedImage, FrameBuffer, seconds
from .inits import checked, images_of, InitRefused, InitRequest, named
from .several import check_room, Turns
from .states import TargetState
from .stream_settings import StreamSettings
from .target import Answer, PROCESS_IDS, Status, Target, TargetIds
from .targets import Targets
from .track import Tracker

_LOGGER = logging.getLogger(__name__)


class Stream:
    """
    Follow up to `max_targets` targets; every image is answered at most once, in order of arrival.

    `image` takes each image that is to be answered, `remember` those that came in between and
    were dropped; `init`, `click`, `cancel`, `reset` and `enable` steer. Each answer is handed to
    `on_answer` as soon as it is there, those of all targets in an image then to `on_image`. What
    is told of a target changes only when its state or reason do, and each change is handed to
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
        on_image: Callable[[list[Answer]], object] = lambda answers: None,
    ) -> None:
        self.tracker = tracker
        self.settings = settings or StreamSettings()
        self.enabled = True
        """Whether images are answered; else the stream is paused."""
        self._warn, self._ids = warn, ids
        self._gain = GainControl(self.settings.gain)
        self._guard = FrozenFrameGuard(self.settings.gain.crop)
        self.buffer = FrameBuffer(self.settings.buffer_size)
        """The last images."""
        self._targets = Targets(
            tracker, self.settings, self.buffer, on_answer, warn, on_status, on_image
        )
        self.waiting: list[InitRequest] = []
        """Inits whose image is still to come."""

    @property
    def images(self) -> int:
        """Images taken so far, which is the index of the next one."""
        return self.buffer.count

    @property
    def status(self) -> Status:
        """The last one that was told."""
        return self._targets.status

    @property
    def targets(self) -> list[Target]:
        """Those that are followed, the oldest first."""
        return self._targets.living

    @property
    def state(self) -> str:
        """The state of the target; of several, the best one; 'idle' without and while paused."""
        return self._targets.state if self.enabled else 'idle'

    def change(self, settings: StreamSettings) -> None:
        """Take other settings, all but `buffer_size` and `max_targets`, from the next image on."""
        if settings.gain != self.settings.gain:
            self._gain = GainControl(settings.gain)
            self._guard = FrozenFrameGuard(settings.gain.crop)
        self.settings = self._targets.settings = settings

    def remember(self, image: ThermalImage) -> None:
        """Keep an image that will not be answered, for an init that names it."""
        last = self.buffer.newest
        if last is not None and image.stamp < last.image.stamp:
            self._warn(
                f'stamps jump back from {seconds(last.image.stamp)} to {seconds(image.stamp)}: '
                'earlier images can no longer be named by an init; the target stays'
            )
        if last is not None and image.pixels.shape != last.image.pixels.shape:
            self.buffer.clear()
            if self.targets:
                self._end(
                    f'image size changed from {last.image.width} x {last.image.height} to '
                    f'{image.width} x {image.height} pixels'
                )
        self.buffer.add(image)

    def image(self, image: ThermalImage) -> bool:
        """
        Take the next image and answer it, unless there is no target; returns whether it was.

        There is more than one answer for a target when an init that waited for its image starts at
        an earlier one. What the tracker or `on_answer` raises is passed on; an image on which the
        tracker failed is answered first, without a score.
        """
        self.remember(image)
        if not self.enabled:
            return False
        turns = Turns()
        waiting, self.waiting = self.waiting, []
        for request in waiting:
            try:
                images = images_of(request, self.buffer, self.settings)
            except InitRefused as refusal:
                self._targets.tell(None, self.state, str(refusal), refusal=True)
                self._warn(str(refusal))
                continue
            if images:
                self._add(request, images, turns)
            else:
                self.waiting.append(request)
        if self.targets:
            newest = self.buffer.since(0)[-1]
            turns.take(lambda: self._targets.step(newest, self.targets, self._gain, self._guard))
        return turns.end()

    def check(self, request: InitRequest) -> None:
        """Raise InitRefused for what `init` would refuse now; nothing changes."""
        self._checked(request)

    def init(self, request: InitRequest) -> None:
        """
        Follow a new target.

        With `max_targets` 1, an earlier one ends; with more, only one of the same id. Starts on
        the first image at or after the stamp, 0 being the newest, and catches up with the images
        since: without another target they are answered, except for those answered before. Where
        that image is still to come (or the stream is paused) the init waits for it.

        Raises InitRefused, naming the value, for a box or stamp that cannot be followed, and where
        there is no room; what was followed before stays. What the tracker or `on_answer` raises
        for an image is passed on once all images have had their turn; the start is tried again
        with each image.
        """
        try:
            request, images = self._checked(request)
        except InitRefused as refusal:
            self._targets.tell(None, self.state, str(refusal), refusal=True)
            raise
        for each in list(self.waiting):
            if self.settings.max_targets == 1 or (request.id and each.id == request.id):
                self._warn(f'{named(each)} gives way to a newer one, {named(request)}')
                self.waiting.remove(each)
        if images:
            turns = Turns()
            target, gain, guard, alone = self._add(request, images, turns)
            turns.take(lambda: self._targets.step(images[-1], [target], gain, guard, alone))
            turns.end()
            return
        self.waiting.append(request)
        newest = self.buffer.newest
        if not self.enabled:
            reason = 'waits until the tracker is enabled'
        elif newest is None:
            reason = 'waits for the first image'
        else:
            reason = (
                f'waits for an image of stamp {seconds(request.stamp)}; '
                f'the newest is {seconds(newest.image.stamp)}'
            )
        self._targets.tell(None, self.state, f'{named(request)} {reason}')

    def init_together(self, requests: Sequence[InitRequest]) -> None:
        """Follow several new targets, answered together on the newest image; raises as `init`."""
        turns = Turns()
        for request in requests:
            request, images = self._checked(request)
            self._add(request, images, turns)
        turns.take(lambda: self._targets.step(images[-1], self.targets, self._gain, self._guard))
        turns.end()

    def click(self, x: float, y: float) -> None:
        """
        Follow what stands out, warm or cold, at a place in pixels of the newest image.

        Raises InitRefused, naming the place, where it cannot be followed; and what `init` raises.
        """
        settings = self.settings
        try:
            request = init_at(x, y, self.buffer.newest, settings.gain, settings.smallest_side)
        except InitRefused as refusal:
            self._targets.tell(None, self.state, str(refusal), refusal=True)
            raise
        self.init(request)

    def cancel(self, id: str = '') -> None:
        """
        Forget the target of an id, and an init of it that waits; all for an empty id.

        Raises LookupError, naming the ids that there are, for an unknown one.
        """
        ids = [target.id for target in self.targets] + [one.id for one in self.waiting if one.id]
        if id and id not in ids:
            raise LookupError(
                f"cancel of target '{id}' refused: there "
                + (f'are only {", ".join(ids)}' if ids else 'is no target with an id')
            )
        self.waiting = [one for one in self.waiting if id and one.id != id]
        others = [target for target in self.targets if id and target.id != id]
        if not others:
            self._end('cancelled')
        for target in self.targets:
            if target.id == id:
                self._targets.tell(target, 'idle', 'cancelled')
        self._targets.living = others

    def reset(self, reason: str = 'reset') -> None:
        """Forget all targets and waiting inits; also the gain and frozen-frame memory."""
        self.waiting = []
        self._end(reason)

    def enable(self, on: bool) -> None:
        """Pause (no answers; targets and frame buffer stay) or resume."""
        if on == self.enabled:
            return
        self.enabled = on
        reason = 'resumed' if on else 'paused'
        for target in self.targets:
            self._targets.tell(target, target.state.name if on else 'idle', reason)
        if not self.targets:
            self._targets.tell(None, 'idle', reason)

    def _end(self, reason: str) -> None:
        ended, self._targets.living = self._targets.living, []
        self._gain.restart()
        self._guard.restart()
        reason = reason if self.enabled else f'{reason}; paused'
        if self.settings.max_targets > 1:
            for target in ended:
                self._targets.tell(target, 'idle', reason)
        self._targets.tell(None, 'idle', reason)

    def _checked(self, request: InitRequest) -> tuple[InitRequest, list[BufferedImage]]:
        """Return what is followed and on which images; raises InitRefused."""
        request, limit = checked(request, self.settings.smallest_side), self.settings.max_targets
        if limit > 1:
            living = [target.id for target in self.targets]
            check_room(request, living, [one.id for one in self.waiting], limit)
        images = images_of(request, self.buffer, self.settings) if self.enabled else []
        return request, images

    def _add(
        self, request: InitRequest, images: list[BufferedImage], turns: Turns
    ) -> tuple[Target, GainControl, FrozenFrameGuard, bool]:
        """
        Make a target and catch up with all of the images but the last.

        Returns it with the gain and the guard for the last one, and whether it is the only target.
        """
        several = self.settings.max_targets > 1
        self._targets.living = [
            one for one in self._targets.living if several and one.id != request.id
        ]
        alone = not self._targets.living
        if alone:
            self._guard.restart()
            self._gain.restart()
            gain, guard = self._gain, self._guard
        else:
            # The other targets need their memory of the images as it is. Those of the catch-up are
            # not answered, since an image is answered for all targets together.
            gain, guard = copy(self._gain), FrozenFrameGuard(self.settings.gain.crop)
        id = self._ids.take(request.id) if request.id else self._ids.make()
        stamp = seconds(images[0].image.stamp)
        state = TargetState(f'target {id}: {named(request)} on the image of {stamp}')
        target = Target(id, request.class_id, request.box, state)
        self._targets.living.append(target)
        for each in images[:-1]:
            turns.take(partial(self._targets.step, each, [target], gain, guard, alone))
        return target, gain, guard, alone
