# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sets whose truth are masks in images: DAVIS, and others in its folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..base import listed
from ..folders import image_files
from .annotations import read_lines
from .layout import Found, has_images, Layout, leave_out
from .masks import box_of, MaskImages, read_labels, VOID
from .sequence import ImageFrames, Sequence

_RESOLUTIONS = ('480p', 'Full-Resolution', '.')


def _is_davis(root: Path) -> bool:
    return (root / 'JPEGImages').is_dir() and (root / 'Annotations').is_dir()


def _read_davis(root: Path) -> Found:
    """Read JPEGImages and Annotations, at 480p where there are several resolutions."""
    inside = next(name for name in _RESOLUTIONS if (root / 'Annotations' / name).is_dir())
    splits = _splits(root / 'ImageSets')
    for folder in listed(root / 'Annotations' / inside):
        if not has_images(folder):
            continue
        name = folder.name
        try:
            yield from _objects(root / 'JPEGImages' / inside / name, folder, splits.get(name, ''))
        except (ValueError, OSError) as error:
            yield leave_out(folder, None, name, error)


def _splits(folder: Path) -> dict[str, str]:
    """Return the split of each sequence; the lists of a later year count more."""
    splits: dict[str, str] = {}
    for listing in sorted(folder.glob('*/*.txt')):
        splits |= {line.strip(): listing.stem for line in read_lines(listing)}
    return splits


def _objects(images: Path, annotations: Path, split: str) -> Found:
    """Yield a sequence for each object; with several objects its label is behind its name."""
    if not has_images(images):
        raise ValueError(f'no images in {images}')
    frames = ImageFrames(tuple(image_files(images)))
    masks = {path.stem: path for path in image_files(annotations)}
    paths = tuple(masks.get(path.stem) for path in frames.paths)
    known = np.array([path is not None for path in paths])
    boxes: dict[int, np.ndarray] = {}
    for index, path in enumerate(paths):
        if path is None:
            continue
        labels = read_labels(path)
        for label in np.unique(labels[labels > 0]).tolist():
            around = box_of(labels == label)
            if around is not None:
                boxes.setdefault(label, np.full((len(paths), 4), np.nan))[index] = around
    if set(boxes) != {VOID}:  # the year 2016 has one object, of this label
        boxes.pop(VOID, None)
    if not boxes:
        raise ValueError('no object in any mask')
    for label, found in sorted(boxes.items()):
        yield Sequence(
            name=images.name if len(boxes) == 1 else f'{images.name}.{label}',
            frames=frames,
            boxes=found,
            split=split,
            masks=MaskImages(paths, label),
            labelled=None if known.all() else known,
            video=images.name,
        )


DAVIS = Layout(
    'DAVIS',
    'JPEGImages/480p/<sequence>/*, Annotations/480p/<sequence>/*.png; splits in ImageSets',
    _is_davis,
    _read_davis,
    levels=0,
)
