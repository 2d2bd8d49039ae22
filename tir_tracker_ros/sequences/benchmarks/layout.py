# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a layout is, and what the readers of all layouts share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..folders import image_files
from .annotations import report
from .masks import MaskImages
from .sequence import ImageFrames, Sequence

MASKS = 'masks'
"""Folder of the masks of a sequence, images of the same names as its own."""


@dataclass(frozen=True)
class LeftOut:
    """A sequence of a set that cannot be read, and why; it was reported already."""

    name: str
    reason: str


Found = Iterator[Sequence | LeftOut]


@dataclass(frozen=True)
class Layout:
    """How the files of a set lie: how they are recognised, and what reads them."""

    name: str
    expects: str
    """The files that are looked for, in one line for the user."""
    matches: Callable[[Path], bool]
    """Whether a folder is a sequence, or a whole set, of this layout."""
    read: Callable[[Path], Found]
    """Reads that folder; ValueError and OSError tell what is wrong with it."""
    levels: int = 1
    """Folders from a sequence up to its set; 0 where the folder is the set itself."""
    covers: tuple[str, ...] = ()
    """Layouts that this one is a special case of: a folder that fits both is of this one."""


def leave_out(path: Path, line: int | None, name: str, reason: object) -> LeftOut:
    """Report a sequence that cannot be read, by the file and line that is wrong."""
    report(path, line, f'{reason}; the sequence is left out')
    return LeftOut(name, str(reason))


def first_folder(folder: Path, names: tuple[str, ...]) -> Path | None:
    """Return the first of the folders within `folder` that holds images."""
    return next((folder / name for name in names if has_images(folder / name)), None)


def first_file(folder: Path, names: tuple[str, ...]) -> Path | None:
    """Return the first of the files that is there."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def has_images(folder: Path) -> bool:
    """Tell whether `folder` is a folder with image files in it."""
    return folder.is_dir() and bool(image_files(folder))


def matched(truth: Path, boxes: np.ndarray, images: list[Path]) -> tuple[ImageFrames, np.ndarray]:
    """Cut frames and boxes to the shorter of the two, and report when they differ."""
    count = min(len(images), len(boxes))
    if not count:
        raise ValueError(f'{len(images)} images and {len(boxes)} boxes')
    if len(images) != len(boxes):
        report(truth, count, f'{len(boxes)} boxes for {len(images)} images; cut to {count}')
    return ImageFrames(tuple(images[:count])), boxes[:count]


def masks_beside(folder: Path, frames: ImageFrames) -> MaskImages | None:
    """Return the masks in the folder `MASKS` of a sequence, if it is there and holds any."""
    if not has_images(folder / MASKS):
        return None
    masks = {path.stem: path for path in image_files(folder / MASKS)}
    paths = tuple(masks.get(path.stem) for path in frames.paths)
    missing = paths.count(None)
    if missing:
        report(folder / MASKS, None, f'no mask for {missing} of {len(paths)} images')
    return MaskImages(paths)


def only_first(boxes: np.ndarray, count: int) -> np.ndarray:
    """Fill up with nan where a test split gives nothing but the first box."""
    if len(boxes) != 1 or count < 2:
        return boxes
    return np.vstack([boxes, np.full((count - 1, 4), np.nan)])
