# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What there is to be seen: the newest image with its targets, states, scores, rates, notices."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
import statistics
import threading
import time
from typing import Any

from ..imaging.overlay import STATE_COLORS, TargetColors
from .pictures import Picture, Seen

_RATE_SECONDS = 2.0
"""Rates are those of so long."""
_SCORES = 4000
"""Scores that are kept: a minute of two targets at 30 Hz."""
_NOTICES = 50
_AGAIN_SECONDS = 5.0
_STATES = 200
"""Targets whose state is kept."""


@dataclass
class _State:
    """What was told last of a target."""

    state: str = ''
    reason: str = ''
    temperature: float | None = None


@dataclass
class Mark:
    """How much of what adds up a viewer has got."""

    scores: int = 0
    notices: int = 0


class Rate:
    """Counts events a second."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=1000)

    def count(self, now: float) -> None:
        """Take note of an event."""
        self._times.append(now)

    def at(self, now: float) -> float:
        """Return events a second in the last two seconds."""
        recent = [moment for moment in self._times if now - moment <= _RATE_SECONDS]
        return len(recent) / _RATE_SECONDS


class Board:
    """
    Written by who follows, read by the viewers, each in threads of their own.

    `name` says what is watched. Whoever waits for news is called through `listeners`, in the
    thread of the writer, and has to return at once.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.listeners: list[Callable[[], None]] = []
        self.viewers = 0
        """Pages that are open."""
        self.limits: dict[str, int] = {}
        """`buffer_size` (images that an init may name) and `max_targets`, where known."""
        self.paused = False
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._picture: Picture | None = None
        self._seen: tuple[Seen, ...] = ()
        self._problem = ('', 0.0)
        self._states: dict[str, _State] = {}
        self._colors = TargetColors()
        self._images, self._answers = Rate(), Rate()
        self._latencies: deque[float] = deque(maxlen=30)
        self._scores: deque[tuple[float, str, float | None]] = deque(maxlen=_SCORES)
        self._notices: deque[tuple[float, str, bool]] = deque(maxlen=_NOTICES)
        self._scored = self._noticed = 0
        """How many there have been so far."""

    @property
    def picture(self) -> Picture | None:
        """The newest image that is to be seen."""
        return self._picture

    def arrived(self) -> None:
        """Take note that an image has come."""
        with self._lock:
            self._images.count(time.monotonic())

    def answered(self, seen: Sequence[Seen], latency: float | None = None) -> None:
        """Take the targets in an image, and how long after the image they came, seconds."""
        now = time.monotonic()
        with self._lock:
            self._answers.count(now)
            if latency is not None:
                self._latencies.append(latency)
            for one in seen:
                self._scores.append((round(now - self._began, 3), one.id, one.score))
            self._scored += len(seen)

    def show(self, picture: Picture) -> None:
        """Let an image be seen, with the targets in it."""
        with self._lock:
            self._picture, self._seen = picture, picture.seen
        self.tell()

    def state(
        self,
        id: str,
        state: str,
        reason: str,
        temperature: float | None = None,
        warn: bool = False,
    ) -> None:
        """
        Take the state of a target, or for an empty id of all, and tell why it is so.

        An idle target is one that has ended, but for the reason 'paused'.
        """
        with self._lock:
            self._states.pop(id, None)
            if state == 'idle' and id and reason == 'paused':
                state = 'paused'
            if state == 'idle':
                self._seen = tuple(one for one in self._seen if id and one.id != id)
                self._states = {one: self._states[one] for one in self._states if id}
            if state != 'idle' or not id:
                self._states[id] = _State(state, reason, temperature)
            while len(self._states) > _STATES:
                del self._states[next(iter(self._states))]
        whose = f'target {id} ' if id and f'target {id}' not in reason else ''
        self.notice(f'{whose}{state}: {reason}', warn)

    def temperature(self, id: str, celsius: float) -> None:
        """Take the present temperature of a target."""
        with self._lock:
            self._states.setdefault(id, _State()).temperature = celsius

    def notice(self, text: str, warn: bool = False) -> None:
        """Tell the viewers what has happened."""
        with self._lock:
            self._notices.append((round(time.monotonic() - self._began, 3), text, warn))
            self._noticed += 1
        self.tell()

    def problem(self, text: str) -> None:
        """Tell the viewers what is wrong; the same line again after some seconds only."""
        last, at = self._problem
        now = time.monotonic()
        if text != last or now - at > _AGAIN_SECONDS:
            self._problem = text, now
            self.notice(text, warn=True)

    def pause(self, on: bool) -> None:
        """Take note that images are no longer answered, or are again."""
        if on != self.paused:
            self.paused = on
            self.tell()

    def tell(self) -> None:
        """Call those who wait for news."""
        for listener in list(self.listeners):
            listener()

    def update(self, mark: Mark) -> dict[str, Any]:
        """Return all there is to be seen, ready for JSON, with what is new since `mark`."""
        now = time.monotonic()
        with self._lock:
            scores = _newest(self._scores, self._scored - mark.scores)
            notices = _newest(self._notices, self._noticed - mark.notices)
            mark.scores, mark.notices = self._scored, self._noticed
            targets = self._targets()
            whole = self._states.get('', _State('idle'))
            latency = statistics.median(self._latencies) if self._latencies else None
            return {
                'name': self.name,
                'now': round(now - self._began, 3),
                'targets': targets,
                'state': '' if targets else whole.state,
                'reason': whole.reason,
                'scores': scores,
                'notices': notices,
                'paused': self.paused,
                'viewers': self.viewers,
                'limits': self.limits,
                'rates': {
                    'images': self._images.at(now),
                    'answers': self._answers.at(now),
                    'latency_ms': latency and round(latency * 1e3, 1),
                },
            }

    def _targets(self) -> list[dict[str, Any]]:
        several = self.limits.get('max_targets', 1) > 1
        targets = []
        for one, color in zip(self._seen, self._colors.of([one.id for one in self._seen])):
            known = self._states.get(one.id, _State())
            state = _state(one, known.state)
            celsius = known.temperature if one.temperature is None else one.temperature
            targets.append(
                {
                    'id': one.id,
                    'class_id': one.class_id,
                    'score': one.score if one.score is None else round(one.score, 3),
                    'state': state,
                    'reason': known.reason,
                    'temperature': celsius if celsius is None else round(celsius, 1),
                    'color': _css(color if several else STATE_COLORS[state]),
                }
            )
        seen = {one.id for one in self._seen}
        targets += [
            {'id': id, 'score': None, 'state': known.state, 'reason': known.reason}
            for id, known in self._states.items()
            if known.state == 'paused' and id not in seen
        ]
        return targets


def _state(seen: Seen, told: str) -> str:
    """Return the state of a target in an image: what is seen there is newer than what was told."""
    if seen.score is None:
        return 'lost'
    return told if told in ('tracking', 'uncertain') else 'tracking'


def _newest(kept: deque, count: int) -> list:
    """Return the last `count`, or as many as there still are."""
    return list(islice(kept, max(len(kept) - count, 0), None))


def _css(color: tuple[int, int, int]) -> str:
    """Write blue, green and red as a style sheet does."""
    blue, green, red = color
    return f'#{red:02x}{green:02x}{blue:02x}'
