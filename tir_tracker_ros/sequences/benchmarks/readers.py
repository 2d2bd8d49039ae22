# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The layouts of benchmark and training sets.

A layout is recognised either by files of the whole set (`SET_READERS`) or by the files of one
sequence (`SEQUENCE_READERS`); `read_benchmark` looks for both from the root downwards, so that a
root may be a set, a split of it, one sequence, or a folder of sets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
import configparser
import csv
from dataclasses import replace
from fnmatch import fnmatchcase
import io
from pathlib import Path
import re

import numpy as np

from ..base import listed, read_text
from ..folders import image_files
from .annotations import (
    ABSENT,
    read_attributes,
    read_boxes,
    read_labels,
    read_lines,
    read_xml,
    report,
    XmlObject,
)
from .sequence import ImageFrames, Sequence, VideoFrames

MAX_DEPTH = 3


def read_benchmark(
    root: str | Path, split: str | None = None, pattern: str = '*', sixteen_bit: bool = False
) -> Iterator[Sequence]:
    """
    Yield the sequences below `root`, whatever the layout, in the order of the set.

    Of them only those of `split`, and those whose name or key (`dataset/name`) matches the glob
    `pattern`. With `sixteen_bit` the untouched counts are read where a set has both them and an
    8-bit copy. Annotations that are wrong are reported and left out. Raises FileNotFoundError
    for a root that is no folder and, at the end, ValueError when no sequence was found.
    """
    root = Path(root).resolve()
    if not root.is_dir():
        raise FileNotFoundError(f'{root} is not a folder')
    splits, found, taken = set(), 0, 0
    for sequence in _walk(root, root.name, MAX_DEPTH):
        found += 1
        if not is_plain_name(sequence.name):
            report(root, None, f"the name '{sequence.name}' is a path; the sequence is left out")
            continue
        splits.add(sequence.split or 'none')
        if split is not None and sequence.split != split:
            continue
        if not any(fnmatchcase(name, pattern) for name in (sequence.name, sequence.key)):
            continue
        taken += 1
        yield _sixteen_bit(sequence) if sixteen_bit else sequence
    if not found:
        raise ValueError(f'{root}: no annotated sequence in any known layout')
    if not taken:
        raise ValueError(
            f'{root}: none of {found} sequences (splits: {", ".join(sorted(splits))}) has split '
            f"'{split or 'any'}' and a name like '{pattern}'"
        )


def is_plain_name(name: str) -> bool:
    """Tell whether a name, of which a file is named, cannot lead into another folder."""
    return bool(name) and not set(name) & set('/\\\0') and name not in ('.', '..')


def _walk(folder: Path, dataset: str, depth: int) -> Iterator[Sequence]:
    for layout, matches, read_set in SET_READERS:
        if matches(folder):
            for sequence in read_set(folder):
                yield replace(sequence, layout=layout, dataset=dataset)
            return
    for layout, matches, read_sequences in SEQUENCE_READERS:
        if matches(folder):
            parent = dataset.rpartition('/')[0] or folder.parent.name
            try:
                for sequence in read_sequences(folder):
                    yield replace(sequence, layout=layout, dataset=parent)
            except (ValueError, OSError) as error:
                report(folder, None, f'{error}; the sequence is left out')
            return
    if depth:
        for child in _subfolders(folder):
            yield from _walk(child, f'{dataset}/{child.name}', depth - 1)


def _subfolders(folder: Path) -> list[Path]:
    """Return the folders in the order of `list.txt`, where there is one, else by name."""
    listing = folder / 'list.txt'
    if not listing.is_file():
        return sorted(path for path in listed(folder) if path.is_dir())
    children = []
    for number, name in enumerate(map(str.strip, read_lines(listing)), start=1):
        inside = not Path(name).is_absolute() and '..' not in Path(name).parts
        if name and inside and (folder / name).is_dir():
            children.append(folder / name)
        elif name:
            report(listing, number, f"no folder '{name}' in {folder}; the sequence is left out")
    return children


def _has_images(folder: Path) -> bool:
    return folder.is_dir() and bool(image_files(folder))


def _matched(truth: Path, boxes: np.ndarray, images: list[Path]) -> tuple[ImageFrames, np.ndarray]:
    """Cut frames and boxes to the shorter of the two, and report when they differ."""
    count = min(len(images), len(boxes))
    if not count:
        raise ValueError(f'{len(images)} images and {len(boxes)} boxes')
    if len(images) != len(boxes):
        report(truth, count, f'{len(boxes)} boxes for {len(images)} images; cut to {count}')
    return ImageFrames(tuple(images[:count])), boxes[:count]


# ------------------------------------------------------------------- sets: video and boxes
def _is_video_set(root: Path) -> bool:
    return (root / 'sequences.csv').is_file() and (root / 'boxes').is_dir()


def _read_video_set(root: Path) -> Iterator[Sequence]:
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
            report(table, number, f'{error}; the sequence is left out')
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


def _sixteen_bit(sequence: Sequence) -> Sequence:
    frames = sequence.frames
    if not isinstance(frames, VideoFrames):
        return sequence
    counts = sorted((frames.path.parent.parent / 'videos16').glob(f'{frames.path.stem}.*'))
    return replace(sequence, frames=replace(frames, path=counts[0])) if counts else sequence


# ------------------------------------------------------------------- sets: stills with boxes
def _is_stills(root: Path) -> bool:
    return (root / 'boxes.csv').is_file() and (root / 'images').is_dir()


def _read_stills(root: Path) -> Iterator[Sequence]:
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


def _read_vid(root: Path) -> Iterator[Sequence]:
    """Read `Data/VID/<split>/**/<video>/*.JPEG` and the same tree of XML in `Annotations`."""
    annotations = root / 'Annotations' / 'VID'
    for folder in sorted(path for path in annotations.rglob('*') if path.is_dir()):
        if not _xml_files(folder):
            continue
        inside = folder.relative_to(annotations)
        images = root / 'Data' / 'VID' / inside
        if _has_images(images):
            yield from _xml_tracks(folder, images, split=inside.parts[0])
        else:
            report(folder, None, f'no images in {images}; the video is left out')


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
    return bool(_xml_files(folder)) and _has_images(folder)


def _read_xml_sequence(folder: Path) -> Iterator[Sequence]:
    """Read the TIR training set of MMNet and LSOTB-TIR: images with their XML beside them."""
    found = False
    for sequence in _xml_tracks(folder, folder, split='train'):
        found = True
        name = sequence.class_name or folder.name.rpartition('_')[0]
        yield replace(sequence, class_name=name)
    if not found:
        raise ValueError('no object in any of its XML files')


# ------------------------------------------------------------------- sequences: OTB and its kin
# OTB's annotations of these sequences begin or end within the images (first and last, from 1).
OTB_RANGES = {
    'David': (300, 770),
    'Diving': (1, 215),
    'Football1': (1, 74),
    'Freeman3': (1, 460),
    'Freeman4': (1, 283),
}


def _toolkit_folder(folder: Path) -> Path | None:
    """Find the folder of annotations that the PTB-TIR and LSOTB-TIR toolkits keep apart."""
    for above in (folder.parent, folder.parent.parent):
        for name in ('anno', 'tiranno'):
            if (above / name / f'{folder.name}.txt').is_file():
                return above / name
            if (above / name / 'att' / f'{folder.name}.txt').is_file():
                return above / name
    return None


def _toolkit_truths(folder: Path) -> list[Path]:
    beside = sorted(folder.glob('groundtruth_rect*.txt'))
    toolkit = _toolkit_folder(folder)
    apart = toolkit / f'{folder.name}.txt' if toolkit else None
    return beside or ([apart] if apart and apart.is_file() else [])


def _is_otb(folder: Path) -> bool:
    return (folder / 'img').is_dir() and bool(_toolkit_truths(folder))


def _read_otb(folder: Path) -> Iterator[Sequence]:
    """
    Read OTB, PTB-TIR and LSOTB-TIR: `img/*` and, from 1, `groundtruth_rect.txt` or `anno`.

    Of two targets in one video (`groundtruth_rect.1.txt`, `.2.txt`) each is a sequence.
    """
    truths, toolkit = _toolkit_truths(folder), _toolkit_folder(folder)
    attributes: tuple[str, ...] = ()
    if toolkit and (toolkit / 'att' / f'{folder.name}.txt').is_file():
        attributes = read_attributes(toolkit / 'att' / f'{folder.name}.txt')
    lsotb = re.fullmatch(r'(.+)_[HDSV]_\d+', folder.name)
    for truth in truths:
        boxes, images = read_boxes(truth, origin=1), image_files(folder / 'img')
        if folder.name in OTB_RANGES and len(images) > len(boxes):
            first, last = OTB_RANGES[folder.name]
            images = images[first - 1 : last]
        frames, boxes = _matched(truth, boxes, images)
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


# ------------------------------------------------------------------- sequences: GOT-10k
def _is_got10k(folder: Path) -> bool:
    files = ('meta_info.ini', 'absence.label')
    return (folder / 'groundtruth.txt').is_file() and any((folder / f).is_file() for f in files)


def _read_got10k(folder: Path) -> Iterator[Sequence]:
    """Read GOT-10k; in its test split nothing but the first box is known."""
    truth, images = folder / 'groundtruth.txt', image_files(folder)
    boxes = read_boxes(truth)
    if len(boxes) == 1 and len(images) > 1:
        boxes = np.vstack([boxes, np.full((len(images) - 1, 4), np.nan)])
    frames, boxes = _matched(truth, boxes, images)
    labels = {}
    for name in ('absence', 'cut_by_image'):
        path = folder / f'{name}.label'
        if path.is_file():
            labels[name] = read_labels(path, len(boxes))
    if 'absence' in labels:
        boxes[labels.pop('absence')] = np.nan
    yield Sequence(
        name=folder.name,
        frames=frames,
        boxes=boxes,
        class_name=_got10k_class(folder / 'meta_info.ini'),
        tags=labels,
        split=folder.parent.name,
        video=folder.name,
    )


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


# ------------------------------------------------------------------- sequences: plain folders
def _is_plain(folder: Path) -> bool:
    return (folder / 'img').is_dir() and (folder / 'groundtruth.txt').is_file()


def _read_plain(folder: Path) -> Iterator[Sequence]:
    """Read `img/*` and `groundtruth.txt`."""
    truth = folder / 'groundtruth.txt'
    frames, boxes = _matched(truth, read_boxes(truth), image_files(folder / 'img'))
    yield Sequence(name=folder.name, frames=frames, boxes=boxes, video=folder.name)


# ------------------------------------------------------------------- sequences: VOT-TIR
def _vot_images(folder: Path) -> Path | None:
    for images in (folder, folder / 'ir', folder / 'color'):
        if _has_images(images):
            return images
    return None


def _is_vot(folder: Path) -> bool:
    return (folder / 'groundtruth.txt').is_file() and _vot_images(folder) is not None


def _read_vot(folder: Path) -> Iterator[Sequence]:
    """Read VOT-TIR: images, `groundtruth.txt` (boxes or polygons) and one label file a tag."""
    truth, images = folder / 'groundtruth.txt', _vot_images(folder)
    assert images is not None
    frames, boxes = _matched(truth, read_boxes(truth), image_files(images))
    labels = [path for path in listed(folder) if path.suffix in ('.label', '.tag')]
    tags = {path.stem: read_labels(path, len(boxes)) for path in labels}
    yield Sequence(
        name=folder.name,
        frames=frames,
        boxes=boxes,
        tags=tags,
        attributes=tuple(name for name, values in tags.items() if values.any()),
        video=folder.name,
    )


# ------------------------------------------------------------------- sequences without truth
def _is_without_truth(folder: Path) -> bool:
    return _has_images(folder / 'img')


def _read_without_truth(folder: Path) -> Iterator[Sequence]:
    raise ValueError('no groundtruth.txt or groundtruth_rect.txt beside img')


Matches = Callable[[Path], bool]
Reader = Callable[[Path], Iterator[Sequence]]

SET_READERS: tuple[tuple[str, Matches, Reader], ...] = (
    ('video set', _is_video_set, _read_video_set),
    ('stills', _is_stills, _read_stills),
    ('ILSVRC VID', _is_vid, _read_vid),
)
SEQUENCE_READERS: tuple[tuple[str, Matches, Reader], ...] = (
    ('OTB', _is_otb, _read_otb),
    ('GOT-10k', _is_got10k, _read_got10k),
    ('plain', _is_plain, _read_plain),
    ('VOT-TIR', _is_vot, _read_vot),
    ('TIR training', _is_xml_sequence, _read_xml_sequence),
    ('without truth', _is_without_truth, _read_without_truth),
)
