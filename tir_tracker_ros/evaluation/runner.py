# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Running a tracker over sequences: one-pass and supervised, resumable, with its time taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
import logging
from pathlib import Path
from time import perf_counter

import numpy as np

from ..geometry import Box, corners, hull
from ..imaging.gain import GainControl
from ..imaging.thermal_image import ThermalImage
from ..sequences.benchmarks import Sequence
from ..sequences.benchmarks.masks import encoded
from ..tracking.states import Thresholds
from ..tracking.track import Estimate, Track, Tracker
from . import results
from .metrics import has_size
from .supervised import (
    FAILED,
    overlaps,
    ProtocolSettings,
    SKIPPED,
    STARTED,
    SupervisedRun,
    TRACKED,
)
from .told_states import in_range, told_states

logger = logging.getLogger(__name__)

Progress = Callable[[int], object]
"""Called with the number of frames done since the last call."""


@dataclass(frozen=True)
class OnePassRun:
    """What a tracker answered over a sequence of N frames."""

    boxes: np.ndarray
    """`N x 4`; nan before the first frame with truth."""
    seconds: np.ndarray | None
    """Seconds inside `update`; 0 where it was not called. None where they are not known."""
    scores: np.ndarray | None = None
    """N scores; nan where there is none. None where they are not known."""
    states: np.ndarray | None = None
    """What the node tells in each frame, see `told_states`. None without scores in 0..1."""
    polygons: np.ndarray | None = None
    """`N x 8` corners, nan in frames with an upright box; None where all are upright."""
    masks: list[str] | None = None
    """N masks as lines, see `sequences.benchmarks.masks`; empty where there is none. None where
    the sequence or the tracker has no masks."""


def images(sequence: Sequence) -> Iterator[np.ndarray]:
    """Decode a sequence into the `H x W` float32 images, 0..1, that a tracker sees."""
    gain = GainControl()
    for index, pixels in enumerate(sequence.frames):
        yield gain(ThermalImage(pixels, stamp=index, encoding=str(pixels.dtype)))


def run_one_pass(
    tracker: Tracker, sequence: Sequence, progress: Progress | None = None
) -> OnePassRun:
    """Start on the first box of the truth and follow it to the end; decoding is not timed."""
    known = has_size(sequence.boxes)
    if not known.any():
        raise ValueError(f'{sequence.key}: no frame has a box to start on')
    first = int(np.argmax(known))
    boxes, seconds = np.full((len(sequence), 4), np.nan), np.zeros(len(sequence))
    scores, turned = np.full(len(sequence), np.nan), np.full((len(sequence), 8), np.nan)
    masks = [''] * len(sequence)
    track, with_masks = None, sequence.masks is not None
    for index, image in enumerate(images(sequence)):
        if index == first:
            track = _start(tracker, image, sequence, index)
            if track is None:
                break
            boxes[index] = sequence.boxes[index]
        elif track is not None:
            estimate, seconds[index] = _follow(tracker, image, track, with_masks)
            boxes[index], turned[index] = _told(estimate)
            scores[index] = estimate.score
            if with_masks and estimate.mask is not None:
                masks[index] = encoded(estimate.mask.pixels)
        if progress:
            progress(1)
    return OnePassRun(
        boxes,
        seconds,
        scores,
        polygons=turned if np.isfinite(turned).any() else None,
        masks=masks if any(masks) else None,
    )


def run_supervised(
    tracker: Tracker,
    sequence: Sequence,
    settings: ProtocolSettings,
    progress: Progress | None = None,
) -> tuple[SupervisedRun, np.ndarray]:
    """Follow, and start again some frames after each failure; returns the run and N seconds."""
    truth, known = sequence.boxes, has_size(sequence.boxes)
    boxes, seconds = np.full((len(sequence), 4), np.nan), np.zeros(len(sequence))
    polygons = np.full((len(sequence), 8), np.nan)
    events = np.full(len(sequence), SKIPPED, np.uint8)
    track, next_start = None, 0
    for index, image in enumerate(images(sequence)):
        if progress:
            progress(1)
        if track is not None:
            estimate, seconds[index] = _follow(tracker, image, track)
            box, turned = _told(estimate)
            size = (image.shape[1], image.shape[0]) if settings.bounded else None
            true = None if sequence.polygons is None else sequence.polygons[index, None]
            overlap = overlaps(truth[index, None], box[None], size, true, turned[None])[0]
            if known[index] and overlap <= 0:
                events[index] = FAILED
                track, next_start = None, index + settings.skip
            else:
                events[index], boxes[index], polygons[index] = TRACKED, box, turned
        elif index >= next_start and known[index]:
            track = _start(tracker, image, sequence, index)
            events[index] = STARTED
            if track is None:  # a start that is refused is a failure in the next frame
                next_start = index + 1 + settings.skip
                events[index + 1 : index + 2] = FAILED
    known_polygons = polygons if np.isfinite(polygons).any() else None
    return SupervisedRun(events, boxes, known_polygons), seconds


def _start(tracker: Tracker, image: np.ndarray, sequence: Sequence, index: int) -> Track | None:
    try:
        return tracker.start(image, Box(*sequence.boxes[index].tolist()))
    except ValueError as error:
        logger.warning('%s, frame %d: %s; counted as lost', sequence.key, index, error)
        return None


def _follow(
    tracker: Tracker, image: np.ndarray, track: Track, with_mask: bool = False
) -> tuple[Estimate, float]:
    """Return what is told, and the seconds that it took, the mask included if it is asked for."""
    begin = perf_counter()
    (estimate,) = tracker.update(image, [track])
    if with_mask and estimate.mask is not None:
        estimate.mask.pixels  # noqa: B018 (drawn now)
    return estimate, perf_counter() - begin


def _told(estimate: Estimate) -> tuple[np.ndarray, np.ndarray]:
    """Return the upright box around an estimate, and its corners; nan where it is not turned."""
    box, theta = estimate.box, estimate.theta
    if not theta:
        return np.array(tuple(box)), np.full(8, np.nan)
    return np.array(tuple(hull(box, theta))), corners(box, theta).ravel()


@dataclass
class Store:
    """
    The results of one tracker in a folder; the tracker runs where a result is missing.

    Without a tracker (`load` is None) the folder holds results of another program, and a missing
    result raises FileNotFoundError.
    """

    name: str
    folder: Path
    load: Callable[[], Tracker] | None = None
    fresh: bool = False
    """Whether to run again over sequences that have a result."""
    cut: bool = False
    """Whether sequences are cut, so that results of other programs may be longer."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """By which the scores make states."""
    calibrated: bool = True
    """Whether the scores are calibrated probabilities; others never make a target `tracking`."""
    _tracker: Tracker | None = None

    def one_pass(self, sequence: Sequence, progress: Progress | None = None) -> OnePassRun:
        """Return the one-pass result, read or run."""
        names = results.one_pass_names(sequence, self.name)
        path = self._kept(sequence, names, sequence.name)
        if path is None:
            run = run_one_pass(self._loaded(sequence, names), sequence, progress)
            path = self.folder / names[0]
            results.write_one_pass(
                path,
                run.boxes,
                run.seconds,
                run.scores,
                sequence.origin,
                run.polygons,
                run.masks,
            )
        elif progress:
            progress(len(sequence))
        # Read in either case: a run that is resumed gives the same numbers to the last digit.
        boxes = results.read_result_boxes(path, len(sequence), sequence.origin, self._longer)
        count = len(sequence)
        scores = results.read_scores(path, count)
        states = None
        if scores is not None and in_range(scores):
            first = int(np.argmax(has_size(sequence.boxes)))
            states = told_states(scores, first, self.thresholds, self.calibrated)
        return OnePassRun(
            boxes,
            results.read_times(path, count),
            scores,
            states,
            results.read_polygons(path, count, sequence.origin),
            results.read_masks(path, count) if sequence.masks is not None else None,
        )

    def supervised(
        self,
        sequence: Sequence,
        settings: ProtocolSettings,
        repetitions: int = 1,
        progress: Progress | None = None,
    ) -> tuple[list[SupervisedRun], list[np.ndarray]]:
        """
        Return the runs of the supervised protocol and their seconds, read or run.

        As in the challenges, three runs that are all the same stand for the rest.
        """
        runs: list[SupervisedRun] = []
        seconds: list[np.ndarray] = []
        for repetition in range(1, repetitions + 1):
            if repetition == 4 and all(_same(runs[0], run) for run in runs):
                break
            names = results.supervised_names(sequence, repetition)
            path = self._kept(sequence, names)
            if path is None and self.load is None and repetition > 1:
                break
            if path is None:
                tracker = self._loaded(sequence, names)
                run, spent = run_supervised(tracker, sequence, settings, progress)
                path = self.folder / names[0]
                results.write_times(path, spent)
                results.write_run(path, run, sequence.origin)
            elif progress:
                progress(len(sequence))
            runs.append(results.read_run(path, len(sequence), sequence.origin, self._longer))
            times = results.read_times(path, len(sequence))
            if times is not None:
                seconds.append(times)
        return runs, seconds

    def has(self, sequence: Sequence, protocol: str, repetitions: int = 1) -> bool:
        """Tell whether all results of a sequence are there, of up to three repetitions."""
        if protocol == 'one-pass':
            return self._kept(sequence, results.one_pass_names(sequence, self.name)) is not None
        numbers = range(1, min(repetitions, 3) + 1)
        names = (results.supervised_names(sequence, number) for number in numbers)
        return all(self._kept(sequence, each) is not None for each in names)

    def unload(self) -> None:
        """Let go of the tracker, with the memory that it holds."""
        self._tracker = None

    @property
    def _longer(self) -> bool:
        """Whether results may go on after the end of a sequence."""
        return self.cut or self.load is not None

    def _kept(self, sequence: Sequence, names: list[str], name: str | None = None) -> Path | None:
        if self.load is None:
            return results.find(self.folder, names, name)
        there = (self.folder / each for each in names if not self.fresh)
        path = next((path for path in there if path.is_file()), None)
        if path and results.line_count(path) < len(sequence):
            return None  # of a run over fewer frames
        return path

    def _loaded(self, sequence: Sequence, names: list[str]) -> Tracker:
        if self.load is None:
            raise FileNotFoundError(
                f'{self.name} has no results for {sequence.key}: none of {", ".join(names)} '
                f'in {self.folder}'
            )
        if self._tracker is None:
            self._tracker = self.load()
        return self._tracker


def _same(first: SupervisedRun, second: SupervisedRun) -> bool:
    return np.array_equal(first.events, second.events) and np.array_equal(
        first.boxes, second.boxes, equal_nan=True
    )
