# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""OTB and the thermal sets with its layout: PTB-TIR and LSOTB-TIR."""

from __future__ import annotations

from pathlib import Path
import re

import numpy as np

from ..folders import image_files
from .annotations import read_boxes
from .attributes import read_attributes
from .layout import first_folder, Found, has_images, Layout, matched
from .sequence import Sequence

# OTB's annotations of these sequences begin or end within the images; the first and the last
# number in the names of the images.
OTB_RANGES = {
    'BlurCar1': (247, 988),
    'BlurCar3': (3, 359),
    'BlurCar4': (18, 397),
    'David': (300, 770),
    'Diving': (1, 215),
    'Football1': (1, 74),
    'Freeman3': (1, 460),
    'Freeman4': (1, 283),
}
# Frames at the beginning in which nothing is started, as in pytracking's list of OTB.
OTB_SKIPPED = {'Tiger1': 5}
_IMAGES = ('img', 'jpg')


def _toolkit_folder(folder: Path) -> Path | None:
    """Find the folder of annotations that the PTB-TIR and LSOTB-TIR toolkits keep apart."""
    for above in (folder.parent, folder.parent.parent):
        for name in ('anno', 'tiranno'):
            if (above / name / f'{folder.name}.txt').is_file():
                return above / name
            if (above / name / 'att' / f'{folder.name}.txt').is_file():
                return above / name
    return None


def _truths(folder: Path) -> list[Path]:
    """Find the files of boxes; empty ones are placeholders (Human4's first)."""
    beside = sorted(folder.glob('groundtruth_rect*.txt'))
    filled = [path for path in beside if path.stat().st_size > 2]
    toolkit = _toolkit_folder(folder)
    apart = toolkit / f'{folder.name}.txt' if toolkit else None
    return filled or beside or ([apart] if apart and apart.is_file() else [])


def _is_otb(folder: Path) -> bool:
    has_folder = any((folder / name).is_dir() for name in _IMAGES)
    return has_folder and bool(_truths(folder))


def _read_otb(folder: Path) -> Found:
    """
    Read OTB, PTB-TIR and LSOTB-TIR: `img/*` and, from 1, `groundtruth_rect.txt` or `anno`.

    Of two targets in one video (`groundtruth_rect.1.txt`, `.2.txt`) each is a sequence.
    """
    truths, toolkit = _truths(folder), _toolkit_folder(folder)
    attributes: tuple[str, ...] = ()
    if toolkit and (toolkit / 'att' / f'{folder.name}.txt').is_file():
        attributes = read_attributes(toolkit / 'att' / f'{folder.name}.txt')
    lsotb = re.fullmatch(r'(.+)_[HDSV]_\d+', folder.name)
    images = image_files(first_folder(folder, _IMAGES) or folder / 'img')
    for truth in truths:
        boxes = read_boxes(truth, origin=1)
        frames, boxes = matched(truth, boxes, _annotated(folder.name, images, boxes))
        boxes[: OTB_SKIPPED.get(folder.name, 0)] = np.nan
        suffix = truth.stem.removeprefix('groundtruth_rect') if len(truths) > 1 else ''
        yield Sequence(
            name=f'{folder.name}{suffix}',
            frames=frames,
            boxes=boxes,
            class_name=lsotb[1] if lsotb else '',
            attributes=attributes,
            video=folder.name,
            origin=1,
        )


def _annotated(name: str, images: list[Path], boxes: np.ndarray) -> list[Path]:
    """Return the images that the boxes belong to, where a video has more of them."""
    if name not in OTB_RANGES or len(images) <= len(boxes):
        return images
    first, last = OTB_RANGES[name]
    numbers = [int(path.stem) if path.stem.isdecimal() else -1 for path in images]
    return [path for path, number in zip(images, numbers) if first <= number <= last]


OTB = Layout(
    'OTB',
    '<sequence>/img/* and groundtruth_rect*.txt or anno/<sequence>.txt, from 1; attributes in '
    'anno/att or tiranno/att (OTB2015, PTB-TIR, LSOTB-TIR)',
    _is_otb,
    _read_otb,
    covers=('without truth',),
)


def _is_without_truth(folder: Path) -> bool:
    return has_images(folder / 'img')


def _read_without_truth(folder: Path) -> Found:
    raise ValueError('no groundtruth.txt or groundtruth_rect.txt beside img')


WITHOUT_TRUTH = Layout(
    'without truth', 'img/* alone: told, and left out', _is_without_truth, _read_without_truth
)
