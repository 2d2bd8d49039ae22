# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The VOT challenges, their thermal and long-term ones, and GOT-10k, whose files are alike."""

from __future__ import annotations

import configparser
from pathlib import Path
import re

import numpy as np

from ..base import listed, read_text
from ..folders import image_files
from .annotations import (
    ABSENT,
    parse_box,
    parse_numbers,
    read_boxes,
    read_labels,
    read_rows,
    report,
)
from .layout import first_folder, Found, has_images, Layout, matched, only_first
from .masks import box_of_line, is_mask, MaskLines
from .sequence import ImageFrames, Sequence

_IMAGES = ('.', 'ir', 'color')
_TRUTH = 'groundtruth.txt'


def _is_vot_like(folder: Path) -> bool:
    return (folder / _TRUTH).is_file() and first_folder(folder, _IMAGES) is not None


def _is_vot(folder: Path) -> bool:
    named = re.search(r'vot[-_]?(st)?[-_]?20\d\d', folder.parent.name, re.IGNORECASE)
    return _is_vot_like(folder) and (bool(named) or has_images(folder / 'color'))


def _is_long_term(folder: Path) -> bool:
    """Tell the long-term sets by their name, or by absent targets and no tags."""
    if not _is_vot_like(folder):
        return False
    if re.search(r'vot.*lt|long[-_]?term', folder.parent.name, re.IGNORECASE):
        return True
    tagged = any(path.suffix in ('.label', '.tag') for path in listed(folder))
    return not tagged and 'nan' in read_text(folder / _TRUTH).lower()


def _parse(line: str, origin: int) -> tuple[float, float, float, float]:
    """Read a box, four corners, a mask or, in a line of one number, that there is no target."""
    if is_mask(line):
        x, y, w, h = box_of_line(line)
        return parse_box(f'{x} {y} {w} {h}')
    return ABSENT if len(parse_numbers(line)) == 1 else parse_box(line, origin)


def _read_vot(folder: Path) -> Found:
    """Read images, `groundtruth.txt` (boxes, polygons or masks) and one label file a tag."""
    truth, images = folder / _TRUTH, first_folder(folder, _IMAGES)
    assert images is not None
    frames, boxes = matched(truth, read_boxes(truth, parse=_parse), image_files(images))
    labels = [path for path in listed(folder) if path.suffix in ('.label', '.tag')]
    tags = {path.stem: read_labels(path, len(boxes)) for path in labels}
    yield Sequence(
        name=folder.name,
        frames=frames,
        boxes=boxes,
        polygons=_polygons(truth, len(boxes)),
        masks=_masks(truth, frames),
        tags=tags,
        attributes=tuple(name for name, values in tags.items() if values.any()),
        video=folder.name,
    )


def _masks(truth: Path, frames: ImageFrames) -> MaskLines | None:
    """Return the masks of VOT2020 and later; None where no line is one."""
    lines = read_rows(truth)[0][: len(frames)]
    if not any(map(is_mask, lines)):
        return None
    return MaskLines(tuple(line if is_mask(line) else '' for line in lines), frames[0].shape[:2])


def _polygons(truth: Path, count: int) -> np.ndarray | None:
    """Read corners as `N x 8`, nan where a line has none; None where all are upright boxes."""
    polygons = np.full((count, 8), np.nan)
    for index, line in enumerate(read_rows(truth)[0][:count]):
        try:
            values = parse_numbers(line)
        except ValueError:
            continue  # reported where the boxes were read
        if len(values) == 8:
            polygons[index] = values
    corners = polygons.reshape(-1, 4, 2)
    sides = np.abs(np.roll(corners, -1, axis=1) - corners).min(axis=2)
    return polygons if (sides > 1e-3).any() else None


VOT = Layout(
    'VOT',
    'images in color, groundtruth.txt of boxes, polygons or masks, *.tag or *.label',
    _is_vot,
    _read_vot,
    covers=('VOT-TIR',),
)
VOT_TIR = Layout(
    'VOT-TIR',
    'images in <sequence> or ir, groundtruth.txt of boxes or polygons, *.label or *.tag',
    _is_vot_like,
    _read_vot,
)
VOT_LT = Layout(
    'VOT-LT',
    'as VOT, nan where the target is absent and no tags, or a set whose name says LT (VOT2018-LT)',
    _is_long_term,
    _read_vot,
    covers=('VOT', 'VOT-TIR'),
)


def _is_got10k(folder: Path) -> bool:
    files = ('meta_info.ini', 'absence.label')
    return (folder / _TRUTH).is_file() and any((folder / f).is_file() for f in files)


def _read_got10k(folder: Path) -> Found:
    """Read GOT-10k; in its test split nothing but the first box is known."""
    truth, images = folder / _TRUTH, image_files(folder)
    frames, boxes = matched(truth, only_first(read_boxes(truth), len(images)), images)
    tags = {}
    for name in ('absence', 'cut_by_image'):
        path = folder / f'{name}.label'
        if path.is_file():
            tags[name] = read_labels(path, len(boxes))
    if 'absence' in tags:
        boxes[tags.pop('absence')] = np.nan
    cover = folder / 'cover.label'
    if cover.is_file():
        boxes[_uncovered(cover, len(boxes))] = np.nan
    yield Sequence(
        name=folder.name,
        frames=frames,
        boxes=boxes,
        class_name=_got10k_class(folder / 'meta_info.ini'),
        tags=tags,
        split=folder.parent.name,
        video=folder.name,
    )


def _uncovered(path: Path, count: int) -> np.ndarray:
    """Tell in which frames nothing of the target is visible: a cover (0 to 8) of 0."""
    uncovered = np.zeros(count, bool)
    lines = read_text(path).split()
    if len(lines) != count:
        report(path, None, f'{len(lines)} values for {count} frames')
    for index, line in enumerate(lines[:count]):
        uncovered[index] = line == '0'
    return uncovered


def _got10k_class(path: Path) -> str:
    if not path.is_file():
        return ''
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_text(path))
        return parser.get('METAINFO', 'object_class', fallback='')
    except configparser.Error as error:
        report(path, None, f'{error}; the class is left out'.replace('\n', ' '))
        return ''


GOT10K = Layout(
    'GOT-10k',
    'images in <sequence>, groundtruth.txt, meta_info.ini or absence.label; perhaps cover.label',
    _is_got10k,
    _read_got10k,
    covers=('VOT-LT', 'VOT', 'VOT-TIR'),
)
