# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sets with one XML file an image, each track of which becomes a sequence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..base import listed
from ..folders import image_files
from .annotations import read_xml, report, XmlObject
from .layout import Found, has_images, Layout, leave_out
from .sequence import ImageFrames, Sequence

# ------------------------------------------------------------------- sets: ILSVRC VID
VID_CLASSES = dict(
    line.split()
    for line in """
    n02691156 airplane
    n02419796 antelope
    n02131653 bear
    n02834778 bicycle
    n01503061 bird
    n02924116 bus
    n02958343 car
    n02402425 cattle
    n02084071 dog
    n02121808 domestic_cat
    n02503517 elephant
    n02118333 fox
    n02510455 giant_panda
    n02342885 hamster
    n02374451 horse
    n02129165 lion
    n01674464 lizard
    n02484322 monkey
    n03790512 motorcycle
    n02324045 rabbit
    n02509815 red_panda
    n02411705 sheep
    n01726692 snake
    n02355227 squirrel
    n02129604 tiger
    n04468005 train
    n01662784 turtle
    n04530566 watercraft
    n02062744 whale
    n02391049 zebra
    """.strip().splitlines()
)
"""WordNet identifiers of ILSVRC VID and their names, in the order of the class numbers 1 to 30."""


def _xml_files(folder: Path) -> list[Path]:
    return [path for path in listed(folder) if path.suffix == '.xml']


def _is_vid(root: Path) -> bool:
    return (root / 'Annotations' / 'VID').is_dir() and (root / 'Data' / 'VID').is_dir()


def _read_vid(root: Path) -> Found:
    """Read `Data/VID/<split>/**/<video>/*.JPEG` and the same tree of XML in `Annotations`."""
    annotations = root / 'Annotations' / 'VID'
    for folder in sorted(path for path in annotations.rglob('*') if path.is_dir()):
        if not _xml_files(folder):
            continue
        inside = folder.relative_to(annotations)
        images = root / 'Data' / 'VID' / inside
        if has_images(images):
            yield from _xml_tracks(folder, images, split=inside.parts[0])
        else:
            yield leave_out(folder, None, folder.name, f'no images in {images}')


def _xml_tracks(folder: Path, image_folder: Path, split: str) -> Iterator[Sequence]:
    """Make one sequence of each track, from its first to its last appearance."""
    images = {path.stem: path for path in image_files(image_folder)}
    paths: list[Path] = []
    tracks: dict[str, dict[int, XmlObject]] = defaultdict(dict)
    for xml in _xml_files(folder):
        if xml.stem not in images:
            report(xml, None, f'no image of that name in {image_folder}; the frame is left out')
            continue
        for found in read_xml(xml):
            tracks[found.track][len(paths)] = found
        paths.append(images[xml.stem])
    for track, objects in tracks.items():
        first, last = min(objects), max(objects)
        boxes = np.full((last - first + 1, 4), np.nan)
        occluded = np.zeros(last - first + 1, bool)
        for index, found in objects.items():
            boxes[index - first] = found.box
            occluded[index - first] = found.occluded
        name = objects[first].name
        yield Sequence(
            name=f'{folder.name}.{track}',
            frames=ImageFrames(tuple(paths[first : last + 1])),
            boxes=boxes,
            class_name=VID_CLASSES.get(name, name),
            tags={'occlusion': occluded},
            split=split,
            video=folder.name,
        )


# ------------------------------------------------------------------- sequences: TIR training set
def _is_xml_sequence(folder: Path) -> bool:
    return bool(_xml_files(folder)) and has_images(folder)


def _read_xml_sequence(folder: Path) -> Found:
    """Read the TIR training set of MMNet and LSOTB-TIR: images with their XML beside them."""
    found = False
    for sequence in _xml_tracks(folder, folder, split='train'):
        found = True
        name = sequence.class_name or folder.name.rpartition('_')[0]
        yield replace(sequence, class_name=name)
    if not found:
        raise ValueError('no object in any of its XML files')


VID = Layout(
    'ILSVRC VID', 'Data/VID and Annotations/VID; a sequence a track', _is_vid, _read_vid, levels=0
)
TIR_TRAINING = Layout(
    'TIR training',
    'images with XML beside them (LSOTB-TIR, MMNet); a sequence a track',
    _is_xml_sequence,
    _read_xml_sequence,
)
