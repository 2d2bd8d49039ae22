# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The targets that a stream follows: how they go from image to image, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import time

import numpy as np

from ..imaging.gain import GainControl
from ..imaging.guard import FrameKind, FrozenFrameGuard
from .frame_buffer import BufferedImage, FrameBuffer
from .several import follow, SameObject
from .stream_settings import StreamSettings
from .target import Answer, Status, Target
from .track import Tracker

_FROZEN_AFTER = 10
"""Repeated images after which the status says so; some drivers send each image three times."""


class Targets:
    """The targets of a stream, and the last status of each."""

    def __init__(
        self,
        tracker: Tracker,
        settings: StreamSettings,
        buffer: FrameBuffer,
        on_answer: Callable[[Answer], object],
        warn: Callable[[str], object],
        on_status: Callable[[Status], object],
        on_image: Callable[[list[Answer]], object],
    ) -> None:
        self.settings = settings
        self.status = Status('idle', 'no target yet')
        """The last one that was told."""
        self.living: list[Target] = []
        """Those that are followed, the oldest first."""
        self._told = {'': self.status}
        self._tracker, self._buffer = tracker, buffer
        self._on_answer, self._warn, self._on_status = on_answer, warn, on_status
        self._on_image = on_image
        self._same_object = SameObject()
        self._last_answered = -1
        self._told_8bit = False

    @property
    def state(self) -> str:
        """The state of the target, of several the best one; 'idle' without."""
        if self.settings.max_targets == 1:
            return self.status.state
        names = [target.state.name for target in self.living]
        return next((s for s in ('tracking', 'uncertain', 'lost') if s in names), 'idle')

    def step(
        self,
        buffered: BufferedImage,
        targets: Sequence[Target],
        gain: GainControl,
        guard: FrozenFrameGuard,
        answering: bool = True,
    ) -> bool:
        """Follow targets into the next image and answer it; returns whether it was."""
        if not (self._told_8bit or self.settings.radiometry is None):
            self._check_depth(buffered)
        kind, image01 = guard(buffered.image), gain(buffered.image)
        blank, frozen = kind is FrameKind.BLANK, kind is FrameKind.FROZEN
        # In a blank image nothing can be seen or learnt, and the score of the next image is judged
        # as before. The same pixels give the same answer, and must not be learnt a second time.
        seen = [one for one in targets if not blank and (one.state.failing or not frozen)]
        started = time.perf_counter()
        failure = follow(self._tracker, seen, image01, self.settings.thresholds) if seen else None
        model_ms = (time.perf_counter() - started) * 1e3 if seen else 0.0
        for text in self._same_object.look(self.living) if answering else ():
            self._warn(text)
        for target in targets:
            target.repeats = target.repeats + 1 if frozen else 0
            if blank:
                target.temperatures = None
                reason = 'the image is blank (constant or without finite pixels)'
                self.tell(target, 'lost', reason)
            elif target in seen:
                target.measure(buffered.image, self.settings.radiometry)
                self.tell(target, target.state.name, target.state.reason)
            elif target.repeats == _FROZEN_AFTER:
                reason = f'the image has repeated itself {_FROZEN_AFTER} times'
                self.tell(target, target.state.name, reason)
        answered = answering and buffered.index > self._last_answered
        if answered:
            self._last_answered = buffered.index
            answers = [
                one.answer(buffered, image01, model_ms if one in seen else 0.0, blank)
                for one in targets
            ]
            for answer in answers:
                self._on_answer(answer)
            self._on_image(answers)
        if failure is not None:
            raise failure
        return answered

    def _check_depth(self, buffered: BufferedImage) -> None:
        if buffered.image.pixels.dtype == np.uint8:
            self._told_8bit = True
            self._warn(
                'images are of 8 bits, which went through the gain control of the camera: '
                'no temperatures are measured in them'
            )

    def tell(self, target: Target | None, state: str, reason: str, refusal: bool = False) -> None:
        """Hand out what is new of a target, or with None of the stream."""
        single = self.settings.max_targets == 1
        if single and target is None and self.living:
            target = self.living[0]
        details: dict[str, float | str] = {'images': self._buffer.count}
        if target is not None:
            details |= target.details()
        status = Status(state, reason, details, refusal, target.id if target else '')
        key = '' if single else status.id
        if status != self._told.get(key):
            living = {'', *(one.id for one in self.living)}
            self._told = {id: told for id, told in self._told.items() if id in living}
            self._told[key] = self.status = status
            self._on_status(status)
