# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sets that are described by tables: videos with boxes, and stills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
import csv
from dataclasses import replace
import io
from pathlib import Path

import numpy as np

from ..base import read_text
from ..folders import image_files
from .annotations import ABSENT, read_boxes, report
from .layout import Found, Layout, leave_out
from .sequence import ImageFrames, Sequence, VideoFrames


# ------------------------------------------------------------------- sets: video and boxes
def _is_video_set(root: Path) -> bool:
    return (root / 'sequences.csv').is_file() and (root / 'boxes').is_dir()


def _read_video_set(root: Path) -> Found:
    """Read `sequences.csv`, `boxes/<sequence>.txt` and `videos/<video>`."""
    table = root / 'sequences.csv'
    for number, row in _rows(table, ('sequence', 'video', 'first_frame', 'frames')):
        try:
            first, count = int(row['first_frame']), int(row['frames'])
            video = _video_file(root / 'videos', row['video'])
            truth = root / 'boxes' / f'{row["sequence"]}.txt'
            boxes = read_boxes(truth)
            if first < 0 or count < 1 or len(boxes) != count:
                raise ValueError(
                    f'{count} frames from frame {first} on, and {len(boxes)} boxes in {truth.name}'
                )
        except (ValueError, OSError) as error:
            yield leave_out(table, number, row['sequence'], error)
            continue
        yield Sequence(
            name=row['sequence'],
            frames=VideoFrames(video, first, count),
            boxes=boxes,
            class_name=row.get('class') or '',
            attributes=tuple((row.get('attributes') or '').split()),
            split=row.get('split') or '',
            video=row['video'],
        )


def _rows(table: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and content of each row of a table that has all the columns filled."""
    reader = csv.DictReader(io.StringIO(read_text(table), newline=''))
    missing = set(columns) - set(reader.fieldnames or ())
    if missing:
        raise ValueError(f'{table}: no column {", ".join(sorted(missing))}')
    for row in reader:
        if all(row.get(column) for column in columns):
            yield reader.line_num, row
        else:
            report(table, reader.line_num, 'a field is empty; the row is left out')


def _video_file(folder: Path, name: str) -> Path:
    for path in (folder / name, *sorted(folder.glob(f'{name}.*'))):
        if path.is_file():
            return path
    raise FileNotFoundError(f"no video '{name}' in {folder}")


def sixteen_bit_copy(sequence: Sequence) -> Sequence:
    """Return the sequence with the untouched counts of its video set, where it has any."""
    frames = sequence.frames
    if not isinstance(frames, VideoFrames):
        return sequence
    counts = sorted((frames.path.parent.parent / 'videos16').glob(f'{frames.path.stem}.*'))
    return replace(sequence, frames=replace(frames, path=counts[0])) if counts else sequence


# ------------------------------------------------------------------- sets: stills with boxes
def _is_stills(root: Path) -> bool:
    return (root / 'boxes.csv').is_file() and (root / 'images').is_dir()


def _read_stills(root: Path) -> Found:
    """
    Read stills, as HIT-UAV comes: `tracks.csv`, then each object of `boxes.csv`.

    A track becomes a sequence of stills, an object a sequence of one frame.
    """
    present = {path.name: path for path in image_files(root / 'images')}
    if (root / 'tracks.csv').is_file():
        tracks = defaultdict(list)
        for path, row, box in _still_boxes(root / 'tracks.csv', ('track',), present):
            tracks[row['track']].append((path, row['class'], box))
        for track, entries in tracks.items():
            paths, names, boxes = zip(*entries)
            yield Sequence(
                name=f'track_{track}',
                frames=ImageFrames(paths),
                boxes=np.array(boxes, float),
                class_name=names[0],
                video=paths[0].stem.rpartition('_')[0],
            )
    counts: dict[str, int] = defaultdict(int)
    for path, row, box in _still_boxes(root / 'boxes.csv', (), present):
        counts[path.name] += 1
        yield Sequence(
            name=f'{path.stem}.{counts[path.name]}',
            frames=ImageFrames((path,)),
            boxes=np.array([box], float),
            class_name=row['class'],
            video=path.stem.rpartition('_')[0],
        )


def _still_boxes(
    table: Path, columns: tuple[str, ...], present: dict[str, Path]
) -> Iterator[tuple[Path, dict[str, str], tuple[float, ...]]]:
    for number, row in _rows(table, (*columns, 'image', 'class', 'x', 'y', 'w', 'h')):
        try:
            box: tuple[float, ...] = tuple(float(row[side]) for side in 'xywh')
        except ValueError:
            box = ABSENT
        if not np.isfinite(box).all() or box[2] <= 0 or box[3] <= 0:
            values = ','.join(row[side] for side in 'xywh')
            report(table, number, f"box '{values}' is not four numbers with a positive size")
        elif row['image'] not in present:
            report(table, number, f"no image '{row['image']}'; the box is left out")
        else:
            yield present[row['image']], row, box


VIDEO_SET = Layout(
    'video set',
    'sequences.csv, boxes/<sequence>.txt, videos/<video>',
    _is_video_set,
    _read_video_set,
    levels=0,
)
STILLS = Layout(
    'stills',
    'images/, boxes.csv (image, class, x, y, w, h), perhaps tracks.csv; as made from HIT-UAV',
    _is_stills,
    _read_stills,
    levels=0,
)
