# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sets with a folder of images and a file of boxes for each sequence, described by tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
import re

import numpy as np

from ..base import listed
from ..folders import image_files
from .annotations import (
    BoxParser,
    parse_box,
    parse_corners,
    read_boxes,
    read_flags,
    read_lines,
    report,
)
from .attributes import attributes_above, attributes_of_rgbt234, read_attributes
from .attributes import LASHER as LASHER_ATTRIBUTES
from .attributes import LASOT as LASOT_ATTRIBUTES
from .attributes import UAV123 as UAV123_ATTRIBUTES
from .layout import (
    first_file,
    first_folder,
    Found,
    has_images,
    Layout,
    leave_out,
    masks_beside,
    matched,
    only_first,
)
from .sequence import ImageFrames, Sequence
from .vtuav import first_frame


@dataclass(frozen=True)
class _Folder:
    """Where the images and boxes of a sequence lie within its folder."""

    images: tuple[str, ...]
    """The first of these that holds images."""
    truth: tuple[str, ...]
    """The first of these that is there."""
    other: str = ''
    """Boxes of the same target in the other modality's images."""
    needs: tuple[str, ...] = ()
    """Of these files one has to be there, too."""
    parse: BoxParser = parse_box
    every: int = 1
    """Only each `every`-th frame has a box."""
    first: Callable[[Path], int] = lambda folder: 0
    """Number of the frame that the first box belongs to; frames before it are left out."""
    refine: Callable[[Path, Sequence], Sequence] = lambda folder, sequence: sequence
    """Adds what else the folder tells."""

    def matches(self, folder: Path) -> bool:
        return (
            self._truth(folder) is not None
            and (not self.needs or first_file(folder, self.needs) is not None)
            and any((folder / name).is_dir() for name in self.images)
        )

    def read(self, folder: Path) -> Found:
        truth = self._truth(folder)
        assert truth is not None
        images = first_folder(folder, self.images) or folder / self.images[0]
        paths, boxes = image_files(images), self._spread(read_boxes(truth, parse=self.parse))
        if begin := self.first(folder):
            numbers = [int(path.stem) if path.stem.isdecimal() else -1 for path in paths]
            paths = [path for path, number in zip(paths, numbers) if number >= begin]
        if self.every > 1:  # frames go on behind the last one with a box
            paths = paths[: max(len(boxes), 1)]
        frames, boxes = matched(truth, boxes, paths)
        other = folder / self.other
        others = None
        if self.other and other.is_file():
            others = self._spread(read_boxes(other, parse=self.parse))
            if len(others) < len(boxes):
                report(other, None, f'{len(others)} boxes for {len(boxes)} frames; left out')
                others = None
            else:
                others = others[: len(boxes)]
        sequence = Sequence(folder.name, frames, boxes, other_boxes=others, video=folder.name)
        if self.every > 1:
            sequence = replace(sequence, labelled=np.arange(len(boxes)) % self.every == 0)
        yield self.refine(folder, sequence)

    def _truth(self, folder: Path) -> Path | None:
        return first_file(folder, self.truth)

    def _spread(self, boxes: np.ndarray) -> np.ndarray:
        if self.every == 1 or not len(boxes):
            return boxes
        spread = np.full(((len(boxes) - 1) * self.every + 1, 4), np.nan)
        spread[:: self.every] = boxes
        return spread


def _layout(
    name: str, expects: str, folder: _Folder, levels: int = 1, covers: tuple[str, ...] = ()
) -> Layout:
    return Layout(name, expects, folder.matches, folder.read, levels, covers)


def _plain(folder: Path, sequence: Sequence) -> Sequence:
    """Add masks, as the simulator writes them."""
    assert isinstance(sequence.frames, ImageFrames)
    return replace(sequence, masks=masks_beside(folder, sequence.frames))


PLAIN = _layout(
    'plain',
    '<sequence>/img/* and groundtruth.txt; perhaps masks/*',
    _Folder(('img',), ('groundtruth.txt',), refine=_plain),
    covers=('without truth',),
)


# ------------------------------------------------------------------- LaSOT
def _lasot(folder: Path, sequence: Sequence) -> Sequence:
    """Take the absent frames out, and the split from the set's lists of its second protocol."""
    absent = np.zeros(len(sequence), bool)
    for name in ('full_occlusion.txt', 'out_of_view.txt'):
        if (folder / name).is_file():
            absent |= read_flags(folder / name, len(sequence))
    boxes = sequence.boxes.copy()
    boxes[absent] = np.nan
    split = ''
    for above in (folder.parent, folder.parent.parent):
        for listing, name in (('testing_set.txt', 'test'), ('training_set.txt', 'train')):
            if (above / listing).is_file() and folder.name in _names(above / listing):
                split = name
    return replace(
        sequence,
        boxes=boxes,
        tags={'absent': absent},
        split=split,
        class_name=folder.name.rpartition('-')[0],
        attributes=attributes_above(folder, ('annos/att', 'att'), LASOT_ATTRIBUTES),
    )


def _names(listing: Path) -> set[str]:
    return {line.strip() for line in read_lines(listing)}


LASOT = _layout(
    'LaSOT',
    '<class>/<class>-<n>/img/*, groundtruth.txt, full_occlusion.txt, out_of_view.txt; the splits '
    'in testing_set.txt and training_set.txt beside the classes, attributes in annos/att',
    _Folder(
        ('img',),
        ('groundtruth.txt',),
        needs=('full_occlusion.txt', 'out_of_view.txt'),
        refine=_lasot,
    ),
    levels=2,
    covers=('plain', 'without truth'),
)


# ------------------------------------------------------------------- thermal beside colour
def _is_lasher(folder: Path) -> bool:
    if not _RGBT.matches(folder):
        return False
    above = ' '.join(part.lower() for part in folder.parts[-3:-1])
    names = [path.stem for path in image_files(folder / 'infrared')[:1]]
    named = re.search(r'lasher|testingset|trainingset', above)
    return bool(named) or any(re.match(r'i\d', name) for name in names)


_RGBT = _Folder(
    ('infrared',),
    ('infrared.txt',),
    other='visible.txt',
    refine=lambda folder, one: replace(one, attributes=attributes_of_rgbt234(folder)),
)
_LASHER = _Folder(
    ('infrared',),
    ('init.txt', 'infrared.txt'),
    refine=lambda folder, one: replace(
        one, attributes=attributes_above(folder, ('AttriSeqsTxt',), LASHER_ATTRIBUTES)
    ),
)
RGBT234 = _layout(
    'RGBT234',
    'infrared/*, infrared.txt, visible.txt (RGBT210 too); attributes in attr_txt/<attribute>.txt',
    _RGBT,
)
LASHER = Layout(
    'LasHeR',
    'infrared/i*.jpg, init.txt, infrared.txt; or a set called LasHeR, testingset, trainingset; '
    'attributes in AttriSeqsTxt',
    _is_lasher,
    _LASHER.read,
    covers=('RGBT234',),
)
GTOT = _layout(
    'GTOT',
    'i/*, groundTruth_i.txt and groundTruth_v.txt of x1 y1 x2 y2',
    _Folder(('i',), ('groundTruth_i.txt',), other='groundTruth_v.txt', parse=parse_corners),
)
VTUAV = _layout(
    'VTUAV',
    'ir/*, ir.txt, rgb.txt: a box every ten frames, from 0 or the frame in init_frame.npy on',
    _Folder(('ir',), ('ir.txt',), other='rgb.txt', every=10, first=first_frame),
)


# ------------------------------------------------------------------- NfS
def _parse_nfs(line: str, origin: int) -> tuple[float, float, float, float]:
    """Read `id left top right bottom ...`; what follows is no number."""
    values = line.replace(',', ' ').split()[1:5]
    if len(values) < 4:
        raise ValueError(f"'{line.strip()}' is not 'id left top right bottom ...'")
    return parse_corners(' '.join(values), origin)


def _nfs_folder(folder: Path) -> Path | None:
    rates = (folder / '30', folder / '240')
    there = (rate for rate in rates if (rate / f'{folder.name}.txt').is_file())
    return next((rate for rate in there if has_images(rate / folder.name)), None)


def _is_nfs(folder: Path) -> bool:
    return _nfs_folder(folder) is not None


def _read_nfs(folder: Path) -> Found:
    """Read NfS at 30 frames a second where it is there, else at 240."""
    rate = _nfs_folder(folder)
    assert rate is not None
    truth = rate / f'{folder.name}.txt'
    images, boxes = image_files(rate / folder.name), read_boxes(truth, parse=_parse_nfs)
    if rate.name == '30' and len(boxes) > 2 * len(images):
        boxes = boxes[::8]  # the file of the 240 frames a second
    if abs(len(boxes) - len(images)) == 1:  # a known slip of the set
        images, boxes = images[: len(boxes)], boxes[: len(images)]
    frames, boxes = matched(truth, boxes, images)
    yield Sequence(folder.name, frames, boxes, split=rate.name, video=folder.name)


NFS = Layout(
    'NfS',
    '<sequence>/30 or 240/<sequence>/* and <sequence>.txt of id, left, top, right, bottom',
    _is_nfs,
    _read_nfs,
)


def _is_nfs_apart(root: Path) -> bool:
    return (root / 'sequences').is_dir() and any(root.glob('anno/nfs_*.txt'))


def _read_nfs_apart(root: Path) -> Found:
    for truth in listed(root / 'anno'):
        name = truth.stem.removeprefix('nfs_')
        if truth.suffix == '.txt' and name != truth.stem:
            yield from _read_apart(root / 'sequences' / name, truth, name)


NFS_APART = Layout(
    'NfS, apart',
    'sequences/<sequence>/* and anno/nfs_<sequence>.txt of x, y, w, h',
    _is_nfs_apart,
    _read_nfs_apart,
    levels=0,
)


# ------------------------------------------------------------------- boxes apart from the images
def _read_apart(
    folder: Path,
    truth: Path,
    name: str,
    part: tuple[int, int] | None = None,
    split: str = '',
    attributes: tuple[str, ...] = (),
) -> Found:
    """Read one sequence whose boxes lie in another folder; `part` is its first and last frame."""
    try:
        if not has_images(folder):
            raise ValueError(f'no images in {folder}')
        images = image_files(folder)
        if part:
            numbers = [int(path.stem) if path.stem.isdecimal() else -1 for path in images]
            images = [path for path, n in zip(images, numbers) if part[0] <= n <= part[1]]
        boxes = read_boxes(truth)
        frames, boxes = matched(truth, only_first(boxes, len(images)), images)
    except (ValueError, OSError) as error:
        yield leave_out(truth, None, name, error)
    else:
        yield Sequence(name, frames, boxes, split=split, attributes=attributes, video=folder.name)


def _is_trackingnet(root: Path) -> bool:
    return (root / 'frames').is_dir() and any(root.glob('anno/*.txt'))


def _read_trackingnet(root: Path) -> Found:
    split = 'test' if root.name.upper() == 'TEST' else 'train'
    for truth in listed(root / 'anno'):
        if truth.suffix == '.txt':
            name = truth.stem
            yield from _read_apart(root / 'frames' / name, truth, name, split=split)


TRACKINGNET = Layout(
    'TrackingNet',
    'TEST or TRAIN_<n>: frames/<sequence>/<n>.jpg from 0, anno/<sequence>.txt',
    _is_trackingnet,
    _read_trackingnet,
    levels=0,
)

# Sequences of UAV123 that are parts of a video: ends of the first part, the second, ...
_UAV_PARTS: dict[str, tuple[tuple[int, int], ...]] = {
    'bird1': ((1, 253), (775, 1477), (1573, 2437)),
    'uav1': ((1, 1555), (1555, 2377), (2473, 3469)),
}
# Parts that begin in the frame in which the one before ends.
_UAV_ENDS = {
    'car1': (751, 1627, 2629),
    'car6': (487, 1807, 2953, 3925, 4861),
    'car8': (1357, 2575),
    'car16': (415, 1993),
    'group1': (1333, 2515, 3925, 4873),
    'group2': (907, 1771, 2683),
    'group3': (1567, 2827, 4369, 5527),
    'person2': (1189, 2623),
    'person4': (1501, 2743),
    'person5': (877, 2101),
    'person7': (1249, 2065),
    'person8': (1075, 1525),
    'person12': (601, 1621),
    'person14': (847, 1813, 2923),
    'person17': (1501, 2347),
    'person19': (1243, 2791, 4357),
    'truck4': (577, 1261),
}
for _video, _ends in _UAV_ENDS.items():
    _UAV_PARTS[_video] = tuple(zip((1, *_ends[:-1]), _ends))


def _is_uav123(root: Path) -> bool:
    return (root / 'data_seq').is_dir() and any(
        (root / 'anno' / name).is_dir() for name in ('UAV123', 'UAV20L')
    )


def _read_uav123(root: Path) -> Found:
    """Read UAV123, and UAV20L as the split of that name, which has the same videos."""
    for split in ('UAV123', 'UAV20L'):
        folder = root / 'anno' / split
        for truth in listed(folder) if folder.is_dir() else []:
            if truth.suffix != '.txt':
                continue
            name, parts = truth.stem, re.fullmatch(r'(.+)_(\d+)', truth.stem)
            video, part = name, None
            if split == 'UAV123' and parts and parts[1] in _UAV_PARTS:
                video, number = parts[1], int(parts[2])
                if 1 <= number <= len(_UAV_PARTS[video]):
                    part = _UAV_PARTS[video][number - 1]
            images = root / 'data_seq' / split / video
            if not images.is_dir():
                images = root / 'data_seq' / 'UAV123' / video
            attributes = folder / 'att' / truth.name
            found = read_attributes(attributes, UAV123_ATTRIBUTES) if attributes.is_file() else ()
            yield from _read_apart(images, truth, name, part, split, found)


UAV123 = Layout(
    'UAV123',
    'data_seq/UAV123/<video>/*, anno/UAV123/<sequence>.txt; anno/UAV20L is a split of its own; '
    'attributes in att',
    _is_uav123,
    _read_uav123,
    levels=0,
)
