# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Finds the sequences below a folder, whatever the layout of the set.

A layout is recognised either by files of the whole set or by the files of one sequence, the first
of `LAYOUTS` that matches; `read_benchmark` looks from the root downwards, so that a root may be a
set, a split of it, one sequence, or a folder of sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from ..base import listed
from .annotations import read_lines, report
from .anti_uav import ANTI_UAV
from .davis import DAVIS
from .folder_layouts import (
    GTOT,
    LASHER,
    LASOT,
    NFS,
    NFS_APART,
    PLAIN,
    RGBT234,
    TRACKINGNET,
    UAV123,
    VTUAV,
)
from .layout import Found, Layout, leave_out, LeftOut
from .otb import OTB, WITHOUT_TRUTH
from .sequence import Sequence
from .tables import sixteen_bit_copy, STILLS, VIDEO_SET
from .vot import GOT10K, VOT, VOT_LT, VOT_TIR
from .xml_tracks import TIR_TRAINING, VID

MAX_DEPTH = 3

# The order decides where a folder has the files of several layouts: what needs more comes first.
LAYOUTS: tuple[Layout, ...] = (
    VIDEO_SET,
    STILLS,
    VID,
    DAVIS,
    UAV123,
    NFS_APART,
    TRACKINGNET,
    OTB,
    GOT10K,
    LASOT,
    PLAIN,
    ANTI_UAV,
    LASHER,
    RGBT234,
    GTOT,
    VTUAV,
    NFS,
    VOT_LT,
    VOT,
    VOT_TIR,
    TIR_TRAINING,
    WITHOUT_TRUTH,
)


def read_benchmark(
    root: str | Path,
    split: str | None = None,
    pattern: str = '*',
    sixteen_bit: bool = False,
    left_out: list[LeftOut] | None = None,
) -> Iterator[Sequence]:
    """
    Yield the sequences below `root`, whatever the layout, in the order of the set.

    Of them only those of `split`, and those whose name or key (`dataset/name`) matches the glob
    `pattern`. With `sixteen_bit` the untouched counts are read where a set has both them and an
    8-bit copy. Annotations that are wrong are reported and left out; sequences that cannot be
    read are added to `left_out`. Raises FileNotFoundError for a root that is no folder and, at
    the end, ValueError when no sequence was found.
    """
    root = Path(root).resolve()
    if not root.is_dir():
        raise FileNotFoundError(f'{root} is not a folder')
    splits, found, taken = set(), 0, 0
    for sequence in _walk(root, root.name, MAX_DEPTH, set()):
        if isinstance(sequence, LeftOut):
            if left_out is not None and fnmatchcase(sequence.name, pattern):
                left_out.append(sequence)
            continue
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
        yield sixteen_bit_copy(sequence) if sixteen_bit else sequence
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


def _walk(folder: Path, dataset: str, depth: int, told: set[str]) -> Found:
    fitting = [each for each in LAYOUTS if each.matches(folder)]
    if fitting:
        layout = fitting[0]
        of_set = _set_name(folder, dataset, layout.levels)
        others = [each.name for each in fitting[1:] if each.name not in layout.covers]
        if others and of_set not in told:  # once a set
            told.add(of_set)
            fits = f'has the files of the layouts {layout.name} and {", ".join(others)}'
            report(folder, None, f'{fits}; it is read as {layout.name}')
        try:
            for sequence in layout.read(folder):
                if isinstance(sequence, Sequence):
                    sequence = replace(sequence, layout=layout.name, dataset=of_set)
                yield sequence
        except (ValueError, OSError) as error:
            if not layout.levels:
                raise
            yield leave_out(folder, None, folder.name, error)
    elif depth:
        for child in _subfolders(folder):
            if isinstance(child, LeftOut):
                yield child
            else:
                yield from _walk(child, f'{dataset}/{child.name}', depth - 1, told)


def _set_name(folder: Path, dataset: str, levels: int) -> str:
    """Name the set `levels` folders above a folder; from the root on, where it lies below it."""
    parts = dataset.split('/')
    if len(parts) > levels:
        return '/'.join(parts[: len(parts) - levels])
    return folder.parents[levels - 1].name


def _subfolders(folder: Path) -> Iterator[Path | LeftOut]:
    """Yield the folders in the order of `list.txt`, where there is one, else by name."""
    listing = folder / 'list.txt'
    if not listing.is_file():
        yield from sorted(path for path in listed(folder) if path.is_dir())
        return
    for number, name in enumerate(map(str.strip, read_lines(listing)), start=1):
        inside = not Path(name).is_absolute() and '..' not in Path(name).parts
        if name and inside and (folder / name).is_dir():
            yield folder / name
        elif name:
            yield leave_out(listing, number, name, f"no folder '{name}' in {folder}")
