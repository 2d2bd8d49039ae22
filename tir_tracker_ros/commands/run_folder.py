# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The folder of one run of `track` or `replay`: boxes.csv and annotated.mp4."""

from __future__ import annotations

from collections import deque
import csv
from pathlib import Path

from ..geometry import Box
from ..imaging.gain import GainControl
from ..imaging.overlay import draw_overlay
from ..imaging.thermal_image import ThermalImage
from ..sequences.videos import VideoWriter
from ..tracking.stream import StreamSettings
from ..tracking.target import Answer

COLUMNS = ('frame', 'stamp', 'x', 'y', 'w', 'h', 'score', 'state')


class BoxesWriter:
    """
    Write boxes.csv, one line for each answered image, at once.

    frame counts from 0, stamp is in nanoseconds, the box in pixels; score is empty while the
    target is lost, and the box then is the last estimate.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open('w', buffering=1, newline='')
        self._csv = csv.writer(self._file, lineterminator='\n')
        self._csv.writerow(COLUMNS)

    def write(self, frame: int, stamp: int, box: Box, score: float | None, state: str) -> None:
        """Append a line."""
        numbers = [f'{value:.3f}' for value in box]
        self._csv.writerow(
            [frame, stamp, *numbers, '' if score is None else f'{score:.4f}', state]
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class RunFolder:
    """
    The folder of a run; boxes.csv and annotated.mp4 of an earlier run are replaced.

    An answer may come some images late (an init that names an earlier image), so images wait for
    theirs, as many as the stream buffers, before they go into the video.
    """

    def __init__(self, folder: Path, rate: float, settings: StreamSettings) -> None:
        self.frames: list[int] = []
        """Frame numbers of the images, in the order in which the stream got them."""
        self.answered = 0
        self.lost = 0
        self._boxes = BoxesWriter(folder / 'boxes.csv')
        self._video = VideoWriter(folder / 'annotated.mp4', rate)
        self._gain = GainControl(settings.gain)
        self._waiting: deque[ThermalImage] = deque()
        self._patience = settings.buffer_size

    def image(self, frame: int, image: ThermalImage) -> None:
        """Take the next image that the stream gets, and its number in the recording."""
        self.frames.append(frame)
        self._waiting.append(image)
        self._draw_unanswered(self._patience)

    def answer(self, answer: Answer) -> None:
        """Take an answer of the stream."""
        self.answered += 1
        self.lost += answer.score is None
        number = self.frames[answer.index]
        self._boxes.write(number, answer.stamp, answer.box, answer.score, answer.state)
        self._draw_unanswered(len(self.frames) - answer.index)
        self._waiting.popleft()
        self._video.write(
            draw_overlay(
                answer.image01, answer.box, answer.state, answer.score, answer.id, answer.response
            )
        )

    def close(self) -> None:
        """Finish the files."""
        self._boxes.close()
        try:
            self._draw_unanswered(0)
        finally:
            self._video.close()

    def _draw_unanswered(self, keep: int) -> None:
        """Draw all waiting images but the last `keep`."""
        while len(self._waiting) > keep:
            image01 = self._gain(self._waiting.popleft())
            self._video.write(draw_overlay(image01, state='idle'))
