# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Videos of two trackers beside each other, on the sequences where they differ most."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
import math
from pathlib import Path
import sys

import cv2
import numpy as np
from tqdm import tqdm

from ..geometry import Box, iou
from ..imaging.overlay import draw_overlay
from ..sequences.benchmarks import Sequence
from ..sequences.videos import VideoWriter
from .metrics import has_size
from .report import Report
from .runner import images, OnePassRun, Store
from .told_states import STATES
from .tracker_metrics import sequence_names

COUNT = 3
"""Sequences of which there is a video."""
RATE = 25.0
"""Images a second of the videos; sequences do not tell their own."""
_WHITE, _STATELESS = (255, 255, 255), (255, 200, 60)
_LEAST_HEIGHT = 240
"""Pixels; smaller images are enlarged, so that what is written in them can be read."""


def most_different(report: Report, first: str, second: str, count: int = COUNT) -> list[int]:
    """
    Return the places of the sequences in which the success AUC differs most, the most first.

    Sequences without a score of either, or with the same of both, are left out.
    """
    apart = []
    of_first, of_second = (report['trackers'][name]['sequences'] for name in (first, second))
    for place, name in enumerate(of_first):
        difference = abs(of_first[name]['success_auc'] - of_second[name]['success_auc'])
        if math.isfinite(difference) and difference > 0:
            apart.append((-difference, place))
    return [place for _, place in sorted(apart)[:count]]


def write_side_by_side(
    report: Report, sequences: list[Sequence], first: Store, second: Store, folder: Path
) -> list[dict[str, str]]:
    """
    Write a video of each of these sequences into the folder, from the results that are kept.

    Returns name and file of each, the file relative to the folder above.
    """
    names = sequence_names(sequences)
    written = []
    for place in most_different(report, first.name, second.name):
        sequence = sequences[place]
        runs = {
            store.name: replace(store, fresh=False).one_pass(sequence) for store in (first, second)
        }
        path = folder / f'{first.name}_{second.name}' / f'{sequence.key}.mp4'
        _write(path, sequence, runs)
        written.append(
            {'sequence': names[place], 'file': path.relative_to(folder.parent).as_posix()}
        )
    return written


def _write(path: Path, sequence: Sequence, runs: dict[str, OnePassRun]) -> None:
    bar = tqdm(images(sequence), f'video of {sequence.name}', len(sequence), file=sys.stderr)
    with closing(VideoWriter(path, RATE)) as video:
        for index, image in enumerate(bar):
            video.write(side_by_side(image, sequence, runs, index))


def side_by_side(
    image: np.ndarray, sequence: Sequence, runs: dict[str, OnePassRun], index: int
) -> np.ndarray:
    """
    Draw what each tracker says of an image `H x W`, 0..1, beside each other.

    The truth is white; a tracker's box has the colour of its state. A line above has name and
    overlap. Returns blue-green-red uint8.
    """
    factor = max(1, math.ceil(_LEAST_HEIGHT / image.shape[0]))
    size = (image.shape[1] * factor, image.shape[0] * factor)
    image = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)
    truth = sequence.boxes[index] * factor
    halves = []
    for name, run in runs.items():
        half = image
        if has_size(truth[None])[0]:
            half = draw_overlay(half, Box(*truth.tolist()), state='', color=_WHITE)
        half = _with_estimate(half, run, index, factor)
        halves.append(np.vstack([_heading(name, sequence, run, index, size[0]), half]))
    gap = np.full((halves[0].shape[0], 2, 3), 255, np.uint8)
    return np.hstack([halves[0], gap, halves[1]])


def _with_estimate(half: np.ndarray, run: OnePassRun, index: int, factor: int) -> np.ndarray:
    box = run.boxes[index] * factor
    known = Box(*box.tolist()) if has_size(box[None])[0] else None
    state = '' if run.states is None or run.states[index] < 0 else STATES[run.states[index]]
    score = None if run.scores is None or math.isnan(run.scores[index]) else run.scores[index]
    if known is None and not state:
        return half if half.ndim == 3 else draw_overlay(half, state='')
    return draw_overlay(half, known, state=state, score=score, color=None if state else _STATELESS)


def _heading(name: str, sequence: Sequence, run: OnePassRun, index: int, width: int) -> np.ndarray:
    truth = sequence.boxes[index : index + 1]
    told = 'no truth'
    if has_size(truth)[0]:
        told = f'overlap {iou(truth, run.boxes[index : index + 1])[0]:.2f}'
    strip = np.zeros((22, width, 3), np.uint8)
    text = f'{name}   {told}   image {index}'
    cv2.putText(strip, text, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _WHITE, 1, cv2.LINE_AA)
    return strip
