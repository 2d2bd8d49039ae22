# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Files of results: one box a line in the coordinates of the set, as the benchmarks' toolkits do.

`nan,nan,nan,nan` says that there is no box. In a file of the supervised protocol a line may be a
code instead: 1 started here, 2 failed here, 0 skipped. Times in seconds lie beside, a line each,
in `<sequence>_time.txt`.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from ..sequences.benchmarks import Sequence
from ..sequences.benchmarks.annotations import read_lines
from .supervised import SupervisedRun, TRACKED


def one_pass_names(sequence: Sequence) -> list[str]:
    """Return the names under which a folder of results may hold a sequence's boxes."""
    return [f'{sequence.key}.txt', f'{sequence.name}.txt', f'{sequence.name}/{sequence.name}.txt']


def supervised_names(sequence: Sequence, repetition: int) -> list[str]:
    """Return the names under which a folder of results may hold a run of a sequence."""
    name = f'{sequence.name}_{repetition:03d}.txt'
    return [f'{sequence.dataset}/{name}', f'{sequence.name}/{name}', name]


def find(folder: Path, names: list[str]) -> Path | None:
    """Return the first of the files that is there."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def write(path: Path, lines: list[str]) -> None:
    """Write a file as a whole or not at all, so that a run may be stopped at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f'{path.name}.part')
    unfinished.write_text(''.join(f'{line}\n' for line in lines))
    os.replace(unfinished, path)


def write_boxes(path: Path, boxes: np.ndarray, origin: int) -> None:
    """Write `N x 4` boxes, 0-based, in coordinates whose first pixel is `origin`."""
    write(path, [_line(box, origin) for box in boxes])


def write_run(path: Path, run: SupervisedRun, origin: int) -> None:
    """Write a run of the supervised protocol."""
    events = zip(run.events, run.boxes)
    write(path, [_line(box, origin) if e == TRACKED else str(e) for e, box in events])


def write_times(boxes_path: Path, seconds: np.ndarray) -> None:
    """Write the seconds of every frame beside the file of boxes."""
    write(_times_path(boxes_path), [f'{value:.6f}' for value in seconds])


def _line(box: np.ndarray, origin: int) -> str:
    x, y, w, h = box
    return ','.join(f'{value:.3f}' for value in (x + origin, y + origin, w, h))


def read_result_boxes(path: Path, count: int, origin: int) -> np.ndarray:
    """
    Read the first `count` boxes, 0-based.

    Raises ValueError with file and line for what is no box, or when there are fewer.
    """
    lines = _lines(path, count)
    return np.array([_box(path, index, line, origin) for index, line in enumerate(lines)], float)


def read_run(path: Path, count: int, origin: int) -> SupervisedRun:
    """Read the first `count` frames of a run of the supervised protocol; errors as above."""
    boxes, events = np.full((count, 4), np.nan), np.full(count, TRACKED, np.uint8)
    for index, line in enumerate(_lines(path, count)):
        if line.strip() in ('0', '1', '2'):
            events[index] = int(line)
        else:
            boxes[index] = _box(path, index, line, origin)
    if not (events == 1).any():
        raise ValueError(f'{path}: no frame with code 1, so not of the supervised protocol')
    return SupervisedRun(events, boxes)


def _lines(path: Path, count: int) -> list[str]:
    lines = read_lines(path)
    if len(lines) < count:
        raise ValueError(f'{path}: {len(lines)} lines for {count} frames')
    return lines[:count]


def line_count(path: Path) -> int:
    """Return the number of frames that a file of results covers."""
    return len(read_lines(path))


def _box(path: Path, index: int, line: str, origin: int) -> tuple[float, ...]:
    parts = line.replace(',', ' ').replace(';', ' ').split()
    try:
        x, y, w, h = map(float, parts)
    except ValueError:
        raise ValueError(f"{path}:{index + 1}: '{line}' is not 'x,y,w,h'") from None
    return (x - origin, y - origin, w, h)


def read_times(boxes_path: Path, count: int) -> np.ndarray | None:
    """Read the first `count` seconds, beside the boxes or in got10k's `times`; None without."""
    beside = _times_path(boxes_path)
    for path in (beside, beside.parent / 'times' / beside.name):
        if path.is_file():
            try:
                return np.array([float(line) for line in read_lines(path)[:count]])
            except ValueError as error:
                raise ValueError(f'{path}: {error}') from None
    return None


def _times_path(boxes_path: Path) -> Path:
    return boxes_path.with_name(f'{boxes_path.stem}_time.txt')


def frame_rate(seconds: list[np.ndarray]) -> float:
    """Frames by time over all sequences; frames that took no time (starts) do not count."""
    spent = np.concatenate([*seconds, np.zeros(0)])
    spent = spent[np.isfinite(spent) & (spent > 0)]
    return float(len(spent) / spent.sum()) if len(spent) else math.nan
