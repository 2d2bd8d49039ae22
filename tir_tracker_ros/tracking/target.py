# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is known and told of a target: its id, the answer for an image, the status."""

from __future__ import annotations

from dataclasses import dataclass, field
import math

import numpy as np

from ..geometry import Box
from ..imaging.patch import patch_of
from ..imaging.radiometry import Radiometry, Temperatures
from ..imaging.thermal_image import ThermalImage
from .frame_buffer import BufferedImage
from .states import TargetState, Thresholds
from .track import Estimate, Mask, Track, Tracker


@dataclass(frozen=True)
class Answer:
    """What is told of the target in one image."""

    stamp: int
    """Stamp of the image, nanoseconds."""
    index: int
    """Place of the image in the order of arrival, from 0."""
    box: Box
    """Box in pixels of the image; the last good one while the target is lost."""
    score: float | None
    """0..1; None while the target is lost, and where the model failed."""
    state: str
    """'tracking', 'uncertain' or 'lost'."""
    id: str
    """Id of the target."""
    class_id: str
    """Class of the target: that of the init, or else what the tracker took it for; or empty."""
    image01: np.ndarray
    """The image as the tracker saw it, `H x W` float32, 0..1."""
    response: np.ndarray | None = None
    """Response map, `h x w` float32; None where the tracker did not run, or failed."""
    model_ms: float = 0.0
    """Time that the tracker took for this image, milliseconds."""
    temperatures: Temperatures | None = None
    """Inside of the box; None without radiometry, and where there is no score."""
    theta: float = 0.0
    """Rotation of the box about its centre, radians; positive is clockwise in the image."""
    mask: Mask | None = None
    """Pixels of the target; None where the tracker has no masks, and where there is no score."""


@dataclass(frozen=True)
class Status:
    """The present state, and why."""

    state: str
    """'idle', 'tracking', 'uncertain' or 'lost'."""
    reason: str
    """Why, in words."""
    details: dict[str, float | str] = field(default_factory=dict, compare=False)
    """Id, class, score, box and temperatures at the moment of the change; images so far."""
    refusal: bool = field(default=False, compare=False)
    """Whether all that is new is an init that was refused."""
    id: str = field(default='', compare=False)
    """Id of the target; empty for what concerns none, or all of them."""


@dataclass(eq=False)
class Target:
    """All that a stream knows of the target that it follows."""

    id: str
    class_id: str
    good_box: Box
    """The last box whose score was not below `lost_below`, pixels; that of the init at first."""
    good_theta: float = field(default=0.0, init=False)
    """Rotation of that box about its centre, radians."""
    state: TargetState
    first: np.ndarray | None = None
    """The image of the init, `H x W`, 0..1, until the tracker has started on it."""
    track: Track | None = None
    """None until the tracker has started."""
    repeats: int = 0
    """Images in a row that repeat the one before."""
    first_look: np.ndarray | None = None
    """What it looked like in its first image, 32 x 32; None until the tracker has started."""
    temperatures: Temperatures | None = None
    """Inside of the box in the last image; None where nothing could be measured."""

    def __post_init__(self) -> None:
        self.estimate = Estimate(self.good_box, 1.0)
        """The last one."""

    def begin(self, tracker: Tracker, image01: np.ndarray) -> bool:
        """
        Start on the target, unless that was done; returns whether it was on this very image.

        `image01` is the image of the init, or a later one where the start failed before. What the
        tracker raises is passed on.
        """
        first = image01 if self.first is None else self.first
        if self.track is not None:
            return False
        self.first = first
        self.track = tracker.start(first, self.good_box)
        self.class_id, self.first = self.class_id or self.track.class_name, None
        self.first_look = patch_of(first, self.good_box)
        return image01 is first

    def fail(self, error: Exception, thresholds: Thresholds) -> None:
        """Take note that the tracker failed: the target counts as not seen in this image."""
        self.estimate = Estimate(self.good_box, 0.0, theta=self.good_theta)
        cause = (str(error).splitlines() or [''])[0]
        self.state.fail(f'the model failed: {type(error).__name__}: {cause}', thresholds)

    def judge(self, estimate: Estimate, thresholds: Thresholds) -> None:
        """Take the estimate in a new image; one that is not finite counts as a score of 0."""
        box, numbers = estimate.box, (estimate.score, estimate.theta)
        if not (box.is_finite() and box.w > 0 and box.h > 0 and all(map(math.isfinite, numbers))):
            estimate = Estimate(self.good_box, 0.0, theta=self.good_theta)
        self.estimate = estimate
        self.state.judge(estimate.score, thresholds, estimate.calibrated)
        if not self.state.low_scores:
            self.good_box, self.good_theta = estimate.box, estimate.theta

    def measure(self, image: ThermalImage, radiometry: Radiometry | None) -> None:
        """Measure the temperatures inside of the box, unless the target is not seen there."""
        self.temperatures = None
        if radiometry is not None and self.state.name != 'lost' and not self.state.failing:
            self.temperatures = radiometry.measure(image, self.estimate.box, self.estimate.theta)

    def answer(
        self, buffered: BufferedImage, image01: np.ndarray, model_ms: float, blank: bool
    ) -> Answer:
        """Say where the target is; `blank`: nothing can be seen in the image."""
        lost = blank or self.state.name == 'lost'
        unseen = lost or self.state.failing
        return Answer(
            stamp=buffered.image.stamp,
            index=buffered.index,
            box=self.good_box if lost else self.estimate.box,
            score=None if unseen else min(max(self.estimate.score, 0.0), 1.0),
            state='lost' if lost else self.state.name,
            id=self.id,
            class_id=self.class_id,
            image01=image01,
            response=None if blank or self.state.failing else self.estimate.response,
            model_ms=model_ms,
            temperatures=None if unseen else self.temperatures,
            theta=self.good_theta if lost else self.estimate.theta,
            mask=None if unseen else self.estimate.mask,
        )

    def details(self) -> dict[str, float | str]:
        """Return what a status says of the target, by name."""
        return {
            'id': self.id,
            'class_id': self.class_id,
            'score': self.estimate.score,
            **dict(zip('xywh', self.estimate.box)),
            **({'theta': self.estimate.theta} if self.estimate.theta else {}),
            **(self.temperatures.named() if self.temperatures else {}),
        }


class TargetIds:
    """Makes ids, each only once, and none that an init has brought before as a number."""

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
"""Ids for the life of the process: neither a reset nor a new stream starts them anew."""
