# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The folder of one run of `track` or `replay`: boxes.csv, annotated.mp4 and summary.json."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
import csv
from pathlib import Path
import time
from typing import Any

import numpy as np

from ..geometry import Box, corners
from ..imaging.gain import GainControl
from ..imaging.overlay import draw_overlay, TargetColors
from ..imaging.radiometry import NAMES as TEMPERATURES
from ..imaging.radiometry import Temperatures
from ..imaging.thermal_image import ThermalImage
from ..sequences.videos import VideoWriter
from ..tracking.stream_settings import StreamSettings
from ..tracking.target import Answer
from .output import BOXES, naming, write_summary

DRAWN = ('response', 'number', 'trail', 'mask')
"""
What the video may show beside the box: response map, number of the image, earlier centres, pixels
of the target.
"""
TRAIL = 30
"""Images whose centres the trail connects."""
COLUMNS = ('frame', 'stamp', 'x', 'y', 'w', 'h', 'score', 'state')
ROTATED = ('theta', 'x1', 'y1', 'x2', 'y2', 'x3', 'y3', 'x4', 'y4')
"""Columns of rotated boxes."""


class BoxesWriter:
    """
    Write boxes.csv, one line for each answered image, at once.

    frame counts from 0, stamp is in nanoseconds, the box in pixels; score is empty while the
    target is lost, and the box then is the last estimate. With `temperatures` there are columns
    for them, in degrees Celsius, empty where nothing could be measured; with `ids` one for the id.
    With `rotated`, x, y, w and h are those of the box before it is turned about its centre by
    theta, radians, clockwise in the image, and the corners of the turned box follow, from that
    which was the upper left one on.
    """

    def __init__(
        self, path: Path, temperatures: bool = False, ids: bool = False, rotated: bool = False
    ) -> None:
        self._temperatures = TEMPERATURES if temperatures else ()
        self._ids = ('id',) if ids else ()
        self._rotated = ROTATED if rotated else ()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open('w', buffering=1, newline='')
        self._csv = csv.writer(self._file, lineterminator='\n')
        self._csv.writerow(COLUMNS + self._rotated + self._temperatures + self._ids)

    def write(
        self,
        frame: int,
        stamp: int,
        box: Box,
        score: float | None,
        state: str,
        temperatures: Temperatures | None = None,
        id: str = '',
        theta: float = 0.0,
    ) -> None:
        """Append a line."""
        numbers = [f'{value:.3f}' for value in box]
        line = [frame, stamp, *numbers, '' if score is None else f'{score:.4f}', state]
        if self._rotated:
            line.append(f'{theta:.6f}')
            line += [f'{value:.3f}' for value in corners(box, theta).flat]
        measured = temperatures.named() if temperatures else {}
        line += [f'{measured[name]:.2f}' if measured else '' for name in self._temperatures]
        line += [id for _ in self._ids]
        with naming(self._path):
            self._csv.writerow(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class RunFolder:
    """
    The folder of a run; what an earlier run has left there is replaced.

    An answer may come some images late (an init that names an earlier image), so images wait for
    theirs, as many as the stream buffers, before they go into the video. `drawn` is what the video
    shows beside the box, of `DRAWN`; `facts` go into summary.json, which says from the beginning
    what the folder is of, and at the end how the run went.
    """

    def __init__(
        self,
        folder: Path,
        rate: float,
        settings: StreamSettings,
        drawn: Collection[str] = (),
        facts: Mapping[str, Any] | None = None,
        rotated: bool = False,
    ) -> None:
        self.folder = folder
        self.frames: list[int] = []
        """Frame numbers of the images, in the order in which the stream got them."""
        self.answered = 0
        self.lost = 0
        self._boxes = BoxesWriter(
            folder / BOXES, settings.radiometry is not None, settings.max_targets > 1, rotated
        )
        self._several, self._colors = settings.max_targets > 1, TargetColors()
        self._video = VideoWriter(folder / 'annotated.mp4', rate)
        self._gain = GainControl(settings.gain)
        self._waiting: deque[ThermalImage] = deque()
        self._patience = settings.buffer_size
        self._drawn, self._facts = drawn, dict(facts or {})
        self._trails: dict[str, deque[tuple[float, float]]] = {}
        self._started = time.perf_counter()
        self.summary: dict[str, Any] = {**self._facts, 'complete': False}
        """What summary.json says."""
        write_summary(folder, self.summary)

    def image(self, frame: int, image: ThermalImage) -> None:
        """Take the next image that the stream gets, and its number in the recording."""
        self.frames.append(frame)
        self._waiting.append(image)
        self._draw_unanswered(self._patience)

    def answers(self, answers: Sequence[Answer]) -> None:
        """Take the answers of the stream for all targets in an image."""
        number = self.frames[answers[0].index]
        for answer in answers:
            self.answered += 1
            self.lost += answer.score is None
            self._boxes.write(
                number,
                answer.stamp,
                answer.box,
                answer.score,
                answer.state,
                answer.temperatures,
                answer.id,
                answer.theta,
            )
        self._draw_unanswered(len(self.frames) - answers[0].index)
        self._waiting.popleft()
        self._video.write(self._drawing(answers, number))

    def _drawing(self, answers: Sequence[Answer], number: int) -> np.ndarray:
        """Draw the targets of an image over each other."""
        ids = [answer.id for answer in answers]
        colors = self._colors.of(ids) if self._several else [None]
        self._trails = {id: self._trails.get(id, deque(maxlen=TRAIL)) for id in ids}
        picture = answers[0].image01
        for answer, color in zip(answers, colors):
            first, trail = answer is answers[0], self._trails[answer.id]
            if answer.score is not None:
                trail.append((answer.box.cx, answer.box.cy))
            picture = draw_overlay(
                picture,
                answer.box,
                answer.state,
                answer.score,
                answer.id,
                answer.response if first and 'response' in self._drawn else None,
                trail if 'trail' in self._drawn else (),
                number if first and 'number' in self._drawn else None,
                answer.temperatures.median if answer.temperatures else None,
                color,
                answer.theta,
                answer.mask.pixels if answer.mask and 'mask' in self._drawn else None,
            )
        return picture

    def interrupt(self) -> None:
        """Forget the images that wait for an answer which will not come, once a target is set."""
        if self.answered and self._waiting:
            del self.frames[-len(self._waiting) :]
            self._waiting.clear()

    def close(self, complete: bool = True) -> None:
        """Finish the files, each of them also where another one cannot be finished."""
        seconds = time.perf_counter() - self._started
        self.summary = {
            **self._facts,
            'complete': complete,
            'images': len(self.frames),
            'answered': self.answered,
            'lost': self.lost,
            'share_lost': self.lost / self.answered if self.answered else None,
            'seconds': round(seconds, 3),
            'images_per_second': round(len(self.frames) / seconds, 2),
        }
        with ExitStack() as stack:
            stack.callback(write_summary, self.folder, self.summary)
            stack.callback(self._video.close)
            stack.callback(self._draw_unanswered, 0)
            stack.callback(self._boxes.close)

    def _draw_unanswered(self, keep: int) -> None:
        """Draw all waiting images but the last `keep`."""
        while len(self._waiting) > keep:
            number = self.frames[-len(self._waiting)]
            image01 = self._gain(self._waiting.popleft())
            number_drawn = number if 'number' in self._drawn else None
            self._video.write(draw_overlay(image01, state='idle', number=number_drawn))
