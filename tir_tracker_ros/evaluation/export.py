# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results in the files that the public toolkits read, from those that an evaluation has kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
import zipfile

import numpy as np

from ..sequences.benchmarks import Sequence
from . import results
from .metrics import has_size
from .runner import OnePassRun, Store
from .supervised import ProtocolSettings

LONG_TERM = ('VOT-LT',)


def export_results(
    name: str,
    sequences: list[Sequence],
    stores: list[Store],
    protocols: tuple[str, ...],
    repetitions: int,
    folder: Path,
) -> None:
    """Write the runs of all trackers, in the set's own coordinates; `name` is one of `FORMATS`."""
    for store in stores:
        kept = replace(store, fresh=False)  # nothing is run a second time
        for sequence in sequences:
            if 'one-pass' in protocols:
                FORMATS[name](folder, store.name, sequence, kept.one_pass(sequence))
            if 'supervised' in protocols and name in ('pysot', 'vot'):
                _supervised(folder, kept, sequence, repetitions, name)
    if name == 'got10k':
        for store in stores:
            _pack(folder / 'GOT-10k' / store.name)


def _written(path: Path, sequence: Sequence, run: OnePassRun, times: bool = False) -> None:
    """Write the boxes; 0,0,0,0 where there is none, since not all toolkits read nan."""
    boxes = run.boxes.copy()
    first = int(np.argmax(has_size(sequence.boxes)))
    boxes[first] = sequence.boxes[first]
    boxes[~has_size(boxes)] = (-sequence.origin, -sequence.origin, 0, 0)
    if times and run.seconds is not None:
        seconds = path.with_name(f'{sequence.name}_time.txt')
        results.write(seconds, [f'{value:.6f}' for value in run.seconds])
    results.write_boxes(path, boxes, sequence.origin)


def _otb(folder: Path, tracker: str, sequence: Sequence, run: OnePassRun) -> None:
    _written(folder / sequence.dataset / tracker / f'{sequence.name}.txt', sequence, run)


def _got10k(folder: Path, tracker: str, sequence: Sequence, run: OnePassRun) -> None:
    inside = folder / 'GOT-10k' / tracker / sequence.name
    _written(inside / f'{sequence.name}_001.txt', sequence, run, times=True)


def _pack(folder: Path) -> None:
    """Pack a tracker's folder as the server of GOT-10k takes it."""
    with zipfile.ZipFile(folder.with_name(f'{folder.name}.zip'), 'w', zipfile.ZIP_DEFLATED) as to:
        for path in sorted(folder.rglob('*.txt')):
            to.write(path, path.relative_to(folder))


def _pysot(folder: Path, tracker: str, sequence: Sequence, run: OnePassRun) -> None:
    inside = folder / sequence.dataset / tracker
    if sequence.layout in LONG_TERM:
        _long_term(inside / 'longterm' / sequence.name, sequence, run)
    elif sequence.layout == 'GOT-10k':
        _written(inside / sequence.name / f'{sequence.name}_001.txt', sequence, run, times=True)
    else:
        _written(inside / f'{results.pysot_name(sequence)}.txt', sequence, run)


def _vot(folder: Path, tracker: str, sequence: Sequence, run: OnePassRun) -> None:
    if sequence.layout in LONG_TERM:
        _long_term(folder / tracker / 'longterm' / sequence.name, sequence, run)
    else:
        inside = folder / tracker / 'unsupervised' / sequence.name
        _long_term(inside, sequence, run)


def _long_term(folder: Path, sequence: Sequence, run: OnePassRun) -> None:
    """
    Write code 1 where the tracker starts and 0 where it has no box, and the confidences.

    Boxes that are turned are written as corners; for sequences with masks there are masks.
    """
    path = folder / f'{sequence.name}_001.txt'
    first = int(np.argmax(has_size(sequence.boxes)))
    boxes = results.lines_of_boxes(run.boxes, sequence.origin, run.polygons)
    usable = has_size(run.boxes)
    if run.masks is not None:
        boxes, usable = run.masks, np.array([bool(line) for line in run.masks])
    lines = [line if good else '0' for line, good in zip(boxes, usable)]
    lines[first] = '1'
    if run.scores is not None:
        results.write_scores(path, run.scores)
    if run.seconds is not None:
        results.write_times(path, run.seconds)
    results.write(path, lines)


def _supervised(
    folder: Path, store: Store, sequence: Sequence, repetitions: int, name: str
) -> None:
    runs, seconds = store.supervised(sequence, ProtocolSettings(), repetitions)
    inside = folder / (sequence.dataset if name == 'pysot' else '') / store.name
    for number, run in enumerate(runs, start=1):
        path = inside / 'baseline' / sequence.name / f'{sequence.name}_{number:03d}.txt'
        if number <= len(seconds):
            results.write_times(path, seconds[number - 1])
        results.write_run(path, run, sequence.origin)


FORMATS: dict[str, Callable[[Path, str, Sequence, OnePassRun], None]] = {
    'pysot': _pysot,
    'got10k': _got10k,
    'vot': _vot,
    'otb': _otb,
}
