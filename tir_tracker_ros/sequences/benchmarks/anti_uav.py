# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Anti-UAV and Anti-UAV410: infrared videos or images with a JSON file of boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..base import read_text
from ..folders import image_files
from ..source import open_source
from .annotations import ABSENT, report
from .attributes import read_attributes
from .layout import first_file, first_folder, Found, Layout, matched
from .sequence import Frames, Sequence, VideoFrames

_LABELS = ('IR_label.json', 'infrared.json')
_VIDEOS = ('IR.mp4', 'infrared.mp4')
_IMAGES = ('.', 'infrared', 'IR')
_ATTRIBUTES = (
    'thermal_crossover', 'out_of_view', 'scale_variation', 'fast_motion', 'occlusion',
    'dynamic_background_clutter', 'tiny_size', 'small_size', 'medium_size', 'normal_size',
)  # fmt: skip


def _is_anti_uav(folder: Path) -> bool:
    return first_file(folder, _LABELS) is not None and (
        first_file(folder, _VIDEOS) is not None or first_folder(folder, _IMAGES) is not None
    )


def _read_anti_uav(folder: Path) -> Found:
    """Read the infrared part; frames without the target have `exist` 0."""
    label = first_file(folder, _LABELS)
    assert label is not None
    boxes = _boxes(label)
    images, video = first_folder(folder, _IMAGES), first_file(folder, _VIDEOS)
    frames: Frames
    if images is not None:
        frames, boxes = matched(label, boxes, image_files(images))
    else:
        assert video is not None
        length = open_source(video).length or len(boxes)
        if length < len(boxes):
            report(label, length, f'{len(boxes)} boxes for {length} images; cut to {length}')
        boxes = boxes[:length]
        frames = VideoFrames(video, 0, len(boxes))
    split = folder.parent.name
    attributes = folder.parents[1] / 'annos' / split / 'att' / f'{folder.name}.txt'
    yield Sequence(
        name=folder.name,
        frames=frames,
        boxes=boxes,
        attributes=read_attributes(attributes, _ATTRIBUTES) if attributes.is_file() else (),
        split=split if split in ('train', 'val', 'test') else '',
        video=folder.name,
    )


def _boxes(path: Path) -> np.ndarray:
    """Read `N x 4` boxes; nan where the target is absent. Raises ValueError that names `path`."""
    try:
        content = json.loads(read_text(path))
        exist, boxes = content['exist'], content['gt_rect']
    except json.JSONDecodeError as error:
        raise ValueError(f'{path}:{error.lineno}: {error.msg}') from None
    except (KeyError, TypeError):
        raise ValueError(f"{path}: no lists 'exist' and 'gt_rect'") from None
    if len(exist) != len(boxes):
        report(path, None, f"{len(exist)} values of 'exist' for {len(boxes)} boxes; cut")
    rows = [_box(path, index, *pair) for index, pair in enumerate(zip(exist, boxes))]
    return np.array(rows, float).reshape(-1, 4)


def _box(path: Path, index: int, exists: Any, box: Any) -> tuple[float, ...]:
    if not exists:
        return ABSENT
    try:
        x, y, w, h = (float(value) for value in box)
    except (TypeError, ValueError):
        report(path, None, f'frame {index}: {box} is not x, y, w, h; the frame is left out')
        return ABSENT
    return (x, y, w, h) if w > 0 and h > 0 else ABSENT


ANTI_UAV = Layout(
    'Anti-UAV',
    'IR.mp4 or infrared.mp4, or images, and IR_label.json or infrared.json (Anti-UAV, 410, 600); '
    'attributes in annos/<split>/att',
    _is_anti_uav,
    _read_anti_uav,
)
