# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `track` takes: any source, or an annotated sequence with the box to start on."""

from __future__ import annotations

from dataclasses import dataclass
from glob import escape
from itertools import islice
from pathlib import Path

import numpy as np

from ..geometry import Box
from ..sequences.base import is_bag, Source
from ..sequences.benchmarks import ImageFrames, read_benchmark, Sequence, VideoFrames
from ..sequences.folders import image_files
from ..sequences.source import open_source

_PLAIN_NAMES = ('color', 'frames', 'images', 'img', 'imgs', 'ir')
"""Folders of images whose name says nothing: every sequence of a benchmark has one."""


@dataclass(frozen=True)
class Recording:
    """A source, and what is known of the target in it."""

    source: Source
    name: str
    """Short name, for the folder of the results."""
    first: int = 0
    """Image of the source with which the sequence begins."""
    end: int | None = None
    """Image of the source behind the last one of the sequence; None: that of the source."""
    boxes: np.ndarray | None = None
    """`N x 4` true boxes from `first` on, nan where the target is absent; None: not known."""

    def box(self, image: int) -> Box:
        """Return the true box in an image; raises ValueError where there is none."""
        if self.boxes is None:
            raise ValueError(f'{self.name} has no boxes of its own: give --init x,y,w,h')
        place = image - self.first
        if not 0 <= place < len(self.boxes) or not self.boxes[place, 2:].min() > 0:
            raise ValueError(
                f'{self.name} has no box for image {image}: give --init x,y,w,h or another --start'
            )
        return Box(*self.boxes[place].tolist())


def open_recording(text: str, topic: str | None = None) -> Recording:
    """
    Open a source, or one annotated sequence in a layout that `evaluate` knows.

    That is its folder, or the name of a sequence in the folder of a set. Raises ValueError for a
    folder of several sequences, and what `open_source` raises.
    """
    path = Path(text)
    is_folder = path.is_dir() and not is_bag(path)
    if topic is None and (is_folder or (path.parent.is_dir() and not path.exists())):
        has_images = is_folder and bool(image_files(path))
        sequences = _sequences(path)
        if len(sequences) > 1 and not has_images:
            names = ', '.join(str(path / sequence.name) for sequence in sequences[:2])
            raise ValueError(f'{path} holds several sequences: name one, such as {names}')
        if len(sequences) == 1 and (not has_images or _folder(sequences[0]) == path.resolve()):
            found = _open_sequence(sequences[0])
            if found is not None:
                return found
    source = open_source(text, topic)
    plain = is_folder and source.name.lower() in _PLAIN_NAMES
    return Recording(source, path.resolve().parent.name if plain else source.name)


def _sequences(path: Path) -> list[Sequence]:
    """Return the first two sequences in a folder, or that of a name in a set; or none."""
    try:
        if path.is_dir():
            return list(islice(read_benchmark(path), 2))
        if '*' in path.name or not path.name:
            return []
        return list(read_benchmark(path.parent, pattern=escape(path.name)))
    except ValueError:
        return []


def _folder(sequence: Sequence) -> Path | None:
    """Return the folder that holds all images of a sequence."""
    frames = sequence.frames
    return frames.paths[0].parent if isinstance(frames, ImageFrames) else None


def _open_sequence(sequence: Sequence) -> Recording | None:
    """Open a sequence, also its images without truth; None where they are not one source."""
    frames, boxes = sequence.frames, sequence.boxes
    if isinstance(frames, VideoFrames):
        end = frames.first + len(frames)
        return Recording(open_source(frames.path), sequence.name, frames.first, end, boxes)
    if not isinstance(frames, ImageFrames):
        return None
    folder = frames.paths[0].parent
    paths = image_files(folder)
    first = paths.index(frames.paths[0])
    if tuple(paths[first : first + len(frames)]) != frames.paths:
        return None
    return Recording(open_source(folder), sequence.name, first, None, boxes)
