# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Files of results: one box a line in the coordinates of the set, as the benchmarks' toolkits do.

`nan,nan,nan,nan` says that there is no box. In a file of the supervised protocol a line may be a
code instead: 1 started here, 2 failed here, 0 skipped. A turned box is written as its corners.
Times in seconds lie beside, a line each, in `<sequence>_time.txt`, scores in
`<sequence>_confidence.value`, masks as VOT writes them in `<sequence>_masks.value`.
"""

from __future__ import annotations

from collections.abc import Iterable
import math
import os
from pathlib import Path

import numpy as np

from ..sequences.base import listed, read_text
from ..sequences.benchmarks import Sequence
from ..sequences.benchmarks.annotations import around_quadrangle, parse_numbers, read_rows
from .supervised import STARTED, SupervisedRun, TRACKED
from .vot_trajectory import read_trajectory


def one_pass_names(sequence: Sequence, tracker: str) -> list[str]:
    """
    Return the names under which a folder of results may hold a sequence's boxes.

    The first is ours; then those of OTB's kin, got10k and pysot, of VOT's long-term and
    unsupervised experiments, and of the TIR toolkits.
    """
    name = sequence.name
    names = [f'{sequence.key}.txt', f'{name}.txt', f'{name}/{name}.txt']
    inside = f'{name}/{name}_001'
    names += _text_or_binary(inside, f'longterm/{inside}', f'unsupervised/{inside}')
    names += [f'{name}_{tracker}.txt', f'{pysot_name(sequence)}.txt']
    return list(dict.fromkeys(names))


def _text_or_binary(*names: str) -> list[str]:
    """Return the files that vot-toolkit may write: text, or the binary form of newer versions."""
    return [f'{name}{suffix}' for name in names for suffix in ('.txt', '.bin')]


def pysot_name(sequence: Sequence) -> str:
    """Return what pysot calls a sequence: of two targets in a video of OTB, `Jogging-1`."""
    return sequence.name.replace('.', '-') if sequence.layout == 'OTB' else sequence.name


def supervised_names(sequence: Sequence, repetition: int) -> list[str]:
    """Return the names under which a folder of results may hold a run of a sequence."""
    name = f'{sequence.name}_{repetition:03d}'
    inside = f'{sequence.name}/{name}'
    names = _text_or_binary(inside, f'baseline/{inside}')
    return [f'{sequence.dataset}/{name}.txt', f'{name}.txt', *names]


def find(folder: Path, names: list[str], name: str | None = None) -> Path | None:
    """
    Return the file of results that is there under one of the names.

    With the `name` of a sequence also `<name>_<tracker>.txt`, if all files in the folder end in
    the name of the same tracker. Raises ValueError for several files with different content.
    """
    found = [folder / each for each in names if (folder / each).is_file()]
    if name is not None and not found:
        files = [path.stem for path in listed(folder) if path.suffix == '.txt']
        stems = [stem for stem in files if not stem.endswith('_time')]
        ends = {stem.removeprefix(name) for stem in stems if stem.startswith(f'{name}_')}
        found = [
            folder / f'{name}{end}.txt'
            for end in ends
            if not end[1:].isdecimal() and all(stem.endswith(end) for stem in stems)
        ]
    if len({path.read_bytes() for path in found}) > 1:
        several = ' and '.join(str(path) for path in found)
        raise ValueError(f'{several} differ: leave one of them in the folder')
    return found[0] if found else None


def write(path: Path, lines: list[str]) -> None:
    """Write a file as a whole or not at all, so that a run may be stopped at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f'{path.name}.part')
    unfinished.write_text(''.join(f'{line}\n' for line in lines))
    os.replace(unfinished, path)


def write_boxes(
    path: Path, boxes: np.ndarray, origin: int, polygons: np.ndarray | None = None
) -> None:
    """Write boxes as `lines_of_boxes` does."""
    write(path, lines_of_boxes(boxes, origin, polygons))


def lines_of_boxes(
    boxes: np.ndarray, origin: int, polygons: np.ndarray | None = None
) -> list[str]:
    """
    Return `N x 4` boxes, 0-based, as lines in coordinates whose first pixel is `origin`.

    Where `polygons` (`N x 8`) has no nan, the line holds its corners.
    """
    if polygons is None:
        return [_line(box, origin) for box in boxes]
    turned = np.isfinite(polygons).all(axis=1)
    return [
        _numbers(corners + origin) if there else _line(box, origin)
        for box, corners, there in zip(boxes, polygons, turned)
    ]


def write_run(path: Path, run: SupervisedRun, origin: int) -> None:
    """Write a run of the supervised protocol."""
    lines = lines_of_boxes(run.boxes, origin, run.polygons)
    write(path, [line if e == TRACKED else str(e) for e, line in zip(run.events, lines)])


def write_one_pass(
    path: Path,
    boxes: np.ndarray,
    seconds: np.ndarray | None,
    scores: np.ndarray | None,
    origin: int,
    polygons: np.ndarray | None = None,
    masks: list[str] | None = None,
) -> None:
    """Write a one-pass run, its boxes last, so that they stand for the whole of it."""
    if masks is not None:
        write(_masks_path(path), masks)
    if seconds is not None:
        write_times(path, seconds)
    if scores is not None:
        write_scores(path, scores)
    write_boxes(path, boxes, origin, polygons)


def write_scores(boxes_path: Path, scores: np.ndarray) -> None:
    """Write the score of every frame beside the boxes; an empty line where there is none."""
    lines = ['' if math.isnan(value) else f'{value:.6f}' for value in scores]
    write(_scores_path(boxes_path), lines)


def write_times(boxes_path: Path, seconds: np.ndarray) -> None:
    """Write the seconds of every frame beside the file of boxes."""
    write(_times_path(boxes_path), [f'{value:.6f}' for value in seconds])


def _line(box: np.ndarray, origin: int) -> str:
    x, y, w, h = box
    return _numbers((x + origin, y + origin, w, h))


def _numbers(values: Iterable[float]) -> str:
    return ','.join(f'{value:.3f}' for value in values)


_WRONG_COUNT = '{}: {} lines for {} frames; it takes one for each frame, also for the first'


def read_result_boxes(path: Path, count: int, origin: int, cut: bool = False) -> np.ndarray:
    """
    Read `count` boxes, 0-based; of corners `x1,y1,...,x4,y4` the box around them.

    `read_polygons` reads the corners themselves. Raises ValueError with file and line for what is
    no box, and when there are fewer or, unless `cut`, more.
    """
    lines = _lines(path, count)
    if any(line.strip() == '1' for _, line in lines):  # VOT: 1 is the start, 0 is no box
        lines = [(n, 'nan,nan,nan,nan' if s.strip() in ('0', '1') else s) for n, s in lines]
    boxes = [_box(path, number, line, origin) for number, line in lines[:count]]
    _refuse_more(path, len(lines), count, cut)
    return np.array(boxes, float)


def read_polygons(path: Path, count: int, origin: int) -> np.ndarray | None:
    """Read the corners, 0-based, `count x 8`, nan in lines of boxes; None where all are boxes."""
    polygons = np.full((count, 8), np.nan)
    for index, (_, line) in enumerate(_lines(path, count)[:count]):
        values = parse_numbers(line)
        if len(values) == 8:
            polygons[index] = np.array(values) - origin
    return polygons if np.isfinite(polygons).any() else None


def read_run(path: Path, count: int, origin: int, cut: bool = False) -> SupervisedRun:
    """Read `count` frames of a run of the supervised protocol; errors as above."""
    boxes, events = np.full((count, 4), np.nan), np.full(count, TRACKED, np.uint8)
    lines = _lines(path, count)
    for index, (number, line) in enumerate(lines[:count]):
        if line.strip() in ('0', '1', '2'):
            events[index] = int(line)
        else:
            boxes[index] = _box(path, number, line, origin)
    if not (events == STARTED).any():
        raise ValueError(f'{path}: no frame with code 1, so not of the supervised protocol')
    _refuse_more(path, len(lines), count, cut)
    return SupervisedRun(events, boxes, read_polygons(path, count, origin))


def _lines(path: Path, count: int) -> list[tuple[int, str]]:
    """Return the lines behind a header with their numbers; raises ValueError for too few."""
    lines, first = _rows(path)
    if len(lines) < count:
        raise ValueError(_WRONG_COUNT.format(path, len(lines), count))
    return list(enumerate(lines, start=first))


def _refuse_more(path: Path, found: int, count: int, cut: bool) -> None:
    if found > count and not cut:  # it may be the first line that is too many
        raise ValueError(_WRONG_COUNT.format(path, found, count))


def line_count(path: Path) -> int:
    """Return the number of frames that a file of results covers."""
    return len(_rows(path)[0])


def _rows(path: Path) -> tuple[list[str], int]:
    return (read_trajectory(path), 1) if path.suffix == '.bin' else read_rows(path)


def _box(path: Path, number: int, line: str, origin: int) -> tuple[float, ...]:
    try:
        values = parse_numbers(line)
        if len(values) == 8:
            values = around_quadrangle(values, line)
        x, y, w, h = values
    except ValueError:
        reason = "is not 'x,y,w,h' or four corners"
        raise ValueError(f"{path}:{number}: '{line}' {reason}") from None
    return (x - origin, y - origin, w, h)


def read_times(boxes_path: Path, count: int) -> np.ndarray | None:
    """
    Read the first `count` seconds, beside the boxes or in got10k's `times`; None without.

    Of several columns, one for each repetition, that of the repetition in the boxes' name is
    taken, or the first.
    """
    stem, _, number = boxes_path.stem.rpartition('_')
    repetition = int(number) if number.isdecimal() else 1
    beside = [_times_path(boxes_path), _times_path(boxes_path).with_suffix('.value')]
    if number.isdecimal():
        beside.append(boxes_path.with_name(f'{stem}_time.txt'))
    for path in (*beside, boxes_path.parent / 'times' / beside[0].name):
        if path.is_file():
            lines, first = read_rows(path)
            seconds: list[float] = []
            for line_number, line in enumerate(lines[:count], start=first):
                if not line.strip():  # vot-toolkit: nothing was measured
                    seconds.append(math.nan)
                    continue
                try:
                    columns = parse_numbers(line)
                except ValueError:
                    raise ValueError(f"{path}:{line_number}: '{line}' is not seconds") from None
                seconds.append(columns[repetition - 1 if repetition <= len(columns) else 0])
            return np.array(seconds, float)
    return None


def read_scores(boxes_path: Path, count: int) -> np.ndarray | None:
    """
    Read `count` scores beside the boxes, nan in empty lines; None where there is no such file.

    Raises ValueError, with file and line, for what is no number, and for too few lines.
    """
    path = _scores_path(boxes_path)
    if not path.is_file():
        return None
    lines = read_text(path).splitlines()
    if len(lines) < count:
        raise ValueError(f'{path}: {len(lines)} lines for {count} frames')
    scores = np.full(count, np.nan)
    for index, line in enumerate(lines[:count]):
        try:
            scores[index] = float(line) if line.strip() else math.nan
        except ValueError:
            raise ValueError(f"{path}:{index + 1}: '{line}' is no score") from None
    return scores


def read_masks(boxes_path: Path, count: int) -> list[str] | None:
    """
    Read the lines of `count` masks beside the boxes; None where there is no such file.

    Raises ValueError, with the file, for too few lines.
    """
    path = _masks_path(boxes_path)
    if not path.is_file():
        return None
    lines = read_text(path).splitlines()
    if len(lines) < count:
        raise ValueError(f'{path}: {len(lines)} lines for {count} frames')
    return lines[:count]


def _masks_path(boxes_path: Path) -> Path:
    return boxes_path.with_name(f'{boxes_path.stem}_masks.value')


def _scores_path(boxes_path: Path) -> Path:
    return boxes_path.with_name(f'{boxes_path.stem}_confidence.value')


def _times_path(boxes_path: Path) -> Path:
    return boxes_path.with_name(f'{boxes_path.stem}_time.txt')


def frame_rate(seconds: list[np.ndarray]) -> float:
    """Frames by time over all sequences; frames that took no time (starts) do not count."""
    spent = np.concatenate([*seconds, np.zeros(0)])
    spent = spent[np.isfinite(spent) & (spent > 0)]
    return float(len(spent) / spent.sum()) if len(spent) else math.nan
